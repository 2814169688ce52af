// Package wechatpay simulates WeChat Pay's API v3 for one direct merchant: JSAPI and Native orders, query, close,
// refunds, notifications with their repeats, platform certificates and bills. The sandbox mounts it in place of
// https://api.mch.weixin.qq.com, tests start it in one line, and whoever plays the payer (the sandbox's phone) calls
// Pay, PayCodeURL or Cancel. Within the simulation its own ledger is the truth about payments and refunds, exactly as
// WeChat Pay's is outside it.
//
// The protocol is the real one: every request is verified as WECHATPAY2-SHA256-RSA2048 over the raw request line and
// body, every answer is signed with the key that the request's Wechatpay-Serial asks for, and notifications are sealed
// with AES-256-GCM under the APIv3 key. Keys are made at start and cannot be brought along, so no production key can
// end up here. It shares no code with the product.
//
// Where the official texts leave something open (the code for ordering a paid number, for example) the choice is a
// field of Unconfirmed. Not simulated: service-provider mode, combined orders, H5 (MWEB) orders, abnormal-refund
// handling, coupons beyond payer_total, rate limits other than Config.RateLimits and an injected Fault.
//
// Facts are those of https://pay.weixin.qq.com/doc/v3/merchant/4012791869 and its neighbours.
package wechatpay

import (
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"time"

	"xiaoka/sandbox/mishap"
)

// Config describes the merchant and the temper of the simulation. The zero value is a working merchant.
type Config struct {
	MchID    string // merchant number; default 1900000001
	AppID    string // the only appid bound to it, in WeCom the CorpID; default ww0123456789abcdef
	APIv3Key string // exactly 32 of 0-9A-Za-z; default made from Rand
	Keys     *Keys  // RSA keys; default made by New, which takes some 200 ms: tests may share one set

	// APIURL is put before the path of a bill's download_url. Default https://api.mch.weixin.qq.com, as in life; the
	// client's transport that led the other calls here leads that one here too.
	APIURL string

	RequireHTTPS    bool                     // refuse notify_url with plain http, as the real service does
	KnownOpenID     func(openID string) bool // whether AppID has such an openid; nil knows every one
	NoCertificates  bool                     // a young merchant number: public key only, /v3/certificates answers 404
	NotifyWith      Signer                   // the key that signs notifications
	RefundNotifyURL string                   // where refunds without their own notify_url are told; empty = nowhere
	RateLimits      bool                     // FREQUENCY_LIMITED beyond 150 good and 6 bad refund calls and 3 fund bills a second
	BillsAtOnce     bool                     // bills of any day, today's too, at any hour; else from 10:00 the next day

	// TimeScale multiplies the waiting times of the simulation (notification repeats, RefundDelay): 0.001 turns 15 s
	// into 15 ms. 0 means 1. Validity periods follow Now instead.
	TimeScale     float64
	NotifyTimeout time.Duration // how long the receiver of a notification may take, unscaled; default 5 s
	RefundDelay   time.Duration // from accepting a refund to its outcome, scaled; default 2 s
	RefundsByHand bool          // refunds stay PROCESSING until SettleRefund

	Unconfirmed Unconfirmed
	Mishaps     *mishap.Dice // which calls and notifications go a little wrong, as the real ones do; nil: none

	Now   func() time.Time // default time.Now
	Rand  io.Reader        // everything random but the keys; default crypto/rand
	HTTP  *http.Client     // sends notifications; default one without redirects or proxy. Close drops its idle connections
	Log   *slog.Logger     // default discards
	Trace func(Exchange)   // called after every API call and delivery, from its goroutine; nil = not
}

// Unconfirmed holds what the official texts are silent about or at odds on. An empty field means the default; the HTTP
// status of a code follows from it.
type Unconfirmed struct {
	PaidNumber   string // ordering a paid out_trade_no: ORDERPAID (default) or INVALID_REQUEST
	ClosedNumber string // ordering a closed one: ORDER_CLOSED (default), OUT_TRADE_NO_USED or INVALID_REQUEST
	Reentry      string // same number, other parameters: INVALID_REQUEST (default), PARAM_ERROR or OUT_TRADE_NO_USED
	RefundAgain  string // same out_refund_no, other parameters: INVALID_REQUEST (default) or PARAM_ERROR

	RequestWindow  time.Duration // how old or early a request may be; default 5 min
	NeedHeaders    bool          // PARAM_ERROR for requests without Accept: application/json or without a User-Agent
	ClosePaid403   bool          // closing a paid order answers 403 instead of 400
	UnsignedErrors bool          // no error is signed, not only those of a wrong signature
	FreshNoticeIDs bool          // each copy of a notification has an id of its own
}

// Signer says which of WeChat Pay's two keys signs.
type Signer int

// The keys that notifications can be signed with.
const (
	ByPublicKey   Signer = iota // the key with a PUB_KEY_ID
	ByCertificate               // the platform certificate's
	ByTurns                     // one after the other, as during a merchant's switch
)

// Order is one out_trade_no as WeChat Pay sees it. Amounts are in fen, times in +08:00.
type Order struct {
	OutTradeNo    string    `json:"out_trade_no"`
	TradeType     string    `json:"trade_type"`  // JSAPI or NATIVE
	State         string    `json:"trade_state"` // NOTPAY, SUCCESS, REFUND or CLOSED
	Description   string    `json:"description"`
	Attach        string    `json:"attach,omitempty"`
	NotifyURL     string    `json:"notify_url"`
	OpenID        string    `json:"openid,omitempty"` // JSAPI: the only one who can pay
	PrepayID      string    `json:"prepay_id,omitempty"`
	CodeURL       string    `json:"code_url,omitempty"`
	TotalFen      int64     `json:"total_fen"`
	PayerTotalFen int64     `json:"payer_total_fen,omitempty"` // after coupons; set once paid
	PayerOpenID   string    `json:"payer_openid,omitempty"`    // set once paid
	TransactionID string    `json:"transaction_id,omitempty"`  // set once paid
	CreatedAt     time.Time `json:"created_at"`
	ExpiresAt     time.Time `json:"expires_at"`       // time_expire after WeChat Pay's own limits
	PaidAt        time.Time `json:"paid_at,omitzero"` // success_time
	Cancelled     int       `json:"cancelled,omitempty"`
}

