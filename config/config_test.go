package config

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// keyPair is made once: RSA keys are slow to make.
var keyPair = sync.OnceValues(func() (private, public string) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	pkcs8, _ := x509.MarshalPKCS8PrivateKey(key)
	pkix, _ := x509.MarshalPKIXPublicKey(&key.PublicKey)
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("PRIVATE KEY", pkcs8), encode("PUBLIC KEY", pkix)
})

const (
	aesKeySample = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	canary       = "CanarySecret0123456789"
)

// complete is an environment that serve starts with; every secret in it contains the canary where its form allows.
func complete(t *testing.T) map[string]string {
	t.Helper()
	private, _ := keyPair()
	return map[string]string{
		"XIAOKA_PUBLIC_URL":               "https://card.example.edu.cn",
		"XIAOKA_SECRET_KEY":               base64.StdEncoding.EncodeToString([]byte(canary + "0123456789")),
		"XIAOKA_DATABASE_URL":             "postgres://xiaoka:" + canary + "@db/xiaoka",
		"XIAOKA_REDIS_URL":                "redis://:" + canary + "@cache:6379/0",
		"XIAOKA_WECOM_CORP_ID":            "ww0000000000000001",
		"XIAOKA_WECOM_ASSISTANT_AGENT_ID": "1000002",
		"XIAOKA_WECOM_ASSISTANT_SECRET":   canary + "1",
		"XIAOKA_WECOM_ASSISTANT_TOKEN":    canary + "2",
		"XIAOKA_WECOM_ASSISTANT_AES_KEY":  canary + aesKeySample[len(canary):],
		"XIAOKA_WECOM_CARD_AGENT_ID":      "1000003",
		"XIAOKA_WECOM_CARD_SECRET":        canary + "3",
		"XIAOKA_WECOM_CARD_TOKEN":         canary + "4",
		"XIAOKA_WECOM_CARD_AES_KEY":       canary + aesKeySample[len(canary):],
		"XIAOKA_WECHATPAY_MCH_ID":         "1900000001",
		"XIAOKA_WECHATPAY_APP_ID":         "wx0000000000000001",
		"XIAOKA_WECHATPAY_SERIAL_NO":      "5157F09EFDC096DE15EBE81A47057A7200000000",
		"XIAOKA_WECHATPAY_PRIVATE_KEY":    private,
		"XIAOKA_WECHATPAY_API_V3_KEY":     canary + "0123456789",
		"XIAOKA_SMTP_URL":                 "smtp://card:" + canary + "@mail.example.edu.cn:587",
		"XIAOKA_SMTP_FROM":                "校园卡 <card@example.edu.cn>",
		"XIAOKA_SMS_SECRET_ID":            canary + "5",
		"XIAOKA_SMS_SECRET_KEY":           canary + "6",
		"XIAOKA_SMS_APP_ID":               "1400000000",
		"XIAOKA_SMS_SIGN_NAME":            "校园卡",
		"XIAOKA_SMS_TEMPLATE_ID":          "1000",
	}
}

func environ(vars map[string]string) []string {
	env := []string{"PATH=/bin", "HOME=/root"}
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		env = append(env, name+"="+vars[name])
	}
	return env
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// empty is a configuration file that says nothing.
func empty(t *testing.T) string { return write(t, "xiaoka.yaml", "# nothing\n") }

func faultsOf(t *testing.T, err error) Faults {
	t.Helper()
	var faults Faults
	if !errors.As(err, &faults) {
		t.Fatalf("error is %v, want Faults", err)
	}
	return faults
}

