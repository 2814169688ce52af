package web

import (
	"net/http"
	"slices"
	"strconv"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wechatpay"
)

// payCheck does what WeChat does before it shows the cashier.
func (s *Server) payCheck(r *http.Request, me campus.Person) (any, error) {
	o, _, err := s.orderOf(r, me)
	if err != nil {
		return nil, err
	}
	return struct {
		AmountFen   int64  `json:"amount_fen"`
		Description string `json:"description"`
	}{o.TotalFen, o.Description}, nil
}

func (s *Server) orderOf(r *http.Request, me campus.Person) (wechatpay.Order, wechatpay.BridgeParams, error) {
	var p wechatpay.BridgeParams
	if err := read(r, &p); err != nil {
		return wechatpay.Order{}, p, err
	}
	if err := s.campus.Pay.PaySignOK(p); err != nil {
		return wechatpay.Order{}, p, err
	}
	o, ok := s.campus.Pay.OrderByPrepayID(p.PrepayID())
	switch {
	case !ok:
		return o, p, wechatpay.ErrUnknownOrder
	case o.OpenID != s.campus.OpenID(me):
		return o, p, wechatpay.ErrWrongPayer
	case o.State != "NOTPAY":
		return o, p, wechatpay.ErrNotPayable
	}
	return o, p, nil
}

func (s *Server) pay(r *http.Request, me campus.Person) (any, error) {
	_, p, err := s.orderOf(r, me)
	if err != nil {
		return nil, err
	}
	_, err = s.campus.Pay.Pay(r.Context(), p.PrepayID(), s.campus.OpenID(me), wechatpay.PayOptions{})
	s.campus.Hub.Publish(campus.TopicPay, "")
	return nil, err
}

func (s *Server) payCancel(r *http.Request, me campus.Person) (any, error) {
	_, p, err := s.orderOf(r, me)
	if err != nil {
		return nil, err
	}
	return nil, s.campus.Pay.Cancel(p.PrepayID())
}

// payOrders lists the payment codes that wait, newest first.
func (s *Server) payOrders(*http.Request, campus.Person) (any, error) {
	open := []wechatpay.Order{}
	for _, o := range slices.Backward(s.campus.Pay.Orders()) {
		if o.TradeType == "NATIVE" && o.State == "NOTPAY" && s.campus.Pay.Now().Before(o.ExpiresAt) {
			open = append(open, o)
		}
	}
	return open, nil
}

func (s *Server) payScan(r *http.Request, me campus.Person) (any, error) {
	var in struct {
		CodeURL string `json:"code_url"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	_, err := s.campus.Pay.PayCodeURL(r.Context(), in.CodeURL, s.campus.OpenID(me), wechatpay.PayOptions{})
	s.campus.Hub.Publish(campus.TopicPay, "")
	return nil, err
}

func (s *Server) mails(*http.Request, campus.Person) (any, error) { return s.campus.Mails(), nil }

// line is an entry of the inspector with the person's name.
type line struct {
	campus.Entry
	Who string `json:"who,omitempty"`
}

func (s *Server) timeline(r *http.Request, _ campus.Person) (any, error) {
	after, err := strconv.Atoi(r.URL.Query().Get("after"))
	if err != nil {
		after = 0
	}
	lines := []line{}
	for _, e := range s.campus.Timeline.Since(after) {
		p, _ := s.campus.Person(e.UserID)
		lines = append(lines, line{e, p.Name})
	}
	return lines, nil
}

func (s *Server) timelineEntry(r *http.Request, _ campus.Person) (any, error) {
	seq, err := strconv.Atoi(r.PathValue("seq"))
	if err == nil {
		if e, ok := s.campus.Timeline.Entry(seq); ok {
			return e, nil
		}
	}
	return nil, &refusal{http.StatusNotFound, "no_entry", "这条记录已经不在了"}
}

// machineView is a machine as the page shows it: its screen, the other machines, and the card in the visitor's hand.
type machineView struct {
	campus.Screen
	Machines []place          `json:"machines"`
	Mine     *campus.CardView `json:"mine"`
}

type place struct {
	ID       string `json:"id"`
	Location string `json:"location"`
}

func (s *Server) machine(r *http.Request) (*campus.Machine, error) {
	m, ok := s.campus.Machine(r.PathValue("id"))
	if !ok {
		return nil, &refusal{http.StatusNotFound, "no_machine", "这台机器还没有登记"}
	}
	return m, nil
}

func (s *Server) view(m *campus.Machine, me campus.Person) machineView {
	v := machineView{Screen: m.Screen(), Machines: []place{}}
	for _, other := range s.campus.Machines() {
		screen := other.Screen()
		v.Machines = append(v.Machines, place{screen.Terminal, screen.Location})
	}
	chip := s.campus.Chip(me)
	v.Mine = &campus.CardView{CardNo: chip.CardNo(), Name: me.Name, Chip: chip.Peek()}
	return v
}

func (s *Server) kiosk(r *http.Request, me campus.Person) (any, error) {
	m, err := s.machine(r)
	if err != nil {
		return nil, err
	}
	return s.view(m, me), nil
}

func (s *Server) kioskInsert(r *http.Request, me campus.Person) (any, error) {
	m, err := s.machine(r)
	if err != nil {
		return nil, err
	}
	if err := m.Insert(me, s.campus.Chip(me)); err != nil {
		return nil, err
	}
	return s.view(m, me), nil
}

func (s *Server) kioskPIN(r *http.Request, me campus.Person) (any, error) {
	m, err := s.machine(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		PIN string `json:"pin"`
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := m.EnterPIN(r.Context(), in.PIN); err != nil {
		return nil, err
	}
	return s.view(m, me), nil
}

func (s *Server) kioskClaim(r *http.Request, me campus.Person) (any, error) {
	m, err := s.machine(r)
	if err != nil {
		return nil, err
	}
	var in struct {
		Pull string `json:"pull"` // before, after or empty
	}
	if err := read(r, &in); err != nil {
		return nil, err
	}
	if err := m.Claim(tears[in.Pull]); err != nil {
		return nil, err
	}
	return s.view(m, me), nil
}

func (s *Server) kioskRemove(r *http.Request, me campus.Person) (any, error) {
	m, err := s.machine(r)
	if err != nil {
		return nil, err
	}
	m.Remove()
	return s.view(m, me), nil
}
