package wechatpay

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"time"
)

// refund is a Refund with the first request's parameters.
type refund struct {
	Refund
	order *order
	terms string
}

// refundRequest is the body of a refund call.
// https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score-no-confirm/create.html
type refundRequest struct {
	TransactionID string            `json:"transaction_id"`
	OutTradeNo    string            `json:"out_trade_no"`
	OutRefundNo   string            `json:"out_refund_no"`
	Reason        string            `json:"reason"`
	NotifyURL     string            `json:"notify_url"`
	FundsAccount  string            `json:"funds_account"`
	GoodsDetail   []json.RawMessage `json:"goods_detail"`
	Amount        *struct {
		Refund   int64             `json:"refund"`
		Total    int64             `json:"total"`
		Currency string            `json:"currency"`
		From     []json.RawMessage `json:"from"`
	} `json:"amount"`
}

// Limits of refunding one order.
const (
	mostRefunds    = 50
	refundableFor  = 365 * 24 * time.Hour
	betweenRefunds = time.Minute
)

func (s *Server) createRefund(c *call) (any, error) {
	var q refundRequest
	if err := decode(c, &q); err != nil {
		return nil, err
	}
	if err := s.checkRefund(&q); err != nil {
		return nil, err
	}
	same, err := terms("", c.body)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if r := s.refunds[q.OutRefundNo]; r != nil {
		if r.terms != same {
			return nil, fail(cmp.Or(s.cfg.Unconfirmed.RefundAgain, "INVALID_REQUEST"), "订单金额或退款金额与之前请求不一致，请核实后再试")
		}
		return s.refundAnswer(r), nil
	}
	o := s.orders[q.OutTradeNo]
	if q.TransactionID != "" {
		o = s.paid[q.TransactionID]
	}
	if o == nil || o.TransactionID == "" || q.OutTradeNo != "" && q.OutTradeNo != o.OutTradeNo {
		return nil, fail("RESOURCE_NOT_EXISTS", "订单不存在")
	}
	if err := s.refundable(o, q.Amount.Refund, q.Amount.Total); err != nil {
		return nil, err
	}
	r := s.accept(o, q.OutRefundNo, q.Amount.Refund)
	r.terms, r.Reason = same, q.Reason
	if q.NotifyURL != "" {
		r.NotifyURL = q.NotifyURL
	}
	answer := s.refundAnswer(r)
	s.conclude(r)
	return answer, nil
}

func (s *Server) checkRefund(q *refundRequest) error {
	switch {
	case q.TransactionID == "" && q.OutTradeNo == "":
		return badField("/out_trade_no", "", "transaction_id or out_trade_no is required")
	case !outRefundNoForm.MatchString(q.OutRefundNo):
		return badField("/out_refund_no", q.OutRefundNo, "1 to 64 of 0-9A-Za-z_-|*@")
	case !between(q.Reason, 0, 80):
		return badField("/reason", q.Reason, "at most 80 characters")
	case q.FundsAccount != "" && q.FundsAccount != "AVAILABLE":
		return badField("/funds_account", q.FundsAccount, "AVAILABLE or absent")
	case q.Amount == nil:
		return badField("/amount", "", "required")
	case q.Amount.Refund <= 0:
		return badField("/amount/refund", strconv.FormatInt(q.Amount.Refund, 10), "fen, above 0")
	case q.Amount.Total <= 0:
		return badField("/amount/total", strconv.FormatInt(q.Amount.Total, 10), "fen, above 0")
	case q.Amount.Currency != "CNY":
		return badField("/amount/currency", q.Amount.Currency, "must be CNY")
	}
	if q.NotifyURL != "" {
		if issue := s.badNotifyURL(q.NotifyURL, 256); issue != "" {
			return badField("/notify_url", q.NotifyURL, issue)
		}
	}
	return nil
}

// refundable holds a new refund against the earlier ones of its order. It needs s.mu.
func (s *Server) refundable(o *order, fen, total int64) error {
	var taken int64
	var last time.Time
	for _, r := range o.refunds {
		last = r.CreatedAt
		if r.Status != "CLOSED" {
			taken += r.RefundFen
		}
	}
	now := s.now()
	switch {
	case total != o.TotalFen:
		return fail("INVALID_REQUEST", "订单金额与原订单不一致")
	case fen > o.TotalFen-taken:
		return fail("INVALID_REQUEST", "退款金额大于可退金额")
	case len(o.refunds) >= mostRefunds:
		return fail("INVALID_REQUEST", "部分退款次数超过50次")
	case now.Sub(o.PaidAt) > refundableFor:
		return fail("INVALID_REQUEST", "订单已超过可退款的最大期限")
	case len(o.refunds) > 0 && now.Sub(last) < betweenRefunds:
		return fail("FREQUENCY_LIMITED", "同一笔订单的多次退款需间隔1分钟")
	}
	return nil
}

