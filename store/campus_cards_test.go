package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

// modelCard is one campus card: what its plastic holds, and what the books
// should know of it.
type modelCard struct {
	no        string
	id        int64
	chip      ledger.Chip
	opening   ledger.Fen
	claimed   ledger.Fen // posted by the books
	reported  ledger.Fen // purchases the books know
	gave      ledger.Fen // moved off it once it was replaced
	seen      bool       // the books know its counters
	lost      []lossTime
	sold      int // records booked, late ones and those after a loss
	late      int
	afterLoss int
}

func (d *modelCard) books() ledger.Fen { return d.opening + d.claimed - d.reported - d.gave }

// modelOldCard is a card that another took the place of.
type modelOldCard struct {
	*modelCard
	inHand bool // at the desk: nobody buys with it
	due    time.Time
	moved  bool
}

// modelDesk is a replacement that is asked for, and its answer.
type modelDesk struct {
	r   ledger.ReplacementRequest
	got ledger.Replacement
	err error
}

// desk wants the member's card replaced: handed in with its chip read, or gone.
func (c *modelCampus) desk(m *modelMember) *modelDesk {
	c.n++
	wait := []time.Duration{0, time.Hour, 24 * time.Hour}[c.rng.IntN(3)]
	d := &modelDesk{r: ledger.ReplacementRequest{OldCardNo: m.no, NewCardNo: fmt.Sprintf("N%s-%d", m.StudentNo, c.n), Due: c.now.Add(wait), Reason: "at the desk"}}
	if c.once(2) {
		chip := m.chip
		d.r.Chip = &chip
	}
	return d
}

// atDesk asks for the replacement, alone.
func (c *modelCampus) atDesk(d *modelDesk, want error) {
	if d.got, d.err = c.s.ReplaceCard(c.ctx, d.r, c.now); !errors.Is(d.err, want) {
		c.t.Fatalf("replace a card: %+v, %v; want %v", d.got, d.err, want)
	}
}

// replace gives a member another card, after wishes that must be refused.
func (c *modelCampus) replace(m *modelMember) {
	c.now = c.now.Add(time.Second) // no purchase in the same moment
	defer func() { c.now = c.now.Add(time.Second) }()
	d := c.desk(m)
	if m.open != nil {
		c.atDesk(d, ledger.ErrClaimInProgress)
		return
	}
	c.refusedAtDesk(m, *d)
	c.atDesk(d, nil)
	c.replaced(m, d)
	again := *d
	again.r.NewCardNo += "x"
	c.atDesk(&again, ledger.ErrCardReplaced)
	request := c.ask(m, "K01", m.chip)
	request.CardNo = d.r.OldCardNo
	if _, err := c.s.Authorise(c.ctx, request); !errors.Is(err, ledger.ErrCardNotFound) {
		c.t.Fatalf("the old card claims: %v", err)
	}
}

// refusedAtDesk: a new card that is somebody else's, and a chip that cannot be.
func (c *modelCampus) refusedAtDesk(m *modelMember, d modelDesk) {
	taken := d
	taken.r.NewCardNo = c.all[(slices.Index(c.all, m)+1)%len(c.all)].no
	c.atDesk(&taken, ledger.ErrCardNoTaken)
	if d.r.Chip != nil {
		more, chip := d, *d.r.Chip
		chip.Balance = m.books() + 1
		more.r.Chip = &chip
		c.atDesk(&more, ledger.ErrChipDiffers)
	}
}

// replaced: the chip's money waits at once where it was read, the rest of the
// books' until its time.
func (c *modelCampus) replaced(m *modelMember, d *modelDesk) {
	old := &modelOldCard{modelCard: m.modelCard, inHand: d.r.Chip != nil, due: d.r.Due}
	moved := ledger.Fen(0)
	if old.inHand {
		moved = old.chip.Balance
	} else if !m.isLost() {
		old.lost = append(old.lost, lossTime{from: c.now})
	}
	if d.got.Moved != moved || d.got.Left != old.books()-moved {
		c.t.Fatalf("a card replaced: %+v; the model says %v at once of %v", d.got, moved, old.books())
	}
	m.old = append(m.old, old)
	if moved > 0 {
		c.moves(m, moving{old, moved})
	}
	p, err := c.s.PersonByID(c.ctx, m.ID)
	if err != nil || p.CardNo != d.r.NewCardNo {
		c.t.Fatalf("the person has card %s, %v; want %s", p.CardNo, err, d.r.NewCardNo)
	}
	m.Person = p
	m.modelCard = &modelCard{no: p.CardNo, id: p.CardID, chip: ledger.Chip{SpendSeq: 40}} // tried out by its maker
}

