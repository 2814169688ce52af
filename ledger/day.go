package ledger

import "time"

// DayReport is a day held against WeChat Pay's bills, as it is kept and as
// operators are told of it. JSON is how it is stored.
type DayReport struct {
	Day       string    `json:"day"`   // WeChat Pay's, YYYY-MM-DD in Beijing
	Daily     bool      `json:"daily"` // by the daily task; otherwise somebody ran the command
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`

	NoBill      bool           `json:"no_bill,omitempty"` // WeChat Pay has none: no business, or too early
	Payments    int            `json:"payments"`          // in the bill
	Paid        Fen            `json:"paid_fen"`
	Refunds     int            `json:"refunds"` // in the bill
	Refunded    Fen            `json:"refunded_fen"`
	FeeUnits    int64          `json:"fee_units"` // 10⁻⁵ yuan
	Classes     map[string]int `json:"classes"`   // lines of each class
	Mended      int            `json:"mended"`
	Differences int            `json:"differences"` // that remain; where every line agrees, those of the fund-flow bill

	Lines []DayLine   `json:"lines"` // what was mended and what differs, at most MaxDayLines
	Funds []FundTotal `json:"funds"` // of the fund-flow bill
	// FundNotes say where the fund-flow bill is not what the trade bill lets
	// expect, or that there is none.
	FundNotes []string `json:"fund_notes"`
}

// MaxDayLines bounds what one report lists; beyond, only the counts tell.
const MaxDayLines = 500

// DayLine is one payment or refund that was not simply there on both sides.
type DayLine struct {
	Class       string `json:"class"`
	Mended      bool   `json:"mended,omitempty"`
	OutTradeNo  string `json:"out_trade_no"`
	OutRefundNo string `json:"out_refund_no,omitempty"`
	Ours        Fen    `json:"ours_fen"`
	Theirs      Fen    `json:"theirs_fen"`
	Detail      string `json:"detail"`
}

// FundTotal is what one kind of business moved on the merchant's account.
type FundTotal struct {
	Business string `json:"business"`      // 交易, 退款, 扣除交易手续费, …
	Out      bool   `json:"out,omitempty"` // 支出
	N        int    `json:"n"`
	Amount   Fen    `json:"amount_fen"`
}
