package wechatpay

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
)

// TestCallFaults strikes one order call with each fault and looks at it through the SDK: what it sees, and whether the
// order was made all the same.
func TestCallFaults(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		fault    Fault
		status   int    // 0 = no answer
		code     string // of an API error
		wrong    string // part of any other error
		executed bool
	}{
		{fault: Fault{Kind: FaultError}, status: 500, code: "SYSTEM_ERROR"},
		{fault: Fault{Kind: FaultError, Code: "FREQUENCY_LIMITED"}, status: 429, code: "FREQUENCY_LIMITED"},
		{fault: Fault{Kind: FaultError, Code: "RULE_LIMIT", Status: 418}, status: 418, code: "RULE_LIMIT"},
		{fault: Fault{Kind: FaultForged, Code: "ORDER_NOT_EXIST"}, status: 404, code: "ORDER_NOT_EXIST"},
		{fault: Fault{Kind: FaultGateway}, status: 502},
		{fault: Fault{Kind: FaultReset}, wrong: "EOF"},
		{fault: Fault{Kind: FaultLost}, wrong: "EOF", executed: true},
		{fault: Fault{Kind: FaultSlow, Delay: 20 * time.Millisecond}, status: 200, executed: true},
		{fault: Fault{Kind: FaultDrip, Delay: time.Microsecond}, status: 200, executed: true},
		{fault: Fault{Kind: FaultRedirect, Location: "https://evil.example.com/"}, wrong: "unexpected host evil.example.com"},
		{fault: Fault{Kind: FaultBadSignature}, wrong: "verif", executed: true},
		{fault: Fault{Kind: FaultSignTest}, wrong: "verif", executed: true},
		{fault: Fault{Kind: FaultUnknownSerial}, wrong: "does not match serial", executed: true},
		{fault: Fault{Kind: FaultUnsigned}, wrong: "Wechatpay-", executed: true},
		{fault: Fault{Kind: FaultStale}, wrong: "expires", executed: true},
		{fault: Fault{Kind: FaultFuture}, wrong: "expires", executed: true},
		{fault: Fault{Kind: FaultHuge}, wrong: "Wechatpay-"},
	} {
		t.Run(string(tc.fault.Kind)+tc.fault.Code, func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{})
			tc.fault.Point, tc.fault.Times = AtJSAPI, 1
			if err := m.Inject(tc.fault); err != nil {
				t.Fatal(err)
			}
			_, result, err := m.jsapi.Prepay(t.Context(), m.prepayRequest("FAULT00001"))
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) {
					t.Errorf("%v, want %q", err, tc.wrong)
				}
			} else if status, code := outcome(t, result, err); status != tc.status || code != tc.code {
				t.Errorf("%d %q, want %d %q", status, code, tc.status, tc.code)
			}
			if _, made := m.Order("FAULT00001"); made != tc.executed {
				t.Errorf("order made: %v, want %v", made, tc.executed)
			}
			if id := m.order("FAULT00001"); id == "" || len(m.Orders()) != 1 {
				t.Errorf("the same again gave %q and %d orders", id, len(m.Orders()))
			}
		})
	}
}

func TestFaultOfOneOrder(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	if err := m.Inject(Fault{Kind: FaultError, OutTradeNo: "VICTIM0001"}); err != nil {
		t.Fatal(err)
	}
	m.order("OTHER00001")
	for range 2 {
		if _, _, err := m.jsapi.Prepay(t.Context(), m.prepayRequest("VICTIM0001")); err == nil {
			t.Error("the fault did not strike")
		}
	}
	if a := m.call(http.MethodGet, "/v3/pay/transactions/out-trade-no/VICTIM0001?mchid=1900000001", ""); a.status != 500 {
		t.Errorf("query: %d", a.status)
	}
	m.ClearFaults()
	m.paidOrder("VICTIM0001")
}

func TestFaultSequence(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	for _, f := range []Fault{
		{Point: AtClose, Kind: FaultError, Code: "USER_PAYING", Times: 1},
		{Point: AtClose, Kind: FaultError, Code: "FREQUENCY_LIMITED", Times: 1},
		{Point: AtClose, Kind: FaultPretend, Times: 1},
	} {
		if err := m.Inject(f); err != nil {
			t.Fatal(err)
		}
	}
	m.order("SEQUENCE01")
	for i, want := range []int{202, 429, 204} {
		if a := m.call(http.MethodPost, "/v3/pay/transactions/out-trade-no/SEQUENCE01/close", `{"mchid":"1900000001"}`); a.status != want {
			t.Errorf("close %d: %d, want %d", i+1, a.status, want)
		}
	}
	if o, _ := m.Order("SEQUENCE01"); o.State != "NOTPAY" {
		t.Errorf("state %s: a close that only pretends must leave it open", o.State)
	}
}

// TestFaultPaidFirst: the notification is answered before the order call is.
func TestFaultPaidFirst(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	if err := m.Inject(Fault{Point: AtJSAPI, Kind: FaultPaidFirst, Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, result, err := m.jsapi.Prepay(t.Context(), m.prepayRequest("EARLY00001"))
	if err != nil {
		t.Fatal(err)
	}
	if result.Response.StatusCode != 200 || m.received() != 1 {
		t.Errorf("%d, %d notifications", result.Response.StatusCode, m.received())
	}
}

func TestInjectRefuses(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	for _, f := range []Fault{
		{},
		{Point: "nowhere", Kind: FaultError},
		{Point: AtNotify, Kind: FaultGateway},
		{Point: AtJSAPI, Kind: FaultTwice},
		{Point: AtQuery, Kind: FaultBillBOM},
		{Kind: FaultPretend},
		{Point: AtJSAPI, Kind: FaultError, Times: -1},
	} {
		if err := m.Inject(f); !errors.Is(err, ErrBadFault) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	if len(m.Faults()) != 0 {
		t.Errorf("%v", m.Faults())
	}
}

// TestFaultSlowClientLeaves: a client that gives up must not hold the simulator.
func TestFaultSlowClientLeaves(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	if err := m.Inject(Fault{Kind: FaultSlow, Delay: time.Hour}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	_, _, err := m.jsapi.Prepay(ctx, m.prepayRequest("SLOW000001"))
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	var e *core.APIError
	if errors.As(err, &e) {
		t.Errorf("an answer came: %v", e)
	}
}

func TestTrace(t *testing.T) {
	t.Parallel()
	seen := make(chan Exchange, 10)
	m := newMerchant(t, Config{Trace: func(e Exchange) { seen <- e }})
	m.paidOrder("TRACE00001")
	m.quiet()
	call, told := <-seen, <-seen
	if call.Outgoing || call.Method != "POST" || call.URL != "/v3/pay/transactions/jsapi" || call.Status != 200 || !strings.Contains(call.Response, "prepay_id") {
		t.Errorf("%+v", call)
	}
	if !told.Outgoing || told.URL != m.notifyURL() || told.Status != 204 || !strings.Contains(told.Plain, "TRACE00001") {
		t.Errorf("%+v", told)
	}
}

func TestBodyTooLarge(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	r := m.request(http.MethodPost, "/v3/pay/transactions/jsapi", strings.Repeat(" ", maxBody+1))
	resp, err := m.plain.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 400 {
		t.Errorf("%d %v", resp.StatusCode, err)
	}
}
