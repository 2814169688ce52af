package e2e

import (
	"net/url"
	"strings"
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

// Every entry of both menus that `menu push` wrote is answered, or leads to a
// page that exists.
func TestMenus(t *testing.T) {
	h := newHouse(t, "", "", 1)
	m := h.newMember(0)
	m.verify()
	m.bind()
	for _, agent := range []int{campus.AssistantID, campus.CardID} {
		menu, ok := h.campus.WeCom.Menu(agent)
		if !ok || len(menu.Button) == 0 {
			t.Fatalf("app %d has no menu", agent)
		}
		for _, top := range menu.Button {
			for _, b := range append([]wecom.MenuButton{top}, top.SubButton...) {
				switch b.Type {
				case "click":
					n := len(h.campus.WeCom.Conversation(m.UserID, agent))
					if _, err := h.campus.WeCom.Click(m.context(), m.UserID, agent, b.Key); err != nil {
						t.Fatalf("%s: %v", b.Name, err)
					}
					said := h.campus.WeCom.Conversation(m.UserID, agent)
					if len(said) <= n {
						t.Errorf("%s is not answered", b.Name)
					} else if got := text(said[len(said)-1]); b.Key != "help" && strings.Contains(got, "可以这样问我") || strings.Contains(got, "抱歉") {
						t.Errorf("%s is answered by %s", b.Name, got)
					}
				case "view":
					at, err := url.Parse(b.URL)
					if err != nil {
						t.Fatal(err)
					}
					if page := m.open(at.RequestURI()); !strings.Contains(page, "</html>") {
						t.Errorf("%s leads to %s:\n%s", b.Name, b.URL, page)
					}
				}
			}
		}
	}
}
