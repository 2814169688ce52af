package store

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

// insert writes the records that are no repeats. A purchase that stands under
// another till's count, or another count of this one, is a conflict: of a
// plain upload an error.
func (u *upload) insert() error {
	if len(u.rows) == 0 {
		return nil
	}
	if u.plain != nil {
		// In the order in which every till waits for the same purchase of another.
		slices.SortFunc(u.rows, func(a, b *row) int {
			return cmp.Or(cmp.Compare(a.card.ID, b.card.ID), cmp.Compare(a.Chip.SpendSeq, b.Chip.SpendSeq))
		})
	}
	columns := table(10, len(u.rows))
	for _, r := range u.rows {
		columns.add(r.Seq, r.card.ID, r.merchant, int64(r.Amount), r.Chip.LoadSeq, r.Chip.SpendSeq, int64(r.Chip.Balance), micros(r.OccurredAt),
			r.booked, flag(r.late)+2*flag(r.afterLos))
	}
	from, all := u.store.from(columns)
	book := `INSERT INTO consumptions (terminal_id, received_at, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen,
		occurred_at, booked_on, late, after_loss)
		SELECT CAST(? AS TEXT), CAST(? AS BIGINT), c0, c1, c2, c3, c4, c5, c6, c7, c8, (c9 & 1) = 1, (c9 & 2) = 2 FROM ` + from
	args := []any{u.terminalID, micros(u.now), all}
	if u.plain != nil {
		for _, r := range u.rows {
			r.fresh = true
		}
		u.done.Accepted = len(u.rows)
		return write(u.tx, "book the purchases", book, args...)
	}
	fresh := make(map[int64]bool, len(u.rows))
	err := ask(u.tx, "book the purchases", func(r scanner) error {
		var seq int64
		err := r.Scan(&seq)
		fresh[seq] = true
		return err
	}, book+` WHERE 1 = 1 ON CONFLICT DO NOTHING RETURNING seq`, args...)
	if err == nil {
		err = flush(u.tx)
	}
	if err != nil {
		return err
	}
	for _, r := range u.rows {
		if r.fresh = fresh[r.Seq]; !r.fresh {
			u.reject(r.Consumption, ledger.RejectConflict)
		}
	}
	u.done.Accepted = len(fresh)
	return nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// standingRow is a purchase that stands; a dated one was kept aside for its
// date, and is booked as of when it came.
type standingRow struct {
	ledger.Consumption
	dated bool
}

// standing reads what stands under counts of the till, by count.
func (u *upload) standing(seqs []int64) (map[int64]standingRow, error) {
	var found []struct {
		Seq        int64
		CardNo     string
		AmountFen  int64
		LoadSeq    int64
		SpendSeq   int64
		BalanceFen int64
		OccurredAt int64
		Merchant   string
		Dated      bool
	}
	err := u.tx.Raw(`SELECT n.seq, c.card_no, n.amount_fen, n.load_seq, n.spend_seq, n.balance_fen, n.occurred_at, m.name AS merchant,
		EXISTS (SELECT 1 FROM rejections k WHERE k.terminal_id = n.terminal_id AND k.seq = n.seq AND k.code = ? AND k.at = n.occurred_at) AS dated
		FROM consumptions n JOIN campus_cards c ON c.id = n.card_id JOIN merchants m ON m.id = n.merchant_id WHERE n.terminal_id = ? AND n.seq IN ?`,
		ledger.RejectTime, u.terminalID, seqs).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read the standing records: %w", err)
	}
	out := make(map[int64]standingRow, len(found))
	for _, f := range found {
		out[f.Seq] = standingRow{dated: f.Dated, Consumption: ledger.Consumption{Seq: f.Seq, CardNo: f.CardNo, Amount: ledger.Fen(f.AmountFen),
			OccurredAt: time.UnixMicro(f.OccurredAt), Merchant: f.Merchant, Chip: ledger.Chip{LoadSeq: f.LoadSeq, SpendSeq: f.SpendSeq, Balance: ledger.Fen(f.BalanceFen)}}}
	}
	return out, nil
}

