package handlers

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"xiaoka/cards"
	"xiaoka/identity"
	"xiaoka/ledger"
)

// register gives the people of the campus student numbers: one who may be
// linked, one who is verified under another userid, one without an address.
func register(c *campus) {
	for userID, number := range map[string]string{"fresh": "2025533001", "bound": "2025533003", "bare": "2025533006"} {
		p := c.store.people[userID]
		p.StudentNo = number
		c.store.add(p)
	}
}

// asksFor gives a number and has a code sent, and returns all that was said.
func (c *campus) asksFor(user, number string) string {
	said := c.types(AssistantApp, user, number)
	said += c.press(AssistantApp, user, cards.KeyNewcomerEmail)
	c.apps.newcomers.sending.Wait()
	return said
}

// TestNewcomerLearnsNothing: every answer is the same for a number that is on
// record, is not, belongs to a verified person or has no address.
func TestNewcomerLearnsNothing(t *testing.T) {
	t.Parallel()
	var first string
	for _, tc := range []struct {
		name, number string
		sent         int
		given        func(*campus)
	}{
		{"OnRecord", "2025533001", 1, func(*campus) {}},
		{"NotOnRecord", "2025539999", 0, func(*campus) {}},
		{"Verified", "2025533003", 0, func(*campus) {}},
		{"NoAddress", "2025533006", 0, func(*campus) {}},
		{"TooSoon", "2025533001", 0, func(c *campus) { c.codes.sendErr = &ledger.CodeTooSoonError{RetryAfter: time.Minute} }},
		{"MailDown", "2025533001", 0, func(c *campus) { c.codes.sendErr = &identity.SendFailedError{Err: errors.New("mail down")} }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c := newCampus(t)
			register(c)
			tc.given(c)
			said := c.types(AssistantApp, "visitor", "验证") + c.asksFor("visitor", tc.number)
			if len(c.codes.sent) != tc.sent {
				t.Errorf("%d codes went out, want %d", len(c.codes.sent), tc.sent)
			}
			for _, verdict := range []error{nil, &ledger.CodeWrongError{TriesLeft: 3}, &ledger.CodeWrongError{}, ledger.ErrCodeBurnt, ledger.ErrCodeExpired, ledger.ErrNoCode} {
				c.codes.verdict = verdict
				said += c.types(AssistantApp, "visitor", "111222")
			}
			said = strings.ReplaceAll(said, tc.number, "NUMBER")
			if first == "" {
				first = said
			}
			if said != first {
				t.Errorf("these answers differ from the first:\n%s\n%s", said, first)
			}
			if strings.Contains(c.log.String(), tc.number) {
				t.Error("the number is in the log")
			}
		})
	}
}

func TestNewcomerIsLinked(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	register(c)
	if got := c.types(AssistantApp, "visitor", "100110"); !strings.Contains(got, "没有保存") || !strings.Contains(got, wNumberOfSix.zh) {
		t.Errorf("a staff number of six digits, not called one: %q", got)
	}
	for _, text := range []string{"我的学号是 2025533001", "２０２５５３３００１", "2025533001"} {
		if got := c.types(AssistantApp, "visitor", text); !strings.Contains(got, "[card newcomer_channels]") || !strings.Contains(got, "2025533001") {
			t.Errorf("%q is answered by %q", text, got)
		}
	}
	c.asksFor("visitor", "2025533001")
	if got := c.types(AssistantApp, "visitor", "000000"); !strings.Contains(got, wNumberOrCodeWrong.zh) {
		t.Errorf("wrong code: %q", got)
	}
	if got := c.types(AssistantApp, "visitor", "482 913"); !strings.Contains(got, "[card verified]") {
		t.Errorf("right code: %q", got)
	}
	if p := c.store.people["visitor"]; p.ID != 1 || !p.Verified() {
		t.Errorf("linked %+v", p)
	}
	if got := c.types(AssistantApp, "visitor", "482913"); !strings.Contains(got, "没有保存") {
		t.Errorf("the code again: %q", got)
	}
}

