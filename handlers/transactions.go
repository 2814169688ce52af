package handlers

import (
	"cmp"
	"context"
	"errors"
	"time"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// shownLines is how many transactions 明细 shows; the page has the rest. Money
// that is not on the card has a row beside them, or what they leave free of
// shownRows. readLines is how many are read, to sum today up.
const (
	shownLines = 5
	shownRows  = 6
	readLines  = 40
)

// transactions shows the latest lines of the card's history, or of the month
// or the days that were named.
func (a *Apps) transactions(ctx context.Context, t *turn) error {
	if t.Said.Days.named() {
		return a.transactionsOf(ctx, t, t.Said.Days)
	}
	month, instead := a.monthAsked(t)
	switch {
	case instead != nil:
		return t.Update(*instead)
	case month < a.month():
		return a.transactionsOf(ctx, t, days{month.Start(a.Zone), (month + 1).Start(a.Zone)})
	}
	movements, err := a.Store.Movements(ctx, t.Person.ID, readLines)
	if err != nil {
		return err
	}
	transfers, err := a.Store.Transfers(ctx, t.Person.ID, shownLines, a.Now())
	if err != nil {
		return err
	}
	return t.Update(cards.Transactions(t.Lang, cards.TransactionsData{
		Now: a.Now().In(a.Zone), Spent: a.spentToday(t.Lang, movements), Lines: a.latest(t.Lang, movements, transfers), TopUpURL: a.link.topUp(),
		URL: a.link.transactions(a.month()), BillURL: a.link.statement(a.month()), ListURL: a.link.transfers(),
	}))
}

// transactionsOf shows the last lines of a few days, or of a month, and what
// was spent in it.
func (a *Apps) transactionsOf(ctx context.Context, t *turn, of days) error {
	s, err := a.Store.StatementBetween(ctx, t.Person.ID, of.From, of.To)
	if errors.Is(err, ledger.ErrNotFound) {
		return t.Update(a.contactCard(t, wNoCard.in(t.Lang), wNoCardBody.in(t.Lang)))
	}
	if err != nil {
		return err
	}
	spent := wSpentNone.in(t.Lang)
	if s.Purchases > 0 {
		spent = wSpent.in(t.Lang, s.Spent, s.Purchases)
	}
	month := ledger.MonthOf(of.To.Add(-time.Second).In(a.Zone))
	return t.Update(cards.Transactions(t.Lang, cards.TransactionsData{
		From: of.From.In(a.Zone), To: of.To.In(a.Zone), Now: a.Now().In(a.Zone), Count: len(s.Movements), Spent: spent, Lines: a.latest(t.Lang, s.Movements, nil),
		URL: a.link.transactions(month), BillURL: a.link.statement(month),
	}))
}

// spentToday says what was spent today by the newest movements; nothing when
// they may not reach back that far.
func (a *Apps) spentToday(lang cards.Lang, newest []ledger.Movement) string {
	var spent ledger.Fen
	today, count, before := a.day(a.Now()), 0, len(newest) < readLines
	for _, m := range newest {
		switch on := a.day(m.At); {
		case on < today:
			before = true
		case on == today && m.Kind == ledger.MovementConsumption:
			spent += m.Amount
			count++
		}
	}
	switch {
	case !before || len(newest) == 0:
		return ""
	case count == 0:
		return wTodayNone.in(lang)
	}
	return wToday.in(lang, spent, count)
}

// aboutTransactions tells whether a text that names a month is about 明细, by
// its own words or because they were asked for last, and not about the month's
// statement.
func (a *Apps) aboutTransactions(ctx context.Context, t *turn) bool {
	if t.Said.Intent != "statement" || t.Said.Month == "" {
		return false
	}
	text := plain(t.Message.Content)
	if containsAny(text, "账单", "帐单", "賬單", "statement", "bill", "花", "多少", "spen", "how much") {
		return false
	}
	return containsAny(text, "明细", "明細", "流水", "交易", "transaction", "history") ||
		!containsAny(text, "账", "帐", "消费") && a.topic(ctx, t).Intent == "transactions_today"
}

// latest merges the two lists, newest first; movements keep their order, which
// is the card's. A claimed transfer is on the card by its movement, and is not
// listed twice.
func (a *Apps) latest(lang cards.Lang, movements []ledger.Movement, transfers []ledger.Transfer) []cards.TransactionLine {
	var lines, waiting []cards.TransactionLine
	for _, f := range transfers {
		if state, ok := transferRows[f.State]; ok {
			line := cards.TransactionLine{
				Name: state, Title: transferTitle(lang, f), Amount: f.Amount.String(), At: f.CreatedAt.In(a.Zone), OffCard: true,
			}
			if lang == cards.En {
				line.Name, line.Title = cmp.Or(transferKinds[f.Kind], "Also"), transferStates[f.State].in(lang)
			}
			waiting = append(waiting, line)
		}
	}
	movements = movements[:min(len(movements), shownLines)]
	waiting = waiting[:min(len(waiting), shownRows-len(movements))]
	for _, m := range movements {
		for len(waiting) > 0 && waiting[0].At.After(m.At) {
			lines, waiting = append(lines, waiting[0]), waiting[1:]
		}
		words := ledger.MovementWords[m.Kind]
		line := cards.TransactionLine{Name: phrase{words.ZH, words.Row}.in(lang), Title: m.Where, Amount: plus(m.Change()), At: m.At.In(a.Zone)}
		if lang == cards.En && m.Kind == ledger.MovementClaim {
			line.Title = words.EN
		}
		lines = append(lines, line)
	}
	return append(lines, waiting...)
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
