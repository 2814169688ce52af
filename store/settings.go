package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Unbind takes the card off the member: the binding, every web session and
// with them every push but the last one end together. ErrNotBound when
// nothing is bound.
func (s *Store) Unbind(ctx context.Context, personID int64, now time.Time) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec(`UPDATE people SET bound_at = NULL WHERE id = ? AND bound_at IS NOT NULL`, personID)
		switch {
		case r.Error != nil:
			return fmt.Errorf("unbind: %w", r.Error)
		case r.RowsAffected == 0:
			return ledger.ErrNotBound
		}
		if err := tx.Exec(`DELETE FROM sessions WHERE person_id = ?`, personID).Error; err != nil {
			return fmt.Errorf("end the sessions: %w", err)
		}
		if err := audit(tx, ledger.AuditEntry{At: now, Actor: "holder", Action: "unbound", PersonID: personID}); err != nil {
			return err
		}
		return s.push(tx, ledger.Event{Kind: ledger.EventUnbound, PersonID: personID, At: now})
	})
}

// LinkMember gives a person on record the WeCom member who proved to be them,
// and verifies them. ErrConflict when the member is somebody else on record,
// or the person has been verified as another member.
func (s *Store) LinkMember(ctx context.Context, personID int64, userID string, at time.Time) error {
	err := s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec(`UPDATE people SET user_id = ?, open_id = '', verified_at = ? WHERE id = ? AND verified_at IS NULL`,
			ledger.NormalUserID(userID), micros(at), personID)
		switch {
		case r.Error != nil:
			return r.Error
		case r.RowsAffected == 0:
			return ledger.ErrConflict
		}
		if err := audit(tx, ledger.AuditEntry{At: at, Actor: "member " + userID, Action: "member_linked", PersonID: personID}); err != nil {
			return err
		}
		return s.push(tx, ledger.Event{Kind: ledger.EventVerified, PersonID: personID, At: at})
	})
	if conflict(err) {
		return ledger.ErrConflict
	}
	if err != nil && !errors.Is(err, ledger.ErrConflict) {
		return fmt.Errorf("link the member: %w", err)
	}
	return err
}

// PushSettings lists the kinds a person can switch off, and whether they are
// on.
func (s *Store) PushSettings(ctx context.Context, personID int64) ([]ledger.PushSetting, error) {
	var muted []string
	if err := s.db.WithContext(ctx).Table("push_mutes").Where("person_id = ?", personID).Pluck("kind", &muted).Error; err != nil {
		return nil, fmt.Errorf("read the push settings: %w", err)
	}
	off := map[string]bool{}
	for _, k := range muted {
		off[k] = true
	}
	var out []ledger.PushSetting
	for _, k := range ledger.Mutable() {
		out = append(out, ledger.PushSetting{Kind: k, On: !off[string(k)]})
	}
	return out, nil
}

// SetPush switches one kind of push on or off; a security notice cannot be
// switched.
func (s *Store) SetPush(ctx context.Context, personID int64, kind ledger.EventKind, on bool) error {
	statement := `INSERT INTO push_mutes (person_id, kind) VALUES (?, ?) ON CONFLICT DO NOTHING`
	switch {
	case kind.Security():
		return fmt.Errorf("a %s notice cannot be switched off", kind)
	case on:
		statement = `DELETE FROM push_mutes WHERE person_id = ? AND kind = ?`
	}
	if err := s.db.WithContext(ctx).Exec(statement, personID, string(kind)).Error; err != nil {
		return fmt.Errorf("set the push setting: %w", err)
	}
	return nil
}

// SetLowBalance sets below what balance the person is told; 0 = never.
func (s *Store) SetLowBalance(ctx context.Context, personID int64, threshold ledger.Fen) error {
	return s.setPerson(ctx, personID, "low_balance_fen", int64(threshold))
}

// Audit writes down who did what to whose card; lines are never changed.
func (s *Store) Audit(ctx context.Context, e ledger.AuditEntry) error {
	return audit(s.db.WithContext(ctx), e)
}

func audit(tx *gorm.DB, e ledger.AuditEntry) error {
	err := tx.Exec(`INSERT INTO audit (at, actor, action, person_id, card_no, detail) VALUES (?, ?, ?, ?, ?, ?)`,
		micros(e.At), e.Actor, e.Action, e.PersonID, e.CardNo, e.Detail).Error
	if err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// AuditOf lists the newest accesses to a person's data.
func (s *Store) AuditOf(ctx context.Context, personID int64, limit int) ([]ledger.AuditEntry, error) {
	return readAudit(s.db.WithContext(ctx).Table("audit").Where("person_id = ?", personID), limit)
}

// AuditOfCard lists the newest accesses to a card, by its number or by its
// holder's acts.
func (s *Store) AuditOfCard(ctx context.Context, cardNo string, limit int) ([]ledger.AuditEntry, error) {
	return readAudit(s.db.WithContext(ctx).Table("audit").
		Where("card_no = ? OR person_id = (SELECT person_id FROM campus_cards WHERE card_no = ?)", cardNo, cardNo), limit)
}

// AuditOfTerminal lists the newest acts at a terminal, when it was suspended
// and what operators did to it.
func (s *Store) AuditOfTerminal(ctx context.Context, id string, limit int) ([]ledger.AuditEntry, error) {
	return readAudit(s.db.WithContext(ctx).Table("audit").Where("actor = ?", "terminal "+id), limit)
}

func readAudit(query *gorm.DB, limit int) ([]ledger.AuditEntry, error) {
	var found []struct {
		At       int64
		Actor    string
		Action   string
		PersonID int64
		CardNo   string
		Detail   string
	}
	if err := query.Order("at DESC, id DESC").Limit(limit).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the audit log: %w", err)
	}
	out := make([]ledger.AuditEntry, len(found))
	for i, e := range found {
		out[i] = ledger.AuditEntry{At: timeOf(e.At), Actor: e.Actor, Action: e.Action, PersonID: e.PersonID, CardNo: e.CardNo, Detail: e.Detail}
	}
	return out, nil
}
