package store

import (
	"time"

	"xiaoka/ledger"
)

// What a card spent in a month stands in card_months, with the lowest and the
// highest counter of the month's purchases: between them its purchases are
// found, without an index by time. The counters may lie further apart than
// they must, never closer; purchases of a till whose clock was wrong widen a
// month, and it stays exact.

// cardMonth is a month of a card.
type cardMonth struct{ card, month int64 }

// spent is what purchases of a month come to.
type spent struct{ fen, low, high int64 }

func (s *spent) add(r ledger.Consumption) {
	if s.fen == 0 { // no purchase costs nothing
		s.low = r.Chip.SpendSeq
	}
	s.fen += int64(r.Amount)
	s.low, s.high = min(s.low, r.Chip.SpendSeq), max(s.high, r.Chip.SpendSeq)
}

// months are sums by card and month.
type months map[cardMonth]*spent

func (m months) add(key cardMonth, r ledger.Consumption) {
	if m[key] == nil {
		m[key] = &spent{}
	}
	m[key].add(r)
}

// monthNumber is how months are stored, YYYYMM.
func monthNumber(m ledger.Month) int64 { return dayNumber(m.Start(time.UTC)) / 100 }

func (s *Store) monthOf(t time.Time) int64 { return monthNumber(ledger.MonthOf(t.In(s.zone))) }

// addMonths adds the new purchases of an upload to the totals of their cards
// and months, in one statement. The cards are locked, so nobody else adds to
// these rows.
func (u *upload) addMonths() error {
	all := months{}
	for _, r := range u.rows {
		if r.fresh {
			all.add(cardMonth{r.card.ID, u.store.monthOf(r.OccurredAt)}, r.Consumption)
		}
	}
	return u.writeMonths(all)
}

func (u *upload) writeMonths(sums months) error {
	if len(sums) == 0 {
		return nil
	}
	columns := table(5, len(sums))
	for k, s := range sums {
		columns.add(k.card, k.month, s.fen, s.low, s.high)
	}
	from, all := u.store.from(columns)
	return write(u.tx, "add to the months", intoMonths+`SELECT c0, c1, c2, c3, c4 FROM `+from+` WHERE 1 = 1`+addToMonths, all)
}

// Between intoMonths and addToMonths stands what is added.
const (
	intoMonths  = `INSERT INTO month_totals (card_id, month, spent_fen, low_seq, high_seq) `
	addToMonths = ` ON CONFLICT (card_id, month) DO UPDATE SET spent_fen = month_totals.spent_fen + excluded.spent_fen,
		low_seq = CASE WHEN excluded.low_seq < month_totals.low_seq THEN excluded.low_seq ELSE month_totals.low_seq END,
		high_seq = CASE WHEN excluded.high_seq > month_totals.high_seq THEN excluded.high_seq ELSE month_totals.high_seq END`
)
