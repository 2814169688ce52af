package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"xiaoka/store"
	"xiaoka/store/storetest"
)

// An act is all or nothing, whenever its statements travel.
func TestStore_Act(t *testing.T) {
	t.Parallel()
	const (
		first  = "INSERT INTO cases (kind, ref, detail, at) VALUES ('a', '1', '', 1)"
		second = "INSERT INTO cases (kind, ref, detail, at) VALUES ('a', '2', '', 1)"
		third  = "INSERT INTO cases (kind, ref, detail, at) VALUES ('a', '3', '', 1)"
	)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	refused := errors.New("refused")
	for name, act := range map[string]struct {
		run  func(s *store.Store) error
		err  string // part of it
		rows int
	}{
		"Commits": {func(s *store.Store) error { return s.Act(context.Background(), nil, first, second) }, "", 2},
		"Empty":   {func(s *store.Store) error { return s.Act(context.Background(), nil) }, "", 0},
		"Refused": {func(s *store.Store) error { return s.Act(context.Background(), refused, first) }, "refused", 0},
		"LastFails": {func(s *store.Store) error {
			return s.Act(context.Background(), nil, first, "INSERT INTO cases (kind, ref) VALUES ('a', '3')")
		}, "try: ", 0},
		"UniqueIndex":     {func(s *store.Store) error { return s.Act(context.Background(), nil, first, second, first) }, "try: ", 0},
		"ContextHasEnded": {func(s *store.Store) error { return s.Act(ended, nil, first) }, "context canceled", 0},
		"Panics": {func(s *store.Store) (err error) {
			defer func() { err, _ = recover().(error) }()
			return s.Act(context.Background(), errors.New("panicked"), first)
		}, "panicked", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				err := act.run(s)
				if (err == nil) != (act.err == "") || err != nil && !strings.Contains(err.Error(), act.err) {
					t.Errorf("err = %v, want %q", err, act.err)
				}
				var rows int
				if err := s.QueryRow("SELECT COUNT(*) FROM cases").Scan(&rows); err != nil || rows != act.rows {
					t.Errorf("%d rows are kept, %v; want %d", rows, err, act.rows)
				}
				// Whatever happened, the next act finds a sound connection.
				for range 20 {
					if err := s.Act(context.Background(), refused, third); !errors.Is(err, refused) {
						t.Errorf("the next act: %v", err)
					}
				}
				if err := s.Act(context.Background(), nil, third); err != nil {
					t.Errorf("the act after: %v", err)
				}
			})
		})
	}
}
