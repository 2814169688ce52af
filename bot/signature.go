package bot

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"slices"
)

// sign is msg_signature: SHA-1 over the four values sorted byte by byte, in lower-case hex.
// https://developer.work.weixin.qq.com/document/path/90968
func sign(token, timestamp, nonce, encrypt []byte) [2 * sha1.Size]byte {
	parts := [...][]byte{token, timestamp, nonce, encrypt}
	slices.SortFunc(parts[:], bytes.Compare)
	h := sha1.New()
	for _, p := range parts {
		h.Write(p)
	}
	var sum [sha1.Size]byte
	var out [2 * sha1.Size]byte
	hex.Encode(out[:], h.Sum(sum[:0]))
	return out
}

// signed reports, in a time that tells nothing, whether signature is right.
func signed(signature string, token, timestamp, nonce, encrypt []byte) bool {
	want := sign(token, timestamp, nonce, encrypt)
	return subtle.ConstantTimeCompare([]byte(signature), want[:]) == 1
}
