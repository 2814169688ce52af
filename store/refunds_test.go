package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// paid puts a holder with one pending top-up in place.
func paid(t testing.TB, s *store.Store) (ledger.Person, ledger.Transfer) {
	t.Helper()
	p := campus(t, s, 1)
	topUp(t, s, p, "XK1", 5000)
	return p, onlyTransfer(t, s, p)
}

func onlyTransfer(t testing.TB, s *store.Store, p ledger.Person) ledger.Transfer {
	t.Helper()
	all, err := s.Transfers(context.Background(), p.ID, 2, noon)
	if err != nil || len(all) != 1 {
		t.Fatalf("Transfers = %+v, %v; want one", all, err)
	}
	return all[0]
}

func begin(t testing.TB, s *store.Store, p ledger.Person, tr ledger.Transfer) ledger.Refund {
	t.Helper()
	r, err := s.BeginRefund(context.Background(), p.ID, tr.ID, noon)
	if err != nil || r.State != ledger.RefundWanted || r.Amount != tr.Amount || r.TransferID != tr.ID {
		t.Fatalf("BeginRefund = %+v, %v", r, err)
	}
	return r
}

// word is what WeChat Pay says about a refund.
func word(r ledger.Refund, status string) ledger.WxRefund {
	w := ledger.WxRefund{OutRefundNo: r.OutRefundNo, OutTradeNo: r.OutTradeNo, WxRefundID: "50" + r.OutRefundNo, WxTransactionID: r.WxTransactionID,
		Status: status, Amount: r.Amount, Total: r.Paid, CreateTime: noon, Source: "query"}
	if status == "SUCCESS" {
		w.SuccessTime = noon.Add(time.Minute)
	}
	return w
}

// hear settles a refund by WeChat Pay's words, one after the other, and wants
// the last to leave it in a state.
func hear(t testing.TB, s *store.Store, r ledger.Refund, want ledger.RefundState, statuses ...string) ledger.Refund {
	t.Helper()
	var err error
	for _, status := range statuses {
		if r, err = s.SettleRefund(context.Background(), word(r, status), noon.Add(time.Minute)); err != nil {
			t.Fatalf("%s: %v", status, err)
		}
	}
	if r.State != want {
		t.Fatalf("the refund is %s after %v, want %s", r.State, statuses, want)
	}
	return r
}

func state(t testing.TB, s *store.Store, p ledger.Person, order ledger.OrderState, tr ledger.TransferState) {
	t.Helper()
	o, err := s.Order(context.Background(), p.ID, "XK1")
	if err != nil || o.State != order {
		t.Errorf("the order is %s, %v; want %s", o.State, err, order)
	}
	if got := onlyTransfer(t, s, p).State; got != tr {
		t.Errorf("the transfer is %s, want %s", got, tr)
	}
}

func kinds(r store.Report) string {
	var all []string
	for _, e := range r.Exceptions {
		all = append(all, e.Kind)
	}
	return strings.Join(all, " ")
}

