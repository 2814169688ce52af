package h5

import (
	"errors"
	"net/http"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

type passwordView struct {
	codeForm
	Initial    bool   // still the one everybody knows
	ByCode     bool   // forgotten or locked
	Locked     string // how long no try is taken; empty = not locked
	Error      string // about the form as a whole
	PINError   string // about the old one
	CodeErr    string
	NewError   string
	AgainError string // about the repetition
}

// afterPassword are the pages that a new password leads back to, by the word
// that names them in the address; home if there is none.
var afterPassword = map[string]string{
	"loss":        "/h5/loss",
	"cancel_loss": "/h5/loss/cancel",
	"unbind":      "/h5/unbind",
}

func (v *visit) passwordForm() error {
	query := v.r.URL.Query()
	return v.showPassword(http.StatusOK, passwordView{ByCode: query.Get("with") == "code" || query.Has("sent")})
}

// password sets a new query password for somebody who knows the old one, or
// who came in through WeCom and holds a fresh code; the second way lifts a
// lock. Every other session of the person ends.
func (v *visit) password() error {
	form := v.r.PostForm
	if form.Has("channel") {
		refused, err := v.sendCode(ledger.PurposePassword)
		if refused != nil {
			return v.showPassword(refused.Status, passwordView{ByCode: true, Error: refused.Word, codeForm: codeForm{Wait: refused.Wait}})
		}
		return err
	}
	data := passwordView{ByCode: form.Has("code")}
	old, chosen := identity.NormalDigits(form.Get("old_password")), identity.NormalDigits(form.Get("new_password"))
	// A code serves once, so the new password is judged before it is used up.
	switch err := identity.CheckStrength(chosen, v.person.StudentNo, v.person.CardNo, v.person.Phone); {
	case err != nil:
		data.NewError = v.weakness(err)
	case form.Has("repeat_password") && identity.NormalDigits(form.Get("repeat_password")) != chosen:
		data.AgainError = v.t("password.differs")
	case !data.ByCode && old == chosen:
		data.NewError = v.t("password.same")
	}
	if data.NewError != "" || data.AgainError != "" {
		return v.showPassword(http.StatusUnprocessableEntity, data)
	}
	refused, err := v.prove(&data, old)
	if err != nil {
		return err
	}
	if refused != 0 {
		return v.showPassword(refused, data)
	}
	if err := v.Passwords.Set(v.ctx(), v.person, chosen); err != nil {
		return err
	}
	if err := v.Store.EndSessions(v.ctx(), v.person.ID, v.session.TokenHash); err != nil {
		return err
	}
	if !v.person.Bound() {
		return v.redirect("/h5/bind?done=password")
	}
	if back, ok := afterPassword[v.r.URL.Query().Get("next")]; ok {
		return v.redirect(back + "?done=password")
	}
	return v.redirect("/h5/?done=password")
}

// prove takes the code or the old password; a status other than 0 refuses,
// with the words in data.
func (v *visit) prove(data *passwordView, old string) (status int, err error) {
	if data.ByCode {
		if err = v.Codes.Check(v.ctx(), v.person.ID, ledger.PurposePassword, v.r.PostForm.Get("code")); err == nil {
			return 0, nil
		}
		word, known := v.codeWord(err)
		if !known {
			return 0, err
		}
		data.CodeErr = word
		return http.StatusUnprocessableEntity, nil
	}
	refused, err := v.tryPassword(old, "password.wrong")
	if err != nil || refused == nil {
		return 0, err
	}
	data.PINError = refused.Word
	return refused.Status, nil
}

// tryPassword checks the query password, whose tries are counted before. wrong
// is the text for a wrong one, with one %d for the tries left.
func (v *visit) tryPassword(pin, wrong string) (*refusal, error) {
	_, err := v.Passwords.Verify(v.ctx(), v.person.ID, pin)
	var mistaken *ledger.PasswordWrongError
	var locked *ledger.PasswordLockedError
	switch {
	case err == nil:
		return nil, nil
	case errors.As(err, &mistaken):
		return &refusal{Status: http.StatusUnprocessableEntity, Word: v.t(wrong, mistaken.TriesLeft)}, nil
	case errors.Is(err, identity.ErrPasswordFormat):
		return &refusal{Status: http.StatusUnprocessableEntity, Word: v.t("password.format")}, nil
	case errors.As(err, &locked):
		return v.tooSoon("password.locked", locked.Until.Sub(v.now)), nil
	}
	return nil, err
}

// weakness says what is wrong with a new password.
func (v *visit) weakness(err error) string {
	switch {
	case errors.Is(err, identity.ErrPasswordRun):
		return v.t("password.run")
	case errors.Is(err, identity.ErrPasswordRepeat):
		return v.t("password.repeat")
	case errors.Is(err, identity.ErrPasswordCommon):
		return v.t("password.common")
	case errors.Is(err, identity.ErrPasswordOnRecord):
		return v.t("password.on_record")
	}
	return v.t("password.format")
}

func (v *visit) showPassword(status int, data passwordView) error {
	initial, lockedUntil, err := v.Store.PasswordState(v.ctx(), v.person.ID, v.now)
	if err != nil {
		return err
	}
	data.Initial = initial
	if left := lockedUntil.Sub(v.now); left > 0 {
		data.Locked, data.ByCode = v.waitWord(left.Round(time.Second)), true
	}
	if data.ByCode {
		wait := data.Wait
		if data.codeForm, err = v.codeState(ledger.PurposePassword); err != nil {
			return err
		}
		data.Wait = max(data.Wait, wait)
	}
	return v.show(status, "password", v.t("password.title"), data)
}