// moves counts what the books moved off old cards at once: the holder's to
// collect.
func (c *modelCampus) moves(m *modelMember, off ...moving) {
	list, err := c.s.Transfers(c.ctx, m.ID, len(off), c.now)
	if err != nil || len(list) != len(off) {
		c.t.Fatalf("the newest transfers are %+v, %v; want %d", list, err, len(off))
	}
	var got, want []ledger.Fen
	for i, t := range list { // of one moment, in the order in which they are taken
		if t.Kind != ledger.KindReplacement {
			c.t.Fatalf("moved off a card: %+v", t)
		}
		c.n++
		m.wait(waiting{t.ID, t.Amount, c.n, false})
		got, want = append(got, t.Amount), append(want, off[i].fen)
		off[i].card.gave += off[i].fen
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		c.t.Fatalf("moved off old cards: %v, the model says %v", got, want)
	}
	c.now = c.now.Add(time.Millisecond)
}

type moving struct {
	card *modelOldCard
	fen  ledger.Fen
}

// moveRest has two replicas at once move what is left on old cards whose time
// has come, and nothing of the others.
func (c *modelCampus) moveRest() {
	var errs [2]error
	together([]func(){
		func() { errs[0] = c.s.MoveReplaced(c.ctx, c.now) },
		func() { errs[1] = c.s.MoveReplaced(c.ctx, c.now) },
	})
	if err := errors.Join(errs[:]...); err != nil {
		c.t.Fatalf("move what is left on old cards: %v", err)
	}
	for _, m := range c.all {
		var off []moving
		for _, old := range m.old {
			if old.moved || old.due.After(c.now) {
				continue
			}
			old.moved = true
			if fen := old.books(); fen > 0 {
				off = append(off, moving{old, fen})
			}
		}
		if len(off) > 0 {
			c.moves(m, off...)
		}
	}
	for _, m := range c.all {
		c.compare(m)
	}
}

// replacedAtOnce: two desks replace a card in the same moment in which it is
// shown to a machine. Either it claims, or one of the desks replaces it.
func (c *modelCampus) replacedAtOnce() {
	i := slices.IndexFunc(c.all, func(m *modelMember) bool { return m.open == nil })
	if i < 0 {
		return
	}
	m := c.all[i]
	c.now = c.now.Add(time.Second)
	defer func() { c.now = c.now.Add(time.Second) }()
	desks := []*modelDesk{c.desk(m), c.desk(m)}
	tap := c.ask(m, kiosks[0], m.chip)
	var claim ledger.Claim
	var tapped error
	together([]func(){
		func() { claim, tapped = c.s.Authorise(c.ctx, tap) },
		func() { desks[0].got, desks[0].err = c.s.ReplaceCard(c.ctx, desks[0].r, c.now) },
		func() { desks[1].got, desks[1].err = c.s.ReplaceCard(c.ctx, desks[1].r, c.now) },
	})
	taken, left, refused := m.due()
	if tapped == nil {
		if refused != nil || claim.Amount != sum(taken) || !errors.Is(desks[0].err, ledger.ErrClaimInProgress) || !errors.Is(desks[1].err, ledger.ErrClaimInProgress) {
			c.t.Fatalf("a tap before two desks: %+v, %v and %v", claim, desks[0].err, desks[1].err)
		}
		m.seen = true
		m.hold(claim.ID, tap, taken, left)
		return
	}
	won := slices.IndexFunc(desks, func(d *modelDesk) bool { return d.err == nil })
	if won < 0 || !errors.Is(desks[1-won].err, ledger.ErrCardReplaced) || !errors.Is(tapped, ledger.ErrCardNotFound) && (refused == nil || !errors.Is(tapped, refused)) {
		c.t.Fatalf("two desks at once: %v and %v; a tap meanwhile: %v", desks[0].err, desks[1].err, tapped)
	}
	c.replaced(m, desks[won])
}

// oldBooks compares what is left on cards that were replaced, once everything
// is in. What was bought with one after the rest was moved is a person's to see.
func (c *modelCampus) oldBooks(m *modelMember) {
	for _, old := range m.old {
		var books ledger.Fen
		if err := c.s.QueryRow(fmt.Sprintf(`SELECT balance_fen FROM campus_cards WHERE id = %d`, old.id)).Scan(&books); err != nil {
			c.t.Fatal(err)
		}
		if books != old.books() || !old.moved {
			c.t.Fatalf("old card %s holds %v by the books, moved %v; the model says %v", old.no, books, old.moved, old.books())
		}
		c.recordsOf(old.modelCard)
	}
}

// short: what came of an old card after its money was moved is a person's to
// see, each record by itself, those with the highest counters first.
func (c *modelCampus) short(k *modelTill, taken []*modelSale) {
	slices.SortFunc(taken, func(a, b *modelSale) int { return cmp.Compare(b.record.Chip.SpendSeq, a.record.Chip.SpendSeq) })
	after := map[*modelCard]ledger.Fen{}
	for _, sale := range taken {
		if !slices.ContainsFunc(sale.who.old, func(old *modelOldCard) bool { return old.modelCard == sale.card }) {
			continue
		}
		if _, seen := after[sale.card]; !seen {
			after[sale.card] = sale.card.books()
		}
		if after[sale.card] < 0 {
			c.cases[fmt.Sprintf("replaced_card %s:%d", k.id, sale.record.Seq)] = true
		}
		after[sale.card] += sale.record.Amount
	}
}
