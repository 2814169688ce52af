package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf8"

	"xiaoka/ledger"
)

type subsidyCmd struct {
	Import subsidyImportCmd `cmd:"" help:"Grant money from a CSV file with a header line: one pending transfer a person and batch."`
	List   subsidyListCmd   `cmd:"" help:"List the batches that were granted, newest first."`
}

type subsidyImportCmd struct {
	File   string  `arg:"" help:"Columns by header, any order: student_no or card_no or both, amount in yuan; name and title if you like. A name is compared with the one on record; a title is shown behind 补助."`
	Batch  batchID `required:"" placeholder:"ID" help:"Name of the batch, at most 64 letters, digits and . _ -; a person is granted money once a batch, so the same file can be run again."`
	DryRun bool    `help:"Check every row and change nothing."`
}

// batchID names a batch on the command line.
type batchID string

// UnmarshalText refuses what could not be typed again.
func (b *batchID) UnmarshalText(text []byte) error {
	*b = batchID(text)
	if *b == "" || !wellFormedID(string(*b)) || strings.Contains(string(*b), "@") {
		return fmt.Errorf("%q is not the name of a batch: at most 64 letters, digits and . _ -", text)
	}
	return nil
}

var subsidyColumns = []string{"student_no", "card_no", "name", "amount", "title"}

// Run grants the good rows and reports the bad ones by line and reason.
func (c subsidyImportCmd) Run(p *program) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := countRows(file)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	t, err := openTable(file, subsidyColumns)
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", c.File, err)
	case !t.has("amount"):
		return fmt.Errorf("%s: the column amount is missing", c.File)
	case !t.has("student_no") && !t.has("card_no"):
		return fmt.Errorf("%s: it needs the column student_no or card_no", c.File)
	}
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	bar := p.progress("subsidy import", rows)
	defer bar.stop()
	var granted, before, bad int
	var sum ledger.Fen
	seen := map[int64]int{} // person → line
	for {
		r, err := t.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		row, err := c.parse(r, ledger.Fen(cfg.Card.MaxBalance))
		bar.step()
		var done ledger.Granted
		if err == nil {
			done, err = s.GrantSubsidy(p.ctx, row, now(), c.DryRun)
		}
		if p.ctx.Err() != nil {
			return p.ctx.Err()
		}
		if first, twice := seen[done.PersonID]; twice && err == nil {
			err = fmt.Errorf("the person stands on line %d already", first)
		}
		switch {
		case err != nil:
			bad++
			fmt.Fprintf(bar.above(p.stderr), "line %d: %v\n", r.line, err)
			continue
		case done.Repeat:
			before++
		default:
			granted++
			sum += row.Amount
		}
		seen[done.PersonID] = r.line
	}
	note := ""
	if c.DryRun {
		note = " (dry run: nothing was changed)"
	}
	fmt.Fprintf(bar.above(p.stdout), "batch %s: %d granted of %s, %d granted before, %d bad%s\n", c.Batch, granted, sum, before, bad, note)
	if bad > 0 {
		return errQuiet
	}
	return nil
}

// maxTitle is what a machine's screen shows of a title.
const maxTitle = 30

// parse reads one row. More than a card may hold could never be collected:
// transfers are taken whole.
func (c subsidyImportCmd) parse(r record, most ledger.Fen) (g ledger.Subsidy, err error) {
	if r.bad != nil {
		return g, r.bad
	}
	g = ledger.Subsidy{Batch: string(c.Batch), StudentNo: r.get("student_no"), CardNo: r.get("card_no"), Name: r.get("name"), Title: r.get("title")}
	if g.Amount, err = ledger.ParseYuan(r.get("amount")); err != nil {
		return g, fmt.Errorf("amount is %w", err)
	}
	switch {
	case g.StudentNo == "" && g.CardNo == "":
		return g, errors.New("student_no and card_no are empty")
	case g.Amount == 0:
		return g, errors.New("amount is zero")
	case g.Amount > most:
		return g, fmt.Errorf("amount is more than a card may hold, %s, and could never be collected", most)
	case utf8.RuneCountInString(g.Title) > maxTitle || strings.ContainsFunc(g.Title, func(c rune) bool { return !unicode.IsPrint(c) }):
		return g, fmt.Errorf("title must be at most %d printable characters", maxTitle)
	}
	if !strings.HasPrefix(g.Title, ledger.GrantWord) {
		g.Title = strings.TrimSpace(ledger.GrantWord + " " + g.Title)
	}
	return g, nil
}

type subsidyListCmd struct{}

// Run lists the batches.
func (subsidyListCmd) Run(p *program) error {
	cfg, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.SubsidyBatches(p.ctx)
	if err != nil {
		return err
	}
	out := tabwriter.NewWriter(p.stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(out, "BATCH\tSINCE\tPERSONS\tGRANTED\tCOLLECTED")
	for _, b := range all {
		fmt.Fprintf(out, "%s\t%s\t%d\t%s\t%s\n", b.Batch, b.Since.In(cfg.Timezone).Format(time.DateOnly), b.N, b.Amount, b.Claimed)
	}
	return out.Flush()
}
