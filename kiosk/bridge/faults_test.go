package bridge_test

import (
	"context"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

// The card is pulled out during the write: only the card, back on the reader,
// tells how it ended, and nobody has to type anything for that.
func TestTear(t *testing.T) {
	t.Parallel()
	for tear, want := range map[bridge.Tear]struct {
		resolved       bridge.Outcome
		books, pending ledger.Fen
	}{
		bridge.BeforeWrite: {bridge.OutcomeUnwritten, 1230, 5000},
		bridge.AfterWrite:  {bridge.OutcomeWritten, 6230, 0},
	} {
		t.Run(string(tear), func(t *testing.T) {
			t.Parallel()
			m := newSchool(t).machine("K01")
			m.topUp(5000)
			m.put(&full)
			m.identify(good)
			m.sim.TearAt(tear)
			if r := m.claim(); r.Outcome != bridge.OutcomeUnknown || r.Chip != nil || r.Confirmed {
				t.Errorf("%+v", r)
			}
			if m.bridge.View().Card != "" {
				t.Error("the card counts as there")
			}
			if m.count("/cancel", 200)+m.count("/confirm", 200) != 0 {
				t.Error("the server was told something nobody had seen")
			}
			m.expect(1230, 0, 5000)
			m.bridge.Replay(context.Background())
			m.expect(1230, 0, 5000) // time and repetition prove nothing
			sent := m.watch()
			m.put(nil)
			if !sent(`"resolved":"` + string(want.resolved) + `"`) {
				t.Error("the screen is not told at once")
			}
			m.await("the doubt is settled", func() bool { return m.bridge.View().Resolved == want.resolved })
			m.expect(want.books, want.pending, 0)
			if open := m.journal.Open(); len(open) != 0 {
				t.Errorf("open in the journal: %+v", open)
			}
			if a := m.identify(good); a.Pending != want.pending {
				t.Errorf("%+v", a)
			}
			if want.pending > 0 {
				if r := m.claim(); r.Outcome != bridge.OutcomeWritten {
					t.Errorf("again: %+v", r)
				}
				m.expect(6230, 0, 0)
			}
		})
	}
}

// The doubt arose at another machine. A write that the chip shows settles it
// here at once; an unchanged chip does once the claim has expired, and the
// holder sees the money before collecting it.
func TestTear_AtAnotherMachine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		tear                     bridge.Tear
		expire                   time.Duration
		chip                     ledger.Chip
		notice                   string
		books, pending, inFlight ledger.Fen
	}{
		"Written":   {bridge.AfterWrite, time.Hour, ledger.Chip{LoadSeq: 18, SpendSeq: 240, Balance: 6230}, "", 6230, 0, 0},
		"Unwritten": {bridge.BeforeWrite, time.Millisecond, full, "", 1230, 5000, 0},
		"TooSoon":   {bridge.BeforeWrite, time.Hour, full, "claim_in_progress", 1230, 0, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSchool(t, func(k *kiosk.Config) { k.ClaimExpire = c.expire })
			s.topUp(5000)
			first, second := s.machine("K01"), s.machine("K02")
			first.put(&full)
			first.identify(good)
			first.sim.TearAt(c.tear)
			first.claim()
			second.put(&c.chip)
			if a := second.identify(good); a.Pending != c.pending || a.Notice != c.notice {
				t.Errorf("%+v", a)
			}
			s.expect(c.books, c.pending, c.inFlight)
			if c.pending > 0 {
				if r := second.claim(); r.Outcome != bridge.OutcomeWritten || !r.Confirmed {
					t.Errorf("%+v", r)
				}
				s.expect(6230, 0, 0)
			}
		})
	}
}

// The power goes after the write: the journal alone knows, and tells at the
// next start, however often that takes.
func TestPowerLoss_AfterWrite(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.identify(good)
	m.cut(func(path string) string {
		if strings.HasSuffix(path, "/confirm") {
			return "before"
		}
		return ""
	})
	if r := m.claim(); r.Outcome != bridge.OutcomeWritten || r.Confirmed || r.Chip.Balance != 6230 {
		t.Errorf("%+v", r)
	}
	m.stop()
	m.sim.Pull()
	m.expect(1230, 0, 5000)

	m.start("K01") // the line is still cut
	time.Sleep(50 * time.Millisecond)
	m.stop()
	m.expect(1230, 0, 5000)

	m.cut(nil)
	m.start("K01")
	m.await("the write is confirmed", func() bool { return len(m.journal.Open()) == 0 })
	m.expect(6230, 0, 0)
}

