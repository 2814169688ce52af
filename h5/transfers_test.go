package h5

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"xiaoka/ledger"
)

func TestTransfers(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	wantPage(t, p.get("/h5/transfers"), 200, "还没有充值、补助和领取的记录")
	at := w.now.AddDate(0, 0, -1)
	w.transfers[bound] = []ledger.Transfer{
		{ID: "7", Kind: "topup", Amount: 2000, State: ledger.TransferPending, CreatedAt: w.now},
		{ID: "6", Kind: "subsidy", Title: "助学金", Amount: 1500, State: ledger.TransferPending, CreatedAt: w.now},
		{ID: "5", Kind: "subsidy", Title: "困难补助<b>", Amount: 30000, State: ledger.TransferInDoubt, CreatedAt: at},
		{ID: "4", Kind: "topup", Amount: 2500, State: ledger.TransferInFlight, CreatedAt: at},
		{ID: "3", Kind: "topup", Amount: 5000, State: ledger.TransferClaimed, CreatedAt: at, ClaimedAt: at},
		{ID: "2", Kind: "topup", Amount: 1000, State: ledger.TransferRefunding, CreatedAt: at},
		{ID: "0", Kind: ledger.KindReplacement, Title: ledger.ReplacementWord, Amount: 900, State: ledger.TransferClaimed, CreatedAt: at, ClaimedAt: at},
		{ID: "1", Kind: "topup", Amount: 1000, State: ledger.TransferRefunded, CreatedAt: at.AddDate(0, 0, -3)},
	}
	page := wantPage(t, p.get("/h5/transfers"), 200, "钱没有丢", "请勿移开卡片", "+50.00", "退款中", "已原路退款", "2025年11月21日", "2025年11月18日", "困难补助&lt;b&gt;", "已发放", "旧卡余额", "旧卡转出")
	if !regexp.MustCompile(`待领 <b class="money">¥35.00</b>`).MatchString(page) {
		t.Error("the sum is not of what is pending")
	}
	for at, order := -1, []string{"正在写卡 <b", "请勿移开卡片", "正在核对 <b", "钱没有丢", "待领 <b", "到任意食堂刷卡", "退款中 <b"}; len(order) > 0; order = order[1:] {
		next := strings.Index(page, order[0])
		if next < at {
			t.Errorf("%q stands before what should lead to it", order[0])
		}
		at = next
	}
	if got := regexp.MustCompile(`/h5/transfers/[^"]+`).FindAllString(page, -1); len(got) != 1 || got[0] != "/h5/transfers/7/refund" {
		t.Errorf("refunds are offered at %q, want the one pending top-up", got)
	}
	// Doubt is calm: words and an icon, in a colour of its own.
	if n := strings.Count(page, `<p class="calm"><svg`); n != 2 {
		t.Errorf("%d of the two that are at a terminal are told apart", n)
	}
	if !regexp.MustCompile(`<li class="now doubt" aria-current="step"><svg[^>]*><use href="#i-info"/></svg> <span>核对中`).MatchString(page) {
		t.Error("doubt looks like success")
	}
	if n := strings.Count(page, `aria-current="step"`); n != 5 {
		t.Errorf("%d timelines for five transfers under way", n)
	}
}

// What is on a replaced card is said to come, before it waits.
func TestTransfers_OldCard(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	balance := w.balances[bound]
	balance.Old, balance.OldDue = 2350, w.now.AddDate(0, 0, 3)
	w.balances[bound] = balance
	w.transfers[bound] = nil
	wantPage(t, p.get("/h5/transfers"), 200, "¥23.50")
}

// A card that is stopped is not sent to a till with what waits.
func TestTransfers_Stopped(t *testing.T) {
	t.Parallel()
	for status, lost := range map[ledger.CardStatus]bool{ledger.CardNormal: false, ledger.CardLost: true, ledger.CardFrozen: true} {
		w := newWorld()
		p := open(t, w)
		p.as(w, bound)
		balance := w.balances[bound]
		balance.Status = status
		w.balances[bound] = balance
		w.transfers[bound] = []ledger.Transfer{{ID: "7", Kind: "topup", Amount: 2000, State: ledger.TransferPending, CreatedAt: w.now}}
		page := mainPart(t, wantPage(t, p.get("/h5/transfers"), 200))
		if strings.Contains(page, "卡停用中") != lost || strings.Contains(page, "到任意食堂刷卡") == lost {
			t.Errorf("%s: %s", status, page)
		}
	}
}

