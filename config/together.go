package config

import (
	"slices"
	"strings"
)

// together checks what only several keys can show, and settles what depends on another key. Keys that already have a fault
// are zero here and are not reported twice.
func (r *reader) together(c *Config, need Need) {
	if _, ok := r.given["auto_migrate"]; !ok || r.given["auto_migrate"].text == "" {
		c.AutoMigrate = strings.HasPrefix(c.DatabaseURL.Reveal(), "sqlite:")
	}

	if a := c.WeCom.Assistant.AgentID; a != 0 && a == c.WeCom.Card.AgentID {
		r.fault(r.option("wecom.card.agent_id"), "is the same as wecom.assistant.agent_id")
	}

	if need&Merchant != 0 && r.sound("wechatpay.public_key_id", "wechatpay.public_key") {
		switch {
		case c.WeChatPay.PublicKeyID != "" && c.WeChatPay.PublicKey == nil:
			r.fault(r.option("wechatpay.public_key"), "missing, while wechatpay.public_key_id is given")
		case c.WeChatPay.PublicKeyID == "" && c.WeChatPay.PublicKey != nil:
			r.fault(r.option("wechatpay.public_key_id"), "missing, while wechatpay.public_key is given")
		}
	}

	if c.SMS.Offered() {
		for _, other := range []struct {
			key   string
			empty bool
		}{
			{"sms.secret_key", c.SMS.SecretKey.Reveal() == ""},
			{"sms.app_id", c.SMS.AppID == ""},
			{"sms.sign_name", c.SMS.SignName == ""},
			{"sms.template_id", c.SMS.TemplateID == ""},
		} {
			if other.empty && r.sound(other.key) {
				r.fault(r.option(other.key), "missing, while sms.secret_id is given")
			}
		}
	}

	if !r.sound("topup.min", "topup.max", "topup.amounts") {
		return
	}
	outside := func(fen int64) bool { return fen < c.TopUp.Min || fen > c.TopUp.Max }
	switch _, chosen := r.given["topup.amounts"]; {
	case c.TopUp.Min > c.TopUp.Max:
		r.fault(r.option("topup.min"), "is more than topup.max")
	case chosen && slices.ContainsFunc(c.TopUp.Amounts, outside):
		r.fault(r.option("topup.amounts"), "offers an amount outside topup.min and topup.max")
	case !chosen:
		c.TopUp.Amounts = slices.DeleteFunc(c.TopUp.Amounts, outside)
		if len(c.TopUp.Amounts) == 0 {
			c.TopUp.Amounts = []int64{c.TopUp.Max}
		}
	}
}

func (r *reader) option(key string) option {
	return r.options[slices.IndexFunc(r.options, func(o option) bool { return o.key == key })]
}

// sound reports whether none of the keys has a fault so far.
func (r *reader) sound(keys ...string) bool {
	return !slices.ContainsFunc(r.faults, func(f Fault) bool { return slices.Contains(keys, f.Key) })
}
