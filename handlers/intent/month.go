package intent

import (
	"fmt"
	"strings"
	"time"
)

// relativeMonths are counted back from the current one.
var relativeMonths = []struct {
	word string
	back int
}{
	{"去年这个月", 12}, {"去年今月", 12}, {"上各月", 1}, {"去年本月", 12}, {"去年同月", 12}, {"去年同期", 12}, {"上一个月", 1}, {"前一个月", 1}, {"呢个月", 0}, {"上上个月", 2}, {"上上月", 2}, {"前个月", 2}, {"上个月份", 1}, {"上个月", 1}, {"上月份", 1}, {"上月", 1}, {"本月份", 0}, {"本月", 0}, {"这个月", 0}, {"这月", 0}, {"当月", 0},
	{"今个月", 0}, {"这一个月", 0}, {"month before last", 2}, {"last month", 1}, {"last months", 1}, {"previous month", 1}, {"prev month", 1}, {"past month", 1}, {"this month", 0},
	{"this months", 0}, {"current month", 0}, {"lastmonth", 1}, {"last mth", 1}, {"shang ge yue", 1}, {"shangge yue", 1}, {"shanggeyue", 1}, {"shang geyue", 1}, {"shangyue", 1}, {"ben yue", 0}, {"benyue", 0},
	{"zhe ge yue", 0}, {"zhege yue", 0}, {"zhegeyue", 0}, {"大上个月", 2}, {"上个号头", 1}, {"迭个号头", 0}, {"当前月份", 0}, {"当前月", 0}, {"month to date", 0}, {"month so far", 0},
	{"一年前的这个月", 12}, {"一年前这个月", 12}, {"this month last year", 12}, {"same month last year", 12},
}

// feasts name the month they are in: 国庆那个月, the christmas month.
var feasts = []struct {
	word  string
	month int
}{
	{"国庆节", 10}, {"国庆", 10}, {"五一", 5}, {"劳动节", 5}, {"圣诞节", 12}, {"圣诞", 12}, {"元旦", 1}, {"双十一", 11}, {"双11", 11}, {"双十二", 12}, {"教师节", 9}, {"儿童节", 6}, {"六一", 6},
	{"national day", 10}, {"labour day", 5}, {"labor day", 5}, {"christmas", 12}, {"xmas", 12}, {"halloween", 10}, {"valentines", 2},
}

var relativeYears = []struct {
	word string
	back int
}{{"今年", 0}, {"去年", 1}, {"旧年", 1}, {"去岁", 1}, {"上年", 1}, {"前年", 2}, {"明年", -1}, {"this year", 0}, {"last year", 1}}

var englishMonths = map[string]int{"january": 1, "jan": 1, "february": 2, "feb": 2, "febuary": 2, "march": 3, "mar": 3, "april": 4, "apr": 4, "may": 5, "june": 6, "jun": 6, "july": 7, "jul": 7,
	"august": 8, "augst": 8, "agust": 8, "aug": 8, "september": 9, "sept": 9, "sep": 9, "october": 10, "oct": 10, "november": 11, "nov": 11, "december": 12, "dec": 12}

// parseMonth reads the month named at i, as YYYY-MM, and its length, 0 if none is. Without a year it is the latest such month
// that is not after today.
func parseMonth(r []rune, i int, today time.Time) (string, int) {
	first := time.Date(today.Year(), today.Month(), 1, 0, 0, 0, 0, time.UTC)
	switch c := r[i]; {
	case isASCIILetter(c):
		if isASCIILetter(at(r, i-1)) {
			return "", 0
		}
	case !isDigit(c) && !isHan(c), isDigit(c) && isDigit(at(r, i-1)):
		return "", 0
	}
	for _, m := range relativeMonths {
		if n := match(r, i, []string{m.word}); n > 0 {
			return first.AddDate(0, -m.back, 0).Format("2006-01"), n
		}
	}
	if m, n := figures(r, i); n > 0 {
		return m, n
	}
	if back, n := monthsAgo(r, i); n > 0 {
		return first.AddDate(0, -back, 0).Format("2006-01"), n
	}
	if last := match(r, i, []string{"last"}); last > 0 { // said in November, last november is a year ago
		if m, k := monthName(r, i+last+1); k > 0 {
			back := (int(today.Month())-m+11)%12 + 1
			return first.AddDate(0, -back, 0).Format("2006-01"), last + 1 + k
		}
	}
	year, n := 0, 0
	for _, y := range relativeYears {
		if k := match(r, i, []string{y.word}); k > 0 {
			year, n = today.Year()-y.back, k
		}
	}
	if n == 0 {
		if y, k := yearOf(r, i); k > 0 && at(r, i+k) == '年' && y >= 2000 {
			year, n = y, k+1
		}
	}
	if n > 0 {
		for at(r, i+n) == '的' || at(r, i+n) == ' ' {
			n++
		}
	}
	m, k := monthName(r, i+n)
	if k == 0 {
		return "", 0
	}
	n += k
	if year == 0 {
		if y, k := yearAfter(r, i+n, today); k > 0 {
			year, n = y, n+k
		}
	}
	if year == 0 {
		year = today.Year()
		if m > int(today.Month()) {
			year--
		}
	}
	return fmt.Sprintf("%04d-%02d", year, m), n
}

