package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// onlyCase gives the one open case.
func onlyCase(t testing.TB, s *store.Store, kind string) ledger.Case {
	t.Helper()
	all, err := s.Cases(context.Background(), false)
	if err != nil || len(all) != 1 || all[0].Kind != kind {
		t.Fatalf("Cases = %+v, %v; want one %s", all, err, kind)
	}
	return all[0]
}

// What is not what was ordered is refused, kept as a case, and never credited.
func TestStore_SettleTopUp_Mismatch(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cases := map[string]struct {
		change func(*ledger.Payment)
		field  string
	}{
		"OneFenMore":    {func(p *ledger.Payment) { p.Total++ }, "amount"},
		"OneFenLess":    {func(p *ledger.Payment) { p.Total-- }, "amount"},
		"Currency":      {func(p *ledger.Payment) { p.Currency = "USD" }, "currency"},
		"NoCurrency":    {func(p *ledger.Payment) { p.Currency = "" }, "currency"},
		"App":           {func(p *ledger.Payment) { p.AppID = "ww2" }, "appid"},
		"Payer":         {func(p *ledger.Payment) { p.OpenID = "o2" }, "payer"},
		"NotPaid":       {func(p *ledger.Payment) { p.TradeState = "NOTPAY" }, "trade_state"},
		"Closed":        {func(p *ledger.Payment) { p.TradeState = "CLOSED" }, "trade_state"},
		"NoTransaction": {func(p *ledger.Payment) { p.WxTransactionID = "" }, "transaction_id"},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		for name, c := range cases {
			no := "XK" + name
			order(t, s, p, no, 5000)
			paid := payment(no, 5000)
			c.change(&paid)
			for range 2 {
				var differs *ledger.MismatchError
				if _, err := s.SettleTopUp(ctx, paid, noon); !errors.As(err, &differs) || differs.Field != c.field {
					t.Errorf("%s: %v", name, err)
				}
			}
			if o, err := s.Order(ctx, p.ID, no); err != nil || o.State != ledger.OrderCreated {
				t.Errorf("%s: the order is %s, %v", name, o.State, err)
			}
		}
		if _, err := s.SettleTopUp(ctx, payment("XKnobody", 5000), noon); !errors.Is(err, ledger.ErrUnknownOrder) {
			t.Errorf("an unknown order: %v", err)
		}
		all, err := s.Cases(ctx, false)
		if err != nil || len(all) != len(cases) {
			t.Errorf("%d cases, %v; want %d", len(all), err, len(cases))
		}
		balance(t, s, p, 1250, 0, 0)
		proven(t, s)
	})
}

// A payment made in another way than ordered is credited all the same, once,
// and a person hears of it; one made as ordered, or without a word of it, is not listed.
func TestStore_SettleTopUp_TradeType(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		for i, tradeType := range []string{"JSAPI", "", "APP", "NATIVE"} {
			no := fmt.Sprintf("XK%d", i)
			order(t, s, p, no, 5000)
			paid := payment(no, 5000)
			paid.TradeType = tradeType
			for repeat := range 2 {
				if got, err := s.SettleTopUp(ctx, paid, noon); err != nil || got.Repeat != (repeat > 0) || got.Transfer.Amount != 5000 {
					t.Errorf("%q: %+v, %v", tradeType, got, err)
				}
			}
		}
		balance(t, s, p, 1250, 20000, 0)
		all, err := s.Cases(ctx, false)
		if err != nil || len(all) != 2 || all[0].Kind != "trade_type" || all[0].CardNo != p.CardNo || all[0].Allows(ledger.ResolveRefund) {
			t.Fatalf("Cases = %+v, %v", all, err)
		}
		if want := `order XK2 of ¥50.00: transaction 42XK2 of ¥50.00 was made by "APP" where jsapi was ordered, and is credited all the same`; all[0].Detail != want {
			t.Errorf("the case says %q, want %q", all[0].Detail, want)
		}
		proven(t, s)
	})
}

