package wecom

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"
)

// pressable is a button card with a selector and a menu.
const pressable = `{"card_type":"button_interaction","task_id":"loss-1","main_title":{"title":"确认挂失？"},
	"action_menu":{"desc":"更多","action_list":[{"text":"不再提醒","key":"mute"}]},
	"button_selection":{"question_key":"reason","title":"原因","selected_id":"lost","option_list":[{"id":"stolen","text":"被盗"},{"id":"lost","text":"丢失"}]},
	"button_list":[{"text":"确认","key":"confirm"},{"type":1,"text":"看","url":"https://a"}]}`

const notice = `{"card_type":"text_notice","main_title":{"title":"已挂失"},"card_action":{"type":1,"url":"https://a"}}`

func TestPress_Event(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.sendCard(pressable)
	id := w.last("zhangsan").ID
	for _, tt := range []struct {
		name, key string
		selected  map[string][]string
		event     string
		chosen    string
		err       error
	}{
		{"Default", "confirm", nil, "template_card_event", "lost", nil},
		{"Selected", "confirm", map[string][]string{"reason": {"stolen"}}, "template_card_event", "stolen", nil},
		{"Menu", "mute", nil, "template_card_menu_event", "", nil},
		{"NoKey", "other", nil, "", "", ErrNotThere},
		{"LinkButton", "", nil, "", "", ErrNotThere},
		{"NoOption", "confirm", map[string][]string{"reason": {"x"}}, "", "", ErrNotThere},
		{"TwoOptions", "confirm", map[string][]string{"reason": {"lost", "stolen"}}, "", "", ErrNotThere},
		{"NoQuestion", "confirm", map[string][]string{"colour": {"red"}}, "", "", ErrNotThere},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := w.sim.Press(w.ctx(), "zhangsan", id, tt.key, tt.selected)
			if !errors.Is(err, tt.err) {
				t.Fatal(err)
			}
			if err != nil {
				return
			}
			seen := w.bot.seen()
			g := seen[len(seen)-1]
			if g.Event != tt.event || g.EventKey != tt.key || g.TaskID != "loss-1" || g.CardType != buttonCard || g.ResponseCode == "" || g.FromUserName != "zhangsan" {
				t.Errorf("%+v", g)
			}
			if tt.chosen == "" && len(g.Selected) != 0 || tt.chosen != "" && (len(g.Selected) != 1 || g.Selected[0].QuestionKey != "reason" || !slices.Equal(g.Selected[0].OptionIds, []string{tt.chosen})) {
				t.Errorf("%+v", g.Selected)
			}
			if state := w.last("zhangsan").State; state.Pressed != tt.key {
				t.Errorf("%+v", state)
			}
		})
	}
	if _, err := w.sim.Press(w.ctx(), "lisi", id, "confirm", nil); !errors.Is(err, ErrNoMessage) {
		t.Errorf("another member pressed it: %v", err)
	}
	if _, err := w.sim.Press(w.ctx(), "zhangsan", w.last("zhangsan").MsgID, "nothing", nil); !errors.Is(err, ErrNotThere) {
		t.Errorf("named by its msgid: %v", err)
	}
}

func TestPress_VoteAndMultiple(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.sendCard(`{"card_type":"vote_interaction","task_id":"v","main_title":{"title":"t"},"checkbox":{"question_key":"q","mode":1,"option_list":[{"id":"1","text":"a","is_checked":true},{"id":"2","text":"b"},{"id":"3","text":"c"}]},"submit_button":{"key":"s"}}`)
	if _, err := w.sim.Press(w.ctx(), "zhangsan", w.last("zhangsan").ID, "s", map[string][]string{"q": {"2", "3"}}); err != nil {
		t.Fatal(err)
	}
	w.sendCard(`{"card_type":"multiple_interaction","task_id":"m","main_title":{"title":"t"},"select_list":[{"question_key":"a","option_list":[{"id":"1","text":"a"}]},{"question_key":"b","selected_id":"2","option_list":[{"id":"1","text":"a"},{"id":"2","text":"b"}]}],"submit_button":{"key":"s"}}`)
	if _, err := w.sim.Press(w.ctx(), "zhangsan", w.last("zhangsan").ID, "s", nil); err != nil {
		t.Fatal(err)
	}
	seen := w.bot.seen()
	if got := fmt.Sprint(seen[0].Selected, seen[1].Selected); got != "[{q [2 3]}] [{a [1]} {b [2]}]" {
		t.Error(got)
	}
}

