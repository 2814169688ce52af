package cards

import (
	"strings"
	"unicode/utf8"
)

// notice starts a text_notice, the kind of all answers that need no press of a button.
func notice(lang Lang, kind string, from key, title, desc, url string) Card {
	return Card{
		lang: lang, Kind: kind, Type: TextNotice,
		Source:     source(lang, from),
		MainTitle:  &MainTitle{Title: title, Desc: desc},
		CardAction: openURL(url),
	}
}

func source(lang Lang, from key) *Source { return &Source{Desc: say(lang, from)} }

func openURL(url string) *Action { return &Action{Type: JumpURL, URL: url} }

// row adds a line with a name from the catalogue; Fit drops it when value is empty.
func (c *Card) row(name key, value string) {
	c.HorizontalContentList = append(c.HorizontalContentList, Horizontal{KeyName: say(c.lang, name), Value: value})
}

// jump adds a link at the foot; Fit drops it when url is empty.
func (c *Card) jump(title key, url string) {
	c.JumpList = append(c.JumpList, Jump{Type: JumpURL, Title: say(c.lang, title), URL: url})
}

// joinSpaced joins what is not empty with spaces.
func joinSpaced(parts ...string) string { return strings.Join(nonEmpty(parts), " ") }

func joinPlaces(lang Lang, places []string) string {
	var out []string
	for _, p := range places {
		if p = clean(p); p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, say(lang, kPlaceSeparator))
}

// Places names places in at most room characters: all of them, or the first that fit and how many there are. One place is always named.
func Places(lang Lang, places []string, room int) string {
	all := joinPlaces(lang, places)
	for n := len(places) - 1; n > 0 && utf8.RuneCountInString(all) > room; n-- {
		all = say(lang, kPlacesOf, joinPlaces(lang, places[:n]), len(places))
	}
	return all
}

// wholeYuan drops the fen of a round amount, to fit a button: "¥50".
func wholeYuan(fen int64) string { return strings.TrimSuffix(Yuan(fen), ".00") }
