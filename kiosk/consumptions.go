package kiosk

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"xiaoka/ledger"
)

// batchBody is what a full upload may weigh: a kilobyte a record.
const batchBody = 1 << 20

// record is one purchase as it comes in. A number that is missing or no
// integer is −1, a text "".
type record struct {
	seq, amount          int64
	load, spend, balance int64 // of the chip
	cardNo, merchant     string
	occurredAt           string
	raw                  []byte // as it was sent
}

// consumptions takes what a till sold. A malformed record rejects itself
// alone and is stored as rejected, so that the till may forget it; one that
// does not even say which it is is named by its place in the request.
func (a *API) consumptions(c *call) error {
	records, err := readRecords(c.body)
	if err != nil {
		return err
	}
	batch := make([]ledger.Consumption, len(records))
	for i := range records {
		batch[i] = records[i].consumption(c.now)
	}
	done, err := a.cfg.Store.IngestConsumptions(c.ctx, c.terminal.ID, batch, c.now)
	if errors.Is(err, ledger.ErrBatchTooLarge) {
		return errTooLarge
	}
	if err != nil {
		return fmt.Errorf("consumptions: %w", err)
	}
	type rejection struct {
		Seq   int64  `json:"seq"`
		Code  string `json:"code"`
		Index *int   `json:"index,omitempty"` // in the request; of a record without a seq only
	}
	rejected := make([]rejection, len(done.Rejected))
	next := 0
	for i, r := range done.Rejected {
		rejected[i] = rejection{Seq: r.Seq, Code: r.Code}
		if r.Code == ledger.RejectSeq {
			at := next + slices.IndexFunc(batch[next:], func(b ledger.Consumption) bool { return b.Fault == ledger.RejectSeq })
			rejected[i].Index, next = &at, at+1
		}
	}
	return c.answer(http.StatusOK, struct {
		Accepted   int         `json:"accepted"`
		Duplicates int         `json:"duplicates"`
		Rejected   []rejection `json:"rejected"`
		AckedSeq   int64       `json:"acked_seq"`
	}{done.Accepted, done.Duplicates, rejected, done.AckedSeq})
}

// readRecords reads a batch.
func readRecords(body []byte) ([]record, error) {
	in := reader{in: body}
	if in.peek() != '{' {
		return nil, errBadRequest
	}
	records := make([]record, 0, min(ledger.MaxBatch, len(body)/64))
	given := false
	in.object(func(name []byte) {
		if string(name) != "records" {
			in.skip()
			return
		}
		records = records[:0]
		given = in.array(func() { records = append(records, readRecord(&in)) })
	})
	if !in.done() {
		return nil, errBadRequest
	}
	if len(records) > ledger.MaxBatch {
		return nil, errTooLarge
	}
	f := fields{}
	f.need(given, "records", "must be an array")
	return records, f.err()
}

func readRecord(in *reader) (r record) {
	r = record{seq: -1, amount: -1, load: -1, spend: -1, balance: -1}
	in.peek()
	start := in.at
	defer func() { r.raw = in.in[start:in.at] }()
	in.object(func(name []byte) {
		switch string(name) {
		case "seq":
			r.seq = in.integerOr(-1)
		case "card_no":
			r.cardNo = in.text()
		case "amount_fen":
			r.amount = in.integerOr(-1)
		case "chip":
			r.load, r.spend, r.balance = readChip(in)
		case "occurred_at":
			r.occurredAt = in.text()
		case "merchant":
			r.merchant = in.text()
		default:
			in.skip()
		}
	})
	return r
}

func readChip(in *reader) (load, spend, balance int64) {
	load, spend, balance = -1, -1, -1
	in.object(func(name []byte) {
		switch string(name) {
		case "load_seq":
			load = in.integerOr(-1)
		case "spend_seq":
			spend = in.integerOr(-1)
		case "balance_fen":
			balance = in.integerOr(-1)
		default:
			in.skip()
		}
	})
	return load, spend, balance
}

// consumption is the record as the books take it. Of a malformed one only what
// is well-formed goes on; the first fault names it.
func (r *record) consumption(now time.Time) ledger.Consumption {
	out := ledger.Consumption{Seq: max(r.seq, 0), Merchant: label(r.merchant)}
	fault := func(code string) {
		if out.Fault == "" {
			out.Fault = code
		}
	}
	if r.seq < 1 {
		fault(ledger.RejectSeq)
	}
	if visible(r.cardNo, 64) {
		out.CardNo = r.cardNo
	} else {
		fault(ledger.RejectCardNotFound)
	}
	if r.amount > 0 && r.amount <= int64(ledger.MaxAmount) {
		out.Amount = ledger.Fen(r.amount)
	} else {
		fault(ledger.RejectAmount)
	}
	// The purchase itself has counted: no chip shows 0 after it.
	if within(r.load, math.MaxInt32) && r.spend > 0 && within(r.spend, math.MaxInt32) && within(r.balance, int64(ledger.MaxAmount)) {
		out.Chip = ledger.Chip{LoadSeq: r.load, SpendSeq: r.spend, Balance: ledger.Fen(r.balance)}
	} else {
		fault(ledger.RejectChip)
	}
	if at, err := time.Parse(time.RFC3339, r.occurredAt); err == nil && possible(at, now) {
		out.OccurredAt = at
	} else {
		fault(ledger.RejectTime)
	}
	if out.Fault != "" {
		out.Raw = strings.ToValidUTF8(string(r.raw[:min(len(r.raw), 4096)]), "")
	}
	return out
}

func within(n, most int64) bool { return n >= 0 && n <= most }

// possible tells whether a purchase can be dated so. A till's clock may be
// wrong by years, or begin at 1970 again, and its sales are good all the same:
// counters tell the order. Only what is to come is in no month yet; a person
// books it.
func possible(at, now time.Time) bool {
	return !at.Before(clocksBegin) && !at.After(now.Add(24*time.Hour))
}

// clocksBegin is 1970 where it began first.
var clocksBegin = time.Date(1969, 12, 31, 10, 0, 0, 0, time.UTC)

// label is a merchant's name fit for one line: no control characters, at most
// 64 characters.
func label(s string) string {
	if len(s) <= 64 && strings.IndexFunc(s, unprintable) < 0 {
		return s
	}
	s = strings.Map(func(r rune) rune {
		if unprintable(r) {
			return -1
		}
		return r
	}, s)
	if utf8.RuneCountInString(s) > 64 {
		s = string([]rune(s)[:64])
	}
	return s
}

func unprintable(r rune) bool { return !unicode.IsGraphic(r) }
