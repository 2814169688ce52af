package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// Report is what CheckLedger proved over the whole database.
type Report struct {
	OK         bool        `json:"ok"`
	Invariants []Invariant `json:"invariants"`
	// Exceptions wait for a person; they do not make the check fail.
	Exceptions []Exception `json:"exceptions"`
}

// Invariant is one rule of the contract's section 8, how many rows it was
// proved over and what breaks it.
type Invariant struct {
	ID         int      `json:"id"`
	Name       string   `json:"-"`
	OK         bool     `json:"ok"`
	Rows       int64    `json:"rows"`
	Violations []string `json:"violations"`
}

// Exception is an unsettled case.
type Exception struct {
	CardNo string `json:"card_no"`
	Kind   string `json:"kind"`
	Detail string `json:"detail"`
}

// maxViolations bounds what one invariant lists; the first ones tell enough.
const maxViolations = 100

// CheckLedger proves the invariants of the contract's section 8 over one
// snapshot of the whole database. progress, when set, hears of each one.
func (s *Store) CheckLedger(ctx context.Context, progress func(Invariant)) (Report, error) {
	report := Report{OK: true, Exceptions: []Exception{}}
	conn, err := s.sql.Conn(ctx)
	if err != nil {
		return report, fmt.Errorf("connect for the check: %w", err)
	}
	defer conn.Close()
	// Not database/sql's Begin: on SQLite it would take the writer's lock. Without
	// room in memory PostgreSQL would join millions of rows through files; and it
	// would leave joins to one core whose rows it expects to be many, but what
	// breaks a rule is rare.
	begin := []string{"BEGIN"}
	if !s.Embedded() {
		begin = []string{"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", "SET LOCAL work_mem = '128MB'", "SET LOCAL jit = off", "SET LOCAL parallel_tuple_cost = 0"}
	}
	defer conn.ExecContext(context.WithoutCancel(ctx), "ROLLBACK") //nolint:errcheck // nothing was written
	for _, statement := range begin {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			return report, fmt.Errorf("begin the check: %w", err)
		}
	}
	err = s.prove(ctx, conn, &report, progress)
	return report, err
}

// prove checks the books as the connection's transaction sees them.
func (s *Store) prove(ctx context.Context, conn *sql.Conn, report *Report, progress func(Invariant)) error {
	guards := guardsPostgres
	if s.Embedded() {
		guards = guardsSQLite
	}
	for _, p := range proofs {
		queries := p.queries
		if p.id == 5 {
			queries = append([]string{guards}, queries...)
		}
		in := Invariant{ID: p.id, Name: p.name, Violations: []string{}}
		if err := conn.QueryRowContext(ctx, p.count).Scan(&in.Rows); err != nil {
			return fmt.Errorf("count for invariant %d: %w", p.id, err)
		}
		for _, q := range queries {
			found, err := texts(ctx, conn, q)
			if err != nil {
				return fmt.Errorf("prove invariant %d: %w", p.id, err)
			}
			in.Violations = append(in.Violations, found...)
		}
		in.OK = len(in.Violations) == 0
		report.OK = report.OK && in.OK
		report.Invariants = append(report.Invariants, in)
		if progress != nil {
			progress(in)
		}
	}
	return exceptions(ctx, conn, report)
}

// texts reads a proof's violations. No LIMIT: it would have the database look
// for the first few row by row, and there are none.
func texts(ctx context.Context, conn *sql.Conn, query string) ([]string, error) {
	rows, err := conn.QueryContext(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []string
	for len(out) < maxViolations && rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, strings.TrimSpace(text))
	}
	return out, rows.Err()
}

func exceptions(ctx context.Context, conn *sql.Conn, report *Report) error {
	rows, err := conn.QueryContext(ctx, exceptionsSQL)
	if err != nil {
		return fmt.Errorf("list the exceptions: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var e Exception
		if err := rows.Scan(&e.CardNo, &e.Kind, &e.Detail); err != nil {
			return fmt.Errorf("list the exceptions: %w", err)
		}
		report.Exceptions = append(report.Exceptions, e)
	}
	return rows.Err()
}
