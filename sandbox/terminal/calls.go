package terminal

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// Transfer is money that waits for, or went to, a card.
type Transfer struct {
	ID         string    `json:"id"`
	Title      string    `json:"title"`
	AmountFen  int64     `json:"amount_fen"`
	State      string    `json:"state,omitempty"` // pending, in_flight, in_doubt, claimed, refunding or refunded
	CreatedAt  time.Time `json:"created_at"`
	ClaimedAt  time.Time `json:"claimed_at,omitzero"`
	TerminalID string    `json:"terminal_id,omitempty"`
}

// Account is what a kiosk shows after card and password.
type Account struct {
	CardNo     string     `json:"card_no"`
	Holder     string     `json:"holder"`     // masked
	StudentNo  string     `json:"student_no"` // masked
	Status     string     `json:"status"`
	PendingFen int64      `json:"pending_fen"`
	Transfers  []Transfer `json:"transfers"` // oldest first
}

// Claim is the server's leave to load a chip once.
type Claim struct {
	ClaimID   string     `json:"claim_id"`
	AmountFen int64      `json:"amount_fen"`
	Transfers []Transfer `json:"transfers"`
	Expected  Expected   `json:"expected"`
	ExpiresAt time.Time  `json:"expires_at"`
}

// Record is one purchase as a till uploads it.
type Record struct {
	Seq        int64     `json:"seq"`
	CardNo     string    `json:"card_no"`
	AmountFen  int64     `json:"amount_fen"`
	Chip       ChipState `json:"chip"` // after the purchase
	OccurredAt time.Time `json:"occurred_at"`
	Merchant   string    `json:"merchant,omitempty"`
}

// Receipt is the server's answer to an upload.
type Receipt struct {
	Accepted   int   `json:"accepted"`
	Duplicates int   `json:"duplicates"`
	AckedSeq   int64 `json:"acked_seq"` // everything up to it may be forgotten
	Rejected   []struct {
		Seq  int64  `json:"seq"`
		Code string `json:"code"`
	} `json:"rejected"`
}

// Blacklist is the change of the list of lost cards since a version, or with Full the whole of it.
type Blacklist struct {
	Version     int64    `json:"version"`
	Full        bool     `json:"full"`
	Add         []string `json:"add"`
	Remove      []string `json:"remove"`
	ETag        string   `json:"-"`
	NotModified bool     `json:"-"` // 304: nothing else is set
}

// cardCall is the body of every call about a card.
type cardCall struct {
	CardNo string     `json:"card_no,omitempty"`
	PIN    string     `json:"pin,omitempty"`
	Month  string     `json:"month,omitempty"`
	Chip   *ChipState `json:"chip,omitempty"`
	Reason string     `json:"reason,omitempty"`
}

// Lookup is POST /kiosk/v1/accounts/lookup.
func (c *Client) Lookup(ctx context.Context, cardNo, pin string) (Account, error) {
	var a Account
	_, _, err := c.Do(ctx, http.MethodPost, "/kiosk/v1/accounts/lookup", nil, cardCall{CardNo: cardNo, PIN: pin}, &a)
	return a, err
}

// TransfersQuery is POST /kiosk/v1/transfers/query; month is YYYY-MM.
func (c *Client) TransfersQuery(ctx context.Context, cardNo, pin, month string) ([]Transfer, error) {
	var answer struct {
		Transfers []Transfer `json:"transfers"`
	}
	_, _, err := c.Do(ctx, http.MethodPost, "/kiosk/v1/transfers/query", nil, cardCall{CardNo: cardNo, PIN: pin, Month: month}, &answer)
	return answer.Transfers, err
}

// Claim is POST /kiosk/v1/claims. The same key with the same arguments gives the same answer.
func (c *Client) Claim(ctx context.Context, idempotencyKey, cardNo, pin string, chip ChipState) (Claim, error) {
	claim, _, err := c.claim(ctx, "/kiosk/v1/claims", idempotencyKey, cardCall{CardNo: cardNo, PIN: pin, Chip: &chip})
	return claim, err
}