// accept enters a refund as PROCESSING. It needs s.mu.
func (s *Server) accept(o *order, outRefundNo string, fen int64) *refund {
	now := s.now()
	r := &refund{order: o, Refund: Refund{
		OutRefundNo:   outRefundNo,
		RefundID:      s.fresh("50300000"+now.Format("20060102"), func(id string) bool { return s.refundIDs[id] }),
		OutTradeNo:    o.OutTradeNo,
		TransactionID: o.TransactionID,
		Status:        "PROCESSING",
		NotifyURL:     s.cfg.RefundNotifyURL,
		RefundFen:     fen,
		TotalFen:      o.TotalFen,
		CreatedAt:     now,
	}}
	s.refunds[outRefundNo] = r
	s.refundList = append(s.refundList, r)
	s.refundIDs[r.RefundID] = true
	o.refunds = append(o.refunds, r)
	o.State = "REFUND"
	return r
}

// conclude gives a refund its good end after Config.RefundDelay. It needs s.mu.
func (s *Server) conclude(r *refund) {
	if s.cfg.RefundsByHand {
		return
	}
	s.background(func(ctx context.Context) {
		if !sleep(ctx, s.scaled(s.cfg.RefundDelay)) {
			return
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		if r.Status != "PROCESSING" {
			return
		}
		if err := s.finish(r, "SUCCESS"); err != nil {
			s.cfg.Log.Error("refund cannot be announced", "err", err)
		}
	})
}

// finish moves a refund and tells the merchant. It needs s.mu.
func (s *Server) finish(r *refund, status string) error {
	now := s.now()
	r.Status = status
	if status == "SUCCESS" {
		r.SuccessAt = now
	}
	live := func(x *refund) bool { return x.Status != "CLOSED" }
	if !slices.ContainsFunc(r.order.refunds, live) {
		r.order.State = "SUCCESS" // nothing was given back after all
	}
	if r.NotifyURL == "" {
		return nil
	}
	plain, err := json.Marshal(s.refundNotice(r))
	if err != nil {
		return err
	}
	s.announce(notice{at: AtRefundNotify, outTradeNo: r.OutTradeNo, outRefundNo: r.OutRefundNo, RawNotification: RawNotification{
		ID: s.noticeID(now), EventType: "REFUND." + status, URL: r.NotifyURL, Plain: plain, created: now,
	}})
	return nil
}

// SettleRefund gives a refund its outcome now and notifies: PROCESSING and ABNORMAL can become SUCCESS, ABNORMAL or
// CLOSED. It returns ErrUnknownRefund or ErrBadRefund.
func (s *Server) SettleRefund(outRefundNo, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refunds[outRefundNo]
	switch {
	case r == nil:
		return ErrUnknownRefund
	case r.Status != "PROCESSING" && r.Status != "ABNORMAL", !slices.Contains([]string{"SUCCESS", "ABNORMAL", "CLOSED"}, status):
		return ErrBadRefund
	}
	return s.finish(r, status)
}

// PlatformRefund refunds by hand, as the merchant's accountant does on the merchant platform: the merchant learns of a
// number it did not make, from Config.RefundNotifyURL, a query of the order or the bill. It returns the number, or
// ErrUnknownOrder or ErrBadRefund.
func (s *Server) PlatformRefund(outTradeNo string, fen int64) (outRefundNo string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[outTradeNo]
	if o == nil || o.TransactionID == "" {
		return "", ErrUnknownOrder
	}
	if fen <= 0 || s.refundable(o, fen, o.TotalFen) != nil {
		return "", ErrBadRefund
	}
	outRefundNo = s.fresh("MP"+s.now().Format("20060102"), func(no string) bool { return s.refunds[no] != nil })
	s.conclude(s.accept(o, outRefundNo, fen))
	return outRefundNo, nil
}

func (s *Server) queryRefund(c *call) (any, error) {
	number := c.PathValue("out_refund_no")
	if !outRefundNoForm.MatchString(number) {
		return nil, badQuery("out_refund_no", number, "1 to 64 of 0-9A-Za-z_-|*@")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	r := s.refunds[number]
	if r == nil {
		return nil, fail("RESOURCE_NOT_EXISTS", "退款单不存在")
	}
	return s.refundAnswer(r), nil
}

// Refunds lists all refunds, oldest first.
func (s *Server) Refunds() []Refund {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Refund, len(s.refundList))
	for i, r := range s.refundList {
		list[i] = r.Refund
	}
	return list
}
