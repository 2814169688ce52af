package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.yaml.in/yaml/v3"

	"xiaoka/ledger"
	"xiaoka/store/storetest"
)

// scrape reads all gauges without labels, and those with as name{value,…}.
func scrape(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetValue())
			}
			name := f.GetName()
			if labels != nil {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			told[name] = m.GetGauge().GetValue()
		}
	}
	return told
}

func TestWatch_Collect(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	at, reads := noon, 0
	said, failing := ledger.Watch{}, error(nil)
	c := &watch{now: func() time.Time { return at }, log: slog.New(slog.DiscardHandler), read: func(_ context.Context, now time.Time) (ledger.Watch, error) {
		reads++
		said.At = now
		return said, failing
	}}
	r := prometheus.NewRegistry()
	r.MustRegister(c)

	told := scrape(t, r)
	for _, none := range []string{"xiaoka_reconcile_age_days", "xiaoka_ledger_check_ok", "xiaoka_ledger_check_age_seconds"} {
		if _, ok := told[none]; ok {
			t.Errorf("%s of nothing", none)
		}
	}
	if len(told) != 1+len(gauges)-3 || told["xiaoka_watch_up"] != 1 || told["xiaoka_claims_in_doubt_oldest_seconds"] != 0 {
		t.Errorf("an empty house tells %v", told)
	}

	said = ledger.Watch{Outbox: 12, Doubts: ledger.Waiting{N: 3, Since: noon}, Held: 1, Cases: ledger.Waiting{N: 2, Since: noon.Add(-time.Hour)}, KeptOff: 4,
		Pending: ledger.Sum{Waiting: ledger.Waiting{N: 5}, Amount: 1234}, InFlight: ledger.Sum{Amount: 99}, Terminals: 7, Unseen: ledger.Waiting{N: 6}, Suspended: 1,
		Behind: ledger.Waiting{N: 2, Since: noon}, ReconciledDay: "2026-11-20", LedgerCheck: ledger.LedgerCheck{EndedAt: noon},
		Jobs: []ledger.JobGroup{{Queue: "default", State: "available", N: 8, Since: noon}, {Queue: "urgent", State: "discarded", N: 9, Since: noon}, {Queue: ledger.QueueTick, State: "discarded", N: 100, Since: noon}}}
	if scrape(t, r); reads != 1 {
		t.Errorf("%d reads at one moment", reads)
	}
	at = noon.Add(watchEvery)
	told = scrape(t, r)
	want := map[string]float64{"xiaoka_watch_up": 1, "xiaoka_claims_in_doubt": 3, "xiaoka_claims_in_doubt_oldest_seconds": 15, "xiaoka_claims_held": 1, "xiaoka_cases_open": 2,
		"xiaoka_cases_open_oldest_seconds": 3615, "xiaoka_records_kept_aside": 4, "xiaoka_dead_letters": 9, "xiaoka_outbox_rows": 12, "xiaoka_transfers_pending": 5, "xiaoka_transfers_pending_fen": 1234,
		"xiaoka_transfers_in_flight_fen": 99, "xiaoka_terminals": 7, "xiaoka_terminals_unseen": 6, "xiaoka_terminals_suspended": 1, "xiaoka_terminals_blacklist_behind": 2,
		"xiaoka_terminals_blacklist_behind_seconds": 15, "xiaoka_reconcile_age_days": 2, "xiaoka_ledger_check_ok": 0, "xiaoka_ledger_check_age_seconds": 15,
		"xiaoka_jobs{default,available}": 8, "xiaoka_jobs_oldest_seconds{default,available}": 15, "xiaoka_jobs{urgent,discarded}": 9,
		"xiaoka_jobs_oldest_seconds{urgent,discarded}": 15, "xiaoka_jobs{tick,discarded}": 100, "xiaoka_jobs_oldest_seconds{tick,discarded}": 15}
	if !maps.Equal(told, want) {
		t.Errorf("told %v, want %v", told, want)
	}

	at, failing = at.Add(watchEvery), errors.New("no database")
	for range 2 {
		if told := scrape(t, r); len(told) != 1 || told["xiaoka_watch_up"] != 0 {
			t.Errorf("without a database: %v", told)
		}
	}
	if reads != 3 {
		t.Errorf("%d reads", reads)
	}
}

