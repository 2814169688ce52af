package campus

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/terminal"
)

// server plays the terminal API for one card that has 5000 fen waiting.
type server struct {
	mu       sync.Mutex
	confirms int
	cancels  int
	refuse   bool                // of confirm
	open     *terminal.ChipState // the chip of a claim that was not settled, before the write
	taken    bool                // nothing waits any more
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		PIN  string
		Chip terminal.ChipState
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(status int, kind string, v any) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/lookup") && in.PIN != "258036":
		say(http.StatusForbidden, "application/problem+json", map[string]any{"code": "pin_wrong", "tries_left": 4})
	case strings.HasSuffix(path, "/lookup") && (s.taken || s.open != nil):
		say(http.StatusOK, "application/json", terminal.Account{Holder: "张*"})
	case strings.HasSuffix(path, "/lookup"):
		say(http.StatusOK, "application/json", terminal.Account{Holder: "张*", PendingFen: 5000, Transfers: []terminal.Transfer{{ID: "1", AmountFen: 5000}}})
	case strings.HasSuffix(path, "/claims") && (s.taken || s.open != nil && in.Chip.LoadSeq == s.open.LoadSeq+1):
		s.open, s.taken = nil, true
		say(http.StatusConflict, "application/problem+json", map[string]any{"code": "nothing_pending"})
	case strings.HasSuffix(path, "/cancel"):
		s.open = nil
		s.cancels++
		say(http.StatusOK, "application/json", map[string]string{"state": "released"})
	case strings.HasSuffix(path, "/claims"):
		s.open = &in.Chip
		say(http.StatusCreated, "application/json", terminal.Claim{
			ClaimID: "c1", AmountFen: 5000, Expected: terminal.Expected{LoadSeq: in.Chip.LoadSeq + 1, BalanceFen: in.Chip.BalanceFen + 5000},
		})
	case strings.HasSuffix(path, "/confirm") && s.refuse:
		panic(http.ErrAbortHandler) // no answer at all
	case strings.HasSuffix(path, "/confirm"):
		s.confirms++
		s.open, s.taken = nil, true
		say(http.StatusOK, "application/json", map[string]string{"state": "claimed"})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pull   terminal.Tear
		step   Step
		onChip int64
	}{
		"Claimed":    {terminal.NoTear, StepDone, 6250},
		"PullBefore": {terminal.BeforeWrite, StepDoubt, 1250},
		"PullAfter":  {terminal.AfterWrite, StepDoubt, 6250},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m, chip, p := machine(t, &server{})
			if err := m.Claim(terminal.NoTear); err == nil {
				t.Error("a machine without a card can claim")
			}
			enter(t, m, p, chip)
			if err := m.Insert(p, chip); err == nil {
				t.Error("two cards fit")
			}
			if err := m.Claim(c.pull); err != nil {
				t.Fatal(err)
			}
			m.wait.Wait()
			got := m.Screen()
			if got.Step != c.step || chip.Peek().BalanceFen != c.onChip {
				t.Errorf("step %s with %d fen on the chip, not %s with %d", got.Step, chip.Peek().BalanceFen, c.step, c.onChip)
			}
			if c.step == StepDone && (got.ClaimedFen != 5000 || got.Chip.BalanceFen != c.onChip) {
				t.Errorf("the screen says %+v", got)
			}
			m.Remove()
			if got := m.Screen(); got.Step != StepIdle || got.Card != nil || got.Account != nil {
				t.Errorf("after the card has gone: %+v", got)
			}
		})
	}
	for name, c := range map[string]struct {
		pull    terminal.Tear
		pending int64
		cancels int
		loaded  bool
	}{
		"DoubtWritten":    {terminal.AfterWrite, 0, 0, true},
		"DoubtNotWritten": {terminal.BeforeWrite, 5000, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{}
			world, m, chip, p := machine(t, s)
			enter(t, m, p, chip)
			if err := m.Claim(c.pull); err != nil {
				t.Fatal(err)
			}
			m.wait.Wait()
			if err := m.Insert(p, chip); err != nil {
				t.Fatal(err)
			}
			if err := m.EnterPIN(context.Background(), "258036"); err != nil {
				t.Fatal(err)
			}
			got := m.Screen()
			if got.Step != StepList || got.Account.PendingFen != c.pending || s.cancels != c.cancels || world.Loaded(p) != c.loaded {
				t.Errorf("step %s, %+v, %d cancels, loaded %v", got.Step, got.Account, s.cancels, world.Loaded(p))
			}
			if n := len(m.kiosk.Journal()); n != 0 {
				t.Errorf("%d claims are still in the journal", n)
			}
		})
	}
	t.Run("WrongPIN", func(t *testing.T) {
		t.Parallel()
		_, m, chip, p := machine(t, &server{})
		if err := m.Insert(p, chip); err != nil {
			t.Fatal(err)
		}
		if err := m.EnterPIN(context.Background(), "000000"); err != nil {
			t.Fatal(err)
		}
		if got := m.Screen(); got.Step != StepPIN || got.Problem != "pin_wrong" || got.TriesLeft != 4 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("RemovedWhileWriting", func(t *testing.T) {
		t.Parallel()
		_, m, chip, p := machine(t, &server{})
		m.pause = 50 * time.Millisecond
		enter(t, m, p, chip)
		if err := m.Claim(terminal.NoTear); err != nil {
			t.Fatal(err)
		}
		m.Remove()
		m.wait.Wait()
		if got := m.Screen(); got.Step == StepDone || chip.Peek().BalanceFen != 1250 {
			t.Errorf("step %s with %d fen on the chip", got.Step, chip.Peek().BalanceFen)
		}
	})
	t.Run("ConfirmLost", func(t *testing.T) {
		t.Parallel()
		s := &server{refuse: true}
		c, m, chip, p := machine(t, s)
		enter(t, m, p, chip)
		if err := m.Claim(terminal.NoTear); err != nil {
			t.Fatal(err)
		}
		m.wait.Wait()
		if got := m.Screen(); got.Step != StepDone || !m.waiting() {
			t.Fatalf("step %s, confirm owed: %v", got.Step, m.waiting())
		}
		c.saveCards()
		if b, err := os.ReadFile(filepath.Join(c.cfg.Dir, cardsFile)); err != nil || !strings.Contains(string(b), `"written"`) {
			t.Errorf("the journal is not on file: %v", err)
		}
		s.mu.Lock()
		s.refuse = false
		s.mu.Unlock()
		m.Replay(context.Background())
		if m.waiting() || s.confirms != 1 {
			t.Errorf("confirm still owed: %v, confirmed %d times", m.waiting(), s.confirms)
		}
	})
	t.Run("PasswordNotTraced", func(t *testing.T) {
		t.Parallel()
		c, m, chip, p := machine(t, &server{})
		enter(t, m, p, chip)
		for _, e := range c.Timeline.Since(0) {
			whole, _ := c.Timeline.Entry(e.Seq)
			if strings.Contains(whole.Request, "258036") {
				t.Errorf("the inspector shows the password: %s", whole.Request)
			}
		}
	})
}

func machine(t *testing.T, s *server) (*Campus, *Machine, *terminal.Chip, Person) {
	t.Helper()
	product := httptest.NewServer(s)
	t.Cleanup(product.Close)
	c := open(t, t.TempDir(), product.URL)
	if err := c.SetTerminalSecret("K01", "AAAA"); err != nil {
		t.Fatal(err)
	}
	m, _ := c.Machine("K01")
	p := c.People()[0]
	return c, m, c.Chip(p), p
}

func enter(t *testing.T, m *Machine, p Person, chip *terminal.Chip) {
	t.Helper()
	if err := m.Insert(p, chip); err != nil {
		t.Fatal(err)
	}
	if got := m.Screen(); got.Step != StepPIN || got.Card.Name != p.Name {
		t.Fatalf("after the card went in: %+v", got)
	}
	if err := m.EnterPIN(context.Background(), "258036"); err != nil {
		t.Fatal(err)
	}
	if got := m.Screen(); got.Step != StepList || got.Account.PendingFen != 5000 {
		t.Fatalf("after the password: %+v", got)
	}
}
