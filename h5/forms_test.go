package h5

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

func TestVerify(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	token := url.Values{"csrf_token": {p.as(w, known)}}
	with := func(name, value string) url.Values {
		return url.Values{"csrf_token": token["csrf_token"], name: {value}}
	}
	page := wantPage(t, p.get("/h5/verify"), 200, "h***@example.edu.cn", "139****9000", `name="channel" value="email"`, `name="channel" value="phone"`)
	if strings.Contains(page, "hanmm@") || strings.Contains(page, "13900139000") {
		t.Error("an address is not masked")
	}
	wantPage(t, p.post("/h5/verify", with("channel", "pigeon")), 422, "这个方式暂时不能用")
	wantRedirect(t, p.post("/h5/verify", with("channel", "email")), "/h5/verify?sent=email")
	wantPage(t, p.get("/h5/verify?sent=email"), 200, "验证码已发送到 h***@example.edu.cn", `name="code"`, `autocomplete="one-time-code"`, `data-wait="60"`)

	w.sendError = &ledger.CodeTooSoonError{RetryAfter: 41500 * time.Millisecond}
	answer := p.post("/h5/verify", with("channel", "email"))
	wantPage(t, answer, 429, "42 秒后可以再发")
	if answer.Header.Get("Retry-After") != "42" {
		t.Errorf("Retry-After %q", answer.Header.Get("Retry-After"))
	}
	w.sendError = &identity.SendFailedError{RetryAfter: time.Minute, Err: errors.New("550 refused")}
	if page := wantPage(t, p.post("/h5/verify", with("channel", "email")), 502, "验证码没有发出去"); strings.Contains(page, "550") {
		t.Error("the reason is for the log alone")
	}

	w.now = w.now.Add(18 * time.Second)
	wantPage(t, p.post("/h5/verify", with("code", "000000")), 422, "还可以试 4 次", `aria-invalid="true"`, `data-wait="42"`)
	wantPage(t, p.get("/h5/verify"), 200, `data-wait="42"`)
	w.now = w.now.Add(42 * time.Second)
	if page := wantPage(t, p.get("/h5/verify?sent=email"), 200); strings.Contains(page, "data-wait") {
		t.Error("the next code is kept back though it may be sent")
	}
	wantPage(t, p.post("/h5/verify", with("code", "12")), 422, "验证码是 6 位数字")
	wantRedirect(t, p.post("/h5/verify", with("code", "482 913")), "/h5/bind?done=verified")
	if !w.people[known].Verified() {
		t.Fatal("not verified")
	}
	wantPage(t, p.get("/h5/bind?done=verified"), 200, "验证通过")
	wantRedirect(t, p.get("/h5/verify"), "/h5/")
}

