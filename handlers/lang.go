package handlers

import (
	"context"
	"regexp"
	"strings"
	"time"
	"unicode"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// langNoted is how long the language somebody wrote in holds for what says
// nothing of itself: presses, digits, pushes.
const langNoted = 24 * time.Hour

// langOf is the language to answer in: the person's choice, else that of the
// text, else that of their last one, else Chinese.
func (a *Apps) langOf(ctx context.Context, p ledger.Person, userID, text string) cards.Lang {
	switch {
	case p.Lang == ledger.English:
		return cards.En
	case p.Lang != "":
		return cards.Zh
	case readsEnglish(text):
		a.noteLang(ctx, userID, cards.En)
		return cards.En
	case strings.ContainsFunc(text, unicode.IsLetter):
		a.noteLang(ctx, userID, cards.Zh)
		return cards.Zh
	}
	if a.Spoken(ctx, userID) == ledger.English {
		return cards.En
	}
	return cards.Zh
}

// Spoken is the language that the chat last answered a member in of whom no
// choice is on record; empty = none lately.
func (a *Apps) Spoken(ctx context.Context, userID string) ledger.Lang {
	noted, err := a.Pace.Noted(ctx, "lang:"+userID)
	if err != nil {
		a.Log.Warn("language not recalled", "err", err)
	}
	return ledger.Lang(noted)
}

func (a *Apps) noteLang(ctx context.Context, userID string, lang cards.Lang) {
	if err := a.Pace.Note(ctx, "lang:"+userID, string(lang), langNoted); err != nil {
		a.Log.Warn("language not noted", "err", err)
	}
}

// readsEnglish tells English from Chinese typed in Latin letters, in pinyin
// (chongzhi 50) or by initials (cz 50): at least half of the words are
// English. A text with any letter of another script is not.
func readsEnglish(text string) bool {
	for _, r := range text {
		if unicode.IsLetter(r) && !unicode.Is(unicode.Latin, r) {
			return false
		}
	}
	words := strings.FieldsFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '\'' })
	english := 0
	for _, w := range words {
		if isEnglish(strings.ReplaceAll(w, "'", "")) {
			english++
		}
	}
	return english > 0 && 2*english >= len(words)
}

func isEnglish(word string) bool {
	if englishWords[word] {
		return true
	}
	return strings.ContainsAny(word, "aeiou") && !pinyin.MatchString(word)
}

// pinyin matches one or more syllables, a little more generously than the
// language does.
var pinyin = regexp.MustCompile(`^((zh|ch|sh|[bpmfdtnlgkhjqxrzcsyw])?` +
	`(iang|iong|uang|ang|eng|ian|iao|ing|ong|uai|uan|ai|an|ao|ei|en|er|ia|ie|in|iu|ou|ua|ue|ui|un|uo|ve|a|e|i|o|u|v)` +
	`)+$`)

// englishWords are words of our subject that could also be read as pinyin, or
// have no vowel.
var englishWords = setOf(`a i my hi hello me we he she you the please pls balance money code bind binding unbind pending change language
	human cancel cancle recharge charge fee verify help phone office hour hours lose game name time no be do to go on in an are
	where when how what who why can could have has hand done gone some one none see pin use page open type sure sorry near here
	there many more ten nine five fine same make take came give live line made menu note me`)

func setOf(list string) map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(list) {
		set[w] = true
	}
	return set
}

// chosenLang is the one language that a text names.
func chosenLang(text string) (lang ledger.Lang, named bool) {
	text = plain(text)
	zh := text == "zh" || text == "cn" || containsAny(text, "中文", "汉语", "漢語", "普通话", "简体", "chinese", "mandarin", "zhongwen")
	en := text == "en" || text == "eng" || containsAny(text, "英文", "英语", "英語", "english", "yingwen", "yingyu")
	if en {
		return ledger.English, !zh
	}
	return ledger.Chinese, zh
}

func containsAny(text string, parts ...string) bool {
	for _, p := range parts {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
