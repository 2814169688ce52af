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
	for text, want := range map[string]ledger.Lang{
		"English": ledger.English, "english.": ledger.English, "换成英文": ledger.English, "英文": ledger.English, "EN": ledger.English,
		"中文": ledger.Chinese, "switch to Chinese please": ledger.Chinese, "说中文": ledger.Chinese, "Chinese": ledger.Chinese,
		"": "", "language": "", "语言": "", "切换语言": "", "英文换中文 English Chinese": "",
	} {
		if got, named := chosenLang(text); named != (want != "") || named && got != want {
			t.Errorf("chosenLang(%q) = %s, %t, want %q", text, got, named, want)
		}
	}
}

// TestChangeLanguage: whoever only says language is offered both, whatever
// they read; a named one is taken, and holds over texts in the other.
func TestChangeLanguage(t *testing.T) {
	t.Parallel()
	for _, app := range []string{AssistantApp, CardApp} {
		for text, want := range map[string]struct {
			has  string
			lang ledger.Lang
		}{
			"language": {"card ask_language", ""}, "语言": {"card ask_language", ""}, "英文": {"I will speak English", ledger.English},
			"English": {"I will speak English", ledger.English}, "中文": {"以后用中文", ledger.Chinese}, "Chinese": {"以后用中文", ledger.Chinese},
		} {
			for _, before := range []ledger.Lang{"", ledger.Chinese, ledger.English} {
				c := newCampus(t)
				_ = c.store.SetLang(t.Context(), 3, before)
				after := want.lang
				if after == "" {
					after = before
				}
				if got := c.types(app, "bound", text); !strings.Contains(got, want.has) || c.store.people["bound"].Lang != after {
					t.Errorf("%s: %q to a reader of %q is answered by %q, and leaves %q", app, text, before, got, c.store.people["bound"].Lang)
				}
			}
		}
		c := newCampus(t)
		c.types(app, "bound", "language")
		if got := c.press(app, "bound", cards.KeyLangZh); !strings.Contains(got, "以后用中文") || c.store.people["bound"].Lang != ledger.Chinese {
			t.Errorf("%s: 中文 pressed: %q", app, got)
		}
		c.event(app, "bound", "click", "change_language")
		if got := c.press(app, "bound", cards.KeyLangEn); !strings.Contains(got, "I will speak English") || c.store.people["bound"].Lang != ledger.English {
			t.Errorf("%s: English pressed: %q", app, got)
		}
	}
	c := newCampus(t)
	c.types(CardApp, "nobody", "language")
	c.press(CardApp, "nobody", cards.KeyLangEn)
	if got := c.event(CardApp, "nobody", "click", "help"); !strings.Contains(got, "What you can say") {
		t.Errorf("a choice of somebody not on record is forgotten: %q", got)
	}
}
