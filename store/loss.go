package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A loss stops the card in the transaction that accepts it: no claim is
// authorised after the commit, and the blacklist has a new version that
// terminals fetch. An authorisation that was out before stays, and is settled
// by the chip's evidence.

type loss struct {
	Receipt    string
	CardID     int64
	PersonID   int64
	AcceptedAt int64
	Version    int64
	EndedAt    *int64
	CardNo     string `gorm:"->"`
}

func (l loss) ledger() ledger.LossReport {
	return ledger.LossReport{Receipt: l.Receipt, CardNo: l.CardNo, AcceptedAt: timeOf(l.AcceptedAt), Version: l.Version, EndedAt: timeOpt(l.EndedAt)}
}

// covers tells whether a purchase at this moment falls to the report. Most
// terminals tell whole seconds, and a purchase in the second of the report may
// have been made before or after it: then seconds are compared, in the
// holder's favour. With the second of the un-loss the card is in use again.
func (l loss) covers(at time.Time) bool {
	from, to := timeOf(l.AcceptedAt), timeOpt(l.EndedAt)
	if at.Nanosecond() == 0 {
		from, to = from.Truncate(time.Second), to.Truncate(time.Second)
	}
	return !at.Before(from) && (to.IsZero() || at.Before(to))
}

// ReportLoss accepts a loss report; a repeat returns the same receipt.
// ErrNotFound when the person has no card, ErrCardFrozen when it is stopped
// for another reason.
func (s *Store) ReportLoss(ctx context.Context, personID int64, now time.Time) (ledger.LossReport, error) {
	var done ledger.LossReport
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, err := lockCard(tx, "person_id = ? AND status <> 'closed'", personID)
		if err != nil {
			return notFound(err)
		}
		switch ledger.CardStatus(card.Status) {
		case ledger.CardLost:
			done, err = openLoss(tx, card)
			return err
		case ledger.CardNormal:
		default:
			return ledger.ErrCardFrozen
		}
		l, err := s.lose(tx, card, now)
		if err != nil {
			return err
		}
		done = l.ledger()
		return s.turn(tx, card, ledger.CardLost, ledger.EventLoss, "loss_reported", l.Receipt, now)
	})
	if err != nil {
		return ledger.LossReport{}, err
	}
	return s.reach(ctx, done)
}

// lose writes down that a card is lost, and puts it on the blacklist.
func (s *Store) lose(tx *gorm.DB, card campusCard, now time.Time) (loss, error) {
	version, err := s.nextVersion(tx, card.CardNo, true, now)
	if err != nil {
		return loss{}, err
	}
	l := loss{Receipt: s.receipt(now), CardID: card.ID, PersonID: card.PersonID, AcceptedAt: micros(now), Version: version, CardNo: card.CardNo}
	if err := tx.Table("losses").Create(&l).Error; err != nil {
		return loss{}, fmt.Errorf("write the loss report: %w", err)
	}
	return l, nil
}

// receipt is a number a holder can read out: the campus's day and eight letters.
func (s *Store) receipt(now time.Time) string {
	return "GS" + now.In(s.zone).Format("20060102") + "-" + ledger.NewID()[:8]
}

func notFound(err error) error {
	if errors.Is(err, ledger.ErrCardNotFound) {
		return ledger.ErrNotFound
	}
	return err
}

func openLoss(tx *gorm.DB, card campusCard) (ledger.LossReport, error) {
	var found []loss
	if err := tx.Table("losses").Where("card_id = ? AND ended_at IS NULL", card.ID).Scan(&found).Error; err != nil {
		return ledger.LossReport{}, fmt.Errorf("read the loss report: %w", err)
	}
	if len(found) == 0 {
		return ledger.LossReport{}, ledger.ErrNotLost
	}
	found[0].CardNo = card.CardNo
	return found[0].ledger(), nil
}

// turn changes the card's status, writes it down and tells the holder.
func (s *Store) turn(tx *gorm.DB, card campusCard, to ledger.CardStatus, told ledger.EventKind, action, receipt string, now time.Time) error {
	if err := tx.Exec(`UPDATE campus_cards SET status = ? WHERE id = ?`, string(to), card.ID).Error; err != nil {
		return fmt.Errorf("set the card's status: %w", err)
	}
	if err := audit(tx, ledger.AuditEntry{At: now, Actor: "holder", Action: action, PersonID: card.PersonID, CardNo: card.CardNo, Detail: receipt}); err != nil {
		return err
	}
	return s.push(tx, ledger.Event{Kind: told, PersonID: card.PersonID, CardNo: card.CardNo, Ref: receipt, At: now})
}

