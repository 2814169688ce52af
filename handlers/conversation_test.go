package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// step is one thing a person does; how is type, click, press or event.
type step struct{ app, user, how, what string }

func (c *campus) does(s step) string {
	switch s.how {
	case "click":
		return c.event(s.app, s.user, "click", s.what)
	case "press":
		return c.press(s.app, s.user, s.what)
	case "event":
		return c.event(s.app, s.user, s.what, "")
	case "page": // what the pages do meanwhile
		report := reported
		if s.what == "loss/cancel" {
			report.EndedAt = noon
		}
		p := c.store.people[s.user]
		c.store.lost[p.ID] = report
		c.wecom.said = nil
		if s.what == "loss" {
			c.apps.LossCards(c.wecom).Accepted(context.Background(), p, report)
		}
		return strings.Join(c.wecom.said, "\n")
	}
	return c.types(s.app, s.user, s.what)
}

// TestConversations holds every answer of both apps, in both languages, as a
// person sees it.
func TestConversations(t *testing.T) {
	t.Parallel()
	assistant := func(how, what string) step { return step{AssistantApp, "fresh", how, what} }
	for name, steps := range map[string][]step{
		"verify.zh": {
			assistant("event", "enter_agent"), assistant("event", "enter_agent"), assistant("type", "你好"), assistant("type", "验证"),
			assistant("press", cards.KeyVerifyEmail), assistant("press", cards.KeyVerifyEmail), assistant("type", "48291"), assistant("type", "000000"),
			assistant("type", "４８２ ９１３"), assistant("type", "验证"), assistant("type", "余额"), assistant("type", "482913"),
		},
		"verify.en": {
			assistant("type", "hello"), assistant("type", "verify"), assistant("press", cards.KeyVerifyEmail), assistant("type", "4829133"), assistant("type", "000000"),
			assistant("type", "code: 482913"), assistant("type", "verify"), assistant("type", "balance"),
		},
		"assistant.zh": {
			{AssistantApp, "nobody", "type", "验证"}, {AssistantApp, "bare", "type", "验证"}, {AssistantApp, "bare", "type", "123456"},
			{AssistantApp, "fresh", "type", "余额"}, {AssistantApp, "fresh", "type", "帮助"}, {AssistantApp, "fresh", "click", "human"},
			{AssistantApp, "fresh", "type", "取消"}, {AssistantApp, "verified", "click", "verify"}, {AssistantApp, "verified", "type", "密码是 135790"},
			{AssistantApp, "bound", "type", "验证"}, {AssistantApp, "bound", "event", "enter_agent"}, {AssistantApp, "fresh", "type", "English"},
			{AssistantApp, "fresh", "type", "你好"},
		},
		"loss.zh": lossOf("bound", "挂失", "解挂"), "loss.en": lossOf("english", "lost", "found"),
		"newcomer.zh": newcomerOf("验证", "你好", "2025533001"), "newcomer.en": newcomerOf("verify", "hello", "my id is 2025533001"),
		"push.switch.zh": {{CardApp, "bound", "type", "别通知了"}, {CardApp, "bound", "press", cards.KeyPurchasePushOff}, {CardApp, "bound", "type", "通知我"}, {CardApp, "bound", "press", cards.KeyPurchasePushOn}},
		"push.switch.en": {{CardApp, "english", "type", "mute"}, {CardApp, "english", "press", cards.KeyPurchasePushOff}, {CardApp, "english", "type", "notify"}},
		"asks.zh":        asksOf("bound", "余额|充值|充值 50|充值 0.5|充值 50.01|充值 1000|待领|领款|明细|账单|绑定|修改密码|设置|验证|帮助|人工|取消|挂失|解挂|解绑|别通知了|通知我|135790|１３５ ７９０|密码 135790|今天天气|English|余额"),
		"asks.en":        asksOf("english", "balance|topup|topup 50|topup 0.5|topup 1000|pending|claim|transactions|statement|bind|change password|Settings|verify|help|human|cancel|lost|found|unbind|mute|notify|135790|what a day|中文|balance"),
		"talk.zh":        asksOf("bound", "账单|再查一次|账单 2026-10|余额|再查一次|充值|取消|充值 50|是的|再充一次|挂失|取消|挂失|是的|解挂|不用了|解绑|算了|取消|再来一次|好的|卡|给我充点 30|查余额什么的|别通知了|好的|取消|刷新|通知设置"),
		"talk.en":        asksOf("english", "statement|again|topup 50|again|cancel|lost|yes|notify|no|again"),
		"small.zh": append(asksOf("bound", "你好|谢谢|好的|👍|？|再见|50|充值|50|￥３０|20块吧|1000元|取消|50|上个月的明细|退款|忘记密码了怎么办|几点开门|待领|好的"),
			append(asksOf("fresh", "你好|谢谢"), step{AssistantApp, "bound", "type", "谢谢"}, step{AssistantApp, "bound", "type", "你好"},
				step{AssistantApp, "fresh", "type", "邮箱"}, step{AssistantApp, "fresh", "type", "取消"}, step{CardApp, "bound", "type", "补卡"})...),
		"small.en": asksOf("english", "hi|thanks|ok|topup|50 yuan|last month's transactions|refund|i forgot my password|bye"),
		"settings.zh": {
			{CardApp, "bound", "type", "设置"}, {CardApp, "bound", "press", "settings.save lang=en style=textcard low=¥20.00"}, {CardApp, "bound", "type", "settings"},
			{CardApp, "weixin", "type", "设置"}, {CardApp, "verified", "type", "设置"}, {CardApp, "verified", "press", "settings.save lang=xx style=loud low=¥20.00"},
			{CardApp, "english", "type", "notification settings"}, {CardApp, "english", "press", "push.kinds.save kinds=topup_paid,low_balance,loss"},
			{CardApp, "english", "type", "notification settings"}, {CardApp, "english", "press", "push.kinds.save"},
		},
		"ask.zh": {
			{CardApp, "bound", "type", "卡"}, {CardApp, "bound", "press", "balance"}, {CardApp, "bound", "type", "给我充点 30"}, {CardApp, "bound", "press", "topup"},
			{CardApp, "bound", "type", "卡"}, {CardApp, "bound", "press", "help"}, {CardApp, "fresh", "type", "卡"}, {CardApp, "fresh", "press", "balance"},
		},
		"channel.zh": {
			{AssistantApp, "both", "type", "验证"}, {AssistantApp, "both", "press", "verify.channel channel=phone"}, {AssistantApp, "both", "type", "验证"},
			{AssistantApp, "both", "type", "邮箱"}, {AssistantApp, "both", "type", "取消"}, {AssistantApp, "visitor", "type", "手机"}, {AssistantApp, "visitor", "type", "2025533001"},
			{AssistantApp, "visitor", "type", "手机"}, {AssistantApp, "visitor", "type", "取消"}, {AssistantApp, "visitor", "type", "482913"},
		},
		"greet.zh": {
			{AssistantApp, "both", "event", "enter_agent"}, {AssistantApp, "both", "event", "enter_agent"}, {AssistantApp, "bound", "event", "enter_agent"},
			{CardApp, "fresh", "event", "enter_agent"}, {CardApp, "verified", "event", "enter_agent"}, {CardApp, "verified", "event", "enter_agent"},
			{CardApp, "today", "event", "enter_agent"}, {CardApp, "initial", "event", "enter_agent"}, {CardApp, "weixin", "event", "enter_agent"},
			{CardApp, "bound", "type", "余额"}, {CardApp, "bound", "event", "enter_agent"}, {CardApp, "english", "event", "enter_agent"}, {CardApp, "english", "event", "enter_agent"},
		},
		"asks.textcard.zh": asksOf("weixin", "余额|充值|充值 50|待领|挂失"),
		"gate.zh": append(append(append(append(append(asksOf("nobody", "余额|验证|帮助|挂失"), asksOf("fresh", "余额|充值 50|绑定|验证|帮助|挂失|设置")...),
			asksOf("verified", "余额|绑定|修改密码|验证|解绑")...), asksOf("initial", "余额|充值 50|修改密码|挂失")...),
			step{CardApp, "fresh", "event", "enter_agent"}, step{CardApp, "fresh", "event", "enter_agent"}, step{CardApp, "bound", "event", "enter_agent"}),
			step{CardApp, "verified", "event", "subscribe"}),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			register(c)
			both := c.store.people["fresh"]
			both.ID, both.UserID, both.Phone = 20, "both", "13800138000"
			c.store.add(both)
			today := c.store.people["verified"]
			today.ID, today.UserID, today.VerifiedAt = 21, "today", noon.Add(-time.Hour)
			c.store.add(today)
			var out strings.Builder
			for _, s := range steps {
				fmt.Fprintf(&out, "== %s · %s · %s: %s\n%s\n\n", s.app, s.user, s.how, s.what, c.does(s))
				c.apps.newcomers.sending.Wait()
			}
			golden(t, name+".golden", out.String())
		})
	}
}

