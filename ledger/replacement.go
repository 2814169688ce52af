package ledger

import (
	"errors"
	"time"
)

// Replacement is a campus card that another took the place of (补卡, 换卡).
// The old one stays stopped for good. Its money becomes the holder's to
// collect with the new one: what the desk read off the chip at once, the rest
// when the tills have had their time to send what was bought with it.
type Replacement struct {
	Moved Fen // at once; 0 for a card that nobody could read
	Left  Fen // on the old card by the books, until Due
}

// ReplacementRequest is what the desk asks for.
type ReplacementRequest struct {
	OldCardNo string
	NewCardNo string
	Chip      *Chip     // as the desk read it off the old card; nil = lost or unreadable
	Due       time.Time // when what is left by then is moved; may have passed
	Reason    string    // who asked, and what was shown; no secrets
}

var (
	// ErrCardReplaced: another card has taken its place before.
	ErrCardReplaced = errors.New("the card was replaced already")
	// ErrCardNoTaken: the number of the new card is another card's.
	ErrCardNoTaken = errors.New("the new card's number is in use")
	// ErrChipDiffers: what was read off the chip cannot be, by the books.
	ErrChipDiffers = errors.New("the chip does not follow from the books")
)
