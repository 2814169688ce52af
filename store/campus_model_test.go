package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var (
	modelSeeds = flag.Int("model.seeds", 20, "how many campuses the model plays")
	modelSteps = flag.Int("model.steps", 400, "steps in each")
	modelSeed  = flag.Uint64("model.seed", 0, "play this one seed only")
)

// modelCampus plays members, machines and tills at random and predicts every
// fen by rules of its own: it knows what the real chips hold.
type modelCampus struct {
	t    *testing.T
	s    *store.Store
	rng  *rand.Rand
	now  time.Time
	ctx  context.Context
	all  []*modelMember
	till []*modelTill
	n    int // orders and keys made
}

type modelMember struct {
	ledger.Person
	chip     ledger.Chip // what the plastic holds
	opening  ledger.Fen
	pending  []waiting  // oldest first
	claimed  ledger.Fen // posted by the books
	reported ledger.Fen // purchases the books know
	open     *modelClaim
	unpaid   []ledger.Payment // ordered and paid, notification still out
	settled  []ledger.Payment
	lost     bool
}

// waiting is one transfer; age orders them.
type waiting struct {
	fen ledger.Fen
	age int
}

type modelClaim struct {
	id, terminal string
	before       ledger.Chip
	taken        []waiting
	expires      time.Time
	written      bool
}

func (c *modelClaim) sum() (sum ledger.Fen) {
	for _, w := range c.taken {
		sum += w.fen
	}
	return sum
}

type modelTill struct {
	id   string
	next int64
	out  []modelSale // not uploaded, or uploaded and kept to be sent again
}

type modelSale struct {
	record ledger.Consumption
	who    *modelMember
	known  bool // the books have it
}

// TestModel plays random campuses. A failure prints its seed; -model.seed
// plays it again.
func TestModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seeds := *modelSeeds
		if testing.Short() || underRace {
			seeds = min(seeds, 3) // `make test` plays them all without the race detector
		}
		for i := range seeds {
			seed := uint64(i + 1)
			if *modelSeed != 0 {
				seed = *modelSeed
			}
			// Each seed has people and terminals of its own in one database.
			if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { playModel(t, s, seed) }) || *modelSeed != 0 {
				break
			}
		}
		proven(t, s)
	})
}

func playModel(t *testing.T, s *store.Store, seed uint64) {
	c := &modelCampus{t: t, s: s, rng: rand.New(rand.NewPCG(seed, 7)), now: noon, ctx: context.Background()}
	for i := range 4 {
		p := campus(t, s, int(seed)*10+i)
		c.all = append(c.all, &modelMember{Person: p, opening: 1250, chip: ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}})
	}
	for i := range 3 {
		id := fmt.Sprintf("M%d-%d", seed, i)
		till(t, s, id)
		c.till = append(c.till, &modelTill{id: id, next: 1})
	}
	for range *modelSteps {
		m := c.all[c.rng.IntN(len(c.all))]
		c.now = c.now.Add(time.Duration(c.rng.IntN(40)) * time.Second)
		switch c.rng.IntN(10) {
		case 0, 1:
			c.order(m)
		case 2, 3:
			c.notify(m)
		case 4, 5, 6:
			c.visit(m, []string{"K01", "K02"}[c.rng.IntN(2)])
		case 7, 8:
			c.swipe(m, c.till[c.rng.IntN(len(c.till))])
		case 9:
			c.upload(c.till[c.rng.IntN(len(c.till))])
		}
		if c.rng.IntN(40) == 0 {
			c.lose(m)
		}
		c.compare(m)
	}
	c.settleAll()
}

// order places and pays an order; its notification is still out.
func (c *modelCampus) order(m *modelMember) {
	c.n++
	no := fmt.Sprintf("XK%s-%d", m.StudentNo, c.n)
	fen := []ledger.Fen{1000, 2000, 5000, 10000, 50000}[c.rng.IntN(5)]
	order(c.t, c.s, m.Person, no, fen)
	m.unpaid = append(m.unpaid, payment(no, fen))
}

