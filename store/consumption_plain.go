package store

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"xiaoka/ledger"
)

// Nearly every upload is plain: all its purchases are new or the till's own
// repeats, of cards in use whose chips follow from what was seen, and no open
// claim waits for them. On PostgreSQL such an upload is booked without reading its
// cards first, in two journeys. The first locks the till and asks what there
// is to know. The second ends the upload: the purchases go in while no card is
// locked; one update, in the order of the cards' ids, changes each card
// relatively to whatever it is by then; what must hold under those locks is
// checked by statements that fail if it does not; and the commit follows at
// once. So two tills that share a card meet for the shortest time.
//
// What turns out not to be plain is undone and booked with the cards locked
// from the beginning.

// plainUpload is what only a plain upload keeps.
type plainUpload struct {
	listening bool            // somebody wants to be told of a low balance
	version   int64           // of the blacklist when the loss reports were read
	open      map[int64]int64 // open claims: the counter of purchases by card
}

// ingestPlain books a plain upload. Any other fails with an error that
// isNotPlain knows.
func (s *Store) ingestPlain(ctx context.Context, terminalID string, records []ledger.Consumption, now time.Time) (ledger.Ingested, error) {
	u := &upload{store: s, ctx: ctx, now: now, terminalID: terminalID, records: records, plain: &plainUpload{open: map[int64]int64{}}}
	done, err := u.run([]func() error{u.recall, u.lookUp, u.sift, u.judgeRepeats, u.claimsWait, u.askForOrder, u.insert, u.auditLost, u.keepRejections, u.endKept, u.acknowledge,
		u.moveCards, u.tell})
	if insisted(err) {
		s.cards.forget(u.cards)
	}
	return done, err
}

// isNotPlain tells whether the upload must go the long way: it said so, a
// purchase stands already, or another till uploads the same one right now.
func isNotPlain(err error) bool {
	return errors.Is(err, errNotPlain) || insisted(err) || conflict(err) || deadlocked(err)
}

// insisted tells whether a statement found that what must hold does not. It
// says so by a division by zero, so that nothing behind it is run.
func insisted(err error) bool {
	const divisionByZero = "22012" // https://www.postgresql.org/docs/current/errcodes-appendix.html
	return sqlState(err) == divisionByZero
}

// deadlocked tells whether the act was ended so that another could go on.
func deadlocked(err error) bool {
	const deadlockDetected = "40P01"
	return sqlState(err) == deadlockDetected
}

func sqlState(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return ""
}

// knownCard is what never changes of a card, first_spend_seq, which hardly
// does, and its newest month, or an earlier one: the update checks both.
type knownCard struct {
	id, person, first, month int64
}

// knownCards are the cards that uploads have met, by number.
type knownCards struct {
	sync.RWMutex
	byNo map[string]knownCard
}

func (k *knownCards) forget(cards map[string]*tillCard) {
	k.Lock()
	defer k.Unlock()
	for no := range cards {
		delete(k.byNo, no)
	}
}

func (k *knownCards) meet(met map[string]knownCard) {
	k.Lock()
	defer k.Unlock()
	if k.byNo == nil {
		k.byNo = map[string]knownCard{}
	}
	for no, known := range met {
		k.byNo[no] = known
	}
}

