package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"xiaoka/ledger"
)

// Nobody takes a state after its time, or twice, from the store inside the
// process either.
func TestStates_Embedded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	short, err := openRedis("")
	if err != nil {
		t.Fatal(err)
	}
	defer short.close()
	s := states{short}
	for key, ttl := range map[string]time.Duration{"short": time.Second, "long": time.Minute} {
		if err := s.Put(ctx, key, "/h5/", ttl); err != nil {
			t.Fatal(err)
		}
	}
	for end := time.Now().Add(10 * time.Second); s.Exists(ctx, "h5:state:short").Val() == 1 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if _, err := s.Take(ctx, "short"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("after its time: %v", err)
	}
	if v, err := s.Take(ctx, "long"); err != nil || v != "/h5/" {
		t.Errorf("in time: %q, %v", v, err)
	}
	if _, err := s.Take(ctx, "long"); !errors.Is(err, ledger.ErrNotFound) {
		t.Errorf("a second time: %v", err)
	}
}
