//go:build planted

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// TestPlanted plants one bug after the other in a copy of the product and
// wants the random campus, or a named fault, to find it. The sources are not
// touched: the toolchain reads the changed file in place of the true one. A
// change that no longer fits its file is a failure of its own.
func TestPlanted(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	begun := time.Now()
	for _, b := range planted {
		t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) {
			overlay := b.overlay(t, root)
			start := time.Now()
			by := b.hunt(t, root, overlay)
			if by == "" {
				t.Errorf("nothing finds it: %s", b.name)
				by = "NOT FOUND"
			} else {
				found++
			}
			fmt.Printf("%-60s %6.1fs  %s\n", b.name, time.Since(start).Seconds(), by)
		})
	}
	fmt.Printf("planted bugs found: %d of %d in %.0f s\n", found, len(planted), time.Since(begun).Seconds())
}

// probe is the test that must find a bug.
type probe struct{ pkg, run string }

var (
	campusModel = probe{"./store", "TestModel/sqlite"}
	outside     = probe{"./e2e", "TestFault/sqlite"}
	wireCut     = probe{"./store", "TestStore_WireCut"}
	schema      = probe{"./store", "TestStore_OneOpenClaim/sqlite"}
)

type bug struct {
	name  string
	by    probe
	edits []edit
}

// edit replaces a text that stands exactly once in a file.
type edit struct{ file, old, new string }

// overlay writes the changed files and the list that the toolchain reads.
func (b bug) overlay(t *testing.T, root string) string {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for i, e := range b.edits {
		path := filepath.Join(root, e.file)
		from := path
		if earlier, ok := replace[path]; ok {
			from = earlier
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), e.old); n != 1 {
			t.Fatalf("%s: %s holds this %d times, want once:\n%s", b.name, e.file, n, e.old)
		}
		replace[path] = filepath.Join(dir, fmt.Sprintf("%d-%s", i, filepath.Base(e.file)))
		if err := os.WriteFile(replace[path], []byte(strings.Replace(string(text), e.old, e.new, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var failedTest = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)

// hunt runs the probe with the bug planted and names the test that failed.
func (b bug) hunt(t *testing.T, root, overlay string) string {
	t.Helper()
	cmd := exec.Command("go", "test", "-count=1", "-timeout=5m", "-run", b.by.run, b.by.pkg)
	if b.by == campusModel {
		cmd.Args = append(cmd.Args, "-campus.seeds=6")
	}
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+overlay) // for what the test builds, too
	out, err := cmd.CombinedOutput()
	found := failedTest.FindAllSubmatch(out, -1)
	switch {
	case err == nil:
		return ""
	case found == nil || strings.Contains(string(out), "[build failed]"):
		t.Fatalf("%s: the probe did not run: %v\n%s", b.name, err, out)
	}
	return string(found[len(found)-1][1])
}
