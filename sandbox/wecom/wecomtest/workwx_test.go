package wecomtest_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
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