func lossOf(user, loss, found string) []step {
	type_ := func(text string) step { return step{CardApp, user, "type", text} }
	press := func(key string) step { return step{CardApp, user, "press", key} }
	page := func(path string) step { return step{CardApp, user, "page", path} }
	return []step{
		type_(found), type_(loss), press(cards.KeyLossDrop), type_(loss), press(cards.KeyLossConfirm), press(cards.KeyLossConfirm),
		page("loss"), type_(loss), type_(found), page("loss/cancel"), type_(found), type_(loss),
	}
}

func newcomerOf(verify, hello, number string) []step {
	type_ := func(text string) step { return step{AssistantApp, "visitor", "type", text} }
	return []step{
		type_(verify), type_(hello), type_(number), {AssistantApp, "visitor", "press", cards.KeyNewcomerEmail}, type_("000000"), type_("482913"), type_(verify),
	}
}

func asksOf(user, texts string) (steps []step) {
	for text := range strings.SplitSeq(texts, "|") {
		steps = append(steps, step{CardApp, user, "type", text})
	}
	return steps
}

// TestChoices: what was asked back is answered in words as by the buttons, and
// by nothing once something else was asked.
func TestChoices(t *testing.T) {
	t.Parallel()
	for texts, want := range map[string]string{
		"卡|第一个": "[card loss_confirm]", "账八月|第二个": "month=2026-08", "卡|1": "[card loss_confirm]", "卡|前者": "[card loss_confirm]", "卡|第二个": "[card balance]", "卡|２": "[card balance]",
		"卡|the latter": "[card balance]", "账|是的": "[card statement]", "弄卡|第一个": "[card balance]", "绑": "[card help]", "账|第二个": "[card help]", "卡|余额": "[card balance]", "卡|第三个": "[card help]", "卡|是的": "好的。想查什么",
		"卡|取消": "好的。换个说法", "卡|不是": "好的。换个说法", "卡|取消|第一个": "[card help]", "卡|帮助|第二个": "[card balance]", "卡|账单|第二个": "[card help]",
		"给我充点 30|第一个": "¥30.00", "给我充点 30|第二个": "[card pending]", "给我充点 30|50": "¥50.00", "卡|50": "[card help]", "第一个": "[card help]",
	} {
		c := newCampus(t)
		got := ""
		for text := range strings.SplitSeq(texts, "|") {
			got = c.types(CardApp, "bound", text)
		}
		if !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q in it", texts, got, want)
		}
	}
}

