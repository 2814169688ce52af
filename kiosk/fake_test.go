package kiosk_test

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var (
	sealKey = [32]byte{1}
	hashKey = [32]byte{2}
	noon    = time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	zone    = time.FixedZone("CST", 8*60*60)
)

// station is an API with its books, one signing terminal at a time.
type station struct {
	t     testing.TB
	mux   *http.ServeMux
	books *books
	pins  *pins
	log   *bytes.Buffer
	now   time.Time
	count int
}

func open(t testing.TB, change ...func(*kiosk.Config)) *station {
	s := &station{t: t, mux: http.NewServeMux(), books: newBooks(t), pins: &pins{}, log: &bytes.Buffer{}, now: noon}
	cfg := kiosk.Config{
		Store: s.books, Passwords: s.pins, SealKey: sealKey, HashKey: hashKey, RequireChange: true,
		ClaimExpire: 2 * time.Minute, MaxBalance: 100000, Zone: zone, Now: func() time.Time { return s.now },
		Log: slog.New(slog.NewTextHandler(s.log, nil)),
	}
	for _, f := range change {
		f(&cfg)
	}
	kiosk.New(cfg).Routes(s.mux)
	return s
}

// secretOf gives each terminal of the tests its own secret.
func secretOf(id string) []byte {
	sum := sha256.Sum256([]byte("secret of " + id))
	return sum[:]
}

// signed is a request as a terminal makes it, from the contract's words and
// none of the product's code.
type signed struct {
	terminal, method, path, body string
	key                          string // Idempotency-Key
	secret                       []byte
	timestamp, nonce             string
}

func (s *station) request(terminal, path, body string) *signed {
	s.count++
	return &signed{terminal: terminal, method: "POST", path: path, body: body, secret: secretOf(terminal),
		timestamp: fmt.Sprint(s.now.Unix()), nonce: fmt.Sprintf("nonce-%010d", s.count)}
}

func (q *signed) signature() string {
	mac := hmac.New(sha256.New, q.secret)
	fmt.Fprintf(mac, "%s\n%s\n%s\n%s\n%s\n", q.method, q.path, q.timestamp, q.nonce, q.body)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (q *signed) http() *http.Request {
	r := httptest.NewRequest(q.method, q.path, strings.NewReader(q.body))
	r.Header.Set("Authorization", fmt.Sprintf(`XIAOKA-HMAC-SHA256 terminal_id="%s",timestamp="%s",nonce_str="%s",signature="%s"`,
		q.terminal, q.timestamp, q.nonce, q.signature()))
	if q.key != "" {
		r.Header.Set("Idempotency-Key", q.key)
	}
	return r
}

type answer struct {
	status int
	code   string // of a problem
	body   string
	header http.Header
}

func (s *station) send(r *http.Request) answer {
	s.t.Helper()
	w := httptest.NewRecorder()
	s.mux.ServeHTTP(w, r)
	a := answer{status: w.Code, body: w.Body.String(), header: w.Header()}
	if strings.HasPrefix(w.Header().Get("Content-Type"), "application/problem+json") {
		var p struct {
			Code   string
			Status int
		}
		if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || p.Status != w.Code || p.Code == "" {
			s.t.Errorf("problem %s: %v", w.Body, err)
		}
		a.code = p.Code
	} else if w.Code >= 400 {
		s.t.Errorf("an error that is no problem document: %d %s", w.Code, w.Body)
	}
	return a
}

// post signs and sends.
func (s *station) post(terminal, path, body string) answer {
	s.t.Helper()
	return s.send(s.request(terminal, path, body).http())
}

// get signs and sends without a body; tag, if any, is what the terminal has.
func (s *station) get(terminal, path, tag string) answer {
	s.t.Helper()
	q := s.request(terminal, path, "")
	q.method = "GET"
	r := q.http()
	if tag != "" {
		r.Header.Set("If-None-Match", tag)
	}
	return s.send(r)
}

// claim signs and sends with an Idempotency-Key.
func (s *station) claim(terminal, path, key, body string) answer {
	s.t.Helper()
	q := s.request(terminal, path, body)
	q.key = key
	return s.send(q.http())
}

// golden compares an answer with testdata/name.json.
func golden(t *testing.T, name string, a answer) {
	t.Helper()
	var out bytes.Buffer
	if err := json.Indent(&out, []byte(a.body), "", "  "); err != nil {
		t.Fatalf("%s: %v in %q", name, err, a.body)
	}
	got := fmt.Sprintf("%d %s\n%s", a.status, a.header.Get("Content-Type"), out.String())
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s\n got %s\nwant %s", name, got, want)
	}
}
