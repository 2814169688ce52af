package wechatpay

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"xiaoka/sandbox/mishap"
)

// envelope is the body of a notification.
// https://pay.weixin.qq.com/docs/merchant/apis/h5-payment/payment-notice.html
type envelope struct {
	ID           string  `json:"id"`
	CreateTime   string  `json:"create_time"`
	ResourceType string  `json:"resource_type"`
	EventType    string  `json:"event_type"`
	Summary      string  `json:"summary"`
	Resource     *sealed `json:"resource,omitempty"`
}

var summaries = map[string]string{
	"TRANSACTION.SUCCESS": "支付成功", "REFUND.SUCCESS": "退款成功", "REFUND.ABNORMAL": "退款异常", "REFUND.CLOSED": "退款关闭",
}

// compose seals and signs a notification as its fields say.
func (s *Server) compose(n RawNotification) (http.Header, []byte, error) {
	body, err := s.envelope(n)
	if err != nil {
		return nil, nil, err
	}
	if n.stir != nil {
		body = mishap.JSON(n.stir, body)
	}
	header, err := s.signedHeader(n.SignedBy, n.Signature, n.Skew, body)
	if err != nil {
		return nil, nil, err
	}
	header.Set("Content-Type", "application/json")
	header.Set("User-Agent", "Mozilla/4.0")
	header.Set("Pragma", "no-cache")
	header.Set("Accept", "*/*")
	header.Set("Request-ID", "08"+s.random(hexadecimal, 30))
	if n.OmitHeader != "" {
		header.Del(n.OmitHeader)
	}
	return header, slices.Concat(body, n.AfterSigned), nil
}

func (s *Server) envelope(n RawNotification) ([]byte, error) {
	if n.Envelope != nil {
		return n.Envelope, nil
	}
	event := cmp.Or(n.EventType, "TRANSACTION.SUCCESS")
	original := "transaction"
	if strings.HasPrefix(event, "REFUND.") {
		original = "refund"
	}
	original = cmp.Or(n.OriginalType, original)
	created := n.created
	if created.IsZero() {
		created = s.Now()
	}
	e := envelope{
		ID: cmp.Or(n.ID, s.noticeID(created)), CreateTime: created.Format(time.RFC3339),
		ResourceType: "encrypt-resource", EventType: event, Summary: summaries[event],
	}
	if n.NoResource {
		return json.Marshal(e)
	}
	r, err := seal(cmp.Or(n.APIv3Key, s.cfg.APIv3Key), s.letters(12), original, n.Plain)
	if err != nil {
		return nil, err
	}
	r.OriginalType = original
	r.Algorithm = cmp.Or(n.Algorithm, r.Algorithm)
	r.AssociatedData = cmp.Or(n.ClaimAAD, r.AssociatedData)
	r.Nonce = cmp.Or(n.ClaimNonce, r.Nonce)
	if n.BreakTag {
		r.Ciphertext = breakTag(r.Ciphertext)
	}
	e.Resource = &r
	return json.Marshal(e)
}

// NotifyRaw sends one notification made to measure, once, and returns what came back; a receiver that could not be
// reached is in Delivery.Err. It returns ErrUnknownOrder when there is neither a URL nor an order that Plain names.
func (s *Server) NotifyRaw(ctx context.Context, n RawNotification) (Delivery, error) {
	var named struct {
		OutTradeNo  string `json:"out_trade_no"`
		OutRefundNo string `json:"out_refund_no"`
	}
	if json.Unmarshal(n.Plain, &named) != nil {
		named.OutTradeNo = "" // Plain may be anything; then URL says where to
	}
	if n.URL == "" {
		o, ok := s.Order(named.OutTradeNo)
		if !ok {
			return Delivery{}, ErrUnknownOrder
		}
		n.URL = o.NotifyURL
	}
	n.EventType = cmp.Or(n.EventType, "TRANSACTION.SUCCESS")
	n.ID = cmp.Or(n.ID, s.noticeID(s.Now()))
	return s.send(ctx, notice{RawNotification: n, outTradeNo: named.OutTradeNo, outRefundNo: named.OutRefundNo}, 1)
}

// Replay sends the very bytes of a delivery again, headers and all.
func (s *Server) Replay(ctx context.Context, d Delivery) (Delivery, error) {
	d.Copy, d.Status, d.Answer, d.Err = d.Copy+1, 0, "", ""
	return s.post(ctx, d), ctx.Err()
}
