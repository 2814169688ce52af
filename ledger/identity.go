package ledger

import (
	"errors"
	"fmt"
	"time"
)

// Channel is the way a code travels to its owner.
type Channel string

// The two channels.
const (
	Email Channel = "email"
	Phone Channel = "phone"
)

// Purpose is what a code may be used for; a code for one purpose never serves
// another.
type Purpose string

// The purposes of codes.
const (
	PurposeVerify     Purpose = "verify"      // prove the member is the person on record
	PurposePassword   Purpose = "password"    // set a new query password without the old one
	PurposeCancelLoss Purpose = "cancel_loss" // un-loss, together with the query password
)

// NewCode asks the store to record a code that is about to be sent. Hashes are
// keyed with a secret outside the database.
type NewCode struct {
	PersonID    int64
	Purpose     Purpose
	Channel     Channel
	AddressHash []byte    // which mailbox or phone, for the limits per address
	CodeHash    []byte    // HMAC over person, purpose, channel and the six digits
	Now         time.Time // when it is issued
	TTL         time.Duration
	HourlyMax   int // codes in an hour over everybody; 0 = any number
}

// CodeTry is one attempt to use a code. CodeHashes has one hash for each
// channel it may have been sent by.
type CodeTry struct {
	PersonID   int64
	Purpose    Purpose
	CodeHashes map[Channel][]byte
	Now        time.Time
}

// Limits on codes, per person and per address.
const (
	CodeTries     = 5 // wrong tries that burn a code
	CodesAMinute  = 1
	CodesAnHour   = 5
	CodesADay     = 10
	PasswordTries = 5 // wrong tries in a row that lock for PasswordLock
	PasswordLock  = 30 * time.Minute
	PasswordHard  = 10 // wrong tries in a row that lock for PasswordDay
	PasswordDay   = 24 * time.Hour
)

// Errors of codes.
var (
	ErrNoCode      = errors.New("no code is awaited")
	ErrCodeExpired = errors.New("the code has expired")
	ErrCodeBurnt   = errors.New("too many wrong tries; the code is void")
)

// CodeTooSoonError says when the next code may be sent.
type CodeTooSoonError struct {
	RetryAfter time.Duration
	Everybody  bool // too many went out to all people together
}

func (e *CodeTooSoonError) Error() string {
	return fmt.Sprintf("the next code may be sent in %s", e.RetryAfter.Round(time.Second))
}

// CodeWrongError says how many tries the code has left (0 = it is void now).
type CodeWrongError struct{ TriesLeft int }

func (e *CodeWrongError) Error() string {
	return fmt.Sprintf("wrong code, %d tries left", e.TriesLeft)
}

// PasswordTry is what the store returns once it has counted a try.
type PasswordTry struct {
	Hash      string // encoded; empty while Initial is set and no own password was chosen
	Initial   bool   // the password is still the one everybody knows
	TriesLeft int    // wrong tries left after this one before it locks
	// LockUntil is when the lock ends that this try, if wrong, puts on; zero
	// while TriesLeft is above 0.
	LockUntil time.Time
}

// PasswordWrongError says how many tries are left before the password locks.
type PasswordWrongError struct{ TriesLeft int }

func (e *PasswordWrongError) Error() string {
	return fmt.Sprintf("wrong query password, %d tries left", e.TriesLeft)
}

// PasswordLockedError says until when no try is taken.
type PasswordLockedError struct {
	Until time.Time
	Tried bool // this try was judged, and being wrong put the lock on
}

func (e *PasswordLockedError) Error() string {
	return "the query password is locked until " + e.Until.Format(time.RFC3339)
}

// ErrPasswordChangeRequired: the initial password serves for a loss report
// and for nothing else until an own one is chosen.
var ErrPasswordChangeRequired = errors.New("an own query password must be chosen first")
