package handlers

import (
	"context"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
)

func newPace(t *testing.T) (RedisPace, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.RunT(t)
	server.SetTime(noon)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	return RedisPace{Redis: client}, server
}

func TestRedisPaceFirst(t *testing.T) {
	t.Parallel()
	pace, server := newPace(t)
	ctx := context.Background()
	for i, want := range []bool{true, false} {
		if first, err := pace.First(ctx, "greet:a", time.Minute); err != nil || first != want {
			t.Errorf("call %d: first = %t, %v", i, first, err)
		}
	}
	server.FastForward(time.Minute)
	if first, err := pace.First(ctx, "greet:a", time.Minute); err != nil || !first {
		t.Errorf("after its time: first = %t, %v", first, err)
	}
}

func TestRedisPaceTake(t *testing.T) {
	t.Parallel()
	pace, server := newPace(t)
	ctx := context.Background()
	take := func(want time.Duration) {
		t.Helper()
		if wait, err := pace.Take(ctx, "push:a", 3, time.Minute); err != nil || wait != want {
			t.Errorf("wait = %s, want %s (%v)", wait, want, err)
		}
	}
	take(0)
	server.SetTime(noon.Add(10 * time.Second))
	take(0)
	take(0)
	take(50 * time.Second)
	take(50 * time.Second) // what was refused took no place
	server.SetTime(noon.Add(time.Minute))
	take(0)
	take(10 * time.Second)
	if wait, err := pace.Take(ctx, "push:b", 3, time.Minute); err != nil || wait != 0 {
		t.Errorf("another member waits %s (%v)", wait, err)
	}
}

func TestRedisPaceNote(t *testing.T) {
	t.Parallel()
	pace, server := newPace(t)
	ctx := context.Background()
	if err := pace.Note(ctx, "lang:a", "en", time.Hour); err != nil {
		t.Fatal(err)
	}
	if word, err := pace.Noted(ctx, "lang:a"); err != nil || word != "en" {
		t.Errorf("noted %q, %v", word, err)
	}
	server.FastForward(time.Hour)
	if word, err := pace.Noted(ctx, "lang:a"); err != nil || word != "" {
		t.Errorf("after its time %q, %v", word, err)
	}
}

// TestRedisPaceDown: an answer must not wait for a Redis that is away.
func TestRedisPaceDown(t *testing.T) {
	t.Parallel()
	pace, server := newPace(t)
	server.Close()
	began := time.Now()
	if _, err := pace.First(context.Background(), "greet:a", time.Minute); err == nil {
		t.Error("no error")
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("it took %s to say so", took)
	}
}
