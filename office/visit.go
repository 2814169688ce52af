package office

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

// The way in is that of the pages for phones: a state that is used once and
// serves only the browser that holds the matching cookie, then a session.
// (https://developer.work.weixin.qq.com/document/path/91022)

const (
	sessionCookie = "xiaoka_office"
	oauthCookie   = "xiaoka_office_oauth"
	langCookie    = "xiaoka_office_lang"

	sessionTTL = 30 * time.Minute // fixed; entering again is silent
	stateTTL   = 5 * time.Minute
)

// visit is one request on its way through.
type visit struct {
	*Pages
	w     http.ResponseWriter
	r     *http.Request
	route Route
	now   time.Time
	id    string // of the request, for the log and the error page
	lang  ledger.Lang

	userID string // of the operator; empty on Open routes
	role   Role
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// errEntry: the way in led nowhere; another try may help.
var errEntry = errors.New("the login cannot be used")

// serve wraps a route in everything that is the same for all.
func (p *Pages) serve(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Pages: p, w: w, r: r, route: route, now: p.Now(), id: w.Header().Get("X-Request-Id")}
		if v.id == "" {
			v.id = rand.Text()[:12]
			w.Header().Set("X-Request-Id", v.id)
		}
		v.chooseLang()
		protect(w.Header())
		if err := v.run(); err != nil {
			v.fail(err)
		}
	})
}

// protect sets what every answer carries: nothing of any other host, no
// script, no frame.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// run asks who comes and whether the configuration lets them.
func (v *visit) run() error {
	switch {
	case len(v.Operators) == 0:
		return ledger.ErrNotFound
	case v.route.Role == Open:
		return v.route.handle(v)
	}
	err := v.enter()
	switch {
	case errors.Is(err, ledger.ErrNotFound) && v.r.Method == http.MethodGet:
		return v.startOAuth()
	case err != nil:
		return err
	case v.role < v.route.Role:
		return v.refuse(v.userID)
	}
	return v.route.handle(v)
}

// enter finds the session of the cookie and the role its member has now.
func (v *visit) enter() error {
	cookie, err := v.r.Cookie(v.cookieName(sessionCookie))
	if err != nil {
		return ledger.ErrNotFound
	}
	if v.userID, err = v.Keep.Get(v.ctx(), sessionKey(cookie.Value)); err != nil {
		return err
	}
	v.role = v.Operators[v.userID]
	return nil
}

// refuse writes down who tried what, and answers as if it did not exist.
func (v *visit) refuse(userID string) error {
	who := "stranger"
	if userID != "" {
		who = "member " + userID
	}
	if err := v.Store.Audit(v.ctx(), ledger.AuditEntry{At: v.now, Actor: who, Action: "office_refused", Detail: v.r.URL.Path}); err != nil {
		return err
	}
	return ledger.ErrNotFound
}

// startOAuth sends the browser to WeCom, and back to where it wanted to go.
func (v *visit) startOAuth() error {
	random, err := v.random(32)
	if err != nil {
		return err
	}
	key := hex.EncodeToString(random[16:])
	if cookie, err := v.r.Cookie(v.cookieName(oauthCookie)); err == nil && wellFormed(cookie.Value) {
		key = cookie.Value // two pages opened at once share it
	}
	state := hex.EncodeToString(random[:16])
	if err := v.Keep.Put(v.ctx(), stateKey(state), hash(key)+" "+v.r.URL.Path, stateTTL); err != nil {
		return fmt.Errorf("keep the OAuth state: %w", err)
	}
	v.setCookie(oauthCookie, key, stateTTL)
	// The order of the parameters is the documented one.
	http.Redirect(v.w, v.r, v.OAuthURL+"/connect/oauth2/authorize?appid="+url.QueryEscape(v.CorpID)+
		"&redirect_uri="+url.QueryEscape(v.PublicURL+"/office/oauth/callback")+
		"&response_type=code&scope=snsapi_base&state="+state+
		"&agentid="+strconv.Itoa(v.AgentID)+"#wechat_redirect", http.StatusSeeOther)
	return nil
}