// A form that was not taken comes back with the browser at what is wrong, the
// words read out with it, and a title that tells.
func TestRefusedForm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, path string
		who        int64
		form       url.Values
		status     int
		focus      string // what the first focus is on
		words      string // id of what is said of it; empty = it says so itself
	}{
		{"TopUp", "/h5/topup", bound, url.Values{"amount_yuan": {"9999"}}, 400, `<input name="amount_yuan"`, "amount-error"},
		{"Settings", "/h5/settings", bound, url.Values{"low_balance_yuan": {"many"}}, 422, `<input name="low_balance_yuan"`, "low-error"},
		{"SettingsChoice", "/h5/settings", bound, url.Values{"lang": {"tlh"}}, 422, `<p class="trouble"`, ""},
		{"Loss", "/h5/loss", bound, url.Values{"query_password": {"111222"}}, 422, `<input name="query_password"`, "pin-error"},
		{"Unbind", "/h5/unbind", bound, url.Values{"query_password": {"111222"}}, 422, `<input name="query_password"`, "pin-error"},
		{"PasswordOld", "/h5/password", bound, url.Values{"old_password": {"111222"}, "new_password": {"840173"}, "repeat_password": {"840173"}}, 422, `<input name="old_password"`, "old-error"},
		{"PasswordNew", "/h5/password", bound, url.Values{"old_password": {"258036"}, "new_password": {"123456"}, "repeat_password": {"123456"}}, 422, `<input name="new_password"`, "new-error"},
		{"PasswordAgain", "/h5/password", bound, url.Values{"old_password": {"258036"}, "new_password": {"840173"}, "repeat_password": {"840174"}}, 422, `<input name="repeat_password"`, "again-error"},
		{"Verify", "/h5/verify", known, url.Values{"channel": {"pigeon"}}, 422, `<p class="trouble"`, ""},
		{"Newcomer", "/h5/verify", 99, url.Values{"channel": {"email"}, "student_no": {"?"}}, 422, `<input name="student_no"`, "number-error"},
		{"Bind", "/h5/bind", verified, url.Values{"name": {"x"}, "number": {"1"}, "query_password": {"000000"}}, 422, `<input name="name"`, "bind-error"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			c.form.Set("csrf_token", p.as(w, c.who))
			page := wantPage(t, p.post(c.path, c.form), c.status, "<title>错误：")
			at := regexp.MustCompile(`<[^>]* autofocus[^>]*>`).FindString(page)
			if !strings.HasPrefix(at, c.focus) {
				t.Fatalf("the focus is on %q, want %q", at, c.focus)
			}
			if c.words != "" && !(regexp.MustCompile(`aria-describedby="([a-z-]+ )?`+c.words+`"`).MatchString(at) && strings.Contains(page, `id="`+c.words+`"`)) {
				t.Errorf("%q does not say why", at)
			}
			if page := wantPage(t, p.get(c.path), 200); strings.Contains(page, " autofocus") || strings.Contains(page, "错误：") {
				t.Error("the page opens as if something were wrong")
			}
		})
	}
	t.Run("Locked", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		w.locked[bound] = w.now.Add(time.Hour)
		p := open(t, w)
		token := p.as(w, bound)
		for _, path := range []string{"/h5/loss", "/h5/unbind", "/h5/password"} {
			form := url.Values{"csrf_token": {token}, "query_password": {"258036"}, "old_password": {"258036"}, "new_password": {"840173"}}
			wantPage(t, p.post(path, form), 429, "<title>错误：", `<p class="trouble" role="alert" tabindex="-1" autofocus>`)
		}
	})
}

func TestVerifyStranger(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w, func(c *Config) { c.Newcomers = nil })
	token := p.as(w, 99)
	wantPage(t, p.get("/h5/verify"), 200, "没有找到与你的企业微信账号对应的师生资料")
	wantRedirect(t, p.post("/h5/verify", url.Values{"csrf_token": {token}, "channel": {"email"}}), "/h5/verify")
	t.Run("ImportedMeanwhile", func(t *testing.T) {
		w.people[99] = &ledger.Person{ID: 99, UserID: "visitor7", Name: "新同学", Email: "new@example.edu.cn"}
		w.oauthCodes["again"] = "visitor7"
		wantRedirect(t, p.get("/h5/oauth/callback?code=again&state="+leave(t, p, "/h5/verify")), "/h5/verify")
		wantPage(t, p.get("/h5/verify"), 200, "n***@example.edu.cn")
	})
}

func bindForm(token, name, number, password string) url.Values {
	return url.Values{"csrf_token": {token}, "name": {name}, "number": {number}, "query_password": {password}}
}

