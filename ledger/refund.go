package ledger

import (
	"errors"
	"fmt"
	"time"
)

// Refunding is the liability to a payer whose money is on its way back; owner
// = person id. A refund holds before it posts, as a claim does:
//
//	pending → refunding → wx_clearing
//	 asked      WeChat Pay says SUCCESS
//
// and back to pending when WeChat Pay says CLOSED, so that money that may be
// at the payer already can never be loaded on a chip as well. Its postings are
// "refund-hold:", "refund-post:" and "refund-void:" with the refund's number.
// The money of a payment nobody needed waits in suspense instead, where no
// terminal can take it.
const Refunding AccountKind = "refunding"

// RefundLife is how long after the payment WeChat Pay takes a refund.
// https://pay.weixin.qq.com/doc/v3/partner/4012709253
const RefundLife = 365 * 24 * time.Hour

// ErrRefundRefused: the transfer is not one that can be sent back now: it is
// being written to a chip or may have been, is claimed or on its way back
// already, was never paid by WeChat Pay, or was paid longer than RefundLife ago.
var ErrRefundRefused = errors.New("refund_refused")

// ErrUnknownRefund: no refund of ours has that number.
var ErrUnknownRefund = errors.New("unknown out_refund_no")

// RefundState is how far a refund has come.
type RefundState string

// The states of a refund. Only WeChat Pay's verified word moves one forward;
// refunded and closed are final.
const (
	RefundWanted     RefundState = "wanted"     // ours to ask for; WeChat Pay has not said that it has it
	RefundProcessing RefundState = "processing" // accepted
	RefundAbnormal   RefundState = "abnormal"   // the payer's account cannot take it; a person acts on the merchant platform
	RefundDone       RefundState = "refunded"
	RefundClosed     RefundState = "closed" // it did not happen and will not
)

// Refund sends one payment back in full. An attempt has at most one refund
// that is not closed.
type Refund struct {
	OutRefundNo     string
	OutTradeNo      string // the attempt that was paid
	OrderNo         string
	N               int    // 1, and the next one only after a close
	TransferID      string // empty for a payment that nobody needed: a second paid attempt
	PersonID        int64
	Amount          Fen
	Paid            Fen // what the attempt was paid with; a refund of ours is of the same amount
	State           RefundState
	WxTransactionID string
	WxRefundID      string
	CreatedAt       time.Time
	AcceptedAt      time.Time // by WeChat Pay; its bill lists the refund on this Beijing day
	EndedAt         time.Time
	Tries           int // questions asked of WeChat Pay so far
}

// RefundNo is the number of an attempt's n-th refund. It follows from the
// payment alone, so that whoever asks again, after a crash too, asks under the
// same number.
func RefundNo(outTradeNo string, n int) string { return fmt.Sprintf("R%d-%s", n, outTradeNo) }

// Ours tells whether we asked for the refund; otherwise somebody did on the
// merchant platform.
func (r Refund) Ours() bool { return r.OutRefundNo == RefundNo(r.OutTradeNo, r.N) }

// Final tells whether nothing more can come.
func (r Refund) Final() bool { return r.State == RefundDone || r.State == RefundClosed }

// WxRefund is what WeChat Pay says about a refund, verified, by answer,
// notification or query.
type WxRefund struct {
	OutRefundNo     string
	OutTradeNo      string
	WxRefundID      string
	WxTransactionID string
	Status          string    // PROCESSING, SUCCESS, CLOSED, ABNORMAL
	Amount          Fen       // amount.refund
	Total           Fen       // amount.total, of the payment
	CreateTime      time.Time // when WeChat Pay accepted it; zero in a notification
	SuccessTime     time.Time
	Source          string // "answer", "query", "notify"
}

// PaidAttempt is a payment in the books, to be compared with WeChat Pay's bill.
type PaidAttempt struct {
	OutTradeNo      string
	OrderNo         string
	WxTransactionID string
	AppID           string
	Amount          Fen
	PaidAt          time.Time // WeChat Pay's success_time
}

// Unclaimed is a transfer that waits, and whose it is.
type Unclaimed struct {
	Transfer
	StudentNo string
	Name      string
	CardNo    string // of the card in use; empty without one
}
