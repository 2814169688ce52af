package bot

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/cards"
)

// sender is a Sender that keeps what it was given.
type sender struct {
	mu      sync.Mutex
	sent    []Outgoing
	updates []string // response codes
	updated []cards.Card
	// fail, when set, decides what each message gets.
	fail func(m Outgoing) error
	slow bool // never answers before the context ends
}

func (s *sender) Send(ctx context.Context, _ string, m Outgoing) (Sent, error) {
	if s.slow {
		<-ctx.Done()
		return Sent{}, &APIError{Op: "message/send", cause: ctx.Err()}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(m); err != nil {
			return Sent{}, err
		}
	}
	s.sent = append(s.sent, m)
	return Sent{MsgID: "1"}, nil
}

func (s *sender) UpdateCard(_ context.Context, _, code string, card cards.Card) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fail != nil {
		if err := s.fail(Outgoing{Card: &card}); err != nil {
			return err
		}
	}
	s.updates, s.updated = append(s.updates, code), append(s.updated, card)
	return nil
}

// taskMap is a Tasks.
type taskMap map[string]Task

func (m taskMap) SaveTask(_ context.Context, t Task) error { m[t.ID] = t; return nil }

func (m taskMap) Task(_ context.Context, id string) (Task, error) {
	t, ok := m[id]
	if !ok {
		return t, ErrNoTask
	}
	return t, nil
}

func newTestRouter(s *sender) (*Router, taskMap) {
	tasks := taskMap{}
	return NewRouter(RouterConfig{App: testApp, Sender: s, Tasks: tasks, Once: NewRedis(nil, nil)}), tasks
}

func textMessage(content string) *Message {
	return &Message{ToUserName: testCorp, FromUserName: "ZhangSan", MsgType: "text", AgentID: testAgent, Content: content, MsgID: "1"}
}

func pressMessage(user, task, key, code string) *Message {
	return &Message{ToUserName: testCorp, FromUserName: user, MsgType: "event", Event: "template_card_event", AgentID: testAgent, TaskID: task, EventKey: key, ResponseCode: code}
}

var testCard = cards.Help(cards.Zh, "https://card.example.edu.cn/h5/")

func buttonCard() cards.Card {
	return cards.VerifyChannels(cards.Zh, cards.VerifyChannelsData{MaskedEmail: "z***@example.edu.cn", MaskedPhone: "138****1234", URL: "https://card.example.edu.cn/h5/verify"})
}

func TestRouter_Routes(t *testing.T) {
	t.Parallel()
	r, tasks := newTestRouter(&sender{})
	var got string
	as := func(name string) Handler {
		return func(context.Context, *Context) error { got = name; return nil }
	}
	r.Text(as("text"))
	r.Click("card.balance", as("balance"))
	r.Event("enter_agent", as("enter"))
	r.CardEvent("loss.*", as("loss any"))
	r.CardEvent("loss.confirm.*", as("loss confirm any"))
	r.CardEvent("loss.cancel", as("loss cancel"))
	r.NotFound(as("not found"))
	event := func(name, key string) *Message {
		return &Message{FromUserName: "u", MsgType: "event", Event: name, EventKey: key}
	}
	press := func(key string) *Message {
		m := pressMessage("u", "task "+key, key, "r")
		tasks[m.TaskID] = Task{ID: m.TaskID, UserID: "u", AgentID: testAgent, ExpiresAt: time.Now().Add(time.Hour)}
		return m
	}
	menu := press("loss.menu")
	menu.Event = "template_card_menu_event"
	for _, tc := range []struct {
		m    *Message
		want string
	}{
		{textMessage("x"), "text"},
		{&Message{FromUserName: "u", MsgType: "image"}, "not found"},
		{event("click", "card.balance"), "balance"},
		{event("CLICK", "card.balance"), "balance"},
		{event("click", "card.other"), "not found"},
		{event("ENTER_AGENT", ""), "enter"},
		{event("view", "https://x"), ""},
		{event("brand_new", ""), ""},
		{press("loss.cancel"), "loss cancel"},
		{press("loss.confirm.1"), "loss confirm any"},
		{press("loss.other"), "loss any"},
		{press("unknown"), "not found"},
		{menu, "loss any"},
	} {
		got = ""
		if text, handled := r.Dispatch(t.Context(), tc.m); got != tc.want || !handled || text != "" {
			t.Errorf("%s %s %s: %q, want %q (%q, %v)", tc.m.MsgType, tc.m.Event, tc.m.EventKey, got, tc.want, text, handled)
		}
	}
}

func TestRouter_Middleware(t *testing.T) {
	t.Parallel()
	r, _ := newTestRouter(&sender{})
	var order []string
	wrap := func(name string) Middleware {
		return func(next Handler) Handler {
			return func(ctx context.Context, c *Context) error {
				order = append(order, name)
				c.Lang = cards.En
				return next(ctx, c)
			}
		}
	}
	r.Use(wrap("outer"), wrap("inner"))
	r.Text(func(_ context.Context, c *Context) error { return c.ReplyText("lang " + string(c.Lang)) })
	text, _ := r.Dispatch(t.Context(), textMessage("余额"))
	if fmt.Sprint(order) != "[outer inner]" || text != "lang en" {
		t.Fatalf("%v %q", order, text)
	}
}

type friendly struct{}

