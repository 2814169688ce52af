package store

import (
	"context"
	"database/sql"

	"gorm.io/gorm"
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
