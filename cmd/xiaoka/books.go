package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"xiaoka/config"
	"xiaoka/ledger"
	"xiaoka/store"
)

// open reads what a command needs and connects to the database.
func (p *program) open(need config.Need) (*config.Config, *store.Store, error) {
	cfg, err := config.Load(p.config, p.env, need|config.Database)
	if err != nil {
		return nil, nil, err
	}
	s, err := store.Open(p.ctx, cfg.DatabaseURL.Reveal(), store.Options{Zone: cfg.Timezone, Log: newLog(cfg.Log, p.stderr)})
	if err != nil {
		return nil, nil, err
	}
	if err := s.Ping(p.ctx); err != nil {
		s.Close()
		return nil, nil, err
	}
	return cfg, s, nil
}

// existing is ready for commands that only look or change what is there: a
// mistyped path must not become an empty database.
func (p *program) existing(need config.Need) (*config.Config, *store.Store, error) {
	cfg, err := config.Load(p.config, p.env, need|config.Database)
	if err != nil {
		return nil, nil, err
	}
	if path, ok := strings.CutPrefix(cfg.DatabaseURL.Reveal(), "sqlite:"); ok {
		path, _, _ = strings.Cut(strings.TrimPrefix(path, "file:"), "?")
		if _, err := os.Stat(path); err != nil {
			return nil, nil, fmt.Errorf("there is no database at %s", path)
		}
	}
	return p.ready(need)
}

// ready is open for commands that need the schema as this binary knows it.
func (p *program) ready(need config.Need) (*config.Config, *store.Store, error) {
	cfg, s, err := p.open(need)
	if err != nil {
		return nil, nil, err
	}
	if err := p.schema(cfg, s); err != nil {
		s.Close()
		return nil, nil, err
	}
	return cfg, s, nil
}

// schema brings the schema up to date where that is wanted, and refuses to
// work on an older one where it is not.
func (p *program) schema(cfg *config.Config, s *store.Store) error {
	current, err := s.Current(p.ctx)
	switch {
	case err != nil:
		return err
	case current:
		return nil
	case cfg.AutoMigrate:
		return s.Migrate(p.ctx)
	}
	return errors.New("the database schema is not up to date: run `xiaoka migrate` first")
}

type migrateCmd struct{}

// Run brings the schema up to date.
func (migrateCmd) Run(p *program) error {
	_, s, err := p.open(0)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := s.Migrate(p.ctx); err != nil {
		return err
	}
	fmt.Fprintln(p.stdout, "The schema is up to date.")
	return nil
}

type ledgerCmd struct {
	Check ledgerCheckCmd `cmd:"" help:"Prove the invariants of the books over the whole database."`
}

type ledgerCheckCmd struct {
	JSON bool `help:"Print the report as one JSON object."`
}

// Run proves the books; any violation is exit status 1.
func (c ledgerCheckCmd) Run(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	begun := now()
	bar := p.progress("ledger check, invariants", invariants)
	report, err := s.CheckLedger(p.ctx, func(in store.Invariant) {
		bar.step()
		if !c.JSON {
			printInvariant(bar.above(p.stdout), in)
		}
	})
	bar.stop()
	if err != nil {
		return err
	}
	// What was proven is true wherever it can be kept: a copy may be read-only.
	if err := s.KeepLedgerCheck(p.ctx, summary(report, begun, now())); err != nil {
		fmt.Fprintln(p.stderr, "xiaoka:", err)
	}
	if c.JSON {
		out := json.NewEncoder(p.stdout)
		out.SetEscapeHTML(false)
		if err := out.Encode(report); err != nil {
			return err
		}
	} else {
		printExceptions(p, report)
	}
	if !report.OK {
		return errQuiet
	}
	return nil
}

// invariants is how many the contract's section 8 has.
const invariants = 6

// summary is what operators are shown of a check.
func summary(r store.Report, begun, ended time.Time) ledger.LedgerCheck {
	c := ledger.LedgerCheck{StartedAt: begun, EndedAt: ended, OK: r.OK, Exceptions: int64(len(r.Exceptions))}
	for _, in := range r.Invariants {
		c.Rows += in.Rows
		c.Violations += int64(len(in.Violations))
	}
	return c
}

func printInvariant(out io.Writer, in store.Invariant) {
	mark := "ok  "
	if !in.OK {
		mark = "FAIL"
	}
	fmt.Fprintf(out, "%s  %d  %s (%d rows)\n", mark, in.ID, in.Name, in.Rows)
	for _, v := range in.Violations {
		fmt.Fprintf(out, "         %s\n", v)
	}
}

func printExceptions(p *program, r store.Report) {
	if len(r.Exceptions) > 0 {
		fmt.Fprintf(p.stdout, "\n%d open exceptions wait for a person:\n", len(r.Exceptions))
	}
	for _, e := range r.Exceptions {
		fmt.Fprintf(p.stdout, "  %-20s %-14s %s\n", e.Kind, e.CardNo, e.Detail)
	}
	if r.OK {
		fmt.Fprintln(p.stdout, "\nThe books are proven.")
	} else {
		fmt.Fprintln(p.stdout, "\nThe books are broken: stop loading cards and look at the lines above.")
	}
}

// now is the time acts are stamped with.
func now() time.Time { return time.Now() }

// fens turns configured amounts into the ledger's unit.
func fens(amounts []int64) []ledger.Fen {
	out := make([]ledger.Fen, len(amounts))
	for i, a := range amounts {
		out[i] = ledger.Fen(a)
	}
	return out
}
