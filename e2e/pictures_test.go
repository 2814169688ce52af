package e2e

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	browser "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

var pictures = flag.String("pictures", "", "folder that gets the guide's pictures, made anew")

// The guide's pictures are taken of the sandbox while a member uses the
// product in it, in each language. `make pictures` writes them.
func TestPictures(t *testing.T) {
	if *pictures == "" {
		t.Skip("writes pictures only where -pictures says")
	}
	for lang, verify := range map[string]string{"zh-CN": "验证", "en": "verify"} {
		t.Run(lang, func(t *testing.T) {
			d := newDesk(t)
			d.do("a desk's size, a phone without scroll bars", chromedp.EmulateViewport(1440, 940),
				command(emulation.SetScrollbarsHidden, emulation.SetScrollbarsHiddenParams{Hidden: true}))
			take := func(name, part string) { d.take(name+"."+lang, part) }
			if lang == "en" {
				d.click("lang-toggle")
				time.Sleep(time.Second)
			}
			d.click("chat-item-1000001")
			d.say(verify)
			d.do("the offer", chromedp.WaitVisible(`[data-testid="card-submit"]`))
			d.click("card-submit")
			d.do("the mail", chromedp.WaitVisible(`[data-testid="mail-code"]`))
			d.say(d.read("mail-code"))
			d.until("the welcome", `document.querySelectorAll('[data-testid="message"]').length > 3 || document.body.innerText.includes('校园一卡通')`)
			time.Sleep(time.Second)
			take("verify", ".phone")
			d.click("chat-back")
			d.until("the welcome", `[...document.querySelectorAll('[data-testid="unread-1000002"]')].length > 0`)
			d.click("chat-item-1000002")
			d.do("the welcome", chromedp.WaitVisible(`[data-testid="card-action"]`))
			d.click("card-action")
			d.until("the form", page+` && `+page+`.querySelector('[name="query_password"]') !== null`)
			take("bind", ".phone")
			d.fill(map[string]string{"name": "张小卡", "number": "2025533001", "query_password": "123456"})
			d.until("the password page", page+`.querySelector('[name="new_password"]') !== null`)
			d.fill(map[string]string{"old_password": "123456", "new_password": ownPassword, "repeat_password": ownPassword})
			d.pageSays("12.50")

			d.pays(20000)
			if lang == "zh-CN" { // it says everything in both
				d.machine("kiosk")
			}
			d.claimAll()
			d.click("browser-close")
			d.says("card", "¥200.00")
			take("claimed", ".phone")
			d.js("open the newest card", `(() => { [...document.querySelectorAll('[data-testid="card-action"]')].at(-1).click(); return true })()`)
			d.until("a page", `!!document.querySelector('[data-testid="browser-frame"]') && !!`+page)
			card := d.chip()
			today := eaten(card.CardNo, card.Chip, 5)
			for i := range today {
				today[i].OccurredAt = time.Now().Add(time.Duration(i-5) * 97 * time.Minute).Truncate(time.Second)
			}
			d.sells("P02", today)
			d.to("/h5/transactions")
			take("transactions", ".phone")
			d.sells("P01", eaten(card.CardNo, today[4].Chip, 24)[:13])
			d.pays(5000, func() { take("topup", ".phone") })
			take("paid", ".phone")
			d.to("/h5/")
			d.pageSays("50.00")
			take("home", ".phone")
			d.to("/h5/statement")
			take("statement", ".phone")
			d.to("/h5/loss")
			d.fill(map[string]string{"query_password": ownPassword})
			d.pageSays("GS")
			d.spread("K01", "K02", "K03", "P01", "P02")
			d.to("/h5/loss")
			d.pageSays(map[string]string{"zh-CN": "5/6", "en": "5 of 6"}[lang])
			take("loss", ".phone")
		})
	}
}

// to opens a page of the product in the phone.
func (d *desk) to(path string) {
	d.t.Helper()
	d.js("go to "+path, fmt.Sprintf(`(() => { document.querySelector('[data-testid="browser-frame"]').contentWindow.location.href = %q; return true })()`, path))
	d.until("the page "+path, fmt.Sprintf(`(() => { const f = document.querySelector('[data-testid="browser-frame"]'); return f.contentWindow.location.pathname === %q && f.contentDocument.readyState === 'complete' })()`, path))
}

// pays orders an amount and pays it.
func (d *desk) pays(fen int, chosen ...func()) {
	d.t.Helper()
	d.to("/h5/topup")
	d.js("choose", fmt.Sprintf(`(() => { %s.querySelector('[name="amount_fen"][value="%d"]').checked = true; return true })()`, page, fen))
	for _, f := range chosen {
		f()
	}
	d.js("order", `(() => { `+page+`.querySelector('form.fields').requestSubmit(); return true })()`)
	d.do("the pay sheet", chromedp.WaitVisible(`[data-testid="pay-confirm"]`))
	d.click("pay-confirm")
	d.until("the payment", page+` && !!`+page+`.querySelector('[data-stage="paid"]')`)
}

// claimAll collects at the machine what waits.
func (d *desk) claimAll() {
	d.t.Helper()
	d.click("kiosk-put-in")
	d.do("the keypad", chromedp.WaitVisible(`[data-testid="kiosk-screen"][data-step="pin"]`))
	for _, key := range ownPassword {
		d.click("kiosk-key-" + string(key))
	}
	d.click("kiosk-key-ok")
	d.do("what waits", chromedp.WaitVisible(`[data-testid="kiosk-claim"]`))
	d.click("kiosk-claim")
	d.do("the receipt", chromedp.WaitVisible(`[data-testid="kiosk-result"][data-outcome="claimed"]`))
	d.click("kiosk-take-out")
}

