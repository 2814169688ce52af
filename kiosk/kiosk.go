// Package kiosk is the API that terminals speak: self-service machines under
// /kiosk/v1/ and tills under /pos/v1/, JSON over HTTPS, each request signed
// with the terminal's own secret. openapi.yaml, served from here, is the text
// that integrators read. The machine's screen under /kiosk/ is served here too.
//
// A terminal proves itself first ([API] checks signature, clock, nonce, state
// and kind, in that order), a card holder at a machine then proves themselves
// by the query password, and only then is the store asked. What is on a card
// is known to its chip alone, so every act that loads one carries what the
// reader read off it; the store judges it and its books are the truth about
// what is still owed. Nothing here decides about money.
package kiosk

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"xiaoka/kiosk/screen"
	"xiaoka/ledger"
)

// Store is what the terminals need of the books. Each method is one
// transaction.
type Store interface {
	Terminal(ctx context.Context, id string) (ledger.Terminal, error)
	UseNonce(ctx context.Context, terminalID, nonce string, now time.Time) error

	// PINFailed counts a wrong query password against the machine; suspended is
	// set when it was one too many. *ledger.SuspendedError: it was suspended
	// before.
	PINFailed(ctx context.Context, terminalID string, now time.Time) (suspended time.Time, err error)

	Holder(ctx context.Context, cardNo string) (ledger.Holder, error)
	PendingTransfers(ctx context.Context, personID int64, now time.Time) ([]ledger.Transfer, error)
	TransfersBetween(ctx context.Context, personID int64, from, to, now time.Time) ([]ledger.Transfer, error)

	Authorise(ctx context.Context, r ledger.ClaimRequest) (ledger.Claim, error)
	ConfirmClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, now time.Time) (ledger.Claim, error)
	CancelClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, reason string, now time.Time) (ledger.Claim, error)

	IngestConsumptions(ctx context.Context, terminalID string, records []ledger.Consumption, now time.Time) (ledger.Ingested, error)
	Blacklist(ctx context.Context, terminalID string, since int64, now time.Time) (ledger.Blacklist, error)

	Audit(ctx context.Context, e ledger.AuditEntry) error
}

// Passwords checks query passwords. Verify counts the try before it judges;
// initial reports that the password is right and still the one everybody
// knows. Person 0 stands for nobody on record: the same work, never a yes. It
// returns *ledger.PasswordWrongError or *ledger.PasswordLockedError.
type Passwords interface {
	Verify(ctx context.Context, personID int64, pin string) (initial bool, err error)
}

// Config is what an [API] lives by. Everything without a default is required.
type Config struct {
	Store     Store
	Passwords Passwords

	SealKey [32]byte // opens the terminals' secrets, see [Seal]
	HashKey [32]byte // hashes the bodies of claims: they hold the PIN

	// OnSuspended hears of each machine that is suspended; nil = nobody.
	OnSuspended func()

	// RequireChange: the initial password opens nothing here.
	RequireChange bool
	ClaimExpire   time.Duration // after it an unconfirmed claim is in doubt; default 2 min
	MaxBalance    ledger.Fen    // on a chip at most

	Zone *time.Location   // of months and of times in answers; default UTC
	Now  func() time.Time // default time.Now
	Log  *slog.Logger     // default slog.Default
}

// API answers terminals. It is safe for concurrent use; replicas share only
// the store.
type API struct {
	cfg Config

	mu       sync.Mutex
	limiters map[string]*rate.Limiter // by id of registered terminals
}

// New returns an API that lives by cfg.
func New(cfg Config) *API {
	if cfg.ClaimExpire <= 0 {
		cfg.ClaimExpire = 2 * time.Minute
	}
	if cfg.Zone == nil {
		cfg.Zone = time.UTC
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.OnSuspended == nil {
		cfg.OnSuspended = func() {}
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &API{cfg: cfg, limiters: map[string]*rate.Limiter{}}
}

// route is one call: who may make it, how much it may carry, what answers it.
type route struct {
	pattern string
	kind    ledger.TerminalKind
	limit   int64 // bytes of the body
	serve   func(*API, *call) error
}

// smallBody is plenty for every call about one card.
const smallBody = 64 << 10

var routes = []route{
	{"POST /kiosk/v1/accounts/lookup", ledger.Kiosk, smallBody, (*API).lookup},
	{"POST /kiosk/v1/transfers/query", ledger.Kiosk, smallBody, (*API).transfers},
	{"POST /kiosk/v1/claims", ledger.Kiosk, smallBody, (*API).claimAtKiosk},
	{"POST /kiosk/v1/claims/{id}/confirm", ledger.Kiosk, smallBody, (*API).confirm},
	{"POST /kiosk/v1/claims/{id}/cancel", ledger.Kiosk, smallBody, (*API).cancel},
	{"GET /kiosk/v1/blacklist", ledger.Kiosk, smallBody, (*API).blacklist},
	{"POST /pos/v1/claims", ledger.POS, smallBody, (*API).claimAtPOS},
	{"POST /pos/v1/claims/{id}/confirm", ledger.POS, smallBody, (*API).confirm},
	{"POST /pos/v1/claims/{id}/cancel", ledger.POS, smallBody, (*API).cancel},
	{"POST /pos/v1/consumptions", ledger.POS, batchBody, (*API).consumptions},
	{"GET /pos/v1/blacklist", ledger.POS, smallBody, (*API).blacklist},
}

// Routes registers every address of this package with mux.
func (a *API) Routes(mux *http.ServeMux) {
	for _, r := range routes {
		mux.Handle(r.pattern, a.handler(r))
	}
	unknown := func(w http.ResponseWriter, r *http.Request) { a.fail(w, r, "", errNoSuchAddress) }
	mux.HandleFunc("/kiosk/v1/", unknown)
	mux.HandleFunc("/pos/v1/", unknown)
	mux.Handle("/kiosk/", screen.Handler(a.cfg.Zone))
	mux.HandleFunc("GET /openapi.yaml", serveOpenAPI)
}

// call is one authenticated request.
type call struct {
	ctx      context.Context
	r        *http.Request
	w        http.ResponseWriter
	terminal ledger.Terminal
	body     []byte
	now      time.Time
}

func (a *API) handler(rt route) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := &call{ctx: r.Context(), r: r, w: w, now: a.cfg.Now()}
		err := a.authenticate(c, rt)
		if err == nil {
			err = rt.serve(a, c)
		}
		if err != nil {
			a.fail(w, r, c.terminal.ID, err)
		}
	})
}

// time renders a moment as answers carry it.
func (a *API) time(t time.Time) string { return t.In(a.cfg.Zone).Format(time.RFC3339) }
