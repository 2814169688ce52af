package pay_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

func TestChangeOfChannel(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	first, second, third := o.OutTradeNo, o.OutTradeNo+"-2", o.OutTradeNo+"-3"
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.wx.took()
	if _, err := s.QR(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	if got, want := s.wx.took(), "query "+first+", close "+first+", query "+first+", native "+second; got != want {
		t.Errorf("calls\n got %s\nwant %s", got, want)
	}
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	if got, want := s.wx.took(), "query "+second+", close "+second+", query "+second+", jsapi "+third; got != want {
		t.Errorf("calls\n got %s\nwant %s", got, want)
	}
	if s.books.state(first) != ledger.AttemptClosed || s.books.state(second) != ledger.AttemptClosed || s.books.state(third) != ledger.AttemptOpen {
		t.Errorf("states %s, %s, %s", s.books.state(first), s.books.state(second), s.books.state(third))
	}
}

// The member was bound to another WeChat meanwhile: the number is tied to the
// first payer.
func TestChangeOfPayer(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	for _, payer := range []string{openID, "oPayerTwo"} {
		if _, err := s.CallUp(t.Context(), o, payer); err != nil {
			t.Fatal(err)
		}
	}
	if s.wx.orders[o.OutTradeNo].state != "CLOSED" || !strings.Contains(s.wx.bodies[1], "oPayerTwo") {
		t.Errorf("%s\n%s", s.wx.took(), s.wx.bodies)
	}
}

func TestChangeOfChannel_WhilePaying(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]canned{
		"202": {status: 202, body: `{"code":"USERPAYING"}`},
		"400": apiError(400, "USER_PAYING"),
		"429": apiError(429, "FREQUENCY_LIMITED"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.wx.fault("close", answer)
			s.wx.took()
			if _, err := s.QR(t.Context(), o); !errors.Is(err, pay.ErrPaying) {
				t.Fatalf("got %v", err)
			}
			if got, want := s.wx.took(), "query "+o.OutTradeNo+", close "+o.OutTradeNo; got != want {
				t.Errorf("calls %q, want %q: do not hammer", got, want)
			}
			if len(s.wx.orders) != 1 {
				t.Fatal("a second payable number while the first is being paid")
			}
			s.wx.pay(o.OutTradeNo)
			if _, err := s.QR(t.Context(), o); !errors.Is(err, pay.ErrPaid) {
				t.Fatalf("got %v", err)
			}
			if s.books.credits[o.OutTradeNo] != 1 {
				t.Errorf("credits %v", s.books.credits)
			}
		})
	}
}

// A number that WeChat Pay refuses to order again is asked about before the
// next one is used.
func TestCallUp_NumberUsed(t *testing.T) {
	t.Parallel()
	t.Run("Paid", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		o := s.newOrder(t)
		lost := canned{hangUp: true, after: true, perpetual: true}
		s.wx.fault("jsapi", lost)
		if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, pay.ErrTryLater) {
			t.Fatal(err)
		}
		s.wx.heal()
		s.wx.pay(o.OutTradeNo) // by the call-up of another device
		if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, pay.ErrPaid) {
			t.Fatalf("got %v", err)
		}
		if s.books.credits[o.OutTradeNo] != 1 {
			t.Errorf("credits %v", s.books.credits)
		}
	})
	t.Run("OtherParameters", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		o := s.newOrder(t)
		s.wx.orders[o.OutTradeNo] = &wxOrder{request: "under another notify address", total: 5000, state: "NOTPAY"}
		if _, err := s.CallUp(t.Context(), o, openID); err != nil {
			t.Fatal(err)
		}
		if s.wx.orders[o.OutTradeNo].state != "CLOSED" || s.wx.orders[o.OutTradeNo+"-2"] == nil {
			t.Errorf("%s", s.wx.took())
		}
	})
	t.Run("ForEver", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		o := s.newOrder(t)
		answer := apiError(400, "INVALID_REQUEST")
		answer.perpetual = true
		s.wx.fault("jsapi", answer)
		var err error
		for range 30 {
			if _, err = s.CallUp(t.Context(), o, openID); err == nil {
				t.Fatal("no error")
			}
		}
		if !errors.Is(err, pay.ErrRefused) || len(s.books.attempts) > 20 {
			t.Errorf("%d numbers, %v", len(s.books.attempts), err)
		}
	})
}

func TestCallUp_ExpiredOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.wx.took()
	s.clock.add(15 * time.Minute)
	if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, pay.ErrClosed) {
		t.Fatalf("got %v", err)
	}
	n := o.OutTradeNo
	if got, want := s.wx.took(), "query "+n+", close "+n+", query "+n; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
	if s.books.order(n).State != ledger.OrderClosed {
		t.Errorf("order %s", s.books.order(n).State)
	}
}

func TestCallUp_EndedOrder(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	for state, want := range map[ledger.OrderState]*pay.Error{
		ledger.OrderPaid: pay.ErrPaid, ledger.OrderRefunded: pay.ErrPaid, ledger.OrderClosed: pay.ErrClosed,
	} {
		o.State = state
		if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, want) {
			t.Errorf("%s: %v", state, err)
		}
	}
	if got := s.wx.took(); got != "" {
		t.Errorf("called %s", got)
	}
}

// Two devices ask at once: whoever writes the row, nobody sees an error, and
// one number is ordered.
func TestCallUp_TwoAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	errs := make(chan error)
	for range 8 {
		go func() {
			_, err := s.CallUp(t.Context(), o, openID)
			errs <- err
		}()
	}
	for range 8 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if len(s.wx.orders) != 1 || len(s.books.attempts) != 1 {
		t.Errorf("%d numbers, %d rows", len(s.wx.orders), len(s.books.attempts))
	}
}

// A prepay answer that comes while the number is being closed is not handed out.
func TestCallUp_ClosingMeanwhile(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	done := make(chan error)
	s.wx.delay = 100 * time.Millisecond
	go func() {
		_, err := s.CallUp(t.Context(), o, openID)
		done <- err
	}()
	for s.books.state(o.OutTradeNo) != ledger.AttemptCreated {
		time.Sleep(time.Millisecond)
	}
	s.books.MarkAttempt(t.Context(), o.OutTradeNo, ledger.AttemptClosing, s.clock.now())
	if err := <-done; !errors.Is(err, pay.ErrPaying) {
		t.Errorf("got %v", err)
	}
}

func TestErrorCodes(t *testing.T) {
	t.Parallel()
	var err error = pay.ErrOpenID
	var coded interface{ Code() string }
	if !errors.As(err, &coded) || coded.Code() != "no_openid" {
		t.Errorf("%v", err)
	}
}
