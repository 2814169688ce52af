package e2e

import (
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// A swipe at the till claims what is pending by itself, then sells; sales made
// offline arrive later, once.
func TestSwipe(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		m.pay(m.orderNo(5000))
		till := terminal.NewPOS(h.terminal("P01"), "二号餐厅 风味窗口", terminal.Store{})
		chip := h.campus.Chip(m.Person)
		if _, err := till.Swipe(m.context(), chip, 650); err != nil {
			t.Fatal(err)
		}
		m.told(campus.CardID, "已到卡", "¥50.00")
		if got := chip.Peek(); got.BalanceFen != 1250+5000-650 {
			t.Fatalf("the chip holds %d fen", got.BalanceFen)
		}
		till.SetOnline(false)
		if _, err := till.Swipe(m.context(), chip, 200); err != nil {
			t.Fatal(err)
		}
		till.SetOnline(true)
		for range 2 {
			if _, err := till.Upload(m.context()); err != nil {
				t.Fatal(err)
			}
		}
		m.told(campus.CardID, "¥6.50", "二号餐厅 风味窗口")
		m.told(campus.CardID, "¥2.00", "二号餐厅 风味窗口")
		n := m.say(campus.CardID, "余额")
		m.toldSince(n, campus.CardID, "¥54.00")
		h.proven()
	})
}
