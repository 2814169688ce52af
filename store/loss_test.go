package store_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// Between midnight and morning the campus has another day than Greenwich; what
// a holder reads is the campus's.
func TestStore_Loss_ReceiptDay(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		early := time.Date(2026, 11, 22, 0, 30, 0, 0, noon.Location())
		l, err := s.ReportLoss(t.Context(), campus(t, s, 1).ID, early.UTC())
		if err != nil || !strings.HasPrefix(l.Receipt, "GS20261122-") {
			t.Errorf("the receipt of half past midnight is %q, %v", l.Receipt, err)
		}
	})
}

func TestStore_Loss(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	chip := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, other := campus(t, s, 1), campus(t, s, 2)
		topUp(t, s, p, "XK1", 5000)
		if b, err := s.Blacklist(ctx, "K01", 0, noon); err != nil || b.Version != 0 || !b.Full || len(b.Add) != 0 {
			t.Fatalf("before any loss: %+v, %v", b, err)
		}
		first, err := s.ReportLoss(ctx, p.ID, noon)
		if err != nil || first.Receipt == "" || first.Version != 1 || first.Terminals != 2 || first.Informed != 0 {
			t.Fatalf("ReportLoss = %+v, %v", first, err)
		}
		again, err := s.ReportLoss(ctx, p.ID, noon.Add(time.Hour))
		if err != nil || again.Receipt != first.Receipt || !again.AcceptedAt.Equal(noon) {
			t.Errorf("a repeat = %+v, %v; want the same receipt", again, err)
		}
		if _, err := s.Authorise(ctx, request(p, "key-1", chip)); !errors.Is(err, ledger.ErrCardLost) {
			t.Errorf("a claim after the loss: %v, want card_lost", err)
		}
		if b, err := s.Blacklist(ctx, "K01", 0, noon); err != nil || b.Version != 1 || !slices.Equal(b.Add, []string{p.CardNo}) {
			t.Errorf("the list = %+v, %v", b, err)
		}
		if got, err := s.LossState(ctx, p.ID); err != nil || got.Informed != 1 {
			t.Errorf("LossState = %+v, %v; want 1 terminal informed", got, err)
		}
		if _, err := s.ReportLoss(ctx, other.ID, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CancelLoss(ctx, p.ID, noon); err != nil {
			t.Fatal(err)
		}
		b, err := s.Blacklist(ctx, "K01", 1, noon)
		if err != nil || b.Full || b.Version != 3 || !slices.Equal(b.Add, []string{other.CardNo}) || !slices.Equal(b.Remove, []string{p.CardNo}) {
			t.Errorf("the change since 1 = %+v, %v", b, err)
		}
		full, err := s.Blacklist(ctx, "K02", 99, noon)
		if err != nil || !full.Full || !slices.Equal(full.Add, []string{other.CardNo}) || full.Checksum != b.Checksum {
			t.Errorf("ahead of ours = %+v, %v; want the whole list", full, err)
		}
		if _, err := s.CancelLoss(ctx, p.ID, noon); !errors.Is(err, ledger.ErrNotLost) {
			t.Errorf("taking it back twice: %v", err)
		}
		if _, err := s.Authorise(ctx, request(p, "key-2", chip)); err != nil {
			t.Errorf("a claim after the un-loss: %v", err)
		}
		if got, err := s.AuditOfCard(ctx, p.CardNo, 10); err != nil || len(got) != 2 || got[1].Action != "loss_reported" {
			t.Errorf("audit = %+v, %v", got, err)
		}
		proven(t, s)
	})
}

