package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"xiaoka/config"
	"xiaoka/ledger"
	"xiaoka/pay"
)

type reconcileCmd struct {
	Date   billDay `required:"" placeholder:"YYYY-MM-DD" help:"The day, as WeChat Pay counts it in Beijing; its bill is ready from 10:00 of the next one."`
	Export string  `placeholder:"FILE" type:"path" help:"Write every payment and refund of the day as CSV for the finance office."`
	Kept   bool    `help:"Print what earlier runs of that day found, the daily one and others, as JSON, and ask nobody anything."`
}

// billDay is a day on the command line.
type billDay struct{ time.Time }

// UnmarshalText reads YYYY-MM-DD, of a day that has begun.
func (d *billDay) UnmarshalText(text []byte) (err error) {
	if d.Time, err = pay.ParseDay(string(text)); err != nil {
		return fmt.Errorf("%q is not a day written as YYYY-MM-DD", text)
	}
	if d.After(now()) {
		return fmt.Errorf("%s has not begun", text)
	}
	return nil
}

// Run compares the books with WeChat Pay's bill, prints every difference and
// what was done about it, keeps the report, and ends with status 1 while a
// difference remains.
func (c reconcileCmd) Run(p *program) error {
	if c.Kept {
		return c.kept(p)
	}
	cfg, s, err := p.existing(config.Merchant | config.Pages)
	if err != nil {
		return err
	}
	defer s.Close()
	m, err := merchant(cfg, s, newLog(cfg.Log, p.stderr))
	if err != nil {
		return err
	}
	sheet, err := newSheet(c.Export)
	if err != nil {
		return err
	}
	defer sheet.drop()
	bar := p.progress("reconcile, lines of the bill", 0)
	r, err := m.ReconcileDay(p.ctx, c.Date.Time, func(l pay.BillLine) error {
		bar.step()
		if l.Class != pay.Foreign && (l.Class != pay.Matched || l.Detail != "") {
			printBillLine(bar.above(p.stdout), l)
		}
		return sheet.add(l)
	})
	bar.stop()
	if ready := c.Date.Add((24 + 10) * time.Hour); err != nil && now().Before(ready) {
		return fmt.Errorf("the bill of %s is ready from 10:00 of the next day: %w", c.Date.Format(time.DateOnly), err)
	}
	if err != nil {
		return fmt.Errorf("reconcile %s: %w", c.Date.Format(time.DateOnly), err)
	}
	if err := s.KeepDayReport(p.ctx, r, nil); err != nil {
		return err
	}
	if err := sheet.keep(); err != nil {
		return err
	}
	printFunds(p.stdout, r)
	printReconciliation(p.stdout, r)
	if r.Differences > 0 {
		return errQuiet
	}
	return nil
}

