package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// TestStore_Stuck has somebody hold a few rows while everybody pays, taps and
// takes their money: who does not need those rows does not wait for them.
func TestStore_Stuck(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	const n, stuck = 40, 4
	database := storetest.PostgresURL(t)
	s, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	all := make([]ledger.Person, n)
	for i := range all {
		all[i] = campus(t, s, i)
		order(t, s, all[i], fmt.Sprintf("XK%d", i), 1000)
	}
	before := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
	claims := make([]ledger.Claim, n)
	for _, phase := range []struct {
		name, row string
		act       func(i int) error
	}{
		{"Settle", "orders WHERE out_trade_no = 'XK%d'", func(i int) error {
			_, err := s.SettleTopUp(context.Background(), payment(fmt.Sprintf("XK%d", i), 1000), noon)
			return err
		}},
		{"Authorise", "campus_cards WHERE card_no = 'C2026%04d'", func(i int) (err error) {
			claims[i], err = s.Authorise(context.Background(), request(all[i], fmt.Sprintf("key-%d", i), before))
			return err
		}},
		{"Confirm", "campus_cards WHERE card_no = 'C2026%04d'", func(i int) error {
			_, err := s.ConfirmClaim(context.Background(), "K01", claims[i].ID, claims[i].Expected(), noon)
			return err
		}},
	} {
		t.Run(phase.name, func(t *testing.T) {
			holder, err := pgx.Connect(t.Context(), database)
			if err != nil {
				t.Fatal(err)
			}
			defer holder.Close(context.Background())
			if _, err := holder.Exec(t.Context(), "BEGIN"); err != nil {
				t.Fatal(err)
			}
			for i := range stuck {
				held, err := holder.Exec(t.Context(), "SELECT 1 FROM "+fmt.Sprintf(phase.row, i)+" FOR UPDATE")
				if err != nil || held.RowsAffected() != 1 {
					t.Fatal(held, err)
				}
			}
			began := time.Now()
			var waiting, free sync.WaitGroup
			do := func(i int) {
				if err := phase.act(i); err != nil {
					t.Errorf("%d: %v", i, err)
				}
			}
			for i := range n {
				if i < stuck {
					waiting.Go(func() { do(i) })
				} else {
					free.Go(func() { do(i) })
				}
			}
			free.Wait()
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("the others waited for %s", took)
			}
			if _, err := holder.Exec(t.Context(), "ROLLBACK"); err != nil {
				t.Fatal(err)
			}
			waiting.Wait()
		})
	}
	for _, p := range all {
		balance(t, s, p, 2250, 0, 0)
	}
	proven(t, s)
}

// A replica that froze in an act does not keep its rows for ever.
func TestStore_Frozen(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	t.Parallel()
	database := storetest.PostgresURL(t)
	s, err := store.Open(t.Context(), database, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	p := campus(t, s, 1)
	topUp(t, s, p, "XK1", 1000)
	thaw, frozen, ended := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		ended <- s.Freeze(frozen, thaw, "SELECT 1 FROM campus_cards WHERE card_no = '"+p.CardNo+"' FOR UPDATE")
	}()
	<-frozen
	if _, err := s.Authorise(t.Context(), request(p, "key", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
		t.Errorf("the others' act: %v", err)
	}
	close(thaw)
	if err := <-ended; err == nil {
		t.Error("the frozen act committed after all")
	}
	balance(t, s, p, 1250, 0, 1000)
}

// Of two acts that wait for each other one is ended, and run again.
func TestStore_Deadlock(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	t.Parallel()
	s := storetest.Postgres(t)
	a, b := campus(t, s, 0).CardNo, campus(t, s, 1).CardNo
	var both, acts sync.WaitGroup
	both.Add(2)
	for _, order := range [][2]string{{a, b}, {b, a}} {
		acts.Go(func() {
			err := s.Again(sync.OnceFunc(func() { both.Done(); both.Wait() }),
				"SELECT 1 FROM campus_cards WHERE card_no = '"+order[0]+"' FOR UPDATE",
				"SELECT 1 FROM campus_cards WHERE card_no = '"+order[1]+"' FOR UPDATE")
			if err != nil {
				t.Errorf("%v: %v", order, err)
			}
		})
	}
	acts.Wait()
}
