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

// lockCard locks a card and reads it as it is once locked. ErrCardNotFound.
func lockCard(tx *gorm.DB, where string, args ...any) (campusCard, error) {
	var card campusCard
	err := askCard(tx, &card, where, args...)
	if err == nil {
		err = flush(tx)
	}
	if err == nil && card.ID == 0 {
		err = ledger.ErrCardNotFound
	}
	return card, err
}

// askCard is lockCard with the next flush; no card leaves the zero one.
func askCard(tx *gorm.DB, c *campusCard, where string, args ...any) error {
	return ask(tx, "lock the card", into(c.fields()...), `SELECT `+cardColumns+` FROM campus_cards WHERE `+where+` FOR UPDATE`, args...)
}

// cardColumns are what an act reads of a card, fields where they go.
const cardColumns = `id, card_no, person_id, status, balance_fen, chip_load_seq, chip_spend_seq, first_spend_seq, records`

func (c *campusCard) fields() []any {
	return []any{&c.ID, &c.CardNo, &c.PersonID, &c.Status, &c.BalanceFen, &c.ChipLoadSeq, &c.ChipSpendSeq, &c.FirstSpendSeq, &c.Records}
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

// observe takes in what a reader saw: it settles the card's open claim, if
// there is one, by the evidence and remembers the newest counters. refused is
// ErrClaimInProgress while another terminal may still write, ErrChipOutOfStep
// when the counters cannot be.
func (s *Store) observe(ctx context.Context, tx *gorm.DB, card campusCard, open claim, chip ledger.Chip, terminalID string, now time.Time) (refused, err error) {
	if open.ID == "" {
		if known(card, chip) {
			return nil, see(tx, card, chip, 0, now)
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
		return nil, s.release(ctx, tx, card, c, chip, "seen at "+terminalID, now)
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

// see remembers the newest chip, and loaded fen more in the books when it
// shows a write; the first chip also starts the count of purchases. A claim
// that ends by an older state than a till has reported since moves the loads
// on and leaves the newer purchases standing. Whether its balance follows from
// the books is for the ledger check to say once the records are in.
func see(tx *gorm.DB, card campusCard, chip ledger.Chip, loaded ledger.Fen, now time.Time) error {
	first := chip.SpendSeq
	if card.FirstSpendSeq != nil {
		first = *card.FirstSpendSeq
	}
	return write(tx, "remember the chip", `UPDATE campus_cards SET balance_fen = balance_fen + ?, chip_load_seq = ?,
		chip_spend_seq = CASE WHEN chip_spend_seq > ? THEN chip_spend_seq ELSE ? END,
		chip_balance_fen = CASE WHEN chip_spend_seq > ? THEN chip_balance_fen ELSE ? END, first_spend_seq = ?, as_of = ? WHERE id = ?`,
		int64(loaded), chip.LoadSeq, chip.SpendSeq, chip.SpendSeq, chip.SpendSeq, int64(chip.Balance), first, micros(now), card.ID)
}

// outOfStep lists a chip that cannot be, again also when a person settled that
// before: the same state once more is another fact, such as a copied card.
func outOfStep(tx *gorm.DB, card campusCard, chip ledger.Chip, now time.Time) error {
	detail := fmt.Sprintf("the chip shows load_seq %d, spend_seq %d, %s, which does not follow from what was seen before", chip.LoadSeq, chip.SpendSeq, chip.Balance)
	return write(tx, "list the chip", `INSERT INTO cases (kind, ref, card_no, detail, at) VALUES ('chip_out_of_step', ?, ?, ?, ?)
		ON CONFLICT (kind, ref) DO UPDATE SET at = excluded.at, settled_at = NULL, how = '', note = '' WHERE cases.settled_at IS NOT NULL`,
		ledger.ChipRef(card.CardNo, chip), card.CardNo, detail, micros(now))
}

// holdFor keeps a claim's money in flight until a write is proven or a person
// decides.
func holdFor(tx *gorm.DB, claimID string, now time.Time) error {
	return write(tx, "hold the claim", `UPDATE claims SET held_at = ? WHERE id = ? AND state = 'open' AND held_at IS NULL`, micros(now), claimID)
}
