// Package campus joins the simulators into one made-up university: its people and their cards, two WeCom apps, a
// merchant, a mail server, an SMS service and machines, with everything a product needs to be configured against them
// written into a directory. The command xiaoka-sandbox opens one and runs the product before it; sandbox/web shows it in a browser.
//
// What must outlive a restart is in that directory: keys and secrets (campus.json), people (people.csv), what chips and
// machines know (cards.json), the first steps people have done (journeys.json) and the product's own database.
// Conversations, mails and WeChat Pay's orders are in memory and end with the process, as does the merchant's RSA key, which is made anew at each start.
package campus

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"xiaoka/sandbox/mail"
	"xiaoka/sandbox/mishap"
	"xiaoka/sandbox/sms"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

// Config says which campus to open. Dir and PublicURL are required.
type Config struct {
	Dir       string // holds an earlier campus, or is empty or missing
	PublicURL string // where phones and machines reach the product, no trailing slash
	People    int    // of a new campus; default 200

	// WeComOnly opens WeCom alone, with these apps: no pay, no mail, no machines, nothing on file. Dir is not needed then.
	WeComOnly []Agent

	WritePause time.Duration                                // how long writing a chip takes at a machine; default 1.2 s
	WeChatKeys *wechatpay.Keys                              // default made, which takes half a second
	HTTPClient *http.Client                                 // for callbacks and machines; default one without proxies
	AutoMember func(*http.Request) (userID string, ok bool) // whose phone opens an OAuth link
	Mishaps    *mishap.Dice                                 // which calls of WeCom and WeChat Pay go a little wrong; nil: none
}

// Campus is an open campus. Its simulators may be used directly.
type Campus struct {
	Hub      Hub
	Timeline Timeline
	WeCom    *wecom.Server
	Pay      *wechatpay.Server
	Mail     *mail.Server
	SMS      *sms.Server

	cfg      Config
	people   []Person
	byUser   map[string]Person
	cards    *cards
	servers  []*http.Server
	settings Settings
	stop     context.CancelFunc
	ctx      context.Context
	wait     sync.WaitGroup
	faults   switches

	mu       sync.Mutex
	state    State
	offset   time.Duration
	machines []*Machine
	tills    []*Till
	journeys map[string]Journey
}

// Open makes a new campus in Config.Dir or continues the one that is there, and starts its simulators on loopback.
func Open(cfg Config) (*Campus, error) {
	if cfg.PublicURL == "" || cfg.Dir == "" && cfg.WeComOnly == nil {
		return nil, errors.New("campus: Dir and PublicURL are needed")
	}
	if cfg.People <= 0 {
		cfg.People = 200
	}
	if cfg.WritePause == 0 {
		cfg.WritePause = 1200 * time.Millisecond
	}
	if cfg.HTTPClient == nil {
		cfg.HTTPClient = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second}}
	}
	c := &Campus{cfg: cfg, byUser: map[string]Person{}, journeys: map[string]Journey{}}
	c.ctx, c.stop = context.WithCancel(context.Background())
	c.Timeline.changed = func() { c.Hub.Publish(TopicTimeline, "") }
	if cfg.WeComOnly != nil {
		c.people, c.state = MakePeople(cfg.People), State{CorpID: newState().CorpID, Agents: cfg.WeComOnly}
		c.index()
		if err := c.startWeCom(); err != nil {
			c.Close()
			return nil, err
		}
		return c, nil
	}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("campus: %w", err)
	}
	if err := c.load(); err != nil {
		return nil, err
	}
	if err := c.start(); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// load reads or makes what the directory holds.
func (c *Campus) load() error {
	state, found, err := loadState(c.cfg.Dir)
	if err != nil {
		return err
	}
	file := filepath.Join(c.cfg.Dir, PeopleFile)
	if !found {
		state = newState()
		c.people = MakePeople(c.cfg.People)
		var b strings.Builder
		if err := WriteCSV(&b, c.people); err != nil {
			return fmt.Errorf("campus: %w", err)
		}
		if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
			return fmt.Errorf("campus: %w", err)
		}
		if err := writeJSON(filepath.Join(c.cfg.Dir, stateFile), state); err != nil {
			return err
		}
	} else {
		f, err := os.Open(file)
		if err != nil {
			return fmt.Errorf("campus: %w", err)
		}
		defer f.Close()
		if c.people, err = ReadCSV(f); err != nil {
			return err
		}
	}
	for i := range state.Agents {
		state.Agents[i].Callback = c.cfg.PublicURL + []string{"/wecom/assistant", "/wecom/card"}[i]
	}
	c.state = state
	c.index()
	if err := c.loadJourneys(); err != nil {
		return err
	}
	var old cardsOnFile
	if c.cards, old, err = loadCards(c.cfg.Dir, c.people); err != nil {
		return err
	}
	for _, t := range state.Terminals {
		if t.Secret == "" {
			continue
		}
		if err := c.addTerminal(t, old); err != nil {
			return err
		}
	}
	return nil
}

func (c *Campus) index() {
	for _, p := range c.people {
		c.byUser[strings.ToLower(p.UserID)] = p
	}
}

// PeopleFile is the name of the CSV for `xiaoka people import` in the campus's directory.
const PeopleFile = "people.csv"

// Close stops the simulators. What is on file stays.
func (c *Campus) Close() {
	c.stop()
	for _, m := range c.Machines() {
		m.wait.Wait()
	}
	if c.Pay != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
		defer cancel()
		_ = c.Pay.Close(ctx) // a notification that hangs longer is cut off with its listener
	}
	if c.Mail != nil {
		_ = c.Mail.Close() // nothing of it outlives the process
	}
	for _, s := range c.servers {
		_ = s.Close()
	}
	c.wait.Wait()
}

