package wechatpay

import (
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
)

// TestConcurrentOrders: many calls under one number make one order, many payers pay it once.
func TestConcurrentOrders(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	body := m.orderBody(nil)
	var wg sync.WaitGroup
	var ids sync.Map
	for range 10 {
		r := m.request(http.MethodPost, "/v3/pay/transactions/jsapi", body)
		wg.Go(func() {
			if a := m.do(r); a.status == 200 {
				ids.Store(string(a.body), true)
			}
		})
	}
	wg.Wait()
	n := 0
	ids.Range(func(any, any) bool { n++; return true })
	if n != 1 || len(m.Orders()) != 1 {
		t.Fatalf("%d prepay_ids and %d orders", n, len(m.Orders()))
	}
	var paid atomic.Int32
	for range 10 {
		wg.Go(func() {
			_, err := m.Pay(t.Context(), "CC20260101000001", "", PayOptions{Wait: true})
			switch {
			case err == nil:
				paid.Add(1)
			case !errors.Is(err, ErrNotPayable):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	m.quiet()
	if paid.Load() != 1 || m.received() != 1 {
		t.Errorf("paid %d times, %d notifications", paid.Load(), m.received())
	}
}

// TestConcurrentRefunds: one number refunds once.
func TestConcurrentRefunds(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.paidOrder("PAID0001")
	var wg sync.WaitGroup
	for range 10 {
		r := m.request(http.MethodPost, "/v3/refund/domestic/refunds", m.refundBody(nil))
		wg.Go(func() {
			if a := m.do(r); a.status != 200 {
				t.Errorf("%d %s", a.status, a.Code)
			}
		})
	}
	wg.Wait()
	if n := len(m.Refunds()); n != 1 {
		t.Errorf("%d refunds", n)
	}
}
