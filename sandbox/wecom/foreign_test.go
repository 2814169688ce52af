package wecom

import (
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
	"github.com/silenceper/wechat/v2/work/config"
	"github.com/silenceper/wechat/v2/work/message"
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
