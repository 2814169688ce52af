package handlers

import (
	"iter"
	"strings"
	"testing"

	"xiaoka/cards"
	"xiaoka/handlers/intent"
)

// TestAskNames: what a question back offers can also be typed, for clients
// that show no buttons.
func TestAskNames(t *testing.T) {
	t.Parallel()
	for want, name := range askNames {
		for _, lang := range []cards.Lang{cards.Zh, cards.En} {
			text := name.in(lang)
			if n := len([]rune(text)); n > 10 {
				t.Errorf("%q has %d characters, 10 fit a button", text, n)
			}
			if got := string(intent.Understand(text, noon).Intent); got != want {
				t.Errorf("%q is understood as %s, want %s", text, got, want)
			}
		}
	}
}

// TestFollowUpWords: the words of follow-ups are theirs alone; what is
// understood by itself never reaches them.
func TestFollowUpWords(t *testing.T) {
	t.Parallel()
	for _, list := range []map[string]bool{againWords, yesWords} {
		for text := range list {
			if got := intent.Understand(text, noon).Intent; got != intent.None && got != intent.Help {
				t.Errorf("%q is understood as %s", text, got)
			}
		}
	}
}

// TestHelpIsTrue: everything the help card says can be said.
func TestHelpIsTrue(t *testing.T) {
	t.Parallel()
	words := map[string]string{}
	for _, r := range newCampus(t).apps.cardAsks() {
		for w := range wordSet(r.words) {
			words[w] = r.intent
		}
	}
	for _, lang := range []cards.Lang{cards.Zh, cards.En} {
		for _, row := range cards.Help(lang, "https://card.example.edu.cn/h5/").HorizontalContentList {
			for text := range splitDots(row.Value) {
				if words[plain(text)] == "" && intent.Understand(text, noon).Intent == intent.None {
					t.Errorf("help says %q, which nobody understands", text)
				}
			}
		}
	}
}

func splitDots(s string) iter.Seq[string] {
	return strings.SplitSeq(strings.ReplaceAll(s, ", ", " · "), " · ")
}
