package handlers

import (
	"context"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// topUp leads to the page that starts an order: with the amount that was
// said, or with the ones offered. An amount outside the limits leads to
// nothing but the choice.
func (a *Apps) topUp(_ context.Context, t *turn) error {
	amount := t.Said.Amount
	switch {
	case amount == 0:
		return t.Update(cards.TopUpChoices(t.Lang, cards.TopUpChoicesData{Choices: a.choices(), OtherURL: a.link.topUp()}))
	case amount < a.Min || amount > a.Max:
		return t.Update(cards.Notice(t.Lang, cards.NoticeData{
			Title: wAmountLimits.in(t.Lang, a.Min, a.Max), Body: wAmountLimitsBody.in(t.Lang, amount),
			LinkTitle: wChooseAmount.in(t.Lang), URL: a.link.topUp(),
		}))
	}
	return t.Update(cards.TopUpAmount(t.Lang, cards.TopUpAmountData{
		AmountFen: int64(amount), CardNo: t.Person.CardNo, URL: a.link.topUpOf(amount),
	}))
}

func (a *Apps) choices() []cards.TopUpChoice {
	out := make([]cards.TopUpChoice, len(a.Amounts))
	for i, amount := range a.Amounts {
		out[i] = cards.TopUpChoice{AmountFen: int64(amount), URL: a.link.topUpOf(amount)}
	}
	return out
}

// sum adds transfers up.
func sum(list []ledger.Transfer) ledger.Fen {
	var total ledger.Fen
	for _, t := range list {
		total += t.Amount
	}
	return total
}
