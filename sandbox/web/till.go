package web

import (
	"net/http"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// tillView is a till as the page shows it: its display, the other tills, and the card in the visitor's hand.
type tillView struct {
	campus.Display
	Tills []place          `json:"tills"`
	Mine  *campus.CardView `json:"mine"`
}

func (s *Server) tillOf(r *http.Request) (*campus.Till, error) {
	t, ok := s.campus.Till(r.PathValue("id"))
	if !ok {
		return nil, &refusal{http.StatusNotFound, "no_till", "这台收银机还没有登记"}
	}
	return t, nil
}

func (s *Server) viewTill(t *campus.Till, me campus.Person) tillView {
	v := tillView{Display: t.Display(), Tills: []place{}}
	for _, other := range s.campus.Tills() {
		d := other.Display()
		v.Tills = append(v.Tills, place{d.Terminal, d.Merchant})
	}
	chip := s.campus.Chip(me)
	v.Mine = &campus.CardView{CardNo: chip.CardNo(), Name: me.Name, Chip: chip.Peek()}
	return v
}

func (s *Server) till(r *http.Request, me campus.Person) (any, error) {
	t, err := s.tillOf(r)
	if err != nil {
		return nil, err
	}
	return s.viewTill(t, me), nil
}

// mostFen is what a till here takes at once.
const mostFen = 100_000

func (s *Server) tillSwipe(r *http.Request, me campus.Person) (any, error) {
	t, err := s.tillOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		AmountFen int64  `json:"amount_fen"`
		Pull      string `json:"pull"` // before, after or empty
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if in.AmountFen <= 0 || in.AmountFen > mostFen {
		return nil, &refusal{http.StatusUnprocessableEntity, "amount", "金额要在 0.01 到 1000 元之间"}
	}
	t.Swipe(r.Context(), s.campus.Chip(me), in.AmountFen, tears[in.Pull])
	return s.viewTill(t, me), nil
}

// tears are the ways to pull a card out, as the page names them.
var tears = map[string]terminal.Tear{"before": terminal.BeforeWrite, "after": terminal.AfterWrite}

func (s *Server) tillOnline(r *http.Request, me campus.Person) (any, error) {
	t, err := s.tillOf(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Online bool `json:"online"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	t.SetOnline(r.Context(), in.Online)
	return s.viewTill(t, me), nil
}

// faultView is one switch.
type faultView struct {
	ID campus.Fault `json:"id"`
	On bool         `json:"on"`
}

func (s *Server) faults(*http.Request, campus.Person) (any, error) {
	on := s.campus.Switched()
	list := []faultView{}
	for _, f := range campus.AllFaults {
		list = append(list, faultView{f, on[f]})
	}
	return struct {
		Faults []faultView `json:"faults"`
		Power  bool        `json:"power"` // the product can be switched off and on here
		Up     bool        `json:"up"`
	}{list, s.cfg.Power != nil, s.cfg.ProductUp == nil || s.cfg.ProductUp()}, nil
}

func (s *Server) faultSwitch(r *http.Request, me campus.Person) (any, error) {
	var in struct {
		On bool `json:"on"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	switch id := r.PathValue("id"); {
	case id == "revoke_tokens":
		s.campus.RevokeTokens()
	case id == "power" && s.cfg.Power != nil:
		if err := s.cfg.Power(r.Context(), in.On); err != nil {
			return nil, err
		}
	default:
		if err := s.campus.Switch(campus.Fault(id), in.On); err != nil {
			return nil, &refusal{http.StatusNotFound, "no_fault", "没有这个开关"}
		}
	}
	return s.faults(r, me)
}
