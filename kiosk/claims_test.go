package kiosk_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/ledger"
)

func body(s string) io.ReadCloser { return io.NopCloser(strings.NewReader(s)) }

// mustPath is the request as it stands, sent to another path.
func mustPath(q *signed, r *http.Request) *http.Request {
	moved := httptest.NewRequest(r.Method, q.path, r.Body)
	moved.Header = r.Header
	return moved
}

const (
	kioskClaims = "/kiosk/v1/claims"
	posClaims   = "/pos/v1/claims"
	claimBody   = `{"card_no":"61000001","pin":"482913","chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230}}`
	swipeBody   = `{"card_no":"61000001","chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230}}`
	written     = `{"chip":{"load_seq":18,"spend_seq":240,"balance_fen":8230}}`
	unwritten   = `{"chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230},"reason":"card removed"}`
)

func TestLookup(t *testing.T) {
	t.Parallel()
	s := open(t)
	golden(t, "lookup", s.post("K01", lookup, lookupBody))
	golden(t, "lookup_lost", s.post("K01", lookup, strings.Replace(lookupBody, "61000001", "61000003", 1)))
}

// The holder finds in their settings who looked; a wrong password is no look.
func TestLookup_OnRecord(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.post("K01", lookup, strings.Replace(lookupBody, "482913", "482914", 1))
	if len(s.books.audit) != 0 {
		t.Errorf("%+v", s.books.audit)
	}
	s.post("K01", lookup, lookupBody)
	s.post("K02", "/kiosk/v1/transfers/query", `{"card_no":"61000001","pin":"482913","month":"2026-03"}`)
	want := []ledger.AuditEntry{
		{At: noon, Actor: "terminal K01", Action: "looked_up", PersonID: 1, CardNo: "61000001"},
		{At: noon, Actor: "terminal K02", Action: "looked_up", PersonID: 1, CardNo: "61000001"},
	}
	if !slices.Equal(s.books.audit, want) {
		t.Errorf("%+v", s.books.audit)
	}
}

func TestLookup_NothingWaits(t *testing.T) {
	t.Parallel()
	s := open(t, func(c *kiosk.Config) { c.RequireChange = false })
	golden(t, "lookup_nothing", s.post("K01", lookup, `{"card_no":"61000002","pin":"123456"}`))
}

func TestTransfersQuery(t *testing.T) {
	t.Parallel()
	s := open(t)
	const path = "/kiosk/v1/transfers/query"
	golden(t, "transfers", s.post("K01", path, `{"card_no":"61000001","pin":"482913","month":"2026-03"}`))
	from, to := time.Date(2026, 3, 1, 0, 0, 0, 0, zone), time.Date(2026, 4, 1, 0, 0, 0, 0, zone)
	if s.books.between != [2]time.Time{from, to} {
		t.Errorf("asked for %v", s.books.between)
	}
	golden(t, "transfers_none", s.post("K01", path, `{"card_no":"61000001","pin":"482913","month":"2025-12"}`))
	for _, month := range []string{`""`, `"2026-3"`, `"2026-13"`, `"2026-00"`, `"2026-03-01"`, `"2026/03"`, `"+026-03"`, `"1999-12"`, `202603`, `null`} {
		got := s.post("K01", path, `{"card_no":"61000001","pin":"482913","month":`+month+`}`)
		if got.status != 422 || !strings.Contains(got.body, `"month":`) {
			t.Errorf("month %s: %d %s", month, got.status, got.body)
		}
	}
}

func TestPIN(t *testing.T) {
	t.Parallel()
	s := open(t)
	wrong := strings.Replace(lookupBody, "482913", "482914", 1)
	golden(t, "pin_wrong", s.post("K01", lookup, wrong))
	golden(t, "pin_wrong_claim", s.claim("K01", kioskClaims, "k1", strings.Replace(claimBody, "482913", "000000", 1)))
	golden(t, "password_change_required", s.post("K01", lookup, `{"card_no":"61000002","pin":"123456"}`))
	if got := s.claim("K01", kioskClaims, "k2", strings.NewReplacer("61000001", "61000002", "482913", "123456").Replace(claimBody)); got.code != "password_change_required" {
		t.Errorf("claim with the initial password: %d %s", got.status, got.code)
	}
	s.pins.locked = noon.Add(30 * time.Minute)
	golden(t, "pin_locked", s.post("K01", lookup, lookupBody))
	if len(s.books.asked) != 0 {
		t.Error("money was asked for without a password")
	}
	if log := s.log.String(); strings.Contains(log, "4829") || strings.Contains(log, "123456") {
		t.Errorf("the log holds a password: %s", log)
	}
}

