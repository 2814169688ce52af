package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"xiaoka/config"
)

// prompt runs commands as an operator types them, on a database of its own.
type prompt struct {
	t   *testing.T
	env []string
}

func newPrompt(t *testing.T) *prompt {
	t.Helper()
	return &prompt{t: t, env: []string{
		"XIAOKA_DATABASE_URL=sqlite:" + filepath.Join(t.TempDir(), "x.db"),
		"XIAOKA_SECRET_KEY=" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("k"), 32)),
	}}
}

func (p *prompt) run(stdin string, args ...string) (code int, stdout, stderr string) {
	p.t.Helper()
	var out, err bytes.Buffer
	// A file of its own name: the folder's xiaoka.yaml must not matter.
	code = run(context.Background(), args, p.env, strings.NewReader(stdin), &out, &err)
	return code, out.String(), err.String()
}

func (p *prompt) ok(args ...string) string {
	p.t.Helper()
	code, out, err := p.run("", args...)
	if code != exitOK {
		p.t.Fatalf("xiaoka %s: exit %d\n%s%s", strings.Join(args, " "), code, out, err)
	}
	return out
}

func (p *prompt) file(content string) string {
	p.t.Helper()
	path := filepath.Join(p.t.TempDir(), "people.csv")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return path
}

func TestRun_Usage(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	for name, args := range map[string][]string{
		"NoCommand": {}, "UnknownCommand": {"fly"}, "UnknownFlag": {"version", "--fast"}, "MissingArgument": {"people", "import"},
		"WrongKind": {"terminal", "add", "K1", "--kind", "oven", "--location", "x"}, "WrongDay": {"understand", "--today", "tomorrow"},
		"OddTerminal": {"terminal", "add", "K 1", "--kind", "kiosk", "--location", "x"}, "Nowhere": {"terminal", "add", "K1", "--kind", "kiosk", "--location", " "},
		"SaysNothing": {"case", "settle", "1", "--how", "noted", "--note", " "}, "NobodyDecided": {"claim", "settle", "X", "--as", "written", "--reason", ""},
		"FutureDay":       {"reconcile", "--date", "2999-01-01"},
		"NothingToReplay": {"push", "replay"}, "SomeAndAll": {"push", "replay", "--all", "7"},
		"NobodyAsked": {"consumption", "reverse", "P01", "1", "--note", ""},
	} {
		if code, out, err := p.run("", args...); code != exitUsage || out != "" || !strings.HasPrefix(err, "xiaoka: ") {
			t.Errorf("%s: exit %d, out %q, err %q; want 2 and one sentence on standard error", name, code, out, err)
		}
	}
	for _, command := range []string{"", "serve", "migrate", "people import", "terminal add", "terminal list", "terminal disable", "terminal enable", "terminal rotate",
		"menu push", "ledger check", "understand", "version", "audit", "claim list", "claim settle", "doctor", "example",
		"case list", "case settle", "subsidy import", "subsidy list", "consumption reverse"} {
		args := append(strings.Fields(command), "--help")
		if code, out, _ := p.run("", args...); code != exitOK || !strings.Contains(out, "Usage: xiaoka") {
			t.Errorf("xiaoka %s: exit %d, %q", strings.Join(args, " "), code, out)
		}
	}
}

