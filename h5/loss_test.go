package h5

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// with is a form of the session.
func with(token string, pairs ...string) url.Values {
	form := url.Values{"csrf_token": {token}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return form
}

func TestLoss(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	token := p.as(w, bound)
	wantPage(t, p.get("/h5/loss"), 200, "尾号 0001", `name="query_password"`)
	page := wantPage(t, p.post("/h5/loss", with(token, "query_password", "111222")), 422, "查询密码不对，还可以试 4 次", `aria-invalid="true"`)
	if strings.Contains(page, "111222") || len(w.losses) > 0 {
		t.Error("a wrong password is shown, or served")
	}
	wantRedirect(t, p.post("/h5/loss", with(token, "query_password", "258036")), "/h5/loss")
	if len(w.accepted) != 1 || w.accepted[0].Receipt != "GS20251122-7K2MQ4XA" {
		t.Fatalf("told to the chat: %+v", w.accepted)
	}
	receipt := wantPage(t, p.get("/h5/loss"), 200, "挂失已受理 12:08:00", "已有 41/44 台终端生效", "还有 3 台终端没有收到", "GS20251122-7K2MQ4XA", `href="/h5/loss/cancel"`)
	if strings.Contains(receipt, `name="query_password"`) {
		t.Error("the password is asked again")
	}
	t.Run("Repeat", func(t *testing.T) {
		w.now = w.now.Add(time.Minute)
		for _, password := range []string{"258036", "000000"} {
			wantRedirect(t, p.post("/h5/loss", with(token, "query_password", password)), "/h5/loss")
		}
		wantPage(t, p.get("/h5/loss"), 200, "挂失已受理 12:08:00", "GS20251122-7K2MQ4XA")
		if w.tries[bound] != 0 || len(w.accepted) != 1 {
			t.Error("a repeat tried a password, or reported again")
		}
	})
	t.Run("SpentSince", func(t *testing.T) {
		w.spent = map[int64][]ledger.SpentAfterLoss{bound: {
			{At: w.now, Amount: 650, Where: "二号餐厅 <b>面点</b>", TerminalID: "P01"},
			{At: w.now.Add(time.Second), Amount: 700, Where: "咖啡角", TerminalID: "P02", Informed: true},
		}}
		wantPage(t, p.get("/h5/loss"), 200, "挂失之后的消费", "二号餐厅 &lt;b&gt;面点", "−6.50", "还没有收到挂失名单，拟由学校承担", "−7.00", "已有挂失名单，拟由商户承担")
	})
	t.Run("NextDay", func(t *testing.T) {
		w.now = w.now.AddDate(0, 0, 1)
		p.as(w, bound)
		wantPage(t, p.get("/h5/loss"), 200, "挂失已受理 11月22日 12:08:00")
	})
}

func TestLossRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		id     int64
		pin    string
		given  func(*world)
		status int
		word   string
		lost   bool
	}{
		"InitialServes": {initial, "123456", func(*world) {}, 303, "", true},
		"Format":        {bound, "12", func(*world) {}, 422, "密码是 6 位数字", false},
		"Empty":         {bound, "", func(*world) {}, 422, "密码是 6 位数字", false},
		"Locked":        {bound, "258036", func(w *world) { w.locked[bound] = w.now.Add(30 * time.Minute) }, 429, "已锁定，30 分钟后解锁", false},
		"LockedJustNow": {bound, "258036", func(w *world) { w.locked[bound] = w.now.Add(30*time.Minute + 200*time.Millisecond) }, 429, "已锁定，30 分钟后解锁", false},
		"LocksNow":      {bound, "000000", func(w *world) { w.tries[bound] = 4 }, 429, "/h5/password?with=code&amp;next=loss", false},
		"Frozen":        {bound, "258036", func(w *world) { w.lossErr = ledger.ErrCardFrozen }, 409, "这张卡已被学校停用", false},
		"NoCard":        {bound, "258036", func(w *world) { w.lossErr = ledger.ErrNotFound }, 409, "你名下还没有校园卡", false},
		"DatabaseDown":  {bound, "258036", func(w *world) { w.lossErr = errors.New("disk full") }, 500, "我们这边出了点问题", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			c.given(w)
			p := open(t, w)
			answer := p.post("/h5/loss", with(p.as(w, c.id), "query_password", c.pin))
			page := wantPage(t, answer, c.status, c.word)
			if strings.Contains(page, "disk full") {
				t.Error("the reason is for the log alone")
			}
			if _, lost := w.losses[c.id]; lost != c.lost || len(w.accepted) > 0 != c.lost {
				t.Errorf("lost = %t, told %d", lost, len(w.accepted))
			}
		})
	}
}

// A page without a way to the chat reports all the same.
func TestLossWithoutChat(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w, func(c *Config) { c.LossCards = nil })
	wantRedirect(t, p.post("/h5/loss", with(p.as(w, bound), "query_password", "258036")), "/h5/loss")
}

// Nobody reports, sees or takes back the loss of another.
func TestLossOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.people[verified].BoundAt, w.passwords[verified] = w.now, "135724"
	p := open(t, w)
	token := p.as(w, verified)
	wantPage(t, p.post("/h5/loss", with(token, "query_password", "258036", "card_no", w.people[bound].CardNo, "person_id", "1")), 422)
	wantRedirect(t, p.post("/h5/loss", with(token, "query_password", "135724", "card_no", w.people[bound].CardNo)), "/h5/loss")
	if _, lost := w.losses[bound]; lost || w.losses[verified].CardNo != w.people[verified].CardNo {
		t.Errorf("lost: %+v", w.losses)
	}
	other := open(t, w)
	other.as(w, bound)
	if page := wantPage(t, other.get("/h5/loss?card_no="+w.people[verified].CardNo), 200); strings.Contains(page, "GS2025") {
		t.Error("another's receipt is shown")
	}
}

func TestCancelLoss(t *testing.T) {
	t.Parallel()
	lostWorld := func(t *testing.T) (*world, *phone, string) {
		w := newWorld()
		if _, err := w.ReportLoss(t.Context(), bound, w.now); err != nil {
			t.Fatal(err)
		}
		p := open(t, w)
		return w, p, p.as(w, bound)
	}
	still := func(t *testing.T, w *world) {
		t.Helper()
		if !w.losses[bound].EndedAt.IsZero() {
			t.Error("back in use")
		}
	}
	t.Run("Both", func(t *testing.T) {
		w, p, token := lostWorld(t)
		page := wantPage(t, p.get("/h5/loss/cancel"), 200, `name="channel"`, "请先确认卡在你手里")
		if strings.Contains(page, `name="query_password"`) {
			t.Error("asked for the password before there is a code")
		}
		wantRedirect(t, p.post("/h5/loss/cancel", with(token, "channel", "email")), "/h5/loss/cancel?sent=email")
		wantPage(t, p.get("/h5/loss/cancel?sent=email"), 200, "z***@example.edu.cn", `name="query_password"`, `name="code"`)
		p.post("/h5/loss/cancel", with(token, "channel", "phone"))
		// Where the code went is said until it is used, on whichever way one comes back.
		wantPage(t, p.post("/h5/loss/cancel", with(token, "query_password", "258036", "code", "000000")), 422, "验证码已发送到 138****8000")
		wantPage(t, p.get("/h5/loss/cancel"), 200, "验证码已发送到 138****8000")
		wantRedirect(t, p.post("/h5/loss/cancel", with(token, "query_password", "258036", "code", "482 913")), "/h5/loss/cancel")
		wantPage(t, p.get("/h5/loss/cancel"), 200, "已解挂 12:08:00", "个别终端可能要过一会儿", "GS20251122-7K2MQ4XA")
		if w.losses[bound].EndedAt.IsZero() {
			t.Error("still lost")
		}
	})
	for name, c := range map[string]struct {
		form   []string
		given  func(*world)
		status int
		word   string
		code   bool // still usable
	}{
		"NoCode":            {[]string{"query_password", "258036"}, func(*world) {}, 422, "验证码是 6 位数字", true},
		"WrongCode":         {[]string{"query_password", "258036", "code", "000000"}, func(*world) {}, 422, "还可以试 4 次", true},
		"NoPassword":        {[]string{"code", "482913"}, func(*world) {}, 422, "密码是 6 位数字", true},
		"WrongPassword":     {[]string{"query_password", "000000", "code", "482913"}, func(*world) {}, 422, "查询密码不对，还可以试 4 次", true},
		"Locked":            {[]string{"query_password", "258036", "code", "482913"}, func(w *world) { w.locked[bound] = w.now.Add(time.Hour) }, 429, "已锁定", true},
		"NoCodeSent":        {[]string{"query_password", "258036", "code", "482913"}, func(w *world) { clear(w.awaited) }, 422, "请先发送", false},
		"CodeForAnother":    {[]string{"query_password", "258036", "code", "482913"}, func(w *world) { clear(w.awaited); w.awaited[codeKey(verified, ledger.PurposeCancelLoss)] = "482913" }, 422, "请先发送", false},
		"CodeForPassword":   {[]string{"query_password", "258036", "code", "482913"}, func(w *world) { clear(w.awaited); w.awaited[codeKey(bound, ledger.PurposePassword)] = "482913" }, 422, "请先发送", false},
		"SendTooSoon":       {[]string{"channel", "email"}, func(w *world) { w.sendError = &ledger.CodeTooSoonError{RetryAfter: 42 * time.Second} }, 429, "42 秒后可以再发", true},
		"UnknownChannel":    {[]string{"channel", "pigeon"}, func(*world) {}, 422, "这个方式暂时不能用", true},
		"InitialOfTheThief": {[]string{"query_password", "123456", "code", "482913"}, func(*world) {}, 422, "查询密码不对", true},
	} {
		t.Run(name, func(t *testing.T) {
			w, p, token := lostWorld(t)
			w.awaited[codeKey(bound, ledger.PurposeCancelLoss)] = "482913"
			c.given(w)
			wantPage(t, p.post("/h5/loss/cancel", with(token, c.form...)), c.status, c.word)
			still(t, w)
			if usable := w.awaited[codeKey(bound, ledger.PurposeCancelLoss)] != ""; usable != c.code {
				t.Errorf("the code is usable: %t", usable)
			}
		})
	}
	t.Run("InitialPasswordLeadsToItsChange", func(t *testing.T) {
		w := newWorld()
		w.losses[initial] = ledger.LossReport{Receipt: "GS1", AcceptedAt: w.now}
		p := open(t, w)
		token := p.as(w, initial)
		wantPage(t, p.get("/h5/loss"), 200, "GS1") // the receipt is theirs to see
		wantRedirect(t, p.get("/h5/loss/cancel"), "/h5/password")
		wantRedirect(t, p.post("/h5/loss/cancel", with(token, "query_password", "123456", "code", "482913")), "/h5/password")
	})
	t.Run("NotLost", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		token := p.as(w, bound)
		wantPage(t, p.get("/h5/loss/cancel"), 200, "这张卡没有挂失")
		wantRedirect(t, p.post("/h5/loss/cancel", with(token, "channel", "email")), "/h5/loss/cancel")
		if len(w.awaited) > 0 {
			t.Error("a code was sent")
		}
	})
}

