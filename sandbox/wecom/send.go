package wecom

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
)

// responseCodeLife is how long a response_code of a send or a click can be used, once.
const responseCodeLife = 72 * time.Hour

// sentMessage is one accepted message/send and the members' copies of it.
type sentMessage struct {
	Sent
	copies map[string]*Message // by lower-case UserID
}

type taskKey struct {
	agent int
	task  string
}

type duplicate struct {
	until  time.Time
	answer fields
}

type dayCount struct {
	day string
	n   int
}

type responseCode struct {
	agentID int
	msgID   string
	expires time.Time
	used    bool
}

// sendRequest is the body of message/send, https://developer.work.weixin.qq.com/document/path/90236.
type sendRequest struct {
	ToUser                 string          `json:"touser"`
	ToParty                string          `json:"toparty"`
	ToTag                  string          `json:"totag"`
	MsgType                string          `json:"msgtype"`
	AgentID                json.RawMessage `json:"agentid"`
	Safe                   int             `json:"safe"`
	EnableIDTrans          int             `json:"enable_id_trans"`
	EnableDuplicateCheck   int             `json:"enable_duplicate_check"`
	DuplicateCheckInterval int             `json:"duplicate_check_interval"`

	Text *struct {
		Content string `json:"content"`
	} `json:"text"`
	Markdown *struct {
		Content string `json:"content"`
	} `json:"markdown"`
	TextCard *TextCard `json:"textcard"`
	News     *struct {
		Articles []Article `json:"articles"`
	} `json:"news"`
	TemplateCard *Card           `json:"template_card"`
	Image        json.RawMessage `json:"image"`
	Voice        json.RawMessage `json:"voice"`
	Video        json.RawMessage `json:"video"`
	File         json.RawMessage `json:"file"`
	MPNews       json.RawMessage `json:"mpnews"`
}

// send takes a message/send in the order of the real service as far as it is known: parameters, content, recipients,
// and only then the silent rules (repeats, limits of a member).
func (s *Server) send(c call) (fields, error) {
	var req sendRequest
	if err := decode(c, &req); err != nil {
		return nil, err
	}
	if err := s.bodyAgent(c, req.AgentID); err != nil {
		return nil, err
	}
	if err := req.checkRecipients(); err != nil {
		return nil, err
	}
	check := checker{strict: s.cfg.Strict}
	content, err := check.content(&req)
	if err != nil {
		return nil, err
	}
	msgID, err := s.randomID(48)
	if err != nil {
		return nil, err
	}
	code, err := s.randomID(48)
	if err != nil {
		return nil, err
	}
	if hint := unknownFields(c.body, &sendRequest{}); hint != "" {
		check.warn("", "%s", hint)
	}

	s.mu.Lock()
	answer, told, err := s.deliverSend(c, req, content, msgID, code)
	for _, w := range check.warnings {
		s.warn(c.agentID, c.name, w.Field, w.Text)
	}
	s.mu.Unlock()
	s.notify(told...)
	return answer, err
}