// POSClaim is POST /pos/v1/claims. It reports false, without an error, when nothing is pending.
func (c *Client) POSClaim(ctx context.Context, idempotencyKey, cardNo string, chip ChipState) (Claim, bool, error) {
	claim, status, err := c.claim(ctx, "/pos/v1/claims", idempotencyKey, cardCall{CardNo: cardNo, Chip: &chip})
	return claim, err == nil && status != http.StatusNoContent, err
}

func (c *Client) claim(ctx context.Context, path, key string, body cardCall) (Claim, int, error) {
	var claim Claim
	header := http.Header{}
	if key != "" {
		header.Set("Idempotency-Key", key)
	}
	status, _, err := c.Do(ctx, http.MethodPost, path, header, body, &claim)
	return claim, status, err
}

// Confirm is POST /kiosk/v1/claims/{id}/confirm with the chip after the write. It returns the claim's state.
func (c *Client) Confirm(ctx context.Context, claimID string, chip ChipState) (string, error) {
	return c.settle(ctx, "/kiosk/v1/claims/", claimID, "/confirm", cardCall{Chip: &chip})
}

// Cancel is POST /kiosk/v1/claims/{id}/cancel with the chip as it is now. It returns the claim's state: released, or
// claimed when the chip shows that the write happened.
func (c *Client) Cancel(ctx context.Context, claimID string, chip ChipState, reason string) (string, error) {
	return c.settle(ctx, "/kiosk/v1/claims/", claimID, "/cancel", cardCall{Chip: &chip, Reason: reason})
}

// POSConfirm is Confirm at a till.
func (c *Client) POSConfirm(ctx context.Context, claimID string, chip ChipState) (string, error) {
	return c.settle(ctx, "/pos/v1/claims/", claimID, "/confirm", cardCall{Chip: &chip})
}

// POSCancel is Cancel at a till.
func (c *Client) POSCancel(ctx context.Context, claimID string, chip ChipState, reason string) (string, error) {
	return c.settle(ctx, "/pos/v1/claims/", claimID, "/cancel", cardCall{Chip: &chip, Reason: reason})
}

func (c *Client) settle(ctx context.Context, path, claimID, act string, body cardCall) (string, error) {
	var answer struct {
		State string `json:"state"`
	}
	_, _, err := c.Do(ctx, http.MethodPost, path+url.PathEscape(claimID)+act, nil, body, &answer)
	return answer.State, err
}

// Consumptions is POST /pos/v1/consumptions with up to 1,000 records.
func (c *Client) Consumptions(ctx context.Context, records []Record) (Receipt, error) {
	var r Receipt
	_, _, err := c.Do(ctx, http.MethodPost, "/pos/v1/consumptions", nil, struct {
		Records []Record `json:"records"`
	}{records}, &r)
	return r, err
}

// Blacklist is GET /kiosk/v1/blacklist; etag may be empty.
func (c *Client) Blacklist(ctx context.Context, since int64, etag string) (Blacklist, error) {
	return c.blacklist(ctx, "/kiosk/v1/blacklist", since, etag)
}

// POSBlacklist is GET /pos/v1/blacklist.
func (c *Client) POSBlacklist(ctx context.Context, since int64, etag string) (Blacklist, error) {
	return c.blacklist(ctx, "/pos/v1/blacklist", since, etag)
}

func (c *Client) blacklist(ctx context.Context, path string, since int64, etag string) (Blacklist, error) {
	header := http.Header{}
	if etag != "" {
		header.Set("If-None-Match", etag)
	}
	var b Blacklist
	status, got, err := c.Do(ctx, http.MethodGet, path+"?since="+strconv.FormatInt(since, 10), header, nil, &b)
	if err != nil {
		return Blacklist{}, err
	}
	b.ETag, b.NotModified = got.Get("ETag"), status == http.StatusNotModified
	return b, nil
}
