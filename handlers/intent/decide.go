package intent

import "slices"

// clause is what one clause says.
type clause struct {
	said, denied set
	unknown      int // words not understood
}

// decide applies the rules to the tokens of a text.
func decide(tokens []token) Result {
	markOthers(tokens)
	clauses, said, denied := gather(tokens)
	switch {
	case said.any(setOf(inject, meta)):
		return Result{Intent: None}
	case said.has(sixDigits) && said.has(password):
		return Result{Intent: Help}
	case said.has(sixDigits) && said.has(codeWord):
		return Result{Intent: Code}
	}
	intent, at := choose(clauses, said)
	switch {
	case intent == None:
		intent = declined(tokens, said, denied)
	case denied.has(notify) && (intent == Statement || intent == TransactionsToday):
		intent = NotificationsOff // 消费了别通知我
	}
	intent = veto(intent, clauses, at, tokens, said, denied)

	result := Result{Intent: intent}
	switch intent {
	case TopUp:
		result.AmountFen = amountOf(tokens)
	case Statement, TransactionsToday:
		result.Month = monthOf(tokens)
		if result.Month != "" {
			result.Intent = Statement
		}
	}
	return result
}

// gather sums the tokens up by clause.
func gather(tokens []token) (clauses []clause, said, denied set) {
	for _, t := range tokens {
		for len(clauses) <= t.clause {
			clauses = append(clauses, clause{})
		}
		c := &clauses[t.clause]
		switch {
		case t.unknown():
			c.unknown += t.words()
		case t.negated:
			c.denied = c.denied.or(t.set)
		default:
			c.said = c.said.or(t.set)
		}
	}
	for i := range clauses {
		said, denied = said.or(clauses[i].said), denied.or(clauses[i].denied)
	}
	return clauses, said, denied
}

// choose finds the intent that weighs most, and the clause it stands in; -1 if it is spread over several.
func choose(clauses []clause, said set) (best Intent, at int) {
	best, weight := None, -1
	for i, c := range clauses {
		for _, r := range compiled {
			if r.fits(c.said, c.unknown) {
				rank := r.rank()
				if personal[r.intent] && c.said.has(product) && !c.said.has(card) {
					rank = 0 // about something else: 想买水，饭卡还有钱吗
				}
				if rank > weight {
					best, at, weight = r.intent, i, rank
				}
				break
			}
		}
	}
	if weight >= 2 || len(clauses) == 1 {
		return best, at
	}
	unknown := 0
	for _, c := range clauses {
		unknown += c.unknown
	}
	for _, r := range compiled {
		if r.across && r.fits(said, unknown) && r.rank() > weight {
			return r.intent, -1
		}
	}
	return best, at
}

var (
	wishes = setOf(topUp, topUpWeak, addMoney, moveMoney, loss, lossMaybe, freeze, freezeWeak, unloss, resume, bind, unbind, claim, verify, amount, cancel)
	bare   = setOf(filler, imperative, by, wallet, correct, or, money, greeting)
)

// declined reads a text in which no wish was found: a wish that was declined, messages that are not wanted, a bare amount.
func declined(tokens []token, said, denied set) Intent {
	switch {
	case denied.has(notify), denied.has(on) && said.has(notify):
		return NotificationsOff
	case denied.any(setOf(topUp, topUpWeak)) && said.has(correct) && said.has(amount):
		return TopUp // 不充100了，改成50
	case denied.has(month) && said.has(day):
		return TransactionsToday // 不要上个月的，看今天的
	case denied.any(wishes):
		return Cancel
	case said.has(neg) && said.within(setOf(neg, filler, greeting)) && !hasUnknown(tokens):
		return Cancel
	case said.has(notFound) && said.has(card) && denied == (set{}):
		return ReportLoss
	}
	return None
}

