package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func TestStore_ReplaceCard(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	due := noon.Add(72 * time.Hour)
	replace := func(t *testing.T, s *store.Store, p ledger.Person, chip *ledger.Chip, want error) ledger.Replacement {
		t.Helper()
		got, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: p.CardNo, NewCardNo: "N1", Chip: chip, Due: due, Reason: "at the desk, with the student's card"}, noon)
		if !errors.Is(err, want) {
			t.Fatalf("ReplaceCard = %+v, %v; want %v", got, err, want)
		}
		return got
	}
	move := func(t *testing.T, s *store.Store, now time.Time) {
		t.Helper()
		if err := s.MoveReplaced(ctx, now); err != nil {
			t.Fatal(err)
		}
	}
	// short wants what was bought with old cards beyond what they had to be told
	// apart from the balance, which is the same everywhere.
	short := func(t *testing.T, s *store.Store, p ledger.Person, want ledger.Fen) {
		t.Helper()
		b, err := s.Balance(ctx, p.ID, noon)
		if err != nil || b.Books != 0 || b.Old != 0 || b.Short != want {
			t.Errorf("Balance = %+v, %v; want %v short", b, err, want)
		}
		if st := statement(t, s, p, november); st.OnCard() != b.Books || st.Old != -want || st.Closing != -want {
			t.Errorf("statement of %v, %v of it on old cards", st.Closing, st.Old)
		}
	}
	// again reads the person, who has another card by now.
	again := func(t *testing.T, s *store.Store, p ledger.Person) ledger.Person {
		t.Helper()
		now, err := s.PersonByID(ctx, p.ID)
		if err != nil || now.CardNo != "N1" || now.CardID == p.CardID {
			t.Fatalf("the person has card %q, %v; want N1", now.CardNo, err)
		}
		return now
	}
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"Lost": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 250, 7, 41, 1000))
			if _, err := s.ReportLoss(ctx, p.ID, noon.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if got := replace(t, s, p, nil, nil); got.Moved != 0 || got.Left != 1000 {
				t.Errorf("ReplaceCard = %+v", got)
			}
			now := again(t, s, p)
			if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.CardNo != "N1" || b.Books != 0 || b.Pending != 0 || b.Old != 1000 || b.Short != 0 || !b.OldDue.Equal(due) {
				t.Errorf("Balance = %+v, %v", b, err)
			}
			if st := statement(t, s, p, november); st.Closing != 1000 || st.Old != 1000 || st.OnCard() != 0 {
				t.Errorf("statement of %v, %v of it on old cards", st.Closing, st.Old)
			}
			if _, err := s.CancelLoss(ctx, p.ID, noon); !errors.Is(err, ledger.ErrNotLost) {
				t.Errorf("a replaced card was revived: %v", err)
			}
			if _, err := s.LossState(ctx, p.ID); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("the new card has the old one's loss: %v", err)
			}
			if list, err := s.Blacklist(ctx, "K01", 0, noon); err != nil || !slices.Equal(list.Add, []string{p.CardNo}) {
				t.Errorf("the blacklist is %+v, %v", list, err)
			}
			ingest(t, s, "A", sold(p, 2, 300, 7, 42, 700)) // sent late
			move(t, s, due.Add(-time.Second))
			balance(t, s, p, 0, 0, 0)
			move(t, s, due)
			move(t, s, due.Add(time.Hour))
			balance(t, s, p, 0, 700, 0)
			if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.Old != 0 || !b.OldDue.IsZero() {
				t.Errorf("Balance = %+v, %v", b, err)
			}
			if r := proven(t, s); len(r.Exceptions) > 0 {
				t.Errorf("exceptions %+v", r.Exceptions)
			}
			chip := ledger.Chip{}
			if _, err := s.Authorise(ctx, request(p, "old", chip)); !errors.Is(err, ledger.ErrCardNotFound) {
				t.Errorf("the old card claims: %v", err)
			}
			if c, err := s.Authorise(ctx, request(now, "new", chip)); err != nil || c.Amount != 700 {
				t.Errorf("Authorise = %+v, %v", c, err)
			}
			ingest(t, s, "A", sold(p, 3, 100, 7, 43, 600)) // too late
			if got := kinds(proven(t, s)); got != "replaced_card" {
				t.Errorf("exceptions %q", got)
			}
			onlyCase(t, s, "replaced_card")
			short(t, s, p, 100)
		},
		"NotReportedBefore": func(t *testing.T, s *store.Store, p ledger.Person) {
			replace(t, s, p, nil, nil)
			late := sold(p, 1, 250, 7, 41, 1000)
			late.OccurredAt = noon.Add(time.Hour)
			ingest(t, s, "A", late)
			st := statement(t, s, again(t, s, p), november)
			if len(st.Movements) != 1 || !st.Movements[0].AfterLoss {
				t.Errorf("bought with the stopped card: %+v", st.Movements)
			}
		},
		"HandedIn": func(t *testing.T, s *store.Store, p ledger.Person) {
			got := replace(t, s, p, &ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 1000}, nil)
			if got.Moved != 1000 || got.Left != 250 {
				t.Errorf("ReplaceCard = %+v", got)
			}
			balance(t, s, p, 0, 1000, 0)
			proven(t, s)
			ingest(t, s, "A", sold(p, 1, 250, 7, 42, 1000)) // what the books had beyond it
			move(t, s, due)
			balance(t, s, p, 0, 1000, 0)
			if r := proven(t, s); len(r.Exceptions) > 0 {
				t.Errorf("exceptions %+v", r.Exceptions)
			}
		},
		"UsedAfterItWasRead": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 250, 7, 41, 1000))
			replace(t, s, p, &ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 900}, nil)
			ingest(t, s, "A", sold(p, 2, 500, 7, 42, 500))
			c := onlyCase(t, s, "replaced_card")
			if want := "record 2 of terminal A, ¥5.00 spent with a replaced card, on which the books hold ¥4.00 too little for it"; c.Ref != "A:2" || c.CardNo != p.CardNo || c.Detail != want {
				t.Errorf("the case is %+v", c)
			}
			if got := kinds(proven(t, s)); got != "replaced_card" {
				t.Errorf("exceptions %q", got)
			}
			short(t, s, p, 400)
			if got := ingest(t, s, "A", sold(p, 2, 500, 7, 42, 500), sold(p, 4, 20, 7, 44, 470), sold(p, 3, 10, 7, 43, 490)); got.Accepted != 2 || got.Duplicates != 1 {
				t.Errorf("sent again with others: %+v", got)
			}
			move(t, s, due)
			all, err := s.Cases(ctx, true)
			if err != nil || len(all) != 3 || all[1].Ref != "A:3" || all[2].Ref != "A:4" {
				t.Fatalf("cases %+v, %v; want one a record", all, err)
			}
			short(t, s, p, 430)
			balance(t, s, p, 0, 900, 0)
			for _, c := range all {
				if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveNoted, "the holder paid at the desk", ledger.Payment{}, noon); err != nil {
					t.Fatal(err)
				}
			}
			if r := proven(t, s); len(r.Exceptions) > 0 {
				t.Errorf("exceptions %+v", r.Exceptions)
			}
		},
		"TwoBefore": func(t *testing.T, s *store.Store, p ledger.Person) {
			replace(t, s, p, &ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}, nil)
			ingest(t, s, "A", sold(p, 1, 250, 7, 41, 1000))
			if _, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: "N1", NewCardNo: "N2", Due: due}, noon); err != nil {
				t.Fatal(err)
			}
			short(t, s, p, 250)
			onlyCase(t, s, "replaced_card")
		},
		"HandedInAndNeverExplained": func(t *testing.T, s *store.Store, p ledger.Person) {
			replace(t, s, p, &ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 1000}, nil)
			move(t, s, due)
			balance(t, s, p, 0, 1250, 0)
		},
		"ChipDiffers": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 250, 7, 41, 1000))
			for _, chip := range []ledger.Chip{{LoadSeq: 7, SpendSeq: 41, Balance: 1001}, {LoadSeq: 8, SpendSeq: 41, Balance: 1000}, {LoadSeq: 7, SpendSeq: 40, Balance: 1000}} {
				replace(t, s, p, &chip, ledger.ErrChipDiffers)
			}
			balance(t, s, p, 1000, 0, 0)
			if list, err := s.Blacklist(ctx, "K01", 0, noon); err != nil || len(list.Add) > 0 {
				t.Errorf("the blacklist is %+v, %v", list, err)
			}
		},
		"MoneyOnItsWay": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			if _, err := s.Authorise(ctx, request(p, "key", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
				t.Fatal(err)
			}
			replace(t, s, p, nil, ledger.ErrClaimInProgress)
			balance(t, s, p, 1250, 0, 5000)
		},
		"Twice": func(t *testing.T, s *store.Store, p ledger.Person) {
			replace(t, s, p, nil, nil)
			replace(t, s, p, nil, ledger.ErrCardReplaced)
			again(t, s, p)
		},
		"TwiceDue": func(t *testing.T, s *store.Store, p ledger.Person) {
			again := func(old, next string, chip *ledger.Chip, wait time.Duration) {
				t.Helper()
				_, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: old, NewCardNo: next, Chip: chip, Due: noon.Add(wait), Reason: "lost"}, noon)
				if err != nil {
					t.Fatal(err)
				}
			}
			want := func(old ledger.Fen, wait time.Duration) {
				t.Helper()
				if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.Old != old || !b.OldDue.Equal(noon.Add(wait)) {
					t.Errorf("Balance = %+v, %v; want %v due after %s", b, err, old, wait)
				}
			}
			again(p.CardNo, "N1", nil, 48*time.Hour)
			again("N1", "N2", nil, 72*time.Hour)
			again("N2", "N3", &ledger.Chip{}, 24*time.Hour)
			want(1250, 48*time.Hour) // on the other two there is nothing
			if err := s.Exec(ctx, "UPDATE campus_cards SET balance_fen = 300 WHERE card_no = 'N1'"); err != nil {
				t.Fatal(err)
			}
			want(1550, 48*time.Hour)
			if err := s.MoveReplaced(ctx, noon.Add(48*time.Hour)); err != nil {
				t.Fatal(err)
			}
			want(300, 72*time.Hour)
			if err := s.Exec(ctx, "UPDATE campus_cards SET balance_fen = 0 WHERE card_no = 'N1'"); err != nil {
				t.Fatal(err)
			}
		},
		"NumberTaken": func(t *testing.T, s *store.Store, p ledger.Person) {
			if _, err := s.ImportPerson(ctx, ledger.PersonRow{StudentNo: "9", Name: "李小卡", CardNo: "N1"}, noon, false); err != nil {
				t.Fatal(err)
			}
			replace(t, s, p, nil, ledger.ErrCardNoTaken)
			balance(t, s, p, 1250, 0, 0)
		},
		"NoSuchCard": func(t *testing.T, s *store.Store, p ledger.Person) {
			p.CardNo = "nobody's"
			replace(t, s, p, nil, ledger.ErrCardNotFound)
		},
		"OneHistory": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 250, 7, 41, 1000))
			_, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: p.CardNo, NewCardNo: "N1", Chip: &ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1000}, Due: due},
				noon.Add(time.Minute))
			if err != nil {
				t.Fatal(err)
			}
			now := again(t, s, p)
			if _, err := s.Authorise(ctx, request(now, "key", ledger.Chip{})); err != nil {
				t.Fatal(err)
			}
			lunch := sold(now, 2, 100, 1, 1, 900) // proves the load, too
			lunch.OccurredAt = noon.Add(2 * time.Minute)
			ingest(t, s, "A", lunch)
			st := statement(t, s, now, november)
			wantParts(t, st)
			const want = "consumption −¥1.00, claim ¥10.00, moved −¥10.00, consumption −¥2.50"
			latest, err := s.Movements(ctx, now.ID, 10)
			if err != nil || changes(st.Movements) != want || changes(latest) != want {
				t.Errorf("movements %q, latest %q, %v; want %q", changes(st.Movements), changes(latest), err, want)
			}
			if latest, err = s.Movements(ctx, now.ID, 3); err != nil || len(latest) != 3 || latest[2].Kind != ledger.MovementMoved {
				t.Errorf("latest three %+v, %v", latest, err)
			}
			_, err = s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: "N1", NewCardNo: "N2", Chip: &ledger.Chip{LoadSeq: 1, SpendSeq: 1, Balance: 900}, Due: due}, noon.Add(time.Hour))
			if err != nil {
				t.Fatal(err)
			}
			if latest, err = s.Movements(ctx, now.ID, 10); err != nil || changes(latest) != "moved −¥9.00, "+want {
				t.Errorf("after another replacement %q, %v", changes(latest), err)
			}
			if _, err := s.Movements(ctx, now.ID+99, 10); err != nil {
				t.Errorf("of nobody: %v", err)
			}
			if st.Opening != 1250 || st.Closing != 900 || st.Spent != 350 || st.Claimed != 1000 || st.Corrected != -1000 {
				t.Errorf("statement %+v", st)
			}
			if r := proven(t, s); len(r.Exceptions) > 0 {
				t.Errorf("exceptions %+v", r.Exceptions)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := campus(t, s, 1)
				till(t, s, "A")
				test(t, s, p)
				proven(t, s)
			})
		})
	}
}

