package handlers

import (
	"context"
	"regexp"
	"strings"
	"time"

	"xiaoka/ledger"
)

// A day or a week may be asked for. The understanding reads months alone, so
// days are read here: of texts that ask for what was spent, and of those that
// name nothing else right after such an answer, such as 那昨天呢.

// days run from a midnight of the campus to another.
type days struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to,omitzero"`
}

func (d days) named() bool { return !d.From.IsZero() }

// length is how many they are; a midnight that a clock change moved counts.
func (d days) length() int { return int(d.To.Sub(d.From).Round(24*time.Hour) / (24 * time.Hour)) }

func daysFrom(first time.Time, n int) days { return days{first, first.AddDate(0, 0, n)} }

// wording is one way to name days. read gets the parts of the match, the
// midnight that began today and the month that the text names, or 0.
type wording struct {
	words *regexp.Regexp
	dated bool // it names a month itself
	read  func(said []string, today time.Time, month ledger.Month) days
}

const (
	weekZh  = `个?(?:周|星期|礼拜)`
	countZh = `(?:^|[^0-9一二三四五六七八九十])([0-9]{1,2}|[一两二三四五六七八九十])`
	countEn = `([0-9]{1,2}|two|three|four|five|six|seven)`
	monthEn = `(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*`
	dateEn  = `([0-9]{1,2})(?:st|nd|rd|th)?`
)

// wordings are tried in this order: one that is part of another comes later.
var wordings = []wording{
	{regexp.MustCompile(`(20[0-9]{2})[-/.年]([0-9]{1,2})[-/.月]([0-9]{1,2})[日号]?`), true, func(said []string, today time.Time, _ ledger.Month) days {
		return dateOf(today, countOf(said[1]), countOf(said[2]), countOf(said[3]))
	}},
	{regexp.MustCompile(`([0-9]{1,2})月([0-9]{1,2})[日号]`), true, func(said []string, today time.Time, month ledger.Month) days {
		return latestDate(today, month, countOf(said[1]), countOf(said[2]))
	}},
	{regexp.MustCompile(`\b` + dateEn + ` (?:of )?` + monthEn + `\b`), true, func(said []string, today time.Time, month ledger.Month) days {
		return latestDate(today, month, monthsEn[said[2]], countOf(said[1]))
	}},
	{regexp.MustCompile(`\b` + monthEn + ` (?:the )?` + dateEn + `\b`), true, func(said []string, today time.Time, month ledger.Month) days {
		return latestDate(today, month, monthsEn[said[1]], countOf(said[2]))
	}},
	{regexp.MustCompile(`(?:^|[^0-9])([0-9]{1,2})[号日](?:$|那?天|的|呢|花|消费|买|明细|流水|交易|账单)`), true, func(said []string, today time.Time, month ledger.Month) days {
		if month == 0 {
			month = ledger.MonthOf(today)
			if countOf(said[1]) > today.Day() {
				month--
			}
		}
		first := month.Start(today.Location())
		return dateOf(today, first.Year(), int(first.Month()), countOf(said[1]))
	}},
	{regexp.MustCompile(`大前天`), false, daysBack(3)},
	{regexp.MustCompile(`前天(?:$|[^天])|(?:the )?day before yesterday`), false, daysBack(2)},
	{regexp.MustCompile(`昨[天日晚夜儿]|琴日|yesterday`), false, daysBack(1)},
	{regexp.MustCompile(countZh + `天(?:之前|以前|前)|\b` + countEn + ` days ago`), false, func(said []string, today time.Time, _ ledger.Month) days {
		return daysFrom(today.AddDate(0, 0, -countOf(said[1]+said[2])), 1)
	}},
	{regexp.MustCompile(`(?:最近|近|过去)([0-9]{1,2}|[一两二三四五六七八九十])天|(?:last|past) ` + countEn + ` days`), false, func(said []string, today time.Time, _ ledger.Month) days {
		n := countOf(said[1] + said[2])
		return daysFrom(today.AddDate(0, 0, 1-n), n)
	}},
	{regexp.MustCompile(`(?:最近|过去)一?` + weekZh + `|past week`), false, func(_ []string, today time.Time, _ ledger.Month) days {
		return daysFrom(today.AddDate(0, 0, -6), 7)
	}},
	{regexp.MustCompile(`(上上|上)?[这本]?` + weekZh + `末|(last |this )?weekend`), false, func(said []string, today time.Time, _ ledger.Month) days {
		saturday := onWeekday(today, said[1], 5)
		return daysFrom(saturday, 2)
	}},
	{regexp.MustCompile(`(上上|上)?[这本]?` + weekZh + `([一二三四五六日天])`), false, func(said []string, today time.Time, _ ledger.Month) days {
		return daysFrom(onWeekday(today, said[1], weekdays[said[2]]), 1)
	}},
	{regexp.MustCompile(`\b(last )?(mon|tue|wed|thu|fri|sat|sun)(?:day|s|sday|nesday|rs|rsday|urday)?\b`), false, func(said []string, today time.Time, _ ledger.Month) days {
		day := onWeekday(today, "", weekdays[said[2]])
		if said[1] != "" && day.Equal(today) {
			day = day.AddDate(0, 0, -7)
		}
		return daysFrom(day, 1)
	}},
	{regexp.MustCompile(`上上` + weekZh + `|week before last`), false, weeksBack(2)},
	{regexp.MustCompile(`上一?` + weekZh + `|last week|previous week`), false, weeksBack(1)},
	{regexp.MustCompile(`[这本]一?` + weekZh + `|this week`), false, weeksBack(0)},
	{regexp.MustCompile(`今年|本年|this year|year to date|so far this year`), false, yearsBack(0)},
	{regexp.MustCompile(`去年|上一年|last year|previous year`), false, yearsBack(1)},
}

