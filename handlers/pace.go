package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// Pace is what the apps remember of a chat for a while, over all replicas: how
// often they spoke, and in which language.
type Pace interface {
	// First reports whether key was not met within life before, and
	// remembers it from now on.
	First(ctx context.Context, key string, life time.Duration) (bool, error)
	// Take takes one of n places that key has in every window; with none left
	// it takes nothing and returns the time until the next.
	Take(ctx context.Context, key string, n int, window time.Duration) (wait time.Duration, err error)
	// Note keeps a word under key for a time; Noted is that word, or "".
	Note(ctx context.Context, key, word string, life time.Duration) error
	Noted(ctx context.Context, key string) (string, error)
}

// RedisPace is the Pace of production. What it holds may be lost at any time:
// then somebody is greeted twice, or in Chinese.
type RedisPace struct{ Redis redis.UniversalClient }

// redisPatience is what Redis may cost of the 5 s that WeCom waits for an
// answer; the client's own time-outs are longer.
const redisPatience = 250 * time.Millisecond

// within runs one command, and leaves it alone when it takes too long.
func within[T any](ctx context.Context, f func(context.Context) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, redisPatience)
	defer cancel()
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f(ctx)
		done <- result{value, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		r.err = ctx.Err()
	}
	if r.err != nil {
		return r.value, fmt.Errorf("handlers: remember for a while: %w", r.err)
	}
	return r.value, nil
}

// First sets a key that expires.
func (p RedisPace) First(ctx context.Context, key string, life time.Duration) (bool, error) {
	return within(ctx, func(ctx context.Context) (bool, error) {
		return p.Redis.SetNX(ctx, "xiaoka:first:"+key, 1, life).Result()
	})
}

// Note sets a key that expires.
func (p RedisPace) Note(ctx context.Context, key, word string, life time.Duration) error {
	_, err := within(ctx, func(ctx context.Context) (string, error) {
		return p.Redis.Set(ctx, "xiaoka:note:"+key, word, life).Result()
	})
	return err
}

// Noted reads the key.
func (p RedisPace) Noted(ctx context.Context, key string) (string, error) {
	return within(ctx, func(ctx context.Context) (string, error) {
		word, err := p.Redis.Get(ctx, "xiaoka:note:"+key).Result()
		if errors.Is(err, redis.Nil) {
			return "", nil
		}
		return word, err
	})
}

// take keeps the moments of the last n in a sorted set. Redis's own clock
// decides, so that replicas need not agree on theirs.
var take = redis.NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local window = tonumber(ARGV[2])
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now - window)
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[1]) then
	local oldest = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
	return math.max(1, oldest[2] + window - now)
end
redis.call('ZADD', KEYS[1], now, now .. '-' .. t[2] .. '-' .. redis.call('ZCARD', KEYS[1]))
redis.call('PEXPIRE', KEYS[1], window)
return 0`)

// Take counts in a sliding window.
func (p RedisPace) Take(ctx context.Context, key string, n int, window time.Duration) (time.Duration, error) {
	ms, err := within(ctx, func(ctx context.Context) (int64, error) {
		return take.Run(ctx, p.Redis, []string{"xiaoka:pace:" + key}, n, window.Milliseconds()).Int64()
	})
	return time.Duration(ms) * time.Millisecond, err
}
