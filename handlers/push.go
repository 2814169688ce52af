package handlers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"xiaoka/bot"
	"xiaoka/ledger"
)

// A push tells one person one fact. The act that made it true enqueued the
// event in its own transaction; the queue's worker calls Send until it stops
// returning errors. What is sent depends on the event and the person's
// settings alone, so that a repeat is the same message byte for byte and
// WeCom drops it (enable_duplicate_check).

const (
	// pushOnce is how long WeCom remembers a message, its maximum.
	pushOnce = 4 * time.Hour
	// While WeCom does not answer, a push is tried again at growing intervals,
	// and after pushPatience by the queue's own, which end one day.
	retryFirst   = 5 * time.Second
	retryLast    = 5 * time.Minute
	retryUrgent  = 10 * time.Second // at most, for security notices
	retryLimited = time.Minute
	pushPatience = 3 * 24 * time.Hour
)

// ErrGiveUp marks a push that no retry can help.
var ErrGiveUp = errors.New("handlers: the push can never be delivered")

// LaterError asks for the same push again, and does not count as a failure of
// it.
type LaterError struct {
	After time.Duration
	Err   error // why; nil = the member's limit, or the quiet hours
}

func (e *LaterError) Error() string {
	if e.Err == nil {
		return fmt.Sprintf("handlers: push again in %s", e.After)
	}
	return fmt.Sprintf("handlers: push again in %s: %v", e.After, e.Err)
}

func (e *LaterError) Unwrap() error { return e.Err }

// Push sends events to people by the card app. It is safe for concurrent use.
type Push struct {
	apps   *Apps
	sender bot.Sender
}

// Push returns the sender of events; s is the card app's client.
func (a *Apps) Push(s bot.Sender) *Push { return &Push{apps: a, sender: s} }

// Send tells the person, looked up now. It returns *LaterError, an error that
// is ErrGiveUp, or another one that counts as a failed attempt. An event the
// person does not want, or no longer can see, is done.
func (p *Push) Send(ctx context.Context, e ledger.Event) error {
	a := p.apps
	if e.Kind == ledger.EventReconciled {
		return p.sendReport(ctx, e)
	}
	person, err := a.Store.PersonByID(ctx, e.PersonID)
	switch {
	case errors.Is(err, ledger.ErrNotFound) || err == nil && person.UserID == "":
		return fmt.Errorf("%w: person %d has no member", ErrGiveUp, e.PersonID)
	case err != nil:
		return err
	case !e.Kind.Security() && !person.Bound():
		return nil // unbinding stops pushes
	}
	wanted, err := a.Store.PushWanted(ctx, person.ID, e.Kind)
	if err != nil || !wanted {
		return err
	}
	if e.Kind.Quiet() && a.Quiet != nil {
		if now := a.Now().In(a.Zone); a.Quiet(now).After(now) {
			return &LaterError{After: a.Quiet(now).Sub(now)}
		}
	}
	if e, err = a.refresh(ctx, person, e); err != nil || e.Kind == "" {
		return err
	}
	card, err := a.render(ctx, a.langOf(ctx, person, person.UserID, ""), person, e)
	if err != nil {
		return err
	}
	how := bot.Outgoing{Once: pushOnce, Rank: bot.RankPush}
	if e.Kind.Security() {
		how.Rank = bot.RankUrgent
	}
	_, err = bot.Deliver(ctx, p.sender, person.UserID, card, styleOf(person), how)
	if errors.Is(err, bot.ErrUnreachable) { // left, whether or not we were told
		if err := a.Store.MemberLeft(ctx, person.UserID, a.Now()); err != nil {
			a.Log.Error("sessions of an unreachable member not ended", "person", person.ID, "err", err)
		}
	}
	return p.verdict(e, err)
}

// fresh is how long what an event says of the present counts as true. Within
// it a repeat is the same to the byte.
const fresh = 10 * time.Minute

// refresh gives an event that has waited the numbers of now, or an empty one
// when there is nothing left to tell.
func (a *Apps) refresh(ctx context.Context, p ledger.Person, e ledger.Event) (ledger.Event, error) {
	none := ledger.Event{}
	switch {
	case e.Kind == ledger.EventReminder:
		waiting, err := a.Store.PendingTransfers(ctx, p.ID, a.Now())
		if err != nil {
			return none, err
		}
		for _, t := range waiting {
			if t.State != ledger.TransferPending {
				continue
			}
			e.Amount += t.Amount
			e.Count++
			if e.Count == 1 || t.CreatedAt.Before(e.At) {
				e.At = t.CreatedAt
			}
		}
		if e.Count == 0 {
			return none, nil
		}
	case e.Kind == ledger.EventLowBalance && e.CardNo != "" && e.CardNo != p.CardNo:
		return none, nil // the card was replaced
	case e.Kind == ledger.EventLowBalance && a.Now().Sub(e.At) > fresh:
		b, err := a.Store.Balance(ctx, p.ID, a.Now())
		switch {
		case errors.Is(err, ledger.ErrNotFound):
			return none, nil
		case err != nil:
			return none, err
		case b.Books >= p.LowBalance:
			return none, nil
		}
		e.Balance, e.At = b.Books, b.AsOf
	}
	return e, nil
}

// verdict tells the queue what to do about an error of WeCom's.
func (p *Push) verdict(e ledger.Event, err error) error {
	var api *bot.APIError
	var limit *bot.LimitError
	age := p.apps.Now().Sub(e.At)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &limit):
		return &LaterError{After: limit.After}
	case errors.Is(err, bot.ErrUnreachable):
		return fmt.Errorf("%w: %w", ErrGiveUp, err)
	case errors.As(err, &api) && api.Malformed():
		return fmt.Errorf("%w: %w", ErrGiveUp, err)
	case !errors.As(err, &api) || !api.Retryable() || age > pushPatience:
		return err
	case api.Limited():
		return &LaterError{retryLimited, err}
	}
	last := retryLast
	if e.Kind.Security() {
		last = retryUrgent
	}
	return &LaterError{min(max(age/2, retryFirst), last), err}
}
