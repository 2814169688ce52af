package handlers

import (
	"context"
	"errors"
	"time"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// statement shows a month at a glance, this one unless another was named.
func (a *Apps) statement(ctx context.Context, t *turn) error {
	month, instead := a.monthAsked(t)
	if instead != nil {
		return t.Update(*instead)
	}
	d, err := a.statementOf(ctx, t.Person.ID, month, a.Now())
	if errors.Is(err, ledger.ErrNotFound) {
		return t.Update(a.contactCard(t, wNoCard.in(t.Lang), wNoCardBody.in(t.Lang)))
	}
	if err != nil {
		return err
	}
	return t.Update(cards.Statement(t.Lang, d))
}

// statementOf is what a card of a moment says of a month.
func (a *Apps) statementOf(ctx context.Context, personID int64, month ledger.Month, at time.Time) (cards.StatementData, error) {
	s, err := a.Store.Statement(ctx, personID, month, a.Now())
	d := cards.StatementData{
		Month: month.Start(a.Zone), SpentFen: int64(s.Spent), Purchases: s.Purchases, ToppedUpFen: int64(s.Paid), ReturnedFen: int64(s.Returned), GrantedFen: int64(s.Granted), ClaimedFen: int64(s.Claimed),
		Days: len(s.Days), BeforeFen: int64(s.Before), Before: s.Before > 0, BeforeTo: s.BeforeTo,
		URL: a.link.statement(month), TransactionsURL: a.link.transactions(month),
	}
	for _, m := range s.Merchants {
		d.Merchants = append(d.Merchants, cards.StatementMerchant{Name: m.Name, Fen: int64(m.Spent)})
	}
	if a.Chart != nil {
		d.ChartURL = a.Chart(personID, month, at)
	}
	return d, err
}