// Who has more waiting than the card has room for is told so.
func TestTransfers_Room(t *testing.T) {
	t.Parallel()
	for books, over := range map[ledger.Fen]bool{70000: false, 80000: false, 80001: true, 999999999: true} {
		w := newWorld()
		b := w.balances[bound]
		b.Books, b.InFlight = books, 0
		w.balances[bound] = b
		w.transfers[bound] = []ledger.Transfer{{ID: "1", Kind: ledger.KindTopUp, Amount: 20000, State: ledger.TransferPending, CreatedAt: w.now}}
		p := open(t, w)
		p.as(w, bound)
		if page := wantPage(t, p.get("/h5/transfers"), 200, "到任意食堂刷卡"); strings.Contains(page, "”。卡上最多放 ¥1000，") != over {
			t.Errorf("with %v on the card: %s", books, page)
		}
		p.lang = "en"
		if page := wantPage(t, p.get("/h5/transfers"), 200); strings.Contains(page, "kiosk. A card holds ¥1000 at most") != over {
			t.Errorf("with %v on the card: %s", books, page)
		}
	}
}

// Our own word for a grant is in the holder's language, the office's name of
// it as it was given.
func TestTransfers_Grants(t *testing.T) {
	t.Parallel()
	for title, want := range map[string][2]string{
		"补助 三月餐补": {"补助 三月餐补", "Grant 三月餐补"}, "补助三月": {"补助 三月", "Grant 三月"}, "补助": {"补助", "Grant"}, "助学金": {"助学金", "助学金"},
	} {
		w := newWorld()
		w.transfers[bound] = []ledger.Transfer{{ID: "1", Kind: ledger.KindSubsidy, Title: title, Amount: 1500, State: ledger.TransferPending, CreatedAt: w.now}}
		p := open(t, w)
		p.as(w, bound)
		wantPage(t, p.get("/h5/transfers"), 200, ">"+want[0]+"<")
		p.lang = "en"
		wantPage(t, p.get("/h5/transfers"), 200, ">"+want[1]+"<")
	}
}

// What a terminal has is not told to be claimed at one, and once its time is
// over nobody is told to keep the card still.
func TestTransfers_AtATerminal(t *testing.T) {
	t.Parallel()
	for state, c := range map[ledger.TransferState]struct{ says, never []string }{
		ledger.TransferInFlight: {[]string{`正在写卡 <b class="money">¥20.00</b>`, "正在写卡，请勿移开卡片"}, []string{"到任意食堂", "待领 <b"}},
		ledger.TransferInDoubt:  {[]string{`正在核对 <b class="money">¥20.00</b>`, "写卡结果待确认。钱没有丢，下次刷卡自动核对"}, []string{"到任意食堂", "待领 <b", "请勿移开"}},
	} {
		w := newWorld()
		w.transfers[bound] = []ledger.Transfer{{ID: "1", Kind: "topup", Amount: 2000, State: state, CreatedAt: w.now}}
		p := open(t, w)
		p.as(w, bound)
		page := wantPage(t, p.get("/h5/transfers"), 200, c.says...)
		for _, word := range c.never {
			if strings.Contains(page, word) {
				t.Errorf("%s: the page says %q", state, word)
			}
		}
	}
}

func TestRefund(t *testing.T) {
	t.Parallel()
	w := newWorld()
	waits(w)
	p := open(t, w)
	form := url.Values{"csrf_token": {p.as(w, bound)}}
	wantPage(t, p.get("/h5/transfers/T1/refund"), 200, "¥50.00", "零钱或银行卡", "工作日", "不能撤销", `<form method="post"`)
	if len(w.refunds) != 0 {
		t.Fatal("opening the page asked for the refund")
	}
	wantRedirect(t, p.post("/h5/transfers/T1/refund", form), "/h5/transfers?done=refund")
	page := wantPage(t, p.get("/h5/transfers?done=refund"), 200, "退款已提交", "退款中", "50.00")
	if strings.Contains(page, "/refund\"") {
		t.Error("the refund is offered again")
	}
	for _, state := range []ledger.TransferState{ledger.TransferRefunding, ledger.TransferRefunded} {
		w.transfers[bound][0].State = state
		wantRedirect(t, p.post("/h5/transfers/T1/refund", form), "/h5/transfers")
		wantRedirect(t, p.get("/h5/transfers/T1/refund"), "/h5/transfers")
	}
	wantPage(t, p.get("/h5/transfers"), 200, "已原路退款")
	if len(w.refunds) != 1 {
		t.Errorf("%d refunds", len(w.refunds))
	}
}

