package kiosk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"unicode/utf8"

	"xiaoka/ledger"
)

// claimBody asks for what waits; PIN stays empty at a till, where the swipe
// claims by itself.
type claimBody struct {
	CardNo string `json:"card_no"`
	PIN    string `json:"pin,omitempty"`
	Chip   *chip  `json:"chip"`
}

// claimAtKiosk authorises a load once the holder has given the password.
func (a *API) claimAtKiosk(c *call) error {
	key, in, chip, err := readClaim(c, fields.pin)
	if err != nil {
		return err
	}
	if _, err := a.holder(c, in.CardNo, in.PIN); err != nil {
		return err
	}
	claim, err := a.authorise(c, key, in, chip)
	if err != nil {
		return err
	}
	return a.answerClaim(c, claim)
}

// claimAtPOS authorises a load in passing. Nothing to load is the usual case
// of a purchase and no error: 204.
func (a *API) claimAtPOS(c *call) error {
	key, in, chip, err := readClaim(c, func(fields, string) {})
	if err != nil {
		return err
	}
	in.PIN = "" // not asked for at a till, whatever it sends
	claim, err := a.authorise(c, key, in, chip)
	switch {
	case errors.Is(err, ledger.ErrNothingPending), errors.Is(err, ledger.ErrPurseFull):
		c.w.Header().Set("Cache-Control", "no-store")
		c.w.WriteHeader(http.StatusNoContent)
		return nil
	case err != nil:
		return err
	}
	return a.answerClaim(c, claim)
}

// readClaim reads what both kinds of claims share; checkPIN is what they do not.
func readClaim(c *call, checkPIN func(fields, string)) (key string, in claimBody, chip ledger.Chip, err error) {
	if key, err = idempotencyKey(c.r.Header); err != nil {
		return key, in, chip, err
	}
	if in, err = decode[claimBody](c.body); err != nil {
		return key, in, chip, err
	}
	f := fields{}
	f.cardNo(in.CardNo)
	checkPIN(f, in.PIN)
	chip = f.chip(in.Chip)
	return key, in, chip, f.err()
}

func idempotencyKey(h http.Header) (string, error) {
	keys := h.Values("Idempotency-Key")
	if len(keys) != 1 || !visible(keys[0], 128) {
		return "", errNoIdempotencyKey
	}
	return keys[0], nil
}

func (a *API) authorise(c *call, key string, in claimBody, chip ledger.Chip) (ledger.Claim, error) {
	hash, err := a.bodyHash(in)
	if err != nil {
		return ledger.Claim{}, err
	}
	claim, err := a.cfg.Store.Authorise(c.ctx, ledger.ClaimRequest{
		TerminalID:     c.terminal.ID,
		IdempotencyKey: key,
		BodyHash:       hash,
		CardNo:         in.CardNo,
		Chip:           chip,
		Now:            c.now,
		Expire:         a.cfg.ClaimExpire,
		MaxBalance:     a.cfg.MaxBalance,
	})
	if err != nil {
		return claim, fmt.Errorf("authorise: %w", err)
	}
	return claim, nil
}

// bodyHash stands for the body in the books: two spellings of the same request
// are the same, and without our key nobody can try six digits against it.
func (a *API) bodyHash(in claimBody) ([]byte, error) {
	canonical, err := json.Marshal(in)
	if err != nil {
		return nil, fmt.Errorf("canonical body: %w", err)
	}
	mac := hmac.New(sha256.New, a.cfg.HashKey[:])
	mac.Write(canonical)
	return mac.Sum(nil), nil
}

// answerClaim is a function of the stored claim alone: a repeat gets the same
// bytes whatever became of the claim meanwhile.
func (a *API) answerClaim(c *call, claim ledger.Claim) error {
	type expected struct {
		LoadSeq    int64      `json:"load_seq"`
		BalanceFen ledger.Fen `json:"balance_fen"`
	}
	lines := make([]transferLine, len(claim.Transfers))
	for i, t := range claim.Transfers {
		lines[i] = a.line(t)
	}
	want := claim.Expected()
	return c.answer(http.StatusCreated, struct {
		ClaimID   string         `json:"claim_id"`
		AmountFen ledger.Fen     `json:"amount_fen"`
		Transfers []transferLine `json:"transfers"`
		Expected  expected       `json:"expected"`
		ExpiresAt string         `json:"expires_at"`
	}{claim.ID, claim.Amount, lines, expected{want.LoadSeq, want.Balance}, a.time(claim.ExpiresAt)})
}

// confirm reports a chip that was written.
func (a *API) confirm(c *call) error {
	in, err := decode[struct {
		Chip *chip `json:"chip"`
	}](c.body)
	if err != nil {
		return err
	}
	f := fields{}
	chip := f.chip(in.Chip)
	if err := f.err(); err != nil {
		return err
	}
	claim, err := a.cfg.Store.ConfirmClaim(c.ctx, c.terminal.ID, c.r.PathValue("id"), chip, c.now)
	return a.answerEnd(c, claim, err)
}

// cancel reports a chip that was not written; if it shows that it was, the
// claim ends as claimed.
func (a *API) cancel(c *call) error {
	in, err := decode[struct {
		Chip   *chip  `json:"chip"`
		Reason string `json:"reason"`
	}](c.body)
	if err != nil {
		return err
	}
	f := fields{}
	chip := f.chip(in.Chip)
	f.need(utf8.RuneCountInString(in.Reason) <= 200, "reason", "is longer than 200 characters")
	if err := f.err(); err != nil {
		return err
	}
	claim, err := a.cfg.Store.CancelClaim(c.ctx, c.terminal.ID, c.r.PathValue("id"), chip, in.Reason, c.now)
	return a.answerEnd(c, claim, err)
}

func (a *API) answerEnd(c *call, claim ledger.Claim, err error) error {
	if err != nil {
		return fmt.Errorf("end of claim: %w", err)
	}
	return c.answer(http.StatusOK, struct {
		State ledger.ClaimState `json:"state"`
	}{claim.State})
}
