package identity

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xiaoka/ledger"
	sandbox "xiaoka/sandbox/sms"
)

const (
	smsPhone  = "13800000000"
	smsSecret = "canary-of-the-secret-key"
)

var smsMessage = Message{Code: "482913", Purpose: ledger.PurposeVerify, TTL: 5 * time.Minute}

func smsOptions(endpoint string) SMSOptions {
	return SMSOptions{Endpoint: endpoint, SecretID: "AKIDsandbox", SecretKey: smsSecret, AppID: "1400000000",
		SignName: "校园卡", TemplateID: "1000", Region: "ap-guangzhou"}
}

func newSMS(t *testing.T, o SMSOptions) *SMS {
	t.Helper()
	s, err := NewSMS(o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// smsService starts the service of the sandbox.
func smsService(t *testing.T) (*sandbox.Server, string) {
	t.Helper()
	s, err := sandbox.New(sandbox.Config{SecretID: "AKIDsandbox", SecretKey: smsSecret, AppID: "1400000000",
		SignNames: []string{"校园卡"}, Templates: map[string]string{"1000": "你的验证码是 {1}，{2} 分钟内有效。"}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return s, server.URL
}

// silent fails if an error says what must stay secret.
func silent(t *testing.T, err error) {
	t.Helper()
	for _, secret := range []string{smsPhone, smsMessage.Code, smsSecret} {
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error contains %s: %v", secret, err)
		}
	}
}

func TestSMS_Send(t *testing.T) {
	t.Parallel()
	service, address := smsService(t)
	if err := newSMS(t, smsOptions(address)).Send(t.Context(), " 138-0000 0000", smsMessage); err != nil {
		t.Fatal(err)
	}
	if got := service.Messages(); len(got) != 1 || got[0].PhoneNumber != "+8613800000000" || got[0].Text != "【校园卡】你的验证码是 482913，5 分钟内有效。" {
		t.Errorf("%+v", got)
	}
}

// TestSMS_OnTheWire pins what the page of SendSms asks for.
func TestSMS_OnTheWire(t *testing.T) {
	t.Parallel()
	var request *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request = r
		body, _ = io.ReadAll(r.Body)
		io.WriteString(w, `{"Response":{"SendStatusSet":[{"Code":"Ok"}],"RequestId":"a0aabda6-cf91-4f3e-a81f-9198114a2279"}}`)
	}))
	defer server.Close()
	if err := newSMS(t, smsOptions(server.URL)).Send(t.Context(), smsPhone, smsMessage); err != nil {
		t.Fatal(err)
	}
	const want = `{"PhoneNumberSet":["+8613800000000"],"SmsSdkAppId":"1400000000","TemplateId":"1000","SignName":"校园卡","TemplateParamSet":["482913","5"]}`
	if string(body) != want {
		t.Errorf("%s, want %s", body, want)
	}
	for name, want := range map[string]string{"X-TC-Action": "SendSms", "X-TC-Version": "2021-01-11", "X-TC-Region": "ap-guangzhou", "Content-Type": "application/json"} {
		if got := request.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if request.Method != http.MethodPost || request.URL.Path != "/" || !strings.HasPrefix(request.Header.Get("Authorization"), "TC3-HMAC-SHA256 Credential=AKIDsandbox/") {
		t.Errorf("%s %s %v", request.Method, request.URL, request.Header)
	}
}

func TestInternationalPhone(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"13800000000": "+8613800000000", "+86 138 0000 0000": "+8613800000000", "0086-13800000000": "+8613800000000",
		"8613800000000": "+8613800000000", "+852 9876 5432": "+85298765432", "0085298765432": "+85298765432",
		"010-88888888": "", "1380000000": "", "23800000000": "", "+8601088888888": "", "": "", "zhang@example.edu.cn": "", "+": "",
	} {
		got, err := internationalPhone(given)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v; want %q", given, got, err, want)
		}
	}
}

