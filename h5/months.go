package h5

import (
	"net/http"
	"net/url"
	"time"

	"xiaoka/ledger"
)

// oldestMonths is how far back the pages go; monthsOffered is how many the
// list of months holds, the arrow leads further.
const (
	oldestMonths  = 10 * 12
	monthsOffered = 13
)

// askedMonth reads ?month=YYYY-MM, this month without it.
func (v *visit) askedMonth() (ledger.Month, error) {
	this := ledger.MonthOf(v.now.In(v.Location))
	asked := v.r.URL.Query().Get("month")
	if asked == "" {
		return this, nil
	}
	month, err := ledger.ParseMonth(asked)
	if err != nil || month > this || month <= this-oldestMonths {
		return 0, &failure{Status: http.StatusBadRequest, Code: "bad_month", Err: err}
	}
	return month, nil
}

// monthNav leads from month to month on one page.
type monthNav struct {
	Path   string
	Label  string
	Older  string // addresses; empty = there is none
	Newer  string
	Months []option
	Kept   []option // what else the address asks for
}

// option is one choice of a list.
type option struct {
	Value, Label string
	Chosen       bool
}

// monthNav keeps what the address asks for beside the month.
func (v *visit) monthNav(path string, month ledger.Month, kept url.Values) monthNav {
	this := ledger.MonthOf(v.now.In(v.Location))
	to := func(m ledger.Month) string {
		query := url.Values{"month": {m.String()}}
		for key, values := range kept {
			query[key] = values
		}
		return path + "?" + query.Encode()
	}
	nav := monthNav{Path: path, Label: v.monthName(month)}
	if month < this {
		nav.Newer = to(month + 1)
	}
	if month-1 > this-oldestMonths {
		nav.Older = to(month - 1)
	}
	for m := this; m > this-monthsOffered; m-- {
		nav.Months = append(nav.Months, option{m.String(), v.monthName(m), m == month})
	}
	if month <= this-monthsOffered {
		nav.Months = append(nav.Months, option{month.String(), v.monthName(month), true})
	}
	for key := range kept {
		nav.Kept = append(nav.Kept, option{Value: kept.Get(key), Label: key})
	}
	return nav
}

func (v *visit) monthName(m ledger.Month) string {
	layout := "2006年1月"
	if v.lang == ledger.English {
		layout = "January 2006"
	}
	return m.Start(time.UTC).Format(layout)
}

// weekdays are the short names, from Sunday.
var weekdays = [...]string{"周日", "周一", "周二", "周三", "周四", "周五", "周六"}

// dayName is a day of a known year, with its day of the week.
func (v *visit) dayName(t time.Time) string {
	t = t.In(v.Location)
	if v.lang == ledger.English {
		return t.Format("Mon 2 Jan")
	}
	return t.Format("1月2日") + " " + weekdays[t.Weekday()]
}

// shortDay is a day of a known year.
func (v *visit) shortDay(t time.Time) string {
	if v.lang == ledger.English {
		return t.In(v.Location).Format("2 Jan")
	}
	return t.In(v.Location).Format("1月2日")
}
