package wecom

import (
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

const (
	codeLife       = 5 * time.Minute
	userTicketLife = 1800 * time.Second
)

// oauthCode is what a member's client brings back to the app's page.
type oauthCode struct {
	userID  string // empty: not a member
	openID  string // of one who is not a member
	host    string // of the redirect_uri
	private bool   // scope snsapi_privateinfo, with an agentid
	expires time.Time
	used    bool
}

type userTicket struct {
	userID  string
	agentID int
	expires time.Time
}

// authorize is the page at https://developer.work.weixin.qq.com/document/path/91022: it finds out who holds the phone
// and sends them back to redirect_uri with a code.
func (s *Server) authorize(w http.ResponseWriter, r *http.Request) {
	const name = "connect/oauth2/authorize"
	start := time.Now()
	event := Event{Time: s.cfg.Now(), Kind: "oauth", Name: name, Status: http.StatusOK}
	defer func() {
		event.Duration = time.Since(start)
		s.log(event)
	}()
	if _, set := s.Faults().Endpoint[name]; set {
		fault := s.fault(name)
		if pause(r.Context(), fault.Delay) != nil || fault.Down || fault.ErrCode != 0 || fault.Reset {
			event.Status, event.Problem = http.StatusBadGateway, "switched off"
			http.Error(w, "Bad Gateway", event.Status)
			return
		}
	}

	q := r.URL.Query()
	target, code, err := s.checkLink(q)
	if err != nil {
		event.Status, event.Problem = http.StatusBadRequest, err.Error()
		http.Error(w, err.Error(), event.Status)
		return
	}
	event.Request = target.Scheme + "://" + target.Host + target.Path
	event.AgentID, _ = strconv.Atoi(q.Get("agentid"))

	userID, known := q.Get("member"), q.Has("member")
	if !known && s.cfg.AutoMember != nil {
		userID, known = s.cfg.AutoMember(r)
	}
	if !known {
		s.choose(w, q)
		return
	}
	s.mu.Lock()
	if m, ok := s.members[strings.ToLower(userID)]; ok {
		code.userID = m.UserID
	} else {
		code.openID = "oOutsider" + strings.ToLower(userID)
	}
	s.mu.Unlock()
	value, err := s.randomID(32)
	if err != nil {
		event.Status, event.Problem = http.StatusInternalServerError, err.Error()
		http.Error(w, "no randomness", event.Status)
		return
	}
	s.keepOAuthCode(value, code)
	event.UserID, event.Status = code.userID, http.StatusFound
	back := target.Query()
	back.Set("code", value)
	back.Set("state", q.Get("state"))
	target.RawQuery = back.Encode()
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, target.String(), http.StatusFound)
}

// checkLink refuses a link as the client does.
func (s *Server) checkLink(q url.Values) (*url.URL, *oauthCode, error) {
	if q.Get("appid") != s.cfg.CorpID {
		return nil, nil, refuse(40013, "invalid appid")
	}
	target, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || target.Host == "" || (target.Scheme != "http" && target.Scheme != "https") {
		return nil, nil, refuse(50001, "redirect_uri 参数错误")
	}
	if q.Get("response_type") != "code" {
		return nil, nil, refuse(40035, "response_type must be code")
	}
	scope, state := q.Get("scope"), q.Get("state")
	switch {
	case scope != "snsapi_base" && scope != "snsapi_privateinfo":
		return nil, nil, refuse(40035, "scope must be snsapi_base or snsapi_privateinfo")
	case len(state) > 128 || !alphanumeric(state):
		return nil, nil, refuse(40035, "state must be at most 128 letters and digits")
	}
	code := &oauthCode{host: canonicalHost(target), private: scope == "snsapi_privateinfo" && q.Has("agentid")}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q.Has("agentid") {
		agentID, err := strconv.Atoi(q.Get("agentid"))
		app, ok := s.apps[agentID]
		switch {
		case err != nil || !ok:
			return nil, nil, refuse(40056, "invalid agentid")
		case !app.trusts(code.host):
			return nil, nil, refuse(50001, "redirect_uri 参数错误: its host is not the trusted domain of agent %d", agentID)
		}
		return target, code, nil
	}
	for _, app := range s.apps {
		if app.trusts(code.host) {
			return target, code, nil
		}
	}
	return nil, nil, refuse(50001, "redirect_uri 参数错误: its host is no app's trusted domain")
}

// canonicalHost is the host of a URL in lower case, with the port unless it is the scheme's own.
func canonicalHost(u *url.URL) string {
	host := strings.ToLower(u.Host)
	if name, port, err := net.SplitHostPort(host); err == nil && (u.Scheme == "https" && port == "443" || u.Scheme == "http" && port == "80") {
		return name
	}
	return host
}

