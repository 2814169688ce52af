package wecom

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	agent      = 1000002
	otherAgent = 1000003
)

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// got is a decrypted callback as an app sees it.
type got struct {
	ToUserName, FromUserName, MsgType, Event, EventKey, Content, MsgID string
	TaskID, CardType, ResponseCode                                     string
	AgentID                                                            int
	Selected                                                           []selected
	Nonce                                                              string
}

type selected struct {
	QuestionKey string
	OptionIds   []string `xml:"OptionIds>OptionId"`
}

// bot is an app on the other side of the callback: reply answers the n-th POST, counted from 1.
type bot struct {
	t     testing.TB
	seal  seal
	reply func(n int, g got) (status int, body string)

	mu  sync.Mutex
	got []got
}

func (b *bot) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if r.Method == http.MethodGet {
		if !b.seal.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), q.Get("echostr")) {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		plain, err := b.seal.decrypt(q.Get("echostr"), sampleCorp)
		if err != nil {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write(plain)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var envelope struct{ ToUserName, Encrypt, AgentID string }
	if err := xml.Unmarshal(body, &envelope); err != nil {
		b.t.Errorf("envelope: %v", err)
	}
	if !b.seal.signed(q.Get("msg_signature"), q.Get("timestamp"), q.Get("nonce"), envelope.Encrypt) {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	plain, err := b.seal.decrypt(envelope.Encrypt, sampleCorp)
	if err != nil {
		w.WriteHeader(http.StatusForbidden)
		return
	}
	var x struct {
		got
		MsgID    string     `xml:"MsgId"`
		TaskID   string     `xml:"TaskId"`
		Selected []selected `xml:"SelectedItems>SelectedItem"`
	}
	if err := xml.Unmarshal(plain, &x); err != nil {
		b.t.Errorf("callback: %v in %s", err, plain)
	}
	g := x.got
	g.MsgID, g.TaskID, g.Selected, g.Nonce = x.MsgID, x.TaskID, x.Selected, q.Get("nonce")
	b.mu.Lock()
	b.got = append(b.got, g)
	n := len(b.got)
	b.mu.Unlock()
	if b.reply != nil {
		status, text := b.reply(n, g)
		w.WriteHeader(status)
		if text != "" {
			_, _ = io.WriteString(w, b.pack(text))
		}
	}
}

func (b *bot) pack(text string) string {
	encrypted, err := b.seal.encrypt([]byte("0123456789abcdef"), []byte(text), sampleCorp)
	if err != nil {
		b.t.Error(err)
	}
	return fmt.Sprintf("<xml><Encrypt>%s</Encrypt><MsgSignature>%s</MsgSignature><TimeStamp>1</TimeStamp><Nonce>n</Nonce></xml>",
		encrypted, b.seal.sign("1", "n", encrypted))
}

func (b *bot) seen() []got {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]got(nil), b.got...)
}

// passive is a passive reply to zhangsan.
func passive(msgType, inner string) string {
	return "<xml><ToUserName>zhangsan</ToUserName><FromUserName>" + sampleCorp + "</FromUserName><CreateTime>1</CreateTime><MsgType>" + msgType + "</MsgType>" + inner + "</xml>"
}

// world is a corp of three members and two apps, the first of which has a bot.
type world struct {
	t     testing.TB
	sim   *Server
	url   string
	clock *clock
	bot   *bot
	token string // of agent
}

