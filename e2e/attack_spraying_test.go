package e2e

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// A machine, or who stole its secret, tries the same few passwords on every
// card. No card locks, so the machine does.
func TestAttack_T19_SprayingMachine(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		var people []campus.Person
		for n := range 60 {
			people = append(people, student(n))
		}
		crowd := h.enrol("", people...)
		m := h.newMember(0).holder()
		no := m.orderNo(2000)
		m.pay(no)
		claim, err := h.terminal("K01").Claim(m.context(), "before", m.CardNo, ownPassword, m.cardState())
		if err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		told := map[string]int{}
		atOnce(len(crowd), func(i int) {
			_, err := h.terminal("K01").Lookup(m.context(), crowd[i].CardNo, "730519")
			mu.Lock()
			defer mu.Unlock()
			told[terminal.Code(err)]++
		})
		if told["pin_wrong"] != 30 || told["rate_limited"] != len(crowd)-30 {
			t.Errorf("the answers are %v", told)
		}
		suspended := func(t *testing.T) {
			t.Helper()
			hashes := h.metric("xiaoka_password_hashes_total")
			for _, call := range []func() error{
				func() error { _, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); return err },
				func() error {
					_, err := h.terminal("K01").TransfersQuery(m.context(), m.CardNo, ownPassword, "2026-01")
					return err
				},
				func() error {
					_, err := h.terminal("K01").Claim(m.context(), "sprayed", m.CardNo, ownPassword, m.cardState())
					return err
				},
				func() error { _, err := h.terminal("K01").Lookup(m.context(), crowd[0].CardNo, "123456"); return err },
			} {
				err := call()
				var problem *terminal.Error
				if terminal.Code(err) != "rate_limited" || !errors.As(err, &problem) || problem.RetryAfter < 28*time.Minute || problem.RetryAfter > 31*time.Minute {
					t.Errorf("%v, again after %v", err, problem)
				}
			}
			if n := h.metric("xiaoka_password_hashes_total") - hashes; n != 0 {
				t.Errorf("%v hash evaluations", n)
			}
		}
		t.Run("Suspended", suspended)
		t.Run("Alarm", func(t *testing.T) {
			if n := h.metric("xiaoka_kiosk_suspensions_total"); n != 1 {
				t.Errorf("the metric says %v", n)
			}
			if n := strings.Count(h.said(), "machine suspended"); n != 1 {
				t.Errorf("%d lines in the log", n)
			}
			if out := h.run("audit", "--terminal", "K01"); !strings.Contains(out, "suspended") || !strings.Contains(out, "30 wrong query passwords") {
				t.Errorf("the audit log has\n%s", out)
			}
			if out := h.run("terminal", "list"); strings.Count(out, "no passwords until") != 1 {
				t.Errorf("the list is\n%s", out)
			}
		})
		t.Run("AfterARestart", func(t *testing.T) {
			h.powerCut()
			suspended(t)
		})
		t.Run("OthersGoOn", func(t *testing.T) {
			if _, err := h.terminal("K02").Lookup(m.context(), m.CardNo, ownPassword); err != nil {
				t.Errorf("another machine: %v", err)
			}
			if _, err := h.terminal("K01").Blacklist(m.context(), 0, ""); err != nil {
				t.Errorf("its blacklist: %v", err)
			}
			if state, err := h.terminal("K01").Cancel(m.context(), claim.ClaimID, m.cardState(), ""); err != nil || state != "released" {
				t.Errorf("the write it had begun: %s, %v", state, err)
			}
			if _, ok, err := h.terminal("P01").POSClaim(m.context(), "at-a-till", m.CardNo, m.cardState()); err != nil || !ok {
				t.Errorf("a till: %v, %v", ok, err)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			h.run("terminal", "resume", "K01")
			if _, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); err != nil {
				t.Errorf("resumed: %v", err)
			}
			// People mistype; a machine with many visitors is not suspended for it.
			for i := range 25 {
				if _, err := h.terminal("K03").Lookup(m.context(), crowd[i].CardNo, "730519"); terminal.Code(err) != "pin_wrong" {
					t.Fatalf("visitor %d: %v", i, err)
				}
			}
			if _, err := h.terminal("K03").Lookup(m.context(), m.CardNo, ownPassword); err != nil {
				t.Error(err)
			}
		})
	})
}