// monthsAgo reads 三个月前, 2个月之前, two months ago.
func monthsAgo(r []rune, i int) (back, n int) {
	var fen int64
	var end int
	switch c := r[i]; {
	case isDigit(c):
		for end = i; isDigit(at(r, end)) && end < i+2; end++ {
			fen = fen*10 + int64(r[end]-'0')*100
		}
	case isHan(c):
		fen, end, _, _ = hanNumber(r, i)
	default:
		fen, end, _, _ = englishNumber(r, i)
	}
	if fen < 100 || fen > 24*100 {
		return 0, 0
	}
	if at(r, end) == ' ' {
		end++
	}
	k := match(r, end, []string{"个月之前", "个月以前", "个月前", "months ago", "month ago", "months back", "month back"})
	if k == 0 {
		return 0, 0
	}
	return int(fen / 100), end + k - i
}

// figures reads 2026-07, 2026/7, 2026.07, 202607 and 7/2026.
func figures(r []rune, i int) (string, int) {
	number := func(i, digits int) (n int) {
		for k := range digits {
			if !isDigit(at(r, i+k)) {
				return -1
			}
			n = n*10 + int(r[i+k]-'0')
		}
		return n
	}
	made := func(year, m, n int) (string, int) {
		if year < 2000 || year > 2099 || m < 1 || m > 12 || isDigit(at(r, i+n)) {
			return "", 0
		}
		return fmt.Sprintf("%04d-%02d", year, m), n
	}
	if year := number(i, 4); year >= 2000 {
		switch at(r, i+4) {
		case '-', '/', '.':
			if m := number(i+5, 2); m > 0 {
				return made(year, m, 7)
			}
			return made(year, number(i+5, 1), 6)
		}
		return made(year, number(i+4, 2), 6)
	}
	if year := number(i, 2); year >= 20 && at(r, i+2) == '.' { // 26.5月
		for width := 1; width <= 2; width++ {
			if at(r, i+3+width) == '月' {
				return made(2000+year, number(i+3, width), width+4)
			}
		}
	}
	if year := number(i, 2); year >= 20 && (at(r, i+2) == '/' || at(r, i+2) == '.') && number(i+3, 2) > 0 && ofBill(r, i+5) { // 26/04 账单
		return made(2000+year, number(i+3, 2), 5)
	}
	for width := 1; width <= 2; width++ {
		if at(r, i+width) == '/' {
			return made(number(i+width+1, 4), number(i, width), width+5)
		}
	}
	return "", 0
}

// ofBill reports that a bill is named at i, so that what stands before it is a month.
func ofBill(r []rune, i int) bool {
	for at(r, i) == ' ' || at(r, i) == '的' || at(r, i) == '月' {
		i++
	}
	return match(r, i, []string{"账单", "帐单", "对账单", "statement", "bill"}) > 0
}

