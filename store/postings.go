package store

import (
	"strings"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// entry is a posting and when it is booked.
type entry struct {
	at time.Time
	ledger.Posting
}

// book books postings of one moment.
func book(tx *gorm.DB, at time.Time, postings ...ledger.Posting) error {
	entries := make([]entry, len(postings))
	for i, p := range postings {
		entries[i] = entry{at, p}
	}
	return bookAll(tx, entries)
}

// bookAll gives entries as one statement of the act. A reference that stands already is a
// unique-index error: the act that wrote it must not happen again.
func bookAll(tx *gorm.DB, entries []entry) error {
	if len(entries) == 0 {
		return nil
	}
	args := make([]any, 0, 7*len(entries))
	for _, p := range entries {
		args = append(args, p.Ref, string(p.Debit.Kind), p.Debit.Owner, string(p.Credit.Kind), p.Credit.Owner, int64(p.Amount), micros(p.at))
	}
	return write(tx, "book "+entries[0].Ref, `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) VALUES `+
		rows(len(entries), 7), args...)
}

// rows gives n groups of k placeholders, "(?,?),(?,?)".
func rows(n, k int) string {
	group := "(" + strings.TrimSuffix(strings.Repeat("?,", k), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(group+",", n), ",")
}
