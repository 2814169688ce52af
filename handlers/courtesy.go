package handlers

import (
	"context"
	"strings"
	"unicode"
)

// Politeness asks for nothing and is answered in kind: a list of all that can
// be asked, after 谢谢, reads as if nobody had listened.

var (
	helloWords = wordSet(`你好|您好|你好啊|你好呀|哈喽|哈啰|嗨|在吗|在么|早|早安|早上好|上午好|中午好|下午好|晚上好|` +
		`hi|hello|hey|hi there|hello there|good morning|good afternoon|good evening`)
	thanksWords = wordSet(`谢谢|谢谢你|谢谢您|谢谢啦|谢谢了|谢啦|谢了|多谢|感谢|非常感谢|太感谢了|辛苦了|好的谢谢|好的，谢谢|唔该|多謝|謝謝|` +
		`thanks|thank you|thx|ty|thanks a lot|many thanks|thank you very much|thank you so much|ok thanks|ok thank you|cheers`)
	fineWords = wordSet(`是|是的|对|对的|没错|好|好的|好啊|好吧|嗯|嗯嗯|哦|噢|行|收到|知道了|明白|明白了|懂了|没事了|没事|了解|` +
		`yes|yeah|sure|ok|okay|k|got it|i see|fine|great|good|alright|all right|cool|never mind`)
	byeWords = wordSet(`再见|拜拜|拜|晚安|回头见|bye|goodbye|bye bye|see you|good night`)
)

// courtesy is the answer to what is only polite, or only a picture of a
// feeling; nil = it is more than that.
func (a *Apps) courtesy(t *turn) ask {
	text := plain(t.Message.Content)
	switch {
	case helloWords[text] && t.App.Name == CardApp:
		return a.gate(bound, a.greeting)
	case thanksWords[text]:
		return saying(wWelcome)
	case byeWords[text]:
		return saying(wBye)
	case fineWords[text]:
		return saying(wFine)
	case onlySymbols(text):
		return saying(wSay)
	}
	return nil
}

func saying(p phrase) ask {
	return func(_ context.Context, t *turn) error { return t.ReplyText(p.in(t.Lang)) }
}

// onlySymbols tells a text of emoji alone. A question mark by itself is a
// question.
func onlySymbols(text string) bool {
	emoji := strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.So, r) })
	return emoji && !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsPunct(r) })
}

// unread takes what nothing else does. A picture, a voice or a place cannot be
// read; anything else is answered with otherwise.
func unread(otherwise ask) ask {
	return func(ctx context.Context, t *turn) error {
		if t.Message.MsgType == "event" || t.Message.MsgType == "text" {
			return otherwise(ctx, t)
		}
		return t.ReplyText(wOnlyText.in(t.Lang))
	}
}
