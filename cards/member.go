package cards

import (
	"strings"
	"time"
)

// EventKeys of the buttons that come back to the bot.
const (
	KeyVerifyEmail   = "verify.email"
	KeyVerifyPhone   = "verify.phone"
	KeyVerifyChannel = "verify.channel" // with the choice selected
)

// The question of a choice between the ways of a code, and the ids of its options.
const (
	AskChannel   = "channel"
	ChannelEmail = "email"
	ChannelPhone = "phone"
)

// VerifyChannelsData is where a code can go, masked by the caller; an empty address is not offered. One must be given.
type VerifyChannelsData struct {
	MaskedEmail string
	MaskedPhone string
	URL         string // the page that does the same
}

// VerifyChannels asks where to send the code. With two ways it is a choice that is submitted with KeyVerifyChannel, its options' ids being
// ChannelEmail and ChannelPhone; with one it is that one's button, KeyVerifyEmail or KeyVerifyPhone.
func VerifyChannels(lang Lang, d VerifyChannelsData) Card {
	c := Card{
		lang: lang, Kind: "verify_channels",
		Source:    source(lang, kSourceAssistant),
		MainTitle: &MainTitle{Title: say(lang, kVerifyTitle), Desc: say(lang, kVerifyDesc)},
	}
	if email, phone := clean(d.MaskedEmail), clean(d.MaskedPhone); email != "" && phone != "" {
		c.MainTitle.Desc = phone + " · " + email
		return c.channels(KeyVerifyChannel, d.URL).Fit()
	}
	c.row(kRowEmail, d.MaskedEmail)
	c.row(kRowPhone, d.MaskedPhone)
	return c.oneChannel(clean(d.MaskedPhone) != "", KeyVerifyEmail, KeyVerifyPhone, d.URL).Fit()
}

// channels makes the card a choice between both ways.
func (c Card) channels(submit, url string) Card {
	c.Type, c.page, c.hint = VoteInteraction, link{say(c.lang, kVerifyGo), url}, say(c.lang, kVerifyTyped)
	c.Checkbox = &Checkbox{QuestionKey: AskChannel, OptionList: []CheckOption{
		{ID: ChannelEmail, Text: say(c.lang, kVerifyByEmail), IsChecked: true}, {ID: ChannelPhone, Text: say(c.lang, kVerifyByPhone)},
	}}
	c.SubmitButton = &Submit{Text: say(c.lang, kVerifyPress), Key: submit}
	return c
}

// oneChannel gives the card the one button there is to press.
func (c Card) oneChannel(phone bool, emailKey, phoneKey, url string) Card {
	c.Type, c.CardAction, c.SubTitleText = ButtonInteraction, openURL(url), strings.TrimSpace(c.SubTitleText+" "+say(c.lang, kVerifyOnPage))
	text, key, typed := kVerifyByEmail, emailKey, kVerifyTypedEmail
	if phone {
		text, key, typed = kVerifyByPhone, phoneKey, kVerifyTypedPhone
	}
	c.hint = say(c.lang, typed)
	c.ButtonList = []Button{{Text: say(c.lang, text), Style: ButtonPrimary, Key: key}}
	return c
}

// CodeSentData is where a code went (masked by the caller) and how long it lives.
type CodeSentData struct {
	MaskedAddress string
	ValidFor      time.Duration
	URL           string // the page that takes the code
}

// CodeSent replaces VerifyChannels once a button was pressed.
func CodeSent(lang Lang, d CodeSentData) Card {
	c := notice(lang, "code_sent", kSourceAssistant, say(lang, kCodeSentTitle), say(lang, kCodeSentDesc), d.URL)
	c.row(kRowSentTo, d.MaskedAddress)
	c.row(kRowValid, Minutes(lang, d.ValidFor))
	c.SubTitleText = say(lang, kCodeSentHint)
	c.jump(kCodeSentPage, d.URL)
	return c.Fit()
}

// VerifiedData leads on to binding.
type VerifiedData struct {
	Name    string // the person's own name; may be empty
	BindURL string
}

// Verified is the assistant's answer to a right code.
func Verified(lang Lang, d VerifiedData) Card {
	c := notice(lang, "verified", kSourceAssistant, say(lang, kVerifiedTitle), say(lang, kVerifiedDesc), d.BindURL)
	c.row(kRowName, d.Name)
	c.jump(kBindGo, d.BindURL)
	return c.Fit()
}

