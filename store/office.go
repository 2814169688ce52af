package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/riverqueue/river"

	"xiaoka/ledger"
)

// What operators look at. Each act costs a constant number of statements, and
// each of these an index, however long the history is.

// Watch counts what waits, and since when, in two statements.
func (s *Store) Watch(ctx context.Context, now time.Time) (ledger.Watch, error) {
	w := ledger.Watch{At: now}
	var err error
	if w.Jobs, err = s.jobGroups(ctx); err != nil {
		return w, err
	}
	var found struct {
		Outbox       int64
		Doubts       int64
		DoubtSince   int64
		Held         int64
		Cases        int64
		CaseSince    int64
		KeptOff      int64
		Pending      int64
		PendingFen   int64
		PendingSince int64
		Flying       int64
		FlyingFen    int64
		FlyingSince  int64
		Terminals    int64
		Unseen       int64
		UnseenSince  int64
		Suspended    int64
		Behind       int64
		BehindSince  int64
		Version      int64
		Day          string
		StartedAt    int64
		EndedAt      int64
		OK           bool
		Proved       int64
		Violations   int64
		Exceptions   int64
	}
	err = s.db.WithContext(ctx).Raw(watchSQL, map[string]any{"now": micros(now), "silent": micros(now.Add(-ledger.TerminalSilent)),
		"kept": micros(now.Add(-ledger.KeptOffWithin))}).Scan(&found).Error
	if err != nil {
		return w, fmt.Errorf("count what waits: %w", err)
	}
	waiting := func(n, since int64) ledger.Waiting { return ledger.Waiting{N: n, Since: timeOf(since)} }
	w.Outbox = found.Outbox
	w.Doubts, w.Held = waiting(found.Doubts, found.DoubtSince), found.Held
	w.Cases, w.KeptOff = waiting(found.Cases, found.CaseSince), found.KeptOff
	w.Pending = ledger.Sum{Waiting: waiting(found.Pending, found.PendingSince), Amount: ledger.Fen(found.PendingFen)}
	w.InFlight = ledger.Sum{Waiting: waiting(found.Flying, found.FlyingSince), Amount: ledger.Fen(found.FlyingFen)}
	w.Terminals, w.Unseen, w.Suspended = found.Terminals, waiting(found.Unseen, found.UnseenSince), found.Suspended
	w.Behind, w.BlacklistVersion = waiting(found.Behind, found.BehindSince), found.Version
	w.ReconciledDay = found.Day
	w.LedgerCheck = ledger.LedgerCheck{StartedAt: timeOf(found.StartedAt), EndedAt: timeOf(found.EndedAt), OK: found.OK,
		Rows: found.Proved, Violations: found.Violations, Exceptions: found.Exceptions}
	return w, nil
}

// watchSQL is one row of counts. A terminal that never asked for the list of
// somebody's loss is behind since that loss. The outbox is emptied from its old end.
const watchSQL = `
	WITH doubts AS (SELECT created_at, held_at FROM claims WHERE state = 'open' AND (expires_at <= @now OR held_at IS NOT NULL)),
	waits AS (SELECT state, COUNT(*) AS n, CAST(SUM(amount_fen) AS BIGINT) AS fen, MIN(created_at) AS since FROM transfers
		WHERE state IN ('pending', 'in_flight', 'refunding') GROUP BY state),
	serving AS (SELECT t.seen_at, t.created_at, t.suspended_until, b.at AS behind_since FROM terminals t
		LEFT JOIN blacklist b ON b.version = t.blacklist_version + 1 WHERE t.disabled_at IS NULL),
	machines AS (SELECT COUNT(*) AS terminals,
		COUNT(CASE WHEN COALESCE(seen_at, created_at) < @silent THEN 1 END) AS unseen,
		COALESCE(MIN(CASE WHEN COALESCE(seen_at, created_at) < @silent THEN COALESCE(seen_at, created_at) END), 0) AS unseen_since,
		COUNT(CASE WHEN suspended_until > @now THEN 1 END) AS suspended,
		COUNT(behind_since) AS behind, COALESCE(MIN(behind_since), 0) AS behind_since FROM serving),
	proof AS (SELECT * FROM ledger_checks ORDER BY id DESC LIMIT 1)
	SELECT COALESCE((SELECT MAX(id) - MIN(id) + 1 FROM outbox), 0) AS outbox,
		(SELECT COUNT(*) FROM doubts) AS doubts,
		COALESCE((SELECT MIN(created_at) FROM doubts), 0) AS doubt_since,
		(SELECT COUNT(held_at) FROM doubts) AS held,
		(SELECT COUNT(*) FROM cases WHERE settled_at IS NULL) AS cases,
		COALESCE((SELECT MIN(at) FROM cases WHERE settled_at IS NULL), 0) AS case_since,
		(SELECT COUNT(*) FROM rejections WHERE code IN ('conflict', 'card_not_found', 'invalid_seq') AND at >= @kept) AS kept_off,
		COALESCE((SELECT n FROM waits WHERE state = 'pending'), 0) AS pending,
		COALESCE((SELECT fen FROM waits WHERE state = 'pending'), 0) AS pending_fen,
		COALESCE((SELECT since FROM waits WHERE state = 'pending'), 0) AS pending_since,
		COALESCE((SELECT n FROM waits WHERE state = 'in_flight'), 0) AS flying,
		COALESCE((SELECT fen FROM waits WHERE state = 'in_flight'), 0) AS flying_fen,
		COALESCE((SELECT since FROM waits WHERE state = 'in_flight'), 0) AS flying_since,
		m.terminals, m.unseen, m.unseen_since, m.suspended, m.behind, m.behind_since,
		COALESCE((SELECT MAX(version) FROM blacklist), 0) AS version,
		COALESCE((SELECT MAX(day) FROM reconciliations), '') AS day,
		COALESCE(p.started_at, 0) AS started_at, COALESCE(p.ended_at, 0) AS ended_at, COALESCE(p.ok, FALSE) AS ok,
		COALESCE(p.proved, 0) AS proved, COALESCE(p.violations, 0) AS violations, COALESCE(p.exceptions, 0) AS exceptions
	FROM machines m LEFT JOIN proof p ON TRUE`

