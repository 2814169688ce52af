package pay_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

func TestCreate(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, amount := range []ledger.Fen{-5000, 0, 99, 50001, 1 << 62} {
		if _, err := s.Create(t.Context(), student, amount, time.Minute); !errors.Is(err, pay.ErrAmount) {
			t.Errorf("amount %d: %v", amount, err)
		}
	}
	if len(s.books.orders) != 0 {
		t.Fatal("a refused amount left an order")
	}
	for _, amount := range []ledger.Fen{100, 50000} {
		o, err := s.Create(t.Context(), student, amount, 15*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`^XK20260302[A-Z2-7]{16}$`).MatchString(o.OutTradeNo) {
			t.Errorf("number %q", o.OutTradeNo)
		}
		if stored := s.books.order(o.OutTradeNo); stored != o || o.Amount != amount || o.PersonID != 7 || o.CardID != 70 || o.State != ledger.OrderCreated {
			t.Errorf("stored %+v, returned %+v", stored, o)
		}
	}
	if got := s.wx.took(); got != "" {
		t.Errorf("creating an order called WeChat Pay: %s", got)
	}
}

// Just after midnight in Beijing the number carries Beijing's day.
func TestCreate_BeijingDay(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.clock.t = time.Date(2026, 3, 2, 16, 0, 1, 0, time.UTC)
	if o := s.newOrder(t); !strings.HasPrefix(o.OutTradeNo, "XK20260303") {
		t.Errorf("number %q", o.OutTradeNo)
	}
}

func TestCallUp(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	p, err := s.CallUp(t.Context(), o, openID)
	if err != nil {
		t.Fatal(err)
	}
	var sent map[string]any
	json.Unmarshal([]byte(s.wx.bodies[0]), &sent)
	got, _ := json.Marshal(sent)
	want := `{"amount":{"currency":"CNY","total":5000},"appid":"` + appID + `","description":"校园卡充值","mchid":"` + mchID +
		`","notify_url":"https://card.example.edu.cn/wechatpay/notify","out_trade_no":"` + o.OutTradeNo +
		`","payer":{"openid":"` + openID + `"},"time_expire":"2026-03-02T12:15:00+08:00"}`
	if string(got) != want {
		t.Errorf("order call\n got %s\nwant %s", got, want)
	}

	if p.AppID != appID || p.TimeStamp != "1772424000" || p.Package != "prepay_id=wx"+o.OutTradeNo || p.SignType != "RSA" || len(p.NonceStr) != 32 {
		t.Errorf("call-up %+v", p)
	}
	sum := sha256.Sum256([]byte(p.AppID + "\n" + p.TimeStamp + "\n" + p.NonceStr + "\n" + p.Package + "\n"))
	sig, _ := base64.StdEncoding.DecodeString(p.PaySign)
	if err := rsa.VerifyPKCS1v15(&merchantKey().PublicKey, crypto.SHA256, sum[:], sig); err != nil {
		t.Errorf("paySign: %v", err)
	}
	wire, _ := json.Marshal(p)
	for _, field := range []string{`"appId"`, `"timeStamp"`, `"nonceStr"`, `"package"`, `"signType"`, `"paySign"`} {
		if !strings.Contains(string(wire), field) {
			t.Errorf("%s is missing in %s", field, wire)
		}
	}
}

func TestQR(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	url, err := s.QR(t.Context(), o)
	if err != nil || url != "weixin://wxpay/bizpayurl?pr="+o.OutTradeNo {
		t.Fatalf("%q, %v", url, err)
	}
	if strings.Contains(s.wx.bodies[0], "payer") {
		t.Errorf("a native order names a payer: %s", s.wx.bodies[0])
	}
}

