package e2e

import (
	"strings"
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// A holder gets another card for one that is gone: the old one is refused
// everywhere, and its money less what a till sends late is collected with the
// new one.
func TestReplacement(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0).holder()
		till := terminal.NewPOS(h.terminal("P01"), "二号餐厅 风味窗口", terminal.Store{})
		till.SetOnline(false)
		if _, err := till.Swipe(m.context(), h.campus.Chip(m.Person), 250); err != nil {
			t.Fatal(err)
		}
		out := h.run("card", "replace", m.CardNo, "N2026000001", "--reason", "gone since yesterday, student's card seen")
		if !strings.Contains(out, "card N2026000001 is in use") || !strings.Contains(out, "¥12.50 less what tills have not sent yet") {
			t.Errorf("replace: %s", out)
		}
		m.told(campus.CardID, "新校园卡可以用了", "旧卡已停用", "****0001")
		m.toldSince(m.say(campus.CardID, "余额"), campus.CardID, "¥0.00", "¥12.50", "转入待领取")
		if page := m.open("/h5/"); !strings.Contains(page, "旧卡上还有 ¥12.50") {
			t.Errorf("home:\n%s", page)
		}
		if _, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); terminal.Code(err) != "card_not_found" {
			t.Errorf("the old card at a machine: %v", err)
		}
		list, err := h.terminal("P01").POSBlacklist(m.context(), 0, "")
		if err != nil || len(list.Add) != 1 || list.Add[0] != m.CardNo {
			t.Errorf("the blacklist is %+v, %v", list, err)
		}
		if _, err := till.Upload(m.context()); err != nil {
			t.Fatal(err)
		}
		h.set("UPDATE replacements SET due_at = 0")
		h.restart() // looks at once, and then every ten minutes
		m.told(campus.CardID, "旧卡余额已转出，待领取", "¥10.00")
		if page := m.open("/h5/transfers"); !strings.Contains(page, "旧卡余额") {
			t.Errorf("transfers:\n%s", page)
		}

		k := terminal.NewKiosk(h.terminal("K01"), nil)
		fresh := terminal.NewChip("N2026000001", terminal.ChipState{})
		if err := k.PutIn(fresh); err != nil {
			t.Fatal(err)
		}
		if _, err := k.EnterPIN(m.context(), ownPassword); err != nil {
			t.Fatal(err)
		}
		if _, err := k.Collect(m.context()); err != nil {
			t.Fatal(err)
		}
		if got := fresh.Peek(); got.BalanceFen != 1000 {
			t.Errorf("the new chip holds %d fen", got.BalanceFen)
		}
		page := m.open("/h5/transactions")
		for _, want := range []string{"旧卡转出", "二号餐厅 风味窗口", "领取"} {
			if !strings.Contains(page, want) {
				t.Errorf("the transactions have no %s:\n%s", want, page)
			}
		}
		h.proven()
	})
}
