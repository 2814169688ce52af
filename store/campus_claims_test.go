package store_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

const purseMax = 100000

// modelAsk is a request that was granted, and what it was answered.
type modelAsk struct {
	ledger.ClaimRequest
	id  string
	fen ledger.Fen
}

type modelClaim struct {
	id, terminal string
	before       ledger.Chip
	after        ledger.Chip // the chip as the terminal saw it last
	taken        []waiting
	expires      time.Time
	written      bool
	held         bool // an impossible chip was seen meanwhile
}

// look is what the books must conclude when a terminal shows them the chip: nil, or
// why nothing can be authorised.
func (c *modelCampus) look(m *modelMember, terminal string) error {
	switch open := m.open; {
	case open == nil:
	case open.written:
		m.post()
	case open.held:
		c.outOfStep(m, m.chip)
		return ledger.ErrChipOutOfStep
	case open.terminal != terminal && !c.now.After(open.expires):
		return ledger.ErrClaimInProgress
	default:
		m.giveBack()
	}
	m.seen = true
	return nil
}

// post ends a claim that was written.
func (m *modelMember) post() {
	for _, w := range m.open.taken {
		m.claimed += w.fen
		m.gone = append(m.gone, w)
		m.states[w.id] = ledger.TransferClaimed
	}
	m.open, m.seen = nil, true
}

// giveBack returns a voided claim's money to its place by age.
func (m *modelMember) giveBack() {
	m.wait(m.open.taken...)
	m.open, m.seen = nil, true
}

func (m *modelMember) wait(back ...waiting) {
	m.pending = append(m.pending, back...)
	slices.SortFunc(m.pending, func(a, b waiting) int { return a.age - b.age })
}

// outOfStep is a chip that a person must hear of.
func (c *modelCampus) outOfStep(m *modelMember, chip ledger.Chip) {
	c.cases[fmt.Sprintf("chip_out_of_step %s:%d:%d:%d", m.no, chip.LoadSeq, chip.SpendSeq, chip.Balance)] = true
}

func (c *modelCampus) ask(m *modelMember, terminal string, chip ledger.Chip) ledger.ClaimRequest {
	c.n++
	return ledger.ClaimRequest{TerminalID: terminal, IdempotencyKey: fmt.Sprintf("k%d-%s", c.n, m.StudentNo), BodyHash: []byte("b"), CardNo: m.no,
		Chip: chip, Now: c.now, Expire: 2 * time.Minute, MaxBalance: purseMax}
}

// due is what a chip that the books are at one with gets of what waits, and
// what is left; or why it gets nothing.
func (m *modelMember) due() (taken, left []waiting, refused error) {
	room := purseMax - m.chip.Balance
	for _, w := range m.pending {
		if w.fen <= room {
			taken, room = append(taken, w), room-w.fen
		} else {
			left = append(left, w)
		}
	}
	switch {
	case m.isLost():
		refused = ledger.ErrCardLost
	case len(m.pending) == 0:
		refused = ledger.ErrNothingPending
	case len(taken) == 0:
		refused = ledger.ErrPurseFull
	}
	return taken, left, refused
}

// authorise asks for a claim and checks the answer against the model.
func (c *modelCampus) authorise(m *modelMember, terminal string) bool {
	r := c.ask(m, terminal, m.chip)
	got, err := c.s.Authorise(c.ctx, r)
	want := c.look(m, terminal)
	var taken, left []waiting
	if want == nil {
		taken, left, want = m.due()
	}
	if !errors.Is(err, want) {
		c.t.Fatalf("authorise at %s: %v, want %v", terminal, err, want)
	}
	if want != nil {
		return false
	}
	m.hold(got.ID, r, taken, left)
	if got.Amount != sum(taken) || got.Expected().Balance != m.chip.Balance+sum(taken) {
		c.t.Fatalf("authorised %v, want %v", got.Amount, sum(taken))
	}
	if c.once(4) { // the answer was lost: the same key again
		if again, err := c.s.Authorise(c.ctx, r); err != nil || again.ID != got.ID {
			c.t.Fatalf("the same key: %+v, %v", again, err)
		}
		r.BodyHash = []byte("another")
		if _, err := c.s.Authorise(c.ctx, r); !errors.Is(err, ledger.ErrIdempotencyReused) {
			c.t.Fatalf("the same key with another body: %v", err)
		}
	}
	return true
}

