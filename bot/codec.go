package bot

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
)

// codec turns an app's pushes into messages and answers into packages: signature, encryption and XML, in layers that know nothing of one
// another.
type codec struct {
	app   App
	token []byte
	crypt *crypt
	rand  io.Reader
}

// newCodec holds token and key to what WeCom's console accepts.
func newCodec(app App, token, encodingAESKey string, random io.Reader) (*codec, error) {
	if app.CorpID == "" || app.AgentID <= 0 {
		return nil, fmt.Errorf("bot: app %q needs a corp id and an agent id", app.Name)
	}
	if token == "" || len(token) > 32 || !alphanumeric(token) {
		return nil, fmt.Errorf("bot: app %q: Token must have 1 to 32 letters and digits", app.Name)
	}
	if !alphanumeric(encodingAESKey) {
		return nil, errors.New("bot: EncodingAESKey must be letters and digits")
	}
	c, err := newCrypt(encodingAESKey, app.CorpID)
	if err != nil {
		return nil, err
	}
	return &codec{app: app, token: []byte(token), crypt: c, rand: random}, nil
}

func alphanumeric(s string) bool {
	for i := range len(s) {
		b := s[i]
		if !(b >= '0' && b <= '9' || b >= 'A' && b <= 'Z' || b >= 'a' && b <= 'z') {
			return false
		}
	}
	return true
}

// params are the query of a push.
type params struct {
	signature, timestamp, nonce string
}

// decode proves and decrypts encrypt. Its error is ErrForged.
func (c *codec) decode(p params, encrypt []byte) ([]byte, error) {
	if !signed(p.signature, c.token, []byte(p.timestamp), []byte(p.nonce), encrypt) {
		return nil, errSignature
	}
	return c.crypt.open(encrypt)
}

// message reads a decrypted push and holds it to this app. Its error is ErrMalformed or ErrForged.
func (c *codec) message(plain []byte) (*Message, error) {
	m, err := parseMessage(plain)
	if err != nil {
		return nil, err
	}
	if m.ToUserName != c.app.CorpID {
		return nil, fmt.Errorf("%w: inner ToUserName", ErrForged)
	}
	// Only events of the contact directory come without an agent.
	if m.AgentID != c.app.AgentID && !(m.AgentID == 0 && m.MsgType == "event") {
		return nil, fmt.Errorf("%w: inner AgentID", ErrForged)
	}
	m.AgentID = c.app.AgentID
	return m, nil
}

// textReply writes the encrypted package that answers m with text, at now in unix seconds.
func (c *codec) textReply(m *Message, now int64, text string) ([]byte, error) {
	var random [24]byte
	if _, err := io.ReadFull(c.rand, random[:]); err != nil {
		return nil, err
	}
	// Each with room for what follows, so that nothing is copied as it grows.
	plain := c.crypt.begin(make([]byte, 0, 384+len(text)), [16]byte(random[:]))
	plain = appendTextReply(plain, m, now, text)
	out := make([]byte, 0, 256+base64.StdEncoding.EncodedLen(len(plain)+2*padBlock))
	out = append(out, envelopeHead...)
	out = c.crypt.seal(out, plain)
	encrypt := out[len(envelopeHead):]
	timestamp := strconv.AppendInt(make([]byte, 0, 20), now, 10)
	nonce := hex.AppendEncode(make([]byte, 0, 16), random[16:])
	signature := sign(c.token, timestamp, nonce, encrypt)
	return appendEnvelopeTail(out, signature[:], timestamp, nonce), nil
}
