package bot

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestRedis_LeaseAndLife(t *testing.T) {
	t.Parallel()
	server, client := newTestRedis(t)
	s, ctx := NewRedis(client, nil), t.Context()
	// Each look is another replica's, which has nothing in its own memory.
	look := func() (first, finished bool, reply string) {
		t.Helper()
		first, finished, r, err := NewRedis(client, nil).Begin(ctx, "k")
		if err != nil {
			t.Fatal(err)
		}
		return first, finished, string(r)
	}
	if first, _, _ := look(); !first {
		t.Fatal("the first is not the first")
	}
	if first, finished, _ := look(); first || finished {
		t.Fatal("taken twice")
	}
	server.FastForward(5 * time.Second) // the replica died; WeCom pushes again
	if first, _, _ := look(); !first {
		t.Fatal("a dead replica keeps the message")
	}
	if err := s.Done(ctx, "k", []byte("reply")); err != nil {
		t.Fatal(err)
	}
	server.FastForward(23 * time.Hour)
	if first, finished, reply := look(); first || !finished || reply != "reply" {
		t.Fatalf("%v %v %q", first, finished, reply)
	}
	server.FastForward(2 * time.Hour)
	if first, _, _ := look(); !first {
		t.Fatal("kept longer than a day")
	}
	release, ok := s.Take(ctx, "u")
	if !ok {
		t.Fatal("no turn")
	}
	other := NewRedis(client, nil)
	short, cancel := context.WithTimeout(ctx, 60*time.Millisecond)
	defer cancel()
	if _, ok := other.Take(short, "u"); ok {
		t.Fatal("two turns at once")
	}
	server.FastForward(turnLease)
	stolen, ok := other.Take(ctx, "u")
	if !ok {
		t.Fatal("a turn never ends")
	}
	release()
	if !server.Exists(turnPrefix + "u") {
		t.Fatal("a late release ended somebody else's turn")
	}
	stolen()
	if server.Exists(turnPrefix + "u") {
		t.Fatal("not released")
	}
}

// Redis falters between a message and its repeat at the same replica.
func TestRedis_FaltersBetweenRepeats(t *testing.T) {
	t.Parallel()
	server, client := newTestRedis(t)
	s, ctx := NewRedis(client, nil), t.Context()
	if first, _, _, err := s.Begin(ctx, "k"); !first || err != nil {
		t.Fatal(first, err)
	}
	server.SetError("LOADING")
	if first, finished, _, _ := s.Begin(ctx, "k"); first || finished {
		t.Fatal("taken twice")
	}
	if err := s.Done(ctx, "k", []byte("reply")); err != nil {
		t.Fatal(err)
	}
	if first, finished, reply, _ := s.Begin(ctx, "k"); first || !finished || string(reply) != "reply" {
		t.Fatalf("%v %v %q", first, finished, reply)
	}
}

func TestRedis_Tasks(t *testing.T) {
	t.Parallel()
	_, client := newTestRedis(t)
	now := time.Date(2026, 11, 22, 12, 8, 0, 0, time.UTC)
	want := Task{ID: "a", UserID: "u", AgentID: 218, Kind: "k", Subject: "s", CreatedAt: now, ExpiresAt: now.Add(time.Hour)}
	for name, s := range map[string]*Redis{"Redis": NewRedis(client, nil), "Process": NewRedis(nil, nil)} {
		if _, err := s.Task(t.Context(), "a"); !errors.Is(err, ErrNoTask) {
			t.Errorf("%s: unknown: %v", name, err)
		}
		if err := s.SaveTask(t.Context(), want); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Task(t.Context(), "a"); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := NewRedis(client, nil).Task(t.Context(), "a"); err != nil || got != want {
		t.Errorf("another replica: %+v, %v", got, err)
	}
}