func newWorld(t testing.TB, change func(*Config)) *world {
	t.Helper()
	b := &bot{t: t, seal: sampleSeal(t)}
	app := httptest.NewServer(b)
	t.Cleanup(app.Close)
	c := &clock{t: time.Date(2025, 11, 22, 12, 0, 0, 0, china)}
	cfg := Config{
		CorpID: sampleCorp,
		Apps: []App{
			{AgentID: agent, Name: "校园一卡通", Secret: "secret-card", Token: sampleToken, EncodingAESKey: sampleAESKey, Callback: app.URL + "/wecom/card", TrustedDomain: "card.example.edu.cn"},
			{AgentID: otherAgent, Name: "企业小助手", Secret: "secret-assistant", Token: sampleToken, EncodingAESKey: sampleAESKey, TrustedDomain: "other.example.edu.cn"},
		},
		Members: []Member{
			{UserID: "zhangsan", Name: "张三", OpenID: "oZhang", Mobile: "13800000000", Email: "zhang@example.edu.cn"},
			{UserID: "LiSi", Name: "李四"},
			{UserID: "wangwu", Name: "王五", OpenID: "oWang", OutOfRange: []int{agent}},
		},
		Now: c.Now,
	}
	if change != nil {
		change(&cfg)
	}
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.StripPrefix("/wecom", sim.Handler()))
	t.Cleanup(server.Close)
	w := &world{t: t, sim: sim, url: server.URL + "/wecom", clock: c, bot: b}
	w.token = w.newToken("secret-card")
	return w
}

// answerBody is any API's answer.
type answerBody map[string]any

func (a answerBody) code() int {
	f, ok := a["errcode"].(float64)
	if !ok {
		return -999
	}
	return int(f)
}

func (a answerBody) str(name string) string {
	s, _ := a[name].(string)
	return s
}

func (w *world) call(method, path, body string) answerBody {
	w.t.Helper()
	req, err := http.NewRequest(method, w.url+"/cgi-bin/"+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	var a answerBody
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		w.t.Fatalf("%s %s: HTTP %d: %v", method, path, res.StatusCode, err)
	}
	return a
}

func (w *world) get(path string) answerBody { w.t.Helper(); return w.call(http.MethodGet, path, "") }
func (w *world) post(path, body string) answerBody {
	w.t.Helper()
	return w.call(http.MethodPost, path, body)
}

func (w *world) newToken(secret string) string {
	w.t.Helper()
	a := w.get("gettoken?corpid=" + sampleCorp + "&corpsecret=" + secret)
	if a.code() != 0 {
		w.t.Fatalf("gettoken: %v", a)
	}
	return a.str("access_token")
}

func (w *world) send(body string) answerBody {
	w.t.Helper()
	return w.post("message/send?access_token="+w.token, body)
}

// sendCard sends a template card to zhangsan.
func (w *world) sendCard(card string) answerBody {
	w.t.Helper()
	return w.send(fmt.Sprintf(`{"touser":"zhangsan","msgtype":"template_card","agentid":%d,"template_card":%s}`, agent, card))
}

func (w *world) update(body string) answerBody {
	w.t.Helper()
	return w.post("message/update_template_card?access_token="+w.token, body)
}

func (w *world) last(userID string) Message {
	w.t.Helper()
	messages := w.sim.Conversation(userID, agent)
	if len(messages) == 0 {
		w.t.Fatalf("the conversation of %s is empty", userID)
	}
	return messages[len(messages)-1]
}

func (w *world) ctx() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	w.t.Cleanup(cancel)
	return ctx
}

// authorize opens the OAuth link as a member and returns where it leads.
func (w *world) authorize(query url.Values) (status int, location *url.URL, body string) {
	w.t.Helper()
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get(w.url + "/connect/oauth2/authorize?" + query.Encode())
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, _ := io.ReadAll(res.Body)
	location, _ = res.Location()
	return res.StatusCode, location, string(text)
}

func oauthLink(member string) url.Values {
	q := url.Values{
		"appid": {sampleCorp}, "redirect_uri": {"https://card.example.edu.cn/h5/oauth/callback"}, "response_type": {"code"},
		"scope": {"snsapi_base"}, "state": {"a1B2"}, "agentid": {fmt.Sprint(agent)},
	}
	if member != "" {
		q.Set("member", member)
	}
	return q
}

// oauthCode returns a fresh code of the member.
func (w *world) oauthCode(q url.Values) string {
	w.t.Helper()
	status, location, body := w.authorize(q)
	if status != http.StatusFound {
		w.t.Fatalf("authorize: HTTP %d %s", status, strings.TrimSpace(body))
	}
	return location.Query().Get("code")
}
