package pay

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

func testdata(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// read gives a trade bill as one line a row and its sums.
func read(bill string) (string, error) {
	sums, err := checkTradeBill(strings.NewReader(bill))
	if err != nil {
		return "", err
	}
	var b strings.Builder
	_, err = readBill(strings.NewReader(bill), func(r billRow) error {
		t, err := newTradeRow(r)
		kind, more := "payment", ""
		if t.refund {
			kind, more = "refund", fmt.Sprintf(" %s %s %s", t.outRefundNo, t.wxRefundID, t.refundStatus)
		}
		fmt.Fprintf(&b, "%s %s %s %s %s fee %d%s\n", kind, t.at.Format(time.DateTime), t.outTradeNo, t.wxTransactionID, t.amount, t.fee, more)
		return err
	})
	fmt.Fprintf(&b, "%d payments %s, %d refunds %s, fees %d\n", sums.payments, sums.paid, sums.refunds, sums.refunded, sums.fees)
	return b.String(), err
}

func TestTradeBill(t *testing.T) {
	t.Parallel()
	plain, want := testdata(t, "trade-bill.csv"), testdata(t, "trade-bill.golden")
	for name, bill := range map[string]string{
		"AsDocumented":           plain,
		"ByteOrderMark":          "\ufeff" + plain,
		"CRLF":                   strings.ReplaceAll(plain, "\n", "\r\n"),
		"NoLastNewline":          strings.TrimSuffix(plain, "\n"),
		"BlankLinesAtTheEnd":     plain + "\n\r\n",
		"OtherColumns":           testdata(t, "trade-bill-columns.csv"),
		"RefundRowsRepeatAmount": strings.Replace(plain, "`0.00,`20.00,`\n", "`20.00,`20.00,`\n", 1),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := read(bill)
			if err != nil || got != want {
				t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

// A file that is not whole, or does not add up, is refused as a whole.
func TestTradeBill_Refused(t *testing.T) {
	t.Parallel()
	plain := testdata(t, "trade-bill.csv")
	lines := strings.SplitAfter(plain, "\n")
	once := func(old, new string) string { return strings.Replace(plain, old, new, 1) }
	for name, bill := range map[string]string{
		"Empty":            "",
		"Page":             "<html><body>502 Bad Gateway</body></html>\n",
		"HeaderOnly":       lines[0],
		"CutInARow":        plain[:len(lines[0])+len(lines[1])+40],
		"CutAfterARow":     strings.Join(lines[:3], ""),
		"CutBeforeTotals":  strings.Join(lines[:4], ""),
		"CutInTheTotals":   strings.Join(lines[:5], ""),
		"RowTwice":         strings.Join(append(append([]string{}, lines[:3]...), lines[2:]...), ""),
		"RowTwiceCounted":  strings.Join(append(append([]string{}, lines[:3]...), lines[2], lines[3], lines[4], "`4,`69.80,`20.00,`0.00,`0.29880,`70.00,`20.00\n"), ""),
		"RowMissing":       strings.Join(append(append([]string{}, lines[:2]...), lines[3:]...), ""),
		"GoesOn":           plain + lines[1],
		"AmountChanged":    once("`0.60%,`50.00", "`0.60%,`50.01"),
		"RefundChanged":    once("`0.00,`20.00,`\n", "`0.00,`20.01,`\n"),
		"CountChanged":     once("`3,`59.90", "`4,`59.90"),
		"ThreeDecimals":    once("`0.60%,`50.00", "`0.60%,`50.000"),
		"Exponent":         once("`0.60%,`50.00", "`0.60%,`5e1"),
		"Negative":         once("`0.60%,`50.00", "`0.60%,`-50.00"),
		"TooMuch":          once("`0.60%,`50.00", "`0.60%,`10000000.01"),
		"Huge":             once("`0.60%,`50.00", "`0.60%,`99999999999999999999.00"),
		"NoAmount":         once("`0.60%,`50.00", "`0.60%,`"),
		"BadTime":          once("2026-03-02 12:01:02", "2026-03-02T12:01:02"),
		"UnknownState":     once("`SUCCESS", "`REVOKED"),
		"NoNumber":         once("`XK20260301AAAAAAAAAAAAAAAA", "`"),
		"NoAmountColumn":   once("订单金额,申请退款金额", "另一列,申请退款金额"),
		"HeaderTwice":      once("设备号", "商户号"),
		"ValueTooMany":     once("`oABC", "`oABC,`x"),
		"RowWithoutTicks":  once("`2026-03-02 12:01:02", "2026-03-02 12:01:02"),
		"LineWithoutAnEnd": plain[:len(lines[0])] + "`" + strings.Repeat("x", maxRow),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got, err := read(bill); !errors.Is(err, ErrBadBill) {
				t.Errorf("%v, read\n%s", err, got)
			}
		})
	}
}

func TestFundBill(t *testing.T) {
	t.Parallel()
	plain := testdata(t, "fund-bill.csv")
	got, err := readFundBill(strings.NewReader(plain))
	want := "[{交易 false 2 ¥59.90} {扣除交易手续费 true 1 ¥0.30}]"
	if err != nil || fmt.Sprint(got) != want {
		t.Errorf("%v, %v, want %s", got, err, want)
	}
	for name, bill := range map[string]string{
		"Sum":       strings.Replace(plain, "`59.90,`1.0", "`59.91,`1.0", 1),
		"Count":     strings.Replace(plain, "`3.0,`2.0", "`3.0,`3.0", 1),
		"Direction": strings.Replace(plain, "`收入", "`出入", 1),
	} {
		if got, err := readFundBill(strings.NewReader(bill)); !errors.Is(err, ErrBadBill) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
}

func TestDecimal(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]int64{"0": 0, "12": 1200, "12.3": 1230, "12.34": 1234, "-0.01": -1, "0.00": 0, "999999999999.99": 99999999999999} {
		if got, err := decimal(s, 2); err != nil || got != want {
			t.Errorf("decimal(%q) = %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", ".", "1.", ".5", "1.234", "+1", "--1", "1,000.00", "１", "0x1", "1e2", " 1", "1 ", "-", "NaN", "9999999999999"} {
		if got, err := decimal(s, 2); err == nil {
			t.Errorf("decimal(%q) = %d", s, got)
		}
	}
}

// FuzzBill throws bytes at the reader of bills: it must end, without a panic,
// in a refusal or in sums that are those of its rows.
func FuzzBill(f *testing.F) {
	for _, name := range []string{"trade-bill.csv", "trade-bill-columns.csv", "fund-bill.csv"} {
		f.Add([]byte(testdata(f, name)))
	}
	f.Add([]byte("a\n`1\nb\n`2"))
	f.Add([]byte("\ufeff,\n`\n`"))
	f.Fuzz(func(t *testing.T, bill []byte) {
		sums, err := checkTradeBill(bytes.NewReader(bill))
		if err != nil && !errors.Is(err, ErrBadBill) {
			t.Errorf("refused without saying so: %v", err)
		}
		if err == nil && (sums.paid < 0 || sums.refunded < 0 || (sums.payments == 0 && sums.paid != 0)) {
			t.Errorf("sums %+v", sums)
		}
		if _, err := readFundBill(bytes.NewReader(bill)); err != nil && !errors.Is(err, ErrBadBill) {
			t.Errorf("refused without saying so: %v", err)
		}
	})
}

// BenchmarkTradeBill reads through bills of ten thousand payments, as is done
// before anything is compared.
func BenchmarkTradeBill(b *testing.B) {
	lines := strings.SplitAfter(testdata(b, "trade-bill.csv"), "\n")
	const rows = 10_000
	var bill strings.Builder
	bill.WriteString(lines[0])
	for i := range rows {
		bill.WriteString(strings.Replace(lines[1], "XK20260301AAAAAAAAAAAAAAAA", fmt.Sprintf("XK20260301%016d", i), 1))
	}
	fmt.Fprintf(&bill, "%s`%d,`0.00,`0.00,`0.00,`0.00,`%d.00,`0.00\n", lines[4], rows, rows*50)
	b.SetBytes(int64(bill.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := checkTradeBill(strings.NewReader(bill.String())); err != nil {
			b.Fatal(err)
		}
	}
}
