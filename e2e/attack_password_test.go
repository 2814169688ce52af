package e2e

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// cardState is what a reader reads off a card nobody has used yet.
func (m *member) cardState() terminal.ChipState {
	if c := m.campus.Chip(m.Person); c != nil {
		return c.Peek()
	}
	return terminal.ChipState{BalanceFen: 3000}
}

// extra is a member of a terminal's problem.
func extra(err error, name string, into any) error {
	var problem *terminal.Error
	if !errors.As(err, &problem) {
		return err
	}
	return json.Unmarshal(problem.Extra[name], into)
}

// lockEnds is when the query password serves again, as a machine is told.
func (m *member) lockEnds() (until time.Time) {
	m.t.Helper()
	_, err := m.terminal("K01").Lookup(m.context(), m.CardNo, "000000")
	if terminal.Code(err) != "pin_locked" {
		m.t.Fatalf("not locked: %v", err)
	}
	if err := extra(err, "locked_until", &until); err != nil {
		m.t.Fatal(err)
	}
	return until
}

// unlock is what the holder does: a new password, set by a fresh code.
func (m *member) unlock(password string) {
	m.t.Helper()
	form := m.form()
	if a := m.send("POST", "/h5/password", with(form, "channel", "email")); a.to != "/h5/password?sent=email" {
		m.t.Fatalf("a locked holder gets no code: %d\n%s", a.status, a.body)
	}
	if a := m.send("POST", "/h5/password", with(form, "code", m.code(), "new_password", password)); a.to != "/h5/?done=password" {
		m.t.Fatalf("a fresh code does not lift the lock: %d\n%s", a.status, a.body)
	}
}

func TestAttack_T18_PasswordGuessing(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		m := h.newMember(0).holder()
		m.later(time.Minute) // the one that verified
		form, chip := m.form(), m.cardState()
		guesses := wrongs(1000, ownPassword)
		hashes := h.metric("xiaoka_password_hashes_total")
		var mu sync.Mutex
		told := map[string]int{}
		atOnce(len(guesses), func(i int) {
			k := h.terminal(fmt.Sprintf("K%02d", 1+i/4%4))
			var outcome string
			switch i % 4 {
			case 0, 1:
				a := m.send("POST", []string{"/h5/loss", "/h5/unbind"}[i%2], with(form, "query_password", guesses[i]))
				outcome = fmt.Sprint(a.status)
			case 2:
				_, err := k.Lookup(m.context(), m.CardNo, guesses[i])
				outcome = terminal.Code(err)
			case 3:
				_, err := k.Claim(m.context(), fmt.Sprintf("guess-%d", i), m.CardNo, guesses[i], chip)
				outcome = terminal.Code(err)
			}
			mu.Lock()
			told[outcome]++
			mu.Unlock()
		})
		if n := h.metric("xiaoka_password_hashes_total") - hashes; n > 5 || n < 1 {
			t.Errorf("%d guesses caused %v hash evaluations, want at most 5", len(guesses), n)
		}
		if wrong := told["422"] + told["pin_wrong"]; wrong > 5 || told["429"]+told["pin_locked"]+wrong != len(guesses) {
			t.Errorf("the answers are %v", told)
		}
		m.told(campus.CardID, "查询密码输错太多次")
		for action, want := range map[string]int{"password_locked": 1, "password_changed": 1, "verified": 1, "bound": 1} {
			if n := strings.Count(h.run("audit", "--card-no", m.CardNo), " "+action+" "); n != want {
				t.Errorf("%d lines of %s in the audit log", n, action)
			}
		}
		refuseRight := func(t *testing.T, right string) {
			t.Helper()
			before := h.metric("xiaoka_password_hashes_total")
			for _, path := range []string{"/h5/loss", "/h5/unbind"} {
				if a := m.send("POST", path, with(form, "query_password", right)); a.status != http.StatusTooManyRequests || a.header.Get("Retry-After") == "" {
					t.Errorf("%s: %d %s", path, a.status, a.to)
				}
			}
			if a := m.send("POST", "/h5/password", with(form, "old_password", right, "new_password", "582046")); a.status != http.StatusTooManyRequests {
				t.Errorf("/h5/password: %d %s", a.status, a.to)
			}
			for _, id := range []string{"K01", "K04"} {
				if _, err := h.terminal(id).Lookup(m.context(), m.CardNo, right); terminal.Code(err) != "pin_locked" {
					t.Errorf("lookup at %s: %v", id, err)
				}
				if _, err := h.terminal(id).TransfersQuery(m.context(), m.CardNo, right, "2026-01"); terminal.Code(err) != "pin_locked" {
					t.Errorf("query at %s: %v", id, err)
				}
				if _, err := h.terminal(id).Claim(m.context(), "right-at-"+id, m.CardNo, right, chip); terminal.Code(err) != "pin_locked" {
					t.Errorf("claim at %s: %v", id, err)
				}
			}
			if n := h.metric("xiaoka_password_hashes_total") - before; n != 0 {
				t.Errorf("%v hash evaluations while locked", n)
			}
		}
		t.Run("RightOneWhileLocked", func(t *testing.T) {
			refuseRight(t, ownPassword)
			if left := time.Until(m.lockEnds()); left < 28*time.Minute || left > 31*time.Minute {
				t.Errorf("locked for %v, want 30 minutes", left)
			}
		})
		t.Run("NeverInTheChat", func(t *testing.T) {
			hashes := h.metric("xiaoka_password_hashes_total")
			for _, words := range []string{ownPassword, "密码 " + ownPassword, "挂失 " + ownPassword} {
				m.toldSince(m.say(campus.CardID, words), campus.CardID)
			}
			if n := h.metric("xiaoka_password_hashes_total") - hashes; n != 0 {
				t.Errorf("the chat tried %v passwords", n)
			}
		})
		t.Run("AfterARestart", func(t *testing.T) {
			h.powerCut()
			refuseRight(t, ownPassword)
		})
		t.Run("TenInARowForADay", func(t *testing.T) {
			h.set(fmt.Sprintf("UPDATE passwords SET locked_until = 1 WHERE person_id = %d", m.id()))
			hashes := h.metric("xiaoka_password_hashes_total")
			again := wrongs(100, ownPassword)
			atOnce(len(again), func(i int) {
				_, _ = h.terminal(fmt.Sprintf("K%02d", 1+i%4)).Lookup(m.context(), m.CardNo, again[i])
			})
			if n := h.metric("xiaoka_password_hashes_total") - hashes; n > 5 {
				t.Errorf("%v more hash evaluations after the first lock", n)
			}
			if left := time.Until(m.lockEnds()); left < 23*time.Hour || left > 25*time.Hour {
				t.Errorf("locked for %v, want a day", left)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			m.unlock("582046")
			if _, err := h.terminal("K02").Lookup(m.context(), m.CardNo, "582046"); err != nil {
				t.Errorf("the new password at a machine: %v", err)
			}
			if _, err := h.terminal("K02").Lookup(m.context(), m.CardNo, ownPassword); terminal.Code(err) != "pin_wrong" {
				t.Errorf("the old password: %v", err)
			}
			if a := m.send("POST", "/h5/loss", with(form, "query_password", "582046")); a.to != "/h5/loss" {
				t.Errorf("the new password on a page: %d", a.status)
			}
		})
	})
}