// callback is where WeCom sends the browser back to.
func (v *visit) callback() error {
	query := v.r.URL.Query()
	cookie, err := v.r.Cookie(v.cookieName(oauthCookie))
	state, code := query.Get("state"), query.Get("code")
	if err != nil || !wellFormed(state) || code == "" || len(code) > 512 {
		return errEntry
	}
	kept, err := v.Keep.Take(v.ctx(), stateKey(state))
	if errors.Is(err, ledger.ErrNotFound) {
		return errEntry
	} else if err != nil {
		return fmt.Errorf("take the OAuth state: %w", err)
	}
	key, back, ok := strings.Cut(kept, " ")
	if !ok || key != hash(cookie.Value) {
		return errEntry
	}
	userID, err := v.Members.UserInfo(v.ctx(), code)
	switch {
	case errors.Is(err, ErrStranger):
		return v.refuse("")
	case err != nil:
		return fmt.Errorf("ask WeCom who comes: %w", err)
	}
	// A member of a linked corp comes as CorpId/userid and is nobody's operator.
	userID = ledger.NormalUserID(userID)
	if v.Operators[userID] < Viewer {
		return v.refuse(userID)
	}
	if err := v.begin(userID); err != nil {
		return err
	}
	http.Redirect(v.w, v.r, back, http.StatusSeeOther)
	return nil
}

// begin gives the browser a new session and ends the one it had.
func (v *visit) begin(userID string) error {
	if err := v.end(); err != nil {
		return err
	}
	random, err := v.random(32)
	if err != nil {
		return err
	}
	token := base64.RawURLEncoding.EncodeToString(random)
	if err := v.Keep.Put(v.ctx(), sessionKey(token), userID, sessionTTL); err != nil {
		return fmt.Errorf("keep the session: %w", err)
	}
	if err := v.Store.Audit(v.ctx(), ledger.AuditEntry{At: v.now, Actor: "operator " + userID, Action: "office_entered"}); err != nil {
		return err
	}
	v.setCookie(sessionCookie, token, sessionTTL)
	return nil
}

// end forgets the browser's session.
func (v *visit) end() error {
	cookie, err := v.r.Cookie(v.cookieName(sessionCookie))
	if err != nil {
		return nil // there is none
	}
	if _, err := v.Keep.Take(v.ctx(), sessionKey(cookie.Value)); err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

func (v *visit) leave() error {
	if err := v.end(); err != nil {
		return err
	}
	v.setCookie(sessionCookie, "", -time.Second)
	return v.show(http.StatusOK, "message", "left", nil)
}

// fail is the one place where an error becomes an answer.
func (v *visit) fail(err error) {
	status, said := http.StatusInternalServerError, "internal"
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		status, said = http.StatusNotFound, "not_found"
	case errors.Is(err, errEntry):
		status, said = http.StatusBadRequest, "entry"
	default:
		v.Log.LogAttrs(v.ctx(), slog.LevelError, "office request failed", slog.String("request_id", v.id),
			slog.String("route", v.route.Method+" "+v.route.Pattern), slog.Any("error", err))
	}
	if err := v.show(status, "message", said, nil); err != nil {
		v.Log.ErrorContext(v.ctx(), "office message failed", "request_id", v.id, "error", err)
		http.Error(v.w, http.StatusText(status), status)
	}
}

// nowhere answers addresses that are none.
func (v *visit) nowhere() error { return ledger.ErrNotFound }

// chooseLang takes the language a link of ours asks for, else the one chosen
// before, else the browser's first of the two.
func (v *visit) chooseLang() {
	asked := ledger.Lang(v.r.URL.Query().Get("lang"))
	cookie, err := v.r.Cookie(v.cookieName(langCookie))
	switch {
	case asked == ledger.English || asked == ledger.Chinese:
		v.lang = asked
		v.setCookie(langCookie, string(asked), 365*24*time.Hour)
	case err == nil && ledger.Lang(cookie.Value) == ledger.English:
		v.lang = ledger.English
	case err == nil:
		v.lang = ledger.Chinese
	default:
		v.lang = ledger.PreferredLang(v.r.Header.Get("Accept-Language"))
	}
}

// cookieName adds the prefix by which browsers keep a sub-domain from setting
// the cookie.
func (p *Pages) cookieName(name string) string {
	if p.secure {
		return "__Host-" + name
	}
	return name
}

func (v *visit) setCookie(name, value string, ttl time.Duration) {
	http.SetCookie(v.w, &http.Cookie{Name: v.cookieName(name), Value: value, Path: "/", MaxAge: int(ttl / time.Second),
		HttpOnly: true, Secure: v.secure, SameSite: http.SameSiteLaxMode})
}

func (v *visit) random(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(v.Rand, b)
	return b, err
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func stateKey(state string) string   { return "office:oauth:" + state }
func sessionKey(token string) string { return "office:session:" + hash(token) }

// wellFormed tells a state or key of ours: 128 bits in hex.
func wellFormed(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 16
}
