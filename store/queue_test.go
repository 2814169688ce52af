package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// outbox collects what the queue pushes.
type outbox struct {
	mu     sync.Mutex
	events []ledger.Event
	fail   int // so many times first
	answer error
}

func (o *outbox) push(_ context.Context, e ledger.Event) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.fail > 0 {
		o.fail--
		return o.answer
	}
	o.events = append(o.events, e)
	return nil
}

func (o *outbox) wait(t *testing.T, n int) []ledger.Event {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		o.mu.Lock()
		got := append([]ledger.Event(nil), o.events...)
		o.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(end) {
			t.Fatalf("%d pushes arrived, want %d", len(got), n)
		}
	}
}

func work(t *testing.T, s *store.Store, w store.Work) {
	t.Helper()
	q, err := s.StartQueue(context.Background(), w)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := q.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
}

func TestStore_Push(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		topUp(t, s, p, "XK1", 5000)
		// A refused payment rolls nothing back and tells nobody.
		if _, err := s.SettleTopUp(context.Background(), payment("XK404", 1), noon); !errors.Is(err, ledger.ErrUnknownOrder) {
			t.Fatal(err)
		}
		out := &outbox{fail: 1, answer: &store.Snooze{For: time.Second}}
		work(t, s, store.Work{Push: out.push, Concurrency: 4})
		got := out.wait(t, 1)
		if e := got[0]; e.Kind != ledger.EventTopUpPaid || e.PersonID != p.ID || e.Amount != 5000 || e.Pending != 5000 {
			t.Errorf("pushed %+v", e)
		}
		if len(got) != 1 {
			t.Errorf("%d pushes for one payment", len(got))
		}
	})
}

// TestStore_DeadPushes: what was given up is listed with its reason, replayed
// once, and sent once.
func TestStore_DeadPushes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p := campus(t, s, 1)
		topUp(t, s, p, "XK1", 5000)
		topUp(t, s, p, "XK2", 5000)
		reasons := make(chan string, 8)
		gone := fmt.Errorf("member cannot be reached: %w", store.ErrGiveUp)
		out := &outbox{fail: 1, answer: gone}
		work(t, s, store.Work{Push: out.push, Concurrency: 1, Dead: func(e ledger.Event, reason string) { reasons <- string(e.Kind) + " " + reason }})
		out.wait(t, 1)
		if got := <-reasons; got != "topup_paid given_up" {
			t.Errorf("counted %q", got)
		}
		var dead []ledger.DeadPush
		for end := time.Now().Add(10 * time.Second); len(dead) == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			var err error
			if dead, err = s.DeadPushes(ctx); err != nil {
				t.Fatal(err)
			}
		}
		if len(dead) != 1 || dead[0].Event.PersonID != p.ID || dead[0].Tries != 1 || dead[0].FailedAt.IsZero() ||
			!strings.Contains(dead[0].Reason, "member cannot be reached") {
			t.Fatalf("dead: %+v", dead)
		}
		if _, err := s.ReplayPush(ctx, dead[0].ID+1000, noon); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("an unknown one: %v", err)
		}
		n := twice(func() (int, error) {
			_, err := s.ReplayPush(ctx, dead[0].ID, noon)
			return 1, err
		})
		if _, err := s.ReplayPush(ctx, dead[0].ID, noon); n != 1 || !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("replayed %d times, then %v", n, err)
		}
		got := out.wait(t, 2)
		if len(got) != 2 || got[0].Ref == got[1].Ref {
			t.Errorf("sent %+v", got)
		}
		if lines, err := s.AuditOf(ctx, p.ID, 5); err != nil || lines[0].Action != "push_replayed" {
			t.Errorf("audit %+v, %v", lines, err)
		}
		if left, err := s.DeadPushes(ctx); err != nil || len(left) != 0 {
			t.Errorf("left %+v, %v", left, err)
		}
	})
}

// TestStore_DeadPushes_Tries: a push that failed as often as it may is dead,
// and a replay begins anew.
func TestStore_DeadPushes_Tries(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		topUp(t, s, campus(t, s, 1), "XK1", 5000)
		if err := s.EmptyOutbox(ctx); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(ctx, "UPDATE river_job SET attempt = max_attempts - 1 WHERE kind = 'push'"); err != nil {
			t.Fatal(err)
		}
		reasons := make(chan string, 8)
		out := &outbox{fail: 2, answer: errors.New("refused")}
		work(t, s, store.Work{Push: out.push, Concurrency: 1, Dead: func(_ ledger.Event, reason string) { reasons <- reason }})
		if got := <-reasons; got != store.DeadTries {
			t.Errorf("counted %q", got)
		}
		var dead []ledger.DeadPush
		for end := time.Now().Add(10 * time.Second); len(dead) == 0 && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			dead, _ = s.DeadPushes(ctx)
		}
		if len(dead) != 1 || dead[0].Reason != "refused" || dead[0].Tries != 25 {
			t.Fatalf("dead: %+v", dead)
		}
		if _, err := s.ReplayPush(ctx, dead[0].ID, noon); err != nil {
			t.Fatal(err)
		}
		out.wait(t, 1) // after the second failure, so at the second try
	})
}

func TestStore_Periodic(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ran := make(chan struct{}, 8)
		work(t, s, store.Work{Push: (&outbox{}).push, Periodic: []store.Periodic{{Name: "sweep", Every: time.Hour,
			Run: func(ctx context.Context) error {
				ran <- struct{}{}
				return s.Sweep(ctx, noon)
			}}}})
		select {
		case <-ran:
		case <-time.After(20 * time.Second):
			t.Fatal("the periodic task did not run at the start")
		}
	})
}
