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
