package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A refund is wanted here, done at WeChat Pay, and booked when WeChat Pay says
// how it ended. The order's row is locked first in every act, then the
// transfer moves by a conditional update, which is where a refund and a claim
// of the same money meet: one of the two finds it gone. A unique index allows
// one refund of a payment that is not closed, and the number at WeChat Pay
// follows from the payment, so no payment goes back twice, whoever repeats.

type refund struct {
	OutRefundNo     string
	OutTradeNo      string
	N               int
	TransferID      *string
	PersonID        int64
	AmountFen       int64
	State           string
	WxRefundID      *string
	CreatedAt       int64
	AcceptedAt      *int64
	EndedAt         *int64
	Tries           int
	NextAt          int64
	OrderNo         string  `gorm:"->"`
	PaidFen         int64   `gorm:"->"`
	WxTransactionID *string `gorm:"->"`
}

func (r refund) ledger() ledger.Refund {
	return ledger.Refund{OutRefundNo: r.OutRefundNo, OutTradeNo: r.OutTradeNo, OrderNo: r.OrderNo, N: r.N, TransferID: deref(r.TransferID),
		PersonID: r.PersonID, Amount: ledger.Fen(r.AmountFen), Paid: ledger.Fen(r.PaidFen), State: ledger.RefundState(r.State),
		WxTransactionID: deref(r.WxTransactionID), WxRefundID: deref(r.WxRefundID), CreatedAt: timeOf(r.CreatedAt),
		AcceptedAt: timeOpt(r.AcceptedAt), EndedAt: timeOpt(r.EndedAt), Tries: r.Tries}
}

const selectRefund = `SELECT r.*, a.order_no, COALESCE(a.paid_fen, a.amount_fen) AS paid_fen, a.wx_transaction_id
	FROM refunds r JOIN attempts a ON a.out_trade_no = r.out_trade_no `

func readRefunds(tx *gorm.DB, where string, args ...any) ([]ledger.Refund, error) {
	var found []refund
	if err := tx.Raw(selectRefund+where, args...).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the refunds: %w", err)
	}
	out := make([]ledger.Refund, len(found))
	for i, r := range found {
		out[i] = r.ledger()
	}
	return out, nil
}

// Refund finds a refund by its number at WeChat Pay, or ErrUnknownRefund.
func (s *Store) Refund(ctx context.Context, outRefundNo string) (ledger.Refund, error) {
	return oneRefund(s.db.WithContext(ctx), outRefundNo)
}

func oneRefund(tx *gorm.DB, outRefundNo string) (ledger.Refund, error) {
	found, err := readRefunds(tx, "WHERE r.out_refund_no = ?", outRefundNo)
	if err == nil && len(found) == 0 {
		err = ledger.ErrUnknownRefund
	}
	if err != nil {
		return ledger.Refund{}, err
	}
	return found[0], nil
}

// DueRefunds lists refunds about which WeChat Pay is to be asked now, the
// longest waiting first.
func (s *Store) DueRefunds(ctx context.Context, now time.Time, limit int) ([]ledger.Refund, error) {
	return readRefunds(s.db.WithContext(ctx), `WHERE r.state IN ('wanted', 'processing', 'abnormal') AND r.next_at <= ?
		ORDER BY r.next_at, r.out_refund_no LIMIT ?`, micros(now), limit)
}

// DeferRefund notes that WeChat Pay was asked and when to ask again.
func (s *Store) DeferRefund(ctx context.Context, outRefundNo string, until time.Time) error {
	err := s.db.WithContext(ctx).Exec(`UPDATE refunds SET tries = tries + 1, next_at = ? WHERE out_refund_no = ?`, micros(until), outRefundNo).Error
	if err != nil {
		return fmt.Errorf("put the refund off: %w", err)
	}
	return nil
}

