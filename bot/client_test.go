package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

const testSecret = "SECRETsecretSECRET"

func TestClient_Send(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	f.set(func() {
		f.answers["message/send"] = `{"errcode":0,"errmsg":"ok","invaliduser":"","msgid":"m1","response_code":"rc"}`
	})
	c := newTestClient(t, f.URL)
	card := testCard
	sent, err := c.Send(t.Context(), "ZhangSan", Outgoing{Card: &card, Once: 10 * time.Minute})
	if err != nil || sent != (Sent{MsgID: "m1", ResponseCode: "rc"}) {
		t.Fatalf("%+v, %v", sent, err)
	}
	var body map[string]any
	if err := json.Unmarshal([]byte(f.last().body), &body); err != nil {
		t.Fatal(err)
	}
	if body["touser"] != "ZhangSan" || body["msgtype"] != "template_card" || body["agentid"] != float64(218) ||
		body["enable_duplicate_check"] != float64(1) || body["duplicate_check_interval"] != float64(600) {
		t.Fatalf("body = %s", f.last().body)
	}
	if err := c.SendText(t.Context(), "u", `<a href="https://x?a=1&b=2">余额</a>`); err != nil {
		t.Fatal(err)
	}
	if want := `{"touser":"u","msgtype":"text","agentid":218,"text":{"content":"<a href=\"https://x?a=1&b=2\">余额</a>"}}`; f.last().body != want {
		t.Fatalf("body = %s", f.last().body)
	}
	if err := c.SendTextCard(t.Context(), "u", testCard.TextCard()); err != nil || !strings.Contains(f.last().body, `"msgtype":"textcard"`) {
		t.Fatalf("%v: %s", err, f.last().body)
	}
	if f.fetched() != 1 {
		t.Fatalf("%d fetches of the token", f.fetched())
	}
	for _, user := range []string{"", "@all", "a|b", "corp/a", strings.Repeat("a", 65)} {
		if err := c.SendText(t.Context(), user, "x"); !errors.Is(err, ErrUnreachable) {
			t.Errorf("%q: %v", user, err)
		}
	}
	if _, err := c.Send(t.Context(), "u", Outgoing{}); err == nil {
		t.Error("an empty message was sent")
	}
	if _, err := c.SendCard(t.Context(), "u", buttonCard()); err == nil {
		t.Error("a card without its task was sent")
	}
}

