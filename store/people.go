package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"

	"xiaoka/ledger"
)

// person is a row of people joined with the campus card in use.
type person struct {
	ID            int64
	StudentNo     string
	Name          string
	Email         string
	Phone         string
	Type          string
	Department    string
	UserID        string
	OpenID        string
	VerifiedAt    *int64
	BoundAt       *int64
	Lang          string
	MessageStyle  string
	LowBalanceFen int64
	CardID        int64
	CardNo        string
}

func (p person) ledger() ledger.Person {
	return ledger.Person{
		ID: p.ID, StudentNo: p.StudentNo, Name: p.Name, Email: p.Email, Phone: p.Phone, Type: p.Type, Department: p.Department,
		UserID: p.UserID, OpenID: p.OpenID, VerifiedAt: timeOpt(p.VerifiedAt), BoundAt: timeOpt(p.BoundAt),
		CardID: p.CardID, CardNo: p.CardNo, Lang: ledger.Lang(p.Lang), MessageStyle: ledger.MessageStyle(p.MessageStyle),
		LowBalance: ledger.Fen(p.LowBalanceFen),
	}
}

const selectPerson = `SELECT p.id, p.student_no, p.name, p.email, p.phone, p.type, p.department, p.user_id, p.open_id,
	p.verified_at, p.bound_at, p.lang, p.message_style, p.low_balance_fen,
	COALESCE(c.id, 0) AS card_id, COALESCE(c.card_no, '') AS card_no
	FROM people p LEFT JOIN campus_cards c ON c.person_id = p.id AND c.status <> 'closed' `

// People tells how many people are on record.
func (s *Store) People(ctx context.Context) (int, error) {
	var n int64
	if err := s.db.WithContext(ctx).Table("people").Count(&n).Error; err != nil {
		return 0, fmt.Errorf("count the people: %w", err)
	}
	return int(n), nil
}

// PersonByUserID finds who a WeCom member is on record, or ErrNotFound.
func (s *Store) PersonByUserID(ctx context.Context, userID string) (ledger.Person, error) {
	return s.person(ctx, "WHERE p.user_id = ?", ledger.NormalUserID(userID))
}

// PersonByStudentNo finds a person by 学工号, or ErrNotFound.
func (s *Store) PersonByStudentNo(ctx context.Context, studentNo string) (ledger.Person, error) {
	return s.person(ctx, "WHERE p.student_no = ?", studentNo)
}

// PersonByID finds a person, or ErrNotFound.
func (s *Store) PersonByID(ctx context.Context, id int64) (ledger.Person, error) {
	return s.person(ctx, "WHERE p.id = ?", id)
}

func (s *Store) person(ctx context.Context, where string, arg any) (ledger.Person, error) {
	var rows []person
	if err := s.db.WithContext(ctx).Raw(selectPerson+where, arg).Scan(&rows).Error; err != nil {
		return ledger.Person{}, fmt.Errorf("read the person: %w", err)
	}
	if len(rows) == 0 {
		return ledger.Person{}, ledger.ErrNotFound
	}
	return rows[0].ledger(), nil
}

// SetLang remembers the language a person chose.
func (s *Store) SetLang(ctx context.Context, personID int64, lang ledger.Lang) error {
	return s.setPerson(ctx, personID, "lang", string(lang))
}

// SetOpenID remembers the payer's openid that WeCom gave for the member.
func (s *Store) SetOpenID(ctx context.Context, personID int64, openID string) error {
	return s.setPerson(ctx, personID, "open_id", openID)
}

// SetMessageStyle remembers what the person's client can show.
func (s *Store) SetMessageStyle(ctx context.Context, personID int64, style ledger.MessageStyle) error {
	return s.setPerson(ctx, personID, "message_style", string(style))
}

func (s *Store) setPerson(ctx context.Context, personID int64, column string, value any) error {
	r := s.db.WithContext(ctx).Table("people").Where("id = ?", personID).Update(column, value)
	switch {
	case r.Error != nil:
		return fmt.Errorf("set %s: %w", column, r.Error)
	case r.RowsAffected == 0:
		return ledger.ErrNotFound
	}
	return nil
}

// MarkVerified records that the member proved to be this person and enqueues
// the welcome. A repeat changes nothing and welcomes nobody twice.
func (s *Store) MarkVerified(ctx context.Context, personID int64, at time.Time) error {
	return s.once(ctx, personID, "verified_at", ledger.Event{Kind: ledger.EventVerified, PersonID: personID, At: at})
}

// BindCard binds the person's campus card to the member and enqueues the
// notice. A repeat changes nothing. ErrNotFound when no card is issued.
func (s *Store) BindCard(ctx context.Context, personID int64, at time.Time) error {
	p, err := s.PersonByID(ctx, personID)
	switch {
	case err != nil:
		return err
	case p.CardID == 0:
		return ledger.ErrNotFound
	}
	return s.once(ctx, personID, "bound_at", ledger.Event{Kind: ledger.EventBound, PersonID: personID, CardNo: p.CardNo, At: at})
}

