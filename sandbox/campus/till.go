package campus

import (
	"context"
	"errors"
	"sync"
	"time"

	"xiaoka/sandbox/terminal"
)

// Display is what a till shows.
type Display struct {
	Terminal  string `json:"terminal"`
	Location  string `json:"location"`
	Merchant  string `json:"merchant"`
	Online    bool   `json:"online"`
	Waiting   int    `json:"waiting"`   // sales the server does not have yet
	Blacklist int64  `json:"blacklist"` // version of its list of lost cards

	// The last card: what was taken, what was loaded in passing, what is left on it. Problem, if any, says why nothing
	// was taken; then AmountFen is what was asked for.
	Sold       bool   `json:"sold"`
	AmountFen  int64  `json:"amount_fen,omitempty"`
	ClaimedFen int64  `json:"claimed_fen,omitempty"`
	LeftFen    int64  `json:"left_fen,omitempty"`
	Problem    string `json:"problem,omitempty"`
}

// Till is one till: terminal.POS with a display. It is the same for everybody who looks at it.
type Till struct {
	terminal Terminal
	pos      *terminal.POS
	changed  func()
	save     func() // keeps chips and what the till must not forget

	mu      sync.Mutex
	last    Display
	listed  int64     // version of the blacklist
	fetched time.Time // when it was last asked for
}

func newTill(t Terminal, client *terminal.Client, s terminal.Store) *Till {
	return &Till{terminal: t, pos: terminal.NewPOS(client, t.Merchant, s)}
}

// Display returns what the till shows now.
func (t *Till) Display() Display {
	t.mu.Lock()
	defer t.mu.Unlock()
	d := t.last
	d.Terminal, d.Location, d.Merchant = t.terminal.ID, t.terminal.Location, t.terminal.Merchant
	d.Online, d.Waiting, d.Blacklist = t.pos.Online(), len(t.pos.Store().Queue), t.listed
	return d
}

// listAge is how old a till's list of lost cards may become.
const listAge = 30 * time.Second

// Swipe holds a card at the till and sells for amountFen; pull makes the card leave at the first write. How it
// went is on the display.
func (t *Till) Swipe(ctx context.Context, chip *terminal.Chip, amountFen int64, pull terminal.Tear) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	t.refresh(ctx, listAge)
	chip.TearAt(pull)
	swipe, err := t.pos.Swipe(ctx, chip, amountFen)
	chip.TearAt(terminal.NoTear)
	t.save()
	t.show(Display{Sold: err == nil, AmountFen: amountFen, ClaimedFen: swipe.ClaimedFen, LeftFen: swipe.BalanceLeft, Problem: tillProblem(err)})
}

// SetOnline plugs the network in or out; back on it, the till uploads and asks for the list.
func (t *Till) SetOnline(ctx context.Context, online bool) {
	t.pos.SetOnline(online)
	if online {
		t.Upload(ctx)
		t.refresh(ctx, 0)
	}
	t.changed()
}

// Upload sends what waits, if the till is on the network. What the server does not answer goes on waiting.
func (t *Till) Upload(ctx context.Context) {
	store := t.pos.Store()
	if !t.pos.Online() || len(store.Queue)+len(store.Confirms) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := t.pos.Upload(ctx); err == nil {
		t.save()
		t.changed()
	}
}

// refresh asks for the list of lost cards if the one here is older than age. An old list is better than none.
func (t *Till) refresh(ctx context.Context, age time.Duration) {
	t.mu.Lock()
	stale := time.Since(t.fetched) >= age
	t.mu.Unlock()
	if !stale || !t.pos.Online() {
		return
	}
	version, err := t.pos.RefreshBlacklist(ctx)
	if err != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.listed, t.fetched = version, time.Now()
}

func (t *Till) show(d Display) {
	t.mu.Lock()
	t.last = d
	t.mu.Unlock()
	t.changed()
}

// tillProblem is the code that the display puts into words.
func tillProblem(err error) string {
	switch {
	case err == nil:
		return ""
	case errors.Is(err, terminal.ErrBlacklisted):
		return "card_lost"
	case errors.Is(err, terminal.ErrInsufficient):
		return "insufficient"
	case errors.Is(err, terminal.ErrTorn), errors.Is(err, terminal.ErrNoCard):
		return "torn"
	case errors.Is(err, terminal.ErrInUse):
		return "card_elsewhere"
	case errors.Is(err, terminal.ErrAmount):
		return "amount"
	}
	return problem(err)
}

// Tills returns the tills that have a secret.
func (c *Campus) Tills() []*Till {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]*Till(nil), c.tills...)
}

// Till returns the till of a terminal; false if there is none.
func (c *Campus) Till(id string) (*Till, bool) {
	for _, t := range c.Tills() {
		if t.terminal.ID == id {
			return t, true
		}
	}
	return nil, false
}
