package h5

import (
	"crypto/subtle"
	"errors"
	"net/http"
	"strings"

	"xiaoka/identity"
	"xiaoka/ledger"
)

type bindView struct {
	Name   string // as typed
	Number string
	Error  string
	Locked bool // no try is taken; a code sets a new query password
}

// bindForm asks for what is printed on the card, and its query password.
func (v *visit) bindForm() error {
	if v.person.Bound() {
		return v.redirect("/h5/")
	}
	return v.show(http.StatusOK, "bind", v.t("bind.title"), bindView{})
}

// bind binds the person's own card. Whatever is wrong, the answer and the work
// done for it are the same, so that nothing can be found out by trying.
func (v *visit) bind() error {
	if v.person.Bound() {
		return v.redirect("/h5/")
	}
	form := v.r.PostForm
	data := bindView{Name: clip(form.Get("name")), Number: clip(identity.NormalDigits(form.Get("number")))}
	password := form.Get("query_password")
	if data.Name == "" || data.Number == "" || password == "" {
		data.Error = v.t("bind.incomplete")
		return v.show(http.StatusUnprocessableEntity, "bind", v.t("bind.title"), data)
	}
	initial, err := v.Passwords.Verify(v.ctx(), v.person.ID, password)
	matches := sameName(data.Name, v.person.Name) & (sameNumber(data.Number, v.person.StudentNo) | sameNumber(data.Number, v.person.CardNo))

	var wrong *ledger.PasswordWrongError
	var locked *ledger.PasswordLockedError
	switch {
	case errors.As(err, &locked):
		refused := v.tooSoon("password.locked", locked.Until.Sub(v.now))
		data.Error, data.Locked = refused.Word, true
		return v.show(refused.Status, "bind", v.t("bind.title"), data)
	case errors.As(err, &wrong), errors.Is(err, identity.ErrPasswordFormat), err == nil && matches == 0:
		data.Error = v.t("bind.wrong")
		return v.show(http.StatusUnprocessableEntity, "bind", v.t("bind.title"), data)
	case err != nil:
		return err
	case v.person.CardID == 0:
		return &failure{Status: http.StatusConflict, Code: "no_card"}
	}
	if err := v.Store.BindCard(v.ctx(), v.person.ID, v.now); err != nil {
		return err
	}
	if initial && v.RequireOwnPassword {
		return v.redirect("/h5/password?done=bound")
	}
	return v.redirect("/h5/?done=bound")
}

// sameName compares names as people write them: case and spaces do not count.
func sameName(typed, onRecord string) int {
	fold := func(s string) []byte { return []byte(strings.ToLower(strings.Join(strings.Fields(s), ""))) }
	return subtle.ConstantTimeCompare(fold(typed), fold(onRecord))
}

// sameNumber is 0 for a number that is not on record.
func sameNumber(typed, onRecord string) int {
	if onRecord == "" {
		return 0
	}
	return subtle.ConstantTimeCompare([]byte(strings.ToLower(typed)), []byte(strings.ToLower(onRecord)))
}

// clip is what may be shown of something others wrote: short, trimmed, without
// characters that cannot be seen or that turn the writing round.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r < ' ', r >= 0x7f && r < 0xa0, r == 0xfeff, r == 0x061c,
			r >= 0x200b && r <= 0x200f, r >= 0x202a && r <= 0x202e, r >= 0x2060 && r <= 0x206f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, ""))
	if runes := []rune(s); len(runes) > 64 {
		s = string(runes[:64])
	}
	return strings.TrimSpace(s)
}
