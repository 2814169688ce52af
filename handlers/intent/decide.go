package intent

import "slices"

// clause is what one clause says.
type clause struct {
	said, denied set
	unknown      int // words not understood
}

// decide applies the rules to the tokens of a text, and weighs what the voice says of it.
func decide(tokens []token, heard opinion) Result {
	clauses, said, denied := gather(tokens)
	switch {
	case said.any(setOf(inject, meta)):
		return Result{Intent: None}
	case said.has(sixDigits) && said.has(password):
		return Result{Intent: Help}
	case said.all(setOf(sixDigits, idLabel)):
		return Result{Intent: None}
	case said.has(sixDigits) && (said.has(codeWord) || said.within(setOf(sixDigits, filler, greeting)) && !hasUnknown(tokens)):
		return Result{Intent: Code}
	}
	intent, at := choose(clauses, said)
	switch {
	case denied.has(linked) && said.has(wants):
		intent, at = Unbind, -1 // don't want my card linked here
	case intent == None:
		intent = declined(tokens, said, denied)
	case denied.has(notify) && (intent == Statement || intent == TransactionsToday || intent == Claim):
		intent = NotificationsOff // 消费了别通知我
	}
	if (intent == None && denied == (set{}) || intent == Cancel && (denied == setOf(amount) || denied == (set{}) && said.has(correct))) && (bareAmount(tokens) || amountOnCard(tokens)) {
		return Result{Intent: TopUp, AmountFen: amountOf(tokens)}
	}
	if intent == Cancel && denied == setOf(amount) && said.has(amount) && said.within(bare.or(setOf(neg, of, wants, amount, mine, card, polite, on))) && !hasUnknown(tokens) {
		return named(TopUp, tokens) // thirty, not thirteen
	}
	if amount := otherAmount(tokens); amount != nil && denied.any(setOf(topUp, topUpWeak, addMoney, moveMoney)) {
		return Result{Intent: TopUp, AmountFen: amount}
	}
	if risky[intent] && calledOff(intent, tokens, said) {
		return Result{Intent: Cancel}
	}
	if risky[intent] && reminded(tokens) {
		intent = Help // 记得提醒我充50
		if denied.has(notify) {
			intent = NotificationsOff
		}
	}
	switch {
	case intent == Balance && denied.any(acts[TopUp]) && !said.any(setOf(balance, ask, howMuch, imperative)):
		intent = Cancel // 钱还够 这次不充
	case intent == CancelLoss && !said.has(unloss) && !(said.has(revoke) && said.any(acts[ReportLoss])) && denied.any(setOf(loss, lossMaybe, unloss, resume, lost, freeze, freezeWeak)):
		intent = Cancel // 用不着挂失，卡就在我手里
	case intent == ReportLoss && denied.has(unloss) && !said.any(acts[ReportLoss]):
		intent = Cancel // 先别解冻 卡还没影呢
	case intent == ReportLoss && lifted(tokens):
		intent = CancelLoss
	case intent == ReportLoss && said.has(notify) && !said.any(setOf(card, lost, loss)):
		intent = NotificationsOff // no more alerts, block it
	}
	second := intent
	if !instead(intent, clauses, said, denied) {
		second = heard.weigh(intent, said, denied, unknownWords(clauses) == 0)
	}
	both := (intent == ReportLoss || intent == CancelLoss) && query(second) && plain(intent, clauses, said) && plain(second, clauses, said) // 挂失，顺便看看余额
	if second != intent && !both {
		intent, at = second, -1
	}
	switch {
	case intent == NotificationsOff && denied.has(off) && !said.has(off):
		intent = Cancel // 提醒不用关
	case (intent == NotificationsOn || intent == NotificationsOff) && said.has(fee):
		intent = Help // 开提醒会收费不
	}
	if vouched := heard.vouches(intent); risky[intent] || said.has(who) || !vouched {
		intent = veto(intent, clauses, at, tokens, said, denied, vouched)
	}

	return named(intent, tokens)
}

