package wecom

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSay_PassiveReply(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.bot.reply = func(int, got) (int, string) { return 200, passive("text", "<Content>余额 ¥12.30</Content>") }
	d, err := w.sim.Say(w.ctx(), "ZHANGSAN", agent, "余额 ]]> <b>")
	if err != nil || len(d.Attempts) != 1 || d.Attempts[0].Problem != "" {
		t.Fatalf("%+v, %v", d, err)
	}
	g := w.bot.seen()[0]
	if g.FromUserName != "zhangsan" || g.ToUserName != sampleCorp || g.MsgType != "text" || g.Content != "余额 ]]> <b>" || g.MsgID != d.MsgID || g.AgentID != agent {
		t.Errorf("%+v", g)
	}
	c := w.sim.Conversation("zhangsan", agent)
	if len(c) != 2 || c[0].From != FromMember || c[0].Failed || c[1].From != FromApp || !c[1].Passive || c[1].Text != "余额 ¥12.30" {
		t.Errorf("%+v", c)
	}
}

func TestSay_News(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.bot.reply = func(int, got) (int, string) {
		return 200, passive("news", "<ArticleCount>1</ArticleCount><Articles><item><Title>t</Title><Url>https://a</Url></item></Articles>")
	}
	if _, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a"); err != nil {
		t.Fatal(err)
	}
	if m := w.last("zhangsan"); m.Kind != KindNews || len(m.Articles) != 1 || m.Articles[0].URL != "https://a" {
		t.Errorf("%+v", m)
	}
}

func TestSay_Repeats(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		strict   Strict
		bad      int // answers that fail before one is good
		attempts int
		failed   bool
	}{
		{"Once", Strict{}, 1, 2, false},
		{"ThreeTimes", Strict{}, 3, 4, false},
		{"Never", Strict{}, 9, 4, true},
		{"SameEnvelope", Strict{SameEnvelope: true}, 1, 2, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *Config) { c.Strict = tt.strict })
			w.bot.reply = func(n int, _ got) (int, string) {
				if n <= tt.bad {
					return 500, ""
				}
				return 200, ""
			}
			d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a")
			if errors.Is(err, ErrCallback) != tt.failed || len(d.Attempts) != tt.attempts || w.last("zhangsan").Failed != tt.failed {
				t.Errorf("%+v, %v, %+v", d, err, w.last("zhangsan"))
			}
			seen := w.bot.seen()
			for _, g := range seen {
				if g.MsgID != seen[0].MsgID {
					t.Error("a repeat has another MsgId")
				}
			}
			if same := seen[0].Nonce == seen[1].Nonce; same != tt.strict.SameEnvelope {
				t.Errorf("same nonce: %v", same)
			}
		})
	}
}

func TestSay_SlowCallback(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(c *Config) { c.CallbackTimeout = 50 * time.Millisecond })
	release := make(chan struct{})
	w.bot.reply = func(n int, _ got) (int, string) {
		if n == 1 {
			<-release
		}
		return 200, passive("text", "<Content>二</Content>")
	}
	d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a")
	close(release)
	if err != nil || len(d.Attempts) != 2 || d.Attempts[0].Status != 0 || !strings.Contains(d.Attempts[0].Problem, "no answer within") {
		t.Fatalf("%+v, %v", d, err)
	}
	if c := w.sim.Conversation("zhangsan", agent); len(c) != 2 || c[1].Text != "二" {
		t.Errorf("%+v", c)
	}
}

