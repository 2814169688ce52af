package bot

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"xiaoka/cards"
)

// dispatch is a Dispatcher made of a function.
type dispatch func(ctx context.Context, m *Message) (string, bool)

func (d dispatch) Dispatch(ctx context.Context, m *Message) (string, bool) { return d(ctx, m) }

// echo answers with what was typed.
func echo(_ context.Context, m *Message) (string, bool) { return "ok " + m.Content, true }

func newTestCallback(t testing.TB, d dispatch, state *Redis) *Callback {
	t.Helper()
	if state == nil {
		state = NewRedis(nil, nil)
	}
	cb, err := NewCallback(CallbackConfig{App: testApp, Token: testToken, EncodingAESKey: testAESKey, Dispatcher: d, Seen: state, Turns: state})
	if err != nil {
		t.Fatal(err)
	}
	return cb
}

func newTestRedis(t testing.TB) (*miniredis.Miniredis, redis.UniversalClient) {
	t.Helper()
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	t.Cleanup(func() { client.Close() })
	return server, client
}

func serve(cb http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	cb.ServeHTTP(w, r)
	return w
}

func TestCallback_VerifyURL(t *testing.T) {
	t.Parallel()
	cb := newTestCallback(t, echo, nil)
	cb.cfg.Now = func() time.Time { return time.Unix(1409659589+30, 0) }
	q := "msg_signature=5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3&timestamp=1409659589&nonce=263014780&echostr="
	escaped := url.QueryEscape(v1Echo)
	for name, raw := range map[string]string{
		"Published":    q + escaped,
		"DecodedTwice": q + strings.ReplaceAll(escaped, "%2B", "+"),
	} {
		w := serve(cb, httptest.NewRequest(http.MethodGet, "/wecom/card?"+raw, nil))
		if w.Code != 200 || w.Body.String() != "1616140317555161061" {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("%s: headers %v", name, w.Header())
		}
	}
	for name, raw := range map[string]string{
		"NoEcho":           q,
		"TwoEchoes":        q + escaped + "&echostr=" + escaped,
		"TwoSignatures":    "msg_signature=a&" + q + escaped,
		"TwoTimestamps":    q + escaped + "&timestamp=1409659589",
		"TwoNonces":        q + escaped + "&nonce=263014780",
		"Script":           q + url.QueryEscape("<script>alert(1)</script>"),
		"OtherNonce":       strings.Replace(q, "263014780", "263014781", 1) + escaped,
		"UpperCaseHex":     strings.Replace(q, "5c45ff", "5C45FF", 1) + escaped,
		"OneBitFlipped":    q + strings.Replace(escaped, "P9n", "P9m", 1),
		"BadEscape":        q + escaped + "&a=%zz",
		"TimestampText":    strings.Replace(q, "1409659589", "1409659589x", 1) + escaped,
		"TimestampSigned":  strings.Replace(q, "timestamp=", "timestamp=%2B", 1) + escaped,
		"SignatureMissing": q[strings.Index(q, "&")+1:] + escaped,
	} {
		w := serve(cb, httptest.NewRequest(http.MethodGet, "/wecom/card?"+raw, nil))
		if w.Code != 403 || w.Body.String() != "refused\n" {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}
	if w := serve(cb, httptest.NewRequest(http.MethodPut, "/wecom/card?"+q+escaped, nil)); w.Code != 405 || w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("PUT: %d", w.Code)
	}
}

func TestCallback_Push(t *testing.T) {
	t.Parallel()
	cb := newTestCallback(t, echo, nil)
	w := serve(cb, push{inner: textXML("ZhangSan", "1", "余额")}.request(t))
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/xml; charset=utf-8" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if r := readReply(t, w.Body.String()); r.Content != "ok 余额" || r.ToUserName != "ZhangSan" {
		t.Fatalf("reply = %+v", r)
	}
	quiet := newTestCallback(t, func(context.Context, *Message) (string, bool) { return "", true }, nil)
	if w := serve(quiet, push{inner: textXML("u", "2", "x")}.request(t)); w.Code != 200 || w.Body.Len() != 0 {
		t.Fatalf("quiet: %d %q", w.Code, w.Body)
	}
}

