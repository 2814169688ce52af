package sms

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"
)

// failure is an error of the whole call: Response.Error.
type failure struct {
	Code    string
	Message string
}

func fail(code, message string) *failure { return &failure{code, message} }

// response is Response in an answer: an error, or what the action returns.
type response struct {
	Error                     *failure         `json:",omitempty"`
	SendStatusSet             []sendStatus     `json:",omitempty"`
	DescribeTemplateStatusSet []templateStatus `json:",omitempty"`
	RequestId                 string
}

// code is Ok, or the first that is not.
func (r response) code() string {
	if r.Error != nil {
		return r.Error.Code
	}
	for _, status := range r.SendStatusSet {
		if status.Code != "Ok" {
			return status.Code
		}
	}
	return "Ok"
}

// maxBody is the service's limit for a POST with signature v3.
const maxBody = 10 << 20

// Handler serves the API at /.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		x := Exchange{At: s.cfg.Now(), Action: r.Header.Get("X-TC-Action")}
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		x.Request = string(body)
		defer func() {
			if x.Took = time.Since(began); s.cfg.Trace != nil {
				s.cfg.Trace(x)
			}
		}()
		f := s.fault()
		if f.Delay > 0 {
			timer := time.NewTimer(f.Delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
			}
		}
		switch {
		case f.Down || r.Context().Err() != nil:
			panic(http.ErrAbortHandler) // the server's way to cut a connection
		case f.Status != 0:
			x.Status, x.Response = f.Status, http.StatusText(f.Status)
			http.Error(w, x.Response, f.Status)
			return
		}
		answer := s.answer(r, body, err, f)
		answer.RequestId = requestID()
		b, err := json.Marshal(map[string]response{"Response": answer})
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		x.Status, x.Code, x.Response = http.StatusOK, answer.code(), string(b)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(b) // a caller that has gone is its own business
	})
}

// answer carries a call out. The service answers 200 whatever becomes of it.
func (s *Server) answer(r *http.Request, body []byte, readErr error, f Faults) response {
	if problem := s.check(r, body, readErr); problem != nil {
		return response{Error: problem}
	}
	if f.Error != "" {
		return response{Error: fail(f.Error, "Refused on purpose.")}
	}
	if r.Header.Get("X-TC-Action") == listTemplates {
		found, problem := s.templates(body)
		return response{Error: problem, DescribeTemplateStatusSet: found}
	}
	req, problem := readRequest(body)
	if problem != nil {
		return response{Error: problem}
	}
	statuses, problem := s.send(req, f)
	return response{Error: problem, SendStatusSet: statuses}
}

// The actions served.
const (
	sendSms       = "SendSms"
	listTemplates = "DescribeSmsTemplateList"
)

// check refuses what is no call of a served action by the account's owner, in the service's order.
func (s *Server) check(r *http.Request, body []byte, readErr error) *failure {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(readErr, &tooLarge):
		return fail("RequestSizeLimitExceeded", "The request is larger than 10 MB.")
	case readErr != nil:
		return fail("InvalidRequest", "The request broke off.")
	case r.URL.Path != "/":
		return fail("InvalidRequest", "The path of the request is not /.")
	case r.Method != http.MethodPost:
		return fail("UnsupportedProtocol", "The sandbox takes POST with signature v3 only.")
	}
	for _, name := range []string{"Action", "Version"} {
		if r.Header.Get("X-TC-"+name) == "" {
			return fail("MissingParameter", fmt.Sprintf("The request is missing a required parameter `%s`.", name))
		}
	}
	if problem := s.authenticate(r, body); problem != nil {
		return problem
	}
	contentType, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	action, region := r.Header.Get("X-TC-Action"), r.Header.Get("X-TC-Region")
	switch {
	case r.Header.Get("X-TC-Version") != "2021-01-11":
		return fail("NoSuchVersion", "The version does not exist.")
	case action != sendSms && action != listTemplates:
		return fail("InvalidAction", "The action does not exist.")
	case region == "":
		return fail("MissingParameter", "The request is missing a required parameter `Region`.")
	case !slices.Contains(s.cfg.Regions, region):
		return fail("UnsupportedRegion", "The region is not supported.")
	case err != nil || contentType != "application/json":
		return fail("InvalidRequest", "The Content-Type is not application/json.")
	}
	return nil
}

// requestID draws a UUID of version 4; crypto/rand does not fail.
func requestID() string {
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
