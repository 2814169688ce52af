package bot

import "strconv"

// envelope is the outer XML of a push. Only Encrypt is signed; what the other two say is believed from inside alone, and may not
// contradict it.
type envelope struct {
	toUserName string
	agentID    string
	encrypt    []byte
}

func parseEnvelope(body []byte) (envelope, error) {
	var e envelope
	if err := walkXML(body, &e); err != nil {
		return envelope{}, err
	}
	if len(e.encrypt) == 0 {
		return envelope{}, malformed("no Encrypt")
	}
	return e, nil
}

func (e *envelope) open([]string) {}

func (e *envelope) leaf(path []string, text []byte) {
	if len(path) != 2 {
		return
	}
	switch path[1] {
	case "ToUserName":
		e.toUserName = string(text)
	case "AgentID":
		e.agentID = string(text)
	case "Encrypt":
		e.encrypt = append([]byte(nil), text...)
	}
}

// parseMessage reads the decrypted XML. Kinds and fields we have no use for are accepted and left out, since WeCom adds new ones.
func parseMessage(plain []byte) (*Message, error) {
	p := parser{m: new(Message)}
	if err := walkXML(plain, &p); err != nil {
		return nil, err
	}
	m := p.m
	switch {
	case p.bad != "":
		return nil, malformed(p.bad)
	case m.FromUserName == "" || len(m.FromUserName) > 128:
		return nil, malformed("FromUserName")
	case m.MsgType == "" || m.CreateTime <= 0:
		return nil, malformed("MsgType or CreateTime")
	case m.MsgType == "event" && m.Event == "":
		return nil, malformed("Event")
	}
	return m, nil
}

// parser fills a Message.
type parser struct {
	m   *Message
	bad string // the first field with a wrong value
}

func (p *parser) open(path []string) {
	if len(path) == 3 && path[1] == "SelectedItems" && path[2] == "SelectedItem" {
		p.m.SelectedItems = append(p.m.SelectedItems, SelectedItem{})
	}
}

func (p *parser) leaf(path []string, text []byte) {
	switch len(path) {
	case 2:
		p.field(path[1], text)
	case 3:
		p.nested(path[1], path[2], string(text))
	case 4, 5:
		p.selected(path[1:], string(text))
	}
}

func (p *parser) field(name string, text []byte) {
	m := p.m
	switch name {
	case "ToUserName":
		m.ToUserName = string(text)
	case "FromUserName":
		m.FromUserName = string(text)
	case "CreateTime":
		m.CreateTime = p.integer(name, text)
	case "MsgType":
		m.MsgType = string(text)
	case "AgentID":
		if len(text) > 0 {
			m.AgentID = p.integer(name, text)
		}
	case "MsgId":
		// 64 bits, unsigned for all we know, and only ever compared.
		if n, err := strconv.ParseUint(string(text), 10, 64); err != nil {
			p.bad = name
		} else if n > 0 {
			m.MsgID = strconv.FormatUint(n, 10)
		}
	case "Content":
		m.Content = string(text)
	case "Event":
		m.Event = string(text)
	case "EventKey":
		m.EventKey = string(text)
	case "TaskId":
		m.TaskID = string(text)
	case "CardType":
		m.CardType = string(text)
	case "ResponseCode":
		m.ResponseCode = string(text)
	default:
		p.rare(name, string(text))
	}
}

func (p *parser) rare(name, text string) {
	m := p.m
	switch name {
	case "MediaId":
		m.MediaID = text
	case "PicUrl":
		m.PicURL = text
	case "Format":
		m.Format = text
	case "Title":
		m.Title = text
	case "Description":
		m.Description = text
	case "Url":
		m.URL = text
	case "Location_X":
		m.LocationX = text
	case "Location_Y":
		m.LocationY = text
	case "Label":
		m.Label = text
	case "Latitude":
		m.Latitude = text
	case "Longitude":
		m.Longitude = text
	case "AppType":
		m.AppType = text
	case "ChangeType":
		m.ChangeType = text
	case "UserID":
		m.UserID = text
	case "NewUserID":
		m.NewUserID = text
	}
}

func (p *parser) nested(group, name, text string) {
	switch group {
	case "ScanCodeInfo":
		switch name {
		case "ScanType":
			p.m.ScanType = text
		case "ScanResult":
			p.m.ScanResult = text
		}
	case "SendLocationInfo":
		p.rare(name, text)
	}
}

func (p *parser) selected(path []string, text string) {
	if path[0] != "SelectedItems" || path[1] != "SelectedItem" {
		return
	}
	item := &p.m.SelectedItems[len(p.m.SelectedItems)-1]
	switch {
	case len(path) == 3 && path[2] == "QuestionKey":
		item.QuestionKey = text
	case len(path) == 4 && path[2] == "OptionIds" && path[3] == "OptionId":
		item.OptionIDs = append(item.OptionIDs, text)
	}
}

// integer reads decimal digits only: no sign, no space, at most 63 bits.
func (p *parser) integer(name string, text []byte) int64 {
	n, ok := digits(string(text))
	if !ok && p.bad == "" {
		p.bad = name
	}
	return n
}

func digits(s string) (int64, bool) {
	if s == "" || s[0] < '0' || s[0] > '9' {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}

// appendTextReply writes a passive text reply, the sender and the recipient of m exchanged.
// https://developer.work.weixin.qq.com/document/path/90241
func appendTextReply(dst []byte, m *Message, now int64, text string) []byte {
	dst = append(dst, "<xml>"...)
	dst = appendCDATA(dst, "ToUserName", m.FromUserName)
	dst = appendCDATA(dst, "FromUserName", m.ToUserName)
	dst = append(dst, "<CreateTime>"...)
	dst = strconv.AppendInt(dst, now, 10)
	dst = append(dst, "</CreateTime><MsgType><![CDATA[text]]></MsgType>"...)
	dst = appendCDATA(dst, "Content", text)
	return append(dst, "</xml>"...)
}

// envelopeHead begins the package of an encrypted reply, whose base64 follows, and appendEnvelopeTail ends it. None of its values can hold
// the end of a CDATA section.
const envelopeHead = "<xml><Encrypt><![CDATA["

func appendEnvelopeTail(dst, signature, timestamp, nonce []byte) []byte {
	dst = append(dst, "]]></Encrypt><MsgSignature><![CDATA["...)
	dst = append(dst, signature...)
	dst = append(dst, "]]></MsgSignature><TimeStamp>"...)
	dst = append(dst, timestamp...)
	dst = append(dst, "</TimeStamp><Nonce><![CDATA["...)
	dst = append(dst, nonce...)
	return append(dst, "]]></Nonce></xml>"...)
}
