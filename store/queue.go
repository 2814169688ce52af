package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivertype"
	"gorm.io/gorm"

	"xiaoka/ledger"
)

// The queue is River's, in our own database, so that a push is enqueued in
// the transaction of the act it tells about: it commits with the act or not
// at all. The outbox's row, then River's, is the truth about what still has to
// be sent.

// enqueuer inserts jobs in the transaction of an act.
type enqueuer func(ctx context.Context, tx *gorm.DB, jobs ...river.InsertManyParams) error

// pushArgs is the job of telling one person one fact. It holds ids and
// amounts; to whom it goes is looked up when it is sent.
type pushArgs struct {
	Event ledger.Event `json:"event"`
	// Only, if not empty, names what one waiting push is enough for: it will
	// tell the newest number when it is sent.
	Only string `json:"only,omitempty" river:"unique"`
	// Then is what the same person is told after this, one by one in this
	// order. While this cannot be sent it waits, and is replayed with it.
	Then []ledger.Event `json:"then,omitempty"`
}

func (pushArgs) Kind() string { return "push" }

// fanArgs is the job of telling the holders of one upload. It becomes a few
// pushes a holder, all of them and its own end in one transaction.
type fanArgs struct {
	TerminalID string         `json:"terminal_id"`
	At         time.Time      `json:"at,omitzero"`    // when it was received
	Runs       [][2]int64     `json:"runs"`           // of new records, each from its first to its last count
	Seqs       []int64        `json:"seqs,omitempty"` // as former versions named them one by one
	Low        []ledger.Event `json:"low,omitempty"`
}

func (fanArgs) Kind() string { return "fan" }

// tickArgs is one run of a periodic task.
type tickArgs struct {
	Task string `json:"task" river:"unique"`
}

func (tickArgs) Kind() string { return "tick" }

func (s *Store) openQueue() error {
	// The client that only inserts has no queues and is never started.
	cfg := &river.Config{Logger: slog.New(slog.DiscardHandler)}
	if s.Embedded() {
		client, err := river.NewClient(riversqlite.New(s.sql), cfg)
		if err != nil {
			return fmt.Errorf("open the queue: %w", err)
		}
		s.jobs = func(ctx context.Context, tx *gorm.DB, jobs ...river.InsertManyParams) error {
			raw, ok := tx.Statement.ConnPool.(*sql.Tx)
			if !ok {
				return errNoTransaction
			}
			_, err := client.InsertManyTx(ctx, raw, jobs)
			return err
		}
		s.listJobs = client.JobList
		return nil
	}
	client, err := river.NewClient(riverpgxv5.New(s.pool), cfg)
	if err != nil {
		return fmt.Errorf("open the queue: %w", err)
	}
	s.jobs = func(ctx context.Context, tx *gorm.DB, all ...river.InsertManyParams) error {
		p, ok := tx.Statement.ConnPool.(*pipeline)
		if !ok {
			return errNoTransaction
		}
		_, err := client.InsertManyTx(ctx, jobs{pipeline: p}, all)
		return err
	}
	s.listJobs = client.JobList
	return nil
}

// push enqueues events in the act's own transaction.
func (s *Store) push(tx *gorm.DB, events ...ledger.Event) error {
	jobs := make([]pushArgs, len(events))
	for i, e := range events {
		jobs[i].Event = e
	}
	return enqueue(tx, jobs...)
}

// pushJob is the job of an event. Security notices have workers of their own,
// so that no number of others, however slow WeCom is, stands before them; of
// the others, what is sent to everybody goes last.
func pushJob(e ledger.Event) river.InsertManyParams {
	opts := &river.InsertOpts{MaxAttempts: pushAttempts, Queue: river.QueueDefault, Priority: river.PriorityDefault}
	switch {
	case e.Kind.Security():
		opts.Queue = urgentQueue
	case e.Kind == ledger.EventConsumption:
		opts.Priority = 3
	case e.Kind == ledger.EventReminder || e.Kind == ledger.EventStatement:
		opts.Priority = lastPriority
	}
	args := pushArgs{Event: e}
	if e.Kind == ledger.EventLowBalance || e.Kind == ledger.EventReminder {
		args.Only = fmt.Sprintf("%s:%d", e.Kind, e.PersonID)
		opts.UniqueOpts = river.UniqueOpts{ByArgs: true, ByState: waiting}
	}
	return river.InsertManyParams{Args: args, InsertOpts: opts}
}

// pushJobs is the job of telling one person several facts in their order.
func pushJobs(events []ledger.Event) river.InsertManyParams {
	job := pushJob(events[0])
	args := job.Args.(pushArgs)
	args.Then = events[1:]
	job.Args = args
	return job
}

