package h5

import (
	"context"
	"errors"
	"net/http"

	"xiaoka/ledger"
)

// Loss and un-loss. Reporting is protective: the query password serves even
// while it is the initial one, a repeat shows the same receipt, and what
// stops the card is the store's transaction. Taking the report back needs an
// own password and a fresh code, so that who found the card and guesses the
// password cannot revive it.

// LossCards is told of accepted reports, to update the card in the chat that
// led here. It answers soon and keeps its failures to itself.
type LossCards interface {
	Accepted(ctx context.Context, person ledger.Person, report ledger.LossReport)
}

// pinView is what a page shows that asks for the query password.
type pinView struct {
	PINError string
	Locked   string // how long no try is taken; empty = not locked
	Initial  bool   // still the one everybody knows
	Reset    string // the address that sets a new one by a code, and leads back here
}

// pinState reads what a page says before anything is typed; next names the
// page in afterPassword.
func (v *visit) pinState(next string) (pinView, error) {
	initial, until, err := v.Store.PasswordState(v.ctx(), v.person.ID, v.now)
	view := pinView{Initial: initial, Reset: "/h5/password?with=code&next=" + next}
	if left := until.Sub(v.now); left > 0 {
		view.Locked = v.waitWord(left)
	}
	return view, err
}

type lossView struct {
	pinView
	CardNo  string // last four
	Report  ledger.LossReport
	Lost    bool
	Missing int // terminals that have not fetched the list yet
	Spent   []ledger.SpentAfterLoss
}

// lossState is the newest report of the person and whether it stops the card.
func (v *visit) lossState() (report ledger.LossReport, lost bool, err error) {
	report, err = v.Store.LossState(v.ctx(), v.person.ID)
	if errors.Is(err, ledger.ErrNotFound) {
		return report, false, nil
	}
	return report, err == nil && report.EndedAt.IsZero(), err
}

// lossForm asks for the query password, or shows the receipt and how far the
// report has reached.
func (v *visit) lossForm() error { return v.showLoss(refusal{Status: http.StatusOK}) }

// loss reports the person's card. For one that is lost already no password is
// tried, and the receipt is the same.
func (v *visit) loss() error {
	switch _, lost, err := v.lossState(); {
	case err != nil:
		return err
	case lost:
		return v.redirect("/h5/loss")
	}
	refused, err := v.tryPassword(v.r.PostForm.Get("query_password"), "pin.wrong")
	switch {
	case err != nil:
		return err
	case refused != nil:
		return v.showLoss(*refused)
	}
	report, err := v.Store.ReportLoss(v.ctx(), v.person.ID, v.now)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return &failure{Status: http.StatusConflict, Code: "no_card", Err: err}
	case errors.Is(err, ledger.ErrCardFrozen):
		return &failure{Status: http.StatusConflict, Code: "card_frozen", Err: err}
	case err != nil:
		return err
	}
	if v.LossCards != nil {
		v.LossCards.Accepted(v.ctx(), v.person, report)
	}
	return v.redirect("/h5/loss")
}

func (v *visit) showLoss(refused refusal) error {
	data := lossView{CardNo: lastFour(v.person.CardNo)}
	var err error
	if data.Report, data.Lost, err = v.lossState(); err != nil {
		return err
	}
	data.Missing = max(0, data.Report.Terminals-data.Report.Informed)
	if data.Lost {
		if data.Spent, err = v.Store.SpentAfterLoss(v.ctx(), v.person.ID, data.Report.Receipt); err != nil {
			return err
		}
	} else {
		if data.pinView, err = v.pinState("loss"); err != nil {
			return err
		}
		data.PINError = refused.Word
	}
	return v.show(refused.Status, "loss", v.t("loss.title"), data)
}

type cancelLossView struct {
	pinView
	codeForm
	CardNo  string // last four
	Report  ledger.LossReport
	Lost    bool
	Found   bool // the newest report has been taken back
	Spent   []ledger.SpentAfterLoss
	Error   string // about the form as a whole
	CodeErr string
}

// cancelLossForm asks for what takes a report back, or says that there is none.
func (v *visit) cancelLossForm() error {
	return v.showCancelLoss(http.StatusOK, cancelLossView{})
}

// cancelLoss takes the report back. The password is tried before the code, which
// serves once.
func (v *visit) cancelLoss() error {
	form := v.r.PostForm
	switch _, lost, err := v.lossState(); {
	case err != nil:
		return err
	case !lost:
		return v.redirect("/h5/loss/cancel")
	}
	if form.Has("channel") {
		refused, err := v.sendCode(ledger.PurposeCancelLoss)
		if refused != nil {
			return v.showCancelLoss(refused.Status, cancelLossView{Error: refused.Word, codeForm: codeForm{Wait: refused.Wait}})
		}
		return err
	}
	if form.Get("code") == "" {
		return v.showCancelLoss(http.StatusUnprocessableEntity, cancelLossView{CodeErr: v.t("code.format")})
	}
	refused, err := v.tryPassword(form.Get("query_password"), "pin.wrong")
	switch {
	case err != nil:
		return err
	case refused != nil:
		return v.showCancelLoss(refused.Status, cancelLossView{pinView: pinView{PINError: refused.Word}})
	}
	if err := v.Codes.Check(v.ctx(), v.person.ID, ledger.PurposeCancelLoss, form.Get("code")); err != nil {
		word, known := v.codeWord(err)
		if !known {
			return err
		}
		return v.showCancelLoss(http.StatusUnprocessableEntity, cancelLossView{CodeErr: word})
	}
	if _, err := v.Store.CancelLoss(v.ctx(), v.person.ID, v.now); err != nil && !errors.Is(err, ledger.ErrNotLost) {
		return err
	}
	return v.redirect("/h5/loss/cancel")
}

func (v *visit) showCancelLoss(status int, data cancelLossView) error {
	data.CardNo = lastFour(v.person.CardNo)
	var err error
	if data.Report, data.Lost, err = v.lossState(); err != nil {
		return err
	}
	if data.Found = !data.Lost && !data.Report.EndedAt.IsZero(); data.Found {
		if data.Spent, err = v.Store.SpentAfterLoss(v.ctx(), v.person.ID, data.Report.Receipt); err != nil {
			return err
		}
	}
	if data.Lost {
		word, wait := data.PINError, data.Wait
		if data.pinView, err = v.pinState("cancel_loss"); err != nil {
			return err
		}
		if data.codeForm, err = v.codeState(ledger.PurposeCancelLoss); err != nil {
			return err
		}
		data.PINError, data.Wait = word, max(data.Wait, wait)
	}
	return v.show(status, "cancel_loss", v.t("cancel_loss.title"), data)
}
