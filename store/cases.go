package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"gorm.io/gorm"

	"xiaoka/ledger"
)

type caseRow struct {
	ID        int64
	Kind      string
	Ref       string
	CardNo    string
	Detail    string
	At        int64
	SettledAt *int64
	How       string
	Note      string
	Theirs    bool `gorm:"->"`
}

// caseColumns are a case's own, and whether a closed refund gave the money back
// to a holder.
const caseColumns = `cases.*, kind = 'refund_closed' AND EXISTS (SELECT 1 FROM refunds r WHERE r.out_refund_no = ref AND r.transfer_id IS NOT NULL) AS theirs`

func (c caseRow) ledger() ledger.Case {
	return ledger.Case{ID: c.ID, Kind: c.Kind, Ref: c.Ref, CardNo: c.CardNo, Detail: c.Detail, At: timeOf(c.At), Theirs: c.Theirs,
		SettledAt: timeOpt(c.SettledAt), How: ledger.Resolution(c.How), Note: c.Note}
}

// Cases lists what waits for a person, oldest first; with settled also what no
// longer does.
func (s *Store) Cases(ctx context.Context, settled bool) ([]ledger.Case, error) {
	query := s.db.WithContext(ctx).Table("cases").Select(caseColumns).Order("at, id")
	if !settled {
		query = query.Where("settled_at IS NULL")
	}
	var found []caseRow
	if err := query.Scan(&found).Error; err != nil {
		return nil, fmt.Errorf("list the cases: %w", err)
	}
	out := make([]ledger.Case, len(found))
	for i, c := range found {
		out[i] = c.ledger()
	}
	return out, nil
}

// Case reads one case, or ErrNotFound.
func (s *Store) Case(ctx context.Context, id int64) (ledger.Case, error) {
	return oneCase(s.db.WithContext(ctx).Table("cases"), id)
}

func oneCase(query *gorm.DB, id int64) (ledger.Case, error) {
	var found []caseRow
	if err := query.Select(caseColumns).Where("id = ?", id).Scan(&found).Error; err != nil {
		return ledger.Case{}, fmt.Errorf("read the case: %w", err)
	}
	if len(found) == 0 {
		return ledger.Case{}, ledger.ErrNotFound
	}
	return found[0].ledger(), nil
}

// SettleCase settles a case by a person's decision, with whatever it does to
// the money, and writes both down. ResolveRefund needs the payment as WeChat
// Pay's verified answer has it now; the other resolutions take none. Errors:
// ErrNotFound, ErrCaseSettled, ErrNotSo.
func (s *Store) SettleCase(ctx context.Context, id int64, how ledger.Resolution, note string, p ledger.Payment, now time.Time) (ledger.Case, error) {
	var done ledger.Case
	err := s.tx(ctx, func(tx *gorm.DB) error {
		c, err := oneCase(forUpdate(tx.Table("cases")), id)
		switch {
		case err != nil:
			return err
		case !c.SettledAt.IsZero():
			return ledger.ErrCaseSettled
		case !c.Allows(how):
			return ledger.ErrNotSo
		}
		switch how {
		case ledger.ResolveRefund:
			err = returnPayment(tx, c, p, now)
		case ledger.ResolveRetry:
			err = retryRefund(tx, c, now)
		case ledger.ResolveChip:
			err = acceptChip(tx, c)
		case ledger.ResolveBook:
			err = s.bookKept(ctx, tx, c, now)
		}
		if err != nil {
			return err
		}
		err = write(tx, "settle the case", `UPDATE cases SET settled_at = ?, how = ?, note = ? WHERE id = ?`, micros(now), string(how), note, id)
		if err != nil {
			return err
		}
		c.SettledAt, c.How, c.Note = now, how, note
		done = c
		return audit(tx, ledger.AuditEntry{At: now, Actor: "operator", Action: "case_settled", CardNo: c.CardNo,
			Detail: fmt.Sprintf("%s %s, %s: %s", c.Kind, c.Ref, how, note)})
	})
	if conflict(err) {
		err = fmt.Errorf("%w: a refund of this payment is under way, or its transaction is in the books", ledger.ErrNotSo)
	}
	return done, err
}