// recall finds the batch's cards in memory, those met for the first time in
// the database.
func (u *upload) recall() error {
	u.cards = make(map[string]*tillCard, len(u.records))
	room := make([]tillCard, 0, len(u.records))
	remember := func(no string, known knownCard) {
		room = append(room, tillCard{first: known.first, spend: -1, month: known.month, inMonth: spent{low: math.MaxInt64}})
		c := &room[len(room)-1]
		c.ID, c.CardNo, c.PersonID, c.FirstSpendSeq, c.ChipSpendSeq = known.id, no, known.person, &c.first, &c.spend
		u.cards[no] = c
	}
	var unmet []string
	u.store.cards.RLock()
	for i := range u.records {
		no := u.records[i].CardNo
		if _, twice := u.cards[no]; twice || u.records[i].Fault != "" {
			continue
		}
		if known, ok := u.store.cards.byNo[no]; ok {
			remember(no, known)
		} else {
			u.cards[no] = nil
			unmet = append(unmet, no)
		}
	}
	u.store.cards.RUnlock()
	if len(unmet) == 0 {
		return nil
	}
	met, unseen := make(map[string]knownCard, len(unmet)), false
	err := ask(u.tx, "meet the cards", func(r scanner) error {
		var no string
		var known knownCard
		var first *int64
		if err := r.Scan(&no, &known.id, &known.person, &first, &known.month); err != nil {
			return err
		}
		if first == nil {
			unseen = true
			return nil
		}
		known.first = *first
		met[no] = known
		remember(no, known)
		return nil
	}, `SELECT card_no, id, person_id, CASE WHEN status <> 'closed' THEN first_spend_seq END, month FROM campus_cards WHERE card_no = ANY(?::text[])`, unmet)
	if err == nil {
		err = flush(u.tx)
	}
	u.store.cards.meet(met)
	if err == nil && unseen {
		err = errNotPlain
	}
	return err
}

// lookUp locks the till and asks everything there is to know: who wants to be
// told below which balance, which version the blacklist has and then the loss
// reports, and the open claims, of which there are few in the whole books.
func (u *upload) lookUp() error {
	found, err := u.askTill()
	if err != nil {
		return err
	}
	people := make([]int64, 0, len(u.cards))
	for _, c := range u.cards {
		if c != nil {
			people = append(people, c.PersonID)
		}
	}
	thresholds := map[int64]int64{}
	err = ask(u.tx, "read the thresholds", func(r scanner) error {
		var person, threshold int64
		err := r.Scan(&person, &threshold)
		thresholds[person] = threshold
		return err
	}, `SELECT p.id, p.low_balance_fen FROM unnest(?::bigint[]) AS v(id) JOIN people p ON p.id = v.id AND p.low_balance_fen > 0`, people)
	if err != nil {
		return err
	}
	if err := ask(u.tx, "read the blacklist's version", into(&u.plain.version), `SELECT `+blacklistVersion); err != nil {
		return err
	}
	if err := u.askLosses(); err != nil {
		return err
	}
	err = ask(u.tx, "look for open claims", func(r scanner) error {
		var card, spend int64
		err := r.Scan(&card, &spend)
		u.plain.open[card] = spend
		return err
	}, `SELECT card_id, spend_seq FROM claims WHERE state = 'open'`)
	if err != nil {
		return err
	}
	if err := flush(u.tx); err != nil {
		return err
	}
	if !*found {
		return ledger.ErrNotFound
	}
	if u.plain.listening = len(thresholds) > 0; u.plain.listening {
		for _, c := range u.cards {
			if c != nil {
				c.threshold = thresholds[c.PersonID]
			}
		}
	}
	return nil
}

const blacklistVersion = `(SELECT COALESCE(MAX(version), 0) FROM blacklist)`

// claimsWait refuses an upload with a purchase that is evidence for an open
// claim.
func (u *upload) claimsWait() error {
	if len(u.plain.open) == 0 {
		return nil
	}
	for _, r := range u.rows {
		if spend, ok := u.plain.open[r.card.ID]; ok && r.Chip.SpendSeq > spend {
			return errNotPlain
		}
	}
	return nil
}

// askForOrder has the cards locked in the order in which they are given, by
// nested loops.
func (u *upload) askForOrder() error {
	return write(u.tx, "ask for an order", `SELECT set_config('enable_hashjoin', 'off', TRUE), set_config('enable_mergejoin', 'off', TRUE)`)
}

