package cards

import "time"

// TopUpChoice is one amount offered and the page that starts it.
type TopUpChoice struct {
	AmountFen int64
	URL       string
}

// TopUpChoicesData is what to offer; OtherURL leads to the page where any amount can be typed.
type TopUpChoicesData struct {
	Choices  []TopUpChoice // the first five are shown
	OtherURL string
}

// TopUpChoices answers 充值 without an amount. Its buttons only open pages, so nothing comes back to the bot; WeCom
// demands a TaskID on it all the same, which package bot sets.
func TopUpChoices(lang Lang, d TopUpChoicesData) Card {
	c := Card{
		lang: lang, Kind: "topup_choices", Type: ButtonInteraction, typed: say(lang, kTopUpTyped),
		Source:     source(lang, kSourceCard),
		MainTitle:  &MainTitle{Title: say(lang, kTopUpChoicesTitle), Desc: say(lang, kTopUpChoicesDesc)},
		CardAction: openURL(d.OtherURL),
	}
	c.SubTitleText = say(lang, kTopUpHint)
	for _, choice := range d.Choices[:min(len(d.Choices), maxButtons-1)] {
		c.ButtonList = append(c.ButtonList, Button{Type: ButtonURL, Style: ButtonPrimary, Text: wholeYuan(choice.AmountFen), URL: choice.URL})
	}
	c.ButtonList = append(c.ButtonList, Button{Type: ButtonURL, Style: ButtonPlain, Text: say(lang, kTopUpOther), URL: d.OtherURL})
	return c.Fit()
}

// TopUpAmountData is the one amount a person asked for and the page that starts it.
type TopUpAmountData struct {
	AmountFen int64
	CardNo    string
	URL       string
}

// TopUpAmount answers 充值 50.
func TopUpAmount(lang Lang, d TopUpAmountData) Card {
	c := notice(lang, "topup_amount", kSourceCard, say(lang, kTopUpTitle), "", d.URL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.AmountFen), Desc: say(lang, kTopUpAmount)}
	c.SubTitleText = say(lang, kTopUpHint)
	c.row(kRowCard, MaskCardNo(d.CardNo))
	c.jump(kTopUpPay, d.URL)
	return c.Fit()
}

// TopUpPaidData is a top-up WeChat Pay says was paid.
type TopUpPaidData struct {
	AmountFen  int64
	PendingFen int64 // everything that waits now, this one included
	OutTradeNo string
	PaidAt     time.Time
	Stopped    bool // the card cannot collect it now
	URL        string
}

// TopUpPaid tells that a payment was received and waits to be claimed.
func TopUpPaid(lang Lang, d TopUpPaidData) Card {
	how := kTopUpPaidDesc
	if d.Stopped {
		how = kTopUpPaidStopped
	}
	c := notice(lang, "topup_paid", kSourceCard, say(lang, kTopUpPaidTitle), say(lang, how), d.URL)
	c.EmphasisContent = &Emphasis{Title: Yuan(d.AmountFen), Desc: say(lang, kTopUpPaidState)}
	if d.PendingFen > d.AmountFen {
		c.row(kRowSum, say(lang, kToCollect, Yuan(d.PendingFen)))
	}
	c.row(kRowTime, When(lang, d.PaidAt))
	c.row(kRowOrder, d.OutTradeNo)
	return c.Fit()
}
