package h5

import (
	"encoding/csv"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"xiaoka/ledger"
)

var firstOfMonth = time.Date(2025, 11, 1, 0, 0, 0, 0, shanghai)

// lived gives the bound person a month of history, and another one's that
// nobody else may see.
func lived(w *world) {
	w.moved[bound] = history(firstOfMonth)
	w.moved[initial] = []ledger.Movement{{Kind: ledger.MovementConsumption, Amount: 77777, At: w.now, Where: "别人的窗口"}}
}

var amounts = regexp.MustCompile(`<span class="money amount(?: in)?">([+−][0-9.]+)</span>`)

// lines gives the amounts of the list on a page, in order.
func lines(page string) (all []string) {
	for _, m := range amounts.FindAllStringSubmatch(page, -1) {
		all = append(all, m[1])
	}
	return all
}

func TestTransactions_Pages(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	p := open(t, w)
	p.as(w, bound)
	want := ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound]).Movements
	var got []string
	for path, pages := "/h5/transactions?month=2025-11", 0; path != ""; pages++ {
		page := wantPage(t, p.get(path), 200)
		found := lines(page)
		if len(found) > pageLength || len(found) == 0 {
			t.Fatalf("%s has %d lines", path, len(found))
		}
		got = append(got, found...)
		path = ""
		if next := regexp.MustCompile(`rel="next" href="(/h5/transactions\?month=2025-11&amp;page=\d+)"`).FindStringSubmatch(page); next != nil {
			path = strings.ReplaceAll(next[1], "&amp;", "&")
		}
	}
	if len(got) != len(want) || len(want) <= 2*pageLength {
		t.Fatalf("%d lines on all pages, want %d", len(got), len(want))
	}
	for i, m := range want {
		if got[i] != signed(m.Change()) {
			t.Errorf("line %d is %s, want %s", i, got[i], signed(m.Change()))
		}
	}
	if page := wantPage(t, p.get("/h5/transactions?page=99"), 200, "后面没有了"); len(lines(page)) != 0 || strings.Contains(page, "99 / ") {
		t.Error("lines beyond the end")
	}
}

func TestTransactions_Filters(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	p := open(t, w)
	p.as(w, bound)
	for query, want := range map[string]int{
		"kind=claim": 3, "kind=correction": 0, "kind=consumption&page=3": 5, "merchant=" + url.QueryEscape("教育超市"): 8,
		"kind=claim&merchant=" + url.QueryEscape("教育超市"): 0, "merchant=" + url.QueryEscape("别人的窗口"): 0, "merchant=%00%ff": 0, "month=2025-10": 0,
	} {
		if got := len(lines(wantPage(t, p.get("/h5/transactions?"+query), 200))); got != want {
			t.Errorf("%s: %d lines, want %d", query, got, want)
		}
	}
	for _, query := range []string{"kind=x", "page=0", "page=-1", "page=x", "page=99999999999999999999"} {
		wantPage(t, p.get("/h5/transactions?"+query), 400, "没看懂这次提交")
	}
}

