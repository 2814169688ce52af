package wecom

import (
	"fmt"
	"slices"
	"strings"
)

// The five types of template card.
const (
	textNotice  = "text_notice"
	newsNotice  = "news_notice"
	buttonCard  = "button_interaction"
	voteCard    = "vote_interaction"
	selectsCard = "multiple_interaction"
)

// interactive says whether the type itself calls back; notices do so only through an action_menu.
func (c *Card) interactive() bool {
	return c.CardType == buttonCard || c.CardType == voteCard || c.CardType == selectsCard
}

// disabled says whether a control is read-only.
func (c *Card) disabled() bool {
	return c.ButtonSelection != nil && c.ButtonSelection.Disable || c.Checkbox != nil && c.Checkbox.Disable ||
		slices.ContainsFunc(c.SelectList, func(s Selector) bool { return s.Disable })
}

// card checks a template card against the field table of
// https://developer.work.weixin.qq.com/document/path/90236: counts, required fields and unique keys are refused, lengths
// and fields that the type does not have are warned of.
func (k *checker) card(c *Card) error {
	switch c.CardType {
	case textNotice, newsNotice, buttonCard, voteCard, selectsCard:
	default:
		return refuse(42031, "invalid card_type %q", c.CardType)
	}
	for _, check := range []func(*Card) error{
		k.task, k.titles, k.menu, k.quote, k.pictures, k.lists, k.action, k.buttons, k.questions,
	} {
		if err := check(c); err != nil {
			return err
		}
	}
	k.foreign(c)
	return nil
}

func (k *checker) task(c *Card) error {
	needed := c.interactive() || c.ActionMenu != nil
	switch {
	case c.TaskID == "" && !needed:
		return nil
	case c.TaskID == "" && k.updating:
		k.warn("task_id", "a card with callbacks should bring one")
		return nil
	case c.TaskID == "" || len(c.TaskID) > 128:
		return refuse(42014, "invalid task_id: 1 to 128 bytes")
	}
	for _, b := range []byte(c.TaskID) {
		if !alphanumeric(string(b)) && b != '_' && b != '-' && b != '@' {
			return refuse(42014, "invalid task_id: only 0-9A-Za-z_-@")
		}
	}
	return nil
}

func (k *checker) titles(c *Card) error {
	var main Title
	if c.MainTitle != nil {
		main = *c.MainTitle
	}
	if main.Title == "" {
		switch {
		case c.CardType == textNotice && c.SubTitleText == "":
			return refuse(42033, "invalid title: main_title.title and sub_title_text are both empty")
		case c.CardType == newsNotice:
			return refuse(42033, "invalid title: main_title.title is empty")
		case c.CardType != textNotice && k.strict.TitleRequired:
			return refuse(42033, "invalid title: main_title.title is empty")
		case c.CardType != textNotice:
			k.warn("main_title.title", "empty, which the service may refuse")
		}
	}
	k.length("main_title.title", main.Title, 36)
	k.length("main_title.desc", main.Desc, 44)
	k.length("sub_title_text", c.SubTitleText, 160)
	if c.Source != nil {
		k.length("source.desc", c.Source.Desc, 20)
		if c.Source.DescColor < 0 || c.Source.DescColor > 3 {
			k.warn("source.desc_color", "%d is not 0 to 3", c.Source.DescColor)
		}
	}
	if c.EmphasisContent != nil {
		k.length("emphasis_content.title", c.EmphasisContent.Title, 14)
		k.length("emphasis_content.desc", c.EmphasisContent.Desc, 22)
	}
	return nil
}

func (k *checker) menu(c *Card) error {
	if c.ActionMenu == nil {
		return nil
	}
	if n := len(c.ActionMenu.ActionList); n < 1 || n > 3 {
		return refuse(40058, "invalid request parameter: action_list has %d items, 1 to 3 allowed", n)
	}
	seen := map[string]bool{}
	for _, b := range c.ButtonList {
		seen[b.Key] = b.Type == 0
	}
	for i, a := range c.ActionMenu.ActionList {
		switch {
		case a.Text == "" || a.Key == "" || len(a.Key) > 1024:
			return refuse(40058, "invalid request parameter: action_list[%d]", i)
		case seen[a.Key]:
			return refuse(42051, "action key conflict: %q", a.Key)
		}
		seen[a.Key] = true
	}
	return nil
}

// link checks the url or appid that a type field asks for.
func link(field string, kind int, url, appID string) error {
	switch {
	case kind == 1 && (url == "" || !hasScheme(url)):
		return refuse(42028, "invalid url: %s", field)
	case kind == 2 && appID == "":
		return refuse(42030, "invalid appid: %s", field)
	case kind < 0 || kind > 2:
		return refuse(40058, "invalid request parameter: %s.type", field)
	}
	return nil
}

