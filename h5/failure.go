package h5

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"time"

	"xiaoka/ledger"
)

// failure is an error with an answer. Code is the stable code of
// problem+json and, after "error.", the key of the words a person reads; Err
// is for the log alone.
type failure struct {
	Status     int
	Code       string
	RetryAfter time.Duration
	Err        error
}

func (f *failure) Error() string {
	if f.Err != nil {
		return f.Code + ": " + f.Err.Error()
	}
	return f.Code
}

func (f *failure) Unwrap() error { return f.Err }

// asFailure finds the answer for an error that brings none.
func asFailure(err error) *failure {
	var f *failure
	switch {
	case errors.As(err, &f):
		return f
	case errors.Is(err, ledger.ErrNotFound):
		return &failure{Status: http.StatusNotFound, Code: "not_found", Err: err}
	}
	return &failure{Status: http.StatusInternalServerError, Code: "internal", Err: err}
}

// fail is the one place where an error becomes an answer.
func (v *visit) fail(err error) {
	f := asFailure(err)
	if f.Status >= http.StatusInternalServerError {
		v.Log.LogAttrs(v.ctx(), slog.LevelError, "h5 request failed", slog.String("request_id", v.id),
			slog.String("route", v.route.Method+" "+v.route.Pattern), slog.String("problem", f.Code), slog.Any("error", f.Err))
	}
	if f.RetryAfter > 0 {
		v.w.Header().Set("Retry-After", strconv.Itoa(wholeSeconds(f.RetryAfter)))
	}
	if v.route.Kind == Page {
		v.failPage(f)
		return
	}
	v.w.Header().Set("Content-Type", "application/problem+json")
	v.w.WriteHeader(f.Status)
	json.NewEncoder(v.w).Encode(struct {
		Type      string `json:"type"`
		Title     string `json:"title"`
		Status    int    `json:"status"`
		Code      string `json:"code"`
		RequestID string `json:"request_id"`
	}{"about:blank", v.t("error." + f.Code), f.Status, f.Code, v.id})
}

// failPage says what happened and what to do next.
func (v *visit) failPage(f *failure) {
	next := "/h5/"
	if f.Code == "no_session" || f.Code == "csrf" {
		next = v.r.URL.Path // the same form, afresh
	}
	label := "error.go_on"
	switch {
	case f.Code == "bad_range":
		next, label = "/h5/transactions", "error.dates" // where the dates are chosen
	case next == "/h5/" && v.route.Pattern != "/h5/oauth/callback":
		label = "error.home"
	}
	err := v.show(f.Status, "error", v.t("error."+f.Code), struct{ Code, Next, Label, RequestID string }{f.Code, next, label, v.id})
	if err != nil {
		v.Log.ErrorContext(v.ctx(), "h5 error page failed", "request_id", v.id, "error", err)
		http.Error(v.w, v.t("error."+f.Code), f.Status)
	}
}

// wholeSeconds rounds up, so that nobody comes back a moment too early.
func wholeSeconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }
