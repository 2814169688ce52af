package store

import (
	"context"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Tries are counted before they are checked and committed whatever comes out,
// so that no number of parallel guesses gets one more than stated, and neither
// a crash nor the loss of Redis forgets one.

// IssueCode records a code that is about to be sent. It applies the limits per
// person, per address and over everybody, and voids earlier codes for the same
// purpose; over a limit it is *ledger.CodeTooSoonError and nothing changes.
func (s *Store) IssueCode(ctx context.Context, c ledger.NewCode) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		if err := s.lockAddress(tx, c.AddressHash); err != nil {
			return err
		}
		var person []int64
		if err := forUpdate(tx.Table("people").Select("id").Where("id = ?", c.PersonID)).Scan(&person).Error; err != nil {
			return fmt.Errorf("lock the person: %w", err)
		}
		var issued []int64
		err := tx.Raw(`SELECT issued_at FROM codes WHERE person_id = ? AND issued_at > ?
			UNION ALL SELECT issued_at FROM codes WHERE address_hash = ? AND issued_at > ? AND person_id <> ?
			ORDER BY issued_at DESC LIMIT ?`,
			c.PersonID, micros(c.Now.Add(-24*time.Hour)), c.AddressHash, micros(c.Now.Add(-24*time.Hour)), c.PersonID,
			2*ledger.CodesADay).Scan(&issued).Error
		if err != nil {
			return fmt.Errorf("count the codes: %w", err)
		}
		if wait := tooSoon(issued, c.Now); wait > 0 {
			return &ledger.CodeTooSoonError{RetryAfter: wait}
		}
		if err := s.underCap(tx, c); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE codes SET ended_at = ? WHERE person_id = ? AND purpose = ? AND ended_at IS NULL`,
			micros(c.Now), c.PersonID, string(c.Purpose)).Error; err != nil {
			return fmt.Errorf("void the earlier code: %w", err)
		}
		err = tx.Exec(`INSERT INTO codes (person_id, purpose, channel, address_hash, code_hash, issued_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			c.PersonID, string(c.Purpose), string(c.Channel), c.AddressHash, c.CodeHash, micros(c.Now), micros(c.Now.Add(c.TTL))).Error
		if err != nil {
			return fmt.Errorf("store the code: %w", err)
		}
		return nil
	})
}

// lockAddress makes requests for one mailbox or phone wait for each other,
// whoever they are for. SQLite has one writer at a time anyway.
func (s *Store) lockAddress(tx *gorm.DB, addressHash []byte) error {
	if s.Embedded() || len(addressHash) < 8 {
		return nil
	}
	return tx.Exec("SELECT pg_advisory_xact_lock(?)", int64(binary.BigEndian.Uint64(addressHash))).Error
}

// codesLock makes those wait for each other who may issue the last code of an
// hour. It is taken after every other lock.
const codesLock = 0x636f6465 // any number of our own

// underCap applies the cap on codes over everybody.
func (s *Store) underCap(tx *gorm.DB, c ledger.NewCode) error {
	if c.HourlyMax <= 0 {
		return nil
	}
	if !s.Embedded() {
		if err := tx.Exec("SELECT pg_advisory_xact_lock(?)", codesLock).Error; err != nil {
			return fmt.Errorf("lock the codes: %w", err)
		}
	}
	var last []int64
	err := tx.Raw(`SELECT issued_at FROM codes WHERE issued_at > ? ORDER BY issued_at DESC LIMIT 1 OFFSET ?`,
		micros(c.Now.Add(-time.Hour)), c.HourlyMax-1).Scan(&last).Error
	if err != nil {
		return fmt.Errorf("count everybody's codes: %w", err)
	}
	if len(last) > 0 {
		return &ledger.CodeTooSoonError{RetryAfter: timeOf(last[0]).Add(time.Hour).Sub(c.Now), Everybody: true}
	}
	return nil
}

// tooSoon gives the time until every window has room again; issued is newest
// first and no older than a day.
func tooSoon(issued []int64, now time.Time) time.Duration {
	var wait time.Duration
	for _, limit := range []struct {
		n      int
		window time.Duration
	}{{ledger.CodesAMinute, time.Minute}, {ledger.CodesAnHour, time.Hour}, {ledger.CodesADay, 24 * time.Hour}} {
		if len(issued) < limit.n {
			continue
		}
		if left := timeOf(issued[limit.n-1]).Add(limit.window).Sub(now); left > wait {
			wait = left
		}
	}
	return wait
}

