package h5

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// Wherever a code is asked, posting channel to the same address sends one.
// The pages say to where by a masked address.

// codeForm is what parts.html needs to ask for a code.
type codeForm struct {
	Channels []identity.Address
	Awaited  bool   // a code was sent and can still be used
	SentTo   string // masked; empty when nothing goes there any more
	Wait     int    // seconds until the next one may be sent; 0 = now, for all that is known
}

// codeState tells how far this person is with a code for the purpose.
func (v *visit) codeState(purpose ledger.Purpose) (codeForm, error) {
	form := codeForm{Channels: v.Codes.Addresses(v.person)}
	sent, wait, err := v.Store.CodeAwaited(v.ctx(), v.person.ID, purpose, v.now)
	if err != nil {
		return form, err
	}
	form.Awaited, form.Wait = sent != "", wholeSeconds(wait)
	for _, c := range form.Channels {
		if c.Channel == sent {
			form.SentTo = c.Masked
		}
	}
	return form, nil
}

// refusal is why a form was not taken: a status, words for the person and,
// where time helps, how many seconds to wait.
type refusal struct {
	Status int
	Word   string
	Wait   int
}

// sendCode sends one and leads back to the page, which asks for it.
func (v *visit) sendCode(purpose ledger.Purpose) (*refusal, error) {
	asked := ledger.Channel(v.r.PostForm.Get("channel"))
	person := v.person
	person.Lang = v.lang // the message speaks as the page does
	_, err := v.Codes.Send(v.ctx(), person, asked, purpose)
	var tooSoon *ledger.CodeTooSoonError
	var unsent *identity.SendFailedError
	switch {
	case errors.Is(err, identity.ErrNotOffered), errors.Is(err, identity.ErrNoAddress):
		return &refusal{Status: http.StatusUnprocessableEntity, Word: v.t("code.no_channel")}, nil
	case errors.As(err, &tooSoon) && tooSoon.Everybody:
		return v.tooSoon("code.too_many", tooSoon.RetryAfter), nil
	case errors.As(err, &tooSoon):
		return v.tooSoon("code.too_soon", tooSoon.RetryAfter), nil
	case errors.As(err, &unsent):
		return nil, &failure{Status: http.StatusBadGateway, Code: "code_not_sent", RetryAfter: unsent.RetryAfter, Err: err}
	case err != nil:
		return nil, err
	}
	query := url.Values{"sent": {string(asked)}}
	if next := v.r.URL.Query().Get("next"); afterPassword[next] != "" {
		query.Set("next", next)
	}
	return nil, v.redirect(v.r.URL.Path + "?" + query.Encode())
}

// tooSoon refuses until a time has passed; key is a text with one %s for it.
func (v *visit) tooSoon(key string, after time.Duration) *refusal {
	seconds := max(1, wholeSeconds(after))
	v.w.Header().Set("Retry-After", strconv.Itoa(seconds))
	return &refusal{Status: http.StatusTooManyRequests, Word: v.t(key, v.waitWord(after)), Wait: seconds}
}

// codeWord says in words why a code was refused; known is false for errors
// that are not about the code.
func (v *visit) codeWord(err error) (word string, known bool) {
	var wrong *ledger.CodeWrongError
	switch {
	case errors.As(err, &wrong) && wrong.TriesLeft > 0:
		return v.t("code.wrong", wrong.TriesLeft), true
	case errors.As(err, &wrong), errors.Is(err, ledger.ErrCodeBurnt):
		return v.t("code.burnt"), true
	case errors.Is(err, identity.ErrCodeFormat):
		return v.t("code.format"), true
	case errors.Is(err, ledger.ErrCodeExpired):
		return v.t("code.expired"), true
	case errors.Is(err, ledger.ErrNoCode):
		return v.t("code.none"), true
	}
	return "", false
}

// waitWord says how long in the unit one would use.
func (v *visit) waitWord(d time.Duration) string {
	if s := wholeSeconds(d); s <= 120 {
		return v.t("wait.seconds", s)
	}
	d = d.Round(time.Second) // set a moment after this page began, half an hour is still no 31 minutes
	if m := int((d + time.Minute - 1) / time.Minute); m <= 120 {
		return v.t("wait.minutes", m)
	}
	return v.t("wait.hours", int((d+time.Hour-1)/time.Hour))
}
