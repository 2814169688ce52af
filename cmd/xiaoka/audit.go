package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
)

type auditCmd struct {
	CardNo   string `xor:"whose" required:"" help:"Who did what to this card and its holder's data."`
	Terminal string `xor:"whose" required:"" help:"What this terminal did, and was suspended for."`
	Limit    int    `default:"100" help:"How many of the newest lines."`
}

// Run lists who did what, when: to a card and its holder's data, or at a
// terminal.
func (c auditCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if c.Limit < 1 {
		return errors.New("--limit must be at least 1")
	}
	var lines []ledger.AuditEntry
	if c.Terminal != "" {
		lines, err = s.AuditOfTerminal(p.ctx, c.Terminal, c.Limit)
	} else {
		lines, err = s.AuditOfCard(p.ctx, c.CardNo, c.Limit)
	}
	if err == nil && len(lines) == 0 { // nobody did anything, or there is no such card or terminal
		err = c.exists(p.ctx, s)
	}
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "WHEN\tWHO\tWHAT\tCARD\tDETAIL")
	for _, l := range lines {
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\n", l.At.In(cfg.Timezone).Format(time.DateTime), l.Actor, l.Action, l.CardNo, l.Detail)
	}
	return out.Flush()
}

func (c auditCmd) exists(ctx context.Context, s *store.Store) error {
	if c.Terminal != "" {
		_, err := s.Terminal(ctx, c.Terminal)
		return known(c.Terminal, err)
	}
	_, err := s.Holder(ctx, c.CardNo)
	if errors.Is(err, ledger.ErrCardNotFound) {
		return fmt.Errorf("there is no card %s", c.CardNo)
	}
	return err
}
