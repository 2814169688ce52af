package cards

// EventKeys of the buttons of NewcomerChannels.
const (
	KeyNewcomerEmail = "newcomer.email"
	KeyNewcomerPhone = "newcomer.phone"
)

// NewcomerData is the student number a member gave whose userid is not on record, and the ways a code can travel here. Nothing in it may
// come from the register, which a stranger must not be able to ask.
type NewcomerData struct {
	Number       string
	Email, Phone bool   // offered here at all
	URL          string // the page that does the same
}

// NewcomerChannels asks where to send the code for a number that may or may not be on record. Its Subject is the number.
func NewcomerChannels(lang Lang, d NewcomerData) Card {
	c := Card{
		lang: lang, Kind: "newcomer_channels", Subject: d.Number, Type: ButtonInteraction,
		Source:       source(lang, kSourceAssistant),
		MainTitle:    &MainTitle{Title: say(lang, kVerifyTitle), Desc: say(lang, kVerifyDesc)},
		SubTitleText: say(lang, kNewcomerHint),
		CardAction:   openURL(d.URL),
	}
	c.row(kRowNumber, d.Number)
	style := ButtonPrimary
	if d.Email || !d.Phone {
		c.ButtonList = append(c.ButtonList, Button{Text: say(lang, kVerifyByEmail), Style: style, Key: KeyNewcomerEmail})
		style = ButtonPlain
	}
	if d.Phone {
		c.ButtonList = append(c.ButtonList, Button{Text: say(lang, kVerifyByPhone), Style: style, Key: KeyNewcomerPhone})
	}
	return c.Fit()
}
