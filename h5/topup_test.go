package h5

import (
	"encoding/json"
	"errors"
	"image/png"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

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
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_yuan": {"600"}}), 400, "一次可以充 ¥1 到 ¥500", `value="600"`)
		wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_yuan": {"1.234"}}), 400, `value="1.234"`)
		p.post("/h5/topup", url.Values{"csrf_token": {token}, "amount_fen": {"1000"}, "amount_yuan": {"12.5"}})
		if o := w.orders["XK20251122ABCDEFGHIJKLMNOP"]; o == nil || o.Amount != 1250 {
			t.Errorf("order %+v", o)
		}
	})
	t.Run("FarTooMuch", func(t *testing.T) {
		for _, typed := range []string{"10000001", "99999999999", "９９９９９９９９９９９", "92233720368547758.08", "18446744073709551617", strings.Repeat("9", 64)} {
			w := newWorld()
			p := open(t, w)
			wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_yuan": {typed}}), 400, "一次可以充 ¥1 到 ¥500", `value="`+typed+`"`)
		}
		for _, fen := range []string{"1000000001", "9223372036854775808", "18446744073709556616", strings.Repeat("9", 64)} {
			w := newWorld()
			p := open(t, w)
			p.as(w, bound)
			wantPage(t, p.get("/h5/topup?amount_fen="+fen), 400, "一次可以充 ¥1 到 ¥500")
		}
	})
	t.Run("OwnAmountFullWidth", func(t *testing.T) {
		for typed, want := range map[string]ledger.Fen{"１２": 1200, "１２．５": 1250, "１２。５０": 1250, " ３0 ": 3000} {
			w := newWorld()
			p := open(t, w)
			p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_yuan": {typed}})
			if o := w.orders["XK20251122ABCDEFGHIJKLMNOP"]; o == nil || o.Amount != want {
				t.Errorf("%s: order %+v", typed, o)
			}
		}
		for _, typed := range []string{"１ ２", "－１２", "１２元", "一二", "１，０００", "１．２．３"} {
			w := newWorld()
			p := open(t, w)
			wantPage(t, p.post("/h5/topup", url.Values{"csrf_token": {p.as(w, bound)}, "amount_yuan": {typed}}), 400, `value="`+typed+`"`)
		}
	})
	t.Run("ChosenBeforehand", func(t *testing.T) {
		w := newWorld()
		p := open(t, w)
		p.as(w, bound)
		wantPage(t, p.get("/h5/topup?amount_fen=5000"), 200, `value="5000" checked`)
		wantPage(t, p.get("/h5/topup?amount_fen=3050"), 200, `name="amount_yuan" class="money" value="30.50"`)
	})
	t.Run("RoomOnCard", func(t *testing.T) {
		for books, want := range map[ledger.Fen][]string{
			70000:     {"领取到卡上。卡上还能放 ¥300.00，", "onto your card. Your card has room for ¥300.00;"},
			100000:    {"领取到卡上。卡上暂时放不下了，", "onto your card. There is no room on your card for now;"},
			999999999: {"卡上暂时放不下了，", "There is no room on your card for now;"},
		} {
			w := newWorld()
			b := w.balances[bound]
			b.Books, b.Pending, b.InFlight = books, 0, 0
			w.balances[bound] = b
			p := open(t, w)
			p.as(w, bound)
			wantPage(t, p.get("/h5/topup"), 200, want[0])
			p.lang = "en"
			wantPage(t, p.get("/h5/topup"), 200, want[1])
		}
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
		{"Waiting", func(w *world) { ordered(w) }, []string{`data-stage="waiting"`, "等待支付", "¥50.00", "请在 12:22 前付款", "没有扣钱。12:22 前可以再次付款", "order."}},
		{"PastItsTime", func(w *world) { ordered(w, func(o *ledger.Order) { o.ExpiresAt = w.now }) }, []string{`data-stage="ending"`, "没有付款不会扣钱"}},
		{"Closed", func(w *world) { ordered(w, func(o *ledger.Order) { o.State = ledger.OrderClosed }) }, []string{"已关闭", "如果已经扣款，会算进来或原路退回", "/h5/topup?amount_fen=5000", "重新充值"}},
		{"Refunded", func(w *world) { ordered(w, func(o *ledger.Order) { o.State = ledger.OrderRefunded }) }, []string{"已原路退款"}},
		{"Paid", paid(ledger.TransferPending), []string{"已付款，待领取", "到任意食堂刷卡或圈存机领取"}},
		{"Writing", paid(ledger.TransferInFlight), []string{`data-stage="writing"`, "已付款<", "正在写卡，请勿移开卡片", `<svg class="icon huge wait"`}},
		{"InDoubt", paid(ledger.TransferInDoubt), []string{`data-stage="checking"`, "已付款<", `<p class="calm"><svg`, "写卡结果待确认。钱没有丢，下次刷卡自动核对", `<svg class="icon huge wait"`}},
		{"Claimed", paid(ledger.TransferClaimed), []string{"已到卡"}},
		{"Returning", paid(ledger.TransferRefunding), []string{`data-stage="refunding"`, "退款中，正在原路退回"}},
		{"Returned", paid(ledger.TransferRefunded), []string{"已原路退款"}},
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
			// A page that is left open learns that it shows another stage.
			_, stage, _ := strings.Cut(page, `data-stage="`)
			stage, _, _ = strings.Cut(stage, `"`)
			if stage == stageEnding {
				stage = stagePaid // WeChat Pay was asked
			}
			wantPage(t, p.get("/h5/topup/orders/"+no+"/status"), 200, `"stage":"`+stage+`"}`)
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
	if got := wantPage(t, p.get(path), 200); got != `{"state":"created","amount_fen":5000,"stage":"waiting"}` || w.asked != 0 {
		t.Errorf("%s, asked %d times", got, w.asked)
	}
	if got := wantPage(t, p.get(path+"?ask=1"), 200); got != `{"state":"paid","amount_fen":5000,"stage":"paid"}` || w.asked != 1 {
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