// hold opens a claim, which its terminal may ask for again.
func (m *modelMember) hold(id string, r ledger.ClaimRequest, taken, left []waiting) {
	m.open = &modelClaim{id: id, terminal: r.TerminalID, before: r.Chip, after: r.Chip, taken: taken, expires: r.Now.Add(r.Expire)}
	m.pending = left
	m.asked = append(m.asked, modelAsk{r, id, sum(taken)})
}

// write loads the chip, unless the card was pulled out before.
func (m *modelMember) write() {
	m.chip.LoadSeq++
	m.chip.Balance += sum(m.open.taken)
	m.open.written, m.open.after = true, m.chip
}

// load authorises, writes and confirms, and goes wrong at any point.
func (c *modelCampus) load(m *modelMember, terminal string) {
	if !c.authorise(m, terminal) {
		return
	}
	switch c.rng.IntN(12) {
	case 0, 1:
		c.strangers(m)
	case 2:
		c.clone(m)
		return // the true card is not in the machine
	}
	switch c.rng.IntN(9) {
	case 0: // the answer never came, or the card was pulled out before the write
	case 1: // pulled out after the write: only the chip knows
		m.write()
	case 2: // the power went before the chip's refusal could be told
		m.visits = append(m.visits, *m.open)
	case 3: // the power went after the write, which the terminal had seen
		m.write()
		m.visits = append(m.visits, *m.open)
	case 4: // given back with the proof of the chip
		c.cancel(m, terminal, ledger.ClaimReleased)
	case 5: // the machine cancels what was written
		m.write()
		c.cancel(m, terminal, ledger.ClaimClaimed)
	default:
		m.write()
		if c.once(3) {
			m.visits = append(m.visits, *m.open) // and once more some day
		}
		c.confirm(m, terminal)
	}
}

// confirm tells of the write, once or twice.
func (c *modelCampus) confirm(m *modelMember, terminal string) {
	id := m.open.id
	m.post()
	for range 1 + c.rng.IntN(2) {
		if got, err := c.s.ConfirmClaim(c.ctx, terminal, id, m.chip, c.now); err != nil || got.State != ledger.ClaimClaimed {
			c.t.Fatalf("confirm: %+v, %v", got, err)
		}
	}
}

func (c *modelCampus) cancel(m *modelMember, terminal string, want ledger.ClaimState) {
	id := m.open.id
	if want == ledger.ClaimClaimed {
		m.post()
	} else {
		m.giveBack()
	}
	if got, err := c.s.CancelClaim(c.ctx, terminal, id, m.chip, "timeout", c.now); err != nil || got.State != want {
		c.t.Fatalf("cancel: %+v, %v; want %s", got, err, want)
	}
}

// strangers try to end a claim that is not theirs, and its own terminal to
// confirm what was not written.
func (c *modelCampus) strangers(m *modelMember) {
	other := kiosks[(slices.Index(kiosks, m.open.terminal)+1)%len(kiosks)]
	written := ledger.Chip{LoadSeq: m.chip.LoadSeq + 1, SpendSeq: m.chip.SpendSeq, Balance: m.chip.Balance + sum(m.open.taken)}
	if _, err := c.s.ConfirmClaim(c.ctx, other, m.open.id, written, c.now); !errors.Is(err, ledger.ErrClaimNotFound) {
		c.t.Fatalf("confirmed by another terminal: %v", err)
	}
	if _, err := c.s.CancelClaim(c.ctx, other, m.open.id, m.chip, "not mine", c.now); !errors.Is(err, ledger.ErrClaimNotFound) {
		c.t.Fatalf("cancelled by another terminal: %v", err)
	}
	if _, err := c.s.ConfirmClaim(c.ctx, m.open.terminal, m.open.id, m.chip, c.now); !errors.Is(err, ledger.ErrChipOutOfStep) {
		c.t.Fatalf("confirmed without a write: %v", err)
	}
	if got := c.authoriseElsewhere(m, other); !errors.Is(got, ledger.ErrClaimInProgress) {
		c.t.Fatalf("a second terminal: %v", got)
	}
	if _, err := c.s.SettleClaim(c.ctx, m.open.id, true, "guessed", c.now); !errors.Is(err, ledger.ErrClaimNotHeld) {
		c.t.Fatalf("decided while the chip can speak: %v", err)
	}
}

