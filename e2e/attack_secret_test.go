package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mail"
	"xiaoka/sandbox/sms"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

func TestAttack_T41_Secrets(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		heard := h.listen()
		planted := h.configured(t)
		note := func(what, secret string) {
			t.Helper()
			if len(secret) < 6 {
				t.Fatalf("%s: %q is no secret", what, secret)
			}
			planted[what] = secret
		}
		var screens strings.Builder // what operators read
		run := func(args ...string) {
			out, _ := h.try(args...)
			screens.WriteString(out)
		}

		// The ways in: by the chat and mail, by the page and SMS, by a number.
		m, other := h.newMember(0), h.newMember(1)
		m.verify()
		note("code in the chat", m.code())
		m.bind()
		note("password", ownPassword)
		other.post("/h5/verify", map[string]string{"channel": "phone"})
		note("code by SMS", other.smsCode())
		other.post("/h5/verify", map[string]string{"code": other.smsCode()})
		newcomer := h.person(campus.Person{UserID: "newcomer", Name: "新"})
		target := h.newMember(4)
		newcomer.send("POST", "/h5/verify", newcomer.form("student_no", target.StudentNo, "channel", "email"))
		note("code for a newcomer", target.code())
		newcomer.send("POST", "/h5/verify", newcomer.form("code", target.code()))

		// Wrong and misplaced: in the chat, in the wrong field, malformed.
		note("wrong password", "481907")
		note("password told in the chat", "640195")
		note("password in the name", "395174")
		note("weak password", "666777")
		form := m.form()
		m.send("POST", "/h5/unbind", with(form, "query_password", "481907"))
		m.send("POST", "/h5/password", with(form, "old_password", "481907", "new_password", "666666"))
		m.send("POST", "/h5/password", with(form, "old_password", ownPassword, "new_password", "666777", "repeat_password", "666776"))
		for _, words := range []string{"640195", "密码是640195", "挂失 640195", "password 640195"} {
			m.toldSince(m.say(campus.CardID, words), campus.CardID)
			m.toldSince(m.say(campus.AssistantID, words), campus.AssistantID)
		}
		other.send("POST", "/h5/bind", other.form("name", "王不是", "number", other.CardNo, "query_password", "395174"))
		other.send("POST", "/h5/bind", other.form("name", other.Name, "number", other.CardNo, "query_password", "395174", "csrf_token", "x"))
		m.send("POST", "/h5/verify", url.Values{"code": {"640195"}})
		for _, body := range []string{
			`{"card_no":"` + m.CardNo + `","pin":"` + ownPassword, `{"card_no":"` + m.CardNo + `","pin":` + ownPassword + `}`, `{"card_no":"` + m.CardNo + `","pin":"` + ownPassword + `"}{"x":1}`,
			`{"card_no":"` + ownPassword + `","pin":"` + m.CardNo + `"}`, `{"card_no":"","pin":"` + ownPassword + `"}`, `{"pin":"` + ownPassword + `0"}`,
		} {
			req, err := h.terminal("K01").NewRequest(m.context(), "POST", "/kiosk/v1/accounts/lookup", []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if a := h.nobody().send("POST", "/kiosk/v1/accounts/lookup", nil, func(r *http.Request) { r.Header = req.Header; setBody(r, body) }); a.status < 400 {
				t.Fatalf("%s is answered %d", body, a.status)
			}
		}
		_, err := h.terminal("K01").Lookup(m.context(), m.CardNo, "481907")
		if terminal.Code(err) != "pin_wrong" {
			t.Fatal(err)
		}

		// The main job, with everything outside failing on the way.
		m.pay(m.orderNo(5000))
		h.campus.Mail.SetFaults(mail.Faults{Code: 550})
		m.later(2 * time.Minute)
		m.send("POST", "/h5/password", with(form, "channel", "email"))
		h.campus.Mail.SetFaults(mail.Faults{})
		h.campus.SMS.SetFaults(sms.Faults{Error: "InternalError", Times: 1})
		m.later(2 * time.Minute)
		m.send("POST", "/h5/password", with(form, "channel", "phone"))
		m.later(2 * time.Minute)
		if a := m.send("POST", "/h5/password", with(form, "channel", "email")); a.status != http.StatusSeeOther {
			t.Fatalf("no code: %d", a.status)
		}
		note("code for the password", m.code())
		note("second password", "582046")
		m.send("POST", "/h5/password", with(form, "code", m.code(), "new_password", "582046"))
		no := m.orderNo(2000)
		for _, kind := range []wechatpay.Kind{wechatpay.FaultGateway, wechatpay.FaultReset, wechatpay.FaultUnsigned} {
			if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtJSAPI, Kind: kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			m.send("GET", "/h5/topup/orders/"+no+"/pay?channel=jsapi", nil)
			h.campus.Pay.ClearFaults()
		}
		for _, fault := range []wecom.Fault{{Down: true}, {Reset: true}, {ErrCode: 40014}, {ErrCode: 45009}} {
			h.campus.WeCom.SetFaults(wecom.Faults{All: fault})
			m.say(campus.CardID, "余额")
			h.nobody().send("GET", "/h5/", nil)
			h.person(campus.Person{UserID: "visitor", Name: "客"}).open("/h5/settings")
		}
		m.pay(m.orderNo(1000)) // whose push fails
		time.Sleep(300 * time.Millisecond)
		h.campus.WeCom.SetFaults(wecom.Faults{})
		h.campus.WeCom.RevokeToken(campus.CardID)
		m.toldSince(m.say(campus.CardID, "余额"), campus.CardID)
		m.claim("K01", "582046")
		m.send("POST", "/h5/loss", with(form, "query_password", "582046"))
		m.later(2 * time.Minute)
		m.send("POST", "/h5/loss/cancel", with(form, "channel", "email"))
		note("code for the loss", m.code())
		m.send("POST", "/h5/loss/cancel", with(form, "query_password", "582046", "code", m.code()))
		for range 6 {
			_, _ = h.terminal("K02").Lookup(other.context(), other.CardNo, "395174")
		}
		bad := h.terminal("K01")
		bad.Secret = []byte("another secret, also worth something")
		if _, err := bad.Lookup(m.context(), m.CardNo, "582046"); terminal.Code(err) != "bad_signature" {
			t.Fatal(err)
		}
		for _, args := range [][]string{{"audit", "--card-no", m.CardNo}, {"terminal", "list"}, {"ledger", "check"}, {"version"}, {"terminal", "disable", "K04"}} {
			run(args...)
		}

		// Those that came up on the way.
		for what, token := range h.accessTokens(t) {
			note(what, token)
		}
		for i, p := range []*member{m, other} {
			note(fmt.Sprintf("session %d", i), p.cookie(sessionCookie))
			note(fmt.Sprintf("form token %d", i), p.form().Get("csrf_token"))
			note(fmt.Sprintf("openid %d", i), h.campus.OpenID(p.Person))
		}
		for _, p := range h.campus.People() {
			note("phone of "+p.UserID, p.Phone)
		}

		metrics := ""
		for _, r := range h.replicas {
			metrics += h.metrics(r)
		}
		var chat strings.Builder
		for _, p := range []*member{m, other, newcomer} {
			for _, agent := range []int{campus.AssistantID, campus.CardID} {
				for _, msg := range h.campus.WeCom.Conversation(p.UserID, agent) {
					if msg.From == wecom.FromApp {
						chat.WriteString(text(msg) + "\n")
					}
				}
			}
		}
		// A form that is shown again carries its token, for whom it is.
		failures := csrfField.ReplaceAllString(heard.errors(), "")
		// The database may hold numbers and openids where it is for them to be
		// used, and the token of a session's forms.
		database := h.rows(t, "people.phone", "people.open_id", "attempts.open_id", "sessions.csrf")
		for name, place := range map[string]struct{ text, mark string }{
			"Log":       {h.said(), "level=WARN"},
			"Metrics":   {metrics, "xiaoka_password_hashes_total"},
			"Addresses": {heard.addresses(), "/h5/oauth/callback"},
			"Errors":    {failures, "pin_wrong"},
			"Chat":      {chat.String(), "¥"},
			"Screens":   {screens.String(), "looked_up"},
			"Database":  {database, "river_job.args"},
			"Jobs":      {lines(database, "river_job."), "river_job.errors"},
			"Audit":     {lines(database, "audit."), "loss_reported"},
		} {
			t.Run(name, func(t *testing.T) {
				if !strings.Contains(place.text, place.mark) {
					t.Errorf("nothing to look through: no %q in %d bytes", place.mark, len(place.text))
				}
				for _, what := range planted.find(place.text) {
					t.Errorf("holds %s", what)
					for line := range strings.Lines(place.text) {
						if len((secrets{what: planted[what]}).find(line)) > 0 {
							t.Logf("in %.600s", line)
							break
						}
					}
				}
			})
		}
		if address := h.setting("redis_url"); address != "" {
			t.Run("Redis", func(t *testing.T) {
				kept := remembered(t, address)
				for _, what := range planted.find(kept) {
					if !strings.HasPrefix(what, "access token") { // they are shared there
						t.Errorf("holds %s", what)
					}
				}
				if !strings.Contains(kept, "press") {
					t.Errorf("nothing to look through: %s", kept)
				}
			})
		}
		t.Run("Twin", func(t *testing.T) {
			// The scan finds what is there.
			all := h.rows(t)
			for what, in := range map[string]string{"phone of " + m.UserID: all, "openid 0": all, "form token 0": all} {
				if !slices.Contains(planted.find(in), what) {
					t.Errorf("does not find %s in the whole database", what)
				}
			}
			for what, secret := range planted {
				if !slices.Contains(planted.find("x="+secret+" y"), what) {
					t.Errorf("does not find %s", what)
				}
			}
			if found := (secrets{"code": "482913"}).find("took=1.482913s at 17954829130 1482913"); len(found) > 0 {
				t.Errorf("finds a code inside other numbers: %v", found)
			}
			if a, err := h.terminal("K02").Lookup(m.context(), m.CardNo, "582046"); err != nil || a.Status != "normal" {
				t.Errorf("the journey did not end well: %+v, %v", a, err)
			}
		})
	})
}
