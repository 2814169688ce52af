package kiosk

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"time"

	"xiaoka/ledger"
)

// decode reads a body: one JSON object and nothing after it. Members we do not
// know are ignored, so that newer terminals may say more; of a member given
// twice the last counts. A member of the wrong type, a fraction or an
// exponent where an integer belongs included, is validation_failed.
func decode[T any](body []byte) (in T, err error) {
	if !isObject(body) {
		return in, errBadRequest
	}
	var wrongType *json.UnmarshalTypeError
	switch err := json.Unmarshal(body, &in); {
	case errors.As(err, &wrongType):
		f := fields{}
		f.need(false, wrongType.Field, "has the wrong type")
		return in, f.err()
	case err != nil:
		return in, errBadRequest
	}
	return in, nil
}

// isObject tells whether valid JSON is an object; encoding/json would take
// null for one.
func isObject(body []byte) bool {
	return bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{"))
}

// visible tells whether s is 1 to most visible ASCII characters.
func visible(s string, most int) bool {
	for _, b := range []byte(s) {
		if b <= ' ' || b > '~' {
			return false
		}
	}
	return s != "" && len(s) <= most
}

// fields collects what is wrong with the members of a body.
type fields map[string]string

func (f fields) need(ok bool, name, reason string) {
	if _, known := f[name]; !ok && !known {
		f[name] = reason
	}
}

func (f fields) err() error {
	if len(f) == 0 {
		return nil
	}
	return &refusal{status: 422, code: "validation_failed", title: "Some members of the body are not valid", fields: f}
}

func (f fields) cardNo(s string) {
	f.need(visible(s, 64), "card_no", "must be a card number")
}

func (f fields) pin(s string) {
	f.need(only(s, 6, 6, digits), "pin", "must be six digits")
}

// month gives the first moment of a month and of the one after it.
func (f fields) month(s string, zone *time.Location) (from, to time.Time) {
	from, err := time.ParseInLocation("2006-01", s, zone)
	f.need(err == nil && len(s) == 7 && from.Year() >= 2000, "month", "must be YYYY-MM")
	return from, from.AddDate(0, 1, 0)
}

// chip is a reader's reading as it comes in; nil = not given.
type chip struct {
	LoadSeq  *int64 `json:"load_seq"`
	SpendSeq *int64 `json:"spend_seq"`
	Balance  *int64 `json:"balance_fen"`
}

// chip takes a reading whose counters and balance a chip can hold.
func (f fields) chip(in *chip) ledger.Chip {
	if in == nil {
		f.need(false, "chip", "is missing")
		return ledger.Chip{}
	}
	number := func(p *int64, most int64, name string) int64 {
		if p == nil {
			f.need(false, name, "is missing")
			return 0
		}
		f.need(*p >= 0, name, "must not be negative")
		f.need(*p <= most, name, "is too large")
		return *p
	}
	return ledger.Chip{
		LoadSeq:  number(in.LoadSeq, math.MaxInt32, "chip.load_seq"),
		SpendSeq: number(in.SpendSeq, math.MaxInt32, "chip.spend_seq"),
		Balance:  ledger.Fen(number(in.Balance, int64(ledger.MaxAmount), "chip.balance_fen")),
	}
}
