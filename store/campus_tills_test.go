package store_test

import (
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

type modelTill struct {
	id    string
	next  int64
	out   []modelSale // not uploaded, or uploaded and kept to be sent again
	dealt map[int64]bool
}

type modelSale struct {
	record    ledger.Consumption
	who       *modelMember
	card      *modelCard
	known     bool // the books have it
	corrected bool
}

// acked is the gapless end of what the books have dealt with.
func (k *modelTill) acked() int64 {
	end := k.next
	for seq := range k.dealt {
		end = min(end, seq)
	}
	for k.dealt[end] {
		end++
	}
	return end - 1
}

// swipe claims at a till that is online, and sells there; one that has not
// heard of a loss sells on a lost card too.
func (c *modelCampus) swipe(m *modelMember, k *modelTill) {
	card := m.modelCard
	if i := slices.IndexFunc(m.old, func(old *modelOldCard) bool { return !old.inHand }); i >= 0 && c.once(4) {
		card = m.old[i].modelCard // whoever has it buys where nobody has heard of it yet
	} else if c.once(2) {
		c.load(m, k.id)
	}
	fen := ledger.Fen(1 + c.rng.IntN(2000))
	switch c.rng.IntN(6) {
	case 0: // a big one
		fen = 1 + ledger.Fen(c.rng.Int64N(int64(card.chip.Balance)+1))
	case 1: // leaves a round balance
		fen = card.chip.Balance % 1000
	}
	if fen > card.chip.Balance || fen == 0 {
		return
	}
	card.chip.Balance -= fen
	card.chip.SpendSeq++
	at := c.now
	if c.once(20) {
		at = at.AddDate(-3, 0, 0) // a clock that is wrong by years
	}
	k.out = append(k.out, modelSale{who: m, card: card, record: ledger.Consumption{Seq: k.next, CardNo: card.no, Amount: fen, Chip: card.chip, OccurredAt: at}})
	k.next++
}

// upload sends some of a till's records, shuffled, some of them again.
func (c *modelCampus) upload(k *modelTill) {
	var batch []ledger.Consumption
	var taken []*modelSale
	want, again := 0, 0
	first := map[*modelMember]ledger.Consumption{}
	for i := range k.out {
		sale := &k.out[i]
		if c.once(3) {
			continue
		}
		batch = append(batch, sale.record)
		if c.once(10) {
			batch = append(batch, sale.record)
			again++
		}
		if sale.known {
			again++
			continue
		}
		want++
		sale.known, k.dealt[sale.record.Seq] = true, true
		c.book(sale)
		taken = append(taken, sale)
		if open := sale.who.open; open != nil && sale.card == sale.who.modelCard && sale.record.Chip.SpendSeq > open.before.SpendSeq {
			if f, ok := first[sale.who]; !ok || sale.record.Chip.SpendSeq < f.Chip.SpendSeq {
				first[sale.who] = sale.record
			}
		}
	}
	for m, r := range first {
		switch {
		case r.Chip.LoadSeq > m.open.before.LoadSeq:
			m.post()
		case m.open.held:
			c.outOfStep(m, r.Chip)
		default:
			m.giveBack()
		}
	}
	c.short(k, taken)
	c.rng.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
	got, err := c.s.IngestConsumptions(c.ctx, k.id, batch, c.now)
	if err != nil || got.Accepted != want || got.Duplicates != again || len(got.Rejected) != 0 {
		c.t.Fatalf("upload of %d: %+v, %v; want %d accepted, %d again", len(batch), got, err, want, again)
	}
	if len(batch) > 0 && got.AckedSeq != k.acked() {
		c.t.Fatalf("acknowledged up to %d, the model says %d", got.AckedSeq, k.acked())
	}
}

// book counts a record that the books take now.
func (c *modelCampus) book(sale *modelSale) {
	m, at := sale.card, sale.record.OccurredAt
	m.reported += sale.record.Amount
	m.sold++
	m.seen = true
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, at.Location())
	today := time.Date(c.now.Year(), c.now.Month(), c.now.Day(), 0, 0, 0, 0, at.Location())
	if day.Before(today) && !c.now.Before(day.AddDate(0, 0, 1).Add(4*time.Hour)) {
		m.late++
	}
	for _, l := range m.lost {
		from, to := l.from, l.to
		if at.Truncate(time.Second).Equal(at) { // a till that tells no fractions: its second is the report's
			from, to = from.Truncate(time.Second), to.Truncate(time.Second)
		}
		if !at.Before(from) && (to.IsZero() || at.Before(to)) {
			m.afterLoss++
			return
		}
	}
}

// conflict sends what contradicts a record that stands: the same number with
// another amount or for another purchase, or the same purchase from another till. Neither is booked.
func (c *modelCampus) conflict(k *modelTill) {
	i := slices.IndexFunc(k.out, func(s modelSale) bool { return s.known })
	if i < 0 {
		return
	}
	r := k.out[i].record
	if c.once(2) {
		r.Amount++
		if c.once(2) {
			r.Chip.SpendSeq += 1000 // and of another purchase
		}
		if got, err := c.s.IngestConsumptions(c.ctx, k.id, []ledger.Consumption{r}, c.now); err != nil || got.Accepted != 0 || len(got.Rejected) != 1 || got.Rejected[0].Code != ledger.RejectConflict {
			c.t.Fatalf("a record with another amount: %+v, %v", got, err)
		}
		c.cases[fmt.Sprintf("conflict %s:%d:%d:%d", k.id, r.Seq, r.Amount, r.Chip.SpendSeq)] = true
		return
	}
	other := c.tills[(slices.Index(c.tills, k)+1)%len(c.tills)]
	r.Seq = other.next
	other.next++
	other.dealt[r.Seq] = true
	if got, err := c.s.IngestConsumptions(c.ctx, other.id, []ledger.Consumption{r}, c.now); err != nil || got.Accepted != 0 || len(got.Rejected) != 1 || got.Rejected[0].Code != ledger.RejectConflict || got.AckedSeq != other.acked() {
		c.t.Fatalf("the same purchase from another till: %+v, %v", got, err)
	}
	c.cases[fmt.Sprintf("conflict %s:%d:%d", other.id, r.Seq, r.Amount)] = true
}

// lose reports a loss, twice for the same receipt, or takes one back.
func (c *modelCampus) lose(m *modelMember) {
	c.now = c.now.Add(time.Second) // no purchase in the same moment
	defer func() { c.now = c.now.Add(time.Second) }()
	if m.isLost() {
		if _, err := c.s.CancelLoss(c.ctx, m.ID, c.now); err != nil {
			c.t.Fatal(err)
		}
		m.lost[len(m.lost)-1].to = c.now
		return
	}
	first, err := c.s.ReportLoss(c.ctx, m.ID, c.now)
	if err != nil {
		c.t.Fatal(err)
	}
	if again, err := c.s.ReportLoss(c.ctx, m.ID, c.now.Add(time.Millisecond)); err != nil || again.Receipt != first.Receipt {
		c.t.Fatalf("a second report: %+v, %v", again, err)
	}
	m.lost = append(m.lost, lossTime{from: c.now})
}
