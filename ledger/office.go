package ledger

import "time"

// Watch is how the house stands at one moment, in counts: what an operator is
// woken by.
type Watch struct {
	At     time.Time
	Jobs   []JobGroup // by queue and state
	Outbox int64      // jobs that no queue has taken over yet, about; more than moments of work when no replica runs one

	Doubts   Waiting // claims of unknown outcome
	Held     int64   // of these, the ones only a person can settle
	Cases    Waiting // open ones
	KeptOff  int64   // records of tills that contradict others or name no card, within KeptOffWithin
	Pending  Sum     // money nobody has collected yet
	InFlight Sum     // money authorised for a chip, in doubt or not

	Terminals        int64   // in service
	Unseen           Waiting // of these, without a sign for TerminalSilent
	Suspended        int64   // of these, taking no query passwords now
	Behind           Waiting // of these, without the newest blacklist: the oldest entry one of them lacks
	BlacklistVersion int64

	ReconciledDay string      // the newest day held against WeChat Pay's bill, YYYY-MM-DD; empty = none
	LedgerCheck   LedgerCheck // the last one; zero = none was kept
}

// Thresholds of a Watch.
const (
	TerminalSilent = time.Hour // machines and tills ask for the blacklist every minute
	KeptOffWithin  = 30 * 24 * time.Hour
)

// JobGroup counts the jobs of a queue in one state of River's: available,
// running, retryable, scheduled, or dead as cancelled or discarded.
type JobGroup struct {
	Queue string
	State string
	N     int64
	Since time.Time // the oldest: since it could have been worked, otherwise since it was enqueued
}

// Dead tells whether the jobs of the group failed for good.
func (g JobGroup) Dead() bool { return g.State == "cancelled" || g.State == "discarded" }

// QueueTick is the queue of periodic tasks. A failed run is not tried again;
// the next one is due anyway.
const QueueTick = "tick"

// DeadPushes counts what nobody could be told of.
func (w Watch) DeadPushes() (n int64) {
	for _, g := range w.Jobs {
		if g.Dead() && g.Queue != QueueTick {
			n += g.N
		}
	}
	return n
}

// Waiting is how many wait, and since when the oldest does.
type Waiting struct {
	N     int64
	Since time.Time // zero when none does
}

// Sum is how much money is in how many transfers.
type Sum struct {
	Waiting
	Amount Fen
}

// LedgerCheck is the outcome of a proof of the books.
type LedgerCheck struct {
	StartedAt  time.Time
	EndedAt    time.Time
	OK         bool
	Rows       int64 // the invariants were proved over
	Violations int64
	Exceptions int64 // waiting for a person
}

// Overview is a Watch with the newest or oldest of everything it counts, each
// at most OverviewRows.
type Overview struct {
	Watch
	Dead      []DeadJob      // newest first
	InDoubt   []Claim        // oldest first
	OpenCases []PersonCase   // oldest first
	Settled   []PersonCase   // newest first
	Days      []DayReport    // newest first, without lines
	Stations  []StationState // by id, disabled ones left out
}

// Bounds of an Overview.
const (
	OverviewRows     = 20
	OverviewStations = 1000
)

// DeadJob is a job other than a periodic one that failed for good.
type DeadJob struct {
	DeadPush
	Job string // kind of the job: push, fan
}

// PersonCase is a case and the person its card belongs to; 0 when it names no
// card.
type PersonCase struct {
	Case
	PersonID int64
}

// StationState is a terminal and the age of its blacklist.
type StationState struct {
	Terminal
	BlacklistVersion int64
	BlacklistAt      time.Time // when it first had that version; zero = it never asked
	BehindSince      time.Time // when the first entry that it lacks was made; zero = it has the newest list
}
