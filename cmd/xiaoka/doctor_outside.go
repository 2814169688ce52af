package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/handlers"
	"xiaoka/identity"
	"xiaoka/pay"
)

// The half of the doctor that asks other people's services.

// asker follows no redirect: the addresses checked must answer themselves.
var asker = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// address asks whether the public address leads to a server of ours.
func (d *doctor) address(ctx context.Context) {
	const check = "public address"
	if u, err := url.Parse(d.cfg.PublicURL); err == nil && u.Scheme != "https" {
		d.warn(check, "is not https", "phones and WeChat Pay want https in production: put a reverse proxy with a certificate in front")
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.cfg.PublicURL+"/healthz", nil)
	if err != nil {
		d.fail(check, "is malformed", "set public_url to scheme and host")
		return
	}
	resp, err := asker.Do(r)
	if err != nil {
		d.fail(check, "no answer at "+d.cfg.PublicURL, "start `xiaoka serve`, then check DNS, firewall and the reverse proxy")
		return
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		d.fail(check, fmt.Sprintf("%s/healthz answers %d", d.cfg.PublicURL, resp.StatusCode), "let the reverse proxy pass every path on unchanged")
		return
	}
	d.ok(check, d.cfg.PublicURL+" leads to a running server")
}

// wecom examines both apps: the secret, who can see it, where it sends
// callbacks, where OAuth may return to, and its menu.
func (d *doctor) wecom(ctx context.Context) {
	for _, app := range []struct {
		name  string
		path  string
		agent config.Agent
	}{
		{handlers.AssistantApp, "/wecom/assistant", d.cfg.WeCom.Assistant},
		{handlers.CardApp, "/wecom/card", d.cfg.WeCom.Card},
	} {
		d.app(ctx, app.name, app.path, app.agent)
	}
}

func (d *doctor) app(ctx context.Context, name, path string, agent config.Agent) {
	check := "wecom " + name
	app := bot.App{Name: name, CorpID: d.cfg.WeCom.CorpID, AgentID: agent.AgentID}
	client, err := bot.NewClient(bot.ClientConfig{App: app, Secret: agent.Secret.Reveal(), BaseURL: d.cfg.WeCom.APIURL})
	if err != nil {
		d.fail(check, err.Error(), "")
		return
	}
	seen, err := client.Agent(ctx)
	if err != nil {
		d.fail(check, err.Error(), wecomFix(err))
		return
	}
	d.ok(check, fmt.Sprintf("%s: id, secret and agent id fit together", seen.Name))
	switch {
	case seen.Closed:
		d.fail(check, "the app is switched off", "enable it in the WeCom console: 应用管理")
	case !seen.Visible():
		d.fail(check, "nobody can see the app", "add the members to its visible range: 应用管理 → 可见范围")
	}
	if name == handlers.CardApp {
		d.trustedDomain(check, seen.RedirectDomain)
		d.operators(ctx, client)
	}
	if !seen.ReportsEntry {
		d.warn(check, "entering the app is not reported", "switch 上报用户进入应用事件 on in 接收消息, or nobody is greeted")
	}
	d.callback(ctx, check, path, app, agent)
	menu, err := client.Menu(ctx)
	switch {
	case err != nil:
		d.warn(check, "its menu cannot be read: "+err.Error(), "")
	case len(menu.Button) == 0:
		d.warn(check, "it has no menu", "run `xiaoka menu push`")
	}
}

// operators asks WeCom for each operator: the card app tells them of every day,
// and to somebody it does not reach each report would be a dead push.
func (d *doctor) operators(ctx context.Context, card *bot.Client) {
	const check = "operators"
	for _, o := range d.cfg.Operators {
		joined, err := card.Member(ctx, o.UserID)
		var api *bot.APIError
		switch {
		case errors.As(err, &api) && api.Code == 60011:
			d.fail(check, o.UserID+" cannot see the card app, so no report reaches them", "add them to the card app's visible range: 应用管理 → 可见范围, or take them out of operators")
		case errors.Is(err, bot.ErrUnreachable):
			d.fail(check, o.UserID+" is no member of this corp, or not one the card app can see", "correct the userid in operators (通讯录 → 成员 → 账号), or add the member to the card app's visible range")
		case err != nil:
			d.warn(check, o.UserID+" cannot be looked up: "+err.Error(), wecomFix(err))
		case !joined:
			d.fail(check, o.UserID+" has not joined WeCom, has left or is disabled", "let them join, or take them out of operators")
		default:
			d.ok(check, o.UserID+" can be reached by the card app")
		}
	}
}

