package pay

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"xiaoka/ledger"
)

// A bill is comma-separated text that is not CSV: a header, rows whose every
// value stands behind a backtick and is not quoted, then the same once more
// for the totals. A comma inside a value does no harm, because values are
// parted by comma and backtick. Columns are found by their names: merchants of
// different age have them in different places.
//
// https://pay.weixin.qq.com/docs/merchant/products/bill-download/format-trade.html

// billRow is one row under its header.
type billRow struct {
	columns map[string]int
	values  []string
}

// get gives the value of the first of the columns that the bill has.
func (r billRow) get(names ...string) string {
	for _, name := range names {
		if i, ok := r.columns[name]; ok {
			return r.values[i]
		}
	}
	return ""
}

// readBill calls row for each row of a bill and returns the row of totals.
// Whatever is not a whole bill is ErrBadBill; an error of row ends the reading.
func readBill(file io.Reader, row func(billRow) error) (totals billRow, err error) {
	lines := bufio.NewReaderSize(file, maxRow)
	if mark, _ := lines.Peek(3); bytes.Equal(mark, []byte("\ufeff")) {
		_, _ = lines.Discard(3)
	}
	header, err := billHeader(lines)
	if err != nil {
		return totals, err
	}
	for n := 2; ; n++ {
		line, err := billLine(lines)
		if err != nil {
			return totals, fmt.Errorf("%w: line %d: %w", ErrBadBill, n, err)
		}
		if !strings.HasPrefix(line, "`") {
			return billTotals(lines, line)
		}
		r, err := underHeader(header, line)
		if err != nil {
			return totals, fmt.Errorf("%w: line %d: %w", ErrBadBill, n, err)
		}
		if err := row(r); err != nil {
			return totals, fmt.Errorf("line %d: %w", n, err)
		}
	}
}

func billHeader(lines *bufio.Reader) (map[string]int, error) {
	line, err := billLine(lines)
	if err != nil {
		return nil, fmt.Errorf("%w: header: %w", ErrBadBill, err)
	}
	return columnsOf(line)
}

func columnsOf(line string) (map[string]int, error) {
	columns := map[string]int{}
	for i, name := range strings.Split(line, ",") {
		if _, twice := columns[name]; twice || name == "" || strings.HasPrefix(name, "`") {
			return nil, fmt.Errorf("%w: %q is no header", ErrBadBill, name)
		}
		columns[name] = i
	}
	return columns, nil
}

// billTotals reads the end of a bill, whose header of totals was read already.
func billTotals(lines *bufio.Reader, header string) (billRow, error) {
	columns, err := columnsOf(header)
	if err != nil {
		return billRow{}, err
	}
	line, err := billLine(lines)
	if err != nil || !strings.HasPrefix(line, "`") {
		return billRow{}, fmt.Errorf("%w: it ends before its totals", ErrBadBill)
	}
	totals, err := underHeader(columns, line)
	if err != nil {
		return billRow{}, fmt.Errorf("%w: totals: %w", ErrBadBill, err)
	}
	for {
		switch line, err := billLine(lines); {
		case errors.Is(err, io.EOF):
			return totals, nil
		case err != nil || line != "":
			return billRow{}, fmt.Errorf("%w: it goes on after its totals", ErrBadBill)
		}
	}
}

// billLine reads a line without its end; the last one may lack it.
func billLine(lines *bufio.Reader) (string, error) {
	line, err := lines.ReadSlice('\n')
	if errors.Is(err, io.EOF) && len(line) > 0 {
		err = nil
	}
	return strings.TrimSuffix(strings.TrimSuffix(string(line), "\n"), "\r"), err
}

func underHeader(columns map[string]int, line string) (billRow, error) {
	values := strings.Split(line[1:], ",`")
	if len(values) != len(columns) {
		return billRow{}, fmt.Errorf("%d values under %d headers", len(values), len(columns))
	}
	return billRow{columns: columns, values: values}, nil
}

