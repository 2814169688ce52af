package wecom

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// How much is kept, so that a load test does not fill the memory.
const (
	keepMessages = 2000  // a conversation
	keepSent     = 10000 // message/send calls, and with them what can be updated or recalled
	keepTasks    = 200000
	keepWarnings = 1000
)

// Server is one simulated corp. Its methods may be called from any goroutine.
type Server struct {
	cfg    Config
	client *http.Client

	randMu sync.Mutex // cfg.Rand need not be safe for concurrent use

	mu            sync.Mutex
	changed       chan struct{} // closed and replaced at each change, for Await
	apps          map[int]App
	appOrder      []int
	members       map[string]Member // by lower-case UserID
	memberOrder   []string
	conversations map[conversationKey][]*Message
	nextMessage   int
	nextMsgID     uint64
	sent          []*sentMessage
	sentByID      map[string]*sentMessage
	duplicates    map[string]duplicate
	taskIDs       map[taskKey]bool
	taskOrder     []taskKey // oldest first, to forget
	sendTimes     map[conversationKey][]time.Time
	daily         map[int]dayCount
	responseCodes map[string]*responseCode
	menus         map[int]Menu
	tokens        map[string]*token
	tokenTimes    map[int][]time.Time // of gettoken, by AgentID, for Strict.TokenLimit
	called        map[string]*apiCount
	tickets       map[string]*ticket
	oauthCodes    map[string]*oauthCode
	userTickets   map[string]*userTicket
	joinCodes     map[string]time.Time // until when they are good
	faults        Faults
	faultLeft     map[string]int // calls left of a Fault with Times, by its name; "" is Faults.All
	stats         Stats
	warnings      []Warning
}

type conversationKey struct {
	user  string // lower-case UserID
	agent int
}

