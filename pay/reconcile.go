package pay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"xiaoka/ledger"
)

// Class is what comparing one payment or refund with WeChat Pay's bill found.
type Class string

// The classes. Everything but Matched and Foreign is a difference, unless it
// was mended.
const (
	Matched       Class = "matched"
	MissingHere   Class = "missing here"   // paid at WeChat Pay, not in the books
	MissingThere  Class = "missing there"  // in the books, not in the bill
	AmountDiffers Class = "amount differs" // or the transaction, the merchant, the application
	RefundDiffers Class = "refund differs" // in amount or state, or one of the two sides does not know it
	Foreign       Class = "foreign"        // of another system under the same merchant number; only counted
)

// BillLine is one payment or refund of the day and what the comparison found.
type BillLine struct {
	Class           Class
	Mended          bool // the books have what WeChat Pay says by now
	Refund          bool
	At              time.Time // by WeChat Pay's clock
	OutTradeNo      string
	WxTransactionID string
	OutRefundNo     string
	Ours, Theirs    ledger.Fen // 0 = not there
	FeeUnits        int64      // 10⁻⁵ yuan; negative when a fee came back
	Detail          string     // for people; empty for a plain match
}

// Difference tells whether a person has something to do.
func (l BillLine) Difference() bool { return l.Class != Matched && l.Class != Foreign && !l.Mended }

// Reconciliation is a day held against WeChat Pay's bill.
type Reconciliation struct {
	Day         time.Time
	NoBill      bool // WeChat Pay has none: no business, or too early
	Payments    int  // in the bill
	Paid        ledger.Fen
	Refunds     int // in the bill
	Refunded    ledger.Fen
	FeeUnits    int64 // 10⁻⁵ yuan
	Found       map[Class]int
	Mended      int
	Differences int // that remain
	flow        flow
}

// ParseDay reads a day of WeChat Pay's, YYYY-MM-DD: it lasts from midnight to
// midnight in Beijing, whatever zone the school keeps.
func ParseDay(s string) (time.Time, error) { return time.ParseInLocation(time.DateOnly, s, beijing) }

// Reconcile compares the books with WeChat Pay's trade bill of a day and tells
// each of every payment and refund on either side. A payment belongs to the
// day of WeChat Pay's success_time, a refund to the day it was accepted. What
// a verified query bears out is mended by the acts that a notification ends
// in; nothing else is. The bill is verified as a whole before anything is
// compared: ErrBadBill, ErrBillNotReady. A day without a bill is compared with
// nothing.
//
// The bill is streamed; in memory are the day in our books and the numbers in
// the bill, some hundred bytes a payment.
func (m *Merchant) Reconcile(ctx context.Context, day time.Time, each func(BillLine) error) (Reconciliation, error) {
	c := &comparison{Merchant: m, each: each, result: Reconciliation{Day: day, Found: map[Class]int{}}}
	if err := c.load(ctx); err != nil {
		return c.result, err
	}
	file, err := m.bill(ctx, "tradebill?bill_date="+day.Format(time.DateOnly)+"&bill_type=ALL", func(file io.Reader) error {
		sums, err := checkTradeBill(file)
		c.result.Payments, c.result.Paid, c.result.Refunds, c.result.Refunded, c.result.FeeUnits = sums.payments, sums.paid, sums.refunds, sums.refunded, sums.fees
		c.result.flow = sums.flow
		return err
	})
	switch {
	case errors.Is(err, ErrNoBill):
		c.result.NoBill = true
		return c.result, c.rest(ctx)
	case err != nil:
		return c.result, err
	}
	defer file.Close()
	_, err = readBill(file, func(r billRow) error {
		t, err := newTradeRow(r)
		if err != nil {
			return err
		}
		return c.row(ctx, t)
	})
	if err != nil {
		return c.result, err
	}
	return c.result, c.rest(ctx)
}

// comparison is one run of Reconcile: what the books have of the day and the
// bill has not shown yet, and the result so far.
type comparison struct {
	*Merchant
	each     func(BillLine) error
	result   Reconciliation
	payments map[string]ledger.PaidAttempt // by out_trade_no
	refunds  map[string]ledger.Refund      // by out_refund_no
}

