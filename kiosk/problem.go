package kiosk

import (
	"encoding/json"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"xiaoka/ledger"
)

// refusal is an error that a terminal is told: a status and a stable code.
type refusal struct {
	status int
	code   string
	title  string
	fields map[string]string // of validation_failed: what is wrong, by field
}

func (e *refusal) Error() string { return e.code }

// Refusals that have no counterpart in the ledger.
var (
	errBadSignature      = &refusal{status: 401, code: "bad_signature", title: "The Authorization header is malformed or the signature does not fit"}
	errStaleRequest      = &refusal{status: 401, code: "stale_request", title: "The timestamp is more than 300 s away from the server's clock"}
	errReplayedRequest   = &refusal{status: 401, code: "replayed_request", title: "The nonce was used before"}
	errUnknownTerminal   = &refusal{status: 401, code: "unknown_terminal", title: "No such terminal is registered"}
	errTerminalDisabled  = &refusal{status: 403, code: "terminal_disabled", title: "The terminal is out of service"}
	errWrongTerminalKind = &refusal{status: 403, code: "wrong_terminal_kind", title: "This call is not for this kind of terminal"}
	errBadRequest        = &refusal{status: 400, code: "bad_request", title: "The request cannot be read"}
	errNoIdempotencyKey  = &refusal{status: 400, code: "bad_request", title: "One Idempotency-Key header of 1 to 128 visible ASCII characters is needed"}
	errTooLarge          = &refusal{status: 413, code: "too_large", title: "The body is too large"}
	errRateLimited       = &refusal{status: 429, code: "rate_limited", title: "Too many requests from this terminal"}
	errNoSuchAddress     = &refusal{status: 404, code: "not_found", title: "No such address or method"}
	errInternal          = &refusal{status: 500, code: "internal", title: "The server failed; the same request later is safe"}

	errSuspended = &refusal{status: 429, code: "rate_limited", title: "Too many wrong query passwords at this machine"}

	errPINWrong  = &refusal{status: 403, code: "pin_wrong", title: "The query password is wrong"}
	errPINLocked = &refusal{status: 403, code: "pin_locked", title: "The query password is locked"}
)

// refusals is how the ledger's errors look to a terminal.
var refusals = []struct {
	err error
	refusal
}{
	{ledger.ErrPasswordChangeRequired, refusal{status: 403, code: "password_change_required", title: "The holder must choose an own query password first"}},
	{ledger.ErrCardLost, refusal{status: 403, code: "card_lost", title: "The card is reported lost"}},
	{ledger.ErrCardFrozen, refusal{status: 403, code: "card_frozen", title: "The card is frozen"}},
	{ledger.ErrCardNotFound, refusal{status: 404, code: "card_not_found", title: "No such card"}},
	{ledger.ErrClaimNotFound, refusal{status: 404, code: "claim_not_found", title: "This terminal holds no such claim"}},
	{ledger.ErrNothingPending, refusal{status: 409, code: "nothing_pending", title: "Nothing waits to be collected"}},
	{ledger.ErrClaimInProgress, refusal{status: 409, code: "claim_in_progress", title: "Another terminal may still be writing this card"}},
	{ledger.ErrPurseFull, refusal{status: 409, code: "purse_full", title: "No waiting transfer fits on the card"}},
	{ledger.ErrChipOutOfStep, refusal{status: 409, code: "chip_out_of_step", title: "The chip does not show what the claim needs"}},
	{ledger.ErrIdempotencyReused, refusal{status: 422, code: "idempotency_key_reused", title: "The Idempotency-Key was used with another body"}},
}

// problem is the body of an error (RFC 9457) with our extension members.
type problem struct {
	Type        string            `json:"type"`
	Title       string            `json:"title"`
	Status      int               `json:"status"`
	Detail      string            `json:"detail,omitempty"`
	Code        string            `json:"code"`
	TriesLeft   *int              `json:"tries_left,omitempty"`
	LockedUntil string            `json:"locked_until,omitempty"`
	Suspended   string            `json:"suspended_until,omitempty"`
	Fields      map[string]string `json:"fields,omitempty"`
}

// fail is the only place that writes errors. What is not a refusal stays in
// the log.
func (a *API) fail(w http.ResponseWriter, r *http.Request, terminalID string, err error) {
	p := a.problem(err)
	if p.Status >= 500 {
		a.cfg.Log.ErrorContext(r.Context(), "terminal call failed", "route", r.Pattern, "terminal", terminalID, "err", err)
	} else if p.Status == http.StatusUnauthorized {
		a.cfg.Log.WarnContext(r.Context(), "terminal call refused", "route", r.Pattern, "terminal", terminalID, "problem", p.Code)
	}
	var suspended *ledger.SuspendedError
	switch {
	case errors.As(err, &suspended):
		w.Header().Set("Retry-After", strconv.Itoa(max(1, int(math.Ceil(suspended.Until.Sub(a.cfg.Now()).Seconds())))))
	case p.Status == http.StatusTooManyRequests:
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, p.Status, "application/problem+json", p)
}

func (a *API) problem(err error) problem {
	var (
		known  *refusal
		wrong  *ledger.PasswordWrongError
		locked *ledger.PasswordLockedError

		suspended *ledger.SuspendedError
	)
	switch {
	case errors.As(err, &known):
	case errors.As(err, &wrong):
		known = errPINWrong
	case errors.As(err, &locked):
		known = errPINLocked
	case errors.As(err, &suspended):
		known = errSuspended
	default:
		known = errInternal
		for i := range refusals {
			if errors.Is(err, refusals[i].err) {
				known = &refusals[i].refusal
				break
			}
		}
	}
	p := problem{
		Type:  "urn:xiaoka:problem:" + strings.ReplaceAll(known.code, "_", "-"),
		Title: known.title, Status: known.status, Code: known.code, Fields: known.fields,
	}
	if known == errStaleRequest {
		p.Detail = "The server's clock shows " + a.time(a.cfg.Now())
	}
	if wrong != nil {
		p.TriesLeft = &wrong.TriesLeft
	}
	if locked != nil {
		p.LockedUntil = a.time(locked.Until)
	}
	if suspended != nil {
		p.Suspended = a.time(suspended.Until)
		p.Detail = "It takes none until then, or until an operator lets it (xiaoka terminal resume)"
	}
	return p
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write(append(body, '\n'))
}

func (c *call) answer(status int, v any) error {
	writeJSON(c.w, status, "application/json", v)
	return nil
}
