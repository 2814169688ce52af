package store

import "context"

// Exec runs a raw statement, for tests that try what no act does.
func (s *Store) Exec(ctx context.Context, statement string, args ...any) error {
	return s.db.WithContext(ctx).Exec(statement, args...).Error
}
