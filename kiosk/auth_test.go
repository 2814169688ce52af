package kiosk_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk"
)

const (
	lookup     = "/kiosk/v1/accounts/lookup"
	lookupBody = `{"card_no":"61000001","pin":"482913"}`
)

// Each mutation of a good request is refused with its code and takes no
// nonce; the request itself, made right, is answered afterwards.
func TestAuthentication(t *testing.T) {
	t.Parallel()
	header := func(f func(string) string) func(*signed, *http.Request) {
		return func(_ *signed, r *http.Request) { r.Header.Set("Authorization", f(r.Header.Get("Authorization"))) }
	}
	swap := func(old, new string) func(*signed, *http.Request) {
		return header(func(h string) string { return strings.Replace(h, old, new, 1) })
	}
	type mutation struct {
		name   string
		before func(*signed)                // changes what is signed
		after  func(*signed, *http.Request) // changes what was signed
		code   string
		path   string // "" = lookup
	}
	cases := []mutation{
		{name: "NoHeader", after: func(_ *signed, r *http.Request) { r.Header.Del("Authorization") }, code: "bad_signature"},
		{name: "EmptyHeader", after: header(func(string) string { return "" }), code: "bad_signature"},
		{name: "TwoHeaders", after: func(_ *signed, r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, code: "bad_signature"},
		{name: "OtherScheme", after: swap("XIAOKA-HMAC-SHA256", "XIAOKA-HMAC-SHA1"), code: "bad_signature"},
		{name: "SchemeInLowerCase", after: swap("XIAOKA-HMAC-SHA256", "xiaoka-hmac-sha256"), code: "bad_signature"},
		{name: "TwoSpaces", after: swap("SHA256 ", "SHA256  "), code: "bad_signature"},
		{name: "SpaceAfterComma", after: swap(",", ", "), code: "bad_signature"},
		{name: "TrailingComma", after: header(func(h string) string { return h + "," }), code: "bad_signature"},
		{name: "NoQuotes", after: header(func(h string) string { return strings.ReplaceAll(h, `"`, "") }), code: "bad_signature"},
		{name: "PairTwice", after: header(func(h string) string { return h + `,terminal_id="K01"` }), code: "bad_signature"},
		{name: "ExtraPair", after: header(func(h string) string { return h + `,alg="none"` }), code: "bad_signature"},
		{name: "NoNonce", after: header(func(h string) string {
			i := strings.Index(h, ",nonce_str")
			return h[:i] + h[strings.Index(h, ",signature"):]
		}), code: "bad_signature"},
		{name: "NoSignature", after: header(func(h string) string { return h[:strings.Index(h, ",signature")] }), code: "bad_signature"},
		{name: "EmptySignature", after: header(func(h string) string { return h[:strings.Index(h, ",signature")] + `,signature=""` }), code: "bad_signature"},
		{name: "SignatureNotBase64", after: header(func(h string) string { return h[:strings.Index(h, ",signature")] + `,signature="%%%%"` }), code: "bad_signature"},
		{name: "SignatureOfZeros", after: header(func(h string) string {
			return h[:strings.Index(h, ",signature")] + `,signature="` + strings.Repeat("A", 43) + `="`
		}), code: "bad_signature"},
		{name: "SignatureCut", after: header(func(h string) string { return h[:len(h)-5] + `"` }), code: "bad_signature"},
		{name: "OtherMethod", before: func(q *signed) { q.method = "PUT" }, after: func(_ *signed, r *http.Request) { r.Method = "POST" }, code: "bad_signature"},
		{name: "OtherPath", after: func(q *signed, r *http.Request) { q.path = "/kiosk/v1/transfers/query"; *r = *mustPath(q, r) }, code: "bad_signature"},
		{name: "QueryAdded", after: func(q *signed, r *http.Request) { q.path += "?x=1"; *r = *mustPath(q, r) }, code: "bad_signature"},
		{name: "BodyChanged", after: func(_ *signed, r *http.Request) {
			r.Body = body(strings.Replace(lookupBody, "61000001", "61000002", 1))
		}, code: "bad_signature"},
		{name: "BodyLonger", after: func(_ *signed, r *http.Request) { r.Body = body(lookupBody + " ") }, code: "bad_signature"},
		{name: "BodyGone", after: func(_ *signed, r *http.Request) { r.Body = body("") }, code: "bad_signature"},
		{name: "TimestampChanged", after: swap(fmt.Sprint(noon.Unix()), fmt.Sprint(noon.Unix()+1)), code: "bad_signature"},
		{name: "TimestampSigned", before: func(q *signed) { q.timestamp = "+" + q.timestamp }, code: "bad_signature"},
		{name: "TimestampInMilliseconds", before: func(q *signed) { q.timestamp += "000" }, code: "bad_signature"},
		{name: "TimestampEmpty", before: func(q *signed) { q.timestamp = "" }, code: "bad_signature"},
		{name: "NonceChanged", after: swap("nonce-0", "nonce-1"), code: "bad_signature"},
		{name: "NonceShort", before: func(q *signed) { q.nonce = "fifteen_chars_-" }, code: "bad_signature"},
		{name: "NonceLong", before: func(q *signed) { q.nonce = strings.Repeat("n", 65) }, code: "bad_signature"},
		{name: "NonceOfOtherCharacters", before: func(q *signed) { q.nonce = "nonce with spaces" }, code: "bad_signature"},
		{name: "SecretOfAnotherTerminal", before: func(q *signed) { q.secret = secretOf("K02") }, code: "bad_signature"},
		{name: "TerminalSwapped", after: swap(`"K01"`, `"K02"`), code: "bad_signature"},
		{name: "TerminalUnknown", before: func(q *signed) { q.terminal = "K99" }, code: "unknown_terminal"},
		{name: "TerminalInLowerCase", before: func(q *signed) { q.terminal = "k01" }, code: "unknown_terminal"},
		{name: "TerminalInjection", before: func(q *signed) { q.terminal = "K01' OR '1'='1" }, code: "bad_signature"},
		{name: "Stale301", before: func(q *signed) { q.timestamp = fmt.Sprint(noon.Unix() - 301) }, code: "stale_request"},
		{name: "Ahead301", before: func(q *signed) { q.timestamp = fmt.Sprint(noon.Unix() + 301) }, code: "stale_request"},
		{name: "AgesAgo", before: func(q *signed) { q.timestamp = "0" }, code: "stale_request"},
		{name: "Disabled", before: func(q *signed) { q.terminal, q.secret = "GONE", secretOf("GONE") }, code: "terminal_disabled"},
		{name: "TillAtAMachinesCall", before: func(q *signed) { q.terminal, q.secret = "P01", secretOf("P01") }, code: "wrong_terminal_kind"},
		{name: "MachineAtATillsCall", path: "/pos/v1/claims", code: "wrong_terminal_kind"},
		{name: "BodyTooLarge", before: func(q *signed) { q.body = strings.Repeat(" ", 64<<10) + lookupBody }, code: "too_large"},
	}
	status := map[string]int{"terminal_disabled": 403, "wrong_terminal_kind": 403, "too_large": 413}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			path := c.path
			if path == "" {
				path = lookup
			}
			q := s.request("K01", path, lookupBody)
			if c.before != nil {
				c.before(q)
			}
			r := q.http()
			if c.after != nil {
				c.after(q, r)
			}
			want := status[c.code]
			if want == 0 {
				want = 401
			}
			if got := s.send(r); got.status != want || got.code != c.code {
				t.Errorf("%d %s, want %d %s", got.status, got.code, want, c.code)
			}
			if len(s.pins.asked) != 0 || (want != 403 && len(s.books.nonces) != 0) {
				t.Error("a refused request left a trace")
			}
			q = s.request("K01", lookup, lookupBody)
			if got := s.send(q.http()); got.status != 200 {
				t.Errorf("made right: %d %s", got.status, got.code)
			}
		})
	}
}