// decimal reads a decimal with at most so many places as a whole number of its
// last one: "12.3" with 2 places is 1230. No float comes near money.
func decimal(s string, places int) (int64, error) {
	digits, negative := strings.CutPrefix(s, "-")
	whole, part, dotted := strings.Cut(digits, ".")
	if whole == "" || len(whole) > 12 || len(part) > places || (dotted && part == "") || strings.Trim(whole+part, "0123456789") != "" {
		return 0, fmt.Errorf("%q is no amount with at most %d decimals", s, places)
	}
	n, err := strconv.ParseInt(whole+part+strings.Repeat("0", places-len(part)), 10, 64)
	if negative {
		n = -n
	}
	return n, err
}

// billFen reads an amount of one row in yuan.
func billFen(s string) (ledger.Fen, error) {
	n, err := decimal(s, 2)
	if err == nil && (n < 0 || ledger.Fen(n) > ledger.MaxAmount) {
		err = fmt.Errorf("the amount %q is out of range", s)
	}
	return ledger.Fen(n), err
}

// tradeRow is a payment or a refund in a trade bill.
type tradeRow struct {
	at              time.Time // paid, or the refund accepted
	refund          bool
	mchID, appID    string
	outTradeNo      string
	wxTransactionID string
	outRefundNo     string
	wxRefundID      string
	refundStatus    string // as it was when the bill was made
	currency        string
	amount          ledger.Fen // of the payment, or of the refund
	moved           ledger.Fen // of it, after coupons
	fee             int64      // 10⁻⁵ yuan, negative when it came back
}

// key tells rows apart.
func (t tradeRow) key() string {
	if t.refund {
		return "refund " + t.outRefundNo
	}
	return "payment " + t.outTradeNo
}

func newTradeRow(r billRow) (t tradeRow, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrBadBill, err)
		}
	}()
	t = tradeRow{
		mchID: r.get("商户号"), appID: r.get("公众账号ID"), outTradeNo: r.get("商户订单号"), wxTransactionID: r.get("微信订单号"),
		outRefundNo: r.get("商户退款单号"), wxRefundID: r.get("微信退款单号"), refundStatus: r.get("退款状态"), currency: r.get("货币种类"),
	}
	moved := ""
	switch state := r.get("交易状态"); state {
	case "SUCCESS":
		t.amount, err = billFen(r.get("订单金额", "总金额"))
		moved = r.get("应结订单金额", "总金额")
	case "REFUND":
		t.refund = true
		t.amount, err = billFen(r.get("申请退款金额", "退款金额"))
		moved = r.get("退款金额")
	default:
		err = fmt.Errorf("unknown trade state %q", state)
	}
	if err != nil {
		return t, err
	}
	t.moved = t.amount
	if moved != "" { // bills of older merchants may lack the column
		if t.moved, err = billFen(moved); err != nil {
			return t, err
		}
	}
	if t.outTradeNo == "" || t.wxTransactionID == "" || (t.refund && t.outRefundNo == "") {
		return t, errors.New("a row without its numbers")
	}
	if t.fee, err = decimal(r.get("手续费"), 5); err != nil {
		return t, err
	}
	if t.fee > maxFee || t.fee < -maxFee {
		return t, errors.New("the fee is out of range")
	}
	t.at, err = time.ParseInLocation(time.DateTime, r.get("交易时间"), beijing)
	return t, err
}

// maxFee is MaxAmount in 10⁻⁵ yuan.
const maxFee = int64(ledger.MaxAmount) * 1000

// tradeSums is what a trade bill adds up to.
type tradeSums struct {
	payments, refunds int
	paid, refunded    ledger.Fen
	fees              int64 // 10⁻⁵ yuan
	flow              flow
}

// add counts a row of the trade bill. A refund's fee is rounded to a fen on
// the account.
func (f *flow) add(t tradeRow) {
	switch {
	case !t.refund:
		f.paid, f.in = f.paid+1, f.in+t.moved
	case t.refundStatus != "CLOSED":
		f.back, f.out = f.back+1, f.out+t.moved
		f.feesReturned += ledger.Fen(max(0, -t.fee)/1000) + 1
	}
}