// TestCardClicksAndPresses: text, menu and button give the same answer.
func TestCardClicksAndPresses(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	for _, r := range c.apps.cardAsks() {
		if r.intent == "change_language" {
			continue // it answers differently each time
		}
		clicked := c.event(CardApp, "bound", "click", r.intent)
		if clicked == "" || strings.Contains(clicked, "编号") {
			t.Errorf("click %s: %q", r.intent, clicked)
		}
	}
	if got := c.event(CardApp, "bound", "click", "gone"); got != c.event(CardApp, "bound", "click", "help") {
		t.Errorf("a click that nobody knows: %q", got)
	}
}

func TestVerifyPress(t *testing.T) {
	t.Parallel()
	soon := &ledger.CodeTooSoonError{RetryAfter: 47 * time.Second}
	for name, tc := range map[string]struct {
		user    string
		sendErr error
		sent    int
		want    string
	}{
		"Sent":           {"fresh", nil, 1, "[update code_sent]"},
		"AnotherPerson":  {"verified", nil, 0, cards.Refused(cards.Zh)},
		"Stranger":       {"nobody", nil, 0, cards.Refused(cards.Zh)},
		"TooSoon":        {"fresh", fmt.Errorf("issue: %w", soon), 0, "请过 47 秒"},
		"SenderDown":     {"fresh", &identity.SendFailedError{RetryAfter: time.Minute, Err: errors.New("mail down")}, 0, "没有发出去"},
		"SenderRefuses":  {"fresh", &identity.SendFailedError{RetryAfter: 30 * time.Minute, Err: soon}, 0, "没有发出去\n是我们这边的问题。请过 30 分钟"},
		"NoLongerListed": {"fresh", identity.ErrNoAddress, 0, "[card verify_channels]"},
		"DatabaseDown":   {"fresh", errors.New("disk full"), 0, "抱歉"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			c.types(AssistantApp, "fresh", "验证")
			c.codes.sendErr = tc.sendErr
			got := c.press(AssistantApp, tc.user, cards.KeyVerifyEmail)
			if !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
			if strings.Contains(got, "disk") || strings.Contains(got, "mail down") {
				t.Errorf("an internal text is shown: %q", got)
			}
			if len(c.codes.sent) != tc.sent {
				t.Errorf("%d codes went out, want %d", len(c.codes.sent), tc.sent)
			}
		})
	}
}

