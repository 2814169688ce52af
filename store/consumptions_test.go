package store_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// till registers a till.
func till(t testing.TB, s *store.Store, id string) {
	t.Helper()
	err := s.AddTerminal(context.Background(), ledger.Terminal{ID: id, Kind: ledger.POS, Location: "二号餐厅", Merchant: "风味窗口", SealedSecret: []byte{1}, CreatedAt: noon})
	if err != nil {
		t.Fatal(err)
	}
}

// sold is one purchase of a card whose chip holds after fen afterwards.
func sold(p ledger.Person, seq int64, fen ledger.Fen, load, spend int64, after ledger.Fen) ledger.Consumption {
	return ledger.Consumption{Seq: seq, CardNo: p.CardNo, Amount: fen, OccurredAt: noon.Add(time.Duration(spend) * time.Second),
		Chip: ledger.Chip{LoadSeq: load, SpendSeq: spend, Balance: after}}
}

func ingest(t testing.TB, s *store.Store, id string, records ...ledger.Consumption) ledger.Ingested {
	t.Helper()
	got, err := s.IngestConsumptions(context.Background(), id, records, noon.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func codes(rejected []ledger.Rejection) (all []string) {
	for _, r := range rejected {
		all = append(all, fmt.Sprintf("%d:%s", r.Seq, r.Code))
	}
	return all
}

// The worked numbers of the campus-card reference, section 10.
func TestStore_WorkedNumbers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "A")
		till(t, s, "B")
		// 0: the card was seen at 1250 / 7 / 41.
		if _, err := s.Authorise(ctx, request(p, "seen", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err == nil {
			t.Fatal("nothing is pending yet")
		}
		// 1: paid, notified three times.
		pay := topUp(t, s, p, "XK1", 10000)
		for range 2 {
			if _, err := s.SettleTopUp(ctx, pay, noon); err != nil {
				t.Fatal(err)
			}
		}
		balance(t, s, p, 1250, 10000, 0)
		// 2, 3: 650 spent offline; the machine reads 600 / 7 / 42 and authorises.
		c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 600}))
		if err != nil {
			t.Fatal(err)
		}
		balance(t, s, p, 1250, 0, 10000)
		if b, _ := s.Balance(ctx, p.ID, noon); b.Missing != 1 {
			t.Errorf("%d records are missing, want 1", b.Missing)
		}
		// 4: pulled out after the write. 5, 6: 1200 spent at B proves the load.
		ingest(t, s, "B", sold(p, 1, 1200, 8, 43, 9400))
		balance(t, s, p, 10050, 0, 0)
		if again, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 600})); err != nil || again.State != ledger.ClaimClaimed || again.ID != c.ID {
			t.Errorf("the claim is %+v, %v", again, err)
		}
		// 7, 8: A uploads the 650, twice.
		for range 2 {
			ingest(t, s, "A", sold(p, 1, 650, 7, 42, 600))
			balance(t, s, p, 9400, 0, 0)
		}
		if b, _ := s.Balance(ctx, p.ID, noon); b.Missing != 0 {
			t.Errorf("%d records are missing, want none", b.Missing)
		}
		if e := proven(t, s).Exceptions; len(e) != 0 {
			t.Errorf("exceptions: %+v", e)
		}
	})
}

