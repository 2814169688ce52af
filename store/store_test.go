package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

// campus puts one verified holder with a card and two terminals in place.
func campus(t testing.TB, s *store.Store, n int) ledger.Person {
	t.Helper()
	ctx := context.Background()
	no := fmt.Sprintf("2026%04d", n)
	if _, err := s.ImportPerson(ctx, ledger.PersonRow{StudentNo: no, Name: "张小卡", CardNo: "C" + no,
		Email: no + "@campus.example", OpeningBalance: 1250}, noon, false); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"K01", "K02"} {
		err := s.AddTerminal(ctx, ledger.Terminal{ID: id, Kind: ledger.Kiosk, Location: "二号餐厅", SealedSecret: []byte{1}, CreatedAt: noon})
		if err != nil && !errors.Is(err, ledger.ErrTerminalExists) {
			t.Fatal(err)
		}
	}
	p, err := s.PersonByStudentNo(ctx, no)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// topUp takes an order of the person through to a settled payment.
func topUp(t testing.TB, s *store.Store, p ledger.Person, no string, fen ledger.Fen) ledger.Payment {
	t.Helper()
	ctx := context.Background()
	order(t, s, p, no, fen)
	pay := payment(no, fen)
	got, err := s.SettleTopUp(ctx, pay, noon)
	if err != nil || got.Repeat || got.Order.State != ledger.OrderPaid {
		t.Fatalf("SettleTopUp = %+v, %v", got, err)
	}
	return pay
}

func order(t testing.TB, s *store.Store, p ledger.Person, no string, fen ledger.Fen) {
	t.Helper()
	ctx := context.Background()
	o := ledger.Order{OutTradeNo: no, PersonID: p.ID, CardID: p.CardID, Amount: fen, CreatedAt: noon, ExpiresAt: noon.Add(15 * time.Minute)}
	if err := s.CreateOrder(ctx, o); err != nil {
		t.Fatal(err)
	}
	a := ledger.Attempt{OutTradeNo: no, OrderNo: no, N: 1, PersonID: p.ID, Amount: fen, Channel: ledger.JSAPI, AppID: "ww1",
		OpenID: "o1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: o.ExpiresAt}
	if err := s.CreateAttempt(ctx, a); err != nil {
		t.Fatal(err)
	}
	if err := s.SavePrepay(ctx, no, "wx1", "", noon); err != nil {
		t.Fatal(err)
	}
}

func payment(no string, fen ledger.Fen) ledger.Payment {
	return ledger.Payment{OutTradeNo: no, WxTransactionID: "42" + no, MchID: "1900000001", AppID: "ww1", TradeType: "JSAPI",
		TradeState: "SUCCESS", Currency: "CNY", Total: fen, OpenID: "o1", SuccessTime: noon, Source: "notify"}
}

func request(p ledger.Person, key string, chip ledger.Chip) ledger.ClaimRequest {
	return ledger.ClaimRequest{TerminalID: "K01", IdempotencyKey: key, BodyHash: []byte(key), CardNo: p.CardNo, Chip: chip,
		Now: noon, Expire: 2 * time.Minute, MaxBalance: 100000}
}

// proven fails the test unless the ledger's invariants hold.
func proven(t testing.TB, s *store.Store) store.Report {
	t.Helper()
	r, err := s.CheckLedger(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, in := range r.Invariants {
		for _, v := range in.Violations {
			t.Errorf("invariant %d: %s", in.ID, v)
		}
	}
	return r
}

func balance(t testing.TB, s *store.Store, p ledger.Person, books, pending, inFlight ledger.Fen) {
	t.Helper()
	b, err := s.Balance(context.Background(), p.ID, noon)
	if err != nil {
		t.Fatal(err)
	}
	if b.Books != books || b.Pending != pending || b.InFlight != inFlight {
		t.Errorf("balance = %v books, %v pending, %v in flight; want %v, %v, %v", b.Books, b.Pending, b.InFlight, books, pending, inFlight)
	}
}

func TestStore_SettleTopUp(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		pay := topUp(t, s, p, "XK1", 5000)
		balance(t, s, p, 1250, 5000, 0)

		t.Run("Duplicate", func(t *testing.T) {
			again, err := s.SettleTopUp(ctx, pay, noon)
			if err != nil || !again.Repeat || again.Order.TransferID == "" {
				t.Errorf("SettleTopUp = %+v, %v; want a repeat", again, err)
			}
			balance(t, s, p, 1250, 5000, 0)
		})
		t.Run("Mismatch", func(t *testing.T) {
			order(t, s, p, "XK2", 2000)
			for field, change := range map[string]func(*ledger.Payment){
				"amount":      func(p *ledger.Payment) { p.Total++ },
				"currency":    func(p *ledger.Payment) { p.Currency = "USD" },
				"appid":       func(p *ledger.Payment) { p.AppID = "ww2" },
				"trade_state": func(p *ledger.Payment) { p.TradeState = "NOTPAY" },
			} {
				wrong := payment("XK2", 2000)
				change(&wrong)
				_, err := s.SettleTopUp(ctx, wrong, noon)
				var m *ledger.MismatchError
				if !errors.As(err, &m) || m.Field != field {
					t.Errorf("%s changed: err = %v", field, err)
				}
			}
			taken := payment("XK2", 2000)
			taken.WxTransactionID = pay.WxTransactionID
			var m *ledger.MismatchError
			if _, err := s.SettleTopUp(ctx, taken, noon); !errors.As(err, &m) || m.Field != "transaction_id" {
				t.Errorf("a transaction of another order: err = %v", err)
			}
			balance(t, s, p, 1250, 5000, 0)
			if got := len(proven(t, s).Exceptions); got != 5 {
				t.Errorf("%d cases are listed, want 5", got)
			}
		})
		t.Run("UnknownOrder", func(t *testing.T) {
			if _, err := s.SettleTopUp(ctx, payment("XK404", 100), noon); !errors.Is(err, ledger.ErrUnknownOrder) {
				t.Errorf("err = %v, want ErrUnknownOrder", err)
			}
		})
		t.Run("SecondAttemptPaid", func(t *testing.T) {
			a := ledger.Attempt{OutTradeNo: "XK1-2", OrderNo: "XK1", N: 2, PersonID: p.ID, Amount: 5000, Channel: ledger.Native,
				AppID: "ww1", Description: "校园卡充值", CreatedAt: noon, ExpiresAt: noon}
			if err := s.CreateAttempt(ctx, a); err != nil {
				t.Fatal(err)
			}
			got, err := s.SettleTopUp(ctx, payment("XK1-2", 5000), noon)
			if err != nil || !got.RefundDue {
				t.Errorf("SettleTopUp = %+v, %v; want a refund due", got, err)
			}
			balance(t, s, p, 1250, 5000, 0)
			proven(t, s)
		})
	})
}

