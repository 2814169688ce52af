package store_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"xiaoka/ledger"
)

// rush has everybody pay, tap and confirm in the same moment, each at two
// places at once. What comes together may share a transaction; each is answered
// as if it had come alone.
func (c *modelCampus) rush() {
	c.paidAtOnce()
	c.confirmedAtOnce(c.tappedAtOnce())
	if c.once(3) {
		c.replacedAtOnce()
	}
	for _, m := range c.all {
		c.compare(m)
	}
}

func together(acts []func()) {
	var all sync.WaitGroup
	for _, act := range acts {
		all.Go(act)
	}
	all.Wait()
}

// paidAtOnce delivers every notification that is still out twice, and once
// with another amount.
func (c *modelCampus) paidAtOnce() {
	type told struct {
		m    *modelMember
		p    ledger.Payment
		now  time.Time
		got  [3]ledger.Settlement
		errs [3]error
	}
	var all []*told
	var acts []func()
	for _, m := range c.all {
		for _, p := range m.unpaid {
			w := &told{m: m, p: p, now: c.now}
			c.now = c.now.Add(time.Millisecond)
			all = append(all, w)
			for i := range w.got {
				p := p
				if i == 2 {
					p.Total++
				}
				acts = append(acts, func() { w.got[i], w.errs[i] = c.s.SettleTopUp(c.ctx, p, w.now) })
			}
		}
		m.unpaid = nil
	}
	together(acts)
	for _, w := range all {
		var wrong *ledger.MismatchError
		if !errors.As(w.errs[2], &wrong) || wrong.Field != "amount" {
			c.t.Fatalf("another amount at the same moment: %v", w.errs[2])
		}
		c.cases[fmt.Sprintf("payment_mismatch %s:amount:%s", w.p.OutTradeNo, w.p.WxTransactionID)] = true
		first := w.got[0]
		if first.Repeat {
			first = w.got[1]
		}
		if err := errors.Join(w.errs[:2]...); err != nil || w.got[0].Repeat == w.got[1].Repeat || first.Order.OutTradeNo != w.p.OutTradeNo || first.Transfer.Amount != w.p.Total {
			c.t.Fatalf("notified twice at once: %+v, %v", w.got, err)
		}
		c.n++
		w.m.wait(waiting{first.Transfer.ID, w.p.Total, c.n, true})
		w.m.settled = append(w.m.settled, w.p)
	}
}

// taps are a card at two machines, while its holder may want money back.
type taps struct {
	m        *modelMember
	asks     [2]ledger.ClaimRequest
	got      [2]ledger.Claim
	errs     [2]error
	back     *waiting
	refund   ledger.Refund
	refunded error
}

// tappedAtOnce shows every card to two machines, while some holders want their
// oldest money back. It returns those who got a claim.
func (c *modelCampus) tappedAtOnce() (given []*modelMember) {
	var all []*taps
	var acts []func()
	for _, m := range c.all {
		if m.open != nil {
			continue
		}
		c.look(m, "")
		w := &taps{m: m}
		all = append(all, w)
		for i := range w.asks {
			w.asks[i] = c.ask(m, kiosks[i], m.chip)
			acts = append(acts, func() { w.got[i], w.errs[i] = c.s.Authorise(c.ctx, w.asks[i]) })
		}
		if i := slices.IndexFunc(m.pending, func(w waiting) bool { return w.paid }); i >= 0 && c.once(3) {
			w.back = &m.pending[i]
			acts = append(acts, func() { w.refund, w.refunded = c.s.BeginRefund(c.ctx, m.ID, w.back.id, c.now) })
		}
	}
	together(acts)
	for _, w := range all {
		if c.tapped(w) {
			given = append(given, w.m)
		}
	}
	return given
}

// tapped: the refund and the two claims came in some order, on which their
// answers must agree: a claim was given, or none.
func (c *modelCampus) tapped(w *taps) bool {
	m := w.m
	_, _, before := m.due()
	if w.back != nil && w.refunded == nil {
		back := *w.back
		m.pending = slices.DeleteFunc(slices.Clone(m.pending), func(p waiting) bool { return p.id == back.id })
		m.refunding = append(m.refunding, &modelRefund{back, w.refund, []string{"PROCESSING", "SUCCESS"}})
	}
	taken, left, after := m.due()
	if after != nil {
		for _, err := range w.errs {
			if !errors.Is(err, after) && (before == nil || !errors.Is(err, before)) {
				c.t.Fatalf("two taps at once: %v, want %v", w.errs, after)
			}
		}
		if w.refunded != nil {
			c.t.Fatalf("a refund beside two taps in vain: %v", w.refunded)
		}
		return false
	}
	won := slices.Index(w.errs[:], nil)
	if won < 0 || !errors.Is(w.errs[1-won], ledger.ErrClaimInProgress) || w.got[won].CardNo != m.CardNo || w.got[won].Amount != sum(taken) {
		c.t.Fatalf("two taps at once: %+v, %v; want %v once", w.got, w.errs, sum(taken))
	}
	if w.refunded != nil && (!errors.Is(w.refunded, ledger.ErrRefundRefused) || !slices.ContainsFunc(taken, func(t waiting) bool { return t.id == w.back.id })) {
		c.t.Fatalf("a refund beside two taps: %v", w.refunded)
	}
	m.hold(w.got[won].ID, w.asks[won], taken, left)
	return true
}

// confirmedAtOnce writes most of the chips that may be, and has each write told
// twice by its machine and once by another.
func (c *modelCampus) confirmedAtOnce(given []*modelMember) {
	var acts []func()
	for _, m := range given {
		if c.once(4) {
			continue
		}
		if slices.ContainsFunc(m.visits, func(v modelClaim) bool { return v.id == m.open.id }) {
			continue // its machine gave up and will say so
		}
		m.write()
		id, own, chip, now := m.open.id, m.open.terminal, m.chip, c.now
		confirm := func() {
			if got, err := c.s.ConfirmClaim(c.ctx, own, id, chip, now); err != nil || got.State != ledger.ClaimClaimed || got.CardNo != m.CardNo {
				c.t.Errorf("confirmed twice at once: %+v, %v", got, err)
			}
		}
		other := kiosks[(slices.Index(kiosks, own)+1)%len(kiosks)]
		acts = append(acts, confirm, confirm, func() {
			if _, err := c.s.ConfirmClaim(c.ctx, other, id, chip, now); !errors.Is(err, ledger.ErrClaimNotFound) {
				c.t.Errorf("confirmed by another terminal: %v", err)
			}
		})
		m.post()
	}
	together(acts)
	if c.t.Failed() {
		c.t.FailNow()
	}
}
