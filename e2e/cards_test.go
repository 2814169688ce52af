package e2e

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"xiaoka/ledger"
	"xiaoka/sandbox/terminal"
	"xiaoka/store"
)

// newestCard is the selector's end of the newest card in the open chat.
const newestCard = `[...document.querySelectorAll('[data-testid="card"]')].at(-1)`

// card waits until a card in the chat is of a type and says the words, and takes the picture of the newest such one. It need not be the
// last in the chat: pushes come in between when they like.
func (d *desk) card(name, kind, words string) {
	d.t.Helper()
	found := fmt.Sprintf(`[...document.querySelectorAll('[data-testid="card"]')].filter(c => c.dataset.cardType === %q && c.innerText.includes(%q)).at(-1)`, kind, words)
	d.until(fmt.Sprintf("a %s that says %s", kind, words),
		fmt.Sprintf(`(() => { const c = %s; return !!c && [...c.querySelectorAll('img')].every(i => i.complete && i.naturalWidth > 0) })()`, found))
	if eval(d, "measure the card", chromedp.Evaluate[bool](fmt.Sprintf(
		`(() => { const c = %s; c.dataset.newest = %q; return [...c.querySelectorAll('*')].some(e => e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflow === 'visible' && e.clientWidth > 0 && getComputedStyle(e).display !== 'inline') })()`, found, name))) {
		d.t.Errorf("%s: something is wider than the card", name)
	}
	if *shots == "" {
		return
	}
	ctx, cancel := context.WithTimeout(d.ctx, 10*time.Second)
	defer cancel()
	time.Sleep(300 * time.Millisecond)
	png, err := chromedp.Run(ctx, chromedp.Screenshot(`[data-newest="`+name+`"]`))
	if err != nil {
		d.t.Logf("no picture of %s: %v", name, err)
		return
	}
	if err := os.WriteFile(filepath.Join(*shots, "card-"+name+".png"), png, 0o600); err != nil {
		d.t.Error(err)
	}
}

// choose sets a choice of the newest card: an option of a list, or a check.
func (d *desk) choose(question, option string) {
	d.t.Helper()
	d.js("choose "+option, fmt.Sprintf(`(() => { const c = %s; const s = c.querySelector('[data-testid="card-select-%s"]');
		if (s) { s.value = %q; s.dispatchEvent(new Event('change')); return s.value === %q }
		c.querySelector('[data-testid="card-option-%s-%s"]').click(); return true })()`, newestCard, question, option, option, question, option))
}

// submit presses the newest card's own button.
func (d *desk) submit() {
	d.t.Helper()
	d.js("submit", newestCard+`.querySelector('[data-testid="card-submit"]').click() || true`)
}

// buy uploads purchases of the demo student just made, from a till of its
// own.
func (d *desk) buy(fen ...int64) {
	d.t.Helper()
	out, err := exec.Command(binary, "--config", d.config, "terminal", "add", "P99", "--kind", "pos", "--location", "二号餐厅").CombinedOutput()
	_, secret, _ := strings.Cut(strings.TrimSpace(string(out)), "secret: ")
	raw, decoded := base64.StdEncoding.DecodeString(secret)
	if err != nil || decoded != nil {
		d.t.Fatalf("terminal add: %v\n%s", err, out)
	}
	till := &terminal.Client{BaseURL: d.url, TerminalID: "P99", Secret: raw}
	var records []terminal.Record
	left := int64(1250)
	for i, amount := range fen {
		left -= amount
		records = append(records, terminal.Record{Seq: int64(i + 1), CardNo: "80010001", AmountFen: amount,
			Chip: terminal.ChipState{SpendSeq: int64(i + 1), BalanceFen: left}, OccurredAt: time.Now().Add(-time.Minute), Merchant: "二号餐厅 面点窗口"})
	}
	if got, err := till.Consumptions(d.ctx, records); err != nil || got.Accepted != len(fen) {
		d.t.Fatalf("the till's upload: %+v, %v", got, err)
	}
}

// monthOver tells everybody what this month came to, as the first of the next
// one does.
func (d *desk) monthOver() {
	d.t.Helper()
	s, err := store.Open(d.ctx, "sqlite:"+filepath.Join(filepath.Dir(d.config), "xiaoka.db"), store.Options{})
	if err != nil {
		d.t.Fatal(err)
	}
	defer s.Close()
	month := ledger.MonthOf(time.Now().In(time.FixedZone("CST", 8*3600)))
	if told, err := s.GiveStatements(d.ctx, month, time.Now()); told != 1 || err != nil {
		d.t.Fatalf("%d statements, %v", told, err)
	}
}

// Every type of template card is drawn in the chat, takes its press, and turns
// into what came of it.
func TestBrowserCards(t *testing.T) {
	d := newDesk(t)
	d.bound()
	d.click("chat-back")
	d.click("chat-item-1000001")
	d.card("verified", "text_notice", "验证成功")
	d.click("chat-back")
	d.click("chat-item-1000002")
	d.card("bound", "text_notice", "绑定成功")

	d.say("余额")
	d.card("balance", "text_notice", "¥12.50")
	d.say("充值")
	d.card("topup", "button_interaction", "其他金额")
	d.say("充值 30")
	d.card("topup-amount", "text_notice", "¥30.00")
	d.say("明细")
	d.card("transactions", "text_notice", "还没有交易")
	d.say("帮助")
	d.card("help", "text_notice", "可以这样问我")
	d.say("人工")
	d.card("human", "text_notice", "021-5555 0100")
	d.say("挂失")
	d.card("loss", "button_interaction", "确认挂失")
	d.press("取消")
	d.card("loss-dropped", "text_notice", "没有挂失")

	d.buy(650)
	d.card("consumption", "text_notice", "−¥6.50")
	d.js("open the menu of the card", newestCard+`.querySelector('[data-testid="card-menu"]').click() || true`)
	d.picture("card-menu")
	d.js("mute", newestCard+`.querySelector('[data-testid="card-menu-mute.consumption"]').click() || true`)
	d.card("muted", "button_interaction", "不再通知你：消费")
	d.press("重新打开")
	d.card("unmuted", "text_notice", "重新通知你：消费")

	d.say("账单")
	d.card("statement", "news_notice", "¥6.50")
	d.picture("statement-in-chat")
	d.monthOver()
	d.until("the month's card", `document.querySelectorAll('[data-testid="card"][data-card-type="news_notice"]').length === 2`)
	d.card("statement-pushed", "news_notice", "¥6.50")
	d.js("open the menu of the month's card", newestCard+`.querySelector('[data-testid="card-menu"]').click() || true`)
	d.picture("statement-pushed-menu")
	d.js("close the menu", newestCard+`.querySelector('[data-testid="card-menu"]').click() || true`)

	d.say("通知设置")
	d.card("push-kinds", "vote_interaction", "余额提醒")
	d.choose("kinds", "low_balance")
	d.submit()
	d.card("push-kinds-saved", "text_notice", "会通知你")

	d.say("设置")
	d.card("settings", "multiple_interaction", "消息样式")
	d.choose("lang", "en")
	d.choose("style", "textcard")
	d.submit()
	d.card("settings-saved", "text_notice", "Saved")
	d.say("balance")
	d.says("textcard", "Campus card balance")
	d.picture("textcard")
	d.say("statement")
	d.says("textcard", "Statement for")
	d.picture("textcard-statement")
}
