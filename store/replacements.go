package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// A lost card's money is what the books say less what tills have not sent yet,
// so it waits until they have had their time. A card that is handed in tells by
// its chip what is left on it. Nothing moves while a claim of the card is open.

// ReplaceCard closes a campus card for good, gives its holder another and puts
// the old one on the blacklist. Errors: ErrCardNotFound, ErrCardReplaced,
// ErrCardFrozen, ErrClaimInProgress, ErrCardNoTaken, ErrChipDiffers.
func (s *Store) ReplaceCard(ctx context.Context, r ledger.ReplacementRequest, now time.Time) (ledger.Replacement, error) {
	var done ledger.Replacement
	err := s.tx(ctx, func(tx *gorm.DB) error {
		old, err := lockCard(tx, "card_no = ?", r.OldCardNo)
		if err != nil {
			return err
		}
		if err := s.stop(tx, old, r.Chip == nil, now); err != nil {
			return err
		}
		if err := claimOpen(tx, old.ID); err != nil {
			return err
		}
		if r.Chip != nil {
			if done.Moved, err = proven(old, *r.Chip); err != nil {
				return err
			}
		}
		done.Left = ledger.Fen(old.BalanceFen) - done.Moved
		var newID, taken int64
		if err := tx.Table("campus_cards").Where("card_no = ?", r.NewCardNo).Count(&taken).Error; err != nil || taken > 0 {
			return cmp.Or(err, ledger.ErrCardNoTaken)
		}
		err = errors.Join(
			write(tx, "close the card", `UPDATE campus_cards SET status = 'closed' WHERE id = ?`, old.ID),
			ask(tx, "issue the card", into(&newID), `INSERT INTO campus_cards (card_no, person_id, status, opening_fen, balance_fen, created_at)
				VALUES (?, ?, 'normal', 0, 0, ?) RETURNING id`, r.NewCardNo, old.PersonID, micros(now)),
			flush(tx))
		if err != nil {
			return err
		}
		err = errors.Join(
			write(tx, "note the replacement", `INSERT INTO replacements (old_card_id, new_card_id, person_id, at, due_at) VALUES (?, ?, ?, ?, ?)`,
				old.ID, newID, old.PersonID, micros(now), micros(r.Due)),
			audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "card_replaced", PersonID: old.PersonID, CardNo: old.CardNo,
				Detail: fmt.Sprintf("by card %s: %s", r.NewCardNo, r.Reason)}),
			s.push(tx, ledger.Event{Kind: ledger.EventReplaced, PersonID: old.PersonID, CardNo: r.NewCardNo, Balance: done.Left, At: now}))
		if err != nil {
			return err
		}
		return s.moveOff(tx, old, done.Moved, "exchange:"+old.CardNo, now)
	})
	if conflict(err) {
		err = ledger.ErrCardNoTaken // this very moment
	}
	return done, err
}

// stop sees to it that no terminal takes the card. One that nobody has in hand
// is lost from now on, so that what is bought with it is known for what it is.
func (s *Store) stop(tx *gorm.DB, card campusCard, lost bool, now time.Time) error {
	switch ledger.CardStatus(card.Status) {
	case ledger.CardClosed:
		return ledger.ErrCardReplaced
	case ledger.CardLost:
		return nil
	case ledger.CardNormal:
	default:
		return ledger.ErrCardFrozen
	}
	if lost {
		_, err := s.lose(tx, card, now)
		return err
	}
	_, err := s.nextVersion(tx, card.CardNo, true, now)
	return err
}

// claimOpen is ErrClaimInProgress while money for the card is on its way, or
// nobody knows whether it arrived.
func claimOpen(tx *gorm.DB, cardID int64) error {
	var open int64
	if err := tx.Table("claims").Where("card_id = ? AND state = 'open'", cardID).Count(&open).Error; err != nil {
		return fmt.Errorf("look for an open claim: %w", err)
	}
	if open > 0 {
		return ledger.ErrClaimInProgress
	}
	return nil
}

