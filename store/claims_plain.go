package store

import (
	"context"
	"errors"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Claims as nearly all are, in lists (see crowd): a card in use that follows
// from what was seen, no claim open, all that waits fits; and a write that the
// chip shows.

// authorised is what a plain request comes to: a claim, or that nothing waits.
type authorised struct {
	claim   ledger.Claim
	refused error
}

// authorisePlain gives claims for all that waits for their holders.
func (s *Store) authorisePlain(ctx context.Context, list []ledger.ClaimRequest) ([]*authorised, error) {
	done := make([]*authorised, len(list))
	err := s.tx(ctx, func(tx *gorm.DB) error {
		if err := waitForNobody(tx); err != nil {
			return err
		}
		v, err := meetAll(tx, list)
		if err != nil {
			return err
		}
		var holding []held
		var of []*authorised
		for i, r := range list {
			card, seen := v.cards[r.CardNo]
			waiting := v.waiting[v.ids[i]]
			oldestFirst(waiting)
			taken, sum := ledger.Select(waiting, r.MaxBalance-r.Chip.Balance)
			switch {
			case !seen || v.odd[r.CardNo] || len(taken) < len(waiting):
				continue
			case len(taken) == 0:
				done[i] = &authorised{refused: ledger.ErrNothingPending}
			default:
				done[i] = &authorised{}
				holding, of = append(holding, held{v.ids[i], card, r, taken, sum}), append(of, done[i])
			}
		}
		if err := allPlain(done); err != nil || len(holding) == 0 {
			return err
		}
		claims, err := writeClaims(tx, holding)
		for i, c := range claims {
			of[i].claim = c
		}
		return err
	})
	return done, err
}

// visits is what the books know of cards at readers.
type visits struct {
	cards   map[string]campusCard // those in use that follow from what was seen
	odd     map[string]bool       // a claim is open, or this request made one
	ids     []string              // of the claims to be, by request
	waiting map[string][]ledger.Transfer
}

// meetAll remembers the chips, looks for claims and takes all that waits, by
// the claim that is to hold it.
func meetAll(tx *gorm.DB, list []ledger.ClaimRequest) (visits, error) {
	n := len(list)
	v := visits{cards: make(map[string]campusCard, n), odd: map[string]bool{}, ids: make([]string, n), waiting: make(map[string][]ledger.Transfer, n)}
	numbers, terminals, keys := make([]string, n), make([]string, n), make([]string, n)
	loads, spends, balances, at := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, r := range list {
		v.ids[i], numbers[i], terminals[i], keys[i] = ledger.NewID(), r.CardNo, r.TerminalID, r.IdempotencyKey
		loads[i], spends[i], balances[i], at[i] = r.Chip.LoadSeq, r.Chip.SpendSeq, int64(r.Chip.Balance), micros(r.Now)
	}
	err := errors.Join(
		ask(tx, "remember the chips", func(r scanner) error {
			var c campusCard
			err := r.Scan(&c.ID, &c.CardNo, &c.PersonID)
			v.cards[c.CardNo] = c
			return err
		}, `UPDATE campus_cards c SET chip_load_seq = v.load, chip_spend_seq = v.spend, chip_balance_fen = v.balance,
			first_spend_seq = COALESCE(c.first_spend_seq, v.spend), as_of = v.at
			FROM (SELECT c.id, v.* FROM unnest(?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[]) AS v (no, load, spend, balance, at)
				JOIN campus_cards c ON c.card_no = v.no
				WHERE c.status = 'normal' AND (c.chip_load_seq IS NULL OR (c.chip_load_seq = v.load AND c.chip_spend_seq <= v.spend))
				ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED) AS v
			WHERE c.id = v.id RETURNING c.id, c.card_no, c.person_id`, numbers, loads, spends, balances, at),
		ask(tx, "look for claims", func(r scanner) error {
			var no string
			var earlier, open *string
			err := r.Scan(&no, &earlier, &open)
			v.odd[no] = earlier != nil || open != nil
			return err
		}, `SELECT v.no, (SELECT k.id FROM claims k WHERE k.terminal_id = v.terminal AND k.idempotency_key = v.key),
			(SELECT k.id FROM claims k WHERE k.card_id = (SELECT c.id FROM campus_cards c WHERE c.card_no = v.no) AND k.state = 'open')
			FROM unnest(?::text[], ?::text[], ?::text[]) AS v (no, terminal, key)`,
			numbers, terminals, keys),
		ask(tx, "hold the transfers", func(r scanner) error {
			var t transfer
			err := r.Scan(t.fields()...)
			id := deref(t.ClaimID)
			v.waiting[id] = append(v.waiting[id], t.ledger(time.Time{}))
			return err
		}, `UPDATE transfers t SET state = 'in_flight', claim_id = v.claim, terminal_id = v.terminal
			FROM unnest(?::text[], ?::text[], ?::text[]) AS v (no, terminal, claim) JOIN campus_cards c ON c.card_no = v.no
			WHERE t.person_id = c.person_id AND t.state = 'pending' RETURNING `+transferColumns, numbers, terminals, v.ids),
		flush(tx),
	)
	return v, err
}

// confirmation is a terminal's word that it wrote a chip.
type confirmation struct {
	terminalID, claimID string
	chip                ledger.Chip
	now                 time.Time
}

// confirmPlain posts claims whose chips show the write.
func (s *Store) confirmPlain(ctx context.Context, list []confirmation) ([]*ledger.Claim, error) {
	done := make([]*ledger.Claim, len(list))
	err := s.tx(ctx, func(tx *gorm.DB) error {
		if err := waitForNobody(tx); err != nil {
			return err
		}
		ended, err := endAll(tx, list)
		if err != nil {
			return err
		}
		var postings []entry
		var events []ledger.Event
		for i, w := range list {
			e, ok := ended[w.claimID]
			if !ok {
				continue
			}
			c := e.claim.ledger()
			c.Transfers = e.transfers
			oldestFirst(c.Transfers)
			if !e.moved || c.TerminalID != w.terminalID || c.Judge(w.chip) != ledger.Written {
				continue
			}
			postings = append(postings, moves(c, "post:", ledger.Account{Kind: ledger.Float, Owner: c.CardID}, w.now)...)
			events = append(events, e.told(c, w.chip, w.now))
			done[i] = &c
		}
		if err := allPlain(done); err != nil {
			return err
		}
		return errors.Join(bookAll(tx, postings), s.push(tx, events...))
	})
	return done, err
}

// ended is a claim whose end is written.
type ended struct {
	claim
	moved     bool // so is its card
	transfers []ledger.Transfer
}

// endAll ends open claims of the terminals that own them, with their cards and
// transfers, as if all of them were written.
func endAll(tx *gorm.DB, list []confirmation) (map[string]*ended, error) {
	n := len(list)
	found := make(map[string]*ended, n)
	for _, w := range list {
		found[w.claimID] = &ended{}
	}
	ids, terminals := make([]string, n), make([]string, n)
	loads, spends, balances, at := make([]int64, n), make([]int64, n), make([]int64, n), make([]int64, n)
	for i, w := range list {
		ids[i], terminals[i] = w.claimID, w.terminalID
		loads[i], spends[i], balances[i], at[i] = w.chip.LoadSeq, w.chip.SpendSeq, int64(w.chip.Balance), micros(w.now)
	}
	err := errors.Join(
		ask(tx, "move the cards on", func(r scanner) error {
			var id, no string
			err := r.Scan(&id, &no)
			found[id].moved, found[id].CardNo = true, no
			return err
		}, `UPDATE campus_cards c SET balance_fen = c.balance_fen + v.amount_fen, chip_load_seq = v.load,
			chip_spend_seq = GREATEST(c.chip_spend_seq, v.spend), chip_balance_fen = CASE WHEN c.chip_spend_seq > v.spend THEN c.chip_balance_fen ELSE v.balance END,
			first_spend_seq = COALESCE(c.first_spend_seq, v.spend), as_of = v.at
			FROM (SELECT k.card_id, k.amount_fen, v.* FROM unnest(?::text[], ?::text[], ?::bigint[], ?::bigint[], ?::bigint[], ?::bigint[])
					AS v (claim, terminal, load, spend, balance, at)
				JOIN claims k ON k.id = v.claim AND k.terminal_id = v.terminal AND k.state = 'open'
				JOIN campus_cards c ON c.id = k.card_id ORDER BY c.id FOR NO KEY UPDATE OF c SKIP LOCKED) AS v
			WHERE c.id = v.card_id RETURNING v.claim, c.card_no`, ids, terminals, loads, spends, balances, at),
		ask(tx, "end the claims", func(r scanner) error {
			var k claim
			err := r.Scan(append(k.fields(), &k.Location, &k.PendingFen)...)
			k.CardNo = found[k.ID].CardNo
			found[k.ID].claim = k
			return err
		}, `UPDATE claims k SET state = 'claimed', ended_at = v.at, evidence = 'confirm' FROM unnest(?::text[], ?::text[], ?::bigint[]) AS v (claim, terminal, at)
			WHERE k.id = v.claim AND k.terminal_id = v.terminal AND k.state = 'open' RETURNING `+claimColumns+`,
			(SELECT location FROM terminals WHERE id = k.terminal_id),
			(SELECT CAST(COALESCE(SUM(t.amount_fen), 0) AS BIGINT) FROM transfers t WHERE t.person_id = k.person_id AND t.state = 'pending')`, ids, terminals, at),
		ask(tx, "move the transfers", func(r scanner) error {
			var t transfer
			err := r.Scan(t.fields()...)
			e := found[deref(t.ClaimID)]
			e.transfers = append(e.transfers, t.ledger(time.Time{}))
			return err
		}, `UPDATE transfers t SET state = 'claimed', claimed_at = v.at FROM unnest(?::text[], ?::bigint[]) AS v (claim, at)
			JOIN claim_transfers l ON l.claim_id = v.claim
			WHERE t.id = l.transfer_id AND t.claim_id = v.claim AND t.state = 'in_flight' RETURNING `+transferColumns, ids, at),
		flush(tx),
	)
	for id, e := range found {
		if e.ID == "" {
			delete(found, id)
		}
	}
	return found, err
}
