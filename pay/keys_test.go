package pay_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"xiaoka/pay"
)

// certificates is the answer of /v3/certificates with one certificate of
// serial, good for 30 days.
func certificates(key any, public any, serial string, from time.Time) string {
	n, _ := new(big.Int).SetString(serial, 16)
	tmpl := &x509.Certificate{SerialNumber: n, Subject: pkix.Name{CommonName: "Tenpay"}, NotBefore: from, NotAfter: from.AddDate(0, 0, 30)}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, public, key)
	if err != nil {
		panic(err)
	}
	text := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	return fmt.Sprintf(`{"data":[{"serial_no":%q,"effective_time":"2026-01-01T00:00:00+08:00","expire_time":"2031-01-01T00:00:00+08:00",
		"encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM","nonce":"61f9c719728a","associated_data":"certificate","ciphertext":%q}}]}`,
		serial, seal(apiV3Key, "61f9c719728a", "certificate", text))
}

const (
	certSerial  = "1DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"
	otherSerial = "2DDE55AD98ED71D6EDD4A4A16996DE7B47773A8C"
)

func certificateMode(c *pay.Config) { c.PublicKeyID, c.PublicKey = "", nil }

func rsaCertificates(serial string, from time.Time) string {
	return certificates(platformKey(), &platformKey().PublicKey, serial, from)
}

// The SDK checks what it downloads a second time against real time.
func today() time.Time { return time.Now().Truncate(time.Second) }

func TestCertificateMode(t *testing.T) {
	t.Parallel()
	s := open(t, certificateMode)
	s.clock.t = today()
	s.wx.certs = rsaCertificates(certSerial, today().Add(-time.Hour))
	o := s.newOrder(t)
	if _, err := s.CallUp(t.Context(), o, openID); err != nil {
		t.Fatal(err)
	}
	if got, want := s.wx.took(), "certificates, jsapi "+o.OutTradeNo; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	post := func(serial string) int {
		status, _ := s.post(platformHeader(platformKey(), serial, s.clock.now(), body), body)
		return status
	}
	if got := post(certSerial); got != 204 {
		t.Errorf("notice under the certificate: %d", got)
	}

	// A new certificate turns up: fetched once, and not more than once a
	// minute however many unknown serials come in.
	s.clock.add(2 * time.Minute)
	s.wx.certs = rsaCertificates(otherSerial, today().Add(-time.Hour))
	if got := post(otherSerial); got != 204 {
		t.Errorf("notice under the new certificate: %d", got)
	}
	s.wx.took()
	for range 5 {
		if got := post("3" + certSerial[1:]); got != 401 {
			t.Errorf("notice under an unknown certificate: %d", got)
		}
	}
	if got := s.wx.took(); got != "" {
		t.Errorf("forged serials made us ask %q", got)
	}
}

// In the days of the switch notices come under either.
func TestPublicKeyMode_CertificateToo(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	s.wx.certs = rsaCertificates(certSerial, s.clock.now().Add(-time.Hour))
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	for _, serial := range []string{certSerial, keyID, certSerial} {
		if status, _ := s.post(platformHeader(platformKey(), serial, s.clock.now(), body), body); status != 204 {
			t.Errorf("%s: %d", serial, status)
		}
	}
	if got := strings.Count(s.wx.took(), "certificates"); got != 1 {
		t.Errorf("%d downloads", got)
	}
}

func TestCertificates_NotUsable(t *testing.T) {
	t.Parallel()
	ec, _ := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	now := newClock().now()
	for name, answer := range map[string]string{
		"Empty":       `{"data":[]}`,
		"NotJSON":     `<html>`,
		"NoMembers":   `{"data":[{"serial_no":"` + certSerial + `"}]}`,
		"NoNonce":     `{"data":[{"serial_no":"` + certSerial + `","encrypt_certificate":{"algorithm":"AEAD_AES_256_GCM"}}]}`,
		"OtherKey":    strings.Replace(rsaCertificates(certSerial, now), "61f9c719728a", "61f9c719728b", 1),
		"Expired":     rsaCertificates(certSerial, now.AddDate(0, 0, -31)),
		"NotYetValid": rsaCertificates(certSerial, now.AddDate(0, 0, 1)),
		"NotRSA":      certificates(ec, &ec.PublicKey, certSerial, now.Add(-time.Hour)),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, o := ordered(t)
			s.wx.certs = answer
			body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
			if status, _ := s.post(platformHeader(platformKey(), certSerial, s.clock.now(), body), body); status != 401 {
				t.Errorf("status %d", status)
			}
			if len(s.books.credits) != 0 {
				t.Error("credited")
			}
		})
	}
}

