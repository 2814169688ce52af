package h5

import (
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

var sheetCell = regexp.MustCompile(`<t[dh][^>]*>([^<]*)`)

// sheetRows are the cells of a page for paper.
func sheetRows(page string) (rows [][]string) {
	for _, row := range strings.Split(page, "<tr")[1:] {
		var cells []string
		for _, c := range sheetCell.FindAllStringSubmatch(row, -1) {
			cells = append(cells, strings.TrimSpace(html.UnescapeString(c[1])))
		}
		rows = append(rows, cells)
	}
	return rows
}

// onPaper reads an amount with its sign.
func onPaper(t *testing.T, text string) ledger.Fen {
	t.Helper()
	digits, spent := strings.CutPrefix(text, "−")
	f, err := ledger.ParseYuan(strings.TrimPrefix(digits, "+"))
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	if spent {
		return -f
	}
	return f
}

// lateMonth is a month of n purchases, each of which came late, and the balance
// it begins with.
func lateMonth(w *world, n int, where string) (opening ledger.Fen) {
	loaded := ledger.Fen(n * 2000)
	opening = opened + loaded
	w.moved[bound] = []ledger.Movement{{Kind: ledger.MovementClaim, Amount: loaded, At: firstOfMonth.AddDate(0, 0, -1), LoadSeq: 7, After: opening}}
	chip := ledger.Chip{LoadSeq: 7, Balance: opening}
	for i := range n {
		chip.SpendSeq++
		chip.Balance -= ledger.Fen(1234 + i%700)
		w.moved[bound] = append(w.moved[bound], ledger.Movement{Kind: ledger.MovementConsumption, Amount: ledger.Fen(1234 + i%700), Late: true,
			At: firstOfMonth.Add(time.Duration(i) * 20 * 24 * time.Hour / time.Duration(n)), Booked: firstOfMonth.AddDate(0, 0, 21),
			Where: where, TerminalID: "P01", LoadSeq: chip.LoadSeq, SpendSeq: chip.SpendSeq, After: chip.Balance})
	}
	return opening
}

// A month of five hundred purchases that came late, at merchants with long
// names, is one page and under 60 KB; more go on on further pages, each of
// which leads from the balance the last one led to.
func TestPrinted_Much(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		lines, pages int
		where        string
	}{
		"five hundred, Chinese": {500, 1, "第二食堂二楼清真风味麻辣香锅窗口"},
		"five hundred, English": {500, 1, "North Canteen, Noodles & Dumplings, 2F"},
		"longest names":         {500, 3, strings.Repeat("麵", 64)},
		"names that are markup": {500, 4, strings.Repeat(`"`, 64)},
		"five thousand":         {5000, 10, "第二食堂二楼清真风味麻辣香锅窗口"},
	} {
		for _, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
			t.Run(name+" "+string(lang), func(t *testing.T) {
				t.Parallel()
				w := newWorld()
				w.people[bound].Lang = lang
				balance := lateMonth(w, c.lines, c.where)
				p := open(t, w)
				p.as(w, bound)
				seen := 0
				for n := 1; n <= c.pages; n++ {
					page := wantPage(t, p.get(fmt.Sprintf("/h5/transactions/print?month=2025-11&page=%d", n)), 200, text(lang, "movement.late"))
					if len(page) > 60_000 {
						t.Errorf("page %d: %d bytes", n, len(page))
					}
					rows := sheetRows(page)
					sums := 1
					if n == c.pages {
						sums = 3
					}
					if before := strings.Contains(page, `rel="prev"`); before != (n > 1) {
						t.Errorf("page %d leads back: %v", n, before)
					}
					if after := strings.Contains(page, fmt.Sprintf(`rel="next" href="/h5/transactions/print?month=2025-11&amp;page=%d"`, n+1)); after != (n < c.pages) {
						t.Errorf("page %d of %d leads on: %v", n, c.pages, after)
					}
					if got := onPaper(t, rows[1][3]); got != balance {
						t.Fatalf("page %d begins with %v, not %v", n, got, balance)
					}
					for _, row := range rows[2 : len(rows)-sums] {
						if row[1] != c.where+"\u00a0*" {
							t.Fatalf("page %d: %q", n, row)
						}
						seen++
						if balance += onPaper(t, row[2]); onPaper(t, row[3]) != balance {
							t.Fatalf("page %d: %q, not %v", n, row, balance)
						}
					}
					if got := onPaper(t, rows[len(rows)-1][3]); got != balance {
						t.Errorf("page %d ends with %v, not %v", n, got, balance)
					}
				}
				if seen != c.lines {
					t.Errorf("%d lines of %d", seen, c.lines)
				}
			})
		}
	}
}

