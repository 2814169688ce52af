package bot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-resty/resty/v2"
	"github.com/redis/go-redis/v9"
)

// APIURL is WeCom's own API.
const APIURL = "https://qyapi.weixin.qq.com"

const (
	callTimeout    = 5 * time.Second
	maxAnswerBytes = 1 << 20
)

// ClientConfig is what a Client needs.
type ClientConfig struct {
	App    App
	Secret string // the app's own; never logged, never in an error
	// Contacts: the secret is that of contact sync (通讯录同步), which belongs to no app; App has no AgentID then.
	Contacts bool
	// BaseURL is WeCom's API or what stands in for it, with or without a path; "" = APIURL.
	BaseURL string
	// Redis shares the access_token among replicas; nil = this process only.
	Redis redis.UniversalClient
	// Limits keeps messages within WeCom's limits; nil = they are not counted.
	Limits *Limits

	Log  *slog.Logger     // nil = none
	Now  func() time.Time // nil = time.Now
	HTTP http.RoundTripper
}

// Client calls WeCom for one app. It is safe for concurrent use. Every call honours its context's deadline, is cut after 5 s at the
// latest, follows no redirect and reads at most 1 MiB. A token that WeCom stopped accepting is renewed once and the call repeated once.
// Calls that WeCom did not do return *APIError.
type Client struct {
	app    App
	base   *url.URL
	rest   *resty.Client
	tokens *tokens
	limits *Limits
	log    *slog.Logger
}

// NewClient returns a Client; it makes no call yet.
func NewClient(cfg ClientConfig) (*Client, error) {
	if cfg.BaseURL == "" {
		cfg.BaseURL = APIURL
	}
	base, err := url.Parse(strings.TrimRight(cfg.BaseURL, "/"))
	if err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http" {
		return nil, errors.New("bot: WeCom API address must be an http or https URL")
	}
	if cfg.App.CorpID == "" || cfg.App.AgentID <= 0 && !cfg.Contacts || cfg.Secret == "" {
		return nil, fmt.Errorf("bot: app %q needs a corp id, an agent id and a secret", cfg.App.Name)
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.HTTP == nil {
		cfg.HTTP = newTransport()
	}
	rest := resty.New().
		SetBaseURL(base.String()).
		SetTransport(cfg.HTTP).
		SetTimeout(callTimeout).
		SetRedirectPolicy(resty.NoRedirectPolicy()).
		SetResponseBodyLimit(maxAnswerBytes).
		SetLogger(silent{})
	c := &Client{app: cfg.App, base: base, rest: rest, limits: cfg.Limits, log: cfg.Log}
	c.tokens = newTokens(cfg, c.getToken)
	return c, nil
}

// newTransport keeps enough idle connections for a busy lunch; the default of 2 a host would dial anew for nearly every call.
func newTransport() http.RoundTripper {
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          100,
		MaxIdleConnsPerHost:   100,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   3 * time.Second,
		ResponseHeaderTimeout: callTimeout,
	}
}

// silent keeps resty from logging errors, which hold addresses with tokens.
type silent struct{}

func (silent) Errorf(string, ...any) {}
func (silent) Warnf(string, ...any)  {}
func (silent) Debugf(string, ...any) {}

// status is the part that every answer of WeCom begins with.
type status struct {
	ErrCode int    `json:"errcode"`
	ErrMsg  string `json:"errmsg"`
}

// request is one API call: GET without a body, POST with one.
type request struct {
	op    string // path below /cgi-bin/, also the name in errors
	query url.Values
	body  any
}

// call makes a request with the app's token and decodes the answer into out.
func (c *Client) call(ctx context.Context, req request, out any) error {
	body, err := encodeJSON(req.body)
	if err != nil {
		return &APIError{Op: req.op, cause: err}
	}
	return c.withToken(ctx, func(ctx context.Context, token string) error {
		query := url.Values{"access_token": {token}}
		for k, v := range req.query {
			query[k] = v
		}
		return c.exchange(ctx, req.op, query, body, out)
	})
}

