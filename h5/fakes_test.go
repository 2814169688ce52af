package h5

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// world is everything around the pages, in memory: the store, WeCom, WeChat
// Pay and identity. Its zero parts are filled by newWorld.
type world struct {
	mu        sync.Mutex
	now       time.Time
	people    map[int64]*ledger.Person
	sessions  map[string]ledger.Session
	states    map[string]stateEntry
	balances  map[int64]ledger.Balance
	transfers map[int64][]ledger.Transfer
	orders    map[string]*ledger.Order
	awaited   map[string]string // person and purpose → the code
	issued    map[int64]time.Time
	passwords map[int64]string // "" or none = the initial one
	tries     map[int64]int
	locked    map[int64]time.Time

	oauthCodes map[string]string // code → userid, "" = no member
	noOpenID   bool
	payError   error
	sendError  error
	asked      int
	passwordOK int // tries that were right

	refunds   []string // ids of transfers
	refundErr error

	spent    map[int64][]ledger.SpentAfterLoss
	losses   map[int64]ledger.LossReport
	muted    map[ledger.EventKind]bool
	audit    map[int64][]ledger.AuditEntry
	moved    map[int64][]ledger.Movement // on the card, since its opening
	accepted []ledger.LossReport         // told to LossCards
	lossErr  error

	numbers  map[string]string // userid → number given
	asks     []string          // numbers for which a code was asked
	tooOften time.Duration

	log strings.Builder
}

type stateEntry struct {
	value string
	until time.Time
}

var shanghai = time.FixedZone("Asia/Shanghai", 8*60*60)

// Four people, one a step: bound, verified, known, and bound with the initial
// password.
const (
	bound    = 1
	verified = 2
	known    = 3
	initial  = 4
)

func newWorld() *world {
	now := time.Date(2025, 11, 22, 12, 8, 0, 0, shanghai)
	early := now.AddDate(0, -2, 0)
	w := &world{
		now: now,
		people: map[int64]*ledger.Person{
			bound: {ID: bound, StudentNo: "20230001", Name: "张小明", Email: "zhangxm@example.edu.cn", Phone: "13800138000", UserID: "20230001",
				VerifiedAt: early, BoundAt: early, CardID: 11, CardNo: "6217000123450001"},
			verified: {ID: verified, StudentNo: "20230002", Name: "李 雷", Email: "lilei@example.edu.cn", UserID: "20230002",
				VerifiedAt: early, CardID: 12, CardNo: "6217000123450002"},
			known: {ID: known, StudentNo: "20230003", Name: "韩梅梅", Email: "hanmm@example.edu.cn", Phone: "13900139000", UserID: "20230003",
				CardID: 13, CardNo: "6217000123450003"},
			initial: {ID: initial, StudentNo: "20230004", Name: "Jim Green", Email: "jim@example.edu.cn", UserID: "20230004",
				VerifiedAt: early, BoundAt: early, CardID: 14, CardNo: "6217000123450004"},
		},
		sessions: map[string]ledger.Session{}, states: map[string]stateEntry{},
		balances: map[int64]ledger.Balance{}, transfers: map[int64][]ledger.Transfer{}, orders: map[string]*ledger.Order{},
		awaited: map[string]string{}, issued: map[int64]time.Time{}, passwords: map[int64]string{bound: "258036", verified: "", known: ""},
		tries: map[int64]int{}, locked: map[int64]time.Time{},
		losses: map[int64]ledger.LossReport{}, muted: map[ledger.EventKind]bool{}, audit: map[int64][]ledger.AuditEntry{}, moved: map[int64][]ledger.Movement{}, numbers: map[string]string{},
		oauthCodes: map[string]string{"good": "20230001", "outsider": "", "linked": "wwother/20230001", "stranger": "visitor7"},
	}
	for id, p := range w.people {
		w.balances[id] = ledger.Balance{CardNo: p.CardNo, Status: ledger.CardNormal, Books: 9400, AsOf: now, PasswordInitial: w.passwords[id] == ""}
	}
	return w
}

func (w *world) config() Config {
	return Config{
		PublicURL: "https://card.example.edu.cn", OAuthURL: "https://open.weixin.qq.com", CorpID: "wwcorp", AgentID: 1000002,
		Amounts: []ledger.Fen{1000, 2000, 5000, 10000, 20000}, Min: 100, Max: 50000, MaxBalance: 100000, Expire: 15 * time.Minute,
		RequireOwnPassword: true, Location: shanghai,
		Store: w, States: w, Members: w, Codes: fakeCodes{w}, Passwords: fakePasswords{w}, Payments: w,
		Newcomers: fakeNewcomers{w}, LossCards: w,
		Now: func() time.Time { return w.now }, Rand: rand.Reader, Log: slog.New(slog.NewTextHandler(&lockedWriter{w: w}, nil)),
	}
}

