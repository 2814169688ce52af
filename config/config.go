// Package config reads the operator's configuration: a YAML file and environment variables, which win. Only cmd/xiaoka
// calls it, once, before anything is started, and hands the parsed values on; no other package reads a file or a variable
// to learn how it should behave.
//
// options.go is the whole list of keys with their defaults and meanings. A value that is unknown, missing or malformed is a
// [Fault], and [Load] reports all of them together, by name and never by value, so that no secret reaches a terminal or a log.
package config

import (
	"crypto/rsa"
	"log/slog"
	"time"
	_ "time/tzdata" // the time zone must load in an image without zoneinfo
)

// Config is a configuration whose every value has been parsed and checked. Amounts are in fen. Keys that the command did
// not ask for (see [Need]) may be zero.
type Config struct {
	Listen      string         // host:port of the main address
	PublicURL   string         // scheme and host that phones and WeChat Pay reach, no trailing slash
	DatabaseURL Secret[string] // sqlite:PATH or postgres://…
	RedisURL    Secret[string] // redis://…; empty = the embedded store, for one replica only
	AutoMigrate bool           // serve brings the schema up to date by itself
	Timezone    *time.Location // in which days, months and quiet hours are counted
	SecretKey   Secret[[]byte] // the 32 bytes from which all other keys derive
	Operators   []Operator     // who is told how each day compares with WeChat Pay's bill, and sees the operators' page

	Log       Log
	Metrics   Metrics
	WeCom     WeCom
	WeChatPay WeChatPay
	SMTP      SMTP
	SMS       SMS
	OTP       OTP
	TopUp     TopUp
	Card      Card
	Claim     Claim
	Push      Push
	Contact   Contact
}

// Operator is a member who looks after the service.
type Operator struct {
	UserID  string // WeCom's
	Auditor bool   // may open a person's page; every such look is audited
}

// Log says how the process logs.
type Log struct {
	Format string // json or text
	Level  slog.Level
}

// Metrics says where /metrics and pprof are served.
type Metrics struct {
	Listen string // host:port; empty = /metrics on the main address, for loopback callers only
}

// WeCom holds the corporation and its two self-built apps.
type WeCom struct {
	CorpID    string
	APIURL    string // origin of every WeCom API call
	OAuthURL  string // origin of the OAuth2 page
	Assistant Agent  // 企业小助手
	Card      Agent  // 校园一卡通; the section is wecom.card
	// ContactsSecret is that of contact sync (通讯录同步), for the QR code by which people join; empty = the guide shows none.
	ContactsSecret Secret[string]
}

// Agent is one self-built app. Token and AESKey belong to its callback.
// See https://developer.work.weixin.qq.com/document/path/90930.
type Agent struct {
	AgentID int64
	Secret  Secret[string]
	Token   Secret[string] // letters and digits, at most 32
	AESKey  Secret[string] // EncodingAESKey, 43 letters and digits
}

// WeChatPay is the merchant. PublicKeyID and PublicKey are both set, or neither is: then platform certificates are fetched.
// See https://pay.weixin.qq.com/doc/v3/merchant/4013053249.
type WeChatPay struct {
	APIURL      string
	MchID       string
	AppID       string
	SerialNo    string // of the merchant API certificate
	PrivateKey  Secret[*rsa.PrivateKey]
	APIv3Key    Secret[string] // 32 bytes
	PublicKeyID string
	PublicKey   *rsa.PublicKey
}

// SMTP is the mail server and the address codes come from.
type SMTP struct {
	URL  Secret[string] // smtp://user:pass@host:587 or smtps://…
	From string
}

// SMS is Tencent Cloud SMS. See https://cloud.tencent.com/document/product/382/55981.
type SMS struct {
	Endpoint   string
	SecretID   Secret[string] // empty = verification by phone is not offered
	SecretKey  Secret[string]
	AppID      string
	SignName   string
	TemplateID string
	Region     string
}

// Offered reports whether codes can go out by SMS.
func (s SMS) Offered() bool { return s.SecretID.Reveal() != "" }

// OTP governs six-digit codes.
type OTP struct {
	TTL       time.Duration // how long a code is valid
	HourlyMax int           // codes in an hour, over everybody
}

// TopUp governs orders. Amounts are in fen, ascending.
type TopUp struct {
	Amounts  []int64 // offered
	Min, Max int64   // accepted, both inclusive
	Expire   time.Duration
}

// Card governs the campus cards themselves.
type Card struct {
	MaxBalance int64 // fen on the chip at most
	// RequirePasswordChange: the initial password serves for nothing but binding and a loss report. Otherwise it serves,
	// with a reminder each time.
	RequirePasswordChange bool
}

// Claim governs the loading of chips.
type Claim struct {
	Expire time.Duration // after which an unconfirmed claim counts as of unknown outcome
}

// Push governs messages sent on our own account.
type Push struct {
	Concurrency int
	QuietHours  QuietHours // for low balance, reminders and statements only
}

// Contact is where people help, as the chat says. What is empty is not mentioned.
type Contact struct {
	Office   Bilingual
	Phone    string
	Hours    Bilingual
	Machines []Bilingual // where the self-service machines stand
}

// Bilingual is one text in both languages; En is empty where only Chinese was given.
type Bilingual struct{ Zh, En string }

// QuietHours is a daily span of wall-clock time; it may pass midnight. The zero value never holds.
type QuietHours struct {
	From, To time.Duration // since midnight; From is in it, To is not
}

// Contains reports whether the wall clock of t, in t's own zone, lies in the span.
func (q QuietHours) Contains(t time.Time) bool {
	hour, minute, second := t.Clock()
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second
	if q.From <= q.To {
		return q.From <= clock && clock < q.To
	}
	return q.From <= clock || clock < q.To
}

// End gives the moment at which the hours that hold at t are over, in t's zone; the zero time when they do not hold. A change
// of the clocks in between is counted, so that the wall clock says To then, or a little more if it never says To that day.
func (q QuietHours) End(t time.Time) time.Time {
	if !q.Contains(t) {
		return time.Time{}
	}
	const day = 24 * time.Hour
	hour, minute, second := t.Clock()
	clock := time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute + time.Duration(second)*time.Second + time.Duration(t.Nanosecond())
	end := t.Add((q.To - clock + day) % day)
	_, before := t.Zone()
	_, after := end.Zone()
	if shifted := end.Add(time.Duration(before-after) * time.Second); shifted.After(t) && !q.Contains(shifted) {
		return shifted
	}
	return end
}

// Need names what a command cannot do without, so that `xiaoka migrate` starts without a merchant key. Needs are joined
// with |. A key outside the needs may be missing, but one that is given must be well formed all the same; only files that
// no need asks for are left unopened.
type Need uint

const (
	Database  Need = 1 << iota // the database
	MasterKey                  // the secret key
	Pages                      // the public address
	WeComAPI                   // WeCom's API for both apps
	Callbacks                  // tokens and AES keys of both apps
	Merchant                   // WeChat Pay
	Mail                       // the mail server

	// Serve is everything.
	Serve = Database | MasterKey | Pages | WeComAPI | Callbacks | Merchant | Mail
)
