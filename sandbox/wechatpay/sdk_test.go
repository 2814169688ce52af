package wechatpay

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/native"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
)

func TestSDKPaysJSAPI(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	resp, _, err := m.jsapi.PrepayWithRequestPayment(t.Context(), m.prepayRequest("CC20260101000001"))
	if err != nil {
		t.Fatal(err)
	}
	bridge := BridgeParams{
		AppID: *resp.Appid, TimeStamp: *resp.TimeStamp, NonceStr: *resp.NonceStr,
		Package: *resp.Package, SignType: *resp.SignType, PaySign: *resp.PaySign,
	}
	if err := m.PaySignOK(bridge); err != nil {
		t.Fatal(err)
	}
	unpaid, _, err := m.jsapi.QueryOrderByOutTradeNo(t.Context(), jsapi.QueryOrderByOutTradeNoRequest{
		OutTradeNo: core.String("CC20260101000001"), Mchid: core.String(m.MchID()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *unpaid.TradeState != "NOTPAY" || unpaid.Amount != nil || unpaid.Attach != nil {
		t.Errorf("unpaid order reads %v", unpaid)
	}
	id, err := m.Pay(t.Context(), bridge.PrepayID(), "oPayer", PayOptions{PayerTotal: 4900, Wait: true})
	if err != nil {
		t.Fatal(err)
	}
	m.quiet()
	if m.received() != 1 {
		t.Fatalf("%d notifications, want 1", m.received())
	}
	req := m.got[0]
	req.Body = io.NopCloser(bytes.NewReader(m.bodies[0]))
	var told payments.Transaction
	envelope, err := m.verifier.ParseNotifyRequest(t.Context(), req, &told)
	if err != nil {
		t.Fatal(err)
	}
	if envelope.EventType != "TRANSACTION.SUCCESS" || envelope.Resource.OriginalType != "transaction" {
		t.Errorf("envelope %+v", envelope)
	}
	paid, _, err := m.jsapi.QueryOrderById(t.Context(), jsapi.QueryOrderByIdRequest{
		TransactionId: core.String(id), Mchid: core.String(m.MchID()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if told.String() != paid.String() {
		t.Errorf("notification and query differ:\n%v\n%v", told, paid)
	}
	if *paid.TransactionId != id || *paid.Amount.Total != 5000 || *paid.Amount.PayerTotal != 4900 || *paid.Payer.Openid != "oPayer" ||
		*paid.Attach != "t1" || *paid.TradeState != "SUCCESS" || *paid.TradeType != "JSAPI" {
		t.Errorf("paid order reads %v", paid)
	}
	if _, err := time.Parse("2006-01-02T15:04:05+08:00", *paid.SuccessTime); err != nil {
		t.Error(err)
	}
}

func TestSDKPaysNative(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	expire := time.Now().Add(15 * time.Minute)
	resp, _, err := m.native.Prepay(t.Context(), native.PrepayRequest{
		Appid: core.String(m.AppID()), Mchid: core.String(m.MchID()), Description: core.String("校园卡充值"),
		OutTradeNo: core.String("CC|*-_0001"), NotifyUrl: core.String(m.notifyURL()), TimeExpire: &expire,
		Amount: &native.Amount{Total: core.Int64(1)},
	})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(*resp.CodeUrl, "weixin://wxpay/bizpayurl?pr=") {
		t.Errorf("code_url %s", *resp.CodeUrl)
	}
	if _, err := m.PayCodeURL(t.Context(), *resp.CodeUrl, "oFather", PayOptions{Wait: true}); err != nil {
		t.Fatal(err)
	}
	// The number's | and * go percent-encoded into the signed path.
	paid, _, err := m.native.QueryOrderByOutTradeNo(t.Context(), native.QueryOrderByOutTradeNoRequest{
		OutTradeNo: core.String("CC|*-_0001"), Mchid: core.String(m.MchID()),
	})
	if err != nil {
		t.Fatal(err)
	}
	if *paid.TradeType != "NATIVE" || *paid.Payer.Openid != "oFather" {
		t.Errorf("paid order reads %v", paid)
	}
}

func TestSDKCloses(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	prepay := m.order("CLOSE0001")
	m.paidOrder("PAID0001")
	closing := func(number string) (int, string) {
		result, err := m.jsapi.CloseOrder(t.Context(), jsapi.CloseOrderRequest{OutTradeNo: core.String(number), Mchid: core.String(m.MchID())})
		return outcome(t, result, err)
	}
	for _, step := range []struct {
		number string
		status int
		code   string
	}{
		{"CLOSE0001", 204, ""},
		{"CLOSE0001", 400, "ORDER_CLOSED"},
		{"PAID0001", 400, "ORDERPAID"},
		{"NEVER0001", 204, ""}, // an unknown number closes too
	} {
		if status, code := closing(step.number); status != step.status || code != step.code {
			t.Errorf("close %s: %d %q, want %d %q", step.number, status, code, step.status, step.code)
		}
	}
	_, result, err := m.jsapi.Prepay(t.Context(), m.prepayRequest("NEVER0001"))
	if status, code := outcome(t, result, err); status != 400 || code != "INVALID_REQUEST" {
		t.Errorf("order under a burnt number: %d %q", status, code)
	}
	if _, err := m.Pay(t.Context(), prepay, "oPayer", PayOptions{}); !errors.Is(err, ErrNotPayable) {
		t.Errorf("pay a closed order: %v", err)
	}
	if _, err := m.Pay(t.Context(), prepay, "oPayer", PayOptions{Late: true}); err != nil {
		t.Errorf("pay a closed order late: %v", err)
	}
}

// outcome is status and error code of an SDK call; an error that is not WeChat Pay's fails the test.
func outcome(t testing.TB, result *core.APIResult, err error) (int, string) {
	t.Helper()
	if err == nil {
		return result.Response.StatusCode, ""
	}
	var e *core.APIError
	if !errors.As(err, &e) {
		t.Fatal(err)
	}
	return e.StatusCode, e.Code
}

func TestSDKRefunds(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{})
	m.paidOrder("REFUND0001")
	request := refunddomestic.CreateRequest{
		OutTradeNo: core.String("REFUND0001"), OutRefundNo: core.String("R-REFUND0001@1"), Reason: core.String("未领取"),
		NotifyUrl: core.String(m.notified.URL + "/refund"),
		Amount:    &refunddomestic.AmountReq{Refund: core.Int64(5000), Total: core.Int64(5000), Currency: core.String("CNY")},
	}
	created, _, err := m.refunds.Create(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if *created.Status != refunddomestic.STATUS_PROCESSING {
		t.Errorf("status %v, want PROCESSING", *created.Status)
	}
	m.quiet()
	again, _, err := m.refunds.Create(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if *again.RefundId != *created.RefundId || *again.Status != refunddomestic.STATUS_SUCCESS {
		t.Errorf("the same number again: %v", again)
	}
	queried, _, err := m.refunds.QueryByOutRefundNo(t.Context(), refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: request.OutRefundNo})
	if err != nil {
		t.Fatal(err)
	}
	if queried.SuccessTime == nil || *queried.Amount.Refund != 5000 {
		t.Errorf("query: %v", queried)
	}
	if m.received() != 2 {
		t.Fatalf("%d notifications, want payment and refund", m.received())
	}
	req := m.got[1]
	req.Body = io.NopCloser(bytes.NewReader(m.bodies[1]))
	var told struct {
		MchID        string `json:"mchid"`
		RefundStatus string `json:"refund_status"`
		OutRefundNo  string `json:"out_refund_no"`
		Status       string `json:"status"`
	}
	envelope, err := m.verifier.ParseNotifyRequest(t.Context(), req, &told)
	if err != nil {
		t.Fatal(err)
	}
	if envelope.EventType != "REFUND.SUCCESS" || envelope.Resource.OriginalType != "refund" || told.RefundStatus != "SUCCESS" ||
		told.OutRefundNo != "R-REFUND0001@1" || told.MchID != m.MchID() || told.Status != "" {
		t.Errorf("refund notification %+v %+v", envelope, told)
	}
	if o, _ := m.Order("REFUND0001"); o.State != "REFUND" {
		t.Errorf("order is %s, want REFUND", o.State)
	}
}

// TestSDKCertificates goes the way of a merchant on platform certificates: list, decrypt, verify what comes after.
func TestSDKCertificates(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{NotifyWith: ByCertificate})
	boot, err := core.NewClient(t.Context(),
		option.WithMerchantCredential(m.MchID(), m.SerialNo(), m.privateKey()), option.WithoutValidator(), option.WithHTTPClient(m.http))
	if err != nil {
		t.Fatal(err)
	}
	certificates, err := downloader.NewCertificateDownloaderWithClient(t.Context(), boot, m.APIv3Key())
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := certificates.Get(t.Context(), m.CertificateSerialNo()); !ok {
		t.Fatal("the certificate is not listed under its serial")
	}
	if err := certificates.DownloadCertificates(t.Context()); err != nil {
		t.Errorf("second download, now verified: %v", err)
	}
	m.paidOrder("CERT0001")
	if got := m.got[0].Header.Get("Wechatpay-Serial"); got != m.CertificateSerialNo() {
		t.Errorf("notification signed by %s", got)
	}
}

func TestSDKNoCertificates(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{NoCertificates: true})
	result, err := m.client.Get(t.Context(), "https://api.mch.weixin.qq.com/v3/certificates")
	if status, code := outcome(t, result, err); status != 404 || code != "RESOURCE_NOT_EXISTS" {
		t.Errorf("%d %q", status, code)
	}
}

func TestSDKBill(t *testing.T) {
	t.Parallel()
	m := newMerchant(t, Config{BillsAtOnce: true})
	id := m.paidOrder("BILL0001")
	m.order("BILL0002") // unpaid: not in the bill
	day := m.Now().Format(time.DateOnly)
	result, err := m.client.Get(t.Context(), "https://api.mch.weixin.qq.com/v3/bill/tradebill?bill_date="+day+"&bill_type=ALL&tar_type=GZIP")
	if err != nil {
		t.Fatal(err)
	}
	var applied struct {
		HashType    string `json:"hash_type"`
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}
	if err := core.UnMarshalResponse(result.Response, &applied); err != nil {
		t.Fatal(err)
	}
	file := m.download(applied.DownloadURL)
	unpacked, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha1.Sum(text)
	if applied.HashType != "SHA1" || applied.HashValue != hex.EncodeToString(sum[:]) {
		t.Errorf("hash %s %s", applied.HashType, applied.HashValue)
	}
	o, _ := m.Order("BILL0001")
	want := allColumns + "\n" +
		"`" + o.PaidAt.Format(time.DateTime) + ",`ww0123456789abcdef,`1900000001,`0,`,`" + id +
		",`BILL0001,`oPayer,`JSAPI,`SUCCESS,`OTHERS,`CNY,`50.00,`0.00,`0,`0,`0.00,`0.00,`,`,`校园卡充值 <&>,`t1,`0.30000,`0.60%,`50.00,`0.00,`\n" +
		allTotals + "\n" +
		"`1,`50.00,`0.00,`0.00,`0.30000,`50.00,`0.00\n"
	if string(text) != want {
		t.Errorf("bill\n%s\nwant\n%s", text, want)
	}
	if _, err := m.client.Get(t.Context(), applied.DownloadURL); err == nil {
		t.Error("a token serves twice")
	}
}

// download fetches a bill as the SDK's FAQ tells: without verification, since files are not signed.
func (m *merchant) download(address string) []byte {
	m.t.Helper()
	unverified, err := core.NewClient(m.t.Context(),
		option.WithMerchantCredential(m.MchID(), m.SerialNo(), m.privateKey()), option.WithoutValidator(), option.WithHTTPClient(m.http))
	if err != nil {
		m.t.Fatal(err)
	}
	result, err := unverified.Get(m.t.Context(), address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer result.Response.Body.Close()
	file, err := io.ReadAll(result.Response.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	for name := range result.Response.Header {
		if strings.HasPrefix(name, "Wechatpay-") {
			m.t.Errorf("a file with %s", name)
		}
	}
	return file
}
