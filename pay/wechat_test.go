package pay_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

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
	paidAt  time.Time
}

// wechat is a small WeChat Pay: just the rules that pay relies on, written
// from the documentation, with RSA of its own.
type wechat struct {
	t     testing.TB
	clock *clock
	url   string

	mu      sync.Mutex
	orders  map[string]*wxOrder
	burnt   map[string]bool
	calls   []string // "jsapi NUMBER", "query NUMBER", …
	bodies  []string // of order calls
	faults  map[string][]canned
	certs   string // answer of /v3/certificates
	refunds map[string]*wxRefund
	bills   map[string]*wxBill // "tradebill 2026-03-02"
	busy    int
	peak    int
	delay   time.Duration
}

func newWechat(t testing.TB, c *clock) *wechat {
	w := &wechat{t: t, clock: c, orders: map[string]*wxOrder{}, burnt: map[string]bool{}, faults: map[string][]canned{},
		refunds: map[string]*wxRefund{}, bills: map[string]*wxBill{}}
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
	o.state, o.txID, o.paidAt = "SUCCESS", "4200000001"+number, w.clock.now()
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
	if status < 300 && (told == nil || !told.unsigned) && call != "download" {
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
	case last == "refunds":
		var b struct {
			OutRefundNo string `json:"out_refund_no"`
		}
		json.Unmarshal(body, &b)
		return "refund", b.OutRefundNo
	case parts[len(parts)-2] == "refunds":
		return "refundquery", last
	case parts[len(parts)-2] == "bill":
		return last, r.URL.Query().Get("bill_date")
	case parts[1] == "billdownload":
		return "download", r.URL.Query().Get("token")
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
	case "refund":
		return w.refund(number, body)
	case "refundquery":
		return w.queryRefund(number)
	case "tradebill", "fundflowbill":
		return w.applyBill(call + " " + number)
	case "download":
		return w.download(number)
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
	if !o.paidAt.IsZero() {
		t["success_time"] = o.paidAt.In(beijing).Format(time.RFC3339)
	}
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
