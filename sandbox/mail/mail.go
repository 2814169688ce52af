// Package mail is a mail server for the sandbox: it takes mail for any address over SMTP and keeps it, parsed, in memory.
//
// Tests and the sandbox's inbox read it; the product reaches it as it would reach any submission server, with or
// without STARTTLS and AUTH. Nothing is ever sent on.
package mail

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/emersion/go-smtp"
)

// Config makes a Server. The zero value takes mail of up to 1 MiB from anyone, without TLS.
type Config struct {
	Domain             string // the server's name, default localhost
	TLS                bool   // offer STARTTLS with a certificate made at New, valid for Domain and loopback
	Username, Password string // not empty: AUTH PLAIN or LOGIN is needed, over TLS if there is TLS
	MaxBytes           int64  // of one message, default 1 MiB
	Keep               int    // messages kept, default 1,000; older ones go

	Now       func() time.Time // default time.Now
	OnMessage func(Message)    // called for each message kept, before the sender gets its 250
}

// Message is one mail as it arrived.
type Message struct {
	ID      int       `json:"id"` // counts from 1
	Time    time.Time `json:"time"`
	From    string    `json:"from"` // envelope sender
	To      []string  `json:"to"`   // envelope recipients
	Subject string    `json:"subject"`
	Header  Header    `json:"header"`
	Text    string    `json:"text"`           // of all text/plain parts, lines end in \n
	HTML    string    `json:"html,omitempty"` // of all text/html parts
	Raw     string    `json:"raw"`
	TLS     bool      `json:"tls"`               // came over TLS
	User    string    `json:"user,omitempty"`    // who authenticated
	Problem string    `json:"problem,omitempty"` // why the content could not be read in full
}

// Header holds the decoded header fields that people look at.
type Header struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Date      string `json:"date,omitempty"`
	MessageID string `json:"message_id,omitempty"`
}

// Faults are what can go wrong. The zero value is none.
type Faults struct {
	Code  int           `json:"code,omitempty"`  // refuse with this reply: 421, 451, 550 …
	Stage string        `json:"stage,omitempty"` // where: mail, rcpt or data; default rcpt
	Delay time.Duration `json:"delay,omitempty"` // before the end of DATA is answered
	Lose  bool          `json:"lose,omitempty"`  // accept, and throw away
	Times int           `json:"times,omitempty"` // so many refusals only; 0: until changed
}

// Server is one mail server. Its methods may be called from any goroutine.
type Server struct {
	cfg  Config
	smtp *smtp.Server
	cert []byte // PEM
	done chan struct{}

	mu       sync.Mutex
	listener net.Listener
	changed  chan struct{} // closed and replaced at each message
	messages []Message
	nextID   int
	faults   Faults
	left     int // refusals left, if faults.Times > 0
	closed   bool
}

// New makes a Server that does not listen yet.
func New(cfg Config) (*Server, error) {
	if cfg.Domain == "" {
		cfg.Domain = "localhost"
	}
	if cfg.MaxBytes <= 0 {
		cfg.MaxBytes = 1 << 20
	}
	if cfg.Keep <= 0 {
		cfg.Keep = 1000
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	s := &Server{cfg: cfg, changed: make(chan struct{}), done: make(chan struct{})}
	s.smtp = smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &session{server: s, conn: c}, nil
	}))
	s.smtp.Domain = cfg.Domain
	s.smtp.MaxMessageBytes = cfg.MaxBytes
	s.smtp.MaxRecipients = 100
	s.smtp.ReadTimeout = time.Minute
	s.smtp.WriteTimeout = time.Minute
	s.smtp.AllowInsecureAuth = !cfg.TLS
	s.smtp.EnableSMTPUTF8 = true
	s.smtp.ErrorLog = log.New(io.Discard, "", 0)
	if cfg.TLS {
		if err := s.makeCertificate(); err != nil {
			return nil, fmt.Errorf("mail: certificate: %w", err)
		}
	}
	return s, nil
}

// Start listens on addr (port 0 picks one) and serves until Close.
func (s *Server) Start(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	s.mu.Lock()
	if s.listener != nil || s.closed {
		s.mu.Unlock()
		return errors.Join(errors.New("mail: started before"), l.Close())
	}
	s.listener = l
	s.mu.Unlock()
	go func() { _ = s.smtp.Serve(l) }() // ends with Close
	return nil
}

// Addr returns host:port, or "" before Start.
func (s *Server) Addr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Close stops listening and cuts the open connections.
func (s *Server) Close() error {
	s.mu.Lock()
	started, again := s.listener != nil, s.closed
	l := s.listener
	s.closed = true
	s.mu.Unlock()
	if again {
		return nil
	}
	close(s.done)
	if !started {
		return nil
	}
	// Serve may not have taken the listener over yet, so it is closed here as well.
	err := s.smtp.Close()
	if cerr := l.Close(); err == nil && !errors.Is(cerr, net.ErrClosed) {
		err = cerr
	}
	return err
}

// CertificatePEM returns the certificate that STARTTLS shows, for a client's list of roots; nil without TLS.
func (s *Server) CertificatePEM() []byte { return slices.Clone(s.cert) }

// Messages returns what arrived, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copyMessages()
}

func (s *Server) copyMessages() []Message {
	messages := slices.Clone(s.messages)
	for i := range messages {
		messages[i].To = slices.Clone(messages[i].To)
	}
	return messages
}

// Await returns the first message, past or to come, for which match is true, or ctx's error.
func (s *Server) Await(ctx context.Context, match func(Message) bool) (Message, error) {
	for {
		s.mu.Lock()
		messages, changed := s.copyMessages(), s.changed
		s.mu.Unlock()
		if i := slices.IndexFunc(messages, match); i >= 0 {
			return messages[i], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, ctx.Err()
		}
	}
}

// Clear empties the inbox.
func (s *Server) Clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = nil
}

// SetFaults replaces the faults; Faults{} ends them.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.left = f, f.Times
}

// Faults returns the faults in force.
func (s *Server) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// refusal returns what a stage is answered instead of being carried out, and counts it.
func (s *Server) refusal(stage string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := s.faults.Stage
	if at == "" {
		at = "rcpt"
	}
	if s.faults.Code == 0 || at != stage {
		return nil
	}
	if s.faults.Times > 0 {
		if s.left == 0 {
			return nil
		}
		s.left--
	}
	return &smtp.SMTPError{Code: s.faults.Code, EnhancedCode: smtp.EnhancedCode{s.faults.Code / 100, 0, 0}, Message: "refused on purpose"}
}

// keep stores a message and tells of it.
func (s *Server) keep(m Message) {
	s.mu.Lock()
	s.nextID++
	m.ID, m.Time = s.nextID, s.cfg.Now()
	if len(s.messages) >= s.cfg.Keep {
		s.messages = slices.Clone(s.messages[len(s.messages)-s.cfg.Keep+1:])
	}
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if s.cfg.OnMessage != nil {
		m.To = slices.Clone(m.To)
		s.cfg.OnMessage(m)
	}
}

func (s *Server) makeCertificate() error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	now := time.Now() // of the machine: clients check validity against their own clock
	template := x509.Certificate{
		SerialNumber: big.NewInt(now.UnixNano()), Subject: pkix.Name{CommonName: s.cfg.Domain},
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true, IsCA: true,
		DNSNames: []string{s.cfg.Domain, "localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, key.Public(), key)
	if err != nil {
		return err
	}
	s.cert = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	s.smtp.TLSConfig = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}, MinVersion: tls.VersionTLS12}
	return nil
}
