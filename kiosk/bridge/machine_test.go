package bridge_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/kiosk/bridge"
	"xiaoka/kiosk/screen"
	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

const (
	cardNo = "61000001"
	good   = "482913"
)

// school is the real terminal API on a real database, behind a network that
// can be cut.
type school struct {
	t       testing.TB
	store   *store.Store
	person  ledger.Person
	url     string
	secrets map[string][]byte
	topUps  int

	mu    sync.Mutex
	calls []string // as they reached the API: method, path, status
	// fault, if not nil, is asked before each call: "" lets it pass, "before"
	// cuts the line before the call arrives, "after" loses the answer.
	fault  func(path string) string
	onCall func(path string)
}

// passwords is one right PIN for everybody.
type passwords struct{}

func (passwords) Verify(_ context.Context, _ int64, pin string) (bool, error) {
	switch pin {
	case good:
		return false, nil
	case "999999":
		return false, &ledger.PasswordLockedError{Until: time.Now().Add(30 * time.Minute)}
	}
	return false, &ledger.PasswordWrongError{TriesLeft: 4}
}

func newSchool(t testing.TB, change ...func(*kiosk.Config)) *school {
	ctx := context.Background()
	s := &school{t: t, store: storetest.SQLite(t), secrets: map[string][]byte{}}
	row := ledger.PersonRow{StudentNo: "2025533001", Name: "张小卡", CardNo: cardNo, Email: "x@campus.example", OpeningBalance: 1230}
	if _, err := s.store.ImportPerson(ctx, row, time.Now(), false); err != nil {
		t.Fatal(err)
	}
	seal := [32]byte{7}
	for _, id := range []string{"K01", "K02"} {
		s.secrets[id] = kiosk.NewSecret()
		sealed, err := kiosk.Seal(seal, id, s.secrets[id])
		if err != nil {
			t.Fatal(err)
		}
		if err := s.store.AddTerminal(ctx, ledger.Terminal{ID: id, Kind: ledger.Kiosk, Location: "图书馆一楼", SealedSecret: sealed, CreatedAt: time.Now()}); err != nil {
			t.Fatal(err)
		}
	}
	var err error
	if s.person, err = s.store.PersonByStudentNo(ctx, "2025533001"); err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	cfg := kiosk.Config{Store: s.store, Passwords: passwords{}, SealKey: seal, HashKey: [32]byte{8}, MaxBalance: 100000,
		ClaimExpire: time.Hour, Log: slog.New(slog.DiscardHandler)}
	for _, f := range change {
		f(&cfg)
	}
	kiosk.New(cfg).Routes(mux)
	server := httptest.NewServer(s.network(mux))
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

func (s *school) network(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault, onCall := s.fault, s.onCall
		s.mu.Unlock()
		how := ""
		if fault != nil {
			how = fault(r.URL.Path)
		}
		if how == "before" {
			panic(http.ErrAbortHandler)
		}
		if onCall != nil {
			onCall(r.URL.Path)
		}
		seen := httptest.NewRecorder()
		api.ServeHTTP(seen, r)
		s.mu.Lock()
		s.calls = append(s.calls, fmt.Sprintf("%s %d", r.URL.Path, seen.Code))
		s.mu.Unlock()
		if how == "after" {
			panic(http.ErrAbortHandler)
		}
		for k, v := range seen.Header() {
			w.Header()[k] = v
		}
		w.WriteHeader(seen.Code)
		_, _ = seen.Body.WriteTo(w)
	})
}

func (s *school) cut(fault func(path string) string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// count is how many calls to an address ended so.
func (s *school) count(part string, status int) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if strings.Contains(c, part) && strings.HasSuffix(c, fmt.Sprintf(" %d", status)) {
			n++
		}
	}
	return n
}

// topUp pays for the holder.
func (s *school) topUp(fen ledger.Fen) {
	s.t.Helper()
	ctx, now := context.Background(), time.Now()
	s.topUps++
	no := fmt.Sprintf("XK%d", s.topUps)
	until := now.Add(time.Hour)
	err := errors.Join(
		s.store.CreateOrder(ctx, ledger.Order{OutTradeNo: no, PersonID: s.person.ID, CardID: s.person.CardID, Amount: fen, CreatedAt: now, ExpiresAt: until}),
		s.store.CreateAttempt(ctx, ledger.Attempt{OutTradeNo: no, OrderNo: no, N: 1, PersonID: s.person.ID, Amount: fen, Channel: ledger.JSAPI,
			AppID: "ww1", OpenID: "o1", CreatedAt: now, ExpiresAt: until}))
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.store.SettleTopUp(ctx, ledger.Payment{OutTradeNo: no, WxTransactionID: "42" + no, MchID: "1", AppID: "ww1", TradeType: "JSAPI",
		TradeState: "SUCCESS", Currency: "CNY", Total: fen, OpenID: "o1", SuccessTime: now, Source: "notify"}, now); err != nil {
		s.t.Fatal(err)
	}
}