// Whatever is not WeCom's gets one answer and reaches no handler; the last case is the same request made right.
func TestCallback_Forged(t *testing.T) {
	t.Parallel()
	var handled atomic.Int32
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) { handled.Add(1); return "", true }, nil)
	now := time.Now().Unix()
	inner := textXML("u", "1", "x")
	good := wecomEncrypt(t, inner)
	flipped := "A" + good[1:]
	if flipped == good {
		flipped = "B" + good[1:]
	}
	cases := map[string]*http.Request{
		"WrongToken":         push{encrypt: good, timestamp: now, signature: wecomSign("other", fmt.Sprint(now), "1372623149", good)}.request(t),
		"FlippedCiphertext":  push{encrypt: flipped, timestamp: now, signature: wecomSign(testToken, fmt.Sprint(now), "1372623149", good)}.request(t),
		"EmptySignature":     push{inner: inner, signature: "0"}.request(t),
		"OneDayOld":          push{inner: inner, timestamp: now - 86400}.request(t),
		"ElevenMinutesOld":   push{inner: inner, timestamp: now - 660}.request(t),
		"ElevenMinutesAhead": push{inner: inner, timestamp: now + 660}.request(t),
		"OuterCorp":          push{inner: inner, toUser: "wrongcorp"}.request(t),
		"OuterAgent":         push{inner: inner, agent: "219"}.request(t),
		"InnerCorp":          push{inner: strings.Replace(inner, testCorp, "wrongcorp", 1)}.request(t),
		"InnerAgent":         push{inner: strings.Replace(inner, "<AgentID>218", "<AgentID>219", 1)}.request(t),
		"InnerAgentMissing":  push{inner: strings.Replace(inner, "<AgentID>218</AgentID>", "", 1)}.request(t),
		"ReceiveID":          push{encrypt: wecomEncryptRaw(t, wecomPad(wecomFrame(inner, "wrongcorp"), 32))}.request(t),
		"Plaintext":          push{inner: inner, body: inner}.request(t),
		"NoEncrypt":          push{inner: inner, body: "<xml><ToUserName>" + testCorp + "</ToUserName></xml>"}.request(t),
		"TwoEncrypts":        push{encrypt: good, body: "<xml><ToUserName>" + testCorp + "</ToUserName><Encrypt>" + good + "</Encrypt><Encrypt>" + good + "</Encrypt></xml>"}.request(t),
		"Trailer":            push{encrypt: good, body: "<xml><ToUserName>" + testCorp + "</ToUserName><Encrypt>" + good + "</Encrypt></xml>x"}.request(t),
		"Doctype":            push{encrypt: good, body: "<!DOCTYPE x><xml><ToUserName>" + testCorp + "</ToUserName><Encrypt>" + good + "</Encrypt></xml>"}.request(t),
		"Empty":              push{encrypt: good, body: " "}.request(t),
	}
	for _, name := range []string{"msg_signature", "timestamp", "nonce"} {
		missing := push{inner: inner}.request(t)
		q := missing.URL.Query()
		q.Del(name)
		missing.URL.RawQuery = q.Encode()
		cases["No "+name] = missing
		twice := push{inner: inner}.request(t)
		twice.URL.RawQuery += "&" + name + "=" + twice.URL.Query().Get(name)
		cases["Two "+name] = twice
	}
	for name, r := range cases {
		if w := serve(cb, r); w.Code != 403 || w.Body.String() != "refused\n" {
			t.Errorf("%s: %d %q", name, w.Code, w.Body)
		}
	}
	if n := handled.Load(); n != 0 {
		t.Fatalf("%d forged messages were handled", n)
	}
	if w := serve(cb, push{inner: inner}.request(t)); w.Code != 200 || handled.Load() != 1 {
		t.Fatalf("the right one: %d", w.Code)
	}
}