// nextVersion appends a change to the blacklist. The lock keeps versions
// without a gap, so that a terminal's "since" never skips one still to commit.
func (s *Store) nextVersion(tx *gorm.DB, cardNo string, lost bool, now time.Time) (int64, error) {
	if !s.Embedded() {
		if err := tx.Exec("LOCK TABLE blacklist IN EXCLUSIVE MODE").Error; err != nil {
			return 0, fmt.Errorf("lock the blacklist: %w", err)
		}
	}
	var version int64
	err := tx.Raw(`INSERT INTO blacklist (version, card_no, lost, at) SELECT COALESCE(MAX(version), 0) + 1, ?, ?, ? FROM blacklist RETURNING version`,
		cardNo, lost, micros(now)).Scan(&version).Error
	if err != nil {
		return 0, fmt.Errorf("append to the blacklist: %w", err)
	}
	return version, nil
}

// CancelLoss takes a loss report back. The caller has seen the password and a
// fresh code. ErrNotLost when the card is not reported lost.
func (s *Store) CancelLoss(ctx context.Context, personID int64, now time.Time) (ledger.LossReport, error) {
	var done ledger.LossReport
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, err := lockCard(tx, "person_id = ? AND status <> 'closed'", personID)
		if err != nil {
			return notFound(err)
		}
		if ledger.CardStatus(card.Status) != ledger.CardLost {
			return ledger.ErrNotLost
		}
		if done, err = openLoss(tx, card); err != nil {
			return err
		}
		if _, err := s.nextVersion(tx, card.CardNo, false, now); err != nil {
			return err
		}
		if err := tx.Exec(`UPDATE losses SET ended_at = ? WHERE receipt = ?`, micros(now), done.Receipt).Error; err != nil {
			return fmt.Errorf("end the loss report: %w", err)
		}
		done.EndedAt = now
		return s.turn(tx, card, ledger.CardNormal, ledger.EventLossCancelled, "loss_cancelled", done.Receipt, now)
	})
	return done, err
}

// LossState reads the newest loss report of the person's card in use and how
// far it has reached; ErrNotFound if there never was one.
func (s *Store) LossState(ctx context.Context, personID int64) (ledger.LossReport, error) {
	var found []loss
	err := s.db.WithContext(ctx).Raw(`SELECT l.*, c.card_no FROM losses l JOIN campus_cards c ON c.id = l.card_id AND c.status <> 'closed'
		WHERE l.person_id = ? ORDER BY l.accepted_at DESC LIMIT 1`, personID).Scan(&found).Error
	if err != nil {
		return ledger.LossReport{}, fmt.Errorf("read the loss report: %w", err)
	}
	if len(found) == 0 {
		return ledger.LossReport{}, ledger.ErrNotFound
	}
	return s.reach(ctx, found[0].ledger())
}

// reach counts the terminals that have fetched the list since.
func (s *Store) reach(ctx context.Context, l ledger.LossReport) (ledger.LossReport, error) {
	var n struct{ Terminals, Informed int }
	err := s.db.WithContext(ctx).Raw(`SELECT COUNT(*) AS terminals, COALESCE(SUM(CASE WHEN blacklist_version >= ? THEN 1 ELSE 0 END), 0) AS informed
		FROM terminals WHERE disabled_at IS NULL`, l.Version).Scan(&n).Error
	if err != nil {
		return l, fmt.Errorf("count the terminals: %w", err)
	}
	l.Terminals, l.Informed = n.Terminals, n.Informed
	return l, nil
}

// hadList tells of a purchase n with a card c whether the list that the
// terminal had at that moment named the card: what was said of it last, up to
// the version fetched by then.
const hadList = `COALESCE((SELECT b.lost FROM blacklist b WHERE b.card_no = c.card_no AND b.version <= COALESCE((
	SELECT MAX(f.version) FROM blacklist_fetches f WHERE f.terminal_id = n.terminal_id AND f.at <= n.occurred_at), 0)
	ORDER BY b.version DESC LIMIT 1), FALSE)`