// monthName reads 10月, 十月份, 元月, 10yue, 10 yue, october.
func monthName(r []rune, i int) (m, n int) {
	if word, k := latinWord(r, i); k > 0 {
		if k := match(r, i, []string{"month"}); k > 0 && at(r, i+k) == ' ' { // month 9
			for n = i + k + 1; isDigit(at(r, n)) && n < i+k+3; n++ {
				m = m*10 + int(r[n]-'0')
			}
			if m >= 1 && m <= 12 && !isWordRune(at(r, n)) {
				return m, n - i
			}
			return 0, 0
		}
		if m, n := feastMonth(r, i); n > 0 {
			return m, n
		}
		m = englishMonths[strings.TrimSuffix(word, "s")] // march's
		if m == 0 || word == "may" && !mayIsMonth(r, i, k) {
			return 0, 0
		}
		if at(r, i+k) == '.' {
			k++
		}
		return m, k
	}
	if m, n := feastMonth(r, i); n > 0 {
		return m, n
	}
	switch c := at(r, i); {
	case c == '元' && at(r, i+1) == '月':
		m, n = 1, 1
	case isDigit(c):
		for isDigit(at(r, i+n)) && n < 3 {
			m = m*10 + int(r[i+n]-'0')
			n++
		}
	default:
		fen, end, certain, _ := hanNumber(r, i)
		if end == 0 || !certain {
			return 0, 0
		}
		m, n = int(fen/100), end-i
	}
	if m < 1 || m > 12 {
		return 0, 0
	}
	if k := match(r, i+n, []string{"月份", "月", "yue", "yuefen", "yuefende", " yue fen", " yue", "yuede", " yue de"}); k > 0 {
		return m, n + k
	}
	return 0, 0
}

// feastMonth reads 国庆那个月 and christmas month.
func feastMonth(r []rune, i int) (m, n int) {
	for _, f := range feasts {
		if k := match(r, i, []string{f.word}); k > 0 {
			if of := match(r, i+k, []string{"所在那个月", "那个月份", "那个月", "那月", "当月", "的月份", "月", " month"}); of > 0 {
				return f.month, k + of
			}
			return 0, 0
		}
	}
	return 0, 0
}

// mayIsMonth tells the month from the verb by its neighbours.
func mayIsMonth(r []rune, i, n int) bool {
	after, _ := latinWord(r, i+n+1)
	if at(r, i+n) == boundary {
		after = ""
	}
	switch after {
	case "last", "this":
		if word, _ := latinWord(r, i+n+6); word == "year" {
			return true
		}
	case "statement", "bill", "spending", "expenses", "transactions", "summary":
		return true
	}
	if isDigit(at(r, i+n+1)) || isHan(at(r, i+n+1)) || isHan(at(r, i+n)) {
		return true
	}
	for _, before := range []string{"in ", "for ", "of ", "last ", "during ", "my "} {
		if k := i - len(before); k >= 0 && match(r, k, []string{before}) > 0 && (i+n == len(r) || after == "" || after == "please") {
			return true
		}
	}
	return i == 0 && n == len(r)
}

// yearOf reads four figures, or two, followed by 年.
func yearOf(r []rune, i int) (year, n int) {
	for n < 4 {
		c := at(r, i+n)
		d, ok := hanDigits[c]
		switch {
		case isDigit(c):
			year = year*10 + int(c-'0')
		case ok && !strings.ContainsRune("两俩仨", c):
			year = year*10 + int(d)
		default:
			if n == 2 {
				return 2000 + year, n
			}
			return 0, 0
		}
		n++
	}
	return year, n
}

// yearAfter reads the year after an English month: december 2025, december last year, december of 2025.
func yearAfter(r []rune, i int, today time.Time) (year, n int) {
	of := match(r, i, []string{" of"})
	if k := match(r, i+of, []string{" last year", " this year"}); k > 0 {
		if r[i+of+1] == 'l' {
			return today.Year() - 1, of + k
		}
		return today.Year(), of + k
	}
	if k := match(r, i, []string{" a year ago"}); k > 0 {
		return today.Year() - 1, k
	}
	i += of
	if at(r, i) == ' ' {
		if y, k := yearOf(r, i+1); k == 4 && y >= 2000 && y <= 2099 && !isDigit(at(r, i+5)) {
			return y, of + k + 1
		}
	}
	return 0, 0
}

// monthOf returns the last month named and not declined.
func monthOf(tokens []token) (named string) {
	for _, t := range tokens {
		if t.has(month) && !t.negated {
			named = t.month
		}
	}
	return named
}