func TestCallback_Hostile(t *testing.T) {
	t.Parallel()
	cb := newTestCallback(t, echo, nil)
	inner := textXML("u", "1", "x")
	good := wecomEncrypt(t, inner)
	for name, tc := range map[string]struct {
		r    *http.Request
		code int
	}{
		"Oversized":    {push{inner: inner, body: strings.Repeat("a", maxXMLBytes+1)}.request(t), 413},
		"HundredMegs":  {push{inner: inner, body: strings.Repeat("a", 100<<20)}.request(t), 413},
		"Nested":       {push{inner: inner, body: strings.Repeat("<xml>", 12_000)}.request(t), 403},
		"Billion":      {push{encrypt: good, body: `<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><xml><Encrypt>&b;</Encrypt></xml>`}.request(t), 403},
		"InnerDoctype": {push{inner: "<!DOCTYPE x>" + inner}.request(t), 400},
		"InnerTwice":   {push{inner: strings.Replace(inner, "<MsgId>", "<FromUserName>v</FromUserName><MsgId>", 1)}.request(t), 400},
		"InnerNested":  {push{inner: strings.Repeat("<xml>", 5_000)}.request(t), 400},
		"InnerUTF8":    {push{inner: textXML("u", "1", "\xff")}.request(t), 400},
		"InnerEmpty":   {push{encrypt: wecomEncrypt(t, "")}.request(t), 400},
	} {
		began := time.Now()
		w := serve(cb, tc.r)
		if took := time.Since(began); w.Code != tc.code || took > 300*time.Millisecond {
			t.Errorf("%s: %d in %v", name, w.Code, took)
		}
	}
}

// Both states of Seen: shared through Redis, and in this process only.
func TestCallback_OnceOnly(t *testing.T) {
	t.Parallel()
	_, client := newTestRedis(t)
	for name, state := range map[string]*Redis{"Redis": NewRedis(client, nil), "Process": NewRedis(nil, nil)} {
		t.Run(name, func(t *testing.T) {
			var effects atomic.Int32
			d := func(_ context.Context, m *Message) (string, bool) {
				return fmt.Sprint("answer ", effects.Add(1)), true
			}
			replicas := []*Callback{newTestCallback(t, d, state), newTestCallback(t, d, state)}
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					serve(replicas[i%2], push{inner: textXML("U", "7", "充值"), nonce: fmt.Sprint("n", i)}.request(t))
				})
			}
			wg.Wait()
			if n := effects.Load(); n != 1 {
				t.Fatalf("%d effects", n)
			}
			w := serve(replicas[1], push{inner: textXML("U", "7", "充值")}.request(t))
			if r := readReply(t, w.Body.String()); r.Content != "answer 1" {
				t.Fatalf("repeat = %+v", r)
			}
			event := cardEventXML("U", "t", "k", "r")
			for range 3 {
				w = serve(replicas[0], push{inner: event}.request(t))
			}
			if r := readReply(t, w.Body.String()); r.Content != "answer 2" || effects.Load() != 2 {
				t.Fatalf("event: %+v", r)
			}
			serve(replicas[0], push{inner: textXML("U", "8", "充值")}.request(t))
			if n := effects.Load(); n != 3 {
				t.Fatalf("another message: %d effects", n)
			}
		})
	}
}

func TestCallback_RepeatWhileRunning(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) { close(entered); <-leave; return "done", true }, nil)
	first := make(chan *httptest.ResponseRecorder)
	go func() { first <- serve(cb, push{inner: textXML("u", "1", "x")}.request(t)) }()
	<-entered
	if w := serve(cb, push{inner: textXML("u", "1", "x")}.request(t)); w.Code != 200 || w.Body.Len() != 0 {
		t.Fatalf("repeat: %d %q", w.Code, w.Body)
	}
	close(leave)
	if r := readReply(t, (<-first).Body.String()); r.Content != "done" {
		t.Fatalf("first = %+v", r)
	}
}

// A handling that failed before any effect leaves its key free, and still answers.
func TestCallback_FailureIsNotRemembered(t *testing.T) {
	t.Parallel()
	calls := 0
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) {
		calls++
		return fmt.Sprint("call ", calls), calls > 1
	}, nil)
	for i, want := range []string{"call 1", "call 2", "call 2"} {
		w := serve(cb, push{inner: textXML("u", "1", "x")}.request(t))
		if r := readReply(t, w.Body.String()); r.Content != want {
			t.Fatalf("delivery %d: %+v", i+1, r)
		}
	}
}

