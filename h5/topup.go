package h5

import (
	"errors"
	"net/http"
	"strings"

	"xiaoka/ledger"
)

type topUpView struct {
	ledger.Balance
	Amounts  []ledger.Fen
	Chosen   ledger.Fen // one of Amounts, 0 = none
	Typed    string     // the own amount, in yuan, as typed
	Min, Max ledger.Fen
	Over     bool // with this the chip could not take everything at once
	Room     ledger.Fen
	Error    string
}

// topUpForm offers the amounts; ?amount_fen= chooses one beforehand.
func (v *visit) topUpForm() error {
	data := topUpView{}
	query := v.r.URL.Query()
	if !query.Has("amount_fen") {
		return v.showTopUp(http.StatusOK, data)
	}
	amount, word := v.amount(query.Get("amount_fen"), "", &data)
	if word != "" {
		data.Error = word
		return v.showTopUp(http.StatusBadRequest, data)
	}
	v.choose(&data, amount)
	return v.showTopUp(http.StatusOK, data)
}

// topUp records the order and leads to the page that pays it. The amount is
// amount_fen of a tile, or amount_yuan where one typed an own amount.
func (v *visit) topUp() error {
	data := topUpView{}
	amount, word := v.amount(v.r.PostForm.Get("amount_fen"), v.r.PostForm.Get("amount_yuan"), &data)
	if word != "" {
		data.Error = word
		return v.showTopUp(http.StatusBadRequest, data)
	}
	balance, err := v.Store.Balance(v.ctx(), v.person.ID, v.now)
	if err != nil {
		return err
	}
	if balance.Status != ledger.CardNormal {
		v.choose(&data, amount)
		return v.showTopUp(http.StatusConflict, data)
	}
	order, err := v.Payments.Create(v.ctx(), v.person, amount, v.Expire)
	if err != nil {
		return err
	}
	return v.redirect("/h5/topup/orders/" + order.OutTradeNo)
}

// amount reads and bounds an amount; a word says what is wrong with it, and
// what was typed is kept in data.
func (v *visit) amount(fen, yuan string, data *topUpView) (amount ledger.Fen, word string) {
	var err error
	switch fen, yuan = clip(fen), clip(yuan); {
	case yuan != "":
		amount, err = parseYuan(yuan)
		data.Typed = yuan
	case fen != "":
		amount, err = ledger.ParseFen(fen)
		data.Typed = fen
		if err == nil {
			data.Typed = shortYuan(amount)
		}
	default:
		return 0, v.t("topup.choose")
	}
	switch {
	case errors.Is(err, ledger.ErrTooMuch), err == nil && (amount < v.Min || amount > v.Max):
		return 0, v.t("topup.bounds", shortYuan(v.Min), shortYuan(v.Max))
	case err != nil:
		return 0, v.t("topup.malformed")
	}
	data.Typed = ""
	return amount, ""
}

// parseYuan reads an amount that a person typed, also in the full-width digits
// and point of a Chinese keyboard.
func parseYuan(s string) (ledger.Fen, error) {
	return ledger.ParseYuan(strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case r == '．' || r == '。':
			return '.'
		}
		return r
	}, s))
}

// choose marks the tile of the amount, or fills the field for an own one.
func (v *visit) choose(data *topUpView, amount ledger.Fen) {
	for _, offered := range v.Amounts {
		if offered == amount {
			data.Chosen = amount
			return
		}
	}
	data.Typed = shortYuan(amount)
}

func (v *visit) showTopUp(status int, data topUpView) error {
	balance, err := v.Store.Balance(v.ctx(), v.person.ID, v.now)
	if err != nil {
		return err
	}
	data.Balance, data.Amounts, data.Min, data.Max = balance, v.Amounts, v.Min, v.Max
	if v.MaxBalance > 0 {
		data.Room = max(0, balance.Room(v.MaxBalance)-balance.Pending)
		data.Over = data.Room < v.Max
	}
	return v.show(status, "topup", v.t("topup.title"), data)
}
