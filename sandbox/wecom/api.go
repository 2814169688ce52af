// Package wecom simulates the part of WeCom (企业微信) that a self-built app sees: the API under /cgi-bin/, the OAuth page
// under /connect/oauth2/authorize, and the member's client, which turns what a person does into encrypted callbacks and
// shows what the app answers.
//
// The sandbox's phone page and the tests call it; the product only ever meets it over HTTP. The Server is the one record
// of what members see: conversations, card states, menus, tokens and codes live in its memory and end with it. Requests
// are refused where the real service refuses them and with its codes; what is only recommended (display lengths) is
// recorded by Warnings, and what nobody could confirm is lenient unless Strict says otherwise.
//
// It does not simulate media upload, departments and tags beyond a member's list of department numbers, external
// contacts, or the contact-sync callbacks.
package wecom

import (
	"errors"
	"io"
	"net/http"
	"time"

	"xiaoka/sandbox/mishap"
)

// App is one self-built app as its administrator configures it.
type App struct {
	AgentID        int    `json:"agent_id"`
	Name           string `json:"name"`
	Secret         string `json:"secret"`
	Token          string `json:"token"`            // letters and digits, at most 32
	EncodingAESKey string `json:"encoding_aes_key"` // exactly 43 letters and digits
	Callback       string `json:"callback"`         // address of the app's callback; empty: none, callbacks fail
	TrustedDomain  string `json:"trusted_domain"`   // host, with the port if it is not the scheme's own; empty: OAuth is refused (50001)
	Old            bool   `json:"old,omitempty"`    // made before 2022-06-20: user/get shows mobile and email

	TrustedIPs []string `json:"trusted_ips,omitempty"` // 企业可信IP: calls from elsewhere are refused (60020); empty: from anywhere
}

// Member is one person of the corp.
type Member struct {
	UserID      string `json:"user_id"` // compared without regard to case
	Name        string `json:"name"`
	OpenID      string `json:"open_id,omitempty"` // empty: never bound to WeChat, convert_to_openid answers 43004
	Mobile      string `json:"mobile,omitempty"`
	Email       string `json:"email,omitempty"`
	Departments []int  `json:"departments,omitempty"`  // empty: department 1
	OutOfRange  []int  `json:"out_of_range,omitempty"` // agents whose visible range leaves this member out
	Unlicensed  bool   `json:"unlicensed,omitempty"`
	WeChatOnly  bool   `json:"wechat_only,omitempty"` // reads inside WeChat, where cards and markdown are not shown
}

// Config makes a Server. CorpID and at least one App are required, everything else has a default.
type Config struct {
	CorpID  string
	Apps    []App
	Members []Member
	// ContactsSecret is that of contact sync (通讯录同步), which is no app and may ask for the QR code to join; empty: none.
	ContactsSecret string

	Now        func() time.Time // default time.Now
	Rand       io.Reader        // default crypto/rand.Reader
	HTTPClient *http.Client     // for callbacks; default a client of its own without proxy

	CallbackTimeout time.Duration // how long an answer may take; default 5 s as in production
	VerifyTimeout   time.Duration // the same for VerifyURL; default 1 s
	RetryPause      time.Duration // between two deliveries of one callback; default none (unconfirmed)

	// OnChange is told the UserID whose conversation changed, or "" when something all members see did (a menu, an
	// app, the list of members). Log is told of every API call and callback. Both are called without a lock held, from the goroutine that
	// caused the change, and must not block for long.
	OnChange func(userID string)
	Log      func(Event)

	// AutoMember says who holds the phone that opened the OAuth link; ok false leaves the choice to a small page.
	AutoMember func(*http.Request) (userID string, ok bool)

	Strict Strict

	// Mishaps decides which calls and callbacks go a little wrong, as the real ones do and correct apps never notice; nil: none.
	Mishaps *mishap.Dice
}