func TestAttack_T19_Spraying(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		var people []campus.Person
		for n := range 12 {
			people = append(people, student(n))
		}
		crowd := h.enrol("", people...)
		t.Run("InitialPasswordMovesNothing", func(t *testing.T) {
			for _, m := range crowd {
				a, err := h.terminal("K01").Lookup(m.context(), m.CardNo, "123456")
				if terminal.Code(err) != "password_change_required" || a.Holder != "" || a.PendingFen != 0 {
					t.Errorf("lookup: %+v, %v", a, err)
				}
				if l, err := h.terminal("K01").TransfersQuery(m.context(), m.CardNo, "123456", "2026-01"); terminal.Code(err) != "password_change_required" || len(l) > 0 {
					t.Errorf("query: %v, %v", l, err)
				}
				if _, err := h.terminal("K01").Claim(m.context(), "spray-"+m.CardNo, m.CardNo, "123456", m.cardState()); terminal.Code(err) != "password_change_required" {
					t.Errorf("claim: %v", err)
				}
			}
		})
		t.Run("InitialPasswordOnPages", func(t *testing.T) {
			m := crowd[0]
			m.prove()
			if at, _ := m.post("/h5/bind", map[string]string{"name": m.Name, "number": m.StudentNo, "query_password": "123456"}); at.Path != "/h5/password" {
				t.Fatalf("binding led to %s", at.Path)
			}
			for _, path := range []string{"/h5/", "/h5/topup", "/h5/transfers", "/h5/unbind", "/h5/loss/cancel"} {
				if a := m.send("GET", path, nil); a.to != "/h5/password" {
					t.Errorf("%s: %d %s", path, a.status, a.to)
				}
			}
			if a := m.send("POST", "/h5/topup", m.form("amount_fen", "1000")); a.to != "/h5/password" {
				t.Errorf("top-up: %d %s", a.status, a.to)
			}
		})
		m := crowd[0]
		form := m.form("old_password", "123456")
		weak := []string{"123456", "234567", "654321", "987654", "901234", "098765", "000000", "111111", "999999", "121212", "696969", "123123", "520520", "112233", "887766", "147258", "159753",
			m.Phone[len(m.Phone)-6:], m.CardNo[len(m.CardNo)-6:], m.StudentNo[len(m.StudentNo)-6:], "12345", "1234567", "12345a", "", "１２３４５６"}
		for d := '0'; d <= '9'; d++ {
			weak = append(weak, strings.Repeat(string(d), 6))
		}
		for _, pin := range weak {
			t.Run("Weak/"+pin, func(t *testing.T) {
				if a := m.send("POST", "/h5/password", with(form, "new_password", pin)); a.status != http.StatusUnprocessableEntity {
					t.Errorf("answered %d %s", a.status, a.to)
				}
			})
		}
		t.Run("Twin", func(t *testing.T) {
			if a := m.send("POST", "/h5/password", with(form, "new_password", ownPassword)); a.to != "/h5/?done=password" {
				t.Fatalf("%d %s", a.status, a.to)
			}
			if a, err := h.terminal("K01").Lookup(m.context(), m.CardNo, ownPassword); err != nil || a.Status != "normal" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	})
}

