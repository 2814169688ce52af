package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/cards"
)

func TestContext_ReplyLadder(t *testing.T) {
	t.Parallel()
	refuse := func(code int) func(Outgoing) error {
		return func(m Outgoing) error {
			if m.Card != nil {
				return &APIError{Op: "message/send", Code: code}
			}
			return nil
		}
	}
	invalid := testCard
	invalid.CardAction = nil
	for name, tc := range map[string]struct {
		s     *sender
		style Style
		card  cards.Card
		sent  string // what went through message/send
		text  bool   // the callback's own answer says the card
	}{
		"Card":             {&sender{}, StyleCard, testCard, "card", false},
		"StyleTextCard":    {&sender{}, StyleTextCard, testCard, "textcard", false},
		"NoCallbackURL":    {&sender{fail: refuse(43012)}, StyleCard, testCard, "textcard", false},
		"FieldRefused":     {&sender{fail: refuse(42045)}, StyleCard, testCard, "textcard", false},
		"Busy":             {&sender{fail: refuse(-1)}, StyleCard, testCard, "", true},
		"Limited":          {&sender{fail: refuse(45009)}, StyleCard, testCard, "", true},
		"InvalidCard":      {&sender{}, StyleCard, invalid, "", true},
		"AllFail":          {&sender{fail: func(Outgoing) error { return &APIError{Op: "message/send", Code: 43012} }}, StyleCard, testCard, "", true},
		"Slow":             {&sender{slow: true}, StyleCard, testCard, "", true},
		"TextCardHasNoURL": {&sender{}, StyleTextCard, cards.Card{Type: cards.VoteInteraction, MainTitle: &cards.MainTitle{Title: "t"}, Checkbox: &cards.Checkbox{QuestionKey: "q", OptionList: []cards.CheckOption{{ID: "1", Text: "a"}}}, SubmitButton: &cards.Submit{Text: "s", Key: "k"}}, "text", false},
	} {
		t.Run(name, func(t *testing.T) {
			r, _ := newTestRouter(tc.s)
			r.Text(func(_ context.Context, c *Context) error { c.Style = tc.style; return c.Reply(tc.card) })
			ctx := t.Context()
			if tc.s.slow {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, replyReserve+20*time.Millisecond)
				defer cancel()
			}
			text, handled := r.Dispatch(ctx, textMessage("余额"))
			if !handled || (text != "") != tc.text || tc.text && text != tc.card.Text() {
				t.Errorf("answer %q, handled %v", text, handled)
			}
			var sent string
			for _, m := range tc.s.sent {
				switch {
				case m.Card != nil:
					sent += "card"
				case m.TextCard != nil:
					sent += "textcard"
				default:
					sent += "text"
				}
			}
			if sent != tc.sent {
				t.Errorf("sent %q, want %q", sent, tc.sent)
			}
			if tc.s.slow && ctx.Err() != nil {
				t.Error("no time left to answer")
			}
		})
	}
}

func TestContext_ButtonsGetATask(t *testing.T) {
	t.Parallel()
	s := &sender{}
	r, tasks := newTestRouter(s)
	r.Text(func(_ context.Context, c *Context) error { return c.Reply(buttonCard().About("subject")) })
	ids := map[string]bool{}
	for range 3 {
		r.Dispatch(t.Context(), textMessage("验证"))
		id := s.sent[len(s.sent)-1].Card.TaskID
		if len(id) != 32 || ids[id] {
			t.Fatalf("task id %q", id)
		}
		ids[id] = true
		task, err := tasks.Task(t.Context(), id)
		if err != nil || task.UserID != "zhangsan" || task.AgentID != testAgent || task.Kind != "verify_channels" || task.Subject != "subject" {
			t.Fatalf("task = %+v, %v", task, err)
		}
		if life := task.ExpiresAt.Sub(task.CreatedAt); life != 24*time.Hour {
			t.Fatalf("life = %v", life)
		}
	}
	// A card whose buttons only open pages needs an id for WeCom, and no record.
	s.sent = nil
	r.Text(func(_ context.Context, c *Context) error {
		return c.Reply(cards.TopUpChoices(c.Lang, cards.TopUpChoicesData{OtherURL: "https://card.example.edu.cn/h5/topup"}))
	})
	r.Dispatch(t.Context(), textMessage("充值"))
	if id := s.sent[0].Card.TaskID; len(id) != 32 {
		t.Fatalf("task id %q", id)
	} else if _, err := tasks.Task(t.Context(), id); !errors.Is(err, ErrNoTask) {
		t.Fatalf("recorded: %v", err)
	}
}

