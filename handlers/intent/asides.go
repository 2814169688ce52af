package intent

import (
	"slices"
	"strings"
)

// inPassing reports that an action is talked about and not asked for: whether or when it can be done, who did it, that it was
// done or happened long ago, or that a card lies at home.
func inPassing(intent Intent, clauses []clause, at int, tokens []token, said set) bool {
	here := said
	if at >= 0 {
		here = clauses[at].said
	}
	onCard := intent == ReportLoss || intent == CancelLoss || intent == Unbind
	bids := said.has(forMe) || said.has(loss) && !here.has(loss)
	switch {
	case said.has(command), whoDid(tokens):
		return true
	case intent == ReportLoss && said.has(how) && said.any(setOf(lossMaybe, freezeWeak)) && !said.any(setOf(loss, lost, freeze, forMe)):
		return true // 怎么停用了, 卡锁了怎么办
	case intent == TopUp && asksWhether(tokens):
		return true // did the top up go through
	case onCard && said.any(setOf(circumstance, general)) && said.any(setOf(ask, polite, opens)) && !said.any(setOf(lost, forMe, found)):
		return true // 晚上可以挂失吗, can i undo a loss report
	case onCard && said.has(general) && here.any(setOf(opens, where)):
		return true // are lost cards ever found
	case onCard && asksWhether(tokens) && (!here.any(setOf(lost, found)) || said.has(general)):
		return true // is my card frozen
	case onCard && (here.has(longAgo) || inYear(tokens)) && !bids:
		return true // 去年卡丢了
	case intent == ReportLoss && !bids && lostInMonth(tokens):
		return true // last month i lost my card
	case intent == ReportLoss && here.all(setOf(lost, ask)) && !said.any(setOf(loss, lossMaybe, freeze, freezeWeak, forMe)):
		return true // 卡丢了能用手机刷吗
	case intent == ReportLoss && leftAtHome(tokens) && !said.any(setOf(loss, freeze, freezeWeak)):
		return true
	}
	return false
}

// asksWhether reports a question by its first word, past any greeting.
func asksWhether(tokens []token) bool {
	for _, t := range tokens {
		if t.has(opens) || !t.set.within(setOf(filler, greeting)) || !t.han && !t.has(greeting) {
			return t.has(opens)
		}
	}
	return false
}

// inYear reports a year of this century, which is read as an amount: stolen in 2023.
func inYear(tokens []token) bool {
	return slices.ContainsFunc(tokens, func(t token) bool {
		return t.has(amount) && !t.explicit && t.fen >= 2000_00 && t.fen < 2100_00
	})
}

// lostInMonth reports that a month is named in which a card was lost.
func lostInMonth(tokens []token) bool {
	at := slices.IndexFunc(tokens, func(t token) bool { return t.has(month) })
	return at >= 0 && slices.ContainsFunc(tokens, func(t token) bool { return t.has(lost) && t.clause == tokens[at].clause })
}

// whoDid reports that it is asked who did what the app can do: 谁把我的卡挂失了, 谁充值啊.
func whoDid(tokens []token) bool {
	acts := setOf(topUp, topUpWeak, topUpPast, loss, lossPast, lossMaybe, freeze, freezeWeak, unloss, bind, unbind)
	for i, t := range tokens {
		if !t.has(whoever) {
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.clause != t.clause || u.set.any(setOf(lost, pickedUp)) {
				break
			}
			if u.set.any(acts) {
				return true
			}
		}
	}
	return false
}

// leftAtHome reports a card that was left where nobody else takes it: 卡忘在宿舍了, left my card at home.
func leftAtHome(tokens []token) bool {
	for i, t := range tokens {
		if t.has(atHome) && (!t.han || t.end-t.start > 2 && !t.has(product) || i > 0 && tokens[i-1].set.any(setOf(lost, dropped)) && tokens[i-1].end == t.start) {
			return true
		}
	}
	return false
}

// lossOfOther reports that something that is no card is lost: report loss of data.
func lossOfOther(tokens []token) bool {
	for i := 1; i+1 < len(tokens); i++ {
		if t := tokens[i]; t.has(whose) && !t.han && tokens[i-1].has(loss) && tokens[i+1].clause == t.clause {
			return !slices.ContainsFunc(tokens[i+1:], func(t token) bool { return t.has(card) })
		}
	}
	return false
}

