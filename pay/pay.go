// Package pay is everything the program knows about WeChat Pay (API v3, direct
// merchant): placing and closing orders, the payment notification, and the
// questions asked when no notification came. It alone imports wechatpay-go.
//
// Three parties start things here: the phone page creates an order and asks
// for a way to pay it ([Merchant.Create], [Merchant.CallUp], [Merchant.QR]),
// WeChat Pay posts to [Merchant.Notify], and a periodic job runs
// [Merchant.Poll]. Whether money was paid is WeChat Pay's word alone, heard by
// a verified notification or query; both end in one act of the store,
// SettleTopUp, so however often and in whatever order the word comes, the
// order is credited once. Nothing the payer's own page says settles anything.
//
// One order can need several numbers at WeChat Pay, because a number is tied
// to its channel and its parameters for ever. A number is an attempt; its row
// is written before WeChat Pay hears of it, an answer that got lost is fetched
// by the same call under the same number, and the next number is used only
// once WeChat Pay has said that the last one is closed.
package pay

import (
	"cmp"
	"context"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"xiaoka/ledger"
)

// Store is what pay needs of the books. Each method is one transaction.
type Store interface {
	CreateOrder(ctx context.Context, o ledger.Order) error
	Attempts(ctx context.Context, orderNo string) ([]ledger.Attempt, error)
	Attempt(ctx context.Context, outTradeNo string) (ledger.Attempt, error)
	CreateAttempt(ctx context.Context, a ledger.Attempt) error
	SavePrepay(ctx context.Context, outTradeNo, prepayID, codeURL string, at time.Time) error
	MarkAttempt(ctx context.Context, outTradeNo string, to ledger.AttemptState, at time.Time) error
	OpenAttempts(ctx context.Context, createdBefore time.Time, limit int) ([]ledger.Attempt, error)
	CloseOrder(ctx context.Context, orderNo string, at time.Time) error
	SettleTopUp(ctx context.Context, p ledger.Payment, now time.Time) (ledger.Settlement, error)
	RecordCase(ctx context.Context, c ledger.Case) error

	DueRefunds(ctx context.Context, now time.Time, limit int) ([]ledger.Refund, error)
	DeferRefund(ctx context.Context, outRefundNo string, until time.Time) error
	SettleRefund(ctx context.Context, w ledger.WxRefund, now time.Time) (ledger.Refund, error)
	AdoptRefund(ctx context.Context, w ledger.WxRefund, now time.Time) (ledger.Refund, error)
	Refund(ctx context.Context, outRefundNo string) (ledger.Refund, error)

	PaidBetween(ctx context.Context, from, to time.Time) ([]ledger.PaidAttempt, error)
	RefundsBetween(ctx context.Context, from, to time.Time) ([]ledger.Refund, error)
	DailyReported(ctx context.Context, day string) (bool, error)
	KeepDayReport(ctx context.Context, r ledger.DayReport, operators []string) error
}

// Config is a merchant account and where to reach WeChat Pay. Everything
// without a default is required.
type Config struct {
	MchID      string
	AppID      string // in WeCom the CorpID, bound to MchID
	SerialNo   string // of the merchant API certificate
	PrivateKey []byte // apiclient_key.pem, PKCS#8
	APIV3Key   string // 32 bytes

	// PublicKeyID and PublicKey (PEM) verify what WeChat Pay signs. Both empty:
	// its platform certificates do, fetched when first needed, again after
	// [CertificateInterval] and when an unknown serial turns up. With a public
	// key set, certificate serials are accepted as well, as the days of the
	// switch between the two need.
	PublicKeyID string
	PublicKey   []byte

	BaseURL   string // scheme and host; default https://api.mch.weixin.qq.com
	NotifyURL string // absolute, reachable by WeChat Pay, no query
	// RefundNotifyURL is NotifyURL for refunds; empty = the one set on the
	// merchant platform, if any.
	RefundNotifyURL string
	Description     string        // in the payer's bill, at most 127 characters; default 校园卡充值
	Timeout         time.Duration // of one call; default 8 s

	Min, Max ledger.Fen // what one top-up may be, inclusive

	Operators []string // WeCom userids that are told how each day compares; may be empty

	Store     Store
	Now       func() time.Time  // default time.Now
	Rand      io.Reader         // default crypto/rand
	Log       *slog.Logger      // default slog.Default
	Transport http.RoundTripper // default http.DefaultTransport
}

