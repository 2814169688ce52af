package handlers

import (
	"context"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// changeLanguage switches to the language that was named, or to the other
// one, for chat, pushes and pages.
func (a *Apps) changeLanguage(ctx context.Context, t *turn) error {
	lang := chosenLang(t.Message.Content, t.Lang)
	t.Lang = cards.Zh
	if lang == ledger.English {
		t.Lang = cards.En
	}
	if !t.known() { // for a while, which is all there is to keep it under
		a.noteLang(ctx, t.UserID, t.Lang)
		return t.ReplyText(wLanguageSet.in(t.Lang))
	}
	if err := a.Store.SetLang(ctx, t.Person.ID, lang); err != nil {
		return err
	}
	return t.ReplyText(wLanguageSet.in(t.Lang))
}
