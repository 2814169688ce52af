package e2e

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
)

// wrongs is n codes that are not the right one.
func wrongs(n int, right string) (codes []string) {
	for len(codes) < n {
		if c := fmt.Sprintf("%06d", rand.IntN(1_000_000)); c != right && !slices.Contains(codes, c) {
			codes = append(codes, c)
		}
	}
	return codes
}

func (m *member) verified() bool {
	m.t.Helper()
	return m.number(fmt.Sprintf("SELECT count(*) FROM people WHERE id = %d AND verified_at IS NOT NULL", m.id())) == 1
}

// tries is the counter of the newest code of this person.
func (m *member) tries() int64 {
	m.t.Helper()
	return m.number(fmt.Sprintf("SELECT tries FROM codes WHERE person_id = %d ORDER BY issued_at DESC, id DESC LIMIT 1", m.id()))
}

func TestAttack_T15_CodeGuessing(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		t.Run("RightOneAfterTheFifthTry", func(t *testing.T) {
			m := h.newMember(0)
			m.phone.Transport = manyAtOnce
			m.post("/h5/verify", map[string]string{"channel": "email"})
			right := m.code()
			form := m.form()
			guesses := wrongs(998, right)
			for i, c := range guesses[:5] {
				if a := m.send("POST", "/h5/verify", with(form, "code", c)); a.status != http.StatusUnprocessableEntity {
					t.Fatalf("wrong try %d: %d", i+1, a.status)
				}
			}
			guesses = append(guesses[5:], right, right)
			atOnce(len(guesses), func(i int) {
				if a := m.send("POST", "/h5/verify", with(form, "code", guesses[i])); a.status != http.StatusUnprocessableEntity {
					t.Errorf("a burnt code is answered %d %s", a.status, a.to)
				}
			})
			m.toldSince(m.say(campus.AssistantID, right), campus.AssistantID, "验证码")
			if m.verified() || m.tries() != 5 {
				t.Errorf("verified %v after %d tries counted", m.verified(), m.tries())
			}
			t.Run("Twin", func(t *testing.T) {
				m.later(time.Minute)
				m.prove()
				if !m.verified() {
					t.Error("a fresh code is not taken")
				}
			})
		})
		t.Run("AllAtOnce", func(t *testing.T) {
			m := h.newMember(1)
			m.phone.Transport = manyAtOnce
			m.post("/h5/verify", map[string]string{"channel": "email"})
			right := m.code()
			guesses := append(wrongs(299, right), right)
			rand.Shuffle(len(guesses), func(i, j int) { guesses[i], guesses[j] = guesses[j], guesses[i] })
			form := m.form()
			var tried, taken atomic.Int64
			atOnce(len(guesses), func(i int) {
				a := m.send("POST", "/h5/verify", with(form, "code", guesses[i]))
				switch {
				case a.to == "/h5/bind?done=verified":
					taken.Add(1)
				case strings.Contains(a.body, "还可以试"):
					tried.Add(1)
				}
			})
			// A fifth wrong try says that the code is burnt, so four at most say
			// how many are left.
			if n := m.tries(); n > 5 || tried.Load() > 4 || taken.Load() > 1 || (taken.Load() == 1) != m.verified() {
				t.Errorf("%d tries counted, %d told, taken %d times", n, tried.Load(), taken.Load())
			}
		})
		t.Run("OneUse", func(t *testing.T) {
			m := h.newMember(4)
			m.phone.Transport = manyAtOnce
			m.post("/h5/verify", map[string]string{"channel": "email"})
			form := m.form("code", m.code())
			var taken atomic.Int64
			atOnce(40, func(int) {
				if a := m.send("POST", "/h5/verify", form); a.to == "/h5/bind?done=verified" {
					taken.Add(1)
				}
			})
			if taken.Load() != 1 {
				t.Errorf("the code was taken %d times", taken.Load())
			}
		})
		t.Run("ShapeOfAGuess", func(t *testing.T) {
			m := h.newMember(3)
			m.post("/h5/verify", map[string]string{"channel": "email"})
			right := m.code()
			form := m.form()
			for _, c := range []string{"", right[:5], right + "0", "%" + right[:5], "' OR 1=1 --", strings.Repeat("9", 10000), right[:3] + "*" + right[4:], "١٢٣٤٥٦"} {
				if a := m.send("POST", "/h5/verify", with(form, "code", c)); a.status != http.StatusUnprocessableEntity {
					t.Errorf("%.12q is answered %d", c, a.status)
				}
			}
			if n := m.tries(); n != 0 {
				t.Errorf("%d tries for what is no code", n)
			}
			full := strings.Map(func(r rune) rune { return r - '0' + '０' }, right)
			if a := m.send("POST", "/h5/verify", with(form, "code", full)); a.to != "/h5/bind?done=verified" {
				t.Errorf("full-width digits: %d %s", a.status, a.to)
			}
		})
	})
}

