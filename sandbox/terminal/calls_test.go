package terminal

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// TestCalls pins what goes over the wire, and that answers are read, call by call.
func TestCalls(t *testing.T) {
	t.Parallel()
	chip := ChipState{LoadSeq: 17, SpendSeq: 240, BalanceFen: 1230}
	const chipJSON = `{"load_seq":17,"spend_seq":240,"balance_fen":1230}`
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.FixedZone("", 8*3600))
	for _, tc := range []struct {
		name   string
		call   func(*Client) (any, error)
		line   string // method, path and query, Idempotency-Key or If-None-Match if any
		body   string
		status int
		answer string
		want   func(any) bool
	}{
		{"Lookup", func(c *Client) (any, error) { return c.Lookup(t.Context(), "1001", "246810") },
			"POST /kiosk/v1/accounts/lookup", `{"card_no":"1001","pin":"246810"}`, 200,
			`{"card_no":"1001","holder":"张*","pending_fen":5000,"transfers":[{"id":"7","title":"微信充值","amount_fen":5000,"created_at":"2026-01-01T12:00:00+08:00"}]}`,
			func(v any) bool {
				a := v.(Account)
				return a.Holder == "张*" && a.PendingFen == 5000 && a.Transfers[0].ID == "7" && a.Transfers[0].CreatedAt.Equal(at)
			}},
		{"TransfersQuery", func(c *Client) (any, error) { return c.TransfersQuery(t.Context(), "1001", "246810", "2026-01") },
			"POST /kiosk/v1/transfers/query", `{"card_no":"1001","pin":"246810","month":"2026-01"}`, 200,
			`{"transfers":[{"id":"7","state":"claimed","claimed_at":"2026-01-01T12:00:00+08:00","terminal_id":"K01"}]}`,
			func(v any) bool {
				x := v.([]Transfer)
				return len(x) == 1 && x[0].State == "claimed" && x[0].ClaimedAt.Equal(at) && x[0].TerminalID == "K01"
			}},
		{"Claim", func(c *Client) (any, error) { return c.Claim(t.Context(), "key-1", "1001", "246810", chip) },
			"POST /kiosk/v1/claims key-1", `{"card_no":"1001","pin":"246810","chip":` + chipJSON + `}`, 201,
			`{"claim_id":"9","amount_fen":5000,"expected":{"load_seq":18,"balance_fen":6230},"expires_at":"2026-01-01T12:00:00+08:00"}`,
			func(v any) bool {
				x := v.(Claim)
				return x.ClaimID == "9" && x.AmountFen == 5000 && x.Expected == Expected{LoadSeq: 18, BalanceFen: 6230} && x.ExpiresAt.Equal(at)
			}},
		{"Confirm", func(c *Client) (any, error) { return c.Confirm(t.Context(), "9", chip) },
			"POST /kiosk/v1/claims/9/confirm", `{"chip":` + chipJSON + `}`, 200, `{"state":"claimed"}`, is("claimed")},
		{"Cancel", func(c *Client) (any, error) { return c.Cancel(t.Context(), "9", chip, "退出") },
			"POST /kiosk/v1/claims/9/cancel", `{"chip":` + chipJSON + `,"reason":"退出"}`, 200, `{"state":"released"}`, is("released")},
		{"POSClaim", func(c *Client) (any, error) {
			claim, pending, err := c.POSClaim(t.Context(), "key-2", "1001", chip)
			return []any{claim.ClaimID, pending}, err
		}, "POST /pos/v1/claims key-2", `{"card_no":"1001","chip":` + chipJSON + `}`, 201, `{"claim_id":"9"}`,
			func(v any) bool { return v.([]any)[0] == "9" && v.([]any)[1] == true }},
		{"POSClaimNothing", func(c *Client) (any, error) {
			_, pending, err := c.POSClaim(t.Context(), "key-2", "1001", chip)
			return pending, err
		}, "POST /pos/v1/claims key-2", `{"card_no":"1001","chip":` + chipJSON + `}`, 204, "", is(false)},
		{"POSConfirm", func(c *Client) (any, error) { return c.POSConfirm(t.Context(), "9", chip) },
			"POST /pos/v1/claims/9/confirm", `{"chip":` + chipJSON + `}`, 200, `{"state":"claimed"}`, is("claimed")},
		{"POSCancel", func(c *Client) (any, error) { return c.POSCancel(t.Context(), "9", chip, "refused") },
			"POST /pos/v1/claims/9/cancel", `{"chip":` + chipJSON + `,"reason":"refused"}`, 200, `{"state":"claimed"}`, is("claimed")},
		{"Consumptions", func(c *Client) (any, error) {
			return c.Consumptions(t.Context(), []Record{{Seq: 101, CardNo: "1001", AmountFen: 650, Chip: chip, OccurredAt: at, Merchant: "二号餐厅"}})
		}, "POST /pos/v1/consumptions",
			`{"records":[{"seq":101,"card_no":"1001","amount_fen":650,"chip":` + chipJSON + `,"occurred_at":"2026-01-01T12:00:00+08:00","merchant":"二号餐厅"}]}`,
			200, `{"accepted":1,"duplicates":2,"rejected":[{"seq":103,"code":"conflict"}],"acked_seq":103}`,
			func(v any) bool {
				x := v.(Receipt)
				return x.Accepted == 1 && x.Duplicates == 2 && x.Rejected[0].Seq == 103 && x.Rejected[0].Code == "conflict" && x.AckedSeq == 103
			}},
		{"Blacklist", func(c *Client) (any, error) { return c.Blacklist(t.Context(), 3, `"3"`) },
			`GET /kiosk/v1/blacklist?since=3 "3"`, "", 200, `{"version":5,"full":false,"add":["1002"],"remove":["1001"]}`,
			func(v any) bool {
				x := v.(Blacklist)
				return x.Version == 5 && x.Add[0] == "1002" && x.Remove[0] == "1001" && x.ETag == `"5"` && !x.NotModified
			}},
		{"BlacklistNotModified", func(c *Client) (any, error) { return c.POSBlacklist(t.Context(), 5, `"5"`) },
			`GET /pos/v1/blacklist?since=5 "5"`, "", 304, "", func(v any) bool { return v.(Blacklist).NotModified }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, err := io.ReadAll(r.Body)
				if err != nil {
					t.Error(err)
				}
				line := strings.TrimSpace(r.Method + " " + r.RequestURI + " " + r.Header.Get("Idempotency-Key") + r.Header.Get("If-None-Match"))
				if line != tc.line || string(body) != tc.body {
					t.Errorf("sent %s\n%s\nwant %s\n%s", line, body, tc.line, tc.body)
				}
				w.Header().Set("ETag", `"5"`)
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.answer)
			}))
			defer srv.Close()
			got, err := tc.call(&Client{BaseURL: srv.URL, TerminalID: "K01", Secret: testSecret, HTTP: srv.Client()})
			if err != nil || !tc.want(got) {
				t.Errorf("read %+v, %v", got, err)
			}
		})
	}
}

func is(want any) func(any) bool { return func(got any) bool { return got == want } }