func TestPeopleImport(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	csv := "\ufeffname,student_no,opening_balance,card_no,query_password,email,phone,wecom_userid,department,type\r\n" +
		"张三,1,12.50,C1,,a@b.example,13800000000,,,\r\n" +
		"李四,2,1.234,C2,,,,,,\r\n" + // line 3: three decimals
		"王五,3,,C3,12345,,,,,\r\n" + // line 4: five digits
		"\"赵,六\",4,0.01,C4,730518,,,Zhao.Liu,,staff\r\n" +
		"孙七,4,,C5,,,,,,\r\n" + // line 6: twice
		"周八,8,,C1,,,,,,\r\n" + // line 7: somebody's card
		"吴九,9,,C9,,nobody,,,,\r\n" + // line 8: no address
		"郑十,10,,C10,,,abc,,,\r\n" + // line 9: no phone
		"短行,11\r\n" // line 10: too short
	code, out, stderr := p.run("", "people", "import", p.file(csv), "--dry-run")
	if code != exitFault || !strings.Contains(out, "dry run") {
		t.Fatalf("dry run: exit %d, %q, %q", code, out, stderr)
	}
	code, out, stderr = p.run("", "people", "import", p.file(csv))
	if code != exitFault || out != "2 added, 0 updated, 7 bad\n" {
		t.Errorf("import: exit %d, %q, %q", code, out, stderr)
	}
	for _, want := range []string{"line 3: opening_balance", "line 4: query_password", "line 6: student_no", "line 7: card_no", "line 8: email", "line 9: phone", "line 10: "} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not reported in %q", want, stderr)
		}
	}
	if strings.Contains(stderr, "12345") {
		t.Error("a password is printed")
	}
	if out := p.ok("people", "import", p.file("student_no,name\n1,张三丰\n")); out != "0 added, 1 updated, 0 bad\n" {
		t.Errorf("second import: %q", out)
	}
	for name, content := range map[string]string{"Empty": "", "UnknownColumn": "student_no,nick\n1,x\n", "TwiceTheColumn": "student_no,name,name\n", "NoStudentNo": "name\n张三\n"} {
		if code, _, stderr := p.run("", "people", "import", p.file(content)); code != exitFault || stderr == "" {
			t.Errorf("%s: exit %d, %q", name, code, stderr)
		}
	}
	var report struct {
		OK         bool
		Invariants []struct{ Rows int }
	}
	if err := json.Unmarshal([]byte(p.ok("ledger", "check", "--json")), &report); err != nil || !report.OK || len(report.Invariants) != 6 || report.Invariants[0].Rows != 2 {
		t.Errorf("ledger check: %+v, %v", report, err)
	}
}

// TestPeopleImport_Unseen: what cannot be seen in a register is not on record,
// where a holder's own name would never be the same.
func TestPeopleImport_Unseen(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	long := strings.Repeat("名", longestName+1)
	code, out, stderr := p.run("", "people", "import", p.file("student_no,name\n\u200b1,\u202e张\x00\x1b三\ufeff\n2,\"李\n四\"\n3,\u200b\n4,"+long+"\n"))
	if code != exitFault || out != "2 added, 0 updated, 2 bad\n" || !strings.Contains(stderr, "line 5: a new person needs a name") ||
		!strings.Contains(stderr, "line 6: name is longer than 64") {
		t.Fatalf("exit %d, %q, %q", code, out, stderr)
	}
	rows, err := readRegister(strings.NewReader("student_no,name\n\u200b1,\u202e张\x00\x1b三\ufeff\n2,\"李\n四\"\n"))
	if err != nil || len(rows) != 2 || rows[0].StudentNo != "1" || rows[0].Name != "张三" || rows[1].Name != "李 四" {
		t.Errorf("read %+v, %v", rows, err)
	}
}

func TestTerminals(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	secret := func(out string) string {
		lines := strings.Split(strings.TrimSpace(out), "\n")
		s, ok := strings.CutPrefix(lines[len(lines)-1], "secret: ")
		if raw, err := base64.StdEncoding.DecodeString(s); !ok || err != nil || len(raw) != 32 {
			t.Errorf("the last line is %q", lines[len(lines)-1])
		}
		return s
	}
	first := secret(p.ok("terminal", "add", "K01", "--kind", "kiosk", "--location", "二号餐厅"))
	if code, _, stderr := p.run("", "terminal", "add", "K01", "--kind", "pos", "--location", "x"); code != exitFault || !strings.Contains(stderr, "exists already") {
		t.Errorf("the same id again: exit %d, %q", code, stderr)
	}
	if second := secret(p.ok("terminal", "rotate", "K01")); second == first {
		t.Error("rotation kept the secret")
	}
	p.ok("terminal", "disable", "K01")
	if out := p.ok("terminal", "list"); !strings.Contains(out, "二号餐厅") || !strings.Contains(out, "disabled") || strings.Contains(out, first) {
		t.Errorf("list: %s", out)
	}
	p.ok("terminal", "enable", "K01")
	if out := p.ok("terminal", "list"); !strings.Contains(out, "in service") || strings.Contains(out, "disabled") {
		t.Errorf("list once it is back: %s", out)
	}
	if code, _, stderr := p.run("", "terminal", "enable", "K99"); code != exitFault || !strings.Contains(stderr, "no terminal K99") {
		t.Errorf("an unknown one: exit %d, %q", code, stderr)
	}
	if code, _, stderr := p.run("", "terminal", "disable", "K99"); code != exitFault || !strings.Contains(stderr, "no terminal K99") {
		t.Errorf("an unknown one: exit %d, %q", code, stderr)
	}
	if out := p.ok("audit", "--terminal", "K01"); strings.Count(out, "by an operator") != 4 || !strings.Contains(out, "rotated") {
		t.Errorf("audit: %s", out)
	}
	for _, args := range [][]string{{"--terminal", "K99"}, {"--card-no", "9"}} {
		if code, out, stderr := p.run("", append([]string{"audit"}, args...)...); code != exitFault || out != "" || !strings.Contains(stderr, "there is no ") {
			t.Errorf("audit %v: exit %d, %q, %q", args, code, out, stderr)
		}
	}
}

