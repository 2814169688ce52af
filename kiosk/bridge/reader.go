package bridge

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"xiaoka/ledger"
)

// Reader is what the bridge needs of a card reader. Its word about a write is
// not relied on: only what the chip, read again, shows afterwards is.
type Reader interface {
	// ReadCard tells which card lies on the reader. ErrNoCard if none does.
	ReadCard(ctx context.Context) (Card, error)

	// ReadChip reads counters and balance of that card afresh. ErrNoCard if it
	// is gone or another one lies there.
	ReadChip(ctx context.Context, cardNo string) (ledger.Chip, error)

	// WriteLoad credits the purse and counts one load. It must write only if
	// that leads to exactly the expected counter and balance, and returns what
	// the chip shows then. After ErrNoCard and ErrRefused nothing was written;
	// after any other error nobody knows.
	WriteLoad(ctx context.Context, l Load) (ledger.Chip, error)
}

// Card is a campus card on the reader.
type Card struct {
	CardNo string      `json:"card_no"`
	Chip   ledger.Chip `json:"chip"`
}

// Load is one write: so much onto that card, which must then show that.
type Load struct {
	CardNo   string     `json:"card_no"`
	Amount   ledger.Fen `json:"amount_fen"`
	Expected Expected   `json:"expected"`
}

// Expected is what a chip must hold after a load.
type Expected struct {
	LoadSeq int64      `json:"load_seq"`
	Balance ledger.Fen `json:"balance_fen"`
}

// What a reader can report.
var (
	ErrNoCard  = errors.New("no such card on the reader")
	ErrRefused = errors.New("the chip refused the load and wrote nothing")
)

// HTTPReader speaks to a vendor's reader service on the same machine:
//
//	GET  {URL}/card              200 {"card_no":"61000001","chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230}}
//	GET  {URL}/chip?card_no=N    200 {"chip":{…}}, read afresh
//	POST {URL}/load              {"card_no":"61000001","amount_fen":7000,"expected":{"load_seq":18,"balance_fen":8230}}
//	                             200 {"chip":{…}} after the write
//
// 404 says that no such card lies there, 409 that the chip refused a load and
// wrote nothing. Any other answer to a load, or none, leaves it open.
type HTTPReader struct {
	URL  string       // without a trailing slash
	HTTP *http.Client // default: one with a timeout of 20 s
}

var vendorClient = &http.Client{Timeout: 20 * time.Second}

// ReadCard implements [Reader].
func (h *HTTPReader) ReadCard(ctx context.Context) (Card, error) {
	var c Card
	err := h.call(ctx, http.MethodGet, "/card", nil, &c)
	if err == nil && c.CardNo == "" {
		err = errors.New("the reader names no card")
	}
	return c, err
}

// ReadChip implements [Reader].
func (h *HTTPReader) ReadChip(ctx context.Context, cardNo string) (ledger.Chip, error) {
	return h.chip(ctx, http.MethodGet, "/chip?card_no="+url.QueryEscape(cardNo), nil)
}

// WriteLoad implements [Reader].
func (h *HTTPReader) WriteLoad(ctx context.Context, l Load) (ledger.Chip, error) {
	return h.chip(ctx, http.MethodPost, "/load", l)
}

// chip makes a call that answers with a chip.
func (h *HTTPReader) chip(ctx context.Context, method, path string, in any) (ledger.Chip, error) {
	var out struct {
		Chip *ledger.Chip `json:"chip"`
	}
	if err := h.call(ctx, method, path, in, &out); err != nil {
		return ledger.Chip{}, err
	}
	if out.Chip == nil {
		return ledger.Chip{}, errors.New("the reader shows no chip")
	}
	return *out.Chip, nil
}

func (h *HTTPReader) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader = http.NoBody
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return fmt.Errorf("reader: %w", err)
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(h.URL, "/")+path, body)
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	req.GetBody = nil // a load is sent once
	req.Header.Set("Content-Type", "application/json")
	client := h.HTTP
	if client == nil {
		client = vendorClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	defer resp.Body.Close()
	switch resp.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound:
		return ErrNoCard
	case http.StatusConflict:
		return ErrRefused
	default:
		return fmt.Errorf("reader: answered %d", resp.StatusCode)
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, 64<<10)).Decode(out); err != nil {
		return fmt.Errorf("reader: %w", err)
	}
	return nil
}
