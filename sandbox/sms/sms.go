// Package sms is Tencent Cloud SMS in small: it takes SendSms and DescribeSmsTemplateList of API version 2021-01-11 as the service does, signature and
// limits included, and keeps what phones would have shown in memory.
//
// Tests and the sandbox's inbox read it; the product reaches it as it would reach the service, with the official SDK, only
// at another address. No phone ever rings. The pages followed are https://cloud.tencent.com/document/product/382/55981
// (SendSms), https://cloud.tencent.com/document/product/382/52078 (signature v3) and
// https://cloud.tencent.com/document/product/382/52079 (answers).
package sms

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Config makes a Server. SecretID, SecretKey, AppID, SignNames and Templates are required.
type Config struct {
	SecretID, SecretKey string
	AppID               string            // SmsSdkAppId
	SignNames           []string          // approved, without brackets
	Templates           map[string]string // approved, for codes, by TemplateId; {1}, {2} … are variables
	Regions             []string          // default those of the service
	Limits              Limits
	Keep                int // messages kept, default 1,000; older ones go

	Now       func() time.Time // default time.Now
	OnMessage func(Message)    // called for each message kept, before its sender is answered
	Trace     func(Exchange)   // called for each call, when it is answered
}

// Limits are how many messages one number gets. 0 is the service's own, negative is none.
type Limits struct {
	ThirtySeconds int // default 1
	Hour          int // default 5
	Day           int // default 10; days begin at midnight in Beijing
}

// Message is one SMS as it arrived.
type Message struct {
	ID          int       `json:"id"` // counts from 1
	Time        time.Time `json:"time"`
	PhoneNumber string    `json:"phone_number"` // E.164
	Text        string    `json:"text"`         // with the signature in 【】
	SignName    string    `json:"sign_name"`
	TemplateID  string    `json:"template_id"`
	Params      []string  `json:"params"`
	SerialNo    string    `json:"serial_no"`
	Fee         int       `json:"fee"` // messages charged for
}

// Exchange is one call and its answer.
type Exchange struct {
	At       time.Time
	Action   string // X-TC-Action as sent
	Status   int    // HTTP status; 0: cut off without an answer
	Code     string // Ok, else the first error code in the answer
	Request  string
	Response string
	Took     time.Duration
}

// Faults are what can go wrong. The zero value is none.
type Faults struct {
	Code   string        `json:"code,omitempty"`   // refuse each number with this code: LimitExceeded.AppDailyLimit …
	Error  string        `json:"error,omitempty"`  // answer the whole call with this error: InternalError …
	Status int           `json:"status,omitempty"` // answer with this HTTP status and no JSON: 502 …
	Down   bool          `json:"down,omitempty"`   // cut the connection
	Delay  time.Duration `json:"delay,omitempty"`  // before any answer
	Lose   bool          `json:"lose,omitempty"`   // say Ok, and throw away
	Times  int           `json:"times,omitempty"`  // so many calls only; 0: until changed
}

// Server is one service. Its methods may be called from any goroutine.
type Server struct {
	cfg Config

	mu       sync.Mutex
	changed  chan struct{} // closed and replaced at each message
	messages []Message
	nextID   int
	sent     map[string][]time.Time // by number, oldest first
	faults   Faults
	left     int // calls left, if faults.Times > 0
}

// New makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.SecretID == "" || cfg.SecretKey == "" || cfg.AppID == "" || len(cfg.SignNames) == 0 || len(cfg.Templates) == 0 {
		return nil, errors.New("sms: SecretID, SecretKey, AppID, SignNames and Templates are needed")
	}
	for id, template := range cfg.Templates {
		if _, err := countVariables(template); err != nil {
			return nil, fmt.Errorf("sms: template %s: %w", id, err)
		}
	}
	if len(cfg.Regions) == 0 {
		cfg.Regions = []string{"ap-beijing", "ap-guangzhou", "ap-nanjing"}
	}
	cfg.Limits = Limits{or(cfg.Limits.ThirtySeconds, 1), or(cfg.Limits.Hour, 5), or(cfg.Limits.Day, 10)}
	cfg.Keep = or(max(cfg.Keep, 0), 1000)
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	return &Server{cfg: cfg, changed: make(chan struct{}), sent: map[string][]time.Time{}}, nil
}

func or(n, preset int) int {
	if n == 0 {
		return preset
	}
	return n
}

// Messages returns what arrived, oldest first.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.copyMessages()
}

func (s *Server) copyMessages() []Message {
	messages := slices.Clone(s.messages)
	for i := range messages {
		messages[i].Params = slices.Clone(messages[i].Params)
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

// Clear empties the inbox. The limits remember.
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

// fault returns what goes wrong with this call, and counts it down.
func (s *Server) fault() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faults.Times > 0 {
		if s.left == 0 {
			return Faults{}
		}
		s.left--
	}
	return s.faults
}

// keep stores a message and tells of it.
func (s *Server) keep(m Message) {
	s.mu.Lock()
	s.nextID++
	m.ID = s.nextID
	if len(s.messages) >= s.cfg.Keep {
		s.messages = slices.Clone(s.messages[len(s.messages)-s.cfg.Keep+1:])
	}
	s.messages = append(s.messages, m)
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if s.cfg.OnMessage != nil {
		m.Params = slices.Clone(m.Params)
		s.cfg.OnMessage(m)
	}
}
