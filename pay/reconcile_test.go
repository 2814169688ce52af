package pay_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

const billDay = "2026-03-02"

const tradeHeader = "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注"

// tradeBill writes what WeChat Pay's orders and refunds of the test's day are,
// in the form of a bill. change may spoil a row; nil rows are left out.
func (w *wechat) tradeBill(extra ...string) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var rows []string
	var paid, refunded int64
	row := func(at time.Time, o *wxOrder, no, state, refundID, refundNo, refundStatus string, amount, back int64) {
		rows = append(rows, fmt.Sprintf("`%s,`%s,`%s,`0,`,`%s,`%s,`%s,`JSAPI,`%s,`OTHERS,`CNY,`0.00,`0.00,`%s,`%s,`%s,`0.00,`,`%s,`校园卡,充值,`,`0.30000,`0.60%%,`%s,`%s,`",
			at.In(beijing).Format(time.DateTime), appID, mchID, o.txID, no, openID, state, refundID, refundNo, ledger.Fen(back).Yuan(), refundStatus,
			ledger.Fen(amount).Yuan(), ledger.Fen(back).Yuan()))
		paid, refunded = paid+amount, refunded+back
	}
	for no, o := range w.orders {
		if o.txID != "" && o.paidAt.Format(time.DateOnly) == billDay {
			row(o.paidAt, o, no, "SUCCESS", "0", "0", "", o.total, 0)
		}
	}
	for no, r := range w.refunds {
		if r.created.Format(time.DateOnly) == billDay {
			row(r.created, w.orders[r.outTradeNo], r.outTradeNo, "REFUND", r.id, no, r.status, 0, r.amount)
		}
	}
	for _, e := range extra {
		rows = append(rows, e)
		paid += 100 // an extra row is a payment of one yuan
	}
	if len(rows) == 0 {
		return ""
	}
	return tradeHeader + "\n" + strings.Join(rows, "\n") + "\n总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n" +
		fmt.Sprintf("`%d,`0.00,`0.00,`0.00,`0.00,`%s,`%s\n", len(rows), ledger.Fen(paid).Yuan(), ledger.Fen(refunded).Yuan())
}

func (w *wechat) publish(name, content string) *wxBill {
	w.mu.Lock()
	defer w.mu.Unlock()
	if content == "" {
		delete(w.bills, name)
		return nil
	}
	w.bills[name] = &wxBill{content: content}
	return w.bills[name]
}