func (c *comparison) load(ctx context.Context) error {
	from, to := c.result.Day, c.result.Day.AddDate(0, 0, 1)
	payments, err := c.cfg.Store.PaidBetween(ctx, from, to)
	if err != nil {
		return fmt.Errorf("payments of the day: %w", err)
	}
	refunds, err := c.cfg.Store.RefundsBetween(ctx, from, to)
	if err != nil {
		return fmt.Errorf("refunds of the day: %w", err)
	}
	c.payments, c.refunds = map[string]ledger.PaidAttempt{}, map[string]ledger.Refund{}
	for _, p := range payments {
		c.payments[p.OutTradeNo] = p
	}
	for _, r := range refunds {
		c.refunds[r.OutRefundNo] = r
	}
	return nil
}

func (c *comparison) tell(l BillLine) error {
	c.result.Found[l.Class]++
	switch {
	case l.Difference():
		c.result.Differences++
	case l.Mended:
		c.result.Mended++
	}
	return c.each(l)
}

// row compares one row of the bill.
func (c *comparison) row(ctx context.Context, t tradeRow) error {
	l := BillLine{Refund: t.refund, At: t.at, OutTradeNo: t.outTradeNo, WxTransactionID: t.wxTransactionID, Theirs: t.amount, FeeUnits: t.fee}
	if t.refund {
		l.OutRefundNo = t.outRefundNo
		return c.refundRow(ctx, t, l)
	}
	p, ok := c.payments[t.outTradeNo]
	delete(c.payments, t.outTradeNo)
	if !ok {
		return c.missingHere(ctx, t, l)
	}
	return c.tell(c.weigh(t, l, p))
}

// weigh compares a payment with the row that shows it.
func (c *comparison) weigh(t tradeRow, l BillLine, p ledger.PaidAttempt) BillLine {
	l.Class, l.Ours = AmountDiffers, p.Amount
	switch {
	case p.Amount != t.amount || t.currency != "CNY":
		l.Detail = "the amount in the books is another one"
	case p.WxTransactionID != t.wxTransactionID:
		l.Detail = "the books have transaction " + p.WxTransactionID
	case t.mchID != c.cfg.MchID:
		l.Detail = "the merchant is not us"
	case t.appID != p.AppID:
		l.Detail = "the application is another one"
	default:
		l.Class = Matched
	}
	return l
}

// missingHere deals with a payment that the books do not have on that day. If
// WeChat Pay's signed word bears it out, it is settled as its notification
// would have been.
func (c *comparison) missingHere(ctx context.Context, t tradeRow, l BillLine) error {
	l.Class = MissingHere
	a, err := c.cfg.Store.Attempt(ctx, t.outTradeNo)
	if errors.Is(err, ledger.ErrUnknownOrder) {
		if _, ours := numberDay(t.outTradeNo); !ours {
			l.Class = Foreign
			return c.tell(l)
		}
		l.Detail = "no such order here"
		p := ledger.Payment{OutTradeNo: t.outTradeNo, WxTransactionID: t.wxTransactionID, Total: t.amount, Source: "bill"}
		return errors.Join(c.record(ctx, "unknown_order", p, l.Detail), c.tell(l))
	}
	if err != nil {
		return fmt.Errorf("attempt %s: %w", t.outTradeNo, err)
	}
	booked := a.State == ledger.AttemptPaid || a.State == ledger.AttemptRefunded
	if !booked {
		_, asked := c.ask(ctx, a)
		if a, err = c.cfg.Store.Attempt(ctx, t.outTradeNo); err != nil {
			return fmt.Errorf("attempt %s: %w", t.outTradeNo, err)
		}
		booked = a.State == ledger.AttemptPaid || a.State == ledger.AttemptRefunded
		l.Mended = booked
		l.Detail = "the notification never came; settled by a query"
		if !booked {
			l.Detail = "it could not be settled; see `xiaoka ledger check` for its case"
		}
		if asked != nil {
			l.Detail = "WeChat Pay could not be asked: " + asked.Error()
		}
	}
	weighed := c.weigh(t, l, ledger.PaidAttempt{OutTradeNo: a.OutTradeNo, WxTransactionID: a.WxTransactionID, AppID: a.AppID, Amount: a.Amount})
	switch {
	case l.Mended && weighed.Class == Matched:
		l.Ours = a.Amount
	case booked:
		l = weighed // counted on another day, or not the same
		l.Mended = false
	case a.Amount != t.amount:
		l = weighed
		l.Detail = "the order is of another amount; it is not credited: see `xiaoka case list`"
	}
	return c.tell(l)
}

