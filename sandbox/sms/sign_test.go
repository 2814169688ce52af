package sms

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// call sends one request by hand, with the headers a caller of the API needs unless they are changed.
func call(t testing.TB, address, method, body string, change func(*http.Request)) (code string) {
	t.Helper()
	r, err := http.NewRequest(method, address+"/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for name, value := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "X-TC-Action": "SendSms", "X-TC-Version": "2021-01-11",
		"X-TC-Region": "ap-guangzhou", "X-TC-Timestamp": strconv.FormatInt(now.Unix(), 10),
	} {
		r.Header.Set(name, value)
	}
	a := authorization{secretID: secretID, date: now.UTC().Format(time.DateOnly), service: "sms", signedHeaders: []string{"content-type", "host", "x-tc-action"}}
	r.Header.Set("Authorization", a.header(sign(r, []byte(body), a, r.Header.Get("X-TC-Timestamp"), secretKey)))
	if change != nil {
		change(r)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct{ Response response }
	if err := json.Unmarshal(raw, &answer); err != nil || res.StatusCode != http.StatusOK || len(answer.Response.RequestId) != 36 {
		t.Fatalf("%d %s", res.StatusCode, raw)
	}
	return answer.Response.code()
}

func (a authorization) header(signature string) string {
	return fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s/%s/tc3_request, SignedHeaders=%s, Signature=%s",
		a.secretID, a.date, a.service, strings.Join(a.signedHeaders, ";"), signature)
}

// TestServer_ByHand sends what the SDK never would.
func TestServer_ByHand(t *testing.T) {
	t.Parallel()
	const good = `{"PhoneNumberSet":["+8613800000000"],"SmsSdkAppId":"1400000000","TemplateId":"1000","SignName":"校园卡","TemplateParamSet":["1","5"]}`
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	drop := func(name string) func(*http.Request) { return func(r *http.Request) { r.Header.Del(name) } }
	replace := func(old, with string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, with, 1))
		}
	}
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	for _, tt := range []struct {
		name, method, body string
		change             func(*http.Request)
		want               string
	}{
		{"Good", "POST", good, nil, "Ok"},
		{"NoAuthorization", "POST", good, drop("Authorization"), "MissingParameter"},
		{"NoTimestamp", "POST", good, drop("X-TC-Timestamp"), "MissingParameter"},
		{"NoAction", "POST", good, drop("X-TC-Action"), "MissingParameter"},
		{"NoVersion", "POST", good, drop("X-TC-Version"), "MissingParameter"},
		{"TimestampInMillis", "POST", good, set("X-TC-Timestamp", strconv.FormatInt(time.Now().UnixMilli(), 10)), "AuthFailure.SignatureExpire"},
		{"TimestampNoNumber", "POST", good, set("X-TC-Timestamp", "+12"), "InvalidParameter"},
		{"SignedAction", "POST", good, set("X-TC-Action", "AddSmsSign"), "AuthFailure.SignatureFailure"},
		{"SignedContentType", "POST", good, set("Content-Type", "application/json"), "AuthFailure.SignatureFailure"},
		{"SignedHost", "POST", good, func(r *http.Request) { r.Host = "sms.tencentcloudapi.com" }, "AuthFailure.SignatureFailure"},
		{"SignedBody", "POST", good, func(r *http.Request) {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Replace(good, "0000\"", "0001\"", 1))), int64(len(good))
		}, "AuthFailure.SignatureFailure"},
		{"OtherService", "POST", good, replace("/sms/", "/cvm/"), "AuthFailure.InvalidAuthorization"},
		{"Yesterday", "POST", good, replace(time.Now().UTC().Format(time.DateOnly), yesterday), "AuthFailure.InvalidAuthorization"},
		{"OldAlgorithm", "POST", good, replace("TC3-HMAC-SHA256", "HmacSHA256"), "AuthFailure.InvalidAuthorization"},
		{"HostNotSigned", "POST", good, replace("content-type;host;x-tc-action", "content-type"), "AuthFailure.InvalidAuthorization"},
		{"TwoSignatures", "POST", good, replace("Signature=", "Signature=00, Signature="), "AuthFailure.InvalidAuthorization"},
		{"TwoAuthorizations", "POST", good, func(r *http.Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) }, "AuthFailure.InvalidAuthorization"},
		{"Token", "POST", good, set("X-TC-Token", "x"), "AuthFailure.TokenFailure"},
		{"Get", "GET", "", nil, "UnsupportedProtocol"},
		{"OldVersion", "POST", good, set("X-TC-Version", "2019-07-11"), "NoSuchVersion"},
		{"Path", "POST", good, func(r *http.Request) { r.URL.Path = "/v5/tlssmssvr" }, "InvalidRequest"},
		{"NoJSON", "POST", "a=b", nil, "InvalidRequest"},
		{"TwoObjects", "POST", good + good, nil, "InvalidRequest"},
		{"OtherCase", "POST", strings.Replace(good, "SignName", "signName", 1), nil, "UnknownParameter"},
		{"OtherType", "POST", strings.Replace(good, `"1000"`, "1000", 1), nil, "InvalidParameter"},
		{"TooLarge", "POST", strings.Repeat(" ", maxBody+1), nil, "RequestSizeLimitExceeded"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, address := open(t, Config{})
			if got := call(t, address, tt.method, tt.body, tt.change); got != tt.want {
				t.Errorf("%s, want %s", got, tt.want)
			}
		})
	}
}

