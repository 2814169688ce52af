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

func TestCard_Checks(t *testing.T) {
	t.Parallel()
	const (
		drop = "-" // takes a field away
		kv   = `{"keyname":"k","value":"v"}`
		menu = `{"desc":"d","action_list":[{"text":"a","key":"x"}]}`
	)
	options := func(n int) string {
		var list []string
		for i := range n {
			list = append(list, `{"id":"`+strings.Repeat("i", i+1)+`","text":"a"}`)
		}
		return "[" + strings.Join(list, ",") + "]"
	}
	for _, tt := range []struct {
		name, card, field, value string
		code                     int
	}{
		{"TextNotice", textNotice, "", "", 0},
		{"NewsNotice", newsNotice, "", "", 0},
		{"Button", buttonCard, "", "", 0},
		{"Vote", voteCard, "", "", 0},
		{"Multiple", selectsCard, "", "", 0},

		{"CardType", textNotice, "card_type", `"poster"`, 42031},
		{"TaskMissing", buttonCard, "task_id", drop, 42014},
		{"TaskMissingWithMenu", textNotice, "action_menu", menu, 42014},
		{"TaskAlphabet", buttonCard, "task_id", `"a.b"`, 42014},
		{"TaskLong", buttonCard, "task_id", `"` + strings.Repeat("a", 129) + `"`, 42014},
		{"Task128", buttonCard, "task_id", `"` + strings.Repeat("a", 128) + `"`, 0},
		{"NoTitle", textNotice, "main_title", drop, 42033},
		{"NewsNoTitle", newsNotice, "main_title", `{"desc":"d"}`, 42033},
		{"NoAction", textNotice, "card_action", drop, 42045},
		{"ActionZero", textNotice, "card_action", `{"type":0}`, 42045},
		{"ActionURL", textNotice, "card_action", `{"type":1}`, 42028},
		{"ActionScheme", textNotice, "card_action", `{"type":1,"url":"/home"}`, 42028},
		{"ActionApp", textNotice, "card_action", `{"type":2}`, 42030},
		{"ButtonActionZero", buttonCard, "card_action", `{"type":0}`, 0},
		{"ButtonActionURL", buttonCard, "card_action", `{"type":1}`, 42028},
		{"Horizontal6", textNotice, "horizontal_content_list", repeatJSON(6, kv), 0},
		{"Horizontal7", textNotice, "horizontal_content_list", repeatJSON(7, kv), 42035},
		{"HorizontalKey", textNotice, "horizontal_content_list", `[{"value":"v"}]`, 42027},
		{"HorizontalKeyCapital", textNotice, "horizontal_content_list", `[{"keyName":"k","value":"v"}]`, 42027},
		{"HorizontalURL", textNotice, "horizontal_content_list", `[{"type":1,"keyname":"k"}]`, 42028},
		{"HorizontalMedia", textNotice, "horizontal_content_list", `[{"type":2,"keyname":"k"}]`, 42029},
		{"HorizontalUser", textNotice, "horizontal_content_list", `[{"type":3,"keyname":"k"}]`, 42050},
		{"HorizontalType", textNotice, "horizontal_content_list", `[{"type":4,"keyname":"k"}]`, 40058},
		{"Vertical5", newsNotice, "vertical_content_list", repeatJSON(5, `{"title":"t"}`), 42036},
		{"VerticalTitle", newsNotice, "vertical_content_list", `[{"desc":"d"}]`, 42033},
		{"Jump3", textNotice, "jump_list", repeatJSON(3, `{"type":1,"title":"t","url":"https://a"}`), 0},
		{"Jump4", textNotice, "jump_list", repeatJSON(4, `{"type":0,"title":"t"}`), 42042},
		{"JumpTitle", textNotice, "jump_list", `[{"type":1,"url":"https://a"}]`, 42033},
		{"JumpURL", textNotice, "jump_list", `[{"type":1,"title":"t"}]`, 42028},
		{"JumpApp", textNotice, "jump_list", `[{"type":2,"title":"t"}]`, 42030},
		{"QuoteURL", textNotice, "quote_area", `{"type":1}`, 42028},
		{"QuoteApp", textNotice, "quote_area", `{"type":2}`, 42030},
		{"NoPicture", newsNotice, "card_image", drop, 42044},
		{"PictureURL", newsNotice, "card_image", `{"aspect_ratio":1.5}`, 42044},
		{"ImageTextURL", newsNotice, "image_text_area", `{"type":0}`, 42044},
		{"Menu0", buttonCard, "action_menu", `{"action_list":[]}`, 40058},
		{"Menu4", buttonCard, "action_menu", `{"action_list":[{"text":"a","key":"1"},{"text":"a","key":"2"},{"text":"a","key":"3"},{"text":"a","key":"4"}]}`, 40058},
		{"MenuSameKey", buttonCard, "action_menu", `{"action_list":[{"text":"a","key":"1"},{"text":"a","key":"1"}]}`, 42051},
		{"MenuKeyOfButton", buttonCard, "action_menu", `{"action_list":[{"text":"a","key":"k"}]}`, 42051},
		{"Menu", buttonCard, "action_menu", menu, 0},
		{"Buttons0", buttonCard, "button_list", `[]`, 40058},
		{"Buttons7", buttonCard, "button_list", repeatJSON(7, `{"type":1,"text":"b","url":"https://a"}`), 40058},
		{"Buttons6", buttonCard, "button_list", repeatJSON(6, `{"type":1,"text":"b","url":"https://a"}`), 0},
		{"ButtonText", buttonCard, "button_list", `[{"key":"k"}]`, 42038},
		{"ButtonKey", buttonCard, "button_list", `[{"text":"b"}]`, 42039},
		{"ButtonKeyLong", buttonCard, "button_list", `[{"text":"b","key":"` + strings.Repeat("k", 1025) + `"}]`, 42039},
		{"ButtonKeyTwice", buttonCard, "button_list", `[{"text":"b","key":"k"},{"text":"c","key":"k"}]`, 42039},
		{"ButtonURL", buttonCard, "button_list", `[{"type":1,"text":"b"}]`, 42028},
		{"ButtonStyle", buttonCard, "button_list", `[{"text":"b","key":"k","style":9}]`, 0},
		{"SelectionKey", buttonCard, "button_selection", `{"option_list":[{"id":"1","text":"a"}]}`, 42043},
		{"SelectionEmpty", buttonCard, "button_selection", `{"question_key":"q","option_list":[]}`, 42037},
		{"Selection11", buttonCard, "button_selection", `{"question_key":"q","option_list":` + options(11) + `}`, 42037},
		{"OptionID", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"text":"a"}]}`, 42040},
		{"OptionIDTwice", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"id":"1","text":"a"},{"id":"1","text":"b"}]}`, 42040},
		{"OptionText", buttonCard, "button_selection", `{"question_key":"q","option_list":[{"id":"1"}]}`, 42041},
		{"NoCheckbox", voteCard, "checkbox", drop, 42037},
		{"Checkbox20", voteCard, "checkbox", `{"question_key":"q","option_list":` + options(20) + `}`, 0},
		{"Checkbox21", voteCard, "checkbox", `{"question_key":"q","option_list":` + options(21) + `}`, 42037},
		{"NoSubmit", voteCard, "submit_button", drop, 42046},
		{"Selects0", selectsCard, "select_list", `[]`, 42047},
		{"Selects4", selectsCard, "select_list", repeatJSON(4, `{"question_key":"q","option_list":[{"id":"1","text":"a"}]}`), 42047},
		{"SelectsSameKey", selectsCard, "select_list", repeatJSON(2, `{"question_key":"q","option_list":[{"id":"1","text":"a"}]}`), 42043},
		{"SubmitKey", selectsCard, "submit_button", `{"text":"好"}`, 42046},
		{"TypeOfField", selectsCard, "submit_button", `{"key":5}`, 40058},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var card map[string]json.RawMessage
			if err := json.Unmarshal([]byte(smallest[tt.card]), &card); err != nil {
				t.Fatal(err)
			}
			switch tt.value {
			case "":
			case drop:
				delete(card, tt.field)
			default:
				card[tt.field] = json.RawMessage(tt.value)
			}
			body, err := json.Marshal(card)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorld(t, nil)
			a := w.sendCard(string(body))
			if a.code() != tt.code {
				t.Fatalf("%v, want %d", a, tt.code)
			}
			if interactive := tt.card != textNotice && tt.card != newsNotice; a.code() == 0 && (a["response_code"] != nil) != interactive {
				t.Errorf("response_code: %v", a)
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
