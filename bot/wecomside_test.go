package bot

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What WeCom does with a callback, written apart from the product's code so that one mistake cannot agree with itself.

const (
	testToken  = "QDG6eK"
	testAESKey = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	testCorp   = "wx5823bf96d3bd56c7"
	testAgent  = 218
)

var testApp = App{Name: "card", CorpID: testCorp, AgentID: testAgent}

func wecomKey(t testing.TB) []byte {
	t.Helper()
	key, err := base64.StdEncoding.DecodeString(testAESKey + "=")
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func wecomPad(plain []byte, block int) []byte {
	n := block - len(plain)%block
	return append(plain, strings.Repeat(string([]byte{byte(n)}), n)...)
}

// wecomFrame is the plaintext before padding.
func wecomFrame(msg, receiveID string) []byte {
	out := []byte("0123456789abcdef")
	out = binary.BigEndian.AppendUint32(out, uint32(len(msg)))
	out = append(out, msg...)
	return append(out, receiveID...)
}

func wecomEncryptRaw(t testing.TB, padded []byte) string {
	t.Helper()
	key := wecomKey(t)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]byte, len(padded))
	cipher.NewCBCEncrypter(block, key[:16]).CryptBlocks(out, padded)
	return base64.StdEncoding.EncodeToString(out)
}

func wecomEncrypt(t testing.TB, msg string) string {
	t.Helper()
	return wecomEncryptRaw(t, wecomPad(wecomFrame(msg, testCorp), 32))
}

func wecomSign(parts ...string) string {
	sort.Strings(parts)
	return fmt.Sprintf("%x", sha1.Sum([]byte(strings.Join(parts, ""))))
}

// wecomDecrypt opens a reply as WeCom does.
func wecomDecrypt(t testing.TB, encrypt string) string {
	t.Helper()
	raw, err := base64.StdEncoding.DecodeString(encrypt)
	if err != nil {
		t.Fatal(err)
	}
	key := wecomKey(t)
	block, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	cipher.NewCBCDecrypter(block, key[:16]).CryptBlocks(raw, raw)
	raw = raw[:len(raw)-int(raw[len(raw)-1])]
	size := binary.BigEndian.Uint32(raw[16:20])
	if got := string(raw[20+size:]); got != testCorp {
		t.Fatalf("receiveid = %q", got)
	}
	return string(raw[20 : 20+size])
}

// push builds the request of one push.
type push struct {
	inner     string // decrypted XML
	encrypt   string // instead of inner
	body      string // instead of the envelope
	signature string // instead of the right one
	timestamp int64
	nonce     string
	toUser    string
	agent     string
}

func (p push) request(t testing.TB) *http.Request {
	t.Helper()
	if p.timestamp == 0 {
		p.timestamp = time.Now().Unix()
	}
	if p.nonce == "" {
		p.nonce = "1372623149"
	}
	if p.toUser == "" {
		p.toUser = testCorp
	}
	if p.agent == "" {
		p.agent = strconv.Itoa(testAgent)
	}
	if p.encrypt == "" {
		p.encrypt = wecomEncrypt(t, p.inner)
	}
	ts := strconv.FormatInt(p.timestamp, 10)
	if p.signature == "" {
		p.signature = wecomSign(testToken, ts, p.nonce, p.encrypt)
	}
	if p.body == "" {
		p.body = "<xml><ToUserName><![CDATA[" + p.toUser + "]]></ToUserName><AgentID><![CDATA[" + p.agent +
			"]]></AgentID><Encrypt><![CDATA[" + p.encrypt + "]]></Encrypt></xml>"
	}
	q := url.Values{"msg_signature": {p.signature}, "timestamp": {ts}, "nonce": {p.nonce}}
	return httptest.NewRequest(http.MethodPost, "/wecom/card?"+q.Encode(), strings.NewReader(p.body))
}

// textXML is a message as WeCom writes it.
func textXML(user, msgID, content string) string {
	return "<xml><ToUserName><![CDATA[" + testCorp + "]]></ToUserName>\n<FromUserName><![CDATA[" + user + "]]></FromUserName>\n" +
		"<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[" + content + "]]></Content>\n" +
		"<MsgId>" + msgID + "</MsgId>\n<AgentID>218</AgentID>\n</xml>"
}

// cardEventXML is the press of a button.
func cardEventXML(user, taskID, key, responseCode string) string {
	return "<xml><ToUserName><![CDATA[" + testCorp + "]]></ToUserName><FromUserName><![CDATA[" + user + "]]></FromUserName>" +
		"<CreateTime>1700000000</CreateTime><MsgType><![CDATA[event]]></MsgType><Event><![CDATA[template_card_event]]></Event>" +
		"<EventKey><![CDATA[" + key + "]]></EventKey><TaskId><![CDATA[" + taskID + "]]></TaskId>" +
		"<CardType><![CDATA[button_interaction]]></CardType><ResponseCode><![CDATA[" + responseCode + "]]></ResponseCode><AgentID>218</AgentID></xml>"
}

type replyXML struct {
	ToUserName, FromUserName, MsgType, Content string
	CreateTime                                 int64
}

// readReply checks and opens the callback's own answer; an empty body gives an empty reply.
func readReply(t testing.TB, body string) replyXML {
	t.Helper()
	var r replyXML
	if body == "" {
		return r
	}
	var e struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
	if err := xml.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("reply %q: %v", body, err)
	}
	if want := wecomSign(testToken, e.TimeStamp, e.Nonce, e.Encrypt); e.MsgSignature != want {
		t.Fatalf("MsgSignature = %s, want %s", e.MsgSignature, want)
	}
	if err := xml.Unmarshal([]byte(wecomDecrypt(t, e.Encrypt)), &r); err != nil {
		t.Fatal(err)
	}
	if r.FromUserName != testCorp || r.MsgType != "text" {
		t.Fatalf("reply = %+v", r)
	}
	return r
}