// deliverSend puts the content into the recipients' conversations; the caller holds mu.
func (s *Server) deliverSend(c call, req sendRequest, content Message, msgID, code string) (fields, []string, error) {
	now := s.cfg.Now()
	digest := sha256.Sum256(c.body)
	bodyKey := strconv.Itoa(c.agentID) + "/" + string(digest[:])
	if repeat, ok := s.duplicates[bodyKey]; ok && req.EnableDuplicateCheck == 1 && now.Before(repeat.until) {
		s.keepSent(&sentMessage{Sent: Sent{AgentID: c.agentID, Time: now, MsgType: req.MsgType, Duplicate: true, Body: string(c.body)}})
		return repeat.answer, nil, nil
	}

	card := content.Card
	interactive := card != nil && (card.interactive() || card.ActionMenu != nil)
	if interactive && s.apps[c.agentID].Callback == "" {
		if s.cfg.Strict.CallbackNeeded {
			return nil, nil, refuse(43012, "应用需配置回调url")
		}
		s.warn(c.agentID, c.name, "", "a card with callbacks from an app without a callback address (43012)")
	}
	if card != nil && card.TaskID != "" && s.taskIDs[taskKey{c.agentID, card.TaskID}] && !s.cfg.Strict.AllowReusedTaskID {
		return nil, nil, refuse(42014, "invalid task_id: used before")
	}

	to := s.resolve(req, c.agentID)
	answer := fields{
		"invaliduser": strings.Join(to.invalidUsers, "|"), "invalidparty": strings.Join(to.invalidParties, "|"),
		"invalidtag": strings.Join(to.invalidTags, "|"), "unlicenseduser": strings.Join(to.unlicensed, "|"), "msgid": msgID,
	}
	if len(to.members) == 0 && len(to.unlicensed) == 0 {
		return nil, nil, refuse(81013, "user & party & tag all invalid")
	}
	if !s.withinDay(c.agentID, len(to.members), now) {
		return nil, nil, refuse(45009, "api freq out of limit")
	}
	sent := &sentMessage{
		Sent:   Sent{MsgID: msgID, AgentID: c.agentID, Time: now, MsgType: req.MsgType, Body: string(c.body)},
		copies: map[string]*Message{},
	}
	for _, m := range to.members {
		if !s.withinLimit(m.UserID, c.agentID, now) {
			if s.cfg.Strict.OverLimit && len(to.members) == 1 {
				return nil, nil, refuse(45009, "api freq out of limit")
			}
			sent.Dropped = append(sent.Dropped, m.UserID)
			continue
		}
		own := content
		own.MsgID, own.UserID, own.AgentID, own.From = msgID, m.UserID, c.agentID, FromApp
		sent.copies[strings.ToLower(m.UserID)] = s.add(own)
		sent.Delivered = append(sent.Delivered, m.UserID)
	}
	s.stats.Delivered += len(sent.Delivered)
	s.stats.Dropped += len(sent.Dropped)
	s.keepSent(sent)
	if card != nil && card.TaskID != "" {
		s.keepTask(taskKey{c.agentID, card.TaskID})
	}
	if interactive {
		s.keepCode(code, c.agentID, msgID, now)
		answer["response_code"] = code
	}
	if req.EnableDuplicateCheck == 1 {
		s.keepDuplicate(bodyKey, req.DuplicateCheckInterval, answer, now)
	}
	return answer, sent.Delivered, nil
}

// bodyAgent checks the agentid of a JSON body: an integer, and the token's own app.
func (s *Server) bodyAgent(c call, raw json.RawMessage) error {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return refuse(41011, "missing agentid")
	}
	text := string(raw)
	if s.cfg.Strict.AllowStringAgentID {
		text = strings.Trim(text, `"`)
	}
	agentID, err := strconv.Atoi(text)
	if err != nil {
		return refuse(40056, "invalid agentid: it must be an integer")
	}
	return s.ownAgent(c, agentID)
}

func (r sendRequest) checkRecipients() error {
	switch {
	case r.ToUser == "" && r.ToParty == "" && r.ToTag == "":
		return refuse(82001, "touser & toparty & totag all empty")
	case r.ToUser == "@all":
		return nil
	case strings.Count(r.ToUser, "|") >= 1000:
		return refuse(40032, "invalid userlist size: at most 1000")
	case strings.Count(r.ToParty, "|") >= 100:
		return refuse(82002, "invalid party list size: at most 100")
	case strings.Count(r.ToTag, "|") >= 100:
		return refuse(82003, "invalid tag list size: at most 100")
	}
	return nil
}

// recipients are what touser, toparty and totag come to.
type recipients struct {
	members                                               []Member
	invalidUsers, invalidParties, invalidTags, unlicensed []string
}

