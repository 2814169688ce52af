package ledger

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Case is something only a person can settle; money in it is never moved by
// the program on its own.
type Case struct {
	ID     int64
	Kind   string // "payment_mismatch", "unknown_order", "chip_out_of_step", …
	CardNo string // may be empty
	Ref    string // unique with Kind: the same fact is one case
	Detail string // no secrets, no openid
	At     time.Time
	// Theirs: of a refund_closed; the money is the holder's again, to collect or
	// to ask back once more.
	Theirs bool

	SettledAt time.Time  // zero while it is open
	How       Resolution // empty when it settled itself
	Note      string     // who decided, and on what
}

// Resolution is how a person settles a case. None edits a posting.
type Resolution string

// The resolutions.
const (
	ResolveNoted  Resolution = "noted"       // seen, and dealt with outside; the books stay as they are
	ResolveRefund Resolution = "refund"      // send a payment that is not what was ordered back in full
	ResolveRetry  Resolution = "retry"       // ask WeChat Pay for a refund of what nobody needed, which it closed, again under a new number
	ResolveChip   Resolution = "accept-chip" // take the chip's counters as they were seen; loads work again
	ResolveBook   Resolution = "book"        // book a till's record whose card was not on record when it came, or whose clock ran ahead, as of when it came
)

// Resolutions lists how the case can be settled by a person; none for one that
// ends by itself.
func (c Case) Resolutions() []Resolution {
	switch c.Kind {
	case "paid_twice":
		return nil // its refund ends it
	case "payment_mismatch":
		if _, field := c.Payment(); field == "amount" || field == "payer" {
			return []Resolution{ResolveRefund, ResolveNoted}
		}
	case "refund_closed":
		if !c.Theirs {
			return []Resolution{ResolveRetry, ResolveNoted}
		}
	case "chip_out_of_step":
		return []Resolution{ResolveChip, ResolveNoted}
	case RejectCardNotFound, RejectTime:
		return []Resolution{ResolveBook, ResolveNoted}
	}
	return []Resolution{ResolveNoted}
}

// Allows tells whether the case can be settled so.
func (c Case) Allows(how Resolution) bool { return slices.Contains(c.Resolutions(), how) }

// MismatchRef is the Ref of a payment that differs from its order.
func MismatchRef(outTradeNo, field, wxTransactionID string) string {
	return outTradeNo + ":" + field + ":" + wxTransactionID
}

// Payment reads the number and the field of a MismatchRef.
func (c Case) Payment() (outTradeNo, field string) {
	outTradeNo, rest, _ := strings.Cut(c.Ref, ":")
	field, _, _ = strings.Cut(rest, ":")
	return outTradeNo, field
}

// RecordRef is the Ref of a till's record that is kept aside; digest tells
// records of one count apart.
func RecordRef(terminalID string, seq int64, digest string) string {
	return terminalID + ":" + strconv.FormatInt(seq, 10) + ":" + digest
}

// Record reads a RecordRef.
func (c Case) Record() (terminalID string, seq int64, digest string, ok bool) {
	parts := strings.Split(c.Ref, ":")
	if len(parts) != 3 {
		return "", 0, "", false
	}
	seq, err := strconv.ParseInt(parts[1], 10, 64)
	return parts[0], seq, parts[2], err == nil
}

// ChipRef is the Ref of a chip that cannot be.
func ChipRef(cardNo string, chip Chip) string {
	return strings.Join([]string{cardNo, strconv.FormatInt(chip.LoadSeq, 10), strconv.FormatInt(chip.SpendSeq, 10), strconv.FormatInt(int64(chip.Balance), 10)}, ":")
}

// Chip reads a ChipRef.
func (c Case) Chip() (chip Chip, ok bool) {
	parts := strings.Split(strings.TrimPrefix(c.Ref, c.CardNo+":"), ":")
	if len(parts) != 3 {
		return chip, false
	}
	var n [3]int64
	for i, p := range parts {
		var err error
		if n[i], err = strconv.ParseInt(p, 10, 64); err != nil {
			return chip, false
		}
	}
	return Chip{LoadSeq: n[0], SpendSeq: n[1], Balance: Fen(n[2])}, true
}

var (
	// ErrCaseSettled: the case was settled before.
	ErrCaseSettled = errors.New("the case is settled already")
	// ErrNotSo: the case cannot be settled that way, or not now.
	ErrNotSo = errors.New("the case cannot be settled so")
)