// TestSign_PublishedExample is the worked example of https://cloud.tencent.com/document/api/213/30654, "签名方法 v3".
func TestSign_PublishedExample(t *testing.T) {
	t.Parallel()
	const body = `{"Limit": 1, "Filters": [{"Values": ["\u672a\u547d\u540d"], "Name": "instance-name"}]}`
	r := httptest.NewRequest(http.MethodPost, "https://cvm.tencentcloudapi.com/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	a, ok := parseAuthorization("TC3-HMAC-SHA256 Credential=AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE/2019-02-25/cvm/tc3_request, " +
		"SignedHeaders=content-type;host, Signature=72e494ea809ad7a8c8f7a4507b9bddcbaa8e581f516e8da2f66e2c5a96525168")
	if !ok || a.secretID != "AKIDz8krbsJ5yKBZQpn74WFkmLPx3EXAMPLE" || a.service != "cvm" || a.date != "2019-02-25" {
		t.Fatalf("%+v", a)
	}
	if got := sign(r, []byte(body), a, "1551113065", "Gu5t9xGARNpq86cd98joQYCN3EXAMPLE"); got != a.signature {
		t.Errorf("%s, want %s", got, a.signature)
	}
}

func FuzzParseAuthorization(f *testing.F) {
	hash := strings.Repeat("0a", 32)
	f.Add("TC3-HMAC-SHA256 Credential=AKID/2025-11-22/sms/tc3_request, SignedHeaders=content-type;host, Signature=" + hash)
	f.Add("TC3-HMAC-SHA256 Credential=AKID/2025-11-22/sms/tc3_request,SignedHeaders=content-type;host;x-tc-action,Signature=" + hash)
	f.Add("TC3-HMAC-SHA256 Credential=///tc3_request, SignedHeaders=;, Signature=")
	f.Add("TC3-HMAC-SHA256 =,=,=")
	f.Fuzz(func(t *testing.T, header string) {
		a, ok := parseAuthorization(header)
		if !ok {
			return
		}
		if a.secretID == "" || len(a.signature) != 64 || !slices.Contains(a.signedHeaders, "host") {
			t.Fatalf("%q read as %+v", header, a)
		}
		again, ok := parseAuthorization(a.header(a.signature))
		if !ok || again.secretID != a.secretID || again.date != a.date || again.service != a.service || !slices.Equal(again.signedHeaders, a.signedHeaders) {
			t.Fatalf("%q read as %+v, its own spelling as %+v", header, a, again)
		}
	})
}
