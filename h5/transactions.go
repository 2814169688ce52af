package h5

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

// pageLength is how many movements a page of the list holds.
const pageLength = 20

// merchantsOffered is how many merchants the list can be filtered by.
const merchantsOffered = 60

// movementKinds are the movements one can filter by, in the order offered.
var movementKinds = []string{ledger.MovementConsumption, ledger.MovementClaim, ledger.MovementCorrection, ledger.MovementMoved}

// seldom kinds are offered where there are any.
func seldom(kind string) bool {
	return kind == ledger.MovementCorrection || kind == ledger.MovementMoved
}

type transactionsView struct {
	Nav       monthNav
	Head      printHead
	Now       *ledger.Balance // in the running month: what is not in the list yet
	Statement ledger.Statement
	Month     string
	Kinds     []option
	Merchants []option
	Filter    string            // what the list is filtered by, in words
	Listed    *ledger.Statement // its sums are those of the filtered list; nil = not filtered
	Days      []movementDay
	Page      int
	Pages     int
	Before    string // addresses of the pages beside; empty = there is none
	After     string
	First     string // address of the first page
	From, To  string // days of the month, for the export of a range
	Today     string
}

// movementDay is a run of movements of one day.
type movementDay struct {
	Name  string
	Spent ledger.Fen // on the whole day, as filtered
	Lines []movementLine
	key   string
}

type movementLine struct {
	ledger.Movement
	Name   string // of its kind
	Booked string // accounting day, when it is another
}

// transactions lists a month of the card's history, newest first by its own
// counters.
func (v *visit) transactions() error {
	month, err := v.askedMonth()
	if err != nil {
		return err
	}
	query := v.r.URL.Query()
	page, err := v.askedPage()
	if err != nil {
		return err
	}
	if kind := query.Get("kind"); kind != "" && !slices.Contains(movementKinds, kind) {
		return &failure{Status: http.StatusBadRequest, Code: "bad_request"}
	}
	s, err := v.Store.Statement(v.ctx(), v.person.ID, month, v.now)
	if err != nil {
		return err
	}
	now, err := v.runningBalance(s)
	if err != nil {
		return err
	}
	kept := url.Values{}
	for _, key := range []string{"kind", "merchant"} {
		if value := query.Get(key); value != "" {
			kept.Set(key, value)
		}
	}
	lines := filter(s.Movements, kept.Get("kind"), kept.Get("merchant"))
	data := transactionsView{
		Nav: v.monthNav("/h5/transactions", month, kept), Head: v.printHead(), Now: now, Statement: s, Month: month.String(),
		Page: page, Pages: max(1, (len(lines)+pageLength-1)/pageLength),
		From: s.From.Format(time.DateOnly), To: s.To.AddDate(0, 0, -1).Format(time.DateOnly), Today: v.now.In(v.Location).Format(time.DateOnly),
	}
	data.To = min(data.To, data.Today)
	for _, kind := range movementKinds {
		chosen := kept.Get("kind") == kind
		if !seldom(kind) || chosen || slices.ContainsFunc(s.Movements, func(m ledger.Movement) bool { return m.Kind == kind }) {
			data.Kinds = append(data.Kinds, option{kind, v.movementName(kind), chosen})
		}
	}
	data.Merchants = merchants(s, kept.Get("merchant"))
	if len(kept) > 0 {
		listed := ledger.NewStatement(0, s.From, s.To, lines)
		data.Listed = &listed
		data.Filter = v.chosen(data.Kinds, data.Merchants)
	}
	to := func(page int) string {
		at := url.Values{"month": {data.Month}}
		for key := range kept {
			at.Set(key, kept.Get(key))
		}
		if page > 1 {
			at.Set("page", strconv.Itoa(page))
		}
		return "/h5/transactions?" + at.Encode()
	}
	data.First = to(1)
	if page > 1 {
		data.Before = to(min(page-1, data.Pages))
	}
	if page < data.Pages {
		data.After = to(page + 1)
	}
	data.Days = v.byDay(lines, (page-1)*pageLength)
	return v.show(http.StatusOK, "transactions", v.t("transactions.title"), data)
}

// askedPage reads ?page=, the first without it.
func (v *visit) askedPage() (int, error) {
	page, err := strconv.Atoi(cmp.Or(v.r.URL.Query().Get("page"), "1"))
	if err != nil || page < 1 {
		return 0, &failure{Status: http.StatusBadRequest, Code: "bad_request", Err: err}
	}
	return page, nil
}

// runningBalance is the balance now when the statement's month still runs: it
// says what is still to come.
func (v *visit) runningBalance(s ledger.Statement) (*ledger.Balance, error) {
	if !v.now.Before(s.To) {
		return nil, nil
	}
	b, err := v.Store.Balance(v.ctx(), v.person.ID, v.now)
	return &b, err
}

// filter keeps the movements of a kind and a merchant; empty = all.
func filter(all []ledger.Movement, kind, merchant string) (kept []ledger.Movement) {
	for _, m := range all {
		if (kind == "" || m.Kind == kind) && (merchant == "" || (m.Kind == ledger.MovementConsumption && m.Where == merchant)) {
			kept = append(kept, m)
		}
	}
	return kept
}

// chosen names what the lists of choices are at.
func (v *visit) chosen(lists ...[]option) string {
	var names []string
	for _, o := range slices.Concat(lists...) {
		if o.Chosen {
			names = append(names, o.Label)
		}
	}
	return strings.Join(names, " · ")
}

// merchants are those of the month where most was spent, and the one asked for.
func merchants(s ledger.Statement, chosen string) (all []option) {
	known := false
	for _, m := range s.Merchants[:min(len(s.Merchants), merchantsOffered)] {
		known = known || m.Name == chosen
		all = append(all, option{m.Name, clip(m.Name), m.Name == chosen})
	}
	if chosen != "" && !known {
		all = append(all, option{chosen, clip(chosen), true})
	}
	return all
}

// byDay cuts one page, from the given line on, into days. The sum of a day is
// that of all its lines, whatever the page.
func (v *visit) byDay(lines []ledger.Movement, from int) (days []movementDay) {
	spent := map[string]ledger.Fen{}
	for _, m := range lines {
		if m.Kind == ledger.MovementConsumption {
			spent[m.At.In(v.Location).Format(time.DateOnly)] += m.Amount
		}
	}
	from = min(from, len(lines))
	for _, m := range lines[from:min(from+pageLength, len(lines))] {
		key := m.At.In(v.Location).Format(time.DateOnly)
		if n := len(days); n == 0 || days[n-1].key != key {
			days = append(days, movementDay{Name: v.dayName(m.At), Spent: spent[key], key: key})
		}
		line := movementLine{Movement: m, Name: v.movementName(m.Kind)}
		if m.Late && m.Kind == ledger.MovementConsumption {
			line.Booked = v.shortDay(m.Booked)
		}
		last := &days[len(days)-1]
		last.Lines = append(last.Lines, line)
	}
	return days
}

func (v *visit) movementName(kind string) string {
	if v.lang == ledger.English {
		return ledger.MovementWords[kind].EN
	}
	return ledger.MovementWords[kind].ZH
}

// signed writes an amount with the sign it has on the card: −6.50, +50.00.
func signed(f ledger.Fen) string {
	if f == 0 {
		return f.Yuan()
	}
	if f < 0 {
		return yuan(f)
	}
	return "+" + f.Yuan()
}

// yuan writes the bare number as people read it, with a real minus sign; that
// of Fen.Yuan is for programs.
func yuan(f ledger.Fen) string { return strings.Replace(f.Yuan(), "-", "−", 1) }
