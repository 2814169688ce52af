package ledger

import (
	"strings"
	"time"
)

// Lang is the language a person reads.
type Lang string

// The two languages of every text.
const (
	Chinese Lang = "zh-CN"
	English Lang = "en"
)

// PreferredLang is the first of our two languages that a browser's Accept-Language names, else Chinese.
func PreferredLang(acceptLanguage string) Lang {
	for tag := range strings.SplitSeq(acceptLanguage, ",") {
		switch tag = strings.ToLower(strings.TrimSpace(tag)); {
		case strings.HasPrefix(tag, "zh"):
			return Chinese
		case strings.HasPrefix(tag, "en"):
			return English
		}
	}
	return Chinese
}

// Person is a student or member of staff on record at the university.
type Person struct {
	ID         int64
	StudentNo  string // 学工号
	Name       string
	Email      string // where codes by e-mail go; may be empty
	Phone      string // where codes by SMS go; may be empty
	Type       string
	Department string
	UserID     string // WeCom userid, lower case
	OpenID     string // of UserID under the corp's appid; empty = not asked yet

	VerifiedAt time.Time // zero = not verified
	BoundAt    time.Time // zero = no card bound
	CardID     int64     // the campus card in use; 0 = none issued
	CardNo     string

	Lang         Lang // empty = never chosen, follow what is typed
	MessageStyle MessageStyle
	LowBalance   Fen // push below this; 0 = off
}

// Verified tells whether the member proved to be this person.
func (p Person) Verified() bool { return !p.VerifiedAt.IsZero() }

// Bound tells whether the person's campus card is bound to the WeCom member.
func (p Person) Bound() bool { return !p.BoundAt.IsZero() }

// MessageStyle is how the person's client shows rich messages.
type MessageStyle string

// Template cards need a WeCom client; members inside WeChat see text cards.
const (
	StyleCard     MessageStyle = "card"
	StyleTextCard MessageStyle = "textcard"
)

// NormalUserID gives the form userids are compared and stored in: WeCom
// ignores their case and returns them lower-cased in places.
func NormalUserID(userID string) string { return strings.ToLower(strings.TrimSpace(userID)) }

// CardStatus is the state of a campus card.
type CardStatus string

// The card states; only normal cards load.
const (
	CardNormal CardStatus = "normal"
	CardLost   CardStatus = "lost"
	CardFrozen CardStatus = "frozen"
	CardClosed CardStatus = "closed"
)

// Chip is what a reader reads off a campus card. The counters decide what
// happened; clocks do not.
type Chip struct {
	LoadSeq  int64 `json:"load_seq"`    // online counter: +1 for each load
	SpendSeq int64 `json:"spend_seq"`   // offline counter: +1 for each purchase
	Balance  Fen   `json:"balance_fen"` // money on it
}

// Balance answers "how much is on my card", and how sure that is.
type Balance struct {
	CardNo  string
	Status  CardStatus
	Books   Fen // opening + claimed − consumed
	Pending Fen // paid, waiting to be collected
	// InFlight is authorised and not yet proven, Doubt whether the time for
	// its confirmation has passed.
	InFlight Fen
	Doubt    bool
	Old      Fen       // on replaced cards, to be moved to Pending from OldDue on
	OldDue   time.Time // of the first of several cards; zero when nothing is
	Short    Fen       // bought with replaced cards beyond what was left on them
	AsOf     time.Time // newest record or chip seen, else when the card's books were opened
	Missing  int64     // purchases the chip counted that have not arrived
	Last     *Movement // the newest movement on the card, nil if none
	// PasswordInitial: still the password that everybody knows.
	PasswordInitial bool
}

// Room is what the chip can still take of a purse that holds most, beside what
// is on its way to it; never negative.
func (b Balance) Room(most Fen) Fen { return max(0, most-b.Books-b.InFlight) }

// PersonRow is one line of the register as `people import` reads it. Empty
// fields leave what is on record.
type PersonRow struct {
	Line           int
	StudentNo      string
	Name           string
	CardNo         string
	Email          string
	Phone          string
	Type           string
	Department     string
	UserID         string // empty = StudentNo
	PasswordHash   string // empty = the initial password
	OpeningBalance Fen    // taken only for a card that is new
}

// Holder is a campus card met at a terminal, with the person it belongs to.
type Holder struct {
	Person Person
	CardID int64
	CardNo string
	Status CardStatus
	// PasswordInitial: the query password is still the one everybody knows.
	PasswordInitial bool
	Pending         Fen
}