func TestAttack_T16_CodeBombing(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		victim := h.newMember(0)
		victim.phone.Transport = manyAtOnce
		form := victim.form()
		// bomb asks n times at once by these channels from ever other addresses,
		// and returns how many letters that made.
		bomb := func(n int, channels ...string) int {
			before := victim.letters()
			atOnce(n, func(i int) {
				a := victim.send("POST", "/h5/verify", with(form, "channel", channels[i%len(channels)]), func(r *http.Request) {
					spoofed := fmt.Sprintf("10.%d.%d.%d", rand.IntN(256), rand.IntN(256), rand.IntN(256))
					for _, name := range []string{"X-Forwarded-For", "X-Real-Ip", "Forwarded", "True-Client-Ip", "Cf-Connecting-Ip"} {
						r.Header.Set(name, spoofed)
					}
				})
				if a.status != http.StatusSeeOther && a.status != http.StatusTooManyRequests {
					t.Errorf("answered %d", a.status)
				}
				if wait, err := strconv.Atoi(a.header.Get("Retry-After")); a.status == http.StatusTooManyRequests && (err != nil || wait < 1) {
					t.Errorf("Retry-After %q", a.header.Get("Retry-After"))
				}
			})
			return victim.letters() - before
		}
		victim.post("/h5/verify", map[string]string{"channel": "email"})
		if n := bomb(100, "email", "phone"); n != 0 {
			t.Fatalf("%d more letters in the first minute", n)
		}
		t.Run("ByTheChat", func(t *testing.T) {
			for i := range 6 {
				victim.choose(victim.offered(), []string{"email", "phone"}[i%2])
			}
			if n := victim.letters(); n != 1 {
				t.Errorf("%d letters", n)
			}
		})
		t.Run("ByNewcomers", func(t *testing.T) {
			for i := range 6 {
				x := h.person(campus.Person{UserID: fmt.Sprintf("newcomer%d", i), Name: "新"})
				for _, channel := range []string{"email", "phone"} {
					if a := x.send("POST", "/h5/verify", x.form("student_no", victim.StudentNo, "channel", channel)); a.status >= 500 {
						t.Errorf("answered %d", a.status)
					}
				}
			}
			time.Sleep(200 * time.Millisecond) // they are sent after the answer
			if n := victim.letters(); n != 1 {
				t.Errorf("%d letters", n)
			}
		})
		t.Run("SameMailBox", func(t *testing.T) {
			twin := student(1)
			twin.Email = strings.ToUpper(victim.Email[:3]) + victim.Email[3:]
			other := h.enrol("", twin)[0]
			other.send("POST", "/h5/verify", other.form("channel", "email"))
			if n := victim.letters(); n != 1 {
				t.Errorf("%d letters to one mail box", n)
			}
		})
		t.Run("AfterARestartWithoutRedis", func(t *testing.T) {
			h.powerCut()
			if n := bomb(40, "email", "phone"); n != 0 {
				t.Errorf("%d more letters within the minute", n)
			}
		})
		for i := 2; i <= 5; i++ {
			victim.later(time.Minute)
			if n := bomb(20, "email"); n != 1 {
				t.Errorf("%d letters in minute %d, want 1", n, i)
			}
		}
		t.Run("FiveAnHour", func(t *testing.T) {
			victim.later(time.Minute)
			if n := bomb(20, "email", "phone"); n != 0 {
				t.Errorf("%d letters beyond five in an hour", n)
			}
		})
		t.Run("TenADay", func(t *testing.T) {
			victim.later(time.Hour)
			sent := 5
			for range 8 {
				sent += bomb(6, "email")
				victim.later(16 * time.Minute)
			}
			if issued := h.number(fmt.Sprintf("SELECT count(*) FROM codes WHERE person_id = %d", victim.id())); sent != 10 || issued != 10 {
				t.Errorf("%d letters in a day, %d codes", sent, issued)
			}
		})
		t.Run("OtherPurpose", func(t *testing.T) {
			victim.later(24 * time.Hour)
			victim.prove()
			before := victim.letters()
			atOnce(10, func(int) {
				victim.send("POST", "/h5/password", with(form, "channel", "email"))
			})
			if n := victim.letters() - before; n != 0 {
				t.Errorf("%d letters for another purpose within the minute", n)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			victim.later(time.Minute)
			before := victim.letters()
			if a := victim.send("POST", "/h5/password", with(form, "channel", "email")); a.to != "/h5/password?sent=email" || victim.letters() != before+1 {
				t.Errorf("a code that is due: %d %s", a.status, a.to)
			}
			stranger := h.newMember(1)
			stranger.prove()
		})
	})
}

