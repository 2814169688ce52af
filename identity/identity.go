// Package identity proves who somebody is: six-digit codes sent to the mailbox or phone on record ([Codes]), and query
// passwords ([Passwords]). The chat handlers, the pages and the kiosk endpoints call it; the senders ([SMTP]) carry the codes.
//
// The database is the record of every limit: a try is counted there before it is judged, so that parallel guesses, several
// replicas and a crash cannot buy another one. What is stored is of no use alone: codes and passwords are hashed under keys
// that derive from the master key, which is not in the database.
package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"io"
	"strings"
	"time"
	"unicode"

	"crypto/rand"
)

// DeriveKey derives the key for one purpose from the master key (HKDF-SHA256, RFC 5869). Different purposes give unrelated
// keys, so that one that leaks tells nothing about another.
func DeriveKey(master []byte, purpose string) [32]byte {
	key, err := hkdf.Key(sha256.New, master, nil, "xiaoka "+purpose, 32)
	if err != nil {
		panic(err) // only for a length beyond HKDF's limit, and 32 is not
	}
	return [32]byte(key)
}

// NormalDigits drops white space and turns full-width digits into plain ones: what a phone keyboard in Chinese types for
// "482 913".
func NormalDigits(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= '０' && r <= '９':
			return r - '０' + '0'
		case unicode.IsSpace(r):
			return -1
		}
		return r
	}, s)
}

func sixDigits(s string) bool { return len(s) == 6 && strings.Trim(s, "0123456789") == "" }

func orNow(now func() time.Time) func() time.Time {
	if now == nil {
		return time.Now
	}
	return now
}

func orRandom(r io.Reader) io.Reader {
	if r == nil {
		return rand.Reader
	}
	return r
}
