package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A payment passes through here once, however it becomes known. The order row
// exists before WeChat Pay hears of it; the notification, the query job and
// the bill all end in SettleTopUp, where the order's lock, the unique
// transfer of an order and the unique posting decide that one credit is made.
// WeChat Pay's verified word is the truth about what was paid, our order
// about what it should have been.

type order struct {
	OutTradeNo string
	PersonID   int64
	CardID     int64
	AmountFen  int64
	State      string
	CreatedAt  int64
	ExpiresAt  int64
	PaidAt     *int64
	TransferID string `gorm:"->"`
	PendingFen int64  `gorm:"-"` // of the person, as the payment was locked
}

func (o order) ledger() ledger.Order {
	return ledger.Order{OutTradeNo: o.OutTradeNo, PersonID: o.PersonID, CardID: o.CardID, Amount: ledger.Fen(o.AmountFen),
		State: ledger.OrderState(o.State), CreatedAt: timeOf(o.CreatedAt), ExpiresAt: timeOf(o.ExpiresAt),
		PaidAt: timeOpt(o.PaidAt), TransferID: o.TransferID}
}

type attempt struct {
	OutTradeNo      string
	OrderNo         string
	N               int
	PersonID        int64
	AmountFen       int64
	Channel         string
	AppID           string
	OpenID          string
	Description     string
	State           string
	PrepayID        string
	CodeURL         string `gorm:"column:code_url"`
	PrepaidAt       *int64
	CreatedAt       int64
	ExpiresAt       int64
	WxTransactionID *string
	PaidFen         *int64 // where it is not AmountFen
}

// paid is what the attempt was paid with.
func (a attempt) paid() int64 {
	if a.PaidFen != nil {
		return *a.PaidFen
	}
	return a.AmountFen
}

func (a attempt) ledger() ledger.Attempt {
	return ledger.Attempt{OutTradeNo: a.OutTradeNo, OrderNo: a.OrderNo, N: a.N, PersonID: a.PersonID, Amount: ledger.Fen(a.AmountFen),
		Channel: ledger.PayChannel(a.Channel), AppID: a.AppID, OpenID: a.OpenID, Description: a.Description,
		State: ledger.AttemptState(a.State), PrepayID: a.PrepayID, CodeURL: a.CodeURL, PrepaidAt: timeOpt(a.PrepaidAt),
		CreatedAt: timeOf(a.CreatedAt), ExpiresAt: timeOf(a.ExpiresAt), WxTransactionID: deref(a.WxTransactionID)}
}

// CreateOrder writes the order's row. Nothing has been asked of WeChat Pay.
func (s *Store) CreateOrder(ctx context.Context, o ledger.Order) error {
	err := s.db.WithContext(ctx).Table("orders").Create(&order{OutTradeNo: o.OutTradeNo, PersonID: o.PersonID, CardID: o.CardID,
		AmountFen: int64(o.Amount), State: string(ledger.OrderCreated), CreatedAt: micros(o.CreatedAt), ExpiresAt: micros(o.ExpiresAt)}).Error
	if conflict(err) {
		return ledger.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("create the order: %w", err)
	}
	return nil
}

// Order reads one of the person's own orders; anybody else's is ErrNotFound.
func (s *Store) Order(ctx context.Context, personID int64, outTradeNo string) (ledger.Order, error) {
	var found []order
	err := s.db.WithContext(ctx).Raw(`SELECT o.*, COALESCE(t.id, '') AS transfer_id FROM orders o
		LEFT JOIN transfers t ON t.source_ref = o.out_trade_no WHERE o.out_trade_no = ? AND o.person_id = ?`, outTradeNo, personID).Scan(&found).Error
	if err != nil {
		return ledger.Order{}, fmt.Errorf("read the order: %w", err)
	}
	if len(found) == 0 {
		return ledger.Order{}, ledger.ErrNotFound
	}
	return found[0].ledger(), nil
}

