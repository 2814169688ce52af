package main

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/base64"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

var stored = flag.Int("stored", 10_000, "purchases in the books before BenchmarkUpload")

// tills upload at once.
const tills = 8

// BenchmarkUpload is the way of full batches of purchases from signed HTTP
// requests into PostgreSQL: tills, server and database share this machine.
// Only the making of the bodies is not timed.
func BenchmarkUpload(b *testing.B) {
	url := storetest.PostgresURL(b)
	s, err := store.Open(context.Background(), url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	var key [32]byte
	secret := kiosk.NewSecret()
	for i := range tills {
		sealed, err := kiosk.Seal(key, till(i), secret)
		if err != nil {
			b.Fatal(err)
		}
		t := ledger.Terminal{ID: till(i), Kind: ledger.POS, Location: "二号餐厅", SealedSecret: sealed, CreatedAt: time.Unix(1, 0)}
		if err := s.AddTerminal(context.Background(), t); err != nil {
			b.Fatal(err)
		}
	}
	cards := history(b, url, *stored)
	mux := http.NewServeMux()
	kiosk.New(kiosk.Config{Store: s, SealKey: key, Log: slog.New(slog.DiscardHandler)}).Routes(mux)
	server := httptest.NewServer(mux)
	b.Cleanup(server.Close)

	var bodies [][]byte
	next := batches(cards, *stored)
	post := func(i int) {
		body := bodies[i]
		r, err := http.NewRequest(http.MethodPost, server.URL+"/pos/v1/consumptions", bytes.NewReader(body))
		if err != nil {
			b.Error(err)
			return
		}
		at, nonce := fmt.Sprint(time.Now().Unix()), fmt.Sprintf("%032d", i)
		mac := kiosk.Sign(secret, r.Method, "/pos/v1/consumptions", at, nonce, body)
		r.Header.Set("Authorization", fmt.Sprintf(`XIAOKA-HMAC-SHA256 terminal_id="%s",timestamp="%s",nonce_str="%s",signature="%s"`,
			till(i), at, nonce, base64.StdEncoding.EncodeToString(mac)))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			b.Error(err)
			return
		}
		defer answer.Body.Close()
		said, err := io.ReadAll(answer.Body)
		if err != nil || !strings.HasPrefix(string(said), fmt.Sprintf(`{"accepted":%d,`, ledger.MaxBatch)) {
			b.Errorf("%d %s %v", answer.StatusCode, said, err)
		}
	}
	upload := func(from, to int) {
		var lines sync.WaitGroup
		for t := range tills {
			lines.Go(func() {
				for i := from + t; i < to && !b.Failed(); i += tills {
					post(i)
				}
			})
		}
		lines.Wait()
	}
	const settled = 16 * tills // plans are made, merchants and nearly all cards known
	for len(bodies) < settled {
		bodies = append(bodies, next())
	}
	upload(0, settled)
	b.Run("plain", func(b *testing.B) {
		from := len(bodies)
		for range b.N {
			bodies = append(bodies, next())
		}
		runtime.GC()
		b.ResetTimer()
		upload(from, len(bodies))
		b.StopTimer()
		b.ReportMetric(float64(b.N)*ledger.MaxBatch/b.Elapsed().Seconds(), "records/s")
	})
}

func till(i int) string { return fmt.Sprintf("P%02d", i%tills) }

// history puts people with cards and n purchases of theirs into the books, as
// a hundred other tills uploaded them, and returns how many cards there are.
func history(b *testing.B, url string, n int) (cards int) {
	db, err := sql.Open("pgx", url)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	cards = 30_000 // a university
	_, err = db.Exec(`INSERT INTO people (id, student_no, name, user_id, created_at) SELECT i, 's' || i, '张小卡', 's' || i, 1 FROM generate_series(1, $1::bigint) i`, cards)
	if err == nil {
		_, err = db.Exec(`INSERT INTO campus_cards (id, card_no, person_id, status, opening_fen, balance_fen, chip_load_seq, chip_spend_seq, chip_balance_fen, first_spend_seq, records, created_at)
			SELECT i, 'C' || i, i, 'normal', 0, 1000000, 1, $2::bigint, 1000000, 0, $2, 1 FROM generate_series(1, $1::bigint) i`, cards, n/cards)
	}
	if err == nil {
		_, err = db.Exec(`INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen, occurred_at, received_at, booked_on, late, after_loss)
			SELECT 'H' || i % 100, 1 + i / 100, 1 + i % $1::bigint, 1, 650, 1, 1 + i / $1, 1000000, 1700000000000000 + i, 1700000000000000 + i, 20231115, FALSE, FALSE
			FROM generate_series(0, $2::bigint - 1) i`, cards, n)
	}
	if err == nil {
		_, err = db.Exec("VACUUM ANALYZE")
	}
	if err != nil {
		b.Fatal(err)
	}
	return cards
}

// batches gives full uploads of purchases that follow on n of cards, by turns
// of the tills, a card at most once in each.
func batches(cards, n int) (next func() []byte) {
	spent := make([]int, cards) // purchases in these batches, by card
	at := time.Now().Add(-time.Minute).Format(time.RFC3339)
	random := rand.New(rand.NewPCG(1, 2))
	i := 0
	return func() []byte {
		var body bytes.Buffer
		body.WriteString(`{"records":[`)
		for k, card := range random.Perm(cards)[:ledger.MaxBatch] {
			if k > 0 {
				body.WriteByte(',')
			}
			spent[card]++
			spend := (n+cards-1)/cards + spent[card]
			fmt.Fprintf(&body, `{"seq":%d,"card_no":"C%d","amount_fen":650,"chip":{"load_seq":1,"spend_seq":%d,"balance_fen":999350},"occurred_at":"%s","merchant":"二号餐厅"}`,
				i/tills*ledger.MaxBatch+k+1, card+1, spend, at)
		}
		body.WriteString("]}")
		i++
		return body.Bytes()
	}
}
