package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaoka/sandbox/wechatpay"
)

// A day is held against the simulated WeChat Pay's own bill, right and wrong.
func TestReconcile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		day := time.Now().In(time.FixedZone("CST", 8*60*60)).Format(time.DateOnly)

		// reconcile runs the command and wants its status and words.
		reconcile := func(status int, words ...string) {
			t.Helper()
			out, err := h.try("reconcile", "--date", day)
			if (err == nil) != (status == 0) {
				t.Fatalf("reconcile: %v, want status %d\n%s", err, status, out)
			}
			for _, w := range words {
				if !strings.Contains(out, w) {
					t.Errorf("reconcile does not say %q:\n%s", w, out)
				}
			}
		}
		spoilt := func(kind wechatpay.Kind, status int, words ...string) {
			t.Helper()
			if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtTradeBill, Kind: kind}); err != nil {
				t.Fatal(err)
			}
			reconcile(status, words...)
			h.campus.Pay.ClearFaults()
		}

		reconcile(0, "no bill", "The day is reconciled.")
		first, second := m.orderNo(2000), m.orderNo(3000)
		m.pay(first)
		reconcile(0, "1 payments of ¥20.00", "The day is reconciled.")

		// The product is down when the second is paid: the bill finds it first.
		p := m.callUp(second)
		for len(h.replicas) > 0 {
			h.kill(h.replicas[0])
		}
		if _, err := h.campus.Pay.Pay(m.context(), p.PrepayID(), h.campus.OpenID(m.Person), wechatpay.PayOptions{}); err != nil {
			t.Fatal(err)
		}
		reconcile(0, "missing here, mended", second, "ours ¥30.00, theirs ¥30.00", "The day is reconciled.")
		reconcile(0, "2 payments of ¥50.00", "fund flow, for information")
		h.proven()

		export := filepath.Join(t.TempDir(), "day.csv")
		h.run("reconcile", "--date", day, "--export", export)
		if sheet, err := os.ReadFile(export); err != nil || strings.Count(string(sheet), "一致") != 2 || !strings.Contains(string(sheet), second) {
			t.Errorf("the export: %v\n%s", err, sheet)
		}
		if out := h.run("transfers", "unclaimed", "--older-than", "0d"); !strings.Contains(out, "2 transfers of ¥50.00 wait for 1 holders") || strings.Contains(out, m.Name) {
			t.Errorf("unclaimed transfers:\n%s", out)
		}

		for _, kind := range []wechatpay.Kind{wechatpay.FaultBillBOM, wechatpay.FaultBillCRLF, wechatpay.FaultBillOrder} {
			spoilt(kind, 0, "The day is reconciled.")
		}
		spoilt(wechatpay.FaultBillExtra, 1, "missing here", "no such order here", "Differences that remain: 1")
		spoilt(wechatpay.FaultBillMiss, 1, "missing there", first, "ours ¥20.00, theirs nothing", "Differences that remain: 1")
		spoilt(wechatpay.FaultBillWrong, 1, "amount differs", first, "ours ¥20.00, theirs ¥20.01", "Differences that remain: 1")
		for _, kind := range []wechatpay.Kind{wechatpay.FaultBillTwice, wechatpay.FaultBillHash, wechatpay.FaultBillCut, wechatpay.FaultBillBomb} {
			spoilt(kind, 1, "the bill is refused")
		}

		// The finance office refunds by hand; nobody tells the product.
		by, err := h.campus.Pay.PlatformRefund(first, 2000)
		if err != nil {
			t.Fatal(err)
		}
		h.await("the refund's end", func() bool { return h.campus.Pay.Refunds()[0].Status == "SUCCESS" })
		reconcile(0, "refund differs, mended", by, "The day is reconciled.")
		reconcile(0, "1 refunds of ¥20.00", "The day is reconciled.")
		if out := h.run("transfers", "unclaimed", "--older-than", "0d"); !strings.Contains(out, "1 transfers of ¥30.00") {
			t.Errorf("money that went back can still be collected:\n%s", out)
		}
		h.run("ledger", "check")
	})
}
