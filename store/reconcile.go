package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// PaidBetween lists what was paid from (inclusive) to to (exclusive) by WeChat
// Pay's clock: the day as its bill counts it.
func (s *Store) PaidBetween(ctx context.Context, from, to time.Time) ([]ledger.PaidAttempt, error) {
	var found []struct {
		OutTradeNo      string
		OrderNo         string
		WxTransactionID string
		AppID           string
		AmountFen       int64
		PaidAt          int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT out_trade_no, order_no, wx_transaction_id, app_id, COALESCE(paid_fen, amount_fen) AS amount_fen, paid_at FROM attempts
		WHERE paid_at >= ? AND paid_at < ? ORDER BY paid_at, out_trade_no`, micros(from), micros(to)).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("read the day's payments: %w", err)
	}
	out := make([]ledger.PaidAttempt, len(found))
	for i, f := range found {
		out[i] = ledger.PaidAttempt{OutTradeNo: f.OutTradeNo, OrderNo: f.OrderNo, WxTransactionID: f.WxTransactionID, AppID: f.AppID,
			Amount: ledger.Fen(f.AmountFen), PaidAt: timeOf(f.PaidAt)}
	}
	return out, nil
}

// RefundsBetween lists refunds that WeChat Pay accepted from (inclusive) to
// to (exclusive).
func (s *Store) RefundsBetween(ctx context.Context, from, to time.Time) ([]ledger.Refund, error) {
	return readRefunds(s.db.WithContext(ctx), "WHERE r.accepted_at >= ? AND r.accepted_at < ? ORDER BY r.accepted_at, r.out_refund_no", micros(from), micros(to))
}

// AdoptRefund takes a refund that was made on the merchant platform, and not
// by us, into the books, so that its money can be loaded on no chip: the
// transfer is held and, for a refund in full, ends refunded. It is recorded as
// a case in any event, and that is all for money that has moved on:
// ErrRefundRefused. ErrConflict when the payment itself is not in the books
// yet, or its money is being written to a card: the same word must be heard
// again after it. ErrUnknownOrder when the payment is not ours.
func (s *Store) AdoptRefund(ctx context.Context, w ledger.WxRefund, now time.Time) (ledger.Refund, error) {
	c := ledger.Case{Kind: "platform_refund", Ref: w.OutRefundNo, At: now,
		Detail: fmt.Sprintf("%s of payment %s were refunded on the merchant platform; the books follow", w.Amount, w.OutTradeNo)}
	var done ledger.Refund
	err := s.tx(ctx, func(tx *gorm.DB) error {
		a, o, err := lockPayment(tx, w.OutTradeNo)
		if err != nil {
			return err
		}
		switch ledger.AttemptState(a.State) {
		case ledger.AttemptPaid:
		case ledger.AttemptRefunded:
			return ledger.ErrRefundRefused
		default:
			return ledger.ErrConflict
		}
		if deref(a.WxTransactionID) != w.WxTransactionID || a.paid() != int64(w.Total) ||
			w.Amount > w.Total || w.WxRefundID == "" || w.Status == "CLOSED" {
			return ledger.ErrRefundRefused
		}
		t, err := creditedBy(tx, a, o)
		if err != nil {
			return err
		}
		if t != nil && t.State == string(ledger.TransferInFlight) {
			return ledger.ErrConflict
		}
		r, err := startRefund(tx, a, t, refund{OutRefundNo: w.OutRefundNo, AmountFen: int64(w.Amount), State: string(ledger.RefundWanted)}, now)
		if err != nil {
			return err
		}
		if err := s.advance(ctx, tx, r, w, now); err != nil {
			return err
		}
		if done, err = oneRefund(tx, w.OutRefundNo); err != nil {
			return err
		}
		return errors.Join(recordOrderCase(tx, o.OutTradeNo, c),
			// It may be listed from when its payment was not known yet.
			write(tx, "tell of the adopted refund", `UPDATE cases SET detail = ? WHERE kind = ? AND ref = ? AND settled_at IS NULL`, c.Detail, c.Kind, c.Ref))
	})
	if conflict(err) {
		err = ledger.ErrRefundRefused // another refund of the payment is under way or done
	}
	if errors.Is(err, ledger.ErrRefundRefused) || errors.Is(err, ledger.ErrConflict) {
		c.Detail = fmt.Sprintf("%s of payment %s were refunded on the merchant platform, and the books do not have that money waiting", w.Amount, w.OutTradeNo)
		if recorded := s.RecordCase(ctx, c); recorded != nil {
			err = recorded
		}
	}
	return done, err
}

// creditedBy finds the transfer an attempt paid for; nil when the payment was
// one too many.
func creditedBy(tx *gorm.DB, a attempt, o order) (*transfer, error) {
	var found []transfer
	err := tx.Raw(selectTransfer+`JOIN postings p ON p.ref = 'topup:' || CAST(? AS TEXT) WHERE t.source_ref = ?`, a.OutTradeNo, o.OutTradeNo).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("find the payment's transfer: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}
