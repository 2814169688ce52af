package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

type transfer struct {
	ID             string
	PersonID       int64
	Kind           string
	SourceRef      string
	Title          string
	AmountFen      int64
	State          string
	ClaimID        *string
	TerminalID     string
	CreatedAt      int64
	ClaimedAt      *int64
	RefundedAt     *int64
	ClaimExpiresAt *int64 `gorm:"->"`
}

// ledger gives the transfer as it is at now: in flight past the time for its
// confirmation is in doubt. The zero now leaves in flight as it is.
func (t transfer) ledger(now time.Time) ledger.Transfer {
	state := ledger.TransferState(t.State)
	if state == ledger.TransferInFlight && !now.IsZero() && t.ClaimExpiresAt != nil && micros(now) > *t.ClaimExpiresAt {
		state = ledger.TransferInDoubt
	}
	return ledger.Transfer{ID: t.ID, PersonID: t.PersonID, Kind: t.Kind, Title: t.Title, Amount: ledger.Fen(t.AmountFen), State: state,
		CreatedAt: timeOf(t.CreatedAt), ClaimedAt: timeOpt(t.ClaimedAt), RefundedAt: timeOpt(t.RefundedAt), TerminalID: t.TerminalID, ClaimID: deref(t.ClaimID)}
}

const selectTransfer = `SELECT t.*, k.expires_at AS claim_expires_at FROM transfers t LEFT JOIN claims k ON k.id = t.claim_id `

// PendingTransfers lists what still waits for the person, oldest first:
// pending, in flight and in doubt.
func (s *Store) PendingTransfers(ctx context.Context, personID int64, now time.Time) ([]ledger.Transfer, error) {
	return readTransfers(s.db.WithContext(ctx), now,
		"WHERE t.person_id = ? AND t.state IN ('pending', 'in_flight') ORDER BY t.created_at, t.id", personID)
}

// Transfers lists the person's newest transfers in all states.
func (s *Store) Transfers(ctx context.Context, personID int64, limit int, now time.Time) ([]ledger.Transfer, error) {
	return readTransfers(s.db.WithContext(ctx), now, "WHERE t.person_id = ? ORDER BY t.created_at DESC, t.id LIMIT ?", personID, limit)
}

// TransfersBetween lists transfers made from (inclusive) to to (exclusive),
// newest first.
func (s *Store) TransfersBetween(ctx context.Context, personID int64, from, to, now time.Time) ([]ledger.Transfer, error) {
	return readTransfers(s.db.WithContext(ctx), now,
		"WHERE t.person_id = ? AND t.created_at >= ? AND t.created_at < ? ORDER BY t.created_at DESC, t.id", personID, micros(from), micros(to))
}

func readTransfers(tx *gorm.DB, now time.Time, where string, args ...any) ([]ledger.Transfer, error) {
	var found []transfer
	if err := tx.Raw(selectTransfer+where, args...).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the transfers: %w", err)
	}
	out := make([]ledger.Transfer, len(found))
	for i, t := range found {
		out[i] = t.ledger(now)
	}
	return out, nil
}

// transferColumns are what an act reads of a transfer, fields where they go.
const transferColumns = `t.id, t.person_id, t.kind, t.title, t.amount_fen, t.state, t.claim_id, t.terminal_id, t.created_at, t.claimed_at`

func (t *transfer) fields() []any {
	return []any{&t.ID, &t.PersonID, &t.Kind, &t.Title, &t.AmountFen, &t.State, &t.ClaimID, &t.TerminalID, &t.CreatedAt, &t.ClaimedAt}
}

// askTransfers adds transfers of the act's own rows to list with the next
// flush.
func askTransfers(tx *gorm.DB, list *[]ledger.Transfer, from string, args ...any) error {
	return ask(tx, "read the transfers", func(r scanner) error {
		var t transfer
		err := r.Scan(t.fields()...)
		*list = append(*list, t.ledger(time.Time{}))
		return err
	}, `SELECT `+transferColumns+` `+from, args...)
}
