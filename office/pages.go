package office

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"xiaoka/ledger"
)

// tile is one number on top of the overview.
type tile struct {
	Key     string // of its words
	Section string // of the page that tells more; may be empty
	Value   string
	Since   time.Time // of the oldest; zero = nothing waits
	Detail  string
	State   string
}

// overviewView is the Overview in the order it is looked at.
type overviewView struct {
	ledger.Overview
	Tiles    []tile
	Stations []stationView
	Cases    []ledger.PersonCase // open first
}

type stationView struct {
	ledger.StationState
	Silent    bool
	Suspended bool
}

// Thresholds: beyond them a tile says that somebody should look now. The alert
// rules of deploy/prometheus use the same.
const (
	oldDoubt  = 24 * time.Hour
	oldCase   = 3 * 24 * time.Hour
	oldQueue  = 10 * time.Minute
	oldBehind = 30 * time.Minute
	oldProof  = 36 * time.Hour
)

func (v *visit) overview() error {
	o, err := v.Store.Overview(v.ctx(), v.now)
	if err != nil {
		return err
	}
	shown := overviewView{Overview: o, Tiles: v.tiles(o), Cases: append(o.OpenCases, o.Settled...)}
	var calm []stationView
	for _, s := range o.Stations {
		seen := s.SeenAt
		if seen.IsZero() {
			seen = s.CreatedAt
		}
		st := stationView{StationState: s, Silent: v.now.Sub(seen) > ledger.TerminalSilent, Suspended: v.now.Before(s.SuspendedUntil)}
		if st.Silent || st.Suspended || !s.BehindSince.IsZero() {
			shown.Stations = append(shown.Stations, st)
		} else {
			calm = append(calm, st)
		}
	}
	shown.Stations = append(shown.Stations, calm...)
	return v.show(http.StatusOK, "overview", "overview", shown)
}

// tiles says the state of each thing that is watched.
func (v *visit) tiles(o ledger.Overview) []tile {
	count := func(key string, w ledger.Waiting, old time.Duration) tile {
		t := tile{Key: key, Section: key, Value: strconv.FormatInt(w.N, 10), Since: w.Since, State: good}
		switch {
		case w.N > 0 && v.now.Sub(w.Since) > old:
			t.State = bad
		case w.N > 0:
			t.State = look
		}
		return t
	}
	doubts := count("doubts", o.Doubts, oldDoubt)
	if o.Held > 0 {
		doubts.State, doubts.Detail = bad, text(v.lang, "tile.held", o.Held)
	}
	var queue ledger.Waiting
	for _, g := range o.Jobs {
		if g.State != "available" {
			continue
		}
		queue.N += g.N
		if queue.Since.IsZero() || g.Since.Before(queue.Since) {
			queue.Since = g.Since
		}
	}
	waiting := count("jobs", queue, oldQueue)
	if waiting.State == look {
		waiting.State = good // pushes come and go
	}
	if o.Outbox > 0 {
		waiting.Detail = text(v.lang, "tile.outbox", o.Outbox)
	}
	dead := tile{Key: "dead", Section: "dead", Value: strconv.FormatInt(o.DeadPushes(), 10), State: good}
	if o.DeadPushes() > 0 {
		dead.State = look
	}
	unseen := count("terminals", o.Unseen, 24*time.Hour)
	unseen.Detail = text(v.lang, "tile.of", o.Terminals)
	if o.Suspended > 0 {
		unseen.State, unseen.Detail = bad, text(v.lang, "tile.suspended", o.Suspended)
	}
	behind := count("blacklist", o.Behind, oldBehind)
	behind.Section = "terminals"
	pending := tile{Key: "pending", Value: o.Pending.Amount.String(), Since: o.Pending.Since, Detail: text(v.lang, "tile.transfers", o.Pending.N), State: good}
	return []tile{doubts, count("cases", o.Cases, oldCase), dead, waiting, unseen, behind, v.dayTile(o), v.proofTile(o.LedgerCheck), pending}
}

func (v *visit) dayTile(o ledger.Overview) tile {
	t := tile{Key: "days", Section: "days", Value: "—", State: look, Detail: text(v.lang, "tile.never")}
	if o.ReconciledDay == "" || len(o.Days) == 0 {
		return t
	}
	t.Value, t.State = o.ReconciledDay, good
	t.Detail = text(v.lang, "tile.reconciled")
	if n := o.Days[0].Differences; n > 0 {
		t.State, t.Detail = bad, text(v.lang, "tile.differences", n)
	}
	// The bill of yesterday is there from 10:00 in Beijing: a day more is late.
	beijing := v.now.In(time.FixedZone("", 8*60*60))
	if o.ReconciledDay < beijing.AddDate(0, 0, -2).Format(time.DateOnly) {
		t.State, t.Detail = bad, text(v.lang, "tile.late")
	}
	return t
}

func (v *visit) proofTile(c ledger.LedgerCheck) tile {
	switch {
	case c.EndedAt.IsZero():
		return tile{Key: "proof", Value: "—", Detail: text(v.lang, "tile.never"), State: look}
	case !c.OK:
		return tile{Key: "proof", Value: text(v.lang, "proof.broken"), Since: c.EndedAt, Detail: text(v.lang, "proof.violations", c.Violations), State: bad}
	case v.now.Sub(c.EndedAt) > oldProof:
		return tile{Key: "proof", Value: text(v.lang, "proof.proven"), Since: c.EndedAt, Detail: text(v.lang, "tile.late"), State: look}
	}
	return tile{Key: "proof", Value: text(v.lang, "proof.proven"), Since: c.EndedAt, Detail: text(v.lang, "proof.rows", c.Rows), State: good}
}

// day shows what reconciliations of a day found, line by line.
func (v *visit) day() error {
	day, err := time.Parse(time.DateOnly, v.r.PathValue("day"))
	if err != nil {
		return ledger.ErrNotFound
	}
	reports, err := v.Store.DayReports(v.ctx(), day)
	if err != nil {
		return err
	}
	if len(reports) == 0 {
		return ledger.ErrNotFound
	}
	return v.show(http.StatusOK, "day", "day", reports)
}

// personView is what an auditor sees of a person.
type personView struct {
	ledger.Person
	HasCard   bool
	Balance   ledger.Balance
	Transfers []ledger.Transfer
	Audit     []ledger.AuditEntry
}

const personRows = 20

// person opens a person's page: first the line in the audit log, which the
// holder sees too, then the data.
func (v *visit) person() error {
	id, err := strconv.ParseInt(v.r.PathValue("id"), 10, 64)
	if err != nil || id <= 0 {
		return ledger.ErrNotFound
	}
	p, err := v.Store.PersonByID(v.ctx(), id)
	if err != nil {
		return err
	}
	err = v.Store.Audit(v.ctx(), ledger.AuditEntry{At: v.now, Actor: "operator " + v.userID, Action: "looked_up", PersonID: p.ID, CardNo: p.CardNo,
		Detail: "on the operators' page"})
	if err != nil {
		return err
	}
	shown := personView{Person: p}
	shown.Balance, err = v.Store.Balance(v.ctx(), p.ID, v.now)
	if shown.HasCard = err == nil; err != nil && !errors.Is(err, ledger.ErrNotFound) {
		return err
	}
	if shown.Transfers, err = v.Store.Transfers(v.ctx(), p.ID, personRows, v.now); err != nil {
		return err
	}
	if shown.Audit, err = v.Store.AuditOf(v.ctx(), p.ID, personRows); err != nil {
		return err
	}
	return v.show(http.StatusOK, "person", "person", shown)
}
