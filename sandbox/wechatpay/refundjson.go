package wechatpay

import "time"

// refundAnswer is what the refund calls answer; its status field is called status.
type refundAnswer struct {
	RefundID            string       `json:"refund_id"`
	OutRefundNo         string       `json:"out_refund_no"`
	TransactionID       string       `json:"transaction_id"`
	OutTradeNo          string       `json:"out_trade_no"`
	Channel             string       `json:"channel"`
	UserReceivedAccount string       `json:"user_received_account"`
	SuccessTime         string       `json:"success_time,omitempty"`
	CreateTime          string       `json:"create_time"`
	Status              string       `json:"status"`
	FundsAccount        string       `json:"funds_account"`
	Amount              refundAmount `json:"amount"`
}

// refundNotice is the resource of a refund notification; there the field is called refund_status, and no appid is told.
// https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score/refunds/refund-result-notice.html
type refundNotice struct {
	MchID               string       `json:"mchid"`
	OutTradeNo          string       `json:"out_trade_no"`
	TransactionID       string       `json:"transaction_id"`
	OutRefundNo         string       `json:"out_refund_no"`
	RefundID            string       `json:"refund_id"`
	RefundStatus        string       `json:"refund_status"`
	SuccessTime         string       `json:"success_time,omitempty"`
	UserReceivedAccount string       `json:"user_received_account"`
	Amount              refundAmount `json:"amount"`
}

// refundAmount is in fen. The settlement and discount parts and the currency are left out of notifications.
type refundAmount struct {
	Total            int64  `json:"total"`
	Refund           int64  `json:"refund"`
	PayerTotal       int64  `json:"payer_total"`
	PayerRefund      int64  `json:"payer_refund"`
	SettlementTotal  *int64 `json:"settlement_total,omitempty"`
	SettlementRefund *int64 `json:"settlement_refund,omitempty"`
	DiscountRefund   *int64 `json:"discount_refund,omitempty"`
	Currency         string `json:"currency,omitempty"`
}

const receivedAccount = "支付用户零钱"

// payerRefund is the payer's share of a refund: a coupon, which WeChat Pay gave free of charge here, goes back in proportion.
func (r *refund) payerRefund() int64 { return r.RefundFen * r.order.PayerTotalFen / r.order.TotalFen }

// refundAnswer needs s.mu.
func (s *Server) refundAnswer(r *refund) refundAnswer {
	return refundAnswer{
		RefundID: r.RefundID, OutRefundNo: r.OutRefundNo, TransactionID: r.TransactionID, OutTradeNo: r.OutTradeNo,
		Channel: "ORIGINAL", UserReceivedAccount: receivedAccount, SuccessTime: optionalTime(r.SuccessAt),
		CreateTime: r.CreatedAt.Format(time.RFC3339), Status: r.Status, FundsAccount: "UNSETTLED",
		Amount: refundAmount{
			Total: r.TotalFen, Refund: r.RefundFen, PayerTotal: r.order.PayerTotalFen, PayerRefund: r.payerRefund(),
			SettlementTotal: new(r.order.PayerTotalFen), SettlementRefund: new(r.payerRefund()), DiscountRefund: new(r.RefundFen - r.payerRefund()), Currency: "CNY",
		},
	}
}

// refundNotice needs s.mu.
func (s *Server) refundNotice(r *refund) refundNotice {
	return refundNotice{
		MchID: s.cfg.MchID, OutTradeNo: r.OutTradeNo, TransactionID: r.TransactionID, OutRefundNo: r.OutRefundNo,
		RefundID: r.RefundID, RefundStatus: r.Status, SuccessTime: optionalTime(r.SuccessAt), UserReceivedAccount: receivedAccount,
		Amount: refundAmount{Total: r.TotalFen, Refund: r.RefundFen, PayerTotal: r.order.PayerTotalFen, PayerRefund: r.payerRefund()},
	}
}

func optionalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}