func changes(all []ledger.Movement) string {
	var list []string
	for _, m := range all {
		list = append(list, m.Kind+" "+m.Change().String())
	}
	return strings.Join(list, ", ")
}

// TestStore_ReplaceCard_Left: the holder is told of a new card together with
// what is still on the old one, which is nothing once all of it was moved.
func TestStore_ReplaceCard_Left(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		chip *ledger.Chip
		left ledger.Fen
	}{
		"Lost":      {nil, 1250},
		"HandedIn":  {&ledger.Chip{Balance: 1250}, 0},
		"NotSynced": {&ledger.Chip{Balance: 1000}, 250},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := campus(t, s, 1)
				r := ledger.ReplacementRequest{OldCardNo: p.CardNo, NewCardNo: "N1", Chip: test.chip, Due: noon}
				if done, err := s.ReplaceCard(context.Background(), r, noon); err != nil || done.Left != test.left {
					t.Fatalf("ReplaceCard = %+v, %v; want %v left", done, err, test.left)
				}
				out := &outbox{}
				work(t, s, store.Work{Push: out.push, Concurrency: 1})
				n := 1
				if test.chip != nil {
					n++ // and of what was moved
				}
				told := out.wait(t, n)
				if !slices.ContainsFunc(told, func(e ledger.Event) bool { return e.Kind == ledger.EventReplaced && e.Balance == test.left }) {
					t.Errorf("told %+v, want %v left", told, test.left)
				}
			})
		})
	}
}

