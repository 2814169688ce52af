package intent

import "slices"

// markOthers finds words that are not known and stand where somebody else or another product is named, and marks payment
// means.
func markOthers(tokens []token) {
	things := setOf(topUp, topUpWeak, balance, bill, detail, lowMoney)
	owned := things.or(setOf(card))
	seenCard := false
	for i := range tokens {
		t := &tokens[i]
		var before, after *token
		if i > 0 && tokens[i-1].clause == t.clause {
			before = &tokens[i-1]
		}
		if i+1 < len(tokens) && tokens[i+1].clause == t.clause {
			after = &tokens[i+1]
		}
		if before == nil {
			seenCard = false
		}
		long := func(u *token) bool { return u != nil && u.unknown() && (!u.han || u.end-u.start >= 2) }
		switch {
		case t.has(languageName) && after != nil && after.has(switchTo) && i+2 < len(tokens) && tokens[i+2].clause == t.clause &&
			tokens[i+2].set.any(setOf(mine, card, lost, loss, topUp, topUpWeak, freeze, unloss)): // 用英语说我的卡丢了
			t.set = setOf(meta)
		case !t.han && t.has(topUpWeak) && before != nil && before.has(amount) &&
			(after == nil || after.set.within(setOf(filler, greeting, imperative, polite)) && !after.unknown()): // this 50 charge
			t.set = setOf(detail)
		case t.has(loss) && after != nil && after.has(of): // 挂失的卡
			t.set = setOf(lossPast)
		case t.unknown() && t.han && t.end-t.start >= 2 && t.end-t.start <= 4 && (before == nil || before.has(human)) && after != nil && after.has(wants):
			t.set = setOf(who) // 小王要挂失
		case t.unknown() && t.han && t.end-t.start <= 2 && after != nil && after.has(title) && after.start == t.end: // 刘老师
			t.set = setOf(who)
		case t.has(dropped):
			t.set = setOf(filler)
			if before != nil && seenCard && !before.unknown() && !before.set.any(wishes.or(setOf(spend, by, revoke))) {
				t.set = setOf(lost)
			}
		case t.has(towards) && before != nil && before.has(amount) && after != nil && after.unknown(): // top up 50 to bob
			after.set = setOf(who)
		case t.has(who) && before != nil && before.has(by) && after != nil && after.set.any(setOf(whose, of, moveMoney)): // 用我妈给的钱充100
			t.set = setOf(filler)
			after.set = setOf(filler)
		case t.has(who) && after != nil && after.set.all(setOf(wants, mine)): // 我妈让我充50
			t.set = setOf(filler)
		case t.unknown() && !t.han && after != nil && after.has(third): // tom wants
			t.set = setOf(who)
		case t.has(who) && t.han && t.end-t.start == 1 && before != nil && before.set.any(setOf(freeze, freezeWeak, off, unloss, resume)): // 停咗佢
			t.set = setOf(filler)
		case t.has(who) && t.han && t.end-t.start == 1 && before != nil && before.has(card) && (after == nil || after.has(filler)): // unlink咗张卡佢
			t.set = setOf(filler)
		case t.has(whose) && after != nil && (after.unknown() || after.set.any(setOf(longNumber, sixDigits))):
			t.set.add(who)
		case t.has(whose) && after != nil && after.has(count) && i+2 < len(tokens) && tokens[i+2].has(of): // 给2023级的充
			t.set.add(who)
		case after != nil && after.has(wallet) && (t.has(whose) || t.han && t.has(forMe) && !t.has(polite)): // 给我支付宝充100
			after.set.add(product)
		case t.han && t.set.any(owned) && before != nil && before.has(of) && i > 1 && tokens[i-2].unknown() && tokens[i-2].end == before.start:
			before.set.add(who) // 李四的余额
		case t.han && t.has(card) && t.end-t.start <= 2 && before != nil && (before.unknown() || before.has(switchTo)) && !before.han && before.end == t.start: // esim卡
			t.set = setOf(product)
		case t.han && t.has(card) && t.end-t.start == 1 && before != nil && before.has(product) && before.end == t.start: // 工行卡
			t.set = setOf(product)
		case !t.han && t.has(card) && before != nil && before.has(product) && !before.han && t.end-t.start == len("card"): // visa card
			t.set = setOf(product)
		case t.has(wallet) && after != nil && after.set.any(setOf(balance, left, lowMoney, enough)): // 支付宝余额不够 怎么充值
			t.set.add(product)
		case t.has(product) && i > 2 && boughtWith(tokens[:i]): // 充7块9买杯奶茶
			t.set = setOf(filler)
		case t.has(product) && before != nil && before.has(by):
			t.set = setOf(filler)
		case t.han && t.has(card) && t.end-t.start <= 2 && before != nil && before.unknown() && before.han && (t.end-t.start == 1 || long(before)):
			t.set = setOf(product)
		case t.han && t.set.any(things) && !seenCard && before != nil && before.han && long(before) && before.end == t.start:
			before.set = setOf(product)
		case t.set.any(setOf(topUp, topUpWeak)) && !seenCard && long(after):
			after.set = setOf(product, who)
		case t.set.any(setOf(topUp, topUpWeak)) && !t.han && !seenCard && i+2 < len(tokens) && tokens[i+2].clause == t.clause && tokens[i+2].unknown() &&
			after.set.any(setOf(mine, filler)): // recharge my batteries
			tokens[i+2].set = setOf(product, who)
		}
		seenCard = seenCard || t.has(card)
	}
}

