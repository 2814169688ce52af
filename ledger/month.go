package ledger

import (
	"errors"
	"time"
)

// Month is a calendar month; arithmetic goes over the turn of the year. Which
// moments are in it depends on the campus's time zone.
type Month int

// ErrMonth is returned for a text that is not a month written YYYY-MM.
var ErrMonth = errors.New("not a month, written 2026-11")

// MonthOf gives the month t is in, in t's own zone.
func MonthOf(t time.Time) Month { return Month(t.Year()*12 + int(t.Month()) - 1) }

// ParseMonth reads YYYY-MM, or ErrMonth.
func ParseMonth(s string) (Month, error) {
	t, err := time.Parse("2006-01", s)
	if err != nil {
		return 0, ErrMonth
	}
	return MonthOf(t), nil
}

// Start is the first moment of the month in a zone.
func (m Month) Start(zone *time.Location) time.Time {
	return time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, zone)
}

// String gives YYYY-MM.
func (m Month) String() string { return m.Start(time.UTC).Format("2006-01") }