func TestSay_BadReplies(t *testing.T) {
	t.Parallel()
	// raw answers with a body as it is.
	for _, tt := range []struct{ name, body, problem string }{
		{"Success", "success", "neither empty"},
		{"Signature", "<xml><Encrypt>x</Encrypt><MsgSignature>y</MsgSignature><TimeStamp>1</TimeStamp><Nonce>1</Nonce></xml>", "MsgSignature is wrong"},
		{"NotSwapped", "pack:<xml><ToUserName>" + sampleCorp + "</ToUserName><FromUserName>zhangsan</FromUserName><MsgType>text</MsgType><Content>a</Content></xml>", "ToUserName"},
		{"FromWrong", "pack:<xml><ToUserName>zhangsan</ToUserName><FromUserName>x</FromUserName><MsgType>text</MsgType><Content>a</Content></xml>", "FromUserName"},
		{"TypeNotPassive", "pack:" + passive("textcard", ""), "no type of passive reply"},
		{"EmptyText", "pack:" + passive("text", ""), "Content is empty"},
		{"NewsCount", "pack:" + passive("news", "<ArticleCount>2</ArticleCount><Articles><item><Title>t</Title></item></Articles>"), "ArticleCount"},
		{"UpdateWithoutCard", "pack:" + passive("update_button", "<Button><ReplaceName>a</ReplaceName></Button>"), "card events only"},
		{"NotXML", "pack:hello", "no XML reply"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, nil)
			app := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				body := tt.body
				if text, ok := strings.CutPrefix(body, "pack:"); ok {
					body = w.bot.pack(text)
				}
				_, _ = io.WriteString(rw, body)
			}))
			defer app.Close()
			a := w.sim.Apps()[0]
			a.Callback = app.URL
			if err := w.sim.SetApp(a); err != nil {
				t.Fatal(err)
			}
			d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a")
			if err != nil || len(d.Attempts) != 1 || !strings.Contains(d.Attempts[0].Problem, tt.problem) {
				t.Errorf("%+v, %v; want %q", d, err, tt.problem)
			}
			if n, warnings := len(w.sim.Conversation("zhangsan", agent)), w.sim.Warnings(); n != 1 || len(warnings) == 0 {
				t.Errorf("%d messages, warnings %+v", n, warnings)
			}
		})
	}
}

func TestSay_Unreachable(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for _, tt := range []struct {
		name, user string
		agent      int
		want       error
	}{
		{"NoMember", "nobody", agent, ErrNoMember},
		{"NoApp", "zhangsan", 7, ErrNoApp},
		{"NoCallback", "zhangsan", otherAgent, ErrNoCallback},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := w.sim.Say(w.ctx(), tt.user, tt.agent, "a"); !errors.Is(err, tt.want) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("CallerGone", func(t *testing.T) {
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		if d, err := w.sim.Say(ctx, "zhangsan", agent, "a"); !errors.Is(err, ErrCallback) || len(d.Attempts) != 0 {
			t.Errorf("%+v, %v", d, err)
		}
	})
}

func TestEvents(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	menu := `{"button":[{"name":"一卡通","sub_button":[{"type":"click","name":"余额","key":"balance"},{"type":"view","name":"充值","url":"https://a/topup"}]},{"type":"scancode_waitmsg","name":"领款","key":"claim"}]}`
	if a := w.post("menu/create?agentid=1000002&access_token="+w.token, menu); a.code() != 0 {
		t.Fatalf("%v", a)
	}
	for _, tt := range []struct {
		name       string
		act        func() (Delivery, error)
		event, key string
	}{
		{"Enter", func() (Delivery, error) { return w.sim.Enter(w.ctx(), "zhangsan", agent) }, "enter_agent", ""},
		{"Click", func() (Delivery, error) { return w.sim.Click(w.ctx(), "zhangsan", agent, "balance") }, "click", "balance"},
		{"View", func() (Delivery, error) { return w.sim.Click(w.ctx(), "zhangsan", agent, "https://a/topup") }, "view", "https://a/topup"},
		{"Scan", func() (Delivery, error) { return w.sim.Scan(w.ctx(), "zhangsan", agent, "claim", "K01") }, "scancode_waitmsg", "claim"},
		{"Subscribe", func() (Delivery, error) { return w.sim.Subscribe(w.ctx(), "wangwu", agent) }, "subscribe", ""},
		{"Unsubscribe", func() (Delivery, error) { return w.sim.Unsubscribe(w.ctx(), "wangwu", agent) }, "unsubscribe", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d, err := tt.act()
			if err != nil || d.MsgID != "" {
				t.Fatalf("%+v, %v", d, err)
			}
			seen := w.bot.seen()
			g := seen[len(seen)-1]
			if g.MsgType != "event" || g.Event != tt.event || g.EventKey != tt.key || g.MsgID != "" || g.AgentID != agent {
				t.Errorf("%+v", g)
			}
		})
	}
	if _, err := w.sim.Click(w.ctx(), "zhangsan", agent, "claim"); !errors.Is(err, ErrNotThere) {
		t.Errorf("an entry that scans was clicked: %v", err)
	}
	if i := slices.IndexFunc(w.sim.Members(), func(m Member) bool { return m.UserID == "wangwu" }); w.sim.Members()[i].inRange(agent) {
		t.Error("wangwu is still in range")
	}
}

