package wecom

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/cache"
	"github.com/silenceper/wechat/v2/util"
	"github.com/silenceper/wechat/v2/work"
	"github.com/silenceper/wechat/v2/work/addresslist"
	"github.com/silenceper/wechat/v2/work/config"
	"github.com/silenceper/wechat/v2/work/message"
	"github.com/silenceper/wechat/v2/work/oauth"
)

// TestForeignClient drives the simulator with an SDK that knows nothing of it. The SDK's address is a global of its
// own, so this is the one test that sets it.
func TestForeignClient(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Strict.AllowStringAgentID = true })
	util.SetURIModifier(func(uri string) string {
		return strings.Replace(uri, "https://qyapi.weixin.qq.com", w.url, 1)
	})
	t.Cleanup(func() { util.SetURIModifier(nil) })
	sdk := work.NewWork(&config.Config{
		CorpID: sampleCorp, CorpSecret: "secret-card", AgentID: fmt.Sprint(agent), Cache: cache.NewMemory(),
	})

	t.Run("SendText", func(t *testing.T) {
		sent, err := sdk.GetMessage().SendText(message.SendTextRequest{
			SendRequestCommon: &message.SendRequestCommon{ToUser: "zhangsan|Nobody", AgentID: fmt.Sprint(agent)},
			Text:              message.TextField{Content: "余额 <b>"},
		})
		if err != nil || sent.InvalidUser != "nobody" || sent.MsgID == "" || w.last("zhangsan").Text != "余额 <b>" {
			t.Errorf("%+v, %v", sent, err)
		}
		if warnings := w.sim.Warnings(); len(warnings) != 1 {
			t.Errorf("the SDK escapes < and > there: %+v", warnings)
		}
	})
	t.Run("SendCard", func(t *testing.T) {
		type card struct {
			ToUser       string         `json:"touser"`
			MsgType      string         `json:"msgtype"`
			AgentID      int            `json:"agentid"`
			TemplateCard map[string]any `json:"template_card"`
		}
		request := card{"zhangsan", "template_card", agent, map[string]any{
			"card_type": "button_interaction", "task_id": "t1", "main_title": map[string]string{"title": "t"},
			"button_list": []map[string]string{{"text": "a", "key": "k"}},
		}}
		sent, err := sdk.GetMessage().Send("template_card", request)
		if err != nil || sent.ResponseCode == "" {
			t.Errorf("%+v, %v", sent, err)
		}
		request.TemplateCard["button_list"] = []string{}
		_, err = sdk.GetMessage().Send("template_card", request)
		var refused *util.CommonError
		if !errors.As(err, &refused) || refused.ErrCode != 40058 {
			t.Errorf("%v", err)
		}
	})
	t.Run("SendEachKind", func(t *testing.T) {
		for kind, card := range smallest {
			request := map[string]any{"touser": "lisi", "msgtype": "template_card", "agentid": agent, "template_card": json.RawMessage(strings.Replace(card, `"task_id":"t`, `"task_id":"`+kind, 1))}
			sent, err := sdk.GetMessage().Send("template_card", request)
			if interactive := kind != textNotice && kind != newsNotice; err != nil || (sent.ResponseCode != "") != interactive {
				t.Errorf("%s: %+v, %v", kind, sent, err)
			}
		}
	})
	// The SDK knows neither menus nor updates; its token and its poster do.
	post := func(t *testing.T, path string, body any) int64 {
		t.Helper()
		token, err := sdk.GetContext().GetAccessToken()
		if err != nil {
			t.Fatal(err)
		}
		answer, err := util.PostJSON("https://qyapi.weixin.qq.com/cgi-bin/"+path+"access_token="+token, body)
		if err != nil {
			t.Fatal(err)
		}
		var refused *util.CommonError
		if err := util.DecodeWithCommonError(answer, path); errors.As(err, &refused) {
			return refused.ErrCode
		} else if err != nil {
			t.Fatal(err)
		}
		return 0
	}
	t.Run("Update", func(t *testing.T) {
		request := map[string]any{"touser": "zhangsan", "msgtype": "template_card", "agentid": agent, "template_card": json.RawMessage(pressable)}
		sent, err := sdk.GetMessage().Send("template_card", request)
		if err != nil {
			t.Fatal(err)
		}
		update := map[string]any{"userids": []string{"zhangsan"}, "agentid": agent, "response_code": sent.ResponseCode, "button": map[string]string{"replace_name": "已处理"}}
		if code := post(t, "message/update_template_card?", update); code != 0 || !w.last("zhangsan").State.Disabled {
			t.Errorf("%d, %+v", code, w.last("zhangsan").State)
		}
		if code := post(t, "message/update_template_card?", update); code != 40058 {
			t.Errorf("the response_code again: %d", code)
		}
	})
	t.Run("Menu", func(t *testing.T) {
		button := func(name string) map[string]string {
			return map[string]string{"type": "click", "name": name, "key": "k"}
		}
		path := fmt.Sprintf("menu/create?agentid=%d&", agent)
		if code := post(t, path, map[string]any{"button": []any{button("余额")}}); code != 0 {
			t.Errorf("%d", code)
		}
		if code := post(t, path, map[string]any{"button": []any{button("六个汉字的名")}}); code != 40018 {
			t.Errorf("a long name: %d", code)
		}
	})
	t.Run("UserDetail", func(t *testing.T) {
		q := oauthLink("zhangsan")
		q.Set("scope", "snsapi_privateinfo")
		info, err := sdk.GetOauth().GetUserInfo(w.oauthCode(q))
		if err != nil {
			t.Fatal(err)
		}
		detail, err := sdk.GetOauth().GetUserDetail(&oauth.GetUserDetailRequest{UserTicket: info.UserTicket})
		if err != nil || detail.Mobile != "13800000000" {
			t.Errorf("%+v, %v", detail, err)
		}
	})
	t.Run("Lookups", func(t *testing.T) {
		byMobile, err := sdk.GetAddressList().GetUserid(&addresslist.GetUseridRequest{Mobile: "13800000000"})
		if err != nil || byMobile.Userid != "zhangsan" {
			t.Errorf("%+v, %v", byMobile, err)
		}
		byEmail, err := sdk.GetAddressList().GetUseridByEmail(&addresslist.GetUseridByEmailRequest{Email: "zhang@example.edu.cn", EmailType: 2})
		if err != nil || byEmail.Userid != "zhangsan" {
			t.Errorf("%+v, %v", byEmail, err)
		}
		member, err := sdk.GetAddressList().UserGet("zhangsan")
		if err != nil || member.Name != "张三" {
			t.Errorf("%+v, %v", member, err)
		}
	})
	t.Run("GetUserInfo", func(t *testing.T) {
		info, err := sdk.GetOauth().GetUserInfo(w.oauthCode(oauthLink("zhangsan")))
		if err != nil || info.UserID != "zhangsan" {
			t.Errorf("%+v, %v", info, err)
		}
	})
	t.Run("ConvertToOpenID", func(t *testing.T) {
		openID, err := sdk.GetAddressList().ConvertToOpenID("zhangsan")
		if err != nil || openID != "oZhang" {
			t.Errorf("%q, %v", openID, err)
		}
		_, err = sdk.GetAddressList().ConvertToOpenID("lisi")
		var refused *util.CommonError
		if !errors.As(err, &refused) || refused.ErrCode != 43004 {
			t.Errorf("%v", err)
		}
	})
	t.Run("JSConfig", func(t *testing.T) {
		page := "https://card.example.edu.cn/h5/topup?x=1"
		conf, err := sdk.JsSdk().GetConfig(page)
		if err != nil || w.sim.CheckSignature(0, page, conf.NonceStr, fmt.Sprint(conf.Timestamp), conf.Signature) != 0 {
			t.Errorf("%+v, %v", conf, err)
		}
		conf, err = sdk.JsSdk().GetAgentConfig(page)
		if err != nil || w.sim.CheckSignature(agent, page, conf.NonceStr, fmt.Sprint(conf.Timestamp), conf.Signature) != 0 {
			t.Errorf("%+v, %v", conf, err)
		}
	})
	t.Run("Callback", func(t *testing.T) {
		app := httptest.NewServer(http.HandlerFunc(echoBySDK(t)))
		defer app.Close()
		a := w.sim.Apps()[0]
		a.Callback = app.URL
		if err := w.sim.SetApp(a); err != nil {
			t.Fatal(err)
		}
		d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "你好")
		if err != nil || d.Attempts[0].Problem != "" || w.last("zhangsan").Text != "你说：你好" {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

// echoBySDK answers a callback with the SDK's own crypto.
func echoBySDK(t *testing.T) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		body, _ := io.ReadAll(r.Body)
		var envelope struct{ Encrypt string }
		if err := xml.Unmarshal(body, &envelope); err != nil {
			t.Error(err)
		}
		parts := []string{sampleToken, q.Get("timestamp"), q.Get("nonce"), envelope.Encrypt}
		if util.Signature(slices.Clone(parts)...) != q.Get("msg_signature") {
			t.Error("the SDK computes another signature")
		}
		_, plain, err := util.DecryptMsg(sampleCorp, envelope.Encrypt, sampleAESKey)
		if err != nil {
			t.Error(err)
		}
		var msg struct{ Content string }
		if err := xml.Unmarshal(plain, &msg); err != nil {
			t.Error(err)
		}
		reply, err := util.EncryptMsg([]byte("0123456789abcdef"), []byte(passive("text", "<Content>你说："+msg.Content+"</Content>")), sampleCorp, sampleAESKey)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(rw, "<xml><Encrypt>%s</Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>7</TimeStamp><Nonce>n</Nonce></xml>",
			reply, util.Signature(sampleToken, "7", "n", string(reply)))
	}
}
