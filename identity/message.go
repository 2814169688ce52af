package identity

import (
	"context"
	"fmt"
	htmltemplate "html/template"
	"strings"
	"text/template"
	"time"

	"xiaoka/ledger"
)

// Sender carries a code to an address on record: a mailbox or a phone number. Its errors contain neither the code, nor the
// address, nor credentials, for they are logged.
type Sender interface {
	Send(ctx context.Context, to string, m Message) error
}

// Message is what a sender has to say. It prints without its code.
type Message struct {
	Code    string // six digits
	Purpose ledger.Purpose
	TTL     time.Duration // how long the code is valid
	Lang    ledger.Lang   // empty = Chinese
}

// Format keeps the code out of logs and errors.
func (m Message) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "code for %s", m.Purpose) }

// Minutes is the time the code is valid, in whole minutes and at least one.
func (m Message) Minutes() int { return max(1, int(m.TTL/time.Minute)) }

// mailWords are the texts of a mail in one language; %d stands for the minutes.
type mailWords struct {
	subject, hello, validity, secrecy, otherwise string
	inChat, onPage                               string // where the code goes: the chat takes it for verifying alone
	purpose                                      map[ledger.Purpose]string
}

var mailTexts = map[ledger.Lang]mailWords{
	ledger.Chinese: {
		subject:   "校园一卡通验证码",
		hello:     "你好，",
		validity:  "%d 分钟内有效，只能用一次。",
		inChat:    "请只在企业微信的“企业小助手”或校园一卡通的页面里输入，",
		onPage:    "请只在企业微信里校园一卡通的页面上输入，",
		secrecy:   "不要告诉任何人，工作人员也不会向你索要。",
		otherwise: "如果不是你本人在操作，不用理会这封邮件。",
		purpose: map[ledger.Purpose]string{
			ledger.PurposeVerify:     "这是你验证身份的验证码：",
			ledger.PurposePassword:   "这是你设置新查询密码的验证码：",
			ledger.PurposeCancelLoss: "这是你解挂校园卡的验证码：",
		},
	},
	ledger.English: {
		subject:   "Campus card verification code",
		hello:     "Hello,",
		validity:  "It is valid for %d minutes and works once.",
		inChat:    "Enter it only in the 企业小助手 chat or on the campus card pages inside WeCom. ",
		onPage:    "Enter it only on the campus card pages inside WeCom. ",
		secrecy:   "Do not give it to anyone; our staff will never ask for it.",
		otherwise: "If you did not ask for it, you can ignore this message.",
		purpose: map[ledger.Purpose]string{
			ledger.PurposeVerify:     "Here is the code to verify who you are:",
			ledger.PurposePassword:   "Here is the code to set a new query password:",
			ledger.PurposeCancelLoss: "Here is the code to cancel the loss report of your campus card:",
		},
	},
}

type mailLines struct{ Lang, Subject, Hello, Purpose, Code, Validity, Secrecy, Otherwise string }

const plainMail = `{{.Hello}}

{{.Purpose}}

    {{.Code}}

{{.Validity}}
{{.Secrecy}}

{{.Otherwise}}
`

// htmlMail loads nothing from anywhere and needs no style sheet.
const htmlMail = `<!doctype html>
<html lang="{{.Lang}}"><head><meta charset="utf-8"><title>{{.Subject}}</title></head>
<body>
<p>{{.Hello}}</p>
<p>{{.Purpose}}</p>
<p style="font-size:28px;letter-spacing:4px"><strong>{{.Code}}</strong></p>
<p>{{.Validity}}<br>{{.Secrecy}}</p>
<p>{{.Otherwise}}</p>
</body></html>
`

var (
	plainMailTemplate = template.Must(template.New("plain").Parse(plainMail))
	htmlMailTemplate  = htmltemplate.Must(htmltemplate.New("html").Parse(htmlMail))
)

// renderMail writes the mail for m in its language.
func renderMail(m Message) (subject, plain, html string, err error) {
	lang := m.Lang
	if lang != ledger.English {
		lang = ledger.Chinese
	}
	words := mailTexts[lang]
	where := words.onPage
	if m.Purpose == ledger.PurposeVerify {
		where = words.inChat
	}
	lines := mailLines{
		Lang: string(lang), Subject: words.subject, Hello: words.hello, Purpose: words.purpose[m.Purpose], Code: m.Code,
		Validity: fmt.Sprintf(words.validity, m.Minutes()), Secrecy: where + words.secrecy, Otherwise: words.otherwise,
	}
	if lang == ledger.English && m.Minutes() == 1 {
		lines.Validity = strings.Replace(lines.Validity, "minutes", "minute", 1)
	}
	var p, h strings.Builder
	if err := plainMailTemplate.Execute(&p, lines); err != nil {
		return "", "", "", err
	}
	if err := htmlMailTemplate.Execute(&h, lines); err != nil {
		return "", "", "", err
	}
	return lines.Subject, p.String(), h.String(), nil
}
