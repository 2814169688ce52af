package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// GrantSubsidy makes one person's transfer of a batch, funded by the subsidy
// fund, and tells the person; a batch grants to a person once, whoever runs it
// again. With dry set it checks everything and changes nothing. Errors:
// ErrNoHolder, ErrNotOneOwner, ErrNameDiffers, *ledger.GrantConflictError.
func (s *Store) GrantSubsidy(ctx context.Context, g ledger.Subsidy, now time.Time, dry bool) (ledger.Granted, error) {
	var done ledger.Granted
	act := func(tx *gorm.DB) error {
		var err error
		if done, err = before(tx, g); err != nil || done.Repeat {
			return err
		}
		if err := s.grant(ctx, tx, done.PersonID, g, now); err != nil {
			return err
		}
		if dry {
			return errDryRun
		}
		return nil
	}
	err := s.tx(ctx, act)
	if conflict(err) {
		err = s.tx(ctx, act) // another run was quicker with this row
	}
	if errors.Is(err, errDryRun) {
		err = nil
	}
	return done, err
}

// before finds a row's person, and what the batch has granted them already.
func before(tx *gorm.DB, g ledger.Subsidy) (done ledger.Granted, err error) {
	var found []struct {
		ID        int64
		Name      string
		AmountFen *int64
	}
	err = tx.Raw(`SELECT p.id, p.name, t.amount_fen FROM people p
		LEFT JOIN subsidies b ON b.batch = ? AND b.person_id = p.id LEFT JOIN transfers t ON t.id = b.transfer_id
		WHERE p.student_no = ? OR p.id = (SELECT person_id FROM campus_cards WHERE card_no = ? AND status <> 'closed')`,
		g.Batch, g.StudentNo, g.CardNo).Scan(&found).Error
	switch {
	case err != nil:
		return done, fmt.Errorf("look the holder up: %w", err)
	case len(found) == 0:
		return done, ledger.ErrNoHolder
	case len(found) > 1:
		return done, ledger.ErrNotOneOwner
	case g.Name != "" && g.Name != found[0].Name:
		return done, ledger.ErrNameDiffers
	}
	if g.StudentNo != "" && g.CardNo != "" {
		if err := sameOwner(tx, found[0].ID, g); err != nil {
			return done, err
		}
	}
	done = ledger.Granted{PersonID: found[0].ID, Repeat: found[0].AmountFen != nil}
	if done.Repeat && *found[0].AmountFen != int64(g.Amount) {
		return done, &ledger.GrantConflictError{Before: ledger.Fen(*found[0].AmountFen)}
	}
	return done, nil
}

// sameOwner refuses a row of which one of the two numbers is nobody's.
func sameOwner(tx *gorm.DB, personID int64, g ledger.Subsidy) error {
	var n int64
	err := tx.Raw(`SELECT COUNT(*) FROM people p JOIN campus_cards c ON c.person_id = p.id AND c.status <> 'closed'
		WHERE p.id = ? AND p.student_no = ? AND c.card_no = ?`, personID, g.StudentNo, g.CardNo).Scan(&n).Error
	switch {
	case err != nil:
		return fmt.Errorf("compare the row's numbers: %w", err)
	case n == 0:
		return ledger.ErrNoHolder
	}
	return nil
}

func (s *Store) grant(ctx context.Context, tx *gorm.DB, personID int64, g ledger.Subsidy, now time.Time) error {
	pending, err := sumPending(tx, personID)
	if err != nil {
		return err
	}
	t, err := give(tx, transfer{PersonID: personID, Kind: ledger.KindSubsidy, Title: g.Title, AmountFen: int64(g.Amount),
		SourceRef: fmt.Sprintf("subsidy:%s:%d", g.Batch, personID)}, ledger.Account{Kind: ledger.SubsidyFund}, now)
	if err != nil {
		return err
	}
	if err := write(tx, "note the grant", `INSERT INTO subsidies (batch, person_id, transfer_id) VALUES (?, ?, ?)`, g.Batch, personID, t.ID); err != nil {
		return err
	}
	return s.push(tx, ledger.Event{Kind: ledger.EventSubsidy, PersonID: personID, Amount: g.Amount, Pending: pending + g.Amount,
		Title: g.Title, Ref: t.ID, At: now})
}

// sumPending locks a person and is what waits for them, for the message about
// more of it.
func sumPending(tx *gorm.DB, personID int64) (ledger.Fen, error) {
	var sum int64
	err := errors.Join(
		ask(tx, "lock the person", into(new(int64)), `SELECT id FROM people WHERE id = ? FOR NO KEY UPDATE`, personID),
		ask(tx, "sum what waits", into(&sum), sumWaiting+` ?`, personID),
		flush(tx))
	return ledger.Fen(sum), err
}

