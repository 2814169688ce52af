package wecom

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
)

// padTo is the PKCS#7 block of WeCom's scheme: 32 bytes, not AES's 16.
const padTo = 32

// seal is the callback encryption of one app, https://developer.work.weixin.qq.com/document/path/90968.
type seal struct {
	token string
	key   []byte
}

func newSeal(token, encodingAESKey string) (seal, error) {
	if token == "" || len(token) > 32 || !alphanumeric(token) {
		return seal{}, errors.New("token must be 1 to 32 letters and digits")
	}
	if len(encodingAESKey) != 43 || !alphanumeric(encodingAESKey) {
		return seal{}, errors.New("EncodingAESKey must be exactly 43 letters and digits")
	}
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil {
		return seal{}, errors.New("EncodingAESKey is not base64")
	}
	return seal{token: token, key: key}, nil
}

func alphanumeric(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return true
}

// sign returns the msg_signature.
func (k seal) sign(timestamp, nonce, encrypted string) string {
	parts := []string{k.token, timestamp, nonce, encrypted}
	slices.Sort(parts)
	sum := sha1.Sum([]byte(strings.Join(parts, "")))
	return hex.EncodeToString(sum[:])
}

func (k seal) signed(signature, timestamp, nonce, encrypted string) bool {
	want := k.sign(timestamp, nonce, encrypted)
	return subtle.ConstantTimeCompare([]byte(want), []byte(signature)) == 1
}

// encrypt wraps msg for receiver; random must be 16 bytes.
func (k seal) encrypt(random, msg []byte, receiver string) (string, error) {
	if len(random) != 16 {
		return "", errors.New("the random prefix must be 16 bytes")
	}
	var plain bytes.Buffer
	plain.Write(random)
	plain.Write(binary.BigEndian.AppendUint32(nil, uint32(len(msg))))
	plain.Write(msg)
	plain.WriteString(receiver)
	pad := padTo - plain.Len()%padTo
	plain.Write(bytes.Repeat([]byte{byte(pad)}, pad))

	block, err := aes.NewCipher(k.key)
	if err != nil {
		return "", err
	}
	out := plain.Bytes()
	cipher.NewCBCEncrypter(block, k.key[:aes.BlockSize]).CryptBlocks(out, out)
	return base64.StdEncoding.EncodeToString(out), nil
}

// decrypt undoes encrypt and checks the receiver.
func (k seal) decrypt(encrypted, receiver string) ([]byte, error) {
	data, err := base64.StdEncoding.DecodeString(encrypted)
	if err != nil {
		return nil, errors.New("the ciphertext is not standard base64")
	}
	if len(data) == 0 || len(data)%padTo != 0 {
		return nil, errors.New("the ciphertext is not a multiple of 32 bytes")
	}
	block, err := aes.NewCipher(k.key)
	if err != nil {
		return nil, err
	}
	cipher.NewCBCDecrypter(block, k.key[:aes.BlockSize]).CryptBlocks(data, data)
	pad := int(data[len(data)-1])
	if pad < 1 || pad > padTo {
		return nil, errors.New("the padding is not 1 to 32")
	}
	for _, b := range data[len(data)-pad:] {
		if int(b) != pad {
			return nil, errors.New("the padding bytes differ")
		}
	}
	data = data[:len(data)-pad]
	if len(data) < 20 {
		return nil, errors.New("the plaintext is shorter than its header")
	}
	n := uint64(binary.BigEndian.Uint32(data[16:20]))
	if n > uint64(len(data)-20) {
		return nil, errors.New("msg_len is beyond the plaintext")
	}
	if string(data[20+n:]) != receiver {
		return nil, errors.New("the receiveid is not the CorpID")
	}
	return data[20 : 20+n], nil
}
