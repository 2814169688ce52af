package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/terminal"
)

func TestAttack_T23_StolenTerminal(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		m := h.newMember(0).holder()
		no := m.orderNo(2000)
		m.pay(no)
		// everywhere makes a call at every replica and wants one outcome.
		everywhere := func(t *testing.T, want string, c *terminal.Client, call func(*terminal.Client) error) {
			t.Helper()
			for _, r := range h.replicas {
				direct := *c
				direct.BaseURL = "http://" + r.addr
				if got := terminal.Code(call(&direct)); got != want {
					t.Errorf("replica %s answers %q, want %q", r.addr, got, want)
				}
			}
		}
		calls := map[string]func(*terminal.Client) error{
			"lookup": func(c *terminal.Client) error { _, err := c.Lookup(m.context(), m.CardNo, ownPassword); return err },
			"query": func(c *terminal.Client) error {
				_, err := c.TransfersQuery(m.context(), m.CardNo, ownPassword, "2026-01")
				return err
			},
			"blacklist": func(c *terminal.Client) error { _, err := c.Blacklist(m.context(), 0, ""); return err },
		}
		for name, call := range calls {
			t.Run("Before/"+name, func(t *testing.T) { everywhere(t, "", h.terminal("K01"), call) })
		}
		claim, err := h.terminal("K01").Claim(m.context(), "before-it-was-stolen", m.CardNo, ownPassword, m.cardState())
		if err != nil {
			t.Fatal(err)
		}
		calls["claim"] = func(c *terminal.Client) error {
			_, err := c.Claim(m.context(), "stolen", m.CardNo, ownPassword, m.cardState())
			return err
		}
		calls["confirm"] = func(c *terminal.Client) error {
			after := m.cardState()
			after.LoadSeq, after.BalanceFen = claim.Expected.LoadSeq, claim.Expected.BalanceFen
			_, err := c.Confirm(m.context(), claim.ClaimID, after)
			return err
		}
		calls["cancel"] = func(c *terminal.Client) error {
			_, err := c.Cancel(m.context(), claim.ClaimID, m.cardState(), "")
			return err
		}
		t.Run("TakenOutOfService", func(t *testing.T) {
			stop := make(chan struct{})
			var mu sync.Mutex
			var served, refused []time.Time // when the accepted began, when the refused ended
			var wg sync.WaitGroup
			for _, r := range h.replicas {
				direct := h.terminal("K01")
				direct.BaseURL = "http://" + r.addr
				wg.Go(func() {
					for {
						select {
						case <-stop:
							return
						default:
						}
						begun := time.Now()
						_, err := direct.Blacklist(m.context(), 0, "")
						mu.Lock()
						if err == nil {
							served = append(served, begun)
						} else if terminal.Code(err) == "terminal_disabled" {
							refused = append(refused, time.Now())
						} else {
							t.Error(err)
						}
						mu.Unlock()
						time.Sleep(10 * time.Millisecond) // 200 a second is what a terminal may
					}
				})
			}
			h.run("terminal", "disable", "K01")
			ended := time.Now()
			for name, call := range calls {
				t.Run(name, func(t *testing.T) { everywhere(t, "terminal_disabled", h.terminal("K01"), call) })
			}
			h.await("a refusal of those who kept asking", func() bool {
				mu.Lock()
				defer mu.Unlock()
				return len(refused) > 0
			})
			close(stop)
			wg.Wait()
			for _, at := range served {
				if at.After(ended) {
					t.Errorf("served %v after it was taken out of service", at.Sub(ended))
				}
			}
			if len(served) == 0 || len(refused) == 0 {
				t.Errorf("%d served, %d refused: the test saw no change", len(served), len(refused))
			}
		})
		t.Run("Others", func(t *testing.T) {
			everywhere(t, "", h.terminal("K02"), calls["lookup"])
			everywhere(t, "", h.terminal("P01"), func(c *terminal.Client) error { _, err := c.POSBlacklist(m.context(), 0, ""); return err })
		})
		t.Run("SecretOfAnother", func(t *testing.T) {
			c := h.terminal("K02")
			c.TerminalID = "K03"
			everywhere(t, "bad_signature", c, calls["lookup"])
			c.TerminalID = "K99"
			everywhere(t, "unknown_terminal", c, calls["lookup"])
		})
		t.Run("TillAsAMachine", func(t *testing.T) {
			everywhere(t, "wrong_terminal_kind", h.terminal("P01"), calls["lookup"])
			everywhere(t, "wrong_terminal_kind", h.terminal("K02"), func(c *terminal.Client) error { _, err := c.POSBlacklist(m.context(), 0, ""); return err })
			everywhere(t, "wrong_terminal_kind", h.terminal("K02"), func(c *terminal.Client) error {
				_, _, err := c.POSClaim(m.context(), "without-a-password", m.CardNo, m.cardState())
				return err
			})
		})
		t.Run("Replayed", func(t *testing.T) {
			body := fmt.Sprintf(`{"card_no":"%s","pin":"%s"}`, m.CardNo, ownPassword)
			first, err := h.terminal("K02").NewRequest(m.context(), "POST", "/kiosk/v1/accounts/lookup", []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			header := first.Header.Clone()
			for i, want := range []int{200, 401, 401} {
				target := "http://" + h.replicas[i%len(h.replicas)].addr + "/kiosk/v1/accounts/lookup"
				a := h.nobody().send("POST", target, nil, func(r *http.Request) {
					r.Header = header.Clone()
					setBody(r, body)
				})
				if a.status != want || want == 401 && !strings.Contains(a.body, "replayed_request") {
					t.Errorf("time %d: %d %s", i+1, a.status, a.body)
				}
			}
			a := h.nobody().send("POST", "/kiosk/v1/accounts/lookup", nil, func(r *http.Request) {
				r.Header = header.Clone()
				setBody(r, strings.Replace(body, m.CardNo, h.campus.People()[1].CardNo, 1))
			})
			if a.status != 401 || !strings.Contains(a.body, "bad_signature") {
				t.Errorf("another body: %d %s", a.status, a.body)
			}
		})
		t.Run("NewSecret", func(t *testing.T) {
			old := h.terminal("K03")
			everywhere(t, "", old, calls["lookup"])
			_, printed, _ := strings.Cut(strings.TrimSpace(h.run("terminal", "rotate", "K03")), "secret: ")
			secret, err := base64.StdEncoding.DecodeString(printed)
			if err != nil {
				t.Fatal(err)
			}
			everywhere(t, "bad_signature", old, calls["lookup"])
			fresh := *old
			fresh.Secret = secret
			everywhere(t, "", &fresh, calls["lookup"])
		})
		t.Run("Twin", func(t *testing.T) {
			// What the stolen machine held is settled by the card, elsewhere.
			h.set("UPDATE claims SET expires_at = 1 WHERE state = 'open'")
			m.claim("K02", ownPassword)
			h.proven()
		})
	})
}
