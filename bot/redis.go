package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
)

// errRedisDown is what Redis commands give while Redis is not answering.
var errRedisDown = errors.New("bot: Redis does not answer")

const (
	redisPatience = 300 * time.Millisecond // of the 5 s that WeCom waits
	redisPause    = time.Second            // after a failure, before Redis is asked again
)

// guard bounds every command to redisPatience, whatever time-outs and retries the client was made with, and leaves Redis alone for a moment
// after a failure, so that an outage costs an answer a fraction of a second once and then nothing.
type guard struct {
	rdb  redis.UniversalClient
	log  *slog.Logger
	down atomic.Int64 // unix nanoseconds until which Redis is not asked
}

// ask runs f; redis.Nil passes through, every other failure becomes errRedisDown and is logged.
func ask[T any](ctx context.Context, g *guard, f func(context.Context) (T, error)) (T, error) {
	var none T
	if g.rdb == nil || time.Now().UnixNano() < g.down.Load() {
		return none, errRedisDown
	}
	bounded, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	ch := make(chan result, 1)
	go func() {
		v, err := f(bounded)
		ch <- result{v, err}
	}()
	var err error
	select {
	case r := <-ch:
		if r.err == nil || errors.Is(r.err, redis.Nil) {
			return r.value, r.err
		}
		err = r.err
	case <-bounded.Done():
		err = bounded.Err()
	}
	if ctx.Err() != nil {
		return none, ctx.Err()
	}
	g.down.Store(time.Now().Add(redisPause).UnixNano())
	g.log.Warn("Redis does not answer; this process goes on by itself", "err", err)
	return none, errRedisDown
}

// Redis keeps what all replicas must agree on while messages are handled: which were handled (Seen) and whose turn it is (Turns). While
// Redis is down, each process keeps both by itself and logs it: a repeat that reaches another replica may then be handled twice, so what
// moves money has business keys of its own.
type Redis struct {
	guard  *guard
	local  *memory
	turns  localTurns
	leases sync.Map // name → *time.Timer that renews it
}

// NewRedis returns the state kept in rdb; with a nil rdb it is kept in this process only. A nil log is none.
func NewRedis(rdb redis.UniversalClient, log *slog.Logger) *Redis {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Redis{guard: &guard{rdb: rdb, log: log}, local: newMemory(), turns: localTurns{}}
}

// Times of Seen. A lease is renewed while its process lives and ends soon after it died: the repeat of a message whose replica died is
// handled then, within the 5 s that WeCom waits for the repeat's own answer.
const (
	seenLease = 1500 * time.Millisecond
	seenRenew = seenLease / 3
	seenPoll  = 100 * time.Millisecond
	// seenPatience is how long a repeat waits for what another process has in work.
	seenPatience = 3 * time.Second
	seenLocal    = time.Minute // a process that handles for longer has lost the message anyway
	seenLife     = 24 * time.Hour
)

const (
	seenPrefix = "xiaoka:wecom:seen:"
	turnPrefix = "xiaoka:wecom:turn:"

	running = "r"
	done    = "d" // followed by the answer
)

// Begin implements Seen. What this process has begun or done itself it also remembers itself, so that a Redis that falters between a
// message and its repeat does not make them two. What another process has in work is waited for until it ends, which that one answers,
// or until that process turns out dead, when the repeat is the first.
func (r *Redis) Begin(ctx context.Context, key string) (first, finished bool, reply []byte, err error) {
	name := seenPrefix + key
	ctx, cancel := context.WithTimeout(ctx, seenPatience)
	defer cancel()
	for waited := false; ; waited = true {
		if !r.local.add(name, running, seenLocal) {
			value, _ := r.local.get(name)
			return false, strings.HasPrefix(value, done), []byte(strings.TrimPrefix(value, done)), nil
		}
		value, err := ask(ctx, r.guard, func(ctx context.Context) (string, error) {
			won, err := r.guard.rdb.SetNX(ctx, name, running, seenLease).Result()
			if err != nil || won {
				return "", err
			}
			return r.guard.rdb.Get(ctx, name).Result()
		})
		switch {
		case errors.Is(err, errRedisDown) && waited: // somebody else had it in work a moment ago
			r.local.remove(name)
			return false, false, nil, nil
		case errors.Is(err, errRedisDown):
			return true, false, nil, nil
		case err == nil && value == "":
			r.renew(name)
			return true, false, nil, nil
		}
		r.local.remove(name)
		switch {
		case errors.Is(err, redis.Nil): // it ended between the two commands
		case err != nil && waited: // the time to wait is over
			return false, false, nil, nil
		case err != nil:
			return false, false, nil, err
		case strings.HasPrefix(value, done) && waited:
			return false, false, nil, nil
		case strings.HasPrefix(value, done):
			return false, true, []byte(strings.TrimPrefix(value, done)), nil
		}
		select {
		case <-ctx.Done():
			return false, false, nil, nil
		case <-time.After(seenPoll):
		}
	}
}

