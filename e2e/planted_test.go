package e2e

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var hunt = flag.Bool("planted.hunt", false, "run the test that must find each planted bug, which takes minutes")

// TestPlanted plants one bug after the other in a copy of the product and
// wants the random campus, or another named test, to find it. The sources are
// not touched: the toolchain reads the changed file in place of the true one.
// Without -planted.hunt it only sees that every change still fits its file,
// and, unless -short, that the product can be built with them.
func TestPlanted(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	all := overlay{}
	for _, b := range planted {
		t.Run(strings.ReplaceAll(b.name, " ", "_"), func(t *testing.T) {
			alone := overlay{}
			for _, e := range b.edits {
				alone.plant(t, root, e)
				all.plant(t, root, e)
			}
			if *hunt {
				b.hunt(t, root, alone)
			}
		})
	}
	if testing.Short() || *hunt || t.Failed() {
		return
	}
	cmd := exec.Command("go", "build", "-overlay", all.write(t), "./store", "./kiosk", "./ledger")
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("with all bugs planted: %v\n%s", err, out)
	}
}

// probe is the test that must find a bug.
type probe struct{ pkg, run string }

var (
	campusModel = probe{"./store", "TestModel/sqlite"}
	plainModel  = probe{"./store", "TestModel/postgres"}
	unique      = probe{"./store", "TestStore_AtMostOnce/sqlite"}
	rush        = probe{"./store", "TestStore_Rush"}
	pendingTold = probe{"./store", "TestStore_PendingTold/postgres"}
	uploads     = probe{"./store", "TestStore_IngestConsumptions_"}
	stuck       = probe{"./store", "TestStore_(Stuck|Deadlock|Frozen)"}
	wireCut     = probe{"./store", "TestStore_WireCut"}
	outside     = probe{"./e2e", "TestFault/sqlite"}
)

// bug is one that a campus card system dies of; no two change the same words.
type bug struct {
	name  string
	by    probe
	edits []edit
}

// edit replaces a text that stands exactly once in a file.
type edit struct{ file, old, new string }

// overlay is the changed text of files, by path.
type overlay map[string]string

// plant makes one change.
func (o overlay) plant(t *testing.T, root string, e edit) {
	t.Helper()
	path := filepath.Join(root, e.file)
	text, ok := o[path]
	if !ok {
		read, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text = string(read)
	}
	if n := strings.Count(text, e.old); n != 1 {
		t.Fatalf("%s holds this %d times, want once:\n%s", e.file, n, e.old)
	}
	o[path] = strings.Replace(text, e.old, e.new, 1)
}

// write writes the changed files and the list that the toolchain reads.
func (o overlay) write(t *testing.T) (path string) {
	t.Helper()
	dir := t.TempDir()
	replace := map[string]string{}
	for of, text := range o {
		replace[of] = filepath.Join(dir, fmt.Sprintf("%d-%s", len(replace), filepath.Base(of)))
		if err := os.WriteFile(replace[of], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	path = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(path, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	failedTest  = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)`)
	whatItFound = regexp.MustCompile(`(?m)^ +\w+_test\.go:\d+: .{1,150}`)
)

// hunt runs the probe with the bug planted; some test of it must fail.
func (b bug) hunt(t *testing.T, root string, o overlay) {
	t.Helper()
	cmd := exec.Command("go", "test", "-count=1", "-vet=off", "-ldflags=-s -w", "-failfast", "-timeout=5m", "-run", b.by.run, b.by.pkg)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "GOFLAGS=-overlay="+o.write(t)) // for what the test builds, too
	start := time.Now()
	out, err := cmd.CombinedOutput()
	found := failedTest.FindAllSubmatch(out, -1)
	switch {
	case err == nil:
		t.Errorf("%s does not find it", b.by.run)
	case found == nil || bytes.Contains(out, []byte("[build failed]")):
		t.Fatalf("%s did not run: %v\n%s", b.by.run, err, out)
	default:
		t.Logf("found by %s in %.0f s:\n%s", found[len(found)-1][1], time.Since(start).Seconds(), whatItFound.Find(out))
	}
}