// The power goes while nobody knows whether the chip was written.
func TestPowerLoss_DuringWrite(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.identify(good)
	m.sim.TearAt(bridge.AfterWrite)
	m.claim()
	m.stop()
	m.start("K01")
	if open := m.journal.Open(); len(open) != 1 || open[0].Phase != bridge.Begun {
		t.Fatalf("%+v", open)
	}
	m.expect(1230, 0, 5000)
	m.put(nil)
	m.await("the write is confirmed", func() bool { return len(m.journal.Open()) == 0 })
	m.expect(6230, 0, 0)
}

// An answer that is lost is asked for again, under the same key with a new
// nonce: one claim, one booking, no replayed request.
func TestAnswerLost(t *testing.T) {
	t.Parallel()
	for _, step := range []string{"/claims", "/confirm"} {
		t.Run(step[1:], func(t *testing.T) {
			t.Parallel()
			m := newSchool(t).machine("K01")
			m.topUp(5000)
			m.put(&full)
			m.identify(good)
			lost := 0
			m.cut(func(path string) string {
				if strings.HasSuffix(path, step) && lost < 2 {
					lost++
					return "after"
				}
				return ""
			})
			if r := m.claim(); r.Outcome != bridge.OutcomeWritten || !r.Confirmed {
				t.Errorf("%+v", r)
			}
			if m.count("", 401) != 0 || lost != 2 {
				t.Errorf("%d replays, %d answers lost: %v", m.count("", 401), lost, m.calls)
			}
			m.expect(6230, 0, 0)
		})
	}
	t.Run("Never", func(t *testing.T) {
		t.Parallel()
		m := newSchool(t).machine("K01")
		m.topUp(5000)
		m.put(&full)
		m.identify(good)
		m.cut(func(string) string { return "before" })
		m.refused("claim", "{}", "unreachable")
		m.expect(1230, 5000, 0)
		if chip, err := m.sim.ReadChip(context.Background(), cardNo); err != nil || chip != full {
			t.Errorf("%+v %v", chip, err)
		}
		m.cut(nil)
		if r := m.claim(); r.Outcome != bridge.OutcomeWritten {
			t.Errorf("%+v", r)
		}
	})
}

// stubborn is a reader whose chip refuses every load.
type stubborn struct{ *bridge.Sim }

func (stubborn) WriteLoad(context.Context, bridge.Load) (ledger.Chip, error) {
	return ledger.Chip{}, bridge.ErrRefused
}

// liar reports an error although it wrote.
type liar struct{ *bridge.Sim }

func (l liar) WriteLoad(ctx context.Context, load bridge.Load) (ledger.Chip, error) {
	if _, err := l.Sim.WriteLoad(ctx, load); err != nil {
		return ledger.Chip{}, err
	}
	return ledger.Chip{}, errors.New("timeout")
}

// boaster reports a load that it never wrote.
type boaster struct{ *bridge.Sim }

func (b boaster) WriteLoad(ctx context.Context, load bridge.Load) (ledger.Chip, error) {
	chip, err := b.Sim.ReadChip(ctx, load.CardNo)
	chip.LoadSeq, chip.Balance = load.Expected.LoadSeq, load.Expected.Balance
	return chip, err
}

// What the reader says about a write is not relied on: the chip, read again,
// decides.
func TestChipDecides(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		reader         func(*bridge.Sim) bridge.Reader
		outcome        bridge.Outcome
		books, pending ledger.Fen
	}{
		"Refused": {func(s *bridge.Sim) bridge.Reader { return stubborn{s} }, bridge.OutcomeUnwritten, 1230, 5000},
		"Lied":    {func(s *bridge.Sim) bridge.Reader { return liar{s} }, bridge.OutcomeWritten, 6230, 0},
		"Boasted": {func(s *bridge.Sim) bridge.Reader { return boaster{s} }, bridge.OutcomeUnwritten, 1230, 5000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSchool(t)
			s.topUp(5000)
			sim := &bridge.Sim{}
			m := s.machine("K01", func(cfg *bridge.Config) { cfg.Reader = c.reader(sim) })
			m.sim = sim
			m.put(&full)
			m.identify(good)
			if r := m.claim(); r.Outcome != c.outcome || !r.Confirmed || r.Chip.Balance != c.books {
				t.Errorf("%+v", r)
			}
			m.expect(c.books, c.pending, 0)
		})
	}
}

