package intent

// rule says which concepts in one clause, none of them negated, make an intent.
type rule struct {
	intent Intent
	all    []concept
	one    []concept // at least one of these, if any are named
	none   []concept // and none of these
	// unknown is how many words of the clause may be not understood.
	unknown int
	// across: the concepts may stand in different clauses.
	across bool
	// weak: gives way to any wish in another clause.
	weak bool
}

const anyUnknown = 99

// rules are tried in this order on each clause; the first that fits gives the clause its intent.
var rules = []rule{
	{intent: CancelLoss, all: []concept{unloss}, none: []concept{notify}, unknown: anyUnknown},
	{intent: CancelLoss, one: []concept{loss, lossPast, lossMaybe, freeze}, all: []concept{revoke}, unknown: anyUnknown},
	{intent: CancelLoss, one: []concept{loss, lossPast, lossMaybe}, all: []concept{resume}, none: []concept{ask, notify}, unknown: anyUnknown, across: true},
	{intent: CancelLoss, all: []concept{resume, card}, none: []concept{bind, linked, lossPast, notify}, unknown: 2, across: true},
	{intent: CancelLoss, one: []concept{lossPast, lossMaybe}, all: []concept{revoke}, none: []concept{ask, notify, topUp, topUpWeak}, unknown: 2, across: true},
	{intent: CancelLoss, all: []concept{found, card}, none: []concept{aCard, pickedUp, notFound, money}, unknown: anyUnknown},

	{intent: Help, all: []concept{pickedUp}, none: []concept{loss}, unknown: anyUnknown},
	{intent: ReportLoss, all: []concept{loss}, none: []concept{lossPast, past, done, howMuch, detail}, unknown: anyUnknown},
	{intent: ReportLoss, all: []concept{lossMaybe, imperative}, none: []concept{lossPast, past, done, day}, unknown: anyUnknown},
	{intent: Help, one: []concept{loss, lossPast, lossMaybe}, none: []concept{notify}, unknown: anyUnknown},
	{intent: Help, all: []concept{moneyGone}, unknown: anyUnknown},
	{intent: ReportLoss, all: []concept{card, lost}, none: []concept{aCard, lossPast}, unknown: anyUnknown, across: true},
	{intent: ReportLoss, all: []concept{freeze, card}, none: []concept{detail}, unknown: anyUnknown},
	{intent: ReportLoss, all: []concept{freeze}, none: []concept{detail}, unknown: 0},
	{intent: ReportLoss, all: []concept{freezeWeak, card}, none: []concept{notify, linked}, unknown: 3, across: true},

	{intent: NotificationsOff, all: []concept{notify, off}, none: []concept{verify}, unknown: anyUnknown, across: true},
	{intent: NotificationsOn, all: []concept{notify, on}, none: []concept{who, verify}, unknown: 2, across: true},
	{intent: NotificationsOn, all: []concept{notify, imperative}, none: []concept{who, verify}, unknown: 0},
	{intent: NotificationsOn, all: []concept{notify, balance, amount}, none: []concept{who, verify, off}, unknown: 1},
	{intent: NotificationsOn, all: []concept{notify, spend}, none: []concept{detail, bill}, unknown: 1},

	{intent: Unbind, all: []concept{unbind}, unknown: 2},
	{intent: Unbind, one: []concept{bind, linked}, all: []concept{revoke}, unknown: 1},
	{intent: Unbind, all: []concept{linked, off}, none: []concept{notify}, unknown: 0},
	{intent: Unbind, all: []concept{bind}, one: []concept{cancel, resume}, unknown: 1},

	{intent: Pending, all: []concept{waiting}, none: []concept{where, how, machine}, unknown: 2},
	{intent: Pending, all: []concept{claim, howMuch}, none: []concept{where, how, machine}, unknown: 1},
	{intent: Verify, all: []concept{notArrived}, one: []concept{verify, codeWord}, unknown: 1, across: true},
	{intent: Claim, all: []concept{notArrived}, none: []concept{imperative}, one: []concept{topUp, topUpWeak, topUpPast, transfer, money, card, spend, amount, waiting}, unknown: 3, across: true},
	{intent: Claim, all: []concept{notArrived}, none: []concept{imperative}, unknown: 0},
	{intent: Help, all: []concept{topUpPast, refund}, unknown: anyUnknown},
	{intent: Statement, all: []concept{month, topUpPast, howMuch}, unknown: 2},
	{intent: Claim, all: []concept{topUpPast}, none: []concept{stillCan, ifWord}, unknown: anyUnknown, weak: true},
	{intent: Claim, all: []concept{topUp, lost}, none: []concept{card}, unknown: 1},
	{intent: Cancel, all: []concept{cancel, topUp}, none: []concept{amount}, unknown: 0},
	{intent: TopUp, all: []concept{topUp, amount}, none: []concept{bill, detail}, unknown: anyUnknown},
	{intent: TopUp, all: []concept{topUpWeak, amount}, none: []concept{bill, detail}, unknown: 1, across: true},
	{intent: TopUp, all: []concept{addMoney, amount}, none: []concept{bill, detail, aCard}, unknown: 0},
	{intent: Claim, all: []concept{moveMoney, amount, where}, none: []concept{human}, unknown: 1},
	{intent: TopUp, all: []concept{moveMoney, amount, card}, none: []concept{bill, detail, aCard}, unknown: 1},
	{intent: Claim, one: []concept{claim, waiting}, unknown: 1},
	{intent: Claim, all: []concept{machine}, one: []concept{where, how, transfer, topUp, topUpWeak}, unknown: 1},
	{intent: Claim, all: []concept{transfer, where}, unknown: 1},
	{intent: Claim, all: []concept{money, where}, none: []concept{spend, topUp, topUpWeak, lost}, unknown: 0},

	{intent: Help, all: []concept{password}, unknown: anyUnknown},
	{intent: Help, all: []concept{reissue}, none: []concept{bind}, unknown: anyUnknown},
	{intent: Verify, all: []concept{verify}, none: []concept{topUp, topUpWeak, loss, unloss, off}, unknown: 1},
	{intent: Verify, all: []concept{codeWord}, one: []concept{imperative, moveMoney, notArrived, forMe}, unknown: 1},
	{intent: Bind, all: []concept{bind, card}, unknown: 2},
	{intent: Bind, all: []concept{bind}, none: []concept{human}, unknown: 0},

	{intent: Help, all: []concept{spend, limit}, none: []concept{month, bill, detail, meal}, unknown: 2},
	{intent: Statement, all: []concept{bill}, unknown: 4},
	{intent: Statement, all: []concept{month}, one: []concept{spend, detail, howMuch, topUpPast}, unknown: 4},
	{intent: Statement, all: []concept{month}, none: []concept{amount}, unknown: 0},
	{intent: TransactionsToday, all: []concept{detail}, none: []concept{stillCan}, unknown: 2},
	{intent: TransactionsToday, all: []concept{day}, one: []concept{spend}, none: []concept{topUp, topUpWeak, verify, bind, amount}, unknown: 2},
	{intent: TransactionsToday, all: []concept{day, spend, amount}, none: []concept{topUp, topUpWeak, verify, bind}, unknown: 2, weak: true},
	{intent: Balance, all: []concept{left, howMuch}, none: []concept{count}, unknown: 1},
	{intent: TransactionsToday, all: []concept{meal, spend}, none: []concept{amount, topUp, topUpWeak, notify}, unknown: 0},
	{intent: TransactionsToday, all: []concept{meal, howMuch}, one: []concept{day, spend, mine}, unknown: 1},
	{intent: TransactionsToday, all: []concept{day, meal}, none: []concept{whatIs, help}, one: []concept{howMuch, detail}, unknown: 1},

	{intent: Balance, all: []concept{balance, amount}, unknown: 1, weak: true},
	{intent: Balance, all: []concept{balance}, unknown: 4},
	{intent: Balance, all: []concept{left}, one: []concept{money, card}, none: []concept{amount}, unknown: 1, across: true},
	{intent: Balance, all: []concept{left, amount}, one: []concept{money, card}, unknown: 1, weak: true},
	{intent: Balance, all: []concept{enough}, none: []concept{topUpWeak, topUp, amount}, unknown: 0, weak: true},
	{intent: Balance, all: []concept{card, howMuch}, none: []concept{aCard, reissue}, unknown: 1},
	{intent: Balance, all: []concept{card, money}, none: []concept{lowMoney, topUp, topUpWeak, addMoney, moveMoney, lost}, unknown: 1, weak: true},
	{intent: TransactionsToday, all: []concept{spend, howMuch}, none: []concept{topUp, loss, notify}, unknown: 0},
	{intent: Statement, all: []concept{spend}, none: []concept{amount, topUp, loss, notify, pay}, unknown: 0, weak: true},

	{intent: Help, all: []concept{topUp, howMuch}, unknown: anyUnknown},
	{intent: Help, all: []concept{topUpWeak, how}, unknown: 0},
	{intent: TopUp, all: []concept{topUp}, unknown: 3},
	{intent: TopUp, all: []concept{topUpWeak}, one: []concept{card, money}, unknown: 0},
	{intent: TopUp, all: []concept{addMoney, money}, none: []concept{how, howMuch}, unknown: 0},
	{intent: Balance, all: []concept{lowMoney, ask}, unknown: 1},
	{intent: TopUp, all: []concept{lowMoney}, unknown: 1},

	{intent: ChangeLanguage, all: []concept{language}, unknown: 0},
	{intent: ChangeLanguage, all: []concept{languageName}, none: []concept{meal, spend, card, who}, unknown: 0},
	{intent: Human, all: []concept{human}, unknown: 2},
	{intent: Help, all: []concept{help}, none: []concept{meal, day}, unknown: 1},
	{intent: Cancel, all: []concept{cancel}, none: []concept{meal, day, count, stillCan, loss}, unknown: 0},
}

