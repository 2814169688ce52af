// Package terminal plays what stands on the campus: a card with a chip (Chip), a self-service machine (Kiosk), a till
// (POS), and the signed HTTP calls both make to the server (Client). The sandbox and end-to-end tests drive them; a load
// test uses Client alone. The chip is the truth about the money on the card, whatever the server believes; the machines'
// journals are the truth about what was written and sold while nobody could be asked.
//
// Client follows the published terminal API (JSON, problem+json, XIAOKA-HMAC-SHA256) and shares no code with the server.
// Not simulated: the card's own keys and codes (MAC1, MAC2, TAC) and M1 cards; counters alone carry the evidence, as in
// the chip object of the API.
package terminal

import (
	"errors"
	"fmt"
	"sync"
)

// What a reader can report.
var (
	ErrNoCard       = errors.New("terminal: no card in the field")
	ErrInUse        = errors.New("terminal: card is in another reader")
	ErrTorn         = errors.New("terminal: card left the field during the write, outcome unknown")
	ErrOutOfStep    = errors.New("terminal: card refused the load: counter or balance is not the one it was made for")
	ErrInsufficient = errors.New("terminal: not enough money on the card")
	ErrAmount       = errors.New("terminal: amount must be above 0 fen")
)

// ChipState is what a reader reads off a card: the counter of loads, the counter of purchases, and the money on it.
type ChipState struct {
	LoadSeq    int64 `json:"load_seq"`
	SpendSeq   int64 `json:"spend_seq"`
	BalanceFen int64 `json:"balance_fen"`
}

// Expected is what a chip must hold after a load.
type Expected struct {
	LoadSeq    int64 `json:"load_seq"`
	BalanceFen int64 `json:"balance_fen"`
}

// Tear says when a card is pulled out during its next write.
type Tear string

// The moments at which a card can leave. The reader gets ErrTorn at each of the last two and cannot tell them apart.
const (
	NoTear      Tear = ""
	BeforeWrite Tear = "before_write" // nothing is written
	AfterWrite  Tear = "after_write"  // written, but the answer never reaches the reader
)

// Chip is the purse of one campus card. Its writes are atomic: money and counter change together or not at all. It is
// safe for concurrent use, and in one reader's field at most.
type Chip struct {
	cardNo string

	mu    sync.Mutex
	state ChipState
	in    bool
	tear  Tear
}

// NewChip issues a card that lies outside any reader.
func NewChip(cardNo string, s ChipState) *Chip { return &Chip{cardNo: cardNo, state: s} }

// CardNo is the number printed on the card.
func (c *Chip) CardNo() string { return c.cardNo }

// Peek tells what is on the chip although no reader holds it: for tests and for the person playing.
func (c *Chip) Peek() ChipState {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// PutIn brings the card into a reader's field, or returns ErrInUse.
func (c *Chip) PutIn() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.in {
		return ErrInUse
	}
	c.in = true
	return nil
}

// PullOut takes the card out of the field; out already is fine.
func (c *Chip) PullOut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.in = false
}

// TearAt makes the next write go wrong in that way, once.
func (c *Chip) TearAt(t Tear) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tear = t
}

// Read returns what is on the chip, or ErrNoCard.
func (c *Chip) Read() (ChipState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.in {
		return ChipState{}, ErrNoCard
	}
	return c.state, nil
}

// WriteLoad credits the purse and counts one load, if that leads to exactly the expected state: a load is made for one
// counter value and is worthless at any other. It returns ErrOutOfStep, ErrAmount or ErrNoCard without writing, and
// ErrTorn after one of the ways of Tear.
func (c *Chip) WriteLoad(amountFen int64, want Expected) (ChipState, error) {
	return c.write(func(s ChipState) (ChipState, error) {
		if amountFen <= 0 {
			return s, ErrAmount
		}
		s.LoadSeq++
		s.BalanceFen += amountFen
		if s.LoadSeq != want.LoadSeq || s.BalanceFen != want.BalanceFen {
			return s, fmt.Errorf("%w: would be load %d with %d fen, not load %d with %d",
				ErrOutOfStep, s.LoadSeq, s.BalanceFen, want.LoadSeq, want.BalanceFen)
		}
		return s, nil
	})
}

// Spend debits the purse and counts one purchase. It returns ErrInsufficient, ErrAmount or ErrNoCard without writing,
// and ErrTorn after one of the ways of Tear.
func (c *Chip) Spend(amountFen int64) (ChipState, error) {
	return c.write(func(s ChipState) (ChipState, error) {
		switch {
		case amountFen <= 0:
			return s, ErrAmount
		case amountFen > s.BalanceFen:
			return s, ErrInsufficient
		}
		s.SpendSeq++
		s.BalanceFen -= amountFen
		return s, nil
	})
}

func (c *Chip) write(change func(ChipState) (ChipState, error)) (ChipState, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.in {
		return ChipState{}, ErrNoCard
	}
	after, err := change(c.state)
	if err != nil {
		return c.state, err
	}
	tear := c.tear
	c.tear = NoTear
	if tear == BeforeWrite {
		c.in = false
		return ChipState{}, ErrTorn
	}
	c.state = after
	if tear == AfterWrite {
		c.in = false
		return ChipState{}, ErrTorn
	}
	return after, nil
}