// A filtered list has its own sums, says that they are of a part, and that the
// files hold more than it.
func TestTransactions_FilteredSums(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	month := ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound])
	var shop, loaded ledger.Fen
	for _, m := range month.Movements {
		switch {
		case m.Kind == ledger.MovementClaim:
			loaded += m.Amount
		case m.Where == "教育超市":
			shop += m.Amount
		}
	}
	p := open(t, w)
	p.as(w, bound)
	sums := regexp.MustCompile(`(?s)<dl class="sums">.*?</dl>`)
	whole := wantPage(t, p.get("/h5/transactions"), 200, "整月的明细请用列表下面的“打印当月”打印")
	for query, want := range map[string][]string{
		"merchant=" + url.QueryEscape("教育超市"): {"<dd>8 笔</dd>", `<dt>消费</dt><dd class="money">` + signed(-shop) + "<"},
		"kind=claim": {"<dd>3 笔</dd>", `<dt>领取到卡</dt><dd class="money in">` + signed(loaded) + "<"},
		"kind=claim&merchant=" + url.QueryEscape("教育超市"): {"<dd>0 笔</dd>"},
	} {
		page := wantPage(t, p.get("/h5/transactions?"+query), 200, append(want, "以上只算筛选出来的。整月消费 "+month.Spent.String(), "<br>筛选：", "整月或整段日期的全部记录")...)
		if found := sums.FindString(page); found == sums.FindString(whole) || strings.Count(found, "<dt>") != len(want) {
			t.Errorf("%s: %s", query, found)
		}
	}
	if strings.Contains(whole, "筛选出") || strings.Contains(whole, "不按上面的筛选") {
		t.Error("the whole month is called a part")
	}
	p.lang = "en"
	wantPage(t, p.get("/h5/transactions?kind=claim"), 200, "<dt>Matching</dt><dd>3</dd>", "These sums are of what matches alone.", "Filter: Collected", "not only what matches")
}

func TestTransactions_Words(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	w.balances[bound] = ledger.Balance{Books: 100, Pending: 5000, InFlight: 700, Doubt: true, Missing: 2, CardNo: "6217000123450001"}
	p := open(t, w)
	p.as(w, bound)
	wantPage(t, p.get("/h5/transactions"), 200, "11月22日 周六", "记录迟到，11月24日入账", "挂失之后的消费", "钱没有丢", "还有 2 笔消费没有上传", "¥50.00 待领取")
	if page := wantPage(t, p.get("/h5/transactions?month=2025-10"), 200, "这个月还没有交易"); strings.Contains(page, "待领取") {
		t.Error("a month that is over says what waits now")
	}
}

func TestMonths(t *testing.T) {
	t.Parallel()
	w := newWorld()
	p := open(t, w)
	p.as(w, bound)
	for _, path := range []string{"/h5/transactions", "/h5/statement", "/h5/transactions.csv", "/h5/transactions.xlsx", "/h5/transactions/print"} {
		for _, month := range []string{"2025-12", "2015-11", "0000-01", "x", "2025-13", "2025-1", "202511", "2025-11-01", "%00", strings.Repeat("9", 400)} {
			wantPage(t, p.get(path+"?month="+month), 400, "没有这个月份的记录")
		}
		for _, month := range []string{"2025-11", "2015-12", "2025-01"} {
			if status := p.get(path + "?month=" + month).StatusCode; status != 200 {
				t.Errorf("%s of %s: %d", path, month, status)
			}
		}
	}
	page := wantPage(t, p.get("/h5/statement?month=2025-01"), 200, "2025年1月", "month=2024-12", "month=2025-02")
	if strings.Contains(page, "打印于 %") {
		t.Error(page)
	}
	if page := wantPage(t, p.get("/h5/statement"), 200); strings.Contains(page, "month=2025-12") {
		t.Error("leads into the future")
	}
	wantRedirect(t, p.get("/h5/statement?lang=en&month=2025-10"), "/h5/statement?month=2025-10")
}