// strangeThing reports a Latin word not known right before a Chinese word for an action: apple id 充值.
func strangeThing(tokens []token) bool {
	acts := setOf(topUp, topUpWeak, loss, freeze)
	for i := 1; i < len(tokens); i++ {
		if t := tokens[i]; t.han && t.set.any(acts) {
			j := i - 1
			for j > 0 && !tokens[j].han && tokens[j].set.within(setOf(filler, idLabel)) && !tokens[j].unknown() {
				j--
			}
			if u := tokens[j]; u.unknown() && !u.han && u.clause == t.clause {
				return true
			}
		}
	}
	return false
}

// calledOff reports that the text itself takes an action back.
func calledOff(intent Intent, tokens []token, said set) bool {
	switch {
	case intent == TopUp && (revokedTopUp(tokens) || thoughtBetter(tokens) || doneBefore(tokens)):
		return true
	case intent == TopUp && tokens[len(tokens)-1].has(cancel) && !tokens[len(tokens)-1].han && !said.has(product):
		return true // chong 50 suanle, and not add 20 to my bus pass
	case intent != Unbind && disowned(tokens), retracted(intent, tokens):
		return true
	case said.has(lost):
		return false
	}
	return stopped(tokens) || intent != CancelLoss && !said.has(found) && withdrawn(tokens)
}

// retracted reports a "no" that is a clause by itself after an action, which is not named again: unblock it? no, still missing.
func retracted(intent Intent, tokens []token) bool {
	refused := false
	for i, t := range tokens {
		switch {
		case t.set.any(acts[intent].or(setOf(amount))) && !t.negated:
			refused = false
		case t.has(neg) && alone(tokens, i):
			refused = slices.ContainsFunc(tokens[:i], func(u token) bool { return u.set.any(acts[intent]) })
		}
	}
	return refused
}

// undone reports that a loss report is told to be undone already: 已经找回来也解挂了.
func undone(tokens []token) bool {
	before := -1 // the clause in which it says 已经
	for _, t := range tokens {
		switch {
		case t.has(imperative):
			return false
		case t.set.all(setOf(unloss, done)):
			return before == t.clause
		case t.has(done):
			before = t.clause
		}
	}
	return false
}

// disowned reports that a text ends by saying that it is not the speaker's card: 解挂。等下 不是我的卡.
func disowned(tokens []token) bool {
	last := len(tokens) - 1
	return last >= 2 && tokens[last].has(card) && tokens[last-1].has(mine) && tokens[last-2].has(neg) && tokens[last-2].clause == tokens[last].clause
}

// reminded reports that what is asked for is to be reminded of an action: 记得提醒我充50, remind me to freeze my card.
func reminded(tokens []token) bool {
	acts := setOf(topUp, topUpWeak, addMoney, moveMoney, loss, lossMaybe, freeze, freezeWeak, unloss, resume, bind, unbind)
	for i, t := range tokens {
		if !t.has(notify) {
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.clause != t.clause || u.unknown() {
				break
			}
			if u.set.any(acts) {
				return true
			}
			if !u.set.any(setOf(filler, mine, later, day, forMe, imperative, wants)) {
				break
			}
		}
	}
	return false
}

// stopped reports that a top-up is to stop: stop topping up my card, hold off on the top up.
func stopped(tokens []token) bool {
	for i, t := range tokens {
		if t.han || !t.has(revoke) && !t.has(halt) {
			continue
		}
		for _, u := range tokens[i+1:] {
			if u.clause != t.clause || u.has(correct) || u.has(amount) {
				break
			}
			if u.set.any(setOf(topUp, topUpWeak, topUpPast)) || u.has(loss) && !t.has(revoke) {
				return true
			}
		}
	}
	return false
}

// alternative reports that it is asked which of two is to be done: 挂失是打电话还是在这里弄.
func alternative(tokens []token) bool {
	acts := setOf(loss, lossMaybe, freeze, freezeWeak, unloss, resume, bind, unbind)
	for i, t := range tokens {
		if !t.has(or) || !t.has(correct) || i == 0 || tokens[i-1].clause != t.clause {
			continue
		}
		act := func(u token) bool { return u.clause == t.clause && u.set.any(acts) }
		if slices.ContainsFunc(tokens[:i], act) && !slices.ContainsFunc(tokens[i+1:], act) {
			return true
		}
	}
	return false
}

