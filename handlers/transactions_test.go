package handlers

import (
	"slices"
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

// TestTransactions_OffCard: what is not on the card is told apart from the
// transactions, which alone are counted.
func TestTransactions_OffCard(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	if got := c.types(CardApp, "bound", "明细"); !strings.Contains(got, "最近 1 笔") || !strings.Contains(got, "不算交易") || !strings.Contains(got, "/h5/transfers") {
		t.Errorf("one claim and two top-ups that wait: %q", got)
	}
	c.store.movements[3] = nil
	if got := c.types(CardApp, "bound", "明细"); !strings.Contains(got, "还没有交易") || strings.Contains(got, "最近") || !strings.Contains(got, "待领取：12:07 微信充值 ¥50.00") {
		t.Errorf("nothing on the card yet: %q", got)
	}
	c.store.movements[3], c.store.transfers[3] = []ledger.Movement{{Kind: ledger.MovementConsumption, Amount: 650, At: noon, Where: "面点"}}, nil
	if got := c.types(CardApp, "bound", "明细"); strings.Contains(got, "不算交易") || !strings.Contains(got, "消费：12:08 面点 −¥6.50") {
		t.Errorf("nothing waits: %q", got)
	}
	for range 9 {
		c.store.transfers[3] = append(c.store.transfers[3], ledger.Transfer{Kind: ledger.KindTopUp, Amount: 5000, State: ledger.TransferPending, CreatedAt: noon.Add(time.Hour)})
	}
	for movements, waiting := range map[int]int{1: 5, 2: 4, 3: 3, 5: 1, 9: 1} {
		c.store.movements[3] = slices.Repeat([]ledger.Movement{{Kind: ledger.MovementConsumption, Amount: 650, At: noon, Where: "面点"}}, movements)
		got := c.types(CardApp, "bound", "明细")
		if n := strings.Count(got, "待领取："); n != waiting || strings.Count(got, "消费：") != min(movements, shownLines) {
			t.Errorf("much waits beside %d transactions: %q", movements, got)
		}
	}
}

// TestTransactions_Today: what today came to stands above, unless there is too
// much of it to know.
func TestTransactions_Today(t *testing.T) {
	t.Parallel()
	bought := func(n int) (all []ledger.Movement) {
		for range n {
			all = append(all, ledger.Movement{Kind: ledger.MovementConsumption, Amount: 650, At: noon.Add(-time.Hour), Where: "面点"})
		}
		return append(all, ledger.Movement{Kind: ledger.MovementClaim, Amount: 5000, At: noon.Add(-2 * time.Hour)},
			ledger.Movement{Kind: ledger.MovementConsumption, Amount: 9900, At: noon.AddDate(0, 0, -1)})
	}
	for name, c := range map[string]struct {
		movements []ledger.Movement
		zh, en    string
	}{
		"None":      {bought(0), "今天还没有消费记录", "No purchases recorded today"},
		"Two":       {bought(2), "今天消费 ¥13.00，2 笔", "Spent today: ¥13.00 (2×)"},
		"TooMany":   {bought(readLines), "", ""},
		"NewToCard": {nil, "", ""},
	} {
		world := newCampus(t)
		for user, want := range map[string]string{"bound": c.zh, "english": c.en} {
			world.store.movements[world.store.people[user].ID] = c.movements
			said := world.types(CardApp, user, map[string]string{"bound": "明细", "english": "transactions"}[user])
			if want != "" && !strings.Contains(said, want) || want == "" && strings.Contains(said, "今天") {
				t.Errorf("%s: %q", name, said)
			}
		}
	}
}

func TestTransferTitle(t *testing.T) {
	t.Parallel()
	for given, want := range map[ledger.Transfer][2]string{
		{Kind: ledger.KindTopUp, Title: "微信充值"}:         {"微信充值", "Top-up"},
		{Kind: ledger.KindSubsidy, Title: "补助 三月餐补"}:    {"补助 三月餐补", "Grant 三月餐补"},
		{Kind: ledger.KindSubsidy, Title: "补助"}:         {"补助", "Grant"},
		{Kind: ledger.KindSubsidy, Title: "Book money"}: {"Book money", "Book money"},
		{Kind: ledger.KindCorrection, Title: "消费冲正"}:    {"消费冲正", "Purchase reversed"},
	} {
		if zh, en := transferTitle("zh-CN", given), transferTitle("en", given); zh != want[0] || en != want[1] {
			t.Errorf("%s: %q and %q, want %q", given.Title, zh, en, want)
		}
	}
}

// TestPending_Latest: who has nothing to collect reads what became of the
// latest transfer.
func TestPending_Latest(t *testing.T) {
	t.Parallel()
	at := noon.Add(-time.Hour)
	for state, want := range map[ledger.TransferState]string{
		ledger.TransferClaimed: "最近一笔：微信充值 ¥50.00 已到卡", ledger.TransferRefunded: "最近一笔：微信充值 ¥50.00 已退款",
		ledger.TransferRefunding: "最近一笔：微信充值 ¥50.00 退款中", ledger.TransferPending: "待领取 ¥50.00",
	} {
		c := newCampus(t)
		c.store.transfers[3] = []ledger.Transfer{{Kind: ledger.KindTopUp, Amount: 5000, State: state, CreatedAt: at, ClaimedAt: at, RefundedAt: at}}
		if said := c.types(CardApp, "bound", "待领"); !strings.Contains(said, want) || strings.Contains(said, "0001") {
			t.Errorf("%s: %q", state, said)
		}
	}
	c := newCampus(t)
	c.store.transfers[3] = nil
	if said := c.types(CardApp, "bound", "待领"); !strings.Contains(said, "两分钟内") || strings.Contains(said, "最近一笔") {
		t.Errorf("nothing was ever paid: %q", said)
	}
}

// TestTransactions_Month: a month named right after 明细 is about them, and a
// statement that is asked for stays one.
func TestTransactions_Month(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	c.store.movements[3] = append(c.store.movements[3], ledger.Movement{Kind: ledger.MovementConsumption, Amount: 650, At: noon.AddDate(0, -1, 0)})
	if got := c.types(CardApp, "bound", "上个月"); !strings.Contains(got, "[card statement]") {
		t.Errorf("a month by itself: %q", got)
	}
	c.types(CardApp, "bound", "明细")
	if got := c.types(CardApp, "bound", "上个月消费多少"); !strings.Contains(got, "[card statement]") {
		t.Errorf("a sum after 明细: %q", got)
	}
	if got := c.types(CardApp, "bound", "上个月的明细"); !strings.Contains(got, "[card transactions]") {
		t.Errorf("the transactions of a month, typed alone: %q", got)
	}
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

// TestTransactions_Names: 明细 and 余额 name a movement as the pages do, in
// English as short as a row needs.
func TestTransactions_Names(t *testing.T) {
	t.Parallel()
	for kind, words := range ledger.MovementWords {
		m := ledger.Movement{Kind: kind, Amount: 650, At: noon}
		c := newCampus(t)
		c.store.movements[3], c.store.transfers[3] = []ledger.Movement{m}, nil
		for text, want := range map[string]string{"明细": words.ZH + "：", "transactions": words.Row + ": "} {
			if said := c.types(CardApp, "bound", text); !strings.Contains(said, "\n"+want+"12:08") {
				t.Errorf("%s: %q does not name %q", kind, said, want)
			}
		}
		if zh, en := movementTitle("zh-CN", m), movementTitle("en", m); zh != words.ZH || en != words.EN {
			t.Errorf("%s is %q and %q", kind, zh, en)
		}
	}
}

// TestPending_Stopped: a card that no machine takes is not sent to one.
func TestPending_Stopped(t *testing.T) {
	t.Parallel()
	for status, want := range map[ledger.CardStatus][2]string{
		ledger.CardLost: {"先解挂", "Lift the report"}, ledger.CardFrozen: {"联系受理中心", "ask the card office"},
	} {
		for i, user := range []string{"bound", "english"} {
			c := newCampus(t)
			p := c.store.people[user]
			b := c.store.balances[p.ID]
			b.Status = status
			c.store.balances[p.ID] = b
			got := c.types(CardApp, user, map[string]string{"bound": "领款", "english": "claim"}[user])
			if !strings.Contains(got, want[i]) || strings.Contains(got, "食堂") || strings.Contains(got, "canteen") {
				t.Errorf("%s: %q", status, got)
			}
			if led := strings.Contains(got, "/h5/loss/cancel"); led != (status == ledger.CardLost) {
				t.Errorf("%s leads to the end of the loss: %t", status, led)
			}
		}
	}
}
