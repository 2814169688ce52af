package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var november = ledger.MonthOf(noon)

func statement(t testing.TB, s *store.Store, p ledger.Person, m ledger.Month) ledger.Statement {
	t.Helper()
	got, err := s.Statement(context.Background(), p.ID, m, noon.AddDate(1, 0, 0)) // when every month is over
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// load tops up and writes the money to the card at a moment.
func load(t testing.TB, s *store.Store, p ledger.Person, no string, fen ledger.Fen, chip ledger.Chip, at time.Time) {
	t.Helper()
	topUp(t, s, p, no, fen)
	r := request(p, no, chip)
	r.Now = at
	c, err := s.Authorise(context.Background(), r)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.ConfirmClaim(context.Background(), "K01", c.ID, c.Expected(), at); err != nil {
		t.Fatal(err)
	}
}

// Whatever happened in whatever order it was told: each month opens with what
// the one before closed with, the last closes with the balance, and each sums
// up what happened in it and nothing else.
func TestStore_Statement_AddsUp(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		rng := rand.New(rand.NewPCG(3, 4))
		p, other := campus(t, s, 1), campus(t, s, 2)
		till(t, s, "A")
		const months = 4
		first := november - months + 1
		chip := ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}
		spent, claimed := map[ledger.Month]ledger.Fen{}, map[ledger.Month]ledger.Fen{}
		var out []ledger.Consumption
		end := noon.AddDate(0, 0, 1)
		at := first.Start(noon.Location())
		for i := 1; at.Before(end); i++ {
			m := ledger.MonthOf(at)
			if rng.IntN(8) == 0 || chip.Balance < 900 {
				fen := ledger.Fen(1000 + rng.IntN(5000))
				load(t, s, p, fmt.Sprintf("XK%d", i), fen, chip, at)
				chip.LoadSeq++
				chip.Balance += fen
				claimed[m] += fen
			} else {
				fen := ledger.Fen(1 + rng.IntN(900))
				chip.SpendSeq++
				chip.Balance -= fen
				spent[m] += fen
				out = append(out, ledger.Consumption{Seq: int64(i), CardNo: p.CardNo, Amount: fen, OccurredAt: at, Chip: chip})
				out = append(out, ledger.Consumption{Seq: int64(100000 + i), CardNo: other.CardNo, Amount: 5, OccurredAt: at,
					Chip: ledger.Chip{LoadSeq: 1, SpendSeq: int64(i)}})
			}
			at = at.Add(time.Duration(rng.IntN(20*3600)) * time.Second)
		}
		rng.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
		for len(out) > 0 {
			n := min(len(out), 1+rng.IntN(60))
			ingest(t, s, "A", out[:n]...)
			ingest(t, s, "A", out[:rng.IntN(n+1)]...)
			out = out[n:]
		}

		running := ledger.Fen(1250)
		for m := first - 1; m <= november; m++ {
			got := statement(t, s, p, m)
			if got.Opening != running || got.Spent != spent[m] || got.Claimed != claimed[m] || got.Before != spent[m-1] || got.Corrected != 0 {
				t.Errorf("%v: opening %v, spent %v, claimed %v, before %v, corrected %v; want %v, %v, %v, %v, 0", m, got.Opening, got.Spent, got.Claimed,
					got.Before, got.Corrected, running, spent[m], claimed[m], spent[m-1])
			}
			if running += claimed[m] - spent[m]; got.Closing != running {
				t.Errorf("%v: closing %v, want %v", m, got.Closing, running)
			}
			wantParts(t, got)
			var halves ledger.Statement
			for _, half := range []ledger.Statement{between(t, s, p, got.From, got.From.AddDate(0, 0, 11)), between(t, s, p, got.From.AddDate(0, 0, 11), got.To)} {
				if half.Opening != halves.Closing && halves.Movements != nil {
					t.Errorf("%v: the second half opens with %v, the first closes with %v", m, half.Opening, halves.Closing)
				}
				half.Spent += halves.Spent
				half.Movements = append(half.Movements, halves.Movements...)
				halves = half
			}
			if halves.Spent != got.Spent || halves.Closing != got.Closing || len(halves.Movements) != len(got.Movements) {
				t.Errorf("%v: its halves are %v spent, closing %v", m, halves.Spent, halves.Closing)
			}
		}
		balance(t, s, p, running, 0, 0)
		proven(t, s)
	})
}

