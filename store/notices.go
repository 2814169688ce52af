package store

import (
	"context"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"gorm.io/gorm"

	"xiaoka/ledger"
)

// Notices are pushes that time makes, not an act: that a month's statement is
// ready, that money still waits, that a claim was not confirmed. Each is found by a periodic task and written
// down in the transaction that enqueues it; the primary key of notices makes
// it once, however many tasks look for it and whenever they die.

// noticeBatch is how many notices one transaction makes.
const noticeBatch = 500

// notice is a push and the entry that makes it the only one.
type notice struct {
	ref  string
	push ledger.Event
}

// give writes notices down and enqueues their pushes. One that was given
// before fails them all, to be looked for again.
func (s *Store) give(ctx context.Context, now time.Time, all []notice) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		args := make([]any, 0, 4*len(all))
		var pushes []river.InsertManyParams
		for _, n := range all {
			args = append(args, n.push.PersonID, string(n.push.Kind), n.ref, micros(now))
			if n.push.PersonID != 0 {
				pushes = append(pushes, pushJob(n.push))
			}
		}
		if err := tx.Exec("INSERT INTO notices (person_id, kind, ref, at) VALUES "+rows(len(all), 4), args...).Error; err != nil {
			return fmt.Errorf("write the notices down: %w", err)
		}
		if len(pushes) == 0 {
			return nil
		}
		if err := s.jobs(ctx, tx, distinct(pushes)...); err != nil {
			return fmt.Errorf("enqueue the notices: %w", err)
		}
		return nil
	})
}

// GiveStatements tells everybody who bound a card, wants to know, and spent,
// topped up or collected in a month of the campus's zone that its statement is
// ready; each once, and nobody who binds after the round was done. It may be
// called any number of times and returns how many it told.
func (s *Store) GiveStatements(ctx context.Context, month ledger.Month, now time.Time) (told int, err error) {
	kind, ref := ledger.EventStatement, month.String()
	var done int64
	if err := s.db.WithContext(ctx).Table("notices").Where("person_id = 0 AND kind = ? AND ref = ?", string(kind), ref).Count(&done).Error; err != nil {
		return 0, fmt.Errorf("look for the statements' round: %w", err)
	}
	for last := int64(0); done == 0; {
		var people []int64
		err := s.db.WithContext(ctx).Raw(`SELECT p.id FROM people p JOIN campus_cards c ON c.person_id = p.id AND c.status <> 'closed'
			WHERE p.id > @last AND p.bound_at IS NOT NULL
			AND NOT EXISTS (SELECT 1 FROM push_mutes x WHERE x.person_id = p.id AND x.kind = @kind)
			AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.person_id = p.id AND n.kind = @kind AND n.ref = @ref)
			AND (EXISTS (SELECT 1 FROM card_months t WHERE t.card_id = c.id AND t.month = @month)
				OR EXISTS (SELECT 1 FROM claims k WHERE k.card_id = c.id AND k.state = 'claimed' AND k.ended_at >= @from AND k.ended_at < @to)
				OR EXISTS (SELECT 1 FROM transfers t WHERE t.person_id = p.id AND t.created_at >= @from AND t.created_at < @to))
			ORDER BY p.id LIMIT @batch`, map[string]any{"last": last, "kind": string(kind), "ref": ref, "month": monthNumber(month),
			"from": micros(month.Start(s.zone)), "to": micros((month + 1).Start(s.zone)), "batch": noticeBatch}).Scan(&people).Error
		if err != nil {
			return told, fmt.Errorf("look for statements: %w", err)
		}
		batch := make([]notice, 0, len(people)+1)
		for _, id := range people {
			batch = append(batch, notice{ref, ledger.Event{Kind: kind, PersonID: id, Ref: ref, At: now}})
			last = id
		}
		if len(people) < noticeBatch { // and the round is done
			batch = append(batch, notice{ref, ledger.Event{Kind: kind}})
			done = 1
		}
		if err := s.give(ctx, now, batch); err != nil {
			return told, err
		}
		told += len(people)
	}
	return told, nil
}

