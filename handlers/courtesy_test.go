package handlers

import (
	"strings"
	"testing"

	"xiaoka/bot"
	"xiaoka/handlers/intent"
)

// TestCourtesy: words of politeness mean nothing else.
func TestCourtesy(t *testing.T) {
	t.Parallel()
	for _, list := range []map[string]bool{helloWords, thanksWords, fineWords, byeWords} {
		for text := range list {
			if got := intent.Understand(text, noon).Intent; got != intent.None && got != intent.Cancel {
				t.Errorf("%q is understood as %s", text, got)
			}
		}
	}
	for text, want := range map[string]bool{"👍": true, "❤️❤️": true, "😭": true, "?": false, "…": false, "": false, "好👍": false, "5️⃣": false, "¥": false} {
		if onlySymbols(text) != want {
			t.Errorf("%q is only symbols: %t", text, !want)
		}
	}
}

// TestAmountIn reads an amount that stands alone.
func TestAmountIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"50": 5000, "５０": 5000, "¥50": 5000, "￥12.5": 1250, "50元": 5000, "30块": 3000, "30块钱吧": 3000, "20 yuan": 2000, "0.01": 1,
		"": 0, "-5": 0, "12.345": 0, "50 60": 0, "1e3": 0, "2026-10": 0, "50号": 0, "100000": 0, "余额": 0,
	} {
		if got := int64(amountIn(text)); got != want {
			t.Errorf("%q is %d fen, want %d", text, got, want)
		}
	}
}

// TestUnread: a message that is no text is answered, and does nothing.
func TestUnread(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	for _, app := range []string{CardApp, AssistantApp} {
		for _, kind := range []string{"image", "voice", "video", "location", "link", "file"} {
			if got := c.deliver(app, bot.Message{FromUserName: "bound", MsgType: kind, MsgID: app + kind, MediaID: "m"}); !strings.Contains(got, "还看不懂") {
				t.Errorf("%s to %s: %q", kind, app, got)
			}
		}
	}
}