// expect compares the books and proves them.
func (s *school) expect(books, pending, inFlight ledger.Fen) {
	s.t.Helper()
	b, err := s.store.Balance(context.Background(), s.person.ID, time.Now())
	if err != nil {
		s.t.Fatal(err)
	}
	if b.Books != books || b.Pending != pending || b.InFlight != inFlight {
		s.t.Errorf("books %v, pending %v, in flight %v; want %v, %v, %v", b.Books, b.Pending, b.InFlight, books, pending, inFlight)
	}
	r, err := s.store.CheckLedger(context.Background(), nil)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, in := range r.Invariants {
		for _, v := range in.Violations {
			s.t.Errorf("invariant %d: %s", in.ID, v)
		}
	}
}

// machine is a bridge with its reader and a hand at its screen.
type machine struct {
	*school
	bridge  *bridge.Bridge
	sim     *bridge.Sim
	journal *bridge.Journal
	path    string
	url     string
	log     *lockedBuffer
	stop    func()
}

func (s *school) machine(id string, change ...func(*bridge.Config)) *machine {
	s.t.Helper()
	m := &machine{school: s, sim: &bridge.Sim{}, path: filepath.Join(s.t.TempDir(), "journal"), log: &lockedBuffer{}}
	m.start(id, change...)
	return m
}

// start is also what happens after a power cut: only the journal and the card
// on the reader are still there.
func (m *machine) start(id string, change ...func(*bridge.Config)) {
	m.t.Helper()
	var err error
	if m.journal, err = bridge.OpenJournal(m.path); err != nil {
		m.t.Fatal(err)
	}
	cfg := bridge.Config{Server: m.school.url, Terminal: id, Secret: m.secrets[id], Sign: kiosk.Sign, Reader: m.sim,
		Journal: m.journal, Screen: screen.Handler(campusZone), Log: slog.New(slog.NewTextHandler(m.log, nil))}
	for _, f := range change {
		f(&cfg)
	}
	m.bridge = bridge.New(cfg)
	page := httptest.NewServer(m.bridge.Handler())
	m.url = page.URL
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { m.bridge.Run(ctx); close(done) }()
	m.stop = sync.OnceFunc(func() { cancel(); <-done; page.CloseClientConnections(); page.Close(); m.journal.Close() })
	m.t.Cleanup(m.stop)
}

// put lays the card on the reader and waits until the bridge has seen it.
func (m *machine) put(chip *ledger.Chip) {
	m.t.Helper()
	m.sim.Put(cardNo, chip)
	m.await("the card is seen", func() bool { return m.bridge.View().Card == "0001" })
}

func (m *machine) pull() {
	m.t.Helper()
	m.sim.Pull()
	m.await("the card is gone", func() bool { return m.bridge.View().Card == "" })
}

func (m *machine) await(what string, ok func() bool) {
	m.t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			m.t.Fatalf("waited in vain: %s; view %+v, journal %+v", what, m.bridge.View(), m.journal.Open())
		}
	}
}

// watch follows the view as a screen does. What it returns tells whether the
// screen was sent a text, sooner than a view is sent without a change.
func (m *machine) watch() (sent func(text string) bool) {
	m.t.Helper()
	resp, err := http.Get(m.url + "/kiosk/bridge/events")
	if err != nil {
		m.t.Fatal(err)
	}
	m.t.Cleanup(func() { resp.Body.Close() })
	lines := make(chan string, 100)
	go func() {
		defer close(lines)
		for s := bufio.NewScanner(resp.Body); s.Scan(); {
			lines <- s.Text()
		}
	}()
	return func(text string) bool {
		late := time.After(5 * time.Second)
		for {
			select {
			case line, open := <-lines:
				if strings.Contains(line, text) || !open {
					return open
				}
			case <-late:
				return false
			}
		}
	}
}

// ask posts to the bridge as the screen does and returns the status.
func (m *machine) ask(what, body string, out any) int {
	m.t.Helper()
	resp, err := http.Post(m.url+"/kiosk/bridge/"+what, "application/json", strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	if out != nil && len(text) > 0 {
		if err := json.Unmarshal(text, out); err != nil {
			m.t.Fatalf("%s: %v in %q", what, err, text)
		}
	}
	return resp.StatusCode
}

type problem struct {
	Code        string
	TriesLeft   int    `json:"tries_left"`
	LockedUntil string `json:"locked_until"`
}

func (m *machine) identify(pin string) bridge.Account {
	m.t.Helper()
	var a struct {
		bridge.Account
		problem
	}
	if status := m.ask("identify", `{"pin":"`+pin+`"}`, &a); status != 200 {
		m.t.Fatalf("identify: %d %s", status, a.Code)
	}
	return a.Account
}

func (m *machine) claim() bridge.Receipt {
	m.t.Helper()
	var r struct {
		bridge.Receipt
		problem
	}
	if status := m.ask("claim", "{}", &r); status != 200 {
		m.t.Fatalf("claim: %d %s", status, r.Code)
	}
	return r.Receipt
}

// refused makes a call that must fail with a code.
func (m *machine) refused(what, body, code string) problem {
	m.t.Helper()
	var p problem
	if status := m.ask(what, body, &p); status < 400 || p.Code != code {
		m.t.Errorf("%s: %d %q, want %q", what, status, p.Code, code)
	}
	return p
}

// full is the chip before anything happened.
var full = ledger.Chip{LoadSeq: 17, SpendSeq: 240, Balance: 1230}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
