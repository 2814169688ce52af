package wechatpay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// schedule holds the waits before the repeats of a notification that was not taken: 24 h 4 min in all.
// https://pay.weixin.qq.com/docs/merchant/apis/h5-payment/payment-notice.html
var schedule = [...]time.Duration{
	15 * time.Second, 15 * time.Second, 30 * time.Second,
	3 * time.Minute, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 30 * time.Minute, 30 * time.Minute, time.Hour,
	3 * time.Hour, 3 * time.Hour, 3 * time.Hour, 6 * time.Hour, 6 * time.Hour,
}

// notice is one thing to tell the merchant, in as many copies as it takes.
type notice struct {
	RawNotification
	at          Point
	outTradeNo  string
	outRefundNo string
	note        string // of a mishap
}

// announcePayment tells the merchant that an order was paid; it needs s.mu. The channel closes once the first copy was
// answered.
func (s *Server) announcePayment(o *order, now time.Time) (<-chan struct{}, error) {
	plain, err := json.Marshal(s.transaction(o))
	if err != nil {
		return nil, err
	}
	o.notice = notice{at: AtNotify, outTradeNo: o.OutTradeNo, RawNotification: RawNotification{
		ID: s.noticeID(now), EventType: "TRANSACTION.SUCCESS", URL: o.NotifyURL, Plain: plain, created: now,
	}}
	return s.announce(o.notice), nil
}

// announce needs s.mu.
func (s *Server) announce(n notice) <-chan struct{} {
	answered := make(chan struct{})
	if s.closed {
		close(answered)
		return answered
	}
	s.background(func(ctx context.Context) {
		first := sync.OnceFunc(func() { close(answered) })
		defer first()
		for i := range len(schedule) + 1 {
			if i > 0 && !sleep(ctx, s.scaled(schedule[i-1])) {
				return
			}
			if taken := s.sendCopy(ctx, n, i+1); taken || ctx.Err() != nil {
				return
			}
			first()
		}
	})
	return answered
}

// sendCopy sends one copy of a notice, or what a fault makes of it, and reports whether that was the last one.
func (s *Server) sendCopy(ctx context.Context, n notice, number int) bool {
	f := s.strike(n.at, n.outTradeNo)
	n.SignedBy = s.noticeSigner()
	if number > 1 && s.cfg.Unconfirmed.FreshNoticeIDs {
		n.ID = s.noticeID(s.Now())
	}
	copies := 1
	if f.Kind == "" && number == 1 {
		var goOn bool
		if copies, goOn = s.mishapOf(ctx, &n); !goOn {
			return true
		}
	}
	switch f.Kind {
	case FaultLost:
		return true
	case FaultTwice:
		copies = 2
	case FaultLate:
		if !sleep(ctx, f.Delay) {
			return true
		}
	case FaultBadSignature, FaultSignTest, FaultUnknownSerial, FaultUnsigned:
		n.Signature = Signature(f.Kind)
	case FaultStale:
		n.Skew = -staleBy
	case FaultFuture:
		n.Skew = staleBy
	case FaultWrongKey:
		n.APIv3Key = s.letters(32)
	case FaultAlter:
		altered, err := alter(n.Plain, f.Alter)
		if err != nil {
			s.cfg.Log.Error("notification cannot be altered", "err", err)
		} else {
			n.Plain = altered
		}
	}
	taken := make([]bool, copies)
	var wg sync.WaitGroup
	for i := range copies {
		wg.Go(func() {
			taken[i] = s.sendOnce(ctx, n, number)
		})
	}
	wg.Wait()
	return slices.Contains(taken, true)
}

// sendOnce sends one copy and reports whether it was taken.
func (s *Server) sendOnce(ctx context.Context, n notice, number int) bool {
	d, err := s.send(ctx, n, number)
	if err != nil {
		s.cfg.Log.Error("notification cannot be made", "err", err)
	}
	return d.OK()
}

func (s *Server) noticeSigner() Signer {
	if s.cfg.NotifyWith != ByTurns {
		return s.cfg.NotifyWith
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.turn++
	return Signer(s.turn % 2)
}

// send composes, signs and posts one copy. Its error is about the making; what went wrong on the way is in the Delivery.
func (s *Server) send(ctx context.Context, n notice, number int) (Delivery, error) {
	header, body, err := s.compose(n.RawNotification)
	if err != nil {
		return Delivery{}, err
	}
	return s.post(ctx, Delivery{
		ID: n.ID, EventType: n.EventType, OutTradeNo: n.outTradeNo, OutRefundNo: n.outRefundNo,
		URL: n.URL, Copy: number, Header: header, Body: body, Plain: n.Plain, Note: n.note, close: n.close,
	}), nil
}

// maxAnswer is as much of a merchant's answer as is kept.
const maxAnswer = 64 << 10

// post sends the bytes of d and notes the outcome.
func (s *Server) post(ctx context.Context, d Delivery) Delivery {
	d.At = s.Now()
	began := time.Now()
	header, err := func() (http.Header, error) {
		ctx, cancel := context.WithTimeout(ctx, s.cfg.NotifyTimeout)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, d.URL, bytes.NewReader(d.Body))
		if err != nil {
			return nil, err
		}
		req.Header = d.Header.Clone()
		req.Close = d.close
		resp, err := s.cfg.HTTP.Do(req)
		if err != nil {
			return nil, err
		}
		defer resp.Body.Close()
		answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err != nil {
			return nil, err
		}
		d.Status, d.Answer = resp.StatusCode, string(answer)
		return resp.Header, nil
	}()
	if err != nil {
		d.Err = err.Error()
	}
	d.Took = time.Since(began)
	s.note(d)
	s.trace(Exchange{
		At: d.At, Took: d.Took, Outgoing: true, Method: http.MethodPost, URL: d.URL, Status: d.Status,
		RequestHeader: d.Header, Request: string(d.Body), ResponseHeader: header, Response: readable([]byte(d.Answer)), Plain: string(d.Plain),
		Note: d.Note,
	})
	return d
}

// mostDeliveries bounds what a long load test leaves in memory.
const mostDeliveries = 10_000

func (s *Server) note(d Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.deliveries) >= mostDeliveries {
		s.deliveries = slices.Delete(s.deliveries, 0, mostDeliveries/10)
	}
	s.deliveries = append(s.deliveries, d)
}

// Deliveries lists the copies of notifications sent so far, oldest first: the last 9,000 at least.
func (s *Server) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.deliveries)
}

// ResendNotification sends the payment notification of a paid order again, freshly signed, with the usual repeats. It
// returns ErrUnknownOrder for an order that is unknown or unpaid.
func (s *Server) ResendNotification(outTradeNo string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.orders[outTradeNo]
	if o == nil || o.notice.ID == "" {
		return ErrUnknownOrder
	}
	s.announce(o.notice)
	return nil
}

// alter sets fields of a JSON object, named by dotted paths; a nil value removes one.
func alter(plain []byte, changes map[string]any) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(plain))
	d.UseNumber()
	var root map[string]any
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("wechatpay: resource is no object: %w", err)
	}
	for path, value := range changes {
		at := root
		names := strings.Split(path, ".")
		for _, name := range names[:len(names)-1] {
			inner, ok := at[name].(map[string]any)
			if !ok {
				return nil, errors.New("wechatpay: no object at " + path)
			}
			at = inner
		}
		last := names[len(names)-1]
		if value == nil {
			delete(at, last)
			continue
		}
		at[last] = value
	}
	return json.Marshal(root)
}
