package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

func subsidy(p ledger.Person) ledger.Subsidy {
	return ledger.Subsidy{Batch: "2026-03", StudentNo: p.StudentNo, Title: "补助 三月", Amount: 3000}
}

func TestStore_GrantSubsidy(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"ClaimedLikeATopUp": func(t *testing.T, s *store.Store, p ledger.Person) {
			if g, err := s.GrantSubsidy(ctx, subsidy(p), noon, false); err != nil || g != (ledger.Granted{PersonID: p.ID}) {
				t.Fatalf("GrantSubsidy = %+v, %v", g, err)
			}
			tr := onlyTransfer(t, s, p)
			if tr.Kind != ledger.KindSubsidy || tr.Title != "补助 三月" || tr.Amount != 3000 || tr.State != ledger.TransferPending {
				t.Errorf("the transfer is %+v", tr)
			}
			proven(t, s)
			if _, err := s.BeginRefund(ctx, p.ID, tr.ID, noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("BeginRefund = %v", err)
			}
			before := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
			c, err := s.Authorise(ctx, request(p, "key-1", before))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ConfirmClaim(ctx, c.TerminalID, c.ID, c.Expected(), noon); err != nil {
				t.Fatal(err)
			}
			balance(t, s, p, 4250, 0, 0)
			all, err := s.SubsidyBatches(ctx)
			if err != nil || len(all) != 1 || all[0].N != 1 || all[0].Amount != 3000 || all[0].Claimed != 3000 || all[0].Batch != "2026-03" {
				t.Errorf("SubsidyBatches = %+v, %v", all, err)
			}
			proven(t, s)
		},
		"Again": func(t *testing.T, s *store.Store, p ledger.Person) {
			for i := range 3 {
				if g, err := s.GrantSubsidy(ctx, subsidy(p), noon, false); err != nil || g.Repeat != (i > 0) {
					t.Fatalf("GrantSubsidy = %+v, %v", g, err)
				}
			}
			onlyTransfer(t, s, p)
			other := subsidy(p)
			other.Amount = 3001
			var conflict *ledger.GrantConflictError
			if _, err := s.GrantSubsidy(ctx, other, noon, false); !errors.As(err, &conflict) || conflict.Before != 3000 {
				t.Errorf("another amount: %v", err)
			}
			onlyTransfer(t, s, p)
			other.Batch = "2026-04"
			if _, err := s.GrantSubsidy(ctx, other, noon, false); err != nil {
				t.Errorf("another batch: %v", err)
			}
			proven(t, s)
		},
		"AtOnce": func(t *testing.T, s *store.Store, p ledger.Person) {
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() {
					if _, err := s.GrantSubsidy(ctx, subsidy(p), noon, false); err != nil {
						t.Errorf("GrantSubsidy: %v", err)
					}
				})
			}
			all.Wait()
			onlyTransfer(t, s, p)
			proven(t, s)
		},
		"DryRun": func(t *testing.T, s *store.Store, p ledger.Person) {
			if g, err := s.GrantSubsidy(ctx, subsidy(p), noon, true); err != nil || g.Repeat {
				t.Fatalf("GrantSubsidy = %+v, %v", g, err)
			}
			if all, err := s.Transfers(ctx, p.ID, 1, noon); err != nil || len(all) != 0 {
				t.Errorf("a dry run left %+v, %v", all, err)
			}
		},
		"Whose": func(t *testing.T, s *store.Store, p ledger.Person) {
			other := campus(t, s, 2)
			for row, want := range map[ledger.Subsidy]error{
				{StudentNo: p.StudentNo, CardNo: p.CardNo, Name: p.Name}: nil,
				{CardNo: p.CardNo}:                             nil,
				{StudentNo: p.StudentNo, Name: "别人"}:           ledger.ErrNameDiffers,
				{StudentNo: p.StudentNo, CardNo: other.CardNo}: ledger.ErrNotOneOwner,
				{StudentNo: p.StudentNo, CardNo: "9999"}:       ledger.ErrNoHolder,
				{StudentNo: "9999", CardNo: p.CardNo}:          ledger.ErrNoHolder,
				{StudentNo: "9999"}:                            ledger.ErrNoHolder,
				{}:                                             ledger.ErrNoHolder,
			} {
				row.Batch, row.Title, row.Amount = "whose", "补助", 100
				if g, err := s.GrantSubsidy(ctx, row, noon, true); !errors.Is(err, want) || (want == nil && g.PersonID != p.ID) {
					t.Errorf("%+v: %+v, %v; want %v", row, g, err, want)
				}
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, s, campus(t, s, 1)) })
		})
	}
}

func TestStore_CorrectPurchase(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "P01")
		ingest(t, s, "P01", sold(p, 1, 650, 7, 42, 600))
		wrong := ledger.Correction{TerminalID: "P01", Seq: 1, Note: "typed 6.50 for 0.65"}
		for c, want := range map[ledger.Correction]error{
			{TerminalID: "P01", Seq: 2}:              ledger.ErrNoPurchase,
			{TerminalID: "P02", Seq: 1}:              ledger.ErrNoPurchase,
			{TerminalID: "P01", Seq: 1, Amount: 651}: ledger.ErrCorrectionTooLarge,
			{TerminalID: "P01", Seq: 1, Amount: -1}:  ledger.ErrCorrectionTooLarge,
		} {
			if _, err := s.CorrectPurchase(ctx, c, noon); !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", c, err, want)
			}
		}
		wrong.Amount = 585
		done, err := s.CorrectPurchase(ctx, wrong, noon)
		if err != nil || done.Spent != 650 || done.Amount != 585 || done.CardNo != p.CardNo || done.Transfer.Kind != ledger.KindCorrection {
			t.Fatalf("CorrectPurchase = %+v, %v", done, err)
		}
		for range 2 {
			if _, err := s.CorrectPurchase(ctx, wrong, noon); !errors.Is(err, ledger.ErrCorrected) {
				t.Errorf("again: %v", err)
			}
		}
		// The chip has paid: its balance and the card's in the books stand until a
		// terminal writes the money back.
		balance(t, s, p, 600, 585, 0)
		proven(t, s)
		if _, err := s.BeginRefund(ctx, p.ID, done.Transfer.ID, noon); !errors.Is(err, ledger.ErrRefundRefused) {
			t.Errorf("BeginRefund = %v", err)
		}
		c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 600}))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.ConfirmClaim(ctx, c.TerminalID, c.ID, c.Expected(), noon); err != nil {
			t.Fatal(err)
		}
		balance(t, s, p, 1185, 0, 0)
		proven(t, s)
		if lines, err := s.AuditOfCard(ctx, p.CardNo, 10); err != nil || len(lines) == 0 || lines[0].Action != "corrected" {
			t.Errorf("the audit log: %+v, %v", lines, err)
		}
	})
}
