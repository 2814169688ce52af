package pay

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"xiaoka/ledger"
)

// The daily task looks at a day from dayReady of the next one on, when WeChat
// Pay's bills should be ready, and at the days before in case the program or
// WeChat Pay was down then. What is not there by dayLate is not coming by
// itself.
//
// https://pay.weixin.qq.com/docs/merchant/products/bill-download/concept.html
const (
	dayReady = 10*time.Hour + 15*time.Minute
	dayLate  = 18 * time.Hour
	daysBack = 3
)

// Daily reconciles the days that are due and have no report yet, keeps each
// report and has the operators told. It is the body of a periodic job, meant
// for every ten minutes on one replica with half an hour of time; a bill that
// is not ready is asked for again next time.
func (m *Merchant) Daily(ctx context.Context) error {
	y, mo, d := m.cfg.Now().In(beijing).Date()
	var failed error
	for back := daysBack; back > 0; back-- {
		day := time.Date(y, mo, d-back, 0, 0, 0, 0, beijing)
		if err := m.daily(ctx, day, back > 1); err != nil {
			failed = errors.Join(failed, fmt.Errorf("reconcile %s: %w", day.Format(time.DateOnly), err))
		}
	}
	return failed
}

func (m *Merchant) daily(ctx context.Context, day time.Time, old bool) error {
	now, next := m.cfg.Now(), day.AddDate(0, 0, 1)
	if now.Before(next.Add(dayReady)) {
		return nil
	}
	late := !now.Before(next.Add(dayLate))
	done, err := m.cfg.Store.DailyReported(ctx, day.Format(time.DateOnly))
	if err != nil || done {
		return err
	}
	r, err := m.ReconcileDay(ctx, day, func(BillLine) error { return nil })
	if err == nil && r.NoBill && r.Differences > 0 && !late {
		err = ErrBillNotReady // our books had business that day
	}
	switch {
	case errors.Is(err, ErrBillNotReady) && !late:
		m.cfg.Log.InfoContext(ctx, "bill is not ready yet", "day", r.Day)
		return nil
	case err != nil && late:
		return errors.Join(err, m.cfg.Store.RecordCase(ctx, ledger.Case{Kind: "not_reconciled", Ref: r.Day, At: m.cfg.Now(),
			Detail: fmt.Sprintf("the day could not be held against WeChat Pay's bill: %v", err)}))
	case err != nil:
		return err
	}
	r.Daily = true
	operators := m.cfg.Operators
	if old && r.NoBill && r.Differences == 0 {
		operators = nil // such as the days before the first start
	}
	if err := m.cfg.Store.KeepDayReport(ctx, r, operators); err != nil && !errors.Is(err, ledger.ErrConflict) {
		return err
	}
	m.cfg.Log.InfoContext(ctx, "day reconciled", "day", r.Day, "payments", r.Payments, "refunds", r.Refunds, "mended", r.Mended, "differences", r.Differences)
	return nil
}

// ReconcileDay is [Merchant.Reconcile] and a look at the fund-flow bill, as one
// report to keep. The fund-flow bill tells what moved on the merchant's account.
// A payment that differs moves its sums, too, so it counts only where every line
// of the trade bill agrees and it does not.
func (m *Merchant) ReconcileDay(ctx context.Context, day time.Time, each func(BillLine) error) (ledger.DayReport, error) {
	report := ledger.DayReport{Day: day.Format(time.DateOnly), StartedAt: m.cfg.Now(), Classes: map[string]int{}, Lines: []ledger.DayLine{}, FundNotes: []string{}}
	r, err := m.Reconcile(ctx, day, func(l BillLine) error {
		if (l.Difference() || l.Mended) && len(report.Lines) < ledger.MaxDayLines {
			report.Lines = append(report.Lines, ledger.DayLine{Class: string(l.Class), Mended: l.Mended, OutTradeNo: l.OutTradeNo,
				OutRefundNo: l.OutRefundNo, Ours: l.Ours, Theirs: l.Theirs, Detail: l.Detail})
		}
		return each(l)
	})
	if err != nil {
		return report, err
	}
	report.NoBill, report.Payments, report.Paid, report.Refunds, report.Refunded = r.NoBill, r.Payments, r.Paid, r.Refunds, r.Refunded
	report.FeeUnits, report.Mended, report.Differences = r.FeeUnits, r.Mended, r.Differences
	for class, n := range r.Found {
		report.Classes[string(class)] = n
	}
	report.Funds, err = m.fundFlow(ctx, day)
	notes, differ := fundNotes(report.Funds, r.flow, err)
	report.FundNotes = append(report.FundNotes, notes...)
	if report.Differences == 0 && differ {
		report.Differences = len(notes)
	}
	report.EndedAt = m.cfg.Now()
	return report, nil
}

// fundFlow sums what moved on the merchant's account on a day, fees and
// settlements included. ErrNoBill, ErrBillNotReady, ErrBadBill.
func (m *Merchant) fundFlow(ctx context.Context, day time.Time) (funds []ledger.FundTotal, err error) {
	file, err := m.bill(ctx, "fundflowbill?bill_date="+day.Format(time.DateOnly)+"&account_type=BASIC", func(file io.Reader) (err error) {
		funds, err = readFundBill(file)
		return err
	})
	if err != nil {
		return nil, err
	}
	file.Close()
	return funds, nil
}

// flow is what a trade bill lets the fund-flow bill of its day expect.
type flow struct {
	paid, back   int        // rows
	in, out      ledger.Fen // after coupons
	feesReturned ledger.Fen // at most, which a refund's row may be less
}

// fundNotes compares the day's money by the two bills. One that is not there
// says nothing of the other.
func fundNotes(funds []ledger.FundTotal, want flow, err error) (notes []string, differ bool) {
	switch {
	case errors.Is(err, ErrNoBill) && want.paid+want.back == 0:
		return nil, false
	case err != nil:
		return []string{"the fund-flow bill is not available: " + err.Error()}, false
	}
	var in, out ledger.FundTotal
	for _, f := range funds {
		switch {
		case f.Business == "交易" && !f.Out:
			in = f
		case f.Business == "退款" && f.Out:
			out = f
		}
	}
	if in.N != want.paid || in.Amount != want.in {
		notes = append(notes, fmt.Sprintf("the fund-flow bill has %d payments of %s, the trade bill %d of %s", in.N, in.Amount, want.paid, want.in))
	}
	if out.N != want.back || out.Amount > want.out || out.Amount < want.out-want.feesReturned {
		notes = append(notes, fmt.Sprintf("the fund-flow bill has %d refunds of %s, the trade bill %d of %s", out.N, out.Amount, want.back, want.out))
	}
	return notes, len(notes) > 0
}
