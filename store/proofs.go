package store

// proof is one invariant as SQL of its own, sharing nothing with the acts:
// count says over how many rows, each query returns one text a violation.
// Rows meet by equal keys alone, so that a database joins them by hashing and
// ten million postings take seconds.
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
			`SELECT 'purchase ' || n.terminal_id || ':' || CAST(n.seq AS TEXT) || ' has no card or no merchant' FROM consumptions n
				LEFT JOIN campus_cards c ON c.id = n.card_id LEFT JOIN merchants m ON m.id = n.merchant_id WHERE c.id IS NULL OR m.id IS NULL OR n.amount_fen <= 0`,
			`WITH sums AS MATERIALIZED (SELECT debit_kind, debit_owner, credit_kind, credit_owner, SUM(amount_fen) AS fen FROM postings GROUP BY 1, 2, 3, 4),
				lines AS (SELECT debit_kind AS kind, debit_owner AS owner, fen FROM sums UNION ALL SELECT credit_kind, credit_owner, -fen FROM sums)
				SELECT 'person ' || CAST(owner AS TEXT) || ' has a negative ' || kind || ' account' FROM lines
					WHERE kind IN ('pending', 'inflight', 'refunding') GROUP BY kind, owner HAVING SUM(fen) > 0
				UNION ALL SELECT 'the accounts sum to ' || CAST(total AS TEXT) || ' fen' FROM (SELECT SUM(net) AS total FROM (
					SELECT kind, owner, SUM(fen) AS net FROM lines GROUP BY kind, owner
					UNION ALL SELECT 'float', 0, SUM(amount_fen) FROM consumptions
					UNION ALL SELECT 'merchant', merchant_id, -SUM(amount_fen) FROM consumptions GROUP BY merchant_id) AS accounts) AS total WHERE total <> 0`,
		}},
	{2, "every payment has exactly one top-up of its amount, or one refund in full; nothing else has one",
		`SELECT COUNT(*) FROM attempts WHERE state IN ('paid', 'refunded')`,
		[]string{
			`SELECT 'payment ' || a.out_trade_no || ' of ' || CAST(COALESCE(a.paid_fen, a.amount_fen) AS TEXT) || ' fen is booked as '
				|| CAST(COALESCE(u.amount_fen, 0) AS TEXT) || ' topped up and ' || CAST(COALESCE(s.amount_fen, 0) AS TEXT) || ' to go back'
				FROM attempts a LEFT JOIN postings u ON u.ref = 'topup:' || a.out_trade_no AND u.debit_kind = 'wx_clearing' AND u.credit_kind = 'pending'
				LEFT JOIN postings s ON s.ref = 'surplus:' || a.out_trade_no AND s.debit_kind = 'wx_clearing' AND s.credit_kind = 'suspense'
				WHERE a.state IN ('paid', 'refunded') AND (COALESCE(u.amount_fen, 0) + COALESCE(s.amount_fen, 0) <> COALESCE(a.paid_fen, a.amount_fen)
				OR (u.ref IS NOT NULL AND (s.ref IS NOT NULL OR a.paid_fen IS NOT NULL OR u.credit_owner <> a.person_id)))`,
			`SELECT p.ref || ' has no payment' FROM postings p LEFT JOIN attempts a ON a.state IN ('paid', 'refunded')
				AND a.out_trade_no = CASE WHEN substr(p.ref, 1, 6) = 'topup:' THEN substr(p.ref, 7) WHEN substr(p.ref, 1, 8) = 'surplus:' THEN substr(p.ref, 9) END
				WHERE p.debit_kind = 'wx_clearing' AND a.out_trade_no IS NULL`,
			`SELECT p.ref || ' was one payment too many and no refund of it stands' FROM postings p
				LEFT JOIN refunds r ON r.out_trade_no = substr(p.ref, 9) AND r.transfer_id IS NULL AND r.amount_fen <= p.amount_fen
				WHERE substr(p.ref, 1, 8) = 'surplus:' AND r.out_trade_no IS NULL`,
			`SELECT 'order ' || o.out_trade_no || ' is ' || o.state || ' and its transfer is of ' || CAST(COALESCE(t.amount_fen, 0) AS TEXT) || ' fen'
				FROM orders o LEFT JOIN transfers t ON t.source_ref = o.out_trade_no
				WHERE (t.id IS NOT NULL) <> (o.state IN ('paid', 'refunded')) OR t.amount_fen <> o.amount_fen OR t.person_id <> o.person_id OR t.kind <> 'topup'`,
			`SELECT 'transfer ' || t.id || ' is a top-up of no order' FROM transfers t LEFT JOIN orders o ON o.out_trade_no = t.source_ref
				WHERE t.kind = 'topup' AND o.out_trade_no IS NULL`,
		}},
	{3, "a transfer's amount is claimed, refunded, pending or in flight, each fen once",
		`SELECT COUNT(*) FROM transfers`,
		[]string{
			`SELECT 'transfer ' || t.id || ' is ' || t.state || ' and its claim ' || COALESCE(k.state, 'missing') FROM transfers t
				LEFT JOIN claims k ON k.id = t.claim_id
				WHERE t.state IN ('in_flight', 'claimed') AND COALESCE(k.state, 'missing') <> CASE t.state WHEN 'in_flight' THEN 'open' ELSE 'claimed' END`,
			`SELECT CASE WHEN k.id IS NULL OR t.id IS NULL THEN 'claim ' || l.claim_id || ' or transfer ' || l.transfer_id || ' is missing'
				ELSE 'claim ' || l.claim_id || ' is ' || k.state || ' but of transfer ' || t.id || ' held ' || CAST(COALESCE(h.amount_fen, 0) AS TEXT)
				|| ', voided ' || CAST(COALESCE(v.amount_fen, 0) AS TEXT) || ', posted ' || CAST(COALESCE(c.amount_fen, 0) AS TEXT) END
				FROM claim_transfers l LEFT JOIN claims k ON k.id = l.claim_id LEFT JOIN transfers t ON t.id = l.transfer_id
				LEFT JOIN postings h ON h.ref = 'hold:' || l.claim_id || ':' || l.transfer_id AND h.credit_kind = 'inflight' AND h.debit_owner = t.person_id
				LEFT JOIN postings v ON v.ref = 'void:' || l.claim_id || ':' || l.transfer_id AND v.debit_kind = 'inflight' AND v.credit_kind = 'pending' AND v.credit_owner = t.person_id
				LEFT JOIN postings c ON c.ref = 'post:' || l.claim_id || ':' || l.transfer_id AND c.credit_kind = 'float' AND c.credit_owner = k.card_id
				WHERE k.id IS NULL OR t.id IS NULL OR COALESCE(h.amount_fen, 0) <> t.amount_fen OR COALESCE(v.amount_fen, 0) <> (CASE k.state WHEN 'released' THEN t.amount_fen ELSE 0 END)
				OR COALESCE(c.amount_fen, 0) <> (CASE k.state WHEN 'claimed' THEN t.amount_fen ELSE 0 END)
				OR (k.state <> 'released' AND COALESCE(t.claim_id, '') <> k.id)`,
			`SELECT 'transfer ' || id || ' is ' || state || ' but refunds held ' || CAST(held AS TEXT) || ', voided ' || CAST(voided AS TEXT) || ', posted ' || CAST(posted AS TEXT)
				FROM (SELECT t.id, t.state, t.amount_fen, COALESCE(SUM(h.amount_fen), 0) AS held, COALESCE(SUM(v.amount_fen), 0) AS voided, COALESCE(SUM(p.amount_fen), 0) AS posted
					FROM refunds r JOIN transfers t ON t.id = r.transfer_id
					LEFT JOIN postings h ON h.ref = 'refund-hold:' || r.out_refund_no
					LEFT JOIN postings v ON v.ref = 'refund-void:' || r.out_refund_no
					LEFT JOIN postings p ON p.ref = 'refund-post:' || r.out_refund_no
					GROUP BY t.id, t.state, t.amount_fen) AS refunded
				WHERE posted <> (CASE WHEN state = 'refunded' THEN amount_fen ELSE 0 END)
				   OR held - voided - posted <> (CASE WHEN state = 'refunding' THEN amount_fen ELSE 0 END)`,
			`SELECT 'transfer ' || t.id || ' is ' || t.state || ' without a refund' FROM transfers t LEFT JOIN refunds r ON r.transfer_id = t.id
				WHERE t.state IN ('refunding', 'refunded') AND r.out_refund_no IS NULL`,
			`WITH sums AS MATERIALIZED (SELECT debit_kind, debit_owner, credit_kind, credit_owner, SUM(amount_fen) AS fen FROM postings GROUP BY 1, 2, 3, 4)
				SELECT 'person ' || CAST(person_id AS TEXT) || ': ' || kind || ' by transfers minus by postings is ' || CAST(SUM(fen) AS TEXT) || ' fen' FROM (
				SELECT person_id, CASE state WHEN 'in_flight' THEN 'inflight' ELSE state END AS kind, amount_fen AS fen FROM transfers WHERE state IN ('pending', 'in_flight', 'refunding')
				UNION ALL SELECT debit_owner, debit_kind, fen FROM sums WHERE debit_kind IN ('pending', 'inflight', 'refunding')
				UNION ALL SELECT credit_owner, credit_kind, -fen FROM sums WHERE credit_kind IN ('pending', 'inflight', 'refunding')) AS lines
				GROUP BY person_id, kind HAVING SUM(fen) <> 0`,
			`SELECT 'claim ' || k.id || ' of ' || CAST(k.amount_fen AS TEXT) || ' fen took transfers of ' || CAST(COALESCE(l.fen, 0) AS TEXT)
				FROM claims k LEFT JOIN (SELECT l.claim_id, SUM(t.amount_fen) AS fen FROM claim_transfers l JOIN transfers t ON t.id = l.transfer_id
					GROUP BY l.claim_id) AS l ON l.claim_id = k.id WHERE COALESCE(l.fen, 0) <> k.amount_fen`,
			`SELECT 'claim ' || k.id || ' has no card or no terminal' FROM claims k
				LEFT JOIN campus_cards c ON c.id = k.card_id LEFT JOIN terminals m ON m.id = k.terminal_id WHERE c.id IS NULL OR m.id IS NULL`,
			`SELECT 'transfer ' || t.id || ' belongs to nobody' FROM transfers t LEFT JOIN people p ON p.id = t.person_id WHERE p.id IS NULL`,
			`SELECT 'grant ' || b.batch || ' to person ' || CAST(b.person_id AS TEXT) || ' is not what its transfer and its posting say' FROM subsidies b
				LEFT JOIN transfers t ON t.id = b.transfer_id AND t.kind = 'subsidy' AND t.person_id = b.person_id
				LEFT JOIN postings p ON p.ref = 'subsidy:' || b.batch || ':' || CAST(b.person_id AS TEXT) AND p.ref = t.source_ref
					AND p.debit_kind = 'subsidy_fund' AND p.credit_kind = 'pending' AND p.credit_owner = b.person_id AND p.amount_fen = t.amount_fen
				WHERE t.id IS NULL OR p.ref IS NULL`,
			`SELECT 'transfer ' || t.id || ' (' || t.kind || ') comes from nowhere' FROM transfers t LEFT JOIN subsidies b ON b.transfer_id = t.id
				LEFT JOIN corrections x ON x.transfer_id = t.id
				WHERE t.kind <> 'topup' AND (b.transfer_id IS NULL OR t.kind <> 'subsidy') AND (x.transfer_id IS NULL OR t.kind <> 'correction')
				AND t.kind <> 'replacement'`,
			`SELECT 'posting ' || p.ref || ' gives money for no transfer, or for another' FROM postings p LEFT JOIN transfers t ON t.source_ref = p.ref
				LEFT JOIN replacements r ON r.old_card_id = p.debit_owner AND r.person_id = t.person_id
				WHERE (p.debit_kind IN ('subsidy_fund', 'float') OR (p.debit_kind = 'merchant' AND p.credit_kind = 'pending')) AND (t.id IS NULL
				OR (p.debit_kind = 'float' AND (t.kind <> 'replacement' OR t.amount_fen <> p.amount_fen OR t.person_id <> p.credit_owner OR r.old_card_id IS NULL)))`,
		}},
	{4, "a card's balance is opening + claimed − consumed + corrections",
		`SELECT COUNT(*) FROM campus_cards`,
		[]string{
			`SELECT 'card ' || c.card_no || ' shows ' || CAST(c.balance_fen AS TEXT) || ' fen, its postings give ' || CAST(COALESCE(f.fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN (SELECT card_id, SUM(fen) AS fen FROM (
					SELECT credit_owner AS card_id, SUM(amount_fen) AS fen FROM postings WHERE credit_kind = 'float' GROUP BY credit_owner
					UNION ALL SELECT debit_owner, -SUM(amount_fen) FROM postings WHERE debit_kind = 'float' GROUP BY debit_owner
					UNION ALL SELECT card_id, -SUM(amount_fen) FROM consumptions GROUP BY card_id) AS lines GROUP BY card_id) AS f ON f.card_id = c.id
				WHERE c.balance_fen <> COALESCE(f.fen, 0)`,
			`SELECT 'card ' || c.card_no || ' spent ' || CAST(COALESCE(n.fen, 0) AS TEXT) || ' fen, by its months ' || CAST(COALESCE(m.fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN (SELECT card_id, SUM(amount_fen) AS fen FROM consumptions GROUP BY card_id) AS n ON n.card_id = c.id
				LEFT JOIN (SELECT card_id, SUM(spent_fen) AS fen FROM card_months GROUP BY card_id) AS m ON m.card_id = c.id
				WHERE COALESCE(n.fen, 0) <> COALESCE(m.fen, 0)`,
			`SELECT 'card ' || c.card_no || ' was opened with ' || CAST(c.opening_fen AS TEXT) || ' fen, booked ' || CAST(COALESCE(p.amount_fen, 0) AS TEXT)
				FROM campus_cards c LEFT JOIN postings p ON p.ref = 'opening:' || c.card_no WHERE COALESCE(p.amount_fen, 0) <> c.opening_fen`,
			`SELECT 'card ' || c.card_no || ' was loaded with ' || CAST(k.fen AS TEXT) || ' fen by claims, ' || CAST(COALESCE(p.fen, 0) AS TEXT) || ' by postings'
				FROM (SELECT card_id, SUM(amount_fen) AS fen FROM claims WHERE state = 'claimed' GROUP BY card_id) AS k JOIN campus_cards c ON c.id = k.card_id
				LEFT JOIN (SELECT credit_owner, SUM(amount_fen) AS fen FROM postings WHERE credit_kind = 'float' AND debit_kind = 'inflight' GROUP BY credit_owner) AS p ON p.credit_owner = k.card_id
				WHERE k.fen <> COALESCE(p.fen, 0)`,
			`SELECT 'correction of purchase ' || x.terminal_id || ':' || CAST(x.seq AS TEXT) || ' is not what the purchase, its transfer and its posting say'
				FROM corrections x LEFT JOIN campus_cards c ON c.id = x.card_id
				LEFT JOIN consumptions n ON n.terminal_id = x.terminal_id AND n.seq = x.seq AND n.card_id = x.card_id AND n.merchant_id = x.merchant_id AND n.amount_fen >= x.amount_fen
				LEFT JOIN transfers t ON t.id = x.transfer_id AND t.kind = 'correction' AND t.person_id = c.person_id AND t.amount_fen = x.amount_fen
				LEFT JOIN postings p ON p.ref = 'correction:' || x.terminal_id || ':' || CAST(x.seq AS TEXT) AND p.ref = t.source_ref AND p.debit_kind = 'merchant'
					AND p.debit_owner = x.merchant_id AND p.credit_kind = 'pending' AND p.credit_owner = c.person_id AND p.amount_fen = x.amount_fen
				WHERE n.seq IS NULL OR t.id IS NULL OR p.ref IS NULL`,
			`SELECT 'card ' || c.card_no || CASE WHEN r.old_card_id IS NULL THEN ' is closed and was not replaced' ELSE ' was replaced and is ' || c.status END
				FROM campus_cards c LEFT JOIN replacements r ON r.old_card_id = c.id WHERE (c.status = 'closed') <> (r.old_card_id IS NOT NULL)`,
		}},
	{5, "no posting is ever changed or deleted",
		`SELECT (SELECT COUNT(*) FROM postings) + (SELECT COUNT(*) FROM consumptions)`,
		[]string{
			`SELECT 'posting ' || ref || ' from ' || debit_kind || ' to ' || credit_kind || ' belongs to no act' FROM postings
				WHERE NOT CASE debit_kind || ':' || credit_kind
					WHEN 'wx_clearing:pending' THEN substr(ref, 1, 6) = 'topup:' WHEN 'wx_clearing:suspense' THEN substr(ref, 1, 8) = 'surplus:'
					WHEN 'pending:inflight' THEN substr(ref, 1, 5) = 'hold:' WHEN 'inflight:pending' THEN substr(ref, 1, 5) = 'void:'
					WHEN 'inflight:float' THEN substr(ref, 1, 5) = 'post:' WHEN 'opening:float' THEN substr(ref, 1, 8) = 'opening:'
					WHEN 'pending:refunding' THEN substr(ref, 1, 12) = 'refund-hold:' WHEN 'refunding:pending' THEN substr(ref, 1, 12) = 'refund-void:'
					WHEN 'refunding:wx_clearing' THEN substr(ref, 1, 12) = 'refund-post:' WHEN 'suspense:wx_clearing' THEN substr(ref, 1, 12) = 'refund-post:'
					WHEN 'subsidy_fund:pending' THEN substr(ref, 1, 8) = 'subsidy:' WHEN 'merchant:pending' THEN substr(ref, 1, 11) = 'correction:'
					WHEN 'float:pending' THEN substr(ref, 1, 12) = 'replacement:' OR substr(ref, 1, 9) = 'exchange:' ELSE 1 = 0 END`,
		}},
	{6, "every refund matches one refund at WeChat Pay and never exceeds what was paid",
		`SELECT COUNT(*) FROM refunds`,
		[]string{
			`SELECT 'posting ' || p.ref || ' gives back money without a refund at WeChat Pay' FROM postings p
				LEFT JOIN refunds r ON p.ref = 'refund-post:' || r.out_refund_no AND r.state = 'refunded' AND r.wx_refund_id IS NOT NULL AND r.amount_fen = p.amount_fen
				WHERE p.credit_kind = 'wx_clearing' AND r.out_refund_no IS NULL`,
			`SELECT 'refund ' || r.out_refund_no || ' is done and not booked' FROM refunds r
				LEFT JOIN postings p ON p.ref = 'refund-post:' || r.out_refund_no AND p.credit_kind = 'wx_clearing' AND p.amount_fen = r.amount_fen
				WHERE r.state = 'refunded' AND p.ref IS NULL`,
			`SELECT 'payment ' || a.out_trade_no || ' of ' || CAST(COALESCE(a.paid_fen, a.amount_fen) AS TEXT) || ' fen is ' || a.state
				|| ', refunds that are not closed sum to ' || CAST(r.fen AS TEXT)
				FROM (SELECT out_trade_no, SUM(amount_fen) AS fen, SUM(CASE WHEN state = 'refunded' THEN amount_fen ELSE 0 END) AS done
					FROM refunds WHERE state <> 'closed' GROUP BY out_trade_no) AS r JOIN attempts a ON a.out_trade_no = r.out_trade_no
				WHERE r.fen > COALESCE(a.paid_fen, a.amount_fen) OR a.state NOT IN ('paid', 'refunded')
				OR r.done <> (CASE WHEN a.state = 'refunded' THEN COALESCE(a.paid_fen, a.amount_fen) ELSE 0 END)`,
			`SELECT 'payment ' || a.out_trade_no || ' is refunded and has no refund' FROM attempts a
				LEFT JOIN refunds r ON r.out_trade_no = a.out_trade_no AND r.state = 'refunded' WHERE a.state = 'refunded' AND r.out_trade_no IS NULL`,
			`SELECT 'order ' || o.out_trade_no || ' is refunded and its transfer is ' || t.state FROM orders o JOIN transfers t ON t.source_ref = o.out_trade_no
				WHERE o.state = 'refunded' AND t.state <> 'refunded'
				UNION ALL SELECT 'order ' || o.out_trade_no || ' is ' || o.state || ' and its transfer is refunded' FROM transfers t
				JOIN orders o ON o.out_trade_no = t.source_ref WHERE t.state = 'refunded' AND o.state <> 'refunded'`,
		}},
}

