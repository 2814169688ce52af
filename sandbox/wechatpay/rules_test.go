package wechatpay

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// set replaces fields of a body; a nil value leaves one out.
type set map[string]any

// rule is one documented rule of a body: what breaks it, the field and code that say so, and a neighbour that is taken.
type rule struct {
	name  string
	bad   set
	code  string
	field string
	good  set
}

// TestOrderRules holds an order to https://pay.weixin.qq.com/doc/v3/merchant/4012525167.
func TestOrderRules(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{RequireHTTPS: true, KnownOpenID: func(id string) bool { return id == "oPayer" || len(id) == 128 }})
	const bad = "PARAM_ERROR"
	long := func(n int) string { return strings.Repeat("9", n) }
	host := "https://card.example.edu.cn/"
	for i, r := range []rule{
		{"appid", set{"appid": ""}, bad, "/appid", nil},
		{"appid 32", set{"appid": "wx" + long(31)}, bad, "/appid", nil},
		{"appid bound to mchid", set{"appid": "wx0123456789abcdef"}, "APPID_MCHID_NOT_MATCH", "", set{"appid": m.AppID()}},
		{"mchid", set{"mchid": nil}, bad, "/mchid", nil},
		{"mchid that signed", set{"mchid": "1900000002"}, bad, "/mchid", set{"mchid": m.MchID()}},
		{"mchid is a text", set{"mchid": 1900000001}, bad, "/mchid", nil},
		{"description", set{"description": nil}, bad, "/description", set{"description": "a"}},
		{"description 127 characters", set{"description": strings.Repeat("卡", 128)}, bad, "/description", set{"description": strings.Repeat("卡", 127)}},
		{"out_trade_no", set{"out_trade_no": nil}, bad, "/out_trade_no", nil},
		{"out_trade_no 6", set{"out_trade_no": "CC123"}, bad, "/out_trade_no", set{"out_trade_no": "CC1234"}},
		{"out_trade_no 32", set{"out_trade_no": long(33)}, bad, "/out_trade_no", set{"out_trade_no": long(32)}},
		{"out_trade_no alphabet", set{"out_trade_no": "CC@12345"}, bad, "/out_trade_no", set{"out_trade_no": "CC|*-_a"}},
		{"out_trade_no without space", set{"out_trade_no": "CC 12345"}, bad, "/out_trade_no", nil},
		{"attach 128 characters", set{"attach": strings.Repeat("卡", 129)}, bad, "/attach", set{"attach": strings.Repeat("卡", 128)}},
		{"goods_tag 32", set{"goods_tag": long(33)}, bad, "/goods_tag", set{"goods_tag": long(32)}},
		{"amount", set{"amount": nil}, bad, "/amount", nil},
		{"amount above 0", set{"amount.total": 0}, bad, "/amount/total", set{"amount.total": 1}},
		{"amount not negative", set{"amount.total": -1}, bad, "/amount/total", nil},
		{"amount in whole fen", set{"amount.total": 50.5}, bad, "/amount/total", nil},
		{"amount is a number", set{"amount.total": "5000"}, bad, "/amount/total", nil},
		{"currency", set{"amount.currency": "USD"}, bad, "/amount/currency", set{"amount.currency": nil}},
		{"payer", set{"payer": nil}, bad, "/payer/openid", nil},
		{"openid", set{"payer.openid": ""}, bad, "/payer/openid", nil},
		{"openid 128", set{"payer.openid": long(129)}, bad, "/payer/openid", set{"payer.openid": long(128)}},
		{"openid of this appid", set{"payer.openid": "oStranger"}, bad, "/payer/openid", set{"payer.openid": "oPayer"}},
		{"notify_url", set{"notify_url": nil}, bad, "/notify_url", nil},
		{"notify_url https", set{"notify_url": "http://card.example.edu.cn/n"}, bad, "/notify_url", nil},
		{"notify_url absolute", set{"notify_url": "/n"}, bad, "/notify_url", nil},
		{"notify_url without query", set{"notify_url": host + "n?x=1"}, bad, "/notify_url", set{"notify_url": host + "n/x"}},
		{"notify_url without empty query", set{"notify_url": host + "n?"}, bad, "/notify_url", nil},
		{"notify_url without fragment", set{"notify_url": host + "n#x"}, bad, "/notify_url", nil},
		{"notify_url without user", set{"notify_url": "https://u:p@card.example.edu.cn/n"}, bad, "/notify_url", nil},
		{"notify_url with a path", set{"notify_url": "https://card.example.edu.cn"}, bad, "/notify_url", nil},
		{"notify_url on no private address", set{"notify_url": "https://192.168.1.2/n"}, bad, "/notify_url", set{"notify_url": "https://203.0.113.2/n"}},
		{"notify_url on no loopback name", set{"notify_url": "https://localhost/n"}, bad, "/notify_url", nil},
		{"notify_url 255", set{"notify_url": host + long(256-len(host))}, bad, "/notify_url", set{"notify_url": host + long(255-len(host))}},
		{"time_expire RFC 3339", set{"time_expire": "20270101100000"}, bad, "/time_expire", set{"time_expire": "2027-01-01T10:00:00+08:00"}},
		{"time_expire with a zone", set{"time_expire": "2027-01-01T10:00:00"}, bad, "/time_expire", set{"time_expire": "2027-01-01T02:00:00Z"}},
		{"scene_info payer_client_ip", set{"scene_info": set{"device_id": "K1"}}, bad, "/scene_info/payer_client_ip", set{"scene_info": set{"device_id": "K1", "payer_client_ip": "203.0.113.7"}}},
		{"settle_info types", set{"settle_info": set{"profit_sharing": "no"}}, bad, "/settle_info/profit_sharing", set{"settle_info": set{"profit_sharing": false}}},
		{"known fields", set{"notifyUrl": "x"}, bad, "", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			order := func(changes set) answered {
				all := set{"notify_url": host + "wechatpay/notify", "out_trade_no": fmt.Sprintf("RULE%04d", i)}
				for k, v := range changes {
					all[k] = v
				}
				return m.call(http.MethodPost, "/v3/pay/transactions/jsapi", m.orderBody(all))
			}
			a := order(r.bad)
			if a.status != 400 || a.Code != r.code || r.field != "" && a.Detail.Field != r.field {
				t.Errorf("broken: %d %s %+v, want %s at %s", a.status, a.Code, a.Detail, r.code, r.field)
			}
			if a.header.Get("Wechatpay-Serial") != m.PublicKeyID() {
				t.Error("error to a well signed request is unsigned")
			}
			if a := order(r.good); a.status != 200 {
				t.Errorf("kept: %d %s %+v", a.status, a.Code, a.Detail)
			}
		})
	}
}

