package handlers

import (
	"strings"
	"testing"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// TestMenu: WeCom takes both menus, and every key on them is answered.
func TestMenu(t *testing.T) {
	t.Parallel()
	for _, app := range []string{AssistantApp, CardApp} {
		menu, err := Menu(app, "https://card.example.edu.cn")
		if err != nil {
			t.Fatal(err)
		}
		if err := menu.Validate(); err != nil {
			t.Error(err)
		}
		for _, b := range menu.Button {
			for _, item := range append([]bot.MenuButton{b}, b.SubButton...) {
				switch item.Type {
				case "click":
					c := newCampus(t)
					if got := c.event(app, "bound", "click", item.Key); got == "" || (item.Key != "help" && item.Key != "verify" && got == c.event(app, "bound", "click", "gone")) {
						t.Errorf("%s: %s (%s) is answered by %q", app, item.Name, item.Key, got)
					}
				case "view":
					if !strings.HasPrefix(item.URL, "https://card.example.edu.cn/h5/") {
						t.Errorf("%s: %s leads to %s", app, item.Name, item.URL)
					}
				}
			}
		}
	}
	if _, err := Menu("kiosk", "https://card.example.edu.cn"); err == nil {
		t.Error("a menu for an app that is not ours")
	}
}

// TestHelpAssistant: 使用帮助 helps, whoever asks.
func TestHelpAssistant(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{
		"fresh": "[card help_assistant]", "verified": "我能帮你的|/h5/bind", "bound": "我能帮你的|校园一卡通|“人工”|https://card.example.edu.cn/h5/", "english": "What I can do|Campus Card app",
	} {
		c := newCampus(t)
		for _, got := range []string{c.event(AssistantApp, user, "click", "help"), c.types(AssistantApp, user, map[bool]string{true: "help", false: "帮助"}[user == "english"])} {
			for part := range strings.SplitSeq(want, "|") {
				if !strings.Contains(got, part) {
					t.Errorf("%s: got %q, want %q in it", user, got, part)
				}
			}
		}
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := newCampus(t).apps.Config
	for name, spoil := range map[string]func(*Config){
		"NoAddress":     func(c *Config) { c.PublicURL = "" },
		"TrailingSlash": func(c *Config) { c.PublicURL += "/" },
		"NoStore":       func(c *Config) { c.Store = nil },
		"NoPace":        func(c *Config) { c.Pace = nil },
		"NoAmounts":     func(c *Config) { c.Amounts = nil },
		"MaxBelowMin":   func(c *Config) { c.Max = c.Min - 1 },
	} {
		cfg := good
		spoil(&cfg)
		if _, err := New(cfg); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestTimesInZone: a machine that runs in another zone shows the campus's.
func TestTimesInZone(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	b := c.store.balances[3]
	b.AsOf = time.Date(2026, 11, 21, 17, 30, 0, 0, time.UTC)
	b.Last.At = b.AsOf
	c.store.balances[3] = b
	if got := c.types(CardApp, "bound", "余额"); !strings.Contains(got, "截至 01:30") {
		t.Errorf("got %q", got)
	}
}

// TestBalanceStates: what is not plainly on the card is said.
func TestBalanceStates(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*ledger.Balance)
		want   string
	}{
		"Lost":    {func(b *ledger.Balance) { b.Status = ledger.CardLost }, "状态：已挂失"},
		"Writing": {func(b *ledger.Balance) { b.InFlight = 5000 }, "写卡中：¥50.00"},
		"Doubt":   {func(b *ledger.Balance) { b.InFlight, b.Doubt = 5000, true }, "待确认：¥50.00，钱没有丢，下次刷卡自动核对"},
		"Spent": {func(b *ledger.Balance) {
			b.Last = &ledger.Movement{Kind: "consumption", Amount: 650, Where: "面点", At: noon}
		}, "面点 −¥6.50"},
		"Complete": {func(b *ledger.Balance) { b.Missing = 0 }, "卡上余额 ¥94.00"},
		"New":      {func(b *ledger.Balance) { *b = ledger.Balance{CardNo: "60001234", Status: ledger.CardNormal} }, "¥0.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			b := c.store.balances[3]
			tc.change(&b)
			c.store.balances[3] = b
			if got := c.types(CardApp, "bound", "余额"); !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
		})
	}
	t.Run("NoCard", func(t *testing.T) {
		t.Parallel()
		c := newCampus(t)
		delete(c.store.balances, 3)
		if got := c.types(CardApp, "bound", "余额"); !strings.Contains(got, "没有找到在用的校园卡") {
			t.Errorf("got %q", got)
		}
	})
}

// TestAbout: the greeting and the balance are as sure of the money as each
// other, and say of a write what is known.
func TestAbout(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*ledger.Balance)
		want   string
	}{
		"Missing":  {func(b *ledger.Balance) { b.Missing = 1 }, "卡上余额约 ¥94.00"},
		"Complete": {func(b *ledger.Balance) { b.Missing = 0 }, "卡上余额 ¥94.00"},
		"Writing":  {func(b *ledger.Balance) { b.Missing, b.InFlight = 0, 5000 }, "卡上余额 ¥94.00|写卡中：¥50.00"},
		"Doubt":    {func(b *ledger.Balance) { b.Missing, b.InFlight, b.Doubt = 0, 5000, true }, "卡上余额 ¥94.00|待确认：¥50.00，钱没有丢"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			b := c.store.balances[3]
			tc.change(&b)
			c.store.balances[3] = b
			for _, text := range []string{"余额", "你好"} {
				for want := range strings.SplitSeq(tc.want, "|") {
					if got := c.types(CardApp, "bound", text); !strings.Contains(got, want) {
						t.Errorf("%q: got %q, want %q in it", text, got, want)
					}
				}
			}
		})
	}
}