// An unknown card costs a check too, on nobody.
func TestUnknownCard(t *testing.T) {
	t.Parallel()
	s := open(t)
	golden(t, "card_not_found", s.post("K01", lookup, `{"card_no":"69999999","pin":"482913"}`))
	if len(s.pins.asked) != 1 || s.pins.asked[0] != 0 {
		t.Errorf("asked %v", s.pins.asked)
	}
	if got := s.claim("P01", posClaims, "k1", strings.Replace(swipeBody, "61000001", "69999999", 1)); got.status != 404 || got.code != "card_not_found" {
		t.Errorf("at a till: %d %s", got.status, got.code)
	}
}

func TestClaim(t *testing.T) {
	t.Parallel()
	s := open(t)
	first := s.claim("K01", kioskClaims, "visit-1", claimBody)
	golden(t, "claim", first)
	r := s.books.asked[0]
	want := ledger.ClaimRequest{TerminalID: "K01", IdempotencyKey: "visit-1", BodyHash: r.BodyHash, CardNo: "61000001",
		Chip: ledger.Chip{LoadSeq: 17, SpendSeq: 240, Balance: 1230}, Now: noon, Expire: 2 * time.Minute, MaxBalance: 100000}
	if r.BodyHash = nil; len(want.BodyHash) != 32 {
		t.Errorf("body hash %x", want.BodyHash)
	}
	if want.BodyHash = nil; !sameRequest(r, want) {
		t.Errorf("asked\n got %+v\nwant %+v", r, want)
	}

	golden(t, "confirm_unwritten", s.post("K01", kioskClaims+"/C1/confirm", unwritten))
	if got := s.post("K02", kioskClaims+"/C1/confirm", written); got.status != 404 || got.code != "claim_not_found" {
		t.Errorf("another terminal confirms: %d %s", got.status, got.code)
	}
	for range 2 {
		golden(t, "confirm", s.post("K01", kioskClaims+"/C1/confirm", written))
	}
	if got := s.post("K01", kioskClaims+"/C1/cancel", unwritten); got.status != 200 || got.body != `{"state":"claimed"}`+"\n" {
		t.Errorf("cancel of a claimed one: %d %s", got.status, got.body)
	}
	// The answer to a repeat does not depend on what became of the claim.
	s.now = s.now.Add(time.Hour)
	respelt := "{ \"chip\":{\"balance_fen\":1230,\"spend_seq\":240,\"load_seq\":17},\n\"pin\":\"482913\",\"card_no\":\"61000001\" }"
	if again := s.claim("K01", kioskClaims, "visit-1", respelt); again.status != 201 || again.body != first.body {
		t.Errorf("repeat: %d %s", again.status, again.body)
	}
}

func sameRequest(a, b ledger.ClaimRequest) bool {
	return a.TerminalID == b.TerminalID && a.IdempotencyKey == b.IdempotencyKey && a.CardNo == b.CardNo && a.Chip == b.Chip &&
		a.Now.Equal(b.Now) && a.Expire == b.Expire && a.MaxBalance == b.MaxBalance
}

func TestClaim_Cancel(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.claim("K01", kioskClaims, "k", claimBody)
	golden(t, "cancel", s.post("K01", kioskClaims+"/C1/cancel", unwritten))
	if s.books.reason != "card removed" {
		t.Errorf("reason %q", s.books.reason)
	}

	s = open(t)
	s.claim("K01", kioskClaims, "k", claimBody)
	if got := s.post("K01", kioskClaims+"/C1/cancel", written); got.body != `{"state":"claimed"}`+"\n" {
		t.Errorf("cancel of what the chip shows as written: %s", got.body)
	}
	if got := s.post("K01", kioskClaims+"/C1/cancel", `{"chip":{"load_seq":18,"spend_seq":240,"balance_fen":8230},"reason":"`+strings.Repeat("长", 201)+`"}`); got.status != 422 {
		t.Errorf("a long reason: %d", got.status)
	}
}