// distinct leaves out what is named twice: one statement cannot meet its own
// row.
func distinct(jobs []river.InsertManyParams) []river.InsertManyParams {
	named := map[string]bool{}
	return slices.DeleteFunc(jobs, func(j river.InsertManyParams) bool {
		args, ok := j.Args.(pushArgs)
		if !ok || args.Only == "" {
			return false
		}
		twice := named[args.Only]
		named[args.Only] = true
		return twice
	})
}

// waiting are the states of a job that will still be worked.
var waiting = []rivertype.JobState{rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
	rivertype.JobStateRetryable, rivertype.JobStateScheduled}

const urgentQueue = "urgent"

// lastPriority is River's: what is sent to everybody.
const lastPriority = 4

// pushAttempts with River's own back-off (attempt⁴ seconds) cover more than
// three weeks of WeCom being down.
const pushAttempts = 25

// Snooze asks the queue to come back later without counting an attempt; a
// push returns it while WeCom's limits leave no room.
type Snooze struct{ For time.Duration }

func (e *Snooze) Error() string { return "come back in " + e.For.String() }

// ErrGiveUp marks a push that no retry can help, such as a member who left.
var ErrGiveUp = errors.New("no retry can help")

// Reasons why a push is dead. It stays listed for two months.
const (
	DeadGivenUp = "given_up"       // no retry can help
	DeadTries   = "too_many_tries" // none of all tries went through
)

// deadRetention is how long dead pushes stay listed.
const deadRetention = 60 * 24 * time.Hour

// Periodic is a task that runs once every Every over all replicas.
type Periodic struct {
	Name  string
	Every time.Duration
	// Timeout is how long one run may take; 0 = 20 s.
	Timeout time.Duration
	Run     func(ctx context.Context) error
}

// Work says what the queue does with its jobs.
type Work struct {
	Push func(ctx context.Context, e ledger.Event) error
	// Dead is told of every push that will not be tried again, and why: one of
	// the reasons below; may be nil.
	Dead        func(e ledger.Event, reason string)
	Concurrency int // pushes at once, 1 to 1,000; a quarter more for security notices
	Periodic    []Periodic
}

// Queue works the jobs until it is stopped.
type Queue struct {
	stop func(context.Context) error
}

// Stop lets the jobs in hand finish, at most until ctx ends.
func (q *Queue) Stop(ctx context.Context) error { return q.stop(ctx) }

// StartQueue begins to work jobs. Any number of replicas may do so; River
// elects the one that schedules the periodic tasks.
func (s *Store) StartQueue(ctx context.Context, w Work) (*Queue, error) {
	workers := river.NewWorkers()
	if w.Dead == nil {
		w.Dead = func(ledger.Event, string) {}
	}
	river.AddWorker(workers, &pushWorker{push: w.Push, dead: w.Dead, log: s.log, next: s.nextPush})
	river.AddWorker(workers, &fanWorker{store: s})
	ticks := &tickWorker{tasks: map[string]Periodic{}, log: s.log}
	river.AddWorker(workers, ticks)
	cfg := &river.Config{
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: max(1, w.Concurrency)},
			urgentQueue:        {MaxWorkers: max(2, w.Concurrency/4)},
			ledger.QueueTick:   {MaxWorkers: 4},
		},
		Workers: workers,
		// While pushes wait, workers that are free get the next ones at once.
		FetchCooldown: 20 * time.Millisecond,
		Logger:        slog.New(slog.DiscardHandler),
		// A job of a crashed replica is taken up again soon, but never while
		// its first run can still be under way.
		JobTimeout:                  20 * time.Second,
		RescueStuckJobsAfter:        30 * time.Second,
		CancelledJobRetentionPeriod: deadRetention,
		DiscardedJobRetentionPeriod: deadRetention,
	}
	if s.Embedded() {
		// SQLite has no LISTEN: a short poll keeps a push prompt.
		cfg.FetchPollInterval = 200 * time.Millisecond
	}
	for _, p := range w.Periodic {
		ticks.tasks[p.Name] = p
		cfg.PeriodicJobs = append(cfg.PeriodicJobs, river.NewPeriodicJob(
			river.PeriodicInterval(p.Every),
			func() (river.JobArgs, *river.InsertOpts) {
				return tickArgs{p.Name}, &river.InsertOpts{
					Queue: ledger.QueueTick, MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: waiting},
				}
			}, &river.PeriodicJobOpts{RunOnStart: true}))
	}
	if s.Embedded() {
		client, err := river.NewClient(riversqlite.New(s.sql), cfg)
		return start(ctx, s, client, err, s.takeFile)
	}
	client, err := river.NewClient(riverpgxv5.New(s.pool), cfg)
	return start(ctx, s, client, err, s.takePool)
}

