package pay

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"xiaoka/ledger"
)

// word is what WeChat Pay says about a number.
type word int

const (
	wordUnpaid  word = iota // ordered, payable or expired, not closed
	wordPaid                // and now in the books
	wordClosed              // for good
	wordMissing             // never heard of; right after an order call that can be a delay
)

// Limits of one round of questions.
const (
	pollBatch       = 1000
	pollConcurrency = 4
	pollGiveUp      = 8 // calls without an answer in one round: WeChat Pay is down, the next round will see
)

// Poll asks WeChat Pay about open attempts, settles what is paid and closes
// what is past its time. It is the body of a periodic job, meant for every 30
// seconds on one replica; an overlapping call returns at once. A payment whose
// notification is lost is settled within two minutes.
//
// A young attempt is asked about in each round, an older one every 90 seconds,
// an expired one in each round until it is closed, and every ten minutes once
// that has failed for long.
func (m *Merchant) Poll(ctx context.Context) error {
	if !m.polling.TryLock() {
		return nil
	}
	defer m.polling.Unlock()
	now, last := m.cfg.Now(), m.lastPoll
	m.lastPoll = now

	open, err := m.cfg.Store.OpenAttempts(ctx, now.Add(-5*time.Second), pollBatch)
	if err != nil {
		return fmt.Errorf("open attempts: %w", err)
	}
	if len(open) == pollBatch {
		m.cfg.Log.WarnContext(ctx, "more open attempts than one round asks about", "batch", pollBatch)
	}
	var g errgroup.Group
	g.SetLimit(pollConcurrency)
	var silent atomic.Int32
	for _, a := range open {
		if !due(a, now, last) {
			continue
		}
		g.Go(func() error {
			if ctx.Err() != nil || silent.Load() >= pollGiveUp {
				return nil
			}
			err := m.visit(ctx, a)
			if failed(err, unknownResult, busy) {
				silent.Add(1)
			}
			if err != nil {
				m.cfg.Log.WarnContext(ctx, "attempt not settled yet", "attempt", a.OutTradeNo, "err", err)
			}
			return nil
		})
	}
	_ = g.Wait() // every failure is logged and met again in the next round
	return ctx.Err()
}

// due tells whether a round at now, the one before it having been at last,
// asks about the attempt.
func due(a ledger.Attempt, now, last time.Time) bool {
	crosses := func(since time.Time, step time.Duration) bool {
		return now.Sub(since)/step != last.Sub(since)/step
	}
	switch {
	case a.State == ledger.AttemptClosing || !now.Before(a.ExpiresAt):
		return now.Sub(a.ExpiresAt) < 10*time.Minute || crosses(a.ExpiresAt, 10*time.Minute)
	case now.Sub(a.CreatedAt) < 2*time.Minute:
		return true
	}
	return crosses(a.CreatedAt, 90*time.Second)
}

// visit asks about one attempt and ends it if its time has come.
func (m *Merchant) visit(ctx context.Context, a ledger.Attempt) error {
	expired := !m.cfg.Now().Before(a.ExpiresAt)
	if a.State != ledger.AttemptClosing && !expired {
		_, err := m.ask(ctx, a)
		return err
	}
	w, err := m.endAttempt(ctx, a)
	if err != nil || w != wordClosed || !expired {
		return err
	}
	return m.closeOrder(ctx, a.OrderNo)
}

// Ask asks WeChat Pay about an unpaid order now, for a page that waits for its
// payment; read the order again afterwards. Calls for one order within five
// seconds of the last are answered without asking.
func (m *Merchant) Ask(ctx context.Context, o ledger.Order) error {
	if o.State != ledger.OrderCreated || !m.asked.pass(o.OutTradeNo, m.cfg.Now()) {
		return nil
	}
	if !m.cfg.Now().Before(o.ExpiresAt) {
		if err := m.endOrder(ctx, o); err != nil && err != error(ErrPaid) && err != error(ErrPaying) {
			return err
		}
		return nil
	}
	attempts, err := m.cfg.Store.Attempts(ctx, o.OutTradeNo)
	if err != nil {
		return fmt.Errorf("attempts of %s: %w", o.OutTradeNo, err)
	}
	for _, a := range attempts {
		if unsettled(a) {
			if _, err := m.ask(ctx, a); err != nil {
				return m.tell(ctx, a, err)
			}
		}
	}
	return nil
}