// TryCode counts one try, then compares; nil exactly once for the right code.
// Errors: ErrNoCode, ErrCodeExpired, ErrCodeBurnt, *CodeWrongError.
func (s *Store) TryCode(ctx context.Context, t ledger.CodeTry) error {
	var verdict error
	err := s.tx(ctx, func(tx *gorm.DB) error {
		var found []struct {
			ID        int64
			Channel   string
			CodeHash  []byte
			ExpiresAt int64
			Tries     int
			EndedAt   *int64
		}
		if err := forUpdate(tx.Table("codes").Where("person_id = ? AND purpose = ?", t.PersonID, string(t.Purpose)).
			Order("issued_at DESC, id DESC").Limit(1)).Scan(&found).Error; err != nil {
			return fmt.Errorf("read the code: %w", err)
		}
		if len(found) == 0 {
			verdict = ledger.ErrNoCode
			return nil
		}
		c := found[0]
		switch {
		case c.EndedAt != nil && c.Tries >= ledger.CodeTries && t.Now.Before(timeOf(c.ExpiresAt)):
			verdict = ledger.ErrCodeBurnt
			return nil
		case c.EndedAt != nil:
			verdict = ledger.ErrNoCode
			return nil
		case !t.Now.Before(timeOf(c.ExpiresAt)):
			verdict = ledger.ErrCodeExpired
			return nil
		}
		right := subtle.ConstantTimeCompare(t.CodeHashes[ledger.Channel(c.Channel)], c.CodeHash) == 1
		set := map[string]any{"tries": c.Tries + 1}
		left := ledger.CodeTries - c.Tries - 1
		switch {
		case right:
			set["ended_at"] = micros(t.Now)
		case left == 0:
			set["ended_at"] = micros(t.Now)
			verdict = ledger.ErrCodeBurnt
		default:
			verdict = &ledger.CodeWrongError{TriesLeft: left}
		}
		if err := tx.Table("codes").Where("id = ?", c.ID).Updates(set).Error; err != nil {
			return fmt.Errorf("count the try: %w", err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	return verdict
}

// CodeAwaited tells by which channel a code was sent for the purpose that can
// still be used, none if it is empty, and how long the person's limits keep the
// next one, for whatever purpose; those of the address and over everybody only
// IssueCode knows.
func (s *Store) CodeAwaited(ctx context.Context, personID int64, p ledger.Purpose, now time.Time) (sent ledger.Channel, wait time.Duration, err error) {
	var codes []struct {
		Channel  ledger.Channel
		Usable   bool
		IssuedAt int64
	}
	err = s.db.WithContext(ctx).Raw(`SELECT channel, issued_at, (purpose = ? AND ended_at IS NULL AND expires_at > ?) AS usable FROM codes
		WHERE person_id = ? AND (issued_at > ? OR expires_at > ?) ORDER BY issued_at DESC`,
		string(p), micros(now), personID, micros(now.Add(-24*time.Hour)), micros(now)).Scan(&codes).Error
	if err != nil {
		return "", 0, fmt.Errorf("look for a code: %w", err)
	}
	issued := make([]int64, len(codes))
	for i, c := range codes {
		if issued[i] = c.IssuedAt; c.Usable && sent == "" {
			sent = c.Channel
		}
	}
	return sent, tooSoon(issued, now), nil
}

// BeginPasswordTry counts a try as wrong before anybody hashes anything;
// PasswordTryOK takes that back. While the password is locked it is
// *ledger.PasswordLockedError and no try is taken.
func (s *Store) BeginPasswordTry(ctx context.Context, personID int64, now time.Time) (ledger.PasswordTry, error) {
	var try ledger.PasswordTry
	err := s.tx(ctx, func(tx *gorm.DB) error {
		var found []struct {
			Hash        string
			Initial     bool
			Fails       int
			LockedUntil int64
		}
		if err := forUpdate(tx.Table("passwords").Where("person_id = ?", personID)).Scan(&found).Error; err != nil {
			return fmt.Errorf("read the password row: %w", err)
		}
		if len(found) == 0 {
			return ledger.ErrNotFound
		}
		w := found[0]
		if until := timeOf(w.LockedUntil); now.Before(until) {
			return &ledger.PasswordLockedError{Until: until}
		}
		fails := w.Fails + 1
		try = ledger.PasswordTry{Hash: w.Hash, Initial: w.Initial, TriesLeft: ledger.PasswordTries - 1 - w.Fails%ledger.PasswordTries}
		set := map[string]any{"fails": fails}
		if try.TriesLeft == 0 {
			try.LockUntil = now.Add(ledger.PasswordLock)
			if fails >= ledger.PasswordHard {
				try.LockUntil = now.Add(ledger.PasswordDay)
			}
			set["locked_until"] = micros(try.LockUntil)
		}
		if err := tx.Table("passwords").Where("person_id = ?", personID).Updates(set).Error; err != nil {
			return fmt.Errorf("count the try: %w", err)
		}
		return nil
	})
	return try, err
}

// PasswordLocked writes down that a wrong try put the lock on, and tells the
// holder, who may not be the one who tried.
func (s *Store) PasswordLocked(ctx context.Context, personID int64, until, now time.Time) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		if err := audit(tx, ledger.AuditEntry{At: now, Actor: "system", Action: "password_locked", PersonID: personID,
			Detail: "too many wrong tries; until " + until.In(s.zone).Format(time.DateTime)}); err != nil {
			return err
		}
		return s.push(tx, ledger.Event{Kind: ledger.EventPasswordLocked, PersonID: personID, At: now})
	})
}

// PasswordTryOK forgets the wrong tries before a right one.
func (s *Store) PasswordTryOK(ctx context.Context, personID int64, _ time.Time) error {
	err := s.db.WithContext(ctx).Table("passwords").Where("person_id = ?", personID).
		Updates(map[string]any{"fails": 0, "locked_until": 0}).Error
	if err != nil {
		return fmt.Errorf("reset the tries: %w", err)
	}
	return nil
}

// SetPassword stores an own password; it ends the lock and the count. Changing
// one that was own already is told to the person.
func (s *Store) SetPassword(ctx context.Context, personID int64, hash string, at time.Time) error {
	if hash == "" {
		return errors.New("an own password needs a hash")
	}
	return s.tx(ctx, func(tx *gorm.DB) error {
		var initial []bool
		if err := forUpdate(tx.Table("passwords").Select("initial").Where("person_id = ?", personID)).Scan(&initial).Error; err != nil {
			return fmt.Errorf("read the password row: %w", err)
		}
		if len(initial) == 0 {
			return ledger.ErrNotFound
		}
		err := tx.Table("passwords").Where("person_id = ?", personID).Updates(map[string]any{
			"hash": hash, "initial": false, "fails": 0, "locked_until": 0, "changed_at": micros(at)}).Error
		if err != nil {
			return fmt.Errorf("store the password: %w", err)
		}
		if err := audit(tx, ledger.AuditEntry{At: at, Actor: "holder", Action: "password_changed", PersonID: personID}); err != nil {
			return err
		}
		if initial[0] {
			return nil
		}
		return s.push(tx, ledger.Event{Kind: ledger.EventPasswordChanged, PersonID: personID, At: at})
	})
}

// PasswordState tells whether the initial password still serves and until
// when the password is locked (zero = it is not).
func (s *Store) PasswordState(ctx context.Context, personID int64, now time.Time) (initial bool, lockedUntil time.Time, err error) {
	var found []struct {
		Initial     bool
		LockedUntil int64
	}
	if err := s.db.WithContext(ctx).Table("passwords").Where("person_id = ?", personID).Scan(&found).Error; err != nil {
		return false, time.Time{}, fmt.Errorf("read the password row: %w", err)
	}
	if len(found) == 0 {
		return false, time.Time{}, ledger.ErrNotFound
	}
	if until := timeOf(found[0].LockedUntil); now.Before(until) {
		lockedUntil = until
	}
	return found[0].Initial, lockedUntil, nil
}
