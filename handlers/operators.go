package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// sendReport tells an operator how a day compares with WeChat Pay's bill. An
// operator need not be on record.
func (p *Push) sendReport(ctx context.Context, e ledger.Event) error {
	if e.Day == nil {
		return fmt.Errorf("%w: a report without a day", ErrGiveUp)
	}
	a := p.apps
	person, err := a.Store.PersonByUserID(ctx, e.UserID)
	if err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	card := a.reportCard(a.langOf(ctx, person, e.UserID, ""), e)
	_, err = bot.Deliver(ctx, p.sender, e.UserID, card, styleOf(person), bot.Outgoing{Once: pushOnce, Rank: bot.RankPush})
	return p.verdict(e, err)
}

func (a *Apps) reportCard(lang cards.Lang, e ledger.Event) cards.Card {
	r := e.Day
	title, body := wDayAgrees.in(lang, r.Day), ""
	switch {
	case r.Differences > 0:
		title, body = wDayDiffers.in(lang, r.Day, r.Differences), wDayDo.in(lang, r.Day)
	case r.NoBill:
		title = wDayEmpty.in(lang, r.Day)
	}
	if len(r.FundNotes) > 0 {
		body = strings.TrimSpace(body + wDayFunds.in(lang))
	}
	card := rows(cards.Notice(lang, cards.NoticeData{Title: title, Body: body, LinkTitle: wOpenHome.in(lang), URL: a.link.home()}),
		wRowPaid.in(lang), fmt.Sprintf("%d · %s", r.Payments, r.Paid),
		wRowBack.in(lang), fmt.Sprintf("%d · %s", r.Refunds, r.Refunded))
	if r.Mended > 0 {
		card = rows(card, wRowMended.in(lang), fmt.Sprint(r.Mended))
	}
	return rows(card, wRowTime.in(lang), cards.When(lang, e.At.In(a.Zone)))
}
