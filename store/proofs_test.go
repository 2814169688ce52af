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
