package campus

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wechatpay"
)

// keys are made once: it takes half a second.
var keys = sync.OnceValues(wechatpay.NewKeys)

func open(t *testing.T, dir, publicURL string) *Campus {
	t.Helper()
	k, err := keys()
	if err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{Dir: dir, PublicURL: publicURL, People: 12, WritePause: time.Millisecond, WeChatKeys: k})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := open(t, dir, "http://127.0.0.1:8080")
	path, err := c.WriteSettings("127.0.0.1:9001", "", "")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := yaml.Unmarshal(raw, &got); err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	state := c.State()
	want := map[string]string{
		"listen": "127.0.0.1:9001", "public_url": "http://127.0.0.1:8080", "wecom.oauth_url": "http://127.0.0.1:8080",
		"wecom.corp_id": state.CorpID, "wecom.api_url": c.settings.WeComURL, "wecom.assistant.agent_id": "1000001",
		"wecom.card.agent_id": "1000002", "wechatpay.api_url": c.settings.PayURL, "wechatpay.app_id": state.CorpID,
		"wechatpay.mch_id": c.Pay.MchID(), "smtp.from": "校园卡 <card@xiaoka.example>", "push.quiet_hours": "",
		"sms.endpoint": c.settings.SMSURL, "sms.secret_id": smsSecretID, "sms.app_id": smsAppID, "sms.template_id": smsTemplate,
	}
	secrets := map[string]string{
		"secret_key_file": state.SecretKey, "database_url_file": "sqlite:" + filepath.Join(dir, "xiaoka.db"),
		"wecom.assistant.secret_file": state.Agents[0].Secret, "wecom.card.token_file": state.Agents[1].Token,
		"wecom.card.aes_key_file": state.Agents[1].EncodingAESKey, "wechatpay.api_v3_key_file": state.APIv3Key,
		"wechatpay.private_key_file": string(c.Pay.MerchantPrivateKeyPEM()),
		"sms.secret_key_file":        c.settings.SMSKey,
		"smtp.url_file":              "smtp://xiaoka:" + state.MailPass + "@" + c.Mail.Addr() + "?tls=off",
	}
	for key, value := range want {
		if got := at(got, key); got != value {
			t.Errorf("%s is %q, not %q", key, got, value)
		}
	}
	for key, value := range secrets {
		file := at(got, key)
		content, err := os.ReadFile(file)
		if err != nil || string(content) != value {
			t.Errorf("%s names a file with other content, or none: %v", key, err)
		}
		if info, err := os.Stat(file); err == nil && info.Mode().Perm() != 0o600 {
			t.Errorf("%s can be read by others", key)
		}
		if strings.Contains(string(raw), value) {
			t.Errorf("%s: the secret is in the configuration itself", key)
		}
	}
}

func at(tree map[string]any, key string) string {
	path := strings.Split(key, ".")
	for _, section := range path[:len(path)-1] {
		tree, _ = tree[section].(map[string]any)
	}
	s, _ := tree[path[len(path)-1]].(string)
	return s
}

