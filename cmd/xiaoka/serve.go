package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/net/netutil"

	"xiaoka/bot"
	"xiaoka/config"
	"xiaoka/guide"
	"xiaoka/h5"
	"xiaoka/handlers"
	"xiaoka/handlers/intent"
	"xiaoka/identity"
	"xiaoka/kiosk"
	"xiaoka/ledger"
	"xiaoka/office"
	"xiaoka/pay"
	"xiaoka/store"
)

type serveCmd struct{}

// drain is how long requests and pushes in hand may take to finish after
// SIGTERM.
const drain = 15 * time.Second

// Run serves until it is told to stop, then finishes what is in hand.
func (serveCmd) Run(p *program) error {
	cfg, s, err := p.ready(config.Serve)
	if err != nil {
		return err
	}
	defer s.Close()
	log := newLog(cfg.Log, p.stderr)
	short, err := openRedis(cfg.RedisURL.Reveal())
	if err != nil {
		return err
	}
	defer short.close()
	house, err := build(cfg, s, short, log)
	if err != nil {
		return err
	}
	queue, err := s.StartQueue(p.ctx, house.work(cfg))
	if err != nil {
		return err
	}
	go house.guide.Keep(p.ctx)
	err = house.listen(p.ctx, cfg, log)
	stop, cancel := context.WithTimeout(context.WithoutCancel(p.ctx), drain)
	defer cancel()
	return errors.Join(err, queue.Stop(stop))
}

// house is everything that serves, joined.
type house struct {
	store     *store.Store
	short     *shortLived
	meters    *meters
	release   *time.Timer // gives memory back
	merchant  *pay.Merchant
	limits    *bot.Limits
	pusher    *handlers.Push
	newcomers *handlers.Newcomers
	lossCards *handlers.LossCards
	spoken    func(ctx context.Context, userID string) ledger.Lang
	assistant *bot.Callback
	card      *bot.Callback
	pages     *h5.Pages
	office    *office.Pages
	guide     *guide.Guide
	terminals *kiosk.API
}

// build joins the packages. It makes no call to the outside: a restart while
// WeCom or WeChat Pay is down must not take the service with it.
func build(cfg *config.Config, s *store.Store, short *shortLived, log *slog.Logger) (*house, error) {
	h := &house{store: s, short: short, meters: newMeters(), release: time.AfterFunc(quiet, giveBack)}
	h.meters.registry.MustRegister(&watch{read: s.Watch, now: now, log: log})
	senders, err := senders(cfg, log)
	if err != nil {
		return nil, err
	}
	codes := identity.NewCodes(identity.CodeOptions{Store: s, MasterKey: cfg.SecretKey.Reveal(), TTL: cfg.OTP.TTL, Senders: senders,
		HourlyMax: cfg.OTP.HourlyMax, OnCapped: h.meters.capped.Inc})
	passwords := identity.NewPasswords(identity.PasswordOptions{Store: s, MasterKey: cfg.SecretKey.Reveal(), OnHash: h.hashed})
	h.merchant, err = merchant(cfg, s, log)
	if err != nil {
		return nil, err
	}
	charts, err := h5.NewCharts(cfg.PublicURL, identity.DeriveKey(cfg.SecretKey.Reveal(), "statement pictures"))
	if err != nil {
		return nil, err
	}
	cardClient, err := h.chat(cfg, codes, charts, log)
	if err != nil {
		return nil, err
	}
	h.pages, err = h5.New(h5.Config{
		PublicURL: cfg.PublicURL, OAuthURL: cfg.WeCom.OAuthURL, CorpID: cfg.WeCom.CorpID, AgentID: int(cfg.WeCom.Card.AgentID),
		Amounts: fens(cfg.TopUp.Amounts), Min: ledger.Fen(cfg.TopUp.Min), Max: ledger.Fen(cfg.TopUp.Max),
		MaxBalance: ledger.Fen(cfg.Card.MaxBalance), Expire: cfg.TopUp.Expire,
		RequireOwnPassword: cfg.Card.RequirePasswordChange, Location: cfg.Timezone,
		Store: s, States: states{short}, Members: members{cardClient}, Codes: codes, Passwords: passwords, Payments: payments{h.merchant},
		Newcomers: h.newcomers, LossCards: h.lossCards, Charts: charts, Spoken: h.spoken, Log: log,
	})
	if err != nil {
		return nil, err
	}
	if h.office, err = operators(cfg, s, short, cardClient, log); err != nil {
		return nil, err
	}
	if h.guide, err = h.newGuide(cfg, log); err != nil {
		return nil, err
	}
	h.terminals = kiosk.New(kiosk.Config{
		Store: s, Passwords: passwords, SealKey: sealKey(cfg), HashKey: identity.DeriveKey(cfg.SecretKey.Reveal(), "claim bodies"),
		RequireChange: cfg.Card.RequirePasswordChange, ClaimExpire: cfg.Claim.Expire, MaxBalance: ledger.Fen(cfg.Card.MaxBalance),
		OnSuspended: h.meters.suspended.Inc, Zone: cfg.Timezone, Log: log,
	})
	return h, nil
}

