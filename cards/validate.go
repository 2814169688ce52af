package cards

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Validate holds the official limits: the fields each kind may and must have, counts, unique keys, byte limits, links
// with a scheme, valid UTF-8. Its error names the field in WeCom's words and, in brackets, the errcode WeCom would give. It does not judge display lengths,
// which WeCom only recommends; Fit keeps those.
func (c Card) Validate() error {
	v := &validator{}
	v.shape(c)
	v.common(c)
	v.content(c)
	v.interaction(c)
	v.taskID(c)
	if v.err != nil {
		return fmt.Errorf("cards: %s: %w", c.Type, v.err)
	}
	return nil
}

// validator keeps the first fault found.
type validator struct {
	err error
}

func (v *validator) check(ok bool, format string, args ...any) {
	if !ok && v.err == nil {
		v.err = fmt.Errorf(format, args...)
	}
}

// shape says which fields a kind may have (the table of spec page 90236).
func (v *validator) shape(c Card) {
	allowed := map[string]bool{}
	switch c.Type {
	case TextNotice:
		allow(allowed, "action_menu quote_area emphasis_content sub_title_text horizontal_content_list jump_list card_action")
		v.check(c.CardAction != nil, "card_action is required (42045)")
		v.check(c.SubTitleText != "" || c.MainTitle != nil && c.MainTitle.Title != "", "main_title.title and sub_title_text are both empty")
	case NewsNotice:
		allow(allowed, "action_menu quote_area image_text_area card_image vertical_content_list horizontal_content_list jump_list card_action")
		v.check(c.CardAction != nil, "card_action is required (42045)")
		v.check(c.CardImage != nil || c.ImageTextArea != nil, "card_image or image_text_area is required (42044)")
		v.title(c)
	case ButtonInteraction:
		allow(allowed, "action_menu quote_area sub_title_text horizontal_content_list card_action button_selection button_list")
		v.check(len(c.ButtonList) >= 1, "button_list is required (42038)")
		v.title(c)
	case VoteInteraction:
		allow(allowed, "checkbox submit_button")
		v.check(c.Checkbox != nil, "checkbox is required")
		v.check(c.SubmitButton != nil, "submit_button is required (42046)")
		v.title(c)
	case MultipleInteraction:
		allow(allowed, "select_list submit_button")
		v.check(len(c.SelectList) >= 1, "select_list is required (42047)")
		v.check(c.SubmitButton != nil, "submit_button is required (42046)")
		v.title(c)
	default:
		v.check(false, "unknown card_type (42031)")
	}
	for _, f := range []struct {
		name string
		set  bool
	}{
		{"action_menu", c.ActionMenu != nil},
		{"quote_area", c.QuoteArea != nil},
		{"emphasis_content", c.EmphasisContent != nil},
		{"sub_title_text", c.SubTitleText != ""},
		{"image_text_area", c.ImageTextArea != nil},
		{"card_image", c.CardImage != nil},
		{"vertical_content_list", len(c.VerticalContentList) > 0},
		{"horizontal_content_list", len(c.HorizontalContentList) > 0},
		{"jump_list", len(c.JumpList) > 0},
		{"card_action", c.CardAction != nil},
		{"button_selection", c.ButtonSelection != nil},
		{"button_list", len(c.ButtonList) > 0},
		{"checkbox", c.Checkbox != nil},
		{"select_list", len(c.SelectList) > 0},
		{"submit_button", c.SubmitButton != nil},
	} {
		v.check(!f.set || allowed[f.name], "%s is not a field of this kind", f.name)
	}
}

func allow(set map[string]bool, names string) {
	for _, n := range strings.Fields(names) {
		set[n] = true
	}
}

func (v *validator) title(c Card) {
	v.check(c.MainTitle != nil && c.MainTitle.Title != "", "main_title.title is required")
}