// BeginRefund takes a pending top-up of the person out of reach of every
// terminal and has it sent back to the payer: pending → refunding, in full.
// ErrNotFound for a transfer of anybody else, ErrRefundRefused for one that is
// not pending, not a top-up or too old.
func (s *Store) BeginRefund(ctx context.Context, personID int64, transferID string, now time.Time) (ledger.Refund, error) {
	var done ledger.Refund
	err := s.tx(ctx, func(tx *gorm.DB) error {
		var found []transfer
		if err := tx.Raw(selectTransfer+"WHERE t.id = ? AND t.person_id = ?", transferID, personID).Scan(&found).Error; err != nil {
			return fmt.Errorf("read the transfer: %w", err)
		}
		if len(found) == 0 {
			return ledger.ErrNotFound
		}
		t := found[0]
		if t.Kind != ledger.KindTopUp {
			return fmt.Errorf("%w: a %s was not paid by WeChat Pay", ledger.ErrRefundRefused, t.Kind)
		}
		o, a, err := lockCredited(tx, t.SourceRef)
		if err != nil {
			return err
		}
		if paidAt := timeOpt(o.PaidAt); now.Sub(paidAt) >= ledger.RefundLife {
			return fmt.Errorf("%w: it was paid on %s", ledger.ErrRefundRefused, paidAt.In(s.zone).Format(time.DateOnly))
		}
		done, err = startRefund(tx, a, &t, refund{AmountFen: a.AmountFen, State: string(ledger.RefundWanted)}, now)
		if err != nil {
			return err
		}
		return audit(tx, ledger.AuditEntry{At: now, Actor: "holder", Action: "refund_requested", PersonID: personID, Detail: done.OutRefundNo})
	})
	if conflict(err) {
		err = fmt.Errorf("%w: a refund of this payment is under way", ledger.ErrRefundRefused)
	}
	return done, err
}

// lockCredited locks an order and finds the attempt its transfer was paid by.
func lockCredited(tx *gorm.DB, orderNo string) (o order, a attempt, err error) {
	var orders []order
	if err := forUpdate(tx.Table("orders").Where("out_trade_no = ?", orderNo)).Scan(&orders).Error; err != nil {
		return o, a, fmt.Errorf("lock the order: %w", err)
	}
	var attempts []attempt
	err = tx.Raw(`SELECT a.* FROM attempts a JOIN postings p ON p.ref = 'topup:' || a.out_trade_no WHERE a.order_no = ?`, orderNo).Scan(&attempts).Error
	if err != nil {
		return o, a, fmt.Errorf("find the payment: %w", err)
	}
	if len(orders) != 1 || len(attempts) != 1 {
		return o, a, fmt.Errorf("order %s: %d orders, %d credited payments", orderNo, len(orders), len(attempts))
	}
	return orders[0], attempts[0], nil
}

// startRefund writes the row of an attempt's next refund; the order is locked.
// With a transfer its money is held: whoever comes second finds it not
// pending. The row's amount, state and, for a refund begun elsewhere, numbers
// are given.
func startRefund(tx *gorm.DB, a attempt, t *transfer, r refund, now time.Time) (ledger.Refund, error) {
	if err := tx.Raw(`SELECT COALESCE(MAX(n), 0) + 1 FROM refunds WHERE out_trade_no = ?`, a.OutTradeNo).Scan(&r.N).Error; err != nil {
		return ledger.Refund{}, fmt.Errorf("count the refunds: %w", err)
	}
	if r.OutRefundNo == "" {
		r.OutRefundNo = ledger.RefundNo(a.OutTradeNo, r.N)
	}
	r.OutTradeNo, r.PersonID, r.CreatedAt, r.NextAt = a.OutTradeNo, a.PersonID, micros(now), micros(now)
	if t != nil {
		r.TransferID = &t.ID
		u := tx.Exec(`UPDATE transfers SET state = 'refunding' WHERE id = ? AND state = 'pending'`, t.ID)
		switch {
		case u.Error != nil:
			return ledger.Refund{}, fmt.Errorf("hold the transfer: %w", u.Error)
		case u.RowsAffected == 0:
			return ledger.Refund{}, fmt.Errorf("%w: the transfer is not pending", ledger.ErrRefundRefused)
		}
		if err := book(tx, now, ledger.Posting{
			Ref:    "refund-hold:" + r.OutRefundNo,
			Debit:  ledger.Account{Kind: ledger.Pending, Owner: t.PersonID},
			Credit: ledger.Account{Kind: ledger.Refunding, Owner: t.PersonID},
			Amount: ledger.Fen(t.AmountFen),
		}); err != nil {
			return ledger.Refund{}, err
		}
	}
	if err := tx.Table("refunds").Create(&r).Error; err != nil {
		return ledger.Refund{}, fmt.Errorf("write the refund: %w", err)
	}
	return oneRefund(tx, r.OutRefundNo)
}

