package h5

import (
	"context"
	"net/http"
	"regexp"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// Newcomers links members who are not on record to people, by a student
// number and a code that goes to the address on record for it. No answer
// tells whether a number is on record.
type Newcomers interface {
	// Channels lists the ways a code can travel.
	Channels() []ledger.Channel
	// Ask has a code sent if the number is on record. A wait above 0 means
	// that the member asked too often, and nothing was done.
	Ask(ctx context.Context, userID, number string, channel ledger.Channel, lang ledger.Lang) (wait time.Duration, err error)
	// Asked tells whether the member gave a number lately.
	Asked(ctx context.Context, userID string) (bool, error)
	// Prove takes the code; with the right one the member is that person, and
	// verified.
	Prove(ctx context.Context, userID, code string) (proven bool, err error)
}

type verifyView struct {
	codeForm
	Known bool // the userid is on record
	Error string

	Newcomer  bool   // not on record, and may say who they are
	Number    string // as typed
	NumberErr string
}

// verifyForm offers the ways a code can travel, and the field for it once one
// is on its way.
func (v *visit) verifyForm() error {
	switch {
	case v.person.Verified():
		return v.redirect("/h5/")
	case v.person.ID == 0:
		return v.showNewcomer(refusal{Status: http.StatusOK}, verifyView{})
	}
	return v.showVerify(refusal{Status: http.StatusOK})
}

// verify sends a code, or takes one and makes the member a verified person.
func (v *visit) verify() error {
	switch {
	case v.person.Verified():
		return v.redirect("/h5/verify")
	case v.person.ID == 0:
		return v.verifyNewcomer()
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
	data := verifyView{Known: true, Error: refused.Word}
	var err error
	if data.codeForm, err = v.codeState(ledger.PurposeVerify); err != nil {
		return err
	}
	data.Wait = max(data.Wait, refused.Wait)
	return v.show(refused.Status, "verify", v.t("verify.title"), data)
}

// numberForm is what a student or staff number looks like.
var numberForm = regexp.MustCompile(`^[0-9A-Za-z-]{4,20}$`)

// verifyNewcomer takes a number to send a code, or the code.
func (v *visit) verifyNewcomer() error {
	form := v.r.PostForm
	switch {
	case v.Newcomers == nil:
		return v.redirect("/h5/verify")
	case form.Has("channel"):
		return v.askNewcomer(clip(identity.NormalDigits(form.Get("student_no"))), ledger.Channel(form.Get("channel")))
	}
	proven, err := v.Newcomers.Prove(v.ctx(), v.session.UserID, form.Get("code"))
	switch {
	case err != nil:
		return err
	case !proven:
		return v.showNewcomer(refusal{Status: http.StatusUnprocessableEntity, Word: v.t("newcomer.wrong")}, verifyView{})
	}
	// The session was a member's and is a person's from here on.
	if err := v.beginSession(v.session.UserID); err != nil {
		return err
	}
	return v.redirect("/h5/bind?done=verified")
}

func (v *visit) askNewcomer(number string, channel ledger.Channel) error {
	data := verifyView{Number: number}
	if !numberForm.MatchString(number) {
		data.NumberErr = v.t("newcomer.number_format")
		return v.showNewcomer(refusal{Status: http.StatusUnprocessableEntity}, data)
	}
	wait, err := v.Newcomers.Ask(v.ctx(), v.session.UserID, number, channel, v.lang)
	switch {
	case err != nil:
		return err
	case wait > 0:
		refused := v.tooSoon("newcomer.too_often", wait)
		data.NumberErr = refused.Word
		return v.showNewcomer(*refused, data)
	}
	return v.redirect("/h5/verify?sent=" + string(channel))
}

func (v *visit) showNewcomer(refused refusal, data verifyView) error {
	if data.Newcomer = v.Newcomers != nil; data.Newcomer {
		for _, channel := range v.Newcomers.Channels() {
			data.Channels = append(data.Channels, identity.Address{Channel: channel})
		}
		var err error
		if data.Awaited, err = v.Newcomers.Asked(v.ctx(), v.session.UserID); err != nil {
			return err
		}
		if data.NumberErr == "" {
			data.Error = refused.Word
		}
		if data.Awaited && v.r.Method == http.MethodGet && v.r.URL.Query().Has("sent") {
			data.Wait = 60 / ledger.CodesAMinute
		}
	}
	return v.show(refused.Status, "verify", v.t("verify.title"), data)
}