// TestStore_ReplaceCard_Pushes: what is told names the card that it is about,
// however late it is told.
func TestStore_ReplaceCard_Pushes(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		till(t, s, "A")
		p := holder(t, s, 1)
		if err := s.SetLowBalance(ctx, p.ID, 5500); err != nil {
			t.Fatal(err)
		}
		topUp(t, s, p, "XK1", 5000)
		chip := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
		c, err := s.Authorise(ctx, request(p, "k1", chip))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.CancelClaim(ctx, "K01", c.ID, chip, "pulled out", noon); err != nil {
			t.Fatal(err)
		}
		if c, err = s.Authorise(ctx, request(p, "k2", chip)); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ConfirmClaim(ctx, "K01", c.ID, ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6250}, noon); err != nil {
			t.Fatal(err)
		}
		ingest(t, s, "A", sold(p, 1, 1000, 8, 42, 5250))
		out := &outbox{} // while the card is in use the upload is told in full
		work(t, s, store.Work{Push: out.push, Concurrency: 2})
		told := out.wait(t, 5)
		for _, report := range []func(context.Context, int64, time.Time) (ledger.LossReport, error){s.ReportLoss, s.CancelLoss, s.ReportLoss} {
			if _, err := report(ctx, p.ID, noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := s.CorrectPurchase(ctx, ledger.Correction{TerminalID: "A", Seq: 1}, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: p.CardNo, NewCardNo: "N1", Due: noon}, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := s.MoveReplaced(ctx, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		told = out.wait(t, len(told)+6)
		of := map[ledger.EventKind]string{}
		for _, e := range told {
			of[e.Kind] = e.CardNo
		}
		for kind, want := range map[ledger.EventKind]string{
			ledger.EventClaimFailed: p.CardNo, ledger.EventClaimed: p.CardNo, ledger.EventConsumption: p.CardNo, ledger.EventLowBalance: p.CardNo,
			ledger.EventLoss: p.CardNo, ledger.EventLossCancelled: p.CardNo, ledger.EventCorrected: p.CardNo, ledger.EventMoved: p.CardNo,
			ledger.EventReplaced: "N1", ledger.EventTopUpPaid: "",
		} {
			if got, ok := of[kind]; !ok || got != want {
				t.Errorf("%s names card %q, want %q", kind, got, want)
			}
		}
	})
}
