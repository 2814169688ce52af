package terminal

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestSign pins values made with: printf … | openssl dgst -sha256 -mac HMAC -macopt hexkey:… -binary | base64
func TestSign(t *testing.T) {
	t.Parallel()
	secret, err := hex.DecodeString("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, method, target, body, want string }{
		{"WithBody", "POST", "/kiosk/v1/claims?x=1", `{"card_no":"10000001"}`, "AlAh4XzPdoRUIFykD0iOSfGjuotLriLM9ec8bhUdT9U="},
		{"WithoutBody", "GET", "/pos/v1/blacklist?since=0", "", "Vq+RsQGayO5IZCtOPauYQ79yafjHuNZi0GBCGwVzMdY="},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			if got := Sign(secret, tc.method, tc.target, "1760000000", "abcdefghijklmnop", []byte(tc.body)); got != tc.want {
				t.Errorf("%s, want %s", got, tc.want)
			}
		})
	}
}

func TestClientAuthorization(t *testing.T) {
	t.Parallel()
	c := Client{
		BaseURL: "http://127.0.0.1:1/", TerminalID: "P07", Secret: testSecret,
		Now: func() time.Time { return time.Unix(1760000000, 0) }, Rand: strings.NewReader("abcdefghijklmnopqrstuvwx"),
	}
	r, err := c.NewRequest(t.Context(), http.MethodGet, "/pos/v1/blacklist?since=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	nonce := "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4"
	want := `XIAOKA-HMAC-SHA256 terminal_id="P07",timestamp="1760000000",nonce_str="` + nonce + `",signature="` +
		Sign(testSecret, "GET", "/pos/v1/blacklist?since=0", "1760000000", nonce, nil) + `"`
	if got := r.Header.Get("Authorization"); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if _, err := c.NewRequest(t.Context(), http.MethodGet, "/", nil); err == nil {
		t.Error("a nonce without randomness")
	}
}

func TestClientErrors(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		status   int
		kind     string
		body     string
		code     string
		extra    string // of tries_left
		unknown  bool   // outcome
		received time.Duration
	}{
		{name: "Problem", status: 403, kind: "application/problem+json", body: `{"status":403,"code":"pin_wrong","tries_left":4}`, code: "pin_wrong", extra: "4"},
		{name: "ProblemWithCharset", status: 429, kind: "application/problem+json; charset=utf-8", body: `{"code":"rate_limited"}`, code: "rate_limited", received: 7 * time.Second},
		{name: "Gateway", status: 502, kind: "text/html", body: "<html>", unknown: true},
		{name: "BrokenProblem", status: 409, kind: "application/problem+json", body: `{"code`},
		{name: "BrokenSuccess", status: 200, kind: "application/json", body: `{"card_no`, unknown: true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", tc.kind)
				w.Header().Set("Retry-After", "7")
				w.WriteHeader(tc.status)
				w.Write([]byte(tc.body))
			}))
			defer srv.Close()
			c := Client{BaseURL: srv.URL, TerminalID: "K01", Secret: testSecret}
			_, err := c.Lookup(t.Context(), "10000001", "1")
			if err == nil {
				t.Fatal("no error")
			}
			if Code(err) != tc.code || errors.Is(err, ErrNoAnswer) != tc.unknown {
				t.Errorf("%v: code %q", err, Code(err))
			}
			var e *Error
			if errors.As(err, &e) {
				if e.Status != tc.status || string(e.Extra["tries_left"]) != tc.extra {
					t.Errorf("%+v", e)
				}
				if tc.received != 0 && e.RetryAfter != tc.received {
					t.Errorf("retry after %v", e.RetryAfter)
				}
			}
		})
	}
}

func TestClientNoAnswer(t *testing.T) {
	t.Parallel()
	c := Client{BaseURL: "http://127.0.0.1:1", TerminalID: "K01", Secret: testSecret}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Lookup(ctx, "10000001", "1"); !errors.Is(err, ErrNoAnswer) || !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}
