package handlers

import (
	"context"
	"errors"
	"strings"

	"xiaoka/cards"
	"xiaoka/ledger"
)

// balance shows what the books say is on the card, how sure that is, and what
// still waits.
func (a *Apps) balance(ctx context.Context, t *turn) error {
	b, err := a.Store.Balance(ctx, t.Person.ID, a.Now())
	if errors.Is(err, ledger.ErrNotFound) {
		return t.Update(a.contactCard(t, wNoCard.in(t.Lang), wNoCardBody.in(t.Lang)))
	}
	if err != nil {
		return err
	}
	data := cards.BalanceData{
		CardNo: b.CardNo, BalanceFen: int64(b.Books), PendingFen: int64(b.Pending), Status: string(b.Status),
		Missing: int(b.Missing), InFlightFen: int64(b.InFlight), Doubt: b.Doubt, Now: a.Now().In(a.Zone),
		HomeURL: a.link.home(), TopUpURL: a.link.topUp(), DetailsURL: a.link.transactions(a.month()), PendingURL: a.link.transfers(), CancelLossURL: a.link.cancelLoss(),
	}
	if !b.AsOf.IsZero() {
		data.AsOf = b.AsOf.In(a.Zone)
	}
	if b.Old > 0 {
		data.OldFen, data.OldDue = int64(b.Old), b.OldDue.In(a.Zone)
	}
	if b.Last != nil {
		data.LastTitle, data.LastAmount = movementTitle(t.Lang, *b.Last), plus(b.Last.Change())
		data.LastAt = b.Last.At.In(a.Zone)
	}
	return t.Update(cards.Balance(t.Lang, data))
}

// month is the one it is on the campus.
func (a *Apps) month() ledger.Month { return ledger.MonthOf(a.Now().In(a.Zone)) }

// movementTitle is the merchant of a purchase; what has none is named.
func movementTitle(lang cards.Lang, m ledger.Movement) string {
	if m.Kind == ledger.MovementConsumption && m.Where != "" {
		return m.Where
	}
	words := ledger.MovementWords[m.Kind]
	return phrase{words.ZH, words.EN}.in(lang)
}

// transferTitle is what the holder reads on the machine; what we name ourselves
// has an English name.
func transferTitle(lang cards.Lang, t ledger.Transfer) string {
	switch t.Kind {
	case ledger.KindTopUp:
		return wTopUpTransfer.in(lang)
	case ledger.KindCorrection:
		return wCorrection.in(lang)
	case ledger.KindReplacement:
		return wOldCard.in(lang)
	case ledger.KindSubsidy:
		return grantTitle(lang, t.Title)
	}
	return t.Title
}

// grantTitle says our own word for a grant in the holder's language; what
// follows it the office wrote.
func grantTitle(lang cards.Lang, title string) string {
	if name, ours := ledger.GrantName(title); ours {
		return strings.TrimSpace(wGrant.in(lang) + " " + name)
	}
	return title
}
