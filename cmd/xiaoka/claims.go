package main

import (
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"xiaoka/ledger"
)

type claimCmd struct {
	List   claimListCmd   `cmd:"" help:"List claims whose outcome is not known yet, oldest first."`
	Settle claimSettleCmd `cmd:"" help:"End a claim that is held, or in doubt because its card never came back, by a person's decision."`
}

type claimListCmd struct{}

// Run lists the open doubts with their age.
func (claimListCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	open, err := s.OpenClaims(p.ctx)
	if err != nil {
		return err
	}
	at := now()
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "CLAIM\tCARD\tTERMINAL\tAMOUNT\tAGE\tSTATE")
	for _, c := range open {
		state := "writing"
		switch {
		case !c.HeldAt.IsZero():
			state = "held for a person"
		case at.After(c.ExpiresAt):
			state = "in doubt until the card is seen"
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\n", c.ID, c.CardNo, c.TerminalID, c.Amount, at.Sub(c.CreatedAt).Round(time.Second), state)
	}
	return out.Flush()
}

type claimSettleCmd struct {
	ID     string `arg:""`
	As     string `required:"" enum:"written,unwritten" help:"written: the money is on the chip; unwritten: it goes back to pending."`
	Reason said   `required:"" help:"Who decided, two persons, and on what evidence; goes to the audit log."`
}

// Run writes a decision down and moves the money by it.
func (c claimSettleCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	done, err := s.SettleClaim(p.ctx, c.ID, c.As == "written", string(c.Reason), now())
	switch {
	case errors.Is(err, ledger.ErrClaimNotFound):
		return fmt.Errorf("there is no claim %s", c.ID)
	case errors.Is(err, ledger.ErrClaimNotHeld):
		return fmt.Errorf("claim %s has ended, or is still being written: only a claim that `xiaoka claim list` shows as held or in doubt is for a person to decide", c.ID)
	case err != nil:
		return err
	}
	fmt.Fprintf(p.stdout, "claim %s of %s is %s\n", done.ID, done.Amount, done.State)
	return nil
}
