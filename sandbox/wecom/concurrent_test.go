package wecom

import (
	"fmt"
	"sync"
	"testing"
)

// TestConcurrent has members, the app and a reader at work at the same time; it is for the race detector.
func TestConcurrent(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		for i := range 8 {
			c.Members = append(c.Members, Member{UserID: fmt.Sprintf("u%d", i)})
		}
		c.OnChange = func(string) {}
		c.Log = func(Event) {}
	})
	w.bot.reply = func(_ int, g got) (int, string) {
		if g.Event != "" {
			return 200, ""
		}
		return 200, "<xml><ToUserName>" + g.FromUserName + "</ToUserName><FromUserName>" + sampleCorp + "</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>好</Content></xml>"
	}
	w.sim.SetFaults(Faults{Repeat: 1, RepeatAtOnce: true})
	var wg sync.WaitGroup
	for i := range 8 {
		user := fmt.Sprintf("u%d", i)
		wg.Go(func() {
			a := w.send(fmt.Sprintf(`{"touser":%q,"msgtype":"template_card","agentid":1000002,"template_card":{"card_type":"button_interaction","task_id":"t%d","main_title":{"title":"t"},"button_list":[{"text":"b","key":"k"}]}}`, user, i))
			if _, err := w.sim.Press(w.ctx(), user, w.last(user).ID, "k", nil); err != nil {
				t.Error(err)
			}
			if a := w.update(fmt.Sprintf(`{"userids":[%q],"agentid":1000002,"response_code":%q,"button":{"replace_name":"x"}}`, user, a.str("response_code"))); a.code() != 0 {
				t.Errorf("%v", a)
			}
			if _, err := w.sim.Say(w.ctx(), user, agent, "a"); err != nil {
				t.Error(err)
			}
		})
		wg.Go(func() {
			for range 20 {
				_, _, _, _ = w.sim.Conversation(user, agent), w.sim.Sent(), w.sim.Stats(), w.sim.Warnings()
				_ = encode(w.sim.Conversation(user, agent))
			}
		})
	}
	wg.Wait()
	for i := range 8 {
		user := fmt.Sprintf("u%d", i)
		if c := w.sim.Conversation(user, agent); len(c) != 3 || !c[0].State.Disabled || c[2].Text != "好" {
			t.Errorf("%s: %+v", user, c)
		}
	}
}

func BenchmarkSend(b *testing.B) {
	w := newWorld(b, nil)
	body := `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`
	for b.Loop() {
		if a := w.send(body); a.code() != 0 {
			b.Fatal(a)
		}
	}
}
