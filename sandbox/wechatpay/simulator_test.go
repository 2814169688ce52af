package wechatpay

import (
	"context"
	"crypto/rsa"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

// sharedKeys spare each test half a second.
var sharedKeys = sync.OnceValues(NewKeys)

// clock is a wall clock that moves only by hand.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// merchant is the official SDK pointed at a simulator, with a receiver for its notifications.
type merchant struct {
	*Server
	t        testing.TB
	base     string
	http     *http.Client
	client   *core.Client
	jsapi    jsapi.JsapiApiService
	native   native.NativeApiService
	refunds  refunddomestic.RefundsApiService
	verifier *notify.Handler
	notified *httptest.Server
	clock    *clock // nil on the machine's own clock

	mu     sync.Mutex
	status int // what the receiver answers
	got    []*http.Request
	bodies [][]byte
}

type rewrite struct{ base *url.URL }

func (r rewrite) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Host != "api.mch.weixin.qq.com" {
		return nil, fmt.Errorf("unexpected host %s", q.URL.Host)
	}
	c := q.Clone(q.Context())
	c.URL.Scheme, c.URL.Host = r.base.Scheme, r.base.Host
	return http.DefaultTransport.RoundTrip(c)
}

func newMerchant(t testing.TB, cfg Config) *merchant {
	t.Helper()
	keys, err := sharedKeys()
	if err != nil {
		t.Fatal(err)
	}
	cfg.Keys = keys
	var seed [32]byte
	copy(seed[:], t.Name())
	if cfg.Rand == nil {
		cfg.Rand = mathrand.NewChaCha8(seed)
	}
	if cfg.TimeScale == 0 {
		cfg.TimeScale = 0.0001
	}
	sim, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(sim.Handler())
	m := &merchant{Server: sim, t: t, base: api.URL, status: http.StatusNoContent}
	m.notified = httptest.NewServer(http.HandlerFunc(m.receive))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := sim.Close(ctx); err != nil {
			t.Error(err)
		}
		m.notified.Close()
		api.Close()
	})
	base, err := url.Parse(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	m.http = &http.Client{Timeout: 5 * time.Second, Transport: rewrite{base}}
	m.client, err = core.NewClient(t.Context(),
		option.WithWechatPayPublicKeyAuthCipher(sim.MchID(), sim.SerialNo(), m.privateKey(), sim.PublicKeyID(), m.publicKey()),
		option.WithHTTPClient(m.http))
	if err != nil {
		t.Fatal(err)
	}
	m.jsapi = jsapi.JsapiApiService{Client: m.client}
	m.native = native.NativeApiService{Client: m.client}
	m.refunds = refunddomestic.RefundsApiService{Client: m.client}
	m.verifier, err = notify.NewRSANotifyHandler(sim.APIv3Key(), verifiers.NewSHA256WithRSAPubkeyVerifier(sim.PublicKeyID(), *m.publicKey()))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func (m *merchant) privateKey() *rsa.PrivateKey {
	key, err := utils.LoadPrivateKey(string(m.MerchantPrivateKeyPEM()))
	if err != nil {
		m.t.Fatal(err)
	}
	return key
}

func (m *merchant) publicKey() *rsa.PublicKey {
	key, err := utils.LoadPublicKey(string(m.PublicKeyPEM()))
	if err != nil {
		m.t.Fatal(err)
	}
	return key
}

func (m *merchant) receive(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	m.mu.Lock()
	m.got = append(m.got, r.Clone(context.Background()))
	m.bodies = append(m.bodies, body)
	status := m.status
	m.mu.Unlock()
	w.WriteHeader(status)
}

func (m *merchant) answer(status int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.status = status
}

func (m *merchant) received() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.got)
}

func (m *merchant) notifyURL() string { return m.notified.URL + "/wechatpay/notify" }

func (m *merchant) prepayRequest(number string) jsapi.PrepayRequest {
	return jsapi.PrepayRequest{
		Appid: core.String(m.AppID()), Mchid: core.String(m.MchID()), Description: core.String("校园卡充值 <&>"),
		OutTradeNo: core.String(number), NotifyUrl: core.String(m.notifyURL()), Attach: core.String("t1"),
		Amount: &jsapi.Amount{Total: core.Int64(5000), Currency: core.String("CNY")},
		Payer:  &jsapi.Payer{Openid: core.String("oPayer")},
	}
}

// order places a JSAPI order over 50 yuan for oPayer.
func (m *merchant) order(number string) string {
	m.t.Helper()
	resp, _, err := m.jsapi.Prepay(m.t.Context(), m.prepayRequest(number))
	if err != nil {
		m.t.Fatal(err)
	}
	return *resp.PrepayId
}

// paidOrder places one and pays it, and returns its transaction_id once the notification was answered.
func (m *merchant) paidOrder(number string) string {
	m.t.Helper()
	id, err := m.Pay(m.t.Context(), m.order(number), "oPayer", PayOptions{Wait: true})
	if err != nil {
		m.t.Fatal(err)
	}
	return id
}

func (m *merchant) quiet() {
	m.t.Helper()
	ctx, cancel := context.WithTimeout(m.t.Context(), 10*time.Second)
	defer cancel()
	if err := m.Quiet(ctx); err != nil {
		m.t.Fatal(err)
	}
}
