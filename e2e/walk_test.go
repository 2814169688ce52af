package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	browser "github.com/chromedp/cdproto/page"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// stop is one page on the walk. Act, if any, fills its form and sends it;
// until, if any, is when the page has settled.
type stop struct{ name, path, act, until string }

// as goes through the pages of one person, in both languages.
func (w *walker) as(m *member, stops ...stop) {
	w.t.Helper()
	w.do("forget who this is", command(network.ClearBrowserCookies, cdp.Empty{}))
	m.member.Store(m.UserID)
	for _, lang := range []string{"zh-CN", "en"} {
		for _, s := range stops {
			path, fragment, _ := strings.Cut(s.path, "#")
			join := "?"
			if strings.Contains(path, "?") {
				join = "&"
			}
			w.open(s.name, m.url+path+join+"lang="+lang+"#"+fragment, s.act, s.until)
			if strings.HasSuffix(s.name, " wrong") {
				w.faults(s.name+" "+lang, look[[]string](w, s.name, refused))
			}
			w.walk(s.name, lang, 360, 1280)
			if name, _, _ := strings.Cut(s.name, " "); name == "transactions" || name == "print" || name == "statement" {
				w.onPaper(s.name, lang)
			}
		}
	}
}

// Every page and what it says when something is wrong, in both languages and
// schemes, narrow and wide: nothing complains, overflows, asks elsewhere,
// cannot be read or cannot be reached.
func TestWalk(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries and a browser")
	}
	t.Parallel()
	h := newHouse(t, "", "", 1, func(h *house) { h.people = 8 })
	w := newWalker(t, h.url)

	nobody := h.nobody()
	h.await("the code to join", func() bool { return strings.Contains(nobody.open("/"), "/guide/join?v=") })
	w.as(nobody, stop{"guide", "/", "", "[...document.images].every(i => (i.loading = 'eager') && i.complete)"})
	// The machine's own screen, with a reader, is looked at in kiosk/bridge; this is the server's copy.
	w.open("kiosk", h.url+"/kiosk/", "", "")
	w.walk("kiosk", "zh-CN", 1280) // it is in both languages at once
	w.open("kiosk claim", h.url+"/kiosk/", "", `document.getElementById('wecom').click(), document.querySelector('[data-purpose=claim]').click(), document.body.dataset.view === 'card'`)
	w.walk("kiosk claim", "zh-CN", 1280)

	rich := h.newMember(0).holder()
	lived(rich)
	waiting := rich.orderNo(3000)
	rich.pay(rich.orderNo(5000))
	rich.await("the payment", func() bool { return strings.Contains(rich.open("/h5/transfers"), "待领") })
	paid := rich.orderNo(2000)
	rich.pay(paid)
	rich.await("the payment", func() bool { return rich.status(paid) == "paid" })
	refund := refundLink.FindString(rich.open("/h5/transfers"))
	w.as(rich,
		stop{"home", "/h5/", "", ""},
		stop{"topup", "/h5/topup", "", ""},
		stop{"topup wrong", "/h5/topup", sending(".fields .button", "amount_yuan", "9999"), ""},
		stop{"order waiting", "/h5/topup/orders/" + waiting, "", `!document.getElementById('scan').hidden`},
		stop{"order paid", "/h5/topup/orders/" + paid, "", ""},
		stop{"transactions", "/h5/transactions", "", ""},
		stop{"transactions 2", "/h5/transactions?page=2", "", ""},
		stop{"transactions filtered", "/h5/transactions?kind=consumption", "", ""},
		stop{"transactions none", "/h5/transactions?merchant=none", "", ""},
		stop{"transactions empty", "/h5/transactions?month=2024-01", "", ""},
		stop{"print", "/h5/transactions/print", "", ""},
		stop{"statement", "/h5/statement", "", ""},
		stop{"statement empty", "/h5/statement?month=2024-01", "", ""},
		stop{"transfers", "/h5/transfers", "", ""},
		stop{"refund", refund, "", ""},
		stop{"loss", "/h5/loss", "", ""},
		stop{"loss wrong", "/h5/loss", sending(".fields .button", "query_password", "000000"), ""},
		stop{"password", "/h5/password", "", ""},
		stop{"password wrong", "/h5/password", sending(".fields .button", "old_password", ownPassword, "new_password", "123456", "repeat_password", "123456"), ""},
		stop{"password by code", "/h5/password?with=code", "", ""},
		stop{"settings", "/h5/settings?done=settings", "", ""},
		stop{"settings wrong", "/h5/settings", sending("form .button", "low_balance_yuan", "many"), ""},
		stop{"unbind", "/h5/unbind", "", ""},
		stop{"error month", "/h5/statement?month=x", "", ""},
		stop{"error none", "/h5/nothing", "", ""},
		stop{"error link", "/h5/oauth/callback?code=x&state=y", "", ""},
		stop{"goodbye", "/h5/goodbye", "", ""},
	)
	w.do("pretend to be WeChat", command(browser.AddScriptToEvaluateOnNewDocument, browser.AddScriptToEvaluateOnNewDocumentParams{
		Source: `window.WeixinJSBridge = {invoke: (_, __, done) => done({err_msg: 'get_brand_wcpay_request:cancel'})}`}))
	w.as(rich, stop{"order in WeChat", "/h5/topup/orders/" + rich.orderNo(1000), "",
		// It pays by itself the first time, and says each time that it was cancelled.
		`!document.getElementById('cancelled').hidden || (document.getElementById('pay').hidden || document.getElementById('pay').click(), false)`})

	newcomer := h.person(campus.Person{UserID: "newcomer", Name: "新同学"})
	w.as(newcomer,
		stop{"verify newcomer", "/h5/verify", "", ""},
		stop{"verify newcomer wrong", "/h5/verify", sending(".fields .button", "student_no", "?"), ""},
	)
	w.as(newcomer, stop{"verify newcomer sent", "/h5/verify", sending(".fields .button", "student_no", "20991234"), ""})
	fresh := h.newMember(1)
	fresh.toldSince(fresh.say(campus.AssistantID, "how do I verify?"), campus.AssistantID)
	if !strings.Contains(fresh.open("/h5/verify"), `<html lang="en">`) {
		t.Error("the chat spoke English, and the page does not")
	}
	w.as(fresh, stop{"verify", "/h5/verify", "", ""})
	fresh.post("/h5/verify", map[string]string{"channel": "email"})
	w.as(fresh,
		stop{"verify sent", "/h5/verify?sent=email", "", ""},
		stop{"verify wrong", "/h5/verify?sent=email", sending(".fields .button", "code", "000000"), ""},
	)
	proven := h.newMember(2)
	proven.prove()
	w.as(proven,
		stop{"bind", "/h5/bind?done=verified", "", ""},
		stop{"bind wrong", "/h5/bind", sending(".fields .button", "name", "张三", "number", "1", "query_password", "000000"), ""},
	)
	initial := h.newMember(3)
	initial.prove()
	initial.post("/h5/bind", map[string]string{"name": initial.Name, "number": initial.CardNo, "query_password": "123456"})
	w.as(initial, stop{"password initial", "/h5/password?done=bound", "", ""}, stop{"loss initial", "/h5/loss", "", ""})

	lost := h.newMember(4).holder()
	lost.post("/h5/loss", map[string]string{"query_password": ownPassword})
	w.as(lost,
		stop{"home lost", "/h5/", "", ""},
		stop{"topup lost", "/h5/topup", "", ""},
		stop{"loss status", "/h5/loss", "", ""},
		stop{"cancel loss", "/h5/loss/cancel", "", ""},
	)
	lost.minuteLater()
	lost.post("/h5/loss/cancel", map[string]string{"channel": "email"})
	w.as(lost, stop{"cancel loss sent", "/h5/loss/cancel", "", ""},
		stop{"cancel loss wrong", "/h5/loss/cancel", sending(".fields .button", "query_password", ownPassword, "code", "000000"), ""})
	cancel := lost.code()
	lost.post("/h5/loss/cancel", map[string]string{"query_password": ownPassword, "code": cancel})
	w.as(lost, stop{"loss cancelled", "/h5/loss/cancel", "", ""})

	locked := h.newMember(5).holder()
	for range 5 {
		locked.send("POST", "/h5/unbind", locked.form("query_password", "000000"))
	}
	w.as(locked, stop{"unbind locked", "/h5/unbind", "", ""}, stop{"password locked", "/h5/password", "", ""},
		stop{"transfers none", "/h5/transfers", "", ""}, stop{"home new", "/h5/", "", ""})

	replaced := h.newMember(6).holder()
	records := eaten(replaced.CardNo, terminal.ChipState{BalanceFen: 1250}, 1)
	if _, err := h.terminal("P02").Consumptions(replaced.context(), records); err != nil {
		t.Fatal(err)
	}
	// The chip holds less than the books: a till has not sent everything yet.
	h.run("card", "replace", replaced.CardNo, "N2026000001", "--chip", "0/2/5.00", "--reason", "handed in")
	w.as(replaced,
		stop{"home replaced", "/h5/", "", ""},
		stop{"transactions replaced", "/h5/transactions", "", ""},
		stop{"print replaced", "/h5/transactions/print", "", ""},
		stop{"statement replaced", "/h5/statement", "", ""},
		stop{"transfers replaced", "/h5/transfers", "", ""},
		stop{"loss replaced", "/h5/loss", "", ""},
	)

	thirsty := h.newMember(7).holder()
	loaded(thirsty)
	drinks := drunk(thirsty.CardNo, h.campus.Chip(thirsty.Person).Peek(), records[0].Seq+1, 900)
	if r, err := h.terminal("P02").Consumptions(thirsty.context(), drinks); err != nil || r.Accepted != len(drinks) {
		t.Fatal(r, err)
	}
	if !strings.Contains(thirsty.open("/h5/transactions/print"), "page=2") {
		t.Error("a month of 900 drinks is printed on one page")
	}
	w.as(thirsty, stop{"print long", "/h5/transactions/print", "", ""}, stop{"print last", "/h5/transactions/print?page=99", "", ""})
	t.Logf("%d pictures", w.shot)
}

