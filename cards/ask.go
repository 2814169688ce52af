package cards

// KeyHelp is the EventKey of a button that asks for help.
const KeyHelp = "help"

// Choice is one thing a person may have meant; Key is its button's EventKey.
type Choice struct{ Text, Key string }

// AskWhich asks back when a wish was not clear. About what was said, an amount or a month, its Subject tells the handler again.
func AskWhich(lang Lang, choices []Choice, url string) Card {
	c := Card{
		lang: lang, Kind: "ask_which", Type: ButtonInteraction,
		Source:     source(lang, kSourceCard),
		MainTitle:  &MainTitle{Title: say(lang, kAskWhichTitle), Desc: say(lang, kAskWhichDesc)},
		CardAction: openURL(url),
	}
	var typed []string
	for _, choice := range choices[:min(len(choices), maxButtons-1)] {
		typed = append(typed, cut(choice.Text, lenButton))
		c.ButtonList = append(c.ButtonList, Button{Text: choice.Text, Style: ButtonPrimary, Key: choice.Key})
	}
	c.typed = say(lang, kAskTyped, joinPlaces(lang, typed))
	c.ButtonList = append(c.ButtonList, Button{Text: say(lang, kAskWhichHelp), Style: ButtonQuiet, Key: KeyHelp})
	return c.Fit()
}

// GreetingData is who came in, when, and what waits for them.
type GreetingData struct {
	Name       string
	Hour       int // of the day, 0 to 23
	BalanceFen int64
	About      bool // records are missing, so the balance is not certain
	PendingFen int64

	InFlightFen int64 // as in BalanceData
	Doubt       bool

	HomeURL, TopUpURL, PendingURL string
}

// Greeting is the first thing a person sees on entering the card app on a day.
func Greeting(lang Lang, d GreetingData) Card {
	title := kGreetEvening
	switch {
	case d.Hour < 4:
		title = kGreetNight
	case d.Hour < 11:
		title = kGreetMorning
	case d.Hour < 14:
		title = kGreetNoon
	case d.Hour < 18:
		title = kGreetAfternoon
	}
	about := kBalanceOnCard
	if d.About {
		about = kBalanceAbout
	}
	c := notice(lang, "greeting", kSourceCard, say(lang, title, cut(d.Name, 12)), "", d.HomeURL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.BalanceFen), Desc: say(lang, about)}
	c.SubTitleText = say(lang, kGreetHint)
	if d.PendingFen > 0 {
		c.row(kRowPending, say(lang, kToCollect, Yuan(d.PendingFen)))
		c.jump(kJumpPending, d.PendingURL)
	}
	c.rowInFlight(d.InFlightFen, d.Doubt)
	c.jump(kJumpTopUp, d.TopUpURL)
	return c.Fit()
}
