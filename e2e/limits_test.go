package e2e

import (
	"strings"
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wecom"
)

// answered counts what the card app said since the n-th message, and how much
// of it is about the balance.
func (m *member) answered(n int) (balances int) {
	for _, msg := range m.campus.WeCom.Conversation(m.UserID, campus.CardID)[n:] {
		if msg.From == wecom.FromApp && strings.Contains(text(msg), "¥12.50") {
			balances++
		}
	}
	return balances
}

// Somebody who asks more often than WeCom lets an app speak is answered each
// time, and nothing is sent for WeCom to drop.
func TestAnswersBeyondTheLimit(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		n := m.say(campus.CardID, "余额")
		for range 39 {
			m.say(campus.CardID, "余额")
		}
		if got := m.answered(n); got != 40 {
			t.Errorf("%d of 40 were answered", got)
		}
		if dropped := h.campus.WeCom.Stats().Dropped; dropped != 0 {
			t.Errorf("WeCom dropped %d messages", dropped)
		}
	})
}

// A loss is told at once while a hundred messages about purchases wait for WeCom's limits.
func TestLossBeforePurchases(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		till := terminal.NewPOS(h.terminal("P01"), "二号餐厅 风味窗口", terminal.Store{})
		till.SetOnline(false)
		for range 25 { // four messages each: three purchases, and the rest of them in one
			for range 4 {
				if _, err := till.Swipe(m.context(), h.campus.Chip(m.Person), 10); err != nil {
					t.Fatal(err)
				}
			}
			till.SetOnline(true)
			if _, err := till.Upload(m.context()); err != nil {
				t.Fatal(err)
			}
			till.SetOnline(false)
		}
		m.post("/h5/loss", map[string]string{"query_password": ownPassword})
		m.told(campus.CardID, "已挂失", "不是你本人操作")
		if got := m.count(campus.CardID, "校园卡消费") + m.count(campus.CardID, "补记了"); got > 18 {
			t.Errorf("%d purchases were told in the first minute", got)
		}
		if dropped := h.campus.WeCom.Stats().Dropped; dropped != 0 {
			t.Errorf("WeCom dropped %d messages", dropped)
		}
	})
}