func TestSMS_Refused(t *testing.T) {
	t.Parallel()
	now := time.Date(2025, 11, 22, 14, 30, 0, 0, time.UTC) // 22:30 in Beijing
	for _, tt := range []struct {
		name   string
		faults sandbox.Faults
		want   string        // in the error
		wait   time.Duration // 0: no limit of the service
		logged bool
	}{
		{"Template", sandbox.Faults{Code: "FailedOperation.TemplateIncorrectOrUnapproved"}, "FailedOperation.TemplateIncorrectOrUnapproved", 0, false},
		{"Arrears", sandbox.Faults{Code: "FailedOperation.InsufficientBalanceInSmsPackage"}, "InsufficientBalanceInSmsPackage", 0, false},
		{"Internal", sandbox.Faults{Error: "InternalError"}, "InternalError", 0, false},
		{"ThirtySeconds", sandbox.Faults{Code: "LimitExceeded.PhoneNumberThirtySecondLimit"}, "ThirtySecondLimit", time.Minute, false},
		{"Frequency", sandbox.Faults{Code: "LimitExceeded.DeliveryFrequencyLimit"}, "DeliveryFrequencyLimit", time.Minute, false},
		{"Calls", sandbox.Faults{Error: "RequestLimitExceeded"}, "RequestLimitExceeded", time.Minute, false},
		{"Hour", sandbox.Faults{Code: "LimitExceeded.PhoneNumberOneHourLimit"}, "OneHourLimit", time.Hour, false},
		{"Day", sandbox.Faults{Code: "LimitExceeded.PhoneNumberDailyLimit"}, "PhoneNumberDailyLimit", 90 * time.Minute, false},
		{"AccountDay", sandbox.Faults{Code: "LimitExceeded.AppDailyLimit"}, "AppDailyLimit", 90 * time.Minute, true},
		{"Gateway", sandbox.Faults{Status: http.StatusBadGateway}, "HTTP status 502", 0, false},
		{"Down", sandbox.Faults{Down: true}, "no answer", 0, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			service, address := smsService(t)
			service.SetFaults(tt.faults)
			var log bytes.Buffer
			o := smsOptions(address)
			o.Now, o.Log = func() time.Time { return now }, slog.New(slog.NewTextHandler(&log, nil))
			codes := NewCodes(CodeOptions{Store: &memory{}, MasterKey: []byte("master"), TTL: 5 * time.Minute,
				Senders: map[ledger.Channel]Sender{ledger.Phone: newSMS(t, o)}})
			_, err := codes.Send(t.Context(), ledger.Person{ID: 1, Phone: smsPhone}, ledger.Phone, ledger.PurposeVerify)
			var failed *SendFailedError
			var soon *ledger.CodeTooSoonError
			if !errors.As(err, &failed) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("%v, want %s", err, tt.want)
			}
			if errors.As(err, &soon) != (tt.wait != 0) || soon != nil && soon.RetryAfter != tt.wait {
				t.Errorf("to wait %v, want %v", soon, tt.wait)
			}
			if failed.RetryAfter < tt.wait {
				t.Errorf("another may be asked for in %v, but the provider takes none for %v", failed.RetryAfter, tt.wait)
			}
			if strings.Contains(log.String(), "daily limit") != tt.logged {
				t.Errorf("logged %q", log.String())
			}
			silent(t, err)
			silent(t, errors.New(log.String()))
		})
	}
}