// checkTradeBill reads a whole trade bill and refuses one with a row twice or
// with totals that are not those of its rows. Nothing is acted on before.
func checkTradeBill(file io.Reader) (tradeSums, error) {
	var s tradeSums
	var ofRefunds ledger.Fen // the order amount shown on refund rows
	seen := map[string]bool{}
	totals, err := readBill(file, func(r billRow) error {
		t, err := newTradeRow(r)
		switch {
		case err != nil:
			return err
		case seen[t.key()]:
			return fmt.Errorf("%w: %s is there twice", ErrBadBill, t.key())
		}
		seen[t.key()] = true
		s.fees += t.fee
		s.flow.add(t)
		if !t.refund {
			s.payments, s.paid = s.payments+1, s.paid+t.amount
			return nil
		}
		s.refunds, s.refunded = s.refunds+1, s.refunded+t.amount
		shown, err := billFen(r.get("订单金额", "总金额"))
		if err != nil {
			return fmt.Errorf("%w: %w", ErrBadBill, err)
		}
		ofRefunds += shown
		return nil
	})
	if err != nil {
		return s, err
	}
	count, err1 := decimal(totals.get("总交易单数"), 1)
	paid, err2 := decimal(totals.get("订单总金额", "总交易额"), 2)
	refunded, err3 := decimal(totals.get("申请退款总金额", "退款总金额"), 2)
	switch {
	case errors.Join(err1, err2, err3) != nil:
		return s, fmt.Errorf("%w: totals: %w", ErrBadBill, errors.Join(err1, err2, err3))
	case count != 10*int64(s.payments+s.refunds):
		return s, fmt.Errorf("%w: it counts %s rows and has %d", ErrBadBill, totals.get("总交易单数"), s.payments+s.refunds)
	case ledger.Fen(paid) != s.paid && ledger.Fen(paid) != s.paid+ofRefunds:
		return s, fmt.Errorf("%w: its payments sum to %s, its total says %s", ErrBadBill, s.paid, ledger.Fen(paid))
	case ledger.Fen(refunded) != s.refunded:
		return s, fmt.Errorf("%w: its refunds sum to %s, its total says %s", ErrBadBill, s.refunded, ledger.Fen(refunded))
	}
	return s, nil
}

// readFundBill sums a fund-flow bill by kind of business and direction, in the
// order of their first row.
//
// https://pay.weixin.qq.com/docs/merchant/products/bill-download/structure/fund-bill.html
func readFundBill(file io.Reader) ([]ledger.FundTotal, error) {
	var funds []ledger.FundTotal
	sums := map[bool]ledger.FundTotal{}
	totals, err := readBill(file, func(r billRow) error {
		fen, err := billFen(r.get("收支金额(元)", "收支金额（元）"))
		direction, business := r.get("收支类型"), r.get("业务类型", "业务名称")
		if err != nil || (direction != "收入" && direction != "支出") {
			return fmt.Errorf("%w: %s %q", ErrBadBill, direction, r.get("收支金额(元)", "收支金额（元）"))
		}
		out := direction == "支出"
		sums[out] = ledger.FundTotal{N: sums[out].N + 1, Amount: sums[out].Amount + fen}
		for i, f := range funds {
			if f.Business == business && f.Out == out {
				funds[i].N, funds[i].Amount = f.N+1, f.Amount+fen
				return nil
			}
		}
		funds = append(funds, ledger.FundTotal{Business: business, Out: out, N: 1, Amount: fen})
		return nil
	})
	if err != nil {
		return nil, err
	}
	for out, word := range map[bool]string{false: "收入", true: "支出"} {
		n, err1 := decimal(totals.get(word+"笔数"), 1) // printed as 20.0
		fen, err2 := decimal(totals.get(word+"金额"), 2)
		if err1 != nil || err2 != nil || n != 10*int64(sums[out].N) || ledger.Fen(fen) != sums[out].Amount {
			return nil, fmt.Errorf("%w: the totals of %s are not those of its rows", ErrBadBill, word)
		}
	}
	return funds, nil
}