// Attempts lists an order's payment attempts by their number.
func (s *Store) Attempts(ctx context.Context, orderNo string) ([]ledger.Attempt, error) {
	return s.attempts(s.db.WithContext(ctx).Table("attempts").Where("order_no = ?", orderNo).Order("n"))
}

// Attempt finds one attempt by its number at WeChat Pay, or ErrUnknownOrder.
func (s *Store) Attempt(ctx context.Context, outTradeNo string) (ledger.Attempt, error) {
	found, err := s.attempts(s.db.WithContext(ctx).Table("attempts").Where("out_trade_no = ?", outTradeNo))
	if err == nil && len(found) == 0 {
		err = ledger.ErrUnknownOrder
	}
	if err != nil {
		return ledger.Attempt{}, err
	}
	return found[0], nil
}

// OpenAttempts lists, oldest first, attempts that may still be paid.
func (s *Store) OpenAttempts(ctx context.Context, createdBefore time.Time, limit int) ([]ledger.Attempt, error) {
	return s.attempts(s.db.WithContext(ctx).Table("attempts").
		Where("state IN ('created', 'open', 'closing') AND created_at <= ?", micros(createdBefore)).Order("created_at").Limit(limit))
}

func (s *Store) attempts(query *gorm.DB) ([]ledger.Attempt, error) {
	var found []attempt
	if err := query.Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the attempts: %w", err)
	}
	out := make([]ledger.Attempt, len(found))
	for i, a := range found {
		out[i] = a.ledger()
	}
	return out, nil
}

// CreateAttempt writes an attempt's row before its order call. ErrConflict
// when the order has that attempt already.
func (s *Store) CreateAttempt(ctx context.Context, a ledger.Attempt) error {
	err := s.db.WithContext(ctx).Table("attempts").Create(&attempt{OutTradeNo: a.OutTradeNo, OrderNo: a.OrderNo, N: a.N,
		PersonID: a.PersonID, AmountFen: int64(a.Amount), Channel: string(a.Channel), AppID: a.AppID, OpenID: a.OpenID,
		Description: a.Description, State: string(ledger.AttemptCreated), CreatedAt: micros(a.CreatedAt), ExpiresAt: micros(a.ExpiresAt)}).Error
	if conflict(err) {
		return ledger.ErrConflict
	}
	if err != nil {
		return fmt.Errorf("create the attempt: %w", err)
	}
	return nil
}

// SavePrepay records WeChat Pay's answer to the order call, prepay id or code
// address; both live two hours from at.
func (s *Store) SavePrepay(ctx context.Context, outTradeNo, prepayID, codeURL string, at time.Time) error {
	err := s.db.WithContext(ctx).Exec(`UPDATE attempts SET prepay_id = ?, code_url = ?, prepaid_at = ?, state = 'open'
		WHERE out_trade_no = ? AND state IN ('created', 'open')`, prepayID, codeURL, micros(at), outTradeNo).Error
	if err != nil {
		return fmt.Errorf("store the prepay answer: %w", err)
	}
	return nil
}

// MarkAttempt moves an attempt forward to closing or closed. One that is paid
// stays paid: the money wins.
func (s *Store) MarkAttempt(ctx context.Context, outTradeNo string, to ledger.AttemptState, _ time.Time) error {
	from := map[ledger.AttemptState][]string{
		ledger.AttemptClosing: {"created", "open"},
		ledger.AttemptClosed:  {"created", "open", "closing"},
	}[to]
	if from == nil {
		return fmt.Errorf("an attempt is not marked %s by hand", to)
	}
	err := s.db.WithContext(ctx).Table("attempts").Where("out_trade_no = ? AND state IN ?", outTradeNo, from).Update("state", string(to)).Error
	if err != nil {
		return fmt.Errorf("mark the attempt %s: %w", to, err)
	}
	return nil
}

