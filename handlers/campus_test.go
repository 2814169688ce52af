package handlers

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// noon is the moment at which every test happens.
var noon = time.Date(2026, 11, 22, 12, 8, 0, 0, time.FixedZone("Asia/Shanghai", 8*60*60))

// campus is a small world to talk in: both apps on real routers, before a
// store, codes and a WeCom that are played.
type campus struct {
	t      testing.TB
	apps   *Apps
	store  *fakeStore
	codes  *fakeCodes
	pace   *fakePace
	wecom  *fakeWeCom
	log    *bytes.Buffer
	tasks  fakeTasks
	kept   fakePresses
	apps2r map[string]*bot.Router
	serial int64
}

func newCampus(t testing.TB, change ...func(*Config)) *campus {
	t.Helper()
	c := &campus{t: t, store: newStore(), codes: &fakeCodes{good: "482913"}, pace: &fakePace{}, wecom: &fakeWeCom{t: t}, log: &bytes.Buffer{},
		tasks: fakeTasks{}, kept: fakePresses{}}
	c.codes.store = c.store
	log := slog.New(slog.NewTextHandler(c.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	cfg := Config{
		Store: c.store, Codes: c.codes, Pace: c.pace, Understand: understandPlainly, Presses: c.kept,
		PublicURL: "https://card.example.edu.cn", CodeTTL: 5 * time.Minute,
		Amounts: []ledger.Fen{1000, 2000, 5000, 10000, 20000}, Min: 100, Max: 50000, RequireOwnPassword: true,
		Contact: Contact{
			Office: Words{"一卡通受理中心", "Card office"}, Phone: "021-5555 0100", Hours: Words{"周一至周五 8:30–17:00", "Mon–Fri 8:30–17:00"},
			Machines: []Words{{"二号餐厅", "Canteen 2"}, {"图书馆一楼", "Library, 1st floor"}, {Zh: "受理中心"}},
		},
		Chart: func(_ int64, m ledger.Month, at time.Time) string {
			return "https://card.example.edu.cn/h5/chart.png?month=" + m.String() + "&at=" + at.In(noon.Location()).Format("15:04:05")
		},
		Zone: noon.Location(), Now: func() time.Time { return noon }, Log: log,
	}
	for _, f := range change {
		f(&cfg)
	}
	var err error
	if c.apps, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	c.apps2r = map[string]*bot.Router{}
	for i, name := range []string{AssistantApp, CardApp} {
		state := bot.NewRedis(nil, nil)
		c.apps2r[name] = bot.NewRouter(bot.RouterConfig{
			App: bot.App{Name: name, CorpID: "ww1", AgentID: int64(1000001 + i)}, Sender: c.wecom, Tasks: c.tasks, Once: state,
			Log: log, Now: func() time.Time { return noon },
		})
	}
	c.apps.Assistant(c.apps2r[AssistantApp])
	c.apps.Card(c.apps2r[CardApp])
	return c
}

// deliver gives a message to an app and returns everything the person sees.
func (c *campus) deliver(app string, m bot.Message) string {
	c.t.Helper()
	c.serial++
	m.AgentID, m.CreateTime = 1000001, noon.Unix()+c.serial
	if app == CardApp {
		m.AgentID++
	}
	c.wecom.said = nil
	text, _ := c.apps2r[app].Dispatch(context.Background(), &m)
	if text != "" {
		c.wecom.said = append(c.wecom.said, "[text]\n"+text)
	}
	return strings.Join(c.wecom.said, "\n")
}

func (c *campus) types(app, userID, text string) string {
	return c.deliver(app, bot.Message{FromUserName: userID, MsgType: "text", MsgID: fmt.Sprint(c.serial + 1), Content: text})
}

func (c *campus) event(app, userID, event, key string) string {
	return c.deliver(app, bot.Message{FromUserName: userID, MsgType: "event", Event: event, EventKey: key})
}

// press presses a button of the card that was sent last, or submits it with
// answers: "settings.save lang=en low=¥20.00".
func (c *campus) press(app, userID, key string) string {
	key, answers, _ := strings.Cut(key, " ")
	m := bot.Message{
		FromUserName: userID, MsgType: "event", Event: "template_card_event", EventKey: key,
		TaskID: c.wecom.task, CardType: "button_interaction", ResponseCode: "code",
	}
	for answer := range strings.FieldsSeq(answers) {
		question, options, _ := strings.Cut(answer, "=")
		m.SelectedItems = append(m.SelectedItems, bot.SelectedItem{QuestionKey: question, OptionIDs: strings.Split(options, ",")})
	}
	return c.deliver(app, m)
}

// understandPlainly stands for handlers/intent, whose tests are its own.
func understandPlainly(text string, _ time.Time) Said {
	text = strings.ToLower(strings.TrimSpace(text))
	for intent, words := range map[string]string{
		"balance": "余额 balance", "topup": "充值 topup", "pending": "待领 pending", "claim": "领款 claim",
		"transactions_today": "明细 transactions", "statement": "账单 statement", "report_loss": "挂失 lost", "cancel_loss": "解挂 found",
		"unbind": "解绑 unbind", "bind": "绑定 bind", "verify": "验证 verify", "change_language": "中文 英文 english chinese language 语言", "human": "人工 human",
		"help": "帮助 help", "cancel": "取消 cancel", "notifications_off": "别通知了 mute", "notifications_on": "通知我 notify",
	} {
		for _, w := range strings.Fields(words) {
			if first, rest, _ := strings.Cut(text, " "); first == w {
				amount, _ := ledger.ParseYuan(rest)
				month := ""
				if _, err := ledger.ParseMonth(rest); err == nil {
					month = rest
				}
				return Said{Intent: intent, Amount: amount, Month: month}
			}
		}
	}
	switch text {
	case "上个月", "last month", "上个月的账单", "上个月的明细", "last month's transactions", "上个月消费多少":
		return Said{Intent: "statement", Month: "2026-10"}
	case "the latter":
		return Said{Intent: "cancel"}
	case "弄卡":
		return Said{Intent: "none", Likely: []string{"bind", "balance"}}
	case "绑":
		return Said{Intent: "none", Likely: []string{"bind", "verify"}}
	case "账":
		return Said{Intent: "none", Likely: []string{"statement"}}
	case "账八月":
		return Said{Intent: "none", Month: "2026-08", Likely: []string{"balance", "statement"}}
	case "卡":
		return Said{Intent: "none", Likely: []string{"report_loss", "balance"}}
	case "给我充点 30":
		return Said{Intent: "topup", Amount: 3000, Likely: []string{"topup", "pending"}, Unsure: true}
	case "查余额什么的":
		return Said{Intent: "balance", Likely: []string{"balance", "pending"}, Unsure: true}
	}
	return Said{Intent: "none"}
}

// fakeWeCom shows what a person would see, and refuses what WeCom would.
type fakeWeCom struct {
	t    testing.TB
	said []string
	task string // of the last card with buttons
	sent []bot.Outgoing
	used []string // ResponseCodes of updates
	err  error    // of every call
	// cardErr is of template cards only.
	cardErr error
}

func (w *fakeWeCom) Send(_ context.Context, userID string, m bot.Outgoing) (bot.Sent, error) {
	w.sent = append(w.sent, m)
	if w.err != nil {
		return bot.Sent{}, w.err
	}
	code := ""
	switch {
	case m.Card != nil:
		if err := m.Card.Validate(); err != nil {
			w.t.Errorf("card %s: %v", m.Card.Kind, err)
		}
		if w.cardErr != nil {
			return bot.Sent{}, w.cardErr
		}
		if m.Card.TaskID != "" {
			w.task, code = m.Card.TaskID, fmt.Sprintf("sent%d", len(w.sent))
		}
		w.said = append(w.said, show("card", *m.Card))
	case m.TextCard != nil:
		w.said = append(w.said, fmt.Sprintf("[textcard]\n%s\n%s\n%s: %s", m.TextCard.Title, m.TextCard.Description, m.TextCard.BtnTxt, m.TextCard.URL))
	default:
		w.said = append(w.said, "[text sent]\n"+m.Text)
	}
	return bot.Sent{MsgID: "1", ResponseCode: code}, nil
}

func (w *fakeWeCom) UpdateCard(_ context.Context, _, code string, card cards.Card) error {
	w.used = append(w.used, code)
	if err := card.Validate(); err != nil {
		w.t.Errorf("card %s: %v", card.Kind, err)
	}
	if card.TaskID != "" {
		w.task = card.TaskID
	}
	w.said = append(w.said, show("update", card))
	return w.err
}

func show(how string, c cards.Card) string {
	out := fmt.Sprintf("[%s %s]\n%s", how, c.Kind, c.Text())
	for _, b := range c.ButtonList {
		if b.Type == cards.ButtonCallback {
			out += fmt.Sprintf("\n(%s) %s", b.Text, b.Key)
		}
	}
	if c.SubmitButton != nil {
		out += fmt.Sprintf("\n(%s) %s", c.SubmitButton.Text, c.SubmitButton.Key)
	}
	if c.CardImage != nil {
		out += "\n[picture] " + c.CardImage.URL
	}
	return out
}

// fakeTasks keeps tasks for ever.
type fakeTasks map[string]bot.Task

func (f fakeTasks) SaveTask(_ context.Context, t bot.Task) error { f[t.ID] = t; return nil }

func (f fakeTasks) Task(_ context.Context, id string) (bot.Task, error) {
	if t, ok := f[id]; ok {
		return t, nil
	}
	return bot.Task{}, bot.ErrNoTask
}

// fakePresses keeps presses for ever.
type fakePresses map[string]string

func (f fakePresses) Put(_ context.Context, key, code string, _ time.Duration) error {
	f[key] = code
	return nil
}

func (f fakePresses) Take(_ context.Context, key string) (string, error) {
	code, ok := f[key]
	if !ok {
		return "", ledger.ErrNotFound
	}
	delete(f, key)
	return code, nil
}

// golden compares got with a file under testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs (go test -update, then read the difference)\n--- got\n%s", path, got)
	}
}
