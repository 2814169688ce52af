package sms

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	sdk "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sms/v20210111"
)

const (
	secretID  = "AKIDsandbox"
	secretKey = "sandbox-secret-key"
	number    = "+8613800000000"
)

// open starts a service with one template.
func open(t testing.TB, cfg Config) (*Server, string) {
	t.Helper()
	cfg.SecretID, cfg.SecretKey, cfg.AppID = secretID, secretKey, "1400000000"
	cfg.SignNames, cfg.Templates = []string{"校园卡"}, map[string]string{"1000": "验证码 {1}，{2} 分钟内有效。"}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(s.Handler())
	t.Cleanup(server.Close)
	return s, server.URL
}

func client(t testing.TB, address, id, key, region string) *sdk.Client {
	t.Helper()
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme = "http"
	p.HttpProfile.Endpoint = strings.TrimPrefix(address, "http://")
	c, err := sdk.NewClient(common.NewCredential(id, key), region, p)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func request(numbers ...string) *sdk.SendSmsRequest {
	r := sdk.NewSendSmsRequest()
	r.PhoneNumberSet = common.StringPtrs(numbers)
	r.SmsSdkAppId, r.SignName, r.TemplateId = common.StringPtr("1400000000"), common.StringPtr("校园卡"), common.StringPtr("1000")
	r.TemplateParamSet = common.StringPtrs([]string{"482913", "5"})
	return r
}

// outcome is Ok, the error's code, or the code of each number.
func outcome(res *sdk.SendSmsResponse, err error) string {
	var api *tcerrors.TencentCloudSDKError
	switch {
	case errors.As(err, &api):
		return "error " + api.Code
	case err != nil:
		return err.Error()
	}
	var codes []string
	for _, status := range res.Response.SendStatusSet {
		codes = append(codes, *status.Code)
	}
	return strings.Join(codes, " ")
}

func TestServer_Keeps(t *testing.T) {
	t.Parallel()
	now := time.Now().Truncate(time.Second)
	told, traced := make(chan Message, 1), make(chan Exchange, 1)
	s, address := open(t, Config{Now: func() time.Time { return now }, OnMessage: func(m Message) { told <- m }, Trace: func(x Exchange) { traced <- x }})
	req := request(number)
	req.SessionContext = common.StringPtr("mine")
	res, err := client(t, address, secretID, secretKey, "ap-guangzhou").SendSms(req)
	if err != nil {
		t.Fatal(err)
	}
	status := res.Response.SendStatusSet[0]
	if len(res.Response.SendStatusSet) != 1 || *status.Code != "Ok" || *status.Message != "send success" || *status.PhoneNumber != number ||
		*status.SerialNo == "" || *status.Fee != 1 || *status.SessionContext != "mine" || *status.IsoCode != "CN" || len(*res.Response.RequestId) != 36 {
		t.Errorf("%s", res.ToJsonString())
	}
	m := <-told
	if m.ID != 1 || !m.Time.Equal(now) || m.PhoneNumber != number || m.Text != "【校园卡】验证码 482913，5 分钟内有效。" || m.SignName != "校园卡" ||
		m.TemplateID != "1000" || !slices.Equal(m.Params, []string{"482913", "5"}) || m.SerialNo != *status.SerialNo || m.Fee != 1 {
		t.Errorf("%+v", m)
	}
	if x := <-traced; x.Action != "SendSms" || x.Status != http.StatusOK || x.Code != "Ok" || !x.At.Equal(now) ||
		!strings.Contains(x.Request, number) || !strings.Contains(x.Response, *res.Response.RequestId) {
		t.Errorf("%+v", x)
	}
	if all := s.Messages(); len(all) != 1 || all[0].Text != m.Text {
		t.Errorf("%+v", all)
	}
	s.Clear()
	if len(s.Messages()) != 0 {
		t.Error("not cleared")
	}
}

// TestServer_Refusals asks by the official SDK for what the account may not have.
func TestServer_Refusals(t *testing.T) {
	t.Parallel()
	change := func(f func(*sdk.SendSmsRequest)) *sdk.SendSmsRequest {
		r := request(number)
		f(r)
		return r
	}
	many := slices.Repeat([]string{number}, maxNumbers+1)
	for _, tt := range []struct {
		name string
		req  *sdk.SendSmsRequest
		want string
	}{
		{"Template", change(func(r *sdk.SendSmsRequest) { r.TemplateId = common.StringPtr("1001") }), "FailedOperation.TemplateIncorrectOrUnapproved"},
		{"Sign", change(func(r *sdk.SendSmsRequest) { r.SignName = common.StringPtr("别人") }), "FailedOperation.SignatureIncorrectOrUnapproved"},
		{"NoSign", change(func(r *sdk.SendSmsRequest) { r.SignName = nil }), "FailedOperation.SignatureIncorrectOrUnapproved"},
		{"App", change(func(r *sdk.SendSmsRequest) { r.SmsSdkAppId = common.StringPtr("1400000001") }), "UnauthorizedOperation.SmsSdkAppIdVerifyFail"},
		{"NoApp", change(func(r *sdk.SendSmsRequest) { r.SmsSdkAppId = nil }), "error MissingParameter"},
		{"NoTemplate", change(func(r *sdk.SendSmsRequest) { r.TemplateId = nil }), "error MissingParameter"},
		{"OneParameter", change(func(r *sdk.SendSmsRequest) { r.TemplateParamSet = r.TemplateParamSet[:1] }), "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"},
		{"Letters", change(func(r *sdk.SendSmsRequest) { r.TemplateParamSet[1] = common.StringPtr("five") }), "InvalidParameterValue.TemplateParameterFormatError"},
		{"SevenDigits", change(func(r *sdk.SendSmsRequest) { r.TemplateParamSet[0] = common.StringPtr("1234567") }), "InvalidParameterValue.TemplateParameterFormatError"},
		{"NoNumber", request(), "error MissingParameter.EmptyPhoneNumberSet"},
		{"TooManyNumbers", request(many...), "error LimitExceeded.PhoneNumberCountLimit"},
		{"ShortNumber", request("+861380000000"), "InvalidParameterValue.IncorrectPhoneNumber"},
		{"LandLine", request("+8601088888888"), "InvalidParameterValue.IncorrectPhoneNumber"},
		{"Abroad", request("+85298765432"), "UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone"},
		{"Spellings", request("13800000001", "8613800000002", "008613800000003"), "Ok Ok Ok"},
		{"EachByItself", request(number, "12", number), "Ok InvalidParameterValue.IncorrectPhoneNumber LimitExceeded.PhoneNumberThirtySecondLimit"},
		{"LongSession", change(func(r *sdk.SendSmsRequest) { r.SessionContext = common.StringPtr(strings.Repeat("x", 513)) }), "error InvalidParameter"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, address := open(t, Config{})
			if got := outcome(client(t, address, secretID, secretKey, "ap-guangzhou").SendSms(tt.req)); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if got, want := len(s.Messages()), strings.Count(tt.want, "Ok"); got != want {
				t.Errorf("%d messages, want %d", got, want)
			}
		})
	}
}

