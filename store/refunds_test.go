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

// A refund that somebody made on the merchant platform is taken over where the
// money is still here, and is a case in any event.
func TestStore_AdoptRefund(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	platform := func(status string, fen ledger.Fen) ledger.WxRefund {
		return ledger.WxRefund{OutRefundNo: "MP1", OutTradeNo: "XK1", WxRefundID: "50MP1", WxTransactionID: "42XK1", Status: status,
			Amount: fen, Total: 5000, CreateTime: noon, SuccessTime: noon, Source: "notify"}
	}
	for name, test := range map[string]func(t *testing.T, s *store.Store){
		"InFull": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			r, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon)
			if err != nil || r.State != ledger.RefundDone || r.Ours() {
				t.Fatalf("AdoptRefund = %+v, %v", r, err)
			}
			balance(t, s, p, 1250, 0, 0)
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"UnderWay": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			if _, err := s.AdoptRefund(ctx, platform("PROCESSING", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if _, err := s.SettleRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"InPart": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			r, err := s.AdoptRefund(ctx, platform("SUCCESS", 2000), noon)
			if err != nil || r.State != ledger.RefundAbnormal {
				t.Fatalf("AdoptRefund = %+v, %v", r, err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if _, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("the held transfer can be claimed: %v", err)
			}
		},
		"Claimed": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6250}, noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("err = %v", err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"WhileItIsWritten": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrConflict) {
				t.Errorf("err = %v", err)
			}
			balance(t, s, p, 1250, 0, 5000)
			if _, err := s.CancelClaim(ctx, "K01", c.ID, ledger.Chip{}, "card_removed", noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Errorf("heard again once nothing was written: %v", err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"BeforeThePayment": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			order(t, s, p, "XK1", 5000)
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrConflict) {
				t.Errorf("err = %v", err)
			}
			if _, err := s.SettleTopUp(ctx, payment("XK1", 5000), noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
			if c := onlyCase(t, s, "platform_refund"); !strings.HasSuffix(c.Detail, "the books follow") {
				t.Errorf("the case still says %q", c.Detail)
			}
			if _, err := s.AdoptRefund(ctx, ledger.WxRefund{OutRefundNo: "MP2", OutTradeNo: "XK1", Total: 5000, Amount: 1}, noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("a second one: %v", err)
			}
		},
		"BesidesOurs": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			begin(t, s, p, tr)
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("err = %v", err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				test(t, s)
				if got := kinds(proven(t, s)); !strings.Contains(got, "platform_refund") {
					t.Errorf("cases %q", got)
				}
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

// The check shares nothing with the acts: it finds what no act would do.
func TestStore_CheckLedger_Refunds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const done = `UPDATE transfers SET state = 'refunded' WHERE source_ref = 'XK1'`
	for name, c := range map[string]struct {
		success   bool
		statement string
		broken    int
	}{
		"RefundForgotten":       {true, `DELETE FROM refunds`, 6},
		"AmountChanged":         {true, `UPDATE refunds SET amount_fen = amount_fen - 1`, 6},
		"NoWeChatRefund":        {false, `UPDATE refunds SET state = 'refunded', wx_refund_id = '50', ended_at = 1`, 6},
		"TransferDoneUnbooked":  {false, done, 3},
		"TransferBackUnbooked":  {false, `UPDATE transfers SET state = 'pending' WHERE source_ref = 'XK1'`, 3},
		"OrderNotMarked":        {true, `UPDATE orders SET state = 'paid'`, 6},
		"AttemptNotMarked":      {true, `UPDATE attempts SET state = 'paid'`, 6},
		"BookedWithoutRefund":   {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('refund-post:X', 'refunding', 1, 'wx_clearing', 0, 1, 1)`, 6},
		"MoreThanWasHeld":       {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('refund-void:R1-XK1', 'refunding', 1, 'pending', 1, 5001, 1)`, 1},
		"SurplusWithoutARefund": {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('surplus:XK9', 'wx_clearing', 0, 'suspense', 0, 1, 1)`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.SQLite(t)
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			if c.success {
				hear(t, s, r, ledger.RefundDone, "SUCCESS")
			}
			proven(t, s)
			if err := s.Exec(ctx, c.statement); err != nil {
				t.Fatal(err)
			}
			report, err := s.CheckLedger(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.OK || report.Invariants[c.broken-1].OK {
				t.Errorf("the check passes: %+v", report.Invariants)
			}
		})
	}
}

func TestStore_Unclaimed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, tr := paid(t, s)
		got, err := s.Unclaimed(ctx, noon, noon)
		if err != nil || len(got) != 1 || got[0].Transfer != tr || got[0].StudentNo != p.StudentNo || got[0].Name != p.Name || got[0].CardNo != p.CardNo {
			t.Errorf("Unclaimed = %+v, %v", got, err)
		}
		if got, err := s.Unclaimed(ctx, noon.Add(-time.Second), noon); err != nil || len(got) != 0 {
			t.Errorf("younger than asked: %+v, %v", got, err)
		}
		begin(t, s, p, tr)
		if got, err := s.Unclaimed(ctx, noon, noon); err != nil || len(got) != 0 {
			t.Errorf("on its way back: %+v, %v", got, err)
		}
	})
}

func TestStore_Between(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, tr := paid(t, s)
		got, err := s.PaidBetween(ctx, noon, noon.Add(time.Second))
		if err != nil || len(got) != 1 || got[0].OutTradeNo != "XK1" || got[0].Amount != 5000 || got[0].WxTransactionID != "42XK1" || !got[0].PaidAt.Equal(noon) {
			t.Errorf("PaidBetween = %+v, %v", got, err)
		}
		if got, err := s.PaidBetween(ctx, noon.Add(-time.Hour), noon); err != nil || len(got) != 0 {
			t.Errorf("PaidBetween the hour before = %+v, %v", got, err)
		}
		r := begin(t, s, p, tr)
		if got, err := s.RefundsBetween(ctx, noon, noon.Add(time.Second)); err != nil || len(got) != 0 {
			t.Errorf("not accepted yet: %+v, %v", got, err)
		}
		hear(t, s, r, ledger.RefundProcessing, "PROCESSING")
		if got, err := s.RefundsBetween(ctx, noon, noon.Add(time.Second)); err != nil || len(got) != 1 {
			t.Errorf("RefundsBetween = %+v, %v", got, err)
		}
	})
}

// Payments that were taken before refunds existed: each gets the day it was
// paid on, and the one nobody needed goes back.
func TestStore_MigrateRefunds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, _ := paid(t, s)
		a := ledger.Attempt{OutTradeNo: "XK1-2", OrderNo: "XK1", N: 2, PersonID: p.ID, Amount: 5000, Channel: ledger.Native,
			AppID: "ww1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: noon}
		if err := s.CreateAttempt(ctx, a); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon); err != nil {
			t.Fatal(err)
		}
		if err := s.MigrateBack(ctx, 3); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := s.PaidBetween(ctx, noon, noon.Add(time.Second))
		if err != nil || len(got) != 2 {
			t.Errorf("PaidBetween = %+v, %v; want both payments", got, err)
		}
		due, err := s.DueRefunds(ctx, noon, 10)
		if err != nil || len(due) != 1 || due[0].OutRefundNo != "R1-XK1-2" || !due[0].Ours() {
			t.Errorf("DueRefunds = %+v, %v", due, err)
		}
		proven(t, s)
	})
}
