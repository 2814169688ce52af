package office

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

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
