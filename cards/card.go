// Package cards draws WeCom template cards: pure functions from plain values to the JSON that message/send takes.
//
// The handlers and the push worker call the builders (Balance, TopUpChoices, …); package bot sends what they return. A
// card holds no authority and no state: the ledger's record is the truth, and a card that could not be sent or updated
// is only an old picture of it. Every card can also be said as plain text (Card.Text) and as a textcard (Card.TextCard),
// because members who read the app inside WeChat cannot see template cards.
//
// All words shown to people are in catalogue.go, each in Chinese and in English. Money arrives as fen.
package cards

import "encoding/json"

// Type is one of the five kinds of template card.
type Type string

// The five kinds, with the fields each may have in
// https://developer.work.weixin.qq.com/document/path/90236#模板卡片消息.
const (
	TextNotice          Type = "text_notice"
	NewsNotice          Type = "news_notice"
	ButtonInteraction   Type = "button_interaction"
	VoteInteraction     Type = "vote_interaction"
	MultipleInteraction Type = "multiple_interaction"
)

// Card is one template card in WeCom's own field names, ready for json.Marshal. Which fields a kind may and must have is
// held by Validate; the builders of this package return cards that pass it.
type Card struct {
	Type                  Type             `json:"card_type"`
	Source                *Source          `json:"source,omitempty"`
	ActionMenu            *ActionMenu      `json:"action_menu,omitempty"`
	TaskID                string           `json:"task_id,omitempty"`
	MainTitle             *MainTitle       `json:"main_title,omitempty"`
	QuoteArea             *QuoteArea       `json:"quote_area,omitempty"`
	EmphasisContent       *Emphasis        `json:"emphasis_content,omitempty"`
	SubTitleText          string           `json:"sub_title_text,omitempty"`
	ImageTextArea         *ImageTextArea   `json:"image_text_area,omitempty"`
	CardImage             *CardImage       `json:"card_image,omitempty"`
	VerticalContentList   []Vertical       `json:"vertical_content_list,omitempty"`
	HorizontalContentList []Horizontal     `json:"horizontal_content_list,omitempty"`
	JumpList              []Jump           `json:"jump_list,omitempty"`
	CardAction            *Action          `json:"card_action,omitempty"`
	ButtonSelection       *ButtonSelection `json:"button_selection,omitempty"`
	ButtonList            []Button         `json:"button_list,omitempty"`
	Checkbox              *Checkbox        `json:"checkbox,omitempty"`
	SelectList            []Select         `json:"select_list,omitempty"`
	SubmitButton          *Submit          `json:"submit_button,omitempty"`
	// ReplaceText, on an update only, leaves one dead grey button with this text.
	ReplaceText string `json:"replace_text,omitempty"`

	// Kind names the builder (for example "verify_channels") and Subject the business object that the buttons act on.
	// Neither goes to WeCom: package bot records both under the TaskID and gives them back when a button is pressed.
	Kind    string `json:"-"`
	Subject string `json:"-"`

	lang Lang
	page link   // where a card without links of its own leads in its other forms
	hint string // said in the other forms only, which have no buttons
	// typed stands for MainTitle.Desc in those, where that is about buttons.
	typed string
}

// Source is the small line above the title.
type Source struct {
	IconURL   string `json:"icon_url,omitempty"`
	Desc      string `json:"desc,omitempty"`
	DescColor int    `json:"desc_color,omitempty"` // 0 grey, 1 black, 2 red, 3 green
}

// ActionMenu is the menu in the card's top right corner.
type ActionMenu struct {
	Desc       string       `json:"desc,omitempty"`
	ActionList []MenuAction `json:"action_list"`
}

// MenuAction is one entry of an ActionMenu; Key comes back as EventKey of a template_card_menu_event.
type MenuAction struct {
	Text string `json:"text"`
	Key  string `json:"key"`
}

// MainTitle is the title and the line under it.
type MainTitle struct {
	Title string `json:"title,omitempty"`
	Desc  string `json:"desc,omitempty"`
}

// Jump and action types: what happens when a person touches a part of the card. All are links but JumpNone.
const (
	JumpNone        = 0
	JumpURL         = 1
	JumpMiniProgram = 2
)

// QuoteArea is a quoted block, optionally a link.
type QuoteArea struct {
	Type      int    `json:"type,omitempty"`
	URL       string `json:"url,omitempty"`
	AppID     string `json:"appid,omitempty"`
	PagePath  string `json:"pagepath,omitempty"`
	Title     string `json:"title,omitempty"`
	QuoteText string `json:"quote_text,omitempty"`
}

// Emphasis is the large figure of a text_notice.
type Emphasis struct {
	Title string `json:"title,omitempty"`
	Desc  string `json:"desc,omitempty"`
}