func unsettled(a ledger.Attempt) bool {
	return a.State == ledger.AttemptCreated || a.State == ledger.AttemptOpen || a.State == ledger.AttemptClosing
}

// endOrder closes an expired order with every number it still has.
func (m *Merchant) endOrder(ctx context.Context, o ledger.Order) error {
	attempts, err := m.cfg.Store.Attempts(ctx, o.OutTradeNo)
	if err != nil {
		return fmt.Errorf("attempts of %s: %w", o.OutTradeNo, err)
	}
	for _, a := range attempts {
		if unsettled(a) {
			if err := m.giveUp(ctx, a); err != nil {
				return err
			}
		}
	}
	return m.closeOrder(ctx, o.OutTradeNo)
}

func (m *Merchant) closeOrder(ctx context.Context, orderNo string) error {
	if err := m.cfg.Store.CloseOrder(ctx, orderNo, m.cfg.Now()); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return fmt.Errorf("close order %s: %w", orderNo, err)
	}
	return nil
}

// ask queries one attempt and brings a payment into the books.
func (m *Merchant) ask(ctx context.Context, a ledger.Attempt) (word, error) {
	t, err := m.query(ctx, a.OutTradeNo)
	if failed(err, notFound) {
		return wordMissing, nil
	}
	if err != nil {
		return wordUnpaid, err
	}
	p := payment(t, "query")
	switch p.TradeState {
	case tradeSuccess:
		_, err := m.settle(ctx, p)
		return wordPaid, err
	case "CLOSED":
		return wordClosed, nil
	case "REFUND":
		// It was paid, and sent back by hand before we knew of it: no money to
		// credit that a program could be sure of.
		return wordClosed, m.record(ctx, "refunded_elsewhere", p, "paid and refunded before it was credited")
	case "NOTPAY":
		return wordUnpaid, nil
	}
	m.cfg.Log.WarnContext(ctx, "unexpected trade state", "attempt", a.OutTradeNo, "trade_state", p.TradeState)
	return wordUnpaid, nil
}

// endAttempt ends one attempt in the order that loses no payment
// (https://pay.weixin.qq.com/doc/v3/merchant/4012075249): say so in our books,
// so that nothing payable is handed out any more; query; close; query again.
// Only WeChat Pay's second word makes it closed here.
func (m *Merchant) endAttempt(ctx context.Context, a ledger.Attempt) (word, error) {
	if a.State != ledger.AttemptClosing {
		if err := m.cfg.Store.MarkAttempt(ctx, a.OutTradeNo, ledger.AttemptClosing, m.cfg.Now()); err != nil {
			return wordUnpaid, fmt.Errorf("mark %s closing: %w", a.OutTradeNo, err)
		}
	}
	w, err := m.ask(ctx, a)
	if err != nil || w == wordPaid {
		return w, err
	}
	if w != wordClosed {
		err := m.closeNumber(ctx, a.OutTradeNo)
		if failed(err, userPaying, busy) {
			return wordUnpaid, nil
		}
		if err != nil && !failed(err, alreadyPaid, alreadyClosed) {
			return wordUnpaid, err
		}
		closed := err == nil || failed(err, alreadyClosed)
		if w, err = m.ask(ctx, a); err != nil || w == wordPaid {
			return w, err
		}
		// A number that was never ordered stays unknown; the close has burnt it.
		if w == wordMissing && closed && a.PrepayID == "" && a.CodeURL == "" {
			w = wordClosed
		}
	}
	if w != wordClosed {
		return wordUnpaid, nil
	}
	if err := m.cfg.Store.MarkAttempt(ctx, a.OutTradeNo, ledger.AttemptClosed, m.cfg.Now()); err != nil {
		return wordUnpaid, fmt.Errorf("mark %s closed: %w", a.OutTradeNo, err)
	}
	return wordClosed, nil
}

// throttle remembers when keys last passed, in fixed space: two keys that meet
// in a slot only make one of them wait.
type throttle struct{ slots [1024]atomic.Int64 }

var throttleSeed = maphash.MakeSeed()

func (t *throttle) pass(key string, now time.Time) bool {
	slot := &t.slots[maphash.String(throttleSeed, key)%uint64(len(t.slots))]
	last := slot.Load()
	return now.UnixNano()-last >= int64(5*time.Second) && slot.CompareAndSwap(last, now.UnixNano())
}
