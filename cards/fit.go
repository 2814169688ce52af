package cards

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Fit returns a copy of the card whose texts are clean (valid UTF-8, no control, direction or zero-width characters) and no longer than
// WeCom recommends, whose lists are no longer than WeCom allows, and from which rows without a name and links without
// an address are gone. Keys, ids and addresses are never changed, because they have a meaning. The builders end with Fit.
func (c Card) Fit() Card {
	if c.Source != nil {
		s := *c.Source
		s.Desc = cut(s.Desc, lenSourceDesc)
		c.Source = &s
	}
	if c.MainTitle != nil {
		c.MainTitle = &MainTitle{Title: cut(c.MainTitle.Title, lenTitle), Desc: cut(c.MainTitle.Desc, lenTitleDesc)}
	}
	if c.EmphasisContent != nil {
		c.EmphasisContent = &Emphasis{Title: cut(c.EmphasisContent.Title, lenEmphasisTitle), Desc: cut(c.EmphasisContent.Desc, lenEmphasisDesc)}
	}
	c.SubTitleText = cut(c.SubTitleText, lenSubTitle)
	c.ReplaceText = cut(c.ReplaceText, lenButton)
	if c.QuoteArea != nil {
		q := *c.QuoteArea
		q.Title, q.QuoteText = cut(q.Title, lenTitle), cut(q.QuoteText, lenQuote)
		c.QuoteArea = &q
	}
	if c.ImageTextArea != nil {
		a := *c.ImageTextArea
		a.Title, a.Desc = cut(a.Title, lenTitle), cut(a.Desc, lenTitleDesc)
		c.ImageTextArea = &a
	}
	if c.ActionMenu != nil {
		m := ActionMenu{Desc: cut(c.ActionMenu.Desc, lenTitleDesc), ActionList: head(c.ActionMenu.ActionList, maxActions)}
		for i := range m.ActionList {
			m.ActionList[i].Text = cut(m.ActionList[i].Text, lenActionText)
		}
		c.ActionMenu = &m
	}
	c.fitRows()
	c.fitChoices()
	return c
}

func (c *Card) fitRows() {
	verticals := slices.DeleteFunc(slices.Clone(c.VerticalContentList), func(r Vertical) bool { return clean(r.Title) == "" })
	c.VerticalContentList = head(verticals, maxVertical)
	for i := range c.VerticalContentList {
		r := &c.VerticalContentList[i]
		r.Title, r.Desc = cut(r.Title, lenVerticalTitle), cut(r.Desc, lenVerticalDesc)
	}
	rows := slices.DeleteFunc(slices.Clone(c.HorizontalContentList), func(r Horizontal) bool {
		return clean(r.KeyName) == "" || clean(r.Value) == "" && r.Type == HorizontalText || r.Type == HorizontalURL && !validURL(r.URL)
	})
	c.HorizontalContentList = head(rows, maxHorizontal)
	for i := range c.HorizontalContentList {
		r := &c.HorizontalContentList[i]
		r.KeyName, r.Value = cut(r.KeyName, lenKeyName), cut(r.Value, lenValue)
	}
	jumps := slices.DeleteFunc(slices.Clone(c.JumpList), func(j Jump) bool {
		return clean(j.Title) == "" || j.Type == JumpURL && !validURL(j.URL)
	})
	c.JumpList = head(jumps, maxJumps)
	for i := range c.JumpList {
		c.JumpList[i].Title = cut(c.JumpList[i].Title, lenJumpTitle)
	}
}

func (c *Card) fitChoices() {
	buttons := slices.DeleteFunc(slices.Clone(c.ButtonList), func(b Button) bool {
		return clean(b.Text) == "" || b.Type == ButtonURL && !validURL(b.URL)
	})
	c.ButtonList = head(buttons, maxButtons)
	for i := range c.ButtonList {
		c.ButtonList[i].Text = cut(c.ButtonList[i].Text, lenButton)
	}
	if c.ButtonSelection != nil {
		s := *c.ButtonSelection
		s.Title, s.OptionList = cut(s.Title, lenOption), fitOptions(s.OptionList)
		c.ButtonSelection = &s
	}
	if c.Checkbox != nil {
		b := *c.Checkbox
		b.OptionList = head(b.OptionList, maxCheckOptions)
		for i := range b.OptionList {
			b.OptionList[i].Text = cut(b.OptionList[i].Text, lenCheckOption)
		}
		c.Checkbox = &b
	}
	c.SelectList = head(c.SelectList, maxSelects)
	for i := range c.SelectList {
		s := &c.SelectList[i]
		s.Title, s.OptionList = cut(s.Title, lenOption), fitOptions(s.OptionList)
	}
	if c.SubmitButton != nil {
		c.SubmitButton = &Submit{Text: cut(c.SubmitButton.Text, lenButton), Key: c.SubmitButton.Key}
	}
}

func fitOptions(list []Option) []Option {
	list = head(list, maxOptions)
	for i := range list {
		list[i].Text = cut(list[i].Text, lenOption)
	}
	return list
}

// head copies the first n elements at most; nil stays nil.
func head[T any](list []T, n int) []T {
	return slices.Clone(list[:min(len(list), n)])
}

// cut cleans s and shortens it to n characters, the last of which is then an ellipsis.
func cut(s string, n int) string {
	s = clean(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	keep := 0
	for i := range s {
		if keep == n-1 {
			return strings.TrimRightFunc(s[:i], unicode.IsSpace) + "…"
		}
		keep++
	}
	return s
}

// width is how wide a text is drawn, in halves of a Chinese character.
func width(s string) (n int) {
	for _, r := range s {
		n++
		if r >= 0x2e80 {
			n++
		}
	}
	return n
}

// cutWidth is cut for a width.
func cutWidth(s string, n int) string {
	s = clean(s)
	for most := utf8.RuneCountInString(s); width(s) > n && most > 1; most-- {
		s = cut(s, most-1)
	}
	return s
}

// cutBytes shortens s to n bytes on a rune border, the last character of which is then an ellipsis.
func cutBytes(s string, n int) string {
	const ellipsis = "…"
	if len(s) <= n {
		return s
	}
	end := n - len(ellipsis)
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + ellipsis
}

// CutText shortens a text to MaxTextBytes on a rune border; WeCom would cut it anywhere.
func CutText(s string) string { return cutBytes(s, MaxTextBytes) }

// clean makes a text safe to show: names and remarks come from people, and a direction or zero-width character in them
// can make a card read differently from what it says. Line breaks become spaces; keep lines apart with separate fields.
func clean(s string) string {
	if plain(s) {
		return strings.TrimSpace(s)
	}
	s = strings.ToValidUTF8(s, "�")
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\r', r == '\t', r == '\u2028', r == '\u2029':
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r), unicode.Is(unicode.Noncharacter_Code_Point, r):
			return -1
		}
		return r
	}, s)
	return strings.TrimSpace(s)
}

// plain reports whether s needs no cleaning but trimming: printable ASCII and common CJK.
func plain(s string) bool {
	for _, r := range s {
		if r >= 0x20 && r < 0x7f || r >= 0x4e00 && r <= 0x9fff || r == '¥' {
			continue
		}
		return false
	}
	return true
}
