package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// onScreen is what a terminal shows of what was written to it.
func onScreen(written string) (lines []string) {
	line := ""
	for _, part := range strings.SplitAfter(written, "\n") {
		if _, after, cleared := strings.Cut(part, "\r\x1b[K"); cleared {
			for cleared {
				line = after
				_, after, cleared = strings.Cut(after, "\r\x1b[K")
			}
		} else {
			line += part
		}
		if strings.HasSuffix(line, "\n") {
			lines, line = append(lines, strings.TrimSuffix(line, "\n")), ""
		}
	}
	return append(lines, line)
}

func TestProgress(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	start := func(bar bool, total int64) (*progress, *bytes.Buffer) {
		var out bytes.Buffer
		return &progress{out: &out, bar: bar, what: "people import", total: total, begun: begun, said: begun, ended: make(chan struct{})}, &out
	}
	advance := func(g *progress, n int) {
		for range n {
			g.step()
		}
	}
	t.Run("Terminal", func(t *testing.T) {
		t.Parallel()
		g, out := start(true, 3000)
		advance(g, 100)
		if g.draw(begun.Add(quickOnTerminal - 1)); out.Len() != 0 {
			t.Errorf("quick work says %q", out)
		}
		advance(g, 650)
		g.draw(begun.Add(2 * time.Second))
		if got := onScreen(out.String()); len(got) != 1 || got[0] != "people import [######..................] 750 of 3000, 375 a second, 6s left" {
			t.Errorf("drawn %q", got)
		}
		fmt.Fprintf(g.above(out), "line 7: %s\n", "email is not an address")
		g.draw(begun.Add(4 * time.Second))
		if got := onScreen(out.String()); len(got) != 2 || got[0] != "line 7: email is not an address" || !strings.HasSuffix(got[1], "188 a second, 12s left") {
			t.Errorf("drawn %q", got)
		}
		if g.stop(); onScreen(out.String())[1] != "" {
			t.Errorf("left behind: %q", onScreen(out.String()))
		}
	})
	t.Run("Elsewhere", func(t *testing.T) {
		t.Parallel()
		g, out := start(false, 0)
		for second := range 12 {
			advance(g, 10)
			g.draw(begun.Add(time.Duration(second) * time.Second))
		}
		g.stop()
		if got := out.String(); got != "people import 60, 12 a second\npeople import 110, 11 a second\n" {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("Slow", func(t *testing.T) {
		t.Parallel()
		g, out := start(false, 6)
		advance(g, 2)
		g.draw(begun.Add(30 * time.Second))
		if got := out.String(); got != "people import 2 of 6, 30s so far\n" {
			t.Errorf("printed %q", got)
		}
	})
	t.Run("MoreThanCounted", func(t *testing.T) {
		t.Parallel()
		g, out := start(true, 2)
		advance(g, 5)
		g.draw(begun.Add(time.Second))
		if got := onScreen(out.String()); got[0] != "people import [########################] 5 of 2, 5 a second" {
			t.Errorf("drawn %q", got)
		}
	})
}

func TestCountRows(t *testing.T) {
	t.Parallel()
	for content, want := range map[string]int64{"": 0, "header\n": 0, "header\na\nb\n": 2, strings.Repeat("x\n", 70_000): 69_999} {
		path := filepath.Join(t.TempDir(), "t.csv")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		file, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		n, err := countRows(file)
		if first := make([]byte, 1); err != nil || n != want || len(content) > 0 && func() bool { _, err := file.Read(first); return err != nil || first[0] != content[0] }() {
			t.Errorf("%d rows, %v; want %d", n, err, want)
		}
	}
}