func TestOpen(t *testing.T) {
	t.Parallel()
	t.Run("Continued", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		first := open(t, dir, "http://127.0.0.1:8080")
		if err := first.SetImported(); err != nil {
			t.Fatal(err)
		}
		if err := first.SetTerminalSecret("K01", "AAAA"); err != nil {
			t.Fatal(err)
		}
		chip := first.Chip(first.People()[0])
		if err := chip.PutIn(); err != nil {
			t.Fatal(err)
		}
		if _, err := chip.Spend(250); err != nil {
			t.Fatal(err)
		}
		first.saveCards()
		first.Achieve(first.People()[0], Journey{true, true})
		first.Close()

		again := open(t, dir, "http://127.0.0.1:9090")
		was, is := first.State(), again.State()
		if was.CorpID != is.CorpID || was.SecretKey != is.SecretKey || was.Agents[0].Secret != is.Agents[0].Secret || !is.Imported {
			t.Error("another campus came back")
		}
		if is.Agents[1].Callback != "http://127.0.0.1:9090/wecom/card" {
			t.Errorf("callback %s", is.Agents[1].Callback)
		}
		if _, ok := again.Machine("K01"); !ok {
			t.Error("the machine is gone")
		}
		if got := again.Achieve(again.People()[0], Journey{false, false, true}); got != (Journey{true, true, true}) {
			t.Errorf("steps done: %v", got)
		}
		if got := again.Chip(again.People()[0]).Peek(); got != (terminal.ChipState{SpendSeq: 1, BalanceFen: 1000}) {
			t.Errorf("the chip holds %+v", got)
		}
	})
	t.Run("ForeignFile", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, stateFile), []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(Config{Dir: dir, PublicURL: "http://127.0.0.1:1"}); err == nil {
			t.Error("opened over a file that is no campus")
		}
	})
}

