package cards

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the golden files under testdata")

var shanghai = time.FixedZone("CST", 8*3600)

const site = "https://card.example.edu.cn/h5"

// samples builds every card of the package with ordinary data.
func samples(lang Lang) map[string]Card {
	at := time.Date(2026, 11, 22, 12, 8, 17, 0, shanghai)
	balance := BalanceData{
		CardNo: "2026001234", BalanceFen: 5230, PendingFen: 5000, Status: "normal", AsOf: at,
		LastTitle: "二号餐厅 风味窗口", LastAmount: "−¥6.50", LastAt: at,
		HomeURL: site + "/", TopUpURL: site + "/topup", DetailsURL: site + "/transactions", PendingURL: site + "/transfers", CancelLossURL: site + "/loss/cancel",
	}
	missing := balance
	missing.Missing, missing.PendingFen, missing.Status, missing.LastTitle = 1, 0, "lost", ""
	old := balance
	old.OldFen, old.OldDue = 8000, at.AddDate(0, 0, 3)
	doubt := balance
	doubt.Missing, doubt.InFlightFen, doubt.Doubt, doubt.Now = 3, 5000, true, at
	bill := StatementData{
		Month: at, SpentFen: 31250, Purchases: 45, ToppedUpFen: 30000, ClaimedFen: 25000, Days: 22, BeforeFen: 33250, Before: true,
		Merchants: []StatementMerchant{{"二号餐厅", 18000}, {"图书馆咖啡", 6000}, {"浴室", 2000}, {"超市", 100}},
		ChartURL:  site + "/chart.png", URL: site + "/statement?month=2026-11", TransactionsURL: site + "/transactions?month=2026-11",
	}
	returned := bill
	returned.ReturnedFen, returned.GrantedFen = 20000, 12000
	noChart := bill
	noChart.ChartURL, noChart.Before = "", false
	soFar := bill
	soFar.BeforeTo, soFar.BeforeFen = at.AddDate(0, -1, 0), 1234
	firstSoFar := soFar
	firstSoFar.Before = false
	lines := TransactionsData{Now: at, Spent: "今天消费 ¥13.00，2 笔", URL: site + "/transactions?month=2026-11", BillURL: site + "/statement?month=2026-11"}
	for i := range 5 {
		lines.Lines = append(lines.Lines, TransactionLine{"消费", "二号餐厅 面点窗口 一个很长很长的名字一个很长很长的名字", Yuan(int64(-650 - i)), at.AddDate(0, 0, -i), false})
	}
	waiting := TransactionsData{Now: at, URL: lines.URL, BillURL: lines.BillURL, ListURL: site + "/transfers",
		Lines: []TransactionLine{{"待领取", "微信充值", Yuan(5000), at, true}}}
	ofMonth := lines
	ofMonth.From, ofMonth.Count, ofMonth.Spent = time.Date(2026, 11, 1, 0, 0, 0, 0, at.Location()), 61, "消费 ¥486.50，61 笔"
	ofMonth.To = ofMonth.From.AddDate(0, 1, 0)
	ofDay := ofMonth
	ofDay.From, ofDay.To, ofDay.Now = time.Date(2026, 11, 22, 0, 0, 0, 0, at.Location()), time.Date(2026, 11, 23, 0, 0, 0, 0, at.Location()), at.AddDate(0, 0, 1)
	ofDay.Count, ofDay.Lines = 1, lines.Lines[:1]
	settings := SettingsData{Lang: En, Style: "textcard", LowFen: 1500, LowChoices: []int64{1000, 2000, 5000}, URL: site + "/settings"}
	kinds := []PushKind{{"consumption", true}, {"topup_paid", true}, {"low_balance", false}, {"loss", true}}
	choices := TopUpChoicesData{OtherURL: site + "/topup"}
	for _, fen := range []int64{1000, 2000, 5000, 10000, 20000} {
		choices.Choices = append(choices.Choices, TopUpChoice{fen, fmt.Sprintf("%s/topup?amount_fen=%d", site, fen)})
	}
	pending := PendingData{TotalFen: 15000, Status: "normal", Now: at.AddDate(0, 0, 7), Places: []string{"二号餐厅", "图书馆一楼"}, ListURL: site + "/transfers", TopUpURL: site + "/topup"}
	for i := range 8 {
		pending.Transfers = append(pending.Transfers, PendingTransfer{"微信充值", int64(1000 * (i + 1)), at.AddDate(0, 0, i)})
	}
	few := pending
	few.Transfers, few.Places = pending.Transfers[:2], nil
	stopped := pending
	stopped.Status, stopped.CancelURL = "lost", site+"/loss/cancel"
	frozen := pending
	frozen.Status = "frozen"
	full := few
	full.MostFen = 100000
	withPassword := BoundData{Name: "张三", CardNo: "2026001234", HomeURL: site + "/"}
	initial := withPassword
	initial.PasswordURL = site + "/password"
	ask := LossAskData{CardNo: "2026001234", URL: site + "/loss"}
	lost := LostData{CardNo: "2026001234", Receipt: "L20261122120817AB", AcceptedAt: at, Terminals: 44, Informed: 41, URL: site + "/loss", CancelURL: site + "/loss/cancel"}
	noTerminals := lost
	noTerminals.Terminals, noTerminals.Informed = 0, 0
	trouble := ClaimTroubleData{AmountFen: 5000, Place: "图书馆一楼", At: at, URL: site + "/transfers"}
	return map[string]Card{
		"balance":                 Balance(lang, balance),
		"balance_missing":         Balance(lang, missing),
		"topup_choices":           TopUpChoices(lang, choices),
		"topup_amount":            TopUpAmount(lang, TopUpAmountData{AmountFen: 5000, CardNo: "2026001234", URL: site + "/topup?amount_fen=5000"}),
		"topup_paid":              TopUpPaid(lang, TopUpPaidData{AmountFen: 5000, PendingFen: 15000, OutTradeNo: "T20261122120817001", PaidAt: at, URL: site + "/transfers"}),
		"verify_channels":         VerifyChannels(lang, VerifyChannelsData{MaskedEmail: "z***@example.edu.cn", MaskedPhone: "138****1234", URL: site + "/verify"}),
		"verify_phone":            VerifyChannels(lang, VerifyChannelsData{MaskedPhone: "138****1234", URL: site + "/verify"}),
		"greeting":                Greeting(lang, GreetingData{"张三", 12, 5230, true, 5000, 2000, true, site + "/", site + "/topup", site + "/transfers"}),
		"greeting_early":          Greeting(lang, GreetingData{Name: "张三", Hour: 7, BalanceFen: 5230, HomeURL: site + "/", TopUpURL: site + "/topup"}),
		"ask_which":               AskWhich(lang, []Choice{{"余额", "balance"}, {"账单", "statement"}}, site+"/"),
		"statement":               Statement(lang, bill),
		"statement_plain":         Statement(lang, noChart),
		"statement_so_far":        Statement(lang, soFar),
		"statement_so_far_first":  Statement(lang, firstSoFar),
		"statement_empty":         Statement(lang, StatementData{Month: at, ChartURL: site + "/chart.png", URL: site + "/statement"}),
		"transactions":            Transactions(lang, lines),
		"transactions_none":       Transactions(lang, TransactionsData{URL: site + "/transactions", TopUpURL: site + "/topup"}),
		"transactions_month":      Transactions(lang, ofMonth),
		"transactions_day":        Transactions(lang, ofDay),
		"transactions_month_none": Transactions(lang, TransactionsData{From: ofMonth.From, To: ofMonth.To, URL: site + "/transactions"}),
		"ask_language":            AskLanguage(lang, site+"/settings", false),
		"settings":                Settings(lang, settings),
		"settings_unbound":        Settings(lang, SettingsData{URL: site + "/settings"}),
		"settings_saved":          SettingsSaved(lang, settings),
		"push_kinds":              PushKinds(lang, kinds, site+"/settings"),
		"push_kinds_saved":        PushKindsSaved(lang, kinds, 0, site+"/settings"),
		"push_kinds_low":          PushKindsSaved(lang, []PushKind{{"low_balance", true}}, 0, site+"/settings"),
		"push_kinds_low_set":      PushKindsSaved(lang, []PushKind{{"low_balance", true}}, 2000, site+"/settings"),
		"push_kinds_none":         PushKindsSaved(lang, nil, 0, site+"/settings"),
		"topup_paid_stopped":      TopUpPaid(lang, TopUpPaidData{AmountFen: 5000, PendingFen: 5000, PaidAt: at, Stopped: true, URL: site + "/transfers"}),
		"mutable":                 TopUpPaid(lang, TopUpPaidData{AmountFen: 5000, PendingFen: 5000, PaidAt: at, URL: site + "/transfers"}).Mutable("topup_paid", "push_topup_paid_1_a"),
		"statement_pushed":        Statement(lang, bill).Mutable("statement", "push_statement_1_a"),
		"muted":                   Muted(lang, "topup_paid", site+"/settings"),
		"unmuted":                 Unmuted(lang, "topup_paid", site+"/settings"),
		"balance_doubt":           Balance(lang, doubt),
		"balance_old":             Balance(lang, old),
		"code_sent":               CodeSent(lang, CodeSentData{MaskedAddress: "z***@example.edu.cn", ValidFor: 5 * time.Minute, URL: site + "/verify"}),
		"verified":                Verified(lang, VerifiedData{Name: "张三", BindURL: site + "/bind"}),
		"welcome":                 Welcome(lang, VerifiedData{Name: "张三", BindURL: site + "/bind"}),
		"not_verified":            NotVerified(lang, site+"/verify"),
		"not_bound":               NotBound(lang, site+"/bind"),
		"bound":                   Bound(lang, withPassword),
		"bound_initial":           Bound(lang, initial),
		"password_first":          PasswordFirst(lang, site+"/password"),
		"pending":                 Pending(lang, pending),
		"pending_few":             Pending(lang, few),
		"pending_lost":            Pending(lang, stopped),
		"pending_frozen":          Pending(lang, frozen),
		"pending_room":            Pending(lang, full),
		"pending_none":            Pending(lang, PendingData{Status: "normal", Places: pending.Places, ListURL: site + "/transfers", TopUpURL: site + "/topup"}),
		"claimed":                 Claimed(lang, ClaimedData{AmountFen: 5000, CardNo: "2026001234", BalanceFen: 10230, Place: "图书馆一楼", At: at, URL: site + "/transfers"}),
		"claim_in_doubt":          ClaimInDoubt(lang, trouble),
		"claim_released":          ClaimReleased(lang, trouble),
		"loss_confirm":            LossConfirm(lang, ask),
		"transactions_waiting":    Transactions(lang, waiting),
		"statement_returned":      Statement(lang, returned),
		"loss_next":               LossNext(lang, ask),
		"lost":                    Lost(lang, lost),
		"lost_accepted":           Lost(lang, noTerminals),
		"push_on":                 AskPurchasePush(lang, true, site+"/settings"),
		"push_off":                AskPurchasePush(lang, false, site+"/settings"),
		"newcomer":                NewcomerChannels(lang, NewcomerData{Number: "2025533001", Email: true, Phone: true, URL: site + "/verify"}),
		"newcomer_email":          NewcomerChannels(lang, NewcomerData{Number: "2025533001", Email: true, URL: site + "/verify"}),
		"help":                    Help(lang, site+"/"),
		"help_assistant":          HelpAssistant(lang, site+"/verify"),
		"notice":                  Notice(lang, NoticeData{Title: "暂时查不到余额", Body: "请稍后再试。", LinkTitle: "打开网页", URL: site + "/"}),
		"notice_assistant":        Notice(lang, NoticeData{Body: "验证码不对，还可以再试 3 次。", URL: site + "/verify", Assistant: true}),
	}
}

