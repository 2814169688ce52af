package wechatpay

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"fmt"
)

const aeadAlgorithm = "AEAD_AES_256_GCM"

// sealed is an encrypted resource: of a notification, or a platform certificate.
type sealed struct {
	OriginalType   string `json:"original_type,omitempty"`
	Algorithm      string `json:"algorithm"`
	Ciphertext     string `json:"ciphertext"` // base64 of ciphertext and 16-byte tag
	AssociatedData string `json:"associated_data"`
	Nonce          string `json:"nonce"` // its 12 ASCII bytes are the nonce, undecoded
}

// seal encrypts under a 32-byte APIv3 key.
// https://pay.weixin.qq.com/docs/partner/development/interface-rules/apiv3key.html
func seal(apiV3Key, nonce, associatedData string, plain []byte) (sealed, error) {
	gcm, err := newGCM(apiV3Key)
	if err != nil {
		return sealed{}, err
	}
	if len(nonce) != gcm.NonceSize() {
		return sealed{}, fmt.Errorf("wechatpay: a nonce has 12 bytes, not %d", len(nonce))
	}
	return sealed{
		Algorithm:      aeadAlgorithm,
		Ciphertext:     base64.StdEncoding.EncodeToString(gcm.Seal(nil, []byte(nonce), plain, []byte(associatedData))),
		AssociatedData: associatedData,
		Nonce:          nonce,
	}, nil
}

func newGCM(apiV3Key string) (cipher.AEAD, error) {
	if len(apiV3Key) != 32 {
		return nil, fmt.Errorf("wechatpay: an APIv3 key has 32 bytes, not %d", len(apiV3Key))
	}
	block, err := aes.NewCipher([]byte(apiV3Key))
	if err != nil {
		return nil, fmt.Errorf("wechatpay: APIv3 key: %w", err)
	}
	return cipher.NewGCM(block)
}

// breakTag flips a bit of the last byte of a ciphertext, which belongs to its tag.
func breakTag(ciphertext string) string {
	raw, err := base64.StdEncoding.DecodeString(ciphertext)
	if err != nil || len(raw) == 0 {
		return ciphertext
	}
	raw[len(raw)-1] ^= 1
	return base64.StdEncoding.EncodeToString(raw)
}
