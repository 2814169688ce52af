package wecom

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/mishap"
)

// TestMishaps: with everything going wrong, an app that refreshes its token and tells repeats by MsgId notices nothing.
func TestMishaps(t *testing.T) {
	t.Parallel()
	dice := mishap.New(1, 3)
	dice.Longest = 2 * time.Millisecond
	var mu sync.Mutex
	notes := map[string]int{}
	w := newWorld(t, func(c *Config) {
		c.Mishaps = dice
		c.Log = func(e Event) {
			mu.Lock()
			defer mu.Unlock()
			note, _, _ := strings.Cut(e.Note, " late")
			notes[strings.TrimRight(note, "0123456789.ms")]++
		}
	})
	sent := 0
	for i := range 60 {
		w.clock.add(time.Second)
		body := fmt.Sprintf(`{"touser":"lisi","agentid":1000002,"msgtype":"textcard","textcard":{"title":"t","description":"%d","url":"https://a"}}`, i)
		a := w.send(body)
		if a.code() == 40014 || a.code() == 42001 {
			w.token = w.newToken("secret-card")
			a = w.send(body)
		}
		if a.code() != 0 || a.str("msgid") == "" {
			t.Fatalf("message %d: %v", i, a)
		}
		sent++
	}
	if n := w.sim.Stats(); n.Delivered+n.Dropped != sent {
		t.Errorf("%d of %d arrived: %+v", n.Delivered, sent, n)
	}
	for i := range 12 {
		if _, err := w.sim.Say(w.ctx(), "zhangsan", agent, fmt.Sprint("text ", i)); err != nil {
			t.Fatal(err)
		}
	}
	said := map[string]string{}
	for _, g := range w.bot.seen() {
		said[g.MsgID] = g.Content
	}
	if len(said) != 12 || len(w.bot.seen()) <= 12 {
		t.Errorf("%d texts in %d callbacks", len(said), len(w.bot.seen()))
	}
	mu.Lock()
	defer mu.Unlock()
	for _, want := range []string{
		"on purpose: answered ", "on purpose: the access_token ended early", "on purpose: fields in another order, and one that nobody announced",
		"on purpose: the connection is not kept", "on purpose: delivered twice at once", "on purpose: delivered twice, one after the other",
		"on purpose: elements in another order, and one that nobody announced",
	} {
		if notes[want] == 0 && notes[strings.TrimRight(want, "0123456789.ms")] == 0 {
			t.Errorf("never: %s (%v)", want, notes)
		}
	}
}

// TestMishaps_Token: an app gets along with the token it was just given.
func TestMishaps_Token(t *testing.T) {
	t.Parallel()
	w := newWorld(t, nil)
	for range leastUses {
		w.get("getcallbackip?access_token=" + w.token)
	}
	if w.sim.endToken(w.token, true) {
		t.Error("ended in its first seconds")
	}
	w.clock.add(leastAge)
	if !w.sim.endToken(w.token, true) || w.get("getcallbackip?access_token="+w.token).code() != 42001 {
		t.Error("not ended")
	}
	w.token = w.newToken("secret-card")
	w.clock.add(leastAge)
	if w.sim.endToken(w.token, true) {
		t.Error("ended although it has hardly served")
	}
}

func TestMishaps_Answer(t *testing.T) {
	t.Parallel()
	dice := mishap.New(1, 1)
	dice.Longest = time.Millisecond
	w := newWorld(t, func(c *Config) { c.Mishaps = dice })
	var stirred, closed int
	for range 20 {
		res, err := http.Get(w.url + "/cgi-bin/gettoken?corpid=" + sampleCorp + "&corpsecret=secret-card")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(body), "UnannouncedField") {
			stirred++
		}
		if res.Close {
			closed++
		}
	}
	if stirred == 0 || closed == 0 {
		t.Errorf("%d stirred, %d closed", stirred, closed)
	}
}
