package pay_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

// credited gives a shop with one paid order.
func credited(t testing.TB, change ...func(*pay.Config)) (*shop, ledger.Order) {
	t.Helper()
	s, o := ordered(t, change...)
	s.wx.pay(o.OutTradeNo)
	s.tick(t, 30*time.Second)
	if s.books.credits[o.OutTradeNo] != 1 {
		t.Fatal("the order is not paid")
	}
	s.wx.took()
	return s, o
}

// run lets the refund job run every 30 seconds for d.
func (s *shop) run(t testing.TB, d time.Duration) {
	t.Helper()
	for range int(d / (30 * time.Second)) {
		s.clock.add(30 * time.Second)
		if err := s.Refunds(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

func (s *shop) refundPost(body []byte) int {
	r := httptest.NewRequest("POST", "/wechatpay/refund-notify", bytes.NewReader(body))
	maps.Copy(r.Header, platformHeader(platformKey(), keyID, s.clock.now(), body))
	w := httptest.NewRecorder()
	s.RefundNotify().ServeHTTP(w, r)
	return w.Code
}

func TestRefunds(t *testing.T) {
	t.Parallel()
	s, o := credited(t, func(c *pay.Config) { c.RefundNotifyURL = "https://card.example.edu.cn/wechatpay/refund-notify" })
	r := s.books.begin(o.OutTradeNo, s.clock.now())
	s.run(t, 30*time.Second)
	if got, want := s.wx.took(), "refund "+r.OutRefundNo; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
	sent := s.wx.refunds[r.OutRefundNo].request
	for _, part := range []string{`"out_refund_no":"R1-` + o.OutTradeNo + `"`, `"refund":5000`, `"total":5000`, `"currency":"CNY"`,
		`"notify_url":"https://card.example.edu.cn/wechatpay/refund-notify"`, `"reason":"校园卡充值退款"`} {
		if !strings.Contains(sent, part) {
			t.Errorf("the request lacks %s: %s", part, sent)
		}
	}
	if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundProcessing {
		t.Fatalf("the refund is %s", got)
	}
	s.wx.end(r.OutRefundNo, "SUCCESS")
	s.run(t, time.Minute)
	if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundDone {
		t.Fatalf("the refund is %s though its notification only was lost", got)
	}
	s.wx.took()
	s.run(t, time.Hour)
	if got := s.wx.took(); got != "" {
		t.Errorf("an ended refund is asked about: %s", got)
	}
}

// Whatever goes wrong on the way, the number stays the same and WeChat Pay
// refunds once.
func TestRefunds_Faults(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call    string
		answers []canned
		kind    string // case for a person
		within  time.Duration
	}{
		"AnswerLost":      {"refund", []canned{{hangUp: true, after: true}}, "", 2 * time.Minute},
		"NeverArrived":    {"refund", []canned{{hangUp: true}, {hangUp: true}}, "", 5 * time.Minute},
		"AnswerUnsigned":  {"refund", []canned{{unsigned: true, after: true}}, "", 2 * time.Minute},
		"AnswerForged":    {"refund", []canned{{forged: true, after: true}}, "", 2 * time.Minute},
		"SystemError":     {"refund", []canned{apiError(500, "SYSTEM_ERROR"), apiError(500, "SYSTEM_ERROR")}, "", 5 * time.Minute},
		"Busy":            {"refund", []canned{apiError(429, "FREQUENCY_LIMITED")}, "", 5 * time.Minute},
		"NotEnough":       {"refund", []canned{apiError(403, "NOT_ENOUGH")}, "refund_refused", 30 * time.Minute},
		"InvalidRequest":  {"refund", []canned{apiError(400, "INVALID_REQUEST")}, "refund_refused", 30 * time.Minute},
		"AccountAbnormal": {"refund", []canned{apiError(403, "USER_ACCOUNT_ABNORMAL")}, "refund_refused", 30 * time.Minute},
		"Misconfigured":   {"refund", []canned{apiError(401, "SIGN_ERROR")}, "refund_refused", 30 * time.Minute},
		"ForgedNotFound":  {"refundquery", []canned{apiError(404, "RESOURCE_NOT_EXISTS")}, "", 5 * time.Minute},
		"QuerySlow":       {"refundquery", []canned{apiError(500, "SYSTEM_ERROR"), {hangUp: true}}, "", 10 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := credited(t)
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.wx.fault(c.call, c.answers...)
			for end := s.clock.now().Add(c.within); s.books.refundState(r.OutRefundNo) != ledger.RefundDone; {
				if s.clock.now().After(end) {
					t.Fatalf("the refund is %s after %s: %s\n%s", s.books.refundState(r.OutRefundNo), c.within, s.wx.took(), s.log)
				}
				s.run(t, 30*time.Second)
				if s.wx.refundCount() > 0 && s.wx.faultsLeft(c.call) == 0 {
					s.wx.end(r.OutRefundNo, "SUCCESS")
				}
			}
			if n := s.wx.refundCount(); n != 1 {
				t.Errorf("%d refunds at WeChat Pay", n)
			}
			if got := strings.Join(s.books.caseKinds(), " "); got != c.kind {
				t.Errorf("cases %q, want %q", got, c.kind)
			}
		})
	}
}

// The notify address has changed since the refund was sent: the same number
// with other parameters is refused, and the query tells how it stands.
func TestRefunds_OtherParameters(t *testing.T) {
	t.Parallel()
	s, o := credited(t)
	r := s.books.begin(o.OutTradeNo, s.clock.now())
	s.wx.refunds[r.OutRefundNo] = &wxRefund{request: "under another address", outTradeNo: o.OutTradeNo, txID: s.wx.orders[o.OutTradeNo].txID,
		id: "50300", status: "SUCCESS", amount: 5000, total: 5000, created: s.clock.now(), succeded: s.clock.now()}
	s.run(t, 30*time.Second)
	if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundDone {
		t.Errorf("the refund is %s: %s", got, s.wx.took())
	}
}

func TestRefunds_Outcomes(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]ledger.RefundState{"CLOSED": ledger.RefundClosed, "ABNORMAL": ledger.RefundAbnormal} {
		t.Run(status, func(t *testing.T) {
			t.Parallel()
			s, o := credited(t)
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.end(r.OutRefundNo, status)
			s.run(t, time.Minute)
			if got := s.books.refundState(r.OutRefundNo); got != want {
				t.Fatalf("the refund is %s, want %s", got, want)
			}
			if want == ledger.RefundAbnormal { // the bank clears it after all
				s.wx.end(r.OutRefundNo, "SUCCESS")
				s.run(t, 10*time.Minute)
				if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundDone {
					t.Errorf("the refund is %s", got)
				}
			}
		})
	}
}

