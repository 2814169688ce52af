package store

import "context"

// MigrateBack goes back to a version of the schema, for tests of what the
// later ones do with rows that are there already.
func (s *Store) MigrateBack(ctx context.Context, version int64) error {
	p, err := s.goose()
	if err != nil {
		return err
	}
	_, err = p.DownTo(ctx, version)
	return err
}