func TestStore_SettleCase(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	settle := func(t *testing.T, s *store.Store, c ledger.Case, how ledger.Resolution, p ledger.Payment, want error) {
		t.Helper()
		if got, err := s.SettleCase(ctx, c.ID, how, "two persons, by phone", p, noon); !errors.Is(err, want) || (want == nil && got.How != how) {
			t.Fatalf("SettleCase(%s) = %+v, %v; want %v", how, got, err, want)
		}
	}
	// refunded follows a refund that was begun to its end.
	refunded := func(t *testing.T, s *store.Store, no string, fen ledger.Fen) {
		t.Helper()
		due, err := s.DueRefunds(ctx, noon, 10)
		if err != nil || len(due) != 1 || due[0].OutRefundNo != no || due[0].Amount != fen || due[0].Paid != fen || due[0].TransferID != "" {
			t.Fatalf("DueRefunds = %+v, %v; want %s of %s", due, err, no, fen)
		}
		proven(t, s)
		hear(t, s, due[0], ledger.RefundDone, "SUCCESS")
		proven(t, s)
	}
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"WrongAmountGoesBackInFull": func(t *testing.T, s *store.Store, p ledger.Person) {
			order(t, s, p, "XK1", 5000)
			paid := payment("XK1", 5001)
			_, _ = s.SettleTopUp(ctx, paid, noon)
			c := onlyCase(t, s, "payment_mismatch")
			if want := "order XK1 of ¥50.00: transaction " + paid.WxTransactionID + " of ¥50.01 differs from it in amount"; c.Detail != want || c.CardNo != p.CardNo {
				t.Errorf("the case says %q of card %q, want %q of %q", c.Detail, c.CardNo, want, p.CardNo)
			}
			settle(t, s, c, ledger.ResolveRetry, paid, ledger.ErrNotSo)
			settle(t, s, c, ledger.ResolveChip, paid, ledger.ErrNotSo)
			settle(t, s, c, ledger.ResolveRefund, payment("XK1", 5000), ledger.ErrNotSo)
			settle(t, s, c, ledger.ResolveRefund, ledger.Payment{}, ledger.ErrNotSo)
			proven(t, s)
			settle(t, s, c, ledger.ResolveRefund, paid, nil)
			settle(t, s, c, ledger.ResolveRefund, paid, ledger.ErrCaseSettled)
			settle(t, s, c, ledger.ResolveNoted, paid, ledger.ErrCaseSettled)
			if o, err := s.Order(ctx, p.ID, "XK1"); err != nil || o.State != ledger.OrderClosed {
				t.Errorf("the order is %s, %v", o.State, err)
			}
			if _, err := s.SettleTopUp(ctx, paid, noon); err == nil {
				t.Error("the notification, again, credited it")
			}
			day, err := s.PaidBetween(ctx, noon, noon.AddDate(0, 0, 1))
			if err != nil || len(day) != 1 || day[0].Amount != 5001 {
				t.Errorf("PaidBetween = %+v, %v", day, err)
			}
			refunded(t, s, "R1-XK1", 5001)
			balance(t, s, p, 1250, 0, 0)
		},
		"PaidByAnother": func(t *testing.T, s *store.Store, p ledger.Person) {
			order(t, s, p, "XK1", 5000)
			paid := payment("XK1", 5000)
			paid.OpenID = "o2"
			_, _ = s.SettleTopUp(ctx, paid, noon)
			settle(t, s, onlyCase(t, s, "payment_mismatch"), ledger.ResolveRefund, paid, nil)
			refunded(t, s, "R1-XK1", 5000)
		},
		"SurplusRefundClosed": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			a := ledger.Attempt{OutTradeNo: "XK1-2", OrderNo: "XK1", N: 2, PersonID: p.ID, Amount: 5000, Channel: ledger.Native,
				AppID: "ww1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: noon}
			if err := s.CreateAttempt(ctx, a); err != nil {
				t.Fatal(err)
			}
			if _, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon); err != nil {
				t.Fatal(err)
			}
			twice := onlyCase(t, s, "paid_twice")
			if !strings.HasPrefix(twice.Detail, "order XK1 of ¥50.00: transaction ") || twice.CardNo != p.CardNo {
				t.Errorf("the case says %q of card %q", twice.Detail, twice.CardNo)
			}
			settle(t, s, twice, ledger.ResolveNoted, ledger.Payment{}, ledger.ErrNotSo)
			due, err := s.DueRefunds(ctx, noon, 10)
			if err != nil || len(due) != 1 {
				t.Fatalf("DueRefunds = %+v, %v", due, err)
			}
			hear(t, s, due[0], ledger.RefundClosed, "CLOSED")
			proven(t, s)
			all, err := s.Cases(ctx, false)
			if err != nil || len(all) != 2 || all[1].Kind != "refund_closed" {
				t.Fatalf("Cases = %+v, %v", all, err)
			}
			if one, err := s.Case(ctx, all[1].ID); err != nil || !all[1].Allows(ledger.ResolveRetry) || !one.Allows(ledger.ResolveRetry) {
				t.Errorf("Case = %+v, %v", one, err)
			}
			settle(t, s, all[1], ledger.ResolveRetry, ledger.Payment{}, nil)
			refunded(t, s, "R2-XK1-2", 5000)
			if all, err := s.Cases(ctx, false); err != nil || len(all) != 0 {
				t.Errorf("Cases = %+v, %v", all, err)
			}
		},
		"HoldersRefundClosed": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			hear(t, s, begin(t, s, p, onlyTransfer(t, s, p)), ledger.RefundClosed, "CLOSED")
			c := onlyCase(t, s, "refund_closed")
			if how := c.Resolutions(); !slices.Equal(how, []ledger.Resolution{ledger.ResolveNoted}) {
				t.Errorf("it can be settled by %q", how)
			}
			settle(t, s, c, ledger.ResolveRetry, ledger.Payment{}, ledger.ErrNotSo)
			settle(t, s, c, ledger.ResolveNoted, ledger.Payment{}, nil)
			balance(t, s, p, 1250, 5000, 0)
		},
		"ChipAccepted": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			for _, chip := range []ledger.Chip{{LoadSeq: 7, SpendSeq: 41, Balance: 1250}, {LoadSeq: 9, SpendSeq: 12, Balance: 1000}} {
				r := request(p, "key-1", chip)
				r.TerminalID = "K01"
				if chip.LoadSeq == 7 {
					r.MaxBalance = 1250 // nothing fits: the chip is only seen
				}
				_, _ = s.Authorise(ctx, r)
			}
			c := onlyCase(t, s, "chip_out_of_step")
			settle(t, s, c, ledger.ResolveChip, ledger.Payment{}, nil)
			done, err := s.Authorise(ctx, request(p, "key-2", ledger.Chip{LoadSeq: 9, SpendSeq: 12, Balance: 1000}))
			if err != nil || done.Amount != 5000 {
				t.Errorf("Authorise = %+v, %v", done, err)
			}
			if got := kinds(proven(t, s)); got != "balance_differs" {
				t.Errorf("exceptions %q", got)
			}
			if _, err := s.ConfirmClaim(ctx, "K01", done.ID, done.Expected(), noon); err != nil {
				t.Fatal(err)
			}
			for range 2 { // the accepted state once more cannot be now
				if _, err := s.Authorise(ctx, request(p, "key-3", ledger.Chip{LoadSeq: 9, SpendSeq: 12, Balance: 1000})); !errors.Is(err, ledger.ErrChipOutOfStep) {
					t.Errorf("err = %v, want chip_out_of_step", err)
				}
				if again := onlyCase(t, s, "chip_out_of_step"); again.ID != c.ID {
					t.Errorf("it is case %d, was %d", again.ID, c.ID)
				}
			}
			settle(t, s, c, ledger.ResolveNoted, ledger.Payment{}, nil)
		},
		"Unknown": func(t *testing.T, s *store.Store, _ ledger.Person) {
			settle(t, s, ledger.Case{ID: 99}, ledger.ResolveNoted, ledger.Payment{}, ledger.ErrNotFound)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, s, campus(t, s, 1)) })
		})
	}
}