// named is an intent with the amount or the month that was named for it.
func named(intent Intent, tokens []token) Result {
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
	left := -1 // the clause of a farewell
	for _, t := range tokens {
		for len(clauses) <= t.clause {
			clauses = append(clauses, clause{})
		}
		c := &clauses[t.clause]
		switch {
		case t.has(farewell) && left < 0:
			left = t.clause
			c.said = c.said.or(t.set)
		case t.unknown() && left >= 0 && left < t.clause: // 充100 不说了 跑实验去了
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
		corrects := c.said.has(correct)
		for _, r := range compiled {
			if r.fits(c.said, c.unknown) {
				rank := r.rank()
				if personal[r.intent] && c.said.has(product) && !c.said.has(card) {
					rank = 0 // about something else: 想买水，饭卡还有钱吗
				}
				if corrects && rank >= 2 {
					weight = -1 // 充值…算了先查余额
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
	case denied.has(notify) && denied.has(off):
		return Cancel // don't mute the alerts
	case denied.has(notify), denied.has(on) && said.has(notify):
		return NotificationsOff
	case denied.has(languageName) && !said.has(switchTo) && !denied.has(language):
		return ChangeLanguage // 别说英文
	case denied.any(setOf(topUp, topUpWeak, addMoney, moveMoney)) && said.has(correct) && said.has(amount):
		return TopUp // 不充100了，改成50
	case denied.any(setOf(month, bill)) && said.has(day):
		return TransactionsToday // 不要上个月的，看今天的
	case denied.any(wishes):
		return Cancel
	case said.has(neg) && said.within(setOf(neg, filler, greeting)) && !hasUnknown(tokens):
		return Cancel
	case said.has(notFound) && said.has(card) && denied == (set{}):
		return Help // it may be looked for
	}
	return None
}

// veto takes back a wish that is somebody else's, about something else, a question, a supposition or past. Some of that is
// told by words that are not known, or not seldom said beside a wish: there the voice may vouch for it.
func veto(intent Intent, clauses []clause, at int, tokens []token, said, denied set, vouched bool) Intent {
	if (intent == NotificationsOn || intent == NotificationsOff) && switchedOn(tokens) {
		return NotificationsOn
	}
	if intent == NotificationsOn && (said.has(off) || denied.any(setOf(notify, on))) {
		return NotificationsOff
	}
	if !personal[intent] {
		if said.has(product) && (rankOf(intent) < 2 || !said.any(setOf(card, spend, detail))) {
			return None
		}
		return intent
	}
	waived := vouched && plain(intent, clauses, said)
	if !waived {
		if second := aside(intent, clauses, at, tokens, said, vouched); second != intent {
			return second
		}
	}
	if second := strange(intent, clauses, at, tokens, said, denied, vouched, waived); second != intent {
		return second
	}
	asksMoney := intent == Balance || intent == Statement || intent == TransactionsToday
	switch {
	case intent == TopUp && (belowZero(tokens) || toppedUp(tokens)), risky[intent] && othersCard(tokens) && !ownCard(tokens):
		return Help
	case intent == TopUp && (said.has(notArrived) && !orderedAfter(tokens, notArrived) || said.all(setOf(topUpPast, where))):
		return Claim
	case intent == TopUp && (said.has(outward) || outwards(tokens) || discount(tokens) || said.all(setOf(where, amount)) && !said.has(claim)):
		return Help // withdraw 50 from my card, where is my 50 yuan top up
	case intent == TopUp && notEven(tokens):
		return Cancel
	case intent == TopUp && (sum(tokens) || whichAmount(tokens)), risky[intent] && !said.has(card) && strangeName(intent, tokens):
		return Help
	case intent == Claim && said.has(whatIs) && !said.has(requirement):
		return Help
	case intent == TopUp && said.any(questions) && said.all(setOf(claim, where)):
		return Claim
	case asksMoney && said.has(longNumber):
		return Help
	case risky[intent] && (strangeThing(tokens) || strangeCard(tokens) || strangeVerb(tokens) && (!vouched || said.any(backwards))):
		return Help
	case intent == CancelLoss && !said.any(setOf(unloss, resume, revoke)) && (said.has(ask) || asksWhether(tokens) || said.has(how) && !said.any(setOf(loss, lossPast, lossMaybe))):
		return Help // 卡找到了吗
	case intent == CancelLoss && said.has(yesterday) && !said.any(setOf(unloss, resume, revoke, loss, lossPast, lossMaybe)):
		return Help // 前天就把卡找回来了
	case intent == ReportLoss && said.has(human) && !said.any(setOf(lost, forMe)) && !vouched:
		return Human // 挂失电话是多少
	case risky[intent] && intent != TopUp && alternative(tokens), intent == ReportLoss && said.all(setOf(loss, where)) && !said.has(lost):
		return Help
	case risky[intent] && said.all(setOf(password, how)), intent == Unbind && said.has(yesterday) && !bidden(tokens, said):
		return Help
	case risky[intent] && postponed(tokens), intent == ReportLoss && said.all(setOf(pickedUp, aCard)):
		return Help
	case intent == ReportLoss && said.has(reissue) && said.any(setOf(howMuch, fee, where, howLong)):
		return Help
	case intent == TopUp && !said.any(setOf(topUp, topUpWeak, card, money, lowMoney)) && amountOf(tokens) == nil:
		return None // add 50 to 60
	case intent == TopUp && !said.any(setOf(amount, card)) && slices.ContainsFunc(clauses, func(c clause) bool { return c.said.has(count) && c.said.any(acts[TopUp]) }):
		return Help // 充到80%
	case intent == ReportLoss && at < 0 && slices.ContainsFunc(clauses, func(c clause) bool { return c.said.has(card) && c.denied.has(lost) }):
		return Help // 论文丢了 就卡没丢
	}
	return intent
}

// plain reports a clause that wishes an action, and says nothing of others, of when and whether, and nothing that is not known:
// 学长说这里能充饭卡？那我充五十.
func plain(intent Intent, clauses []clause, said set) bool {
	doubtful := questions.or(setOf(who, product, neg, decline, ask, later, past, done, longAgo, yesterday))
	if said.any(asking.or(setOf(third, whoever, ifWord, longNumber))) {
		return false
	}
	return slices.ContainsFunc(clauses, func(c clause) bool {
		return c.unknown == 0 && c.denied == (set{}) && c.said.any(acts[intent]) && !c.said.any(doubtful)
	})
}

// instead reports that an action is plainly wished in place of another that is denied: 不解绑 我是要充40.
func instead(intent Intent, clauses []clause, said, denied set) bool {
	return risky[intent] && unknownWords(clauses) == 0 && denied.any(wishes) && !denied.any(acts[intent]) && plain(intent, clauses, said)
}

// acts are the words for each action, and for what is looked up.
var acts = map[Intent]set{
	TopUp:      setOf(topUp, topUpWeak, addMoney, moveMoney),
	ReportLoss: setOf(loss, lossMaybe, freeze, freezeWeak, halt),
	CancelLoss: setOf(unloss, resume, freezeWeak),
	Bind:       setOf(bind),
	Unbind:     setOf(unbind),

	Balance:           setOf(balance, left),
	Statement:         setOf(bill, month),
	TransactionsToday: setOf(detail, spend, day),
}

// aside takes back a wish, as [veto] does, that is another's or a question.
func aside(intent Intent, clauses []clause, at int, tokens []token, said set, vouched bool) Intent {
	asksMoney := intent == Balance || intent == Statement || intent == TransactionsToday
	switch {
	case risky[intent] && (inPassing(intent, clauses, at, tokens, said) || lossOfOther(tokens)):
		return Help
	case said.has(who) && !(vouched && (intent == Pending || intent == Claim)) && (!ownCard(tokens) || said.has(ask) || intent == TopUp && othersHelp(tokens)) && othersMatter(tokens, clauses, at), asksMoney && othersAccount(tokens):
		return Help
	case risky[intent] && othersWish(tokens), intent == ReportLoss && othersLoss(tokens), intent == TopUp && pastTopUp(tokens):
		return Help
	case risky[intent] && said.any(questions) && !plainLoss(intent, clauses, at, said), risky[intent] && said.has(longNumber):
		return Help
	case risky[intent] && said.has(done) && !said.any(setOf(found, lost, amount)) && !bidden(tokens, said), intent == CancelLoss && undone(tokens):
		return Help
	case risky[intent] && said.has(ask) && !asked(tokens) && !said.any(setOf(lost, found)):
		return Help
	}
	return intent
}

// strange takes back a wish, as [veto] does, for what is named beside it, or because it is not known.
func strange(intent Intent, clauses []clause, at int, tokens []token, said, denied set, vouched, waived bool) Intent {
	here := said
	if at >= 0 && !risky[intent] {
		here = clauses[at].said
	}
	asksMoney := intent == Balance || intent == Statement || intent == TransactionsToday
	switch {
	case (!waived || intent == ReportLoss || intent == CancelLoss) && here.has(product) && !here.has(card), (asksMoney || risky[intent] && intent != TopUp) && here.has(wallet) && !here.has(card):
		return None
	case asksMoney && here.any(setOf(trouble, refund, fee)), intent == Balance && here.has(limit):
		return Help
	case !waived && risky[intent] && !said.any(setOf(card, lost, found)) && unknownWords(clauses) > map[bool]int{false: 0, true: 1}[intent == TopUp]:
		return Help // 挂失我的初恋
	case intent == TopUp && !said.any(setOf(topUp, card, money)) && strangeCount(tokens):
		return Help
	case vouched && said.has(card): // 刚在地铁上把卡挤丢了: what happened to it may be said in any words
	case intent == ReportLoss && strangeLoss(tokens):
		return Help
	case intent == ReportLoss && said.has(found) && (!said.has(loss) || foundSince(tokens)):
		return Help
	case intent == ReportLoss && (moneyLost(tokens) || notTheCard(tokens) || !said.any(setOf(loss, freeze)) && otherLost(tokens, clauses)):
		return Help
	}
	return intent
}

// bidden reports that something is told to be done, and not just with courtesy: 帮我解挂了吧, 可以解冻了, and not 已经解挂了 pls.
func bidden(tokens []token, said set) bool {
	bids := slices.ContainsFunc(tokens, func(t token) bool { return t.has(imperative) && !t.has(polite) })
	return bids || said.has(polite) && !said.any(setOf(ask, past, imperative))
}

// foundSince reports that a card turns up after a loss report was asked for, and not before it: 挂失 哦不用了找到了.
func foundSince(tokens []token) bool {
	at := slices.IndexFunc(tokens, func(t token) bool { return t.has(loss) })
	return at >= 0 && slices.ContainsFunc(tokens[at:], func(t token) bool { return t.has(found) && !t.negated })
}

// switchedOn reports that one clause says that there are no notifications, and a later one to turn them on: 怎么不提醒我了 开.
func switchedOn(tokens []token) bool {
	silent := -1
	for _, t := range tokens {
		switch {
		case t.negated && t.has(notify), t.has(off) && !t.negated:
			silent = t.clause
		case t.has(on) && !t.negated && silent >= 0 && t.clause > silent:
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

func hasUnknown(tokens []token) bool { return slices.ContainsFunc(tokens, token.unknown) }
