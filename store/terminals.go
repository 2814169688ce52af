package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

type terminal struct {
	ID           string
	Kind         string
	Location     string
	Merchant     string
	SealedSecret []byte
	CreatedAt    int64
	DisabledAt   *int64
	SeenAt       *int64

	SuspendedUntil *int64
}

func (t terminal) ledger() ledger.Terminal {
	return ledger.Terminal{ID: t.ID, Kind: ledger.TerminalKind(t.Kind), Location: t.Location, Merchant: t.Merchant,
		SealedSecret: t.SealedSecret, CreatedAt: timeOf(t.CreatedAt), DisabledAt: timeOpt(t.DisabledAt), SeenAt: timeOpt(t.SeenAt),
		SuspendedUntil: timeOpt(t.SuspendedUntil)}
}

// AddTerminal registers a terminal; ErrTerminalExists for an id in use.
func (s *Store) AddTerminal(ctx context.Context, t ledger.Terminal) error {
	err := s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Table("terminals").Create(&terminal{ID: t.ID, Kind: string(t.Kind), Location: t.Location,
			Merchant: t.Merchant, SealedSecret: t.SealedSecret, CreatedAt: micros(t.CreatedAt)}).Error
		if err != nil {
			return err
		}
		return auditTerminal(tx, t.ID, "registered", t.CreatedAt)
	})
	if conflict(err) {
		return ledger.ErrTerminalExists
	}
	if err != nil {
		return fmt.Errorf("register the terminal: %w", err)
	}
	return nil
}

// Terminal finds a terminal, or ErrNotFound.
func (s *Store) Terminal(ctx context.Context, id string) (ledger.Terminal, error) {
	var found []terminal
	if err := s.db.WithContext(ctx).Table("terminals").Where("id = ?", id).Scan(&found).Error; err != nil {
		return ledger.Terminal{}, fmt.Errorf("read the terminal: %w", err)
	}
	if len(found) == 0 {
		return ledger.Terminal{}, ledger.ErrNotFound
	}
	return found[0].ledger(), nil
}

// Terminals lists all terminals by id.
func (s *Store) Terminals(ctx context.Context) ([]ledger.Terminal, error) {
	var found []terminal
	if err := s.db.WithContext(ctx).Table("terminals").Order("id").Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("list the terminals: %w", err)
	}
	out := make([]ledger.Terminal, len(found))
	for i, t := range found {
		out[i] = t.ledger()
	}
	return out, nil
}

// DisableTerminal takes a terminal out of service; its records stay.
func (s *Store) DisableTerminal(ctx context.Context, id string, at time.Time) error {
	return s.setTerminal(ctx, id, "disabled_at", micros(at), "disabled", at)
}

// EnableTerminal puts a terminal into service again, with the secret it has.
func (s *Store) EnableTerminal(ctx context.Context, id string, at time.Time) error {
	return s.setTerminal(ctx, id, "disabled_at", nil, "enabled", at)
}

// RotateTerminal replaces the secret; the old one ends at commit.
func (s *Store) RotateTerminal(ctx context.Context, id string, sealed []byte, at time.Time) error {
	return s.setTerminal(ctx, id, "sealed_secret", sealed, "rotated", at)
}

func (s *Store) setTerminal(ctx context.Context, id, column string, value any, action string, at time.Time) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Table("terminals").Where("id = ?", id).Update(column, value)
		switch {
		case r.Error != nil:
			return fmt.Errorf("change the terminal: %w", r.Error)
		case r.RowsAffected == 0:
			return ledger.ErrNotFound
		}
		return auditTerminal(tx, id, action, at)
	})
}

// auditTerminal writes down what an operator did to a terminal.
func auditTerminal(tx *gorm.DB, id, action string, at time.Time) error {
	return audit(tx, ledger.AuditEntry{At: at, Actor: "terminal " + id, Action: action, Detail: "by an operator"})
}

// UseNonce takes a terminal's nonce for good, or ErrNonceTaken; it outlives
// restarts. It also notes that the terminal was seen, at most once a minute.
func (s *Store) UseNonce(ctx context.Context, terminalID, nonce string, now time.Time) error {
	r := s.db.WithContext(ctx).Exec(`INSERT INTO nonces (terminal_id, nonce, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`,
		terminalID, nonce, micros(now))
	switch {
	case r.Error != nil:
		return fmt.Errorf("take the nonce: %w", r.Error)
	case r.RowsAffected == 0:
		return ledger.ErrNonceTaken
	}
	err := s.db.WithContext(ctx).Exec(`UPDATE terminals SET seen_at = ? WHERE id = ? AND (seen_at IS NULL OR seen_at < ?)`,
		micros(now), terminalID, micros(now.Add(-time.Minute))).Error
	if err != nil {
		return fmt.Errorf("note the terminal: %w", err)
	}
	return nil
}

// nonceLife is twice the clock window of a terminal's request on each side: an
// older request is stale by its time alone.
const nonceLife = 4 * 300 * time.Second

// Sweep removes what time alone has made useless: nonces outside the clock
// window, wrong passwords outside theirs, ended sessions, old tasks.
func (s *Store) Sweep(ctx context.Context, now time.Time) error {
	for table, where := range map[string]struct {
		column string
		before time.Time
	}{
		"nonces":       {"at", now.Add(-nonceLife)},
		"pin_failures": {"at", now.Add(-ledger.SuspendWindow)},
		"sessions":     {"expires_at", now},
		"tasks":        {"expires_at", now.Add(-7 * 24 * time.Hour)},
	} {
		if err := s.db.WithContext(ctx).Exec("DELETE FROM "+table+" WHERE "+where.column+" < ?", micros(where.before)).Error; err != nil {
			return fmt.Errorf("sweep %s: %w", table, err)
		}
	}
	return nil
}
