package store_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// What comes to a person in the same moment, by payments and grants, comes one
// after the other: each push tells what waits with all before it and none after.
func TestStore_PendingTold(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for round := range 5 {
			p := campus(t, s, round)
			var all sync.WaitGroup
			start := make(chan struct{})
			for i := range 6 {
				no := fmt.Sprintf("XK%d-%d", round, i)
				order(t, s, p, no, ledger.Fen(1000+i))
				all.Go(func() {
					<-start
					if _, err := s.SettleTopUp(ctx, payment(no, ledger.Fen(1000+i)), noon); err != nil {
						t.Errorf("%s: %v", no, err)
					}
				})
			}
			for i := range 2 {
				all.Go(func() {
					<-start
					g := ledger.Subsidy{Batch: fmt.Sprintf("b%d-%d", round, i), StudentNo: p.StudentNo, Title: "补助", Amount: ledger.Fen(2000 + i)}
					if _, err := s.GrantSubsidy(ctx, g, noon, false); err != nil {
						t.Errorf("a grant: %v", err)
					}
				})
			}
			close(start)
			all.Wait()
			told(t, s, p.ID, 8)
		}
	})
}

// told follows what a person's n pushes say is pending, from nothing on.
func told(t *testing.T, s *store.Store, personID int64, n int) {
	t.Helper()
	byTotal := map[ledger.Fen]ledger.Fen{}
	for i := range n {
		var args []byte
		err := s.QueryRow(fmt.Sprintf(`SELECT args FROM outbox WHERE args LIKE '%%"person_id":%d,%%' ORDER BY id LIMIT 1 OFFSET %d`, personID, i)).Scan(&args)
		if err != nil {
			t.Fatal(err)
		}
		var push struct{ Event ledger.Event }
		if err := json.Unmarshal(args, &push); err != nil {
			t.Fatal(err)
		}
		byTotal[push.Event.Pending-push.Event.Amount] = push.Event.Pending
	}
	total := ledger.Fen(0)
	for range n {
		next, ok := byTotal[total]
		if !ok {
			t.Fatalf("nobody told what came after %v: %v", total, byTotal)
		}
		total = next
	}
}