func (a App) trusts(host string) bool {
	return a.TrustedDomain != "" && strings.EqualFold(a.TrustedDomain, host)
}

var chooser = template.Must(template.New("chooser").Parse(`<!doctype html>
<html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>选择成员</title>
<h1>谁在用这部手机？</h1>
<p>Who holds this phone?</p>
<ul>{{range .}}<li><a href="{{.Link}}">{{.Label}}</a></li>
{{end}}</ul>
</html>
`))

// choose lets the person in front of the browser say who they are; the links are relative, so any path prefix is kept.
func (s *Server) choose(w http.ResponseWriter, q url.Values) {
	type entry struct{ Link, Label string }
	var entries []entry
	for _, m := range s.Members() {
		q.Set("member", m.UserID)
		entries = append(entries, entry{"?" + q.Encode(), m.Name + " " + m.UserID})
	}
	q.Set("member", "")
	entries = append(entries, entry{"?" + q.Encode(), "不是本企业成员 Not a member"})
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", "default-src 'none'")
	_ = chooser.Execute(w, entries)
}

func (s *Server) keepOAuthCode(value string, code *oauthCode) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.cfg.Now()
	if len(s.oauthCodes) >= keepSent {
		for old, c := range s.oauthCodes {
			if now.Sub(c.expires) > time.Hour { // remembered that long to tell 42003 and 42022 from 40029
				delete(s.oauthCodes, old)
			}
		}
	}
	code.expires = now.Add(codeLife)
	s.oauthCodes[value] = code
}

// takeCode spends an OAuth code.
func (s *Server) takeCode(c call) (oauthCode, error) {
	value := c.query.Get("code")
	if value == "" {
		return oauthCode{}, refuse(41008, "missing code")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	code, ok := s.oauthCodes[value]
	switch {
	case !ok:
		return oauthCode{}, refuse(40029, "invalid code")
	case code.used:
		return oauthCode{}, refuse(42022, "code has been used")
	case !s.cfg.Now().Before(code.expires):
		return oauthCode{}, refuse(42003, "code expired")
	case !s.apps[c.agentID].trusts(code.host):
		return oauthCode{}, refuse(50001, "redirect_url domain is not the trusted domain of this agent")
	}
	code.used = true
	return *code, nil
}

// getUserInfo is https://developer.work.weixin.qq.com/document/path/91023.
func (s *Server) getUserInfo(c call) (fields, error) {
	code, err := s.takeCode(c)
	if err != nil {
		return nil, err
	}
	if code.userID == "" {
		return fields{"openid": code.openID}, nil
	}
	out := fields{"userid": code.userID}
	value, err := s.randomID(64)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code.private && s.members[strings.ToLower(code.userID)].inRange(c.agentID) {
		for old, t := range s.userTickets {
			if s.cfg.Now().Sub(t.expires) > time.Hour { // remembered that long to tell 84014 from 84015
				delete(s.userTickets, old)
			}
		}
		s.userTickets[value] = &userTicket{userID: code.userID, agentID: c.agentID, expires: s.cfg.Now().Add(userTicketLife)}
		out["user_ticket"], out["expires_in"] = value, int(userTicketLife/time.Second)
	}
	return out, nil
}

// getUserInfoOld is the call's former address, with its former names and without user_ticket.
func (s *Server) getUserInfoOld(c call) (fields, error) {
	code, err := s.takeCode(c)
	if err != nil {
		return nil, err
	}
	if code.userID == "" {
		return fields{"OpenId": code.openID, "DeviceId": ""}, nil
	}
	return fields{"UserId": code.userID, "DeviceId": ""}, nil
}

// getUserDetail is https://developer.work.weixin.qq.com/document/path/95833, for a member who agreed to all of it.
func (s *Server) getUserDetail(c call) (fields, error) {
	var req struct {
		UserTicket string `json:"user_ticket"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t, ok := s.userTickets[req.UserTicket]
	switch {
	case !ok || t.agentID != c.agentID:
		return nil, refuse(84015, "invalid user_ticket")
	case !s.cfg.Now().Before(t.expires):
		return nil, refuse(84014, "user_ticket expired")
	}
	m := s.members[strings.ToLower(t.userID)]
	return fields{
		"userid": m.UserID, "gender": "0", "avatar": "", "qr_code": "", "mobile": m.Mobile, "email": m.Email, "biz_mail": "", "address": "",
	}, nil
}