func (v *validator) common(c Card) {
	if s := c.Source; s != nil {
		v.check(s.DescColor >= 0 && s.DescColor <= 3, "source.desc_color must be 0 to 3")
		v.utf8("source.desc", s.Desc)
		if s.IconURL != "" {
			v.url("source.icon_url", s.IconURL)
		}
	}
	if t := c.MainTitle; t != nil {
		v.utf8("main_title.title", t.Title)
		v.utf8("main_title.desc", t.Desc)
	}
	if e := c.EmphasisContent; e != nil {
		v.utf8("emphasis_content.title", e.Title)
		v.utf8("emphasis_content.desc", e.Desc)
	}
	v.utf8("sub_title_text", c.SubTitleText)
	v.utf8("replace_text", c.ReplaceText)
	if m := c.ActionMenu; m != nil {
		n := len(m.ActionList)
		v.check(n >= 1 && n <= maxActions, "action_menu.action_list must have 1 to %d items", maxActions)
		v.utf8("action_menu.desc", m.Desc)
		for _, a := range m.ActionList {
			v.required("action_menu.action_list.text", a.Text)
		}
	}
	if a := c.CardAction; a != nil {
		interactive := c.Type == ButtonInteraction && a.Type == JumpNone
		v.check(interactive || a.Type == JumpURL || a.Type == JumpMiniProgram, "card_action.type must be 1 or 2 (42045)")
		v.link("card_action", a.Type, a.URL, a.AppID)
	}
	v.keys(c)
}

// keys checks every callback key of the card at once, because they come back through the same EventKey.
func (v *validator) keys(c Card) {
	seen := map[string]bool{}
	for _, k := range c.Keys() {
		v.key("key", k)
		v.check(!seen[k], "key %q is used twice (42039, 42051)", k)
		seen[k] = true
	}
}

func (v *validator) content(c Card) {
	if q := c.QuoteArea; q != nil {
		v.link("quote_area", q.Type, q.URL, q.AppID)
		v.utf8("quote_area.title", q.Title)
		v.utf8("quote_area.quote_text", q.QuoteText)
	}
	if a := c.ImageTextArea; a != nil {
		v.link("image_text_area", a.Type, a.URL, a.AppID)
		v.url("image_text_area.image_url", a.ImageURL)
		v.utf8("image_text_area.title", a.Title)
		v.utf8("image_text_area.desc", a.Desc)
	}
	if i := c.CardImage; i != nil {
		v.url("card_image.url", i.URL)
		if i.AspectRatio != "" {
			ratio, err := strconv.ParseFloat(string(i.AspectRatio), 64)
			v.check(err == nil && ratio >= 1.3 && ratio < 2.25, "card_image.aspect_ratio must be from 1.3 to under 2.25")
		}
	}
	v.check(len(c.VerticalContentList) <= maxVertical, "vertical_content_list has more than %d items (42036)", maxVertical)
	for _, r := range c.VerticalContentList {
		v.required("vertical_content_list.title", r.Title)
		v.utf8("vertical_content_list.desc", r.Desc)
	}
	v.check(len(c.HorizontalContentList) <= maxHorizontal, "horizontal_content_list has more than %d items (42035)", maxHorizontal)
	for _, r := range c.HorizontalContentList {
		v.required("horizontal_content_list.keyname (42027)", r.KeyName)
		v.utf8("horizontal_content_list.value", r.Value)
		switch r.Type {
		case HorizontalText:
		case HorizontalURL:
			v.url("horizontal_content_list.url", r.URL)
		case HorizontalFile:
			v.required("horizontal_content_list.media_id (42029)", r.MediaID)
		case HorizontalMember:
			v.required("horizontal_content_list.userid (42050)", r.UserID)
		default:
			v.check(false, "horizontal_content_list.type must be 0 to 3")
		}
	}
	v.check(len(c.JumpList) <= maxJumps, "jump_list has more than %d items (42042)", maxJumps)
	for _, j := range c.JumpList {
		v.required("jump_list.title (42033)", j.Title)
		v.link("jump_list", j.Type, j.URL, j.AppID)
	}
}

