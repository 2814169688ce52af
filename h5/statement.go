package h5

import (
	"net/http"

	"xiaoka/ledger"
)

type statementView struct {
	ledger.Statement
	Nav               monthNav
	Month             string
	Now               *ledger.Balance // in the running month
	Sign, Yuan, Cents string          // of Spent
	Change            ledger.Fen      // on the month before, positive = more
	Chart             chart
	Merchants         []shareBar
	Meals             []shareBar
	Head              printHead
}

// shareBar is a part of what was spent with its bar, 0 to 100 wide.
type shareBar struct {
	ledger.Share
	Width int
}

// mealNames are in the order of ledger.Meal.
var mealNames = [ledger.Meals]string{"meal.breakfast", "meal.lunch", "meal.dinner", "meal.other"}

// merchantsShown is how many merchants have a line of their own.
const merchantsShown = 8

// statement sums a month up.
func (v *visit) statement() error {
	month, err := v.askedMonth()
	if err != nil {
		return err
	}
	s, err := v.Store.Statement(v.ctx(), v.person.ID, month, v.now)
	if err != nil {
		return err
	}
	now, err := v.runningBalance(s)
	if err != nil {
		return err
	}
	data := statementView{
		Statement: s, Nav: v.monthNav("/h5/statement", month, nil), Month: month.String(), Now: now, Change: s.Spent - s.Before,
		Chart: v.chartOf(s), Head: v.printHead(),
	}
	data.Sign, data.Yuan, data.Cents = splitYuan(s.Spent)
	shares := s.Merchants
	if len(shares) > merchantsShown {
		rest := ledger.Share{Name: v.t("statement.others", len(shares)-merchantsShown+1)}
		for _, m := range shares[merchantsShown-1:] {
			rest.Spent += m.Spent
			rest.Purchases += m.Purchases
		}
		shares = append(append([]ledger.Share{}, shares[:merchantsShown-1]...), rest)
	}
	data.Merchants = bars(shares)
	for i, share := range s.Meals {
		share.Name = v.t(mealNames[i])
		if share.Purchases > 0 {
			data.Meals = append(data.Meals, shareBar{Share: share})
		}
	}
	data.Meals = bars(sharesOf(data.Meals))
	return v.show(http.StatusOK, "statement", v.t("statement.title"), data)
}

func sharesOf(bars []shareBar) (all []ledger.Share) {
	for _, b := range bars {
		all = append(all, b.Share)
	}
	return all
}

// bars gives each share a bar, the largest the full width.
func bars(shares []ledger.Share) (all []shareBar) {
	most := ledger.Fen(1)
	for _, s := range shares {
		most = max(most, s.Spent)
	}
	for _, s := range shares {
		all = append(all, shareBar{s, max(1, int(s.Spent*100/most))})
	}
	return all
}

// The chart of days is drawn in its own units, which the page stretches.
const (
	chartUnits  = 343
	chartRoom   = 94 // the highest bar
	chartGround = 114
)

// chart is what the template draws: bars, the dates under them, the most over
// its bar.
type chart struct {
	Width, Height, Ground int
	Bars                  []chartBar
	Ticks                 []chartText
	Most                  chartText
	MostDay               string
}

type chartBar struct {
	X, Y, W, H int
	Day        string
	Spent      ledger.Fen
	Purchases  int
}

type chartText struct {
	X, Y int
	Text string
}

func (v *visit) chartOf(s ledger.Statement) chart {
	c := chart{Width: chartUnits, Height: chartGround + 20, Ground: chartGround}
	days := daily(s)
	most := ledger.Fen(1)
	for _, d := range days {
		most = max(most, d.Spent)
	}
	for i, d := range days {
		x, next := chartUnits*i/len(days), chartUnits*(i+1)/len(days)
		middle := (x + next) / 2
		if i%7 == 0 {
			c.Ticks = append(c.Ticks, chartText{middle, chartGround + 16, d.Day.Format("2")})
		}
		if d.Spent <= 0 {
			continue
		}
		high := max(2, int(d.Spent*chartRoom/most))
		c.Bars = append(c.Bars, chartBar{x + 2, chartGround - high, next - x - 4, high, v.shortDay(d.Day), d.Spent, d.Purchases})
		if d.Spent == most && c.Most.Text == "" {
			c.Most = chartText{min(max(middle, 24), chartUnits-24), chartGround - high - 5, d.Spent.Yuan()}
			c.MostDay = v.shortDay(d.Day)
		}
	}
	return c
}
