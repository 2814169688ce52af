package bridge_test

import (
	"bufio"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

// Both readers keep the same promises.
func TestReaders(t *testing.T) {
	t.Parallel()
	for name, make := range map[string]func(*testing.T, *bridge.Sim) bridge.Reader{
		"sim": func(_ *testing.T, s *bridge.Sim) bridge.Reader { return s },
		"http": func(t *testing.T, s *bridge.Sim) bridge.Reader {
			server := httptest.NewServer(s.Handler())
			t.Cleanup(server.Close)
			return &bridge.HTTPReader{URL: server.URL + "/"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := context.Background()
			sim := &bridge.Sim{}
			r := make(t, sim)
			load := bridge.Load{CardNo: cardNo, Amount: 5000, Expected: bridge.Expected{LoadSeq: 18, Balance: 6230}}
			none := func(err error) {
				t.Helper()
				if !errors.Is(err, bridge.ErrNoCard) {
					t.Errorf("err = %v, want ErrNoCard", err)
				}
			}
			_, err := r.ReadCard(ctx)
			none(err)
			_, err = r.ReadChip(ctx, cardNo)
			none(err)
			_, err = r.WriteLoad(ctx, load)
			none(err)

			sim.Put(cardNo, &full)
			if c, err := r.ReadCard(ctx); err != nil || c != (bridge.Card{CardNo: cardNo, Chip: full}) {
				t.Errorf("%+v %v", c, err)
			}
			_, err = r.ReadChip(ctx, "61000002")
			none(err)
			wrong := load
			wrong.Expected.LoadSeq++
			if _, err := r.WriteLoad(ctx, wrong); !errors.Is(err, bridge.ErrRefused) {
				t.Errorf("a load for another counter: %v", err)
			}
			if chip, err := r.WriteLoad(ctx, load); err != nil || chip != (ledger.Chip{LoadSeq: 18, SpendSeq: 240, Balance: 6230}) {
				t.Errorf("%+v %v", chip, err)
			}
			if _, err := r.WriteLoad(ctx, load); !errors.Is(err, bridge.ErrRefused) {
				t.Errorf("the same load again: %v", err)
			}
			for tear, want := range map[bridge.Tear]ledger.Fen{bridge.BeforeWrite: 1230, bridge.AfterWrite: 6230} {
				sim.Put(cardNo, &full)
				sim.TearAt(tear)
				if _, err := r.WriteLoad(ctx, load); err == nil || errors.Is(err, bridge.ErrNoCard) || errors.Is(err, bridge.ErrRefused) {
					t.Errorf("%s: %v", tear, err)
				}
				_, err = r.ReadCard(ctx)
				none(err)
				sim.Put(cardNo, nil)
				if chip, err := r.ReadChip(ctx, cardNo); err != nil || chip.Balance != want {
					t.Errorf("%s: %+v %v", tear, chip, err)
				}
			}
		})
	}
}

func TestHTTPReader_Strange(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, answer := range map[string]string{"Nothing": "", "Garbage": "<html>", "NoCard": `{"card_no":""}`, "NoChip": `{}`} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(answer)) }))
		r := &bridge.HTTPReader{URL: server.URL}
		if _, err := r.ReadCard(ctx); err == nil && name != "NoChip" {
			t.Errorf("%s: a card", name)
		}
		if _, err := r.WriteLoad(ctx, bridge.Load{}); err == nil || errors.Is(err, bridge.ErrRefused) || errors.Is(err, bridge.ErrNoCard) {
			t.Errorf("%s: %v", name, err)
		}
		server.Close()
		if _, err := r.WriteLoad(ctx, bridge.Load{}); err == nil || errors.Is(err, bridge.ErrRefused) || errors.Is(err, bridge.ErrNoCard) {
			t.Errorf("%s, gone: %v", name, err)
		}
	}
}

