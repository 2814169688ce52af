package pay

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"xiaoka/ledger"
)

// Limits of one round of refunds. They go out one after the other: WeChat Pay
// asks not to run several of one payer at once and allows six failing calls a
// second.
const (
	refundBatch  = 100
	refundGiveUp = 5 // failures in one round: something is wrong, the next round will see
)

// Refunds brings every refund under way a step further: one that is wanted is
// sent to WeChat Pay, one that it has accepted is asked about, and whatever
// WeChat Pay says goes into the books. It is the body of a periodic job, meant
// for every 30 seconds on one replica. However often a refund is sent, it has
// one number, and WeChat Pay refunds a number once.
func (m *Merchant) Refunds(ctx context.Context) error {
	if !m.refunding.TryLock() {
		return nil
	}
	defer m.refunding.Unlock()
	due, err := m.cfg.Store.DueRefunds(ctx, m.cfg.Now(), refundBatch)
	if err != nil {
		return fmt.Errorf("refunds due: %w", err)
	}
	failures := 0
	for _, r := range due {
		if ctx.Err() != nil || failures >= refundGiveUp {
			break
		}
		if err := m.visitRefund(ctx, r); err != nil {
			failures++
			m.cfg.Log.WarnContext(ctx, "refund not settled yet", "refund", r.OutRefundNo, "state", string(r.State), "tries", r.Tries, "err", err)
		}
	}
	return ctx.Err()
}

// visitRefund asks WeChat Pay about one refund and, unless that ended it, puts
// the next question off.
func (m *Merchant) visitRefund(ctx context.Context, r ledger.Refund) error {
	w, err := m.askRefund(ctx, r)
	if err == nil {
		var after ledger.Refund
		if after, err = m.settleRefund(ctx, w); err == nil && after.Final() {
			return nil
		}
	} else if failed(err, refusals...) {
		err = errors.Join(err, m.cfg.Store.RecordCase(ctx, ledger.Case{Kind: "refund_refused", Ref: r.OutRefundNo, At: m.cfg.Now(),
			Detail: fmt.Sprintf("the refund of %s is not accepted and will be tried again: %v", r.Amount, err)}))
	}
	return errors.Join(err, m.cfg.Store.DeferRefund(ctx, r.OutRefundNo, m.cfg.Now().Add(refundWait(r.Tries, err))))
}

// refusals are answers that a person should see. None of them frees the money:
// errors are not signed, and only a signed CLOSED says that a refund will not
// happen.
var refusals = []failure{numberUsed, notFound, refusedByRule, misconfigured, notEnough}

// refundWait is the time to the next question: it doubles from 30 s, or from
// 10 min after a refusal, up to two hours.
func refundWait(tries int, err error) time.Duration {
	first := 30 * time.Second
	if failed(err, refusals...) {
		first = 10 * time.Minute
	}
	return min(first<<min(tries, 8), 2*time.Hour)
}

// askRefund sends a refund that WeChat Pay may not have, or asks about one
// that it has.
func (m *Merchant) askRefund(ctx context.Context, r ledger.Refund) (ledger.WxRefund, error) {
	if r.State == ledger.RefundWanted && r.Ours() {
		w, err := m.createRefund(ctx, r)
		if failed(err, numberUsed) {
			// Refused by a rule, or there already with other parameters (a
			// notify address that has changed since). Only the query tells.
			if asked, queryErr := m.queryRefund(ctx, r.OutRefundNo); queryErr == nil {
				return asked, nil
			}
		}
		return w, err
	}
	w, err := m.queryRefund(ctx, r.OutRefundNo)
	if failed(err, notFound) && r.Ours() {
		return m.createRefund(ctx, r)
	}
	return w, err
}

