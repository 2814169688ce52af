package pay_test

import (
	"bytes"
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

// What the tests' merchant account is made of. None of it exists.
const (
	mchID    = "1900000001"
	appID    = "ww0123456789abcdef"
	serialNo = "5157F09EFDC096DE15EBE81A47057A7232F1B8E1"
	keyID    = "PUB_KEY_ID_0119000000012026030200000000000001"
	apiV3Key = "0123456789abcdef0123456789abcdef"
	openID   = "oPayerOne"
)

var (
	merchantKey = sync.OnceValue(newKey)
	platformKey = sync.OnceValue(newKey)
	strangerKey = sync.OnceValue(newKey)
)

func newKey() *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return k
}

func privatePEM(k *rsa.PrivateKey) []byte {
	der, _ := x509.MarshalPKCS8PrivateKey(k)
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func publicPEM(k *rsa.PrivateKey) []byte {
	der, _ := x509.MarshalPKIXPublicKey(&k.PublicKey)
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func signed(k *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, k, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return base64.StdEncoding.EncodeToString(sig)
}

// platformHeader signs a body as WeChat Pay does.
func platformHeader(k *rsa.PrivateKey, serial string, at time.Time, body []byte) http.Header {
	ts := fmt.Sprint(at.Unix())
	h := http.Header{}
	h.Set("Wechatpay-Timestamp", ts)
	h.Set("Wechatpay-Nonce", "fdasflkja484w")
	h.Set("Wechatpay-Serial", serial)
	h.Set("Wechatpay-Signature", signed(k, ts+"\nfdasflkja484w\n"+string(body)+"\n"))
	return h
}

func seal(key, nonce, aad, plain string) string {
	block, _ := aes.NewCipher([]byte(key))
	gcm, _ := cipher.NewGCM(block)
	return base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), []byte(plain), []byte(aad)))
}

// clock is the time in a test.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

var beijing = time.FixedZone("CST", 8*60*60)

func newClock() *clock { return &clock{t: time.Date(2026, 3, 2, 12, 0, 0, 0, beijing)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

// canned is an answer that a test puts in WeChat Pay's mouth.
type canned struct {
	status    int
	body      string
	unsigned  bool // signed by nobody
	forged    bool // signed by a stranger
	after     bool // first do what was asked
	hangUp    bool // no answer at all
	location  string
	perpetual bool // every time, not only once
}

func apiError(status int, code string) canned {
	return canned{status: status, body: fmt.Sprintf(`{"code":%q,"message":"…"}`, code), unsigned: true}
}

type wxOrder struct {
	request string // the order call as first sent, with its channel
	total   int64
	state   string
	txID    string
}

// wechat is a small WeChat Pay: just the rules that pay relies on, written
// from the documentation, with RSA of its own.
type wechat struct {
	t     testing.TB
	clock *clock
	url   string

	mu     sync.Mutex
	orders map[string]*wxOrder
	burnt  map[string]bool
	calls  []string // "jsapi NUMBER", "query NUMBER", …
	bodies []string // of order calls
	faults map[string][]canned
	certs  string // answer of /v3/certificates
	busy   int
	peak   int
	delay  time.Duration
}

func newWechat(t testing.TB, c *clock) *wechat {
	w := &wechat{t: t, clock: c, orders: map[string]*wxOrder{}, burnt: map[string]bool{}, faults: map[string][]canned{}}
	w.url = newServer(t, w)
	return w
}

func newServer(t testing.TB, h http.Handler) string {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv.URL
}

// fault makes the next calls of a kind answer as told.
func (w *wechat) fault(call string, answers ...canned) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults[call] = append(w.faults[call], answers...)
}

func (w *wechat) heal() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = map[string][]canned{}
}

func (w *wechat) pay(number string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[number]
	if o == nil || o.state != "NOTPAY" {
		w.t.Errorf("%s cannot be paid", number)
		return
	}
	o.state, o.txID = "SUCCESS", "42000000012026030200"+fmt.Sprint(len(w.calls))
}

// took returns the calls since the last time, as one text.
func (w *wechat) took() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := strings.Join(w.calls, ", ")
	w.calls = nil
	return s
}

func (w *wechat) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	call, number := name(r, body)
	if !w.ourMerchant(r, body) {
		http.Error(rw, `{"code":"SIGN_ERROR","message":"…"}`, http.StatusUnauthorized)
		return
	}
	w.mu.Lock()
	w.calls = append(w.calls, strings.TrimSpace(call+" "+number))
	if w.busy++; w.busy > w.peak {
		w.peak = w.busy
	}
	delay := w.delay
	w.mu.Unlock()
	time.Sleep(delay)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.busy--

	var told *canned
	if f := w.faults[call]; len(f) > 0 {
		told = &f[0]
		if !told.perpetual {
			w.faults[call] = f[1:]
		}
	}
	status, answer := 0, ""
	if told == nil || told.after {
		status, answer = w.act(call, number, body)
	}
	key := platformKey()
	if told != nil {
		if told.hangUp {
			panic(http.ErrAbortHandler)
		}
		if told.status != 0 {
			status, answer = told.status, told.body
		}
		if told.forged {
			key = strangerKey()
		}
		if told.location != "" {
			rw.Header().Set("Location", told.location)
		}
	}
	if status < 300 && (told == nil || !told.unsigned) {
		serial := keyID
		if r.Header.Get("Wechatpay-Serial") != "" {
			serial = r.Header.Get("Wechatpay-Serial")
		}
		for k, v := range platformHeader(key, serial, w.clock.now(), []byte(answer)) {
			rw.Header()[k] = v
		}
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	io.WriteString(rw, answer)
}

