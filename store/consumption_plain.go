package store

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"xiaoka/ledger"
)

// Nearly every upload is plain: all its purchases are new, of cards whose
// chips follow from what was seen, and no open claim waits for them. On
// PostgreSQL such an upload is booked without reading its cards first. The
// purchases go in while no card is locked; then one update, in the order of
// the cards' ids, changes each card relatively to whatever it is by then, and
// says under its lock that it is as supposed. So two tills that share a card
// meet for the end of an upload only.
//
// What turns out not to be plain is undone and booked with the cards locked
// from the beginning.

// errNotPlain sends an upload the long way.
var errNotPlain = errors.New("the upload is not plain")

// knownCard is what never changes of a card, and first_spend_seq, which hardly
// does: the update checks it.
type knownCard struct {
	id, person, first int64
}

// ingestPlain books a plain upload. Any other fails with an error that
// isNotPlain knows.
func (s *Store) ingestPlain(ctx context.Context, terminalID string, records []ledger.Consumption, now time.Time) (ledger.Ingested, error) {
	u := &upload{store: s, ctx: ctx, now: now, terminalID: terminalID, plain: true}
	return u.run(records, u.lockTill, u.recall, u.thresholds, u.sift, u.claimsWait, u.insert, u.auditLost, u.keepRejections, u.acknowledge,
		u.moveCards, u.tell)
}

// isNotPlain tells whether the upload must go the long way: it said so, a
// purchase stands already, or another till uploads the same one right now.
func isNotPlain(err error) bool {
	return errors.Is(err, errNotPlain) || conflict(err) || deadlocked(err)
}

// deadlocked tells whether the act was ended so that another could go on.
func deadlocked(err error) bool {
	const deadlockDetected = "40P01" // https://www.postgresql.org/docs/current/errcodes-appendix.html
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == deadlockDetected
}

// recall finds the batch's cards in memory, those met for the first time in
// the database.
func (u *upload) recall(records []ledger.Consumption) error {
	u.cards = make(map[string]*tillCard, len(records))
	var unmet []string
	for _, r := range records {
		if _, ok := u.cards[r.CardNo]; ok || r.Fault != "" {
			continue
		}
		u.cards[r.CardNo] = nil
		if known, ok := u.store.cards.Load(r.CardNo); ok {
			u.remember(r.CardNo, known.(knownCard)) //nolint:forcetypeassert // only cards are stored below
		} else {
			unmet = append(unmet, r.CardNo)
		}
	}
	if len(unmet) == 0 {
		return nil
	}
	unseen := false
	err := ask(u.tx, "meet the cards", func(r scanner) error {
		var no string
		var known knownCard
		var first *int64
		if err := r.Scan(&no, &known.id, &known.person, &first); err != nil {
			return err
		}
		if first == nil {
			unseen = true
			return nil
		}
		known.first = *first
		u.store.cards.Store(no, known)
		u.remember(no, known)
		return nil
	}, `SELECT card_no, id, person_id, first_spend_seq FROM campus_cards WHERE card_no = ANY(?::text[])`, unmet)
	if err == nil {
		err = flush(u.tx)
	}
	if err == nil && unseen {
		err = errNotPlain
	}
	return err
}

func (u *upload) remember(no string, known knownCard) {
	c := &tillCard{spend: -1, first: known.first}
	c.ID, c.CardNo, c.PersonID, c.FirstSpendSeq, c.ChipSpendSeq = known.id, no, known.person, &known.first, &c.spend
	u.cards[no] = c
}

// thresholds asks who wants to be told below which balance, and which version
// the blacklist has before the loss reports are read.
func (u *upload) thresholds([]ledger.Consumption) error {
	people := make([]int64, 0, len(u.cards))
	byPerson := make(map[int64]*tillCard, len(u.cards))
	for _, c := range u.cards {
		if c != nil {
			people, byPerson[c.PersonID] = append(people, c.PersonID), c
		}
	}
	err := ask(u.tx, "read the thresholds", func(r scanner) error {
		var person, threshold int64
		if err := r.Scan(&person, &threshold); err != nil {
			return err
		}
		byPerson[person].threshold = threshold
		return nil
	}, `SELECT id, low_balance_fen FROM people WHERE low_balance_fen > 0 AND id = ANY(?::bigint[])`, people)
	if err != nil {
		return err
	}
	return u.askVersion(&u.version)
}

func (u *upload) askVersion(version *int64) error {
	return ask(u.tx, "read the blacklist's version", into(version), `SELECT COALESCE(MAX(version), 0) FROM blacklist`)
}