func TestLoad(t *testing.T) {

	t.Run("Defaults", func(t *testing.T) {
		c, err := Load(empty(t), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		check := map[string][2]any{
			"listen":         {c.Listen, "127.0.0.1:8080"},
			"database":       {c.DatabaseURL.Reveal(), "sqlite:xiaoka.db"},
			"migrate":        {c.AutoMigrate, true},
			"timezone":       {c.Timezone.String(), "Asia/Shanghai"},
			"log":            {c.Log, Log{"json", slog.LevelInfo}},
			"wecom":          {c.WeCom.APIURL + c.WeCom.OAuthURL, "https://qyapi.weixin.qq.comhttps://open.weixin.qq.com"},
			"wechatpay":      {c.WeChatPay.APIURL, "https://api.mch.weixin.qq.com"},
			"sms":            {c.SMS.Endpoint, "https://sms.tencentcloudapi.com"},
			"sms offered":    {c.SMS.Offered(), false},
			"otp":            {c.OTP.TTL, 5 * time.Minute},
			"otp hourly":     {c.OTP.HourlyMax, 3000},
			"amounts":        {fmt.Sprint(c.TopUp.Amounts), "[1000 2000 5000 10000 20000]"},
			"least":          {c.TopUp.Min, int64(100)},
			"greatest":       {c.TopUp.Max, int64(50000)},
			"order":          {c.TopUp.Expire, 15 * time.Minute},
			"purse":          {c.Card.MaxBalance, int64(100000)},
			"password":       {c.Card.RequirePasswordChange, true},
			"claim":          {c.Claim.Expire, 2 * time.Minute},
			"concurrency":    {c.Push.Concurrency, 16},
			"quiet":          {c.Push.QuietHours, QuietHours{22*time.Hour + 30*time.Minute, 7 * time.Hour}},
			"metrics listen": {c.Metrics.Listen, ""},
		}
		for name, pair := range check {
			if pair[0] != pair[1] {
				t.Errorf("%s = %v, want %v", name, pair[0], pair[1])
			}
		}
	})

	t.Run("NoDefaultFile", func(t *testing.T) {
		t.Chdir(t.TempDir())
		if _, err := Load("", nil, Database); err != nil {
			t.Error(err)
		}
		if _, err := Load("absent.yaml", nil, Database); err == nil {
			t.Error("a named file that does not exist was passed over")
		}
		if err := os.WriteFile(DefaultPath, []byte("listen: 127.0.0.1:1\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if c, err := Load("", nil, Database); err != nil || c.Listen != "127.0.0.1:1" {
			t.Errorf("the default file was not read: %v", err)
		}
	})

	t.Run("EnvironmentWins", func(t *testing.T) {
		path := write(t, "c.yaml", `
listen: 127.0.0.1:1
log: {level: debug, format: text}
wecom:
  card:
    agent_id: 7
    secret: from-yaml
topup:
  amounts: [5, 12.50]
operators: [finance, zhangsan:auditor, "lisi:viewer"]
push:
  quiet_hours:
`)
		c, err := Load(path, []string{"XIAOKA_LISTEN=:2", "XIAOKA_WECOM_CARD_SECRET=from-env", "XIAOKA_LISTEN=:3"}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(c.Operators, []Operator{{UserID: "finance"}, {UserID: "zhangsan", Auditor: true}, {UserID: "lisi"}}) {
			t.Errorf("operators = %v", c.Operators)
		}
		if c.Listen != ":3" || c.Log.Level != slog.LevelDebug || c.WeCom.Card.AgentID != 7 ||
			c.WeCom.Card.Secret.Reveal() != "from-env" || !slices.Equal(c.TopUp.Amounts, []int64{500, 1250}) ||
			c.Push.QuietHours != (QuietHours{}) {
			t.Errorf("got %+v", c)
		}
	})

	t.Run("SecretsFromFiles", func(t *testing.T) {
		private, public := keyPair()
		vars := complete(t)
		delete(vars, "XIAOKA_WECHATPAY_PRIVATE_KEY")
		delete(vars, "XIAOKA_WECOM_CARD_TOKEN")
		vars["XIAOKA_WECHATPAY_PRIVATE_KEY_FILE"] = write(t, "apiclient_key.pem", private)
		vars["XIAOKA_WECHATPAY_PUBLIC_KEY_FILE"] = write(t, "pub_key.pem", public)
		vars["XIAOKA_WECHATPAY_PUBLIC_KEY_ID"] = "PUB_KEY_ID_0000000000000001"
		// In YAML, a path; its variable replaces the value there.
		path := write(t, "c.yaml", fmt.Sprintf("wecom: {card: {token_file: %q}}\nsmtp: {url: smtp://elsewhere}\n", write(t, "token", "QDG6eK\n")))
		vars["XIAOKA_SMTP_URL_FILE"] = write(t, "smtp", "smtps://u:p@mail.example.edu.cn\r\n")
		delete(vars, "XIAOKA_SMTP_URL")
		c, err := Load(path, environ(vars), Serve)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.WeCom.Card.Token.Reveal(); got != "QDG6eK" {
			t.Errorf("token %q", got)
		}
		if got := c.SMTP.URL.Reveal(); got != "smtps://u:p@mail.example.edu.cn" {
			t.Errorf("smtp %q", got)
		}
		if !c.WeChatPay.PrivateKey.Reveal().PublicKey.Equal(c.WeChatPay.PublicKey) {
			t.Error("the two PEM files were not read as one key pair")
		}
	})

	t.Run("PostgresDoesNotMigrateByItself", func(t *testing.T) {
		for _, c := range []struct {
			env  []string
			want bool
		}{
			{[]string{"XIAOKA_DATABASE_URL=postgres://db/x"}, false},
			{[]string{"XIAOKA_DATABASE_URL=postgres://db/x", "XIAOKA_AUTO_MIGRATE=true"}, true},
			{[]string{"XIAOKA_DATABASE_URL=sqlite:x.db", "XIAOKA_AUTO_MIGRATE=false"}, false},
			{[]string{"XIAOKA_DATABASE_URL=sqlite:x.db"}, true},
		} {
			got, err := Load(empty(t), c.env, Database)
			if err != nil || got.AutoMigrate != c.want {
				t.Errorf("%v: %v, %v", c.env, got, err)
			}
		}
	})

	t.Run("DefaultAmountsKeepToTheLimits", func(t *testing.T) {
		c, err := Load(empty(t), []string{"XIAOKA_TOPUP_MAX=60"}, 0)
		if err != nil || !slices.Equal(c.TopUp.Amounts, []int64{1000, 2000, 5000}) {
			t.Errorf("%v, %v", c, err)
		}
	})
}

func TestLoad_Needs(t *testing.T) {
	t.Parallel()
	serve := faultsOf(t, errorOf(Load(empty(t), nil, Serve)))
	want := []string{
		"public_url", "secret_key", "wecom.corp_id",
		"wecom.assistant.agent_id", "wecom.assistant.secret", "wecom.assistant.token", "wecom.assistant.aes_key",
		"wecom.card.agent_id", "wecom.card.secret", "wecom.card.token", "wecom.card.aes_key",
		"wechatpay.mch_id", "wechatpay.app_id", "wechatpay.serial_no", "wechatpay.private_key", "wechatpay.api_v3_key",
		"smtp.url", "smtp.from",
	}
	var got []string
	for _, f := range serve {
		got = append(got, f.Key)
	}
	if !slices.Equal(got, want) {
		t.Errorf("serve misses %v\nwant %v", got, want)
	}
	for need, count := range map[Need]int{0: 0, Database: 0, Database | MasterKey: 1, WeComAPI: 5, Merchant | Database: 5} {
		_, err := Load(empty(t), nil, need)
		if count == 0 && err != nil || count > 0 && len(faultsOf(t, err)) != count {
			t.Errorf("need %b: %v, want %d faults", need, err, count)
		}
	}
	// A key file that the command does not need may be out of its reach.
	if _, err := Load(empty(t), []string{"XIAOKA_WECHATPAY_PRIVATE_KEY_FILE=/nonexistent/key.pem"}, Database); err != nil {
		t.Error(err)
	}
}

func errorOf(_ *Config, err error) error { return err }

func TestLoad_AllFaultsAtOnce(t *testing.T) {
	t.Parallel()
	path := write(t, "c.yaml", `
lisen: 127.0.0.1:8080
listen: 127.0.0.1:8080
listen: 127.0.0.1:8081
otp: 5m
card: {max_balance: [1, 2]}
wecom:
  card:
    secret: a
    secret_file: b
    tokn: CanarySecret0123456789
`)
	vars := complete(t)
	for name, value := range map[string]string{
		"XIAOKA_WECOM_ASSISTANT_TOKEN":   "",
		"XIAOKA_WECOM_ASSISTANT_AES_KEY": aesKeySample + "X",
		"XIAOKA_WECHATPAY_API_V3_KEY":    canary,
		"XIAOKA_SECRET_KEY":              canary,
		"XIAOKA_WECOM_CARD_AGENT_ID":     canary,
		"XIAOKA_WECOM_CARD_TOKE":         canary,
		"XIAOKA_TOPUP_MIN":               "600",
		"XIAOKA_PUBLIC_URL":              "https://card.example.edu.cn/",
		"XIAOKA_SMTP_URL_FILE":           canary,
		"XIAOKA_WECHATPAY_PUBLIC_KEY_ID": "PUB_KEY_ID_1",
		"XIAOKA_LOG_FORMAT":              "",
		"XIAOKA_REDIS_URL_FILE":          canary,
	} {
		vars[name] = value
	}
	delete(vars, "XIAOKA_WECOM_CARD_SECRET")
	delete(vars, "XIAOKA_WECHATPAY_MCH_ID")
	delete(vars, "XIAOKA_REDIS_URL")
	delete(vars, "XIAOKA_SMS_SIGN_NAME")
	_, err := Load(path, environ(vars), Serve)
	got := fmt.Sprint(err)
	want, readErr := os.ReadFile(filepath.Join("testdata", "all_faults.txt"))
	if readErr != nil {
		t.Fatal(readErr)
	}
	if got+"\n" != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Contains(got, canary) {
		t.Error("a value is printed")
	}
}

func TestSecretsAreRedacted(t *testing.T) {
	t.Parallel()
	c, err := Load(empty(t), environ(complete(t)), Serve)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		fmt.Fprintf(&out, verb+verb+"\n", c, *c)
		fmt.Fprintf(&out, verb+verb+"\n", c.SecretKey, &c.WeCom.Card.Secret)
	}
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "config", c, "secret", c.WeCom.Card.Secret, "key", c.WeChatPay.PrivateKey)
	slog.New(slog.NewTextHandler(&out, nil)).Info("x", "config", c, "secret", c.WeCom.Card.Secret, "url", c.SMTP.URL)
	fmt.Fprint(&out, fmt.Errorf("wrapped: %v", c.SMTP.URL))

	shown := out.String()
	key := c.WeChatPay.PrivateKey.Reveal()
	for _, leak := range []string{canary, fmt.Sprintf("%x", canary), fmt.Sprint([]byte(canary)[:8]), key.D.String(), key.Primes[0].String()} {
		if strings.Contains(shown, strings.Trim(leak, "[]")) {
			t.Errorf("%.20s… is shown", leak)
		}
	}
	if !strings.Contains(shown, redacted) {
		t.Error("nothing says that values were held back")
	}
}

func TestExample(t *testing.T) {
	t.Parallel()
	example := Example()
	golden := filepath.Join("..", "xiaoka.example.yaml")
	if *update {
		if err := os.WriteFile(golden, []byte(example), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if want, err := os.ReadFile(golden); err != nil || string(want) != example {
		t.Errorf("the example differs from %s (%v); read the difference, then -update", golden, err)
	}
	if _, err := Load(write(t, "c.yaml", example), nil, Database); err != nil {
		t.Errorf("as it is: %v", err)
	}
	// With every key uncommented it holds each known key once, and the defaults are well formed.
	var lines []string
	for line := range strings.Lines(example) {
		if trimmed := strings.TrimLeft(line, " "); strings.HasPrefix(trimmed, "#") && !strings.HasPrefix(trimmed, "# ") {
			line = strings.Replace(line, "#", "", 1)
		}
		lines = append(lines, line)
	}
	if _, err := Load(write(t, "c.yaml", strings.Join(lines, "")), nil, Database); err != nil {
		t.Errorf("uncommented: %v", err)
	}
	for _, o := range options(&Config{}) {
		stands := 0
		for _, after := range []string{")", " ", ";"} {
			stands += strings.Count(example, "("+o.env()+after)
		}
		if stands != 1 {
			t.Errorf("%s stands %d times in the example", o.env(), stands)
		}
	}
}

func TestQuietHours(t *testing.T) {
	t.Parallel()
	at := func(clock string) time.Time {
		v, err := time.Parse("15:04:05", clock)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	night := QuietHours{22*time.Hour + 30*time.Minute, 7 * time.Hour}
	noon := QuietHours{12 * time.Hour, 13 * time.Hour}
	for clock, want := range map[string][2]bool{
		"22:29:59": {false, false}, "22:30:00": {true, false}, "23:59:59": {true, false}, "00:00:00": {true, false},
		"06:59:59": {true, false}, "07:00:00": {false, false}, "12:00:00": {false, true}, "13:00:00": {false, false},
	} {
		if got := [2]bool{night.Contains(at(clock)), noon.Contains(at(clock))}; got != want {
			t.Errorf("%s: %v, want %v", clock, got, want)
		}
		if (QuietHours{}).Contains(at(clock)) {
			t.Errorf("%s is quiet without quiet hours", clock)
		}
	}
}

func TestQuietHours_End(t *testing.T) {
	t.Parallel()
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	newYork, err := time.LoadLocation("America/New_York") // forward on 8 March 2026, back on 1 November, at 02:00
	if err != nil {
		t.Fatal(err)
	}
	night := QuietHours{22*time.Hour + 30*time.Minute, 7 * time.Hour}
	for name, c := range map[string]struct {
		quiet QuietHours
		zone  *time.Location
		at    string // UTC
		want  string // wall clock; "" = not quiet
	}{
		"Evening":        {night, shanghai, "2026-11-22T15:00:00Z", "2026-11-23 07:00:00"},
		"Morning":        {night, shanghai, "2026-11-22T22:59:59.5Z", "2026-11-23 07:00:00"},
		"AtTheEnd":       {night, shanghai, "2026-11-22T23:00:00Z", ""},
		"Noon":           {night, shanghai, "2026-11-22T04:00:00Z", ""},
		"None":           {QuietHours{}, shanghai, "2026-11-22T15:00:00Z", ""},
		"Forward":        {night, newYork, "2026-03-08T04:00:00Z", "2026-03-08 07:00:00"},
		"Back":           {night, newYork, "2026-11-01T03:00:00Z", "2026-11-01 07:00:00"},
		"BackInside":     {QuietHours{time.Hour, 90 * time.Minute}, newYork, "2026-11-01T06:15:00Z", "2026-11-01 01:30:00"},
		"ToThatNeverWas": {QuietHours{23 * time.Hour, 150 * time.Minute}, newYork, "2026-03-08T05:00:00Z", "2026-03-08 03:30:00"},
	} {
		t.Run(name, func(t *testing.T) {
			at, err := time.Parse(time.RFC3339, c.at)
			if err != nil {
				t.Fatal(err)
			}
			at = at.In(c.zone)
			end := c.quiet.End(at)
			if got := end.Format(time.DateTime); end.IsZero() != (c.want == "") || !end.IsZero() && (got != c.want || !end.After(at) || c.quiet.Contains(end)) {
				t.Errorf("from %s quiet until %s, want %q", at, end, c.want)
			}
		})
	}
}
