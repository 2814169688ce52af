package h5

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/url"
	"time"

	"xiaoka/ledger"
)

// visit is one request on its way through: who asks, for what, in which
// language.
type visit struct {
	*Pages
	w     http.ResponseWriter
	r     *http.Request
	route Route
	now   time.Time
	id    string // of the request, for the log and the error page
	lang  ledger.Lang

	session ledger.Session // zero on Open routes
	person  ledger.Person  // zero when the userid is not on record
}

func (v *visit) ctx() context.Context { return v.r.Context() }

// maxForm bounds a posted form; the largest has four short fields.
const maxForm = 16 << 10

// serve wraps a route in everything that is the same for all.
func (p *Pages) serve(route Route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &visit{Pages: p, w: w, r: r, route: route, now: p.Now(), id: w.Header().Get("X-Request-Id")}
		if v.id == "" {
			v.id = rand.Text()[:12]
			w.Header().Set("X-Request-Id", v.id)
		}
		v.lang = v.spoken()
		protect(w.Header())
		if err := v.run(); err != nil {
			v.fail(err)
		}
	})
}

// protect sets what every answer carries. The pages may be framed by their
// own origin only.
func protect(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "+
		"connect-src 'self'; form-action 'self'; frame-ancestors 'self'; base-uri 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), payment=(), usb=()")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// run asks, in this order: from our own page? who? with our token? ready for
// this page? and only then lets the page act.
func (v *visit) run() error {
	safe := v.r.Method == http.MethodGet || v.r.Method == http.MethodHead
	if !safe {
		if !v.sameOrigin() {
			return &failure{Status: http.StatusForbidden, Code: "cross_origin"}
		}
		v.r.Body = http.MaxBytesReader(v.w, v.r.Body, maxForm)
		if err := v.r.ParseForm(); err != nil {
			return &failure{Status: http.StatusBadRequest, Code: "bad_request", Err: err}
		}
	}
	if v.route.Role == Open {
		return v.route.handle(v)
	}
	switch err := v.enter(); {
	case errors.Is(err, ledger.ErrNotFound) && safe && v.route.Kind == Page:
		return v.startOAuth(v.r.URL.RequestURI(), 0)
	case errors.Is(err, ledger.ErrNotFound):
		return &failure{Status: http.StatusUnauthorized, Code: "no_session"}
	case err != nil:
		return err
	}
	if !safe && !v.ownForm() {
		return &failure{Status: http.StatusForbidden, Code: "csrf"}
	}
	if safe && v.route.Kind == Page {
		if back, asked, err := v.switchLang(); err != nil {
			return err
		} else if asked {
			return v.redirect(back)
		}
	}
	if code, err := v.lacking(); err != nil {
		return err
	} else if code != "" {
		return v.lead(code)
	}
	return v.route.handle(v)
}

// enter finds the session of the cookie and the person it belongs to, as on
// record now; ErrNotFound means neither.
func (v *visit) enter() error {
	cookie, err := v.r.Cookie(v.cookieName(sessionCookie))
	if err != nil {
		return ledger.ErrNotFound
	}
	hash := hashToken(cookie.Value)
	if v.session, err = v.Store.Session(v.ctx(), hash, v.now); err != nil {
		return err
	}
	v.session.TokenHash = hash
	if !v.now.Before(v.session.ExpiresAt) {
		return ledger.ErrNotFound
	}
	if v.session.PersonID == 0 {
		// Once the register has the userid, a session of the person begins,
		// which can be ended with the person's others.
		switch _, err := v.Store.PersonByUserID(v.ctx(), v.session.UserID); {
		case errors.Is(err, ledger.ErrNotFound):
			v.lang = v.spoken()
			return nil
		case err != nil:
			return err
		}
		return ledger.ErrNotFound
	}
	if v.person, err = v.Store.PersonByID(v.ctx(), v.session.PersonID); err != nil {
		return err
	}
	if ledger.NormalUserID(v.person.UserID) != v.session.UserID {
		return ledger.ErrNotFound // the person has another userid by now
	}
	v.lang = v.spoken()
	return nil
}

