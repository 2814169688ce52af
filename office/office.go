// Package office serves the operators' page under /office/: what waits, what
// is in doubt, what differs, and how old it is. It shows and changes nothing;
// what is to be done about it are commands.
//
// [New] takes everything it needs in one [Config]; cmd/xiaoka mounts the
// [Pages] at /office/. The database is the truth for all that is shown, the
// configuration for who may look. An operator enters through WeCom OAuth, like
// a member into the pages for phones, but with a session of its own. Numbers
// and names are masked; only an auditor opens a person's page, which is
// written into the audit log before it is shown. To everybody else every
// address is one that does not exist.
package office

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"xiaoka/ledger"
)

// Role is what an address asks for and what an operator has. Each includes
// the ones before it.
type Role int

// The roles.
const (
	Open    Role = iota // anybody: the way in, and what the pages are drawn with
	Viewer              // sees how the house stands, with numbers and names masked
	Auditor             // opens a person's page too
)

// Config is what New needs. Times and randomness have defaults, the rest is
// required.
type Config struct {
	PublicURL string // https://card.example.edu.cn, no trailing slash
	OAuthURL  string // https://open.weixin.qq.com
	CorpID    string
	AgentID   int             // of the card app, whose trusted domain PublicURL is
	Operators map[string]Role // by userid; empty = there is no such page

	Store   Store
	Keep    Keep
	Members Members

	Location *time.Location   // in which times are shown; default time.Local
	Now      func() time.Time // default time.Now
	Rand     io.Reader        // default crypto/rand.Reader
	Log      *slog.Logger     // default slog.Default
}

// Store is the part of the database the pages read, and the audit log they
// write. Its errors are ledger sentinels.
type Store interface {
	Overview(ctx context.Context, now time.Time) (ledger.Overview, error)
	DayReports(ctx context.Context, day time.Time) ([]ledger.DayReport, error)
	PersonByID(ctx context.Context, id int64) (ledger.Person, error)
	Balance(ctx context.Context, personID int64, now time.Time) (ledger.Balance, error)
	Transfers(ctx context.Context, personID int64, limit int, now time.Time) ([]ledger.Transfer, error)
	AuditOf(ctx context.Context, personID int64, limit int) ([]ledger.AuditEntry, error)
	Audit(ctx context.Context, e ledger.AuditEntry) error
}

// Keep holds OAuth states and sessions while they live. What is lost costs a
// silent login.
type Keep interface {
	Put(ctx context.Context, key, value string, ttl time.Duration) error
	// Get and Take answer ErrNotFound of ledger for what is not there or has
	// expired; Take removes it in one step.
	Get(ctx context.Context, key string) (string, error)
	Take(ctx context.Context, key string) (string, error)
}

// Members exchanges an OAuth code for the member's userid.
// https://developer.work.weixin.qq.com/document/path/91023
type Members interface {
	UserInfo(ctx context.Context, code string) (userID string, err error)
}

// ErrStranger of Members: the code names no member of the corp.
var ErrStranger = errors.New("not a member of the corp")

// Route is one address of the pages.
type Route struct {
	Method  string // empty = any
	Pattern string // of net/http's ServeMux
	Role    Role

	handle func(*visit) error
}

// Routes lists every address of the pages with the role it needs.
func Routes() []Route {
	return []Route{
		{"", "/office/", Viewer, (*visit).nowhere},
		{"GET", "/office/static/{file}", Open, (*visit).static},
		{"GET", "/office/oauth/callback", Open, (*visit).callback},
		{"GET", "/office/{$}", Viewer, (*visit).overview},
		{"GET", "/office/days/{day}", Viewer, (*visit).day},
		{"GET", "/office/people/{id}", Auditor, (*visit).person},
		{"POST", "/office/leave", Viewer, (*visit).leave},
	}
}

// Pages is the http.Handler of everything under /office/.
type Pages struct {
	Config
	handler http.Handler
	drawn   drawings
	secure  bool // cookies only over https
}

// New checks the configuration and prepares the templates.
func New(cfg Config) (*Pages, error) {
	public, err := url.Parse(cfg.PublicURL)
	switch {
	case err != nil || public.Host == "" || strings.HasSuffix(cfg.PublicURL, "/"):
		return nil, fmt.Errorf("office: the public address %q is not one", cfg.PublicURL)
	case cfg.Store == nil || cfg.Keep == nil || cfg.Members == nil:
		return nil, errors.New("office: a part is missing")
	}
	operators := map[string]Role{}
	for id, role := range cfg.Operators {
		operators[ledger.NormalUserID(id)] = role
	}
	cfg.Operators = operators
	if cfg.Location == nil {
		cfg.Location = time.Local
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	p := &Pages{Config: cfg, secure: public.Scheme == "https"}
	if p.drawn, err = newDrawings(cfg.Location, cfg.Now); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.Handle(strings.TrimSpace(route.Method+" "+route.Pattern), p.serve(route))
	}
	own := http.NewCrossOriginProtection()
	if err := own.AddTrustedOrigin(public.Scheme + "://" + public.Host); err != nil {
		return nil, fmt.Errorf("office: %w", err)
	}
	p.handler = own.Handler(mux)
	return p, nil
}

func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) { p.handler.ServeHTTP(w, r) }
