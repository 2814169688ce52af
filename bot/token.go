package bot

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/singleflight"
)

// tokens keeps one app's access_token, in this process and, with Redis, for all replicas. However many callers find it gone,
// WeCom is asked once: singleflight within the process, a lock in Redis among processes. A failed attempt is remembered for a moment, so
// that neither a wrong secret nor an outage turns into a storm on gettoken, which has its own, unpublished limit.
type tokens struct {
	key    string // in Redis; both apps share it, hence corp and agent in the name
	secret string
	fetch  func(ctx context.Context, secret string) (token string, life time.Duration, err error)
	redis  redis.UniversalClient
	now    func() time.Time
	log    *slog.Logger
	flight singleflight.Group

	mu      sync.Mutex
	token   string
	expires time.Time
	failed  error
	until   time.Time // failed is given back until then
}

const (
	tokenLock       = 8 * time.Second
	tokenPoll       = 50 * time.Millisecond
	tokenMargin     = 5 * time.Minute // a token is renewed this long before its end
	apiFailurePause = 10 * time.Second
	netFailurePause = time.Second
)

func newTokens(cfg ClientConfig, fetch func(context.Context, string) (string, time.Duration, error)) *tokens {
	return &tokens{
		key:    "xiaoka:wecom:token:" + cfg.App.CorpID + ":" + strconv.FormatInt(cfg.App.AgentID, 10),
		secret: cfg.Secret, fetch: fetch, redis: cfg.Redis, now: cfg.Now, log: cfg.Log,
	}
}

// get returns a token believed valid. A caller whose context ends leaves; the refresh goes on for the others.
func (t *tokens) get(ctx context.Context) (string, error) {
	if token, ok := t.local(); ok {
		return token, nil
	}
	done := t.flight.DoChan("", func() (any, error) {
		if token, ok := t.local(); ok {
			return token, nil
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tokenLock)
		defer cancel()
		return t.refresh(ctx)
	})
	select {
	case <-ctx.Done():
		return "", &APIError{Op: "gettoken", cause: ctx.Err()}
	case r := <-done:
		if r.Err != nil {
			return "", r.Err
		}
		return r.Val.(string), nil
	}
}

func (t *tokens) local() (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.token, t.token != "" && t.now().Before(t.expires)
}

func (t *tokens) keep(token string, life time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.expires, t.failed = token, t.now().Add(life), nil
}

// drop forgets token everywhere, unless somebody has put a newer one in its place already.
func (t *tokens) drop(ctx context.Context, token string) {
	if t.redis != nil { // first, or another caller of this process would take it back from there
		if err := dropIfEqual.Run(ctx, t.redis, []string{t.key}, token).Err(); err != nil && !errors.Is(err, redis.Nil) {
			t.log.Warn("stale token not dropped from Redis", "err", err)
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token = ""
	}
}

// dropIfEqual deletes a key only while it still holds the value given.
var dropIfEqual = redis.NewScript(`if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end return 0`)

// refresh takes the token another replica has stored, or becomes the one that asks WeCom.
func (t *tokens) refresh(ctx context.Context) (string, error) {
	if err := t.recentFailure(); err != nil {
		return "", err
	}
	if t.redis == nil {
		return t.ask(ctx)
	}
	lock := t.key + ":lock"
	for {
		token, err := t.shared(ctx)
		if err == nil && token != "" {
			return token, nil
		}
		if err == nil {
			var won bool
			won, err = t.redis.SetNX(ctx, lock, "1", tokenLock).Result()
			if won {
				return t.askAndShare(ctx, lock)
			}
		}
		if err != nil {
			t.log.Warn("token not shared: Redis does not answer", "err", err)
			return t.ask(ctx)
		}
		select {
		case <-ctx.Done():
			return "", &APIError{Op: "gettoken", cause: ctx.Err()}
		case <-time.After(jitter(tokenPoll)):
		}
	}
}

// shared reads the token out of Redis; "" = none.
func (t *tokens) shared(ctx context.Context) (string, error) {
	token, err := t.redis.Get(ctx, t.key).Result()
	if errors.Is(err, redis.Nil) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	life, err := t.redis.PTTL(ctx, t.key).Result()
	if err != nil {
		return "", err
	}
	if life <= 0 {
		return "", nil
	}
	t.keep(token, life)
	return token, nil
}

func (t *tokens) askAndShare(ctx context.Context, lock string) (string, error) {
	defer t.redis.Del(context.WithoutCancel(ctx), lock)
	// Whoever held the lock before may have stored a token between our look and our lock.
	if token, err := t.shared(ctx); err == nil && token != "" {
		return token, nil
	}
	token, err := t.ask(ctx)
	if err != nil {
		return "", err
	}
	t.mu.Lock()
	life := t.expires.Sub(t.now())
	t.mu.Unlock()
	if err := t.redis.Set(ctx, t.key, token, life).Err(); err != nil {
		t.log.Warn("token not shared: Redis does not answer", "err", err)
	}
	return token, nil
}

// ask fetches a token from WeCom and keeps it, or keeps the failure.
func (t *tokens) ask(ctx context.Context) (string, error) {
	token, life, err := t.fetch(ctx, t.secret)
	if err != nil {
		t.remember(err)
		return "", err
	}
	// WeCom gives the same token again until it ends, so near its end only half of what is left counts.
	t.keep(token, max(life-tokenMargin, life/2))
	return token, nil
}

func (t *tokens) remember(err error) {
	pause := netFailurePause
	var api *APIError
	if errors.As(err, &api) && api.Code != 0 {
		pause = apiFailurePause
		t.log.Error("WeCom refuses a token for this app: check its secret and the trusted addresses", "code", api.Code, "msg", api.Msg)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failed, t.until = err, t.now().Add(pause)
}

func (t *tokens) recentFailure() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.failed != nil && t.now().Before(t.until) {
		return t.failed
	}
	return nil
}
