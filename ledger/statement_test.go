package ledger

import (
	"testing"
	"time"
)

func TestMonth(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "2026", "2026-13", "2026-00", "2026-1", "2026-11-01", "26-11", "２０２６-11", "2026-11 "} {
		if m, err := ParseMonth(bad); err == nil {
			t.Errorf("%q is %v", bad, m)
		}
	}
	december, err := ParseMonth("2026-12")
	if err != nil || december.String() != "2026-12" || (december+1).String() != "2027-01" || (december-12).String() != "2025-12" {
		t.Errorf("%v, %v", december, err)
	}
	zone := time.FixedZone("CST", 8*3600)
	if got := (december + 1).Start(zone); !got.Equal(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC)) {
		t.Errorf("January starts at %v", got)
	}
	if got := MonthOf(time.Date(2026, 12, 31, 16, 0, 0, 0, time.UTC).In(zone)); got != december+1 {
		t.Errorf("midnight in Beijing is in %v", got)
	}
}

func TestMealOf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		merchant string
		clock    string
		want     Meal
	}{
		{"风味窗口", "04:59", NoMeal}, {"风味窗口", "05:00", Breakfast}, {"风味窗口", "09:59", Breakfast}, {"风味窗口", "10:00", Lunch},
		{"风味窗口", "14:59", Lunch}, {"风味窗口", "15:00", NoMeal}, {"风味窗口", "16:00", Dinner}, {"风味窗口", "20:29", Dinner},
		{"风味窗口", "20:30", NoMeal}, {"风味窗口", "23:50", NoMeal},
		{"南区浴室", "17:30", NoMeal}, {"开水房", "12:00", NoMeal}, {"水饺窗口", "12:00", Lunch},
	} {
		at, err := time.Parse("15:04", c.clock)
		if err != nil {
			t.Fatal(err)
		}
		if got := MealOf(c.merchant, at); got != c.want {
			t.Errorf("%s at %s is meal %d, want %d", c.merchant, c.clock, got, c.want)
		}
	}
}
