package handlers

import (
	"context"
	"strings"

	"xiaoka/bot"
	"xiaoka/cards"
)

// 校园一卡通 answers about the campus card. Nothing it does moves money or
// stops a card: it shows, and leads to the page that asks for a password.

// need is what somebody must be to be answered. Each includes the ones before
// it; who is less is led to the next step instead.
type need int

const (
	anyone   need = iota
	verified      // proved to be the person on record
	holder        // has bound the campus card. For what cannot wait: the initial query password will do, and who is less is told the office too
	bound         // has bound the campus card, and chosen an own query password where that is required
)

// route is one thing a member can ask of the card app: by the intent of a
// text, by exactly these words, by a menu item or a card's button with the
// intent as its key.
type route struct {
	intent string
	need   need
	answer ask
	words  string // further words that mean it, separated by |
}

// cardAsks lists everything the card app answers.
func (a *Apps) cardAsks() []route {
	return []route{
		{"balance", bound, a.balance, ""},
		{"topup", bound, a.topUp, ""},
		{"pending", bound, a.pending, ""},
		{"claim", bound, a.pending, ""},
		{"transactions_today", bound, a.transactions, ""},
		{"statement", bound, a.statement, ""},

		{"report_loss", holder, a.reportLoss, ""},
		{"cancel_loss", bound, a.cancelLoss, ""},
		{"unbind", bound, a.unbind, ""},
		{"refund", bound, a.refund, "退款|申请退款|我要退款|怎么退款|能退款吗|可以退款吗|退钱|我要退钱|退掉|refund|i want a refund|request a refund|how do i get a refund|get a refund"},

		{"verify", anyone, a.verify, ""},
		{"bind", verified, a.bind, ""},
		{"password", verified, a.password, "密码|查询密码|修改密码|改密码|修改查询密码|改查询密码|怎么改密码|忘记密码|忘了密码|密码忘了|密码忘记了|忘记密码了|忘记密码怎么办|忘记密码了怎么办|密码忘了怎么办|查询密码忘了|重置密码|重设密码|" +
			"password|my password|change password|change my password|how do i change my password|reset password|reset my password|forgot password|forgot my password|i forgot my password"},
		{"settings", verified, a.settings, "设置|设定|settings|setting|preferences"},
		{cards.KeyPushKinds, bound, a.pushKinds, "通知设置|消息设置|通知|消息通知|notification settings|notifications"},
		{"notifications_on", bound, a.askPush(true), ""},
		{"notifications_off", bound, a.askPush(false), ""},
		{"change_language", anyone, a.changeLanguage, ""},

		{"help", anyone, a.help, ""},
		{"human", anyone, a.human, "几点开门|几点关门|几点上班|几点下班|什么时候开门|开门时间|营业时间|开放时间|上班时间|补卡|补办|补办校园卡|怎么补卡|换卡|办卡|when are you open|when is the office open|new card|replacement card|replace my card"},
		{"cancel", anyone, a.cancel, ""},
		{"code", anyone, a.securePage, ""},
	}
}

// cardAnswers are the asks behind their gates. What shows or begins something
// is the topic from then on.
func (a *Apps) cardAnswers() map[string]ask {
	asks := map[string]ask{}
	for _, route := range a.cardAsks() {
		asks[route.intent] = a.gate(route.need, route.answer)
		switch route.intent {
		case "help", "human", "cancel", "code", "change_language":
		default:
			asks[route.intent] = a.topical(route.intent, asks[route.intent])
		}
	}
	return asks
}

// Card registers the card app's routes.
func (a *Apps) Card(r *bot.Router) {
	words := a.words()
	for _, route := range a.cardAsks() {
		r.Click(route.intent, a.on(a.asks[route.intent]))
		r.CardEvent(route.intent, a.on(a.asks[route.intent]))
	}
	r.CardEvent(cards.KeySettingsSave, a.on(a.gate(verified, a.saveSettings)))
	r.CardEvent(cards.KeyPushKindsSave, a.on(a.gate(bound, a.savePushKinds)))
	r.CardEvent(cards.KeyMute+"*", a.on(a.gate(verified, a.mute(cards.KeyMute, false))))
	r.CardEvent(cards.KeyUnmute+"*", a.on(a.gate(verified, a.mute(cards.KeyUnmute, true))))
	r.CardEvent(cards.KeyLossConfirm, a.on(a.gate(holder, a.confirmLoss)))
	r.CardEvent(cards.KeyLossDrop, a.on(a.gate(holder, a.dropLoss)))
	r.CardEvent(cards.KeyPurchasePushOn, a.on(a.gate(bound, a.setPush(true))))
	r.CardEvent(cards.KeyPurchasePushOff, a.on(a.gate(bound, a.setPush(false))))
	a.languages(r)
	r.Use(a.know)
	r.Text(func(ctx context.Context, c *bot.Context) error {
		t := newTurn(ctx, c)
		if answer, said := a.choice(ctx, t); answer != nil {
			t.Said = said
			return answer(ctx, t)
		}
		t.Said = a.read(c.Message.Content, words)
		a.turnDays(ctx, t)
		a.turnMonth(ctx, t)
		a.turnAmount(ctx, t)
		if t.Said.Intent == "none" {
			if answer, said := a.followUp(ctx, t); answer != nil {
				t.Said = said
				return answer(ctx, t)
			}
		}
		if t.Said.Intent == "none" {
			if answer := a.courtesy(t); answer != nil {
				return answer(ctx, t)
			}
		}
		if a.aboutTransactions(ctx, t) {
			t.Said.Intent = "transactions_today"
		}
		if t.Said.asksBack() {
			return a.askWhich(ctx, t)
		}
		if answer, ok := a.asks[t.Said.Intent]; ok {
			return answer(ctx, t)
		}
		return a.help(ctx, t)
	})
	r.Event("enter_agent", a.on(a.enterCard))
	r.Event("subscribe", a.on(a.enterCard))
	r.Event("unsubscribe", a.on(a.left))
	r.NotFound(a.on(unread(a.help))) // buttons of an older menu, too
}

