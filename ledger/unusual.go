package ledger

import "time"

// What makes a purchase unlike its holder's own history.
const (
	UnusualDays    = 60               // how far back the history goes
	UnusualHistory = 10               // purchases that it must hold; of a newcomer nothing is unusual
	UnusualFen     = Fen(5000)        // a purchase below it never is by its amount
	UnusualTimes   = 2                // so many times what was usual is not any more
	UnusualWithin  = 10 * time.Minute // in which purchases are counted
	UnusualCount   = 6                // purchases within it; fewer are a meal with its drink and its fruit
)

// Purchase is one purchase of a history.
type Purchase struct {
	Amount Fen
	At     time.Time
}

// Unusual judges the last of a card's purchases, in the order they were made
// and going back UnusualDays. It is unusual
//
//   - by its amount: UnusualFen or more, and more than UnusualTimes the
//     greatest before it, which is returned as usual; or
//   - by its number: it is just the one that makes UnusualCount within
//     UnusualWithin, or UnusualTimes the most that were ever made in such a
//     time before, if that is more. The number is returned as count. Those
//     that follow at once are not unusual again until they have doubled.
//
// Neither holds with fewer than UnusualHistory purchases before.
func Unusual(history []Purchase) (unusual bool, usual Fen, count int) {
	if len(history) == 0 {
		return false, 0, 0
	}
	last := history[len(history)-1]
	before := history[:len(history)-1]
	for len(before) > 0 && before[0].At.Before(last.At.AddDate(0, 0, -UnusualDays)) {
		before = before[1:]
	}
	if len(before) < UnusualHistory {
		return false, 0, 0
	}
	for _, p := range before {
		usual = max(usual, p.Amount)
	}
	if last.Amount >= UnusualFen && last.Amount > UnusualTimes*usual {
		return true, usual, 0
	}
	burst := len(before)
	for burst > 0 && before[burst-1].At.After(last.At.Add(-UnusualWithin)) {
		burst--
	}
	count = len(before) - burst + 1
	return burst >= UnusualHistory && count == max(UnusualCount, UnusualTimes*most(before[:burst])), usual, count
}

// most is the greatest number of purchases within UnusualWithin.
func most(history []Purchase) (n int) {
	first := 0
	for i, p := range history {
		for !history[first].At.After(p.At.Add(-UnusualWithin)) {
			first++
		}
		n = max(n, i-first+1)
	}
	return n
}
