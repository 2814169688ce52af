package e2e

import (
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/sms"
)

// smsCode reads the newest code on the member's phone.
func (m *member) smsCode() string {
	m.t.Helper()
	var code string
	m.await("an SMS with a code", func() bool {
		for _, msg := range slices.Backward(m.campus.SMS.Messages()) {
			if msg.PhoneNumber == "+86"+m.Phone {
				code = regexp.MustCompile(`\b\d{6}\b`).FindString(msg.Text)
				return code != ""
			}
		}
		return false
	})
	return code
}

// askBySMS has the assistant offer verification and takes the phone.
func (m *member) askBySMS() {
	m.t.Helper()
	if _, err := m.campus.WeCom.Enter(m.context(), m.UserID, campus.AssistantID); err != nil {
		m.t.Fatal(err)
	}
	offer := m.told(campus.AssistantID, "vote_interaction")
	masked := m.Phone[:3] + "****" + m.Phone[7:]
	if len(offer.Card.Checkbox.OptionList) != 2 || !strings.Contains(text(offer), masked) || strings.Contains(text(offer), m.Phone) {
		m.t.Fatalf("the offer does not name both channels, masked: %s", text(offer))
	}
	m.choose(offer, "phone")
}

func TestVerifyByPhone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		inChat := h.newMember(0)
		inChat.askBySMS()
		code := inChat.smsCode()
		inChat.told(campus.AssistantID, inChat.Phone[:3]+"****"+inChat.Phone[7:])
		inChat.say(campus.AssistantID, code)
		inChat.told(campus.CardID, "/h5/bind")
		inChat.bind()
		secrets := []string{code, inChat.Phone}

		onPage := h.newMember(1)
		if page := onPage.open("/h5/verify"); !strings.Contains(page, `value="phone"`) || !strings.Contains(page, `value="email"`) || strings.Contains(page, onPage.Phone) {
			t.Errorf("the page does not offer both channels, masked:\n%s", page)
		}
		onPage.post("/h5/verify", map[string]string{"channel": "phone"})
		code = onPage.smsCode()
		if at, page := onPage.post("/h5/verify", map[string]string{"code": code}); at.Path == "/h5/verify" {
			t.Errorf("the code from the phone led back to the page:\n%s", page)
		}
		secrets = append(secrets, code, onPage.Phone)

		tooOften := h.newMember(2)
		h.campus.SMS.SetFaults(sms.Faults{Code: "LimitExceeded.PhoneNumberOneHourLimit"})
		tooOften.askBySMS()
		tooOften.told(campus.AssistantID, "60 分钟")

		unreachable := h.newMember(4)
		h.campus.SMS.SetFaults(sms.Faults{Down: true})
		unreachable.askBySMS()
		unreachable.told(campus.AssistantID, "没有发出去")
		secrets = append(secrets, tooOften.Phone, unreachable.Phone)

		if mails := h.campus.Mail.Messages(); len(mails) != 0 {
			t.Errorf("%d mails went out as well", len(mails))
		}
		for _, r := range h.replicas {
			r.stop(syscall.SIGTERM) // now its log is whole
			for _, secret := range secrets {
				if strings.Contains(r.log.String(), secret) {
					t.Errorf("the log of %s contains %s", r.addr, secret)
				}
			}
		}
	})
}
