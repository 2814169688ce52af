package handlers

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// events are all kinds of pushes, as the store makes them.
func events(personID int64) []ledger.Event {
	at := noon.Add(-3 * time.Second)
	return []ledger.Event{
		{Kind: ledger.EventVerified, PersonID: personID, At: at},
		{Kind: ledger.EventBound, PersonID: personID, At: at},
		{Kind: ledger.EventPasswordChanged, PersonID: personID, At: at},
		{Kind: ledger.EventTopUpPaid, PersonID: personID, Amount: 5000, Pending: 5000, Ref: "T1", At: at},
		{Kind: ledger.EventTopUpPaid, PersonID: personID, Amount: 5000, Pending: 7000, Ref: "T2", At: at},
		{Kind: ledger.EventClaimed, PersonID: personID, Amount: 7000, Balance: 16400, Where: "二号餐厅", At: at},
		{Kind: ledger.EventClaimFailed, PersonID: personID, Amount: 7000, Pending: 7000, Where: "二号餐厅", At: at},
		{Kind: ledger.EventClaimFailed, PersonID: personID, Amount: 7000, Where: "二号餐厅", At: at},
		{Kind: ledger.EventConsumption, PersonID: personID, Amount: 650, Balance: 15750, Where: "二号餐厅 面点", At: at},
		{Kind: ledger.EventConsumption, PersonID: personID, Count: 127, Amount: 82550, Since: at.AddDate(0, 0, -24), At: at.AddDate(0, 0, -2)},
		{Kind: ledger.EventConsumption, PersonID: personID, Count: 1, Where: "二号餐厅 面点", Amount: 650, Since: at.AddDate(0, -1, 0), At: at.AddDate(0, -1, 0)},
		{Kind: ledger.EventLowBalance, PersonID: personID, Amount: 1000, Balance: 450, At: at},
		{Kind: ledger.EventUnusual, PersonID: personID, Amount: 20000, Usual: 1850, Where: "超市", At: at},
		{Kind: ledger.EventUnusual, PersonID: personID, Amount: 300, Usual: 1850, Count: 6, Where: "超市", At: at},
		{Kind: ledger.EventUnusual, PersonID: personID, CardNo: "C0000009876", Amount: 20000, Usual: 1850, Where: "超市", At: at},
		{Kind: ledger.EventUnusual, PersonID: personID, CardNo: "C0000009876", Amount: 300, Usual: 1850, Count: 6, Where: "超市", At: at},
		{Kind: ledger.EventReminder, PersonID: personID, At: at},
		{Kind: ledger.EventStatement, PersonID: personID, Ref: "2026-10", At: at},
		{Kind: ledger.EventSubsidy, PersonID: personID, Title: "补助 三月餐补", Amount: 30000, Pending: 37000, Ref: "T3", At: at},
		{Kind: ledger.EventCorrected, PersonID: personID, Where: "二号餐厅 面点", Amount: 650, Pending: 650, Ref: "T4", At: at},
		{Kind: ledger.EventReconciled, UserID: "finance", At: at, Day: &ledger.DayReport{Day: "2026-11-21", Payments: 120, Paid: 600000, Refunds: 2, Refunded: 6000, Mended: 1, EndedAt: at}},
		{Kind: ledger.EventReconciled, UserID: "finance", At: at, Day: &ledger.DayReport{Day: "2026-11-21", Payments: 120, Paid: 600000, Differences: 3, FundNotes: []string{"x"}, EndedAt: at}},
		{Kind: ledger.EventReconciled, UserID: "finance", At: at, Day: &ledger.DayReport{Day: "2026-11-21", NoBill: true, EndedAt: at}},
		{Kind: ledger.EventRefunded, PersonID: personID, Amount: 5000, Ref: "T1", At: at},
		{Kind: ledger.EventPasswordLocked, PersonID: personID, At: at},
		{Kind: ledger.EventLoss, PersonID: personID, Ref: "GS7K2M", At: at},
		{Kind: ledger.EventSpentAfterLoss, PersonID: personID, Amount: 650, Where: "二号餐厅 面点", Bearer: ledger.BearerCampus, At: at},
		{Kind: ledger.EventSpentAfterLoss, PersonID: personID, Amount: 700, Where: "图书馆 咖啡角", Bearer: ledger.BearerMerchant, At: at},
		{Kind: ledger.EventLossCancelled, PersonID: personID, Ref: "GS7K2M", At: at},
		{Kind: ledger.EventSpentAfterLoss, PersonID: personID, CardNo: "C0000009876", Amount: 650, Where: "二号餐厅 面点", Bearer: ledger.BearerCampus, At: at},
		{Kind: ledger.EventReplaced, PersonID: personID, At: at},
		{Kind: ledger.EventReplaced, PersonID: personID, CardNo: "60001234", At: at.Add(time.Second)},
		{Kind: ledger.EventMoved, PersonID: personID, Amount: 8000, Pending: 9000, At: at},
		{Kind: ledger.EventUnbound, PersonID: personID, At: at},
	}
}

