package intent

import (
	"strings"
	"testing"
)

// TestLexicon: a word that normalisation would change can never be found.
func TestLexicon(t *testing.T) {
	t.Parallel()
	check := func(word string) {
		if got := string(normalize(word)); got != word || word == "" {
			t.Errorf("%q is spelled %q after normalisation", word, got)
		}
	}
	for _, list := range chinese {
		for word := range strings.FieldsSeq(list) {
			check(word)
		}
	}
	for _, list := range latin {
		for phrase := range strings.SplitSeq(list, ",") {
			check(strings.Join(strings.Fields(phrase), " "))
		}
	}
	for _, word := range byEar {
		if words().find(word) == (set{}) {
			t.Errorf("%q is not in the lists", word)
		}
		for _, r := range word {
			if pinyin[r] == "" {
				t.Errorf("%q of %q has no sound", r, word)
			}
		}
	}
	for _, word := range short {
		if words().find(word) == (set{}) {
			t.Errorf("%q is not in the lists", word)
		}
	}
}

func TestNormalize(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  ＴＯＰ－ＵＰ　５０！！": "top up 50", "充 5 0": "充 50", "余 额": "余额", "别充 看余额": "别充 看余额", "餘額": "余额", "唔見咗": "不见了", "don't": "dont",
		"what’s": "whats", "pleaseeee": "pleasee", "1,000": "1000", "1,00": "1|00", "2026-07": "2026-07", "top-up": "top up", "a\u200bb": "ab", "充\n50": "充 50", "💰": "钱",
		"🔕": "关闭通知", "充５０。谢谢": "充50|谢谢", "¥50": "¥50", "￥50": "¥50", "\"挂失\"": "挂失", "12:30": "12:30", "...": "",
	} {
		if got := string(normalize(in)); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
