package ledger

import "time"

// Movement is one line of a card's history.
type Movement struct {
	Kind     string // one of the kinds below
	Amount   Fen    // positive, the kind says the direction; a correction has its own sign
	At       time.Time
	Where    string // merchant, or place of the terminal
	LoadSeq  int64
	SpendSeq int64
	Card     int // how many cards ago: 0 is the one in use

	// The rest is known in statements alone.
	TerminalID string
	After      Fen       // on the chip after it; of no meaning without a chip: see Counted
	Booked     time.Time // accounting day of a purchase, its midnight
	// Late: a purchase booked on a later day than it was made, or a claim
	// proven only by what a reader saw later.
	Late      bool
	AfterLoss bool // a purchase made after the card was reported lost
}

// The kinds of movements. What is moved went off a card that was replaced.
const (
	MovementMoved       = "moved"
	MovementClaim       = "claim"
	MovementConsumption = "consumption"
	MovementCorrection  = "correction"
)

// Words name one thing in the two languages. Row is the English for the name of
// a template card's row, which has room for five characters; ZH has no more.
type Words struct{ ZH, EN, Row string }

// MovementWords is what a holder reads of each kind of movement: on the pages,
// in exports, on paper and in the chat.
var MovementWords = map[string]Words{
	MovementConsumption: {"消费", "Purchase", "Spent"},
	MovementClaim:       {"领取到卡", "Collected", "In"},
	MovementCorrection:  {"更正", "Correction", "Fixed"},
	MovementMoved:       {"旧卡转出", "Moved off the old card", "Moved"},
}

// Counted tells whether the card's chip has counted it.
func (m Movement) Counted() bool {
	return m.Kind == MovementConsumption || m.Kind == MovementClaim
}

// Change is what the movement does to the money on the card.
func (m Movement) Change() Fen {
	if m.Kind == MovementConsumption || m.Kind == MovementMoved {
		return -m.Amount
	}
	return m.Amount
}
