package store_test

import (
	"errors"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// The unpaid order of an amount is found while it can be paid, the newest of
// several, and nobody else's.
func TestStore_UnpaidOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p, other := campus(t, s, 1), campus(t, s, 2)
		expected := func(what string, p ledger.Person, fen ledger.Fen, beyond time.Time, want string) {
			t.Helper()
			o, err := s.UnpaidOrder(t.Context(), p, fen, beyond)
			if want == "" && !errors.Is(err, ledger.ErrNotFound) || want != "" && err != nil || o.OutTradeNo != want {
				t.Errorf("%s: %+v, %v; want %q", what, o, err, want)
			}
			if kept, err := s.Order(t.Context(), p.ID, want); want != "" && (err != nil || kept != o) {
				t.Errorf("%s: %+v is read as %+v, %v", what, kept, o, err)
			}
		}
		expected("none", p, 5000, noon, "")
		order(t, s, p, "FIRST", 5000)
		expected("one", p, 5000, noon, "FIRST")
		expected("another amount", p, 5001, noon, "")
		expected("another's", other, 5000, noon, "")
		expected("of another card", ledger.Person{ID: p.ID, CardID: other.CardID}, 5000, noon, "")
		expected("almost expired", p, 5000, noon.Add(15*time.Minute-time.Second), "FIRST")
		expected("expired", p, 5000, noon.Add(15*time.Minute), "")
		err := s.CreateOrder(t.Context(), ledger.Order{OutTradeNo: "SECOND", PersonID: p.ID, CardID: p.CardID, Amount: 5000,
			CreatedAt: noon.Add(time.Minute), ExpiresAt: noon.Add(16 * time.Minute)})
		if err != nil {
			t.Fatal(err)
		}
		expected("the newest", p, 5000, noon, "SECOND")
		if err := s.CloseOrder(t.Context(), "SECOND", noon); err != nil {
			t.Fatal(err)
		}
		expected("closed", p, 5000, noon, "FIRST")
		if _, err := s.SettleTopUp(t.Context(), payment("FIRST", 5000), noon); err != nil {
			t.Fatal(err)
		}
		expected("paid", p, 5000, noon, "")
	})
}
