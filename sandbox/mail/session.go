package mail

import (
	"crypto/subtle"
	"io"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// session is one SMTP connection; go-smtp calls it from one goroutine.
type session struct {
	server *Server
	conn   *smtp.Conn
	user   string
	from   string
	to     []string
}

// AuthMechanisms lists what EHLO offers: nothing if the server needs no AUTH.
func (s *session) AuthMechanisms() []string {
	if s.server.cfg.Username == "" {
		return nil
	}
	return []string{sasl.Plain, sasl.Login}
}

// Auth begins one exchange.
func (s *session) Auth(mechanism string) (sasl.Server, error) {
	switch mechanism {
	case sasl.Plain:
		return sasl.NewPlainServer(func(_, username, password string) error { return s.login(username, password) }), nil
	case sasl.Login:
		return &loginServer{login: s.login}, nil
	}
	return nil, smtp.ErrAuthUnknownMechanism
}

func (s *session) login(username, password string) error {
	cfg := s.server.cfg
	name := subtle.ConstantTimeCompare([]byte(username), []byte(cfg.Username))
	pass := subtle.ConstantTimeCompare([]byte(password), []byte(cfg.Password))
	if cfg.Username == "" || name&pass != 1 {
		return smtp.ErrAuthFailed
	}
	s.user = username
	return nil
}

// loginServer is AUTH LOGIN, which go-sasl has for clients only.
type loginServer struct {
	login    func(username, password string) error
	asked    bool
	username *string
}

// Next takes the client's answer to the last question. An initial response counts as the user name.
func (l *loginServer) Next(response []byte) (challenge []byte, done bool, err error) {
	switch {
	case response == nil && !l.asked:
		l.asked = true
		return []byte("Username:"), false, nil
	case l.username == nil:
		name := string(response)
		l.asked, l.username = true, &name
		return []byte("Password:"), false, nil
	}
	return nil, true, l.login(*l.username, string(response))
}

func (s *session) Mail(from string, _ *smtp.MailOptions) error {
	if s.server.cfg.Username != "" && s.user == "" {
		return smtp.ErrAuthRequired
	}
	if err := s.server.refusal("mail"); err != nil {
		return err
	}
	s.from = from
	return nil
}

func (s *session) Rcpt(to string, _ *smtp.RcptOptions) error {
	if err := s.server.refusal("rcpt"); err != nil {
		return err
	}
	s.to = append(s.to, to)
	return nil
}

func (s *session) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	f := s.server.Faults()
	if f.Delay > 0 {
		timer := time.NewTimer(f.Delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-s.server.done:
		}
	}
	if err := s.server.refusal("data"); err != nil {
		return err
	}
	if f.Lose {
		return nil
	}
	m := parse(raw)
	m.From, m.To, m.User = s.from, s.to, s.user
	_, m.TLS = s.conn.TLSConnectionState()
	s.server.keep(m)
	return nil
}

func (s *session) Reset() { s.from, s.to = "", nil }

func (s *session) Logout() error { return nil }