// reconcile holds the day against the bill and gives the lines that are not
// plain matches.
func (s *shop) reconcile(t testing.TB) (pay.Reconciliation, string) {
	t.Helper()
	day, err := pay.ParseDay(billDay)
	if err != nil {
		t.Fatal(err)
	}
	var odd []string
	r, err := s.Reconcile(t.Context(), day, func(l pay.BillLine) error {
		if l.Class != pay.Matched {
			mended := ""
			if l.Mended {
				mended = " mended"
			}
			odd = append(odd, fmt.Sprintf("%s %s%s: ours %d, theirs %d", l.OutTradeNo+l.OutRefundNo, l.Class, mended, l.Ours, l.Theirs))
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Reconcile: %v\n%s", err, s.log)
	}
	return r, strings.Join(odd, "; ")
}

func extraRow(no string) string {
	return fmt.Sprintf("`2026-03-02 12:00:00,`%s,`%s,`0,`,`4200000001000000000000000000,`%s,`o,`JSAPI,`SUCCESS,`OTHERS,`CNY,`1.00,`0.00,`0,`0,`0.00,`0.00,`,`,`x,`,`0.00600,`0.60%%,`1.00,`0.00,`", appID, mchID, no)
}

func extraRefund(no, refundNo string) string {
	return fmt.Sprintf("`2026-03-02 12:00:00,`%s,`%s,`0,`,`4200000001000000000000000000,`%s,`o,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`50000,`%s,`1.00,`0.00,`ORIGINAL,`SUCCESS,`x,`,`-0.00600,`0.60%%,`0.00,`1.00,`", appID, mchID, no, refundNo)
}

func TestReconcile(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, s *shop, o ledger.Order) (want string, differences int){
		"Matched": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return "", 0
		},
		"NotificationAndPollLost": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.wx.pay(o.OutTradeNo)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + " missing here mended: ours 5000, theirs 5000", 0
		},
		"PaidAfterItWasClosedHere": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.books.MarkAttempt(t.Context(), o.OutTradeNo, ledger.AttemptClosed, s.clock.now())
			s.wx.pay(o.OutTradeNo)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + " missing here mended: ours 5000, theirs 5000", 0
		},
		"MissingHereAndCannotBeAsked": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.wx.pay(o.OutTradeNo)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			s.wx.fault("query", apiError(500, "SYSTEM_ERROR"))
			return o.OutTradeNo + " missing here: ours 0, theirs 5000", 1
		},
		"MissingHereAndNotBorneOut": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.wx.pay(o.OutTradeNo)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			s.wx.orders[o.OutTradeNo].state = "NOTPAY"
			return o.OutTradeNo + " missing here: ours 0, theirs 5000", 1
		},
		"UnknownOrder": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill(extraRow("XK20260302ABCDEFGHIJKLMNOP")))
			return "XK20260302ABCDEFGHIJKLMNOP missing here: ours 0, theirs 100", 1
		},
		"AnotherSystemsOrder": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill(extraRow("SHOP000000000001")))
			return "SHOP000000000001 foreign: ours 0, theirs 100", 0
		},
		"AnotherSystemsRefund": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			bill := s.wx.tradeBill(extraRefund("SHOP000000000001", "S1")) // which counts the row as a payment
			s.wx.publish("tradebill "+billDay, strings.Replace(bill, "`51.00,`0.00\n", "`50.00,`1.00\n", 1))
			return "SHOP000000000001S1 foreign: ours 0, theirs 100", 0
		},
		"MissingThere": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, strings.Replace(s.wx.tradeBill(extraRow("SHOP000000000001")), s.wx.row(o.OutTradeNo), "", 1))
			// what is left must add up
			b := s.wx.bills["tradebill "+billDay]
			b.content = strings.Replace(strings.Replace(b.content, "`2,`", "`1,`", 1), "`51.00,`", "`1.00,`", 1)
			return "SHOP000000000001 foreign: ours 0, theirs 100; " + o.OutTradeNo + " missing there: ours 5000, theirs 0", 1
		},
		"NobodyPaid": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.orders[o.OutTradeNo].state, s.wx.orders[o.OutTradeNo].txID = "NOTPAY", ""
			return o.OutTradeNo + " missing there: ours 5000, theirs 0", 1
		},
		"CountedOnAnotherDay": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.orders[o.OutTradeNo].paidAt = s.clock.now().AddDate(0, 0, -1)
			return "", 0
		},
		"AmountDiffers": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, strings.ReplaceAll(s.wx.tradeBill(), "`50.00", "`50.01"))
			return o.OutTradeNo + " amount differs: ours 5000, theirs 5001", 1
		},
		"TransactionDiffers": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, strings.ReplaceAll(s.wx.tradeBill(), s.wx.orders[o.OutTradeNo].txID, "42"))
			return o.OutTradeNo + " amount differs: ours 5000, theirs 5000", 1
		},
		"OtherMerchant": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, strings.ReplaceAll(s.wx.tradeBill(), mchID, "1900000002"))
			return o.OutTradeNo + " amount differs: ours 5000, theirs 5000", 1
		},
		"OtherCurrency": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, strings.ReplaceAll(s.wx.tradeBill(), "CNY", "USD"))
			return o.OutTradeNo + " amount differs: ours 5000, theirs 5000", 1
		},
		"NotCreditedForAnotherAmount": func(t *testing.T, s *shop, _ ledger.Order) (string, int) {
			o := s.newOrder(t)
			if _, err := s.CallUp(t.Context(), o, openID); err != nil {
				t.Fatal(err)
			}
			s.wx.orders[o.OutTradeNo].total = 6000
			s.wx.pay(o.OutTradeNo)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + " amount differs: ours 5000, theirs 6000", 1
		},
		"Refund": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			s.wx.end(r.OutRefundNo, "SUCCESS") // after the bill was made
			s.run(t, time.Minute)
			return "", 0
		},
		"RefundWhoseEndWasLost": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.end(r.OutRefundNo, "SUCCESS")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + r.OutRefundNo + " refund differs mended: ours 5000, theirs 5000", 0
		},
		"RefundWhoseAnswerWasLost": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.wx.fault("refund", canned{hangUp: true, after: true})
			s.run(t, 30*time.Second)
			s.wx.end(r.OutRefundNo, "SUCCESS")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + r.OutRefundNo + " refund differs mended: ours 5000, theirs 5000", 0
		},
		"RefundAmountDiffers": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.publish("tradebill "+billDay, strings.NewReplacer("`0.00,`50.00,`\n", "`0.00,`49.99,`\n", "`50.00,`50.00\n", "`50.00,`49.99\n").Replace(s.wx.tradeBill()))
			return o.OutTradeNo + r.OutRefundNo + " refund differs: ours 5000, theirs 4999", 1
		},
		"RefundNotInTheBill": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			return o.OutTradeNo + r.OutRefundNo + " refund differs: ours 5000, theirs 0", 1
		},
		"RefundAcceptedAfterMidnight": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.refunds[r.OutRefundNo].created = s.clock.now().AddDate(0, 0, 1)
			return "", 0
		},
		"RefundClosedHereDoneThere": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			r := s.books.begin(o.OutTradeNo, s.clock.now())
			s.run(t, 30*time.Second)
			s.wx.end(r.OutRefundNo, "CLOSED")
			s.run(t, time.Minute)
			s.wx.end(r.OutRefundNo, "SUCCESS")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + r.OutRefundNo + " refund differs: ours 5000, theirs 5000", 1
		},
		"RefundOnThePlatform": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.byHand("MP1", o.OutTradeNo, 5000, "SUCCESS")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + "MP1 refund differs mended: ours 5000, theirs 5000", 0
		},
		"RefundOnThePlatformUnderWay": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.byHand("MP1", o.OutTradeNo, 5000, "PROCESSING")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + "MP1 refund differs: ours 5000, theirs 5000", 1
		},
		"RefundInPart": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.byHand("MP1", o.OutTradeNo, 2000, "PROCESSING")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + "MP1 refund differs: ours 2000, theirs 2000", 1
		},
		"RefundUnknownToAQuery": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.byHand("MP1", o.OutTradeNo, 5000, "SUCCESS")
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			delete(s.wx.refunds, "MP1")
			return o.OutTradeNo + "MP1 refund differs: ours 0, theirs 5000", 1
		},
		"RefundBesidesOurs": func(t *testing.T, s *shop, o ledger.Order) (string, int) {
			s.wx.byHand("MP1", o.OutTradeNo, 5000, "SUCCESS")
			s.books.begin(o.OutTradeNo, s.clock.now())
			s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			return o.OutTradeNo + "MP1 refund differs: ours 0, theirs 5000", 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := credited(t)
			want, differences := test(t, s, o)
			r, got := s.reconcile(t)
			if got != want || r.Differences != differences {
				t.Errorf("%d differences\n got %s\nwant %s", r.Differences, got, want)
			}
		})
	}
}