// hashed counts an evaluated password hash. Each takes 19 MiB for a moment;
// once no more come, the memory is given back rather than kept for the next.
func (h *house) hashed() {
	h.meters.hashes.Inc()
	h.release.Reset(quiet)
}

// quiet is how long after the start, and after the last hash, the memory of
// what is done is given back.
const quiet = 2 * time.Second

// senders are the ways codes travel.
func senders(cfg *config.Config, log *slog.Logger) (map[ledger.Channel]identity.Sender, error) {
	mail, err := identity.NewSMTP(identity.SMTPOptions{URL: cfg.SMTP.URL.Reveal(), From: cfg.SMTP.From})
	if err != nil {
		return nil, err
	}
	senders := map[ledger.Channel]identity.Sender{ledger.Email: mail}
	if !cfg.SMS.Offered() {
		return senders, nil
	}
	senders[ledger.Phone], err = newSMS(cfg.SMS, log)
	return senders, err
}

func newSMS(c config.SMS, log *slog.Logger) (*identity.SMS, error) {
	return identity.NewSMS(identity.SMSOptions{
		Endpoint: c.Endpoint, SecretID: c.SecretID.Reveal(), SecretKey: c.SecretKey.Reveal(),
		AppID: c.AppID, SignName: c.SignName, TemplateID: c.TemplateID, Region: c.Region, Log: log,
	})
}

// chat joins both apps and returns the card app's client.
func (h *house) chat(cfg *config.Config, codes *identity.Codes, charts *h5.Charts, log *slog.Logger) (*bot.Client, error) {
	apps, err := handlers.New(handlers.Config{
		Store: h.store, Codes: codes, Pace: handlers.RedisPace{Redis: h.short}, Presses: states{h.short}, Understand: understand,
		PublicURL: cfg.PublicURL, CodeTTL: cfg.OTP.TTL,
		Amounts: fens(cfg.TopUp.Amounts), Min: ledger.Fen(cfg.TopUp.Min), Max: ledger.Fen(cfg.TopUp.Max),
		RequireOwnPassword: cfg.Card.RequirePasswordChange, Quiet: cfg.Push.QuietHours.End,
		Chart: charts.URL, MaxBalance: ledger.Fen(cfg.Card.MaxBalance), Contact: contact(cfg.Contact), Zone: cfg.Timezone, Log: log,
	})
	if err != nil {
		return nil, err
	}
	shared := bot.NewRedis(h.short, log)
	h.limits = bot.NewLimits(bot.LimitsConfig{Redis: h.short, Accounts: h.store.People, Log: log})
	if _, h.assistant, err = h.app(cfg, handlers.AssistantApp, cfg.WeCom.Assistant, apps.Assistant, shared, log); err != nil {
		return nil, err
	}
	client, callback, err := h.app(cfg, handlers.CardApp, cfg.WeCom.Card, apps.Card, shared, log)
	if err != nil {
		return nil, err
	}
	h.card = callback
	h.pusher = apps.Push(client)
	h.newcomers, h.lossCards, h.spoken = apps.Newcomers(), apps.LossCards(client), apps.Spoken
	return client, nil
}