// TestPushTexts holds every push in both languages and both styles.
func TestPushTexts(t *testing.T) {
	t.Parallel()
	for name, user := range map[string]string{"push.zh": "bound", "push.en": "english", "push.textcard.zh": "weixin", "push.initial.zh": "initial"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			var out strings.Builder
			for _, e := range events(c.store.people[user].ID) {
				c.wecom.said = nil
				if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
					t.Fatalf("%s: %v", e.Kind, err)
				}
				fmt.Fprintf(&out, "== %s\n%s\n\n", e.Kind, strings.Join(c.wecom.said, "\n"))
			}
			if strings.Contains(out.String(), "到账") {
				t.Error("says 到账")
			}
			golden(t, name+".golden", out.String())
		})
	}
}

// TestPushRepeat: a second try is the same message, marked for WeCom to drop.
func TestPushRepeat(t *testing.T) {
	t.Parallel()
	for _, user := range []string{"bound", "weixin"} {
		c := newCampus(t)
		for _, e := range events(c.store.people[user].ID) {
			c.wecom.sent = nil
			for range 2 {
				if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
					t.Fatal(err)
				}
			}
			first, second := c.wecom.sent[0], c.wecom.sent[1]
			if !reflect.DeepEqual(first, second) {
				t.Errorf("%s: two tries differ:\n%+v\n%+v", e.Kind, first, second)
			}
			if first.Once != 4*time.Hour {
				t.Errorf("%s: WeCom is asked to drop repeats for %s", e.Kind, first.Once)
			}
		}
	}
}

// TestPushStatementPicture: the month's card shows its days, unless it comes so
// late that their picture would soon be gone.
func TestPushStatementPicture(t *testing.T) {
	t.Parallel()
	for age, picture := range map[time.Duration]bool{time.Minute: true, 60 * time.Hour: true, 20 * 24 * time.Hour: false} {
		c := newCampus(t)
		e := ledger.Event{Kind: ledger.EventStatement, PersonID: c.store.people["bound"].ID, Ref: "2026-10", At: noon.Add(-age)}
		if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		if card := c.wecom.sent[0].Card; (card.Type == cards.NewsNotice) != picture || (card.CardImage != nil) != picture || card.ActionMenu == nil {
			t.Errorf("after %s: %s with picture %+v", age, card.Type, card.CardImage)
		}
	}
}

// TestPushTwoFacts: the same fact at another time is another message.
func TestPushTwoFacts(t *testing.T) {
	t.Parallel()
	c := newCampus(t)
	for _, e := range events(3) {
		if e.Kind == ledger.EventReminder {
			continue // days apart; within WeCom's hours they are the same
		}
		c.wecom.said = nil
		later := e
		later.At = e.At.Add(time.Hour)
		for _, event := range []ledger.Event{e, later} {
			if err := c.apps.Push(c.wecom).Send(context.Background(), event); err != nil {
				t.Fatal(err)
			}
		}
		if c.wecom.said[0] == c.wecom.said[1] {
			t.Errorf("%s: WeCom would drop the second: %s", e.Kind, c.wecom.said[0])
		}
	}
}

