package handlers

import (
	"strconv"

	"xiaoka/ledger"
)

// links are the addresses of the pages, below the public address.
type links string

func (l links) home() string      { return string(l) + "/h5/" }
func (l links) verify() string    { return string(l) + "/h5/verify" }
func (l links) bind() string      { return string(l) + "/h5/bind" }
func (l links) password() string  { return string(l) + "/h5/password" }
func (l links) settings() string  { return string(l) + "/h5/settings" }
func (l links) transfers() string { return string(l) + "/h5/transfers" }
func (l links) unbind() string    { return string(l) + "/h5/unbind" }
func (l links) topUp() string     { return string(l) + "/h5/topup" }

func (l links) transactions(m ledger.Month) string {
	return string(l) + "/h5/transactions?month=" + m.String()
}

func (l links) loss() string       { return string(l) + "/h5/loss" }
func (l links) cancelLoss() string { return string(l) + "/h5/loss/cancel" }

func (l links) statement(m ledger.Month) string {
	return string(l) + "/h5/statement?month=" + m.String()
}

func (l links) topUpOf(amount ledger.Fen) string {
	return l.topUp() + "?amount_fen=" + strconv.FormatInt(int64(amount), 10)
}
