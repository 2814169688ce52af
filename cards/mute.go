package cards

// EventKeys about one kind of message; the kind, by the ledger's name, follows them.
const (
	KeyMute      = "mute."
	KeyUnmute    = "unmute."
	KeyPushKinds = "push.kinds" // asks for PushKinds
)

// Mutable gives a notice the menu in its corner that switches this kind of message off. taskID names this very card towards WeCom, which
// demands one. A kind that has no name here, and a card that cannot have a menu, stay as they are.
func (c Card) Mutable(kind, taskID string) Card {
	if _, ok := kindName(c.lang, kind); !ok || c.Type != TextNotice && c.Type != NewsNotice {
		return c
	}
	c.TaskID = taskID
	c.ActionMenu = &ActionMenu{Desc: say(c.lang, kMuteMenu), ActionList: []MenuAction{
		{Text: say(c.lang, kMuteDo), Key: KeyMute + kind}, {Text: say(c.lang, kMuteSettings), Key: KeyPushKinds},
	}}
	return c.Fit()
}

// Muted takes the place of a message whose kind was switched off, and offers to take that back.
func Muted(lang Lang, kind, url string) Card {
	name, _ := kindName(lang, kind)
	return Card{
		lang: lang, Kind: "muted", Type: ButtonInteraction, hint: say(lang, kSettingsTyped),
		Source:     source(lang, kSourceCard),
		MainTitle:  &MainTitle{Title: say(lang, kMutedTitle, name), Desc: say(lang, kMutedDesc)},
		CardAction: openURL(url),
		ButtonList: []Button{
			{Text: say(lang, kMutedUndo), Style: ButtonPlain, Key: KeyUnmute + kind},
			{Text: say(lang, kMuteSettings), Style: ButtonQuiet, Key: KeyPushKinds},
		},
	}.Fit()
}

// Unmuted takes the place of Muted.
func Unmuted(lang Lang, kind, url string) Card {
	name, _ := kindName(lang, kind)
	c := notice(lang, "unmuted", kSourceCard, say(lang, kUnmutedTitle, name), say(lang, kUnmutedDesc), url)
	c.jump(kSettingsAll, url)
	return c.Fit()
}
