package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// Work that is done before these says nothing of itself.
const (
	quickOnTerminal = time.Second
	quickElsewhere  = 5 * time.Second // and how often a line is printed
)

// progress tells on standard error how far long work is: a bar on a terminal,
// a line every few seconds elsewhere. Only standard error: what a command
// prints is for other programs to read.
type progress struct {
	out   io.Writer
	bar   bool
	what  string
	begun time.Time

	mu    sync.Mutex
	total int64 // 0 = not known
	done  int64
	drawn bool      // the bar stands on the terminal's last line
	said  time.Time // the last line
	ended chan struct{}
	wait  sync.WaitGroup
}

// progress begins to tell of work of so many steps; total 0 = not known. Every
// one must be stopped.
func (p *program) progress(what string, total int64) *progress {
	g := &progress{out: p.stderr, bar: isTerminal(p.stderr), what: what, total: total, begun: now(), ended: make(chan struct{})}
	g.said = g.begun
	g.wait.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-g.ended:
				return
			case at := <-tick.C:
				g.draw(at)
			}
		}
	})
	return g
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && os.Getenv("TERM") != "dumb"
}

// step counts one more.
func (g *progress) step() {
	g.mu.Lock()
	g.done++
	g.mu.Unlock()
}

// stop takes the bar away.
func (g *progress) stop() {
	close(g.ended)
	g.wait.Wait()
	g.mu.Lock()
	defer g.mu.Unlock()
	g.clear()
}

// above lets lines be printed while the bar stands: it makes way and comes
// back below them.
func (g *progress) above(w io.Writer) io.Writer {
	return writerFunc(func(b []byte) (int, error) {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.clear()
		return w.Write(b)
	})
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func (g *progress) clear() {
	if g.drawn {
		_, _ = io.WriteString(g.out, "\r\x1b[K") // nobody misses a bar that cannot be drawn
		g.drawn = false
	}
}

// draw says how far the work is at a moment, if it is time to.
func (g *progress) draw(at time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.bar && at.Sub(g.begun) >= quickOnTerminal:
		_, _ = io.WriteString(g.out, "\r\x1b[K"+g.line(at))
		g.drawn = true
	case !g.bar && at.Sub(g.said) >= quickElsewhere:
		_, _ = fmt.Fprintln(g.out, g.line(at))
		g.said = at
	}
}

// line is count, rate and the time that is left; below one a second, the time
// that has passed.
func (g *progress) line(at time.Time) string {
	const width = 24
	passed := at.Sub(g.begun)
	rate := float64(g.done) / passed.Seconds()
	var b strings.Builder
	b.WriteString(g.what)
	switch {
	case g.total > 0 && g.bar:
		filled := int(min(g.done, g.total) * width / g.total)
		fmt.Fprintf(&b, " [%s%s]", strings.Repeat("#", filled), strings.Repeat(".", width-filled))
		fallthrough
	case g.total > 0:
		fmt.Fprintf(&b, " %d of %d", g.done, g.total)
	default:
		fmt.Fprintf(&b, " %d", g.done)
	}
	if rate < 1 {
		fmt.Fprintf(&b, ", %s so far", passed.Round(time.Second))
		return b.String()
	}
	fmt.Fprintf(&b, ", %.0f a second", rate)
	if left := g.total - g.done; left > 0 {
		fmt.Fprintf(&b, ", %s left", (time.Duration(float64(left) / rate * float64(time.Second))).Round(time.Second))
	}
	return b.String()
}

// countRows counts the rows of a table that can be read twice, its header left
// out; 0 for any other.
func countRows(file *os.File) (int64, error) {
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		return 0, err
	}
	rows, buf := int64(-1), make([]byte, 64<<10)
	for {
		n, err := file.Read(buf)
		rows += int64(bytes.Count(buf[:n], []byte{'\n'}))
		if err == io.EOF {
			break
		}
		if err != nil {
			return 0, err
		}
	}
	_, err := file.Seek(0, io.SeekStart)
	return max(rows, 0), err
}