// guards prove that the database itself refuses changes to postings.
const (
	guardsPostgres = `SELECT 'the guard ' || g.name || ' is missing or off' FROM (VALUES ('postings_append_only'), ('postings_no_truncate'), ('consumptions_append_only'),
		('corrections_append_only')) AS g(name) WHERE NOT EXISTS (SELECT 1 FROM pg_trigger t WHERE t.tgname = g.name
		AND t.tgrelid IN ('postings'::regclass, 'consumptions'::regclass, 'corrections'::regclass) AND t.tgenabled IN ('O', 'A'))`
	guardsSQLite = `SELECT 'the guard ' || g.name || ' is missing' FROM (SELECT 'postings_no_update' AS name UNION ALL SELECT 'postings_no_delete'
		UNION ALL SELECT 'consumptions_no_update' UNION ALL SELECT 'consumptions_no_delete'
		UNION ALL SELECT 'corrections_no_update' UNION ALL SELECT 'corrections_no_delete') AS g
		WHERE NOT EXISTS (SELECT 1 FROM sqlite_master t WHERE t.type = 'trigger' AND t.name = g.name AND t.tbl_name IN ('postings', 'consumptions', 'corrections'))`
)

// exceptionsSQL lists what waits for a person. A balance that differs from the
// chip's and a break in a card's chain of balances are derived from the
// records as they stand: a late record may explain them.
const exceptionsSQL = `
	SELECT card_no, kind, detail FROM cases WHERE settled_at IS NULL
	UNION ALL
	SELECT card_no, 'balance_differs', 'the chip holds ' || CAST(chip_balance_fen AS TEXT) || ' fen, the books ' || CAST(balance_fen AS TEXT) || ', at load_seq '
		|| CAST(chip_load_seq AS TEXT) || ', spend_seq ' || CAST(chip_spend_seq AS TEXT) || ', with ' || CAST(chip_spend_seq - first_spend_seq - records AS TEXT) || ' purchases still missing'
		FROM campus_cards c WHERE chip_balance_fen <> balance_fen AND status <> 'closed'
	UNION ALL
	SELECT c.card_no, 'replaced_card', 'the books hold ' || CAST(c.balance_fen AS TEXT) || ' fen on the card, and no case says why'
		FROM replacements r JOIN campus_cards c ON c.id = r.old_card_id WHERE (c.balance_fen < 0 OR c.balance_fen > 0 AND r.moved_at IS NOT NULL)
		AND NOT EXISTS (SELECT 1 FROM cases k WHERE k.kind = 'replaced_card' AND k.card_no = c.card_no)
	UNION ALL
	SELECT c.card_no, 'balance_chain', 'purchase ' || CAST(n.spend_seq AS TEXT) || ' left ' || CAST(n.balance_fen AS TEXT) || ' fen, which does not follow from the '
		|| CAST(b.balance_fen AS TEXT) || ' left by the one before'
		FROM consumptions n JOIN consumptions b ON b.card_id = n.card_id AND b.spend_seq = n.spend_seq - 1 AND b.load_seq = n.load_seq
		JOIN campus_cards c ON c.id = n.card_id WHERE n.balance_fen <> b.balance_fen - n.amount_fen`