func TestUpdate_API(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.send(`{"touser":"zhangsan|lisi","msgtype":"template_card","agentid":1000002,"template_card":` + pressable + `}`)
	code := a.str("response_code")
	body := func(code, users, what string) string {
		return fmt.Sprintf(`{"userids":[%s],"agentid":1000002,"response_code":%q,%s}`, users, code, what)
	}
	grey := `"button":{"replace_name":"已处理"}`
	other := w.newToken("secret-assistant")
	if a := w.post("message/update_template_card?access_token="+other, fmt.Sprintf(`{"userids":["lisi"],"agentid":1000003,"response_code":%q,%s}`, code, grey)); a.code() != 42015 {
		t.Errorf("another app: %v", a)
	}
	for _, tt := range []struct {
		name, body string
		code       int
	}{
		{"NoCode", body("", `"lisi"`, grey), 40058},
		{"UnknownCode", body("nonsense", `"lisi"`, grey), 40058},
		{"Nobody", body(code, ``, grey), 82101},
		{"NotARecipient", body(code, `"wangwu"`, grey), 82102},
		{"Nothing", body(code, `"lisi"`, `"atall":0`), 40058},
		{"Both", body(code, `"lisi"`, grey+`,"template_card":`+notice), 40058},
		{"NoName", body(code, `"lisi"`, `"button":{}`), 40058},
		{"BadCard", body(code, `"lisi"`, `"template_card":{"card_type":"text_notice","main_title":{"title":"a"}}`), 42045},
		{"OtherAgent", fmt.Sprintf(`{"userids":["lisi"],"agentid":1000003,"response_code":%q,%s}`, code, grey), 301002},
		{"AgentString", fmt.Sprintf(`{"userids":["lisi"],"agentid":"1000002","response_code":%q,%s}`, code, grey), 40056},
		{"Grey", body(code, `"LISI","nobody"`, grey), 0},
		{"Used", body(code, `"lisi"`, grey), 40058},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.update(tt.body); a.code() != tt.code {
				t.Errorf("%v, want %d", a, tt.code)
			}
		})
	}
	if m := w.last("lisi"); !m.State.Disabled || m.State.ReplaceName != "已处理" || m.State.Updates != 1 {
		t.Errorf("%+v", m.State)
	}
	if m := w.last("zhangsan"); m.State.Disabled || m.State.Updates != 0 {
		t.Errorf("the other recipient's card changed: %+v", m.State)
	}
	if _, err := w.sim.Press(w.ctx(), "lisi", w.last("lisi").ID, "confirm", nil); !errors.Is(err, ErrNotThere) {
		t.Errorf("a dead button was pressed: %v", err)
	}
}

func TestUpdate_ReplaceByPressCode(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.sendCard(pressable)
	m := w.last("zhangsan")
	if _, err := w.sim.Press(w.ctx(), "zhangsan", m.ID, "confirm", nil); err != nil {
		t.Fatal(err)
	}
	code := w.bot.seen()[0].ResponseCode
	a := w.update(fmt.Sprintf(`{"atall":1,"agentid":1000002,"response_code":%q,"template_card":%s}`, code, notice))
	if a.code() != 0 {
		t.Fatalf("%v", a)
	}
	now := w.last("zhangsan")
	if now.ID != m.ID || now.Card.CardType != textNotice || now.State.Updates != 1 || m.Card.CardType != buttonCard {
		t.Errorf("%+v", now)
	}
	if len(w.sim.Warnings()) != 0 {
		t.Errorf("%+v", w.sim.Warnings())
	}
}

func TestUpdate_Expiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name string
		task string
		age  time.Duration
		code int
	}{
		{"JustInside", "a", 72*time.Hour - time.Second, 0},
		{"Outside", "b", 72 * time.Hour, 40058},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w.token = w.newToken("secret-card")
			code := w.sendCard(`{"card_type":"button_interaction","task_id":"` + tt.task + `","main_title":{"title":"t"},"button_list":[{"text":"b","key":"k"}]}`).str("response_code")
			w.clock.add(tt.age)
			w.token = w.newToken("secret-card")
			if a := w.update(fmt.Sprintf(`{"userids":["zhangsan"],"agentid":1000002,"response_code":%q,"button":{"replace_name":"x"}}`, code)); a.code() != tt.code {
				t.Errorf("%v", a)
			}
		})
	}
}

