package bridge_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

var shots = flag.String("shots", "", "folder that gets a screenshot of every view of the machine's screen")

// campusZone is that of the screen's clock, which no machine of the tests is in.
var campusZone = time.UTC

// The two kinds of machines' screens.
var lying, standing = [2]int64{1280, 1024}, [2]int64{1080, 1920}

// glass is the machine's screen in a headless Chromium.
type glass struct {
	*machine
	ctx  context.Context
	name string
	shot int
}

// browser starts one Chromium for a test, in which no page may complain.
func browser(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a browser; -short runs without")
	}
	path := os.Getenv("TEST_BROWSER")
	if path == "" || os.Getenv("TEST_AXE") == "" {
		t.Fatal("TEST_BROWSER or TEST_AXE is not set: run the tests by `make test`, or with -short")
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	ctx, cancel = context.WithTimeout(ctx, 3*time.Minute)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	if err := chromedp.Listen(ctx, func(event any) {
		switch e := event.(type) {
		case *runtime.EventExceptionThrown:
			t.Errorf("script: %s", e.ExceptionDetails.Text)
		case *runtime.EventConsoleAPICalled:
			if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
				t.Errorf("console: %+v", e.Args)
			}
		}
	}); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// open opens the screen's page at the size of a machine, with axe-core in it,
// and without the motion that would change what a check sees.
func (g *glass) open(address string, size [2]int64) {
	g.t.Helper()
	axe, err := os.ReadFile(os.Getenv("TEST_AXE"))
	if err != nil {
		g.t.Fatal(err)
	}
	g.do("open the page", chromedp.EmulateViewport(size[0], size[1]), chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
			Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
		return err
	}), chromedp.Navigate(address), chromedp.Evaluate[chromedp.Void](string(axe)))
}

func (g *glass) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.ctx, 30*time.Second)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		g.picture("failed")
		g.t.Fatalf("%s: %v", what, err)
	}
}

func (g *glass) press(selectors ...string) {
	g.t.Helper()
	for _, s := range selectors {
		g.do("press "+s, chromedp.Click(s, chromedp.NodeVisible))
	}
}

// keys presses keys of the screen's keypad.
func (g *glass) keys(digits string) {
	g.t.Helper()
	for _, d := range digits {
		g.press(fmt.Sprintf(`[data-key="%c"]`, d))
	}
}

// until waits for a JavaScript expression to be true.
func (g *glass) until(expression string) {
	g.t.Helper()
	ctx, cancel := context.WithTimeout(g.ctx, 30*time.Second)
	defer cancel()
	if _, err := chromedp.Run(ctx, chromedp.Poll[bool](expression, chromedp.WithPollingInterval(20*time.Millisecond))); err != nil {
		g.picture("failed")
		g.t.Fatalf("waited for %s: %v", expression, err)
	}
}

func (g *glass) view(name string) {
	g.t.Helper()
	g.until(fmt.Sprintf(`document.body.dataset.view === %q`, name))
}

func (g *glass) says(id, words string) {
	g.t.Helper()
	g.until(fmt.Sprintf(`document.getElementById(%q).innerText.includes(%q)`, id, words))
}

