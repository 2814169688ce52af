package store_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var (
	campusSeeds = flag.Int("campus.seeds", 20, "how many random campuses are played")
	campusSteps = flag.Int("campus.steps", 400, "steps in each")
	campusSeed  = flag.Uint64("campus.seed", 0, "play this one seed only")
)

// modelCampus plays members, machines and tills at random and predicts every
// fen by rules of its own: it knows what the real chips hold, what was really
// paid, and how each refund really ends.
type modelCampus struct {
	t     *testing.T
	s     *store.Store
	rng   *rand.Rand
	now   time.Time
	ctx   context.Context
	all   []*modelMember
	tills []*modelTill
	n     int             // orders and keys made
	cases map[string]bool // "kind ref" of what must be listed for a person
}

type modelMember struct {
	ledger.Person
	*modelCard                 // in use
	old        []*modelOldCard // replaced
	pending    []waiting       // oldest first
	open       *modelClaim
	asked      []modelAsk       // claims that were given
	visits     []modelClaim     // a terminal's journal of ended visits it has not been told about
	unpaid     []ledger.Payment // paid at WeChat Pay, not known here
	settled    []ledger.Payment
	refunding  []*modelRefund
	refunded   []*modelRefund // at their end, whichever
	gone       []waiting      // claimed or refunded: nothing to send back
	states     map[string]ledger.TransferState
}

// lossTime is a loss from its report to its end; zero = still lost.
type lossTime struct{ from, to time.Time }

func (d *modelCard) isLost() bool { return len(d.lost) > 0 && d.lost[len(d.lost)-1].to.IsZero() }

// waiting is one transfer; age orders them. Only what was paid can go back.
type waiting struct {
	id   string
	fen  ledger.Fen
	age  int
	paid bool
}

func sum(all []waiting) (fen ledger.Fen) {
	for _, w := range all {
		fen += w.fen
	}
	return fen
}

// TestModel plays random campuses. A failure prints its seed and how to play
// it again.
func TestModel(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		seeds := *campusSeeds
		if testing.Short() || underRace {
			seeds = min(seeds, 3) // `make test` plays them all without the race detector
		}
		cases := map[string]bool{}
		for i := range seeds {
			seed := uint64(i + 1)
			if *campusSeed != 0 {
				seed = *campusSeed
			}
			// Each seed has people and terminals of its own in one database.
			if !t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) { playModel(t, s, seed, cases) }) || *campusSeed != 0 {
				break
			}
		}
		proven(t, s)
	})
}

func playModel(t *testing.T, s *store.Store, seed uint64, cases map[string]bool) {
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("again: scripts/with-services go test ./store -run 'TestModel' -campus.seed=%d -campus.steps=%d", seed, *campusSteps)
		}
	})
	c := &modelCampus{t: t, s: s, rng: rand.New(rand.NewPCG(seed, 7)), now: noon, ctx: context.Background(), cases: cases}
	for i := range 4 {
		p := campus(t, s, int(seed)*10+i)
		c.all = append(c.all, &modelMember{Person: p, states: map[string]ledger.TransferState{},
			modelCard: &modelCard{no: p.CardNo, id: p.CardID, opening: 1250, chip: ledger.Chip{LoadSeq: 7, SpendSeq: 40, Balance: 1250}}})
	}
	err := s.AddTerminal(c.ctx, ledger.Terminal{ID: "K03", Kind: ledger.Kiosk, Location: "行政中心一楼", SealedSecret: []byte{1}, CreatedAt: noon})
	if err != nil && !errors.Is(err, ledger.ErrTerminalExists) {
		t.Fatal(err)
	}
	for i := range 3 {
		id := fmt.Sprintf("M%d-%d", seed, i)
		till(t, s, id)
		c.tills = append(c.tills, &modelTill{id: id, next: 1, dealt: map[int64]bool{}})
	}
	for range *campusSteps {
		c.step()
	}
	c.settleAll()
}

// step lets somebody do something.
func (c *modelCampus) step() {
	m := c.all[c.rng.IntN(len(c.all))]
	k := c.tills[c.rng.IntN(len(c.tills))]
	c.now = c.now.Add(time.Duration(c.rng.IntN(40)) * time.Second)
	if c.once(60) {
		c.now = c.now.Add(time.Duration(1+c.rng.IntN(20)) * time.Hour)
	}
	switch c.rng.IntN(17) {
	case 0, 1:
		c.order(m)
	case 2, 3, 4:
		c.notify(m)
	case 5, 6, 7:
		c.load(m, kiosks[c.rng.IntN(len(kiosks))])
	case 8, 9, 10:
		c.swipe(m, k)
	case 11:
		c.upload(k)
	case 12:
		c.refund(m)
	case 13:
		c.hear(m)
	case 14:
		c.replay(m)
	case 15, 16:
		[]func(){func() { c.lose(m) }, func() { c.clone(m) }, func() { c.decide(m) }, func() { c.conflict(k) },
			func() { c.grant(m) }, func() { c.correct(k) }, func() { c.askAgain(m) }, c.poll, c.rush,
			func() { c.replace(m) }, c.moveRest}[c.rng.IntN(11)]()
	}
	c.compare(m)
}

