package store

import (
	"cmp"
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"slices"
	"strings"

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
	Location       string `gorm:"-"` // of the terminal
	PendingFen     int64  `gorm:"-"` // of the person
}

func (c claim) ledger() ledger.Claim {
	return ledger.Claim{ID: c.ID, CardID: c.CardID, CardNo: c.CardNo, PersonID: c.PersonID, TerminalID: c.TerminalID,
		Amount: ledger.Fen(c.AmountFen), Before: ledger.Chip{LoadSeq: c.LoadSeq, SpendSeq: c.SpendSeq, Balance: ledger.Fen(c.BalanceFen)},
		State: ledger.ClaimState(c.State), CreatedAt: timeOf(c.CreatedAt), ExpiresAt: timeOf(c.ExpiresAt), HeldAt: timeOpt(c.HeldAt), EndedAt: timeOpt(c.EndedAt)}
}

const selectClaim = `SELECT k.*, c.card_no FROM claims k JOIN campus_cards c ON c.id = k.card_id `

// claimColumns are what an act reads of a claim, fields where they go.
const claimColumns = `k.id, k.card_id, k.person_id, k.terminal_id, k.idempotency_key, k.body_hash, k.amount_fen, k.load_seq, k.spend_seq,
	k.balance_fen, k.state, k.created_at, k.expires_at, k.held_at, k.ended_at`

func (c *claim) fields() []any {
	return []any{&c.ID, &c.CardID, &c.PersonID, &c.TerminalID, &c.IdempotencyKey, &c.BodyHash, &c.AmountFen, &c.LoadSeq, &c.SpendSeq,
		&c.BalanceFen, &c.State, &c.CreatedAt, &c.ExpiresAt, &c.HeldAt, &c.EndedAt}
}

// lockClaim locks a claim's card, then reads the claim as it is once locked,
// with the transfers it took when it was made and what is told when it ends.
// ErrClaimNotFound.
func lockClaim(tx *gorm.DB, id string) (card campusCard, k claim, c ledger.Claim, err error) {
	var taken []ledger.Transfer
	err = errors.Join(
		askCard(tx, &card, "id = (SELECT card_id FROM claims WHERE id = ?)", id),
		ask(tx, "read the claim", into(append(k.fields(), &k.Location, &k.PendingFen)...), `SELECT `+claimColumns+`,
			(SELECT location FROM terminals WHERE id = k.terminal_id),
			(SELECT CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) FROM transfers WHERE person_id = k.person_id AND state = 'pending')
			FROM claims k WHERE k.id = ?`, id),
		askTransfers(tx, &taken, `FROM claim_transfers l JOIN transfers t ON t.id = l.transfer_id WHERE l.claim_id = ?`, id),
	)
	if err == nil {
		err = flush(tx)
	}
	if err == nil && k.ID == "" {
		err = ledger.ErrClaimNotFound
	}
	oldestFirst(taken)
	k.CardNo = card.CardNo
	c = k.ledger()
	c.Transfers = taken
	return card, k, c, err
}

func oldestFirst(list []ledger.Transfer) {
	slices.SortFunc(list, func(a, b ledger.Transfer) int {
		return cmp.Or(a.CreatedAt.Compare(b.CreatedAt), strings.Compare(a.ID, b.ID))
	})
}

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
	if a, ok := s.authorising.do(ctx, r); ok {
		return a.claim, a.refused
	}
	var done ledger.Claim
	// What the chip proved about the past stands even when nothing new is
	// authorised: a refusal commits.
	var refused error
	err := s.txAgain(ctx, func(tx *gorm.DB) error {
		v, err := meet(tx, r)
		if err != nil {
			return err
		}
		if v.earlier.ID != "" {
			done, err = replay(tx, v.earlier, r)
			return err
		}
		if refused, err = s.observe(ctx, tx, v.card, v.open, r.Chip, r.TerminalID, r.Now); err != nil || refused != nil {
			return err
		}
		if refused = usable(v.card); refused != nil {
			return nil
		}
		if v.open.ID != "" { // its money may be waiting again
			v.waiting = nil
			if err := errors.Join(askWaiting(tx, &v.waiting, r.CardNo), flush(tx)); err != nil {
				return err
			}
		}
		if len(v.waiting) == 0 {
			refused = ledger.ErrNothingPending
			return nil
		}
		taken, sum := ledger.Select(v.waiting, r.MaxBalance-r.Chip.Balance)
		if len(taken) == 0 {
			refused = ledger.ErrPurseFull
			return nil
		}
		done, err = hold(tx, v.card, r, taken, sum)
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

// visit is what the books know when a card comes to a reader.
type visit struct {
	card    campusCard
	earlier claim // of the same request
	open    claim // of the card, whatever the terminal
	waiting []ledger.Transfer
}

// meet locks the card, which lets one claim of a holder through at a time, and
// its pending transfers, which keeps refunds off them.
func meet(tx *gorm.DB, r ledger.ClaimRequest) (v visit, err error) {
	err = errors.Join(
		askCard(tx, &v.card, "card_no = ? AND status <> 'closed'", r.CardNo),
		v.askClaims(tx, r),
		askWaiting(tx, &v.waiting, r.CardNo),
	)
	if err == nil {
		err = flush(tx)
	}
	if err == nil && v.card.ID == 0 {
		err = ledger.ErrCardNotFound
	}
	return v, err
}

// askClaims reads the claim made by the same request and the card's open one.
func (v *visit) askClaims(tx *gorm.DB, r ledger.ClaimRequest) error {
	return ask(tx, "read the claims", func(row scanner) error {
		k := claim{CardNo: r.CardNo}
		err := row.Scan(k.fields()...)
		if k.TerminalID == r.TerminalID && k.IdempotencyKey == r.IdempotencyKey {
			v.earlier = k
		} else {
			v.open = k
		}
		return err
	}, `SELECT `+claimColumns+` FROM claims k WHERE k.terminal_id = ? AND k.idempotency_key = ?
		UNION ALL SELECT `+claimColumns+` FROM claims k WHERE k.state = 'open' AND k.card_id = (SELECT id FROM campus_cards WHERE card_no = ?)`,
		r.TerminalID, r.IdempotencyKey, r.CardNo)
}

// askWaiting locks and reads the pending transfers of a card's holder.
func askWaiting(tx *gorm.DB, list *[]ledger.Transfer, cardNo string) error {
	return askTransfers(tx, list, `FROM transfers t WHERE t.person_id = (SELECT person_id FROM campus_cards WHERE card_no = ?)
		AND t.state = 'pending' ORDER BY t.created_at, t.id FOR UPDATE OF t`, cardNo)
}

// replay gives the answer that this request was given before.
func replay(tx *gorm.DB, earlier claim, r ledger.ClaimRequest) (ledger.Claim, error) {
	if subtle.ConstantTimeCompare(earlier.BodyHash, r.BodyHash) != 1 {
		return ledger.Claim{}, ledger.ErrIdempotencyReused
	}
	_, _, c, err := lockClaim(tx, earlier.ID)
	return c, err
}

func (s *Store) claimByKey(ctx context.Context, r ledger.ClaimRequest) (done ledger.Claim, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		var v visit
		if err := errors.Join(v.askClaims(tx, r), flush(tx)); err != nil {
			return err
		}
		if v.earlier.ID == "" {
			return ledger.ErrClaimInProgress
		}
		done, err = replay(tx, v.earlier, r)
		return err
	})
	return done, err
}

