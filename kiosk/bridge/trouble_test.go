package bridge_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"xiaoka/kiosk"
	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

// refusing is a reader whose chip takes no load.
type refusing struct{ *bridge.Sim }

func (refusing) WriteLoad(context.Context, bridge.Load) (ledger.Chip, error) {
	return ledger.Chip{}, bridge.ErrRefused
}

// both looks at a view on both kinds of machines.
func (g *glass) both(name string) {
	g.t.Helper()
	for _, size := range [][2]int64{standing, lying} {
		g.do("turn the machine", chromedp.EmulateViewport(size[0], size[1]))
		g.stands(fmt.Sprintf("%s %d", name, size[0]))
	}
}

// identified opens the screen and lets the holder type the password.
func (g *glass) identified(chip ledger.Chip) {
	g.t.Helper()
	g.open(g.url+"/kiosk/", lying)
	g.press("#wecom", `[data-purpose="claim"]`)
	g.put(&chip)
	g.view("form")
	g.keys(good)
	g.press("#ok")
}

// What the screen says when a visit does not go as hoped.
func TestScreen_Trouble(t *testing.T) {
	ctx := browser(t)
	for name, play := range map[string]func(t *testing.T, on func(*machine) *glass){
		"nothing pending": func(t *testing.T, on func(*machine) *glass) {
			g := on(newSchool(t).machine("K01"))
			g.identified(full)
			g.says("notice", "没有待领的转账")
			g.both("nothing")
		},
		"lost": func(t *testing.T, on func(*machine) *glass) {
			m := newSchool(t).machine("K01")
			m.topUp(5000)
			if _, err := m.store.ReportLoss(context.Background(), m.person.ID, time.Now()); err != nil {
				t.Fatal(err)
			}
			g := on(m)
			g.identified(full)
			g.says("notice", "已挂失")
			g.until(`document.getElementById('ok').disabled`)
			g.both("lost")
		},
		"initial password": func(t *testing.T, on func(*machine) *glass) {
			g := on(newSchool(t, func(c *kiosk.Config) { c.RequireChange, c.Passwords = true, initial{} }).machine("K01"))
			g.identified(full)
			g.says("notice", "改成自己的")
			g.both("initial")
		},
		"full": func(t *testing.T, on func(*machine) *glass) {
			s := newSchool(t, func(c *kiosk.Config) { c.MaxBalance = 6230 })
			s.topUp(5000)
			s.topUp(2000)
			g := on(s.machine("K01"))
			g.identified(full)
			g.says("pending", "¥70.00")
			g.press("#ok")
			g.view("receipt")
			g.says("rest", "¥20.00")
			g.says("receipt-text", "先花一些")
			g.both("rest")
			g.press("#exit", "#wecom", `[data-purpose="claim"]`)
			g.keys(good)
			g.press("#ok")
			g.says("pending", "¥20.00")
			g.press("#ok")
			g.says("notice", "超过卡内余额上限")
			g.both("full")
		},
		"unwritten": func(t *testing.T, on func(*machine) *glass) {
			sim := &bridge.Sim{}
			m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Reader = refusing{sim} })
			m.sim = sim
			m.topUp(5000)
			g := on(m)
			g.identified(full)
			g.says("pending", "¥50.00")
			g.press("#ok")
			g.view("receipt")
			g.says("receipt-title", "未写入，已退回待领")
			g.both("unwritten")
			m.expect(1230, 5000, 0)
			g.press("#ok") // 再领一次
			g.view("form")
			g.until(`document.querySelectorAll('#dots .on').length === 0`)
		},
		"pulled out before": func(t *testing.T, on func(*machine) *glass) {
			m := newSchool(t).machine("K01")
			m.topUp(5000)
			g := on(m)
			g.identified(full)
			g.says("pending", "¥50.00")
			m.sim.TearAt(bridge.BeforeWrite)
			g.press("#ok")
			g.view("receipt")
			g.says("receipt-title", "写卡结果待确认")
			m.put(nil)
			g.says("receipt-title", "核对好了，未写入，已退回待领")
			g.both("resolved unwritten")
		},
		"no reader": func(t *testing.T, on func(*machine) *glass) {
			m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Reader = &bridge.HTTPReader{URL: "http://127.0.0.1:1"} })
			g := on(m)
			g.open(m.url+"/kiosk/", lying)
			g.says("hint", "挂失")
			g.press("#wecom", `[data-purpose="claim"]`)
			g.says("card-title", "读卡器没有反应")
			g.both("no reader")
			m.stop()
			g.says("card-title", "请稍等")
			g.both("bridge away")
		},
		"unreachable": func(t *testing.T, on func(*machine) *glass) {
			s := newSchool(t)
			s.cut(func(string) string { return "before" })
			g := on(s.machine("K01"))
			g.identified(full)
			g.says("notice", "暂时连不上")
			g.both("unreachable")
		},
	} {
		t.Run(name, func(t *testing.T) {
			play(t, func(m *machine) *glass {
				return &glass{machine: m, ctx: ctx, name: "trouble"}
			})
		})
	}
}

// Every sentence about a problem has room, before the password and after it.
func TestScreen_Problems(t *testing.T) {
	words, err := os.ReadFile("../screen/static/words.js")
	if err != nil {
		t.Fatal(err)
	}
	list := regexp.MustCompile(`(?s)export const problems = \{(.*?)\n\};`).FindSubmatch(words)
	if list == nil {
		t.Fatal("the screen's problems are not where they were")
	}
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	g := &glass{machine: m, ctx: browser(t), name: "problem"}
	g.identified(full)
	g.says("pending", "¥50.00")
	for _, code := range regexp.MustCompile(`(?m)^  (\w+):`).FindAllSubmatch(list[1], -1) {
		code := string(code[1])
		g.do("have the bridge say "+code, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`{
			window.really ??= window.fetch;
			window.fetch = async (address, how) => /identify|claim$/.test(address) ? new Response(JSON.stringify({code: %q, tries_left: 4, locked_until: '2026-11-22T12:38:00+08:00'}), {status: %d}) : window.really(address, how) }`,
			code, http.StatusConflict)))
		g.press("#ok")
		g.view("form")
		g.until(`document.getElementById('notice').innerText.length > 20`)
		g.both("known " + code)
		g.press("#exit", "#wecom", `[data-purpose="claim"]`)
		g.view("form")
		g.keys(good)
		g.press("#ok")
		g.until(`document.getElementById('notice').innerText.length > 20`)
		g.both(code)
		g.do("let the bridge be", chromedp.Evaluate[chromedp.Void](`window.fetch = window.really`))
		g.press("#exit", "#wecom", `[data-purpose="claim"]`)
		g.keys(good)
		g.press("#ok")
		g.says("pending", "¥50.00")
	}
}

// initial is a holder who still has the password everybody has.
type initial struct{}

func (initial) Verify(context.Context, int64, string) (bool, error) { return true, nil }
