package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	browser "github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// walker looks at pages in a headless Chromium as everybody would: on a phone
// and on a desk, by day and by night, with the keyboard, and with axe-core.
type walker struct {
	t    *testing.T
	ctx  context.Context
	host string // all requests go there
	axe  string
	dir  string // of the pictures
	shot int

	mu    sync.Mutex
	found []string // since the page was opened
}

func newWalker(t *testing.T, address string) *walker {
	t.Helper()
	chromium, axe := os.Getenv("TEST_BROWSER"), os.Getenv("TEST_AXE")
	if chromium == "" || axe == "" {
		t.Fatal("TEST_BROWSER or TEST_AXE is not set: run the tests by `make test` or `make e2e`")
	}
	script, err := os.ReadFile(axe)
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	w := &walker{t: t, host: u.Host, axe: string(script), dir: *shots}
	if w.dir == "" {
		w.dir = t.TempDir()
	}
	ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-component-update", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	w.ctx, cancel = context.WithTimeout(ctx, 5*time.Minute)
	t.Cleanup(cancel)
	// The first action starts the browser, which lives as long as its context.
	if err := chromedp.Do(w.ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatalf("start the browser: %v", err)
	}
	if err := chromedp.Listen(w.ctx, w.hear); err != nil {
		t.Fatal(err)
	}
	w.do("hear the console", command(log.Enable, cdp.Empty{}),
		command(emulation.SetFocusEmulationEnabled, emulation.SetFocusEmulationEnabledParams{Enabled: true}))
	return w
}

// command is a call of the browser's protocol whose result does not matter.
func command[P, R any](c cdp.Command[P, R], p P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, p)
		return err
	})
}

// hear notes what no page may do: complain, or ask another host.
func (w *walker) hear(event any) {
	note := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		note = "script: " + e.ExceptionDetails.Text
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
			said, _ := json.Marshal(e.Args)
			note = "console: " + string(said)
		}
	case *log.EventEntryAdded:
		// The browser also reports the status of a page that says what is wrong.
		if e.Entry.Level == log.EntryLevelError && !strings.Contains(e.Entry.Text, "Failed to load resource") {
			note = "console: " + e.Entry.Text
		}
	case *network.EventResponseReceived:
		// The server's copy of the machine's screen finds out that it has no bridge.
		if e.Type != network.ResourceTypeDocument && e.Response.Status >= 400 && !strings.Contains(e.Response.URL, "/kiosk/bridge/") {
			note = fmt.Sprintf("%d for %s", e.Response.Status, e.Response.URL)
		}
	case *network.EventRequestWillBeSent:
		if u, err := url.Parse(e.Request.URL); err != nil || strings.HasPrefix(u.Scheme, "http") && u.Host != w.host {
			note = "asks " + e.Request.URL
		}
	}
	if note != "" {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.found = append(w.found, note)
	}
}

func (w *walker) do(what string, actions ...chromedp.Action[chromedp.Void]) {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
}

func look[T any](w *walker, what, script string) T {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](script, chromedp.EvalAwaitPromise))
	if err != nil {
		w.t.Fatalf("%s: %v", what, err)
	}
	return v
}

// open opens an address. Act, if any, is a script that fills and sends the
// page's form, which leads to another page; until, if any, says when the page
// is ready.
func (w *walker) open(name, address, act, until string) {
	w.t.Helper()
	w.mu.Lock()
	w.found = nil
	w.mu.Unlock()
	w.emulate(360, "light", "")
	w.do("open "+name, chromedp.Navigate(address))
	if act != "" {
		w.do(name, chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
			_, err := chromedp.RunResponse(ctx, chromedp.Evaluate[chromedp.Void](act))
			return err
		}))
	}
	if until != "" {
		w.do("wait for "+name, chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
			_, err := chromedp.Poll[bool](until, chromedp.WithPollingInterval(20*time.Millisecond))(ctx, t)
			return err
		}))
	}
}

// sending is a script that fills fields and sends their form, whatever the
// browser thinks of them.
func sending(button string, pairs ...string) string {
	var s strings.Builder
	fmt.Fprintf(&s, "(() => { const b = document.querySelector(%q); ", button)
	for i := 0; i < len(pairs); i += 2 {
		fmt.Fprintf(&s, "document.querySelector('[name=%q]').value = %q; ", pairs[i], pairs[i+1])
	}
	return s.String() + "b.form.noValidate = true; b.click() })()"
}

func (w *walker) emulate(width int64, scheme, media string) {
	w.t.Helper()
	height := int64(780)
	if width > 700 {
		height = 1024 // also what the machines have
	}
	w.do("emulate", chromedp.EmulateViewport(width, height), command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Media: media,
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}, {Name: "prefers-reduced-motion", Value: "reduce"}}}))
}