// Refund is one out_refund_no. Amounts are in fen, times in +08:00.
type Refund struct {
	OutRefundNo   string    `json:"out_refund_no"`
	RefundID      string    `json:"refund_id"`
	OutTradeNo    string    `json:"out_trade_no"`
	TransactionID string    `json:"transaction_id"`
	Status        string    `json:"status"` // PROCESSING, SUCCESS, ABNORMAL or CLOSED
	Reason        string    `json:"reason,omitempty"`
	NotifyURL     string    `json:"notify_url,omitempty"`
	RefundFen     int64     `json:"refund_fen"`
	TotalFen      int64     `json:"total_fen"`
	CreatedAt     time.Time `json:"created_at"`
	SuccessAt     time.Time `json:"success_at,omitzero"`
}

// BridgeParams is what a page hands to WeixinJSBridge's getBrandWCPayRequest. All values are strings on the wire.
type BridgeParams struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"` // Unix seconds
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"` // prepay_id=…
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// PayOptions alters a payment. The zero value pays the full amount.
type PayOptions struct {
	PayerTotal int64  // fen after coupons, 1 to the order's amount; 0 = the order's amount
	BankType   string // default OTHERS
	Late       bool   // pay although the order is closed or expired: the race that a close can lose
	Wait       bool   // return only after the first copy of the notification was answered, or the context ended
}

// Delivery is one copy of one notification: what was sent, and what the merchant said.
type Delivery struct {
	ID          string        `json:"id"` // the notification's EV-… number, kept over its copies
	EventType   string        `json:"event_type"`
	OutTradeNo  string        `json:"out_trade_no,omitempty"`
	OutRefundNo string        `json:"out_refund_no,omitempty"`
	URL         string        `json:"url"`
	Copy        int           `json:"copy"` // 1 for the first
	At          time.Time     `json:"at"`
	Took        time.Duration `json:"took"`
	Status      int           `json:"status"` // 0 without an answer
	Answer      string        `json:"answer,omitempty"`
	Err         string        `json:"err,omitempty"`
	Header      http.Header   `json:"header"`
	Body        []byte        `json:"-"`              // exactly the bytes sent
	Plain       []byte        `json:"-"`              // the resource before it was sealed
	Note        string        `json:"note,omitempty"` // what Config.Mishaps did to it on purpose

	close bool
}

// OK reports whether the receiver took the notification: 200 or 204.
func (d Delivery) OK() bool { return d.Status == http.StatusOK || d.Status == http.StatusNoContent }

// RawNotification is a notification made to measure. The zero value of everything but Plain and URL gives a correct
// one; each other field makes it wrong in one way.
type RawNotification struct {
	Plain        []byte // the resource before sealing, normally JSON; see Server.TransactionJSON
	URL          string // where to; empty = the notify_url of the order that Plain names
	ID           string // default a fresh EV- number
	EventType    string // default TRANSACTION.SUCCESS
	OriginalType string // default transaction, for REFUND. events refund

	Signature   Signature     // how the signature is spoilt
	SignedBy    Signer        // ByPublicKey (default) or ByCertificate
	Skew        time.Duration // added to Wechatpay-Timestamp
	OmitHeader  string        // leave this header out
	APIv3Key    string        // seal with this key instead
	Algorithm   string        // default AEAD_AES_256_GCM
	ClaimAAD    string        // associated_data written into the envelope although "transaction" sealed it
	ClaimNonce  string        // nonce written into the envelope although another sealed it; any length
	BreakTag    bool          // flip a bit of the ciphertext's tag
	NoResource  bool          // envelope without resource, signed correctly
	Envelope    []byte        // send exactly this body, signed correctly; Plain is then ignored
	AfterSigned []byte        // appended to the body after signing

	created time.Time  // create_time; zero = now
	stir    *rand.Rand // puts the envelope's fields into another order
	close   bool       // the connection is not kept
}

// Signature says what is done to the signature of a notification or an answer.
type Signature string

// The ways to sign.
const (
	SignGood          Signature = ""
	SignBad           Signature = "bad_signature"  // made over another text
	SignTest          Signature = "signtest"       // WeChat Pay's own probe: WECHATPAY/SIGNTEST/…
	SignUnknownSerial Signature = "unknown_serial" // names a key that nobody has
	SignNone          Signature = "unsigned"       // no Wechatpay headers at all
)

// Exchange is one HTTP call that the simulator answered or made, for an inspector.
type Exchange struct {
	At             time.Time     `json:"at"`
	Took           time.Duration `json:"took"`
	Outgoing       bool          `json:"outgoing"` // a notification; else a merchant's call
	Method         string        `json:"method"`
	URL            string        `json:"url"` // path and query of a call, the whole address of a notification
	Status         int           `json:"status"`
	RequestHeader  http.Header   `json:"request_header"`
	Request        string        `json:"request"`
	ResponseHeader http.Header   `json:"response_header,omitempty"`
	Response       string        `json:"response"`
	Plain          string        `json:"plain,omitempty"` // the resource of a notification before sealing
	Note           string        `json:"note,omitempty"`  // what Config.Mishaps did to it on purpose
}
