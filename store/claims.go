package store

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Claims are exactly-once. Authorise holds the money (pending → in flight),
// the terminal writes the chip, Confirm posts it (in flight → float); when
// the confirmation never comes, the chip's own counters decide the next time
// any reader sees it. Time alone never moves money. The campus card's row is
// locked first in every act here, and a unique index allows one open claim a
// card; the chip is the truth about whether the write happened.

type claim struct {
	ID             string
	CardID         int64
	CardNo         string `gorm:"->"`
	PersonID       int64
	TerminalID     string
	IdempotencyKey string
	BodyHash       []byte
	AmountFen      int64
	LoadSeq        int64
	SpendSeq       int64
	BalanceFen     int64
	State          string
	CreatedAt      int64
	ExpiresAt      int64
	HeldAt         *int64
	EndedAt        *int64
	Evidence       string
}

func (c claim) ledger() ledger.Claim {
	return ledger.Claim{ID: c.ID, CardID: c.CardID, CardNo: c.CardNo, PersonID: c.PersonID, TerminalID: c.TerminalID,
		Amount: ledger.Fen(c.AmountFen), Before: ledger.Chip{LoadSeq: c.LoadSeq, SpendSeq: c.SpendSeq, Balance: ledger.Fen(c.BalanceFen)},
		State: ledger.ClaimState(c.State), CreatedAt: timeOf(c.CreatedAt), ExpiresAt: timeOf(c.ExpiresAt), HeldAt: timeOpt(c.HeldAt), EndedAt: timeOpt(c.EndedAt)}
}

const selectClaim = `SELECT k.*, c.card_no FROM claims k JOIN campus_cards c ON c.id = k.card_id `