// moveCards lowers the books' balances, moves the newest counters on and adds
// to the months. When a card is not as supposed the upload is not plain; nor
// is it when a loss report or a claim came while its purchases went in.
func (u *upload) moveCards() error {
	touched, others := u.movements()
	if len(touched) == 0 {
		return nil
	}
	columns := table(11, len(touched))
	ids, spends := make([]int64, len(touched)), make([]int64, len(touched))
	for i, c := range touched {
		ids[i], spends[i] = c.ID, c.spend
		columns.add(c.ID, c.delta, c.count, c.first, c.load, c.spend, c.balance, c.asOf, c.month, c.inMonth.fen, c.inMonth.low)
	}
	if len(touched) >= manyCards {
		if err := write(u.tx, "take turns", `SELECT pg_advisory_xact_lock(?)`, uploadsTakeTurns); err != nil {
			return err
		}
	}
	from, all := u.store.from(columns)
	if err := write(u.tx, "move the cards on", moveCardsSQL+from+` WHERE c.id = v.c0`, all); err != nil {
		return err
	}
	err := write(u.tx, "look again", `SELECT 1 / CAST(`+blacklistVersion+` = ? AND NOT EXISTS (SELECT FROM claims k
		WHERE k.state = 'open' AND k.spend_seq < (?::bigint[])[array_position(?::bigint[], k.card_id)]) AS INT)`, u.plain.version, spends, ids)
	if err != nil {
		return err
	}
	if err := u.writeMonths(others); err != nil {
		return err
	}
	if u.plain.listening {
		return u.readBalances(touched)
	}
	return nil
}

// moveCardsSQL changes cards relatively to what they are, and fails at one
// that is not as supposed. What a card spent in its newest month stands on the
// card; when a later one begins, a trigger takes it to month_totals.
const moveCardsSQL = `UPDATE campus_cards AS c SET balance_fen = c.balance_fen - v.c1, records = c.records + v.c2 / CAST(COALESCE(
		c.status <> 'closed' AND c.first_spend_seq = v.c3 AND (c.chip_load_seq = v.c4 OR c.chip_spend_seq >= v.c5) AND c.month <= v.c8, FALSE) AS INT),
	chip_spend_seq = GREATEST(c.chip_spend_seq, v.c5), chip_balance_fen = CASE WHEN v.c5 > c.chip_spend_seq THEN v.c6 ELSE c.chip_balance_fen END,
	as_of = GREATEST(c.as_of, v.c7), month = v.c8, month_fen = CASE WHEN c.month < v.c8 THEN v.c9 ELSE c.month_fen + v.c9 END,
	month_low = CASE WHEN c.month < v.c8 THEN v.c10 ELSE LEAST(c.month_low, v.c10) END, month_high = GREATEST(c.month_high, v.c5) FROM `

// Uploads of many cards share some with each other and would meet in the
// update again and again, each time to read a changed card anew. They take
// turns before it, by a lock that nothing else takes.
const (
	manyCards        = 100
	uploadsTakeTurns = 0x7561_0001
)

// readBalances reads the balances of those who want to be told when they are
// low.
func (u *upload) readBalances(touched []*tillCard) error {
	var ids []int64
	at := map[int64]*tillCard{}
	for _, c := range touched {
		if c.threshold > 0 {
			ids, at[c.ID] = append(ids, c.ID), c
		}
	}
	err := ask(u.tx, "read the balances", func(r scanner) error {
		var id, balance int64
		if err := r.Scan(&id, &balance); err != nil {
			return err
		}
		at[id].BalanceFen = balance + at[id].delta
		return nil
	}, `SELECT id, balance_fen FROM campus_cards WHERE id = ANY(?::bigint[])`, ids)
	if err != nil {
		return err
	}
	return flush(u.tx)
}

// movements sums the batch up by card, in the order of their ids as the rows
// are, with the newest month of the card. Others are summed up apart.
func (u *upload) movements() (touched []*tillCard, others months) {
	touched, others = make([]*tillCard, 0, len(u.rows)), months{}
	for _, r := range u.rows {
		c := r.card
		if !c.touched {
			c.touched = true
			touched = append(touched, c)
		}
		c.take(r.Consumption)
		month := u.store.monthOf(r.OccurredAt)
		if month < c.month {
			others.add(cardMonth{c.ID, month}, r.Consumption)
			continue
		}
		if month > c.month {
			if c.inMonth.fen > 0 {
				others[cardMonth{c.ID, c.month}] = &spent{c.inMonth.fen, c.inMonth.low, c.inMonth.high}
			}
			c.month, c.inMonth = month, spent{}
		}
		c.inMonth.add(r.Consumption)
	}
	return touched, others
}
