package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"xiaoka/ledger"
)

// Whole columns travel as one parameter each: arrays on PostgreSQL, JSON on
// SQLite, so that a batch of a thousand records is one statement.

// sqlFor completes a statement for the database: `list` is the table of the
// one list parameter, and row locks are dropped where there is one writer.
func (s *Store) sqlFor(query string) string {
	if s.Embedded() {
		query = strings.ReplaceAll(query, " FOR UPDATE OF c", "")
		return "WITH list AS (SELECT value FROM json_each(?)) " + query
	}
	return "WITH list AS MATERIALIZED (SELECT unnest($1::text[]) AS value) " + query
}

// list is a list of texts as one parameter.
func (s *Store) list(values []string) any {
	if !s.Embedded() {
		return values
	}
	b, err := json.Marshal(values)
	if err != nil {
		return "[]" // texts always marshal
	}
	return string(b)
}

// numbers is a table of whole numbers, one slice a column.
type numbers [][]int64

// from is a FROM clause over the columns, named c0, c1, …, and its arguments.
func (s *Store) from(columns numbers) (clause string, args []any) {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = fmt.Sprintf("c%d", i)
	}
	if !s.Embedded() {
		params := make([]string, len(columns))
		for i, c := range columns {
			params[i] = fmt.Sprintf("$%d::bigint[]", i+1)
			args = append(args, c)
		}
		return "unnest(" + strings.Join(params, ", ") + ") AS v(" + strings.Join(names, ", ") + ")", args
	}
	rows := make([][]int64, len(columns[0]))
	for i := range rows {
		for _, c := range columns {
			rows[i] = append(rows[i], c[i])
		}
	}
	b, err := json.Marshal(rows)
	if err != nil {
		b = []byte("[]") // numbers always marshal
	}
	picks := make([]string, len(columns))
	for i, name := range names {
		picks[i] = fmt.Sprintf("json_extract(value, '$[%d]') AS %s", i, name)
	}
	return "(SELECT " + strings.Join(picks, ", ") + " FROM json_each(?)) AS v", []any{string(b)}
}

