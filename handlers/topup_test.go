package handlers

import (
	"strings"
	"testing"

	"xiaoka/ledger"
)

// TestTopUp_CardNotInUse: the chat offers no payment that the page would
// refuse; it leads to what puts the card back.
func TestTopUp_CardNotInUse(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status ledger.CardStatus
		text   string
		want   string
	}{
		"Lost":       {ledger.CardLost, "充值", "/h5/loss/cancel"},
		"LostAmount": {ledger.CardLost, "充值 50", "/h5/loss/cancel"},
		"Frozen":     {ledger.CardFrozen, "充值 50", "请联系受理中心"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			b := c.store.balances[3]
			b.Status = tc.status
			c.store.balances[3] = b
			said := c.types(CardApp, "bound", tc.text)
			if !strings.Contains(said, tc.want) || strings.Contains(said, "/h5/topup") {
				t.Errorf("said %q, want %q and no way to pay", said, tc.want)
			}
		})
	}
}