// lived gives a member money and a month of meals.
func lived(m *member) {
	m.t.Helper()
	loaded(m)
	records := eaten(m.CardNo, m.campus.Chip(m.Person).Peek(), 24)
	if r, err := m.terminal("P01").Consumptions(m.context(), records); err != nil || r.Accepted != len(records) {
		m.t.Fatal(fmt.Sprint(r, err))
	}
}

// loaded gives a member 300 yuan on the chip.
func loaded(m *member) {
	m.t.Helper()
	m.pay(m.orderNo(20000))
	m.pay(m.orderNo(10000))
	k := terminal.NewKiosk(m.terminal("K01"), nil)
	m.await("the money", func() bool { return strings.Contains(m.open("/h5/transfers"), "100.00") })
	if err := k.PutIn(m.campus.Chip(m.Person)); err != nil {
		m.t.Fatal(err)
	}
	if _, err := k.EnterPIN(m.context(), ownPassword); err != nil {
		m.t.Fatal(err)
	}
	if _, err := k.Collect(m.context()); err != nil {
		m.t.Fatal(err)
	}
	k.PullOut()
}

// drunk is what n cups of hot water leave in a till, numbered from seq on.
func drunk(cardNo string, chip terminal.ChipState, seq int64, n int) (records []terminal.Record) {
	at := time.Now().Add(-time.Minute).Truncate(time.Second)
	for i := range n {
		chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+1, chip.BalanceFen-5
		records = append(records, terminal.Record{Seq: seq + int64(i), CardNo: cardNo, AmountFen: 5, Chip: chip, OccurredAt: at, Merchant: "三号楼 热水"})
	}
	return records
}

// eaten is what n purchases since the month began leave in a till.
func eaten(cardNo string, chip terminal.ChipState, n int) []terminal.Record {
	meals := []struct {
		hour, minute int
		fen          int64
		at           string
	}{{7, 42, 450, "二号餐厅 早点窗口"}, {11, 58, 1280, "二号餐厅 风味窗口"}, {15, 20, 1500, "图书馆 咖啡角"}, {18, 5, 1150, "一号餐厅 麻辣香锅"}, {21, 30, 600, "三号楼 热水"}}
	now := time.Now().In(time.FixedZone("CST", 8*3600))
	first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, now.Location())
	var records []terminal.Record
	for i := range n {
		meal := meals[i%len(meals)]
		fen := meal.fen + int64(i*7%50)
		at := first.AddDate(0, 0, i/2).Add(time.Duration(meal.hour)*time.Hour + time.Duration(meal.minute)*time.Minute)
		if !at.Before(now) {
			at = now.Add(-time.Minute)
		}
		chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+1, chip.BalanceFen-fen
		records = append(records, terminal.Record{Seq: int64(i + 1), CardNo: cardNo, AmountFen: fen, Chip: chip, OccurredAt: at.Truncate(time.Second), Merchant: meal.at})
	}
	return records
}