// refundRow compares a row about a refund.
func (c *comparison) refundRow(ctx context.Context, t tradeRow, l BillLine) error {
	l.Class = RefundDiffers
	r, ok := c.refunds[t.outRefundNo]
	delete(c.refunds, t.outRefundNo)
	var err error
	if !ok {
		r, err = c.cfg.Store.Refund(ctx, t.outRefundNo)
	}
	adopted := errors.Is(err, ledger.ErrUnknownRefund)
	if adopted {
		if foreign, err := c.foreignRefund(ctx, t); err != nil {
			return err
		} else if foreign {
			l.Class = Foreign
			return c.tell(l)
		}
		r, err = c.adoptRow(ctx, t)
	}
	switch {
	case errors.Is(err, ledger.ErrUnknownRefund):
		l.Detail = "unknown here, made on the merchant platform; it is listed as a case"
		return c.tell(l)
	case errors.As(err, new(*callError)):
		l.Detail = "unknown here, and WeChat Pay could not be asked: " + err.Error()
		return c.tell(l)
	case err != nil:
		return fmt.Errorf("refund %s: %w", t.outRefundNo, err)
	}
	return c.tell(c.weighRefund(ctx, t, l, r, adopted))
}

// foreignRefund tells whether a refund that the books do not know is of a
// payment that cannot be ours.
func (c *comparison) foreignRefund(ctx context.Context, t tradeRow) (bool, error) {
	if _, ours := numberDay(t.outTradeNo); ours {
		return false, nil
	}
	_, err := c.cfg.Store.Attempt(ctx, t.outTradeNo)
	if err != nil && !errors.Is(err, ledger.ErrUnknownOrder) {
		return false, fmt.Errorf("attempt %s: %w", t.outTradeNo, err)
	}
	return err != nil, nil
}

// weighRefund compares a refund with the row that shows it. The row's state is
// as old as the bill; WeChat Pay is asked how a refund under way has ended.
func (c *comparison) weighRefund(ctx context.Context, t tradeRow, l BillLine, r ledger.Refund, adopted bool) BillLine {
	news := adopted
	if !r.Final() {
		after, err := c.catchUp(ctx, r)
		if err != nil {
			l.Ours, l.Detail = r.Amount, "how it ended is not known: "+err.Error()
			return l
		}
		news, r = news || after.Final(), after
	}
	l.Ours = r.Amount
	switch {
	case r.Amount != t.amount || r.OutTradeNo != t.outTradeNo || r.WxRefundID != t.wxRefundID:
		l.Detail = fmt.Sprintf("the books have refund %s of payment %s", r.WxRefundID, r.OutTradeNo)
	case r.Amount != r.Paid:
		l.Detail = fmt.Sprintf("%s of %s came back; the rest is a person's to decide", r.Amount, r.Paid)
	case r.Final() && news:
		l.Mended, l.Detail = true, "nobody told us; it is "+string(r.State)+" here now"
	case adopted:
		l.Detail = "unknown here until now, made on the merchant platform; it is " + string(r.State)
	case r.State == ledger.RefundDone && t.refundStatus == "CLOSED", r.State == ledger.RefundClosed && t.refundStatus == "SUCCESS":
		l.Detail = fmt.Sprintf("it is %s here and %s in the bill", r.State, strings.ToLower(t.refundStatus))
	default:
		l.Class = Matched
	}
	return l
}

