package terminal

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Kiosk is a self-service machine: card in, password, look up, claim, write, confirm. Its journal outlives the card, the
// password and a power cut, so that a write the server never heard of can be confirmed later; it records before and
// after, as a real machine's must. A claim whose card left during the write stays in the journal as being in doubt until
// the server has seen that card's chip again.
type Kiosk struct {
	client *Client

	mu      sync.Mutex
	journal []Entry
	chip    *Chip
	pin     string
	stage   Stage
	entry   string // ClaimID of this visit's claim
}

// Stage is how far a visit at the kiosk has come.
type Stage string

// The stages in their order; every one falls back to NoCard when the card leaves.
const (
	NoCard     Stage = "no_card"
	CardIn     Stage = "card_in"
	Identified Stage = "identified" // card and password accepted
	Authorised Stage = "authorised" // leave to load, nothing written yet
	Written    Stage = "written"    // on the chip, not confirmed yet
)

// Phase is how far a claim in the journal has come.
type Phase string

// The phases of a claim. A confirmed or released one is struck out of the journal.
const (
	PhaseAsked   Phase = "asked"   // sent, no answer: the same key is to be sent again
	PhaseGranted Phase = "granted" // nothing written
	PhaseWriting Phase = "writing" // about to write; left standing, it is in doubt
	PhaseWritten Phase = "written" // proven by After; to be confirmed
)

// Entry is one claim in the journal.
type Entry struct {
	Key    string    `json:"key"` // Idempotency-Key
	CardNo string    `json:"card_no"`
	Before ChipState `json:"before"`
	Phase  Phase     `json:"phase"`
	Claim  Claim     `json:"claim,omitzero"`
	After  ChipState `json:"after,omitzero"`
}

// ErrStage says that an act does not belong to this stage of a visit.
var ErrStage = errors.New("terminal: not possible at this stage")

// NewKiosk makes a kiosk; journal is what an earlier one with the same terminal left behind, or nil.
func NewKiosk(c *Client, journal []Entry) *Kiosk {
	return &Kiosk{client: c, journal: slices.Clone(journal), stage: NoCard}
}

// Stage is where the visit is.
func (k *Kiosk) Stage() Stage {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.stage
}

// Journal lists the claims that are not settled yet, oldest first.
func (k *Kiosk) Journal() []Entry {
	k.mu.Lock()
	defer k.mu.Unlock()
	return slices.Clone(k.journal)
}

// PutIn starts a visit. It returns ErrStage while another card is in, and ErrInUse.
func (k *Kiosk) PutIn(c *Chip) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != NoCard {
		return ErrStage
	}
	if err := c.PutIn(); err != nil {
		return err
	}
	k.chip, k.stage = c, CardIn
	return nil
}

// PullOut ends the visit at whatever point and wipes what was typed. Nothing is told to the server: that the card is
// gone proves nothing about what is on it.
func (k *Kiosk) PullOut() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.leave()
}

// leave needs k.mu.
func (k *Kiosk) leave() {
	if k.chip != nil {
		k.chip.PullOut()
	}
	k.chip, k.pin, k.stage, k.entry = nil, "", NoCard, ""
}

// EnterPIN looks the account up with the query password.
func (k *Kiosk) EnterPIN(ctx context.Context, pin string) (Account, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != CardIn && k.stage != Identified {
		return Account{}, ErrStage
	}
	a, err := k.client.Lookup(ctx, k.chip.CardNo(), pin)
	if err != nil {
		return Account{}, err
	}
	k.pin, k.stage = pin, Identified
	return a, nil
}

// Claim asks for leave to load what is pending. When the answer was lost it can be called again: it then repeats the
// same question under the same key.
func (k *Kiosk) Claim(ctx context.Context) (Claim, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != Identified {
		return Claim{}, ErrStage
	}
	chip, err := k.read()
	if err != nil {
		return Claim{}, err
	}
	e, err := k.ask(chip)
	if err != nil {
		return Claim{}, err
	}
	claim, err := k.client.Claim(ctx, e.Key, e.CardNo, k.pin, chip)
	if errors.Is(err, ErrNoAnswer) {
		return Claim{}, err
	}
	// With either of these answers the server has looked at this chip, and so settled by itself what was in doubt.
	seen := err == nil || Code(err) == "nothing_pending"
	k.strike(func(x Entry) bool { return x.Key == e.Key || seen && x.CardNo == e.CardNo && x.Phase != PhaseWritten })
	if err != nil {
		return Claim{}, err
	}
	e.Phase, e.Claim = PhaseGranted, claim
	k.journal = append(k.journal, e)
	k.stage, k.entry = Authorised, claim.ClaimID
	return claim, nil
}

