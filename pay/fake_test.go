package pay_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net/http"
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