// golden is one card in all its forms.
type golden struct {
	Card     any      `json:"card"`
	Text     []string `json:"text"`
	TextCard TextCard `json:"textcard"`
}

func TestCards_Golden(t *testing.T) {
	t.Parallel()
	for _, lang := range []Lang{Zh, En} {
		for name, card := range samples(lang) {
			t.Run(fmt.Sprintf("%s/%s", name, lang), func(t *testing.T) {
				if card.NeedsTaskID() {
					card.TaskID = "0123456789abcdef0123456789abcdef"
				}
				if err := card.Validate(); err != nil {
					t.Fatal(err)
				}
				if card.Kind == "" {
					t.Error("no Kind")
				}
				got := encode(t, golden{card, strings.Split(card.Text(), "\n"), card.TextCard()})
				file := filepath.Join("testdata", name+"."+string(lang)+".json")
				if *update {
					if err := os.WriteFile(file, got, 0o644); err != nil {
						t.Fatal(err)
					}
					return
				}
				want, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got, want) {
					t.Errorf("%s differs:\n%s", file, got)
				}
			})
		}
	}
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// What a catalogue must keep: both languages, the same verbs in the same order, and names of rows and buttons that fit without being cut.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	if len(catalogue) < 80 {
		t.Fatalf("%d texts", len(catalogue))
	}
	verbs := func(s string) (out []string) {
		for i := 0; i < len(s)-1; i++ {
			if s[i] == '%' {
				out = append(out, s[i:i+2])
			}
		}
		return out
	}
	for k, w := range catalogue {
		if strings.TrimSpace(w.zh) == "" || strings.TrimSpace(w.en) == "" {
			t.Errorf("%s lacks a language", k)
		}
		if !reflect.DeepEqual(verbs(w.zh), verbs(w.en)) {
			t.Errorf("%s: verbs differ", k)
		}
		for _, s := range []string{w.zh, w.en} {
			if strings.ContainsAny(s, "!！") || strings.Contains(s, "到账") {
				t.Errorf("%s says what it must not: %s", k, s)
			}
			limit := 0
			switch {
			case strings.HasPrefix(string(k), "help.") && !strings.Contains(string(k), "assistant") && strings.Count(string(k), ".") == 1:
				limit = lenValue
			case strings.HasPrefix(string(k), "row.") || k == kClaimedBalance:
				limit = lenKeyName
			case k == kVerifyByEmail || k == kVerifyByPhone || k == kTopUpOther:
				limit = lenButton
			case k == kBalanceOnCard || k == kBalanceAbout || k == kPendingTotal || k == kTopUpAmount || k == kTopUpPaidState || k == kClaimedDesc:
				limit = lenEmphasisDesc
			case k == kMore:
				limit = maxTextCardButton
			case strings.HasPrefix(string(k), "jump.") || strings.HasSuffix(string(k), ".go"):
				limit = lenJumpTitle
			case strings.HasSuffix(string(k), ".title"):
				limit = lenTitle
			case strings.HasSuffix(string(k), ".desc") || k == kBalanceAsOf:
				limit = lenTitleDesc
			}
			if n := utf8.RuneCountInString(s); limit > 0 && n > limit {
				t.Errorf("%s: %q has %d characters, %d fit", k, s, n, limit)
			}
		}
	}
}

