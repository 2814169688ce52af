package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wechatpay"
)

// WeChat Pay's notification never arrives and nobody looks at the page: the
// payment is in the books within two minutes all the same.
func TestLostNotification(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		no := m.orderNo(3000)
		p := m.callUp(no)
		if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtNotify, Kind: wechatpay.FaultLost}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.campus.Pay.Pay(m.context(), p.PrepayID(), h.campus.OpenID(m.Person), wechatpay.PayOptions{Wait: true}); err != nil {
			t.Fatal(err)
		}
		h.awaitLong("the push about a payment whose notification was lost", 2*time.Minute, func() bool { return m.count(campus.CardID, "已付款", "¥30.00") == 1 })
		if got := m.status(no); got != "paid" {
			t.Errorf("the order is %s", got)
		}
		m.claim("K01", ownPassword)
		h.proven()
	})
}

// Both numbers of one order are paid, as happens when a close loses the race:
// one is credited, the other goes back to the payer by itself.
func TestSecondAttemptPaid(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		no := m.orderNo(5000)
		first := m.callUp(no).PrepayID()
		if status, body := m.get("/h5/topup/orders/" + no + "/pay?channel=native"); status != http.StatusOK || !strings.Contains(body, "code_url") {
			t.Fatalf("pay by QR = %d %s", status, body)
		}
		pay := func(what string, o wechatpay.PayOptions) {
			t.Helper()
			if _, err := h.campus.Pay.Pay(m.context(), what, h.campus.OpenID(m.Person), o); err != nil {
				t.Fatal(err)
			}
		}
		pay(no+"-2", wechatpay.PayOptions{Wait: true})
		pay(first, wechatpay.PayOptions{Wait: true, Late: true})
		h.awaitLong("the refund of the payment nobody needed", 2*time.Minute, func() bool {
			all := h.campus.Pay.Refunds()
			return len(all) == 1 && all[0].Status == "SUCCESS" && all[0].OutTradeNo == no && all[0].RefundFen == 5000
		})
		m.told(campus.CardID, "已原路退款", "¥50.00")
		if got := m.status(no); got != "paid" {
			t.Errorf("the order is %s", got)
		}
		m.claim("K01", ownPassword)
		if chip := h.campus.Chip(m.Person).Peek(); chip.BalanceFen != 6250 {
			t.Errorf("the chip holds %d fen, want 6250", chip.BalanceFen)
		}
		if n := len(h.campus.Pay.Refunds()); n != 1 {
			t.Errorf("%d refunds", n)
		}
		h.proven()
	})
}
