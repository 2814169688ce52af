package store_test

import (
	"context"
	"fmt"
	"os"
	"strconv"
	"testing"
	"time"

	"xiaoka/store"
)

// BenchmarkCheckLedger proves books of CHECK_POSTINGS postings, and as many
// purchases beside them; make bench-check. Without it, small ones.
func BenchmarkCheckLedger(b *testing.B) {
	n := 60_000
	if want := os.Getenv("CHECK_POSTINGS"); want != "" {
		var err error
		if n, err = strconv.Atoi(want); err != nil {
			b.Fatal(err)
		}
	}
	onEach(b, func(b *testing.B, s *store.Store) {
		began := time.Now()
		fill(b, s, n)
		b.Logf("%d postings and as many purchases written in %s", n, time.Since(began).Round(time.Second))
		last := time.Now()
		for b.Loop() {
			last = time.Now()
			report, err := s.CheckLedger(context.Background(), func(in store.Invariant) {
				b.Logf("invariant %d over %d rows: %s", in.ID, in.Rows, time.Since(last).Round(time.Millisecond))
				last = time.Now()
			})
			if err != nil || !report.OK || len(report.Exceptions) > 0 {
				b.Fatalf("CheckLedger = %+v, %v", report, err)
			}
			b.Logf("exceptions: %s", time.Since(last).Round(time.Millisecond))
		}
	})
}

// fill writes whole books: each of n/3 top-ups of ten yuan was paid, held and
// posted, and each card then bought for one yuan as often as n purchases need.
func fill(b *testing.B, s *store.Store, n int) {
	b.Helper()
	const people, merchants = 20_000, 50
	topUps := n / 3 / people * people
	purchases := n / people * people
	if topUps == 0 {
		b.Fatal("CHECK_POSTINGS must be 60000 at least")
	}
	loads, buys := topUps/people, purchases/people
	// i counts rows from 0, p is the card's person, j the how manyth of the card.
	from := func(rows int) string {
		return fmt.Sprintf(`FROM (WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < %d)
			SELECT i, i %% %d + 1 AS p, i / %d AS j, CAST(1000000000 + i AS TEXT) AS no FROM n) AS r`, rows, people, people)
	}
	const at = "1700000000000000 + i"
	for _, q := range []string{
		`INSERT INTO people (student_no, name, user_id, created_at) SELECT 's' || no, '张小卡', 's' || no, 1 ` + from(people),
		`INSERT INTO merchants (name) SELECT 'm' || no ` + from(merchants),
		`INSERT INTO terminals (id, kind, location, sealed_secret, created_at) VALUES ('K01', 'kiosk', '二号餐厅', '1', 1), ('P01', 'pos', '二号餐厅', '1', 1)`,
		fmt.Sprintf(`INSERT INTO campus_cards (card_no, person_id, status, opening_fen, balance_fen, chip_load_seq, chip_spend_seq, chip_balance_fen, first_spend_seq, records, created_at)
			SELECT 'C' || no, p, 'normal', 0, %[1]d, %[2]d, %[3]d, %[1]d, 0, %[3]d, 1 `, 1000*loads-100*buys, loads, buys) + from(people),
		`INSERT INTO orders (out_trade_no, person_id, card_id, amount_fen, state, created_at, expires_at, paid_at)
			SELECT 'XK20260302AAAAAA' || no, p, p, 1000, 'paid', ` + at + `, 2, ` + at + ` ` + from(topUps),
		`INSERT INTO attempts (out_trade_no, order_no, n, person_id, amount_fen, channel, app_id, description, state, created_at, expires_at, wx_transaction_id, paid_at)
			SELECT 'XK20260302AAAAAA' || no, 'XK20260302AAAAAA' || no, 1, p, 1000, 'native', 'ww1', '校园卡充值', 'paid', ` + at + `, 2, '420000000120260302' || no, ` + at + ` ` + from(topUps),
		`INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, claim_id, terminal_id, created_at, claimed_at)
			SELECT 'TTTTTTTTTTTTTTTT' || no, p, 'topup', 'XK20260302AAAAAA' || no, '微信充值', 1000, 'claimed', 'CCCCCCCCCCCCCCCC' || no, 'K01', ` + at + `, ` + at + ` ` + from(topUps),
		`INSERT INTO claims (id, card_id, person_id, terminal_id, idempotency_key, body_hash, amount_fen, load_seq, spend_seq, balance_fen, state, created_at, expires_at, ended_at)
			SELECT 'CCCCCCCCCCCCCCCC' || no, p, p, 'K01', no, '1', 1000, j, 0, 1000 * j, 'claimed', ` + at + `, 2, ` + at + ` ` + from(topUps),
		`INSERT INTO claim_transfers (claim_id, transfer_id) SELECT 'CCCCCCCCCCCCCCCC' || no, 'TTTTTTTTTTTTTTTT' || no ` + from(topUps),
		`INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at)
			SELECT 'topup:XK20260302AAAAAA' || no, 'wx_clearing', 0, 'pending', p, 1000, ` + at + ` ` + from(topUps),
		`INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at)
			SELECT 'hold:CCCCCCCCCCCCCCCC' || no || ':TTTTTTTTTTTTTTTT' || no, 'pending', p, 'inflight', p, 1000, ` + at + ` ` + from(topUps),
		`INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at)
			SELECT 'post:CCCCCCCCCCCCCCCC' || no || ':TTTTTTTTTTTTTTTT' || no, 'inflight', p, 'float', p, 1000, ` + at + ` ` + from(topUps),
		fmt.Sprintf(`INSERT INTO month_totals (card_id, month, spent_fen) SELECT p, 202311, %d `, 100*buys) + from(people),
		fmt.Sprintf(`INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen, occurred_at, received_at, booked_on, late, after_loss)
			SELECT 'P01', i, p, i %% %d + 1, 100, %d, j + 1, %d - 100 * (j + 1), `+at+`, `+at+`, 20260302, FALSE, FALSE `, merchants, loads, 1000*loads) + from(purchases),
	} {
		if err := s.Exec(context.Background(), q); err != nil {
			b.Fatalf("%.80s: %v", q, err)
		}
	}
	if err := s.Exec(context.Background(), "ANALYZE"); err != nil {
		b.Fatal(err)
	}
}
