package handlers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaoka/cards"
	"xiaoka/ledger"
)

var reported = ledger.LossReport{Receipt: "GS7K2M", CardNo: "60001234", AcceptedAt: noon.Add(-9 * time.Second), Version: 7, Terminals: 44, Informed: 41}

// TestLossPresses: what each button does, for whom, and when the card is lost
// already.
func TestLossPresses(t *testing.T) {
	t.Parallel()
	lost := func(c *campus) { c.store.lost[3] = reported }
	nothing := func(*campus) {}
	for name, tc := range map[string]struct {
		user, key string
		given     func(*campus)
		want      string
		kept      string // the press that may update the card later
	}{
		"Confirm":            {"bound", cards.KeyLossConfirm, nothing, "[update loss_next]", "code"},
		"Drop":               {"bound", cards.KeyLossDrop, nothing, "没有挂失", ""},
		"ConfirmWhenLost":    {"bound", cards.KeyLossConfirm, lost, "[update lost]", ""},
		"DropWhenLost":       {"bound", cards.KeyLossDrop, lost, "[update lost]", ""},
		"ConfirmByAnother":   {"verified", cards.KeyLossConfirm, nothing, cards.Refused(cards.Zh), ""},
		"DropByAnother":      {"weixin", cards.KeyLossDrop, nothing, cards.Refused(cards.Zh), ""},
		"ConfirmByNobody":    {"nobody", cards.KeyLossConfirm, nothing, cards.Refused(cards.Zh), ""},
		"UnboundMeanwhile":   {"bound", cards.KeyLossConfirm, func(c *campus) { _ = c.store.change(3, func(p *ledger.Person) { p.BoundAt = time.Time{} }) }, "[update not_bound]", ""},
		"FoundAndLostAgain":  {"bound", cards.KeyLossConfirm, func(c *campus) { r := reported; r.EndedAt = noon; c.store.lost[3] = r }, "[update loss_next]", "code"},
		"DatabaseDown":       {"bound", cards.KeyLossConfirm, func(c *campus) { c.store.err = errors.New("disk full") }, "抱歉", ""},
		"InitialPassword":    {"initial", cards.KeyLossConfirm, nothing, "[update loss_next]", "code"},
		"WeComCannotBeAsked": {"bound", cards.KeyLossConfirm, func(c *campus) { c.wecom.err = errors.New("down") }, "才算挂失", "code"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			owner := "bound"
			if tc.user == "initial" {
				owner = tc.user
			}
			if got := c.types(CardApp, owner, "挂失"); !strings.Contains(got, "[card loss_confirm]") {
				t.Fatalf("asked: %q", got)
			}
			tc.given(c)
			if got := c.press(CardApp, tc.user, tc.key); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
			delete(c.kept, "sent:loss:"+owner)
			if kept := c.kept["press:loss:"+owner]; kept != tc.kept || tc.kept == "" && len(c.kept) > 0 {
				t.Errorf("kept %q, want %q", c.kept, tc.kept)
			}
		})
	}
}

// failingPresses is a Redis that is away.
type failingPresses struct{}

func (failingPresses) Put(context.Context, string, string, time.Duration) error {
	return errors.New("redis down")
}
func (failingPresses) Take(context.Context, string) (string, error) {
	return "", errors.New("redis down")
}

// TestLossCards: the card that led to the report says so, once; everybody
// else's stays, and no failure reaches the page.
func TestLossCards(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		press string // who confirmed
		given func(*campus)
		want  string
		log   string
	}{
		"Updated":       {"bound", func(*campus) {}, "[update lost]", ""},
		"NotFromAChat":  {"", func(*campus) {}, "", ""},
		"OfAnother":     {"weixin", func(*campus) {}, "", ""},
		"WeComDown":     {"bound", func(c *campus) { c.wecom.err = errors.New("down") }, "[update lost]", "card not updated"},
		"RedisDown":     {"bound", func(c *campus) { c.apps.Presses = failingPresses{} }, "", "card not updated"},
		"NotConfigured": {"bound", func(c *campus) { c.apps.Presses = nil }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			if tc.press != "" {
				c.types(CardApp, tc.press, "挂失")
				c.press(CardApp, tc.press, cards.KeyLossConfirm)
			}
			tc.given(c)
			c.wecom.said = nil
			person := c.store.people["bound"]
			c.apps.LossCards(c.wecom).Accepted(context.Background(), person, reported)
			got := strings.Join(c.wecom.said, "\n")
			if !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("got %q, want %q", got, tc.want)
			}
			if tc.want != "" && !strings.Contains(got, "挂失已受理 12:07:51，已有 41/44 台终端生效") {
				t.Errorf("got %q", got)
			}
			if !strings.Contains(c.log.String(), tc.log) {
				t.Errorf("log %q", c.log)
			}
			if tc.want == "" {
				return
			}
			c.wecom.said, c.wecom.err = nil, nil
			c.apps.LossCards(c.wecom).Accepted(context.Background(), person, reported)
			if len(c.wecom.said) > 0 {
				t.Errorf("updated twice: %q", c.wecom.said)
			}
		})
	}
}

