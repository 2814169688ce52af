package wechatpay

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// PrepayID is the prepay_id inside Package, or nothing.
func (p BridgeParams) PrepayID() string {
	id, ok := strings.CutPrefix(p.Package, "prepay_id=")
	if !ok {
		return ""
	}
	return id
}

// PaySignOK checks what a page handed to WeixinJSBridge as WeChat does before it shows the cashier: the merchant's
// signature, the appid, and a prepay_id that is known and young. It returns ErrBadPaySign, ErrUnknownOrder or
// ErrPrepayExpired, with the field at fault.
// https://pay.weixin.qq.com/wiki/doc/apiv3/apis/chapter5_1_8.shtml
func (s *Server) PaySignOK(p BridgeParams) error {
	seconds, err := strconv.ParseInt(p.TimeStamp, 10, 64)
	switch {
	case p.AppID != s.cfg.AppID:
		return fmt.Errorf("%w: appId %q", ErrBadPaySign, p.AppID)
	case err != nil || len(p.TimeStamp) != 10 || seconds <= 0:
		return fmt.Errorf("%w: timeStamp %q is not ten digits", ErrBadPaySign, p.TimeStamp)
	case p.NonceStr == "" || len(p.NonceStr) > 32:
		return fmt.Errorf("%w: nonceStr has %d characters, not 1 to 32", ErrBadPaySign, len(p.NonceStr))
	case p.SignType != "RSA":
		return fmt.Errorf("%w: signType %q is not RSA", ErrBadPaySign, p.SignType)
	case p.PrepayID() == "":
		return fmt.Errorf("%w: package is not prepay_id=…", ErrBadPaySign)
	}
	text := p.AppID + "\n" + p.TimeStamp + "\n" + p.NonceStr + "\n" + p.Package + "\n"
	if err := verify(&s.keys.merchant.PublicKey, text, p.PaySign); err != nil {
		return fmt.Errorf("%w: %w", ErrBadPaySign, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.prepays[p.PrepayID()]
	if h.order == nil {
		return fmt.Errorf("%w: prepay_id", ErrUnknownOrder)
	}
	if !s.now().Before(h.until) {
		return ErrPrepayExpired
	}
	return nil
}

// Pay pays an order as the holder of openID and sends the notification, in the background unless PayOptions.Wait. An
// empty openID stands for the order's own payer, or for a stranger with a Native order. It returns WeChat's
// transaction_id, or ErrUnknownOrder, ErrPrepayExpired, ErrWrongPayer, ErrNotPayable or ErrBadAmount; with Wait also the
// context's error, when the payment is made all the same.
func (s *Server) Pay(ctx context.Context, prepayIDOrOutTradeNo, openID string, o PayOptions) (transactionID string, err error) {
	s.mu.Lock()
	h, ok := s.prepays[prepayIDOrOutTradeNo]
	if !ok {
		if named := s.orders[prepayIDOrOutTradeNo]; named != nil {
			h = handle{order: named, until: named.prepayTo}
		}
	}
	return s.pay(ctx, h, openID, o)
}

// PayCodeURL pays a Native order by the text of its QR code; it is Pay otherwise.
func (s *Server) PayCodeURL(ctx context.Context, codeURL, openID string, o PayOptions) (transactionID string, err error) {
	s.mu.Lock()
	return s.pay(ctx, s.codes[codeURL], openID, o)
}

// pay is entered with s.mu held and leaves it free.
func (s *Server) pay(ctx context.Context, h handle, openID string, opt PayOptions) (string, error) {
	o, answered, err := s.settle(h, openID, opt)
	s.mu.Unlock()
	if err != nil || !opt.Wait {
		return o.TransactionID, err
	}
	select {
	case <-answered:
		return o.TransactionID, nil
	case <-ctx.Done():
		return o.TransactionID, ctx.Err()
	}
}

// settle needs s.mu. The channel closes once the first copy of the notification was answered.
func (s *Server) settle(h handle, openID string, opt PayOptions) (Order, <-chan struct{}, error) {
	o, now := h.order, s.now()
	if o == nil {
		return Order{}, nil, ErrUnknownOrder
	}
	payable := o.State == "NOTPAY" && now.Before(o.ExpiresAt)
	switch {
	case !payable && !(opt.Late && o.TransactionID == ""):
		return Order{}, nil, ErrNotPayable
	case !opt.Late && !now.Before(h.until):
		return Order{}, nil, ErrPrepayExpired
	case o.OpenID != "" && openID != "" && o.OpenID != openID:
		return Order{}, nil, ErrWrongPayer
	case opt.PayerTotal < 0 || opt.PayerTotal > o.TotalFen:
		return Order{}, nil, ErrBadAmount
	}
	o.State = "SUCCESS"
	o.PaidAt = now
	o.PayerTotalFen = cmp.Or(opt.PayerTotal, o.TotalFen)
	if o.PayerOpenID = cmp.Or(openID, o.OpenID); o.PayerOpenID == "" {
		o.PayerOpenID = "o" + s.letters(27)
	}
	o.bankType = cmp.Or(opt.BankType, "OTHERS")
	o.TransactionID = s.fresh("4200000001"+now.Format("20060102"), func(id string) bool { return s.paid[id] != nil })
	s.paid[o.TransactionID] = o
	answered, err := s.announcePayment(o, now)
	return o.Order, answered, err
}

// Cancel notes that the payer closed the cashier. The order stays as it is, and nobody is told.
func (s *Server) Cancel(prepayIDOrOutTradeNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.prepays[prepayIDOrOutTradeNo].order
	if o == nil {
		o = s.orders[prepayIDOrOutTradeNo]
	}
	if o == nil {
		return ErrUnknownOrder
	}
	o.Cancelled++
	return nil
}

// noticeID makes the id of a notification. It may be called with or without s.mu.
func (s *Server) noticeID(now time.Time) string {
	return "EV-" + now.Format("20060102150405") + s.random(digits, 12)
}
