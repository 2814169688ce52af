package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

// journey remembers which of the five steps of the first visit a person has done. All of it is seen from outside: the
// sandbox does not look into the product.
type journey struct {
	mu    sync.Mutex
	bound map[string]bool // by UserID
}

// watch sees every answer of the product to a phone. A form for binding that succeeds is answered by a redirection.
func (j *journey) watch(userID string, r *http.Response) {
	if r.Request.Method != http.MethodPost || r.Request.URL.Path != "/h5/bind" || r.StatusCode != http.StatusSeeOther || userID == "" {
		return
	}
	if strings.Contains(r.Header.Get("Location"), "/h5/bind") {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.bound == nil {
		j.bound = map[string]bool{}
	}
	j.bound[userID] = true
}

func (j *journey) isBound(userID string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.bound[userID]
}

// steps tells what is done: verified, bound, balance seen, topped up, collected.
func (s *Server) steps(p campus.Person) [5]bool {
	bound := s.journey.isBound(p.UserID)
	welcomed := false // the card app leads only verified members to binding
	asked := false    // a balance has been shown: an emphasised amount
	for _, m := range s.campus.WeCom.Conversation(p.UserID, campus.CardID) {
		if m.From != wecom.FromApp {
			continue
		}
		welcomed = welcomed || strings.Contains(contentOf(m), "/h5/bind")
		asked = asked || showsAmount(m)
	}
	paid := false
	for _, o := range s.campus.Pay.Orders() {
		paid = paid || o.TransactionID != "" && o.PayerOpenID != "" && o.PayerOpenID == s.campus.OpenID(p)
	}
	return [5]bool{welcomed || bound, bound, bound && asked, paid, s.campus.Loaded(p)}
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