// Merchant is our side of one merchant account. It is safe for concurrent use
// and any number of replicas may have one.
type Merchant struct {
	cfg    Config
	client *core.Client
	files  *core.Client // for bills: large and unsigned
	keys   *keyring
	aead   cipher.AEAD

	random sync.Mutex // guards cfg.Rand

	refunding sync.Mutex

	polling  sync.Mutex
	lastPoll time.Time

	asked throttle
}

// New checks the keys and prepares the client. It does not touch the network:
// a restart while WeChat Pay is down must not take the campus card with it.
// [Merchant.Check] does.
func New(cfg Config) (*Merchant, error) {
	cfg.setDefaults()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	m := &Merchant{cfg: cfg}
	if err := m.connect(); err != nil {
		return nil, err
	}
	return m, nil
}

func (c *Config) setDefaults() {
	if c.BaseURL == "" {
		c.BaseURL = "https://" + apiHost
	}
	if c.Description == "" {
		c.Description = "校园卡充值"
	}
	if c.Timeout <= 0 {
		c.Timeout = 8 * time.Second
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Rand == nil {
		c.Rand = rand.Reader
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
}

func (c *Config) validate() error {
	var faults []error
	need := func(ok bool, what string) {
		if !ok {
			faults = append(faults, errors.New("wechatpay: "+what))
		}
	}
	need(c.MchID != "", "the merchant id is missing")
	need(c.AppID != "", "the app id is missing")
	need(c.SerialNo != "", "the serial number of the merchant certificate is missing")
	need(len(c.APIV3Key) == 32, "the APIv3 key must be 32 bytes")
	need((c.PublicKeyID == "") == (len(c.PublicKey) == 0), "the public key and its id go together")
	for _, address := range []string{c.NotifyURL, cmp.Or(c.RefundNotifyURL, c.NotifyURL)} {
		need(strings.HasPrefix(address, "http") && !strings.ContainsAny(address, "?#") && len(address) <= 255,
			"the notify addresses must be absolute and without a query")
	}
	need(utf8.RuneCountInString(c.Description) <= 127, "the description is longer than 127 characters")
	need(c.Min > 0 && c.Min <= c.Max && c.Max <= ledger.MaxAmount, "the limits of a top-up must be positive and in order")
	need(c.Store != nil, "there is no store")
	return errors.Join(faults...)
}

// beijing is the zone of WeChat Pay's days and of every time_expire: a repeat
// of an order call must be the same to the byte, so the zone is fixed.
var beijing = time.FixedZone("CST", 8*60*60)

// newNumber gives an order number nobody can guess: XK, the Beijing day, and
// 80 random bits as 16 characters of A-Z and 2-7. 26 characters leave room for
// the suffix of later attempts within WeChat Pay's 32.
func (m *Merchant) newNumber(now time.Time) (string, error) {
	var b [10]byte
	m.random.Lock()
	_, err := io.ReadFull(m.cfg.Rand, b[:])
	m.random.Unlock()
	if err != nil {
		return "", fmt.Errorf("order number: %w", err)
	}
	return "XK" + now.In(beijing).Format("20060102") + base32.StdEncoding.EncodeToString(b[:]), nil
}

// numberDay gives the Beijing day in a number of ours, ok = false for a number
// that newNumber cannot have made.
func numberDay(outTradeNo string) (day time.Time, ok bool) {
	order, suffix, attempt := strings.Cut(outTradeNo, "-")
	if len(order) != 26 || !strings.HasPrefix(order, "XK") || (attempt && strings.Trim(suffix, "0123456789") != "") {
		return time.Time{}, false
	}
	day, err := time.ParseInLocation("20060102", order[2:10], beijing)
	return day, err == nil && strings.Trim(order[10:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}
