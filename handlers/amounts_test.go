package handlers

import (
	"strings"
	"testing"
	"time"

	"xiaoka/handlers/intent"
	"xiaoka/ledger"
)

// TestAmounts: an amount is taken as it is written, or a word is said about it;
// none is passed over.
func TestAmounts(t *testing.T) {
	t.Parallel()
	const huge, odd, choices, limits, one = "你说的太多了", "小数最多两位", "[card topup_choices]", "换一个金额", "[card topup_amount]"
	for texts, want := range map[string]string{
		"充值 12.345": odd, "充50.555元": odd, "充值 1e3": odd, "充值 12.3.4": odd, "充值 -5": odd, "充值 0": odd, "充值 １２．３４５": odd, "给校园卡充 12.345 元": odd,
		"top up 12.345": "at most two decimals", "充值 99999999": "一次可以充", "充值 0.5": limits, "充值 500.01": limits,
		"充99999999999": huge, "充值 12345678901": huge, "充值 １２３４５６７８９０１ 元": huge, "充99,999,999,999元": huge, "top up 99999999999": "far more", "充值|99999999999": huge,
		"充100000000000000000000000": huge, "充值 9223372036854775808": huge, "充值 184467440737095517": huge, "充值 99999999999.5": huge, "充两千万": huge, "充值一亿": huge,
		"充3000万元": huge, "充一千万": limits, "充值 20000000": huge, "充值 99999999999.555": odd, "千万帮我充值": choices,
		"充值": choices, "充值 50": one, "充 12.5": one, "top up 12.50": one, "充值|12.345": odd, "充值|-5": odd, "充值|0": odd, "充值|1000000": limits, "充值|30.50": one,
		"12.345": "[card help]", "余额|12.345": "[card help]", "别充12.345": "",
	} {
		t.Run(texts, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t, func(cfg *Config) {
				cfg.Understand = func(text string, today time.Time) Said {
					u := intent.Understand(text, today)
					said := Said{Intent: string(u.Intent)}
					if u.AmountFen != nil {
						said.Amount = ledger.Fen(*u.AmountFen)
					}
					return said
				}
			})
			got := ""
			for text := range strings.SplitSeq(texts, "|") {
				got = c.types(CardApp, "bound", text)
			}
			if !strings.Contains(got, want) {
				t.Errorf("got %q, want %q in it", got, want)
			}
			if want == "" && strings.Contains(got, one) {
				t.Errorf("an amount was made up: %q", got)
			}
		})
	}
}
