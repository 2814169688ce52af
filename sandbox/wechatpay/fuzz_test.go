package wechatpay

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// FuzzOrderBody: whatever comes is refused as PARAM_ERROR or APPID_MCHID_NOT_MATCH, or is an order whose parameters are
// equal to themselves in canonical form.
func FuzzOrderBody(f *testing.F) {
	keys, err := sharedKeys()
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Config{Keys: keys})
	if err != nil {
		f.Fatal(err)
	}
	good := `{"appid":"ww0123456789abcdef","mchid":"1900000001","description":"x","out_trade_no":"CC0001","notify_url":"https://h/n",
		"time_expire":"2026-01-01T10:00:00+08:00","amount":{"total":1},"payer":{"openid":"o"}}`
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, "1}", "1.5}", 1)))
	f.Add([]byte(`{"amount":null}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := &call{Request: httptest.NewRequest(http.MethodPost, "/", nil), body: body}
		c.Header.Set("Content-Type", "application/json")
		var q orderRequest
		err := decode(c, &q)
		if err == nil {
			err = s.check(&q, "JSAPI")
		}
		if err != nil {
			var e *apiError
			if !errors.As(err, &e) || e.status != 400 {
				t.Errorf("%v", err)
			}
			return
		}
		first, err := terms("", body)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := terms("", []byte(first)); err != nil || again != first {
			t.Errorf("%s became %s, %v", first, again, err)
		}
		if q.Amount.Total <= 0 || q.OutTradeNo == "" || q.Payer.OpenID == "" {
			t.Errorf("accepted %+v", q)
		}
	})
}

// FuzzAuthorization: no header but a correct one opens the door, and none breaks it.
func FuzzAuthorization(f *testing.F) {
	keys, err := sharedKeys()
	if err != nil {
		f.Fatal(err)
	}
	s, err := New(Config{Keys: keys})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`WECHATPAY2-SHA256-RSA2048 mchid="1900000001",nonce_str="a",timestamp="1767232800",serial_no="1",signature="AA=="`)
	f.Add(`WECHATPAY2-SHA256-RSA2048 mchid="1900000001",,`)
	f.Add(``)
	f.Fuzz(func(t *testing.T, header string) {
		r := httptest.NewRequest(http.MethodGet, "/v3/certificates", nil)
		r.Header.Set("Authorization", header)
		var e *apiError
		if err := s.authenticate(r, nil); !errors.As(err, &e) || e.status != 401 {
			t.Errorf("%q: %v", header, err)
		}
	})
}
