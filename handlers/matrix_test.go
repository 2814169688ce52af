package handlers

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"xiaoka/ledger"
)

// said is how each intent of the contract is typed, in Chinese and in English.
var said = map[string][2]string{
	"balance": {"余额", "balance"}, "topup": {"充值", "topup"}, "statement": {"账单", "statement"}, "transactions_today": {"明细", "transactions"},
	"report_loss": {"挂失", "lost"}, "cancel_loss": {"解挂", "found"}, "claim": {"领款", "claim"}, "pending": {"待领", "pending"}, "verify": {"验证", "verify"},
	"bind": {"绑定", "bind"}, "unbind": {"解绑", "unbind"}, "change_language": {"english", "中文"}, "notifications_on": {"通知我", "notify"},
	"notifications_off": {"别通知了", "mute"}, "help": {"帮助", "help"}, "human": {"人工", "human"}, "cancel": {"取消", "cancel"}, "code": {"135790", "135790"},
	"none": {"今天天气", "what a day"},
}

// answers is the kind of answer of the card app by the state of who asks; * is
// every intent that is not named.
var answers = map[string]map[string]string{
	"nobody": {"*": "card notice", "change_language": "text", "help": "card help", "cancel": "text", "none": "card help"},
	"fresh": {"*": "card not_verified", "change_language": "text", "help": "card help", "human": "card notice", "cancel": "text", "code": "card notice",
		"none": "card help"},
	"verified": {"*": "card not_bound", "verify": "card notice", "change_language": "text", "help": "card help", "human": "card notice", "cancel": "text",
		"code": "card notice", "none": "card help"},
	"initial": {"*": "card password_first", "report_loss": "card loss_confirm", "verify": "card notice", "bind": "card notice", "change_language": "text",
		"help": "card help", "human": "card notice", "cancel": "text", "code": "card notice", "none": "card help"},
	"bound": {"balance": "card balance", "topup": "card topup_choices", "statement": "card statement", "transactions_today": "card transactions",
		"report_loss": "card loss_confirm", "cancel_loss": "card notice", "claim": "card pending", "pending": "card pending", "verify": "card notice",
		"bind": "card notice", "unbind": "card notice", "change_language": "text", "notifications_on": "card notice", "notifications_off": "card ask_purchase_push",
		"help": "card help", "human": "card notice", "cancel": "text", "code": "card notice", "none": "card help"},
}

// TestMatrix: every intent is answered in every state and language, by the
// right kind of answer, and nothing that was not asked for changes.
func TestMatrix(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"nobody", "fresh", "verified", "initial", "nudged", "bound", "lost", "frozen"} {
		for i, lang := range []ledger.Lang{ledger.Chinese, ledger.English} {
			for intent, texts := range said {
				t.Run(fmt.Sprintf("%s/%s/%s", state, lang, intent), func(t *testing.T) {
					c, want := matrixCampus(t, state, lang, intent)
					got := c.types(CardApp, "somebody", texts[i])
					if !strings.HasPrefix(got, "["+want) {
						t.Fatalf("answered by %q, want a %s", got, want)
					}
					spoken := lang
					if intent == "change_language" || state == "nobody" && strings.ContainsAny(texts[i], "abcdefghijklmnopqrstuvwxyz") {
						spoken = map[bool]ledger.Lang{true: ledger.English, false: ledger.Chinese}[readsEnglish(texts[i])]
					}
					title := strings.Split(got, "\n")[1]
					if han := strings.ContainsFunc(title, func(r rune) bool { return unicode.Is(unicode.Han, r) }); han != (spoken != ledger.English) && intent != "change_language" && !(state == "nobody" && intent == "code") {
						t.Errorf("%q is not in %s", title, spoken)
					}
					if state == "nudged" && answers["initial"][intent] == "" && !strings.Contains(got, "/h5/password") {
						t.Errorf("no reminder of the initial password in %q", got)
					}
					if len(c.store.lost) > 0 != (state == "lost") || len(c.store.muted) > 0 || len(c.codes.sent) > 0 {
						t.Error("an answer changed something")
					}
					assistant := c.types(AssistantApp, "somebody", texts[i])
					if assistant == "" || strings.Contains(assistant, "抱歉") {
						t.Errorf("the assistant answers %q", assistant)
					}
					if strings.Contains(got+assistant, "…") {
						t.Errorf("cut short: %q, %q", got, assistant)
					}
					if p := c.store.people["somebody"]; p.Verified() && (strings.Contains(assistant, "发送“验证”") || strings.Contains(assistant, "Send “verify”")) {
						t.Errorf("the assistant tells a verified member %q", assistant)
					}
				})
			}
		}
	}
}

// matrixCampus has one person in a state, who reads a language, and says what
// kind of answer they get.
func matrixCampus(t *testing.T, state string, lang ledger.Lang, intent string) (*campus, string) {
	t.Helper()
	as := state
	if state == "nudged" || state == "lost" || state == "frozen" {
		as = "bound"
	}
	c := newCampus(t, func(cfg *Config) { cfg.RequireOwnPassword = state != "nudged" })
	want, ok := answers[as][intent]
	if !ok {
		want = answers[as]["*"]
	}
	if state == "nobody" {
		return c, want
	}
	p := c.store.people[as]
	p.UserID, p.Lang = "somebody", lang
	delete(c.store.people, as)
	c.store.add(p)
	switch state {
	case "nudged":
		c.store.initial[p.ID] = true
	case "lost":
		report := reported
		report.AcceptedAt = noon.Add(-time.Hour)
		c.store.lost[p.ID] = report
		if intent == "report_loss" {
			want = "card lost"
		}
	}
	b := c.store.balances[p.ID]
	b.Status = map[string]ledger.CardStatus{"lost": ledger.CardLost, "frozen": ledger.CardFrozen}[state]
	if b.Status == "" {
		b.Status = ledger.CardNormal
	}
	if (state == "lost" || state == "frozen") && intent == "topup" {
		want = "card notice"
	}
	if state == "frozen" && intent == "cancel_loss" {
		want = "card notice]\n" + map[bool]string{true: wFrozen.title.en, false: wFrozen.title.zh}[lang == ledger.English]
	}
	if p.Bound() {
		c.store.balances[p.ID] = b
	}
	return c, want
}
