package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	good := App{AgentID: 1, Secret: "s", Token: "t", EncodingAESKey: sampleAESKey}
	for name, cfg := range map[string]Config{
		"NoCorp":     {Apps: []App{good}},
		"NoApp":      {CorpID: "c"},
		"NoSecret":   {CorpID: "c", Apps: []App{{AgentID: 1, Token: "t", EncodingAESKey: sampleAESKey}}},
		"Key44":      {CorpID: "c", Apps: []App{{AgentID: 1, Secret: "s", Token: "t", EncodingAESKey: sampleAESKey + "A"}}},
		"UserIDPipe": {CorpID: "c", Apps: []App{good}, Members: []Member{{UserID: "a|b"}}},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := New(cfg); err == nil {
				t.Error("taken")
			}
		})
	}
}

func TestToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name, path string
		code       int
	}{
		{"NoCorp", "gettoken?corpsecret=x", 41002},
		{"NoSecret", "gettoken?corpid=" + sampleCorp, 41004},
		{"WrongCorp", "gettoken?corpid=x&corpsecret=secret-card", 40013},
		{"WrongSecret", "gettoken?corpid=" + sampleCorp + "&corpsecret=x", 40001},
		{"NoToken", "getcallbackip", 41001},
		{"UnknownToken", "getcallbackip?access_token=x", 40014},
		{"Good", "getcallbackip?access_token=" + w.token, 0},
		{"DomainIP", "get_api_domain_ip?access_token=" + w.token, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if a := w.get(tt.path); a.code() != tt.code {
				t.Errorf("%v, want %d", a, tt.code)
			}
		})
	}
	if w.newToken("secret-card") != w.token {
		t.Error("a second gettoken brought another token")
	}
	if w.newToken("secret-assistant") == w.token {
		t.Error("two apps share a token")
	}
	use := func(token string) int { return w.get("getcallbackip?access_token=" + token).code() }
	t.Run("Expires", func(t *testing.T) {
		w.clock.add(7200 * time.Second)
		if code := use(w.token); code != 42001 {
			t.Errorf("%d", code)
		}
		if next := w.newToken("secret-card"); next == w.token || use(next) != 0 {
			t.Error("no new token")
		}
	})
	t.Run("ExpireToken", func(t *testing.T) {
		token, other := w.newToken("secret-card"), w.newToken("secret-assistant")
		w.sim.ExpireToken(agent)
		if use(token) != 42001 || use(other) != 0 || use(w.newToken("secret-card")) != 0 {
			t.Error("not expired")
		}
	})
	t.Run("RevokeToken", func(t *testing.T) {
		token := w.newToken("secret-card")
		w.sim.RevokeToken(agent)
		if use(token) != 40014 || use(w.newToken("secret-card")) != 0 {
			t.Error("not revoked")
		}
	})
}

func TestErrmsg_HasHintAndAddress(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	if msg := w.get("getcallbackip").str("errmsg"); !strings.Contains(msg, "hint: [") || !strings.Contains(msg, "from ip: 127.0.0.1") || !strings.Contains(msg, "query?e=41001") {
		t.Error(msg)
	}
}

func TestMenu(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	suffix := fmt.Sprintf("?agentid=%d&access_token=%s", agent, w.token)
	click := `{"type":"click","name":"a","key":"k"}`
	if a := w.get("menu/get" + suffix); a.code() != 46003 {
		t.Errorf("no menu: %v", a)
	}
	if a := w.post("menu/create"+suffix, `{"button":[`+click+`]}`); a.code() != 0 {
		t.Errorf("%v", a)
	}
	if a := w.post("menu/create?agentid=1000003&access_token="+w.token, `{"button":[`+click+`]}`); a.code() != 301002 {
		t.Errorf("another app's: %v", a)
	}
	if a := w.get("menu/get?access_token=" + w.token); a.code() != 41011 {
		t.Errorf("no agentid: %v", a)
	}
	if menu, ok := w.sim.Menu(agent); !ok || len(menu.Button) != 1 || menu.Button[0].Key != "k" {
		t.Errorf("%+v", menu)
	}
	if a := w.get("menu/get" + suffix); a.code() != 0 || fmt.Sprint(a["button"]) != "[map[key:k name:a type:click]]" {
		t.Errorf("%v", a)
	}
	if a := w.get("menu/delete" + suffix); a.code() != 0 {
		t.Errorf("%v", a)
	}
	if _, ok := w.sim.Menu(agent); ok {
		t.Error("still there")
	}
}

