package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// product is the xiaoka binary: its commands, and `xiaoka serve` as a child process.
type product struct {
	binary  string
	config  string
	address string // host:port it listens on
	logFile string
	changed func() // told when the process comes or goes
	died    chan error
	foreign bool // somebody else runs it at address

	mu     sync.Mutex
	cmd    *exec.Cmd
	done   chan struct{} // closed when cmd has ended
	wanted bool          // an end of cmd is a fault
	starts int
}

// Times that a child may take.
const (
	readyTimeout = 60 * time.Second
	stopTimeout  = 10 * time.Second
)

func newProduct(binary, config, address, logFile string) *product {
	return &product{binary: binary, config: config, address: address, logFile: logFile, changed: func() {}, died: make(chan error, 1)}
}

// productPath finds the product beside this program unless it is named.
func productPath(named string) (string, error) {
	if named == "" {
		self, err := os.Executable()
		if err != nil {
			return "", err
		}
		named = filepath.Join(filepath.Dir(self), "xiaoka")
	}
	path, err := filepath.Abs(named)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(path); err != nil || info.IsDir() {
		return "", fmt.Errorf("there is no xiaoka binary at %s; `make build` makes it, --product names another", path)
	}
	return path, nil
}

// environment is this process's without the product's variables: they would win over the sandbox's configuration, and
// lead a made-up campus to somebody's real database.
func environment(all []string) []string {
	var env []string
	for _, v := range all {
		if !strings.HasPrefix(v, "XIAOKA_") {
			env = append(env, v)
		}
	}
	return env
}

func (p *product) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, p.binary, append([]string{"--config", p.config}, args...)...)
	cmd.Env = environment(os.Environ())
	cmd.Dir = filepath.Dir(p.config)
	return cmd
}

// do runs one of the operator's commands and returns what it printed.
func (p *product) do(ctx context.Context, args ...string) (string, error) {
	cmd := p.command(ctx, args...)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("xiaoka %s: %w: %s", strings.Join(args[:min(len(args), 2)], " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// start runs `xiaoka serve` and waits until it is ready.
func (p *product) start(ctx context.Context) error {
	done, err := p.launch()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	for {
		if p.ready(ctx) {
			p.changed()
			return nil
		}
		select {
		case <-done:
			return errors.New("the product ended while it started:\n" + p.lastWords())
		case <-ctx.Done():
			return fmt.Errorf("the product did not become ready: %w:\n%s", ctx.Err(), p.lastWords())
		case <-time.After(20 * time.Millisecond):
		}
	}
}

func (p *product) launch() (<-chan struct{}, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		return nil, errors.New("the product runs already")
	}
	log, err := os.OpenFile(p.logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the child has its own copy
	cmd := p.command(context.Background(), "serve")
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childAttributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the product: %w", err)
	}
	done := make(chan struct{})
	p.cmd, p.done, p.wanted = cmd, done, true
	p.starts++
	go p.await(cmd, done)
	return done, nil
}

func (p *product) await(cmd *exec.Cmd, done chan struct{}) {
	err := cmd.Wait()
	p.mu.Lock()
	wanted := p.wanted
	p.cmd = nil
	p.mu.Unlock()
	close(done)
	p.changed()
	if !wanted {
		return
	}
	if err == nil {
		err = errors.New("exit status 0")
	}
	select {
	case p.died <- fmt.Errorf("xiaoka serve ended by itself: %w", err):
	default: // nobody has taken the last one yet, and that says it all
	}
}

func (p *product) ready(ctx context.Context) bool {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/readyz", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// stop ends the child with SIGTERM, and with SIGKILL if it takes too long. A child that is not there is fine.
func (p *product) stop() { p.end(syscall.SIGTERM) }

// kill ends the child as a power cut would.
func (p *product) kill() { p.end(syscall.SIGKILL) }

func (p *product) end(how syscall.Signal) {
	p.mu.Lock()
	cmd, done := p.cmd, p.done
	p.wanted = false
	p.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(how) // it may have ended this very moment
	select {
	case <-done:
	case <-time.After(stopTimeout):
		_ = cmd.Process.Kill()
		<-done
	}
}

func (p *product) running() bool {
	if !p.foreign {
		return p.pid() != 0
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	return p.ready(ctx)
}

// pid is 0 while the product does not run.
func (p *product) pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd == nil {
		return 0
	}
	return p.cmd.Process.Pid
}

func (p *product) started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.starts
}

// lastWords are the last lines of the product's log.
func (p *product) lastWords() string {
	const most = 20
	b, err := os.ReadFile(p.logFile)
	if err != nil {
		return ""
	}
	lines := strings.SplitAfter(strings.TrimRight(string(b), "\n"), "\n")
	return "    " + strings.Join(lines[max(0, len(lines)-most):], "    ") + "\n"
}