func between(t testing.TB, s *store.Store, p ledger.Person, from, to time.Time) ledger.Statement {
	t.Helper()
	got, err := s.StatementBetween(context.Background(), p.ID, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

// wantParts checks that each way of cutting a statement adds up to the whole,
// and that the movements go from the closing balance back to the opening one.
func wantParts(t testing.TB, s ledger.Statement) {
	t.Helper()
	var days, merchants, meals ledger.Fen
	var purchases int
	for _, d := range s.Days {
		days += d.Spent
		purchases += d.Purchases
	}
	for _, m := range s.Merchants {
		merchants += m.Spent
	}
	for _, m := range s.Meals {
		meals += m.Spent
	}
	if days != s.Spent || merchants != s.Spent || meals != s.Spent || purchases != s.Purchases {
		t.Errorf("%v: %v spent; by days %v, merchants %v, meals %v", s.From, s.Spent, days, merchants, meals)
	}
	after := s.Closing
	for _, m := range s.Movements {
		if m.Counted() && m.After != after {
			t.Errorf("%v: %+v, and the books say %v", s.From, m, after)
			return
		}
		after -= m.Change()
	}
	if after != s.Opening {
		t.Errorf("%v: the movements lead back to %v, not to %v", s.From, after, s.Opening)
	}
}

func TestStore_Statement(t *testing.T) {
	t.Parallel()
	midnight := november.Start(noon.Location())
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"TheMonthTurnsAtMidnightOfTheCampus": func(t *testing.T, s *store.Store, p ledger.Person) {
			a, b := sold(p, 1, 100, 7, 41, 1150), sold(p, 2, 200, 7, 42, 950)
			a.OccurredAt, b.OccurredAt = midnight.Add(-time.Second).UTC(), midnight.UTC()
			ingest(t, s, "A", a, b)
			if oct, nov := statement(t, s, p, november-1), statement(t, s, p, november); oct.Spent != 100 || nov.Spent != 200 || nov.Opening != 1150 {
				t.Errorf("October %v, November %v from %v", oct.Spent, nov.Spent, nov.Opening)
			}
		},
		"LateIsSaid": func(t *testing.T, s *store.Store, p ledger.Person) {
			r := sold(p, 1, 100, 7, 41, 1150)
			r.OccurredAt = noon.AddDate(0, 0, -3)
			ingest(t, s, "A", r, sold(p, 2, 50, 7, 42, 1100))
			got := statement(t, s, p, november)
			late := got.Movements[1]
			if got.Late != 1 || !late.Late || !late.At.Equal(r.OccurredAt) || late.Booked.Day() != noon.Day() || got.Movements[0].Late || got.Days[0].Day.Day() != 19 {
				t.Errorf("%+v", got)
			}
		},
		"LatestIsTheCountersToo": func(t *testing.T, s *store.Store, p ledger.Person) {
			load(t, s, p, "XK1", 5000, ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}, noon)
			slow := sold(p, 1, 200, 8, 41, 6050) // after the claim, whatever the till's clock says
			slow.OccurredAt = noon.Add(-10 * time.Minute)
			ingest(t, s, "A", slow)
			got, err := s.Movements(context.Background(), p.ID, 5)
			if err != nil || len(got) != 2 || got[0].SpendSeq != 41 || got[1].Kind != ledger.MovementClaim {
				t.Errorf("Movements = %+v, %v", got, err)
			}
			if b, err := s.Balance(context.Background(), p.ID, noon); err != nil || b.Last == nil || b.Last.Amount != 200 {
				t.Errorf("Balance = %+v, %v; want the purchase last", b, err)
			}
		},
		"CountersBeforeClocks": func(t *testing.T, s *store.Store, p ledger.Person) {
			early, behind := sold(p, 1, 100, 7, 41, 1150), sold(p, 2, 200, 7, 42, 950)
			behind.OccurredAt = early.OccurredAt.Add(-time.Hour)
			ingest(t, s, "A", behind)
			ingest(t, s, "A", early)
			if got := statement(t, s, p, november).Movements; got[0].SpendSeq != 42 || got[1].SpendSeq != 41 {
				t.Errorf("%+v", got)
			}
		},
		"LoadBetweenPurchases": func(t *testing.T, s *store.Store, p ledger.Person) {
			load(t, s, p, "XK1", 5000, ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1150}, noon.Add(time.Hour))
			ingest(t, s, "A", sold(p, 2, 200, 8, 42, 5950), sold(p, 1, 100, 7, 41, 1150))
			got := statement(t, s, p, november)
			if m := got.Movements; len(m) != 3 || m[1].Kind != ledger.MovementClaim || m[1].After != 6150 || m[1].Where != "二号餐厅" {
				t.Errorf("%+v", m)
			}
			if got.Paid != 5000 || got.Returned != 0 || got.Claimed != 5000 || got.Closing != 5950 {
				t.Errorf("%+v", got)
			}
			wantParts(t, got)
		},
		"PaidIsNotLoaded": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			begin(t, s, p, onlyTransfer(t, s, p))
			if got := statement(t, s, p, november); got.Paid != 5000 || got.Returned != 5000 || got.Claimed != 0 || got.Closing != 1250 {
				t.Errorf("%+v", got)
			}
		},
		"CorrectionsCount": func(t *testing.T, s *store.Store, p ledger.Person) {
			for i, raise := range []bool{true, false} {
				debit, credit, fen := "suspense', 0, 'float', ?", "float", int64(i*100+300)
				if !raise {
					debit, credit = "float', ?, 'suspense', 0", "suspense"
				}
				err := errors.Join(
					s.Exec(t.Context(), "INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('x:"+credit+"', '"+debit+", ?, ?)",
						p.CardID, fen, noon.UnixMicro()),
					s.Exec(t.Context(), "UPDATE campus_cards SET balance_fen = balance_fen + ? WHERE id = ?", map[bool]int64{true: fen, false: -fen}[raise], p.CardID))
				if err != nil {
					t.Fatal(err)
				}
			}
			got := statement(t, s, p, november)
			if got.Corrected != -100 || got.Opening != 1250 || got.Closing != 1150 || statement(t, s, p, november-1).Closing != 1250 {
				t.Errorf("%+v", got)
			}
		},
		"GrantedAndReversed": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 100, 7, 41, 1150))
			_, err1 := s.GrantSubsidy(t.Context(), ledger.Subsidy{Batch: "B1", CardNo: p.CardNo, Title: "补助", Amount: 3000}, noon, false)
			_, err2 := s.CorrectPurchase(t.Context(), ledger.Correction{TerminalID: "A", Seq: 1, Note: "wrong price"}, noon.Add(2*time.Hour))
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			if got := statement(t, s, p, november); got.Granted != 3000 || got.Reversed != 100 || got.Paid != 0 || got.Spent != 100 || got.Closing != 1150 {
				t.Errorf("%+v", got)
			}
		},
		"NoCard": func(t *testing.T, s *store.Store, p ledger.Person) {
			if _, err := s.ImportPerson(t.Context(), ledger.PersonRow{StudentNo: "9", Name: "李四"}, noon, false); err != nil {
				t.Fatal(err)
			}
			none, err := s.PersonByStudentNo(t.Context(), "9")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Statement(t.Context(), none.ID, november, noon); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("%v", err)
			}
		},
		"WhatCameBeforeTheTotals": func(t *testing.T, s *store.Store, p ledger.Person) {
			old := sold(p, 1, 100, 7, 41, 1150)
			old.OccurredAt = midnight.Add(-time.Minute)
			ingest(t, s, "A", old, sold(p, 2, 200, 7, 42, 950))
			if err := errors.Join(s.MigrateBack(t.Context(), 7), s.Migrate(t.Context())); err != nil {
				t.Fatal(err)
			}
			proven(t, s)
			if got := statement(t, s, p, november); got.Opening != 1150 || got.Before != 100 || got.Closing != 950 {
				t.Errorf("%+v", got)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := campus(t, s, 1)
				till(t, s, "A")
				test(t, s, p)
			})
		})
	}
}

