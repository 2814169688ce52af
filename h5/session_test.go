package h5

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"
)

var authorise = regexp.MustCompile(`^https://open\.weixin\.qq\.com/connect/oauth2/authorize\?appid=wwcorp` +
	`&redirect_uri=https%3A%2F%2Fcard\.example\.edu\.cn%2Fh5%2Foauth%2Fcallback` +
	`&response_type=code&scope=snsapi_base&state=([0-9a-f]{32})&agentid=1000002#wechat_redirect$`)

// leave opens a page without a session and returns the state WeCom is given.
func leave(t *testing.T, p *phone, path string) string {
	t.Helper()
	answer := p.get(path)
	match := authorise.FindStringSubmatch(answer.Header.Get("Location"))
	if answer.StatusCode != http.StatusSeeOther || match == nil {
		t.Fatalf("status %d, location %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	return match[1]
}

func sessionSet(answer *http.Response) *http.Cookie {
	for _, c := range answer.Cookies() {
		if strings.HasSuffix(c.Name, sessionCookie) {
			return c
		}
	}
	return nil
}

func TestOAuthEnters(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	state := leave(t, p, "/h5/topup?amount_fen=5000")
	answer := p.get("/h5/oauth/callback?code=good&state=" + state)
	wantRedirect(t, answer, "/h5/topup?amount_fen=5000")
	c := sessionSet(answer)
	if c == nil || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || len(c.Value) < 40 || c.Domain != "" {
		t.Errorf("session cookie %+v", c)
	}
	for hash := range w.sessions {
		if strings.Contains(hash, c.Value) {
			t.Error("the store was given the token itself")
		}
	}
	wantPage(t, p.get("/h5/topup?amount_fen=5000"), http.StatusOK, `value="5000" checked`)
}

func TestOAuthRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		turn   func(w *world, p *phone, state string) (query string)
		status int
	}{
		{"StateMissing", func(*world, *phone, string) string { return "code=good" }, 400},
		{"StateForged", func(*world, *phone, string) string { return "code=good&state=" + strings.Repeat("0", 32) }, 400},
		{"StateNotHex", func(*world, *phone, string) string { return "code=good&state=../x" }, 400},
		{"StateReused", func(w *world, p *phone, state string) string {
			if answer := p.get("/h5/oauth/callback?code=good&state=" + state); answer.StatusCode != 303 {
				panic("first use refused")
			}
			delete(p.cookies, "__Host-"+sessionCookie)
			w.oauthCodes["good"] = "20230001"
			return "code=good&state=" + state
		}, 400},
		{"StateExpired", func(w *world, _ *phone, state string) string {
			w.now = w.now.Add(stateTTL)
			return "code=good&state=" + state
		}, 400},
		{"CookieMissing", func(_ *world, p *phone, state string) string {
			clear(p.cookies)
			return "code=good&state=" + state
		}, 400},
		{"OtherBrowser", func(_ *world, p *phone, state string) string {
			p.cookies["__Host-"+oauthCookie] = strings.Repeat("ab", 16)
			return "code=good&state=" + state
		}, 400},
		{"NotMember", func(_ *world, _ *phone, state string) string { return "code=outsider&state=" + state }, 403},
		{"LinkedCorp", func(_ *world, _ *phone, state string) string { return "code=linked&state=" + state }, 403},
		{"WeComDown", func(_ *world, _ *phone, state string) string { return "code=down&state=" + state }, 502},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			query := c.turn(w, p, leave(t, p, "/h5/"))
			answer := p.get("/h5/oauth/callback?" + query)
			wantPage(t, answer, c.status, "继续")
			if sessionSet(answer) != nil {
				t.Error("a session cookie was set")
			}
		})
	}
}

func TestOAuthCodeReplayedRestartsOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	state := leave(t, p, "/h5/transfers")
	answer := p.get("/h5/oauth/callback?code=used&state=" + state)
	match := authorise.FindStringSubmatch(answer.Header.Get("Location"))
	if match == nil || sessionSet(answer) != nil || match[1] == state {
		t.Fatalf("no fresh round: %d %q", answer.StatusCode, answer.Header.Get("Location"))
	}
	t.Run("SecondFailureEnds", func(t *testing.T) {
		again := p.get("/h5/oauth/callback?code=used&state=" + match[1])
		wantPage(t, again, http.StatusBadRequest, "企业微信没有确认你的身份")
		if sessionSet(again) != nil {
			t.Error("a session cookie was set")
		}
	})
	t.Run("SecondSuccessReturns", func(t *testing.T) {
		state := leave(t, p, "/h5/transfers")
		answer := p.get("/h5/oauth/callback?code=used&state=" + state)
		match := authorise.FindStringSubmatch(answer.Header.Get("Location"))
		wantRedirect(t, p.get("/h5/oauth/callback?code=good&state="+match[1]), "/h5/transfers")
	})
}

func TestOAuthTwoPagesAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.oauthCodes["good2"] = "20230001"
	p := open(t, w)
	first, second := leave(t, p, "/h5/"), leave(t, p, "/h5/topup")
	wantRedirect(t, p.get("/h5/oauth/callback?code=good&state="+first), "/h5/")
	wantRedirect(t, p.get("/h5/oauth/callback?code=good2&state="+second), "/h5/topup")
}

func TestOAuthRotatesTheSession(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	old := p.cookies["__Host-"+sessionCookie]
	w.now = w.now.Add(sessionTTL)
	p.get("/h5/oauth/callback?code=good&state=" + leave(t, p, "/h5/"))
	if fresh := p.cookies["__Host-"+sessionCookie]; fresh == old {
		t.Fatal("the token is the same")
	}
	if _, kept := w.sessions[string(hashToken(old))]; kept {
		t.Error("the old session lives on")
	}
}

func TestOAuthNeverLeavesTheSite(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/h5/nothing?x=//evil.example", "//evil.example/h5/", "/h5//evil.example"} {
		w := newWorld()
		p := open(t, w)
		answer := p.get(path)
		if to := answer.Header.Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, "https://evil") {
			t.Errorf("%s leads to %s", path, to)
		}
	}
}

func TestSessionEnds(t *testing.T) {
	t.Parallel()
	cases := map[string]func(w *world, p *phone){
		"Expired":       func(w *world, _ *phone) { w.now = w.now.Add(sessionTTL) },
		"Ended":         func(w *world, _ *phone) { clear(w.sessions) },
		"OtherUserID":   func(w *world, _ *phone) { w.people[bound].UserID = "20239999" },
		"PersonRemoved": func(w *world, _ *phone) { delete(w.people, bound) },
		"ForgedToken":   func(_ *world, p *phone) { p.cookies["__Host-"+sessionCookie] = "x" },
		"PlainName": func(_ *world, p *phone) {
			p.cookies[sessionCookie] = p.cookies["__Host-"+sessionCookie]
			delete(p.cookies, "__Host-"+sessionCookie)
		},
	}
	for name, end := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			token := p.as(w, bound)
			wantPage(t, p.get("/h5/"), http.StatusOK)
			end(w, p)
			leave(t, p, "/h5/")
			if answer := p.get("/h5/topup/orders/X/status"); answer.StatusCode != 401 || answer.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("data: %d %s", answer.StatusCode, answer.Header.Get("Content-Type"))
			}
			wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {"1000"}}), 401, "登录已过期")
			if len(w.orders) != 0 {
				t.Error("an order was made")
			}
		})
	}
}

// Every POST route, every way to forge a post: 403, and nothing has happened.
func TestCrossSiteForms(t *testing.T) {
	t.Parallel()
	forgeries := []struct {
		name  string
		forge func(r *http.Request, form url.Values)
	}{
		{"NoToken", func(_ *http.Request, f url.Values) { f.Del("csrf_token") }},
		{"EmptyToken", func(_ *http.Request, f url.Values) { f.Set("csrf_token", "") }},
		{"WrongToken", func(_ *http.Request, f url.Values) { f.Set("csrf_token", "guess") }},
		{"TokenOfAnother", func(_ *http.Request, f url.Values) { f.Set("csrf_token", "other") }},
		{"CrossOrigin", func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "https://evil.example") }},
		{"OtherScheme", func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "ftp://card.example.edu.cn") }},
		{"NullOrigin", func(r *http.Request, _ url.Values) { r.Header.Set("Origin", "null") }},
		{"CrossSite", func(r *http.Request, _ url.Values) {
			r.Header.Del("Origin")
			r.Header.Set("Sec-Fetch-Site", "cross-site")
		}},
		{"SameSite", func(r *http.Request, _ url.Values) { r.Header.Set("Sec-Fetch-Site", "same-site") }},
	}
	posts := 0
	for _, route := range Routes() {
		if route.Method != "POST" {
			continue
		}
		posts++
		for _, f := range forgeries {
			t.Run(route.Pattern+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				waits(w)
				path := strings.Replace(route.Pattern, "{id}", "T1", 1)
				p := open(t, w)
				p.as(w, verified) // somebody else's token exists
				form := url.Values{"csrf_token": {p.as(w, bound)}, "amount_fen": {"1000"}, "channel": {"email"}, "lang": {"en"},
					"query_password": {"258036"}, "code": {"482913"}, "student_no": {"20230003"}, "push_consumption": {"off"}}
				r := postRequest(path, form)
				f.forge(r, form)
				r.Body = postRequest(path, form).Body
				r.ContentLength = int64(len(form.Encode()))
				wantPage(t, p.do(r), http.StatusForbidden)
				if len(w.orders)+len(w.awaited)+len(w.muted)+len(w.numbers)+len(w.refunds)+w.passwordOK != 0 || w.people[bound].Lang != "" || len(w.losses) > 0 || !w.people[bound].Bound() {
					t.Error("something has happened")
				}
			})
		}
		t.Run(route.Pattern+"/Own", func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			r := postRequest(route.Pattern, url.Values{"csrf_token": {p.as(w, bound)}})
			r.Header.Set("Origin", "null") // as a browser says under no-referrer
			r.Header.Set("Sec-Fetch-Site", "same-origin")
			if answer := p.do(r); answer.StatusCode == http.StatusForbidden {
				t.Error("our own form is refused")
			}
		})
	}
	if posts < 8 {
		t.Errorf("only %d POST routes found", posts)
	}
}