func (k *checker) quote(c *Card) error {
	if q := c.QuoteArea; q != nil {
		return link("quote_area", q.Type, q.URL, q.AppID)
	}
	return nil
}

func (k *checker) pictures(c *Card) error {
	if c.CardType == newsNotice && c.CardImage == nil && c.ImageTextArea == nil {
		return refuse(42044, "invalid card_image: neither card_image nor image_text_area")
	}
	if p := c.CardImage; p != nil {
		if p.URL == "" || !hasScheme(p.URL) {
			return refuse(42044, "invalid card_image url")
		}
		if p.AspectRatio != 0 && (p.AspectRatio < 1.3 || p.AspectRatio >= 2.25) {
			k.warn("card_image.aspect_ratio", "%g is not between 1.3 and 2.25", p.AspectRatio)
		}
	}
	if a := c.ImageTextArea; a != nil {
		if a.ImageURL == "" || !hasScheme(a.ImageURL) {
			return refuse(42044, "invalid image_url of image_text_area")
		}
		return link("image_text_area", a.Type, a.URL, a.AppID)
	}
	return nil
}

func (k *checker) lists(c *Card) error {
	if n := len(c.HorizontalContentList); n > 6 {
		return refuse(42035, "invalid horizontal_content_list size: %d", n)
	}
	for i, h := range c.HorizontalContentList {
		field := fmt.Sprintf("horizontal_content_list[%d]", i)
		switch {
		case h.KeyName == "":
			return refuse(42027, "invalid keyname: %s", field)
		case h.Type == 1 && (h.URL == "" || !hasScheme(h.URL)):
			return refuse(42028, "invalid url: %s", field)
		case h.Type == 2 && h.MediaID == "":
			return refuse(42029, "invalid media_id: %s", field)
		case h.Type == 3 && h.UserID == "":
			return refuse(42050, "invalid userid: %s", field)
		case h.Type < 0 || h.Type > 3:
			return refuse(40058, "invalid request parameter: %s.type", field)
		}
		k.length(field+".keyname", h.KeyName, 5)
		k.length(field+".value", h.Value, 30)
	}
	if n := len(c.VerticalContentList); n > 4 {
		return refuse(42036, "invalid vertical_content_list size: %d", n)
	}
	for i, v := range c.VerticalContentList {
		if v.Title == "" {
			return refuse(42033, "invalid title: vertical_content_list[%d]", i)
		}
		k.length(fmt.Sprintf("vertical_content_list[%d].title", i), v.Title, 38)
		k.length(fmt.Sprintf("vertical_content_list[%d].desc", i), v.Desc, 160)
	}
	if n := len(c.JumpList); n > 3 {
		return refuse(42042, "invalid jump_list size: %d", n)
	}
	for i, j := range c.JumpList {
		field := fmt.Sprintf("jump_list[%d]", i)
		if j.Title == "" {
			return refuse(42033, "invalid title: %s", field)
		}
		k.length(field+".title", j.Title, 18)
		if err := link(field, j.Type, j.URL, j.AppID); err != nil {
			return err
		}
	}
	return nil
}

func (k *checker) action(c *Card) error {
	if c.CardType == textNotice || c.CardType == newsNotice {
		if c.CardAction == nil || (c.CardAction.Type != 1 && c.CardAction.Type != 2) {
			return refuse(42045, "invalid card_action: type must be 1 or 2")
		}
	}
	if c.CardAction == nil {
		return nil
	}
	return link("card_action", c.CardAction.Type, c.CardAction.URL, c.CardAction.AppID)
}

func (k *checker) buttons(c *Card) error {
	if c.CardType != buttonCard || (k.updating && c.ReplaceText != "") {
		return nil
	}
	if n := len(c.ButtonList); n < 1 || n > 6 {
		return refuse(40058, "invalid request parameter: button_list has %d buttons, 1 to 6 allowed", n)
	}
	seen := map[string]bool{}
	for i, b := range c.ButtonList {
		field := fmt.Sprintf("button_list[%d]", i)
		switch {
		case b.Text == "":
			return refuse(42038, "invalid button text: %s", field)
		case b.Type == 0 && (b.Key == "" || len(b.Key) > 1024 || seen[b.Key]):
			return refuse(42039, "invalid button key: %s", field)
		case b.Type == 1 && (b.URL == "" || !hasScheme(b.URL)):
			return refuse(42028, "invalid url: %s", field)
		case b.Type < 0 || b.Type > 1:
			return refuse(40058, "invalid request parameter: %s.type", field)
		}
		if b.Type == 0 {
			seen[b.Key] = true
		}
		k.length(field+".text", b.Text, 10)
	}
	return nil
}

