package campus

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

// start makes the simulators and listens.
func (c *Campus) start() error {
	if err := c.startWeCom(); err != nil {
		return err
	}
	if err := c.startPay(); err != nil {
		return err
	}
	if err := c.startMail(); err != nil {
		return err
	}
	if err := c.startSMS(); err != nil {
		return err
	}
	c.wait.Go(c.replayer)
	return nil
}

func (c *Campus) startWeCom() error {
	cfg := wecom.Config{
		CorpID: c.state.CorpID, Now: c.Now, HTTPClient: c.cfg.HTTPClient,
		OnChange:       func(userID string) { c.Hub.Publish(topicOf(userID), userID) },
		Log:            c.Timeline.wecom,
		AutoMember:     c.cfg.AutoMember,
		Mishaps:        c.cfg.Mishaps,
		ContactsSecret: c.state.Contacts,
	}
	for _, a := range c.state.Agents {
		pages := c.cfg.PublicURL
		if c.cfg.WeComOnly != nil {
			pages = a.Callback // a bot has its pages where it takes its callbacks
		}
		cfg.Apps = append(cfg.Apps, wecom.App{
			AgentID: a.AgentID, Name: a.Name, Secret: a.Secret, Token: a.Token, EncodingAESKey: a.EncodingAESKey,
			Callback: a.Callback, TrustedDomain: hostOf(pages),
		})
	}
	for _, p := range c.people {
		cfg.Members = append(cfg.Members, p.member(c.state.CorpID))
	}
	var err error
	if c.WeCom, err = wecom.New(cfg); err != nil {
		return err
	}
	c.settings.WeComURL, err = c.listen(c.WeCom.Handler())
	return err
}

// hostOf is the host of an address, with its port if it has one.
func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

func topicOf(userID string) string {
	if userID == "" {
		return TopicCorp
	}
	return TopicChat
}

func (c *Campus) startPay() error {
	var err error
	c.Pay, err = wechatpay.New(wechatpay.Config{
		AppID: c.state.CorpID, APIv3Key: c.state.APIv3Key, Keys: c.cfg.WeChatKeys, BillsAtOnce: true, RateLimits: true, Now: c.Now, Mishaps: c.cfg.Mishaps,
		KnownOpenID: func(id string) bool {
			return slices.ContainsFunc(c.people, func(p Person) bool { return p.member(c.state.CorpID).OpenID == id })
		},
		Trace: func(x wechatpay.Exchange) {
			c.Timeline.wechatpay(x)
			c.Hub.Publish(TopicPay, "")
		},
	})
	if err != nil {
		return err
	}
	c.settings.PayURL, err = c.listen(c.Pay.Handler())
	return err
}

// listen serves a simulator on a loopback port of its own and returns its address.
func (c *Campus) listen(h http.Handler) (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("campus: %w", err)
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	c.servers = append(c.servers, server)
	c.wait.Go(func() { _ = server.Serve(l) }) // returns when Close closes it
	return "http://" + l.Addr().String(), nil
}
