package e2e

import (
	"strings"
	"testing"

	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

// The worked numbers of the card's rules, step by step from outside: a top-up
// told three times, a purchase nobody has heard of, a load whose end nobody
// saw, and a later purchase that proves it.
func TestWorkedNumbers(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := &holder{member: h.newMember(0)}
		m.verify()
		m.bind()
		m.chip = terminal.NewChip(m.CardNo, terminal.ChipState{LoadSeq: 7, SpendSeq: 41, BalanceFen: 1250})
		a, b := terminal.NewPOS(h.terminal("P01"), "风味窗口", terminal.Store{}), terminal.NewPOS(h.terminal("P02"), "咖啡角", terminal.Store{})
		step := func(n int, pending, inFlight, float, chip, load, spend int64) {
			t.Helper()
			books, p, f := m.balance()
			if got := m.chip.Peek(); books != float || p != pending || f != inFlight || got != (terminal.ChipState{LoadSeq: load, SpendSeq: spend, BalanceFen: chip}) {
				t.Fatalf("step %d: pending %d, in flight %d, float %d, chip %+v; want %d, %d, %d, %d/%d/%d", n, p, f, books, got, pending, inFlight, float, chip, load, spend)
			}
		}
		missing := func(n int, want bool) {
			t.Helper()
			if got := strings.Contains(m.open("/h5/"), "1 笔"); got != want {
				t.Errorf("step %d: the page speaks of a missing record: %v, want %v", n, got, want)
			}
		}
		sell := func(till *terminal.POS, fen int64) {
			t.Helper()
			till.SetOnline(false)
			if _, err := till.Swipe(m.context(), m.chip, fen); err != nil {
				t.Fatal(err)
			}
			till.SetOnline(true)
		}
		upload := func(c *terminal.Client, r terminal.Record, accepted int) {
			t.Helper()
			if got, err := c.Consumptions(m.context(), []terminal.Record{r}); err != nil || got.Accepted != accepted || got.Accepted+got.Duplicates != 1 {
				t.Fatalf("upload: %+v, %v", got, err)
			}
		}

		if _, granted, err := h.terminal("P02").POSClaim(m.context(), "first", m.CardNo, m.chip.Peek()); granted || err != nil {
			t.Fatal(granted, err)
		}
		step(0, 0, 0, 1250, 1250, 7, 41)

		no := m.orderNo(10000)
		p := m.callUp(no)
		if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtNotify, Kind: wechatpay.FaultTwice}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.campus.Pay.Pay(m.context(), p.PrepayID(), h.campus.OpenID(m.Person), wechatpay.PayOptions{Wait: true}); err != nil {
			t.Fatal(err)
		}
		h.campus.Pay.ClearFaults()
		if err := h.campus.Pay.ResendNotification(no); err != nil {
			t.Fatal(err)
		}
		if err := h.campus.Pay.Quiet(m.context()); err != nil {
			t.Fatal(err)
		}
		step(1, 10000, 0, 1250, 1250, 7, 41)

		sell(a, 650)
		step(2, 10000, 0, 1250, 600, 7, 42)
		missing(2, false)

		c := m.granted("K01", "k", 10000)
		step(3, 0, 10000, 1250, 600, 7, 42)

		m.chip.TearAt(terminal.AfterWrite)
		m.write(c)
		step(4, 0, 10000, 1250, 10600, 8, 42)

		sell(b, 1200)
		upload(h.terminal("P02"), b.Store().Queue[0], 1)
		// Steps 5 and 6 are one: the purchase that lowers the float proves the load.
		step(6, 0, 0, 10050, 9400, 8, 43)
		missing(6, true)

		upload(h.terminal("P01"), a.Store().Queue[0], 1)
		step(7, 0, 0, 9400, 9400, 8, 43)
		missing(7, false)
		upload(h.terminal("P01"), a.Store().Queue[0], 0)
		step(8, 0, 0, 9400, 9400, 8, 43)
		h.proven()
	})
}
