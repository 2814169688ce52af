package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A till reports purchases that have happened: the chip has paid, the books
// only learn of it, hours later and in any order. One upload is one
// transaction with a constant number of statements. A purchase is its own
// posting (float → merchant), taken once by two unique identities, (terminal,
// seq) and (card, spend_seq); the counters of the newest one say how many are
// still missing. What a record shows of the chip settles a doubtful claim.

// IngestConsumptions books an upload of up to ledger.MaxBatch records, in
// whatever order and however often they come. ErrBatchTooLarge beyond that,
// ErrNotFound for an unknown terminal.
func (s *Store) IngestConsumptions(ctx context.Context, terminalID string, records []ledger.Consumption, now time.Time) (ledger.Ingested, error) {
	if len(records) > ledger.MaxBatch {
		return ledger.Ingested{}, ledger.ErrBatchTooLarge
	}
	if !s.Embedded() {
		done, err := s.ingestPlain(ctx, terminalID, records, now)
		if !isNotPlain(err) {
			return done, err
		}
	}
	for tries := 1; ; tries++ {
		u := &upload{store: s, ctx: ctx, now: now, terminalID: terminalID}
		done, err := u.run(records, u.lockTill, u.lockCards, u.sift, u.insert, u.judgeRepeats, u.auditLost, u.evidence, u.updateCards, u.addMonths,
			u.keepRejections, u.acknowledge, u.tell)
		if tries == 3 || !deadlocked(err) {
			return done, err
		}
	}
}

// upload is one batch on its way through the books.
type upload struct {
	store      *Store
	ctx        context.Context
	tx         *gorm.DB
	raw        gorm.ConnPool
	now        time.Time
	terminalID string

	till  tillRow
	cards map[string]*tillCard // by number
	rows  []row                // well-formed, of known cards, one a seq
	fresh map[int64]bool       // seqs that were new
	done  ledger.Ingested
	kept  []rejection

	plain   bool  // see ingestPlain
	version int64 // of the blacklist when the loss reports were read
}

// row is a record with what the books know about it.
type row struct {
	ledger.Consumption
	card     *tillCard
	merchant int64
	booked   int64
	late     bool
	afterLos bool
}

// tillCard is a campus card as the batch changes it.
type tillCard struct {
	campusCard
	threshold int64 // the person wants to be told below this balance; 0 = not
	delta     int64 // fen spent in this batch
	count     int64 // records above first_spend_seq
	first     int64
	load      int64
	spend     int64
	balance   int64
	asOf      int64
	month     int64 // newest of the batch's purchases, of a plain upload
	touched   bool
}

type tillRow struct {
	FirstSeq *int64
	AckedSeq int64
	Merchant string
	Location string
}

