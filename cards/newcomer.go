package cards

// EventKeys of the buttons of NewcomerChannels.
const (
	KeyNewcomerEmail   = "newcomer.email"
	KeyNewcomerPhone   = "newcomer.phone"
	KeyNewcomerChannel = "newcomer.channel"
)

// NewcomerData is the student number a member gave whose userid is not on record, and the ways a code can travel here. Nothing in it may
// come from the register, which a stranger must not be able to ask.
type NewcomerData struct {
	Number       string
	Email, Phone bool   // offered here at all
	URL          string // the page that does the same
}

// NewcomerChannels asks where to send the code for a number that may or may not be on record, as VerifyChannels does, with
// KeyNewcomerChannel, KeyNewcomerEmail and KeyNewcomerPhone. Its Subject is the number.
func NewcomerChannels(lang Lang, d NewcomerData) Card {
	c := Card{
		lang: lang, Kind: "newcomer_channels", Subject: d.Number,
		Source:    source(lang, kSourceAssistant),
		MainTitle: &MainTitle{Title: say(lang, kVerifyTitle), Desc: say(lang, kVerifyDesc)},
	}
	if d.Email && d.Phone {
		c.MainTitle.Title = say(lang, kNewcomerTitle, cut(d.Number, 20))
		c.MainTitle.Desc = say(lang, kNewcomerDesc)
		return c.channels(KeyNewcomerChannel, d.URL).Fit()
	}
	c.SubTitleText = say(lang, kNewcomerHint)
	c.row(kRowNumber, d.Number)
	return c.oneChannel(d.Phone && !d.Email, KeyNewcomerEmail, KeyNewcomerPhone, d.URL).Fit()
}
