package intent

import _ "embed"

// voice is a linear classifier that hears the same text as the rules, and knows wordings that are in no list: a weight, of one
// signed byte, for every bucket of features and each of [heard].
type voice string

// trained is made of the sample files by `make train`.
//
//go:embed voice.weights
var trained voice

// heard are the intents that the voice tells apart; a code is plain enough.
var heard = [...]Intent{Balance, TopUp, Statement, TransactionsToday, ReportLoss, CancelLoss, Claim, Pending, Verify, Bind, Unbind,
	ChangeLanguage, NotificationsOn, NotificationsOff, Help, Human, Cancel, None}

// buckets is how many features are told apart; those that share one blur.
const buckets = 1 << 17

// hear sums up what the features of a text speak for.
func (v voice) hear(text []rune, tokens []token) (o opinion) {
	var buffer [256]uint32
	f := features(buffer[:0])
	f.spelling(text, tokens)
	f.meaning(tokens)
	for _, bucket := range f {
		row := v[int(bucket)*len(o):][:len(o)]
		for i := range o {
			o[i] += int32(int8(row[i]))
		}
	}
	return o
}

// features are the buckets of what is seen in a text.
type features []uint32

// hash is FNV-1a over whole runes. Every kind of feature starts from its own.
type hash uint32

const (
	ofCharacters hash = 2166136261 + iota
	ofWord
	ofLetters
	ofConcept
	ofNeighbours
	ofPair
)

func (h hash) with(x rune) hash { return (h ^ hash(x)) * 16777619 }

func (f *features) add(h hash) {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	h ^= h >> 12
	*f = append(*f, uint32(h%buckets))
}

// spelling adds up to four characters in a row, Latin words alone and with the one or two before them, and four letters in a
// row of longer ones. Amounts, months and figures are each all one.
func (f *features) spelling(text []rune, tokens []token) {
	var buffer [maxRunes + 2]rune
	r := append(buffer[:0], '^')
	for i := 0; i < len(text); i++ {
		for len(tokens) > 0 && tokens[0].start < i {
			tokens = tokens[1:]
		}
		c := text[i]
		if isDigit(c) || c == '.' {
			c = '0'
		}
		if len(tokens) > 0 && tokens[0].start == i && tokens[0].set.any(setOf(amount, month)) {
			i = tokens[0].end - 1
			c = '0'
			if tokens[0].has(month) {
				c = '月'
			}
		}
		if c != '0' || r[len(r)-1] != '0' {
			r = append(r, c)
		}
	}
	r = append(r, '$')
	var before, last hash // what stands before a word
	for i := 0; i < len(r); {
		if !isASCIILetter(r[i]) {
			h := ofCharacters
			for n := i; n < min(i+4, len(r)) && !isASCIILetter(r[n]); n++ {
				h = h.with(r[n])
				f.add(h)
			}
			if r[i] != ' ' {
				before, last = last, ofCharacters.with(r[i])
			}
			i++
			continue
		}
		word, start := ofWord, i
		for ; isASCIILetter(r[i]); i++ {
			word = word.with(r[i])
		}
		f.add(word)
		f.add(word.with(rune(last)))
		f.add(word.with(rune(last)).with(rune(before)))
		for j := start; i-start > 4 && j+4 <= i; j++ {
			h := ofLetters.with(rune(j - start)) // 0 at the beginning
			if j > start {
				h = ofLetters.with(1)
			}
			for _, c := range r[j : j+4] {
				h = h.with(c)
			}
			f.add(h)
		}
		before, last = last, word
	}
}

// meaning adds the concepts of the tokens, each alone, with that of the next token, and with every other.
func (f *features) meaning(tokens []token) {
	var said set
	last := ofNeighbours
	for _, t := range tokens {
		if t.has(filler) {
			continue
		}
		if !t.negated {
			said = said.or(t.set)
		}
		sign, h := rune(0), ofNeighbours
		if t.negated {
			sign = 1
		}
		for c := range t.set.each() {
			h = ofConcept.with(rune(c)).with(sign)
			f.add(h)
		}
		f.add(last.with(rune(h)))
		last = h
	}
	for a := range said.each() {
		for b := range said.each() {
			if a < b {
				f.add(ofPair.with(rune(a)).with(rune(b)))
			}
		}
	}
}