func (k *checker) questions(c *Card) error {
	if c.ButtonSelection != nil {
		if err := k.question("button_selection", c.ButtonSelection.QuestionKey, c.ButtonSelection.OptionList, 10, 16); err != nil {
			return err
		}
	}
	switch c.CardType {
	case voteCard:
		if c.Checkbox == nil {
			return refuse(42037, "invalid option_list: a vote needs a checkbox")
		}
		if err := k.question("checkbox", c.Checkbox.QuestionKey, c.Checkbox.OptionList, 20, 17); err != nil {
			return err
		}
		if c.Checkbox.Mode != 0 && c.Checkbox.Mode != 1 {
			k.warn("checkbox.mode", "%d is not 0 or 1", c.Checkbox.Mode)
		}
	case selectsCard:
		if n := len(c.SelectList); n < 1 || n > 3 {
			return refuse(42047, "invalid select_list size: %d", n)
		}
		seen := map[string]bool{}
		for i, sel := range c.SelectList {
			field := fmt.Sprintf("select_list[%d]", i)
			if err := k.question(field, sel.QuestionKey, sel.OptionList, 10, 16); err != nil {
				return err
			}
			if seen[sel.QuestionKey] {
				return refuse(42043, "invalid question_key: %q twice", sel.QuestionKey)
			}
			seen[sel.QuestionKey] = true
		}
	default:
		return nil
	}
	if k.updating && c.ReplaceText != "" {
		return nil
	}
	if c.SubmitButton == nil || c.SubmitButton.Key == "" || len(c.SubmitButton.Key) > 1024 {
		return refuse(42046, "invalid submit_button key")
	}
	k.length("submit_button.text", c.SubmitButton.Text, 10)
	return nil
}

func (k *checker) question(field, key string, options []Option, most, length int) error {
	if key == "" || len(key) > 1024 {
		return refuse(42043, "invalid question_key: %s", field)
	}
	if n := len(options); n < 1 || n > most {
		return refuse(42037, "invalid option_list size: %s has %d, 1 to %d allowed", field, n, most)
	}
	seen := map[string]bool{}
	for i, o := range options {
		switch {
		case o.ID == "" || len(o.ID) > 128 || seen[o.ID]:
			return refuse(42040, "invalid option id: %s.option_list[%d]", field, i)
		case o.Text == "":
			return refuse(42041, "invalid option text: %s.option_list[%d]", field, i)
		}
		seen[o.ID] = true
		k.length(fmt.Sprintf("%s.option_list[%d].text", field, i), o.Text, length)
	}
	return nil
}

// foreign warns of fields that the card's type does not have: the service ignores them.
func (k *checker) foreign(c *Card) {
	notice := c.CardType == textNotice || c.CardType == newsNotice
	choice := c.CardType == voteCard || c.CardType == selectsCard
	var found []string
	for _, f := range []struct {
		name    string
		present bool
		allowed bool
	}{
		{"action_menu", c.ActionMenu != nil, !choice},
		{"quote_area", c.QuoteArea != nil, !choice},
		{"emphasis_content", c.EmphasisContent != nil, c.CardType == textNotice},
		{"sub_title_text", c.SubTitleText != "", c.CardType == textNotice || c.CardType == buttonCard},
		{"image_text_area", c.ImageTextArea != nil, c.CardType == newsNotice},
		{"card_image", c.CardImage != nil, c.CardType == newsNotice},
		{"vertical_content_list", len(c.VerticalContentList) > 0, c.CardType == newsNotice},
		{"horizontal_content_list", len(c.HorizontalContentList) > 0, !choice},
		{"jump_list", len(c.JumpList) > 0, notice},
		{"card_action", c.CardAction != nil, !choice},
		{"button_selection", c.ButtonSelection != nil, c.CardType == buttonCard},
		{"button_list", len(c.ButtonList) > 0, c.CardType == buttonCard},
		{"checkbox", c.Checkbox != nil, c.CardType == voteCard},
		{"select_list", len(c.SelectList) > 0, c.CardType == selectsCard},
		{"submit_button", c.SubmitButton != nil, choice},
		{"replace_text", c.ReplaceText != "", k.updating && !notice},
		{"disable", c.disabled(), k.updating},
	} {
		if f.present && !f.allowed {
			found = append(found, f.name)
		}
	}
	if len(found) > 0 {
		k.warn(strings.Join(found, ","), "not available on %s", c.CardType)
	}
}
