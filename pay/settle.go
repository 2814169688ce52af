package pay

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"xiaoka/ledger"
)

// tradeSuccess is the only trade_state that proves a payment.
const tradeSuccess = "SUCCESS"

// payment is WeChat Pay's transaction in the words of the ledger. Money is
// amount.total: payer_total is lower when a coupon was used.
func payment(t *payments.Transaction, source string) ledger.Payment {
	p := ledger.Payment{
		OutTradeNo:      value(t.OutTradeNo),
		WxTransactionID: value(t.TransactionId),
		MchID:           value(t.Mchid),
		AppID:           value(t.Appid),
		TradeType:       value(t.TradeType),
		TradeState:      value(t.TradeState),
		Source:          source,
	}
	if t.Amount != nil {
		p.Total, p.Currency = ledger.Fen(value(t.Amount.Total)), value(t.Amount.Currency)
	}
	if t.Payer != nil {
		p.OpenID = value(t.Payer.Openid)
	}
	p.SuccessTime, _ = time.Parse(time.RFC3339, value(t.SuccessTime))
	return p
}

// settle brings a verified payment into the books. Without an error the matter
// is durably dealt with: credited, now or before, or set aside as a case for a
// person. ErrUnknownOrder is left to the caller; any other error means that
// the same word of WeChat Pay must be heard again.
func (m *Merchant) settle(ctx context.Context, p ledger.Payment) (aside bool, err error) {
	if field := m.foreign(p); field != "" {
		m.cfg.Log.ErrorContext(ctx, "payment is not ours to credit", "attempt", p.OutTradeNo, "wx_transaction_id", p.WxTransactionID, "field", field, "source", p.Source)
		return true, m.record(ctx, "payment_mismatch", p, "differs in "+field, field)
	}
	now := m.cfg.Now()
	if p.SuccessTime.IsZero() {
		p.SuccessTime = now
	}
	s, err := m.cfg.Store.SettleTopUp(ctx, p, now)
	var differs *ledger.MismatchError
	switch {
	case errors.As(err, &differs):
		m.cfg.Log.ErrorContext(ctx, "payment differs from its order", "attempt", p.OutTradeNo, "wx_transaction_id", p.WxTransactionID, "field", differs.Field)
		return true, nil // the store has kept the case
	case err != nil:
		return false, fmt.Errorf("settle %s: %w", p.OutTradeNo, err)
	case s.RefundDue:
		// Another attempt was credited before, and this one goes back in full:
		// the store has begun its refund in the same transaction.
		m.cfg.Log.WarnContext(ctx, "payment is to be refunded", "attempt", p.OutTradeNo, "order", s.Order.OutTradeNo, "amount_fen", int64(p.Total))
		return true, nil
	}
	m.cfg.Log.InfoContext(ctx, "top-up settled", "attempt", p.OutTradeNo, "order", s.Order.OutTradeNo, "amount_fen", int64(p.Total), "source", p.Source, "repeat", s.Repeat)
	return false, nil
}

// Payment asks WeChat Pay what a number of ours was paid with, whether or not
// it is what was ordered; *ledger.MismatchError when it was not paid, or not to
// us.
func (m *Merchant) Payment(ctx context.Context, outTradeNo string) (ledger.Payment, error) {
	t, err := m.query(ctx, outTradeNo)
	if err != nil {
		return ledger.Payment{}, err
	}
	p := payment(t, "query")
	if field := m.foreign(p); field != "" {
		return ledger.Payment{}, &ledger.MismatchError{Field: field}
	}
	return p, nil
}

// foreign names the first thing in a payment that shows it is not a payment
// to us; what needs the order for comparison is the store's to compare.
func (m *Merchant) foreign(p ledger.Payment) string {
	switch {
	case p.MchID != m.cfg.MchID:
		return "mchid"
	case p.AppID != m.cfg.AppID:
		return "appid"
	case p.TradeState != tradeSuccess:
		return "trade_state"
	case p.OutTradeNo == "":
		return "out_trade_no"
	case p.WxTransactionID == "":
		return "transaction_id"
	}
	return ""
}

// record keeps a case under WeChat's own id of the payment and what was wrong
// with it, so that every repeat of it is the same case.
func (m *Merchant) record(ctx context.Context, kind string, p ledger.Payment, detail string, wrong ...string) error {
	ref := p.WxTransactionID
	if ref == "" {
		ref = p.OutTradeNo
	}
	ref = strings.Join(append([]string{ref}, wrong...), ":")
	c := ledger.Case{
		Kind: kind, Ref: ref, At: m.cfg.Now(),
		Detail: fmt.Sprintf("out_trade_no %q, %d fen, %s: %s", p.OutTradeNo, int64(p.Total), p.Source, detail),
	}
	if err := m.cfg.Store.RecordCase(ctx, c); err != nil {
		return fmt.Errorf("record case %s: %w", kind, err)
	}
	return nil
}
