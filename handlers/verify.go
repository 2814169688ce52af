package handlers

import (
	"context"
	"errors"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// Verification: offerCode shows where a code can go, sendCode sends it when a
// button is pressed, takeCode checks the six digits. The database is the
// record of every code, try and limit; the card app's welcome is enqueued by
// MarkVerified in its own transaction.

// offerCode shows the addresses on record, masked.
func (a *Apps) offerCode(ctx context.Context, t *turn) error {
	switch {
	case !t.known():
		return a.askNumber(t)
	case t.Person.Verified():
		return a.alreadyVerified(ctx, t)
	}
	data := cards.VerifyChannelsData{URL: a.link.verify()}
	for _, address := range a.Codes.Addresses(t.Person) {
		switch address.Channel {
		case ledger.Email:
			data.MaskedEmail = address.Masked
		case ledger.Phone:
			data.MaskedPhone = address.Masked
		}
	}
	if data.MaskedEmail == "" && data.MaskedPhone == "" {
		return a.noAddress(t)
	}
	return t.Reply(cards.VerifyChannels(t.Lang, data))
}

// sendCode sends a code the way that was pressed.
func (a *Apps) sendCode(ctx context.Context, t *turn) error {
	return a.sendCodeBy(ctx, t, pressedChannel(t.Message))
}

// sendBy answers 邮箱 and 手机, for clients that show no buttons.
func (a *Apps) sendBy(ctx context.Context, t *turn, channel ledger.Channel) error {
	if t.known() {
		return a.sendCodeBy(ctx, t, channel)
	}
	if last := a.topic(ctx, t); last.Number != "" {
		return a.sendToNumberBy(ctx, t, last.Number, channel)
	}
	return a.askNumber(t)
}

// pressedChannel is the way a press names: by its button, or by the choice
// that was submitted.
func pressedChannel(m *bot.Message) ledger.Channel {
	switch {
	case m.EventKey == cards.KeyVerifyPhone, m.EventKey == cards.KeyNewcomerPhone, chosen(m, cards.AskChannel) == cards.ChannelPhone:
		return ledger.Phone
	}
	return ledger.Email
}

// channelIn finds a way of a code in a text that is its name and nothing else.
func channelIn(text string) (ledger.Channel, bool) {
	switch word := plain(text); {
	case emailWords[word]:
		return ledger.Email, true
	case phoneWords[word]:
		return ledger.Phone, true
	}
	return "", false
}

// sendCodeBy sends a code, and turns the card that was pressed into where it
// went.
func (a *Apps) sendCodeBy(ctx context.Context, t *turn, channel ledger.Channel) error {
	switch {
	case !t.known():
		return a.askNumber(t)
	case t.Person.Verified():
		return a.alreadyVerified(ctx, t)
	}
	reader := t.Person
	reader.Lang = ledger.Lang(t.Lang) // of the mail
	masked, err := a.Codes.Send(ctx, reader, channel, ledger.PurposeVerify)
	var tooSoon *ledger.CodeTooSoonError
	var failed *identity.SendFailedError
	switch {
	case err == nil:
		a.keepTopic(ctx, t, topic{Intent: "verify"})
		return t.Update(cards.CodeSent(t.Lang, cards.CodeSentData{MaskedAddress: masked, ValidFor: a.CodeTTL, URL: a.link.verify()}))
	case errors.As(err, &failed): // also by a provider's own limit: no code came, and the one before is void
		a.Log.Error("code not sent", "request", t.RequestID, "channel", channel, "err", failed.Err)
		return t.Update(a.verifyNotice(t, wCodeNotSent.in(t.Lang), wCodeNotSentBody.in(t.Lang, wait(t.Lang, failed.RetryAfter))))
	case errors.As(err, &tooSoon) && tooSoon.Everybody:
		return t.Update(a.verifyNotice(t, wCodeTooMany.title.in(t.Lang), wCodeTooMany.body.in(t.Lang, wait(t.Lang, tooSoon.RetryAfter))))
	case errors.As(err, &tooSoon):
		return t.Update(a.verifyNotice(t, wCodeTooSoon.in(t.Lang), wCodeTooSoonBody.in(t.Lang, wait(t.Lang, tooSoon.RetryAfter))))
	case errors.Is(err, identity.ErrNotOffered), errors.Is(err, identity.ErrNoAddress):
		return a.offerCode(ctx, t) // the card was drawn before the record changed
	}
	return err
}

// takeCode checks six digits typed in the assistant. Digits that are no
// awaited code are not kept and lead to the page where secrets belong.
func (a *Apps) takeCode(ctx context.Context, t *turn, code string) error {
	switch {
	case !t.known():
		return a.takeNewcomersCode(ctx, t, code)
	case t.Person.Verified() || code == "":
		return a.securePage(ctx, t)
	}
	err := a.Codes.Check(ctx, t.Person.ID, ledger.PurposeVerify, code)
	var wrong *ledger.CodeWrongError
	switch {
	case err == nil:
		return a.welcome(ctx, t)
	case errors.As(err, &wrong) && wrong.TriesLeft > 0:
		return t.ReplyText(wCodeWrong.in(t.Lang, wrong.TriesLeft))
	case wrong != nil, errors.Is(err, ledger.ErrCodeBurnt):
		return t.Reply(a.verifyNotice(t, wCodeBurnt.in(t.Lang), wCodeAgain.in(t.Lang)))
	case errors.Is(err, ledger.ErrCodeExpired):
		return t.Reply(a.verifyNotice(t, wCodeExpired.in(t.Lang), wCodeAgain.in(t.Lang)))
	case errors.Is(err, ledger.ErrNoCode), errors.Is(err, identity.ErrCodeFormat):
		return a.securePage(ctx, t)
	}
	return err
}

// welcome records the proof and leads to binding.
func (a *Apps) welcome(ctx context.Context, t *turn) error {
	if err := a.Store.MarkVerified(ctx, t.Person.ID, a.Now()); err != nil {
		return err
	}
	return t.Reply(cards.Verified(t.Lang, cards.VerifiedData{Name: t.Person.Name, BindURL: a.link.bind()}))
}

// alreadyVerified leads to the next step: binding, or the card app.
func (a *Apps) alreadyVerified(_ context.Context, t *turn) error {
	d := cards.NoticeData{
		Title: wAlreadyVerified.in(t.Lang), Body: wGoCardApp.in(t.Lang),
		LinkTitle: wOpenHome.in(t.Lang), URL: a.link.home(), Assistant: t.App.Name == AssistantApp,
	}
	switch {
	case !t.Person.Bound():
		d.Body, d.LinkTitle, d.URL = wNowBind.in(t.Lang), wBind.in(t.Lang), a.link.bind()
	case t.App.Name == CardApp:
		d.Body = wTryIt.in(t.Lang)
	}
	return t.Update(cards.Notice(t.Lang, d))
}

// noAddress is for a person to whom no code can be sent.
func (a *Apps) noAddress(t *turn) error {
	return t.Update(a.contactCard(t, wNoAddress.in(t.Lang), wNoAddressBody.in(t.Lang)))
}

// securePage answers six digits that are no awaited code. They are in no
// reply, no log and no row.
func (a *Apps) securePage(_ context.Context, t *turn) error {
	d := cards.NoticeData{
		Title: wNoSecrets.in(t.Lang), Body: wNoSecretsBody.in(t.Lang),
		LinkTitle: wPasswordPage.in(t.Lang), URL: a.link.password(), Assistant: t.App.Name == AssistantApp,
	}
	if !t.Person.Verified() {
		d.LinkTitle, d.URL = wVerifyPage.in(t.Lang), a.link.verify()
	}
	if d.Assistant && !t.known() {
		d.Body += wNumberOfSix.in(t.Lang)
	}
	return t.Update(cards.Notice(t.Lang, d))
}

func (a *Apps) verifyNotice(t *turn, title, body string) cards.Card {
	return cards.Notice(t.Lang, cards.NoticeData{
		Title: title, Body: body, LinkTitle: wVerifyPage.in(t.Lang), URL: a.link.verify(), Assistant: true,
	})
}
