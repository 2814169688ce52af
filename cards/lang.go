package cards

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Lang is the language a card speaks: Chinese unless it is En.
type Lang string

// The two languages.
const (
	Zh Lang = "zh-CN"
	En Lang = "en"
)

// say looks a text up and fills it in.
func say(lang Lang, k key, args ...any) string {
	text := catalogue[k].zh
	if lang == En {
		text = catalogue[k].en
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// Yuan writes fen as people read them: 1230 is "¥12.30", -650 is "−¥6.50" with a real minus sign.
func Yuan(fen int64) string {
	sign, n := "", uint64(fen)
	if fen < 0 {
		sign, n = "−", -n
	}
	cents := strconv.FormatUint(n%100, 10)
	if len(cents) == 1 {
		cents = "0" + cents
	}
	return sign + "¥" + strconv.FormatUint(n/100, 10) + "." + cents
}

// When writes a moment in t's own zone: "11月22日 12:08" or "22 Nov, 12:08". The zero time is "".
func When(lang Lang, t time.Time) string {
	switch {
	case t.IsZero():
		return ""
	case lang == En:
		return t.Format("2 Jan, 15:04")
	}
	return t.Format("1月2日 15:04")
}

// Moment is [When] with its year, unless that is now's: "2025年11月25日 12:08", "25 Nov 2025, 12:08".
func Moment(lang Lang, t, now time.Time) string {
	switch {
	case t.IsZero() || t.Year() == now.Year():
		return When(lang, t)
	case lang == En:
		return t.Format("2 Jan 2006, 15:04")
	}
	return t.Format("2006年1月2日 15:04")
}

// Day writes a day of the year: "11月25日", "25 Nov".
func Day(lang Lang, t time.Time) string {
	if lang == En {
		return t.Format("2 Jan")
	}
	return t.Format("1月2日")
}

// Span writes a time from one midnight to another, with its year unless that is now's: a month "2026年10月", a day "11月21日",
// days "11月16日–22日", "30 Nov – 6 Dec". The zero time is "".
func Span(lang Lang, from, to, now time.Time) string {
	last := to.AddDate(0, 0, -1)
	switch {
	case from.IsZero():
		return ""
	case from.Day() == 1 && to.Equal(from.AddDate(0, 1, 0)):
		return MonthName(lang, from)
	}
	zh, en := "1月2日", "2 Jan"
	if from.Year() != now.Year() {
		zh, en = "2006年1月2日", "2 Jan 2006"
	}
	if lang != En {
		switch {
		case !last.After(from):
			return from.Format(zh)
		case last.Month() == from.Month():
			return from.Format(zh) + last.Format("–2日")
		}
		return from.Format(zh) + last.Format("–1月2日")
	}
	switch {
	case !last.After(from):
		return from.Format(en)
	case last.Month() == from.Month():
		return from.Format("2–") + last.Format(en)
	}
	return from.Format("2 Jan – ") + last.Format(en)
}

// MonthName writes a month with its year: "2026年10月", "October 2026".
func MonthName(lang Lang, t time.Time) string {
	if lang == En {
		return t.Format("January 2006")
	}
	return t.Format("2006年1月")
}

// Minutes writes a duration in whole minutes, rounded up: "5 分钟", "5 minutes".
func Minutes(lang Lang, d time.Duration) string {
	n := int64((d + time.Minute - 1) / time.Minute)
	if lang == En && n == 1 {
		return say(lang, kOneMinute)
	}
	return say(lang, kMinutes, n)
}

// MaskCardNo shows the last four characters of a card number: "****1234".
func MaskCardNo(no string) string {
	r := []rune(strings.TrimSpace(no))
	if len(r) == 0 {
		return ""
	}
	return "****" + string(r[max(0, len(r)-4):])
}
