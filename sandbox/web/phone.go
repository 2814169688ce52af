package web

import (
	"net/http"
	"strconv"
	"strings"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wecom"
)

// app is one line of the list of chats.
type app struct {
	AgentID  int                `json:"agent_id"`
	Name     string             `json:"name"`
	Menu     []wecom.MenuButton `json:"menu"`
	Last     *wecom.Message     `json:"last,omitempty"`
	Received int                `json:"received"` // messages from the app
}

func (s *Server) state(_ *http.Request, me campus.Person) (any, error) {
	apps := []app{}
	for _, a := range s.campus.WeCom.Apps() {
		line := app{AgentID: a.AgentID, Name: a.Name}
		menu, _ := s.campus.WeCom.Menu(a.AgentID)
		line.Menu = menu.Button
		messages := s.campus.WeCom.Conversation(me.UserID, a.AgentID)
		for i, m := range messages {
			if m.From == wecom.FromApp {
				line.Received++
			}
			line.Last = &messages[i]
		}
		apps = append(apps, line)
	}
	product := "none"
	if s.cfg.Product != nil {
		product = "up"
		if s.cfg.ProductUp != nil && !s.cfg.ProductUp() {
			product = "down"
		}
	}
	return struct {
		Me        campus.Person  `json:"me"`
		Apps      []app          `json:"apps"`
		People    int            `json:"people"`
		Product   string         `json:"product"`    // up, down or none
		WeComOnly bool           `json:"wecom_only"` // no machines, no mail, no payment
		Journey   campus.Journey `json:"journey"`
	}{me, apps, len(s.campus.People()), product, s.campus.Pay == nil, s.steps(me)}, nil
}

// mostPeople is how many a search returns.
const mostPeople = 30

func (s *Server) people(r *http.Request, _ campus.Person) (any, error) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	found := []campus.Person{}
	for _, p := range s.campus.People() {
		if q == "" || strings.Contains(p.Name, q) || strings.Contains(p.StudentNo, q) || strings.Contains(p.CardNo, q) || strings.Contains(p.Department, q) {
			found = append(found, p)
		}
		if len(found) == mostPeople {
			break
		}
	}
	return found, nil
}

// become hands the browser another person's phone.
func (s *Server) become(w http.ResponseWriter, r *http.Request) {
	s.answer(w, r, func(r *http.Request, _ campus.Person) (any, error) {
		var in struct {
			UserID string `json:"user_id"`
		}
		if err := read(r, &in); err != nil {
			return nil, err
		}
		p, ok := s.campus.Person(in.UserID)
		if !ok {
			return nil, &refusal{http.StatusNotFound, "no_person", "没有这个人"}
		}
		setPhone(w, p)
		return p, nil
	})
}

func agentOf(r *http.Request) (int, error) {
	id, err := strconv.Atoi(r.PathValue("agent"))
	if err != nil {
		return 0, wecom.ErrNoApp
	}
	return id, nil
}

func (s *Server) chat(r *http.Request, me campus.Person) (any, error) {
	agentID, err := agentOf(r)
	if err != nil {
		return nil, err
	}
	return s.campus.WeCom.Conversation(me.UserID, agentID), nil
}

// The acts of a member answer when the app has answered the callback, so that the phone can show that it is at work.

func (s *Server) enter(r *http.Request, me campus.Person) (any, error) {
	agentID, err := agentOf(r)
	if err != nil {
		return nil, err
	}
	return s.campus.WeCom.Enter(r.Context(), me.UserID, agentID)
}

func (s *Server) say(r *http.Request, me campus.Person) (any, error) {
	agentID, err := agentOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Text string `json:"text"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.campus.WeCom.Say(r.Context(), me.UserID, agentID, in.Text)
}

func (s *Server) click(r *http.Request, me campus.Person) (any, error) {
	agentID, err := agentOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Key string `json:"key"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.campus.WeCom.Click(r.Context(), me.UserID, agentID, in.Key)
}

func (s *Server) scan(r *http.Request, me campus.Person) (any, error) {
	agentID, err := agentOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Key    string `json:"key"`
		Result string `json:"result"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.campus.WeCom.Scan(r.Context(), me.UserID, agentID, in.Key, in.Result)
}

func (s *Server) press(r *http.Request, me campus.Person) (any, error) {
	var in struct {
		Message  string              `json:"message"`
		Key      string              `json:"key"`
		Selected map[string][]string `json:"selected"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	return s.campus.WeCom.Press(r.Context(), me.UserID, in.Message, in.Key, in.Selected)
}
