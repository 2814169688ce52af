package campus

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/sandbox/mail"
)

// mailUser is who the product signs in as at the mail server.
const mailUser = "xiaoka"

// Mail is one mail as the inbox shows it.
type Mail struct {
	ID      string    `json:"id"`
	Time    time.Time `json:"time"`
	To      string    `json:"to"`
	Subject string    `json:"subject"`
	Text    string    `json:"text"`
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

// mostMails is how many the inbox shows.
const mostMails = 50

// Mails returns what arrived, newest first.
func (c *Campus) Mails() []Mail {
	all := c.Mail.Messages()
	slices.Reverse(all)
	all = all[:min(len(all), mostMails)]
	out := make([]Mail, len(all))
	for i, m := range all {
		out[i] = Mail{ID: strconv.Itoa(m.ID), Time: m.Time, To: strings.Join(m.To, ", "), Subject: m.Subject, Text: m.Text}
	}
	return out
}
