package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"gorm.io/gorm"
)

// A job of the queue is a wide row with many indexes and checks, too dear for
// the moment in which money moves. An act writes one small row into the outbox
// instead; many at once become jobs soon after, and a row ends in the very
// transaction that makes it a job: none is lost, none becomes two.

// enqueue writes jobs in the act's own transaction.
func enqueue[J river.JobArgs](tx *gorm.DB, jobs ...J) error {
	waiting := make([]any, 0, 2*len(jobs))
	for _, job := range jobs {
		args, err := json.Marshal(job)
		if err != nil {
			return fmt.Errorf("enqueue the %s: %w", job.Kind(), err)
		}
		waiting = append(waiting, job.Kind(), string(args))
	}
	return write(tx, "enqueue the "+jobs[0].Kind(), `INSERT INTO outbox (kind, args) VALUES `+rows(len(jobs), 2), waiting...)
}

// outboxBatch is how many rows become jobs in one transaction, outboxPause how
// long an empty outbox is left alone.
const (
	outboxBatch = 1000
	outboxPause = 100 * time.Millisecond
)

// outboxRow is a job to be.
type outboxRow struct {
	id   int64
	kind string
	args []byte
}

// jobsOf makes rows jobs, in the order in which they were written.
func jobsOf(taken []outboxRow) ([]river.InsertManyParams, error) {
	slices.SortFunc(taken, func(a, b outboxRow) int { return int(a.id - b.id) })
	jobs := make([]river.InsertManyParams, len(taken))
	for i, row := range taken {
		var (
			push pushArgs
			fan  fanArgs
			err  error
		)
		switch row.kind {
		case push.Kind():
			err = json.Unmarshal(row.args, &push)
			jobs[i] = pushJob(push.Event)
		case fan.Kind():
			err = json.Unmarshal(row.args, &fan)
			jobs[i] = river.InsertManyParams{Args: fan}
		default:
			err = fmt.Errorf("its kind %q is unknown", row.kind)
		}
		if err != nil {
			return nil, fmt.Errorf("row %d of the outbox: %w", row.id, err)
		}
	}
	return distinct(jobs), nil
}

// emptyOutbox hands rows to the queue by take until ctx ends. Any number of
// replicas may do so at once.
func (s *Store) emptyOutbox(ctx context.Context, take func(context.Context) (int, error)) {
	for ctx.Err() == nil {
		n, err := s.takeOver(ctx, take)
		if err != nil && ctx.Err() == nil {
			s.log.Error("the outbox cannot be emptied, will be tried again", "err", err)
		}
		if err == nil && n == outboxBatch {
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(outboxPause):
		}
	}
}

// takeOver writes nothing while there is nothing.
func (s *Store) takeOver(ctx context.Context, take func(context.Context) (int, error)) (int, error) {
	var waiting []int64
	if err := s.db.WithContext(ctx).Raw(`SELECT id FROM outbox ORDER BY id LIMIT 1`).Scan(&waiting).Error; err != nil {
		return 0, fmt.Errorf("look into the outbox: %w", err)
	}
	if len(waiting) == 0 {
		return 0, nil
	}
	return take(ctx)
}

// takePool makes a batch of rows jobs; another replica's rows are passed over.
func (s *Store) takePool(ctx context.Context, queue *river.Client[pgx.Tx]) (n int, err error) {
	err = pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED)
			RETURNING id, kind, args`, outboxBatch)
		if err != nil {
			return fmt.Errorf("take from the outbox: %w", err)
		}
		taken, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (row outboxRow, err error) {
			err = r.Scan(&row.id, &row.kind, &row.args)
			return row, err
		})
		if err != nil {
			return fmt.Errorf("take from the outbox: %w", err)
		}
		if n = len(taken); n == 0 {
			return nil
		}
		jobs, err := jobsOf(taken)
		if err != nil {
			return err
		}
		_, err = queue.InsertManyTx(ctx, tx, jobs)
		return err
	})
	return n, err
}

// takeFile is takePool in the embedded database.
func (s *Store) takeFile(ctx context.Context, queue *river.Client[*sql.Tx]) (n int, err error) {
	err = s.db.WithContext(ctx).Transaction(func(tx *gorm.DB) error {
		rows, err := tx.Raw(`DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?) RETURNING id, kind, args`, outboxBatch).Rows()
		if err != nil {
			return fmt.Errorf("take from the outbox: %w", err)
		}
		defer rows.Close()
		var taken []outboxRow
		for rows.Next() {
			var row outboxRow
			if err := rows.Scan(&row.id, &row.kind, &row.args); err != nil {
				return fmt.Errorf("take from the outbox: %w", err)
			}
			taken = append(taken, row)
		}
		if err := rows.Err(); err != nil {
			return fmt.Errorf("take from the outbox: %w", err)
		}
		if n = len(taken); n == 0 {
			return nil
		}
		raw, ok := tx.Statement.ConnPool.(*sql.Tx)
		if !ok {
			return errNoTransaction
		}
		jobs, err := jobsOf(taken)
		if err != nil {
			return err
		}
		_, err = queue.InsertManyTx(ctx, raw, jobs)
		return err
	})
	return n, err
}