// TestPushQuietHours: three kinds wait for their end, and then tell the truth
// of the morning, or nothing.
func TestPushQuietHours(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	const waits = 7 * time.Hour
	for kind, quiet := range map[ledger.EventKind]bool{
		ledger.EventLowBalance: true, ledger.EventReminder: true, ledger.EventStatement: true,
		ledger.EventConsumption: false, ledger.EventTopUpPaid: false, ledger.EventUnusual: false, ledger.EventLoss: false, ledger.EventClaimFailed: false,
	} {
		c := newCampus(t, func(cfg *Config) { cfg.Quiet = func(t time.Time) time.Time { return t.Add(waits) } })
		err := c.apps.Push(c.wecom).Send(ctx, ledger.Event{Kind: kind, PersonID: 3, Amount: 100, Ref: "2026-10", At: noon})
		var later *LaterError
		if errors.As(err, &later) != quiet || quiet && later.After != waits || len(c.wecom.sent) == 0 != quiet {
			t.Errorf("%s: %v, %d sent", kind, err, len(c.wecom.sent))
		}
	}
	low := ledger.Event{Kind: ledger.EventLowBalance, PersonID: 3, Amount: 10000, Balance: 900, At: noon.Add(-8 * time.Hour)}
	for name, tc := range map[string]struct {
		event     ledger.Event
		change    func(*campus)
		has, lack string // "" = nothing is sent
	}{
		"LowRefreshed": {low, func(c *campus) { _ = c.store.change(3, func(p *ledger.Person) { p.LowBalance = 10000 }) }, "¥94.00", "¥9.00"},
		"LowRisen":     {low, func(c *campus) { _ = c.store.change(3, func(p *ledger.Person) { p.LowBalance = 9400 }) }, "", ""},
		"LowOff":       {low, func(c *campus) {}, "", ""},
		"LowNoCard":    {low, func(c *campus) { delete(c.store.balances, 3) }, "", ""},
		"Reminder":     {ledger.Event{Kind: ledger.EventReminder, PersonID: 3, At: noon}, func(c *campus) {}, "¥70.00", "¥120.00"},
		"ReminderDone": {ledger.Event{Kind: ledger.EventReminder, PersonID: 3, At: noon}, func(c *campus) { c.store.transfers = nil }, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCampus(t)
			tc.change(c)
			if err := c.apps.Push(c.wecom).Send(ctx, tc.event); err != nil {
				t.Fatal(err)
			}
			said := strings.Join(c.wecom.said, "")
			if said == "" != (tc.has == "") || !strings.Contains(said, tc.has) || tc.lack != "" && strings.Contains(said, tc.lack) {
				t.Errorf("told %q, want %q", said, tc.has)
			}
		})
	}
}

