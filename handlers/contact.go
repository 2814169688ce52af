package handlers

import (
	"context"
	"strings"

	"xiaoka/cards"
)

// human tells where people help, and when.
func (a *Apps) human(_ context.Context, t *turn) error {
	body := ""
	if places := a.places(t.Lang); len(places) > 0 {
		body = wMachines.in(t.Lang, strings.Join(places, wSeparator.in(t.Lang)))
	}
	return t.Update(a.contactCard(t, wHuman.in(t.Lang), body))
}

// contactCard is a notice with the office below it.
func (a *Apps) contactCard(t *turn, title, body string) cards.Card {
	return rows(cards.Notice(t.Lang, cards.NoticeData{
		Title: title, Body: body, URL: a.link.home(), Assistant: t.App.Name == AssistantApp,
	}),
		wRowPhone.in(t.Lang), a.Contact.Phone,
		wRowHours.in(t.Lang), a.Contact.Hours.in(t.Lang),
		wRowOffice.in(t.Lang), a.Contact.Office.in(t.Lang))
}

// places are the self-service machines in a language.
func (a *Apps) places(lang cards.Lang) []string {
	var out []string
	for _, m := range a.Contact.Machines {
		out = append(out, m.in(lang))
	}
	return out
}
