package handlers

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// A conversation is its latest topic and nothing more: what 再查一次 repeats,
// what 是的 agrees to and what 取消 ends. It is kept in Pace; losing it costs a
// follow-up its meaning and nothing else, because whatever moves money or
// stops a card is on a page.

// topicLife is how long a follow-up may take.
const topicLife = 10 * time.Minute

// topic is what was asked last.
type topic struct {
	Intent string     `json:"intent"`
	Amount ledger.Fen `json:"amount_fen,omitempty"`
	Month  string     `json:"month,omitempty"`
	Year   bool       `json:"year,omitempty"` // as in Said
	Days   days       `json:"days,omitzero"`
	Number string     `json:"number,omitempty"` // the student number a newcomer gave

	Choices []string `json:"choices,omitempty"` // intents that were offered, of the topic which
}

// which is the topic while it is asked back what was meant.
const which = "which"

func topicKey(t *turn) string { return "topic:" + t.App.Name + ":" + t.UserID }

// topic recalls the topic; none is the zero one.
func (a *Apps) topic(ctx context.Context, t *turn) (last topic) {
	word, err := a.Pace.Noted(ctx, topicKey(t))
	if err != nil {
		a.Log.Warn("topic not recalled", "request", t.RequestID, "err", err)
	}
	if word == "" || json.Unmarshal([]byte(word), &last) != nil {
		return topic{}
	}
	return last
}

// keepTopic makes something the topic.
func (a *Apps) keepTopic(ctx context.Context, t *turn, now topic) {
	word, err := json.Marshal(now)
	if err == nil {
		err = a.Pace.Note(ctx, topicKey(t), string(word), topicLife)
	}
	if err != nil {
		a.Log.Warn("topic not kept", "request", t.RequestID, "err", err)
	}
}

// endTopic leaves none.
func (a *Apps) endTopic(ctx context.Context, t *turn) {
	if err := a.Pace.Note(ctx, topicKey(t), "", time.Second); err != nil {
		a.Log.Warn("topic not ended", "request", t.RequestID, "err", err)
	}
}

// topical makes an ask the topic once it is answered.
func (a *Apps) topical(intent string, answer ask) ask {
	return func(ctx context.Context, t *turn) error {
		err := answer(ctx, t)
		if err == nil {
			a.keepTopic(ctx, t, topic{Intent: intent, Amount: t.Said.Amount, Month: t.Said.Month, Year: t.Said.Year, Days: t.Said.Days})
		}
		return err
	}
}

// Words that mean something only after something else. They are compared
// whole, in lower case and without punctuation.
var (
	againWords = wordSet(`再查一次|再查一下|再查查|再查|再看一次|再看一下|再来一次|再来|再试一次|再试试|重试|重新查|重新查一下|刷新|刷新一下|` +
		`再说一遍|重复|还是刚才那个|再充一次|再充一笔|一样的再来|又查一次|again|once more|one more time|refresh|repeat|same again|check again|try again|do it again|show me again`)
	yesWords   = wordSet(`是|是的|对|对的|对啊|好|好的|好啊|嗯|嗯嗯|行|可以|确认|确定|没错|yes|yeah|yep|y|ok|okay|sure|confirm|right|do it|yes please|please do`)
	noWords    = wordSet(`不|不是|不用|不用了|不了|别|no|nope|n|no thanks|not now`)
	emailWords = wordSet(`邮箱|邮件|发邮箱|发到邮箱|用邮箱|电子邮件|email|e-mail|mail|by email|by e-mail|by mail`)
	phoneWords = wordSet(`手机|短信|发手机|发到手机|用手机|手机号|电话|phone|sms|text|by phone|by sms|by text|mobile`)
	// choiceWords name the first and the second of what was offered.
	choiceWords = []map[string]bool{
		wordSet(`1|一|第一|第一个|第1个|第一项|第一种|选一|选1|前者|前面的|前面那个|前一个|上面的|上面那个|one|first|the first|first one|the first one|number one|option 1|the former`),
		wordSet(`2|二|第二|第二个|第2个|第二项|第二种|选二|选2|后者|后面的|后面那个|后一个|下面的|下面那个|two|second|the second|second one|the second one|number two|option 2|the latter`),
	}
)

func wordSet(list string) map[string]bool {
	set := map[string]bool{}
	for w := range strings.SplitSeq(list, "|") {
		set[w] = true
	}
	return set
}

// plain is a text as it is compared with words.
func plain(text string) string {
	return strings.Trim(strings.ToLower(strings.TrimSpace(text)), "。.，,！!？?～~ ")
}

// followUp reads a text that says nothing by itself in the light of the topic.
func (a *Apps) followUp(ctx context.Context, t *turn) (answer ask, said Said) {
	text := plain(t.Message.Content)
	again, yes, no := againWords[text], yesWords[text], noWords[text]
	amount := amountIn(text)
	refused := refusedBy(text)
	if !again && !yes && !no && amount == 0 && refused == nil {
		return nil, Said{}
	}
	last := a.topic(ctx, t)
	if refused != nil && !refused[last.Intent] {
		return nil, Said{}
	}
	no = no || refused != nil
	if amount > 0 {
		if last.Intent != "topup" && !slices.Contains(last.Choices, "topup") {
			return nil, Said{}
		}
		return a.asks["topup"], Said{Intent: "topup", Amount: amount}
	}
	said = Said{Intent: last.Intent, Amount: last.Amount, Month: last.Month, Year: last.Year, Days: last.Days}
	switch {
	case last.Intent == "":
		return nil, Said{}
	case no:
		return a.cancel, Said{Intent: "cancel"}
	case again:
		return a.asks[last.Intent], said
	}
	switch last.Intent {
	case "report_loss":
		return a.gate(holder, a.confirmLoss), said
	case "notifications_on", "notifications_off":
		return a.gate(bound, a.setPush(last.Intent == "notifications_on")), said
	case "topup", "cancel_loss", "unbind", "settings":
		return a.asks[last.Intent], said
	}
	return nil, Said{}
}

