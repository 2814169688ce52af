package pay

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/utils"
	"xiaoka/ledger"
)

// apiHost is the host the SDK has built in.
const apiHost = "api.mch.weixin.qq.com"

// maxAnswer bounds an answer of WeChat Pay; real ones are under 8 KiB.
const maxAnswer = 1 << 20

// connect builds the client from the keys in the configuration.
func (m *Merchant) connect() error {
	private, err := utils.LoadPrivateKey(string(m.cfg.PrivateKey))
	if err != nil {
		return errors.New("wechatpay: the private key must be a PKCS#8 RSA key in PEM")
	}
	base, err := url.Parse(m.cfg.BaseURL)
	if err != nil || base.Host == "" || (base.Path != "" && base.Path != "/") || base.RawQuery != "" ||
		(base.Scheme != "https" && base.Scheme != "http") {
		return errors.New("wechatpay: the API address must be a scheme and a host, nothing more")
	}
	block, err := aes.NewCipher([]byte(m.cfg.APIV3Key))
	if err != nil {
		return fmt.Errorf("wechatpay: APIv3 key: %w", err)
	}
	if m.aead, err = cipher.NewGCM(block); err != nil {
		return fmt.Errorf("wechatpay: APIv3 key: %w", err)
	}

	hc := &http.Client{
		Timeout:       m.cfg.Timeout,
		Transport:     outbound{base: base, next: m.cfg.Transport, most: maxAnswer},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	boot, err := core.NewClient(context.Background(),
		option.WithMerchantCredential(m.cfg.MchID, m.cfg.SerialNo, private), option.WithoutValidator(), option.WithHTTPClient(hc))
	if err != nil {
		return fmt.Errorf("wechatpay: %w", err)
	}
	large := &http.Client{Timeout: billTime, Transport: outbound{base: base, next: m.cfg.Transport, most: maxBill}, CheckRedirect: hc.CheckRedirect}
	m.files, err = core.NewClient(context.Background(),
		option.WithMerchantCredential(m.cfg.MchID, m.cfg.SerialNo, private), option.WithoutValidator(), option.WithHTTPClient(large))
	if err != nil {
		return fmt.Errorf("wechatpay: %w", err)
	}
	m.keys = &keyring{now: m.cfg.Now, id: m.cfg.PublicKeyID, boot: boot, apiV3Key: m.cfg.APIV3Key}
	if m.cfg.PublicKeyID != "" {
		if m.keys.key, err = utils.LoadPublicKey(string(m.cfg.PublicKey)); err != nil {
			return errors.New("wechatpay: the public key must be an RSA key in PEM")
		}
	}
	m.client = core.NewClientWithValidator(boot, m.keys)
	return nil
}

// outbound sends what the SDK addresses to WeChat Pay's host to the configured
// one and to no other. Signatures cover path and query only, so they stay good.
type outbound struct {
	base *url.URL
	next http.RoundTripper
	most int64 // bytes of an answer
}

func (o outbound) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != apiHost && r.URL.Host != o.base.Host {
		return nil, fmt.Errorf("unexpected host %q", r.URL.Host)
	}
	c := r.Clone(r.Context())
	c.URL.Scheme, c.URL.Host = o.base.Scheme, o.base.Host
	resp, err := o.next.RoundTrip(c)
	if err == nil {
		resp.Body = &limited{ReadCloser: resp.Body, left: o.most}
	}
	return resp, err
}

var errTooLarge = errors.New("answer too large")

// limited fails, rather than ends, past its limit: a cut answer must not be
// taken for a whole one.
type limited struct {
	io.ReadCloser
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	n, err := l.ReadCloser.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return 0, errTooLarge
	}
	return n, err
}

