package config

import (
	"fmt"
	"strings"
)

// option is one key. Its environment variable is XIAOKA_ and the key in capitals with _ for the dot.
type option struct {
	key     string
	def     string
	meaning string
	need    Need // the command parts that read it
	// optional: empty is a value (off, none, or derived) even where it is needed.
	optional bool
	file     bool // may also be given as key_file, the path of a file that holds the value
	list     bool // may also be written as a YAML list
	parse    func(string) error
}

func (o option) env() string { return "XIAOKA_" + strings.ToUpper(strings.ReplaceAll(o.key, ".", "_")) }

// always marks keys that every command may read; they all have a default or are optional.
const always = ^Need(0)

// options is the one table of the configuration; parse stores into c.
func options(c *Config) []option {
	return []option{
		{key: "listen", def: "127.0.0.1:8080", need: always, parse: address(&c.Listen),
			meaning: "address to listen on"},
		{key: "public_url", need: Pages, parse: origin(&c.PublicURL),
			meaning: "the address that phones and WeChat Pay reach, such as https://card.example.edu.cn, no trailing slash"},
		{key: "database_url", def: "sqlite:xiaoka.db", need: Database, file: true, parse: databaseURL(&c.DatabaseURL),
			meaning: "sqlite:PATH or postgres://…"},
		{key: "redis_url", need: always, optional: true, file: true, parse: redisURL(&c.RedisURL),
			meaning: "redis://…; empty = an embedded in-process store, for one replica only"},
		{key: "auto_migrate", need: Database, optional: true, parse: boolean(&c.AutoMigrate),
			meaning: "true or false: serve brings the schema up to date by itself; empty = true on SQLite, false on Postgres"},
		{key: "timezone", def: "Asia/Shanghai", need: always, parse: location(&c.Timezone),
			meaning: "IANA name of the time zone of days, months and quiet hours"},
		{key: "secret_key", need: MasterKey, file: true, parse: masterKey(&c.SecretKey),
			meaning: "32 bytes in base64, the master key; made with: openssl rand -base64 32"},

		{key: "operators", need: always, optional: true, list: true, parse: operators(&c.Operators),
			meaning: "WeCom userids, separated by commas, that are told each day how the books compare with WeChat Pay's bill and may open /office/; with :auditor after it (zhangsan:auditor) also a person's page there"},

		{key: "log.format", def: "json", need: always, parse: oneOf(&c.Log.Format, "json", "text"),
			meaning: "json or text"},
		{key: "log.level", def: "info", need: always, parse: level(&c.Log.Level),
			meaning: "debug, info, warn or error"},
		{key: "metrics.listen", need: always, optional: true, parse: address(&c.Metrics.Listen),
			meaning: "a second address for /metrics and pprof; empty = /metrics on the main one, for loopback callers only"},

		{key: "wecom.corp_id", need: WeComAPI | Callbacks, parse: text(&c.WeCom.CorpID),
			meaning: "the corporation's ID"},
		{key: "wecom.api_url", def: "https://qyapi.weixin.qq.com", need: WeComAPI, parse: origin(&c.WeCom.APIURL),
			meaning: "where every WeCom API call goes"},
		{key: "wecom.oauth_url", def: "https://open.weixin.qq.com", need: WeComAPI, parse: origin(&c.WeCom.OAuthURL),
			meaning: "where phones are sent to log in"},
		{key: "wecom.contacts_secret", need: always, optional: true, file: true, parse: secretText(&c.WeCom.ContactsSecret),
			meaning: "Secret of contact sync (通讯录同步), for the QR code to join on the guide; empty = no QR code"},
		{key: "wecom.assistant.agent_id", need: WeComAPI | Callbacks, parse: agentID(&c.WeCom.Assistant.AgentID),
			meaning: "app 企业小助手"},
		{key: "wecom.assistant.secret", need: WeComAPI, file: true, parse: secretText(&c.WeCom.Assistant.Secret),
			meaning: "its Secret"},
		{key: "wecom.assistant.token", need: Callbacks, file: true, parse: token(&c.WeCom.Assistant.Token),
			meaning: "its callback Token: letters and digits, at most 32"},
		{key: "wecom.assistant.aes_key", need: Callbacks, file: true, parse: aesKey(&c.WeCom.Assistant.AESKey),
			meaning: "its callback EncodingAESKey: 43 letters and digits"},
		{key: "wecom.card.agent_id", need: WeComAPI | Callbacks, parse: agentID(&c.WeCom.Card.AgentID),
			meaning: "app 校园一卡通"},
		{key: "wecom.card.secret", need: WeComAPI, file: true, parse: secretText(&c.WeCom.Card.Secret),
			meaning: "its Secret"},
		{key: "wecom.card.token", need: Callbacks, file: true, parse: token(&c.WeCom.Card.Token),
			meaning: "its callback Token: letters and digits, at most 32"},
		{key: "wecom.card.aes_key", need: Callbacks, file: true, parse: aesKey(&c.WeCom.Card.AESKey),
			meaning: "its callback EncodingAESKey: 43 letters and digits"},

		{key: "wechatpay.api_url", def: "https://api.mch.weixin.qq.com", need: Merchant, parse: origin(&c.WeChatPay.APIURL),
			meaning: "where every WeChat Pay API call goes"},
		{key: "wechatpay.mch_id", need: Merchant, parse: digits(&c.WeChatPay.MchID),
			meaning: "merchant number"},
		{key: "wechatpay.app_id", need: Merchant, parse: text(&c.WeChatPay.AppID),
			meaning: "the appid bound to the merchant"},
		{key: "wechatpay.serial_no", need: Merchant, parse: serialNo(&c.WeChatPay.SerialNo),
			meaning: "serial number of the merchant API certificate"},
		{key: "wechatpay.private_key", need: Merchant, file: true, parse: privateKey(&c.WeChatPay.PrivateKey),
			meaning: "RSA key of the merchant API certificate (apiclient_key.pem)"},
		{key: "wechatpay.api_v3_key", need: Merchant, file: true, parse: apiV3Key(&c.WeChatPay.APIv3Key),
			meaning: "the APIv3 key: 32 bytes"},
		{key: "wechatpay.public_key_id", need: Merchant, optional: true, parse: text(&c.WeChatPay.PublicKeyID),
			meaning: "ID of WeChat Pay's public key; empty, with public_key = platform certificates, fetched and renewed"},
		{key: "wechatpay.public_key", need: Merchant, optional: true, file: true, parse: publicKey(&c.WeChatPay.PublicKey),
			meaning: "WeChat Pay's public key (pub_key.pem)"},

		{key: "smtp.url", need: Mail, file: true, parse: smtpURL(&c.SMTP.URL),
			meaning: "smtp://user:pass@host:587 (STARTTLS required unless ?tls=off) or smtps://…"},
		{key: "smtp.from", need: Mail, parse: mailbox(&c.SMTP.From),
			meaning: "sender, such as 校园卡 <card@example.edu.cn>"},

		{key: "sms.endpoint", def: "https://sms.tencentcloudapi.com", need: always, parse: origin(&c.SMS.Endpoint),
			meaning: "Tencent Cloud SMS"},
		{key: "sms.secret_id", need: always, optional: true, file: true, parse: secretText(&c.SMS.SecretID),
			meaning: "empty = verification by phone is not offered"},
		{key: "sms.secret_key", need: always, optional: true, file: true, parse: secretText(&c.SMS.SecretKey),
			meaning: "key that belongs to secret_id"},
		{key: "sms.app_id", need: always, optional: true, parse: digits(&c.SMS.AppID),
			meaning: "SmsSdkAppId"},
		{key: "sms.sign_name", need: always, optional: true, parse: text(&c.SMS.SignName),
			meaning: "approved signature"},
		{key: "sms.template_id", need: always, optional: true, parse: digits(&c.SMS.TemplateID),
			meaning: "approved template: {1} the code, {2} the minutes it is valid"},
		{key: "sms.region", def: "ap-guangzhou", need: always, parse: text(&c.SMS.Region),
			meaning: "region of the SMS API"},

		{key: "otp.ttl", def: "5m", need: always, parse: duration(&c.OTP.TTL),
			meaning: "how long a verification code is valid"},
		{key: "otp.hourly_max", def: "3000", need: always, parse: integer(&c.OTP.HourlyMax, 1, 1_000_000),
			meaning: "codes sent in an hour over everybody, at most; beyond, an attack is assumed and none goes out"},

		{key: "topup.amounts", def: defaultAmounts, need: always, list: true, parse: yuanList(&c.TopUp.Amounts),
			meaning: "yuan offered"},
		{key: "topup.min", def: "1", need: always, parse: yuan(&c.TopUp.Min),
			meaning: "yuan, least amount of one top-up"},
		{key: "topup.max", def: "500", need: always, parse: yuan(&c.TopUp.Max),
			meaning: "yuan, greatest amount of one top-up"},
		{key: "topup.expire", def: "15m", need: always, parse: duration(&c.TopUp.Expire),
			meaning: "how long an unpaid order lives"},

		{key: "card.max_balance", def: "1000", need: always, parse: yuan(&c.Card.MaxBalance),
			meaning: "yuan on the chip at most; a claim beyond it leaves the rest pending"},
		{key: "card.password_change", def: "require", need: always, parse: choice(&c.Card.RequirePasswordChange, "nudge", "require"),
			meaning: "nudge or require: what follows while a holder still has the initial password"},

		{key: "claim.expire", def: "2m", need: always, parse: duration(&c.Claim.Expire),
			meaning: "after which an unconfirmed claim counts as of unknown outcome"},

		{key: "push.concurrency", def: "16", need: always, parse: integer(&c.Push.Concurrency, 1, 1000),
			meaning: "messages sent at the same time"},
		{key: "push.quiet_hours", def: "22:30-07:00", need: always, optional: true, parse: quietHours(&c.Push.QuietHours),
			meaning: "for low balance, reminders and statements only; empty = none"},

		{key: "contact.office", def: "校园一卡通受理中心|Campus card office", need: always, optional: true, parse: bilingual(&c.Contact.Office),
			meaning: "who helps, in Chinese|in English; empty = not mentioned, as for the rest of this section"},
		{key: "contact.phone", need: always, optional: true, parse: text(&c.Contact.Phone),
			meaning: "its telephone"},
		{key: "contact.hours", need: always, optional: true, parse: bilingual(&c.Contact.Hours),
			meaning: "when it is open, in Chinese|in English"},
		{key: "contact.machines", def: defaultMachines, need: always, optional: true, list: true, parse: bilinguals(&c.Contact.Machines),
			meaning: "where the self-service machines stand, each in Chinese|in English, without commas"},
	}
}

