package bot

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"time"

	"xiaoka/cards"
)

// The answer's time: WeCom cuts the connection after 5 s and pushes again. A card gets sendBudget; whatever is left then goes into
// the callback's own answer.
const (
	answerBudget = 4500 * time.Millisecond
	sendBudget   = 2500 * time.Millisecond
	replyReserve = 300 * time.Millisecond
	taskLife     = 24 * time.Hour
)

// reply is the ladder: template card, textcard where cards cannot show, text in the callback's own answer. After a
// time-out the card may have been delivered all the same; the text goes too, since twice is better than never.
func (c *Context) reply(card cards.Card) {
	card, err := c.prepare(card)
	if err == nil {
		ctx, cancel := c.sendContext()
		defer cancel()
		var sent Sent
		sent, err = Deliver(ctx, c.router.cfg.Sender, c.UserID, card, c.Style, Outgoing{Rank: c.rank()})
		if err == nil && card.TaskID != "" && sent.ResponseCode != "" {
			c.sentTask, c.sentCode = card.TaskID, sent.ResponseCode
		}
	}
	if err != nil {
		c.router.cfg.Log.Warn("card replaced by text", "request", c.RequestID, "kind", card.Kind, "err", err)
		c.say(card.Text())
	}
}

// Deliver sends a card to a member in the style they want, or as a textcard if WeCom says that this app or this card cannot be sent as
// one. how is the rest of the message. Buttons that come back need a Task: reply with such cards, do not push them.
func Deliver(ctx context.Context, s Sender, userID string, card cards.Card, style Style, how Outgoing) (Sent, error) {
	asTextCard, asCard := how, how
	asCard.Card = &card
	if tc := card.TextCard(); tc.URL != "" {
		asTextCard.TextCard = &tc
	} else {
		asTextCard.Text = card.Text()
	}
	if style == StyleTextCard {
		return s.Send(ctx, userID, asTextCard)
	}
	sent, err := s.Send(ctx, userID, asCard)
	var api *APIError
	if errors.As(err, &api) && api.cardRefused() {
		return s.Send(ctx, userID, asTextCard)
	}
	return sent, err
}

// prepare gives a card its task and proves that WeCom will take it.
func (c *Context) prepare(card cards.Card) (cards.Card, error) {
	if card.NeedsTaskID() {
		id, err := newTaskID(c.router.cfg.Rand)
		if err != nil {
			return card, err
		}
		card.TaskID = id
	}
	if err := card.Validate(); err != nil {
		return card, err
	}
	if len(card.Keys()) == 0 {
		return card, nil
	}
	now := c.router.cfg.Now()
	return card, c.router.cfg.Tasks.SaveTask(c.ctx, Task{
		ID: card.TaskID, UserID: c.UserID, AgentID: c.App.AgentID, Kind: card.Kind, Subject: card.Subject,
		CreatedAt: now, ExpiresAt: now.Add(taskLife),
	})
}

// newTaskID is 128 random bits in hex, so that nobody can name a task that was not sent to them.
func newTaskID(random io.Reader) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return "", err
	}
	return hex.EncodeToString(b[:]), nil
}

// replyText answers in the callback's own answer, which costs no call. WeCom does not promise to show a text there when it answers a
// press, so that one is sent.
func (c *Context) replyText(text string) {
	if c.Message.IsCardEvent() {
		ctx, cancel := c.sendContext()
		defer cancel()
		if _, err := c.router.cfg.Sender.Send(ctx, c.UserID, Outgoing{Text: text, Rank: c.rank()}); err == nil {
			return
		}
	}
	c.say(text)
}

func (c *Context) update(card cards.Card) {
	if c.updated || c.Message.ResponseCode == "" {
		c.reply(card)
		return
	}
	c.updated = true
	if err := c.replace(c.Message.ResponseCode, card); err != nil {
		c.router.cfg.Log.Warn("card not updated", "request", c.RequestID, "kind", card.Kind, "err", err)
		c.replyText(card.Text())
	}
}

func (c *Context) updateBy(responseCode string, card cards.Card) {
	if err := c.replace(responseCode, card); err != nil {
		c.router.cfg.Log.Warn("card not updated", "request", c.RequestID, "kind", card.Kind, "err", err)
		c.reply(card)
	}
}

// replace spends a ResponseCode on a card.
func (c *Context) replace(responseCode string, card cards.Card) error {
	card, err := c.prepare(card)
	if err != nil {
		return err
	}
	ctx, cancel := c.sendContext()
	defer cancel()
	return c.router.cfg.Sender.UpdateCard(ctx, c.UserID, responseCode, card)
}

// rank is the claim of an answer. That of a press goes before others, because WeCom does not promise to show the text it would become.
func (c *Context) rank() Rank {
	if c.Message.IsCardEvent() {
		return RankUrgent
	}
	return RankAnswer
}

func (c *Context) say(text string) { c.answer = append(c.answer, text) }

// sendContext bounds one call to WeCom so that the callback's own answer can still be given in time.
func (c *Context) sendContext() (context.Context, context.CancelFunc) {
	left := sendBudget
	if deadline, ok := c.ctx.Deadline(); ok {
		left = min(left, time.Until(deadline)-replyReserve)
	}
	return context.WithTimeout(c.ctx, left)
}