// CloseOrder ends an unpaid order once none of its attempts can be paid any
// more; otherwise nothing happens.
func (s *Store) CloseOrder(ctx context.Context, orderNo string, _ time.Time) error {
	err := s.db.WithContext(ctx).Exec(`UPDATE orders SET state = 'closed' WHERE out_trade_no = ? AND state = 'created'
		AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.order_no = orders.out_trade_no AND a.state <> 'closed')`, orderNo).Error
	if err != nil {
		return fmt.Errorf("close the order: %w", err)
	}
	return nil
}

// ExpireOrders ends orders past their time for which WeChat Pay was never
// asked, at most limit at once.
func (s *Store) ExpireOrders(ctx context.Context, now time.Time) error {
	err := s.db.WithContext(ctx).Exec(`UPDATE orders SET state = 'closed' WHERE state = 'created' AND expires_at < ?
		AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.order_no = orders.out_trade_no)`, micros(now)).Error
	if err != nil {
		return fmt.Errorf("expire orders: %w", err)
	}
	return nil
}

// SettleTopUp credits a verified payment exactly once: the posting, the
// transfer, the order, the attempt and the push commit together. A payment
// that is not what we ordered is recorded as a case and answered with
// *ledger.MismatchError, an unknown number with ledger.ErrUnknownOrder;
// neither is credited. pay has compared merchant and application before.
func (s *Store) SettleTopUp(ctx context.Context, p ledger.Payment, now time.Time) (ledger.Settlement, error) {
	var done ledger.Settlement
	var refused error
	err := s.tx(ctx, func(tx *gorm.DB) error {
		a, o, err := lockPayment(tx, p.OutTradeNo)
		if err != nil {
			return err
		}
		done.Order = o.ledger()
		if field := differs(a, p); field != "" {
			refused = &ledger.MismatchError{Field: field}
			return recordCase(tx, ledger.Case{Kind: "payment_mismatch", Ref: ledger.MismatchRef(p.OutTradeNo, field, p.WxTransactionID),
				Detail: "the payment differs from the order in " + field, At: now})
		}
		switch ledger.AttemptState(a.State) {
		case ledger.AttemptPaid, ledger.AttemptRefunded:
			if deref(a.WxTransactionID) != p.WxTransactionID {
				refused = &ledger.MismatchError{Field: "transaction_id"}
				return recordCase(tx, ledger.Case{Kind: "payment_mismatch", Ref: ledger.MismatchRef(p.OutTradeNo, "transaction_id", p.WxTransactionID),
					Detail: "a second transaction for one number", At: now})
			}
			done.Repeat = true
			return readTransfer(tx, &done)
		}
		paidAt := p.SuccessTime
		if paidAt.IsZero() {
			paidAt = now
		}
		err = write(tx, "mark the attempt paid", `UPDATE attempts SET state = 'paid', wx_transaction_id = ?, paid_at = ? WHERE out_trade_no = ?`,
			p.WxTransactionID, micros(paidAt), a.OutTradeNo)
		if err != nil {
			return err
		}
		if o.State == string(ledger.OrderPaid) || o.State == string(ledger.OrderRefunded) {
			// Another attempt of this order was credited before: this money goes
			// back, sent by the same job as every refund.
			done.RefundDue = true
			if err := bookSurplus(tx, a.OutTradeNo, ledger.Fen(a.AmountFen), now); err != nil {
				return err
			}
			if _, err := startRefund(tx, a, nil, refund{AmountFen: a.AmountFen, State: string(ledger.RefundWanted)}, now); err != nil {
				return err
			}
			return recordCase(tx, ledger.Case{Kind: "paid_twice", Ref: a.OutTradeNo, Detail: "a second attempt of one order was paid; it is to be refunded", At: now})
		}
		return s.creditTopUp(ctx, tx, a, o, paidAt, now, &done)
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

// lockPayment locks an order, then its attempt, and reads both as they are
// once locked.
func lockPayment(tx *gorm.DB, outTradeNo string) (a attempt, o order, err error) {
	err = ask(tx, "lock the payment", into(&o.OutTradeNo, &o.PersonID, &o.CardID, &o.AmountFen, &o.State, &o.CreatedAt, &o.ExpiresAt, &o.PaidAt,
		&a.OutTradeNo, &a.OrderNo, &a.N, &a.PersonID, &a.AmountFen, &a.Channel, &a.AppID, &a.OpenID, &a.State, &a.WxTransactionID, &a.PaidFen, &o.PendingFen),
		`SELECT o.out_trade_no, o.person_id, o.card_id, o.amount_fen, o.state, o.created_at, o.expires_at, o.paid_at,
		a.out_trade_no, a.order_no, a.n, a.person_id, a.amount_fen, a.channel, a.app_id, a.open_id, a.state, a.wx_transaction_id, a.paid_fen,
		(SELECT CAST(COALESCE(SUM(t.amount_fen), 0) AS BIGINT) FROM transfers t WHERE t.person_id = o.person_id AND t.state = 'pending')
		FROM orders o JOIN attempts a ON a.order_no = o.out_trade_no WHERE a.out_trade_no = ? FOR UPDATE`, outTradeNo)
	if err == nil {
		err = flush(tx)
	}
	if err == nil && a.OutTradeNo == "" {
		err = ledger.ErrUnknownOrder
	}
	return a, o, err
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

// bookSurplus books a payment that nobody needed where no terminal can take it.
func bookSurplus(tx *gorm.DB, outTradeNo string, paid ledger.Fen, now time.Time) error {
	return book(tx, now, ledger.Posting{
		Ref:    "surplus:" + outTradeNo,
		Debit:  ledger.Account{Kind: ledger.WxClearing},
		Credit: ledger.Account{Kind: ledger.Suspense},
		Amount: paid,
	})
}

// creditTopUp makes the transfer and its posting, marks the order and tells
// the person.
func (s *Store) creditTopUp(ctx context.Context, tx *gorm.DB, a attempt, o order, paidAt, now time.Time, done *ledger.Settlement) error {
	t := transfer{ID: ledger.NewID(), PersonID: a.PersonID, Kind: ledger.KindTopUp, SourceRef: a.OrderNo, Title: "微信充值",
		AmountFen: a.AmountFen, State: string(ledger.TransferPending), CreatedAt: micros(now)}
	err := write(tx, "create the transfer", `INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, t.ID, t.PersonID, t.Kind, t.SourceRef, t.Title, t.AmountFen, t.State, t.CreatedAt)
	if err != nil {
		return err
	}
	if err := book(tx, now, ledger.Posting{
		Ref:    "topup:" + a.OutTradeNo,
		Debit:  ledger.Account{Kind: ledger.WxClearing},
		Credit: ledger.Account{Kind: ledger.Pending, Owner: a.PersonID},
		Amount: ledger.Fen(a.AmountFen),
	}); err != nil {
		return err
	}
	if err := write(tx, "mark the order paid", `UPDATE orders SET state = 'paid', paid_at = ? WHERE out_trade_no = ?`, micros(paidAt), a.OrderNo); err != nil {
		return err
	}
	done.Order.State, done.Order.PaidAt, done.Order.TransferID = ledger.OrderPaid, paidAt, t.ID
	done.Transfer = t.ledger(now)
	return s.push(tx, ledger.Event{Kind: ledger.EventTopUpPaid, PersonID: a.PersonID, Amount: ledger.Fen(a.AmountFen),
		Pending: ledger.Fen(o.PendingFen + a.AmountFen), Ref: a.OrderNo, At: paidAt})
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

// RecordCase lists something for a person to settle; the same fact twice is
// one case.
func (s *Store) RecordCase(ctx context.Context, c ledger.Case) error {
	return recordCase(s.db.WithContext(ctx), c)
}

func recordCase(tx *gorm.DB, c ledger.Case) error {
	return write(tx, "record the case", `INSERT INTO cases (kind, ref, card_no, detail, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, ref) DO NOTHING`,
		c.Kind, c.Ref, c.CardNo, c.Detail, micros(c.At))
}