func TestAuthorize_Refuses(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name, field, value, want string
	}{
		{"Corp", "appid", "x", "40013"},
		{"RedirectMissing", "redirect_uri", "", "50001"},
		{"RedirectScheme", "redirect_uri", "javascript:alert(1)", "50001"},
		{"RedirectOtherHost", "redirect_uri", "https://evil.example/", "50001"},
		{"RedirectOtherPort", "redirect_uri", "https://card.example.edu.cn:8443/", "50001"},
		{"RedirectSubdomain", "redirect_uri", "https://x.card.example.edu.cn/", "50001"},
		{"OtherAppsDomain", "redirect_uri", "https://other.example.edu.cn/", "50001"},
		{"ResponseType", "response_type", "token", "40035"},
		{"Scope", "scope", "snsapi_login", "40035"},
		{"StateAlphabet", "state", "a-b", "40035"},
		{"StateLong", "state", strings.Repeat("a", 129), "40035"},
		{"Agent", "agentid", "7", "40056"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			q := oauthLink("zhangsan")
			q.Set(tt.field, tt.value)
			if status, _, body := w.authorize(q); status != http.StatusBadRequest || !strings.Contains(body, tt.want) {
				t.Errorf("HTTP %d %s", status, body)
			}
		})
	}
}

func TestAuthorize_Chooser(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	status, _, body := w.authorize(oauthLink(""))
	if status != http.StatusOK || !strings.Contains(body, "张三 zhangsan") || !strings.Contains(body, `href="?agentid=1000002&amp;`) {
		t.Errorf("HTTP %d %s", status, body)
	}
	w = newWorld(t, func(c *Config) {
		c.AutoMember = func(*http.Request) (string, bool) { return "lisi", true }
	})
	if a := w.get("auth/getuserinfo?access_token=" + w.token + "&code=" + w.oauthCode(oauthLink(""))); a.str("userid") != "LiSi" {
		t.Errorf("%v", a)
	}
}

func TestOAuth(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	info := func(path, token, code string) answerBody {
		return w.get(path + "?access_token=" + token + "&code=" + url.QueryEscape(code))
	}
	t.Run("Member", func(t *testing.T) {
		q := oauthLink("ZhangSan")
		q.Set("redirect_uri", "https://CARD.example.edu.cn:443/h5/oauth/callback?next=1")
		_, location, _ := w.authorize(q)
		if location.Query().Get("state") != "a1B2" || location.Query().Get("next") != "1" || location.Path != "/h5/oauth/callback" {
			t.Errorf("%v", location)
		}
		code := location.Query().Get("code")
		if a := info("auth/getuserinfo", w.token, code); a.code() != 0 || a.str("userid") != "zhangsan" || a["user_ticket"] != nil {
			t.Errorf("%v", a)
		}
		if a := info("auth/getuserinfo", w.token, code); a.code() != 42022 {
			t.Errorf("again: %v", a)
		}
	})
	t.Run("Old", func(t *testing.T) {
		if a := info("user/getuserinfo", w.token, w.oauthCode(oauthLink("zhangsan"))); a.str("UserId") != "zhangsan" {
			t.Errorf("%v", a)
		}
	})
	t.Run("Outsider", func(t *testing.T) {
		if a := info("auth/getuserinfo", w.token, w.oauthCode(oauthLink("stranger"))); a.code() != 0 || a.str("openid") == "" || a["userid"] != nil {
			t.Errorf("%v", a)
		}
	})
	t.Run("Missing", func(t *testing.T) {
		if a := info("auth/getuserinfo", w.token, ""); a.code() != 41008 {
			t.Errorf("%v", a)
		}
	})
	t.Run("Unknown", func(t *testing.T) {
		if a := info("auth/getuserinfo", w.token, "nonsense"); a.code() != 40029 {
			t.Errorf("%v", a)
		}
	})
	t.Run("TokenOfAnotherApp", func(t *testing.T) {
		if a := info("auth/getuserinfo", w.newToken("secret-assistant"), w.oauthCode(oauthLink("zhangsan"))); a.code() != 50001 {
			t.Errorf("%v", a)
		}
	})
	t.Run("Expired", func(t *testing.T) {
		code := w.oauthCode(oauthLink("zhangsan"))
		w.clock.add(5 * time.Minute)
		if a := info("auth/getuserinfo", w.token, code); a.code() != 42003 {
			t.Errorf("%v", a)
		}
	})
	t.Run("PrivateInfo", func(t *testing.T) {
		q := oauthLink("zhangsan")
		q.Set("scope", "snsapi_privateinfo")
		ticket := info("auth/getuserinfo", w.token, w.oauthCode(q)).str("user_ticket")
		detail := func(ticket string) answerBody {
			return w.post("auth/getuserdetail?access_token="+w.token, `{"user_ticket":"`+ticket+`"}`)
		}
		if a := detail(ticket); a.str("mobile") != "13800000000" || a.str("email") != "zhang@example.edu.cn" {
			t.Errorf("%v", a)
		}
		if a := detail("nonsense"); a.code() != 84015 {
			t.Errorf("%v", a)
		}
		w.clock.add(1800 * time.Second)
		if a := detail(ticket); a.code() != 84014 {
			t.Errorf("%v", a)
		}
	})
}

