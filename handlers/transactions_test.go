package handlers

import (
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// TestTransactions_Order: what happened on the card stands in the card's own
// order, whatever the tills' clocks say, and money on its way by its time.
func TestTransactions_Order(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	c.store.movements[3] = []ledger.Movement{
		{Kind: ledger.MovementConsumption, Amount: 200, At: noon.Add(-10 * time.Minute), Where: "慢钟"},
		{Kind: ledger.MovementClaim, Amount: 5000, At: noon, Where: "圈存机"},
		{Kind: ledger.MovementConsumption, Amount: 100, At: noon.Add(-time.Hour), Where: "早先"},
	}
	c.store.transfers[3] = []ledger.Transfer{{Amount: 3000, State: ledger.TransferPending, CreatedAt: noon.Add(-30 * time.Minute)}}
	said := c.types(CardApp, "bound", "明细")
	last := -1
	for _, want := range []string{"慢钟", "圈存机", "¥30.00", "早先"} {
		at := strings.Index(said, want)
		if at <= last {
			t.Fatalf("%q is not where it belongs in %q", want, said)
		}
		last = at
	}
}

// TestTransactions_Month: a month named right after 明细 is about them, and a
// statement that is asked for stays one.
func TestTransactions_Month(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	if got := c.types(CardApp, "bound", "上个月"); !strings.Contains(got, "[card statement]") {
		t.Errorf("a month by itself: %q", got)
	}
	c.types(CardApp, "bound", "明细")
	for _, text := range []string{"上个月", "last month", "再查一次"} {
		got := c.types(CardApp, "bound", text)
		if !strings.Contains(got, "[card transactions]") || !strings.Contains(got, "/h5/transactions?month=2026-10") || !strings.Contains(got, "/h5/statement?month=2026-10") {
			t.Errorf("%q after 明细: %q", text, got)
		}
	}
	if got := c.types(CardApp, "bound", "上个月的账单"); !strings.Contains(got, "[card statement]") {
		t.Errorf("a statement after 明细: %q", got)
	}
	c.store.movements[3] = nil
	c.types(CardApp, "bound", "明细")
	if got := c.types(CardApp, "bound", "上个月"); !strings.Contains(got, "10月没有交易") || strings.Contains(got, "topup") {
		t.Errorf("a month without any: %q", got)
	}
}