// narrowest is a phone, or a page at four times its size, that nothing may
// overflow either (WCAG 2.1, 1.4.10).
const narrowest = 320

// walk looks at the open page in both schemes and all widths.
func (w *walker) walk(name, lang string, widths ...int64) {
	w.t.Helper()
	name += " " + lang
	// Evaluated from outside: the page's own policy allows no such script.
	look[bool](w, "load axe-core", w.axe+"; true")
	for _, scheme := range []string{"light", "dark"} {
		for i, width := range widths {
			w.emulate(width, scheme, "")
			at := fmt.Sprintf("%s %s %d", name, scheme, width)
			w.faults(at, look[[]string](w, at, standing))
			if i == 0 {
				w.faults(at, look[[]string](w, at, accessible))
			}
			w.picture(at)
		}
	}
	if widths[0] < narrowest*2 {
		w.emulate(narrowest, "light", "")
		w.faults(name+" narrow", look[[]string](w, name, standing))
	}
	w.emulate(widths[0], "light", "")
	w.do("take the keyboard", chromedp.KeyEvent(kb.Tab))
	w.faults(name, look[[]string](w, name, fmt.Sprintf(once, lang)))
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults(name, w.found)
}

// onPaper looks at the open page as it is printed, though the screen is dark.
func (w *walker) onPaper(name, lang string) {
	w.t.Helper()
	name += " " + lang + " paper"
	w.emulate(700, "dark", "print")
	w.faults(name, look[[]string](w, name, standing))
	w.faults(name, look[[]string](w, name, printed))
	w.faults(name, look[[]string](w, name, accessible))
	w.picture(name)
	w.emulate(360, "light", "")
}

func (w *walker) faults(name string, faults []string) {
	w.t.Helper()
	for _, fault := range faults {
		w.t.Errorf("%s: %s", name, fault)
	}
}

// standing is what must hold at every width: nothing beside the page, nothing
// cut off, no amount broken over two lines.
const standing = `[
	...(document.documentElement.scrollWidth > innerWidth ? ['scrolls sideways: ' + document.documentElement.scrollWidth] : []),
	...[...document.querySelectorAll('main *')].filter(e => e.offsetWidth > 1 && !e.closest('.sr, svg, [hidden]') && e.getBoundingClientRect().right > innerWidth + 1).map(e => 'outside: ' + e.tagName + ' ' + e.className + ' ' + e.innerText.slice(0, 40)),
	...[...document.querySelectorAll('button, .button, h1, h2, dt, dd, b, label > span')].filter(e => e.offsetWidth > 1 && !e.closest('.sr') && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).display !== 'inline').map(e => 'cut: ' + e.innerText),
	...[...document.querySelectorAll('main *')].filter(e => {
		const lines = document.createRange();
		lines.selectNodeContents(e);
		return !e.children.length && !e.closest('.sr, svg') && /^[−+]?¥?[\d.,]+$/.test(e.innerText) && new Set([...lines.getClientRects()].map(r => Math.round(r.bottom))).size > 1
	}).map(e => 'broken: ' + e.innerText),
]`

// refused is what must hold as soon as a form comes back: the page stands at
// what is wrong, whose words can be read and are said, and the title tells.
const refused = `(() => {
	const out = [], at = document.activeElement, within = e => { const r = e.getBoundingClientRect(); return r.top >= 0 && r.bottom <= innerHeight };
	if (!/^(错误：|Error: )./.test(document.title)) out.push('title: ' + document.title);
	if (!at.matches('[aria-invalid=true], .trouble')) return [...out, 'the focus is on ' + at.outerHTML.slice(0, 80)];
	const words = at.matches('.trouble') ? at : document.getElementById(at.getAttribute('aria-describedby')?.split(' ').pop());
	if (!words?.matches('.error, .trouble')) out.push('nothing is said of ' + at.outerHTML.slice(0, 80));
	for (const e of [at, words]) if (e && !within(e)) out.push('out of sight: ' + e.outerHTML.slice(0, 80));
	return out })()`