func TestUsers(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name, path, body string
		code             int
		field, want      string
	}{
		{"Get", "user/get?userid=ZHANGSAN", "", 0, "name", "张三"},
		{"GetNoMobile", "user/get?userid=zhangsan", "", 0, "mobile", ""},
		{"GetMissing", "user/get", "", 41009, "", ""},
		{"GetUnknown", "user/get?userid=x", "", 60111, "", ""},
		{"GetOutOfRange", "user/get?userid=wangwu", "", 60011, "", ""},
		{"OpenID", "user/convert_to_openid", `{"userid":"zhangsan"}`, 0, "openid", "oZhang"},
		{"OpenIDNone", "user/convert_to_openid", `{"userid":"lisi"}`, 43004, "", ""},
		{"OpenIDUnknown", "user/convert_to_openid", `{"userid":"x"}`, 60111, "", ""},
		{"OpenIDOutOfRange", "user/convert_to_openid", `{"userid":"wangwu"}`, 50002, "", ""},
		{"UserID", "user/convert_to_userid", `{"openid":"oWang"}`, 0, "userid", "wangwu"},
		{"UserIDUnknown", "user/convert_to_userid", `{"openid":"x"}`, 40073, "", ""},
		{"UserIDEmpty", "user/convert_to_userid", `{}`, 40063, "", ""},
		{"ByMobile", "user/getuserid", `{"mobile":"13800000000"}`, 0, "userid", "zhangsan"},
		{"ByMobileNone", "user/getuserid", `{"mobile":"13900000000"}`, 46004, "", ""},
		{"ByEmail", "user/get_userid_by_email", `{"email":"Zhang@example.edu.cn","email_type":2}`, 0, "userid", "zhangsan"},
		{"ListIDs", "user/list_id", `{"limit":10}`, 48002, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			method, join := http.MethodGet, "?"
			if tt.body != "" {
				method = http.MethodPost
			}
			if strings.Contains(tt.path, "?") {
				join = "&"
			}
			a := w.call(method, tt.path+join+"access_token="+w.token, tt.body)
			if a.code() != tt.code || a.str(tt.field) != tt.want {
				t.Errorf("%v", a)
			}
		})
	}
}

func TestUsers_OldApp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.Apps[0].Old = true })
	if a := w.get("user/get?userid=zhangsan&access_token=" + w.token); a.str("mobile") != "13800000000" || a.str("email") != "zhang@example.edu.cn" {
		t.Errorf("%v", a)
	}
}

