package h5

import (
	"net/http"
	"strings"
	"time"

	"xiaoka/ledger"
)

// module is one tile of the home page.
type module struct{ Path, Icon, Name string }

// modules are the tiles in the order shown; Icon names a symbol of
// templates/icons.html, Name a text.
var modules = []module{
	{"/h5/topup", "topup", "module.topup"},
	{"/h5/transfers", "transfers", "module.transfers"},
	{"/h5/loss", "loss", "module.loss"},
	{"/h5/password", "password", "module.password"},
	{"/h5/settings", "settings", "module.settings"},
}

type homeView struct {
	ledger.Balance
	Name    string
	CardNo  string // last four
	Sign    string // − below zero
	Yuan    string // whole yuan
	Cents   string
	AsOf    string // empty when the books were just opened
	Nudge   bool   // the initial query password still serves
	Modules []module
}

// home says how much there is, how sure that is, and what one can do.
func (v *visit) home() error {
	balance, err := v.Store.Balance(v.ctx(), v.person.ID, v.now)
	if err != nil {
		return err
	}
	data := homeView{
		Balance: balance,
		Name:    v.person.Name,
		CardNo:  lastFour(balance.CardNo),
		AsOf:    v.asOf(balance.AsOf),
		Nudge:   balance.PasswordInitial,
		Modules: modules,
	}
	data.Yuan, data.Cents, _ = strings.Cut(balance.Books.Yuan(), ".")
	if rest, negative := strings.CutPrefix(data.Yuan, "-"); negative {
		data.Sign, data.Yuan = "−", rest
	}
	return v.show(http.StatusOK, "home", v.t("home.title"), data)
}

// asOf is the short form beside a balance, 11-22 12:08.
func (v *visit) asOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if v.lang == ledger.English {
		return when(v.lang, t.In(v.Location), v.now.In(v.Location))
	}
	return t.In(v.Location).Format("01-02 15:04")
}

func lastFour(cardNo string) string {
	if len(cardNo) > 4 {
		return cardNo[len(cardNo)-4:]
	}
	return cardNo
}

// transfersShown bounds the list of past transfers.
const transfersShown = 100

type transfersView struct {
	Waiting []ledger.Transfer // pending and being written, oldest first: the order they are taken in
	Sum     ledger.Fen        // of those that are pending
	Days    []transferDay     // the rest, newest first
	Full    bool              // there may be older ones
}

type transferDay struct {
	Day       string
	Transfers []ledger.Transfer
}

// transfers lists money on its way to the card and where it went.
func (v *visit) transfers() error {
	all, err := v.Store.Transfers(v.ctx(), v.person.ID, transfersShown, v.now)
	if err != nil {
		return err
	}
	data := transfersView{Full: len(all) == transfersShown}
	for _, t := range all {
		switch t.State {
		case ledger.TransferPending, ledger.TransferInFlight, ledger.TransferInDoubt:
			data.Waiting = append([]ledger.Transfer{t}, data.Waiting...)
			if t.State == ledger.TransferPending {
				data.Sum += t.Amount
			}
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

// day heads a group of a list.
func (v *visit) day(t time.Time) string {
	layout := "2006年1月2日"
	if v.lang == ledger.English {
		layout = "2 January 2006"
	}
	return t.In(v.Location).Format(layout)
}
