package intent

import "slices"

// alone reports that a clause between two others says nothing but the "not" at i, however often: 充50，不不，充60.
func alone(tokens []token, i int) bool {
	first, last := i, i
	for first > 0 && tokens[first-1].clause == tokens[i].clause && tokens[first-1].has(neg) {
		first--
	}
	for last+1 < len(tokens) && tokens[last+1].clause == tokens[i].clause && tokens[last+1].has(neg) {
		last++
	}
	return first > 0 && last+1 < len(tokens) && tokens[first-1].clause != tokens[i].clause && tokens[last+1].clause != tokens[i].clause
}

// parts reports that a "not" ends a clause after an amount, and the next begins with another: top up 30 no, 40.
func parts(tokens []token, i int) bool {
	return i > 0 && i+1 < len(tokens) && tokens[i-1].has(amount) && tokens[i+1].has(amount) &&
		tokens[i-1].clause == tokens[i].clause && tokens[i+1].clause != tokens[i].clause
}

// betweenAmounts reports an amount on both sides of token i, in its clause: 充50还是100, 充50还是充100好, and not 充100还是充50吧.
func betweenAmounts(tokens []token, i int) bool {
	in := func(j int, c concept) bool {
		return j >= 0 && j < len(tokens) && tokens[j].has(c) && tokens[j].clause == tokens[i].clause
	}
	again := in(i+1, topUp) || in(i+1, topUpWeak)
	return in(i-1, amount) && (in(i+1, amount) || again && in(i+2, amount) && !in(i+3, imperative))
}

// bareAmount reports an amount and nothing else of weight. Without a unit it must stand alone, or in a Chinese phrase such as
// 要50的, and be no more than anybody tops up.
func bareAmount(tokens []token) bool {
	found := false
	for _, t := range tokens {
		switch {
		case t.has(neg) && found, t.has(ask):
			return false // 一百块都不给我, 有没有一百块
		case t.has(amount) && t.negated, t.has(neg): // not 100, 30 please
		case t.has(amount):
			if found || !t.explicit && (t.fen < 10_00 || t.fen > 500_00) {
				return false
			}
			found = true
		case t.unknown() || !t.set.any(bare):
			return false
		case !t.han && !t.set.any(setOf(imperative, correct)):
			return false
		}
	}
	return found
}

// otherAmount returns the amount that begins a clause of its own and is wished instead of one that is denied: 别充100，60就够.
func otherAmount(tokens []token) (wished *int64) {
	light := setOf(filler, imperative, polite, greeting, correct, enough)
	denied := false
	for i, t := range tokens {
		switch {
		case t.negated:
			denied = denied || t.has(amount)
		case t.has(amount) && i > 0 && tokens[i-1].negated && tokens[i-1].clause == t.clause:
			denied = true
		case t.has(amount) && begins(tokens, i):
			if wished != nil || t.fen <= 0 {
				return nil
			}
			wished = &tokens[i].fen
			for _, u := range tokens[i+1:] {
				if u.clause == t.clause && (u.unknown() || !u.set.within(light)) {
					return nil
				}
			}
		case t.has(amount), t.unknown(), t.set.any(wishes) && !t.has(cancel), t.set.any(questions):
			return nil
		}
	}
	if !denied {
		return nil
	}
	return wished
}

// begins reports that nothing stands before a token in its clause but that it is meant instead: 换成30.
func begins(tokens []token, i int) bool {
	if i > 0 && tokens[i-1].has(correct) {
		i--
	}
	return i == 0 || tokens[i-1].clause != tokens[i].clause
}

// amountOnCard reports an amount that is wished on the card, in no more words than that: 30 on my card please.
func amountOnCard(tokens []token) bool {
	if len(tokens) < 3 || !tokens[0].has(amount) || !tokens[1].has(on) || tokens[0].fen < 5_00 || tokens[0].fen > 500_00 {
		return false
	}
	var said set
	for _, t := range tokens[2:] {
		if t.unknown() || !t.set.within(setOf(mine, card, imperative, polite, filler)) {
			return false
		}
		said = said.or(t.set)
	}
	return said.all(setOf(card, polite))
}

// whichAmount reports that the amount is still to be chosen: 充30 50 还是80.
func whichAmount(tokens []token) bool {
	amounts, choosing := 0, false
	for _, t := range tokens {
		switch {
		case t.has(amount) && choosing && amounts > 0:
			return amountOf(tokens) == nil
		case t.has(amount):
			amounts++
		case t.has(or) && t.has(correct):
			choosing = true
		}
	}
	return false
}

// notEven reports an amount that is not wished either: 60也不想充.
func notEven(tokens []token) bool {
	between := setOf(or, wants, filler, imperative)
	for i := 1; i+1 < len(tokens); i++ {
		if t := tokens[i]; !t.has(or) || !t.han || t.has(correct) || !tokens[i-1].has(amount) || i > 1 && tokens[i-2].clause == t.clause {
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.set.any(setOf(topUp, topUpWeak)) {
				return u.clause == tokens[i].clause
			}
			if u.unknown() || !u.set.within(between) {
				break
			}
		}
	}
	return false
}

