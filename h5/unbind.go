package h5

import (
	"errors"
	"net/http"
	"time"

	"xiaoka/ledger"
)

type unbindView struct {
	pinView
	CardNo string // last four
}

func (v *visit) unbindForm() error { return v.showUnbind(refusal{Status: http.StatusOK}) }

// unbind takes the card off the member and ends every session of the person,
// this one too.
func (v *visit) unbind() error {
	refused, err := v.tryPassword(v.r.PostForm.Get("query_password"), "pin.wrong")
	switch {
	case err != nil:
		return err
	case refused != nil:
		return v.showUnbind(*refused)
	}
	if err := v.Store.Unbind(v.ctx(), v.person.ID, v.now); err != nil && !errors.Is(err, ledger.ErrNotBound) {
		return err
	}
	v.setCookie(sessionCookie, "", -time.Second)
	return v.redirect("/h5/goodbye?lang=" + string(v.lang))
}

func (v *visit) showUnbind(refused refusal) error {
	pin, err := v.pinState("unbind")
	if err != nil {
		return err
	}
	pin.PINError = refused.Word
	return v.show(refused.Status, "unbind", v.t("unbind.title"), unbindView{pin, lastFour(v.person.CardNo)})
}

// goodbye is the page after unbinding; it knows nobody.
func (v *visit) goodbye() error {
	return v.show(http.StatusOK, "goodbye", v.t("goodbye.title"), nil)
}