// kept prints the stored reports of the day, newest first, one a line.
func (c reconcileCmd) kept(p *program) error {
	_, s, err := p.existing(0)
	if err != nil {
		return err
	}
	defer s.Close()
	all, err := s.DayReports(p.ctx, c.Date.Time)
	if err != nil {
		return err
	}
	out := json.NewEncoder(p.stdout)
	out.SetEscapeHTML(false)
	for _, r := range all {
		if err := out.Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func printBillLine(w io.Writer, l pay.BillLine) {
	class := string(l.Class)
	if l.Mended {
		class += ", mended"
	}
	number := l.OutTradeNo
	if l.Refund {
		number += " refund " + l.OutRefundNo
	}
	fmt.Fprintf(w, "%-22s %s  ours %s, theirs %s  %s\n", class, number, side(l.Ours), side(l.Theirs), l.Detail)
}

// side is one side's amount; nothing when that side does not know the payment.
func side(f ledger.Fen) string {
	if f == 0 {
		return "nothing"
	}
	return f.String()
}

func printFunds(w io.Writer, r ledger.DayReport) {
	for _, f := range r.Funds {
		direction := "in"
		if f.Out {
			direction = "out"
		}
		fmt.Fprintf(w, "fund flow, for information: %s %s %s (%d)\n", f.Business, direction, f.Amount, f.N)
	}
	for _, note := range r.FundNotes {
		fmt.Fprintf(w, "fund flow, for the finance office: %s\n", note)
	}
}

func printReconciliation(w io.Writer, r ledger.DayReport) {
	if r.NoBill {
		fmt.Fprintf(w, "\n%s: WeChat Pay has no bill of this day\n", r.Day)
	} else {
		fmt.Fprintf(w, "\n%s: WeChat Pay's bill has %d payments of %s and %d refunds of %s, fees ¥%s\n",
			r.Day, r.Payments, r.Paid, r.Refunds, r.Refunded, feeYuan(r.FeeUnits))
	}
	out := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, class := range []pay.Class{pay.Matched, pay.MissingHere, pay.MissingThere, pay.AmountDiffers, pay.RefundDiffers, pay.Foreign} {
		fmt.Fprintf(out, "%s\t%d\n", class, r.Classes[string(class)])
	}
	fmt.Fprintf(out, "of these mended\t%d\n", r.Mended)
	_ = out.Flush() // to the same place as every line above
	if r.Differences == 0 {
		fmt.Fprintln(w, "The day is reconciled.")
	} else {
		fmt.Fprintf(w, "Differences that remain: %d\n", r.Differences)
	}
}

// feeYuan writes 10⁻⁵ yuan, the unit of WeChat Pay's fees.
func feeYuan(units int64) string {
	sign := ""
	if units < 0 {
		sign, units = "-", -units
	}
	return fmt.Sprintf("%s%d.%05d", sign, units/100_000, units%100_000)
}

// sheet is the export: written beside its place, and put there only when the
// day was compared to the end. Nothing of it is a formula to a spreadsheet.
type sheet struct {
	path string
	file *os.File // nil: no export is wanted
	rows *csv.Writer
}

var sheetHeader = []string{"核对结果", "已自动处理", "时间", "类型", "商户订单号", "微信支付订单号", "商户退款单号", "我方金额(元)", "微信金额(元)", "手续费(元)", "说明"}

func newSheet(path string) (*sheet, error) {
	if path == "" {
		return &sheet{}, nil
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return nil, fmt.Errorf("export: %w", err)
	}
	s := &sheet{path: path, file: file, rows: csv.NewWriter(file)}
	s.rows.UseCRLF = true
	_, err = file.WriteString("\ufeff") // without it spreadsheets take UTF-8 for something else
	return s, errors.Join(err, s.rows.Write(sheetHeader))
}

var classNames = map[pay.Class]string{
	pay.Matched: "一致", pay.MissingHere: "我方缺少", pay.MissingThere: "微信账单缺少", pay.AmountDiffers: "金额或订单信息不一致", pay.RefundDiffers: "退款不一致", pay.Foreign: "非本系统",
}

func (s *sheet) add(l pay.BillLine) error {
	if s.file == nil {
		return nil
	}
	mended, kind := "", "付款"
	if l.Mended {
		mended = "是"
	}
	if l.Refund {
		kind = "退款"
	}
	return s.rows.Write([]string{classNames[l.Class], mended, l.At.In(time.FixedZone("CST", 8*60*60)).Format(time.DateTime), kind,
		inert(l.OutTradeNo), inert(l.WxTransactionID), inert(l.OutRefundNo), l.Ours.Yuan(), l.Theirs.Yuan(), feeYuan(l.FeeUnits), inert(l.Detail)})
}

// inert keeps a spreadsheet from taking a text for a formula, or a long number
// for one that it may round.
func inert(s string) string {
	digits := len(s) > 11 && strings.Trim(s, "0123456789") == ""
	if digits || (s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0]))) {
		return "'" + s
	}
	return s
}

// keep puts the finished export in its place.
func (s *sheet) keep() error {
	if s.file == nil {
		return nil
	}
	s.rows.Flush()
	if err := errors.Join(s.rows.Error(), s.file.Close(), os.Rename(s.file.Name(), s.path)); err != nil {
		return fmt.Errorf("export: %w", err)
	}
	s.file = nil
	return nil
}

// drop takes an unfinished export away.
func (s *sheet) drop() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
}