// Who asks for many people, each within their own limits, empties the budget
// for messages; the cap over everybody ends that.
func TestAttack_T16_Everybody(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		const most = 8
		f, err := os.OpenFile(h.config, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := fmt.Fprintf(f, "\notp:\n  hourly_max: %d\n", most); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		h.powerCut()
		var people []campus.Person
		for n := range 3 * most {
			people = append(people, student(n))
		}
		crowd := h.enrol("", people...)
		forms := make([]url.Values, len(crowd))
		for i, m := range crowd {
			forms[i] = m.form("channel", "email")
		}
		sent := func() (n int) {
			for _, m := range crowd {
				n += m.letters()
			}
			return n
		}
		bomb := func(of []*member, forms []url.Values) {
			atOnce(len(of), func(i int) {
				a := of[i].send("POST", "/h5/verify", forms[i])
				wait, err := strconv.Atoi(a.header.Get("Retry-After"))
				refused := a.status == http.StatusTooManyRequests && err == nil && wait > 3000 && strings.Contains(a.body, "现在要验证码的人太多")
				if a.status != http.StatusSeeOther && !refused {
					t.Errorf("answered %d, again after %q\n%s", a.status, a.header.Get("Retry-After"), a.body)
				}
			})
		}
		bomb(crowd[:2*most], forms[:2*most])
		if n := sent(); n != most {
			t.Errorf("%d letters, want %d", n, most)
		}
		if n := h.metric("xiaoka_codes_capped_total"); n != most {
			t.Errorf("the alarm counts %v", n)
		}
		h.powerCut()
		bomb(crowd[2*most:], forms[2*most:])
		if n := sent(); n != most {
			t.Errorf("%d letters after a restart", n)
		}
		late := crowd[len(crowd)-1]
		offer := late.offered()
		late.choose(offer, "email")
		if now := late.shown(campus.AssistantID, offer.ID); !strings.Contains(now, "现在要验证码的人太多") {
			t.Errorf("the chat says %s", now)
		}
		t.Run("Twin", func(t *testing.T) {
			h.set(fmt.Sprintf("UPDATE codes SET issued_at = issued_at - %d", time.Hour.Microseconds()))
			late.prove()
		})
	})
}