func TestAuthentication_Accepted(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*signed){
		"299sOld":    func(q *signed) { q.timestamp = fmt.Sprint(noon.Unix() - 299) },
		"300sOld":    func(q *signed) { q.timestamp = fmt.Sprint(noon.Unix() - 300) },
		"299sAhead":  func(q *signed) { q.timestamp = fmt.Sprint(noon.Unix() + 299) },
		"Nonce16":    func(q *signed) { q.nonce = "0123456789abcde_" },
		"Nonce64":    func(q *signed) { q.nonce = strings.Repeat("-", 64) },
		"WithQuery":  func(q *signed) { q.path += "?trace=%E5%8D%A1&x" },
		"LargeBody":  func(q *signed) { q.body = strings.Repeat(" ", 64<<10-len(lookupBody)) + lookupBody },
		"MoreFields": func(q *signed) { q.body = `{"card_no":"61000001","pin":"482913","screen":"v2","extra":{"a":[1.5]}}` },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			q := s.request("K01", lookup, lookupBody)
			change(q)
			if got := s.send(q.http()); got.status != 200 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	t.Run("PairsInAnyOrder", func(t *testing.T) {
		t.Parallel()
		s := open(t)
		q := s.request("K01", lookup, lookupBody)
		r := q.http()
		r.Header.Set("Authorization", fmt.Sprintf(`XIAOKA-HMAC-SHA256 signature="%s",nonce_str="%s",terminal_id="%s",timestamp="%s"`,
			q.signature(), q.nonce, q.terminal, q.timestamp))
		if got := s.send(r); got.status != 200 {
			t.Errorf("%d %s", got.status, got.body)
		}
	})
}

