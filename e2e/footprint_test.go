package e2e

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// rss is the memory of a process that is in use, in kB.
func rss(t *testing.T, pid int) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Skip("no /proc here")
	}
	n, err := strconv.Atoi(regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindStringSubmatch(string(status))[1])
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// The server is small while nothing happens, gives back what a password hash
// took, and starts at once on a database that exists.
func TestFootprint(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries")
	}
	h := newHouse(t, "", "", 1)
	r := h.replicas[0]
	time.Sleep(4 * time.Second)
	idle := rss(t, r.cmd.Process.Pid)
	m := h.newMember(0)
	m.verify()
	m.bind()
	time.Sleep(6 * time.Second)
	after := rss(t, r.cmd.Process.Pid)
	t.Logf("idle %d kB, after an onboarding %d kB", idle, after)
	if idle > 40_000 {
		t.Errorf("idle memory is %d kB, more than 40 MB", idle)
	}
	if after > 60_000 {
		t.Errorf("%d kB are kept after an onboarding", after)
	}
	h.kill(r)

	best := time.Hour
	for range 5 {
		best = min(best, h.startUp())
	}
	t.Logf("ready after %v", best)
	if best > 150*time.Millisecond {
		t.Errorf("ready after %v at best, want 150ms", best)
	}
}

// startUp measures one start until /readyz answers.
func (h *house) startUp() time.Duration {
	h.t.Helper()
	address := freeAddress(h.t)
	cmd := exec.Command(binary, "--config", h.config, "serve")
	cmd.Env = append(os.Environ(), "XIAOKA_LISTEN="+address)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	}()
	for end := begun.Add(patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if res, err := http.Get("http://" + address + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return time.Since(begun)
			}
		}
	}
	h.t.Fatal("never ready")
	return 0
}
