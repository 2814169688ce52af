package pay

import (
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
)

// Error is a refusal that the payer can be told about. Code is stable; a page
// that must not import pay can find it with errors.As and an interface of its
// own that has Code() string.
type Error struct{ code, text string }

// Code names the refusal for programs.
func (e *Error) Code() string { return e.code }

func (e *Error) Error() string { return e.text }

// What a payer can be told.
var (
	// ErrAmount: outside the configured limits.
	ErrAmount = &Error{"amount_out_of_range", "the amount is outside the limits of a top-up"}
	// ErrPaid: the order has been paid, show it so.
	ErrPaid = &Error{"already_paid", "the order has been paid"}
	// ErrClosed: closed or past its time; a new order is needed.
	ErrClosed = &Error{"order_closed", "the order is closed"}
	// ErrPaying: the payer is typing the password under the other channel, or
	// WeChat Pay has not yet let go of it; the same request serves in a moment.
	ErrPaying = &Error{"payment_in_progress", "a payment of this order is in progress elsewhere"}
	// ErrTryLater: WeChat Pay did not answer in time or is busy. Nothing is
	// lost; the same request later goes on under the same number.
	ErrTryLater = &Error{"try_later", "WeChat Pay does not answer at the moment"}
	// ErrOpenID: the openid is not a payer's under our app id; fetch it anew,
	// or offer the QR code.
	ErrOpenID = &Error{"no_openid", "the openid does not belong to our app id"}
	// ErrRefused: WeChat Pay refuses this order for good, by a rule or because
	// the account is set up wrongly. Operators find the reason in the log.
	ErrRefused = &Error{"payment_refused", "WeChat Pay refuses the order"}
)

// failure is what a failed call means for what to do next
// (https://pay.weixin.qq.com/doc/v3/merchant/4012525167, table of errors).
type failure int

const (
	unknownResult failure = iota // it may have been executed: the same call again, or a query
	busy                         // not accepted: slower
	numberUsed                   // paid, closed, or ordered with other parameters: query
	alreadyPaid
	alreadyClosed
	userPaying
	notFound
	badOpenID
	refusedByRule
	notEnough     // the merchant's unsettled money does not cover the refund
	noStatement   // no bill of that day
	notReady      // not yet
	misconfigured // ours to fix; a repeat cannot help
)

// callError is a failed call in words fit for a log: the SDK's own texts carry
// headers and bodies.
type callError struct {
	kind      failure
	call      string
	status    int
	code      string
	field     string // which parameter WeChat Pay objects to
	requestID string
	err       error // transport errors only
}

func (e *callError) Error() string {
	if e.err != nil {
		return fmt.Sprintf("wechatpay %s: %v", e.call, e.err)
	}
	return fmt.Sprintf("wechatpay %s: status %d code %q field %q request %q", e.call, e.status, e.code, e.field, e.requestID)
}

func (e *callError) Unwrap() error { return e.err }

// failed reports whether err is a failure of one of the kinds.
func failed(err error, kinds ...failure) bool {
	var ce *callError
	if !errors.As(err, &ce) {
		return false
	}
	for _, k := range kinds {
		if ce.kind == k {
			return true
		}
	}
	return false
}

// newCallError classifies what the SDK returned. Whatever is not a clear no
// counts as executed.
func newCallError(call string, err error) *callError {
	var api *core.APIError
	if !errors.As(err, &api) {
		return &callError{kind: unknownResult, call: call, err: err}
	}
	field := ""
	if d, ok := api.Detail.(map[string]any); ok {
		field, _ = d["field"].(string)
	}
	return &callError{
		kind: kindOf(api.StatusCode, api.Code, field), call: call,
		status: api.StatusCode, code: api.Code, field: field, requestID: requestID(api.Header),
	}
}

// kindOf decides on code and status. Codes are compared without underscores:
// the generations of the documentation spell them both ways.
func kindOf(status int, code, field string) failure {
	switch strings.ReplaceAll(strings.ToUpper(code), "_", "") {
	case "ORDERPAID":
		return alreadyPaid
	case "ORDERCLOSED":
		return alreadyClosed
	case "USERPAYING":
		return userPaying
	case "OUTTRADENOUSED", "INVALIDREQUEST":
		return numberUsed
	case "ORDERNOTEXIST", "RESOURCENOTEXISTS":
		return notFound
	case "OPENIDMISMATCH":
		return badOpenID
	case "FREQUENCYLIMITED", "FREQUENCYLIMIT", "RATELIMITEXCEEDED":
		return busy
	case "NOTENOUGH":
		return notEnough
	case "NOSTATEMENTEXIST":
		return noStatement
	case "STATEMENTCREATING":
		return notReady
	case "RULELIMIT", "TRADEERROR", "USERACCOUNTABNORMAL":
		return refusedByRule
	case "PARAMERROR":
		if strings.Contains(field, "openid") {
			return badOpenID
		}
		return misconfigured
	}
	switch {
	case status == http.StatusTooManyRequests:
		return busy
	case status >= 400 && status < 500:
		return misconfigured
	}
	return unknownResult
}