// ImageTextArea is a picture with a text beside it (news_notice).
type ImageTextArea struct {
	Type     int    `json:"type,omitempty"`
	URL      string `json:"url,omitempty"`
	AppID    string `json:"appid,omitempty"`
	PagePath string `json:"pagepath,omitempty"`
	Title    string `json:"title,omitempty"`
	Desc     string `json:"desc,omitempty"`
	ImageURL string `json:"image_url"`
}

// CardImage is the large picture of a news_notice.
type CardImage struct {
	URL string `json:"url"`
	// AspectRatio is width to height, between 1.3 and 2.25 exclusive; empty = 1.3. A json.Number keeps its digits.
	AspectRatio json.Number `json:"aspect_ratio,omitempty"`
}

// Vertical is one heading with a paragraph under it (news_notice).
type Vertical struct {
	Title string `json:"title"`
	Desc  string `json:"desc,omitempty"`
}

// Horizontal types: what the value is.
const (
	HorizontalText   = 0
	HorizontalURL    = 1
	HorizontalFile   = 2
	HorizontalMember = 3
)

// Horizontal is one row of a card: a short name and its value.
type Horizontal struct {
	Type    int    `json:"type,omitempty"`
	KeyName string `json:"keyname"`
	Value   string `json:"value,omitempty"`
	URL     string `json:"url,omitempty"`
	MediaID string `json:"media_id,omitempty"`
	UserID  string `json:"userid,omitempty"`
}

// Jump is one link at the foot of a text_notice or news_notice.
type Jump struct {
	Type     int    `json:"type"`
	Title    string `json:"title"`
	URL      string `json:"url,omitempty"`
	AppID    string `json:"appid,omitempty"`
	PagePath string `json:"pagepath,omitempty"`
}

// Action is what touching the card itself opens.
type Action struct {
	Type     int    `json:"type"`
	URL      string `json:"url,omitempty"`
	AppID    string `json:"appid,omitempty"`
	PagePath string `json:"pagepath,omitempty"`
}

// Button types.
const (
	ButtonCallback = 0
	ButtonURL      = 1
)

// Button styles; WeCom shows an unknown style as ButtonPrimary.
const (
	ButtonPrimary = 1
	ButtonPlain   = 2
	ButtonWarn    = 3
	ButtonQuiet   = 4
)

// Button is one button of a button_interaction. A ButtonURL opens URL without telling us; a ButtonCallback brings Key
// back as EventKey of a template_card_event.
type Button struct {
	Type  int    `json:"type,omitempty"`
	Text  string `json:"text"`
	Style int    `json:"style,omitempty"`
	Key   string `json:"key,omitempty"`
	URL   string `json:"url,omitempty"`
}

// ButtonSelection is a drop-down above the buttons.
type ButtonSelection struct {
	QuestionKey string   `json:"question_key"`
	Title       string   `json:"title,omitempty"`
	OptionList  []Option `json:"option_list"`
	SelectedID  string   `json:"selected_id,omitempty"`
	Disable     bool     `json:"disable,omitempty"`
}

// Option is one choice of a drop-down.
type Option struct {
	ID   string `json:"id"`
	Text string `json:"text"`
}

// Checkbox is the question of a vote_interaction; Mode is 0 for one answer, 1 for several.
type Checkbox struct {
	QuestionKey string        `json:"question_key"`
	OptionList  []CheckOption `json:"option_list"`
	Disable     bool          `json:"disable,omitempty"`
	Mode        int           `json:"mode,omitempty"`
}

// CheckOption is one choice of a Checkbox.
type CheckOption struct {
	ID        string `json:"id"`
	Text      string `json:"text"`
	IsChecked bool   `json:"is_checked"`
}

// Select is one selector of a multiple_interaction.
type Select struct {
	QuestionKey string   `json:"question_key"`
	Title       string   `json:"title,omitempty"`
	Disable     bool     `json:"disable,omitempty"`
	SelectedID  string   `json:"selected_id,omitempty"`
	OptionList  []Option `json:"option_list"`
}

// Submit is the button of a vote_interaction or multiple_interaction.
type Submit struct {
	Text string `json:"text"`
	Key  string `json:"key"`
}

// Keys lists the callback keys of the card, in order: the EventKeys that its buttons, menu and submit button can send.
func (c Card) Keys() []string {
	var keys []string
	for _, b := range c.ButtonList {
		if b.Type == ButtonCallback {
			keys = append(keys, b.Key)
		}
	}
	if c.ActionMenu != nil {
		for _, a := range c.ActionMenu.ActionList {
			keys = append(keys, a.Key)
		}
	}
	if c.SubmitButton != nil {
		keys = append(keys, c.SubmitButton.Key)
	}
	return keys
}

// NeedsTaskID reports whether WeCom demands a task_id on this card.
func (c Card) NeedsTaskID() bool {
	switch c.Type {
	case ButtonInteraction, VoteInteraction, MultipleInteraction:
		return true
	}
	return c.ActionMenu != nil
}

// About returns the card with its Subject set: the business object its buttons act on.
func (c Card) About(subject string) Card {
	c.Subject = subject
	return c
}
