package store_test

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"xiaoka/ledger"
)

// modelRefund is a transfer on its way back to the payer; words is what WeChat
// Pay says of it, one after the other, the last of them for good.
type modelRefund struct {
	waiting
	ledger.Refund
	words []string
}

// order places an order and mostly pays it; the notification is still out.
func (c *modelCampus) order(m *modelMember) {
	c.n++
	no := fmt.Sprintf("XK%s-%d", m.StudentNo, c.n)
	fen := []ledger.Fen{1000, 2000, 5000, 10000, 50000}[c.rng.IntN(5)]
	if room := purseMax - m.chip.Balance - sum(m.pending); c.once(6) && room > 0 {
		fen = room // fills the purse to the fen
	}
	order(c.t, c.s, m.Person, no, fen)
	if !c.once(10) {
		m.unpaid = append(m.unpaid, payment(no, fen))
	}
}

// notify delivers a notification, now and then a false one or one that was
// delivered before, and sometimes loses it.
func (c *modelCampus) notify(m *modelMember) {
	if len(m.settled) > 0 && c.once(4) {
		again := m.settled[c.rng.IntN(len(m.settled))]
		if got, err := c.s.SettleTopUp(c.ctx, again, c.now); err != nil || !got.Repeat {
			c.t.Fatalf("a repeated notification: %+v, %v", got, err)
		}
		return
	}
	if len(m.unpaid) == 0 || c.once(4) {
		return
	}
	p := m.unpaid[c.rng.IntN(len(m.unpaid))]
	if c.once(6) {
		c.mismatch(m, p)
	}
	c.settle(m, p)
}

// mismatch tells of a payment that is not the one ordered.
func (c *modelCampus) mismatch(m *modelMember, p ledger.Payment) {
	bad, field := p, "amount"
	bad.Total++
	if len(m.settled) > 0 && c.once(2) {
		bad, field = p, "transaction_id"
		bad.WxTransactionID = m.settled[0].WxTransactionID
	}
	_, err := c.s.SettleTopUp(c.ctx, bad, c.now)
	var wrong *ledger.MismatchError
	if !errors.As(err, &wrong) || wrong.Field != field {
		c.t.Fatalf("a payment that differs in %s: %v", field, err)
	}
	c.cases[fmt.Sprintf("payment_mismatch %s:%s:%s", bad.OutTradeNo, field, bad.WxTransactionID)] = true
}

func (c *modelCampus) settle(m *modelMember, p ledger.Payment) {
	m.unpaid = slices.DeleteFunc(m.unpaid, func(u ledger.Payment) bool { return u.OutTradeNo == p.OutTradeNo })
	got, err := c.s.SettleTopUp(c.ctx, p, c.now)
	if err != nil || got.Repeat || got.Transfer.Amount != p.Total {
		c.t.Fatalf("a payment: %+v, %v", got, err)
	}
	c.n++
	m.wait(waiting{got.Transfer.ID, p.Total, c.n, true})
	m.settled = append(m.settled, p)
	c.now = c.now.Add(time.Millisecond) // transfers are taken in the order of their time
}