// Whatever is wrong, the answer is the same to the byte but for what was
// typed.
func TestBindTellsNothing(t *testing.T) {
	t.Parallel()
	typed := regexp.MustCompile(`value="[^"]*"`)
	var first string
	for _, c := range []struct{ name, fields string }{
		{"Name", "王五|20230002|123456"},
		{"Number", "李雷|20239999|123456"},
		{"NumberOfAnother", "李雷|20230001|123456"},
		{"NameAndNumberOfAnother", "张小明|20230001|258036"},
		{"Password", "李雷|20230002|654321"},
		{"PasswordFormat", "李雷|20230002|98765"},
		{"Everything", "x|y|000000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld()
			p := open(t, w)
			f := strings.Split(c.fields, "|")
			answer := p.post("/h5/bind", bindForm(p.as(w, verified), f[0], f[1], f[2]))
			page := wantPage(t, answer, 422, "填写的内容对不上", `value="`+f[0]+`"`, `value="`+f[1]+`"`)
			if strings.Contains(page, f[2]) && f[2] != identity.InitialPassword { // which the page itself names
				t.Error("the password is on the page")
			}
			page = typed.ReplaceAllString(page, "")
			if first == "" {
				first = page
			}
			if page != first {
				t.Error("this answer differs from the first")
			}
			if w.people[verified].Bound() {
				t.Error("bound")
			}
		})
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	t.Run("OwnPassword", func(t *testing.T) {
		w := newWorld()
		w.passwords[verified] = "258036"
		p := open(t, w)
		wantRedirect(t, p.post("/h5/bind", bindForm(p.as(w, verified), " 李雷 ", "20230002", "258036")), "/h5/?done=bound")
		if !w.people[verified].Bound() {
			t.Error("not bound")
		}
		wantPage(t, p.get("/h5/?done=bound"), 200, "校园卡已绑定")
	})
	t.Run("InitialPasswordLeadsToItsChange", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		wantRedirect(t, p.post("/h5/bind", bindForm(p.as(w, verified), "李雷", "6217000123450002", "123456")), "/h5/password?done=bound")
		wantRedirect(t, p.get("/h5/"), "/h5/password")
	})
	t.Run("Locked", func(t *testing.T) {
		w := newWorld()
		w.locked[verified] = w.now.Add(30 * time.Minute)
		p := open(t, w)
		answer := p.post("/h5/bind", bindForm(p.as(w, verified), "李雷", "20230002", "123456"))
		wantPage(t, answer, 429, "已锁定，30 分钟后解锁", "/h5/password?with=code")
	})
	t.Run("Incomplete", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		wantPage(t, p.post("/h5/bind", bindForm(p.as(w, verified), "李雷", "20230002", "")), 422, "请把三项都填上")
		if w.tries[verified] != 0 {
			t.Error("counted as a try")
		}
	})
	t.Run("NoCardIssued", func(t *testing.T) {
		w := newWorld()
		w.people[verified].CardID, w.people[verified].CardNo = 0, ""
		p := open(t, w)
		wantPage(t, p.post("/h5/bind", bindForm(p.as(w, verified), "李雷", "20230002", "123456")), 409, "你名下还没有校园卡")
	})
	t.Run("EmptyNumberOnRecordMatchesNothing", func(t *testing.T) {
		if sameNumber("", "") != 0 {
			t.Error("an empty number matched")
		}
	})
}

