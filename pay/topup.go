package pay

import (
	"context"
	"encoding/base32"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"time"

	"xiaoka/ledger"
)

const (
	// prepayLife is how long a prepay_id or code_url is handed out again;
	// WeChat Pay keeps both for two hours.
	prepayLife = 110 * time.Minute

	// maxAttempts bounds the numbers of one order at WeChat Pay. Nobody changes
	// channel that often; a fault that burns numbers must end.
	maxAttempts = 20
)

// JSAPIParams is what the page hands to WeixinJSBridge, getBrandWCPayRequest
// (https://pay.weixin.qq.com/wiki/doc/apiv3/apis/chapter5_1_8.shtml). It pays
// one order, so it belongs in no log.
type JSAPIParams struct {
	AppID     string `json:"appId"`
	TimeStamp string `json:"timeStamp"`
	NonceStr  string `json:"nonceStr"`
	Package   string `json:"package"`
	SignType  string `json:"signType"`
	PaySign   string `json:"paySign"`
}

// Create writes an order of amount fen for the person's campus card, payable
// until expire from now. WeChat Pay hears of it only when the payer asks for a
// way to pay. The error is [ErrAmount] outside the limits.
func (m *Merchant) Create(ctx context.Context, person ledger.Person, amount ledger.Fen, expire time.Duration) (ledger.Order, error) {
	if amount < m.cfg.Min || amount > m.cfg.Max {
		return ledger.Order{}, ErrAmount
	}
	now := m.cfg.Now()
	number, err := m.newNumber(now)
	if err != nil {
		return ledger.Order{}, err
	}
	o := ledger.Order{
		OutTradeNo: number,
		PersonID:   person.ID,
		CardID:     person.CardID,
		Amount:     amount,
		State:      ledger.OrderCreated,
		CreatedAt:  now,
		ExpiresAt:  now.Add(expire).Truncate(time.Second),
	}
	if err := m.cfg.Store.CreateOrder(ctx, o); err != nil {
		return ledger.Order{}, fmt.Errorf("create order: %w", err)
	}
	return o, nil
}

// CallUp gives what the page needs to pay the order inside WeChat or WeCom.
// openID is the payer's under our app id. Errors: [ErrPaid], [ErrClosed],
// [ErrPaying], [ErrTryLater], [ErrOpenID], [ErrRefused].
func (m *Merchant) CallUp(ctx context.Context, o ledger.Order, openID string) (JSAPIParams, error) {
	if openID == "" {
		return JSAPIParams{}, ErrOpenID
	}
	a, err := m.payable(ctx, o, ledger.JSAPI, openID)
	if err != nil {
		return JSAPIParams{}, err
	}
	return m.sign(ctx, a)
}

// QR gives the text of the QR code that pays the order from WeChat's scanner;
// to be encoded whole. Errors as for [Merchant.CallUp].
func (m *Merchant) QR(ctx context.Context, o ledger.Order) (codeURL string, err error) {
	a, err := m.payable(ctx, o, ledger.Native, "")
	return a.CodeURL, err
}

// sign makes the call-up of an attempt whose prepay_id is known. signType is
// not part of the signed text.
func (m *Merchant) sign(ctx context.Context, a ledger.Attempt) (JSAPIParams, error) {
	var b [20]byte
	m.random.Lock()
	_, err := io.ReadFull(m.cfg.Rand, b[:])
	m.random.Unlock()
	if err != nil {
		return JSAPIParams{}, fmt.Errorf("call-up nonce: %w", err)
	}
	p := JSAPIParams{
		AppID:     a.AppID,
		TimeStamp: strconv.FormatInt(m.cfg.Now().Unix(), 10),
		NonceStr:  base32.StdEncoding.EncodeToString(b[:]),
		Package:   "prepay_id=" + a.PrepayID,
		SignType:  "RSA",
	}
	s, err := m.client.Sign(ctx, p.AppID+"\n"+p.TimeStamp+"\n"+p.NonceStr+"\n"+p.Package+"\n")
	if err != nil {
		return JSAPIParams{}, fmt.Errorf("sign call-up: %w", err)
	}
	p.PaySign = s.Signature
	return p, nil
}

// payable finds or makes the one attempt that may be paid now. A step either
// answers or changes the books (a number closed, a row added) and is followed
// by another look at them; two changes and a race lost to another request are
// the most that an honest order can need.
func (m *Merchant) payable(ctx context.Context, o ledger.Order, ch ledger.PayChannel, openID string) (ledger.Attempt, error) {
	switch o.State {
	case ledger.OrderPaid, ledger.OrderRefunded:
		return ledger.Attempt{}, ErrPaid
	case ledger.OrderClosed:
		return ledger.Attempt{}, ErrClosed
	}
	if !m.cfg.Now().Before(o.ExpiresAt) {
		if err := m.endOrder(ctx, o); err != nil {
			return ledger.Attempt{}, err
		}
		return ledger.Attempt{}, ErrClosed
	}
	for range 5 {
		attempts, err := m.cfg.Store.Attempts(ctx, o.OutTradeNo)
		if err != nil {
			return ledger.Attempt{}, fmt.Errorf("attempts of %s: %w", o.OutTradeNo, err)
		}
		var last ledger.Attempt
		if len(attempts) > 0 {
			last = attempts[len(attempts)-1]
		}
		switch {
		case last.N == 0 || last.State == ledger.AttemptClosed:
			err = m.add(ctx, o, last.N+1, ch, openID)
			if errors.Is(err, ledger.ErrConflict) {
				err = nil // another request was quicker; its row is as good
			}
		case last.State == ledger.AttemptPaid || last.State == ledger.AttemptRefunded:
			err = ErrPaid
		case last.State == ledger.AttemptClosing || last.Channel != ch || last.OpenID != openID:
			err = m.giveUp(ctx, last)
		default:
			var used bool
			last, used, err = m.prepaid(ctx, last)
			if err == nil && !used {
				return last, nil
			}
		}
		if err != nil {
			return ledger.Attempt{}, err
		}
	}
	return ledger.Attempt{}, ErrTryLater
}

