package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mishap"
	"xiaoka/sandbox/web"
	"xiaoka/sandbox/wecom"
)

// playWeCom simulates WeCom alone for the bots behind --callback, until ctx ends.
func playWeCom(ctx context.Context, o options, stdout, stderr io.Writer) error {
	front, err := net.Listen("tcp", o.listen)
	if err != nil {
		return fmt.Errorf("%w; --listen 127.0.0.1:0 takes any free port", err)
	}
	defer front.Close()
	public := "http://" + reachable(front.Addr())
	mishaps := mishap.New(o.misbehave/100, o.seed)
	world, err := campus.Open(campus.Config{PublicURL: public, People: o.people, WeComOnly: apps(o), AutoMember: web.Phone, Mishaps: mishaps})
	if err != nil {
		return err
	}
	defer world.Close()

	broken := make(chan error, 2)
	page := web.New(web.Config{Campus: world, PublicURL: public})
	defer serve(front, page.Handler(), broken).Close()
	var controlURL string
	if o.control != "" {
		l, err := net.Listen("tcp", o.control)
		if err != nil {
			return err
		}
		controlURL = "http://" + reachable(l.Addr())
		defer serve(l, serveControl(routesOfWeCom(world.WeCom), routesOfTime(world), routesOfMishaps(mishaps)), broken).Close()
	}
	announceWeCom(stdout, o, world, public, controlURL)
	for _, a := range world.State().Agents {
		if a.Callback == "" {
			continue
		}
		if err := world.WeCom.VerifyURL(ctx, a.AgentID); err != nil {
			fmt.Fprintf(stderr, "xiaoka-sandbox: %s does not answer as a callback address yet: %v\n", a.Callback, err)
		}
	}
	select {
	case <-ctx.Done():
		return nil
	case err := <-broken:
		return fmt.Errorf("the sandbox's own server ended: %w", err)
	}
}

// apps are the bots, at least one.
func apps(o options) []campus.Agent {
	callbacks := o.callbacks
	if len(callbacks) == 0 {
		callbacks = []string{""}
	}
	var all []campus.Agent
	for i, callback := range callbacks {
		a := campus.NewAgent(o.bot.AgentID+i, "应用")
		if i > 0 {
			a.Name = fmt.Sprintf("应用 %d", i+1)
		}
		for to, given := range map[*string]string{&a.Secret: o.bot.Secret, &a.Token: o.bot.Token, &a.EncodingAESKey: o.bot.EncodingAESKey} {
			if given != "" {
				*to = given
			}
		}
		a.Callback = callback
		all = append(all, a)
	}
	return all
}

func announceWeCom(w io.Writer, o options, world *campus.Campus, public, controlURL string) {
	state := world.State()
	if o.json {
		line, err := json.Marshal(struct {
			URL        string         `json:"url"`
			APIURL     string         `json:"api_url"`   // instead of https://qyapi.weixin.qq.com
			OAuthURL   string         `json:"oauth_url"` // instead of https://open.weixin.qq.com
			ControlURL string         `json:"control_url,omitempty"`
			CorpID     string         `json:"corp_id"`
			Agents     []campus.Agent `json:"agents"`
			Seed       uint64         `json:"seed"` // of the misbehaviour
		}{public, public, public, controlURL, state.CorpID, state.Agents, o.seed})
		if err == nil { // strings and numbers always marshal
			fmt.Fprintf(w, "%s\n", line)
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "企业微信模拟器开好了，在浏览器里打开：  %s\n", public)
	fmt.Fprintf(&b, "API and OAuth address for your bot: %s\ncorp_id            %s\n", public, state.CorpID)
	for _, a := range state.Agents {
		fmt.Fprintf(&b, "agent_id           %d\nsecret             %s\ntoken              %s\nencoding_aes_key   %s\ncallback           %s\n",
			a.AgentID, a.Secret, a.Token, a.EncodingAESKey, a.Callback)
	}
	announceMishaps(&b, o)
	if controlURL != "" {
		fmt.Fprintf(&b, "Faults, and members' acts as JSON: %s\n", controlURL)
	}
	fmt.Fprintln(&b, "Stop with Ctrl-C.")
	_, _ = io.WriteString(w, b.String())
}

// routesOfWeCom are WeCom's half of a control address: its faults, what it holds, and what members do.
func routesOfWeCom(sim *wecom.Server) routes {
	all := routes{
		"GET /wecom/faults":                 func(*http.Request) (any, error) { return sim.Faults(), nil },
		"PUT /wecom/faults":                 take(func(f wecom.Faults) error { sim.SetFaults(f); return nil }),
		"POST /wecom/tokens/{agent}/expire": agent(func(id int) { sim.ExpireToken(id) }),
		"POST /wecom/tokens/{agent}/revoke": agent(func(id int) { sim.RevokeToken(id) }),
		"GET /wecom/stats":                  func(*http.Request) (any, error) { return sim.Stats(), nil },
		"GET /wecom/warnings":               func(*http.Request) (any, error) { return sim.Warnings(), nil },
		"GET /wecom/sent":                   func(*http.Request) (any, error) { return sim.Sent(), nil },
		"GET /wecom/members":                func(*http.Request) (any, error) { return sim.Members(), nil },
		"PUT /wecom/members":                take(sim.SetMember),
	}
	const chat = " /wecom/members/{user}/apps/{agent}"
	all["GET"+chat] = func(r *http.Request) (any, error) {
		id, err := agentID(r)
		return sim.Conversation(r.PathValue("user"), id), err
	}
	for name, do := range map[string]func(context.Context, string, int, act) (wecom.Delivery, error){
		"enter": func(ctx context.Context, u string, a int, _ act) (wecom.Delivery, error) { return sim.Enter(ctx, u, a) },
		"text": func(ctx context.Context, u string, a int, d act) (wecom.Delivery, error) {
			return sim.Say(ctx, u, a, d.Text)
		},
		"menu": func(ctx context.Context, u string, a int, d act) (wecom.Delivery, error) {
			return sim.Click(ctx, u, a, d.Key)
		},
		"press": func(ctx context.Context, u string, _ int, d act) (wecom.Delivery, error) {
			return sim.Press(ctx, u, d.Message, d.Key, d.Selected)
		},
		"subscribe": func(ctx context.Context, u string, a int, _ act) (wecom.Delivery, error) {
			return sim.Subscribe(ctx, u, a)
		},
		"unsubscribe": func(ctx context.Context, u string, a int, _ act) (wecom.Delivery, error) {
			return sim.Unsubscribe(ctx, u, a)
		},
	} {
		all["POST"+chat+"/"+name] = func(r *http.Request) (any, error) {
			id, err := agentID(r)
			if err != nil {
				return nil, err
			}
			var d act
			if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(&d); err != nil && err != io.EOF {
				return nil, errBadRequest
			}
			return do(r.Context(), r.PathValue("user"), id, d)
		}
	}
	return all
}

// act is what a member does: text says, a key clicks a menu's item or presses the button of a card in a message.
type act struct {
	Text     string              `json:"text"`
	Key      string              `json:"key"`
	Message  string              `json:"message"`
	Selected map[string][]string `json:"selected"`
}
