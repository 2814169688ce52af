package e2e

import (
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

const (
	sessionCookie = "xiaoka_session"
	oauthCookie   = "xiaoka_oauth"
)

// cookie is what the browser holds under a name.
func (m *member) cookie(name string) string {
	m.t.Helper()
	u, err := url.Parse(m.url)
	if err != nil {
		m.t.Fatal(err)
	}
	for _, c := range m.phone.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

// carrying sends one cookie and no other.
func carrying(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.AddCookie(&http.Cookie{Name: name, Value: value}) }
}

// alive asks every replica whether a session cookie still serves.
func (h *house) alive(token string) bool {
	h.t.Helper()
	lives := h.serving(token)
	if lives != 0 && lives != len(h.replicas) {
		lives = h.serving(token) // it may have ended between two questions
	}
	if lives != 0 && lives != len(h.replicas) {
		h.t.Errorf("the session serves at %d of %d replicas", lives, len(h.replicas))
	}
	return lives > 0
}

// serving counts the replicas at which a session serves.
func (h *house) serving(token string) (lives int) {
	h.t.Helper()
	for _, r := range h.replicas {
		if a := h.nobody().send("GET", "/h5/settings", nil, at(r), carrying(sessionCookie, token)); a.status == http.StatusOK {
			lives++
		} else if !loginPage(a) {
			h.t.Errorf("a dead session is answered %d %s", a.status, a.to)
		}
	}
	return lives
}

var linkForm = regexp.MustCompile(`https?://[^\s"\\<>]+`)

var randomHex = regexp.MustCompile(`[0-9a-f]{32,}`)

func TestAttack_T11_StolenLink(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		heard := h.listen()
		owner, thief := h.newMember(0), h.newMember(1)
		owner.verify()
		owner.bind()
		thief.holder()
		no := owner.orderNo(5731) // an amount that no page has of itself
		owner.pay(no)
		owner.told(campus.CardID, "¥57.31", "待领取")
		for _, say := range []string{"余额", "充值 20", "账单", "明细", "挂失", "待领", "解绑", "修改密码", "帮助"} {
			owner.toldSince(owner.say(campus.CardID, say), campus.CardID, "/h5/")
		}
		owner.toldSince(owner.say(campus.CardID, "设置"), campus.CardID, "settings.save") // changed on the card
		links := []string{h.url + "/h5/topup/orders/" + no, h.url + "/h5/topup/orders/" + no + "/status"}
		for _, agent := range []int{campus.AssistantID, campus.CardID} {
			for _, msg := range h.campus.WeCom.Conversation(owner.UserID, agent) {
				for _, link := range linkForm.FindAllString(text(msg), -1) {
					link = strings.ReplaceAll(link, `\u0026`, "&")
					if strings.HasPrefix(link, h.url) && !slices.Contains(links, link) {
						links = append(links, link)
					}
				}
			}
		}
		if len(links) < 10 {
			t.Fatalf("only %d links to steal: %q", len(links), links)
		}
		owners := []string{owner.Name, owner.StudentNo, owner.CardNo, owner.CardNo[len(owner.CardNo)-4:], no, "57.31", "5731"}
		for _, link := range links {
			t.Run(strings.TrimPrefix(link, h.url), func(t *testing.T) {
				a := h.nobody().send("GET", link, nil)
				if !loginPage(a) && a.status != http.StatusUnauthorized {
					t.Errorf("a stranger gets %d %s", a.status, a.to)
				}
				_, page := thief.get(link)
				for _, found := range []string{a.body, page} {
					// The address itself the thief has already.
					found = strings.ReplaceAll(found, strings.TrimPrefix(link, h.url), "")
					found = randomHex.ReplaceAllString(found, "") // in which any four digits may stand
					for _, of := range owners {
						if strings.Contains(found, of) {
							t.Errorf("shows the owner's %s:\n%s", of, found)
						}
					}
				}
				if p := a.header.Get("Referrer-Policy"); p != "no-referrer" {
					t.Errorf("Referrer-Policy %q", p)
				}
			})
		}
		t.Run("NothingToStealInAddresses", func(t *testing.T) {
			all := heard.addresses()
			if !strings.Contains(all, "/h5/topup/orders/"+no) {
				t.Fatal("the addresses were not heard")
			}
			for _, m := range []*member{owner, thief} {
				for what, secret := range map[string]string{"session": m.cookie(sessionCookie), "form token": m.form().Get("csrf_token"), "code": m.code(), "password": "=" + ownPassword} {
					if secret == "" || strings.Contains(all, secret) {
						t.Errorf("the %s (%d letters) of %s stands in an address", what, len(secret), m.UserID)
					}
				}
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if code, page := owner.get(links[0]); code != http.StatusOK || !strings.Contains(page, "57.31") {
				t.Errorf("the owner's own link: %d\n%s", code, page)
			}
		})
	})
}

