package store_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// A refund that somebody made on the merchant platform is taken over where the
// money is still here, and is a case in any event.
func TestStore_AdoptRefund(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	platform := func(status string, fen ledger.Fen) ledger.WxRefund {
		return ledger.WxRefund{OutRefundNo: "MP1", OutTradeNo: "XK1", WxRefundID: "50MP1", WxTransactionID: "42XK1", Status: status,
			Amount: fen, Total: 5000, CreateTime: noon, SuccessTime: noon, Source: "notify"}
	}
	for name, test := range map[string]func(t *testing.T, s *store.Store){
		"InFull": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			r, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon)
			if err != nil || r.State != ledger.RefundDone || r.Ours() {
				t.Fatalf("AdoptRefund = %+v, %v", r, err)
			}
			balance(t, s, p, 1250, 0, 0)
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"UnderWay": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			if _, err := s.AdoptRefund(ctx, platform("PROCESSING", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if _, err := s.SettleRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"InPart": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			r, err := s.AdoptRefund(ctx, platform("SUCCESS", 2000), noon)
			if err != nil || r.State != ledger.RefundAbnormal {
				t.Fatalf("AdoptRefund = %+v, %v", r, err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
			if _, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("the held transfer can be claimed: %v", err)
			}
		},
		"Claimed": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6250}, noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("err = %v", err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"WhileItIsWritten": func(t *testing.T, s *store.Store) {
			p, _ := paid(t, s)
			c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{}))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrConflict) {
				t.Errorf("err = %v", err)
			}
			balance(t, s, p, 1250, 0, 5000)
			if _, err := s.CancelClaim(ctx, "K01", c.ID, ledger.Chip{}, "card_removed", noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Errorf("heard again once nothing was written: %v", err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
		},
		"BeforeThePayment": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			order(t, s, p, "XK1", 5000)
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrConflict) {
				t.Errorf("err = %v", err)
			}
			if _, err := s.SettleTopUp(ctx, payment("XK1", 5000), noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); err != nil {
				t.Fatal(err)
			}
			state(t, s, p, ledger.OrderRefunded, ledger.TransferRefunded)
			if c := onlyCase(t, s, "platform_refund"); !strings.HasSuffix(c.Detail, "the books follow") {
				t.Errorf("the case still says %q", c.Detail)
			}
			if _, err := s.AdoptRefund(ctx, ledger.WxRefund{OutRefundNo: "MP2", OutTradeNo: "XK1", Total: 5000, Amount: 1}, noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("a second one: %v", err)
			}
		},
		"BesidesOurs": func(t *testing.T, s *store.Store) {
			p, tr := paid(t, s)
			begin(t, s, p, tr)
			if _, err := s.AdoptRefund(ctx, platform("SUCCESS", 5000), noon); !errors.Is(err, ledger.ErrRefundRefused) {
				t.Errorf("err = %v", err)
			}
			state(t, s, p, ledger.OrderPaid, ledger.TransferRefunding)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				test(t, s)
				if got := kinds(proven(t, s)); !strings.Contains(got, "platform_refund") {
					t.Errorf("cases %q", got)
				}
			})
		})
	}
}