// TestSMS_OddAnswers holds that no answer is taken for a success unless it says so, and that none gets its words into errors.
func TestSMS_OddAnswers(t *testing.T) {
	t.Parallel()
	const id = `"RequestId":"a0aabda6-cf91-4f3e-a81f-9198114a2279"`
	for name, answer := range map[string]string{
		"Empty":      "",
		"HTML":       "<html>13800000000 482913</html>",
		"NoResponse": `{}`,
		"Null":       `{"Response":null}`,
		"NoStatus":   `{"Response":{` + id + `}}`,
		"NullStatus": `{"Response":{"SendStatusSet":[null],` + id + `}}`,
		"NoCode":     `{"Response":{"SendStatusSet":[{}],` + id + `}}`,
		"TwoNumbers": `{"Response":{"SendStatusSet":[{"Code":"Ok"},{"Code":"Ok"}],` + id + `}}`,
		"OtherCase":  `{"Response":{"SendStatusSet":[{"Code":"ok"}],` + id + `}}`,
		"EchoInCode": `{"Response":{"SendStatusSet":[{"Code":"no 13800000000 482913"}],` + id + `}}`,
		"EchoInID":   `{"Response":{"Error":{"Code":"InternalError","Message":"13800000000"},"RequestId":"482913"}}`,
		"EchoError":  `{"Response":{"Error":{"Code":"13800000000","Message":"482913"},` + id + `}}`,
		"Deprecated": `{"code":4000,"message":"482913","codeDesc":"13800000000"}`,
		"TooLong":    `{"Response":{"SendStatusSet":[{"Code":"Ok"}],` + id + `}}` + strings.Repeat(" ", 1<<20),
	} {
		for _, contentType := range []string{"application/json", "text/event-stream", "application/octet-stream"} {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", contentType)
				io.WriteString(w, answer)
			}))
			err := newSMS(t, smsOptions(server.URL)).Send(t.Context(), smsPhone, smsMessage)
			server.Close()
			if err == nil {
				t.Errorf("%s as %s was taken for a success", name, contentType)
			}
			silent(t, err)
		}
	}
}

func TestSMS_FollowsNoRedirect(t *testing.T) {
	t.Parallel()
	var trapped atomic.Int32
	trap := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { trapped.Add(1) }))
	defer trap.Close()
	server := httptest.NewServer(http.RedirectHandler(trap.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	err := newSMS(t, smsOptions(server.URL)).Send(t.Context(), smsPhone, smsMessage)
	if err == nil || !strings.Contains(err.Error(), "307") || trapped.Load() != 0 {
		t.Errorf("%v, followed %d times", err, trapped.Load())
	}
}

func TestSMS_Slow(t *testing.T) {
	t.Parallel()
	service, address := smsService(t)
	service.SetFaults(sandbox.Faults{Delay: time.Hour})
	t.Run("Timeout", func(t *testing.T) {
		t.Parallel()
		o := smsOptions(address)
		o.Timeout = 20 * time.Millisecond
		if err := newSMS(t, o).Send(t.Context(), smsPhone, smsMessage); !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
	})
	t.Run("CallerGone", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		if err := newSMS(t, smsOptions(address)).Send(ctx, smsPhone, smsMessage); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
	})
}

func TestSMS_Unreachable(t *testing.T) {
	t.Parallel()
	secure := httptest.NewUnstartedServer(http.NotFoundHandler())
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	secure.StartTLS()
	defer secure.Close()
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for address, want := range map[string]string{secure.URL: "the certificate is not trusted", closed.URL: "dial failed"} {
		err := newSMS(t, smsOptions(address)).Send(t.Context(), smsPhone, smsMessage)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
		silent(t, err)
	}
	if err := newSMS(t, smsOptions(closed.URL)).Send(t.Context(), "010-88888888", smsMessage); err == nil || strings.Contains(err.Error(), "88888888") {
		t.Error(err)
	}
}

func TestNewSMS_Malformed(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*SMSOptions){
		"NoScheme":   func(o *SMSOptions) { o.Endpoint = "sms.tencentcloudapi.com" },
		"OtherPlace": func(o *SMSOptions) { o.Endpoint = "ftp://sms.tencentcloudapi.com" },
		"Path":       func(o *SMSOptions) { o.Endpoint = "https://sms.tencentcloudapi.com/v1" },
		"NoID":       func(o *SMSOptions) { o.SecretID = "" },
		"NoKey":      func(o *SMSOptions) { o.SecretKey = "" },
		"NoApp":      func(o *SMSOptions) { o.AppID = "" },
		"NoSign":     func(o *SMSOptions) { o.SignName = "" },
		"NoTemplate": func(o *SMSOptions) { o.TemplateID = "" },
		"NoRegion":   func(o *SMSOptions) { o.Region = "" },
	} {
		o := smsOptions("https://sms.tencentcloudapi.com")
		spoil(&o)
		_, err := NewSMS(o)
		if err == nil {
			t.Errorf("%s was taken", name)
		}
		silent(t, err)
	}
}
