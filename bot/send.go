package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"xiaoka/cards"
)

// Outgoing is one message to send: exactly one of Text, TextCard and Card.
type Outgoing struct {
	Text     string
	TextCard *cards.TextCard
	Card     *cards.Card
	// Once, when positive, asks WeCom to drop an identical message within this time, at most 4 hours. Set it on whatever may be sent again
	// after a time-out.
	Once time.Duration
	Rank Rank // its claim on the places that WeCom's limits leave
}

// Sent is WeCom's receipt.
type Sent struct {
	MsgID        string // for Recall, within 24 hours
	ResponseCode string // of a card that can be updated: valid once
}

// Send sends one message to one member. It returns ErrUnreachable (by errors.Is) when WeCom accepted the call but cannot deliver to
// this member, and *LimitError, without a call, when WeCom's limits leave no place for it. https://developer.work.weixin.qq.com/document/path/90236
func (c *Client) Send(ctx context.Context, userID string, m Outgoing) (Sent, error) {
	const op = "message/send"
	body, err := c.sendBody(userID, m)
	if err != nil {
		return Sent{}, err
	}
	var out struct {
		InvalidUser    string `json:"invaliduser"`
		UnlicensedUser string `json:"unlicenseduser"`
		MsgID          string `json:"msgid"`
		ResponseCode   string `json:"response_code"`
	}
	if c.limits != nil {
		if err := c.limits.take(ctx, c.app.AgentID, userID, m.Rank); err != nil {
			return Sent{}, err
		}
	}
	if err := c.call(ctx, request{op: op, body: body}, &out); err != nil {
		var api *APIError
		if c.limits != nil && errors.As(err, &api) && api.Code == tooOften {
			c.limits.refused(ctx, c.app.AgentID, userID)
		}
		return Sent{}, err
	}
	// WeCom names refused members in lower case, whatever case they were given in.
	for _, list := range []string{out.InvalidUser, out.UnlicensedUser} {
		for id := range strings.SplitSeq(list, "|") {
			if id != "" && strings.EqualFold(id, userID) {
				return Sent{}, fmt.Errorf("bot: %s: %w", op, ErrUnreachable)
			}
		}
	}
	return Sent{MsgID: out.MsgID, ResponseCode: out.ResponseCode}, nil
}

type sendRequest struct {
	ToUser   string          `json:"touser"`
	MsgType  string          `json:"msgtype"`
	AgentID  int64           `json:"agentid"`
	Text     *textContent    `json:"text,omitempty"`
	TextCard *cards.TextCard `json:"textcard,omitempty"`
	Card     *cards.Card     `json:"template_card,omitempty"`

	EnableDuplicateCheck   int   `json:"enable_duplicate_check,omitempty"`
	DuplicateCheckInterval int64 `json:"duplicate_check_interval,omitempty"` // seconds
}

type textContent struct {
	Content string `json:"content"`
}

const maxDuplicateCheck = 4 * time.Hour

func (c *Client) sendBody(userID string, m Outgoing) (sendRequest, error) {
	r := sendRequest{ToUser: userID, AgentID: c.app.AgentID, TextCard: m.TextCard, Card: m.Card}
	if !validUserID(userID) {
		return r, fmt.Errorf("bot: message/send: %q is no userid: %w", userID, ErrUnreachable)
	}
	switch {
	case m.Card != nil:
		r.MsgType = "template_card"
		if err := m.Card.Validate(); err != nil {
			return r, err
		}
	case m.TextCard != nil:
		r.MsgType = "textcard"
	case m.Text != "":
		r.MsgType, r.Text = "text", &textContent{Content: cards.CutText(m.Text)}
	default:
		return r, errors.New("bot: message/send: an empty message")
	}
	if m.Once > 0 {
		r.EnableDuplicateCheck = 1
		r.DuplicateCheckInterval = int64(max(time.Second, min(m.Once, maxDuplicateCheck)) / time.Second)
	}
	return r, nil
}

// validUserID keeps lists ("a|b"), everybody ("@all") and members of linked corps ("corp/a") from becoming recipients.
func validUserID(id string) bool {
	return id != "" && len(id) <= 64 && id != "@all" && !strings.ContainsAny(id, "|/ ")
}

// SendText sends a text.
func (c *Client) SendText(ctx context.Context, userID, text string) error {
	_, err := c.Send(ctx, userID, Outgoing{Text: text})
	return err
}

// SendCard sends a template card; one with buttons must have its TaskID.
func (c *Client) SendCard(ctx context.Context, userID string, card cards.Card) (Sent, error) {
	return c.Send(ctx, userID, Outgoing{Card: &card})
}

// SendTextCard sends a textcard.
func (c *Client) SendTextCard(ctx context.Context, userID string, card cards.TextCard) error {
	_, err := c.Send(ctx, userID, Outgoing{TextCard: &card})
	return err
}

// UpdateCard replaces the card of one member by another. responseCode comes from a press or from Sent and works once, within 72
// hours. https://developer.work.weixin.qq.com/document/path/94888
func (c *Client) UpdateCard(ctx context.Context, userID, responseCode string, card cards.Card) error {
	if err := card.Validate(); err != nil {
		return err
	}
	return c.call(ctx, request{op: "message/update_template_card", body: struct {
		UserIDs      []string   `json:"userids"`
		AgentID      int64      `json:"agentid"`
		ResponseCode string     `json:"response_code"`
		Card         cards.Card `json:"template_card"`
	}{[]string{userID}, c.app.AgentID, responseCode, card}}, nil)
}

// Recall takes a message back, within 24 hours. https://developer.work.weixin.qq.com/document/path/94867
func (c *Client) Recall(ctx context.Context, msgID string) error {
	return c.call(ctx, request{op: "message/recall", body: map[string]string{"msgid": msgID}}, nil)
}
