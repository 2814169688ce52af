package wechatpay

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth"
	"github.com/wechatpay-apiv3/wechatpay-go/core/auth/verifiers"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
	"github.com/wechatpay-apiv3/wechatpay-go/core/notify"
	"github.com/wechatpay-apiv3/wechatpay-go/core/option"
	"github.com/wechatpay-apiv3/wechatpay-go/services/payments/jsapi"
	"github.com/wechatpay-apiv3/wechatpay-go/services/refunddomestic"
)

// TestSDKKeyModes takes the official SDK through payment, refund, close and both bills with the public key, with the
// platform certificate, and during the switch from one to the other, when notifications are signed by either.
func TestSDKKeyModes(t *testing.T) {
	t.Parallel()
	for _, mode := range []struct {
		name        string
		notifyWith  Signer
		certificate bool // answers are verified by it
	}{
		{"PublicKey", ByPublicKey, false}, {"Certificate", ByCertificate, true}, {"Switch", ByTurns, false},
	} {
		t.Run(mode.name, func(t *testing.T) {
			t.Parallel()
			m := newMerchant(t, Config{NotifyWith: mode.notifyWith, BillsAtOnce: true})
			manager := downloader.NewCertificateDownloaderMgrWithInterval(t.Context(), 6*time.Hour)
			defer manager.Stop()
			boot, err := core.NewClient(t.Context(),
				option.WithMerchantCredential(m.MchID(), m.SerialNo(), m.privateKey()), option.WithoutValidator(), option.WithHTTPClient(m.http))
			if err != nil {
				t.Fatal(err)
			}
			if err := manager.RegisterDownloaderWithClient(t.Context(), boot, m.MchID(), m.APIv3Key()); err != nil {
				t.Fatal(err)
			}
			certificates := manager.GetCertificateVisitor(m.MchID())
			var verifier auth.Verifier = verifiers.NewSHA256WithRSACombinedVerifier(certificates, m.PublicKeyID(), *m.publicKey())
			if mode.certificate {
				verifier = verifiers.NewSHA256WithRSAVerifier(certificates)
				m.client, err = core.NewClient(t.Context(),
					option.WithWechatPayAutoAuthCipherUsingDownloaderMgr(m.MchID(), m.SerialNo(), m.privateKey(), manager), option.WithHTTPClient(m.http))
				if err != nil {
					t.Fatal(err)
				}
				m.jsapi, m.refunds = jsapi.JsapiApiService{Client: m.client}, refunddomestic.RefundsApiService{Client: m.client}
			}
			if m.verifier, err = notify.NewRSANotifyHandler(m.APIv3Key(), verifier); err != nil {
				t.Fatal(err)
			}

			m.paidOrder("KEYS0001")
			m.paidOrder("KEYS0002")
			refunded, _, err := m.refunds.Create(t.Context(), refunddomestic.CreateRequest{
				OutTradeNo: core.String("KEYS0001"), OutRefundNo: core.String("R1"), NotifyUrl: core.String(m.notified.URL + "/refund"),
				Amount: &refunddomestic.AmountReq{Refund: core.Int64(1000), Total: core.Int64(5000), Currency: core.String("CNY")},
			})
			if err != nil || *refunded.Amount.Refund != 1000 {
				t.Fatalf("%v, %v", refunded, err)
			}
			m.quiet()
			if queried, _, err := m.refunds.QueryByOutRefundNo(t.Context(), refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: core.String("R1")}); err != nil ||
				*queried.Status != refunddomestic.STATUS_SUCCESS {
				t.Errorf("%v, %v", queried, err)
			}
			m.order("KEYS0003")
			if result, err := m.jsapi.CloseOrder(t.Context(), jsapi.CloseOrderRequest{OutTradeNo: core.String("KEYS0003"), Mchid: core.String(m.MchID())}); err != nil ||
				result.Response.StatusCode != 204 {
				t.Errorf("close: %v", err)
			}

			serials := map[string]bool{}
			for i := range m.received() {
				req := m.got[i]
				serials[req.Header.Get("Wechatpay-Serial")] = true
				req.Body = io.NopCloser(bytes.NewReader(m.bodies[i]))
				var told map[string]any
				if _, err := m.verifier.ParseNotifyRequest(t.Context(), req, &told); err != nil {
					t.Errorf("notification %d: %v", i, err)
				}
			}
			if want := map[Signer]int{ByTurns: 2}[mode.notifyWith]; m.received() != 3 || len(serials) != max(want, 1) {
				t.Errorf("%d notifications by %v", m.received(), serials)
			}

			day := m.Now().Format(time.DateOnly)
			for path, rows := range map[string]int{
				"tradebill?bill_type=ALL&bill_date=": 3, "tradebill?bill_type=SUCCESS&bill_date=": 2, "tradebill?bill_type=REFUND&bill_date=": 1,
				"fundflowbill?account_type=BASIC&bill_date=": -1,
			} {
				result, err := m.client.Get(t.Context(), "https://api.mch.weixin.qq.com/v3/bill/"+path+day)
				if err != nil {
					t.Fatal(err)
				}
				var applied struct {
					HashValue   string `json:"hash_value"`
					DownloadURL string `json:"download_url"`
				}
				if err := core.UnMarshalResponse(result.Response, &applied); err != nil {
					t.Fatal(err)
				}
				file := m.download(applied.DownloadURL)
				if sum := sha1.Sum(file); applied.HashValue != hex.EncodeToString(sum[:]) {
					t.Errorf("%s: wrong hash", path)
				}
				if n := strings.Count(string(file), "\n`") - 1; rows >= 0 && n != rows {
					t.Errorf("%s: %d rows, want %d\n%s", path, n, rows, file)
				}
			}

			if err := m.Inject(Fault{Point: AtRefundQuery, Kind: FaultSignTest, Times: 1}); err != nil {
				t.Fatal(err)
			}
			query := refunddomestic.QueryByOutRefundNoRequest{OutRefundNo: core.String("R1")}
			if _, _, err := m.refunds.QueryByOutRefundNo(t.Context(), query); err == nil {
				t.Error("the SDK takes a probe for an answer")
			}
			if _, _, err := m.refunds.QueryByOutRefundNo(t.Context(), query); err != nil {
				t.Errorf("after the probe: %v", err)
			}
		})
	}
}