func name(r *http.Request, body []byte) (call, number string) {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch last := parts[len(parts)-1]; {
	case last == "jsapi" || last == "native":
		var b struct {
			OutTradeNo string `json:"out_trade_no"`
		}
		json.Unmarshal(body, &b)
		return last, b.OutTradeNo
	case last == "close":
		return "close", parts[len(parts)-2]
	case last == "certificates":
		return "certificates", ""
	default:
		return "query", last
	}
}

// ourMerchant checks the Authorization over the raw address and body.
func (w *wechat) ourMerchant(r *http.Request, body []byte) bool {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "WECHATPAY2-SHA256-RSA2048 ")
	v := map[string]string{}
	for pair := range strings.SplitSeq(rest, ",") {
		k, q, _ := strings.Cut(pair, "=")
		v[k] = strings.Trim(q, `"`)
	}
	sig, _ := base64.StdEncoding.DecodeString(v["signature"])
	sum := sha256.Sum256([]byte(r.Method + "\n" + r.RequestURI + "\n" + v["timestamp"] + "\n" + v["nonce_str"] + "\n" + string(body) + "\n"))
	return ok && v["mchid"] == mchID && v["serial_no"] == serialNo &&
		rsa.VerifyPKCS1v15(&merchantKey().PublicKey, crypto.SHA256, sum[:], sig) == nil
}

func (w *wechat) act(call, number string, body []byte) (int, string) {
	o := w.orders[number]
	switch call {
	case "certificates":
		return 200, w.certs
	case "jsapi", "native":
		w.bodies = append(w.bodies, string(body))
		var b struct {
			Amount struct{ Total int64 }
		}
		json.Unmarshal(body, &b)
		request := call + string(body)
		switch {
		case w.burnt[number]:
			return 400, `{"code":"INVALID_REQUEST","message":"…"}`
		case o == nil:
			w.orders[number] = &wxOrder{request: request, total: b.Amount.Total, state: "NOTPAY"}
		case o.request != request || o.state != "NOTPAY":
			return 400, `{"code":"INVALID_REQUEST","message":"…"}`
		}
		if call == "jsapi" {
			return 200, fmt.Sprintf(`{"prepay_id":"wx%s"}`, number)
		}
		return 200, fmt.Sprintf(`{"code_url":"weixin://wxpay/bizpayurl?pr=%s"}`, number)
	case "close":
		switch {
		case o == nil:
			w.burnt[number] = true
			return 204, ""
		case o.state == "SUCCESS":
			return 400, `{"code":"ORDERPAID","message":"…"}`
		case o.state == "CLOSED":
			return 400, `{"code":"ORDER_CLOSED","message":"…"}`
		}
		o.state = "CLOSED"
		return 204, ""
	}
	if o == nil {
		return 404, `{"code":"ORDER_NOT_EXIST","message":"…"}`
	}
	t := transaction(number, o.total, w.clock.now())
	t["trade_state"], t["transaction_id"] = o.state, o.txID
	if o.state != "SUCCESS" {
		delete(t, "transaction_id")
	}
	answer, _ := json.Marshal(t)
	return 200, string(answer)
}

// transaction is a paid order as query and notification tell it.
func transaction(number string, total int64, at time.Time) map[string]any {
	return map[string]any{
		"appid": appID, "mchid": mchID, "out_trade_no": number, "transaction_id": "4200000001202603020000000001",
		"trade_type": "JSAPI", "trade_state": "SUCCESS", "trade_state_desc": "支付成功", "bank_type": "OTHERS",
		"success_time": at.In(beijing).Format(time.RFC3339), "payer": map[string]any{"openid": openID},
		"amount": map[string]any{"total": total, "payer_total": total, "currency": "CNY", "payer_currency": "CNY"},
	}
}

// books is a store in memory with the rules the real one keeps.
type books struct {
	mu       sync.Mutex
	orders   map[string]*ledger.Order
	attempts []*ledger.Attempt
	credits  map[string]int // by order
	cases    map[string]ledger.Case
	settled  []ledger.Payment
	fail     error // of SettleTopUp
}

func newBooks() *books {
	return &books{orders: map[string]*ledger.Order{}, credits: map[string]int{}, cases: map[string]ledger.Case{}}
}

func (b *books) find(number string) *ledger.Attempt {
	for _, a := range b.attempts {
		if a.OutTradeNo == number {
			return a
		}
	}
	return nil
}

func (b *books) state(number string) ledger.AttemptState {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a != nil {
		return a.State
	}
	return "none"
}

func (b *books) order(number string) ledger.Order {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.orders[number]
}

