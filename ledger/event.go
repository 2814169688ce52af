package ledger

import "time"

// EventKind is a kind of push a person can be sent.
type EventKind string

// The kinds of pushes. Those below the line cannot be switched off.
const (
	EventTopUpPaid   EventKind = "topup_paid"
	EventClaimed     EventKind = "claimed"
	EventConsumption EventKind = "consumption"
	EventSubsidy     EventKind = "subsidy"   // money was granted
	EventCorrected   EventKind = "corrected" // a purchase was reversed
	EventRefunded    EventKind = "refunded"
	EventLowBalance  EventKind = "low_balance"
	EventClaimFailed EventKind = "claim_failed"
	EventUnusual     EventKind = "unusual"   // spending unlike the person's own history
	EventReminder    EventKind = "reminder"  // money still waits to be collected
	EventStatement   EventKind = "statement" // the month's bill is ready

	EventReconciled EventKind = "reconciled" // to operators: how a day compares with WeChat Pay's bill

	EventVerified        EventKind = "verified"
	EventBound           EventKind = "bound"
	EventLoss            EventKind = "loss"
	EventLossCancelled   EventKind = "loss_cancelled"
	EventPasswordChanged EventKind = "password_changed"
	EventPasswordLocked  EventKind = "password_locked"
	EventUnbound         EventKind = "unbound"
	// EventSpentAfterLoss: a purchase arrived that was made after the loss was
	// reported.
	EventSpentAfterLoss EventKind = "spent_after_loss"
	EventReplaced       EventKind = "replaced" // the card in use is another one
	EventMoved          EventKind = "moved"    // what was on a replaced card waits now
)

// Security tells whether the kind is always sent.
func (k EventKind) Security() bool {
	switch k {
	case EventReconciled, EventTopUpPaid, EventSubsidy, EventClaimed, EventConsumption, EventCorrected, EventRefunded, EventLowBalance, EventClaimFailed,
		EventUnusual, EventReminder, EventStatement:
		return false
	}
	return true
}

// Quiet tells whether the kind waits for the end of the quiet hours.
func (k EventKind) Quiet() bool {
	return k == EventLowBalance || k == EventReminder || k == EventStatement
}

// Event is a fact a person is told about. It is enqueued in the transaction
// that made it true; to whom it goes is looked up when it is sent.
type Event struct {
	Kind     EventKind  `json:"kind"`
	PersonID int64      `json:"person_id"`
	UserID   string     `json:"user_id,omitempty"` // of an operator, where there is no person
	Day      *DayReport `json:"day,omitempty"`
	Amount   Fen        `json:"amount_fen,omitempty"`
	Balance  Fen        `json:"balance_fen,omitempty"` // after it, where it is known; of replaced: left on the old card
	Pending  Fen        `json:"pending_fen,omitempty"` // after it
	Usual    Fen        `json:"usual_fen,omitempty"`   // the greatest purchase of the person's history
	Count    int        `json:"count,omitempty"`       // purchases within UnusualWithin, transfers that wait, or purchases that are told together
	Ref      string     `json:"ref,omitempty"`         // transfer, claim, order or month
	Where    string     `json:"where,omitempty"`       // place of the terminal or merchant
	Title    string     `json:"title,omitempty"`       // of a grant
	CardNo   string     `json:"card_no,omitempty"`     // of the campus card it is about; empty = the one in use when it is sent
	Bearer   Bearer     `json:"bearer,omitempty"`      // of spent_after_loss: who is proposed to bear it
	At       time.Time  `json:"at"`
	Since    time.Time  `json:"since,omitzero"` // the first of purchases told together; At is the last
}

// DeadPush is an event nobody could be told of.
type DeadPush struct {
	ID       int64 // to replay it by
	Event    Event
	FailedAt time.Time
	Tries    int
	Reason   string // of the last try
}
