package bridge

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"xiaoka/ledger"
)

// errNoAnswer: the server may or may not have carried the call out.
var errNoAnswer = errors.New("no answer from the server")

// refusal is the server's no, as its problem document has it.
type refusal struct {
	Status      int    `json:"-"` // of HTTP
	Code        string `json:"code"`
	TriesLeft   *int   `json:"tries_left,omitempty"`
	LockedUntil string `json:"locked_until,omitempty"`
	Suspended   string `json:"suspended_until,omitempty"` // of rate_limited: this machine takes no passwords until then
}

func (r *refusal) Error() string { return fmt.Sprintf("the server refuses: %d %s", r.Status, r.Code) }

// codeOf is the code of a refusal anywhere in err's chain, or nothing.
func codeOf(err error) string {
	var r *refusal
	if errors.As(err, &r) {
		return r.Code
	}
	return ""
}

// client makes the terminal's signed calls.
type client struct {
	server   string
	terminal string
	secret   []byte
	sign     Signer
	http     *http.Client
	now      func() time.Time
	// offset is how far this machine's clock is behind the server's, in
	// seconds, once the server has said so.
	offset atomic.Int64
}

// newHTTP is a client that follows no redirect: a signature is good for one
// path, and a PIN for one server.
func newHTTP() *http.Client {
	return &http.Client{
		Timeout:       8 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// do makes a call, and once more if the server says that our clock is off: a
// machine whose battery died must not keep anyone from their money.
func (c *client) do(ctx context.Context, path, key string, in, out any) error {
	body, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("make the body: %w", err)
	}
	defer clear(body) // it may hold a PIN
	err = c.once(ctx, path, key, body, out)
	if codeOf(err) == "stale_request" {
		err = c.once(ctx, path, key, body, out)
	}
	return err
}

func (c *client) once(ctx context.Context, path, key string, body []byte, out any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("make the request: %w", err)
	}
	// On a broken connection net/http would send a request that carries an
	// Idempotency-Key again by itself, with the nonce that is taken by now.
	req.GetBody = nil
	timestamp := strconv.FormatInt(c.now().Unix()+c.offset.Load(), 10)
	nonce := rand.Text()
	mac := c.sign(c.secret, req.Method, req.URL.RequestURI(), timestamp, nonce, body)
	req.Header.Set("Authorization", fmt.Sprintf(`XIAOKA-HMAC-SHA256 terminal_id="%s",timestamp="%s",nonce_str="%s",signature="%s"`,
		c.terminal, timestamp, nonce, base64.StdEncoding.EncodeToString(mac)))
	req.Header.Set("Content-Type", "application/json")
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, 4<<20))
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	case resp.StatusCode >= 500:
		return fmt.Errorf("%w: it answered %d", errNoAnswer, resp.StatusCode)
	case resp.StatusCode/100 != 2:
		return c.refused(resp, answer)
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return fmt.Errorf("%w: %w", errNoAnswer, err)
	}
	return nil
}

func (c *client) refused(resp *http.Response, body []byte) error {
	r := &refusal{}
	if !strings.HasPrefix(resp.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(body, r) != nil {
		return fmt.Errorf("%w: %d from something that is not the server", errNoAnswer, resp.StatusCode)
	}
	r.Status = resp.StatusCode
	if at, err := http.ParseTime(resp.Header.Get("Date")); err == nil && r.Code == "stale_request" {
		c.offset.Store(at.Unix() - c.now().Unix())
	}
	return r
}

// Transfer is money that waits for a card, or went to one. State and what
// follows it are told of a month's list alone.
type Transfer struct {
	ID        string     `json:"id"`
	Title     string     `json:"title"`
	Amount    ledger.Fen `json:"amount_fen"`
	CreatedAt string     `json:"created_at"`
	State     string     `json:"state,omitempty"`
	ClaimedAt string     `json:"claimed_at,omitempty"`
}

// Account is what the screen shows after card and password.
type Account struct {
	Holder    string     `json:"holder"`     // masked
	StudentNo string     `json:"student_no"` // masked
	Status    string     `json:"status"`
	Pending   ledger.Fen `json:"pending_fen"`
	Transfers []Transfer `json:"transfers"` // oldest first
	// Notice is a code of why money may be missing from the list: a write of
	// unknown outcome.
	Notice string `json:"notice,omitempty"`
}

// claim is the server's leave to load a chip once.
type claim struct {
	ID       string     `json:"claim_id"`
	Amount   ledger.Fen `json:"amount_fen"`
	Expected Expected   `json:"expected"`
}

// cardCall is the body of every call.
type cardCall struct {
	CardNo string       `json:"card_no,omitempty"`
	PIN    pin          `json:"pin,omitempty"`
	Month  string       `json:"month,omitempty"`
	Chip   *ledger.Chip `json:"chip,omitempty"`
	Reason string       `json:"reason,omitempty"`
}

func (c *client) lookup(ctx context.Context, cardNo string, p pin) (Account, error) {
	var a Account
	err := c.do(ctx, "/kiosk/v1/accounts/lookup", "", cardCall{CardNo: cardNo, PIN: p}, &a)
	return a, err
}

func (c *client) transfers(ctx context.Context, cardNo string, p pin, month string) ([]Transfer, error) {
	var answer struct {
		Transfers []Transfer `json:"transfers"`
	}
	err := c.do(ctx, "/kiosk/v1/transfers/query", "", cardCall{CardNo: cardNo, PIN: p, Month: month}, &answer)
	return answer.Transfers, err
}

// authorise asks for leave to load, again under the same key while no answer
// comes: the same question has the same answer.
func (c *client) authorise(ctx context.Context, cardNo string, p pin, chip ledger.Chip) (claim, error) {
	key := rand.Text()
	var got claim
	err := patiently(ctx, func() error {
		return c.do(ctx, "/kiosk/v1/claims", key, cardCall{CardNo: cardNo, PIN: p, Chip: &chip}, &got)
	})
	return got, err
}

// settle confirms or cancels a claim with what the chip shows, and returns its
// state.
func (c *client) settle(ctx context.Context, act, claimID string, chip ledger.Chip, reason string) (ledger.ClaimState, error) {
	var answer struct {
		State ledger.ClaimState `json:"state"`
	}
	err := patiently(ctx, func() error {
		return c.do(ctx, "/kiosk/v1/claims/"+url.PathEscape(claimID)+"/"+act, "", cardCall{Chip: &chip, Reason: reason}, &answer)
	})
	return answer.State, err
}

// patiently makes a call up to three times while no answer comes.
func patiently(ctx context.Context, call func() error) error {
	var err error
	for try := range 3 {
		if try > 0 {
			select {
			case <-ctx.Done():
				return err
			case <-time.After(time.Duration(try) * 300 * time.Millisecond):
			}
		}
		if err = call(); !errors.Is(err, errNoAnswer) {
			break
		}
	}
	return err
}
