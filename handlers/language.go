package handlers

import (
	"context"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// changeLanguage switches to the language that was named, for chat, pushes and
// pages. Where none was named, it offers both.
func (a *Apps) changeLanguage(ctx context.Context, t *turn) error {
	if lang, named := chosenLang(t.Message.Content); named {
		return a.setLanguage(lang)(ctx, t)
	}
	return t.Update(cards.AskLanguage(t.Lang, a.link.settings(), t.App.Name == AssistantApp))
}

// languages registers the buttons of the offer.
func (a *Apps) languages(r *bot.Router) {
	r.CardEvent(cards.KeyLangZh, a.on(a.setLanguage(ledger.Chinese)))
	r.CardEvent(cards.KeyLangEn, a.on(a.setLanguage(ledger.English)))
}

// setLanguage switches to a language.
func (a *Apps) setLanguage(lang ledger.Lang) ask {
	return func(ctx context.Context, t *turn) error {
		t.Lang = cards.Lang(lang)
		if !t.known() { // for a while, which is all there is to keep it under
			a.noteLang(ctx, t.UserID, t.Lang)
			return a.languageSet(t)
		}
		if err := a.Store.SetLang(ctx, t.Person.ID, lang); err != nil {
			return err
		}
		return a.languageSet(t)
	}
}

// languageSet says so, in place of the question when its button was pressed.
func (a *Apps) languageSet(t *turn) error {
	if t.Message.IsCardEvent() {
		return t.Update(cards.Notice(t.Lang, cards.NoticeData{
			Body: wLanguageSet.in(t.Lang), URL: a.link.home(), Assistant: t.App.Name == AssistantApp,
		}))
	}
	return t.ReplyText(wLanguageSet.in(t.Lang))
}
