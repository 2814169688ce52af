package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"slices"
	"strings"
)

// Keys and what is like one.

func masterKey(to *Secret[[]byte]) parser {
	return func(s string) error {
		key, err := base64.StdEncoding.Strict().DecodeString(strings.TrimSpace(s))
		if err != nil || len(key) != 32 {
			return errors.New("must be 32 bytes in base64, as from: openssl rand -base64 32")
		}
		if slices.Equal(key, make([]byte, 32)) {
			return errors.New("must be random")
		}
		*to = NewSecret(key)
		return nil
	}
}

func token(to *Secret[string]) parser {
	return func(s string) error {
		if len(s) > 32 || !alphanumeric(s) {
			return errors.New("must be letters and digits, at most 32")
		}
		*to = NewSecret(s)
		return nil
	}
}

func aesKey(to *Secret[string]) parser {
	return func(s string) error {
		if len(s) != 43 || !alphanumeric(s) {
			return errors.New("must be exactly 43 letters and digits")
		}
		*to = NewSecret(s)
		return nil
	}
}

func alphanumeric(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	})
}

func serialNo(to *string) parser {
	return func(s string) error {
		if len(s) > 64 || strings.Trim(strings.ToUpper(s), "0123456789ABCDEF") != "" {
			return errors.New("must be the certificate's serial number in hexadecimal")
		}
		*to = strings.ToUpper(s)
		return nil
	}
}

func apiV3Key(to *Secret[string]) parser {
	return func(s string) error {
		if len(s) != 32 {
			return errors.New("must be exactly 32 bytes")
		}
		*to = NewSecret(s)
		return nil
	}
}

var (
	errPrivateKey = errors.New("must be an RSA private key in PEM (apiclient_key.pem)")
	errPublicKey  = errors.New("must be an RSA public key in PEM (pub_key.pem)")
)

func privateKey(to *Secret[*rsa.PrivateKey]) parser {
	return func(s string) error {
		block, _ := pem.Decode([]byte(s))
		if block == nil {
			return errPrivateKey
		}
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes)
		}
		key, ok := parsed.(*rsa.PrivateKey)
		if err != nil || !ok {
			return errPrivateKey
		}
		*to = NewSecret(key)
		return nil
	}
}

func publicKey(to **rsa.PublicKey) parser {
	return func(s string) error {
		block, _ := pem.Decode([]byte(s))
		if block == nil {
			return errPublicKey
		}
		parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
		key, ok := parsed.(*rsa.PublicKey)
		if err != nil || !ok {
			return errPublicKey
		}
		*to = key
		return nil
	}
}
