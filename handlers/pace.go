package handlers

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Pace keeps what is said within bounds, over all replicas.
type Pace interface {
	// First reports whether key was not met within the time before, and
	// remembers it from now on.
	First(ctx context.Context, key string, within time.Duration) (bool, error)
	// Take takes one of n places that key has in every window; with none left
	// it takes nothing and returns the time until the next.
	Take(ctx context.Context, key string, n int, window time.Duration) (wait time.Duration, err error)
}

// RedisPace is the Pace of production. What it holds lives for minutes and
// may be lost: then somebody is greeted twice.
type RedisPace struct{ Redis redis.UniversalClient }

// First sets a key that expires.
func (p RedisPace) First(ctx context.Context, key string, within time.Duration) (bool, error) {
	first, err := p.Redis.SetNX(ctx, "xiaoka:first:"+key, 1, within).Result()
	if err != nil {
		return false, fmt.Errorf("set a pace: %w", err)
	}
	return first, nil
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
	ms, err := take.Run(ctx, p.Redis, []string{"xiaoka:pace:" + key}, n, strconv.FormatInt(window.Milliseconds(), 10)).Int64()
	if err != nil {
		return 0, fmt.Errorf("keep a pace: %w", err)
	}
	return time.Duration(ms) * time.Millisecond, nil
}
