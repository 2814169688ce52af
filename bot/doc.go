// Package bot speaks WeCom (企业微信) for one corp's self-built apps. It is the only package that knows WeCom's XML, JSON and
// encryption.
//
// Two ways run through it. Inwards, a Callback receives WeCom's pushes, proves and decrypts them, drops repeats, gives each
// person their turn and hands a Context to the Router, which calls the handlers. Outwards, a Client sends messages, updates
// cards, writes menus and asks who a visitor is. There is one Callback, one Router and one Client for each app, since every app has
// its own token, keys and access_token; cmd/xiaoka makes them.
//
// What a handler replies leaves by message/send as a template card, or, when WeCom fails or is slow, as text in the
// callback's own answer, so that no message stays without an answer. Nothing here decides about money or identity: whether a
// press may act is the record of the task it belongs to (Tasks), and what it does is the handler's.
package bot

import "xiaoka/cards"

// App identifies one self-built app.
type App struct {
	Name    string // for logs and metrics: "assistant", "card"
	CorpID  string
	AgentID int64
}

// Style is the form in which a person wants answers.
type Style int

// The styles. WeCom does not say which client a member uses; members who read the app inside WeChat see text cards but no
// template cards.
const (
	StyleCard     Style = iota // template cards
	StyleTextCard              // textcards
)

// Lang is the language of answers; see package cards.
type Lang = cards.Lang