// row is a payment's line in the bill, with its end.
func (w *wechat) row(no string) string {
	for line := range strings.Lines(w.tradeBill()) {
		if strings.Contains(line, no) && strings.HasPrefix(line, "`") {
			return line
		}
	}
	return "no such row"
}

// What was mended is matched the next time, and nothing is credited twice.
func TestReconcile_Again(t *testing.T) {
	t.Parallel()
	s, _ := credited(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.wx.pay(o.OutTradeNo)
	s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
	if r, got := s.reconcile(t); r.Mended != 1 || r.Differences != 0 || r.Payments != 2 || r.Paid != 10000 || r.FeeUnits != 60000 {
		t.Fatalf("%+v, %s", r, got)
	}
	s.wx.took()
	r, got := s.reconcile(t)
	if got != "" || r.Found[pay.Matched] != 2 || s.books.credits[o.OutTradeNo] != 1 {
		t.Errorf("the second time: %+v, %s, credits %v", r, got, s.books.credits)
	}
	if calls := s.wx.took(); strings.Contains(calls, "query") {
		t.Errorf("a day that matches asks about orders: %s", calls)
	}
}

// A payment of another amount is a case that can be sent back, also when the
// order was closed here and nobody asks about it any more.
func TestReconcile_OtherAmountIsACase(t *testing.T) {
	t.Parallel()
	s := open(t)
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	s.books.MarkAttempt(t.Context(), o.OutTradeNo, ledger.AttemptClosed, s.clock.now())
	s.wx.orders[o.OutTradeNo].total = 6000
	s.wx.pay(o.OutTradeNo)
	s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
	for range 2 {
		r, got := s.reconcile(t)
		if r.Differences != 1 || got != o.OutTradeNo+" amount differs: ours 5000, theirs 6000" {
			t.Errorf("%+v, %s", r, got)
		}
		if kinds := fmt.Sprint(s.books.caseKinds()); kinds != "[payment_mismatch]" || len(s.books.credits) != 0 {
			t.Errorf("cases %s, credits %v", kinds, s.books.credits)
		}
	}
}

func TestReconcile_EmptyDay(t *testing.T) {
	t.Parallel()
	s := open(t)
	if r, got := s.reconcile(t); got != "" || !r.NoBill || r.Differences != 0 {
		t.Errorf("%+v, %s", r, got)
	}
	s, o := credited(t)
	if r, got := s.reconcile(t); !r.NoBill || r.Differences != 1 || got != o.OutTradeNo+" missing there: ours 5000, theirs 0" {
		t.Errorf("no bill on a day with business: %+v, %s", r, got)
	}
}

// A file is taken whole or not at all; one that was spoilt on the way is
// applied for again.
func TestReconcile_BadFile(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(b *wxBill){
		"WrongHash":  func(b *wxBill) { b.hash = "79bb0570c67a5c8a4ae6a5e2a0fd5a5d4b0b4b5e" },
		"HashNone":   func(b *wxBill) { b.hash = "x" },
		"CutGzip":    func(b *wxBill) { b.raw = gzipped(b.content)[:60] },
		"CutText":    func(b *wxBill) { b.raw = []byte(b.content[:100]) },
		"NotGzip":    func(b *wxBill) { b.raw = []byte{0x1f, 0x8b, 1, 2, 3} },
		"OneByteOff": func(b *wxBill) { b.raw = gzipped(strings.Replace(b.content, "`50.00", "`51.00", 1)) },
		"Bomb": func(b *wxBill) {
			for part := gzipped(strings.Repeat("\x00", 16<<20)); len(b.raw) < 17*len(part); {
				b.raw = append(b.raw, part...)
			}
		},
		"TooLarge": func(b *wxBill) { b.raw = make([]byte, 65<<20) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := credited(t)
			b := s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
			spoil(b)
			day, _ := pay.ParseDay(billDay)
			r, err := s.Reconcile(t.Context(), day, func(pay.BillLine) error {
				t.Error("a refused file was compared")
				return nil
			})
			if err == nil || (name != "HashNone" && !errors.Is(err, pay.ErrBadBill)) {
				t.Fatalf("%+v, %v", r, err)
			}
			b.once = true
			if b.tokens = 0; name == "Bomb" || name == "TooLarge" {
				return // slow enough once
			}
			if r, got := s.reconcile(t); got != "" || r.Found[pay.Matched] != 1 {
				t.Errorf("applied for again: %+v, %s", r, got)
			}
		})
	}
}

