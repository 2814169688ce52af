package intent

import (
	"slices"
	"strings"
	"testing"
	"unicode"
)

// TestWritten reads sentences in pinyin as characters, and leaves alone what is not wholly of known words.
func TestWritten(t *testing.T) {
	t.Parallel()
	for _, word := range phrases {
		if soundOf(word) == "" {
			t.Errorf("%q has no sound", word)
		}
	}
	for in, want := range map[string]string{
		"wodekadiule": "我的卡丢了", "bangwochong50": "帮我充50", "gei wo chong san shi kuai": "给我充三十块", "womadekadiule": "我妈的卡丢了", "kabujianle bang wo guashi": "卡不见了帮我挂失",
		"zhangsandekadiule": "zhangsandekadiule", "yue": "yue", "guashi": "guashi", "chongershiwukuai": "充二十五块", "qishi wo xiang chongzhi": "其实我想充值",
		"have you been there": "have you been there", "pls wodekadiule": "pls 我的卡丢了", "chongjiushi": "充九十", "gua4 shi1": "gua shi", "wo3 de ka3 diu1 le5": "我的卡丢了", "kahaiyouqian": "卡还有钱",
	} {
		if got := string(written([]rune(in))); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// TestWritten_NeverActs spells the Chinese samples that ask for no action in pinyin, joined and spaced: still none follows.
func TestWritten_NeverActs(t *testing.T) {
	t.Parallel()
	var all seldom
	for _, path := range sampleFiles(t, "testdata") {
		for _, s := range readSamples(t, path) {
			acts := slices.ContainsFunc(s.accept, func(i Intent) bool { return risky[i] })
			latin := strings.ContainsFunc(s.text, func(r rune) bool { return isASCIILetter(unicode.ToLower(r)) })
			if acts || latin || strings.ContainsAny(s.text, "冲：-(（") { // 冲 sounds like 充, and signs mean less between letters
				continue
			}
			for _, gap := range []string{"", " "} {
				var typed strings.Builder
				half := false // of it is characters still, as nobody types
				for _, r := range string(normalize(s.text)) {
					switch sound := pinyin[r]; {
					case sound != "":
						typed.WriteString(sound + gap)
					default:
						half = half || isHan(r)
						typed.WriteRune(r)
					}
				}
				if !half {
					all.see(typed.String())
				}
			}
		}
	}
	all.judge(t, 1)
}