// give makes a transfer that no payment stands behind, and books its money
// from where it comes under the transfer's own source.
func give(tx *gorm.DB, t transfer, from ledger.Account, now time.Time) (transfer, error) {
	t.ID, t.State, t.CreatedAt = ledger.NewID(), string(ledger.TransferPending), micros(now)
	return t, errors.Join(
		write(tx, "create the transfer", `INSERT INTO transfers (id, person_id, kind, source_ref, title, amount_fen, state, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, t.ID, t.PersonID, t.Kind, t.SourceRef, t.Title, t.AmountFen, t.State, t.CreatedAt),
		book(tx, now, ledger.Posting{Ref: t.SourceRef, Debit: from,
			Credit: ledger.Account{Kind: ledger.Pending, Owner: t.PersonID}, Amount: ledger.Fen(t.AmountFen)}))
}

// SubsidyBatches lists what was granted, newest batch first.
func (s *Store) SubsidyBatches(ctx context.Context) ([]ledger.SubsidyBatch, error) {
	var found []struct {
		Batch      string
		Since      int64
		N          int
		AmountFen  int64
		ClaimedFen int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT b.batch, MIN(t.created_at) AS since, COUNT(*) AS n, SUM(t.amount_fen) AS amount_fen,
		SUM(CASE WHEN t.state = 'claimed' THEN t.amount_fen ELSE 0 END) AS claimed_fen
		FROM subsidies b JOIN transfers t ON t.id = b.transfer_id GROUP BY b.batch ORDER BY since DESC, b.batch`).Scan(&found).Error
	if err != nil {
		return nil, fmt.Errorf("list the batches: %w", err)
	}
	out := make([]ledger.SubsidyBatch, len(found))
	for i, f := range found {
		out[i] = ledger.SubsidyBatch{Batch: f.Batch, Since: timeOf(f.Since), N: f.N, Amount: ledger.Fen(f.AmountFen), Claimed: ledger.Fen(f.ClaimedFen)}
	}
	return out, nil
}

// CorrectPurchase reverses a purchase, or the part of it that Amount says, and
// tells the holder; once, whoever asks again: ErrCorrected. ErrNoPurchase,
// ErrCorrectionTooLarge.
func (s *Store) CorrectPurchase(ctx context.Context, c ledger.Correction, now time.Time) (ledger.Corrected, error) {
	var done ledger.Corrected
	err := s.tx(ctx, func(tx *gorm.DB) error {
		var found []struct {
			CardID     int64
			CardNo     string
			PersonID   int64
			MerchantID int64
			Merchant   string
			AmountFen  int64
		}
		err := tx.Raw(`SELECT n.card_id, c.card_no, c.person_id, n.merchant_id, m.name AS merchant, n.amount_fen FROM consumptions n
			JOIN campus_cards c ON c.id = n.card_id JOIN merchants m ON m.id = n.merchant_id WHERE n.terminal_id = ? AND n.seq = ?`,
			c.TerminalID, c.Seq).Scan(&found).Error
		switch {
		case err != nil:
			return fmt.Errorf("read the purchase: %w", err)
		case len(found) == 0:
			return ledger.ErrNoPurchase
		}
		n := found[0]
		done = ledger.Corrected{CardNo: n.CardNo, Merchant: n.Merchant, Spent: ledger.Fen(n.AmountFen), Amount: c.Amount}
		switch {
		case c.Amount < 0 || c.Amount > done.Spent:
			return ledger.ErrCorrectionTooLarge
		case c.Amount == 0:
			done.Amount = done.Spent
		}
		pending, err := sumPending(tx, n.PersonID)
		if err != nil {
			return err
		}
		t, err := give(tx, transfer{PersonID: n.PersonID, Kind: ledger.KindCorrection, Title: "消费冲正", AmountFen: int64(done.Amount),
			SourceRef: fmt.Sprintf("correction:%s:%d", c.TerminalID, c.Seq)}, ledger.Account{Kind: ledger.MerchantDue, Owner: n.MerchantID}, now)
		if err != nil {
			return err
		}
		done.Transfer = t.ledger(now)
		err = errors.Join(
			write(tx, "note the correction", `INSERT INTO corrections (terminal_id, seq, transfer_id, card_id, merchant_id, amount_fen, note, at)
				VALUES (?, ?, ?, ?, ?, ?, ?, ?)`, c.TerminalID, c.Seq, t.ID, n.CardID, n.MerchantID, int64(done.Amount), c.Note, micros(now)),
			audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "corrected", PersonID: n.PersonID, CardNo: n.CardNo,
				Detail: fmt.Sprintf("%s of purchase %d at %s: %s", done.Amount, c.Seq, c.TerminalID, c.Note)}))
		if err != nil {
			return err
		}
		return s.push(tx, ledger.Event{Kind: ledger.EventCorrected, PersonID: n.PersonID, CardNo: n.CardNo, Amount: done.Amount, Pending: pending + done.Amount,
			Where: n.Merchant, Ref: t.ID, At: now})
	})
	if conflict(err) {
		err = ledger.ErrCorrected
	}
	return done, err
}