// Whose loss a purchase is depends on when it was made and on what the till
// knew then.
func TestStore_SpentAfterLoss(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		for _, id := range []string{"A", "B"} {
			if err := s.AddTerminal(ctx, ledger.Terminal{ID: id, Kind: ledger.POS, Location: id, SealedSecret: []byte{1}, CreatedAt: noon}); err != nil {
				t.Fatal(err)
			}
		}
		second := func(n float64) time.Time { return noon.Add(time.Duration(n * float64(time.Second))) }
		list := func(id string, at time.Time) {
			t.Helper()
			if _, err := s.Blacklist(ctx, id, 0, at); err != nil {
				t.Fatal(err)
			}
		}
		spend := func(id string, seq, spendSeq int64, at time.Time) {
			t.Helper()
			c := ledger.Consumption{Seq: seq, CardNo: p.CardNo, Amount: 100 + ledger.Fen(spendSeq), OccurredAt: at, Chip: ledger.Chip{LoadSeq: 7, SpendSeq: spendSeq, Balance: 1000}}
			if got, err := s.IngestConsumptions(ctx, id, []ledger.Consumption{c}, second(3600)); err != nil || got.Accepted != 1 {
				t.Fatalf("%+v, %v", got, err)
			}
		}
		list("A", second(-60)) // a list without the card
		report, err := s.ReportLoss(ctx, p.ID, second(10.7))
		if err != nil {
			t.Fatal(err)
		}
		list("A", second(20.5))
		if _, err := s.CancelLoss(ctx, p.ID, second(100.5)); err != nil {
			t.Fatal(err)
		}
		spend("A", 1, 40, second(9))     // the second before
		spend("A", 2, 41, second(10.6))  // a till that tells fractions, before
		spend("A", 3, 42, second(10))    // in the second of the report
		spend("A", 4, 43, second(20))    // in the second in which it got the list
		spend("A", 5, 44, second(21))    // with the list
		spend("B", 1, 45, second(99))    // never had a list
		spend("A", 6, 46, second(100))   // in the second of the un-loss
		spend("A", 7, 47, second(100.4)) // a till that tells fractions, still lost
		spend("A", 8, 48, second(3000))  // the till still has the old list: it should have refused, but the card is in use again

		got, err := s.SpentAfterLoss(ctx, p.ID, report.Receipt)
		want := []ledger.SpentAfterLoss{
			{At: second(10), Amount: 142, Where: "A", TerminalID: "A"},
			{At: second(20), Amount: 143, Where: "A", TerminalID: "A"},
			{At: second(21), Amount: 144, Where: "A", TerminalID: "A", Informed: true},
			{At: second(99), Amount: 145, Where: "B", TerminalID: "B"},
			{At: second(100.4), Amount: 147, Where: "A", TerminalID: "A", Informed: true},
		}
		if err != nil || !slices.EqualFunc(got, want, func(a, b ledger.SpentAfterLoss) bool {
			return a.At.Equal(b.At) && a.Amount == b.Amount && a.Where == b.Where && a.TerminalID == b.TerminalID && a.Informed == b.Informed
		}) {
			t.Errorf("SpentAfterLoss = %+v, %v\nwant %+v", got, err, want)
		}
		if other, err := s.SpentAfterLoss(ctx, p.ID+1, report.Receipt); err != nil || len(other) != 0 {
			t.Errorf("another person sees %+v, %v", other, err)
		}
		lines, err := s.AuditOfCard(ctx, p.CardNo, 20)
		if err != nil {
			t.Fatal(err)
		}
		campusBears, merchantBears := 0, 0
		for _, l := range lines {
			if l.Action != "spent_after_loss" {
				continue
			}
			if strings.HasSuffix(l.Detail, "did not have the list with the card; proposed to be borne by the campus") {
				campusBears++
			} else if strings.HasSuffix(l.Detail, "the terminal had the list with the card; proposed to be borne by the merchant") {
				merchantBears++
			}
		}
		if campusBears != 3 || merchantBears != 2 {
			t.Errorf("%d for the campus, %d for the merchant in %+v", campusBears, merchantBears, lines)
		}
		proven(t, s)
	})
}

// No claim commits for a card once its loss is acknowledged.
func TestStore_LossAgainstClaim(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i := range 40 {
			p := campus(t, s, i)
			topUp(t, s, p, "XK"+p.StudentNo, 100)
			var claimed ledger.Claim
			var claimErr error
			var wg sync.WaitGroup
			wg.Go(func() {
				claimed, claimErr = s.Authorise(ctx, request(p, "key-"+p.StudentNo, ledger.Chip{Balance: 1250}))
			})
			wg.Go(func() {
				if _, err := s.ReportLoss(ctx, p.ID, noon); err != nil {
					t.Error(err)
				}
			})
			wg.Wait()
			if claimErr != nil && !errors.Is(claimErr, ledger.ErrCardLost) {
				t.Fatalf("claim: %+v, %v", claimed, claimErr)
			}
			if _, err := s.Authorise(ctx, request(p, "late-"+p.StudentNo, ledger.Chip{Balance: 1250})); !errors.Is(err, ledger.ErrCardLost) && claimErr != nil {
				t.Errorf("a claim after the acknowledgement: %v", err)
			}
		}
		proven(t, s)
	})
}

func TestStore_Unbind(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		if err := s.Unbind(ctx, p.ID, noon); !errors.Is(err, ledger.ErrNotBound) {
			t.Errorf("nothing bound: %v", err)
		}
		if err := s.BindCard(ctx, p.ID, noon); err != nil {
			t.Fatal(err)
		}
		token := []byte("token")
		if err := s.CreateSession(ctx, ledger.Session{TokenHash: token, UserID: p.UserID, PersonID: p.ID, CreatedAt: noon, ExpiresAt: noon.Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		if err := s.Unbind(ctx, p.ID, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Session(ctx, token, noon); !errors.Is(err, ledger.ErrNotFound) {
			t.Errorf("the session lives on: %v", err)
		}
		if p, _ = s.PersonByID(ctx, p.ID); p.Bound() {
			t.Error("the card is still bound")
		}
	})
}

func TestStore_LinkMember(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, other := campus(t, s, 1), campus(t, s, 2)
		if err := s.LinkMember(ctx, p.ID, other.UserID, noon); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("a member on record as somebody else: %v", err)
		}
		if err := s.LinkMember(ctx, p.ID, "NewOne", noon); err != nil {
			t.Fatal(err)
		}
		if got, err := s.PersonByUserID(ctx, "newone"); err != nil || got.ID != p.ID || !got.Verified() {
			t.Errorf("PersonByUserID = %+v, %v", got, err)
		}
		if err := s.LinkMember(ctx, p.ID, "thief", noon); !errors.Is(err, ledger.ErrConflict) {
			t.Errorf("a second member for a verified person: %v", err)
		}
	})
}
