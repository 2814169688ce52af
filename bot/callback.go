package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

	"xiaoka/cards"
)

const (
	// callbackWindow is how old a push may be, and how far ahead our clock may be behind: WeCom repeats a push within 20 s, and
	// prescribes no window.
	callbackWindow = 10 * time.Minute
	// turnPatience is how much of the answer's time may go into waiting for the person's previous message.
	turnPatience = 2 * time.Second
)

// Dispatcher handles one message; *Router is the one.
type Dispatcher interface {
	// Dispatch returns the text for the callback's own answer, "" for none, and whether the message counts as handled; if not, a
	// repeat of it may be handled again.
	Dispatch(ctx context.Context, m *Message) (text string, handled bool)
}

// CallbackConfig is what a Callback needs.
type CallbackConfig struct {
	App            App
	Token          string // of the console's form: 1 to 32 letters and digits
	EncodingAESKey string // likewise: 43 letters and digits
	Dispatcher     Dispatcher
	Seen           Seen
	Turns          Turns

	Log  *slog.Logger     // nil = none
	Now  func() time.Time // nil = time.Now
	Rand io.Reader        // nil = crypto/rand
}

// Callback receives the pushes of one app. Mount it for GET (WeCom verifies the address) and POST (messages and events).
//
// Whatever does not prove to come from WeCom, to be meant for this app and to be recent is answered 403 with one body, whose reason
// only the debug log has. What is proven is handled once and answered 200 within 5 s: WeCom repeats whatever is not.
// https://developer.work.weixin.qq.com/document/path/90930
type Callback struct {
	cfg    CallbackConfig
	codec  *codec
	budget time.Duration // for handling one push
}

// NewCallback returns a Callback, or an error that names the setting that is wrong.
func NewCallback(cfg CallbackConfig) (*Callback, error) {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.Rand == nil {
		cfg.Rand = rand.Reader
	}
	if cfg.Dispatcher == nil || cfg.Seen == nil || cfg.Turns == nil {
		return nil, errors.New("bot: a callback needs a Dispatcher, Seen and Turns")
	}
	codec, err := newCodec(cfg.App, cfg.Token, cfg.EncodingAESKey, cfg.Rand)
	if err != nil {
		return nil, err
	}
	return &Callback{cfg: cfg, codec: codec, budget: answerBudget}, nil
}

// ServeHTTP implements http.Handler.
func (cb *Callback) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodGet:
		cb.verifyAddress(w, r)
	case http.MethodPost:
		cb.push(w, r)
	default:
		w.Header().Set("Allow", "GET, POST")
		refuse(w, http.StatusMethodNotAllowed)
	}
}

// refuse answers with the same few bytes whatever was wrong.
func refuse(w http.ResponseWriter, status int) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, "refused\n")
}

func (cb *Callback) forged(w http.ResponseWriter, r *http.Request, err error) {
	cb.cfg.Log.DebugContext(r.Context(), "callback refused", "app", cb.cfg.App.Name, "err", err)
	refuse(w, http.StatusForbidden)
}

// verifyAddress answers the console's check with the decrypted bytes and nothing else.
func (cb *Callback) verifyAddress(w http.ResponseWriter, r *http.Request) {
	p, query, err := cb.params(r)
	if err != nil {
		cb.forged(w, r, err)
		return
	}
	echo, err := single(query, "echostr")
	if err != nil {
		cb.forged(w, r, err)
		return
	}
	// A proxy that decoded the query once already turned "+" into a space, which base64 does not have.
	plain, err := cb.codec.decode(p, []byte(strings.ReplaceAll(echo, " ", "+")))
	if err != nil {
		cb.forged(w, r, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(plain)
}

// params takes the three values of the query, each there exactly once, and holds the timestamp to the window.
func (cb *Callback) params(r *http.Request) (params, url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return params{}, nil, forgedBy("query")
	}
	var p params
	for _, f := range []struct {
		name string
		to   *string
	}{{"msg_signature", &p.signature}, {"timestamp", &p.timestamp}, {"nonce", &p.nonce}} {
		if *f.to, err = single(query, f.name); err != nil {
			return params{}, nil, err
		}
	}
	seconds, ok := digits(p.timestamp)
	if !ok || len(p.timestamp) > 12 || len(p.nonce) > 128 {
		return params{}, nil, forgedBy("timestamp or nonce")
	}
	if age := cb.cfg.Now().Sub(time.Unix(seconds, 0)); age > callbackWindow || age < -callbackWindow {
		return params{}, nil, forgedBy("outside the time window")
	}
	return p, query, nil
}

func single(query url.Values, name string) (string, error) {
	if v := query[name]; len(v) == 1 && v[0] != "" {
		return v[0], nil
	}
	return "", forgedBy(name)
}

// push receives a message or an event.
func (cb *Callback) push(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	p, _, err := cb.params(r)
	if err != nil {
		cb.forged(w, r, err)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxXMLBytes))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			refuse(w, http.StatusRequestEntityTooLarge)
			return
		}
		refuse(w, http.StatusBadRequest)
		return
	}
	m, err := cb.read(p, body)
	switch {
	case errors.Is(err, ErrForged):
		cb.forged(w, r, err)
		return
	case err != nil:
		cb.cfg.Log.WarnContext(r.Context(), "callback malformed", "app", cb.cfg.App.Name, "err", err)
		refuse(w, http.StatusBadRequest)
		return
	}
	// The handling outlives a connection that WeCom drops: what was begun is finished and its answer kept for the repeat.
	ctx, cancel := context.WithDeadline(context.WithoutCancel(r.Context()), began.Add(cb.budget))
	text := cb.handle(ctx, cancel, m)
	cb.answer(w, r, m, text)
}