// watched is a reader that looks into the journal when it is told to write.
type watched struct {
	*bridge.Sim
	look func()
}

func (w watched) WriteLoad(ctx context.Context, l bridge.Load) (ledger.Chip, error) {
	w.look()
	return w.Sim.WriteLoad(ctx, l)
}

// The journal has the write before it happens, and its end before the server
// has it.
func TestJournalBeforeAndAfter(t *testing.T) {
	t.Parallel()
	s := newSchool(t)
	s.topUp(5000)
	var m *machine
	var seen []string
	phase := func() string {
		text, err := os.ReadFile(m.path)
		if err != nil {
			t.Error(err)
		}
		lines := strings.Split(strings.TrimSpace(string(text)), "\n")
		for _, p := range []bridge.Phase{bridge.Begun, bridge.Written, bridge.Unwritten, bridge.Settled} {
			if strings.Contains(lines[len(lines)-1], `"phase":"`+string(p)+`"`) {
				return string(p)
			}
		}
		return "nothing"
	}
	sim := &bridge.Sim{}
	m = s.machine("K01", func(c *bridge.Config) {
		c.Reader = watched{sim, func() { seen = append(seen, "write: "+phase()) }}
	})
	m.sim = sim
	s.mu.Lock()
	s.onCall = func(path string) {
		if i := strings.LastIndexByte(path, '/'); strings.Contains(path, "/claims") {
			seen = append(seen, path[i+1:]+": "+phase())
		}
	}
	s.mu.Unlock()
	m.put(&full)
	m.identify(good)
	m.claim()
	if want := []string{"claims: nothing", "write: begun", "confirm: written"}; !slices.Equal(seen, want) {
		t.Errorf("%q, want %q", seen, want)
	}
	if phase() != "settled" {
		t.Errorf("at the end %s", phase())
	}
	if text, _ := os.ReadFile(m.path); strings.Contains(string(text), good) {
		t.Error("the journal holds the PIN")
	}
}

// A machine that cannot keep its journal writes nothing and gives the money
// back.
func TestJournalFails(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.identify(good)
	m.journal.Close()
	m.refused("claim", "{}", "out_of_service")
	if chip, err := m.sim.ReadChip(context.Background(), cardNo); err != nil || chip != full {
		t.Errorf("written without a journal: %+v %v", chip, err)
	}
	m.expect(1230, 5000, 0)
}

// A claim the server holds for a person is not asked about for ever.
func TestHeld(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.identify(good)
	m.sim.TearAt(bridge.BeforeWrite)
	m.claim()
	m.await("the card is gone", func() bool { return m.bridge.View().Card == "" })
	m.put(&ledger.Chip{LoadSeq: 25, SpendSeq: 3, Balance: 99}) // a clone, or a torn read
	m.await("the claim is put aside", func() bool { return len(m.journal.Open()) == 0 })
	m.expect(1230, 0, 5000)
	if !strings.Contains(m.log.String(), "a person must look") {
		t.Errorf("log %s", m.log)
	}
}

// A machine whose clock is wrong by years learns the time from the server.
func TestClockWrong(t *testing.T) {
	t.Parallel()
	for _, by := range []time.Duration{-5 * 365 * 24 * time.Hour, 3 * time.Hour} {
		m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Now = func() time.Time { return time.Now().Add(by) } })
		m.topUp(5000)
		m.put(&full)
		m.identify(good)
		if r := m.claim(); r.Outcome != bridge.OutcomeWritten || !r.Confirmed {
			t.Errorf("clock off by %s: %+v", by, r)
		}
		if n := m.count("", 401); n != 1 {
			t.Errorf("clock off by %s: %d refusals", by, n)
		}
	}
}