func TestReplay(t *testing.T) {
	t.Parallel()
	s := open(t)
	q := s.request("K01", lookup, lookupBody)
	if got := s.send(q.http()); got.status != 200 {
		t.Fatal(got)
	}
	for range 3 {
		if got := s.send(q.http()); got.status != 401 || got.code != "replayed_request" {
			t.Errorf("replay: %d %s", got.status, got.code)
		}
	}
	// The nonce is the terminal's own: another may have the same.
	other := s.request("K02", lookup, lookupBody)
	other.nonce = q.nonce
	if got := s.send(other.http()); got.status != 200 {
		t.Errorf("another terminal's nonce: %d %s", got.status, got.code)
	}
	// A forged request cannot use up a nonce that the terminal is about to use.
	next := s.request("K01", lookup, lookupBody)
	forged := *next
	forged.secret = secretOf("K02")
	s.send(forged.http())
	if got := s.send(next.http()); got.status != 200 {
		t.Errorf("after a forgery with the same nonce: %d %s", got.status, got.code)
	}
	s.now = s.now.Add(10 * time.Minute)
	if got := s.send(q.http()); got.code != "stale_request" {
		t.Errorf("late replay: %s", got.code)
	}
}

// A terminal whose clock is off learns what time it is.
func TestStale_TellsTheTime(t *testing.T) {
	t.Parallel()
	s := open(t)
	q := s.request("K01", lookup, lookupBody)
	q.timestamp = "1"
	golden(t, "stale_request", s.send(q.http()))
}

