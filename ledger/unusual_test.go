package ledger_test

import (
	"slices"
	"testing"
	"time"

	"xiaoka/ledger"
)

// meals are n purchases, one a day, the last the day before today.
func meals(n int, amount ledger.Fen, today time.Time) []ledger.Purchase {
	var out []ledger.Purchase
	for i := range n {
		out = append(out, ledger.Purchase{Amount: amount, At: today.AddDate(0, 0, i-n)})
	}
	return out
}

func TestUnusual(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	one := func(amount ledger.Fen) []ledger.Purchase { return []ledger.Purchase{{Amount: amount, At: today}} }
	quick := func(n int, every time.Duration) (out []ledger.Purchase) {
		for i := range n {
			out = append(out, ledger.Purchase{Amount: 200, At: today.Add(time.Duration(i) * every)})
		}
		return out
	}
	yesterday := quick(4, time.Minute)
	for i := range yesterday {
		yesterday[i].At = yesterday[i].At.AddDate(0, 0, -1)
	}
	for name, c := range map[string]struct {
		history []ledger.Purchase
		want    bool
		usual   ledger.Fen
		count   int
	}{
		"None":           {nil, false, 0, 0},
		"Newcomer":       {slices.Concat(meals(9, 1200, today), one(50000)), false, 0, 0},
		"Old":            {slices.Concat(meals(1, 1200, today.AddDate(0, 0, -60)), meals(9, 1200, today), one(50000)), false, 0, 0},
		"Large":          {slices.Concat(meals(10, 2600, today), one(5201)), true, 2600, 0},
		"Twice":          {slices.Concat(meals(10, 2600, today), one(5200)), false, 2600, 1},
		"LargeButUsual":  {slices.Concat(meals(10, 30000, today), one(50000)), false, 30000, 1},
		"BelowTheFloor":  {slices.Concat(meals(10, 600, today), one(4999)), false, 600, 1},
		"AtTheFloor":     {slices.Concat(meals(10, 600, today), one(5000)), true, 600, 0},
		"FiveInMinutes":  {slices.Concat(meals(10, 600, today), quick(5, time.Minute)), false, 600, 5},
		"SixInMinutes":   {slices.Concat(meals(10, 600, today), quick(6, time.Minute)), true, 600, 6},
		"SeventhIsKnown": {slices.Concat(meals(10, 600, today), quick(7, time.Minute)), false, 600, 7},
		"SixInAnHour":    {slices.Concat(meals(10, 600, today), quick(6, 10*time.Minute)), false, 600, 1},
		"SixAsUsual":     {slices.Concat(meals(10, 600, today.AddDate(0, 0, -2)), yesterday, quick(6, time.Minute)), false, 600, 6},
		"TwiceAsMany":    {slices.Concat(meals(10, 600, today.AddDate(0, 0, -2)), yesterday, quick(8, time.Minute)), true, 600, 8},
		"SixOfNewcomer":  {slices.Concat(meals(6, 600, today), quick(6, time.Minute)), false, 600, 6},
	} {
		t.Run(name, func(t *testing.T) {
			got, usual, count := ledger.Unusual(c.history)
			if got != c.want || usual != c.usual || count != c.count {
				t.Errorf("Unusual = %t, usual %s, %d times; want %t, %s, %d", got, usual, count, c.want, c.usual, c.count)
			}
		})
	}
}
