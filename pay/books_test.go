package pay_test

import (
	"context"
	"slices"
	"sync"
	"time"

	"xiaoka/ledger"
)

// books is a store in memory with the rules the real one keeps.
type books struct {
	mu       sync.Mutex
	orders   map[string]*ledger.Order
	attempts []*ledger.Attempt
	credits  map[string]int // by order
	cases    map[string]ledger.Case
	settled  []ledger.Payment
	paidAt   map[string]time.Time // by attempt
	refunds  map[string]*ledger.Refund
	nextAt   map[string]time.Time // of refunds
	fail     error                // of SettleTopUp
	days     []ledger.DayReport
	told     []string // operators
}

func newBooks() *books {
	return &books{orders: map[string]*ledger.Order{}, credits: map[string]int{}, cases: map[string]ledger.Case{},
		paidAt: map[string]time.Time{}, refunds: map[string]*ledger.Refund{}, nextAt: map[string]time.Time{}}
}

func (b *books) find(number string) *ledger.Attempt {
	for _, a := range b.attempts {
		if a.OutTradeNo == number {
			return a
		}
	}
	return nil
}

func (b *books) state(number string) ledger.AttemptState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a != nil {
		return a.State
	}
	return "none"
}

func (b *books) order(number string) ledger.Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.orders[number]
}

func (b *books) caseKinds() (kinds []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.cases {
		kinds = append(kinds, c.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

func (b *books) CreateOrder(_ context.Context, o ledger.Order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[o.OutTradeNo] = &o
	return nil
}

func (b *books) Attempts(_ context.Context, orderNo string) (found []ledger.Attempt, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.OrderNo == orderNo {
			found = append(found, *a)
		}
	}
	return found, nil
}

func (b *books) Attempt(_ context.Context, number string) (ledger.Attempt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a != nil {
		return *a, nil
	}
	return ledger.Attempt{}, ledger.ErrUnknownOrder
}

func (b *books) CreateAttempt(_ context.Context, a ledger.Attempt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.find(a.OutTradeNo) != nil {
		return ledger.ErrConflict
	}
	b.attempts = append(b.attempts, &a)
	return nil
}

func (b *books) SavePrepay(_ context.Context, number, prepayID, codeURL string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a.State == ledger.AttemptCreated || a.State == ledger.AttemptOpen {
		a.PrepayID, a.CodeURL, a.PrepaidAt, a.State = prepayID, codeURL, at, ledger.AttemptOpen
	}
	return nil
}

func (b *books) MarkAttempt(_ context.Context, number string, to ledger.AttemptState, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a.State != ledger.AttemptPaid && a.State != ledger.AttemptClosed {
		a.State = to
	}
	return nil
}

func (b *books) OpenAttempts(_ context.Context, before time.Time, limit int) (found []ledger.Attempt, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.State != ledger.AttemptPaid && a.State != ledger.AttemptClosed && !a.CreatedAt.After(before) && len(found) < limit {
			found = append(found, *a)
		}
	}
	return found, nil
}

func (b *books) CloseOrder(_ context.Context, orderNo string, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.OrderNo == orderNo && a.State != ledger.AttemptClosed {
			return nil
		}
	}
	if o := b.orders[orderNo]; o.State == ledger.OrderCreated {
		o.State = ledger.OrderClosed
	}
	return nil
}

func (b *books) SettleTopUp(_ context.Context, p ledger.Payment, now time.Time) (s ledger.Settlement, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return s, b.fail
	}
	a := b.find(p.OutTradeNo)
	if a == nil {
		return s, ledger.ErrUnknownOrder
	}
	field := ""
	switch {
	case p.Total != a.Amount:
		field = "amount"
	case p.Currency != "CNY":
		field = "currency"
	}
	if field != "" {
		b.cases["payment_mismatch"+p.WxTransactionID] = ledger.Case{Kind: "payment_mismatch", Ref: p.WxTransactionID}
		return s, &ledger.MismatchError{Field: field}
	}
	o := b.orders[a.OrderNo]
	s.Order = *o
	if a.State == ledger.AttemptPaid {
		s.Repeat = true
		return s, nil
	}
	a.State, a.WxTransactionID = ledger.AttemptPaid, p.WxTransactionID
	b.paidAt[a.OutTradeNo] = p.SuccessTime
	b.settled = append(b.settled, p)
	if o.State == ledger.OrderPaid {
		s.RefundDue = true
		b.startRefund(a, "", now)
		return s, nil
	}
	o.State, o.PaidAt = ledger.OrderPaid, p.SuccessTime
	b.credits[a.OrderNo]++
	return s, nil
}

func (b *books) RecordCase(_ context.Context, c ledger.Case) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cases[c.Kind+c.Ref] = c
	return nil
}