// once stamps a column that was empty and tells the person, both or neither.
func (s *Store) once(ctx context.Context, personID int64, column string, e ledger.Event) error {
	return s.tx(ctx, func(tx *gorm.DB) error {
		r := tx.Table("people").Where("id = ?", personID).Where(clause.Eq{Column: clause.Column{Name: column}, Value: nil}).Update(column, micros(e.At))
		switch {
		case r.Error != nil:
			return fmt.Errorf("set %s: %w", column, r.Error)
		case r.RowsAffected == 0:
			return nil
		}
		if err := audit(tx, ledger.AuditEntry{At: e.At, Actor: "holder", Action: string(e.Kind), PersonID: personID}); err != nil {
			return err
		}
		return s.push(tx, e)
	})
}

// Balance answers in one statement, whatever the length of the history.
func (s *Store) Balance(ctx context.Context, personID int64, now time.Time) (ledger.Balance, error) {
	var rows []struct {
		CardID       int64
		CardNo       string
		Status       string
		BalanceFen   int64
		ChipSpendSeq *int64
		FirstSeq     *int64
		Records      int64
		AsOf         *int64
		Pending      int64
		InFlight     int64
		Doubt        int64
		Initial      bool
		OldFen       int64
		OldDue       *int64
		ShortFen     int64
	}
	err := s.db.WithContext(ctx).Raw(`SELECT c.id AS card_id, c.card_no, c.status, c.balance_fen, c.chip_spend_seq,
		c.first_spend_seq AS first_seq, c.records, COALESCE(c.as_of, c.created_at) AS as_of, w.initial,
		COALESCE((SELECT SUM(amount_fen) FROM transfers t WHERE t.person_id = c.person_id AND t.state = 'pending'), 0) AS pending,
		COALESCE((SELECT SUM(amount_fen) FROM transfers t WHERE t.person_id = c.person_id AND t.state = 'in_flight'), 0) AS in_flight,
		(SELECT COUNT(*) FROM claims k WHERE k.card_id = c.id AND k.state = 'open' AND k.expires_at < ?) AS doubt,
		COALESCE((SELECT SUM(o.balance_fen) FROM replacements r JOIN campus_cards o ON o.id = r.old_card_id WHERE r.person_id = c.person_id AND r.moved_at IS NULL AND o.balance_fen > 0), 0) AS old_fen,
		COALESCE((SELECT -SUM(o.balance_fen) FROM replacements r JOIN campus_cards o ON o.id = r.old_card_id WHERE r.person_id = c.person_id AND o.balance_fen < 0), 0) AS short_fen,
		(SELECT MIN(r.due_at) FROM replacements r JOIN campus_cards o ON o.id = r.old_card_id WHERE r.person_id = c.person_id AND r.moved_at IS NULL AND o.balance_fen > 0) AS old_due
		FROM campus_cards c LEFT JOIN passwords w ON w.person_id = c.person_id
		WHERE c.person_id = ? AND c.status <> 'closed'`, micros(now), personID).Scan(&rows).Error
	if err != nil {
		return ledger.Balance{}, fmt.Errorf("read the balance: %w", err)
	}
	if len(rows) == 0 {
		return ledger.Balance{}, ledger.ErrNotFound
	}
	r := rows[0]
	b := ledger.Balance{
		CardNo: r.CardNo, Status: ledger.CardStatus(r.Status), Books: ledger.Fen(r.BalanceFen),
		Pending: ledger.Fen(r.Pending), InFlight: ledger.Fen(r.InFlight), Doubt: r.Doubt > 0,
		Short: ledger.Fen(r.ShortFen), AsOf: timeOpt(r.AsOf), PasswordInitial: r.Initial,
	}
	if r.ChipSpendSeq != nil && r.FirstSeq != nil {
		b.Missing = max(0, *r.ChipSpendSeq-*r.FirstSeq-r.Records)
	}
	if r.OldFen > 0 {
		b.Old, b.OldDue = ledger.Fen(r.OldFen), timeOpt(r.OldDue)
	}
	last, err := s.movements(ctx, []int64{r.CardID}, 1)
	if err == nil && len(last) > 0 {
		b.Last = &last[0]
	}
	return b, err
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// PushWanted tells whether the person takes this kind of push; security
// notices are always wanted.
func (s *Store) PushWanted(ctx context.Context, personID int64, kind ledger.EventKind) (bool, error) {
	if kind.Security() {
		return true, nil
	}
	var muted int64
	err := s.db.WithContext(ctx).Table("push_mutes").Where("person_id = ? AND kind = ?", personID, string(kind)).Count(&muted).Error
	if err != nil {
		return false, fmt.Errorf("read the push settings: %w", err)
	}
	return muted == 0, nil
}

// conflict tells whether a unique index refused a row. gorm translates the
// error of a statement, but not of one whose rows are read.
func conflict(err error) bool {
	const uniqueViolation = "23505" // https://www.postgresql.org/docs/current/errcodes-appendix.html
	var pg *pgconn.PgError
	return errors.Is(err, gorm.ErrDuplicatedKey) || (errors.As(err, &pg) && pg.Code == uniqueViolation)
}