func TestCallback_Panic(t *testing.T) {
	t.Parallel()
	calls := 0
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) {
		if calls++; calls == 1 {
			panic("boom")
		}
		return "well", true
	}, nil)
	for _, want := range []string{cards.Sorry(cards.En, ""), "well"} {
		w := serve(cb, push{inner: textXML("u", "1", "x")}.request(t))
		if r := readReply(t, w.Body.String()); w.Code != 200 || r.Content != want {
			t.Fatalf("%d %+v, want %q", w.Code, r, want)
		}
	}
}

func TestCallback_OneMessageOfAPersonAtATime(t *testing.T) {
	t.Parallel()
	_, client := newTestRedis(t)
	var mu sync.Mutex
	inside, most, total := map[string]int{}, 0, 0
	people := map[string]bool{}
	d := func(_ context.Context, m *Message) (string, bool) {
		mu.Lock()
		inside[m.From()]++
		most = max(most, inside[m.From()])
		if len(inside) > 1 {
			people[m.From()] = true
		}
		mu.Unlock()
		time.Sleep(5 * time.Millisecond)
		mu.Lock()
		inside[m.From()]--
		if inside[m.From()] == 0 {
			delete(inside, m.From())
		}
		total++
		mu.Unlock()
		return "", true
	}
	replicas := []*Callback{newTestCallback(t, d, NewRedis(client, nil)), newTestCallback(t, d, NewRedis(client, nil))}
	var wg sync.WaitGroup
	for i := range 24 {
		user := []string{"Anna", "anna", "Ben"}[i%3]
		wg.Go(func() { serve(replicas[i%2], push{inner: textXML(user, fmt.Sprint(100+i), "x")}.request(t)) })
	}
	wg.Wait()
	if most != 1 || total != 24 {
		t.Fatalf("%d messages of one person at once, %d handled", most, total)
	}
	if len(people) == 0 {
		t.Fatal("people wait for one another")
	}
}

func TestCallback_TurnNotFree(t *testing.T) {
	t.Parallel()
	state := NewRedis(nil, nil)
	var calls atomic.Int32
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) { calls.Add(1); return "", true }, state)
	cb.budget = 100 * time.Millisecond
	release, _ := state.Take(t.Context(), testCorp+":u")
	w := serve(cb, push{inner: textXML("u", "1", "x")}.request(t))
	if r := readReply(t, w.Body.String()); r.Content != cards.Busy(cards.En) && r.Content != cards.Slow(cards.En) {
		t.Fatalf("reply = %+v", r)
	}
	release()
	cb.budget = answerBudget
	for calls.Load() == 0 {
		serve(cb, push{inner: textXML("u", "1", "x")}.request(t))
	}
}

func TestCallback_SlowHandlerStillAnswered(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	defer close(release)
	cb := newTestCallback(t, func(context.Context, *Message) (string, bool) { <-release; return "", true }, nil)
	cb.budget = 50 * time.Millisecond
	began := time.Now()
	w := serve(cb, push{inner: textXML("u", "1", "余额")}.request(t))
	if r := readReply(t, w.Body.String()); r.Content != cards.Slow(cards.Zh) || time.Since(began) > 3*time.Second {
		t.Fatalf("%+v after %v", r, time.Since(began))
	}
}

func TestCallback_RedisGone(t *testing.T) {
	t.Parallel()
	// One that refuses connections, and one that takes them and never says a word.
	refusing, client := newTestRedis(t)
	refusing.Close()
	hole, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer hole.Close()
	silent := redis.NewClient(&redis.Options{Addr: hole.Addr().String()})
	defer silent.Close()
	for name, c := range map[string]redis.UniversalClient{"Refuses": client, "Silent": silent} {
		cb := newTestCallback(t, echo, NewRedis(c, nil))
		for i := range 3 {
			began := time.Now()
			w := serve(cb, push{inner: textXML("u", fmt.Sprint(i+1), "x")}.request(t))
			if r := readReply(t, w.Body.String()); r.Content != "ok x" || time.Since(began) > 4*time.Second {
				t.Fatalf("%s: %+v after %v", name, r, time.Since(began))
			}
		}
		var effects int
		cb.cfg.Dispatcher = dispatch(func(context.Context, *Message) (string, bool) { effects++; return "", true })
		for range 3 {
			serve(cb, push{inner: textXML("u", "99", "x")}.request(t))
		}
		if effects != 1 {
			t.Fatalf("%s: %d effects", name, effects)
		}
	}
}
