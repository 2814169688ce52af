package handlers

import (
	"context"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// topUp leads to the page that starts an order: with the amount that was
// said, or with the ones offered. An amount outside the limits leads to
// nothing but the choice, and a card that is not in use to what puts it back.
func (a *Apps) topUp(ctx context.Context, t *turn) error {
	b, err := a.Store.Balance(ctx, t.Person.ID, a.Now())
	amount := t.Said.Amount
	switch {
	case err != nil:
		return err
	case b.Status == ledger.CardLost:
		return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
			Title: wLostNoTopUp.title.in(t.Lang), Body: wLostNoTopUp.body.in(t.Lang), LinkTitle: wCancelLossPage.in(t.Lang), URL: a.link.cancelLoss(),
		}), wRowCard.in(t.Lang), cards.MaskCardNo(t.Person.CardNo)))
	case b.Status != ledger.CardNormal:
		return t.Update(a.contactCard(t, wNoTopUp.title.in(t.Lang), wNoTopUp.body.in(t.Lang)))
	case t.Said.Odd:
		return t.Update(a.limits(t, wAmountOdd.in(t.Lang)))
	case t.Said.Huge:
		return t.Update(a.limits(t, wAmountHuge.in(t.Lang)))
	case amount == 0:
		return t.Update(cards.TopUpChoices(t.Lang, cards.TopUpChoicesData{Choices: a.choices(), OtherURL: a.link.topUp()}))
	case amount < a.Min || amount > a.Max:
		return t.Update(a.limits(t, wAmountLimitsBody.in(t.Lang, amount)))
	}
	return t.Update(cards.TopUpAmount(t.Lang, cards.TopUpAmountData{
		AmountFen: int64(amount), CardNo: t.Person.CardNo, URL: a.link.topUpOf(amount),
	}))
}

// limits says what a top-up may be, and why the one wished is none.
func (a *Apps) limits(t *turn, why string) cards.Card {
	return cards.Notice(t.Lang, cards.NoticeData{
		Title: wAmountLimits.in(t.Lang, a.Min, a.Max), Body: why, LinkTitle: wChooseAmount.in(t.Lang), URL: a.link.topUp(),
	})
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
