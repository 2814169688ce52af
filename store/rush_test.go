package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// TestStore_Rush lets eighty holders pay, tap and take their money all at once,
// with everything that goes wrong at such a moment. Books and answers are the
// same as when every act has a transaction of its own.
func TestStore_Rush(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL")
	}
	together, oneByOne := storetest.Postgres(t), storetest.Postgres(t)
	oneByOne.OneByOne()
	got, want := rush(t, together), rush(t, oneByOne)
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] {
			t.Fatalf("line %d of %d and %d differs:\n%s\n%s", i, len(got), len(want), got[min(i, len(got)-1)], want[min(i, len(want)-1)])
		}
	}
	if len(got) < 1000 {
		t.Errorf("only %d lines were compared", len(got))
	}
}

// rush plays the moment and returns what was answered and what stands after.
func rush(t *testing.T, s *store.Store) []string {
	const n = 80
	ctx := t.Context()
	all := make([]ledger.Person, n)
	for i := range all {
		all[i] = campus(t, s, i)
		order(t, s, all[i], fmt.Sprintf("XK%d", i), 1000)
		order(t, s, all[i], fmt.Sprintf("XL%d", i), 500)
	}
	for i := 3; i < n; i += 11 {
		if _, err := s.ReportLoss(ctx, all[i].ID, noon); err != nil {
			t.Fatal(err)
		}
	}
	topUp(t, s, campus(t, s, n), "base", 1000)
	var out []string
	phase := func(name string, times int, act func(i, k int) string) {
		answers := make([]string, n*times)
		var acts sync.WaitGroup
		for i := range n {
			for k := range times {
				acts.Go(func() { answers[i*times+k] = act(i, k) })
			}
		}
		acts.Wait()
		for i := range n {
			slices.Sort(answers[i*times : (i+1)*times]) // of one holder's acts any may have been the first
			out = append(out, fmt.Sprintf("%s %d: %s", name, i, strings.Join(answers[i*times:(i+1)*times], " | ")))
		}
	}

	phase("settle", 3, func(i, k int) string {
		p := payment(fmt.Sprintf("XK%d", i), 1000)
		switch {
		case i%7 == 1 && k == 1:
			p.Total = 999
		case i%7 == 2 && k == 2:
			p.OutTradeNo = "unknown"
		case i%7 == 4:
			p.WxTransactionID = "42base" // another holder's
		}
		done, err := s.SettleTopUp(ctx, p, noon)
		if err != nil {
			return err.Error() // what the order was by then depends on who came first
		}
		return fmt.Sprint(done.Order.State, done.Transfer.State, done.Transfer.Amount, done.Order.PaidAt.Unix(), done.Repeat, done.RefundDue, err)
	})
	phase("settle the second", 1, func(i, _ int) string {
		if i%2 == 1 {
			return ""
		}
		done, err := s.SettleTopUp(ctx, payment(fmt.Sprintf("XL%d", i), 500), noon.Add(time.Second))
		return fmt.Sprint(done.Order.State, done.Transfer.Amount, err)
	})

	tap := func(i int, terminal, key string) (ledger.Claim, error) {
		r := request(all[i], key, ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})
		r.TerminalID = terminal
		switch {
		case i%5 == 1:
			r.MaxBalance = 2300 // one of two fits, at most
		case i%13 == 6:
			r.CardNo = "C0"
		}
		return s.Authorise(ctx, r)
	}
	said := func(c ledger.Claim, err error) string {
		amounts := make([]string, len(c.Transfers))
		for i, t := range c.Transfers {
			amounts[i] = fmt.Sprint(t.Amount, t.State, t.TerminalID, t.ClaimID == c.ID, t.ClaimedAt.Unix())
		}
		return fmt.Sprint(c.State, c.CardNo, c.Amount, c.Before, c.EndedAt.Unix(), amounts, err)
	}
	phase("tap", 2, func(i, _ int) string { return said(tap(i, "K01", fmt.Sprintf("key-%d", i))) })
	phase("tap elsewhere", 1, func(i, _ int) string { return said(tap(i, "K02", fmt.Sprintf("other-%d", i))) })

	open := map[string]ledger.Claim{}
	claims, err := s.OpenClaims(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range claims {
		open[c.CardNo] = c
	}
	phase("confirm", 3, func(i, k int) string {
		c, ok := open[all[i].CardNo]
		if !ok {
			return said(s.ConfirmClaim(ctx, "K01", "unknown", ledger.Chip{}, noon))
		}
		terminal, chip := c.TerminalID, c.Expected()
		switch {
		case i%4 == 1 && k == 1:
			terminal = "K02"
		case i%9 == 2:
			chip = c.Before
		case i%9 == 3:
			chip.Balance++
		}
		return said(s.ConfirmClaim(ctx, terminal, c.ID, chip, noon.Add(time.Minute)))
	})
	phase("tap again", 1, func(i, _ int) string {
		r := request(all[i], fmt.Sprintf("again-%d", i), ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 2250})
		return said(s.Authorise(ctx, r))
	})
	phase("repeat the first tap", 1, func(i, _ int) string { return said(tap(i, "K01", fmt.Sprintf("key-%d", i))) })

	report, err := s.CheckLedger(ctx, nil)
	if err != nil || !report.OK {
		t.Errorf("the books: %+v, %v", report, err)
	}
	return append(out, standing(t, s)...)
}

// standing is what the books hold, with references to what made a row in the
// place of random numbers.
func standing(t *testing.T, s *store.Store) (out []string) {
	const claim = `(SELECT k.idempotency_key FROM claims k WHERE k.id = %s)`
	for _, table := range []struct{ name, columns string }{
		{"orders o", "o.*"},
		{"attempts a", "a.*"},
		{"campus_cards c", "c.*"},
		{"cases c", "c.kind, c.ref, c.card_no, c.detail, c.at"},
		{"transfers t", "t.person_id, t.kind, t.source_ref, t.title, t.amount_fen, t.state, t.terminal_id, t.created_at, t.claimed_at, " + fmt.Sprintf(claim, "t.claim_id")},
		{"claims k", "k.card_id, k.person_id, k.terminal_id, k.idempotency_key, k.body_hash, k.amount_fen, k.load_seq, k.spend_seq, k.balance_fen, k.state, " +
			"k.created_at, k.expires_at, k.held_at, k.ended_at, k.evidence"},
		{"claim_transfers l JOIN transfers t ON t.id = l.transfer_id", "t.source_ref, " + fmt.Sprintf(claim, "l.claim_id")},
		{"postings p", "split_part(p.ref, ':', 1), p.debit_kind, p.debit_owner, p.credit_kind, p.credit_owner, p.amount_fen, p.at"},
		{"outbox b", "b.kind, (b.args::jsonb #- '{event,ref}')"},
	} {
		var rows string
		err := s.QueryRow(fmt.Sprintf(`SELECT COALESCE(string_agg(line, E'\n' ORDER BY line), '') FROM (SELECT CAST(ROW(%s) AS TEXT) AS line FROM %s) AS lines`,
			table.columns, table.name)).Scan(&rows)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.SplitSeq(rows, "\n") {
			out = append(out, table.name+" "+line)
		}
	}
	return out
}
