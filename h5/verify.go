package h5

import (
	"net/http"

	"xiaoka/ledger"
)

type verifyView struct {
	codeForm
	Known bool // the userid is on record
	Error string
}

// verifyForm offers the ways a code can travel, and the field for it once one
// is on its way.
func (v *visit) verifyForm() error {
	if v.person.Verified() {
		return v.redirect("/h5/")
	}
	return v.showVerify(refusal{Status: http.StatusOK})
}

// verify sends a code, or takes one and makes the member a verified person.
func (v *visit) verify() error {
	if v.person.Verified() || v.person.ID == 0 {
		return v.redirect("/h5/verify")
	}
	if v.r.PostForm.Has("channel") {
		refused, err := v.sendCode(ledger.PurposeVerify)
		if refused != nil {
			return v.showVerify(*refused)
		}
		return err
	}
	if err := v.Codes.Check(v.ctx(), v.person.ID, ledger.PurposeVerify, v.r.PostForm.Get("code")); err != nil {
		word, known := v.codeWord(err)
		if !known {
			return err
		}
		return v.showVerify(refusal{Status: http.StatusUnprocessableEntity, Word: word})
	}
	if err := v.Store.MarkVerified(v.ctx(), v.person.ID, v.now); err != nil {
		return err
	}
	return v.redirect("/h5/bind?done=verified")
}

func (v *visit) showVerify(refused refusal) error {
	data := verifyView{Known: v.person.ID != 0, Error: refused.Word}
	if data.Known {
		var err error
		if data.codeForm, err = v.codeState(ledger.PurposeVerify); err != nil {
			return err
		}
		data.Wait = max(data.Wait, refused.Wait)
	}
	return v.show(refused.Status, "verify", v.t("verify.title"), data)
}
