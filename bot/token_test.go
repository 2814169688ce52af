package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

func TestClient_TokenRenewal(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40014, 42001} {
		f := newFakeWeCom(t)
		f.set(func() { f.badToken = code })
		_, client := newTestRedis(t)
		c := newTestClient(t, f.URL, func(cfg *ClientConfig) { cfg.Redis = client })
		f.set(func() { f.answers["auth/getuserinfo"] = `{"errcode":0,"userid":"ZhangSan"}` })
		for range 2 {
			if err := c.SendText(t.Context(), "u", "x"); err != nil {
				t.Fatal(err)
			}
			f.revoke()
			if user, err := c.UserInfo(t.Context(), "code"); err != nil || user != "zhangsan" {
				t.Fatal(user, err)
			}
			f.revoke()
		}
		if f.fetched() != 4 {
			t.Fatalf("%d: %d fetches", code, f.fetched())
		}
	}
}

func TestClient_TokenNeverLoops(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	var calls int
	f.set(func() {
		f.handle = func(w http.ResponseWriter, _ *http.Request) { calls++; fmt.Fprint(w, `{"errcode":40001}`) }
	})
	c := newTestClient(t, f.URL)
	if err := c.SendText(t.Context(), "u", "x"); err == nil || calls != 2 || f.fetched() != 2 {
		t.Fatalf("%v after %d calls and %d fetches", err, calls, f.fetched())
	}
	f.set(func() { f.deny = 40001 })
	now := time.Now()
	c = newTestClient(t, f.URL, func(cfg *ClientConfig) { cfg.Now = func() time.Time { return now } })
	f.set(func() { f.fetches = 0 })
	for range 20 {
		var api *APIError
		if err := c.SendText(t.Context(), "u", "x"); !errors.As(err, &api) || api.Code != 40001 {
			t.Fatal(err)
		}
	}
	if f.fetched() != 1 {
		t.Fatalf("a wrong secret was tried %d times", f.fetched())
	}
	now = now.Add(time.Minute)
	f.set(func() { f.deny, f.handle = 0, nil })
	if err := c.SendText(t.Context(), "u", "x"); err != nil {
		t.Fatal(err)
	}
}

// slowScripts lets a Redis script wait for a while.
type slowScripts struct{ redis.Hook }

func (slowScripts) DialHook(next redis.DialHook) redis.DialHook { return next }

func (slowScripts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (slowScripts) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if strings.HasPrefix(cmd.Name(), "eval") {
			time.Sleep(200 * time.Millisecond)
		}
		return next(ctx, cmd)
	}
}

// A caller that comes while another drops a revoked token must not bring it back from Redis.
func TestClient_DroppedTokenStays(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	_, client := newTestRedis(t)
	client.AddHook(slowScripts{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(60 * time.Millisecond)
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(slow.Close)
	c := newTestClient(t, slow.URL, func(cfg *ClientConfig) { cfg.Redis = client })
	if err := c.SendText(t.Context(), "u", "x"); err != nil {
		t.Fatal(err)
	}
	f.revoke()
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * 3 * time.Millisecond)
			if err := c.SendText(t.Context(), "u", "x"); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if f.fetched() != 2 {
		t.Errorf("%d fetches", f.fetched())
	}
}

// Twenty replicas, many callers each: one fetch when there is no token, one when it runs out, one when WeCom revokes it.
func TestClient_NoTokenStampede(t *testing.T) {
	t.Parallel()
	f := newFakeWeCom(t)
	server, client := newTestRedis(t)
	var offset atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(offset.Load())) }
	var replicas []*Client
	for range 20 {
		replicas = append(replicas, newTestClient(t, f.URL, func(cfg *ClientConfig) { cfg.Redis, cfg.Now = client, now }))
	}
	storm := func() {
		t.Helper()
		var wg sync.WaitGroup
		for _, c := range replicas {
			for range 4 {
				wg.Go(func() {
					if err := c.SendText(t.Context(), "u", "x"); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
	}
	storm()
	if f.fetched() != 1 {
		t.Fatalf("first use: %d fetches", f.fetched())
	}
	offset.Store(int64(3 * time.Hour))
	server.FastForward(3 * time.Hour)
	storm()
	if f.fetched() != 2 {
		t.Fatalf("after its end: %d fetches", f.fetched())
	}
	f.revoke()
	storm()
	if f.fetched() != 3 {
		t.Fatalf("after revoking: %d fetches", f.fetched())
	}
	server.Close()
	storm() // Redis gone: the tokens in hand serve on
	if f.fetched() != 3 {
		t.Fatalf("Redis gone: %d fetches", f.fetched())
	}
}