type lockedWriter struct{ w *world }

func (l *lockedWriter) Write(b []byte) (int, error) {
	l.w.mu.Lock()
	defer l.w.mu.Unlock()
	return l.w.log.Write(b)
}

func (w *world) person(id int64) (ledger.Person, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if p, ok := w.people[id]; ok {
		return *p, nil
	}
	return ledger.Person{}, ledger.ErrNotFound
}

func (w *world) PersonByID(_ context.Context, id int64) (ledger.Person, error) { return w.person(id) }

func (w *world) PersonByUserID(_ context.Context, userID string) (ledger.Person, error) {
	for _, id := range slices.Sorted(maps.Keys(w.people)) {
		if w.people[id].UserID == userID {
			return w.person(id)
		}
	}
	return ledger.Person{}, ledger.ErrNotFound
}

func (w *world) change(id int64, f func(*ledger.Person)) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	p, ok := w.people[id]
	if !ok {
		return ledger.ErrNotFound
	}
	f(p)
	return nil
}

func (w *world) SetLang(_ context.Context, id int64, lang ledger.Lang) error {
	return w.change(id, func(p *ledger.Person) { p.Lang = lang })
}
func (w *world) SetOpenID(_ context.Context, id int64, openID string) error {
	return w.change(id, func(p *ledger.Person) { p.OpenID = openID })
}
func (w *world) SetMessageStyle(_ context.Context, id int64, s ledger.MessageStyle) error {
	return w.change(id, func(p *ledger.Person) { p.MessageStyle = s })
}
func (w *world) MarkVerified(_ context.Context, id int64, at time.Time) error {
	return w.change(id, func(p *ledger.Person) { p.VerifiedAt = at })
}
func (w *world) BindCard(_ context.Context, id int64, at time.Time) error {
	return w.change(id, func(p *ledger.Person) { p.BoundAt = at })
}

func (w *world) PasswordState(_ context.Context, id int64, _ time.Time) (bool, time.Time, error) {
	return w.passwords[id] == "", w.locked[id], nil
}

func (w *world) CodeAwaited(_ context.Context, id int64, p ledger.Purpose, now time.Time) (bool, time.Duration, error) {
	return w.awaited[codeKey(id, p)] != "", max(0, w.issued[id].Add(time.Minute).Sub(now)), nil
}

func (w *world) Balance(_ context.Context, id int64, _ time.Time) (ledger.Balance, error) {
	return w.balances[id], nil
}

func (w *world) Transfers(_ context.Context, id int64, limit int, _ time.Time) ([]ledger.Transfer, error) {
	all := w.transfers[id]
	return all[:min(limit, len(all))], nil
}

func (w *world) Statement(ctx context.Context, id int64, m ledger.Month, now time.Time) (ledger.Statement, error) {
	s, err := w.StatementBetween(ctx, id, m.Start(shanghai), (m + 1).Start(shanghai))
	if now = now.In(shanghai); err == nil && ledger.MonthOf(now) == m {
		s.SameDays = now.Day()
		s.Before = ledger.NewStatement(opened, (m - 1).Start(shanghai), (m-1).Start(shanghai).AddDate(0, 0, s.SameDays), w.moved[id]).Spent
	}
	return s, err
}

// opened is what the fake cards were opened with.
const opened = 5000

func (w *world) StatementBetween(_ context.Context, id int64, from, to time.Time) (ledger.Statement, error) {
	if w.people[id] == nil {
		return ledger.Statement{}, ledger.ErrNotFound
	}
	before := (ledger.MonthOf(from) - 1).Start(shanghai)
	s := ledger.NewStatement(opened, from, to, w.moved[id])
	s.Before = ledger.NewStatement(opened, before, ledger.MonthOf(from).Start(shanghai), w.moved[id]).Spent
	for _, t := range w.transfers[id] {
		switch in := !t.CreatedAt.Before(from) && t.CreatedAt.Before(to); {
		case in && t.Kind == ledger.KindSubsidy:
			s.Granted += t.Amount
		case in && t.Kind == ledger.KindCorrection:
			s.Reversed += t.Amount
		case in && t.Kind == ledger.KindTopUp:
			s.Paid += t.Amount
			if t.State == ledger.TransferRefunded || t.State == ledger.TransferRefunding {
				s.Returned += t.Amount
			}
		}
	}
	return s, nil
}

