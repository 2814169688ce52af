package wecom

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Say sends a text as the member and waits until the app acknowledged it or the repeats are used up (ErrCallback). The
// message is in the conversation at once, the app's passive reply before Say returns.
func (s *Server) Say(ctx context.Context, userID string, agentID int, text string) (Delivery, error) {
	app, m, err := s.pair(userID, agentID)
	if err != nil {
		return Delivery{}, err
	}
	s.mu.Lock()
	s.nextMsgID++
	msgID := strconv.FormatUint(s.nextMsgID, 10)
	said := s.add(Message{UserID: m.UserID, AgentID: agentID, From: FromMember, Kind: KindText, Text: text, MsgID: msgID})
	s.mu.Unlock()
	s.notify(m.UserID)

	var x document
	s.opening(&x, m.UserID, "text")
	x.cdata("Content", text)
	x.plain("MsgId", msgID)
	d, err := s.deliver(ctx, callback{app: app, userID: m.UserID, name: "text", msgID: msgID, xml: x.closing(agentID)})
	if err != nil {
		s.mu.Lock()
		said.Failed = true
		s.mu.Unlock()
		s.notify(m.UserID)
	}
	return d, err
}

// Enter opens the app's chat (enter_agent).
func (s *Server) Enter(ctx context.Context, userID string, agentID int) (Delivery, error) {
	return s.event(ctx, userID, agentID, "enter_agent", "", nil)
}

// Subscribe brings the member into the app's visible range (subscribe).
func (s *Server) Subscribe(ctx context.Context, userID string, agentID int) (Delivery, error) {
	s.setRange(userID, agentID, true)
	return s.event(ctx, userID, agentID, "subscribe", "", nil)
}

// Unsubscribe takes the member out of the app's visible range (unsubscribe).
func (s *Server) Unsubscribe(ctx context.Context, userID string, agentID int) (Delivery, error) {
	d, err := s.event(ctx, userID, agentID, "unsubscribe", "", nil)
	s.setRange(userID, agentID, false)
	return d, err
}

func (s *Server) setRange(userID string, agentID int, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(userID)
	m, ok := s.members[key]
	if !ok {
		return
	}
	var out []int
	for _, id := range m.OutOfRange {
		if id != agentID {
			out = append(out, id)
		}
	}
	if !in {
		out = append(out, agentID)
	}
	m.OutOfRange = out
	s.members[key] = m
}

// Click presses a menu entry: by its key, or one of type view by its URL (the caller opens the page). Entries that scan
// are Scan's; ErrNotThere if the menu has no such entry.
func (s *Server) Click(ctx context.Context, userID string, agentID int, key string) (Delivery, error) {
	for _, b := range s.menuEntries(agentID) {
		switch {
		case b.Type == "click" && b.Key == key:
			return s.event(ctx, userID, agentID, "click", key, nil)
		case b.Type == "view" && b.URL == key:
			return s.event(ctx, userID, agentID, "view", key, nil)
		}
	}
	return Delivery{}, fmt.Errorf("%w: the menu has no %q to click", ErrNotThere, key)
}

// Scan uses a menu entry of type scancode_push or scancode_waitmsg; result is what the QR code held.
func (s *Server) Scan(ctx context.Context, userID string, agentID int, key, result string) (Delivery, error) {
	for _, b := range s.menuEntries(agentID) {
		if b.Key == key && strings.HasPrefix(b.Type, "scancode_") {
			return s.event(ctx, userID, agentID, b.Type, key, func(x *document) {
				x.open("ScanCodeInfo")
				x.cdata("ScanType", "qrcode")
				x.cdata("ScanResult", result)
				x.close("ScanCodeInfo")
			})
		}
	}
	return Delivery{}, fmt.Errorf("%w: the menu has no %q to scan with", ErrNotThere, key)
}

// menuEntries returns the entries that can be pressed, of both levels.
func (s *Server) menuEntries(agentID int) []MenuButton {
	menu, _ := s.Menu(agentID)
	var entries []MenuButton
	for _, b := range menu.Button {
		if len(b.SubButton) > 0 {
			entries = append(entries, b.SubButton...)
		} else {
			entries = append(entries, b)
		}
	}
	return entries
}

// event delivers an event without a card; more adds its own fields.
func (s *Server) event(ctx context.Context, userID string, agentID int, name, eventKey string, more func(*document)) (Delivery, error) {
	app, m, err := s.pair(userID, agentID)
	if err != nil {
		return Delivery{}, err
	}
	var x document
	s.opening(&x, m.UserID, "event")
	x.cdata("Event", name)
	x.cdata("EventKey", eventKey)
	if more != nil {
		more(&x)
	}
	return s.deliver(ctx, callback{app: app, userID: m.UserID, name: name, xml: x.closing(agentID)})
}

// Deliver encrypts any XML and posts it to the app's callback, for hostile and repeated input. A passive reply is shown
// to the member that its FromUserName names.
func (s *Server) Deliver(ctx context.Context, agentID int, rawXML string) (Delivery, error) {
	s.mu.Lock()
	app, ok := s.apps[agentID]
	s.mu.Unlock()
	if !ok {
		return Delivery{}, ErrNoApp
	}
	from, name := sender(rawXML)
	return s.deliver(ctx, callback{app: app, userID: from, name: name, xml: rawXML})
}

// pair finds the app and the member of a conversation.
func (s *Server) pair(userID string, agentID int) (App, Member, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	app, ok := s.apps[agentID]
	if !ok {
		return App{}, Member{}, fmt.Errorf("%w: %d", ErrNoApp, agentID)
	}
	m, ok := s.members[strings.ToLower(userID)]
	if !ok {
		return App{}, Member{}, fmt.Errorf("%w: %q", ErrNoMember, userID)
	}
	return app, m, nil
}

// document builds a callback's XML.
type document struct{ b strings.Builder }

func (x *document) open(name string)  { x.b.WriteString("<" + name + ">") }
func (x *document) close(name string) { x.b.WriteString("</" + name + ">") }

func (x *document) plain(name, value string) {
	x.open(name)
	x.b.WriteString(value)
	x.close(name)
}

// cdata writes any text; what XML cannot hold at all becomes U+FFFD.
func (x *document) cdata(name, value string) {
	value = strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(value, "\uFFFD"))
	x.plain(name, "<![CDATA["+strings.ReplaceAll(value, "]]>", "]]]]><![CDATA[>")+"]]>")
}

// opening writes what all messages and events begin with.
func (s *Server) opening(x *document, userID, msgType string) {
	x.open("xml")
	x.cdata("ToUserName", s.cfg.CorpID)
	x.cdata("FromUserName", userID)
	x.plain("CreateTime", strconv.FormatInt(s.cfg.Now().Unix(), 10))
	x.cdata("MsgType", msgType)
}

func (x *document) closing(agentID int) string {
	x.plain("AgentID", strconv.Itoa(agentID))
	x.close("xml")
	return x.b.String()
}
