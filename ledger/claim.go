package ledger

import (
	"errors"
	"time"
)

// ClaimState is the state of one authorisation to write a chip.
type ClaimState string

// A claim ends exactly once, claimed or released; until then its money is in
// flight for nobody else to take.
const (
	ClaimOpen     ClaimState = "open"
	ClaimClaimed  ClaimState = "claimed"
	ClaimReleased ClaimState = "released"
)

// Errors of the claim protocol; names follow the contract's codes.
var (
	ErrCardNotFound      = errors.New("card_not_found")
	ErrCardLost          = errors.New("card_lost")
	ErrCardFrozen        = errors.New("card_frozen")
	ErrClaimNotFound     = errors.New("claim_not_found")
	ErrNothingPending    = errors.New("nothing_pending")
	ErrClaimInProgress   = errors.New("claim_in_progress")
	ErrPurseFull         = errors.New("purse_full")
	ErrChipOutOfStep     = errors.New("chip_out_of_step")
	ErrIdempotencyReused = errors.New("idempotency_key_reused")
	// ErrClaimNotHeld: it has ended, or its terminal may still be writing.
	ErrClaimNotHeld = errors.New("the claim is not for a person to decide")
)

// Claim is an authorisation: one card, one terminal visit, one amount, one or
// more whole transfers, all or nothing. Before is the chip it was given for.
type Claim struct {
	ID         string
	CardID     int64
	CardNo     string
	PersonID   int64
	TerminalID string
	Amount     Fen
	Before     Chip
	State      ClaimState
	CreatedAt  time.Time
	ExpiresAt  time.Time // after this an open claim counts as of unknown outcome
	// HeldAt: an impossible chip was seen. From then on only a proven write
	// ends the claim by itself; that nothing was written is for a person to say.
	HeldAt    time.Time
	EndedAt   time.Time
	Transfers []Transfer
}

// Expected is what the chip must show once the write has happened.
func (c Claim) Expected() Chip {
	return Chip{LoadSeq: c.Before.LoadSeq + 1, SpendSeq: c.Before.SpendSeq, Balance: c.Before.Balance + c.Amount}
}

// ClaimRequest asks for an authorisation.
type ClaimRequest struct {
	TerminalID     string
	IdempotencyKey string
	BodyHash       []byte // keyed hash of the request body; never the body, it holds the PIN
	CardNo         string
	Chip           Chip
	Now            time.Time
	Expire         time.Duration // how long the terminal has to confirm
	MaxBalance     Fen           // on the chip at most
}

// Evidence is what a chip proves about an open claim.
type Evidence int

// The three things a chip can say (spec 4.3).
const (
	Unwritten  Evidence = iota // the credit did not happen; its permit died with the visit
	Written                    // the credit happened
	Impossible                 // neither can be: another loader, a clone, a torn read; a person decides
)

// Judge reads the evidence in the chip's counters and balance against the
// state the claim was given for. Time plays no part. Once held, a chip that
// shows no write proves nothing any more.
func (c Claim) Judge(chip Chip) Evidence {
	spent := chip.SpendSeq - c.Before.SpendSeq
	switch loads := chip.LoadSeq - c.Before.LoadSeq; {
	case spent < 0 || chip.Balance < 0:
		return Impossible
	case loads == 0 && c.HeldAt.IsZero() && matches(chip.Balance, c.Before.Balance, spent):
		return Unwritten
	case loads == 1 && matches(chip.Balance, c.Before.Balance+c.Amount, spent):
		return Written
	}
	return Impossible
}

// matches: with no purchase since, the balance is exact; purchases can only
// have lowered it.
func matches(balance, want Fen, spent int64) bool {
	return balance == want || (spent > 0 && balance < want)
}

// Select takes whole transfers, oldest first, passing over one that does not
// fit in the room left for younger ones that do.
func Select(oldestFirst []Transfer, room Fen) (taken []Transfer, sum Fen) {
	for _, t := range oldestFirst {
		if next, ok := sum.Add(t.Amount); ok && next <= room {
			taken, sum = append(taken, t), next
		}
	}
	return taken, sum
}
