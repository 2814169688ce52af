package handlers

import (
	"context"
	"slices"
	"time"
	"unicode/utf8"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// shownLines is how many lines 明细 shows; the page has the rest.
const shownLines = 5

// lineRunes is what WeCom shows of a row's value.
const lineRunes = 30

// line is one entry of 明细: a movement on the card, or a transfer that is not
// on the card yet.
type line struct {
	title  string
	amount string // with its sign; without one the money is not on the card
	at     time.Time
}

// transactions shows the latest lines of the card's history.
func (a *Apps) transactions(ctx context.Context, t *turn) error {
	movements, err := a.Store.Movements(ctx, t.Person.ID, shownLines)
	if err != nil {
		return err
	}
	transfers, err := a.Store.Transfers(ctx, t.Person.ID, shownLines, a.Now())
	if err != nil {
		return err
	}
	lines := latest(t.Lang, movements, transfers)
	if len(lines) == 0 {
		return t.Update(cards.Notice(t.Lang, cards.NoticeData{
			Title: wNoTransactions.in(t.Lang), Body: wNoTransactionsBody.in(t.Lang), LinkTitle: wTopUp.in(t.Lang), URL: a.link.topUp(),
		}))
	}
	card := cards.Notice(t.Lang, cards.NoticeData{
		Title: wTransactions.in(t.Lang, len(lines)), LinkTitle: wTransfers.in(t.Lang), URL: a.link.transfers(),
	})
	for _, l := range lines {
		card = rows(card, l.at.In(a.Zone).Format("01-02"), shorten(l.title, lineRunes-1-utf8.RuneCountInString(l.amount))+" "+l.amount)
	}
	return t.Update(card)
}

// latest merges the two lists, newest first. A claimed transfer is on the card
// by its movement, and is not listed twice.
func latest(lang cards.Lang, movements []ledger.Movement, transfers []ledger.Transfer) []line {
	var lines []line
	for _, m := range movements {
		title := movementTitle(lang, m)
		if m.Kind == "claim" && m.Where != "" {
			title += " " + m.Where
		}
		lines = append(lines, line{title, plus(signed(m)), m.At})
	}
	for _, f := range transfers {
		if state, ok := transferStates[f.State]; ok {
			lines = append(lines, line{transferTitle(lang, f) + " " + state.in(lang), f.Amount.String(), f.CreatedAt})
		}
	}
	slices.SortStableFunc(lines, func(x, y line) int { return y.at.Compare(x.at) })
	return lines[:min(len(lines), shownLines)]
}

// transferStates are the words for money that is not on the card.
var transferStates = map[ledger.TransferState]phrase{
	ledger.TransferPending:   wStatePending,
	ledger.TransferInFlight:  wStateWriting,
	ledger.TransferInDoubt:   wStateDoubt,
	ledger.TransferRefunding: wStateRefunding,
	ledger.TransferRefunded:  wStateRefunded,
}

// plus writes an amount with its sign, whichever it is.
func plus(f ledger.Fen) string {
	if f > 0 {
		return "+" + f.String()
	}
	return f.String()
}

// shorten keeps a title of more than n characters from pushing the amount off
// its line.
func shorten(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}
