// Package bridge is the process between a self-service machine's screen, its
// card reader and the server. `xiaoka kiosk-bridge` runs it on the machine: it
// serves the screen on loopback, signs the calls to the server with the
// terminal's secret, which never reaches the page, and alone writes cards.
//
// The chip is the truth about what is on a card, the server's books about what
// is owed, and the [Journal] here about what this machine may have written. A
// write is journalled before and after; one that the server has not heard of
// is told again until it has. Money is given back only when the chip itself
// shows that it was not written.
//
// A visit is one card on the reader. The query password is kept for as long as
// the visit lasts, in memory, and overwritten at its end: when the card
// leaves, when the holder does, or after a while without a touch.
package bridge

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"xiaoka/ledger"
)

// Signer computes the signature of a call: HMAC-SHA256 under secret over the
// other arguments, as the terminal API has it.
type Signer func(secret []byte, method, pathWithQuery, timestamp, nonce string, body []byte) []byte

// Config is what a [Bridge] lives by. Everything without a default is needed.
type Config struct {
	Server   string // the product's address, without a path
	Terminal string // as registered there
	Secret   []byte // as printed when it was registered, decoded
	Sign     Signer
	Reader   Reader
	Journal  *Journal
	Screen   http.Handler // what stands under /kiosk/

	// Idle is how long a visit lasts without a touch; default 75 s, a little
	// longer than the screen's own patience.
	Idle time.Duration
	HTTP *http.Client     // default: one with a timeout that follows no redirect
	Now  func() time.Time // default time.Now
	Log  *slog.Logger     // default slog.Default
}

// Step is how far the visit has come.
type Step string

// The steps. From Asking to Confirming the card must not be moved.
const (
	NoCard     Step = "no_card"
	CardIn     Step = "card"
	Identified Step = "identified"
	Asking     Step = "asking"
	Writing    Step = "writing"
	Confirming Step = "confirming"
)

// View is what the screen may know at any time.
type View struct {
	Terminal string `json:"terminal"`
	Step     Step   `json:"step"`
	Reader   bool   `json:"reader"` // it answers
	// Card is the end of the card's number, Balance what is on it; both only
	// while one lies there.
	Card    string     `json:"card,omitempty"`
	Balance ledger.Fen `json:"balance_fen"`
	Visit   int        `json:"visit"` // another number, another visit
	// Resolved is how a write of unknown outcome turned out, once the card is
	// back.
	Resolved Outcome `json:"resolved,omitempty"`
}

// Bridge joins screen, reader and server. Its methods are safe for concurrent
// use; acts of the holder come one at a time.
type Bridge struct {
	cfg    Config
	client *client

	acting   sync.Mutex  // one act of the holder at a time
	checking atomic.Bool // the act is the machine's own look for doubts
	reader   sync.Mutex  // one hand on the reader at a time

	mu      sync.Mutex
	view    View
	shown   View // as those who wait were last woken for
	cardNo  string
	fresh   bool // nothing was checked about this card yet
	pin     pin
	busy    Step // of an act under way, else ""
	used    time.Time
	waiting map[chan struct{}]bool // woken when the view changes
}

// New returns a bridge; [Bridge.Run] makes it live.
func New(cfg Config) *Bridge {
	if cfg.Idle <= 0 {
		cfg.Idle = 75 * time.Second
	}
	if cfg.HTTP == nil {
		cfg.HTTP = newHTTP()
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Bridge{
		cfg: cfg,
		client: &client{server: strings.TrimSuffix(cfg.Server, "/"), terminal: cfg.Terminal, secret: cfg.Secret, sign: cfg.Sign,
			http: cfg.HTTP, now: cfg.Now},
		view:    View{Terminal: cfg.Terminal, Step: NoCard, Reader: true},
		waiting: map[chan struct{}]bool{},
	}
}

const (
	watchEvery  = 250 * time.Millisecond
	replayEvery = 30 * time.Second
)

// Run watches the reader and tells the server what it has not heard, at once
// and from time to time, until ctx ends. The PIN of a visit under way is wiped
// then.
func (b *Bridge) Run(ctx context.Context) {
	var all sync.WaitGroup
	all.Go(func() { every(ctx, replayEvery, b.Replay) })
	all.Go(func() { every(ctx, watchEvery, b.watch) })
	all.Wait()
	b.End()
}

func every(ctx context.Context, pause time.Duration, act func(context.Context)) {
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for act(ctx); ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-tick.C:
			act(ctx)
		}
	}
}

// watch looks once which card lies on the reader, unless the reader is in use.
func (b *Bridge) watch(ctx context.Context) {
	if b.reader.TryLock() {
		short, cancel := context.WithTimeout(ctx, 3*time.Second)
		card, err := b.cfg.Reader.ReadCard(short)
		cancel()
		b.reader.Unlock()
		if ctx.Err() == nil {
			b.saw(card, err)
			b.checkDoubts(ctx)
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pin != nil && b.busy == "" && b.cfg.Now().Sub(b.used) > b.cfg.Idle {
		b.forget()
		b.show()
	}
}

// checkDoubts settles, once a visit, what this machine left in doubt about the
// card. While another act is under way it waits for the next look.
func (b *Bridge) checkDoubts(ctx context.Context) {
	b.mu.Lock()
	fresh, cardNo := b.fresh, b.cardNo
	b.mu.Unlock()
	if !fresh || cardNo == "" {
		return
	}
	b.checking.Store(true)
	err := b.act(ctx, "", false, func(ctx context.Context, cardNo string, _ pin) error {
		b.settleDoubts(ctx, cardNo)
		return nil
	})
	b.checking.Store(false)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fresh = b.fresh && (err != nil || b.cardNo != cardNo)
}

// saw takes in what lies on the reader. Another card, or none, ends the visit.
func (b *Bridge) saw(card Card, err error) {
	if err != nil {
		card = Card{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	reader := err == nil || errors.Is(err, ErrNoCard)
	if reader != b.view.Reader {
		b.cfg.Log.Info("reader", "answers", reader, "err", err)
	}
	b.view.Reader = reader
	if card.CardNo != b.cardNo {
		b.forget()
		b.view.Visit++
		b.view.Resolved = ""
		b.cardNo, b.fresh = card.CardNo, true
	}
	b.view.Balance = card.Chip.Balance
	b.show()
}

// forget wipes the PIN. It needs b.mu.
func (b *Bridge) forget() {
	clear(b.pin)
	b.pin = nil
}

// show works the step out and wakes whoever waits for a change. It needs b.mu.
func (b *Bridge) show() {
	b.view.Card = tail(b.cardNo)
	switch {
	case b.busy != "":
		b.view.Step = b.busy
	case b.cardNo == "":
		b.view.Step = NoCard
	case b.pin == nil:
		b.view.Step = CardIn
	default:
		b.view.Step = Identified
	}
	if b.view == b.shown {
		return
	}
	b.shown = b.view
	for c := range b.waiting {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last change
		}
	}
}

// tail is enough of a card's number to know one's own by.
func tail(cardNo string) string { return cardNo[max(0, len(cardNo)-4):] }

// View is what the screen may know now.
func (b *Bridge) View() View {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.view
}

// changes gives a channel that is signalled when the view changes, until stop.
func (b *Bridge) changes() (changed <-chan struct{}, stop func()) {
	c := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting[c] = true
	return c, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.waiting, c)
	}
}
