package bridge_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

func entry(id string, p bridge.Phase) bridge.Entry {
	return bridge.Entry{ClaimID: id, Phase: p, CardNo: cardNo, Amount: 5000, Before: full, Chip: &ledger.Chip{LoadSeq: 18, SpendSeq: 240, Balance: 6230}}
}

func TestJournal(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "journal")
	var last *bridge.Journal
	open := func() *bridge.Journal { // the one before has ended
		t.Helper()
		if last != nil {
			last.Close()
		}
		var err error
		if last, err = bridge.OpenJournal(path); err != nil {
			t.Fatal(err)
		}
		return last
	}
	t.Cleanup(func() { last.Close() })
	j := open()
	for _, e := range []bridge.Entry{entry("C1", bridge.Begun), entry("C2", bridge.Begun), entry("C1", bridge.Written), entry("C3", bridge.Begun),
		entry("C2", bridge.Settled), entry("C4", bridge.Unwritten), entry("C4", bridge.Held)} {
		if err := j.Append(e); err != nil {
			t.Fatal(err)
		}
	}
	check := func(j *bridge.Journal, want string) {
		t.Helper()
		var got []string
		for _, e := range j.Open() {
			got = append(got, e.ClaimID+" "+string(e.Phase))
			if e.CardNo != cardNo || e.Amount != 5000 || e.Before != full || e.At.IsZero() {
				t.Errorf("%+v", e)
			}
		}
		if s := strings.Join(got, ", "); s != want {
			t.Errorf("open %s, want %s", s, want)
		}
	}
	check(j, "C1 written, C3 begun")
	check(open(), "C1 written, C3 begun")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}

	// Where the power goes in the middle of a line, that line never was.
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, torn := range []string{`{"at":"2026-`, `{`, "\x00\x00\x00\x00", "{\"phase\":\"begun\"\x00\x00}\n"} {
		if err := os.WriteFile(path, append(whole, torn...), 0o600); err != nil {
			t.Fatal(err)
		}
		j := open()
		check(j, "C1 written, C3 begun")
		if err := j.Append(entry("C5", bridge.Begun)); err != nil {
			t.Fatal(err)
		}
		check(open(), "C1 written, C3 begun, C5 begun")
	}

	if runtime.GOOS != "windows" {
		if _, err := bridge.OpenJournal(path); err == nil || !strings.Contains(err.Error(), "another bridge") {
			t.Errorf("a second bridge opened it: %v", err)
		}
	}
	last.Close()

	// Anywhere else a write may be lost in what cannot be read.
	lines := strings.SplitAfter(string(whole), "\n")
	lines[2] = "garbage\n"
	if err := os.WriteFile(path, []byte(strings.Join(lines, "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := bridge.OpenJournal(path); err == nil || !strings.Contains(err.Error(), "line 3") {
		t.Errorf("err = %v", err)
	}
	if _, err := bridge.OpenJournal(filepath.Join(path, "nowhere")); err == nil {
		t.Error("opened a journal that cannot be")
	}
}
