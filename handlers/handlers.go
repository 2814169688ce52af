// Package handlers is what the two apps say: 企业小助手 ([Apps.Assistant])
// proves who a member is, 校园一卡通 ([Apps.Card]) answers about the campus
// card, and [Push] tells people what happened. cmd/xiaoka gives each app its
// bot.Router to register on.
//
// A handler is an ask: it reads the store, which is the truth, and replies
// with one of cards' templates; no money moves and no campus card changes its
// state here, which the pages do. The
// tables in assistant.go and card.go are the contents; each ask has its file,
// words.go every sentence that is not on a template. What a member types is
// read by handlers/intent and never logged or stored, because it may be a
// code or a password.
package handlers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// Names of the two apps, as bot.App.Name has them.
const (
	AssistantApp = "assistant" // 企业小助手
	CardApp      = "card"      // 校园一卡通
)

// Config is what New needs. Store, Codes, Pace, Understand and PublicURL are
// required.
type Config struct {
	Store      Store
	Codes      Codes
	Pace       Pace
	Understand Understand

	PublicURL string        // https://card.example.edu.cn, no trailing slash; the pages are below /h5/
	CodeTTL   time.Duration // how long a code is valid, to say so

	Amounts  []ledger.Fen // offered for a top-up
	Min, Max ledger.Fen   // of one top-up, inclusive

	// Presses keeps the press that led to a loss report; nil = its card is not
	// updated once the report is accepted.
	Presses Presses

	// RequireOwnPassword: a holder who still has the initial query password is
	// led to choosing an own one before anything else. Otherwise they are
	// answered, with a reminder each time.
	RequireOwnPassword bool

	// MaxBalance is what a card may hold at most: what goes beyond stays
	// pending; 0 = not said.
	MaxBalance ledger.Fen

	// Quiet tells until when the quiet hours last that hold at t, which is in
	// Zone; the zero time when none do. nil = there are none.
	Quiet func(t time.Time) time.Time

	// Chart gives the address of a picture of a person's month, twice as wide
	// as high, that can be fetched without a session for some weeks from at;
	// the same three give the same address. nil = there is none.
	Chart func(personID int64, month ledger.Month, at time.Time) string

	Contact Contact
	Zone    *time.Location   // in which times are shown; nil = Asia/Shanghai
	Now     func() time.Time // nil = time.Now
	Log     *slog.Logger     // nil = none
}

// Contact is where people help. An empty field is not mentioned.
type Contact struct {
	Office   Words   // 一卡通受理中心
	Phone    string  // of the office
	Hours    Words   // when it is open
	Machines []Words // where the self-service machines stand
}

// Words is one text in both languages; an empty En shows Zh.
type Words struct{ Zh, En string }

// Store is the part of the database the asks need. Its errors are ledger
// sentinels.
type Store interface {
	PersonByUserID(ctx context.Context, userID string) (ledger.Person, error)
	PersonByID(ctx context.Context, id int64) (ledger.Person, error)
	PersonByStudentNo(ctx context.Context, studentNo string) (ledger.Person, error)
	// LinkMember gives the person this userid and marks the person verified, as
	// MarkVerified does, in one transaction. ErrConflict when the person is
	// verified under another userid, or the userid is another person's.
	LinkMember(ctx context.Context, personID int64, userID string, at time.Time) error
	SetLang(ctx context.Context, personID int64, lang ledger.Lang) error
	MarkVerified(ctx context.Context, personID int64, at time.Time) error
	PasswordState(ctx context.Context, personID int64, now time.Time) (initial bool, lockedUntil time.Time, err error)
	PushWanted(ctx context.Context, personID int64, kind ledger.EventKind) (bool, error)
	SetPush(ctx context.Context, personID int64, kind ledger.EventKind, on bool) error
	PushSettings(ctx context.Context, personID int64) ([]ledger.PushSetting, error)
	SetMessageStyle(ctx context.Context, personID int64, style ledger.MessageStyle) error
	SetLowBalance(ctx context.Context, personID int64, threshold ledger.Fen) error
	// MemberLeft ends every web session of the member.
	MemberLeft(ctx context.Context, userID string, at time.Time) error
	LossState(ctx context.Context, personID int64) (ledger.LossReport, error)

	Balance(ctx context.Context, personID int64, now time.Time) (ledger.Balance, error)
	PendingTransfers(ctx context.Context, personID int64, now time.Time) ([]ledger.Transfer, error)
	Transfers(ctx context.Context, personID int64, limit int, now time.Time) ([]ledger.Transfer, error)
	Movements(ctx context.Context, personID int64, limit int) ([]ledger.Movement, error)
	Statement(ctx context.Context, personID int64, month ledger.Month, now time.Time) (ledger.Statement, error)
	StatementBetween(ctx context.Context, personID int64, from, to time.Time) (ledger.Statement, error)
}

