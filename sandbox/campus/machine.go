package campus

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"xiaoka/sandbox/terminal"
)

// Step is what the screen of a self-service machine shows.
type Step string

// The steps in their order. StepDoubt is where a visit ends whose card left during the write.
const (
	StepIdle    Step = "idle"
	StepPIN     Step = "pin"
	StepBusy    Step = "busy"
	StepList    Step = "list"
	StepWriting Step = "writing"
	StepDone    Step = "done"
	StepDoubt   Step = "doubt"
)

// CardView is a campus card as it can be seen lying there.
type CardView struct {
	CardNo string             `json:"card_no"`
	Name   string             `json:"name"`
	Chip   terminal.ChipState `json:"chip"`
}

// Screen is a machine's screen and what is in its reader.
type Screen struct {
	Terminal   string              `json:"terminal"`
	Location   string              `json:"location"`
	Step       Step                `json:"step"`
	Card       *CardView           `json:"card"` // in the reader
	Account    *terminal.Account   `json:"account,omitempty"`
	ClaimedFen int64               `json:"claimed_fen,omitempty"`
	Chip       *terminal.ChipState `json:"chip,omitempty"` // after the write
	Problem    string              `json:"problem,omitempty"`
	TriesLeft  int                 `json:"tries_left,omitempty"`
}

// Machine is one self-service machine: terminal.Kiosk with a screen. It is the same for everybody who looks at it.
type Machine struct {
	terminal Terminal
	pause    time.Duration // how long a write takes, so that a person can see it and pull the card out
	changed  func()
	save     func() // keeps chips and journals
	wait     sync.WaitGroup

	hand sync.Mutex // one hand at a time puts in or takes out

	mu     sync.Mutex
	kiosk  *terminal.Kiosk
	person Person
	chip   *terminal.Chip
	screen Screen
	visit  int // counts cards put in, so that a late answer of an earlier visit is dropped
}

// callTimeout bounds a machine's call to the server.
const callTimeout = 15 * time.Second

func newMachine(t Terminal, client *terminal.Client, journal []terminal.Entry, pause time.Duration) *Machine {
	return &Machine{
		terminal: t, pause: pause, kiosk: terminal.NewKiosk(client, journal),
		screen: Screen{Terminal: t.ID, Location: t.Location, Step: StepIdle},
	}
}

// Screen returns what the machine shows now.
func (m *Machine) Screen() Screen {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.now()
}

// now needs m.mu.
func (m *Machine) now() Screen {
	s := m.screen
	if m.chip != nil {
		s.Card = &CardView{CardNo: m.chip.CardNo(), Name: m.person.Name, Chip: m.chip.Peek()}
	}
	return s
}

// show replaces the screen, keeping where the machine stands. It needs m.mu.
func (m *Machine) show(s Screen) {
	s.Terminal, s.Location = m.terminal.ID, m.terminal.Location
	m.screen = s
	m.changed()
}

// Insert puts a person's card in. It returns terminal.ErrStage while another card is in, and terminal.ErrInUse while this
// one is in another machine.
func (m *Machine) Insert(p Person, chip *terminal.Chip) error {
	m.hand.Lock()
	defer m.hand.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.kiosk.PutIn(chip); err != nil {
		return err
	}
	m.visit++
	m.person, m.chip = p, chip
	m.show(Screen{Step: StepPIN})
	return nil
}

// Remove takes the card out, at whatever step. It waits for a call under way, but the chip is gone at once.
func (m *Machine) Remove() {
	m.hand.Lock()
	defer m.hand.Unlock()
	m.mu.Lock()
	m.visit++
	if m.chip != nil {
		m.chip.PullOut()
	}
	m.person, m.chip = Person{}, nil
	m.show(Screen{Step: StepIdle})
	m.mu.Unlock()
	m.kiosk.PullOut()
}

// EnterPIN looks the account up.
func (m *Machine) EnterPIN(ctx context.Context, pin string) error {
	visit, err := m.enter(StepBusy, StepPIN)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	account, err := m.kiosk.EnterPIN(ctx, pin)
	if err == nil && account.PendingFen == 0 {
		account, err = m.check(ctx, pin)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case m.visit != visit:
	case err != nil:
		m.show(Screen{Step: StepPIN, Problem: problem(err), TriesLeft: triesLeft(err)})
	default:
		m.show(Screen{Step: StepList, Account: &account})
	}
	return nil
}

