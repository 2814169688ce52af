package wecom

import "time"

// apiCount is how often the corp called one API, in the minute and the hour that run, and until when it may not.
type apiCount struct {
	minute, hour   time.Time // their beginnings
	inMinute, inHr int
	blocked        time.Time
}

// The base limits of one corp for one API, https://developer.work.weixin.qq.com/document/path/90312.
const (
	minuteLimit = 10_000
	hourLimit   = 150_000
)

// unlimited are the calls that the base limits leave out: sending messages, and valid OAuth codes.
var unlimited = map[string]bool{"message/send": true, "auth/getuserinfo": true, "user/getuserinfo": true}

// admit refuses callers that the app does not trust, and calls beyond the base limits for a minute or an hour.
func (s *Server) admit(c call, ip string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.apps[c.agentID].lets(ip) {
		return refuse(60020, "not allow to access from your ip")
	}
	if unlimited[c.name] {
		return nil
	}
	n, now := s.called[c.name], s.cfg.Now()
	if n == nil {
		n = &apiCount{}
		s.called[c.name] = n
	}
	if now.Sub(n.minute) >= time.Minute {
		n.minute, n.inMinute = now, 0
	}
	if now.Sub(n.hour) >= time.Hour {
		n.hour, n.inHr = now, 0
	}
	switch {
	case now.Before(n.blocked):
	case n.inHr >= hourLimit:
		n.blocked = now.Add(time.Hour)
	case n.inMinute >= minuteLimit:
		n.blocked = now.Add(time.Minute)
	default:
		n.inMinute++
		n.inHr++
		return nil
	}
	return refuse(45009, "api freq out of limit")
}
