package cards

import (
	"encoding/json"
	"strings"
	"time"
)

// chartRatio is width to height of the picture that StatementData.ChartURL shows.
const chartRatio json.Number = "2.0"

// StatementData is one month of a person's card.
type StatementData struct {
	Month       time.Time // any moment of the month, in the zone to show
	SpentFen    int64     // not negative
	Purchases   int
	ToppedUpFen int64     // paid
	ReturnedFen int64     // of that, sent back to the payer or on the way there
	GrantedFen  int64     // subsidies
	ClaimedFen  int64     // collected onto the card, whenever it was paid or granted
	Days        int       // with a purchase
	BeforeFen   int64     // spent in the month before, up to BeforeTo
	Before      bool      // whether anything was
	BeforeTo    time.Time // while the month runs, as far in the one before as it has come, in the zone to show; zero = its end
	Merchants   []StatementMerchant

	// ChartURL is a picture, twice as wide as high, that WeCom's client can fetch without a session; "" = no picture.
	ChartURL        string
	URL             string // the statement's page
	TransactionsURL string // the month's transactions
}

// StatementMerchant is one of the places where most was spent.
type StatementMerchant struct {
	Name string
	Fen  int64
}

// Statement answers 账单: the month at a glance with its chart, or without where there is no picture.
func Statement(lang Lang, d StatementData) Card {
	c := notice(lang, "statement", kSourceCard, say(lang, kStatementOf, MonthName(lang, d.Month)), changeText(lang, d), d.URL)
	if validURL(d.ChartURL) && d.Purchases > 0 {
		c.Type = NewsNotice
		c.CardImage = &CardImage{URL: d.ChartURL, AspectRatio: chartRatio}
		if places := topMerchants(lang, d.Merchants); places != "" {
			c.VerticalContentList = []Vertical{{Title: say(lang, kMerchants), Desc: places}}
		}
		spent := say(lang, kPurchases, Yuan(d.SpentFen), d.Purchases)
		if d.Purchases == 1 {
			spent = say(lang, kOnePurchase, Yuan(d.SpentFen))
		}
		c.row(kRowSpent, spent)
	} else {
		c.EmphasisContent = &Emphasis{Title: Yuan(d.SpentFen), Desc: say(lang, kSpentTotal)}
		if places := topMerchants(lang, d.Merchants); places != "" {
			c.SubTitleText = say(lang, kPair, say(lang, kMerchants), places)
		}
	}
	c.row(kRowToppedUp, say(lang, kToppedUp, Yuan(d.ToppedUpFen)))
	if d.ReturnedFen > 0 {
		c.row(kRowReturned, say(lang, kReturned, Yuan(d.ReturnedFen)))
	}
	if d.GrantedFen > 0 {
		c.row(kRowGranted, Yuan(d.GrantedFen))
	}
	if d.ClaimedFen != d.ToppedUpFen+d.GrantedFen {
		c.row(kRowCollected, say(lang, kCollected, Yuan(d.ClaimedFen)))
	}
	c.row(kRowDays, say(lang, kDaysCount, d.Days))
	c.jump(kJumpBill, d.URL)
	c.jump(kJumpMonth, d.TransactionsURL)
	return c.Fit()
}

// changeText compares the month with the one before, as far as this one has come.
func changeText(lang Lang, d StatementData) string {
	more, comparable := sub(d.SpentFen, d.BeforeFen)
	switch {
	case d.Purchases == 0:
		return say(lang, kNothingSpent)
	case !d.Before || !comparable:
		return compared(lang, d, kFirst, kFirstSoFar)
	case more > 0:
		return compared(lang, d, kMoreThan, kMoreSoFar, Yuan(more))
	case more < 0:
		return compared(lang, d, kLess, kLessSoFar, Yuan(-more))
	}
	return compared(lang, d, kSame, kSameSoFar)
}

// compared says a comparison with the whole month before, or with as much of it.
func compared(lang Lang, d StatementData, whole, soFar key, args ...any) string {
	if !d.BeforeTo.IsZero() {
		return say(lang, soFar, append(args, When(lang, d.BeforeTo))...)
	}
	return say(lang, whole, args...)
}

// sub is a−b, unless it overflows.
func sub(a, b int64) (int64, bool) {
	d := a - b
	return d, (d < a) == (b > 0) && d != -d || d == 0
}