// Every key constant must have its text: a missing one would show as nothing.
func TestCatalogue_Complete(t *testing.T) {
	t.Parallel()
	src, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(src)) {
		name, value, ok := strings.Cut(line, " key = ")
		if !ok {
			continue
		}
		if _, ok := catalogue[key(strings.Trim(strings.TrimSpace(value), `"`))]; !ok {
			t.Errorf("%s has no text", strings.TrimSpace(name))
		}
	}
}

// textOf draws texts as hostile as people and other systems can make them.
func textOf(t *rapid.T, label string) string {
	return rapid.OneOf(
		rapid.String(),
		rapid.StringN(0, 400, -1),
		rapid.Map(rapid.SliceOfN(rapid.Byte(), 0, 200), func(b []byte) string { return string(b) }),
		rapid.SampledFrom([]string{"", " ", "\n", "\u202e\u200b", "<a href=\"https://evil\">点我</a>", strings.Repeat("中", 3000), "]]>", "\xff\xfe", "%s%d"}),
	).Draw(t, label)
}

func urlOf(t *rapid.T, label string) string {
	return rapid.SampledFrom([]string{site + "/", "http://127.0.0.1:8080/a?b=1&c=%20", site + "/" + strings.Repeat("a", 1900)}).Draw(t, label)
}

