package bridge_test

import (
	"context"
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"xiaoka/kiosk/bridge"
	"xiaoka/ledger"
)

func TestVisit(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.topUp(2000)
	m.put(&full)
	if v := m.bridge.View(); v.Step != bridge.CardIn || v.Terminal != "K01" || v.Balance != 1230 {
		t.Errorf("%+v", v)
	}
	m.refused("claim", "{}", "not_identified")
	a := m.identify(good)
	if a.Holder != "张*" || strings.Contains(a.StudentNo, "533") || a.Pending != 7000 || len(a.Transfers) != 2 || a.Transfers[0].Amount != 5000 {
		t.Errorf("%+v", a)
	}
	if v := m.bridge.View(); v.Step != bridge.Identified {
		t.Errorf("%+v", v)
	}
	r := m.claim()
	after := ledger.Chip{LoadSeq: 18, SpendSeq: 240, Balance: 8230}
	if r.Outcome != bridge.OutcomeWritten || r.Amount != 7000 || *r.Chip != after || !r.Confirmed {
		t.Errorf("%+v %+v", r, r.Chip)
	}
	m.expect(8230, 0, 0)
	if open := m.journal.Open(); len(open) != 0 {
		t.Errorf("open in the journal: %+v", open)
	}
	var list struct{ Transfers []bridge.Transfer }
	if status := m.ask("transfers", `{"month":"`+time.Now().UTC().Format("2006-01")+`"}`, &list); status != 200 || len(list.Transfers) != 2 ||
		list.Transfers[0].Amount != 2000 || list.Transfers[0].State != "claimed" {
		t.Errorf("%d %+v", status, list)
	}
	if a := m.identify(good); a.Pending != 0 || a.Notice != "" {
		t.Errorf("afterwards: %+v", a)
	}
	m.refused("claim", "{}", "nothing_pending")
}

func TestVisit_PIN(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.refused("identify", `{"pin":"482913"}`, "no_card")
	m.put(&full)
	if p := m.refused("identify", `{"pin":"482914"}`, "pin_wrong"); p.TriesLeft != 4 {
		t.Errorf("%+v", p)
	}
	if p := m.refused("identify", `{"pin":"999999"}`, "pin_locked"); p.LockedUntil == "" {
		t.Errorf("%+v", p)
	}
	for _, pin := range []string{`""`, `"48291"`, `"4829133"`, `"48291x"`, `482913`, `null`, `"\u0034829"`} {
		m.refused("identify", `{"pin":`+pin+`}`, "bad_request")
	}
	m.refused("identify", `{}`, "bad_request")
	m.refused("claim", "{}", "not_identified")
	m.expect(1230, 5000, 0)
}

// Who types the password while the machine still asks about the card waits for
// that, and is not told that it is busy.
func TestIdentify_WhileChecked(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.identify(good)
	m.sim.TearAt(bridge.BeforeWrite)
	m.claim()
	m.await("the card is gone", func() bool { return m.bridge.View().Card == "" })
	asked := make(chan struct{})
	tell := sync.OnceFunc(func() { close(asked); time.Sleep(200 * time.Millisecond) })
	m.mu.Lock()
	m.onCall = func(string) { tell() }
	m.mu.Unlock()
	m.sim.Put(cardNo, &full)
	<-asked
	if a := m.identify(good); a.Holder == "" {
		t.Errorf("nobody is identified: %+v", a)
	}
}

// A visit ends with its card, at the holder's word, and after a while without
// a touch; then nobody can go on with its password.
func TestVisit_Ends(t *testing.T) {
	t.Parallel()
	idle := 300 * time.Millisecond
	m := newSchool(t).machine("K01", func(c *bridge.Config) { c.Idle = idle })
	m.topUp(5000)

	m.put(&full)
	m.identify(good)
	m.ask("end", "{}", nil)
	m.refused("claim", "{}", "not_identified")

	m.identify(good)
	m.pull()
	m.put(nil)
	m.refused("claim", "{}", "not_identified")

	m.identify(good)
	m.sim.Put("61000002", &full)
	m.await("the other card is seen", func() bool { return m.bridge.View().Card == "0002" })
	m.refused("claim", "{}", "not_identified")

	m.put(nil)
	m.identify(good)
	for range 4 {
		time.Sleep(idle / 2)
		m.ask("touch", "{}", nil)
	}
	if v := m.bridge.View(); v.Step != bridge.Identified {
		t.Errorf("a touched visit ended: %+v", v)
	}
	m.await("an untouched visit ends", func() bool { return m.bridge.View().Step == bridge.CardIn })
	m.refused("claim", "{}", "not_identified")
	m.expect(1230, 5000, 0)
}

// Neither the PIN nor the terminal's secret shows anywhere.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.topUp(5000)
	m.put(&full)
	m.refused("identify", `{"pin":"482914"}`, "pin_wrong")
	m.identify(good)
	m.cut(func(path string) string {
		if strings.HasSuffix(path, "/confirm") {
			return "after"
		}
		return ""
	})
	m.claim()
	secret := base64.StdEncoding.EncodeToString(m.secrets["K01"])
	if log := m.log.String(); log == "" || strings.Contains(log, good) || strings.Contains(log, "482914") || strings.Contains(log, secret[:10]) {
		t.Errorf("log: %s", log)
	}
}

// A disabled machine, or one with another secret, says that it is out of
// service and nothing of why.
func TestOutOfService(t *testing.T) {
	t.Parallel()
	m := newSchool(t).machine("K01")
	m.put(&full)
	if err := m.store.DisableTerminal(context.Background(), "K01", time.Now()); err != nil {
		t.Fatal(err)
	}
	m.refused("identify", `{"pin":"482913"}`, "out_of_service")
	other := newSchool(t).machine("K02", func(c *bridge.Config) { c.Secret = make([]byte, 32) })
	other.put(&full)
	other.refused("identify", `{"pin":"482913"}`, "out_of_service")
}