func TestStore_IngestConsumptions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(t *testing.T, s *store.Store, p ledger.Person){
		"OnceHoweverOften": func(t *testing.T, s *store.Store, p ledger.Person) {
			r := sold(p, 101, 650, 7, 41, 600)
			if got := ingest(t, s, "A", r, r); got.Accepted != 1 || got.Duplicates != 1 || got.AckedSeq != 101 {
				t.Errorf("first upload: %+v", got)
			}
			if got := ingest(t, s, "A", r); got.Accepted != 0 || got.Duplicates != 1 || got.AckedSeq != 101 {
				t.Errorf("second upload: %+v", got)
			}
			balance(t, s, p, 600, 0, 0)
		},
		"Conflicts": func(t *testing.T, s *store.Store, p ledger.Person) {
			ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600))
			changed := sold(p, 1, 651, 7, 41, 599)
			if got := ingest(t, s, "A", changed); !slices.Equal(codes(got.Rejected), []string{"1:conflict"}) {
				t.Errorf("another content: %+v", got)
			}
			till(t, s, "B")
			if got := ingest(t, s, "B", sold(p, 1, 650, 7, 41, 600)); !slices.Equal(codes(got.Rejected), []string{"1:conflict"}) || got.AckedSeq != 1 {
				t.Errorf("the same purchase from another till: %+v", got)
			}
			balance(t, s, p, 600, 0, 0)
			if e := proven(t, s).Exceptions; len(e) != 2 || e[0].Kind != "conflict" || e[0].CardNo != p.CardNo {
				t.Errorf("exceptions: %+v", e)
			}
		},
		"ConflictOfMerchants": func(t *testing.T, s *store.Store, p ledger.Person) {
			r := sold(p, 1, 650, 7, 41, 600)
			ingest(t, s, "A", r)
			r.Merchant = "风味窗口" // the till's own, said aloud
			if got := ingest(t, s, "A", r); got.Duplicates != 1 {
				t.Errorf("the same merchant: %+v", got)
			}
			r.Merchant = "另一家"
			if got := ingest(t, s, "A", r); !slices.Equal(codes(got.Rejected), []string{"1:conflict"}) {
				t.Errorf("another merchant: %+v", got)
			}
			first, second := sold(p, 2, 50, 7, 42, 550), sold(p, 2, 50, 7, 42, 550)
			second.Merchant = "另一家"
			if got := ingest(t, s, "A", first, second); got.Accepted != 1 || !slices.Equal(codes(got.Rejected), []string{"2:conflict"}) {
				t.Errorf("another merchant in one batch: %+v", got)
			}
		},
		"OlderProofKeepsNewerPurchases": func(t *testing.T, s *store.Store, p ledger.Person) {
			ctx := context.Background()
			topUp(t, s, p, "XK1", 5000)
			c, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250}))
			if err != nil {
				t.Fatal(err)
			}
			ingest(t, s, "A", sold(p, 1, 10, 8, 42, 9999)) // more than any write gave: a person looks
			if _, err := s.ConfirmClaim(ctx, "K01", c.ID, c.Expected(), noon.Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			balance(t, s, p, 6240, 0, 0)
			if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.Missing != 0 {
				t.Errorf("Balance = %+v, %v; want none missing", b, err)
			}
			want := "the chip holds 9999 fen, the books 6240, at load_seq 8, spend_seq 42, with 0 purchases still missing"
			if e := proven(t, s).Exceptions; !slices.ContainsFunc(e, func(e store.Exception) bool { return e.Detail == want }) {
				t.Errorf("exceptions: %+v", e)
			}
		},
		"OlderPurchaseProves": func(t *testing.T, s *store.Store, p ledger.Person) {
			ctx := context.Background()
			topUp(t, s, p, "XK1", 5000)
			if _, err := s.Authorise(ctx, request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
				t.Fatal(err)
			}
			ingest(t, s, "A", sold(p, 1, 10, 8, 43, 9999))
			ingest(t, s, "A", sold(p, 2, 10, 8, 42, 6240))
			balance(t, s, p, 6230, 0, 0)
			want := "the chip holds 9999 fen, the books 6230, at load_seq 8, spend_seq 43, with 0 purchases still missing"
			if e := proven(t, s).Exceptions; !slices.ContainsFunc(e, func(e store.Exception) bool { return e.Detail == want }) {
				t.Errorf("exceptions: %+v", e)
			}
		},
		"MalformedAlone": func(t *testing.T, s *store.Store, p ledger.Person) {
			bad := sold(p, 2, 0, 7, 42, 600)
			bad.Fault = ledger.RejectAmount
			unknown := sold(ledger.Person{CardNo: "none"}, 3, 100, 1, 1, 0)
			got := ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600), bad, unknown)
			if got.Accepted != 1 || !slices.Equal(codes(got.Rejected), []string{"2:invalid_amount", "3:card_not_found"}) || got.AckedSeq != 3 {
				t.Errorf("got %+v", got)
			}
		},
		"WithoutSeq": func(t *testing.T, s *store.Store, p ledger.Person) {
			nameless := sold(p, 0, 650, 7, 41, 600)
			nameless.Fault, nameless.Raw = ledger.RejectSeq, `{}`
			for range 2 {
				if got := ingest(t, s, "A", nameless); got.Accepted != 0 || !slices.Equal(codes(got.Rejected), []string{"0:invalid_seq"}) || got.AckedSeq != 0 {
					t.Errorf("got %+v", got)
				}
			}
			got := ingest(t, s, "A", sold(p, 101, 650, 7, 41, 600), nameless, nameless)
			if got.Accepted != 1 || !slices.Equal(codes(got.Rejected), []string{"0:invalid_seq", "0:invalid_seq"}) || got.AckedSeq != 101 {
				t.Errorf("got %+v", got)
			}
			if c := onlyCase(t, s, ledger.RejectSeq); c.Detail != "a record whose seq is no whole number from 1 of terminal A, ¥6.50 spent, was not booked" {
				t.Errorf("the case says %q", c.Detail)
			}
		},
		"AckedWithoutGap": func(t *testing.T, s *store.Store, p ledger.Person) {
			for _, step := range []struct{ seq, acked int64 }{{101, 101}, {103, 101}, {104, 101}, {102, 104}, {100, 104}, {98, 98}, {99, 104}} {
				if got := ingest(t, s, "A", sold(p, step.seq, 1, 7, step.seq, 1250-ledger.Fen(step.seq))); got.AckedSeq != step.acked {
					t.Errorf("after %d: acked %d, want %d", step.seq, got.AckedSeq, step.acked)
				}
			}
		},
		"MissingCounted": func(t *testing.T, s *store.Store, p ledger.Person) {
			ctx := context.Background()
			ingest(t, s, "A", sold(p, 1, 50, 7, 41, 1200))
			ingest(t, s, "A", sold(p, 2, 50, 7, 44, 1050))
			if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.Missing != 2 || b.Books != 1150 || b.Last == nil || b.Last.Amount != 50 {
				t.Errorf("Balance = %+v, %v; want 2 missing", b, err)
			}
			ingest(t, s, "A", sold(p, 3, 50, 7, 42, 1150), sold(p, 4, 50, 7, 43, 1100))
			if b, err := s.Balance(ctx, p.ID, noon); err != nil || b.Missing != 0 || b.Books != 1050 {
				t.Errorf("Balance = %+v, %v; want none missing", b, err)
			}
			if e := proven(t, s).Exceptions; len(e) != 0 {
				t.Errorf("exceptions: %+v", e)
			}
		},
		"UnwrittenByPurchase": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			if _, err := s.Authorise(context.Background(), request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
				t.Fatal(err)
			}
			ingest(t, s, "A", sold(p, 1, 650, 7, 42, 600))
			balance(t, s, p, 600, 5000, 0)
		},
		"OlderPurchaseProvesNothing": func(t *testing.T, s *store.Store, p ledger.Person) {
			topUp(t, s, p, "XK1", 5000)
			if _, err := s.Authorise(context.Background(), request(p, "key-1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1250})); err != nil {
				t.Fatal(err)
			}
			ingest(t, s, "A", sold(p, 1, 100, 7, 40, 1350))
			balance(t, s, p, 1150, 0, 5000)
		},
		"AfterLossIsTakenAndTold": func(t *testing.T, s *store.Store, p ledger.Person) {
			ctx := context.Background()
			if err := s.BindCard(ctx, p.ID, noon); err != nil {
				t.Fatal(err)
			}
			if _, err := s.ReportLoss(ctx, p.ID, noon); err != nil {
				t.Fatal(err)
			}
			if got := ingest(t, s, "A", sold(p, 1, 650, 7, 41, 600)); got.Accepted != 1 {
				t.Errorf("got %+v", got)
			}
			out := &outbox{}
			work(t, s, store.Work{Push: out.push, Concurrency: 4})
			events := out.wait(t, 3) // bound, lost, spent
			if !slices.ContainsFunc(events, func(e ledger.Event) bool {
				return e.Kind == ledger.EventSpentAfterLoss && e.Amount == 650 && e.Bearer == ledger.BearerCampus
			}) {
				t.Errorf("pushed %+v", events)
			}
		},
		"LowBalanceOncePerCrossing": func(t *testing.T, s *store.Store, p ledger.Person) {
			ctx := context.Background()
			if err := s.BindCard(ctx, p.ID, noon); err != nil {
				t.Fatal(err)
			}
			if err := s.SetLowBalance(ctx, p.ID, 1000); err != nil {
				t.Fatal(err)
			}
			if err := s.SetPush(ctx, p.ID, ledger.EventConsumption, false); err != nil {
				t.Fatal(err)
			}
			ingest(t, s, "A", sold(p, 1, 100, 7, 41, 1150))
			ingest(t, s, "A", sold(p, 2, 200, 7, 42, 950))
			ingest(t, s, "A", sold(p, 3, 200, 7, 43, 750))
			out := &outbox{}
			work(t, s, store.Work{Push: out.push, Concurrency: 4})
			out.wait(t, 2) // bound, low
			time.Sleep(300 * time.Millisecond)
			if got := out.wait(t, 2); len(got) != 2 || !slices.ContainsFunc(got, func(e ledger.Event) bool { return e.Kind == ledger.EventLowBalance && e.Balance == 950 }) {
				t.Errorf("pushed %+v", got)
			}
		},
		"LateIsBookedNextDay": func(t *testing.T, s *store.Store, p ledger.Person) {
			old := sold(p, 1, 650, 7, 41, 600)
			old.OccurredAt = noon.Add(-72 * time.Hour)
			if got := ingest(t, s, "A", old); got.Accepted != 1 {
				t.Errorf("got %+v", got)
			}
			var booked int64
			var late bool
			if err := s.QueryRow("SELECT booked_on, late FROM consumptions").Scan(&booked, &late); err != nil || booked != 20261122 || !late {
				t.Errorf("booked on %d, late %v, %v", booked, late, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				p := campus(t, s, 1)
				till(t, s, "A")
				test(t, s, p)
				proven(t, s)
			})
		})
	}
}

