package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"xiaoka/config"
	"xiaoka/ledger"
	"xiaoka/store"
)

type caseCmd struct {
	List   caseListCmd   `cmd:"" help:"List what waits for a person, oldest first."`
	Settle caseSettleCmd `cmd:"" help:"Settle a case by a person's decision."`
}

type caseListCmd struct {
	All  bool `help:"Also what is settled."`
	JSON bool `help:"Print one JSON array."`
}

// caseJSON is one case for other programs.
type caseJSON struct {
	ID        int64               `json:"id"`
	Kind      string              `json:"kind"`
	Ref       string              `json:"ref"`
	CardNo    string              `json:"card_no"`
	Detail    string              `json:"detail"`
	At        time.Time           `json:"at"`
	How       []ledger.Resolution `json:"resolutions"` // how it can be settled; empty when it ends by itself, or has
	SettledAt *time.Time          `json:"settled_at,omitempty"`
	Settled   ledger.Resolution   `json:"settled,omitempty"`
	Note      string              `json:"note,omitempty"`
}

// Run lists the cases.
func (c caseListCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.Cases(p.ctx, c.All)
	if err != nil {
		return err
	}
	if c.JSON {
		return printCases(p, cfg, all)
	}
	return tabulateCases(p, cfg, all)
}

func tabulateCases(p *program, cfg *config.Config, all []ledger.Case) error {
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "ID\tSINCE\tKIND\tCARD\tREF\tDETAIL\tHOW")
	for _, k := range all {
		how := words(k.Resolutions())
		switch {
		case !k.SettledAt.IsZero():
			how = "settled: " + strings.TrimSpace(string(k.How)+" "+k.Note)
		case how == "":
			how = "it ends by itself"
		}
		fmt.Fprintf(out, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", k.ID, k.At.In(cfg.Timezone).Format("2006-01-02 15:04"), k.Kind, cmp.Or(k.CardNo, "-"), k.Ref, k.Detail, how)
	}
	return out.Flush()
}

func printCases(p *program, cfg *config.Config, all []ledger.Case) error {
	list := make([]caseJSON, len(all))
	for i, k := range all {
		list[i] = caseJSON{ID: k.ID, Kind: k.Kind, Ref: k.Ref, CardNo: k.CardNo, Detail: k.Detail, At: k.At.In(cfg.Timezone),
			How: []ledger.Resolution{}, Settled: k.How, Note: k.Note}
		if k.SettledAt.IsZero() {
			list[i].How = append(list[i].How, k.Resolutions()...)
		} else {
			at := k.SettledAt.In(cfg.Timezone)
			list[i].SettledAt = &at
		}
	}
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	return out.Encode(list)
}

func words(all []ledger.Resolution) string {
	texts := make([]string, len(all))
	for i, how := range all {
		texts[i] = string(how)
	}
	return strings.Join(texts, " | ")
}

type caseSettleCmd struct {
	ID   int64             `arg:""`
	How  ledger.Resolution `required:"" enum:"noted,refund,retry,accept-chip,book" help:"noted: dealt with outside, the books stay; refund: send a payment that differs from its order back in full; retry: ask for a refund that WeChat Pay closed again, under a new number; accept-chip: take the chip's counters as they were seen, so that the card can be loaded again; book: book a till's record whose card was not on record when it came."`
	Note said              `required:"" help:"Who decided, and on what evidence; goes to the audit log."`
}

// Run writes a decision down and does what it says.
func (c caseSettleCmd) Run(p *program) error {
	need := config.Need(0)
	if c.How == ledger.ResolveRefund {
		need = config.Merchant | config.Pages
	}
	cfg, s, err := p.existing(need)
	if err != nil {
		return err
	}
	defer s.Close()
	k, err := s.Case(p.ctx, c.ID)
	switch {
	case errors.Is(err, ledger.ErrNotFound):
		return fmt.Errorf("there is no case %d", c.ID)
	case err != nil:
		return err
	case k.SettledAt.IsZero() && len(k.Resolutions()) == 0:
		return fmt.Errorf("a %s ends by itself once its refund is done", k.Kind)
	case k.SettledAt.IsZero() && !k.Allows(c.How):
		return fmt.Errorf("a %s cannot be settled by %s, but by %s", k.Kind, c.How, words(k.Resolutions()))
	}
	var paid ledger.Payment
	if c.How == ledger.ResolveRefund && k.SettledAt.IsZero() {
		if paid, err = p.paid(cfg, s, k); err != nil {
			return err
		}
	}
	if k, err = s.SettleCase(p.ctx, c.ID, c.How, string(c.Note), paid, now()); err != nil {
		return fmt.Errorf("case %d: %w", c.ID, err)
	}
	fmt.Fprintf(p.stdout, "case %d, %s, is settled: %s\n", k.ID, k.Kind, k.How)
	return nil
}

// paid asks WeChat Pay what a case's payment is now.
func (p *program) paid(cfg *config.Config, s *store.Store, k ledger.Case) (ledger.Payment, error) {
	m, err := merchant(cfg, s, newLog(cfg.Log, p.stderr))
	if err != nil {
		return ledger.Payment{}, err
	}
	outTradeNo, _ := k.Payment()
	return m.Payment(p.ctx, outTradeNo)
}