var (
	metricName  = regexp.MustCompile(`\b(?:xiaoka|go|process)_[a-z0-9_]+`)
	describedAs = regexp.MustCompile(`fqName: "([^"]+)"`)
	ofHistogram = regexp.MustCompile(`_(?:bucket|count|sum)$`)
)

// Every metric that the alarms and the board name is one the server has.
func TestDeploy_MetricsExist(t *testing.T) {
	t.Parallel()
	m := newMeters()
	m.registry.MustRegister(&watch{read: storetest.SQLite(t).Watch, now: now, log: slog.New(slog.DiscardHandler)})
	described := make(chan *prometheus.Desc)
	go func() {
		m.registry.Describe(described)
		close(described)
	}()
	known := map[string]bool{}
	for d := range described {
		known[describedAs.FindStringSubmatch(d.String())[1]] = true
	}

	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert       string
				Expr        string
				For         string
				Labels      map[string]string
				Annotations map[string]string
			}
		}
	}
	file, err := os.ReadFile("../../deploy/prometheus/alerts.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(file, &rules); err != nil {
		t.Fatal(err)
	}
	var expressions []string
	alarms := map[string]bool{}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			if r.Alert == "" || alarms[r.Alert] || r.Annotations["summary"] == "" || !slices.Contains([]string{"page", "ticket"}, r.Labels["severity"]) {
				t.Errorf("alarm %+v", r)
			}
			alarms[r.Alert] = true
			expressions = append(expressions, r.Expr)
		}
	}
	var board any
	if file, err = os.ReadFile("../../deploy/grafana/xiaoka.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(file, &board); err != nil {
		t.Fatal(err)
	}
	drawn := expressionsOf(board)
	if len(alarms) < 20 || len(drawn) < 30 {
		t.Fatalf("only %d alarms and %d expressions on the board", len(alarms), len(drawn))
	}
	used := map[string]bool{}
	for _, e := range append(expressions, drawn...) {
		named := metricName.FindAllString(e, -1)
		if len(named) == 0 && !strings.HasPrefix(e, "up{") {
			t.Errorf("%q names no metric", e)
		}
		for _, name := range named {
			if !known[name] {
				name = ofHistogram.ReplaceAllString(name, "")
			}
			used[name] = true
			if !known[name] {
				t.Errorf("%q: there is no %s", e, name)
			}
		}
	}
	for name := range known {
		if strings.HasPrefix(name, "xiaoka_") && !used[name] {
			t.Errorf("nobody watches %s", name)
		}
	}
}

// expressionsOf finds every "expr" of a board.
func expressionsOf(node any) (found []string) {
	switch n := node.(type) {
	case map[string]any:
		for key, value := range n {
			if text, ok := value.(string); ok && key == "expr" {
				found = append(found, text)
			}
			found = append(found, expressionsOf(value)...)
		}
	case []any:
		for _, value := range n {
			found = append(found, expressionsOf(value)...)
		}
	}
	return found
}

// A check of the books is kept for the gauges and the operators' page.
func TestLedgerCheck_Kept(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	p.ok("migrate")
	before := time.Now()
	p.ok("ledger", "check", "--json")
	_, s, err := (&program{ctx: t.Context(), env: p.env}).ready(0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	w, err := s.Watch(t.Context(), time.Now())
	if c := w.LedgerCheck; err != nil || !c.OK || c.Violations != 0 || c.EndedAt.Before(before.Truncate(time.Microsecond)) || c.EndedAt.Before(c.StartedAt) {
		t.Errorf("kept %+v, %v", c, err)
	}
}
