package e2e

import (
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// The school grants money: the holder hears of it, sees it waiting without a
// way to have it paid out, and collects it at a machine, once however often
// the batch is imported.
func TestSubsidy(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		file := filepath.Join(t.TempDir(), "grants.csv")
		if err := os.WriteFile(file, []byte("student_no,name,amount,title\n"+m.StudentNo+","+m.Name+",300,三月餐补\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		for i, want := range []string{"1 granted of ¥300.00, 0 granted before", "0 granted of ¥0.00, 1 granted before"} {
			if out := h.run("subsidy", "import", file, "--batch", "2026-03"); !strings.Contains(out, want) {
				t.Errorf("import %d: %s", i+1, out)
			}
		}
		m.told(campus.CardID, "补助已发放，待领取", "¥300.00", "补助 三月餐补")
		n := m.say(campus.CardID, "待领")
		m.toldSince(n, campus.CardID, "补助 三月餐补", "¥300.00")
		if status, body := m.get("/h5/transfers"); status != 200 || !strings.Contains(body, "补助 三月餐补") || strings.Contains(body, "/refund\"") {
			t.Errorf("/h5/transfers = %d\n%s", status, body)
		}
		id := h.transferOf(m)
		if _, body := m.get("/h5/transfers/" + id + "/refund"); strings.Contains(body, "<form") {
			t.Errorf("a grant can be asked back:\n%s", body)
		}
		if a := m.send("POST", "/h5/transfers/"+id+"/refund", m.form()); a.status != http.StatusConflict {
			t.Errorf("asked back all the same: %d", a.status)
		}
		m.claim("K01", ownPassword)
		m.told(campus.CardID, "已到卡", "¥300.00")
		if got := h.campus.Chip(m.Person).Peek(); got.BalanceFen != 1250+30000 {
			t.Errorf("the chip holds %d fen", got.BalanceFen)
		}
		if n := m.count(campus.CardID, "补助已发放"); n != 1 {
			t.Errorf("told %d times", n)
		}
		h.proven()
	})
}

// A purchase that was typed wrongly is reversed: its money waits, and comes
// back to the chip at the next till.
func TestCorrection(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		till := terminal.NewPOS(h.terminal("P01"), "二号餐厅 风味窗口", terminal.Store{})
		chip := h.campus.Chip(m.Person)
		if _, err := till.Swipe(m.context(), chip, 650); err != nil {
			t.Fatal(err)
		}
		if _, err := till.Upload(m.context()); err != nil {
			t.Fatal(err)
		}
		m.told(campus.CardID, "¥6.50", "二号餐厅 风味窗口")
		seq := h.number("SELECT MAX(seq) FROM consumptions")
		reverse := []string{"consumption", "reverse", "P01", strconv.FormatInt(seq, 10), "--amount", "5.85", "--note", "cashier typed 6.50 for 0.65"}
		if out := h.run(reverse...); !strings.Contains(out, "¥5.85 of ¥6.50 at 二号餐厅 风味窗口") {
			t.Errorf("reverse: %s", out)
		}
		if out, err := h.try(reverse...); err == nil || !strings.Contains(out, "is reversed already") {
			t.Errorf("again: %v, %s", err, out)
		}
		m.told(campus.CardID, "消费已冲正，待领取", "¥5.85")
		if _, err := till.Swipe(m.context(), chip, 100); err != nil {
			t.Fatal(err)
		}
		m.told(campus.CardID, "已到卡", "¥5.85")
		if got := chip.Peek(); got.BalanceFen != 1250-650+585-100 {
			t.Errorf("the chip holds %d fen", got.BalanceFen)
		}
		if _, err := till.Upload(m.context()); err != nil {
			t.Fatal(err)
		}
		h.proven()
	})
}
