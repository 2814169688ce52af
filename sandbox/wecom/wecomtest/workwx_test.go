package wecomtest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/xen0n/go-workwx"

	"xiaoka/sandbox/wecom"
	"xiaoka/sandbox/wecom/wecomtest"
)

// TestWorkwx runs a whole bot written with an SDK of other people: its callback handler, its token, its messages and
// its directory calls.
func TestWorkwx(t *testing.T) {
	t.Parallel()
	corp := wecomtest.Start(t)
	app := workwx.New(corp.CorpID, workwx.WithQYAPIHost(corp.URL)).WithApp(corp.Secret, int64(corp.AgentID))
	handler, err := workwx.NewHTTPHandler(corp.Token, corp.EncodingAESKey, echo{app, t})
	if err != nil {
		t.Fatal(err)
	}
	bot := httptest.NewServer(handler)
	defer bot.Close()
	corp.Connect(bot.URL + "/")

	if heard := corp.Say(wecomtest.Zhang, "你好 <b>&"); len(heard) != 1 || heard[0].Text != "你说：你好 <b>&" {
		t.Errorf("heard %+v", heard)
	}
	openID, err := app.ConvertUserIDToOpenID(wecomtest.Zhang)
	if err != nil || openID != "oZhang" {
		t.Errorf("openid %q, %v", openID, err)
	}
	info, err := app.GetUser(wecomtest.Li)
	if err != nil || info.Name != "李四" {
		t.Errorf("user/get: %+v, %v", info, err)
	}
	if _, err := app.GetUser("nobody"); err == nil || !strings.Contains(err.Error(), "60111") {
		t.Errorf("an unknown member: %v", err)
	}
	if err := app.SendTextCardMessage(&workwx.Recipient{UserIDs: []string{wecomtest.Li}}, "标题", "内容", "https://example.edu.cn", "", false); err != nil {
		t.Error(err)
	}
	if m := corp.Wait(wecomtest.Li, func(m wecom.Message) bool { return m.Kind == wecom.KindTextCard }); m.TextCard.Title != "标题" {
		t.Errorf("%+v", m.TextCard)
	}
}