// What a visitor lacks for a page; also the codes of problem+json.
const (
	lacksVerification = "not_verified"
	lacksCard         = "not_bound"
	lacksPassword     = "password_change_required"
)

var nextStep = map[string]string{
	lacksVerification: "/h5/verify",
	lacksCard:         "/h5/bind",
	lacksPassword:     "/h5/password",
}

// lacking tells what the person must do before this route.
func (v *visit) lacking() (code string, err error) {
	switch {
	case v.route.Role >= Verified && !v.person.Verified():
		return lacksVerification, nil
	case v.route.Role >= Holder && !v.person.Bound():
		return lacksCard, nil
	case v.route.Role >= Bound && v.RequireOwnPassword:
		initial, _, err := v.Store.PasswordState(v.ctx(), v.person.ID, v.now)
		if initial && err == nil {
			return lacksPassword, nil
		}
		return "", err
	}
	return "", nil
}

func (v *visit) lead(code string) error {
	if v.route.Kind != Page {
		return &failure{Status: http.StatusForbidden, Code: code}
	}
	return v.redirect(nextStep[code])
}

// redirect sends the browser on by GET; to is one of our own paths.
func (v *visit) redirect(to string) error {
	http.Redirect(v.w, v.r, to, http.StatusSeeOther)
	return nil
}

// switchLang takes ?lang= from a link of our own, keeps the choice and
// returns the address without it. For a visitor who is not on record their
// browser keeps it, as for the guide.
func (v *visit) switchLang() (back string, asked bool, err error) {
	query := v.r.URL.Query()
	lang := ledger.Lang(query.Get("lang"))
	if lang != ledger.Chinese && lang != ledger.English {
		return "", false, nil
	}
	if v.person.ID == 0 {
		v.lang = lang
		v.setCookie(langCookie, string(lang), langTTL)
		return "", false, nil
	}
	if lang != v.person.Lang && !v.crossSite() {
		if err := v.Store.SetLang(v.ctx(), v.person.ID, lang); err != nil {
			return "", false, err
		}
	}
	query.Del("lang")
	return (&url.URL{Path: v.r.URL.Path, RawQuery: query.Encode()}).String(), true, nil
}

// langCookie keeps the choice of somebody who is not on record.
const (
	langCookie = "xiaoka_lang"
	langTTL    = 365 * 24 * time.Hour
)

// spoken is the language to speak: the choice on record, else the one just
// made or kept by the browser, the one the chat last answered in, the first of
// the two that the browser names, else Chinese.
func (v *visit) spoken() ledger.Lang {
	if v.person.Lang != "" {
		return v.person.Lang
	}
	kept := ""
	if c, err := v.r.Cookie(v.cookieName(langCookie)); err == nil {
		kept = c.Value
	}
	for _, lang := range []ledger.Lang{ledger.Lang(v.r.URL.Query().Get("lang")), ledger.Lang(kept), v.inChat()} {
		if lang == ledger.English || lang == ledger.Chinese {
			return lang
		}
	}
	return ledger.PreferredLang(v.r.Header.Get("Accept-Language"))
}

// inChat is the language the chat last answered the visitor in; empty = none.
func (v *visit) inChat() ledger.Lang {
	if v.Spoken == nil || v.session.UserID == "" {
		return ""
	}
	return v.Spoken(v.ctx(), v.session.UserID)
}

// maxID bounds the numbers in addresses; WeChat Pay's bound for an
// out_trade_no is the largest.
const maxID = 32

// pathID is a number of ours in the address, or ErrNotFound for what cannot be
// one: the databases disagree about text that is none.
func (v *visit) pathID(name string) (string, error) {
	id := v.r.PathValue(name)
	if id == "" || len(id) > maxID {
		return "", ledger.ErrNotFound
	}
	for _, c := range []byte(id) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && c != '-' {
			return "", ledger.ErrNotFound
		}
	}
	return id, nil
}

// nowhere answers addresses that are none, in the visitor's language.
func (v *visit) nowhere() error {
	if err := v.enter(); err != nil {
		return err
	}
	return ledger.ErrNotFound
}