// notify delivers a notification, now and then one that was delivered before.
func (c *modelCampus) notify(m *modelMember) {
	if len(m.settled) > 0 && c.rng.IntN(3) == 0 {
		again := m.settled[c.rng.IntN(len(m.settled))]
		if got, err := c.s.SettleTopUp(c.ctx, again, c.now); err != nil || !got.Repeat {
			c.t.Fatalf("a repeated notification: %+v, %v", got, err)
		}
		return
	}
	if len(m.unpaid) == 0 {
		return
	}
	i := c.rng.IntN(len(m.unpaid))
	p := m.unpaid[i]
	m.unpaid = slices.Delete(m.unpaid, i, i+1)
	if got, err := c.s.SettleTopUp(c.ctx, p, c.now); err != nil || got.Repeat {
		c.t.Fatalf("a notification: %+v, %v", got, err)
	}
	c.n++
	m.pending = append(m.pending, waiting{p.Total, c.n})
	m.settled = append(m.settled, p)
	c.now = c.now.Add(time.Millisecond) // transfers are taken in the order of their time
}

// seen is what the books must conclude when a terminal shows them the chip;
// false means that another terminal may still write.
func (c *modelCampus) seen(m *modelMember, terminal string) bool {
	switch open := m.open; {
	case open == nil:
	case open.written:
		m.claimed += open.sum()
		m.open = nil
	case open.terminal != terminal && !c.now.After(open.expires):
		return false
	default:
		m.giveBack()
	}
	return true
}

// giveBack returns a voided claim's money to its place by age.
func (m *modelMember) giveBack() {
	m.pending = append(m.pending, m.open.taken...)
	slices.SortFunc(m.pending, func(a, b waiting) int { return a.age - b.age })
	m.open = nil
}

const purseMax = 100000

// authorise asks for a claim and checks the answer against the model.
func (c *modelCampus) authorise(m *modelMember, terminal string) bool {
	c.n++
	r := ledger.ClaimRequest{TerminalID: terminal, IdempotencyKey: fmt.Sprintf("k%d-%s", c.n, m.StudentNo), BodyHash: []byte("b"), CardNo: m.CardNo,
		Chip: m.chip, Now: c.now, Expire: 2 * time.Minute, MaxBalance: purseMax}
	got, err := c.s.Authorise(c.ctx, r)
	want := error(nil)
	var taken, left []waiting
	if !c.seen(m, terminal) {
		want = ledger.ErrClaimInProgress
	} else if m.lost {
		want = ledger.ErrCardLost
	} else {
		room := purseMax - m.chip.Balance
		for _, w := range m.pending {
			if w.fen <= room {
				taken, room = append(taken, w), room-w.fen
			} else {
				left = append(left, w)
			}
		}
		switch {
		case len(m.pending) == 0:
			want = ledger.ErrNothingPending
		case len(taken) == 0:
			want = ledger.ErrPurseFull
		}
	}
	if !errors.Is(err, want) {
		c.t.Fatalf("authorise at %s: %v, want %v", terminal, err, want)
	}
	if want != nil {
		return false
	}
	m.open = &modelClaim{id: got.ID, terminal: terminal, before: m.chip, taken: taken, expires: c.now.Add(2 * time.Minute)}
	m.pending = left
	if got.Amount != m.open.sum() {
		c.t.Fatalf("authorised %v, want %v", got.Amount, m.open.sum())
	}
	if c.rng.IntN(4) == 0 { // the answer was lost: the same key again
		if again, err := c.s.Authorise(c.ctx, r); err != nil || again.ID != got.ID {
			c.t.Fatalf("the same key: %+v, %v", again, err)
		}
	}
	return true
}

// write loads the chip, unless the card was pulled out before.
func (m *modelMember) write() {
	m.chip.LoadSeq++
	m.chip.Balance += m.open.sum()
	m.open.written = true
}

// load authorises, writes and confirms, and goes wrong at any point.
func (c *modelCampus) load(m *modelMember, terminal string) {
	if !c.authorise(m, terminal) {
		return
	}
	id := m.open.id
	switch c.rng.IntN(6) {
	case 0: // pulled out before the write; nothing is told
	case 1: // pulled out after the write; nothing is told
		m.write()
	case 2: // given back with the proof of the chip
		if got, err := c.s.CancelClaim(c.ctx, terminal, id, m.chip, "cancelled", c.now); err != nil || got.State != ledger.ClaimReleased {
			c.t.Fatalf("cancel: %+v, %v", got, err)
		}
		m.giveBack()
	case 3: // the machine cancels what was written
		m.write()
		if got, err := c.s.CancelClaim(c.ctx, terminal, id, m.chip, "timeout", c.now); err != nil || got.State != ledger.ClaimClaimed {
			c.t.Fatalf("cancel of a write: %+v, %v", got, err)
		}
		c.seen(m, terminal)
	default:
		m.write()
		for range 1 + c.rng.IntN(2) {
			if got, err := c.s.ConfirmClaim(c.ctx, terminal, id, m.chip, c.now); err != nil || got.State != ledger.ClaimClaimed {
				c.t.Fatalf("confirm: %+v, %v", got, err)
			}
		}
		c.seen(m, terminal)
	}
}

