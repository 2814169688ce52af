package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// render draws an event for a person, with the menu that mutes its kind.
func (a *Apps) render(ctx context.Context, lang cards.Lang, p ledger.Person, e ledger.Event) (cards.Card, error) {
	card, err := a.draw(ctx, lang, p, e)
	if err != nil {
		return card, err
	}
	return mutable(card, p, e), nil
}

// draw draws it. Every card shows when it happened, so that two equal facts
// are two messages to WeCom.
func (a *Apps) draw(ctx context.Context, lang cards.Lang, p ledger.Person, e ledger.Event) (cards.Card, error) {
	replaced := e.CardNo != "" && e.CardNo != p.CardNo
	p.CardNo = cmp.Or(e.CardNo, p.CardNo)
	at := e.At.In(a.Zone)
	stopped, err := a.stopped(ctx, p, e)
	if err != nil {
		return cards.Card{}, err
	}
	when := []string{wRowTime.in(lang), cards.When(lang, at)}
	switch e.Kind {
	case ledger.EventVerified:
		return rows(cards.Welcome(lang, cards.VerifiedData{Name: p.Name, BindURL: a.link.bind()}), when...), nil
	case ledger.EventBound:
		initial, _, err := a.Store.PasswordState(ctx, p.ID, a.Now())
		data := cards.BoundData{Name: p.Name, CardNo: p.CardNo, HomeURL: a.link.home()}
		if initial {
			data.PasswordURL = a.link.password()
		}
		return rows(cards.Bound(lang, data), when...), err
	case ledger.EventTopUpPaid:
		return cards.TopUpPaid(lang, cards.TopUpPaidData{
			AmountFen: int64(e.Amount), PendingFen: int64(e.Pending), PaidAt: at, Stopped: stopped, URL: a.link.transfers(),
		}), nil
	case ledger.EventClaimed:
		return cards.Claimed(lang, cards.ClaimedData{
			AmountFen: int64(e.Amount), CardNo: p.CardNo, BalanceFen: int64(e.Balance), Place: e.Where, At: at, URL: a.link.home(),
		}), nil
	case ledger.EventClaimFailed:
		data := cards.ClaimTroubleData{AmountFen: int64(e.Amount), Place: e.Where, At: at, URL: a.link.transfers()}
		if e.Pending >= e.Amount { // it waits again
			return cards.ClaimReleased(lang, data), nil
		}
		return cards.ClaimInDoubt(lang, data), nil
	}
	switch e.Kind {
	case ledger.EventConsumption:
		if e.Count > 0 {
			return a.purchasesCard(lang, p, e), nil
		}
	case ledger.EventUnusual:
		return a.unusualCard(lang, p, e, replaced), nil
	case ledger.EventLowBalance:
		return a.lowBalanceCard(lang, p, e), nil
	case ledger.EventReminder:
		return a.reminderCard(lang, e, stopped), nil
	case ledger.EventStatement:
		return a.statementCard(ctx, lang, e)
	}
	said, ok := eventNotices[e.Kind]
	if !ok {
		return cards.Card{}, fmt.Errorf("%w: event %q has no words", ErrGiveUp, e.Kind)
	}
	switch {
	case said.inUse && replaced: // its page would report the new card
		said.linkTitle, said.link = wMonthHistory, a.monthOf(e)
	case stopped:
		said.body = wCollectLater
	case e.Kind == ledger.EventReplaced && e.CardNo != "" && e.Balance <= 0: // former versions did not know what was left
		said.body = wReplacedEmpty
	}
	return a.eventCard(lang, said, p, e), nil
}

// stopped tells of an event whose money waits whether the card that is to
// collect it cannot do so now.
func (a *Apps) stopped(ctx context.Context, p ledger.Person, e ledger.Event) (bool, error) {
	switch e.Kind {
	case ledger.EventTopUpPaid, ledger.EventSubsidy, ledger.EventCorrected, ledger.EventReminder:
	default:
		return false, nil
	}
	b, err := a.Store.Balance(ctx, p.ID, a.Now())
	if errors.Is(err, ledger.ErrNotFound) {
		return false, nil
	}
	return b.Status != ledger.CardNormal, err
}