func TestServer_Strangers(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, id, key, region string
		clock                 time.Duration // of the service
		want                  string
	}{
		{"Owner", secretID, secretKey, "ap-beijing", 0, "Ok"},
		{"OtherID", "AKIDother", secretKey, "ap-guangzhou", 0, "error AuthFailure.SecretIdNotFound"},
		{"OtherKey", secretID, "other", "ap-guangzhou", 0, "error AuthFailure.SignatureFailure"},
		{"OtherRegion", secretID, secretKey, "ap-nowhere", 0, "error UnsupportedRegion"},
		{"NoRegion", secretID, secretKey, "", 0, "error MissingParameter"},
		{"Early", secretID, secretKey, "ap-guangzhou", -4 * time.Minute, "Ok"},
		{"TooEarly", secretID, secretKey, "ap-guangzhou", -6 * time.Minute, "error AuthFailure.SignatureExpire"},
		{"TooLate", secretID, secretKey, "ap-guangzhou", 6 * time.Minute, "error AuthFailure.SignatureExpire"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, address := open(t, Config{Now: func() time.Time { return time.Now().Add(tt.clock) }})
			if got := outcome(client(t, address, tt.id, tt.key, tt.region).SendSms(request(number))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if got, want := len(s.Messages()), strings.Count(tt.want, "Ok"); got != want {
				t.Errorf("%d messages, want %d", got, want)
			}
		})
	}
}

