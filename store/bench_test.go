package store_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// clients act at once in the benchmarks of the money's way, as many as
// scripts/bench-tpcb gives pgbench.
const clients = 8

// onEach runs a benchmark on both databases.
func onEach(b *testing.B, bench func(b *testing.B, s *store.Store)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, storetest.SQLite(b)) })
	b.Run("postgres", func(b *testing.B) { bench(b, storetest.Postgres(b)) })
}

// crowd is enough people that two acts at once rarely meet on one row.
const crowd = 64

func people(b *testing.B, s *store.Store) []ledger.Person {
	b.Helper()
	all := make([]ledger.Person, crowd)
	for i := range all {
		all[i] = campus(b, s, i)
	}
	return all
}

// holders puts n holders in place, each with a card in use, a payment under
// way (XK1, XK2 …) and a pending transfer of one yuan, so that no two acts
// meet on a row, and a machine for each client.
func holders(b *testing.B, s *store.Store, n int) []ledger.Person {
	b.Helper()
	const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
	for _, table := range []struct {
		into string
		rows string
		n    int
	}{
		{"people (id, student_no, name, user_id, created_at)", "i, 's' || i, '张小卡', 's' || i, 1", n},
		{"campus_cards (id, card_no, person_id, status, opening_fen, balance_fen, created_at)", "i, 'C' || i, i, 'normal', 0, 0, 1", n},
		{"orders (out_trade_no, person_id, card_id, amount_fen, state, created_at, expires_at)", "'XK' || i, i, i, 100, 'created', 1, 2", n},
		{"attempts (out_trade_no, order_no, n, person_id, amount_fen, channel, app_id, open_id, description, state, prepay_id, created_at, expires_at)",
			"'XK' || i, 'XK' || i, 1, i, 100, 'jsapi', 'ww1', 'o1', '校园卡充值', 'open', 'wx1', 1, 2", n},
		{"transfers (id, person_id, kind, source_ref, title, amount_fen, state, created_at)", "'T' || i, i, 'subsidy', 'B' || i, '补助', 100, 'pending', 1", n},
		{"terminals (id, kind, location, sealed_secret, created_at)", "'K0' || i, 'kiosk', '二号餐厅', '1', 1", clients},
	} {
		query := "INSERT INTO " + table.into + " " + numbers + "SELECT " + table.rows + " FROM n"
		if err := s.Exec(context.Background(), query, table.n); err != nil {
			b.Fatal(err)
		}
	}
	all := make([]ledger.Person, n)
	for i := range all {
		all[i] = ledger.Person{ID: int64(i + 1), CardNo: fmt.Sprintf("C%d", i+1)}
	}
	return all
}

// settled is how many acts a database has seen when its benchmark begins.
// Plans made for empty tables read them whole, and PostgreSQL's own daemon
// would look again only after a minute.
const settled = 500

// atOnce does an act from settled on b.N times, by as many goroutines as there
// are clients, and times it.
func atOnce(b *testing.B, s *store.Store, act func(i int) error) {
	for i := range settled {
		if err := act(i); err != nil {
			b.Fatal(err)
		}
	}
	if err := s.Exec(context.Background(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
	var next atomic.Int64
	next.Store(settled)
	b.SetParallelism(max(1, clients/runtime.GOMAXPROCS(0)))
	b.ResetTimer()
	b.StartTimer() // it stands after an earlier round
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := act(int(next.Add(1) - 1)); err != nil {
				b.Error(err)
			}
		}
	})
	b.StopTimer()
}

// BenchmarkSettleTopUp is a notification's way through the books: order and
// attempt stand, one act credits the payment and enqueues the push.
func BenchmarkSettleTopUp(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		holders(b, s, settled+b.N)
		atOnce(b, s, func(i int) error {
			_, err := s.SettleTopUp(context.Background(), payment(fmt.Sprintf("XK%d", i+1), 100), noon)
			return err
		})
	})
}

var before = ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}

func authorise(s *store.Store, p ledger.Person, i int) (ledger.Claim, error) {
	r := request(p, fmt.Sprintf("key-%d", i), before)
	r.TerminalID = machine(i)
	return s.Authorise(context.Background(), r)
}

func machine(i int) string { return fmt.Sprintf("K0%d", 1+i%clients) }

// BenchmarkAuthorise holds a pending transfer for a card that a machine reads.
func BenchmarkAuthorise(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		all := holders(b, s, settled+b.N)
		atOnce(b, s, func(i int) error {
			_, err := authorise(s, all[i], i)
			return err
		})
	})
}

// BenchmarkConfirm posts a claim that was written and enqueues the push.
func BenchmarkConfirm(b *testing.B) {
	ended(b, func(s *store.Store, i int, c ledger.Claim) error {
		_, err := s.ConfirmClaim(context.Background(), machine(i), c.ID, c.Expected(), noon)
		return err
	})
}

// BenchmarkCancel voids a claim that was not written.
func BenchmarkCancel(b *testing.B) {
	ended(b, func(s *store.Store, i int, c ledger.Claim) error {
		_, err := s.CancelClaim(context.Background(), machine(i), c.ID, before, "card_removed", noon)
		return err
	})
}

// ended times the end of claims that stand.
func ended(b *testing.B, end func(s *store.Store, i int, c ledger.Claim) error) {
	onEach(b, func(b *testing.B, s *store.Store) {
		all := holders(b, s, settled+b.N)
		claims := make([]ledger.Claim, len(all))
		atOnce(b, s, func(i int) (err error) {
			claims[i], err = authorise(s, all[i], i)
			return err
		})
		atOnce(b, s, func(i int) error { return end(s, i, claims[i]) })
	})
}

func BenchmarkBalance(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		p := campus(b, s, 1)
		topUp(b, s, p, "XK1", 5000)
		b.ResetTimer()
		for b.Loop() {
			if _, err := s.Balance(context.Background(), p.ID, noon); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkPush works pushes that stand in the queue, with nothing to send.
func BenchmarkPush(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		events := make([]ledger.Event, b.N)
		for i := range events {
			events[i] = ledger.Event{Kind: ledger.EventTopUpPaid, PersonID: int64(i), Amount: 100, At: noon}
		}
		if err := s.Enqueue(context.Background(), events); err != nil {
			b.Fatal(err)
		}
		done := make(chan struct{}, b.N)
		b.ResetTimer()
		q, err := s.StartQueue(context.Background(), store.Work{Concurrency: 16, Push: func(context.Context, ledger.Event) error {
			done <- struct{}{}
			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}
		for range b.N {
			<-done
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "pushes/s")
		b.StopTimer()
		if err := q.Stop(context.Background()); err != nil {
			b.Fatal(err)
		}
	})
}
