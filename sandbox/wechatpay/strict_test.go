package wechatpay

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/utils"
)

func TestAuthentication(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	const target = "/v3/pay/transactions/out-trade-no/CC20260101000001?mchid=1900000001"
	for _, tc := range []struct {
		name  string
		spoil func(*http.Request)
		ok    bool
	}{
		{"Good", func(*http.Request) {}, true},
		{"OtherOrder", func(r *http.Request) {
			scheme, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
			parts := strings.Split(rest, ",")
			r.Header.Set("Authorization", scheme+" "+parts[4]+","+parts[2]+","+parts[0]+","+parts[3]+","+parts[1])
		}, true},
		{"AtTheWindow", func(r *http.Request) { m.sign(r, m.Now().Add(-298*time.Second), "") }, true},
		{"Missing", func(r *http.Request) { r.Header.Del("Authorization") }, false},
		{"OtherScheme", replaceAuth("WECHATPAY2-SHA256-RSA2048", "WECHATPAY2-SM2-WITH-SM3"), false},
		{"MissingPair", replaceAuth(`nonce_str="abc",`, ""), false},
		{"UnknownPair", replaceAuth(`nonce_str="abc"`, `nonce_str="abc",x="y"`), false},
		{"PairTwice", replaceAuth(`nonce_str="abc"`, `nonce_str="abc",nonce_str="abc"`), false},
		{"OtherNonce", replaceAuth(`nonce_str="abc"`, `nonce_str="abd"`), false},
		{"OtherMerchant", replaceAuth("1900000001", "1900000002"), false},
		{"OtherSerial", replaceAuth(m.SerialNo(), m.CertificateSerialNo()), false},
		{"NoSignature", replaceAuth(`signature="`, `signature="!`), false},
		{"Old", func(r *http.Request) { m.sign(r, m.Now().Add(-302*time.Second), "") }, false},
		{"Early", func(r *http.Request) { m.sign(r, m.Now().Add(302*time.Second), "") }, false},
		{"OtherQuery", func(r *http.Request) { r.URL.RawQuery += "&x=1" }, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := m.request(http.MethodGet, target, "")
			tc.spoil(r)
			a := m.do(r)
			if tc.ok {
				if a.status != 404 || a.Code != "ORDER_NOT_EXIST" {
					t.Errorf("%d %s %s", a.status, a.Code, a.Detail.Issue)
				}
				return
			}
			if a.status != 401 || a.Code != "SIGN_ERROR" {
				t.Errorf("%d %s", a.status, a.Code)
			}
			if a.header.Get("Wechatpay-Signature") != "" {
				t.Error("the refusal of a signature is signed")
			}
		})
	}
}

func replaceAuth(old, new string) func(*http.Request) {
	return func(r *http.Request) {
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, new, 1))
	}
}

// TestAnswerSigner follows the switch of a merchant: Wechatpay-Serial decides which key signs, errors included.
func TestAnswerSigner(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	for _, tc := range []struct{ name, serial, want string }{
		{"PublicKey", m.PublicKeyID(), m.PublicKeyID()},
		{"Certificate", m.CertificateSerialNo(), m.CertificateSerialNo()},
		{"Absent", "", m.CertificateSerialNo()},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
			r.Header.Del("Wechatpay-Serial")
			if tc.serial != "" {
				r.Header.Set("Wechatpay-Serial", tc.serial)
			}
			a := m.do(r)
			if got := a.header.Get("Wechatpay-Serial"); got != tc.want {
				t.Fatalf("signed by %s, want %s", got, tc.want)
			}
			key := m.publicKey()
			if tc.want == m.CertificateSerialNo() {
				certificate, err := utils.LoadCertificate(string(m.CertificatePEM()))
				if err != nil {
					t.Fatal(err)
				}
				if utils.GetCertificateSerialNumber(*certificate) != tc.want {
					t.Errorf("certificate has the serial %s", utils.GetCertificateSerialNumber(*certificate))
				}
				key = &m.keys.cert.PublicKey
			}
			text := a.header.Get("Wechatpay-Timestamp") + "\n" + a.header.Get("Wechatpay-Nonce") + "\n" + string(a.body) + "\n"
			if err := verify(key, text, a.header.Get("Wechatpay-Signature")); err != nil {
				t.Error(err)
			}
		})
	}
	r := m.request(http.MethodGet, "/v3/refund/domestic/refunds/R1", "")
	r.Header.Set("Wechatpay-Serial", "PUB_KEY_ID_0")
	if a := m.do(r); a.status != 400 || a.Code != "PARAM_ERROR" {
		t.Errorf("unknown serial: %d %s", a.status, a.Code)
	}
}

