package h5

import (
	"bytes"
	"encoding/csv"
	"net/http"
	"slices"
	"strings"
	"time"

	"xiaoka/ledger"
)

// longestExport bounds a range.
const longestExport = 366

// asked is what an export is asked for: a month, or from one day to another,
// both inclusive.
func (v *visit) exported() (s ledger.Statement, name string, err error) {
	query := v.r.URL.Query()
	from, to := query.Get("from"), query.Get("to")
	if from == "" && to == "" {
		month, err := v.askedMonth()
		if err != nil {
			return s, "", err
		}
		s, err = v.Store.Statement(v.ctx(), v.person.ID, month, v.now)
		return s, month.String(), err
	}
	first, err1 := time.ParseInLocation(time.DateOnly, from, v.Location)
	last, err2 := time.ParseInLocation(time.DateOnly, to, v.Location)
	end := last.AddDate(0, 0, 1)
	oldest := (ledger.MonthOf(v.now.In(v.Location)) - oldestMonths).Start(v.Location)
	if err1 != nil || err2 != nil || last.Before(first) || first.Before(oldest) || first.After(v.now) || end.After(first.AddDate(0, 0, longestExport)) {
		return s, "", &failure{Status: http.StatusBadRequest, Code: "bad_range"}
	}
	s, err = v.Store.StatementBetween(v.ctx(), v.person.ID, first, end)
	return s, from + "_" + to, err
}

// record is one line of an export, its times in the zone they are shown in. An
// empty amount and a zero day are left blank.
type record struct {
	at                    time.Time
	kind, where, terminal string
	in, out, balance      *ledger.Fen
	booked                day
	remark                string
}

// day is a date without a time.
type day struct{ time.Time }

// records lists a statement as it is exported: the opening balance, the
// movements from the oldest on, and the totals, so that what came in and went
// out leads from the first balance to the last. While the time runs, the last
// is the balance now, and what replaced cards hold or lack is a line of its own.
func (v *visit) records(s ledger.Statement) []record {
	all := []record{{at: s.From.In(v.Location), kind: v.t("export.opening"), balance: &s.Opening}}
	var in, out ledger.Fen
	for _, m := range slices.Backward(s.Movements) {
		r := record{at: m.At.In(v.Location), kind: v.movementName(m.Kind), where: clip(m.Where), terminal: clip(m.TerminalID)}
		if change := m.Change(); change >= 0 {
			in += change
			r.in = &change
		} else {
			change = -change
			out += change
			r.out = &change
		}
		if m.Counted() {
			r.balance = &m.After
		}
		if m.Kind == ledger.MovementConsumption {
			r.booked = day{m.Booked.In(v.Location)}
		}
		r.remark = v.remark(m)
		all = append(all, r)
	}
	last, closing := s.To.Add(-time.Second).In(v.Location), s.Closing
	if v.now.Before(s.To) {
		last, closing = v.now.In(v.Location), s.OnCard()
		off, short := max(0, s.Old), max(0, -s.Old)
		in, out = in+short, out+off
		switch {
		case off > 0:
			all = append(all, record{at: last, kind: v.t(onOld(s.Old)), out: &off})
		case short > 0:
			all = append(all, record{at: last, kind: v.t(onOld(s.Old)), in: &short})
		}
	}
	return append(all, record{at: last, kind: v.t("export.total"), in: &in, out: &out, balance: &closing})
}

// remark is what is unusual about a movement; empty = nothing.
func (v *visit) remark(m ledger.Movement) string {
	switch {
	case m.AfterLoss:
		return v.t("movement.after_loss")
	case m.Late && m.Kind == ledger.MovementConsumption:
		return v.t("movement.late")
	case m.Late:
		return v.t("movement.proven_late")
	}
	return ""
}

// columns are the headings of an export.
func (v *visit) columns() []string {
	return []string{v.t("export.time"), v.t("export.kind"), v.t("export.where"), v.t("export.terminal"), v.t("export.in"), v.t("export.out"),
		v.t("export.balance"), v.t("export.booked"), v.t("export.remark")}
}

// attach names the file a browser saves.
func (v *visit) attach(name, kind string, content []byte) error {
	h := v.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", `attachment; filename="xiaoka-`+name+`"`)
	v.w.Write(content) // an error means that the browser went away
	return nil
}

// transactionsCSV exports for spreadsheets of any kind, in UTF-8 with the mark
// that Excel wants (RFC 4180).
func (v *visit) transactionsCSV() error {
	s, name, err := v.exported()
	if err != nil {
		return err
	}
	var b bytes.Buffer
	b.WriteString("\ufeff")
	w := csv.NewWriter(&b)
	w.UseCRLF = true
	lines := [][]string{v.columns()}
	for _, r := range v.records(s) {
		booked := ""
		if !r.booked.IsZero() {
			booked = r.booked.Format(time.DateOnly)
		}
		lines = append(lines, []string{r.at.Format(time.DateTime), r.kind, harmless(r.where), harmless(r.terminal), blankOr(r.in), blankOr(r.out), blankOr(r.balance),
			booked, r.remark})
	}
	if err := w.WriteAll(lines); err != nil {
		return err
	}
	return v.attach(name+".csv", "text/csv; charset=utf-8", b.Bytes())
}

func blankOr(f *ledger.Fen) string {
	if f == nil {
		return ""
	}
	return f.Yuan()
}

// harmless cleans a text and keeps a spreadsheet from running it as a formula
// (https://owasp.org/www-community/attacks/CSV_Injection).
func harmless(s string) string {
	s = clip(s)
	if strings.IndexAny(s, "=+-@＝＋－＠|%") == 0 {
		return "'" + s
	}
	return s
}

// transactionsXLSX exports a workbook, whose texts are texts by type and by
// format, so that none needs a mark before it.
func (v *visit) transactionsXLSX() error {
	s, name, err := v.exported()
	if err != nil {
		return err
	}
	content, err := workbook(v.t("transactions.title"), v.columns(), v.records(s))
	if err != nil {
		return err
	}
	return v.attach(name+".xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", content)
}