// server plays the terminal API for one card that has 5000 fen waiting.
type server struct {
	mu       sync.Mutex
	confirms int
	cancels  int
	refuse   bool                // of confirm
	open     *terminal.ChipState // the chip of a claim that was not settled, before the write
	taken    bool                // nothing waits any more
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in struct {
		PIN  string
		Chip terminal.ChipState
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	s.mu.Lock()
	defer s.mu.Unlock()
	say := func(status int, kind string, v any) {
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch path := r.URL.Path; {
	case strings.HasSuffix(path, "/lookup") && in.PIN != "258036":
		say(http.StatusForbidden, "application/problem+json", map[string]any{"code": "pin_wrong", "tries_left": 4})
	case strings.HasSuffix(path, "/lookup") && (s.taken || s.open != nil):
		say(http.StatusOK, "application/json", terminal.Account{Holder: "张*"})
	case strings.HasSuffix(path, "/lookup"):
		say(http.StatusOK, "application/json", terminal.Account{Holder: "张*", PendingFen: 5000, Transfers: []terminal.Transfer{{ID: "1", AmountFen: 5000}}})
	case strings.HasSuffix(path, "/claims") && (s.taken || s.open != nil && in.Chip.LoadSeq == s.open.LoadSeq+1):
		s.open, s.taken = nil, true
		say(http.StatusConflict, "application/problem+json", map[string]any{"code": "nothing_pending"})
	case strings.HasSuffix(path, "/cancel"):
		s.open = nil
		s.cancels++
		say(http.StatusOK, "application/json", map[string]string{"state": "released"})
	case strings.HasSuffix(path, "/claims"):
		s.open = &in.Chip
		say(http.StatusCreated, "application/json", terminal.Claim{
			ClaimID: "c1", AmountFen: 5000, Expected: terminal.Expected{LoadSeq: in.Chip.LoadSeq + 1, BalanceFen: in.Chip.BalanceFen + 5000},
		})
	case strings.HasSuffix(path, "/confirm") && s.refuse:
		panic(http.ErrAbortHandler) // no answer at all
	case strings.HasSuffix(path, "/confirm"):
		s.confirms++
		s.open, s.taken = nil, true
		say(http.StatusOK, "application/json", map[string]string{"state": "claimed"})
	}
}

func TestMachine(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		pull   terminal.Tear
		step   Step
		onChip int64
	}{
		"Claimed":    {terminal.NoTear, StepDone, 6250},
		"PullBefore": {terminal.BeforeWrite, StepDoubt, 1250},
		"PullAfter":  {terminal.AfterWrite, StepDoubt, 6250},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, m, chip, p := machine(t, &server{})
			if err := m.Claim(terminal.NoTear); err == nil {
				t.Error("a machine without a card can claim")
			}
			enter(t, m, p, chip)
			if err := m.Insert(p, chip); err == nil {
				t.Error("two cards fit")
			}
			if err := m.Claim(c.pull); err != nil {
				t.Fatal(err)
			}
			m.wait.Wait()
			got := m.Screen()
			if got.Step != c.step || chip.Peek().BalanceFen != c.onChip {
				t.Errorf("step %s with %d fen on the chip, not %s with %d", got.Step, chip.Peek().BalanceFen, c.step, c.onChip)
			}
			if c.step == StepDone && (got.ClaimedFen != 5000 || got.Chip.BalanceFen != c.onChip) {
				t.Errorf("the screen says %+v", got)
			}
			m.Remove()
			if got := m.Screen(); got.Step != StepIdle || got.Card != nil || got.Account != nil {
				t.Errorf("after the card has gone: %+v", got)
			}
		})
	}
	for name, c := range map[string]struct {
		pull    terminal.Tear
		pending int64
		cancels int
		loaded  bool
	}{
		"DoubtWritten":    {terminal.AfterWrite, 0, 0, true},
		"DoubtNotWritten": {terminal.BeforeWrite, 5000, 1, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &server{}
			world, m, chip, p := machine(t, s)
			enter(t, m, p, chip)
			if err := m.Claim(c.pull); err != nil {
				t.Fatal(err)
			}
			m.wait.Wait()
			if err := m.Insert(p, chip); err != nil {
				t.Fatal(err)
			}
			if err := m.EnterPIN(context.Background(), "258036"); err != nil {
				t.Fatal(err)
			}
			got := m.Screen()
			if got.Step != StepList || got.Account.PendingFen != c.pending || s.cancels != c.cancels || world.Loaded(p) != c.loaded {
				t.Errorf("step %s, %+v, %d cancels, loaded %v", got.Step, got.Account, s.cancels, world.Loaded(p))
			}
			if n := len(m.kiosk.Journal()); n != 0 {
				t.Errorf("%d claims are still in the journal", n)
			}
		})
	}
	t.Run("WrongPIN", func(t *testing.T) {
		t.Parallel()
		_, m, chip, p := machine(t, &server{})
		if err := m.Insert(p, chip); err != nil {
			t.Fatal(err)
		}
		if err := m.EnterPIN(context.Background(), "000000"); err != nil {
			t.Fatal(err)
		}
		if got := m.Screen(); got.Step != StepPIN || got.Problem != "pin_wrong" || got.TriesLeft != 4 {
			t.Errorf("got %+v", got)
		}
	})
	t.Run("RemovedWhileWriting", func(t *testing.T) {
		t.Parallel()
		_, m, chip, p := machine(t, &server{})
		m.pause = 50 * time.Millisecond
		enter(t, m, p, chip)
		if err := m.Claim(terminal.NoTear); err != nil {
			t.Fatal(err)
		}
		m.Remove()
		m.wait.Wait()
		if got := m.Screen(); got.Step == StepDone || chip.Peek().BalanceFen != 1250 {
			t.Errorf("step %s with %d fen on the chip", got.Step, chip.Peek().BalanceFen)
		}
	})
	t.Run("ConfirmLost", func(t *testing.T) {
		t.Parallel()
		s := &server{refuse: true}
		c, m, chip, p := machine(t, s)
		enter(t, m, p, chip)
		if err := m.Claim(terminal.NoTear); err != nil {
			t.Fatal(err)
		}
		m.wait.Wait()
		if got := m.Screen(); got.Step != StepDone || !m.waiting() {
			t.Fatalf("step %s, confirm owed: %v", got.Step, m.waiting())
		}
		c.saveCards()
		if b, err := os.ReadFile(filepath.Join(c.cfg.Dir, cardsFile)); err != nil || !strings.Contains(string(b), `"written"`) {
			t.Errorf("the journal is not on file: %v", err)
		}
		s.mu.Lock()
		s.refuse = false
		s.mu.Unlock()
		m.Replay(context.Background())
		if m.waiting() || s.confirms != 1 {
			t.Errorf("confirm still owed: %v, confirmed %d times", m.waiting(), s.confirms)
		}
	})
	t.Run("PasswordNotTraced", func(t *testing.T) {
		t.Parallel()
		c, m, chip, p := machine(t, &server{})
		enter(t, m, p, chip)
		for _, e := range c.Timeline.Since(0) {
			whole, _ := c.Timeline.Entry(e.Seq)
			if strings.Contains(whole.Request, "258036") {
				t.Errorf("the inspector shows the password: %s", whole.Request)
			}
		}
	})
}

