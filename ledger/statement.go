package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Statement is what happened on a campus card from one moment (inclusive) to
// another (exclusive):
//
//	Opening + Claimed − Spent + Corrected = Closing
//
// to the fen. A purchase belongs to the day it was made on, however late it
// arrived; a claim to the day it was settled on. The balance a card was opened
// with stands before everything.
type Statement struct {
	From, To  time.Time // in the campus's zone
	Opening   Fen
	Claimed   Fen // written to the card
	Claims    int
	Spent     Fen
	Purchases int
	Corrected Fen // what else raised (or, negative, lowered) the card's money
	Closing   Fen
	// Old is what the books hold now on cards that were replaced, in Closing of
	// a time that still runs, and on no chip in use; negative when it is short.
	Old Fen

	// What became the holder's in this time, wherever the money is now; it is
	// in Claimed once a terminal wrote it to the card.
	Paid     Fen // top-ups
	Returned Fen // of those, sent back to the payer or on the way there
	Granted  Fen // subsidies
	Reversed Fen // purchases that were corrected, whenever they were made

	Before   Fen       // spent in the month before From's, up to BeforeTo
	BeforeTo time.Time // while From's month runs, as far in the month before as it has come; zero = its end

	Late      int          // purchases booked on a later day than they were made
	Days      []DaySpent   // those with purchases, in order
	Merchants []Share      // most spent first
	Meals     [Meals]Share // by Meal
	Movements []Movement   // newest first, by the card's own counters
}

// OnCard is the balance of the card in use, at the end of a statement whose
// time still runs.
func (s Statement) OnCard() Fen { return s.Closing - s.Old }

// DaySpent is what was spent on one day.
type DaySpent struct {
	Day       time.Time // its midnight
	Spent     Fen
	Purchases int
}

// Share is one part of what was spent.
type Share struct {
	Name      string // of the merchant; empty for a meal
	Spent     Fen
	Purchases int
}

// Meal is when something was eaten.
type Meal int

// The meals by the clock of the campus: breakfast 05:00 to 10:00, lunch to
// 15:00, dinner 16:00 to 20:30. All else is another time of the day, or no
// meal by the name of who sold it.
const (
	Breakfast Meal = iota
	Lunch
	Dinner
	NoMeal
	Meals // how many there are
)

// notMeals are in the names of those who sell no food: a shower at noon is no
// lunch.
var notMeals = []string{"浴室", "浴池", "淋浴", "洗浴", "澡堂", "开水", "热水", "饮水", "水控", "洗衣", "打印", "复印", "图书馆", "书店",
	"医院", "医务", "校车", "班车", "电费", "网费", "理发", "健身", "体育"}

// MealOf tells the meal of a purchase made at t, in t's own zone.
func MealOf(merchant string, t time.Time) Meal {
	if slices.ContainsFunc(notMeals, func(word string) bool { return strings.Contains(merchant, word) }) {
		return NoMeal
	}
	switch minute := t.Hour()*60 + t.Minute(); {
	case 5*60 <= minute && minute < 10*60:
		return Breakfast
	case 10*60 <= minute && minute < 15*60:
		return Lunch
	case 16*60 <= minute && minute < 20*60+30:
		return Dinner
	}
	return NoMeal
}

// NewStatement sums movements up from an opening balance. Those before from
// only move the opening, those from to on are left out. Movements without
// counters find their place by time.
func NewStatement(opening Fen, from, to time.Time, movements []Movement) Statement {
	s := Statement{From: from, To: to, Opening: opening}
	merchants, days := map[string]*Share{}, map[time.Time]*DaySpent{}
	for _, m := range movements {
		switch {
		case m.At.Before(from):
			s.Opening += m.Change()
			continue
		case !m.At.Before(to):
			continue
		}
		s.Movements = append(s.Movements, m)
		switch m.Kind {
		case MovementClaim:
			s.Claimed += m.Amount
			s.Claims++
			continue
		case MovementCorrection, MovementMoved:
			s.Corrected += m.Change()
			continue
		}
		s.Spent += m.Amount
		s.Purchases++
		if m.Late {
			s.Late++
		}
		at := m.At.In(from.Location())
		year, month, date := at.Date()
		day := time.Date(year, month, date, 0, 0, 0, 0, from.Location())
		if days[day] == nil {
			days[day] = &DaySpent{Day: day}
		}
		days[day].Spent += m.Amount
		days[day].Purchases++
		if merchants[m.Where] == nil {
			merchants[m.Where] = &Share{Name: m.Where}
		}
		merchants[m.Where].add(m.Amount)
		s.Meals[MealOf(m.Where, at)].add(m.Amount)
	}
	for _, d := range days {
		s.Days = append(s.Days, *d)
	}
	slices.SortFunc(s.Days, func(a, b DaySpent) int { return a.Day.Compare(b.Day) })
	for _, m := range merchants {
		s.Merchants = append(s.Merchants, *m)
	}
	slices.SortFunc(s.Merchants, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Spent, a.Spent), cmp.Compare(a.Name, b.Name))
	})
	s.Closing = s.Opening + s.Claimed - s.Spent + s.Corrected
	NewestFirst(s.Movements)
	return s
}

func (s *Share) add(f Fen) {
	s.Spent += f
	s.Purchases++
}

// NewestFirst orders by card and its counters, which no clock can get
// wrong: a load comes after the purchase whose counter it met. What has no
// counters finds its place by time.
func NewestFirst(all []Movement) {
	slices.SortStableFunc(all, func(a, b Movement) int { return b.At.Compare(a.At) })
	var counted, others []Movement
	for _, m := range all {
		if m.Counted() {
			counted = append(counted, m)
		} else {
			others = append(others, m)
		}
	}
	slices.SortStableFunc(counted, func(a, b Movement) int {
		return cmp.Or(cmp.Compare(a.Card, b.Card), cmp.Compare(b.SpendSeq, a.SpendSeq), cmp.Compare(b.LoadSeq, a.LoadSeq))
	})
	merged := all[:0]
	for _, m := range counted {
		for len(others) > 0 && others[0].At.After(m.At) {
			merged, others = append(merged, others[0]), others[1:]
		}
		merged = append(merged, m)
	}
	copy(all[len(merged):], others)
}