// withToken runs do with a token and once more with a new one if WeCom no longer accepts the first. 40001 counts too: out of a business
// call it speaks of the token, and a second refusal ends it in any case.
func (c *Client) withToken(ctx context.Context, do func(ctx context.Context, token string) error) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		token, err := c.tokens.get(ctx)
		if err != nil {
			return err
		}
		err = do(ctx, token)
		var api *APIError
		if !errors.As(err, &api) {
			return err
		}
		api.Msg = strings.ReplaceAll(api.Msg, token, "…")
		stale := api.Code == 40014 || api.Code == 42001 || api.Code == 40001
		if !stale || attempt > 0 {
			return err
		}
		c.tokens.drop(ctx, token)
	}
}

// exchange is one HTTP round: POST with a body, GET without. Its error is an *APIError.
func (c *Client) exchange(ctx context.Context, op string, query url.Values, body []byte, out any) error {
	r := c.rest.R().SetContext(ctx).SetQueryParamsFromValues(query)
	method := http.MethodGet
	if body != nil {
		method = http.MethodPost
		r.SetHeader("Content-Type", "application/json; charset=utf-8").SetBody(body)
	}
	resp, err := r.Execute(method, "/cgi-bin/"+op)
	if err != nil {
		return &APIError{Op: op, cause: withoutAddress(err)}
	}
	if resp.StatusCode() != http.StatusOK {
		return &APIError{Op: op, cause: fmt.Errorf("HTTP status %d", resp.StatusCode())}
	}
	return decodeAnswer(op, resp.Body(), out)
}

func decodeAnswer(op string, body []byte, out any) error {
	var s status
	if err := json.Unmarshal(body, &s); err != nil {
		return &APIError{Op: op, cause: errors.New("answer is not JSON")}
	}
	if s.ErrCode != 0 {
		return &APIError{Op: op, Code: s.ErrCode, Msg: s.ErrMsg}
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(body, out); err != nil {
		return &APIError{Op: op, cause: errors.New("answer has an unexpected form")}
	}
	return nil
}

// withoutAddress drops the address from an HTTP error, since its query holds the token, and keeps what can be decided on.
func withoutAddress(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

// encodeJSON writes <, > and & as they are: WeCom refuses escaped characters in places (40033). nil gives nil.
func encodeJSON(v any) ([]byte, error) {
	if v == nil {
		return nil, nil
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimRight(b.Bytes(), "\n"), nil
}

// getToken fetches a token. https://developer.work.weixin.qq.com/document/path/91039
func (c *Client) getToken(ctx context.Context, secret string) (token string, life time.Duration, err error) {
	var out struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	query := url.Values{"corpid": {c.app.CorpID}, "corpsecret": {secret}}
	if err := c.exchange(ctx, "gettoken", query, nil, &out); err != nil {
		var api *APIError
		if errors.As(err, &api) {
			api.Msg = strings.ReplaceAll(api.Msg, secret, "…")
		}
		return "", 0, err
	}
	if out.AccessToken == "" || out.ExpiresIn <= 0 {
		return "", 0, &APIError{Op: "gettoken", cause: errors.New("answer has no token")}
	}
	return out.AccessToken, time.Duration(out.ExpiresIn) * time.Second, nil
}

// CallbackIPs lists the addresses that WeCom's callbacks come from, for a firewall. https://developer.work.weixin.qq.com/document/path/91116
func (c *Client) CallbackIPs(ctx context.Context) ([]string, error) {
	var out struct {
		IPList []string `json:"ip_list"`
	}
	err := c.call(ctx, request{op: "getcallbackip"}, &out)
	return out.IPList, err
}

func (c *Client) agent() url.Values {
	return url.Values{"agentid": {strconv.FormatInt(c.app.AgentID, 10)}}
}

// SetMenu replaces the app's whole menu. https://developer.work.weixin.qq.com/document/path/90231
func (c *Client) SetMenu(ctx context.Context, m Menu) error {
	if err := m.Validate(); err != nil {
		return err
	}
	return c.call(ctx, request{op: "menu/create", query: c.agent(), body: m}, nil)
}

// Menu reads the app's menu; an app without one has an empty Menu. https://developer.work.weixin.qq.com/document/path/90232
func (c *Client) Menu(ctx context.Context) (Menu, error) {
	var m Menu
	err := c.call(ctx, request{op: "menu/get", query: c.agent()}, &m)
	var api *APIError
	if errors.As(err, &api) && api.Code == 46003 {
		return Menu{}, nil
	}
	return m, err
}

// jitter spreads n replicas that would otherwise do the same at the same moment.
func jitter(d time.Duration) time.Duration { return d + rand.N(d/2+1) }