// proven is what a chip in hand says is the holder's: all of it, if it can be
// by the books. What they say beyond that was bought and not sent yet, or is
// moved later.
func proven(card campusCard, chip ledger.Chip) (ledger.Fen, error) {
	switch {
	case card.ChipLoadSeq != nil && chip.LoadSeq != *card.ChipLoadSeq, card.ChipSpendSeq != nil && chip.SpendSeq < *card.ChipSpendSeq:
		return 0, fmt.Errorf("%w: its counters are not those of the card last seen", ledger.ErrChipDiffers)
	case chip.Balance > ledger.Fen(card.BalanceFen):
		return 0, fmt.Errorf("%w: it holds %s, the books say %s", ledger.ErrChipDiffers, chip.Balance, ledger.Fen(card.BalanceFen))
	}
	return chip.Balance, nil
}

// moveOff makes a card's money the holder's to collect, and says so.
func (s *Store) moveOff(tx *gorm.DB, card campusCard, fen ledger.Fen, ref string, now time.Time) error {
	if fen <= 0 {
		return nil
	}
	pending, err := sumPending(tx, card.PersonID)
	if err != nil {
		return err
	}
	if _, err := give(tx, transfer{PersonID: card.PersonID, Kind: ledger.KindReplacement, Title: ledger.ReplacementWord, AmountFen: int64(fen), SourceRef: ref},
		ledger.Account{Kind: ledger.Float, Owner: card.ID}, now); err != nil {
		return err
	}
	return errors.Join(
		write(tx, "take it off the card", `UPDATE campus_cards SET balance_fen = balance_fen - ? WHERE id = ?`, int64(fen), card.ID),
		s.push(tx, ledger.Event{Kind: ledger.EventMoved, PersonID: card.PersonID, CardNo: card.CardNo, Amount: fen, Pending: pending + fen, At: now}))
}

// MoveReplaced moves what is left on replaced cards whose time has come, and
// tells the holders. A card whose claim is open waits for its end.
func (s *Store) MoveReplaced(ctx context.Context, now time.Time) error {
	var due []int64
	err := s.db.WithContext(ctx).Raw(`SELECT old_card_id FROM replacements r WHERE moved_at IS NULL AND due_at <= ?
		AND NOT EXISTS (SELECT 1 FROM claims k WHERE k.card_id = r.old_card_id AND k.state = 'open') ORDER BY due_at LIMIT 100`, micros(now)).Scan(&due).Error
	if err != nil {
		return fmt.Errorf("read the replaced cards: %w", err)
	}
	var failed error // one card that fails keeps no other waiting
	for _, id := range due {
		failed = errors.Join(failed, s.tx(ctx, func(tx *gorm.DB) error { return s.moveRest(tx, id, now) }))
	}
	return failed
}

func (s *Store) moveRest(tx *gorm.DB, cardID int64, now time.Time) error {
	card, err := lockCard(tx, "id = ?", cardID)
	if err != nil {
		return err
	}
	mark := tx.Exec(`UPDATE replacements SET moved_at = ? WHERE old_card_id = ? AND moved_at IS NULL`, micros(now), cardID)
	if mark.Error != nil || mark.RowsAffected == 0 {
		return mark.Error // another replica was quicker
	}
	if err := claimOpen(tx, cardID); err != nil {
		return err
	}
	return s.moveOff(tx, card, ledger.Fen(card.BalanceFen), "replacement:"+card.CardNo, now)
}

// listShort lists each new purchase with a replaced card that the books hold
// too little for, as they do once its money was moved off. What is short is
// taken from nobody: a person looks at it.
func (u *upload) listShort() error {
	left := map[*tillCard]int64{}
	var late []*row
	for _, r := range u.rows {
		if r.fresh && r.card.Status == string(ledger.CardClosed) {
			left[r.card] = r.card.BalanceFen
			late = append(late, r)
		}
	}
	slices.SortFunc(late, func(a, b *row) int { return cmp.Compare(a.Chip.SpendSeq, b.Chip.SpendSeq) })
	var cases []any
	for _, r := range late {
		left[r.card] -= int64(r.Amount)
		if short := min(r.Amount, ledger.Fen(-left[r.card])); short > 0 {
			cases = append(cases, "replaced_card", fmt.Sprintf("%s:%d", u.terminalID, r.Seq), r.CardNo,
				fmt.Sprintf("record %d of terminal %s, %s spent with a replaced card, on which the books hold %s too little for it", r.Seq, u.terminalID, r.Amount, short),
				micros(u.now))
		}
	}
	if len(cases) == 0 {
		return nil
	}
	return write(u.tx, "list what is short", `INSERT INTO cases (kind, ref, card_no, detail, at) VALUES `+rows(len(cases)/5, 5)+` ON CONFLICT DO NOTHING`, cases...)
}