// Every route as every kind of visitor.
func TestRolesOfRoutes(t *testing.T) {
	t.Parallel()
	visitors := []struct {
		name  string
		id    int64 // 0 = nobody, 99 = a member who is not on record
		role  Role
		lacks string // the next step for what is beyond the role
	}{
		{"Nobody", 0, Open, ""},
		{"Stranger", 99, Member, "/h5/verify"},
		{"Known", known, Member, "/h5/verify"},
		{"Verified", verified, Verified, "/h5/bind"},
		{"InitialPassword", initial, Holder, "/h5/password"},
		{"Bound", bound, Bound, ""},
	}
	for _, route := range Routes() {
		if route.Role == Open {
			continue
		}
		for _, who := range visitors {
			t.Run(route.Method+route.Pattern+"/"+who.name, func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				p := open(t, w)
				form := url.Values{}
				if who.id != 0 {
					form.Set("csrf_token", p.as(w, who.id))
				}
				path := strings.NewReplacer("{$}", "", "{no}", "XK20251122ZZZZZZZZZZZZZZZZ", "{id}", "NOBODYS").Replace(route.Pattern)
				r := httptest.NewRequest(route.Method, "https://card.example.edu.cn"+path, nil)
				if route.Method == "POST" {
					r = postRequest(path, form)
				}
				answer := p.do(r)
				location := answer.Header.Get("Location")
				switch {
				case who.id == 0 && route.Method == "GET" && route.Kind == Page:
					if !authorise.MatchString(location) {
						t.Errorf("led to %q, not to WeCom", location)
					}
				case who.id == 0:
					if answer.StatusCode != http.StatusUnauthorized {
						t.Errorf("status %d", answer.StatusCode)
					}
				case who.role < route.Role && route.Kind == Page:
					step := who.lacks
					if route.Role == Verified {
						step = "/h5/verify"
					}
					wantRedirect(t, answer, step)
				case who.role < route.Role:
					if answer.StatusCode != http.StatusForbidden {
						t.Errorf("status %d", answer.StatusCode)
					}
				case location == "/h5/verify" || location == "/h5/bind" || location == "/h5/password":
					if location != path { // an act without its fields may lead back to its own page
						t.Errorf("led to %q in spite of the role", location)
					}
				case answer.StatusCode >= 500 || answer.StatusCode == 401 || answer.StatusCode == 403:
					t.Errorf("status %d", answer.StatusCode)
				}
			})
		}
	}
}

func TestNudgeModeServesTheInitialPassword(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w, func(c *Config) { c.RequireOwnPassword = false })
	p.as(w, initial)
	wantPage(t, p.get("/h5/"), http.StatusOK, "查询密码还是初始的")
}

func TestPlainHTTPCookies(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w, func(c *Config) { c.PublicURL = "http://127.0.0.1:8080" })
	for _, c := range p.get("/h5/").Cookies() {
		if c.Secure || strings.HasPrefix(c.Name, "__") {
			t.Errorf("cookie %+v cannot be kept without https", c)
		}
	}
}

func TestSessionLastsEightHours(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.get("/h5/oauth/callback?code=good&state=" + leave(t, p, "/h5/"))
	w.now = w.now.Add(8*time.Hour - time.Second)
	wantPage(t, p.get("/h5/"), http.StatusOK)
	w.now = w.now.Add(time.Second)
	leave(t, p, "/h5/")
}
