package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func watched(t testing.TB, s *store.Store, now time.Time) ledger.Overview {
	t.Helper()
	o, err := s.Overview(context.Background(), now)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestStore_Overview(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, test := range map[string]func(t *testing.T, s *store.Store){
		"Nothing": func(t *testing.T, s *store.Store) {
			o := watched(t, s, noon)
			if o.Jobs == nil || len(o.Jobs) != 0 || o.Doubts.N+o.Cases.N+o.Pending.N+o.Terminals+o.KeptOff != 0 || !o.Doubts.Since.IsZero() || o.ReconciledDay != "" ||
				!o.LedgerCheck.EndedAt.IsZero() || len(o.Stations) != 0 {
				t.Errorf("an empty house: %+v", o)
			}
		},
		"Doubts": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			topUp(t, s, p, "XK1", 5000)
			if o := watched(t, s, noon); o.Pending.N != 1 || o.Pending.Amount != 5000 || !o.Pending.Since.Equal(noon) || o.InFlight.N != 0 {
				t.Errorf("pending: %+v", o.Pending)
			}
			before := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
			if _, err := s.Authorise(ctx, request(p, "key-1", before)); err != nil {
				t.Fatal(err)
			}
			if o := watched(t, s, noon.Add(time.Minute)); o.Doubts.N != 0 || o.InFlight.Amount != 5000 || o.Pending.N != 0 {
				t.Errorf("under way: %+v", o.Watch)
			}
			o := watched(t, s, noon.Add(2*time.Minute))
			if o.Doubts.N != 1 || o.Held != 0 || !o.Doubts.Since.Equal(noon) || len(o.InDoubt) != 1 || o.InDoubt[0].CardNo != p.CardNo || o.InDoubt[0].Amount != 5000 {
				t.Errorf("in doubt: %+v, %+v", o.Watch, o.InDoubt)
			}
			again := request(p, "key-2", ledger.Chip{LoadSeq: 9, SpendSeq: 41, Balance: 1})
			again.TerminalID = "K02"
			if _, err := s.Authorise(ctx, again); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Fatal(err)
			}
			if o := watched(t, s, noon); o.Doubts.N != 1 || o.Held != 1 || o.Cases.N != 1 || len(o.OpenCases) != 1 || o.OpenCases[0].PersonID != p.ID {
				t.Errorf("held: %+v, %+v", o.Watch, o.OpenCases)
			}
		},
		"Cases": func(t *testing.T, s *store.Store) {
			for i := range ledger.OverviewRows + 1 {
				if err := s.RecordCase(ctx, ledger.Case{Kind: "unknown_order", Ref: fmt.Sprint(i), Detail: "d", At: noon.Add(time.Duration(i) * time.Hour)}); err != nil {
					t.Fatal(err)
				}
			}
			first := watched(t, s, noon).OpenCases[0]
			if _, err := s.SettleCase(ctx, first.ID, ledger.ResolveNoted, "seen", ledger.Payment{}, noon); err != nil {
				t.Fatal(err)
			}
			o := watched(t, s, noon)
			if o.Cases.N != ledger.OverviewRows || !o.Cases.Since.Equal(noon.Add(time.Hour)) || len(o.OpenCases) != ledger.OverviewRows || o.OpenCases[0].Ref != "1" ||
				len(o.Settled) != 1 || o.Settled[0].Ref != "0" || o.Settled[0].Note != "seen" || o.Settled[0].PersonID != 0 {
				t.Errorf("open %+v, settled %+v", o.Cases, o.Settled)
			}
		},
		"Records": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			till(t, s, "A")
			ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600))
			ingest(t, s, "A", sold(p, 1, 651, 7, 41, 600))
			o := watched(t, s, noon)
			if o.KeptOff != 1 || len(o.OpenCases) != 1 || o.OpenCases[0].Kind != "conflict" || o.OpenCases[0].CardNo != p.CardNo || o.OpenCases[0].PersonID != p.ID ||
				!strings.HasPrefix(o.OpenCases[0].Ref, "A:1:") {
				t.Errorf("%d, %+v", o.KeptOff, o.OpenCases)
			}
			if o := watched(t, s, noon.Add(ledger.KeptOffWithin+24*time.Hour)); o.KeptOff != 0 || len(o.OpenCases) != 1 {
				t.Errorf("a month later: %d, %+v", o.KeptOff, o.OpenCases)
			}
		},
		"Terminals": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			if err := s.BindCard(ctx, p.ID, noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Blacklist(ctx, "K01", 0, noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.ReportLoss(ctx, p.ID, noon.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Blacklist(ctx, "K02", 0, noon.Add(2*time.Minute)); err != nil {
				t.Fatal(err)
			}
			later := noon.Add(ledger.TerminalSilent + time.Minute)
			if err := s.UseNonce(ctx, "K02", "0123456789abcdef", later); err != nil {
				t.Fatal(err)
			}
			for range ledger.SuspendAfter {
				if _, err := s.PINFailed(ctx, "K01", later); err != nil {
					t.Fatal(err)
				}
			}
			o := watched(t, s, later)
			if o.Terminals != 2 || o.Unseen.N != 1 || !o.Unseen.Since.Equal(noon) || o.Suspended != 1 || o.BlacklistVersion != 1 ||
				o.Behind.N != 1 || !o.Behind.Since.Equal(noon.Add(time.Minute)) {
				t.Errorf("%+v", o.Watch)
			}
			if st := o.Stations; len(st) != 2 || st[0].BehindSince.IsZero() || !st[1].BehindSince.IsZero() || st[1].BlacklistVersion != 1 || !st[1].SeenAt.Equal(later) ||
				!st[0].SuspendedUntil.After(later) || st[0].SealedSecret != nil {
				t.Errorf("stations %+v", st)
			}
			if err := s.DisableTerminal(ctx, "K01", later); err != nil {
				t.Fatal(err)
			}
			if o := watched(t, s, later); o.Terminals != 1 || o.Unseen.N+o.Suspended+o.Behind.N != 0 || len(o.Stations) != 1 {
				t.Errorf("out of service: %+v", o.Watch)
			}
		},
		"Days": func(t *testing.T, s *store.Store) {
			for _, day := range []string{"2026-11-19", "2026-11-21", "2026-11-20"} {
				err := s.KeepDayReport(ctx, ledger.DayReport{Day: day, Daily: true, EndedAt: noon, Classes: map[string]int{"matched": 3},
					Lines: []ledger.DayLine{{Class: "missing here"}}}, nil)
				if err != nil {
					t.Fatal(err)
				}
			}
			o := watched(t, s, noon)
			if o.ReconciledDay != "2026-11-21" || len(o.Days) != 3 || o.Days[1].Day != "2026-11-20" || o.Days[0].Classes["matched"] != 3 || o.Days[0].Lines != nil {
				t.Errorf("%q, %+v", o.ReconciledDay, o.Days)
			}
		},
		"LedgerCheck": func(t *testing.T, s *store.Store) {
			bad := ledger.LedgerCheck{StartedAt: noon, EndedAt: noon.Add(time.Second), Rows: 9, Violations: 2, Exceptions: 1}
			good := ledger.LedgerCheck{StartedAt: noon.Add(time.Hour), EndedAt: noon.Add(2 * time.Hour), OK: true, Rows: 10}
			for _, c := range []ledger.LedgerCheck{bad, good} {
				if err := s.KeepLedgerCheck(ctx, c); err != nil {
					t.Fatal(err)
				}
				got := watched(t, s, noon).LedgerCheck
				if got.OK != c.OK || got.Rows != c.Rows || got.Violations != c.Violations || got.Exceptions != c.Exceptions || !got.EndedAt.Equal(c.EndedAt) {
					t.Errorf("kept %+v, read %+v", c, got)
				}
			}
		},
		"Jobs": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			if err := s.Enqueue(ctx, []ledger.Event{{Kind: ledger.EventClaimed, PersonID: p.ID}, {Kind: ledger.EventLoss, PersonID: p.ID}}); err != nil {
				t.Fatal(err)
			}
			begun := time.Now()
			if err := s.EmptyOutbox(ctx); err != nil {
				t.Fatal(err)
			}
			o := watched(t, s, noon)
			if len(o.Jobs) != 2 || o.Jobs[0].Queue != "default" || o.Jobs[0].State != "available" || o.Jobs[0].N != 1 || o.Jobs[1].Queue != "urgent" {
				t.Fatalf("enqueued: %+v", o.Jobs)
			}
			if age := begun.Sub(o.Jobs[0].Since); age < -time.Minute || age > time.Minute {
				t.Errorf("enqueued just now, said %v", o.Jobs[0].Since)
			}
			q, err := s.StartQueue(ctx, store.Work{Concurrency: 2, Push: func(context.Context, ledger.Event) error {
				return fmt.Errorf("%w: the member left", store.ErrGiveUp)
			}})
			if err != nil {
				t.Fatal(err)
			}
			for end := time.Now().Add(20 * time.Second); o.DeadPushes() < 2 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
				o = watched(t, s, noon)
			}
			if err := q.Stop(ctx); err != nil {
				t.Fatal(err)
			}
			if o.DeadPushes() != 2 || len(o.Dead) != 2 || o.Dead[0].ID < o.Dead[1].ID || !strings.Contains(o.Dead[0].Reason, "left") || o.Dead[1].Job != "push" || o.Dead[1].Event.PersonID != p.ID {
				t.Errorf("dead: %+v, %+v", o.Jobs, o.Dead)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, test)
		})
	}
}

// Whatever a Watch counts has an index, but the terminals: all of them serve.
func TestStore_Watch_Indexes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL; -short runs without")
	}
	plan, err := storetest.Postgres(t).ExplainWatch(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(plan) {
		if _, table, ok := strings.Cut(line, "Seq Scan on "); ok && !strings.HasPrefix(table, "terminals") && !strings.HasPrefix(table, "doubts") {
			t.Errorf("%s is read whole:\n%s", table, plan)
		}
	}
}