// insert writes the records; those that stand already are left alone.
func (u *upload) insert([]ledger.Consumption) error {
	u.fresh = make(map[int64]bool, len(u.rows))
	if len(u.rows) == 0 {
		return nil
	}
	if u.plain {
		// In the order in which every till waits for the same purchase of another.
		slices.SortFunc(u.rows, func(a, b row) int {
			return cmp.Or(cmp.Compare(a.card.ID, b.card.ID), cmp.Compare(a.Chip.SpendSeq, b.Chip.SpendSeq))
		})
	}
	columns := make(numbers, 12)
	for i := range columns {
		columns[i] = make([]int64, 0, len(u.rows))
	}
	for _, r := range u.rows {
		for i, v := range []int64{r.Seq, r.card.ID, r.merchant, int64(r.Amount), r.Chip.LoadSeq, r.Chip.SpendSeq, int64(r.Chip.Balance),
			micros(r.OccurredAt), micros(u.now), r.booked, flag(r.late), flag(r.afterLos)} {
			columns[i] = append(columns[i], v)
		}
	}
	from, args := u.store.from(columns)
	terminal := "?"
	if !u.store.Embedded() {
		terminal = fmt.Sprintf("$%d::text", len(args)+1)
		args = append(args, u.terminalID)
	} else {
		args = append([]any{u.terminalID}, args...)
	}
	book := `INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen,
		occurred_at, received_at, booked_on, late, after_loss)
		SELECT ` + terminal + `, c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10 = 1, c11 = 1 FROM ` + from
	if u.plain {
		for _, r := range u.rows {
			u.fresh[r.Seq] = true
		}
		u.done.Accepted = len(u.rows)
		return write(u.tx, "book the purchases", book, args...)
	}
	rows, err := u.raw.QueryContext(u.ctx, book+` WHERE 1 = 1 ON CONFLICT DO NOTHING RETURNING seq`, args...)
	if err != nil {
		return fmt.Errorf("book the purchases: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var seq int64
		if err := rows.Scan(&seq); err != nil {
			return fmt.Errorf("book the purchases: %w", err)
		}
		u.fresh[seq] = true
	}
	return rows.Err()
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// standing reads what stands under the repeats' own identities, by seq.
func (u *upload) standing(repeats []row) (map[int64]ledger.Consumption, error) {
	var seqs []int64
	for _, r := range repeats {
		seqs = append(seqs, r.Seq)
	}
	var found []struct {
		Seq        int64
		CardNo     string
		AmountFen  int64
		LoadSeq    int64
		SpendSeq   int64
		BalanceFen int64
		OccurredAt int64
		Merchant   string
	}
	err := u.tx.Raw(`SELECT n.seq, c.card_no, n.amount_fen, n.load_seq, n.spend_seq, n.balance_fen, n.occurred_at, m.name AS merchant
		FROM consumptions n JOIN campus_cards c ON c.id = n.card_id JOIN merchants m ON m.id = n.merchant_id WHERE n.terminal_id = ? AND n.seq IN ?`, u.terminalID, seqs).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read the standing records: %w", err)
	}
	out := make(map[int64]ledger.Consumption, len(found))
	for _, f := range found {
		out[f.Seq] = ledger.Consumption{Seq: f.Seq, CardNo: f.CardNo, Amount: ledger.Fen(f.AmountFen), OccurredAt: timeOf(f.OccurredAt), Merchant: f.Merchant,
			Chip: ledger.Chip{LoadSeq: f.LoadSeq, SpendSeq: f.SpendSeq, Balance: ledger.Fen(f.BalanceFen)}}
	}
	return out, nil
}

// writeCards updates all touched cards in one statement.
func (u *upload) writeCards(touched []*tillCard) error {
	if len(touched) == 0 {
		return nil
	}
	from, args := u.store.from(cardChanges(touched))
	byKey := ""
	if !u.store.Embedded() {
		byKey = " AND campus_cards.id = ANY($1)" // else the planner reads the whole table
	}
	_, err := u.raw.ExecContext(u.ctx, `UPDATE campus_cards SET balance_fen = balance_fen - v.c1, records = records + v.c2, first_spend_seq = v.c3,
		chip_load_seq = v.c4, chip_spend_seq = v.c5, chip_balance_fen = v.c6, as_of = v.c7 FROM `+from+` WHERE campus_cards.id = v.c0`+byKey, args...)
	if err != nil {
		return fmt.Errorf("update the cards: %w", err)
	}
	return nil
}

// cardChanges are what the batch does to the cards.
func cardChanges(touched []*tillCard) numbers {
	columns := make(numbers, 8)
	for i := range columns {
		columns[i] = make([]int64, 0, len(touched))
	}
	for _, c := range touched {
		for i, v := range []int64{c.ID, c.delta, c.count, c.first, c.load, c.spend, c.balance, c.asOf} {
			columns[i] = append(columns[i], v)
		}
	}
	return columns
}

// losses reads the loss reports of the batch's cards, by card.
func (u *upload) losses() (map[int64][]loss, error) {
	ids := u.cardIDs()
	if len(ids) == 0 {
		return nil, nil
	}
	from, args := u.store.from(numbers{ids})
	rows, err := u.raw.QueryContext(u.ctx, `SELECT l.card_id, l.accepted_at, l.ended_at FROM `+from+` JOIN losses l ON l.card_id = v.c0`, args...)
	if err != nil {
		return nil, fmt.Errorf("read the loss reports: %w", err)
	}
	defer rows.Close()
	out := map[int64][]loss{}
	for rows.Next() {
		var l loss
		if err := rows.Scan(&l.CardID, &l.AcceptedAt, &l.EndedAt); err != nil {
			return nil, fmt.Errorf("read the loss reports: %w", err)
		}
		out[l.CardID] = append(out[l.CardID], l)
	}
	return out, rows.Err()
}

// auditLost writes down each new purchase made after a loss report, and who is
// proposed to bear it.
func (u *upload) auditLost([]ledger.Consumption) error {
	var seqs []int64
	for _, r := range u.rows {
		if r.afterLos && u.fresh[r.Seq] {
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
func (u *upload) merchants(records []ledger.Consumption) (map[string]int64, error) {
	ids := map[string]int64{}
	var unknown []string
	for _, r := range records {
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
	for _, m := range found {
		ids[m.Name] = m.ID
	}
	return ids, nil
}

// acknowledge moves the gapless end of the terminal's records on.
func (u *upload) acknowledge(records []ledger.Consumption) error {
	u.done.AckedSeq = u.till.AckedSeq
	if len(records) == 0 {
		return nil
	}
	lowest := records[0].Seq
	for _, r := range records {
		lowest = min(lowest, r.Seq)
	}
	first, end := lowest, u.till.AckedSeq
	if u.till.FirstSeq != nil {
		first = min(lowest, *u.till.FirstSeq)
	}
	if u.till.FirstSeq == nil || first < *u.till.FirstSeq {
		end = first - 1
	}
	seqs := make([]int64, len(records)) // all of them are dealt with by now
	for i, r := range records {
		seqs[i] = r.Seq
	}
	slices.Sort(seqs)
	for _, seq := range seqs {
		if seq == end+1 {
			end = seq
		}
	}
	end, err := u.gapless(end)
	if err != nil {
		return err
	}
	u.done.AckedSeq = end
	return write(u.tx, "acknowledge", `UPDATE terminals SET first_seq = ?, acked_seq = ? WHERE id = ?`, first, end, u.terminalID)
}

// gapless walks from end on as far as every record is dealt with.
func (u *upload) gapless(end int64) (int64, error) {
	const stride = 2 * ledger.MaxBatch
	for {
		var seqs []int64
		err := ask(u.tx, "look for gaps", func(r scanner) error {
			var seq int64
			err := r.Scan(&seq)
			seqs = append(seqs, seq)
			return err
		}, `SELECT seq FROM (SELECT seq FROM consumptions WHERE terminal_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS booked
			UNION SELECT seq FROM (SELECT seq FROM rejections WHERE terminal_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS kept ORDER BY seq`,
			u.terminalID, end, stride, u.terminalID, end, stride)
		if err == nil {
			err = flush(u.tx)
		}
		if err != nil {
			return 0, err
		}
		for _, seq := range seqs {
			if seq != end+1 {
				return end, nil
			}
			end = seq
		}
		if len(seqs) < stride {
			return end, nil
		}
	}
}

// dayCloses is how long after midnight an accounting day still takes
// purchases of the day before: a night snack counts to the previous day.
const dayCloses = 4 * time.Hour

// accountingDay is the day a purchase is booked on, YYYYMMDD in the campus's
// zone: its own while that is open, else the day it arrives on, and late.
func (s *Store) accountingDay(occurred, now time.Time) (day int64, late bool) {
	happened, today := occurred.In(s.zone), now.In(s.zone)
	if dayNumber(happened) >= dayNumber(today) {
		return dayNumber(today), false // today, or a clock that runs ahead
	}
	y, m, d := happened.Date()
	if now.Before(time.Date(y, m, d+1, 0, 0, 0, 0, s.zone).Add(dayCloses)) {
		return dayNumber(happened), false
	}
	return dayNumber(today), true
}

func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	return int64(y)*10000 + int64(m)*100 + int64(d)
}
