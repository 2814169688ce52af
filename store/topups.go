package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// paid is a payment and when it became known.
type paid struct {
	ledger.Payment
	now time.Time
}

// at is when it was paid, by WeChat Pay's word.
func (p paid) at() time.Time {
	if p.SuccessTime.IsZero() {
		return p.now
	}
	return p.SuccessTime
}

// topUp is a payment's place in the books.
type topUp struct {
	a attempt
	o order
}

// SettleTopUp credits a verified payment exactly once: the posting, the
// transfer, the order, the attempt and the push commit together. A payment
// that is not what we ordered is recorded as a case and answered with
// *ledger.MismatchError, an unknown number with ledger.ErrUnknownOrder;
// neither is credited. pay has compared merchant and application before.
func (s *Store) SettleTopUp(ctx context.Context, p ledger.Payment, now time.Time) (ledger.Settlement, error) {
	if done, ok := s.settling.do(ctx, paid{p, now}); ok {
		return done, nil
	}
	var done ledger.Settlement
	var refused error
	err := s.txAgain(ctx, func(tx *gorm.DB) error {
		a, o, err := lockPayment(tx, p.OutTradeNo)
		if err != nil {
			return err
		}
		done.Order = o.ledger()
		refused, err = s.settleLocked(tx, credit{topUp{a, o}, paid{p, now}, &done})
		return err
	})
	if conflict(err) {
		// The transaction id stands under another number.
		refused = &ledger.MismatchError{Field: "transaction_id"}
		err = s.RecordCase(ctx, ledger.Case{Kind: "payment_mismatch", Ref: ledger.MismatchRef(p.OutTradeNo, "transaction_id", p.WxTransactionID),
			Detail: "the transaction belongs to another number", At: now})
	}
	if err != nil {
		return ledger.Settlement{}, err
	}
	return done, refused
}

// settlePlain credits payments that are what was ordered, each the first one
// of its order.
func (s *Store) settlePlain(ctx context.Context, list []paid) ([]*ledger.Settlement, error) {
	done := make([]*ledger.Settlement, len(list))
	err := s.tx(ctx, func(tx *gorm.DB) error {
		if err := waitForNobody(tx); err != nil {
			return err
		}
		taken, err := takePayments(tx, list)
		if err != nil {
			return err
		}
		credits := make([]credit, 0, len(list))
		told := make(map[int64]bool, len(list)) // a second one of a person would have to count the first as waiting
		for i, p := range list {
			if t, ok := taken[p.OutTradeNo]; ok && differs(t.a, p.Payment) == "" && !otherwise(t.a, p.Payment) && !told[t.a.PersonID] {
				told[t.a.PersonID] = true
				done[i] = &ledger.Settlement{}
				credits = append(credits, credit{t, p, done[i]})
			}
		}
		if err := allPlain(done); err != nil {
			return err
		}
		return s.credit(tx, credits)
	})
	return done, err
}

// takePayments marks orders and attempts paid that were not, and reads what
// they were, by the attempts' numbers. Only those are returned of which both
// were marked, and of nobody to whom something else comes at this moment.
func takePayments(tx *gorm.DB, list []paid) (map[string]topUp, error) {
	var (
		numbers, transactions = make([]string, len(list)), make([]string, len(list))
		paidAt                = make([]int64, len(list))
		orders                = make(map[string]topUp, len(list))
		taken                 = make(map[string]topUp, len(list))
	)
	list = slices.SortedFunc(slices.Values(list), func(a, b paid) int { return strings.Compare(a.OutTradeNo, b.OutTradeNo) })
	for i, p := range list {
		numbers[i], transactions[i], paidAt[i] = p.OutTradeNo, p.WxTransactionID, micros(p.at())
	}
	err := errors.Join(
		ask(tx, "mark the order paid", func(r scanner) error {
			var t topUp
			err := r.Scan(t.fields()...)
			orders[t.a.OutTradeNo] = t
			return err
		}, `UPDATE orders o SET state = 'paid', paid_at = v.at FROM (SELECT v.*, o.out_trade_no FROM unnest(?::text[], ?::bigint[]) AS v (no, at)
				JOIN attempts a ON a.out_trade_no = v.no JOIN orders o ON o.out_trade_no = a.order_no AND o.state IN ('created', 'closed')
				JOIN people p ON p.id = o.person_id ORDER BY o.out_trade_no FOR NO KEY UPDATE OF o, p SKIP LOCKED) AS v JOIN attempts a ON a.out_trade_no = v.no
			WHERE o.out_trade_no = v.out_trade_no RETURNING `+topUpColumns, numbers, paidAt),
		ask(tx, "mark the attempt paid", func(r scanner) error {
			var no string
			var pending int64
			err := r.Scan(&no, &pending)
			if t, ok := orders[no]; ok {
				t.o.PendingFen = pending
				taken[no] = t
			}
			return err
		}, `UPDATE attempts a SET state = 'paid', wx_transaction_id = v.id, paid_at = v.at FROM unnest(?::text[], ?::text[], ?::bigint[]) AS v (no, id, at)
			WHERE a.out_trade_no = v.no AND a.state NOT IN ('paid', 'refunded') 
			RETURNING a.out_trade_no, (`+sumWaiting+` a.person_id)`, numbers, transactions, paidAt),
		flush(tx),
	)
	return taken, err
}