// TestRefundRules holds a refund to
// https://pay.weixin.qq.com/docs/merchant/apis/weixin-pay-score-no-confirm/create.html.
func TestRefundRules(t *testing.T) {
	t.Parallel()
	const bad = "PARAM_ERROR"
	host := "https://card.example.edu.cn/"
	for _, r := range []rule{
		{"an order", set{"out_trade_no": nil}, bad, "/out_trade_no", nil},
		{"one order", set{"transaction_id": "4200000001000000000000000001"}, "RESOURCE_NOT_EXISTS", "", set{"out_trade_no": nil, "transaction_id": "PAID"}},
		{"both of one order", set{"out_trade_no": "UNPAID01", "transaction_id": "PAID"}, "RESOURCE_NOT_EXISTS", "", set{"transaction_id": "PAID"}},
		{"a known order", set{"out_trade_no": "UNKNOWN1"}, "RESOURCE_NOT_EXISTS", "", nil},
		{"a paid order", set{"out_trade_no": "UNPAID01"}, "RESOURCE_NOT_EXISTS", "", nil},
		{"out_refund_no", set{"out_refund_no": nil}, bad, "/out_refund_no", set{"out_refund_no": "R"}},
		{"out_refund_no alphabet", set{"out_refund_no": "R 1"}, bad, "/out_refund_no", set{"out_refund_no": "R_-|*@1"}},
		{"out_refund_no 64", set{"out_refund_no": strings.Repeat("R", 65)}, bad, "/out_refund_no", set{"out_refund_no": strings.Repeat("R", 64)}},
		{"reason 80", set{"reason": strings.Repeat("退", 81)}, bad, "/reason", set{"reason": strings.Repeat("退", 80)}},
		{"funds_account", set{"funds_account": "BASIC"}, bad, "/funds_account", set{"funds_account": "AVAILABLE"}},
		{"notify_url without query", set{"notify_url": host + "n?x"}, bad, "/notify_url", set{"notify_url": host + "n"}},
		{"notify_url 256", set{"notify_url": host + strings.Repeat("n", 257-len(host))}, bad, "/notify_url", set{"notify_url": host + strings.Repeat("n", 256-len(host))}},
		{"amount", set{"amount": nil}, bad, "/amount", nil},
		{"refund above 0", set{"amount.refund": 0}, bad, "/amount/refund", set{"amount.refund": 1}},
		{"refund in whole fen", set{"amount.refund": 1.5}, bad, "/amount/refund", nil},
		{"total", set{"amount.total": nil}, bad, "/amount/total", nil},
		{"total of the order", set{"amount.total": 5001}, "INVALID_REQUEST", "", nil},
		{"refund up to the total", set{"amount.refund": 5001}, "INVALID_REQUEST", "", set{"amount.refund": 5000}},
		{"currency", set{"amount.currency": nil}, bad, "/amount/currency", nil},
		{"known fields", set{"outRefundNo": "x"}, bad, "", nil},
	} {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{RefundsByHand: true})
			id := m.paidOrder("PAID0001")
			m.order("UNPAID01")
			refund := func(changes set) answered {
				if changes["transaction_id"] == "PAID" {
					changes["transaction_id"] = id
				}
				return m.refund(changes)
			}
			a := refund(r.bad)
			if a.status/100 != 4 || a.Code != r.code || r.field != "" && a.Detail.Field != r.field {
				t.Errorf("broken: %d %s %+v, want %s at %s", a.status, a.Code, a.Detail, r.code, r.field)
			}
			if a := refund(r.good); a.status != 200 || len(m.Refunds()) != 1 {
				t.Errorf("kept: %d %s %+v, %d refunds", a.status, a.Code, a.Detail, len(m.Refunds()))
			}
		})
	}
}