// A reader that stops working is shown, and coming back is.
func TestReaderDown(t *testing.T) {
	t.Parallel()
	sim := &bridge.Sim{}
	down := make(chan bool, 1)
	down <- false
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		is := <-down
		down <- is
		if is {
			http.Error(w, "driver", http.StatusInternalServerError)
			return
		}
		sim.Handler().ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Reader = &bridge.HTTPReader{URL: server.URL} })
	m.sim = sim
	m.put(&full)
	m.identify(good)
	<-down
	down <- true
	m.await("the reader is down", func() bool { v := m.bridge.View(); return !v.Reader && v.Card == "" })
	m.refused("claim", "{}", "no_card")
	<-down
	down <- false
	m.await("the reader is back", func() bool { v := m.bridge.View(); return v.Reader && v.Step == bridge.CardIn })
	m.refused("claim", "{}", "not_identified")
}

// Only this bridge's own page, on this machine, gets in.
func TestOnlyItsOwnScreen(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.put(&full)
	for name, change := range map[string]func(*http.Request){
		"OtherHost":      func(r *http.Request) { r.Host = "evil.example:80" },
		"RebindingHost":  func(r *http.Request) { r.Host = "127.0.0.1.evil.example" },
		"OtherOrigin":    func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") },
		"OtherPort":      func(r *http.Request) { r.Header.Set("Origin", "http://127.0.0.1:1") },
		"NullOrigin":     func(r *http.Request) { r.Header.Set("Origin", "null") },
		"SimpleFormPost": func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") },
		"NoContentType":  func(r *http.Request) { r.Header.Del("Content-Type") },
	} {
		r, err := http.NewRequest("POST", m.url+"/kiosk/bridge/identify", strings.NewReader(`{"pin":"482914"}`))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Origin", m.url)
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("%s: %d", name, resp.StatusCode)
		}
	}
	if m.count("lookup", 403) != 0 {
		t.Error("a stranger tried a password")
	}
	resp, err := http.Get(m.url + "/")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.Request.URL.Path != "/kiosk/" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%s %s", resp.Request.URL, resp.Header)
	}
}

func TestEvents(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, "GET", m.url+"/kiosk/bridge/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if ct := resp.Header.Get("Content-Type"); ct != "text/event-stream" {
		t.Errorf("%s", ct)
	}
	lines := bufio.NewScanner(resp.Body)
	next := func(want string) {
		t.Helper()
		for lines.Scan() {
			if strings.HasPrefix(lines.Text(), "data: ") && strings.Contains(lines.Text(), want) {
				if strings.Contains(lines.Text(), cardNo) {
					t.Errorf("the whole card number is told: %s", lines.Text())
				}
				return
			}
		}
		t.Fatalf("no event with %s", want)
	}
	next(`"step":"no_card"`)
	m.sim.Put(cardNo, &full)
	next(`"step":"card","reader":true,"card":"0001","balance_fen":1230`)
	m.identify(good)
	next(`"step":"identified"`)
	m.sim.Pull()
	next(`"step":"no_card"`)
}

func TestSimPage(t *testing.T) {
	t.Parallel()
	sim := &bridge.Sim{}
	h := sim.Handler()
	do := func(method, path, body string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Host = "127.0.0.1:9"
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	for _, path := range []string{"/", "/sim.css", "/sim.js"} {
		if w := do("GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	w := do("POST", "/sim/put", `{"card_no":"61000001","chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230}}`)
	if want := `{"card":{"card_no":"61000001","chip":{"load_seq":17,"spend_seq":240,"balance_fen":1230}},"tear":""}`; strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%s", w.Body)
	}
	if w := do("POST", "/sim/tear", `{"at":"after_write"}`); !strings.Contains(w.Body.String(), `"tear":"after_write"`) {
		t.Errorf("%s", w.Body)
	}
	if w := do("POST", "/sim/pull", `{}`); !strings.Contains(w.Body.String(), `"card":null`) {
		t.Errorf("%s", w.Body)
	}
	for _, body := range []string{"", "[]", `{"card_no":""}`, `{"card_no":"1","chip":{"balance_fen":-1}}`} {
		if w := do("POST", "/sim/put", body); w.Code < 400 {
			t.Errorf("%s: %d", body, w.Code)
		}
	}
}