// What cannot go back says why, on the page before and to a form that comes
// too late; nothing is asked for.
func TestRefundRefused(t *testing.T) {
	t.Parallel()
	state := func(s ledger.TransferState) func(*world) {
		return func(w *world) { w.transfers[bound][0].State = s }
	}
	for name, c := range map[string]struct {
		given func(*world)
		word  string
	}{
		"InFlight": {state(ledger.TransferInFlight), "正在写卡，现在不能退款"},
		"InDoubt":  {state(ledger.TransferInDoubt), "写卡结果待确认，现在不能退款。钱没有丢"},
		"Claimed":  {state(ledger.TransferClaimed), "已到卡，不能原路退款了"},
		"Subsidy":  {func(w *world) { w.transfers[bound][0].Kind = "subsidy" }, "不是微信充值"},
		"TooOld": {func(w *world) {
			w.transfers[bound][0].CreatedAt = w.now.Add(-ledger.RefundLife)
			w.refundErr = ledger.ErrRefundRefused
		}, "付款已满一年"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			waits(w)
			p := open(t, w)
			token := p.as(w, bound)
			c.given(w)
			for _, page := range []string{
				wantPage(t, p.get("/h5/transfers/T1/refund"), 200, c.word),
				wantPage(t, p.post("/h5/transfers/T1/refund", url.Values{"csrf_token": {token}}), 409, c.word),
			} {
				if strings.Contains(page, "<form") {
					t.Error("it can be asked for all the same")
				}
			}
			if len(w.refunds) != 0 {
				t.Error("a refund was begun")
			}
		})
	}
	t.Run("NobodyKnowsWhy", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		waits(w)
		w.refundErr = ledger.ErrRefundRefused
		p := open(t, w)
		wantPage(t, p.post("/h5/transfers/T1/refund", url.Values{"csrf_token": {p.as(w, bound)}}), 409, "现在不能退款。钱没有丢，请过一会儿再看")
	})
	t.Run("StoreFails", func(t *testing.T) {
		t.Parallel()
		w := newWorld()
		waits(w)
		w.refundErr = errors.New("no connection")
		p := open(t, w)
		page := wantPage(t, p.post("/h5/transfers/T1/refund", url.Values{"csrf_token": {p.as(w, bound)}}), 500)
		if strings.Contains(page, "no connection") {
			t.Error("the page says what is for the log")
		}
	})
}

// Another's transfer and none at all look the same.
func TestRefundOfAnother(t *testing.T) {
	t.Parallel()
	w := newWorld()
	waits(w)
	w.transfers[verified] = []ledger.Transfer{{ID: "T2", Kind: "topup", State: ledger.TransferPending, CreatedAt: w.now, Amount: 700}}
	p := open(t, w)
	form := url.Values{"csrf_token": {p.as(w, bound)}}
	id := regexp.MustCompile(`编号 [^<]+`)
	said := func(answer *http.Response) string {
		return id.ReplaceAllString(mainPart(t, wantPage(t, answer, 404)), "编号")
	}
	none := said(p.get("/h5/transfers/T9/refund"))
	for _, path := range []string{"T2", "T9", "%00", "T1%00", "%ff", "T1%27--", "%2e%2e", strings.Repeat("T", 33)} {
		path = "/h5/transfers/" + path + "/refund"
		if said(p.get(path)) != none || said(p.post(path, form)) != none {
			t.Errorf("%s looks unlike one that is not there", path)
		}
	}
	for _, path := range []string{"%00", "XK%00", "%ff", "%ff/status", "%00/pay?channel=jsapi"} {
		if status := p.get("/h5/topup/orders/" + path).StatusCode; status != 404 {
			t.Errorf("order %s: %d", path, status)
		}
	}
	if len(w.refunds) != 0 || w.transfers[verified][0].State != ledger.TransferPending {
		t.Error("something was begun")
	}
}

func TestOrderGoesBack(t *testing.T) {
	t.Parallel()
	for state, words := range map[ledger.TransferState][]string{
		ledger.TransferRefunding: {`data-stage="refunding"`, "退款中", "工作日"},
		ledger.TransferRefunded:  {`data-stage="refunded"`, "已原路退款"},
	} {
		w := newWorld()
		ordered(w, func(o *ledger.Order) { o.State, o.TransferID = ledger.OrderPaid, "T1" })
		waits(w)
		w.transfers[bound][0].State = state
		p := open(t, w)
		p.as(w, bound)
		if page := wantPage(t, p.get("/h5/topup/orders/"+no), 200, words...); strings.Contains(page, "待领取") {
			t.Errorf("%s: still to be collected", state)
		}
	}
}