// TestWorkwx_Cards sends all five kinds of template card with that SDK, which marshals each optional field in its own way,
// and presses the ones that can be pressed.
func TestWorkwx_Cards(t *testing.T) {
	t.Parallel()
	corp := wecomtest.Start(t)
	app := workwx.New(corp.CorpID, workwx.WithQYAPIHost(corp.URL)).WithApp(corp.Secret, int64(corp.AgentID))
	heard := &events{}
	handler, err := workwx.NewHTTPHandler(corp.Token, corp.EncodingAESKey, heard)
	if err != nil {
		t.Fatal(err)
	}
	bot := httptest.NewServer(handler)
	defer bot.Close()
	corp.Connect(bot.URL + "/")

	title, open := &workwx.MainTitle{Title: "标题"}, &workwx.CardAction{Type: 1, URL: "https://example.edu.cn"}
	selection := &workwx.ButtonSelection{QuestionKey: "q", Title: "原因"}
	selection.OptionList = append(selection.OptionList, struct {
		ID   string `json:"id"`
		Text string `json:"text"`
	}{"1", "丢失"})
	box := &workwx.CheckBox{QuestionKey: "q", Mode: 1}
	box.OptionList = append(box.OptionList, struct {
		ID        string `json:"id"`
		Text      string `json:"text"`
		IsChecked bool   `json:"is_checked"`
	}{"1", "米饭", true})
	submit := &workwx.SubmitButton{Text: "提交", Key: "k"}
	for _, tt := range []struct {
		card  workwx.TemplateCard
		press string
		want  int // errcode
	}{
		{workwx.TemplateCard{CardType: workwx.CardTypeTextNotice, MainTitle: title, CardAction: open}, "", 0},
		{workwx.TemplateCard{CardType: workwx.CardTypeTextNotice, MainTitle: title}, "", 42045},
		{workwx.TemplateCard{CardType: workwx.CardTypeNewsNotice, MainTitle: title, CardAction: open, CardImage: &workwx.CardImage{URL: "https://example.edu.cn/a.png", AspectRatio: 1.5}}, "", 0},
		{workwx.TemplateCard{CardType: workwx.CardTypeNewsNotice, MainTitle: title, CardAction: open}, "", 42044},
		{workwx.TemplateCard{CardType: workwx.CardTypeButtonInteraction, MainTitle: title, TaskID: "b", ButtonSelection: selection, ButtonList: []workwx.Button{{Text: "好", Key: "k"}}}, "k", 0},
		{workwx.TemplateCard{CardType: workwx.CardTypeButtonInteraction, MainTitle: title, TaskID: "b", ButtonList: []workwx.Button{{Text: "好", Key: "k"}}}, "", 42014},
		{workwx.TemplateCard{CardType: workwx.CardTypeVoteInteraction, MainTitle: title, TaskID: "v", CheckBox: box, SubmitButton: submit}, "k", 0},
		{workwx.TemplateCard{CardType: workwx.CardTypeVoteInteraction, MainTitle: title, TaskID: "v2", CheckBox: box}, "", 42046},
		{workwx.TemplateCard{CardType: workwx.CardTypeMultipleInteraction, MainTitle: title, TaskID: "m", SelectList: []workwx.SelectList{{QuestionKey: "q", OptionList: []workwx.OptionList{{ID: "1", Text: "a"}}}}, SubmitButton: submit}, "k", 0},
		{workwx.TemplateCard{CardType: workwx.CardTypeMultipleInteraction, MainTitle: title, TaskID: "m2", SubmitButton: submit}, "", 42047},
	} {
		err := app.SendTemplateCardMessage(&workwx.Recipient{UserIDs: []string{wecomtest.Zhang}}, tt.card, false)
		if tt.want != 0 {
			if err == nil || !strings.Contains(err.Error(), fmt.Sprint(tt.want)) {
				t.Errorf("%s: %v, want %d", tt.card.CardType, err, tt.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tt.card.CardType, err)
			continue
		}
		m := corp.Wait(wecomtest.Zhang, func(m wecom.Message) bool { return m.Card != nil && m.Card.CardType == string(tt.card.CardType) })
		if m.Card.MainTitle.Title != "标题" {
			t.Errorf("%+v", m.Card)
		}
		if tt.press != "" {
			corp.Press(wecomtest.Zhang, m.ID, tt.press)
		}
	}
	if heard.n.Load() != 3 {
		t.Errorf("the SDK heard %d presses, want 3", heard.n.Load())
	}
}

// events counts what it hears.
type events struct{ n atomic.Int32 }

func (e *events) OnIncomingMessage(m *workwx.RxMessage) error {
	if m.MsgType == workwx.MessageTypeEvent {
		e.n.Add(1)
	}
	return nil
}

// TestWorkwx_OAuth goes through the rest of what that SDK can do here: OAuth, lookups, tickets, other kinds of message.
func TestWorkwx_OAuth(t *testing.T) {
	t.Parallel()
	corp := wecomtest.Start(t)
	app := corp.Apps()[0]
	app.TrustedDomain = "card.example.edu.cn"
	if err := corp.SetApp(app); err != nil {
		t.Fatal(err)
	}
	if err := corp.SetMember(wecom.Member{UserID: wecomtest.Zhang, Name: "张三", OpenID: "oZhang", Mobile: "13800000000", Email: "zhang@example.edu.cn"}); err != nil {
		t.Fatal(err)
	}
	sdk := workwx.New(corp.CorpID, workwx.WithQYAPIHost(corp.URL)).WithApp(corp.Secret, int64(corp.AgentID))
	code := func() string {
		client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		q := url.Values{"appid": {corp.CorpID}, "redirect_uri": {"https://card.example.edu.cn/h5"}, "response_type": {"code"}, "scope": {"snsapi_privateinfo"},
			"state": {"s"}, "agentid": {fmt.Sprint(corp.AgentID)}, "member": {wecomtest.Zhang}}
		res, err := client.Get(corp.URL + "/connect/oauth2/authorize?" + q.Encode())
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		back, err := res.Location()
		if err != nil {
			t.Fatal(err)
		}
		return back.Query().Get("code")
	}
	once := code()
	if info, err := sdk.AuthCode2UserInfo(once); err != nil || info.UserID != wecomtest.Zhang || info.UserTicket == "" {
		t.Errorf("%+v, %v", info, err)
	}
	if _, err := sdk.AuthCode2UserInfo(once); err == nil || !strings.Contains(err.Error(), "42022") {
		t.Errorf("a code twice: %v", err)
	}
	if info, err := sdk.GetUserInfoByCode(code()); err != nil || info.UserID != wecomtest.Zhang {
		t.Errorf("%+v, %v", info, err)
	}
	for name, lookup := range map[string]func() (string, error){
		"ByMobile": func() (string, error) { return sdk.GetUserIDByMobile("13800000000") },
		"ByEmail": func() (string, error) {
			return sdk.GetUserIDByEmail("zhang@example.edu.cn", workwx.EmailTypePersonal)
		},
		"ByOpenID": func() (string, error) { return sdk.ConvertOpenIDToUserID("oZhang") },
	} {
		if got, err := lookup(); err != nil || got != wecomtest.Zhang {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	corpTicket, err := sdk.GetJSAPITicket()
	if err != nil || corpTicket == "" {
		t.Errorf("%q, %v", corpTicket, err)
	}
	appTicket, err := sdk.GetJSAPITicketAgentConfig()
	if err != nil || appTicket == "" || appTicket == corpTicket {
		t.Errorf("%q, %v", appTicket, err)
	}
	to := &workwx.Recipient{UserIDs: []string{wecomtest.Zhang}}
	for _, err := range []error{
		sdk.SendMarkdownMessage(to, "**a**", false),
		sdk.SendNewsMessage(to, []workwx.Article{{Title: "t", URL: "https://a"}}, false),
		sdk.SendMPNewsMessage(to, []workwx.MPArticle{{Title: "t", ThumbMediaID: "m", Content: "c"}}, false),
		sdk.SendFileMessage(to, "m", false),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if n := len(corp.Conversation(wecomtest.Zhang, corp.AgentID)); n != 4 {
		t.Errorf("%d messages arrived", n)
	}
}

// echo repeats what it hears by message/send.
type echo struct {
	app *workwx.WorkwxApp
	t   *testing.T
}

func (e echo) OnIncomingMessage(m *workwx.RxMessage) error {
	text, ok := m.Text()
	if !ok {
		return fmt.Errorf("%s is no text", m.MsgType)
	}
	return e.app.SendTextMessage(&workwx.Recipient{UserIDs: []string{m.FromUserID}}, "你说："+text.GetContent(), false)
}
