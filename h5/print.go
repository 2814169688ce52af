package h5

import (
	"cmp"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

// sheetBytes is what the lines of one page for paper may take, so that no page
// is over 60 KB; lineTags is what a line takes beside its words.
const (
	sheetBytes = 54_000
	lineTags   = len("<tr><td><td>\u00a0†<td><td>\n")
)

// printView is a month or a range for paper: every line, from the oldest on,
// with sums that lead from the first balance to the last. What is longer than
// a page goes on on the next, which begins with the balance that this one
// leads to.
type printView struct {
	Period           string
	Head             printHead
	Opening, Closing ledger.Fen // of this page
	In, Out          ledger.Fen // of the whole time, known on the last page
	Old              ledger.Fen // on replaced cards, of a time that is not over; Closing of the last page is without it
	Running          bool       // it is not over, and the last Closing is the balance now
	Lines            []printLine
	Notes            []note
	Page, Pages      int
	Before, After    string // addresses of the pages beside; empty = there is none
	Back             string // address of the list
}

// printHead says on paper whose it is.
type printHead struct {
	Holder  string
	CardNo  string // last four
	Printed time.Time
}

type printLine struct {
	When    string
	Words   string // what it was and where
	Mark    string // of the note about it; empty = none
	Amount  string // signed
	Balance string // after it; empty = not counted
	of      ledger.Movement
}

// bytes is what the line takes of a page, as html/template escapes it.
func (l printLine) bytes() int {
	text := l.When + l.Words + l.Amount + l.Balance
	return lineTags + len(template.HTMLEscapeString(text)) + len("&#43;")*strings.Count(text, "+")
}

// note says below the table once what is unusual about the lines with its
// mark.
type note struct{ Mark, Remark string }

// marks tell apart the remarks of a page, of which there are three.
var marks = [...]string{"*", "†", "‡"}

func (v *visit) printHead() printHead {
	return printHead{Holder: v.person.Name, CardNo: lastFour(v.person.CardNo), Printed: v.now}
}

// printed shows what the exports hold as pages to be printed.
func (v *visit) printed() error {
	page, err := v.askedPage()
	if err != nil {
		return err
	}
	s, _, err := v.exported()
	if err != nil {
		return err
	}
	first, last := s.From.In(v.Location), s.To.In(v.Location).Add(-time.Second)
	running := v.now.Before(s.To)
	if running {
		last = v.now.In(v.Location)
	}
	data := printView{
		Period: v.dayOf(first), Head: v.printHead(), Opening: s.Opening, Closing: s.Opening, Running: running,
		Back: "/h5/transactions?month=" + ledger.MonthOf(first).String(),
	}
	if end := v.dayOf(last); end != data.Period {
		data.Period += " – " + end
	}
	sheets := v.sheets(s.Movements)
	data.Pages = len(sheets)
	data.Page = min(page, data.Pages)
	for _, lines := range sheets[:data.Page] {
		data.Lines, data.Opening = lines, data.Closing
		for _, l := range lines {
			change := l.of.Change()
			data.Closing += change
			data.In += max(0, change)
			data.Out -= min(0, change)
		}
	}
	if data.Page == data.Pages && running {
		data.Old = s.Old
		data.Closing -= s.Old
	}
	v.marked(&data)
	if data.Page > 1 {
		data.Before = v.printPage(data.Page - 1)
	}
	if data.Page < data.Pages {
		data.After = v.printPage(data.Page + 1)
	}
	return v.show(http.StatusOK, "print", v.t("print.title"), data)
}

// sheets cuts what is listed newest first into pages, from the oldest line on;
// there is always one.
func (v *visit) sheets(newestFirst []ledger.Movement) (pages [][]printLine) {
	pages, left := [][]printLine{nil}, sheetBytes
	for _, m := range slices.Backward(newestFirst) {
		l := printLine{When: when(v.lang, m.At.In(v.Location), v.now.In(v.Location)), Words: v.movementName(m.Kind), Amount: signed(m.Change()), of: m}
		if m.Counted() {
			l.Balance = yuan(m.After)
		}
		if where := clip(m.Where); m.Kind == ledger.MovementConsumption {
			l.Words = cmp.Or(where, l.Words)
		} else if where != "" {
			l.Words += " · " + where
		}
		if left -= l.bytes(); left < 0 {
			pages, left = append(pages, nil), sheetBytes-l.bytes()
		}
		pages[len(pages)-1] = append(pages[len(pages)-1], l)
	}
	return pages
}

// marked notes below the lines what is unusual about some.
func (v *visit) marked(data *printView) {
	for i, l := range data.Lines {
		remark := v.remark(l.of)
		if remark == "" {
			continue
		}
		n := slices.IndexFunc(data.Notes, func(n note) bool { return n.Remark == remark })
		if n < 0 {
			n = len(data.Notes)
			data.Notes = append(data.Notes, note{marks[n], remark})
		}
		data.Lines[i].Mark = data.Notes[n].Mark
	}
}

// printPage is the address of another page of the same time.
func (v *visit) printPage(page int) string {
	asked, at := v.r.URL.Query(), url.Values{"page": {strconv.Itoa(page)}}
	for _, key := range []string{"month", "from", "to"} {
		if asked.Has(key) {
			at.Set(key, asked.Get(key))
		}
	}
	return "/h5/transactions/print?" + at.Encode()
}

// dayOf is a day with its year.
func (v *visit) dayOf(t time.Time) string {
	if v.lang == ledger.English {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2006年1月2日")
}
