// Package web is the campus in a browser: a desk with a phone, a self-service machine, the mail and an inspector, and
// behind the same address the product itself, so that its pages open inside the phone. The command xiaoka-sandbox serves
// it; a person plays there, and end-to-end tests drive it by its data-testid attributes (listed in static/app.js).
//
// It decides nothing: what is said, paid and loaded is the simulators' business, and the page shows what they hold. It has
// no login, and is meant for loopback only.
package web

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

//go:embed static
var static embed.FS

// Config makes a Server.
type Config struct {
	Campus    *campus.Campus
	PublicURL string      // the address this is served at, no trailing slash
	Product   *url.URL    // where the product listens; nil = the simulators alone
	ProductUp func() bool // whether its process runs; nil = always
	// Power pulls the product's plug or puts it in again; nil = not from here.
	Power func(ctx context.Context, on bool) error
	Log   *slog.Logger // default discards
}

// Server serves the page, its API, the OAuth page of WeCom and the product.
type Server struct {
	cfg    Config
	campus *campus.Campus
	proxy  *proxy
}

// New makes a Server.
func New(cfg Config) *Server {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{cfg: cfg, campus: cfg.Campus}
	s.proxy = newProxy(cfg, s.watch)
	return s
}

// phoneCookie says whose phone this browser holds.
const phoneCookie = "sandbox_phone"

// Phone returns the UserID whose phone the browser holds; ok is false for one that never opened the page. It is what
// campus.Config.AutoMember needs.
func Phone(r *http.Request) (userID string, ok bool) {
	c, err := r.Cookie(phoneCookie)
	if err != nil || c.Value == "" {
		return "", false
	}
	return c.Value, true
}

// Handler serves everything below the sandbox's address.
func (s *Server) Handler() http.Handler {
	files, err := fs.Sub(static, "static")
	if err != nil {
		panic(err) // the directory is embedded under exactly this name
	}
	api := http.NewServeMux()
	type endpoint = func(*http.Request, campus.Person) (any, error)
	endpoints := map[string]endpoint{
		"GET /sandbox/api/state":                s.state,
		"GET /sandbox/api/people":               s.people,
		"GET /sandbox/api/chats/{agent}":        s.chat,
		"POST /sandbox/api/chats/{agent}/enter": s.enter,
		"POST /sandbox/api/chats/{agent}/text":  s.say,
		"POST /sandbox/api/chats/{agent}/menu":  s.click,
		"POST /sandbox/api/chats/{agent}/scan":  s.scan,
		"POST /sandbox/api/chats/{agent}/press": s.press,
		"GET /sandbox/api/timeline":             s.timeline,
		"GET /sandbox/api/timeline/{seq}":       s.timelineEntry,
	}
	if s.campus.Pay != nil {
		maps.Copy(endpoints, map[string]endpoint{
			"POST /sandbox/api/pay/check":          s.payCheck,
			"POST /sandbox/api/pay":                s.pay,
			"POST /sandbox/api/pay/cancel":         s.payCancel,
			"GET /sandbox/api/pay/orders":          s.payOrders,
			"POST /sandbox/api/pay/scan":           s.payScan,
			"GET /sandbox/api/mails":               s.mails,
			"GET /sandbox/api/kiosks/{id}":         s.kiosk,
			"POST /sandbox/api/kiosks/{id}/insert": s.kioskInsert,
			"POST /sandbox/api/kiosks/{id}/pin":    s.kioskPIN,
			"POST /sandbox/api/kiosks/{id}/claim":  s.kioskClaim,
			"POST /sandbox/api/kiosks/{id}/remove": s.kioskRemove,
			"GET /sandbox/api/tills/{id}":          s.till,
			"POST /sandbox/api/tills/{id}/swipe":   s.tillSwipe,
			"POST /sandbox/api/tills/{id}/online":  s.tillOnline,
			"GET /sandbox/api/faults":              s.faults,
			"POST /sandbox/api/faults/{id}":        s.faultSwitch,
		})
	}
	for pattern, serve := range endpoints {
		api.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.answer(w, r, serve) })
	}
	api.HandleFunc("POST /sandbox/api/me", s.become)
	api.HandleFunc("GET /sandbox/api/events", s.events)

	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.index)
	mux.Handle("GET /sandbox/static/", http.StripPrefix("/sandbox/static/", fresh(http.FileServerFS(files))))
	mux.Handle("/sandbox/api/", http.NewCrossOriginProtection().Handler(api))
	mux.Handle("GET /connect/oauth2/authorize", s.campus.WeCom.Handler())
	mux.Handle("/cgi-bin/", s.campus.WeCom.Handler())
	mux.Handle("/", s.proxy)
	return mux
}

