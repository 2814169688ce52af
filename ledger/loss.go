package ledger

import (
	"errors"
	"time"
)

// LossReport is a holder's word that the card is gone. Everything online
// stops for the card in the transaction that accepts it.
type LossReport struct {
	Receipt    string // shown to the holder; the same for a repeat
	CardNo     string
	AcceptedAt time.Time
	Version    int64     // of the blacklist from which on terminals refuse the card
	EndedAt    time.Time // un-loss; zero = still lost
	// Terminals in service, and how many of them have fetched the list since.
	Terminals int
	Informed  int
}

// SpentAfterLoss is a purchase made while the card was reported lost. The
// meal was eaten; who bears it is proposed by what the terminal could know.
type SpentAfterLoss struct {
	At         time.Time // by the terminal's clock
	Amount     Fen
	Where      string // the merchant
	TerminalID string
	Informed   bool // the list that the terminal had at that moment named the card
}

// Bearer is who is proposed to bear a purchase made after a loss report.
type Bearer string

// From the report on it is never the holder: the merchant whose terminal had
// the list and took the card all the same, else the campus.
const (
	BearerCampus   Bearer = "campus"
	BearerMerchant Bearer = "merchant"
)

// ProposedBearer is the rule.
func ProposedBearer(informed bool) Bearer {
	if informed {
		return BearerMerchant
	}
	return BearerCampus
}

// ErrNotLost: there is no loss report to take back.
var ErrNotLost = errors.New("the card is not reported lost")

// Blacklist is what a terminal must refuse: the change since the version it
// has, or, with Full, the whole list. Version 0 = nobody was ever lost.
type Blacklist struct {
	Version int64
	Full    bool
	Add     []string // card numbers
	Remove  []string
	// Checksum is SHA-256, hex, over the whole list at Version: each number
	// in ascending order, ended by a newline.
	Checksum string
}

// AuditEntry is one line of who did what, when, to whose card. It never holds
// a password, a code or a full address.
type AuditEntry struct {
	At       time.Time
	Actor    string // "member 2025533001", "terminal K01", "operator", "system"
	Action   string // "loss_reported", "password_changed", "looked_up", …
	PersonID int64  // whose data; 0 = nobody's
	CardNo   string
	Detail   string
}

// PushSetting is one kind of push and whether the person takes it.
type PushSetting struct {
	Kind EventKind
	On   bool
}

// Mutable lists the kinds of pushes a person can switch off, in the order
// they are shown.
func Mutable() []EventKind {
	return []EventKind{EventConsumption, EventTopUpPaid, EventSubsidy, EventClaimed, EventCorrected, EventClaimFailed, EventRefunded, EventLowBalance, EventUnusual, EventReminder, EventStatement}
}
