package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
)

// started is a running sandbox whose product is the fake one.
type started struct {
	URL        string         `json:"url"`
	ControlURL string         `json:"control_url"`
	CorpID     string         `json:"corp_id"`
	Agents     []campus.Agent `json:"agents"`
	Dir        string         `json:"dir"`

	friendly string
	stop     func() (code int, stderr string) // asks it to end
	ended    func() (code int, stderr string) // waits until it does by itself
}

func start(t *testing.T, args ...string) *started {
	t.Helper()
	cards, err := filepath.Abs("testdata/cards")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(fakeVariable, cards)
	t.Setenv("GORACE", "atexit_sleep_ms=0") // else each of the product's commands ends with a second of sleep
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	var errs bytes.Buffer
	code := make(chan int, 1)
	go func() {
		c := run(ctx, append([]string{"--listen", "127.0.0.1:0", "--json", "--people", "10", "--product", self, "--misbehave", "0"}, args...), w, &errs)
		w.Close()
		code <- c
	}()
	s := &started{}
	s.ended = sync.OnceValues(func() (int, string) { return <-code, errs.String() })
	s.stop = func() (int, string) { cancel(); return s.ended() }
	t.Cleanup(func() { s.stop() })
	lines := bufio.NewScanner(r)
	if !lines.Scan() {
		c, text := s.stop()
		t.Fatalf("nothing printed; exit %d: %s", c, text)
	}
	if err := json.Unmarshal(lines.Bytes(), s); err != nil {
		t.Fatalf("%v in %s", err, lines.Text())
	}
	if lines.Scan() {
		s.friendly = lines.Text()
	}
	go func() { _, _ = io.Copy(io.Discard, r) }()
	return s
}

func fetch(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestRun(t *testing.T) {
	s := start(t)
	if !strings.Contains(s.friendly, s.URL) || len(s.Agents) != 2 || s.CorpID == "" || s.ControlURL != "" {
		t.Errorf("printed %+v", s)
	}
	done, err := os.ReadFile(filepath.Join(s.Dir, "done.txt"))
	if err != nil {
		t.Fatal(err)
	}
	want := "migrate\npeople import " + filepath.Join(s.Dir, "people.csv") + "\nterminal add K01 --kind kiosk --location 二号餐厅\n"
	if !strings.HasPrefix(string(done), want) || !strings.Contains(string(done), "--merchant") || !strings.HasSuffix(string(done), "serve\nmenu push\n") {
		t.Errorf("the product was told\n%s", done)
	}
	if status, page := fetch(t, "GET", s.URL+"/", ""); status != http.StatusOK || !strings.Contains(page, "小卡") {
		t.Errorf("page: %d", status)
	}
	if status, _ := fetch(t, "GET", s.URL+"/readyz", ""); status != http.StatusOK {
		t.Errorf("the product is not behind the page: %d", status)
	}
	if status, _ := fetch(t, "POST", s.URL+"/sandbox/api/chats/1000002/text", `{"text":"余额"}`); status != http.StatusOK {
		t.Errorf("say: %d", status)
	}
	if _, chat := fetch(t, "GET", s.URL+"/sandbox/api/chats/1000002", ""); !strings.Contains(chat, "¥12.50") {
		t.Errorf("the answer is not in the chat: %s", chat)
	}
	if code, text := s.stop(); code != exitOK || text != "" {
		t.Errorf("exit %d: %s", code, text)
	}
	if _, err := os.Stat(s.Dir); !os.IsNotExist(err) {
		t.Errorf("the temporary directory is still there: %v", err)
	}
}

func TestRunContinued(t *testing.T) {
	dir := t.TempDir()
	first := start(t, "--dir", dir)
	first.stop()
	again := start(t, "--dir", dir)
	if again.CorpID != first.CorpID || again.Agents[0].Secret != first.Agents[0].Secret {
		t.Error("another campus came back")
	}
	again.stop()
	done, err := os.ReadFile(filepath.Join(dir, "done.txt"))
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(done), "people import"); n != 1 {
		t.Errorf("imported %d times", n)
	}
	if n := strings.Count(string(done), "terminal add K01"); n != 1 {
		t.Errorf("K01 registered %d times", n)
	}
}

