package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"xiaoka/ledger"
)

// cardsRead is how many cards of a person, the newest, a list of movements
// reaches back over.
const cardsRead = 20

// Movements lists the newest movements on the person's card, then on those that
// it took the place of: purchases, claims and what was moved off, in the order
// of the cards' own counters, for a till's clock may be slow. Two statements,
// whatever the number of cards.
func (s *Store) Movements(ctx context.Context, personID int64, limit int) ([]ledger.Movement, error) {
	var cards []int64 // a later one has a greater number
	err := s.db.WithContext(ctx).Raw(`SELECT id FROM campus_cards WHERE person_id = ? AND status <> 'closed'
		UNION ALL SELECT old_card_id FROM replacements WHERE person_id = ? ORDER BY id DESC LIMIT ?`, personID, personID, cardsRead).Scan(&cards).Error
	if err != nil {
		return nil, fmt.Errorf("read the person's cards: %w", err)
	}
	return s.movements(ctx, cards, limit)
}

// movementsSQL reads what the chip of a card counted, movedSQL what went off one
// that was replaced.
const (
	movementsSQL = `SELECT CAST(? AS INTEGER) AS card, 'consumption' AS kind, n.amount_fen, n.occurred_at AS at, m.name AS place, n.load_seq, n.spend_seq FROM (
			SELECT * FROM consumptions WHERE card_id = ? ORDER BY spend_seq DESC LIMIT ?) AS n JOIN merchants m ON m.id = n.merchant_id
		UNION ALL
		SELECT CAST(? AS INTEGER), 'claim', k.amount_fen, k.ended_at, t.location, k.load_seq + 1, k.spend_seq FROM (
			SELECT * FROM claims WHERE card_id = ? AND state = 'claimed' ORDER BY ended_at DESC LIMIT ?) AS k JOIN terminals t ON t.id = k.terminal_id`
	movedSQL = `SELECT CAST(? AS INTEGER), 'moved', p.amount_fen, p.at, '', 0, 0 FROM (
			SELECT * FROM postings WHERE debit_kind = 'float' AND debit_owner = ? ORDER BY at DESC LIMIT ?) AS p`
)

// movements lists those of the cards, newest card first, in one statement.
func (s *Store) movements(ctx context.Context, cards []int64, limit int) ([]ledger.Movement, error) {
	var parts []string
	var args []any
	for i, id := range cards {
		parts, args = append(parts, movementsSQL), append(args, i, id, limit, i, id, limit)
		if i > 0 {
			parts, args = append(parts, movedSQL), append(args, i, id, limit)
		}
	}
	if len(parts) == 0 {
		return nil, nil
	}
	var found []struct {
		Card      int
		Kind      string
		AmountFen int64
		At        int64
		Place     string
		LoadSeq   int64
		SpendSeq  int64
	}
	if err := s.db.WithContext(ctx).Raw(strings.Join(parts, " UNION ALL "), args...).Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("read the movements: %w", err)
	}
	out := make([]ledger.Movement, len(found))
	for i, f := range found {
		out[i] = ledger.Movement{Card: f.Card, Kind: f.Kind, Amount: ledger.Fen(f.AmountFen), At: time.UnixMicro(f.At), Where: f.Place,
			LoadSeq: f.LoadSeq, SpendSeq: f.SpendSeq}
	}
	ledger.NewestFirst(out)
	return out[:min(limit, len(out))], nil
}