// ownCard reports that the speaker names their own card, or what somebody did for them, whoever else is in the text.
func ownCard(tokens []token) bool {
	if slices.ContainsFunc(tokens, func(t token) bool { return t.set.all(setOf(found, forMe)) }) {
		return true // 同学还给我了
	}
	for i := range tokens[:max(0, len(tokens)-1)] {
		before, after := tokens[i], tokens[i+1]
		if before.has(mine) && after.has(card) && (i == 0 || !tokens[i-1].has(whose)) {
			return true
		}
		for j := i + 1; before.has(who) && j < len(tokens) && tokens[j].clause == before.clause; j++ {
			if tokens[j].has(forMe) {
				return true
			}
			if !tokens[j].set.within(setOf(filler, atHome)) {
				break
			}
		}
	}
	return false
}

// othersHelp reports that somebody else is to top up the speaker's card, or did: 我妈给我充50, 让室友帮我充.
func othersHelp(tokens []token) bool {
	for i, t := range tokens {
		if address := i == 0 || tokens[i-1].clause != t.clause; !t.has(who) || address && !t.has(kin) { // 老板给我充50
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.clause != t.clause || !u.set.any(setOf(filler, forMe, polite, later, day)) {
				break
			}
			if u.has(forMe) {
				topsUp := func(t token) bool {
					return t.clause == u.clause && t.set.any(setOf(topUp, topUpWeak, topUpPast, addMoney, moveMoney))
				}
				return slices.ContainsFunc(tokens[i+1:], topsUp)
			}
		}
	}
	return false
}

// othersAccount reports that a clause begins with somebody whose money is asked about: 同学今天花了多少, and not 同学 今天花了多少.
func othersAccount(tokens []token) bool {
	about := setOf(day, month, spend, balance, left, bill, detail)
	for i, t := range tokens {
		if !t.has(who) || !t.han || i > 0 && tokens[i-1].clause == t.clause {
			continue
		}
		j := i + 1
		for j < len(tokens) && tokens[j].set == setOf(filler) {
			j++
		}
		if j < len(tokens) && tokens[j].clause == t.clause && tokens[j].set.any(about) {
			return true
		}
	}
	return false
}