// sumWaiting is what waits for a person. It is right to tell once the person is
// locked by an earlier statement: whatever comes at the same moment waits.
const sumWaiting = `SELECT CAST(COALESCE(SUM(t.amount_fen), 0) AS BIGINT) FROM transfers t WHERE t.state = 'pending' AND t.person_id =`

// topUpColumns are what an act reads of a payment, fields where they go.
const topUpColumns = `o.out_trade_no, o.person_id, o.card_id, o.amount_fen, o.state, o.created_at, o.expires_at, o.paid_at,
	a.out_trade_no, a.order_no, a.n, a.person_id, a.amount_fen, a.channel, a.app_id, a.open_id, a.state, a.wx_transaction_id, a.paid_fen`

func (t *topUp) fields() []any {
	o, a := &t.o, &t.a
	return []any{&o.OutTradeNo, &o.PersonID, &o.CardID, &o.AmountFen, &o.State, &o.CreatedAt, &o.ExpiresAt, &o.PaidAt,
		&a.OutTradeNo, &a.OrderNo, &a.N, &a.PersonID, &a.AmountFen, &a.Channel, &a.AppID, &a.OpenID, &a.State, &a.WxTransactionID, &a.PaidFen}
}

// lockPayment locks an order, then its attempt, then the person, and reads them
// as they are once locked. ErrUnknownOrder.
func lockPayment(tx *gorm.DB, outTradeNo string) (attempt, order, error) {
	var t topUp
	err := errors.Join(
		ask(tx, "lock the payment", into(t.fields()...), `SELECT `+topUpColumns+`
			FROM orders o JOIN attempts a ON a.order_no = o.out_trade_no JOIN people p ON p.id = o.person_id
			WHERE a.out_trade_no = ? FOR NO KEY UPDATE`, outTradeNo),
		ask(tx, "sum what waits", into(&t.o.PendingFen), `SELECT (`+sumWaiting+` a.person_id) FROM attempts a WHERE a.out_trade_no = ?`, outTradeNo),
		flush(tx))
	if err == nil && t.a.OutTradeNo == "" {
		err = ledger.ErrUnknownOrder
	}
	return t.a, t.o, err
}

// settled tells of an order's or attempt's state whether its money has come.
func settled(state string) bool {
	return state == string(ledger.AttemptPaid) || state == string(ledger.AttemptRefunded)
}

// settleLocked decides what becomes of a payment whose order and attempt are locked.
func (s *Store) settleLocked(tx *gorm.DB, c credit) (refused, err error) {
	mismatch := func(field, how string) (refused, err error) {
		return &ledger.MismatchError{Field: field}, recordPaymentCase(tx, c, "payment_mismatch", ledger.MismatchRef(c.OutTradeNo, field, c.WxTransactionID), how)
	}
	if field := differs(c.a, c.Payment); field != "" {
		return mismatch(field, "differs from it in "+field)
	}
	if settled(c.a.State) {
		if deref(c.a.WxTransactionID) != c.WxTransactionID {
			return mismatch("transaction_id", "is a second one for the number "+c.OutTradeNo)
		}
		c.done.Repeat = true
		return nil, readTransfer(tx, c.done)
	}
	err = write(tx, "mark the attempt paid", `UPDATE attempts SET state = 'paid', wx_transaction_id = ?, paid_at = ? WHERE out_trade_no = ?`,
		c.WxTransactionID, micros(c.at()), c.a.OutTradeNo)
	if err != nil {
		return nil, err
	}
	if !settled(c.o.State) {
		if otherwise(c.a, c.Payment) {
			err = recordPaymentCase(tx, c, "trade_type", ledger.MismatchRef(c.OutTradeNo, "trade_type", c.WxTransactionID),
				fmt.Sprintf("was made by %q where %s was ordered, and is credited all the same", c.TradeType, c.a.Channel))
		}
		return nil, errors.Join(err,
			write(tx, "mark the order paid", `UPDATE orders SET state = 'paid', paid_at = ? WHERE out_trade_no = ?`, micros(c.at()), c.a.OrderNo),
			s.credit(tx, []credit{c}))
	}
	// Another attempt of this order was credited before: this money goes back,
	// sent by the same job as every refund.
	c.done.RefundDue = true
	if err := bookSurplus(tx, c.a.OutTradeNo, ledger.Fen(c.a.AmountFen), c.now); err != nil {
		return nil, err
	}
	if _, err := startRefund(tx, c.a, nil, refund{AmountFen: c.a.AmountFen, State: string(ledger.RefundWanted)}, c.now); err != nil {
		return nil, err
	}
	return nil, recordPaymentCase(tx, c, "paid_twice", c.a.OutTradeNo, "paid it again and goes back by itself")
}