// app joins one app: its client, its router and its callback.
func (h *house) app(cfg *config.Config, name string, agent config.Agent, routes func(*bot.Router), shared *bot.Redis, log *slog.Logger) (*bot.Client, *bot.Callback, error) {
	app := bot.App{Name: name, CorpID: cfg.WeCom.CorpID, AgentID: agent.AgentID}
	client, err := bot.NewClient(bot.ClientConfig{App: app, Secret: agent.Secret.Reveal(), BaseURL: cfg.WeCom.APIURL, Redis: h.short, Limits: h.limits,
		Log: log})
	if err != nil {
		return nil, nil, err
	}
	router := bot.NewRouter(bot.RouterConfig{
		App: app, Sender: client, Tasks: handlers.PushTasks{Tasks: tasks{h.store}, People: h.store, AgentID: agent.AgentID}, Once: shared, Log: log,
		OnRefused: func(ctx context.Context, m *bot.Message, reason string) {
			h.meters.refused.WithLabelValues(name).Inc()
			h.auditRefusal(ctx, m, reason, log)
			log.WarnContext(ctx, "card press refused", "app", name, "userid", m.From(), "event_key", m.EventKey, "task_id", m.TaskID, "reason", reason)
		},
		Observe: func(route, outcome string, took time.Duration) {
			h.meters.messages.WithLabelValues(name, route, outcome).Observe(took.Seconds())
		},
	})
	routes(router)
	callback, err := bot.NewCallback(bot.CallbackConfig{App: app, Token: agent.Token.Reveal(), EncodingAESKey: agent.AESKey.Reveal(),
		Dispatcher: router, Seen: shared, Turns: shared, Log: log})
	return client, callback, err
}

// auditRefusal writes into the card's audit log that somebody pressed a card
// that was sent to its holder.
func (h *house) auditRefusal(ctx context.Context, m *bot.Message, reason string, log *slog.Logger) {
	e := ledger.AuditEntry{At: now(), Actor: "member " + m.From(), Action: "press_refused", Detail: m.EventKey + ": " + reason}
	if k, err := h.store.Task(ctx, m.TaskID); err == nil {
		if owner, err := h.store.PersonByUserID(ctx, k.UserID); err == nil {
			e.PersonID, e.CardNo = owner.ID, owner.CardNo
		}
	}
	if err := h.store.Audit(ctx, e); err != nil {
		log.ErrorContext(ctx, "refused press not audited", "err", err)
	}
}

// understand joins the reader of texts to the handlers.
func understand(text string, today time.Time) handlers.Said {
	found := intent.Candidates(text, today)
	said := handlers.Said{Intent: string(intent.None), Unsure: len(found) > 0 && found[0].Confidence < intent.Sure}
	for _, c := range found {
		said.Likely = append(said.Likely, string(c.Intent))
		if c.AmountFen != nil {
			said.Amount = ledger.Fen(*c.AmountFen)
		}
		said.Month = cmp.Or(said.Month, c.Month)
	}
	// What comes after None is a guess, never acted on.
	if u := intent.Understand(text, today); u.Intent != intent.None {
		said.Intent, said.Amount, said.Month = string(u.Intent), 0, u.Month
		if u.AmountFen != nil {
			said.Amount = ledger.Fen(*u.AmountFen)
		}
	}
	return said
}

// work is what the queue does: pushes, and what nobody asks for but time.
func (h *house) work(cfg *config.Config) store.Work {
	return store.Work{
		Concurrency: cfg.Push.Concurrency,
		Push: func(ctx context.Context, e ledger.Event) error {
			err := h.push(ctx, e)
			outcome := "sent"
			var later *store.Snooze
			switch {
			case errors.As(err, &later):
				outcome = "postponed"
			case err != nil:
				outcome = "failed"
			}
			h.meters.pushes.WithLabelValues(string(e.Kind), outcome).Inc()
			return err
		},
		Dead: func(e ledger.Event, reason string) { h.meters.dead.WithLabelValues(string(e.Kind), reason).Inc() },
		Periodic: []store.Periodic{
			{Name: "poll open payments", Every: 30 * time.Second, Run: h.merchant.Poll},
			{Name: "send and follow refunds", Every: 30 * time.Second, Run: h.merchant.Refunds},
			{Name: "reconcile", Every: 10 * time.Minute, Timeout: 30 * time.Minute, Run: h.merchant.Daily},
			{Name: "move what is left on replaced cards", Every: 10 * time.Minute, Run: func(ctx context.Context) error { return h.store.MoveReplaced(ctx, now()) }},
			{Name: "expire orders", Every: time.Minute, Run: func(ctx context.Context) error { return h.store.ExpireOrders(ctx, now()) }},
			{Name: "doubts", Every: 15 * time.Second, Run: func(ctx context.Context) error {
				_, err := h.store.TellDoubts(ctx, now())
				return err
			}},
			{Name: "statements", Every: 30 * time.Minute, Run: func(ctx context.Context) error { return h.statements(ctx, cfg) }},
			{Name: "reminders", Every: time.Hour, Run: func(ctx context.Context) error {
				_, err := h.store.RemindUnclaimed(ctx, now())
				return err
			}},
			{Name: "sweep", Every: 10 * time.Minute, Run: func(ctx context.Context) error { return h.store.Sweep(ctx, now()) }},
		},
	}
}

