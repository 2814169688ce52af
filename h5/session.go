package h5

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

// The way in: a page without a session sends the browser to WeCom with a
// state, WeCom sends it back to the callback with a code, the code names the
// member, and a session begins. The state is random, used once, lives
// stateTTL and serves only the browser that holds the matching cookie, so
// nobody can be logged in as somebody else by a link. Where the browser wanted
// to go stays here, under the state.
// (https://developer.work.weixin.qq.com/document/path/91022)

const (
	sessionCookie = "xiaoka_session"
	oauthCookie   = "xiaoka_oauth"

	sessionTTL = 8 * time.Hour // fixed; entering again is silent
	stateTTL   = 5 * time.Minute
)

// cookieName adds the prefix by which browsers keep a sub-domain from setting
// the cookie.
func (p *Pages) cookieName(name string) string {
	if p.secure {
		return "__Host-" + name
	}
	return name
}

func (v *visit) setCookie(name, value string, ttl time.Duration) {
	http.SetCookie(v.w, &http.Cookie{
		Name: v.cookieName(name), Value: value, Path: "/", MaxAge: int(ttl / time.Second),
		HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (v *visit) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(v.Rand, b)
	return b, err
}

func hashToken(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}

// startOAuth sends the browser to WeCom; back is where it wanted to go.
func (v *visit) startOAuth(back string, restarts int) error {
	random, err := v.random(32)
	if err != nil {
		return err
	}
	// Two pages opened at once share the browser's key, or the second would
	// void the first.
	key := hex.EncodeToString(random[16:])
	if cookie, err := v.r.Cookie(v.cookieName(oauthCookie)); err == nil && wellFormed(cookie.Value) {
		key = cookie.Value
	}
	state := hex.EncodeToString(random[:16])
	if len(back) > 512 || !strings.HasPrefix(back, "/h5/") {
		back = "/h5/"
	}
	kept := hex.EncodeToString(hashToken(key)) + " " + strconv.Itoa(restarts) + " " + back
	if err := v.States.Put(v.ctx(), stateKey(state), kept, stateTTL); err != nil {
		return fmt.Errorf("keep OAuth state: %w", err)
	}
	v.setCookie(oauthCookie, key, stateTTL)
	// The order of the parameters is the documented one; old clients check it.
	http.Redirect(v.w, v.r, v.OAuthURL+"/connect/oauth2/authorize?appid="+url.QueryEscape(v.CorpID)+
		"&redirect_uri="+url.QueryEscape(v.PublicURL+"/h5/oauth/callback")+
		"&response_type=code&scope=snsapi_base&state="+state+
		"&agentid="+strconv.Itoa(v.AgentID)+"#wechat_redirect", http.StatusSeeOther)
	return nil
}

func stateKey(state string) string { return "h5:oauth:" + state }

// wellFormed tells a state or key of ours: 128 bits in hex.
func wellFormed(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}

// callback is where WeCom sends the browser back to.
func (v *visit) callback() error {
	query := v.r.URL.Query()
	back, restarts, err := v.takeState(query.Get("state"))
	if err != nil {
		return err
	}
	userID, err := "", ErrOAuthCode
	if code := query.Get("code"); code != "" && len(code) <= 512 {
		userID, err = v.Members.UserInfo(v.ctx(), code)
	}
	switch {
	case errors.Is(err, ErrOAuthCode) && restarts == 0:
		return v.startOAuth(back, restarts+1)
	case errors.Is(err, ErrOAuthCode):
		return &failure{Status: http.StatusBadRequest, Code: "oauth_code", Err: err}
	case errors.Is(err, ErrNotMember):
		return &failure{Status: http.StatusForbidden, Code: "not_member", Err: err}
	case err != nil:
		return &failure{Status: http.StatusBadGateway, Code: "wecom_unreachable", Err: err}
	}
	// A member of a linked corp comes as CorpId/userid; no register of ours
	// vouches for that userid.
	userID = ledger.NormalUserID(userID)
	if userID == "" || strings.Contains(userID, "/") {
		return &failure{Status: http.StatusForbidden, Code: "not_member"}
	}
	if err := v.beginSession(userID); err != nil {
		return err
	}
	return v.redirect(back)
}

// takeState uses up the state and checks that this browser was given it.
func (v *visit) takeState(state string) (back string, restarts int, err error) {
	bad := &failure{Status: http.StatusBadRequest, Code: "oauth_state"}
	cookie, err := v.r.Cookie(v.cookieName(oauthCookie))
	if err != nil || !wellFormed(state) {
		return "", 0, bad
	}
	kept, err := v.States.Take(v.ctx(), stateKey(state))
	if errors.Is(err, ledger.ErrNotFound) {
		return "", 0, bad
	} else if err != nil {
		return "", 0, fmt.Errorf("take OAuth state: %w", err)
	}
	part := strings.SplitN(kept, " ", 3)
	if len(part) != 3 {
		return "", 0, bad
	}
	want := hex.EncodeToString(hashToken(cookie.Value))
	if subtle.ConstantTimeCompare([]byte(part[0]), []byte(want)) != 1 {
		return "", 0, bad
	}
	restarts, err = strconv.Atoi(part[1])
	return part[2], restarts, err
}

// beginSession gives the browser a new token and ends the session it had.
func (v *visit) beginSession(userID string) error {
	random, err := v.random(48)
	if err != nil {
		return err
	}
	person, err := v.Store.PersonByUserID(v.ctx(), userID)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	if old, err := v.r.Cookie(v.cookieName(sessionCookie)); err == nil {
		if err := v.Store.EndSession(v.ctx(), hashToken(old.Value)); err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
	}
	token := base64.RawURLEncoding.EncodeToString(random[:32])
	err = v.Store.CreateSession(v.ctx(), ledger.Session{
		TokenHash: hashToken(token),
		UserID:    userID,
		PersonID:  person.ID,
		CSRF:      base64.RawURLEncoding.EncodeToString(random[32:]),
		CreatedAt: v.now,
		ExpiresAt: v.now.Add(sessionTTL),
	})
	if err != nil {
		return err
	}
	v.setCookie(sessionCookie, token, sessionTTL)
	return nil
}

// ownForm tells whether the form came out of a page that was shown to this visitor.
func (v *visit) ownForm() bool {
	token := v.r.PostForm.Get("csrf_token")
	return token != "" && subtle.ConstantTimeCompare([]byte(token), []byte(v.session.CSRF)) == 1
}

// sameOrigin asks Sec-Fetch-Site and Origin, which pages cannot forge. Clients
// too old for either have only the token to show. A strict referrer policy
// makes browsers say "null" even on their own posts; then Sec-Fetch-Site must
// vouch for it.
func (v *visit) sameOrigin() bool {
	site, origin := v.r.Header.Get("Sec-Fetch-Site"), v.r.Header.Get("Origin")
	switch site {
	case "", "same-origin", "none":
	default:
		return false
	}
	switch origin {
	case "", v.origin, "http://" + v.r.Host, "https://" + v.r.Host:
		return true
	case "null":
		return site == "same-origin"
	}
	return false
}

func (v *visit) crossSite() bool { return v.r.Header.Get("Sec-Fetch-Site") == "cross-site" }
