package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
)

type pushCmd struct {
	Dead   pushDeadCmd   `cmd:"" help:"List pushes that failed for good, with the reason; they are kept for two months."`
	Replay pushReplayCmd `cmd:"" help:"Let dead pushes be tried again, once the reason is mended."`
}

type pushDeadCmd struct {
	JSON bool `help:"One JSON array."`
}

// deadJSON is a dead push for programs.
type deadJSON struct {
	ID       int64            `json:"id"`
	Kind     ledger.EventKind `json:"kind"`
	PersonID int64            `json:"person_id"`
	Ref      string           `json:"ref,omitempty"`
	At       time.Time        `json:"at"` // of what it tells
	FailedAt time.Time        `json:"failed_at"`
	Tries    int              `json:"tries"`
	Reason   string           `json:"reason"`
}

// Run lists the dead pushes. It shows ids and reasons, no amounts.
func (c pushDeadCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	dead, err := s.DeadPushes(p.ctx)
	if err != nil {
		return err
	}
	if c.JSON {
		all := make([]deadJSON, len(dead))
		for i, d := range dead {
			all[i] = deadJSON{d.ID, d.Event.Kind, d.Event.PersonID, d.Event.Ref, d.Event.At.In(cfg.Timezone), d.FailedAt.In(cfg.Timezone), d.Tries, d.Reason}
		}
		return json.NewEncoder(p.stdout).Encode(all)
	}
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tKIND\tPERSON\tHAPPENED\tFAILED\tTRIES\tREASON")
	for _, d := range dead {
		fmt.Fprintf(out, "%d\t%s\t%d\t%s\t%s\t%d\t%s\n", d.ID, d.Event.Kind, d.Event.PersonID, d.Event.At.In(cfg.Timezone).Format(time.DateTime),
			d.FailedAt.In(cfg.Timezone).Format(time.DateTime), d.Tries, d.Reason)
	}
	return out.Flush()
}

type pushReplayCmd struct {
	ID  []int64 `arg:"" optional:"" help:"As listed by push dead."`
	All bool    `help:"Every dead push."`
}

// Validate makes it a usage error to name none, or some and all.
func (c pushReplayCmd) Validate() error {
	if c.All == (len(c.ID) > 0) {
		return errors.New("name the pushes to replay, or --all")
	}
	return nil
}

// Run replays dead pushes; the running server sends them. One that is waiting
// or sent again is not replayed a second time.
func (c pushReplayCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if c.All {
		if c.ID, err = deadIDs(p, s); err != nil {
			return err
		}
	}
	var faults []error
	replayed := 0
	for _, id := range c.ID {
		_, err := s.ReplayPush(p.ctx, id, now())
		switch {
		case err == nil:
			replayed++
		case c.All && (errors.Is(err, ledger.ErrNotFound) || errors.Is(err, ledger.ErrConflict)): // somebody was quicker, or the same waits already
		case errors.Is(err, ledger.ErrNotFound):
			faults = append(faults, fmt.Errorf("there is no dead push %d; `xiaoka push dead` lists them", id))
		case errors.Is(err, ledger.ErrConflict):
			faults = append(faults, fmt.Errorf("push %d is not needed: another one that says the same waits to be sent", id))
		default:
			return err
		}
	}
	fmt.Fprintf(p.stdout, "replayed: %d\n", replayed)
	return errors.Join(faults...)
}

func deadIDs(p *program, s *store.Store) ([]int64, error) {
	dead, err := s.DeadPushes(p.ctx)
	ids := make([]int64, len(dead))
	for i, d := range dead {
		ids[i] = d.ID
	}
	return ids, err
}
