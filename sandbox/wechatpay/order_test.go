package wechatpay

import (
	"context"
	"encoding/json"
	"errors"
	mathrand "math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, china)

// place orders by raw body and returns the outcome with the prepay_id.
func (m *merchant) place(tradeType string, changes map[string]any) (answered, string) {
	m.t.Helper()
	a := m.call(http.MethodPost, "/v3/pay/transactions/"+tradeType, m.orderBody(changes))
	var got struct {
		PrepayID string `json:"prepay_id"`
		CodeURL  string `json:"code_url"`
	}
	if err := json.Unmarshal(a.body, &got); err != nil {
		m.t.Fatal(err)
	}
	return a, got.PrepayID + got.CodeURL
}

func TestReentry(t *testing.T) {
	t.Parallel()
	const number = "CC20260101000001"
	expiring := map[string]any{"time_expire": "2026-01-01T12:15:00+08:00"}
	differ := func(pairs ...any) map[string]any {
		changes := map[string]any{"time_expire": "2026-01-01T12:15:00+08:00"}
		for i := 0; i < len(pairs); i += 2 {
			changes[pairs[i].(string)] = pairs[i+1]
		}
		return changes
	}
	for _, tc := range []struct {
		name   string
		before func(m *merchant, c *clock)
		again  map[string]any
		native bool
		status int
		code   string
	}{
		{name: "Same", again: expiring, status: 200},
		{name: "SameInstantInUTC", again: differ("time_expire", "2026-01-01T04:15:00Z"), status: 200},
		{name: "OtherAmount", again: differ("amount.total", 5001), status: 400, code: "INVALID_REQUEST"},
		{name: "OtherOpenID", again: differ("payer.openid", "oOther"), status: 400, code: "INVALID_REQUEST"},
		{name: "OtherDescription", again: differ("description", "饭卡充值"), status: 400, code: "INVALID_REQUEST"},
		{name: "OtherExpiry", again: differ("time_expire", "2026-01-01T12:16:00+08:00"), status: 400, code: "INVALID_REQUEST"},
		{name: "OtherType", again: differ("payer", nil), native: true, status: 400, code: "INVALID_REQUEST"},
		{name: "Expired", before: func(_ *merchant, c *clock) { c.Add(15 * time.Minute) }, again: expiring, status: 400, code: "INVALID_REQUEST"},
		{name: "Paid", before: func(m *merchant, _ *clock) { m.mustPay(number) }, again: expiring, status: 400, code: "ORDERPAID"},
		{name: "PaidAndDifferent", before: func(m *merchant, _ *clock) { m.mustPay(number) }, again: differ("amount.total", 1), status: 400, code: "ORDERPAID"},
		{name: "Closed", before: func(m *merchant, _ *clock) {
			m.call(http.MethodPost, "/v3/pay/transactions/out-trade-no/"+number+"/close", `{"mchid":"1900000001"}`)
		}, again: expiring, status: 400, code: "ORDER_CLOSED"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: noon}
			m := newMerchant(t, Config{Now: c.Now})
			first, id := m.place("jsapi", expiring)
			if first.status != 200 {
				t.Fatal(first.status)
			}
			if tc.before != nil {
				tc.before(m, c)
			}
			kind := "jsapi"
			if tc.native {
				kind = "native"
			}
			again, sameID := m.place(kind, tc.again)
			if again.status != tc.status || again.Code != tc.code {
				t.Fatalf("%d %s, want %d %s", again.status, again.Code, tc.status, tc.code)
			}
			if tc.code == "" && sameID != id {
				t.Errorf("prepay_id %s became %s", id, sameID)
			}
			if len(m.Orders()) != 1 {
				t.Errorf("%d orders", len(m.Orders()))
			}
		})
	}
}

func (m *merchant) mustPay(number string) {
	m.t.Helper()
	if _, err := m.Pay(m.t.Context(), number, "", PayOptions{Wait: true}); err != nil {
		m.t.Fatal(err)
	}
}

