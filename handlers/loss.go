package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// Loss: the chat asks back and leads to the page, where the query password is
// typed and the report accepted. The press that confirmed is kept until then,
// so that the same card can say 已挂失 ([LossCards]). Whatever a card shows,
// the store knows whether the campus card is lost.

// pressLife is how long WeCom lets the ResponseCode of a press be used, once.
// https://developer.work.weixin.qq.com/document/path/94888
const pressLife = 72 * time.Hour

// Presses keeps the ResponseCode of a press until it is used.
type Presses interface {
	Put(ctx context.Context, key, responseCode string, life time.Duration) error
	// Take returns the code and removes it in one step; ledger.ErrNotFound
	// when there is none.
	Take(ctx context.Context, key string) (responseCode string, err error)
}

// Two codes are kept of a card that asks about a loss: the one that WeCom gave
// when it was sent shows the next step on it at once, the one of the press
// shows 已挂失 on it later.
func lossPress(userID string) string { return "press:loss:" + ledger.NormalUserID(userID) }
func lossSent(userID string) string  { return "sent:loss:" + ledger.NormalUserID(userID) }

// lossReport is the report that stops the person's card now, if there is one.
func (a *Apps) lossReport(ctx context.Context, t *turn) (report ledger.LossReport, lost bool, err error) {
	report, err = a.Store.LossState(ctx, t.Person.ID)
	if errors.Is(err, ledger.ErrNotFound) {
		return report, false, nil
	}
	return report, err == nil && report.EndedAt.IsZero(), err
}

// reportLoss asks back. For a card that is lost already it shows the receipt.
func (a *Apps) reportLoss(ctx context.Context, t *turn) error {
	report, lost, err := a.lossReport(ctx, t)
	switch {
	case err != nil:
		return err
	case lost:
		return t.Update(a.lostCard(t.Lang, report))
	}
	if err := t.Update(cards.LossConfirm(t.Lang, a.lossAsk(t))); err != nil {
		return err
	}
	a.keepSent(ctx, t)
	return nil
}

// confirmLoss leads on to the page, on the card that was pressed where that
// can be updated twice, else on a new one.
func (a *Apps) confirmLoss(ctx context.Context, t *turn) error {
	report, lost, err := a.lossReport(ctx, t)
	switch {
	case err != nil:
		return err
	case lost:
		return t.Update(a.lostCard(t.Lang, report))
	}
	a.keepPress(ctx, t)
	next := cards.LossNext(t.Lang, a.lossAsk(t))
	if code := a.takeSent(ctx, t); code != "" {
		err = t.UpdateBy(code, next)
	} else {
		err = t.Reply(next)
	}
	if err == nil {
		a.keepSent(ctx, t)
	}
	return err
}

// dropLoss closes the question. Somebody who went on to the page all the same
// is told what is true.
func (a *Apps) dropLoss(ctx context.Context, t *turn) error {
	report, lost, err := a.lossReport(ctx, t)
	switch {
	case err != nil:
		return err
	case lost:
		return t.Update(a.lostCard(t.Lang, report))
	}
	return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
		Title: wLossDropped.title.in(t.Lang), Body: wLossDropped.body.in(t.Lang), LinkTitle: wOpenHome.in(t.Lang), URL: a.link.home(),
	}), wRowCard.in(t.Lang), cards.MaskCardNo(t.Person.CardNo)))
}

// cancelLoss leads to the page that takes the report back.
func (a *Apps) cancelLoss(ctx context.Context, t *turn) error {
	report, lost, err := a.lossReport(ctx, t)
	if err != nil {
		return err
	}
	said, linkTitle, url := wCancelLoss, wCancelLossPage, a.link.cancelLoss()
	if !lost {
		b, err := a.Store.Balance(ctx, t.Person.ID, a.Now())
		if err == nil && b.Status == ledger.CardFrozen { // by the office, which alone can end it
			return t.Update(a.contactCard(t, wFrozen.title.in(t.Lang), wFrozen.body.in(t.Lang)))
		}
		said, linkTitle, url, report.Receipt = wNotLost, wOpenHome, a.link.home(), ""
	}
	return t.Update(rows(cards.Notice(t.Lang, cards.NoticeData{
		Title: said.title.in(t.Lang), Body: said.body.in(t.Lang), LinkTitle: linkTitle.in(t.Lang), URL: url,
	}), wRowCard.in(t.Lang), cards.MaskCardNo(t.Person.CardNo), wRowReceipt.in(t.Lang), report.Receipt))
}

