package intent

import (
	"slices"
	"strings"
	"sync"
)

// vocabulary is what a misspelled English word may have been meant to be.
type vocabulary struct {
	known map[string]bool     // every word of the lists
	right map[string][]string // by the first letter, those worth recognising with a letter wrong, missing or too many
}

// short are the words of five letters worth that: most are one letter from another word.
var short = strings.Fields(`block found money today month lunch spend spent claim robot`)

// quick are slips in words that are shorter still.
var quick = map[string]string{"hwo": "how", "teh": "the", "hte": "the", "adn": "and", "yuo": "you", "nto": "not", "cna": "can", "fnd": "find",
	"lst": "lost", "crd": "card", "blck": "block", "frm": "from", "wnat": "want", "waht": "what", "wht": "what", "ned": "need", "lsot": "lost", "toup": "topup", "crad": "card", "cmpus": "campus"}

// ordinary are English words that are one letter from one of the lists, or have it with two letters swapped.
var ordinary = strings.Fields(`
	acre adds adviser alter arise attack banging battle bending bidding bloc blocks brunt buried cancer candle chance changes charles
	charmed charter cheeks cheery chose clam clams clash clashed clauses closes coarse commend complains contract crushed curse darling
	deduced defile detain didn digging doesn dose dreams dropper ether expanse falling farther father feather filed filing fond form
	found founds fount fund handing hast haven honey impart intend invent lacked latent launch lest licked liking looked loving lurch
	maria massage match mach monday monet monk monkey moaning moth mouth munch nail nearby neatly newer odor pacing packing painter
	painting parch parting passed patent pitched pleas pointing polite pots praying pressing profess prowess prying punch punched quite
	regain regards regard regent remainder render repeal repent resent resist retain rotor rubbed sacred scent scored seals send
	seared shared spared speed spelt spends spine squared stacks stared starch sticks stimulate stitch stronger super tables tapped
	tapping taxing thinks thorough toady tody trough unfair unite unkind upend verily wailing waited wanting washed wasting watch weigh
	wherever withdrew wright writing robots claims claimed froze unfroze unfrozen unbound`)

var spellings = sync.OnceValue(func() vocabulary {
	v := vocabulary{known: map[string]bool{}, right: map[string][]string{}}
	add := func(word string, worth bool) {
		if !v.known[word] && worth {
			v.right[word[:1]] = append(v.right[word[:1]], word)
		}
		v.known[word] = true
	}
	for _, word := range short {
		add(word, true)
	}
	for word := range englishMonths {
		add(word, len(word) > 4)
	}
	for word := range englishNumbers {
		add(word, false)
	}
	for _, list := range latin {
		for phrase := range strings.SplitSeq(list, ",") {
			for word := range strings.FieldsSeq(phrase) {
				add(word, len(word) > 5 && !words().find(word).within(setOf(filler)))
			}
		}
	}
	for _, word := range ordinary {
		v.known[word] = true
	}
	for _, list := range v.right {
		slices.Sort(list) // of two that mean the same, always the same one
	}
	return v
})

// respell puts right the English words that are in no list and one slip of the finger from one that is.
func respell(r []rune) []rune {
	var out []rune
	copied := 0
	for i := 0; i < len(r); i++ {
		if sounds := figure(r, i); sounds != "" {
			out = append(append(out, r[copied:i]...), []rune(sounds)...)
			copied = i + 1
		}
		if !isASCIILetter(r[i]) {
			continue
		}
		word, n := latinWord(r, i)
		if right := correctSpelling(word); right != "" {
			out = append(append(out, r[copied:i]...), []rune(right)...)
			copied = i + n
		}
		i += n
	}
	if copied == 0 {
		return r
	}
	return append(out, r[copied:]...)
}

// figure returns the word that a figure is written for: 20 2 my card, 50 4 me.
func figure(r []rune, i int) string {
	if r[i] == '2' && i >= 4 && at(r, i+1) == ' ' && isASCIILetter(at(r, i+2)) && match(r, i-4, []string{"how "}) > 0 {
		return "to"
	}
	if r[i] != '2' && r[i] != '4' || at(r, i-1) != ' ' || match(r, i+1, []string{" my", " me", " u", " the", " this", " a", " top", " add", " put", " talk", " staff", " see", " check"}) == 0 {
		return ""
	}
	return map[rune]string{'2': "to", '4': "for"}[r[i]]
}

// correctSpelling returns the word that an unlisted one was meant to be; empty if none is near, or words of several meanings.
func correctSpelling(word string) (found string) {
	if right, ok := quick[word]; ok {
		return right
	}
	v := spellings()
	if len(word) < 4 || v.known[word] || words().find(word) != (set{}) || syllables(word) > 0 { // guashui is no slip for guashi
		return ""
	}
	swapped := []byte(word)
	for i := range len(word) - 1 {
		swapped[i], swapped[i+1] = word[i+1], word[i]
		if v.known[string(swapped)] {
			return string(swapped)
		}
		swapped[i], swapped[i+1] = word[i], word[i+1]
	}
	for _, right := range v.right[word[:1]] {
		if !oneSlip(word, right) || word == right+"d" { // enabled is no slip, and no wish
			continue
		}
		if found != "" && words().find(found) != words().find(right) {
			return ""
		}
		found = right
	}
	return found
}

// oneSlip reports that b is a with one letter changed, dropped or added. The first letter must be right, which sets clearer
// words apart.
func oneSlip(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	if len(b)-len(a) > 1 {
		return false
	}
	i := 0
	for i < len(a) && a[i] == b[i] {
		i++
	}
	if i == 0 {
		return false
	}
	if len(a) < len(b) {
		return a[i:] == b[i+1:]
	}
	return i == len(a) || a[i+1:] == b[i+1:]
}
