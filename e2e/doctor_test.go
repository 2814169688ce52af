package e2e

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The doctor finds a sound house sound, and names what was spoilt with what
// to do about it, without ever printing a secret.
func TestDoctor(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the built binary")
	}
	each(t, func(t *testing.T, h *house) {
		examine := func(env ...string) (found map[string][]string, whole string) {
			t.Helper()
			cmd := exec.Command(binary, "--config", h.config, "doctor", "--json")
			cmd.Env = append(os.Environ(), env...)
			out, err := cmd.Output()
			var report struct {
				OK       bool `json:"ok"`
				Findings []struct{ Check, State, Detail, Fix string }
			}
			if e := json.Unmarshal(out, &report); e != nil {
				t.Fatalf("%v (%v): %s", e, err, out)
			}
			if report.OK != (err == nil) {
				t.Errorf("ok is %v, the exit status %v", report.OK, err)
			}
			found = map[string][]string{}
			for _, f := range report.Findings {
				if f.State == "fail" && f.Fix == "" {
					t.Errorf("%s fails without a way to mend it: %s", f.Check, f.Detail)
				}
				found[f.State] = append(found[f.State], f.Check)
			}
			return found, string(out)
		}

		if found, out := examine(); len(found["fail"]) != 0 || len(found["ok"]) < 9 {
			t.Fatalf("a sound house: %s", out)
		}
		wrongKey := filepath.Join(t.TempDir(), "key.pem")
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(wrongKey, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
			t.Fatal(err)
		}
		const canary = "canary-secret-4711"
		for _, spoilt := range []struct {
			name, check string
			env         []string
			fix         string
		}{
			{"WrongSecret", "wecom card", []string{"XIAOKA_WECOM_CARD_SECRET=" + canary}, "Secret"},
			{"OtherApp", "wecom assistant", []string{"XIAOKA_WECOM_ASSISTANT_AGENT_ID=1000099"}, "agent_id"},
			{"OtherToken", "wecom card", []string{"XIAOKA_WECOM_CARD_TOKEN=anothertoken"}, "EncodingAESKey"},
			{"OtherDomain", "wecom card", []string{"XIAOKA_PUBLIC_URL=http://localhost:1"}, "可信域名"},
			{"UnknownOperator", "operators", []string{"XIAOKA_OPERATORS=nobody.here"}, "userid"},
			{"MerchantKey", "wechat pay", []string{"XIAOKA_WECHATPAY_PRIVATE_KEY_FILE=" + wrongKey}, "private_key"},
			{"NoMail", "mail", []string{"XIAOKA_SMTP_URL=smtp://me:" + canary + "@127.0.0.1:1?tls=off"}, "smtp.url"},
			{"NoRedis", "redis", []string{"XIAOKA_REDIS_URL=redis://:" + canary + "@127.0.0.1:1/0"}, "password"},
			{"NoDatabase", "database", []string{"XIAOKA_DATABASE_URL=postgres://me:" + canary + "@127.0.0.1:1/x?sslmode=disable"}, "database"},
			{"NoSMSAccount", "sms", []string{"XIAOKA_SMS_SECRET_KEY=" + canary}, "Tencent"},
			{"NoConfiguration", "configuration", []string{"XIAOKA_WECOM_CARD_AES_KEY=" + canary, "XIAOKA_SECRET_KEY=short"}, "xiaoka example"},
		} {
			found, out := examine(spoilt.env...)
			if !strings.Contains(strings.Join(found["fail"], "|"), spoilt.check) || !strings.Contains(out, spoilt.fix) {
				t.Errorf("%s: want %q to fail and %q to be advised: %s", spoilt.name, spoilt.check, spoilt.fix, out)
			}
			if strings.Contains(out, canary) {
				t.Errorf("%s: a secret is printed: %s", spoilt.name, out)
			}
		}
	})
}