// A record of a card that was not on record is booked once it is, exactly once;
// one that contradicts another is for a person alone.
func TestStore_SettleCase_KeptRecord(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		late := ledger.Person{CardNo: "C20260002"}
		till(t, s, "A")
		ingest(t, s, "A", sold(late, 1, 650, 7, 41, 600))
		ingest(t, s, "A", sold(late, 1, 650, 7, 41, 600))
		c := onlyCase(t, s, ledger.RejectCardNotFound)
		if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveBook, "card office", ledger.Payment{}, noon); !errors.Is(err, ledger.ErrNotSo) {
			t.Errorf("booked for a card that is not on record: %v", err)
		}
		onlyCase(t, s, ledger.RejectCardNotFound)

		p := campus(t, s, 2)
		if done, err := s.SettleCase(ctx, c.ID, ledger.ResolveBook, "card office", ledger.Payment{}, noon); err != nil || done.How != ledger.ResolveBook {
			t.Fatalf("SettleCase = %+v, %v", done, err)
		}
		balance(t, s, p, 600, 0, 0)
		if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveBook, "again", ledger.Payment{}, noon); !errors.Is(err, ledger.ErrCaseSettled) {
			t.Errorf("booked again: %v", err)
		}
		if got := ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600)); got.Duplicates != 1 || got.AckedSeq != 1 {
			t.Errorf("its till sends it again: %+v", got)
		}
		balance(t, s, p, 600, 0, 0)

		ingest(t, s, "A", sold(p, 1, 651, 7, 41, 599))
		c = onlyCase(t, s, ledger.RejectConflict)
		if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveBook, "card office", ledger.Payment{}, noon); !errors.Is(err, ledger.ErrNotSo) {
			t.Errorf("a conflict was booked: %v", err)
		}
		if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveNoted, "the till was reset", ledger.Payment{}, noon); err != nil {
			t.Fatal(err)
		}
		if e := proven(t, s).Exceptions; len(e) != 0 {
			t.Errorf("exceptions: %+v", e)
		}
	})
}

