package intent

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

var samples = flag.String("samples", "", "directory of further sample files (*.tsv) to measure, besides testdata")

// today is the day the samples are written for.
var today = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("Asia/Shanghai", 8*3600))

// sample is a line of a sample file: a text, the intents that are right for it, the first the most expected, and what must
// be read from it; "*" is anything.
type sample struct {
	text   string
	accept []Intent
	slots  map[string]any
}

func readSamples(tb testing.TB, path string) []sample {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var all []sample
	for i, line := range strings.Split(strings.TrimSpace(string(data)), "\n") {
		fields := strings.Split(line, "\t")
		if i == 0 {
			continue
		}
		if len(fields) != 3 {
			tb.Fatalf("%s line %d has %d fields", path, i+1, len(fields))
		}
		s := sample{text: fields[0]}
		for label := range strings.SplitSeq(fields[1], "|") {
			s.accept = append(s.accept, Intent(label))
		}
		if err := json.Unmarshal([]byte(fields[2]), &s.slots); err != nil {
			tb.Fatalf("%s line %d: %v", path, i+1, err)
		}
		all = append(all, s)
	}
	return all
}

// verdict is how a result compares with a sample.
type verdict int

const (
	right verdict = iota
	wrong
	costly // wrong, and it would move money or change the card
)

func judge(s sample, got Result) verdict {
	if !slices.Contains(s.accept, got.Intent) {
		if got.Intent == TopUp || got.Intent == ReportLoss || got.Intent == CancelLoss || got.Intent == Unbind {
			return costly
		}
		return wrong
	}
	if want, ok := s.slots["amount_fen"]; want != "*" && got.Intent == TopUp {
		if !ok && got.AmountFen != nil || ok && (got.AmountFen == nil || float64(*got.AmountFen) != want) {
			return costly
		}
	}
	if want, ok := s.slots["month"]; want != "*" && got.Intent == Statement {
		if !ok && got.Month != "" || ok && got.Month != want {
			return wrong
		}
	}
	return right
}

func measure(t *testing.T, path string) {
	all := readSamples(t, path)
	counts := map[verdict]int{}
	for _, s := range all {
		got := Understand(s.text, today)
		v := judge(s, got)
		counts[v]++
		if v != right {
			amount := int64(-1)
			if got.AmountFen != nil {
				amount = *got.AmountFen
			}
			t.Logf("%s %q: %s %d %s, want %v %v", []string{"", "wrong ", "COSTLY"}[v], s.text, got.Intent, amount, got.Month, s.accept, s.slots)
		}
	}
	t.Logf("%s: %d of %d right (%.1f %%), %d costly", filepath.Base(path), counts[right], len(all), 100*float64(counts[right])/float64(len(all)), counts[costly])
	if counts[costly] > 0 || counts[right]*100 < len(all)*97 {
		t.Errorf("at most 3 %% may be wrong, and none that moves money or changes a card")
	}
}

func TestSamples(t *testing.T) {
	dirs := []string{"testdata"}
	if *samples != "" {
		dirs = append(dirs, *samples)
	}
	for _, dir := range dirs {
		files, err := filepath.Glob(filepath.Join(dir, "*.tsv"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no samples in %s: %v", dir, err)
		}
		for _, path := range files {
			t.Run(filepath.Base(path), func(t *testing.T) { measure(t, path) })
		}
	}
}
