package store

import (
	"context"
	"fmt"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

type session struct {
	TokenHash []byte
	UserID    string
	PersonID  int64
	CSRF      string `gorm:"column:csrf"`
	CreatedAt int64
	ExpiresAt int64
}

// CreateSession stores a web session.
func (s *Store) CreateSession(ctx context.Context, n ledger.Session) error {
	err := s.db.WithContext(ctx).Table("sessions").Create(&session{n.TokenHash, n.UserID, n.PersonID, n.CSRF, micros(n.CreatedAt), micros(n.ExpiresAt)}).Error
	if err != nil {
		return fmt.Errorf("store the session: %w", err)
	}
	return nil
}

// Session finds a session that has not ended, or ErrNotFound.
func (s *Store) Session(ctx context.Context, tokenHash []byte, now time.Time) (ledger.Session, error) {
	var found []session
	err := s.db.WithContext(ctx).Table("sessions").Where("token_hash = ? AND expires_at > ?", tokenHash, micros(now)).Scan(&found).Error
	if err != nil {
		return ledger.Session{}, fmt.Errorf("read the session: %w", err)
	}
	if len(found) == 0 {
		return ledger.Session{}, ledger.ErrNotFound
	}
	f := found[0]
	return ledger.Session{TokenHash: f.TokenHash, UserID: f.UserID, PersonID: f.PersonID, CSRF: f.CSRF,
		CreatedAt: timeOf(f.CreatedAt), ExpiresAt: timeOf(f.ExpiresAt)}, nil
}

// EndSession ends one session at once, on every replica.
func (s *Store) EndSession(ctx context.Context, tokenHash []byte) error {
	if err := s.db.WithContext(ctx).Exec("DELETE FROM sessions WHERE token_hash = ?", tokenHash).Error; err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// EndSessions ends all sessions of a person but the one given (nil = all).
func (s *Store) EndSessions(ctx context.Context, personID int64, exceptTokenHash []byte) error {
	if exceptTokenHash == nil {
		exceptTokenHash = []byte{}
	}
	err := s.db.WithContext(ctx).Exec("DELETE FROM sessions WHERE person_id = ? AND token_hash <> ?", personID, exceptTokenHash).Error
	if err != nil {
		return fmt.Errorf("end the sessions: %w", err)
	}
	return nil
}

// MemberLeft ends every web session of a member whom WeCom no longer lets use
// the app, and writes it down if there was one.
func (s *Store) MemberLeft(ctx context.Context, userID string, at time.Time) error {
	userID = ledger.NormalUserID(userID)
	return s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Exec("DELETE FROM sessions WHERE user_id = ?", userID)
		if r.Error != nil {
			return fmt.Errorf("end the member's sessions: %w", r.Error)
		}
		if r.RowsAffected == 0 {
			return nil
		}
		var person []int64
		if err := tx.Raw("SELECT id FROM people WHERE user_id = ?", userID).Scan(&person).Error; err != nil {
			return fmt.Errorf("read the person: %w", err)
		}
		e := ledger.AuditEntry{At: at, Actor: "system", Action: "sessions_ended", Detail: "member " + userID + " left the app"}
		if len(person) > 0 {
			e.PersonID = person[0]
		}
		return audit(tx, e)
	})
}

type task struct {
	ID        string
	UserID    string
	AgentID   int
	Kind      string
	Subject   string
	CreatedAt int64
	ExpiresAt int64
}

// SaveTask records to whom an interactive card goes, before it goes.
func (s *Store) SaveTask(ctx context.Context, t ledger.Task) error {
	err := s.db.WithContext(ctx).Table("tasks").Create(&task{t.ID, t.UserID, t.AgentID, t.Kind, t.Subject, micros(t.CreatedAt), micros(t.ExpiresAt)}).Error
	if err != nil {
		return fmt.Errorf("store the task: %w", err)
	}
	return nil
}

// Task finds a card that went out, or ErrNotFound.
func (s *Store) Task(ctx context.Context, id string) (ledger.Task, error) {
	var found []task
	if err := s.db.WithContext(ctx).Table("tasks").Where("id = ?", id).Scan(&found).Error; err != nil {
		return ledger.Task{}, fmt.Errorf("read the task: %w", err)
	}
	if len(found) == 0 {
		return ledger.Task{}, ledger.ErrNotFound
	}
	f := found[0]
	return ledger.Task{ID: f.ID, UserID: f.UserID, AgentID: f.AgentID, Kind: f.Kind, Subject: f.Subject,
		CreatedAt: timeOf(f.CreatedAt), ExpiresAt: timeOf(f.ExpiresAt)}, nil
}