func TestPushVerdicts(t *testing.T) {
	t.Parallel()
	down := errors.New("connection refused")
	later := func(d time.Duration) func(error) bool {
		return func(err error) bool {
			var l *LaterError
			return errors.As(err, &l) && l.After == d
		}
	}
	giveUp := func(err error) bool { return errors.Is(err, ErrGiveUp) }
	plain := func(err error) bool {
		var l *LaterError
		return err != nil && !errors.As(err, &l) && !errors.Is(err, ErrGiveUp)
	}
	done := func(err error) bool { return err == nil }
	topUp := ledger.Event{Kind: ledger.EventTopUpPaid, PersonID: 3, Amount: 5000, Pending: 5000, At: noon}
	old := func(age time.Duration) ledger.Event { e := topUp; e.At = noon.Add(-age); return e }
	for name, tc := range map[string]struct {
		event  ledger.Event
		change func(*campus)
		want   func(error) bool
		sent   int
	}{
		"OK":   {topUp, func(c *campus) {}, done, 1},
		"Left": {topUp, func(c *campus) { c.wecom.err = &bot.APIError{Code: 81013} }, giveUp, 1},
		"NoMember": {topUp, func(c *campus) {
			_ = c.store.change(3, func(p *ledger.Person) { p.UserID = "" })
			delete(c.store.people, "bound")
		}, giveUp, 0},
		"UnknownPerson":    {ledger.Event{Kind: ledger.EventBound, PersonID: 99, At: noon}, func(c *campus) {}, giveUp, 0},
		"UnknownKind":      {ledger.Event{Kind: "party", PersonID: 3, At: noon}, func(c *campus) {}, giveUp, 0},
		"Muted":            {topUp, func(c *campus) { c.store.muted[ledger.EventTopUpPaid] = true }, done, 0},
		"Unbound":          {topUp, func(c *campus) { _ = c.store.change(3, func(p *ledger.Person) { p.BoundAt = time.Time{} }) }, done, 0},
		"WelcomeUnbound":   {ledger.Event{Kind: ledger.EventVerified, PersonID: 2, At: noon}, func(c *campus) {}, done, 1},
		"MemberLimit":      {topUp, func(c *campus) { c.wecom.err = &bot.LimitError{After: 40 * time.Second} }, later(40 * time.Second), 1},
		"CorpLimit":        {topUp, func(c *campus) { c.wecom.err = &bot.APIError{Code: 45009} }, later(time.Minute), 1},
		"Busy":             {topUp, func(c *campus) { c.wecom.err = &bot.APIError{Code: -1} }, later(5 * time.Second), 1},
		"BusyForAWhile":    {old(2 * time.Minute), func(c *campus) { c.wecom.err = &bot.APIError{Code: -1} }, later(time.Minute), 1},
		"BusyForHours":     {old(5 * time.Hour), func(c *campus) { c.wecom.err = &bot.APIError{Code: -1} }, later(5 * time.Minute), 1},
		"BusyForDays":      {old(4 * 24 * time.Hour), func(c *campus) { c.wecom.err = &bot.APIError{Code: -1} }, plain, 1},
		"NoCards":          {topUp, func(c *campus) { c.wecom.cardErr = &bot.APIError{Code: 40008} }, done, 2},
		"CardAndTextcard":  {topUp, func(c *campus) { c.wecom.err = &bot.APIError{Code: 42045} }, giveUp, 2},
		"AppStopped":       {topUp, func(c *campus) { c.wecom.err = &bot.APIError{Code: 50003} }, plain, 1},
		"UnreachableCards": {topUp, func(c *campus) { c.wecom.err = fmt.Errorf("send: %w", bot.ErrUnreachable) }, giveUp, 1},
		"StoreDown":        {topUp, func(c *campus) { c.store.err = down }, plain, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			tc.change(c)
			err := c.apps.Push(c.wecom).Send(context.Background(), tc.event)
			if !tc.want(err) {
				t.Errorf("verdict %v", err)
			}
			if len(c.wecom.sent) != tc.sent {
				t.Errorf("%d calls, want %d", len(c.wecom.sent), tc.sent)
			}
		})
	}
	for kind, want := range map[ledger.EventKind]bot.Rank{ledger.EventTopUpPaid: bot.RankPush, ledger.EventLoss: bot.RankUrgent} {
		c := newCampus(t)
		e := topUp
		e.Kind = kind
		if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil || c.wecom.sent[0].Rank != want {
			t.Errorf("%s has rank %d, want %d (%v)", kind, c.wecom.sent[0].Rank, want, err)
		}
	}
}