func (c *modelCampus) visit(m *modelMember, kiosk string) { c.load(m, kiosk) }

// swipe claims at a till that is online, and sells there.
func (c *modelCampus) swipe(m *modelMember, k *modelTill) {
	if c.rng.IntN(2) == 0 {
		c.load(m, k.id)
	}
	fen := ledger.Fen(1 + c.rng.IntN(2000))
	if fen > m.chip.Balance {
		return
	}
	m.chip.Balance -= fen
	m.chip.SpendSeq++
	k.out = append(k.out, modelSale{who: m, record: ledger.Consumption{Seq: k.next, CardNo: m.CardNo, Amount: fen, Chip: m.chip, OccurredAt: c.now}})
	k.next++
}

// upload sends some of a till's records, shuffled, some of them again.
func (c *modelCampus) upload(k *modelTill) {
	var batch []ledger.Consumption
	want := 0
	first := map[*modelMember]ledger.Consumption{}
	for i := range k.out {
		sale := &k.out[i]
		if c.rng.IntN(3) == 0 {
			continue
		}
		batch = append(batch, sale.record)
		if sale.known {
			continue
		}
		want++
		sale.known = true
		sale.who.reported += sale.record.Amount
		if open := sale.who.open; open != nil && sale.record.Chip.SpendSeq > open.before.SpendSeq {
			if f, ok := first[sale.who]; !ok || sale.record.Chip.SpendSeq < f.Chip.SpendSeq {
				first[sale.who] = sale.record
			}
		}
	}
	for m, r := range first {
		if r.Chip.LoadSeq > m.open.before.LoadSeq {
			m.claimed += m.open.sum()
			m.open = nil
		} else {
			m.giveBack()
		}
	}
	c.rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	got, err := c.s.IngestConsumptions(c.ctx, k.id, batch, c.now)
	if err != nil || got.Accepted != want || len(got.Rejected) != 0 {
		c.t.Fatalf("upload of %d: %+v, %v; want %d accepted", len(batch), got, err, want)
	}
}

// lose reports a loss, or takes one back.
func (c *modelCampus) lose(m *modelMember) {
	var err error
	if m.lost {
		_, err = c.s.CancelLoss(c.ctx, m.ID, c.now)
	} else {
		_, err = c.s.ReportLoss(c.ctx, m.ID, c.now)
	}
	if err != nil {
		c.t.Fatal(err)
	}
	m.lost = !m.lost
}

func (c *modelCampus) compare(m *modelMember) {
	c.t.Helper()
	var pending, inFlight ledger.Fen
	for _, w := range m.pending {
		pending += w.fen
	}
	if m.open != nil {
		inFlight = m.open.sum()
	}
	b, err := c.s.Balance(c.ctx, m.ID, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	if want := m.opening + m.claimed - m.reported; b.Books != want || b.Pending != pending || b.InFlight != inFlight {
		c.t.Fatalf("%s: books %v, pending %v, in flight %v; the model says %v, %v, %v", m.StudentNo, b.Books, b.Pending, b.InFlight, want, pending, inFlight)
	}
}

// settleAll ends every doubt: all notifications, all records, every card shown
// once more. Then the chip holds what the books say.
func (c *modelCampus) settleAll() {
	c.now = c.now.Add(time.Hour)
	for _, m := range c.all {
		for len(m.unpaid) > 0 {
			c.notify(m)
		}
		if m.lost {
			c.lose(m)
		}
	}
	for _, k := range c.till {
		for slices.ContainsFunc(k.out, func(s modelSale) bool { return !s.known }) {
			c.upload(k)
		}
	}
	for _, m := range c.all {
		if c.authorise(m, "K01") {
			m.write()
			if _, err := c.s.ConfirmClaim(c.ctx, "K01", m.open.id, m.chip, c.now); err != nil {
				c.t.Fatal(err)
			}
			c.seen(m, "K01")
		}
		c.compare(m)
		if want := m.opening + m.claimed - m.reported; m.chip.Balance != want {
			c.t.Fatalf("the chip holds %v, the books %v", m.chip.Balance, want)
		}
	}
	for _, e := range proven(c.t, c.s).Exceptions {
		c.t.Errorf("exception: %+v", e)
	}
}