// machine takes the real machine's screen, with the member's card on its
// reader and what waits for it: the sandbox draws one of its own.
func (d *desk) machine(name string) {
	d.t.Helper()
	reader := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		card := d.chip()
		_ = json.NewEncoder(w).Encode(map[string]any{"card_no": card.CardNo, "chip": card.Chip})
	}))
	defer reader.Close()
	dir := d.t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "secret"), []byte(d.terminal("K01").Secret), 0o600); err != nil {
		d.t.Fatal(err)
	}
	bridge := exec.Command(binary, "kiosk-bridge", "--reader", reader.URL, "--server", d.url, "--terminal", "K01",
		"--secret-file", filepath.Join(dir, "secret"), "--journal", filepath.Join(dir, "journal"))
	said, err := bridge.StdoutPipe()
	if err != nil {
		d.t.Fatal(err)
	}
	if err := bridge.Start(); err != nil {
		d.t.Fatal(err)
	}
	defer func() {
		_ = bridge.Process.Kill()
		_ = bridge.Wait()
	}()
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		d.t.Fatal(err)
	}
	tab, cancel := chromedp.NewContext(d.ctx)
	defer cancel()
	// The first action opens the tab, which lives as long as its context.
	if err := chromedp.Do(tab, chromedp.Navigate("about:blank")); err != nil {
		d.t.Fatal(err)
	}
	at := &desk{t: d.t, ctx: tab}
	at.do("the machine", chromedp.EmulateViewport(1280, 1024),
		chromedp.Navigate(strings.TrimSpace(strings.TrimPrefix(line, "screen: "))))
	at.js("touch it", `document.getElementById('wecom').click() || document.querySelector('[data-purpose=claim]').click() || true`)
	at.until("the card", `document.body.dataset.view === 'form'`)
	for _, key := range ownPassword {
		at.js("a key", fmt.Sprintf(`document.querySelector('[data-key="%c"]').click() || true`, key))
	}
	at.js("确定", `document.getElementById('ok').click() || true`)
	at.until("what waits", `document.querySelectorAll('#rows tr').length === 1`)
	at.keep(name, 0, 0, 1280, 1024, .5)
}

// terminal is one the sandbox registered.
func (d *desk) terminal(id string) campus.Terminal {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(d.config), "campus.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	var world campus.State
	if err := json.Unmarshal(b, &world); err != nil {
		d.t.Fatal(err)
	}
	return world.Terminals[slices.IndexFunc(world.Terminals, func(k campus.Terminal) bool { return k.ID == id })]
}

// sells has a till send what it sold.
func (d *desk) sells(till string, records []terminal.Record) {
	d.t.Helper()
	if r, err := d.client(till).Consumptions(d.ctx, records); err != nil || r.Accepted != len(records) {
		d.t.Fatalf("%+v, %v", r, err)
	}
}

// spread has terminals fetch the list of lost cards, and ask once more with
// what they then have.
func (d *desk) spread(ids ...string) {
	d.t.Helper()
	for _, id := range ids {
		fetch := d.client(id).Blacklist
		if d.terminal(id).Kind == "pos" {
			fetch = d.client(id).POSBlacklist
		}
		list, err := fetch(d.ctx, 0, "")
		if err == nil {
			_, err = fetch(d.ctx, list.Version, "")
		}
		if err != nil {
			d.t.Fatal(err)
		}
	}
}

// client speaks for a terminal that the sandbox registered.
func (d *desk) client(id string) *terminal.Client {
	d.t.Helper()
	secret, err := base64.StdEncoding.DecodeString(d.terminal(id).Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	return &terminal.Client{BaseURL: d.url, TerminalID: id, Secret: secret}
}

// chip is what the member's card holds.
func (d *desk) chip() campus.CardView {
	d.t.Helper()
	res, err := http.Get(d.url + "/sandbox/api/kiosks/K01")
	if err != nil {
		d.t.Fatal(err)
	}
	defer res.Body.Close()
	var machine struct{ Mine campus.CardView }
	if err := json.NewDecoder(res.Body).Decode(&machine); err != nil {
		d.t.Fatal(err)
	}
	return machine.Mine
}

// take keeps a part of the desk as a picture, in a format for the web.
func (d *desk) take(name, part string) {
	d.t.Helper()
	time.Sleep(600 * time.Millisecond) // what the page fades in should be there
	at := eval(d, "measure "+part, chromedp.Evaluate[struct{ X, Y, Width, Height float64 }](fmt.Sprintf(`document.querySelector(%q).getBoundingClientRect().toJSON()`, part)))
	d.keep(name, at.X, at.Y, at.Width, at.Height, 1)
}

// keep writes a part of the page, scaled.
func (d *desk) keep(name string, x, y, width, height, scale float64) {
	d.t.Helper()
	quality := int64(72)
	shot := eval(d, "take "+name, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, browser.CaptureScreenshot, browser.CaptureScreenshotParams{Format: browser.CaptureScreenshotFormatWebp, Quality: &quality,
			Clip: &browser.Viewport{X: x, Y: y, Width: width, Height: height, Scale: scale}})
		return r.Data, err
	})
	d.t.Logf("%s: %.0f by %.0f, %d bytes", name, width*scale, height*scale, len(shot))
	if err := os.WriteFile(filepath.Join(*pictures, name+".webp"), shot, 0o644); err != nil {
		d.t.Fatal(err)
	}
}