func TestUpdate_NoticeHasNoButton(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	a := w.sendCard(`{"card_type":"text_notice","task_id":"n","main_title":{"title":"t"},"action_menu":{"action_list":[{"text":"a","key":"x"}]},"card_action":{"type":1,"url":"https://a"}}`)
	code := a.str("response_code")
	if a := w.update(fmt.Sprintf(`{"userids":["zhangsan"],"agentid":1000002,"response_code":%q,"button":{"replace_name":"x"}}`, code)); a.code() != 40058 {
		t.Errorf("grey: %v", a)
	}
	if a := w.update(fmt.Sprintf(`{"userids":["zhangsan"],"agentid":1000002,"response_code":%q,"template_card":%s}`, code, notice)); a.code() != 0 {
		t.Errorf("replace: %v", a)
	}
}

func TestUpdate_Passive(t *testing.T) {
	t.Parallel()
	card := `<TemplateCard><CardType>vote_interaction</CardType><TaskId>v2</TaskId><MainTitle><Title>投票</Title></MainTitle>` +
		`<Checkbox><QuestionKey>q</QuestionKey><OptionList><Id>1</Id><Text>a</Text><IsChecked>true</IsChecked></OptionList><OptionList><Id>2</Id><Text>b</Text></OptionList></Checkbox>` +
		`<SubmitButton><Text>好</Text><Key>s</Key></SubmitButton></TemplateCard>`
	for _, tt := range []struct {
		name, reply string
		check       func(Message) bool
	}{
		{"Button", passive("update_button", "<Button><ReplaceName>已处理</ReplaceName></Button>"), func(m Message) bool {
			return m.State.Disabled && m.State.ReplaceName == "已处理" && m.State.Pressed == "confirm"
		}},
		{"Card", passive("update_template_card", card), func(m Message) bool {
			return m.Card.CardType == voteCard && m.Card.TaskID == "v2" && len(m.Card.Checkbox.OptionList) == 2 && m.Card.Checkbox.OptionList[0].IsChecked
		}},
		{"OldSpelling", passive("update_template_card", `<TemplateCard><CardType>text_notice</CardType><MainTitle><Title>t</Title></MainTitle>`+
			`<HorizontalContentList><Keyname>卡号</Keyname><Value>1</Value></HorizontalContentList><CardAction><Type>1</Type><Url>https://a</Url></CardAction></TemplateCard>`), func(m Message) bool {
			return len(m.Card.HorizontalContentList) == 1 && m.Card.HorizontalContentList[0].KeyName == "卡号"
		}},
		{"Refused", passive("update_template_card", "<TemplateCard><CardType>text_notice</CardType></TemplateCard>"), func(m Message) bool {
			return m.Card.CardType == buttonCard && m.State.Updates == 0
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			w.bot.reply = func(int, got) (int, string) { return 200, tt.reply }
			w.send(`{"touser":"zhangsan|lisi","msgtype":"template_card","agentid":1000002,"template_card":` + pressable + `}`)
			d, err := w.sim.Press(w.ctx(), "zhangsan", w.last("zhangsan").ID, "confirm", nil)
			if err != nil {
				t.Fatal(err)
			}
			if m := w.last("zhangsan"); !tt.check(m) {
				t.Errorf("%+v %+v %+v", m.Card, m.State, d)
			}
			if m := w.last("lisi"); m.State.Updates != 0 {
				t.Error("the other recipient's card changed")
			}
		})
	}
}

func TestUpdate_ReplaceText(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	code := w.sendCard(pressable).str("response_code")
	a := w.update(fmt.Sprintf(`{"userids":["zhangsan"],"agentid":1000002,"response_code":%q,"template_card":{"card_type":"button_interaction","task_id":"loss-1","main_title":{"title":"t"},"replace_text":"已提交"}}`, code))
	if m := w.last("zhangsan"); a.code() != 0 || !m.State.Disabled || m.State.ReplaceName != "已提交" {
		t.Errorf("%v %+v", a, m.State)
	}
}
