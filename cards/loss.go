package cards

import "time"

// EventKeys of the buttons about loss.
const (
	KeyLossConfirm = "loss.confirm"
	KeyLossDrop    = "loss.drop"
)

// LossAskData is the campus card somebody wants to report, and the page that takes the report.
type LossAskData struct {
	CardNo string
	URL    string
}

// LossConfirm answers 挂失: nothing is reported yet. Its buttons send KeyLossConfirm or KeyLossDrop; touching the card opens the page.
func LossConfirm(lang Lang, d LossAskData) Card {
	c := Card{
		lang: lang, Kind: "loss_confirm", Type: ButtonInteraction, hint: say(lang, kLossTyped),
		Source:       source(lang, kSourceCard),
		MainTitle:    &MainTitle{Title: say(lang, kLossConfirmTitle), Desc: say(lang, kLossConfirmDesc)},
		SubTitleText: say(lang, kLossConfirmHint),
		CardAction:   openURL(d.URL),
		ButtonList: []Button{
			{Text: say(lang, kLossConfirmYes), Style: ButtonWarn, Key: KeyLossConfirm},
			{Text: say(lang, kLossConfirmNo), Style: ButtonPlain, Key: KeyLossDrop},
		},
	}
	c.row(kRowCard, MaskCardNo(d.CardNo))
	return c.Fit()
}

// LossNext leads whoever confirmed to the page that asks for the query password. It has buttons, because WeCom lets only such a card be
// replaced again, by Lost; its words stay true if it is not.
func LossNext(lang Lang, d LossAskData) Card {
	c := Card{
		lang: lang, Kind: "loss_next", Type: ButtonInteraction,
		Source:     source(lang, kSourceCard),
		MainTitle:  &MainTitle{Title: say(lang, kLossNextTitle), Desc: say(lang, kLossNextDesc)},
		CardAction: openURL(d.URL),
		ButtonList: []Button{
			{Type: ButtonURL, Text: say(lang, kLossNextGo), Style: ButtonPrimary, URL: d.URL},
			{Text: say(lang, kLossConfirmNo), Style: ButtonPlain, Key: KeyLossDrop},
		},
	}
	c.row(kRowCard, MaskCardNo(d.CardNo))
	return c.Fit()
}

// LostData is a loss report that was accepted.
type LostData struct {
	CardNo     string
	Receipt    string
	AcceptedAt time.Time // in the zone to show
	// Terminals in service, and how many of them refuse the card by now; 0 terminals = not said.
	Terminals, Informed int
	URL                 string // the page that follows it
	CancelURL           string // the page that takes it back
}

// Lost tells that the loss is reported. It replaces the LossConfirm that led to it, and answers 挂失 from then on. Nothing can replace it
// once the card is found, so it says until when the card is stopped, and not that it is.
func Lost(lang Lang, d LostData) Card {
	c := notice(lang, "lost", kSourceCard, say(lang, kStatusLost), say(lang, kLostDesc), d.URL)
	c.SubTitleText = say(lang, kLostAccepted, d.AcceptedAt.Format("15:04:05"))
	if d.Terminals > 0 {
		c.SubTitleText = say(lang, kLostActive, d.AcceptedAt.Format("15:04:05"), d.Informed, d.Terminals)
	}
	c.row(kRowCard, MaskCardNo(d.CardNo))
	c.row(kRowReceipt, d.Receipt)
	c.row(kRowTime, When(lang, d.AcceptedAt))
	c.jump(kLostFollow, d.URL)
	c.jump(kLostCancel, d.CancelURL)
	return c.Fit()
}