// othersWish reports that somebody else is said to do or wish something (室友要挂失, my friend wants to), or that it is done for
// them.
func othersWish(tokens []token) bool {
	acts := setOf(topUp, topUpWeak, loss, freeze, freezeWeak, unloss, resume, bind, unbind, wants, third)
	for i, t := range tokens {
		if !t.has(who) {
			continue
		}
		for j := max(0, i-2); j <= i; j++ {
			if tokens[j].has(whose) && tokens[j].clause == t.clause {
				return true
			}
		}
		j := i + 1
		for j < len(tokens) && tokens[j].set == setOf(filler) {
			j++
		}
		if j < len(tokens) && tokens[j].clause == t.clause && tokens[j].set.any(acts) && !tokens[j].set.any(setOf(mine, forMe)) {
			return true
		}
	}
	return false
}

// plainLoss reports a loss that one clause states, whatever another asks or fears: 卡丢了，钱还在吗; 怕别人刷 帮我挂失.
func plainLoss(intent Intent, clauses []clause, at int, said set) bool {
	if intent != ReportLoss || at < 0 || clauses[at].said.any(questions) || said.has(ifWord) {
		return false
	}
	others := questions
	others.drop(worry)
	return clauses[at].said.all(setOf(card, lost)) || clauses[at].said.any(setOf(loss, freeze)) && !said.any(others)
}

// othersMatter reports that somebody else is named where the wish stands, or elsewhere with a card or a wish: not in 卡丢了，怕别人刷.
func othersMatter(tokens []token, clauses []clause, at int) bool {
	if at < 0 || clauses[at].said.has(who) {
		return true
	}
	concerning := wishes.or(setOf(card, lost, found, wants, third))
	concerning.drop(addMoney)
	concerning.drop(moveMoney)
	for i, t := range tokens {
		if t.has(who) && (clauses[t.clause].said.any(concerning) || t.has(whose) || i > 0 && tokens[i-1].has(whose)) {
			return true
		}
	}
	return false
}

// othersCard reports that a card is somebody's by name: 李四的卡, 校长的卡.
func othersCard(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if before := tokens[i-1]; tokens[i].has(card) && before.clause == tokens[i].clause &&
			(before.has(of) && (before.has(who) || i > 1 && tokens[i-2].set.any(setOf(title, who))) || before.has(who) && !before.has(of) && before.end == tokens[i].start && before.han) {
			return true
		}
	}
	return false
}

// strangeVerb reports an English word not known right before an action: it may be a misspelled "don't".
func strangeVerb(tokens []token) bool {
	acts := setOf(topUp, loss, freeze, freezeWeak, unloss, bind, unbind)
	for i := 1; i < len(tokens); i++ {
		if before := tokens[i-1]; !tokens[i].han && tokens[i].set.any(acts) && before.unknown() && !before.han && before.clause == tokens[i].clause {
			return true
		}
	}
	return false
}

// strangeCount reports a number of something that is not known: load 50 songs.
func strangeCount(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if t, before := tokens[i], tokens[i-1]; t.unknown() && !t.han && before.has(amount) && !before.explicit && before.clause == t.clause {
			return true
		}
	}
	return false
}

// strangeName reports a word that is not known where the name of what is topped up or unlinked stands: jio recharge, unlink my twitch.
func strangeName(intent Intent, tokens []token) bool {
	for i, t := range tokens {
		switch {
		case t.han:
		case intent == TopUp && i > 0 && t.has(topUp) && tokens[i-1].unknown() && !tokens[i-1].han && tokens[i-1].clause == t.clause && (i == 1 || tokens[i-2].clause != t.clause):
			return true
		case intent == Unbind && t.has(unbind):
			j := i + 1
			for j < len(tokens) && tokens[j].clause == t.clause && !tokens[j].unknown() && tokens[j].set.within(setOf(filler, mine, general)) {
				j++
			}
			if j < len(tokens) && tokens[j].clause == t.clause && tokens[j].unknown() && !tokens[j].han {
				return true
			}
		}
	}
	return false
}

// discount reports an amount that is off a price: get 50 off.
func discount(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if tokens[i].has(off) && !tokens[i].han && tokens[i-1].has(amount) && tokens[i-1].clause == tokens[i].clause {
			return true
		}
	}
	return false
}

