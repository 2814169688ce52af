package store_test

import (
	"os"
	"path/filepath"
	"testing"

	"xiaoka/store"
)

// TestOpen_OwnerOnly: a new embedded database is nobody else's to read, and
// neither is what SQLite keeps beside it.
func TestOpen_OwnerOnly(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "xiaoka.db")
	s, err := store.Open(t.Context(), "sqlite:"+file, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{file, file + "-wal", file + "-shm"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	}
	folder := filepath.Join(t.TempDir(), "none", "xiaoka.db")
	if _, err := store.Open(t.Context(), "sqlite:"+folder, store.Options{}); err == nil {
		t.Error("opened in a folder that is not there")
	}
}