var kiosks = []string{"K01", "K02", "K03"}

// once is true once in n times.
func (c *modelCampus) once(n int) bool { return c.rng.IntN(n) == 0 }

// compare holds the books against the model.
func (c *modelCampus) compare(m *modelMember) {
	c.t.Helper()
	var inFlight ledger.Fen
	doubt := false
	want := maps.Clone(m.states)
	for _, w := range m.pending {
		want[w.id] = ledger.TransferPending
	}
	if m.open != nil {
		inFlight, doubt = sum(m.open.taken), c.now.After(m.open.expires)
		for _, w := range m.open.taken {
			want[w.id] = ledger.TransferInFlight
			if doubt {
				want[w.id] = ledger.TransferInDoubt
			}
		}
	}
	for _, r := range m.refunding {
		want[r.id] = ledger.TransferRefunding
	}
	b, err := c.s.Balance(c.ctx, m.ID, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	books, left, short := m.books(), ledger.Fen(0), ledger.Fen(0)
	for _, old := range m.old {
		short += max(0, -old.books())
		if !old.moved {
			left += max(0, old.books())
		}
	}
	if b.CardNo != m.no || b.Old != left || b.Short != short {
		c.t.Fatalf("%s: card %s, %v on old ones, %v short; the model says %s, %v, %v", m.StudentNo, b.CardNo, b.Old, b.Short, m.no, left, short)
	}
	if b.Books != books || b.Pending != sum(m.pending) || b.InFlight != inFlight || b.Doubt != doubt {
		c.t.Fatalf("%s: books %v, pending %v, in flight %v (doubt %v); the model says %v, %v, %v (%v)", m.StudentNo,
			b.Books, b.Pending, b.InFlight, b.Doubt, books, sum(m.pending), inFlight, doubt)
	}
	list, err := c.s.TransfersBetween(c.ctx, m.ID, noon.Add(-time.Hour), c.now.Add(time.Hour), c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	got := map[string]ledger.TransferState{}
	for _, t := range list {
		got[t.ID] = t.State
	}
	if !maps.Equal(got, want) {
		c.t.Fatalf("%s: transfers are %v; the model says %v", m.StudentNo, got, want)
	}
}

// settleAll ends every doubt: all notifications, all refunds, all records,
// every journal replayed, what is left on old cards moved, every card shown once
// more. Then the chip holds what the books say.
func (c *modelCampus) settleAll() {
	c.now = c.now.Add(time.Hour)
	c.poll()
	c.pollRefunds()
	for _, k := range c.tills {
		for slices.ContainsFunc(k.out, func(s modelSale) bool { return !s.known }) {
			c.upload(k)
		}
	}
	c.now = c.now.AddDate(0, 0, 2)
	c.moveRest()
	for _, m := range c.all {
		if m.isLost() {
			c.lose(m)
		}
		c.decide(m)
		for len(m.visits) > 0 {
			c.replay(m)
		}
		if c.authorise(m, "K01") {
			m.write()
			c.confirm(m, "K01")
		}
		c.compare(m)
		if m.chip.Balance != m.books() {
			c.t.Fatalf("the chip holds %v, the books %v", m.chip.Balance, m.books())
		}
		c.recordsOf(m.modelCard)
		c.oldBooks(m)
	}
	listed := map[string]int{}
	for _, e := range proven(c.t, c.s).Exceptions {
		listed[e.Kind]++
	}
	want := map[string]int{}
	for name := range c.cases {
		kind := ""
		fmt.Sscan(name, &kind)
		want[kind]++
	}
	if !maps.Equal(listed, want) {
		c.t.Fatalf("listed for a person: %v; the model says %v", listed, want)
	}
}

// recordsOf compares what became of the records of a card.
func (c *modelCampus) recordsOf(d *modelCard) {
	c.t.Helper()
	var sold, late, afterLoss, missing int
	err := c.s.QueryRow(fmt.Sprintf(`SELECT COUNT(*), COALESCE(SUM(CASE WHEN late THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN after_loss THEN 1 ELSE 0 END), 0),
		(SELECT COALESCE(chip_spend_seq - first_spend_seq - records, 0) FROM campus_cards WHERE id = %d) FROM consumptions WHERE card_id = %d`, d.id, d.id)).
		Scan(&sold, &late, &afterLoss, &missing)
	if err != nil {
		c.t.Fatal(err)
	}
	if sold != d.sold || late != d.late || afterLoss != d.afterLoss {
		c.t.Fatalf("card %s: %d records, %d late, %d after a loss; the model says %d, %d, %d", d.no, sold, late, afterLoss, d.sold, d.late, d.afterLoss)
	}
	if missing != 0 {
		c.t.Fatalf("card %s: %d records count as missing; all have come", d.no, missing)
	}
}