// Welcome is the card app's first message to a person just verified.
func Welcome(lang Lang, d VerifiedData) Card {
	title := say(lang, kWelcomeTitle)
	if name := cut(d.Name, 12); name != "" {
		title = say(lang, kWelcomeNamed, name)
	}
	c := notice(lang, "welcome", kSourceCard, title, say(lang, kWelcomeDesc), d.BindURL)
	c.SubTitleText = say(lang, kWelcomeHint)
	c.jump(kBindGo, d.BindURL)
	return c.Fit()
}

// NotVerified leads a member who has not verified yet to url, the page that verifies.
func NotVerified(lang Lang, url string) Card {
	c := notice(lang, "not_verified", kSourceCard, say(lang, kNotVerifiedTitle), say(lang, kNotVerifiedDesc), url)
	c.jump(kVerifyGo, url)
	return c.Fit()
}

// NotBound leads a verified member without a card to url, the page that binds.
func NotBound(lang Lang, url string) Card {
	c := notice(lang, "not_bound", kSourceCard, say(lang, kNotBoundTitle), say(lang, kNotBoundDesc), url)
	c.SubTitleText = say(lang, kWelcomeHint)
	c.jump(kBindGo, url)
	return c.Fit()
}

// BoundData is a card just bound.
type BoundData struct {
	Name        string
	CardNo      string
	HomeURL     string
	PasswordURL string // "" = the holder already has an own query password
}

// Bound tells that binding worked and, while the password is the initial one, leads to choosing an own one.
func Bound(lang Lang, d BoundData) Card {
	c := notice(lang, "bound", kSourceCard, say(lang, kBoundTitle), say(lang, kBoundDesc), d.HomeURL)
	c.row(kRowName, d.Name)
	c.row(kRowCard, MaskCardNo(d.CardNo))
	if d.PasswordURL != "" {
		c.MainTitle.Desc = ""
		c.SubTitleText = say(lang, kBoundPassword)
		c.CardAction = openURL(d.PasswordURL)
		c.jump(kPasswordGo, d.PasswordURL)
	}
	c.jump(kJumpHome, d.HomeURL)
	return c.Fit()
}

// PasswordFirst leads to url, the page that sets a query password. It also answers six digits typed where no code is awaited.
func PasswordFirst(lang Lang, url string) Card {
	c := notice(lang, "password_first", kSourceCard, say(lang, kPasswordTitle), say(lang, kPasswordDesc), url)
	c.SubTitleText = say(lang, kBoundPassword)
	c.jump(kPasswordGo, url)
	return c.Fit()
}

// Help answers 帮助 and whatever was not understood in the card app; url is the home page.
func Help(lang Lang, url string) Card {
	c := notice(lang, "help", kSourceCard, say(lang, kHelpCardTitle), say(lang, kHelpCardDesc), url)
	for _, row := range [][2]key{{kRowHelpSee, kHelpSee}, {kRowHelpPay, kHelpPay}, {kRowHelpLost, kHelpLost}, {kRowHelpCard, kHelpCard}, {kRowHelpSet, kHelpSet}, {kRowHelpHuman, kHelpHuman}} {
		c.row(row[0], say(lang, row[1]))
	}
	c.jump(kJumpHome, url)
	return c.Fit()
}

// HelpAssistant answers 帮助 and whatever was not understood in the assistant; url is the page that verifies.
func HelpAssistant(lang Lang, url string) Card {
	c := notice(lang, "help_assistant", kSourceAssistant, say(lang, kHelpVerifyTitle), say(lang, kHelpVerifyDesc), url)
	c.SubTitleText = say(lang, kHelpVerifyText)
	c.jump(kVerifyGo, url)
	return c.Fit()
}

// NoticeData is any short message in words the caller has already put into the person's language.
type NoticeData struct {
	Title     string // empty = 提示
	Body      string
	LinkTitle string
	URL       string
	Assistant bool // from the assistant instead of the card app
}

// Notice shows a message that has no card of its own, a failure for example.
func Notice(lang Lang, d NoticeData) Card {
	title, from := d.Title, kSourceCard
	if clean(title) == "" {
		title = say(lang, kNoticeTitle)
	}
	if d.Assistant {
		from = kSourceAssistant
	}
	c := notice(lang, "notice", from, title, "", d.URL)
	c.SubTitleText = d.Body
	c.JumpList = append(c.JumpList, Jump{Type: JumpURL, Title: d.LinkTitle, URL: d.URL})
	return c.Fit()
}
