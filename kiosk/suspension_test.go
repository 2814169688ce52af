package kiosk_test

import (
	"strings"
	"testing"

	"xiaoka/kiosk"
	"xiaoka/ledger"
)

func TestAPI_Suspension(t *testing.T) {
	t.Parallel()
	alarms := 0
	s := open(t, func(c *kiosk.Config) { c.OnSuspended = func() { alarms++ } })
	lookup := func(terminal, pin string) answer {
		return s.post(terminal, "/kiosk/v1/accounts/lookup", `{"card_no":"61000001","pin":"`+pin+`"}`)
	}
	for i := range ledger.SuspendAfter {
		if a := lookup("K01", "000000"); a.code != "pin_wrong" {
			t.Fatalf("wrong password %d: %s", i+1, a.body)
		}
	}
	if alarms != 1 || strings.Count(s.log.String(), "machine suspended") != 1 || !strings.Contains(s.log.String(), "terminal=K01") {
		t.Errorf("%d alarms, log %s", alarms, s.log)
	}
	asked := len(s.pins.asked)
	for _, call := range []func() answer{
		func() answer { return lookup("K01", "482913") },
		func() answer {
			return s.post("K01", "/kiosk/v1/transfers/query", `{"card_no":"61000001","pin":"482913","month":"2026-03"}`)
		},
		func() answer {
			q := s.request("K01", "/kiosk/v1/claims", `{"card_no":"61000001","pin":"482913","chip":{"load_seq":7,"spend_seq":41,"balance_fen":1250}}`)
			q.key = "suspended"
			return s.send(q.http())
		},
	} {
		if a := call(); a.status != 429 || a.code != "rate_limited" || a.header.Get("Retry-After") != "1800" || !strings.Contains(a.body, `"suspended_until":"2026-03-02T12:30:00+08:00"`) {
			t.Errorf("while suspended: %d %v %s", a.status, a.header, a.body)
		}
	}
	if len(s.pins.asked) != asked {
		t.Error("a password was tried while the machine is suspended")
	}
	if a := s.get("K01", "/kiosk/v1/blacklist", ""); a.status != 200 {
		t.Errorf("the list: %d", a.status)
	}
	if a := lookup("K02", "482913"); a.status != 200 {
		t.Errorf("another machine: %s", a.body)
	}
	s.now = s.now.Add(ledger.Suspension)
	if a := lookup("K01", "482913"); a.status != 200 {
		t.Errorf("when it is over: %s", a.body)
	}
}
