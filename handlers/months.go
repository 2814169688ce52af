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
	if n, ok := map[string]int{"一": 1, "两": 2, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6}[numeral]; ok {
		return n
	}
	n, _ := strconv.Atoi(numeral)
	return n
}

// turnMonth names the month that a text means in the light of the topic, where
// it means another than it says by itself. Without a month in the topic it is
// counted from this one.
func (a *Apps) turnMonth(ctx context.Context, t *turn) {
	on := monthsOn(plain(t.Message.Content))
	if on == 0 {
		return
	}
	last := a.topic(ctx, t)
	from := a.month()
	switch last.Intent {
	case "statement", "transactions_today":
		if shown, err := ledger.ParseMonth(last.Month); err == nil {
			from = shown
		}
	default:
		if t.Said.Intent != "statement" && t.Said.Intent != "transactions_today" {
			return
		}
	}
	t.Said = Said{Intent: "statement", Month: (from + ledger.Month(on)).String()}
}

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
