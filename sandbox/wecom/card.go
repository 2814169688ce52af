package wecom

// Card is a template card, https://developer.work.weixin.qq.com/document/path/90236 (模板卡片消息). The JSON names are those of
// message/send, the XML names those of the passive reply update_template_card.
type Card struct {
	CardType              string           `json:"card_type" xml:"CardType"` // text_notice, news_notice, button_interaction, vote_interaction, multiple_interaction
	Source                *Source          `json:"source,omitempty" xml:"Source"`
	ActionMenu            *ActionMenu      `json:"action_menu,omitempty" xml:"ActionMenu"`
	TaskID                string           `json:"task_id,omitempty" xml:"TaskId"`
	MainTitle             *Title           `json:"main_title,omitempty" xml:"MainTitle"`
	QuoteArea             *QuoteArea       `json:"quote_area,omitempty" xml:"QuoteArea"`
	EmphasisContent       *Title           `json:"emphasis_content,omitempty" xml:"EmphasisContent"`
	SubTitleText          string           `json:"sub_title_text,omitempty" xml:"SubTitleText"`
	ImageTextArea         *ImageTextArea   `json:"image_text_area,omitempty" xml:"ImageTextArea"`
	CardImage             *CardImage       `json:"card_image,omitempty" xml:"CardImage"`
	VerticalContentList   []Title          `json:"vertical_content_list,omitempty" xml:"VerticalContentList"`
	HorizontalContentList []HorizontalItem `json:"horizontal_content_list,omitempty" xml:"HorizontalContentList"`
	JumpList              []Jump           `json:"jump_list,omitempty" xml:"JumpList"`
	CardAction            *Jump            `json:"card_action,omitempty" xml:"CardAction"`
	ButtonSelection       *Selector        `json:"button_selection,omitempty" xml:"ButtonSelection"`
	ButtonList            []CardButton     `json:"button_list,omitempty" xml:"ButtonList"`
	Checkbox              *Checkbox        `json:"checkbox,omitempty" xml:"CheckBox"`
	SelectList            []Selector       `json:"select_list,omitempty" xml:"SelectList"`
	SubmitButton          *SubmitButton    `json:"submit_button,omitempty" xml:"SubmitButton"`
	ReplaceText           string           `json:"replace_text,omitempty" xml:"ReplaceText"` // in updates only: one grey, dead button with this text
}

// Source is the line above a card.
type Source struct {
	IconURL   string `json:"icon_url,omitempty" xml:"IconUrl"`
	Desc      string `json:"desc,omitempty" xml:"Desc"`
	DescColor int    `json:"desc_color,omitempty" xml:"DescColor"` // 0 grey, 1 black, 2 red, 3 green
}

// ActionMenu is the menu at a card's top right.
type ActionMenu struct {
	Desc       string       `json:"desc,omitempty" xml:"Desc"`
	ActionList []ActionItem `json:"action_list" xml:"ActionList"`
}

// ActionItem is one entry of an ActionMenu.
type ActionItem struct {
	Text string `json:"text" xml:"Text"`
	Key  string `json:"key" xml:"Key"`
}

// Title is a title with a smaller line: main_title, emphasis_content and the entries of vertical_content_list.
type Title struct {
	Title string `json:"title,omitempty" xml:"Title"`
	Desc  string `json:"desc,omitempty" xml:"Desc"`
}

// QuoteArea is the quoted block of a card.
type QuoteArea struct {
	Type      int    `json:"type,omitempty" xml:"Type"` // 0 no link, 1 URL, 2 mini program
	URL       string `json:"url,omitempty" xml:"Url"`
	AppID     string `json:"appid,omitempty" xml:"AppId"`
	PagePath  string `json:"pagepath,omitempty" xml:"PagePath"`
	Title     string `json:"title,omitempty" xml:"Title"`
	QuoteText string `json:"quote_text,omitempty" xml:"QuoteText"`
}

// ImageTextArea is a picture beside a text, of news_notice.
type ImageTextArea struct {
	Type     int    `json:"type,omitempty" xml:"Type"` // 0 no link, 1 URL, 2 mini program
	URL      string `json:"url,omitempty" xml:"Url"`
	AppID    string `json:"appid,omitempty" xml:"AppId"`
	PagePath string `json:"pagepath,omitempty" xml:"PagePath"`
	Title    string `json:"title,omitempty" xml:"Title"`
	Desc     string `json:"desc,omitempty" xml:"Desc"`
	ImageURL string `json:"image_url" xml:"ImageUrl"`
}

// CardImage is the large picture of news_notice.
type CardImage struct {
	URL         string  `json:"url" xml:"Url"`
	AspectRatio float64 `json:"aspect_ratio,omitempty" xml:"AspectRatio"` // between 1.3 and 2.25
}

// HorizontalItem is one name and value of a card.
type HorizontalItem struct {
	Type    int    `json:"type,omitempty" xml:"Type"` // 0 text, 1 URL, 2 attachment, 3 member
	KeyName string `json:"keyname" xml:"KeyName"`
	Value   string `json:"value,omitempty" xml:"Value"`
	URL     string `json:"url,omitempty" xml:"Url"`
	MediaID string `json:"media_id,omitempty" xml:"MediaId"`
	UserID  string `json:"userid,omitempty" xml:"UserId"`
}

// Jump is a link: card_action and the entries of jump_list.
type Jump struct {
	Type     int    `json:"type,omitempty" xml:"Type"` // 0 none, 1 URL, 2 mini program
	Title    string `json:"title,omitempty" xml:"Title"`
	URL      string `json:"url,omitempty" xml:"Url"`
	AppID    string `json:"appid,omitempty" xml:"AppId"`
	PagePath string `json:"pagepath,omitempty" xml:"PagePath"`
}

// Selector is a drop-down: button_selection and the entries of select_list.
type Selector struct {
	QuestionKey string   `json:"question_key" xml:"QuestionKey"`
	Title       string   `json:"title,omitempty" xml:"Title"`
	SelectedID  string   `json:"selected_id,omitempty" xml:"SelectedId"` // missing or unknown: the first option
	Disable     bool     `json:"disable,omitempty" xml:"Disable"`        // in updates only
	OptionList  []Option `json:"option_list" xml:"OptionList"`
}

// Option is one choice of a Selector or Checkbox.
type Option struct {
	ID        string `json:"id" xml:"Id"`
	Text      string `json:"text" xml:"Text"`
	IsChecked bool   `json:"is_checked,omitempty" xml:"IsChecked"` // of a Checkbox
}

// CardButton is one button of button_interaction.
type CardButton struct {
	Type  int    `json:"type,omitempty" xml:"Type"` // 0 callback, 1 opens URL
	Text  string `json:"text" xml:"Text"`
	Style int    `json:"style,omitempty" xml:"Style"` // 1 to 4; anything else counts as 1
	Key   string `json:"key,omitempty" xml:"Key"`
	URL   string `json:"url,omitempty" xml:"Url"`
}

// Checkbox is the list of choices of vote_interaction.
type Checkbox struct {
	QuestionKey string   `json:"question_key" xml:"QuestionKey"`
	Mode        int      `json:"mode,omitempty" xml:"Mode"` // 0 one choice, 1 several
	Disable     bool     `json:"disable,omitempty" xml:"Disable"`
	OptionList  []Option `json:"option_list" xml:"OptionList"`
}

// SubmitButton sends the choices of vote_interaction and multiple_interaction.
type SubmitButton struct {
	Text string `json:"text,omitempty" xml:"Text"` // 提交 when empty
	Key  string `json:"key" xml:"Key"`
}
