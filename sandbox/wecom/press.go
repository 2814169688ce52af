package wecom

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// answer is what a member chose for one question of a card.
type answer struct {
	question string
	options  []string
}

// Press presses a button, the submit button or an action_menu entry of a template card, which makes a
// template_card_event (or template_card_menu_event) with a fresh ResponseCode. selected maps question keys to option
// ids; a question left out keeps what the card shows. messageID is Message.ID or Message.MsgID. ErrNoMessage if the member has no such
// card; ErrNotThere if it has no such key, was disabled or recalled, or an option is not among its choices. A button that opens a page makes
// no callback, the caller opens it.
func (s *Server) Press(ctx context.Context, userID, messageID, eventKey string, selected map[string][]string) (Delivery, error) {
	s.mu.Lock()
	cb, err := s.press(userID, messageID, eventKey, selected)
	s.mu.Unlock()
	if err != nil {
		return Delivery{}, err
	}
	s.notify(cb.userID)
	return s.deliver(ctx, cb)
}

// press notes the press on the card and builds its callback; the caller holds mu.
func (s *Server) press(userID, messageID, eventKey string, selected map[string][]string) (callback, error) {
	m := s.message(userID, messageID)
	if m == nil || m.Card == nil {
		return callback{}, fmt.Errorf("%w: %s", ErrNoMessage, messageID)
	}
	if m.Recalled || m.Unseen {
		return callback{}, fmt.Errorf("%w: the member does not see the card", ErrNotThere)
	}
	name, err := m.event(eventKey)
	if err != nil {
		return callback{}, err
	}
	var answers []answer
	if name == "template_card_event" {
		if answers, err = m.Card.answers(selected); err != nil {
			return callback{}, err
		}
	}
	code, err := s.randomID(48)
	if err != nil {
		return callback{}, err
	}
	s.keepCode(code, m.AgentID, m.MsgID, s.cfg.Now())
	state := *m.State
	state.Pressed, state.Selected = eventKey, nil
	for _, a := range answers {
		if state.Selected == nil {
			state.Selected = map[string][]string{}
		}
		state.Selected[a.question] = a.options
	}
	m.State = &state

	var x document
	s.opening(&x, m.UserID, "event")
	x.cdata("Event", name)
	x.cdata("EventKey", eventKey)
	x.cdata("TaskId", m.Card.TaskID)
	x.cdata("CardType", m.Card.CardType)
	x.cdata("ResponseCode", code)
	if len(answers) > 0 {
		x.open("SelectedItems")
		for _, a := range answers {
			x.open("SelectedItem")
			x.cdata("QuestionKey", a.question)
			x.open("OptionIds")
			for _, id := range a.options {
				x.cdata("OptionId", id)
			}
			x.close("OptionIds")
			x.close("SelectedItem")
		}
		x.close("SelectedItems")
	}
	return callback{app: s.apps[m.AgentID], userID: m.UserID, name: name, xml: x.closing(m.AgentID), pressed: m.ID}, nil
}

// message finds one of a member's messages by its ID or, as a bot knows it, by the msgid that message/send answered;
// the caller holds mu.
func (s *Server) message(userID, messageID string) *Message {
	for _, agentID := range s.appOrder {
		list := s.conversations[conversationKey{strings.ToLower(userID), agentID}]
		for _, m := range slices.Backward(list) {
			if m.ID == messageID || m.MsgID != "" && m.MsgID == messageID {
				return m
			}
		}
	}
	return nil
}

// event says which event a key of the card makes.
func (m *Message) event(key string) (string, error) {
	c := m.Card
	if c.ActionMenu != nil && slices.ContainsFunc(c.ActionMenu.ActionList, func(a ActionItem) bool { return a.Key == key }) {
		return "template_card_menu_event", nil
	}
	if m.State.Disabled {
		return "", fmt.Errorf("%w: the card is disabled", ErrNotThere)
	}
	switch c.CardType {
	case buttonCard:
		if slices.ContainsFunc(c.ButtonList, func(b CardButton) bool { return b.Type == 0 && b.Key == key }) {
			return "template_card_event", nil
		}
	case voteCard, selectsCard:
		if c.SubmitButton != nil && c.SubmitButton.Key == key {
			return "template_card_event", nil
		}
	}
	return "", fmt.Errorf("%w: the card has no key %q", ErrNotThere, key)
}

// answers completes what was selected with what the card shows.
func (c *Card) answers(selected map[string][]string) ([]answer, error) {
	type question struct {
		key     string
		options []Option
		chosen  []string
		several bool
		fixed   bool
	}
	var questions []question
	selector := func(sel Selector) {
		chosen := sel.OptionList[0].ID
		if slices.ContainsFunc(sel.OptionList, func(o Option) bool { return o.ID == sel.SelectedID }) {
			chosen = sel.SelectedID
		}
		questions = append(questions, question{key: sel.QuestionKey, options: sel.OptionList, chosen: []string{chosen}, fixed: sel.Disable})
	}
	switch {
	case c.CardType == buttonCard && c.ButtonSelection != nil:
		selector(*c.ButtonSelection)
	case c.CardType == selectsCard:
		for _, sel := range c.SelectList {
			selector(sel)
		}
	case c.CardType == voteCard:
		q := question{key: c.Checkbox.QuestionKey, options: c.Checkbox.OptionList, several: c.Checkbox.Mode == 1, fixed: c.Checkbox.Disable}
		for _, o := range c.Checkbox.OptionList {
			if o.IsChecked && (q.several || len(q.chosen) == 0) {
				q.chosen = append(q.chosen, o.ID)
			}
		}
		questions = append(questions, q)
	}

	var answers []answer
	known := 0
	for _, q := range questions {
		if choice, ok := selected[q.key]; ok {
			known++
			if q.fixed {
				return nil, fmt.Errorf("%w: question %q is read-only", ErrNotThere, q.key)
			}
			if len(choice) > 1 && !q.several {
				return nil, fmt.Errorf("%w: question %q takes one choice", ErrNotThere, q.key)
			}
			for _, id := range choice {
				if !slices.ContainsFunc(q.options, func(o Option) bool { return o.ID == id }) {
					return nil, fmt.Errorf("%w: question %q has no option %q", ErrNotThere, q.key, id)
				}
			}
			q.chosen = slices.Clone(choice)
		}
		answers = append(answers, answer{q.key, q.chosen})
	}
	if known != len(selected) {
		return nil, fmt.Errorf("%w: a question that the card does not ask", ErrNotThere)
	}
	return answers, nil
}
