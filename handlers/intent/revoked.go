package intent

import "slices"

// revokedTopUp reports that a top-up is called off, and nothing put in its place: 取消充50, not 取消充100改成50.
func revokedTopUp(tokens []token) bool {
	charging := setOf(topUp, topUpWeak, addMoney, moveMoney)
	for i, t := range tokens {
		if !t.has(revoke) {
			continue
		}
		called, replaced := false, false
		for j, u := range tokens {
			replaced = replaced || j > i && u.has(correct)
			called = called || u.clause == t.clause && u.set.any(charging)
		}
		if called && !replaced {
			return true
		}
	}
	return false
}

// doneBefore reports that a later clause tells of the top-up as done: 充50，哦不对，已经充过了.
func doneBefore(tokens []token) bool {
	wished := -1
	for i, t := range tokens {
		switch {
		case t.set.any(setOf(topUp, topUpWeak)) && !t.negated:
			wished = t.clause
		case wished >= 0 && t.clause > wished && t.has(topUpPast) && i > 0 && tokens[i-1].clause == t.clause && tokens[i-1].has(done):
			return true
		}
	}
	return false
}

// thoughtBetter reports that the last word for topping up is denied, and not just another amount than the one that is wished:
// 充值先不充了, and not 充50吧不充100了.
func thoughtBetter(tokens []token) bool {
	last := -1
	for i, t := range tokens {
		if t.set.any(setOf(topUp, topUpWeak, topUpPast)) {
			last = i
		}
	}
	if last < 0 || !tokens[last].negated {
		return false
	}
	wished := amountOf(tokens)
	if wished != nil && last+1 < len(tokens) && tokens[last+1].has(correct) {
		return false // 别充那么多 三十就好
	}
	return wished == nil || last+1 == len(tokens) || !tokens[last+1].has(amount) || tokens[last+1].fen == *wished
}

// lifted reports that a loss is to be undone: undo lost card, take off the block.
func lifted(tokens []token) bool {
	reports := setOf(loss, lossMaybe, lossPast, lost, freeze, freezeWeak)
	for i, t := range tokens {
		if !t.has(revoke) {
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.set.any(reports) && u.clause == t.clause {
				return true
			}
			if !u.set.within(setOf(filler, mine, aCard, general)) {
				break
			}
		}
	}
	return false
}

// postponed reports that a wish is for another day: 明天充50, top up 50 tomorrow, and not 明天没饭钱了充50.
func postponed(tokens []token) bool {
	light := setOf(filler, wants, imperative, polite, mine, amount, card, whose, by, lost, day, meal, atHome, done)
	wish := func(t token) bool { return t.set.any(wishes) && !t.has(amount) }
	for i, t := range tokens {
		if !t.has(later) {
			continue
		}
		for j := i + 1; j < len(tokens) && tokens[j].clause == t.clause; j++ {
			if wish(tokens[j]) {
				return true
			}
			if !tokens[j].set.any(light) {
				break
			}
		}
		for j := i - 1; j >= 0 && !t.han && tokens[j].clause == t.clause; j-- {
			if wish(tokens[j]) {
				return true
			}
			if !tokens[j].set.any(light) {
				break
			}
		}
	}
	return false
}

// pastTopUp reports that an amount was topped up before: 充50过, 之前充50.
func pastTopUp(tokens []token) bool {
	earlier, ordered := false, false
	before := -1 // the clause that begins with 昨天
	for i, t := range tokens {
		if t.has(yesterday) && t.han && (i == 0 || tokens[i-1].clause != t.clause) {
			before = t.clause
		}
		if t.clause == before && t.has(amount) && !slices.ContainsFunc(tokens[:i], func(u token) bool { return u.clause == before && u.has(wants) }) {
			return true // 前天往卡里存了八十
		}
		if t.has(done) && t.has(past) && i > 0 && tokens[i-1].has(amount) || t.has(yesterday) && !t.han && i > 1 && tokens[i-1].clause == t.clause {
			return true
		}
		earlier = earlier || t.has(past) && !t.has(done) || t.has(longAgo)
		ordered = ordered || t.has(imperative) && (t.han || !t.has(polite)) || t.has(thisTime)
	}
	return earlier && !ordered
}
