package wechatpay

import (
	"context"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
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

// sharedKeys spare each test the making of its own.
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
	http     *http.Client // for the SDK
	plain    *http.Client
	client   *core.Client
	jsapi    jsapi.JsapiApiService
	native   native.NativeApiService
	refunds  refunddomestic.RefundsApiService
	verifier *notify.Handler
	notified *httptest.Server

	mu     sync.Mutex
	status int                                // what the receiver answers
	judge  func(w http.ResponseWriter, i int) // answers in its place; i counts what came before
	got    []*http.Request
	bodies [][]byte
}

type rewrite struct {
	base *url.URL
	next http.RoundTripper
}

func (r rewrite) RoundTrip(q *http.Request) (*http.Response, error) {
	if q.URL.Host != "api.mch.weixin.qq.com" {
		return nil, fmt.Errorf("unexpected host %s", q.URL.Host)
	}
	c := q.Clone(q.Context())
	c.URL.Scheme, c.URL.Host = r.base.Scheme, r.base.Host
	return r.next.RoundTrip(c)
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
	m := &merchant{Server: sim, t: t, base: api.URL, plain: api.Client(), status: http.StatusNoContent}
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
	m.http = &http.Client{Timeout: 5 * time.Second, Transport: rewrite{base, api.Client().Transport}}
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
	status, judge, i := m.status, m.judge, len(m.got)-1
	m.mu.Unlock()
	if judge != nil {
		judge(w, i)
		return
	}
	w.WriteHeader(status)
}

func (m *merchant) receiveWith(judge func(w http.ResponseWriter, i int)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.judge = judge
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

// request makes a signed call without the SDK, so that it can be spoilt.
func (m *merchant) request(method, target, body string) *http.Request {
	m.t.Helper()
	r, err := http.NewRequestWithContext(m.t.Context(), method, m.base+target, strings.NewReader(body))
	if err != nil {
		m.t.Fatal(err)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r.Header.Set("Wechatpay-Serial", m.PublicKeyID())
	m.sign(r, m.Now(), body)
	return r
}

func (m *merchant) sign(r *http.Request, at time.Time, body string) {
	m.t.Helper()
	timestamp := strconv.FormatInt(at.Unix(), 10)
	text := r.Method + "\n" + r.URL.RequestURI() + "\n" + timestamp + "\nabc\n" + body + "\n"
	signature, err := utils.SignSHA256WithRSA(text, m.privateKey())
	if err != nil {
		m.t.Fatal(err)
	}
	r.Header.Set("Authorization", fmt.Sprintf(`WECHATPAY2-SHA256-RSA2048 mchid="%s",nonce_str="abc",timestamp="%s",serial_no="%s",signature="%s"`,
		m.MchID(), timestamp, m.SerialNo(), signature))
}

// answered is a call's outcome.
type answered struct {
	status int
	errorBody
	header http.Header
	body   []byte
}

func (m *merchant) do(r *http.Request) answered {
	m.t.Helper()
	resp, err := m.plain.Do(r)
	if err != nil {
		m.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answered{status: resp.StatusCode, header: resp.Header}
	if a.body, err = io.ReadAll(resp.Body); err != nil {
		m.t.Fatal(err)
	}
	if a.status >= 300 || a.status == http.StatusAccepted {
		if err := json.Unmarshal(a.body, &a.errorBody); err != nil {
			m.t.Errorf("error body %q: %v", a.body, err)
		}
	}
	return a
}

func (m *merchant) call(method, target, body string) answered {
	m.t.Helper()
	return m.do(m.request(method, target, body))
}

// orderBody is a JSAPI order with some fields replaced; a nil value leaves one out.
func (m *merchant) orderBody(changes map[string]any) string {
	m.t.Helper()
	plain := fmt.Sprintf(`{"appid":%q,"mchid":%q,"description":"校园卡充值","out_trade_no":"CC20260101000001","notify_url":%q,
		"amount":{"total":5000,"currency":"CNY"},"payer":{"openid":"oPayer"}}`, m.AppID(), m.MchID(), m.notifyURL())
	body, err := alter([]byte(plain), changes)
	if err != nil {
		m.t.Fatal(err)
	}
	return string(body)
}
