package wecom

import (
	"slices"
	"strconv"
	"strings"
)

// menuAgent reads the agentid of the query, which must be the token's.
func (s *Server) menuAgent(c call) (int, error) {
	if !c.query.Has("agentid") {
		return 0, refuse(41011, "missing agentid")
	}
	agentID, err := strconv.Atoi(c.query.Get("agentid"))
	if err != nil {
		return 0, refuse(40056, "invalid agentid")
	}
	return agentID, s.ownAgent(c, agentID)
}

// ownAgent holds a call to the app its token belongs to.
func (s *Server) ownAgent(c call, agentID int) error {
	s.mu.Lock()
	_, known := s.apps[agentID]
	s.mu.Unlock()
	switch {
	case !known:
		return refuse(40056, "invalid agentid")
	case agentID != c.agentID:
		return refuse(301002, "not allow operate another agent with this accesstoken")
	}
	return nil
}

// getAgent is https://developer.work.weixin.qq.com/document/path/90227.
func (s *Server) getAgent(c call) (fields, error) {
	agentID, err := s.menuAgent(c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.apps[agentID]
	users := []fields{}
	for _, id := range s.memberOrder {
		if m := s.members[id]; !slices.Contains(m.OutOfRange, agentID) {
			users = append(users, fields{"userid": m.UserID})
		}
	}
	return fields{
		"agentid": agentID, "name": app.Name, "square_logo_url": "", "description": "", "close": 0,
		"allow_userinfos": fields{"user": users}, "allow_partys": fields{"partyid": []int{}}, "allow_tags": fields{"tagid": []int{}},
		"redirect_domain": app.TrustedDomain, "report_location_flag": 0, "isreportenter": 1, "home_url": "",
		"customized_publish_status": 1,
	}, nil
}

// createMenu is https://developer.work.weixin.qq.com/document/path/90231.
func (s *Server) createMenu(c call) (fields, error) {
	agentID, err := s.menuAgent(c)
	if err != nil {
		return nil, err
	}
	var menu Menu
	if err := decode(c, &menu); err != nil {
		return nil, err
	}
	var warned []string
	if err := checkMenu(menu, s.cfg.Strict.SubKey60, func(text string) { warned = append(warned, text) }); err != nil {
		return nil, err
	}
	s.mu.Lock()
	for _, text := range warned {
		s.warn(agentID, c.name, "", text)
	}
	s.menus[agentID] = menu
	s.mu.Unlock()
	s.notify("")
	return nil, nil
}

func (s *Server) getMenu(c call) (fields, error) {
	agentID, err := s.menuAgent(c)
	if err != nil {
		return nil, err
	}
	menu, ok := s.Menu(agentID)
	if !ok {
		return nil, refuse(46003, "menu no exist")
	}
	return fields{"button": menu.Button}, nil
}

func (s *Server) deleteMenu(c call) (fields, error) {
	agentID, err := s.menuAgent(c)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	delete(s.menus, agentID)
	s.mu.Unlock()
	s.notify("")
	return nil, nil
}

// Menu returns an app's menu; false if it has none.
func (s *Server) Menu(agentID int) (Menu, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	menu, ok := s.menus[agentID]
	return Menu{Button: cloneButtons(menu.Button)}, ok
}

func cloneButtons(buttons []MenuButton) []MenuButton {
	buttons = slices.Clone(buttons)
	for i := range buttons {
		buttons[i].SubButton = cloneButtons(buttons[i].SubButton)
	}
	return buttons
}

// menuLimits are what differs between the two levels of a menu.
type menuLimits struct {
	name, key                            int // bytes
	nameCode, typeCode, keyCode, urlCode int
}

var (
	firstLevel  = menuLimits{name: 16, key: 128, nameCode: 40018, typeCode: 40017, keyCode: 40019, urlCode: 40020}
	secondLevel = menuLimits{name: 40, key: 128, nameCode: 40025, typeCode: 40024, keyCode: 40026, urlCode: 40027}
)

func checkMenu(menu Menu, subKey60 bool, warn func(string)) error {
	below := secondLevel
	if subKey60 {
		below.key = 60
	}
	if n := len(menu.Button); n < 1 || n > 3 {
		return refuse(40016, "invalid button count: %d", n)
	}
	for _, b := range menu.Button {
		if len(b.SubButton) == 0 {
			if err := checkMenuButton(b, firstLevel, warn); err != nil {
				return err
			}
			continue
		}
		if err := checkMenuName(b, firstLevel); err != nil {
			return err
		}
		if b.Type != "" {
			warn("button " + b.Name + " has sub-buttons and a type, which is ignored")
		}
		if n := len(b.SubButton); n > 5 {
			return refuse(40023, "invalid sub button count: %d", n)
		}
		for _, sub := range b.SubButton {
			if len(sub.SubButton) > 0 {
				return refuse(40022, "invalid sub button level")
			}
			if err := checkMenuButton(sub, below, warn); err != nil {
				return err
			}
			if len(sub.Key) > 60 {
				warn("the key of " + sub.Name + " is over the 60 bytes that the error list names for sub-buttons")
			}
		}
	}
	return nil
}

func checkMenuName(b MenuButton, limit menuLimits) error {
	if b.Name == "" || len(b.Name) > limit.name {
		return refuse(limit.nameCode, "invalid button name size: %q is %d bytes, 1 to %d allowed", b.Name, len(b.Name), limit.name)
	}
	return nil
}

func checkMenuButton(b MenuButton, limit menuLimits, warn func(string)) error {
	if err := checkMenuName(b, limit); err != nil {
		return err
	}
	switch b.Type {
	case "click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select":
		if b.Key == "" || len(b.Key) > limit.key {
			return refuse(limit.keyCode, "invalid button key size")
		}
	case "view":
		if b.URL == "" || len(b.URL) > 1024 {
			return refuse(limit.urlCode, "invalid button url size")
		}
		if !hasScheme(b.URL) {
			return refuse(limit.urlCode, "invalid button url: no scheme")
		}
	case "view_miniprogram":
		if b.AppID == "" || b.PagePath == "" {
			warn("button " + b.Name + " needs appid and pagepath")
		}
	default:
		return refuse(limit.typeCode, "invalid button type %q", b.Type)
	}
	return nil
}

// hasScheme asks for what the documents ask of every URL; which schemes are taken is not documented.
func hasScheme(u string) bool { return strings.Index(u, "://") > 0 }