func TestPassword(t *testing.T) {
	t.Parallel()
	post := func(p *phone, token string, pairs ...string) *http.Response {
		form := url.Values{"csrf_token": {token}}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		return p.post("/h5/password", form)
	}
	t.Run("WithoutRepetition", func(t *testing.T) { // which is for people's eyes only
		w := newWorld()
		p := open(t, w)
		token := p.as(w, bound)
		wantPage(t, p.get("/h5/password"), 200, `name="repeat_password"`)
		wantRedirect(t, p.post("/h5/password", url.Values{"csrf_token": {token}, "old_password": {"258036"}, "new_password": {"905274"}}), "/h5/?done=password")
		if w.passwords[bound] != "905274" {
			t.Errorf("password %q", w.passwords[bound])
		}
	})
	t.Run("ByTheOldOne", func(t *testing.T) {
		w := newWorld()
		p, other := open(t, w), open(t, w)
		other.as(w, bound)
		token := p.as(w, bound)
		wantRedirect(t, post(p, token, "old_password", "258036", "new_password", "９０５２７４"), "/h5/?done=password")
		if w.passwords[bound] != "905274" {
			t.Errorf("password %q", w.passwords[bound])
		}
		wantPage(t, p.get("/h5/"), 200)
		leave(t, other, "/h5/")
	})
	t.Run("WrongThenLocked", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		token := p.as(w, bound)
		wantPage(t, post(p, token, "old_password", "000000", "new_password", "905274"), 422, "原密码不对，还可以试 4 次")
		w.tries[bound] = 4
		page := wantPage(t, post(p, token, "old_password", "000000", "new_password", "905274"), 429, "查询密码已锁定，30 分钟后解锁", `name="channel"`)
		if strings.Contains(page, `name="old_password"`) {
			t.Error("the old one is asked though it is not taken")
		}
		if w.passwords[bound] != "258036" {
			t.Error("changed")
		}
	})
	t.Run("ACodeLiftsTheLock", func(t *testing.T) {
		w := newWorld()
		w.locked[bound] = w.now.Add(time.Hour)
		p := open(t, w)
		token := p.as(w, bound)
		wantRedirect(t, post(p, token, "channel", "email"), "/h5/password?sent=email")
		wantPage(t, p.get("/h5/password?sent=email"), 200, `name="code"`, `name="new_password"`, "z***@example.edu.cn")
		wantPage(t, post(p, token, "code", "000000", "new_password", "905274"), 422, "还可以试 4 次")
		wantPage(t, post(p, token, "code", "482913", "new_password", "111111"), 422, "重复的数字太容易猜到")
		wantRedirect(t, post(p, token, "code", "482913", "new_password", "905274"), "/h5/?done=password")
		if !w.locked[bound].IsZero() || w.passwords[bound] != "905274" {
			t.Error("still locked")
		}
	})
	for next, back := range map[string]string{
		"loss": "/h5/loss?done=password", "cancel_loss": "/h5/loss/cancel?done=password", "unbind": "/h5/unbind?done=password",
		"//evil.example": "/h5/?done=password", "/h5/loss": "/h5/?done=password", "": "/h5/?done=password",
	} {
		t.Run("LeadsBack/"+next, func(t *testing.T) {
			w := newWorld()
			p := open(t, w)
			token := p.as(w, bound)
			query := "?with=code&next=" + url.QueryEscape(next)
			sent := "/h5/password?sent=email"
			if next != "" && afterPassword[next] != "" {
				sent = "/h5/password?next=" + next + "&sent=email"
			}
			wantRedirect(t, p.post("/h5/password"+query, url.Values{"csrf_token": {token}, "channel": {"email"}}), sent)
			wantRedirect(t, p.post("/h5/password"+query, url.Values{"csrf_token": {token}, "code": {"482913"}, "new_password": {"905274"}}), back)
		})
	}
	t.Run("BeforeBinding", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		wantRedirect(t, post(p, p.as(w, verified), "old_password", "123456", "new_password", "905274"), "/h5/bind?done=password")
	})
	for name, c := range map[string]struct{ new, repeat, word string }{
		"Run":      {"456789", "456789", "连号太容易猜到"},
		"Pairs":    {"112233", "112233", "连号太容易猜到"},
		"Common":   {"147258", "147258", "很多人在用"},
		"Repeat":   {"121212", "121212", "重复的数字"},
		"OnRecord": {"230001", "230001", "这是你登记号码的末尾"},
		"Short":    {"90527", "90527", "密码是 6 位数字"},
		"Letters":  {"90527a", "90527a", "密码是 6 位数字"},
		"Differs":  {"905274", "905275", "两次输入的新密码不一样"},
		"Same":     {"258036", "258036", "新密码和原密码一样"},
	} {
		t.Run("Refused/"+name, func(t *testing.T) {
			w := newWorld()
			p := open(t, w)
			page := wantPage(t, post(p, p.as(w, bound), "old_password", "258036", "new_password", c.new, "repeat_password", c.repeat), 422, c.word)
			if w.passwords[bound] != "258036" || w.passwordOK != 0 || strings.Contains(page, "258036") {
				t.Error("changed, tried or shown")
			}
		})
	}
}
