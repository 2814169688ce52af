package e2e

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"xiaoka/ledger"
	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
)

// What a till sold, what a machine wrote to the card: the list, the statement,
// both files and the chip agree to the fen, and nobody else sees any of it.
func TestStatement(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m, other := h.newMember(0).holder(), h.newMember(1).holder()
		m.pay(m.orderNo(20000))
		till := terminal.NewPOS(h.terminal("P01"), "二号餐厅 风味窗口", terminal.Store{})
		chip, others := h.campus.Chip(m.Person), h.campus.Chip(other.Person)
		spent := int64(0)
		for i := range 23 { // the first swipe also collects what was paid
			till.SetOnline(i%2 == 0)
			fen := int64(350 + 41*i)
			if _, err := till.Swipe(m.context(), chip, fen); err != nil {
				t.Fatal(err)
			}
			spent += fen
		}
		if _, err := till.Swipe(m.context(), others, 777); err != nil {
			t.Fatal(err)
		}
		till.SetOnline(true)
		if _, err := till.Upload(m.context()); err != nil {
			t.Fatal(err)
		}
		h.proven()
		const opening, paid = 1250, 20000
		closing := int64(opening + paid - spent)
		if got := chip.Peek().BalanceFen; got != closing {
			t.Fatalf("the chip holds %d fen, want %d", got, closing)
		}
		yuan := func(fen int64) string { return ledger.Fen(fen).Yuan() }

		month := time.Now().In(time.FixedZone("CST", 8*3600)).Format("2006-01")
		statement := m.open(h.url + "/h5/statement?month=" + month)
		for _, words := range []string{"−" + yuan(spent), "+200.00", "¥12.50", "¥" + yuan(closing), "二号餐厅 风味窗口", "<svg"} {
			if !strings.Contains(statement, words) {
				t.Errorf("the statement does not say %q", words)
			}
		}
		amounts := regexp.MustCompile(`class="money amount(?: in)?">([+−])([0-9.]+)<`)
		var sum ledger.Fen
		lines := 0
		for page := 1; page <= 2; page++ {
			found := amounts.FindAllStringSubmatch(m.open(fmt.Sprintf("%s/h5/transactions?month=%s&page=%d", h.url, month, page)), -1)
			lines += len(found)
			for _, a := range found {
				fen, err := ledger.ParseYuan(a[2])
				if err != nil {
					t.Fatal(err)
				}
				if a[1] != "+" {
					fen = -fen
				}
				sum += fen
			}
		}
		if lines != 24 || sum != ledger.Fen(paid-spent) {
			t.Errorf("the list has %d lines that sum to %v, want 24 and %v", lines, sum, ledger.Fen(paid-spent))
		}

		m.toldSince(m.say(campus.CardID, "账单"), campus.CardID, "¥"+yuan(spent), "二号餐厅 风味窗口")

		today := time.Now().In(time.FixedZone("CST", 8*3600)).Format(time.DateOnly)
		for _, query := range []string{"?month=" + month, "?from=" + today + "&to=" + today} {
			_, file := m.get(h.url + "/h5/transactions.csv" + query)
			rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(file, "\ufeff"))).ReadAll()
			if err != nil || len(rows) != 24+3 {
				t.Fatalf("%s: %d rows, %v\n%s", query, len(rows), err, file)
			}
			_, file = m.get(h.url + "/h5/transactions.xlsx" + query)
			book, err := excelize.OpenReader(bytes.NewReader([]byte(file)))
			if err != nil {
				t.Fatal(err)
			}
			sheet, err := book.GetRows(book.GetSheetName(0))
			if err != nil {
				t.Fatal(err)
			}
			for _, total := range [][]string{rows[len(rows)-1], sheet[len(sheet)-1]} {
				if total[4] != yuan(paid) || total[5] != yuan(spent) || total[6] != yuan(closing) {
					t.Errorf("%s ends with %v", query, total)
				}
			}
		}

		foreign := regexp.MustCompile(`[−¥-]3\.50\b`)
		for _, address := range []string{"/h5/statement", "/h5/transactions", "/h5/transactions.csv"} {
			if got := other.open(h.url + address + "?month=" + month); foreign.MatchString(got) || !strings.Contains(got, "7.77") {
				t.Errorf("%s shows somebody else's purchases, or not the own one", address)
			}
		}
		if status, _ := m.get(h.url + "/h5/transactions?month=2099-01"); status != http.StatusBadRequest {
			t.Errorf("a month to come: %d", status)
		}
	})
}