// Strict switches on refusals that the documents suggest but nobody confirmed. The zero value refuses none of them and
// records a Warning instead.
type Strict struct {
	Escapes        bool // 40033 for \u003c, \u003e and \u0026 in a body
	TitleRequired  bool // 42033 for button, vote and multiple cards without main_title.title
	CallbackNeeded bool // 43012 for interactive cards of an app without a callback address
	OverLimit      bool // 45009 instead of a silent drop beyond 30 messages a minute or 1,000 an hour to a member
	CardEventText  bool // a text answering a template_card_event is not shown
	SameEnvelope   bool // repeats of a callback carry the same ciphertext, timestamp and nonce
	SubKey60       bool // 40026 for the key of a menu's sub-button over 60 bytes, as the error list says, instead of 128
	NoLookup       bool // 48002 for getuserid and get_userid_by_email: a new app may have no right to them
	// TokenLimit switches on gettoken's own limit, whose number is not published: so many calls an hour and app, then 45009. 0: none.
	TokenLimit int
	// AccountLimit switches on the daily limit of message/send: this many accounts × 200 recipients a day and app, then 45009. 0: none.
	AccountLimit int
	// The two below are the other way round: documented refusals that can be switched off for other people's clients.
	AllowStringAgentID bool // an agentid in quotes is taken
	AllowReusedTaskID  bool // a task_id may be sent twice
}

// The kinds of Message.
const (
	KindText         = "text"
	KindTextCard     = "textcard"
	KindMarkdown     = "markdown"
	KindNews         = "news"
	KindImage        = "image"
	KindTemplateCard = "template_card"
)

// The two sides of a conversation.
const (
	FromMember = "member"
	FromApp    = "app"
)

// Message is one entry of a conversation between a member and an app, as the member's client shows it now. It is a copy.
type Message struct {
	ID       string     `json:"id"` // the simulator's own, names the message to Press
	MsgID    string     `json:"msg_id,omitempty"`
	UserID   string     `json:"user_id"`
	AgentID  int        `json:"agent_id"`
	From     string     `json:"from"`              // FromMember or FromApp
	Passive  bool       `json:"passive,omitempty"` // came back in a callback's answer, not by message/send
	Time     time.Time  `json:"time"`
	Kind     string     `json:"kind"`
	Text     string     `json:"text,omitempty"` // of text and markdown; for kinds without a model here, their JSON
	TextCard *TextCard  `json:"text_card,omitempty"`
	Articles []Article  `json:"articles,omitempty"`
	Card     *Card      `json:"card,omitempty"` // the card as it stands after updates
	State    *CardState `json:"state,omitempty"`
	Recalled bool       `json:"recalled,omitempty"` // the content is gone
	Unseen   bool       `json:"unseen,omitempty"`   // the member reads inside WeChat, which does not show this kind
	Failed   bool       `json:"failed,omitempty"`   // a member's message that the app never acknowledged
}

// TextCard is the content of a textcard message.
type TextCard struct {
	Title       string `json:"title"`
	Description string `json:"description"` // may hold <br> and <div class="gray|highlight|normal">
	URL         string `json:"url"`
	ButtonText  string `json:"btntxt"` // 详情 when the app gave none
}

// Article is one entry of a news message.
type Article struct {
	Title       string `json:"title" xml:"Title"`
	Description string `json:"description,omitempty" xml:"Description"`
	URL         string `json:"url,omitempty" xml:"Url"`
	PicURL      string `json:"picurl,omitempty" xml:"PicUrl"`
	AppID       string `json:"appid,omitempty" xml:"-"`
	PagePath    string `json:"pagepath,omitempty" xml:"-"`
}

// CardState is what happened to one member's copy of a template card.
type CardState struct {
	Disabled    bool                `json:"disabled,omitempty"`     // buttons are dead; in their place one grey button
	ReplaceName string              `json:"replace_name,omitempty"` // the text of that grey button
	Updates     int                 `json:"updates,omitempty"`      // how often the app changed the card
	Pressed     string              `json:"pressed,omitempty"`      // EventKey of the last press
	Selected    map[string][]string `json:"selected,omitempty"`     // what was chosen with it
}

// Menu is an app's menu.
type Menu struct {
	Button []MenuButton `json:"button"`
}

// MenuButton is an entry of a menu, or a parent of entries if SubButton is not empty.
type MenuButton struct {
	Type      string       `json:"type,omitempty"`
	Name      string       `json:"name"`
	Key       string       `json:"key,omitempty"`
	URL       string       `json:"url,omitempty"`
	AppID     string       `json:"appid,omitempty"`
	PagePath  string       `json:"pagepath,omitempty"`
	SubButton []MenuButton `json:"sub_button,omitempty"`
}