func TestCallback_Faults(t *testing.T) {
	t.Parallel()
	t.Run("RepeatInTurn", func(t *testing.T) {
		w := newWorld(t, nil)
		w.bot.reply = func(int, got) (int, string) { return 200, passive("text", "<Content>一</Content>") }
		w.sim.SetFaults(Faults{Repeat: 2})
		d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a")
		if err != nil || len(d.Attempts) != 3 || len(w.bot.seen()) != 3 || len(w.sim.Conversation("zhangsan", agent)) != 2 {
			t.Errorf("%+v, %v", d, err)
		}
	})
	t.Run("RepeatAtOnce", func(t *testing.T) {
		w := newWorld(t, nil)
		together := make(chan struct{}, 3)
		w.bot.reply = func(n int, _ got) (int, string) {
			together <- struct{}{}
			for deadline := time.Now().Add(2 * time.Second); len(together) < 3 && time.Now().Before(deadline); {
				time.Sleep(time.Millisecond)
			}
			if len(together) < 3 {
				return 500, ""
			}
			return 200, ""
		}
		w.sim.SetFaults(Faults{Repeat: 2, RepeatAtOnce: true})
		if d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a"); err != nil || len(d.Attempts) != 3 {
			t.Errorf("%+v, %v", d, err)
		}
	})
	for _, tt := range []struct {
		name   string
		faults Faults
		seen   int
	}{
		{"Lose", Faults{Lose: true}, 0},
		{"BadSignature", Faults{BadSignature: true}, 0},
		{"Receiver", Faults{Receiver: "wwother"}, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := newWorld(t, nil)
			w.sim.SetFaults(tt.faults)
			if d, err := w.sim.Say(w.ctx(), "zhangsan", agent, "a"); !errors.Is(err, ErrCallback) || len(w.bot.seen()) != tt.seen {
				t.Errorf("%+v, %v", d, err)
			}
		})
	}
}

func TestDeliver(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	w.bot.reply = func(int, got) (int, string) { return 200, passive("text", "<Content>嗯</Content>") }
	raw := "<xml><FromUserName>zhangsan</FromUserName><MsgType>text</MsgType><MsgId>7</MsgId><Content>x</Content><AgentID>1000002</AgentID></xml>"
	for range 2 {
		if d, err := w.sim.Deliver(w.ctx(), agent, raw); err != nil || len(d.Attempts) != 1 {
			t.Fatalf("%+v, %v", d, err)
		}
	}
	seen := w.bot.seen()
	if len(seen) != 2 || seen[0].MsgID != "7" || seen[1].MsgID != "7" || w.last("zhangsan").Text != "嗯" {
		t.Errorf("%+v", seen)
	}
}

func TestVerifyURL(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name string
		wrap func(http.Handler) http.Handler
		ok   bool
	}{
		{"Plain", func(h http.Handler) http.Handler { return h }, true},
		{"Newline", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.ServeHTTP(w, r); _, _ = io.WriteString(w, "\n") })
		}, false},
		{"Quotes", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.WriteString(w, `"`)
				h.ServeHTTP(w, r)
				_, _ = io.WriteString(w, `"`)
			})
		}, false},
		{"Slow", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				_ = pause(r.Context(), 5*time.Second)
				h.ServeHTTP(w, r)
			})
		}, false},
		{"Created", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(201); h.ServeHTTP(w, r) })
		}, false},
		{"Forbidden", func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(403) })
		}, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, func(c *Config) { c.VerifyTimeout = 100 * time.Millisecond })
			app := httptest.NewServer(tt.wrap(w.bot))
			defer app.Close()
			a := w.sim.Apps()[0]
			a.Callback = app.URL + "/cb?x=1"
			if err := w.sim.SetApp(a); err != nil {
				t.Fatal(err)
			}
			err := w.sim.VerifyURL(w.ctx(), agent)
			if (err == nil) != tt.ok || (err != nil && !errors.Is(err, ErrVerify)) {
				t.Errorf("%v", err)
			}
		})
	}
}
