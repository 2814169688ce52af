package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"xiaoka/ledger"
)

// Statement gives what happened on the person's card, and on those that it took
// the place of, in a month of the campus's zone. That of the month in which now
// is compares with the month before up to the same day and time. ErrNotFound
// when the person has no card in use.
func (s *Store) Statement(ctx context.Context, personID int64, month ledger.Month, now time.Time) (ledger.Statement, error) {
	var same time.Time
	if now = now.In(s.zone); ledger.MonthOf(now) == month {
		before := (month - 1).Start(s.zone)
		same = time.Date(before.Year(), before.Month(), now.Day(), now.Hour(), now.Minute(), now.Second(), now.Nanosecond(), s.zone)
		if !same.Before(month.Start(s.zone)) {
			same = time.Time{} // a shorter month is over by this day: all of it counts
		}
	}
	return s.statement(ctx, personID, month.Start(s.zone), (month + 1).Start(s.zone), same)
}

// statementSQL reads everything a statement is made of in one statement, so
// from one state of the books: the card's balance now, what its months spent
// since the one before, and the movements. The opening balance follows from
// the balance backwards, so the cost depends on the time asked for and the
// months since, not on the history before. Purchases are found by the counters
// between which those of a month lie.
const statementSQL = `WITH card AS (SELECT id, balance_fen FROM campus_cards WHERE person_id = @person AND status <> 'closed')` + statementOf + `
	UNION ALL SELECT 'old', 0, old_card_id, '', '', 0, 0, 0, 0, 0, 0 FROM replacements WHERE person_id = @person
	UNION ALL SELECT 'transfer', created_at, amount_fen, state, kind, 0, 0, 0, 0, 0, 0
		FROM transfers WHERE person_id = @person AND created_at >= @from AND created_at < @to`

// replacedSQL is statementSQL of one card that was replaced; few have any. Every
// card adds up by itself, so it does not matter that it is read a moment later.
const replacedSQL = `WITH card AS (SELECT id, balance_fen FROM campus_cards WHERE id = @card)` + statementOf

const statementOf = `,
	span AS (SELECT MIN(low_seq) AS low, MAX(high_seq) AS high FROM card_months
		WHERE card_id = (SELECT id FROM card) AND month >= @first AND month <= @last),
	same AS (SELECT MIN(low_seq) AS low, MAX(high_seq) AS high FROM card_months WHERE card_id = (SELECT id FROM card) AND month = @same)
	SELECT 'card' AS kind, 0 AS at, balance_fen AS fen, '' AS place, '' AS terminal_id, 0 AS load_seq, 0 AS spend_seq, 0 AS after_fen,
		0 AS booked_on, 0 AS late, 0 AS after_loss FROM card
	UNION ALL SELECT 'month', month, spent_fen, '', '', 0, 0, 0, 0, 0, 0
		FROM card_months WHERE card_id = (SELECT id FROM card) AND month >= @before
	UNION ALL SELECT 'same', 0, CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT), '', '', 0, 0, 0, 0, 0, 0
		FROM consumptions WHERE card_id = (SELECT id FROM card) AND spend_seq >= (SELECT low FROM same) AND spend_seq <= (SELECT high FROM same)
			AND occurred_at >= @sameFrom AND occurred_at < @sameTo
	UNION ALL SELECT 'consumption', n.occurred_at, n.amount_fen, m.name, n.terminal_id, n.load_seq, n.spend_seq, n.balance_fen,
		n.booked_on, CASE WHEN n.late THEN 1 ELSE 0 END, CASE WHEN n.after_loss THEN 1 ELSE 0 END
		FROM consumptions n JOIN merchants m ON m.id = n.merchant_id
		WHERE n.card_id = (SELECT id FROM card) AND n.spend_seq >= (SELECT low FROM span) AND n.spend_seq <= (SELECT high FROM span)
			AND n.occurred_at >= @start AND n.occurred_at < @to
	UNION ALL SELECT 'claim', k.ended_at, k.amount_fen, t.location, k.terminal_id, k.load_seq + 1, k.spend_seq, k.balance_fen + k.amount_fen,
		0, CASE WHEN k.ended_at > k.expires_at THEN 1 ELSE 0 END, 0
		FROM claims k JOIN terminals t ON t.id = k.terminal_id
		WHERE k.card_id = (SELECT id FROM card) AND k.state = 'claimed' AND k.ended_at >= @start
	UNION ALL SELECT 'correction', at, amount_fen, '', '', 0, 0, 0, 0, 0, 0
		FROM postings WHERE credit_kind = 'float' AND debit_kind NOT IN ('inflight', 'opening') AND credit_owner = (SELECT id FROM card) AND at >= @start
	UNION ALL SELECT 'moved', at, amount_fen, '', '', 0, 0, 0, 0, 0, 0
		FROM postings WHERE debit_kind = 'float' AND debit_owner = (SELECT id FROM card) AND at >= @start`

