package cards

// EventKeys of the buttons of AskPurchasePush.
const (
	KeyPurchasePushOn  = "push.consumption.on"
	KeyPurchasePushOff = "push.consumption.off"
)

// AskPurchasePush asks, before anything changes, whether messages about purchases shall come (on) or not, and leads to url, where every
// kind has its own switch. Its button sends KeyPurchasePushOn or KeyPurchasePushOff.
func AskPurchasePush(lang Lang, on bool, url string) Card {
	title, button, press := kPushOffTitle, kPushOffDo, KeyPurchasePushOff
	if on {
		title, button, press = kPushOnTitle, kPushOnDo, KeyPurchasePushOn
	}
	return Card{
		lang: lang, Kind: "ask_purchase_push", Type: ButtonInteraction, hint: say(lang, kPushTyped),
		Source:       source(lang, kSourceCard),
		MainTitle:    &MainTitle{Title: say(lang, title), Desc: say(lang, kPushDesc)},
		SubTitleText: say(lang, kPushHint),
		CardAction:   openURL(url),
		ButtonList: []Button{
			{Text: say(lang, button), Style: ButtonPrimary, Key: press},
			{Type: ButtonURL, Text: say(lang, kPushSettings), Style: ButtonPlain, URL: url},
		},
	}.Fit()
}
