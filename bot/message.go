package bot

import (
	"unicode"

	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"xiaoka/cards"
)

// Message is one decrypted push: a message a member wrote, or an event. Fields that its kind does not have are empty.
// https://developer.work.weixin.qq.com/document/path/90239 and 90240.
type Message struct {
	ToUserName   string
	FromUserName string // the member's UserID as WeCom spelt it, or "sys"
	CreateTime   int64  // unix seconds
	MsgType      string // text, image, voice, video, location, link, event
	AgentID      int64
	MsgID        string // of messages; events have none

	Content string // text

	Event         string // of MsgType event, in WeCom's spelling
	EventKey      string
	TaskID        string // template_card_event and template_card_menu_event, from here on
	CardType      string
	ResponseCode  string // allows one update of the card, for 72 hours
	SelectedItems []SelectedItem

	MediaID, PicURL, Format       string // image, voice, video
	Title, Description, URL       string // link
	LocationX, LocationY, Label   string // location and location_select: latitude, longitude, in WeCom's decimal text
	Latitude, Longitude, AppType  string // LOCATION
	ScanType, ScanResult          string // scancode_push, scancode_waitmsg
	ChangeType, UserID, NewUserID string // change_contact
}

// SelectedItem is one question of a card and what was chosen.
type SelectedItem struct {
	QuestionKey string
	OptionIDs   []string
}

// From is the sender's UserID in lower case, the form to compare and to store: WeCom does not tell case apart.
func (m *Message) From() string { return strings.ToLower(m.FromUserName) }

// EventName is the event in lower case, "" for a message.
func (m *Message) EventName() string {
	if m.MsgType != "event" {
		return ""
	}
	return strings.ToLower(m.Event)
}

// IsCardEvent reports whether a button or menu of a template card was pressed.
func (m *Message) IsCardEvent() bool {
	name := m.EventName()
	return name == "template_card_event" || name == "template_card_menu_event"
}

// Key names this message among all of the app, the same in each repeat that WeCom sends. Messages carry a MsgId; for events the
// advice is FromUserName and CreateTime, whose second is too coarse to tell two clicks apart, so what was clicked is added.
func (m *Message) Key() string {
	agent := strconv.FormatInt(m.AgentID, 10)
	if m.MsgID != "" {
		return agent + ":m:" + m.MsgID
	}
	sum := sha256.New()
	for _, part := range []string{
		m.From(), strconv.FormatInt(m.CreateTime, 10), m.MsgType, m.EventName(), m.EventKey, m.TaskID, m.ResponseCode,
		m.ScanResult, m.ChangeType, m.UserID, m.Content, m.MediaID,
	} {
		sum.Write([]byte(strconv.Itoa(len(part)) + ":" + part))
	}
	return agent + ":e:" + hex.EncodeToString(sum.Sum(nil)[:16])
}

// lang guesses the language of what was typed, for people who have not chosen one: English if it has Latin letters and no Chinese character.
func (m *Message) lang() Lang {
	latin := false
	for _, r := range m.Content {
		switch {
		case unicode.Is(unicode.Han, r):
			return cards.Zh
		case r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z':
			latin = true
		}
	}
	if latin {
		return cards.En
	}
	return cards.Zh
}
