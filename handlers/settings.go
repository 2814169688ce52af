package handlers

import (
	"context"
	"slices"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// Settings are on a card as far as a card has room; the page has all of them.
// What is submitted is taken only if it was offered.

// lowChoices are the low-balance alerts a card offers; the page takes any.
var lowChoices = []int64{1000, 2000, 5000, 10000}

func (a *Apps) settings(_ context.Context, t *turn) error {
	return t.Update(cards.Settings(t.Lang, a.settingsOf(t)))
}

func (a *Apps) settingsOf(t *turn) cards.SettingsData {
	d := cards.SettingsData{Lang: t.Lang, Style: string(t.Person.MessageStyle), URL: a.link.settings()}
	if t.Person.Bound() {
		d.LowFen, d.LowChoices = int64(t.Person.LowBalance), lowChoices
	}
	return d
}

// saveSettings keeps what was submitted and shows it.
func (a *Apps) saveSettings(ctx context.Context, t *turn) error {
	d := a.settingsOf(t)
	switch lang := ledger.Lang(chosen(t.Message, cards.AskLang)); lang {
	case ledger.Chinese, ledger.English:
		if err := a.Store.SetLang(ctx, t.Person.ID, lang); err != nil {
			return err
		}
		d.Lang, t.Lang = cards.Lang(lang), cards.Lang(lang)
	}
	switch style := ledger.MessageStyle(chosen(t.Message, cards.AskStyle)); style {
	case ledger.StyleCard, ledger.StyleTextCard:
		if err := a.Store.SetMessageStyle(ctx, t.Person.ID, style); err != nil {
			return err
		}
		d.Style = string(style)
	}
	low := chosen(t.Message, cards.AskLow)
	for _, fen := range append([]int64{0}, d.LowChoices...) {
		if len(d.LowChoices) == 0 || cards.LowOption(fen) != low || fen == d.LowFen {
			continue
		}
		if err := a.Store.SetLowBalance(ctx, t.Person.ID, ledger.Fen(fen)); err != nil {
			return err
		}
		d.LowFen = fen
		break
	}
	return t.Update(cards.SettingsSaved(t.Lang, d))
}

// chosen is the one answer to a question of a card, "" for none.
func chosen(m *bot.Message, question string) string {
	for _, item := range m.SelectedItems {
		if item.QuestionKey == question && len(item.OptionIDs) == 1 {
			return item.OptionIDs[0]
		}
	}
	return ""
}

// pushKinds asks which messages shall come.
func (a *Apps) pushKinds(ctx context.Context, t *turn) error {
	kinds, err := a.kinds(ctx, t)
	if err != nil {
		return err
	}
	return t.Update(cards.PushKinds(t.Lang, kinds, a.link.settings()))
}

func (a *Apps) kinds(ctx context.Context, t *turn) ([]cards.PushKind, error) {
	set, err := a.Store.PushSettings(ctx, t.Person.ID)
	var kinds []cards.PushKind
	for _, s := range set {
		kinds = append(kinds, cards.PushKind{Kind: string(s.Kind), On: s.On})
	}
	return kinds, err
}

// savePushKinds switches what differs. A press that brings no answer changes
// nothing and is asked again.
func (a *Apps) savePushKinds(ctx context.Context, t *turn) error {
	at := slices.IndexFunc(t.Message.SelectedItems, func(i bot.SelectedItem) bool { return i.QuestionKey == cards.AskKinds })
	if at < 0 {
		return a.pushKinds(ctx, t)
	}
	kinds, err := a.kinds(ctx, t)
	if err != nil {
		return err
	}
	for i, k := range kinds {
		want := slices.Contains(t.Message.SelectedItems[at].OptionIDs, k.Kind)
		if want == k.On {
			continue
		}
		if err := a.Store.SetPush(ctx, t.Person.ID, ledger.EventKind(k.Kind), want); err != nil {
			return err
		}
		kinds[i].On = want
	}
	return t.Update(cards.PushKindsSaved(t.Lang, kinds, int64(t.Person.LowBalance), a.link.settings()))
}