// TestNewcomerPresses: the card belongs to who gave the number, and a Redis
// that is away sends nothing.
func TestNewcomerPresses(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		user  string
		given func(*campus)
		want  string
		sent  int
	}{
		"Own":       {"visitor", func(*campus) {}, "请查收验证码", 1},
		"Another":   {"visitor2", func(*campus) {}, cards.Refused(cards.Zh), 0},
		"TooOften":  {"visitor", func(c *campus) { c.pace.wait = 20 * time.Minute }, "请过 20 分钟", 0},
		"RedisDown": {"visitor", func(c *campus) { c.pace.err = errors.New("redis down") }, "抱歉", 0},
		"OnRecordMeanwhile": {"visitor", func(c *campus) {
			c.store.add(ledger.Person{ID: 20, UserID: "visitor", Email: "v@example.edu.cn"})
		}, "[card verify_channels]", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			register(c)
			c.types(AssistantApp, "visitor", "2025533001")
			tc.given(c)
			got := c.press(AssistantApp, tc.user, cards.KeyNewcomerEmail)
			c.apps.newcomers.sending.Wait()
			if !strings.Contains(got, tc.want) || len(c.codes.sent) != tc.sent {
				t.Errorf("got %q and %d codes, want %q and %d", got, len(c.codes.sent), tc.want, tc.sent)
			}
		})
	}
}

// TestNewcomerChannel: the way asked for, else the way there is.
func TestNewcomerChannel(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		phone string
		asked ledger.Channel
		by    ledger.Channel
	}{
		"Email":       {"13800138000", ledger.Email, ledger.Email},
		"Phone":       {"13800138000", ledger.Phone, ledger.Phone},
		"OnlyByEmail": {"", ledger.Phone, ledger.Email},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			register(c)
			_ = c.store.change(1, func(p *ledger.Person) { p.Phone = tc.phone })
			if _, err := c.apps.Newcomers().Ask(context.Background(), "Visitor", "2025533001", tc.asked, ledger.English); err != nil {
				t.Fatal(err)
			}
			c.apps.newcomers.sending.Wait()
			if len(c.codes.sent) != 1 || c.codes.sent[0] != tc.by {
				t.Errorf("sent by %v", c.codes.sent)
			}
		})
	}
}

func TestNewcomerProve(t *testing.T) {
	t.Parallel()
	down := errors.New("disk full")
	for name, tc := range map[string]struct {
		given  func(*campus)
		proven bool
		fails  bool
		tried  int
	}{
		"Right":   {func(*campus) {}, true, false, 1},
		"NoAsk":   {func(c *campus) { c.pace.notes = nil }, false, false, 0},
		"TooMany": {func(c *campus) { c.pace.wait = time.Minute }, false, false, 0},
		"VerifiedMeanwhile": {func(c *campus) {
			_ = c.store.change(1, func(p *ledger.Person) { p.VerifiedAt = noon })
		}, false, false, 1},
		"UserIDTaken": {func(c *campus) {
			c.store.add(ledger.Person{ID: 20, UserID: "visitor"})
		}, false, false, 1},
		"RedisDown":    {func(c *campus) { c.pace.err = down }, false, true, 0},
		"DatabaseDown": {func(c *campus) { c.store.err = down }, false, true, 0},
		"CodesDown":    {func(c *campus) { c.codes.verdict = down }, false, true, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			register(c)
			c.asksFor("visitor", "2025533001")
			tc.given(c)
			proven, err := c.apps.Newcomers().Prove(context.Background(), "visitor", "482913")
			if proven != tc.proven || (err != nil) != tc.fails || len(c.codes.tried) != tc.tried {
				t.Errorf("proven %t, %v, %d tries", proven, err, len(c.codes.tried))
			}
			if linked := c.store.people["visitor"].ID == 1; linked != tc.proven {
				t.Errorf("linked %t", linked)
			}
		})
	}
}

func TestNumberIn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"2025533001": "2025533001", "学号2025533001": "2025533001", "my number is 2025533001.": "2025533001", "SX-20250123": "SX-20250123",
		"T0123": "T0123", "工号 135790": "135790", "135790": "", "你好": "", "123": "", "2025533001 2025533002": "",
		"abcd1234efgh": "", "123456789012345678901": "", "验证": "", "挂失 135790": "", "no 135790": "135790", "I know 135790": "",
	} {
		if got, found := numberIn(text); got != want || found != (want != "") {
			t.Errorf("numberIn(%q) = %q, %t", text, got, found)
		}
	}
}
