package e2e

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/mishap"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
	"xiaoka/store/storetest"
)

// each runs a journey on SQLite with the embedded store, and on PostgreSQL
// and Redis with two replicas behind a balancer.
func each(t *testing.T, test func(t *testing.T, h *house)) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse(t, "", "", 1))
	})
	t.Run("postgres, two replicas", func(t *testing.T) {
		t.Parallel()
		test(t, newHouse(t, storetest.PostgresURL(t), redisURL(t), 2))
	})
}

var redisDatabases atomic.Int64

// redisURL names a database of the test server that no other test uses: the
// campuses' people have the same userids.
func redisURL(t *testing.T) string {
	t.Helper()
	u, err := url.Parse(os.Getenv("TEST_REDIS_URL"))
	if err != nil || u.Host == "" {
		t.Fatal("TEST_REDIS_URL is not set: run the tests by `make test`")
	}
	n := redisDatabases.Add(1)
	if n > 255 {
		t.Fatal("the test server has no database left")
	}
	u.Path = fmt.Sprintf("/%d", n)
	return u.String()
}

// claim loads the card with what is pending at a machine.
func (m *member) claim(kiosk string, pin string) {
	m.t.Helper()
	k := terminal.NewKiosk(m.terminal(kiosk), nil)
	if err := k.PutIn(m.campus.Chip(m.Person)); err != nil {
		m.t.Fatal(err)
	}
	defer k.PullOut()
	account, err := k.EnterPIN(m.context(), pin)
	if err != nil {
		m.t.Fatalf("look up at %s: %v", kiosk, err)
	}
	if !strings.HasPrefix(account.Holder, "张") || strings.Contains(account.Holder, m.Name) {
		m.t.Errorf("the machine shows the holder as %q", account.Holder)
	}
	if _, err := k.Collect(m.context()); err != nil {
		m.t.Fatalf("collect at %s: %v", kiosk, err)
	}
}

func TestJourney(t *testing.T) { each(t, journey) }

// TestJourney_Misbehaviour is the same with half of all calls and callbacks
// going a little wrong, which nobody is to notice. The seeds choose what
// becomes of the notification of the payment.
func TestJourney_Misbehaviour(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the binaries; -short does not build them")
	}
	t.Parallel()
	for _, tt := range []struct {
		seed uint64
		note string
	}{
		{1, "a probe with a wrong signature"}, {2, "held back"}, {25, "sent twice at once"},
	} {
		t.Run(fmt.Sprintf("seed=%d", tt.seed), func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, "", "", 1, func(h *house) { h.mishaps = mishap.New(0.5, tt.seed) })
			journey(t, h)
			odd, found := 0, false
			for _, e := range h.campus.Timeline.Since(0) {
				if e.Note != "" {
					odd++
				}
				found = found || e.Name == "TRANSACTION.SUCCESS" && strings.Contains(e.Note, tt.note)
			}
			if odd < 8 || !found {
				t.Errorf("%d calls went wrong; a notification %s: %v", odd, tt.note, found)
			}
		})
	}
}

func journey(t *testing.T, h *house) {
	m := h.newMember(0)
	for _, agent := range []int{campus.AssistantID, campus.CardID} {
		if err := h.campus.WeCom.VerifyURL(m.context(), agent); err != nil {
			t.Errorf("the console refuses the callback of %d: %v", agent, err)
		}
	}
	m.verify()
	m.bind()

	m.say(campus.CardID, "余额")
	m.told(campus.CardID, "template_card", "¥12.50", "正常")

	n := m.say(campus.CardID, "充值 50")
	m.toldSince(n, campus.CardID, "¥50.00", "/h5/topup?amount_fen=5000")
	no := m.orderNo(5000)
	m.pay(no)
	if got := m.status(no); got != "paid" {
		t.Errorf("the order is %s after its payment", got)
	}
	m.told(campus.CardID, "¥50.00", "待领取")

	m.claim("K01", ownPassword)
	m.told(campus.CardID, "¥62.50")
	n = m.say(campus.CardID, "余额")
	m.toldSince(n, campus.CardID, "¥62.50")
	if chip := h.campus.Chip(m.Person).Peek(); chip.BalanceFen != 6250 {
		t.Errorf("the chip holds %d fen, want 6250", chip.BalanceFen)
	}
	h.proven()
	if w := h.campus.WeCom.Warnings(); len(w) > 0 {
		t.Errorf("WeCom warns: %+v", w)
	}
}

func TestNotificationTwice(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		no := m.orderNo(2000)
		p := m.callUp(no)
		if err := h.campus.Pay.Inject(wechatpay.Fault{Point: wechatpay.AtNotify, Kind: wechatpay.FaultTwice}); err != nil {
			t.Fatal(err)
		}
		if _, err := h.campus.Pay.Pay(m.context(), p.PrepayID(), h.campus.OpenID(m.Person), wechatpay.PayOptions{Wait: true}); err != nil {
			t.Fatal(err)
		}
		if err := h.campus.Pay.ResendNotification(no); err != nil {
			t.Fatal(err)
		}
		if err := h.campus.Pay.Quiet(m.context()); err != nil {
			t.Fatal(err)
		}
		m.told(campus.CardID, "¥20.00", "待领取")
		if got := m.count(campus.CardID, "已付款", "¥20.00"); got != 1 {
			t.Errorf("%d pushes for one payment", got)
		}
		h.proven()
	})
}

// A payment is booked while WeCom is down and the product dies before it could
// tell anybody: neither the money nor the push is lost.
func TestKillBetweenPaymentAndPush(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		m := h.newMember(0)
		m.verify()
		m.bind()
		no := m.orderNo(5000)
		p := m.callUp(no)
		h.campus.WeCom.SetFaults(wecom.Faults{All: wecom.Fault{Down: true}})
		if _, err := h.campus.Pay.Pay(m.context(), p.PrepayID(), h.campus.OpenID(m.Person), wechatpay.PayOptions{Wait: true}); err != nil {
			t.Fatal(err)
		}
		for len(h.replicas) > 0 {
			h.kill(h.replicas[0])
		}
		h.campus.WeCom.SetFaults(wecom.Faults{})
		if got := m.count(campus.CardID, "待领取", "¥50.00"); got != 0 {
			t.Fatalf("the push went out before the crash: %d", got)
		}
		h.start()
		h.awaitLong("the push after the crash", 90*time.Second, func() bool { return m.count(campus.CardID, "已付款", "¥50.00") == 1 })
		if got := m.status(no); got != "paid" {
			t.Errorf("the order is %s after the crash", got)
		}
		m.claim("K02", ownPassword)
		h.proven()
	})
}