// SettleRefund takes WeChat Pay's verified word about a refund of ours and
// returns the refund as it is afterwards. SUCCESS books it, CLOSED gives the
// money back to the holder, each exactly once; a word that is older than what
// is known changes nothing. One that differs in amount or payment is recorded
// as a case and answered with *ledger.MismatchError; ErrUnknownRefund for a
// number that is not ours.
func (s *Store) SettleRefund(ctx context.Context, w ledger.WxRefund, now time.Time) (ledger.Refund, error) {
	var done ledger.Refund
	var refused error
	err := s.tx(ctx, func(tx *gorm.DB) error {
		r, err := lockRefund(tx, w.OutRefundNo)
		if err != nil {
			return err
		}
		if field := refundDiffers(r, w); field != "" {
			refused = &ledger.MismatchError{Field: field}
			return recordOrderCase(tx, r.OrderNo, ledger.Case{Kind: "refund_mismatch", Ref: w.OutRefundNo + ":" + field,
				Detail: "WeChat Pay's refund differs from ours in " + field, At: now})
		}
		if err := s.advance(ctx, tx, r, w, now); err != nil {
			return err
		}
		done, err = oneRefund(tx, w.OutRefundNo)
		return err
	})
	if conflict(err) {
		refused = &ledger.MismatchError{Field: "refund_id"}
		err = s.RecordCase(ctx, ledger.Case{Kind: "refund_mismatch", Ref: w.OutRefundNo + ":refund_id",
			Detail: "WeChat Pay's refund id belongs to another refund", At: now})
	}
	if err != nil {
		return ledger.Refund{}, err
	}
	return done, refused
}

func lockRefund(tx *gorm.DB, outRefundNo string) (ledger.Refund, error) {
	var orders []order
	err := forUpdate(tx.Table("orders").Where(`out_trade_no = (SELECT a.order_no FROM refunds r
		JOIN attempts a ON a.out_trade_no = r.out_trade_no WHERE r.out_refund_no = ?)`, outRefundNo)).Scan(&orders).Error
	if err != nil {
		return ledger.Refund{}, fmt.Errorf("lock the order: %w", err)
	}
	return oneRefund(tx, outRefundNo)
}

// refundDiffers names the first thing in which WeChat Pay's refund is not the
// one in the books.
func refundDiffers(r ledger.Refund, w ledger.WxRefund) string {
	switch {
	case w.OutTradeNo != r.OutTradeNo:
		return "out_trade_no"
	case w.WxTransactionID != r.WxTransactionID:
		return "transaction_id"
	case w.Amount != r.Amount:
		return "amount"
	case w.Total != r.Paid:
		return "total"
	case w.WxRefundID == "" || (r.WxRefundID != "" && w.WxRefundID != r.WxRefundID):
		return "refund_id"
	}
	return ""
}

// advance moves a locked refund as far as the word says.
func (s *Store) advance(ctx context.Context, tx *gorm.DB, r ledger.Refund, w ledger.WxRefund, now time.Time) error {
	switch {
	case r.State == ledger.RefundClosed && w.Status == "SUCCESS":
		return recordOrderCase(tx, r.OrderNo, ledger.Case{Kind: "refund_after_close", Ref: r.OutRefundNo, At: now,
			Detail: fmt.Sprintf("WeChat Pay closed this refund of %s and says now that it was paid out", r.Amount)})
	case r.Final():
		return nil
	}
	to := ledger.RefundState("")
	switch w.Status {
	case "PROCESSING":
		to = ledger.RefundProcessing
		if r.State == ledger.RefundAbnormal {
			to = ledger.RefundAbnormal
		}
	case "ABNORMAL":
		to = ledger.RefundAbnormal
	case "SUCCESS":
		to = ledger.RefundDone
	case "CLOSED":
		to = ledger.RefundClosed
	default:
		return fmt.Errorf("refund %s has the unknown status %q", r.OutRefundNo, w.Status)
	}
	if to == ledger.RefundDone && r.Amount != r.Paid {
		to = ledger.RefundAbnormal // a part came back; the rest is a person's to decide
	}
	err := tx.Exec(`UPDATE refunds SET state = ?, wx_refund_id = ?, accepted_at = COALESCE(?, accepted_at, ?), ended_at = ? WHERE out_refund_no = ?`,
		string(to), w.WxRefundID, optional(w.CreateTime), micros(now), endedAt(to, w, now), r.OutRefundNo).Error
	if err != nil {
		return fmt.Errorf("move the refund to %s: %w", to, err)
	}
	switch to {
	case ledger.RefundDone:
		return s.finishRefund(ctx, tx, r, w, now)
	case ledger.RefundClosed:
		return dropRefund(tx, r, now)
	case ledger.RefundAbnormal:
		detail := fmt.Sprintf("%s cannot be returned to the payer's account; act on the merchant platform", r.Amount)
		if r.Amount != r.Paid {
			detail = fmt.Sprintf("%s of %s were refunded on the merchant platform; the transfer is held", r.Amount, r.Paid)
		}
		return recordOrderCase(tx, r.OrderNo, ledger.Case{Kind: "refund_abnormal", Ref: r.OutRefundNo, Detail: detail, At: now})
	}
	return nil
}

