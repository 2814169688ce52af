package pay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

// tick lets the periodic job run every 30 seconds for d.
func (s *shop) tick(t testing.TB, d time.Duration) {
	t.Helper()
	for range int(d / (30 * time.Second)) {
		s.clock.add(30 * time.Second)
		if err := s.Poll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// The notification never comes: whenever the payer pays, the order is settled
// within two minutes, once.
func TestPoll_LostNotification(t *testing.T) {
	t.Parallel()
	for _, paidAt := range []time.Duration{time.Second, time.Minute, 3 * time.Minute, 5*time.Minute + 7*time.Second, 9 * time.Minute, 14 * time.Minute} {
		t.Run(paidAt.String(), func(t *testing.T) {
			t.Parallel()
			s := open(t)
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.tick(t, paidAt)
			s.clock.add(paidAt % (30 * time.Second))
			s.wx.pay(o.OutTradeNo)
			s.tick(t, 2*time.Minute)
			if got := s.books.credits[o.OutTradeNo]; got != 1 {
				t.Fatalf("%d credits two minutes after the payment", got)
			}
			p := s.books.settled[0]
			if p.Source != "query" || p.Total != 5000 || p.Currency != "CNY" || p.MchID != mchID || p.TradeType != "JSAPI" || p.OpenID != openID || p.SuccessTime.IsZero() {
				t.Errorf("settled %+v", p)
			}
			s.wx.took()
			s.tick(t, 20*time.Minute)
			if got := s.wx.took(); got != "" {
				t.Errorf("a settled order is asked about: %s", got)
			}
		})
	}
}

func TestPoll_AsksInMeasure(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.QR(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.tick(t, 14*time.Minute)
	if n := strings.Count(s.wx.took(), "query"); n < 8 || n > 14 {
		t.Errorf("%d queries in 14 minutes", n)
	}
}

func TestPoll_Expired(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	n := o.OutTradeNo
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.clock.add(15 * time.Minute)
	s.wx.took()
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, want := s.wx.took(), "query "+n+", close "+n+", query "+n; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
	if s.books.state(n) != ledger.AttemptClosed || s.books.order(n).State != ledger.OrderClosed {
		t.Errorf("attempt %s, order %s", s.books.state(n), s.books.order(n).State)
	}
	s.tick(t, time.Minute)
	if got := s.wx.took(); got != "" {
		t.Errorf("a closed order is asked about: %s", got)
	}
}

// The payer confirms while we close: the money wins.
func TestPoll_PaidWhileClosing(t *testing.T) {
	t.Parallel()
	closeAnswers := map[string][]canned{
		"PaidBefore":     {apiError(400, "ORDERPAID")},
		"PayerIsTyping":  {{status: 202, body: "{}"}},
		"Busy":           {apiError(429, "FREQUENCY_LIMITED")},
		"ServerError":    {apiError(500, "SYSTEM_ERROR")},
		"AnswerUnsigned": {{status: 204, unsigned: true}},
	}
	for name, answers := range closeAnswers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.clock.add(15 * time.Minute)
			s.wx.fault("close", answers...)
			if err := s.Poll(t.Context()); err != nil {
				t.Fatal(err)
			}
			if got := s.books.state(o.OutTradeNo); got != ledger.AttemptClosing {
				t.Fatalf("attempt is %s though nobody said that it is closed", got)
			}
			s.wx.pay(o.OutTradeNo)
			s.tick(t, time.Minute)
			if s.books.credits[o.OutTradeNo] != 1 || s.books.order(o.OutTradeNo).State != ledger.OrderPaid {
				t.Errorf("credits %v, order %s", s.books.credits, s.books.order(o.OutTradeNo).State)
			}
		})
	}
}

// WeChat Pay says 204 and still takes the payment: the second query finds it.
func TestPoll_PaidAfterClose(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.clock.add(15 * time.Minute)
	s.wx.fault("close", canned{status: 204})
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.books.state(o.OutTradeNo); got != ledger.AttemptClosing {
		t.Fatalf("closed on the word of a 204: %s", got)
	}
	s.wx.pay(o.OutTradeNo)
	s.tick(t, 30*time.Second)
	if s.books.credits[o.OutTradeNo] != 1 {
		t.Error("not credited")
	}
}