// SpentAfterLoss lists the purchases that fall to a loss report of the person,
// the oldest 100.
func (s *Store) SpentAfterLoss(ctx context.Context, personID int64, receipt string) ([]ledger.SpentAfterLoss, error) {
	var found []struct {
		OccurredAt int64
		AmountFen  int64
		Name       string
		TerminalID string
		Informed   bool
	}
	err := s.db.WithContext(ctx).Raw(`SELECT n.occurred_at, n.amount_fen, m.name, n.terminal_id, `+hadList+` AS informed
		FROM losses l JOIN campus_cards c ON c.id = l.card_id
		JOIN consumptions n ON n.card_id = l.card_id AND n.occurred_at > l.accepted_at - 1000000 AND n.occurred_at < COALESCE(l.ended_at, n.occurred_at + 1)
		JOIN merchants m ON m.id = n.merchant_id
		WHERE l.receipt = ? AND l.person_id = ? AND n.after_loss ORDER BY n.occurred_at, n.spend_seq LIMIT 100`, receipt, personID).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("list what was spent after the loss: %w", err)
	}
	out := make([]ledger.SpentAfterLoss, len(found))
	for i, f := range found {
		out[i] = ledger.SpentAfterLoss{At: time.UnixMicro(f.OccurredAt), Amount: ledger.Fen(f.AmountFen), Where: f.Name, TerminalID: f.TerminalID, Informed: f.Informed}
	}
	return out, nil
}

// tooFarBehind is how many changes a terminal may have missed before the
// whole list is the shorter answer.
const tooFarBehind = 1000

// Blacklist gives a terminal what changed since the version it has, and notes
// which version it has from now on. since 0, ahead of ours or too far behind
// gets the whole list.
func (s *Store) Blacklist(ctx context.Context, terminalID string, since int64, now time.Time) (ledger.Blacklist, error) {
	var b ledger.Blacklist
	err := s.tx(ctx, func(tx *gorm.DB) error {
		if err := tx.Raw(`SELECT COALESCE(MAX(version), 0) FROM blacklist`).Scan(&b.Version).Error; err != nil {
			return fmt.Errorf("read the blacklist's version: %w", err)
		}
		var all []string
		err := tx.Raw(`SELECT card_no FROM blacklist b WHERE lost AND version <= ? AND version = (SELECT MAX(version) FROM blacklist n
			WHERE n.card_no = b.card_no AND n.version <= ?) ORDER BY card_no`, b.Version, b.Version).Scan(&all).Error
		if err != nil {
			return fmt.Errorf("read the blacklist: %w", err)
		}
		b.Checksum = checksum(all)
		b.Full = since <= 0 || since > b.Version || b.Version-since > tooFarBehind
		if b.Full {
			b.Add = all
		} else if err := changes(tx, since, &b); err != nil {
			return err
		}
		r := tx.Exec(`UPDATE terminals SET blacklist_version = ?, blacklist_at = ? WHERE id = ? AND (blacklist_version <> ? OR blacklist_at IS NULL)`,
			b.Version, micros(now), terminalID, b.Version)
		if r.Error != nil || r.RowsAffected == 0 {
			return r.Error
		}
		return tx.Exec(`INSERT INTO blacklist_fetches (terminal_id, version, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
			terminalID, b.Version, micros(now)).Error
	})
	return b, err
}

// changes gives each card's last word since a version.
func changes(tx *gorm.DB, since int64, b *ledger.Blacklist) error {
	var changed []struct {
		CardNo string
		Lost   bool
	}
	err := tx.Raw(`SELECT card_no, lost FROM blacklist b WHERE version > ? AND version <= ? AND version = (SELECT MAX(version) FROM blacklist n
		WHERE n.card_no = b.card_no AND n.version <= ?) ORDER BY version`, since, b.Version, b.Version).Scan(&changed).Error
	if err != nil {
		return fmt.Errorf("read the blacklist's changes: %w", err)
	}
	for _, c := range changed {
		if c.Lost {
			b.Add = append(b.Add, c.CardNo)
		} else {
			b.Remove = append(b.Remove, c.CardNo)
		}
	}
	return nil
}

func checksum(cardNos []string) string {
	h := sha256.New()
	for _, no := range cardNos {
		fmt.Fprintln(h, no)
	}
	return hex.EncodeToString(h.Sum(nil))
}
