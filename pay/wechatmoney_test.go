package pay_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"
)

// The half of the small WeChat Pay that gives money back and counts it.

type wxRefund struct {
	request           string // as first sent
	outTradeNo        string
	txID, id, status  string
	amount, total     int64
	created, succeded time.Time
}

// wxBill is a bill as WeChat Pay serves it; what is zero is made from content.
type wxBill struct {
	content string
	hash    string
	raw     []byte
	tokens  int
	once    bool // only the first application is spoilt
}

func (w *wechat) refund(number string, body []byte) (int, string) {
	var b struct {
		OutTradeNo string `json:"out_trade_no"`
		Amount     struct {
			Refund, Total int64
			Currency      string
		}
	}
	json.Unmarshal(body, &b)
	o := w.orders[b.OutTradeNo]
	switch r := w.refunds[number]; {
	case r != nil && r.request != string(body):
		return 400, `{"code":"INVALID_REQUEST","message":"…"}`
	case r != nil:
		return 200, r.answer(number)
	case o == nil || o.txID == "":
		return 404, `{"code":"RESOURCE_NOT_EXISTS","message":"…"}`
	case b.Amount.Total != o.total || b.Amount.Refund > o.total-w.refunded(b.OutTradeNo) || b.Amount.Currency != "CNY":
		return 400, `{"code":"INVALID_REQUEST","message":"…"}`
	}
	o.state = "REFUND"
	r := &wxRefund{request: string(body), outTradeNo: b.OutTradeNo, txID: o.txID, id: "50300" + number, status: "PROCESSING",
		amount: b.Amount.Refund, total: o.total, created: w.clock.now()}
	w.refunds[number] = r
	return 200, r.answer(number)
}

func (w *wechat) refunded(outTradeNo string) (sum int64) {
	for _, r := range w.refunds {
		if r.outTradeNo == outTradeNo && r.status != "CLOSED" {
			sum += r.amount
		}
	}
	return sum
}

func (w *wechat) queryRefund(number string) (int, string) {
	if r := w.refunds[number]; r != nil {
		return 200, r.answer(number)
	}
	return 404, `{"code":"RESOURCE_NOT_EXISTS","message":"…"}`
}

func (r *wxRefund) answer(number string) string {
	v := map[string]any{"refund_id": r.id, "out_refund_no": number, "transaction_id": r.txID, "out_trade_no": r.outTradeNo, "status": r.status,
		"channel": "ORIGINAL", "user_received_account": "支付用户零钱", "create_time": r.created.Format(time.RFC3339), "funds_account": "UNSETTLED",
		"amount": map[string]any{"refund": r.amount, "total": r.total, "payer_total": r.total, "payer_refund": r.amount, "currency": "CNY"}}
	if r.status == "SUCCESS" {
		v["success_time"] = r.succeded.Format(time.RFC3339)
	}
	b, _ := json.Marshal(v)
	return string(b)
}

// end gives a refund its outcome, without a word to anybody.
func (w *wechat) end(number, status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := w.refunds[number]
	if r == nil {
		w.t.Errorf("no refund %s", number)
		return
	}
	r.status, r.succeded = status, w.clock.now()
}

func (w *wechat) refundCount() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.refunds)
}

func (w *wechat) faultsLeft(call string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.faults[call])
}

// byHand refunds on the merchant platform.
func (w *wechat) byHand(number, outTradeNo string, fen int64, status string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	o := w.orders[outTradeNo]
	o.state = "REFUND"
	w.refunds[number] = &wxRefund{request: "by hand", outTradeNo: outTradeNo, txID: o.txID, id: "50300" + number, status: status,
		amount: fen, total: o.total, created: w.clock.now(), succeded: w.clock.now()}
}

// notice is the body of a notification about a refund as it is.
func (w *wechat) notice(number string, change func(map[string]any)) []byte {
	w.mu.Lock()
	r := w.refunds[number]
	w.mu.Unlock()
	v := map[string]any{"mchid": mchID, "out_trade_no": r.outTradeNo, "transaction_id": r.txID, "out_refund_no": number, "refund_id": r.id,
		"refund_status": r.status, "success_time": r.succeded.Format(time.RFC3339), "user_received_account": "支付用户零钱",
		"amount": map[string]any{"total": r.total, "refund": r.amount, "payer_total": r.total, "payer_refund": r.amount}}
	event := "REFUND." + r.status
	if change != nil {
		change(v)
	}
	if e, ok := v["event"].(string); ok {
		event = e
		delete(v, "event")
	}
	plain, _ := json.Marshal(v)
	return envelope(event, map[string]any{"original_type": "refund", "algorithm": "AEAD_AES_256_GCM", "associated_data": "refund",
		"nonce": "61f9c719728a", "ciphertext": seal(apiV3Key, "61f9c719728a", "refund", string(plain))})
}

func (w *wechat) applyBill(name string) (int, string) {
	b := w.bills[name]
	if b == nil {
		return 400, `{"code":"NO_STATEMENT_EXIST","message":"…"}`
	}
	if b.tokens++; b.once && b.tokens > 1 {
		b.hash, b.raw = "", nil
	}
	sum := sha1.Sum([]byte(b.content))
	hash := hex.EncodeToString(sum[:])
	if b.hash != "" {
		hash = b.hash
	}
	return 200, fmt.Sprintf(`{"hash_type":"SHA1","hash_value":%q,"download_url":"https://api.mch.weixin.qq.com/v3/billdownload/file?token=%s%%2B%d&tartype=gzip"}`,
		hash, name[:9], b.tokens)
}

func (w *wechat) download(token string) (int, string) {
	for name, b := range w.bills {
		if token != fmt.Sprintf("%s+%d", name[:9], b.tokens) {
			continue
		}
		if b.raw != nil {
			return 200, string(b.raw)
		}
		return 200, string(gzipped(b.content))
	}
	return 400, `{"code":"INVALID_REQUEST","message":"…"}`
}

func gzipped(content string) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	z.Write([]byte(content))
	z.Close()
	return b.Bytes()
}
