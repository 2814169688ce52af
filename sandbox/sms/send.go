package sms

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// sendRequest is the body of SendSms.
type sendRequest struct {
	PhoneNumberSet   []string
	SmsSdkAppId      string
	TemplateId       string
	SignName         string
	TemplateParamSet []string
	SessionContext   string
}

// readRequest takes parameters by their exact spelling, and no others.
func readRequest(body []byte) (req sendRequest, problem *failure) {
	var given map[string]json.RawMessage
	if err := json.Unmarshal(body, &given); err != nil {
		return req, fail("InvalidRequest", "The request is not a JSON object.")
	}
	var unused string
	fields := map[string]any{
		"PhoneNumberSet": &req.PhoneNumberSet, "SmsSdkAppId": &req.SmsSdkAppId, "TemplateId": &req.TemplateId,
		"SignName": &req.SignName, "TemplateParamSet": &req.TemplateParamSet, "SessionContext": &req.SessionContext,
		"ExtendCode": &unused, "SenderId": &unused,
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		field, known := fields[name]
		if !known {
			return req, fail("UnknownParameter", fmt.Sprintf("The parameter `%s` is not recognized.", name))
		}
		if err := json.Unmarshal(given[name], field); err != nil {
			return req, fail("InvalidParameter", fmt.Sprintf("The value type of parameter `%s` is not valid.", name))
		}
	}
	missing := func(name string) *failure {
		return fail("MissingParameter", fmt.Sprintf("The request is missing a required parameter `%s`.", name))
	}
	switch {
	case req.SmsSdkAppId == "":
		return req, missing("SmsSdkAppId")
	case req.TemplateId == "":
		return req, missing("TemplateId")
	}
	return req, nil
}

// sendStatus is what became of one number.
type sendStatus struct {
	SerialNo       string
	PhoneNumber    string
	Fee            int
	SessionContext string
	Code           string
	Message        string
	IsoCode        string
}

// maxNumbers is how many one call may name.
const maxNumbers = 200

// send carries SendSms out. What concerns the call as a whole is an error; all else is told of each number.
func (s *Server) send(req sendRequest, f Faults) ([]sendStatus, *failure) {
	switch n := len(req.PhoneNumberSet); {
	case n == 0:
		return nil, fail("MissingParameter.EmptyPhoneNumberSet", "The list of numbers is empty.")
	case n > maxNumbers:
		return nil, fail("LimitExceeded.PhoneNumberCountLimit", "The number of phone numbers in one call exceeds 200.")
	case len(req.SessionContext) > 512:
		return nil, fail("InvalidParameter", "SessionContext is longer than 512 bytes.")
	}
	text, refusal := s.render(req)
	statuses := make([]sendStatus, len(req.PhoneNumberSet))
	for i, number := range req.PhoneNumberSet {
		statuses[i] = s.sendOne(req, number, text, refusal, f)
	}
	return statuses, nil
}

func (s *Server) sendOne(req sendRequest, number, text string, refusal *failure, f Faults) sendStatus {
	status := sendStatus{PhoneNumber: number, SessionContext: req.SessionContext}
	refuse := func(f *failure) sendStatus {
		status.Code, status.Message = f.Code, f.Message
		return status
	}
	full, ok := internationalNumber(number)
	if !ok {
		return refuse(fail("InvalidParameterValue.IncorrectPhoneNumber", "phone number format error"))
	}
	status.PhoneNumber, status.IsoCode = full, "CN"
	switch {
	case !strings.HasPrefix(full, "+86"):
		status.IsoCode = "DEF"
		return refuse(fail("UnsupportedOperation.ChineseMainlandTemplateToGlobalPhone", "the template is for numbers of the Chinese mainland"))
	case refusal != nil:
		return refuse(refusal)
	case f.Code != "":
		return refuse(fail(f.Code, "refused on purpose"))
	}
	now := s.cfg.Now()
	if limit := s.count(full, now); limit != nil {
		return refuse(limit)
	}
	status.Code, status.Message = "Ok", "send success"
	status.SerialNo = fmt.Sprintf("2640:%s%019d", strings.TrimPrefix(full, "+86")[:5], now.UnixNano())
	status.Fee = fee(text)
	if !f.Lose {
		s.keep(Message{
			Time: now, PhoneNumber: full, Text: text, SignName: req.SignName, TemplateID: req.TemplateId,
			Params: slices.Clone(req.TemplateParamSet), SerialNo: status.SerialNo, Fee: status.Fee,
		})
	}
	return status
}

