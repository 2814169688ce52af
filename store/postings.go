package store

import (
	"strings"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// book gives postings as one statement of the act. A reference that stands already is a
// unique-index error: the act that wrote it must not happen again.
func book(tx *gorm.DB, at time.Time, postings ...ledger.Posting) error {
	if len(postings) == 0 {
		return nil
	}
	args := make([]any, 0, 7*len(postings))
	for _, p := range postings {
		args = append(args, p.Ref, string(p.Debit.Kind), p.Debit.Owner, string(p.Credit.Kind), p.Credit.Owner, int64(p.Amount), micros(at))
	}
	return write(tx, "book "+postings[0].Ref, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES `+
		rows(len(postings), 7), args...)
}

// rows gives n groups of k placeholders, "(?,?),(?,?)".
func rows(n, k int) string {
	group := "(" + strings.TrimSuffix(strings.Repeat("?,", k), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(group+",", n), ",")
}