// fresh makes browsers ask again: the files change with the binary, which has no version in their names.
func fresh(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-cache")
		next.ServeHTTP(w, r)
	})
}

// index serves the page. Links in cards carry the public address, so a visitor under another name (localhost) is led there.
func (s *Server) index(w http.ResponseWriter, r *http.Request) {
	if u, err := url.Parse(s.cfg.PublicURL); err == nil && u.Host != r.Host {
		http.Redirect(w, r, s.cfg.PublicURL+"/", http.StatusFound)
		return
	}
	if _, ok := Phone(r); !ok {
		setPhone(w, s.campus.People()[0])
	}
	page, err := static.ReadFile("static/index.html")
	if err != nil {
		http.Error(w, "no page", http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-cache")
	h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'")
	_, _ = w.Write(page)
}

func setPhone(w http.ResponseWriter, p campus.Person) {
	http.SetCookie(w, &http.Cookie{Name: phoneCookie, Value: p.UserID, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: 30 * 24 * 3600})
}

// person is whose phone the browser holds, the demo student by default.
func (s *Server) person(r *http.Request) campus.Person {
	if id, ok := Phone(r); ok {
		if p, ok := s.campus.Person(id); ok {
			return p
		}
	}
	return s.campus.People()[0]
}

// refusal is an error as the page shows it.
type refusal struct {
	status  int
	code    string
	message string
}

func (e *refusal) Error() string { return e.message }

// answer renders what an endpoint returns. Errors of the simulators become a sentence and a status.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, serve func(*http.Request, campus.Person) (any, error)) {
	v, err := serve(r, s.person(r))
	if err != nil {
		refused := asRefusal(err)
		s.cfg.Log.Info("refused", "path", r.URL.Path, "err", err)
		writeJSON(w, refused.status, map[string]string{"code": refused.code, "message": refused.message})
		return
	}
	if v == nil {
		v = struct{}{}
	}
	writeJSON(w, http.StatusOK, v)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // the browser went away
}

func asRefusal(err error) *refusal {
	var r *refusal
	if errors.As(err, &r) {
		return r
	}
	for known, as := range map[error]refusal{
		wecom.ErrCallback:          {http.StatusBadGateway, "callback", "小卡没有回应这条回调"},
		wecom.ErrNoCallback:        {http.StatusConflict, "no_callback", "这个应用没有回调地址"},
		wecom.ErrNotThere:          {http.StatusConflict, "not_there", "这个按钮已经不能用了"},
		wecom.ErrNoMessage:         {http.StatusNotFound, "no_message", "没有这条消息"},
		wecom.ErrNoApp:             {http.StatusNotFound, "no_app", "没有这个应用"},
		wechatpay.ErrBadPaySign:    {http.StatusBadRequest, "bad_pay_sign", "支付验证签名失败"},
		wechatpay.ErrUnknownOrder:  {http.StatusNotFound, "unknown_order", "没有这个订单"},
		wechatpay.ErrPrepayExpired: {http.StatusGone, "prepay_expired", "订单已过期"},
		wechatpay.ErrWrongPayer:    {http.StatusForbidden, "wrong_payer", "这个订单要由下单的人支付"},
		wechatpay.ErrNotPayable:    {http.StatusConflict, "not_payable", "订单已支付或已关闭"},
		terminal.ErrInUse:          {http.StatusConflict, "card_elsewhere", "这张卡在别的机器上"},
		terminal.ErrStage:          {http.StatusConflict, "stage", "这一步现在做不了"},
	} {
		if errors.Is(err, known) {
			return &as
		}
	}
	return &refusal{http.StatusInternalServerError, "other", "沙盒出错了：" + err.Error()}
}

// maxBody is far above anything the page sends.
const maxBody = 64 << 10

func read(r *http.Request, into any) error {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "application/json") {
		return &refusal{http.StatusUnsupportedMediaType, "not_json", "这里只收 JSON"}
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, maxBody)).Decode(into); err != nil {
		return &refusal{http.StatusBadRequest, "bad_json", "这不是合格的 JSON"}
	}
	return nil
}