func TestProductDies(t *testing.T) {
	t.Run("Ends", func(t *testing.T) {
		s := start(t)
		if resp, err := http.Get(s.URL + "/dies"); err == nil { // the sandbox may be gone before it answers
			resp.Body.Close()
		}
		ended := make(chan string, 1)
		go func() {
			code, text := s.ended()
			ended <- strings.Repeat("!", code) + text
		}()
		select {
		case got := <-ended:
			if !strings.HasPrefix(got, "!") || !strings.Contains(got, "exit status 3") {
				t.Errorf("ended with %s", got)
			}
		case <-time.After(10 * time.Second):
			t.Error("the sandbox stays although its product is gone")
		}
	})
	t.Run("KillAndStart", func(t *testing.T) {
		s := start(t, "--control", "127.0.0.1:0")
		state := func() (v struct {
			PID    int `json:"product_pid"`
			Starts int `json:"product_starts"`
		}) {
			_, body := fetch(t, "GET", s.ControlURL+"/state", "")
			if err := json.Unmarshal([]byte(body), &v); err != nil {
				t.Fatal(err)
			}
			return v
		}
		before := state()
		if status, body := fetch(t, "POST", s.ControlURL+"/product/start", ""); status != http.StatusConflict {
			t.Errorf("started twice: %d %s", status, body)
		}
		fetch(t, "POST", s.ControlURL+"/product/kill", "")
		if got := state(); got.PID != 0 {
			t.Errorf("process %d lives", got.PID)
		}
		if status, _ := fetch(t, "GET", s.URL+"/readyz", ""); status != http.StatusBadGateway {
			t.Errorf("a dead product answers %d", status)
		}
		if status, body := fetch(t, "POST", s.ControlURL+"/product/start", ""); status != http.StatusOK {
			t.Fatalf("start: %d %s", status, body)
		}
		if got := state(); got.PID == 0 || got.PID == before.PID || got.Starts != 2 {
			t.Errorf("after the start: %+v", got)
		}
		if status, _ := fetch(t, "GET", s.URL+"/readyz", ""); status != http.StatusOK {
			t.Errorf("not ready: %d", status)
		}
		if code, text := s.stop(); code != exitOK {
			t.Errorf("exit %d: %s", code, text)
		}
	})
}

func TestControl(t *testing.T) {
	s := start(t, "--control", "127.0.0.1:0")
	for name, c := range map[string]struct {
		method, path, body string
		status             int
		contains           string
	}{
		"List":        {"GET", "/", "", 200, "POST /product/kill"},
		"Faults":      {"PUT", "/wecom/faults", `{"lose":true}`, 200, `"lose":true`},
		"BadFault":    {"PUT", "/wecom/faults", `{"loose":true}`, 400, "error"},
		"PayFault":    {"POST", "/wechatpay/faults", `{"point":"notify","kind":"lost","times":1}`, 200, "notify"},
		"Clock":       {"PUT", "/clock", `{"offset":"25h"}`, 200, "25h"},
		"BadClock":    {"PUT", "/clock", `{"offset":"soon"}`, 400, "error"},
		"MailFault":   {"PUT", "/mail/faults", `{"code":451}`, 200, "451"},
		"Misbehave":   {"PUT", "/misbehave", `{"percent":50}`, 200, `"percent":50`},
		"Misbehaves":  {"PUT", "/misbehave", `{"percent":101}`, 400, "error"},
		"TokenOfNone": {"POST", "/wecom/tokens/x/expire", "", 400, "error"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := fetch(t, c.method, s.ControlURL+c.path, c.body); status != c.status || !strings.Contains(body, c.contains) {
				t.Errorf("%d %s", status, body)
			}
		})
	}
	if _, body := fetch(t, "GET", s.ControlURL+"/clock", ""); !strings.Contains(body, "25h0m0s") {
		t.Errorf("clock %s", body)
	}
	if status, _ := fetch(t, "POST", s.URL+"/sandbox/api/chats/1000002/text", `{"text":"余额"}`); status != http.StatusBadGateway {
		t.Errorf("a lost callback was answered: %d", status)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"Help":       {[]string{"--help"}, exitOK, "Usage:"},
		"Unknown":    {[]string{"--nothing"}, exitUsage, "nothing"},
		"Misbehave":  {[]string{"--misbehave", "101"}, exitUsage, "--misbehave"},
		"Argument":   {[]string{"here"}, exitUsage, "here"},
		"Nobody":     {[]string{"--people", "0"}, exitUsage, "--people"},
		"Throwaway":  {[]string{"--database-url", "postgres://x/y"}, exitUsage, "--dir"},
		"NoProduct":  {[]string{"--product", "/nowhere/xiaoka"}, exitFault, "make build"},
		"BadAddress": {[]string{"--product", os.Args[0], "--listen", "127.0.0.1:99999"}, exitFault, "--listen"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, errs bytes.Buffer
			said := &errs
			if c.code == exitOK {
				said = &out // help is what was asked for
			}
			if code := run(t.Context(), c.args, &out, &errs); code != c.code || !strings.Contains(said.String(), c.says) || strings.Count(errs.String(), "\n") > 2 {
				t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	got := environment([]string{"HOME=/h", "XIAOKA_DATABASE_URL=postgres://real", "PATH=/p"})
	if strings.Join(got, " ") != "HOME=/h PATH=/p" {
		t.Errorf("the product gets %q", got)
	}
}

func TestSecondSandbox(t *testing.T) {
	first := start(t, "--dir", t.TempDir())
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"--listen", "127.0.0.1:0", "--product", self, "--dir", first.Dir}, &out, &errs); code != exitFault || !strings.Contains(errs.String(), "another sandbox runs in") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}
