package ledger

import (
	"testing"
	"unicode/utf8"
)

// Each kind has its words, short enough for a template card's row.
func TestMovementWords(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{MovementConsumption, MovementClaim, MovementCorrection, MovementMoved} {
		w := MovementWords[kind]
		if w.ZH == "" || w.EN == "" || w.Row == "" || utf8.RuneCountInString(w.ZH) > 5 || len(w.Row) > 5 {
			t.Errorf("%s: %+v", kind, w)
		}
	}
	if len(MovementWords) != 4 {
		t.Errorf("%d kinds", len(MovementWords))
	}
}
