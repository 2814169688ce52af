package kiosk_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/ledger"
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

// pins is query passwords: person 1 has 482913, person 2 the initial one.
type pins struct {
	mu     sync.Mutex
	asked  []int64
	wrong  int
	locked time.Time
}

func (p *pins) Verify(_ context.Context, personID int64, pin string) (bool, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked = append(p.asked, personID)
	switch {
	case !p.locked.IsZero():
		return false, &ledger.PasswordLockedError{Until: p.locked}
	case personID == 1 && pin == "482913":
		return false, nil
	case personID == 2 && pin == "123456":
		return true, nil
	}
	p.wrong++
	return false, &ledger.PasswordWrongError{TriesLeft: ledger.PasswordTries - p.wrong}
}

// books is a store in memory: terminals and nonces as the real one keeps them,
// and of claims what one card needs.
type books struct {
	mu        sync.Mutex
	terminals map[string]ledger.Terminal
	nonces    map[string]bool
	holders   map[string]ledger.Holder
	transfers []ledger.Transfer
	claims    map[string]*ledger.Claim
	byKey     map[string]ledger.ClaimRequest
	asked     []ledger.ClaimRequest
	between   [2]time.Time
	reason    string
	sold      map[int64]ledger.Consumption
	batches   [][]ledger.Consumption
	listed    []string // cards lost, one a version
	fetched   []fetch
	audit     []ledger.AuditEntry
	refuse    error // of Authorise
	fail      error // of everything
}

// fetch is one question for the blacklist.
type fetch struct {
	terminal string
	since    int64
}

func newBooks(t testing.TB) *books {
	b := &books{sold: map[int64]ledger.Consumption{}, terminals: map[string]ledger.Terminal{}, nonces: map[string]bool{}, claims: map[string]*ledger.Claim{}, byKey: map[string]ledger.ClaimRequest{}}
	for id, kind := range map[string]ledger.TerminalKind{"K01": ledger.Kiosk, "K02": ledger.Kiosk, "P01": ledger.POS, "GONE": ledger.Kiosk} {
		sealed, err := kiosk.Seal(sealKey, id, secretOf(id))
		if err != nil {
			t.Fatal(err)
		}
		term := ledger.Terminal{ID: id, Kind: kind, SealedSecret: sealed}
		if id == "GONE" {
			term.DisabledAt = noon.Add(-time.Hour)
		}
		b.terminals[id] = term
	}
	holder := func(id int64, cardNo, name, no string, status ledger.CardStatus) ledger.Holder {
		return ledger.Holder{Person: ledger.Person{ID: id, Name: name, StudentNo: no}, CardID: id * 10, CardNo: cardNo, Status: status}
	}
	b.holders = map[string]ledger.Holder{
		"61000001": holder(1, "61000001", "张小明", "2023000001", ledger.CardNormal),
		"61000002": holder(2, "61000002", "Li Na", "2023000002", ledger.CardNormal),
		"61000003": holder(1, "61000003", "张小明", "2023000001", ledger.CardLost),
	}
	b.transfers = []ledger.Transfer{
		{ID: "T0", PersonID: 1, Title: "微信充值", Amount: 1000, State: ledger.TransferClaimed, CreatedAt: noon.Add(-27 * time.Hour), ClaimedAt: noon.Add(-24 * time.Hour), TerminalID: "K02"},
		{ID: "T1", PersonID: 1, Title: "微信充值", Amount: 5000, State: ledger.TransferPending, CreatedAt: noon.Add(-2 * time.Minute)},
		{ID: "T2", PersonID: 1, Title: "微信充值", Amount: 2000, State: ledger.TransferPending, CreatedAt: noon.Add(-time.Minute)},
		{ID: "T3", PersonID: 1, Title: "补助", Amount: 300, State: ledger.TransferInDoubt, CreatedAt: noon.Add(-time.Second), TerminalID: "K02"},
	}
	return b
}

func (b *books) Terminal(_ context.Context, id string) (ledger.Terminal, error) {
	if b.fail != nil {
		return ledger.Terminal{}, b.fail
	}
	t, ok := b.terminals[id]
	if !ok {
		return t, ledger.ErrNotFound
	}
	return t, nil
}

func (b *books) UseNonce(_ context.Context, terminalID, nonce string, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.nonces[terminalID+" "+nonce] {
		return ledger.ErrNonceTaken
	}
	b.nonces[terminalID+" "+nonce] = true
	return nil
}

func (b *books) Holder(_ context.Context, cardNo string) (ledger.Holder, error) {
	h, ok := b.holders[cardNo]
	if !ok {
		return h, ledger.ErrCardNotFound
	}
	return h, nil
}

func (b *books) PendingTransfers(_ context.Context, personID int64, _ time.Time) (open []ledger.Transfer, _ error) {
	for _, t := range b.transfers {
		if t.PersonID == personID && t.State != ledger.TransferClaimed {
			open = append(open, t)
		}
	}
	return open, nil
}

