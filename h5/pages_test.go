package h5

import (
	"encoding/json"
	"errors"
	"flag"
	"image/png"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/identity"
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

	wantPage(t, p.post("/h5/verify", with("code", "000000")), 422, "还可以试 4 次", `aria-invalid="true"`)
	wantPage(t, p.post("/h5/verify", with("code", "12")), 422, "验证码是 6 位数字")
	wantRedirect(t, p.post("/h5/verify", with("code", "482 913")), "/h5/bind?done=verified")
	if !w.people[known].Verified() {
		t.Fatal("not verified")
	}
	wantPage(t, p.get("/h5/bind?done=verified"), 200, "验证通过")
	wantRedirect(t, p.get("/h5/verify"), "/h5/")
}

func TestVerifyStranger(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	token := p.as(w, 99)
	wantPage(t, p.get("/h5/verify"), 200, "没有找到与你的企业微信账号对应的师生资料")
	wantRedirect(t, p.post("/h5/verify", url.Values{"csrf_token": {token}, "channel": {"email"}}), "/h5/verify")
	t.Run("ImportedMeanwhile", func(t *testing.T) {
		w.people[99] = &ledger.Person{ID: 99, UserID: "visitor7", Name: "新同学", Email: "new@example.edu.cn"}
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
	t.Run("BeforeBinding", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		wantRedirect(t, post(p, p.as(w, verified), "old_password", "123456", "new_password", "905274"), "/h5/bind?done=password")
	})
	for name, c := range map[string]struct{ new, repeat, word string }{
		"Run":      {"456789", "456789", "连号太容易猜到"},
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

func TestTopUpAmounts(t *testing.T) {
	t.Parallel()
	ok := map[string]ledger.Fen{"100": 100, "5000": 5000, "50000": 50000, "000000500": 500, " 700 ": 700}
	bad := []string{"", " ", "0", "99", "50001", "-5", "-5000", "+5000", "10.00", "1e2", "1E2", "0x64", "1_000", "1,000", "5000.0", "５０００",
		"٥٠٠٠", "五十", "NaN", "Inf", "1e18", "1000000000000000000", "9223372036854775807", "9223372036854775808", "18446744073709556616",
		"50 00", "5000;5000", "true", "¥50", "5000'--", "<script>alert(1)</script>", "4294967396"}
	for typed, want := range ok {
		t.Run("Taken/"+typed, func(t *testing.T) {
			w := newWorld()
			p := open(t, w)
			wantRedirect(t, p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_fen": {typed}}), "/h5/topup/orders/XK20251122ABCDEFGHIJKLMNOP")
			if got := w.orders["XK20251122ABCDEFGHIJKLMNOP"]; got.Amount != want || got.PersonID != bound {
				t.Errorf("order %+v", got)
			}
		})
	}
	for _, typed := range bad {
		t.Run("Refused/"+typed, func(t *testing.T) {
			w := newWorld()
			p := open(t, w)
			token := p.as(w, bound)
			page := wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {typed}}), 400, `aria-invalid="true"`)
			if strings.Contains(page, "<script>alert") {
				t.Error("markup came through")
			}
			if len(w.orders) != 0 {
				t.Error("an order was made")
			}
			if typed != "" {
				wantPage(t, p.get("/h5/topup?amount_fen="+url.QueryEscape(typed)), 400)
			}
		})
	}
	t.Run("TypedIsKept", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_fen": {"1e2"}}), 400, `value="1e2"`, "金额没看懂")
	})
	t.Run("OwnAmountInYuan", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		token := p.as(w, bound)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_yuan": {"600"}}), 400, "一次可以充 1 到 500 元", `value="600"`)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_yuan": {"1.234"}}), 400, `value="1.234"`)
		p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {"1000"}, "amount_yuan": {"12.5"}})
		if o := w.orders["XK20251122ABCDEFGHIJKLMNOP"]; o == nil || o.Amount != 1250 {
			t.Errorf("order %+v", o)
		}
	})
	t.Run("ChosenBeforehand", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		p.as(w, bound)
		wantPage(t, p.get("/h5/topup?amount_fen=5000"), 200, `value="5000" checked`)
		wantPage(t, p.get("/h5/topup?amount_fen=3050"), 200, `name="amount_yuan" class="money" value="30.50"`)
	})
	t.Run("LostCard", func(t *testing.T) {
		w := newWorld()
		b := w.balances[bound]
		b.Status = ledger.CardLost
		w.balances[bound] = b
		p := open(t, w)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_fen": {"1000"}}), 409, "暂时不能充值")
		if len(w.orders) != 0 {
			t.Error("an order was made")
		}
	})
}

