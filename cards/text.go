package cards

import (
	"cmp"
	"strings"
)

// TextCard is the textcard message: it shows in WeCom and in WeChat alike and has one link.
// https://developer.work.weixin.qq.com/document/path/90236#文本卡片消息
type TextCard struct {
	Title       string `json:"title"`
	Description string `json:"description"`
	URL         string `json:"url"`
	BtnTxt      string `json:"btntxt,omitempty"`
}

// link is one address a card leads to, with the words on it.
type link struct {
	title, url string
}

// links lists the addresses of the card, the most useful first, each once.
func (c Card) links() []link {
	var out []link
	add := func(title, url string) {
		if url == "" {
			return
		}
		for _, l := range out {
			if l.url == url {
				return
			}
		}
		out = append(out, link{title: title, url: url})
	}
	for _, j := range c.JumpList {
		add(j.Title, j.URL)
	}
	for _, b := range c.ButtonList {
		if b.Type == ButtonURL {
			add(b.Text, b.URL)
		}
	}
	if c.CardAction != nil {
		add(say(c.lang, kOpen), c.CardAction.URL)
	}
	add(c.page.title, c.page.url)
	return out
}

// lines says the card's content line by line, without its links.
func (c Card) lines() []string {
	var out []string
	add := func(parts ...string) {
		parts = nonEmpty(parts)
		if len(parts) > 0 {
			out = append(out, plainMarkup(strings.Join(parts, " ")))
		}
	}
	if t := c.MainTitle; t != nil {
		add(t.Title)
		add(cmp.Or(c.typed, t.Desc))
	}
	if e := c.EmphasisContent; e != nil {
		add(e.Desc, e.Title)
	}
	add(c.SubTitleText)
	if q := c.QuoteArea; q != nil {
		add(q.Title)
		add(q.QuoteText)
	}
	if a := c.ImageTextArea; a != nil {
		add(a.Title)
		add(a.Desc)
	}
	for _, r := range c.HorizontalContentList {
		add(say(c.lang, kPair, r.KeyName, r.Value))
	}
	for _, r := range c.VerticalContentList {
		add(say(c.lang, kPair, r.Title, r.Desc))
	}
	for _, s := range c.SelectList {
		for _, o := range s.OptionList {
			if o.ID == s.SelectedID {
				add(say(c.lang, kPair, s.Title, o.Text))
			}
		}
	}
	if b := c.Checkbox; b != nil {
		for _, o := range b.OptionList {
			if o.IsChecked || b.Mode == 0 {
				add("·", o.Text)
			}
		}
	}
	add(c.hint)
	return out
}

// Text says the same as the card in plain text for a passive reply: its lines, then its links, at most MaxTextBytes. A
// link that does not fit is left out whole, and room is kept for links before lines, since half an address is useless.
func (c Card) Text() string {
	var tail strings.Builder
	for _, l := range c.links() {
		line := "\n" + say(c.lang, kPair, plainMarkup(l.title), l.url)
		if tail.Len()+len(line) <= MaxTextBytes-512 {
			tail.WriteString(line)
		}
	}
	body := cutBytes(strings.Join(c.lines(), "\n"), MaxTextBytes-tail.Len())
	return strings.TrimLeft(body+tail.String(), "\n")
}

// TextCard says the same as the card in a textcard, which has one link only: the card's own, or its first. A card without
// any link gives an empty URL; send its Text instead.
func (c Card) TextCard() TextCard {
	lines := c.lines()
	if len(lines) == 0 {
		lines = []string{defaultTextCardTitle}
	}
	t := TextCard{
		Title:       cutBytes(lines[0], maxTextCardTitle),
		Description: joinLines(lines[min(1, len(lines)-1):], maxTextCardDesc),
		BtnTxt:      cut(say(c.lang, kMore), maxTextCardButton),
	}
	switch links := c.links(); {
	case c.CardAction != nil && c.CardAction.URL != "":
		t.URL = c.CardAction.URL
	case len(links) > 0:
		t.URL = links[0].url
	}
	return t
}

// joinLines joins as many whole lines as fit into n bytes with the tag that a textcard breaks lines at.
func joinLines(lines []string, n int) string {
	const br = "<br>"
	out := cutBytes(lines[0], n)
	for _, l := range lines[1:] {
		if len(out)+len(br)+len(l) > n {
			break
		}
		out += br + l
	}
	return out
}

func nonEmpty(parts []string) []string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return out
}

// plainMarkup disarms the markup that WeCom obeys in text (<a href>) and in a textcard's description (<div>, <br>), so that
// a person's name cannot become a link.
var markup = strings.NewReplacer("<", "＜", ">", "＞")

func plainMarkup(s string) string { return markup.Replace(s) }
