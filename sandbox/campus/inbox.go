package campus

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/sandbox/mail"
	"xiaoka/sandbox/sms"
)

// mailUser is who the product signs in as at the mail server.
const mailUser = "xiaoka"

// Mail is one mail or SMS as the inbox shows it.
type Mail struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	To      string    `json:"to"`
	Subject string    `json:"subject"` // empty for an SMS
	Text    string    `json:"text"`
	SMS     bool      `json:"sms"`
}

func (c *Campus) startMail() error {
	var err error
	c.Mail, err = mail.New(mail.Config{
		Username: mailUser, Password: c.state.MailPass, Now: c.Now,
		OnMessage: func(m mail.Message) {
			c.Timeline.add(Entry{
				At: m.Time, System: "mail", Name: m.Subject, Status: 250, Problem: m.Problem, OK: m.Problem == "", Request: m.Raw,
			})
			c.Hub.Publish(TopicMail, "")
		},
	})
	if err != nil {
		return err
	}
	if err := c.Mail.Start("127.0.0.1:0"); err != nil {
		return err
	}
	c.settings.SMTPAddr, c.settings.SMTPUser = c.Mail.Addr(), mailUser
	return nil
}

// What the product has at the SMS service.
const (
	smsSecretID = "AKIDxiaokasandbox"
	smsAppID    = "1400000000"
	smsSignName = "校园卡"
	smsTemplate = "1000001"
)

func (c *Campus) startSMS() error {
	c.settings.SMSKey = randomText(lettersAndDigits, 32)
	var err error
	c.SMS, err = sms.New(sms.Config{
		SecretID: smsSecretID, SecretKey: c.settings.SMSKey, AppID: smsAppID, SignNames: []string{smsSignName}, Now: c.Now,
		Templates: map[string]string{smsTemplate: "你的验证码是 {1}，{2} 分钟内有效。如非本人操作，请忽略。"},
		OnMessage: func(sms.Message) { c.Hub.Publish(TopicMail, "") },
		Trace:     c.Timeline.sms,
	})
	if err != nil {
		return err
	}
	c.settings.SMSURL, err = c.listen(c.SMS.Handler())
	return err
}

// mostMails is how many the inbox shows.
const mostMails = 50

// Mails returns the mails and SMS that arrived, newest first.
func (c *Campus) Mails() []Mail {
	out := []Mail{}
	for _, m := range c.Mail.Messages() {
		out = append(out, Mail{ID: strconv.Itoa(m.ID), Time: m.Time, To: strings.Join(m.To, ", "), Subject: m.Subject, Text: m.Text})
	}
	for _, m := range c.SMS.Messages() {
		out = append(out, Mail{ID: "sms-" + strconv.Itoa(m.ID), Time: m.Time, To: m.PhoneNumber, Text: m.Text, SMS: true})
	}
	slices.SortStableFunc(out, func(a, b Mail) int { return a.Time.Compare(b.Time) })
	slices.Reverse(out)
	return out[:min(len(out), mostMails)]
}
