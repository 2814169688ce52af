package store

import (
	"context"
	"database/sql"
	"fmt"

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

// Work reads whom to tell in one statement and inserts the pushes in another.
func (w *fanWorker) Work(ctx context.Context, job *river.Job[fanArgs]) error {
	events, err := w.store.purchases(ctx, job.Args)
	if err != nil {
		return err
	}
	params := make([]river.InsertManyParams, 0, len(events)+len(job.Args.Low))
	for _, e := range append(events, job.Args.Low...) {
		params = append(params, pushJob(e))
	}
	if w.store.Embedded() {
		return w.embedded(ctx, job, params)
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
	if _, err := river.JobCompleteTx[*riverpgxv5.Driver](ctx, tx, job); err != nil {
		return fmt.Errorf("complete the fan-out: %w", err)
	}
	return tx.Commit(ctx)
}

func (w *fanWorker) embedded(ctx context.Context, job *river.Job[fanArgs], params []river.InsertManyParams) error {
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
	if _, err := river.JobCompleteTx[*riversqlite.Driver](ctx, tx, job); err != nil {
		return fmt.Errorf("complete the fan-out: %w", err)
	}
	return tx.Commit()
}

// purchases lists the pushes of an upload: each purchase of a member who bound
// the card and wants to hear of it, and every one made after a loss report.
func (s *Store) purchases(ctx context.Context, a fanArgs) ([]ledger.Event, error) {
	var found []struct {
		PersonID   int64
		AmountFen  int64
		BalanceFen int64
		OccurredAt int64
		AfterLoss  bool
		Name       string
		Ref        string
	}
	err := s.db.WithContext(ctx).Raw(`SELECT c.person_id, n.amount_fen, n.balance_fen, n.occurred_at, n.after_loss, m.name,
		n.terminal_id || ':' || CAST(n.seq AS TEXT) AS ref
		FROM consumptions n JOIN campus_cards c ON c.id = n.card_id JOIN people p ON p.id = c.person_id JOIN merchants m ON m.id = n.merchant_id
		WHERE n.terminal_id = ? AND n.seq IN ? AND p.bound_at IS NOT NULL AND (n.after_loss OR NOT EXISTS (
			SELECT 1 FROM push_mutes x WHERE x.person_id = p.id AND x.kind = ?))
		ORDER BY c.person_id, n.spend_seq`, a.TerminalID, a.Seqs, string(ledger.EventConsumption)).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read whom to tell: %w", err)
	}
	events := make([]ledger.Event, len(found))
	for i, f := range found {
		events[i] = ledger.Event{Kind: ledger.EventConsumption, PersonID: f.PersonID, Amount: ledger.Fen(f.AmountFen),
			Balance: ledger.Fen(f.BalanceFen), Where: f.Name, Ref: f.Ref, At: timeOf(f.OccurredAt)}
		if f.AfterLoss {
			events[i].Kind = ledger.EventSpentAfterLoss
		}
	}
	return events, nil
}