// returnPayment takes a payment that is not what was ordered into the books as
// one that nobody needed, and begins its refund in full.
func returnPayment(tx *gorm.DB, c ledger.Case, p ledger.Payment, now time.Time) error {
	outTradeNo, _ := c.Payment()
	a, o, err := lockPayment(tx, outTradeNo)
	if err != nil {
		return err
	}
	switch field := differs(a, p); {
	case p.OutTradeNo != outTradeNo || c.Ref != ledger.MismatchRef(outTradeNo, field, p.WxTransactionID):
		return fmt.Errorf("%w: WeChat Pay no longer says what the case says", ledger.ErrNotSo)
	case a.State == string(ledger.AttemptPaid) || a.State == string(ledger.AttemptRefunded):
		return fmt.Errorf("%w: a payment of this number is in the books", ledger.ErrNotSo)
	}
	paidAt := p.SuccessTime
	if paidAt.IsZero() {
		paidAt = now
	}
	var other *int64
	if total := int64(p.Total); total != a.AmountFen {
		other = &total
	}
	err = write(tx, "mark the attempt paid", `UPDATE attempts SET state = 'paid', wx_transaction_id = ?, paid_at = ?, paid_fen = ? WHERE out_trade_no = ?`,
		p.WxTransactionID, micros(paidAt), other, outTradeNo)
	if err != nil {
		return err
	}
	if o.State == string(ledger.OrderCreated) {
		if err := write(tx, "close the order", `UPDATE orders SET state = 'closed' WHERE out_trade_no = ?`, o.OutTradeNo); err != nil {
			return err
		}
	}
	if err := bookSurplus(tx, outTradeNo, p.Total, now); err != nil {
		return err
	}
	_, err = startRefund(tx, a, nil, refund{AmountFen: int64(p.Total), State: string(ledger.RefundWanted)}, now)
	return err
}

// retryRefund asks again, under the next number, for a refund that WeChat Pay
// closed and whose money waits in suspense.
func retryRefund(tx *gorm.DB, c ledger.Case, now time.Time) error {
	r, err := lockRefund(tx, c.Ref)
	if err != nil {
		return err
	}
	if r.State != ledger.RefundClosed {
		return fmt.Errorf("%w: the refund is %s", ledger.ErrNotSo, r.State)
	}
	a, _, err := lockPayment(tx, r.OutTradeNo)
	if err != nil {
		return err
	}
	if a.State != string(ledger.AttemptPaid) {
		return fmt.Errorf("%w: the payment is %s", ledger.ErrNotSo, a.State)
	}
	_, err = startRefund(tx, a, nil, refund{AmountFen: int64(r.Amount), State: string(ledger.RefundWanted)}, now)
	return err
}

// acceptChip takes the counters of the case as the card's newest. The books'
// balance stands; a difference from the chip's goes on being listed.
func acceptChip(tx *gorm.DB, c ledger.Case) error {
	chip, ok := c.Chip()
	if !ok {
		return fmt.Errorf("%w: the chip cannot be read from %q", ledger.ErrNotSo, c.Ref)
	}
	card, err := lockCard(tx, "card_no = ?", c.CardNo)
	if err != nil {
		return err
	}
	switch err := claimOpen(tx, card.ID); {
	case errors.Is(err, ledger.ErrClaimInProgress):
		return fmt.Errorf("%w: the card has a claim of unknown outcome, settle that first: xiaoka claim list", ledger.ErrNotSo)
	case err != nil:
		return err
	}
	first := chip.SpendSeq
	if card.FirstSpendSeq != nil {
		first = min(first, *card.FirstSpendSeq)
	}
	return write(tx, "accept the chip", `UPDATE campus_cards SET chip_load_seq = ?, chip_spend_seq = ?, chip_balance_fen = ?, first_spend_seq = ?,
		records = (SELECT COUNT(*) FROM consumptions n WHERE n.card_id = campus_cards.id AND n.spend_seq > ?) WHERE id = ?`,
		chip.LoadSeq, chip.SpendSeq, int64(chip.Balance), first, first, card.ID)
}

// bookKept books a record that was kept aside as its till sent it, now that its
// card is on record; one whose clock was impossible as of when it came.
func (s *Store) bookKept(ctx context.Context, tx *gorm.DB, c ledger.Case, now time.Time) error {
	terminalID, seq, digest, ok := c.Record()
	if !ok {
		return fmt.Errorf("%w: the record cannot be read from %q", ledger.ErrNotSo, c.Ref)
	}
	var kept []string
	if err := tx.Raw(`SELECT record FROM rejections WHERE terminal_id = ? AND seq = ? AND code = ?`, terminalID, seq, c.Kind).Scan(&kept).Error; err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	i := slices.IndexFunc(kept, func(record string) bool { return len(kept) == 1 || recordDigest([]byte(record)) == digest })
	if i < 0 {
		return fmt.Errorf("%w: its record is not kept", ledger.ErrNotSo)
	}
	var record ledger.Consumption
	if err := json.Unmarshal([]byte(kept[i]), &record); err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	if record.Fault == ledger.RejectTime { // everything else of it is well-formed
		record.Fault, record.OccurredAt = "", c.At
	}
	u := &upload{store: s, ctx: ctx, now: now, terminalID: terminalID, records: []ledger.Consumption{record}}
	if err := u.take(tx, u.lockedSteps()); err != nil {
		return err
	}
	if len(u.done.Rejected) > 0 {
		return fmt.Errorf("%w: the record would be kept aside again (%s)", ledger.ErrNotSo, u.done.Rejected[0].Code)
	}
	return nil
}
