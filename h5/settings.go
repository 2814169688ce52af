package h5

import (
	"net/http"
	"strings"
	"time"

	"xiaoka/ledger"
)

type settingsView struct {
	Lang  ledger.Lang
	Style ledger.MessageStyle
	Known bool // on record, so that a choice can be kept
	Error string

	Bound      bool // so that there is something to tell about
	Pushes     []pushView
	LowBalance string // in yuan, as typed or on record; empty = off
	LowError   string

	Accesses []accessView // nil for who is not verified
}

// pushView is one kind of message and its switch. Key names its words.
type pushView struct {
	Kind ledger.EventKind
	On   bool
	Name string
	Hint string
}

// pushWords are the name and the explanation of each kind one can switch.
var pushWords = map[ledger.EventKind]struct{ name, hint string }{
	ledger.EventConsumption: {"push.consumption", "push.consumption.hint"},
	ledger.EventTopUpPaid:   {"push.topup", "push.topup.hint"},
	ledger.EventClaimed:     {"push.claimed", "push.claimed.hint"},
	ledger.EventClaimFailed: {"push.claim_failed", "push.claim_failed.hint"},
	ledger.EventSubsidy:     {"push.subsidy", "push.subsidy.hint"},
	ledger.EventCorrected:   {"push.corrected", "push.corrected.hint"},
	ledger.EventRefunded:    {"push.refunded", "push.refunded.hint"},
	ledger.EventLowBalance:  {"push.low", "push.low.hint"},
	ledger.EventUnusual:     {"push.unusual", "push.unusual.hint"},
	ledger.EventReminder:    {"push.reminder", "push.reminder.hint"},
	ledger.EventStatement:   {"push.statement", "push.statement.hint"},
}

// accessView is one line of who did what to one's data.
type accessView struct {
	At       time.Time
	Who, Did string
}

// accessesShown bounds the list.
const accessesShown = 20

// accessWords are the acts of the audit log in plain words.
var accessWords = map[string]string{
	"verified":         "access.verified",
	"member_linked":    "access.member_linked",
	"bound":            "access.bound",
	"unbound":          "access.unbound",
	"password_changed": "access.password_changed",
	"password_locked":  "access.password_locked",
	"loss_reported":    "access.loss_reported",
	"loss_cancelled":   "access.loss_cancelled",
	"looked_up":        "access.looked_up",
	"claimed":          "access.claimed",
	"exported":         "access.exported",
	"refund_requested": "access.refund_requested",
	"corrected":        "access.corrected",
	"card_replaced":    "access.card_replaced",
	"sessions_ended":   "access.sessions_ended",
	"spent_after_loss": "access.spent_after_loss",
	"push_replayed":    "access.push_replayed",
	"press_refused":    "access.press_refused",
	"record_changed":   "access.record_changed",
}

func (v *visit) settingsForm() error {
	return v.showSettings(http.StatusOK, settingsView{LowBalance: lowBalance(v.person.LowBalance)})
}

