package kiosk

import (
	"errors"
	"fmt"
	"net/http"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// transferLine is a transfer as a holder reads it on the machine.
type transferLine struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	AmountFen ledger.Fen `json:"amount_fen"`
	CreatedAt string     `json:"created_at"`
}

func (a *API) line(t ledger.Transfer) transferLine {
	return transferLine{ID: t.ID, Title: t.Title, AmountFen: t.Amount, CreatedAt: a.time(t.CreatedAt)}
}

// holder finds the card's holder and checks the password. An unknown card
// costs the same work as a known one. A machine that is suspended, also while
// the password was being checked, learns nothing about it.
func (a *API) holder(c *call, cardNo, pin string) (ledger.Holder, error) {
	if until := c.terminal.SuspendedUntil; c.now.Before(until) {
		return ledger.Holder{}, &ledger.SuspendedError{Until: until}
	}
	h, err := a.prove(c, cardNo, pin)
	var wrong *ledger.PasswordWrongError
	var locked *ledger.PasswordLockedError
	switch {
	case errors.As(err, &wrong), errors.As(err, &locked) && locked.Tried:
		if failed := a.failed(c); failed != nil {
			return ledger.Holder{}, failed
		}
	case err == nil:
		now, err := a.cfg.Store.Terminal(c.ctx, c.terminal.ID)
		if err != nil {
			return ledger.Holder{}, fmt.Errorf("terminal %s: %w", c.terminal.ID, err)
		}
		if c.now.Before(now.SuspendedUntil) {
			return ledger.Holder{}, &ledger.SuspendedError{Until: now.SuspendedUntil}
		}
	}
	return h, err
}

// failed counts a wrong password, and raises the alarm for the one too many.
func (a *API) failed(c *call) error {
	until, err := a.cfg.Store.PINFailed(c.ctx, c.terminal.ID, c.now)
	if err != nil {
		return fmt.Errorf("count a wrong password: %w", err)
	}
	if !until.IsZero() {
		a.cfg.OnSuspended()
		a.cfg.Log.WarnContext(c.ctx, "machine suspended: too many wrong query passwords", "terminal", c.terminal.ID,
			"location", c.terminal.Location, "wrong", ledger.SuspendAfter, "within", ledger.SuspendWindow, "until", a.time(until))
	}
	return nil
}

// prove finds the holder and checks the password.
func (a *API) prove(c *call, cardNo, pin string) (ledger.Holder, error) {
	h, err := a.cfg.Store.Holder(c.ctx, cardNo)
	if errors.Is(err, ledger.ErrCardNotFound) {
		_, _ = a.cfg.Passwords.Verify(c.ctx, 0, pin)
		return h, err
	}
	if err != nil {
		return h, fmt.Errorf("holder: %w", err)
	}
	initial, err := a.cfg.Passwords.Verify(c.ctx, h.Person.ID, pin)
	if err != nil {
		return h, fmt.Errorf("query password: %w", err)
	}
	if initial && a.cfg.RequireChange {
		return h, ledger.ErrPasswordChangeRequired
	}
	return h, nil
}

// visitor is the holder at a machine, and their visit is on record before
// anything of theirs is shown: they find it in their own settings.
func (a *API) visitor(c *call, cardNo, pin string) (ledger.Holder, error) {
	h, err := a.holder(c, cardNo, pin)
	if err != nil {
		return h, err
	}
	e := ledger.AuditEntry{At: c.now, Actor: "terminal " + c.terminal.ID, Action: "looked_up", PersonID: h.Person.ID, CardNo: h.CardNo}
	if err := a.cfg.Store.Audit(c.ctx, e); err != nil {
		return h, fmt.Errorf("record the look-up: %w", err)
	}
	return h, nil
}

// lookup shows what waits for the holder of a card. A lost or frozen card is
// shown as such: its holder may look, only not collect.
func (a *API) lookup(c *call) error {
	in, err := decode[struct {
		CardNo string `json:"card_no"`
		PIN    string `json:"pin"`
	}](c.body)
	if err != nil {
		return err
	}
	f := fields{}
	f.cardNo(in.CardNo)
	f.pin(in.PIN)
	if err := f.err(); err != nil {
		return err
	}
	h, err := a.visitor(c, in.CardNo, in.PIN)
	if err != nil {
		return err
	}
	open, err := a.cfg.Store.PendingTransfers(c.ctx, h.Person.ID, c.now)
	if err != nil {
		return fmt.Errorf("pending transfers: %w", err)
	}
	answer := struct {
		CardNo     string            `json:"card_no"`
		Holder     string            `json:"holder"`
		StudentNo  string            `json:"student_no"`
		Status     ledger.CardStatus `json:"status"`
		PendingFen ledger.Fen        `json:"pending_fen"`
		Transfers  []transferLine    `json:"transfers"`
	}{
		CardNo:    h.CardNo,
		Holder:    identity.MaskName(h.Person.Name),
		StudentNo: identity.MaskNumber(h.Person.StudentNo),
		Status:    h.Status,
		Transfers: []transferLine{},
	}
	for _, t := range open {
		if t.State == ledger.TransferPending { // what is in flight cannot be collected here
			answer.PendingFen += t.Amount
			answer.Transfers = append(answer.Transfers, a.line(t))
		}
	}
	return c.answer(http.StatusOK, answer)
}

// transfers lists the transfers of one month, in every state.
func (a *API) transfers(c *call) error {
	in, err := decode[struct {
		CardNo string `json:"card_no"`
		PIN    string `json:"pin"`
		Month  string `json:"month"`
	}](c.body)
	if err != nil {
		return err
	}
	f := fields{}
	f.cardNo(in.CardNo)
	f.pin(in.PIN)
	from, to := f.month(in.Month, a.cfg.Zone)
	if err := f.err(); err != nil {
		return err
	}
	h, err := a.visitor(c, in.CardNo, in.PIN)
	if err != nil {
		return err
	}
	found, err := a.cfg.Store.TransfersBetween(c.ctx, h.Person.ID, from, to, c.now)
	if err != nil {
		return fmt.Errorf("transfers of a month: %w", err)
	}
	type line struct {
		transferLine
		State      ledger.TransferState `json:"state"`
		ClaimedAt  string               `json:"claimed_at,omitempty"`
		TerminalID string               `json:"terminal_id,omitempty"`
	}
	lines := make([]line, len(found))
	for i, t := range found {
		lines[i] = line{transferLine: a.line(t), State: t.State, TerminalID: t.TerminalID}
		if !t.ClaimedAt.IsZero() {
			lines[i].ClaimedAt = a.time(t.ClaimedAt)
		}
	}
	return c.answer(http.StatusOK, struct {
		Transfers []line `json:"transfers"`
	}{lines})
}
