package kiosk

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// all reads any one value as encoding/json would give it.
func all(r *reader) any {
	switch b := r.peek(); b {
	case '{':
		m := map[string]any{}
		r.object(func(name []byte) {
			k := string(name)
			m[k] = all(r)
		})
		return m
	case '[':
		l := []any{}
		r.array(func() { l = append(l, all(r)) })
		return l
	case '"':
		return r.text()
	case 't', 'f':
		r.skip()
		return b == 't'
	case 'n':
		r.skip()
		return nil
	}
	start := r.at
	r.skip()
	return json.Number(r.in[start:r.at])
}

var texts = []string{
	`{}`, `[]`, `""`, `0`, `-0`, `-`, `+1`, `01`, `1.`, `.5`, `1.5`, `1e5`, `1E+05`, `1e`, `1e-`, `9223372036854775807`, `-9223372036854775808`,
	`9223372036854775808`, `true`, `tru`, `truee`, `nul`, `null `, ` false`, `{"a":1,}`, `{,}`, `[1,]`, `[,]`, `[1 2]`, `{"a" 1}`, `{"a":}`, `{a:1}`,
	`{1:2}`, `{"a":1 "b":2}`, `"\u00e9\ud83d\ude00\n\"\\\/"`, `"\x"`, `"\u12"`, `"\ud83d"`, "\"\n\"", "\"\x00\"", "\"\x7f\"", "\"\xff\"", `"餐厅"`, `"`, `"\`, `"\"`,
	"\ufeff{}", "{}\x00", "{}{}", "", " ", "\v1", "1\u00a0", `[[[[]]]]`, `{"a":{"b":[1,{"c":null}]},"a":2}`, strings.Repeat("[", 64) + strings.Repeat("]", 64),
}

func compare(t *testing.T, text string) {
	t.Helper()
	r := reader{in: []byte(text)}
	got := all(&r)
	ok := r.done()
	if strings.Count(text, "[")+strings.Count(text, "{") > deepest {
		return
	}
	var want any
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	if valid := json.Valid([]byte(text)); valid != ok {
		t.Fatalf("%q: read %t, valid %t", text, ok, valid)
	} else if !valid {
		return
	}
	if err := d.Decode(&want); err != nil {
		t.Fatal(err)
	}
	a, _ := json.Marshal(got)
	b, _ := json.Marshal(want)
	if !bytes.Equal(a, b) {
		t.Fatalf("%q: read %s, want %s", text, a, b)
	}
}

func TestReader(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		compare(t, text)
	}
	deep := reader{in: []byte(strings.Repeat("[", 65) + strings.Repeat("]", 65))}
	if deep.skip(); deep.done() {
		t.Error("read what is nested too deeply")
	}
	for text, want := range map[string]int64{"0": 0, " -12": -12, "1.0": -1, "1e2": -1, `"1"`: -1, "null": -1, "9223372036854775808": -1, "[1]": -1} {
		r := reader{in: []byte(text)}
		if got := r.integerOr(-1); got != want || !r.done() {
			t.Errorf("%s: %d", text, got)
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(compare)
}

func BenchmarkReadRecords(b *testing.B) {
	now := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	body := []byte(`{"records":[`)
	for i := range ledger.MaxBatch {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `{"seq":%d,"card_no":"61000001","amount_fen":650,"chip":{"load_seq":17,"spend_seq":%d,"balance_fen":58000},`+
			`"occurred_at":"2026-03-02T11:58:03+08:00","merchant":"二号餐厅"}`, 100_000+i, 240+i)
	}
	body = append(body, "]}"...)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		records, err := readRecords(body)
		if err != nil {
			b.Fatal(err)
		}
		for i := range records {
			if c := records[i].consumption(now); c.Fault != "" {
				b.Fatal(c.Fault)
			}
		}
	}
}