// recordPaymentCase records what is wrong with a payment, how it reads after
// its transaction.
func recordPaymentCase(tx *gorm.DB, c credit, kind, ref, how string) error {
	detail := fmt.Sprintf("order %s of %s: transaction %s of %s %s", c.a.OrderNo, ledger.Fen(c.a.AmountFen), c.WxTransactionID, c.Total, how)
	return recordOrderCase(tx, c.a.OrderNo, ledger.Case{Kind: kind, Ref: ref, Detail: detail, At: c.now})
}

// differs names the first thing in which the payment is not what was ordered.
func differs(a attempt, p ledger.Payment) string {
	switch {
	case p.TradeState != "SUCCESS":
		return "trade_state"
	case p.Currency != "CNY":
		return "currency"
	case int64(p.Total) != a.AmountFen:
		return "amount"
	case p.AppID != a.AppID:
		return "appid"
	case p.WxTransactionID == "":
		return "transaction_id"
	case a.Channel == string(ledger.JSAPI) && p.OpenID != "" && p.OpenID != a.OpenID:
		return "payer" // a QR may be scanned by anybody, a JSAPI order belongs to one payer
	}
	return ""
}

// otherwise tells whether the payment was made in another way than ordered. It
// is our money all the same, and credited; a person should know how it came.
// https://pay.weixin.qq.com/doc/v3/merchant/4012556352
func otherwise(a attempt, p ledger.Payment) bool {
	return p.TradeType != "" && !strings.EqualFold(p.TradeType, a.Channel)
}

// bookSurplus books a payment that nobody needed where no terminal can take it.
func bookSurplus(tx *gorm.DB, outTradeNo string, paid ledger.Fen, now time.Time) error {
	return book(tx, now, ledger.Posting{
		Ref:    "surplus:" + outTradeNo,
		Debit:  ledger.Account{Kind: ledger.WxClearing},
		Credit: ledger.Account{Kind: ledger.Suspense},
		Amount: paid,
	})
}

// credit is a top-up to be made of a payment, and where it is told.
type credit struct {
	topUp
	paid
	done *ledger.Settlement
}

// credit makes the transfers and their postings of payments that are marked,
// and tells the persons.
func (s *Store) credit(tx *gorm.DB, list []credit) error {
	transfers := make([]any, 0, 8*len(list))
	postings := make([]entry, len(list))
	events := make([]ledger.Event, len(list))
	for i, c := range list {
		t := transfer{ID: ledger.NewID(), PersonID: c.a.PersonID, Kind: ledger.KindTopUp, SourceRef: c.a.OrderNo, Title: "微信充值",
			AmountFen: c.a.AmountFen, State: string(ledger.TransferPending), CreatedAt: micros(c.now)}
		transfers = append(transfers, t.ID, t.PersonID, t.Kind, t.SourceRef, t.Title, t.AmountFen, t.State, t.CreatedAt)
		postings[i] = entry{c.now, ledger.Posting{
			Ref:    "topup:" + c.a.OutTradeNo,
			Debit:  ledger.Account{Kind: ledger.WxClearing},
			Credit: ledger.Account{Kind: ledger.Pending, Owner: c.a.PersonID},
			Amount: ledger.Fen(c.a.AmountFen),
		}}
		events[i] = ledger.Event{Kind: ledger.EventTopUpPaid, PersonID: c.a.PersonID, Amount: ledger.Fen(c.a.AmountFen),
			Pending: ledger.Fen(c.o.PendingFen + c.a.AmountFen), Ref: c.a.OrderNo, At: c.at()}
		c.done.Order = c.o.ledger()
		c.done.Order.State, c.done.Order.PaidAt, c.done.Order.TransferID = ledger.OrderPaid, c.at(), t.ID
		c.done.Transfer = t.ledger(c.now)
	}
	return errors.Join(
		write(tx, "create the transfer", `INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, created_at) VALUES `+
			rows(len(list), 8), transfers...),
		bookAll(tx, postings),
		s.push(tx, events...),
	)
}

func readTransfer(tx *gorm.DB, done *ledger.Settlement) error {
	var found []transfer
	if err := tx.Raw(selectTransfer+"WHERE t.source_ref = ?", done.Order.OutTradeNo).Scan(&found).Error; err != nil {
		return fmt.Errorf("read the transfer: %w", err)
	}
	if len(found) > 0 {
		done.Transfer = found[0].ledger(time.Time{})
		done.Order.TransferID = found[0].ID
	}
	return nil
}