// printed is what must hold on paper: whose it is, nothing to press, nothing
// that costs ink.
const printed = `(() => {
	const out = [], seen = e => e.getClientRects().length > 0 && e.offsetWidth > 1 && !e.closest('.sr');
	for (const e of document.querySelectorAll('a, button, select, input')) if (seen(e) && e.innerText.trim()) out.push('on paper: ' + e.outerHTML.slice(0, 80));
	for (const e of document.querySelectorAll('html, body, main *:not(svg *)')) {
		const [r, g, b, a = 1] = getComputedStyle(e).backgroundColor.match(/[\d.]+/g).map(Number);
		if (seen(e) && a > 0 && (r + g + b) / 3 < 255 * .9) out.push('dark on paper: ' + e.tagName + ' ' + e.className);
	}
	const edges = [...document.querySelectorAll('.hero, .facts, .list, .chart, .sums')].filter(seen).map(e => Math.round(e.getBoundingClientRect().right));
	if (new Set(edges).size > 1) out.push('boxes end at ' + edges);
	const text = document.querySelector('main').innerText;
	if (!/(尾号|ending in) ?\d{4}/.test(text)) out.push('does not say whose: ' + text.slice(0, 120));
	return out })()`

// accessible runs axe-core over the page, for WCAG 2 A and AA.
const accessible = `axe.run(document, {resultTypes: ['violations'], runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']}).then(r =>
	r.violations.flatMap(v => v.nodes.map(n => 'axe: ' + v.id + ': ' + n.target.join(' ') + ': ' + n.failureSummary.replaceAll('\n', ' '))))`

// once is what is looked at once for a page in a language: its language and
// title, its size, that no key of a catalogue shows, and that the keyboard
// reaches everything and shows where it is.
const once = `(() => {
	const out = [], lang = %q, text = document.body.innerText;
	if (document.documentElement.lang !== lang) out.push('lang is ' + document.documentElement.lang);
	const han = /\p{Script=Han}/u;
	if (!document.title || lang === 'en' && han.test(document.title) || lang !== 'en' && !han.test(document.title)) out.push('title: ' + document.title);
	const h1 = document.querySelectorAll('h1');
	if (h1.length !== 1 || (lang === 'en') === han.test(h1[0].innerText)) out.push('h1: ' + [...h1].map(h => h.innerText));
	const key = text.match(/(^|\s)[a-z_]{3,}(\.[a-z_]{3,})+(\s|$)/m);
	if (key) out.push('shows a key: ' + key[0]);
	if (/%%!|undefined|NaN|ZgotmplZ/.test(text)) out.push('shows what is not a text');
	if (document.querySelector('main').innerText.trim().length < 10) out.push('says nothing');
	const size = performance.getEntriesByType('navigation')[0].decodedBodySize;
	if (size > 60 * 1024) out.push('the page has ' + size + ' bytes');
	for (const img of document.images) if (img.getAttribute('src') && !img.closest('[hidden]') && !(img.complete && img.naturalWidth)) out.push('no picture: ' + img.src);
	const seen = e => { const style = n => { const s = getComputedStyle(n); return [s.outlineStyle, s.outlineWidth, s.borderColor, s.boxShadow, s.backgroundColor].join() };
		return [e, e.closest('.field'), e.nextElementSibling].filter(Boolean).map(style).join('|') };
	for (const e of document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')) {
		if (!e.offsetWidth || e.disabled || e.closest('[hidden]')) continue;
		if (e.tabIndex < 0) { out.push('not by keyboard: ' + e.outerHTML.slice(0, 80)); continue }
		document.activeElement.blur();
		const before = seen(e);
		e.focus();
		if (document.activeElement !== e) out.push('takes no focus: ' + e.outerHTML.slice(0, 80));
		else if (seen(e) === before) out.push('focus does not show: ' + e.outerHTML.slice(0, 80));
	}
	document.activeElement.blur();
	scrollTo(0, 0);
	for (const e of document.querySelectorAll('.error, .trouble, .notice')) if (!e.matches('a') && !e.closest('[role=alert], [role=status], [aria-live]')) out.push('not announced: ' + e.innerText);
	return out })()`

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// picture keeps what the page looks like, all of it.
func (w *walker) picture(name string) {
	w.t.Helper()
	w.shot++
	quality, beyond := int64(80), true
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	shot, err := chromedp.Run(ctx, func(ctx context.Context, t *chromedp.Target) ([]byte, error) {
		r, err := cdp.Call(ctx, t, browser.CaptureScreenshot, browser.CaptureScreenshotParams{Format: browser.CaptureScreenshotFormatPng, Quality: &quality,
			CaptureBeyondViewport: &beyond, OptimizeForSpeed: &beyond})
		return r.Data, err
	})
	if err != nil {
		w.t.Fatalf("no picture of %s: %v", name, err)
	}
	file := fmt.Sprintf("walk-%03d-%s.png", w.shot, notName.ReplaceAllString(strings.ToLower(name), "-"))
	if err := os.WriteFile(filepath.Join(w.dir, file), shot, 0o600); err != nil {
		w.t.Fatal(err)
	}
}