// settings keeps what was chosen. A field that is not there stays as it was;
// nothing is kept while any is wrong.
func (v *visit) settings() error {
	if v.person.ID == 0 {
		return v.redirect("/h5/settings")
	}
	form := v.r.PostForm
	data := settingsView{LowBalance: lowBalance(v.person.LowBalance)}
	lang, style := ledger.Lang(form.Get("lang")), ledger.MessageStyle(form.Get("message_style"))
	switch lang {
	case ledger.Chinese, ledger.English, "":
	default:
		data.Error = v.t("settings.unknown")
	}
	switch style {
	case ledger.StyleCard, ledger.StyleTextCard, "":
	default:
		data.Error = v.t("settings.unknown")
	}
	pushes, ok := chosenPushes(form)
	if !ok {
		data.Error = v.t("settings.unknown")
	}
	var low ledger.Fen
	if form.Has("low_balance_yuan") {
		data.LowBalance = clip(form.Get("low_balance_yuan"))
		if low, ok = parseLowBalance(data.LowBalance); !ok {
			data.LowError = v.t("settings.low_malformed", shortYuan(maxLowBalance))
		}
	}
	if data.Error != "" || data.LowError != "" {
		return v.showSettings(http.StatusUnprocessableEntity, data)
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
	if !v.person.Bound() {
		return v.redirect("/h5/settings?done=settings")
	}
	if form.Has("low_balance_yuan") && low != v.person.LowBalance {
		if err := v.Store.SetLowBalance(v.ctx(), v.person.ID, low); err != nil {
			return err
		}
	}
	if err := v.setPushes(pushes); err != nil {
		return err
	}
	return v.redirect("/h5/settings?done=settings")
}

// chosenPushes reads push_KIND=on or off, of which the last counts: the form
// has a hidden "off" before each box. It takes no kind that has no switch.
func chosenPushes(form map[string][]string) (chosen map[ledger.EventKind]bool, ok bool) {
	chosen = map[ledger.EventKind]bool{}
	for field, values := range form {
		name, isPush := strings.CutPrefix(field, "push_")
		if !isPush {
			continue
		}
		kind, last := ledger.EventKind(name), values[len(values)-1]
		if _, has := pushWords[kind]; !has || last != "on" && last != "off" {
			return nil, false
		}
		chosen[kind] = last == "on"
	}
	return chosen, true
}

func (v *visit) setPushes(chosen map[ledger.EventKind]bool) error {
	if len(chosen) == 0 {
		return nil
	}
	now, err := v.Store.PushSettings(v.ctx(), v.person.ID)
	if err != nil {
		return err
	}
	for _, s := range now {
		if on, said := chosen[s.Kind]; said && on != s.On {
			if err := v.Store.SetPush(v.ctx(), v.person.ID, s.Kind, on); err != nil {
				return err
			}
		}
	}
	return nil
}

// maxLowBalance bounds the threshold. Above it every balance would be low.
const maxLowBalance ledger.Fen = 50000

// lowBalance shows a threshold; 0 is off, and an empty field.
func lowBalance(f ledger.Fen) string {
	if f == 0 {
		return ""
	}
	return shortYuan(f)
}

func parseLowBalance(s string) (ledger.Fen, bool) {
	if s == "" {
		return 0, true
	}
	f, err := parseYuan(s)
	return f, err == nil && f <= maxLowBalance
}

func (v *visit) showSettings(status int, data settingsView) error {
	data.Lang, data.Style, data.Known, data.Bound = v.lang, v.person.MessageStyle, v.person.ID != 0, v.person.Bound()
	if data.Style == "" {
		data.Style = ledger.StyleCard
	}
	if data.Bound {
		pushes, err := v.Store.PushSettings(v.ctx(), v.person.ID)
		if err != nil {
			return err
		}
		for _, s := range pushes {
			if words, ok := pushWords[s.Kind]; ok {
				data.Pushes = append(data.Pushes, pushView{s.Kind, s.On, v.t(words.name), v.t(words.hint)})
			}
		}
	}
	if v.person.Verified() {
		entries, err := v.Store.AuditOf(v.ctx(), v.person.ID, accessesShown)
		if err != nil {
			return err
		}
		for _, e := range entries {
			data.Accesses = append(data.Accesses, v.access(e))
		}
	}
	return v.show(status, "settings", v.t("settings.title"), data)
}

// access says a line of the audit log in plain words. Names of operators and
// details stay in the log.
func (v *visit) access(e ledger.AuditEntry) accessView {
	who, name, _ := strings.Cut(e.Actor, " ")
	said := accessView{At: e.At}
	switch who {
	case "holder":
		said.Who = v.t("access.by_you")
	case "member":
		said.Who = v.t("access.by_another")
		if ledger.NormalUserID(name) == v.person.UserID {
			said.Who = v.t("access.by_you")
		}
	case "terminal":
		said.Who = v.t("access.by_terminal", clip(name))
	case "operator":
		said.Who = v.t("access.by_operator")
	default:
		said.Who = v.t("access.by_system")
	}
	key, ok := accessWords[e.Action]
	if !ok {
		key = "access.other"
	}
	said.Did = v.t(key)
	return said
}
