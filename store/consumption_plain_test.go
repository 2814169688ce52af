package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// A plain upload locks its cards last. Whatever is reported or claimed after it
// looked and before it locks them counts as if it had come first.
func TestStore_IngestConsumptions_Meanwhile(t *testing.T) {
	if testing.Short() {
		t.Skip("needs PostgreSQL; -short runs without")
	}
	t.Parallel()
	for name, test := range map[string]struct {
		meanwhile func(ctx context.Context, s *store.Store, p ledger.Person) error
		after     string // a loss marked, open claims
	}{
		"Nothing": {func(context.Context, *store.Store, ledger.Person) error { return nil }, "false 0"},
		"Loss": {func(ctx context.Context, s *store.Store, p ledger.Person) error {
			_, err := s.ReportLoss(ctx, p.ID, noon)
			return err
		}, "true 0"},
		"Claim": {func(ctx context.Context, s *store.Store, p ledger.Person) error {
			_, err := s.Authorise(ctx, request(p, "k1", ledger.Chip{LoadSeq: 7, SpendSeq: 41, Balance: 1200}))
			return err
		}, "false 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			url := storetest.PostgresURL(t)
			s, err := store.Open(ctx, url, store.Options{})
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			p := campus(t, s, 1)
			till(t, s, "A")
			topUp(t, s, p, "XK1", 5000)
			ingest(t, s, "A", sold(p, 1, 50, 7, 41, 1200))

			// Somebody else's row of the same purchase keeps the upload waiting.
			other, err := pgx.Connect(ctx, url)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(ctx)
			row, err := other.Begin(ctx)
			if err != nil {
				t.Fatal(err)
			}
			_, err = row.Exec(ctx, `INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen, occurred_at,
				received_at, booked_on, late, after_loss) SELECT 'other', seq, card_id, merchant_id, amount_fen, load_seq, 42, balance_fen, occurred_at,
				received_at, booked_on, late, after_loss FROM consumptions`)
			if err != nil {
				t.Fatal(err)
			}
			uploaded := make(chan error, 1)
			go func() {
				_, err := s.IngestConsumptions(ctx, "A", []ledger.Consumption{sold(p, 2, 50, 7, 42, 1150)}, noon.Add(time.Hour))
				uploaded <- err
			}()
			for waits := false; !waits; time.Sleep(time.Millisecond) {
				err := s.QueryRow(`SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'
					AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database()))`).Scan(&waits)
				if err != nil || ctx.Err() != nil {
					t.Fatal("the upload does not wait: ", err)
				}
			}
			if err := test.meanwhile(ctx, s, p); err != nil {
				t.Fatal(err)
			}
			if err := row.Rollback(ctx); err != nil {
				t.Fatal(err)
			}
			if err := <-uploaded; err != nil {
				t.Fatal(err)
			}
			var after string
			if err := s.QueryRow(`SELECT concat_ws(' ', (SELECT CAST(after_loss AS TEXT) FROM consumptions WHERE seq = 2),
				(SELECT COUNT(*) FROM claims WHERE state = 'open'))`).Scan(&after); err != nil || after != test.after {
				t.Errorf("after it: %s, %v; want %s", after, err, test.after)
			}
			balance(t, s, p, 1150, 5000, 0)
			proven(t, s)
		})
	}
}

// A chip that was loaded elsewhere may buy, for it has; a person hears of it,
// and the books believe its loads no more than before.
func TestStore_IngestConsumptions_LoadedElsewhere(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "A")
		ingest(t, s, "A", sold(p, 1, 50, 7, 41, 1200))
		if got := ingest(t, s, "A", sold(p, 2, 50, 8, 42, 9000)); got.Accepted != 1 {
			t.Errorf("got %+v", got)
		}
		balance(t, s, p, 1150, 0, 0)
		if e := proven(t, s).Exceptions; !slices.ContainsFunc(e, func(e store.Exception) bool { return e.Kind == "chip_out_of_step" && e.CardNo == p.CardNo }) {
			t.Errorf("exceptions: %+v", e)
		}
	})
}
