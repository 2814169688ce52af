package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// TestStore_Fan_Replaced: what was bought with a card that was replaced is told
// under its own number, and its balance is no alert.
func TestStore_Fan_Replaced(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "P01")
		p := holder(t, s, 1)
		if err := s.SetLowBalance(t.Context(), p.ID, 1250); err != nil {
			t.Fatal(err)
		}
		_, err := s.ReplaceCard(t.Context(), ledger.ReplacementRequest{OldCardNo: p.CardNo, NewCardNo: "N1", Chip: &ledger.Chip{Balance: 0}, Due: noon.AddDate(0, 0, 3)}, noon)
		if err != nil {
			t.Fatal(err)
		}
		before := pushes(t, s)
		ingest(t, s, "P01", sold(p, 1, 250, 0, 1, 1000))
		out := &outbox{}
		work(t, s, store.Work{Push: out.push, Concurrency: 2})
		var told []ledger.Event
		for _, e := range out.wait(t, before+1) {
			if e.Kind == ledger.EventConsumption || e.Kind == ledger.EventLowBalance {
				told = append(told, e)
			}
		}
		if len(told) != 1 || told[0].Kind != ledger.EventConsumption || told[0].CardNo != p.CardNo {
			t.Errorf("told %+v", told)
		}
	})
}

// TestStore_Fan_ManyOfOne: of a till's backlog a person hears the three newest
// purchases in the order of the card, then everything else in one; what was
// bought after a loss report, each by itself; who wants none of it, nothing.
func TestStore_Fan_ManyOfOne(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "P01")
		eater, few, late, muted, lost := holder(t, s, 1), holder(t, s, 2), holder(t, s, 3), holder(t, s, 4), holder(t, s, 5)
		if err := s.SetPush(t.Context(), muted.ID, ledger.EventConsumption, false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReportLoss(t.Context(), lost.ID, noon.AddDate(0, 0, -30)); err != nil {
			t.Fatal(err)
		}
		var records []ledger.Consumption
		add := func(p ledger.Person, spend int64, at time.Time) {
			c := sold(p, int64(len(records)+1), ledger.Fen(100+spend), 7, spend, 1000)
			c.OccurredAt = at
			records = append(records, c)
		}
		old := noon.AddDate(0, 0, -20)
		for i := range int64(125) {
			add(eater, 41+i, old.Add(time.Duration(i)*time.Hour))
		}
		for i := range int64(5) { // the till's clock runs backwards; the card's counters do not
			add(eater, 166+i, noon.Add(-time.Duration(i)*time.Minute))
			add(muted, 166+i, noon)
			add(lost, 41+i, old.Add(time.Duration(i)*time.Hour))
		}
		add(few, 41, noon)
		add(few, 42, noon)
		add(late, 41, old)
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
		before := pushes(t, s)
		ingest(t, s, "P01", records...)
		out := &outbox{fail: 2, answer: errors.New("busy")}
		work(t, s, store.Work{Push: out.push, Concurrency: 8})
		told := map[int64][]string{}
		for _, e := range out.wait(t, before+4+2+1+5) {
			switch e.Kind {
			case ledger.EventConsumption, ledger.EventSpentAfterLoss:
				told[e.PersonID] = append(told[e.PersonID], fmt.Sprintf("%s %d×%s %s", e.Kind, e.Count, e.Amount, e.At.In(noon.Location()).Format("01-02 15:04")))
			}
		}
		slices.Sort(told[lost.ID]) // which of these goes first does not matter
		summed := ledger.Fen(0)
		for i := range ledger.Fen(127) {
			summed += 141 + i
		}
		want := map[int64][]string{
			eater.ID: {"consumption 0×¥2.68 11-22 11:58", "consumption 0×¥2.69 11-22 11:57", "consumption 0×¥2.70 11-22 11:56", "consumption 127×" + summed.String() + " 11-22 12:00"},
			few.ID:   {"consumption 0×¥1.41 11-22 12:00", "consumption 0×¥1.42 11-22 12:00"},
			late.ID:  {"consumption 1×¥1.41 11-02 12:00"},
			lost.ID:  {"spent_after_loss 0×¥1.41 11-02 12:00", "spent_after_loss 0×¥1.42 11-02 13:00", "spent_after_loss 0×¥1.43 11-02 14:00", "spent_after_loss 0×¥1.44 11-02 15:00", "spent_after_loss 0×¥1.45 11-02 16:00"},
		}
		if fmt.Sprint(told) != fmt.Sprint(want) {
			t.Errorf("told\n%v\nwant\n%v", told, want)
		}
	})
}

// TestStore_Fan_OnceOnly: a push that is worked again after a crash has one
// follower all the same.
func TestStore_Fan_OnceOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "P01")
		p := holder(t, s, 1)
		ingest(t, s, "P01", sold(p, 1, 100, 7, 41, 1000), sold(p, 2, 100, 7, 42, 900))
		first := &outbox{}
		work(t, s, store.Work{Push: first.push, Concurrency: 4})
		first.wait(t, 2)
		if err := s.Exec(context.Background(), `UPDATE river_job SET state = 'available', finalized_at = NULL WHERE kind = 'push' AND id = (SELECT MIN(id) FROM river_job WHERE kind = 'push')`); err != nil {
			t.Fatal(err)
		}
		if got := first.wait(t, 3)[2]; got.Ref != "P01:1" {
			t.Errorf("the push that was worked again is %s", got.Ref)
		}
		time.Sleep(500 * time.Millisecond)
		if got := first.wait(t, 3); len(got) != 3 {
			t.Errorf("%d pushes, want 3: what follows was enqueued twice", len(got))
		}
	})
}
