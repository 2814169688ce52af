package store_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func TestStore_PINFailed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		campus(t, s, 1)
		suspended := func(id string) time.Time {
			t.Helper()
			k, err := s.Terminal(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return k.SuspendedUntil
		}
		// Those outside the window do not count.
		for range ledger.SuspendAfter - 1 {
			if until, err := s.PINFailed(ctx, "K01", noon.Add(-ledger.SuspendWindow)); err != nil || !until.IsZero() {
				t.Fatalf("PINFailed = %v, %v", until, err)
			}
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		counted, alarms := 0, 0
		for range 100 {
			wg.Go(func() {
				until, err := s.PINFailed(ctx, "K01", noon)
				mu.Lock()
				defer mu.Unlock()
				var refused *ledger.SuspendedError
				switch {
				case err == nil:
					counted++
				case !errors.As(err, &refused) || !refused.Until.Equal(noon.Add(ledger.Suspension)):
					t.Errorf("err = %v", err)
				}
				if !until.IsZero() {
					alarms++
				}
			})
		}
		wg.Wait()
		if counted != ledger.SuspendAfter || alarms != 1 || !suspended("K01").Equal(noon.Add(ledger.Suspension)) {
			t.Errorf("%d counted, %d alarms, suspended until %v", counted, alarms, suspended("K01"))
		}
		if !suspended("K02").IsZero() {
			t.Error("another machine is suspended")
		}
		if log, err := s.AuditOfTerminal(ctx, "K01", 10); err != nil || len(log) == 0 || log[0].Action != "suspended" || !strings.HasPrefix(log[0].Detail, "30 wrong") {
			t.Errorf("audited: %+v, %v", log, err)
		}
		over := noon.Add(ledger.Suspension)
		if until, err := s.PINFailed(ctx, "K01", over); err != nil || !until.IsZero() {
			t.Errorf("when it is over: %v, %v", until, err)
		}
		if err := errors.Join(s.ResumeTerminal(ctx, "K01", noon)); err != nil || !suspended("K01").IsZero() {
			t.Errorf("resumed: %v, %v", suspended("K01"), err)
		}
		if err := s.ResumeTerminal(ctx, "K99", noon); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("an unknown one: %v", err)
		}
	})
}

func TestStore_AuditOfTerminal(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		k := ledger.Terminal{ID: "K09", Kind: ledger.Kiosk, Location: "二号餐厅", SealedSecret: []byte{1}, CreatedAt: noon}
		steps := []struct {
			action string
			act    func(at time.Time) error
		}{
			{"registered", func(time.Time) error { return s.AddTerminal(ctx, k) }},
			{"rotated", func(at time.Time) error { return s.RotateTerminal(ctx, "K09", []byte{2}, at) }},
			{"resumed", func(at time.Time) error { return s.ResumeTerminal(ctx, "K09", at) }},
			{"disabled", func(at time.Time) error { return s.DisableTerminal(ctx, "K09", at) }},
			{"enabled", func(at time.Time) error { return s.EnableTerminal(ctx, "K09", at) }},
		}
		for i, step := range steps {
			if err := step.act(noon.Add(time.Duration(i) * time.Minute)); err != nil {
				t.Fatalf("%s: %v", step.action, err)
			}
		}
		if err := s.AddTerminal(ctx, k); !errors.Is(err, ledger.ErrTerminalExists) {
			t.Errorf("the same once more: %v", err)
		}
		if err := s.RotateTerminal(ctx, "K10", []byte{2}, noon); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		if k, err := s.Terminal(ctx, "K09"); err != nil || !k.DisabledAt.IsZero() {
			t.Errorf("enabled again it is %+v, %v", k, err)
		}
		got, err := s.AuditOfTerminal(ctx, "K09", 10)
		if err != nil || len(got) != len(steps) {
			t.Fatalf("the audit log has %+v, %v", got, err)
		}
		for i, e := range got { // newest first
			if want := steps[len(steps)-1-i].action; e.Action != want || e.Detail != "by an operator" {
				t.Errorf("line %d is %+v, want %s", i, e, want)
			}
		}
	})
}
