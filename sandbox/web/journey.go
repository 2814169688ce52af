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
	seen := campus.Journey{stepLoaded: s.campus.Loaded(p)}
	before := s.campus.Achieve(p, campus.Journey{})
	for _, m := range s.campus.WeCom.Conversation(p.UserID, campus.CardID) {
		if m.From != wecom.FromApp {
			continue
		}
		if strings.Contains(contentOf(m), "/h5/bind") { // only the verified are led to binding
			seen[stepVerified] = true
		}
		if before[stepBound] && showsAmount(m) {
			seen[stepBalance] = true
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

func showsAmount(m wecom.Message) bool {
	switch {
	case m.Card != nil:
		return m.Card.EmphasisContent != nil && strings.Contains(m.Card.EmphasisContent.Title, "¥")
	case m.TextCard != nil:
		return strings.Contains(m.TextCard.Title, "余额")
	}
	return strings.Contains(m.Text, "余额") && strings.Contains(m.Text, "¥")
}