const no = "XK20251122QRSTUVWXYZ234567"

// ordered gives the bound person an order.
func ordered(w *world, change ...func(*ledger.Order)) *ledger.Order {
	o := &ledger.Order{OutTradeNo: no, PersonID: bound, CardID: 11, Amount: 5000, State: ledger.OrderCreated,
		CreatedAt: w.now.Add(-time.Minute), ExpiresAt: w.now.Add(14 * time.Minute)}
	for _, f := range change {
		f(o)
	}
	w.orders[no] = o
	return o
}

func TestOrderStages(t *testing.T) {
	t.Parallel()
	paid := func(state ledger.TransferState) func(*world) {
		return func(w *world) {
			ordered(w, func(o *ledger.Order) { o.State, o.TransferID, o.PaidAt = ledger.OrderPaid, "T1", w.now })
			w.transfers[bound] = []ledger.Transfer{{ID: "T0"}, {ID: "T1", State: state, Amount: 5000}}
		}
	}
	cases := []struct {
		name  string
		given func(w *world)
		words []string
	}{
		{"Waiting", func(w *world) { ordered(w) }, []string{`data-stage="waiting"`, "等待支付", "¥50.00", "请在 12:22 前付款", "order."}},
		{"PastItsTime", func(w *world) { ordered(w, func(o *ledger.Order) { o.ExpiresAt = w.now }) }, []string{`data-stage="ending"`, "没有付款不会扣钱"}},
		{"Closed", func(w *world) { ordered(w, func(o *ledger.Order) { o.State = ledger.OrderClosed }) }, []string{"已关闭", "/h5/topup?amount_fen=5000", "重新充值"}},
		{"Refunded", func(w *world) { ordered(w, func(o *ledger.Order) { o.State = ledger.OrderRefunded }) }, []string{"已原路退款"}},
		{"Paid", paid(ledger.TransferPending), []string{"已付款，待领取", "到任意食堂刷卡或圈存机领取"}},
		{"Writing", paid(ledger.TransferInFlight), []string{"正在写卡，请勿移开卡片"}},
		{"InDoubt", paid(ledger.TransferInDoubt), []string{"写卡结果待确认。钱没有丢，下次刷卡自动核对"}},
		{"Claimed", paid(ledger.TransferClaimed), []string{"已到卡"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			p := open(t, w)
			p.as(w, bound)
			c.given(w)
			page := wantPage(t, p.get("/h5/topup/orders/"+no), 200, c.words...)
			if strings.Contains(page, "到账") {
				t.Error("nothing has arrived")
			}
		})
	}
}

// Another's order, on every address that names one, is what none is.
func TestOrderOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.passwords[initial] = "258036"
	ordered(w)
	p := open(t, w)
	p.as(w, initial)
	id := regexp.MustCompile(`[A-Z2-7]{12}`)
	checked := 0
	for _, route := range Routes() {
		if !strings.Contains(route.Pattern, "{no}") {
			continue
		}
		checked++
		var pages []string
		for _, number := range []string{no, "XK20251122AAAAAAAAAAAAAAAA"} {
			answer := p.get(strings.ReplaceAll(route.Pattern, "{no}", number) + "?channel=native")
			page := wantPage(t, answer, 404)
			pages = append(pages, id.ReplaceAllString(strings.ReplaceAll(page, number, ""), ""))
		}
		if pages[0] != pages[1] {
			t.Errorf("%s: another's order differs from none:\n%s\n%s", route.Pattern, pages[0], pages[1])
		}
	}
	if checked != 4 {
		t.Errorf("%d addresses checked", checked)
	}
	if w.asked != 0 || w.people[initial].OpenID != "" {
		t.Error("something was done for it")
	}
}

func TestOrderStatus(t *testing.T) {
	t.Parallel()
	w := newWorld()
	ordered(w)
	p := open(t, w)
	p.as(w, bound)
	path := "/h5/topup/orders/" + no + "/status"
	if got := wantPage(t, p.get(path), 200); got != `{"state":"created","amount_fen":5000}` || w.asked != 0 {
		t.Errorf("%s, asked %d times", got, w.asked)
	}
	if got := wantPage(t, p.get(path+"?ask=1"), 200); got != `{"state":"paid","amount_fen":5000}` || w.asked != 1 {
		t.Errorf("%s, asked %d times", got, w.asked)
	}
	wantPage(t, p.get(path+"?ask=1"), 200)
	if w.asked != 1 {
		t.Error("asked about a paid order")
	}
}