func (w *world) Order(_ context.Context, id int64, no string) (ledger.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if o, ok := w.orders[no]; ok && o.PersonID == id {
		return *o, nil
	}
	return ledger.Order{}, notThere(no)
}

func (w *world) BeginRefund(_ context.Context, id int64, transferID string, _ time.Time) (ledger.Refund, error) {
	for i, t := range w.transfers[id] {
		switch {
		case t.ID != transferID:
			continue
		case w.refundErr != nil:
			return ledger.Refund{}, w.refundErr
		case t.State != ledger.TransferPending || t.Kind != "topup":
			return ledger.Refund{}, fmt.Errorf("%w: by its state", ledger.ErrRefundRefused)
		}
		w.transfers[id][i].State = ledger.TransferRefunding
		w.refunds = append(w.refunds, transferID)
		return ledger.Refund{TransferID: transferID, Amount: t.Amount, State: ledger.RefundWanted}, nil
	}
	return ledger.Refund{}, notThere(transferID)
}

// notThere is what PostgreSQL says to a key it has no row for: of bytes that
// are no text it complains.
func notThere(key string) error {
	if strings.ContainsRune(key, 0) || !utf8.ValidString(key) {
		return errors.New("invalid byte sequence for encoding UTF8")
	}
	return ledger.ErrNotFound
}

func (w *world) CreateSession(_ context.Context, s ledger.Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sessions[string(s.TokenHash)] = s
	return nil
}

func (w *world) Session(_ context.Context, hash []byte, now time.Time) (ledger.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.sessions[string(hash)]
	if !ok || !now.Before(s.ExpiresAt) {
		return ledger.Session{}, ledger.ErrNotFound
	}
	return s, nil
}

func (w *world) EndSession(_ context.Context, hash []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.sessions, string(hash))
	return nil
}

func (w *world) EndSessions(_ context.Context, id int64, except []byte) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	maps.DeleteFunc(w.sessions, func(hash string, s ledger.Session) bool { return s.PersonID == id && hash != string(except) })
	return nil
}

func (w *world) Put(_ context.Context, key, value string, ttl time.Duration) error {
	w.states[key] = stateEntry{value, w.now.Add(ttl)}
	return nil
}

func (w *world) Take(_ context.Context, key string) (string, error) {
	s, ok := w.states[key]
	delete(w.states, key)
	if !ok || !w.now.Before(s.until) {
		return "", ledger.ErrNotFound
	}
	return s.value, nil
}

func (w *world) UserInfo(_ context.Context, code string) (string, error) {
	if code == "down" {
		return "", errors.New("no answer")
	}
	userID, ok := w.oauthCodes[code]
	if !ok {
		return "", ErrOAuthCode
	}
	if userID == "" {
		return "", ErrNotMember
	}
	delete(w.oauthCodes, code)
	return userID, nil
}

func (w *world) OpenID(context.Context, string) (string, error) {
	if w.noOpenID {
		return "", ErrNoOpenID
	}
	return "oXiaoMing", nil
}

func (w *world) Create(_ context.Context, p ledger.Person, amount ledger.Fen, expire time.Duration) (ledger.Order, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := ledger.Order{OutTradeNo: "XK20251122ABCDEFGHIJKLMNOP", PersonID: p.ID, CardID: p.CardID, Amount: amount,
		State: ledger.OrderCreated, CreatedAt: w.now, ExpiresAt: w.now.Add(expire)}
	w.orders[o.OutTradeNo] = &o
	return o, nil
}

func (w *world) CallUp(_ context.Context, o ledger.Order, openID string) (CallUp, error) {
	if w.payError != nil {
		return CallUp{}, w.payError
	}
	return CallUp{AppID: "wwcorp", TimeStamp: "1763784480", NonceStr: "n", Package: "prepay_id=" + openID, SignType: "RSA", PaySign: "s"}, nil
}

func (w *world) QR(_ context.Context, o ledger.Order) (string, error) {
	return "weixin://wxpay/bizpayurl?pr=" + o.OutTradeNo, w.payError
}

func (w *world) Ask(_ context.Context, o ledger.Order) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked++
	w.orders[o.OutTradeNo].State = ledger.OrderPaid
	return nil
}

func (w *world) ReportLoss(ctx context.Context, id int64, now time.Time) (ledger.LossReport, error) {
	if w.lossErr != nil {
		return ledger.LossReport{}, w.lossErr
	}
	w.losses[id] = ledger.LossReport{Receipt: "GS20251122-7K2MQ4XA", CardNo: w.people[id].CardNo, AcceptedAt: now, Version: 7, Terminals: 44, Informed: 41}
	return w.losses[id], nil
}

