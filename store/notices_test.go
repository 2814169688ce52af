package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// pushes counts the pushes in the queue.
func pushes(t testing.TB, s *store.Store) (n int) {
	t.Helper()
	if err := s.EmptyOutbox(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := s.QueryRow("SELECT COUNT(*) FROM river_job WHERE kind = 'push'").Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// holder is a person who bound the card.
func holder(t testing.TB, s *store.Store, n int) ledger.Person {
	t.Helper()
	p := campus(t, s, n)
	if err := s.Exec(context.Background(), "UPDATE people SET verified_at = 1, bound_at = 1 WHERE id = ?", p.ID); err != nil {
		t.Fatal(err)
	}
	return p
}

// twice runs a task in two replicas at once; all but one of them may lose.
func twice(run func() (int, error)) (n int) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	for range 2 {
		wg.Go(func() {
			if got, err := run(); err == nil {
				mu.Lock()
				n += got
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return n
}

// TestStore_GiveStatements: everybody with a movement once, in however many
// runs; nobody else.
func TestStore_GiveStatements(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		till(t, s, "P01")
		month := ledger.MonthOf(noon)
		spent, idle, muted, paid := holder(t, s, 1), holder(t, s, 2), holder(t, s, 3), holder(t, s, 4)
		unbound := campus(t, s, 5)
		for i, p := range []ledger.Person{spent, muted, unbound} {
			ingest(t, s, "P01", sold(p, int64(i+1), 100, 7, 42, 1150))
		}
		topUp(t, s, paid, "XK1", 5000)
		if err := s.SetPush(ctx, muted.ID, ledger.EventStatement, false); err != nil {
			t.Fatal(err)
		}
		before := pushes(t, s)
		first := noon.AddDate(0, 1, 0)
		if n := twice(func() (int, error) { return s.GiveStatements(ctx, month, first) }); n != 2 {
			t.Errorf("%d statements given, want 2", n)
		}
		for range 2 {
			if n, err := s.GiveStatements(ctx, month, first.Add(time.Hour)); n != 0 || err != nil {
				t.Errorf("given again: %d, %v", n, err)
			}
		}
		if n, err := s.GiveStatements(ctx, month+1, first); n != 0 || err != nil {
			t.Errorf("of a month without movements: %d, %v", n, err)
		}
		if got := pushes(t, s) - before; got != 2 {
			t.Errorf("%d pushes, want 2", got)
		}
		out := &outbox{}
		work(t, s, store.Work{Push: out.push, Concurrency: 4})
		got := map[int64]string{}
		for _, e := range out.wait(t, before+2+2) { // and the two purchases of the bound
			if e.Kind == ledger.EventStatement {
				got[e.PersonID] = e.Ref
			}
		}
		if len(got) != 2 || got[spent.ID] != month.String() || got[paid.ID] != month.String() {
			t.Errorf("told %v; %d has nothing to tell", got, idle.ID)
		}
	})
}

// TestStore_GiveStatements_Batches: more people than one transaction takes,
// and a run that died in the middle.
func TestStore_GiveStatements_Batches(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		month, at := ledger.MonthOf(noon), noon.AddDate(0, 1, 0)
		const n = 1203
		const numbers = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) "
		for _, table := range []struct{ into, rows string }{
			{"people (id, student_no, name, user_id, bound_at, created_at)", "i, 's' || i, '张小卡', 's' || i, 1, 1"},
			{"campus_cards (id, card_no, person_id, status, opening_fen, balance_fen, created_at)", "i, 'C' || i, i, 'normal', 0, 0, 1"},
			{"month_totals (card_id, month, spent_fen)", "i, 202611, 100"},
		} {
			if err := s.Exec(ctx, "INSERT INTO "+table.into+" "+numbers+"SELECT "+table.rows+" FROM n", n); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Exec(ctx, "INSERT INTO notices (person_id, kind, ref, at) SELECT id, 'statement', '2026-11', 1 FROM people WHERE id <= 500"); err != nil {
			t.Fatal(err)
		}
		if told, err := s.GiveStatements(ctx, month, at); told != n-500 || err != nil {
			t.Errorf("the second run told %d, %v", told, err)
		}
		if got := pushes(t, s); got != n-500 {
			t.Errorf("%d pushes", got)
		}
	})
}

// TestStore_RemindUnclaimed: each transfer at each age once, one push a person
// at a time.
func TestStore_RemindUnclaimed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p, other, muted := holder(t, s, 1), holder(t, s, 2), holder(t, s, 3)
		topUp(t, s, p, "XK1", 5000)
		topUp(t, s, p, "XK2", 2000)
		topUp(t, s, other, "XK3", 100)
		topUp(t, s, muted, "XK4", 100)
		topUp(t, s, campus(t, s, 4), "XK5", 100) // not bound
		if err := s.SetPush(ctx, muted.ID, ledger.EventReminder, false); err != nil {
			t.Fatal(err)
		}
		before := pushes(t, s)
		day := 24 * time.Hour
		for _, c := range []struct {
			after     time.Duration
			transfers int
			pushes    int
		}{
			{3*day - time.Second, 0, 0},
			{3 * day, 3, 2},
			{3*day + time.Hour, 0, 2},
			{14 * day, 3, 2}, // the ones before wait still
			{20 * day, 0, 2},
			{31 * day, 3, 2},
			{400 * day, 0, 2},
		} {
			n := twice(func() (int, error) { return s.RemindUnclaimed(ctx, noon.Add(c.after)) })
			if got := pushes(t, s) - before; n != c.transfers || got != c.pushes {
				t.Errorf("after %s: %d transfers, %d pushes; want %d and %d", c.after, n, got, c.transfers, c.pushes)
			}
		}
	})
}

