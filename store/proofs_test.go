package store_test

import (
	"context"
	"strings"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// What no act does, the check finds, by the invariant that it breaks.
func TestCheckLedger_Finds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	post := func(values string) string {
		return `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES (` + values + `, 1)`
	}
	cases := map[string]struct {
		broken    string // the invariants, in order
		statement string
	}{
		"GrantOfAnotherAmount":     {"3", `UPDATE transfers SET amount_fen = 2999 WHERE kind = 'subsidy'`},
		"GrantForgotten":           {"3", `DELETE FROM subsidies`},
		"GrantToAnother":           {"3", `UPDATE subsidies SET person_id = (SELECT MAX(id) FROM people)`},
		"GrantWithoutATransfer":    {"3", post(`'subsidy:x:1', 'subsidy_fund', 0, 'pending', 1, 5`)},
		"CorrectionNotBooked":      {"4", `INSERT INTO corrections SELECT 'P01', 2, id, 1, 1, 650, 'x', 1 FROM transfers WHERE kind = 'subsidy'`},
		"CorrectionOfTooMuch":      {"3 4", `UPDATE transfers SET amount_fen = 651 WHERE kind = 'correction'`},
		"TopUpWithoutAPayment":     {"2 3", post(`'topup:XK9', 'wx_clearing', 0, 'pending', 1, 5`)},
		"SurplusWithoutAPayment":   {"2", post(`'surplus:XK9', 'wx_clearing', 0, 'suspense', 0, 5`)},
		"TopUpBookedTwice":         {"2", post(`'surplus:XK1', 'wx_clearing', 0, 'suspense', 0, 5000`)},
		"TopUpTwiceUnderOtherName": {"2 3 5", post(`'topup2:XK1', 'wx_clearing', 0, 'pending', 1, 5000`)},
		"PostedByNoAct":            {"5", post(`'gift:1', 'suspense', 0, 'bank', 0, 5`)},
		"PostedTheWrongWay":        {"1 3 5", post(`'hold:1', 'inflight', 1, 'pending', 1, 5`)},
		"PaymentForgotten":         {"2", `UPDATE attempts SET state = 'closed' WHERE out_trade_no = 'XK1'`},
		"PaidAnotherAmount":        {"2", `UPDATE attempts SET paid_fen = 5001 WHERE out_trade_no = 'XK1'`},
		"RefundedForNothing":       {"6", post(`'refund-post:R1', 'suspense', 0, 'wx_clearing', 0, 5`)},
		"BalanceChanged":           {"4", `UPDATE campus_cards SET balance_fen = balance_fen + 1 WHERE id = 1`},
		"MovedAnotherAmount":       {"3", `UPDATE transfers SET amount_fen = amount_fen + 1 WHERE kind = 'replacement'`},
		"MovedToAnother":           {"3", `UPDATE transfers SET person_id = 1 WHERE kind = 'replacement'`},
		"MovedTwice":               {"3 4", post(`'replacement:C1', 'float', 1, 'pending', 1, 5`)},
		"ReplacementForgotten":     {"3 4", `DELETE FROM replacements`},
		"ClosedForNothing":         {"4", `UPDATE campus_cards SET status = 'closed' WHERE id = 1`},
		"ClaimedFromNowhere":       {"3", `UPDATE transfers SET state = 'claimed', claim_id = 'x' WHERE kind = 'topup'`},
	}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		campus(t, s, 2)
		till(t, s, "P01")
		topUp(t, s, p, "XK1", 5000)
		ingest(t, s, "P01", sold(p, 1, 650, 7, 42, 600), sold(p, 2, 100, 7, 43, 500))
		if _, err := s.GrantSubsidy(ctx, subsidy(p), noon, false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CorrectPurchase(ctx, ledger.Correction{TerminalID: "P01", Seq: 1}, noon); err != nil {
			t.Fatal(err)
		}
		_, err := s.ReplaceCard(ctx, ledger.ReplacementRequest{OldCardNo: campus(t, s, 3).CardNo, NewCardNo: "N1", Chip: &ledger.Chip{Balance: 1250}, Due: noon}, noon)
		if err != nil {
			t.Fatal(err)
		}
		proven(t, s)
		for name, c := range cases {
			var broken []string
			report, err := s.Tampered(ctx, c.statement)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, in := range report.Invariants {
				if !in.OK {
					broken = append(broken, string(rune('0'+in.ID)))
				}
			}
			if got := strings.Join(broken, " "); got != c.broken || report.OK {
				t.Errorf("%s breaks %q, want %q: %+v", name, got, c.broken, report.Invariants)
			}
		}
		proven(t, s)
	})
}

// TestCheckLedger_FindsOrphans: rows that PostgreSQL has no foreign key for.
func TestCheckLedger_FindsOrphans(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL; -short runs without")
	}
	t.Parallel()
	s := storetest.Postgres(t)
	p := campus(t, s, 1)
	topUp(t, s, p, "XK1", 5000)
	if _, err := s.Authorise(context.Background(), request(p, "key-0000000000000001", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
		t.Fatal(err)
	}
	proven(t, s)
	for statement, violation := range map[string]string{
		"UPDATE claims SET card_id = 9":                 "no card or no terminal",
		"UPDATE claims SET terminal_id = 'K99'":         "no card or no terminal",
		"UPDATE claim_transfers SET transfer_id = 'T9'": "or transfer T9 is missing",
		"UPDATE transfers SET person_id = 9":            "belongs to nobody",
	} {
		report, err := s.Tampered(context.Background(), statement)
		if err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
		if found := strings.Join(report.Invariants[2].Violations, "\n"); !strings.Contains(found, violation) {
			t.Errorf("%s is not found: %s", statement, found)
		}
	}
}
