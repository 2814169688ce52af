package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"xiaoka/h5"
)

// posts are the fields that make each form act for somebody whose card is
// bound, in an order in which all of them can; a form that is not listed is
// posted with its token alone.
var posts = []struct {
	path   string
	fields []string
}{
	{"/h5/settings", []string{"lang", "en"}},
	{"/h5/topup", []string{"amount_fen", "1000"}},
	{"/h5/password", []string{"old_password", ownPassword, "new_password", "582046"}},
	{"/h5/loss", []string{"query_password", "582046"}},
	{"/h5/unbind", []string{"query_password", "582046"}},
}

func TestAttack_T13_CSRF(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		m, other := h.newMember(0).holder(), h.newMember(1).holder()
		form, foreign := m.form(), other.form().Get("csrf_token")
		forms := map[string]url.Values{}
		for _, p := range posts {
			// The password that serves now: nothing has changed it yet.
			forms[p.path] = with(form, p.fields...)
			if p.path != "/h5/password" && forms[p.path].Has("query_password") {
				forms[p.path].Set("query_password", ownPassword)
			}
		}
		header := func(pairs ...string) func(*http.Request) {
			return func(r *http.Request) {
				for i := 0; i < len(pairs); i += 2 {
					r.Header.Set(pairs[i], pairs[i+1])
				}
			}
		}
		attacks := []struct {
			name   string
			forge  func(url.Values) url.Values
			change func(*http.Request)
		}{
			{"NoToken", func(f url.Values) url.Values { f.Del("csrf_token"); return f }, header("Origin", h.url)},
			{"EmptyToken", func(f url.Values) url.Values { return with(f, "csrf_token", "") }, header("Origin", h.url)},
			{"WrongToken", func(f url.Values) url.Values { return with(f, "csrf_token", "AAAAAAAAAAAAAAAAAAAAAA") }, header("Origin", h.url)},
			{"TokenOfAnotherSession", func(f url.Values) url.Values { return with(f, "csrf_token", foreign) }, header("Origin", h.url)},
			{"ForeignOrigin", nil, header("Origin", "https://evil.example")},
			{"OriginThatBeginsAlike", nil, header("Origin", h.url+".evil.example")},
			{"OriginNull", nil, header("Origin", "null")},
			{"CrossSite", nil, header("Sec-Fetch-Site", "cross-site")},
			{"SameSiteOtherHost", nil, header("Sec-Fetch-Site", "same-site", "Origin", h.url)},
		}
		post := func(r h5.Route) (string, url.Values) {
			// Whatever id an address asks for, its form is asked for the token first.
			path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(r.Pattern, "1")
			if f, ok := forms[path]; ok {
				return path, f
			}
			return path, form
		}
		n := 0
		for _, r := range h5.Routes() {
			if r.Method != "POST" {
				continue
			}
			n++
			path, f := post(r)
			for _, c := range attacks {
				t.Run(path+"/"+c.name, func(t *testing.T) {
					forged := with(f)
					if c.forge != nil {
						forged = c.forge(forged)
					}
					if a := m.send("POST", path, forged, c.change); a.status != http.StatusForbidden {
						t.Errorf("answered %d %s", a.status, a.to)
					}
				})
			}
			t.Run(path+"/TokenInTheAddress", func(t *testing.T) {
				bare := with(f)
				bare.Del("csrf_token")
				if a := m.send("POST", path+"?csrf_token="+url.QueryEscape(form.Get("csrf_token")), bare, header("Origin", h.url)); a.status != http.StatusForbidden {
					t.Errorf("answered %d", a.status)
				}
			})
			t.Run(path+"/Preflight", func(t *testing.T) {
				a := m.send("OPTIONS", path, nil, header("Origin", "https://evil.example", "Access-Control-Request-Method", "POST"))
				if a.header.Get("Access-Control-Allow-Origin") != "" || a.status < 400 {
					t.Errorf("answered %d, allows %q", a.status, a.header.Get("Access-Control-Allow-Origin"))
				}
			})
			if len(forms[path]) > 1 {
				continue // its twin is below, where the forms act one after the other
			}
			t.Run(path+"/Twin", func(t *testing.T) {
				if a := m.send("POST", path, f, header("Origin", h.url, "Sec-Fetch-Site", "same-origin")); a.status == http.StatusForbidden || a.status >= 500 || a.status == 0 {
					t.Errorf("answered %d\n%s", a.status, a.body)
				}
			})
		}
		if n < 8 {
			t.Errorf("only %d forms", n)
		}
		t.Run("NothingHappened", func(t *testing.T) {
			person := m.id()
			for _, q := range []string{
				"SELECT count(*) FROM orders WHERE person_id = %d", "SELECT count(*) FROM losses WHERE person_id = %d",
				"SELECT count(*) FROM passwords WHERE person_id = %d AND fails > 0", "SELECT count(*) FROM people WHERE id = %d AND (bound_at IS NULL OR lang = 'en')",
			} {
				if got := h.number(fmt.Sprintf(q, person)); got != 0 {
					t.Errorf("%s = %d", q, got)
				}
			}
			if _, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); err != nil {
				t.Errorf("the password changed: %v", err)
			}
		})
		for _, p := range posts {
			t.Run("Twin"+strings.ReplaceAll(p.path, "/", "_"), func(t *testing.T) {
				// WeCom's browser sends Origin; older ones send neither header.
				a := m.send("POST", p.path, with(form, p.fields...))
				if a.status != http.StatusSeeOther {
					t.Errorf("answered %d\n%s", a.status, a.body)
				}
			})
		}
	})
}
