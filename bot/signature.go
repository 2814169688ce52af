package bot

import (
	"bytes"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"slices"
)

// signRoom is what the four values of most pushes fit into, so that joining them costs no allocation.
const signRoom = 1 << 10

// sign is msg_signature: SHA-1 over the four values sorted byte by byte, in lower-case hex.
// https://developer.work.weixin.qq.com/document/path/90968
func sign(token, timestamp, nonce, encrypt []byte) [2 * sha1.Size]byte {
	parts := [...][]byte{token, timestamp, nonce, encrypt}
	slices.SortFunc(parts[:], bytes.Compare)
	joined := make([]byte, 0, signRoom)
	for _, p := range parts {
		joined = append(joined, p...)
	}
	sum := sha1.Sum(joined)
	var out [2 * sha1.Size]byte
	hex.Encode(out[:], sum[:])
	return out
}

// signed reports, in a time that tells nothing, whether signature is right.
func signed(signature string, token, timestamp, nonce, encrypt []byte) bool {
	want := sign(token, timestamp, nonce, encrypt)
	return subtle.ConstantTimeCompare([]byte(signature), want[:]) == 1
}
