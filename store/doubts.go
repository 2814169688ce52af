package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// OpenClaims lists every claim whose outcome is not known yet, oldest first.
func (s *Store) OpenClaims(ctx context.Context) ([]ledger.Claim, error) {
	var found []claim
	if err := s.db.WithContext(ctx).Raw(selectClaim + "WHERE k.state = 'open' ORDER BY k.created_at").Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("list the open claims: %w", err)
	}
	out := make([]ledger.Claim, len(found))
	for i, c := range found {
		out[i] = c.ledger()
	}
	return out, nil
}

// SettleClaim ends by a person's decision a claim that is held, or in doubt
// because its card never came back (spec 4.4: a destroyed card would keep the
// money in flight for ever): the money was written to the chip, or it goes
// back to pending. The reason names who decided and on what.
// ErrClaimNotFound; ErrClaimNotHeld while its terminal may still be writing,
// and for one that has ended.
func (s *Store) SettleClaim(ctx context.Context, claimID string, written bool, reason string, now time.Time) (ledger.Claim, error) {
	var done ledger.Claim
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, _, c, err := lockClaim(tx, claimID)
		switch {
		case err != nil:
			return err
		case c.State != ledger.ClaimOpen, c.HeldAt.IsZero() && !now.After(c.ExpiresAt):
			return ledger.ErrClaimNotHeld
		}
		// The chip as it was last trusted, moved on by the decision.
		chip := c.Before
		if written {
			chip = c.Expected()
			err = s.settle(ctx, tx, card, c, chip, "decided: "+reason, now)
		} else {
			err = s.release(ctx, tx, card, c, chip, "decided: "+reason, now)
		}
		if err != nil {
			return err
		}
		err = audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "claim_decided", PersonID: c.PersonID, CardNo: c.CardNo, Detail: c.ID + ": " + reason})
		if err != nil {
			return err
		}
		_, _, done, err = lockClaim(tx, claimID)
		return err
	})
	return done, err
}
