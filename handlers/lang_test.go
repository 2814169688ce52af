package handlers

import (
	"strings"
	"testing"

	"xiaoka/cards"
	"xiaoka/ledger"
)

func TestReadsEnglish(t *testing.T) {
	t.Parallel()
	for want, texts := range map[bool]string{
		true: `balance|Balance?|top up 50|how much is on my card|blance|pls help|lost my card|code: 482913|What's pending|
			recharge|bind|cancel|who can help me|verify|i'd like to talk to someone|my`,
		false: `余额|yue|chaxun yue|chongzhi 50|chong zhi|cz 50|guashi|wo de ka diu le|ykt yue|50|482913||!!!|校园卡money还有多少|
			top up 五十|баланс|残高`,
	} {
		for text := range strings.SplitSeq(texts, "|") {
			if text = strings.TrimSpace(text); readsEnglish(text) != want {
				t.Errorf("readsEnglish(%q) = %t", text, !want)
			}
		}
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	in := func(english bool, text string) {
		t.Helper()
		if got := c.types(CardApp, "bound", text); strings.Contains(got, "What you can say") != english {
			t.Errorf("%q is answered by %q", text, got)
		}
	}
	in(false, "帮助")
	in(true, "help")
	in(true, "help 123") // still English
	c.types(CardApp, "bound", "中文")
	in(false, "help") // a choice outweighs the text
	c.types(CardApp, "bound", "english please")
	in(true, "帮助")
}

func TestChosenLang(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text string
		now  cards.Lang
		want ledger.Lang
	}{
		{"English", cards.Zh, ledger.English}, {"english", cards.En, ledger.English}, {"换成英文", cards.Zh, ledger.English}, {"EN", cards.En, ledger.English},
		{"中文", cards.En, ledger.Chinese}, {"switch to Chinese please", cards.En, ledger.Chinese}, {"说中文", cards.Zh, ledger.Chinese},
		{"", cards.Zh, ledger.English}, {"", cards.En, ledger.Chinese}, {"切换语言", cards.Zh, ledger.English}, {"英文换中文 English Chinese", cards.En, ledger.Chinese},
	} {
		if got := chosenLang(tc.text, tc.now); got != tc.want {
			t.Errorf("chosenLang(%q, %s) = %s, want %s", tc.text, tc.now, got, tc.want)
		}
	}
}