// authorised is what WeCom sends a member's browser back with.
func (m *member) authorised(login string) (code string) {
	m.t.Helper()
	a := m.send("GET", login+"&member="+m.UserID, nil)
	back, err := url.Parse(a.to)
	if err != nil || back.Query().Get("code") == "" {
		m.t.Fatalf("WeCom sends back to %q, %v", a.to, err)
	}
	return back.Query().Get("code")
}

// begun starts a login and returns its address and state.
func (m *member) begun() (login, state string) {
	m.t.Helper()
	a := m.send("GET", "/h5/settings", nil)
	to, err := url.Parse(a.to)
	if err != nil || !loginPage(a) {
		m.t.Fatalf("no login: %d %s", a.status, a.to)
	}
	// The fragment is for the client alone.
	login, _, _ = strings.Cut(a.to, "#")
	return login, to.Query().Get("state")
}

func TestAttack_T12_OAuthState(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		browser := func(i int) *member {
			m := h.nobody()
			m.Person = h.campus.People()[i]
			return m
		}
		back := func(m *member, code, state string) answer {
			return m.send("GET", "/h5/oauth/callback?"+url.Values{"code": {code}, "state": {state}}.Encode(), nil)
		}
		for _, c := range []struct {
			name   string
			status int // 0 = another login is offered
			attack func() (*member, answer)
		}{
			{"NoState", 400, func() (*member, answer) {
				m := browser(0)
				login, _ := m.begun()
				return m, m.send("GET", "/h5/oauth/callback?code="+m.authorised(login), nil)
			}},
			{"ForgedState", 400, func() (*member, answer) {
				m := browser(0)
				login, _ := m.begun()
				return m, back(m, m.authorised(login), strings.Repeat("5e", 16))
			}},
			{"ReusedState", 400, func() (*member, answer) {
				m := browser(0)
				login, state := m.begun()
				back(m, m.authorised(login), state)
				again := h.nobody()
				again.Person = m.Person
				u, err := url.Parse(m.url)
				if err != nil {
					t.Fatal(err)
				}
				again.phone.Jar.SetCookies(u, []*http.Cookie{{Name: oauthCookie, Value: m.cookie(oauthCookie)}})
				return again, back(again, m.authorised(login), state)
			}},
			// Login CSRF: the victim is sent to the attacker's callback.
			{"StateOfAnotherBrowser", 400, func() (*member, answer) {
				attacker, victim := browser(1), browser(0)
				login, state := attacker.begun()
				victim.begun()
				return victim, back(victim, attacker.authorised(login), state)
			}},
			{"BrowserWithoutCookie", 400, func() (*member, answer) {
				attacker, victim := browser(1), browser(0)
				login, state := attacker.begun()
				return victim, back(victim, attacker.authorised(login), state)
			}},
			{"CodeReplayed", 0, func() (*member, answer) {
				first, second := browser(0), browser(0)
				login, state := first.begun()
				code := first.authorised(login)
				back(first, code, state)
				_, state = second.begun()
				return second, back(second, code, state)
			}},
			{"CodeInvented", 0, func() (*member, answer) {
				m := browser(0)
				_, state := m.begun()
				return m, back(m, "invented", state)
			}},
			{"NotAMember", 403, func() (*member, answer) {
				m := browser(0)
				m.UserID = "outsider"
				login, state := m.begun()
				return m, back(m, m.authorised(login), state)
			}},
		} {
			t.Run(c.name, func(t *testing.T) {
				m, a := c.attack()
				if c.status == 0 && !loginPage(a) || c.status != 0 && a.status != c.status {
					t.Errorf("answered %d %s, want %d", a.status, a.to, c.status)
				}
				if token := m.cookie(sessionCookie); token != "" || strings.Contains(strings.Join(a.header.Values("Set-Cookie"), " "), sessionCookie) {
					t.Error("a session began")
				}
			})
		}
		t.Run("Expired", func(t *testing.T) {
			address := h.setting("redis_url")
			if address == "" {
				t.Skip("the embedded store cannot be reached from outside")
			}
			m := browser(0)
			login, state := m.begun()
			code := m.authorised(login)
			expire(t, address, state, 5*time.Minute)
			if a := back(m, code, state); a.status != http.StatusBadRequest || m.cookie(sessionCookie) != "" {
				t.Errorf("answered %d %s", a.status, a.to)
			}
		})
		t.Run("CodeRefusedTwice", func(t *testing.T) {
			m := browser(0)
			_, state := m.begun()
			a := back(m, "invented", state)
			to, err := url.Parse(a.to)
			if err != nil {
				t.Fatal(err)
			}
			if a = back(m, "invented", to.Query().Get("state")); a.status != http.StatusBadRequest {
				t.Errorf("a browser goes round for ever: %d %s", a.status, a.to)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			m := browser(0)
			login, state := m.begun()
			if len(state) < 32 {
				t.Errorf("the state %q is shorter than 128 bits", state)
			}
			a := back(m, m.authorised(login), state)
			if a.status != http.StatusSeeOther || a.to != "/h5/settings" || !h.alive(m.cookie(sessionCookie)) {
				t.Fatalf("%d %s", a.status, a.to)
			}
			for _, line := range a.header.Values("Set-Cookie") {
				if strings.HasPrefix(line, sessionCookie) && (!strings.Contains(line, "HttpOnly") || !strings.Contains(line, "SameSite=Lax") || !strings.Contains(line, "Path=/")) {
					t.Errorf("the cookie is loose: %s", line[len(sessionCookie)+44:])
				}
			}
		})
	})
}