// veto takes back a wish that is somebody else's, about something else, a question, a supposition or past.
func veto(intent Intent, clauses []clause, at int, tokens []token, said, denied set) Intent {
	if intent == NotificationsOn && (said.has(off) || denied.has(notify)) {
		return NotificationsOff
	}
	if !personal[intent] {
		if said.has(product) && rankOf(intent) < 2 {
			return None
		}
		if intent == None && denied == (set{}) && bareAmount(tokens) {
			return TopUp
		}
		return intent
	}
	here := said
	if at >= 0 && !risky[intent] {
		here = clauses[at].said
	}
	asksMoney := intent == Balance || intent == Statement || intent == TransactionsToday
	switch {
	case here.has(product) && !here.has(card), (asksMoney || risky[intent] && intent != TopUp) && here.has(wallet) && !here.has(card):
		return None
	case said.has(who) && (!ownCard(tokens) || said.has(ask)) && othersMatter(tokens, clauses, at), asksMoney && here.any(setOf(trouble, refund)):
		return Help
	case risky[intent] && othersWish(tokens), intent == ReportLoss && othersLoss(tokens), intent == TopUp && pastTopUp(tokens):
		return Help
	case risky[intent] && !said.any(setOf(card, lost, found)) && unknownWords(clauses) > map[bool]int{false: 0, true: 1}[intent == TopUp]:
		return Help // 挂失我的初恋
	case intent == TopUp && slices.ContainsFunc(tokens, func(t token) bool { return t.fen < 0 }), risky[intent] && othersCard(tokens):
		return Help
	case intent == Claim && said.has(whatIs):
		return Help
	case intent == TopUp && said.any(questions) && said.all(setOf(claim, where)):
		return Claim
	case risky[intent] && said.any(questions) && !plainLoss(intent, clauses, at, said), (risky[intent] || asksMoney) && said.has(longNumber):
		return Help
	case risky[intent] && said.has(done) && !said.any(setOf(found, lost, amount, imperative)):
		return Help
	case risky[intent] && said.has(ask) && !asked(tokens) && !said.any(setOf(lost, found)):
		return Help
	case risky[intent] && strangeCard(tokens):
		return Help
	case intent == ReportLoss && said.has(found) && !said.has(loss):
		return Help
	case intent == ReportLoss && said.has(reissue) && said.any(setOf(howMuch, fee, where, howLong)):
		return Help
	case intent == TopUp && !said.any(setOf(topUp, topUpWeak, card, money)) && amountOf(tokens) == nil:
		return None // add 50 to 60
	case intent == ReportLoss && moneyLost(tokens):
		return Help
	case intent == CancelLoss && !said.has(unloss) && denied.any(setOf(loss, lossMaybe, unloss, lost)):
		return Cancel
	}
	return intent
}

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
		case t.has(loss) && after != nil && after.has(of): // 挂失的卡
			t.set = setOf(lossPast)
		case t.unknown() && t.han && t.end-t.start >= 2 && t.end-t.start <= 4 && before == nil && after != nil && after.has(wants):
			t.set = setOf(who) // 小王要挂失
		case t.unknown() && t.han && t.end-t.start <= 2 && after != nil && after.has(title) && after.start == t.end: // 刘老师
			t.set = setOf(who)
		case t.has(dropped):
			t.set = setOf(filler)
			if before != nil && before.has(card) {
				t.set = setOf(lost)
			}
		case t.has(towards) && before != nil && before.has(amount) && after != nil && after.unknown(): // top up 50 to bob
			after.set = setOf(who)
		case t.has(who) && after != nil && after.set.all(setOf(wants, mine)): // 我妈让我充50
			t.set = setOf(filler)
		case t.unknown() && !t.han && after != nil && after.has(third): // tom wants
			t.set = setOf(who)
		case t.has(who) && t.han && t.end-t.start == 1 && before != nil && before.set.any(setOf(freezeWeak, off)): // 停咗佢
			t.set = setOf(filler)
		case t.has(whose) && after != nil && (after.unknown() || after.set.any(setOf(longNumber, sixDigits))):
			t.set.add(who)
		case t.has(whose) && after != nil && after.has(wallet):
			after.set.add(product)
		case t.han && t.set.any(owned) && before != nil && before.has(of) && i > 1 && tokens[i-2].unknown() && tokens[i-2].end == before.start:
			before.set.add(who) // 李四的余额
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
	for i := range tokens[:max(0, len(tokens)-1)] {
		before, after := tokens[i], tokens[i+1]
		if before.has(mine) && after.has(card) && (i == 0 || !tokens[i-1].has(whose)) || before.has(who) && after.has(forMe) {
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

// plainLoss reports a loss that one clause states, whatever another asks: 卡丢了，钱还在吗.
func plainLoss(intent Intent, clauses []clause, at int, said set) bool {
	return intent == ReportLoss && at >= 0 && clauses[at].said.all(setOf(card, lost)) && !clauses[at].said.any(questions) && !said.has(ifWord)
}

// othersMatter reports that somebody else is named where the wish stands, or elsewhere with a card or a wish: not in 卡丢了，怕别人刷.
func othersMatter(tokens []token, clauses []clause, at int) bool {
	if at < 0 || clauses[at].said.has(who) {
		return true
	}
	concerning := wishes.or(setOf(card, lost, found, wants, third))
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

func unknownWords(clauses []clause) (n int) {
	for _, c := range clauses {
		n += c.unknown
	}
	return n
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

// asked reports that a question asks for the wish to be done: 可以解挂吗, 解挂可以吗, and not 解挂需要密码吗.
func asked(tokens []token) bool {
	wished := false
	for _, t := range tokens {
		switch {
		case t.has(tag), t.has(polite) && !wished:
			return true
		case t.set.any(wishes):
			wished = true
		}
	}
	return false
}

// alone reports that token i is all that its clause says: 充50，不，充60.
func alone(tokens []token, i int) bool {
	clause := tokens[i].clause
	return i > 0 && i+1 < len(tokens) && tokens[i-1].clause != clause && tokens[i+1].clause != clause
}

func hasUnknown(tokens []token) bool { return slices.ContainsFunc(tokens, token.unknown) }

// strangeCard reports an English word not known right before "card": tom card, gym card.
func strangeCard(tokens []token) bool {
	for i := 1; i < len(tokens); i++ {
		if tokens[i].has(card) && !tokens[i].han && tokens[i-1].unknown() && !tokens[i-1].han && tokens[i-1].clause == tokens[i].clause {
			return true
		}
	}
	return false
}

// moneyLost reports that money, and not the card, is what is gone: 卡里的钱不见了.
func moneyLost(tokens []token) bool {
	for i, t := range tokens {
		if !t.has(lost) || t.negated || i == 0 {
			continue
		}
		before := tokens[i-1]
		if before.set.any(setOf(money, balance, amount)) && before.clause == t.clause {
			return true
		}
	}
	return false
}

// pastTopUp reports that an amount was topped up before: 充50过, 之前充50.
func pastTopUp(tokens []token) bool {
	earlier, ordered := false, false
	for i, t := range tokens {
		if t.has(done) && t.has(past) && i > 0 && tokens[i-1].has(amount) {
			return true
		}
		earlier = earlier || t.has(past) && !t.has(done)
		ordered = ordered || t.has(imperative)
	}
	return earlier && !ordered
}

// bareAmount reports an amount and nothing else of weight. Without a unit it must stand alone, or in a Chinese phrase such as
// 要50的, and be no more than anybody tops up.
func bareAmount(tokens []token) bool {
	found := false
	for _, t := range tokens {
		switch {
		case t.has(amount):
			if !t.explicit && (t.fen < 5_00 || t.fen > 500_00) {
				return false
			}
			found = true
		case t.unknown() || !t.set.any(bare):
			return false
		case !t.han && !t.has(imperative):
			return false
		}
	}
	return found
}

// amountOf returns the one amount that was named with a wish and not declined; of a corrected one, the last.
func amountOf(tokens []token) *int64 {
	var named []token
	corrected, declining := false, false
	charging := setOf(topUp, topUpWeak, addMoney, moveMoney)
	for i, t := range tokens {
		if i > 0 && t.clause != tokens[i-1].clause {
			declining = false
		}
		switch {
		case t.set.any(charging) && !t.has(amount):
			declining = t.negated
		case t.has(correct) && len(named) > 0, t.has(neg) && alone(tokens, i):
			corrected = true
		case t.has(amount) && !t.negated && !declining:
			named = append(named, t)
		}
	}
	if len(named) == 0 {
		return nil
	}
	last := named[len(named)-1]
	if !corrected {
		if asked := ordered(tokens); len(asked) > 0 {
			named, last = asked, asked[len(asked)-1]
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

// ordered returns the amounts right after a word for topping up: 卡里只剩3块了，充100.
func ordered(tokens []token) (found []token) {
	for i := 1; i < len(tokens); i++ {
		if t, before := tokens[i], tokens[i-1]; t.has(amount) && !t.negated && !before.negated && before.set.any(setOf(topUp, topUpWeak)) && before.clause == t.clause {
			found = append(found, t)
		}
	}
	return found
}

// monthOf returns the last month named and not declined.
func monthOf(tokens []token) (named string) {
	for _, t := range tokens {
		if t.has(month) && !t.negated {
			named = t.month
		}
	}
	return named
}
