package store

import (
	"slices"
	"time"

	"xiaoka/ledger"
)

// tillRow is a till as it stands before an upload.
type tillRow struct {
	FirstSeq   *int64
	AckedSeq   int64
	Merchant   string
	Location   string
	HighestSeq int64 // of all records that were dealt with
}

// lockTill lets one upload of a terminal in at a time.
func (u *upload) lockTill() error {
	found, err := u.askTill()
	if err == nil {
		err = flush(u.tx)
	}
	if err == nil && !*found {
		err = ledger.ErrNotFound
	}
	return err
}

// askTill is lockTill with the next flush; found tells then whether there is
// such a terminal.
func (u *upload) askTill() (found *bool, err error) {
	found = new(bool)
	err = ask(u.tx, "lock the terminal", func(r scanner) error {
		*found = true
		return r.Scan(&u.till.FirstSeq, &u.till.AckedSeq, &u.till.Merchant, &u.till.Location)
	}, `SELECT first_seq, acked_seq, merchant, location FROM terminals WHERE id = ? FOR UPDATE`, u.terminalID)
	if err != nil {
		return found, err
	}
	return found, ask(u.tx, "read the till's highest record", into(&u.till.HighestSeq), `SELECT COALESCE(MAX(seq), 0) FROM (
		SELECT MAX(seq) AS seq FROM consumptions WHERE terminal_id = ? UNION ALL SELECT MAX(seq) FROM rejections WHERE terminal_id = ?) AS dealt`,
		u.terminalID, u.terminalID)
}

// acknowledge moves the gapless end of the terminal's records on.
func (u *upload) acknowledge() error {
	u.done.AckedSeq = u.till.AckedSeq
	seqs := make([]int64, 0, len(u.records)) // all of them are dealt with by now
	for _, r := range u.records {
		if r.Seq > 0 {
			seqs = append(seqs, r.Seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	slices.Sort(seqs)
	lowest := seqs[0]
	first, end := lowest, u.till.AckedSeq
	if u.till.FirstSeq != nil {
		first = min(lowest, *u.till.FirstSeq)
	}
	if u.till.FirstSeq == nil || first < *u.till.FirstSeq {
		end = first - 1
	}
	for _, seq := range seqs {
		if seq == end+1 {
			end = seq
		}
	}
	if end < u.till.HighestSeq {
		var err error
		if end, err = u.gapless(end); err != nil {
			return err
		}
	}
	u.done.AckedSeq = end
	return write(u.tx, "acknowledge", `UPDATE terminals SET first_seq = ?, acked_seq = ? WHERE id = ?`, first, end, u.terminalID)
}

// gapless walks from end on as far as every record is dealt with.
func (u *upload) gapless(end int64) (int64, error) {
	const stride = 2 * ledger.MaxBatch
	for {
		var seqs []int64
		err := ask(u.tx, "look for gaps", func(r scanner) error {
			var seq int64
			err := r.Scan(&seq)
			seqs = append(seqs, seq)
			return err
		}, `SELECT seq FROM (SELECT seq FROM consumptions WHERE terminal_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS booked
			UNION SELECT seq FROM (SELECT seq FROM rejections WHERE terminal_id = ? AND seq > ? ORDER BY seq LIMIT ?) AS kept ORDER BY seq`,
			u.terminalID, end, stride, u.terminalID, end, stride)
		if err == nil {
			err = flush(u.tx)
		}
		if err != nil {
			return 0, err
		}
		for _, seq := range seqs {
			if seq != end+1 {
				return end, nil
			}
			end = seq
		}
		if len(seqs) < stride {
			return end, nil
		}
	}
}

// dayCloses is how long after midnight an accounting day still takes
// purchases of the day before: a night snack counts to the previous day.
const dayCloses = 4 * time.Hour

// accountingDay is the day a purchase is booked on, YYYYMMDD in the campus's
// zone: its own while that is open, else the day it arrives on, and late.
func (s *Store) accountingDay(occurred, now time.Time) (day int64, late bool) {
	happened, today := occurred.In(s.zone), now.In(s.zone)
	if dayNumber(happened) >= dayNumber(today) {
		return dayNumber(today), false // today, or a clock that runs ahead
	}
	y, m, d := happened.Date()
	if now.Before(time.Date(y, m, d+1, 0, 0, 0, 0, s.zone).Add(dayCloses)) {
		return dayNumber(happened), false
	}
	return dayNumber(today), true
}

func dayNumber(t time.Time) int64 {
	y, m, d := t.Date()
	return int64(y)*10000 + int64(m)*100 + int64(d)
}