func TestStore_Refund(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	chip := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
	for name, test := range map[string]func(t *testing.T, s *store.Store){
		"Success": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			if r.OutRefundNo != "R1-XK1" || !r.Ours() {
				t.Errorf("the number is %s", r.OutRefundNo)
			}
			balance(t, s, p, 1250, 0, 0)
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if _, err := s.Authorise(ctx, request(p, "key-1", chip)); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("a claim meanwhile: %v", err)
			}
			due, err := s.DueRefunds(ctx, noon, 10)
			if err != nil || len(due) != 1 || due[0] != r {
				t.Errorf("DueRefunds = %+v, %v; want %+v", due, err, r)
			}
			proven(t, s)
			hear(t, s, r, ledger.RefundProcessing, "PROCESSING")
			proven(t, s)
			done := hear(t, s, r, ledger.RefundDone, "SUCCESS", "SUCCESS", "SUCCESS")
			if !done.EndedAt.Equal(noon.Add(time.Minute)) || !done.AcceptedAt.Equal(noon) || done.WxRefundID == "" {
				t.Errorf("done %+v", done)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
			if due, err := s.DueRefunds(ctx, noon.Add(time.Hour), 10); err != nil || len(due) != 0 {
				t.Errorf("DueRefunds = %+v, %v; want none", due, err)
			}
			out := &outbox{}
			work(t, s, store.Work{Push: out.push, Concurrency: 1})
			if e := out.wait(t, 2)[1]; e.Kind != ledger.EventRefunded || e.Amount != 5000 || e.PersonID != p.ID || e.Ref != "XK1" {
				t.Errorf("pushed %+v", e)
			}
		},
		"ClosedThenAgain": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			hear(t, s, begin(t, s, p, tr), ledger.RefundClosed, "PROCESSING", "CLOSED", "CLOSED")
			balance(t, s, p, 1250, 5000, 0)
			state(t, s, p, ledger.OrderPaid, ledger.TransferPending)
			if got := kinds(proven(t, s)); got != "refund_closed" {
				t.Errorf("cases %q", got)
			}
			r := begin(t, s, p, tr)
			if r.OutRefundNo != "R2-XK1" {
				t.Errorf("the second number is %s: an ended one cannot be used again", r.OutRefundNo)
			}
			hear(t, s, r, ledger.RefundClosed, "CLOSED")
			if got := kinds(proven(t, s)); got != "refund_closed" {
				t.Errorf("cases %q after the second was closed too", got)
			}
			if c := onlyCase(t, s, "refund_closed"); c.Ref != "R2-XK1" || c.CardNo != p.CardNo {
				t.Errorf("the case is of %s, card %q", c.Ref, c.CardNo)
			}
			hear(t, s, begin(t, s, p, tr), ledger.RefundDone, "SUCCESS")
			if got := kinds(proven(t, s)); got != "" {
				t.Errorf("cases %q stay open after it ended well", got)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"ClosedThenClaimed": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			hear(t, s, begin(t, s, p, tr), ledger.RefundClosed, "CLOSED")
			c, err := s.Authorise(ctx, request(p, "key-1", chip))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, c.Expected(), noon); err != nil {
				t.Fatal(err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"AbnormalThenSuccess": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			r := hear(t, s, begin(t, s, p, tr), ledger.RefundAbnormal, "PROCESSING", "ABNORMAL", "ABNORMAL", "PROCESSING")
			balance(t, s, p, 1250, 0, 0)
			if got := kinds(proven(t, s)); got != "refund_abnormal" {
				t.Errorf("cases %q", got)
			}
			hear(t, s, r, ledger.RefundDone, "SUCCESS")
			if got := kinds(proven(t, s)); got != "" {
				t.Errorf("cases %q stay open after it ended well", got)
			}
		},
		"OldWordsAfterSuccess": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			hear(t, s, begin(t, s, p, tr), ledger.RefundDone, "SUCCESS", "CLOSED", "ABNORMAL", "PROCESSING")
			balance(t, s, p, 1250, 0, 0)
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"SuccessAfterClose": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			hear(t, s, begin(t, s, p, tr), ledger.RefundClosed, "CLOSED", "SUCCESS")
			balance(t, s, p, 1250, 5000, 0)
			if got := kinds(proven(t, s)); !strings.Contains(got, "refund_after_close") {
				t.Errorf("cases %q", got)
			}
		},
		"SecondAttemptPaid": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			a := ledger.Attempt{OutTradeNo: "XK1-2", OrderNo: "XK1", N: 2, PersonID: p.ID, Amount: 5000, Channel: ledger.Native,
				AppID: "ww1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: noon}
			if err := s.CreateAttempt(ctx, a); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				if _, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon); err != nil {
					t.Fatal(err)
				}
			}
			due, err := s.DueRefunds(ctx, noon, 10)
			if err != nil || len(due) != 1 || due[0].OutRefundNo != "R1-XK1-2" || due[0].TransferID != "" || due[0].Amount != 5000 {
				t.Fatalf("DueRefunds = %+v, %v", due, err)
			}
			if got := kinds(proven(t, s)); got != "paid_twice" {
				t.Errorf("cases %q", got)
			}
			hear(t, s, due[0], ledger.RefundDone, "PROCESSING", "SUCCESS", "SUCCESS")
			balance(t, s, p, 1250, 5000, 0)
			state(t, s, p, ledger.OrderPaid, ledger.TransferPending)
			if got := kinds(proven(t, s)); got != "" {
				t.Errorf("cases %q stay open", got)
			}
			if again, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon); err != nil || !again.Repeat {
				t.Errorf("the payment's notice again: %+v, %v", again, err)
			}
		},
		"Refused": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			other := campus(t, s, 2)
			if _, err := s.BeginRefund(ctx, other.ID, tr.ID, noon); !errors.Is(err, ledger.ErrNotFound) {
				t.Errorf("somebody else's: %v", err)
			}
			if _, err := s.BeginRefund(ctx, p.ID, tr.ID, noon.Add(ledger.RefundLife)); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("a year later: %v", err)
			}
			grant := `INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, created_at) VALUES ('G1', ?, 'subsidy', 'G1', '补助', 1, 'pending', 1)`
			if err := s.Exec(ctx, grant, p.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.BeginRefund(ctx, p.ID, "G1", noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("a subsidy: %v", err)
			}
			if err := s.Exec(ctx, `DELETE FROM transfers WHERE id = 'G1'`); err != nil {
				t.Fatal(err)
			}
			c, err := s.Authorise(ctx, request(p, "key-1", chip))
			if err != nil {
				t.Fatal(err)
			}
			for what, at := range map[string]time.Time{"in flight": noon, "in doubt": noon.Add(time.Hour)} {
				if _, err := s.BeginRefund(ctx, p.ID, tr.ID, at); !errors.Is(err, ledger.ErrRefundRefused) {
					t.Errorf("%s: %v", what, err)
				}
			}
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, c.Expected(), noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.BeginRefund(ctx, p.ID, tr.ID, noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("claimed: %v", err)
			}
		},
		"RefusedTwice": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			for _, statuses := range [][]string{nil, {"PROCESSING"}, {"SUCCESS"}} {
				for _, status := range statuses {
					hear(t, s, r, map[string]ledger.RefundState{"PROCESSING": ledger.RefundProcessing, "SUCCESS": ledger.RefundDone}[status], status)
				}
				if _, err := s.BeginRefund(ctx, p.ID, tr.ID, noon); !errors.Is(err, ledger.ErrRefundRefused) {
					t.Errorf("again after %v: %v", statuses, err)
				}
			}
		},
		"Mismatch": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			for field, change := range map[string]func(*ledger.WxRefund){
				"out_trade_no":   func(w *ledger.WxRefund) { w.OutTradeNo = "XK2" },
				"transaction_id": func(w *ledger.WxRefund) { w.WxTransactionID = "42XK2" },
				"amount":         func(w *ledger.WxRefund) { w.Amount-- },
				"total":          func(w *ledger.WxRefund) { w.Total++ },
				"refund_id":      func(w *ledger.WxRefund) { w.WxRefundID = "" },
			} {
				w := word(r, "SUCCESS")
				change(&w)
				var m *ledger.MismatchError
				if _, err := s.SettleRefund(ctx, w, noon); !errors.As(err, &m) || m.Field != field {
					t.Errorf("%s changed: %v", field, err)
				}
			}
			if _, err := s.SettleRefund(ctx, word(ledger.Refund{OutRefundNo: "R9"}, "SUCCESS"), noon); !errors.Is(err, ledger.ErrUnknownRefund) {
				t.Errorf("an unknown number: %v", err)
			}
			if _, err := s.SettleRefund(ctx, word(r, "SOMETHING"), noon); err == nil {
				t.Error("an unknown status was taken")
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if got := len(proven(t, s).Exceptions); got != 5 {
				t.Errorf("%d cases, want 5", got)
			}
			hear(t, s, r, ledger.RefundDone, "SUCCESS")
		},
		"RefundIDOfAnother": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			hear(t, s, begin(t, s, p, tr), ledger.RefundDone, "SUCCESS")
			other := campus(t, s, 2)
			topUp(t, s, other, "XK2", 5000)
			r := begin(t, s, other, onlyTransfer(t, s, other))
			w := word(r, "SUCCESS")
			w.WxRefundID = "50R1-XK1"
			var m *ledger.MismatchError
			if _, err := s.SettleRefund(ctx, w, noon); !errors.As(err, &m) || m.Field != "refund_id" {
				t.Errorf("err = %v", err)
			}
			if got := onlyTransfer(t, s, other).State; got != ledger.TransferRefunding {
				t.Errorf("the transfer is %s", got)
			}
		},
		"Defer": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			if err := s.DeferRefund(ctx, r.OutRefundNo, noon.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			if due, _ := s.DueRefunds(ctx, noon.Add(59*time.Second), 10); len(due) != 0 {
				t.Errorf("due too early: %+v", due)
			}
			if due, _ := s.DueRefunds(ctx, noon.Add(time.Minute), 10); len(due) != 1 || due[0].Tries != 1 {
				t.Errorf("not due: %+v", due)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				test(t, s)
				proven(t, s)
			})
		})
	}
}