// TestStatement_Parts: what went back to the payer, and what was granted, is told
// beside what was added, where there was any.
func TestStatement_Parts(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		happened    func(*fakeStore)
		none        string // not said while nothing happened
		zh, english string
	}{
		"Returned": {func(s *fakeStore) { s.returned = 2000 }, "已退", "充值：¥250.00\n退款：其中 ¥20.00 已退或正在退", "Back: Refunds ¥20.00"},
		"Granted":  {func(s *fakeStore) { s.granted = 12000 }, "补助", "充值：¥250.00\n补助：¥120.00\n领到卡上：", "Grant: ¥120.00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			if got := c.types(CardApp, "bound", "账单"); strings.Contains(got, tc.none) {
				t.Errorf("it had not happened: %q", got)
			}
			tc.happened(c.store)
			if got := c.types(CardApp, "bound", "账单"); !strings.Contains(got, tc.zh) {
				t.Errorf("got %q", got)
			}
			if got := c.types(CardApp, "english", "statement"); !strings.Contains(got, tc.english) {
				t.Errorf("got %q", got)
			}
		})
	}
}

// TestTransactionsNone and its neighbours: the list's edges.
func TestTransactions(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	c.store.movements[3], c.store.transfers[3] = nil, nil
	if got := c.types(CardApp, "bound", "明细"); !strings.Contains(got, "还没有交易") {
		t.Errorf("with none: %q", got)
	}
	for i := range 9 {
		c.store.movements[3] = append(c.store.movements[3], ledger.Movement{
			Kind: "consumption", Amount: 123456, Where: "名字特别长特别长特别长特别长特别长特别长的一家食堂窗口", At: noon.Add(-time.Duration(i) * 24 * time.Hour),
		})
	}
	got := c.types(CardApp, "bound", "明细")
	if strings.Count(got, " −¥1234.56") != 5 || !strings.Contains(got, "最近 5 笔") {
		t.Errorf("with many: %q", got)
	}
}

func TestWait(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		0: "1 秒", 300 * time.Millisecond: "1 秒", 46500 * time.Millisecond: "47 秒", time.Minute: "60 秒",
		61 * time.Second: "2 分钟", time.Hour: "60 分钟", 61 * time.Minute: "2 小时", 23*time.Hour + time.Minute: "24 小时",
	} {
		if got := wait(cards.Zh, d); got != want {
			t.Errorf("wait(%s) = %q, want %q", d, got, want)
		}
	}
}