// renewIfRunning leaves an answer alone that came while the renewal was on its way.
var renewIfRunning = redis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("PEXPIRE", KEYS[1], ARGV[2]) end return 0`)

// renew keeps a lease alive until Done or Release, at most for seenLocal.
func (r *Redis) renew(name string) {
	end := time.Now().Add(seenLocal)
	var t *time.Timer
	t = time.AfterFunc(time.Hour, func() {
		if held, ok := r.leases.Load(name); !ok || held != t || time.Now().After(end) {
			return
		}
		_, _ = ask(context.Background(), r.guard, func(ctx context.Context) (bool, error) {
			return renewIfRunning.Run(ctx, r.guard.rdb, []string{name}, running, seenLease.Milliseconds()).Bool()
		})
		t.Reset(seenRenew)
	})
	r.leases.Store(name, t)
	t.Reset(seenRenew)
}

func (r *Redis) stopRenewing(name string) {
	if t, ok := r.leases.LoadAndDelete(name); ok {
		t.(*time.Timer).Stop() //nolint:forcetypeassert // only timers are stored
	}
}

// Done implements Seen.
func (r *Redis) Done(ctx context.Context, key string, reply []byte) error {
	value := done + string(reply)
	r.stopRenewing(seenPrefix + key)
	r.local.set(seenPrefix+key, value, seenLife)
	_, err := ask(ctx, r.guard, func(ctx context.Context) (string, error) {
		return r.guard.rdb.Set(ctx, seenPrefix+key, value, seenLife).Result()
	})
	if errors.Is(err, errRedisDown) {
		return nil
	}
	return err
}

// Release implements Seen.
func (r *Redis) Release(ctx context.Context, key string) error {
	r.stopRenewing(seenPrefix + key)
	r.local.remove(seenPrefix + key)
	_, err := ask(ctx, r.guard, func(ctx context.Context) (int64, error) {
		return r.guard.rdb.Del(ctx, seenPrefix+key).Result()
	})
	if errors.Is(err, errRedisDown) {
		return nil // the lease ends by itself
	}
	return err
}

// Times of Turns.
const (
	turnLease = 6 * time.Second
	turnPoll  = 20 * time.Millisecond
)

// Take implements Turns.
func (r *Redis) Take(ctx context.Context, key string) (release func(), ok bool) {
	leave, ok := r.turns.take(ctx, key)
	if !ok {
		return nil, false
	}
	owner, name := rand.Text(), turnPrefix+key
	drop := func() { // somebody else's turn is left alone, should ours have run out
		_, _ = ask(context.WithoutCancel(ctx), r.guard, func(ctx context.Context) (any, error) {
			return dropIfEqual.Run(ctx, r.guard.rdb, []string{name}, owner).Result()
		})
	}
	for {
		won, err := ask(ctx, r.guard, func(ctx context.Context) (bool, error) {
			return r.guard.rdb.SetNX(ctx, name, owner, turnLease).Result()
		})
		if errors.Is(err, errRedisDown) {
			return leave, true
		}
		if won {
			return func() { drop(); leave() }, true
		}
		select {
		case <-ctx.Done():
			if err != nil {
				drop() // the last try was given up, and may have won
			}
			leave()
			return nil, false
		case <-time.After(jitter(turnPoll)):
		}
	}
}
