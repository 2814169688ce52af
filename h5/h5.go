// Package h5 serves the pages for phones under /h5/. A member enters through
// WeCom OAuth and from then on acts with a session cookie; whatever an address
// says, a page shows and moves only what belongs to the session's person.
//
// [New] takes everything it needs in one [Config]; cmd/xiaoka mounts the
// [Pages] at /h5/. The database is the truth for people, sessions, money and
// orders, WeChat Pay (behind [Payments]) for whether one was paid: a page asks
// and shows, it never settles. Handlers return an error and render in one
// place turns it into a friendly page, or into problem+json for the addresses
// that scripts read. The list in routes.go is the table of contents.
package h5

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

// Config is what New needs. Times and randomness have defaults, Newcomers,
// LossCards, Charts and Spoken may be nil, the rest is required.
type Config struct {
	PublicURL string // https://card.example.edu.cn, no trailing slash
	OAuthURL  string // https://open.weixin.qq.com
	CorpID    string
	AgentID   int // of the card app, whose trusted domain PublicURL is

	Amounts    []ledger.Fen  // offered for a top-up, at least one
	Min, Max   ledger.Fen    // of one top-up, inclusive
	MaxBalance ledger.Fen    // on the chip at most; what goes beyond stays pending; 0 = not said
	Expire     time.Duration // how long an unpaid order lives

	RequireOwnPassword bool           // the initial query password leads to its change before anything else
	Location           *time.Location // in which times are shown; default time.Local

	Store     Store
	States    States
	Members   Members
	Codes     Codes
	Passwords Passwords
	Payments  Payments
	Newcomers Newcomers // nil = members who are not on record are sent elsewhere
	LossCards LossCards // nil = the card in the chat stays as it is
	Charts    *Charts   // nil = no pictures for template cards

	// Spoken is the language that the chat last answered a member in, empty when
	// it has not lately; nil = there is no chat to go by.
	Spoken func(ctx context.Context, userID string) ledger.Lang

	Now  func() time.Time // default time.Now
	Rand io.Reader        // default crypto/rand.Reader
	Log  *slog.Logger     // default slog.Default
}

// Store is the part of the database the pages need. Its errors are ledger
// sentinels.
type Store interface {
	PersonByID(ctx context.Context, id int64) (ledger.Person, error)
	PersonByUserID(ctx context.Context, userID string) (ledger.Person, error)
	SetLang(ctx context.Context, personID int64, lang ledger.Lang) error
	SetOpenID(ctx context.Context, personID int64, openID string) error
	SetMessageStyle(ctx context.Context, personID int64, s ledger.MessageStyle) error
	MarkVerified(ctx context.Context, personID int64, at time.Time) error
	BindCard(ctx context.Context, personID int64, at time.Time) error
	PasswordState(ctx context.Context, personID int64, now time.Time) (initial bool, lockedUntil time.Time, err error)
	CodeAwaited(ctx context.Context, personID int64, p ledger.Purpose, now time.Time) (sent ledger.Channel, wait time.Duration, err error)

	Balance(ctx context.Context, personID int64, now time.Time) (ledger.Balance, error)
	Transfers(ctx context.Context, personID int64, limit int, now time.Time) ([]ledger.Transfer, error)
	Statement(ctx context.Context, personID int64, month ledger.Month, now time.Time) (ledger.Statement, error)
	StatementBetween(ctx context.Context, personID int64, from, to time.Time) (ledger.Statement, error)
	Order(ctx context.Context, personID int64, outTradeNo string) (ledger.Order, error)
	BeginRefund(ctx context.Context, personID int64, transferID string, now time.Time) (ledger.Refund, error)

	ReportLoss(ctx context.Context, personID int64, now time.Time) (ledger.LossReport, error)
	CancelLoss(ctx context.Context, personID int64, now time.Time) (ledger.LossReport, error)
	LossState(ctx context.Context, personID int64) (ledger.LossReport, error)
	SpentAfterLoss(ctx context.Context, personID int64, receipt string) ([]ledger.SpentAfterLoss, error)
	Unbind(ctx context.Context, personID int64, now time.Time) error
	AuditOf(ctx context.Context, personID int64, limit int) ([]ledger.AuditEntry, error)
	PushSettings(ctx context.Context, personID int64) ([]ledger.PushSetting, error)
	SetPush(ctx context.Context, personID int64, kind ledger.EventKind, on bool) error
	SetLowBalance(ctx context.Context, personID int64, threshold ledger.Fen) error

	CreateSession(ctx context.Context, s ledger.Session) error
	Session(ctx context.Context, tokenHash []byte, now time.Time) (ledger.Session, error)
	EndSession(ctx context.Context, tokenHash []byte) error
	EndSessions(ctx context.Context, personID int64, exceptTokenHash []byte) error
}