func endedAt(to ledger.RefundState, w ledger.WxRefund, now time.Time) *int64 {
	switch {
	case to == ledger.RefundDone && !w.SuccessTime.IsZero():
		return optional(w.SuccessTime)
	case to == ledger.RefundDone || to == ledger.RefundClosed:
		return optional(now)
	}
	return nil
}

// finishRefund books money that is with the payer again.
func (s *Store) finishRefund(ctx context.Context, tx *gorm.DB, r ledger.Refund, w ledger.WxRefund, now time.Time) error {
	from := ledger.Account{Kind: ledger.Suspense}
	if r.TransferID != "" {
		from = ledger.Account{Kind: ledger.Refunding, Owner: r.PersonID}
	}
	if err := book(tx, now, ledger.Posting{Ref: "refund-post:" + r.OutRefundNo, Debit: from,
		Credit: ledger.Account{Kind: ledger.WxClearing}, Amount: r.Amount}); err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE attempts SET state = 'refunded' WHERE out_trade_no = ?`, r.OutTradeNo).Error; err != nil {
		return fmt.Errorf("mark the attempt refunded: %w", err)
	}
	if r.TransferID != "" {
		u := tx.Exec(`UPDATE transfers SET state = 'refunded', refunded_at = ? WHERE id = ? AND state = 'refunding'`, micros(now), r.TransferID)
		if u.Error != nil || u.RowsAffected != 1 {
			return errors.Join(fmt.Errorf("mark transfer %s refunded: %d rows", r.TransferID, u.RowsAffected), u.Error)
		}
		if err := tx.Exec(`UPDATE orders SET state = 'refunded' WHERE out_trade_no = ?`, r.OrderNo).Error; err != nil {
			return fmt.Errorf("mark the order refunded: %w", err)
		}
	}
	if err := settleRefundCases(tx, r, now); err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE cases SET settled_at = ? WHERE kind = 'paid_twice' AND ref = ? AND settled_at IS NULL`, micros(now), r.OutTradeNo).Error; err != nil {
		return fmt.Errorf("settle the second payment's case: %w", err)
	}
	at := w.SuccessTime
	if at.IsZero() {
		at = now
	}
	return s.push(tx, ledger.Event{Kind: ledger.EventRefunded, PersonID: r.PersonID, Amount: r.Amount, Ref: r.OrderNo, At: at})
}

// dropRefund ends a refund that did not happen: a transfer is claimable again,
// what nobody needed stays in suspense, and a person hears of it.
func dropRefund(tx *gorm.DB, r ledger.Refund, now time.Time) error {
	if r.TransferID != "" {
		u := tx.Exec(`UPDATE transfers SET state = 'pending' WHERE id = ? AND state = 'refunding'`, r.TransferID)
		if u.Error != nil || u.RowsAffected != 1 {
			return errors.Join(fmt.Errorf("give transfer %s back: %d rows", r.TransferID, u.RowsAffected), u.Error)
		}
		if err := book(tx, now, ledger.Posting{
			Ref:    "refund-void:" + r.OutRefundNo,
			Debit:  ledger.Account{Kind: ledger.Refunding, Owner: r.PersonID},
			Credit: ledger.Account{Kind: ledger.Pending, Owner: r.PersonID},
			Amount: r.Paid,
		}); err != nil {
			return err
		}
	}
	if err := settleRefundCases(tx, r, now); err != nil {
		return err
	}
	where := "is here again"
	if r.TransferID != "" {
		where = "waits for the holder again, to be collected or asked back"
	}
	return recordOrderCase(tx, r.OrderNo, ledger.Case{Kind: "refund_closed", Ref: r.OutRefundNo, At: now,
		Detail: fmt.Sprintf("WeChat Pay closed the refund of %s; the money %s", r.Amount, where)})
}

// settleRefundCases ends what a person was asked to watch while the refund was
// under way, and that an earlier one of the payment was closed: what became of
// the money is this one's to tell.
func settleRefundCases(tx *gorm.DB, r ledger.Refund, now time.Time) error {
	err := tx.Exec(`UPDATE cases SET settled_at = ? WHERE settled_at IS NULL AND ((kind LIKE 'refund%' AND ref = ?)
		OR (kind = 'refund_closed' AND ref IN (SELECT out_refund_no FROM refunds WHERE out_trade_no = ?)))`,
		micros(now), r.OutRefundNo, r.OutTradeNo).Error
	if err != nil {
		return fmt.Errorf("settle the refund's cases: %w", err)
	}
	return nil
}