// claimsWait looks for open claims that a purchase of the batch is evidence
// for: before anything is written, and once more under the cards' locks. There
// are few in the whole books.
func (u *upload) claimsWait([]ledger.Consumption) error {
	open := map[int64]int64{} // counter of purchases by card
	err := ask(u.tx, "look for open claims", func(r scanner) error {
		var card, spend int64
		err := r.Scan(&card, &spend)
		open[card] = spend
		return err
	}, `SELECT card_id, spend_seq FROM claims WHERE state = 'open'`)
	if err == nil {
		err = flush(u.tx)
	}
	if err != nil || len(open) == 0 {
		return err
	}
	for _, r := range u.rows {
		if spend, ok := open[r.card.ID]; ok && r.Chip.SpendSeq > spend {
			return errNotPlain
		}
	}
	return nil
}

// moveCards lowers the books' balances, moves the newest counters on and adds
// to the months. A card that is not as supposed is not found, and the upload
// is not plain; nor is it when a loss report came while its purchases went in.
func (u *upload) moveCards([]ledger.Consumption) error {
	touched, totals := u.movements()
	if len(touched) == 0 {
		return nil
	}
	// By nested loops the cards are locked in the order in which they are given.
	err := ask(u.tx, "ask for an order", func(scanner) error { return nil },
		`SELECT set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE)`)
	if err != nil {
		return err
	}
	moved, at := make([]movedCard, 0, len(touched)), map[int64]*tillCard{}
	columns := append(cardChanges(touched), nil, nil)
	for _, c := range touched {
		at[c.ID] = c
		columns[8], columns[9] = append(columns[8], c.month), append(columns[9], totals[cardMonth{c.ID, c.month}])
	}
	from, args := u.store.from(columns)
	err = ask(u.tx, "move the cards on", func(r scanner) error {
		var m movedCard
		err := r.Scan(&m.id, &m.balance, &m.month, &m.fen, &m.closed, &m.closedFen)
		moved = append(moved, m)
		return err
	}, moveCardsSQL+from+plainCards, args...)
	if err != nil {
		return err
	}
	version := u.version
	if err := u.askVersion(&version); err != nil {
		return err
	}
	if err := u.claimsWait(nil); err != nil {
		return err
	}
	if len(moved) < len(touched) || version != u.version {
		for _, c := range touched {
			u.store.cards.Delete(c.CardNo)
		}
		return errNotPlain
	}
	for _, m := range moved {
		c := at[m.id]
		c.BalanceFen = m.balance + c.delta
		this := cardMonth{c.ID, c.month}
		if m.month == c.month { // else the card is in a later month already
			if m.fen == totals[this] && m.closed > 0 { // it has just begun
				totals[cardMonth{c.ID, m.closed}] += m.closedFen
			}
			delete(totals, this)
		}
	}
	return u.writeMonths(totals)
}

// movedCard is what a card became. A month's total is never zero, so that one
// with the batch's purchases alone has just begun, and the one before closed.
type movedCard struct {
	id, balance, month, fen, closed, closedFen int64
}

// moveCardsSQL changes cards relatively to what they are; plainCards are those
// that are as supposed. What a card spent in its newest month stands on the
// card, until a later month begins.
const (
	moveCardsSQL = `UPDATE campus_cards AS c SET balance_fen = c.balance_fen - v.c1, records = c.records + v.c2,
		chip_spend_seq = GREATEST(c.chip_spend_seq, v.c5), chip_balance_fen = CASE WHEN v.c5 > c.chip_spend_seq THEN v.c6 ELSE c.chip_balance_fen END,
		as_of = GREATEST(c.as_of, v.c7), month = GREATEST(c.month, v.c8),
		month_fen = CASE WHEN c.month < v.c8 THEN v.c9 WHEN c.month = v.c8 THEN c.month_fen + v.c9 ELSE c.month_fen END,
		closed_month = CASE WHEN c.month < v.c8 THEN c.month ELSE c.closed_month END,
		closed_fen = CASE WHEN c.month < v.c8 THEN c.month_fen ELSE c.closed_fen END FROM `
	plainCards = ` WHERE c.id = v.c0 AND c.first_spend_seq = v.c3 AND (c.chip_load_seq = v.c4 OR c.chip_spend_seq >= v.c5)
		RETURNING c.id, c.balance_fen, c.month, c.month_fen, c.closed_month, c.closed_fen`
)

// movements sums the batch up by card, in the order of their ids, and by month.
func (u *upload) movements() ([]*tillCard, map[cardMonth]int64) {
	touched, totals := make([]*tillCard, 0, len(u.rows)), make(map[cardMonth]int64, len(u.rows))
	for i := range u.rows {
		c := u.rows[i].card
		if !c.touched {
			c.touched = true
			touched = append(touched, c)
		}
		c.take(u.rows[i].Consumption)
		month := u.monthOf(u.rows[i])
		c.month = max(c.month, month)
		totals[cardMonth{c.ID, month}] += int64(u.rows[i].Amount)
	}
	slices.SortFunc(touched, func(a, b *tillCard) int { return cmp.Compare(a.ID, b.ID) })
	return touched, totals
}