func TestStatement(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	w.transfers[bound] = []ledger.Transfer{{Kind: "topup", Amount: 7000, CreatedAt: w.now, State: ledger.TransferRefunded}, {Kind: "topup", Amount: 100, CreatedAt: w.now},
		{Kind: "subsidy", Amount: 30000, CreatedAt: w.now}, {Kind: "correction", Amount: 650, CreatedAt: w.now}, {Kind: "subsidy", Amount: 1, CreatedAt: w.now.AddDate(0, -1, 0)}}
	p := open(t, w)
	p.as(w, bound)
	s := ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound])
	page := wantPage(t, p.get("/h5/statement"), 200, s.Spent.String(), s.Closing.String(), signed(-s.Spent), signed(s.Claimed), "当月微信充值 ¥71.00，其中 ¥70.00 已退款",
		"当月发放补助 ¥300.00", "当月消费冲正 ¥6.50", "上月同期没有消费", "教育超市", "早餐", "有 1 笔记录迟到", `<svg viewBox="0 0 343 134"`, "<caption>每天</caption>")
	if got := strings.Count(page, `rx="1.5"`); got != len(s.Days) {
		t.Errorf("%d bars for %d days", got, len(s.Days))
	}
	if strings.Contains(page, "别人") {
		t.Error("another's purchases")
	}
	// The month after opens with what this one closed with.
	w.now = w.now.AddDate(0, 1, 0)
	p.as(w, bound)
	same := ledger.NewStatement(opened, firstOfMonth, w.now.AddDate(0, -1, 0), w.moved[bound]).Spent
	wantPage(t, p.get("/h5/statement"), 200, s.Closing.String(), "与上月同期相比少 "+same.String()+"（上月到 11月22日 12:08 共 ", "账单是空的")
	wantRedirect(t, p.get("/h5/statement?lang=en"), "/h5/statement")
	wantPage(t, p.get("/h5/statement"), 200, same.String()+" less than by the same time last month (by 22 Nov, 12:08: ")
	wantRedirect(t, p.get("/h5/statement?lang=zh-CN"), "/h5/statement")
	// Once it is over, it is compared with the whole of this one.
	month := ledger.MonthOf(w.now.In(shanghai)).String()
	w.now = w.now.AddDate(0, 1, 0)
	p.as(w, bound)
	wantPage(t, p.get("/h5/statement?month="+month), 200, "比上月少 "+s.Spent.String())
}

// table reads an export back, and checks that its totals are its sums.
func wantTable(t *testing.T, rows [][]string, s ledger.Statement) {
	t.Helper()
	if len(rows) != len(s.Movements)+3 {
		t.Fatalf("%d rows for %d movements", len(rows), len(s.Movements))
	}
	fen := func(text string) (f ledger.Fen) {
		if text == "" {
			return 0
		}
		f, err := ledger.ParseYuan(strings.TrimPrefix(text, "-"))
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if strings.HasPrefix(text, "-") {
			f = -f
		}
		return f
	}
	var in, out ledger.Fen
	first, last := rows[1], rows[len(rows)-1]
	for i, row := range rows[2 : len(rows)-1] {
		in += fen(row[4])
		out += fen(row[5])
		if got := fen(first[6]) + in - out; got != fen(row[6]) {
			t.Errorf("row %d: the balance is %s, by the amounts %v", i, row[6], got)
		}
	}
	if fen(last[4]) != in || fen(last[5]) != out || fen(first[6])+in-out != fen(last[6]) || fen(last[6]) != s.Closing || fen(first[6]) != s.Opening || out != s.Spent {
		t.Errorf("totals %v after %v; in %v, out %v; the statement says %v to %v", last, first, in, out, s.Opening, s.Closing)
	}
}