const defaultMachines = "二号餐厅|Canteen 2,图书馆一楼|Library ground floor,受理中心|Card office,行政中心一楼|Administration ground floor"

const defaultAmounts = "10,20,50,100,200"

// Example returns a YAML file with every key commented out at its default, each with its meaning and variable.
func Example() string {
	var b strings.Builder
	b.WriteString("# xiaoka 小卡: every key with its default. Uncomment what you change. Environment variables win over this file.\n" +
		"# Where a _FILE variable is named, the value may stand in a file of its own: key_file: /path in place of key: value.\n")
	open := []string{}
	for _, o := range options(&Config{}) {
		path := strings.Split(o.key, ".")
		sections, name := path[:len(path)-1], path[len(path)-1]
		for i, section := range sections {
			if i < len(open) && open[i] == section {
				continue
			}
			open = open[:i]
			fmt.Fprintf(&b, "\n%s%s:\n", indent(i), section)
			open = append(open, section)
		}
		pad := indent(len(sections))
		if len(sections) == 0 {
			b.WriteByte('\n')
		}
		note := o.env()
		if o.file {
			note += " or _FILE"
		}
		if o.def == "" && !o.optional {
			note += "; required"
		}
		fmt.Fprintf(&b, "%s# %s (%s)\n%s#%s:%s\n", pad, o.meaning, note, pad, name, strings.TrimRight(" "+o.def, " "))
	}
	return b.String()
}

func indent(depth int) string { return strings.Repeat("  ", depth) }