// Any data gives a card that WeCom takes, a text and a textcard within their limits.
func TestCards_AnyData(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lang := rapid.SampledFrom([]Lang{Zh, En, ""}).Draw(t, "lang")
		text := func(l string) string { return textOf(t, l) }
		url := func(l string) string { return urlOf(t, l) }
		maybe := func(l string) string {
			return rapid.SampledFrom([]string{"", "javascript:alert(1)", url(l)}).Draw(t, l+"?")
		}
		fen := func(l string) int64 { return rapid.Int64().Draw(t, l) }
		at := time.Unix(rapid.Int64Range(-1<<40, 1<<40).Draw(t, "at"), 0).UTC()
		var transfers []PendingTransfer
		var places []string
		var choices []TopUpChoice
		var merchants []StatementMerchant
		var lines []TransactionLine
		settings := SettingsData{lang, text("style"), fen("low"), []int64{fen("low"), fen("low")}, url("settings")}
		for i := range rapid.IntRange(0, 9).Draw(t, "n") {
			transfers = append(transfers, PendingTransfer{text("title"), fen("fen"), at})
			places = append(places, text("place"))
			merchants = append(merchants, StatementMerchant{text("merchant"), fen("fen")})
			lines = append(lines, TransactionLine{text("name"), text("line"), Yuan(fen("fen")), at, len(lines)%2 == 0})
			choices = append(choices, TopUpChoice{fen("choice"), maybe(fmt.Sprint("choice", i))})
		}
		person := VerifiedData{text("name"), url("bind")}
		trouble := ClaimTroubleData{fen("fen"), text("place"), at, url("url")}
		for _, c := range []Card{
			Balance(lang, BalanceData{CardNo: text("no"), BalanceFen: fen("b"), PendingFen: fen("p"), Status: text("status"), AsOf: at, Missing: rapid.Int().Draw(t, "missing"), OldFen: fen("old"), OldDue: at,
				Now: at, InFlightFen: fen("f"), Doubt: rapid.Bool().Draw(t, "doubt"), LastTitle: text("last"), LastAmount: Yuan(fen("l")), LastAt: at, HomeURL: url("home"), TopUpURL: maybe("t"), DetailsURL: maybe("d"), PendingURL: maybe("p"), CancelLossURL: maybe("l")}),
			TopUpChoices(lang, TopUpChoicesData{choices, url("other")}),
			TopUpAmount(lang, TopUpAmountData{fen("a"), text("no"), url("u")}),
			TopUpPaid(lang, TopUpPaidData{fen("a"), fen("p"), text("order"), at, rapid.Bool().Draw(t, "stopped"), url("u")}),
			VerifyChannels(lang, VerifyChannelsData{text("mail"), text("phone"), url("u")}),
			CodeSent(lang, CodeSentData{text("address"), time.Duration(rapid.Int64().Draw(t, "valid")), url("u")}),
			Verified(lang, person), Welcome(lang, person), NotVerified(lang, url("u")), NotBound(lang, url("u")),
			Bound(lang, BoundData{text("name"), text("no"), url("home"), rapid.SampledFrom([]string{"", url("pw")}).Draw(t, "pw?")}),
			PasswordFirst(lang, url("u")),
			LossConfirm(lang, LossAskData{text("no"), url("u")}), LossNext(lang, LossAskData{text("no"), url("u")}),
			Lost(lang, LostData{text("no"), text("receipt"), at, rapid.Int().Draw(t, "terminals"), rapid.Int().Draw(t, "informed"), url("u"), maybe("c")}),
			Greeting(lang, GreetingData{text("name"), rapid.Int().Draw(t, "hour"), fen("b"), rapid.Bool().Draw(t, "about"), fen("p"), fen("w"), rapid.Bool().Draw(t, "doubt"), url("h"), maybe("t"), maybe("p")}),
			AskWhich(lang, []Choice{{text("choice"), "balance"}, {text("choice"), "topup"}}, url("u")),
			Statement(lang, StatementData{at, fen("spent"), rapid.Int().Draw(t, "n"), fen("in"), fen("back"), fen("granted"), fen("claimed"), rapid.Int().Draw(t, "days"), fen("before"), rapid.Bool().Draw(t, "first"), rapid.SampledFrom([]time.Time{{}, at}).Draw(t, "before to"),
				merchants, maybe("chart"), url("u"), maybe("t")}),
			Transactions(lang, TransactionsData{at, at.AddDate(0, 0, rapid.IntRange(0, 40).Draw(t, "days")), at, rapid.Int().Draw(t, "count"), text("today"), lines, url("u"), maybe("bill"), maybe("list"), maybe("topup")}),
			AskLanguage(lang, url("u"), rapid.Bool().Draw(t, "by assistant")),
			Settings(lang, settings), SettingsSaved(lang, settings),
			PushKinds(lang, []PushKind{{"consumption", true}, {text("kind"), true}}, url("u")), PushKindsSaved(lang, []PushKind{{text("kind"), true}, {"low_balance", true}}, fen("low"), url("u")),
			Claimed(lang, ClaimedData{fen("a"), text("no"), fen("b"), text("place"), at, url("u")}).Mutable(text("kind"), "t"),
			TopUpPaid(lang, TopUpPaidData{fen("a"), fen("p"), text("order"), at, rapid.Bool().Draw(t, "stopped"), url("u")}).Mutable("topup_paid", "t"),
			Muted(lang, "claimed", url("u")), Unmuted(lang, "claimed", url("u")),
			AskPurchasePush(lang, rapid.Bool().Draw(t, "on"), url("u")),
			NewcomerChannels(lang, NewcomerData{text("number"), rapid.Bool().Draw(t, "email"), rapid.Bool().Draw(t, "phone"), url("u")}),
			Pending(lang, PendingData{fen("total"), rapid.Int().Draw(t, "count"), transfers, at, places, url("list"), maybe("topup"), rapid.SampledFrom([]string{"normal", "lost", "frozen", ""}).Draw(t, "status"), maybe("cancel"), fen("most")}),
			Claimed(lang, ClaimedData{fen("a"), text("no"), fen("b"), text("place"), at, url("u")}),
			ClaimInDoubt(lang, trouble), ClaimReleased(lang, trouble),
			Help(lang, url("u")), HelpAssistant(lang, url("u")),
			Notice(lang, NoticeData{text("title"), text("body"), text("link"), url("u"), rapid.Bool().Draw(t, "assistant")}),
		} {
			checkAnyCard(t, c)
		}
	})
}