// A refund that stays under way for days is asked about less and less.
func TestRefunds_AsksInMeasure(t *testing.T) {
	t.Parallel()
	s, o := credited(t)
	s.books.begin(o.OutTradeNo, s.clock.now())
	s.run(t, 24*time.Hour)
	if n := strings.Count(s.wx.took(), "refundquery"); n < 12 || n > 25 {
		t.Errorf("%d queries in a day", n)
	}
}

// WeChat Pay is down: one round does not hammer it.
func TestRefunds_GivesUpARound(t *testing.T) {
	t.Parallel()
	s := open(t)
	for range 20 {
		o := s.newOrder(t)
		if _, err := s.CallUp(t.Context(), o, openID); err != nil {
			t.Fatal(err)
		}
		s.wx.pay(o.OutTradeNo)
		s.tick(t, 30*time.Second)
		s.books.begin(o.OutTradeNo, s.clock.now())
	}
	s.wx.took()
	down := apiError(500, "SYSTEM_ERROR")
	down.perpetual = true
	s.wx.fault("refund", down)
	s.run(t, 30*time.Second)
	if n := strings.Count(s.wx.took(), "refund "); n > 6 {
		t.Errorf("%d failing calls in one round", n)
	}
	s.wx.heal()
	s.run(t, 3*time.Minute)
	if n := len(s.wx.refunds); n != 20 {
		t.Errorf("%d of 20 refunds were sent", n)
	}
}