func TestUnderstand(t *testing.T) {
	t.Parallel()
	code, out, stderr := newPrompt(t).run("余额\n充50\n<b>&\n\n", "understand", "--today", "2026-11-22")
	want := `{"text":"余额","intent":"balance"}
{"text":"充50","intent":"topup","amount_fen":5000}
{"text":"<b>&","intent":"none"}
{"text":"","intent":"none"}
`
	if code != exitOK || out != want {
		t.Errorf("exit %d, %s\n%s", code, out, stderr)
	}
}

// merchantKey is an RSA key as WeChat Pay's apiclient_key.pem holds one.
func merchantKey(t *testing.T) string {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
}

func TestMistypedDatabase(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	p.env = append(p.env, "XIAOKA_PUBLIC_URL=https://card.example.edu", "XIAOKA_WECHATPAY_MCH_ID=1900000001", "XIAOKA_WECHATPAY_APP_ID=ww1",
		"XIAOKA_WECHATPAY_SERIAL_NO="+strings.Repeat("A", 40), "XIAOKA_WECHATPAY_PRIVATE_KEY="+merchantKey(t), "XIAOKA_WECHATPAY_API_V3_KEY="+strings.Repeat("k", 32))
	for _, args := range [][]string{{"ledger", "check"}, {"terminal", "list"}, {"audit", "--card-no", "C1"}, {"claim", "list"}, {"transfers", "unclaimed"},
		{"subsidy", "import", p.file("student_no,amount\n1,5\n"), "--batch", "b"}, {"reconcile", "--date", "2026-03-02"}} {
		if code, _, stderr := p.run("", args...); code != exitFault || !strings.Contains(stderr, "there is no database at") {
			t.Errorf("%v: exit %d, %q", args, code, stderr)
		}
	}
}

func TestLog_Redacts(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "text"} {
		var out bytes.Buffer
		log := newLog(config.Log{Format: format, Level: slog.LevelInfo}, &out)
		log.Info("x\ny", "password", "secret1", "err", errors.New(`Get "https://h.example/cgi-bin/gettoken?corpsecret=secret2": timeout`), "path", "/h5/")
		if got := out.String(); strings.Contains(got, "secret") || strings.Count(got, "\n") != 1 || !strings.Contains(got, "h.example/cgi-bin/gettoken") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestLoopbackOnly(t *testing.T) {
	t.Parallel()
	h := loopbackOnly(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	for _, c := range []struct {
		addr, forwarded string
		want            int
	}{{"127.0.0.1:1", "", 200}, {"[::1]:1", "", 200}, {"127.0.0.1:1", "203.0.113.7", 404}, {"203.0.113.7:1", "", 404}} {
		r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
		r.RemoteAddr = c.addr
		if c.forwarded != "" {
			r.Header.Set("X-Forwarded-For", c.forwarded)
		}
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}

func TestColumnsMatchTheContract(t *testing.T) {
	t.Parallel()
	want := strings.Split("student_no,name,card_no,email,phone,type,department,wecom_userid,query_password,opening_balance", ",")
	if !slices.Equal(columns, want) {
		t.Errorf("columns = %v", columns)
	}
}

func TestPushDead(t *testing.T) {
	p := newPrompt(t)
	p.ok("migrate")
	if out := p.ok("push", "dead", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("no dead push reads %q", out)
	}
	if out := p.ok("push", "dead"); !strings.HasPrefix(out, "ID") {
		t.Errorf("the list reads %q", out)
	}
	if out := p.ok("push", "replay", "--all"); out != "replayed: 0\n" {
		t.Errorf("nothing to replay reads %q", out)
	}
	if code, _, stderr := p.run("", "push", "replay", "7"); code != exitFault || !strings.Contains(stderr, "no dead push 7") {
		t.Errorf("an unknown one: exit %d, %q", code, stderr)
	}
}