func checkAnyCard(t *rapid.T, c Card) {
	if c.NeedsTaskID() {
		c.TaskID = "t"
	}
	if err := c.Validate(); err != nil {
		t.Fatalf("%s: %v", c.Kind, err)
	}
	if again := c.Fit(); !reflect.DeepEqual(again, c) {
		t.Fatalf("%s: fitting twice differs", c.Kind)
	}
	if over := overlong(c); over != "" {
		t.Fatalf("%s: %s", c.Kind, over)
	}
	text := c.Text()
	if text == "" || len(text) > MaxTextBytes || !utf8.ValidString(text) || strings.ContainsAny(text, "<>\x00\u202e") {
		t.Fatalf("%s: text %q", c.Kind, text)
	}
	tc := c.TextCard()
	if tc.Title == "" || len(tc.Title) > 128 || tc.Description == "" || len(tc.Description) > 512 || !validURL(tc.URL) || utf8.RuneCountInString(tc.BtnTxt) > 4 ||
		!utf8.ValidString(tc.Title+tc.Description) || strings.Contains(strings.ReplaceAll(tc.Description, "<br>", ""), "<") {
		t.Fatalf("%s: textcard %+v", c.Kind, tc)
	}
}

// overlong names a text beyond the recommended length, counted apart from the code under test.
func overlong(c Card) string {
	type text struct {
		s string
		n int
	}
	texts := []text{{c.Source.Desc, 20}, {c.MainTitle.Title, 36}, {c.MainTitle.Desc, 44}, {c.SubTitleText, 160}}
	if e := c.EmphasisContent; e != nil {
		texts = append(texts, text{e.Title, 14}, text{e.Desc, 22})
	}
	for _, r := range c.HorizontalContentList {
		texts = append(texts, text{r.KeyName, 5}, text{r.Value, 30})
	}
	for _, j := range c.JumpList {
		texts = append(texts, text{j.Title, 18})
	}
	for _, b := range c.ButtonList {
		texts = append(texts, text{b.Text, 10})
	}
	for _, v := range c.VerticalContentList {
		texts = append(texts, text{v.Title, 38}, text{v.Desc, 160})
	}
	if c.Checkbox != nil {
		for _, o := range c.Checkbox.OptionList {
			texts = append(texts, text{o.Text, 17})
		}
	}
	for _, s := range c.SelectList {
		for _, o := range s.OptionList {
			texts = append(texts, text{o.Text, 16})
		}
	}
	if c.ActionMenu != nil {
		for _, a := range c.ActionMenu.ActionList {
			texts = append(texts, text{a.Text, 10})
		}
	}
	if c.SubmitButton != nil {
		texts = append(texts, text{c.SubmitButton.Text, 10})
	}
	for _, x := range texts {
		if utf8.RuneCountInString(x.s) > x.n || !utf8.ValidString(x.s) || strings.ContainsAny(x.s, "\x00\u202e\u200b\n") {
			return fmt.Sprintf("%q beyond %d", x.s, x.n)
		}
	}
	return ""
}