// add writes the row of the order's n-th number, before WeChat Pay can know
// it: a notification must always find its attempt.
func (m *Merchant) add(ctx context.Context, o ledger.Order, n int, ch ledger.PayChannel, openID string) error {
	if n > maxAttempts {
		m.cfg.Log.ErrorContext(ctx, "order needs too many numbers at WeChat Pay", "order", o.OutTradeNo)
		return ErrRefused
	}
	number := o.OutTradeNo
	if n > 1 {
		number += "-" + strconv.Itoa(n)
	}
	err := m.cfg.Store.CreateAttempt(ctx, ledger.Attempt{
		OutTradeNo:  number,
		OrderNo:     o.OutTradeNo,
		N:           n,
		PersonID:    o.PersonID,
		Amount:      o.Amount,
		Channel:     ch,
		AppID:       m.cfg.AppID,
		OpenID:      openID,
		Description: m.cfg.Description,
		State:       ledger.AttemptCreated,
		CreatedAt:   m.cfg.Now(),
		ExpiresAt:   o.ExpiresAt,
	})
	if err != nil {
		return fmt.Errorf("create attempt %s: %w", number, err)
	}
	return nil
}

// giveUp ends an attempt so that the next number may be used.
func (m *Merchant) giveUp(ctx context.Context, a ledger.Attempt) error {
	w, err := m.endAttempt(ctx, a)
	switch {
	case err != nil:
		return m.tell(ctx, a, err)
	case w == wordPaid:
		return ErrPaid
	case w != wordClosed:
		return ErrPaying
	}
	return nil
}

// prepaid returns the attempt with a fresh prepay_id or code_url, ordering it
// if needed. used means that WeChat Pay takes no more orders under the number
// and that the books now say so.
func (m *Merchant) prepaid(ctx context.Context, a ledger.Attempt) (_ ledger.Attempt, used bool, err error) {
	if (a.PrepayID != "" || a.CodeURL != "") && m.cfg.Now().Sub(a.PrepaidAt) < prepayLife {
		return a, false, nil
	}
	prepayID, codeURL, err := m.order(ctx, a)
	if failed(err, unknownResult) && pause(ctx, 150*time.Millisecond) {
		prepayID, codeURL, err = m.order(ctx, a)
	}
	switch {
	case failed(err, numberUsed, alreadyPaid, alreadyClosed):
		// Paid, closed, or ordered with other parameters (a notify address
		// that has changed since). Only the query tells; and only a closed
		// number makes way for the next.
		m.cfg.Log.WarnContext(ctx, "number is used at WeChat Pay", "attempt", a.OutTradeNo, "err", err)
		return a, true, m.giveUp(ctx, a)
	case err != nil:
		return a, false, m.tell(ctx, a, err)
	}
	if err := m.cfg.Store.SavePrepay(ctx, a.OutTradeNo, prepayID, codeURL, m.cfg.Now()); err != nil {
		return a, false, fmt.Errorf("save prepay of %s: %w", a.OutTradeNo, err)
	}
	// Another request may have begun to close this number meanwhile; then
	// nothing that could pay it may go out.
	a, err = m.cfg.Store.Attempt(ctx, a.OutTradeNo)
	switch {
	case err != nil:
		return a, false, fmt.Errorf("attempt %s: %w", a.OutTradeNo, err)
	case a.State == ledger.AttemptPaid || a.State == ledger.AttemptRefunded:
		return a, false, ErrPaid
	case a.State != ledger.AttemptOpen:
		return a, false, ErrPaying
	}
	return a, false, nil
}

// tell turns a failed call into what the payer is told, and logs it for the
// operator: what only a person can mend as an error.
func (m *Merchant) tell(ctx context.Context, a ledger.Attempt, err error) error {
	var ce *callError
	if !errors.As(err, &ce) {
		return err
	}
	told, level := ErrTryLater, m.cfg.Log.WarnContext
	switch ce.kind {
	case badOpenID:
		told = ErrOpenID
	case refusedByRule:
		told = ErrRefused
	case misconfigured:
		told, level = ErrRefused, m.cfg.Log.ErrorContext
	case userPaying:
		told = ErrPaying
	}
	level(ctx, "WeChat Pay call failed", "attempt", a.OutTradeNo, "err", err)
	return told
}

// pause waits d to 2d and reports whether there is time left for another try.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d + rand.N(d))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
