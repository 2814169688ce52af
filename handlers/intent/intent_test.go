package intent

import (
	"strings"
	"testing"
	"time"
)

// today is the day the samples are written for.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))

// TestUnderstand_Amounts reads amounts as people write them.
func TestUnderstand_Amounts(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"充50": 5000, "充50.5": 5050, "充50.55": 5055, "充50.555": 0, "充1,234.5": 123450, "充１２": 1200, "充5o": 0, "充0": 0, "充0.00": 0,
		"充1k": 100000, "充1.5k": 150000, "充1w": 1000000, "充2百": 20000, "充3千": 300000, "充50-100": 0, "充$50": 0, "充-50": 0, "充¥50": 5000, "充99999999": 0,
		"充十": 1000, "充十五": 1500, "充二十": 2000, "充廿": 2000, "充卅五": 3500, "充一百": 10000, "充一百五": 15000, "充一百零五": 10500, "充一百五十": 15000,
		"充一千二": 120000, "充两千零五十": 205000, "充一万": 1000000, "充一万二": 1200000, "充五": 500, "充五块": 500, "充半百": 5000, "充五零": 5000, "充五六十": 0, "充几十": 0, "充几百块": 0,
		"充五十多": 0, "充十来块": 0, "充十块五": 1050, "充十块半": 1050, "充3块5毛": 350, "充3块5毛5": 355, "充三块零五分": 305, "充5毛": 50, "充五角钱": 50, "充3块50": 350, "充两块二": 220,
		"充5十": 5000, "充3十块": 3000, "充三0": 0, "充l00": 0, "充50，不不，充30": 3000, "充1百2": 12000, "充1百20": 0, "充2十5块": 2500, "充2 百": 20000, "充一百5十": 15000, "充 一 百": 10000, "充88 块 8": 8880, "充俩百": 20000, "充一亿": 0, "充1分": 0, "充50还是100": 0, "top up 50 or 100": 0, "充100还是充50吧": 5000, "取消充100，改成50": 5000,
		"top up ten": 1000, "top up five": 500, "top up a hundred": 10000, "top up one hundred and five": 10500, "top up two hundred fifty": 25000, "top up fifty five": 5500,
		"top up a thousand": 100000, "top up a hundred n fifty": 15000, "top up one fifty": 0, "top up 30 - no, 40": 4000, "top up 30, no 40": 0, "top up 1 000": 100000, "充50刀": 0, "充50改60": 0, "充50 错了 60": 0, "top up 50 no 60": 0, "充五十到一百": 0, "充两个50": 0, "top up not 50 but 70": 7000, "make it 40": 4000, "top up 30 euros": 0, "充一千 不不不一百": 0, "充80 听错了 是18": 1800, "add 100 no make that 150": 15000, "充两百两百": 0, "把卡充到100块": 0,
		"bring my card up to 100": 0, "top up fifty kuai five": 5050, "top up eight kuai eight mao": 880, "put twelve and a half kuai on my card": 1250, "充四十个半": 4050, "充零点五元": 50, "充20 加到30吧": 0,
		"i'm in building 10, want to recharge my card": 0, "充2oo": 0, "top up 50 yuan and go": 5000, "top up a couple hundred": 0, "充50还是充100好": 0, "top up 3 hundred": 30000, "top up 12 rmb": 1200, "top up twelve bucks": 1200, "top up fifty-five yuan": 5500,
	} {
		got := Understand(text, today)
		if got.Intent != TopUp && want != 0 || want == 0 && got.AmountFen != nil || want != 0 && (got.AmountFen == nil || *got.AmountFen != want) {
			amount := int64(0)
			if got.AmountFen != nil {
				amount = *got.AmountFen
			}
			t.Errorf("%q: %s %d, want %d", text, got.Intent, amount, want)
		}
	}
}

