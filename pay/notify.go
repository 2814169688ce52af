package pay

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"xiaoka/ledger"
)

const (
	maxNotice = 64 << 10

	// noticeTime is what a notice may take; WeChat Pay counts 5 s as failed.
	noticeTime = 4500 * time.Millisecond

	// unknownGrace is how long a payment of a number that looks like ours but
	// is not in the books is asked for again before it becomes a case.
	unknownGrace = 5 * time.Minute
)

// errNotice: signed by WeChat Pay, but not a notice that can be read.
var errNotice = errors.New("wechatpay notice")

// Notify answers POST /wechatpay/notify
// (https://pay.weixin.qq.com/docs/merchant/apis/h5-payment/payment-notice.html).
// 204: in the books, now or before. 200: not for the program to credit, and
// kept as a case for a person. 401: not signed by WeChat Pay, or too old. 400
// and 413: not readable. 500: could not be stored. WeChat Pay repeats whatever
// is not 2xx for a day.
//
// Parsing is done here and not by the SDK's notify handler: that one reads the
// real clock, panics on a signed body without resource, and puts whole
// requests into its errors.
func (m *Merchant) Notify() http.Handler { return m.hear(m.paymentNotice) }

// hear serves notices whose verified bodies deal brings into the books.
func (m *Merchant) hear(deal func(ctx context.Context, body []byte) (status int, err error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), noticeTime)
		defer cancel()
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxNotice))
		if err != nil {
			status := http.StatusBadRequest
			if errors.As(err, new(*http.MaxBytesError)) {
				status = http.StatusRequestEntityTooLarge
			}
			refuse(w, status)
			return
		}
		status := http.StatusUnauthorized
		if err = m.keys.verify(ctx, r.Header, body); err == nil {
			status, err = deal(ctx, body)
		}
		if err != nil {
			m.cfg.Log.WarnContext(ctx, "notice not accepted", "status", status, "request_id", requestID(r.Header), "err", err)
			refuse(w, status)
			return
		}
		w.WriteHeader(status)
	})
}

// requestID is WeChat Pay's own name of an answer or a notice, for the log.
// Whoever calls may have written it, so only what an id can be is kept.
func requestID(h http.Header) string {
	id := h.Get("Request-Id")
	return strings.Map(func(r rune) rune {
		if r <= ' ' || r > '~' {
			return '?'
		}
		return r
	}, id[:min(len(id), 64)])
}

// refuse tells WeChat Pay to try again, and nobody why.
func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, `{"code":"FAIL","message":"失败"}`)
}

// paymentNotice deals with one verified notice and gives the status to answer
// with.
func (m *Merchant) paymentNotice(ctx context.Context, body []byte) (int, error) {
	p, ok, err := m.open(body)
	switch {
	case err != nil:
		return http.StatusBadRequest, err
	case !ok:
		m.cfg.Log.InfoContext(ctx, "notice of a kind that needs no act")
		return http.StatusOK, nil
	}
	aside, err := m.settle(ctx, p)
	if errors.Is(err, ledger.ErrUnknownOrder) && !m.mayAppear(p) {
		m.cfg.Log.ErrorContext(ctx, "payment of an unknown order", "attempt", p.OutTradeNo, "wx_transaction_id", p.WxTransactionID)
		aside, err = true, m.record(ctx, "unknown_order", p, "no such order here")
	}
	switch {
	case err != nil:
		return http.StatusInternalServerError, err
	case aside:
		return http.StatusOK, nil
	}
	return http.StatusNoContent, nil
}

// mayAppear: attempts are committed before WeChat Pay hears of them, so a
// number of ours that is missing means a replica that lags or a database that
// is being restored. WeChat Pay's repeats (15 s, 15 s, 30 s, 3 min, …) bridge
// that; after the grace a person must look.
func (m *Merchant) mayAppear(p ledger.Payment) bool {
	day, ours := numberDay(p.OutTradeNo)
	now := m.cfg.Now()
	return ours && now.Sub(day) < 48*time.Hour && now.Sub(p.SuccessTime) < unknownGrace
}

// open reads a verified payment notice; ok is false for one of another kind.
func (m *Merchant) open(body []byte) (p ledger.Payment, ok bool, err error) {
	event, plain, err := m.unseal(body, "TRANSACTION.SUCCESS")
	if err != nil || plain == nil {
		return p, false, err
	}
	var t payments.Transaction
	if err := json.Unmarshal(plain, &t); err != nil {
		return p, false, fmt.Errorf("%w: %s without a transaction", errNotice, event)
	}
	return payment(&t, "notify"), true, nil
}

// unseal decrypts the resource of a verified notice; plain is nil for an event
// that is none of those wanted.
func (m *Merchant) unseal(body []byte, wanted ...string) (event string, plain []byte, err error) {
	var n struct {
		EventType string `json:"event_type"`
		Resource  *struct {
			Algorithm      string `json:"algorithm"`
			Ciphertext     string `json:"ciphertext"`
			AssociatedData string `json:"associated_data"`
			Nonce          string `json:"nonce"`
		} `json:"resource"`
	}
	if err := json.Unmarshal(body, &n); err != nil {
		return "", nil, fmt.Errorf("%w: not JSON", errNotice)
	}
	switch {
	case n.EventType == "":
		return "", nil, fmt.Errorf("%w: no event_type", errNotice)
	case !slices.Contains(wanted, n.EventType):
		return n.EventType, nil, nil
	case n.Resource == nil:
		return "", nil, fmt.Errorf("%w: no resource", errNotice)
	case n.Resource.Algorithm != "AEAD_AES_256_GCM":
		return "", nil, fmt.Errorf("%w: unknown algorithm", errNotice)
	case len(n.Resource.Nonce) != m.aead.NonceSize(): // Open panics on any other length
		return "", nil, fmt.Errorf("%w: nonce of %d bytes", errNotice, len(n.Resource.Nonce))
	}
	sealed, err := base64.StdEncoding.DecodeString(n.Resource.Ciphertext)
	if err != nil {
		return "", nil, fmt.Errorf("%w: ciphertext is not base64", errNotice)
	}
	plain, err = m.aead.Open([]byte{}, []byte(n.Resource.Nonce), sealed, []byte(n.Resource.AssociatedData))
	if err != nil {
		return "", nil, fmt.Errorf("%w: does not decrypt with the APIv3 key", errNotice)
	}
	return n.EventType, plain, nil
}