func TestVerifyPhone(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	p := c.store.people["fresh"]
	p.Phone = "13800138000"
	c.store.add(p)
	if got := c.types(AssistantApp, "fresh", "验证"); !strings.Contains(got, "138****8000") {
		t.Errorf("the phone is not offered: %q", got)
	}
	c.press(AssistantApp, "fresh", cards.KeyVerifyPhone)
	if len(c.codes.sent) != 1 || c.codes.sent[0] != ledger.Phone {
		t.Errorf("codes went out by %v", c.codes.sent)
	}
}

func TestVerifyCode(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		text    string
		verdict error
		tried   string
		done    bool
		want    string
	}{
		"Right":         {"482913", nil, "verify 482913", true, "[card verified]"},
		"FullWidth":     {"４８２９１３", nil, "verify 482913", true, "[card verified]"},
		"Spaced":        {" 482 913\n", nil, "verify 482913", true, "[card verified]"},
		"Dashed":        {"482-913", nil, "verify 482913", true, "[card verified]"},
		"Named":         {"验证码：482913", nil, "verify 482913", true, "[card verified]"},
		"Wrong":         {"111222", &ledger.CodeWrongError{TriesLeft: 3}, "verify 111222", false, "还可以试 3 次"},
		"LastWrong":     {"111222", &ledger.CodeWrongError{}, "verify 111222", false, "作废"},
		"Burnt":         {"482913", ledger.ErrCodeBurnt, "verify 482913", false, "作废"},
		"Expired":       {"482913", fmt.Errorf("try: %w", ledger.ErrCodeExpired), "verify 482913", false, "过期"},
		"NotAwaited":    {"482913", ledger.ErrNoCode, "verify 482913", false, "没有保存"},
		"Password":      {"我的密码是482913", nil, "", false, "没有保存"},
		"SevenDigits":   {"4829135", nil, "", false, "[card help_assistant]"},
		"DatabaseDown":  {"482913", errors.New("disk full"), "verify 482913", false, "抱歉"},
		"InASentence":   {"电话 482913 打不通", nil, "", false, "[card help_assistant]"},
		"WithFullStop":  {"482913。", nil, "verify 482913", true, "[card verified]"},
		"TwoCandidates": {"482913 482914", nil, "", false, "[card help_assistant]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			c.codes.sent, c.codes.verdict = []ledger.Channel{ledger.Email}, tc.verdict
			got := c.types(AssistantApp, "fresh", tc.text)
			if !strings.Contains(got, tc.want) {
				t.Errorf("got %q, want %q in it", got, tc.want)
			}
			if tried := strings.Join(c.codes.tried, ","); tried != tc.tried {
				t.Errorf("tried %q, want %q", tried, tc.tried)
			}
			if c.store.people["fresh"].Verified() != tc.done {
				t.Errorf("verified = %t, want %t", !tc.done, tc.done)
			}
		})
	}
}