// TestExpiry: time_expire is moved into WeChat Pay's limits, blocks payment and leaves the order NOTPAY.
func TestExpiry(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, expire string
		want         time.Duration
	}{
		{"Absent", "", 7 * 24 * time.Hour},
		{"Given", "2026-01-01T12:15:00+08:00", 15 * time.Minute},
		{"TooSoon", "2026-01-01T12:00:30+08:00", time.Minute},
		{"Past", "2025-01-01T12:00:00+08:00", time.Minute},
		{"TooLate", "2027-01-01T12:00:00+08:00", 90 * 24 * time.Hour},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: noon}
			m := newMerchant(t, Config{Now: c.Now})
			changes := map[string]any{"time_expire": tc.expire}
			if tc.expire == "" {
				changes = nil
			}
			if a, _ := m.place("jsapi", changes); a.status != 200 {
				t.Fatal(a.status, a.Code)
			}
			o, _ := m.Order("CC20260101000001")
			if got := o.ExpiresAt.Sub(noon); got != tc.want {
				t.Fatalf("expires after %v, want %v", got, tc.want)
			}
			c.Add(tc.want)
			if _, err := m.Pay(t.Context(), o.OutTradeNo, "", PayOptions{}); !errors.Is(err, ErrNotPayable) {
				t.Errorf("pay an expired order: %v", err)
			}
			if o, _ := m.Order(o.OutTradeNo); o.State != "NOTPAY" {
				t.Errorf("state %s", o.State)
			}
		})
	}
}

// TestPrepayLife: two hours, then the same order gives a fresh one.
func TestPrepayLife(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"jsapi", "native"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: noon}
			m := newMerchant(t, Config{Now: c.Now})
			changes := map[string]any{}
			pay := func(id string) error {
				_, err := m.Pay(t.Context(), id, "oPayer", PayOptions{})
				return err
			}
			if kind == "native" {
				changes["payer"] = nil
				pay = func(id string) error {
					_, err := m.PayCodeURL(t.Context(), id, "oPayer", PayOptions{})
					return err
				}
			}
			_, old := m.place(kind, changes)
			c.Add(2*time.Hour - time.Second)
			if _, same := m.place(kind, changes); same != old {
				t.Error("replaced before its time")
			}
			c.Add(time.Second)
			if err := pay(old); !errors.Is(err, ErrPrepayExpired) {
				t.Errorf("pay with an old one: %v", err)
			}
			_, fresh := m.place(kind, changes)
			if fresh == old {
				t.Error("not replaced")
			}
			if err := pay(old); !errors.Is(err, ErrPrepayExpired) {
				t.Errorf("pay with the replaced one: %v", err)
			}
			if err := pay(fresh); err != nil {
				t.Error(err)
			}
			if o, ok := m.OrderByPrepayID(fresh); kind == "jsapi" && (!ok || o.State != "SUCCESS") {
				t.Errorf("order by prepay_id %+v", o)
			}
			if o, ok := m.OrderByCodeURL(old); kind == "native" && (!ok || o.State != "SUCCESS") {
				t.Errorf("order by code_url %+v", o)
			}
		})
	}
}

func TestPaySign(t *testing.T) {
	t.Parallel()
	c := &clock{now: noon}
	m := newMerchant(t, Config{Now: c.Now})
	prepay := m.prepay()
	good := BridgeParams{AppID: m.AppID(), TimeStamp: "1767240000", NonceStr: "n", Package: "prepay_id=" + prepay, SignType: "RSA"}
	for _, tc := range []struct {
		name   string
		before func(*BridgeParams) // signing
		after  func(*BridgeParams)
		age    time.Duration
		want   error
	}{
		{name: "Good"},
		{name: "OtherAppID", before: func(p *BridgeParams) { p.AppID = "wx1" }, want: ErrBadPaySign},
		{name: "Milliseconds", before: func(p *BridgeParams) { p.TimeStamp = "1767240000000" }, want: ErrBadPaySign},
		{name: "LongNonce", before: func(p *BridgeParams) { p.NonceStr = strings.Repeat("n", 33) }, want: ErrBadPaySign},
		{name: "MD5", after: func(p *BridgeParams) { p.SignType = "MD5" }, want: ErrBadPaySign},
		{name: "NoPrefix", before: func(p *BridgeParams) { p.Package = prepay }, want: ErrBadPaySign},
		{name: "ChangedNonce", after: func(p *BridgeParams) { p.NonceStr = "m" }, want: ErrBadPaySign},
		{name: "NoSignature", after: func(p *BridgeParams) { p.PaySign = "" }, want: ErrBadPaySign},
		{name: "UnknownPrepay", before: func(p *BridgeParams) { p.Package = "prepay_id=wx1" }, want: ErrUnknownOrder},
		{name: "OldPrepay", age: 2 * time.Hour, want: ErrPrepayExpired},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p := good
			if tc.before != nil {
				tc.before(&p)
			}
			signature, err := utils.SignSHA256WithRSA(p.AppID+"\n"+p.TimeStamp+"\n"+p.NonceStr+"\n"+p.Package+"\n", m.privateKey())
			if err != nil {
				t.Fatal(err)
			}
			p.PaySign = signature
			if tc.after != nil {
				tc.after(&p)
			}
			c.Add(tc.age)
			if err := m.PaySignOK(p); !errors.Is(err, tc.want) {
				t.Errorf("%v, want %v", err, tc.want)
			}
		})
	}
}

