package wecom

import (
	"encoding/json"
	"strings"
	"testing"
)

// The smallest card of each type that is taken; tests change one thing of it.
var smallest = map[string]string{
	textNotice:  `{"card_type":"text_notice","main_title":{"title":"t"},"card_action":{"type":1,"url":"https://a"}}`,
	newsNotice:  `{"card_type":"news_notice","main_title":{"title":"t"},"card_action":{"type":1,"url":"https://a"},"card_image":{"url":"https://p"}}`,
	buttonCard:  `{"card_type":"button_interaction","task_id":"t-1_@A","main_title":{"title":"t"},"button_list":[{"text":"b","key":"k"}]}`,
	voteCard:    `{"card_type":"vote_interaction","task_id":"t","main_title":{"title":"t"},"checkbox":{"question_key":"q","option_list":[{"id":"1","text":"a"}]},"submit_button":{"key":"s"}}`,
	selectsCard: `{"card_type":"multiple_interaction","task_id":"t","main_title":{"title":"t"},"select_list":[{"question_key":"q","option_list":[{"id":"1","text":"a"}]}],"submit_button":{"key":"s"}}`,
}

// repeatJSON makes a JSON list of n equal items.
func repeatJSON(n int, item string) string {
	return "[" + strings.TrimSuffix(strings.Repeat(item+",", n), ",") + "]"
}