// Every part of the statement is found by an index, however large the tables.
func TestStore_Statement_Indexes(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	plan, err := storetest.Postgres(t).ExplainStatement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, index := range []string{"campus_cards_in_use", "month_totals_pkey", "transfers_by_person", "consumptions_of_card", "claims_of_card",
		"postings_raise_card", "postings_lower_card"} {
		if !strings.Contains(plan, index) {
			t.Errorf("%s does not serve", index)
		}
	}
	if strings.Contains(plan, "Seq Scan") {
		t.Errorf("a table is read whole:\n%s", plan)
	}
}

// TestStore_Statement_SoFar: while a month runs, it is compared with the one
// before up to the same day and time; once it is over, with all of it.
func TestStore_Statement_SoFar(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "A")
		moment := func(month time.Month, day int, clock time.Time) time.Time {
			return time.Date(2026, month, day, clock.Hour(), clock.Minute(), clock.Second(), clock.Nanosecond(), noon.Location())
		}
		var sold []ledger.Consumption
		for i, at := range []time.Time{ // 1, 2, 4 … fen
			november.Start(noon.Location()).Add(-time.Microsecond), // 31 October
			time.Date(2026, 10, 1, 0, 0, 0, 0, noon.Location()),
			moment(10, noon.Day(), noon).Add(-time.Microsecond),
			moment(10, noon.Day(), noon),
			time.Date(2026, 9, 30, 23, 59, 59, 0, noon.Location()),
			time.Date(2026, 9, 29, 12, 0, 0, 0, noon.Location()),
		} {
			n := int64(i + 1)
			sold = append(sold, ledger.Consumption{Seq: n, CardNo: p.CardNo, Amount: 1 << i, OccurredAt: at, Chip: ledger.Chip{LoadSeq: 7, SpendSeq: 40 + n, Balance: 1000}})
		}
		ingest(t, s, "A", sold...)
		for _, tc := range []struct {
			month  ledger.Month
			now    time.Time
			before ledger.Fen
			to     time.Time
		}{
			{november, noon, 2 + 4, moment(10, noon.Day(), noon)},
			{november, noon.UTC(), 2 + 4, moment(10, noon.Day(), noon)},
			{november, november.Start(noon.Location()), 0, time.Date(2026, 10, 1, 0, 0, 0, 0, noon.Location())},
			{november, noon.AddDate(0, 1, 0), 1 + 2 + 4 + 8, time.Time{}},
			{november - 1, time.Date(2026, 10, 30, 12, 0, 0, 0, noon.Location()), 32, time.Date(2026, 9, 30, 12, 0, 0, 0, noon.Location())},
			{november - 1, time.Date(2026, 10, 31, 12, 0, 0, 0, noon.Location()), 16 + 32, time.Time{}}, // September has thirty days
			{november - 1, noon, 16 + 32, time.Time{}},
		} {
			got, err := s.Statement(t.Context(), p.ID, tc.month, tc.now)
			if err != nil || got.Before != tc.before || !got.BeforeTo.Equal(tc.to) {
				t.Errorf("%s at %s: %s before %s, %v; want %s before %s", tc.month, tc.now, got.Before, got.BeforeTo, err, tc.before, tc.to)
			}
		}
	})
}

