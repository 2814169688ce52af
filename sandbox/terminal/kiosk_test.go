package terminal

import (
	"errors"
	"testing"
)

var chipStart = ChipState{LoadSeq: 17, SpendSeq: 240, BalanceFen: 1230}

// visit puts a card in and enters the password.
func visit(t *testing.T, k *Kiosk, c *Chip) {
	t.Helper()
	if err := k.PutIn(c); err != nil {
		t.Fatal(err)
	}
	if _, err := k.EnterPIN(t.Context(), "246810"); err != nil {
		t.Fatal(err)
	}
}

func TestKioskCollect(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	k, c := NewKiosk(h.client(), nil), NewChip("10000001", chipStart)
	if err := k.PutIn(c); err != nil {
		t.Fatal(err)
	}
	if _, err := k.EnterPIN(t.Context(), "000000"); Code(err) != "pin_wrong" {
		t.Fatalf("wrong password: %v", err)
	}
	if _, err := k.Claim(t.Context()); !errors.Is(err, ErrStage) {
		t.Fatalf("claim without a password: %v", err)
	}
	a, err := k.EnterPIN(t.Context(), "246810")
	if err != nil || a.PendingFen != 5000 {
		t.Fatalf("%+v %v", a, err)
	}
	if _, err := k.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := (ChipState{LoadSeq: 18, SpendSeq: 240, BalanceFen: 6230}); c.Peek() != want {
		t.Errorf("chip holds %+v, want %+v", c.Peek(), want)
	}
	if _, err := k.Collect(t.Context()); Code(err) != "nothing_pending" {
		t.Errorf("second claim: %v", err)
	}
	k.PullOut()
	if k.Stage() != NoCard || len(k.Journal()) != 0 || h.claimed != 5000 || h.open != nil {
		t.Errorf("stage %s, journal %v, host claimed %d", k.Stage(), k.Journal(), h.claimed)
	}
}

// TestKioskFailures follows the failure list F1 to F6 of exactly-once loading: whatever happens, the money is on the
// chip once after the next visit, and the host has booked it once.
func TestKioskFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		spoil   func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk // returns the kiosk that goes on
		journal int                                                   // entries left after it
	}{
		{"F2AnswerOfTheClaimLost", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			h.set(func() { h.lose = "/claims" })
			if _, err := k.Claim(t.Context()); !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("%v", err)
			}
			k.PullOut()
			return k
		}, 1},
		{"F3PulledOutBeforeTheWrite", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			if _, err := k.Claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			k.PullOut()
			return k
		}, 1},
		{"F3TornBeforeTheWrite", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			c.TearAt(BeforeWrite)
			if _, err := k.Collect(t.Context()); !errors.Is(err, ErrTorn) || k.Stage() != NoCard {
				t.Fatalf("%v, stage %s", err, k.Stage())
			}
			return k
		}, 1},
		{"F4TornAfterTheWrite", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			c.TearAt(AfterWrite)
			if _, err := k.Collect(t.Context()); !errors.Is(err, ErrTorn) {
				t.Fatalf("%v", err)
			}
			return k
		}, 1},
		{"F5PowerCutBeforeTheConfirm", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			if _, err := k.Claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			if _, err := k.Write(); err != nil {
				t.Fatal(err)
			}
			journal := k.Journal()
			k.PullOut()
			k = NewKiosk(h.client(), journal)
			if n, err := k.Replay(t.Context()); n != 1 || err != nil {
				t.Fatalf("replayed %d, %v", n, err)
			}
			return k
		}, 0},
		{"F6AnswerOfTheConfirmLost", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			h.set(func() { h.lose = "/confirm" })
			if _, err := k.Collect(t.Context()); !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("%v", err)
			}
			if n, err := k.Replay(t.Context()); n != 1 || err != nil || k.Stage() != Identified {
				t.Fatalf("replayed %d, %v, stage %s", n, err, k.Stage())
			}
			k.PullOut()
			return k
		}, 0},
		{"ServerDownAtTheConfirm", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			h.set(func() { h.refuse = "/confirm" })
			if _, err := k.Collect(t.Context()); !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("%v", err)
			}
			k.PullOut()
			if n, err := k.Replay(t.Context()); n != 0 || !errors.Is(err, ErrNoAnswer) {
				t.Fatalf("replayed %d, %v", n, err)
			}
			h.set(func() { h.refuse = "" })
			return k
		}, 1},
		{"GivenBack", func(t *testing.T, h *host, k *Kiosk, c *Chip) *Kiosk {
			if _, err := k.Claim(t.Context()); err != nil {
				t.Fatal(err)
			}
			if err := k.Cancel(t.Context(), "退出"); err != nil {
				t.Fatal(err)
			}
			if h.pending != 5000 {
				t.Errorf("host has %d pending", h.pending)
			}
			k.PullOut()
			return k
		}, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(t, 5000)
			k, c := NewKiosk(h.client(), nil), NewChip("10000001", chipStart)
			visit(t, k, c)
			k = tc.spoil(t, h, k, c)
			if len(k.Journal()) != tc.journal {
				t.Errorf("journal %+v, want %d entries", k.Journal(), tc.journal)
			}
			if _, err := k.Replay(t.Context()); err != nil {
				t.Errorf("replay: %v", err)
			}
			visit(t, k, c)
			if _, err := k.Collect(t.Context()); err != nil && Code(err) != "nothing_pending" {
				t.Errorf("next visit: %v", err)
			}
			k.PullOut()
			if want := (ChipState{LoadSeq: 18, SpendSeq: 240, BalanceFen: 6230}); c.Peek() != want {
				t.Errorf("chip holds %+v, want %+v", c.Peek(), want)
			}
			if h.claimed != 5000 || h.pending != 0 || h.open != nil || len(k.Journal()) != 0 {
				t.Errorf("host claimed %d, pending %d, open %v; journal %+v", h.claimed, h.pending, h.open, k.Journal())
			}
		})
	}
}

// TestKioskRepeatsTheQuestion keeps the idempotency key while the card stays as it was.
func TestKioskRepeatsTheQuestion(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	k, c := NewKiosk(h.client(), nil), NewChip("10000001", chipStart)
	visit(t, k, c)
	h.set(func() { h.lose = "/claims" })
	if _, err := k.Claim(t.Context()); !errors.Is(err, ErrNoAnswer) {
		t.Fatalf("%v", err)
	}
	if _, err := k.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.keys != 1 || h.claimed != 5000 {
		t.Errorf("%d keys, claimed %d", h.keys, h.claimed)
	}
}

func TestKioskChipRefuses(t *testing.T) {
	t.Parallel()
	h := newHost(t, 5000)
	k, c := NewKiosk(h.client(), nil), NewChip("10000001", chipStart)
	visit(t, k, c)
	if _, err := k.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Spend(30); err != nil { // the balance moves under the claim
		t.Fatal(err)
	}
	if _, err := k.Write(); !errors.Is(err, ErrOutOfStep) || k.Stage() != Authorised {
		t.Fatalf("%v, stage %s", err, k.Stage())
	}
	if err := k.Cancel(t.Context(), "chip refused"); err != nil {
		t.Fatal(err)
	}
	if _, err := k.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := c.Peek().BalanceFen; got != 6200 {
		t.Errorf("chip holds %d fen", got)
	}
}