// A 404 about a number that was ordered proves nothing.
func TestPoll_OrderedNumberMissing(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.clock.add(15 * time.Minute)
	s.wx.fault("query", apiError(404, "ORDER_NOT_EXIST"), apiError(404, "ORDERNOTEXIST"))
	s.wx.fault("close", canned{status: 204})
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.books.state(o.OutTradeNo); got != ledger.AttemptClosing {
		t.Errorf("attempt is %s", got)
	}
}

// The order call never reached WeChat Pay: at its end the number is burnt.
func TestPoll_NeverOrdered(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	s.wx.fault("jsapi", canned{hangUp: true}, canned{hangUp: true})
	if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, pay.ErrTryLater) {
		t.Fatal(err)
	}
	s.tick(t, 14*time.Minute)
	if got := s.books.state(o.OutTradeNo); got != ledger.AttemptCreated {
		t.Fatalf("attempt is %s before its time", got)
	}
	s.tick(t, 90*time.Second)
	if s.books.state(o.OutTradeNo) != ledger.AttemptClosed || !s.wx.burnt[o.OutTradeNo] || s.books.order(o.OutTradeNo).State != ledger.OrderClosed {
		t.Errorf("attempt %s, burnt %v", s.books.state(o.OutTradeNo), s.wx.burnt)
	}
}

// Refunded by hand on the merchant platform before we knew: never credited.
func TestPoll_RefundedElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.wx.orders[o.OutTradeNo].state = "REFUND"
	s.clock.add(15 * time.Minute)
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.books.caseKinds()); len(s.books.credits) != 0 || got != "[refunded_elsewhere]" || s.books.state(o.OutTradeNo) != ledger.AttemptClosed {
		t.Errorf("credits %v, cases %s, attempt %s", s.books.credits, got, s.books.state(o.OutTradeNo))
	}
}

// An answer about another number, rightly signed, is no answer.
func TestAsk_AnswerAboutAnotherNumber(t *testing.T) {
	t.Parallel()
	s := open(t)
	a, b := s.newOrder(t), s.newOrder(t)
	for _, o := range []ledger.Order{a, b} {
		if _, err := s.QR(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	s.wx.pay(a.OutTradeNo)
	_, answer := s.wx.act("query", a.OutTradeNo, nil)
	s.wx.fault("query", canned{status: 200, body: answer})
	if _, err := s.CallUp(t.Context(), b, openID); !errors.Is(err, pay.ErrTryLater) {
		t.Errorf("got %v", err)
	}
	if len(s.books.credits) != 0 {
		t.Errorf("credits %v", s.books.credits)
	}
}

func TestPoll_WeChatPayDown(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 60 {
		if _, err := s.QR(t.Context(), s.newOrder(t)); err != nil {
			t.Fatal(err)
		}
	}
	s.clock.add(30 * time.Second)
	s.wx.took()
	s.wx.fault("query", canned{status: 502, body: "<html>", unsigned: true, perpetual: true})
	s.wx.delay = 2 * time.Millisecond
	if err := s.Poll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(s.wx.took(), "query"); n < 8 || n > 12 {
		t.Errorf("%d calls to a dead service in one round", n)
	}
	if s.wx.peak > 4 {
		t.Errorf("%d calls at a time", s.wx.peak)
	}
	s.wx.heal()
	for number := range s.wx.orders {
		s.wx.pay(number)
	}
	s.tick(t, time.Minute)
	if len(s.books.credits) != 60 {
		t.Errorf("%d of 60 settled once it is back", len(s.books.credits))
	}
}

func TestAsk(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.wx.took()
	s.wx.pay(o.OutTradeNo)
	for range 3 {
		if err := s.Ask(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.wx.took(); got != "query "+o.OutTradeNo {
		t.Errorf("three calls of an impatient page asked %q", got)
	}
	if s.books.order(o.OutTradeNo).State != ledger.OrderPaid {
		t.Error("not settled")
	}

	late := s.newOrder(t)
	s.clock.add(20 * time.Minute)
	if err := s.Ask(t.Context(), late); err != nil {
		t.Fatal(err)
	}
	if s.books.order(late.OutTradeNo).State != ledger.OrderClosed {
		t.Error("an expired order that nobody tried to pay stays open")
	}
}
