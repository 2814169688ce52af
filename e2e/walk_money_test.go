package e2e

import (
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/wechatpay"
)

// The pages while money is on its way: being written to the card, of unknown
// outcome, on the card, on its way back, or never paid.
func TestWalk_Money(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries and a browser")
	}
	t.Parallel()
	h := newHouse(t, "", "", 1, func(h *house) { h.people = 8 })
	w := newWalker(t, h.url)
	m := h.newMember(0).holder()
	paid := func(fen int64) string {
		no := m.orderNo(fen)
		m.pay(no)
		m.await("the payment", func() bool { return m.status(no) == "paid" })
		return no
	}
	order := func(no string) string { return "/h5/topup/orders/" + no }
	k := h.terminal("K01")
	chip := h.campus.Chip(m.Person)
	authorise := func(key string) string {
		c, err := k.Claim(m.context(), key, m.CardNo, ownPassword, chip.Peek())
		if err != nil {
			t.Fatal(err)
		}
		if err := chip.PutIn(); err != nil {
			t.Fatal(err)
		}
		defer chip.PullOut()
		if _, err := chip.WriteLoad(c.AmountFen, c.Expected); err != nil {
			t.Fatal(err)
		}
		return c.ClaimID
	}

	claimed := paid(2000)
	if _, err := k.Confirm(m.context(), authorise("first"), chip.Peek()); err != nil {
		t.Fatal(err)
	}
	writing := paid(5000)
	authorise("second") // its confirm does not come
	back := paid(1000)
	w.as(m, stop{"order claimed", order(claimed), "", ""}, stop{"order writing", order(writing), "", ""}, stop{"transfers writing", "/h5/transfers", "", ""})

	h.set("UPDATE claims SET expires_at = created_at WHERE state = 'open'")
	if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtRefund, Kind: wechatpay.FaultReset}); err != nil {
		t.Fatal(err)
	}
	m.post(refundLink.FindString(m.open("/h5/transfers")), nil)
	never := m.orderNo(3000)
	h.set("UPDATE orders SET expires_at = created_at WHERE out_trade_no = '" + never + "'")
	w.as(m,
		stop{"home doubt", "/h5/", "", ""}, stop{"order doubt", order(writing), "", ""}, stop{"transfers doubt", "/h5/transfers", "", ""},
		stop{"transactions doubt", "/h5/transactions", "", ""}, stop{"order refunding", order(back), "", ""}, stop{"order never paid", order(never), "", ""},
	)

	if _, err := h.terminal("K02").Claim(m.context(), "third", m.CardNo, ownPassword, chip.Peek()); err == nil {
		t.Error("something was left to collect")
	}
	h.campus.Pay.ClearFaults()
	m.await("the write is proven", func() bool { return !strings.Contains(m.open("/h5/transfers"), "待确认") })
	m.post("/h5/loss", map[string]string{"query_password": ownPassword})
	stolen := eaten(m.CardNo, chip.Peek(), 1)
	stolen[0].OccurredAt = time.Now().Add(time.Second).Truncate(time.Second)
	if r, err := h.terminal("P01").Consumptions(m.context(), stolen); err != nil || r.Accepted != 1 {
		t.Fatalf("%+v, %v", r, err)
	}
	w.as(m, stop{"transfers settled", "/h5/transfers", "", ""}, stop{"loss spent", "/h5/loss", "", ""}, stop{"transactions after loss", "/h5/transactions", "", ""})
}