// TestStore_LowBalance: once a crossing, and one push for as many as wait.
func TestStore_LowBalance(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "P01")
		p := holder(t, s, 1) // with ¥12.50
		if err := s.SetLowBalance(context.Background(), p.ID, 1000); err != nil {
			t.Fatal(err)
		}
		out := &outbox{fail: 1 << 20, answer: &store.Snooze{For: time.Hour}}
		if err := s.SetPush(context.Background(), p.ID, ledger.EventConsumption, false); err != nil {
			t.Fatal(err)
		}
		work(t, s, store.Work{Push: out.push, Concurrency: 4})
		seq := int64(0)
		step := func(fen ledger.Fen, want int) {
			t.Helper()
			seq++
			ingest(t, s, "P01", sold(p, seq, fen, 7, 41+seq, 1000))
			done := 0
			for end := time.Now().Add(20 * time.Second); int64(done) < seq && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
				if err := s.QueryRow("SELECT COUNT(*) FROM river_job WHERE kind = 'fan' AND state = 'completed'").Scan(&done); err != nil {
					t.Fatal(err)
				}
			}
			if got := pushes(t, s); got != want {
				t.Errorf("after purchase %d: %d pushes, want %d", seq, got, want)
			}
		}
		step(200, 0) // ¥10.50
		step(100, 1) // ¥9.50
		step(100, 1) // lower, but not again
		if err := s.Exec(context.Background(), "UPDATE campus_cards SET balance_fen = 1100 WHERE id = ?", p.CardID); err != nil {
			t.Fatal(err)
		}
		step(200, 1) // crossed again while the first waits
		if err := s.Exec(context.Background(), "UPDATE river_job SET state = 'completed', finalized_at = CURRENT_TIMESTAMP WHERE kind = 'push'"); err != nil {
			t.Fatal(err)
		}
		if err := s.Exec(context.Background(), "UPDATE campus_cards SET balance_fen = 1100 WHERE id = ?", p.CardID); err != nil {
			t.Fatal(err)
		}
		step(200, 2) // and again after it was told
	})
}

