package store

import (
	"fmt"
	"slices"

	"xiaoka/ledger"
)

// lockCards locks every card of the batch in the order of their ids, so that
// two tills cannot wait for each other.
func (u *upload) lockCards() error {
	u.cards = map[string]*tillCard{}
	for _, r := range u.records {
		if r.Fault == "" {
			u.cards[r.CardNo] = nil
		}
	}
	if len(u.cards) == 0 {
		return nil
	}
	numbers := make([]string, 0, len(u.cards))
	for no := range u.cards {
		numbers = append(numbers, no)
	}
	slices.Sort(numbers)
	rows, err := u.raw.QueryContext(u.ctx, u.store.sqlFor(`SELECT c.id, c.card_no, c.person_id, c.status, c.balance_fen, c.chip_load_seq, c.chip_spend_seq,
		c.chip_balance_fen, c.first_spend_seq, c.records, COALESCE(c.as_of, 0), p.low_balance_fen FROM campus_cards c JOIN people p ON p.id = c.person_id
		WHERE c.card_no IN (SELECT value FROM list) ORDER BY c.id FOR UPDATE OF c`), u.store.list(numbers))
	if err != nil {
		return fmt.Errorf("lock the cards: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		c := &tillCard{}
		var chipBalance *int64
		if err := rows.Scan(&c.ID, &c.CardNo, &c.PersonID, &c.Status, &c.BalanceFen, &c.ChipLoadSeq, &c.ChipSpendSeq, &chipBalance,
			&c.FirstSpendSeq, &c.Records, &c.asOf, &c.threshold); err != nil {
			return fmt.Errorf("read the cards: %w", err)
		}
		if c.ChipSpendSeq != nil {
			c.load, c.spend, c.balance, c.first = *c.ChipLoadSeq, *c.ChipSpendSeq, *chipBalance, *c.FirstSpendSeq
		}
		u.cards[c.CardNo] = c
	}
	return rows.Err()
}

// evidence settles open claims by what the new records show of the chips.
func (u *upload) evidence() error {
	ids := u.cardIDs()
	if len(ids) == 0 || u.done.Accepted == 0 {
		return nil
	}
	from, all := u.store.from(numbers{1, ids})
	var open []ledger.Claim
	err := ask(u.tx, "look for open claims", func(r scanner) error {
		var k claim
		err := r.Scan(append(k.fields(), &k.CardNo)...)
		open = append(open, k.ledger())
		return err
	}, `SELECT `+claimColumns+`, c.card_no FROM `+from+`
		JOIN claims k ON k.card_id = v.c0 AND k.state = 'open' JOIN campus_cards c ON c.id = k.card_id ORDER BY k.card_id`, all)
	if err == nil {
		err = flush(u.tx)
	}
	if err != nil {
		return err
	}
	for _, c := range open {
		if err := u.settleBy(c); err != nil {
			return err
		}
	}
	return nil
}

// cardIDs are the ids of the batch's cards, in order.
func (u *upload) cardIDs() []int64 {
	ids := make([]int64, 0, len(u.cards))
	for _, c := range u.cards {
		if c != nil {
			ids = append(ids, c.ID)
		}
	}
	slices.Sort(ids)
	return ids
}

// settleBy judges one claim by the first purchase made after it was given. An
// older purchase says nothing about it.
func (u *upload) settleBy(c ledger.Claim) error {
	var proof *row
	for _, r := range u.rows {
		if r.card.ID == c.CardID && r.fresh && r.Chip.SpendSeq > c.Before.SpendSeq && (proof == nil || r.Chip.SpendSeq < proof.Chip.SpendSeq) {
			proof = r
		}
	}
	if proof == nil {
		return nil
	}
	card := proof.card
	evidence := fmt.Sprintf("purchase %d at %s", proof.Seq, u.terminalID)
	var err error
	switch c.Judge(proof.Chip) {
	case ledger.Written:
		err = u.store.settle(u.ctx, u.tx, card.campusCard, c, proof.Chip, evidence, u.now)
		card.BalanceFen += int64(c.Amount)
	case ledger.Unwritten:
		err = u.store.release(u.ctx, u.tx, card.campusCard, c, proof.Chip, evidence, u.now)
	default:
		if err := holdFor(u.tx, c.ID, u.now); err != nil {
			return err
		}
		return outOfStep(u.tx, card.campusCard, proof.Chip, u.now)
	}
	if card.FirstSpendSeq == nil {
		first := proof.Chip.SpendSeq
		card.FirstSpendSeq, card.first = &first, first
	}
	load, spend := proof.Chip.LoadSeq, proof.Chip.SpendSeq
	card.ChipLoadSeq, card.load = &load, load
	if card.ChipSpendSeq == nil || spend > *card.ChipSpendSeq {
		card.ChipSpendSeq, card.spend, card.balance = &spend, spend, int64(proof.Chip.Balance)
	}
	return err
}

// updateCards lowers the books' balances and moves the newest counters on, all
// cards in one statement.
func (u *upload) updateCards() error {
	var touched []*tillCard
	for _, r := range u.rows {
		if !r.fresh {
			continue
		}
		c := r.card
		if !c.touched {
			c.touched = true
			touched = append(touched, c)
		}
		c.take(r.Consumption)
	}
	for _, c := range touched {
		if c.ChipLoadSeq != nil && c.load != *c.ChipLoadSeq {
			chip := ledger.Chip{LoadSeq: c.load, SpendSeq: c.spend, Balance: ledger.Fen(c.balance)}
			if err := outOfStep(u.tx, c.campusCard, chip, u.now); err != nil {
				return err
			}
			c.load = *c.ChipLoadSeq // loads stay blocked until a person looked
		}
	}
	return u.writeCards(touched)
}

// take counts one new record. The first one ever seen of a card starts the
// count of missing ones just before itself.
func (c *tillCard) take(r ledger.Consumption) {
	c.delta += int64(r.Amount)
	c.asOf = max(c.asOf, micros(r.OccurredAt))
	if c.FirstSpendSeq == nil && (c.count == 0 || r.Chip.SpendSeq <= c.first) {
		c.first = r.Chip.SpendSeq - 1
	}
	if r.Chip.SpendSeq > c.first || c.FirstSpendSeq == nil {
		c.count++
	}
	if c.spend < r.Chip.SpendSeq || (c.ChipSpendSeq == nil && c.count == 1) {
		c.load, c.spend, c.balance = r.Chip.LoadSeq, r.Chip.SpendSeq, int64(r.Chip.Balance)
	}
}

// writeCards updates all touched cards in one statement.
func (u *upload) writeCards(touched []*tillCard) error {
	if len(touched) == 0 {
		return nil
	}
	columns := table(8, len(touched))
	ids := make([]int64, len(touched))
	for i, c := range touched {
		ids[i] = c.ID
		columns.add(c.ID, c.delta, c.count, c.first, c.load, c.spend, c.balance, c.asOf)
	}
	from, all := u.store.from(columns)
	args := []any{all}
	byKey := ""
	if !u.store.Embedded() {
		byKey = " AND campus_cards.id = ANY(?::bigint[])" // else the planner reads the whole table
		args = append(args, ids)
	}
	return write(u.tx, "update the cards", `UPDATE campus_cards SET balance_fen = balance_fen - v.c1, records = records + v.c2, first_spend_seq = v.c3,
		chip_load_seq = v.c4, chip_spend_seq = v.c5, chip_balance_fen = v.c6, as_of = v.c7 FROM `+from+` WHERE campus_cards.id = v.c0`+byKey, args...)
}
