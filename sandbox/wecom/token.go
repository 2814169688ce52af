package wecom

import (
	"crypto/sha1"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"time"
)

// lifetime is that of access_token and both tickets.
const lifetime = 7200 * time.Second

type token struct {
	agentID int
	issued  time.Time
	expires time.Time
	uses    int
}

// getToken is https://developer.work.weixin.qq.com/document/path/91039: the same token until it ends, then a new one.
func (s *Server) getToken(c call) (fields, error) {
	corpID, secret := c.query.Get("corpid"), c.query.Get("corpsecret")
	switch {
	case corpID == "":
		return nil, refuse(41002, "corpid missing")
	case secret == "":
		return nil, refuse(41004, "corpsecret missing")
	case corpID != s.cfg.CorpID:
		return nil, refuse(40013, "invalid corpid")
	}
	fresh, err := s.randomID(160)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	agentID := 0
	for id, app := range s.apps {
		if subtle.ConstantTimeCompare([]byte(app.Secret), []byte(secret)) == 1 {
			agentID = id
		}
	}
	if s.isContacts(secret) {
		agentID = contactsAgent
	}
	if agentID == 0 {
		return nil, refuse(40001, "invalid credential")
	}
	now := s.cfg.Now()
	if limit := s.cfg.Strict.TokenLimit; limit > 0 {
		times := since(s.tokenTimes[agentID], now.Add(-time.Hour))
		if len(times) >= limit {
			return nil, refuse(45009, "api freq out of limit")
		}
		s.tokenTimes[agentID] = append(times, now)
	}
	for value, t := range s.tokens {
		if t.agentID == agentID && now.Before(t.expires) {
			return fields{"access_token": value, "expires_in": int(t.expires.Sub(now) / time.Second)}, nil
		}
		if now.Sub(t.expires) > 24*time.Hour { // remembered that long to tell 42001 from 40014
			delete(s.tokens, value)
		}
	}
	s.tokens[fresh] = &token{agentID: agentID, issued: now, expires: now.Add(lifetime)}
	return fields{"access_token": fresh, "expires_in": int(lifetime / time.Second)}, nil
}

// checkToken returns the agent an access_token belongs to.
func (s *Server) checkToken(value string) (int, error) {
	if value == "" {
		return 0, refuse(41001, "access_token missing")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.tokens[value]
	switch {
	case !ok:
		return 0, refuse(40014, "invalid access_token")
	case !s.cfg.Now().Before(t.expires):
		return 0, refuse(42001, "access_token expired")
	}
	t.uses++
	return t.agentID, nil
}

// ExpireToken ends the app's access_token before its time: its next use is answered 42001.
func (s *Server) ExpireToken(agentID int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropTokens(agentID, true)
}

// RevokeToken withdraws the app's access_token: its next use is answered 40014.
func (s *Server) RevokeToken(agentID int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.dropTokens(agentID, false)
}

func (s *Server) dropTokens(agentID int, remember bool) {
	for value, t := range s.tokens {
		switch {
		case t.agentID != agentID:
		case remember:
			t.expires = s.cfg.Now()
		default:
			delete(s.tokens, value)
		}
	}
}

// getIPs answers getcallbackip and get_api_domain_ip: everything here is on loopback.
func (s *Server) getIPs(call) (fields, error) {
	return fields{"ip_list": []string{"127.0.0.1"}}, nil
}

// ticket is a jsapi_ticket: the corp's (agentID 0) or an app's.
type ticket struct {
	agentID int
	expires time.Time
	fetched []time.Time // in the last hour, for the limit
	value   string
}

// getCorpTicket is for wx.config, getAppTicket for wx.agentConfig,
// https://developer.work.weixin.qq.com/document/path/90506.
func (s *Server) getCorpTicket(c call) (fields, error) { return s.ticketFor(0, c.agentID) }

func (s *Server) getAppTicket(c call) (fields, error) {
	if c.query.Get("type") != "agent_config" {
		return nil, refuse(91040, "invalid ticket type")
	}
	return s.ticketFor(c.agentID, c.agentID)
}

func (s *Server) ticketFor(owner, agentID int) (fields, error) {
	fresh, err := s.randomID(64)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	key := fmt.Sprintf("%d/%d", owner, agentID)
	t := s.tickets[key]
	if t == nil {
		t = &ticket{agentID: owner}
		s.tickets[key] = t
	}
	t.fetched = since(t.fetched, now.Add(-time.Hour))
	corp := 0 // what all apps together fetched of the corp's ticket
	for _, other := range s.tickets {
		if other.agentID == 0 {
			corp += len(since(other.fetched, now.Add(-time.Hour)))
		}
	}
	// https://developer.work.weixin.qq.com/document/path/90312
	if len(t.fetched) >= 100 || owner == 0 && corp >= 400 {
		return nil, refuse(45009, "api freq out of limit")
	}
	t.fetched = append(t.fetched, now)
	if !now.Before(t.expires) {
		t.value, t.expires = fresh, now.Add(lifetime)
	}
	return fields{"ticket": t.value, "expires_in": int(t.expires.Sub(now) / time.Second)}, nil
}

// CheckSignature does what the client does with the fields of wx.config (agentID 0) or wx.agentConfig: 0 when the
// signature is that of a valid ticket of the right kind, 42012 when it is that of another kind, else 40093.
func (s *Server) CheckSignature(agentID int, pageURL, nonceStr, timestamp, signature string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	code := 40093
	for _, t := range s.tickets {
		if !s.cfg.Now().Before(t.expires) || jsSignature(t.value, nonceStr, timestamp, pageURL) != signature {
			continue
		}
		if t.agentID == agentID {
			return 0
		}
		code = 42012
	}
	return code
}

func jsSignature(ticket, nonceStr, timestamp, pageURL string) string {
	sum := sha1.Sum([]byte("jsapi_ticket=" + ticket + "&noncestr=" + nonceStr + "&timestamp=" + timestamp + "&url=" + pageURL))
	return hex.EncodeToString(sum[:])
}

// since drops what is not after t from a list in order of time.
func since(times []time.Time, t time.Time) []time.Time {
	for len(times) > 0 && !times[0].After(t) {
		times = times[1:]
	}
	return times
}
