package h5

import (
	"net/http"

	"xiaoka/ledger"
)

type settingsView struct {
	Lang  ledger.Lang
	Style ledger.MessageStyle
	Known bool // on record, so that a choice can be kept
	Error string
}

func (v *visit) settingsForm() error { return v.showSettings(http.StatusOK, "") }

// settings keeps the language and how rich messages come.
func (v *visit) settings() error {
	if v.person.ID == 0 {
		return v.redirect("/h5/settings")
	}
	form := v.r.PostForm
	lang, style := ledger.Lang(form.Get("lang")), ledger.MessageStyle(form.Get("message_style"))
	switch lang {
	case ledger.Chinese, ledger.English, "":
	default:
		return v.showSettings(http.StatusUnprocessableEntity, v.t("settings.unknown"))
	}
	switch style {
	case ledger.StyleCard, ledger.StyleTextCard, "":
	default:
		return v.showSettings(http.StatusUnprocessableEntity, v.t("settings.unknown"))
	}
	if lang != "" {
		if err := v.Store.SetLang(v.ctx(), v.person.ID, lang); err != nil {
			return err
		}
	}
	if style != "" {
		if err := v.Store.SetMessageStyle(v.ctx(), v.person.ID, style); err != nil {
			return err
		}
	}
	return v.redirect("/h5/settings?done=settings")
}

func (v *visit) showSettings(status int, word string) error {
	data := settingsView{Lang: v.lang, Style: v.person.MessageStyle, Known: v.person.ID != 0, Error: word}
	if data.Style == "" {
		data.Style = ledger.StyleCard
	}
	return v.show(status, "settings", v.t("settings.title"), data)
}