// The same key with another body is refused, whichever member differs; and
// the PIN cannot be found in the hash without the key.
func TestClaim_KeyReused(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.claim("K01", kioskClaims, "k", claimBody)
	for _, other := range []string{
		strings.Replace(claimBody, `"balance_fen":1230`, `"balance_fen":1231`, 1),
		strings.Replace(claimBody, `"load_seq":17`, `"load_seq":18`, 1),
		strings.Replace(claimBody, "61000001", "61000003", 1),
	} {
		if got := s.claim("K01", kioskClaims, "k", other); got.status != 422 || got.code != "idempotency_key_reused" {
			t.Errorf("%s: %d %s", other, got.status, got.code)
		}
	}
	elsewhere := open(t, func(c *kiosk.Config) { c.HashKey = [32]byte{7} })
	elsewhere.claim("K01", kioskClaims, "k", claimBody)
	if bytes.Equal(s.books.asked[0].BodyHash, elsewhere.books.asked[0].BodyHash) {
		t.Error("the hash does not depend on the key")
	}
}

func TestClaim_IdempotencyKey(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, path := range []string{kioskClaims, posClaims} {
		terminal := map[string]string{kioskClaims: "K01", posClaims: "P01"}[path]
		for _, key := range []string{"", "with space", "tab\t", "中文", strings.Repeat("k", 129)} {
			if got := s.claim(terminal, path, key, claimBody); got.status != 400 || got.code != "bad_request" {
				t.Errorf("%s, key %q: %d %s", path, key, got.status, got.code)
			}
		}
		r := s.request(terminal, path, claimBody).http()
		r.Header["Idempotency-Key"] = []string{"a", "b"}
		if got := s.send(r); got.status != 400 {
			t.Errorf("two keys: %d", got.status)
		}
		if got := s.claim(terminal, path, strings.Repeat("~", 128), claimBody); got.status != 201 {
			t.Errorf("the longest key: %d %s", got.status, got.body)
		}
	}
}

func TestClaim_Refused(t *testing.T) {
	t.Parallel()
	s := open(t)
	golden(t, "card_lost", s.claim("K01", kioskClaims, "k", strings.Replace(claimBody, "61000001", "61000003", 1)))
	for _, c := range []struct {
		err          error
		status, till int
		code         string
	}{
		{ledger.ErrCardFrozen, 403, 403, "card_frozen"},
		{ledger.ErrNothingPending, 409, 204, "nothing_pending"},
		{ledger.ErrPurseFull, 409, 204, "purse_full"},
		{ledger.ErrClaimInProgress, 409, 409, "claim_in_progress"},
		{ledger.ErrChipOutOfStep, 409, 409, "chip_out_of_step"},
		{ledger.ErrIdempotencyReused, 422, 422, "idempotency_key_reused"},
	} {
		s.books.refuse = c.err
		if got := s.claim("K01", kioskClaims, "k", claimBody); got.status != c.status || got.code != c.code {
			t.Errorf("machine: %d %s, want %d %s", got.status, got.code, c.status, c.code)
		}
		got := s.claim("P01", posClaims, "k", swipeBody)
		if got.status != c.till || (c.till != 204 && got.code != c.code) || (c.till == 204 && got.body != "") {
			t.Errorf("till: %d %s, want %d %s", got.status, got.body, c.till, c.code)
		}
	}
}

// The swipe at a till claims by itself: no password, an initial one included.
func TestClaim_AtTill(t *testing.T) {
	t.Parallel()
	s := open(t)
	golden(t, "claim_at_till", s.claim("P01", posClaims, "k", swipeBody))
	if len(s.pins.asked) != 0 {
		t.Error("a till asked for a password")
	}
	if got := s.post("P01", posClaims+"/C1/confirm", written); got.status != 200 || got.body != `{"state":"claimed"}`+"\n" {
		t.Errorf("%d %s", got.status, got.body)
	}
	if got := s.claim("P01", posClaims, "k2", strings.Replace(swipeBody, "61000001", "61000002", 1)); got.status != 204 || got.body != "" {
		t.Errorf("nothing pending: %d %s", got.status, got.body)
	}
	// A PIN that an over-eager till sends changes nothing, the repeat included.
	if got := s.claim("P01", posClaims, "k", claimBody); got.status != 201 {
		t.Errorf("%d %s", got.status, got.code)
	}
	if got := s.post("K01", posClaims+"/C1/cancel", unwritten); got.code != "wrong_terminal_kind" {
		t.Errorf("%d %s", got.status, got.code)
	}
}