// askLosses reads the loss reports of the batch's cards, of a plain upload with
// the next flush.
func (u *upload) askLosses() error {
	ids := u.cardIDs()
	if len(ids) == 0 {
		return nil
	}
	u.losses = map[int64][]loss{}
	from, all := u.store.from(numbers{1, ids})
	err := ask(u.tx, "read the loss reports", func(r scanner) error {
		var l loss
		err := r.Scan(&l.CardID, &l.AcceptedAt, &l.EndedAt)
		u.losses[l.CardID] = append(u.losses[l.CardID], l)
		return err
	}, `SELECT l.card_id, l.accepted_at, l.ended_at FROM `+from+` JOIN losses l ON l.card_id = v.c0`, all)
	if err != nil || u.plain != nil {
		return err
	}
	return flush(u.tx)
}

// auditLost writes down each new purchase made after a loss report, and who is
// proposed to bear it.
func (u *upload) auditLost() error {
	var seqs []int64
	for _, r := range u.rows {
		if r.afterLos && r.fresh {
			seqs = append(seqs, r.Seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	var found []struct {
		Seq       int64
		PersonID  int64
		CardNo    string
		AmountFen int64
		Informed  bool
	}
	err := u.tx.Raw(`SELECT n.seq, c.person_id, c.card_no, n.amount_fen, `+hadList+` AS informed
		FROM consumptions n JOIN campus_cards c ON c.id = n.card_id WHERE n.terminal_id = ? AND n.seq IN ? ORDER BY n.seq`, u.terminalID, seqs).Scan(&found).Error
	if err != nil {
		return fmt.Errorf("read what was spent after the loss: %w", err)
	}
	args := make([]any, 0, 6*len(found))
	for _, f := range found {
		had := "did not have"
		if f.Informed {
			had = "had"
		}
		args = append(args, micros(u.now), "terminal "+u.terminalID, "spent_after_loss", f.PersonID, f.CardNo,
			fmt.Sprintf("%s, record %d: the terminal %s the list with the card; proposed to be borne by the %s", ledger.Fen(f.AmountFen), f.Seq, had, ledger.ProposedBearer(f.Informed)))
	}
	if err := u.tx.Exec(`INSERT INTO audit (at, actor, action, person_id, card_no, detail) VALUES `+rows(len(found), 6), args...).Error; err != nil {
		return fmt.Errorf("write the audit log: %w", err)
	}
	return nil
}

// merchants finds the ids of the batch's merchants and registers new ones.
// They never change, so each is read once a process.
func (u *upload) merchants() (map[string]int64, error) {
	ids := map[string]int64{}
	var unknown []string
	for _, r := range u.records {
		name := u.merchant(r)
		if _, ok := ids[name]; ok || r.Fault != "" {
			continue
		}
		if id, ok := u.store.merchants.Load(name); ok {
			ids[name] = id.(int64) //nolint:forcetypeassert // only int64 is stored below
			continue
		}
		ids[name] = 0
		unknown = append(unknown, name)
	}
	if len(unknown) == 0 {
		return ids, nil
	}
	slices.Sort(unknown)
	args := make([]any, len(unknown))
	for i, name := range unknown {
		args[i] = name
	}
	if err := u.tx.Exec(`INSERT INTO merchants (name) VALUES `+rows(len(args), 1)+` ON CONFLICT DO NOTHING`, args...).Error; err != nil {
		return nil, fmt.Errorf("register the merchants: %w", err)
	}
	var found []struct {
		ID   int64
		Name string
	}
	if err := u.tx.Table("merchants").Where("name IN ?", unknown).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the merchants: %w", err)
	}
	u.newMerchants = make(map[string]int64, len(found))
	for _, m := range found {
		ids[m.Name], u.newMerchants[m.Name] = m.ID, m.ID
	}
	return ids, nil
}
