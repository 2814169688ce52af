package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"xiaoka/sandbox/terminal"
)

// marked would leave a mark on the page if it ran.
const marked = `document.documentElement.dataset.pwned='1'`

// Names and merchants that are programs, in a real browser: none runs, and the
// policy has nothing to refuse. What is planted past the pages' own escaping
// is refused by the policy.
func TestAttack_T39_Browser(t *testing.T) {
	browser := os.Getenv("TEST_BROWSER")
	if browser == "" && !testing.Short() {
		t.Fatal("TEST_BROWSER is not set: run the tests by `make test` or `make e2e`")
	}
	attackedAlone(t, func(t *testing.T, h *house) {
		m := h.newMember(0).holder()
		payloads := []string{
			"<script>" + marked + "</script>", `"><script>` + marked + `</script>`, "</title></script><script>" + marked + "</script>",
			"<img src=x onerror=" + marked + ">", "<svg onload=" + marked + ">", `" onfocus="` + marked + `" autofocus="`, "<details open ontoggle=" + marked + ">",
			`<iframe srcdoc="<script>parent.` + marked + `</script>">`,
		}
		chip := m.cardState()
		var records []terminal.Record
		for i, s := range payloads {
			chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+1, chip.BalanceFen-1
			records = append(records, terminal.Record{Seq: int64(i + 1), CardNo: m.CardNo, AmountFen: 1, Chip: chip,
				OccurredAt: time.Now().Truncate(time.Second), Merchant: s[:min(len(s), 64)]})
		}
		if r, err := h.terminal("P01").Consumptions(m.context(), records); err != nil || r.Accepted != len(payloads) {
			t.Fatalf("%+v, %v", r, err)
		}

		ctx, cancel := chromedp.NewExecAllocator(context.Background(), append(chromedp.DefaultExecAllocatorOptions[:],
			chromedp.ExecPath(browser), chromedp.NoSandbox, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("disable-component-update", true))...)
		t.Cleanup(cancel)
		ctx, cancel = chromedp.NewContext(ctx)
		t.Cleanup(cancel)
		ctx, cancel = context.WithTimeout(ctx, 2*time.Minute)
		t.Cleanup(cancel)
		open := func(path string) {
			t.Helper()
			if err := chromedp.Do(ctx, chromedp.Navigate(h.url+path), chromedp.WaitVisible("h1, main, body")); err != nil {
				t.Fatalf("open %s: %v", path, err)
			}
		}
		is := func(script string) bool {
			t.Helper()
			v, err := chromedp.Run(ctx, chromedp.Evaluate[bool](script))
			if err != nil {
				t.Fatalf("%s: %v", script, err)
			}
			return v
		}
		const refusals = `(() => { const o = new ReportingObserver(() => {}, {types: ['csp-violation'], buffered: true}); o.observe(); return o.takeRecords().length })()`

		h.member.Store(m.UserID) // who WeCom says the browser is
		for i, name := range payloads {
			path := filepath.Join(t.TempDir(), "name.csv")
			row := m.StudentNo + `,"` + strings.ReplaceAll(name, `"`, `""`) + "\"\n"
			if err := os.WriteFile(path, []byte("student_no,name\n"+row), 0o600); err != nil {
				t.Fatal(err)
			}
			if out, err := h.try("people", "import", path); err != nil {
				if !strings.Contains(out, "line 2: name") {
					t.Fatalf("import: %v\n%s", err, out)
				}
				continue // the register refuses the name: no page will ever show it
			}
			pages := []string{"/h5/"}
			if i == 0 {
				pages = append(pages, "/h5/transactions", "/h5/statement", "/h5/transfers", "/h5/settings", "/h5/loss", "/h5/password")
			}
			for _, page := range pages {
				open(page)
				if !is(`location.pathname === "` + page + `"`) {
					t.Fatalf("%s leads elsewhere", page)
				}
				if is(`'pwned' in document.documentElement.dataset`) {
					t.Errorf("%s: %s ran", page, name)
				}
				if is(refusals + ` > 0`) {
					t.Errorf("%s: the policy had to refuse something of %s", page, name)
				}
			}
		}
		t.Run("Shown", func(t *testing.T) {
			open("/h5/transactions")
			if !is(`document.body.innerText.includes("<svg onload=")`) {
				t.Error("the merchants are not on the page: the test shows nothing")
			}
		})
		t.Run("Twin", func(t *testing.T) {
			open("/h5/")
			if is(refusals + ` > 0`) {
				t.Fatal("refused before anything was planted")
			}
			is(fmt.Sprintf(`(() => { const s = document.createElement('script'); s.textContent = %q; document.body.append(s);
				document.body.insertAdjacentHTML('beforeend', %q); return true })()`, marked, "<img src=x onerror=\""+marked+"\">"))
			if err := chromedp.Do(ctx, chromedp.Sleep(300*time.Millisecond)); err != nil {
				t.Fatal(err)
			}
			if is(`'pwned' in document.documentElement.dataset`) {
				t.Error("a planted script ran in spite of the policy")
			}
			if !is(refusals + ` > 0`) {
				t.Error("the refusal is not reported: the test would not see one")
			}
		})
	})
}
