package bot

import (
	"context"
	"fmt"
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
		short, cancel := context.WithTimeout(ctx, 250*time.Millisecond)
		defer cancel()
		first, finished, r, err := NewRedis(client, nil).Begin(short, "k")
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
	// What was given up above may still arrive, and then holds a lease of its own.
	var stolen func()
	for try := 0; stolen == nil; try++ {
		if try == 10 {
			t.Fatal("a turn never ends")
		}
		server.FastForward(turnLease)
		soon, cancel := context.WithTimeout(ctx, time.Second)
		stolen, _ = other.Take(soon, "u")
		cancel()
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

// An outage, or a flood, cannot fill the memory.
func TestMemory_Bounded(t *testing.T) {
	t.Parallel()
	m := newMemory()
	for i := range memorySize + 10 {
		life := time.Hour
		if i%2 == 0 {
			life = -time.Second
		}
		m.set(fmt.Sprint(i), "v", life)
	}
	if n := len(m.values); n > memorySize {
		t.Fatalf("%d values", n)
	}
	if _, ok := m.get("2"); ok {
		t.Error("an expired value lives")
	}
	if v, ok := m.get("3"); !ok || v != "v" {
		t.Error("a live value went before the expired")
	}
	for i := range memorySize {
		m.set(fmt.Sprint("live", i), "v", time.Hour)
	}
	if n := len(m.values); n > memorySize {
		t.Fatalf("%d live values", n)
	}
}

// A replica that dies in the middle leaves its message to the repeat, within the time WeCom waits for that.
func TestRedis_RepeatAfterACrash(t *testing.T) {
	t.Parallel()
	server, client := newTestRedis(t)
	dead := NewRedis(client, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Second)
	defer cancel()
	if first, _, _, err := dead.Begin(ctx, "m"); !first || err != nil {
		t.Fatalf("the first: %v, %v", first, err)
	}
	dead.stopRenewing(seenPrefix + "m") // what a crash does
	go func() {
		time.Sleep(300 * time.Millisecond)
		server.FastForward(seenLease)
	}()
	if first, _, _, err := NewRedis(client, nil).Begin(ctx, "m"); !first || err != nil {
		t.Errorf("the repeat elsewhere: first %v, %v", first, err)
	}
}

// A message that another replica has in work is answered there: the repeat waits and adds nothing.
func TestRedis_RepeatWhileRunningElsewhere(t *testing.T) {
	t.Parallel()
	server, client := newTestRedis(t)
	busy := NewRedis(client, nil)
	ctx := context.Background()
	if first, _, _, err := busy.Begin(ctx, "m"); !first || err != nil {
		t.Fatalf("the first: %v, %v", first, err)
	}
	go func() {
		for range 4 { // longer than a lease
			time.Sleep(seenRenew + 100*time.Millisecond)
			server.FastForward(seenRenew)
		}
		if err := busy.Done(ctx, "m", []byte("answer")); err != nil {
			t.Error(err)
		}
	}()
	other := NewRedis(client, nil)
	if first, finished, reply, err := other.Begin(ctx, "m"); first || finished || len(reply) != 0 || err != nil {
		t.Errorf("a repeat meanwhile: %v, %v, %q, %v", first, finished, reply, err)
	}
	if first, finished, reply, err := other.Begin(ctx, "m"); first || !finished || string(reply) != "answer" || err != nil {
		t.Errorf("a repeat afterwards: %v, %v, %q, %v", first, finished, reply, err)
	}
	server.FastForward(time.Hour)
	if _, finished, _, _ := NewRedis(client, nil).Begin(ctx, "m"); !finished {
		t.Error("the answer was forgotten")
	}
}