// cardRules are the documented rules of https://developer.work.weixin.qq.com/document/path/90236 (模板卡片消息): what a
// card's field must not be, the code that says so, and its neighbour that is taken.
func cardRules() []cardRule {
	const (
		kv   = `{"keyname":"k","value":"v"}`
		jump = `{"type":0,"title":"t"}`
		open = `{"type":1,"text":"b","url":"https://a"}`
		item = `{"text":"a","key":"x"}`
		one  = `[{"id":"1","text":"a"}]`
	)
	options := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, `{"id":"`+strings.Repeat("i", i+1)+`","text":"a"}`)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	selects := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, `{"question_key":"`+strings.Repeat("q", i+1)+`","option_list":`+one+`}`)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	items := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, `{"text":"a","key":"`+strings.Repeat("x", i+1)+`"}`)
		}
		return `{"action_list":[` + strings.Join(list, ",") + "]}"
	}
	long := func(n int) string { return strings.Repeat("k", n) }
	rules := []cardRule{
		{"card_type", textNotice, "card_type", `"poster"`, 42031, `"text_notice"`},
		{"task_id needed", buttonCard, "task_id", drop, 42014, `"t"`},
		{"task_id needed by a vote", voteCard, "task_id", drop, 42014, `"t"`},
		{"task_id needed by a choice", selectsCard, "task_id", drop, 42014, `"t"`},
		{"task_id alphabet", buttonCard, "task_id", `"a.b"`, 42014, `"aZ09_-@"`},
		{"task_id 128 bytes", buttonCard, "task_id", `"` + long(129) + `"`, 42014, `"` + long(128) + `"`},
		{"title or sub_title_text", textNotice, "main_title", drop, 42033, `{"title":"t"}`},
		{"title of news", newsNotice, "main_title", `{"desc":"d"}`, 42033, `{"title":"t","desc":"d"}`},

		{"card_action of a text notice", textNotice, "card_action", drop, 42045, `{"type":1,"url":"https://a"}`},
		{"card_action of a news notice", newsNotice, "card_action", drop, 42045, `{"type":2,"appid":"wx1"}`},
		{"card_action type", textNotice, "card_action", `{"type":0}`, 42045, `{"type":1,"url":"https://a"}`},
		{"card_action url", textNotice, "card_action", `{"type":1}`, 42028, `{"type":1,"url":"https://a"}`},
		{"card_action scheme", textNotice, "card_action", `{"type":1,"url":"/home"}`, 42028, `{"type":1,"url":"https://a/home"}`},
		{"card_action appid", textNotice, "card_action", `{"type":2}`, 42030, `{"type":2,"appid":"wx1","pagepath":"p"}`},
		{"card_action of buttons: url", buttonCard, "card_action", `{"type":1}`, 42028, `{"type":0}`},
		{"card_action of buttons: type", buttonCard, "card_action", `{"type":3}`, 40058, `{"type":1,"url":"https://a"}`},

		{"6 horizontal", textNotice, "horizontal_content_list", repeatJSON(7, kv), 42035, repeatJSON(6, kv)},
		{"horizontal keyname", textNotice, "horizontal_content_list", `[{"value":"v"}]`, 42027, `[{"keyname":"k"}]`},
		{"horizontal keyname, lower case", textNotice, "horizontal_content_list", `[{"keyName":"k","value":"v"}]`, 42027, `[{"keyname":"k","value":"v"}]`},
		{"horizontal url", textNotice, "horizontal_content_list", `[{"type":1,"keyname":"k"}]`, 42028, `[{"type":1,"keyname":"k","url":"https://a"}]`},
		{"horizontal media_id", textNotice, "horizontal_content_list", `[{"type":2,"keyname":"k"}]`, 42029, `[{"type":2,"keyname":"k","media_id":"m","value":"a.pdf"}]`},
		{"horizontal userid", textNotice, "horizontal_content_list", `[{"type":3,"keyname":"k"}]`, 42050, `[{"type":3,"keyname":"k","userid":"zhangsan"}]`},
		{"horizontal type", textNotice, "horizontal_content_list", `[{"type":4,"keyname":"k"}]`, 40058, `[{"type":0,"keyname":"k"}]`},
		{"4 vertical", newsNotice, "vertical_content_list", repeatJSON(5, `{"title":"t"}`), 42036, repeatJSON(4, `{"title":"t"}`)},
		{"vertical title", newsNotice, "vertical_content_list", `[{"desc":"d"}]`, 42033, `[{"title":"t","desc":"d"}]`},
		{"3 jumps", textNotice, "jump_list", repeatJSON(4, jump), 42042, repeatJSON(3, jump)},
		{"3 jumps of news", newsNotice, "jump_list", repeatJSON(4, jump), 42042, repeatJSON(3, jump)},
		{"jump title", textNotice, "jump_list", `[{"type":1,"url":"https://a"}]`, 42033, `[{"type":1,"title":"t","url":"https://a"}]`},
		{"jump url", textNotice, "jump_list", `[{"type":1,"title":"t"}]`, 42028, `[{"type":0,"title":"t"}]`},
		{"jump appid", textNotice, "jump_list", `[{"type":2,"title":"t"}]`, 42030, `[{"type":2,"title":"t","appid":"wx1"}]`},
		{"jump type", textNotice, "jump_list", `[{"type":3,"title":"t"}]`, 40058, `[{"type":1,"title":"t","url":"https://a"}]`},
		{"quote url", textNotice, "quote_area", `{"type":1}`, 42028, `{"type":1,"url":"https://a"}`},
		{"quote appid", buttonCard, "quote_area", `{"type":2}`, 42030, `{"type":2,"appid":"wx1"}`},
		{"quote type", newsNotice, "quote_area", `{"type":3}`, 40058, `{"type":0,"title":"t","quote_text":"q"}`},

		{"a picture of news", newsNotice, "card_image", drop, 42044, `{"url":"https://p"}`},
		{"card_image url", newsNotice, "card_image", `{"aspect_ratio":1.5}`, 42044, `{"url":"https://p","aspect_ratio":1.5}`},
		{"image_text_area image_url", newsNotice, "image_text_area", `{"type":0}`, 42044, `{"type":0,"image_url":"https://p"}`},
		{"image_text_area images_url", newsNotice, "image_text_area", `{"images_url":"https://p"}`, 42044, `{"image_url":"https://p"}`},
		{"image_text_area url", newsNotice, "image_text_area", `{"type":1,"image_url":"https://p"}`, 42028, `{"type":1,"url":"https://a","image_url":"https://p"}`},
		{"image_text_area appid", newsNotice, "image_text_area", `{"type":2,"image_url":"https://p"}`, 42030, `{"type":2,"appid":"wx1","image_url":"https://p"}`},

		{"1 menu item", buttonCard, "action_menu", items(0), 40058, items(1)},
		{"3 menu items", buttonCard, "action_menu", items(4), 40058, items(3)},
		{"menu text", buttonCard, "action_menu", `{"action_list":[{"key":"x"}]}`, 40058, `{"action_list":[` + item + `]}`},
		{"menu key", buttonCard, "action_menu", `{"action_list":[{"text":"a"}]}`, 40058, `{"action_list":[` + item + `]}`},
		{"menu key 1024 bytes", buttonCard, "action_menu", `{"action_list":[{"text":"a","key":"` + long(1025) + `"}]}`, 40058, `{"action_list":[{"text":"a","key":"` + long(1024) + `"}]}`},
		{"menu keys differ", buttonCard, "action_menu", `{"action_list":[` + item + `,` + item + `]}`, 42051, items(2)},
		{"menu keys are no button's", buttonCard, "action_menu", `{"action_list":[{"text":"a","key":"k"}]}`, 42051, `{"action_list":[` + item + `]}`},

		{"1 button", buttonCard, "button_list", `[]`, 40058, repeatJSON(1, open)},
		{"button_list needed", buttonCard, "button_list", drop, 40058, repeatJSON(1, open)},
		{"6 buttons", buttonCard, "button_list", repeatJSON(7, open), 40058, repeatJSON(6, open)},
		{"button text", buttonCard, "button_list", `[{"key":"k"}]`, 42038, `[{"text":"b","key":"k"}]`},
		{"button key", buttonCard, "button_list", `[{"text":"b"}]`, 42039, `[{"text":"b","key":"k"}]`},
		{"button key 1024 bytes", buttonCard, "button_list", `[{"text":"b","key":"` + long(1025) + `"}]`, 42039, `[{"text":"b","key":"` + long(1024) + `"}]`},
		{"button keys differ", buttonCard, "button_list", `[{"text":"b","key":"k"},{"text":"c","key":"k"}]`, 42039, `[{"text":"b","key":"k"},{"text":"c","key":"l"}]`},
		{"button url", buttonCard, "button_list", `[{"type":1,"text":"b"}]`, 42028, `[{"type":1,"text":"b","url":"https://a"}]`},
		{"button type; any style", buttonCard, "button_list", `[{"type":2,"text":"b","key":"k"}]`, 40058, `[{"type":0,"text":"b","key":"k","style":9}]`},

		{"selection question_key", buttonCard, "button_selection", `{"option_list":` + one + `}`, 42043, `{"question_key":"q","option_list":` + one + `}`},
		{"selection question_key 1024 bytes", buttonCard, "button_selection", `{"question_key":"` + long(1025) + `","option_list":` + one + `}`, 42043, `{"question_key":"` + long(1024) + `","option_list":` + one + `}`},
		{"selection 1 option", buttonCard, "button_selection", `{"question_key":"q","option_list":[]}`, 42037, `{"question_key":"q","option_list":` + one + `}`},
		{"selection 10 options", buttonCard, "button_selection", `{"question_key":"q","option_list":` + options(11) + `}`, 42037, `{"question_key":"q","option_list":` + options(10) + `}`},
		{"option id", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"text":"a"}]}`, 42040, `{"question_key":"q","option_list":` + one + `}`},
		{"option id 128 bytes", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"id":"` + long(129) + `","text":"a"}]}`, 42040, `{"question_key":"q","option_list":[{"id":"` + long(128) + `","text":"a"}]}`},
		{"option ids differ", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"id":"1","text":"a"},{"id":"1","text":"b"}]}`, 42040, `{"question_key":"q","option_list":[{"id":"1","text":"a"},{"id":"2","text":"a"}]}`},
		{"option text", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"id":"1"}]}`, 42041, `{"question_key":"q","selected_id":"9","option_list":` + one + `}`},

		{"checkbox needed", voteCard, "checkbox", drop, 42037, `{"question_key":"q","option_list":` + one + `}`},
		{"checkbox question_key", voteCard, "checkbox", `{"option_list":` + one + `}`, 42043, `{"question_key":"q","mode":1,"option_list":` + one + `}`},
		{"checkbox 1 option", voteCard, "checkbox", `{"question_key":"q","option_list":[]}`, 42037, `{"question_key":"q","option_list":` + options(1) + `}`},
		{"checkbox 20 options", voteCard, "checkbox", `{"question_key":"q","option_list":` + options(21) + `}`, 42037, `{"question_key":"q","option_list":` + options(20) + `}`},
		{"checkbox option id", voteCard, "checkbox", `{"question_key":"q","option_list":[{"text":"a"}]}`, 42040, `{"question_key":"q","option_list":[{"id":"1","text":"a","is_checked":true}]}`},
		{"checkbox option text", voteCard, "checkbox", `{"question_key":"q","option_list":[{"id":"1"}]}`, 42041, `{"question_key":"q","option_list":` + one + `}`},
		{"submit_button of a vote", voteCard, "submit_button", drop, 42046, `{"key":"s"}`},
		{"1 selector", selectsCard, "select_list", `[]`, 42047, selects(1)},
		{"3 selectors", selectsCard, "select_list", selects(4), 42047, selects(3)},
		{"selector question_keys differ", selectsCard, "select_list", repeatJSON(2, `{"question_key":"q","option_list":`+one+`}`), 42043, selects(2)},
		{"selector 10 options", selectsCard, "select_list", `[{"question_key":"q","option_list":` + options(11) + `}]`, 42037, `[{"question_key":"q","option_list":` + options(10) + `}]`},
		{"submit_button of a choice", selectsCard, "submit_button", drop, 42046, `{"key":"s","text":"好"}`},
		{"submit_button key", selectsCard, "submit_button", `{"text":"好"}`, 42046, `{"key":"s"}`},
		{"submit_button key 1024 bytes", voteCard, "submit_button", `{"key":"` + long(1025) + `"}`, 42046, `{"key":"` + long(1024) + `"}`},
		{"JSON types", selectsCard, "submit_button", `{"key":5}`, 40058, `{"key":"5"}`},
	}
	return rules
}

