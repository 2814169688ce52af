package pay_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

// notice is the body of a payment notification around a transaction.
func notice(transaction map[string]any) []byte {
	plain, _ := json.Marshal(transaction)
	return envelope("TRANSACTION.SUCCESS", map[string]any{
		"original_type": "transaction", "algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction",
		"nonce": "61f9c719728a", "ciphertext": seal(apiV3Key, "61f9c719728a", "transaction", string(plain)),
	})
}

func envelope(event string, resource any) []byte {
	body, _ := json.Marshal(map[string]any{
		"id": "EV-2018022511223320873", "create_time": "2026-03-02T12:00:01+08:00", "resource_type": "encrypt-resource",
		"event_type": event, "summary": "支付成功", "resource": resource,
	})
	return body
}

// post delivers a notice and gives status and body of the answer.
func (s *shop) post(h http.Header, body []byte) (int, string) {
	r := httptest.NewRequest("POST", "/wechatpay/notify", bytes.NewReader(body))
	maps.Copy(r.Header, h)
	if host := h.Get("Host"); host != "" {
		r.Host = host
	}
	w := httptest.NewRecorder()
	s.Notify().ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

func (s *shop) deliver(body []byte) (int, string) {
	return s.post(platformHeader(platformKey(), keyID, s.clock.now(), body), body)
}

// ordered gives a shop with one order that waits at WeChat Pay.
func ordered(t testing.TB, change ...func(*pay.Config)) (*shop, ledger.Order) {
	t.Helper()
	s := open(t, change...)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	return s, o
}

func TestNotify(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	tx := transaction(o.OutTradeNo, 5000, s.clock.now())
	tx["amount"].(map[string]any)["payer_total"] = 4990 // a coupon
	tx["promotion_detail"] = []any{map[string]any{"coupon_id": "109519", "amount": 10}}
	tx["from_the_future"] = map[string]any{"x": 1}
	for i := range 3 {
		if status, body := s.deliver(notice(tx)); status != 204 || body != "" {
			t.Fatalf("delivery %d: %d %s", i, status, body)
		}
	}
	if s.books.credits[o.OutTradeNo] != 1 {
		t.Errorf("credits %v", s.books.credits)
	}
	p := s.books.settled[0]
	want := ledger.Payment{
		OutTradeNo: o.OutTradeNo, WxTransactionID: "4200000001202603020000000001", MchID: mchID, AppID: appID, TradeType: "JSAPI",
		TradeState: "SUCCESS", Currency: "CNY", Total: 5000, OpenID: openID, SuccessTime: p.SuccessTime, Source: "notify",
	}
	if p != want || !p.SuccessTime.Equal(s.clock.now()) {
		t.Errorf("settled\n got %+v\nwant %+v", p, want)
	}
	if strings.Contains(s.log.String(), openID) {
		t.Errorf("the log names the payer: %s", s.log)
	}
}

func TestNotify_ConcurrentCopies(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() {
			if status, _ := s.deliver(body); status != 204 {
				t.Errorf("status %d", status)
			}
		})
	}
	wg.Wait()
	if s.books.credits[o.OutTradeNo] != 1 {
		t.Errorf("credits %v", s.books.credits)
	}
}

