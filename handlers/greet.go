package handlers

import (
	"context"
	"time"

	"xiaoka/cards"
)

// WeCom tells of every opening of a chat. A member is greeted on the first of
// a day, and not when something else has greeted them: the welcome after
// verification, the card that says bound, or an answer a moment ago.

// mayGreet is true once a day for a person and an app. A greeting nobody asked
// for is not worth an apology when it fails.
func (a *Apps) mayGreet(ctx context.Context, t *turn) bool {
	today := a.day(a.Now())
	if t.App.Name == CardApp && (a.day(t.Person.VerifiedAt) == today || a.day(t.Person.BoundAt) == today) {
		return false
	}
	first, err := a.Pace.First(ctx, "greet:"+t.App.Name+":"+t.UserID+":"+today, 24*time.Hour)
	if err != nil {
		a.Log.Warn("not greeted", "request", t.RequestID, "err", err)
	}
	return first && err == nil && a.topic(ctx, t).Intent == ""
}

func (a *Apps) day(at time.Time) string { return at.In(a.Zone).Format(time.DateOnly) }

// enterAssistant offers verification to who still needs it, and is silent to
// everybody else: nothing else is done there.
func (a *Apps) enterAssistant(ctx context.Context, t *turn) error {
	if t.Person.Verified() || !a.mayGreet(ctx, t) {
		return nil
	}
	return a.topical("verify", a.offerCode)(ctx, t)
}

// left ends the web sessions of a member who is taken out of the app's range,
// leaves the corp or is disabled. WeCom tells an ordinary app of all three by
// unsubscribe, and refuses messages to them from then on.
// https://developer.work.weixin.qq.com/document/path/90240
func (a *Apps) left(ctx context.Context, t *turn) error {
	return a.Store.MemberLeft(ctx, t.UserID, a.Now())
}

// enterCard shows a holder what is on the card, and everybody else the next
// step.
func (a *Apps) enterCard(ctx context.Context, t *turn) error {
	if !a.mayGreet(ctx, t) {
		return nil
	}
	return a.gate(bound, a.greeting)(ctx, t)
}

// greeting is the balance with a word of welcome. A card that is not plainly
// in use shows its state instead.
func (a *Apps) greeting(ctx context.Context, t *turn) error {
	b, err := a.Store.Balance(ctx, t.Person.ID, a.Now())
	if err != nil || b.Status != "normal" {
		return a.balance(ctx, t)
	}
	return t.Reply(cards.Greeting(t.Lang, cards.GreetingData{
		Name: t.Person.Name, Hour: a.Now().In(a.Zone).Hour(), BalanceFen: int64(b.Books), About: b.Missing > 0,
		PendingFen: int64(b.Pending), InFlightFen: int64(b.InFlight), Doubt: b.Doubt, HomeURL: a.link.home(), TopUpURL: a.link.topUp(), PendingURL: a.link.transfers(),
	}))
}
