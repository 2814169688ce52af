package main

import (
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"xiaoka/identity"
	"xiaoka/ledger"
)

type transfersCmd struct {
	Unclaimed transfersUnclaimedCmd `cmd:"" help:"List money that was paid and still waits to be collected, oldest first."`
}

type transfersUnclaimedCmd struct {
	OlderThan age `default:"30d" placeholder:"30d" help:"Leave out what is younger: days as in 30d, or hours as in 12h."`
}

// age is a duration on the command line that may be in days.
type age struct{ time.Duration }

// UnmarshalText reads 30d, 12h, 90m or 0d.
func (a *age) UnmarshalText(text []byte) (err error) {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.Atoi(days)
		if err != nil || n < 0 || n > 36500 {
			return fmt.Errorf("%q is not a number of days", text)
		}
		a.Duration = time.Duration(n) * 24 * time.Hour
		return nil
	}
	if a.Duration, err = time.ParseDuration(string(text)); err != nil || a.Duration < 0 {
		return fmt.Errorf("%q is not an age: write 30d or 12h", text)
	}
	return nil
}

// Run lists the unclaimed transfers; whose they are is masked.
func (c transfersUnclaimedCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	at := now()
	all, err := s.Unclaimed(p.ctx, at.Add(-c.OlderThan.Duration), at)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "AGE\tSINCE\tTRANSFER\tKIND\tAMOUNT\tSTATE\tSTUDENT NO\tNAME\tCARD")
	var sum ledger.Fen
	holders := map[int64]bool{}
	for _, u := range all {
		sum += u.Amount
		holders[u.PersonID] = true
		card := ""
		if u.CardNo != "" {
			card = "…" + identity.CardTail(u.CardNo)
		}
		fmt.Fprintf(out, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", inDays(at.Sub(u.CreatedAt)), u.CreatedAt.In(cfg.Timezone).Format(time.DateOnly),
			u.ID, u.Kind, u.Amount, u.State, identity.MaskNumber(u.StudentNo), identity.MaskName(u.Name), card)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "\n%d transfers of %s wait for %d holders\n", len(all), sum, len(holders))
	return nil
}

func inDays(d time.Duration) string {
	if d < 24*time.Hour {
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
