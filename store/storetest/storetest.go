// Package storetest gives tests a real, migrated, empty database: a copy of a
// SQLite template, or a fresh PostgreSQL database made from a template. The
// test command names the PostgreSQL server in TEST_POSTGRES_URL.
package storetest

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"xiaoka/store"
)

// Each runs a test once on each database. With -short PostgreSQL is left out;
// without it, a missing server is a failure.
func Each(t *testing.T, test func(t *testing.T, s *store.Store)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, SQLite(t))
	})
	t.Run("postgres", func(t *testing.T) {
		if testing.Short() {
			t.Skip("needs PostgreSQL; -short runs without")
		}
		t.Parallel()
		test(t, Postgres(t))
	})
}

var template struct {
	sync.Once
	file []byte
	err  error
}

// SQLite opens a fresh embedded database in the test's own folder.
func SQLite(t testing.TB) *store.Store { return open(t, SQLiteURL(t)) }

// SQLiteURL makes a fresh embedded database and returns its address.
func SQLiteURL(t testing.TB) string {
	t.Helper()
	template.Do(func() {
		dir, err := os.MkdirTemp("", "xiaoka-template")
		if err != nil {
			template.err = err
			return
		}
		defer os.RemoveAll(dir)
		path := filepath.Join(dir, "t.db")
		if template.err = migrate("sqlite:" + path); template.err == nil {
			template.file, template.err = os.ReadFile(path)
		}
	})
	if template.err != nil {
		t.Fatalf("make the SQLite template: %v", template.err)
	}
	path := filepath.Join(t.TempDir(), "xiaoka.db")
	if err := os.WriteFile(path, template.file, 0o600); err != nil {
		t.Fatal(err)
	}
	return "sqlite:" + path
}

var pg struct {
	sync.Once
	err error
	n   atomic.Int64
}

// Postgres opens a fresh database on the test server.
func Postgres(t testing.TB) *store.Store { return open(t, PostgresURL(t)) }

// PostgresURL makes a fresh database on the test server and returns its
// address; it is dropped when the test ends.
func PostgresURL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("TEST_POSTGRES_URL")
	if server == "" {
		t.Fatal("TEST_POSTGRES_URL is not set: run the tests by `make test`, or with -short")
	}
	ctx := context.Background()
	model := fmt.Sprintf("xiaoka_t%d", os.Getpid())
	pg.Do(func() {
		if pg.err = admin(ctx, server, "CREATE DATABASE "+model); pg.err == nil {
			pg.err = migrate(database(server, model))
		}
	})
	if pg.err != nil {
		t.Fatalf("make the PostgreSQL template: %v", pg.err)
	}
	name := fmt.Sprintf("%s_%d", model, pg.n.Add(1))
	if err := admin(ctx, server, "CREATE DATABASE "+name+" TEMPLATE "+model); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := admin(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			t.Errorf("drop the test database: %v", err)
		}
	})
	return database(server, name)
}

func database(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

func admin(ctx context.Context, server, statement string) error {
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}

func migrate(url string) error {
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(context.Background())
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), url, store.Options{MaxConns: 10})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}
