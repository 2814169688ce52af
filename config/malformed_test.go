package config

import (
	"encoding/base64"
	"strings"
	"testing"
)

func TestLoad_Malformed(t *testing.T) {
	t.Parallel()
	_, public := keyPair()
	bad := map[string][]string{
		"XIAOKA_LISTEN":                  {"8080", "localhost", ":http", "127.0.0.1:70000"},
		"XIAOKA_PUBLIC_URL":              {"card.example.edu.cn", "ftp://x", "https://x/", "https://x/h5", "https://u:p@x", "https://x?a=1", "https://x#a", "http://card.example.edu.cn", "https://x?", "//x"},
		"XIAOKA_DATABASE_URL":            {"sqlite:", "mysql://x", "postgres:", "x.db"},
		"XIAOKA_REDIS_URL":               {"localhost:6379", "http://x"},
		"XIAOKA_AUTO_MIGRATE":            {"yes", "1", "TRUE"},
		"XIAOKA_TIMEZONE":                {"Local", "Mars/Base", "+08:00", ""},
		"XIAOKA_SECRET_KEY":              {"AAAA", base64.StdEncoding.EncodeToString(make([]byte, 32)), strings.Repeat("*", 44), base64.StdEncoding.EncodeToString(make([]byte, 33))},
		"XIAOKA_LOG_FORMAT":              {"JSON", "xml"},
		"XIAOKA_LOG_LEVEL":               {"trace", "INFO+1"},
		"XIAOKA_WECOM_CARD_AGENT_ID":     {"0", "-1", "1e6", "abc"},
		"XIAOKA_WECOM_CARD_TOKEN":        {strings.Repeat("a", 33), "a-b", "密", "a b"},
		"XIAOKA_WECOM_CARD_AES_KEY":      {aesKeySample[1:], aesKeySample + "a", aesKeySample[:42] + "=", aesKeySample[:42] + "+"},
		"XIAOKA_WECOM_CARD_SECRET":       {" a", "a\n", "a\x00b"},
		"XIAOKA_WECHATPAY_MCH_ID":        {"19000x"},
		"XIAOKA_WECHATPAY_SERIAL_NO":     {"XYZ", "51 57"},
		"XIAOKA_WECHATPAY_API_V3_KEY":    {strings.Repeat("a", 31), strings.Repeat("a", 33)},
		"XIAOKA_WECHATPAY_PRIVATE_KEY":   {"-----BEGIN", public},
		"XIAOKA_WECHATPAY_PUBLIC_KEY":    {"abc", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"},
		"XIAOKA_SMTP_URL":                {"mail.example.edu.cn:587", "http://x", "smtp://"},
		"XIAOKA_SMTP_FROM":               {"card", "a@b@c", "x\r\nBcc: y@example.edu"},
		"XIAOKA_OTP_TTL":                 {"5", "0s", "-5m", "5 minutes", "1ms"},
		"XIAOKA_OTP_HOURLY_MAX":          {"0", "-1", "many", "1000001"},
		"XIAOKA_TOPUP_MIN":               {"0", "-1", "1e2", "1.234", "1.", ".5", "０", "1,000", "NaN", "1000000", "9223372036854775808", "0.00", " 1", "+1", "501"},
		"XIAOKA_OPERATORS":               {"a,,b", "a b", "张三", ",", "a:root", "a:", "a:auditor:", "a:auditor,A", strings.Repeat("a", 65)},
		"XIAOKA_TOPUP_AMOUNTS":           {"", "10,,20", "10;20", "10,10.00", "10,0", "10,501", "0.5"},
		"XIAOKA_CARD_MAX_BALANCE":        {"free"},
		"XIAOKA_CARD_PASSWORD_CHANGE":    {"never"},
		"XIAOKA_PUSH_CONCURRENCY":        {"0", "-1", "1001", "x"},
		"XIAOKA_PUSH_QUIET_HOURS":        {"22:30", "22:30-25:00", "07:00-07:00", "22-7", "22:30-07:00-"},
		"XIAOKA_SMS_ENDPOINT":            {"sms.tencentcloudapi.com"},
		"XIAOKA_WECOM_API_URL":           {"http://qyapi.weixin.qq.com"},
		"XIAOKA_WECOM_CARD_SECRET_FILE":  {"/nonexistent/" + canary},
		"XIAOKA_LISTEN_FILE":             {"x"},
		"XIAOKA_WECHATPAY_PUBLIC_KEY_ID": {"PUB_KEY_ID_1"},
	}
	for name, values := range bad {
		for _, value := range values {
			vars := complete(t)
			if plain, ok := strings.CutSuffix(name, "_FILE"); ok {
				delete(vars, plain)
			}
			vars[name] = value
			_, err := Load(empty(t), environ(vars), Serve)
			if err == nil {
				t.Errorf("%s=%q was taken", name, value)
				continue
			}
			if faults := faultsOf(t, err); len(faults) != 1 || !strings.HasPrefix(name, strings.TrimSuffix(faults[0].Env, "_ID")) && faults[0].Env != "XIAOKA_WECHATPAY_PUBLIC_KEY" {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
	good := map[string][]string{
		"XIAOKA_PUBLIC_URL":        {"http://127.0.0.1:8080", "http://localhost:1", "http://[::1]:9", "http://xiaoka.localhost", "http://sandbox:8080", "http://10.1.2.3", "https://card.example.edu.cn:8443"},
		"XIAOKA_TOPUP_MIN":         {"0.01", "1.5", "500"},
		"XIAOKA_OPERATORS":         {"", "zhangsan", "li.si@campus, w-w_1"},
		"XIAOKA_TOPUP_AMOUNTS":     {"50", "10, 20", "1,500"},
		"XIAOKA_WECOM_CARD_TOKEN":  {"a", strings.Repeat("A9", 16)},
		"XIAOKA_PUSH_QUIET_HOURS":  {"", "12:00-13:00"},
		"XIAOKA_METRICS_LISTEN":    {"", ":9090"},
		"XIAOKA_SMTP_URL":          {"smtp://127.0.0.1:2525?tls=off"},
		"XIAOKA_TIMEZONE":          {"UTC", "Europe/Berlin"},
		"XIAOKA_TOPUP_EXPIRE":      {"1s", "2h"},
		"XIAOKA_REDIS_URL":         {"", "rediss://x"},
		"XIAOKA_SMS_SECRET_ID":     {""},
		"XIAOKA_DATABASE_URL_FILE": {write(t, "db", "sqlite:/data/x.db\n")},
	}
	for name, values := range good {
		for _, value := range values {
			vars := complete(t)
			if plain, ok := strings.CutSuffix(name, "_FILE"); ok {
				delete(vars, plain)
			}
			vars[name] = value
			if name == "XIAOKA_TOPUP_MIN" {
				vars["XIAOKA_TOPUP_AMOUNTS"] = "500"
			}
			if _, err := Load(empty(t), environ(vars), Serve); err != nil {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}

func TestLoad_NotYAML(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"Tabs":         "wecom:\n\tcorp_id: x\n",
		"List":         "- listen\n",
		"Alias":        "smtp: {url: *" + canary + "}\n",
		"TwoDocuments": "listen: :1\n---\nlisten: :2\n",
		"SectionValue": "wecom: " + canary + "\n",
		"NestedValue":  "listen: {a: b}\n",
		"Unterminated": "secret_key: \"" + canary + "\n",
	} {
		_, err := Load(write(t, "c.yaml", text), nil, 0)
		if len(faultsOf(t, err)) != 1 || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
