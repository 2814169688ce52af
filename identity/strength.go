package identity

import (
	"errors"
	"fmt"
	"strings"
)

// ErrPasswordFormat: not six digits.
var ErrPasswordFormat = errors.New("a query password is six digits")

// ErrPasswordWeak is behind the three reasons to refuse a new query password.
var (
	ErrPasswordWeak     = errors.New("the query password is too easy to guess")
	ErrPasswordRun      = fmt.Errorf("%w: digits in a row", ErrPasswordWeak)
	ErrPasswordRepeat   = fmt.Errorf("%w: a repetition", ErrPasswordWeak)
	ErrPasswordOnRecord = fmt.Errorf("%w: the end of a number on record", ErrPasswordWeak)
)

// CheckStrength judges a new query password: six digits, no run up or down (456789, 321098), no repetition of one, two or
// three digits (111111, 121212, 123123), and not the end of any of the numbers that others may know.
func CheckStrength(pin string, onRecord ...string) error {
	if !sixDigits(pin) {
		return ErrPasswordFormat
	}
	if isRun(pin, 1) || isRun(pin, 9) {
		return ErrPasswordRun
	}
	for _, period := range []int{1, 2, 3} {
		if pin[period:] == pin[:len(pin)-period] {
			return ErrPasswordRepeat
		}
	}
	for _, number := range onRecord {
		if strings.HasSuffix(onlyDigits(number), pin) {
			return ErrPasswordOnRecord
		}
	}
	return nil
}

// isRun reports that each digit is the one before plus step, modulo ten.
func isRun(pin string, step byte) bool {
	for i := 1; i < len(pin); i++ {
		if (pin[i-1]-'0'+step)%10 != pin[i]-'0' {
			return false
		}
	}
	return true
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
