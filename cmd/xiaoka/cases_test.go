package main

import (
	"bytes"
	"testing"
	"time"

	"xiaoka/config"
	"xiaoka/ledger"
)

func TestPrintCases(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	err := printCases(&program{stdout: &out}, &config.Config{Timezone: time.FixedZone("", 8*3600)}, []ledger.Case{
		{ID: 1, Kind: "paid_twice", Ref: "XK1-2", CardNo: "C1", At: at},
		{ID: 2, Kind: "chip_out_of_step", Ref: "C1:1:0:5", CardNo: "C1", At: at},
		{ID: 3, Kind: "unknown_order", Ref: "4200", At: at, SettledAt: at, How: ledger.ResolveNoted, Note: "王"},
	})
	want := `[{"id":1,"kind":"paid_twice","ref":"XK1-2","card_no":"C1","detail":"","at":"2026-03-02T12:00:00+08:00","resolutions":[]},` +
		`{"id":2,"kind":"chip_out_of_step","ref":"C1:1:0:5","card_no":"C1","detail":"","at":"2026-03-02T12:00:00+08:00","resolutions":["accept-chip","noted"]},` +
		`{"id":3,"kind":"unknown_order","ref":"4200","card_no":"","detail":"","at":"2026-03-02T12:00:00+08:00","resolutions":[],` +
		`"settled_at":"2026-03-02T12:00:00+08:00","settled":"noted","note":"王"}]` + "\n"
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%swant\n%s", err, out.String(), want)
	}
}

func TestTabulateCases(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 3, 2, 4, 0, 0, 0, time.UTC)
	var out bytes.Buffer
	err := tabulateCases(&program{stdout: &out}, &config.Config{Timezone: time.FixedZone("", 8*3600)}, []ledger.Case{
		{ID: 1, Kind: "conflict", Ref: "P01:7:ab12", CardNo: "C1", Detail: "record 7", At: at},
		{ID: 2, Kind: "unknown_order", Ref: "4200", At: at, SettledAt: at, How: ledger.ResolveNoted, Note: "王"},
	})
	want := "ID  SINCE             KIND           CARD  REF         DETAIL    HOW\n" +
		"1   2026-03-02 12:00  conflict       C1    P01:7:ab12  record 7  noted\n" +
		"2   2026-03-02 12:00  unknown_order  -     4200                  settled: noted 王\n"
	if err != nil || out.String() != want {
		t.Errorf("%v, got\n%swant\n%s", err, out.String(), want)
	}
}