// expire lets the time of a state pass that may live for ttl.
func expire(t *testing.T, address, state string, ttl time.Duration) {
	t.Helper()
	o, err := redis.ParseURL(address)
	if err != nil {
		t.Fatal(err)
	}
	o.DisableIdentity = true
	c := redis.NewClient(o)
	defer c.Close()
	keys, err := c.Keys(t.Context(), "*"+state).Result()
	if err != nil || len(keys) != 1 {
		t.Fatalf("the state is kept as %q, %v", keys, err)
	}
	if left := c.PTTL(t.Context(), keys[0]).Val(); left > ttl || left < ttl-time.Minute {
		t.Errorf("the state lives for another %v", left)
	}
	if err := c.PExpire(t.Context(), keys[0], time.Millisecond).Err(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(10 * time.Millisecond)
}

func TestAttack_T14_OldSession(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		m := h.newMember(0).holder()
		u, err := url.Parse(h.url)
		if err != nil {
			t.Fatal(err)
		}
		// browser is another phone of the same person, logged in.
		browser := func() *member {
			other := h.newMember(0)
			other.open("/h5/settings")
			if !h.alive(other.cookie(sessionCookie)) {
				t.Fatal("no session")
			}
			return other
		}
		t.Run("Planted", func(t *testing.T) {
			planted := strings.Repeat("A", 43)
			victim := h.newMember(1)
			victim.phone.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: planted}})
			victim.open("/h5/settings")
			if got := victim.cookie(sessionCookie); got == planted || !h.alive(got) {
				t.Error("the login kept the cookie that was planted")
			}
			if h.alive(planted) {
				t.Error("the planted cookie serves")
			}
		})
		t.Run("RotatedAtLogin", func(t *testing.T) {
			old := browser().cookie(sessionCookie)
			// A second login in a browser that has a session already.
			fresh := h.nobody()
			fresh.Person = m.Person
			at, state := fresh.begun()
			code := fresh.authorised(at)
			fresh.phone.Jar.SetCookies(u, []*http.Cookie{{Name: sessionCookie, Value: old}})
			fresh.send("GET", "/h5/oauth/callback?"+url.Values{"code": {code}, "state": {state}}.Encode(), nil)
			if got := fresh.cookie(sessionCookie); got == old || !h.alive(got) {
				t.Error("the login did not give a new session")
			}
			if h.alive(old) {
				t.Error("the session before the login still serves")
			}
		})
		t.Run("PasswordChange", func(t *testing.T) {
			stolen := browser().cookie(sessionCookie)
			m.post("/h5/password", map[string]string{"old_password": ownPassword, "new_password": "582046"})
			if h.alive(stolen) {
				t.Error("the thief's session outlives the new password")
			}
			if !h.alive(m.cookie(sessionCookie)) {
				t.Error("the holder's own session ended")
			}
		})
		t.Run("Unbind", func(t *testing.T) {
			stolen, own := browser().cookie(sessionCookie), m.cookie(sessionCookie)
			m.post("/h5/unbind", map[string]string{"query_password": "582046"})
			if h.alive(stolen) || h.alive(own) {
				t.Error("a session outlives unbinding")
			}
		})
		t.Run("OfAnotherMemberNow", func(t *testing.T) {
			people := h.enrol(ownPassword, student(1))
			p := people[0]
			p.prove()
			token := p.cookie(sessionCookie)
			if !h.alive(token) {
				t.Fatal("no session")
			}
			moved := p.Person
			moved.UserID = "moved1"
			h.enrol(ownPassword, moved)
			if h.alive(token) {
				t.Error("the session of the userid that the person had before still serves")
			}
		})
		t.Run("LeftTheCorp", func(t *testing.T) {
			told, untold := h.newMember(2), h.newMember(3)
			for _, x := range []*member{told, untold} {
				x.holder()
			}
			one, other := told.cookie(sessionCookie), untold.cookie(sessionCookie)
			if _, err := h.campus.WeCom.Unsubscribe(told.context(), told.UserID, campus.CardID); err != nil {
				t.Fatal(err)
			}
			if h.alive(one) {
				t.Error("the session outlives WeCom's word that the member left")
			}
			// WeCom's word may be lost; then the next message finds it out.
			if err := h.campus.WeCom.SetMember(wecom.Member{UserID: untold.UserID, Name: untold.Name, OutOfRange: []int{campus.CardID}}); err != nil {
				t.Fatal(err)
			}
			untold.send("POST", "/h5/password", untold.form("old_password", ownPassword, "new_password", "582046"))
			h.await("the session to end", func() bool { return !h.alive(other) })
		})
		t.Run("Status", func(t *testing.T) {
			var problem struct{ Code string }
			a := h.nobody().send("GET", "/h5/topup/orders/1/status", nil, carrying(sessionCookie, "gone"))
			if err := json.Unmarshal([]byte(a.body), &problem); err != nil || a.status != http.StatusUnauthorized || problem.Code != "no_session" {
				t.Errorf("%d %s, %v", a.status, a.body, err)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			again := h.newMember(0)
			if code, _ := again.get("/h5/settings"); code != http.StatusOK || !h.alive(again.cookie(sessionCookie)) {
				t.Errorf("the member cannot come back: %d", code)
			}
		})
	})
}