// brokenTasks is a store that is down.
type brokenTasks struct{}

func (brokenTasks) SaveTask(context.Context, Task) error { return errors.New("store down") }
func (brokenTasks) Task(context.Context, string) (Task, error) {
	return Task{}, errors.New("store down")
}

func TestContext_TasksDown(t *testing.T) {
	t.Parallel()
	s := &sender{}
	r := NewRouter(RouterConfig{App: testApp, Sender: s, Tasks: brokenTasks{}})
	r.Text(func(_ context.Context, c *Context) error { return c.Reply(buttonCard()) })
	card := buttonCard()
	if text, _ := r.Dispatch(t.Context(), textMessage("验证")); text != card.Text() || len(s.sent) != 0 {
		t.Fatalf("%q, sent %d", text, len(s.sent))
	}
	r.CardEvent("k", func(context.Context, *Context) error { t.Error("a press nobody could check was handled"); return nil })
	if _, handled := r.Dispatch(t.Context(), pressMessage("u", "t", "k", "r")); handled {
		t.Fatal("counted as handled")
	}
}

func TestContext_Update(t *testing.T) {
	t.Parallel()
	press := func(s *sender, h Handler) string {
		t.Helper()
		r, tasks := newTestRouter(s)
		tasks["t"] = Task{ID: "t", UserID: "u", AgentID: testAgent, ExpiresAt: time.Now().Add(time.Hour)}
		r.CardEvent("k", h)
		text, _ := r.Dispatch(t.Context(), pressMessage("u", "t", "k", "code"))
		return text
	}
	s := &sender{}
	text := press(s, func(_ context.Context, c *Context) error {
		_ = c.Update(testCard)
		return c.Update(buttonCard()) // the code is spent: a new message
	})
	if text != "" || fmt.Sprint(s.updates) != "[code]" || s.updated[0].Kind != "help" || len(s.sent) != 1 || s.sent[0].Card.Kind != "verify_channels" {
		t.Fatalf("%q %v %+v", text, s.updates, s.sent)
	}
	// An update that fails is told in words, by message/send if that works.
	s = &sender{fail: func(m Outgoing) error {
		if m.Card != nil {
			return &APIError{Op: "message/update_template_card", Code: 42016}
		}
		return nil
	}}
	if text := press(s, func(_ context.Context, c *Context) error { return c.Update(testCard) }); text != "" || len(s.sent) != 1 || s.sent[0].Text != testCard.Text() {
		t.Fatalf("%q %+v", text, s.sent)
	}
	s = &sender{fail: func(Outgoing) error { return &APIError{Op: "x", Code: -1} }}
	if text := press(s, func(_ context.Context, c *Context) error { return c.Update(testCard) }); text != testCard.Text() {
		t.Fatalf("%q", text)
	}
	// No press, no update.
	s = &sender{}
	r, _ := newTestRouter(s)
	r.Text(func(_ context.Context, c *Context) error { return c.Update(testCard) })
	r.Dispatch(t.Context(), textMessage("x"))
	if len(s.updates) != 0 || len(s.sent) != 1 {
		t.Fatalf("%v %+v", s.updates, s.sent)
	}
}

func TestContext_LongTextFits(t *testing.T) {
	t.Parallel()
	r, _ := newTestRouter(&sender{})
	r.Text(func(_ context.Context, c *Context) error { return c.ReplyText(strings.Repeat("余额", 2000)) })
	cb := newTestCallback(t, r.Dispatch, nil)
	reply := readReply(t, serve(cb, push{inner: textXML("u", "1", "x")}.request(t)).Body.String())
	if len(reply.Content) > cards.MaxTextBytes || !strings.HasSuffix(reply.Content, "额…") && !strings.HasSuffix(reply.Content, "余…") {
		t.Fatalf("%d bytes, ends %q", len(reply.Content), reply.Content[len(reply.Content)-9:])
	}
}