// strangeLoss reports that something not known is what is lost: 风筝丢了挂失, 卡绳丢了.
func strangeLoss(tokens []token) bool {
	carded := slices.ContainsFunc(tokens, func(t token) bool { return t.has(card) })
	for i := 1; i < len(tokens); i++ {
		t, before := tokens[i], tokens[i-1]
		if !t.has(lost) || !before.unknown() || !before.han || before.end != t.start {
			continue
		}
		if !carded || i > 1 && before.end-before.start == 1 && tokens[i-2].has(card) && tokens[i-2].end == before.start {
			return true
		}
	}
	return false
}

// othersLoss reports a name before "lost", and the card after it: tom lost the card.
func othersLoss(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if t := tokens[i]; t.has(lost) && !t.han && tokens[i-1].unknown() && tokens[i-1].clause == t.clause {
			return slices.ContainsFunc(tokens[i+1:], func(t token) bool { return t.has(card) })
		}
	}
	return false
}

// strangeCard reports an English word not known right before "card": tom card, gym card.
func strangeCard(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if tokens[i].has(card) && !tokens[i].set.any(setOf(lost, found)) && !tokens[i].han && tokens[i-1].unknown() && !tokens[i-1].han && tokens[i-1].clause == tokens[i].clause {
			return true
		}
	}
	return false
}

// moneyLost reports that money, and not the card, is what is gone: 卡里的钱不见了, lost 50 on my card.
func moneyLost(tokens []token) bool {
	gone := setOf(money, balance, amount, transfer)
	for i, t := range tokens {
		if !t.has(lost) || t.negated || t.has(card) {
			continue
		}
		if next := i + 1; next < len(tokens) && !t.han && tokens[next].clause == t.clause && tokens[next].set.any(gone) {
			return true
		}
		j := i - 1
		for j > 0 && tokens[j].set.within(setOf(filler, how, why)) && !tokens[j].unknown() { // 钱咋还不见
			j--
		}
		if j >= 0 && tokens[j].set.any(gone) && tokens[j].clause == t.clause {
			return true
		}
	}
	return false
}

// otherLost reports that what is lost is said to be something else, with no card in it: 手机被偷了 微信绑着校园卡, card is fine i
// lost the sleeve.
func otherLost(tokens []token, clauses []clause) bool {
	other := false
	within := false
	for i, t := range tokens {
		within = within || t.has(inside) && (i == 0 || !tokens[i-1].has(neg)) // 卡没在里面
	}
	for i, t := range tokens {
		if !t.has(lost) || t.negated {
			continue
		}
		in := clauses[t.clause].said
		named := in.has(product)
		for _, u := range tokens[i+1:] {
			named = named || u.clause == t.clause && u.unknown() && !u.han && !t.han
		}
		if in.has(card) || !named || in.has(holder) && within {
			return false
		}
		other = true
	}
	return other
}

// notTheCard reports that every card named is one that it is not: 丢的是水卡不是饭卡.
func notTheCard(tokens []token) bool {
	denied := false
	for i, t := range tokens {
		if !t.has(card) {
			continue
		}
		j := i - 1
		for j >= 0 && tokens[j].clause == t.clause && tokens[j].has(mine) {
			j--
		}
		if j < 0 || tokens[j].clause != t.clause || !tokens[j].has(neg) {
			return false
		}
		denied = true
	}
	return denied
}

// outwards reports that money is moved from the card to a purse: 卡里转50到微信.
func outwards(tokens []token) bool {
	fromCard, moved, paid := false, false, false
	for i, t := range tokens {
		if i > 0 && t.clause != tokens[i-1].clause {
			fromCard, moved, paid = false, false, false
		}
		switch {
		case t.has(wallet) && paid && !tokens[i-1].has(by):
			return true
		case t.has(card):
			fromCard = true
		case t.has(moveMoney):
			moved = fromCard
		case t.has(amount):
			paid = moved
		}
	}
	return false
}