// What WeChat Pay did not sign, or not lately, is 401 and changes nothing; the
// good copy afterwards is taken.
func TestNotify_Forged(t *testing.T) {
	t.Parallel()
	set := func(name, value string) func(http.Header, []byte, time.Time) (http.Header, []byte) {
		return func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			h.Set(name, value)
			return h, b
		}
	}
	drop := func(name string) func(http.Header, []byte, time.Time) (http.Header, []byte) {
		return func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			h.Del(name)
			return h, b
		}
	}
	resign := func(serial string, shift time.Duration) func(http.Header, []byte, time.Time) (http.Header, []byte) {
		return func(_ http.Header, b []byte, now time.Time) (http.Header, []byte) {
			return platformHeader(platformKey(), serial, now.Add(shift), b), b
		}
	}
	cases := map[string]func(h http.Header, body []byte, now time.Time) (http.Header, []byte){
		"NoSignature":      drop("Wechatpay-Signature"),
		"EmptySignature":   set("Wechatpay-Signature", ""),
		"ShortSignature":   set("Wechatpay-Signature", "AAAA"),
		"NotBase64":        set("Wechatpay-Signature", "%%%"),
		"SignatureOfProbe": set("Wechatpay-Signature", "WECHATPAY/SIGNTEST/OFs5v8tMN9/12345"),
		"NoTimestamp":      drop("Wechatpay-Timestamp"),
		"TimestampWords":   set("Wechatpay-Timestamp", "now"),
		"TimestampSigned":  set("Wechatpay-Timestamp", "+1772424000"),
		"NoNonce":          drop("Wechatpay-Nonce"),
		"OtherNonce":       set("Wechatpay-Nonce", "anothernonce"),
		"NoSerial":         drop("Wechatpay-Serial"),
		"UnknownSerial":    set("Wechatpay-Serial", "PUB_KEY_ID_0000000000000000000000000000000000"),
		"MerchantSerial":   set("Wechatpay-Serial", serialNo),
		"OtherType":        set("Wechatpay-Signature-Type", "WECHATPAY2-HMAC-SHA256"),
		"SM2Type":          set("Wechatpay-Signature-Type", "WECHATPAY2-SM2-WITH-SM3"),
		"Stranger": func(_ http.Header, b []byte, now time.Time) (http.Header, []byte) {
			return platformHeader(strangerKey(), keyID, now, b), b
		},
		"OurMerchantKey": func(_ http.Header, b []byte, now time.Time) (http.Header, []byte) {
			return platformHeader(merchantKey(), keyID, now, b), b
		},
		"Localhost": func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			h.Set("Host", "localhost")
			h.Set("X-Forwarded-Host", "localhost")
			h.Set("Wechatpay-Signature", "AAAA")
			return h, b
		},
		"TwoSignatures": func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			h.Add("Wechatpay-Signature", h.Get("Wechatpay-Signature"))
			return h, b
		},
		"OneByteChanged": func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			return h, bytes.Replace(b, []byte("61f9c719728a"), []byte("61f9c719728b"), 1)
		},
		"SpaceAppended": func(h http.Header, b []byte, _ time.Time) (http.Header, []byte) {
			return h, append(bytes.Clone(b), ' ')
		},
		"NoBody":    func(h http.Header, _ []byte, _ time.Time) (http.Header, []byte) { return h, nil },
		"300sOld":   resign(keyID, -300*time.Second),
		"301sOld":   resign(keyID, -301*time.Second),
		"300sAhead": resign(keyID, 300*time.Second),
	}
	for name, forge := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := ordered(t)
			good := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
			h := platformHeader(platformKey(), keyID, s.clock.now(), good)
			status, answer := s.post(forge(h, good, s.clock.now()))
			if status != 401 || answer != `{"code":"FAIL","message":"失败"}` {
				t.Errorf("%d %s", status, answer)
			}
			if len(s.books.settled) != 0 || len(s.books.cases) != 0 || s.books.state(o.OutTradeNo) != ledger.AttemptOpen {
				t.Error("a forged notice left a trace")
			}
			if status, _ := s.deliver(good); status != 204 {
				t.Errorf("the good copy: %d", status)
			}
		})
	}
	for _, shift := range []time.Duration{-299 * time.Second, 299 * time.Second} {
		s, o := ordered(t)
		body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
		if status, _ := s.post(platformHeader(platformKey(), keyID, s.clock.now().Add(shift), body), body); status != 204 {
			t.Errorf("%v: %d", shift, status)
		}
	}
}

