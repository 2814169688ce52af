package e2e

import (
	"testing"

	"github.com/chromedp/chromedp"
)

// A newcomer makes things go wrong: the payment is told twice, the card is
// pulled out when the load is just written, the till is offline, the server
// loses its power. Nothing is lost, and nothing is there twice.
func TestBrowserTill(t *testing.T) {
	d := newDesk(t)
	d.bound()
	d.click("tab-faults")
	d.click("fault-notify_twice")
	d.until("the switch", `document.querySelector('[data-testid="fault-notify_twice"]').checked`)
	d.picture("faults")
	d.say("充值 50")
	d.press("去支付")
	d.topUp()

	d.click("kiosk-pull-after")
	d.open()
	d.says("kiosk-pending", "50.00")
	d.click("kiosk-claim")
	d.do("the doubt", chromedp.WaitVisible(`[data-testid="kiosk-result"][data-outcome="doubt"]`))
	d.picture("pulled-out")
	d.click("kiosk-pull-none")

	d.click("tab-till")
	d.click("till-lunch")
	d.do("the sale", chromedp.WaitVisible(`[data-testid="till-screen"][data-outcome="sold"]`))
	d.says("till-left", "49.70")
	d.says("card", "已到卡")
	d.says("card", "¥12.80")
	d.picture("sold")

	d.click("till-online")
	d.says("till-screen", "脱机")
	d.click("till-breakfast")
	d.do("the sale is kept", chromedp.WaitVisible(`[data-testid="till-waiting"][data-n="1"]`))
	d.says("till-left", "46.20")
	d.click("fault-power_off")
	d.until("the server to be gone", `document.querySelector('[data-testid="product"]').dataset.state === 'down'`)
	d.picture("power-off")
	d.click("fault-power_off")
	d.until("the server to be back", `document.querySelector('[data-testid="product"]').dataset.state === 'up'`)
	d.click("till-online")
	d.do("the upload", chromedp.WaitVisible(`[data-testid="till-waiting"][data-n="0"]`))
	d.says("card", "¥3.50")
	d.say("余额")
	d.says("card", "¥46.20")
	d.picture("balance")
	d.proven()
}