// order places the attempt, exactly as stored. Repeats give the same result.
//
// JSAPI: https://pay.weixin.qq.com/doc/v3/merchant/4012525167
func (m *Merchant) order(ctx context.Context, a ledger.Attempt) (prepayID, codeURL string, err error) {
	expires := a.ExpiresAt.In(beijing).Truncate(time.Second)
	if a.Channel == ledger.JSAPI {
		api := jsapi.JsapiApiService{Client: m.client}
		resp, _, err := api.Prepay(ctx, jsapi.PrepayRequest{
			Appid: &a.AppID, Mchid: &m.cfg.MchID, Description: &a.Description, OutTradeNo: &a.OutTradeNo,
			TimeExpire: &expires, NotifyUrl: &m.cfg.NotifyURL,
			Amount: &jsapi.Amount{Total: core.Int64(int64(a.Amount)), Currency: core.String("CNY")},
			Payer:  &jsapi.Payer{Openid: &a.OpenID},
		})
		if err == nil && (resp.PrepayId == nil || *resp.PrepayId == "") {
			err = errors.New("answer without a prepay_id")
		}
		if err != nil {
			return "", "", newCallError("jsapi", err)
		}
		return *resp.PrepayId, "", nil
	}
	api := native.NativeApiService{Client: m.client}
	resp, _, err := api.Prepay(ctx, native.PrepayRequest{
		Appid: &a.AppID, Mchid: &m.cfg.MchID, Description: &a.Description, OutTradeNo: &a.OutTradeNo,
		TimeExpire: &expires, NotifyUrl: &m.cfg.NotifyURL,
		Amount: &native.Amount{Total: core.Int64(int64(a.Amount)), Currency: core.String("CNY")},
	})
	if err == nil && (resp.CodeUrl == nil || *resp.CodeUrl == "") {
		err = errors.New("answer without a code_url")
	}
	if err != nil {
		return "", "", newCallError("native", err)
	}
	return "", *resp.CodeUrl, nil
}

// query asks about one number, https://pay.weixin.qq.com/doc/v3/merchant/4012556352.
// The signature of an answer does not name the question, so the number in it
// is compared.
func (m *Merchant) query(ctx context.Context, outTradeNo string) (*payments.Transaction, error) {
	api := jsapi.JsapiApiService{Client: m.client}
	t, _, err := api.QueryOrderByOutTradeNo(ctx, jsapi.QueryOrderByOutTradeNoRequest{OutTradeNo: &outTradeNo, Mchid: &m.cfg.MchID})
	if err == nil && value(t.OutTradeNo) != outTradeNo {
		err = errors.New("answer about another number")
	}
	if err != nil {
		return nil, newCallError("query", err)
	}
	return t, nil
}

// closeNumber asks WeChat Pay to close one unpaid number,
// https://pay.weixin.qq.com/doc/v3/merchant/4012556398. Only 204 is a yes; a
// 202 means that the payer is typing the password. It answers yes for numbers
// it never heard of as well, so a query must follow.
func (m *Merchant) closeNumber(ctx context.Context, outTradeNo string) error {
	api := jsapi.JsapiApiService{Client: m.client}
	result, err := api.CloseOrder(ctx, jsapi.CloseOrderRequest{OutTradeNo: &outTradeNo, Mchid: &m.cfg.MchID})
	if err != nil {
		return newCallError("close", err)
	}
	if status := result.Response.StatusCode; status != http.StatusNoContent {
		return &callError{kind: userPaying, call: "close", status: status}
	}
	return nil
}

// Check asks WeChat Pay about a number that cannot exist and closes it: the 404
// shows that address, merchant id, serial, private key and clock fit together,
// the signed 204 that the key WeChat Pay signs with is the configured one. For
// the operator's check of a configuration; the error says what WeChat Pay said.
func (m *Merchant) Check(ctx context.Context) error {
	if m.cfg.PublicKeyID == "" {
		if err := m.keys.refresh(ctx, 0); err != nil {
			return err
		}
	}
	const nobody = "XKCHECK0"
	if _, err := m.query(ctx, nobody); err != nil && !failed(err, notFound) {
		return err
	}
	if err := m.closeNumber(ctx, nobody); err != nil && !failed(err, notFound, alreadyClosed) {
		return err
	}
	return nil
}

func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
