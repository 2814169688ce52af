package handlers

import (
	"context"
	"errors"
	"fmt"
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

func lossPress(userID string) string { return "press:loss:" + ledger.NormalUserID(userID) }

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
	return t.Update(cards.LossConfirm(t.Lang, a.lossAsk(t)))
}

// confirmLoss leads on to the page. The card that was pressed stays as it is
// until the loss is accepted; a new one says that it is not yet.
func (a *Apps) confirmLoss(ctx context.Context, t *turn) error {
	report, lost, err := a.lossReport(ctx, t)
	switch {
	case err != nil:
		return err
	case lost:
		return t.Update(a.lostCard(t.Lang, report))
	}
	a.keepPress(ctx, t)
	return t.Reply(cards.LossNext(t.Lang, a.lossAsk(t)))
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

// keepPress keeps what allows the card to be updated later. Without it the
// card stays as it is, and nothing else is lost.
func (a *Apps) keepPress(ctx context.Context, t *turn) {
	if a.Presses == nil || t.Message.ResponseCode == "" {
		return
	}
	_, err := within(ctx, func(ctx context.Context) (any, error) {
		return nil, a.Presses.Put(ctx, lossPress(t.UserID), t.Message.ResponseCode, pressLife)
	})
	if err != nil {
		a.Log.Warn("press not kept; the card will stay as it is", "request", t.RequestID, "err", err)
	}
}

// Updater is the card app's *bot.Client.
type Updater interface {
	UpdateCard(ctx context.Context, userID, responseCode string, card cards.Card) error
}

// LossCards updates the card in the chat that led to a loss report.
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
	code, err := a.Presses.Take(ctx, lossPress(person.UserID))
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return nil // the report did not begin in the chat
	case err != nil:
		return fmt.Errorf("recall the press: %w", err)
	}
	lang := a.langOf(ctx, person, person.UserID, "")
	return l.updater.UpdateCard(ctx, ledger.NormalUserID(person.UserID), code, a.lostCard(lang, report))
}