func TestServer_Limits(t *testing.T) {
	t.Parallel()
	start := time.Date(2025, 11, 22, 15, 0, 0, 0, time.UTC) // 23:00 in Beijing
	s, _ := open(t, Config{})
	for _, step := range []struct {
		after time.Duration
		want  string // empty: sent
	}{
		{0, ""},
		{29 * time.Second, "LimitExceeded.PhoneNumberThirtySecondLimit"},
		{30 * time.Second, ""},
		{2 * time.Minute, ""},
		{3 * time.Minute, ""},
		{4 * time.Minute, ""},
		{5 * time.Minute, "LimitExceeded.PhoneNumberOneHourLimit"},
		{61 * time.Minute, ""}, // a new day
		{123 * time.Minute, ""}, {124 * time.Minute, ""}, {125 * time.Minute, ""}, {126 * time.Minute, ""}, {127 * time.Minute, ""},
		{190 * time.Minute, ""}, {191 * time.Minute, ""}, {192 * time.Minute, ""}, {193 * time.Minute, ""},
		{260 * time.Minute, "LimitExceeded.PhoneNumberDailyLimit"},
		{24 * time.Hour, "LimitExceeded.PhoneNumberDailyLimit"},
		{25*time.Hour + time.Second, ""},
	} {
		got := ""
		if f := s.count(number, start.Add(step.after)); f != nil {
			got = f.Code
		}
		if got != step.want {
			t.Errorf("after %v: %q, want %q", step.after, got, step.want)
		}
	}
	if f := s.count("+8613800000001", start.Add(5*time.Minute)); f != nil {
		t.Errorf("another number: %v", f)
	}
	free, _ := open(t, Config{Limits: Limits{-1, -1, -1}})
	for range 12 {
		if f := free.count(number, start); f != nil {
			t.Fatal(f)
		}
	}
}

func TestServer_Faults(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		faults Faults
		want   string
		kept   int
	}{
		{"Code", Faults{Code: "LimitExceeded.AppDailyLimit"}, "LimitExceeded.AppDailyLimit", 0},
		{"Error", Faults{Error: "InternalError"}, "error InternalError", 0},
		{"Status", Faults{Status: http.StatusBadGateway}, "error ClientError.ParseJsonError", 0},
		{"Down", Faults{Down: true}, "error ClientError.NetworkError", 0},
		{"Lose", Faults{Lose: true}, "Ok", 0},
		{"Slow", Faults{Delay: 20 * time.Millisecond}, "Ok", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s, address := open(t, Config{})
			s.SetFaults(tt.faults)
			began := time.Now()
			if got := outcome(client(t, address, secretID, secretKey, "ap-guangzhou").SendSms(request(number))); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
			if len(s.Messages()) != tt.kept || time.Since(began) < tt.faults.Delay || s.Faults() != tt.faults {
				t.Errorf("%+v after %v", s.Messages(), time.Since(began))
			}
		})
	}
	t.Run("Times", func(t *testing.T) {
		t.Parallel()
		s, address := open(t, Config{})
		s.SetFaults(Faults{Error: "InternalError", Times: 1})
		c := client(t, address, secretID, secretKey, "ap-guangzhou")
		if first, second := outcome(c.SendSms(request(number))), outcome(c.SendSms(request(number))); first != "error InternalError" || second != "Ok" {
			t.Errorf("%s, %s", first, second)
		}
	})
	t.Run("CallerGone", func(t *testing.T) {
		t.Parallel()
		s, address := open(t, Config{})
		s.SetFaults(Faults{Delay: time.Hour})
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
		defer cancel()
		if _, err := client(t, address, secretID, secretKey, "ap-guangzhou").SendSmsWithContext(ctx, request(number)); err == nil || len(s.Messages()) != 0 {
			t.Errorf("%v, %v", err, s.Messages())
		}
	})
}

func TestServer_AwaitAndKeep(t *testing.T) {
	t.Parallel()
	s, address := open(t, Config{Keep: 2})
	c := client(t, address, secretID, secretKey, "ap-guangzhou")
	sent := make(chan string, 1)
	go func() {
		sent <- outcome(c.SendSms(request("+8613800000001", "+8613800000002", "+8613800000003")))
	}()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	m, err := s.Await(ctx, func(m Message) bool { return m.PhoneNumber == "+8613800000003" })
	if err != nil || m.ID != 3 {
		t.Errorf("%+v, %v", m, err)
	}
	if got := <-sent; got != "Ok Ok Ok" {
		t.Error(got)
	}
	if all := s.Messages(); len(all) != 2 || all[0].ID != 2 {
		t.Errorf("%+v", all)
	}
	cancel()
	if _, err := s.Await(ctx, func(Message) bool { return false }); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestNew_Refuses(t *testing.T) {
	t.Parallel()
	good := Config{SecretID: "i", SecretKey: "k", AppID: "1", SignNames: []string{"s"}, Templates: map[string]string{"1": "{1} {2}"}}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"NoKey":      func(c *Config) { c.SecretKey = "" },
		"NoTemplate": func(c *Config) { c.Templates = nil },
		"Gap":        func(c *Config) { c.Templates = map[string]string{"1": "{1} {3}"} },
		"FromZero":   func(c *Config) { c.Templates = map[string]string{"1": "{0}"} },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

func TestFee(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]int{1: 1, 70: 1, 71: 2, 134: 2, 135: 3} {
		if got := fee(strings.Repeat("卡", n)); got != want {
			t.Errorf("%d characters cost %d, want %d", n, got, want)
		}
	}
}
