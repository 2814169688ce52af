package pay_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
	"xiaoka/pay"
)

func (b *books) DailyReported(_ context.Context, day string) (bool, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.ContainsFunc(b.days, func(r ledger.DayReport) bool { return r.Daily && r.Day == day }), nil
}

func (b *books) KeepDayReport(_ context.Context, r ledger.DayReport, operators []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.days, b.told = append(b.days, r), append(b.told, operators...)
	return nil
}

// fundBill is a fund-flow bill of one row a kind.
func fundBill(paid, back string) string {
	return fmt.Sprintf("收支类型,业务类型,收支金额(元)\n`收入,`交易,`%s\n`支出,`退款,`%s\n收入笔数,收入金额,支出笔数,支出金额\n`1.0,`%s,`1.0,`%s\n", paid, back, paid, back)
}

func TestReconcileDay_FundFlow(t *testing.T) {
	t.Parallel()
	const note = "the fund-flow bill has "
	payment := strings.Replace(extraRow("SHOP1"), "`CNY,`1.00", "`CNY,`0.90", 1) // ten fen by coupon
	refund := extraRefund("SHOP1", "S1")
	bill := tradeHeader + "\n" + payment + "\n" + refund + "\n总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\n`2,`0.90,`1.00,`0.00,`0.00,`1.00,`1.00\n"
	for name, c := range map[string]struct {
		funds  string
		notes  []string
		differ int
	}{
		"Agrees":        {fundBill("0.90", "1.00"), nil, 0},
		"FeeCameBack":   {fundBill("0.90", "0.99"), nil, 0},
		"PaidLess":      {fundBill("0.89", "1.00"), []string{note + "1 payments of ¥0.89, the trade bill 1 of ¥0.90"}, 1},
		"RefundedMore":  {fundBill("0.90", "1.01"), []string{note + "1 refunds of ¥1.01, the trade bill 1 of ¥1.00"}, 1},
		"RefundedLess":  {fundBill("0.90", "0.90"), []string{note + "1 refunds of ¥0.90, the trade bill 1 of ¥1.00"}, 1},
		"NotThere":      {"", []string{"the fund-flow bill is not available: " + pay.ErrNoBill.Error()}, 0},
		"NothingInside": {"收支类型,业务类型,收支金额(元)\n收入笔数,收入金额,支出笔数,支出金额\n`0.0,`0.00,`0.0,`0.00\n", []string{note + "0 payments of ¥0.00, the trade bill 1 of ¥0.90", note + "0 refunds of ¥0.00, the trade bill 1 of ¥1.00"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			s.wx.publish("tradebill "+billDay, bill)
			s.wx.publish("fundflowbill "+billDay, c.funds)
			day, _ := pay.ParseDay(billDay)
			r, err := s.ReconcileDay(t.Context(), day, func(pay.BillLine) error { return nil })
			if err != nil || !slices.Equal(r.FundNotes, c.notes) || r.Differences != c.differ || r.Classes["foreign"] != 2 || len(r.Lines) != 0 {
				t.Errorf("%+v, %v; want %q", r, err, c.notes)
			}
		})
	}
}

// The day is reconciled once its bill is there, once, and the operators hear
// of it; before, it is asked for again.
func TestDaily(t *testing.T) {
	t.Parallel()
	s, o := credited(t, func(c *pay.Config) { c.Operators = []string{"finance", "card"} })
	run := func(at string, want ...string) {
		t.Helper()
		moment, err := time.ParseInLocation(time.DateTime, at, beijing)
		if err != nil {
			t.Fatal(err)
		}
		s.clock.add(moment.Sub(s.clock.now()))
		if err := s.Daily(t.Context()); err != nil {
			t.Errorf("%s: %v", at, err)
		}
		var days []string
		for _, r := range s.books.days {
			days = append(days, fmt.Sprintf("%s %d %v", r.Day, r.Differences, r.Daily))
		}
		if !slices.Equal(days, want) {
			t.Errorf("%s: reports %q, want %q", at, days, want)
		}
	}
	empty := []string{"2026-02-28 0 true", "2026-03-01 0 true"} // days before the first start
	run("2026-03-03 10:14:59", empty...)
	creating := apiError(400, "STATEMENT_CREATING")
	creating.perpetual = true
	s.wx.fault("tradebill", creating)
	run("2026-03-03 10:15:00", empty...)
	s.wx.heal()
	run("2026-03-03 10:25:00", empty...) // no bill, though the books have business
	if len(s.books.told) != 0 {
		t.Errorf("told %v of nothing", s.books.told)
	}
	s.wx.publish("tradebill "+billDay, s.wx.tradeBill())
	run("2026-03-03 10:35:00", append(empty, billDay+" 0 true")...)
	run("2026-03-03 10:45:00", append(empty, billDay+" 0 true")...)
	last := s.books.days[2]
	if fmt.Sprint(s.books.told) != "[finance card]" || last.Payments != 1 || last.Paid != 5000 || last.Classes["matched"] != 1 || s.books.credits[o.OutTradeNo] != 1 {
		t.Errorf("told %v of %+v", s.books.told, last)
	}
}

// A day whose bill never comes is a case by the evening, and goes on being
// asked for; one without a bill is compared with nothing.
func TestDaily_Late(t *testing.T) {
	t.Parallel()
	s, _ := credited(t)
	s.clock.add(time.Date(2026, 3, 3, 18, 0, 0, 0, beijing).Sub(s.clock.now()))
	s.wx.fault("tradebill", canned{status: 500, body: `{"code":"SYSTEM_ERROR"}`, perpetual: true})
	if err := s.Daily(t.Context()); err == nil || len(s.books.days) != 0 {
		t.Errorf("err %v, reports %+v", err, s.books.days)
	}
	if got := s.books.caseKinds(); !slices.Contains(got, "not_reconciled") {
		t.Errorf("cases %v", got)
	}
	s.wx.heal()
	if err := s.Daily(t.Context()); err != nil {
		t.Error(err)
	}
	if last := s.books.days[len(s.books.days)-1]; last.Day != billDay || !last.NoBill || last.Differences != 1 || len(last.Lines) != 1 || last.Lines[0].Class != "missing there" {
		t.Errorf("the report is %+v", last)
	}
}