// Two numbers of one order are paid after all: one is credited, the other goes
// back in full, by itself and once.
func TestRefunds_SecondAttemptPaid(t *testing.T) {
	t.Parallel()
	s, o := credited(t)
	second := ledger.Attempt{OutTradeNo: o.OutTradeNo + "-2", OrderNo: o.OutTradeNo, N: 2, Amount: 5000, AppID: appID, State: ledger.AttemptOpen,
		CreatedAt: s.clock.now(), ExpiresAt: o.ExpiresAt}
	if err := s.books.CreateAttempt(t.Context(), second); err != nil {
		t.Fatal(err)
	}
	s.wx.orders[second.OutTradeNo] = &wxOrder{total: 5000, state: "NOTPAY"}
	s.wx.pay(second.OutTradeNo)
	s.tick(t, time.Minute)
	s.run(t, time.Minute)
	no := ledger.RefundNo(second.OutTradeNo, 1)
	s.wx.end(no, "SUCCESS")
	s.run(t, 5*time.Minute)
	if s.books.credits[o.OutTradeNo] != 1 || s.books.refundState(no) != ledger.RefundDone || len(s.wx.refunds) != 1 {
		t.Errorf("credits %v, refund %s, %d refunds at WeChat Pay", s.books.credits, s.books.refundState(no), len(s.wx.refunds))
	}
	if !strings.Contains(s.wx.refunds[no].request, "重复或与订单不符的付款退回") {
		t.Errorf("the payer reads %s", s.wx.refunds[no].request)
	}
}

// sent gives a shop with one refund that WeChat Pay has.
func sent(t testing.TB) (*shop, ledger.Refund) {
	t.Helper()
	s, o := credited(t)
	r := s.books.begin(o.OutTradeNo, s.clock.now())
	s.run(t, 30*time.Second)
	s.wx.took()
	return s, r
}

func TestRefundNotify(t *testing.T) {
	t.Parallel()
	s, r := sent(t)
	s.wx.end(r.OutRefundNo, "SUCCESS")
	for i := range 3 {
		if status := s.refundPost(s.wx.notice(r.OutRefundNo, nil)); status != 204 {
			t.Errorf("delivery %d: %d", i, status)
		}
	}
	if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundDone {
		t.Errorf("the refund is %s", got)
	}
	if got := s.wx.took(); got != "" {
		t.Errorf("asked %s about a signed SUCCESS", got)
	}
}

// What is not SUCCESS may be old: the state at WeChat Pay decides, not the
// notice.
func TestRefundNotify_OldNotices(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		said, is string
		event    string
		want     ledger.RefundState
	}{
		"Closed":              {"CLOSED", "CLOSED", "", ledger.RefundClosed},
		"Abnormal":            {"ABNORMAL", "ABNORMAL", "", ledger.RefundAbnormal},
		"ClosedButDone":       {"CLOSED", "SUCCESS", "", ledger.RefundDone},
		"AbnormalButDone":     {"ABNORMAL", "SUCCESS", "", ledger.RefundDone},
		"AbnormalButClosed":   {"ABNORMAL", "CLOSED", "", ledger.RefundClosed},
		"EventSaysOtherwise":  {"SUCCESS", "PROCESSING", "REFUND.CLOSED", ledger.RefundProcessing},
		"StatusSaysOtherwise": {"CLOSED", "CLOSED", "REFUND.SUCCESS", ledger.RefundClosed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := sent(t)
			s.wx.end(r.OutRefundNo, c.is)
			body := s.wx.notice(r.OutRefundNo, func(v map[string]any) {
				v["refund_status"], v["event"] = c.said, "REFUND."+c.said
				if c.event != "" {
					v["event"] = c.event
				}
			})
			if status := s.refundPost(body); status != 204 {
				t.Errorf("status %d", status)
			}
			if got := s.books.refundState(r.OutRefundNo); got != c.want {
				t.Errorf("the refund is %s, want %s", got, c.want)
			}
			if got := s.wx.took(); got != "refundquery "+r.OutRefundNo {
				t.Errorf("calls %q", got)
			}
		})
	}
}

