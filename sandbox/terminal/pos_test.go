package terminal

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

func TestPOSSwipe(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", chipStart)
	swipe, err := p.Swipe(t.Context(), c, 650)
	if err != nil || swipe.ClaimErr != nil || swipe.UploadErr != nil {
		t.Fatalf("%+v %v", swipe, err)
	}
	if swipe.ClaimedFen != 5000 || swipe.BalanceLeft != 5580 || h.claimed != 5000 {
		t.Errorf("%+v, host claimed %d", swipe, h.claimed)
	}
	want := Record{Seq: 1, CardNo: "10000001", AmountFen: 650, Merchant: "二号餐厅", OccurredAt: swipe.Record.OccurredAt,
		Chip: ChipState{LoadSeq: 18, SpendSeq: 241, BalanceFen: 5580}}
	if swipe.Record != want {
		t.Errorf("record %+v, want %+v", swipe.Record, want)
	}
	if s := p.Store(); len(s.Queue) != 0 || len(s.Confirms) != 0 || len(h.records) != 1 {
		t.Errorf("till keeps %+v", s)
	}
	if _, err := p.Swipe(t.Context(), c, 100_000); !errors.Is(err, ErrInsufficient) {
		t.Errorf("too dear: %v", err)
	}
	if swipe, err := p.Swipe(t.Context(), c, 80); err != nil || swipe.ClaimedFen != 0 || swipe.ClaimErr != nil || swipe.Record.Seq != 2 {
		t.Errorf("nothing pending: %+v %v", swipe, err)
	}
}

func TestPOSOffline(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", ChipState{BalanceFen: 100_000})
	p.SetOnline(false)
	for range 2500 {
		if _, err := p.Swipe(t.Context(), c, 2); err != nil {
			t.Fatal(err)
		}
	}
	if len(h.batches) != 0 || h.claimed != 0 {
		t.Fatal("an offline till called")
	}
	p = NewPOS(h.client(), "二号餐厅", p.Store()) // its power went and came back
	h.set(func() { h.lose = "/consumptions" })
	if _, err := p.Upload(t.Context()); !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("%v", err)
	}
	r, err := p.Upload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if r.Accepted != 1500 || r.Duplicates != 1000 || r.AckedSeq != 2500 {
		t.Errorf("%+v", r)
	}
	if want := []int{1000, 1000, 1000, 500}; !slices.Equal(h.batches, want) {
		t.Errorf("batches %v, want %v", h.batches, want)
	}
	if swipe, err := p.Swipe(t.Context(), c, 2); err != nil || swipe.Record.Seq != 2501 || len(p.Store().Queue) != 0 {
		t.Errorf("%+v %v", swipe, err)
	}
}

func TestPOSKeepsAnUnansweredConfirm(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", chipStart)
	h.set(func() { h.refuse = "/confirm" })
	swipe, err := p.Swipe(t.Context(), c, 650)
	if err != nil || swipe.ClaimedFen != 5000 || !errors.Is(swipe.ClaimErr, ErrNoAnswer) || swipe.UploadErr == nil {
		t.Fatalf("%+v %v", swipe, err)
	}
	if s := p.Store(); len(s.Confirms) != 1 || len(s.Queue) != 1 || h.claimed != 0 {
		t.Fatalf("till keeps %+v, host claimed %d", s, h.claimed)
	}
	h.set(func() { h.refuse = "" })
	if _, err := p.Upload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := p.Store(); len(s.Confirms) != 0 || len(s.Queue) != 0 || h.claimed != 5000 {
		t.Errorf("till keeps %+v, host claimed %d", s, h.claimed)
	}
}

func TestPOSTornLoad(t *testing.T) {
	t.Parallel()
	for tear, balance := range map[Tear]int64{BeforeWrite: 1230, AfterWrite: 6230} {
		t.Run(string(tear), func(t *testing.T) {
			t.Parallel()
			h := newHost(t, 5000)
			p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", chipStart)
			c.TearAt(tear)
			if _, err := p.Swipe(t.Context(), c, 650); !errors.Is(err, ErrTorn) || c.Peek().BalanceFen != balance {
				t.Fatalf("%v, chip holds %+v", err, c.Peek())
			}
			swipe, err := p.Swipe(t.Context(), c, 650)
			if err != nil || swipe.BalanceLeft != 5580 || h.claimed != 5000 || h.open != nil {
				t.Errorf("%+v %v, host claimed %d", swipe, err, h.claimed)
			}
		})
	}
}

// A sale whose write got no answer is booked when the chip shows it, and made when it does not: once in both cases.
func TestPOSTornSale(t *testing.T) {
	t.Parallel()
	for tear, balance := range map[Tear]int64{BeforeWrite: 1230, AfterWrite: 580} {
		for again, sales := range map[int64][]int64{650: {650}, 80: {650, 80}} {
			t.Run(fmt.Sprintf("%s/%d", tear, again), func(t *testing.T) {
				t.Parallel()
				h := newHost(t, 0)
				p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", chipStart)
				c.TearAt(tear)
				if _, err := p.Swipe(t.Context(), c, 650); !errors.Is(err, ErrTorn) || c.Peek().BalanceFen != balance || len(h.records) != 0 {
					t.Fatalf("%v, chip holds %+v, host %+v", err, c.Peek(), h.records)
				}
				p = NewPOS(h.client(), "二号餐厅", p.Store()) // the till's power went meanwhile
				swipe, err := p.Swipe(t.Context(), c, again)
				if tear == BeforeWrite {
					sales = []int64{again} // the first was never written, and the customer was told so by the chip
				}
				left := int64(1230)
				for _, fen := range sales {
					left -= fen
				}
				if err != nil || swipe.BalanceLeft != left || c.Peek().BalanceFen != left || len(h.records) != len(sales) || len(p.Store().Torn) != 0 {
					t.Errorf("%+v %v, chip holds %+v, host %+v", swipe, err, c.Peek(), h.records)
				}
			})
		}
	}
}

func TestPOSBlacklist(t *testing.T) {
	t.Parallel()
	h := newHost(t, 0)
	p, c := NewPOS(h.client(), "二号餐厅", Store{}), NewChip("10000001", chipStart)
	h.set(func() { h.lost = []string{"10000001"} })
	if v, err := p.RefreshBlacklist(t.Context()); v != 1 || err != nil {
		t.Fatalf("version %d, %v", v, err)
	}
	if v, err := p.RefreshBlacklist(t.Context()); v != 1 || err != nil {
		t.Fatalf("not modified: version %d, %v", v, err)
	}
	if _, err := p.Swipe(t.Context(), c, 650); !errors.Is(err, ErrBlacklisted) || c.Peek() != chipStart {
		t.Errorf("%v, chip holds %+v", err, c.Peek())
	}
}
