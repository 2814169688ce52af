package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"
	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A push that was given up, or failed as often as it may, stays in the queue's
// table for two months as a dead one. To replay it is to let the same job be
// worked again, so that it cannot come to exist twice.

// DeadPushes lists the dead pushes, in the order they were enqueued.
func (s *Store) DeadPushes(ctx context.Context) ([]ledger.DeadPush, error) {
	const page = 1000
	params := river.NewJobListParams().Kinds(pushArgs{}.Kind()).States(rivertype.JobStateCancelled, rivertype.JobStateDiscarded).
		OrderBy(river.JobListOrderByID, river.SortOrderAsc).First(page)
	var all []ledger.DeadPush
	for {
		found, err := s.listJobs(ctx, params)
		if err != nil {
			return nil, fmt.Errorf("read the dead pushes: %w", err)
		}
		for _, j := range found.Jobs {
			d, err := deadPush(j)
			if err != nil {
				return nil, err
			}
			all = append(all, d)
		}
		if len(found.Jobs) < page {
			return all, nil
		}
		params = params.After(found.LastCursor)
	}
}

func deadPush(j *rivertype.JobRow) (ledger.DeadPush, error) {
	var args pushArgs
	if err := json.Unmarshal(j.EncodedArgs, &args); err != nil {
		return ledger.DeadPush{}, fmt.Errorf("read push %d: %w", j.ID, err)
	}
	d := ledger.DeadPush{ID: j.ID, Event: args.Event, Tries: j.Attempt}
	if j.FinalizedAt != nil {
		d.FailedAt = *j.FinalizedAt
	}
	if n := len(j.Errors); n > 0 {
		d.Reason = j.Errors[n-1].Error
	}
	return d, nil
}

// ReplayPush lets a dead push be tried again, from the first try on, and
// writes that down. ErrNotFound when there is no dead push with this id, so
// also for one that was replayed already; ErrConflict when another push that
// says the same waits to be sent.
func (s *Store) ReplayPush(ctx context.Context, id int64, now time.Time) (ledger.DeadPush, error) {
	found, err := s.listJobs(ctx, river.NewJobListParams().IDs(id).Kinds(pushArgs{}.Kind()).
		States(rivertype.JobStateCancelled, rivertype.JobStateDiscarded))
	if err != nil {
		return ledger.DeadPush{}, fmt.Errorf("read the dead push: %w", err)
	}
	if len(found.Jobs) == 0 {
		return ledger.DeadPush{}, ledger.ErrNotFound
	}
	dead, err := deadPush(found.Jobs[0])
	if err != nil {
		return dead, err
	}
	err = s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec(`UPDATE river_job SET state = 'available', attempt = 0, finalized_at = NULL
			WHERE id = ? AND kind = ? AND state IN ('cancelled', 'discarded')`, id, pushArgs{}.Kind())
		switch {
		case conflict(r.Error):
			return ledger.ErrConflict
		case r.Error != nil:
			return fmt.Errorf("replay the push: %w", r.Error)
		case r.RowsAffected == 0:
			return ledger.ErrNotFound
		}
		return audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "push_replayed", PersonID: dead.Event.PersonID,
			Detail: fmt.Sprintf("%s, push %d", dead.Event.Kind, id)})
	})
	return dead, err
}