// weekdays are counted from Monday.
var weekdays = map[string]int{
	"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6,
	"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
}

var monthsEn = map[string]int{"jan": 1, "feb": 2, "mar": 3, "apr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "sep": 9, "oct": 10, "nov": 11, "dec": 12}

func daysBack(n int) func([]string, time.Time, ledger.Month) days {
	return func(_ []string, today time.Time, _ ledger.Month) days { return daysFrom(today.AddDate(0, 0, -n), 1) }
}

func weeksBack(n int) func([]string, time.Time, ledger.Month) days {
	return func(_ []string, today time.Time, _ ledger.Month) days {
		return daysFrom(monday(today).AddDate(0, 0, -7*n), 7)
	}
}

func yearsBack(n int) func([]string, time.Time, ledger.Month) days {
	return func(_ []string, today time.Time, _ ledger.Month) days {
		first := time.Date(today.Year()-n, 1, 1, 0, 0, 0, 0, today.Location())
		return days{first, first.AddDate(1, 0, 0)}
	}
}

func monday(today time.Time) time.Time { return today.AddDate(0, 0, -(int(today.Weekday())+6)%7) }

// onWeekday is that day of 上 or 上上 week, else the latest that is not after
// today.
func onWeekday(today time.Time, week string, weekday int) time.Time {
	day := monday(today).AddDate(0, 0, weekday-7*len([]rune(week)))
	if day.After(today) {
		return day.AddDate(0, 0, -7)
	}
	return day
}

// latestDate is a day of the year that the text names with its month, else the
// latest such day that is not after today.
func latestDate(today time.Time, named ledger.Month, month, day int) days {
	if named != 0 {
		return dateOf(today, named.Start(today.Location()).Year(), month, day)
	}
	if found := dateOf(today, today.Year(), month, day); !found.From.After(today) {
		return found
	}
	return dateOf(today, today.Year()-1, month, day)
}

// dateOf is none for a day that the calendar does not have.
func dateOf(today time.Time, year, month, day int) days {
	at := time.Date(year, time.Month(month), day, 0, 0, 0, 0, today.Location())
	if at.Day() != day || int(at.Month()) != month {
		return days{}
	}
	return daysFrom(at, 1)
}

// daysIn reads the days that a text names, as far as they have come, and what
// it says beside them.
func daysIn(text string, today time.Time, month ledger.Month) (found days, rest string) {
	for _, w := range wordings {
		at := w.words.FindStringSubmatchIndex(text)
		if at == nil || month != 0 && !w.dated { // a month beside yesterday: what is asked for is not the day
			continue
		}
		said := make([]string, w.words.NumSubexp()+1)
		for i := range said {
			if at[2*i] >= 0 {
				said[i] = text[at[2*i]:at[2*i+1]]
			}
		}
		found = w.read(said, today, month)
		if tomorrow := today.AddDate(0, 0, 1); found.To.After(tomorrow) {
			found.To = tomorrow
		}
		if !found.From.Before(found.To) {
			return days{}, text
		}
		return found, text[:at[0]] + text[at[1]:]
	}
	return days{}, text
}

var (
	// besideDays is all that a follow-up says beside its days.
	besideDays = regexp.MustCompile(`^(?:那么?|还有|然后|我?要?看看?|查查?|[的是呢吧吗啊都]|明细|交易|流水|消费|记录|账单|花了?|多少钱?|买了?|什么|[，, ]|'s|and|then|ok|or|now|so|what|about|how|show|me|the|my|for|from|on|in|of|transactions?|history|statement|please)*$`)
	dayBefore  = regexp.MustCompile(`^(?:那么?|再)*(?:(?:往?前|上)一?天|往前)的?呢?$|^(?:and |what about |how about )*the day before(?: that)?$`)
	weekBefore = regexp.MustCompile(`^(?:那么?|再)*(?:(?:往?前|上)一?` + weekZh + `|往前)的?呢?$|^(?:and |what about |how about )*the week before(?: that)?$`)
)

// turnDays makes a text that asks for days one that asks for their
// transactions. One that names days and nothing else does so only after a
// statement or 明细, whatever it would mean by itself.
func (a *Apps) turnDays(ctx context.Context, t *turn) {
	text := strings.Map(narrowDigit, plain(t.Message.Content))
	month, _ := ledger.ParseMonth(t.Said.Month)
	found, rest := daysIn(text, a.today(), month)
	alone := found.named() && besideDays.MatchString(rest)
	before := map[int]bool{1: dayBefore.MatchString(text), 7: weekBefore.MatchString(text)}
	asked := found.named() && (t.Said.Intent == "statement" || t.Said.Intent == "transactions_today")
	if !asked && !alone && !before[1] && !before[7] {
		return
	}
	last := a.topic(ctx, t)
	n := last.Days.length()
	switch {
	case before[n]:
		found = daysFrom(last.Days.From.AddDate(0, 0, -n), n)
	case !asked && !(alone && last.ofPast()):
		return
	}
	t.Said = Said{Intent: "transactions_today", Days: found}
}

func narrowDigit(r rune) rune {
	if r >= '０' && r <= '９' {
		return r - '０' + '0'
	}
	return r
}

// ofPast tells whether it was about what was spent, so that a time alone asks
// for that of another time.
func (t topic) ofPast() bool { return t.Intent == "statement" || t.Intent == "transactions_today" }

// today is the midnight of the campus that began it.
func (a *Apps) today() time.Time {
	year, month, day := a.Now().In(a.Zone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, a.Zone)
}