// Signed by WeChat Pay, and still not readable: refused, alive.
func TestNotify_Unreadable(t *testing.T) {
	t.Parallel()
	plain := `{"out_trade_no":"x"}`
	resource := func(change map[string]any) map[string]any {
		r := map[string]any{"algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction", "nonce": "61f9c719728a",
			"ciphertext": seal(apiV3Key, "61f9c719728a", "transaction", plain)}
		maps.Copy(r, change)
		return r
	}
	const kind = "TRANSACTION.SUCCESS"
	cases := map[string]struct {
		body   []byte
		status int
	}{
		"NotJSON":         {[]byte("<xml/>"), 400},
		"Empty":           {[]byte(""), 400},
		"Null":            {[]byte("null"), 400},
		"Array":           {[]byte("[]"), 400},
		"Trailing":        {append(envelope(kind, resource(nil)), "{}"...), 400},
		"NoResource":      {[]byte(`{"id":"EV-1","event_type":"TRANSACTION.SUCCESS"}`), 400},
		"NullResource":    {envelope(kind, nil), 400},
		"ResourceText":    {envelope(kind, "resource"), 400},
		"EmptyResource":   {envelope(kind, map[string]any{}), 400},
		"OtherAlgorithm":  {envelope(kind, resource(map[string]any{"algorithm": "AEAD_SM4_GCM"})), 400},
		"ShortNonce":      {envelope(kind, resource(map[string]any{"nonce": "61f9"})), 400},
		"EmptyNonce":      {envelope(kind, resource(map[string]any{"nonce": ""})), 400},
		"LongNonce":       {envelope(kind, resource(map[string]any{"nonce": strings.Repeat("6", 100)})), 400},
		"OtherNonce":      {envelope(kind, resource(map[string]any{"nonce": "61f9c719728b"})), 400},
		"OtherAAD":        {envelope(kind, resource(map[string]any{"associated_data": "refund"})), 400},
		"NoAAD":           {envelope(kind, resource(map[string]any{"associated_data": nil})), 400},
		"NotBase64":       {envelope(kind, resource(map[string]any{"ciphertext": "%%"})), 400},
		"NoCiphertext":    {envelope(kind, resource(map[string]any{"ciphertext": ""})), 400},
		"OtherKey":        {envelope(kind, resource(map[string]any{"ciphertext": seal(strings.Repeat("k", 32), "61f9c719728a", "transaction", plain)})), 400},
		"PlainIsNotJSON":  {envelope(kind, resource(map[string]any{"ciphertext": seal(apiV3Key, "61f9c719728a", "transaction", "paid")})), 400},
		"AmountIsAFloat":  {envelope(kind, resource(map[string]any{"ciphertext": seal(apiV3Key, "61f9c719728a", "transaction", `{"amount":{"total":50.5}}`)})), 400},
		"NoEventType":     {envelope("", resource(nil)), 400},
		"UnknownEvent":    {envelope("COUPON.USE", resource(nil)), 200},
		"Huge":            {bytes.Repeat([]byte(" "), 64<<10+1), 413},
		"JustNotTooLarge": {append(bytes.Repeat([]byte(" "), 64<<10-2), "{}"...), 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			if status, _ := s.deliver(c.body); status != c.status {
				t.Errorf("%d, want %d", status, c.status)
			}
			if len(s.books.settled) != 0 || len(s.books.cases) != 0 {
				t.Error("it left a trace")
			}
		})
	}
}

// The published vector of the cipher, as a notice of an order that nobody has.
func TestNotify_Vector(t *testing.T) {
	t.Parallel()
	s := open(t)
	status, _ := s.deliver(envelope("TRANSACTION.SUCCESS", map[string]any{
		"algorithm": "AEAD_AES_256_GCM", "associated_data": "transaction", "nonce": "61f9c719728a",
		"ciphertext": "+P250vqD5r1PxVpQ9QXDEkYpabLc3vFuTxh8sJMNp+bcLmaSdlIHP1PpCKKBRq4U+kgJ",
	}))
	c, ok := s.books.cases["payment_mismatchCC20260101000001:mchid"]
	if status != 200 || !ok || !strings.Contains(c.Detail, `"CC20260101000001"`) {
		t.Errorf("%d, cases %v", status, s.books.cases)
	}
}

// Anybody may call; what names the request in the log is theirs.
func TestMerchant_Notify_RequestID(t *testing.T) {
	t.Parallel()
	s, _ := ordered(t)
	h := http.Header{"Request-Id": {"08E9\u0085\u202e" + strings.Repeat("x", 20_000)}}
	if status, _ := s.post(h, []byte("{}")); status != http.StatusUnauthorized {
		t.Fatalf("answered %d", status)
	}
	said := s.log.String()
	if !strings.Contains(said, "request_id=08E9?") || strings.Contains(said, strings.Repeat("x", 65)) || strings.ContainsAny(said, "\u0085\u202e") {
		t.Errorf("logged %.300q", said)
	}
}

func BenchmarkNotify(b *testing.B) {
	s, o := ordered(b, func(c *pay.Config) { c.Log = slog.New(slog.NewTextHandler(io.Discard, nil)) })
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	h := platformHeader(platformKey(), keyID, s.clock.now(), body)
	handler := s.Notify()
	b.ReportAllocs()
	for b.Loop() {
		r := httptest.NewRequest("POST", "/wechatpay/notify", bytes.NewReader(body))
		r.Header = h
		w := httptest.NewRecorder()
		if handler.ServeHTTP(w, r); w.Code != 204 {
			b.Fatal(w.Code)
		}
	}
}
