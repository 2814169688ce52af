package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// The ends of a claim: posted because the chip shows the write, or voided
// because it shows that there was none.

// ConfirmClaim posts a claim whose write the chip shows; again, and the answer
// is the same. ErrClaimNotFound for a claim of another terminal,
// ErrChipOutOfStep for a chip that does not show the write: the claim stays
// open then.
func (s *Store) ConfirmClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, now time.Time) (ledger.Claim, error) {
	if c, ok := s.confirming.do(ctx, confirmation{terminalID, claimID, chip, now}); ok {
		return c, nil
	}
	return s.end(ctx, terminalID, claimID, func(tx *gorm.DB, card campusCard, k claim, c *ledger.Claim) (refused, err error) {
		switch {
		case c.State == ledger.ClaimClaimed:
			return nil, nil
		case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Written:
			return nil, s.post(ctx, tx, card, k, c, chip, "confirm", now)
		case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Unwritten,
			c.State == ledger.ClaimReleased && known(card, chip):
			return ledger.ErrChipOutOfStep, nil
		}
		return ledger.ErrChipOutOfStep, errors.Join(holdFor(tx, c.ID, now), outOfStep(tx, card, chip, now))
	})
}

// CancelClaim voids a claim whose chip is unchanged; one that the chip shows
// as written is posted instead. The claim returned says which. Errors as for
// ConfirmClaim.
func (s *Store) CancelClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, reason string, now time.Time) (ledger.Claim, error) {
	return s.end(ctx, terminalID, claimID, func(tx *gorm.DB, card campusCard, k claim, c *ledger.Claim) (refused, err error) {
		if c.State != ledger.ClaimOpen {
			return nil, nil
		}
		switch c.Judge(chip) {
		case ledger.Written:
			return nil, s.post(ctx, tx, card, k, c, chip, "cancel, but written", now)
		case ledger.Unwritten:
			return nil, errors.Join(void(tx, card, c, chip, "cancel: "+reason, now), s.tellFailed(ctx, tx, k, now))
		}
		return ledger.ErrChipOutOfStep, errors.Join(holdFor(tx, c.ID, now), outOfStep(tx, card, chip, now))
	})
}

// end locks a terminal's own claim and lets act decide; the claim is returned
// as act leaves it.
func (s *Store) end(ctx context.Context, terminalID, claimID string, act func(tx *gorm.DB, card campusCard, k claim, c *ledger.Claim) (refused, err error)) (ledger.Claim, error) {
	var done ledger.Claim
	var refused error
	err := s.txAgain(ctx, func(tx *gorm.DB) error {
		card, k, c, err := lockClaim(tx, claimID)
		if err != nil {
			return err
		}
		if k.TerminalID != terminalID {
			return ledger.ErrClaimNotFound
		}
		if refused, err = act(tx, card, k, &c); err == nil && refused == nil {
			done = c
		}
		return err
	})
	if err != nil {
		return ledger.Claim{}, err
	}
	return done, refused
}

// settle posts a claim of which only the row was read.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, card campusCard, c ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	_, k, c, err := lockClaim(tx, c.ID)
	if err != nil {
		return err
	}
	return s.post(ctx, tx, card, k, &c, chip, evidence, now)
}

// post ends a claim that was written: in flight → float, the books' balance
// rises, the person is told.
func (s *Store) post(ctx context.Context, tx *gorm.DB, card campusCard, k claim, c *ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	err := errors.Join(
		moveHeld(tx, *c, "post:", ledger.Account{Kind: ledger.Float, Owner: card.ID}, now),
		moveTransfers(tx, *c, "state = 'claimed', claimed_at = ?", micros(now)),
		endClaim(tx, *c, ledger.ClaimClaimed, evidence, now),
		see(tx, card, chip, c.Amount, now),
	)
	if err != nil {
		return err
	}
	claimed(c, now)
	return s.push(tx, k.told(*c, chip, now))
}