// trustedDomain holds the console's 可信域名 against the address of the pages:
// OAuth is refused with 50001 where they differ.
func (d *doctor) trustedDomain(check, domain string) {
	u, err := url.Parse(d.cfg.PublicURL)
	if err != nil || (domain != u.Host && domain != u.Hostname()) {
		d.fail(check, fmt.Sprintf("pages live at %s, the trusted domain is %q", d.cfg.PublicURL, domain), "set 网页授权及JS-SDK → 可信域名 to the host of public_url")
		return
	}
	d.ok(check, "the trusted domain is that of the pages")
}

func (d *doctor) callback(ctx context.Context, check, path string, app bot.App, agent config.Agent) {
	address := d.cfg.PublicURL + path
	err := bot.VerifyCallback(ctx, asker, address, app, agent.Token.Reveal(), agent.AESKey.Reveal())
	switch {
	case errors.Is(err, bot.ErrForged):
		d.fail(check, "the server at "+address+" does not know this token and key", "restart serve with this configuration, and enter the same Token and EncodingAESKey in the console")
	case err != nil:
		d.fail(check, "callback "+address+": "+err.Error(), "WeCom must reach this address from outside: check serve, DNS and the reverse proxy")
	default:
		d.ok(check, "the callback at "+address+" answers as WeCom expects")
	}
}

// wecomFix explains WeCom's refusals.
// https://developer.work.weixin.qq.com/document/path/90313
func wecomFix(err error) string {
	var api *bot.APIError
	if !errors.As(err, &api) {
		return ""
	}
	switch api.Code {
	case 0:
		return "WeCom did not answer: check the way out to wecom.api_url, and a proxy if one is needed"
	case 40013:
		return "wecom.corp_id is not a corp: copy it from 我的企业 → 企业ID"
	case 40001, 42001, 40014, 40091:
		return "the Secret is not this corp's: copy it from the app's page again"
	case 60020:
		return "add the address named above to 企业可信IP on the app's page; it takes about a minute"
	case 301002, 40056:
		return "the Secret belongs to another app than the agent_id: take both from the same page"
	case -1, 45009, 45033:
		return "WeCom is busy or limits us: try again in a few minutes"
	}
	return "look the code up in WeCom's table of return codes"
}

func (d *doctor) wechatpay(ctx context.Context) {
	const check = "wechat pay"
	merchant, err := merchant(d.cfg, noBooks{}, quietLog)
	if err != nil {
		d.fail(check, err.Error(), "")
		return
	}
	if err := merchant.Check(ctx); err != nil {
		d.fail(check, err.Error(), "check mch_id, serial_no and private_key against the merchant platform (API安全), api_v3_key, the public key or its id, and this machine's clock")
		return
	}
	d.ok(check, "signs, is known, and what WeChat Pay signs is verified")
	if d.cfg.WeChatPay.PublicKeyID == "" {
		d.ok(check, "platform certificates are fetched and decrypted")
	}
}

// noBooks is for calls that touch no book.
type noBooks struct{ pay.Store }

func (d *doctor) mail(ctx context.Context) {
	const check = "mail"
	sender, err := identity.NewSMTP(identity.SMTPOptions{URL: d.cfg.SMTP.URL.Reveal(), From: d.cfg.SMTP.From})
	if err != nil {
		d.fail(check, err.Error(), "correct smtp.url and smtp.from")
		return
	}
	begun := time.Now()
	if err := sender.Check(ctx); err != nil {
		d.fail(check, err.Error(), "check smtp.url: host, port, STARTTLS, user and password")
		return
	}
	d.ok(check, fmt.Sprintf("the server takes our login (%d ms)", time.Since(begun).Milliseconds()))
}

func (d *doctor) sms(ctx context.Context) {
	const check = "sms"
	if !d.cfg.SMS.Offered() {
		d.warn(check, "not configured: codes go by mail only", "set the sms section to offer phones")
		return
	}
	sender, err := newSMS(d.cfg.SMS, quietLog)
	if err != nil {
		d.fail(check, err.Error(), "correct the sms section")
		return
	}
	if err := sender.Check(ctx); err != nil {
		d.fail(check, err.Error(), "check secret_id, secret_key, template_id and region in Tencent Cloud's console, and that the template is approved")
		return
	}
	d.ok(check, "the account is known and the template approved")
}
