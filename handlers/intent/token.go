package intent

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// token is a stretch of a text that means something, or (with an empty set) one that is not understood.
type token struct {
	set        set
	start, end int // in the normalised runes
	clause     int
	han        bool
	negated    bool
	explicit   bool   // an amount said with its unit
	lone       bool   // a single numeral, an amount only right after a word for topping up
	fen        int64  // of an amount; 0 = not certain, below 0 = none to top up
	month      string // YYYY-MM
}

func (t token) has(c concept) bool { return t.set.has(c) }
func (t token) unknown() bool      { return t.set == set{} }

// words is about how many words a token is that is not understood.
func (t token) words() int {
	if t.han {
		return (t.end - t.start + 1) / 2
	}
	return 1
}

// tokenize cuts normalised text into tokens and carries negations to what they negate.
func tokenize(r []rune, today time.Time) []token {
	tokens := make([]token, 0, 16)
	clause := 0
	pending := false // a negation that has not met its word
	brought := false // what it denies comes after what 把 brings forward
	for i := 0; i < len(r); {
		if r[i] == boundary || r[i] == ' ' {
			switch {
			case r[i] == boundary:
				clause++
				pending = false
			case isHan(at(r, i-1)) && isHan(at(r, i+1)):
				clause++
				// 不要 充值, but not 吃不起 充十块, 本月的不要 看8月的
				last := len(tokens) - 1
				pending = pending && last >= 0 && tokens[last].has(neg) && r[i-1] != '不' && r[i-1] != '没' && !(tokens[last].has(decline) && last > 0 && tokens[last-1].has(of))
			case isDigit(at(r, i-1)) && isHan(at(r, i+1)) && !strings.ContainsRune("块元圆角毛分万千百十个多来几年月日号点时次笔天楼", r[i+1]): // 充200 算了
				clause++
				pending = false
			}
			i++
			continue
		}
		t := next(r, i, today)
		if t.has(worry) || t.has(thisTime) || t.has(nextWish) {
			clause++ // 上次充了50 这次充100, 充50再看看明细
		}
		t.clause = clause
		i = t.end
		last := len(tokens) - 1
		switch {
		case t.has(neg) && !t.set.any(negatable.without(cancel)):
			pending, brought = true, false
		case t.set.any(negatable):
			t.negated = pending || t.has(or) && last >= 0 && tokens[last].negated
			// 没打算挂失, 不是来挂失, 别一吃饭就提醒, 别把100充进去
			pending = pending && (t.set.within(helping) || t.lone || brought && t.set.any(setOf(amount, notify)))
		case t.has(or) && last >= 0 && tokens[last].negated && tokens[last].clause == clause:
			pending = true
		}
		brought = brought || pending && r[t.start] == '把'
		if t.has(notify) && last >= 0 && tokens[last].negated && tokens[last].clause == clause && tokens[last].set.any(accounts) {
			t.negated = true // don't want payment alerts
		}
		if t.has(off) && last > 0 && tokens[last].negated && tokens[last].has(notify) && tokens[last].clause == clause && !t.han {
			t.negated = true // don't turn alerts off
		}
		tokens = append(tokens, t)
	}
	settleLone(tokens)
	askByBoth(tokens)
	askAtEnd(tokens)
	tokens = joinUnknown(tokens)
	declineBefore(tokens)
	return tokens
}

// accounts are what there may be notifications of.
var accounts = setOf(balance, bill, spend, detail, topUp, topUpWeak)

// helping are verbs that may stand before the one that counts.
var helping = setOf(addMoney, moveMoney, filler, by)

// declineBefore carries 不用了 at the end of a clause back to the wish in it, or in the one before: 挂失就不用了; 挂失？不用了.
func declineBefore(tokens []token) {
	for i, t := range tokens {
		if !t.has(decline) {
			continue
		}
		clause := t.clause
		if i > 0 && tokens[i-1].clause != clause {
			clause = tokens[i-1].clause
		}
		what := declinable
		if i > 0 && tokens[i-1].has(of) {
			what = what.or(setOf(day, month)) // 今天的不用看
		}
		last := true
		for j := i + 1; j < len(tokens) && tokens[j].clause == t.clause; j++ {
			last = last && tokens[j].set.within(setOf(filler, greeting, correct, imperative, polite))
		}
		for j := i - 1; last && j >= 0 && tokens[j].clause == clause; j-- {
			if tokens[j].set.any(what) && !tokens[j].has(cancel) {
				tokens[j].negated = true
			}
		}
	}
}

