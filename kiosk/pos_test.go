package kiosk_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"xiaoka/kiosk"
	"xiaoka/ledger"
)

const (
	sales      = "/pos/v1/consumptions"
	sale101    = `{"seq":101,"card_no":"61000001","amount_fen":650,"chip":{"load_seq":17,"spend_seq":241,"balance_fen":580},"occurred_at":"2026-03-02T11:58:03+08:00","merchant":"二号餐厅"}`
	posList    = "/pos/v1/blacklist"
	kioskLists = "/kiosk/v1/blacklist"
)

// saleWith is the good record with its members replaced; the value "" leaves
// one out.
func saleWith(pairs ...string) string {
	s := sale101
	for i := 0; i < len(pairs); i += 2 {
		at := strings.Index(s, `"`+pairs[i]+`":`)
		if pairs[i+1] == "" {
			s = s[:at] + `"was_` + s[at+1:]
			continue
		}
		from := at + len(pairs[i]) + 3
		end := from + strings.IndexAny(s[from:], ",}")
		if s[from] == '{' {
			end = from + strings.IndexByte(s[from:], '}') + 1
		}
		s = s[:from] + pairs[i+1] + s[end:]
	}
	return s
}

func upload(records ...string) string { return `{"records":[` + strings.Join(records, ",") + `]}` }

func TestConsumptions(t *testing.T) {
	t.Parallel()
	s := open(t)
	batch := upload(sale101, saleWith("seq", "102", "card_no", `"69999999"`), saleWith("seq", "103", "amount_fen", "0"), saleWith("seq", "104"))
	golden(t, "consumptions", s.post("P01", sales, batch))
	want := ledger.Consumption{Seq: 101, CardNo: "61000001", Amount: 650, Chip: ledger.Chip{LoadSeq: 17, SpendSeq: 241, Balance: 580},
		OccurredAt: time.Date(2026, 3, 2, 3, 58, 3, 0, time.UTC), Merchant: "二号餐厅"}
	got := s.books.batches[0][0]
	if !got.OccurredAt.Equal(want.OccurredAt) {
		t.Errorf("at %s", got.OccurredAt)
	}
	if got.OccurredAt = want.OccurredAt; got != want {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	golden(t, "consumptions_again", s.post("P01", sales, batch))
	golden(t, "consumptions_none", s.post("P01", sales, upload()))
}

// A till whose clock begins at 1970 again sells all the same.
func TestConsumptions_ClockFromTheBeginning(t *testing.T) {
	t.Parallel()
	for _, at := range []string{"1970-01-01T00:00:00Z", "1970-01-01T00:03:00+08:00", "1969-12-31T16:03:00Z", "1999-12-31T16:00:00Z"} {
		s := open(t)
		got := s.post("P01", sales, upload(saleWith("occurred_at", `"`+at+`"`)))
		if want := `{"accepted":1,"duplicates":0,"rejected":[],"acked_seq":101}` + "\n"; got.status != 200 || got.body != want {
			t.Errorf("%s: %d %s", at, got.status, got.body)
		}
		if r := s.books.batches[0][0]; r.Fault != "" || r.Raw != "" || r.OccurredAt.Format(time.RFC3339) != at {
			t.Errorf("%s: %+v", at, r)
		}
	}
}

// A malformed record rejects itself alone, with its code, and only what is
// well-formed of it reaches the books.
func TestConsumptions_MalformedRecord(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ record, code string }{
		"AmountMissing":     {saleWith("amount_fen", ""), "invalid_amount"},
		"AmountZero":        {saleWith("amount_fen", "0"), "invalid_amount"},
		"AmountNegative":    {saleWith("amount_fen", "-650"), "invalid_amount"},
		"AmountFraction":    {saleWith("amount_fen", "6.5"), "invalid_amount"},
		"AmountExponent":    {saleWith("amount_fen", "1e3"), "invalid_amount"},
		"AmountText":        {saleWith("amount_fen", `"650"`), "invalid_amount"},
		"AmountNull":        {saleWith("amount_fen", "null"), "invalid_amount"},
		"AmountTooLarge":    {saleWith("amount_fen", "1000000001"), "invalid_amount"},
		"AmountBeyondInt64": {saleWith("amount_fen", "9223372036854775808"), "invalid_amount"},
		"TimeMissing":       {saleWith("occurred_at", ""), "invalid_time"},
		"TimeWithoutOffset": {saleWith("occurred_at", `"2026-03-02T11:58:03"`), "invalid_time"},
		"TimeAsNumber":      {saleWith("occurred_at", "1772423883"), "invalid_time"},
		"TimeOfNoDay":       {saleWith("occurred_at", `"2026-02-30T11:58:03+08:00"`), "invalid_time"},
		"TimeBeforeClocks":  {saleWith("occurred_at", `"1969-12-31T09:59:59Z"`), "invalid_time"},
		"TimeBeforeOffset":  {saleWith("occurred_at", `"1969-12-31T17:59:59+08:00"`), "invalid_time"},
		"TimeAfterTomorrow": {saleWith("occurred_at", `"2026-03-03T12:00:01+08:00"`), "invalid_time"},
		"TimeInYear10000":   {saleWith("occurred_at", `"10000-01-01T00:00:00Z"`), "invalid_time"},
		"ChipMissing":       {saleWith("chip", ""), "invalid_chip"},
		"ChipNull":          {saleWith("chip", "null"), "invalid_chip"},
		"ChipText":          {saleWith("chip", `"x"`), "invalid_chip"},
		"ChipCut":           {saleWith("chip", `{"load_seq":17,"spend_seq":241}`), "invalid_chip"},
		"ChipNegative":      {saleWith("chip", `{"load_seq":17,"spend_seq":241,"balance_fen":-1}`), "invalid_chip"},
		"ChipTooLarge":      {saleWith("chip", `{"load_seq":17,"spend_seq":2147483648,"balance_fen":1}`), "invalid_chip"},
		"ChipFraction":      {saleWith("chip", `{"load_seq":17,"spend_seq":2.5,"balance_fen":1}`), "invalid_chip"},
		"ChipNeverSpent":    {saleWith("chip", `{"load_seq":17,"spend_seq":0,"balance_fen":1}`), "invalid_chip"},
		"CardMissing":       {saleWith("card_no", ""), "card_not_found"},
		"CardAsNumber":      {saleWith("card_no", "61000001"), "card_not_found"},
		"CardWithNUL":       {saleWith("card_no", `"6100\u00000001"`), "card_not_found"},
		"CardTooLong":       {saleWith("card_no", `"`+strings.Repeat("6", 65)+`"`), "card_not_found"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := open(t)
			got := s.post("P01", sales, upload(c.record, saleWith("seq", "102")))
			want := fmt.Sprintf(`{"accepted":1,"duplicates":0,"rejected":[{"seq":101,"code":%q}],"acked_seq":102}`, c.code)
			if got.status != 200 || got.body != want+"\n" {
				t.Errorf("%d %s", got.status, got.body)
			}
			r := s.books.batches[0][0]
			if r.Amount < 0 || r.Amount > ledger.MaxAmount || r.Chip.Balance < 0 || strings.Contains(r.CardNo, "\x00") || len(r.CardNo) > 64 {
				t.Errorf("the books were given %+v", r)
			}
		})
	}
}

