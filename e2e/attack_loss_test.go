package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

func TestAttack_T47_Loss(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		m, thief := h.newMember(0).holder(), h.newMember(1).holder()
		m.pay(m.orderNo(5000))
		m.told(campus.CardID, "¥50.00", "待领取")
		form, thiefs := m.form("query_password", ownPassword), thief.form("query_password", ownPassword)
		lost := func() int64 {
			return h.number("SELECT count(*) FROM campus_cards WHERE status = 'lost' AND card_no = '" + m.CardNo + "'")
		}

		t.Run("ReportedByAnother", func(t *testing.T) {
			ask := m.toldSince(m.say(campus.CardID, "挂失"), campus.CardID, "button_interaction", "确认挂失")
			if _, err := h.campus.WeCom.Deliver(m.context(), campus.CardID, h.pressXML(thief.UserID, campus.CardID, ask.Card.TaskID, ask.Card.ButtonList[0].Key)); err != nil {
				t.Fatal(err)
			}
			for _, fields := range [][]string{
				{"query_password", "000000"},
				{"query_password", "000000", "card_no", m.CardNo},
				{"query_password", "000000", "person_id", fmt.Sprint(m.id()), "user_id", m.UserID, "number", m.CardNo},
			} {
				if a := thief.send("POST", "/h5/loss?card_no="+m.CardNo, with(thiefs, fields...)); a.status != http.StatusUnprocessableEntity {
					t.Errorf("%d %s", a.status, a.to)
				}
			}
			if a := m.send("POST", "/h5/loss", with(form, "query_password", "000000")); a.status != http.StatusUnprocessableEntity {
				t.Errorf("on the holder's unlocked phone, without the password: %d", a.status)
			}
			thief.say(campus.CardID, "挂失 "+m.CardNo+" "+ownPassword)
			if lost() != 0 || h.number("SELECT count(*) FROM losses") != 0 {
				t.Fatal("somebody else's word stopped the card")
			}
		})

		t.Run("Race", func(t *testing.T) {
			const rounds, claimers = 16, 4
			// Somebody else's card: each round makes two pushes, and WeCom takes so
			// many a minute.
			m := h.newMember(4).holder()
			m.pay(m.orderNo(5000))
			form := m.form("query_password", ownPassword)
			lost := func() int64 {
				return h.number("SELECT count(*) FROM campus_cards WHERE status = 'lost' AND card_no = '" + m.CardNo + "'")
			}
			tills := []*terminal.Client{h.terminal("P01"), h.terminal("P02")}
			chip := m.cardState()
			// rush reports the loss among claims that come as fast as they may, and
			// returns when each granted claim was asked for, how many were refused
			// as lost, and when the report was acknowledged.
			rush := func(round int) (granted map[string]time.Time, refused int, acknowledged time.Time) {
				granted = map[string]time.Time{}
				var mu sync.Mutex
				var wg sync.WaitGroup
				stop := make(chan struct{})
				defer func() {
					close(stop)
					wg.Wait()
				}()
				for c := range claimers {
					wg.Go(func() {
						till := tills[c%len(tills)]
						for i := 0; ; i++ {
							select {
							case <-stop:
								return
							case <-time.After(10 * time.Millisecond): // a terminal may ask 200 times a second
							}
							begun := time.Now()
							claim, ok, err := till.POSClaim(m.context(), fmt.Sprintf("race-%d-%d-%d", round, c, i), m.CardNo, chip)
							mu.Lock()
							switch code := terminal.Code(err); {
							case ok:
								granted[claim.ClaimID] = begun
							case code == "card_lost":
								refused++
							case err != nil && code != "claim_in_progress":
								t.Errorf("claim: %v", err)
							}
							mu.Unlock()
							if ok {
								if state, err := till.POSCancel(m.context(), claim.ClaimID, chip, "race"); err != nil || state != "released" {
									t.Errorf("cancel: %s, %v", state, err)
								}
							}
						}
					})
				}
				h.await("a claim before the loss", func() bool {
					mu.Lock()
					defer mu.Unlock()
					return len(granted) > 1
				})
				a := m.send("POST", "/h5/loss", form)
				acknowledged = time.Now()
				if a.to != "/h5/loss" || lost() != 1 {
					t.Fatalf("the loss is not accepted: %d\n%s", a.status, a.body)
				}
				h.await("a claim after the loss", func() bool {
					mu.Lock()
					defer mu.Unlock()
					return refused > 2*claimers || len(granted) > 100 // claims that go on are found below
				})
				return granted, refused, acknowledged
			}
			var before, late, after int
			for round := range rounds {
				granted, refused, acknowledged := rush(round)
				for id, begun := range granted {
					if begun.After(acknowledged) {
						t.Errorf("claim %s was granted that was asked for %v after the loss was acknowledged", id, begun.Sub(acknowledged))
						late++
					}
				}
				before, after = before+len(granted), after+refused
				if round == rounds-1 || late > 0 {
					break
				}
				m.later(26 * time.Hour)
				if a := m.send("POST", "/h5/loss/cancel", with(form, "channel", "email")); a.status != http.StatusSeeOther {
					t.Fatalf("no code: %d\n%s", a.status, a.body)
				}
				if a := m.send("POST", "/h5/loss/cancel", with(form, "code", m.code())); a.to != "/h5/loss/cancel" || lost() != 0 {
					t.Fatalf("the loss is not taken back: %d\n%s", a.status, a.body)
				}
			}
			t.Logf("%d claims granted, %d refused as lost, %d granted too late", before, after, late)
			if before+after < 200 && late == 0 {
				t.Errorf("only %d claims raced", before+after)
			}
		})

		if a := m.send("POST", "/h5/loss", form); a.to != "/h5/loss" || lost() != 1 {
			t.Fatalf("the holder's own report: %d\n%s", a.status, a.body)
		}
		t.Run("NothingOnlineServes", func(t *testing.T) {
			chip := m.cardState()
			if a, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); err != nil || a.Status != "lost" {
				t.Errorf("a look-up shows %+v, %v", a, err)
			}
			for _, k := range []string{"K01", "K02"} {
				if _, err := h.terminal(k).Claim(m.context(), "after-the-loss", m.CardNo, ownPassword, chip); terminal.Code(err) != "card_lost" {
					t.Errorf("a claim at %s: %v", k, err)
				}
			}
			if a := m.send("POST", "/h5/topup", with(form, "amount_fen", "1000")); a.status != http.StatusConflict {
				t.Errorf("a top-up: %d %s", a.status, a.to)
			}
			b, err := h.terminal("P01").POSBlacklist(m.context(), 0, "")
			if err != nil || !slices.Contains(b.Add, m.CardNo) {
				t.Errorf("the list is %+v, %v", b, err)
			}
		})
		t.Run("SpentByTheThief", func(t *testing.T) {
			chip := m.cardState()
			spend := func(till string, seq int64, fen int64, at time.Time) {
				t.Helper()
				chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+1, chip.BalanceFen-fen
				r, err := h.terminal(till).Consumptions(m.context(), []terminal.Record{{Seq: seq, CardNo: m.CardNo, AmountFen: fen, Chip: chip,
					OccurredAt: at, Merchant: "图书馆 咖啡角"}})
				if err != nil || r.Accepted != 1 {
					t.Fatalf("%+v, %v", r, err)
				}
			}
			reported := h.number("SELECT accepted_at FROM losses WHERE ended_at IS NULL AND card_id = (SELECT id FROM campus_cards WHERE card_no = '" + m.CardNo + "')")
			second := time.UnixMicro(reported).Truncate(time.Second)
			spend("P02", 1, 150, second.Add(-time.Second)) // before
			spend("P02", 2, 250, second)                   // in the second of the report; P02 never fetched the list
			spend("P01", 1, 350, time.Now().Truncate(time.Second).Add(2*time.Second))
			m.told(campus.CardID, "¥1.50", "校园卡消费")
			m.told(campus.CardID, "¥2.50", "挂失之后", "拟由学校承担")
			m.told(campus.CardID, "¥3.50", "挂失之后", "拟由商户承担")
			_, page := m.get("/h5/loss")
			if strings.Contains(page, "−1.50") || !strings.Contains(page, "−2.50") || !strings.Contains(page, "−3.50") ||
				strings.Count(page, "拟由学校承担") != 1 || strings.Count(page, "拟由商户承担") != 1 {
				t.Errorf("the page does not say who bears what:\n%s", page)
			}
			out := h.run("audit", "--card-no", m.CardNo)
			if strings.Count(out, "borne by the campus") != 1 || strings.Count(out, "borne by the merchant") != 1 {
				t.Errorf("the audit log has\n%s", out)
			}
		})
		t.Run("TakenBackByTheThief", func(t *testing.T) {
			m.later(26 * time.Hour)
			if a := thief.send("POST", "/h5/loss/cancel", with(thiefs, "code", "000000", "card_no", m.CardNo)); a.to != "/h5/loss/cancel" {
				t.Errorf("%d %s", a.status, a.to) // their own card is not lost
			}
			thief.say(campus.CardID, "解挂 "+m.CardNo)
			m.post("/h5/loss/cancel", map[string]string{"channel": "email"})
			for name, f := range map[string][]string{
				"password alone":     {},
				"empty code":         {"code", ""},
				"wrong code":         {"code", wrongs(1, m.code())[0]},
				"code alone":         {"code", m.code(), "query_password", ""},
				"code, wrong number": {"code", m.code(), "query_password", "000000"},
			} {
				if a := m.send("POST", "/h5/loss/cancel", with(form, f...)); a.status != http.StatusUnprocessableEntity || lost() != 1 {
					t.Errorf("%s: %d %s", name, a.status, a.to)
				}
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if a := m.send("POST", "/h5/loss/cancel", with(form, "code", m.code())); a.to != "/h5/loss/cancel" || lost() != 0 {
				t.Fatalf("%d\n%s", a.status, a.body)
			}
			chip := m.cardState()
			chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+3, chip.BalanceFen-750
			claim, ok, err := h.terminal("P01").POSClaim(m.context(), "after-the-unloss", m.CardNo, chip)
			if err != nil || !ok || claim.AmountFen != 5000 {
				t.Errorf("%+v, %v", claim, err)
			}
			h.proven()
		})
	})
}