// declinable is what may be declined after it is named: 余额不看了.
var declinable = wishes.or(setOf(balance, bill, detail))

// askByBoth takes a 不 or 没 between a word and the same word for a question: 卡冻没冻, 充不充.
func askByBoth(tokens []token) {
	acts := wishes.or(setOf(lost, found, linked))
	for i := 1; i+1 < len(tokens); i++ {
		before, t, after := tokens[i-1], &tokens[i], &tokens[i+1]
		if t.has(neg) && t.han && t.end-t.start == 1 && before.set == after.set && before.end == t.start && t.end == after.start && before.set.any(acts) {
			t.set, after.negated = setOf(ask), false
		}
	}
}

// askAtEnd takes a 不 or 没 that ends what a clause says for a question: 充100能用一个月不, 挂失成功没有.
func askAtEnd(tokens []token) {
	for i := range tokens {
		t := &tokens[i]
		maybe := t.has(ask)
		if !t.has(neg) {
			continue
		}
		t.set.drop(ask)
		if i == 0 || !t.han || t.end-t.start > 1 && !maybe || tokens[i-1].clause != t.clause || tokens[i-1].has(neg) || maybe && tokens[i-1].has(correct) {
			continue // 充10就行 多了没有
		}
		j := i + 1
		for j < len(tokens) && tokens[j].set.within(setOf(filler, greeting, imperative, polite)) && !tokens[j].unknown() && (maybe || !tokens[j].han) { // pls
			j++
		}
		if j < len(tokens) && tokens[j].clause == t.clause {
			continue
		}
		t.set = setOf(ask)
		if tokens[i-1].has(filler) && (i == 1 || tokens[i-2].clause != t.clause) {
			t.set = setOf(filler) // 要得不
		}
	}
}

// settleLone makes a single numeral (五, five) an amount where a word for topping up stands right before it, part of a name
// after a character that is not known (李四), and a mere count elsewhere.
func settleLone(tokens []token) {
	charging := setOf(topUp, topUpWeak, addMoney, moveMoney, topUpPast)
	for i, t := range tokens {
		switch {
		case !t.lone:
		case i > 0 && tokens[i-1].set.any(charging):
			if i+1 < len(tokens) && t.han && tokens[i+1].unknown() && tokens[i+1].han && tokens[i+1].start == t.end {
				tokens[i].fen = 0 // 冲一白
			}
		case i > 0 && tokens[i-1].unknown() && tokens[i-1].end == t.start:
			tokens[i].set = set{}
		default:
			tokens[i].set = setOf(count)
		}
	}
}

// joinUnknown makes one token of neighbouring characters that are not understood: 李四.
func joinUnknown(tokens []token) []token {
	joined := tokens[:0]
	for _, t := range tokens {
		if n := len(joined) - 1; n >= 0 && t.unknown() && t.han && joined[n].unknown() && joined[n].end == t.start && joined[n].clause == t.clause {
			joined[n].end = t.end
			continue
		}
		joined = append(joined, t)
	}
	return joined
}