func TestAttack_T17_CodeOfAnother(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		owner, thief := h.newMember(0), h.newMember(1)
		for _, m := range []*member{owner, thief} {
			m.phone.Transport = manyAtOnce
			m.post("/h5/verify", map[string]string{"channel": "email"})
		}
		first, thiefs := owner.code(), thief.form()
		t.Run("OfAnotherPerson", func(t *testing.T) {
			if a := thief.send("POST", "/h5/verify", with(thiefs, "code", first)); a.status != http.StatusUnprocessableEntity || thief.verified() {
				t.Errorf("%d %s", a.status, a.to)
			}
			thief.say(campus.AssistantID, first)
			if thief.verified() || owner.verified() {
				t.Error("taken in the chat")
			}
		})
		owners := owner.form()
		t.Run("BeforeTheResend", func(t *testing.T) {
			owner.later(time.Minute)
			owner.post("/h5/verify", map[string]string{"channel": "phone"})
			if a := owner.send("POST", "/h5/verify", with(owners, "code", first)); a.status != http.StatusUnprocessableEntity || owner.verified() {
				t.Errorf("%d %s", a.status, a.to)
			}
		})
		t.Run("Expired", func(t *testing.T) {
			if a := thief.send("POST", "/h5/verify", with(thiefs, "code", "000000")); a.status != http.StatusUnprocessableEntity {
				t.Fatalf("%d", a.status)
			}
			h.set(fmt.Sprintf("UPDATE codes SET expires_at = expires_at - %d WHERE person_id = %d", (5 * time.Minute).Microseconds(), thief.id()))
			if a := thief.send("POST", "/h5/verify", with(thiefs, "code", thief.code())); a.status != http.StatusUnprocessableEntity || thief.verified() {
				t.Errorf("%d %s", a.status, a.to)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if a := owner.send("POST", "/h5/verify", with(owners, "code", owner.smsCode())); a.to != "/h5/bind?done=verified" {
				t.Errorf("%d %s", a.status, a.to)
			}
		})
		t.Run("UsedBefore", func(t *testing.T) {
			if a := owner.send("POST", "/h5/password", with(owners, "code", owner.smsCode(), "new_password", "582046")); a.status != http.StatusUnprocessableEntity {
				t.Errorf("%d %s", a.status, a.to)
			}
		})
		owner.post("/h5/bind", map[string]string{"name": owner.Name, "number": owner.CardNo, "query_password": "123456"})
		owner.post("/h5/password", map[string]string{"old_password": "123456", "new_password": ownPassword})
		owner.post("/h5/loss", map[string]string{"query_password": ownPassword})
		t.Run("ForAnotherPurpose", func(t *testing.T) {
			owner.later(time.Minute)
			owner.post("/h5/password", map[string]string{"channel": "email"})
			forPassword := owner.code()
			if a := owner.send("POST", "/h5/loss/cancel", with(owners, "query_password", ownPassword, "code", forPassword)); a.status != http.StatusUnprocessableEntity {
				t.Errorf("a code for the password takes the loss back: %d %s", a.status, a.to)
			}
			owner.later(time.Minute)
			owner.post("/h5/loss/cancel", map[string]string{"channel": "email"})
			if a := owner.send("POST", "/h5/password", with(owners, "new_password", "582046", "code", owner.code())); a.status != http.StatusUnprocessableEntity {
				t.Errorf("a code for the loss sets the password: %d %s", a.status, a.to)
			}
			if a := owner.send("POST", "/h5/loss/cancel", with(owners, "query_password", ownPassword, "code", owner.code())); a.to != "/h5/loss/cancel" {
				t.Errorf("the twin: %d\n%s", a.status, a.body)
			}
			if a := owner.send("POST", "/h5/password", with(owners, "new_password", "582046", "code", forPassword)); a.to != "/h5/?done=password" {
				t.Errorf("the twin: %d\n%s", a.status, a.body)
			}
		})
	})
}