// eventNotice is an event that is a sentence and a few rows.
type eventNotice struct {
	notice
	linkTitle phrase
	link      func(links) string
	inUse     bool // the link is about the card in use
	spending  bool // the amount left the card
	balance   bool // what is on the card now is known
	receipt   bool // Ref is the number of a receipt
	second    bool // the body says the moment to the second
}

var eventNotices = map[ledger.EventKind]eventNotice{
	ledger.EventConsumption:     {notice: wConsumption, linkTitle: wOpenHome, link: links.home, spending: true, balance: true},
	ledger.EventSubsidy:         {notice: wSubsidy, linkTitle: wTransfers, link: links.transfers},
	ledger.EventCorrected:       {notice: wCorrected, linkTitle: wTransfers, link: links.transfers},
	ledger.EventRefunded:        {notice: wRefunded, linkTitle: wTransfers, link: links.transfers},
	ledger.EventReplaced:        {notice: wReplaced, linkTitle: wTransfers, link: links.transfers},
	ledger.EventMoved:           {notice: wMoved, linkTitle: wTransfers, link: links.transfers},
	ledger.EventLoss:            {notice: wLoss, linkTitle: wLossStatus, link: links.loss, inUse: true, receipt: true, second: true},
	ledger.EventLossCancelled:   {notice: wLossCancelled, linkTitle: wOpenHome, link: links.home, receipt: true},
	ledger.EventSpentAfterLoss:  {notice: wSpentAfterLoss, linkTitle: wLossStatus, link: links.loss, inUse: true, spending: true},
	ledger.EventPasswordChanged: {notice: wPasswordChanged, linkTitle: wPasswordPage, link: links.password},
	ledger.EventPasswordLocked:  {notice: wPasswordLocked, linkTitle: wPasswordPage, link: links.password},
	ledger.EventUnbound:         {notice: wUnbound, linkTitle: wBindAgain, link: links.bind},
}

// monthOf leads to the transactions of an event's month, which run over all of
// the holder's cards.
func (a *Apps) monthOf(e ledger.Event) func(links) string {
	return func(l links) string { return l.transactions(ledger.MonthOf(e.At.In(a.Zone))) }
}

func (a *Apps) eventCard(lang cards.Lang, said eventNotice, p ledger.Person, e ledger.Event) cards.Card {
	at := e.At.In(a.Zone)
	body := said.body.in(lang)
	if said.second {
		body = said.body.in(lang, at.Format("15:04:05"))
	}
	switch e.Bearer {
	case ledger.BearerCampus:
		body = wSpentCampus.in(lang)
	case ledger.BearerMerchant:
		body = wSpentMerchant.in(lang)
	}
	card := cards.Notice(lang, cards.NoticeData{Title: said.title.in(lang), Body: body, LinkTitle: said.linkTitle.in(lang), URL: said.link(a.link)})
	amount, balance, receipt := e.Amount, "", ""
	if said.spending {
		amount = -amount
	}
	if amount != 0 {
		card.EmphasisContent = &cards.Emphasis{Title: amount.String()}
	}
	if said.balance {
		balance = e.Balance.String()
	}
	if said.receipt {
		receipt = e.Ref
	}
	return rows(card,
		wRowTitle.in(lang), grantTitle(lang, e.Title),
		wRowReceipt.in(lang), receipt,
		wRowBalance.in(lang), balance,
		wRowCard.in(lang), cards.MaskCardNo(p.CardNo),
		wRowPlace.in(lang), e.Where,
		wRowTime.in(lang), cards.When(lang, at))
}

// purchasesCard sums up what a till sent late, or much at once.
func (a *Apps) purchasesCard(lang cards.Lang, p ledger.Person, e ledger.Event) cards.Card {
	title, total := wPurchasesLate.in(lang, e.Count), wPurchasesTotal.in(lang)
	now := a.Now().In(a.Zone)
	when := []string{wRowSince.in(lang), cards.Moment(lang, e.Since.In(a.Zone), now), wRowLatest.in(lang), cards.Moment(lang, e.At.In(a.Zone), now)}
	if e.Count == 1 {
		title, total, when = wPurchaseLate.in(lang), "", []string{wRowPlace.in(lang), e.Where, wRowTime.in(lang), when[3]}
	}
	card := cards.Notice(lang, cards.NoticeData{
		Title: title, Body: wPurchasesLateBody.in(lang), LinkTitle: wMonthHistory.in(lang), URL: a.monthOf(e)(a.link),
	})
	card.EmphasisContent = &cards.Emphasis{Title: (-e.Amount).String(), Desc: total}
	return rows(rows(card, wRowCard.in(lang), cards.MaskCardNo(p.CardNo)), when...)
}