func TestCallUp_ReusedWhileFresh(t *testing.T) {
	t.Parallel()
	s := open(t)
	o, err := s.Create(t.Context(), student, 5000, 5*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	call := func() {
		t.Helper()
		if _, err := s.CallUp(t.Context(), o, openID); err != nil {
			t.Fatal(err)
		}
	}
	call()
	s.clock.add(109 * time.Minute)
	call()
	if n := len(s.wx.bodies); n != 1 {
		t.Fatalf("%d order calls for a fresh prepay_id", n)
	}
	s.clock.add(2 * time.Minute)
	call()
	if len(s.wx.bodies) != 2 || s.wx.bodies[0] != s.wx.bodies[1] {
		t.Errorf("the repeat differs:\n%s", strings.Join(s.wx.bodies, ""))
	}
}

// Whatever becomes of the answer, the number and the parameters stay the same.
func TestCallUp_UnknownResult(t *testing.T) {
	t.Parallel()
	cases := map[string]canned{
		"SystemError":      apiError(500, "SYSTEM_ERROR"),
		"ExecutedThen500":  {status: 500, body: `{"code":"SYSTEM_ERROR"}`, after: true},
		"BadGatewayHTML":   {status: 502, body: "<html>", unsigned: true},
		"HungUp":           {hangUp: true},
		"ExecutedHungUp":   {hangUp: true, after: true},
		"Unsigned":         {unsigned: true, after: true},
		"SignedByStranger": {forged: true, after: true},
		"Redirect":         {status: 302, location: "http://127.0.0.1:1/", unsigned: true},
		"HugeAnswer":       {status: 200, body: `{"prepay_id":"` + strings.Repeat("x", 2<<20) + `"}`},
		"NoPrepayID":       {status: 200, body: `{}`},
	}
	for name, answer := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			o := s.newOrder(t)
			s.wx.fault("jsapi", answer)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatalf("one lost answer: %v", err)
			}
			if got, want := s.wx.took(), "jsapi "+o.OutTradeNo+", jsapi "+o.OutTradeNo; got != want {
				t.Errorf("calls %q, want %q", got, want)
			}
			for _, b := range s.wx.bodies {
				if b != s.wx.bodies[0] {
					t.Errorf("repeat differs:\n%s\n%s", s.wx.bodies[0], b)
				}
			}
			if len(s.wx.orders) != 1 {
				t.Errorf("%d numbers at WeChat Pay", len(s.wx.orders))
			}
		})
	}
	t.Run("Persistent", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		o := s.newOrder(t)
		answer := apiError(500, "SYSTEM_ERROR")
		answer.perpetual = true
		s.wx.fault("jsapi", answer)
		if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, pay.ErrTryLater) {
			t.Fatalf("got %v", err)
		}
		if n := strings.Count(s.wx.took(), "jsapi"); n != 2 {
			t.Errorf("%d calls in one request", n)
		}
		s.wx.heal()
		if _, err := s.CallUp(t.Context(), o, openID); err != nil {
			t.Fatal(err)
		}
		if got := s.wx.took(); got != "jsapi "+o.OutTradeNo {
			t.Errorf("calls %q", got)
		}
	})
}

func TestCallUp_Refusals(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer canned
		want   *pay.Error
	}{
		"Param":          {apiError(400, "PARAM_ERROR"), pay.ErrRefused},
		"OpenIDParam":    {canned{status: 400, body: `{"code":"PARAM_ERROR","detail":{"field":"/payer/openid"}}`, unsigned: true}, pay.ErrOpenID},
		"OpenIDMismatch": {apiError(500, "OPENID_MISMATCH"), pay.ErrOpenID},
		"NotBound":       {apiError(400, "APPID_MCHID_NOT_MATCH"), pay.ErrRefused},
		"Sign":           {apiError(401, "SIGN_ERROR"), pay.ErrRefused},
		"NoAuth":         {apiError(403, "NO_AUTH"), pay.ErrRefused},
		"NoAuthOldName":  {apiError(403, "NOAUTH"), pay.ErrRefused},
		"Rule":           {apiError(403, "RULELIMIT"), pay.ErrRefused},
		"Limited":        {apiError(429, "FREQUENCY_LIMITED"), pay.ErrTryLater},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			o := s.newOrder(t)
			s.wx.fault("jsapi", c.answer)
			if _, err := s.CallUp(t.Context(), o, openID); !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if got := s.wx.took(); got != "jsapi "+o.OutTradeNo {
				t.Errorf("calls %q: no repeat can help", got)
			}
			if strings.Contains(s.log.String(), openID) {
				t.Errorf("the log names the payer: %s", s.log)
			}
		})
	}
	t.Run("NoOpenID", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		o := s.newOrder(t)
		if _, err := s.CallUp(t.Context(), o, ""); !errors.Is(err, pay.ErrOpenID) {
			t.Fatalf("got %v", err)
		}
		if len(s.books.attempts) != 0 {
			t.Error("the order's own number was spent on nobody")
		}
	})
}

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