// run takes the steps as one transaction.
func (u *upload) run(records []ledger.Consumption, steps ...func([]ledger.Consumption) error) (ledger.Ingested, error) {
	err := u.store.tx(u.ctx, func(tx *gorm.DB) error {
		u.tx, u.raw = tx, tx.Statement.ConnPool
		for _, step := range steps {
			if err := step(records); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return ledger.Ingested{}, err
	}
	slices.SortFunc(u.done.Rejected, func(a, b ledger.Rejection) int { return int(a.Seq - b.Seq) })
	return u.done, nil
}

// lockTill lets one upload of a terminal in at a time.
func (u *upload) lockTill([]ledger.Consumption) error {
	var found []tillRow
	if err := forUpdate(u.tx.Table("terminals").Select("first_seq, acked_seq, merchant, location").Where("id = ?", u.terminalID)).Scan(&found).Error; err != nil {
		return fmt.Errorf("lock the terminal: %w", err)
	}
	if len(found) == 0 {
		return ledger.ErrNotFound
	}
	u.till = found[0]
	return nil
}

// lockCards locks every card of the batch in the order of their ids, so that
// two tills cannot wait for each other.
func (u *upload) lockCards(records []ledger.Consumption) error {
	u.cards = map[string]*tillCard{}
	for _, r := range records {
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

// sift puts malformed records, unknown cards and repeats within the batch
// aside and completes the others.
func (u *upload) sift(records []ledger.Consumption) error {
	losses, err := u.losses()
	if err != nil {
		return err
	}
	merchants, err := u.merchants(records)
	if err != nil {
		return err
	}
	at := map[int64]int{}
	for _, r := range records {
		card := u.cards[r.CardNo]
		switch first, twice := at[r.Seq]; {
		case r.Fault != "":
			u.reject(r, r.Fault)
		case card == nil:
			u.reject(r, ledger.RejectCardNotFound)
		case twice && u.same(u.rows[first].Consumption, r):
			u.done.Duplicates++
		case twice:
			u.reject(r, ledger.RejectConflict)
		default:
			at[r.Seq] = len(u.rows)
			booked, late := u.store.accountingDay(r.OccurredAt, u.now)
			u.rows = append(u.rows, row{Consumption: r, card: card, merchant: merchants[u.merchant(r)], booked: booked, late: late,
				afterLos: slices.ContainsFunc(losses[card.ID], func(l loss) bool { return l.covers(r.OccurredAt) })})
		}
	}
	return nil
}

// same tells whether two records are the same purchase to the letter, owed to
// the same merchant.
func (u *upload) same(a, b ledger.Consumption) bool {
	return a.CardNo == b.CardNo && a.Amount == b.Amount && a.Chip == b.Chip && a.OccurredAt.Equal(b.OccurredAt) && u.merchant(a) == u.merchant(b)
}

func (u *upload) reject(r ledger.Consumption, code string) {
	u.done.Rejected = append(u.done.Rejected, ledger.Rejection{Seq: r.Seq, Code: code})
	u.kept = append(u.kept, rejection{r, code})
}

// merchant is whose purchase a record is: its own word, else the till's.
func (u *upload) merchant(r ledger.Consumption) string {
	switch {
	case r.Merchant != "":
		return r.Merchant
	case u.till.Merchant != "":
		return u.till.Merchant
	}
	return u.till.Location
}

// judgeRepeats compares what was not new with what stands.
func (u *upload) judgeRepeats([]ledger.Consumption) error {
	var repeats []row
	for _, r := range u.rows {
		if !u.fresh[r.Seq] {
			repeats = append(repeats, r)
		}
	}
	u.done.Accepted = len(u.rows) - len(repeats)
	if len(repeats) == 0 {
		return nil
	}
	standing, err := u.standing(repeats)
	if err != nil {
		return err
	}
	for _, r := range repeats {
		if before, ok := standing[r.Seq]; ok && u.same(before, r.Consumption) {
			u.done.Duplicates++
		} else {
			u.reject(r.Consumption, ledger.RejectConflict)
		}
	}
	return nil
}

// evidence settles open claims by what the new records show of the chips.
func (u *upload) evidence([]ledger.Consumption) error {
	ids := u.cardIDs()
	if len(ids) == 0 || len(u.fresh) == 0 {
		return nil
	}
	from, args := u.store.from(numbers{ids})
	rows, err := u.raw.QueryContext(u.ctx, `SELECT `+claimColumns+`, c.card_no FROM `+from+`
		JOIN claims k ON k.card_id = v.c0 AND k.state = 'open' JOIN campus_cards c ON c.id = k.card_id ORDER BY k.card_id`, args...)
	if err != nil {
		return fmt.Errorf("look for open claims: %w", err)
	}
	defer rows.Close()
	var open []ledger.Claim
	for rows.Next() {
		var k claim
		if err := rows.Scan(append(k.fields(), &k.CardNo)...); err != nil {
			return fmt.Errorf("look for open claims: %w", err)
		}
		open = append(open, k.ledger())
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("look for open claims: %w", err)
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
	for i := range u.rows {
		r := &u.rows[i]
		if r.card.ID == c.CardID && u.fresh[r.Seq] && r.Chip.SpendSeq > c.Before.SpendSeq && (proof == nil || r.Chip.SpendSeq < proof.Chip.SpendSeq) {
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
func (u *upload) updateCards([]ledger.Consumption) error {
	var touched []*tillCard
	for i := range u.rows {
		r := &u.rows[i]
		if !u.fresh[r.Seq] {
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

// rejection is a record that was not booked.
type rejection struct {
	ledger.Consumption
	code string
}

func (u *upload) keepRejections([]ledger.Consumption) error {
	if len(u.kept) == 0 {
		return nil
	}
	args := make([]any, 0, 6*len(u.kept))
	for _, r := range u.kept {
		record, err := json.Marshal(r.Consumption)
		if err != nil {
			return fmt.Errorf("keep a rejected record: %w", err)
		}
		args = append(args, u.terminalID, r.Seq, r.code, r.CardNo, string(record), micros(u.now))
	}
	err := u.tx.Exec(`INSERT INTO rejections (terminal_id, seq, code, card_no, record, at) VALUES `+rows(len(u.kept), 6)+` ON CONFLICT DO NOTHING`, args...).Error
	if err != nil {
		return fmt.Errorf("keep the rejected records: %w", err)
	}
	return nil
}

// tell enqueues one job that tells every holder of the batch, and each whose
// balance fell below their threshold.
func (u *upload) tell([]ledger.Consumption) error {
	if u.done.Accepted == 0 {
		return nil
	}
	job := fanArgs{TerminalID: u.terminalID, At: u.now}
	for _, r := range u.rows {
		if u.fresh[r.Seq] {
			job.Seqs = append(job.Seqs, r.Seq)
		}
	}
	for _, c := range u.cards {
		if c != nil && c.touched && c.threshold > 0 && c.BalanceFen >= c.threshold && c.BalanceFen-c.delta < c.threshold {
			job.Low = append(job.Low, ledger.Event{Kind: ledger.EventLowBalance, PersonID: c.PersonID, Amount: ledger.Fen(c.threshold),
				Balance: ledger.Fen(c.BalanceFen - c.delta), At: u.now})
		}
	}
	return enqueue(u.tx, job)
}
