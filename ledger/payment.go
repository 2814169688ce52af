package ledger

import (
	"errors"
	"fmt"
	"time"
)

// OrderState is what the member sees of a top-up.
type OrderState string

// The states of an order. Local time never settles one: paid comes from a
// verified notification or query, closed from WeChat Pay's own word.
const (
	OrderCreated  OrderState = "created"
	OrderPaid     OrderState = "paid"
	OrderClosed   OrderState = "closed"
	OrderRefunded OrderState = "refunded"
)

// Order is one wish to top up. It can take several payment attempts, one
// after the other, each with its own number at WeChat Pay.
type Order struct {
	OutTradeNo string // the order's own number, and the first attempt's
	PersonID   int64
	CardID     int64
	Amount     Fen
	State      OrderState
	CreatedAt  time.Time
	ExpiresAt  time.Time // an unpaid order ends here
	PaidAt     time.Time
	TransferID string // once paid
}

// PayChannel is how the payer reaches WeChat Pay.
type PayChannel string

// JSAPI pays inside WeChat or WeCom, Native by a QR code.
const (
	JSAPI  PayChannel = "jsapi"
	Native PayChannel = "native"
)

// AttemptState is the state of one number at WeChat Pay.
type AttemptState string

// Attempt states. Closing is recorded before WeChat Pay is asked to close, so
// that no new call-up is handed out meanwhile.
const (
	AttemptCreated  AttemptState = "created" // row written, order call not answered yet
	AttemptOpen     AttemptState = "open"    // prepay answered
	AttemptClosing  AttemptState = "closing"
	AttemptClosed   AttemptState = "closed"
	AttemptPaid     AttemptState = "paid"
	AttemptRefunded AttemptState = "refunded"
)

// Attempt is one number at WeChat Pay: everything the order call sends is
// stored first, so that a repeat is byte for byte the same.
type Attempt struct {
	OutTradeNo      string // WeChat Pay's out_trade_no: the order's, then …-2, …-3
	OrderNo         string // the order it belongs to
	N               int    // 1, 2, 3 …
	PersonID        int64
	Amount          Fen
	Channel         PayChannel
	AppID           string
	OpenID          string // payer, JSAPI only
	Description     string
	State           AttemptState
	PrepayID        string
	CodeURL         string
	PrepaidAt       time.Time // when PrepayID or CodeURL was answered; both live two hours
	CreatedAt       time.Time
	ExpiresAt       time.Time // time_expire, Beijing seconds
	WxTransactionID string
}

// Payment is what WeChat Pay says, verified, by notification, query or bill.
type Payment struct {
	OutTradeNo      string
	WxTransactionID string
	MchID           string
	AppID           string
	TradeType       string // JSAPI, NATIVE; another is credited, and a case
	TradeState      string // SUCCESS is the only proof of payment
	Currency        string
	Total           Fen // amount.total; what the payer paid after coupons may be less
	OpenID          string
	SuccessTime     time.Time
	Source          string // "notify", "query", "bill"
}

// Settlement tells what SettleTopUp did.
type Settlement struct {
	Order    Order
	Transfer Transfer
	// Repeat: this payment had been settled before; nothing was changed.
	Repeat bool
	// RefundDue: the order had already been paid by another attempt, or can
	// no longer be credited; this payment must go back in full.
	RefundDue bool
}

// MismatchError says that a payment was not what we ordered. It is recorded
// as a case for a person and never credited.
type MismatchError struct{ Field string }

func (e *MismatchError) Error() string {
	return fmt.Sprintf("payment differs from the order in %s", e.Field)
}

// ErrUnknownOrder: WeChat Pay names a number that is not ours.
var ErrUnknownOrder = errors.New("unknown out_trade_no")

// TransferState is where the money of a transfer is.
type TransferState string

// The states of a transfer (contract 7). InDoubt is InFlight past the time
// for its confirmation: the same money, another word.
const (
	TransferPending   TransferState = "pending"
	TransferInFlight  TransferState = "in_flight"
	TransferInDoubt   TransferState = "in_doubt"
	TransferClaimed   TransferState = "claimed"
	TransferRefunding TransferState = "refunding"
	TransferRefunded  TransferState = "refunded"
)

// Transfer is money owed to a holder until a terminal writes it to the chip.
type Transfer struct {
	ID         string
	PersonID   int64
	Kind       string // KindTopUp, KindSubsidy, KindCorrection, KindReplacement
	Title      string // what the holder reads on the machine, 微信充值
	Amount     Fen
	State      TransferState
	CreatedAt  time.Time
	ClaimedAt  time.Time
	RefundedAt time.Time
	TerminalID string // where it was or is being written
	ClaimID    string // the claim that holds or took it
}
