package ledger

import (
	"errors"
	"strings"
	"time"
)

// The kinds of a transfer: where its money came from. Only a top-up can go
// back the way it was paid.
const (
	KindTopUp      = "topup"
	KindSubsidy    = "subsidy"
	KindCorrection = "correction"
	// KindReplacement: it was on a campus card that another took the place of.
	KindReplacement = "replacement"
)

// ReplacementWord is the title of money from a replaced card.
const ReplacementWord = "旧卡余额"

// GrantWord begins the title of every grant, so that a machine's screen tells
// it from a top-up; what the office named it follows.
const GrantWord = "补助"

// GrantName is what the office named a grant, without our word before it; ours
// is false for a title that does not begin with it, which is left as it is.
func GrantName(title string) (name string, ours bool) {
	name, ours = strings.CutPrefix(title, GrantWord)
	return strings.TrimSpace(name), ours
}

// Subsidy is one row of a batch of grants. The holder is found by StudentNo or
// CardNo; with both they must be the same person's, and a Name is compared.
type Subsidy struct {
	Batch     string
	StudentNo string
	CardNo    string
	Name      string // empty = not compared
	Title     string // what the holder reads on the machine, 补助 三月餐补
	Amount    Fen
}

// Granted tells what a row of a batch did.
type Granted struct {
	PersonID int64
	// Repeat: the batch had granted this amount to the person before; nothing
	// was changed.
	Repeat bool
}

// Errors of a row of a batch.
var (
	ErrNoHolder    = errors.New("nobody has that student_no or card_no")
	ErrNotOneOwner = errors.New("student_no and card_no belong to two people")
	ErrNameDiffers = errors.New("name is not the one on record")
)

// GrantConflictError: the batch has granted another amount to the person
// before. Nothing was changed.
type GrantConflictError struct{ Before Fen }

func (e *GrantConflictError) Error() string {
	return "this batch has granted " + e.Before.String() + " to the person before"
}

// SubsidyBatch is how far a batch of grants has come.
type SubsidyBatch struct {
	Batch   string
	Since   time.Time // its first grant
	N       int
	Amount  Fen
	Claimed Fen // of it, on the chips
}

// Correction reverses a purchase that was booked wrongly, or a part of it:
// merchant → pending. The chip has paid and only a terminal can give it back,
// so the money waits for the holder as a transfer, and chip and books stay in
// step.
type Correction struct {
	TerminalID string
	Seq        int64 // of the purchase at its terminal
	Amount     Fen   // 0 = the whole purchase
	Note       string
}

// Corrected is a correction as it was booked.
type Corrected struct {
	CardNo   string
	Merchant string
	Spent    Fen // the purchase
	Amount   Fen // of it reversed
	Transfer Transfer
}

var (
	// ErrNoPurchase: no purchase is booked under that terminal and number.
	ErrNoPurchase = errors.New("no such purchase")
	// ErrCorrected: the purchase has been corrected before.
	ErrCorrected = errors.New("the purchase is corrected already")
	// ErrCorrectionTooLarge: more than was spent.
	ErrCorrectionTooLarge = errors.New("more than the purchase")
)
