package wecom

import (
	"encoding/json"
	"strings"
	"time"
)

// recallLife is how long after sending a message can be recalled.
const recallLife = 24 * time.Hour

// updateRequest is the body of message/update_template_card,
// https://developer.work.weixin.qq.com/document/path/94888.
type updateRequest struct {
	UserIDs       []string        `json:"userids"`
	PartyIDs      []int           `json:"partyids"`
	TagIDs        []int           `json:"tagids"`
	AtAll         int             `json:"atall"`
	AgentID       json.RawMessage `json:"agentid"`
	ResponseCode  string          `json:"response_code"`
	EnableIDTrans int             `json:"enable_id_trans"`
	Button        *struct {
		ReplaceName string `json:"replace_name"`
	} `json:"button"`
	TemplateCard *Card  `json:"template_card"`
	ReplaceText  string `json:"replace_text"` // one SDK puts it here instead of into the card
}

func (s *Server) updateCard(c call) (fields, error) {
	var req updateRequest
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	if err := s.bodyAgent(c, req.AgentID); err != nil {
		return nil, err
	}
	switch {
	case req.ResponseCode == "":
		return nil, refuse(40058, "invalid request parameter: response_code is missing")
	case req.AtAll != 1 && len(req.UserIDs)+len(req.PartyIDs)+len(req.TagIDs) == 0:
		return nil, refuse(82101, "userids & partyids & tagids all empty")
	case len(req.UserIDs) > 1000:
		return nil, refuse(40032, "invalid userlist size: at most 1000")
	case len(req.PartyIDs) > 100:
		return nil, refuse(82002, "invalid party list size: at most 100")
	case len(req.TagIDs) > 100:
		return nil, refuse(82003, "invalid tag list size: at most 100")
	case (req.Button == nil) == (req.TemplateCard == nil):
		return nil, refuse(40058, "invalid request parameter: give button or template_card")
	case req.Button != nil && req.Button.ReplaceName == "":
		return nil, refuse(40058, "invalid request parameter: button.replace_name")
	}
	check := checker{strict: s.cfg.Strict, updating: true}
	if req.TemplateCard != nil {
		if req.TemplateCard.ReplaceText == "" {
			req.TemplateCard.ReplaceText = req.ReplaceText
		}
		if err := check.card(req.TemplateCard); err != nil {
			return nil, err
		}
	}
	if hint := unknownFields(c.body, &updateRequest{}); hint != "" {
		check.warn("", "%s", hint)
	}

	s.mu.Lock()
	answer, told, err := s.applyUpdate(c, req)
	for _, w := range check.warnings {
		s.warn(c.agentID, c.name, w.Field, w.Text)
	}
	s.mu.Unlock()
	s.notify(told...)
	return answer, err
}

// applyUpdate spends the response_code and changes the members' copies; the caller holds mu.
func (s *Server) applyUpdate(c call, req updateRequest) (fields, []string, error) {
	code, ok := s.responseCodes[req.ResponseCode]
	switch {
	case !ok:
		return nil, nil, refuse(40058, "invalid response_code")
	case code.agentID != c.agentID:
		return nil, nil, refuse(42015, "the card belongs to another agent")
	case code.used:
		return nil, nil, refuse(40058, "response_code has been used")
	case !s.cfg.Now().Before(code.expires):
		return nil, nil, refuse(40058, "response_code expired")
	}
	sent := s.sentByID[code.msgID]
	if sent == nil {
		return nil, nil, refuse(42016, "task_id not exist")
	}
	var copies []*Message
	invalid := []string{}
	if req.AtAll == 1 {
		for _, m := range sent.copies {
			copies = append(copies, m)
		}
	} else {
		seen := map[*Message]bool{}
		for _, id := range append(s.membersOf(req.PartyIDs), req.UserIDs...) {
			m, got := sent.copies[strings.ToLower(id)]
			switch {
			case !got:
				invalid = append(invalid, strings.ToLower(id))
			case !seen[m]:
				seen[m] = true
				copies = append(copies, m)
			}
		}
	}
	if len(copies) == 0 {
		return nil, nil, refuse(82102, "no recipient of this message among them")
	}
	if req.Button != nil {
		for _, m := range copies {
			if m.Card == nil || !m.Card.interactive() {
				return nil, nil, refuse(40058, "invalid request parameter: the card has no button to replace")
			}
		}
	}
	code.used = true
	var told []string
	for _, m := range copies {
		if req.Button != nil {
			m.greyOut(req.Button.ReplaceName)
		} else {
			s.replaceCard(m, req.TemplateCard)
		}
		told = append(told, m.UserID)
	}
	return fields{"invaliduser": invalid}, told, nil
}

func (s *Server) membersOf(parties []int) []string {
	var ids []string
	for _, key := range s.memberOrder {
		for _, own := range s.members[key].departments() {
			for _, p := range parties {
				if own == p {
					ids = append(ids, key)
				}
			}
		}
	}
	return ids
}

// greyOut puts one dead button in the place of a card's buttons.
func (m *Message) greyOut(text string) {
	state := *m.State
	state.Disabled, state.ReplaceName = true, text
	state.Updates++
	m.State = &state
}

// replaceCard puts another card in the place of one; the caller holds mu. A card that brings no task_id keeps the old
// one. What the member chose on the old card is gone with it.
func (s *Server) replaceCard(m *Message, card *Card) {
	next := *card
	if next.TaskID == "" {
		next.TaskID = m.Card.TaskID
	} else {
		s.keepTask(taskKey{m.AgentID, next.TaskID})
	}
	m.Card = &next
	m.State = &CardState{Updates: m.State.Updates + 1, Pressed: m.State.Pressed, Disabled: next.ReplaceText != "", ReplaceName: next.ReplaceText}
}

// recall is https://developer.work.weixin.qq.com/document/path/94867.
func (s *Server) recall(c call) (fields, error) {
	var req struct {
		MsgID string `json:"msgid"`
	}
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	if req.MsgID == "" {
		return nil, refuse(40063, "some parameters are empty: msgid")
	}
	s.mu.Lock()
	sent := s.sentByID[req.MsgID]
	switch {
	case sent == nil || sent.AgentID != c.agentID:
		s.mu.Unlock()
		return nil, refuse(40058, "invalid msgid")
	case s.cfg.Now().Sub(sent.Time) > recallLife:
		s.mu.Unlock()
		return nil, refuse(42052, "msgid expired")
	}
	var told []string
	for _, m := range sent.copies {
		*m = Message{ID: m.ID, MsgID: m.MsgID, UserID: m.UserID, AgentID: m.AgentID, From: m.From, Time: m.Time, Kind: m.Kind, Recalled: true}
		told = append(told, m.UserID)
	}
	s.mu.Unlock()
	s.notify(told...)
	return nil, nil
}