func TestRateLimits(t *testing.T) {
	t.Parallel()
	c := &clock{now: noon}
	m := newMerchant(t, Config{Now: c.Now, RateLimits: true, RefundsByHand: true, BillsAtOnce: true})
	m.order2("PAID0001")
	unknown := func() answered { return m.refund(set{"out_trade_no": "UNKNOWN1"}) }
	for range badRefundsLimit {
		if a := unknown(); a.Code != "RESOURCE_NOT_EXISTS" {
			t.Fatalf("%d %s", a.status, a.Code)
		}
	}
	if a := unknown(); a.status != 429 || a.Code != "FREQUENCY_LIMITED" {
		t.Errorf("the 7th bad refund in a second: %d %s", a.status, a.Code)
	}
	if a := m.refund(nil); a.status != 429 || len(m.Refunds()) != 0 {
		t.Errorf("a good one after them: %d", a.status)
	}
	c.Add(time.Second)
	for i := range goodRefundsLimit + 1 {
		a := m.refund(nil)
		if (a.status == 200) != (i < goodRefundsLimit) {
			t.Fatalf("good refund %d: %d %s", i, a.status, a.Code)
		}
	}
	for i := range fundBillsLimit + 1 {
		a := m.call(http.MethodGet, "/v3/bill/fundflowbill?bill_date=2026-01-01", "")
		if (a.status == 200) != (i < fundBillsLimit) {
			t.Errorf("fund flow bill %d: %d %s", i, a.status, a.Code)
		}
	}
}