// sum reports that a word for adding stands between two numbers: 1加1.
func sum(tokens []token) bool {
	number := setOf(amount, count)
	for i := 1; i+1 < len(tokens); i++ {
		if t := tokens[i]; t.set.any(setOf(topUpWeak, addMoney)) && tokens[i-1].set.any(number) && tokens[i-1].end == t.start && tokens[i+1].set.any(number) && tokens[i+1].start == t.end {
			return true
		}
	}
	return false
}

// amountOf returns the one amount that was named with a wish and not declined; of a corrected one, the last.
func amountOf(tokens []token) *int64 {
	var named []token
	corrected, declining := false, false
	for i, t := range tokens {
		if i > 0 && t.clause != tokens[i-1].clause {
			declining = false
		}
		switch {
		case t.set.any(acts[TopUp]) && !t.has(amount):
			declining = t.negated
		case t.has(or) && betweenAmounts(tokens, i): // 充50还是充100
			return nil
		case t.has(correct) && declining:
			declining = false // 别充100 改成40
		case t.has(correct) && len(named) > 0, t.has(neg) && (alone(tokens, i) || parts(tokens, i)):
			corrected = true
		case t.has(neg) && !t.han && t.end-t.start == len("no") && len(named) > 0 && i+1 < len(tokens) && tokens[i+1].has(amount) && tokens[i-1].clause != t.clause:
			return nil // top up 30, no 40
		case t.has(amount) && !t.negated && !declining && !remains(tokens, i, setOf(left, lowMoney, balance)):
			named = append(named, t)
		}
	}
	if len(named) == 0 {
		return nil
	}
	last := named[len(named)-1]
	if sum := totalOf(tokens, last); sum != nil {
		return sum
	}
	if !corrected {
		if asked := ordered(tokens); len(asked) > 0 {
			named, last = asked, asked[len(asked)-1]
		}
		if addedAfter(tokens, last) || others(tokens, last) {
			return nil
		}
		for _, t := range named {
			if t.fen != last.fen {
				return nil
			}
		}
	}
	if last.fen <= 0 {
		return nil
	}
	return &last.fen
}

// totalOf returns the last amount, if it is named as what those before make together: 充50再加20 一共70.
func totalOf(tokens []token, last token) *int64 {
	several := false
	for i, t := range tokens {
		switch {
		case t.start >= last.start:
			before := i > 0 && tokens[i-1].has(total) || i > 1 && tokens[i-2].has(total) && tokens[i-1].set == setOf(filler)
			after := i+1 < len(tokens) && tokens[i+1].has(total) && tokens[i+1].clause == t.clause
			if several && last.fen > 0 && (before || after) {
				return &last.fen
			}
			return nil
		case t.has(amount):
			several = true
		}
	}
	return nil
}

// others reports another amount later on that nothing says is not to be topped up: 充80 另外零头4块也充.
func others(tokens []token, wished token) bool {
	for _, t := range tokens {
		if t.start <= wished.start || !t.has(amount) || t.negated || t.fen == wished.fen {
			continue
		}
		if !saidIn(tokens, t.clause).any(asideAmounts) {
			return true
		}
	}
	return false
}

// asideAmounts are of what is said of amounts that are not topped up.
var asideAmounts = setOf(left, balance, lowMoney, enough, spend, detail, product, meal, fee, limit, later, past, yesterday, who, third, count, idLabel, promo, card)

// remains reports an amount that a clause names with one of the concepts but not to top it up, while another clause tops up:
// 就剩两块了 帮我加点钱.
func remains(tokens []token, i int, with set) bool {
	here := saidIn(tokens, tokens[i].clause)
	var elsewhere set
	for _, t := range tokens {
		if t.clause != tokens[i].clause {
			elsewhere = elsewhere.or(t.set)
		}
	}
	return here.any(with) && !here.any(acts[TopUp]) && elsewhere.any(acts[TopUp])
}

// belowZero reports an amount that none can top up, and that is not what the card holds: 卡里0块 快充点钱.
func belowZero(tokens []token) bool {
	for i, t := range tokens {
		if t.fen < 0 && !remains(tokens, i, setOf(left, lowMoney, balance, card)) {
			return true
		}
	}
	return false
}

// nearly reports that little is said since an amount, so that one that follows may be meant in its stead: 充50改60, top up 50 no 60.
func nearly(tokens []token, wished token) bool {
	light := setOf(filler, imperative, polite, greeting, neg, towards, switchTo)
	for _, t := range slices.Backward(tokens) {
		if t.start == wished.start {
			return true
		}
		if !t.set.within(light) || t.words() > 1 {
			return false
		}
	}
	return false
}

