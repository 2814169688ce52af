package wecom

import (
	"math/rand/v2"
	"time"

	"xiaoka/sandbox/mishap"
)

// oddity is what Config.Mishaps has in store for one API call.
type oddity struct {
	delay time.Duration // before the answer, after the call was carried out
	close bool          // the connection is not kept
	stir  *rand.Rand    // fields in another order and one more
	note  string
}

func (o oddity) stirred(body []byte) []byte {
	if o.stir == nil {
		return body
	}
	return mishap.JSON(o.stir, body)
}

// oddity throws the dice for an API call. A token that ends early is gone before the call is carried out.
func (s *Server) oddity(c call, e endpoint) oddity {
	r := s.cfg.Mishaps.Throw(c.name)
	if r == nil {
		return oddity{}
	}
	switch kind := r.IntN(4); {
	case kind == 0:
		return oddity{stir: r, note: "on purpose: fields in another order, and one that nobody announced"}
	case kind == 1:
		return oddity{close: true, note: "on purpose: the connection is not kept"}
	case kind == 2 && !e.open && s.endToken(c.query.Get("access_token"), r.IntN(2) == 0):
		return oddity{note: "on purpose: the access_token ended early"}
	}
	delay := s.cfg.Mishaps.Delay(r)
	return oddity{delay: delay, note: "on purpose: answered " + delay.String() + " late"}
}

// How long a token serves before an early end: an app that asked for a new one must get along with it.
const (
	leastUses = 20
	leastAge  = 5 * time.Second
)

// endToken ends a token before its time, which the service may do, and reports whether it was one that has served.
func (s *Server) endToken(value string, remember bool) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[value]
	now := s.cfg.Now()
	if !ok || t.uses < leastUses || now.Sub(t.issued) < leastAge || !now.Before(t.expires) {
		return false
	}
	s.dropTokens(t.agentID, remember)
	return true
}

// callbackOddity is what Config.Mishaps has in store for one callback.
type callbackOddity struct {
	close bool
	stir  *rand.Rand // of the envelope; the callback inside is stirred at once
	note  string
}

// callbackOddity throws the dice for a callback and changes it, or how often it is delivered.
func (s *Server) callbackOddity(cb *callback, f *Faults) callbackOddity {
	r := s.cfg.Mishaps.Throw("callback/" + cb.name)
	if r == nil {
		return callbackOddity{}
	}
	switch r.IntN(4) {
	case 0:
		f.Repeat = 1
		return callbackOddity{note: "on purpose: delivered twice, one after the other"}
	case 1:
		f.Repeat, f.RepeatAtOnce = 1, true
		return callbackOddity{note: "on purpose: delivered twice at once"}
	case 2:
		return callbackOddity{close: true, note: "on purpose: the connection is not kept"}
	}
	cb.xml = string(mishap.XML(r, []byte(cb.xml)))
	return callbackOddity{stir: r, note: "on purpose: elements in another order, and one that nobody announced"}
}

// ofCallbacks says whether something is to go wrong with callbacks anyway.
func (f Faults) ofCallbacks() bool {
	return f.Repeat > 0 || f.Lose || f.BadSignature || f.Age != 0 || f.Receiver != ""
}
