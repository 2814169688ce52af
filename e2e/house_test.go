package e2e

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mishap"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

// binary is the product, built once.
var binary string

// merchantKeys are made once: RSA takes its time.
var merchantKeys *wechatpay.Keys

func TestMain(m *testing.M) {
	flag.Parse()
	code, err := prepare(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func prepare(m *testing.M) (int, error) {
	// GOTMPDIR is where programs may be executed.
	dir, err := os.MkdirTemp(os.Getenv("GOTMPDIR"), "xiaoka-e2e")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	if testing.Short() {
		return m.Run(), nil
	}
	build := exec.Command("go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir+"/", "xiaoka/cmd/xiaoka", "xiaoka/cmd/xiaoka-sandbox")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("build the binaries: %w\n%s", err, out)
	}
	binary = filepath.Join(dir, "xiaoka")
	if merchantKeys, err = wechatpay.NewKeys(); err != nil {
		return 1, err
	}
	return m.Run(), nil
}

// house is the product in one or more replicas behind a balancer, and the
// campus around it.
type house struct {
	t        testing.TB
	campus   *campus.Campus
	url      string // the balancer: what phones and terminals reach
	config   string
	database string
	people   int          // on the campus
	mishaps  *mishap.Dice // what goes a little wrong there; nil: nothing
	env      []string     // settings of the product besides its file
	member   atomic.Value // userid of who holds the phone that follows an OAuth link

	mu       sync.Mutex
	replicas []*replica
	next     atomic.Int64
	secrets  map[string][]byte // of the terminals
}

// replica is one process of the product.
type replica struct {
	addr  string
	cmd   *exec.Cmd
	log   *bytes.Buffer
	done  chan struct{}
	proxy *httputil.ReverseProxy
}

// newHouse starts replicas of the product on a database; redis may be empty
// for one replica.
func newHouse(t testing.TB, databaseURL, redisURL string, replicas int, change ...func(*house)) *house {
	t.Helper()
	h := &house{t: t, secrets: map[string][]byte{}, people: 5}
	for _, f := range change {
		f(h)
	}
	front := httptest.NewServer(http.HandlerFunc(h.balance))
	t.Cleanup(front.Close)
	h.url = front.URL
	var err error
	h.campus, err = campus.Open(campus.Config{Dir: t.TempDir(), PublicURL: front.URL, People: h.people, WeChatKeys: merchantKeys, Mishaps: h.mishaps,
		AutoMember: func(*http.Request) (string, bool) { id, ok := h.member.Load().(string); return id, ok }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.campus.Close)
	if databaseURL == "" {
		databaseURL = "sqlite:" + filepath.Join(t.TempDir(), "xiaoka.db")
	}
	h.database = databaseURL
	if h.config, err = h.campus.WriteSettings("127.0.0.1:0", databaseURL, redisURL); err != nil {
		t.Fatal(err)
	}
	h.run("migrate")
	h.run("people", "import", filepath.Join(filepath.Dir(h.config), campus.PeopleFile))
	for _, k := range h.campus.State().Terminals {
		out := h.run("terminal", "add", k.ID, "--kind", k.Kind, "--location", k.Location)
		_, secret, _ := strings.Cut(strings.TrimSpace(out), "secret: ")
		raw, err := base64.StdEncoding.DecodeString(secret)
		if err != nil {
			t.Fatalf("terminal add printed no secret: %v", err)
		}
		h.secrets[k.ID] = raw
	}
	for range replicas {
		h.start()
	}
	h.run("menu", "push")
	return h
}

// run runs one command of the product and returns what it printed.
func (h *house) run(args ...string) string {
	h.t.Helper()
	out, err := h.try(args...)
	if err != nil {
		h.t.Fatalf("xiaoka %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

func (h *house) try(args ...string) (string, error) {
	cmd := exec.Command(binary, append([]string{"--config", h.config}, args...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// start adds a replica and waits until it is ready.
func (h *house) start() *replica {
	h.t.Helper()
	r := &replica{addr: freeAddress(h.t), log: &bytes.Buffer{}, done: make(chan struct{})}
	r.cmd = exec.Command(binary, "--config", h.config, "serve")
	r.cmd.Env = append(append(os.Environ(), "XIAOKA_LISTEN="+r.addr), h.env...)
	log := &lockedWriter{w: r.log}
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	go func() {
		_ = r.cmd.Wait()
		close(r.done)
	}()
	h.t.Cleanup(func() {
		r.stop(syscall.SIGTERM)
		if h.t.Failed() {
			h.t.Logf("log of %s:\n%s", r.addr, log.String())
		}
	})
	target, err := url.Parse("http://" + r.addr)
	if err != nil {
		h.t.Fatal(err)
	}
	// Each request is read whole before it is passed on: with an answer that
	// comes early a streaming proxy drops the connection, now and then.
	r.proxy = &httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) {
		p.SetURL(target)
		p.Out.Host = p.In.Host
		body, err := io.ReadAll(p.In.Body)
		if err != nil {
			return // the caller is gone
		}
		p.Out.Body, p.Out.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}}
	h.await("replica ready", func() bool {
		res, err := http.Get("http://" + r.addr + "/readyz")
		if err != nil {
			return false
		}
		res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	h.mu.Lock()
	h.replicas = append(h.replicas, r)
	h.mu.Unlock()
	return r
}

// kill ends a replica as a power cut would.
func (h *house) kill(r *replica) { h.end(r, syscall.SIGKILL) }

// restart ends all replicas in good order and starts one, which then leads the
// queue: that is when periodic work is done at once.
func (h *house) restart() {
	h.t.Helper()
	for len(h.replicas) > 0 {
		h.end(h.replicas[0], syscall.SIGTERM)
	}
	h.start()
}

func (h *house) end(r *replica, sig syscall.Signal) {
	h.mu.Lock()
	for i, other := range h.replicas {
		if other == r {
			h.replicas = append(h.replicas[:i:i], h.replicas[i+1:]...)
			break
		}
	}
	h.mu.Unlock()
	r.stop(sig)
}

func (r *replica) stop(sig syscall.Signal) {
	select {
	case <-r.done:
		return
	default:
	}
	_ = r.cmd.Process.Signal(sig)
	<-r.done
}

// balance sends each request to the next replica, and OAuth to WeCom.
func (h *house) balance(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/connect/") {
		h.campus.WeCom.Handler().ServeHTTP(w, r)
		return
	}
	h.mu.Lock()
	live := h.replicas
	h.mu.Unlock()
	if len(live) == 0 {
		http.Error(w, "no replica", http.StatusBadGateway)
		return
	}
	live[int(h.next.Add(1))%len(live)].proxy.ServeHTTP(w, r)
}

// terminal is a machine with the secret the product gave it.
func (h *house) terminal(id string) *terminal.Client {
	return &terminal.Client{BaseURL: h.url, TerminalID: id, Secret: h.secrets[id]}
}

// proven runs `ledger check` and fails unless all invariants hold and nothing
// waits for a person.
func (h *house) proven() {
	h.t.Helper()
	if listed := h.checked(); len(listed) > 0 {
		h.t.Errorf("ledger check lists exceptions: %v", listed)
	}
}

// checked runs `ledger check`, fails unless all invariants hold, and returns
// the kinds of what it lists for a person.
func (h *house) checked() (listed []string) {
	h.t.Helper()
	out, err := h.try("ledger", "check", "--json")
	var report struct {
		OK         bool
		Invariants []struct {
			ID   int
			OK   bool
			Rows int
		}
		Exceptions []struct{ Kind, Detail string }
	}
	if jsonErr := json.Unmarshal([]byte(out), &report); err != nil || jsonErr != nil || !report.OK || len(report.Invariants) != 6 {
		h.t.Fatalf("ledger check: %v %v\n%s", err, jsonErr, out)
	}
	for _, e := range report.Exceptions {
		listed = append(listed, e.Kind)
		h.t.Logf("ledger check lists: %+v", e)
	}
	return listed
}

// patience bounds everything that is waited for.
const patience = 30 * time.Second

func (h *house) await(what string, ok func() bool) {
	h.t.Helper()
	h.awaitLong(what, patience, ok)
}

func (h *house) awaitLong(what string, patience time.Duration, ok func() bool) {
	h.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			h.t.Fatalf("waited in vain for: %s", what)
		}
	}
}

func (h *house) context() context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	h.t.Cleanup(cancel)
	return ctx
}

// freeAddress is below the range that outgoing connections take their ports
// from, so that none of them takes it before the replica listens.
func freeAddress(t testing.TB) string {
	t.Helper()
	for range 200 {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20000+rand.IntN(12000)))
		if err == nil {
			defer l.Close()
			return l.Addr().String()
		}
	}
	t.Fatal("no free port")
	return ""
}

// lockedWriter lets a process write its log while a test reads it.
type lockedWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (l *lockedWriter) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

func (l *lockedWriter) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.String()
}
