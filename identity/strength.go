package identity

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrPasswordFormat: not six digits.
var ErrPasswordFormat = errors.New("a query password is six digits")

// ErrPasswordWeak is behind the four reasons to refuse a new query password.
var (
	ErrPasswordWeak     = errors.New("the query password is too easy to guess")
	ErrPasswordRun      = fmt.Errorf("%w: digits in a row", ErrPasswordWeak)
	ErrPasswordRepeat   = fmt.Errorf("%w: a repetition", ErrPasswordWeak)
	ErrPasswordCommon   = fmt.Errorf("%w: one that many people choose", ErrPasswordWeak)
	ErrPasswordOnRecord = fmt.Errorf("%w: the end of a number on record", ErrPasswordWeak)
)

// commonest are the six-digit numbers that people choose most, beyond runs and repetitions: paths on the keypad, and the numbers
// that sound like something in Chinese. The list is short on purpose: an ordinary number is never refused. Dates are not on it;
// birthdays are not on record, and every sixth number would be somebody's.
var commonest = strings.Fields(`111222 123321 123654 147258 147852 159357 159753 201314 321654 456123
	520131 520521 666888 741852 789456 888666 963852`)

// CheckStrength judges a new query password: six digits, no run up or down, single or in pairs (456789, 321098, 112233), no
// repetition of one, two or three digits (111111, 121212, 123123), none of the commonest, and not the end of any of the numbers
// that others may know.
func CheckStrength(pin string, onRecord ...string) error {
	if !sixDigits(pin) {
		return ErrPasswordFormat
	}
	if isRun(pin) || pin[0] == pin[1] && pin[2] == pin[3] && pin[4] == pin[5] && isRun(string([]byte{pin[0], pin[2], pin[4]})) {
		return ErrPasswordRun
	}
	for _, period := range []int{1, 2, 3} {
		if pin[period:] == pin[:len(pin)-period] {
			return ErrPasswordRepeat
		}
	}
	if slices.Contains(commonest, pin) {
		return ErrPasswordCommon
	}
	for _, number := range onRecord {
		if strings.HasSuffix(onlyDigits(number), pin) {
			return ErrPasswordOnRecord
		}
	}
	return nil
}

// isRun reports that each digit is the one before plus one, or each minus one, modulo ten.
func isRun(digits string) bool {
	step := (digits[1] - digits[0] + 10) % 10
	for i := 1; i < len(digits); i++ {
		if (digits[i]-digits[i-1]+10)%10 != step {
			return false
		}
	}
	return step == 1 || step == 9
}

func onlyDigits(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}