func TestExports(t *testing.T) {
	t.Parallel()
	w := newWorld()
	lived(w)
	w.moved[bound][3].Where = `=HYPERLINK("http://evil.example","点我")`
	p := open(t, w)
	p.as(w, bound)
	for query, s := range map[string]ledger.Statement{
		"?month=2025-11":                 ledger.NewStatement(opened, firstOfMonth, firstOfMonth.AddDate(0, 1, 0), w.moved[bound]),
		"?from=2025-11-03&to=2025-11-05": ledger.NewStatement(opened, firstOfMonth.AddDate(0, 0, 2), firstOfMonth.AddDate(0, 0, 5), w.moved[bound]),
		"?from=2024-12-01&to=2025-11-30": ledger.NewStatement(opened, firstOfMonth.AddDate(-1, 1, 0), firstOfMonth.AddDate(0, 1, 0), w.moved[bound]),
	} {
		answer := p.get("/h5/transactions.csv" + query)
		content := wantPage(t, answer, 200)
		if !strings.HasPrefix(content, "\ufeff时间,") || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment;") ||
			answer.Header.Get("Content-Type") != "text/csv; charset=utf-8" {
			t.Errorf("%v, %.40q", answer.Header, content)
		}
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(content, "\ufeff"))).ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		wantTable(t, rows, s)
		plain := rows
		for _, row := range rows {
			for _, cell := range row {
				if strings.ContainsAny(cell[:min(1, len(cell))], "=+@\t\r") {
					t.Errorf("%q would be run", cell)
				}
			}
		}

		answer = p.get("/h5/transactions.xlsx" + query)
		book, err := excelize.OpenReader(answer.Body)
		if err != nil {
			t.Fatal(err)
		}
		rows, err = book.GetRows("交易明细")
		if err != nil {
			t.Fatal(err)
		}
		for i, row := range rows {
			rows[i] = append(row, make([]string, 9-len(row))...)
			for column := range row {
				at, _ := excelize.CoordinatesToCellName(column+1, i+1)
				if formula, err := book.GetCellFormula("交易明细", at); formula != "" || err != nil {
					t.Errorf("%s holds %q, %v", at, formula, err)
				}
				if id, err := book.GetCellStyle("交易明细", at); strings.HasPrefix(row[column], "=") {
					if style, _ := book.GetStyle(id); err != nil || style.NumFmt != 49 {
						t.Errorf("%s has no format for texts: %v, %v", at, style, err)
					}
				}
			}
		}
		wantTable(t, rows, s)
		for i, row := range rows {
			if row[0] != plain[i][0] || row[7] != plain[i][7] {
				t.Errorf("the times of row %d are %q and %q, in CSV %q and %q", i, row[0], row[7], plain[i][0], plain[i][7])
			}
			if want := strings.TrimPrefix(plain[i][2], "'"); row[2] != want {
				t.Errorf("row %d shows %q, want %q", i, row[2], want)
			}
		}
		for _, at := range []string{"A2", "A3", "G2"} {
			if raw, err := book.GetCellValue("交易明细", at, excelize.Options{RawCellValue: true}); err != nil || strings.Trim(raw, "0123456789.") != "" {
				t.Errorf("%s holds %q, %v: no number", at, raw, err)
			}
		}
		if kind, err := book.GetCellType("交易明细", "G2"); err != nil || kind == excelize.CellTypeSharedString || kind == excelize.CellTypeInlineString {
			t.Errorf("amounts are texts: %v, %v", kind, err)
		}
	}
	// What still runs is added up to now, what is over to its end.
	for query, last := range map[string]string{"?month=2025-11": "2025-11-22 12:08:00", "?from=2025-11-20&to=2025-11-30": "2025-11-22 12:08:00",
		"?month=2025-10": "2025-10-31 23:59:59", "?from=2025-11-03&to=2025-11-05": "2025-11-05 23:59:59"} {
		lines := strings.Split(strings.TrimSpace(wantPage(t, p.get("/h5/transactions.csv"+query), 200)), "\r\n")
		if at, _, _ := strings.Cut(lines[len(lines)-1], ","); at != last {
			t.Errorf("%s is added up to %s, want %s", query, at, last)
		}
	}
	for _, query := range []string{"from=2025-11-05&to=2025-11-03", "from=2025-11-05", "to=2025-11-05", "from=x&to=y", "from=2024-01-01&to=2025-11-22", "from=2025-12-01&to=2025-12-02",
		"from=1999-01-01&to=1999-01-02"} {
		wantPage(t, p.get("/h5/transactions.csv?"+query), 400, "这段日期不能导出")
	}
}