var (
	mainlandNumber = regexp.MustCompile(`^(?:\+86|0086|86)?(1[3-9][0-9]{9})$`)
	otherNumber    = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)
)

// internationalNumber is E.164. Mainland numbers may come without +86, as the service takes them.
func internationalNumber(number string) (string, bool) {
	if m := mainlandNumber.FindStringSubmatch(number); m != nil {
		return "+86" + m[1], true
	}
	return number, otherNumber.MatchString(number) && !strings.HasPrefix(number, "+86")
}

var (
	variable  = regexp.MustCompile(`\{([0-9]+)\}`)
	codeParam = regexp.MustCompile(`^[0-9]{0,6}$`)
)

// countVariables returns how many variables a template has, which are {1} to {n}.
func countVariables(template string) (int, error) {
	seen := map[int]bool{}
	for _, m := range variable.FindAllStringSubmatch(template, -1) {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return 0, fmt.Errorf("variable %s: %w", m[0], err)
		}
		seen[n] = true
	}
	for n := range len(seen) {
		if !seen[n+1] {
			return 0, fmt.Errorf("variables are numbered {1} to {%d}", len(seen))
		}
	}
	return len(seen), nil
}

// render returns the text that phones would show, or why the account may not send it.
func (s *Server) render(req sendRequest) (string, *failure) {
	template, known := s.cfg.Templates[req.TemplateId]
	switch {
	case req.SmsSdkAppId != s.cfg.AppID:
		return "", fail("UnauthorizedOperation.SmsSdkAppIdVerifyFail", "Verification failed for SmsSdkAppId")
	case !slices.Contains(s.cfg.SignNames, req.SignName):
		return "", fail("FailedOperation.SignatureIncorrectOrUnapproved", "signature is not approved or in a wrong format")
	case !known:
		return "", fail("FailedOperation.TemplateIncorrectOrUnapproved", "template is not approved or request content does not match the approved template content")
	}
	if n, err := countVariables(template); err != nil || n != len(req.TemplateParamSet) {
		return "", fail("FailedOperation.TemplateParamSetNotMatchApprovedTemplate", "the number of parameters does not match the approved template")
	}
	for _, param := range req.TemplateParamSet {
		if !codeParam.MatchString(param) {
			return "", fail("InvalidParameterValue.TemplateParameterFormatError", "parameters of a template for codes are up to six digits")
		}
	}
	text := variable.ReplaceAllStringFunc(template, func(v string) string {
		n, err := strconv.Atoi(strings.Trim(v, "{}"))
		if err != nil {
			return v
		}
		return req.TemplateParamSet[n-1]
	})
	return "【" + req.SignName + "】" + text, nil
}

// fee is how many messages a text is charged as: one up to 70 characters, beyond that one for each 67.
func fee(text string) int {
	if n := utf8.RuneCountInString(text); n > 70 {
		return (n + 66) / 67
	}
	return 1
}

// count notes a message to a number, or returns the limit in its way.
func (s *Server) count(number string, now time.Time) *failure {
	const beijing = 8 * time.Hour
	midnight := now.Add(beijing).Truncate(24 * time.Hour).Add(-beijing)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, limit := range []struct {
		most  int
		since time.Time
		code  string
	}{
		{s.cfg.Limits.ThirtySeconds, now.Add(-30 * time.Second), "LimitExceeded.PhoneNumberThirtySecondLimit"},
		{s.cfg.Limits.Hour, now.Add(-time.Hour), "LimitExceeded.PhoneNumberOneHourLimit"},
		{s.cfg.Limits.Day, midnight, "LimitExceeded.PhoneNumberDailyLimit"},
	} {
		n := 0
		for _, at := range s.sent[number] {
			if at.After(limit.since) {
				n++
			}
		}
		if limit.most >= 0 && n >= limit.most {
			return fail(limit.code, "the number of SMS messages sent to a single mobile number exceeds the upper limit")
		}
	}
	old := func(at time.Time) bool { return now.Sub(at) > 25*time.Hour }
	s.sent[number] = append(slices.DeleteFunc(s.sent[number], old), now)
	return nil
}
