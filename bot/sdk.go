package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/silenceper/wechat/v2/util"
	"github.com/silenceper/wechat/v2/work/addresslist"
	"github.com/silenceper/wechat/v2/work/config"
	workcontext "github.com/silenceper/wechat/v2/work/context"
	"github.com/silenceper/wechat/v2/work/oauth"
)

// The SDK's work calls take no context, know one API address only and write the token into addresses that end up in their errors. All three are
// mended at one place: the SDK is given a random ticket instead of a token, and its process-wide HTTP client is replaced, once, by a
// transport that exchanges the ticket for the call behind it: its context, its API address, its token. So the caller's deadline
// holds, several clients (and tests) live side by side in a process, and what the SDK prints holds a dead ticket.

// sdkCall is what a ticket stands for.
type sdkCall struct {
	ctx    context.Context
	client *Client
	token  string
}

var (
	sdkCalls sync.Map // ticket → sdkCall, only while the call runs
	sdkSetup sync.Once
)

// sdkTransport sends the SDK's requests.
type sdkTransport struct{}

func (sdkTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	query := r.URL.Query()
	found, ok := sdkCalls.Load(query.Get("access_token"))
	if !ok {
		return nil, errors.New("bot: SDK call without a client behind it")
	}
	call := found.(sdkCall)
	out := r.Clone(call.ctx)
	query.Set("access_token", call.token)
	out.URL.Scheme, out.URL.Host, out.Host = call.client.base.Scheme, call.client.base.Host, ""
	out.URL.Path = call.client.base.Path + r.URL.Path
	out.URL.RawPath, out.URL.RawQuery = "", query.Encode()
	resp, err := call.client.rest.GetClient().Transport.RoundTrip(out)
	if err != nil {
		return nil, err
	}
	resp.Body = limitedBody{io.LimitReader(resp.Body, maxAnswerBytes), resp.Body}
	return resp, nil
}

type limitedBody struct {
	io.Reader
	io.Closer
}

// sdkTicket is the SDK's AccessTokenHandle.
type sdkTicket string

// GetAccessToken implements credential.AccessTokenHandle.
func (t sdkTicket) GetAccessToken() (string, error) { return string(t), nil }

// viaSDK runs one call of the SDK with the app's token, as call does.
func (c *Client) viaSDK(ctx context.Context, op string, do func(*workcontext.Context) error) error {
	sdkSetup.Do(func() {
		util.DefaultHTTPClient = &http.Client{
			Transport:     sdkTransport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	})
	return c.withToken(ctx, func(ctx context.Context, token string) error {
		ticket := rand.Text()
		sdkCalls.Store(ticket, sdkCall{ctx, c, token})
		defer sdkCalls.Delete(ticket)
		err := do(&workcontext.Context{
			Config:            &config.Config{CorpID: c.app.CorpID, AgentID: fmt.Sprint(c.app.AgentID)},
			AccessTokenHandle: sdkTicket(ticket),
		})
		var common *util.CommonError
		switch {
		case err == nil:
			return nil
		case errors.As(err, &common):
			return &APIError{Op: op, Code: int(common.ErrCode), Msg: common.ErrMsg}
		case ctx.Err() != nil:
			return &APIError{Op: op, cause: ctx.Err()}
		}
		// Anything else the SDK says may quote the address, and with it the OAuth code.
		var u *url.Error
		if errors.As(err, &u) {
			return &APIError{Op: op, cause: u.Err}
		}
		return &APIError{Op: op, cause: errors.New("no usable answer")}
	})
}

// UserInfo says which member an OAuth code stands for: the userid in lower case. It returns ErrBadCode for a code that is malformed, used or
// expired, and ErrNotMember for anybody who is no member of this corp: an openid proves no identity here, and "corp/userid" is
// another corp's. https://developer.work.weixin.qq.com/document/path/91023
func (c *Client) UserInfo(ctx context.Context, code string) (string, error) {
	const op = "auth/getuserinfo"
	if !validCode(code) {
		return "", fmt.Errorf("bot: %s: %w", op, ErrBadCode)
	}
	var info *oauth.GetUserInfoResponse
	err := c.viaSDK(ctx, op, func(w *workcontext.Context) (err error) {
		info, err = oauth.NewOauth(w).GetUserInfo(code)
		return err
	})
	if err != nil {
		return "", err
	}
	if !validUserID(info.UserID) {
		return "", fmt.Errorf("bot: %s: %w", op, ErrNotMember)
	}
	return strings.ToLower(info.UserID), nil
}

// validCode keeps anything out of the address that is not a code.
func validCode(code string) bool {
	if code == "" || len(code) > 512 {
		return false
	}
	return strings.IndexFunc(code, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '_' || r == '-')
	}) < 0
}

// OpenID is the openid of a member for WeChat Pay, under the corp's id as appid; it does not change. It returns ErrNoOpenID for a member who
// never used WeCom with WeChat. https://developer.work.weixin.qq.com/document/path/90202
func (c *Client) OpenID(ctx context.Context, userID string) (string, error) {
	const op = "user/convert_to_openid"
	var openID string
	err := c.viaSDK(ctx, op, func(w *workcontext.Context) (err error) {
		openID, err = addresslist.NewClient(w).ConvertToOpenID(userID)
		return err
	})
	if err == nil && openID == "" {
		err = &APIError{Op: op, cause: errors.New("answer has no openid")}
	}
	return openID, err
}