// States keeps the OAuth states, for minutes.
type States interface {
	Put(ctx context.Context, key, value string, ttl time.Duration) error
	// Take returns the value and removes it in one step; ErrNotFound of
	// ledger when there is none or it has expired.
	Take(ctx context.Context, key string) (string, error)
}

// Members is what the pages ask WeCom. Errors are those below, or what went
// wrong on the way.
type Members interface {
	// UserInfo exchanges an OAuth code for the member's userid; ErrOAuthCode
	// or ErrNotMember.
	// https://developer.work.weixin.qq.com/document/path/91023
	UserInfo(ctx context.Context, code string) (userID string, err error)
	// OpenID is the member's under the corp's appid; ErrNoOpenID.
	// https://developer.work.weixin.qq.com/document/path/90202
	OpenID(ctx context.Context, userID string) (string, error)
}

// Errors of Members.
var (
	// ErrOAuthCode: unknown, expired or used (40029, 42003, 42022).
	ErrOAuthCode = errors.New("the OAuth code cannot be used")
	// ErrNotMember: WeCom answered with an openid, no userid of this corp.
	ErrNotMember = errors.New("not a member of the corp")
	// ErrNoOpenID: the member never bound WeChat (43004); a QR code serves.
	ErrNoOpenID = errors.New("the member has no openid")
)

// Codes is what the pages need of identity.Codes.
type Codes interface {
	Addresses(p ledger.Person) []identity.Address
	Send(ctx context.Context, p ledger.Person, channel ledger.Channel, purpose ledger.Purpose) (masked string, err error)
	Check(ctx context.Context, personID int64, purpose ledger.Purpose, code string) error
}

// Passwords is what the pages need of identity.Passwords.
type Passwords interface {
	Verify(ctx context.Context, personID int64, pin string) (initial bool, err error)
	Set(ctx context.Context, person ledger.Person, pin string) error
}

// Payments is the way to WeChat Pay. An error with a Code() string is one the
// payer can be told about: already_paid, order_closed, payment_in_progress,
// try_later, no_openid, payment_refused.
type Payments interface {
	// Create records the wish to top up the person's card, payable until
	// expire from now.
	Create(ctx context.Context, person ledger.Person, amount ledger.Fen, expire time.Duration) (ledger.Order, error)
	// CallUp returns what the bridge needs to pay the order.
	CallUp(ctx context.Context, o ledger.Order, openID string) (CallUp, error)
	// QR returns the text of the QR code that pays the order.
	QR(ctx context.Context, o ledger.Order) (codeURL string, err error)
	// Ask asks WeChat Pay about an unpaid order, at most every few seconds.
	// Read the order again afterwards.
	Ask(ctx context.Context, o ledger.Order) error
}

// CallUp is the argument of WeixinJSBridge's getBrandWCPayRequest, signed by
// the merchant (https://pay.weixin.qq.com/doc/v3/merchant/4012791857).
type CallUp struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"`
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// Pages is the http.Handler of everything under /h5/.
type Pages struct {
	Config
	mux       *http.ServeMux
	templates *templateSet
	assets    assetSet
	secure    bool   // cookies only over https
	origin    string // scheme and host of PublicURL
}

// New checks the configuration and prepares the templates.
func New(cfg Config) (*Pages, error) {
	public, err := url.Parse(cfg.PublicURL)
	switch {
	case err != nil || public.Host == "" || strings.HasSuffix(cfg.PublicURL, "/"):
		return nil, fmt.Errorf("h5: the public address %q is not one", cfg.PublicURL)
	case cfg.Store == nil || cfg.States == nil || cfg.Members == nil ||
		cfg.Codes == nil || cfg.Passwords == nil || cfg.Payments == nil:
		return nil, errors.New("h5: a part is missing")
	case len(cfg.Amounts) == 0 || cfg.Min <= 0 || cfg.Max < cfg.Min || cfg.Expire <= 0:
		return nil, errors.New("h5: no amounts to top up, or no time to pay them")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	p := &Pages{
		Config: cfg,
		mux:    http.NewServeMux(),
		secure: public.Scheme == "https",
		origin: public.Scheme + "://" + public.Host,
	}
	if p.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	if p.templates, err = loadTemplates(p.assets, cfg.Location, cfg.Now); err != nil {
		return nil, err
	}
	for _, route := range Routes() {
		p.mux.Handle(strings.TrimSpace(route.Method+" "+route.Pattern), p.serve(route))
	}
	return p, nil
}

func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.mux.ServeHTTP(w, r) }