// withdrawn reports that the last clause that says anything takes back what was said before: 充50。取消, 充50 等等 先别.
func withdrawn(tokens []token) bool {
	for end := len(tokens); end > 0; {
		start := end - 1
		for start > 0 && tokens[start-1].clause == tokens[start].clause {
			start--
		}
		last := tokens[start:end]
		switch {
		case takesBack(last):
			return start > 0
		case slices.ContainsFunc(last, func(t token) bool { return !t.set.within(setOf(filler, greeting, imperative, polite)) || t.unknown() }):
			return false
		}
		end = start
	}
	return false
}

// takesBack reports a clause that says nothing but that what was said is not meant.
func takesBack(clause []token) bool {
	light := setOf(filler, greeting, imperative, polite, forMe, mine, correct, nextWish)
	var said set
	fillers := false
	for _, t := range clause {
		switch {
		case t.unknown():
			return false
		case t.has(filler) && !t.has(correct):
			fillers = true
		default:
			said = said.or(t.set)
		}
	}
	if said.any(setOf(cancel, decline)) {
		return said.within(light.or(setOf(cancel, revoke, decline, halt, off, neg, wants, later)))
	}
	return said.has(neg) && said.within(setOf(filler, neg, wants, greeting, imperative, polite, correct, or)) && (clause[0].han || !fillers)
}

// markOwnNumber takes the speaker's own student number, named with its label, for courtesy: 挂失 学号2025533001. Another's
// stands after 给 or 帮.
func markOwnNumber(tokens []token) {
	own := false
	if hasUnknown(tokens) {
		return // perhaps a name
	}
	for i, t := range tokens {
		own = own || t.set.any(wishes.or(setOf(lost, mine, card)))
		if !t.has(idLabel) || !own || i > 0 && tokens[i-1].clause == t.clause && !tokens[i-1].set.any(setOf(mine, amount)) {
			continue
		}
		j := i + 1
		for j < len(tokens) && tokens[j].set == setOf(filler) {
			j++
		}
		if j == len(tokens) || !tokens[j].has(longNumber) || j+1 < len(tokens) && tokens[j+1].clause == t.clause {
			continue
		}
		tokens[i].set, tokens[j].set = setOf(filler), setOf(filler)
	}
}

// roles begin the lines of a transcript, and what is to be said or written.
var roles = []string{"user", "assistant", "system", "bot", "human", "ai", "developer", "tool", "用户", "助手", "系统", "机器人", "客服", "管理员", "a", "b", "q", "甲", "乙", "重复", "复述", "朗读", "标题", "题目", "主题", "状态", "按钮", "菜单", "instruction", "指令", "跟我说", "prompt", "output"}

// scripted reports that a text is part of a program, a form or a transcript, which nobody types as a wish: topup(500),
// amount=500, assistant: done.
func scripted(text string) bool {
	if strings.ContainsAny(text, "{}<>\\`") {
		return true
	}
	text = strings.ToLower(strings.TrimSpace(text))
	letters := func(i int) bool {
		return i >= 0 && i+1 < len(text) && isASCIILetter(rune(text[i])) && isASCIILetter(rune(text[i+1]))
	}
	for i, r := range text {
		switch r {
		case '/':
			if strings.HasPrefix(text[i:], "//") {
				return true
			}
		case '(':
			if letters(i-2) || isDigit(rune((text + " ")[i+1])) {
				return true
			}
		case '_', '=':
			if letters(i-2) && (letters(i+1) || isDigit(rune((text + " ")[i+1]))) {
				return true
			}
		case ':', '：':
			if endsInRole(strings.TrimRight(text[:i], " ")) {
				return true
			}
		}
	}
	return false
}

func endsInRole(line string) bool {
	return slices.ContainsFunc(roles, func(role string) bool {
		before, found := strings.CutSuffix(line, role)
		return found && (before == "" || role[0] > 'z' || !isASCIILetter(rune(before[len(before)-1])))
	})
}