func (friendly) Error() string                { return "internal words" }
func (friendly) UserText(l cards.Lang) string { return "friendly " + string(l) }

func TestRouter_Errors(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		h       Handler
		text    string
		handled bool
		outcome string
	}{
		"None":        {func(_ context.Context, c *Context) error { return c.ReplyText("hi") }, "hi", true, "ok"},
		"Friendly":    {func(context.Context, *Context) error { return fmt.Errorf("wrapped: %w", friendly{}) }, "friendly zh-CN", true, "user_error"},
		"Internal":    {func(context.Context, *Context) error { return errors.New("dial tcp 10.0.0.1: secret") }, cards.Sorry(cards.Zh, "616263616263"), false, "error"},
		"Panic":       {func(context.Context, *Context) error { panic("secret") }, cards.Sorry(cards.Zh, "616263616263"), false, "error"},
		"TimedOut":    {func(context.Context, *Context) error { return fmt.Errorf("query: %w", context.DeadlineExceeded) }, cards.Slow(cards.Zh), false, "error"},
		"AfterSaying": {func(_ context.Context, c *Context) error { _ = c.ReplyText("first"); return friendly{} }, "first\n\nfriendly zh-CN", true, "user_error"},
	} {
		var outcome string
		r := NewRouter(RouterConfig{App: testApp, Sender: &sender{}, Rand: strings.NewReader("abcabc"),
			Observe: func(_, o string, _ time.Duration) { outcome = o }})
		r.Text(tc.h)
		text, handled := r.Dispatch(t.Context(), textMessage("余额"))
		if text != tc.text || handled != tc.handled || outcome != tc.outcome {
			t.Errorf("%s: %q, %v, %s", name, text, handled, outcome)
		}
	}
}

func TestRouter_PressChecks(t *testing.T) {
	t.Parallel()
	s := &sender{}
	var refused []string
	tasks := taskMap{}
	now := time.Now()
	r := NewRouter(RouterConfig{App: testApp, Sender: s, Tasks: tasks, Once: NewRedis(nil, nil), Now: func() time.Time { return now },
		OnRefused: func(_ context.Context, _ *Message, reason string) { refused = append(refused, reason) }})
	var effects int
	fail := error(nil)
	r.CardEvent("go", func(_ context.Context, c *Context) error {
		if fail != nil {
			return fail
		}
		effects++
		if c.Task.Subject != "s" {
			t.Errorf("task = %+v", c.Task)
		}
		return nil
	})
	save := func(id, user string, agent int64) {
		t.Helper()
		tasks[id] = Task{ID: id, UserID: user, AgentID: agent, Subject: "s", CreatedAt: now, ExpiresAt: now.Add(24 * time.Hour)}
	}
	save("mine", "anna", testAgent)
	save("other agent", "anna", 999)
	save("old", "anna", testAgent)
	press := func(user, task string) string {
		t.Helper()
		s.sent = nil
		r.Dispatch(t.Context(), pressMessage(user, task, "go", "r"))
		if len(s.sent) == 1 {
			return s.sent[0].Text
		}
		return ""
	}
	for _, tc := range []struct{ name, user, task, text string }{
		{"AnotherPerson", "Ben", "mine", cards.Refused(cards.Zh)},
		{"AnotherAgent", "Anna", "other agent", cards.Refused(cards.Zh)},
		{"Guessed", "Anna", "guess", cards.Expired(cards.Zh)},
		{"NoTask", "Anna", "", cards.Expired(cards.Zh)},
	} {
		if text := press(tc.user, tc.task); text != tc.text {
			t.Errorf("%s: %q", tc.name, text)
		}
	}
	if effects != 0 || len(refused) != 4 {
		t.Fatalf("%d effects, refused %v", effects, refused)
	}
	fail = friendly{}
	if text := press("Anna", "mine"); text != "friendly zh-CN" {
		t.Errorf("friendly failure: %q", text)
	}
	fail = errors.New("store down")
	press("Anna", "mine")
	fail = nil
	if text := press("Anna", "mine"); text != "" || effects != 1 {
		t.Errorf("after failures: %q, %d effects", text, effects)
	}
	if text := press("Anna", "mine"); text != cards.Used(cards.Zh) || effects != 1 {
		t.Errorf("pressed again: %q, %d effects", text, effects)
	}
	r.Use(func(next Handler) Handler {
		return func(ctx context.Context, c *Context) error {
			c.Lang = cards.En
			return next(ctx, c)
		}
	})
	if text := press("Anna", "mine"); text != cards.Used(cards.En) {
		t.Errorf("in the language of the middleware: %q", text)
	}
	now = now.Add(24 * time.Hour)
	if text := press("Anna", "old"); text != cards.Expired(cards.En) || effects != 1 {
		t.Errorf("after a day: %q, %d effects", text, effects)
	}
}

func TestRouter_LogsNoContent(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	r := NewRouter(RouterConfig{App: testApp, Sender: &sender{fail: func(Outgoing) error { return errors.New("down") }}, Tasks: taskMap{},
		Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	r.Text(func(_ context.Context, c *Context) error { _ = c.Reply(testCard); return errors.New("boom") })
	r.Dispatch(t.Context(), textMessage("654321"))
	if !strings.Contains(log.String(), "boom") || strings.Contains(log.String(), "654321") {
		t.Fatal(log.String())
	}
}
