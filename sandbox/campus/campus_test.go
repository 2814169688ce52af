package campus

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

// keys are made once: it takes half a second.
var keys = sync.OnceValues(wechatpay.NewKeys)

func open(t *testing.T, dir, publicURL string) *Campus {
	t.Helper()
	k, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{Dir: dir, PublicURL: publicURL, People: 12, WritePause: time.Millisecond, WeChatKeys: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, "http://127.0.0.1:8080")
	path, err := c.WriteSettings("127.0.0.1:9001", "", "")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	state := c.State()
	want := map[string]string{
		"listen": "127.0.0.1:9001", "public_url": "http://127.0.0.1:8080", "wecom.oauth_url": "http://127.0.0.1:8080",
		"wecom.corp_id": state.CorpID, "wecom.api_url": c.settings.WeComURL, "wecom.assistant.agent_id": "1000001",
		"wecom.card.agent_id": "1000002", "wechatpay.api_url": c.settings.PayURL, "wechatpay.app_id": state.CorpID,
		"wechatpay.mch_id": c.Pay.MchID(), "smtp.from": "校园卡 <card@xiaoka.example>", "push.quiet_hours": "",
		"sms.endpoint": c.settings.SMSURL, "sms.secret_id": smsSecretID, "sms.app_id": smsAppID, "sms.template_id": smsTemplate,
	}
	secrets := map[string]string{
		"secret_key_file": state.SecretKey, "database_url_file": "sqlite:" + filepath.Join(dir, "xiaoka.db"),
		"wecom.assistant.secret_file": state.Agents[0].Secret, "wecom.card.token_file": state.Agents[1].Token,
		"wecom.card.aes_key_file": state.Agents[1].EncodingAESKey, "wechatpay.api_v3_key_file": state.APIv3Key,
		"wechatpay.private_key_file": string(c.Pay.MerchantPrivateKeyPEM()),
		"sms.secret_key_file":        c.settings.SMSKey,
		"smtp.url_file":              "smtp://xiaoka:" + state.MailPass + "@" + c.Mail.Addr() + "?tls=off",
	}
	for key, value := range want {
		if got := at(got, key); got != value {
			t.Errorf("%s is %q, not %q", key, got, value)
		}
	}
	for key, value := range secrets {
		file := at(got, key)
		content, err := os.ReadFile(file)
		if err != nil || string(content) != value {
			t.Errorf("%s names a file with other content, or none: %v", key, err)
		}
		if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others", key)
		}
		if strings.Contains(string(raw), value) {
			t.Errorf("%s: the secret is in the configuration itself", key)
		}
	}
}

func at(tree map[string]any, key string) string {
	path := strings.Split(key, ".")
	for _, section := range path[:len(path)-1] {
		tree, _ = tree[section].(map[string]any)
	}
	s, _ := tree[path[len(path)-1]].(string)
	return s
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("Continued", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		first := open(t, dir, "http://127.0.0.1:8080")
		if err := first.SetImported(); err != nil {
			t.Fatal(err)
		}
		if err := first.SetTerminalSecret("K01", "AAAA"); err != nil {
			t.Fatal(err)
		}
		chip := first.Chip(first.People()[0])
		if err := chip.PutIn(); err != nil {
			t.Fatal(err)
		}
		if _, err := chip.Spend(250); err != nil {
			t.Fatal(err)
		}
		first.saveCards()
		first.Achieve(first.People()[0], Journey{true, true})
		first.Close()

		again := open(t, dir, "http://127.0.0.1:9090")
		was, is := first.State(), again.State()
		if was.CorpID != is.CorpID || was.SecretKey != is.SecretKey || was.Agents[0].Secret != is.Agents[0].Secret || !is.Imported {
			t.Error("another campus came back")
		}
		if is.Agents[1].Callback != "http://127.0.0.1:9090/wecom/card" {
			t.Errorf("callback %s", is.Agents[1].Callback)
		}
		if _, ok := again.Machine("K01"); !ok {
			t.Error("the machine is gone")
		}
		if got := again.Achieve(again.People()[0], Journey{false, false, true}); got != (Journey{true, true, true}) {
			t.Errorf("steps done: %v", got)
		}
		if got := again.Chip(again.People()[0]).Peek(); got != (terminal.ChipState{SpendSeq: 1, BalanceFen: 1000}) {
			t.Errorf("the chip holds %+v", got)
		}
	})
	t.Run("ForeignFile", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: dir, PublicURL: "http://127.0.0.1:1"}); err == nil {
			t.Error("opened over a file that is no campus")
		}
	})
}

func TestHub(t *testing.T) {
	t.Parallel()
	var h Hub
	mine, other := h.Subscribe("a"), h.Subscribe("b")
	h.Publish(TopicChat, "a")
	h.Publish(TopicChat, "a")
	h.Publish(TopicMail, "")
	<-mine.Wake()
	if got := strings.Join(mine.Take(), " "); got != "chat mail" {
		t.Errorf("a was told %q", got)
	}
	if got := strings.Join(other.Take(), " "); got != "mail" {
		t.Errorf("b was told %q", got)
	}
	mine.Close()
	h.Publish(TopicMail, "")
	if got := mine.Take(); len(got) != 0 {
		t.Errorf("told after Close: %q", got)
	}
}

func TestTimelineOfPayments(t *testing.T) {
	t.Parallel()
	var tl Timeline
	tl.wechatpay(wechatpay.Exchange{Method: "POST", URL: "/v3/pay/transactions/jsapi?x=1", Status: 200, Request: "order"})
	tl.wechatpay(wechatpay.Exchange{
		Outgoing: true, URL: "http://127.0.0.1/wechatpay/notify", Request: `{"event_type":"TRANSACTION.SUCCESS"}`, Plain: "open",
	})
	order, _ := tl.Entry(1)
	if order.Name != "pay/transactions/jsapi" || order.Inbound || !order.OK || order.Request != "order" {
		t.Errorf("an order is shown as %+v", order)
	}
	notice, _ := tl.Entry(2)
	if notice.Name != "TRANSACTION.SUCCESS" || !notice.Inbound || notice.OK || notice.Request != "open" {
		t.Errorf("a notification without an answer is shown as %+v", notice)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	var tl Timeline
	for range keepEntries + 3 {
		tl.add(Entry{Name: "x", Request: "body"})
	}
	if got := tl.Since(0); len(got) != keepEntries || got[0].Seq != 4 || got[0].Request != "" {
		t.Errorf("%d entries from %d on", len(got), got[0].Seq)
	}
	if _, ok := tl.Entry(1); ok {
		t.Error("the first entry is kept for ever")
	}
	if e, ok := tl.Entry(keepEntries + 3); !ok || e.Request != "body" {
		t.Error("the last entry has no body")
	}
}