func (a *Apps) lossAsk(t *turn) cards.LossAskData {
	return cards.LossAskData{CardNo: t.Person.CardNo, URL: a.link.loss()}
}

func (a *Apps) lostCard(lang cards.Lang, r ledger.LossReport) cards.Card {
	return cards.Lost(lang, cards.LostData{
		CardNo: r.CardNo, Receipt: r.Receipt, AcceptedAt: r.AcceptedAt.In(a.Zone), Terminals: r.Terminals, Informed: r.Informed,
		URL: a.link.loss(), CancelURL: a.link.cancelLoss(),
	})
}

// keepPress keeps what allows the pressed card to be updated later. Without it
// the card stays as it is, and nothing else is lost.
func (a *Apps) keepPress(ctx context.Context, t *turn) {
	if t.Message.ResponseCode != "" {
		a.keepCode(ctx, t, lossPress(t.UserID), t.Message.ResponseCode)
	}
}

// keepSent keeps what allows the card that was just sent to be updated, and
// which one it is.
func (a *Apps) keepSent(ctx context.Context, t *turn) {
	if taskID, code := t.Sent(); code != "" {
		a.keepCode(ctx, t, lossSent(t.UserID), taskID+" "+code)
	}
}

func (a *Apps) keepCode(ctx context.Context, t *turn, key, code string) {
	if a.Presses == nil {
		return
	}
	_, err := within(ctx, func(ctx context.Context) (any, error) { return nil, a.Presses.Put(ctx, key, code, pressLife) })
	if err != nil {
		a.Log.Warn("press not kept; the card will stay as it is", "request", t.RequestID, "err", err)
	}
}

// takeSent is the code of the sending of the pressed card, "" when there is
// none any more. That of a newer card is left for that one.
func (a *Apps) takeSent(ctx context.Context, t *turn) string {
	if a.Presses == nil || t.Task.ID == "" {
		return ""
	}
	kept, err := within(ctx, func(ctx context.Context) (string, error) { return a.Presses.Take(ctx, lossSent(t.UserID)) })
	if err != nil {
		if !errors.Is(err, ledger.ErrNotFound) {
			a.Log.Warn("code of a sent card not recalled", "request", t.RequestID, "err", err)
		}
		return ""
	}
	taskID, code, _ := strings.Cut(kept, " ")
	if taskID != t.Task.ID {
		a.keepCode(ctx, t, lossSent(t.UserID), kept)
		return ""
	}
	return code
}

// Updater is the card app's *bot.Client.
type Updater interface {
	UpdateCard(ctx context.Context, userID, responseCode string, card cards.Card) error
}

// LossCards updates the cards in the chat that led to a loss report, or still
// ask about one.
type LossCards struct {
	apps    *Apps
	updater Updater
}

// LossCards returns what updates those cards.
func (a *Apps) LossCards(u Updater) *LossCards { return &LossCards{a, u} }

var _ Updater = (*bot.Client)(nil)

// updateBudget is what the page that accepted the loss waits for WeCom.
const updateBudget = 2 * time.Second

// Accepted is called when the person's report has been accepted. The receipt
// is on the page and in a push, so a card that cannot be updated is only
// logged.
func (l *LossCards) Accepted(ctx context.Context, person ledger.Person, report ledger.LossReport) {
	if err := l.accepted(ctx, person, report); err != nil {
		l.apps.Log.Warn("card not updated after the loss report", "err", err)
	}
}

func (l *LossCards) accepted(ctx context.Context, person ledger.Person, report ledger.LossReport) error {
	a := l.apps
	if a.Presses == nil || person.UserID == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), updateBudget)
	defer cancel()
	var failed error
	for _, key := range []string{lossPress(person.UserID), lossSent(person.UserID)} {
		kept, err := a.Presses.Take(ctx, key)
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			continue // the report did not begin in the chat
		case err != nil:
			return fmt.Errorf("recall the press: %w", err)
		}
		lang := a.langOf(ctx, person, person.UserID, "")
		code := kept[strings.LastIndex(kept, " ")+1:]
		failed = errors.Join(failed, l.updater.UpdateCard(ctx, ledger.NormalUserID(person.UserID), code, a.lostCard(lang, report)))
	}
	return failed
}
