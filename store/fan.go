package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"

	"xiaoka/ledger"
)

// fanWorker turns one upload into pushes. The pushes and the end of the job
// commit together: a crash in between tells nobody twice.
type fanWorker struct {
	river.WorkerDefaults[fanArgs]
	store *Store
}

// Work reads whom to tell in one statement, a second one if a purchase may be
// unusual, and inserts the pushes in another.
func (w *fanWorker) Work(ctx context.Context, job *river.Job[fanArgs]) error {
	purchases, err := w.store.purchases(ctx, job.Args)
	if err != nil {
		return err
	}
	unusual, err := w.store.unusual(ctx, purchases)
	if err != nil {
		return err
	}
	params := purchasePushes(purchases, job.Args.At)
	for _, e := range unusual {
		params = append(params, pushJob(e))
	}
	replaced := map[int64]bool{} // whose purchases were made with a card no longer in use: its balance alerts nobody
	for _, p := range purchases {
		replaced[p.PersonID] = p.Replaced
	}
	var low []river.InsertManyParams
	for _, e := range job.Args.Low {
		if !replaced[e.PersonID] {
			low = append(low, pushJob(e))
		}
	}
	low = distinct(low)
	if w.store.Embedded() {
		return w.embedded(ctx, job, params, low)
	}
	tx, err := w.store.pool.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin the fan-out: %w", err)
	}
	defer tx.Rollback(context.WithoutCancel(ctx)) //nolint:errcheck // nothing to undo after the commit
	if len(params) > 0 {
		if _, err := river.ClientFromContext[pgx.Tx](ctx).InsertManyFastTx(ctx, tx, params); err != nil {
			return fmt.Errorf("enqueue the pushes: %w", err)
		}
	}
	if len(low) > 0 {
		if _, err := river.ClientFromContext[pgx.Tx](ctx).InsertManyTx(ctx, tx, low); err != nil {
			return fmt.Errorf("enqueue the low balances: %w", err)
		}
	}
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
		return fmt.Errorf("complete the fan-out: %w", err)
	}
	return tx.Commit(ctx)
}

func (w *fanWorker) embedded(ctx context.Context, job *river.Job[fanArgs], params, low []river.InsertManyParams) error {
	tx, err := w.store.sql.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin the fan-out: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // nothing to undo after the commit
	if len(params) > 0 {
		if _, err := river.ClientFromContext[*sql.Tx](ctx).InsertManyFastTx(ctx, tx, params); err != nil {
			return fmt.Errorf("enqueue the pushes: %w", err)
		}
	}
	if len(low) > 0 {
		if _, err := river.ClientFromContext[*sql.Tx](ctx).InsertManyTx(ctx, tx, low); err != nil {
			return fmt.Errorf("enqueue the low balances: %w", err)
		}
	}
	if _, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx, job); err != nil {
		return fmt.Errorf("complete the fan-out: %w", err)
	}
	return tx.Commit()
}

// bought is a purchase of an upload that was made by a member who bound the
// card.
type bought struct {
	CardID     int64
	PersonID   int64
	SpendSeq   int64
	AmountFen  int64
	BalanceFen int64
	OccurredAt int64
	AfterLoss  bool
	Informed   bool // of one after a loss: the till had the list
	Name       string
	CardNo     string
	Replaced   bool // the card is no longer in use
	Ref        string
	Told       bool // wants to hear of purchases, or must hear of this one
	Quick      bool // with those before it on the card, ledger.UnusualCount within ledger.UnusualWithin
}

func (b bought) event() ledger.Event {
	kind, bearer := ledger.EventConsumption, ledger.Bearer("")
	if b.AfterLoss {
		kind, bearer = ledger.EventSpentAfterLoss, ledger.ProposedBearer(b.Informed)
	}
	return ledger.Event{Kind: kind, Bearer: bearer, PersonID: b.PersonID, Amount: ledger.Fen(b.AmountFen), Balance: ledger.Fen(b.BalanceFen),
		Where: b.Name, CardNo: b.CardNo, Ref: b.Ref, At: time.UnixMicro(b.OccurredAt)}
}

const (
	// toldSingly is how many purchases of an upload one person hears of one by
	// one, toldFresh how old such a purchase may be: a till that was cut off
	// for long tells of hundreds at once.
	toldSingly = 3
	toldFresh  = 24 * time.Hour
)

// purchasePushes are the pushes about purchases that come in the order of
// persons, cards and counters. What was bought after a loss report is told
// one by one and at once; of the rest, a person is told in one job.
func purchasePushes(purchases []bought, received time.Time) []river.InsertManyParams {
	var jobs []river.InsertManyParams
	var mine []bought
	for i, p := range purchases {
		switch {
		case p.AfterLoss:
			jobs = append(jobs, pushJob(p.event()))
		case p.Told:
			mine = append(mine, p)
		}
		if last := i+1 == len(purchases) || purchases[i+1].PersonID != p.PersonID; last && len(mine) > 0 {
			jobs, mine = append(jobs, pushJobs(summedUp(mine, received))), nil
		}
	}
	return jobs
}