// replayer delivers confirms that the server has not acknowledged, as a machine does when its line is back.
func (c *Campus) replayer() {
	tick := time.NewTicker(3 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-tick.C:
		}
		for _, m := range c.Machines() {
			if m.waiting() {
				ctx, cancel := context.WithTimeout(c.ctx, callTimeout)
				m.Replay(ctx)
				cancel()
			}
		}
		for _, t := range c.Tills() {
			t.Upload(c.ctx)
		}
	}
}

// Now is the campus's clock.
func (c *Campus) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.offset)
}

// SetClockOffset moves the clock of the simulators; the product keeps its own.
func (c *Campus) SetClockOffset(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.offset = d
}

// ClockOffset is what SetClockOffset set.
func (c *Campus) ClockOffset() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.offset
}

// State returns what the campus remembers.
func (c *Campus) State() State {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.state
	s.Agents, s.Terminals = slices.Clone(s.Agents), slices.Clone(s.Terminals)
	return s
}

// WriteSettings writes the product's configuration for one that listens on listen and returns the file's path.
func (c *Campus) WriteSettings(listen, databaseURL, redisURL string) (string, error) {
	s := c.settings
	s.Listen, s.PublicURL, s.OAuthURL = listen, c.cfg.PublicURL, c.cfg.PublicURL
	s.DatabaseURL, s.RedisURL, s.Operator = databaseURL, redisURL, c.Operator().UserID
	s.MchID, s.SerialNo, s.PublicKeyID = c.Pay.MchID(), c.Pay.SerialNo(), c.Pay.PublicKeyID()
	s.PrivateKeyPEM, s.PublicKeyPEM = c.Pay.MerchantPrivateKeyPEM(), c.Pay.PublicKeyPEM()
	return filepath.Join(c.cfg.Dir, ConfigFile), writeSettings(c.cfg.Dir, c.State(), s)
}

// SetImported notes that the people are in the product's database.
func (c *Campus) SetImported() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.Imported = true
	return writeJSON(filepath.Join(c.cfg.Dir, stateFile), c.state)
}

// SetTerminalSecret notes the secret, in base64, that the product printed for a terminal, and sets the machine up.
func (c *Campus) SetTerminalSecret(id, secret string) error {
	c.mu.Lock()
	i := slices.IndexFunc(c.state.Terminals, func(t Terminal) bool { return t.ID == id })
	if i < 0 {
		c.mu.Unlock()
		return fmt.Errorf("campus: no terminal %s", id)
	}
	c.state.Terminals[i].Secret = secret
	t := c.state.Terminals[i]
	err := writeJSON(filepath.Join(c.cfg.Dir, stateFile), c.state)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return c.addTerminal(t, cardsOnFile{})
}

// addTerminal sets up a machine or till with what it knew before.
func (c *Campus) addTerminal(t Terminal, old cardsOnFile) error {
	secret, err := base64.StdEncoding.DecodeString(t.Secret)
	if err != nil {
		return fmt.Errorf("campus: the secret of terminal %s is not base64", t.ID)
	}
	client := &terminal.Client{
		BaseURL: c.cfg.PublicURL, TerminalID: t.ID, Secret: secret, Now: c.Now,
		HTTP: &http.Client{Transport: traced{terminal: t.ID, next: c.cfg.HTTPClient.Transport, timeline: &c.Timeline}},
	}
	changed := func() { c.Hub.Publish(TopicKiosk, "") }
	if t.Kind == "pos" {
		till := newTill(t, client, old.Tills[t.ID])
		till.changed, till.save = changed, c.saveCards
		c.mu.Lock()
		defer c.mu.Unlock()
		c.tills = append(c.tills, till)
		return nil
	}
	m := newMachine(t, client, old.Journals[t.ID], c.cfg.WritePause)
	m.changed, m.save = changed, c.saveCards
	c.mu.Lock()
	defer c.mu.Unlock()
	c.machines = append(c.machines, m)
	return nil
}

func (c *Campus) saveCards() {
	if err := c.cards.save(c.Machines(), c.Tills()); err != nil {
		c.Timeline.add(Entry{At: c.Now(), System: "sandbox", Name: cardsFile, Problem: err.Error()})
	}
}

// Machines returns the self-service machines that have a secret.
func (c *Campus) Machines() []*Machine {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.machines)
}

// Machine returns the machine of a terminal; false if there is none.
func (c *Campus) Machine(id string) (*Machine, bool) {
	for _, m := range c.Machines() {
		if m.terminal.ID == id {
			return m, true
		}
	}
	return nil, false
}

// People returns everybody, the demo student first.
func (c *Campus) People() []Person { return c.people }

// Person returns the person with that UserID; false if there is none.
func (c *Campus) Person(userID string) (Person, bool) {
	p, ok := c.byUser[strings.ToLower(userID)]
	return p, ok
}

// Operator is who runs the cards: the first of the staff, who may open the operators' page.
func (c *Campus) Operator() Person {
	for _, p := range c.people {
		if p.Type == "staff" {
			return p
		}
	}
	return c.people[0]
}

// Chip returns a person's card.
func (c *Campus) Chip(p Person) *terminal.Chip { return c.cards.chips[p.UserID] }

// OpenID is the person's at WeChat, empty for one who never bound it.
func (c *Campus) OpenID(p Person) string { return p.member(c.state.CorpID).OpenID }

// Loaded reports whether money was ever written to the person's card: its chip counts that.
func (c *Campus) Loaded(p Person) bool { return c.Chip(p).Peek().LoadSeq > 0 }