// drop takes a field away.
const drop = "-"

type cardRule struct {
	name, card, field, bad string
	code                   int
	good                   string
}

// with is the smallest card of a type with one field replaced.
func with(t *testing.T, kind, field, value string) string {
	t.Helper()
	var card map[string]json.RawMessage
	if err := json.Unmarshal([]byte(smallest[kind]), &card); err != nil {
		t.Fatal(err)
	}
	if card[field] = json.RawMessage(value); value == drop {
		delete(card, field)
	}
	body, err := json.Marshal(card)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestCard_Rules(t *testing.T) {
	t.Parallel()
	for _, rule := range cardRules() {
		t.Run(rule.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			if a := w.sendCard(with(t, rule.card, rule.field, rule.bad)); a.code() != rule.code {
				t.Errorf("broken: %v, want %d", a, rule.code)
			}
			a := w.sendCard(with(t, rule.card, rule.field, rule.good))
			if a.code() != 0 {
				t.Fatalf("kept: %v", a)
			}
			if interactive := rule.card != textNotice && rule.card != newsNotice; (a["response_code"] != nil) != interactive {
				t.Errorf("response_code: %v", a)
			}
		})
	}
	t.Run("task_id needed by a menu", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		menu := `{"desc":"d","action_list":[{"text":"a","key":"x"}]}`
		if a := w.sendCard(with(t, textNotice, "action_menu", menu)); a.code() != 42014 {
			t.Errorf("without: %v", a)
		}
		card := strings.Replace(with(t, textNotice, "action_menu", menu), "{", `{"task_id":"t",`, 1)
		if a := w.sendCard(card); a.code() != 0 || a.str("response_code") == "" {
			t.Errorf("with: %v", a)
		}
	})
	t.Run("sub_title_text for a title", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		if a := w.sendCard(`{"card_type":"text_notice","sub_title_text":"t","card_action":{"type":1,"url":"https://a"}}`); a.code() != 0 {
			t.Errorf("%v", a)
		}
	})
	t.Run("image_text_area for a picture", func(t *testing.T) {
		t.Parallel()
		w := newWorld(t, nil)
		card := strings.Replace(smallest[newsNotice], `"card_image":{"url":"https://p"}`, `"image_text_area":{"image_url":"https://p"}`, 1)
		if a := w.sendCard(card); a.code() != 0 {
			t.Errorf("%v", a)
		}
	})
}