// ask finds the unanswered question about this very chip state, or writes a new one down.
func (k *Kiosk) ask(chip ChipState) (Entry, error) {
	for _, e := range k.journal {
		if e.Phase == PhaseAsked && e.CardNo == k.chip.CardNo() && e.Before == chip {
			return e, nil
		}
	}
	key, err := k.client.nonce()
	if err != nil {
		return Entry{}, err
	}
	e := Entry{Key: key, CardNo: k.chip.CardNo(), Before: chip, Phase: PhaseAsked}
	k.journal = append(k.journal, e)
	return e, nil
}

// Write loads the chip. ErrTorn and ErrNoCard end the visit; when the chip itself refuses, with ErrOutOfStep, the card
// is still there and the claim can be cancelled.
func (k *Kiosk) Write() (ChipState, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != Authorised {
		return ChipState{}, ErrStage
	}
	e := k.find(k.entry)
	e.Phase = PhaseWriting
	after, err := k.chip.WriteLoad(e.Claim.AmountFen, e.Claim.Expected)
	switch {
	case errors.Is(err, ErrTorn), errors.Is(err, ErrNoCard):
		k.leave()
		return ChipState{}, err
	case err != nil:
		e.Phase = PhaseGranted
		return ChipState{}, err
	}
	e.Phase, e.After = PhaseWritten, after
	k.stage = Written
	return after, nil
}

// Confirm tells the server what was written. Without an answer the journal keeps it for Replay.
func (k *Kiosk) Confirm(ctx context.Context) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != Written {
		return ErrStage
	}
	if err := k.confirm(ctx, *k.find(k.entry)); err != nil {
		return err
	}
	k.stage, k.entry = Identified, ""
	return nil
}

// Cancel gives a claim back that was not written, with the proof of the chip that is still in.
func (k *Kiosk) Cancel(ctx context.Context, reason string) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.stage != Authorised {
		return ErrStage
	}
	chip, err := k.read()
	if err != nil {
		return err
	}
	claimID := k.entry
	if _, err := k.client.Cancel(ctx, claimID, chip, reason); err != nil {
		return err
	}
	k.strike(func(e Entry) bool { return e.Claim.ClaimID == claimID })
	k.stage, k.entry = Identified, ""
	return nil
}

// Collect is Claim, Write and Confirm in one go. It returns the claim it got as far as.
func (k *Kiosk) Collect(ctx context.Context) (Claim, error) {
	claim, err := k.Claim(ctx)
	if err != nil {
		return claim, err
	}
	if _, err := k.Write(); err != nil {
		return claim, err
	}
	return claim, k.Confirm(ctx)
}

// Replay confirms every write in the journal that the server has not acknowledged, and returns how many it could. It
// stops at the first that got no answer.
func (k *Kiosk) Replay(ctx context.Context) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := 0
	var refused error
	for _, e := range slices.Clone(k.journal) {
		if e.Phase != PhaseWritten {
			continue
		}
		err := k.confirm(ctx, e)
		switch {
		case err == nil:
			n++
		case errors.Is(err, ErrNoAnswer):
			return n, err
		default:
			refused = fmt.Errorf("confirm claim %s: %w", e.Claim.ClaimID, err)
		}
	}
	if k.stage == Written && k.find(k.entry) == nil {
		k.stage, k.entry = Identified, ""
	}
	return n, refused
}

func (k *Kiosk) confirm(ctx context.Context, e Entry) error {
	if _, err := k.client.Confirm(ctx, e.Claim.ClaimID, e.After); err != nil {
		return err
	}
	k.strike(func(x Entry) bool { return x.Claim.ClaimID == e.Claim.ClaimID })
	return nil
}

// read ends the visit when the card is gone.
func (k *Kiosk) read() (ChipState, error) {
	chip, err := k.chip.Read()
	if errors.Is(err, ErrNoCard) {
		k.leave()
	}
	return chip, err
}

func (k *Kiosk) find(claimID string) *Entry {
	for i := range k.journal {
		if k.journal[i].Claim.ClaimID == claimID {
			return &k.journal[i]
		}
	}
	return nil
}

func (k *Kiosk) strike(done func(Entry) bool) {
	k.journal = slices.DeleteFunc(k.journal, done)
}
