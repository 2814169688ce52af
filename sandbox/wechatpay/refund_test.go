package wechatpay

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// refundBody refunds all of PAID0001 as R1, with some fields replaced.
func (m *merchant) refundBody(changes map[string]any) string {
	m.t.Helper()
	body, err := alter([]byte(`{"out_trade_no":"PAID0001","out_refund_no":"R1","amount":{"refund":5000,"total":5000,"currency":"CNY"}}`), changes)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(body)
}

func (m *merchant) refund(changes map[string]any) answered {
	m.t.Helper()
	return m.call(http.MethodPost, "/v3/refund/domestic/refunds", m.refundBody(changes))
}

func TestRefundLimits(t *testing.T) {
	t.Parallel()
	c := &clock{now: noon}
	m := newMerchant(t, Config{Now: c.Now, RefundsByHand: true})
	m.order2("PAID0001")
	part := func(i int, fen int) answered {
		return m.refund(map[string]any{"out_refund_no": fmt.Sprintf("R%d", i), "amount.refund": fen})
	}
	if a := part(1, 10); a.status != 200 {
		t.Fatal(a.status, a.Code)
	}
	if a := part(2, 10); a.status != 429 || a.Code != "FREQUENCY_LIMITED" {
		t.Errorf("within a minute: %d %s", a.status, a.Code)
	}
	if a := part(1, 10); a.status != 200 {
		t.Errorf("same number at once: %d %s", a.status, a.Code)
	}
	if a := part(1, 11); a.status != 400 || a.Code != "INVALID_REQUEST" {
		t.Errorf("same number, other amount: %d %s", a.status, a.Code)
	}
	c.Add(time.Minute)
	if a := part(2, 4991); a.status != 400 || a.Code != "INVALID_REQUEST" {
		t.Errorf("sum over total: %d %s", a.status, a.Code)
	}
	for i := 2; i <= 50; i++ {
		if a := part(i, 10); a.status != 200 {
			t.Fatalf("refund %d: %d %s", i, a.status, a.Code)
		}
		c.Add(time.Minute)
	}
	if a := part(51, 10); a.status != 400 || a.Code != "INVALID_REQUEST" {
		t.Errorf("51st: %d %s", a.status, a.Code)
	}
	m.order2("OLD00001")
	c.Add(366 * 24 * time.Hour)
	if a := m.refund(map[string]any{"out_trade_no": "OLD00001", "out_refund_no": "OLD"}); a.status != 400 || a.Code != "INVALID_REQUEST" {
		t.Errorf("after a year: %d %s", a.status, a.Code)
	}
}

// order2 places and pays without the SDK, whose window does not follow a set clock.
func (m *merchant) order2(number string) {
	m.t.Helper()
	if a, _ := m.place("jsapi", map[string]any{"out_trade_no": number}); a.status != 200 {
		m.t.Fatal(a.status, a.Code)
	}
	m.mustPay(number)
}

// TestRefundOutcomes walks the states by hand and reads what the merchant is told.
func TestRefundOutcomes(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		steps   []string
		refused string // a step that is refused at the end
		order   string // state of the order afterwards
	}{
		{"Success", []string{"SUCCESS"}, "CLOSED", "REFUND"},
		{"Closed", []string{"CLOSED"}, "SUCCESS", "SUCCESS"},
		{"AbnormalThenSuccess", []string{"ABNORMAL", "SUCCESS"}, "ABNORMAL", "REFUND"},
		{"AbnormalThenClosed", []string{"ABNORMAL", "CLOSED"}, "PROCESSING", "SUCCESS"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{RefundsByHand: true, RefundNotifyURL: "http://unused.invalid/n"})
			m.paidOrder("PAID0001")
			if a := m.refund(map[string]any{"notify_url": m.notified.URL + "/refund"}); a.status != 200 {
				t.Fatal(a.status, a.Code)
			}
			for i, status := range tc.steps {
				if err := m.SettleRefund("R1", status); err != nil {
					t.Fatal(err)
				}
				m.quiet()
				d := m.Deliveries()[i+1]
				if d.EventType != "REFUND."+status || !d.OK() || d.OutRefundNo != "R1" || !strings.Contains(string(d.Plain), `"refund_status":"`+status+`"`) {
					t.Errorf("told %s %s", d.EventType, d.Plain)
				}
				var got struct {
					Status      string `json:"status"`
					SuccessTime string `json:"success_time"`
				}
				a := m.call(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
				if err := json.Unmarshal(a.body, &got); err != nil || got.Status != status || (got.SuccessTime != "") != (status == "SUCCESS") {
					t.Errorf("query: %s", a.body)
				}
			}
			if err := m.SettleRefund("R1", tc.refused); !errors.Is(err, ErrBadRefund) {
				t.Errorf("then %s: %v", tc.refused, err)
			}
			if o, _ := m.Order("PAID0001"); o.State != tc.order {
				t.Errorf("order is %s, want %s", o.State, tc.order)
			}
		})
	}
	m := newMerchant(t, Config{})
	if err := m.SettleRefund("R9", "SUCCESS"); !errors.Is(err, ErrUnknownRefund) {
		t.Errorf("%v", err)
	}
}

// TestRefundAfterClosed: money of a closed refund is free for another one.
func TestRefundAfterClosed(t *testing.T) {
	t.Parallel()
	c := &clock{now: noon}
	m := newMerchant(t, Config{Now: c.Now, RefundsByHand: true})
	m.order2("PAID0001")
	m.refund(nil)
	if err := m.SettleRefund("R1", "CLOSED"); err != nil {
		t.Fatal(err)
	}
	c.Add(time.Minute)
	if a := m.refund(map[string]any{"out_refund_no": "R2"}); a.status != 200 {
		t.Errorf("%d %s", a.status, a.Code)
	}
}

func TestPlatformRefund(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.paidOrder("PAID0001")
	m.cfg.RefundNotifyURL = m.notified.URL + "/refund"
	number, err := m.PlatformRefund("PAID0001", 2000)
	if err != nil {
		t.Fatal(err)
	}
	m.quiet()
	if d := m.Deliveries()[1]; d.OutRefundNo != number || d.EventType != "REFUND.SUCCESS" {
		t.Errorf("%+v", d)
	}
	if r := m.Refunds()[0]; r.Status != "SUCCESS" || r.RefundFen != 2000 {
		t.Errorf("%+v", r)
	}
	if _, err := m.PlatformRefund("PAID0001", 5000); !errors.Is(err, ErrBadRefund) {
		t.Errorf("too much: %v", err)
	}
	if _, err := m.PlatformRefund("UNKNOWN1", 1); !errors.Is(err, ErrUnknownOrder) {
		t.Errorf("unknown: %v", err)
	}
}

// TestRefundOfCoupon gives the payer back in proportion.
func TestRefundOfCoupon(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.order("PAID0001")
	if _, err := m.Pay(t.Context(), "PAID0001", "", PayOptions{PayerTotal: 4000, Wait: true}); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Amount refundAmount `json:"amount"`
	}
	if err := json.Unmarshal(m.refund(map[string]any{"amount.refund": 2500}).body, &got); err != nil {
		t.Fatal(err)
	}
	if a := got.Amount; a.Refund != 2500 || a.PayerTotal != 4000 || a.PayerRefund != 2000 || *a.DiscountRefund != 500 {
		t.Errorf("%+v", a)
	}
}