func TestUnbind(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p, other := open(t, w), open(t, w)
	other.as(w, bound)
	token := p.as(w, bound)
	wantPage(t, p.get("/h5/unbind"), 200, "尾号 0001", "不再收到校园卡的消息")
	wantPage(t, p.post("/h5/unbind", with(token, "query_password", "000000")), 422, "查询密码不对，还可以试 4 次")
	if !w.people[bound].Bound() {
		t.Fatal("unbound by a wrong password")
	}
	answer := p.post("/h5/unbind", with(token, "query_password", "258036"))
	wantRedirect(t, answer, "/h5/goodbye?lang=zh-CN")
	if c := sessionSet(answer); c == nil || c.Value != "" || c.MaxAge >= 0 || !c.HttpOnly || !c.Secure {
		t.Errorf("session cookie %+v", c)
	}
	if w.people[bound].Bound() || len(w.sessions) != 0 {
		t.Error("still bound, or signed in")
	}
	wantPage(t, p.get("/h5/goodbye?lang=zh-CN"), 200, "已解绑，再见")
	wantPage(t, p.get("/h5/goodbye?lang=en"), 200, "Unbound. Goodbye")
	leave(t, p, "/h5/")
	leave(t, other, "/h5/")
	t.Run("Locked", func(t *testing.T) {
		w := newWorld()
		w.locked[bound] = w.now.Add(time.Hour)
		p := open(t, w)
		wantPage(t, p.post("/h5/unbind", with(p.as(w, bound), "query_password", "258036")), 429, "已锁定")
	})
}

func TestNewcomer(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	token := p.as(w, 99)
	wantPage(t, p.get("/h5/verify"), 200, `name="student_no"`, `value="email"`, `value="phone"`)
	for _, number := range []string{"", "123", "<b>1234</b>", strings.Repeat("1", 21), "学号"} {
		wantPage(t, p.post("/h5/verify", with(token, "channel", "email", "student_no", number)), 422, "学工号由 4 到 20 位")
	}
	var pages []string
	for _, number := range []string{"20239999", "２０２３ ０００３"} { // nobody's, and somebody's
		wantRedirect(t, p.post("/h5/verify", with(token, "channel", "email", "student_no", number)), "/h5/verify?sent=email")
		pages = append(pages, wantPage(t, p.get("/h5/verify?sent=email"), 200, "如果登记了这个学工号", `name="code"`, `data-wait="60"`),
			wantPage(t, p.post("/h5/verify", with(token, "code", "000000")), 422, "验证码不对，或者已经失效"))
	}
	if pages[0] != pages[2] || pages[1] != pages[3] {
		t.Error("the pages tell whether a number is on record")
	}
	if strings.Contains(strings.Join(pages, ""), "example.edu.cn\"") || len(w.asks) != 2 || w.asks[1] != "20230003 email zh-CN" {
		t.Errorf("asked %q", w.asks)
	}
	old := p.cookies["__Host-"+sessionCookie]
	wantRedirect(t, p.post("/h5/verify", with(token, "code", "482913")), "/h5/bind?done=verified")
	if p.cookies["__Host-"+sessionCookie] == old || len(w.sessions) != 1 {
		t.Error("the session is the same")
	}
	wantPage(t, p.get("/h5/bind?done=verified"), 200, "验证通过")

	t.Run("TooOften", func(t *testing.T) {
		w := newWorld()
		w.tooOften = 20 * time.Minute
		p := open(t, w)
		answer := p.post("/h5/verify", with(p.as(w, 99), "channel", "email", "student_no", "20230003"))
		wantPage(t, answer, http.StatusTooManyRequests, "20 分钟后可以再发", `value="20230003"`)
		if answer.Header.Get("Retry-After") != "1200" {
			t.Errorf("Retry-After %q", answer.Header.Get("Retry-After"))
		}
	})
}
