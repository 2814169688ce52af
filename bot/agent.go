package bot

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Agent is what WeCom's console holds of an app, as far as it decides whether the app can serve its members.
// https://developer.work.weixin.qq.com/document/path/90227
type Agent struct {
	Name           string
	Users          int // members in its visible range one by one
	Departments    int // departments in its visible range
	Tags           int // tags in its visible range
	Closed         bool
	RedirectDomain string // 可信域名, where OAuth may return to: a host, perhaps with a port
	ReportsEntry   bool   // 上报用户进入应用事件: enter_agent comes
}

// Visible reports whether anybody at all can see the app.
func (a Agent) Visible() bool { return a.Users+a.Departments+a.Tags > 0 }

// Agent reads the app's own entry. For checks of a configuration, not for every day.
func (c *Client) Agent(ctx context.Context) (Agent, error) {
	var out struct {
		Name           string `json:"name"`
		Close          int    `json:"close"`
		RedirectDomain string `json:"redirect_domain"`
		ReportEnter    int    `json:"isreportenter"`
		Users          struct {
			User []struct {
				UserID string `json:"userid"`
			} `json:"user"`
		} `json:"allow_userinfos"`
		Parties struct {
			ID []int64 `json:"partyid"`
		} `json:"allow_partys"`
		Tags struct {
			ID []int64 `json:"tagid"`
		} `json:"allow_tags"`
	}
	err := c.call(ctx, request{op: "agent/get", query: c.agent()}, &out)
	return Agent{Name: out.Name, Users: len(out.Users.User), Departments: len(out.Parties.ID), Tags: len(out.Tags.ID),
		Closed: out.Close != 0, RedirectDomain: out.RedirectDomain, ReportsEntry: out.ReportEnter != 0}, err
}

// Member reads whether a member of the app's visible range can be sent messages: joined is false for one who is disabled, has left or never came
// in. APIError 60011 says that the app cannot see the member, ErrUnreachable that there is none. For checks of a configuration.
// https://developer.work.weixin.qq.com/document/path/90196
func (c *Client) Member(ctx context.Context, userID string) (joined bool, err error) {
	var out struct {
		Status int `json:"status"`
	}
	err = c.call(ctx, request{op: "user/get", query: url.Values{"userid": {userID}}}, &out)
	return out.Status == 1, err
}

// VerifyCallback asks address, as WeCom does when its console saves it, to decrypt a text, and compares the answer. A nil error means that
// the address reaches a [Callback] with the same token and key. https://developer.work.weixin.qq.com/document/path/90930
func VerifyCallback(ctx context.Context, hc *http.Client, address string, app App, token, encodingAESKey string) error {
	crypt, err := newCrypt(encodingAESKey, app.CorpID)
	if err != nil {
		return err
	}
	var random [16]byte
	rand.Read(random[:])
	echo, nonce, timestamp := rand.Text(), rand.Text(), strconv.FormatInt(time.Now().Unix(), 10)
	sealed := crypt.seal(nil, append(crypt.begin(nil, random), echo...))
	signature := sign([]byte(token), []byte(timestamp), []byte(nonce), sealed)
	query := url.Values{"msg_signature": {string(signature[:])}, "timestamp": {timestamp}, "nonce": {nonce}, "echostr": {string(sealed)}}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?"+query.Encode(), nil)
	if err != nil {
		return errors.New("bot: the callback address is malformed")
	}
	resp, err := hc.Do(r)
	if err != nil {
		return fmt.Errorf("bot: no answer: %w", withoutAddress(err))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	switch {
	case err != nil:
		return fmt.Errorf("bot: the answer broke off: %w", err)
	case resp.StatusCode == http.StatusForbidden:
		return ErrForged
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("bot: HTTP status %d", resp.StatusCode)
	case !bytes.Equal(body, []byte(echo)):
		return fmt.Errorf("bot: another answer than the text asked for (%s)", strings.ToValidUTF8(http.DetectContentType(body), ""))
	}
	return nil
}
