package h5

import (
	"html"
	"regexp"
	"strings"
	"testing"

	"xiaoka/ledger"
)

// Paper holds every line of a month, and sums that lead from the first balance
// to the last.
func TestPrinted(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	p := open(t, w)
	p.as(w, bound)
	cell := regexp.MustCompile(`(?s)<t[dh][^>]*>(.*?)</t[dh]>`)
	for query, s := range map[string]ledger.Statement{
		"?month=2025-11":                 ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound]),
		"?from=2025-11-03&to=2025-11-05": ledger.NewStatement(opened, firstOfMonth.AddDate(0, 0, 2), firstOfMonth.AddDate(0, 0, 5), w.moved[bound]),
	} {
		page := wantPage(t, p.get("/h5/transactions/print"+query), 200, "校园卡交易明细", "打印于", "data-print", "到卡合计", "支出合计")
		var rows [][]string
		for _, row := range strings.Split(page, "<tr")[1:] {
			var cells []string
			for _, c := range cell.FindAllStringSubmatch(row, -1) {
				cells = append(cells, html.UnescapeString(c[1]))
			}
			rows = append(rows, cells)
		}
		fen := func(text string) ledger.Fen {
			f, err := ledger.ParseYuan(strings.NewReplacer("−", "-", "+", "").Replace(strings.TrimPrefix(text, "−")))
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if strings.HasPrefix(text, "−") {
				f = -f
			}
			return f
		}
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
	for _, dates := range []string{"from=2025-11-05&to=2025-11-03", "from=2025-12-24&to=2025-12-25"} {
		wantPage(t, p.get("/h5/transactions/print?"+dates), 400, "这段日期不能导出", "不晚于今天", `href="/h5/transactions">回到交易明细`)
	}
	wantPage(t, p.get("/h5/transactions"), 200, `href="/h5/transactions/print?month=2025-11"`, `formaction="/h5/transactions/print"`)
}
