package handlers

import (
	"cmp"
	"strings"
	"testing"
	"time"

	"xiaoka/handlers/intent"
)

// understandReally reads as the product does, without amounts.
func understandReally(text string, today time.Time) Said {
	u := intent.Understand(text, today)
	said := Said{Intent: string(u.Intent), Month: u.Month}
	for _, likely := range intent.Candidates(text, today) {
		said.Likely = append(said.Likely, string(likely.Intent))
		said.Month = cmp.Or(said.Month, likely.Month)
	}
	return said
}

// TestMonths: a month counted from the one just shown is that one, and one
// that is none is never answered with another without a word.
func TestMonths(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		texts string // typed one after another
		want  string // of the month each shows, or of what it says instead
	}{
		"Again":         {"账单|那上个月呢|再上个月|再上个月|再查一次", "11|10|09|08|08"},
		"OneMore":       {"账单|再上一个月|前一个月呢|再往前两个月", "11|10|09|07"},
		"TwoAtOnce":     {"上个月的账单|再上上个月|上一个月", "10|08|07"},
		"Forward":       {"上上个月的账单|下个月呢|下个月呢|下个月呢", "09|10|11|12月还没有到"},
		"FromNothing":   {"再上个月", "10"},
		"FromAnother":   {"余额|再上个月", "|10"},
		"OfTheCalendar": {"上上个月的账单|上个月", "09|10"},
		"Transactions":  {"明细|再上个月|再上个月的账单", "11|transactions?month=2026-10|statement?month=2026-09"},
		"OverNewYear":   {"一月账单|再上个月", "2026-01|2025-12"},
		"ToCome":        {"2027年3月账单|前一个月呢|再查一次", "2027年3月还没有到|10|10"},
		"NextMonth":     {"下个月账单", "12月还没有到"},
		"Thirteen":      {"13月账单|再上个月", "没有这个月份|10"},
		"ThirteenZh":    {"十三月账单", "没有这个月份"},
		"Zero":          {"0月账单", "没有这个月份"},
		"Dashed":        {"账单 2026-13", "没有这个月份"},
		"Details":       {"13月明细|2027年3月明细", "没有这个月份|2027年3月还没有到"},
		"English":       {"statement|and the month before?|the month before that|what about the month before|one month earlier", "11|10|09|08|07"},
		"EnglishBare":   {"statement|what about September?|august|what about last month|2026-09|and in september|in march", "11|09|08|10|09|09|03"},
		"EnglishYear":   {"statement for feb 2024|the month before|what about march", "2024-02|2024-01|2024-03"},
		"YearTalkedOf":  {"2024年2月账单|那3月呢|4月|去年12月|那11月呢", "2024-02|2024-03|2024-04|2025-12|2025-11"},
		"YearGoesOn":    {"2025年12月账单|那1月呢", "2025-12|01"},
		"YearNotThere":  {"今年2月账单|那12月呢", "02|2025-12"},
		"YearOwn":       {"12月账单|3月呢", "2025-12|03"},
		"YearNow":       {"2024年2月账单|这个月呢|3月呢", "2024-02|11|03"},
		"EnglishNext":   {"statement|next month", "11|December 2026 has not begun"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t, func(cfg *Config) { cfg.Understand = understandReally })
			user := "bound"
			if strings.HasPrefix(name, "English") {
				user = "english"
			}
			wants := strings.Split(tc.want, "|")
			for i, text := range strings.Split(tc.texts, "|") {
				want := wants[i]
				switch len(want) {
				case 0:
					want = "[card balance]"
				case 2:
					want = "month=2026-" + want
				}
				got := c.types(CardApp, user, text)
				if !strings.Contains(got, want) {
					t.Fatalf("%q (%d): got %q, want %q in it", text, i, got, want)
				}
				if said := strings.Contains(want, "还没") || strings.Contains(want, "没有这"); said && !strings.Contains(got, "statement?month=2026-11") {
					t.Errorf("%q: this month is not offered: %q", text, got)
				}
			}
		})
	}
}