// compiled are the rules with their concepts as sets.
var compiled = func() []compiledRule {
	out := make([]compiledRule, len(rules))
	for i, r := range rules {
		out[i] = compiledRule{r.intent, setOf(r.all...), setOf(r.one...), setOf(r.none...), r.unknown, r.across, r.weak}
	}
	return out
}()

type compiledRule struct {
	intent         Intent
	all, one, none set
	unknown        int
	across, weak   bool
}

func (r compiledRule) fits(said set, unknown int) bool {
	return unknown <= r.unknown && said.all(r.all) && !said.any(r.none) && (r.one == set{} || said.any(r.one))
}

// rank orders intents of different clauses: an urgent wish before any other, small talk after. Within a rank the first said
// counts.
var rank = map[Intent]int{
	ReportLoss: 3, CancelLoss: 3,
	Help: 1, Human: 1, ChangeLanguage: 1, Cancel: 0, None: -1,
}

func (r compiledRule) rank() int {
	if r.weak {
		return 1
	}
	return rankOf(r.intent)
}

func rankOf(i Intent) int {
	if r, ok := rank[i]; ok {
		return r
	}
	return 2
}

// personal intents concern the speaker's own card; risky ones change it or move money.
var (
	personal = map[Intent]bool{Balance: true, TopUp: true, Statement: true, TransactionsToday: true, ReportLoss: true, CancelLoss: true,
		Claim: true, Pending: true, Verify: true, Bind: true, Unbind: true}
	risky = map[Intent]bool{TopUp: true, ReportLoss: true, CancelLoss: true, Bind: true, Unbind: true}
)

// asking are those of [questions] that are never why something is wished, as in 停卡 怕被刷, i bound the wrong card, unbind it.
var asking = setOf(ifWord, why, fee, howLong, limit, promo, stillCan, whatIs, requirement, refund)

// questions turn a risky wish into a question about it.
var questions = setOf(ifWord, worry, why, fee, howLong, limit, promo, stillCan, whatIs, requirement, trouble, refund)
