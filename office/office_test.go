package office

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"

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

// Every address with every kind of visitor: whoever lacks the role gets what a
// stranger gets, and leaves a line.
func TestRoutes_Roles(t *testing.T) {
	t.Parallel()
	visitors := map[string]Role{"viewer": Viewer, "auditor": Auditor, "nobody": Open}
	for _, route := range Routes() {
		path := strings.NewReplacer("{$}", "", "{day}", "2026-11-21", "{id}", "7").Replace(route.Pattern)
		if route.Role == Open {
			continue
		}
		if route.Pattern == "/office/" {
			path = "/office/no/such/page"
		}
		method := route.Method
		if method == "" {
			method = http.MethodGet
		}
		for userID, role := range visitors {
			t.Run(userID+method+route.Pattern, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				busy(w)
				b := open(t, w)
				b.cookies["__Host-"+sessionCookie] = "token"
				w.Put(t.Context(), sessionKey("token"), userID, time.Minute)
				answer := b.do(method, path)
				page := body(t, answer)
				if role >= route.Role && route.Pattern != "/office/" {
					if answer.StatusCode != http.StatusOK || strings.Contains(page, "没有这个页面") {
						t.Errorf("status %d\n%s", answer.StatusCode, page)
					}
					return
				}
				if answer.StatusCode != http.StatusNotFound || !strings.Contains(page, "没有这个页面") {
					t.Errorf("status %d\n%s", answer.StatusCode, page)
				}
				if role < route.Role && (len(w.audit) != 1 || w.audit[0].Action != "office_refused" || w.audit[0].Actor != "member "+userID || w.audit[0].Detail != path) {
					t.Errorf("audited %+v", w.audit)
				}
			})
		}
		t.Run("NoSession"+method+route.Pattern, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			b := open(t, w)
			answer := b.do(method, path)
			if method == http.MethodGet {
				if !authorise.MatchString(answer.Header.Get("Location")) {
					t.Errorf("status %d, to %q", answer.StatusCode, answer.Header.Get("Location"))
				}
			} else if answer.StatusCode != http.StatusNotFound {
				t.Errorf("status %d", answer.StatusCode)
			}
		})
	}
}

func TestEnter(t *testing.T) {
	t.Parallel()
	t.Run("Operator", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		b := open(t, w)
		state := b.toWeCom("/office/days/2026-11-21")
		answer := b.get("/office/oauth/callback?code=AUDITOR&state=" + state)
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Location") != "/office/days/2026-11-21" {
			t.Fatalf("status %d, to %q", answer.StatusCode, answer.Header.Get("Location"))
		}
		token := b.cookies["__Host-"+sessionCookie]
		for key := range w.kept {
			if len(token) < 40 || strings.Contains(key, token) {
				t.Errorf("the token %q is kept as %q", token, key)
			}
		}
		if len(w.audit) != 1 || w.audit[0].Action != "office_entered" || w.audit[0].Actor != "operator auditor" {
			t.Errorf("audited %+v", w.audit)
		}
		if answer := b.get("/office/people/7"); answer.StatusCode != http.StatusOK {
			t.Errorf("status %d", answer.StatusCode)
		}
		if again := b.get("/office/oauth/callback?code=auditor&state=" + state); again.StatusCode != http.StatusBadRequest {
			t.Errorf("the state was used twice: status %d", again.StatusCode)
		}
		w.now = w.now.Add(sessionTTL)
		b.toWeCom("/office/")
	})
	t.Run("Leave", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		b := open(t, w)
		b.enter("viewer")
		token := b.cookies["__Host-"+sessionCookie]
		if answer := b.do(http.MethodPost, "/office/leave"); answer.StatusCode != http.StatusOK {
			t.Fatalf("status %d", answer.StatusCode)
		}
		b.cookies["__Host-"+sessionCookie] = token
		b.toWeCom("/office/")
	})
	t.Run("LeaveFromAnotherSite", func(t *testing.T) {
		t.Parallel()
		b := open(t, newWorld())
		r := httptest.NewRequest(http.MethodPost, "https://card.example.edu.cn/office/leave", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		rec := httptest.NewRecorder()
		if b.pages.ServeHTTP(rec, r); rec.Code != http.StatusForbidden {
			t.Errorf("status %d", rec.Code)
		}
	})
	for name, c := range map[string]struct {
		code   string
		status int
		actor  string
		turn   func(w *world, b *browser)
	}{
		"Member":       {code: "zhangsan", status: 404, actor: "member zhangsan"},
		"LinkedCorp":   {code: "wwother%2Fviewer", status: 404, actor: "member wwother/viewer"},
		"Outsider":     {code: "outsider", status: 404, actor: "stranger"},
		"WeComDown":    {code: "down", status: 500},
		"NoCode":       {status: 400},
		"StateExpired": {code: "viewer", status: 400, turn: func(w *world, _ *browser) { w.now = w.now.Add(stateTTL) }},
		"NoCookie":     {code: "viewer", status: 400, turn: func(_ *world, b *browser) { clear(b.cookies) }},
		"OtherBrowser": {code: "viewer", status: 400, turn: func(_ *world, b *browser) { b.cookies["__Host-"+oauthCookie] = strings.Repeat("ab", 16) }},
		"AuditFails":   {code: "viewer", status: 500, turn: func(w *world, _ *browser) { w.auditFail = errors.New("no database") }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			b := open(t, w)
			state := b.toWeCom("/office/")
			if c.turn != nil {
				c.turn(w, b)
			}
			answer := b.get("/office/oauth/callback?code=" + c.code + "&state=" + state)
			if answer.StatusCode != c.status || b.cookies["__Host-"+sessionCookie] != "" {
				t.Errorf("status %d, cookies %v", answer.StatusCode, b.cookies)
			}
			if c.actor == "" {
				if len(w.audit) != 0 {
					t.Errorf("audited %+v", w.audit)
				}
			} else if len(w.audit) != 1 || w.audit[0].Actor != c.actor || w.audit[0].Action != "office_refused" {
				t.Errorf("audited %+v", w.audit)
			}
		})
	}
	t.Run("NoOperators", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		pages, err := New(Config{PublicURL: "https://card.example.edu.cn", Store: w, Keep: w, Members: w})
		if err != nil {
			t.Fatal(err)
		}
		rec := httptest.NewRecorder()
		if pages.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, "/office/", nil)); rec.Code != http.StatusNotFound {
			t.Errorf("status %d", rec.Code)
		}
	})
}