func (m *merchant) prepay() string {
	m.t.Helper()
	a, id := m.place("jsapi", nil)
	if a.status != 200 {
		m.t.Fatal(a.status, a.Code)
	}
	return id
}

func TestPay(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	prepay := m.order("PAY0001")
	for _, tc := range []struct {
		name, id, openID string
		opt              PayOptions
		want             error
	}{
		{"Unknown", "PAY0002", "oPayer", PayOptions{}, ErrUnknownOrder},
		{"OtherPayer", prepay, "oOther", PayOptions{}, ErrWrongPayer},
		{"OverTotal", prepay, "oPayer", PayOptions{PayerTotal: 5001}, ErrBadAmount},
		{"Negative", prepay, "oPayer", PayOptions{PayerTotal: -1}, ErrBadAmount},
		{"Good", "PAY0001", "", PayOptions{}, nil},
		{"Twice", prepay, "oPayer", PayOptions{}, ErrNotPayable},
		{"TwiceLate", prepay, "oPayer", PayOptions{Late: true}, ErrNotPayable},
	} {
		if _, err := m.Pay(t.Context(), tc.id, tc.openID, tc.opt); !errors.Is(err, tc.want) {
			t.Errorf("%s: %v, want %v", tc.name, err, tc.want)
		}
	}
	if o, _ := m.Order("PAY0001"); o.PayerOpenID != "oPayer" || o.PayerTotalFen != 5000 {
		t.Errorf("%+v", o)
	}
	if err := m.Cancel(prepay); err != nil {
		t.Error(err)
	}
	if err := m.Cancel("PAY0002"); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("cancel nothing: %v", err)
	}
}

func TestClockOffset(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.SetClockOffset(6 * time.Minute)
	r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
	m.sign(r, time.Now(), "")
	if a := m.do(r); a.status != 401 {
		t.Errorf("a merchant six minutes late: %d", a.status)
	}
}

// TestDeterminism: the same seed makes the same numbers.
func TestDeterminism(t *testing.T) {
	t.Parallel()
	var ids [2]string
	for i := range ids {
		c := &clock{now: noon}
		m := newMerchant(t, Config{Now: c.Now, Rand: mathrand.NewChaCha8([32]byte{1})})
		_, prepay := m.place("jsapi", nil)
		id, err := m.Pay(t.Context(), prepay, "", PayOptions{})
		if err != nil {
			t.Fatal(err)
		}
		ids[i] = m.APIv3Key() + prepay + id
	}
	if ids[0] != ids[1] {
		t.Errorf("%s\n%s", ids[0], ids[1])
	}
}

func TestConfig(t *testing.T) {
	t.Parallel()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]Config{
		"ShortKey": {APIv3Key: "abc"}, "KeyAlphabet": {APIv3Key: strings.Repeat("-", 32)}, "Scale": {TimeScale: -1}, "Delay": {RefundDelay: -1},
	} {
		cfg.Keys = keys
		if _, err := New(cfg); err == nil {
			t.Errorf("%s accepted", name)
		}
	}
	s, err := New(Config{})
	if err != nil {
		t.Fatal(err)
	}
	if s.MchID() == "" || s.AppID() == "" || len(s.APIv3Key()) != 32 || len(s.SerialNo()) != 40 || !strings.HasPrefix(s.PublicKeyID(), "PUB_KEY_ID_") {
		t.Errorf("zero configuration: %s %s %s", s.MchID(), s.SerialNo(), s.PublicKeyID())
	}
	if err := s.Close(context.Background()); err != nil {
		t.Error(err)
	}
}