// claimed makes of a claim what it is once posted.
func claimed(c *ledger.Claim, now time.Time) {
	c.State, c.EndedAt = ledger.ClaimClaimed, timeOf(micros(now))
	for i := range c.Transfers {
		c.Transfers[i].State, c.Transfers[i].ClaimedAt = ledger.TransferClaimed, c.EndedAt
	}
}

// told is what the person hears of a claim that was posted.
func (k claim) told(c ledger.Claim, chip ledger.Chip, now time.Time) ledger.Event {
	return ledger.Event{Kind: ledger.EventClaimed, PersonID: c.PersonID, CardNo: c.CardNo, Amount: c.Amount, Balance: chip.Balance,
		Pending: ledger.Fen(k.PendingFen), Ref: c.ID, Where: k.Location, At: now}
}

// release voids a claim of which only the row was read. Its holder is told if
// it was in doubt; whoever taps again within the time for a confirmation sees
// what became of it.
func (s *Store) release(ctx context.Context, tx *gorm.DB, card campusCard, c ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	_, k, c, err := lockClaim(tx, c.ID)
	if err != nil {
		return err
	}
	if err := void(tx, card, &c, chip, evidence, now); err != nil || now.Before(c.ExpiresAt) {
		return err
	}
	return s.tellFailed(ctx, tx, k, now)
}

// tellFailed says that a claim was not written and its money waits again.
func (s *Store) tellFailed(ctx context.Context, tx *gorm.DB, k claim, now time.Time) error {
	return s.push(tx, ledger.Event{Kind: ledger.EventClaimFailed, PersonID: k.PersonID, CardNo: k.CardNo, Amount: ledger.Fen(k.AmountFen),
		Pending: ledger.Fen(k.PendingFen + k.AmountFen), Ref: k.ID, Where: k.Location, At: now})
}

// void ends a claim that was not written: in flight → pending, claimable at
// once.
func void(tx *gorm.DB, card campusCard, c *ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	err := errors.Join(
		moveHeld(tx, *c, "void:", ledger.Account{Kind: ledger.Pending, Owner: c.PersonID}, now),
		moveTransfers(tx, *c, "state = 'pending', claim_id = NULL, terminal_id = ''"),
		endClaim(tx, *c, ledger.ClaimReleased, evidence, now),
		see(tx, card, chip, 0, now),
	)
	c.State, c.EndedAt = ledger.ClaimReleased, timeOf(micros(now))
	for i := range c.Transfers {
		c.Transfers[i].State, c.Transfers[i].ClaimID, c.Transfers[i].TerminalID = ledger.TransferPending, "", ""
	}
	return err
}

// moveHeld books what an open claim holds to where it goes.
func moveHeld(tx *gorm.DB, c ledger.Claim, prefix string, to ledger.Account, now time.Time) error {
	return bookAll(tx, moves(c, prefix, to, now))
}

func moves(c ledger.Claim, prefix string, to ledger.Account, now time.Time) []entry {
	postings := make([]entry, len(c.Transfers))
	for i, t := range c.Transfers {
		postings[i] = entry{now, ledger.Posting{
			Ref:    prefix + c.ID + ":" + t.ID,
			Debit:  ledger.Account{Kind: ledger.InFlight, Owner: c.PersonID},
			Credit: to,
			Amount: t.Amount,
		}}
	}
	return postings
}

// moveTransfers changes the transfers that an open claim holds.
func moveTransfers(tx *gorm.DB, c ledger.Claim, set string, args ...any) error {
	for _, t := range c.Transfers {
		args = append(args, t.ID)
	}
	return write(tx, "move the transfers", `UPDATE transfers SET `+set+` WHERE id IN `+rows(1, len(c.Transfers))+` AND claim_id = ? AND state = 'in_flight'`,
		append(args, c.ID)...)
}

func endClaim(tx *gorm.DB, c ledger.Claim, to ledger.ClaimState, evidence string, now time.Time) error {
	return write(tx, "end the claim", `UPDATE claims SET state = ?, ended_at = ?, evidence = ? WHERE id = ? AND state = 'open'`,
		string(to), micros(now), evidence, c.ID)
}