// jobGroups counts the queue's jobs but the completed ones.
func (s *Store) jobGroups(ctx context.Context) ([]ledger.JobGroup, error) {
	var found []struct {
		Queue string
		State string
		N     int64
		Since int64
	}
	if err := s.db.WithContext(ctx).Raw(s.jobGroupsSQL()).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("count the jobs: %w", err)
	}
	out := make([]ledger.JobGroup, len(found))
	for i, f := range found {
		out[i] = ledger.JobGroup{Queue: f.Queue, State: f.State, N: f.N, Since: timeOf(f.Since)}
	}
	return out, nil
}

// jobGroupsSQL counts in the index from which River fetches jobs, and reads one
// row a group. River keeps times as the database's own, SQLite's are text.
func (s *Store) jobGroupsSQL() string {
	micros := func(column string) string {
		if s.Embedded() {
			return "CAST(strftime('%s', " + column + ") AS INTEGER) * 1000000"
		}
		return "CAST(EXTRACT(EPOCH FROM " + column + ") * 1000000 AS BIGINT)"
	}
	return `SELECT g.queue, CAST(g.state AS TEXT) AS state, g.n,
			CASE WHEN g.state = 'available' THEN ` + micros("g.due") + ` ELSE ` + micros("j.created_at") + ` END AS since
		FROM (SELECT queue, state, COUNT(*) AS n, MIN(id) AS oldest, MIN(scheduled_at) AS due FROM river_job
			WHERE state IN ('available', 'pending', 'running', 'retryable', 'scheduled', 'cancelled', 'discarded') GROUP BY queue, state) g
		JOIN river_job j ON j.id = g.oldest ORDER BY 1, 2`
}

// Overview reads what an operator's page shows.
func (s *Store) Overview(ctx context.Context, now time.Time) (o ledger.Overview, err error) {
	o.Watch, err = s.Watch(ctx, now)
	for _, read := range []func(context.Context, *ledger.Overview) error{s.newestDead, s.oldestDoubts, s.openCases, s.settledCases,
		s.newestDays, s.stations} {
		err = errors.Join(err, read(ctx, &o))
	}
	if err != nil {
		return o, fmt.Errorf("read the overview: %w", err)
	}
	return o, nil
}