// TestDigitsStaySecret: what may be a code or a password shows up in no
// answer and no log, whoever types it wherever, even when the store fails.
func TestDigitsStaySecret(t *testing.T) {
	t.Parallel()
	for _, app := range []string{AssistantApp, CardApp} {
		for _, user := range []string{"nobody", "fresh", "verified", "bound", "initial"} {
			for _, text := range []string{"135790", "１３５７９０", "135 790", "密码135790", "my pin is 135790", "code 135790"} {
				for _, fault := range []error{nil, errors.New("down")} {
					c := newCampus(t)
					c.store.err, c.codes.verdict = fault, fault
					got := c.types(app, user, text)
					if got == "" {
						t.Errorf("%s: %s typed %q and got no answer", app, user, text)
					}
					for _, where := range []string{got, c.log.String()} {
						if plain := identity.NormalDigits(where); strings.Contains(plain, "135790") {
							t.Errorf("%s: %s typed %q, and it shows in %q", app, user, text, where)
						}
					}
				}
			}
		}
	}
}

func TestPendingStates(t *testing.T) {
	t.Parallel()
	transfer := func(state ledger.TransferState) ledger.Transfer {
		return ledger.Transfer{Title: "微信充值", Kind: "topup", Amount: 5000, State: state, CreatedAt: noon}
	}
	for name, tc := range map[string]struct {
		states []ledger.TransferState
		want   []string
	}{
		"None":         {nil, []string{"没有待领取的钱"}},
		"Writing":      {[]ledger.TransferState{ledger.TransferInFlight}, []string{"正在写卡，请勿移开卡片"}},
		"Doubt":        {[]ledger.TransferState{ledger.TransferInDoubt}, []string{"写卡结果待确认", "钱没有丢"}},
		"WaitAndDoubt": {[]ledger.TransferState{ledger.TransferPending, ledger.TransferInDoubt}, []string{"共 1 笔", "写卡结果待确认"}},
		"WaitAndWrite": {[]ledger.TransferState{ledger.TransferPending, ledger.TransferInFlight}, []string{"共 1 笔"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			c.store.transfers[3] = nil
			for _, state := range tc.states {
				c.store.transfers[3] = append(c.store.transfers[3], transfer(state))
			}
			got := c.types(CardApp, "bound", "待领")
			for _, want := range tc.want {
				if !strings.Contains(got, want) {
					t.Errorf("got %q, want %q in it", got, want)
				}
			}
		})
	}
}

// TestNudge: where the initial password serves, every answer that needs a
// bound card is followed by a reminder.
func TestNudge(t *testing.T) {
	t.Parallel()
	c := newCampus(t, func(cfg *Config) { cfg.RequireOwnPassword = false })
	if got := c.types(CardApp, "initial", "余额"); !strings.Contains(got, "¥94.00") || !strings.Contains(got, "初始查询密码") {
		t.Errorf("with the initial password: %q", got)
	}
	if got := c.types(CardApp, "bound", "余额"); strings.Contains(got, "初始查询密码") {
		t.Errorf("with an own password: %q", got)
	}
}

// TestGreetingWithoutPace: a greeting that cannot be paced is left out.
func TestGreetingWithoutPace(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	c.pace.err = errors.New("redis down")
	if got := c.event(AssistantApp, "fresh", "enter_agent", ""); got != "" {
		t.Errorf("greeted: %q", got)
	}
}

// TestNeverArrived: 到账 invites "I paid, but the till says no".
func TestNeverArrived(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	for _, text := range []string{"余额", "充值", "充值 50", "待领", "领款", "明细", "帮助", "人工"} {
		if got := c.types(CardApp, "bound", text); strings.Contains(got, "到账") {
			t.Errorf("%s: %q", text, got)
		}
	}
}
