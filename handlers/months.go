package handlers

import (
	"context"
	"regexp"
	"strconv"
	"unicode/utf8"

	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// A month may be named from the one that was just shown: 再上个月, and the month
// before. The understanding, which knows one text and the calendar, cannot
// tell that one; the topic can.

var (
	earlierZh = regexp.MustCompile(`^(?:那么?|还有|然后|我?要?看看?|查查?)*(?:再往?([上前早]+)(?:([0-9一两二三四五六])?个)?月|再往前|再之前|再早一点|[上前][一1]个月)份?的?(?:账单|帐单|明细)?(?:呢|吧|看看)?$`)
	earlierEn = regexp.MustCompile(`^(?:(?:and|then|ok|or|now|what about|how about|show me|show|the|a|my) )*(?:(?:one )?(?:month|one) (?:before|prior|earlier)(?: that| this)?(?: one| month)?|previous month|before that|(?:even )?earlier)(?:'s statement)?(?: please)?$`)
	laterThan = regexp.MustCompile(`^(?:那么?|还有|然后)?(?:再?(?:往后|下)[一1]?个?月|后[一1]个月)份?的?(?:账单|帐单|明细)?(?:呢|吧|看看)?$|` +
		`^(?:(?:and|then|ok|or|now|what about|how about|show me|show|the|my) )*(?:next month|following month|(?:month|one) after(?: that| this)?)(?:'s statement)?(?: please)?$`)
)

// monthsOn is how many months a text goes on from the one shown, backwards if
// negative; 0 when it names none in that way.
func monthsOn(text string) int {
	if found := earlierZh.FindStringSubmatch(text); found != nil {
		if n := countOf(found[2]); n > 0 {
			return -n
		}
		return -max(1, utf8.RuneCountInString(found[1]))
	}
	switch {
	case earlierEn.MatchString(text):
		return -1
	case laterThan.MatchString(text):
		return 1
	}
	return 0
}

func countOf(numeral string) int {
	if n, ok := map[string]int{"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10,
		"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}[numeral]; ok {
		return n
	}
	n, _ := strconv.Atoi(numeral)
	return n
}

var (
	yearNamed = regexp.MustCompile(`年|20[0-9]{2}|year`)
	// monthFromNow is a month that is counted from today's.
	monthFromNow = regexp.MustCompile(`[上本这今当前]|个月|last|this|previous|prev|past|current|ago|before|far`)
)

// turnMonth names the month that a text means in the light of the topic, where
// it means another than it says by itself. Without a month in the topic it is
// counted from this one.
func (a *Apps) turnMonth(ctx context.Context, t *turn) {
	text := plain(t.Message.Content)
	on := monthsOn(text)
	switch {
	case t.Said.Days.named():
		return
	case on == 0 && t.Said.Month != "":
		a.bareMonth(ctx, t, text)
		return
	case on == 0:
		return
	}
	last := a.topic(ctx, t)
	from := a.month()
	switch {
	case last.ofPast():
		if shown, err := ledger.ParseMonth(last.Month); err == nil {
			from = shown
		}
	case t.Said.Intent != "statement" && t.Said.Intent != "transactions_today":
		return
	}
	t.Said = Said{Intent: "statement", Month: (from + ledger.Month(on)).String(), Year: last.Year}
}

// bareMonth reads a month right after a statement: named alone it asks for
// that one's, and without a year it is of the year that is talked about,
// unless it has not come there.
func (a *Apps) bareMonth(ctx context.Context, t *turn, text string) {
	if t.Said.Intent != "none" && t.Said.Intent != "statement" {
		return
	}
	t.Said.Year = yearNamed.MatchString(text)
	last := a.topic(ctx, t)
	if !last.ofPast() {
		return
	}
	if t.Said.Intent == "none" && len(t.Said.Likely) > 0 && t.Said.Likely[0] == "statement" && besideMonth.MatchString(text) {
		t.Said.Intent = "statement"
	}
	shown, err := ledger.ParseMonth(last.Month)
	named, err2 := ledger.ParseMonth(t.Said.Month)
	if err != nil || err2 != nil || t.Said.Year || !last.Year || monthFromNow.MatchString(text) {
		return
	}
	apart := func(m ledger.Month) ledger.Month { return max(m-shown, shown-m) }
	if there := shown - shown%12 + named%12; there <= a.month() && apart(there) < apart(named) { // 2025年12月, 那一月呢 goes on
		t.Said.Month, t.Said.Year = there.String(), true
	}
}

// besideMonth is a text of a month and little else.
var besideMonth = regexp.MustCompile(`^(?:那么?|还有|然后|[的呢吧吗 ]|[0-9一二三四五六七八九十]+月份?|上个?月|20[0-9]{2}[-/.年]?[0-9]{0,2}|账单|明细|and|then|ok|or|now|so|what|about|how|show|me|the|my|for|in|of|'s|month|last|this|year|please|statement|` +
	`january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|[0-9]{1,2}/20[0-9]{2})*$`)

var (
	monthNumber = regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,3})(?:月|月份)|[0-9]{4}[-/.年]([0-9]{1,2})(?:[^0-9]|$)|(?i:month)([0-9]{1,3})`)
	noMonthZh   = regexp.MustCompile(`十[三四五六七八九]月|[二三四五六七八九]十[一二三四五六七八九]?月|零月`)
	nextMonth   = regexp.MustCompile(`下一?个?月|(?i:nextmonth)`)
)

// noSuchMonth tells a text that names a thirteenth month.
func noSuchMonth(text string) bool {
	for _, found := range monthNumber.FindAllStringSubmatch(text, -1) {
		for _, digits := range found[1:] {
			if n, err := strconv.Atoi(digits); err == nil && (n < 1 || n > 12) {
				return true
			}
		}
	}
	return noMonthZh.MatchString(text)
}

// monthAsked is the month to show: this one unless another was named. A month
// that has not begun, or that there is none of, gives the answer to that.
func (a *Apps) monthAsked(t *turn) (month ledger.Month, instead *cards.Card) {
	now, text := a.month(), identity.NormalDigits(t.Message.Content)
	named, err := ledger.ParseMonth(t.Said.Month)
	switch {
	case err == nil && named <= now:
		return named, nil
	case err != nil && noSuchMonth(text):
		instead = a.otherMonth(t, wNoSuchMonth.in(t.Lang))
	case err != nil && nextMonth.MatchString(text):
		named = now + 1
		fallthrough
	case err == nil:
		instead = a.otherMonth(t, wMonthToCome.in(t.Lang, cards.MonthName(t.Lang, named.Start(a.Zone))))
	default:
		return now, nil
	}
	t.Said.Month = "" // 再上个月 counts from the one that is offered
	return now, instead
}

// otherMonth says why a month has no statement and offers this one's.
func (a *Apps) otherMonth(t *turn, title string) *cards.Card {
	now := a.month()
	card := cards.Notice(t.Lang, cards.NoticeData{
		Title: title, Body: wOtherMonth.in(t.Lang), LinkTitle: wThisMonth.in(t.Lang), URL: a.link.statement(now),
	})
	return &card
}