// TestCard_Whole sends a card of each type with every field that the type has.
func TestCard_Whole(t *testing.T) {
	t.Parallel()
	const (
		head   = `"source":{"icon_url":"https://i","desc":"卡","desc_color":1},"main_title":{"title":"t","desc":"d"},"task_id":"t",`
		menu   = `"action_menu":{"desc":"d","action_list":[{"text":"a","key":"x"}]},`
		quote  = `"quote_area":{"type":1,"url":"https://a","title":"t","quote_text":"q"},`
		lists  = `"horizontal_content_list":[{"keyname":"k","value":"v"}],"jump_list":[{"type":1,"title":"t","url":"https://a"}],`
		action = `"card_action":{"type":1,"url":"https://a"}`
		option = `"option_list":[{"id":"1","text":"a"},{"id":"2","text":"b"}]`
	)
	for kind, card := range map[string]string{
		textNotice: head + menu + quote + lists + `"emphasis_content":{"title":"1","desc":"d"},"sub_title_text":"s",` + action,
		newsNotice: head + menu + quote + lists + `"image_text_area":{"type":1,"url":"https://a","title":"t","desc":"d","image_url":"https://i"},
			"card_image":{"url":"https://i","aspect_ratio":2.2},"vertical_content_list":[{"title":"t","desc":"d"}],` + action,
		buttonCard: head + menu + quote + `"horizontal_content_list":[{"keyname":"k"}],"sub_title_text":"s",
			"button_selection":{"question_key":"q","title":"t","selected_id":"2",` + option + `},"button_list":[{"text":"b","style":2,"key":"k"}],` + action,
		voteCard:    head + `"checkbox":{"question_key":"q","mode":1,` + option + `},"submit_button":{"text":"s","key":"k"}`,
		selectsCard: head + `"select_list":[{"question_key":"q","title":"t","selected_id":"1",` + option + `}],"submit_button":{"text":"s","key":"k"}`,
	} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			if a := w.sendCard(`{"card_type":"` + kind + `",` + card + `}`); a.code() != 0 || a.str("response_code") == "" {
				t.Errorf("%v", a)
			}
			if got := w.sim.Warnings(); len(got) != 0 {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestCard_Warnings(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, card, field string }{
		{"LongTitle", `{"card_type":"text_notice","main_title":{"title":"` + strings.Repeat("长", 37) + `"},"card_action":{"type":1,"url":"https://a"}}`, "main_title.title"},
		{"LongKeyName", `{"card_type":"text_notice","sub_title_text":"t","horizontal_content_list":[{"keyname":"六个字的名字","value":"v"}],"card_action":{"type":1,"url":"https://a"}}`, "horizontal_content_list[0].keyname"},
		{"ForeignField", `{"card_type":"button_interaction","task_id":"t","main_title":{"title":"t"},"button_list":[{"text":"b","key":"k"}],"jump_list":[{"title":"x"}],"emphasis_content":{"title":"1"}}`, "emphasis_content,jump_list"},
		{"DisableInSend", `{"card_type":"vote_interaction","task_id":"t","main_title":{"title":"t"},"checkbox":{"question_key":"q","disable":true,"option_list":[{"id":"1","text":"a"}]},"submit_button":{"key":"s"}}`, "disable"},
		{"ReplaceTextInSend", `{"card_type":"button_interaction","task_id":"t","main_title":{"title":"t"},"button_list":[{"text":"b","key":"k"}],"replace_text":"x"}`, "replace_text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			if a := w.sendCard(tt.card); a.code() != 0 {
				t.Fatalf("%v", a)
			}
			if got := w.sim.Warnings(); len(got) != 1 || got[0].Field != tt.field || got[0].AgentID != agent || got[0].Where != "message/send" {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestCard_TaskIDReused(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if a := w.sendCard(smallest[buttonCard]); a.code() != 0 {
		t.Fatalf("%v", a)
	}
	if a := w.sendCard(smallest[buttonCard]); a.code() != 42014 {
		t.Errorf("the second time: %v", a)
	}
	w = newWorld(t, func(c *Config) { c.Strict.AllowReusedTaskID = true })
	w.sendCard(smallest[buttonCard])
	if a := w.sendCard(smallest[buttonCard]); a.code() != 0 {
		t.Errorf("allowed: %v", a)
	}
}
