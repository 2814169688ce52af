package bot

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"runtime/debug"
	"strings"
	"time"

	"xiaoka/cards"
)

// refusal is a press that does not count; text says so to the person.
type refusal struct {
	reason string // for the log and OnRefused
	text   func(cards.Lang) string
}

func (r *refusal) Error() string                   { return "bot: press refused: " + r.reason }
func (r *refusal) UserText(lang cards.Lang) string { return r.text(lang) }

// Dispatch implements Dispatcher. It answers every message of a person: with what the handler replied, or with a sentence for its
// error. A message whose handler failed with anything else than a UserError counts as not handled.
func (r *Router) Dispatch(ctx context.Context, m *Message) (text string, handled bool) {
	began := r.cfg.Now()
	c := &Context{App: r.cfg.App, UserID: m.From(), Message: m, RequestID: r.requestID(), Lang: m.lang(), ctx: ctx, router: r}
	route, h := r.route(m)
	if h == nil {
		r.observe(route, "none", began)
		return "", true
	}
	if m.IsCardEvent() {
		h = r.guarded(h) // inside the middleware, which knows the person's language
	}
	for i := len(r.middleware) - 1; i >= 0; i-- {
		h = r.middleware[i](h)
	}
	err := r.run(ctx, c, h)
	outcome, handled := r.render(ctx, c, route, err)
	r.observe(route, outcome, began)
	return strings.Join(c.answer, "\n\n"), handled
}

// route finds the handler of m and the name of its route, which has no data of the person in it.
func (r *Router) route(m *Message) (string, Handler) {
	name := m.EventName()
	switch {
	case m.MsgType == "text" && r.text != nil:
		return "text", r.text
	case name == "":
		return "message", r.notFound
	case name == "click":
		if h := r.clicks[m.EventKey]; h != nil {
			return "click " + m.EventKey, h
		}
		return "click", r.notFound
	case m.IsCardEvent():
		return r.cardRoute(m.EventKey)
	}
	if h := r.events[name]; h != nil {
		return name, h
	}
	return "event", nil
}

func (r *Router) cardRoute(key string) (string, Handler) {
	if h := r.cards[key]; h != nil {
		return "card " + key, h
	}
	best := ""
	found := false
	for prefix := range r.prefixes {
		if strings.HasPrefix(key, prefix) && (!found || len(prefix) > len(best)) {
			best, found = prefix, true
		}
	}
	if found {
		return "card " + best + "*", r.prefixes[best]
	}
	return "card", r.notFound
}

// guarded lets a press through to h if its card was sent to this person by this app, has not expired, and this button of it has not
// had its effect yet. Each of WeCom's own repeats has been dropped before; this is about pressing again.
func (r *Router) guarded(h Handler) Handler {
	return func(ctx context.Context, c *Context) error {
		m := c.Message
		task, err := r.cfg.Tasks.Task(ctx, m.TaskID)
		switch {
		case errors.Is(err, ErrNoTask):
			return &refusal{"unknown task", cards.Expired}
		case err != nil:
			return err
		case task.UserID != c.UserID || task.AgentID != c.App.AgentID:
			return &refusal{"task of another person", cards.Refused}
		case !r.cfg.Now().Before(task.ExpiresAt):
			return &refusal{"task expired", cards.Expired}
		}
		c.Task = task
		if r.cfg.Once == nil {
			return h(ctx, c)
		}
		key := "press:" + m.TaskID + ":" + m.EventKey
		first, _, _, err := r.cfg.Once.Begin(ctx, key)
		if err != nil {
			return err
		}
		if !first {
			return &refusal{"pressed before", cards.Used}
		}
		settle := context.WithoutCancel(ctx)
		if err := h(ctx, c); err != nil {
			return errors.Join(err, r.cfg.Once.Release(settle, key))
		}
		return r.cfg.Once.Done(settle, key, nil)
	}
}

// run calls h and turns a panic into an error, whose stack goes to the log only.
func (r *Router) run(ctx context.Context, c *Context, h Handler) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.cfg.Log.ErrorContext(ctx, "handler panicked", "app", c.App.Name, "request", c.RequestID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	return h(ctx, c)
}

var errPanic = errors.New("bot: handler panicked")

// render is the one place where an error becomes a sentence: its own if it has one, else an apology. Nothing internal is shown.
func (r *Router) render(ctx context.Context, c *Context, route string, err error) (outcome string, handled bool) {
	var refused *refusal
	var friendly UserError
	switch {
	case err == nil:
		return "ok", true
	case errors.As(err, &refused):
		r.cfg.Log.WarnContext(ctx, "press refused", "app", c.App.Name, "request", c.RequestID, "user", c.UserID, "reason", refused.reason)
		if r.cfg.OnRefused != nil {
			r.cfg.OnRefused(ctx, c.Message, refused.reason)
		}
		c.replyText(refused.text(c.Lang))
		return "refused", true
	case errors.As(err, &friendly):
		c.replyText(friendly.UserText(c.Lang))
		return "user_error", true
	}
	r.cfg.Log.ErrorContext(ctx, "handler failed", "app", c.App.Name, "request", c.RequestID, "route", route, "err", err)
	if errors.Is(err, context.DeadlineExceeded) {
		c.replyText(cards.Slow(c.Lang))
	} else {
		c.replyText(cards.Sorry(c.Lang, c.RequestID))
	}
	return "error", false
}

func (r *Router) observe(route, outcome string, began time.Time) {
	if r.cfg.Observe != nil {
		r.cfg.Observe(route, outcome, r.cfg.Now().Sub(began))
	}
}

func (r *Router) requestID() string {
	var b [6]byte
	if _, err := io.ReadFull(r.cfg.Rand, b[:]); err != nil {
		return ""
	}
	return hex.EncodeToString(b[:])
}
