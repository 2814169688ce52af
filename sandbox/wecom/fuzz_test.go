package wecom

import (
	"context"
	"testing"
)

// FuzzSend sends what an app may put into a body, and presses whatever card came of it.
func FuzzSend(f *testing.F) {
	for _, card := range smallest {
		f.Add(`{"touser":"zhangsan","msgtype":"template_card","agentid":1000002,"template_card":` + card + `}`)
	}
	f.Add(`{"touser":"@all","msgtype":"news","agentid":1000002,"news":{"articles":[{"title":"t","url":"https://a"}]}}`)
	f.Add(`{"toparty":"1","msgtype":"text","agentid":1000002,"enable_duplicate_check":1,"text":{"content":"a \"B\": c"}}`)
	f.Fuzz(func(t *testing.T, body string) {
		sim, err := New(Config{
			CorpID:  sampleCorp,
			Apps:    []App{{AgentID: agent, Secret: "s", Token: sampleToken, EncodingAESKey: sampleAESKey}},
			Members: []Member{{UserID: "zhangsan"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := sim.send(call{name: "message/send", body: []byte(body), agentID: agent})
		messages := sim.Conversation("zhangsan", agent)
		if err != nil && len(messages) > 0 {
			t.Fatalf("refused with %v, and delivered", err)
		}
		for _, m := range messages {
			if m.MsgID != out["msgid"] {
				t.Errorf("msgid %q, answered %v", m.MsgID, out)
			}
			if m.Card != nil && m.Card.SubmitButton != nil {
				_, _ = sim.Press(context.Background(), "zhangsan", m.ID, m.Card.SubmitButton.Key, nil)
			}
		}
	})
}

// FuzzReply shows what an app may answer to the press of a card.
func FuzzReply(f *testing.F) {
	f.Add(passive("text", "<Content>a</Content>"))
	f.Add(passive("update_button", "<Button><ReplaceName>a</ReplaceName></Button>"))
	f.Add(passive("update_template_card", "<TemplateCard><CardType>vote_interaction</CardType><Checkbox><OptionList><Id>1</Id></OptionList></Checkbox></TemplateCard>"))
	f.Fuzz(func(t *testing.T, reply string) {
		sim, err := New(Config{
			CorpID:  sampleCorp,
			Apps:    []App{{AgentID: agent, Secret: "s", Token: sampleToken, EncodingAESKey: sampleAESKey}},
			Members: []Member{{UserID: "zhangsan"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		body := `{"touser":"zhangsan","msgtype":"template_card","agentid":1000002,"template_card":` + smallest[buttonCard] + `}`
		if _, err := sim.send(call{name: "message/send", body: []byte(body), agentID: agent}); err != nil {
			t.Fatal(err)
		}
		m := sim.Conversation("zhangsan", agent)[0]
		attempts := []Attempt{{Status: 200, Reply: reply}}
		sim.showReply(callback{app: sim.Apps()[0], userID: "zhangsan", name: "template_card_event", pressed: m.ID}, attempts)
		after := sim.Conversation("zhangsan", agent)
		if shown := len(after) > 1 || after[0].State.Updates > 0; shown == (attempts[0].Problem != "") && reply != "" {
			t.Errorf("shown %v, problem %q", shown, attempts[0].Problem)
		}
	})
}
