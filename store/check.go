package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"xiaoka/ledger"
)

// Report is what CheckLedger proved over the whole database.
type Report struct {
	OK         bool        `json:"ok"`
	Invariants []Invariant `json:"invariants"`
	// Exceptions wait for a person; they do not make the check fail.
	Exceptions []Exception `json:"exceptions"`
}

// Invariant is one rule of the contract's section 8, how many rows it was
// proved over and what breaks it.
type Invariant struct {
	ID         int      `json:"id"`
	Name       string   `json:"-"`
	OK         bool     `json:"ok"`
	Rows       int64    `json:"rows"`
	Violations []string `json:"violations"`
}

// Exception is an unsettled case.
type Exception struct {
	CardNo string `json:"card_no"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// maxViolations bounds what one invariant lists; the first ones tell enough.
const maxViolations = 100

// proof is one invariant as SQL of its own, sharing nothing with the acts:
// count says over how many rows, each query returns one text a violation.
type proof struct {
	id      int
	name    string
	count   string
	queries []string
}

var proofs = []proof{
	{1, "every posting has a debit, a credit and a positive amount; the sum over all accounts is zero",
		`SELECT (SELECT COUNT(*) FROM postings) + (SELECT COUNT(*) FROM consumptions)`,
		[]string{
			`SELECT 'posting ' || ref || ' is malformed' FROM postings WHERE amount_fen <= 0 OR debit_kind = '' OR credit_kind = ''
				OR (debit_kind = credit_kind AND debit_owner = credit_owner)`,
			`SELECT 'the accounts sum to ' || CAST(total AS TEXT) || ' fen' FROM (SELECT SUM(net) AS total FROM (
				SELECT debit_kind AS kind, debit_owner AS owner, SUM(amount_fen) AS net FROM postings GROUP BY 1, 2
				UNION ALL SELECT credit_kind, credit_owner, -SUM(amount_fen) FROM postings GROUP BY 1, 2
				UNION ALL SELECT 'float', card_id, SUM(amount_fen) FROM consumptions GROUP BY card_id
				UNION ALL SELECT 'merchant', merchant_id, -SUM(amount_fen) FROM consumptions GROUP BY merchant_id) AS accounts) AS sums WHERE total <> 0`,
			`SELECT 'purchase ' || n.terminal_id || ':' || CAST(n.seq AS TEXT) || ' has no card or no merchant' FROM consumptions n
				LEFT JOIN campus_cards c ON c.id = n.card_id LEFT JOIN merchants m ON m.id = n.merchant_id WHERE c.id IS NULL OR m.id IS NULL OR n.amount_fen <= 0`,
			`SELECT 'person ' || CAST(owner AS TEXT) || ' has a negative ' || kind || ' account' FROM (
				SELECT debit_kind AS kind, debit_owner AS owner, amount_fen AS fen FROM postings WHERE debit_kind IN ('pending', 'inflight', 'refunding')
				UNION ALL SELECT credit_kind, credit_owner, -amount_fen FROM postings WHERE credit_kind IN ('pending', 'inflight', 'refunding')) AS lines
				GROUP BY kind, owner HAVING SUM(fen) > 0`,
		}},
	{2, "every payment has exactly one top-up of its amount, or one refund in full; nothing else has one",
		`SELECT COUNT(*) FROM attempts WHERE state IN ('paid', 'refunded')`,
		[]string{
			`SELECT 'payment ' || a.out_trade_no || ' of ' || CAST(a.amount_fen AS TEXT) || ' fen is booked as ' || CAST(COALESCE(SUM(p.amount_fen), 0) AS TEXT)
				FROM attempts a LEFT JOIN postings p ON p.ref IN ('topup:' || a.out_trade_no, 'surplus:' || a.out_trade_no)
				WHERE a.state IN ('paid', 'refunded') GROUP BY a.out_trade_no, a.amount_fen
				HAVING COUNT(p.id) <> 1 OR SUM(p.amount_fen) <> a.amount_fen`,
			`SELECT p.ref || ' has no payment' FROM postings p WHERE p.debit_kind = 'wx_clearing' AND NOT EXISTS (
				SELECT 1 FROM attempts a WHERE p.ref IN ('topup:' || a.out_trade_no, 'surplus:' || a.out_trade_no) AND a.state IN ('paid', 'refunded'))`,
			`SELECT p.ref || ' was one payment too many and no refund of it stands' FROM postings p WHERE p.ref LIKE 'surplus:%' AND NOT EXISTS (
				SELECT 1 FROM refunds r WHERE r.transfer_id IS NULL AND p.ref = 'surplus:' || r.out_trade_no AND r.amount_fen <= p.amount_fen)`,
			`SELECT 'order ' || o.out_trade_no || ' is ' || o.state || ' with ' || CAST(COUNT(t.id) AS TEXT) || ' transfers'
				FROM orders o LEFT JOIN transfers t ON t.source_ref = o.out_trade_no
				GROUP BY o.out_trade_no, o.state, o.amount_fen
				HAVING COUNT(t.id) <> (CASE WHEN o.state IN ('paid', 'refunded') THEN 1 ELSE 0 END) OR (COUNT(t.id) = 1 AND SUM(t.amount_fen) <> o.amount_fen)`,
		}},
	{3, "a transfer's amount is claimed, refunded, pending or in flight, each fen once",
		`SELECT COUNT(*) FROM transfers`,
		[]string{
			`SELECT 'transfer ' || t.id || ' is ' || t.state || ' but held ' || CAST(t.held AS TEXT) || ', voided ' || CAST(t.voided AS TEXT) || ', posted ' || CAST(t.posted AS TEXT)
				FROM (SELECT t.id, t.state, t.amount_fen, COALESCE(SUM(h.amount_fen), 0) AS held, COALESCE(SUM(v.amount_fen), 0) AS voided, COALESCE(SUM(c.amount_fen), 0) AS posted
					FROM transfers t LEFT JOIN claim_transfers l ON l.transfer_id = t.id
					LEFT JOIN postings h ON h.ref = 'hold:' || l.claim_id || ':' || t.id
					LEFT JOIN postings v ON v.ref = 'void:' || l.claim_id || ':' || t.id
					LEFT JOIN postings c ON c.ref = 'post:' || l.claim_id || ':' || t.id
					GROUP BY t.id, t.state, t.amount_fen) AS t
				WHERE posted <> (CASE WHEN state = 'claimed' THEN amount_fen ELSE 0 END)
				   OR held - voided - posted <> (CASE WHEN state = 'in_flight' THEN amount_fen ELSE 0 END)`,
			`SELECT 'transfer ' || id || ' is ' || state || ' but refunds held ' || CAST(held AS TEXT) || ', voided ' || CAST(voided AS TEXT) || ', posted ' || CAST(posted AS TEXT)
				FROM (SELECT t.id, t.state, t.amount_fen, COALESCE(SUM(h.amount_fen), 0) AS held, COALESCE(SUM(v.amount_fen), 0) AS voided, COALESCE(SUM(p.amount_fen), 0) AS posted
					FROM refunds r JOIN transfers t ON t.id = r.transfer_id
					LEFT JOIN postings h ON h.ref = 'refund-hold:' || r.out_refund_no
					LEFT JOIN postings v ON v.ref = 'refund-void:' || r.out_refund_no
					LEFT JOIN postings p ON p.ref = 'refund-post:' || r.out_refund_no
					GROUP BY t.id, t.state, t.amount_fen) AS refunded
				WHERE posted <> (CASE WHEN state = 'refunded' THEN amount_fen ELSE 0 END)
				   OR held - voided - posted <> (CASE WHEN state = 'refunding' THEN amount_fen ELSE 0 END)`,
			`SELECT 'transfer ' || t.id || ' is ' || t.state || ' without a refund' FROM transfers t WHERE t.state IN ('refunding', 'refunded')
				AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.transfer_id = t.id)`,
			`SELECT 'person ' || CAST(person_id AS TEXT) || ': ' || kind || ' by transfers minus by postings is ' || CAST(SUM(fen) AS TEXT) || ' fen' FROM (
				SELECT person_id, CASE state WHEN 'in_flight' THEN 'inflight' ELSE state END AS kind, amount_fen AS fen FROM transfers WHERE state IN ('pending', 'in_flight', 'refunding')
				UNION ALL SELECT debit_owner, debit_kind, amount_fen FROM postings WHERE debit_kind IN ('pending', 'inflight', 'refunding')
				UNION ALL SELECT credit_owner, credit_kind, -amount_fen FROM postings WHERE credit_kind IN ('pending', 'inflight', 'refunding')) AS lines
				GROUP BY person_id, kind HAVING SUM(fen) <> 0`,
			`SELECT 'claim ' || k.id || ' of ' || CAST(k.amount_fen AS TEXT) || ' fen took transfers of ' || CAST(COALESCE(SUM(t.amount_fen), 0) AS TEXT)
				FROM claims k LEFT JOIN claim_transfers l ON l.claim_id = k.id LEFT JOIN transfers t ON t.id = l.transfer_id
				GROUP BY k.id, k.amount_fen HAVING COALESCE(SUM(t.amount_fen), 0) <> k.amount_fen`,
		}},
	{4, "a card's balance is opening + claimed − consumed + corrections",
		`SELECT COUNT(*) FROM campus_cards`,
		[]string{
			`SELECT 'card ' || c.card_no || ' shows ' || CAST(c.balance_fen AS TEXT) || ' fen, its postings give ' || CAST(COALESCE(f.fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN (SELECT card_id, SUM(fen) AS fen FROM (
					SELECT credit_owner AS card_id, amount_fen AS fen FROM postings WHERE credit_kind = 'float'
					UNION ALL SELECT debit_owner, -amount_fen FROM postings WHERE debit_kind = 'float'
					UNION ALL SELECT card_id, -amount_fen FROM consumptions) AS lines GROUP BY card_id) AS f ON f.card_id = c.id
				WHERE c.balance_fen <> COALESCE(f.fen, 0)`,
			`SELECT 'card ' || c.card_no || ' spent ' || CAST(COALESCE(n.fen, 0) AS TEXT) || ' fen, by its months ' || CAST(COALESCE(m.fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN (SELECT card_id, SUM(amount_fen) AS fen FROM consumptions GROUP BY card_id) AS n ON n.card_id = c.id
				LEFT JOIN (SELECT card_id, SUM(spent_fen) AS fen FROM month_totals GROUP BY card_id) AS m ON m.card_id = c.id
				WHERE COALESCE(n.fen, 0) <> COALESCE(m.fen, 0)`,
			`SELECT 'card ' || c.card_no || ' was opened with ' || CAST(c.opening_fen AS TEXT) || ' fen, booked ' || CAST(COALESCE(p.amount_fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN postings p ON p.ref = 'opening:' || c.card_no WHERE COALESCE(p.amount_fen, 0) <> c.opening_fen`,
			`SELECT 'card ' || c.card_no || ' was loaded with ' || CAST(k.fen AS TEXT) || ' fen by claims, ' || CAST(COALESCE(p.fen, 0) AS TEXT) || ' by postings'
				FROM (SELECT card_id, SUM(amount_fen) AS fen FROM claims WHERE state = 'claimed' GROUP BY card_id) AS k JOIN campus_cards c ON c.id = k.card_id
				LEFT JOIN (SELECT credit_owner, SUM(amount_fen) AS fen FROM postings WHERE credit_kind = 'float' AND debit_kind = 'inflight' GROUP BY credit_owner) AS p ON p.credit_owner = k.card_id
				WHERE k.fen <> COALESCE(p.fen, 0)`,
		}},
	{5, "no posting is ever changed or deleted",
		`SELECT COUNT(*) FROM postings`,
		[]string{
			`SELECT 'posting ' || ref || ' belongs to no act' FROM postings
				WHERE ref NOT LIKE 'topup:%' AND ref NOT LIKE 'surplus:%' AND ref NOT LIKE 'hold:%' AND ref NOT LIKE 'void:%' AND ref NOT LIKE 'post:%' AND ref NOT LIKE 'opening:%'
				AND ref NOT LIKE 'refund-hold:%' AND ref NOT LIKE 'refund-void:%' AND ref NOT LIKE 'refund-post:%'`,
			`SELECT 'claim ' || l.claim_id || ' lost the posting that held transfer ' || l.transfer_id FROM claim_transfers l
				WHERE NOT EXISTS (SELECT 1 FROM postings p WHERE p.ref = 'hold:' || l.claim_id || ':' || l.transfer_id)`,
		}},
	{6, "every refund matches one refund at WeChat Pay and never exceeds what was paid",
		`SELECT COUNT(*) FROM refunds`,
		[]string{
			`SELECT 'posting ' || p.ref || ' gives back money without a refund at WeChat Pay' FROM postings p WHERE p.credit_kind = 'wx_clearing'
				AND NOT EXISTS (SELECT 1 FROM refunds r WHERE p.ref = 'refund-post:' || r.out_refund_no AND r.state = 'refunded'
					AND r.wx_refund_id IS NOT NULL AND r.amount_fen = p.amount_fen)`,
			`SELECT 'refund ' || r.out_refund_no || ' is done and not booked' FROM refunds r WHERE r.state = 'refunded'
				AND NOT EXISTS (SELECT 1 FROM postings p WHERE p.ref = 'refund-post:' || r.out_refund_no AND p.credit_kind = 'wx_clearing' AND p.amount_fen = r.amount_fen)`,
			`SELECT 'payment ' || a.out_trade_no || ' of ' || CAST(a.amount_fen AS TEXT) || ' fen is ' || a.state || ', refunds that are not closed sum to ' || CAST(r.fen AS TEXT)
				FROM (SELECT out_trade_no, SUM(amount_fen) AS fen, SUM(CASE WHEN state = 'refunded' THEN amount_fen ELSE 0 END) AS done
					FROM refunds WHERE state <> 'closed' GROUP BY out_trade_no) AS r JOIN attempts a ON a.out_trade_no = r.out_trade_no
				WHERE r.fen > a.amount_fen OR a.state NOT IN ('paid', 'refunded') OR r.done <> (CASE WHEN a.state = 'refunded' THEN a.amount_fen ELSE 0 END)`,
			`SELECT 'payment ' || a.out_trade_no || ' is refunded and has no refund' FROM attempts a WHERE a.state = 'refunded'
				AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.out_trade_no = a.out_trade_no AND r.state = 'refunded')`,
			`SELECT 'order ' || o.out_trade_no || ' is ' || o.state || ' and its transfer is ' || t.state FROM orders o JOIN transfers t ON t.source_ref = o.out_trade_no
				WHERE (o.state = 'refunded') <> (t.state = 'refunded')`,
		}},
}

// guards prove that the database itself refuses changes to postings.
const (
	guardsPostgres = `SELECT 'the guard ' || g.name || ' is missing or off' FROM (VALUES ('postings_append_only'), ('postings_no_truncate'), ('consumptions_append_only')) AS g(name)
		WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgname = g.name AND t.tgrelid IN ('postings'::regclass, 'consumptions'::regclass) AND t.tgenabled IN ('O', 'A'))`
	guardsSQLite = `SELECT 'the guard ' || g.name || ' is missing' FROM (SELECT 'postings_no_update' AS name UNION ALL SELECT 'postings_no_delete'
		UNION ALL SELECT 'consumptions_no_update' UNION ALL SELECT 'consumptions_no_delete') AS g
		WHERE NOT EXISTS (SELECT 1 FROM sqlite_master t WHERE t.type = 'trigger' AND t.name = g.name AND t.tbl_name IN ('postings', 'consumptions'))`
)

// exceptionsSQL lists what waits for a person. A balance that differs from the
// chip's and a break in a card's chain of balances are derived from the
// records as they stand: a late record may explain them.
const exceptionsSQL = `
	SELECT card_no, kind, detail FROM cases WHERE settled_at IS NULL
	UNION ALL
	SELECT card_no, 'balance_differs', 'the chip holds ' || CAST(chip_balance_fen AS TEXT) || ' fen, the books ' || CAST(balance_fen AS TEXT) || ', at load_seq '
		|| CAST(chip_load_seq AS TEXT) || ', spend_seq ' || CAST(chip_spend_seq AS TEXT) || ', with ' || CAST(chip_spend_seq - first_spend_seq - records AS TEXT) || ' purchases still missing'
		FROM campus_cards c WHERE chip_balance_fen <> balance_fen
	UNION ALL
	SELECT card_no, 'balance_chain', 'purchase ' || CAST(spend_seq AS TEXT) || ' left ' || CAST(balance_fen AS TEXT) || ' fen, which does not follow from the '
		|| CAST(before_fen AS TEXT) || ' left by the one before'
		FROM (SELECT c.card_no, n.spend_seq, n.load_seq, n.amount_fen, n.balance_fen,
			LAG(n.balance_fen) OVER w AS before_fen, LAG(n.spend_seq) OVER w AS before_seq, LAG(n.load_seq) OVER w AS before_load
			FROM consumptions n JOIN campus_cards c ON c.id = n.card_id WINDOW w AS (PARTITION BY n.card_id ORDER BY n.spend_seq)) AS chain
		WHERE spend_seq = before_seq + 1 AND load_seq = before_load AND balance_fen <> before_fen - amount_fen
	UNION ALL
	SELECT card_no, code, 'record ' || CAST(seq AS TEXT) || ' of terminal ' || terminal_id || ' was not booked' FROM rejections WHERE code IN ('conflict', 'card_not_found')`

// CheckLedger proves the invariants of the contract's section 8 over one
// snapshot of the whole database. progress, when set, hears of each one.
func (s *Store) CheckLedger(ctx context.Context, progress func(Invariant)) (Report, error) {
	report := Report{OK: true, Exceptions: []Exception{}}
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return report, fmt.Errorf("connect for the check: %w", err)
	}
	defer conn.Close()
	// Not database/sql's Begin: on SQLite it would take the writer's lock.
	begin, guards := "BEGIN", guardsSQLite
	if !s.Embedded() {
		begin, guards = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", guardsPostgres
	}
	if _, err := conn.ExecContext(ctx, begin); err != nil {
		return report, fmt.Errorf("begin the check: %w", err)
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing was written
	for _, p := range proofs {
		queries := p.queries
		if p.id == 5 {
			queries = append([]string{guards}, queries...)
		}
		in := Invariant{ID: p.id, Name: p.name, Violations: []string{}}
		if err := conn.QueryRowContext(ctx, p.count).Scan(&in.Rows); err != nil {
			return report, fmt.Errorf("count for invariant %d: %w", p.id, err)
		}
		for _, q := range queries {
			found, err := texts(ctx, conn, q)
			if err != nil {
				return report, fmt.Errorf("prove invariant %d: %w", p.id, err)
			}
			in.Violations = append(in.Violations, found...)
		}
		in.OK = len(in.Violations) == 0
		report.OK = report.OK && in.OK
		report.Invariants = append(report.Invariants, in)
		if progress != nil {
			progress(in)
		}
	}
	return report, exceptions(ctx, conn, &report)
}

func texts(ctx context.Context, conn *sql.Conn, query string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query+fmt.Sprintf(" LIMIT %d", maxViolations))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, strings.TrimSpace(text))
	}
	return out, rows.Err()
}

func exceptions(ctx context.Context, conn *sql.Conn, report *Report) error {
	rows, err := conn.QueryContext(ctx, exceptionsSQL)
	if err != nil {
		return fmt.Errorf("list the exceptions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Exception
		if err := rows.Scan(&e.CardNo, &e.Kind, &e.Detail); err != nil {
			return fmt.Errorf("list the exceptions: %w", err)
		}
		report.Exceptions = append(report.Exceptions, e)
	}
	return rows.Err()
}

// OpenCases lists what waits for a person, oldest first.
func (s *Store) OpenCases(ctx context.Context) ([]ledger.Case, error) {
	var found []struct {
		Kind   string
		Ref    string
		CardNo string
		Detail string
		At     int64
	}
	err := s.db.WithContext(ctx).Table("cases").Where("settled_at IS NULL").Order("at, id").Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("list the cases: %w", err)
	}
	out := make([]ledger.Case, len(found))
	for i, c := range found {
		out[i] = ledger.Case{Kind: c.Kind, Ref: c.Ref, CardNo: c.CardNo, Detail: c.Detail, At: timeOf(c.At)}
	}
	return out, nil
}
