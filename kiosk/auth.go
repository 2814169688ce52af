package kiosk

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"xiaoka/ledger"
)

const (
	scheme = "XIAOKA-HMAC-SHA256 "

	// window is how far a terminal's clock may be from ours, both ways.
	window = 300 * time.Second

	// requestsPerSecond leaves room for a till that catches up after a day
	// without network.
	requestsPerSecond = 200
)

// authenticate settles who calls. The signature comes before everything that
// leaves a trace: only a request that its terminal really made takes a nonce
// or counts against its rate, and what follows the signature may tell the
// caller exactly what is wrong.
func (a *API) authenticate(c *call, rt route) error {
	sig, ok := parseAuthorization(c.r.Header["Authorization"])
	if !ok {
		return errBadSignature
	}
	t, err := a.cfg.Store.Terminal(c.ctx, sig.terminalID)
	if errors.Is(err, ledger.ErrNotFound) {
		return errUnknownTerminal
	}
	if err != nil {
		return fmt.Errorf("terminal %s: %w", sig.terminalID, err)
	}
	c.body, err = io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, rt.limit))
	if errors.As(err, new(*http.MaxBytesError)) {
		return errTooLarge
	}
	if err != nil {
		return errBadRequest
	}
	secret, err := Open(a.cfg.SealKey, t.ID, t.SealedSecret)
	if err != nil {
		return fmt.Errorf("terminal %s: %w", t.ID, err)
	}
	if !hmac.Equal(sig.mac, Sign(secret, c.r.Method, c.r.RequestURI, sig.timestamp, sig.nonce, c.body)) {
		return errBadSignature
	}
	c.terminal = t
	if age := c.now.Unix() - sig.seconds; age > int64(window/time.Second) || age < -int64(window/time.Second) {
		return errStaleRequest
	}
	if !a.limiter(t.ID).AllowN(c.now, 1) {
		return errRateLimited
	}
	if err := a.cfg.Store.UseNonce(c.ctx, t.ID, sig.nonce, c.now); err != nil {
		if errors.Is(err, ledger.ErrNonceTaken) {
			return errReplayedRequest
		}
		return fmt.Errorf("nonce of terminal %s: %w", t.ID, err)
	}
	switch {
	case !t.DisabledAt.IsZero():
		return errTerminalDisabled
	case t.Kind != rt.kind:
		return errWrongTerminalKind
	}
	return nil
}

func (a *API) limiter(terminalID string) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	l := a.limiters[terminalID]
	if l == nil {
		l = rate.NewLimiter(requestsPerSecond, requestsPerSecond)
		a.limiters[terminalID] = l
	}
	return l
}

// Sign computes the signature of a request: HMAC-SHA256 under the terminal's
// 32 secret bytes over method, path with query as sent, timestamp, nonce and
// body, each followed by one newline.
func Sign(secret []byte, method, pathWithQuery, timestamp, nonce string, body []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	for _, line := range []string{method, pathWithQuery, timestamp, nonce} {
		io.WriteString(mac, line)
		io.WriteString(mac, "\n")
	}
	mac.Write(body)
	io.WriteString(mac, "\n")
	return mac.Sum(nil)
}

// signature is what an Authorization header says.
type signature struct {
	terminalID string
	timestamp  string // as signed
	seconds    int64
	nonce      string
	mac        []byte
}

// parseAuthorization reads
//
//	XIAOKA-HMAC-SHA256 terminal_id="K01",timestamp="1760000000",nonce_str="…",signature="BASE64"
//
// strictly: one header, one space after the scheme, the four pairs once each,
// in any order, nothing between or after them.
func parseAuthorization(headers []string) (s signature, ok bool) {
	if len(headers) != 1 || len(headers[0]) > 512 {
		return s, false
	}
	rest, ok := strings.CutPrefix(headers[0], scheme)
	if !ok {
		return s, false
	}
	pairs := map[string]string{}
	for pair := range strings.SplitSeq(rest, ",") {
		name, value, ok := strings.Cut(pair, "=")
		if _, twice := pairs[name]; !ok || twice || len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
			return s, false
		}
		pairs[name] = value[1 : len(value)-1]
	}
	s = signature{terminalID: pairs["terminal_id"], timestamp: pairs["timestamp"], nonce: pairs["nonce_str"]}
	s.seconds, _ = strconv.ParseInt(s.timestamp, 10, 64)
	s.mac, _ = base64.StdEncoding.DecodeString(pairs["signature"])
	return s, len(pairs) == 4 &&
		ValidTerminalID(s.terminalID) &&
		only(s.timestamp, 1, 12, digits) &&
		only(s.nonce, 16, 64, alphanumeric+"_-") &&
		len(s.mac) == sha256.Size
}

const (
	digits       = "0123456789"
	alphanumeric = digits + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// ValidTerminalID tells whether id can name a terminal: 1 to 32 of
// A-Za-z0-9._-, which stand in a header, a log line and a file name alike.
func ValidTerminalID(id string) bool { return only(id, 1, 32, alphanumeric+"._-") }

// only tells whether s is lo to hi bytes long and of the characters in set.
func only(s string, lo, hi int, set string) bool {
	return len(s) >= lo && len(s) <= hi && strings.Trim(s, set) == ""
}
