package e2e

import (
	"database/sql"
	"strings"
	"testing"

	_ "github.com/glebarez/sqlite" // both drivers, for minuteLater
	_ "github.com/jackc/pgx/v5/stdlib"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wecom"
)

// shown is the card of a message as it looks now.
func (m *member) shown(agent int, id string) string {
	for _, msg := range m.campus.WeCom.Conversation(m.UserID, agent) {
		if msg.ID == id {
			return text(msg)
		}
	}
	return ""
}

// minuteLater makes the codes sent so far a minute older: there is one a
// minute.
func (h *house) minuteLater() {
	h.t.Helper()
	driver, address := "pgx", h.database
	if file, ok := strings.CutPrefix(h.database, "sqlite:"); ok {
		driver, address = "sqlite", file+"?_pragma=busy_timeout(5000)"
	}
	db, err := sql.Open(driver, address)
	if err != nil {
		h.t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("UPDATE codes SET issued_at = issued_at - 61000000"); err != nil {
		h.t.Fatal(err)
	}
}

// A loss from the chat to the page, the updated card, and the way back.
func TestLoss(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, other := h.newMember(0), h.newMember(1)
		m.verify()
		m.bind()
		other.verify()
		n := m.say(campus.CardID, "我的卡丢了")
		ask := m.toldSince(n, campus.CardID, "button_interaction", "确认挂失")
		if _, err := h.campus.WeCom.Press(m.context(), m.UserID, ask.ID, ask.Card.ButtonList[0].Key, nil); err != nil {
			t.Fatal(err)
		}
		if now := m.shown(campus.CardID, ask.ID); !strings.Contains(now, "还差一步") || !strings.Contains(now, "/h5/loss") {
			t.Errorf("the card that was pressed shows %s", now)
		}
		at, page := m.post("/h5/loss", map[string]string{"query_password": ownPassword})
		if at.Path != "/h5/loss" || !strings.Contains(page, "挂失已受理") || !strings.Contains(page, "台终端生效") {
			t.Fatalf("led to %s\n%s", at, page)
		}
		if now := m.shown(campus.CardID, ask.ID); !strings.Contains(now, "已挂失") || !strings.Contains(now, "text_notice") {
			t.Errorf("the card that led here shows %s", now)
		}
		m.toldSince(n, campus.CardID, "已挂失", "不是你本人操作")
		_, again := m.get("/h5/loss")
		receipt := func(page string) string {
			_, rest, _ := strings.Cut(page, "<dt>回执号</dt><dd>")
			no, _, _ := strings.Cut(rest, "<")
			return no
		}
		if receipt(page) == "" || receipt(again) != receipt(page) {
			t.Errorf("receipts %q and %q", receipt(page), receipt(again))
		}
		k := terminal.NewKiosk(m.terminal("K01"), nil)
		if err := k.PutIn(m.campus.Chip(m.Person)); err != nil {
			t.Fatal(err)
		}
		if account, err := k.EnterPIN(m.context(), ownPassword); err != nil || account.Status != "lost" {
			t.Errorf("the machine shows %+v, %v", account, err)
		}
		if _, err := k.Claim(m.context()); terminal.Code(err) != "card_lost" {
			t.Errorf("a claim after the loss: %v, want card_lost", err)
		}
		k.PullOut()

		n = m.say(campus.CardID, "解挂")
		m.toldSince(n, campus.CardID, "/h5/loss/cancel")
		h.minuteLater()
		m.post("/h5/loss/cancel", map[string]string{"channel": "email"})
		at, page = m.post("/h5/loss/cancel", map[string]string{"query_password": ownPassword, "code": m.code()})
		if !strings.Contains(page, "已解挂") {
			t.Fatalf("led to %s\n%s", at, page)
		}
		_, page = m.get("/h5/settings")
		for _, w := range []string{"挂失", "解挂", "你自己"} {
			if !strings.Contains(page, w) {
				t.Errorf("settings lack %q", w)
			}
		}
		n = m.say(campus.CardID, "不要再通知我了")
		q := m.toldSince(n, campus.CardID, "要关掉消费通知吗")
		if _, err := h.campus.WeCom.Press(m.context(), m.UserID, q.ID, q.Card.ButtonList[0].Key, nil); err != nil {
			t.Fatal(err)
		}
		_, page = m.get("/h5/settings")
		if strings.Contains(page, `name="push_consumption" value="on" checked`) {
			t.Error("purchases are still told")
		}
		n = m.say(campus.CardID, "解绑")
		m.toldSince(n, campus.CardID, "/h5/unbind")
		at, page = m.post("/h5/unbind", map[string]string{"query_password": ownPassword})
		if at.Path != "/h5/goodbye" || !strings.Contains(page, "再见") {
			t.Fatalf("led to %s\n%s", at, page)
		}
		m.toldSince(n, campus.CardID, "校园卡已解绑")
		if w := h.campus.WeCom.Warnings(); len(w) > 0 {
			t.Errorf("WeCom warns: %+v", w)
		}
	})
}

// A member whose userid is not on record gives the student number first.
func TestNewcomer(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(2)
		m.UserID = "newbie"
		if err := h.campus.WeCom.SetMember(wecom.Member{UserID: "newbie", Name: "新同学"}); err != nil {
			t.Fatal(err)
		}
		n := m.say(campus.AssistantID, "验证")
		m.toldSince(n, campus.AssistantID, "学工号")
		n = m.say(campus.AssistantID, m.StudentNo)
		offer := m.toldSince(n, campus.AssistantID, "vote_interaction", m.StudentNo)
		m.choose(offer, "email")
		if now := m.shown(campus.AssistantID, offer.ID); !strings.Contains(now, "如果登记了这个学工号") {
			t.Errorf("shows %s", now)
		}
		m.get("/h5/verify")
		at, page := m.post("/h5/verify", map[string]string{"code": m.code()})
		if at.Path != "/h5/bind" || !strings.Contains(page, "验证通过") {
			t.Fatalf("led to %s\n%s", at, page)
		}
		m.told(campus.CardID, "/h5/bind")
		m.bind()
	})
}
