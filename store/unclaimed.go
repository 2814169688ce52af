package store

import (
	"context"
	"fmt"
	"time"

	"xiaoka/ledger"
)

// Unclaimed lists transfers that were made before a moment and still wait:
// pending, in flight or in doubt, oldest first.
func (s *Store) Unclaimed(ctx context.Context, before, now time.Time) ([]ledger.Unclaimed, error) {
	var found []struct {
		Transfer  transfer `gorm:"embedded"`
		StudentNo string
		Name      string
		CardNo    *string
	}
	err := s.db.WithContext(ctx).Raw(`SELECT t.*, k.expires_at AS claim_expires_at, p.student_no, p.name, c.card_no
		FROM transfers t JOIN people p ON p.id = t.person_id
		LEFT JOIN campus_cards c ON c.person_id = t.person_id AND c.status <> 'closed'
		LEFT JOIN claims k ON k.id = t.claim_id
		WHERE t.state IN ('pending', 'in_flight') AND t.created_at <= ? ORDER BY t.created_at, t.id`, micros(before)).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read the unclaimed transfers: %w", err)
	}
	out := make([]ledger.Unclaimed, len(found))
	for i, f := range found {
		out[i] = ledger.Unclaimed{Transfer: f.Transfer.ledger(now), StudentNo: f.StudentNo, Name: f.Name, CardNo: deref(f.CardNo)}
	}
	return out, nil
}