// TestLossCards_Codes: every ResponseCode is used once, for the card it belongs
// to: the one of the sending for the next step, the one of the press for what
// came of it.
func TestLossCards_Codes(t *testing.T) {
	t.Parallel()
	press := step{CardApp, "bound", "press", cards.KeyLossConfirm}
	typed := func(text string) step { return step{CardApp, "bound", "type", text} }
	page := step{CardApp, "bound", "page", "loss"}
	for name, tc := range map[string]struct {
		steps []step
		used  string
	}{
		"Pressed":         {[]step{typed("挂失"), press, page}, "sent1 code"},
		"Typed":           {[]step{typed("挂失"), typed("是的"), page}, "sent2"},
		"OnlyAsked":       {[]step{typed("挂失"), page}, "sent1"},
		"Dropped":         {[]step{typed("挂失"), {CardApp, "bound", "press", cards.KeyLossDrop}, page}, "code sent1"},
		"WithoutTheChat":  {[]step{page}, ""},
		"SecondQuestion":  {[]step{typed("挂失"), typed("挂失"), press, page}, "sent2 code"},
		"NobodysReported": {[]step{typed("挂失"), press}, "sent1"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			for _, s := range tc.steps {
				c.does(s)
			}
			if used := strings.Join(c.wecom.used, " "); used != tc.used {
				t.Errorf("used %q, want %q", used, tc.used)
			}
		})
	}
	t.Run("OlderQuestion", func(t *testing.T) { // whose own code is gone
		t.Parallel()
		c := newCampus(t)
		c.does(typed("挂失"))
		older := c.wecom.task
		c.does(typed("挂失"))
		c.wecom.task = older
		if got := c.does(press); !strings.HasPrefix(got, "[card loss_next]") {
			t.Errorf("got %q", got)
		}
		c.does(page)
		if used := strings.Join(c.wecom.used, " "); used != "code sent3" {
			t.Errorf("used %q", used)
		}
	})
}

// TestLossKeepsNoPressWithoutRedis: the chat goes on, and the log says what
// will not happen.
func TestLossKeepsNoPressWithoutRedis(t *testing.T) {
	t.Parallel()
	c := newCampus(t, func(cfg *Config) { cfg.Presses = failingPresses{} })
	c.types(CardApp, "bound", "挂失")
	if got := c.press(CardApp, "bound", cards.KeyLossConfirm); !strings.Contains(got, "[card loss_next]") {
		t.Errorf("got %q", got)
	}
	if !strings.Contains(c.log.String(), "press not kept") {
		t.Errorf("log %q", c.log)
	}
}

// TestPurchasePushes: nothing changes before the button, and only purchases.
func TestPurchasePushes(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	if got := c.types(CardApp, "bound", "通知我"); !strings.Contains(got, "本来就是开的") {
		t.Errorf("on when on: %q", got)
	}
	if got := c.types(CardApp, "bound", "别通知了"); !strings.Contains(got, "[card ask_purchase_push]") || len(c.store.muted) > 0 {
		t.Errorf("off: %q, muted %v", got, c.store.muted)
	}
	if got := c.press(CardApp, "weixin", cards.KeyPurchasePushOff); !strings.Contains(got, cards.Refused(cards.Zh)) || len(c.store.muted) > 0 {
		t.Errorf("pressed by another: %q, muted %v", got, c.store.muted)
	}
	if got := c.press(CardApp, "bound", cards.KeyPurchasePushOff); !strings.Contains(got, "消费通知已关掉") || !c.store.muted[ledger.EventConsumption] || len(c.store.muted) > 1 {
		t.Errorf("pressed: %q, muted %v", got, c.store.muted)
	}
	if got := c.types(CardApp, "bound", "别通知了"); !strings.Contains(got, "本来就是关的") {
		t.Errorf("off when off: %q", got)
	}
	c.types(CardApp, "bound", "通知我")
	if got := c.press(CardApp, "bound", cards.KeyPurchasePushOn); !strings.Contains(got, "消费通知已打开") || c.store.muted[ledger.EventConsumption] {
		t.Errorf("on: %q, muted %v", got, c.store.muted)
	}
}
