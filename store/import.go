package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

// ErrRowConflict: another person has the row's card number or userid.
var ErrRowConflict = errors.New("card_no or wecom_userid belongs to somebody else")

// ErrOtherCard: the person has a card in use already, and importing another
// does not replace it.
var ErrOtherCard = errors.New("the person has another card in use, which an import does not replace: xiaoka card replace does")

// ErrNoName: a person who is new needs a name.
var ErrNoName = errors.New("a new person needs a name")

// errDryRun rolls a checked row back.
var errDryRun = errors.New("dry run")

// ImportPerson adds or updates one person, the card and the initial password,
// and books a new card's opening balance. Empty fields leave what is on
// record; what changes there goes to the audit log, for whoever may name
// another address can have the codes. With dry set it checks everything and
// changes nothing.
func (s *Store) ImportPerson(ctx context.Context, r ledger.PersonRow, now time.Time, dry bool) (created bool, err error) {
	err = s.tx(ctx, func(tx *gorm.DB) error {
		id, isNew, changed, err := importPerson(tx, r, now)
		if err != nil {
			return err
		}
		created = isNew
		if r.CardNo != "" {
			newCard, err := importCard(tx, id, r, now)
			if err != nil {
				return err
			}
			if newCard {
				changed = append(changed, "card_no")
			}
		}
		if err := importPassword(tx, id, isNew, r, now); err != nil {
			return err
		}
		if !isNew && len(changed) > 0 {
			if err := audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "record_changed", PersonID: id,
				CardNo: r.CardNo, Detail: "import: " + strings.Join(changed, ", ")}); err != nil {
				return err
			}
		}
		if dry {
			return errDryRun
		}
		return nil
	})
	switch {
	case errors.Is(err, errDryRun):
		return created, nil
	case conflict(err):
		return false, ErrRowConflict
	}
	return created, err
}

// importPerson names the file's columns that changed a person on record.
func importPerson(tx *gorm.DB, r ledger.PersonRow, now time.Time) (id int64, isNew bool, changed []string, err error) {
	var rows []struct {
		ID                                           int64
		Name, Email, Phone, Type, Department, UserID string
	}
	if err := forUpdate(tx.Table("people").Select("id, name, email, phone, type, department, user_id").
		Where("student_no = ?", r.StudentNo)).Scan(&rows).Error; err != nil {
		return 0, false, nil, fmt.Errorf("look the person up: %w", err)
	}
	userID := ledger.NormalUserID(r.UserID)
	if len(rows) == 0 {
		if r.Name == "" {
			return 0, false, nil, ErrNoName
		}
		if userID == "" {
			userID = ledger.NormalUserID(r.StudentNo)
		}
		err := tx.Raw(`INSERT INTO people (student_no, name, email, phone, type, department, user_id, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?) RETURNING id`,
			r.StudentNo, r.Name, r.Email, r.Phone, r.Type, r.Department, userID, micros(now)).Scan(&id).Error
		return id, true, nil, err
	}
	old, set := rows[0], map[string]any{}
	for _, field := range []struct{ column, old, value string }{
		{"name", old.Name, r.Name}, {"email", old.Email, r.Email}, {"phone", old.Phone, r.Phone},
		{"type", old.Type, r.Type}, {"department", old.Department, r.Department},
	} {
		if field.value != "" && field.value != field.old {
			set[field.column] = field.value
			changed = append(changed, field.column)
		}
	}
	if userID != "" && userID != old.UserID {
		// Another member from now on: nothing proven for the old one carries over.
		set["user_id"], set["open_id"], set["verified_at"], set["bound_at"] = userID, "", nil, nil
		changed = append(changed, "wecom_userid")
	}
	if len(set) > 0 {
		err = tx.Table("people").Where("id = ?", old.ID).Updates(set).Error
	}
	return old.ID, false, changed, err
}

// importCard tells whether the card is new.
func importCard(tx *gorm.DB, personID int64, r ledger.PersonRow, now time.Time) (isNew bool, err error) {
	var cards []struct {
		CardNo   string
		PersonID int64
	}
	if err := tx.Table("campus_cards").Select("card_no, person_id").
		Where("card_no = ? OR (person_id = ? AND status <> 'closed')", r.CardNo, personID).Scan(&cards).Error; err != nil {
		return false, fmt.Errorf("look the card up: %w", err)
	}
	for _, c := range cards {
		switch {
		case c.CardNo == r.CardNo && c.PersonID == personID:
			return false, nil // known; an opening balance is for new cards only
		case c.CardNo == r.CardNo:
			return false, ErrRowConflict
		}
	}
	if len(cards) > 0 {
		return false, ErrOtherCard
	}
	var id int64
	err = tx.Raw(`INSERT INTO campus_cards (card_no, person_id, status, opening_fen, balance_fen, created_at)
		VALUES (?, ?, 'normal', ?, ?, ?) RETURNING id`,
		r.CardNo, personID, int64(r.OpeningBalance), int64(r.OpeningBalance), micros(now)).Scan(&id).Error
	if err != nil || r.OpeningBalance == 0 {
		return true, err
	}
	return true, book(tx, now, ledger.Posting{
		Ref:    "opening:" + r.CardNo,
		Debit:  ledger.Account{Kind: ledger.Opening},
		Credit: ledger.Account{Kind: ledger.Float, Owner: id},
		Amount: r.OpeningBalance,
	})
}

// importPassword gives a new person a password, the row's own or the initial
// one; whoever has one keeps it.
func importPassword(tx *gorm.DB, personID int64, isNew bool, r ledger.PersonRow, now time.Time) error {
	if !isNew {
		return nil
	}
	err := tx.Exec(`INSERT INTO passwords (person_id, hash, initial, changed_at) VALUES (?, ?, ?, ?)`,
		personID, r.PasswordHash, r.PasswordHash == "", micros(now)).Error
	if err != nil {
		return fmt.Errorf("store the password: %w", err)
	}
	return nil
}
