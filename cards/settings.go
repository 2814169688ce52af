package cards

import "slices"

// EventKeys of the buttons about settings, and the question keys of what they ask.
const (
	KeySettingsSave  = "settings.save"
	KeyPushKindsSave = "push.kinds.save"
	KeyLangZh        = "lang.zh-CN"
	KeyLangEn        = "lang.en"

	AskLang  = "lang"
	AskStyle = "style"
	AskLow   = "low"
	AskKinds = "kinds"
)

// SettingsData is what a person has set. Styles and languages go by the ledger's names.
type SettingsData struct {
	Lang  Lang
	Style string // "card" or "textcard"
	// LowFen is the balance below which the person is told, 0 = off; LowChoices are offered beside it. Nobody is asked for it while
	// LowChoices is empty.
	LowFen     int64
	LowChoices []int64
	URL        string // the page that has every setting
}

// LowOption names a choice of the low-balance alert.
func LowOption(fen int64) string { return Yuan(fen) }

// Settings answers 设置 with up to three selectors; their options' ids are a language, a style and what LowOption gives.
func Settings(lang Lang, d SettingsData) Card {
	c := Card{
		lang: lang, Kind: "settings", Type: MultipleInteraction, typed: say(lang, kSettingsTyped), page: link{say(lang, kSettingsAll), d.URL},
		Source:    source(lang, kSourceCard),
		MainTitle: &MainTitle{Title: say(lang, kSettingsTitle), Desc: say(lang, kSettingsDesc)},
		SelectList: []Select{
			{QuestionKey: AskLang, Title: say(lang, kAskLang), SelectedID: string(Zh), OptionList: []Option{{string(Zh), say(lang, kLangZh)}, {string(En), say(lang, kLangEn)}}},
			{QuestionKey: AskStyle, Title: say(lang, kAskStyle), SelectedID: "card", OptionList: []Option{{"card", say(lang, kStyleCard)}, {"textcard", say(lang, kStyleTextCard)}}},
		},
		SubmitButton: &Submit{Text: say(lang, kSettingsSave), Key: KeySettingsSave},
	}
	if d.Lang == En {
		c.SelectList[0].SelectedID = string(En)
	}
	if d.Style == "textcard" {
		c.SelectList[1].SelectedID = "textcard"
	}
	if len(d.LowChoices) > 0 {
		c.SelectList = append(c.SelectList, lowSelect(lang, d))
	}
	return c.Fit()
}

// AskLanguage offers both languages, in words that readers of either understand; its buttons send KeyLangZh and KeyLangEn.
func AskLanguage(lang Lang, url string, assistant bool) Card {
	from := kSourceCard
	if assistant {
		from = kSourceAssistant
	}
	return Card{
		lang: lang, Kind: "ask_language", Type: ButtonInteraction, hint: say(lang, kAskLanguageTyped),
		Source:     source(lang, from),
		MainTitle:  &MainTitle{Title: say(lang, kAskLanguageTitle), Desc: say(lang, kAskLanguageDesc)},
		CardAction: openURL(url),
		ButtonList: []Button{
			{Text: say(lang, kLangZh), Style: ButtonPrimary, Key: KeyLangZh},
			{Text: say(lang, kLangEn), Style: ButtonPrimary, Key: KeyLangEn},
		},
	}.Fit()
}

// lowSelect offers the amounts, the one that is set among them.
func lowSelect(lang Lang, d SettingsData) Select {
	s := Select{QuestionKey: AskLow, Title: say(lang, kAskLow), SelectedID: LowOption(d.LowFen), OptionList: []Option{{LowOption(0), say(lang, kLowOff)}}}
	seen := map[int64]bool{0: true}
	for _, fen := range append([]int64{d.LowFen}, d.LowChoices...) {
		if !seen[fen] && len(s.OptionList) < maxOptions {
			seen[fen] = true
			s.OptionList = append(s.OptionList, Option{LowOption(fen), say(lang, kLowBelow, wholeYuan(fen))})
		}
	}
	return s
}

// SettingsSaved takes the place of Settings: what is set now.
func SettingsSaved(lang Lang, d SettingsData) Card {
	c := notice(lang, "settings_saved", kSourceCard, say(lang, kSettingsSaved), "", d.URL)
	spoken, style := kLangZh, kStyleCard
	if d.Lang == En {
		spoken = kLangEn
	}
	if d.Style == "textcard" {
		style = kStyleTextCard
	} else {
		c.SubTitleText = say(lang, kStyleHint)
	}
	c.row(kRowLang, say(lang, spoken))
	c.row(kRowStyle, say(lang, style))
	switch {
	case len(d.LowChoices) == 0:
	case d.LowFen == 0:
		c.row(kRowLow, say(lang, kLowOff))
	default:
		c.row(kRowLow, say(lang, kLowBelow, wholeYuan(d.LowFen)))
	}
	c.jump(kSettingsAll, d.URL)
	return c.Fit()
}

// PushKind is one kind of message and whether it is wanted. Kind is the ledger's name.
type PushKind struct {
	Kind string
	On   bool
}

// PushKinds asks which messages shall come. The ids of its options are the kinds; a kind this package has no name for is not asked about.
func PushKinds(lang Lang, kinds []PushKind, url string) Card {
	c := Card{
		lang: lang, Kind: "push_kinds", Type: VoteInteraction, hint: say(lang, kSettingsTyped), page: link{say(lang, kSettingsAll), url},
		Source:       source(lang, kSourceCard),
		MainTitle:    &MainTitle{Title: say(lang, kPushKindsTitle), Desc: say(lang, kPushKindsDesc)},
		Checkbox:     &Checkbox{QuestionKey: AskKinds, Mode: 1},
		SubmitButton: &Submit{Text: say(lang, kSettingsSave), Key: KeyPushKindsSave},
	}
	for _, k := range kinds {
		if name, ok := kindName(lang, k.Kind); ok {
			c.Checkbox.OptionList = append(c.Checkbox.OptionList, CheckOption{ID: k.Kind, Text: name, IsChecked: k.On})
		}
	}
	return c.Fit()
}

// PushKindsSaved takes the place of PushKinds. lowFen is the balance below which the person is told; without one the switch alone does
// nothing, and the card says so.
func PushKindsSaved(lang Lang, kinds []PushKind, lowFen int64, url string) Card {
	c := notice(lang, "push_kinds_saved", kSourceCard, say(lang, kPushKindsSaved), say(lang, kPushKindsDesc), url)
	var on []string
	for _, k := range kinds {
		if name, ok := kindName(lang, k.Kind); ok && k.On {
			on = append(on, name)
		}
	}
	c.SubTitleText = say(lang, kPushKindsNone)
	if len(on) > 0 {
		c.SubTitleText = say(lang, kPushKindsOn, joinPlaces(lang, on))
	}
	if lowFen == 0 && slices.Contains(kinds, PushKind{"low_balance", true}) {
		c.row(kRowLow, say(lang, kLowUnset))
		c.jump(kLowSet, url)
		return c.Fit()
	}
	c.jump(kSettingsAll, url)
	return c.Fit()
}

// kindName is what people call a kind of message that can be switched off.
func kindName(lang Lang, kind string) (string, bool) {
	k := key("kind." + kind)
	if _, ok := catalogue[k]; !ok {
		return "", false
	}
	return say(lang, k), true
}
