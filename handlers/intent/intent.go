// Package intent understands what people type to the card app: which of the things the app can do they want, how much money
// and which month they named. The chat handlers call it for every text message and `xiaoka understand` for every line.
//
// It is rules over a word list, and a voice for the wordings that are in no list; no network, the same answer every time. A
// text is brought to one spelling (normal.go), cut into clauses and words that carry a concept (lexicon*.go, token.go) with
// amounts and months read on the way (number.go, amounts.go, month.go), and the concepts are matched against the rules (rules.go,
// decide.go). Words are also found by their sound, in pinyin and by its initials (sounds.go), in whole sentences of pinyin
// (joined.go), and with a slip of the finger (spelling.go). Whose card it is and whether it is a card at all is told by who
// and what is named around (others.go). The voice (voice.go) is a linear classifier of characters, words and concepts,
// trained of the sample files; it is weighed against the rules (opinion.go), whose guards have the last word.
//
// A wrong top-up or loss report costs far more than a wish that is asked for twice. So negated wishes, questions about an
// action, reports of a past one, other people's cards, other products and attempts to instruct the program never yield an
// action; when unsure, the answer is Help or None.
package intent

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Intent is what a text asks for. The values are those of `xiaoka understand`.
type Intent string

// The intents. None is no wish that the app knows: no action follows, and no query.
const (
	Balance           Intent = "balance"
	TopUp             Intent = "topup"
	Statement         Intent = "statement"
	TransactionsToday Intent = "transactions_today"
	ReportLoss        Intent = "report_loss"
	CancelLoss        Intent = "cancel_loss"
	Claim             Intent = "claim"
	Pending           Intent = "pending"
	Verify            Intent = "verify"
	Bind              Intent = "bind"
	Unbind            Intent = "unbind"
	ChangeLanguage    Intent = "change_language"
	NotificationsOn   Intent = "notifications_on"
	NotificationsOff  Intent = "notifications_off"
	Help              Intent = "help"
	Human             Intent = "human"
	Cancel            Intent = "cancel"
	Code              Intent = "code"
	None              Intent = "none"
)

// Result is what a text was understood to ask for.
type Result struct {
	Intent Intent
	// AmountFen is the amount named with a top-up, in fen, above zero and not checked against any limit; nil if none was
	// named, or if it is not certain which.
	AmountFen *int64
	// Month is the month named with a statement, as YYYY-MM; empty if none was.
	Month string
}

// maxRunes is how much of a text is read. Nobody asks for a top-up in an essay, so longer ones yield no intent.
const maxRunes = 200

// Understand reads one message. today, in the zone months are counted in, decides which month "October" is.
func Understand(text string, today time.Time) Result {
	result, _, _ := trained.read(text, today)
	return result
}

// read also returns the tokens that a wish was read from and what the voice made of them; none if it is not a matter of words.
func (v voice) read(text string, today time.Time) (result Result, tokens []token, heard opinion) {
	runes := normalize(text)
	switch {
	case len(runes) == 0 || len(runes) > maxRunes, scripted(text):
		return Result{Intent: None}, nil, heard
	case isCode(runes):
		return Result{Intent: Code}, nil, heard
	}
	runes, tokens = parse(runes, today)
	heard = v.hear(runes, tokens)
	result = decide(tokens, heard)
	if risky[result.Intent] && (mumbled(runes) || v.quoted(result.Intent, text, today)) {
		result = Result{Intent: Help}
	}
	return result, tokens, heard
}

// quoted reports that a wish stands between quotation marks, and what is written around them does not wish it: "my card is
// lost", said he.
func (v voice) quoted(wish Intent, text string, today time.Time) bool {
	open := strings.IndexAny(text, "\"“「『")
	end := strings.LastIndexAny(text, "\"”」』")
	if open < 0 || end <= open || utf8.RuneCountInString(text[open:end]) < 5 {
		return false // 我想“充值”50
	}
	_, width := utf8.DecodeRuneInString(text[end:])
	around := strings.TrimSpace(text[:open] + " " + text[end+width:])
	if utf8.RuneCountInString(around) < 3 {
		return false
	}
	result, _, _ := v.read(around, today)
	return result.Intent != wish
}

// parse cuts normalised text, spelled right and written in characters where it is pinyin, into tokens that know whom they concern.
func parse(runes []rune, today time.Time) ([]rune, []token) {
	runes = respell(written(runes))
	tokens := tokenize(runes, today)
	markOwnNumber(tokens)
	markOthers(tokens)
	return runes, tokens
}

// isCode tells six digits and nothing else, however they are spaced.
func isCode(runes []rune) bool {
	if _, n := figures(runes, 0); n == len("2026-09") { // with the sign between
		return false
	}
	digits := 0
	for _, r := range runes {
		switch {
		case r >= '0' && r <= '9':
			digits++
		case r != ' ' && r != '-' && r != boundary:
			return false
		}
	}
	return digits == 6
}
