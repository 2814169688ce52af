package terminal

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client makes the signed calls of one terminal. BaseURL, TerminalID and Secret are needed; the rest has defaults. It is
// safe for concurrent use if Rand is.
type Client struct {
	BaseURL    string // of the server, without a trailing slash
	TerminalID string
	Secret     []byte           // decoded from the base64 that `xiaoka terminal add` printed
	HTTP       *http.Client     // default http.DefaultClient; a deadline is the context's affair
	Now        func() time.Time // default time.Now
	Rand       io.Reader        // nonces; default crypto/rand
}

// ErrNoAnswer says that a call may or may not have been carried out: nothing came back, or nothing readable.
var ErrNoAnswer = errors.New("terminal: no answer from the server, outcome unknown")

// Error is a refusal, as the server's application/problem+json tells it.
type Error struct {
	Status     int
	Code       string // stable, to decide on; empty when the body was no problem+json
	Title      string
	Detail     string
	RetryAfter time.Duration              // of a 429 or 503; 0 if not said
	Extra      map[string]json.RawMessage // further members: tries_left, locked_until, fields …
}

func (e *Error) Error() string {
	if e.Code == "" {
		return fmt.Sprintf("terminal: server answered %d", e.Status)
	}
	return fmt.Sprintf("terminal: server answered %d %s %s", e.Status, e.Code, e.Detail)
}

// Is makes a failure of the server, 500 and above, count as ErrNoAnswer: the call may have been carried out.
func (e *Error) Is(target error) bool { return target == ErrNoAnswer && e.Status >= 500 }

// Code is the stable code of an Error anywhere in err's chain, or nothing.
func Code(err error) string {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// Sign is the terminal API's signature: base64 of HMAC-SHA256 over five lines, each ended by a newline. target is the
// path with its query exactly as sent.
func Sign(secret []byte, method, target, timestamp, nonce string, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	for _, line := range [][]byte{[]byte(method), []byte(target), []byte(timestamp), []byte(nonce), body} {
		mac.Write(line)
		mac.Write([]byte("\n"))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// Do signs and sends one call and decodes a 2xx answer into out, unless out is nil or there is no body. It returns the
// answer's status and header, *Error for a refusal, and ErrNoAnswer when the outcome is unknown.
func (c *Client) Do(ctx context.Context, method, target string, header http.Header, in, out any) (int, http.Header, error) {
	var body []byte
	if in != nil {
		var err error
		if body, err = json.Marshal(in); err != nil {
			return 0, nil, fmt.Errorf("terminal: encode request: %w", err)
		}
	}
	req, err := c.NewRequest(ctx, method, target, body)
	if err != nil {
		return 0, nil, err
	}
	for name, values := range header {
		req.Header[name] = values
	}
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	if resp.StatusCode/100 != 2 && resp.StatusCode != http.StatusNotModified {
		return resp.StatusCode, resp.Header, problem(resp, answer)
	}
	if out != nil && len(answer) > 0 {
		if err := json.Unmarshal(answer, out); err != nil {
			return resp.StatusCode, resp.Header, fmt.Errorf("%w: %w", ErrNoAnswer, err)
		}
	}
	return resp.StatusCode, resp.Header, nil
}

// NewRequest makes a signed request, for tests that want to spoil one.
func (c *Client) NewRequest(ctx context.Context, method, target string, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.BaseURL, "/")+target, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("terminal: make request: %w", err)
	}
	// net/http silently sends a POST with an Idempotency-Key again when the connection breaks, and it would be with the
	// nonce that is already taken. Without GetBody it cannot.
	req.GetBody = nil
	nonce, err := c.nonce()
	if err != nil {
		return nil, err
	}
	now := time.Now
	if c.Now != nil {
		now = c.Now
	}
	timestamp := strconv.FormatInt(now().Unix(), 10)
	req.Header.Set("Authorization", fmt.Sprintf(`XIAOKA-HMAC-SHA256 terminal_id="%s",timestamp="%s",nonce_str="%s",signature="%s"`,
		c.TerminalID, timestamp, nonce, Sign(c.Secret, method, req.URL.RequestURI(), timestamp, nonce, body)))
	req.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

// nonce has 32 characters of A-Za-z0-9_-.
func (c *Client) nonce() (string, error) {
	source := c.Rand
	if source == nil {
		source = rand.Reader
	}
	var b [24]byte
	if _, err := io.ReadFull(source, b[:]); err != nil {
		return "", fmt.Errorf("terminal: make a nonce: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

func problem(resp *http.Response, body []byte) error {
	e := &Error{Status: resp.StatusCode}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil {
		e.RetryAfter = time.Duration(seconds) * time.Second
	}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(body, &e.Extra) != nil {
		e.Extra = nil
		return e
	}
	for name, to := range map[string]*string{"code": &e.Code, "title": &e.Title, "detail": &e.Detail} {
		if json.Unmarshal(e.Extra[name], to) != nil {
			*to = "" // absent or not text
		}
	}
	for _, known := range []string{"type", "title", "status", "detail", "instance", "code"} {
		delete(e.Extra, known)
	}
	return e
}
