package pay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// What differs from our order is never credited; a person looks at it.
func TestNotify_Mismatch(t *testing.T) {
	t.Parallel()
	cases := map[string]func(map[string]any){
		"OneFenMore":      func(tx map[string]any) { tx["amount"] = map[string]any{"total": 5001, "currency": "CNY"} },
		"OneFenLess":      func(tx map[string]any) { tx["amount"] = map[string]any{"total": 4999, "currency": "CNY"} },
		"NoAmount":        func(tx map[string]any) { delete(tx, "amount") },
		"PayerTotalOnly":  func(tx map[string]any) { tx["amount"] = map[string]any{"payer_total": 5000, "currency": "CNY"} },
		"Currency":        func(tx map[string]any) { tx["amount"] = map[string]any{"total": 5000, "currency": "USD"} },
		"NoCurrency":      func(tx map[string]any) { tx["amount"] = map[string]any{"total": 5000} },
		"Merchant":        func(tx map[string]any) { tx["mchid"] = "1900000002" },
		"App":             func(tx map[string]any) { tx["appid"] = "wx0123456789abcdef" },
		"NotPaid":         func(tx map[string]any) { tx["trade_state"] = "NOTPAY" },
		"Refunded":        func(tx map[string]any) { tx["trade_state"] = "REFUND" },
		"NoState":         func(tx map[string]any) { delete(tx, "trade_state") },
		"NoTransactionID": func(tx map[string]any) { delete(tx, "transaction_id") },
		"NoNumber":        func(tx map[string]any) { delete(tx, "out_trade_no") },
	}
	for name, change := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := ordered(t)
			tx := transaction(o.OutTradeNo, 5000, s.clock.now())
			change(tx)
			for range 2 {
				if status, _ := s.deliver(notice(tx)); status != 200 {
					t.Errorf("status %d", status)
				}
			}
			if got := fmt.Sprint(s.books.caseKinds()); len(s.books.credits) != 0 || got != "[payment_mismatch]" {
				t.Errorf("credits %v, cases %s", s.books.credits, got)
			}
			if c := fmt.Sprint(s.books.cases); strings.Contains(c, openID) {
				t.Errorf("the case names the payer: %s", c)
			}
		})
	}
}

func TestNotify_UnknownOrder(t *testing.T) {
	t.Parallel()
	const fresh = "XK20260302ABCDEFGHIJKLMNOP"
	cases := []struct {
		name, number string
		paidAgo      time.Duration
		status       int
		cases        string
	}{
		{"OursJustNow", fresh, time.Second, 500, "[]"},
		{"OursLaterAttempt", fresh + "-2", time.Minute, 500, "[]"},
		{"OursOfYesterday", "XK20260301ABCDEFGHIJKLMNOP", time.Second, 500, "[]"},
		{"OursLongAgo", fresh, 5 * time.Minute, 200, "[unknown_order]"},
		{"OursOfLastYear", "XK20250302ABCDEFGHIJKLMNOP", time.Second, 200, "[unknown_order]"},
		{"AnotherSystem", "CC20260302000001", time.Second, 200, "[unknown_order]"},
		{"NearlyOurs", "XK20260302abcdefghijklmnop", time.Second, 200, "[unknown_order]"},
		{"NoDay", "XK20261399ABCDEFGHIJKLMNOP", time.Second, 200, "[unknown_order]"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			tx := transaction(c.number, 5000, s.clock.now().Add(-c.paidAgo))
			if status, _ := s.deliver(notice(tx)); status != c.status || fmt.Sprint(s.books.caseKinds()) != c.cases {
				t.Errorf("%d, cases %v", status, s.books.caseKinds())
			}
		})
	}
}

// The notice came before the row could be seen: WeChat Pay's repeat settles it.
func TestNotify_BeforeTheRow(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	hidden := s.books.attempts
	s.books.attempts = nil
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	if status, _ := s.deliver(body); status != 500 {
		t.Fatalf("status %d", status)
	}
	s.books.attempts = hidden
	s.clock.add(15 * time.Second)
	if status, _ := s.deliver(body); status != 204 || s.books.credits[o.OutTradeNo] != 1 {
		t.Errorf("%d, credits %v", status, s.books.credits)
	}
}

func TestNotify_StoreFails(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	s.books.fail = errors.New("disk full at /var/lib")
	if status, answer := s.deliver(body); status != 500 || answer != `{"code":"FAIL","message":"失败"}` {
		t.Fatalf("%d %s", status, answer)
	}
	s.books.fail = nil
	if status, _ := s.deliver(body); status != 204 {
		t.Errorf("the repeat: %d", status)
	}
}

// Both numbers of one order get paid: one credit, the other is set aside.
func TestNotify_PaidTwice(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	if _, err := s.QR(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	for i, number := range []string{o.OutTradeNo + "-2", o.OutTradeNo} {
		s.books.attempts[1-i].State = ledger.AttemptOpen // paid in spite of the close
		tx := transaction(number, 5000, s.clock.now())
		tx["transaction_id"] = fmt.Sprintf("42000000012026030200000000%02d", i)
		if status, _ := s.deliver(notice(tx)); status != 204-4*i {
			t.Errorf("%s: %d", number, status)
		}
	}
	if s.books.credits[o.OutTradeNo] != 1 || len(s.books.settled) != 2 || !strings.Contains(s.log.String(), "to be refunded") {
		t.Errorf("credits %v, %d settled", s.books.credits, len(s.books.settled))
	}
}
