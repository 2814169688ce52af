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

// SettleClaim ends a held claim by a person's decision: the money was written
// to the chip, or it goes back to pending. The reason names who decided and
// on what. ErrClaimNotFound; ErrClaimNotHeld while the chip can still speak
// for itself.
func (s *Store) SettleClaim(ctx context.Context, claimID string, written bool, reason string, now time.Time) (ledger.Claim, error) {
	var done ledger.Claim
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, _, c, err := lockClaim(tx, claimID)
		switch {
		case err != nil:
			return err
		case c.State != ledger.ClaimOpen || c.HeldAt.IsZero():
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
