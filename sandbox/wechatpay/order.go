package wechatpay

import (
	"cmp"
	"time"
)

// order is an Order with what only WeChat Pay knows.
type order struct {
	Order
	terms    string    // the first request; a repeat must be equal
	prepayTo time.Time // end of the current prepay_id or code_url
	bankType string
	notice   notice    // of the payment; empty before it
	refunds  []*refund // oldest first
}

// handle is a prepay_id or code_url: good for two hours, for one order.
type handle struct {
	order *order
	until time.Time
}

// Limits of https://pay.weixin.qq.com/doc/v3/merchant/4012525167: time_expire is silently moved into them.
const (
	handleLife     = 2 * time.Hour
	leastExpire    = time.Minute
	mostExpire     = 90 * 24 * time.Hour
	standardExpire = 7 * 24 * time.Hour
)

func (s *Server) placeJSAPI(c *call) (any, error) {
	o, err := s.place(c, "JSAPI")
	if err != nil {
		return nil, err
	}
	return struct {
		PrepayID string `json:"prepay_id"`
	}{o.PrepayID}, nil
}

func (s *Server) placeNative(c *call) (any, error) {
	o, err := s.place(c, "NATIVE")
	if err != nil {
		return nil, err
	}
	return struct {
		CodeURL string `json:"code_url"`
	}{o.CodeURL}, nil
}

// place makes the order, or for the same parameters gives the one there is.
func (s *Server) place(c *call, tradeType string) (Order, error) {
	var q orderRequest
	if err := decode(c, &q); err != nil {
		return Order{}, err
	}
	if err := s.check(&q, tradeType); err != nil {
		return Order{}, err
	}
	same, err := terms(tradeType, c.body)
	if err != nil {
		return Order{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.now()
	if s.burnt[q.OutTradeNo] {
		return Order{}, fail("INVALID_REQUEST", "请求重入时，参数与首次请求时不一致")
	}
	o := s.orders[q.OutTradeNo]
	if o == nil {
		o = s.open(&q, tradeType, same, now)
	}
	switch {
	case o.State == "SUCCESS" || o.State == "REFUND":
		return Order{}, fail(cmp.Or(s.cfg.Unconfirmed.PaidNumber, "ORDERPAID"), "该订单已支付")
	case o.State == "CLOSED":
		return Order{}, fail(cmp.Or(s.cfg.Unconfirmed.ClosedNumber, "ORDER_CLOSED"), "该订单已关闭")
	case o.terms != same:
		return Order{}, fail(cmp.Or(s.cfg.Unconfirmed.Reentry, "INVALID_REQUEST"), "请求重入时，参数与首次请求时不一致")
	case !now.Before(o.ExpiresAt):
		return Order{}, fail("INVALID_REQUEST", "订单已过期，请使用新的商户订单号")
	}
	if !now.Before(o.prepayTo) {
		s.refresh(o, now)
	}
	return o.Order, nil
}

// open needs s.mu.
func (s *Server) open(q *orderRequest, tradeType, same string, now time.Time) *order {
	o := &order{terms: same, Order: Order{
		OutTradeNo:  q.OutTradeNo,
		TradeType:   tradeType,
		State:       "NOTPAY",
		Description: q.Description,
		Attach:      q.Attach,
		NotifyURL:   q.NotifyURL,
		TotalFen:    q.Amount.Total,
		CreatedAt:   now,
		ExpiresAt:   now.Add(standardExpire),
	}}
	if q.Payer != nil {
		o.OpenID = q.Payer.OpenID
	}
	if asked, err := parseTime(q.TimeExpire); err == nil {
		o.ExpiresAt = now.Add(min(max(asked.Sub(now), leastExpire), mostExpire)).In(china)
	}
	s.refresh(o, now)
	s.orders[o.OutTradeNo] = o
	s.sequence = append(s.sequence, o)
	return o
}

// refresh gives an order a new prepay_id or code_url. It needs s.mu.
func (s *Server) refresh(o *order, now time.Time) {
	o.prepayTo = now.Add(handleLife)
	h := handle{order: o, until: o.prepayTo}
	if o.TradeType == "JSAPI" {
		o.PrepayID = "wx" + now.Format("20060102150405") + s.random(hexadecimal, 20)
		s.prepays[o.PrepayID] = h
		return
	}
	o.CodeURL = "weixin://wxpay/bizpayurl?pr=" + s.letters(9)
	s.codes[o.CodeURL] = h
}

// Order returns the order of an out_trade_no.
func (s *Server) Order(outTradeNo string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copied(s.orders[outTradeNo])
}

// OrderByPrepayID returns the order that a prepay_id, old or current, was given for.
func (s *Server) OrderByPrepayID(prepayID string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copied(s.prepays[prepayID].order)
}

// OrderByCodeURL returns the order that a code_url, old or current, was given for.
func (s *Server) OrderByCodeURL(codeURL string) (Order, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return copied(s.codes[codeURL].order)
}

func copied(o *order) (Order, bool) {
	if o == nil {
		return Order{}, false
	}
	return o.Order, true
}

// Orders lists all orders, oldest first.
func (s *Server) Orders() []Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]Order, len(s.sequence))
	for i, o := range s.sequence {
		list[i] = o.Order
	}
	return list
}
