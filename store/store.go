// Package store keeps the books, the people and everything that must survive
// a crash, in PostgreSQL or in an embedded SQLite file. One exported method is
// one act and one database transaction; whatever the act must tell the world
// is enqueued in that same transaction. The edges and pay call it through
// small interfaces of their own, in the types of ledger.
//
// It is the only package that knows gorm. Concurrency rests on the database:
// rows are locked in one order (card or order first, then what hangs on it),
// and what may happen at most once has a unique index.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/glebarez/sqlite"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/riverqueue/river"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"

	"xiaoka/ledger"
)

// Options are the settings of a store; the zero value is usable.
type Options struct {
	// MaxConns bounds the connections to PostgreSQL; 0 = 16. SQLite uses 4.
	MaxConns int
	Zone     *time.Location // of accounting days; nil = Asia/Shanghai's +08:00
	Log      *slog.Logger
}

// Store is safe for concurrent use.
type Store struct {
	db   *gorm.DB
	sql  *sql.DB
	pool *pgxpool.Pool // nil on SQLite
	log  *slog.Logger
	jobs enqueuer
	// listJobs looks into the queue.
	listJobs func(context.Context, *river.JobListParams) (*river.JobListResult, error)
	zone     *time.Location

	// Acts that share transactions.
	settling    crowd[paid, ledger.Settlement]
	authorising crowd[ledger.ClaimRequest, authorised]
	confirming  crowd[confirmation, ledger.Claim]

	merchants sync.Map // name → id; merchants never change
	cards     knownCards
}

// Open connects to `sqlite:PATH` or `postgres://…`. It changes no schema. An
// error never holds the password of the address.
func Open(ctx context.Context, url string, o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s := &Store{log: o.Log, zone: o.Zone}
	if s.zone == nil {
		s.zone = time.FixedZone("Asia/Shanghai", 8*60*60)
	}
	var dialect gorm.Dialector
	switch path, isFile := strings.CutPrefix(url, "sqlite:"); {
	case isFile && path != "":
		if err := s.openFile(path); err != nil {
			return nil, err
		}
		dialect = &sqlite.Dialector{Conn: s.sql}
	case strings.HasPrefix(url, "postgres://"), strings.HasPrefix(url, "postgresql://"):
		if err := s.openPool(ctx, url, o); err != nil {
			return nil, err
		}
		dialect = postgres.New(postgres.Config{Conn: s.sql})
	default:
		return nil, errors.New("the database address must start with sqlite: or postgres://")
	}
	db, err := gorm.Open(dialect, &gorm.Config{
		SkipDefaultTransaction: true,
		// gorm's logger prints statements with their values: never.
		Logger:         logger.Discard,
		TranslateError: true,
	})
	if err != nil {
		s.Close()
		return nil, fmt.Errorf("open the database: %w", err)
	}
	s.db = db
	if !s.Embedded() {
		s.settling.plain, s.settling.key = s.settlePlain, func(p paid) string { return p.OutTradeNo }
		s.authorising.plain, s.authorising.key = s.authorisePlain, func(r ledger.ClaimRequest) string { return r.CardNo }
		s.confirming.plain, s.confirming.key = s.confirmPlain, func(w confirmation) string { return w.claimID }
	}
	if err := s.openQueue(); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// openFile opens SQLite so that a write transaction takes its lock at BEGIN
// (no upgrade can fail half-way) and a commit is on disk when it returns.
func (s *Store) openFile(path string) (err error) {
	file, _, _ := strings.Cut(strings.TrimPrefix(path, "file:"), "?")
	if _, err := os.Stat(filepath.Dir(file)); err != nil {
		return fmt.Errorf("there is no folder for the database %s", file)
	}
	// SQLite would let everybody on the machine read the people in it; its -wal and -shm get the mode of this one.
	switch f, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600); {
	case err == nil:
		f.Close()
	case !errors.Is(err, fs.ErrExist):
		return fmt.Errorf("make the database: %w", err)
	}
	sep := "?"
	if strings.Contains(path, "?") {
		sep = "&"
	}
	s.sql, err = sql.Open(sqlite.DriverName, path+sep+"_txlock=immediate&_pragma=foreign_keys(1)"+
		"&_pragma=busy_timeout(10000)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)")
	if err != nil {
		return fmt.Errorf("open %s: %w", path, err)
	}
	s.sql.SetMaxOpenConns(4)
	s.sql.SetMaxIdleConns(4)
	return nil
}

func (s *Store) openPool(ctx context.Context, url string, o Options) error {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return errors.New("the PostgreSQL address is malformed")
	}
	cfg.MaxConns = 16
	// Every statement is planned once a connection: those over arrays would be
	// planned anew each time, at more than they cost.
	params := cfg.ConnConfig.RuntimeParams
	params["plan_cache_mode"] = "force_generic_plan"
	// Such a plan may look dear enough to be compiled, which takes longer than
	// any answer here.
	params["jit"] = "off"
	// A replica that froze or vanished in an act must not keep its rows from the
	// others, nor a row that a person holds all connections.
	params["idle_in_transaction_session_timeout"] = "5s"
	params["lock_timeout"] = "5s"
	if o.MaxConns > 0 {
		cfg.MaxConns = int32(o.MaxConns)
	}
	cfg.AfterConnect = quickNumbers
	if s.pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return errors.New("the PostgreSQL pool cannot be made")
	}
	s.sql = stdlib.OpenDBFromPool(s.pool)
	return nil
}

// Close ends all connections.
func (s *Store) Close() {
	if s.sql != nil {
		_ = s.sql.Close()
	}
	if s.pool != nil {
		s.pool.Close()
	}
}

// Ping answers whether the database does.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.sql.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("the database does not answer: %w", err)
	}
	return nil
}

// Embedded tells whether the database is a file of this process alone.
func (s *Store) Embedded() bool { return s.pool == nil }

// tx runs one act. Everything in it commits together or not at all.
func (s *Store) tx(ctx context.Context, act func(tx *gorm.DB) error) error {
	if s.Embedded() {
		return s.db.WithContext(ctx).Transaction(act)
	}
	return s.pipelined(ctx, act)
}

// txAgain is tx for an act that may be run anew: it is, when it was ended so that
// another could go on.
func (s *Store) txAgain(ctx context.Context, act func(tx *gorm.DB) error) error {
	for tries := 1; ; tries++ {
		if err := s.tx(ctx, act); !again(ctx, err, tries) {
			return err
		}
	}
}

// again tells whether to run an act anew that was ended as one of two that waited
// for each other, after a moment: an act that comes back at once takes its rows
// before the other has woken, and both wait once more.
func again(ctx context.Context, err error, tries int) bool {
	if tries == 3 || !deadlocked(err) {
		return false
	}
	select {
	case <-ctx.Done():
		return false
	case <-time.After(time.Duration(tries) * 50 * time.Millisecond):
		return true
	}
}

// forUpdate locks the rows read until the act ends; SQLite's single writer
// makes it a no-op there.
func forUpdate(tx *gorm.DB) *gorm.DB {
	return tx.Clauses(clause.Locking{Strength: "UPDATE"})
}

// micros is how times are stored: microseconds since 1970 UTC, 0 for the zero
// time.
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// optional stores the zero time as null.
func optional(t time.Time) *int64 {
	if t.IsZero() {
		return nil
	}
	m := t.UnixMicro()
	return &m
}

func timeOf(m int64) time.Time {
	if m == 0 {
		return time.Time{}
	}
	return time.UnixMicro(m)
}

func timeOpt(m *int64) time.Time {
	if m == nil {
		return time.Time{}
	}
	return timeOf(*m)
}
