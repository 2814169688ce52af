package campus

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Settings are the addresses of the simulators, which differ from start to start.
type Settings struct {
	Listen      string // where the product listens
	PublicURL   string // the sandbox's own address, before which the product stands
	DatabaseURL string // empty = SQLite in the campus's directory
	RedisURL    string // empty = embedded
	Operator    string // UserID of who may open the operators' page; empty = nobody

	WeComURL string // also the origin of the OAuth page
	OAuthURL string
	PayURL   string
	SMTPAddr string // host:port
	SMTPUser string
	SMSURL   string
	SMSKey   string

	MchID, SerialNo, PublicKeyID string
	PrivateKeyPEM, PublicKeyPEM  []byte
}

// ConfigFile is the name of the product's configuration in the campus's directory.
const ConfigFile = "xiaoka.yaml"

// writeSettings writes the product's configuration, its secrets in files of their own beside it, as an operator would.
func writeSettings(dir string, st State, s Settings) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	secrets := filepath.Join(dir, "secrets")
	if err := os.MkdirAll(secrets, 0o700); err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	var failed error
	file := func(name, content string) string {
		path := filepath.Join(secrets, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil && failed == nil {
			failed = fmt.Errorf("campus: %w", err)
		}
		return path
	}
	if s.DatabaseURL == "" {
		s.DatabaseURL = "sqlite:" + filepath.Join(dir, "xiaoka.db")
	}
	smtp := url.URL{Scheme: "smtp", User: url.UserPassword(s.SMTPUser, st.MailPass), Host: s.SMTPAddr, RawQuery: "tls=off"}

	var b strings.Builder
	b.WriteString("# Written by xiaoka-sandbox at each start. Everything outside it points to a simulator on this machine.\n")
	section := func(depth int, name string) { fmt.Fprintf(&b, "%s%s:\n", strings.Repeat("  ", depth), name) }
	set := func(depth int, key, value string) {
		fmt.Fprintf(&b, "%s%s: %s\n", strings.Repeat("  ", depth), key, strconv.Quote(value))
	}
	set(0, "listen", s.Listen)
	set(0, "public_url", s.PublicURL)
	set(0, "database_url_file", file("database_url", s.DatabaseURL))
	if s.RedisURL != "" {
		set(0, "redis_url_file", file("redis_url", s.RedisURL))
	}
	set(0, "secret_key_file", file("secret_key", st.SecretKey))
	if s.Operator != "" {
		set(0, "operators", s.Operator+":auditor")
	}
	section(0, "log")
	set(1, "format", "text")
	section(0, "wecom")
	set(1, "corp_id", st.CorpID)
	set(1, "api_url", s.WeComURL)
	set(1, "oauth_url", s.OAuthURL)
	if st.Contacts != "" { // a campus made by an earlier sandbox has none
		set(1, "contacts_secret_file", file("wecom_contacts_secret", st.Contacts))
	}
	for i, name := range []string{"assistant", "card"} {
		a := st.Agents[i]
		section(1, name)
		set(2, "agent_id", strconv.Itoa(a.AgentID))
		set(2, "secret_file", file("wecom_"+name+"_secret", a.Secret))
		set(2, "token_file", file("wecom_"+name+"_token", a.Token))
		set(2, "aes_key_file", file("wecom_"+name+"_aes_key", a.EncodingAESKey))
	}
	section(0, "wechatpay")
	set(1, "api_url", s.PayURL)
	set(1, "mch_id", s.MchID)
	set(1, "app_id", st.CorpID)
	set(1, "serial_no", s.SerialNo)
	set(1, "private_key_file", file("apiclient_key.pem", string(s.PrivateKeyPEM)))
	set(1, "api_v3_key_file", file("api_v3_key", st.APIv3Key))
	set(1, "public_key_id", s.PublicKeyID)
	set(1, "public_key_file", file("pub_key.pem", string(s.PublicKeyPEM)))
	section(0, "smtp")
	set(1, "url_file", file("smtp_url", smtp.String()))
	set(1, "from", "校园卡 <card@"+domain+">")
	section(0, "sms")
	set(1, "endpoint", s.SMSURL)
	set(1, "secret_id", smsSecretID)
	set(1, "secret_key_file", file("sms_secret_key", s.SMSKey))
	set(1, "app_id", smsAppID)
	set(1, "sign_name", smsSignName)
	set(1, "template_id", smsTemplate)
	section(0, "push")
	set(1, "quiet_hours", "") // whoever plays at night wants to see the same pushes
	section(0, "contact")
	set(1, "phone", "021-5555 0100")
	set(1, "hours", "周一至周五 8:30–17:00|Mon–Fri 8:30–17:00")
	if failed != nil {
		return failed
	}
	if err := os.WriteFile(filepath.Join(dir, ConfigFile), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("campus: %w", err)
	}
	return nil
}