// next reads the token at i: the longest of a month, a number and a listed word.
func next(r []rune, i int, today time.Time) token {
	word := lookUp(r, i, len(r))
	if last := word.end - 1; last > i && word.han {
		if at(r, word.end) == '年' && (r[last] == '去' || r[last] == '前' || r[last] == '今') {
			word = lookUp(r, i, last) // 调出|去年
		} else if longer := lookUp(r, last, len(r)); longer.end > word.end && (r[last] == '我' || !word.has(card) && !word.has(product) && longer.set.any(setOf(who, card))) {
			word = lookUp(r, i, last) // 帮|我们班长 and not 帮我|们, 绑定|卡片 and not 绑定卡|片
		}
	}
	if m, n := parseMonth(r, i, today); n > 0 && n >= word.end-i {
		return token{set: setOf(month), start: i, end: i + n, month: m}
	}
	if number := parseNumber(r, i); number.end > word.end {
		return number
	}
	if word.end > i {
		return word
	}
	if !isASCIILetter(r[i]) {
		return token{start: i, end: i + 1, han: isHan(r[i])}
	}
	end := i
	for end < len(r) && isASCIILetter(r[end]) {
		end++
	}
	return token{set: words().find(string(slices.Compact(slices.Clone(r[i:end])))), start: i, end: end} // yueee
}

// lookUp finds the longest listed word from i that ends before limit; its end is 0 if there is none. Latin words are only found whole.
func lookUp(r []rune, i, limit int) token {
	t := token{start: i, han: isHan(r[i])}
	if isASCIILetter(r[i]) && isASCIILetter(at(r, i-1)) {
		return t
	}
	node, words := int32(0), words()
	for j := i; j < limit; j++ {
		child, ok := words.next[edge{node, r[j]}]
		if !ok {
			break
		}
		node = child
		if meaning := words.meaning[node]; meaning != (set{}) && !(isASCIILetter(r[j]) && isASCIILetter(at(r, j+1))) {
			t.end, t.set = j+1, meaning
		}
	}
	return t
}

// trie holds the word lists.
type trie struct {
	next    map[edge]int32
	meaning []set // by node; empty where no word ends
}

type edge struct {
	node int32
	r    rune
}

func (t *trie) add(word string, c concept) { t.addAll(word, setOf(c)) }

func (t *trie) addAll(word string, meaning set) {
	node := int32(0)
	for _, r := range word {
		child, ok := t.next[edge{node, r}]
		if !ok {
			child = int32(len(t.meaning))
			t.next[edge{node, r}] = child
			t.meaning = append(t.meaning, set{})
		}
		node = child
	}
	t.meaning[node] = t.meaning[node].or(meaning)
}

func (t *trie) find(word string) set {
	node, ok := int32(0), true
	for _, r := range word {
		if node, ok = t.next[edge{node, r}]; !ok {
			return set{}
		}
	}
	return t.meaning[node]
}

// words is made when it is first asked for: most commands never do.
var words = sync.OnceValue(func() *trie {
	t := &trie{next: map[edge]int32{}, meaning: make([]set, 1)}
	for c, list := range chinese {
		for word := range strings.FieldsSeq(list) {
			t.add(strings.ToLower(word), c)
		}
	}
	for c, list := range latin {
		for phrase := range strings.SplitSeq(list, ",") {
			phrase = strings.Join(strings.Fields(phrase), " ")
			t.add(phrase, c)
			if (c == lost || c == found) && strings.Contains(phrase, "my card") {
				t.add(phrase, card) // someone took my card
			}
		}
	}
	for _, list := range []string{chinese[neg], chinese[decline]} {
		for word := range strings.FieldsSeq(list) {
			if strings.HasPrefix(word, "不") && !strings.HasPrefix(word, "不是") && word != "不" { // 啊不要了, where 啊不 alone corrects
				for sigh := range strings.SplitSeq("啊哦噢诶额", "") {
					t.addAll(sigh+word, t.find(word))
				}
			}
		}
	}
	t.addPeople()
	for _, word := range byEar {
		t.addByEar(word)
	}
	heard := map[string]set{} // one spelling may be several words
	for _, list := range chinese {
		for word := range strings.FieldsSeq(list) {
			meaning := t.find(word)
			for _, variant := range inPinyin(word, meaning) {
				heard[variant] = heard[variant].or(meaning)
			}
		}
	}
	for variant, meaning := range heard {
		t.addVariants(meaning, []string{variant})
	}
	return t
})

// joined is one list of two that share no concept.
func joined(list, other map[concept]string) map[concept]string {
	maps.Copy(list, other)
	return list
}
