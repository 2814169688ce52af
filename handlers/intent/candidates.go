package intent

import (
	"slices"
	"time"
)

// Candidate is something that a text may ask for.
type Candidate struct {
	Result
	// Confidence is from 0 to 1. It orders candidates and is no probability.
	Confidence float64
}

// Sure is the [Candidate.Confidence] from which nobody needs to be asked what they meant.
const Sure = 0.75

// Candidates returns what a text may ask for, at most two, the likeliest first; none if it asks for nothing known. The first
// is what [Understand] returns unless that is [None]. When no candidate is as good as [Sure], ask which of them is meant: the
// later ones, and all after None, are guesses that may be shown and never acted on.
func Candidates(text string, today time.Time) []Candidate {
	result, tokens, heard := trained.read(text, today)
	if result.Intent == Code {
		return []Candidate{{result, 1}}
	}
	_, said, denied := gather(tokens)
	if said.any(setOf(inject, meta)) {
		return nil
	}
	var found []Candidate
	if result.Intent != None {
		found = append(found, Candidate{result, certainty(tokens, said)})
	}
	guess := func(intent Intent) {
		if risky[intent] && denied.any(acts[intent]) {
			return // 别挂失，我就问问
		}
		if len(found) < 2 && intent != None && !slices.ContainsFunc(found, func(c Candidate) bool { return c.Intent == intent }) {
			found = append(found, Candidate{named(intent, tokens), Sure / float64(2+len(found))})
		}
	}
	if voice, margin := heard.best(); margin >= toKnow {
		guess(voice)
	}
	for _, r := range compiled {
		if r.fits(said.or(denied), 0) {
			guess(r.intent)
		}
	}
	if result.Intent == None && len(found) == 1 {
		guess(heard.beside(found[0].Intent))
	}
	if len(found) == 0 && denied == (set{}) && said.any(setOf(card, money)) && !said.any(setOf(product, who)) { // do something with my card
		for _, intent := range heard.wishes() {
			guess(intent)
		}
	}
	return found
}

// certainty is how much of a text was understood: less for words not known, for questions about a wish and for what
// concerns others.
func certainty(tokens []token, said set) float64 {
	doubt := 0.0
	for _, t := range tokens {
		switch {
		case t.unknown():
			doubt += float64(t.words())
		case t.has(neg), t.has(who), t.has(product):
			doubt++
		}
	}
	if said.any(questions) {
		doubt++
	}
	return 1 / (1 + 0.15*doubt)
}
