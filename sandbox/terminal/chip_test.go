package terminal

import (
	"errors"
	"sync"
	"testing"
)

func TestChip(t *testing.T) {
	t.Parallel()
	start := ChipState{LoadSeq: 17, SpendSeq: 240, BalanceFen: 1230}
	loaded := ChipState{LoadSeq: 18, SpendSeq: 240, BalanceFen: 6230}
	spent := ChipState{LoadSeq: 17, SpendSeq: 241, BalanceFen: 580}
	good := Expected{LoadSeq: 18, BalanceFen: 6230}
	for _, tc := range []struct {
		name string
		tear Tear
		act  func(*Chip) (ChipState, error)
		err  error
		want ChipState
		out  bool // the card has left the field
	}{
		{name: "Load", act: load(5000, good), want: loaded},
		{name: "LoadTornBefore", tear: BeforeWrite, act: load(5000, good), err: ErrTorn, want: start, out: true},
		{name: "LoadTornAfter", tear: AfterWrite, act: load(5000, good), err: ErrTorn, want: loaded, out: true},
		{name: "LoadForAnotherCounter", act: load(5000, Expected{LoadSeq: 19, BalanceFen: 6230}), err: ErrOutOfStep, want: start},
		{name: "LoadForAnotherBalance", act: load(5000, Expected{LoadSeq: 18, BalanceFen: 6231}), err: ErrOutOfStep, want: start},
		{name: "LoadNothing", act: load(0, Expected{LoadSeq: 18, BalanceFen: 1230}), err: ErrAmount, want: start},
		{name: "RefusalDoesNotUseTheTear", tear: AfterWrite, act: load(-1, good), err: ErrAmount, want: start},
		{name: "Spend", act: spend(650), want: spent},
		{name: "SpendTornBefore", tear: BeforeWrite, act: spend(650), err: ErrTorn, want: start, out: true},
		{name: "SpendTornAfter", tear: AfterWrite, act: spend(650), err: ErrTorn, want: spent, out: true},
		{name: "SpendAll", act: spend(1230), want: ChipState{LoadSeq: 17, SpendSeq: 241}},
		{name: "SpendTooMuch", act: spend(1231), err: ErrInsufficient, want: start},
		{name: "SpendNothing", act: spend(0), err: ErrAmount, want: start},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			c := NewChip("10000001", start)
			if err := c.PutIn(); err != nil {
				t.Fatal(err)
			}
			c.TearAt(tc.tear)
			got, err := tc.act(c)
			if !errors.Is(err, tc.err) {
				t.Fatalf("error %v, want %v", err, tc.err)
			}
			if err == nil && got != tc.want {
				t.Errorf("answered %+v, want %+v", got, tc.want)
			}
			if errors.Is(err, ErrTorn) && got != (ChipState{}) {
				t.Errorf("a torn write told the reader %+v", got)
			}
			if c.Peek() != tc.want {
				t.Errorf("chip holds %+v, want %+v", c.Peek(), tc.want)
			}
			if _, err := c.Read(); errors.Is(err, ErrNoCard) != tc.out {
				t.Errorf("read afterwards: %v", err)
			}
		})
	}
}

func load(fen int64, want Expected) func(*Chip) (ChipState, error) {
	return func(c *Chip) (ChipState, error) { return c.WriteLoad(fen, want) }
}

func spend(fen int64) func(*Chip) (ChipState, error) {
	return func(c *Chip) (ChipState, error) { return c.Spend(fen) }
}

func TestChipOutsideAnyReader(t *testing.T) {
	t.Parallel()
	c := NewChip("10000001", ChipState{BalanceFen: 100})
	if _, err := c.Read(); !errors.Is(err, ErrNoCard) {
		t.Errorf("read: %v", err)
	}
	if _, err := c.Spend(1); !errors.Is(err, ErrNoCard) {
		t.Errorf("spend: %v", err)
	}
	if err := c.PutIn(); err != nil {
		t.Fatal(err)
	}
	if err := c.PutIn(); !errors.Is(err, ErrInUse) {
		t.Errorf("second reader: %v", err)
	}
}

// TestChipConcurrentWrites has one load authorisation used by many: it fits once.
func TestChipConcurrentWrites(t *testing.T) {
	t.Parallel()
	c := NewChip("10000001", ChipState{})
	if err := c.PutIn(); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { c.WriteLoad(1000, Expected{LoadSeq: 1, BalanceFen: 1000}) })
	}
	wg.Wait()
	if want := (ChipState{LoadSeq: 1, BalanceFen: 1000}); c.Peek() != want {
		t.Errorf("chip holds %+v, want %+v", c.Peek(), want)
	}
}
