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

// BenchmarkSettleTopUp is a notification's way through the books: order and
// attempt stand, one act credits the payment and enqueues the push.
func BenchmarkSettleTopUp(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		all := people(b, s)
		numbers := make([]string, b.N)
		for i := range numbers {
			numbers[i] = fmt.Sprintf("XK%d", i)
			order(b, s, all[i%crowd], numbers[i], 100)
		}
		var next atomic.Int64
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				no := numbers[next.Add(1)-1]
				if _, err := s.SettleTopUp(context.Background(), payment(no, 100), noon); err != nil {
					b.Error(err)
				}
			}
		})
	})
}

// BenchmarkClaim is one visit to a machine: authorise, then confirm.
func BenchmarkClaim(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		all := people(b, s)
		for i := range b.N {
			topUp(b, s, all[i%crowd], fmt.Sprintf("XK%d", i), 1)
		}
		// One goroutine a person, fewer than the crowd: a card is in one reader
		// at a time.
		var next, keys atomic.Int64
		b.SetParallelism(max(1, crowd/2/runtime.GOMAXPROCS(0)))
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			i := int(next.Add(1) - 1)
			chip := ledger.Chip{Balance: 1250}
			for pb.Next() {
				r := request(all[i], fmt.Sprintf("key-%d", keys.Add(1)), chip)
				r.MaxBalance = r.Chip.Balance + 1 // one transfer a visit
				c, err := s.Authorise(context.Background(), r)
				if err != nil {
					continue // this person's transfers are used up
				}
				if _, err := s.ConfirmClaim(context.Background(), "K01", c.ID, c.Expected(), noon); err != nil {
					b.Error(err)
				}
				chip = c.Expected()
			}
		})
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