func (v *validator) interaction(c Card) {
	v.check(len(c.ButtonList) <= maxButtons, "button_list has more than %d items", maxButtons)
	for _, b := range c.ButtonList {
		v.required("button_list.text (42038)", b.Text)
		v.check(b.Type == ButtonCallback || b.Type == ButtonURL, "button_list.type must be 0 or 1")
		v.check(b.Style >= 0 && b.Style <= 4, "button_list.style must be 1 to 4")
		if b.Type == ButtonURL {
			v.url("button_list.url", b.URL)
		}
	}
	if s := c.ButtonSelection; s != nil {
		v.key("button_selection.question_key (42043)", s.QuestionKey)
		v.utf8("button_selection.title", s.Title)
		v.options("button_selection.option_list", s.OptionList)
	}
	if b := c.Checkbox; b != nil {
		v.key("checkbox.question_key (42043)", b.QuestionKey)
		v.check(b.Mode == 0 || b.Mode == 1, "checkbox.mode must be 0 or 1")
		n := len(b.OptionList)
		v.check(n >= 1 && n <= maxCheckOptions, "checkbox.option_list must have 1 to %d items (42037)", maxCheckOptions)
		ids := map[string]bool{}
		for _, o := range b.OptionList {
			v.option("checkbox.option_list", o.ID, o.Text, ids)
		}
	}
	v.check(len(c.SelectList) <= maxSelects, "select_list has more than %d items (42047)", maxSelects)
	questions := map[string]bool{}
	for _, s := range c.SelectList {
		v.key("select_list.question_key (42043)", s.QuestionKey)
		v.check(!questions[s.QuestionKey], "select_list.question_key %q is used twice", s.QuestionKey)
		questions[s.QuestionKey] = true
		v.utf8("select_list.title", s.Title)
		v.options("select_list.option_list", s.OptionList)
	}
	if s := c.SubmitButton; s != nil {
		v.required("submit_button.text (42049)", s.Text)
	}
}

func (v *validator) options(field string, list []Option) {
	v.check(len(list) >= 1 && len(list) <= maxOptions, "%s must have 1 to %d items (42037)", field, maxOptions)
	ids := map[string]bool{}
	for _, o := range list {
		v.option(field, o.ID, o.Text, ids)
	}
}

func (v *validator) option(field, id, text string, ids map[string]bool) {
	v.check(id != "" && len(id) <= maxOptionIDBytes && utf8.ValidString(id), "%s.id must have 1 to %d bytes (42040)", field, maxOptionIDBytes)
	v.check(!ids[id], "%s.id %q is used twice (42040)", field, id)
	ids[id] = true
	v.required(field+".text (42041)", text)
}

// taskID holds https://developer.work.weixin.qq.com/document/path/90236: required on interactive cards, [0-9A-Za-z_\-@], at most 128 bytes.
func (v *validator) taskID(c Card) {
	if c.TaskID == "" {
		v.check(!c.NeedsTaskID(), "task_id is required (42014)")
		return
	}
	v.check(len(c.TaskID) <= maxTaskIDBytes && strings.IndexFunc(c.TaskID, notTaskIDRune) < 0, "task_id is malformed (42014)")
}

func notTaskIDRune(r rune) bool {
	switch {
	case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z', r == '_', r == '-', r == '@':
		return false
	}
	return true
}

func (v *validator) link(field string, kind int, link, appID string) {
	switch kind {
	case JumpNone:
	case JumpURL:
		v.url(field+".url", link)
	case JumpMiniProgram:
		v.required(field+".appid (42030)", appID)
	default:
		v.check(false, "%s.type must be 0 to 2", field)
	}
}

func (v *validator) url(field, link string) {
	v.check(validURL(link), "%s must be an http or https address of at most %d bytes (42028)", field, maxURLBytes)
}

func (v *validator) key(field, key string) {
	v.check(key != "" && len(key) <= maxKeyBytes && utf8.ValidString(key), "%s must have 1 to %d bytes", field, maxKeyBytes)
}

func (v *validator) required(field, s string) {
	v.check(s != "", "%s is required", field)
	v.utf8(field, s)
}

func (v *validator) utf8(field, s string) {
	v.check(utf8.ValidString(s), "%s is not valid UTF-8", field)
}

func validURL(link string) bool {
	if len(link) > maxURLBytes || !utf8.ValidString(link) {
		return false
	}
	u, err := url.Parse(link)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
