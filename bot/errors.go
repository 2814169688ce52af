package bot

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// Errors that callers decide on.
var (
	// ErrForged means that a push did not prove to come from WeCom and to be meant for this app.
	ErrForged = errors.New("bot: forged callback")
	// ErrMalformed means that a proven push holds something else than a WeCom message.
	ErrMalformed = errors.New("bot: malformed message")
	// ErrUnreachable means that WeCom cannot deliver to the recipient: unknown, out of the app's visible range, or without a licence.
	ErrUnreachable = errors.New("bot: recipient cannot be reached")
	// ErrNoOpenID means that the member never used WeCom with WeChat, so that WeChat Pay does not know them (43004).
	ErrNoOpenID = errors.New("bot: member has no openid")
	// ErrNotMember means that a visitor is no member of the corp.
	ErrNotMember = errors.New("bot: visitor is not a member")
	// ErrBadCode means that an OAuth code is malformed, used or expired: start the OAuth round again, once.
	ErrBadCode = errors.New("bot: OAuth code not accepted")
)

// APIError is a call to WeCom that did not succeed. It never holds a token, a secret or the query of an address.
type APIError struct {
	Op   string // the call, for example "message/send"
	Code int    // errcode; 0 = WeCom gave no answer that could be read
	// Msg is WeCom's errmsg for the log, never for people and never to decide on. For 60020 it names the address WeCom saw.
	Msg string

	cause error // of Code 0
}

func (e *APIError) Error() string {
	switch {
	case e.Code != 0 && e.Msg != "":
		return fmt.Sprintf("bot: %s: errcode %d: %s", e.Op, e.Code, e.Msg)
	case e.Code != 0:
		return fmt.Sprintf("bot: %s: errcode %d", e.Op, e.Code)
	}
	return fmt.Sprintf("bot: %s: %v", e.Op, e.cause)
}

// Unwrap gives the cause of a call without an answer.
func (e *APIError) Unwrap() error { return e.cause }

// Is makes errors.Is work with the sentinels of this package.
func (e *APIError) Is(target error) bool {
	switch target {
	case ErrUnreachable:
		return slices.Contains([]int{60111, 81013, 82001, 701008}, e.Code)
	case ErrNoOpenID:
		return e.Code == 43004
	case ErrBadCode:
		return slices.Contains([]int{40029, 42003, 42022}, e.Code)
	}
	return false
}

// Retryable reports whether the same call may succeed later: WeCom was busy, a limit was reached (wait for its end: a
// minute, an hour or a day), or no answer came. In the last case a message may have been sent all the same, so retry it with Outgoing.Once.
// https://developer.work.weixin.qq.com/document/path/90313
func (e *APIError) Retryable() bool {
	return e.Code == 0 && !errors.Is(e.cause, context.Canceled) || slices.Contains([]int{-1, 40014, 42001, 45009, 45033}, e.Code)
}

// Malformed reports whether WeCom refused what the message holds, so that the same will be refused for ever: its type, a field, its length,
// or its words (40201).
func (e *APIError) Malformed() bool {
	return e.cardRefused() && e.Code != 43012 || slices.Contains([]int{40033, 40035, 40058, 40063, 40201, 41016, 41033, 44004, 45002, 45008}, e.Code)
}

// Limited reports whether WeCom refused because of a frequency or concurrency limit.
func (e *APIError) Limited() bool { return e.Code == tooOften || e.Code == 45033 }

// tooOften is the errcode of a frequency limit.
const tooOften = 45009

// cardRefused reports whether WeCom said that this app cannot send template cards, or not this one, where a textcard still can go:
// bad msgtype, no callback URL, a field of the card.
func (e *APIError) cardRefused() bool {
	return e.Code == 40008 || e.Code == 43012 || e.Code == 42014 || e.Code >= 42027 && e.Code <= 42051
}

// forgedBy is ErrForged with a reason for the debug log.
func forgedBy(reason string) error { return fmt.Errorf("%w: %s", ErrForged, reason) }
