package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

// pressXML is a button press as WeCom would deliver it.
func (h *house) pressXML(from string, agent int, task, key string) string {
	return fmt.Sprintf("<xml><ToUserName><![CDATA[%s]]></ToUserName><FromUserName><![CDATA[%s]]></FromUserName><CreateTime>%d</CreateTime>"+
		"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[template_card_event]]></Event><EventKey><![CDATA[%s]]></EventKey>"+
		"<TaskId><![CDATA[%s]]></TaskId><CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[stolen-%d]]></ResponseCode>"+
		"<AgentID>%d</AgentID></xml>", h.campus.WeCom.CorpID(), from, time.Now().Unix(), key, task, time.Now().UnixNano(), agent)
}

// offered has the assistant offer the member a code.
func (m *member) offered() wecom.Message {
	m.t.Helper()
	n := m.say(campus.AssistantID, "验证")
	return m.toldSince(n, campus.AssistantID, "vote_interaction")
}

func TestAttack_T10_CardOfAnother(t *testing.T) {
	attacked(t, func(t *testing.T, h *house) {
		owner, thief := h.newMember(0), h.newMember(1)
		offer := owner.offered()
		key := offer.Card.SubmitButton.Key
		if raw := strings.TrimLeft(offer.Card.TaskID, "0123456789abcdef"); raw != "" || len(offer.Card.TaskID) < 32 {
			t.Errorf("the task %q is shorter than 128 bits", offer.Card.TaskID)
		}
		mine := thief.offered()
		for _, c := range []struct{ name, from, task string }{
			{"Forwarded", thief.UserID, offer.Card.TaskID},
			{"OfAnotherInCapitals", strings.ToUpper(thief.UserID), offer.Card.TaskID},
			{"Guessed", thief.UserID, strings.Repeat("0", 32)},
			{"NoTask", thief.UserID, ""},
			{"MemberOfNobody", "stranger9", offer.Card.TaskID},
		} {
			t.Run(c.name, func(t *testing.T) {
				refused, audited := h.metric("xiaoka_card_presses_refused_total"), h.number("SELECT count(*) FROM audit WHERE action = 'press_refused'")
				d, err := h.campus.WeCom.Deliver(owner.context(), campus.AssistantID, h.pressXML(c.from, campus.AssistantID, c.task, key))
				if err != nil || len(d.Attempts) != 1 {
					t.Fatalf("%v after %d attempts", err, len(d.Attempts))
				}
				if n := owner.letters() + thief.letters(); n != 0 {
					t.Errorf("%d codes went out", n)
				}
				if text(offer) != owner.shown(campus.AssistantID, offer.ID) {
					t.Error("the owner's card changed")
				}
				if got := h.metric("xiaoka_card_presses_refused_total"); got != refused+1 {
					t.Errorf("%v presses counted as refused, want %v", got, refused+1)
				}
				if got := h.number("SELECT count(*) FROM audit WHERE action = 'press_refused'"); got != audited+1 {
					t.Errorf("%d audit entries, want %d", got, audited+1)
				}
			})
		}
		if said := h.said(); !strings.Contains(said, "press refused") || !strings.Contains(said, "userid="+thief.UserID) {
			t.Error("the log does not name who pressed")
		}
		t.Run("AtTheOtherApp", func(t *testing.T) {
			refused := h.metric("xiaoka_card_presses_refused_total")
			if _, err := h.campus.WeCom.Deliver(owner.context(), campus.CardID, h.pressXML(owner.UserID, campus.CardID, offer.Card.TaskID, key)); err != nil {
				t.Fatal(err)
			}
			if n := owner.letters(); n != 0 {
				t.Errorf("%d codes went out", n)
			}
			// The other app may not know the button at all.
			if got := h.metric("xiaoka_card_presses_refused_total"); got != refused+1 {
				t.Errorf("%v presses counted as refused, want %v", got, refused+1)
			}
		})
		t.Run("AfterADay", func(t *testing.T) {
			h.set(fmt.Sprintf("UPDATE tasks SET expires_at = expires_at - %d WHERE id = '%s'", (24*time.Hour + time.Second).Microseconds(), mine.Card.TaskID))
			if _, err := h.campus.WeCom.Press(thief.context(), thief.UserID, mine.ID, mine.Card.SubmitButton.Key, nil); err != nil {
				t.Fatal(err)
			}
			if n := thief.letters(); n != 0 {
				t.Errorf("an expired card sent %d codes", n)
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if _, err := h.campus.WeCom.Press(owner.context(), owner.UserID, offer.ID, key, nil); err != nil {
				t.Fatal(err)
			}
			if n := owner.letters(); n != 1 {
				t.Fatalf("the owner's own press sent %d codes", n)
			}
		})
		t.Run("PressedAgain", func(t *testing.T) {
			owner.later(2 * time.Minute) // so that the limit of codes is not what refuses
			atOnce(8, func(int) {
				if _, err := h.campus.WeCom.Deliver(owner.context(), campus.AssistantID, h.pressXML(owner.UserID, campus.AssistantID, offer.Card.TaskID, key)); err != nil {
					t.Error(err)
				}
			})
			if n := owner.letters(); n != 1 {
				t.Errorf("one card sent %d codes", n)
			}
		})
	})
}