// summedUp tells one person's newest purchases singly, by the counters of the
// card, and all others together after them.
func summedUp(mine []bought, received time.Time) []ledger.Event {
	var events []ledger.Event
	var rest ledger.Event
	for _, p := range slices.Backward(mine) {
		e := p.event()
		if len(events) < toldSingly && received.Sub(e.At) <= toldFresh {
			events = append(events, e)
			continue
		}
		if rest.Count == 0 {
			rest = ledger.Event{Kind: e.Kind, PersonID: e.PersonID, CardNo: e.CardNo, Where: e.Where, Ref: e.Ref, At: e.At, Since: e.At}
		} else {
			rest.Where = ""
		}
		rest.Count++
		rest.Amount += e.Amount
		if e.At.After(rest.At) {
			rest.At = e.At
		}
		if e.At.Before(rest.Since) {
			rest.Since = e.At
		}
	}
	slices.Reverse(events)
	if rest.Count > 0 {
		events = append(events, rest)
	}
	return events
}

// runs writes counts as their runs without a gap, each from its first to its
// last.
func runs(seqs []int64) (all [][2]int64) {
	slices.Sort(seqs)
	for _, seq := range seqs {
		if last := len(all) - 1; last >= 0 && all[last][1]+1 == seq {
			all[last][1] = seq
		} else {
			all = append(all, [2]int64{seq, seq})
		}
	}
	return all
}

// purchases lists what an upload's holders may be told of.
func (s *Store) purchases(ctx context.Context, a fanArgs) ([]bought, error) {
	args := []any{string(ledger.EventConsumption), ledger.UnusualCount - 1, ledger.UnusualWithin.Microseconds(), a.TerminalID}
	all := append(runs(a.Seqs), a.Runs...)
	for _, run := range all {
		args = append(args, run[0], run[1])
	}
	var found []bought
	err := s.db.WithContext(ctx).Raw(`SELECT n.card_id, c.person_id, n.spend_seq, n.amount_fen, n.balance_fen, n.occurred_at, n.after_loss, n.after_loss AND `+hadList+` AS informed, m.name,
		c.card_no, c.status = 'closed' AS replaced,
		n.terminal_id || ':' || CAST(n.seq AS TEXT) AS ref,
		(n.after_loss OR NOT EXISTS (SELECT 1 FROM push_mutes x WHERE x.person_id = p.id AND x.kind = ?)) AS told,
		COALESCE((SELECT b.occurred_at FROM consumptions b WHERE b.card_id = n.card_id AND b.spend_seq <= n.spend_seq
			ORDER BY b.spend_seq DESC LIMIT 1 OFFSET ?) > n.occurred_at - ?, FALSE) AS quick
		FROM consumptions n JOIN campus_cards c ON c.id = n.card_id JOIN people p ON p.id = c.person_id JOIN merchants m ON m.id = n.merchant_id
		WHERE n.terminal_id = ? AND (`+strings.Repeat("n.seq BETWEEN ? AND ? OR ", len(all))+`1 = 0) AND p.bound_at IS NOT NULL
		ORDER BY c.person_id, n.card_id, n.spend_seq`, args...).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read whom to tell: %w", err)
	}
	return found, nil
}

// unusual lists the purchases unlike their holders' own history, the first of
// each card. Few are large or quick enough to be looked at, and only for their
// cards is a history read. What was bought after a loss report is told anyway.
func (s *Store) unusual(ctx context.Context, purchases []bought) ([]ledger.Event, error) {
	var suspects []bought
	var cards []int64
	var from int64
	for _, p := range purchases {
		if !p.AfterLoss && (p.AmountFen >= int64(ledger.UnusualFen) || p.Quick) {
			suspects, cards = append(suspects, p), append(cards, p.CardID)
			if start := micros(timeOf(p.OccurredAt).AddDate(0, 0, -ledger.UnusualDays)); from == 0 || start < from {
				from = start
			}
		}
	}
	if len(suspects) == 0 {
		return nil, nil
	}
	var found []bought
	err := s.db.WithContext(ctx).Raw(`SELECT n.card_id, n.spend_seq, n.amount_fen, n.occurred_at
		FROM (SELECT card_id, MIN(low_seq) AS low FROM card_months WHERE card_id IN ? AND month >= ? GROUP BY card_id) AS m
		JOIN consumptions n ON n.card_id = m.card_id AND n.spend_seq >= m.low WHERE n.occurred_at >= ?
		ORDER BY n.card_id, n.occurred_at, n.spend_seq`, cards, s.monthOf(timeOf(from)), from).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read the histories: %w", err)
	}
	type history struct {
		made []ledger.Purchase
		seqs []int64
	}
	histories := map[int64]*history{}
	for _, f := range found {
		h := histories[f.CardID]
		if h == nil {
			h = &history{}
			histories[f.CardID] = h
		}
		h.made, h.seqs = append(h.made, ledger.Purchase{Amount: ledger.Fen(f.AmountFen), At: time.UnixMicro(f.OccurredAt)}), append(h.seqs, f.SpendSeq)
	}
	var events []ledger.Event
	told := map[int64]bool{}
	for _, p := range suspects {
		h := histories[p.CardID]
		if told[p.CardID] || h == nil {
			continue
		}
		is, usual, count := ledger.Unusual(h.made[:slices.Index(h.seqs, p.SpendSeq)+1])
		if is {
			e := p.event()
			e.Kind, e.Usual, e.Count = ledger.EventUnusual, usual, count
			events, told[p.CardID] = append(events, e), true
		}
	}
	return events, nil
}
