package pay_test

import (
	"context"
	"slices"
	"strings"
	"time"

	"xiaoka/ledger"
)

// The refunds of the books in memory.

func (b *books) startRefund(a *ledger.Attempt, transferID string, now time.Time) *ledger.Refund {
	r := &ledger.Refund{OutRefundNo: ledger.RefundNo(a.OutTradeNo, 1), OutTradeNo: a.OutTradeNo, OrderNo: a.OrderNo, N: 1, TransferID: transferID,
		PersonID: a.PersonID, Amount: a.Amount, Paid: a.Amount, State: ledger.RefundWanted, WxTransactionID: a.WxTransactionID, CreatedAt: now}
	b.refunds[r.OutRefundNo], b.nextAt[r.OutRefundNo] = r, now
	return r
}

// begin is what the page's button does.
func (b *books) begin(orderNo string, now time.Time) ledger.Refund {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.startRefund(b.find(orderNo), "T"+orderNo, now)
}

func (b *books) refundState(number string) ledger.RefundState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.refunds[number]; r != nil {
		return r.State
	}
	return "none"
}

func (b *books) Refund(_ context.Context, number string) (ledger.Refund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if r := b.refunds[number]; r != nil {
		return *r, nil
	}
	return ledger.Refund{}, ledger.ErrUnknownRefund
}

func (b *books) DueRefunds(_ context.Context, now time.Time, limit int) (found []ledger.Refund, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for no, r := range b.refunds {
		if !r.Final() && !b.nextAt[no].After(now) {
			found = append(found, *r)
		}
	}
	slices.SortFunc(found, func(x, y ledger.Refund) int { return strings.Compare(x.OutRefundNo, y.OutRefundNo) })
	return found[:min(limit, len(found))], nil
}

func (b *books) DeferRefund(_ context.Context, number string, until time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.refunds[number].Tries++
	b.nextAt[number] = until
	return nil
}

func (b *books) SettleRefund(_ context.Context, w ledger.WxRefund, _ time.Time) (ledger.Refund, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return ledger.Refund{}, b.fail
	}
	r := b.refunds[w.OutRefundNo]
	switch {
	case r == nil:
		return ledger.Refund{}, ledger.ErrUnknownRefund
	case w.Amount != r.Amount || w.Total != r.Paid || w.OutTradeNo != r.OutTradeNo || w.WxTransactionID != r.WxTransactionID:
		b.cases["refund_mismatch"+w.OutRefundNo] = ledger.Case{Kind: "refund_mismatch", Ref: w.OutRefundNo}
		return ledger.Refund{}, &ledger.MismatchError{Field: "amount"}
	case r.Final():
		return *r, nil
	}
	r.State = map[string]ledger.RefundState{"PROCESSING": ledger.RefundProcessing, "SUCCESS": ledger.RefundDone,
		"ABNORMAL": ledger.RefundAbnormal, "CLOSED": ledger.RefundClosed}[w.Status]
	if r.State == ledger.RefundDone {
		b.find(r.OutTradeNo).State = ledger.AttemptRefunded
	}
	r.WxRefundID = w.WxRefundID
	if !w.CreateTime.IsZero() {
		r.AcceptedAt = w.CreateTime
	}
	return *r, nil
}

func (b *books) AdoptRefund(ctx context.Context, w ledger.WxRefund, now time.Time) (ledger.Refund, error) {
	b.mu.Lock()
	a := b.find(w.OutTradeNo)
	if a == nil {
		b.mu.Unlock()
		return ledger.Refund{}, ledger.ErrUnknownOrder
	}
	if a.State != ledger.AttemptPaid && a.State != ledger.AttemptRefunded {
		b.mu.Unlock()
		return ledger.Refund{}, ledger.ErrConflict
	}
	b.cases["platform_refund"+w.OutRefundNo] = ledger.Case{Kind: "platform_refund", Ref: w.OutRefundNo}
	for _, r := range b.refunds {
		if r.OutTradeNo == w.OutTradeNo && r.State != ledger.RefundClosed {
			b.mu.Unlock()
			return ledger.Refund{}, ledger.ErrRefundRefused
		}
	}
	r := b.startRefund(a, "T"+a.OrderNo, now)
	delete(b.refunds, r.OutRefundNo)
	r.OutRefundNo, r.Amount = w.OutRefundNo, w.Amount
	b.refunds[w.OutRefundNo], b.nextAt[w.OutRefundNo] = r, now
	b.mu.Unlock()
	return b.SettleRefund(ctx, w, now)
}

func (b *books) PaidBetween(_ context.Context, from, to time.Time) (found []ledger.PaidAttempt, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if at := b.paidAt[a.OutTradeNo]; !at.IsZero() && !at.Before(from) && at.Before(to) {
			found = append(found, ledger.PaidAttempt{OutTradeNo: a.OutTradeNo, OrderNo: a.OrderNo, WxTransactionID: a.WxTransactionID,
				AppID: a.AppID, Amount: a.Amount, PaidAt: at})
		}
	}
	return found, nil
}

func (b *books) RefundsBetween(_ context.Context, from, to time.Time) (found []ledger.Refund, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, r := range b.refunds {
		if !r.AcceptedAt.IsZero() && !r.AcceptedAt.Before(from) && r.AcceptedAt.Before(to) {
			found = append(found, *r)
		}
	}
	return found, nil
}
