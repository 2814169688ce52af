package store_test

import (
	"context"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// The check shares nothing with the acts: it finds what no act would do.
func TestStore_CheckLedger_Refunds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const done = `UPDATE transfers SET state = 'refunded' WHERE source_ref = 'XK1'`
	for name, c := range map[string]struct {
		success   bool
		statement string
		broken    int
	}{
		"RefundForgotten":       {true, `DELETE FROM refunds`, 6},
		"AmountChanged":         {true, `UPDATE refunds SET amount_fen = amount_fen - 1`, 6},
		"NoWeChatRefund":        {false, `UPDATE refunds SET state = 'refunded', wx_refund_id = '50', ended_at = 1`, 6},
		"TransferDoneUnbooked":  {false, done, 3},
		"TransferBackUnbooked":  {false, `UPDATE transfers SET state = 'pending' WHERE source_ref = 'XK1'`, 3},
		"OrderNotMarked":        {true, `UPDATE orders SET state = 'paid'`, 6},
		"AttemptNotMarked":      {true, `UPDATE attempts SET state = 'paid'`, 6},
		"BookedWithoutRefund":   {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('refund-post:X', 'refunding', 1, 'wx_clearing', 0, 1, 1)`, 6},
		"MoreThanWasHeld":       {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('refund-void:R1-XK1', 'refunding', 1, 'pending', 1, 5001, 1)`, 1},
		"SurplusWithoutARefund": {false, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES ('surplus:XK9', 'wx_clearing', 0, 'suspense', 0, 1, 1)`, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.SQLite(t)
			p, tr := paid(t, s)
			r := begin(t, s, p, tr)
			if c.success {
				hear(t, s, r, ledger.RefundDone, "SUCCESS")
			}
			proven(t, s)
			if err := s.Exec(ctx, c.statement); err != nil {
				t.Fatal(err)
			}
			report, err := s.CheckLedger(ctx, nil)
			if err != nil {
				t.Fatal(err)
			}
			if report.OK || report.Invariants[c.broken-1].OK {
				t.Errorf("the check passes: %+v", report.Invariants)
			}
		})
	}
}

func TestStore_Unclaimed(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, tr := paid(t, s)
		got, err := s.Unclaimed(ctx, noon, noon)
		if err != nil || len(got) != 1 || got[0].Transfer != tr || got[0].StudentNo != p.StudentNo || got[0].Name != p.Name || got[0].CardNo != p.CardNo {
			t.Errorf("Unclaimed = %+v, %v", got, err)
		}
		if got, err := s.Unclaimed(ctx, noon.Add(-time.Second), noon); err != nil || len(got) != 0 {
			t.Errorf("younger than asked: %+v, %v", got, err)
		}
		begin(t, s, p, tr)
		if got, err := s.Unclaimed(ctx, noon, noon); err != nil || len(got) != 0 {
			t.Errorf("on its way back: %+v, %v", got, err)
		}
	})
}

func TestStore_Between(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, tr := paid(t, s)
		got, err := s.PaidBetween(ctx, noon, noon.Add(time.Second))
		if err != nil || len(got) != 1 || got[0].OutTradeNo != "XK1" || got[0].Amount != 5000 || got[0].WxTransactionID != "42XK1" || !got[0].PaidAt.Equal(noon) {
			t.Errorf("PaidBetween = %+v, %v", got, err)
		}
		if got, err := s.PaidBetween(ctx, noon.Add(-time.Hour), noon); err != nil || len(got) != 0 {
			t.Errorf("PaidBetween the hour before = %+v, %v", got, err)
		}
		r := begin(t, s, p, tr)
		if got, err := s.RefundsBetween(ctx, noon, noon.Add(time.Second)); err != nil || len(got) != 0 {
			t.Errorf("not accepted yet: %+v, %v", got, err)
		}
		hear(t, s, r, ledger.RefundProcessing, "PROCESSING")
		if got, err := s.RefundsBetween(ctx, noon, noon.Add(time.Second)); err != nil || len(got) != 1 {
			t.Errorf("RefundsBetween = %+v, %v", got, err)
		}
	})
}

// Payments that were taken before refunds existed: each gets the day it was
// paid on, and the one nobody needed goes back.
func TestStore_MigrateRefunds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, _ := paid(t, s)
		a := ledger.Attempt{OutTradeNo: "XK1-2", OrderNo: "XK1", N: 2, PersonID: p.ID, Amount: 5000, Channel: ledger.Native,
			AppID: "ww1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: noon}
		if err := s.CreateAttempt(ctx, a); err != nil {
			t.Fatal(err)
		}
		if _, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon); err != nil {
			t.Fatal(err)
		}
		if err := s.MigrateBack(ctx, 3); err != nil {
			t.Fatal(err)
		}
		if err := s.Migrate(ctx); err != nil {
			t.Fatal(err)
		}
		got, err := s.PaidBetween(ctx, noon, noon.Add(time.Second))
		if err != nil || len(got) != 2 {
			t.Errorf("PaidBetween = %+v, %v; want both payments", got, err)
		}
		due, err := s.DueRefunds(ctx, noon, 10)
		if err != nil || len(due) != 1 || due[0].OutRefundNo != "R1-XK1-2" || !due[0].Ours() {
			t.Errorf("DueRefunds = %+v, %v", due, err)
		}
		proven(t, s)
	})
}
