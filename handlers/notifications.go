package handlers

import (
	"context"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// The chat switches messages about purchases, which are the many, and only
// after asking back; every other kind has its switch on the settings page,
// and security messages have none.

// askPush says what turning messages on or off would do.
func (a *Apps) askPush(on bool) ask {
	return func(ctx context.Context, t *turn) error {
		wanted, err := a.Store.PushWanted(ctx, t.Person.ID, ledger.EventConsumption)
		switch {
		case err != nil:
			return err
		case wanted == on:
			return t.Update(a.pushCard(t, on, wPushAlreadyOn, wPushAlreadyOff))
		}
		return t.Update(cards.AskPurchasePush(t.Lang, on, a.link.settings()))
	}
}

// setPush does it.
func (a *Apps) setPush(on bool) ask {
	return func(ctx context.Context, t *turn) error {
		if err := a.Store.SetPush(ctx, t.Person.ID, ledger.EventConsumption, on); err != nil {
			return err
		}
		return t.Update(a.pushCard(t, on, wPushNowOn, wPushNowOff))
	}
}

// pushCard says how purchases are told now, and where the rest is set.
func (a *Apps) pushCard(t *turn, on bool, ifOn, ifOff phrase) cards.Card {
	title := ifOff
	if on {
		title = ifOn
	}
	return cards.Notice(t.Lang, cards.NoticeData{
		Title: title.in(t.Lang), Body: wPushRest.in(t.Lang), LinkTitle: wPushSettings.in(t.Lang), URL: a.link.settings(),
	})
}