// TestStore_MigrateMonths: purchases from before months knew their counters
// are found as before, and those of a till whose clock is wrong as well.
func TestStore_MigrateMonths(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "A")
		var all []ledger.Consumption
		for i, months := range []int{-3, -2, -1, -3, 0, -1, 0} {
			r := sold(p, int64(i+1), 100, 7, int64(41+i), 0)
			r.OccurredAt = noon.AddDate(0, months, 0)
			all = append(all, r)
		}
		ingest(t, s, "A", all[:5]...)
		ctx := t.Context()
		for _, err := range []error{s.MigrateBack(ctx, 14), s.Migrate(ctx)} {
			if err != nil {
				t.Fatal(err)
			}
		}
		ingest(t, s, "A", all[5:]...)
		for m, want := range map[ledger.Month]string{november - 3: "41 44", november - 2: "42", november - 1: "43 46", november: "45 47"} {
			var seqs []string
			got := statement(t, s, p, m)
			for _, line := range got.Movements {
				seqs = append(seqs, fmt.Sprint(line.SpendSeq))
			}
			slices.Sort(seqs)
			if strings.Join(seqs, " ") != want || got.Spent != ledger.Fen(100*len(seqs)) {
				t.Errorf("%s: purchases %v of %s, want %s", m, seqs, got.Spent, want)
			}
		}
		proven(t, s)
	})
}