func TestMalformedBodies(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, b := range []string{"", " ", "null", "[]", `"x"`, "1", "{", "{}{}", lookupBody + "x", `{"card_no":}`, `{'card_no':'1'}`, "\ufeff" + lookupBody, "{\"card_no\":\"\x00\"}"} {
		if got := s.post("K01", lookup, b); got.status != 400 || got.code != "bad_request" {
			t.Errorf("%q: %d %s", b, got.status, got.code)
		}
	}
	invalid := map[string]string{
		`{}`:                                     "card_no",
		`{"card_no":null,"pin":"482913"}`:        "card_no",
		`{"card_no":"","pin":"482913"}`:          "card_no",
		`{"card_no":61000001,"pin":"482913"}`:    "card_no",
		`{"card_no":"6100 0001","pin":"482913"}`: "card_no",
		`{"card_no":"` + strings.Repeat("6", 65) + `","pin":"482913"}`: "card_no",
		`{"card_no":"61000001"}`:                                                     "pin",
		`{"card_no":"61000001","pin":482913}`:                                        "pin",
		`{"card_no":"61000001","pin":"48291"}`:                                       "pin",
		`{"card_no":"61000001","pin":"4829130"}`:                                     "pin",
		`{"card_no":"61000001","pin":"４８２９１３"}`:                                      "pin",
		`{"card_no":"61000001","pin":"48291x"}`:                                      "pin",
		`{"card_no":"61000001","pin":["482913"]}`:                                    "pin",
		`{"card_no":"61000001","pin":"482913","card_no":"\u0000","pin":"482913"}`:    "card_no",
		`{"card_no":"61000001'; DROP TABLE people; --","pin":"482913","pin":"1e10"}`: "pin",
	}
	for b, field := range invalid {
		got := s.post("K01", lookup, b)
		if got.status != 422 || got.code != "validation_failed" || !strings.Contains(got.body, `"`+field+`":`) {
			t.Errorf("%s: %d %s", b, got.status, got.body)
		}
	}
	if len(s.pins.asked) != 0 {
		t.Error("a malformed request counted as a password try")
	}
}

func TestMalformedChips(t *testing.T) {
	t.Parallel()
	s := open(t)
	for chip, field := range map[string]string{
		`null`:                            "chip",
		`[]`:                              "chip",
		`"x"`:                             "chip",
		`{}`:                              "chip.load_seq",
		`{"load_seq":17,"spend_seq":240}`: "chip.balance_fen",
		`{"load_seq":-1,"spend_seq":240,"balance_fen":1230}`:                "chip.load_seq",
		`{"load_seq":17,"spend_seq":-1,"balance_fen":1230}`:                 "chip.spend_seq",
		`{"load_seq":17,"spend_seq":240,"balance_fen":-1}`:                  "chip.balance_fen",
		`{"load_seq":17,"spend_seq":240,"balance_fen":12.3}`:                "chip.balance_fen",
		`{"load_seq":17,"spend_seq":240,"balance_fen":1e3}`:                 "chip.balance_fen",
		`{"load_seq":17,"spend_seq":240,"balance_fen":"1230"}`:              "chip.balance_fen",
		`{"load_seq":17,"spend_seq":240,"balance_fen":9223372036854775808}`: "chip.balance_fen",
		`{"load_seq":17,"spend_seq":240,"balance_fen":1000000001}`:          "chip.balance_fen",
		`{"load_seq":2147483648,"spend_seq":240,"balance_fen":1230}`:        "chip.load_seq",
		`{"load_seq":17,"spend_seq":true,"balance_fen":1230}`:               "chip.spend_seq",
	} {
		for path, terminal := range map[string]string{kioskClaims: "K01", posClaims: "P01", kioskClaims + "/C1/confirm": "K01", posClaims + "/C1/cancel": "P01"} {
			got := s.claim(terminal, path, "k", `{"card_no":"61000001","pin":"482913","chip":`+chip+`}`)
			if got.status != 422 || !strings.Contains(got.body, `"`+field+`":`) {
				t.Errorf("%s %s: %d %s", path, chip, got.status, got.body)
			}
		}
	}
	golden(t, "validation_failed", s.claim("K01", kioskClaims, "k", `{"pin":"12","chip":{"load_seq":-1,"spend_seq":240}}`))
	if len(s.books.asked) != 0 || len(s.pins.asked) != 0 {
		t.Error("a malformed request went through")
	}
}