// stands checks what every view owes a person in front of it: nothing cut off,
// nothing too small to hit, nothing that cannot be read.
func (g *glass) stands(name string) {
	g.t.Helper()
	const faults = `[
		...[...document.querySelectorAll('button')].filter(b => b.offsetWidth > 0 && (b.offsetWidth < 96 || b.offsetHeight < 96)).map(b => 'small: ' + b.innerText + ' ' + b.offsetWidth + 'x' + b.offsetHeight),
		...[...document.querySelectorAll('button, h1, h2, p, dt, dd, th, small')].filter(e => e.offsetWidth > 0 && !e.closest('.list') && (() => { const r = e.getBoundingClientRect(); return r.left < 0 || r.top < 0 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1 })()).map(e => 'outside: ' + e.innerText),
		...[...document.querySelectorAll('button, h1, h2, dt, dd')].filter(e => e.offsetWidth > 0 && e.scrollWidth > e.clientWidth + 1).map(e => 'cut: ' + e.innerText),
		...(() => { const n = [...document.querySelectorAll('.keys, .foot, .notice, .form')].filter(e => e.offsetHeight > 0).map(e => [e.className, e.getBoundingClientRect()]);
			return n.flatMap(([a, p], i) => n.slice(i + 1).filter(([, q]) => p.left < q.right && q.left < p.right && p.top < q.bottom && q.top < p.bottom).map(([b]) => 'overlap: ' + a + ', ' + b)) })(),
		...[...document.querySelectorAll('.notice')].filter(e => e.innerText && e.offsetHeight > 0 && (() => { const r = e.getBoundingClientRect(); return !e.contains(document.elementFromPoint(r.left + r.width / 2, r.top + 10)) })()).map(e => 'covered: ' + e.innerText),
		...(document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways'] : []),
		...(document.documentElement.scrollHeight > innerHeight ? ['scrolls ' + document.documentElement.scrollHeight] : []),
	]`
	// WCAG 2 A and AA; every sentence also in English.
	const unreadable = `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(r => [
		...r.violations.flatMap(v => v.nodes.map(n => 'axe: ' + v.id + ': ' + n.target.join(' ') + ': ' + n.failureSummary.replaceAll('\n', ' '))),
		...[...document.querySelectorAll('h1, h2, .message > p, .notice, .hint, button:not([data-key], [aria-label])')].filter(e => e.offsetHeight > 0 && /\p{Script=Han}/u.test(e.innerText) && !e.querySelector('[lang=en]')?.innerText).map(e => 'no English: ' + e.innerText),
		...(/undefined|NaN|\{\w\}/.test(document.body.innerText) ? ['shows what is not a text'] : []),
	])`
	found, err := chromedp.Run(g.ctx, chromedp.Evaluate[[]string](faults))
	if err != nil {
		g.t.Fatal(err)
	}
	more, err := chromedp.Run(g.ctx, chromedp.Evaluate[[]string](unreadable, chromedp.EvalAwaitPromise))
	if err != nil {
		g.t.Fatal(err)
	}
	for _, fault := range append(found, more...) {
		g.t.Errorf("%s, %s: %s", g.name, name, fault)
	}
	g.picture(name)
}

func (g *glass) picture(name string) {
	g.t.Helper()
	if *shots == "" {
		return
	}
	g.shot++
	time.Sleep(200 * time.Millisecond)
	png, err := chromedp.Run(g.ctx, chromedp.CaptureScreenshot())
	if err == nil {
		err = os.WriteFile(filepath.Join(*shots, fmt.Sprintf("%s-%02d-%s.png", g.name, g.shot, name)), png, 0o600)
	}
	if err != nil {
		g.t.Logf("no picture of %s: %v", name, err)
	}
}

// gate is a reader that writes when the test lets it.
type gate struct {
	*bridge.Sim
	open chan struct{}
}

func (g gate) WriteLoad(ctx context.Context, l bridge.Load) (ledger.Chip, error) {
	select {
	case <-g.open:
	case <-ctx.Done():
	}
	return g.Sim.WriteLoad(ctx, l)
}