// adoptRow takes a refund of the bill that the books do not know over, as
// WeChat Pay's signed word has it. ErrUnknownRefund when that is not possible.
func (c *comparison) adoptRow(ctx context.Context, t tradeRow) (ledger.Refund, error) {
	w, err := c.queryRefund(ctx, t.outRefundNo)
	if failed(err, notFound) {
		w = ledger.WxRefund{OutRefundNo: t.outRefundNo, OutTradeNo: t.outTradeNo, Amount: t.amount, Source: "bill"}
		return ledger.Refund{}, errors.Join(ledger.ErrUnknownRefund, c.refundCase(ctx, "unknown_refund", w, "in the bill, and unknown to a query"))
	}
	if err != nil {
		return ledger.Refund{}, err
	}
	if err := c.adoptRefund(ctx, w); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return ledger.Refund{}, err
	}
	return c.cfg.Store.Refund(ctx, t.outRefundNo)
}

// catchUp brings a refund under way to where WeChat Pay says it is; asked is
// why that is not known.
func (c *comparison) catchUp(ctx context.Context, r ledger.Refund) (_ ledger.Refund, asked error) {
	w, err := c.queryRefund(ctx, r.OutRefundNo)
	if err != nil {
		return r, err
	}
	after, err := c.settleRefund(ctx, w)
	if err != nil {
		return r, err
	}
	return after, nil
}

// rest deals with what the books have and the bill has not.
func (c *comparison) rest(ctx context.Context) error {
	for _, no := range slices.Sorted(maps.Keys(c.payments)) {
		if err := c.missingThere(ctx, c.payments[no]); err != nil {
			return err
		}
	}
	for _, no := range slices.Sorted(maps.Keys(c.refunds)) {
		if err := c.refundMissingThere(ctx, c.refunds[no]); err != nil {
			return err
		}
	}
	return nil
}

// missingThere asks about a payment that the bill does not show: only WeChat
// Pay can say that it counts it on another day.
func (c *comparison) missingThere(ctx context.Context, p ledger.PaidAttempt) error {
	l := BillLine{Class: MissingThere, At: p.PaidAt, OutTradeNo: p.OutTradeNo, WxTransactionID: p.WxTransactionID, Ours: p.Amount}
	t, err := c.query(ctx, p.OutTradeNo)
	if err != nil {
		l.Detail = "not in the bill, and a query gives no answer: " + err.Error()
		return c.tell(l)
	}
	said := payment(t, "query")
	switch {
	case (said.TradeState == tradeSuccess || said.TradeState == "REFUND") && said.Total == p.Amount && said.WxTransactionID == p.WxTransactionID:
		if day := said.SuccessTime.In(beijing).Format(time.DateOnly); day != c.result.Day.Format(time.DateOnly) {
			l.Class, l.Theirs, l.Detail = Matched, p.Amount, "WeChat Pay counts it on "+day
			break
		}
		l.Detail = "not in the bill, though WeChat Pay says that it was paid: have the bill looked into"
	default:
		l.Detail = fmt.Sprintf("not in the bill, and WeChat Pay says %s: nobody paid what is credited here", strings.ToLower(said.TradeState))
	}
	return c.tell(l)
}

func (c *comparison) refundMissingThere(ctx context.Context, r ledger.Refund) error {
	if r.State == ledger.RefundClosed {
		return nil // whether bills list what did not happen is nowhere written
	}
	l := BillLine{Class: RefundDiffers, Refund: true, At: r.AcceptedAt, OutTradeNo: r.OutTradeNo, WxTransactionID: r.WxTransactionID,
		OutRefundNo: r.OutRefundNo, Ours: r.Amount}
	w, err := c.queryRefund(ctx, r.OutRefundNo)
	switch {
	case err != nil:
		l.Detail = "not in the bill, and a query gives no answer: " + err.Error()
	case w.CreateTime.In(beijing).Format(time.DateOnly) != c.result.Day.Format(time.DateOnly):
		l.Class, l.Theirs, l.Detail = Matched, w.Amount, "WeChat Pay counts it on "+w.CreateTime.In(beijing).Format(time.DateOnly)
	default:
		l.Detail = "not in the bill, though WeChat Pay says " + strings.ToLower(w.Status)
	}
	return c.tell(l)
}