// Holder finds the person a card belongs to and whether it may be used;
// ErrCardNotFound for a number that was never issued or is closed.
func (s *Store) Holder(ctx context.Context, cardNo string) (ledger.Holder, error) {
	var found []struct {
		Person  person `gorm:"embedded"`
		Status  string
		Initial bool
		Pending int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT p.*, c.id AS card_id, c.card_no, c.status, COALESCE(w.initial, TRUE) AS initial,
		COALESCE((SELECT SUM(amount_fen) FROM transfers t WHERE t.person_id = p.id AND t.state = 'pending'), 0) AS pending
		FROM campus_cards c JOIN people p ON p.id = c.person_id LEFT JOIN passwords w ON w.person_id = p.id
		WHERE c.card_no = ? AND c.status <> 'closed'`, cardNo).Scan(&found).Error
	if err != nil {
		return ledger.Holder{}, fmt.Errorf("read the holder: %w", err)
	}
	if len(found) == 0 {
		return ledger.Holder{}, ledger.ErrCardNotFound
	}
	f := found[0]
	return ledger.Holder{Person: f.Person.ledger(), CardID: f.Person.CardID, CardNo: f.Person.CardNo, Status: ledger.CardStatus(f.Status),
		PasswordInitial: f.Initial, Pending: ledger.Fen(f.Pending)}, nil
}

// Authorise settles an open claim of the card by what the chip shows, then
// holds as many whole pending transfers as fit, oldest first. The same key
// and body return the same claim. Errors: ErrIdempotencyReused,
// ErrCardNotFound, ErrCardLost, ErrCardFrozen, ErrNothingPending,
// ErrClaimInProgress, ErrPurseFull, ErrChipOutOfStep.
func (s *Store) Authorise(ctx context.Context, r ledger.ClaimRequest) (ledger.Claim, error) {
	var done ledger.Claim
	// What the chip proved about the past stands even when nothing new is
	// authorised: a refusal commits.
	var refused error
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, err := lockCard(tx, "card_no = ? AND status <> 'closed'", r.CardNo)
		if err != nil {
			return err
		}
		if done, err = replayed(tx, r); err != nil || done.ID != "" {
			return err
		}
		if refused, err = s.observe(ctx, tx, card, r.Chip, r.TerminalID, r.Now); err != nil || refused != nil {
			return err
		}
		if refused = usable(card); refused != nil {
			return nil
		}
		taken, sum, err := choose(tx, card.PersonID, r)
		if err != nil || len(taken) == 0 {
			if errors.Is(err, ledger.ErrNothingPending) || errors.Is(err, ledger.ErrPurseFull) {
				refused, err = err, nil
			}
			return err
		}
		done, err = hold(tx, card, r, taken, sum)
		return err
	})
	if conflict(err) {
		// Two requests with one key at once: the quicker one's answer is ours.
		return s.claimByKey(ctx, r)
	}
	if err != nil {
		return ledger.Claim{}, err
	}
	return done, refused
}

// replayed returns the claim this request made before, if it did.
func replayed(tx *gorm.DB, r ledger.ClaimRequest) (ledger.Claim, error) {
	var found []claim
	err := tx.Raw(selectClaim+"WHERE k.terminal_id = ? AND k.idempotency_key = ?", r.TerminalID, r.IdempotencyKey).Scan(&found).Error
	if err != nil {
		return ledger.Claim{}, fmt.Errorf("look for an earlier answer: %w", err)
	}
	if len(found) == 0 {
		return ledger.Claim{}, nil
	}
	if subtle.ConstantTimeCompare(found[0].BodyHash, r.BodyHash) != 1 {
		return ledger.Claim{}, ledger.ErrIdempotencyReused
	}
	return withTransfers(tx, found[0])
}

func (s *Store) claimByKey(ctx context.Context, r ledger.ClaimRequest) (ledger.Claim, error) {
	c, err := replayed(s.db.WithContext(ctx), r)
	if err == nil && c.ID == "" {
		err = ledger.ErrClaimInProgress
	}
	return c, err
}

// withTransfers adds the transfers the claim took when it was made.
func withTransfers(tx *gorm.DB, c claim) (ledger.Claim, error) {
	done := c.ledger()
	taken, err := readTransfers(tx, time.Time{}, `WHERE t.id IN (SELECT transfer_id FROM claim_transfers WHERE claim_id = ?)
		ORDER BY t.created_at, t.id`, c.ID)
	done.Transfers = taken
	return done, err
}

func openClaim(tx *gorm.DB, cardID int64) (*claim, error) {
	var found []claim
	if err := tx.Raw(selectClaim+"WHERE k.card_id = ? AND k.state = 'open'", cardID).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("look for an open claim: %w", err)
	}
	if len(found) == 0 {
		return nil, nil
	}
	return &found[0], nil
}

// choose picks the transfers that fit on the chip. The card's row, locked
// before, lets one claim of a holder through at a time; hold notices a refund
// that was quicker.
func choose(tx *gorm.DB, personID int64, r ledger.ClaimRequest) ([]ledger.Transfer, ledger.Fen, error) {
	waiting, err := readTransfers(tx, time.Time{}, "WHERE t.person_id = ? AND t.state = 'pending' ORDER BY t.created_at, t.id", personID)
	if err != nil {
		return nil, 0, err
	}
	if len(waiting) == 0 {
		return nil, 0, ledger.ErrNothingPending
	}
	taken, sum := ledger.Select(waiting, r.MaxBalance-r.Chip.Balance)
	if len(taken) == 0 {
		return nil, 0, ledger.ErrPurseFull
	}
	return taken, sum, nil
}

// hold writes the claim and moves its transfers from pending to in flight.
func hold(tx *gorm.DB, card campusCard, r ledger.ClaimRequest, taken []ledger.Transfer, sum ledger.Fen) (ledger.Claim, error) {
	c := claim{ID: ledger.NewID(), CardID: card.ID, PersonID: card.PersonID, TerminalID: r.TerminalID, IdempotencyKey: r.IdempotencyKey,
		BodyHash: r.BodyHash, AmountFen: int64(sum), LoadSeq: r.Chip.LoadSeq, SpendSeq: r.Chip.SpendSeq, BalanceFen: int64(r.Chip.Balance),
		State: string(ledger.ClaimOpen), CreatedAt: micros(r.Now), ExpiresAt: micros(r.Now.Add(r.Expire))}
	if err := tx.Table("claims").Create(&c).Error; err != nil {
		return ledger.Claim{}, fmt.Errorf("write the claim: %w", err)
	}
	ids := make([]string, len(taken))
	links := make([]any, 0, 2*len(taken))
	postings := make([]ledger.Posting, len(taken))
	for i, t := range taken {
		ids[i] = t.ID
		links = append(links, c.ID, t.ID)
		postings[i] = ledger.Posting{
			Ref:    "hold:" + c.ID + ":" + t.ID,
			Debit:  ledger.Account{Kind: ledger.Pending, Owner: card.PersonID},
			Credit: ledger.Account{Kind: ledger.InFlight, Owner: card.PersonID},
			Amount: t.Amount,
		}
		taken[i].State, taken[i].ClaimID, taken[i].TerminalID = ledger.TransferInFlight, c.ID, r.TerminalID
	}
	if err := tx.Exec(`INSERT INTO claim_transfers (claim_id, transfer_id) VALUES `+rows(len(ids), 2), links...).Error; err != nil {
		return ledger.Claim{}, fmt.Errorf("link the transfers: %w", err)
	}
	u := tx.Exec(`UPDATE transfers SET state = 'in_flight', claim_id = ?, terminal_id = ? WHERE id IN ? AND state = 'pending'`, c.ID, r.TerminalID, ids)
	if u.Error != nil {
		return ledger.Claim{}, fmt.Errorf("hold the transfers: %w", u.Error)
	}
	if u.RowsAffected != int64(len(ids)) {
		return ledger.Claim{}, ledger.ErrClaimInProgress // a refund was quicker
	}
	if err := book(tx, r.Now, postings...); err != nil {
		return ledger.Claim{}, err
	}
	done := c.ledger()
	done.CardNo, done.Transfers = card.CardNo, taken
	return done, nil
}

// ConfirmClaim posts a claim whose write the chip shows; again, and the answer
// is the same. ErrClaimNotFound for a claim of another terminal,
// ErrChipOutOfStep for a chip that does not show the write: the claim stays
// open then.
func (s *Store) ConfirmClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, now time.Time) (ledger.Claim, error) {
	return s.end(ctx, terminalID, claimID, func(tx *gorm.DB, card campusCard, c ledger.Claim) (refused, err error) {
		switch {
		case c.State == ledger.ClaimClaimed:
			return nil, nil
		case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Written:
			return nil, s.settle(ctx, tx, card, c, chip, "confirm", now)
		case c.State == ledger.ClaimOpen && c.Judge(chip) == ledger.Unwritten:
			return ledger.ErrChipOutOfStep, nil
		}
		if err := holdFor(tx, c.ID, now); err != nil {
			return nil, err
		}
		return ledger.ErrChipOutOfStep, outOfStep(tx, card, chip, now)
	})
}

// CancelClaim voids a claim whose chip is unchanged; one that the chip shows
// as written is posted instead. The claim returned says which. Errors as for
// ConfirmClaim.
func (s *Store) CancelClaim(ctx context.Context, terminalID, claimID string, chip ledger.Chip, reason string, now time.Time) (ledger.Claim, error) {
	return s.end(ctx, terminalID, claimID, func(tx *gorm.DB, card campusCard, c ledger.Claim) (refused, err error) {
		if c.State != ledger.ClaimOpen {
			return nil, nil
		}
		switch c.Judge(chip) {
		case ledger.Written:
			return nil, s.settle(ctx, tx, card, c, chip, "cancel, but written", now)
		case ledger.Unwritten:
			return nil, release(tx, card, c, chip, "cancel: "+reason, now)
		}
		if err := holdFor(tx, c.ID, now); err != nil {
			return nil, err
		}
		return ledger.ErrChipOutOfStep, outOfStep(tx, card, chip, now)
	})
}

// end locks a terminal's own claim and lets act decide; the claim is returned
// as it is afterwards.
func (s *Store) end(ctx context.Context, terminalID, claimID string, act func(tx *gorm.DB, card campusCard, c ledger.Claim) (refused, err error)) (ledger.Claim, error) {
	var done ledger.Claim
	var refused error
	err := s.tx(ctx, func(tx *gorm.DB) error {
		card, err := lockCard(tx, "id = (SELECT card_id FROM claims WHERE id = ? AND terminal_id = ?)", claimID, terminalID)
		if errors.Is(err, ledger.ErrCardNotFound) {
			return ledger.ErrClaimNotFound
		}
		if err != nil {
			return err
		}
		before, err := readClaim(tx, claimID)
		if err != nil {
			return err
		}
		if refused, err = act(tx, card, before); err != nil || refused != nil {
			return err
		}
		done, err = readClaim(tx, claimID)
		return err
	})
	if err != nil {
		return ledger.Claim{}, err
	}
	return done, refused
}

func readClaim(tx *gorm.DB, id string) (ledger.Claim, error) {
	var found []claim
	if err := tx.Raw(selectClaim+"WHERE k.id = ?", id).Scan(&found).Error; err != nil {
		return ledger.Claim{}, fmt.Errorf("read the claim: %w", err)
	}
	if len(found) == 0 {
		return ledger.Claim{}, ledger.ErrClaimNotFound
	}
	return withTransfers(tx, found[0])
}

// settle posts the claim: in flight → float, the books' balance rises, the
// person is told.
func (s *Store) settle(ctx context.Context, tx *gorm.DB, card campusCard, c ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	if err := moveHeld(tx, c, "post:", ledger.Account{Kind: ledger.Float, Owner: card.ID}, now); err != nil {
		return err
	}
	if err := tx.Exec(`UPDATE transfers SET state = 'claimed', claimed_at = ? WHERE claim_id = ? AND state = 'in_flight'`, micros(now), c.ID).Error; err != nil {
		return fmt.Errorf("mark the transfers claimed: %w", err)
	}
	if err := endClaim(tx, c, ledger.ClaimClaimed, evidence, now); err != nil {
		return err
	}
	var after []int64
	err := tx.Raw(`UPDATE campus_cards SET balance_fen = balance_fen + ? WHERE id = ? RETURNING balance_fen`, int64(c.Amount), card.ID).Scan(&after).Error
	if err != nil || len(after) != 1 {
		return errors.Join(errors.New("raise the books' balance"), err)
	}
	card.BalanceFen = after[0]
	if err := see(tx, card, chip, now); err != nil {
		return err
	}
	var told struct {
		Location string
		Pending  int64
	}
	err = tx.Raw(`SELECT t.location, COALESCE((SELECT SUM(amount_fen) FROM transfers WHERE person_id = ? AND state = 'pending'), 0) AS pending
		FROM terminals t WHERE t.id = ?`, card.PersonID, c.TerminalID).Scan(&told).Error
	if err != nil {
		return fmt.Errorf("read what to tell: %w", err)
	}
	return s.push(ctx, tx, ledger.Event{Kind: ledger.EventClaimed, PersonID: card.PersonID, Amount: c.Amount, Balance: chip.Balance,
		Pending: ledger.Fen(told.Pending), Ref: c.ID, Where: told.Location, At: now})
}

// release voids the claim: in flight → pending, claimable at once.
func release(tx *gorm.DB, card campusCard, c ledger.Claim, chip ledger.Chip, evidence string, now time.Time) error {
	if err := moveHeld(tx, c, "void:", ledger.Account{Kind: ledger.Pending, Owner: c.PersonID}, now); err != nil {
		return err
	}
	err := tx.Exec(`UPDATE transfers SET state = 'pending', claim_id = NULL, terminal_id = '' WHERE claim_id = ? AND state = 'in_flight'`, c.ID).Error
	if err != nil {
		return fmt.Errorf("give the transfers back: %w", err)
	}
	if err := endClaim(tx, c, ledger.ClaimReleased, evidence, now); err != nil {
		return err
	}
	return see(tx, card, chip, now)
}

func moveHeld(tx *gorm.DB, c ledger.Claim, prefix string, to ledger.Account, now time.Time) error {
	held, err := readTransfers(tx, time.Time{}, "WHERE t.claim_id = ? AND t.state = 'in_flight'", c.ID)
	if err != nil {
		return err
	}
	postings := make([]ledger.Posting, len(held))
	for i, t := range held {
		postings[i] = ledger.Posting{
			Ref:    prefix + c.ID + ":" + t.ID,
			Debit:  ledger.Account{Kind: ledger.InFlight, Owner: c.PersonID},
			Credit: to,
			Amount: t.Amount,
		}
	}
	return book(tx, now, postings...)
}

func endClaim(tx *gorm.DB, c ledger.Claim, to ledger.ClaimState, evidence string, now time.Time) error {
	err := tx.Exec(`UPDATE claims SET state = ?, ended_at = ?, evidence = ? WHERE id = ? AND state = 'open'`,
		string(to), micros(now), evidence, c.ID).Error
	if err != nil {
		return fmt.Errorf("end the claim: %w", err)
	}
	return nil
}
