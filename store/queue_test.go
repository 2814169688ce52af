package store_test

import (
	"context"
	"errors"
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
