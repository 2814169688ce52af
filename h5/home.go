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
// templates/icons.html, Name a text. The template adds the guide, which knows
// nobody's choice of language and has to be told.
var modules = []module{
	{"/h5/topup", "topup", "module.topup"},
	{"/h5/transactions", "transactions", "module.transactions"},
	{"/h5/statement", "statement", "module.statement"},
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
	data.Sign, data.Yuan, data.Cents = splitYuan(balance.Books)
	return v.show(http.StatusOK, "home", v.t("home.title"), data)
}

// splitYuan gives the parts of an amount that is shown large.
func splitYuan(f ledger.Fen) (sign, yuan, cents string) {
	yuan, cents, _ = strings.Cut(f.Yuan(), ".")
	if rest, negative := strings.CutPrefix(yuan, "-"); negative {
		sign, yuan = "−", rest
	}
	return sign, yuan, cents
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