// resolve applies the app's visible range; ids come back in lower case as from the real service. The caller holds mu.
func (s *Server) resolve(req sendRequest, agentID int) recipients {
	var to recipients
	seen := map[string]bool{}
	take := func(key string) bool {
		m, ok := s.members[key]
		switch {
		case !ok || !m.inRange(agentID):
			return false
		case seen[key]:
		case m.Unlicensed:
			to.unlicensed = append(to.unlicensed, key)
		default:
			to.members = append(to.members, m)
		}
		seen[key] = true
		return true
	}
	if req.ToUser == "@all" {
		for _, key := range s.memberOrder {
			take(key)
		}
		return to
	}
	for _, id := range list(req.ToUser) {
		if key := strings.ToLower(id); !take(key) && !seen[key] {
			seen[key] = true
			to.invalidUsers = append(to.invalidUsers, key)
		}
	}
	for _, party := range list(req.ToParty) {
		number, err := strconv.Atoi(party)
		found := false
		for _, key := range s.memberOrder {
			if err == nil && slices.Contains(s.members[key].departments(), number) {
				found = take(key) || found
			}
		}
		if !found {
			to.invalidParties = append(to.invalidParties, party)
		}
	}
	to.invalidTags = list(req.ToTag) // this corp has no tags
	return to
}

func list(joined string) []string {
	return slices.DeleteFunc(strings.Split(joined, "|"), func(s string) bool { return strings.TrimSpace(s) == "" })
}

// withinLimit counts one message to a member: 30 a minute and 1,000 an hour and app,
// https://developer.work.weixin.qq.com/document/path/90312.
func (s *Server) withinLimit(userID string, agentID int, now time.Time) bool {
	key := conversationKey{strings.ToLower(userID), agentID}
	times := since(s.sendTimes[key], now.Add(-time.Hour))
	within := len(times) < 1000 && (len(times) < 30 || !times[len(times)-30].After(now.Add(-time.Minute)))
	if within {
		times = append(times, now)
	}
	s.sendTimes[key] = times
	return within
}

var china = time.FixedZone("CST", 8*60*60)

func (s *Server) withinDay(agentID, n int, now time.Time) bool {
	limit := s.cfg.Strict.AccountLimit * 200
	count := s.daily[agentID]
	if day := now.In(china).Format(time.DateOnly); count.day != day {
		count = dayCount{day: day}
	}
	if limit > 0 && count.n+n > limit {
		return false
	}
	count.n += n
	s.daily[agentID] = count
	return true
}

func (s *Server) keepSent(m *sentMessage) {
	if len(s.sent) >= keepSent {
		delete(s.sentByID, s.sent[0].MsgID)
		s.sent = s.sent[1:]
	}
	s.sent = append(s.sent, m)
	if m.MsgID != "" {
		s.sentByID[m.MsgID] = m
	}
}

func (s *Server) keepTask(key taskKey) {
	if s.taskIDs[key] {
		return
	}
	if len(s.taskOrder) >= keepTasks {
		delete(s.taskIDs, s.taskOrder[0])
		s.taskOrder = s.taskOrder[1:]
	}
	s.taskIDs[key] = true
	s.taskOrder = append(s.taskOrder, key)
}

func (s *Server) keepCode(code string, agentID int, msgID string, now time.Time) {
	if len(s.responseCodes) >= 2*keepSent {
		for old, r := range s.responseCodes {
			if r.used || !now.Before(r.expires) {
				delete(s.responseCodes, old)
			}
		}
	}
	s.responseCodes[code] = &responseCode{agentID: agentID, msgID: msgID, expires: now.Add(responseCodeLife)}
}

func (s *Server) keepDuplicate(key string, seconds int, answer fields, now time.Time) {
	if seconds <= 0 {
		seconds = 1800
	}
	if len(s.duplicates) >= keepSent {
		for old, d := range s.duplicates {
			if !now.Before(d.until) {
				delete(s.duplicates, old)
			}
		}
	}
	s.duplicates[key] = duplicate{until: now.Add(time.Duration(min(seconds, 14400)) * time.Second), answer: answer}
}