func TestOrderBodies(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	good := m.orderBody(nil)
	for name, body := range map[string]string{
		"Array": "[]", "Cut": good[:len(good)-1], "Twice": good + good, "NotUTF8": strings.Replace(good, "校", "\xff", 1), "Empty": "",
	} {
		t.Run(name, func(t *testing.T) {
			r := m.request(http.MethodPost, "/v3/pay/transactions/jsapi", body)
			r.Header.Set("Content-Type", "application/json")
			if a := m.do(r); a.status != 400 || a.Code != "PARAM_ERROR" {
				t.Errorf("%d %s", a.status, a.Code)
			}
		})
	}
	r := m.request(http.MethodPost, "/v3/pay/transactions/jsapi", good)
	r.Header.Set("Content-Type", "text/plain")
	if a := m.do(r); a.status != 400 || a.Code != "PARAM_ERROR" {
		t.Errorf("as text: %d %s", a.status, a.Code)
	}
	if a := m.call(http.MethodPost, "/v3/pay/transactions/native", good); a.status != 400 || a.Detail.Field != "/payer" {
		t.Errorf("Native with a payer: %d %s", a.status, a.Code)
	}
	if a := m.call(http.MethodPost, "/v3/pay/transactions/h5", good); a.status != 404 {
		t.Errorf("H5: %d", a.status)
	}
	if a := m.call(http.MethodPost, "/v3/pay/transactions/jsapi", good+"\n"); a.status != 200 {
		t.Errorf("a body that ends in a newline: %d %s", a.status, a.Code)
	}
}

func TestQueryParameters(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.order("QUERY0001")
	for _, tc := range []struct {
		target string
		status int
		code   string
	}{
		{"/v3/pay/transactions/out-trade-no/QUERY0001?mchid=1900000001", 200, ""},
		{"/v3/pay/transactions/out-trade-no/QUERY0001", 400, "PARAM_ERROR"},
		{"/v3/pay/transactions/out-trade-no/QUERY0001?mchid=1900000002", 400, "PARAM_ERROR"},
		{"/v3/pay/transactions/out-trade-no/QUERY0002?mchid=1900000001", 404, "ORDER_NOT_EXIST"},
		{"/v3/pay/transactions/id/QUERY0001?mchid=1900000001", 404, "ORDER_NOT_EXIST"},
		{"/v3/refund/domestic/refunds/R1", 404, "RESOURCE_NOT_EXISTS"},
		{"/v3/pay/transactions/out-trade-no/Q1?mchid=1900000001", 400, "PARAM_ERROR"},
		{"/v3/refund/domestic/refunds/R%201", 400, "PARAM_ERROR"},
	} {
		if a := m.call(http.MethodGet, tc.target, ""); a.status != tc.status || a.Code != tc.code {
			t.Errorf("%s: %d %s, want %d %s", tc.target, a.status, a.Code, tc.status, tc.code)
		}
	}
	for body, field := range map[string]string{`{}`: "/mchid", `{"mchid":"1900000002"}`: "/mchid"} {
		if a := m.call(http.MethodPost, "/v3/pay/transactions/out-trade-no/QUERY0001/close", body); a.status != 400 || a.Detail.Field != field {
			t.Errorf("close %s: %d %s", body, a.status, a.Code)
		}
	}
}
