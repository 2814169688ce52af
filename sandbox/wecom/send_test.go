package wecom

import (
	"strings"
	"testing"
	"time"
)

func TestSend_Text(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.send(`{"touser":"ZhangSan|lisi|Nobody|wangwu","agentid":1000002,"msgtype":"text","text":{"content":"你好 <a href=\"https://x/?a=1&b=2\">x</a>"}}`)
	if a.code() != 0 || a.str("invaliduser") != "nobody|wangwu" || a.str("msgid") == "" || a["response_code"] != nil {
		t.Fatalf("%v", a)
	}
	m := w.last("lisi")
	if m.Kind != KindText || m.UserID != "LiSi" || m.From != FromApp || !strings.HasPrefix(m.Text, "你好") || m.MsgID != a.str("msgid") {
		t.Errorf("%+v", m)
	}
	if len(w.sim.Conversation("wangwu", agent)) != 0 {
		t.Error("a member out of range got it")
	}
	if warnings := w.sim.Warnings(); len(warnings) != 0 {
		t.Errorf("%+v", warnings)
	}
}

func TestSend_Lenient(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, body, warning string
	}{
		{"LongTextCut", `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"` + strings.Repeat("卡", 700) + `"}}`, "cut to 2048"},
		{"EscapedHTML", `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"\u003cb\u003e"}}`, "40033"},
		{"UnknownField", `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"},"saf":1}`, `unknown field "saf"`},
		{"CapitalField", `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a \"B\": c"},"Safe":1}`, `unknown field "Safe"`},
		{"SafeCard", `{"touser":"zhangsan","agentid":1000002,"safe":1,"msgtype":"textcard","textcard":{"title":"t","description":"d","url":"https://a"}}`, "not documented"},
		{"TextcardLong", `{"touser":"zhangsan","agentid":1000002,"msgtype":"textcard","textcard":{"title":"t","description":"` + strings.Repeat("长", 513) + `","url":"https://a"}}`, "cut to 512"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			if a := w.send(tt.body); a.code() != 0 {
				t.Fatalf("%v", a)
			}
			warnings := w.sim.Warnings()
			if len(warnings) != 1 || !strings.Contains(warnings[0].Text, tt.warning) {
				t.Errorf("%+v, want %q", warnings, tt.warning)
			}
		})
	}
	t.Run("LongTextCut/OnACharacter", func(t *testing.T) {
		w := newWorld(t, nil)
		w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"` + strings.Repeat("卡", 700) + `"}}`)
		if got := w.last("zhangsan").Text; got != strings.Repeat("卡", 682) {
			t.Errorf("%d bytes", len(got))
		}
	})
	t.Run("CapitalsInText", func(t *testing.T) {
		w := newWorld(t, nil)
		w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a \"B\": c"}}`)
		if warnings := w.sim.Warnings(); len(warnings) != 0 || w.last("zhangsan").Text != `a "B": c` {
			t.Errorf("%+v", warnings)
		}
	})
	t.Run("BackslashU/AsText", func(t *testing.T) {
		w := newWorld(t, nil)
		w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"\\u003c"}}`)
		if warnings := w.sim.Warnings(); len(warnings) != 0 {
			t.Errorf("%+v", warnings)
		}
	})
}

func TestSend_DuplicateCheck(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	body := `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"},"enable_duplicate_check":1,"duplicate_check_interval":600}`
	first, second := w.send(body), w.send(body)
	if second.code() != 0 || second.str("msgid") != first.str("msgid") {
		t.Errorf("%v then %v", first, second)
	}
	if n := len(w.sim.Conversation("zhangsan", agent)); n != 1 {
		t.Errorf("delivered %d times", n)
	}
	w.clock.add(601 * time.Second)
	w.send(body)
	if n := len(w.sim.Conversation("zhangsan", agent)); n != 2 {
		t.Errorf("after the interval there are %d", n)
	}
}

func TestSend_MemberLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	text := `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`
	for i := range 32 {
		if a := w.send(text); a.code() != 0 {
			t.Fatalf("message %d: %v", i, a)
		}
	}
	if n, dropped := len(w.sim.Conversation("zhangsan", agent)), w.sim.Stats().Dropped; n != 30 || dropped != 2 {
		t.Errorf("%d arrived, %d dropped; want 30 and 2", n, dropped)
	}
	w.clock.add(61 * time.Second)
	w.send(text)
	if n := len(w.sim.Conversation("zhangsan", agent)); n != 31 {
		t.Errorf("a minute later %d, want 31", n)
	}
	t.Run("Hour", func(t *testing.T) {
		start := w.clock.Now()
		for i := range 1010 {
			w.sim.mu.Lock()
			within := w.sim.withinLimit("lisi", agent, start.Add(time.Duration(i)*3*time.Second))
			w.sim.mu.Unlock()
			if within != (i < 1000) {
				t.Fatalf("message %d: %v", i, within)
			}
		}
	})
}

func TestSend_DayLimit(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Strict.AccountLimit = 1 })
	now := w.clock.Now()
	w.sim.mu.Lock()
	defer w.sim.mu.Unlock()
	if !w.sim.withinDay(agent, 200, now) || w.sim.withinDay(agent, 1, now) || !w.sim.withinDay(agent, 1, now.Add(24*time.Hour)) {
		t.Error("the limit is 200 recipients a day and account")
	}
}

func TestSend_PartyAllUnlicensedWeChat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) {
		c.Members = append(c.Members,
			Member{UserID: "u5", Departments: []int{5}},
			Member{UserID: "u6", Departments: []int{5}, Unlicensed: true},
			Member{UserID: "u7", Departments: []int{7}, WeChatOnly: true})
	})
	a := w.send(`{"toparty":"5|9","totag":"3","touser":"u5","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`)
	if a.code() != 0 || a.str("unlicenseduser") != "u6" || a.str("invalidparty") != "9" || a.str("invalidtag") != "3" || len(w.sim.Conversation("u5", agent)) != 1 {
		t.Errorf("%v", a)
	}
	a = w.send(`{"touser":"@all","agentid":1000002,"msgtype":"markdown","markdown":{"content":"**a**"}}`)
	if a.code() != 0 || !w.last("u7").Unseen || w.last("u5").Unseen || len(w.sim.Conversation("wangwu", agent)) != 0 {
		t.Errorf("%v %+v", a, w.last("u7"))
	}
}

func TestRecall(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	recall := func(msgID string) int {
		return w.post("message/recall?access_token="+w.token, `{"msgid":"`+msgID+`"}`).code()
	}
	a := w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`)
	if code := recall(a.str("msgid")); code != 0 || !w.last("zhangsan").Recalled || w.last("zhangsan").Text != "" {
		t.Errorf("%d, %+v", code, w.last("zhangsan"))
	}
	if code := recall(""); code != 40063 {
		t.Errorf("none: %d", code)
	}
	if code := recall("nonsense"); code != 40058 {
		t.Errorf("unknown: %d", code)
	}
	a = w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"b"}}`)
	w.clock.add(24*time.Hour + time.Second)
	w.token = w.newToken("secret-card")
	if code := recall(a.str("msgid")); code != 42052 {
		t.Errorf("a day later: %d", code)
	}
}