func (b *books) TransfersBetween(_ context.Context, personID int64, from, to, _ time.Time) (found []ledger.Transfer, _ error) {
	b.between = [2]time.Time{from, to}
	for _, t := range b.transfers {
		if t.PersonID == personID && !t.CreatedAt.Before(from) && t.CreatedAt.Before(to) {
			found = append(found, t)
		}
	}
	return found, nil
}

func (b *books) Authorise(_ context.Context, r ledger.ClaimRequest) (ledger.Claim, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.asked = append(b.asked, r)
	if b.refuse != nil {
		return ledger.Claim{}, b.refuse
	}
	name := r.TerminalID + " " + r.IdempotencyKey
	if first, ok := b.byKey[name]; ok {
		if !bytes.Equal(first.BodyHash, r.BodyHash) {
			return ledger.Claim{}, ledger.ErrIdempotencyReused
		}
		return *b.claims[name], nil
	}
	h, ok := b.holders[r.CardNo]
	switch {
	case !ok:
		return ledger.Claim{}, ledger.ErrCardNotFound
	case h.Status == ledger.CardLost:
		return ledger.Claim{}, ledger.ErrCardLost
	}
	var pending []ledger.Transfer
	for _, t := range b.transfers {
		if t.PersonID == h.Person.ID && t.State == ledger.TransferPending {
			pending = append(pending, t)
		}
	}
	if len(pending) == 0 {
		return ledger.Claim{}, ledger.ErrNothingPending
	}
	taken, sum := ledger.Select(pending, r.MaxBalance-r.Chip.Balance)
	if len(taken) == 0 {
		return ledger.Claim{}, ledger.ErrPurseFull
	}
	c := &ledger.Claim{ID: fmt.Sprintf("C%d", len(b.claims)+1), TerminalID: r.TerminalID, Amount: sum, Before: r.Chip,
		State: ledger.ClaimOpen, CreatedAt: r.Now, ExpiresAt: r.Now.Add(r.Expire), Transfers: taken}
	b.claims[name], b.byKey[name] = c, r
	return *c, nil
}

func (b *books) end(terminalID, claimID string, chip ledger.Chip, unwritten error, otherwise ledger.ClaimState) (ledger.Claim, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.claims {
		if c.ID != claimID || c.TerminalID != terminalID {
			continue
		}
		if c.State == ledger.ClaimOpen {
			switch c.Judge(chip) {
			case ledger.Written:
				c.State = ledger.ClaimClaimed
			case ledger.Unwritten:
				if unwritten != nil {
					return ledger.Claim{}, unwritten
				}
				c.State = otherwise
			default:
				return ledger.Claim{}, ledger.ErrChipOutOfStep
			}
		}
		return *c, nil
	}
	return ledger.Claim{}, ledger.ErrClaimNotFound
}

func (b *books) ConfirmClaim(_ context.Context, terminalID, claimID string, chip ledger.Chip, _ time.Time) (ledger.Claim, error) {
	return b.end(terminalID, claimID, chip, ledger.ErrChipOutOfStep, "")
}

func (b *books) CancelClaim(_ context.Context, terminalID, claimID string, chip ledger.Chip, reason string, _ time.Time) (ledger.Claim, error) {
	b.reason = reason
	return b.end(terminalID, claimID, chip, nil, ledger.ClaimReleased)
}

// IngestConsumptions tells duplicates and conflicts of one till apart by seq;
// nothing else of the books is played.
func (b *books) IngestConsumptions(_ context.Context, _ string, records []ledger.Consumption, _ time.Time) (done ledger.Ingested, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(records) > ledger.MaxBatch {
		return done, ledger.ErrBatchTooLarge
	}
	b.batches = append(b.batches, records)
	for _, r := range records {
		old, known := b.sold[r.Seq]
		switch _, held := b.holders[r.CardNo]; {
		case known && old == r:
			done.Duplicates++
			continue
		case known:
			r.Fault = ledger.RejectConflict
		case r.Fault == "" && !held:
			r.Fault = ledger.RejectCardNotFound
		}
		if r.Fault != "" {
			done.Rejected = append(done.Rejected, ledger.Rejection{Seq: r.Seq, Code: r.Fault})
		} else {
			done.Accepted++
		}
		b.sold[r.Seq] = r
		done.AckedSeq = max(done.AckedSeq, r.Seq)
	}
	return done, nil
}

func (b *books) Blacklist(_ context.Context, terminalID string, since int64, _ time.Time) (ledger.Blacklist, error) {
	b.fetched = append(b.fetched, fetch{terminalID, since})
	version := int64(len(b.listed))
	sum := sha256.Sum256([]byte(strings.Join(b.listed, "\n")))
	list := ledger.Blacklist{Version: version, Checksum: hex.EncodeToString(sum[:]), Full: since == 0 || since > version}
	if list.Full {
		since = 0
	}
	list.Add = b.listed[since:]
	return list, nil
}

func (b *books) Audit(_ context.Context, e ledger.AuditEntry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.audit = append(b.audit, e)
	return nil
}
