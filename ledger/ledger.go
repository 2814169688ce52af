// Package ledger is the domain in plain Go: the words of the campus card, the
// rules of who pays whom and the states money passes through. It knows no
// database, no HTTP and no WeCom; store writes what it decides, and the edges
// (handlers, h5, kiosk, pay) speak in its types.
//
// The books are double entry. Money moves only by a [Posting] from one
// [Account] to another; a posting is never changed or deleted, and whatever
// may still fail is first held, then posted or voided. A phone top-up goes
//
//	wx_clearing → pending → inflight → float
//	    paid      authorised   confirmed by the chip
//
// and every fen is in exactly one of those places at any moment. The truth
// about the money on the chip is the chip itself; the books say what it must
// hold once every record has arrived.
package ledger

import (
	"crypto/rand"
	"errors"
	"time"
)

// Sentinel errors that callers decide on. Each edge renders them once.
var (
	// ErrNotFound: no such row, or not this person's row; the two are never
	// told apart to the outside.
	ErrNotFound = errors.New("not found")
	// ErrConflict: a concurrent request was quicker; read again.
	ErrConflict = errors.New("conflict")
	// ErrNotVerified and ErrNotBound lead a member to the next step.
	ErrNotVerified = errors.New("the member is not verified yet")
	ErrNotBound    = errors.New("no campus card is bound yet")
)

// NewID returns an unguessable identifier: 26 characters of A-Z and 2-7,
// 128 random bits.
func NewID() string { return rand.Text() }

// Clock tells the time; production passes time.Now, tests a moved clock.
type Clock func() time.Time
