package wecom

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// checker collects warnings while it looks for what must be refused.
type checker struct {
	strict   Strict
	updating bool // update_template_card or a passive update, where some fields more are allowed
	warnings []Warning
}

func (k *checker) warn(field, format string, args ...any) {
	k.warnings = append(k.warnings, Warning{Field: field, Text: fmt.Sprintf(format, args...)})
}

// length warns of a display length, in characters.
func (k *checker) length(field, value string, limit int) {
	if n := utf8.RuneCountInString(value); n > limit {
		k.warn(field, "%d characters, %d are shown", n, limit)
	}
}

// content checks the part of a message that msgtype names and returns it as a Message.
func (k *checker) content(req *sendRequest) (Message, error) {
	switch {
	case req.Safe < 0 || req.Safe > 1:
		k.warn("safe", "%d is not 0 or 1", req.Safe)
	case req.Safe == 1 && (req.MsgType == KindTextCard || req.MsgType == KindNews || req.MsgType == KindMarkdown || req.MsgType == KindTemplateCard):
		k.warn("safe", "not documented for %s", req.MsgType)
	}
	if req.DuplicateCheckInterval > 14400 {
		k.warn("duplicate_check_interval", "over four hours")
	}
	m := Message{Kind: req.MsgType}
	var err error
	switch req.MsgType {
	case KindText:
		if req.Text == nil || req.Text.Content == "" {
			return m, refuse(44004, "text content is empty")
		}
		m.Text = k.cut("text.content", req.Text.Content, 2048)
	case KindMarkdown:
		switch {
		case req.Markdown == nil || req.Markdown.Content == "":
			return m, refuse(44004, "markdown content is empty")
		case len(req.Markdown.Content) > 2048:
			return m, refuse(45002, "content size out of limit")
		}
		m.Text = req.Markdown.Content
	case KindTextCard:
		m.TextCard, err = k.textCard(req.TextCard)
	case KindNews:
		if req.News == nil || len(req.News.Articles) == 0 {
			return m, refuse(40063, "some parameters are empty: articles")
		}
		m.Articles, err = k.articles(req.News.Articles)
	case KindTemplateCard:
		if req.TemplateCard == nil {
			return m, refuse(40063, "some parameters are empty: template_card")
		}
		m.Card = req.TemplateCard
		err = k.card(m.Card)
	case KindImage:
		m.Text, err = k.media(req.Image)
	case "voice":
		m.Text, err = k.media(req.Voice)
	case "video":
		m.Text, err = k.media(req.Video)
	case "file":
		m.Text, err = k.media(req.File)
	case "mpnews":
		m.Text, err = k.mpNews(req.MPNews)
	case "miniprogram_notice":
		err = refuse(48002, "api forbidden: the app is no linked mini program")
	default:
		err = refuse(40008, "invalid message type %q", req.MsgType)
	}
	return m, err
}

// cut shortens a value to so many bytes without breaking a character, as the service does on its own.
func (k *checker) cut(field, value string, limit int) string {
	if len(value) <= limit {
		return value
	}
	k.warn(field, "%d bytes, cut to %d", len(value), limit)
	for limit > 0 && !utf8.RuneStart(value[limit]) {
		limit--
	}
	return value[:limit]
}

// cutRunes is cut in characters.
func (k *checker) cutRunes(field, value string, limit int) string {
	runes := []rune(value)
	if len(runes) <= limit {
		return value
	}
	k.warn(field, "%d characters, cut to %d", len(runes), limit)
	return string(runes[:limit])
}

func (k *checker) textCard(t *TextCard) (*TextCard, error) {
	switch {
	case t == nil || t.Title == "":
		return nil, refuse(41016, "missing title")
	case t.Description == "":
		return nil, refuse(41033, "missing description")
	case t.URL == "" || len(t.URL) > 2048 || !hasScheme(t.URL):
		return nil, refuse(40058, "invalid request parameter: textcard.url")
	}
	k.length("textcard.btntxt", t.ButtonText, 4)
	shown := TextCard{
		Title:       k.cutRunes("textcard.title", t.Title, 128),
		Description: k.cutRunes("textcard.description", t.Description, 512),
		URL:         t.URL, ButtonText: t.ButtonText,
	}
	if shown.ButtonText == "" {
		shown.ButtonText = "详情"
	}
	return &shown, nil
}

func (k *checker) articles(articles []Article) ([]Article, error) {
	if len(articles) > 8 {
		return nil, refuse(45008, "article count out of limit: %d", len(articles))
	}
	shown := make([]Article, len(articles))
	for i, a := range articles {
		field := fmt.Sprintf("articles[%d]", i)
		switch {
		case a.Title == "":
			return nil, refuse(41016, "missing title: %s", field)
		case a.PicURL != "" && (len(a.PicURL) > 2048 || !hasScheme(a.PicURL)):
			return nil, refuse(40058, "invalid request parameter: %s.picurl", field)
		case a.AppID != "" && (a.PagePath == "" || len(a.PagePath) > 128):
			return nil, refuse(40058, "invalid request parameter: %s.pagepath", field)
		case a.AppID == "" && (a.URL == "" || len(a.URL) > 2048 || !hasScheme(a.URL)):
			return nil, refuse(40058, "invalid request parameter: %s.url", field)
		}
		a.Title = k.cut(field+".title", a.Title, 128)
		a.Description = k.cut(field+".description", a.Description, 512)
		shown[i] = a
	}
	return shown, nil
}

// media checks only that a media_id is there: there is no media store here.
func (k *checker) media(raw json.RawMessage) (string, error) {
	var m struct {
		MediaID string `json:"media_id"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &m) != nil || m.MediaID == "" {
		return "", refuse(40058, "invalid request parameter: media_id")
	}
	return string(raw), nil
}

// mpNews checks the articles of an mpnews, which live at WeCom; there is no media store here for their covers.
func (k *checker) mpNews(raw json.RawMessage) (string, error) {
	var m struct {
		Articles []struct {
			Title   string `json:"title"`
			ThumbID string `json:"thumb_media_id"`
			Content string `json:"content"`
		} `json:"articles"`
	}
	switch {
	case len(raw) == 0 || json.Unmarshal(raw, &m) != nil || len(m.Articles) == 0:
		return "", refuse(40063, "some parameters are empty: articles")
	case len(m.Articles) > 8:
		return "", refuse(45008, "article count out of limit: %d", len(m.Articles))
	}
	for i, a := range m.Articles {
		switch {
		case a.Title == "":
			return "", refuse(41016, "missing title: articles[%d]", i)
		case a.ThumbID == "" || a.Content == "":
			return "", refuse(40058, "invalid request parameter: articles[%d] needs thumb_media_id and content", i)
		}
	}
	return string(raw), nil
}