// TestStore_Unusual: what a fan finds in the card's own history, within and
// across uploads.
func TestStore_Unusual(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "P01")
		till(t, s, "P02")
		p, fresh := holder(t, s, 1), holder(t, s, 2)
		if err := s.SetPush(context.Background(), p.ID, ledger.EventConsumption, false); err != nil {
			t.Fatal(err)
		}
		var meals []ledger.Consumption
		for i := range int64(12) {
			c := sold(p, i+1, 1200, 7, 42+i, 1000)
			c.OccurredAt = noon.AddDate(0, 0, int(i)-12)
			meals = append(meals, c)
		}
		ingest(t, s, "P01", append(meals, sold(p, 13, 20000, 7, 54, 1000), sold(fresh, 14, 20000, 7, 54, 1000))...)
		var quick []ledger.Consumption
		for i := range int64(8) {
			quick = append(quick, sold(p, i+1, 300, 7, 4000+i, 1000))
		}
		ingest(t, s, "P02", quick...)
		out := &outbox{}
		work(t, s, store.Work{Push: out.push, Concurrency: 4})
		got := map[string]string{}
		for _, e := range out.wait(t, 3) {
			got[e.Ref] = fmt.Sprintf("%d %s %s usual %s count %d", e.PersonID, e.Kind, e.Amount, e.Usual, e.Count)
		}
		want := map[string]string{
			"P01:13": fmt.Sprintf("%d unusual ¥200.00 usual ¥12.00 count 0", p.ID),
			"P01:14": fmt.Sprintf("%d consumption ¥200.00 usual ¥0.00 count 0", fresh.ID),
			"P02:6":  fmt.Sprintf("%d unusual ¥3.00 usual ¥200.00 count 6", p.ID),
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("told %v\nwant %v", got, want)
		}
	})
}

// TestStore_ClaimFailed: the holder hears of a claim that a terminal gave up,
// and of one that was never confirmed: once that it is in doubt, and once how
// that ended.
func TestStore_ClaimFailed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx := context.Background()
		p := holder(t, s, 1)
		topUp(t, s, p, "XK1", 5000)
		before := pushes(t, s)
		claim := func(key string) ledger.Claim {
			t.Helper()
			c, err := s.Authorise(ctx, request(p, key, ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}))
			if err != nil {
				t.Fatal(err)
			}
			return c
		}
		c := claim("key-0000000000000001")
		for range 2 {
			if _, err := s.CancelClaim(ctx, "K01", c.ID, c.Before, "card_removed", noon); err != nil {
				t.Fatal(err)
			}
		}
		c = claim("key-0000000000000002")
		for _, at := range []time.Duration{time.Minute, 2 * time.Minute, time.Hour} {
			want := 0
			if at == 2*time.Minute {
				want = 1
			}
			if n := twice(func() (int, error) { return s.TellDoubts(ctx, noon.Add(at)) }); n != want {
				t.Errorf("after %s: told of %d doubts, want %d", at, n, want)
			}
		}
		r := request(p, "key-0000000000000003", c.Before)
		r.TerminalID, r.Now = "K02", noon.Add(2*time.Hour)
		if _, err := s.Authorise(ctx, r); err != nil {
			t.Fatal(err)
		}
		out := &outbox{}
		work(t, s, store.Work{Push: out.push, Concurrency: 1})
		got := map[string]int{}
		for _, e := range out.wait(t, before+3) {
			if e.Kind == ledger.EventClaimFailed {
				got[fmt.Sprintf("%s %s pending %s at %s", e.Ref, e.Amount, e.Pending, e.Where)]++
			}
		}
		if len(got) != 3 || got[c.ID+" ¥50.00 pending ¥0.00 at 二号餐厅"] != 1 || got[c.ID+" ¥50.00 pending ¥50.00 at 二号餐厅"] != 1 {
			t.Errorf("told %v", got)
		}
		proven(t, s)
	})
}
