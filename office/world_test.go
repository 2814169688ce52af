package office

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// world is the database, WeCom and what is kept for minutes.
type world struct {
	now       time.Time
	overview  ledger.Overview
	audit     []ledger.AuditEntry
	auditFail error
	kept      map[string]string
	until     map[string]time.Time
}

func newWorld() *world {
	return &world{now: noon, kept: map[string]string{}, until: map[string]time.Time{}}
}

func (w *world) Overview(_ context.Context, now time.Time) (ledger.Overview, error) {
	w.overview.At = now
	return w.overview, nil
}

func (w *world) DayReports(_ context.Context, day time.Time) ([]ledger.DayReport, error) {
	if day.Format(time.DateOnly) != "2026-11-21" {
		return nil, nil
	}
	return []ledger.DayReport{{Day: "2026-11-21", Daily: true, EndedAt: noon, Classes: map[string]int{"matched": 7, "missing there": 1}, Differences: 1,
		Lines: []ledger.DayLine{{Class: "missing there", OutTradeNo: "XK20261121AAAA", Ours: 5000, Detail: markup}}}}, nil
}

func (w *world) PersonByID(_ context.Context, id int64) (ledger.Person, error) {
	if id != 7 {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return ledger.Person{ID: 7, Name: "张小卡", StudentNo: "2025533001", CardNo: "6100001234", Department: markup}, nil
}

func (w *world) Balance(context.Context, int64, time.Time) (ledger.Balance, error) {
	return ledger.Balance{CardNo: "6100001234", Status: ledger.CardNormal, Books: 1250, Pending: 5000, AsOf: noon, Missing: 2, InFlight: 100, Doubt: true}, nil
}

func (w *world) Transfers(context.Context, int64, int, time.Time) ([]ledger.Transfer, error) {
	return []ledger.Transfer{{ID: "T1", Title: "微信充值", Amount: 5000, State: ledger.TransferInDoubt, CreatedAt: noon}}, nil
}

func (w *world) AuditOf(context.Context, int64, int) ([]ledger.AuditEntry, error) {
	return w.audit, nil
}

func (w *world) Audit(_ context.Context, e ledger.AuditEntry) error {
	if w.auditFail == nil {
		w.audit = append(w.audit, e)
	}
	return w.auditFail
}

func (w *world) Put(_ context.Context, key, value string, ttl time.Duration) error {
	w.kept[key], w.until[key] = value, w.now.Add(ttl)
	return nil
}

func (w *world) Get(_ context.Context, key string) (string, error) {
	v, ok := w.kept[key]
	if !ok || !w.now.Before(w.until[key]) {
		return "", ledger.ErrNotFound
	}
	return v, nil
}

func (w *world) Take(ctx context.Context, key string) (string, error) {
	v, err := w.Get(ctx, key)
	delete(w.kept, key)
	return v, err
}

func (w *world) UserInfo(_ context.Context, code string) (string, error) {
	switch code {
	case "outsider":
		return "", ErrStranger
	case "down":
		return "", errors.New("WeCom is down")
	}
	return code, nil // the member's own userid serves as the code
}

// browser keeps cookies and follows nothing.
type browser struct {
	t       *testing.T
	pages   http.Handler
	cookies map[string]string
	lang    string
}

func open(t *testing.T, w *world) *browser {
	t.Helper()
	pages, err := New(Config{PublicURL: "https://card.example.edu.cn", OAuthURL: "https://open.weixin.qq.com", CorpID: "wwcorp", AgentID: 1000002,
		Operators: map[string]Role{"viewer": Viewer, "Auditor": Auditor}, Store: w, Keep: w, Members: w, Location: time.UTC,
		Now: func() time.Time { return w.now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, pages: pages, cookies: map[string]string{}, lang: "zh-CN"}
}

func (b *browser) do(method, path string) *http.Response {
	b.t.Helper()
	r := httptest.NewRequest(method, "https://card.example.edu.cn"+path, nil)
	r.Header.Set("Accept-Language", b.lang)
	r.Header.Set("Sec-Fetch-Site", "same-origin")
	for name, value := range b.cookies {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	rec := httptest.NewRecorder()
	b.pages.ServeHTTP(rec, r)
	answer := rec.Result()
	for _, c := range answer.Cookies() {
		if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || !strings.HasPrefix(c.Name, "__Host-") {
			b.t.Errorf("cookie %+v", c)
		}
		if b.cookies[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return answer
}

func (b *browser) get(path string) *http.Response {
	b.t.Helper()
	return b.do(http.MethodGet, path)
}

var authorise = regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/oauth2/authorize\?appid=wwcorp` +
	`&redirect_uri=https%3A%2F%2Fcard\.example\.edu\.cn%2Foffice%2Foauth%2Fcallback` +
	`&response_type=code&scope=snsapi_base&state=([0-9a-f]{32})&agentid=1000002#wechat_redirect$`)

// toWeCom opens a page without a session and returns the state WeCom is given.
func (b *browser) toWeCom(path string) string {
	b.t.Helper()
	answer := b.get(path)
	match := authorise.FindStringSubmatch(answer.Header.Get("Location"))
	if answer.StatusCode != http.StatusSeeOther || match == nil {
		b.t.Fatalf("GET %s: status %d, location %q", path, answer.StatusCode, answer.Header.Get("Location"))
	}
	return match[1]
}

// enter comes in as a member; the answer of the callback is returned.
func (b *browser) enter(userID string) *http.Response {
	b.t.Helper()
	return b.get("/office/oauth/callback?code=" + userID + "&state=" + b.toWeCom("/office/"))
}

func body(t *testing.T, answer *http.Response) string {
	t.Helper()
	all, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(all)
}

const markup = `<script>alert(1)</script>"><b title="`

// busy is a house in which everything waits.
func busy(w *world) {
	card := "6100001234"
	since := ledger.Waiting{N: 30, Since: noon.Add(-100 * time.Hour)}
	w.overview = ledger.Overview{
		Watch: ledger.Watch{Doubts: since, Held: 1, Cases: since, Pending: ledger.Sum{Waiting: since, Amount: 123456}, Terminals: 3, Unseen: since, Suspended: 1, Behind: since,
			BlacklistVersion: 9, ReconciledDay: "2026-11-21", LedgerCheck: ledger.LedgerCheck{EndedAt: noon.Add(-time.Hour), Rows: 10, Violations: 2},
			Jobs: []ledger.JobGroup{{Queue: "default", State: "available", N: 5, Since: noon.Add(-time.Hour)}, {Queue: "default", State: "discarded", N: 40, Since: noon}}},
		Dead: []ledger.DeadJob{{Job: "push", DeadPush: ledger.DeadPush{ID: 77, Event: ledger.Event{Kind: ledger.EventClaimed, PersonID: 7}, FailedAt: noon, Tries: 25,
			Reason: "81013: invaliduser 2025533001 " + markup}}},
		InDoubt: []ledger.Claim{{ID: "CL1", CardNo: card, PersonID: 7, Amount: 5000, TerminalID: "K01", CreatedAt: noon.Add(-time.Hour), HeldAt: noon}},
		OpenCases: []ledger.PersonCase{{PersonID: 7, Case: ledger.Case{ID: 5, Kind: "chip_out_of_step", CardNo: card, Detail: "card " + card + " of 2025533001, " + markup,
			At: noon.Add(-time.Hour)}}},
		Settled: []ledger.PersonCase{{Case: ledger.Case{ID: 4, Kind: "newer_kind", At: noon, SettledAt: noon, How: ledger.ResolveNoted}}},
		Days:    []ledger.DayReport{{Day: "2026-11-21", Daily: true, Classes: map[string]int{"matched": 7}, Differences: 1}},
		Stations: []ledger.StationState{
			{Terminal: ledger.Terminal{ID: "K02", Kind: ledger.Kiosk, Location: "图书馆一楼", SeenAt: noon}, BlacklistVersion: 9, BlacklistAt: noon},
			{Terminal: ledger.Terminal{ID: "K01", Kind: ledger.Kiosk, Location: markup, SuspendedUntil: noon.Add(time.Hour)}, BlacklistVersion: 8, BehindSince: noon.Add(-time.Hour)}},
	}
}
