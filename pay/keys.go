package pay

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wechatpay-apiv3/wechatpay-go/core"
	"github.com/wechatpay-apiv3/wechatpay-go/core/downloader"
)

// CertificateInterval is the age at which platform certificates are fetched
// anew. WeChat Pay asks for less than 12 hours: a new one appears 24 hours
// before it is used.
const CertificateInterval = 6 * time.Hour

// signatureWindow bounds the age of what WeChat Pay signs, both ways.
const signatureWindow = 300 * time.Second

// errSignature is every reason not to trust a message. The reason is for the
// log; the sender learns nothing.
var errSignature = errors.New("wechatpay signature")

// keyring holds the keys that WeChat Pay signs with, by serial. It serves
// responses and notifications alike, and the SDK's validator of responses
// ([auth.Validator]).
type keyring struct {
	now func() time.Time

	id  string // PUB_KEY_ID_…; empty in certificate mode
	key *rsa.PublicKey

	boot     *core.Client // trusts TLS and the APIv3 key only
	apiV3Key string

	mu      sync.Mutex // one download at a time: the SDK's own is not safe for more
	certs   *downloader.CertificateDownloader
	fetched time.Time // last success
	tried   time.Time
	state   sync.RWMutex // guards certs, fetched, tried
}

// verify checks a message as
// https://pay.weixin.qq.com/wiki/doc/apiv3/wechatpay/wechatpay4_1.shtml says:
// all headers, the window, a known serial, then the signature over the raw
// body. There is no way around it, for no sender and no header.
func (k *keyring) verify(ctx context.Context, h http.Header, body []byte) error {
	one := func(name string) (string, error) {
		if v := h.Values(name); len(v) == 1 && v[0] != "" {
			return v[0], nil
		}
		return "", fmt.Errorf("%w: header %s must be there once", errSignature, name)
	}
	timestamp, err1 := one("Wechatpay-Timestamp")
	nonce, err2 := one("Wechatpay-Nonce")
	serial, err3 := one("Wechatpay-Serial")
	signature, err4 := one("Wechatpay-Signature")
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return err
	}
	if t := h.Values("Wechatpay-Signature-Type"); len(t) > 1 || (len(t) == 1 && t[0] != "WECHATPAY2-SHA256-RSA2048") {
		return fmt.Errorf("%w: unknown signature type", errSignature)
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || strings.Trim(timestamp, "0123456789") != "" {
		return fmt.Errorf("%w: timestamp is not a number", errSignature)
	}
	if age := k.now().Unix() - seconds; age >= int64(signatureWindow/time.Second) || age <= -int64(signatureWindow/time.Second) {
		return fmt.Errorf("%w: %d s away from our clock", errSignature, age)
	}
	key, err := k.find(ctx, serial)
	if err != nil {
		return err
	}
	raw, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("%w: not base64", errSignature)
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "%s\n%s\n%s\n", timestamp, nonce, body)
	if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, hash.Sum(nil), raw); err != nil {
		return fmt.Errorf("%w: does not fit the key %q", errSignature, serial)
	}
	return nil
}

// find gives the key for a serial, or an error; never a nil key.
func (k *keyring) find(ctx context.Context, serial string) (*rsa.PublicKey, error) {
	if k.id != "" && serial == k.id {
		return k.key, nil
	}
	if len(serial) > 40 || serial == "" || strings.Trim(strings.ToUpper(serial), "0123456789ABCDEF") != "" {
		return nil, fmt.Errorf("%w: unknown serial", errSignature)
	}
	if key := k.certificate(ctx, serial); key != nil {
		if k.stale() {
			go k.refreshStale()
		}
		return key, nil
	}
	if err := k.refresh(ctx, time.Minute); err != nil {
		return nil, fmt.Errorf("%w: unknown serial, and no certificates: %w", errSignature, err)
	}
	if key := k.certificate(ctx, serial); key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w: unknown serial", errSignature)
}

// certificate gives the RSA key of a certificate that is valid now, else nil.
func (k *keyring) certificate(ctx context.Context, serial string) *rsa.PublicKey {
	certs := k.certificates()
	if certs == nil {
		return nil
	}
	cert, ok := certs.Get(ctx, serial)
	if !ok || !validAt(cert, k.now()) {
		return nil
	}
	key, _ := cert.PublicKey.(*rsa.PublicKey)
	return key
}

func validAt(c *x509.Certificate, now time.Time) bool {
	return !now.Before(c.NotBefore) && !now.After(c.NotAfter)
}

func (k *keyring) certificates() *downloader.CertificateDownloader {
	k.state.RLock()
	defer k.state.RUnlock()
	return k.certs
}

func (k *keyring) stale() bool {
	k.state.RLock()
	defer k.state.RUnlock()
	return k.now().Sub(k.fetched) >= CertificateInterval
}

// refreshStale renews in the background what still serves.
func (k *keyring) refreshStale() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	_ = k.refresh(ctx, time.Minute) // the old ones go on serving; an unknown serial will tell
}

// refresh downloads the platform certificates unless that was tried less than
// atMost ago, so that forged serials cannot make us hammer WeChat Pay.
func (k *keyring) refresh(ctx context.Context, atMost time.Duration) (err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.state.Lock()
	now := k.now()
	if !k.tried.IsZero() && now.Sub(k.tried) < atMost {
		k.state.Unlock()
		return nil
	}
	k.tried = now
	certs := k.certs
	k.state.Unlock()

	// The SDK dereferences absent members of the answer.
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("wechatpay certificates: malformed answer")
		}
	}()
	if certs == nil {
		certs, err = downloader.NewCertificateDownloaderWithClient(ctx, k.boot, k.apiV3Key)
	} else {
		err = certs.DownloadCertificates(ctx)
	}
	if err != nil {
		return newCallError("certificates", err)
	}
	k.state.Lock()
	k.certs, k.fetched = certs, now
	k.state.Unlock()
	return nil
}

// Validate is the SDK's hook for responses. A body that cannot be verified
// leaves the result of the call unknown, never failed.
func (k *keyring) Validate(ctx context.Context, r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	_ = r.Body.Close()
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return k.verify(ctx, r.Header, body)
}

// GetAcceptSerial tells WeChat Pay which key to sign its response with.
func (k *keyring) GetAcceptSerial(ctx context.Context) (string, error) {
	if k.id != "" {
		return k.id, nil
	}
	if k.certificates() == nil {
		if err := k.refresh(ctx, time.Minute); err != nil {
			return "", err
		}
	}
	if certs := k.certificates(); certs != nil {
		return certs.GetNewestSerial(ctx), nil
	}
	return "", errors.New("wechatpay: no platform certificate yet")
}