func (c *modelCampus) authoriseElsewhere(m *modelMember, terminal string) error {
	_, err := c.s.Authorise(c.ctx, c.ask(m, terminal, m.chip))
	return err
}

// askAgain sends a request that was granted once more, whatever became of its
// claim: the answer is the same, and nothing happens.
func (c *modelCampus) askAgain(m *modelMember) {
	if len(m.asked) == 0 {
		return
	}
	a := m.asked[c.rng.IntN(len(m.asked))]
	a.Now = c.now
	got, err := c.s.Authorise(c.ctx, a.ClaimRequest)
	if a.CardNo != m.no {
		if !errors.Is(err, ledger.ErrCardNotFound) {
			c.t.Fatalf("an old request of a card that was replaced: %v", err)
		}
		return
	}
	if err != nil || got.ID != a.id || got.Amount != a.fen {
		c.t.Fatalf("an old request again: %+v, %v; want %+v", got, err, a)
	}
}

// replay has a terminal tell what its journal holds, however old: whatever
// was concluded meanwhile stays.
func (c *modelCampus) replay(m *modelMember) {
	if len(m.visits) == 0 {
		return
	}
	i := c.rng.IntN(len(m.visits))
	v := m.visits[i]
	m.visits = slices.Delete(m.visits, i, i+1)
	mine := m.open != nil && m.open.id == v.id
	if v.written {
		if mine {
			m.post()
		}
		if got, err := c.s.ConfirmClaim(c.ctx, v.terminal, v.id, v.after, c.now); err != nil || got.State != ledger.ClaimClaimed {
			c.t.Fatalf("a late confirm: %+v, %v", got, err)
		}
		return
	}
	want := error(nil)
	switch {
	case mine && m.open.held:
		want = ledger.ErrChipOutOfStep
		c.outOfStep(m, v.after)
	case mine:
		m.giveBack()
	}
	got, err := c.s.CancelClaim(c.ctx, v.terminal, v.id, v.after, "power cut", c.now)
	if !errors.Is(err, want) || (want == nil && got.State != ledger.ClaimReleased) {
		c.t.Fatalf("a late cancel: %+v, %v; want %v", got, err, want)
	}
}

// clone shows a chip that cannot be: loaded elsewhere, or rolled back.
func (c *modelCampus) clone(m *modelMember) {
	if !m.seen && m.open == nil {
		return // the first chip shown is believed
	}
	chip := m.chip
	if c.once(2) {
		chip.LoadSeq += 2
	} else {
		chip.SpendSeq = 39 // before anything the books saw
	}
	if _, err := c.s.Authorise(c.ctx, c.ask(m, "K02", chip)); !errors.Is(err, ledger.ErrChipOutOfStep) {
		c.t.Fatalf("a cloned chip: %v", err)
	}
	c.outOfStep(m, chip)
	if m.open != nil {
		m.open.held = true
	}
}

// decide is a person who looked at the card of a held claim.
func (c *modelCampus) decide(m *modelMember) {
	if m.open == nil || !m.open.held {
		return
	}
	id, written := m.open.id, m.open.written
	if written {
		m.post()
	} else {
		m.giveBack()
	}
	if _, err := c.s.SettleClaim(c.ctx, id, written, "two of us read the card", c.now); err != nil {
		c.t.Fatalf("decide: %v", err)
	}
}