func TestDisabledAtOnce(t *testing.T) {
	t.Parallel()
	s := open(t)
	if got := s.post("K01", lookup, lookupBody); got.status != 200 {
		t.Fatal(got)
	}
	gone := s.books.terminals["K01"]
	gone.DisabledAt = s.now
	s.books.terminals["K01"] = gone
	if got := s.post("K01", lookup, lookupBody); got.status != 403 || got.code != "terminal_disabled" {
		t.Errorf("%d %s", got.status, got.code)
	}
	if got := s.post("K02", lookup, lookupBody); got.status != 200 {
		t.Errorf("the others: %d %s", got.status, got.code)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	s := open(t)
	for i := range 200 {
		if got := s.post("K01", lookup, lookupBody); got.status != 200 {
			t.Fatalf("request %d: %d %s", i, got.status, got.code)
		}
	}
	q := s.request("K01", lookup, lookupBody)
	if got := s.send(q.http()); got.status != 429 || got.code != "rate_limited" || got.header.Get("Retry-After") != "1" {
		t.Errorf("%d %s %q", got.status, got.code, got.header.Get("Retry-After"))
	}
	if got := s.post("K02", lookup, lookupBody); got.status != 200 {
		t.Errorf("another terminal pays for it: %d", got.status)
	}
	// Forged requests do not count against the terminal they name.
	for range 300 {
		q := s.request("K02", lookup, lookupBody)
		q.secret = secretOf("K01")
		s.send(q.http())
	}
	if got := s.post("K02", lookup, lookupBody); got.status != 200 {
		t.Errorf("starved by forgeries: %d %s", got.status, got.code)
	}
	s.now = s.now.Add(time.Second)
	if got := s.send(q.http()); got.status != 200 {
		t.Errorf("the limited request, sent again: %d %s", got.status, got.code)
	}
}

func TestStoreFails(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.books.fail = errors.New("disk full at /var/lib/xiaoka")
	got := s.post("K01", lookup, lookupBody)
	if got.status != 500 || got.code != "internal" || strings.Contains(got.body, "disk") {
		t.Errorf("%d %s", got.status, got.body)
	}
	if !strings.Contains(s.log.String(), "disk full") {
		t.Errorf("log %q", s.log)
	}
}

func TestUnknownAddress(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, r := range []string{"/kiosk/v1/", "/kiosk/v1/accounts", "/pos/v1/claims/C1", "/pos/v1/nothing"} {
		if got := s.post("K01", r, "{}"); got.status != 404 || got.code != "not_found" {
			t.Errorf("%s: %d %s", r, got.status, got.code)
		}
	}
	q := s.request("K01", lookup, "")
	q.method = "GET"
	if got := s.send(q.http()); got.status != 404 {
		t.Errorf("GET: %d", got.status)
	}
}

func TestSeal(t *testing.T) {
	t.Parallel()
	secret := kiosk.NewSecret()
	if len(secret) != 32 || string(secret) == string(kiosk.NewSecret()) {
		t.Fatal("secrets must be 32 random bytes")
	}
	sealed, err := kiosk.Seal(sealKey, "K01", secret)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := kiosk.Open(sealKey, "K01", sealed); err != nil || string(got) != string(secret) {
		t.Errorf("%v", err)
	}
	if again, _ := kiosk.Seal(sealKey, "K01", secret); string(again) == string(sealed) {
		t.Error("the same secret seals to the same bytes")
	}
	changed := append([]byte{}, sealed...)
	changed[len(changed)-1] ^= 1
	for name, f := range map[string]func() ([]byte, error){
		"OtherTerminal": func() ([]byte, error) { return kiosk.Open(sealKey, "K02", sealed) },
		"OtherKey":      func() ([]byte, error) { return kiosk.Open([32]byte{9}, "K01", sealed) },
		"Changed":       func() ([]byte, error) { return kiosk.Open(sealKey, "K01", changed) },
		"Cut":           func() ([]byte, error) { return kiosk.Open(sealKey, "K01", sealed[:20]) },
		"Empty":         func() ([]byte, error) { return kiosk.Open(sealKey, "K01", nil) },
	} {
		if _, err := f(); err == nil {
			t.Errorf("%s opens", name)
		}
	}
}

// The vector that openapi.yaml gives to integrators, computed with openssl.
func TestSign_Vector(t *testing.T) {
	t.Parallel()
	const want = "2QHMTolA3w9/oCWZMpj05rb5UIyGZ4W4LIocLPGNqgw="
	mac := kiosk.Sign([]byte("0123456789abcdef0123456789abcdef"), "POST", "/pos/v1/claims", "1760000000", "nonce-0000000001", []byte(`{"a":1}`))
	if got := base64.StdEncoding.EncodeToString(mac); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	s := open(t)
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, httptest.NewRequest("GET", "/openapi.yaml", nil))
	if !strings.Contains(w.Body.String(), want) {
		t.Error("openapi.yaml gives another vector")
	}
}

func BenchmarkAuthenticatedLookup(b *testing.B) {
	s := open(b)
	b.ReportAllocs()
	for b.Loop() {
		s.now = s.now.Add(time.Second)
		if got := s.post("K01", lookup, lookupBody); got.status != 200 {
			b.Fatal(got)
		}
	}
}