// startable is a River client of either database.
type startable interface {
	Start(context.Context) error
	Stop(context.Context) error
	StopAndCancel(context.Context) error
}

func start[C startable](ctx context.Context, s *Store, c C, err error, take func(context.Context, C) (int, error)) (*Queue, error) {
	if err != nil {
		return nil, fmt.Errorf("open the queue: %w", err)
	}
	// River stops when its start context ends; ours ends work by Stop, which
	// lets jobs in hand finish.
	ctx = context.WithoutCancel(ctx)
	if err := c.Start(ctx); err != nil {
		return nil, fmt.Errorf("start the queue: %w", err)
	}
	ctx, cancel := context.WithCancel(ctx)
	var outbox sync.WaitGroup
	outbox.Go(func() {
		s.emptyOutbox(ctx, func(ctx context.Context) (int, error) { return take(ctx, c) })
	})
	return &Queue{stop: func(ctx context.Context) error {
		cancel()
		outbox.Wait()
		if err := c.Stop(ctx); err != nil {
			hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
			defer cancel()
			return errors.Join(err, c.StopAndCancel(hard))
		}
		return nil
	}}, nil
}

type pushWorker struct {
	river.WorkerDefaults[pushArgs]
	push func(context.Context, ledger.Event) error
	dead func(ledger.Event, string)
	log  *slog.Logger
	next func(context.Context, river.InsertManyParams) error
}

// Work sends one push and, once it is sent, enqueues what follows it. Its
// errors go to the log and to the job's row.
func (w *pushWorker) Work(ctx context.Context, job *river.Job[pushArgs]) error {
	err := w.push(ctx, job.Args.Event)
	var later *Snooze
	switch {
	case err == nil && len(job.Args.Then) == 0:
		return nil
	case err == nil:
		return w.next(ctx, following(job))
	case errors.As(err, &later):
		return river.JobSnooze(later.For)
	case errors.Is(err, ErrGiveUp):
		w.bury(job, DeadGivenUp, err)
		return river.JobCancel(err)
	case job.Attempt >= job.MaxAttempts:
		w.bury(job, DeadTries, err)
		return err
	}
	w.log.Warn("push failed, will be tried again", "kind", job.Args.Event.Kind, "person_id", job.Args.Event.PersonID, "attempt", job.Attempt, "err", err)
	return err
}

// following is the push after a job's, the same one however often the job runs.
func following(job *river.Job[pushArgs]) river.InsertManyParams {
	next := pushJobs(job.Args.Then)
	args := next.Args.(pushArgs)
	args.Only = fmt.Sprintf("after:%d", job.ID)
	next.Args, next.InsertOpts.UniqueOpts = args, river.UniqueOpts{ByArgs: true} // also of what is completed
	return next
}

// nextPush enqueues a job from within another.
func (s *Store) nextPush(ctx context.Context, job river.InsertManyParams) (err error) {
	if s.Embedded() {
		_, err = river.ClientFromContext[*sql.Tx](ctx).Insert(ctx, job.Args, job.InsertOpts)
	} else {
		_, err = river.ClientFromContext[pgx.Tx](ctx).Insert(ctx, job.Args, job.InsertOpts)
	}
	if err != nil {
		return fmt.Errorf("enqueue the next push: %w", err)
	}
	return nil
}

func (w *pushWorker) bury(job *river.Job[pushArgs], reason string, err error) {
	e := job.Args.Event
	w.log.Warn("push failed for good; `xiaoka push dead` lists it", "job", job.ID, "kind", e.Kind, "person_id", e.PersonID, "reason", reason, "err", err)
	w.dead(e, reason)
}

type tickWorker struct {
	river.WorkerDefaults[tickArgs]
	tasks map[string]Periodic
	log   *slog.Logger
}

// Timeout is the task's own; River takes up no job again before it has passed.
func (w *tickWorker) Timeout(job *river.Job[tickArgs]) time.Duration {
	return w.tasks[job.Args.Task].Timeout
}

// Work runs one periodic task; a failed run is logged and the next one tries
// again.
func (w *tickWorker) Work(ctx context.Context, job *river.Job[tickArgs]) error {
	task, ok := w.tasks[job.Args.Task]
	if !ok {
		return river.JobCancel(fmt.Errorf("unknown task %q", job.Args.Task))
	}
	if err := task.Run(ctx); err != nil {
		w.log.Error("periodic task failed", "task", job.Args.Task, "err", err)
		return err
	}
	return nil
}
