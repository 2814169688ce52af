package bot

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
)

// padBlock is WeCom's PKCS#7 block: 32 bytes, twice that of AES.
const padBlock = 32

// strictBase64 also refuses bits after the last byte.
var strictBase64 = base64.StdEncoding.Strict()

// headBytes come before the message: 16 random ones and its length.
const headBytes = 16 + 4

// Every failure is ErrForged to the outside; the reason behind the colon is for the debug log.
var (
	errSignature = fmt.Errorf("%w: signature", ErrForged)
	errBase64    = fmt.Errorf("%w: base64", ErrForged)
	errBlock     = fmt.Errorf("%w: ciphertext length", ErrForged)
	errPadding   = fmt.Errorf("%w: padding", ErrForged)
	errLength    = fmt.Errorf("%w: message length", ErrForged)
	errReceiveID = fmt.Errorf("%w: receiveid", ErrForged)
)

// crypt encrypts and decrypts for one app. https://developer.work.weixin.qq.com/document/path/90968
type crypt struct {
	block     cipher.Block
	iv        [aes.BlockSize]byte
	receiveID string // the CorpID
}

func newCrypt(encodingAESKey, receiveID string) (*crypt, error) {
	if len(encodingAESKey) != 43 {
		return nil, errors.New("bot: EncodingAESKey must have 43 characters")
	}
	key, err := base64.StdEncoding.DecodeString(encodingAESKey + "=")
	if err != nil || len(key) != 32 {
		return nil, errors.New("bot: EncodingAESKey must be letters and digits")
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, errors.New("bot: EncodingAESKey is not usable")
	}
	c := &crypt{block: block, receiveID: receiveID}
	copy(c.iv[:], key)
	return c, nil
}

// open decrypts encrypt, whose signature must have been verified, and returns the message in a buffer of its own.
func (c *crypt) open(encrypt []byte) ([]byte, error) {
	buf := make([]byte, base64.StdEncoding.DecodedLen(len(encrypt)))
	n, err := strictBase64.Decode(buf, encrypt)
	if err != nil {
		return nil, errBase64
	}
	buf = buf[:n]
	if n == 0 || n%padBlock != 0 {
		return nil, errBlock
	}
	cipher.NewCBCDecrypter(c.block, c.iv[:]).CryptBlocks(buf, buf)
	buf, ok := unpad(buf)
	if !ok {
		return nil, errPadding
	}
	if len(buf) < headBytes {
		return nil, errLength
	}
	size := uint64(binary.BigEndian.Uint32(buf[16:headBytes]))
	if headBytes+size > uint64(len(buf)) {
		return nil, errLength
	}
	if subtle.ConstantTimeCompare(buf[headBytes+size:], []byte(c.receiveID)) != 1 {
		return nil, errReceiveID
	}
	return buf[headBytes : headBytes+size], nil
}

// unpad takes 1 to 32 equal padding bytes off. It looks at the same 32 bytes whatever they are.
func unpad(buf []byte) ([]byte, bool) {
	pad := int(buf[len(buf)-1])
	ok := subtle.ConstantTimeLessOrEq(1, pad) & subtle.ConstantTimeLessOrEq(pad, padBlock)
	for i := 1; i <= padBlock; i++ {
		inPad := subtle.ConstantTimeLessOrEq(i, pad)
		same := subtle.ConstantTimeByteEq(buf[len(buf)-i], byte(pad))
		ok &= subtle.ConstantTimeSelect(inPad, same, 1)
	}
	if ok != 1 {
		return nil, false
	}
	return buf[:len(buf)-pad], true
}

// begin appends to dst what comes before a message; the message is appended next, and then seal called.
func (c *crypt) begin(dst []byte, random [16]byte) []byte {
	dst = append(dst, random[:]...)
	return append(dst, 0, 0, 0, 0) // its length, which seal knows
}

// seal encrypts plain, which begin began and which is lost by it, and appends it to dst in base64.
func (c *crypt) seal(dst, plain []byte) []byte {
	binary.BigEndian.PutUint32(plain[16:], uint32(len(plain)-headBytes))
	plain = append(plain, c.receiveID...)
	pad := padBlock - len(plain)%padBlock
	for range pad {
		plain = append(plain, byte(pad))
	}
	cipher.NewCBCEncrypter(c.block, c.iv[:]).CryptBlocks(plain, plain)
	return base64.StdEncoding.AppendEncode(dst, plain)
}