// Old certificates go on serving while they are renewed behind them.
func TestCertificates_Renewed(t *testing.T) {
	t.Parallel()
	s, o := ordered(t)
	s.wx.certs = rsaCertificates(certSerial, s.clock.now().Add(-time.Hour))
	body := notice(transaction(o.OutTradeNo, 5000, s.clock.now()))
	post := func() {
		t.Helper()
		if status, _ := s.post(platformHeader(platformKey(), certSerial, s.clock.now(), body), body); status != 204 {
			t.Errorf("status %d", status)
		}
	}
	post()
	s.clock.add(pay.CertificateInterval - time.Minute)
	s.wx.took()
	post()
	if got := s.wx.took(); got != "" {
		t.Errorf("renewed early: %s", got)
	}
	s.clock.add(time.Minute)
	s.wx.fault("certificates", apiError(500, "SYSTEM_ERROR"))
	post()
	for range 200 {
		if got := s.wx.took(); got == "certificates" {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Error("never renewed")
}

func TestCheck(t *testing.T) {
	t.Parallel()
	s := open(t)
	if err := s.Check(t.Context()); err != nil {
		t.Errorf("a good account: %v", err)
	}
	wrong := open(t, func(c *pay.Config) { c.PrivateKey = privatePEM(strangerKey()) })
	if err := wrong.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "SIGN_ERROR") {
		t.Errorf("a wrong private key: %v", err)
	}
	s = open(t, certificateMode)
	s.wx.certs = `{"data":[]}`
	if err := s.Check(t.Context()); err == nil {
		t.Error("no certificates, no error")
	}
}

func TestNew_Faults(t *testing.T) {
	t.Parallel()
	c := newClock()
	wx := newWechat(t, c)
	for name, change := range map[string]func(*pay.Config){
		"the merchant id":   func(c *pay.Config) { c.MchID = "" },
		"the app id":        func(c *pay.Config) { c.AppID = "" },
		"the serial number": func(c *pay.Config) { c.SerialNo = "" },
		"32 bytes":          func(c *pay.Config) { c.APIV3Key = "0123456789abcdef" },
		"go together":       func(c *pay.Config) { c.PublicKeyID = "" },
		"private key":       func(c *pay.Config) { c.PrivateKey = []byte("-----BEGIN PRIVATE KEY-----") },
		"public key must":   func(c *pay.Config) { c.PublicKey = publicPEM(platformKey())[:100] },
		"a scheme":          func(c *pay.Config) { c.BaseURL = "https://api.mch.weixin.qq.com/v3" },
		"notify address":    func(c *pay.Config) { c.NotifyURL = "https://card.example.edu.cn/wechatpay/notify?x=1" },
		"127 characters":    func(c *pay.Config) { c.Description = strings.Repeat("卡", 128) },
		"in order":          func(c *pay.Config) { c.Min = 60000 },
		"store":             func(c *pay.Config) { c.Store = nil },
	} {
		cfg := config(wx, newBooks(), c)
		change(&cfg)
		_, err := pay.New(cfg)
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
		if err != nil && (strings.Contains(err.Error(), apiV3Key) || strings.Contains(err.Error(), "BEGIN")) {
			t.Errorf("the fault tells a secret: %v", err)
		}
	}
	if wx.took() != "" {
		t.Error("New used the network")
	}
	if _, err := pay.New(config(wx, newBooks(), c)); err != nil {
		t.Errorf("the good twin: %v", err)
	}
}

// Nothing but the configured host is ever called, whatever an answer says.
func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	hit := make(chan string, 1)
	trap := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { hit <- r.URL.Path })
	srv := newServer(t, trap)
	s := open(t)
	o := s.newOrder(t)
	s.wx.fault("jsapi", canned{status: 307, location: srv, unsigned: true, perpetual: true})
	if _, err := s.CallUp(t.Context(), o, openID); err == nil {
		t.Error("no error")
	}
	select {
	case path := <-hit:
		t.Errorf("followed to %s", path)
	default:
	}
	s.wx.heal()
	s.wx.took()
	s.wx.fault("jsapi", canned{status: 307, location: "/v3/elsewhere/jsapi", unsigned: true, perpetual: true})
	if _, err := s.CallUp(t.Context(), o, openID); err == nil {
		t.Error("no error")
	}
	if got, want := s.wx.took(), "jsapi "+o.OutTradeNo+", jsapi "+o.OutTradeNo; got != want {
		t.Errorf("calls %q, want %q", got, want)
	}
}