// addedAfter reports another amount after one that is wished, in a clause that says little else: 充一百…一百二吧, 充一千 不不一百.
func addedAfter(tokens []token, wished token) bool {
	light := setOf(filler, imperative, polite, greeting, neg, amount, topUpWeak, addMoney, towards)
	for i, t := range tokens {
		if t.start <= wished.start || !t.has(amount) || t.fen == wished.fen {
			continue
		}
		unsure := t.negated && tokens[i-1].has(neg) && tokens[i-1].end-tokens[i-1].start <= map[bool]int{true: 1, false: len("no")}[tokens[i-1].han] // 充100 不 50, and not 不要50
		if t.negated && tokens[i-1].has(neg) && !unsure {
			continue // 充200 不是20
		}
		if t.clause == wished.clause {
			if t.fen == 0 && !t.negated || unsure && tokens[i-1].end < t.start || nearly(tokens[:i], wished) {
				return true // 充20 加到30吧
			}
			continue
		}
		said := func(u token) bool { return u.clause == t.clause && (u.unknown() || !u.set.within(light)) }
		if (!t.negated || unsure) && !slices.ContainsFunc(tokens, said) {
			return true
		}
	}
	return false
}

// orderedAfter reports that an amount is ordered after something was said, which is why: 卡里没钱 快充20.
func orderedAfter(tokens []token, reason concept) bool {
	found := ordered(tokens)
	if len(found) == 0 {
		return false
	}
	return !slices.ContainsFunc(tokens, func(t token) bool { return t.has(reason) && t.start > found[0].start })
}

// ordered returns the amounts right after a word for topping up, or right before it where none comes after: 卡里只剩3块了，充100;
// 拿100充饭卡. Of two after it neither: top up 30 40.
func ordered(tokens []token) (found []token) {
	carded := slices.ContainsFunc(tokens, func(t token) bool { return t.set.any(setOf(card, money)) })
	charges := func(t token) bool {
		return t.set.any(setOf(topUp, topUpWeak)) || t.set.any(setOf(addMoney, moveMoney)) && (t.han && t.has(addMoney) || !t.han && carded)
	}
	for i, t := range tokens {
		if i+1 < len(tokens) && t.has(amount) && tokens[i+1].has(amount) && tokens[i+1].clause == t.clause {
			return nil
		}
		if !t.has(amount) || t.negated {
			continue
		}
		here := func(j int) bool {
			return j >= 0 && j < len(tokens) && tokens[j].clause == t.clause && !tokens[j].negated
		}
		before, after := i-1, i+1
		if here(before) && !tokens[before].han && tokens[before].set == setOf(filler) {
			before-- // put the 50 on my card
		}
		if here(after) && tokens[after].set == setOf(filler) {
			after++ // 七十块都充卡里
		}
		switch {
		case here(before) && charges(tokens[before]) && !tokens[before].has(amount):
			found = append(found, t)
		case here(after) && tokens[after].han && charges(tokens[after]) && !(here(after+1) && tokens[after+1].has(amount)) && !saidIn(tokens, t.clause).any(setOf(left, lowMoney, balance)):
			found = append(found, t)
		}
	}
	return found
}

// saidIn is what a clause says, whether denied or not.
func saidIn(tokens []token, clause int) (all set) {
	for _, t := range tokens {
		if t.clause == clause {
			all = all.or(t.set)
		}
	}
	return all
}

// toppedUp reports that what a top-up is wished of, or with, is something else: 不是饭卡 是地铁卡要充50, top me up with coffee.
func toppedUp(tokens []token) bool {
	for i, t := range tokens {
		if !t.set.any(acts[TopUp]) {
			continue
		}
		if i+2 < len(tokens) && tokens[i+1].has(by) && !tokens[i+1].han && tokens[i+2].has(meal) && !saidIn(tokens, t.clause).any(setOf(card, money, amount)) {
			return true
		}
		for i--; i >= 0 && tokens[i].clause == t.clause && tokens[i].set.within(setOf(imperative, wants)) && !tokens[i].unknown(); i-- {
		}
		if i >= 0 && tokens[i].clause == t.clause && tokens[i].has(product) && !tokens[i].has(wallet) {
			return true
		}
	}
	return false
}

// boughtWith reports that what comes next is to be bought with what is topped up before.
func boughtWith(tokens []token) bool {
	last := len(tokens) - 1
	if tokens[last].unknown() && tokens[last].end-tokens[last].start == 1 {
		last-- // 杯
	}
	clause := tokens[last].clause
	return tokens[last].has(spend) && tokens[last].han && slices.ContainsFunc(tokens[:last], func(t token) bool {
		return t.has(amount) && t.clause == clause
	}) && slices.ContainsFunc(tokens[:last], func(t token) bool { return t.set.any(acts[TopUp]) && t.clause == clause })
}
