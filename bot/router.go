package bot

import (
	"context"
	"crypto/rand"
	"io"
	"log/slog"
	"strings"
	"time"

	"xiaoka/cards"
)

// Handler answers one message. It replies through c; a returned error is turned into one friendly sentence by the Router,
// so a handler returns it and does not write it.
type Handler func(ctx context.Context, c *Context) error

// Middleware wraps a handler.
type Middleware func(Handler) Handler

// UserError is an error that knows how to say itself to the person.
type UserError interface {
	error
	UserText(lang cards.Lang) string
}

// Sender is what the Router needs of a Client.
type Sender interface {
	Send(ctx context.Context, userID string, m Outgoing) (Sent, error)
	UpdateCard(ctx context.Context, userID, responseCode string, card cards.Card) error
}

// RouterConfig is what a Router needs.
type RouterConfig struct {
	App    App
	Sender Sender
	Tasks  Tasks
	// Once makes each button of a card take effect once; nil = handlers see every press.
	Once Seen

	Log  *slog.Logger     // nil = none
	Now  func() time.Time // nil = time.Now
	Rand io.Reader        // nil = crypto/rand

	// OnRefused is told of every press of a button that was not this person's to press; may be nil.
	OnRefused func(ctx context.Context, m *Message, reason string)
	// Observe is told the route, the outcome (ok, refused, error, panic) and the time of every message handled; may be nil.
	Observe func(route, outcome string, took time.Duration)
}

// Router sends each message to the handler that was registered for it. Register everything before the first message; its
// methods are not safe to call while messages come in.
type Router struct {
	cfg        RouterConfig
	middleware []Middleware
	text       Handler
	clicks     map[string]Handler
	events     map[string]Handler
	cards      map[string]Handler
	prefixes   map[string]Handler
	notFound   Handler
}

// NewRouter returns a Router without routes.
func NewRouter(cfg RouterConfig) *Router {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	return &Router{
		cfg: cfg, clicks: map[string]Handler{}, events: map[string]Handler{},
		cards: map[string]Handler{}, prefixes: map[string]Handler{},
	}
}

// Use adds middleware around every handler, the first one outermost.
func (r *Router) Use(m ...Middleware) { r.middleware = append(r.middleware, m...) }

// Text registers the handler of everything members type.
func (r *Router) Text(h Handler) { r.text = h }

// Click registers the handler of a menu item with this key.
func (r *Router) Click(key string, h Handler) { r.clicks[key] = h }

// Event registers the handler of an event by WeCom's name, for example "enter_agent"; case does not matter.
func (r *Router) Event(name string, h Handler) { r.events[strings.ToLower(name)] = h }

// CardEvent registers the handler of a card's button, menu item or submit button. A key that ends in "*" stands for every key with
// that beginning; an exact key goes before it, a longer beginning before a shorter one.
func (r *Router) CardEvent(key string, h Handler) {
	if prefix, ok := strings.CutSuffix(key, "*"); ok {
		r.prefixes[prefix] = h
		return
	}
	r.cards[key] = h
}

// NotFound registers the handler of whatever nothing else takes: pictures, unknown menu keys, unknown buttons. Unknown events
// other than these are left without an answer, because nobody asked anything.
func (r *Router) NotFound(h Handler) { r.notFound = h }