// topMerchants names at most three places, the greatest first.
func topMerchants(lang Lang, list []StatementMerchant) string {
	var out []string
	for _, m := range list[:min(len(list), 3)] {
		if name := cut(m.Name, 16); name != "" {
			out = append(out, joinSpaced(name, Yuan(m.Fen)))
		}
	}
	return strings.Join(out, say(lang, kPlaceSeparator))
}

// TransactionLine is one line of a history: a movement on the card, or a transfer that is not on the card.
type TransactionLine struct {
	Name    string // of the row: what it is, or how far the transfer has come
	Title   string
	Amount  string // with its sign; a transfer's has none
	At      time.Time
	OffCard bool // a transfer, which is no transaction
}

// TransactionsData is the newest lines, newest first.
type TransactionsData struct {
	From, To time.Time         // midnights between which they are, in the zone to show; zero = the latest of all
	Now      time.Time         // in that zone
	Count    int               // of all transactions of that time
	Spent    string            // what that time, or today, came to, under the title; "" = nothing to say of it
	Lines    []TransactionLine // the first five are shown
	URL      string            // the page with all of them
	BillURL  string            // the month's statement
	ListURL  string            // all transfers, for those among the lines
	TopUpURL string
}

// Transactions answers 明细.
func Transactions(lang Lang, d TransactionsData) Card {
	of := Span(lang, d.From, d.To, d.Now)
	switch {
	case len(d.Lines) == 0 && of != "":
		c := notice(lang, "transactions", kSourceCard, say(lang, kNoTransactionsOf, of), "", d.URL)
		c.jump(kJumpDetails, d.URL)
		return c.Fit()
	case len(d.Lines) == 0:
		c := notice(lang, "transactions", kSourceCard, say(lang, kNoTransactions), "", d.URL)
		c.SubTitleText = say(lang, kNoTransactionsSay)
		c.jump(kJumpTopUp, d.TopUpURL)
		return c.Fit()
	}
	lines := d.Lines[:min(len(d.Lines), maxHorizontal)]
	onCard := 0
	for _, l := range lines {
		if !l.OffCard {
			onCard++
		}
	}
	title := say(lang, kTransactionsTitle, onCard)
	switch {
	case onCard == 0:
		title = say(lang, kNoTransactions)
	case of != "" && onCard < d.Count:
		title = say(lang, kTransactionsLast, of, onCard)
	case of != "":
		title = say(lang, kTransactionsOf, of, onCard)
	}
	c := notice(lang, "transactions", kSourceCard, title, d.Spent, d.URL)
	aDay := !d.From.IsZero() && d.To.Equal(d.From.AddDate(0, 0, 1))
	for _, l := range lines {
		now := d.Now
		if aDay {
			now = l.At
		}
		c.HorizontalContentList = append(c.HorizontalContentList, Horizontal{KeyName: l.Name, Value: line(lang, l.At, now, l.Title, l.Amount)})
	}
	c.jump(kJumpDetails, d.URL)
	c.jump(kJumpBill, d.BillURL)
	if onCard < len(lines) {
		c.SubTitleText = say(lang, kOffCard)
		c.jump(kPendingList, d.ListURL)
	}
	return c.Fit()
}

// lineWidth is what one line of a row's value holds, in halves of a Chinese character: a client draws that much beside a name of four.
const lineWidth = 28

// line is a row's value that stays on one line, so that amounts stand under each other: the time of a day that is now's, else the day;
// what, as far as there is room; and how much.
func line(lang Lang, at, now time.Time, what, amount string) string {
	when := Day(lang, at)
	switch {
	case at.Format(time.DateOnly) == now.Format(time.DateOnly):
		when = at.Format("15:04")
	case lang == Zh && at.Format("2006-01") == now.Format("2006-01"):
		when = at.Format("2日")
	}
	room := lineWidth - width(when) - width(amount) - 2
	return joinSpaced(when, cutWidth(what, max(2, room)), clean(amount))
}

// titled is what, as far as n characters have room for it, and how much.
func titled(title, amount string, n int) string {
	amount = clean(amount)
	return joinSpaced(cut(title, max(1, n-len([]rune(amount))-1)), amount)
}
