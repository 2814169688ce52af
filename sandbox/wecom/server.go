package wecom

import (
	"context"
	"net/http"
)

// Server is one simulated corp. Its methods may be called from any goroutine.
type Server struct{}

// New checks the configuration and makes a Server.
func New(cfg Config) (*Server, error) { return &Server{}, nil }

// Handler serves /cgi-bin/… and /connect/oauth2/authorize; behind http.StripPrefix it works below any path.
func (s *Server) Handler() http.Handler { return http.NotFoundHandler() }

// Say sends a text as the member and waits until the app acknowledged it or the repeats are used up.
func (s *Server) Say(ctx context.Context, userID string, agentID int, text string) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Enter opens the app's chat (enter_agent).
func (s *Server) Enter(ctx context.Context, userID string, agentID int) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Subscribe brings the member into the app's visible range (subscribe), Unsubscribe takes them out of it.
func (s *Server) Subscribe(ctx context.Context, userID string, agentID int) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Unsubscribe takes the member out of the app's visible range (unsubscribe).
func (s *Server) Unsubscribe(ctx context.Context, userID string, agentID int) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Click presses a menu entry of type click by its key, or one of type view by its URL (view; the caller opens the page).
func (s *Server) Click(ctx context.Context, userID string, agentID int, key string) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Scan uses a menu entry of type scancode_push or scancode_waitmsg; result is what the code held.
func (s *Server) Scan(ctx context.Context, userID string, agentID int, key, result string) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Press presses a button, the submit button or a menu entry of a template card. selected maps question keys to option
// ids; questions left out keep what the card shows. messageID is Message.ID.
func (s *Server) Press(ctx context.Context, userID, messageID, eventKey string, selected map[string][]string) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// Deliver encrypts any XML and posts it to the app's callback, for hostile and duplicate input.
func (s *Server) Deliver(ctx context.Context, agentID int, rawXML string) (Delivery, error) {
	return Delivery{}, ErrNoCallback
}

// VerifyURL does what the console does when an administrator saves the callback: GET with an echostr.
func (s *Server) VerifyURL(ctx context.Context, agentID int) error { return ErrVerify }

// Conversation returns the messages between a member and an app in order, oldest first.
func (s *Server) Conversation(userID string, agentID int) []Message { return nil }

// Await returns the first message of a conversation, past or to come, for which match is true, or ctx's error.
func (s *Server) Await(ctx context.Context, userID string, agentID int, match func(Message) bool) (Message, error) {
	return Message{}, ctx.Err()
}

// Menu returns an app's menu; false if it has none.
func (s *Server) Menu(agentID int) (Menu, bool) { return Menu{}, false }

// Apps and Members return the configuration as it is now.
func (s *Server) Apps() []App { return nil }

// Members returns the members, in the order they were added.
func (s *Server) Members() []Member { return nil }

// SetApp replaces the app with the same AgentID, or adds one.
func (s *Server) SetApp(app App) error { return nil }

// SetMember replaces the member with the same UserID, or adds one.
func (s *Server) SetMember(m Member) error { return nil }

// Sent returns the accepted message/send calls, oldest first.
func (s *Server) Sent() []Sent { return nil }

// Stats returns the counters.
func (s *Server) Stats() Stats { return Stats{} }

// Warnings returns what was let pass but should not have been sent, oldest first.
func (s *Server) Warnings() []Warning { return nil }

// SetFaults replaces the faults; Faults{} ends them.
func (s *Server) SetFaults(f Faults) {}

// Faults returns the faults in force.
func (s *Server) Faults() Faults { return Faults{} }

// ExpireToken ends the app's access_token before its time: its next use is answered 42001.
func (s *Server) ExpireToken(agentID int) {}

// RevokeToken withdraws the app's access_token: its next use is answered 40014.
func (s *Server) RevokeToken(agentID int) {}
