package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A machine that sees too many wrong query passwords is a machine that
// guesses. The count is in the database, over all replicas, so that neither a
// restart nor the loss of Redis buys it more.

// PINFailed counts a wrong query password at a machine. The one that uses up
// the budget (ledger.SuspendAfter in ledger.SuspendWindow) suspends the
// machine and tells the audit log, in one transaction; suspended is the end of
// that, else zero. While the machine is suspended already it is
// *ledger.SuspendedError and nothing is counted.
func (s *Store) PINFailed(ctx context.Context, terminalID string, now time.Time) (suspended time.Time, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		var found []terminal
		if err := forUpdate(tx.Table("terminals").Where("id = ?", terminalID)).Scan(&found).Error; err != nil {
			return fmt.Errorf("lock the terminal: %w", err)
		}
		if len(found) == 0 {
			return ledger.ErrNotFound
		}
		if until := timeOpt(found[0].SuspendedUntil); now.Before(until) {
			return &ledger.SuspendedError{Until: until}
		}
		if err := tx.Exec(`INSERT INTO pin_failures (terminal_id, at) VALUES (?, ?)`, terminalID, micros(now)).Error; err != nil {
			return fmt.Errorf("count the wrong password: %w", err)
		}
		var failures int64
		if err := tx.Raw(`SELECT COUNT(*) FROM pin_failures WHERE terminal_id = ? AND at > ?`, terminalID, micros(now.Add(-ledger.SuspendWindow))).
			Scan(&failures).Error; err != nil {
			return fmt.Errorf("count the wrong passwords: %w", err)
		}
		if failures < ledger.SuspendAfter {
			return nil
		}
		suspended = now.Add(ledger.Suspension)
		detail := fmt.Sprintf("%d wrong query passwords within %s; it takes none until %s",
			failures, ledger.SuspendWindow, suspended.In(s.zone).Format(time.DateTime))
		if err := s.suspend(tx, terminalID, &suspended); err != nil {
			return err
		}
		return audit(tx, ledger.AuditEntry{At: now, Actor: "terminal " + terminalID, Action: "suspended", Detail: detail})
	})
	return suspended, err
}

// ResumeTerminal lifts a suspension before its time, by an operator's word.
// ErrNotFound for an unknown terminal.
func (s *Store) ResumeTerminal(ctx context.Context, id string, now time.Time) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		var found []string
		if err := forUpdate(tx.Table("terminals").Select("id").Where("id = ?", id)).Scan(&found).Error; err != nil {
			return fmt.Errorf("lock the terminal: %w", err)
		}
		if len(found) == 0 {
			return ledger.ErrNotFound
		}
		if err := s.suspend(tx, id, nil); err != nil {
			return err
		}
		return auditTerminal(tx, id, "resumed", now)
	})
}

// suspend sets the end of a suspension and starts the count anew.
func (s *Store) suspend(tx *gorm.DB, id string, until *time.Time) error {
	var end any
	if until != nil {
		end = micros(*until)
	}
	if err := tx.Exec(`UPDATE terminals SET suspended_until = ? WHERE id = ?`, end, id).Error; err != nil {
		return fmt.Errorf("suspend the terminal: %w", err)
	}
	if err := tx.Exec(`DELETE FROM pin_failures WHERE terminal_id = ?`, id).Error; err != nil {
		return fmt.Errorf("forget the wrong passwords: %w", err)
	}
	return nil
}