// RemindUnclaimed tells everybody who bound a card and wants to know that
// money of theirs is still pending 3, 14 and 30 days after it came; each
// transfer once at each age, transfers of one person in one push. It returns
// how many transfers that were.
func (s *Store) RemindUnclaimed(ctx context.Context, now time.Time) (reminded int, err error) {
	for {
		var found []struct {
			ID       string
			PersonID int64
			Age      int
		}
		err := s.db.WithContext(ctx).Raw(`SELECT t.id, t.person_id, t.age FROM (
				SELECT id, person_id, CASE WHEN created_at <= @last THEN 30 WHEN created_at <= @second THEN 14 ELSE 3 END AS age
				FROM transfers WHERE state = 'pending' AND created_at <= @first) t
			JOIN people p ON p.id = t.person_id
			WHERE p.bound_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM push_mutes x WHERE x.person_id = t.person_id AND x.kind = @kind)
			AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.person_id = t.person_id AND n.kind = @kind AND n.ref = t.id || ':' || CAST(t.age AS TEXT))
			ORDER BY t.person_id, t.id LIMIT @batch`, map[string]any{"kind": string(ledger.EventReminder), "batch": noticeBatch,
			"first": daysBefore(now, 3), "second": daysBefore(now, 14), "last": daysBefore(now, 30)}).Scan(&found).Error
		if err != nil {
			return reminded, fmt.Errorf("look for unclaimed money: %w", err)
		}
		if len(found) == 0 {
			return reminded, nil
		}
		batch := make([]notice, len(found))
		for i, f := range found {
			batch[i] = notice{fmt.Sprintf("%s:%d", f.ID, f.Age), ledger.Event{Kind: ledger.EventReminder, PersonID: f.PersonID, At: now}}
		}
		if err := s.give(ctx, now, batch); err != nil {
			return reminded, err
		}
		reminded += len(found)
	}
}

// TellDoubts tells every holder whose claim was not confirmed in time that it
// is in doubt, each claim once. It returns how many that were.
func (s *Store) TellDoubts(ctx context.Context, now time.Time) (told int, err error) {
	for {
		var found []struct {
			ID        string
			PersonID  int64
			AmountFen int64
			ExpiresAt int64
			CardNo    string
			Location  string
		}
		kind := string(ledger.EventClaimFailed)
		err := s.db.WithContext(ctx).Raw(`SELECT k.id, k.person_id, k.amount_fen, k.expires_at, c.card_no, m.location
			FROM claims k JOIN terminals m ON m.id = k.terminal_id JOIN campus_cards c ON c.id = k.card_id
			WHERE k.state = 'open' AND k.expires_at <= ?
			AND NOT EXISTS (SELECT 1 FROM notices n WHERE n.person_id = k.person_id AND n.kind = ? AND n.ref = k.id)
			ORDER BY k.id LIMIT ?`, micros(now), kind, noticeBatch).Scan(&found).Error
		if err != nil {
			return told, fmt.Errorf("look for claims in doubt: %w", err)
		}
		if len(found) == 0 {
			return told, nil
		}
		batch := make([]notice, len(found))
		for i, f := range found {
			batch[i] = notice{f.ID, ledger.Event{Kind: ledger.EventClaimFailed, PersonID: f.PersonID, CardNo: f.CardNo, Amount: ledger.Fen(f.AmountFen),
				Ref: f.ID, Where: f.Location, At: timeOf(f.ExpiresAt)}}
		}
		if err := s.give(ctx, now, batch); err != nil {
			return told, err
		}
		told += len(found)
	}
}

func daysBefore(now time.Time, days int) int64 {
	return micros(now.Add(-time.Duration(days) * 24 * time.Hour))
}
