package intent

import (
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

var samples = flag.String("samples", "", "directory of further sample files (*.tsv) to measure, besides testdata")

// sample is a line of a sample file: who says it in which language, the text, the intents that are right for it, the first
// the most expected, and the amount in fen and the month that must be read from it; "*" is anything.
type sample struct {
	language, head, text string
	accept               []Intent
	amount, month        string
}

// sampleFiles lists the sample files under a directory.
func sampleFiles(tb testing.TB, dir string) (files []string) {
	tb.Helper()
	for _, pattern := range []string{"*.tsv", "*/*.tsv"} {
		found, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, found...)
	}
	if len(files) == 0 {
		tb.Fatalf("no samples in %s", dir)
	}
	return files
}

// readSamples reads a file of the columns language, head, text, label, amount_fen and month, or of the columns text, accept
// and slots.
func readSamples(tb testing.TB, path string) (all []sample) {
	tb.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	for i, line := range strings.Split(strings.TrimRight(string(data), "\n"), "\n") {
		fields := strings.Split(line, "\t")
		var s sample
		var labels string
		switch {
		case i == 0:
			continue
		case len(fields) == 6:
			s = sample{language: fields[0], head: fields[1], text: fields[2], amount: fields[4], month: fields[5]}
			labels = fields[3]
		case len(fields) == 3:
			s = sample{language: "any", head: "any", text: fields[0]}
			labels = fields[1]
			slots := map[string]any{}
			if err := json.Unmarshal([]byte(fields[2]), &slots); err != nil {
				tb.Fatalf("%s line %d: %v", path, i+1, err)
			}
			if v, ok := slots["amount_fen"]; ok {
				s.amount = fmt.Sprint(v)
			}
			if v, ok := slots["month"]; ok {
				s.month = fmt.Sprint(v)
			}
		default:
			tb.Fatalf("%s line %d has %d fields", path, i+1, len(fields))
		}
		for label := range strings.SplitSeq(labels, "|") {
			s.accept = append(s.accept, Intent(label))
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
	if s.amount != "*" && got.Intent == TopUp {
		switch {
		case got.AmountFen == nil && s.amount != "":
			return wrong
		case got.AmountFen != nil && strconv.FormatInt(*got.AmountFen, 10) != s.amount:
			return costly
		}
	}
	if s.month != "*" && got.Intent == Statement && got.Month != s.month {
		return wrong
	}
	return right
}

// tally counts verdicts.
type tally [costly + 1]int

func (c tally) String() string {
	all := c[right] + c[wrong] + c[costly]
	return fmt.Sprintf("%5d of %5d right (%5.1f %%), %d wrong actions", c[right], all, 100*float64(c[right])/float64(all), c[costly])
}

// least is what percentage must be right of the files of a folder; less of those that are nasty on purpose.
var least = map[string]int{"held": 97, "held/hard": 95, "tuned": 95, "learnt": 88, "learnt/corrections": 80}

// TestSamples understands every line of testdata, and of -samples. testdata/tuned was looked at while the word lists grew;
// testdata/held was written by other heads and only ever counted.
func TestSamples(t *testing.T) {
	files := sampleFiles(t, "testdata")
	if *samples != "" {
		files = append(files, sampleFiles(t, *samples)...)
	}
	byLabel, byLanguage, byHead := map[Intent]*tally{}, map[string]*tally{}, map[string]*tally{}
	for _, path := range files {
		folder := filepath.Base(filepath.Dir(path))
		held := folder == "held"
		name := strings.TrimSuffix(filepath.Base(path), ".tsv")
		t.Run(name, func(t *testing.T) {
			var file tally
			for _, s := range readSamples(t, path) {
				got := Understand(s.text, today)
				v := judge(s, got)
				file[v]++
				tallyUp(byLabel, s.accept[0], v)
				tallyUp(byLanguage, s.language, v)
				tallyUp(byHead, s.head, v)
				if v != right && !held {
					t.Logf("%s %q: %s, want %v %s%s", [...]string{"", "wrong ", "ACTION"}[v], s.text, describe(got), s.accept, s.amount, s.month)
				}
			}
			t.Log(file)
			percent := cmp.Or(least[folder+"/"+name], least[folder])
			if all := file[right] + file[wrong] + file[costly]; file[costly] > 0 || file[right]*100 < all*percent {
				t.Errorf("%v: at least %d %% must be right, and no action wrong", file, percent)
			}
		})
	}
	report(t, byLabel)
	report(t, byLanguage)
	report(t, byHead)
}

func tallyUp[K comparable](m map[K]*tally, key K, v verdict) {
	if m[key] == nil {
		m[key] = new(tally)
	}
	m[key][v]++
}

func report[K cmp.Ordered](t *testing.T, m map[K]*tally) {
	for _, key := range slices.Sorted(maps.Keys(m)) {
		t.Logf("%-20v %v", key, m[key])
	}
}

func describe(r Result) string {
	out := string(r.Intent)
	if r.AmountFen != nil {
		out += fmt.Sprintf(" of %d", *r.AmountFen)
	}
	return out + " " + r.Month
}

// everyText is what the speed is measured with.
func everyText(tb testing.TB) (texts []string) {
	for _, file := range sampleFiles(tb, "testdata") {
		for _, s := range readSamples(tb, file) {
			texts = append(texts, s.text)
		}
	}
	return texts
}

// TestUnderstand_Speed: fifty thousand utterances a second on one core are asked for.
func TestUnderstand_Speed(t *testing.T) {
	if testing.Short() || underRace {
		t.Skip("measures time")
	}
	texts := everyText(t)
	var spent time.Duration
	for chunk := range slices.Chunk(texts, 200) { // the best of some short times, as the machine may be busy
		best := time.Duration(1<<63 - 1)
		for range 7 {
			start := time.Now()
			for _, text := range chunk {
				Understand(text, today)
			}
			best = min(best, time.Since(start))
		}
		spent += best
	}
	rate := float64(len(texts)) / spent.Seconds()
	t.Logf("%.0f utterances a second", rate)
	if rate < 50_000 {
		t.Errorf("%.0f utterances a second are too few", rate)
	}
}

func BenchmarkUnderstand(b *testing.B) {
	texts := everyText(b)
	i := 0
	for b.Loop() {
		Understand(texts[i%len(texts)], today)
		i++
	}
}
