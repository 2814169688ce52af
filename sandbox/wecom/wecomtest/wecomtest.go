// Package wecomtest gives a test a whole WeCom in one line: a corp with one app and two members, served on loopback, with
// the official field checks, error codes and encryption of package wecom.
//
//	corp := wecomtest.Start(t)
//	bot := startMyBot(corp.URL, corp.CorpID, corp.Secret, corp.Token, corp.EncodingAESKey, corp.AgentID)
//	corp.Connect(bot.URL + "/callback")
//	answers := corp.Say("zhangsan", "hello")
//
// Any bot that can be told another address than https://qyapi.weixin.qq.com can be tested so, in Go; others run
// `xiaoka-sandbox --wecom-only`, which is the same simulator as a program.
package wecomtest

import (
	"context"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"xiaoka/sandbox/wecom"
)

// The two members.
const (
	Zhang = "zhangsan"
	Li    = "lisi"
)

// patience is how long Wait waits; a bot that needs more would have lost WeCom's callback.
const patience = 10 * time.Second

// Corp is a running WeCom with one app. The embedded Server's methods are all there: faults, cards, menus, members.
type Corp struct {
	*wecom.Server
	URL            string // instead of https://qyapi.weixin.qq.com and of https://open.weixin.qq.com
	CorpID         string
	AgentID        int
	Secret         string
	Token          string
	EncodingAESKey string

	t testing.TB
}

// Start serves a corp until the test ends.
func Start(t testing.TB) *Corp {
	t.Helper()
	app := wecom.App{AgentID: 1000002, Name: "应用", Secret: "test-secret", Token: "testToken", EncodingAESKey: "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"}
	sim, err := wecom.New(wecom.Config{
		CorpID: "wwtest00000000000", Apps: []wecom.App{app},
		Members: []wecom.Member{{UserID: Zhang, Name: "张三", OpenID: "oZhang"}, {UserID: Li, Name: "李四", OpenID: "oLi"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	return &Corp{Server: sim, URL: server.URL, CorpID: sim.CorpID(), AgentID: app.AgentID, Secret: app.Secret, Token: app.Token,
		EncodingAESKey: app.EncodingAESKey, t: t}
}

// Connect does what the console does when a callback address is saved: it asks the bot there to decrypt a text, and
// fails the test if it cannot. The address's host becomes the app's trusted domain for OAuth.
func (c *Corp) Connect(callback string) {
	c.t.Helper()
	app := c.Apps()[0]
	app.Callback = callback
	if u, err := url.Parse(callback); err == nil {
		app.TrustedDomain = u.Host
	}
	if err := c.SetApp(app); err != nil {
		c.t.Fatal(err)
	}
	if err := c.VerifyURL(c.t.Context(), c.AgentID); err != nil {
		c.t.Fatalf("the callback address %s: %v", callback, err)
	}
}

// Say lets a member write a text and returns what the bot said by the time it had answered the callback, passive
// answers included. It fails the test if the bot does not acknowledge the callback.
func (c *Corp) Say(userID, text string) []wecom.Message {
	c.t.Helper()
	before := len(c.Conversation(userID, c.AgentID))
	if _, err := c.Server.Say(c.t.Context(), userID, c.AgentID, text); err != nil {
		c.t.Fatalf("%s says %q: %v", userID, text, err)
	}
	return c.heard(userID, before)
}

// Press lets a member press a button of a card, as Say.
func (c *Corp) Press(userID, messageID, key string) []wecom.Message {
	c.t.Helper()
	before := len(c.Conversation(userID, c.AgentID))
	if _, err := c.Server.Press(c.t.Context(), userID, messageID, key, nil); err != nil {
		c.t.Fatalf("%s presses %q: %v", userID, key, err)
	}
	return c.heard(userID, before)
}

func (c *Corp) heard(userID string, before int) (heard []wecom.Message) {
	for _, m := range c.Conversation(userID, c.AgentID)[before:] {
		if m.From == wecom.FromApp {
			heard = append(heard, m)
		}
	}
	return heard
}

// Wait returns the first message to a member that match takes, of those that are there and those to come within ten
// seconds, and fails the test if there is none.
func (c *Corp) Wait(userID string, match func(wecom.Message) bool) wecom.Message {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), patience)
	defer cancel()
	m, err := c.Await(ctx, userID, c.AgentID, match)
	if err != nil {
		c.t.Fatalf("%s waits in vain: %v", userID, err)
	}
	return m
}
