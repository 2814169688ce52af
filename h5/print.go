package h5

import (
	"net/http"
	"slices"
	"time"

	"xiaoka/ledger"
)

// printView is a month or a range for paper: every line, from the oldest on,
// with sums that lead from the first balance to the last.
type printView struct {
	Period           string
	Head             printHead
	Opening, Closing ledger.Fen
	Running          bool // it is not over, and Closing is the balance now
	In, Out          ledger.Fen
	Lines            []printLine
	Back             string // address of the list
}

// printHead says on paper whose it is.
type printHead struct {
	Holder  string
	CardNo  string // last four
	Printed time.Time
}

type printLine struct {
	ledger.Movement
	Name   string // of its kind
	Remark string
}

func (v *visit) printHead() printHead {
	return printHead{Holder: v.person.Name, CardNo: lastFour(v.person.CardNo), Printed: v.now}
}

// printed shows what the exports hold as a page to be printed.
func (v *visit) printed() error {
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
		Period: v.dayOf(first), Head: v.printHead(), Opening: s.Opening, Closing: s.Closing, Running: running,
		Back: "/h5/transactions?month=" + ledger.MonthOf(first).String(),
	}
	if end := v.dayOf(last); end != data.Period {
		data.Period += " – " + end
	}
	for _, m := range slices.Backward(s.Movements) {
		if change := m.Change(); change >= 0 {
			data.In += change
		} else {
			data.Out -= change
		}
		data.Lines = append(data.Lines, printLine{m, v.movementName(m.Kind), v.remark(m)})
	}
	return v.show(http.StatusOK, "print", v.t("print.title"), data)
}

// dayOf is a day with its year.
func (v *visit) dayOf(t time.Time) string {
	if v.lang == ledger.English {
		return t.Format("2 Jan 2006")
	}
	return t.Format("2006年1月2日")
}
