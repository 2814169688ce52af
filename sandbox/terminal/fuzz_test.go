package terminal

import (
	"errors"
	"net/http"
	"testing"
)

// FuzzProblem: any error body gives an *Error with the status, and never one whose known members are left in Extra.
func FuzzProblem(f *testing.F) {
	f.Add(`{"type":"about:blank","status":403,"code":"pin_wrong","tries_left":4}`)
	f.Add(`{"code":7,"title":null}`)
	f.Add(`null`)
	f.Add(`{"code`)
	f.Fuzz(func(t *testing.T, body string) {
		resp := &http.Response{StatusCode: 409, Header: http.Header{"Content-Type": {"application/problem+json"}}}
		err := problem(resp, []byte(body))
		var e *Error
		if !errors.As(err, &e) || e.Status != 409 || errors.Is(err, ErrNoAnswer) {
			t.Fatalf("%v", err)
		}
		if _, left := e.Extra["code"]; left {
			t.Error("code is left among the extra members")
		}
	})
}
