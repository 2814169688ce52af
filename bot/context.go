package bot

import (
	"context"

	"xiaoka/cards"
)

// Context is one message being handled. It belongs to one goroutine and ends with the handler.
type Context struct {
	App       App
	UserID    string // of the sender, lower case
	Message   *Message
	RequestID string // in the log and in apologies
	// Task is what the pressed button belongs to, sent to this person by this app and not expired; zero for other messages.
	Task Task

	Lang  Lang  // middleware sets it from the person's settings; Chinese by default
	Style Style // likewise; template cards by default

	ctx     context.Context
	router  *Router
	answer  []string // texts for the passive reply
	updated bool     // the ResponseCode is spent

	sentTask, sentCode string // of the last card with buttons that Reply sent
}

// Reply answers with a card, in the form the person's client can show. It always has an answer ready, so its error is nil;
// it has one so that a handler can end in "return c.Reply(card)".
func (c *Context) Reply(card cards.Card) error {
	c.reply(card)
	return nil
}

// ReplyText answers with a text; its error is nil, as that of Reply.
func (c *Context) ReplyText(text string) error {
	c.replyText(text)
	return nil
}

// Update replaces the card whose button was pressed, for this person, once a press; further calls, and messages that are
// no press, reply with a card instead. A card that cannot be updated stays as it is and the text of the new one is sent: what it shows
// is never the record. Its error is nil, as that of Reply.
func (c *Context) Update(card cards.Card) error {
	c.update(card)
	return nil
}

// UpdateBy replaces the card whose button was pressed, or another of this person's, by a ResponseCode other than the press's, which stays
// good for later. If WeCom does not take it, it replies with the card instead. Its error is nil, as that of Reply.
func (c *Context) UpdateBy(responseCode string, card cards.Card) error {
	c.updateBy(responseCode, card)
	return nil
}

// Sent tells of the last card with buttons that was sent by Reply: its task, and the ResponseCode that updates it once. Both are empty if
// there was none, or if the card was said in another form.
func (c *Context) Sent() (taskID, responseCode string) { return c.sentTask, c.sentCode }
