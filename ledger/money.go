package ledger

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Fen is an amount of money in fen, 1/100 yuan. It is the only unit inside
// and in JSON; yuan exist only where people read or type.
type Fen int64

// MaxAmount bounds a single amount that any input may name: ten million yuan.
// It leaves head-room of nine decimal digits before an int64 sum overflows.
const MaxAmount Fen = 1_000_000_000

// ErrAmount is returned for a text that is not an amount in yuan.
var ErrAmount = errors.New("not an amount in yuan with at most two decimals")

// String gives yuan with two decimals and the sign of the currency, ¥12.30,
// and −¥6.50 (a real minus sign) for a negative amount.
func (f Fen) String() string {
	if f < 0 {
		return "−¥" + f.Yuan()[1:]
	}
	return "¥" + f.Yuan()
}

// Yuan gives the bare number with two decimals, "12.30" or "-6.50".
func (f Fen) Yuan() string {
	sign, n := "", uint64(f)
	if f < 0 {
		sign, n = "-", uint64(-(f+1))+1
	}
	return fmt.Sprintf("%s%d.%02d", sign, n/100, n%100)
}

// ErrTooMuch is the ErrAmount of what is an amount, but above MaxAmount.
var ErrTooMuch = fmt.Errorf("%w, nor above ten million", ErrAmount)

// ParseYuan reads a plain decimal amount in yuan, "12", "12.3" or "12.30".
// It takes no sign, exponent, separator or other script; anything else is
// ErrAmount, and more than MaxAmount is ErrTooMuch.
func ParseYuan(s string) (Fen, error) {
	whole, cents, dotted := strings.Cut(s, ".")
	if whole == "" || (dotted && (cents == "" || len(cents) > 2)) {
		return 0, ErrAmount
	}
	return ParseFen(whole + cents + "00"[:2-len(cents)])
}

// ParseFen reads an amount in fen: digits and nothing else. Errors as for
// ParseYuan.
func ParseFen(s string) (Fen, error) {
	if s == "" {
		return 0, ErrAmount
	}
	var n Fen
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return 0, ErrAmount
		}
		if n <= MaxAmount { // and so cannot overflow
			n = n*10 + Fen(c-'0')
		}
	}
	if n > MaxAmount {
		return 0, ErrTooMuch
	}
	return n, nil
}

// Add returns a+b and whether the sum fits in an int64.
func (f Fen) Add(g Fen) (Fen, bool) {
	if (g > 0 && f > math.MaxInt64-g) || (g < 0 && f < math.MinInt64-g) {
		return 0, false
	}
	return f + g, true
}

// AccountKind names what an account stands for (spec: books per holder and
// system).
type AccountKind string

// The accounts. Liabilities grow by credit, assets by debit.
const (
	WxClearing  AccountKind = "wx_clearing"  // asset: paid by WeChat, not yet settled to the bank
	Bank        AccountKind = "bank"         // asset: the school's bank account
	Opening     AccountKind = "opening"      // asset: money on cards when the books were opened
	SubsidyFund AccountKind = "subsidy_fund" // asset: the money behind grants
	Pending     AccountKind = "pending"      // liability: owed to a holder, claimable; owner = person id
	InFlight    AccountKind = "inflight"     // liability: authorised, or of unknown outcome; owner = person id
	Float       AccountKind = "float"        // liability: believed on a chip; owner = campus card id
	MerchantDue AccountKind = "merchant"     // liability: owed to a merchant; owner = merchant id
	Suspense    AccountKind = "suspense"     // either: surplus or shortage under investigation
)

// Account is one place money can be. Owner is 0 for accounts of the system.
type Account struct {
	Kind  AccountKind
	Owner int64
}

// Posting moves Amount (fen, always positive) from Debit to Credit. Ref is
// its business identity and unique for ever: "topup:OUT_TRADE_NO",
// "surplus:OUT_TRADE_NO", "hold:CLAIM:TRANSFER", "post:CLAIM:TRANSFER",
// "void:CLAIM:TRANSFER", "refund-hold:", "refund-post:" and "refund-void:"
// with the refund's number, "subsidy:BATCH:PERSON_ID", "correction:TERMINAL:SEQ",
// "opening:CARD_NO". The same act twice meets the unique index.
type Posting struct {
	Ref    string
	Debit  Account
	Credit Account
	Amount Fen
}
