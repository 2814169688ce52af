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
	PendingFen int64  `gorm:"-"` // of the person, once locked
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

// RecordCase lists something for a person to settle; the same fact twice is
// one case.
func (s *Store) RecordCase(ctx context.Context, c ledger.Case) error {
	return recordCase(s.db.WithContext(ctx), c)
}

func recordCase(tx *gorm.DB, c ledger.Case) error {
	return write(tx, "record the case", `INSERT INTO cases (kind, ref, card_no, detail, at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (kind, ref) DO NOTHING`,
		c.Kind, c.Ref, c.CardNo, c.Detail, micros(c.At))
}

// recordOrderCase is recordCase under the card that an order was for.
func recordOrderCase(tx *gorm.DB, orderNo string, c ledger.Case) error {
	return write(tx, "record the order's case", `INSERT INTO cases (kind, ref, card_no, detail, at)
		VALUES (?, ?, (SELECT c.card_no FROM orders o JOIN campus_cards c ON c.id = o.card_id WHERE o.out_trade_no = ?), ?, ?)
		ON CONFLICT (kind, ref) DO NOTHING`, c.Kind, c.Ref, orderNo, c.Detail, micros(c.At))
}