// poll asks WeChat Pay about every attempt that may still be paid; what was
// paid must be among them.
func (c *modelCampus) poll() {
	list, err := c.s.OpenAttempts(c.ctx, c.now, math.MaxInt32)
	if err != nil {
		c.t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, a := range list {
		asked[a.OutTradeNo] = true
	}
	for _, m := range c.all {
		for _, p := range slices.Clone(m.unpaid) {
			if !asked[p.OutTradeNo] {
				c.t.Fatalf("nobody would ask about the payment of %s", p.OutTradeNo)
			}
			p.Source = "query"
			c.settle(m, p)
		}
	}
}

// refund wants a transfer back: one that waits, or one that cannot go back.
func (c *modelCampus) refund(m *modelMember) {
	refused := slices.Clone(m.gone)
	if m.open != nil {
		refused = append(refused, m.open.taken...)
	}
	for _, r := range m.refunding {
		refused = append(refused, r.waiting)
	}
	if len(refused) > 0 && c.once(2) {
		w := refused[len(refused)-1-c.rng.IntN(min(3, len(refused)))] // the newest: in flight, if there is one
		if _, err := c.s.BeginRefund(c.ctx, m.ID, w.id, c.now); !errors.Is(err, ledger.ErrRefundRefused) {
			c.t.Fatalf("a refund of what does not wait: %v", err)
		}
		return
	}
	if len(m.pending) == 0 {
		return
	}
	i := c.rng.IntN(len(m.pending))
	w := m.pending[i]
	stranger := c.all[(slices.Index(c.all, m)+1)%len(c.all)]
	if _, err := c.s.BeginRefund(c.ctx, stranger.ID, w.id, c.now); !errors.Is(err, ledger.ErrNotFound) {
		c.t.Fatalf("a refund of somebody else's money: %v", err)
	}
	if !w.paid {
		if _, err := c.s.BeginRefund(c.ctx, m.ID, w.id, c.now); !errors.Is(err, ledger.ErrRefundRefused) {
			c.t.Fatalf("a refund of what nobody paid: %v", err)
		}
		return
	}
	got, err := c.s.BeginRefund(c.ctx, m.ID, w.id, c.now)
	if err != nil || got.Amount != w.fen || got.State != ledger.RefundWanted {
		c.t.Fatalf("begin a refund: %+v, %v", got, err)
	}
	m.pending = slices.Delete(m.pending, i, i+1)
	words := [][]string{{"PROCESSING", "SUCCESS"}, {"PROCESSING", "CLOSED"}, {"PROCESSING", "ABNORMAL", "SUCCESS"}, {"SUCCESS"}}
	m.refunding = append(m.refunding, &modelRefund{w, got, words[c.rng.IntN(len(words))]})
}

// hear is WeChat Pay's next word about a refund: it may be lost, come twice,
// be false, or be old news.
func (c *modelCampus) hear(m *modelMember) {
	if len(m.refunded) > 0 && c.once(3) {
		r := m.refunded[c.rng.IntN(len(m.refunded))]
		status := []string{"PROCESSING", r.words[0]}[c.rng.IntN(2)]
		if _, err := c.s.SettleRefund(c.ctx, word(r.Refund, status), c.now); err != nil {
			c.t.Fatalf("old news of a refund: %v", err)
		}
		return
	}
	if len(m.refunding) == 0 {
		return
	}
	r := m.refunding[c.rng.IntN(len(m.refunding))]
	if c.once(5) {
		bad := word(r.Refund, "SUCCESS")
		bad.Amount--
		var wrong *ledger.MismatchError
		if _, err := c.s.SettleRefund(c.ctx, bad, c.now); !errors.As(err, &wrong) || wrong.Field != "amount" {
			c.t.Fatalf("a refund of another amount: %v", err)
		}
		c.cases["refund_mismatch "+r.OutRefundNo+":amount"] = true
	}
	if len(r.words) > 1 && c.once(4) {
		r.words = r.words[1:] // this word is lost
	}
	c.told(m, r)
	if len(r.words) > 1 {
		r.words = r.words[1:]
	}
}

// told delivers a refund's next word.
func (c *modelCampus) told(m *modelMember, r *modelRefund) {
	status := r.words[0]
	for range 1 + c.rng.IntN(2) {
		if _, err := c.s.SettleRefund(c.ctx, word(r.Refund, status), c.now); err != nil {
			c.t.Fatalf("a refund is %s: %v", status, err)
		}
	}
	if status == "SUCCESS" || status == "CLOSED" { // what was said of an earlier one of the payment is over
		maps.DeleteFunc(c.cases, func(name string, _ bool) bool {
			return strings.HasPrefix(name, "refund_closed ") && strings.HasSuffix(name, "-"+r.OutTradeNo)
		})
	}
	switch status {
	case "SUCCESS":
		m.gone = append(m.gone, r.waiting)
		m.states[r.id] = ledger.TransferRefunded
	case "CLOSED":
		m.wait(r.waiting)
		c.cases["refund_closed "+r.OutRefundNo] = true
	default:
		return
	}
	m.refunding = slices.DeleteFunc(m.refunding, func(o *modelRefund) bool { return o == r })
	m.refunded = append(m.refunded, r)
}

// pollRefunds asks WeChat Pay about every refund under way and hears its last
// word.
func (c *modelCampus) pollRefunds() {
	due, err := c.s.DueRefunds(c.ctx, c.now, math.MaxInt32)
	if err != nil {
		c.t.Fatal(err)
	}
	asked := map[string]bool{}
	for _, r := range due {
		asked[r.OutRefundNo] = true
	}
	for _, m := range c.all {
		for _, r := range slices.Clone(m.refunding) {
			if !asked[r.OutRefundNo] {
				c.t.Fatalf("nobody would ask about the refund %s", r.OutRefundNo)
			}
			r.words = r.words[len(r.words)-1:]
			c.told(m, r)
		}
	}
}

// grant gives a subsidy, once however often the batch runs.
func (c *modelCampus) grant(m *modelMember) {
	c.n++
	g := ledger.Subsidy{Batch: fmt.Sprintf("%s-%d", m.StudentNo, c.n), StudentNo: m.StudentNo, Title: "补助", Amount: ledger.Fen(100 * (1 + c.rng.IntN(50)))}
	if got, err := c.s.GrantSubsidy(c.ctx, g, c.now, true); err != nil || got.Repeat {
		c.t.Fatalf("a grant tried out: %+v, %v", got, err)
	}
	for i := range 1 + c.rng.IntN(2) {
		if got, err := c.s.GrantSubsidy(c.ctx, g, c.now, false); err != nil || got.PersonID != m.ID || got.Repeat != (i > 0) {
			c.t.Fatalf("a grant: %+v, %v", got, err)
		}
	}
	other := g
	other.Amount++
	var conflict *ledger.GrantConflictError
	if _, err := c.s.GrantSubsidy(c.ctx, other, c.now, false); !errors.As(err, &conflict) {
		c.t.Fatalf("a grant of another amount: %v", err)
	}
	list, err := c.s.Transfers(c.ctx, m.ID, 1, c.now)
	if err != nil || len(list) != 1 || list[0].Amount != g.Amount {
		c.t.Fatalf("the newest transfer is %+v, %v", list, err)
	}
	m.wait(waiting{list[0].ID, g.Amount, c.n, false})
	c.now = c.now.Add(time.Millisecond)
}

// correct reverses a purchase, or a part of it, once.
func (c *modelCampus) correct(k *modelTill) {
	i := slices.IndexFunc(k.out, func(s modelSale) bool { return s.known && !s.corrected })
	if i < 0 {
		return
	}
	sale := &k.out[i]
	r := ledger.Correction{TerminalID: k.id, Seq: sale.record.Seq, Amount: sale.record.Amount + 1}
	if _, err := c.s.CorrectPurchase(c.ctx, r, c.now); !errors.Is(err, ledger.ErrCorrectionTooLarge) {
		c.t.Fatalf("more than the purchase is reversed: %v", err)
	}
	r.Amount = ledger.Fen(c.rng.Int64N(int64(sale.record.Amount))) // 0 is all of it
	want := r.Amount
	if want == 0 {
		want = sale.record.Amount
	}
	got, err := c.s.CorrectPurchase(c.ctx, r, c.now)
	if err != nil || got.Amount != want {
		c.t.Fatalf("a correction: %+v, %v; want %v", got, err, want)
	}
	sale.corrected = true
	c.n++
	sale.who.wait(waiting{got.Transfer.ID, want, c.n, false})
	c.now = c.now.Add(time.Millisecond)
	if _, err := c.s.CorrectPurchase(c.ctx, r, c.now); !errors.Is(err, ledger.ErrCorrected) {
		c.t.Fatalf("the same correction again: %v", err)
	}
}