func (s *Store) newestDead(ctx context.Context, o *ledger.Overview) error {
	// A way into River's index for fetching for each state, queue and priority:
	// without them the dead would be looked for among all jobs.
	var ways []string
	for _, state := range []string{"cancelled", "discarded"} {
		for _, queue := range []string{river.QueueDefault, urgentQueue} {
			for priority := 1; priority <= lastPriority; priority++ {
				ways = append(ways, fmt.Sprintf(`SELECT * FROM (SELECT id, scheduled_at FROM river_job WHERE state = '%s' AND queue = '%s' AND priority = %d
					ORDER BY scheduled_at DESC, id DESC LIMIT @rows) AS w`, state, queue, priority))
			}
		}
	}
	var ids []int64
	err := s.db.WithContext(ctx).Raw("SELECT id FROM ("+strings.Join(ways, " UNION ALL ")+") AS dead ORDER BY scheduled_at DESC, id DESC LIMIT @rows",
		map[string]any{"rows": ledger.OverviewRows}).Scan(&ids).Error
	if err != nil || len(ids) == 0 {
		return err
	}
	found, err := s.listJobs(ctx, river.NewJobListParams().IDs(ids...).OrderBy(river.JobListOrderByID, river.SortOrderDesc).First(len(ids)))
	if err != nil {
		return err
	}
	for _, j := range found.Jobs {
		d, err := deadPush(j)
		if err != nil {
			return err
		}
		o.Dead = append(o.Dead, ledger.DeadJob{DeadPush: d, Job: j.Kind})
	}
	return nil
}

func (s *Store) oldestDoubts(ctx context.Context, o *ledger.Overview) error {
	var found []claim
	err := s.db.WithContext(ctx).Raw(selectClaim+`WHERE k.state = 'open' AND (k.expires_at <= ? OR k.held_at IS NOT NULL) ORDER BY k.created_at LIMIT ?`,
		micros(o.At), ledger.OverviewRows).Scan(&found).Error
	for _, c := range found {
		o.InDoubt = append(o.InDoubt, c.ledger())
	}
	return err
}

func (s *Store) openCases(ctx context.Context, o *ledger.Overview) (err error) {
	o.OpenCases, err = s.personCases(ctx, "WHERE k.settled_at IS NULL ORDER BY k.at, k.id LIMIT ?")
	return err
}

func (s *Store) settledCases(ctx context.Context, o *ledger.Overview) (err error) {
	o.Settled, err = s.personCases(ctx, "WHERE k.settled_at IS NOT NULL ORDER BY k.settled_at DESC LIMIT ?")
	return err
}

func (s *Store) personCases(ctx context.Context, where string) ([]ledger.PersonCase, error) {
	var found []struct {
		Case     caseRow `gorm:"embedded"`
		PersonID int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT k.*, COALESCE(c.person_id, 0) AS person_id FROM cases k LEFT JOIN campus_cards c ON c.card_no = k.card_no `+where,
		ledger.OverviewRows).Scan(&found).Error
	out := make([]ledger.PersonCase, len(found))
	for i, f := range found {
		out[i] = ledger.PersonCase{Case: f.Case.ledger(), PersonID: f.PersonID}
	}
	return out, err
}

func (s *Store) newestDays(ctx context.Context, o *ledger.Overview) error {
	var texts []string
	err := s.db.WithContext(ctx).Raw(`SELECT report FROM reconciliations ORDER BY day DESC, ended_at DESC LIMIT ?`, ledger.OverviewRows).Scan(&texts).Error
	for _, text := range texts {
		var r ledger.DayReport
		if err := json.Unmarshal([]byte(text), &r); err != nil {
			return fmt.Errorf("read a report of a day: %w", err)
		}
		r.Lines = nil
		o.Days = append(o.Days, r)
	}
	return err
}

func (s *Store) stations(ctx context.Context, o *ledger.Overview) error {
	var found []struct {
		Terminal         terminal `gorm:"embedded"`
		BlacklistVersion int64
		BlacklistAt      *int64
		BehindSince      *int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT t.id, t.kind, t.location, t.merchant, t.created_at, t.seen_at, t.suspended_until,
			t.blacklist_version, t.blacklist_at, b.at AS behind_since
		FROM terminals t LEFT JOIN blacklist b ON b.version = t.blacklist_version + 1
		WHERE t.disabled_at IS NULL ORDER BY t.id LIMIT ?`, ledger.OverviewStations).Scan(&found).Error
	for _, f := range found {
		o.Stations = append(o.Stations, ledger.StationState{Terminal: f.Terminal.ledger(), BlacklistVersion: f.BlacklistVersion,
			BlacklistAt: timeOpt(f.BlacklistAt), BehindSince: timeOpt(f.BehindSince)})
	}
	return err
}

// KeepLedgerCheck keeps how a proof of the books ended.
func (s *Store) KeepLedgerCheck(ctx context.Context, c ledger.LedgerCheck) error {
	err := s.db.WithContext(ctx).Exec(`INSERT INTO ledger_checks (started_at, ended_at, ok, proved, violations, exceptions) VALUES (?, ?, ?, ?, ?, ?)`,
		micros(c.StartedAt), micros(c.EndedAt), c.OK, c.Rows, c.Violations, c.Exceptions).Error
	if err != nil {
		return fmt.Errorf("keep the outcome of the check: %w", err)
	}
	return nil
}
