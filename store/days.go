package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// KeepDayReport keeps what a reconciliation found and tells the operators, in
// one transaction. A day's differences are a case until a later report of the
// day has none. The daily task's report of a day is kept once: ErrConflict when
// another replica was quicker.
func (s *Store) KeepDayReport(ctx context.Context, r ledger.DayReport, operators []string) error {
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write the report: %w", err)
	}
	err = s.tx(ctx, func(tx *gorm.DB) error {
		err := tx.Exec(`INSERT INTO reconciliations (day, daily, ended_at, differences, report) VALUES (?, ?, ?, ?, ?)`,
			r.Day, r.Daily, micros(r.EndedAt), r.Differences, string(text)).Error
		if err != nil {
			return fmt.Errorf("keep the report: %w", err)
		}
		if err := dayCase(tx, r); err != nil {
			return err
		}
		for _, userID := range operators {
			told := r
			told.Lines = nil // a message names the counts
			if err := s.push(tx, ledger.Event{Kind: ledger.EventReconciled, UserID: userID, Day: &told, At: r.EndedAt}); err != nil {
				return err
			}
		}
		return nil
	})
	if conflict(err) {
		return ledger.ErrConflict
	}
	return err
}

// dayCase opens, or opens again, the case of a day with differences, and ends
// the one of a day without.
func dayCase(tx *gorm.DB, r ledger.DayReport) error {
	err := tx.Exec(`UPDATE cases SET settled_at = ? WHERE kind IN ('not_reconciled', 'day_differs') AND ref = ? AND settled_at IS NULL`,
		micros(r.EndedAt), r.Day).Error
	if err != nil || r.Differences == 0 {
		return err
	}
	detail := fmt.Sprintf("%d differences from WeChat Pay's bill: xiaoka reconcile --date %s", r.Differences, r.Day)
	err = tx.Exec(`INSERT INTO cases (kind, ref, detail, at) VALUES ('day_differs', ?, ?, ?)
		ON CONFLICT (kind, ref) DO UPDATE SET settled_at = NULL, how = '', note = '', detail = excluded.detail`, r.Day, detail, micros(r.EndedAt)).Error
	if err != nil {
		return fmt.Errorf("record the day's case: %w", err)
	}
	return nil
}

// DailyReported tells whether the daily task has kept its report of a day,
// YYYY-MM-DD.
func (s *Store) DailyReported(ctx context.Context, day string) (bool, error) {
	var n int64
	if err := s.db.WithContext(ctx).Table("reconciliations").Where("day = ? AND daily", day).Count(&n).Error; err != nil {
		return false, fmt.Errorf("look for the day's report: %w", err)
	}
	return n > 0, nil
}

// DayReports lists what reconciliations of a day found, newest first.
func (s *Store) DayReports(ctx context.Context, day time.Time) ([]ledger.DayReport, error) {
	var texts []string
	err := s.db.WithContext(ctx).Table("reconciliations").Where("day = ?", day.Format(time.DateOnly)).Order("ended_at DESC, id DESC").Pluck("report", &texts).Error
	if err != nil {
		return nil, fmt.Errorf("read the day's reports: %w", err)
	}
	out := make([]ledger.DayReport, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			return nil, fmt.Errorf("read a report of the day: %w", err)
		}
	}
	return out, nil
}
