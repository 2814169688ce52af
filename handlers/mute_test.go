package handlers

import (
	"context"
	"errors"
	"strings"
	"testing"

	"xiaoka/bot"
	"xiaoka/ledger"
)

// TestMute: a push carries the menu that switches its kind off; pressing it
// does, the card says so, and takes it back.
func TestMute(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	e := ledger.Event{Kind: ledger.EventConsumption, PersonID: 3, Amount: 650, Balance: 600, Where: "二号餐厅", At: noon}
	if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
		t.Fatal(err)
	}
	card := c.wecom.sent[0].Card
	if card.ActionMenu == nil || card.TaskID == "" || card.ActionMenu.ActionList[0].Key != "mute.consumption" {
		t.Fatalf("the push has the menu %+v", card.ActionMenu)
	}
	tasks := PushTasks{Tasks: c.tasks, People: c.store, AgentID: 1000002}
	task, err := tasks.Task(context.Background(), card.TaskID)
	if err != nil || task.UserID != "bound" || task.AgentID != 1000002 {
		t.Fatalf("its task is %+v, %v", task, err)
	}
	c.tasks[task.ID] = task
	c.wecom.task = card.TaskID
	if got := c.press(CardApp, "fresh", "mute.consumption"); strings.Contains(got, "不再通知") || c.store.muted[e.Kind] {
		t.Errorf("somebody else's press: %q", got)
	}
	if got := c.press(CardApp, "bound", "mute.consumption"); !strings.HasPrefix(got, "[update muted]") || !c.store.muted[e.Kind] {
		t.Errorf("muted = %t: %q", c.store.muted[e.Kind], got)
	}
	if got := c.press(CardApp, "bound", "unmute.consumption"); !strings.HasPrefix(got, "[update unmuted]") || c.store.muted[e.Kind] {
		t.Errorf("muted = %t: %q", c.store.muted[e.Kind], got)
	}
	c.types(CardApp, "bound", "挂失")
	if got := c.press(CardApp, "bound", "mute.loss"); c.store.muted[ledger.EventLoss] || !strings.Contains(got, "help") {
		t.Errorf("a security notice was muted: %q", got)
	}
}

// TestMutable: the same event is the same message, and what cannot be switched
// off has no menu.
func TestMutable(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	person := c.store.people["bound"]
	seen := map[string]ledger.EventKind{}
	for _, kind := range append(ledger.Mutable(), ledger.EventLoss, ledger.EventPasswordChanged) {
		e := ledger.Event{Kind: kind, PersonID: 3, Amount: 650, Ref: "2026-10", At: noon}
		first, err := c.apps.render(context.Background(), "zh-CN", person, e)
		if err != nil {
			t.Fatal(err)
		}
		again, _ := c.apps.render(context.Background(), "zh-CN", person, e)
		if first.TaskID != again.TaskID || (first.TaskID == "") != kind.Security() || (first.ActionMenu == nil) != kind.Security() {
			t.Errorf("%s: tasks %q and %q", kind, first.TaskID, again.TaskID)
		}
		if other, ok := seen[first.TaskID]; ok && first.TaskID != "" {
			t.Errorf("%s and %s have one task", kind, other)
		}
		seen[first.TaskID] = kind
		if err := first.Validate(); err != nil {
			t.Error(err)
		}
	}
}

func TestPushTasks(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	tasks := PushTasks{Tasks: fakeTasks{"stored": {ID: "stored", UserID: "bound"}}, People: c.store}
	for _, id := range []string{"push_", "push_!_0", "push_zzzz_0", "push_-1_0", "push_99999999999999999999_0", "unknown"} {
		if _, err := tasks.Task(context.Background(), id); !errors.Is(err, bot.ErrNoTask) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if task, err := tasks.Task(context.Background(), "stored"); err != nil || task.UserID != "bound" {
		t.Errorf("a stored task: %+v, %v", task, err)
	}
	c.store.err = errors.New("down")
	if _, err := tasks.Task(context.Background(), "push_3_0"); err == nil || errors.Is(err, bot.ErrNoTask) {
		t.Errorf("without a database: %v", err)
	}
}
