package wechatpay

import (
	"errors"
	"fmt"
	"slices"
	"time"
)

// Point names a place where a Fault can strike.
type Point string

// The calls of the merchant, and the notifications.
const (
	AtJSAPI        Point = "jsapi"
	AtNative       Point = "native"
	AtQuery        Point = "query"
	AtClose        Point = "close"
	AtRefund       Point = "refund"
	AtRefundQuery  Point = "refund_query"
	AtCertificates Point = "certificates"
	AtTradeBill    Point = "tradebill"
	AtFundFlowBill Point = "fundflowbill"
	AtBillDownload Point = "billdownload"
	AtNotify       Point = "notify"
	AtRefundNotify Point = "refund_notify"
)

// Kind names what a Fault does.
type Kind string

// Faults of the merchant's calls (every Point but the two notify ones).
const (
	FaultError     Kind = "error"          // answer Status and Code without executing; signed
	FaultForged    Kind = "forged_error"   // the same, unsigned
	FaultGateway   Kind = "bad_gateway"    // 502 with an HTML page, not executed
	FaultReset     Kind = "reset"          // connection closed before executing
	FaultLost      Kind = "lost"           // executed, connection closed instead of an answer; of a notification: never sent
	FaultSlow      Kind = "slow"           // executed, answered after Delay
	FaultDrip      Kind = "drip"           // executed, the body comes a byte every Delay
	FaultHuge      Kind = "huge"           // 200 with 64 MiB of body, not executed
	FaultRedirect  Kind = "redirect"       // 302 to Location, not executed
	FaultPretend   Kind = "pretend"        // close only: answers 204, the order stays open
	FaultPaidFirst Kind = "paid_first"     // order calls: paid and notified before the answer goes out
	FaultBillBomb  Kind = "bill_bomb"      // the file unpacks to a gigabyte
	FaultBillHash  Kind = "bill_hash"      // wrong hash_value
	FaultBillCut   Kind = "bill_truncated" // the last bytes of the file are missing
	FaultBillBOM   Kind = "bill_bom"       // a byte order mark before the file
	FaultBillCRLF  Kind = "bill_crlf"      // lines end in CRLF
	FaultBillExtra Kind = "bill_extra"     // a payment that nobody here made
	FaultBillMiss  Kind = "bill_missing"   // the first detail row left out
	FaultBillTwice Kind = "bill_twice"     // the first detail row twice
	FaultBillWrong Kind = "bill_wrong"     // the first detail row is one fen off
	FaultBillOrder Kind = "bill_columns"   // columns in another order, one more of them
)

// Faults of notifications (AtNotify, AtRefundNotify). Those of the signature also fit the merchant's calls, where they
// spoil the answer after executing.
const (
	FaultBadSignature  Kind = Kind(SignBad)
	FaultSignTest      Kind = Kind(SignTest)
	FaultUnknownSerial Kind = Kind(SignUnknownSerial)
	FaultUnsigned      Kind = Kind(SignNone)
	FaultStale         Kind = "stale"   // Wechatpay-Timestamp 301 s back
	FaultFuture        Kind = "future"  // Wechatpay-Timestamp 301 s ahead
	FaultTwice         Kind = "twice"   // two copies at once
	FaultLate          Kind = "late"    // first copy only after Delay
	FaultAlter         Kind = "alter"   // Alter overrides fields of the resource
	FaultWrongKey      Kind = "bad_key" // sealed with another APIv3 key
)

// Fault is something that goes wrong on purpose. The control API takes it as JSON.
type Fault struct {
	Point      Point          `json:"point"` // empty = every call of the merchant, no notification
	Kind       Kind           `json:"kind"`
	OutTradeNo string         `json:"out_trade_no,omitempty"` // only this order; empty = any
	Times      int            `json:"times,omitempty"`        // how often; 0 = until ClearFaults
	Delay      time.Duration  `json:"delay,omitempty"`        // nanoseconds in JSON, never scaled
	Status     int            `json:"status,omitempty"`       // FaultError: default the code's own
	Code       string         `json:"code,omitempty"`         // FaultError: default SYSTEM_ERROR
	Location   string         `json:"location,omitempty"`     // FaultRedirect
	Alter      map[string]any `json:"alter,omitempty"`        // FaultAlter: {"amount.total": 1, "mchid": "…"}
}

// ErrBadFault says that a Fault can never strike where it is meant to.
var ErrBadFault = errors.New("wechatpay: fault does not fit its point")

var (
	signatureKinds = []Kind{FaultBadSignature, FaultSignTest, FaultUnknownSerial, FaultUnsigned, FaultStale, FaultFuture, FaultLost}
	noticeKinds    = append(signatureKinds[:len(signatureKinds):len(signatureKinds)], FaultTwice, FaultLate, FaultAlter, FaultWrongKey)
	callKinds      = append(signatureKinds[:len(signatureKinds):len(signatureKinds)],
		FaultError, FaultForged, FaultGateway, FaultReset, FaultSlow, FaultDrip, FaultHuge, FaultRedirect)
	billKinds = []Kind{FaultBillBomb, FaultBillHash, FaultBillCut, FaultBillBOM, FaultBillCRLF, FaultBillExtra, FaultBillMiss,
		FaultBillTwice, FaultBillWrong, FaultBillOrder}
)

func (f Fault) fits() bool {
	switch f.Point {
	case AtNotify, AtRefundNotify:
		return slices.Contains(noticeKinds, f.Kind)
	case AtTradeBill:
		return slices.Contains(callKinds, f.Kind) || slices.Contains(billKinds, f.Kind)
	case AtClose:
		return slices.Contains(callKinds, f.Kind) || f.Kind == FaultPretend
	case AtJSAPI, AtNative:
		return slices.Contains(callKinds, f.Kind) || f.Kind == FaultPaidFirst
	case "", AtQuery, AtRefund, AtRefundQuery, AtCertificates, AtFundFlowBill, AtBillDownload:
		return slices.Contains(callKinds, f.Kind)
	}
	return false
}

// Inject adds a fault. Faults of one place strike in the order of their injection, one at a time. It returns ErrBadFault
// for a point that does not exist or a kind that makes no sense there.
func (s *Server) Inject(f Fault) error {
	if !f.fits() || f.Times < 0 || f.Delay < 0 {
		return fmt.Errorf("%w: %q at %q", ErrBadFault, f.Kind, f.Point)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, f)
	return nil
}

// Faults lists what is still to strike, with what is left of Times.
func (s *Server) Faults() []Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.faults)
}

// ClearFaults makes the simulator well-behaved again.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// strike takes the fault that is due at a point for an order, if any: its zero value is none.
func (s *Server) strike(p Point, outTradeNo string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		everyCall := f.Point == "" && p != AtNotify && p != AtRefundNotify
		if f.Point != p && !everyCall || f.OutTradeNo != "" && f.OutTradeNo != outTradeNo {
			continue
		}
		switch f.Times {
		case 0:
		case 1:
			s.faults = slices.Delete(s.faults, i, i+1)
		default:
			s.faults[i].Times--
		}
		return f
	}
	return Fault{}
}
