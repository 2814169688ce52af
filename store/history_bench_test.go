package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
)

// BenchmarkHistory reads the balance, the newest movements and a statement of a card with ten
// thousand purchases behind it, and with HISTORY_RECORDS (ten million, to see
// that the length does not matter; without it, few).
func BenchmarkHistory(b *testing.B) {
	long := 100_000
	if want := os.Getenv("HISTORY_RECORDS"); want != "" {
		var err error
		if long, err = strconv.Atoi(want); err != nil {
			b.Fatal(err)
		}
	}
	onEach(b, func(b *testing.B, s *store.Store) {
		short, full := campus(b, s, 1), campus(b, s, 2)
		if err := s.Exec(context.Background(), "INSERT INTO merchants (id, name) VALUES (1, '风味窗口')"); err != nil {
			b.Fatal(err)
		}
		past(b, s, full, long)
		past(b, s, short, 10_000)
		if err := s.Exec(context.Background(), "ANALYZE"); err != nil {
			b.Fatal(err)
		}
		for name, read := range map[string]func(p ledger.Person) error{
			"Balance": func(p ledger.Person) error {
				_, err := s.Balance(context.Background(), p.ID, noon)
				return err
			},
			"Movements": func(p ledger.Person) error {
				got, err := s.Movements(context.Background(), p.ID, 40)
				if err == nil && len(got) != 40 {
					err = fmt.Errorf("%d movements", len(got))
				}
				return err
			},
			"Statement": func(p ledger.Person) error {
				got, err := s.Statement(context.Background(), p.ID, november, noon)
				if err == nil && (got.Purchases != thisMonth || got.Opening != 0) {
					err = fmt.Errorf("%d purchases from %v", got.Purchases, got.Opening)
				}
				return err
			},
		} {
			for _, card := range []struct {
				name string
				ledger.Person
			}{{"10000", short}, {strconv.Itoa(long), full}} {
				b.Run(name+"/"+card.name, func(b *testing.B) {
					for b.Loop() {
						if err := read(card.Person); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	})
}

// thisMonth is how many purchases a card with a past made this month.
const thisMonth = 60

// past gives a card n purchases of one fen, spread evenly over the twenty
// years before last month, and a few in it and in this one.
func past(b *testing.B, s *store.Store, p ledger.Person, n int) {
	b.Helper()
	const months = 240
	start := (november - 1 - months).Start(noon.Location()).UnixMicro()
	last, this := (november - 1).Start(noon.Location()).UnixMicro(), november.Start(noon.Location()).UnixMicro()
	step := (last - start) / int64(n+1)
	for _, part := range []struct{ rows, before, at, step int64 }{
		{int64(n), 0, start, step},
		{thisMonth, int64(n), last, 6 * 3600 * 1_000_000},
		{thisMonth, int64(n + thisMonth), this, 6 * 3600 * 1_000_000},
	} {
		err := s.Exec(context.Background(), fmt.Sprintf(`INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq,
			balance_fen, occurred_at, received_at, booked_on, late, after_loss)
			SELECT 'P%d', i, %d, 1, 1, 7, i, 0, %d + CAST(i - %d AS BIGINT) * %d, 0, 20260101, FALSE, FALSE
			FROM (WITH RECURSIVE n (i) AS (SELECT %d UNION ALL SELECT i + 1 FROM n WHERE i < %d) SELECT i FROM n) AS r`,
			p.CardID, p.CardID, part.at, part.before, part.step, part.before+1, part.before+part.rows))
		if err != nil {
			b.Fatal(err)
		}
	}
	total := fmt.Sprintf("INSERT INTO month_totals (card_id, month, spent_fen, low_seq, high_seq) VALUES (%d, 202610, %d, %d, %d), (%d, 202611, %d, %d, %d)",
		p.CardID, thisMonth, n+1, n+thisMonth, p.CardID, thisMonth, n+thisMonth+1, n+2*thisMonth)
	for m := november - 1 - months; m < november-1; m++ {
		low, high := (m.Start(noon.Location()).UnixMicro()-start)/step, ((m+1).Start(noon.Location()).UnixMicro()-start)/step
		total += fmt.Sprintf(", (%d, %s, %d, %d, %d)", p.CardID, m.Start(noon.Location()).Format("200601"), n/months, low, high)
	}
	for _, statement := range []string{total, fmt.Sprintf("UPDATE campus_cards SET balance_fen = -%d WHERE id = %d", thisMonth, p.CardID)} {
		if err := s.Exec(context.Background(), statement); err != nil {
			b.Fatal(err)
		}
	}
}
