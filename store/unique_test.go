package store_test

import (
	"context"
	"errors"
	"testing"

	"gorm.io/gorm"

	"xiaoka/ledger"
	"xiaoka/store"
	"xiaoka/store/storetest"
)

// What may happen at most once has a unique index. The acts look before they
// write and would seldom meet it, so each is met here by a row that no act
// writes.
func TestStore_AtMostOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		p := campus(t, s, 1)
		till(t, s, "A")
		ingest(t, s, "A", sold(p, 1, 50, 7, 41, 1200), sold(p, 2, 50, 7, 42, 1150))
		for _, no := range []string{"XK1", "XK2"} {
			topUp(t, s, p, no, 5000)
		}
		list, err := s.PendingTransfers(ctx, p.ID, noon)
		if err != nil || len(list) != 2 {
			t.Fatal(list, err)
		}
		if _, err := s.BeginRefund(ctx, p.ID, list[0].ID, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.Authorise(ctx, request(p, "k1", ledger.Chip{LoadSeq: 7, SpendSeq: 42, Balance: 1150})); err != nil {
			t.Fatal(err)
		}
		if _, err := s.GrantSubsidy(ctx, ledger.Subsidy{Batch: "b", StudentNo: p.StudentNo, Title: "补助", Amount: 300}, noon, false); err != nil {
			t.Fatal(err)
		}
		if _, err := s.CorrectPurchase(ctx, ledger.Correction{TerminalID: "A", Seq: 1}, noon); err != nil {
			t.Fatal(err)
		}
		if _, err := s.ReportLoss(ctx, p.ID, noon); err != nil {
			t.Fatal(err)
		}
		const (
			claim = `INSERT INTO claims (id, card_id, person_id, terminal_id, idempotency_key, body_hash, amount_fen, load_seq, spend_seq, balance_fen, state, created_at, expires_at)
				SELECT 'second', card_id, person_id, `
			claimed  = `, created_at, expires_at FROM claims`
			purchase = `INSERT INTO consumptions (terminal_id, seq, card_id, merchant_id, amount_fen, load_seq, spend_seq, balance_fen, occurred_at, received_at,
				booked_on, late, after_loss) SELECT terminal_id, `
			bought = `, balance_fen, occurred_at, received_at, booked_on, late, after_loss FROM consumptions WHERE seq = 1`
			other  = `(SELECT id FROM transfers WHERE kind = 'topup' LIMIT 1)`
		)
		for name, statement := range map[string]string{
			"OpenClaimOfACard":      claim + `'K02', 'k2', body_hash, amount_fen, load_seq, spend_seq, balance_fen, 'open'` + claimed,
			"ClaimOfARequest":       claim + `terminal_id, idempotency_key, body_hash, amount_fen, load_seq, spend_seq, balance_fen, 'released'` + claimed,
			"AttemptOfATransaction": `UPDATE attempts SET wx_transaction_id = '42XK1' WHERE out_trade_no = 'XK2'`,
			"TransferOfAnOrder":     `UPDATE transfers SET source_ref = 'XK1' WHERE source_ref = 'XK2'`,
			"PostingOfAReference":   `INSERT INTO postings (ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at) SELECT ref, debit_kind, debit_owner, credit_kind, credit_owner, amount_fen, at FROM postings LIMIT 1`,
			"RecordOfATill":         purchase + `seq, card_id, merchant_id, amount_fen, load_seq, spend_seq + 10` + bought,
			"PurchaseOfAChip":       purchase + `seq + 10, card_id, merchant_id, amount_fen, load_seq, spend_seq` + bought,
			"RefundUnderWay":        `INSERT INTO refunds (out_refund_no, out_trade_no, n, person_id, amount_fen, state, created_at, next_at) SELECT 'second', out_trade_no, n + 1, person_id, amount_fen, state, created_at, next_at FROM refunds`,
			"GrantOfABatch":         `INSERT INTO subsidies (batch, person_id, transfer_id) SELECT batch, person_id, ` + other + ` FROM subsidies`,
			"CorrectionOfAPurchase": `INSERT INTO corrections (terminal_id, seq, transfer_id, card_id, merchant_id, amount_fen, note, at) SELECT terminal_id, seq, ` + other + `, card_id, merchant_id, amount_fen, note, at FROM corrections`,
			"CardInUseOfAPerson":    `INSERT INTO campus_cards (card_no, person_id, status, opening_fen, balance_fen, created_at) SELECT 'second', person_id, 'lost', 0, 0, created_at FROM campus_cards`,
			"LossOfACard":           `INSERT INTO losses (receipt, card_id, person_id, accepted_at, version) SELECT 'second', card_id, person_id, accepted_at, version + 1 FROM losses`,
			"NonceOfATerminal":      `INSERT INTO nonces (terminal_id, nonce, at) VALUES ('K01', 'n', 1), ('K01', 'n', 2)`,
		} {
			t.Run(name, func(t *testing.T) {
				if err := s.Exec(ctx, statement); !errors.Is(err, gorm.ErrDuplicatedKey) {
					t.Errorf("err = %v, want that it stands already", err)
				}
			})
		}
	})
}