func TestClient_SendOutcomes(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	c := newTestClient(t, f.URL)
	for name, tc := range map[string]struct {
		answer                          string
		unreachable, retryable, limited bool
		code                            int
	}{
		"InvalidUser":  {`{"errcode":0,"invaliduser":"other|zhangsan"}`, true, false, false, 0},
		"Unlicensed":   {`{"errcode":0,"unlicenseduser":"ZHANGSAN"}`, true, false, false, 0},
		"AllInvalid":   {`{"errcode":81013,"errmsg":"x"}`, true, false, false, 81013},
		"Busy":         {`{"errcode":-1}`, false, true, false, -1},
		"Limit":        {`{"errcode":45009}`, false, true, true, 45009},
		"FieldError":   {`{"errcode":42045}`, false, false, false, 42045},
		"UnknownCode":  {`{"errcode":99999}`, false, false, false, 99999},
		"NotJSON":      {`<html>access_token=TOKEN</html>`, false, true, false, 0},
		"SimilarUsers": {`{"errcode":0,"invaliduser":"zhangsan2|zhang"}`, false, false, false, 0},
	} {
		f.set(func() { f.answers["message/send"] = tc.answer })
		err := c.SendText(t.Context(), "ZhangSan", "x")
		if name == "SimilarUsers" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		secretFree(t, err)
		var api *APIError
		isAPI := errors.As(err, &api)
		if errors.Is(err, ErrUnreachable) != tc.unreachable || isAPI && (api.Code != tc.code || api.Retryable() != tc.retryable || api.Limited() != tc.limited) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestClient_ErrorsShowNoSecret(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	calls := func(c *Client) []error {
		_, infoErr := c.UserInfo(t.Context(), "CODEcode")
		_, openErr := c.OpenID(t.Context(), "u")
		return []error{c.SendText(t.Context(), "u", "x"), infoErr, openErr}
	}
	for name, handle := range map[string]http.HandlerFunc{
		"Status500": func(w http.ResponseWriter, r *http.Request) { http.Error(w, r.URL.String(), 500) },
		"Redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/trap?"+r.URL.RawQuery, http.StatusFound)
		},
		"Reset": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		"Huge": func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, `{"errcode":0,"errmsg":"`+strings.Repeat("a", 2<<20)+`"}`)
		},
		"Echo": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"errcode":40058,"errmsg":%q}`, "token "+r.URL.Query().Get("access_token"))
		},
	} {
		f.set(func() { f.handle = handle })
		for _, err := range calls(newTestClient(t, f.URL)) {
			secretFree(t, err)
			var api *APIError
			if !errors.As(err, &api) {
				t.Errorf("%s: %v is no APIError", name, err)
			}
		}
	}
	f.set(func() { f.deny = 60020 })
	for _, err := range calls(newTestClient(t, f.URL)) {
		secretFree(t, err)
		if !strings.Contains(err.Error(), "203.0.113.7") {
			t.Errorf("60020 does not name the address: %v", err)
		}
	}
	for _, err := range calls(newTestClient(t, "http://127.0.0.1:1")) {
		secretFree(t, err)
	}
}

func TestClient_DeadlinesHold(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "gettoken") {
			fmt.Fprint(w, `{"errcode":0,"access_token":"TOKEN","expires_in":7200}`)
			return
		}
		<-release
	}))
	defer slow.Close()
	defer close(release)
	c := newTestClient(t, slow.URL)
	for name, call := range map[string]func(context.Context) error{
		"Send":     func(ctx context.Context) error { return c.SendText(ctx, "u", "x") },
		"UserInfo": func(ctx context.Context) error { _, err := c.UserInfo(ctx, "CODEcode"); return err },
		"OpenID":   func(ctx context.Context) error { _, err := c.OpenID(ctx, "u"); return err },
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		began := time.Now()
		err := call(ctx)
		cancel()
		var api *APIError
		if took := time.Since(began); took > 3*time.Second || !errors.Is(err, context.DeadlineExceeded) || !errors.As(err, &api) || !api.Retryable() {
			t.Errorf("%s: %v after %v", name, err, took)
		}
		secretFree(t, err)
	}
}

// The SDK's client and its addresses are globals of the process; clients of several servers must not meet.
func TestClient_ManyServersInOneProcess(t *testing.T) {
	t.Parallel()
	var wg sync.WaitGroup
	for i := range 4 {
		f := newFakeWeCom(t)
		f.set(func() { f.answers["auth/getuserinfo"] = fmt.Sprintf(`{"errcode":0,"userid":"User%d"}`, i) })
		f.set(func() { f.answers["user/convert_to_openid"] = fmt.Sprintf(`{"errcode":0,"openid":"open%d"}`, i) })
		prefixed := httptest.NewServer(http.StripPrefix("/some/prefix", f))
		t.Cleanup(prefixed.Close)
		c := newTestClient(t, prefixed.URL+"/some/prefix/")
		for range 8 {
			wg.Go(func() {
				if user, err := c.UserInfo(t.Context(), "code"); err != nil || user != fmt.Sprint("user", i) {
					t.Error(i, user, err)
				}
				if id, err := c.OpenID(t.Context(), "u"); err != nil || id != fmt.Sprint("open", i) {
					t.Error(i, id, err)
				}
				if err := c.SendText(t.Context(), "u", "x"); err != nil {
					t.Error(i, err)
				}
			})
		}
	}
	wg.Wait()
}

func TestClient_UserInfo(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	c := newTestClient(t, f.URL)
	for name, tc := range map[string]struct {
		answer, user string
		is           error
	}{
		"Member":    {`{"errcode":0,"userid":"ZhangSan","user_ticket":"t"}`, "zhangsan", nil},
		"OpenID":    {`{"errcode":0,"openid":"oABC"}`, "", ErrNotMember},
		"OtherCorp": {`{"errcode":0,"userid":"wwcorp/ZhangSan"}`, "", ErrNotMember},
		"Bad":       {`{"errcode":40029,"errmsg":"x"}`, "", ErrBadCode},
		"Expired":   {`{"errcode":42003,"errmsg":"x"}`, "", ErrBadCode},
		"Used":      {`{"errcode":42022,"errmsg":"x"}`, "", ErrBadCode},
	} {
		f.set(func() { f.answers["auth/getuserinfo"] = tc.answer })
		user, err := c.UserInfo(t.Context(), "CODEcode_-9")
		if user != tc.user || !errors.Is(err, tc.is) {
			t.Errorf("%s: %q, %v", name, user, err)
		}
		if q := f.last().query; q.Get("code") != "CODEcode_-9" {
			t.Errorf("%s: query %v", name, q)
		}
	}
	asked := len(f.requests)
	for _, code := range []string{"", "a&userid=b", "a b", "中", strings.Repeat("a", 513), "a/../b", "a#b"} {
		if _, err := c.UserInfo(t.Context(), code); !errors.Is(err, ErrBadCode) {
			t.Errorf("%q: %v", code, err)
		}
	}
	if len(f.requests) != asked {
		t.Error("a malformed code reached WeCom")
	}
}

func TestClient_OpenID(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	c := newTestClient(t, f.URL)
	f.set(func() { f.answers["user/convert_to_openid"] = `{"errcode":0,"openid":"oDOG"}` })
	if id, err := c.OpenID(t.Context(), "zhangsan"); err != nil || id != "oDOG" || !strings.Contains(f.last().body, `"userid":"zhangsan"`) {
		t.Fatalf("%q, %v, %s", id, err, f.last().body)
	}
	f.set(func() { f.answers["user/convert_to_openid"] = `{"errcode":43004,"errmsg":"x"}` })
	if _, err := c.OpenID(t.Context(), "zhangsan"); !errors.Is(err, ErrNoOpenID) {
		t.Fatal(err)
	}
	f.set(func() { f.answers["user/convert_to_openid"] = `{"errcode":0,"openid":""}` })
	if id, err := c.OpenID(t.Context(), "zhangsan"); err == nil {
		t.Fatalf("%q", id)
	}
}

func TestClient_CardsMenusAddresses(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	c := newTestClient(t, f.URL)
	if err := c.UpdateCard(t.Context(), "u", "CODE", testCard); err != nil {
		t.Fatal(err)
	}
	var update struct {
		UserIDs      []string `json:"userids"`
		AgentID      int64    `json:"agentid"`
		ResponseCode string   `json:"response_code"`
		Card         struct {
			Type string `json:"card_type"`
		} `json:"template_card"`
	}
	if err := json.Unmarshal([]byte(f.last().body), &update); err != nil || f.last().path != "message/update_template_card" ||
		fmt.Sprint(update) != "{[u] 218 CODE {text_notice}}" {
		t.Fatalf("%v %s", err, f.last().body)
	}
	if err := c.Recall(t.Context(), "m1"); err != nil || f.last().body != `{"msgid":"m1"}` || f.last().path != "message/recall" {
		t.Fatal(err, f.last())
	}
	menu := Menu{Button: []MenuButton{{Name: "一卡通", SubButton: []MenuButton{{Type: "click", Name: "查询余额", Key: "card.balance"}, {Type: "view", Name: "充值", URL: "https://x/topup?a=1&b=2"}}}}}
	if err := c.SetMenu(t.Context(), menu); err != nil || f.last().query.Get("agentid") != "218" ||
		f.last().body != `{"button":[{"name":"一卡通","sub_button":[{"type":"click","name":"查询余额","key":"card.balance"},{"type":"view","name":"充值","url":"https://x/topup?a=1&b=2"}]}]}` {
		t.Fatal(err, f.last())
	}
	f.set(func() {
		f.answers["menu/get"] = `{"errcode":0,"button":[{"type":"click","name":"a","key":"b","sub_button":[]}]}`
	})
	if m, err := c.Menu(t.Context()); err != nil || len(m.Button) != 1 || m.Button[0].Key != "b" {
		t.Fatal(m, err)
	}
	f.set(func() { f.answers["menu/get"] = `{"errcode":46003,"errmsg":"none"}` })
	if m, err := c.Menu(t.Context()); err != nil || len(m.Button) != 0 {
		t.Fatal(m, err)
	}
	f.set(func() { f.answers["getcallbackip"] = `{"ip_list":["1.2.3.4"],"errcode":0}` })
	if ips, err := c.CallbackIPs(t.Context()); err != nil || fmt.Sprint(ips) != "[1.2.3.4]" {
		t.Fatal(ips, err)
	}
}

func TestMenu_Validate(t *testing.T) {
	t.Parallel()
	click := MenuButton{Type: "click", Name: "a", Key: "k"}
	five := []MenuButton{click, click, click, click, click}
	for name, tc := range map[string]struct {
		menu Menu
		ok   bool
	}{
		"Good":        {Menu{[]MenuButton{click, {Name: "五个汉字吧", SubButton: five}, {Type: "view", Name: "v", URL: "https://x"}}}, true},
		"None":        {Menu{}, false},
		"Four":        {Menu{[]MenuButton{click, click, click, click}}, false},
		"SixBelow":    {Menu{[]MenuButton{{Name: "a", SubButton: append(five, click)}}}, false},
		"ThirdLevel":  {Menu{[]MenuButton{{Name: "a", SubButton: []MenuButton{{Name: "b", SubButton: five}}}}}, false},
		"LongName":    {Menu{[]MenuButton{{Type: "click", Name: "六个汉字太长", Key: "k"}}}, false},
		"NoName":      {Menu{[]MenuButton{{Type: "click", Key: "k"}}}, false},
		"NoKey":       {Menu{[]MenuButton{{Type: "click", Name: "a"}}}, false},
		"LongKey":     {Menu{[]MenuButton{{Type: "click", Name: "a", Key: strings.Repeat("k", 61)}}}, false},
		"NoScheme":    {Menu{[]MenuButton{{Type: "view", Name: "a", URL: "x.cn"}}}, false},
		"UnknownType": {Menu{[]MenuButton{{Type: "klick", Name: "a", Key: "k"}}}, false},
		"ParentType":  {Menu{[]MenuButton{{Type: "click", Name: "a", Key: "k", SubButton: five}}}, false},
	} {
		if err := tc.menu.Validate(); (err == nil) != tc.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	got := AuthorizeURL("https://open.weixin.qq.com/", "wwCORP", 1000002, "https://card.example.edu.cn/h5/oauth/callback?a=1", "abc123")
	want := "https://open.weixin.qq.com/connect/oauth2/authorize?appid=wwCORP&redirect_uri=https%3A%2F%2Fcard.example.edu.cn%2Fh5%2Foauth%2Fcallback%3Fa%3D1&response_type=code&scope=snsapi_base&state=abc123&agentid=1000002#wechat_redirect"
	if got != want {
		t.Fatalf("\n got %s\nwant %s", got, want)
	}
}

func TestNewClient_Refuses(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]func(*ClientConfig){
		"NoSecret": func(c *ClientConfig) { c.Secret = "" }, "NoCorp": func(c *ClientConfig) { c.App.CorpID = "" },
		"NoAgent": func(c *ClientConfig) { c.App.AgentID = 0 }, "BadURL": func(c *ClientConfig) { c.BaseURL = "qyapi.weixin.qq.com" },
	} {
		cfg := ClientConfig{App: testApp, Secret: testSecret, BaseURL: "http://127.0.0.1"}
		f(&cfg)
		if _, err := NewClient(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

var _ Sender = (*Client)(nil)

// From the bytes of a push to the answer, over a real Client, with WeCom well, slow and down.
func TestWholeWay(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	hang := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	defer slow.Close()
	defer close(hang)
	for name, tc := range map[string]struct {
		base string
		text bool
	}{"Well": {f.URL, false}, "Slow": {slow.URL, true}, "Down": {"http://127.0.0.1:1", true}} {
		_, client := newTestRedis(t)
		state := NewRedis(client, nil)
		r := NewRouter(RouterConfig{App: testApp, Sender: newTestClient(t, tc.base, func(c *ClientConfig) { c.Redis = client }), Tasks: taskMap{}, Once: state})
		r.Text(func(_ context.Context, c *Context) error { return c.Reply(testCard) })
		cb := newTestCallback(t, r.Dispatch, state)
		cb.budget = replyReserve + 200*time.Millisecond
		began := time.Now()
		w := serve(cb, push{inner: textXML("ZhangSan", "1", "帮助")}.request(t))
		if w.Code != 200 || time.Since(began) > cb.budget+2*time.Second { // room for a busy machine
			t.Errorf("%s: %d after %v", name, w.Code, time.Since(began))
		}
		reply := readReply(t, w.Body.String())
		if tc.text && reply.Content != testCard.Text() || !tc.text && (w.Body.Len() != 0 || !strings.Contains(f.last().body, `"card_type":"text_notice"`)) {
			t.Errorf("%s: %+v", name, reply)
		}
	}
}

// The QR code to join comes in two steps, with the secret of contact sync; what
// is no picture, and where it would be, stays out of errors.
func TestClient_JoinQRCode(t *testing.T) {
	const png = "\x89PNG\r\n\x1a\nand so on"
	for name, tc := range map[string]struct {
		answer, content string
		status          int
		want            string // in the error; empty = the picture
	}{
		"Picture":   {`{"errcode":0,"join_qrcode":"BASE/genqrcode?vcode=letmein"}`, png, 200, ""},
		"Refused":   {`{"errcode":48002,"errmsg":"api forbidden"}`, png, 200, "48002"},
		"NoAddress": {`{"errcode":0,"join_qrcode":""}`, png, 200, "no address"},
		"OtherWay":  {`{"errcode":0,"join_qrcode":"file:///etc/passwd"}`, png, 200, "no address"},
		"Page":      {`{"errcode":0,"join_qrcode":"BASE/genqrcode?vcode=letmein"}`, "<html>expired", 200, "text/html"},
		"Gone":      {`{"errcode":0,"join_qrcode":"BASE/genqrcode?vcode=letmein"}`, png, 404, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			var server *httptest.Server
			server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				switch r.URL.Path {
				case "/cgi-bin/gettoken":
					io.WriteString(w, `{"errcode":0,"access_token":"t","expires_in":7200}`)
				case "/cgi-bin/corp/get_join_qrcode":
					io.WriteString(w, strings.Replace(tc.answer, "BASE", server.URL, 1))
				default:
					if r.URL.Query().Has("access_token") {
						t.Error("the picture's host got the token")
					}
					w.WriteHeader(tc.status)
					io.WriteString(w, tc.content)
				}
			}))
			defer server.Close()
			c := newTestClient(t, server.URL, func(cfg *ClientConfig) { cfg.App, cfg.Contacts = App{Name: "contacts", CorpID: "ww1"}, true })
			got, err := c.JoinQRCode(t.Context())
			switch {
			case tc.want == "" && (err != nil || string(got) != png):
				t.Errorf("%q, %v", got, err)
			case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "letmein")):
				t.Errorf("%q, %v; want an error with %q", got, err, tc.want)
			}
		})
	}
}
