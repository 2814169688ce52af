package web

import (
	"encoding/json"
	"net/http"
	"strings"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

// The five steps of the first visit, in their order. All of them are seen from outside: the sandbox does not look into
// the product. What was seen once is remembered with the campus.
const (
	stepVerified = iota
	stepBound
	stepBalance
	stepPaid
	stepLoaded
)

// watch sees every answer of the product to a phone. A form for binding that succeeds is answered by a redirection.
func (s *Server) watch(userID string, r *http.Response) {
	bound := r.Request.Method == http.MethodPost && r.Request.URL.Path == "/h5/bind" && r.StatusCode == http.StatusSeeOther &&
		!strings.Contains(r.Header.Get("Location"), "/h5/bind")
	if p, ok := s.campus.Person(userID); ok && bound {
		s.campus.Achieve(p, campus.Journey{stepVerified: true, stepBound: true})
	}
}

// steps tells what a person has done.
func (s *Server) steps(p campus.Person) campus.Journey {
	if s.campus.Pay == nil {
		return campus.Journey{} // another bot's journey is its own
	}
	seen := campus.Journey{stepLoaded: s.campus.Loaded(p)}
	for _, m := range s.campus.WeCom.Conversation(p.UserID, campus.CardID) {
		if m.From != wecom.FromApp {
			continue
		}
		text := contentOf(m)
		if strings.Contains(text, "/h5/bind") { // only the verified are led to binding
			seen[stepVerified] = true
		}
		// Only the bound are told a balance. Other amounts prove nothing: an operator is told a day's turnover.
		if strings.Contains(text, "¥") && (strings.Contains(text, "余额") || strings.Contains(text, "alance")) {
			seen[stepVerified], seen[stepBound], seen[stepBalance] = true, true, true
		}
	}
	for _, o := range s.campus.Pay.Orders() {
		if o.TransactionID != "" && o.PayerOpenID != "" && o.PayerOpenID == s.campus.OpenID(p) {
			seen[stepPaid] = true
		}
	}
	return s.campus.Achieve(p, seen)
}

func contentOf(m wecom.Message) string {
	b, err := json.Marshal(m)
	if err != nil {
		return m.Text
	}
	return string(b)
}
