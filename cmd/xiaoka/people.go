package main

import (
	"errors"
	"fmt"
	"io"
	"net/mail"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/sync/errgroup"

	"xiaoka/config"
	"xiaoka/identity"
	"xiaoka/ledger"
)

type peopleCmd struct {
	Import peopleImportCmd `cmd:"" help:"Add or update people and cards from a CSV file with a header line."`
}

type peopleImportCmd struct {
	File   string `arg:"" help:"Columns by header, any order: student_no, name, card_no, email, phone, type, department, wecom_userid, query_password, opening_balance."`
	DryRun bool   `help:"Check every row and change nothing."`
}

// columns a register may have; only student_no is required.
var columns = []string{"student_no", "name", "card_no", "email", "phone", "type", "department", "wecom_userid", "query_password", "opening_balance"}

// registerRow is a row read from the file, or why it cannot be taken.
type registerRow struct {
	ledger.PersonRow
	password string
	err      error
}

// Run imports the good rows and reports the bad ones by line and reason.
func (c peopleImportCmd) Run(p *program) error {
	file, err := os.Open(c.File)
	if err != nil {
		return err
	}
	defer file.Close()
	rows, err := readRegister(file)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	need := config.Need(0)
	if slices.ContainsFunc(rows, func(r registerRow) bool { return r.password != "" }) {
		need = config.MasterKey // own passwords are hashed under it
	}
	cfg, s, err := p.ready(need)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := p.hashPasswords(cfg, rows); err != nil {
		return err
	}
	bar := p.progress("people import", int64(len(rows)))
	defer bar.stop()
	var added, updated, bad int
	for _, r := range rows {
		created := false
		if r.err == nil {
			created, r.err = s.ImportPerson(p.ctx, r.PersonRow, now(), c.DryRun)
		}
		switch {
		case p.ctx.Err() != nil:
			return p.ctx.Err()
		case r.err != nil:
			bad++
			fmt.Fprintf(bar.above(p.stderr), "line %d: %v\n", r.Line, r.err)
		case created:
			added++
		default:
			updated++
		}
		bar.step()
	}
	note := ""
	if c.DryRun {
		note = " (dry run: nothing was changed)"
	}
	fmt.Fprintf(bar.above(p.stdout), "%d added, %d updated, %d bad%s\n", added, updated, bad, note)
	if bad > 0 {
		return errQuiet
	}
	return nil
}

// readRegister reads all rows; a bad one carries its own error.
func readRegister(in io.Reader) ([]registerRow, error) {
	t, err := openTable(in, columns)
	if err != nil {
		return nil, err
	}
	if !t.has("student_no") {
		return nil, errors.New("the column student_no is missing")
	}
	var rows []registerRow
	seen := map[string]int{}
	for {
		r, err := t.next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		row := parseRow(r)
		if first, twice := seen[row.StudentNo]; twice && row.err == nil {
			row.err = fmt.Errorf("student_no stands on line %d already", first)
		}
		seen[row.StudentNo] = row.Line
		rows = append(rows, row)
	}
}

// longestName is what the page takes where a holder types their name.
const longestName = 64

func parseRow(r record) (row registerRow) {
	row.PersonRow = ledger.PersonRow{
		Line: r.line, StudentNo: r.get("student_no"), Name: r.get("name"), CardNo: r.get("card_no"), Email: r.get("email"), Phone: r.get("phone"),
		Type: r.get("type"), Department: r.get("department"), UserID: r.get("wecom_userid"),
	}
	row.password, row.err = r.get("query_password"), r.bad
	if row.err != nil {
		return row
	}
	for column, value := range map[string]string{"student_no": row.StudentNo, "card_no": row.CardNo, "wecom_userid": row.UserID} {
		if !wellFormedID(value) {
			row.err = fmt.Errorf("%s must be at most 64 letters, digits, and . _ @ -", column)
		}
	}
	switch {
	case row.err != nil:
	case row.StudentNo == "":
		row.err = errors.New("student_no is empty")
	case utf8.RuneCountInString(row.Name) > longestName:
		row.err = fmt.Errorf("name is longer than %d characters", longestName)
	case row.Email != "" && !isAddress(row.Email):
		row.err = errors.New("email is not an address")
	case row.Phone != "" && !isPhone(row.Phone):
		row.err = errors.New("phone must be 5 to 20 digits, with or without + in front")
	case row.password != "" && !sixDigits(row.password):
		row.err = errors.New("query_password must be six digits")
	default:
		if balance := r.get("opening_balance"); balance != "" {
			if row.OpeningBalance, row.err = ledger.ParseYuan(balance); row.err != nil {
				row.err = fmt.Errorf("opening_balance is %w", row.err)
			}
		}
	}
	return row
}

func wellFormedID(s string) bool {
	return len(s) <= 64 && !strings.ContainsFunc(s, func(r rune) bool {
		return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || strings.ContainsRune("._@-", r))
	})
}

// isAddress takes one bare address, no name and no list.
func isAddress(s string) bool {
	a, err := mail.ParseAddress(s)
	return err == nil && a.Address == s
}

func isPhone(s string) bool {
	digits := strings.TrimPrefix(s, "+")
	return len(digits) >= 5 && len(digits) <= 20 && strings.Trim(digits, "0123456789") == ""
}

func sixDigits(s string) bool {
	return len(s) == 6 && strings.Trim(s, "0123456789") == ""
}

// hashPasswords hashes the register's own passwords side by side: each costs
// as much as a guess.
func (p *program) hashPasswords(cfg *config.Config, rows []registerRow) error {
	own := 0
	for _, r := range rows {
		if r.err == nil && r.password != "" {
			own++
		}
	}
	bar := p.progress("passwords", int64(own))
	defer bar.stop()
	passwords := identity.NewPasswords(identity.PasswordOptions{MasterKey: cfg.SecretKey.Reveal()})
	group, ctx := errgroup.WithContext(p.ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range rows {
		if rows[i].err != nil || rows[i].password == "" {
			continue
		}
		group.Go(func() (err error) {
			rows[i].PasswordHash, err = passwords.Hash(ctx, rows[i].password)
			bar.step()
			return err
		})
	}
	return group.Wait()
}
