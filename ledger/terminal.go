package ledger

import (
	"errors"
	"time"
)

// TerminalKind tells a self-service machine from a till.
type TerminalKind string

// The two kinds of terminals.
const (
	Kiosk TerminalKind = "kiosk"
	POS   TerminalKind = "pos"
)

// Terminal is a registered machine. SealedSecret is its shared secret,
// encrypted with a key derived from the master key.
type Terminal struct {
	ID           string
	Kind         TerminalKind
	Location     string
	Merchant     string
	SealedSecret []byte
	CreatedAt    time.Time
	DisabledAt   time.Time // zero = in service
	SeenAt       time.Time // last authenticated request, zero = never
	// SuspendedUntil: it saw too many wrong query passwords and takes none
	// until then, or until an operator says so. Zero = it never did.
	SuspendedUntil time.Time
}

// The budget of wrong query passwords a machine has, over all cards. One more
// than people mistype on a bad day is a machine that guesses.
const (
	SuspendAfter  = 30 // wrong ones within SuspendWindow
	SuspendWindow = 10 * time.Minute
	Suspension    = 30 * time.Minute
)

// SuspendedError says until when a machine takes no query passwords.
type SuspendedError struct{ Until time.Time }

func (e *SuspendedError) Error() string {
	return "the machine takes no query passwords until " + e.Until.Format(time.RFC3339)
}

// ErrNonceTaken: this terminal has used the nonce before.
var ErrNonceTaken = errors.New("nonce taken")

// ErrTerminalExists: the id is registered already.
var ErrTerminalExists = errors.New("terminal exists already")

// Task is an interactive template card that went out: to whom, from which
// app, about what. Only that person may press it.
type Task struct {
	ID        string // 128 random bits
	UserID    string
	AgentID   int
	Kind      string
	Subject   string
	CreatedAt time.Time
	ExpiresAt time.Time
}

// Session is a web session on the phone pages, entered through WeCom OAuth.
// The cookie holds a random token; only its hash is stored.
type Session struct {
	TokenHash []byte
	UserID    string
	PersonID  int64  // 0 = the userid is not on record
	CSRF      string // form token
	CreatedAt time.Time
	ExpiresAt time.Time
}
