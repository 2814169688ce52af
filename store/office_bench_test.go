package store_test

import (
	"context"
	"fmt"
	"testing"

	"xiaoka/store"
)

// What the operators' page costs at a large school at a bad hour: 300,000
// transfers of which 20,000 wait after a subsidy, 20,000 pushes that wait
// for WeCom, a year of cases and rejected records, 600 terminals.
func BenchmarkOverview(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		from := func(n int) string {
			return fmt.Sprintf("FROM (WITH RECURSIVE seq(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM seq WHERE i < %d) SELECT i FROM seq) AS seq", n)
		}
		finalized, state, args := "strftime('%Y-%m-%d %H:%M:%f', 'now')", "%s", "jsonb('%s')"
		if !s.Embedded() {
			finalized, state, args = "now()", "CAST(%s AS river_job_state)", "CAST('%s' AS jsonb)"
		}
		for _, q := range []string{
			`INSERT INTO people (student_no, name, user_id, created_at) SELECT 's' || i, '张小卡', 's' || i, 1 ` + from(30_000),
			`INSERT INTO campus_cards (card_no, person_id, status, opening_fen, balance_fen, created_at) SELECT 'C' || i, i, 'normal', 0, 0, 1 ` + from(30_000),
			`INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, claim_id, created_at)
				SELECT 'T' || i, i % 30000 + 1, 'topup', 'XK' || i, '微信充值', 1000, CASE WHEN i > 280000 THEN 'pending' ELSE 'claimed' END,
				CASE WHEN i > 280000 THEN NULL ELSE 'K' || i END, i ` + from(300_000),
			`INSERT INTO terminals (id, kind, location, sealed_secret, created_at) SELECT 'P' || i, 'pos', '二号餐厅', '1', 1 ` + from(600),
			`INSERT INTO blacklist (version, card_no, lost, at) SELECT i, 'C' || i, TRUE, i ` + from(5000),
			`INSERT INTO cases (kind, ref, detail, at, settled_at) SELECT 'unknown_order', 'r' || i, 'd', i, CASE WHEN i % 1000 = 0 THEN NULL ELSE i END ` + from(50_000),
			`INSERT INTO rejections (terminal_id, seq, code, card_no, record, at) SELECT 'P1', i, CASE WHEN i % 50 = 0 THEN 'conflict' ELSE 'invalid_time' END, 'C1', '{}', i ` + from(100_000),
			`INSERT INTO river_job (kind, queue, state, args, max_attempts, priority, finalized_at) SELECT 'push', 'default',
				` + fmt.Sprintf(state, "CASE WHEN i <= 20000 THEN 'available' WHEN i <= 25000 THEN 'discarded' ELSE 'completed' END") + `,
				` + fmt.Sprintf(args, `{"event":{"kind":"claimed"}}`) + `, 25, 1, CASE WHEN i <= 20000 THEN NULL ELSE ` + finalized + ` END ` + from(400_000),
			`INSERT INTO reconciliations (day, daily, ended_at, differences, report) SELECT 'd' || i, TRUE, i, 0, '{"day":"2026-11-22","classes":{"matched":900}}' ` + from(1000),
			`ANALYZE`,
		} {
			if err := s.Exec(context.Background(), q); err != nil {
				b.Fatalf("%.80s: %v", q, err)
			}
		}
		if !s.Embedded() {
			if err := s.Exec(context.Background(), "VACUUM"); err != nil {
				b.Fatal(err)
			}
		}
		for b.Loop() {
			watched(b, s, noon)
		}
	})
}