// choice reads which of the intents that were offered a text names, whatever
// it would mean by itself; yes names the only one.
func (a *Apps) choice(ctx context.Context, t *turn) (answer ask, said Said) {
	text := plain(t.Message.Content)
	at := slices.IndexFunc(choiceWords, func(words map[string]bool) bool { return words[text] || words[identity.NormalDigits(text)] })
	if at < 0 && !yesWords[text] {
		return nil, Said{}
	}
	last := a.topic(ctx, t)
	if at < 0 && len(last.Choices) == 1 {
		at = 0
	}
	if at < 0 || at >= len(last.Choices) {
		return nil, Said{}
	}
	return a.asks[last.Choices[at]], offered(last.Choices[at], last.Amount, last.Month)
}

var (
	digitsApart = regexp.MustCompile(`[0-9０-９]\s+[0-9０-９]`)
	onlyAmount  = regexp.MustCompile(`^[¥￥]?([0-9]{1,5}(?:\.[0-9]{1,2})?)(?:元|块|块钱|圆|yuan|rmb|cny)?吧?$`)
)

// amountIn reads a text that is an amount and nothing else, as it is typed
// after 充值; 0 for any other.
func amountIn(text string) ledger.Fen {
	found := onlyAmount.FindStringSubmatch(identity.NormalDigits(text))
	if found == nil || digitsApart.MatchString(text) {
		return 0
	}
	amount, err := ledger.ParseYuan(found[1])
	if err != nil {
		return 0
	}
	return amount
}

// dropped is what 取消 says of each topic that can be left. Nothing of it has
// taken effect yet: what it leads to is done on a page.
var dropped = map[string]phrase{
	"topup":             wTopUpDropped,
	"cancel_loss":       wCancelLossDropped,
	"unbind":            wUnbindDropped,
	"bind":              wBindDropped,
	"verify":            wVerifyDropped,
	"notifications_on":  wPushDropped,
	"notifications_off": wPushDropped,
	"settings":          wSettingsDropped,
	"password":          wSettingsDropped,
	which:               wWhichDropped,
}

// cancel ends the topic, and says what that leaves as it was.
func (a *Apps) cancel(ctx context.Context, t *turn) error {
	last := a.topic(ctx, t)
	if last.Intent != "" {
		a.endTopic(ctx, t)
	}
	if last.Number != "" {
		a.newcomers.forget(ctx, t.UserID)
	}
	if last.Intent == "report_loss" && t.Person.Bound() {
		return a.dropLoss(ctx, t)
	}
	if said, ok := dropped[last.Intent]; ok {
		return t.ReplyText(said.in(t.Lang))
	}
	return t.ReplyText(wNothingUnderWay.in(t.Lang))
}

// asksBack tells whether to ask what was meant: nothing was understood for
// certain, or something that begins with money or the card was only likely.
func (s Said) asksBack() bool {
	switch s.Intent {
	case "none":
		return len(s.Likely) > 0
	case "topup", "report_loss", "cancel_loss", "unbind", "notifications_off":
		return s.Unsure && len(s.Likely) > 1
	}
	return false
}

// askWhich shows the likeliest as buttons. What is pressed, or chosen in words
// such as 第二个, answers as if it had been typed.
func (a *Apps) askWhich(ctx context.Context, t *turn) error {
	var choices []cards.Choice
	for _, intent := range t.Said.Likely {
		done := intent == "bind" && t.Person.Bound() || intent == "verify" && t.Person.Verified()
		if name, ok := askNames[intent]; ok && !done && intent != "help" && a.asks[intent] != nil { // help has a button of its own
			choices = append(choices, cards.Choice{Text: name.in(t.Lang), Key: intent})
		}
	}
	if len(choices) == 0 {
		return a.help(ctx, t)
	}
	now := topic{Intent: which, Amount: t.Said.Amount, Month: t.Said.Month}
	for _, choice := range choices {
		now.Choices = append(now.Choices, choice.Key)
	}
	a.keepTopic(ctx, t, now)
	card := cards.AskWhich(t.Lang, choices, a.link.home())
	if t.Said.Amount > 0 || t.Said.Month != "" {
		card = card.About(fmt.Sprintf("%d/%s", t.Said.Amount, t.Said.Month))
	}
	return t.Update(card)
}

// meant is what a press of that card says: the amount and the month that were named then.
func meant(task bot.Task, key string) Said {
	if task.Kind != "ask_which" {
		return Said{}
	}
	named, month, _ := strings.Cut(task.Subject, "/")
	amount, err := strconv.ParseInt(named, 10, 64)
	if err != nil {
		amount = 0
	}
	return offered(key, ledger.Fen(amount), month)
}

// offered is what choosing an intent says: of what was named the amount of a
// top-up, and the month of a statement.
func offered(intent string, amount ledger.Fen, month string) Said {
	said := Said{Intent: intent}
	switch intent {
	case "topup":
		said.Amount = amount
	case "statement":
		said.Month = month
	}
	return said
}
