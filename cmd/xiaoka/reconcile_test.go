package main

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"xiaoka/pay"
)

// What a member of the public can put into an order or a name must not run in
// the finance office's spreadsheet.
func TestInert(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"":                             "",
		"XK20260302ABCDEFGHIJKLMNOP-2": "XK20260302ABCDEFGHIJKLMNOP-2",
		"=HYPERLINK(\"http://x\")":     "'=HYPERLINK(\"http://x\")",
		"+1":                           "'+1",
		"-1":                           "'-1",
		"@SUM(A1)":                     "'@SUM(A1)",
		"\t=1":                         "'\t=1",
		"\r=1":                         "'\r=1",
		"4200000001202603020000000001": "'4200000001202603020000000001",
		"123":                          "123",
	} {
		if got := inert(in); got != want {
			t.Errorf("inert(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestSheet(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 4, 1, 2, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "day.csv")
	s, err := newSheet(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []pay.BillLine{
		{Class: pay.Matched, At: at, OutTradeNo: "XK1", WxTransactionID: "4200000001202603020000000001", Ours: 1230, Theirs: 1230, FeeUnits: 7380},
		{Class: pay.RefundDiffers, Mended: true, Refund: true, At: at, OutTradeNo: "XK1", OutRefundNo: "R1-XK1", Ours: 5, Theirs: 1230, FeeUnits: -7380, Detail: "=1"},
	} {
		if err := s.add(l); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("half an export is in its place")
	}
	if err := s.keep(); err != nil {
		t.Fatal(err)
	}
	s.drop()
	got, err := os.ReadFile(path)
	want := "\ufeff核对结果,已自动处理,时间,类型,商户订单号,微信支付订单号,商户退款单号,我方金额(元),微信金额(元),手续费(元),说明\r\n" +
		"一致,,2026-03-02 12:01:02,付款,XK1,'4200000001202603020000000001,,12.30,12.30,0.07380,\r\n" +
		"退款不一致,是,2026-03-02 12:01:02,退款,XK1,,R1-XK1,0.05,12.30,-0.07380,'=1\r\n"
	if err != nil || string(got) != want {
		t.Errorf("%v, got\n%s\nwant\n%s", err, got, want)
	}
}

func TestSheet_Dropped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := newSheet(filepath.Join(dir, "day.csv"))
	if err != nil {
		t.Fatal(err)
	}
	s.drop()
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]time.Duration{"30d": 720 * time.Hour, "0d": 0, "12h": 12 * time.Hour, "90m": 90 * time.Minute} {
		var a age
		if err := a.UnmarshalText([]byte(in)); err != nil || a.Duration != want {
			t.Errorf("%s = %v, %v; want %v", in, a.Duration, err, want)
		}
	}
	for _, in := range []string{"", "d", "-1d", "1.5d", "x", "-1h", "30", "99999999d"} {
		var a age
		if err := a.UnmarshalText([]byte(in)); err == nil {
			t.Errorf("%q = %v", in, a.Duration)
		}
	}
}