func TestReconcile_Form(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(b *wxBill){
		"ByteOrderMark": func(b *wxBill) { b.content = "\ufeff" + b.content },
		"CRLF":          func(b *wxBill) { b.content = strings.ReplaceAll(b.content, "\n", "\r\n") },
		"Unpacked":      func(b *wxBill) { b.raw = []byte(b.content) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := credited(t)
			change(s.wx.publish("tradebill "+billDay, s.wx.tradeBill()))
			if r, got := s.reconcile(t); got != "" || r.Found[pay.Matched] != 1 {
				t.Errorf("%+v, %s", r, got)
			}
		})
	}
}

func TestReconcile_NotNow(t *testing.T) {
	t.Parallel()
	s, _ := credited(t)
	day, _ := pay.ParseDay(billDay)
	creating := apiError(400, "STATEMENT_CREATING")
	creating.perpetual = true
	s.wx.fault("tradebill", creating)
	if _, err := s.Reconcile(t.Context(), day, nil); !errors.Is(err, pay.ErrBillNotReady) {
		t.Errorf("err = %v", err)
	}
	s.wx.heal()
	s.wx.fault("tradebill", canned{unsigned: true, after: true, perpetual: true})
	s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
	if _, err := s.Reconcile(t.Context(), day, nil); err == nil {
		t.Error("an unsigned hash was believed")
	}
}
