package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func TestStore_KeepDayReport(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		day := time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC)
		report := ledger.DayReport{Day: "2026-11-21", Daily: true, StartedAt: noon, EndedAt: noon, Payments: 2, Paid: 300, Differences: 1,
			Classes: map[string]int{"matched": 1, "missing there": 1}, Lines: []ledger.DayLine{{Class: "missing there", OutTradeNo: "XK1", Ours: 100}}}
		if done, err := s.DailyReported(ctx, report.Day); err != nil || done {
			t.Fatalf("DailyReported = %v, %v", done, err)
		}
		if err := s.KeepDayReport(ctx, report, []string{"finance", "card"}); err != nil {
			t.Fatal(err)
		}
		if err := s.KeepDayReport(ctx, report, []string{"finance", "card"}); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("another replica's: %v", err)
		}
		if done, err := s.DailyReported(ctx, report.Day); err != nil || !done {
			t.Errorf("DailyReported = %v, %v", done, err)
		}
		onlyCase(t, s, "day_differs")

		// Told once each, whoever works the queue, with the counts and no lines.
		heard := make(chan ledger.Event, 10)
		q, err := s.StartQueue(ctx, store.Work{Concurrency: 2, Push: func(_ context.Context, e ledger.Event) error { heard <- e; return nil }})
		if err != nil {
			t.Fatal(err)
		}
		told := map[string]int{}
		for range 2 {
			select {
			case e := <-heard:
				told[e.UserID]++
				if e.Kind != ledger.EventReconciled || e.Day == nil || e.Day.Differences != 1 || e.Day.Paid != 300 || e.Day.Lines != nil {
					t.Errorf("told %+v, %+v", e, e.Day)
				}
			case <-time.After(20 * time.Second):
				t.Fatal("the operators were not told")
			}
		}
		if err := q.Stop(ctx); err != nil || told["finance"] != 1 || told["card"] != 1 || len(heard) != 0 {
			t.Errorf("told %v, %v", told, err)
		}

		// Somebody mends it and runs the command: the case is over. When the
		// difference comes back, so does the case.
		again := report
		again.Daily, again.Differences, again.EndedAt = false, 0, noon.Add(time.Hour)
		for _, differences := range []int{0, 2, 0} {
			again.Differences = differences
			if err := s.KeepDayReport(ctx, again, nil); err != nil {
				t.Fatal(err)
			}
			if open, err := s.Cases(ctx, false); err != nil || (len(open) == 1) != (differences > 0) {
				t.Errorf("%d differences leave %+v, %v", differences, open, err)
			}
		}
		all, err := s.DayReports(ctx, day)
		if err != nil || len(all) != 4 || all[3].Lines[0] != report.Lines[0] || !all[3].EndedAt.Equal(noon) || !all[3].Daily || all[0].Daily {
			t.Errorf("DayReports = %+v, %v", all, err)
		}
	})
}
