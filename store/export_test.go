package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Exec runs a raw statement, for tests that try what no act does.
func (s *Store) Exec(ctx context.Context, statement string, args ...any) error {
	return s.db.WithContext(ctx).Exec(statement, args...).Error
}

// QueryRow reads one row, for tests of what no act shows.
func (s *Store) QueryRow(query string, args ...any) *sql.Row {
	return s.sql.QueryRow(query, args...)
}

// Act runs statements as one act; in the end it fails with err, or panics when
// that says so.
func (s *Store) Act(ctx context.Context, err error, statements ...string) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		for _, statement := range statements {
			if err := write(tx, "try", statement); err != nil {
				return err
			}
		}
		if err != nil && err.Error() == "panicked" {
			if flushed := flush(tx); flushed != nil {
				return flushed
			}
			panic(err)
		}
		return err
	})
}

// Freeze begins an act with a statement, tells that it is frozen, and goes on
// when it may thaw.
func (s *Store) Freeze(frozen, thaw chan struct{}, statement string) error {
	return s.tx(context.Background(), func(tx *gorm.DB) error {
		if err := errors.Join(write(tx, "freeze", statement), flush(tx)); err != nil {
			return err
		}
		close(frozen)
		<-thaw
		return write(tx, "thaw", statement)
	})
}

// Again runs two statements as an act that may be run anew, and between them
// something else.
func (s *Store) Again(between func(), first, second string) error {
	return s.txAgain(context.Background(), func(tx *gorm.DB) error {
		if err := errors.Join(write(tx, "first", first), flush(tx)); err != nil {
			return err
		}
		between()
		return write(tx, "second", second)
	})
}

// ExplainStatement is PostgreSQL's plan of a statement when reading a table
// whole is the last resort, as it is for large ones.
func (s *Store) ExplainStatement(ctx context.Context) (plan string, err error) {
	err = s.db.WithContext(ctx).Connection(func(tx *gorm.DB) error {
		if err := tx.Exec("SET enable_seqscan = off").Error; err != nil {
			return err
		}
		defer tx.Exec("RESET enable_seqscan")
		var lines []string
		err := tx.Raw("EXPLAIN "+statementSQL, map[string]any{"person": 1, "before": 202610, "first": 202611, "last": 202611, "same": 202610, "sameFrom": 1, "sameTo": 2, "start": 1, "from": 1, "to": 2}).Scan(&lines).Error
		plan = strings.Join(lines, "\n")
		return err
	})
	return plan, err
}

// ExplainWatch is PostgreSQL's plan of the two statements of Watch, reading a
// table whole being the last resort.
func (s *Store) ExplainWatch(ctx context.Context) (plan string, err error) {
	err = s.db.WithContext(ctx).Connection(func(tx *gorm.DB) error {
		if err := tx.Exec("SET enable_seqscan = off").Error; err != nil {
			return err
		}
		defer tx.Exec("RESET enable_seqscan")
		var counts, jobs []string
		err := errors.Join(tx.Raw("EXPLAIN "+watchSQL, map[string]any{"now": 1, "silent": 1, "kept": 1}).Scan(&counts).Error,
			tx.Raw("EXPLAIN "+s.jobGroupsSQL()).Scan(&jobs).Error)
		plan = strings.Join(append(counts, jobs...), "\n")
		return err
	})
	return plan, err
}

// Tampered checks the books as they are after a statement, which is undone
// then.
func (s *Store) Tampered(ctx context.Context, statement string) (Report, error) {
	report := Report{OK: true}
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return report, err
	}
	defer conn.Close()
	defer conn.ExecContext(ctx, "ROLLBACK") //nolint:errcheck // there is nothing to keep
	for _, q := range []string{"BEGIN", statement} {
		if _, err := conn.ExecContext(ctx, q); err != nil {
			return report, err
		}
	}
	err = s.prove(ctx, conn, &report, nil)
	return report, err
}

// Enqueue gives pushes to the queue as an act does.
func (s *Store) Enqueue(ctx context.Context, events []ledger.Event) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		for _, e := range events {
			if err := s.push(tx, e); err != nil {
				return err
			}
		}
		return nil
	})
}

// OneByOne gives every act a transaction of its own, the long way.
func (s *Store) OneByOne() {
	s.settling.plain, s.authorising.plain, s.confirming.plain = nil, nil, nil
}

// EmptyOutbox makes jobs of what waits in the outbox, for tests that look into
// a queue nobody works.
func (s *Store) EmptyOutbox(ctx context.Context) error {
	if s.Embedded() {
		queue, err := river.NewClient(riversqlite.New(s.sql), &river.Config{})
		if err == nil {
			_, err = s.takeFile(ctx, queue)
		}
		return err
	}
	queue, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{})
	if err == nil {
		_, err = s.takePool(ctx, queue)
	}
	return err
}
