package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// What readers saw of the chips. The counters order everything; a state that
// cannot follow from what was seen before is kept as a case for a person, and
// loads nothing.

type campusCard struct {
	ID            int64
	CardNo        string
	PersonID      int64
	Status        string
	BalanceFen    int64
	ChipLoadSeq   *int64
	ChipSpendSeq  *int64
	FirstSpendSeq *int64
	Records       int64
}

func lockCard(tx *gorm.DB, where string, args ...any) (campusCard, error) {
	var found []campusCard
	if err := forUpdate(tx.Table("campus_cards").Where(where, args...)).Scan(&found).Error; err != nil {
		return campusCard{}, fmt.Errorf("lock the card: %w", err)
	}
	if len(found) == 0 {
		return campusCard{}, ledger.ErrCardNotFound
	}
	return found[0], nil
}

func usable(c campusCard) error {
	switch ledger.CardStatus(c.Status) {
	case ledger.CardNormal:
		return nil
	case ledger.CardLost:
		return ledger.ErrCardLost
	}
	return ledger.ErrCardFrozen
}

// observe takes in what a reader saw: it settles the card's open claim by the
// evidence and remembers the newest counters. refused is ErrClaimInProgress
// while another terminal may still write, ErrChipOutOfStep when the counters
// cannot be.
func (s *Store) observe(ctx context.Context, tx *gorm.DB, card campusCard, chip ledger.Chip, terminalID string, now time.Time) (refused, err error) {
	open, err := openClaim(tx, card.ID)
	if err != nil {
		return nil, err
	}
	if open == nil {
		if known(card, chip) {
			return nil, see(tx, card, chip, now)
		}
		return ledger.ErrChipOutOfStep, outOfStep(tx, card, chip, now)
	}
	c := open.ledger()
	switch c.Judge(chip) {
	case ledger.Written:
		return nil, s.settle(ctx, tx, card, c, chip, "seen at "+terminalID, now)
	case ledger.Unwritten:
		if terminalID != c.TerminalID && !now.After(c.ExpiresAt) {
			return ledger.ErrClaimInProgress, nil
		}
		return nil, release(tx, card, c, chip, "seen at "+terminalID, now)
	}
	if err := holdFor(tx, c.ID, now); err != nil {
		return nil, err
	}
	return ledger.ErrChipOutOfStep, outOfStep(tx, card, chip, now)
}

// known tells whether the chip follows from what was last seen: the same
// loads, and no fewer purchases. The first chip seen sets the counters.
func known(c campusCard, chip ledger.Chip) bool {
	return c.ChipLoadSeq == nil || (chip.LoadSeq == *c.ChipLoadSeq && chip.SpendSeq >= *c.ChipSpendSeq)
}

// see remembers the newest chip; the first one also starts the count of
// purchases. Whether its balance follows from the books is for the ledger
// check to say once the records are in.
func see(tx *gorm.DB, card campusCard, chip ledger.Chip, now time.Time) error {
	first := chip.SpendSeq
	if card.FirstSpendSeq != nil {
		first = *card.FirstSpendSeq
	}
	err := tx.Exec(`UPDATE campus_cards SET chip_load_seq = ?, chip_spend_seq = ?, chip_balance_fen = ?, first_spend_seq = ?, as_of = ?
		WHERE id = ?`, chip.LoadSeq, chip.SpendSeq, int64(chip.Balance), first, micros(now), card.ID).Error
	if err != nil {
		return fmt.Errorf("remember the chip: %w", err)
	}
	return nil
}

func outOfStep(tx *gorm.DB, card campusCard, chip ledger.Chip, now time.Time) error {
	return recordCase(tx, ledger.Case{Kind: "chip_out_of_step", CardNo: card.CardNo,
		Ref:    fmt.Sprintf("%s:%d:%d:%d", card.CardNo, chip.LoadSeq, chip.SpendSeq, chip.Balance),
		Detail: fmt.Sprintf("the chip shows load_seq %d, spend_seq %d, %s, which does not follow from what was seen before", chip.LoadSeq, chip.SpendSeq, chip.Balance), At: now})
}

// holdFor keeps a claim's money in flight until a write is proven or a person
// decides.
func holdFor(tx *gorm.DB, claimID string, now time.Time) error {
	err := tx.Exec(`UPDATE claims SET held_at = ? WHERE id = ? AND state = 'open' AND held_at IS NULL`, micros(now), claimID).Error
	if err != nil {
		return fmt.Errorf("hold the claim: %w", err)
	}
	return nil
}