// TestUnderstand_Months: a month without a year is the latest one not after today, also around the turn of a year.
func TestUnderstand_Months(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ today, text, want string }{
		{"2026-11-22", "11月账单", "2026-11"}, {"2026-11-22", "12月账单", "2025-12"}, {"2026-11-22", "十二月账单", "2025-12"}, {"2026-11-22", "十一月账单", "2026-11"},
		{"2026-01-01", "1月账单", "2026-01"}, {"2026-01-01", "12月账单", "2025-12"}, {"2026-01-31", "上个月账单", "2025-12"}, {"2026-01-31", "上上个月账单", "2025-11"},
		{"2026-03-31", "上个月账单", "2026-02"}, {"2024-02-29", "去年2月账单", "2023-02"}, {"2026-11-22", "前年3月账单", "2024-03"}, {"2026-11-22", "今年12月账单", "2026-12"},
		{"2026-11-22", "25年7月账单", "2025-07"}, {"2026-11-22", "二零二五年七月账单", "2025-07"}, {"2026-11-22", "2025-07账单", "2025-07"}, {"2026-11-22", "202507账单", "2025-07"},
		{"2026-11-22", "2025年13月账单", ""}, {"2026-11-22", "13月账单", ""}, {"2026-11-22", "0月账单", ""}, {"2026-11-22", "3个月账单", ""}, {"2026-11-22", "账单", ""},
		{"2026-11-22", "statement for december", "2025-12"}, {"2026-11-22", "december 2024 statement", "2024-12"}, {"2026-11-22", "may statement", "2026-05"},
		{"2026-11-22", "国庆那个月账单", "2026-10"}, {"2026-11-22", "christmas month bill", "2025-12"}, {"2026-11-22", "26.5月账单", "2026-05"}, {"2026-11-22", "statement month 9", "2026-09"},
		{"2026-11-22", "bill for november a year ago", "2025-11"}, {"2026-11-22", "my spending this month to date", "2026-11"}, {"2026-11-22", "may i see my statement", ""}, {"2026-11-22", "last month statement", "2026-10"}, {"2026-11-22", "this month's bill", "2026-11"}, {"2026-11-22", "bill 7/2026", "2026-07"},
		{"2026-11-22", "三个月前的账单", "2026-08"}, {"2026-01-31", "2个月之前的账单", "2025-11"}, {"2026-11-22", "two months ago bill", "2026-09"}, {"2026-11-22", "上一个月账单", "2026-10"},
		{"2026-11-22", "去年这个月的账单", "2025-11"}, {"2026-11-22", "2026-09", "2026-09"}, {"2026-11-22", "bill of last november", "2025-11"}, {"2026-11-22", "last october bill", "2026-10"}, {"2026-11-22", "last december statement", "2025-12"},
	} {
		day, err := time.Parse(time.DateOnly, c.today)
		if err != nil {
			t.Fatal(err)
		}
		if got := Understand(c.text, day); got.Intent != Statement || got.Month != c.want {
			t.Errorf("%s %q: %s %q, want %q", c.today, c.text, got.Intent, got.Month, c.want)
		}
	}
}

// TestUnderstand_Long: an essay is not an order, whatever it contains.
func TestUnderstand_Long(t *testing.T) {
	t.Parallel()
	for _, text := range []string{strings.Repeat("今天天气很好", 50) + "充50", strings.Repeat("a ", 5000) + "freeze my card", "", " ", "\x00\xff", strings.Repeat("充50", 1000)} {
		if got := Understand(text, today); got.Intent != None {
			t.Errorf("%.20q…: %s", text, got.Intent)
		}
	}
}

func FuzzUnderstand(f *testing.F) {
	for _, file := range sampleFiles(f, "testdata") {
		for _, s := range readSamples(f, file) {
			f.Add(s.text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		got := Understand(text, today)
		if again := Understand(text, today); again.Intent != got.Intent || again.Month != got.Month || (again.AmountFen == nil) != (got.AmountFen == nil) {
			t.Errorf("%q is understood in two ways", text)
		}
		if got.AmountFen != nil && (got.Intent != TopUp || *got.AmountFen <= 0 || *got.AmountFen > maxYuan*100) {
			t.Errorf("%q: %s of %d", text, got.Intent, *got.AmountFen)
		}
		if got.Month != "" {
			if _, err := time.Parse("2006-01", got.Month); err != nil || got.Intent != Statement {
				t.Errorf("%q: %s of %q", text, got.Intent, got.Month)
			}
		}
	})
}

// TestUnderstand_PayCodes: the campus has no code to pay with, and to pay is
// nothing to look up.
func TestUnderstand_PayCodes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Intent{
		"付款码": None, "收款码": None, "打开付款码": None, "付款": None, "支付": None, "pay code": None, "payment code": None, "pay": None,
		"付款记录": TransactionsToday, "上个月付款多少": Statement, "微信付款充饭卡60": TopUp, "payment history": TransactionsToday,
	} {
		if got := Understand(text, today).Intent; got != want && (want != None || got != Help) {
			t.Errorf("%q is understood as %s, want %s", text, got, want)
		}
	}
}