// Many tills upload purchases of the same cards at once, shuffled and twice.
func TestStore_IngestConsumptions_Concurrent(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const cards, tills, each = 8, 4, 60
		rng := rand.New(rand.NewPCG(1, 2))
		var everybody []ledger.Person
		for i := range cards {
			everybody = append(everybody, campus(t, s, i))
		}
		batches := make([][]ledger.Consumption, tills)
		left := make([]ledger.Fen, cards)
		spent := make([]int64, cards)
		for i := range left {
			left[i] = 1250
		}
		for n := range tills * each {
			i, k := rng.IntN(cards), n%tills
			left[i]--
			spent[i]++
			batches[k] = append(batches[k], sold(everybody[i], int64(len(batches[k])+1), 1, 7, spent[i], left[i]))
		}
		var wg sync.WaitGroup
		for k := range tills {
			till(t, s, fmt.Sprintf("T%d", k))
			all := append(slices.Clone(batches[k]), batches[k]...)
			rng.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
			for chunk := range slices.Chunk(all, 17) {
				wg.Go(func() {
					if _, err := s.IngestConsumptions(context.Background(), fmt.Sprintf("T%d", k), chunk, noon); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		for i, p := range everybody {
			balance(t, s, p, left[i], 0, 0)
		}
		for k := range tills {
			if got := ingest(t, s, fmt.Sprintf("T%d", k), batches[k]...); got.AckedSeq != each || got.Duplicates != each {
				t.Errorf("till %d: %+v", k, got)
			}
		}
		if e := proven(t, s).Exceptions; len(e) != 0 {
			t.Errorf("exceptions: %+v", e)
		}
	})
}

func BenchmarkIngestConsumptions(b *testing.B) {
	onEach(b, func(b *testing.B, s *store.Store) {
		all := people(b, s)
		till(b, s, "A")
		var seq int64
		spent := make([]int64, crowd)
		b.ResetTimer()
		for b.Loop() {
			batch := make([]ledger.Consumption, ledger.MaxBatch)
			for i := range batch {
				who := i % crowd
				spent[who]++
				seq++
				batch[i] = sold(all[who], seq, 1, 7, spent[who], 0)
			}
			if got := ingest(b, s, "A", batch...); got.Accepted != ledger.MaxBatch {
				b.Fatalf("%+v", got)
			}
		}
		b.ReportMetric(float64(b.N)*ledger.MaxBatch/b.Elapsed().Seconds(), "records/s")
	})
}

// Tills that share all their cards upload at once, in three months and not in
// their order: every purchase counts once, on its card and in its month.
func TestStore_IngestConsumptions_SharedCards(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		const people, tills, uploads = 6, 4, 6
		cards := make([]ledger.Person, people)
		till(t, s, "A")
		for i := range cards {
			cards[i] = campus(t, s, i+1)
			ingest(t, s, "A", sold(cards[i], int64(i+1), 1, 7, 41, 1249))
		}
		var lines sync.WaitGroup
		for n := range tills {
			id := fmt.Sprint("T", n)
			till(t, s, id)
			lines.Go(func() {
				for u := range uploads {
					var batch []ledger.Consumption
					for i, p := range cards {
						spend := int64(42 + u*tills + n)
						r := sold(p, int64(u*people+i+1), 10, 7, spend, 1249-10*ledger.Fen(spend-41))
						r.OccurredAt = noon.AddDate(0, -[]int{2, 1, 0, 1, 0, 2}[u], 0)
						batch = append(batch, r)
					}
					got, err := s.IngestConsumptions(t.Context(), id, batch, noon.Add(time.Hour))
					if err != nil || got.Accepted != people || got.AckedSeq != int64((u+1)*people) {
						t.Errorf("%s: %+v, %v", id, got, err)
					}
				}
			})
		}
		lines.Wait()
		if got := ingest(t, s, "T0", sold(cards[0], people*uploads, 10, 7, 9000, 0)); len(got.Rejected) != 1 {
			t.Errorf("another purchase under a count that is taken: %+v", got)
		}
		for _, p := range cards {
			balance(t, s, p, 1250-1-10*tills*uploads, 0, 0)
			if b, _ := s.Balance(t.Context(), p.ID, noon); b.Missing != 0 {
				t.Errorf("%d records are missing, want none", b.Missing)
			}
			for m, want := range map[ledger.Month]ledger.Fen{november - 2: 80, november - 1: 80, november: 81} {
				if got := statement(t, s, p, m); got.Spent != want {
					t.Errorf("%s: %s spent, want %s", m, got.Spent, want)
				}
			}
		}
		if r := proven(t, s); len(r.Exceptions) != 1 { // the other purchase is kept
			t.Errorf("exceptions: %+v", r.Exceptions)
		}
	})
}

// A till that sends a record again, and beside it another of the same count,
// contradicts itself with the other only.
func TestStore_IngestConsumptions_Contrary(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 2)
		till(t, s, "A")
		good, other := sold(p, 1, 650, 7, 41, 600), sold(p, 1, 10, 7, 41, 600)
		epoch := sold(p, 2, 50, 7, 42, 550)
		epoch.OccurredAt = time.Unix(0, 0) // stored as nothing else than it is
		ingest(t, s, "A", good, epoch)
		for _, batch := range [][]ledger.Consumption{{other, good}, {good, other}, {other, good, epoch, good}} {
			got := ingest(t, s, "A", batch...)
			if got.Accepted != 0 || got.Duplicates != len(batch)-1 || len(got.Rejected) != 1 || got.Rejected[0].Code != ledger.RejectConflict {
				t.Errorf("%+v", got)
			}
		}
		c := onlyCase(t, s, ledger.RejectConflict)
		if !strings.Contains(c.Detail, "¥0.10") {
			t.Errorf("the case is about %q", c.Detail)
		}
		balance(t, s, p, 550, 0, 0)
		proven(t, s)
	})
}