// TestUnconfirmed shows each switch for what the documents leave open, off and on.
func TestUnconfirmed(t *testing.T) {
	t.Parallel()
	text := func(a answered) string { return fmt.Sprint(a.status, " ", a.Code) }
	closing := func(m *merchant) answered {
		return m.call(http.MethodPost, "/v3/pay/transactions/out-trade-no/CC20260101000001/close", `{"mchid":"1900000001"}`)
	}
	again := func(before func(*merchant), changes set) func(*merchant) string {
		return func(m *merchant) string {
			m.order("CC20260101000001")
			before(m)
			a, _ := m.place("jsapi", changes)
			return text(a)
		}
	}
	pay := func(m *merchant) { m.mustPay("CC20260101000001") }
	bare := func(m *merchant) *http.Request {
		r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
		r.Header.Set("User-Agent", "")
		return r
	}
	for _, tt := range []struct {
		name    string
		on      Unconfirmed
		do      func(*merchant) string
		off, is string
	}{
		{"PaidNumber", Unconfirmed{PaidNumber: "INVALID_REQUEST"}, again(pay, nil), "400 ORDERPAID", "400 INVALID_REQUEST"},
		{"ClosedNumber", Unconfirmed{ClosedNumber: "OUT_TRADE_NO_USED"}, again(func(m *merchant) { closing(m) }, nil), "400 ORDER_CLOSED", "403 OUT_TRADE_NO_USED"},
		{"Reentry", Unconfirmed{Reentry: "PARAM_ERROR"}, again(func(*merchant) {}, set{"amount.total": 1}), "400 INVALID_REQUEST", "400 PARAM_ERROR"},
		{"RefundAgain", Unconfirmed{RefundAgain: "PARAM_ERROR"}, func(m *merchant) string {
			m.paidOrder("PAID0001")
			m.refund(nil)
			return text(m.refund(set{"amount.refund": 1}))
		}, "400 INVALID_REQUEST", "400 PARAM_ERROR"},
		{"RequestWindow", Unconfirmed{RequestWindow: time.Minute}, func(m *merchant) string {
			r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
			m.sign(r, m.Now().Add(-90*time.Second), "")
			return text(m.do(r))
		}, "404 RESOURCE_NOT_EXISTS", "401 SIGN_ERROR"},
		{"NeedHeaders/Accept", Unconfirmed{NeedHeaders: true}, func(m *merchant) string {
			return text(m.call(http.MethodGet, "/v3/refund/domestic/refunds/R1", ""))
		}, "404 RESOURCE_NOT_EXISTS", "400 PARAM_ERROR"},
		{"NeedHeaders/UserAgent", Unconfirmed{NeedHeaders: true}, func(m *merchant) string {
			r := bare(m)
			r.Header.Set("Accept", "application/json")
			return text(m.do(r))
		}, "404 RESOURCE_NOT_EXISTS", "400 PARAM_ERROR"},
		{"NeedHeaders/Both", Unconfirmed{NeedHeaders: true}, func(m *merchant) string {
			r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
			r.Header.Set("Accept", "*/*")
			return text(m.do(r))
		}, "404 RESOURCE_NOT_EXISTS", "404 RESOURCE_NOT_EXISTS"},
		{"ClosePaid403", Unconfirmed{ClosePaid403: true}, func(m *merchant) string {
			m.order("CC20260101000001")
			pay(m)
			return text(closing(m))
		}, "400 ORDERPAID", "403 ORDERPAID"},
		{"UnsignedErrors", Unconfirmed{UnsignedErrors: true}, func(m *merchant) string {
			a := m.call(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
			return fmt.Sprint(a.header.Get("Wechatpay-Signature") != "")
		}, "true", "false"},
		{"FreshNoticeIDs", Unconfirmed{FreshNoticeIDs: true}, func(m *merchant) string {
			m.receiveWith(func(w http.ResponseWriter, i int) {
				if i == 0 {
					w.WriteHeader(http.StatusInternalServerError)
				}
			})
			m.paidOrder("PAID0001")
			m.quiet()
			ids := map[string]bool{}
			for _, body := range m.bodies {
				var e envelope
				if err := json.Unmarshal(body, &e); err != nil {
					m.t.Error(err)
				}
				ids[e.ID] = true
			}
			return fmt.Sprint(len(m.bodies), len(ids))
		}, "2 1", "2 2"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := tt.do(newMerchant(t, Config{})); got != tt.off {
				t.Errorf("off: %s, want %s", got, tt.off)
			}
			if got := tt.do(newMerchant(t, Config{Unconfirmed: tt.on})); got != tt.is {
				t.Errorf("on: %s, want %s", got, tt.is)
			}
		})
	}
}