func TestYuan(t *testing.T) {
	t.Parallel()
	for fen, want := range map[int64]string{0: "¥0.00", 1: "¥0.01", 1230: "¥12.30", -650: "−¥6.50", 100000: "¥1000.00",
		-9223372036854775808: "−¥92233720368547758.08", 9223372036854775807: "¥92233720368547758.07"} {
		if got := Yuan(fen); got != want {
			t.Errorf("Yuan(%d) = %s, want %s", fen, got, want)
		}
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, shanghai)
	for name, tc := range map[string][2]string{
		"WhenZh":       {When(Zh, at), "1月2日 03:04"},
		"WhenEn":       {When(En, at), "2 Jan, 03:04"},
		"WhenZero":     {When(Zh, time.Time{}), ""},
		"MinutesUp":    {Minutes(Zh, 61*time.Second), "2 分钟"},
		"MinuteEn":     {Minutes(En, time.Minute), "1 minute"},
		"MinutesEn":    {Minutes(En, 5*time.Minute), "5 minutes"},
		"Mask":         {MaskCardNo("2026001234"), "****1234"},
		"MaskShort":    {MaskCardNo("12"), "****12"},
		"MaskEmpty":    {MaskCardNo(" "), ""},
		"SorryID":      {Sorry(En, "ab12"), "Sorry, that did not work. Your money and card are untouched. Please try again in a moment. (Ref. ab12)"},
		"CutOnRune":    {CutText(strings.Repeat("中", 700)), strings.Repeat("中", 681) + "…"},
		"CutShort":     {CutText("a"), "a"},
		"UnknownState": {statusText(Zh, "suspended"), "suspended"},
	} {
		if tc[0] != tc[1] {
			t.Errorf("%s: %q, want %q", name, tc[0], tc[1])
		}
	}
}