// Paper holds every line of a month, and sums that lead from the first balance
// to the last.
func TestPrinted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	p := open(t, w)
	p.as(w, bound)
	for query, s := range map[string]ledger.Statement{
		"?month=2025-11":                 ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound]),
		"?from=2025-11-03&to=2025-11-05": ledger.NewStatement(opened, firstOfMonth.AddDate(0, 0, 2), firstOfMonth.AddDate(0, 0, 5), w.moved[bound]),
	} {
		page := wantPage(t, p.get("/h5/transactions/print"+query), 200, "校园卡交易明细", "打印于", "data-print", "到卡合计", "支出合计")
		rows := sheetRows(page)
		fen := func(text string) ledger.Fen { return onPaper(t, text) }
		n := len(s.Movements)
		if len(rows) != n+5 { // headings, the opening balance, three sums
			t.Fatalf("%s: %d rows for %d movements", query, len(rows), n)
		}
		var in, out ledger.Fen
		for _, row := range rows[2 : n+2] {
			if change := fen(row[2]); change >= 0 {
				in += change
			} else {
				out -= change
			}
			if got := fen(rows[1][3]) + in - out; row[3] != "" && got != fen(row[3]) {
				t.Errorf("%v: by the amounts %v", row, got)
			}
		}
		sums := rows[n+2:]
		if fen(rows[1][3]) != s.Opening || fen(sums[0][2]) != in || -fen(sums[1][2]) != out || fen(sums[2][3]) != s.Closing || s.Opening+in-out != s.Closing {
			t.Errorf("%s: %v to %v, in %v, out %v; on paper %v and %v", query, s.Opening, s.Closing, in, out, rows[1], sums)
		}
	}
	wantPage(t, p.get("/h5/transactions/print?month=2025-11"), 200, "2025年11月1日 – 2025年11月22日", "现在余额", "记录迟到", "挂失之后的消费")
	wantPage(t, p.get("/h5/transactions/print?month=2025-10"), 200, "2025年10月1日 – 2025年10月31日", "期末余额")
	wantPage(t, p.get("/h5/transactions/print?from=2025-11-05&to=2025-11-05"), 200, ">2025年11月5日<")
	wantPage(t, p.get("/h5/transactions/print?from=2025-11-04&to=2025-11-05"), 200, ">2025年11月4日 – 2025年11月5日<")
	for _, page := range []string{"0", "-1", "x"} {
		wantPage(t, p.get("/h5/transactions/print?month=2025-11&page="+page), 400)
	}
	for _, dates := range []string{"from=2025-11-05&to=2025-11-03", "from=2025-12-24&to=2025-12-25"} {
		wantPage(t, p.get("/h5/transactions/print?"+dates), 400, "这段日期不能导出", "不晚于今天", `href="/h5/transactions">回到交易明细`)
	}
	wantPage(t, p.get("/h5/transactions"), 200, `href="/h5/transactions/print?month=2025-11"`, `formaction="/h5/transactions/print"`)
}

// What leads on and what is left is written with a real minus sign, as amounts are.
func TestPrinted_Negative(t *testing.T) {
	t.Parallel()
	w := newWorld()
	w.moved[bound] = []ledger.Movement{{Kind: ledger.MovementConsumption, Amount: opened + 500, At: firstOfMonth.Add(time.Hour), Where: "风味窗口", SpendSeq: 1}}
	p := open(t, w)
	p.as(w, bound)
	shows := func(month string, row int) {
		t.Helper()
		rows := sheetRows(wantPage(t, p.get("/h5/transactions/print?month="+month), 200))
		if got := rows[(len(rows)+row)%len(rows)][3]; got != "−5.00" {
			t.Errorf("%s: %q, want −5.00", month, got)
		}
	}
	shows("2025-11", -1)
	w.now = w.now.AddDate(0, 1, 0)
	p.as(w, bound)
	shows("2025-12", 1)
}
