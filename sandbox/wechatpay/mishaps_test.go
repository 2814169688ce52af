package wechatpay

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"

	"xiaoka/sandbox/mishap"
)

// TestMishaps: with everything going wrong, a merchant on the official SDK who verifies and knows repeats notices
// nothing.
func TestMishaps(t *testing.T) {
	t.Parallel()
	dice := mishap.New(1, 3)
	dice.Longest = 2 * time.Millisecond
	var mu sync.Mutex
	notes := map[string]int{}
	m := newMerchant(t, Config{Mishaps: dice, Trace: func(x Exchange) {
		mu.Lock()
		defer mu.Unlock()
		if note, _, late := strings.Cut(x.Note, "answered "); late {
			notes[note+"answered"]++
		} else {
			notes[x.Note]++
		}
	}})
	paid := map[string]bool{}
	var told sync.Mutex
	m.receiveWith(func(w http.ResponseWriter, i int) {
		m.mu.Lock()
		req, body := m.got[i], m.bodies[i]
		m.mu.Unlock()
		req.Body = io.NopCloser(bytes.NewReader(body))
		var transaction payments.Transaction
		if _, err := m.verifier.ParseNotifyRequest(t.Context(), req, &transaction); err != nil {
			http.Error(w, `{"code":"FAIL","message":"失败"}`, http.StatusUnauthorized)
			return
		}
		told.Lock()
		defer told.Unlock()
		paid[*transaction.OutTradeNo] = true
	})
	const orders = 16
	for i := range orders {
		number := fmt.Sprintf("MISHAP%04d", i)
		prepay := m.order(number)
		if _, err := m.Pay(t.Context(), prepay, "oPayer", PayOptions{Wait: true}); err != nil {
			t.Fatal(err)
		}
	}
	m.quiet()
	told.Lock()
	if len(paid) != orders {
		t.Errorf("told of %d of %d payments", len(paid), orders)
	}
	told.Unlock()
	if m.received() <= orders {
		t.Errorf("only %d notifications", m.received())
	}
	for i := range 8 {
		if _, _, err := m.jsapi.QueryOrderByOutTradeNo(t.Context(), jsapi.QueryOrderByOutTradeNoRequest{
			OutTradeNo: core.String(fmt.Sprintf("MISHAP%04d", i)), Mchid: core.String(m.MchID()),
		}); err != nil {
			t.Error(err)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		"on purpose: answered", "on purpose: fields in another order, and one that nobody announced", "on purpose: the connection is not kept",
		"on purpose: sent twice at once", "on purpose: sent twice, one after the other", "on purpose: held back, so that later news may come first",
		"on purpose: a probe with a wrong signature, the good copy follows",
	} {
		if notes[want] == 0 {
			t.Errorf("never: %s (%v)", want, notes)
		}
	}
}

// TestMishaps_Fault: a fault that was asked for comes alone.
func TestMishaps_Fault(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{Mishaps: mishap.New(1, 5)})
	for range 8 {
		if err := m.Inject(Fault{Point: AtQuery, Kind: FaultError, Code: "SYSTEM_ERROR", Times: 1}); err != nil {
			t.Fatal(err)
		}
		a := m.call(http.MethodGet, "/v3/pay/transactions/out-trade-no/CC20260101000001?mchid=1900000001", "")
		if a.status != 500 || strings.Contains(string(a.body), "UnannouncedField") {
			t.Errorf("%d %s", a.status, a.body)
		}
	}
}