func TestCard_Keys(t *testing.T) {
	t.Parallel()
	c := VerifyChannels(Zh, VerifyChannelsData{MaskedEmail: "a", MaskedPhone: "b", URL: site})
	if got := fmt.Sprint(c.Keys()); got != "[verify.channel]" {
		t.Errorf("choice: %s", got)
	}
	if got := TopUpChoices(Zh, TopUpChoicesData{OtherURL: site}).Keys(); got != nil {
		t.Errorf("links: %v", got)
	}
	vote := validCards()[VoteInteraction]
	if got := fmt.Sprint(vote.Keys()); got != "[submit]" {
		t.Errorf("vote: %s", got)
	}
}

// TestGreeting_Hours: it says what people say at that hour.
func TestGreeting_Hours(t *testing.T) {
	t.Parallel()
	for hour, want := range map[int][2]string{
		0: {"你好", "Hello"}, 3: {"你好", "Hello"}, 4: {"早上好", "Good morning"}, 10: {"早上好", "Good morning"}, 11: {"中午好", "Hello"},
		13: {"中午好", "Hello"}, 14: {"下午好", "Good afternoon"}, 17: {"下午好", "Good afternoon"}, 18: {"晚上好", "Good evening"}, 23: {"晚上好", "Good evening"},
	} {
		for i, lang := range []Lang{Zh, En} {
			if got := Greeting(lang, GreetingData{Name: "张三", Hour: hour}).MainTitle.Title; !strings.HasPrefix(got, want[i]) {
				t.Errorf("at %d: %q", hour, got)
			}
		}
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	day := func(year, month, day int) time.Time {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, time.UTC)
	}
	for name, tc := range map[string]struct {
		from, to time.Time
		zh, en   string
	}{
		"Day":      {day(2026, 11, 21), day(2026, 11, 22), "11月21日", "21 Nov"},
		"LastYear": {day(2025, 12, 31), day(2026, 1, 1), "2025年12月31日", "31 Dec 2025"},
		"Week":     {day(2026, 11, 9), day(2026, 11, 16), "11月9日–15日", "9–15 Nov"},
		"Across":   {day(2026, 9, 28), day(2026, 10, 5), "9月28日–10月4日", "28 Sep – 4 Oct"},
		"Month":    {day(2026, 10, 1), day(2026, 11, 1), "2026年10月", "October 2026"},
		"None":     {time.Time{}, time.Time{}, "", ""},
	} {
		if zh, en := Span(Zh, tc.from, tc.to, day(2026, 11, 22)), Span(En, tc.from, tc.to, day(2026, 11, 22)); zh != tc.zh || en != tc.en {
			t.Errorf("%s: %q and %q", name, zh, en)
		}
	}
}

// TestTransactions_OneLine: a line is as wide as a client shows in one, and its amount is never cut.
func TestTransactions_OneLine(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 22, 12, 8, 0, 0, time.UTC)
	for _, lang := range []Lang{Zh, En} {
		for _, when := range []time.Time{at, at.AddDate(0, 0, -1), at.AddDate(0, -1, 0)} {
			for _, amount := range []string{"−¥6.50", "+¥1000.00"} {
				got := line(lang, when, at, "二号餐厅 面点窗口 一个很长的名字 Canteen", amount)
				if width(got) > lineWidth || !strings.HasSuffix(got, amount) || !strings.Contains(got, "二号") {
					t.Errorf("%q is %d wide", got, width(got))
				}
			}
		}
	}
	if got := line(Zh, at.AddDate(0, 0, -1), at, "二号餐厅面点", "−¥6.50"); got != "21日 二号餐厅面点 −¥6.50" {
		t.Error(got)
	}
}