func TestStore_SettleTopUp_Concurrent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		order(t, s, p, "XK1", 5000)
		var credited sync.Map
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				got, err := s.SettleTopUp(context.Background(), payment("XK1", 5000), noon)
				if err != nil {
					t.Errorf("copy %d: %v", i, err)
				}
				if !got.Repeat {
					credited.Store(i, true)
				}
			})
		}
		wg.Wait()
		n := 0
		credited.Range(func(any, any) bool { n++; return true })
		if n != 1 {
			t.Errorf("%d of 20 copies credited, want 1", n)
		}
		balance(t, s, p, 1250, 5000, 0)
		proven(t, s)
	})
}

func TestStore_Claim(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	chip := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}
	written := ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 6250}
	authorised := func(t *testing.T, s *store.Store) (ledger.Person, ledger.Claim) {
		p := campus(t, s, 1)
		topUp(t, s, p, "XK1", 5000)
		c, err := s.Authorise(ctx, request(p, "key-1", chip))
		if err != nil || c.Amount != 5000 || len(c.Transfers) != 1 || c.Expected() != written {
			t.Fatalf("Authorise = %+v, %v", c, err)
		}
		balance(t, s, p, 1250, 0, 5000)
		return p, c
	}
	for name, test := range map[string]func(t *testing.T, s *store.Store){
		"Confirm": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			for range 2 {
				got, err := s.ConfirmClaim(ctx, "K01", c.ID, written, noon)
				if err != nil || got.State != ledger.ClaimClaimed {
					t.Fatalf("ConfirmClaim = %+v, %v", got, err)
				}
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"ConfirmUnchangedChip": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, chip, noon); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Errorf("err = %v, want chip_out_of_step", err)
			}
			balance(t, s, p, 1250, 0, 5000)
		},
		"ConfirmReleased": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			if _, err := s.CancelClaim(ctx, "K01", c.ID, chip, "refused", noon); err != nil {
				t.Fatal(err)
			}
			for i, shown := range []ledger.Chip{chip, written} { // in step with the books; a write after all
				if _, err := s.ConfirmClaim(ctx, "K01", c.ID, shown, noon); !errors.Is(err, ledger.ErrChipOutOfStep) {
					t.Errorf("err = %v, want chip_out_of_step", err)
				}
				if cases, err := s.Cases(ctx, false); err != nil || len(cases) != i {
					t.Errorf("after %+v the cases are %+v, %v; want %d", shown, cases, err, i)
				}
			}
			balance(t, s, p, 1250, 5000, 0)
		},
		"ConfirmByAnother": func(t *testing.T, s *store.Store) {
			_, c := authorised(t, s)
			if _, err := s.ConfirmClaim(ctx, "K02", c.ID, written, noon); !errors.Is(err, ledger.ErrClaimNotFound) {
				t.Errorf("err = %v, want claim_not_found", err)
			}
		},
		"Cancel": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			for range 2 {
				got, err := s.CancelClaim(ctx, "K01", c.ID, chip, "card_removed", noon)
				if err != nil || got.State != ledger.ClaimReleased {
					t.Fatalf("CancelClaim = %+v, %v", got, err)
				}
			}
			balance(t, s, p, 1250, 5000, 0)
		},
		"CancelButWritten": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			got, err := s.CancelClaim(ctx, "K01", c.ID, written, "timeout", noon)
			if err != nil || got.State != ledger.ClaimClaimed {
				t.Fatalf("CancelClaim = %+v, %v", got, err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"SameKeySameAnswer": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			again, err := s.Authorise(ctx, request(p, "key-1", chip))
			if err != nil || again.ID != c.ID || len(again.Transfers) != 1 {
				t.Errorf("Authorise = %+v, %v; want the same claim", again, err)
			}
			other := request(p, "key-1", chip)
			other.BodyHash = []byte("other")
			if _, err := s.Authorise(ctx, other); !errors.Is(err, ledger.ErrIdempotencyReused) {
				t.Errorf("err = %v, want idempotency_key_reused", err)
			}
		},
		"LostConfirmSeenWritten": func(t *testing.T, s *store.Store) {
			p, _ := authorised(t, s)
			r := request(p, "key-2", written)
			r.TerminalID = "K02"
			if _, err := s.Authorise(ctx, r); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("err = %v, want nothing_pending", err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"UnchangedElsewhere": func(t *testing.T, s *store.Store) {
			p, _ := authorised(t, s)
			r := request(p, "key-2", chip)
			r.TerminalID = "K02"
			if _, err := s.Authorise(ctx, r); !errors.Is(err, ledger.ErrClaimInProgress) {
				t.Errorf("before the time is over: err = %v, want claim_in_progress", err)
			}
			r.Now = noon.Add(3 * time.Minute)
			c, err := s.Authorise(ctx, r)
			if err != nil || c.Amount != 5000 {
				t.Errorf("after it: %+v, %v; want a new claim of the same money", c, err)
			}
			balance(t, s, p, 1250, 0, 5000)
		},
		"UnchangedAtTheSameTerminal": func(t *testing.T, s *store.Store) {
			p, first := authorised(t, s)
			c, err := s.Authorise(ctx, request(p, "key-2", chip))
			if err != nil || c.ID == first.ID {
				t.Errorf("Authorise = %+v, %v; want a fresh claim", c, err)
			}
			balance(t, s, p, 1250, 0, 5000)
		},
		"ImpossibleChip": func(t *testing.T, s *store.Store) {
			p, _ := authorised(t, s)
			r := request(p, "key-2", ledger.Chip{LoadSeq: 8, SpendSeq: 41, Balance: 9999})
			r.Now = noon.Add(time.Hour)
			if _, err := s.Authorise(ctx, r); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Errorf("err = %v, want chip_out_of_step", err)
			}
			balance(t, s, p, 1250, 0, 5000)
			if e := proven(t, s).Exceptions; len(e) != 1 || e[0].Kind != "chip_out_of_step" {
				t.Errorf("exceptions = %+v", e)
			}
			// From now on an unchanged chip gives nothing back; a write still proves itself.
			again := request(p, "key-3", chip)
			again.Now = noon.Add(time.Hour)
			if _, err := s.Authorise(ctx, again); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Errorf("an unchanged chip after it: %v, want chip_out_of_step", err)
			}
			balance(t, s, p, 1250, 0, 5000)
			proof := request(p, "key-4", written)
			if _, err := s.Authorise(ctx, proof); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("a written chip after it: %v, want nothing_pending", err)
			}
			balance(t, s, p, 6250, 0, 0)
		},
		"HeldSettledByAPerson": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			if _, err := s.SettleClaim(ctx, c.ID, false, "two persons", noon); !errors.Is(err, ledger.ErrClaimNotHeld) {
				t.Errorf("a claim that is not held: %v", err)
			}
			if _, err := s.CancelClaim(ctx, "K01", c.ID, ledger.Chip{LoadSeq: 9, SpendSeq: 41, Balance: 1250}, "odd", noon); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Fatal(err)
			}
			if open, err := s.OpenClaims(ctx); err != nil || len(open) != 1 || open[0].HeldAt.IsZero() {
				t.Errorf("OpenClaims = %+v, %v", open, err)
			}
			if got, err := s.SettleClaim(ctx, c.ID, false, "video shows no write; Li and Wang", noon); err != nil || got.State != ledger.ClaimReleased {
				t.Errorf("SettleClaim = %+v, %v", got, err)
			}
			balance(t, s, p, 1250, 5000, 0)
		},
		"InDoubtSettledByAPerson": func(t *testing.T, s *store.Store) {
			p, c := authorised(t, s)
			if _, err := s.SettleClaim(ctx, c.ID, false, "two persons", c.ExpiresAt); !errors.Is(err, ledger.ErrClaimNotHeld) {
				t.Errorf("while the terminal may confirm: %v", err)
			}
			late := c.ExpiresAt.Add(time.Second)
			if got, err := s.SettleClaim(ctx, c.ID, false, "the card is destroyed; Li and Wang", late); err != nil || got.State != ledger.ClaimReleased {
				t.Errorf("SettleClaim = %+v, %v", got, err)
			}
			balance(t, s, p, 1250, 5000, 0)
			if _, err := s.SettleClaim(ctx, c.ID, true, "again", late); !errors.Is(err, ledger.ErrClaimNotHeld) {
				t.Errorf("decided twice: %v", err)
			}
			// A card that turns up and shows the write after all loads nothing.
			if _, err := s.Authorise(ctx, request(p, "key-2", written)); !errors.Is(err, ledger.ErrChipOutOfStep) {
				t.Errorf("a written chip after it: %v, want chip_out_of_step", err)
			}
			balance(t, s, p, 1250, 5000, 0)
		},
		"PurseFull": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			for i, fen := range []ledger.Fen{5000, 20000, 70000} {
				topUp(t, s, p, fmt.Sprintf("XK%d", i), fen)
			}
			full := ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 90000}
			c, err := s.Authorise(ctx, request(p, "key-1", full))
			if err != nil || c.Amount != 5000 {
				t.Fatalf("Authorise = %+v, %v; want the 5000 that fits", c, err)
			}
			balance(t, s, p, 1250, 90000, 5000)
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, c.Expected(), noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.Authorise(ctx, request(p, "key-2", c.Expected())); !errors.Is(err, ledger.ErrPurseFull) {
				t.Errorf("err = %v, want purse_full", err)
			}
		},
		"NothingPending": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			if _, err := s.Authorise(ctx, request(p, "key-1", chip)); !errors.Is(err, ledger.ErrNothingPending) {
				t.Errorf("err = %v, want nothing_pending", err)
			}
		},
		"UnknownCard": func(t *testing.T, s *store.Store) {
			if _, err := s.Authorise(ctx, request(ledger.Person{CardNo: "none"}, "key-1", chip)); !errors.Is(err, ledger.ErrCardNotFound) {
				t.Errorf("err = %v, want card_not_found", err)
			}
		},
		"TwentyAtOnce": func(t *testing.T, s *store.Store) {
			p := campus(t, s, 1)
			topUp(t, s, p, "XK1", 5000)
			var wg sync.WaitGroup
			won := make(chan string, 20)
			for i := range 20 {
				wg.Go(func() {
					r := request(p, fmt.Sprintf("key-%d", i), chip)
					r.TerminalID = fmt.Sprintf("K0%d", 1+i%2)
					switch c, err := s.Authorise(ctx, r); {
					case err == nil:
						won <- c.ID
					case !errors.Is(err, ledger.ErrClaimInProgress):
						t.Errorf("claimer %d: %v", i, err)
					}
				})
			}
			wg.Wait()
			if len(won) == 0 {
				t.Error("nobody won")
			}
			balance(t, s, p, 1250, 0, 5000)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				test(t, s)
				proven(t, s)
			})
		})
	}
}

// The database itself allows one open claim a card, whatever the acts do.

func TestStore_PostingsAreAppendOnly(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		campus(t, s, 1)
		for _, statement := range []string{"UPDATE postings SET amount_fen = 1", "DELETE FROM postings"} {
			if err := s.Exec(context.Background(), statement); err == nil || !strings.Contains(err.Error(), "append-only") {
				t.Errorf("%s: err = %v, want a refusal", statement, err)
			}
		}
	})
}

func TestStore_Holder(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		topUp(t, s, p, "XK1", 5000)
		h, err := s.Holder(ctx, p.CardNo)
		if err != nil || h.Person != p || h.CardNo != p.CardNo || h.Status != ledger.CardNormal || !h.PasswordInitial || h.Pending != 5000 {
			t.Errorf("Holder = %+v, %v", h, err)
		}
		if _, err := s.Holder(ctx, "none"); !errors.Is(err, ledger.ErrCardNotFound) {
			t.Errorf("err = %v, want card_not_found", err)
		}
	})
}
