package terminal

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

var testSecret = bytes.Repeat([]byte{7}, 32)

// host is a server just good enough to hold the machines against: one card, real signatures, claims settled by the
// chip's counter. It can lose the answer to a path after having carried the call out.
type host struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	pending int64
	open    *hostClaim
	claimed int64
	answers map[string]Claim // by idempotency key
	keys    int              // claims asked for under a new key
	lose    string           // part of a path whose next answer is lost
	refuse  string           // part of a path that answers 503 until cleared
	records map[int64]Record
	acked   int64
	batches []int
	lost    []string
}

type hostClaim struct {
	Claim
	before ChipState
}

func newHost(t *testing.T, pending int64) *host {
	h := &host{t: t, pending: pending, answers: map[string]Claim{}, records: map[int64]Record{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /kiosk/v1/accounts/lookup", h.lookup)
	mux.HandleFunc("POST /kiosk/v1/claims", h.claim)
	mux.HandleFunc("POST /pos/v1/claims", h.claim)
	mux.HandleFunc("POST /{kind}/v1/claims/{id}/{act}", h.settle)
	mux.HandleFunc("POST /pos/v1/consumptions", h.consume)
	mux.HandleFunc("GET /pos/v1/blacklist", h.blacklist)
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		if !h.signed(r) {
			refuse(w, 401, "bad_signature", "")
			return
		}
		if h.refuse != "" && strings.Contains(r.URL.Path, h.refuse) {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		lose := h.lose != "" && strings.Contains(r.URL.Path, h.lose)
		mux.ServeHTTP(w, r)
		if lose {
			h.lose = ""
			panic(http.ErrAbortHandler)
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func (h *host) client() *Client {
	return &Client{BaseURL: h.URL, TerminalID: "K01", Secret: testSecret, HTTP: h.Client()}
}

func (h *host) set(f func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	f()
}

var authorization = regexp.MustCompile(`^XIAOKA-HMAC-SHA256 terminal_id="K01",timestamp="(\d{10})",nonce_str="([A-Za-z0-9_-]{16,64})",signature="([^"]+)"$`)

func (h *host) signed(r *http.Request) bool {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return false
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	m := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	return m != nil && Sign(testSecret, r.Method, r.RequestURI, m[1], m[2], body) == m[3]
}

func refuse(w http.ResponseWriter, status int, code, more string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	fmt.Fprintf(w, `{"type":"about:blank","title":"no","status":%d,"code":%q%s}`, status, code, more)
}

func (h *host) decode(r *http.Request) cardCall {
	var c cardCall
	if err := json.NewDecoder(r.Body).Decode(&c); err != nil {
		h.t.Errorf("%s: %v", r.URL, err)
	}
	return c
}

func (h *host) lookup(w http.ResponseWriter, r *http.Request) {
	if h.decode(r).PIN != "246810" {
		refuse(w, 403, "pin_wrong", `,"tries_left":4`)
		return
	}
	json.NewEncoder(w).Encode(Account{CardNo: "10000001", Holder: "张*", Status: "active", PendingFen: h.pending})
}

// resolve settles an open claim by what the chip shows.
func (h *host) resolve(chip ChipState) {
	if h.open == nil {
		return
	}
	if chip.LoadSeq == h.open.before.LoadSeq {
		h.pending += h.open.AmountFen
	} else {
		h.claimed += h.open.AmountFen
	}
	h.open = nil
}

func (h *host) claim(w http.ResponseWriter, r *http.Request) {
	key := r.Header.Get("Idempotency-Key")
	call := h.decode(r)
	if answer, ok := h.answers[key]; ok {
		w.WriteHeader(http.StatusCreated)
		json.NewEncoder(w).Encode(answer)
		return
	}
	h.keys++
	h.resolve(*call.Chip)
	if h.pending == 0 {
		if strings.HasPrefix(r.URL.Path, "/pos/") {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		refuse(w, 409, "nothing_pending", "")
		return
	}
	c := Claim{ClaimID: fmt.Sprintf("c%d", h.keys), AmountFen: h.pending, ExpiresAt: time.Now().Add(2 * time.Minute)}
	c.Expected = Expected{LoadSeq: call.Chip.LoadSeq + 1, BalanceFen: call.Chip.BalanceFen + h.pending}
	h.open, h.pending = &hostClaim{Claim: c, before: *call.Chip}, 0
	h.answers[key] = c
	w.WriteHeader(http.StatusCreated)
	json.NewEncoder(w).Encode(c)
}

func (h *host) settle(w http.ResponseWriter, r *http.Request) {
	call := h.decode(r)
	if h.open != nil && h.open.ClaimID == r.PathValue("id") {
		if r.PathValue("act") == "confirm" && call.Chip.LoadSeq == h.open.before.LoadSeq {
			refuse(w, 409, "chip_out_of_step", "")
			return
		}
		h.resolve(*call.Chip)
	}
	state := "claimed"
	if r.PathValue("act") == "cancel" {
		state = "released"
	}
	json.NewEncoder(w).Encode(map[string]string{"state": state})
}

func (h *host) consume(w http.ResponseWriter, r *http.Request) {
	var body struct {
		Records []Record `json:"records"`
	}
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		h.t.Error(err)
	}
	h.batches = append(h.batches, len(body.Records))
	var answer Receipt
	for _, rec := range body.Records {
		if _, ok := h.records[rec.Seq]; ok {
			answer.Duplicates++
			continue
		}
		h.records[rec.Seq] = rec
		answer.Accepted++
	}
	for h.records[h.acked+1].Seq != 0 {
		h.acked++
	}
	answer.AckedSeq = h.acked
	json.NewEncoder(w).Encode(answer)
}

func (h *host) blacklist(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprintf(`"%d"`, len(h.lost))
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	json.NewEncoder(w).Encode(Blacklist{Version: int64(len(h.lost)), Full: r.URL.Query().Get("since") == "0", Add: h.lost})
}
