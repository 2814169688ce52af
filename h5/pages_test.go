package h5

import (
	"context"
	"flag"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var hashes = regexp.MustCompile(`\.[0-9a-f]{12}\.`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	got = hashes.ReplaceAllString(got, ".HASH.")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs:\n%s", name, got)
	}
}

func mainPart(t *testing.T, page string) string {
	t.Helper()
	match := visible.FindStringSubmatch(page)
	if match == nil {
		t.Fatalf("no main part:\n%s", page)
	}
	return match[1]
}

func TestHome(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, lang string
		change     func(*ledger.Balance)
	}{
		{"normal", "zh-CN", func(b *ledger.Balance) { b.Books, b.Pending = 9405, 5000 }},
		{"normal_en", "en-GB,en;q=0.9", func(b *ledger.Balance) { b.Books, b.Pending = 9405, 5000 }},
		{"missing_records", "", func(b *ledger.Balance) { b.Missing = 1 }},
		{"in_doubt", "", func(b *ledger.Balance) { b.InFlight, b.Doubt = 5000, true }},
		{"old_card", "", func(b *ledger.Balance) { b.Old, b.OldDue = 8000, time.Date(2026, 11, 25, 15, 0, 0, 0, shanghai) }},
		{"lost_and_waiting", "en-GB,en;q=0.9", func(b *ledger.Balance) { b.Status, b.Pending = ledger.CardLost, 5000 }},
		{"lost_and_below_zero", "", func(b *ledger.Balance) { b.Status, b.Books, b.AsOf = ledger.CardLost, -650, time.Time{} }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			p.as(w, bound)
			p.lang = c.lang
			balance := w.balances[bound]
			c.change(&balance)
			w.balances[bound] = balance
			golden(t, "home_"+c.name+".html", mainPart(t, wantPage(t, p.get("/h5/"), http.StatusOK)))
		})
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	token := p.as(w, bound)
	wantRedirect(t, p.post("/h5/settings", url.Values{"csrf_token": {token}, "lang": {"en"}, "message_style": {"textcard"}}), "/h5/settings?done=settings")
	if w.people[bound].Lang != ledger.English || w.people[bound].MessageStyle != ledger.StyleTextCard {
		t.Errorf("%+v", w.people[bound])
	}
	wantPage(t, p.get("/h5/settings?done=settings"), 200, `<html lang="en">`, "Saved")
	wantPage(t, p.post("/h5/settings", url.Values{"csrf_token": {token}, "lang": {"tlh"}}), 422, "no such choice")
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	for accept, want := range map[string]string{"": "zh-CN", "en-US,zh;q=0.5": "en", "zh-TW,en": "zh-CN", "fr,de": "zh-CN"} {
		p.lang = accept
		wantPage(t, p.get("/h5/"), 200, `<html lang="`+want+`">`)
	}
	wantRedirect(t, p.get("/h5/topup?amount_fen=5000&lang=en"), "/h5/topup?amount_fen=5000")
	wantPage(t, p.get("/h5/"), 200, `<html lang="en">`, "On your card")
	t.Run("NotFromElsewhere", func(t *testing.T) {
		r := httptest.NewRequest("GET", "https://card.example.edu.cn/h5/?lang=zh-CN", nil)
		r.Header.Set("Sec-Fetch-Site", "cross-site")
		p.do(r)
		if w.people[bound].Lang != ledger.English {
			t.Error("a link elsewhere changed the language")
		}
	})
}

// Whoever never chose is spoken to as the chat last did, on every page and in
// every answer, until they choose.
func TestLanguage_OfTheChat(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		who           int64
		chat          ledger.Lang
		record        ledger.Lang
		cookie, query string
		accept, want  string
	}{
		{"Known", known, ledger.English, "", "", "", "zh-CN", "en"},
		{"Verified", verified, ledger.English, "", "", "", "zh-CN", "en"},
		{"Bound", bound, ledger.English, "", "", "", "zh-CN", "en"},
		{"Newcomer", 99, ledger.English, "", "", "", "zh-CN", "en"},
		{"Chinese", known, ledger.Chinese, "", "", "", "en", "zh-CN"},
		{"NothingSaid", known, "", "", "", "", "en", "en"},
		{"ChosenOnRecord", bound, ledger.English, ledger.Chinese, "", "", "en", "zh-CN"},
		{"ChosenInTheBrowser", 99, ledger.English, "", "zh-CN", "", "en", "zh-CN"},
		{"ChosenJustNow", 99, ledger.English, "", "", "?lang=zh-CN", "en", "zh-CN"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w, func(cfg *Config) {
				cfg.Spoken = func(_ context.Context, userID string) ledger.Lang {
					if person := w.people[c.who]; person != nil && person.UserID != userID || person == nil && userID != "visitor7" {
						t.Errorf("asked about %q", userID)
					}
					return c.chat
				}
			})
			p.as(w, c.who)
			p.lang = c.accept
			if c.record != "" {
				w.people[c.who].Lang = c.record
			}
			if c.cookie != "" {
				p.cookies["__Host-"+langCookie] = c.cookie
			}
			path := map[int64]string{known: "/h5/verify", verified: "/h5/bind", bound: "/h5/password", 99: "/h5/verify"}[c.who]
			wantPage(t, p.get(path+c.query), 200, `<html lang="`+c.want+`">`)
		})
	}
}

// What people and the register wrote comes out as words, never as markup, and
// cannot turn the writing round.
func TestForeignWords(t *testing.T) {
	t.Parallel()
	for _, hostile := range []string{`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `{{.CSRF}}`, `javascript:alert(1)`, "a\u202egnp.exe", "a\u200bb\x00c", strings.Repeat("长", 300)} {
		w := newWorld()
		w.people[bound].Name = hostile
		w.transfers[bound] = []ledger.Transfer{{ID: "1", Kind: "subsidy", Title: hostile, State: ledger.TransferPending, CreatedAt: w.now}}
		p := open(t, w)
		token := p.as(w, bound)
		pages := wantPage(t, p.get("/h5/"), 200) + wantPage(t, p.get("/h5/transfers"), 200) +
			wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_yuan": {hostile}}), 400)
		token = p.as(w, verified)
		pages += wantPage(t, p.post("/h5/bind", bindForm(token, hostile, hostile, "000000")), 422)
		for _, bad := range []string{"<script>alert", "<img", "\u202e", "\u200b", "\x00", strings.Repeat("长", 65)} {
			if strings.Contains(pages, bad) {
				t.Errorf("%.40q came through as %.40q", hostile, bad)
			}
		}
	}
}

func TestErrorPages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	for _, method := range []string{"GET", "POST", "DELETE"} {
		answer := p.do(httptest.NewRequest(method, "https://card.example.edu.cn/h5/nothing", nil))
		wantPage(t, answer, 404, "没有这个页面", "编号 "+answer.Header.Get("X-Request-Id"))
	}
	t.Run("InTheirLanguage", func(t *testing.T) {
		w := newWorld()
		w.people[bound].Lang = ledger.English
		p := open(t, w)
		p.as(w, bound)
		wantPage(t, p.get("/h5/nothing"), 404, "There is no such page")
	})
	t.Run("TooLarge", func(t *testing.T) {
		token := p.as(w, bound)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {strings.Repeat("1", 20<<10)}}), 400)
	})
}