// unusualCard says why a purchase is unusual, and what to do if somebody else
// made it; one that was made with a replaced card cannot be reported any more.
func (a *Apps) unusualCard(lang cards.Lang, p ledger.Person, e ledger.Event, replaced bool) cards.Card {
	amount, count := wUnusualAmount, wUnusualCount
	linkTitle, url := wLossPage, a.link.loss()
	if replaced {
		amount, count = wUnusualAmountOld, wUnusualCountOld
		linkTitle, url = wMonthHistory, a.monthOf(e)(a.link)
	}
	body := amount.in(lang, e.Usual)
	if e.Count > 0 {
		body = count.in(lang, int(ledger.UnusualWithin.Minutes()), e.Count)
	}
	card := cards.Notice(lang, cards.NoticeData{Title: wUnusual.in(lang), Body: body, LinkTitle: linkTitle.in(lang), URL: url})
	card.EmphasisContent = &cards.Emphasis{Title: (-e.Amount).String()}
	return rows(card,
		wRowCard.in(lang), cards.MaskCardNo(p.CardNo),
		wRowPlace.in(lang), e.Where,
		wRowTime.in(lang), cards.When(lang, e.At.In(a.Zone)))
}

// lowBalanceCard shows what is on the card, and under it the line that the
// person drew, Amount.
func (a *Apps) lowBalanceCard(lang cards.Lang, p ledger.Person, e ledger.Event) cards.Card {
	data := cards.NoticeData{Title: wLowBalance.title.in(lang), LinkTitle: wTopUp.in(lang), URL: a.link.topUp()}
	if e.Amount > 0 {
		data.Body = wLowBalance.body.in(lang, e.Amount)
	}
	card := cards.Notice(lang, data)
	card.EmphasisContent = &cards.Emphasis{Title: e.Balance.String(), Desc: wOnCard.in(lang)}
	return rows(card,
		wRowCard.in(lang), cards.MaskCardNo(p.CardNo),
		wRowTime.in(lang), cards.When(lang, e.At.In(a.Zone)))
}

// reminderRoom is how many characters the machines may take in a reminder.
const reminderRoom = 56

// reminderCard says how much waits, since when, and where to collect it.
func (a *Apps) reminderCard(lang cards.Lang, e ledger.Event, stopped bool) cards.Card {
	body := wReminder.body.in(lang)
	if places := cards.Places(lang, a.places(lang), reminderRoom); places != "" {
		body = wReminderPlaces.in(lang, places)
	}
	if stopped {
		body = wCollectLater.in(lang)
	}
	card := cards.Notice(lang, cards.NoticeData{Title: wReminder.title.in(lang), Body: body,
		LinkTitle: wTransfers.in(lang), URL: a.link.transfers()})
	card.EmphasisContent = &cards.Emphasis{Title: e.Amount.String()}
	return rows(card,
		wRowCount.in(lang), strconv.Itoa(e.Count),
		wRowSince.in(lang), cards.When(lang, e.At.In(a.Zone)))
}

// statementCard says what a month came to, as 账单 does. Its picture's address
// is that of the event's moment: a repeat is the same message.
func (a *Apps) statementCard(ctx context.Context, lang cards.Lang, e ledger.Event) (cards.Card, error) {
	month, err := ledger.ParseMonth(e.Ref)
	if err != nil {
		return cards.Card{}, fmt.Errorf("%w: %w", ErrGiveUp, err)
	}
	data, err := a.statementOf(ctx, e.PersonID, month, e.At)
	if errors.Is(err, ledger.ErrNotFound) {
		return cards.Card{}, fmt.Errorf("%w: %w", ErrGiveUp, err)
	}
	if a.Now().Sub(e.At) > pushPatience { // replayed: the picture would soon be gone
		data.ChartURL = ""
	}
	return cards.Statement(lang, data), err
}