func TestHarmless(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r\n=1", "  =1", "＝1", "\u200b=1", "\ufeff@x", "\u00a0-1", "|cmd", "%0A"} {
		if got := harmless(s); !strings.HasPrefix(got, "'") || strings.ContainsAny(got, "\t\r\n") {
			t.Errorf("%q becomes %q", s, got)
		}
	}
	for _, s := range []string{"", "一食堂", "A=B", "二号餐厅-1", "24 小时超市"} {
		if got := harmless(s); got != s {
			t.Errorf("%q becomes %q", s, got)
		}
	}
}

func BenchmarkPages(b *testing.B) {
	w := newWorld()
	lived(w)
	pages, err := New(w.config())
	if err != nil {
		b.Fatal(err)
	}
	for _, path := range []string{"/h5/", "/h5/transactions", "/h5/statement", "/h5/transfers", "/h5/transactions.csv", "/h5/transactions.xlsx", "/h5/transactions/print"} {
		b.Run(path, func(b *testing.B) {
			t := &testing.T{}
			p := &phone{t: t, pages: pages, cookies: map[string]string{}}
			p.session(b.Context(), w, bound)
			for b.Loop() {
				answer := p.get(path)
				if n, err := io.Copy(io.Discard, answer.Body); answer.StatusCode != 200 || n == 0 || err != nil {
					b.Fatal(answer.StatusCode)
				}
			}
		})
	}
}

// The balance now is that of the card in use on every page; what old cards hold
// or lack is told beside it, and in the sums that lead to it.
func TestBalanceNow_OldCard(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		old, short, closing ledger.Fen
		line, told, csv     string
	}{
		"Holds": {old: 1250, closing: 1250, line: "其中还在旧卡上", told: "旧卡上还有 ¥12.50", csv: ",,,,12.50,,,"},
		"Short": {short: 500, closing: -500, line: "旧卡不够扣的", told: "旧卡又传来消费，不够扣 ¥5.00", csv: ",,,5.00,,,,"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			b := w.balances[bound]
			b.Books, b.Old, b.OldDue, b.Short = 0, test.old, w.now, test.short
			w.balances[bound] = b
			w.moved[bound] = []ledger.Movement{{Kind: ledger.MovementConsumption, Amount: opened - test.closing, At: firstOfMonth.Add(time.Hour), Where: "风味窗口", SpendSeq: 1}}
			p := open(t, w)
			p.as(w, bound)
			now := regexp.MustCompile(`现在余额</dt><dd class="money">([^<]*)<`)
			for path, line := range map[string]bool{"/h5/statement": true, "/h5/transactions": false} {
				page := wantPage(t, p.get(path), 200, test.told)
				if got := now.FindStringSubmatch(page); got == nil || got[1] != "¥0.00" {
					t.Errorf("%s: the balance now is %q", path, got)
				}
				if strings.Contains(page, test.line) != line {
					t.Errorf("%s has the line %q: %v", path, test.line, !line)
				}
			}
			rows := sheetRows(wantPage(t, p.get("/h5/transactions/print?month=2025-11"), 200))
			last, before := rows[len(rows)-1], rows[len(rows)-2]
			if last[1] != "现在余额" || last[3] != "0.00" || before[1] != test.line || onPaper(t, before[2]) != -test.closing {
				t.Errorf("on paper %q, %q", before, last)
			}
			page := wantPage(t, p.get("/h5/transactions.csv?month=2025-11"), 200)
			lines := strings.Split(strings.TrimSpace(page), "\r\n")
			if n := len(lines); !strings.HasSuffix(lines[n-2], test.line+test.csv) || !strings.HasSuffix(lines[n-1], ",0.00,,") {
				t.Errorf("exported %q", lines[n-2:])
			}
			w.now = w.now.AddDate(0, 1, 0)
			p.as(w, bound)
			if page := wantPage(t, p.get("/h5/statement?month=2025-11"), 200, test.closing.String()); strings.Contains(page, test.line) {
				t.Error("a month that is over knows what old cards hold now")
			}
		})
	}
}
