package handlers

import (
	"strings"
	"testing"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// TestAssistant_Verified: what a verified member asks of the assistant is done
// in the card app, and the answer says so and leads there.
func TestAssistant_Verified(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"verified", "bound", "english"} {
		for texts, page := range map[string]string{
			"余额|balance": "/h5/", "充值|topup": "/h5/", "设置|settings": "/h5/settings", "修改密码|change password": "/h5/password",
			"通知设置|notifications": "/h5/settings", "挂失|lost": "/h5/loss", "绑定|bind": "/h5/bind", "今天天气|what a day": "/h5/", "帮助|help": "/h5/",
		} {
			zh, en, _ := strings.Cut(texts, "|")
			text, app := zh, "“校园一卡通”"
			if user == "english" {
				text, app = en, "Campus Card app"
			}
			if user == "verified" && (text == "今天天气" || text == "帮助") { // whose next step is to bind
				page, app = "/h5/bind", "绑定"
			}
			c := newCampus(t)
			if got := c.types(AssistantApp, user, text); !strings.Contains(got, app) || !strings.Contains(got, page) || strings.Contains(got, "发送“验证”") || strings.Contains(got, "Send “verify”") {
				t.Errorf("%s types %q and is told %q, want %s in it", user, text, got, page)
			}
		}
	}
	c := newCampus(t)
	if got := c.types(AssistantApp, "fresh", "设置"); !strings.Contains(got, "[card verify_channels]") {
		t.Errorf("who is not verified is not led to it: %q", got)
	}
}

// TestPending_NoTopUp: nobody is sent to top up a card that takes none.
func TestPending_NoTopUp(t *testing.T) {
	t.Parallel()
	for _, status := range []ledger.CardStatus{ledger.CardNormal, ledger.CardLost, ledger.CardFrozen} {
		c := newCampus(t)
		b := c.store.balances[3]
		b.Status = status
		c.store.balances[3], c.store.transfers[3] = b, nil
		if got := c.types(CardApp, "bound", "待领"); strings.Contains(got, "去充值") != (status == ledger.CardNormal) {
			t.Errorf("%s: %q", status, got)
		}
	}
}

// TestPending_NoRoom: who has more waiting than the card can hold is told so.
func TestPending_NoRoom(t *testing.T) {
	t.Parallel()
	for most, told := range map[ledger.Fen]bool{0: false, 10_000_000: false, 2000: true} {
		c := newCampus(t, func(cfg *Config) { cfg.MaxBalance = most })
		if got := c.types(CardApp, "bound", "待领"); strings.Contains(got, "卡上最多放 ¥20.00") != told {
			t.Errorf("a card that holds %s: %q", most, got)
		}
	}
}

// TestReminder_Places: machines are named as far as there is room, and never cut within a name.
func TestReminder_Places(t *testing.T) {
	t.Parallel()
	c := newCampus(t, func(cfg *Config) {
		cfg.Contact.Machines = []Words{{"二号餐厅", "Canteen 2"}, {"图书馆一楼", "Library, 1st floor"}, {"一卡通受理中心", "Card office"}, {"行政中心一楼大厅", "Administration"},
			{"很远很远的校区的图书馆门口", "The entrance of the library of the far campus"}, {"还有一个很远很远的校区的图书馆门口", "And of another one"}, {Zh: "再一处"}}
	})
	for user, want := range map[string]string{"bound": "圈存机：二号餐厅、图书馆一楼、一卡通受理中心、行政中心一楼大厅、很远很远的校区的图书馆门口等 7 处", "english": "Kiosks: Canteen 2, Library, 1st floor, Card office … (7 in all)"} {
		c.wecom.said = nil
		if err := c.apps.Push(c.wecom).Send(t.Context(), ledger.Event{Kind: ledger.EventReminder, PersonID: c.store.people[user].ID, At: noon}); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(c.wecom.said, ""); !strings.Contains(said, want) {
			t.Errorf("%s is told %q, want %q in it", user, said, want)
		}
	}
	if got := cards.Places(cards.Zh, nil, 30); got != "" {
		t.Errorf("no places are %q", got)
	}
}
