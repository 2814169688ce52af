package store

import (
	"context"
	"database/sql"
)

// Exec runs a raw statement, for tests that try what no act does.
func (s *Store) Exec(ctx context.Context, statement string, args ...any) error {
	return s.db.WithContext(ctx).Exec(statement, args...).Error
}

// QueryRow reads one row, for tests of what no act shows.
func (s *Store) QueryRow(query string, args ...any) *sql.Row {
	return s.sql.QueryRow(query, args...)
}