// TestPushReplaced: told after the card was replaced, an event names its own
// card; one queued by a former version, which carries none, that in use.
func TestPushReplaced(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		event        ledger.Event
		want, absent string
	}{
		"Loss":      {ledger.Event{Kind: ledger.EventLoss, CardNo: "C0000009876", Ref: "GS7K2M"}, "9876", "1234"},
		"Claimed":   {ledger.Event{Kind: ledger.EventClaimed, CardNo: "C0000009876", Amount: 7000, Balance: 16400}, "9876", "1234"},
		"LossLink":  {ledger.Event{Kind: ledger.EventLoss, CardNo: "C0000009876"}, "/h5/transactions?month=2026-11", "/h5/loss"},
		"LossInUse": {ledger.Event{Kind: ledger.EventLoss, CardNo: "60001234"}, "/h5/loss", "/h5/transactions"},
		"Spent":     {ledger.Event{Kind: ledger.EventSpentAfterLoss, CardNo: "C0000009876", Amount: 650}, "当月明细：https://card.example.edu.cn/h5/transactions?month=2026-11", "/h5/loss"},
		"Unusual":   {ledger.Event{Kind: ledger.EventUnusual, CardNo: "C0000009876", Amount: 20000, Usual: 1850}, "不用再挂失", "/h5/loss"},
		"Often":     {ledger.Event{Kind: ledger.EventUnusual, CardNo: "C0000009876", Amount: 300, Count: 6}, "第 6 笔。这张卡已停用", "/h5/loss"},
		"AllMoved":  {ledger.Event{Kind: ledger.EventReplaced, CardNo: "60001234"}, "旧卡已停用", "转入待领取"},
		"Left":      {ledger.Event{Kind: ledger.EventReplaced, CardNo: "60001234", Balance: 250}, "转入待领取", "¥"},
		"LeftOrNot": {ledger.Event{Kind: ledger.EventReplaced}, "转入待领取", ""},
		"Queued":    {ledger.Event{Kind: ledger.EventLoss, Ref: "GS7K2M"}, "1234", ""},
		"Low":       {ledger.Event{Kind: ledger.EventLowBalance, CardNo: "C0000009876", Amount: 1000, Balance: 450}, "", "¥"},
		"LowQueued": {ledger.Event{Kind: ledger.EventLowBalance, Amount: 1000, Balance: 450}, "1234", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCampus(t)
			tc.event.PersonID, tc.event.At = 3, noon
			if err := c.apps.Push(c.wecom).Send(context.Background(), tc.event); err != nil {
				t.Fatal(err)
			}
			said := strings.Join(c.wecom.said, "\n")
			if !strings.Contains(said, tc.want) || tc.absent != "" && strings.Contains(said, tc.absent) {
				t.Errorf("said %q, want %q and not %q", said, tc.want, tc.absent)
			}
		})
	}
}

// TestPushLongAgo: purchases that come a year late are told with their year.
func TestPushLongAgo(t *testing.T) {
	t.Parallel()
	for user, want := range map[string]string{"bound": "2025年11月1日 12:08", "english": "1 Nov 2025, 12:08"} {
		c := newCampus(t)
		first := time.Date(2025, 11, 1, noon.Hour(), noon.Minute(), 0, 0, noon.Location())
		e := ledger.Event{Kind: ledger.EventConsumption, PersonID: c.store.people[user].ID, Amount: 900, Count: 3, Since: first, At: noon.AddDate(0, 0, -2)}
		if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
			t.Fatal(err)
		}
		if said := strings.Join(c.wecom.said, "\n"); !strings.Contains(said, want) || strings.Contains(said, "2026年") {
			t.Errorf("said %q, want %q", said, want)
		}
	}
}

// TestPushStopped: a card that cannot collect what waits is not sent to a till.
func TestPushStopped(t *testing.T) {
	t.Parallel()
	for user, later := range map[string]string{"bound": "钱一直在", "english": "money stays"} {
		for _, status := range []ledger.CardStatus{ledger.CardNormal, ledger.CardLost, ledger.CardFrozen} {
			c := newCampus(t)
			id := c.store.people[user].ID
			b := c.store.balances[id]
			b.Status = status
			c.store.balances[id] = b
			for _, e := range events(id) {
				switch e.Kind {
				case ledger.EventTopUpPaid, ledger.EventSubsidy, ledger.EventCorrected, ledger.EventReminder:
				default:
					continue
				}
				c.wecom.said = nil
				if err := c.apps.Push(c.wecom).Send(context.Background(), e); err != nil {
					t.Fatal(err)
				}
				said := strings.Join(c.wecom.said, "\n")
				where := strings.Contains(said, "食堂") || strings.Contains(said, "canteen")
				if normal := status == ledger.CardNormal; where != normal || strings.Contains(said, later) == normal {
					t.Errorf("%s of a card that is %s: %q", e.Kind, status, said)
				}
			}
		}
	}
}
