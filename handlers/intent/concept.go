package intent

import (
	"iter"
	"math/bits"
)

// concept is what a word means to the rules.
type concept uint8

const (
	filler concept = iota // said for politeness or grammar; known, and of no weight

	// How the rest is meant.
	neg        // not
	decline    // after a wish: not that
	or         // carries a negation on to the next word
	correct    // what follows replaces what was said
	imperative // somebody is asked to do something
	past       // it happened then
	wants      // somebody wishes
	later      // not now: tomorrow, next month
	done       // it has been done
	ask        // a question
	refund
	outward // money leaves the card
	forMe
	polite // before a wish, not after it
	tag    // 行吗, okay?
	ifWord
	worry        // that something may happen
	circumstance // when or from where something can be done
	opens        // begins a question whether or what, not a request
	general      // any lost card, not this one
	whoever      // asks who did it
	longAgo
	yesterday
	thisTime // sets what follows off from what was
	nextWish // begins a further wish
	farewell // what follows is chatter
	atHome   // where a card is that was left behind, and not lost
	idLabel  // says that a student number follows
	halt     // a wish is not to go on
	command  // begins a line of a program
	why
	fee
	howLong
	limit
	promo
	stillCan
	whatIs
	requirement
	trouble
	where
	how
	who     // somebody else
	whose   // marks the next word, when it is not a word known here, as somebody or something else
	title   // makes the name before it somebody
	third   // what others do: wants, asked
	kin     // never who is spoken to: 我妈, 老师说; 老板 may be
	holder  // something that a card may be in
	inside  // that it is: 也在里面
	of      // 的
	mine    // the speaker's
	product // something that is not the campus card
	wallet  // where money may come from, or another product
	by      // by means of
	meta    // about words
	inject  // an attempt to instruct the program

	// Things.
	card
	aCard // a card, whoever's
	money
	howMuch
	left
	enough
	machine
	transfer
	meal
	amount
	count // a number of something else
	total // comes before, or after, what amounts make together
	longNumber
	sixDigits
	month
	day
	password
	reissue

	// Wishes.
	balance
	bill
	spend
	detail
	topUp
	topUpWeak // needs an amount, or card or money
	addMoney  // needs an amount
	moveMoney // needs an amount and the card
	topUpPast
	notArrived
	lowMoney
	claim
	waiting
	loss
	lossPast
	lossMaybe // past, unless somebody is asked to do it
	lost
	dropped // lost right after the card, else grammar: 卡掉食堂了, 解绑掉
	towards // after an amount, before who gets it
	notFound
	moneyGone
	freeze
	freezeWeak // needs the card
	unloss
	resume // needs the card
	found  // needs the card
	pickedUp
	verify
	codeWord
	bind
	linked // that the card is bound
	unbind
	language
	languageName
	switchTo
	notify
	on
	off
	help
	human
	robot
	cancel
	revoke // cancel something said
	greeting
	pay // to pay at all: nothing to look up
)

// set is a set of concepts.
type set [2]uint64

func setOf(cs ...concept) (s set) {
	for _, c := range cs {
		s.add(c)
	}
	return s
}

func (s *set) add(c concept)        { s[c>>6] |= 1 << (c & 63) }
func (s *set) drop(c concept)       { s[c>>6] &^= 1 << (c & 63) }
func (s set) without(c concept) set { s.drop(c); return s }
func (s set) has(c concept) bool    { return s[c>>6]&(1<<(c&63)) != 0 }
func (s set) any(of set) bool       { return s[0]&of[0]|s[1]&of[1] != 0 }
func (s set) all(of set) bool       { return s[0]&of[0] == of[0] && s[1]&of[1] == of[1] }
func (s set) within(of set) bool    { return s[0]&^of[0]|s[1]&^of[1] == 0 }
func (s set) or(t set) set          { return set{s[0] | t[0], s[1] | t[1]} }

// each yields the concepts of a set in their order.
func (s set) each() iter.Seq[concept] {
	return func(yield func(concept) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(concept(i<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}

// negatable are the concepts that a "not" before them reaches; it passes over all others.
var negatable = setOf(amount, month, day, password, balance, enough, bill, spend, detail, topUp, topUpWeak, addMoney, moveMoney,
	topUpPast, claim, waiting, loss, lossPast, lossMaybe, lost, freeze, freezeWeak, unloss, resume, found, verify, codeWord, bind, linked, unbind,
	language, languageName, notify, on, off, help, human, robot, cancel)
