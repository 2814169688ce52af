package wechatpay

import (
	"cmp"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// authScheme opens Authorization; the five pairs after it come in any order.
const authScheme = "WECHATPAY2-SHA256-RSA2048 "

var authPair = regexp.MustCompile(`^\s*([a-z_]+)="([^"]*)"\s*$`)

// requestWindow is how old or early a request may be, unless Unconfirmed says otherwise: WeChat Pay refuses requests
// "from long ago" without saying how long that is.
const requestWindow = 5 * time.Minute

// authenticate verifies a request over its raw line and body.
// https://wechatpay-api.gitbook.io/wechatpay-api-v3/qian-ming-zhi-nan-1/qian-ming-sheng-cheng
func (s *Server) authenticate(r *http.Request, body []byte) error {
	refuse := func(issue string) error {
		e := fail("SIGN_ERROR", "签名错误，请检查后再试")
		e.detail = &errorDetail{Field: "signature", Issue: issue, Location: "authorization"}
		e.unsigned = true
		return e
	}
	given, ok := strings.CutPrefix(r.Header.Get("Authorization"), authScheme)
	if !ok {
		return refuse("http header Authorization must start with " + strings.TrimSpace(authScheme))
	}
	pairs := map[string]string{}
	for part := range strings.SplitSeq(given, ",") {
		m := authPair.FindStringSubmatch(part)
		if m == nil || pairs[m[1]] != "" {
			return refuse("http header Authorization is malformed")
		}
		pairs[m[1]] = m[2]
	}
	for _, name := range []string{"mchid", "nonce_str", "timestamp", "serial_no", "signature"} {
		if pairs[name] == "" {
			return refuse("http header Authorization lacks " + name)
		}
	}
	if len(pairs) != 5 {
		return refuse("http header Authorization has an unknown pair")
	}
	if pairs["mchid"] != s.cfg.MchID || pairs["serial_no"] != s.keys.merchantSerial {
		return refuse("mchid or serial_no unknown")
	}
	seconds, err := strconv.ParseInt(pairs["timestamp"], 10, 64)
	if err != nil {
		return refuse("timestamp is not a number of seconds")
	}
	if age := s.Now().Sub(time.Unix(seconds, 0)).Abs(); age > cmp.Or(s.cfg.Unconfirmed.RequestWindow, requestWindow) {
		return refuse("timestamp expired")
	}
	text := r.Method + "\n" + r.RequestURI + "\n" + pairs["timestamp"] + "\n" + pairs["nonce_str"] + "\n" + string(body) + "\n"
	if err := verify(&s.keys.merchant.PublicKey, text, pairs["signature"]); err != nil {
		return refuse("sign not match")
	}
	return nil
}

// checkHeaders asks for what the documents tell clients to send; whether a request without it is refused is not said.
func (s *Server) checkHeaders(r *http.Request) error {
	if !s.cfg.Unconfirmed.NeedHeaders {
		return nil
	}
	refuse := func(name string) error {
		e := fail("PARAM_ERROR", "HTTP头缺少"+name)
		e.detail = &errorDetail{Field: name, Value: r.Header.Get(name), Issue: "required", Location: "header"}
		return e
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	switch {
	case !strings.Contains(accept, "application/json") && !strings.Contains(accept, "*/*"):
		return refuse("Accept")
	case r.UserAgent() == "":
		return refuse("User-Agent")
	}
	return nil
}

// answerSigner chooses the key for an answer: the merchant decides it with Wechatpay-Serial.
// https://pay.weixin.qq.com/doc/v3/merchant/4012154180
func (s *Server) answerSigner(r *http.Request) (Signer, error) {
	switch serial := r.Header.Get("Wechatpay-Serial"); {
	case serial == s.keys.platformID, serial == "" && s.cfg.NoCertificates:
		return ByPublicKey, nil
	case serial == "", serial == s.keys.certSerial && !s.cfg.NoCertificates:
		return ByCertificate, nil
	default:
		return ByCertificate, &apiError{status: 400, code: "PARAM_ERROR", message: "平台证书序列号Wechatpay-Serial错误",
			detail: &errorDetail{Field: "Wechatpay-Serial", Value: serial, Issue: "unknown serial", Location: "header"}}
	}
}

// signedHeader makes the Wechatpay-* headers of an answer or a notification.
func (s *Server) signedHeader(by Signer, how Signature, skew time.Duration, body []byte) (http.Header, error) {
	h := http.Header{}
	if how == SignNone {
		return h, nil
	}
	key, serial := s.keys.signer(by)
	timestamp := strconv.FormatInt(s.Now().Add(skew).Unix(), 10)
	nonce := s.letters(32)
	text := timestamp + "\n" + nonce + "\n" + string(body) + "\n"
	if how == SignBad {
		text = "another text\n"
	}
	signature, err := sign(key, text)
	if err != nil {
		return nil, err
	}
	switch how {
	case SignTest:
		signature = "WECHATPAY/SIGNTEST/" + signature[len("WECHATPAY/SIGNTEST/"):]
	case SignUnknownSerial:
		serial = "PUB_KEY_ID_0000000000000000000000000000"
	}
	h.Set("Wechatpay-Timestamp", timestamp)
	h.Set("Wechatpay-Nonce", nonce)
	h.Set("Wechatpay-Serial", serial)
	h.Set("Wechatpay-Signature", signature)
	h.Set("Wechatpay-Signature-Type", strings.TrimSpace(authScheme))
	return h, nil
}