// A record that does not say which one it is rejects itself alone, too; the
// answer names it by its place.
func TestConsumptions_WithoutSeq(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{
		"Null":     "null",
		"Text":     `"x"`,
		"Empty":    "{}",
		"Missing":  saleWith("seq", ""),
		"Zero":     saleWith("seq", "0"),
		"Negative": saleWith("seq", "-1"),
		"Fraction": saleWith("seq", "1.5"),
		"AsText":   saleWith("seq", `"101"`),
		"Beyond":   saleWith("seq", "9223372036854775808"),
		"Worse":    saleWith("seq", "-1", "amount_fen", "0"),
	} {
		s := open(t)
		got := s.post("P01", sales, upload(sale101, record, saleWith("seq", "102", "amount_fen", "0")))
		want := `{"accepted":1,"duplicates":0,"rejected":[{"seq":0,"code":"invalid_seq","index":1},{"seq":102,"code":"invalid_amount"}],"acked_seq":102}`
		if got.status != 200 || got.body != want+"\n" {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		if r := s.books.batches[0][1]; r.Seq != 0 || r.Raw != record {
			t.Errorf("%s: the books were given %+v", name, r)
		}
	}
	s := open(t)
	golden(t, "consumptions_without_seq", s.post("P01", sales, upload(saleWith("seq", ""), sale101, "{}")))
}

func TestConsumptions_WellFormedRecord(t *testing.T) {
	t.Parallel()
	for name, record := range map[string]string{
		"ClockYearsBehind": saleWith("occurred_at", `"2000-01-01T00:00:00+00:00"`),
		"Tomorrow":         saleWith("occurred_at", `"2026-03-03T12:00:00+08:00"`),
		"UTC":              saleWith("occurred_at", `"2026-03-02T03:58:03Z"`),
		"Fractions":        saleWith("occurred_at", `"2026-03-02T11:58:03.25+08:00"`),
		"OneFen":           saleWith("amount_fen", "1"),
		"MostFen":          saleWith("amount_fen", "1000000000"),
		"ChipEmpty":        saleWith("chip", `{"load_seq":0,"spend_seq":1,"balance_fen":0}`),
		"MerchantMissing":  saleWith("merchant", ""),
		"MerchantAsNumber": saleWith("merchant", "7"),
		"SaysMore":         saleWith("merchant", `"x","tac":"00AA","extra":{"a":[1.5]}`),
	} {
		s := open(t)
		if got := s.post("P01", sales, upload(record)); got.status != 200 || !strings.Contains(got.body, `"accepted":1,`) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
}

// A merchant's name comes to one line of printable characters.
func TestConsumptions_Merchant(t *testing.T) {
	t.Parallel()
	s := open(t)
	for given, want := range map[string]string{
		`"\u0000二号\n餐厅\u202e"`:                     "二号餐厅",
		`"` + strings.Repeat("餐", 70) + `"`:        strings.Repeat("餐", 64),
		`"` + strings.Repeat("餐", 22) + `"`:        strings.Repeat("餐", 22),
		`"二号餐厅　一楼 A-3"`:                            "二号餐厅　一楼 A-3",
		`"` + strings.Repeat("x\\u0007", 64) + `"`: strings.Repeat("x", 64),
	} {
		s.post("P01", sales, upload(saleWith("merchant", given)))
		if got := s.books.batches[len(s.books.batches)-1][0].Merchant; got != want {
			t.Errorf("%s: %q", given, got)
		}
	}
}

// What cannot be told record by record fails the request, and nothing of it
// reaches the books.
func TestConsumptions_Refused(t *testing.T) {
	t.Parallel()
	s := open(t)
	many := make([]string, 1001)
	for i := range many {
		many[i] = saleWith("seq", fmt.Sprint(i+1))
	}
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"Empty":         {"", 400, "bad_request"},
		"Null":          {"null", 400, "bad_request"},
		"Array":         {"[" + sale101 + "]", 400, "bad_request"},
		"Cut":           {upload(sale101)[:100], 400, "bad_request"},
		"Twice":         {upload(sale101) + upload(sale101), 400, "bad_request"},
		"NoRecords":     {`{}`, 422, `"records":`},
		"RecordsNull":   {`{"records":null}`, 422, `"records":`},
		"RecordsObject": {`{"records":{}}`, 422, `"records":`},
		"TooMany":       {upload(many...), 413, "too_large"},
		"TooHeavy":      {upload(sale101) + strings.Repeat(" ", 1<<20), 413, "too_large"},
	} {
		got := s.post("P01", sales, c.body)
		if got.status != c.status || !strings.Contains(got.body, c.says) {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
	}
	golden(t, "consumptions_invalid", s.post("P01", sales, `{}`))
	if len(s.books.batches) != 0 {
		t.Errorf("%d batches went through", len(s.books.batches))
	}
	if got := s.post("P01", sales, upload(many[:1000]...)); got.status != 200 || !strings.Contains(got.body, `"accepted":1000,`) {
		t.Errorf("a full batch: %d %s", got.status, got.body)
	}
	if got := s.post("K01", sales, upload(sale101)); got.code != "wrong_terminal_kind" {
		t.Errorf("a machine sells: %d %s", got.status, got.code)
	}
}

func TestBlacklist(t *testing.T) {
	t.Parallel()
	s := open(t)
	golden(t, "blacklist_empty", s.get("P01", posList+"?since=0", ""))
	s.books.listed = []string{"61000003", "61000009"}
	golden(t, "blacklist_full", s.get("P01", posList+"?since=0", ""))
	golden(t, "blacklist_change", s.get("K01", kioskLists+"?since=1", ""))
	golden(t, "blacklist_current", s.get("K01", kioskLists+"?since=2", ""))
	if got := s.get("P01", posList, ""); !strings.Contains(got.body, `"full":true`) {
		t.Errorf("no version said: %s", got.body)
	}
	want := []fetch{{"P01", 0}, {"P01", 0}, {"K01", 1}, {"K01", 2}, {"P01", 0}}
	if !slices.Equal(s.books.fetched, want) {
		t.Errorf("asked %v", s.books.fetched)
	}
	if got := s.get("K01", posList+"?since=0", ""); got.code != "wrong_terminal_kind" {
		t.Errorf("a machine at a till's list: %d %s", got.status, got.code)
	}
}

func TestBlacklist_Since(t *testing.T) {
	t.Parallel()
	s := open(t)
	for _, query := range []string{"since=", "since=-1", "since=x", "since=1.0", "since=+1", "since=%201", "since=0&since=1", "since=9999999999999999999", "since=%zz", "since=１"} {
		if got := s.get("P01", posList+"?"+query, ""); got.status != 422 || !strings.Contains(got.body, `"since":`) {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	golden(t, "blacklist_invalid", s.get("P01", posList+"?since=x", ""))
	if len(s.books.fetched) != 0 {
		t.Errorf("asked %v", s.books.fetched)
	}
}

// A tag stands for one answer: another version, another list or another
// question has another.
func TestBlacklist_ETag(t *testing.T) {
	t.Parallel()
	s := open(t)
	s.books.listed = []string{"61000003"}
	tag := s.get("P01", posList+"?since=0", "").header.Get("ETag")
	if len(tag) < 10 || !strings.HasPrefix(tag, `"`) || !strings.HasSuffix(tag, `"`) {
		t.Fatalf("tag %s", tag)
	}
	for _, given := range []string{tag, "W/" + tag, `"other", ` + tag, "*"} {
		got := s.get("P01", posList+"?since=0", given)
		if got.status != 304 || got.body != "" || got.header.Get("ETag") != tag {
			t.Errorf("If-None-Match %s: %d %q %s", given, got.status, got.body, got.header.Get("ETag"))
		}
	}
	if len(s.books.fetched) != 5 {
		t.Error("an unchanged list counts as fetched too")
	}
	if got := s.get("P01", posList+"?since=1", tag); got.status != 200 {
		t.Errorf("another question: %d", got.status)
	}
	if got := s.get("P01", posList+"?since=0", `"other"`); got.status != 200 {
		t.Errorf("another tag: %d", got.status)
	}
	s.books.listed[0] = "61000004"
	if got := s.get("P01", posList+"?since=0", tag); got.status != 200 {
		t.Errorf("another list of the same version: %d", got.status)
	}
	s.books.listed = append(s.books.listed, "61000003")
	if got := s.get("P01", posList+"?since=0", tag); got.status != 200 {
		t.Errorf("another version: %d", got.status)
	}
	if got := s.get("P01", posList+"?since=2", tag); !strings.Contains(got.body, `"add":[],"remove":[],`) {
		t.Errorf("nothing changed: %s", got.body)
	}
}

// fullBatch is 1,000 records as a till sends them after a day offline.
func fullBatch() string {
	records := make([]string, ledger.MaxBatch)
	for i := range records {
		records[i] = saleWith("seq", fmt.Sprint(100_000+i), "chip", fmt.Sprintf(`{"load_seq":17,"spend_seq":%d,"balance_fen":%d}`, 240+i, 99_000-i))
	}
	return upload(records...)
}

// swallow answers without looking, so that a benchmark measures the edge.
type swallow struct{ *books }

func (s swallow) IngestConsumptions(_ context.Context, _ string, r []ledger.Consumption, _ time.Time) (ledger.Ingested, error) {
	return ledger.Ingested{Accepted: len(r), AckedSeq: r[len(r)-1].Seq}, nil
}

func BenchmarkConsumptions1000(b *testing.B) {
	s := open(b, func(c *kiosk.Config) { c.Store = swallow{c.Store.(*books)} })
	body := fullBatch()
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		s.now = s.now.Add(time.Second)
		if got := s.post("P01", sales, body); got.status != 200 {
			b.Fatal(got)
		}
	}
}

func FuzzConsumptions(f *testing.F) {
	f.Add(upload(sale101))
	f.Add(upload(saleWith("amount_fen", "6.5"), saleWith("seq", "-1")))
	f.Add(`{"records":[null],"records":[{"seq":1}]}`)
	f.Fuzz(func(t *testing.T, body string) {
		s := open(t)
		got := s.post("P01", sales, body)
		if !slices.Contains([]int{200, 400, 413, 422}, got.status) {
			t.Fatalf("%d %s", got.status, got.body)
		}
		for _, r := range slices.Concat(s.books.batches...) {
			if r.Fault == "" && (r.Seq < 1 || r.Amount < 1 || r.Amount > ledger.MaxAmount || r.Chip.Balance < 0 || r.CardNo == "" || r.OccurredAt.Year() < 2000) {
				t.Fatalf("%s came through as %+v", body, r)
			}
		}
	})
}