// hold moves the transfers of one claim, which are locked, from pending to in
// flight.
func hold(tx *gorm.DB, card campusCard, r ledger.ClaimRequest, taken []ledger.Transfer, sum ledger.Fen) (ledger.Claim, error) {
	h := held{ledger.NewID(), card, r, taken, sum}
	moved := []any{h.id, r.TerminalID}
	for _, t := range taken {
		moved = append(moved, t.ID)
	}
	err := write(tx, "hold the transfers", `UPDATE transfers SET state = 'in_flight', claim_id = ?, terminal_id = ?
		WHERE state = 'pending' AND id IN `+rows(1, len(taken)), moved...)
	if err != nil {
		return ledger.Claim{}, err
	}
	claims, err := writeClaims(tx, []held{h})
	if err != nil {
		return ledger.Claim{}, err
	}
	return claims[0], nil
}

// held is a claim to be written, whose transfers are in flight already.
type held struct {
	id    string
	card  campusCard
	r     ledger.ClaimRequest
	taken []ledger.Transfer
	sum   ledger.Fen
}

// writeClaims writes claims, what each holds, and its postings.
func writeClaims(tx *gorm.DB, list []held) ([]ledger.Claim, error) {
	var (
		claims   = make([]any, 0, 13*len(list))
		links    = make([]any, 0, 4*len(list))
		postings = make([]entry, 0, 2*len(list))
		done     = make([]ledger.Claim, len(list))
	)
	for i, h := range list {
		c := claim{ID: h.id, CardID: h.card.ID, CardNo: h.card.CardNo, PersonID: h.card.PersonID, TerminalID: h.r.TerminalID,
			IdempotencyKey: h.r.IdempotencyKey, BodyHash: h.r.BodyHash, AmountFen: int64(h.sum), LoadSeq: h.r.Chip.LoadSeq,
			SpendSeq: h.r.Chip.SpendSeq, BalanceFen: int64(h.r.Chip.Balance), State: string(ledger.ClaimOpen),
			CreatedAt: micros(h.r.Now), ExpiresAt: micros(h.r.Now.Add(h.r.Expire))}
		claims = append(claims, c.ID, c.CardID, c.PersonID, c.TerminalID, c.IdempotencyKey, c.BodyHash, c.AmountFen,
			c.LoadSeq, c.SpendSeq, c.BalanceFen, c.State, c.CreatedAt, c.ExpiresAt)
		for k, t := range h.taken {
			links = append(links, c.ID, t.ID)
			postings = append(postings, entry{h.r.Now, ledger.Posting{
				Ref:    "hold:" + c.ID + ":" + t.ID,
				Debit:  ledger.Account{Kind: ledger.Pending, Owner: c.PersonID},
				Credit: ledger.Account{Kind: ledger.InFlight, Owner: c.PersonID},
				Amount: t.Amount,
			}})
			h.taken[k].State, h.taken[k].ClaimID, h.taken[k].TerminalID = ledger.TransferInFlight, c.ID, c.TerminalID
		}
		done[i] = c.ledger()
		done[i].Transfers = h.taken
	}
	return done, errors.Join(
		write(tx, "write the claim", `INSERT INTO claims (id, card_id, person_id, terminal_id, idempotency_key, body_hash, amount_fen,
			load_seq, spend_seq, balance_fen, state, created_at, expires_at) VALUES `+rows(len(list), 13), claims...),
		write(tx, "link the transfers", `INSERT INTO claim_transfers (claim_id, transfer_id) VALUES `+rows(len(links)/2, 2), links...),
		bookAll(tx, postings),
	)
}
