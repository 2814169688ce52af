package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
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
			d.do("a desk's size", chromedp.EmulateViewport(1440, 940))
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
			d.claimAll(func() { take("kiosk", `[data-testid="kiosk-screen"]`) })
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
func (d *desk) claimAll(asked ...func()) {
	d.t.Helper()
	d.click("kiosk-put-in")
	d.do("the keypad", chromedp.WaitVisible(`[data-testid="kiosk-screen"][data-step="pin"]`))
	for _, key := range ownPassword {
		d.click("kiosk-key-" + string(key))
	}
	d.click("kiosk-key-ok")
	d.do("what waits", chromedp.WaitVisible(`[data-testid="kiosk-claim"]`))
	for _, f := range asked {
		f()
	}
	d.click("kiosk-claim")
	d.do("the receipt", chromedp.WaitVisible(`[data-testid="kiosk-result"][data-outcome="claimed"]`))
	d.click("kiosk-take-out")
}

// sells has a till send what it sold.
func (d *desk) sells(till string, records []terminal.Record) {
	d.t.Helper()
	b, err := os.ReadFile(filepath.Join(filepath.Dir(d.config), "campus.json"))
	if err != nil {
		d.t.Fatal(err)
	}
	var world campus.State
	if err := json.Unmarshal(b, &world); err != nil {
		d.t.Fatal(err)
	}
	i := slices.IndexFunc(world.Terminals, func(k campus.Terminal) bool { return k.ID == till })
	secret, err := base64.StdEncoding.DecodeString(world.Terminals[i].Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	c := &terminal.Client{BaseURL: d.url, TerminalID: till, Secret: secret}
	if r, err := c.Consumptions(d.ctx, records); err != nil || r.Accepted != len(records) {
		d.t.Fatalf("%+v, %v", r, err)
	}
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
	quality := int64(72)
	shot := eval(d, "take "+name, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, browser.CaptureScreenshot, browser.CaptureScreenshotParams{Format: browser.CaptureScreenshotFormatWebp, Quality: &quality,
			Clip: &browser.Viewport{X: at.X, Y: at.Y, Width: at.Width, Height: at.Height, Scale: 1}})
		return r.Data, err
	})
	d.t.Logf("%s: %.0f by %.0f, %d bytes", name, at.Width, at.Height, len(shot))
	if err := os.WriteFile(filepath.Join(*pictures, name+".webp"), shot, 0o644); err != nil {
		d.t.Fatal(err)
	}
}
