package ledger

import (
	"errors"
	"time"
)

// Consumption is one purchase as a till reports it. Its identity is (terminal,
// Seq), its second identity (card, Chip.SpendSeq); both are booked once.
type Consumption struct {
	Seq        int64 // the terminal's own count of its records, from 1; 0 in one that does not say it
	CardNo     string
	Amount     Fen  // positive
	Chip       Chip // after the purchase
	OccurredAt time.Time
	Merchant   string // empty = the till's own
	// Fault is a rejection code when the record is malformed: it is kept as
	// rejected, never booked, so that the terminal may forget it.
	Fault string
	Raw   string `json:",omitempty"` // of a malformed record: as it was sent
}

// Rejection codes of single records; the batch goes in without them.
const (
	RejectCardNotFound = "card_not_found"
	RejectConflict     = "conflict" // the same identity with other content: kept aside for a person
	RejectAmount       = "invalid_amount"
	RejectTime         = "invalid_time"
	RejectChip         = "invalid_chip"
	RejectSeq          = "invalid_seq" // its count is missing or no whole number from 1
)

// Rejection is a record that was not booked.
type Rejection struct {
	Seq  int64
	Code string
}

// Ingested answers a batch.
type Ingested struct {
	Accepted   int
	Duplicates int
	Rejected   []Rejection // by Seq
	// AckedSeq: every record of this terminal up to it is durably dealt with,
	// without a gap from the lowest it ever sent.
	AckedSeq int64
}

// MaxBatch is how many records one upload may hold.
const MaxBatch = 1000

// ErrBatchTooLarge refuses a longer upload.
var ErrBatchTooLarge = errors.New("too many records in one upload")
