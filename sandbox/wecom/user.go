package wecom

import (
	"strings"
)

// findMember looks a member up for an API; the caller holds mu.
func (s *Server) findMember(userID string, agentID int, hidden int) (Member, error) {
	if userID == "" {
		return Member{}, refuse(41009, "missing userid")
	}
	m, ok := s.members[strings.ToLower(userID)]
	switch {
	case len(userID) > 64:
		return Member{}, refuse(40003, "invalid userid: 1 to 64 bytes")
	case !ok:
		return Member{}, refuse(60111, "userid not found")
	case !m.inRange(agentID):
		return Member{}, refuse(hidden, "no privilege to access/modify contact/party/agent")
	}
	return m, nil
}

// getUser is https://developer.work.weixin.qq.com/document/path/90196. An app made after June 2022 sees no mobile, mail,
// avatar or gender.
func (s *Server) getUser(c call) (fields, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findMember(c.query.Get("userid"), c.agentID, 60011)
	if err != nil {
		return nil, err
	}
	departments := m.departments()
	order, leader := make([]int, len(departments)), make([]int, len(departments))
	out := fields{
		"userid": m.UserID, "name": m.Name, "department": departments, "order": order, "position": "",
		"is_leader_in_dept": leader, "direct_leader": []string{}, "telephone": "", "alias": "", "main_department": departments[0],
		"extattr": fields{"attrs": []any{}}, "status": 1,
	}
	if s.apps[c.agentID].Old {
		out["mobile"], out["email"], out["gender"], out["avatar"] = m.Mobile, m.Email, "0", ""
	}
	return out, nil
}

func (m Member) departments() []int {
	if len(m.Departments) == 0 {
		return []int{1}
	}
	return m.Departments
}

// convertToOpenID is https://developer.work.weixin.qq.com/document/path/90202.
func (s *Server) convertToOpenID(c call) (fields, error) {
	var req struct {
		UserID string `json:"userid"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	m, err := s.findMember(req.UserID, c.agentID, 50002)
	switch {
	case err != nil:
		return nil, err
	case m.OpenID == "":
		return nil, refuse(43004, "require subscribe")
	}
	return fields{"openid": m.OpenID}, nil
}

func (s *Server) convertToUserID(c call) (fields, error) {
	var req struct {
		OpenID string `json:"openid"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	return s.userIDWhere(req.OpenID, 40073, func(m Member) string { return m.OpenID })
}

func (s *Server) getUserIDByMobile(c call) (fields, error) {
	var req struct {
		Mobile string `json:"mobile"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	if s.cfg.Strict.NoLookup {
		return nil, refuse(48002, "api forbidden")
	}
	if n := len(req.Mobile); n > 0 && (n < 5 || n > 32) {
		return nil, refuse(40058, "invalid request parameter: mobile")
	}
	return s.userIDWhere(req.Mobile, 46004, func(m Member) string { return m.Mobile })
}

func (s *Server) getUserIDByEmail(c call) (fields, error) {
	var req struct {
		Email     string `json:"email"`
		EmailType int    `json:"email_type"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	switch {
	case s.cfg.Strict.NoLookup:
		return nil, refuse(48002, "api forbidden")
	case req.EmailType < 0 || req.EmailType > 2:
		return nil, refuse(40058, "invalid request parameter: email_type must be 1 or 2")
	}
	return s.userIDWhere(req.Email, 46004, func(m Member) string { return m.Email })
}

func (s *Server) userIDWhere(value string, none int, of func(Member) string) (fields, error) {
	if value == "" {
		return nil, refuse(40063, "some parameters are empty")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range s.memberOrder {
		if m := s.members[key]; strings.EqualFold(of(m), value) {
			return fields{"userid": m.UserID}, nil
		}
	}
	return nil, refuse(none, "user not exist")
}

// listIDs is for the contact-sync assistant's token only, and this corp has none.
func (s *Server) listIDs(call) (fields, error) {
	return nil, refuse(48002, "api forbidden")
}
