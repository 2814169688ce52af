package handlers

import (
	"context"
	"errors"
	"fmt"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// pending shows what waits to be collected, and where. Money that is being
// written, or whose write is not proven, is not offered: it is said calmly
// what becomes of it.
func (a *Apps) pending(ctx context.Context, t *turn) error {
	all, err := a.Store.PendingTransfers(ctx, t.Person.ID, a.Now())
	if err != nil {
		return err
	}
	by := map[ledger.TransferState][]ledger.Transfer{}
	for _, transfer := range all {
		by[transfer.State] = append(by[transfer.State], transfer)
	}
	waiting, writing, doubt := by[ledger.TransferPending], by[ledger.TransferInFlight], by[ledger.TransferInDoubt]
	if len(waiting) > 0 || len(writing)+len(doubt) == 0 {
		card, err := a.pendingCard(ctx, t, waiting)
		if err != nil {
			return err
		}
		if err := t.Update(card); err != nil {
			return err
		}
	}
	if len(doubt) > 0 {
		return t.Update(cards.ClaimInDoubt(t.Lang, cards.ClaimTroubleData{AmountFen: int64(sum(doubt)), URL: a.link.transfers()}))
	}
	if len(writing) > 0 && len(waiting) == 0 {
		return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
			Title: wWriting.in(t.Lang), Body: wWritingBody.in(t.Lang), LinkTitle: wTransfers.in(t.Lang), URL: a.link.transfers(),
		}), wRowAmount.in(t.Lang), sum(writing).String()))
	}
	return nil
}

// withLatest says below what became of the latest transfer: who asks for money
// that waits, and has none, mostly looks for that one.
func (a *Apps) withLatest(ctx context.Context, t *turn, card cards.Card) (cards.Card, error) {
	all, err := a.Store.Transfers(ctx, t.Person.ID, 1, a.Now())
	if err != nil || len(all) == 0 {
		return card, err
	}
	last, state, at := all[0], transferStates[all[0].State], all[0].CreatedAt
	switch last.State {
	case ledger.TransferClaimed:
		state, at = wStateClaimed, last.ClaimedAt
	case ledger.TransferRefunded:
		at = last.RefundedAt
	}
	return rows(card,
		wRowLatest.in(t.Lang), fmt.Sprintf("%s %s %s", transferTitle(t.Lang, last), last.Amount, state.in(t.Lang)),
		wRowTime.in(t.Lang), cards.When(t.Lang, at.In(a.Zone))), nil
}

func (a *Apps) pendingCard(ctx context.Context, t *turn, waiting []ledger.Transfer) (cards.Card, error) {
	data := cards.PendingData{TotalFen: int64(sum(waiting)), Count: len(waiting), Now: a.Now().In(a.Zone), Places: a.places(t.Lang), ListURL: a.link.transfers()}
	b, err := a.Store.Balance(ctx, t.Person.ID, a.Now())
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return cards.Card{}, err
	}
	data.Status, data.CancelURL = string(b.Status), a.link.cancelLoss()
	if a.MaxBalance > 0 && sum(waiting) > b.Room(a.MaxBalance) {
		data.MostFen = int64(a.MaxBalance)
	}
	if len(waiting) == 0 {
		if err == nil && b.Status == ledger.CardNormal { // a top-up is offered, where one can be made
			data.TopUpURL = a.link.topUp()
		}
		return a.withLatest(ctx, t, cards.Pending(t.Lang, data))
	}
	for _, w := range waiting {
		data.Transfers = append(data.Transfers, cards.PendingTransfer{
			Title: transferTitle(t.Lang, w), AmountFen: int64(w.Amount), CreatedAt: w.CreatedAt.In(a.Zone),
		})
	}
	return cards.Pending(t.Lang, data), nil
}
