package wecom

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// passiveReply is the decrypted answer to a callback, https://developer.work.weixin.qq.com/document/path/90241.
type passiveReply struct {
	XMLName      xml.Name  `xml:"xml"`
	ToUserName   string    `xml:"ToUserName"`
	FromUserName string    `xml:"FromUserName"`
	CreateTime   int64     `xml:"CreateTime"`
	MsgType      string    `xml:"MsgType"`
	Content      string    `xml:"Content"`
	ImageMediaID string    `xml:"Image>MediaId"`
	VoiceMediaID string    `xml:"Voice>MediaId"`
	VideoMediaID string    `xml:"Video>MediaId"`
	ArticleCount int       `xml:"ArticleCount"`
	Articles     []Article `xml:"Articles>item"`
	ReplaceName  string    `xml:"Button>ReplaceName"`
	TemplateCard *Card     `xml:"TemplateCard"`
}

// spellings are names on which SDKs differ, with the one used here.
var spellings = map[string]string{
	"Keyname": "KeyName", "Checkbox": "CheckBox", "Appid": "AppId", "Pagepath": "PagePath", "Userid": "UserId",
}

// respell reads XML with either spelling.
type respell struct{ d *xml.Decoder }

func (r respell) Token() (xml.Token, error) {
	t, err := r.d.RawToken()
	switch e := t.(type) {
	case xml.StartElement:
		if name, ok := spellings[e.Name.Local]; ok {
			e.Name.Local = name
		}
		return e, err
	case xml.EndElement:
		if name, ok := spellings[e.Name.Local]; ok {
			e.Name.Local = name
		}
		return e, err
	}
	return t, err
}

// unreplyable are the events whose answer must be empty; to all others the app may reply.
var unreplyable = []string{"scancode_push", "unsubscribe", "change_contact", "pic_sysphoto", "pic_photo_or_album", "pic_weixin", "location_select"}

// showReply puts the reply of the first acknowledged attempt that brought one into the conversation, or on the pressed card.
func (s *Server) showReply(cb callback, attempts []Attempt) {
	i := slices.IndexFunc(attempts, func(a Attempt) bool { return a.Status == http.StatusOK && a.Reply != "" })
	if i < 0 {
		for j := range attempts {
			if attempts[j].Status == http.StatusOK && attempts[j].Problem != "" {
				s.mu.Lock()
				s.warn(cb.app.AgentID, cb.name, "", attempts[j].Problem)
				s.mu.Unlock()
			}
		}
		return
	}
	s.mu.Lock()
	check := checker{strict: s.cfg.Strict, updating: true}
	err := s.applyReply(cb, attempts[i].Reply, &check)
	if err != nil {
		attempts[i].Problem = "the reply was not shown: " + err.Error()
		s.warn(cb.app.AgentID, cb.name, "", attempts[i].Problem)
	}
	for _, w := range check.warnings {
		s.warn(cb.app.AgentID, cb.name, w.Field, w.Text)
	}
	s.mu.Unlock()
	s.notify(cb.userID)
}

// applyReply checks a reply and shows it; the caller holds mu.
func (s *Server) applyReply(cb callback, text string, check *checker) error {
	var r passiveReply
	if err := xml.NewTokenDecoder(respell{xml.NewDecoder(strings.NewReader(text))}).Decode(&r); err != nil {
		return fmt.Errorf("it is no XML reply: %w", err)
	}
	switch {
	case !strings.EqualFold(r.ToUserName, cb.userID):
		return errors.New("its ToUserName is not the member")
	case r.FromUserName != s.cfg.CorpID:
		return errors.New("its FromUserName is not the CorpID")
	case slices.Contains(unreplyable, cb.name):
		return fmt.Errorf("%s takes no reply", cb.name)
	}
	if r.CreateTime == 0 {
		check.warn("CreateTime", "missing")
	}
	m := Message{UserID: cb.userID, AgentID: cb.app.AgentID, From: FromApp, Passive: true, Kind: r.MsgType}
	switch r.MsgType {
	case KindText:
		if r.Content == "" {
			return errors.New("its Content is empty")
		}
		if cb.name == "template_card_event" {
			check.warn("", "whether a text answering template_card_event is shown is not confirmed")
			if s.cfg.Strict.CardEventText {
				return errors.New("a text does not answer template_card_event")
			}
		}
		m.Text = check.cut("Content", r.Content, 2048)
	case KindNews:
		if r.ArticleCount != len(r.Articles) || len(r.Articles) == 0 {
			return fmt.Errorf("its ArticleCount %d does not fit %d items", r.ArticleCount, len(r.Articles))
		}
		articles, err := check.articles(r.Articles)
		if err != nil {
			return err
		}
		m.Articles = articles
	case KindImage, "voice", "video":
		id := map[string]string{KindImage: r.ImageMediaID, "voice": r.VoiceMediaID, "video": r.VideoMediaID}[r.MsgType]
		if id == "" {
			return errors.New("its MediaId is empty")
		}
		m.Text = string(encode(fields{"media_id": id}))
	case "update_button", "update_template_card":
		return s.replyUpdate(cb, r, check)
	default:
		return fmt.Errorf("%q is no type of passive reply", r.MsgType)
	}
	s.add(m)
	return nil
}

// replyUpdate changes the pressed card, of the member who pressed it only.
func (s *Server) replyUpdate(cb callback, r passiveReply, check *checker) error {
	m := s.message(cb.userID, cb.pressed)
	if m == nil || m.Card == nil {
		return fmt.Errorf("%s answers card events only", r.MsgType)
	}
	if r.MsgType == "update_button" {
		switch {
		case r.ReplaceName == "":
			return errors.New("its ReplaceName is empty")
		case !m.Card.interactive():
			return errors.New("the card has no button to replace")
		}
		m.greyOut(r.ReplaceName)
		return nil
	}
	if r.TemplateCard == nil {
		return errors.New("its TemplateCard is missing")
	}
	if err := check.card(r.TemplateCard); err != nil {
		return err
	}
	s.replaceCard(m, r.TemplateCard)
	return nil
}

// sender reads who a callback is from and what it is, as far as hostile XML lets it.
func sender(rawXML string) (userID, name string) {
	var x struct {
		FromUserName string `xml:"FromUserName"`
		MsgType      string `xml:"MsgType"`
		Event        string `xml:"Event"`
	}
	_ = xml.Unmarshal([]byte(rawXML), &x) // whatever could be read is enough
	if x.Event != "" {
		return x.FromUserName, x.Event
	}
	return x.FromUserName, x.MsgType
}