// createRefund sends a refund in full, the same to the byte at every repeat.
// An answer means that it is accepted, not that it is done.
//
// https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score-no-confirm/create.html
func (m *Merchant) createRefund(ctx context.Context, r ledger.Refund) (ledger.WxRefund, error) {
	reason := "校园卡充值退款"
	if r.TransferID == "" {
		reason = "重复或与订单不符的付款退回"
	}
	q := refunddomestic.CreateRequest{
		OutTradeNo: &r.OutTradeNo, OutRefundNo: &r.OutRefundNo, Reason: &reason,
		Amount: &refunddomestic.AmountReq{Refund: core.Int64(int64(r.Amount)), Total: core.Int64(int64(r.Paid)), Currency: core.String("CNY")},
	}
	if m.cfg.RefundNotifyURL != "" {
		q.NotifyUrl = &m.cfg.RefundNotifyURL
	}
	api := refunddomestic.RefundsApiService{Client: m.client}
	answer, _, err := api.Create(ctx, q)
	return wxRefund(answer, err, r.OutRefundNo, "refund", "answer")
}

// queryRefund asks about one refund.
func (m *Merchant) queryRefund(ctx context.Context, outRefundNo string) (ledger.WxRefund, error) {
	api := refunddomestic.RefundsApiService{Client: m.client}
	answer, _, err := api.QueryByOutRefundNo(ctx, refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: &outRefundNo})
	return wxRefund(answer, err, outRefundNo, "refund query", "query")
}

// wxRefund is WeChat Pay's refund in the words of the ledger. The signature of
// an answer does not name the question, so the number in it is compared.
func wxRefund(t *refunddomestic.Refund, err error, outRefundNo, call, source string) (ledger.WxRefund, error) {
	switch {
	case err != nil:
	case value(t.OutRefundNo) != outRefundNo:
		err = errors.New("answer about another refund")
	case t.Amount == nil || value(t.Amount.Currency) != "CNY":
		err = errors.New("answer without an amount in CNY")
	}
	if err != nil {
		return ledger.WxRefund{}, newCallError(call, err)
	}
	return ledger.WxRefund{
		OutRefundNo: outRefundNo, OutTradeNo: value(t.OutTradeNo), WxRefundID: value(t.RefundId), WxTransactionID: value(t.TransactionId),
		Status: string(value(t.Status)), Amount: ledger.Fen(value(t.Amount.Refund)), Total: ledger.Fen(value(t.Amount.Total)),
		CreateTime: value(t.CreateTime), SuccessTime: value(t.SuccessTime), Source: source,
	}, nil
}

// settleRefund brings WeChat Pay's word about a refund of ours into the books.
func (m *Merchant) settleRefund(ctx context.Context, w ledger.WxRefund) (ledger.Refund, error) {
	r, err := m.cfg.Store.SettleRefund(ctx, w, m.cfg.Now())
	if err != nil {
		return r, fmt.Errorf("settle refund %s: %w", w.OutRefundNo, err)
	}
	m.cfg.Log.InfoContext(ctx, "refund", "refund", r.OutRefundNo, "attempt", r.OutTradeNo, "amount_fen", int64(r.Amount), "state", string(r.State), "source", w.Source)
	return r, nil
}

// RefundNotify answers POST /wechatpay/refund-notify
// (https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score/refunds/refund-result-notice.html)
// with the statuses of [Merchant.Notify]. Notices come in any order and any
// number: one that says anything but SUCCESS may be old, so WeChat Pay is asked
// before it is believed. A refund that somebody made on the merchant platform
// is taken over where its money is still here.
func (m *Merchant) RefundNotify() http.Handler { return m.hear(m.refundNotice) }

func (m *Merchant) refundNotice(ctx context.Context, body []byte) (int, error) {
	w, mchID, certain, err := m.openRefund(body)
	switch {
	case err != nil:
		return http.StatusBadRequest, err
	case w.OutRefundNo == "":
		m.cfg.Log.InfoContext(ctx, "notice of a kind that needs no act")
		return http.StatusOK, nil
	case mchID != m.cfg.MchID:
		return asideOr500(m.refundCase(ctx, "refund_mismatch", w, "the merchant is not us"))
	}
	if !certain {
		if w, err = m.queryRefund(ctx, w.OutRefundNo); err != nil {
			return http.StatusInternalServerError, err
		}
	}
	_, err = m.settleRefund(ctx, w)
	if errors.Is(err, ledger.ErrUnknownRefund) {
		return asideOr500(m.adoptRefund(ctx, w))
	}
	if errors.As(err, new(*ledger.MismatchError)) {
		m.cfg.Log.ErrorContext(ctx, "refund differs from the books", "refund", w.OutRefundNo, "err", err)
		return http.StatusOK, nil // the store has kept the case
	}
	if err != nil {
		return http.StatusInternalServerError, err
	}
	return http.StatusNoContent, nil
}

