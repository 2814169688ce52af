package intent

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// hanNumeral writes a number under a hundred thousand in Chinese, with the given digits and units (ten, hundred, …).
func hanNumeral(n int64, digits, units []rune) string {
	if n == 0 {
		return ""
	}
	var out strings.Builder
	zero := false
	for place := 4; place >= 0; place-- {
		power := int64(1)
		for range place {
			power *= 10
		}
		d := n / power % 10
		if d == 0 {
			zero = out.Len() > 0
			continue
		}
		if zero {
			out.WriteRune(digits[0])
			zero = false
		}
		out.WriteRune(digits[d])
		if place > 0 {
			out.WriteRune(units[place-1])
		}
	}
	return out.String()
}

var (
	plainDigits, plainUnits   = []rune("零一二三四五六七八九"), []rune("十百千万")
	formalDigits, formalUnits = []rune("零壹贰叁肆伍陆柒捌玖"), []rune("拾佰仟万")
	oldDigits                 = []rune("零壹貳參肆伍陸柒捌玖")
)

// TestUnderstand_AmountsRoundTrip writes amounts in every script and reads them back.
func TestUnderstand_AmountsRoundTrip(t *testing.T) {
	t.Parallel()
	styles := map[string]func(fen int64) string{
		"Figures": func(fen int64) string { return fmt.Sprintf("充%d.%02d", fen/100, fen%100) },
		"Unit":    func(fen int64) string { return fmt.Sprintf("充值%d.%02d元", fen/100, fen%100) },
		"Sign":    func(fen int64) string { return fmt.Sprintf("充¥%d.%02d", fen/100, fen%100) },
		"English": func(fen int64) string { return fmt.Sprintf("top up %d.%02d yuan", fen/100, fen%100) },
		"FullWidth": func(fen int64) string {
			return strings.Map(func(r rune) rune {
				if r >= '!' && r <= '~' {
					return r + 0xfee0
				}
				return r
			}, fmt.Sprintf("充值%d.%02d元", fen/100, fen%100))
		},
	}
	for name, script := range map[string]struct{ digits, units []rune }{
		"Plain": {plainDigits, plainUnits}, "Formal": {formalDigits, formalUnits}, "Traditional": {oldDigits, formalUnits},
	} {
		styles[name] = func(fen int64) string { return "充值" + spoken(fen, script.digits, script.units, "元", "角") }
		styles[name+"Spoken"] = func(fen int64) string { return "充" + spoken(fen, script.digits, script.units, "块", "毛") }
	}
	for name, write := range styles {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for yuan := int64(1); yuan < 2000; yuan++ {
				for _, fen := range []int64{0, 50, 5, 99, 10 + yuan%89} {
					text, want := write(yuan*100+fen), yuan*100+fen
					got := Understand(text, today)
					if got.Intent != TopUp || got.AmountFen == nil || *got.AmountFen != want {
						t.Fatalf("%q is read as %s, want %d", text, describe(got), want)
					}
				}
			}
		})
	}
}

// spoken writes an amount as 十二块五毛六分.
func spoken(fen int64, digits, units []rune, yuan, jiao string) string {
	out := hanNumeral(fen/100, digits, units) + yuan
	switch j, f := fen/10%10, fen%10; {
	case j == 0 && f == 0:
		return out
	case f == 0:
		return out + string(digits[j]) + jiao
	case j == 0:
		return out + "零" + string(digits[f]) + "分"
	default:
		return out + string(digits[j]) + jiao + string(digits[f]) + "分"
	}
}

// TestUnderstand_MonthsRoundTrip names every month of some years from every month of another.
func TestUnderstand_MonthsRoundTrip(t *testing.T) {
	t.Parallel()
	english := strings.Fields("January February March April May June July August September October November December")
	for now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC); now.Year() < 2027; now = now.AddDate(0, 0, 27) {
		for m := time.Month(1); m <= 12; m++ {
			year := now.Year()
			if m > now.Month() {
				year--
			}
			latest := fmt.Sprintf("%04d-%02d", year, m)
			han := hanNumeral(int64(m), plainDigits, plainUnits)
			for text, want := range map[string]string{
				fmt.Sprintf("%d月账单", m): latest, han + "月份账单": latest, fmt.Sprintf("查%d月的账单", m): latest, english[m-1] + " statement": latest,
				"my bill for " + english[m-1]: latest, english[m-1][:3] + " bill": latest,
				fmt.Sprintf("去年%d月账单", m): fmt.Sprintf("%04d-%02d", now.Year()-1, m), fmt.Sprintf("账单 2024-%02d", m): fmt.Sprintf("2024-%02d", m),
				fmt.Sprintf("2025年%d月账单", m): fmt.Sprintf("2025-%02d", m), "二零二四年" + han + "月账单": fmt.Sprintf("2024-%02d", m),
				fmt.Sprintf("statement 2025/%d", m): fmt.Sprintf("2025-%02d", m), fmt.Sprintf("%s 2024 statement", english[m-1]): fmt.Sprintf("2024-%02d", m),
				"statement for " + english[m-1] + " last year": fmt.Sprintf("%04d-%02d", now.Year()-1, m),
			} {
				if got := Understand(text, now); got.Intent != Statement || got.Month != want {
					t.Errorf("on %s %q is read as %s, want %s", now.Format(time.DateOnly), text, describe(got), want)
				}
			}
		}
		first := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
		for text, back := range map[string]int{"上个月账单": 1, "上上个月账单": 2, "本月账单": 0, "last month's bill": 1, "this month's bill": 0, "statement of the month before last": 2} {
			want := first.AddDate(0, -back, 0).Format("2006-01")
			if got := Understand(text, now); got.Intent != Statement || got.Month != want {
				t.Errorf("on %s %q is read as %s, want %s", now.Format(time.DateOnly), text, describe(got), want)
			}
		}
	}
}
