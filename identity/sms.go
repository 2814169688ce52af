package identity

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
	tcerrors "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/errors"
	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common/profile"
	sms "github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/sms/v20210111"

	"xiaoka/ledger"
)

// SMSOptions sets up [SMS]. All but the last four are required.
type SMSOptions struct {
	Endpoint            string // https://sms.tencentcloudapi.com; http:// is for a sandbox
	SecretID, SecretKey string
	AppID               string // SmsSdkAppId
	SignName            string // the approved signature, without its brackets
	TemplateID          string // an approved template for codes: {1} is the code, {2} the minutes it is valid
	Region              string // such as ap-guangzhou

	Timeout   time.Duration     // for one message; 0 = 10 s
	Transport http.RoundTripper // nil = one of its own
	Now       func() time.Time  // nil = time.Now
	Log       *slog.Logger      // told when the whole account is at its daily limit; nil = nobody
}

// SMS sends codes through Tencent Cloud SMS. See https://cloud.tencent.com/document/product/382/55981.
type SMS struct {
	options SMSOptions
	client  *sms.Client
	now     func() time.Time
}

// NewSMS returns a sender by o. Its errors do not contain the key.
func NewSMS(o SMSOptions) (*SMS, error) {
	u, err := url.Parse(o.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("the SMS endpoint must be https:// and a host")
	}
	for _, needed := range [][2]string{
		{"secret id", o.SecretID}, {"secret key", o.SecretKey}, {"app id", o.AppID}, {"sign name", o.SignName},
		{"template id", o.TemplateID}, {"region", o.Region},
	} {
		if needed[1] == "" {
			return nil, fmt.Errorf("the %s of SMS is missing", needed[0])
		}
	}
	if o.Timeout <= 0 {
		o.Timeout = 10 * time.Second
	}
	if o.Transport == nil {
		o.Transport = &http.Transport{Proxy: http.ProxyFromEnvironment, TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 4, IdleConnTimeout: time.Minute}
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	p := profile.NewClientProfile()
	p.HttpProfile.Scheme, p.HttpProfile.Endpoint = u.Scheme, u.Host
	p.HttpProfile.ReqTimeout = 0 // each call brings its deadline
	client, err := sms.NewClient(common.NewCredential(o.SecretID, o.SecretKey), o.Region, p)
	if err != nil {
		return nil, errors.New("the SMS client cannot be set up")
	}
	client.WithHttpTransport(wholeAnswers{o.Transport})
	return &SMS{options: o, client: client, now: orNow(o.Now)}, nil
}

// Send returns nil once the service has taken m over for delivery. At a limit that the service itself keeps, the error is a
// *ledger.CodeTooSoonError.
func (s *SMS) Send(ctx context.Context, to string, m Message) error {
	number, err := internationalPhone(to)
	if err != nil {
		return err
	}
	req := sms.NewSendSmsRequest()
	req.PhoneNumberSet = common.StringPtrs([]string{number})
	req.SmsSdkAppId = &s.options.AppID
	req.SignName = &s.options.SignName
	req.TemplateId = &s.options.TemplateID
	req.TemplateParamSet = common.StringPtrs([]string{m.Code, strconv.Itoa(m.Minutes())})

	ctx, cancel := context.WithTimeout(ctx, s.options.Timeout)
	defer cancel()
	var broken error
	res, err := s.client.SendSmsWithContext(context.WithValue(ctx, brokenKey{}, &broken), req)
	switch {
	case ctx.Err() != nil && err != nil:
		return fmt.Errorf("send the SMS: %w", ctx.Err())
	case broken != nil:
		return fmt.Errorf("send the SMS: %w", broken)
	case err != nil:
		return s.failure(err)
	}
	if res.Response == nil || len(res.Response.SendStatusSet) != 1 || res.Response.SendStatusSet[0] == nil {
		return errors.New("send the SMS: the answer does not say what became of it")
	}
	if status := res.Response.SendStatusSet[0]; text(status.Code) != "Ok" {
		return s.refusal(text(status.Code), text(res.Response.RequestId))
	}
	return nil
}

func text(p *string) string {
	if p == nil {
		return ""
	}
	return *p
}

// internationalPhone writes a number in E.164: 13800000000 is one of the mainland, others begin with + or 00.
func internationalPhone(phone string) (string, error) {
	plain := mainlandPhone(phone)
	if m := mainland.FindStringSubmatch(plain); m != nil {
		return "+86" + m[1], nil
	}
	if rest, ok := strings.CutPrefix(plain, "00"); ok {
		plain = "+" + rest
	}
	if !abroad.MatchString(plain) {
		return "", errors.New("the phone on record is not a mobile number")
	}
	return plain, nil
}

var (
	mainland = regexp.MustCompile(`^(?:86)?(1[3-9][0-9]{9})$`)
	abroad   = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// failure is for an answer that brought no result. The service's own words are left out: they may repeat what was sent.
func (s *SMS) failure(err error) error {
	var api *tcerrors.TencentCloudSDKError
	if !errors.As(err, &api) || strings.HasPrefix(api.Code, "ClientError.") {
		return errors.New("send the SMS: the answer is not understood")
	}
	return s.refusal(api.Code, api.RequestId)
}

// refusal is the error for a code of the service other than Ok. Limits of one number are as if they were our own; at those
// of the account nobody gets a code any more, and somebody has to raise them.
func (s *SMS) refusal(code, requestID string) error {
	if !plainWord.MatchString(code) {
		code = "a code that is not understood"
	}
	if !plainWord.MatchString(requestID) {
		requestID = "without a number"
	}
	refused := fmt.Errorf("send the SMS: refused with %s, request %s", code, requestID)
	var wait time.Duration
	switch code {
	case "LimitExceeded.PhoneNumberThirtySecondLimit", "LimitExceeded.DeliveryFrequencyLimit", "RequestLimitExceeded":
		wait = time.Minute // our own limit between two codes is no shorter
	case "LimitExceeded.PhoneNumberOneHourLimit":
		wait = time.Hour
	case "LimitExceeded.PhoneNumberDailyLimit", "LimitExceeded.PhoneNumberSameContentDailyLimit":
		wait = untilMidnight(s.now())
	case "LimitExceeded.AppDailyLimit", "LimitExceeded.AppMainlandChinaDailyLimit", "LimitExceeded.AppGlobalDailyLimit",
		"LimitExceeded.AppCountryOrRegionDailyLimit", "LimitExceeded.DailyLimit":
		wait = untilMidnight(s.now())
		s.options.Log.Error("no SMS goes out until tomorrow: the account is at its daily limit", "code", code, "request", requestID)
	default:
		return refused
	}
	return fmt.Errorf("%w: %w", refused, &ledger.CodeTooSoonError{RetryAfter: wait})
}

// plainWord is what codes and request numbers look like; anything else could carry what must not be logged.
var plainWord = regexp.MustCompile(`^[A-Za-z][A-Za-z.]{0,79}$|^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)

// untilMidnight is how long the day of the service lasts, which is Beijing's.
func untilMidnight(now time.Time) time.Duration {
	const beijing, day = 8 * time.Hour, 24 * time.Hour
	return day - time.Duration(now.Add(beijing).Unix()%int64(day/time.Second))*time.Second
}

// wholeAnswers fetches answers whole before the SDK sees them. It follows no redirect, for the request says who gets which
// code, and takes no more than an answer can be. What broke it tells by brokenKey, as the SDK passes on nothing but text.
type wholeAnswers struct{ next http.RoundTripper }

// brokenKey is for the *error, in a request's context, that takes the reason why there is no answer. Such a reason has
// nothing in it of what was sent or came back.
type brokenKey struct{}

// RoundTrip is http.RoundTripper's.
func (w wholeAnswers) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.fetch(r)
	if broken, ok := r.Context().Value(brokenKey{}).(*error); ok {
		*broken = err
	}
	return res, err
}

func (w wholeAnswers) fetch(r *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(r)
	if err != nil {
		return nil, networkFailure(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered with HTTP status %d", res.StatusCode)
	}
	const most = 64 << 10
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	switch {
	case err != nil:
		return nil, errors.New("the answer broke off")
	case len(body) > most:
		return nil, errors.New("the answer is too long")
	}
	res.Body = io.NopCloser(bytes.NewReader(body))
	res.Header = http.Header{"Content-Type": {"application/json"}} // which the SDK would not insist on
	return res, nil
}

func networkFailure(err error) error {
	var netErr *net.OpError
	var certErr *tls.CertificateVerificationError
	switch {
	case errors.As(err, &certErr):
		return errors.New("the certificate is not trusted")
	case errors.As(err, &netErr):
		return fmt.Errorf("%s failed", netErr.Op)
	}
	return errors.New("no answer")
}