func (w *world) CancelLoss(_ context.Context, id int64, now time.Time) (ledger.LossReport, error) {
	r, ok := w.losses[id]
	if !ok || !r.EndedAt.IsZero() {
		return r, ledger.ErrNotLost
	}
	r.EndedAt = now
	w.losses[id] = r
	return r, nil
}

func (w *world) LossState(_ context.Context, id int64) (ledger.LossReport, error) {
	if r, ok := w.losses[id]; ok {
		return r, nil
	}
	return ledger.LossReport{}, ledger.ErrNotFound
}

func (w *world) SpentAfterLoss(_ context.Context, id int64, receipt string) ([]ledger.SpentAfterLoss, error) {
	if w.losses[id].Receipt != receipt {
		return nil, nil
	}
	return w.spent[id], nil
}

func (w *world) Accepted(_ context.Context, p ledger.Person, r ledger.LossReport) {
	w.accepted = append(w.accepted, r)
}

func (w *world) Unbind(ctx context.Context, id int64, _ time.Time) error {
	if err := w.EndSessions(ctx, id, nil); err != nil {
		return err
	}
	return w.change(id, func(p *ledger.Person) { p.BoundAt = time.Time{} })
}

func (w *world) AuditOf(_ context.Context, id int64, limit int) ([]ledger.AuditEntry, error) {
	return w.audit[id][:min(limit, len(w.audit[id]))], nil
}

func (w *world) PushSettings(context.Context, int64) (all []ledger.PushSetting, err error) {
	for _, k := range ledger.Mutable() {
		all = append(all, ledger.PushSetting{Kind: k, On: !w.muted[k]})
	}
	return all, nil
}

func (w *world) SetPush(_ context.Context, _ int64, kind ledger.EventKind, on bool) error {
	w.muted[kind] = !on
	return nil
}

func (w *world) SetLowBalance(_ context.Context, id int64, f ledger.Fen) error {
	return w.change(id, func(p *ledger.Person) { p.LowBalance = f })
}

// fakeNewcomers links a member to the person known.
type fakeNewcomers struct{ *world }

func (n fakeNewcomers) Channels() []ledger.Channel {
	return []ledger.Channel{ledger.Email, ledger.Phone}
}

func (n fakeNewcomers) Ask(_ context.Context, userID, number string, ch ledger.Channel, lang ledger.Lang) (time.Duration, error) {
	if n.tooOften > 0 {
		return n.tooOften, nil
	}
	n.numbers[userID] = number
	n.asks = append(n.asks, fmt.Sprint(number, " ", ch, " ", lang))
	return 0, nil
}

func (n fakeNewcomers) Asked(_ context.Context, userID string) (bool, error) {
	return n.numbers[userID] != "", nil
}

func (n fakeNewcomers) Prove(_ context.Context, userID, code string) (bool, error) {
	if n.numbers[userID] != n.people[known].StudentNo || code != "482913" {
		return false, nil
	}
	return true, n.change(known, func(p *ledger.Person) { p.UserID, p.VerifiedAt = userID, n.now })
}

// payRefusal is an error as pay makes them.
type payRefusal string

func (e payRefusal) Error() string { return string(e) }
func (e payRefusal) Code() string  { return string(e) }

func codeKey(id int64, p ledger.Purpose) string { return string(p) + string(rune('0'+id)) }

type fakeCodes struct{ *world }

func (c fakeCodes) Addresses(p ledger.Person) (found []identity.Address) {
	if p.Email != "" {
		found = append(found, identity.Address{Channel: ledger.Email, Masked: identity.MaskEmail(p.Email)})
	}
	if p.Phone != "" {
		found = append(found, identity.Address{Channel: ledger.Phone, Masked: identity.MaskPhone(p.Phone)})
	}
	return found
}

func (c fakeCodes) Send(_ context.Context, p ledger.Person, ch ledger.Channel, purpose ledger.Purpose) (string, error) {
	if c.sendError != nil {
		return "", c.sendError
	}
	for _, a := range c.Addresses(p) {
		if a.Channel == ch {
			c.awaited[codeKey(p.ID, purpose)], c.issued[p.ID] = "482913", c.now
			return a.Masked, nil
		}
	}
	return "", identity.ErrNoAddress
}