// A claim and a refund of the same money at the same moment: exactly one wins.
func TestStore_ClaimAgainstRefund(t *testing.T) {
	t.Parallel()
	const races = 200
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		chip := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
		claims, refunds := 0, 0
		for i := range races {
			topUp(t, s, p, fmt.Sprintf("XK%d", i), 100)
			waiting, err := s.PendingTransfers(ctx, p.ID, noon)
			if err != nil || len(waiting) != 1 {
				t.Fatalf("race %d: PendingTransfers = %+v, %v", i, waiting, err)
			}
			var claim ledger.Claim
			var claimErr, refundErr error
			var wg sync.WaitGroup
			// Either is the quicker now and then.
			wait := time.Duration(i%7) * 300 * time.Microsecond
			wg.Go(func() {
				if i%4 == 1 {
					time.Sleep(4 * wait)
				}
				r := request(p, fmt.Sprintf("key-%d", i), chip)
				r.MaxBalance = 10_000_000
				claim, claimErr = s.Authorise(ctx, r)
			})
			wg.Go(func() {
				if i%4 == 3 {
					time.Sleep(4 * wait)
				}
				_, refundErr = s.BeginRefund(ctx, p.ID, waiting[0].ID, noon)
			})
			wg.Wait()
			switch {
			case claimErr == nil && errors.Is(refundErr, ledger.ErrRefundRefused):
				claims++
				if _, err := s.ConfirmClaim(ctx, "K01", claim.ID, claim.Expected(), noon); err != nil {
					t.Fatalf("race %d: %v", i, err)
				}
				chip = claim.Expected()
			case refundErr == nil && (errors.Is(claimErr, ledger.ErrNothingPending) || errors.Is(claimErr, ledger.ErrClaimInProgress)):
				refunds++
			default:
				t.Fatalf("race %d: claim %v, refund %v", i, claimErr, refundErr)
			}
		}
		if claims == 0 || refunds == 0 {
			t.Errorf("one side always won: %d claims, %d refunds", claims, refunds)
		}
		balance(t, s, p, 1250+ledger.Fen(100*claims), 0, 0)
		proven(t, s)
	})
}

func TestStore_Refund_Concurrent(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, tr := paid(t, s)
		var mu sync.Mutex
		var began []ledger.Refund
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				r, err := s.BeginRefund(ctx, p.ID, tr.ID, noon)
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					began = append(began, r)
				} else if !errors.Is(err, ledger.ErrRefundRefused) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if len(began) != 1 {
			t.Fatalf("%d of 20 requests began a refund, want 1", len(began))
		}
		for i := range 20 {
			wg.Go(func() {
				if _, err := s.SettleRefund(ctx, word(began[0], []string{"SUCCESS", "PROCESSING", "SUCCESS", "ABNORMAL"}[i%4]), noon); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		proven(t, s)
	})
}