func TestRefundNotify_Refused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(map[string]any)
		status int
		cases  string
	}{
		"Amount":         {func(v map[string]any) { v["amount"] = map[string]any{"total": 5000, "refund": 4999} }, 200, "refund_mismatch"},
		"Total":          {func(v map[string]any) { v["amount"] = map[string]any{"total": 5001, "refund": 5000} }, 200, "refund_mismatch"},
		"NoAmount":       {func(v map[string]any) { delete(v, "amount") }, 200, "refund_mismatch"},
		"Merchant":       {func(v map[string]any) { v["mchid"] = "1900000002" }, 200, "refund_mismatch"},
		"OtherPayment":   {func(v map[string]any) { v["out_trade_no"] = "XK0" }, 200, "refund_mismatch"},
		"Transaction":    {func(v map[string]any) { v["transaction_id"] = "42" }, 200, "refund_mismatch"},
		"NoNumber":       {func(v map[string]any) { delete(v, "out_refund_no") }, 400, ""},
		"UnknownPayment": {func(v map[string]any) { v["out_refund_no"], v["out_trade_no"] = "MP1", "SHOP1" }, 200, "unknown_refund"},
		"OtherEvent":     {func(v map[string]any) { v["event"] = "REFUND.SOMETHING" }, 200, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, r := sent(t)
			s.wx.end(r.OutRefundNo, "SUCCESS")
			body := s.wx.notice(r.OutRefundNo, c.change)
			for range 2 {
				if status := s.refundPost(body); status != c.status {
					t.Errorf("status %d, want %d", status, c.status)
				}
			}
			if got := s.books.refundState(r.OutRefundNo); got != ledger.RefundProcessing {
				t.Errorf("the refund is %s", got)
			}
			if got := strings.Join(s.books.caseKinds(), " "); got != c.cases {
				t.Errorf("cases %q, want %q", got, c.cases)
			}
		})
	}
	t.Run("NotSigned", func(t *testing.T) {
		t.Parallel()
		s, r := sent(t)
		s.wx.end(r.OutRefundNo, "SUCCESS")
		w := httptest.NewRecorder()
		body := s.wx.notice(r.OutRefundNo, nil)
		q := httptest.NewRequest("POST", "/wechatpay/refund-notify", bytes.NewReader(body))
		maps.Copy(q.Header, platformHeader(strangerKey(), keyID, s.clock.now(), body))
		s.RefundNotify().ServeHTTP(w, q)
		if w.Code != 401 || s.books.refundState(r.OutRefundNo) != ledger.RefundProcessing {
			t.Errorf("status %d, refund %s", w.Code, s.books.refundState(r.OutRefundNo))
		}
	})
	t.Run("NotStored", func(t *testing.T) {
		t.Parallel()
		s, r := sent(t)
		s.wx.end(r.OutRefundNo, "SUCCESS")
		s.books.fail = errors.New("the database is away")
		if status := s.refundPost(s.wx.notice(r.OutRefundNo, nil)); status != 500 {
			t.Errorf("status %d, want one that has it repeated", status)
		}
	})
	t.Run("CannotBeAsked", func(t *testing.T) {
		t.Parallel()
		s, r := sent(t)
		s.wx.end(r.OutRefundNo, "CLOSED")
		s.wx.fault("refundquery", apiError(500, "SYSTEM_ERROR"))
		body := s.wx.notice(r.OutRefundNo, nil)
		if status := s.refundPost(body); status != 500 {
			t.Errorf("status %d, want one that has it repeated", status)
		}
		if status := s.refundPost(body); status != 204 {
			t.Errorf("status %d of the repeat", status)
		}
	})
}

// A refund made on the merchant platform is followed in the books and a case.
func TestRefundNotify_MadeOnThePlatform(t *testing.T) {
	t.Parallel()
	s, o := credited(t)
	s.wx.byHand("MP20260302", o.OutTradeNo, 5000, "SUCCESS")
	if status := s.refundPost(s.wx.notice("MP20260302", nil)); status != 200 {
		t.Errorf("status %d", status)
	}
	if got := s.books.refundState("MP20260302"); got != ledger.RefundDone {
		t.Errorf("the refund is %s", got)
	}
	if got := fmt.Sprint(s.books.caseKinds()); got != "[platform_refund]" {
		t.Errorf("cases %s", got)
	}
}

// The word about the refund is quicker than the one about the payment: it must
// be said again, and the payment is not there to be collected in the end.
func TestRefundNotify_BeforeThePayment(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	s.wx.pay(o.OutTradeNo)
	paid := transaction(o.OutTradeNo, 5000, s.clock.now())
	paid["transaction_id"] = s.wx.orders[o.OutTradeNo].txID
	s.wx.byHand("MP1", o.OutTradeNo, 5000, "SUCCESS")
	refunded := s.wx.notice("MP1", nil)
	if status := s.refundPost(refunded); status != 500 {
		t.Errorf("status %d, want one that has it repeated", status)
	}
	if status, _ := s.deliver(notice(paid)); status != 204 {
		t.Errorf("status %d of the payment", status)
	}
	if status := s.refundPost(refunded); status != 200 || s.books.refundState("MP1") != ledger.RefundDone {
		t.Errorf("status %d, refund %s", status, s.books.refundState("MP1"))
	}
}
