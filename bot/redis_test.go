package bot

import (
	"context"
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
