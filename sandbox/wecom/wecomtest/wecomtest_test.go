package wecomtest_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/util"

	"xiaoka/sandbox/wecom"
	"xiaoka/sandbox/wecom/wecomtest"
)

// TestStart is the page's promise: a bot that is not ours, written with another SDK's crypto, is tested in a few lines.
func TestStart(t *testing.T) {
	t.Parallel()
	corp := wecomtest.Start(t)
	bot := httptest.NewServer(parrot(t, corp))
	defer bot.Close()
	corp.Connect(bot.URL + "/callback")

	if heard := corp.Say(wecomtest.Zhang, "你好"); len(heard) != 1 || heard[0].Text != "你好" || !heard[0].Passive {
		t.Errorf("heard %+v", heard)
	}
	corp.Say(wecomtest.Li, "card")
	m := corp.Wait(wecomtest.Li, func(m wecom.Message) bool { return m.Kind == wecom.KindTemplateCard })
	if heard := corp.Press(wecomtest.Li, m.ID, "yes"); len(heard) != 1 || heard[0].Text != "pressed yes" {
		t.Errorf("heard %+v", heard)
	}
}

// parrot repeats a text in its passive answer, and sends a card by the API when asked for one.
func parrot(t *testing.T, corp *wecomtest.Corp) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		sealed := q.Get("echostr")
		if r.Method == http.MethodPost {
			var envelope struct{ Encrypt string }
			if err := xml.NewDecoder(r.Body).Decode(&envelope); err != nil {
				t.Error(err)
			}
			sealed = envelope.Encrypt
		}
		if util.Signature(corp.Token, q.Get("timestamp"), q.Get("nonce"), sealed) != q.Get("msg_signature") {
			t.Error("signature")
		}
		_, plain, err := util.DecryptMsg(corp.CorpID, sealed, corp.EncodingAESKey)
		if err != nil {
			t.Error(err)
		}
		if r.Method == http.MethodGet {
			_, _ = w.Write(plain)
			return
		}
		var msg struct{ FromUserName, Content, EventKey string }
		if err := xml.Unmarshal(plain, &msg); err != nil {
			t.Error(err)
		}
		if msg.EventKey != "" {
			msg.Content = "pressed " + msg.EventKey
		}
		if msg.Content == "card" {
			sendCard(t, corp, msg.FromUserName)
			return
		}
		answer := fmt.Sprintf("<xml><ToUserName>%s</ToUserName><FromUserName>%s</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType><Content>%s</Content></xml>",
			msg.FromUserName, corp.CorpID, msg.Content)
		reply, err := util.EncryptMsg([]byte("0123456789abcdef"), []byte(answer), corp.CorpID, corp.EncodingAESKey)
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(w, "<xml><Encrypt>%s</Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>7</TimeStamp><Nonce>n</Nonce></xml>",
			reply, util.Signature(corp.Token, "7", "n", string(reply)))
	}
}

func sendCard(t *testing.T, corp *wecomtest.Corp, to string) {
	var token struct {
		AccessToken string `json:"access_token"`
	}
	call(t, http.MethodGet, corp.URL+"/cgi-bin/gettoken?corpid="+corp.CorpID+"&corpsecret="+corp.Secret, "", &token)
	var sent struct {
		ErrCode int `json:"errcode"`
	}
	body := fmt.Sprintf(`{"touser":%q,"msgtype":"template_card","agentid":%d,"template_card":{"card_type":"button_interaction","task_id":"t1",
		"main_title":{"title":"Sure?"},"button_list":[{"text":"Yes","key":"yes"}]}}`, to, corp.AgentID)
	call(t, http.MethodPost, corp.URL+"/cgi-bin/message/send?access_token="+token.AccessToken, body, &sent)
	if sent.ErrCode != 0 {
		t.Errorf("message/send: %d", sent.ErrCode)
	}
}

func call(t *testing.T, method, address, body string, into any) {
	r, err := http.NewRequest(method, address, strings.NewReader(body))
	if err != nil {
		t.Error(err)
		return
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || json.NewDecoder(bytes.NewReader(raw)).Decode(into) != nil {
		t.Errorf("%s %v", raw, err)
	}
}
