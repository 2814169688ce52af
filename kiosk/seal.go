package kiosk

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// SecretSize is the length of a terminal's secret in bytes; it is shown once,
// in base64.
const SecretSize = 32

// NewSecret returns a random secret for a terminal.
func NewSecret() []byte {
	secret := make([]byte, SecretSize)
	rand.Read(secret) // never fails
	return secret
}

// Seal encrypts a terminal's secret for its row: AES-256-GCM, a random nonce
// in front, the terminal's id bound to it so that rows cannot trade secrets.
func Seal(key [32]byte, terminalID string, secret []byte) ([]byte, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, secret, []byte(terminalID)), nil
}

// Open gives back what [Seal] sealed for the same terminal under the same key.
func Open(key [32]byte, terminalID string, sealed []byte) ([]byte, error) {
	aead, err := sealer(key)
	if err != nil {
		return nil, err
	}
	secret, err := aead.Open(nil, nil, sealed, []byte(terminalID))
	if err != nil || len(secret) != SecretSize {
		return nil, errors.New("the secret does not open with this key")
	}
	return secret, nil
}

func sealer(key [32]byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key[:])
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}
