package handlers

import (
	"context"

	"xiaoka/bot"
	"xiaoka/cards"
)

// 企业小助手 proves who a member is: it sends a code to the address on record
// and takes the six digits in the chat. Everything else is said in the card
// app, and people are led there.

// assistantAsks are what the assistant answers, by the intent of a text and by
// the key of a menu item.
func (a *Apps) assistantAsks() map[string]ask {
	return map[string]ask{
		"verify":          a.topical("verify", a.offerCode),
		"help":            a.helpAssistant,
		"human":           a.human,
		"change_language": a.changeLanguage,
		"cancel":          a.cancel,
		"code":            a.securePage, // digits that no code has
	}
}

// Assistant registers the assistant's routes.
func (a *Apps) Assistant(r *bot.Router) {
	asks, words := a.assistantAsks(), a.words()
	r.Use(a.know)
	r.Text(func(ctx context.Context, c *bot.Context) error {
		t := newTurn(ctx, c)
		if code, found := codeIn(c.Message.Content); found {
			return a.takeCode(ctx, t, code)
		}
		if number, found := numberIn(c.Message.Content); found && !t.known() {
			return a.takeNumber(ctx, t, number)
		}
		if onlyDigits(c.Message.Content) && !t.Person.Verified() && a.topic(ctx, t).Intent == "verify" {
			return t.ReplyText(wCodeOfSix.in(t.Lang)) // no try of the code is spent
		}
		if channel, found := channelIn(c.Message.Content); found && !t.Person.Verified() {
			return a.sendBy(ctx, t, channel)
		}
		t.Said = a.read(c.Message.Content, words)
		if answer, ok := asks[t.Said.Intent]; ok {
			return answer(ctx, t)
		}
		if t.Said.Intent != "none" {
			return a.askCardApp(ctx, t)
		}
		if answer := a.courtesy(t); answer != nil {
			return answer(ctx, t)
		}
		return a.helpAssistant(ctx, t)
	})
	for key, answer := range asks {
		r.Click(key, a.on(answer))
	}
	for _, key := range []string{cards.KeyVerifyEmail, cards.KeyVerifyPhone, cards.KeyVerifyChannel} {
		r.CardEvent(key, a.on(a.sendCode))
	}
	for _, key := range []string{cards.KeyNewcomerEmail, cards.KeyNewcomerPhone, cards.KeyNewcomerChannel} {
		r.CardEvent(key, a.on(a.sendToNumber))
	}
	a.languages(r)
	r.Event("enter_agent", a.on(a.enterAssistant))
	r.Event("subscribe", a.on(a.enterAssistant))
	r.NotFound(a.on(unread(a.helpAssistant))) // buttons of an older menu, too
}

// understand reads a text as of today.
func (a *Apps) understand(text string) Said { return a.Understand(text, a.Now().In(a.Zone)) }

// helpAssistant says what the assistant is for; who is verified is told what is
// left to do, and where.
func (a *Apps) helpAssistant(_ context.Context, t *turn) error {
	if !t.Person.Verified() {
		return t.Reply(cards.HelpAssistant(t.Lang, a.link.verify()))
	}
	d := cards.NoticeData{
		Title: wHelpVerified.title.in(t.Lang), Body: wHelpVerified.body.in(t.Lang), LinkTitle: wOpenHome.in(t.Lang), URL: a.link.home(), Assistant: true,
	}
	if !t.Person.Bound() {
		d.Body += wBindThere.in(t.Lang)
		d.LinkTitle, d.URL = wBind.in(t.Lang), a.link.bind()
	}
	return t.Reply(cards.Notice(t.Lang, d))
}

// askCardApp leads on: the wish is understood, and belongs to the card app.
func (a *Apps) askCardApp(ctx context.Context, t *turn) error {
	if !t.Person.Verified() {
		return a.offerCode(ctx, t)
	}
	d := cards.NoticeData{
		Title: wInCardApp.in(t.Lang), Body: wInCardAppBody.in(t.Lang),
		LinkTitle: wOpenHome.in(t.Lang), URL: a.link.home(), Assistant: true,
	}
	switch t.Said.Intent { // straight to the page where there is one
	case "report_loss":
		d.LinkTitle, d.URL = wLossPage.in(t.Lang), a.link.loss()
	case "password":
		d.LinkTitle, d.URL = wPasswordPage.in(t.Lang), a.link.password()
	case "settings", cards.KeyPushKinds:
		d.LinkTitle, d.URL = wPushSettings.in(t.Lang), a.link.settings()
	case "bind":
		d.LinkTitle, d.URL = wBind.in(t.Lang), a.link.bind()
	}
	return t.Reply(cards.Notice(t.Lang, d))
}