// statements tells of last month's statements on the 1st, once the tills had
// the night to send what they sold offline. The two days after make good for
// a server that was down.
func (h *house) statements(ctx context.Context, cfg *config.Config) error {
	const morning, lastDay = 8, 3
	at := now().In(cfg.Timezone)
	if at.Day() > lastDay || at.Hour() < morning {
		return nil
	}
	_, err := h.store.GiveStatements(ctx, ledger.MonthOf(at)-1, at)
	return err
}

// push sends one event and says in the queue's words what to do when it
// cannot.
func (h *house) push(ctx context.Context, e ledger.Event) error {
	err := h.pusher.Send(ctx, e)
	var later *handlers.LaterError
	switch {
	case errors.As(err, &later):
		return &store.Snooze{For: later.After}
	case errors.Is(err, handlers.ErrGiveUp):
		return fmt.Errorf("%w: %w", store.ErrGiveUp, err)
	}
	return err
}

// routes is every address of the server.
func (h *house) routes(cfg *config.Config) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/wecom/assistant", h.assistant)
	mux.Handle("/wecom/card", h.card)
	mux.Handle("POST /wechatpay/notify", h.merchant.Notify())
	mux.Handle("POST /wechatpay/refund-notify", h.merchant.RefundNotify())
	mux.Handle("/h5/", h.pages)
	mux.Handle("/office/", h.office)
	h.terminals.Routes(mux)
	h.guide.Routes(mux)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.ready)
	if cfg.Metrics.Listen == "" {
		mux.Handle("GET /metrics", loopbackOnly(h.meters.handler()))
	}
	return h.meters.watch(mux)
}

// ready answers 200 only while the database and Redis do.
func (h *house) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := h.store.Ping(ctx); err != nil {
		http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
		return
	}
	if err := h.short.Ping(ctx).Err(); err != nil {
		http.Error(w, "Redis does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ready")
}

// maxConns bounds open connections, so that slow clients cannot use up the
// process's files.
const maxConns = 4096

// listen serves until ctx ends, then lets requests in hand finish.
func (h *house) listen(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	servers := []*http.Server{server(cfg.Listen, h.routes(cfg), log)}
	if cfg.Metrics.Listen != "" {
		own := server(cfg.Metrics.Listen, h.meters.own(), log)
		own.WriteTimeout = 2 * time.Minute // a profile takes its time
		servers = append(servers, own)
	}
	failed := make(chan error, len(servers))
	for _, s := range servers {
		l, err := net.Listen("tcp", s.Addr)
		if err != nil {
			return fmt.Errorf("listen on %s: %w", s.Addr, err)
		}
		go func() { failed <- s.Serve(netutil.LimitListener(l, maxConns)) }()
		log.Info("listening", "address", l.Addr().String(), "public_url", cfg.PublicURL)
	}
	var err error
	select {
	case <-ctx.Done():
		log.Info("stopping; finishing what is in hand")
	case err = <-failed:
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), drain)
	defer cancel()
	for _, s := range servers {
		err = errors.Join(err, s.Shutdown(stop))
	}
	return err
}

func server(addr string, handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{Addr: addr, Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second,
		WriteTimeout: 15 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug)}
}

// contact is where people help, in the chat's words.
func contact(c config.Contact) handlers.Contact {
	out := handlers.Contact{Office: handlers.Words(c.Office), Phone: c.Phone, Hours: handlers.Words(c.Hours)}
	for _, m := range c.Machines {
		out.Machines = append(out.Machines, handlers.Words(m))
	}
	return out
}