// Codes sends six-digit codes and checks them; *identity.Codes.
type Codes interface {
	Addresses(p ledger.Person) []identity.Address
	Send(ctx context.Context, p ledger.Person, channel ledger.Channel, purpose ledger.Purpose) (masked string, err error)
	Check(ctx context.Context, personID int64, purpose ledger.Purpose, code string) error
}

// Said is what a text means. Intent is one of the contract's names, "none"
// for anything not understood; Amount is 0 and Month empty when not said.
type Said struct {
	Intent string
	Amount ledger.Fen
	Month  string // YYYY-MM
	Year   bool   // the month's year was named, or is the one that is talked about
	Days   days   // a day or a few, instead of a month
	Odd    bool   // an amount was named that is none
	Huge   bool   // an amount was named beyond all that are read
	// Likely is what the text may ask for, the likeliest first: intents to ask
	// back about when there is none for certain, or when Unsure.
	Likely []string
	Unsure bool
}

// Understand reads one text. today is in the configured zone.
type Understand func(text string, today time.Time) Said

// Apps holds what both apps answer with. It is safe for concurrent use.
type Apps struct {
	Config
	link      links
	newcomers *Newcomers
	asks      map[string]ask // of the card app, by intent
}

// New checks the configuration.
func New(cfg Config) (*Apps, error) {
	public, err := url.Parse(cfg.PublicURL)
	switch {
	case err != nil || public.Host == "" || strings.HasSuffix(cfg.PublicURL, "/"):
		return nil, fmt.Errorf("handlers: the public address %q is not one", cfg.PublicURL)
	case cfg.Store == nil || cfg.Codes == nil || cfg.Pace == nil || cfg.Understand == nil:
		return nil, errors.New("handlers: a part is missing")
	case len(cfg.Amounts) == 0 || cfg.Min <= 0 || cfg.Max < cfg.Min:
		return nil, errors.New("handlers: no amounts to top up")
	}
	if cfg.Zone == nil {
		cfg.Zone = time.FixedZone("Asia/Shanghai", 8*60*60)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	a := &Apps{Config: cfg, link: links(cfg.PublicURL)}
	a.newcomers = &Newcomers{apps: a}
	a.asks = a.cardAnswers()
	return a, nil
}

// turn is one message being answered, and who sent it.
type turn struct {
	*bot.Context
	Person ledger.Person // zero: the userid is not on record
	Said   Said          // of a text; a press or a click says nothing but its ask
}

// known tells whether the member's userid is on record.
func (t *turn) known() bool { return t.Person.ID != 0 }

// ask answers one wish.
type ask func(ctx context.Context, t *turn) error

// personKey holds the sender's ledger.Person in a message's context.
type personKey struct{}

// know looks the sender up and sets the language and form of every answer.
func (a *Apps) know(next bot.Handler) bot.Handler {
	return func(ctx context.Context, c *bot.Context) error {
		p, err := a.Store.PersonByUserID(ctx, c.UserID)
		if err != nil && !errors.Is(err, ledger.ErrNotFound) {
			return err
		}
		c.Lang = a.langOf(ctx, p, c.UserID, c.Message.Content)
		c.Style = styleOf(p)
		return next(context.WithValue(ctx, personKey{}, p), c)
	}
}

// on makes a handler of an ask that was clicked or pressed.
func (a *Apps) on(answer ask) bot.Handler {
	return func(ctx context.Context, c *bot.Context) error { return answer(ctx, newTurn(ctx, c)) }
}

func newTurn(ctx context.Context, c *bot.Context) *turn {
	p, _ := ctx.Value(personKey{}).(ledger.Person)
	return &turn{Context: c, Person: p, Said: meant(c.Task, c.Message.EventKey)}
}

func styleOf(p ledger.Person) bot.Style {
	if p.MessageStyle == ledger.StyleTextCard {
		return bot.StyleTextCard
	}
	return bot.StyleCard
}

// in gives the text in a language.
func (w Words) in(lang cards.Lang) string {
	if lang == cards.En && w.En != "" {
		return w.En
	}
	return w.Zh
}
