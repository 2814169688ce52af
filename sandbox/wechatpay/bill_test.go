package wechatpay

import (
	"bytes"
	"compress/gzip"
	"crypto/sha1"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the expected bills")

// bill applies for one and downloads it; the second result says whether the hash fits.
func (m *merchant) bill(target string) (string, bool) {
	m.t.Helper()
	a := m.call(http.MethodGet, target, "")
	if a.status != 200 {
		m.t.Fatalf("%s: %d %s %+v", target, a.status, a.Code, a.Detail)
	}
	var applied struct {
		HashValue   string `json:"hash_value"`
		DownloadURL string `json:"download_url"`
	}
	if err := json.Unmarshal(a.body, &applied); err != nil {
		m.t.Fatal(err)
	}
	path, ok := strings.CutPrefix(applied.DownloadURL, "https://api.mch.weixin.qq.com")
	if !ok {
		m.t.Fatalf("download_url %s", applied.DownloadURL)
	}
	file := m.call(http.MethodGet, path, "")
	if file.status != 200 {
		m.t.Fatalf("download: %d %s", file.status, file.Code)
	}
	sum := sha1.Sum(file.body)
	return string(file.body), hex.EncodeToString(sum[:]) == applied.HashValue
}

// business makes two days: a payment with a coupon and its refund on the first, a payment just before and one just
// after midnight.
func business(t *testing.T) (*merchant, *clock) {
	c := &clock{now: noon}
	m := newMerchant(t, Config{Now: c.Now})
	m.SetClockOffset(0)
	pay := func(number string, opt PayOptions) {
		t.Helper()
		if a, _ := m.place("jsapi", map[string]any{"out_trade_no": number, "description": "校园卡,充值", "attach": "t-" + number}); a.status != 200 {
			t.Fatal(a.status, a.Code)
		}
		opt.Wait = true
		if _, err := m.Pay(t.Context(), number, "", opt); err != nil {
			t.Fatal(err)
		}
	}
	pay("PAID0001", PayOptions{PayerTotal: 4990, BankType: "CMC_DEBIT"})
	c.Add(time.Hour)
	if a := m.refund(nil); a.status != 200 {
		t.Fatal(a.status, a.Code)
	}
	m.quiet()
	c.Add(11*time.Hour - 100*time.Millisecond)
	pay("PAID0002", PayOptions{})
	c.Add(100 * time.Millisecond)
	pay("PAID0003", PayOptions{})
	c.Add(48 * time.Hour)
	return m, c
}

func TestBills(t *testing.T) {
	t.Parallel()
	m, _ := business(t)
	for name, target := range map[string]string{
		"all":     "/v3/bill/tradebill?bill_date=2026-01-01",
		"success": "/v3/bill/tradebill?bill_date=2026-01-01&bill_type=SUCCESS",
		"refund":  "/v3/bill/tradebill?bill_date=2026-01-01&bill_type=REFUND",
		"nextday": "/v3/bill/tradebill?bill_date=2026-01-02&bill_type=ALL",
		"fund":    "/v3/bill/fundflowbill?bill_date=2026-01-01",
	} {
		t.Run(name, func(t *testing.T) {
			got, fits := m.bill(target)
			if !fits {
				t.Error("hash does not fit")
			}
			golden := filepath.Join("testdata", "bill-"+name+".csv")
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func TestBillRefusals(t *testing.T) {
	t.Parallel()
	m, c := business(t)
	for _, tc := range []struct{ name, target, code string }{
		{"EmptyDay", "/v3/bill/tradebill?bill_date=2025-12-31", "NO_STATEMENT_EXIST"},
		{"NoRefunds", "/v3/bill/tradebill?bill_date=2026-01-02&bill_type=REFUND", "NO_STATEMENT_EXIST"},
		{"NoDate", "/v3/bill/tradebill", "PARAM_ERROR"},
		{"BadDate", "/v3/bill/tradebill?bill_date=2026-1-1", "PARAM_ERROR"},
		{"BadType", "/v3/bill/tradebill?bill_date=2026-01-01&bill_type=SOME", "PARAM_ERROR"},
		{"BadPack", "/v3/bill/tradebill?bill_date=2026-01-01&tar_type=ZIP", "PARAM_ERROR"},
		{"TooOld", "/v3/bill/tradebill?bill_date=2025-09-01", "INVALID_REQUEST"},
		{"Future", "/v3/bill/tradebill?bill_date=2026-01-05", "INVALID_REQUEST"},
		{"Today", "/v3/bill/tradebill?bill_date=2026-01-04", "NO_STATEMENT_EXIST"},
		{"YesterdayAtMidnight", "/v3/bill/tradebill?bill_date=2026-01-03", "STATEMENT_CREATING"},
		{"OtherAccount", "/v3/bill/fundflowbill?bill_date=2026-01-01&account_type=FEES", "NO_STATEMENT_EXIST"},
		{"UnknownToken", "/v3/billdownload/file?token=x", "INVALID_REQUEST"},
	} {
		if a := m.call(http.MethodGet, tc.target, ""); a.status != 400 || a.Code != tc.code {
			t.Errorf("%s: %d %s, want 400 %s", tc.name, a.status, a.Code, tc.code)
		}
	}
	a := m.call(http.MethodGet, "/v3/bill/tradebill?bill_date=2026-01-01", "")
	c.Add(5 * time.Minute)
	_, path, _ := strings.Cut(string(a.body), "https://api.mch.weixin.qq.com")
	if late := m.call(http.MethodGet, strings.TrimSuffix(path, `"}`), ""); late.status != 400 || late.Code != "INVALID_REQUEST" {
		t.Errorf("token after five minutes: %d %s", late.status, late.Code)
	}
}

func TestBillFaults(t *testing.T) {
	t.Parallel()
	m, _ := business(t)
	const target = "/v3/bill/tradebill?bill_date=2026-01-01"
	good, _ := m.bill(target)
	lines := strings.Split(good, "\n")
	for _, tc := range []struct {
		kind Kind
		want func(got string) bool
		hash bool
	}{
		{FaultBillHash, func(got string) bool { return got == good }, false},
		{FaultBillCut, func(got string) bool { return got == good[:len(good)-20] }, false},
		{FaultBillBOM, func(got string) bool { return got == "\ufeff"+good }, true},
		{FaultBillCRLF, func(got string) bool { return got == strings.ReplaceAll(good, "\n", "\r\n") }, true},
		{FaultBillExtra, func(got string) bool {
			return strings.Contains(got, "`4200000001000000000000000000,`") && strings.Contains(got, "\n`4,")
		}, true},
		{FaultBillMiss, func(got string) bool { return !strings.Contains(got, lines[1]) && strings.Contains(got, "\n`2,") }, true},
		{FaultBillTwice, func(got string) bool { return strings.Count(got, lines[1]) == 2 }, true},
		{FaultBillWrong, func(got string) bool { return strings.Contains(got, "`50.01,`0.00,`\n") }, true},
		{FaultBillOrder, func(got string) bool { return strings.HasPrefix(got, "新增列,费率备注,") }, true},
	} {
		t.Run(string(tc.kind), func(t *testing.T) {
			if err := m.Inject(Fault{Point: AtTradeBill, Kind: tc.kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			got, hash := m.bill(target)
			if !tc.want(got) || hash != tc.hash {
				t.Errorf("hash fits: %v, file\n%s", hash, got)
			}
		})
	}
	if err := m.Inject(Fault{Point: AtTradeBill, Kind: FaultBillBomb, Times: 1}); err != nil {
		t.Fatal(err)
	}
	packed, _ := m.bill(target + "&tar_type=GZIP")
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.CopyN(io.Discard, r, 64<<20); err != nil || len(packed) > 2<<20 {
		t.Errorf("%d packed bytes give %d, %v", len(packed), n, err)
	}
	if again, _ := m.bill(target); !bytes.Equal([]byte(again), []byte(good)) {
		t.Error("a fault lasted")
	}
}