// The holder's way over the screen, on both sizes of machines.
func TestScreen(t *testing.T) {
	ctx := browser(t)
	for name, size := range map[string][2]int64{"lying": lying, "standing": standing} {
		t.Run(name, func(t *testing.T) {
			held := gate{&bridge.Sim{}, make(chan struct{}, 1)}
			m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Reader = held })
			m.sim = held.Sim
			g := &glass{machine: m, ctx: ctx, name: name}
			m.topUp(5000)
			m.topUp(2000)
			g.open(m.url+"/kiosk/", size)
			g.view("start")
			g.says("hint", "挂失") // the bridge has answered
			g.stands("start")
			for _, tile := range []string{"self", "bank", "alipay"} {
				g.press(`[data-elsewhere="` + tile + `"]`)
				g.says("elsewhere-text", "受理中心")
				g.stands("elsewhere-" + tile)
				g.press("#exit")
			}
			g.press("#wecom")
			g.stands("functions")
			g.press(`[data-purpose="claim"]`)
			g.view("card")
			g.stands("card")
			m.put(&full)
			g.view("form")
			g.keys("48")
			g.stands("form")
			g.keys("2914")
			g.press("#ok")
			g.says("notice", "还可以试 4 次")
			g.stands("pin-wrong")
			g.keys("999999")
			g.press("#ok")
			g.says("notice", "锁定")
			g.stands("pin-locked")
			g.keys(good)
			g.press("#ok")
			g.says("pending", "¥70.00")
			g.until(`document.querySelectorAll('#rows tr').length === 2`)
			g.says("rows", "WeChat top-up")
			g.stands("identified")
			g.press("#ok")
			g.view("writing")
			g.says("writing-text", "马上就好")
			g.stands("writing")
			held.open <- struct{}{}
			g.view("receipt")
			g.says("balance", "¥82.30")
			g.stands("receipt")
			g.press("#exit")
			g.view("start")
			g.says("hint", "请记得取走")
			g.stands("card-left")

			g.press("#wecom", `[data-purpose="transfers"]`)
			g.view("form")
			g.stands("transfers-password")
			g.keys(good)
			g.press("#ok")
			g.view("transfers")
			g.until(`document.querySelectorAll('#records tr').length === 2`)
			g.says("records", "已到卡")
			g.says("records", "WeChat top-up")
			g.stands("transfers")
			g.press("#earlier")
			g.says("records-notice", "这个月没有转账")
			m.pull()
			g.view("card")
			g.until(`document.getElementById('records').innerText === ''`)

			// The card leaves during the write, and comes back.
			m.topUp(3000)
			g.press("#exit", "#wecom", `[data-purpose="claim"]`)
			m.put(nil)
			g.view("form")
			g.keys(good)
			g.press("#ok")
			g.says("pending", "¥30.00")
			m.sim.TearAt(bridge.AfterWrite)
			held.open <- struct{}{}
			g.press("#ok")
			g.view("receipt")
			g.says("receipt-title", "写卡结果待确认")
			g.until(`document.querySelector('#progress .now #third') !== null`) // not yet collected
			g.stands("doubt")
			m.put(nil)
			g.says("receipt-title", "核对好了，已到卡")
			g.until(`document.querySelectorAll('#progress .past').length === 3`)
			g.says("balance", "¥112.30")
			g.stands("resolved")

			// A minute without a touch: back to the start, nothing left behind.
			g.press("#exit", "#wecom", `[data-purpose="claim"]`)
			g.keys("4829")
			g.do("let a minute pass", chromedp.Evaluate[chromedp.Void](`{ const real = Date.now; Date.now = () => real() + 61000 }`))
			g.view("start")
			g.press("#wecom", `[data-purpose="claim"]`)
			g.until(`document.querySelectorAll('#dots .on').length === 0`)
			m.expect(11230, 0, 0)
		})
	}
}

// The clock and the months are those of the campus, not of the zone that the
// machine was set up in.
func TestScreen_Clock(t *testing.T) {
	ctx := browser(t)
	for _, elsewhere := range []string{"Pacific/Kiritimati", "Pacific/Pago_Pago"} {
		m := newSchool(t).machine("K01")
		g := &glass{machine: m, ctx: ctx, name: "clock"}
		g.do("move the machine", chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := cdp.Call(ctx, t, emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: elsewhere})
			return err
		}))
		g.open(m.url+"/kiosk/", lying)
		now := time.Now().In(campusZone)
		soon := now.Add(time.Minute)
		g.until(fmt.Sprintf(`['%s', '%s'].includes(document.getElementById('date').innerText + ' ' + document.getElementById('time').innerText)`,
			now.Format("1月2日 2 Jan 15:04"), soon.Format("1月2日 2 Jan 15:04")))
		m.put(&full)
		g.press("#wecom", `[data-purpose="transfers"]`)
		g.keys(good)
		g.press("#ok")
		g.view("transfers")
		g.says("month", now.Format("2006年1月"))
		m.stop()
	}
}

// The server shows the same screen, which says that it needs the machine's
// bridge.
func TestScreen_WithoutBridge(t *testing.T) {
	ctx := browser(t)
	s := newSchool(t)
	g := &glass{machine: &machine{school: s}, ctx: ctx, name: "server"}
	g.open(s.url+"/kiosk/", lying)
	g.says("hint", "没有连接读卡器")
	g.stands("start")
	g.press("#wecom", `[data-purpose="claim"]`)
	g.says("card-text", "kiosk-bridge")
	g.stands("card")
}