// A person's page is audited before it is shown, and not shown when that
// fails.
func TestPerson_Audit(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := open(t, w)
	b.enter("auditor")
	w.audit = nil
	page := body(t, b.get("/office/people/7"))
	if !strings.Contains(page, "张小卡") || !strings.Contains(page, "6100001234") || !strings.Contains(page, "¥12.50") || !strings.Contains(page, "looked_up") {
		t.Errorf("the page lacks something:\n%s", page)
	}
	want := ledger.AuditEntry{At: noon, Actor: "operator auditor", Action: "looked_up", PersonID: 7, CardNo: "6100001234", Detail: "on the operators' page"}
	if len(w.audit) != 1 || w.audit[0] != want {
		t.Errorf("audited %+v", w.audit)
	}
	for _, path := range []string{"/office/people/8", "/office/people/0", "/office/people/x", "/office/days/2026-11-20", "/office/days/yesterday"} {
		if answer := b.get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("%s: status %d", path, answer.StatusCode)
		}
	}
	if len(w.audit) != 1 {
		t.Errorf("audited %+v", w.audit)
	}
	w.auditFail = errors.New("no database")
	if answer := b.get("/office/people/7"); answer.StatusCode != http.StatusInternalServerError || strings.Contains(body(t, answer), "张小卡") {
		t.Errorf("shown without a line in the audit log: %d", answer.StatusCode)
	}
}

// The overview shows nobody's number to anybody, and only an auditor the way
// to a person.
func TestOverview(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh-CN", "en"} {
		for _, role := range []string{"viewer", "auditor"} {
			w := newWorld()
			busy(w)
			b := open(t, w)
			b.lang = lang
			b.enter(role)
			page := body(t, b.get("/office/"))
			if strings.Contains(page, "6100001234") || strings.Contains(page, "2025533001") {
				t.Errorf("%s, %s: a number is shown in full", lang, role)
			}
			if (role == "auditor") != strings.Contains(page, "/office/people/7") {
				t.Errorf("%s, %s: the way to the person", lang, role)
			}
			for _, part := range []string{"…1234", "CL1", "K01", "newer_kind", "2026-11-21", "¥1234.56", "20****01"} {
				if !strings.Contains(page, part) {
					t.Errorf("%s, %s: %q is missing", lang, role, part)
				}
			}
			if strings.Index(page, ">K01<") > strings.Index(page, ">K02<") || strings.Index(page, ">5<") > strings.Index(page, ">4<") {
				t.Error("what needs a look does not come first")
			}
		}
	}
}

var inline = regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son[a-z]+=|javascript:|https?://[^w"]`)

