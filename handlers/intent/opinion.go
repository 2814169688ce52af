package intent

import (
	"math"
	"slices"
)

// opinion is how much the voice finds to speak for each of [heard].
type opinion [len(heard)]int32

// best is what most speaks for, and how much more than for any other.
func (o *opinion) best() (intent Intent, margin int32) {
	first, second := 0, int32(math.MinInt32)
	for i := 1; i < len(o); i++ {
		if o[i] > o[first] {
			first, second = i, o[first]
		} else {
			second = max(second, o[i])
		}
	}
	return heard[first], o[first] - second
}

// beside is what speaks most for, next to one intent, if at least half as much does; else None.
func (o *opinion) beside(one Intent) Intent {
	best, second := int32(0), None
	for i, intent := range heard {
		switch intent {
		case one, None, Help, Cancel: // nothing to offer beside it
		default:
			if o[i] > best {
				best, second = o[i], intent
			}
		}
	}
	if of := o[slices.Index(heard[:], one)]; of <= 0 || 2*best < of {
		return None
	}
	return second
}

// wishes are the two that most speaks for, of what the app can do.
func (o *opinion) wishes() (best [2]Intent) {
	var most [2]int32
	for i, intent := range heard {
		switch {
		case intent == None || intent == Help || intent == Cancel:
		case best[0] == "" || o[i] > most[0]:
			best, most = [2]Intent{intent, best[0]}, [2]int32{o[i], most[0]}
		case best[1] == "" || o[i] > most[1]:
			best[1], most[1] = intent, o[i]
		}
	}
	return best
}

// over is how much more speaks for one intent than for another.
func (o *opinion) over(one, other Intent) int32 {
	return o[slices.Index(heard[:], one)] - o[slices.Index(heard[:], other)]
}

// How much more must speak for what the voice hears than for anything else, or than for what the rules read. Training aims at
// 160. The numbers were chosen by measuring fifths of fourteen thousand texts that the rules had not seen, with a voice trained
// of the rest; the half or the double of most changes little.
const (
	toKnow   = 40  // where the rules read nothing
	toDiffer = 130 // against a query
	toAgree  = 80  // for an action that the rules read, too
	toAct    = 160 // for an action, where the rules read nothing
	toTurn   = 150 // for an action, against something else
	toVouch  = 250 // for a wish in words that the rules find strange
	toInsist = 300 // for an action where the rules read nothing, not even what it would be done to
)

// vouches reports that the voice has no doubt of an intent.
func (o *opinion) vouches(intent Intent) bool {
	voice, margin := o.best()
	return voice == intent && margin >= toVouch
}

// weigh chooses between the intent that the rules read and the one that the voice hears: whole tells whether the rules know
// every word. Where they differ over an action, it is asked for. What is denied is never wished, whatever the voice hears.
func (o *opinion) weigh(rules Intent, said, denied set, whole bool) Intent {
	voice, _ := o.best()
	switch {
	case *o == (opinion{}):
		return rules // nothing to hear
	case risky[voice]:
		return o.act(rules, said, denied, whole)
	case risky[rules] && whole && o.over(voice, rules) < toDiffer:
		return rules
	case risky[rules] && voice == None:
		return Help // it is about what the app can do
	case risky[rules]:
		return voice
	case whole && said.or(denied).within(setOf(filler, imperative, polite, greeting)) && voice != Help:
		return rules // again, that one, 麻烦你了
	case (rules == None || rules == Cancel) && denied.any(negatable) && !slices.Contains(refusals, voice) && !(query(voice) && denied.within(setOf(human, robot, help))):
		return rules
	}
	need := int32(toDiffer)
	if rules == None {
		need = toKnow
	}
	if o.over(voice, rules) < need {
		return rules
	}
	return voice
}

// act is [opinion.weigh] where the voice hears an action.
func (o *opinion) act(rules Intent, said, denied set, whole bool) Intent {
	voice, margin := o.best()
	back := takingBack
	if voice == Unbind {
		back.drop(revoke) // take my card off here
	}
	may := mayAct(voice, margin, said) && !denied.any(wishes) && !said.any(back)
	switch {
	case voice == rules && (whole || margin >= toAgree):
		return rules
	case whole && (voice == TopUp) != (rules == TopUp) && said.any(acts[voice]) && said.any(acts[rules]):
		return rules // 解挂顺便充50
	case risky[rules] && (voice == rules || !may || margin < toTurn):
		return Help
	case (rules == None && margin >= toInsist || query(rules) && margin >= 2*toInsist) && denied == (set{}) && insists(voice, said, back):
		return voice
	case !may, margin < toTurn, rules == None && margin < toAct:
		return rules
	}
	return voice
}

// insists reports that nothing said may speak against an action of which the voice has hardly a doubt: a top-up must be of
// something, and only what is done with a card may be worded as taking back is.
func insists(voice Intent, said, back set) bool {
	switch {
	case said.any(backwards.or(questions)):
		return false
	case voice == TopUp:
		return (said.any(acts[TopUp]) || said.any(setOf(card, money)) && !said.any(setOf(opens, howMuch, general))) && !said.any(back)
	}
	return said.has(card) || !said.any(back)
}

// query reports an intent that only looks something up.
func query(i Intent) bool { return personal[i] && !risky[i] }

// takingBack are words that may concern a wish in words not known, so that no rule could see it denied, put off or another's.
var takingBack = setOf(neg, decline, cancel, revoke, halt, off, later, past, yesterday, longAgo, ifWord, who, third)

// backwards are those of them that are no part of any wish, as 停, take off and 撤 are.
var backwards = setOf(neg, decline, later, past, yesterday, longAgo, ifWord, who, third, wants)

// refusals are what may be meant by a wish that is denied.
var refusals = []Intent{None, Cancel, Help, Human, NotificationsOff}

// mayAct reports that a text names what an action that the voice hears would be done to, or with.
func mayAct(intent Intent, margin int32, said set) bool {
	switch intent {
	case TopUp:
		return said.has(topUp) || said.all(setOf(topUpWeak, amount)) || !said.has(topUpPast) &&
			(said.any(setOf(topUpWeak, moveMoney)) && said.any(setOf(card, money)) || said.all(setOf(addMoney, money)) ||
				said.has(amount) && said.any(setOf(card, money)) && !said.any(setOf(left, detail, opens, howMuch, general)))
	case ReportLoss:
		return said.any(setOf(loss, lossMaybe, freeze)) || said.has(card) && said.any(setOf(lost, freezeWeak))
	case CancelLoss:
		return said.any(setOf(loss, lossMaybe, lossPast, freeze, unloss)) || said.all(setOf(freezeWeak, found)) || said.has(card) && said.any(setOf(found, freezeWeak, resume))
	}
	if intent == Unbind && said.any(setOf(bind, linked)) && !said.any(setOf(unbind, revoke, off)) && !said.all(setOf(bind, linked)) {
		return margin >= 2*toVouch // 绑错了 解开, and not: do the binding, keep my card linked
	}
	return said.any(setOf(bind, linked, unbind)) || said.has(card) && margin >= toVouch
}
