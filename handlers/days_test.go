package handlers

import (
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// TestDays: who asks for a day or a week gets its lines and what was spent in
// it, and never another time's without a word.
func TestDays(t *testing.T) {
	t.Parallel()
	// It is Sunday 22 November 2026.
	for name, tc := range map[string]struct {
		texts string
		want  string
	}{
		"Yesterday":       {"明细|昨天呢", "11月21日，2 笔\n消费 ¥15.00，2 笔\n消费：12:08"},
		"YesterdayFirst":  {"昨天的明细", "11月21日，2 笔"},
		"YesterdaySpent":  {"昨天花了多少", "消费 ¥15.00，2 笔"},
		"BeforeThat":      {"明细|那前天呢", "11月20日没有交易"},
		"Onwards":         {"明细|昨天呢|前一天呢|再前一天", "11月19日，1 笔"},
		"Again":           {"明细|昨天呢|再查一次", "11月21日，2 笔"},
		"AfterStatement":  {"账单|昨天", "11月21日，2 笔"},
		"LastWeek":        {"明细|那上周呢", "11月9日–15日，6 笔"},
		"LastWeeks":       {"明细|上周的呢|上一周", "11月2日–8日没有交易"},
		"ThisWeek":        {"这周花了多少", "11月16日–22日，4 笔\n消费 ¥120.50，4 笔"},
		"LastWeekSpent":   {"上周花了多少", "11月9日–15日，6 笔\n消费 ¥6.00，6 笔"},
		"ThisYear":        {"今年花了多少", "1月1日–11月22日，最后 5 笔\n消费 ¥126.50，10 笔"},
		"LastYear":        {"去年一共花了多少", "2025年1月1日–12月31日没有交易"},
		"EnglishYear":     {"how much did i spend this year", "1 Jan – 22 Nov"},
		"OfAMonthThen":    {"明细|昨天呢|那10月呢", "2026年10月"},
		"Date":            {"明细|11月19日", "11月19日，1 笔"},
		"DateOfMonth":     {"上个月20号的明细", "10月20日没有交易"},
		"DateOnly":        {"明细|19号呢", "11月19日，1 笔"},
		"DateLastYear":    {"明细|12月25日", "2025年12月25日没有交易"},
		"DateWithYear":    {"明细|2024-02-29", "2024年2月29日没有交易"},
		"Weekday":         {"明细|周四呢", "11月19日，1 笔"},
		"WeekdayLast":     {"明细|上周四呢", "11月12日，6 笔"},
		"DaysAgo":         {"明细|三天前呢", "11月19日，1 笔"},
		"PastDays":        {"明细|最近三天呢", "11月20日–22日，3 笔"},
		"FullWidth":       {"明细|１９号", "11月19日，1 笔"},
		"English":         {"transactions|yesterday?", "21 Nov: 2 in all\nSpent: ¥15.00 (2×)\nSpent: 12:08"},
		"EnglishAbout":    {"transactions|what about yesterday", "21 Nov: 2 in all"},
		"EnglishOnwards":  {"transactions|yesterday|the day before", "20 Nov: no transactions"},
		"EnglishBefore":   {"transactions|and the day before yesterday?", "20 Nov: no transactions"},
		"EnglishWeek":     {"transactions|what about last week?", "9–15 Nov: 6 in all"},
		"EnglishWeeks":    {"transactions|last week|the week before", "2–8 Nov: no transactions"},
		"EnglishDate":     {"transactions|19 nov", "19 Nov: 1 in all"},
		"EnglishOrdinal":  {"transactions|on november 19th", "19 Nov: 1 in all"},
		"EnglishWeekday":  {"statement|last thursday", "19 Nov: 1 in all"},
		"EnglishDaysAgo":  {"transactions|three days ago", "19 Nov: 1 in all"},
		"NobodyAsked":     {"昨天", "[card help]"},
		"AfterAnother":    {"余额|昨天", "[card help]"},
		"Merchant":        {"明细|2号食堂", "[card help]"},
		"NotADay":         {"明细|2月30日", "月"},
		"Today":           {"明细|今天花了多少", "今天消费 ¥6.50，1 笔"},
		"EnglishNobodyDo": {"yesterday", "[card help]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t, func(cfg *Config) { cfg.Understand = understandReally })
			user := "bound"
			if strings.HasPrefix(name, "English") {
				user = "english"
			}
			bought := func(back int, fen ledger.Fen) ledger.Movement {
				return ledger.Movement{Kind: ledger.MovementConsumption, Amount: fen, At: noon.AddDate(0, 0, -back), Where: "面点"}
			}
			all := []ledger.Movement{bought(0, 650), bought(1, 1200), bought(1, 300), bought(3, 9900)}
			for range 6 {
				all = append(all, bought(10, 100))
			}
			c.store.movements[c.store.people[user].ID] = all
			got := ""
			for text := range strings.SplitSeq(tc.texts, "|") {
				got = c.types(CardApp, user, text)
			}
			want := tc.want
			if strings.Contains(want, "6 笔") {
				want = strings.Replace(want, "，6 笔", "，最后 5 笔", 1)
			}
			if !strings.Contains(got, strings.Replace(want, ": 6 in all", ", the last 5", 1)) {
				t.Errorf("got %q, want %q in it", got, want)
			}
		})
	}
}

// TestRefuse: what was begun is left by denying it, and only that.
func TestRefuse(t *testing.T) {
	t.Parallel()
	for texts, want := range map[string]string{
		"挂失|那我不挂失了": "没有停用", "挂失|不挂失": "没有停用", "挂失|我先不冻结了": "没有停用", "挂失|是的|不挂失了": "没有停用",
		"lost|i don't want to report it": "Nothing was reported", "lost|Don’t freeze it": "Nothing was reported", "lost|no, do not report the loss": "Nothing was reported",
		"解绑|不解绑了": "先不解绑", "充值|那我不充了": "不充了", "unbind|don't unbind": "no unbinding",
		"余额|那我不挂失了": "[card help]", "不挂失了": "[card help]", "挂失|不解绑了": "[card help]", "挂失|取消|不挂失了": "[card help]",
	} {
		c := newCampus(t)
		user := "bound"
		if texts[0] < 'z' {
			user = "english"
		}
		got := ""
		for text := range strings.SplitSeq(texts, "|") {
			got = c.types(CardApp, user, text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", texts, got, want)
		}
	}
}

// FuzzDaysIn: nothing that is typed is read as days to come.
func FuzzDaysIn(f *testing.F) {
	for _, text := range []string{"昨天", "上周五", "2026-02-30", "last friday", "0月0日", "99号", "最近99天"} {
		f.Add(text)
	}
	today := time.Date(2026, 11, 22, 0, 0, 0, 0, noon.Location())
	f.Fuzz(func(t *testing.T, text string) {
		found, _ := daysIn(text, today, 0)
		if found.named() && (!found.From.Before(found.To) || found.To.After(today.AddDate(0, 0, 1))) {
			t.Errorf("%q: %v", text, found)
		}
	})
}