// Whatever was typed somewhere is text, nothing is inline, and nothing comes
// from another host.
func TestPages_Inert(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh-CN", "en"} {
		for _, full := range []bool{true, false} {
			w := newWorld()
			if full {
				busy(w)
			}
			b := open(t, w)
			b.lang = lang
			b.enter("auditor")
			for _, path := range []string{"/office/", "/office/days/2026-11-21", "/office/people/7", "/office/none"} {
				answer := b.get(path)
				page := body(t, answer)
				if bad := inline.FindString(page); bad != "" || strings.Contains(page, markup) {
					t.Errorf("%s holds %q", path, bad)
				}
				if !strings.Contains(page, `<html lang="`+lang+`"`) || strings.Contains(page, "%!") || strings.Contains(page, "<no value>") {
					t.Errorf("%s in %s:\n%s", path, lang, page)
				}
				csp := answer.Header.Get("Content-Security-Policy")
				if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'") || strings.Contains(csp, "unsafe") || answer.Header.Get("Cache-Control") != "no-store" ||
					answer.Header.Get("X-Content-Type-Options") != "nosniff" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
					t.Errorf("%s: headers %v", path, answer.Header)
				}
				for _, asset := range regexp.MustCompile(`(?:href|src)="(/office/static/[^"]+)"`).FindAllStringSubmatch(page, -1) {
					if answer := b.get(asset[1]); answer.StatusCode != http.StatusOK || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") {
						t.Errorf("%s: status %d", asset[1], answer.StatusCode)
					}
				}
			}
		}
	}
}

func TestLang_Kept(t *testing.T) {
	t.Parallel()
	w := newWorld()
	b := open(t, w)
	b.enter("viewer")
	if page := body(t, b.get("/office/?lang=en")); !strings.Contains(page, "No claim is in doubt") {
		t.Error("not in English")
	}
	if page := body(t, b.get("/office/")); !strings.Contains(page, "No claim is in doubt") {
		t.Error("the choice was not kept")
	}
	if page := body(t, b.get("/office/?"+url.Values{"lang": {"zh-CN"}}.Encode())); !strings.Contains(page, "没有结果未知的写卡") {
		t.Error("not back in Chinese")
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{-time.Minute: "0 s", 119 * time.Second: "119 s", 2 * time.Minute: "2 min", 119 * time.Minute: "119 min",
		2 * time.Hour: "2 h", 47 * time.Hour: "47 h", 48 * time.Hour: "2 days"} {
		if got := age(ledger.English, d); got != want {
			t.Errorf("age(%v) = %q, want %q", d, got, want)
		}
	}
}

var (
	used  = regexp.MustCompile(`"([a-z_]+(?:\.[a-z_]+)+)"`)
	verbs = regexp.MustCompile(`%[a-z]`)
)

// families are the keys that are put together from a word of the program.
var families = []string{"state.", "tile.name.", "title.", "message.", "kind.", "job.", "queue.", "class.", "case.", "how.", "event.", "card.", "transfer."}

// Every text that is used exists in both languages, and none in vain.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	var sources strings.Builder
	names, _ := filepath.Glob("*.go")
	for _, name := range names {
		if name != "texts.go" && !strings.HasSuffix(name, "_test.go") {
			source, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			sources.Write(source)
		}
	}
	fs.WalkDir(files, "templates", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			source, _ := files.ReadFile(name)
			sources.Write(source)
		}
		return err
	})
	needed := map[string]bool{}
	for _, m := range used.FindAllStringSubmatch(sources.String(), -1) {
		if ext := filepath.Ext(m[1]); ext != ".css" && ext != ".svg" && ext != ".html" {
			needed[m[1]] = true
			if catalogue[m[1]] == (said{}) {
				t.Errorf("%q is used and not in the catalogue", m[1])
			}
		}
	}
	for _, class := range classes {
		if catalogue["class."+class] == (said{}) {
			t.Errorf("the class %q has no name", class)
		}
	}
	for key, text := range catalogue {
		if !needed[key] && !slices.ContainsFunc(families, func(f string) bool { return strings.HasPrefix(key, f) }) {
			t.Errorf("%q is not used", key)
		}
		if text.zh == "" || text.en == "" {
			t.Errorf("%q lacks a language", key)
		}
		if fmt.Sprint(verbs.FindAllString(text.zh, -1)) != fmt.Sprint(verbs.FindAllString(text.en, -1)) {
			t.Errorf("%q takes other values in the other language", key)
		}
		if strings.ContainsAny(text.zh+text.en, "!！") || strings.Contains(text.zh, "到账") || strings.ContainsFunc(text.en, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%q shouts, promises, or is Chinese in English", key)
		}
	}
}