func TestAttack_T20_LockingSomebodyOut(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		victim, classmate := h.newMember(0).holder(), h.newMember(1).holder()
		t.Run("FromTheirOwnPages", func(t *testing.T) {
			// Naming somebody else on a form tries one's own password only.
			form := classmate.form("query_password", "000000", "number", victim.CardNo, "card_no", victim.CardNo, "student_no", victim.StudentNo)
			for range 4 {
				classmate.send("POST", "/h5/unbind", form)
			}
			if n := h.number(fmt.Sprintf("SELECT fails FROM passwords WHERE person_id = %d", victim.id())); n != 0 {
				t.Errorf("%d tries counted against somebody else", n)
			}
		})
		t.Run("AtAMachine", func(t *testing.T) {
			for i := range 8 {
				_, err := h.terminal("K03").Lookup(victim.context(), victim.CardNo, fmt.Sprintf("00000%d", i))
				if err == nil {
					t.Fatal("guessed")
				}
			}
			victim.lockEnds()
		})
		t.Run("TheVictimStillReportsALoss", func(t *testing.T) {
			victim.later(time.Minute)
			victim.unlock("582046")
			victim.post("/h5/loss", map[string]string{"query_password": "582046"})
			if _, err := h.terminal("K03").Claim(victim.context(), "thief", victim.CardNo, "582046", victim.cardState()); terminal.Code(err) != "card_lost" {
				t.Errorf("a claim after the loss: %v", err)
			}
		})
		t.Run("OthersAreNotLocked", func(t *testing.T) {
			if _, err := h.terminal("K03").Lookup(classmate.context(), classmate.CardNo, ownPassword); err != nil {
				t.Errorf("at the same machine: %v", err)
			}
		})
	})
}

func TestAttack_T21_StolenDatabase(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		people := h.enrol(ownPassword, student(1), student(2))
		db := h.db()
		defer db.Close()
		rows, err := db.Query("SELECT hash FROM passwords WHERE hash <> '' ORDER BY person_id")
		if err != nil {
			t.Fatal(err)
		}
		var hashes []string
		for rows.Next() {
			var hash string
			if err := rows.Scan(&hash); err != nil {
				t.Fatal(err)
			}
			hashes = append(hashes, hash)
		}
		if err := rows.Err(); err != nil || len(hashes) != len(people) {
			t.Fatalf("%d hashes, %v", len(hashes), err)
		}
		form := regexp.MustCompile(`^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+),keyid=[0-9a-f]+\$([^$]+)\$([^$]+)$`)
		for _, hash := range hashes {
			part := form.FindStringSubmatch(hash)
			if part == nil {
				t.Fatalf("%s is not argon2id", hash)
			}
			var m, passes, threads uint32
			if _, err := fmt.Sscan(part[1]+" "+part[2]+" "+part[3], &m, &passes, &threads); err != nil {
				t.Fatal(err)
			}
			if m < 19*1024 || passes < 2 {
				t.Errorf("m=%d t=%d is cheaper than OWASP's least", m, passes)
			}
			salt, err1 := base64.RawStdEncoding.DecodeString(part[4])
			digest, err2 := base64.RawStdEncoding.DecodeString(part[5])
			if err := errors.Join(err1, err2); err != nil {
				t.Fatal(err)
			}
			// Who tries all six digits tries the right ones once. They do not
			// fit without the key.
			if slices.Equal(argon2.IDKey([]byte(ownPassword), salt, passes, m, uint8(threads), uint32(len(digest))), digest) {
				t.Error("the password can be found by trying")
			}
		}
		if hashes[0] == hashes[1] {
			t.Error("two people with the same password have the same hash")
		}
		t.Run("Codes", func(t *testing.T) {
			m := people[0]
			m.post("/h5/verify", map[string]string{"channel": "email"})
			var stored []byte
			if err := db.QueryRow("SELECT code_hash FROM codes").Scan(&stored); err != nil {
				t.Fatal(err)
			}
			for _, guess := range []string{m.code(), m.UserID + m.code(), fmt.Sprint(m.id(), m.code()), fmt.Sprintf("%d\nverify\nemail\n%s", m.id(), m.code())} {
				if sum := sha256.Sum256([]byte(guess)); slices.Equal(sum[:], stored) || string(stored) == guess {
					t.Error("the code can be found by trying")
				}
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if _, err := h.terminal("K01").Lookup(people[0].context(), people[0].CardNo, ownPassword); err != nil {
				t.Error(err)
			}
		})
	})
}
