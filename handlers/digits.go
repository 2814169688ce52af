package handlers

import (
	"regexp"
	"strings"
	"unicode"

	"xiaoka/identity"
)

// Six digits are a code, or a query password typed in the wrong place. Either
// way they go nowhere but into Codes.Check.

var (
	digitRuns = regexp.MustCompile(`[0-9]+`)
	sixDigits = regexp.MustCompile(`^([0-9]{3})[-－]?([0-9]{3})$`)
)

// codeIn finds the six digits of a text that is a code and little else:
// "482913", "４８２ ９１３", "482-913", "code: 482913". It reports found also for digits
// called a password, but gives none then: nobody tries a password as a code.
func codeIn(text string) (code string, found bool) {
	plain := identity.NormalDigits(text)
	if half := sixDigits.FindStringSubmatch(plain); half != nil {
		return half[1] + half[2], true
	}
	runs := digitRuns.FindAllString(plain, 2)
	if len(runs) != 1 || len(runs[0]) != 6 {
		return "", false
	}
	rest := strings.ToLower(strings.Replace(plain, runs[0], "", 1))
	switch {
	case containsAny(rest, "密码", "密碼", "password", "passcode", "pwd", "pin"):
		return "", true
	case containsAny(rest, "验证码", "驗證碼", "code", "校验码", "动态码"), !strings.ContainsFunc(rest, isWordRune):
		return runs[0], true
	}
	return "", false
}

// onlyDigits: a text that might have become a code.
func onlyDigits(text string) bool {
	plain := identity.NormalDigits(text)
	return plain != "" && strings.Trim(plain, "0123456789") == ""
}

// isWordRune: a letter of any script. Punctuation around digits says nothing.
func isWordRune(r rune) bool { return unicode.IsLetter(r) }
