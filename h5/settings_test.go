package h5

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"xiaoka/ledger"
)

// accesses are lines of the audit log of every kind.
func accesses(now time.Time) (all []ledger.AuditEntry) {
	for i, e := range []ledger.AuditEntry{
		{Actor: "holder", Action: "loss_reported", Detail: "GS20251122-7K2MQ4XA"},
		{Actor: "terminal K01", Action: "looked_up"},
		{Actor: "operator zhao", Action: "exported"},
		{Actor: "system", Action: "something_new"},
		{Actor: "member 20230001", Action: "member_linked"},
		{Actor: "member 20230099", Action: "press_refused", Detail: "loss.confirm: task of another person"},
	} {
		e.At = now.Add(-time.Duration(i) * time.Hour)
		all = append(all, e)
	}
	return all
}

func TestSettingsOfPerson(t *testing.T) {
	t.Parallel()
	form := func(token string, pairs ...string) url.Values { return with(token, pairs...) }
	t.Run("Shown", func(t *testing.T) {
		w := newWorld()
		w.muted[ledger.EventReminder] = true
		w.people[bound].LowBalance = 2050
		w.audit[bound] = accesses(w.now)
		p := open(t, w)
		p.as(w, bound)
		page := wantPage(t, p.get("/h5/settings"), 200, `name="push_consumption" value="on" checked`, `name="push_reminder" value="on">`, `value="20.50"`,
			"挂失", "终端 K01", "一卡通工作人员", "查看或更改了资料", "你自己", "另一位成员", "没有被接受", `href="/h5/unbind"`)
		for _, kind := range ledger.Mutable() {
			if !strings.Contains(page, `name="push_`+string(kind)+`"`) {
				t.Errorf("no switch for %s", kind)
			}
		}
		for _, secret := range []string{"GS20251122", "zhao", "20230099", "push_loss", "push_password_changed"} {
			if strings.Contains(page, secret) {
				t.Errorf("%q is on the page", secret)
			}
		}
	})
	for name, c := range map[string]struct {
		id    int64
		pairs []string
		ok    bool
		check func(*world) bool
	}{
		"PushOff":       {bound, []string{"push_consumption", "off"}, true, func(w *world) bool { return w.muted[ledger.EventConsumption] && len(w.muted) == 1 }},
		"PushUnchanged": {bound, []string{"push_consumption", "on"}, true, func(w *world) bool { return len(w.muted) == 0 }},
		"Security":      {bound, []string{"push_loss", "off"}, false, func(w *world) bool { return len(w.muted) == 0 }},
		"UnknownKind":   {bound, []string{"push_party", "off"}, false, func(w *world) bool { return len(w.muted) == 0 }},
		"UnknownValue":  {bound, []string{"push_consumption", "maybe"}, false, func(w *world) bool { return len(w.muted) == 0 }},
		"LowBalance":    {bound, []string{"low_balance_yuan", "20.50"}, true, func(w *world) bool { return w.people[bound].LowBalance == 2050 }},
		"LowFullWidth":  {bound, []string{"low_balance_yuan", "２０．５"}, true, func(w *world) bool { return w.people[bound].LowBalance == 2050 }},
		"LowBalanceOff": {bound, []string{"low_balance_yuan", ""}, true, func(w *world) bool { return w.people[bound].LowBalance == 0 }},
		"LowTooHigh":    {bound, []string{"low_balance_yuan", "500.01"}, false, func(w *world) bool { return w.people[bound].LowBalance == 1000 }},
		"LowNegative":   {bound, []string{"low_balance_yuan", "-1"}, false, func(w *world) bool { return w.people[bound].LowBalance == 1000 }},
		"LowNoNumber":   {bound, []string{"low_balance_yuan", "1e2"}, false, func(w *world) bool { return w.people[bound].LowBalance == 1000 }},
		"AllOrNothing":  {bound, []string{"lang", "en", "low_balance_yuan", "x"}, false, func(w *world) bool { return w.people[bound].Lang == "" }},
		"Language": {bound, []string{"lang", "en"}, true, func(w *world) bool {
			return w.people[bound].Lang == ledger.English && w.people[bound].LowBalance == 1000
		}},
		"Style":       {bound, []string{"message_style", "textcard"}, true, func(w *world) bool { return w.people[bound].MessageStyle == ledger.StyleTextCard }},
		"UnknownLang": {bound, []string{"lang", "fr"}, false, func(w *world) bool { return w.people[bound].Lang == "" }},
		"Unbound":     {verified, []string{"push_consumption", "off", "low_balance_yuan", "5"}, true, func(w *world) bool { return len(w.muted) == 0 && w.people[verified].LowBalance == 0 }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld()
			w.people[bound].LowBalance = 1000
			p := open(t, w)
			answer := p.post("/h5/settings", form(p.as(w, c.id), c.pairs...))
			if c.ok {
				wantRedirect(t, answer, "/h5/settings?done=settings")
			} else {
				wantPage(t, answer, 422, `role="alert"`)
			}
			if !c.check(w) {
				t.Errorf("person %+v, muted %v", w.people[c.id], w.muted)
			}
		})
	}
	t.Run("BoxBeforeItsHiddenOff", func(t *testing.T) { // the last value counts
		w := newWorld()
		w.muted[ledger.EventConsumption] = true
		p := open(t, w)
		f := with(p.as(w, bound))
		f["push_consumption"] = []string{"off", "on"}
		wantRedirect(t, p.post("/h5/settings", f), "/h5/settings?done=settings")
		if w.muted[ledger.EventConsumption] {
			t.Error("still off")
		}
	})
	t.Run("AccessesAreOnesOwn", func(t *testing.T) {
		w := newWorld()
		w.audit[bound], w.audit[known] = accesses(w.now), accesses(w.now)
		p := open(t, w)
		for _, id := range []int64{verified, known, 99} {
			p.as(w, id)
			if page := wantPage(t, p.get("/h5/settings?person_id=1"), 200); strings.Contains(page, "K01") {
				t.Errorf("person %d sees accesses", id)
			}
		}
	})
}

// Every kind that has a switch has words for it.
func TestPushWords(t *testing.T) {
	t.Parallel()
	for _, kind := range ledger.Mutable() {
		if _, ok := pushWords[kind]; !ok || kind.Security() {
			t.Errorf("%s has no words, or no switch", kind)
		}
	}
	if len(pushWords) != len(ledger.Mutable()) {
		t.Errorf("%d kinds have words", len(pushWords))
	}
}