// check shows the server the chip of a card for which nothing seems to wait: a write of unknown outcome is settled by
// that, here or at whatever machine the card comes to next. Money that turns out not to have been written waits again,
// and is listed before the holder collects it.
func (m *Machine) check(ctx context.Context, pin string) (terminal.Account, error) {
	_, err := m.kiosk.Claim(ctx)
	switch {
	case err == nil:
		err = m.kiosk.Cancel(ctx, "to be shown to the holder first")
	case terminal.Code(err) == "nothing_pending":
		err = nil
	}
	m.save()
	if err != nil {
		return terminal.Account{}, err
	}
	return m.kiosk.EnterPIN(ctx, pin)
}

// enter moves from one of the steps to the next, or returns terminal.ErrStage.
func (m *Machine) enter(to Step, from ...Step) (visit int, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, step := range from {
		if m.screen.Step == step {
			s := m.screen
			s.Step, s.Problem, s.TriesLeft = to, "", 0
			m.show(s)
			return m.visit, nil
		}
	}
	return 0, terminal.ErrStage
}

// Claim begins to collect what is pending and returns at once; the screen tells how it went. pull makes the card leave
// during the write.
func (m *Machine) Claim(pull terminal.Tear) error {
	visit, err := m.enter(StepWriting, StepList)
	if err != nil {
		return err
	}
	m.wait.Go(func() { m.collect(visit, pull) })
	return nil
}

func (m *Machine) collect(visit int, pull terminal.Tear) {
	ctx, cancel := context.WithTimeout(context.Background(), callTimeout)
	defer cancel()
	m.mu.Lock()
	chip, account := m.chip, m.screen.Account
	m.mu.Unlock()
	if chip == nil {
		return
	}
	claim, err := m.kiosk.Claim(ctx)
	if err != nil {
		m.end(visit, Screen{Step: StepList, Account: account, Problem: problem(err)})
		return
	}
	time.Sleep(m.pause)
	chip.TearAt(pull)
	after, err := m.kiosk.Write()
	chip.TearAt(terminal.NoTear)
	m.save()
	switch {
	case errors.Is(err, terminal.ErrTorn), errors.Is(err, terminal.ErrNoCard), errors.Is(err, terminal.ErrStage):
		m.end(visit, Screen{Step: StepDoubt})
		return
	case err != nil:
		refused := problem(err)
		if err := m.kiosk.Cancel(ctx, "chip refused the load"); err != nil {
			refused = problem(err)
		}
		m.end(visit, Screen{Step: StepList, Account: account, Problem: refused})
		return
	}
	// A confirm without an answer stays in the journal; the money is on the card all the same.
	if err := m.kiosk.Confirm(ctx); err == nil {
		m.save()
	}
	m.end(visit, Screen{Step: StepDone, ClaimedFen: claim.AmountFen, Chip: &after})
}

// end shows how a visit ended. Once its card has gone only a doubt is still worth the screen, unless somebody else
// stands there.
func (m *Machine) end(visit int, s Screen) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case s.Step == StepDoubt && (m.visit == visit || m.chip == nil):
		m.visit++
		m.person, m.chip = Person{}, nil
	case m.visit != visit:
		m.changed()
		return
	}
	m.show(s)
}

// Replay confirms what the server has not acknowledged yet.
func (m *Machine) Replay(ctx context.Context) {
	if n, _ := m.kiosk.Replay(ctx); n > 0 { // what is refused stays in the journal, for a person to look at
		m.save()
	}
}

// waiting reports whether a confirm is still owed.
func (m *Machine) waiting() bool {
	for _, e := range m.kiosk.Journal() {
		if e.Phase == terminal.PhaseWritten {
			return true
		}
	}
	return false
}

// problem is the code that the screen puts into words.
func problem(err error) string {
	switch code := terminal.Code(err); {
	case code != "":
		return code
	case errors.Is(err, terminal.ErrNoAnswer):
		return "unreachable"
	case errors.Is(err, terminal.ErrOutOfStep):
		return "chip_out_of_step"
	}
	return "other"
}

func triesLeft(err error) int {
	var refused *terminal.Error
	n := 0
	if errors.As(err, &refused) && json.Unmarshal(refused.Extra["tries_left"], &n) != nil {
		return 0 // not said
	}
	return n
}