// words are the texts with one meaning, and which.
func (a *Apps) words() map[string]string {
	words := map[string]string{}
	for _, route := range a.cardAsks() {
		for w := range strings.SplitSeq(route.words, "|") {
			words[w] = route.intent
		}
	}
	return words
}

// read finds what a text asks: digits that may be a secret first, then words
// with one meaning, then understanding.
func (a *Apps) read(text string, words map[string]string) Said {
	if _, found := codeIn(text); found {
		return Said{Intent: "code"}
	}
	if intent, ok := words[plain(text)]; ok && plain(text) != "" {
		return Said{Intent: intent}
	}
	return a.understand(text)
}

// gate leads who is not far enough to the next step.
func (a *Apps) gate(least need, answer ask) ask {
	if least == anyone {
		return answer
	}
	return func(ctx context.Context, t *turn) error {
		switch {
		case !t.known():
			return a.askNumber(t)
		case !t.Person.Verified():
			return t.Update(a.beside(t, least, cards.NotVerified(t.Lang, a.link.verify())))
		case least == verified:
			return answer(ctx, t)
		case !t.Person.Bound():
			return t.Update(a.beside(t, least, cards.NotBound(t.Lang, a.link.bind())))
		case least == holder:
			return answer(ctx, t)
		}
		initial, _, err := a.Store.PasswordState(ctx, t.Person.ID, a.Now())
		switch {
		case err != nil:
			return err
		case initial && a.RequireOwnPassword:
			return t.Update(cards.PasswordFirst(t.Lang, a.link.password()))
		}
		if err := answer(ctx, t); err != nil || !initial {
			return err
		}
		return t.ReplyText(wNudge.in(t.Lang, a.link.password()))
	}
}

// beside names the office beside the next step of what cannot wait.
func (a *Apps) beside(t *turn, least need, step cards.Card) cards.Card {
	if least != holder {
		return step
	}
	return rows(step, wRowPhone.in(t.Lang), a.Contact.Phone, wRowOffice.in(t.Lang), a.Contact.Office.in(t.Lang))
}

// verify leads to verification, which the assistant and the pages do.
func (a *Apps) verify(ctx context.Context, t *turn) error {
	switch {
	case !t.known():
		return a.askNumber(t)
	case t.Person.Verified():
		return a.alreadyVerified(ctx, t)
	}
	return t.Update(cards.NotVerified(t.Lang, a.link.verify()))
}

// bind leads to the page that binds; nothing of it is asked in the chat.
func (a *Apps) bind(_ context.Context, t *turn) error {
	if !t.Person.Bound() {
		return t.Update(cards.NotBound(t.Lang, a.link.bind()))
	}
	return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
		Title: wAlreadyBound.in(t.Lang), Body: wTryIt.in(t.Lang), LinkTitle: wOpenHome.in(t.Lang), URL: a.link.home(),
	}), wRowCard.in(t.Lang), cards.MaskCardNo(t.Person.CardNo)))
}

func (a *Apps) password(_ context.Context, t *turn) error {
	return t.Update(cards.Notice(t.Lang, cards.NoticeData{
		Title: wPassword.in(t.Lang), Body: wPasswordBody.in(t.Lang), LinkTitle: wPasswordPage.in(t.Lang), URL: a.link.password(),
	}))
}

// unbind leads to the page; a word in a chat ends nothing.
func (a *Apps) unbind(_ context.Context, t *turn) error {
	return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
		Title: wUnbind.title.in(t.Lang), Body: wUnbind.body.in(t.Lang), LinkTitle: wUnbindPage.in(t.Lang), URL: a.link.unbind(),
	}), wRowCard.in(t.Lang), cards.MaskCardNo(t.Person.CardNo)))
}

// refund leads to the page where a top-up that waits can be sent back.
func (a *Apps) refund(_ context.Context, t *turn) error {
	return t.Update(cards.Notice(t.Lang, cards.NoticeData{
		Title: wRefund.title.in(t.Lang), Body: wRefund.body.in(t.Lang), LinkTitle: wTransfers.in(t.Lang), URL: a.link.transfers(),
	}))
}

func (a *Apps) help(_ context.Context, t *turn) error {
	return t.Update(cards.Help(t.Lang, a.link.home()))
}

// rows adds lines of name and value to a card.
func rows(c cards.Card, pairs ...string) cards.Card {
	for i := 0; i+1 < len(pairs); i += 2 {
		c.HorizontalContentList = append(c.HorizontalContentList, cards.Horizontal{KeyName: pairs[i], Value: pairs[i+1]})
	}
	return c.Fit()
}