func machine(t *testing.T, s *server) (*Campus, *Machine, *terminal.Chip, Person) {
	t.Helper()
	product := httptest.NewServer(s)
	t.Cleanup(product.Close)
	c := open(t, t.TempDir(), product.URL)
	if err := c.SetTerminalSecret("K01", "AAAA"); err != nil {
		t.Fatal(err)
	}
	m, _ := c.Machine("K01")
	p := c.People()[0]
	return c, m, c.Chip(p), p
}

func enter(t *testing.T, m *Machine, p Person, chip *terminal.Chip) {
	t.Helper()
	if err := m.Insert(p, chip); err != nil {
		t.Fatal(err)
	}
	if got := m.Screen(); got.Step != StepPIN || got.Card.Name != p.Name {
		t.Fatalf("after the card went in: %+v", got)
	}
	if err := m.EnterPIN(context.Background(), "258036"); err != nil {
		t.Fatal(err)
	}
	if got := m.Screen(); got.Step != StepList || got.Account.PendingFen != 5000 {
		t.Fatalf("after the password: %+v", got)
	}
}

func TestHub(t *testing.T) {
	t.Parallel()
	var h Hub
	mine, other := h.Subscribe("a"), h.Subscribe("b")
	h.Publish(TopicChat, "a")
	h.Publish(TopicChat, "a")
	h.Publish(TopicMail, "")
	<-mine.Wake()
	if got := strings.Join(mine.Take(), " "); got != "chat mail" {
		t.Errorf("a was told %q", got)
	}
	if got := strings.Join(other.Take(), " "); got != "mail" {
		t.Errorf("b was told %q", got)
	}
	mine.Close()
	h.Publish(TopicMail, "")
	if got := mine.Take(); len(got) != 0 {
		t.Errorf("told after Close: %q", got)
	}
}

func TestTimelineOfPayments(t *testing.T) {
	t.Parallel()
	var tl Timeline
	tl.wechatpay(wechatpay.Exchange{Method: "POST", URL: "/v3/pay/transactions/jsapi?x=1", Status: 200, Request: "order"})
	tl.wechatpay(wechatpay.Exchange{
		Outgoing: true, URL: "http://127.0.0.1/wechatpay/notify", Request: `{"event_type":"TRANSACTION.SUCCESS"}`, Plain: "open",
	})
	order, _ := tl.Entry(1)
	if order.Name != "pay/transactions/jsapi" || order.Inbound || !order.OK || order.Request != "order" {
		t.Errorf("an order is shown as %+v", order)
	}
	notice, _ := tl.Entry(2)
	if notice.Name != "TRANSACTION.SUCCESS" || !notice.Inbound || notice.OK || notice.Request != "open" {
		t.Errorf("a notification without an answer is shown as %+v", notice)
	}
}

func TestTimeline(t *testing.T) {
	t.Parallel()
	var tl Timeline
	for range keepEntries + 3 {
		tl.add(Entry{Name: "x", Request: "body"})
	}
	if got := tl.Since(0); len(got) != keepEntries || got[0].Seq != 4 || got[0].Request != "" {
		t.Errorf("%d entries from %d on", len(got), got[0].Seq)
	}
	if _, ok := tl.Entry(1); ok {
		t.Error("the first entry is kept for ever")
	}
	if e, ok := tl.Entry(keepEntries + 3); !ok || e.Request != "body" {
		t.Error("the last entry has no body")
	}
}
