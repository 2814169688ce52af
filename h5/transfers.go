package h5

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"xiaoka/ledger"
)

// transfersShown bounds the list of past transfers.
const transfersShown = 100

type transfersView struct {
	Old    ledger.Fen      // on replaced cards, until their records are complete
	OldDue time.Time       // when it will wait to be collected
	Stages []transferStage // what is under way, by how far it has come
	Days   []transferDay   // the rest, newest first
	Full   bool            // there may be older ones
}

// transferStage is the money that stands at one point of its way. Name and How
// are its words: what is on its way to the chip is never said to be claimed at
// a till.
type transferStage struct {
	State     ledger.TransferState
	Name, How string
	Sum       ledger.Fen
	Most      ledger.Fen        // what a card may hold, where it has no room for all of them; else 0
	Transfers []ledger.Transfer // oldest first: the order they are taken in
}

// transferStages are in the order shown: what is at a terminal now comes first.
var transferStages = []transferStage{
	{State: ledger.TransferInFlight, Name: "transfers.writing", How: "transfer.in_flight"},
	{State: ledger.TransferInDoubt, Name: "transfers.checking", How: "transfer.in_doubt"},
	{State: ledger.TransferPending, Name: "transfers.waiting", How: "transfers.how"},
	{State: ledger.TransferRefunding, Name: "transfers.back", How: "order.refunding_hint"},
}

type transferDay struct {
	Day       string
	Transfers []ledger.Transfer
}

// transfers lists money on its way to the card and where it went.
func (v *visit) transfers() error {
	all, err := v.latestTransfers()
	if err != nil {
		return err
	}
	balance, err := v.Store.Balance(v.ctx(), v.person.ID, v.now)
	if err != nil {
		return err
	}
	data := transfersView{Old: balance.Old, OldDue: balance.OldDue, Full: len(all) == transfersShown}
	for _, stage := range transferStages {
		for _, t := range slices.Backward(all) {
			if t.State == stage.State {
				stage.Sum += t.Amount
				stage.Transfers = append(stage.Transfers, t)
			}
		}
		if stage.Transfers == nil {
			continue
		}
		if stage.State == ledger.TransferPending {
			switch {
			case balance.Status != ledger.CardNormal:
				stage.How = "home.pending_stopped"
			case v.MaxBalance > 0 && stage.Sum > balance.Room(v.MaxBalance):
				stage.Most = v.MaxBalance
			}
		}
		data.Stages = append(data.Stages, stage)
	}
	for _, t := range all {
		if t.State != ledger.TransferClaimed && t.State != ledger.TransferRefunded {
			continue
		}
		day := v.day(t.CreatedAt)
		if n := len(data.Days); n == 0 || data.Days[n-1].Day != day {
			data.Days = append(data.Days, transferDay{Day: day})
		}
		last := &data.Days[len(data.Days)-1]
		last.Transfers = append(last.Transfers, t)
	}
	return v.show(http.StatusOK, "transfers", v.t("transfers.title"), data)
}

func (v *visit) latestTransfers() ([]ledger.Transfer, error) {
	return v.Store.Transfers(v.ctx(), v.person.ID, transfersShown, v.now)
}

// day heads a group of a list.
func (v *visit) day(t time.Time) string {
	layout := "2006年1月2日"
	if v.lang == ledger.English {
		layout = "2 January 2006"
	}
	return t.In(v.Location).Format(layout)
}

type refundView struct {
	ledger.Transfer
	Refusal string // why it cannot go back now; empty = it can
}

// refundForm says what a refund means before it is asked for.
func (v *visit) refundForm() error { return v.showRefund(http.StatusOK, "") }

// refund sends a top-up that nobody has collected back to the payer. The
// store decides; what was read for the page may have moved since.
func (v *visit) refund() error {
	id, err := v.pathID("id")
	if err != nil {
		return err
	}
	switch _, err := v.Store.BeginRefund(v.ctx(), v.person.ID, id, v.now); {
	case errors.Is(err, ledger.ErrRefundRefused):
		return v.showRefund(http.StatusConflict, v.t("refund.refused"))
	case err != nil:
		return err
	}
	return v.redirect("/h5/transfers?done=refund")
}

// showRefund asks for confirmation, or says why there is nothing to confirm:
// otherwise is the word when the transfer itself does not tell. What is on its
// way back already is shown in the list, so that asking twice looks like once.
func (v *visit) showRefund(status int, otherwise string) error {
	t, err := v.ownTransfer()
	if err != nil {
		return err
	}
	data := refundView{Transfer: t, Refusal: otherwise}
	switch {
	case t.State == ledger.TransferRefunding || t.State == ledger.TransferRefunded:
		return v.redirect("/h5/transfers")
	case t.Kind != "topup":
		data.Refusal = v.t("refund.not_topup")
	case t.State == ledger.TransferInFlight:
		data.Refusal = v.t("refund.in_flight")
	case t.State == ledger.TransferInDoubt:
		data.Refusal = v.t("refund.in_doubt")
	case t.State == ledger.TransferClaimed:
		data.Refusal = v.t("refund.claimed")
	case v.now.Sub(t.CreatedAt) >= ledger.RefundLife:
		data.Refusal = v.t("refund.too_old")
	}
	return v.show(status, "refund", v.t("refund.title"), data)
}

// ownTransfer finds the address's transfer among the person's latest;
// another's, none and one too old to be listed are the same ErrNotFound.
func (v *visit) ownTransfer() (ledger.Transfer, error) {
	id, err := v.pathID("id")
	if err != nil {
		return ledger.Transfer{}, err
	}
	latest, err := v.latestTransfers()
	if err != nil {
		return ledger.Transfer{}, err
	}
	for _, t := range latest {
		if t.ID == id {
			return t, nil
		}
	}
	return ledger.Transfer{}, ledger.ErrNotFound
}
