package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"xiaoka/ledger"
)

// shortLived is where tokens, turns, seen messages and OAuth states live for
// minutes. Losing it costs a repeated login or greeting, never money.
type shortLived struct {
	redis.UniversalClient
	close func()
}

// openRedis connects to Redis, or, without an address, to a store inside this
// process, which serves one replica.
func openRedis(address string) (*shortLived, error) {
	if address == "" {
		return embeddedRedis()
	}
	o, err := redis.ParseURL(address)
	if err != nil {
		return nil, errors.New("the Redis address is malformed")
	}
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = time.Second, time.Second, time.Second
	c := redis.NewClient(o)
	return &shortLived{c, func() { _ = c.Close() }}, nil
}

// embeddedRedis speaks the real protocol on a loopback port that needs a
// password nobody else knows, so that one code path serves both.
func embeddedRedis() (*shortLived, error) {
	m := miniredis.NewMiniRedis()
	password := rand.Text()
	m.RequireAuth(password)
	if err := m.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded store: %w", err)
	}
	c := redis.NewClient(&redis.Options{Addr: m.Addr(), Password: password, PoolSize: 8, Protocol: 2, DisableIdentity: true})
	// It does not let keys expire by itself.
	tick := time.NewTicker(time.Second)
	done := make(chan struct{})
	go func() {
		last := time.Now()
		for {
			select {
			case <-done:
				return
			case at := <-tick.C:
				m.FastForward(at.Sub(last))
				last = at
			}
		}
	}()
	return &shortLived{c, func() {
		tick.Stop()
		close(done)
		_ = c.Close()
		m.Close()
	}}, nil
}

// states keeps OAuth states for h5 and office, and the sessions of office.
type states struct{ redis.UniversalClient }

func (s states) Put(ctx context.Context, key, value string, ttl time.Duration) error {
	return s.Set(ctx, "h5:state:"+key, value, ttl).Err()
}

func (s states) Get(ctx context.Context, key string) (string, error) {
	v, err := s.UniversalClient.Get(ctx, "h5:state:"+key).Result()
	if errors.Is(err, redis.Nil) {
		return "", ledger.ErrNotFound
	}
	return v, err
}

func (s states) Take(ctx context.Context, key string) (string, error) {
	v, err := s.GetDel(ctx, "h5:state:"+key).Result()
	if errors.Is(err, redis.Nil) {
		return "", ledger.ErrNotFound
	}
	return v, err
}