// Event is one line of the inspector: an API call the app made, a callback it got, or an OAuth page it sent a member to.
type Event struct {
	Time     time.Time     `json:"time"`
	Kind     string        `json:"kind"` // api, callback, oauth
	AgentID  int           `json:"agent_id,omitempty"`
	UserID   string        `json:"user_id,omitempty"`
	Name     string        `json:"name"`     // message/send, text, click, template_card_event …
	Status   int           `json:"status"`   // HTTP status; 0: no answer
	ErrCode  int           `json:"err_code"` // WeCom's errcode, of an API call
	Attempt  int           `json:"attempt,omitempty"`
	Duration time.Duration `json:"duration"`
	Request  string        `json:"request,omitempty"`  // body; of a callback decrypted
	Response string        `json:"response,omitempty"` // the same; tokens, tickets and codes are blanked
	Problem  string        `json:"problem,omitempty"`
	Note     string        `json:"note,omitempty"` // what Config.Mishaps did to it on purpose
}

// Delivery is what became of one callback.
type Delivery struct {
	MsgID    string    `json:"msg_id,omitempty"` // empty for events
	Attempts []Attempt `json:"attempts"`         // repeats that Faults or Mishaps asked for included
}

// Attempt is one POST of a callback.
type Attempt struct {
	Status   int           `json:"status"` // 0: no answer in time, or no connection
	Duration time.Duration `json:"duration"`
	Reply    string        `json:"reply,omitempty"`   // the decrypted passive reply, empty if there was none
	Problem  string        `json:"problem,omitempty"` // why it failed or why the reply was not shown
}

// Sent is one accepted message/send.
type Sent struct {
	MsgID     string    `json:"msg_id"`
	AgentID   int       `json:"agent_id"`
	Time      time.Time `json:"time"`
	MsgType   string    `json:"msg_type"`
	Delivered []string  `json:"delivered"`         // UserIDs
	Dropped   []string  `json:"dropped,omitempty"` // beyond the limit of a member
	Duplicate bool      `json:"duplicate,omitempty"`
	Body      string    `json:"body"`
}

// Stats counts what happened since New.
type Stats struct {
	Calls     map[string]int `json:"calls"`  // by API name, such as message/send
	Errors    map[int]int    `json:"errors"` // by errcode
	Callbacks int            `json:"callbacks"`
	Delivered int            `json:"delivered"` // messages put into conversations by message/send
	Dropped   int            `json:"dropped"`
}

// Warning is something the real service would probably let pass, but that a careful app avoids.
type Warning struct {
	Time    time.Time `json:"time"`
	AgentID int       `json:"agent_id,omitempty"`
	Where   string    `json:"where"` // API name or callback event
	Field   string    `json:"field,omitempty"`
	Text    string    `json:"text"`
}

// Fault is how API calls misbehave. The zero value is none.
type Fault struct {
	Down    bool          `json:"down,omitempty"`     // HTTP 502
	Reset   bool          `json:"reset,omitempty"`    // the call is carried out, then the connection is cut without an answer
	Delay   time.Duration `json:"delay,omitempty"`    // before the call is carried out
	ErrCode int           `json:"err_code,omitempty"` // answered instead of carrying it out: -1, 45009, 45033, 60020 …
	Times   int           `json:"times,omitempty"`    // for so many calls only; 0: until changed
}

// Faults is everything that can be made to go wrong. The zero value is none.
type Faults struct {
	All      Fault            `json:"all"`      // every API call
	Endpoint map[string]Fault `json:"endpoint"` // by API name, such as message/send or connect/oauth2/authorize; wins over All

	Repeat       int           `json:"repeat,omitempty"`         // each callback is delivered so many extra times, whatever was answered
	RepeatAtOnce bool          `json:"repeat_at_once,omitempty"` // … all at the same moment instead of one after the other
	Lose         bool          `json:"lose,omitempty"`           // callbacks never leave
	BadSignature bool          `json:"bad_signature,omitempty"`  // callbacks carry a wrong msg_signature
	Age          time.Duration `json:"age,omitempty"`            // callbacks carry a timestamp so far in the past
	Receiver     string        `json:"receiver,omitempty"`       // callbacks are encrypted for this receiveid instead of CorpID
}

// Errors of the methods that act as a member.
var (
	ErrNoMember   = errors.New("wecom: no such member")
	ErrNoApp      = errors.New("wecom: no such app")
	ErrNoMessage  = errors.New("wecom: no such message")
	ErrNotThere   = errors.New("wecom: nothing to press there") // no such key on the card or menu, or the card is disabled
	ErrNoCallback = errors.New("wecom: the app has no callback address")
	ErrCallback   = errors.New("wecom: the app did not acknowledge the callback") // after all repeats
	ErrVerify     = errors.New("wecom: echostr校验失败")                              // VerifyURL
)
