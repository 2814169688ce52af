package e2e

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// masked is a page without what differs between any two requests and without
// what was typed.
func masked(page string) string {
	page = regexp.MustCompile(`value="[^"]*"`).ReplaceAllString(page, "value")
	return regexp.MustCompile(`编号 [A-Z0-9]+`).ReplaceAllString(page, "编号")
}

func TestAttack_T22_Enumeration(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		known := h.newMember(1)
		t.Run("Bind", func(t *testing.T) {
			m := h.enrol(ownPassword, student(1))[0]
			m.prove()
			form := m.form()
			// In this order no password is wrong five times in a row.
			classes := []struct{ name, as, number, password string }{
				{"WrongPassword", m.Name, m.CardNo, "000000"},
				{"WrongName", "王不是", m.CardNo, ownPassword},
				{"NumberOfAnother", m.Name, known.CardNo, ownPassword},
				{"NumberOfNobody", m.Name, "99999999", ownPassword},
				{"NobodyAtAll", "王不是", "99999999", "000000"},
				{"NameAndNumberOfAnother", known.Name, known.CardNo, ownPassword},
			}
			took := make([][]time.Duration, len(classes))
			var first string
			for range 8 {
				for i, c := range classes {
					begun := time.Now()
					a := m.send("POST", "/h5/bind", with(form, "name", c.as, "number", c.number, "query_password", c.password))
					took[i] = append(took[i], time.Since(begun))
					if first == "" {
						first = fmt.Sprint(a.status, masked(a.body))
					}
					if got := fmt.Sprint(a.status, masked(a.body)); got != first {
						t.Fatalf("%s is answered otherwise:\n%s\nthan the first:\n%s", c.name, got, first)
					}
				}
			}
			// The quickest of each class: whatever else the machine does only adds.
			// One hash makes a tenfold difference.
			var quickest []time.Duration
			for i := range classes {
				quickest = append(quickest, slices.Min(took[i]))
			}
			if slow, fast := slices.Max(quickest), slices.Min(quickest); slow > 3*fast {
				t.Errorf("the quickest answers take from %v to %v: %v", fast, slow, quickest)
			}
			if a := m.send("POST", "/h5/bind", with(form, "name", m.Name, "number", m.StudentNo, "query_password", ownPassword)); a.to != "/h5/?done=bound" {
				t.Errorf("the twin: %d", a.status)
			}
		})
		t.Run("Newcomer", func(t *testing.T) {
			verified := h.newMember(0)
			verified.prove()
			var page, chat, wrong string
			for i, number := range []string{known.StudentNo, verified.StudentNo, "20990099", "2099009900"} {
				x := h.person(campus.Person{UserID: fmt.Sprintf("newcomer%d", i), Name: "新"})
				form := x.form()
				same := func(what string, first *string, got string) {
					t.Helper()
					got = masked(strings.ReplaceAll(got, number, "NUMBER"))
					if *first == "" {
						*first = got
					}
					if got != *first {
						t.Errorf("%s of case %d is answered otherwise:\n%s\nthan the first:\n%s", what, i, got, *first)
					}
				}
				a := x.send("POST", "/h5/verify", with(form, "student_no", number, "channel", "email"))
				_, shown := x.get("/h5/verify?sent=email")
				same("the page", &page, fmt.Sprint(a.status, a.to, shown))
				a = x.send("POST", "/h5/verify", with(form, "code", "000000"))
				same("a wrong code", &wrong, fmt.Sprint(a.status, a.to, a.body))

				n := x.say(campus.AssistantID, "学号 "+number)
				offer := x.toldSince(n, campus.AssistantID, "vote_interaction")
				n = len(h.campus.WeCom.Conversation(x.UserID, campus.AssistantID))
				x.choose(offer, "email")
				said := regexp.MustCompile(`"(task_id|id|time|user_id|msg_id|response_code)":"[^"]*",?`).ReplaceAllString(x.shown(campus.AssistantID, offer.ID), "")
				for _, msg := range h.campus.WeCom.Conversation(x.UserID, campus.AssistantID)[n:] {
					said += msg.Text
				}
				same("the chat", &chat, said)
			}
			h.await("the letter to the one who is on record", func() bool { return known.letters() == 1 })
		})
		t.Run("Machine", func(t *testing.T) {
			// The contract tells a machine which card is none; it costs the same.
			before := h.metric("xiaoka_password_hashes_total")
			if _, err := h.terminal("K01").Lookup(known.context(), "99999999", "918273"); terminal.Code(err) != "card_not_found" {
				t.Errorf("%v", err)
			}
			if n := h.metric("xiaoka_password_hashes_total") - before; n != 1 {
				t.Errorf("%v hashes for a card that is none", n)
			}
			a, err := h.terminal("K01").Lookup(known.context(), known.CardNo, "918273")
			if terminal.Code(err) != "pin_wrong" || a.Holder != "" {
				t.Errorf("%+v, %v", a, err)
			}
		})
	})
}
