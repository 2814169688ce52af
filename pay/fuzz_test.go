package pay

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"
)

// FuzzNotify throws bytes at both halves of a notification: the headers that
// must never be accepted without the key, and the body that must never panic
// once they are. It goes below the handler because a signature for each input
// would make it a hundred times slower.
func FuzzNotify(f *testing.F) {
	block, _ := aes.NewCipher([]byte("0123456789abcdef0123456789abcdef"))
	aead, _ := cipher.NewGCM(block)
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1772424000, 0)
	m := &Merchant{aead: aead}
	keys := &keyring{now: func() time.Time { return now }, id: "PUB_KEY_ID_1", key: &key.PublicKey}

	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS"}`), []byte("null"), "61f9c719728a", "", "1772424000", "PUB_KEY_ID_1", "AAAA")
	f.Add([]byte(`{"event_type":"TRANSACTION.SUCCESS","resource":{"algorithm":"AEAD_AES_256_GCM","nonce":"61f9"}}`),
		[]byte(`{"out_trade_no":"XK20260302ABCDEFGHIJKLMNOP-2","amount":{"total":5000,"currency":"CNY"},"success_time":"2026-03-02T12:00:00+08:00"}`),
		"61f9c719728a", "transaction", "-1", "PUB_KEY_ID_1", "WECHATPAY/SIGNTEST/AAAA")
	f.Fuzz(func(t *testing.T, body, plain []byte, nonce, aad, timestamp, serial, signature string) {
		h := http.Header{"Wechatpay-Timestamp": {timestamp}, "Wechatpay-Nonce": {nonce}, "Wechatpay-Serial": {serial}, "Wechatpay-Signature": {signature}}
		if serial == keys.id { // another one would ask the network for certificates
			if err := keys.verify(t.Context(), h, body); !errors.Is(err, errSignature) {
				t.Errorf("accepted: %v", err)
			}
		}
		bodies := [][]byte{body}
		if len(nonce) == aead.NonceSize() {
			sealed, _ := json.Marshal(map[string]any{"event_type": "TRANSACTION.SUCCESS", "resource": map[string]string{
				"algorithm": "AEAD_AES_256_GCM", "nonce": nonce, "associated_data": aad,
				"ciphertext": base64.StdEncoding.EncodeToString(aead.Seal(nil, []byte(nonce), plain, []byte(aad)))}})
			bodies = append(bodies, sealed)
		}
		for _, b := range bodies {
			p, ok, err := m.open(b)
			if err != nil && (ok || !errors.Is(err, errNotice)) {
				t.Errorf("%v, %v", ok, err)
			}
			numberDay(p.OutTradeNo)
		}
	})
}