// read proves, decrypts and parses a body. Before the signature is proven every fault is a forgery; after, it is ErrMalformed.
func (cb *Callback) read(p params, body []byte) (*Message, error) {
	e, err := parseEnvelope(body)
	if err != nil {
		return nil, forgedBy(err.Error())
	}
	if e.toUserName != cb.cfg.App.CorpID {
		return nil, forgedBy("ToUserName")
	}
	if agent, ok := digits(e.agentID); e.agentID != "" && (!ok || agent != cb.cfg.App.AgentID) {
		return nil, forgedBy("AgentID")
	}
	plain, err := cb.codec.decode(p, e.encrypt)
	if err != nil {
		return nil, err
	}
	return cb.codec.message(plain)
}

// handle gives m to the dispatcher once, in its sender's turn, and returns the text to answer with. It returns in time even if the
// dispatcher does not; cancel runs when the work is over.
func (cb *Callback) handle(ctx context.Context, cancel context.CancelFunc, m *Message) string {
	key := m.Key()
	first, finished, reply, err := cb.cfg.Seen.Begin(ctx, key)
	if err != nil {
		cb.cfg.Log.WarnContext(ctx, "repeats cannot be told apart", "app", cb.cfg.App.Name, "err", err)
	} else if !first {
		cancel()
		if finished {
			return string(reply)
		}
		return ""
	}
	result := make(chan string, 1)
	go func() {
		defer cancel()
		result <- cb.work(ctx, key, m)
	}()
	select {
	case text := <-result:
		return text
	case <-ctx.Done():
	}
	// The work may have ended at the same moment.
	select {
	case text := <-result:
		return text
	default:
		cb.cfg.Log.WarnContext(ctx, "answer late", "app", cb.cfg.App.Name, "key", key)
		return cards.Slow(m.lang())
	}
}

// work runs the dispatcher in the sender's turn and settles key.
func (cb *Callback) work(ctx context.Context, key string, m *Message) string {
	text, handled := cb.inTurn(ctx, m)
	settle := context.WithoutCancel(ctx)
	var err error
	if handled {
		err = cb.cfg.Seen.Done(settle, key, []byte(text))
	} else {
		err = cb.cfg.Seen.Release(settle, key)
	}
	if err != nil {
		cb.cfg.Log.WarnContext(ctx, "repeats cannot be told apart", "app", cb.cfg.App.Name, "err", err)
	}
	return text
}

// inTurn waits for the sender's turn and dispatches m. It runs apart from net/http's goroutine, so a panic must end here.
func (cb *Callback) inTurn(ctx context.Context, m *Message) (text string, handled bool) {
	waiting, stop := context.WithTimeout(ctx, turnPatience)
	defer stop()
	release, ok := cb.cfg.Turns.Take(waiting, cb.cfg.App.CorpID+":"+m.From())
	if !ok {
		return cards.Busy(m.lang()), false
	}
	defer release()
	defer func() {
		if p := recover(); p != nil {
			cb.cfg.Log.ErrorContext(ctx, "dispatcher panicked", "app", cb.cfg.App.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			text, handled = cards.Sorry(m.lang(), ""), false
		}
	}()
	return cb.cfg.Dispatcher.Dispatch(ctx, m)
}

// answer writes the callback's own answer: an encrypted text, or nothing.
func (cb *Callback) answer(w http.ResponseWriter, r *http.Request, m *Message, text string) {
	if text == "" {
		w.WriteHeader(http.StatusOK)
		return
	}
	out, err := cb.codec.textReply(m, cb.cfg.Now().Unix(), cards.CutText(text))
	if err != nil {
		cb.cfg.Log.ErrorContext(r.Context(), "answer not written", "app", cb.cfg.App.Name, "err", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/xml; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(out)
}