func TestTickets(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	corp := w.get("get_jsapi_ticket?access_token=" + w.token).str("ticket")
	app := w.get("ticket/get?type=agent_config&access_token=" + w.token).str("ticket")
	if corp == "" || app == "" || corp == app || w.get("get_jsapi_ticket?access_token="+w.token).str("ticket") != corp {
		t.Errorf("%q %q", corp, app)
	}
	if a := w.get("ticket/get?access_token=" + w.token); a.code() != 91040 {
		t.Errorf("%v", a)
	}
	for _, tt := range []struct {
		name   string
		agent  int
		ticket string
		code   int
	}{
		{"Config", 0, corp, 0},
		{"AgentConfig", agent, app, 0},
		{"WrongKind", agent, corp, 42012},
		{"WrongKindOfConfig", 0, app, 42012},
		{"NoTicket", 0, "x", 40093},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if code := w.sim.CheckSignature(tt.agent, "https://a/?b", "n", "1", jsSignature(tt.ticket, "n", "1", "https://a/?b")); code != tt.code {
				t.Errorf("%d, want %d", code, tt.code)
			}
		})
	}
	for range 98 {
		w.get("get_jsapi_ticket?access_token=" + w.token)
	}
	if a := w.get("get_jsapi_ticket?access_token=" + w.token); a.code() != 45009 {
		t.Errorf("the 101st in an hour: %v", a)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	text := `{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`
	t.Run("ErrCodeTimes", func(t *testing.T) {
		w := newWorld(t, nil)
		w.sim.SetFaults(Faults{Endpoint: map[string]Fault{"message/send": {ErrCode: -1, Times: 2}}})
		for i, want := range []int{-1, -1, 0} {
			if a := w.send(text); a.code() != want {
				t.Errorf("call %d: %v", i, a)
			}
		}
		if n := w.sim.Stats(); n.Calls["message/send"] != 3 || n.Errors[-1] != 2 {
			t.Errorf("%+v", n)
		}
	})
	t.Run("Down", func(t *testing.T) {
		w := newWorld(t, nil)
		w.sim.SetFaults(Faults{All: Fault{Down: true}})
		res, err := http.Get(w.url + "/cgi-bin/getcallbackip?access_token=" + w.token)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != http.StatusBadGateway {
			t.Errorf("HTTP %d", res.StatusCode)
		}
	})
	t.Run("Delay", func(t *testing.T) {
		w := newWorld(t, nil)
		w.sim.SetFaults(Faults{All: Fault{Delay: time.Minute}})
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		req, _ := http.NewRequestWithContext(ctx, http.MethodPost, w.url+"/cgi-bin/message/send?access_token="+w.token, strings.NewReader(text))
		if _, err := http.DefaultClient.Do(req); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		if len(w.sim.Sent()) != 0 {
			t.Error("carried out for a caller that had gone")
		}
	})
	t.Run("ResetAfterwards", func(t *testing.T) {
		w := newWorld(t, nil)
		w.sim.SetFaults(Faults{Endpoint: map[string]Fault{"message/send": {Reset: true, Times: 1}}})
		if res, err := http.Post(w.url+"/cgi-bin/message/send?access_token="+w.token, "", strings.NewReader(text)); err == nil {
			res.Body.Close()
			t.Errorf("HTTP %d", res.StatusCode)
		}
		if len(w.sim.Sent()) != 1 {
			t.Error("not carried out")
		}
	})
}

func TestLogAndChange(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var events []Event
	var changed []string
	w := newWorld(t, func(c *Config) {
		c.Log = func(e Event) { mu.Lock(); defer mu.Unlock(); events = append(events, e) }
		c.OnChange = func(id string) { mu.Lock(); defer mu.Unlock(); changed = append(changed, id) }
	})
	w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"a"}}`)
	code := w.oauthCode(oauthLink("zhangsan"))
	w.get("auth/getuserinfo?access_token=" + w.token + "&code=" + code)
	if _, err := w.sim.Say(w.ctx(), "zhangsan", agent, "你好"); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	var kinds []string
	for _, e := range events {
		kinds = append(kinds, e.Kind+":"+e.Name)
		all := e.Request + e.Response
		if strings.Contains(all, w.token) || strings.Contains(all, "secret-card") || strings.Contains(all, code) {
			t.Errorf("%s shows a secret", e.Name)
		}
	}
	if got, want := strings.Join(kinds, " "), "api:gettoken api:message/send oauth:connect/oauth2/authorize api:auth/getuserinfo callback:text"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if !strings.Contains(events[len(events)-1].Request, "你好") {
		t.Error("the callback is not decrypted")
	}
	if last := changed[len(changed)-1]; last != "zhangsan" {
		t.Errorf("%q", changed)
	}
}

func TestAwait(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	done := make(chan error, 1)
	go func() {
		m, err := w.sim.Await(w.ctx(), "zhangsan", agent, func(m Message) bool { return m.Text == "b" })
		if err == nil && m.Text != "b" {
			err = errors.New(m.Text)
		}
		done <- err
	}()
	for _, text := range []string{"a", "b"} {
		w.send(`{"touser":"zhangsan","agentid":1000002,"msgtype":"text","text":{"content":"` + text + `"}}`)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := w.sim.Await(ctx, "zhangsan", agent, func(Message) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestNew_Defaults(t *testing.T) {
	t.Parallel()
	sim, err := New(Config{CorpID: "c", Apps: []App{{AgentID: 1, Secret: "s", Token: "t", EncodingAESKey: sampleAESKey}}})
	if err != nil {
		t.Fatal(err)
	}
	if sim.cfg.CallbackTimeout != 5*time.Second || sim.cfg.VerifyTimeout != time.Second || sim.cfg.RetryPause != 0 {
		t.Errorf("%+v", sim.cfg)
	}
}