func asideOr500(err error) (int, error) {
	if err != nil {
		return http.StatusInternalServerError, err
	}
	return http.StatusOK, nil
}

// openRefund reads a verified refund notice; the number is empty for one of
// another kind. certain means that the notice cannot have been overtaken.
func (m *Merchant) openRefund(body []byte) (w ledger.WxRefund, mchID string, certain bool, err error) {
	event, plain, err := m.unseal(body, "REFUND.SUCCESS", "REFUND.ABNORMAL", "REFUND.CLOSED")
	if err != nil || plain == nil {
		return w, "", false, err
	}
	var n struct {
		MchID         string `json:"mchid"`
		OutTradeNo    string `json:"out_trade_no"`
		TransactionID string `json:"transaction_id"`
		OutRefundNo   string `json:"out_refund_no"`
		RefundID      string `json:"refund_id"`
		RefundStatus  string `json:"refund_status"`
		SuccessTime   string `json:"success_time"`
		Amount        struct {
			Total  int64 `json:"total"`
			Refund int64 `json:"refund"`
		} `json:"amount"`
	}
	if err := json.Unmarshal(plain, &n); err != nil || n.OutRefundNo == "" {
		return w, "", false, fmt.Errorf("%w: %s without a refund", errNotice, event)
	}
	w = ledger.WxRefund{
		OutRefundNo: n.OutRefundNo, OutTradeNo: n.OutTradeNo, WxRefundID: n.RefundID, WxTransactionID: n.TransactionID,
		Status: n.RefundStatus, Amount: ledger.Fen(n.Amount.Refund), Total: ledger.Fen(n.Amount.Total), Source: "notify",
	}
	w.SuccessTime, _ = time.Parse(time.RFC3339, n.SuccessTime)
	return w, n.MchID, event == "REFUND.SUCCESS" && n.RefundStatus == "SUCCESS", nil
}

// adoptRefund takes a refund that is not ours into the books, or sets it aside
// as a case. Without an error the matter is durably dealt with; ErrConflict
// when the payment must become known first, or a claim of it must end.
func (m *Merchant) adoptRefund(ctx context.Context, w ledger.WxRefund) error {
	_, err := m.cfg.Store.AdoptRefund(ctx, w, m.cfg.Now())
	m.cfg.Log.ErrorContext(ctx, "refund made on the merchant platform", "refund", w.OutRefundNo, "attempt", w.OutTradeNo,
		"amount_fen", int64(w.Amount), "status", w.Status, "source", w.Source, "err", err)
	switch {
	case errors.Is(err, ledger.ErrUnknownOrder):
		return m.refundCase(ctx, "unknown_refund", w, "no such payment here")
	case errors.Is(err, ledger.ErrRefundRefused):
		return nil // the store has kept the case
	case err != nil:
		return fmt.Errorf("adopt refund %s: %w", w.OutRefundNo, err)
	}
	return nil
}

func (m *Merchant) refundCase(ctx context.Context, kind string, w ledger.WxRefund, detail string) error {
	c := ledger.Case{Kind: kind, Ref: w.OutRefundNo, At: m.cfg.Now(),
		Detail: fmt.Sprintf("refund of %d fen for out_trade_no %q, %s: %s", int64(w.Amount), w.OutTradeNo, w.Source, detail)}
	if err := m.cfg.Store.RecordCase(ctx, c); err != nil {
		return fmt.Errorf("record case %s: %w", kind, err)
	}
	return nil
}
