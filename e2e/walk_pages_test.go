package e2e

import (
	"bytes"
	"compress/zlib"
	"context"
	"io"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	browser "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"xiaoka/sandbox/terminal"
)

// What the pages do in a real browser: choose by keyboard and by mouse, print,
// and follow what happens elsewhere.
func TestPages(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries and a browser")
	}
	t.Parallel()
	h := newHouse(t, "", "", 1, func(h *house) { h.env = []string{"XIAOKA_CLAIM_EXPIRE=2s"} })
	w := newWalker(t, h.url)
	m := h.newMember(0).holder()
	loaded(m)
	card := m.campus.Chip(m.Person)
	if err := card.PutIn(); err != nil {
		t.Fatal(err)
	}
	var records []terminal.Record
	for i := range 24 { // all on one day
		chip, err := card.Spend(100)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, terminal.Record{Seq: int64(i + 1), CardNo: m.CardNo, AmountFen: 100, Chip: chip, OccurredAt: time.Now().Add(-time.Minute).Truncate(time.Second),
			Merchant: []string{"二号餐厅", "一号餐厅", "图书馆"}[i%3]})
	}
	card.PullOut()
	if r, err := h.terminal("P01").Consumptions(m.context(), records); err != nil || r.Accepted != len(records) {
		t.Fatal(r, err)
	}
	m.member.Store(m.UserID)

	chosen := func(name string) string {
		return look[string](w, name, `document.querySelector('[name=`+name+`]').value`)
	}
	at := func() string {
		return look[string](w, "the address", `location.search + ' ' + (document.activeElement.name || document.activeElement.tagName)`)
	}
	press := func(keys string) { w.do("press", chromedp.KeyEvent(keys)) }
	w.open("transactions", h.url+"/h5/transactions", "", "")
	if visible := look[bool](w, "the button", `document.querySelector('.filters button').offsetWidth > 0`); visible {
		t.Error("who chooses with a finger has a button to press as well")
	}
	for look[string](w, "the focus", `document.activeElement.name || ''`) != "merchant" {
		press(kb.Tab)
	}
	press(kb.ArrowDown)
	first := chosen("merchant")
	press(kb.ArrowDown)
	second := chosen("merchant")
	if got := at(); got != " merchant" || first == "" || second == "" || first == second {
		t.Fatalf("the arrows led to %s, past %q to %q", got, first, second)
	}
	press(kb.Tab) // to the button
	press(kb.Enter)
	w.until("the second merchant", `location.search.includes('merchant=') && document.readyState === 'complete'`)
	if got := chosen("merchant"); got != second {
		t.Errorf("%q is shown, chosen was %q", got, second)
	}
	if got := look[bool](w, "the focus", `document.activeElement.matches('.filters button')`); !got {
		t.Errorf("the keyboard goes on at %s", at())
	}
	// A mouse or a finger chooses at once.
	look[bool](w, "choose", `(() => { document.body.dispatchEvent(new PointerEvent('pointerdown', {bubbles: true}));
		const s = document.querySelector('[name=kind]'); s.value = 'claim'; s.dispatchEvent(new Event('change', {bubbles: true})); return true })()`)
	w.until("the kind", `location.search.includes('kind=claim')`)

	w.open("transactions", h.url+"/h5/transactions", "", "")
	if all, one := w.printed(""), w.printed("1"); one < all/3 {
		t.Errorf("the first sheet has %d of %d texts", one, all)
	}

	no := m.orderNo(2000)
	m.pay(no)
	m.await("the payment", func() bool { return m.status(no) == "paid" })
	w.open("order", h.url+"/h5/topup/orders/"+no, "", `document.getElementById('order').dataset.stage === 'paid'`)
	// The machine goes dark with the claim: in doubt until the card is seen again.
	if _, err := h.terminal("K02").Claim(m.context(), "dark", m.CardNo, ownPassword, card.Peek()); err != nil {
		t.Fatal(err)
	}
	shows := func(stage string) {
		w.until("the order to be "+stage, `document.getElementById('order')?.dataset.stage === '`+stage+`'`)
	}
	shows("checking")
	w.as(m, stop{"transfers doubt", "/h5/transfers", "", ""}, stop{"order doubt", "/h5/topup/orders/" + no, "", ""})
	k := terminal.NewKiosk(m.terminal("K01"), nil)
	if err := k.PutIn(card); err != nil {
		t.Fatal(err)
	}
	if _, err := k.EnterPIN(m.context(), ownPassword); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Collect(m.context()); err != nil {
		t.Fatal(err)
	}
	shows("claimed")
}

// until waits for a JavaScript expression to be true, on this page or one that
// it leads to.
func (w *walker) until(what, expression string) {
	w.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if ok, err := chromedp.Run(w.ctx, chromedp.Evaluate[bool](expression)); err == nil && ok {
			return
		}
	}
	w.t.Fatalf("waited for %s", what)
}

var pdfStream = regexp.MustCompile(`(?s)stream\r?\n(.*?)\r?\nendstream`)

// printed counts the texts on sheets of the open page, all if none are named.
func (w *walker) printed(sheets string) (texts int) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	pdf, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, browser.PrintToPDF, browser.PrintToPDFParams{PageRanges: sheets})
		return r.Data, err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, s := range pdfStream.FindAllSubmatch(pdf, -1) {
		if z, err := zlib.NewReader(bytes.NewReader(s[1])); err == nil {
			content, _ := io.ReadAll(z)
			texts += strings.Count(string(content), " Tj\n")
		}
	}
	return texts
}
