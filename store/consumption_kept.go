package store

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"

	"xiaoka/ledger"
)

// rejection is a record that was not booked.
type rejection struct {
	ledger.Consumption
	code string
}

// keepRejections keeps what was not booked as it came. What is well-formed
// waits for a person as a case.
func (u *upload) keepRejections() error {
	if len(u.kept) == 0 {
		return nil
	}
	var kept, cases []any
	for _, r := range u.kept {
		record, err := json.Marshal(r.Consumption)
		if err != nil {
			return fmt.Errorf("keep a rejected record: %w", err)
		}
		kept = append(kept, u.terminalID, r.Seq, r.code, r.CardNo, string(record), micros(u.now))
		if slices.Contains([]string{ledger.RejectConflict, ledger.RejectCardNotFound, ledger.RejectTime, ledger.RejectSeq}, r.code) {
			which := fmt.Sprintf("record %d", r.Seq)
			if r.code == ledger.RejectSeq {
				which = "a record whose seq is no whole number from 1"
			}
			cases = append(cases, r.code, ledger.RecordRef(u.terminalID, r.Seq, recordDigest(record)), r.CardNo,
				fmt.Sprintf("%s of terminal %s, %s spent, was not booked", which, u.terminalID, r.Amount), micros(u.now))
		}
	}
	err := u.tx.Exec(`INSERT INTO rejections (terminal_id, seq, code, card_no, record, at) VALUES `+rows(len(u.kept), 6)+` ON CONFLICT DO NOTHING`, kept...).Error
	if err == nil && len(cases) > 0 {
		err = u.tx.Exec(`INSERT INTO cases (kind, ref, card_no, detail, at) VALUES `+rows(len(cases)/5, 5)+` ON CONFLICT DO NOTHING`, cases...).Error
	}
	if err != nil {
		return fmt.Errorf("keep the rejected records: %w", err)
	}
	return nil
}

// recordDigest tells kept records of one count apart.
func recordDigest(record []byte) string {
	sum := sha256.Sum256(record)
	return hex.EncodeToString(sum[:4])
}

// keptBefore finds, of records whose count the till has used before and under
// which nothing stands, those that were kept aside when they came, since their
// card was not on record or their clock ran ahead: the cases that end when they
// are booked now.
func (u *upload) keptBefore(rows []*row) error {
	again := make(map[int64]*row, len(rows))
	seqs := make([]int64, 0, len(rows))
	for _, r := range rows {
		if r.Seq <= u.till.HighestSeq {
			again[r.Seq] = r
			seqs = append(seqs, r.Seq)
		}
	}
	if len(seqs) == 0 {
		return nil
	}
	var kept []string
	err := u.tx.Raw(`SELECT record FROM rejections WHERE terminal_id = ? AND seq IN ? AND code IN (?, ?)`,
		u.terminalID, seqs, ledger.RejectCardNotFound, ledger.RejectTime).Scan(&kept).Error
	if err != nil {
		return fmt.Errorf("read the records kept aside: %w", err)
	}
	for _, text := range kept {
		var k ledger.Consumption
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			return fmt.Errorf("read a record kept aside: %w", err)
		}
		r := again[k.Seq]
		if k.Fault == ledger.RejectTime {
			k.OccurredAt = r.OccurredAt
		}
		if u.same(k, r.Consumption) {
			r.ends = append(r.ends, ledger.RecordRef(u.terminalID, k.Seq, recordDigest([]byte(text))))
		}
	}
	return nil
}

// endKept settles the cases of records that are booked after all.
func (u *upload) endKept() error {
	var refs []string
	for _, r := range u.rows {
		if r.fresh {
			refs = append(refs, r.ends...)
		}
	}
	if len(refs) == 0 {
		return nil
	}
	err := u.tx.Exec(`UPDATE cases SET settled_at = ? WHERE kind IN (?, ?) AND ref IN ? AND settled_at IS NULL`,
		micros(u.now), ledger.RejectCardNotFound, ledger.RejectTime, refs).Error
	if err != nil {
		return fmt.Errorf("settle the cases of records kept aside: %w", err)
	}
	return nil
}