func TestOrderPay(t *testing.T) {
	t.Parallel()
	path := "/h5/topup/orders/" + no
	t.Run("JSAPI", func(t *testing.T) {
		w := newWorld()
		ordered(w)
		p := open(t, w)
		p.as(w, bound)
		want := `{"appId":"wwcorp","timeStamp":"1763784480","nonceStr":"n","package":"prepay_id=oXiaoMing","signType":"RSA","paySign":"s"}`
		if got := wantPage(t, p.get(path+"/pay?channel=jsapi"), 200); got != want {
			t.Error(got)
		}
		if w.people[bound].OpenID != "oXiaoMing" {
			t.Error("the openid was not kept")
		}
	})
	t.Run("Native", func(t *testing.T) {
		w := newWorld()
		ordered(w)
		p := open(t, w)
		p.as(w, bound)
		if got := wantPage(t, p.get(path+"/pay?channel=native"), 200); got != `{"code_url":"weixin://wxpay/bizpayurl?pr=`+no+`"}` {
			t.Error(got)
		}
		answer := p.get(path + "/qr.png")
		picture, err := png.Decode(answer.Body)
		if err != nil || answer.Header.Get("Content-Type") != "image/png" || picture.Bounds().Dx() < 240 {
			t.Errorf("picture: %v %v", err, answer.Header)
		}
	})
	refused := func(t *testing.T, w *world, query string, status int, code string) {
		t.Helper()
		ordered(w)
		p := open(t, w)
		p.as(w, bound)
		answer := p.get(path + query)
		var problem struct {
			Code, Title string
			Status      int
		}
		if err := json.Unmarshal([]byte(wantPage(t, answer, status)), &problem); err != nil || problem.Code != code || problem.Status != status || problem.Title == "" {
			t.Errorf("%v %+v", err, problem)
		}
		if answer.Header.Get("Content-Type") != "application/problem+json" {
			t.Error(answer.Header)
		}
	}
	t.Run("NoOpenID", func(t *testing.T) {
		w := newWorld()
		w.noOpenID = true
		refused(t, w, "/pay?channel=jsapi", 409, "no_openid")
	})
	t.Run("NoChannel", func(t *testing.T) { refused(t, newWorld(), "/pay", 400, "bad_request") })
	for code, status := range payStatus {
		t.Run(code, func(t *testing.T) {
			w := newWorld()
			w.payError = payRefusal(code)
			refused(t, w, "/pay?channel=native", status, code)
			refused(t, w, "/qr.png", status, code)
		})
	}
	t.Run("Unforeseen", func(t *testing.T) {
		w := newWorld()
		w.payError = errors.New("secret inner words")
		refused(t, w, "/pay?channel=native", 500, "internal")
		if !strings.Contains(w.log.String(), "secret inner words") {
			t.Error("not logged")
		}
	})
}

func TestTransfers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	wantPage(t, p.get("/h5/transfers"), 200, "还没有转账记录")
	at := w.now.AddDate(0, 0, -1)
	w.transfers[bound] = []ledger.Transfer{
		{ID: "5", Title: "微信充值", Amount: 2000, State: ledger.TransferPending, CreatedAt: w.now},
		{ID: "4", Title: "困难补助<b>", Amount: 30000, State: ledger.TransferInDoubt, CreatedAt: at},
		{ID: "3", Title: "微信充值", Amount: 5000, State: ledger.TransferClaimed, CreatedAt: at, ClaimedAt: at},
		{ID: "2", Title: "微信充值", Amount: 1000, State: ledger.TransferRefunded, CreatedAt: at},
		{ID: "1", Title: "微信充值", Amount: 1000, State: ledger.TransferRefunding, CreatedAt: at.AddDate(0, 0, -3)},
	}
	page := wantPage(t, p.get("/h5/transfers"), 200, "钱没有丢", "+50.00", "已原路退款", "正在原路退款", "2025年11月21日", "2025年11月18日", "困难补助&lt;b&gt;")
	if !regexp.MustCompile(`待领 <b class="money">¥20.00</b>`).MatchString(page) {
		t.Error("the sum is not of what is pending")
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
	t.Run("TooLarge", func(t *testing.T) {
		token := p.as(w, bound)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {strings.Repeat("1", 20<<10)}}), 400)
	})
}
