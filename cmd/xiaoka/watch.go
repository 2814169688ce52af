package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"xiaoka/ledger"
)

// watch is what the database says about itself as metrics: read when they are
// scraped, at most every watchEvery, in a constant number of statements. Every
// replica says the same; take the max.
type watch struct {
	read func(context.Context, time.Time) (ledger.Watch, error)
	now  func() time.Time
	log  *slog.Logger

	mu     sync.Mutex
	at     time.Time
	last   ledger.Watch
	failed bool
}

const (
	watchEvery   = 15 * time.Second
	watchTimeout = 3 * time.Second
)

// gauge is one number of a Watch; ok is false while there is none to tell.
type gauge struct {
	desc  *prometheus.Desc
	value func(w ledger.Watch) (v float64, ok bool)
}

func newGauge(name, help string, value func(w ledger.Watch) (float64, bool)) gauge {
	return gauge{prometheus.NewDesc("xiaoka_"+name, help, nil, nil), value}
}

func counted[N ~int64](n N) (float64, bool) { return float64(n), true }

// old is the age of the oldest, 0 when none waits.
func old(w ledger.Watch, since time.Time) (float64, bool) {
	if since.IsZero() {
		return 0, true
	}
	return max(0, w.At.Sub(since).Seconds()), true
}

var gauges = []gauge{
	newGauge("claims_in_doubt", "Claims of unknown outcome.", func(w ledger.Watch) (float64, bool) { return counted(w.Doubts.N) }),
	newGauge("claims_in_doubt_oldest_seconds", "Age of the oldest of them.", func(w ledger.Watch) (float64, bool) { return old(w, w.Doubts.Since) }),
	newGauge("claims_held", "Claims whose outcome only a person can tell.", func(w ledger.Watch) (float64, bool) { return counted(w.Held) }),
	newGauge("cases_open", "Cases that wait for a person.", func(w ledger.Watch) (float64, bool) { return counted(w.Cases.N) }),
	newGauge("cases_open_oldest_seconds", "Age of the oldest of them.", func(w ledger.Watch) (float64, bool) { return old(w, w.Cases.Since) }),
	newGauge("records_kept_aside", "Purchases of the last 30 days that were not booked: conflicts and unknown cards.",
		func(w ledger.Watch) (float64, bool) { return counted(w.KeptOff) }),
	newGauge("outbox_rows", "Jobs that no queue has taken over yet, about.", func(w ledger.Watch) (float64, bool) { return counted(w.Outbox) }),
	newGauge("dead_letters", "Pushes that failed for good and can be replayed.", func(w ledger.Watch) (float64, bool) { return counted(w.DeadPushes()) }),
	newGauge("transfers_pending", "Transfers nobody has collected yet.", func(w ledger.Watch) (float64, bool) { return counted(w.Pending.N) }),
	newGauge("transfers_pending_fen", "Money nobody has collected yet.", func(w ledger.Watch) (float64, bool) { return counted(w.Pending.Amount) }),
	newGauge("transfers_in_flight_fen", "Money authorised for chips and not proven yet.", func(w ledger.Watch) (float64, bool) { return counted(w.InFlight.Amount) }),
	newGauge("terminals", "Terminals in service.", func(w ledger.Watch) (float64, bool) { return counted(w.Terminals) }),
	newGauge("terminals_unseen", "Terminals in service without a sign for an hour.", func(w ledger.Watch) (float64, bool) { return counted(w.Unseen.N) }),
	newGauge("terminals_suspended", "Machines that take no query passwords now.", func(w ledger.Watch) (float64, bool) { return counted(w.Suspended) }),
	newGauge("terminals_blacklist_behind", "Terminals in service without the newest blacklist.", func(w ledger.Watch) (float64, bool) { return counted(w.Behind.N) }),
	newGauge("terminals_blacklist_behind_seconds", "How long the longest of them has lacked an entry.", func(w ledger.Watch) (float64, bool) { return old(w, w.Behind.Since) }),
	newGauge("reconcile_age_days", "Days from the newest day held against WeChat Pay's bill to today in Beijing; none while there was no reconciliation.", reconcileAge),
	newGauge("ledger_check_ok", "1 when the last `ledger check` proved the books; none while it never ran.", func(w ledger.Watch) (float64, bool) {
		if w.LedgerCheck.OK {
			return 1, true
		}
		return 0, !w.LedgerCheck.EndedAt.IsZero()
	}),
	newGauge("ledger_check_age_seconds", "Since the last `ledger check` ended; none while it never ran.", func(w ledger.Watch) (float64, bool) {
		return w.At.Sub(w.LedgerCheck.EndedAt).Seconds(), !w.LedgerCheck.EndedAt.IsZero()
	}),
}

var (
	watchUp = prometheus.NewDesc("xiaoka_watch_up", "1 when the database told the gauges below; they are left out otherwise.", nil, nil)
	jobsNow = prometheus.NewDesc("xiaoka_jobs", "Jobs by queue and state, completed ones left out.", []string{"queue", "state"}, nil)
	jobsAge = prometheus.NewDesc("xiaoka_jobs_oldest_seconds", "Since the oldest of them could have been worked, or was enqueued.", []string{"queue", "state"}, nil)
)

func reconcileAge(w ledger.Watch) (float64, bool) {
	day, err := time.Parse(time.DateOnly, w.ReconciledDay)
	if err != nil {
		return 0, false
	}
	today := w.At.In(time.FixedZone("", 8*60*60))
	return time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC).Sub(day).Hours() / 24, true
}

// Describe names all that Collect may tell.
func (c *watch) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{watchUp, jobsNow, jobsAge} {
		ch <- d
	}
	for _, g := range gauges {
		ch <- g.desc
	}
}

// Collect tells the gauges as of now, or of a moment ago.
func (c *watch) Collect(ch chan<- prometheus.Metric) {
	w, ok := c.look()
	if !ok {
		ch <- prometheus.MustNewConstMetric(watchUp, prometheus.GaugeValue, 0)
		return
	}
	ch <- prometheus.MustNewConstMetric(watchUp, prometheus.GaugeValue, 1)
	for _, g := range gauges {
		if v, ok := g.value(w); ok {
			ch <- prometheus.MustNewConstMetric(g.desc, prometheus.GaugeValue, v)
		}
	}
	for _, j := range w.Jobs {
		age, _ := old(w, j.Since)
		ch <- prometheus.MustNewConstMetric(jobsNow, prometheus.GaugeValue, float64(j.N), j.Queue, j.State)
		ch <- prometheus.MustNewConstMetric(jobsAge, prometheus.GaugeValue, age, j.Queue, j.State)
	}
}

// look reads the database unless somebody just did. One scrape at a time asks
// it, and a failure is kept as long as an answer.
func (c *watch) look() (ledger.Watch, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	if !c.at.IsZero() && now.Sub(c.at) < watchEvery {
		return c.last, !c.failed
	}
	ctx, cancel := context.WithTimeout(context.Background(), watchTimeout)
	defer cancel()
	w, err := c.read(ctx, now)
	if c.at, c.last, c.failed = now, w, err != nil; err != nil {
		c.log.Error("the gauges could not be read", "err", err)
	}
	return w, err == nil
}
