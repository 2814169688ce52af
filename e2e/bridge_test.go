package e2e

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/terminal"
)

// The self-service machine loses its power before and after each thing that
// it asks of the reader or the server, its last line in the journal whole or
// half written. It starts again with the card still in: the load happens once.
func TestBridge_PowerLoss(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	h := newHouse(t, "", "", 1, func(h *house) { h.people = 30 })
	next := 0
	for _, ask := range []string{"/kiosk/v1/accounts/lookup", "/kiosk/v1/claims", "/chip", "/load", "/confirm"} {
		for _, when := range []string{"before", "after"} {
			for _, journal := range []string{"whole", "torn"} {
				if torn := journal == "torn"; torn && ask == "/load" && when == "after" {
					continue // the line that begun it is on the disk before the reader is asked
				}
				t.Run(strings.Join([]string{ask, when, journal}, " "), func(t *testing.T) {
					campus := h.t
					h.t = t
					defer func() { h.t = campus }()
					f := &fault{t: t, house: h, next: &next}
					m := newMachine(f.holder(5000))
					m.losePower(ask, when == "after", journal == "torn")
				})
			}
		}
	}
	h.proven()
}

// machine is a built bridge between a reader of the vendor's and the product;
// both of its lines pass through tap.
type machine struct {
	*holder
	dir    string
	reader string
	server string
	screen string
	kill   func() // and wait until it is dead

	mu  sync.Mutex
	cut func(path string, after bool) // nil = nothing happens
}

func newMachine(h *holder) *machine {
	t := h.t
	m := &machine{holder: h, dir: t.TempDir()}
	if err := os.WriteFile(filepath.Join(m.dir, "secret"), []byte(base64.StdEncoding.EncodeToString(h.secrets["K01"])), 0o600); err != nil {
		t.Fatal(err)
	}
	product, err := url.Parse(h.url)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(product)
	proxy.ErrorLog = log.New(io.Discard, "", 0) // callers die on purpose
	reader, server := httptest.NewServer(m.tap(m.vendor())), httptest.NewServer(m.tap(proxy))
	t.Cleanup(reader.Close)
	t.Cleanup(server.Close)
	m.reader, m.server = reader.URL, server.URL
	if err := h.chip.PutIn(); err != nil {
		t.Fatal(err)
	}
	m.start()
	return m
}

// vendor is a reader's service as bridges expect it, with the holder's card in.
func (m *machine) vendor() http.Handler {
	mux := http.NewServeMux()
	answer := func(w http.ResponseWriter, v any) { _ = json.NewEncoder(w).Encode(v) }
	mux.HandleFunc("GET /card", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"card_no": m.CardNo, "chip": m.chip.Peek()})
	})
	mux.HandleFunc("GET /chip", func(w http.ResponseWriter, _ *http.Request) { answer(w, map[string]any{"chip": m.chip.Peek()}) })
	mux.HandleFunc("POST /load", func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			AmountFen int64             `json:"amount_fen"`
			Expected  terminal.Expected `json:"expected"`
		}
		if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		chip, err := m.chip.WriteLoad(in.AmountFen, in.Expected)
		if errors.Is(err, terminal.ErrOutOfStep) {
			w.WriteHeader(http.StatusConflict)
			return
		}
		answer(w, map[string]any{"chip": chip})
	})
	return mux
}

// tap lets cut strike before a call is served and after, its answer unsent.
func (m *machine) tap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return // it died asking
		}
		m.mu.Lock()
		cut := m.cut
		m.mu.Unlock()
		if cut == nil {
			cut = func(string, bool) {}
		}
		cut(r.URL.Path, false)
		if r.Context().Err() != nil {
			return
		}
		seen := httptest.NewRecorder()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(seen, r)
		cut(r.URL.Path, true)
		for k, v := range seen.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(seen.Code)
		_, _ = seen.Body.WriteTo(w)
	})
}

func (m *machine) journal() string { return filepath.Join(m.dir, "journal") }

// start runs the bridge; the journal and the card are what an earlier one left.
func (m *machine) start() {
	m.t.Helper()
	cmd := exec.Command(binary, "kiosk-bridge", "--reader", m.reader, "--server", m.server, "--terminal", "K01",
		"--secret-file", filepath.Join(m.dir, "secret"), "--journal", m.journal())
	said, err := cmd.StdoutPipe()
	if err != nil {
		m.t.Fatal(err)
	}
	errors := &lockedWriter{w: &bytes.Buffer{}}
	cmd.Stderr = errors
	if err := cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	m.kill = sync.OnceFunc(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	m.t.Cleanup(func() {
		m.kill()
		if m.t.Failed() {
			m.t.Logf("the bridge's log:\n%s", errors.String())
		}
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		m.t.Fatalf("the bridge does not start: %v\n%s", err, errors.String())
	}
	m.screen = strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(line, "screen: ")), "/")
}

// touch is what the page sends to the bridge; a bridge that dies answers 0.
func (m *machine) touch(what, body string) (int, string) {
	res, err := http.Post(m.screen+"/bridge/"+what, "application/json", strings.NewReader(body))
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	raw, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(raw)
}

// visit types the password and takes what waits.
func (m *machine) visit() string {
	var status int
	var body string
	m.await("the bridge knows the card", func() bool {
		status, body = m.touch("identify", fmt.Sprintf(`{"pin":%q}`, ownPassword))
		return status == 0 || status == http.StatusOK
	})
	if status == http.StatusOK {
		_, body = m.touch("claim", "{}")
	}
	return body
}

// losePower kills the bridge at one call, once, and starts it again.
func (m *machine) losePower(at string, after, torn bool) {
	struck := make(chan struct{})
	var once sync.Once
	kill := m.kill
	m.mu.Lock()
	m.cut = func(path string, done bool) {
		if done == after && strings.HasSuffix(path, at) {
			once.Do(func() {
				kill()
				close(struck)
			})
		}
	}
	m.mu.Unlock()
	said := m.visit()
	select {
	case <-struck:
	case <-time.After(patience):
		m.t.Fatalf("the bridge never asked for %s; it said %s", at, said)
	}
	if torn {
		m.tear()
	}
	m.start()
	m.await("the journal's writes are told", func() bool {
		books, pending, inFlight := m.balance()
		if inFlight == 0 && (books == m.OpeningFen+5000 || pending == 5000) {
			return true
		}
		m.visit()
		return false
	})
	if m.chip.Peek().BalanceFen == m.OpeningFen {
		m.visit()
	}
	m.await("the load is booked", func() bool { books, _, _ := m.balance(); return books == m.OpeningFen+5000 })
	m.holds(5000)
	m.owns(5000, 0, 0)
	if chip := m.chip.Peek(); chip.LoadSeq != 1 {
		m.t.Errorf("the chip was written %d times", chip.LoadSeq)
	}
	m.kill()
	m.tear()
	m.start() // and what is left of the journal can still be read
}

// tear leaves the last line of the journal half written.
func (m *machine) tear() {
	m.t.Helper()
	text, err := os.ReadFile(m.journal())
	if err != nil {
		m.t.Fatal(err)
	}
	last := bytes.LastIndexByte(bytes.TrimSuffix(text, []byte("\n")), '\n') + 1
	if err := os.Truncate(m.journal(), int64(last+(len(text)-last)/2)); err != nil {
		m.t.Fatal(err)
	}
}