func (c fakeCodes) Check(_ context.Context, id int64, purpose ledger.Purpose, code string) error {
	key := codeKey(id, purpose)
	switch want := c.awaited[key]; {
	case len(identity.NormalDigits(code)) != 6:
		return identity.ErrCodeFormat
	case want == "":
		return ledger.ErrNoCode
	case want != identity.NormalDigits(code):
		return &ledger.CodeWrongError{TriesLeft: 4}
	}
	delete(c.awaited, key)
	return nil
}

type fakePasswords struct{ *world }

func (p fakePasswords) Verify(_ context.Context, id int64, pin string) (bool, error) {
	want := p.passwords[id]
	if want == "" {
		want = identity.InitialPassword
	}
	switch {
	case len(pin) != 6:
		return false, identity.ErrPasswordFormat
	case p.now.Before(p.locked[id]):
		return false, &ledger.PasswordLockedError{Until: p.locked[id]}
	case pin != want:
		if p.tries[id]++; p.tries[id] >= ledger.PasswordTries {
			p.locked[id] = p.now.Add(ledger.PasswordLock)
			return false, &ledger.PasswordLockedError{Until: p.locked[id]}
		}
		return false, &ledger.PasswordWrongError{TriesLeft: ledger.PasswordTries - p.tries[id]}
	}
	p.passwordOK++
	p.tries[id] = 0
	return p.passwords[id] == "", nil
}

func (p fakePasswords) Set(_ context.Context, person ledger.Person, pin string) error {
	p.passwords[person.ID] = pin
	delete(p.locked, person.ID)
	return nil
}

// phone is a browser: it keeps cookies and posts what a page's form holds.
type phone struct {
	t       *testing.T
	pages   http.Handler
	cookies map[string]string
	lang    string
}

// open starts the pages in a world and hands over a phone.
func open(t *testing.T, w *world, edit ...func(*Config)) *phone {
	t.Helper()
	cfg := w.config()
	for _, f := range edit {
		f(&cfg)
	}
	pages, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &phone{t: t, pages: pages, cookies: map[string]string{}}
}

// as gives the phone a session of the person, and returns its form token.
func (p *phone) as(w *world, id int64) string {
	p.t.Helper()
	csrf, err := p.session(p.t.Context(), w, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return csrf
}

func (p *phone) session(ctx context.Context, w *world, id int64) (csrf string, err error) {
	token := "token-" + rand.Text()
	person := w.people[id]
	s := ledger.Session{TokenHash: hashToken(token), CSRF: "csrf-" + rand.Text(), CreatedAt: w.now, ExpiresAt: w.now.Add(sessionTTL), UserID: "visitor7"}
	if person != nil {
		s.PersonID, s.UserID = id, person.UserID
	}
	p.cookies["__Host-"+sessionCookie] = token
	return s.CSRF, w.CreateSession(ctx, s)
}

func (p *phone) do(r *http.Request) *http.Response {
	p.t.Helper()
	for name, value := range p.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if p.lang != "" {
		r.Header.Set("Accept-Language", p.lang)
	}
	recorder := httptest.NewRecorder()
	p.pages.ServeHTTP(recorder, r)
	answer := recorder.Result()
	for _, c := range answer.Cookies() {
		p.cookies[c.Name] = c.Value
	}
	return answer
}

func (p *phone) get(path string) *http.Response {
	p.t.Helper()
	return p.do(httptest.NewRequest("GET", "https://card.example.edu.cn"+path, nil))
}

func (p *phone) post(path string, form url.Values) *http.Response {
	p.t.Helper()
	return p.do(postRequest(path, form))
}

func postRequest(path string, form url.Values) *http.Request {
	r := httptest.NewRequest("POST", "https://card.example.edu.cn"+path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Origin", "https://card.example.edu.cn")
	return r
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// wantPage checks a status and that words are on the page.
func wantPage(t *testing.T, answer *http.Response, status int, words ...string) string {
	t.Helper()
	got := body(t, answer)
	if answer.StatusCode != status {
		t.Fatalf("status %d, want %d\n%s", answer.StatusCode, status, got)
	}
	for _, word := range words {
		if !strings.Contains(got, word) {
			t.Errorf("%q is not on the page:\n%s", word, got)
		}
	}
	return got
}

func wantRedirect(t *testing.T, answer *http.Response, to string) {
	t.Helper()
	if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != to {
		t.Fatalf("status %d to %q, want 303 to %q\n%s", answer.StatusCode, answer.Header.Get("Location"), to, body(t, answer))
	}
}

var visible = regexp.MustCompile(`(?s)<main>(.*)</main>`)
