package campus

import (
	"net/smtp"
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	sdk "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sms/v20210111"
)

// A mail and then an SMS lie in one inbox, the newer one on top, and stand in the inspector.
func TestInbox(t *testing.T) {
	t.Parallel()
	c := open(t, t.TempDir(), "http://127.0.0.1:8080")
	auth := smtp.PlainAuth("", mailUser, c.state.MailPass, "127.0.0.1")
	mail := "From: card@xiaoka.example\r\nTo: a@xiaoka.example\r\nSubject: code\r\n\r\n123456\r\n"
	if err := smtp.SendMail(c.Mail.Addr(), auth, "card@xiaoka.example", []string{"a@xiaoka.example"}, []byte(mail)); err != nil {
		t.Fatal(err)
	}
	c.SetClockOffset(time.Second)
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme, p.HttpProfile.Endpoint = "http", strings.TrimPrefix(c.settings.SMSURL, "http://")
	client, err := sdk.NewClient(common.NewCredential(smsSecretID, c.settings.SMSKey), "ap-guangzhou", p)
	if err != nil {
		t.Fatal(err)
	}
	page := c.Hub.Subscribe("")
	req := sdk.NewSendSmsRequest()
	req.PhoneNumberSet = common.StringPtrs([]string{"+86" + c.People()[0].Phone})
	req.SmsSdkAppId, req.SignName, req.TemplateId = common.StringPtr(smsAppID), common.StringPtr(smsSignName), common.StringPtr(smsTemplate)
	req.TemplateParamSet = common.StringPtrs([]string{"654321", "5"})
	res, err := client.SendSms(req)
	if err != nil || *res.Response.SendStatusSet[0].Code != "Ok" {
		t.Fatalf("%v %s", err, res.ToJsonString())
	}
	got := c.Mails()
	if len(got) != 2 || !got[0].SMS || got[0].ID != "sms-1" || got[0].To != "+86"+c.People()[0].Phone || !strings.Contains(got[0].Text, "654321") ||
		got[1].SMS || got[1].Subject != "code" {
		t.Errorf("the inbox holds %+v", got)
	}
	if _, err := client.SendSms(req); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, e := range c.Timeline.Since(0) {
		if e.System == "sms" {
			sent = append(sent, e.Name+" "+e.Problem)
		}
	}
	if want := "SendSms ,SendSms LimitExceeded.PhoneNumberThirtySecondLimit"; strings.Join(sent, ",") != want {
		t.Errorf("the inspector shows %q, want %q", sent, want)
	}
	if told := strings.Join(page.Take(), " "); told != "mail timeline" {
		t.Errorf("the page was told of %q", told)
	}
}
