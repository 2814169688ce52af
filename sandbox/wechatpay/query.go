package wechatpay

import (
	"encoding/json"
	"net/http"
	"time"
)

// transaction is the answer to a query and the resource of a payment notification. Amounts and payer appear once paid.
// https://pay.weixin.qq.com/doc/v3/merchant/4012556352
type transaction struct {
	AppID          string             `json:"appid"`
	MchID          string             `json:"mchid"`
	OutTradeNo     string             `json:"out_trade_no"`
	TransactionID  string             `json:"transaction_id,omitempty"`
	TradeType      string             `json:"trade_type,omitempty"`
	TradeState     string             `json:"trade_state"`
	TradeStateDesc string             `json:"trade_state_desc"`
	BankType       string             `json:"bank_type,omitempty"`
	Attach         string             `json:"attach,omitempty"`
	SuccessTime    string             `json:"success_time,omitempty"`
	Payer          *payer             `json:"payer,omitempty"`
	Amount         *transactionAmount `json:"amount,omitempty"`
}

type transactionAmount struct {
	Total         int64  `json:"total"`
	PayerTotal    int64  `json:"payer_total"`
	Currency      string `json:"currency"`
	PayerCurrency string `json:"payer_currency"`
}

var stateTexts = map[string]string{
	"NOTPAY": "订单未支付", "SUCCESS": "支付成功", "REFUND": "转入退款", "CLOSED": "订单已关闭",
}

// transaction needs s.mu.
func (s *Server) transaction(o *order) transaction {
	t := transaction{
		AppID: s.cfg.AppID, MchID: s.cfg.MchID, OutTradeNo: o.OutTradeNo,
		TradeState: o.State, TradeStateDesc: stateTexts[o.State],
	}
	if o.TransactionID == "" {
		return t
	}
	t.TransactionID, t.TradeType, t.BankType, t.Attach = o.TransactionID, o.TradeType, o.bankType, o.Attach
	t.SuccessTime = o.PaidAt.Format(time.RFC3339)
	t.Payer = &payer{OpenID: o.PayerOpenID}
	t.Amount = &transactionAmount{Total: o.TotalFen, PayerTotal: o.PayerTotalFen, Currency: "CNY", PayerCurrency: "CNY"}
	return t
}

func (s *Server) queryByNumber(c *call) (any, error) {
	number := c.PathValue("out_trade_no")
	if !outTradeNoForm.MatchString(number) {
		return nil, badQuery("out_trade_no", number, "6 to 32 of 0-9A-Za-z_-|*")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.query(c, s.orders[number])
}

func (s *Server) queryByID(c *call) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.query(c, s.paid[c.PathValue("transaction_id")])
}

func (s *Server) query(c *call, o *order) (any, error) {
	if err := s.ownMchID(c.Request); err != nil {
		return nil, err
	}
	if o == nil {
		return nil, fail("ORDER_NOT_EXIST", "订单不存在")
	}
	return s.transaction(o), nil
}

// closeOrder answers 204 for numbers that it never saw too, and burns them: so does WeChat Pay.
// https://pay.weixin.qq.com/doc/v3/merchant/4012556398
func (s *Server) closeOrder(c *call) (any, error) {
	var q struct {
		MchID string `json:"mchid"`
	}
	if err := decode(c, &q); err != nil {
		return nil, err
	}
	number := c.PathValue("out_trade_no")
	switch {
	case q.MchID != s.cfg.MchID:
		return nil, badField("/mchid", q.MchID, "must be the mchid that signed")
	case !outTradeNoForm.MatchString(number):
		return nil, badQuery("out_trade_no", number, "6 to 32 of 0-9A-Za-z_-|*")
	case c.fault.Kind == FaultPretend:
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[number]
	switch {
	case o == nil:
		s.burnt[number] = true
	case o.State == "CLOSED":
		return nil, fail("ORDER_CLOSED", "订单已关闭")
	case o.State != "NOTPAY":
		e := fail("ORDERPAID", "订单已支付")
		if s.cfg.Unconfirmed.ClosePaid403 {
			e.status = http.StatusForbidden
		}
		return nil, e
	default:
		o.State = "CLOSED"
	}
	return nil, nil
}

// TransactionJSON is the plain resource of an order's payment notification as it would read now, for NotifyRaw.
func (s *Server) TransactionJSON(outTradeNo string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[outTradeNo]
	if o == nil {
		return nil, ErrUnknownOrder
	}
	return json.Marshal(s.transaction(o))
}

// certificates lists the platform certificate, encrypted under the APIv3 key.
// https://wechatpay-api.gitbook.io/wechatpay-api-v3/jie-kou-wen-dang
func (s *Server) certificates(*call) (any, error) {
	if s.cfg.NoCertificates {
		return nil, fail("RESOURCE_NOT_EXISTS", "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥")
	}
	sealed, err := seal(s.cfg.APIv3Key, s.letters(12), "certificate", s.keys.certPEM)
	if err != nil {
		return nil, err
	}
	type certificate struct {
		SerialNo      string `json:"serial_no"`
		EffectiveTime string `json:"effective_time"`
		ExpireTime    string `json:"expire_time"`
		Encrypted     any    `json:"encrypt_certificate"`
	}
	return struct {
		Data []certificate `json:"data"`
	}{[]certificate{{
		SerialNo:      s.keys.certSerial,
		EffectiveTime: s.keys.certFrom.Format(time.RFC3339),
		ExpireTime:    s.keys.certTo.Format(time.RFC3339),
		Encrypted:     sealed,
	}}}, nil
}
