package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"xiaoka/bot"
	"xiaoka/config"
)

// TestDoctor_Operators: each operator is looked up as the card app sees them,
// and who cannot be told of the days is named with what to do.
func TestDoctor_Operators(t *testing.T) {
	t.Parallel()
	answers := map[string]string{
		"finance": `{"errcode":0,"userid":"finance","status":1}`,
		"hidden":  `{"errcode":60011,"errmsg":"no privilege to access/modify contact/party/agent"}`,
		"typo":    `{"errcode":60111,"errmsg":"userid not found"}`,
		"retired": `{"errcode":0,"userid":"retired","status":5}`,
		"busy":    `{"errcode":45009,"errmsg":"api freq out of limit"}`,
	}
	wecom := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/cgi-bin/gettoken":
			fmt.Fprint(w, `{"errcode":0,"access_token":"t","expires_in":7200}`)
		case "/cgi-bin/user/get":
			fmt.Fprint(w, answers[r.URL.Query().Get("userid")])
		default:
			t.Errorf("asked for %s", r.URL.Path)
		}
	}))
	t.Cleanup(wecom.Close)
	card, err := bot.NewClient(bot.ClientConfig{App: bot.App{Name: "card", CorpID: "ww1", AgentID: 1}, Secret: "s", BaseURL: wecom.URL})
	if err != nil {
		t.Fatal(err)
	}
	for user, want := range map[string]struct {
		state state
		fix   string
	}{
		"finance": {stateOK, ""}, "hidden": {stateFail, "可见范围"}, "typo": {stateFail, "correct the userid"}, "retired": {stateFail, "take them out"}, "busy": {stateWarn, "try again"},
	} {
		d := &doctor{cfg: &config.Config{Operators: []config.Operator{{UserID: user}}}, tell: func(finding) {}}
		d.operators(t.Context(), card)
		if len(d.found) != 1 || d.found[0].State != want.state || !strings.Contains(d.found[0].Fix, want.fix) || !strings.Contains(d.found[0].Detail, user) {
			t.Errorf("%s: found %+v, want %s, %q", user, d.found, want.state, want.fix)
		}
	}
}