func (b *books) caseKinds() (kinds []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, c := range b.cases {
		kinds = append(kinds, c.Kind)
	}
	slices.Sort(kinds)
	return kinds
}

func (b *books) CreateOrder(_ context.Context, o ledger.Order) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.orders[o.OutTradeNo] = &o
	return nil
}

func (b *books) Attempts(_ context.Context, orderNo string) (found []ledger.Attempt, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.OrderNo == orderNo {
			found = append(found, *a)
		}
	}
	return found, nil
}

func (b *books) Attempt(_ context.Context, number string) (ledger.Attempt, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a != nil {
		return *a, nil
	}
	return ledger.Attempt{}, ledger.ErrUnknownOrder
}

func (b *books) CreateAttempt(_ context.Context, a ledger.Attempt) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.find(a.OutTradeNo) != nil {
		return ledger.ErrConflict
	}
	b.attempts = append(b.attempts, &a)
	return nil
}

func (b *books) SavePrepay(_ context.Context, number, prepayID, codeURL string, at time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a.State == ledger.AttemptCreated || a.State == ledger.AttemptOpen {
		a.PrepayID, a.CodeURL, a.PrepaidAt, a.State = prepayID, codeURL, at, ledger.AttemptOpen
	}
	return nil
}

func (b *books) MarkAttempt(_ context.Context, number string, to ledger.AttemptState, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a := b.find(number); a.State != ledger.AttemptPaid && a.State != ledger.AttemptClosed {
		a.State = to
	}
	return nil
}

func (b *books) OpenAttempts(_ context.Context, before time.Time, limit int) (found []ledger.Attempt, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.State != ledger.AttemptPaid && a.State != ledger.AttemptClosed && !a.CreatedAt.After(before) && len(found) < limit {
			found = append(found, *a)
		}
	}
	return found, nil
}

func (b *books) CloseOrder(_ context.Context, orderNo string, _ time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, a := range b.attempts {
		if a.OrderNo == orderNo && a.State != ledger.AttemptClosed {
			return nil
		}
	}
	if o := b.orders[orderNo]; o.State == ledger.OrderCreated {
		o.State = ledger.OrderClosed
	}
	return nil
}

func (b *books) SettleTopUp(_ context.Context, p ledger.Payment, now time.Time) (s ledger.Settlement, _ error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fail != nil {
		return s, b.fail
	}
	a := b.find(p.OutTradeNo)
	if a == nil {
		return s, ledger.ErrUnknownOrder
	}
	field := ""
	switch {
	case p.Total != a.Amount:
		field = "amount"
	case p.Currency != "CNY":
		field = "currency"
	}
	if field != "" {
		b.cases["payment_mismatch"+p.WxTransactionID] = ledger.Case{Kind: "payment_mismatch", Ref: p.WxTransactionID}
		return s, &ledger.MismatchError{Field: field}
	}
	o := b.orders[a.OrderNo]
	s.Order = *o
	if a.State == ledger.AttemptPaid {
		s.Repeat = true
		return s, nil
	}
	a.State, a.WxTransactionID = ledger.AttemptPaid, p.WxTransactionID
	b.settled = append(b.settled, p)
	if o.State == ledger.OrderPaid {
		s.RefundDue = true
		return s, nil
	}
	o.State, o.PaidAt = ledger.OrderPaid, p.SuccessTime
	b.credits[a.OrderNo]++
	return s, nil
}

func (b *books) RecordCase(_ context.Context, c ledger.Case) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cases[c.Kind+c.Ref] = c
	return nil
}

// shop is a merchant with its WeChat Pay, its books and its clock.
type shop struct {
	*pay.Merchant
	wx    *wechat
	books *books
	clock *clock
	log   *bytes.Buffer
}

var student = ledger.Person{ID: 7, CardID: 70, StudentNo: "20230001"}

func config(wx *wechat, b *books, c *clock) pay.Config {
	return pay.Config{
		MchID: mchID, AppID: appID, SerialNo: serialNo, PrivateKey: privatePEM(merchantKey()), APIV3Key: apiV3Key,
		PublicKeyID: keyID, PublicKey: publicPEM(platformKey()),
		BaseURL: wx.url, NotifyURL: "https://card.example.edu.cn/wechatpay/notify",
		Min: 100, Max: 50000, Store: b, Now: c.now, Timeout: 2 * time.Second,
	}
}

func open(t testing.TB, change ...func(*pay.Config)) *shop {
	t.Helper()
	s := &shop{books: newBooks(), clock: newClock(), log: &bytes.Buffer{}}
	s.wx = newWechat(t, s.clock)
	cfg := config(s.wx, s.books, s.clock)
	cfg.Log = slog.New(slog.NewTextHandler(&lockedWriter{w: s.log}, nil))
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if s.Merchant, err = pay.New(cfg); err != nil {
		t.Fatal(err)
	}
	return s
}

type lockedWriter struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// newOrder creates an order of 50 yuan that lives 15 minutes.
func (s *shop) newOrder(t testing.TB) ledger.Order {
	t.Helper()
	o, err := s.Create(t.Context(), student, 5000, 15*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return o
}