// New checks the configuration and makes a Server.
func New(cfg Config) (*Server, error) {
	if cfg.CorpID == "" || len(cfg.Apps) == 0 {
		return nil, errors.New("wecom: CorpID and at least one app are needed")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.CallbackTimeout <= 0 {
		cfg.CallbackTimeout = 5 * time.Second
	}
	if cfg.VerifyTimeout <= 0 {
		cfg.VerifyTimeout = time.Second
	}
	client := http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 30 * time.Second}}
	if cfg.HTTPClient != nil {
		client = *cfg.HTTPClient
	}
	// A redirect is a status other than 200, hence a failed delivery.
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

	s := &Server{
		cfg: cfg, client: &client,
		changed:       make(chan struct{}),
		apps:          map[int]App{},
		members:       map[string]Member{},
		conversations: map[conversationKey][]*Message{},
		nextMsgID:     uint64(cfg.Now().UnixMilli()) << 21, // 19 digits, as the real ones
		sentByID:      map[string]*sentMessage{},
		duplicates:    map[string]duplicate{},
		taskIDs:       map[taskKey]bool{},
		sendTimes:     map[conversationKey][]time.Time{},
		daily:         map[int]dayCount{},
		responseCodes: map[string]*responseCode{},
		menus:         map[int]Menu{},
		tokens:        map[string]*token{},
		tokenTimes:    map[int][]time.Time{},
		called:        map[string]*apiCount{},
		tickets:       map[string]*ticket{},
		oauthCodes:    map[string]*oauthCode{},
		userTickets:   map[string]*userTicket{},
		joinCodes:     map[string]time.Time{},
		faultLeft:     map[string]int{},
		stats:         Stats{Calls: map[string]int{}, Errors: map[int]int{}},
	}
	for _, app := range cfg.Apps {
		if err := s.setApp(app); err != nil {
			return nil, err
		}
	}
	for _, m := range cfg.Members {
		if err := s.setMember(m); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// CorpID returns the corp's id.
func (s *Server) CorpID() string { return s.cfg.CorpID }

// SetApp replaces the app with the same AgentID, or adds one. A changed Secret revokes the app's token.
func (s *Server) SetApp(app App) error {
	if err := s.setApp(app); err != nil {
		return err
	}
	s.notify("")
	return nil
}

func (s *Server) setApp(app App) error {
	if app.AgentID <= 0 || app.Secret == "" {
		return errors.New("wecom: an app needs an AgentID above 0 and a Secret")
	}
	if _, err := newSeal(app.Token, app.EncodingAESKey); err != nil {
		return fmt.Errorf("wecom: app %d: %w", app.AgentID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, known := s.apps[app.AgentID]
	if !known {
		s.appOrder = append(s.appOrder, app.AgentID)
	}
	s.apps[app.AgentID] = app
	if known && old.Secret != app.Secret {
		s.dropTokens(app.AgentID, false)
	}
	return nil
}

// SetMember replaces the member with the same UserID, or adds one.
func (s *Server) SetMember(m Member) error {
	if err := s.setMember(m); err != nil {
		return err
	}
	s.notify("")
	return nil
}

func (s *Server) setMember(m Member) error {
	if len(m.UserID) < 1 || len(m.UserID) > 64 || strings.ContainsAny(m.UserID, "|/ ") {
		return fmt.Errorf("wecom: UserID %q is not 1 to 64 bytes without | / and space", m.UserID)
	}
	m.Departments, m.OutOfRange = slices.Clone(m.Departments), slices.Clone(m.OutOfRange)
	s.mu.Lock()
	defer s.mu.Unlock()
	key := strings.ToLower(m.UserID)
	if _, known := s.members[key]; !known {
		s.memberOrder = append(s.memberOrder, key)
	}
	s.members[key] = m
	return nil
}

// Apps returns the apps, in the order they were added.
func (s *Server) Apps() []App {
	s.mu.Lock()
	defer s.mu.Unlock()
	apps := make([]App, 0, len(s.appOrder))
	for _, id := range s.appOrder {
		apps = append(apps, s.apps[id])
	}
	return apps
}

// Members returns the members, in the order they were added.
func (s *Server) Members() []Member {
	s.mu.Lock()
	defer s.mu.Unlock()
	members := make([]Member, 0, len(s.memberOrder))
	for _, key := range s.memberOrder {
		members = append(members, s.members[key].clone())
	}
	return members
}

func (m Member) clone() Member {
	m.Departments, m.OutOfRange = slices.Clone(m.Departments), slices.Clone(m.OutOfRange)
	return m
}

// lets says whether the app's list of trusted addresses holds this one.
func (a App) lets(ip string) bool { return len(a.TrustedIPs) == 0 || slices.Contains(a.TrustedIPs, ip) }

// inRange says whether the app's visible range holds the member.
func (m Member) inRange(agentID int) bool { return !slices.Contains(m.OutOfRange, agentID) }

// Conversation returns the messages between a member and an app, oldest first.
func (s *Server) Conversation(userID string, agentID int) []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.conversation(userID, agentID)
}

func (s *Server) conversation(userID string, agentID int) []Message {
	stored := s.conversations[conversationKey{strings.ToLower(userID), agentID}]
	messages := make([]Message, len(stored))
	for i, m := range stored {
		messages[i] = *m // what its pointers lead to is replaced, never changed
	}
	return messages
}

// Await returns the first message of a conversation, past or to come, for which match is true, or ctx's error.
func (s *Server) Await(ctx context.Context, userID string, agentID int, match func(Message) bool) (Message, error) {
	for {
		s.mu.Lock()
		messages, changed := s.conversation(userID, agentID), s.changed
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

// add puts a message into its conversation; the caller holds mu and notifies afterwards.
func (s *Server) add(m Message) *Message {
	s.nextMessage++
	m.ID = fmt.Sprintf("m%d", s.nextMessage)
	m.Time = s.cfg.Now()
	if m.Card != nil {
		m.State = &CardState{}
	}
	if m.From == FromApp && s.members[strings.ToLower(m.UserID)].WeChatOnly {
		m.Unseen = m.Kind == KindTemplateCard || m.Kind == KindMarkdown
	}
	key := conversationKey{strings.ToLower(m.UserID), m.AgentID}
	list := append(s.conversations[key], &m)
	if len(list) > keepMessages {
		list = slices.Clone(list[len(list)-keepMessages:])
	}
	s.conversations[key] = list
	return &m
}

// notify wakes Await and tells OnChange; the caller does not hold mu.
func (s *Server) notify(userIDs ...string) {
	s.mu.Lock()
	close(s.changed)
	s.changed = make(chan struct{})
	s.mu.Unlock()
	if s.cfg.OnChange != nil {
		for _, id := range userIDs {
			s.cfg.OnChange(id)
		}
	}
}

func (s *Server) log(e Event) {
	if s.cfg.Log != nil {
		s.cfg.Log(e)
	}
}

// warn records a Warning; the caller holds mu.
func (s *Server) warn(agentID int, where, field, text string) {
	if len(s.warnings) == keepWarnings {
		s.warnings = s.warnings[1:]
	}
	s.warnings = append(s.warnings, Warning{Time: s.cfg.Now(), AgentID: agentID, Where: where, Field: field, Text: text})
}

// Warnings returns what was let pass but should not have been sent, oldest first.
func (s *Server) Warnings() []Warning {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// Sent returns the accepted message/send calls, oldest first.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	sent := make([]Sent, len(s.sent))
	for i, m := range s.sent {
		sent[i] = m.Sent
	}
	return sent
}

// Stats returns the counters.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Calls, stats.Errors = maps.Clone(stats.Calls), maps.Clone(stats.Errors)
	return stats
}

// random returns n random bytes. A failing source is answered like a busy server.
func (s *Server) random(n int) ([]byte, error) {
	b := make([]byte, n)
	s.randMu.Lock()
	defer s.randMu.Unlock()
	if _, err := io.ReadFull(s.cfg.Rand, b); err != nil {
		return nil, fmt.Errorf("wecom: random source: %w", err)
	}
	return b, nil
}

// randomID returns n random bytes in URL-safe letters.
func (s *Server) randomID(n int) (string, error) {
	b, err := s.random(n)
	return base64.RawURLEncoding.EncodeToString(b), err
}

func (s *Server) randomHex(n int) (string, error) {
	b, err := s.random(n)
	return hex.EncodeToString(b), err
}