// A record that was kept aside and that its till sends again is booked once it
// can be, and its case ends. One that says something else leaves the case.
func TestStore_IngestConsumptions_KeptAndSentAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		early := ledger.Person{CardNo: "C20260002"}
		till(t, s, "A")
		ahead := sold(early, 4, 100, 7, 43, 450)
		ahead.OccurredAt, ahead.Fault, ahead.Raw = time.Time{}, ledger.RejectTime, `{"occurred_at":"2036-01-01T00:00:00Z"}`
		ingest(t, s, "A", sold(early, 1, 650, 7, 41, 600), sold(early, 2, 50, 7, 42, 550), sold(early, 3, 1, 7, 44, 449), ahead)
		p := campus(t, s, 2)
		in := sold(p, 4, 100, 7, 43, 450)
		in.OccurredAt = noon.Add(30 * time.Minute) // its clock was set
		if got := ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600), sold(p, 2, 51, 7, 42, 549), in); got.Accepted != 3 || got.AckedSeq != 4 {
			t.Fatalf("sent again: %+v", got)
		}
		all, err := s.Cases(ctx, false)
		if err != nil || len(all) != 2 || !strings.HasPrefix(all[0].Ref, "A:2:") || !strings.HasPrefix(all[1].Ref, "A:3:") {
			t.Errorf("open cases %+v, %v; want those of the record that was changed and of the one not sent again", all, err)
		}
		if all, err = s.Cases(ctx, true); err != nil || len(all) != 4 || all[0].How != "" || !all[0].SettledAt.Equal(noon.Add(time.Hour)) {
			t.Errorf("cases %+v, %v", all, err)
		}
		proven(t, s)
	})
}

// A purchase at an impossible time is not forgotten: a person books it as of
// when it came.
func TestStore_SettleCase_ImpossibleTime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 2)
		till(t, s, "A")
		record := sold(p, 1, 650, 7, 41, 600)
		record.OccurredAt, record.Fault, record.Raw = time.Time{}, ledger.RejectTime, `{"occurred_at":"2036-01-01T00:00:00Z"}`
		for range 2 {
			if got := ingest(t, s, "A", record); len(got.Rejected) != 1 || got.AckedSeq != 1 {
				t.Fatalf("%+v", got)
			}
		}
		c := onlyCase(t, s, ledger.RejectTime)
		if _, err := s.SettleCase(ctx, c.ID, ledger.ResolveBook, "card office", ledger.Payment{}, noon.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		balance(t, s, p, 600, 0, 0)
		moved, err := s.Movements(ctx, p.ID, 5)
		if err != nil || len(moved) != 1 || !moved[0].At.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v, %v", moved, err)
		}
		ahead := sold(p, 1, 650, 7, 41, 600)
		ahead.OccurredAt = noon.AddDate(0, 0, 9) // the same once its time has come
		other := record
		other.Amount = 651
		for name, again := range map[string]ledger.Consumption{"as it was": record, "when its date is possible": ahead} {
			if got := ingest(t, s, "A", again, again); got.Duplicates != 2 || len(got.Rejected) != 0 || got.AckedSeq != 1 {
				t.Errorf("sent again %s: %+v", name, got)
			}
		}
		balance(t, s, p, 600, 0, 0)
		if e := proven(t, s).Exceptions; len(e) != 0 {
			t.Errorf("exceptions: %+v", e)
		}
		if got := ingest(t, s, "A", other); !slices.Equal(codes(got.Rejected), []string{"1:invalid_time"}) {
			t.Errorf("another purchase of the same count: %+v", got)
		}
		onlyCase(t, s, ledger.RejectTime)
		balance(t, s, p, 600, 0, 0)
		if done, err := s.Cases(ctx, true); err != nil || len(done) != 2 {
			t.Errorf("cases %+v, %v", done, err)
		}
	})
}

// A record that stands as its till dated it is not repeated by one with a date
// that cannot be.
func TestStore_IngestConsumptions_DatedAnew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 2)
		till(t, s, "A")
		record := sold(p, 1, 650, 7, 41, 600)
		ingest(t, s, "A", record)
		record.OccurredAt, record.Fault = time.Time{}, ledger.RejectTime
		for range 2 {
			if got := ingest(t, s, "A", record); got.Duplicates != 0 || !slices.Equal(codes(got.Rejected), []string{"1:invalid_time"}) {
				t.Errorf("%+v", got)
			}
		}
		balance(t, s, p, 600, 0, 0)
		onlyCase(t, s, ledger.RejectTime)
	})
}
