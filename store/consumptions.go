package store

import (
	"context"
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
		u := &upload{store: s, ctx: ctx, now: now, terminalID: terminalID, records: records}
		done, err := u.run(u.lockedSteps())
		if !again(ctx, err, tries) {
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
	records    []ledger.Consumption

	till   tillRow
	cards  map[string]*tillCard // by number
	losses map[int64][]loss     // by card
	rows   []*row               // well-formed, of known cards, one a seq
	// contrary are records that say something else than one before them in the
	// batch with the same count.
	contrary []ledger.Consumption
	early    []ledger.Consumption // dated in days to come, with a count that the till has used before
	done     ledger.Ingested
	kept     []rejection

	newMerchants map[string]int64 // remembered once they are committed
	plain        *plainUpload     // nil: the cards are locked
}

// row is a record with what the books know about it.
type row struct {
	ledger.Consumption
	card     *tillCard
	merchant int64
	booked   int64
	late     bool
	afterLos bool
	fresh    bool     // booked by this upload
	ends     []string // cases, by their refs, once it is booked
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
	month     int64 // its newest, of a plain upload
	inMonth   spent
	touched   bool
}

// lockedSteps are the long way, with the cards locked from the beginning.
func (u *upload) lockedSteps() []func() error {
	return []func() error{u.lockTill, u.lockCards, u.askLosses, u.sift, u.judgeRepeats, u.insert, u.auditLost, u.evidence, u.updateCards,
		u.listShort, u.addMonths, u.keepRejections, u.endKept, u.acknowledge, u.tell}
}

// take takes the steps in a transaction.
func (u *upload) take(tx *gorm.DB, steps []func() error) error {
	u.tx, u.raw = tx, tx.Statement.ConnPool
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// run takes the steps as one transaction.
func (u *upload) run(steps []func() error) (ledger.Ingested, error) {
	err := u.store.tx(u.ctx, func(tx *gorm.DB) error { return u.take(tx, steps) })
	if err != nil {
		return ledger.Ingested{}, err
	}
	for name, id := range u.newMerchants {
		u.store.merchants.Store(name, id)
	}
	slices.SortFunc(u.done.Rejected, func(a, b ledger.Rejection) int { return int(a.Seq - b.Seq) })
	return u.done, nil
}

// sift puts malformed records, unknown cards and repeats within the batch
// aside and completes the others.
func (u *upload) sift() error {
	merchants, err := u.merchants()
	if err != nil {
		return err
	}
	at := make(map[int64]int, len(u.records))
	room := make([]row, 0, len(u.records))
	u.rows = make([]*row, 0, len(u.records))
	for _, r := range u.records {
		card := u.cards[r.CardNo]
		switch first, twice := at[r.Seq]; {
		case r.Fault == ledger.RejectTime && r.Seq <= u.till.HighestSeq:
			u.early = append(u.early, r)
		case r.Fault != "":
			u.reject(r, r.Fault)
		case card == nil:
			u.reject(r, ledger.RejectCardNotFound)
		case twice && u.same(u.rows[first].Consumption, r):
			u.done.Duplicates++
		case twice:
			u.contrary = append(u.contrary, r)
		default:
			at[r.Seq] = len(u.rows)
			booked, late := u.store.accountingDay(r.OccurredAt, u.now)
			room = append(room, row{Consumption: r, card: card, merchant: merchants[u.merchant(r)], booked: booked, late: late,
				afterLos: slices.ContainsFunc(u.losses[card.ID], func(l loss) bool { return l.covers(r.OccurredAt) })})
			u.rows = append(u.rows, &room[len(room)-1])
		}
	}
	return nil
}

// same tells whether two records are the same purchase to the letter, owed to
// the same merchant.
func (u *upload) same(a, b ledger.Consumption) bool {
	return a.CardNo == b.CardNo && a.Amount == b.Amount && a.Chip == b.Chip && a.OccurredAt.Equal(b.OccurredAt) && u.merchant(a) == u.merchant(b)
}

// repeats tells whether a record is the purchase that stands. The date of one
// that a person booked is ours, not its till's.
func (u *upload) repeats(standing standingRow, r ledger.Consumption) bool {
	if standing.dated {
		r.OccurredAt = standing.OccurredAt
	}
	return u.same(standing.Consumption, r)
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

// judgeRepeats compares the records whose count the till has used before with
// what stands under it, and goes on with the others.
func (u *upload) judgeRepeats() error {
	var seqs []int64
	for _, r := range u.rows {
		if r.Seq <= u.till.HighestSeq {
			seqs = append(seqs, r.Seq)
		}
	}
	for _, r := range u.early {
		seqs = append(seqs, r.Seq)
	}
	var standing map[int64]standingRow
	if len(seqs) > 0 {
		var err error
		if standing, err = u.standing(seqs); err != nil {
			return err
		}
	}
	for _, r := range u.contrary {
		if before, stands := standing[r.Seq]; stands && u.repeats(before, r) {
			u.done.Duplicates++
		} else {
			u.reject(r, ledger.RejectConflict)
		}
	}
	for _, r := range u.early {
		if before, stands := standing[r.Seq]; stands && before.dated && u.repeats(before, r) {
			u.done.Duplicates++
		} else {
			u.reject(r, r.Fault)
		}
	}
	u.rows = slices.DeleteFunc(u.rows, func(r *row) bool {
		before, stands := standing[r.Seq]
		switch {
		case stands && u.repeats(before, r.Consumption):
			u.done.Duplicates++
		case stands:
			u.reject(r.Consumption, ledger.RejectConflict)
		}
		return stands
	})
	return u.keptBefore(u.rows)
}

// tell enqueues one job that tells every holder of the batch, and each whose
// balance fell below their threshold.
func (u *upload) tell() error {
	if u.done.Accepted == 0 {
		return nil
	}
	seqs := make([]int64, 0, len(u.rows))
	for _, r := range u.rows {
		if r.fresh {
			seqs = append(seqs, r.Seq)
		}
	}
	job := fanArgs{TerminalID: u.terminalID, At: u.now, Runs: runs(seqs)}
	for _, c := range u.cards {
		if c != nil && c.touched && c.threshold > 0 && c.BalanceFen >= c.threshold && c.BalanceFen-c.delta < c.threshold {
			job.Low = append(job.Low, ledger.Event{Kind: ledger.EventLowBalance, PersonID: c.PersonID, CardNo: c.CardNo, Amount: ledger.Fen(c.threshold),
				Balance: ledger.Fen(c.BalanceFen - c.delta), At: u.now})
		}
	}
	return enqueue(u.tx, job)
}
