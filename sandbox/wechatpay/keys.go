package wechatpay

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// Keys are the RSA-2048 keys of one simulation: the merchant's, and the two of WeChat Pay. They live in memory only.
type Keys struct {
	merchant       *rsa.PrivateKey
	merchantSerial string // upper-case hex, 40 characters
	platform       *rsa.PrivateKey
	platformID     string // PUB_KEY_ID_ and digits
	cert           *rsa.PrivateKey
	certSerial     string // upper-case hex, 40 characters
	certPEM        []byte
	certFrom       time.Time
	certTo         time.Time
}

// NewKeys makes a set of keys with the machine's own randomness. Several servers may share one set.
func NewKeys() (*Keys, error) {
	k := &Keys{}
	var wg sync.WaitGroup
	var errs [3]error
	for i, key := range []**rsa.PrivateKey{&k.merchant, &k.platform, &k.cert} {
		wg.Go(func() { *key, errs[i] = rsa.GenerateKey(rand.Reader, 2048) })
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("wechatpay: make an RSA key: %w", err)
		}
	}
	serials := make([]byte, 2*20+24)
	if _, err := rand.Read(serials); err != nil {
		return nil, fmt.Errorf("wechatpay: make serial numbers: %w", err)
	}
	serials[0] |= 0x40 // keeps the certificate's number positive and at its full 40 digits
	serials[0] &^= 0x80
	k.certSerial = fmt.Sprintf("%X", serials[:20])
	k.merchantSerial = fmt.Sprintf("%X", serials[20:40])
	var digits strings.Builder
	for _, b := range serials[40:] {
		digits.WriteByte('0' + b%10)
	}
	k.platformID = "PUB_KEY_ID_0111" + digits.String()
	return k, k.makeCertificate(serials[:20])
}

// makeCertificate is valid for decades, where WeChat Pay's are for five years, so that a simulation whose clock is set
// elsewhere keeps it.
func (k *Keys) makeCertificate(serial []byte) error {
	k.certFrom = time.Date(2020, 1, 1, 0, 0, 0, 0, china)
	k.certTo = time.Date(2050, 1, 1, 0, 0, 0, 0, china)
	name := pkix.Name{Country: []string{"CN"}, Organization: []string{"Tenpay.com (simulated)"}, CommonName: "Tenpay.com sign"}
	template := x509.Certificate{
		SerialNumber: new(big.Int).SetBytes(serial),
		Subject:      name,
		NotBefore:    k.certFrom,
		NotAfter:     k.certTo,
		KeyUsage:     x509.KeyUsageDigitalSignature,
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, &k.cert.PublicKey, k.cert)
	if err != nil {
		return fmt.Errorf("wechatpay: make the platform certificate: %w", err)
	}
	k.certPEM = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return nil
}

// signer returns the private key and the serial that goes into Wechatpay-Serial.
func (k *Keys) signer(by Signer) (*rsa.PrivateKey, string) {
	if by == ByCertificate {
		return k.cert, k.certSerial
	}
	return k.platform, k.platformID
}

// sign is base64(RSASSA-PKCS1-v1_5 with SHA-256), the only signature of API v3.
func sign(key *rsa.PrivateKey, text string) (string, error) {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(nil, key, crypto.SHA256, sum[:])
	if err != nil {
		return "", fmt.Errorf("wechatpay: sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(sig), nil
}

// verify checks such a signature.
func verify(key *rsa.PublicKey, text, signature string) error {
	sig, err := base64.StdEncoding.DecodeString(signature)
	if err != nil {
		return fmt.Errorf("signature is not base64: %w", err)
	}
	sum := sha256.Sum256([]byte(text))
	return rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig)
}

// SerialNo names the merchant's key in Authorization: upper-case hex, 40 characters.
func (s *Server) SerialNo() string { return s.keys.merchantSerial }

// MerchantPrivateKeyPEM is what the merchant platform hands out as apiclient_key.pem, in PKCS#8.
func (s *Server) MerchantPrivateKeyPEM() []byte {
	der, err := x509.MarshalPKCS8PrivateKey(s.keys.merchant)
	if err != nil {
		return nil // an RSA key always marshals
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

// PublicKeyID names WeChat Pay's public key in Wechatpay-Serial: PUB_KEY_ID_ and digits.
func (s *Server) PublicKeyID() string { return s.keys.platformID }

// PublicKeyPEM is the public key that the merchant platform hands out beside PublicKeyID.
func (s *Server) PublicKeyPEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(&s.keys.platform.PublicKey)
	if err != nil {
		return nil // an RSA key always marshals
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

// CertificateSerialNo names the platform certificate in Wechatpay-Serial: upper-case hex, 40 characters.
func (s *Server) CertificateSerialNo() string { return s.keys.certSerial }

// CertificatePEM is the platform certificate that /v3/certificates holds encrypted.
func (s *Server) CertificatePEM() []byte { return s.keys.certPEM }
