package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"gorm.io/gorm"
)

// An act on PostgreSQL spends its time waiting for answers, so statements that
// need not wait for each other travel together: BEGIN with the first reads,
// COMMIT with the last writes, two journeys for a short act. They are still
// one transaction, run in the order they were given; the first that fails
// stops those behind it, COMMIT included. SQLite is in our own process, and
// there every statement runs when it is given.
//
//	write  gives a statement; its error may come with a later read or the commit
//	ask    gives a query; its rows come at the next flush
//	flush  waits for everything given so far
//
// gorm works in the same transaction and flushes first.

// scanner is what a query's rows are read by.
type scanner interface{ Scan(dest ...any) error }

// write runs a statement of the act, at the latest when it commits.
func write(tx *gorm.DB, what, query string, args ...any) error {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		p.queue = append(p.queue, statement{what: what, query: numbered(query), args: args})
		return nil
	}
	if err := tx.Exec(query, args...).Error; err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// ask runs a query, at the latest when the act flushes; each sees every row.
func ask(tx *gorm.DB, what string, each func(scanner) error, query string, args ...any) error {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		p.queue = append(p.queue, statement{what: what, query: numbered(query), args: args, each: each})
		return nil
	}
	if tx.Name() == "sqlite" {
		query = unlocked.Replace(query)
	}
	rows, err := tx.Raw(query, args...).Rows()
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := each(rows); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// flush waits for the answers to everything given so far.
func flush(tx *gorm.DB) error {
	if p, ok := tx.Statement.ConnPool.(*pipeline); ok {
		return p.send(tx.Statement.Context)
	}
	return nil
}

// into reads a row into dest; without a row dest stays as it is.
func into(dest ...any) func(scanner) error {
	return func(r scanner) error { return r.Scan(dest...) }
}

// unlocked drops row locks where there is one writer.
var unlocked = strings.NewReplacer(" FOR UPDATE OF t", "", " FOR UPDATE", "", " FOR NO KEY UPDATE", "")

// numbered turns ? into $1, $2 …, once for each text.
func numbered(query string) string {
	if done, ok := numberedTexts.Load(query); ok {
		return done.(string)
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			b.WriteString("$" + strconv.Itoa(n))
		}
		b.WriteString(part)
		n++
	}
	numberedTexts.Store(query, b.String())
	return b.String()
}

var numberedTexts sync.Map

// statement waits to be sent; one with each is a query.
type statement struct {
	what  string
	query string
	args  []any
	each  func(scanner) error
}

// pipeline is the transaction of one act on PostgreSQL, for gorm too. It is
// begun by the first thing sent.
type pipeline struct {
	conn  *sql.Conn
	pg    *pgx.Conn // the same connection
	queue []statement
	err   error // the first failure; nothing is sent after it
}

// pipelined runs one act in a transaction of its own.
func (s *Store) pipelined(ctx context.Context, act func(tx *gorm.DB) error) error {
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	// A connection that is still in a transaction is not used again.
	defer conn.Close()
	p := &pipeline{conn: conn, queue: []statement{{what: "begin", query: "begin"}}}
	err = conn.Raw(func(driver any) error {
		c, ok := driver.(*stdlib.Conn)
		if !ok {
			return fmt.Errorf("the connection is a %T", driver)
		}
		p.pg = c.Conn()
		return nil
	})
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer p.rollback(ctx)
	tx := s.db.Session(&gorm.Session{NewDB: true, Context: ctx})
	tx.Statement.ConnPool = p
	if err := act(tx); err != nil {
		return err
	}
	return p.commit(ctx)
}

// send sends what waits and reads the answers in order.
func (p *pipeline) send(ctx context.Context) error {
	if p.err != nil || len(p.queue) == 0 {
		return p.err
	}
	sent := p.queue
	p.queue = nil
	p.err = p.exchange(ctx, sent)
	return p.err
}

func (p *pipeline) exchange(ctx context.Context, sent []statement) error {
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(sent))}
	for _, st := range sent {
		batch.Queue(st.query, st.args...)
	}
	answers := p.pg.SendBatch(ctx, batch)
	defer answers.Close()
	for _, st := range sent {
		if err := st.take(answers); err != nil {
			return fmt.Errorf("%s: %w", st.what, err)
		}
	}
	return answers.Close()
}

func (st statement) take(answers pgx.BatchResults) error {
	if st.each == nil {
		tag, err := answers.Exec()
		if err == nil && st.query == "commit" && tag.String() != "COMMIT" {
			err = pgx.ErrTxCommitRollback
		}
		return err
	}
	rows, err := answers.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := st.each(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// commit ends the act. What was asked is read first: nothing commits whose
// answer could still be a refusal.
func (p *pipeline) commit(ctx context.Context) error {
	for _, st := range p.queue {
		if st.each != nil {
			if err := p.send(ctx); err != nil {
				return err
			}
			break
		}
	}
	if len(p.queue) == 1 && p.queue[0].query == "begin" {
		return nil // nothing was done
	}
	p.queue = append(p.queue, statement{what: "commit", query: "commit"})
	return p.send(ctx)
}

// rollback undoes what was sent of an act that did not commit, even when its
// context has ended.
func (p *pipeline) rollback(ctx context.Context) {
	if p.pg.IsClosed() || p.pg.PgConn().TxStatus() == 'I' {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_, _ = p.pg.Exec(ctx, "rollback") // failing that, the connection is given up
}

// ExecContext and the following are gorm's way into the transaction.
func (p *pipeline) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.conn.ExecContext(ctx, query, args...)
}

// QueryContext is ExecContext for a query.
func (p *pipeline) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.conn.QueryContext(ctx, query, args...)
}

// QueryRowContext is QueryContext for one row; what failed before fails it too.
func (p *pipeline) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	if err := p.send(ctx); err != nil {
		ended, cancel := context.WithCancelCause(ctx)
		cancel(err)
		ctx = ended
	}
	return p.conn.QueryRowContext(ctx, query, args...)
}

// PrepareContext prepares a statement.
func (p *pipeline) PrepareContext(ctx context.Context, query string) (*sql.Stmt, error) {
	if err := p.send(ctx); err != nil {
		return nil, err
	}
	return p.conn.PrepareContext(ctx, query)
}

// jobs is the transaction as the queue's driver sees it: what it writes waits
// with the act's own statements, and nobody reads its rows.
type jobs struct {
	pgx.Tx // nil: the driver needs nothing but the following to insert
	*pipeline
}

// Conn lets the driver see how the connection passes its arguments.
func (j jobs) Conn() *pgx.Conn { return j.pg }

// Exec queues a statement.
func (j jobs) Exec(_ context.Context, query string, args ...any) (pgconn.CommandTag, error) {
	j.queue = append(j.queue, statement{what: "tell the queue", query: query, args: args})
	return pgconn.CommandTag{}, nil
}

// Query queues a statement whose rows are not read.
func (j jobs) Query(_ context.Context, query string, args ...any) (pgx.Rows, error) {
	j.queue = append(j.queue, statement{what: "enqueue the job", query: query, args: args})
	return noRows{}, nil
}

// noRows is an answer without rows.
type noRows struct{ pgx.Rows }

// Next says that there is none.
func (noRows) Next() bool { return false }

// Err says that nothing failed.
func (noRows) Err() error { return nil }

// Close has nothing to close.
func (noRows) Close() {}

var errNoTransaction = errors.New("a job is enqueued inside a transaction only")