// StatementBetween is Statement from one moment to another.
func (s *Store) StatementBetween(ctx context.Context, personID int64, from, to time.Time) (ledger.Statement, error) {
	return s.statement(ctx, personID, from.In(s.zone), to.In(s.zone), time.Time{})
}

func (s *Store) statement(ctx context.Context, personID int64, from, to, sameTo time.Time) (ledger.Statement, error) {
	first := ledger.MonthOf(from)
	start, sameFrom := first.Start(s.zone), (first - 1).Start(s.zone)
	var same int64 // month of which a part is compared with; 0 = none
	if !sameTo.IsZero() {
		same = monthNumber(first - 1)
	}
	args := map[string]any{"person": personID, "before": monthNumber(first - 1),
		"first": monthNumber(first), "last": monthNumber(ledger.MonthOf(to.Add(-time.Microsecond))), "same": same, "sameFrom": micros(sameFrom), "sameTo": micros(sameTo), "start": micros(start), "from": micros(from), "to": micros(to)}
	sums := statementSums{store: s, before: monthNumber(first - 1)}
	replaced, err := sums.read(ctx, statementSQL, args)
	if err != nil {
		return ledger.Statement{}, err
	}
	if !sums.known {
		return ledger.Statement{}, ledger.ErrNotFound
	}
	for _, id := range replaced {
		args["card"] = id
		sums.card++
		if _, err := sums.read(ctx, replacedSQL, args); err != nil {
			return ledger.Statement{}, err
		}
	}
	done := ledger.NewStatement(sums.opening, from, to, sums.movements)
	done.Old = sums.old
	made := sums.made
	done.Before, done.Paid, done.Returned, done.Granted, done.Reversed = made.Before, made.Paid, made.Returned, made.Granted, made.Reversed
	if done.BeforeTo = sameTo; !sameTo.IsZero() {
		done.Before = sums.same
	}
	return done, nil
}

// statementSums is what a statement is made of, of one card after the other.
type statementSums struct {
	store         *Store
	before        int64 // the month before the first
	card          int   // how many cards ago
	known         bool
	opening, same ledger.Fen
	old           ledger.Fen       // on replaced cards now
	made          ledger.Statement // the sums of what is no movement on the card
	movements     []ledger.Movement
}

// read adds what one of the statements finds, and names the cards that were
// replaced, newest first.
func (u *statementSums) read(ctx context.Context, query string, args map[string]any) (replaced []int64, err error) {
	var found []struct {
		Kind       string
		At         int64
		Fen        int64
		Place      string
		TerminalID string
		LoadSeq    int64
		SpendSeq   int64
		AfterFen   int64
		BookedOn   int64
		Late       int64
		AfterLoss  int64
	}
	if err := u.store.db.WithContext(ctx).Raw(query, args).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the statement: %w", err)
	}
	zone := u.store.zone
	for _, f := range found {
		fen := ledger.Fen(f.Fen)
		switch f.Kind {
		case "card":
			u.known = true
			u.opening += fen
			if u.card > 0 {
				u.old += fen
			}
		case "old":
			replaced = append(replaced, f.Fen)
		case "same":
			u.same += fen
		case "month":
			if f.At == u.before {
				u.made.Before += fen
			} else {
				u.opening += fen
			}
		case "transfer":
			add(&u.made, f.TerminalID, ledger.TransferState(f.Place), fen)
		default:
			m := ledger.Movement{Kind: f.Kind, Amount: fen, At: time.UnixMicro(f.At).In(zone), Where: f.Place, TerminalID: f.TerminalID, Card: u.card,
				LoadSeq: f.LoadSeq, SpendSeq: f.SpendSeq, After: ledger.Fen(f.AfterFen), Late: f.Late == 1, AfterLoss: f.AfterLoss == 1}
			if f.Kind == ledger.MovementConsumption {
				m.Booked = dayOf(f.BookedOn, zone)
			} else {
				u.opening -= m.Change()
			}
			u.movements = append(u.movements, m)
		}
	}
	slices.SortFunc(replaced, func(a, b int64) int { return cmp.Compare(b, a) })
	return replaced, nil
}

// add counts a transfer of a kind.
func add(s *ledger.Statement, kind string, state ledger.TransferState, fen ledger.Fen) {
	switch kind {
	case ledger.KindSubsidy:
		s.Granted += fen
	case ledger.KindCorrection:
		s.Reversed += fen
	case ledger.KindTopUp:
		s.Paid += fen
		if state == ledger.TransferRefunding || state == ledger.TransferRefunded {
			s.Returned += fen
		}
	}
}

// dayOf reads a dayNumber.
func dayOf(n int64, zone *time.Location) time.Time {
	return time.Date(int(n/10000), time.Month(n/100%100), int(n%100), 0, 0, 0, 0, zone)
}
