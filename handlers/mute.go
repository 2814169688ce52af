package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"xiaoka/bot"
	"xiaoka/cards"
	"xiaoka/ledger"
)

// A push of a kind that can be switched off has a menu in its corner that does
// it. Pushes are many and few menus are opened, so no task is stored for them:
// the task_id itself says whose the message was, and PushTasks reads it.

// pushTask begins the task_id of a push.
const pushTask = "push_"

// mutable gives a push its menu. The same event gets the same task_id, so that
// a repeat is the same message.
func mutable(card cards.Card, p ledger.Person, e ledger.Event) cards.Card {
	if !slices.Contains(ledger.Mutable(), e.Kind) {
		return card
	}
	said, err := json.Marshal(e)
	if err != nil {
		return card
	}
	sum := sha256.Sum256(said)
	return card.Mutable(string(e.Kind), pushTask+strconv.FormatInt(p.ID, 36)+"_"+hex.EncodeToString(sum[:12]))
}

// PushTasks are the tasks of the card app: those that were stored, and those
// of pushes.
type PushTasks struct {
	bot.Tasks
	People interface {
		PersonByID(ctx context.Context, id int64) (ledger.Person, error)
	}
	AgentID int64
}

// Task tells to whom a card was sent.
func (p PushTasks) Task(ctx context.Context, id string) (bot.Task, error) {
	rest, ok := strings.CutPrefix(id, pushTask)
	if !ok {
		return p.Tasks.Task(ctx, id)
	}
	number, _, _ := strings.Cut(rest, "_")
	personID, err := strconv.ParseInt(number, 36, 64)
	if err != nil {
		return bot.Task{}, bot.ErrNoTask
	}
	person, err := p.People.PersonByID(ctx, personID)
	switch {
	case errors.Is(err, ledger.ErrNotFound) || err == nil && person.UserID == "":
		return bot.Task{}, bot.ErrNoTask
	case err != nil:
		return bot.Task{}, fmt.Errorf("find whose push it was: %w", err)
	}
	// WeCom ends the life of what can be pressed, after 72 hours.
	return bot.Task{ID: id, UserID: ledger.NormalUserID(person.UserID), AgentID: p.AgentID, Kind: "push", ExpiresAt: time.Now().Add(time.Hour)}, nil
}

// mute switches the kind that the pressed key names off or on, and the card
// says so.
func (a *Apps) mute(prefix string, on bool) ask {
	return func(ctx context.Context, t *turn) error {
		kind := ledger.EventKind(strings.TrimPrefix(t.Message.EventKey, prefix))
		if !slices.Contains(ledger.Mutable(), kind) {
			return a.help(ctx, t)
		}
		if err := a.Store.SetPush(ctx, t.Person.ID, kind, on); err != nil {
			return err
		}
		if on {
			return t.Update(cards.Unmuted(t.Lang, string(kind), a.link.settings()))
		}
		return t.Update(cards.Muted(t.Lang, string(kind), a.link.settings()))
	}
}
