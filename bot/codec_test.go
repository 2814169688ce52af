package bot

import (
	"encoding/binary"
	"encoding/xml"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/silenceper/wechat/v2/util"
)

const (
	v1Echo  = "P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="
	v2Crypt = "RypEvHKD8QQKFhvQ6QleEB4J58tiPdvo+rtK1I9qca6aM/wvqnLSV5zEPeusUiX5L5X/0lWfrf0QADHHhGd3QczcdCUpj911L3vg3W/sYYvuJTs3TUUkSUXxaccAS0qhxchrRYt66wiSpGLYL42aM6A8dTT+6k4aSknmPj48kzJs8qLjvd4Xgpue06DOdnLxAUHzM6+kDZ+HMZfJYuR+LtwGc2hgf5gsijff0ekUNXZiqATP7PF5mZxZ3Izoun1s4zG4LUMnvw2r+KqCKIw+3IQH03v+BCA9nMELNqbSf6tiWSrXJB3LAVGUcallcrw8V2t9EL4EhzJWrQUax5wLVMNS0+rUPA3k22Ncx4XXZS9o0MBH27Bo6BpNelZpS+/uh9KsNlY6bHCmJU9p8g7m3fVKn28H3KDYA5Pl/T8Z1ptDAVe0lXdQ2YoyyH2uyPIGHBZZIs2pDBS8R07+qN+E7Q=="
	v2Plain = "<xml><ToUserName><![CDATA[wx5823bf96d3bd56c7]]></ToUserName>\n<FromUserName><![CDATA[mycreate]]></FromUserName>\n<CreateTime>1409659813</CreateTime>\n<MsgType><![CDATA[text]]></MsgType>\n<Content><![CDATA[hello]]></Content>\n<MsgId>4561255354251345929</MsgId>\n<AgentID>218</AgentID>\n</xml>"
	v3Crypt = "sKqRbbiSUnDhFHOvPjtUMd2aKGsnO1wGUhhgmucZyOooAmp9WiC5uDkjoOv6eP1l5uh45DeEw9aco5AR3vyVtA=="
)

func testCodec(t testing.TB) *codec {
	t.Helper()
	c, err := newCodec(testApp, testToken, testAESKey, strings.NewReader(strings.Repeat("0123456789abcdef", 1<<16)))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func sealed(c *crypt, random [16]byte, msg []byte) []byte {
	return c.seal(nil, append(c.begin(nil, random), msg...))
}

// The published vectors pin signature, encryption and padding to WeCom's own.
func TestCodec_PublishedVectors(t *testing.T) {
	t.Parallel()
	c := testCodec(t)
	t.Run("V1/VerifyURL", func(t *testing.T) {
		p := params{"5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3", "1409659589", "263014780"}
		got, err := c.decode(p, []byte(v1Echo))
		if err != nil || string(got) != "1616140317555161061" {
			t.Fatalf("decode = %q, %v", got, err)
		}
	})
	t.Run("V2/Message", func(t *testing.T) {
		p := params{"477715d11cdb4164915debcba66cb864d751f3e6", "1409659813", "1372623149"}
		got, err := c.decode(p, []byte(v2Crypt))
		if err != nil || string(got) != v2Plain {
			t.Fatalf("decode = %q, %v", got, err)
		}
		m, err := c.message(got)
		if err != nil {
			t.Fatal(err)
		}
		want := &Message{ToUserName: testCorp, FromUserName: "mycreate", CreateTime: 1409659813, MsgType: "text", AgentID: 218,
			MsgID: "4561255354251345929", Content: "hello"}
		if !reflect.DeepEqual(m, want) {
			t.Fatalf("message = %+v", m)
		}
		if again := sealed(c.crypt, [16]byte([]byte("0960688932c47ef1")), got); string(again) != v2Crypt {
			t.Fatalf("seal = %s", again)
		}
	})
	t.Run("V3/Encrypt", func(t *testing.T) {
		got := sealed(c.crypt, [16]byte([]byte("0123456789abcdef")), []byte("hello"))
		if string(got) != v3Crypt {
			t.Fatalf("seal = %s", got)
		}
		if s := sign(c.token, []byte("1409659813"), []byte("1372623149"), got); string(s[:]) != "6963916188a9972dd57e779c6eb680b07cf4fa99" {
			t.Fatalf("sign = %s", s)
		}
	})
}

// Half of all messages need more than 16 bytes of padding: a check against 16 loses them.
func TestCrypt_AllPaddings(t *testing.T) {
	t.Parallel()
	c := testCodec(t)
	seen := map[int]bool{}
	for n := range 64 {
		msg := strings.Repeat("m", n)
		seen[32-(headBytes+n+len(testCorp))%32] = true
		if got, err := c.crypt.open([]byte(wecomEncrypt(t, msg))); err != nil || string(got) != msg {
			t.Errorf("length %d: %q, %v", n, got, err)
		}
		ours := sealed(c.crypt, [16]byte{}, []byte(msg))
		if _, got, err := util.DecryptMsg(testCorp, string(ours), testAESKey); n > 0 && (err != nil || string(got) != msg) {
			t.Errorf("length %d sealed: %q, %v", n, got, err)
		}
	}
	if len(seen) != 32 {
		t.Fatalf("only %d paddings met", len(seen))
	}
}

func TestCrypt_Refuses(t *testing.T) {
	t.Parallel()
	c := testCodec(t)
	raw := func(change func(b []byte) []byte) string {
		return wecomEncryptRaw(t, change(wecomPad(wecomFrame("hello", testCorp), 32)))
	}
	frame := func(size uint32) string {
		b := wecomFrame("hello", testCorp)
		binary.BigEndian.PutUint32(b[16:], size)
		return wecomEncryptRaw(t, wecomPad(b, 32))
	}
	cases := map[string]string{
		"Empty":          "",
		"NotBase64":      "!!!!",
		"LineBreak":      v3Crypt[:40] + "\n" + v3Crypt[40:] + "=",
		"TrailingBits":   v3Crypt[:len(v3Crypt)-3] + "B==",
		"HalfBlock":      wecomEncryptRaw(t, wecomPad(wecomFrame("hellohello", testCorp), 16)[:48]),
		"WrongReceiveID": wecomEncryptRaw(t, wecomPad(wecomFrame("hello", "wrongcorp"), 32)),
		"NoReceiveID":    wecomEncryptRaw(t, wecomPad(wecomFrame("hello", ""), 32)),
		"LengthPlusOne":  frame(6),
		"LengthTooLarge": frame(1 << 20),
		"LengthNegative": frame(1 << 31),
		"LengthMax":      frame(1<<32 - 1),
		"TooShort":       wecomEncryptRaw(t, wecomPad([]byte("0123456789abcdef012"), 32)),
	}
	for last := range 256 {
		// 21 is the right padding of this message.
		if last == 21 {
			continue
		}
		cases[fmt.Sprintf("LastByte%d", last)] = raw(func(b []byte) []byte { b[len(b)-1] = byte(last); return b })
	}
	for i := 2; i <= 21; i++ {
		cases[fmt.Sprintf("Filler%d", i)] = raw(func(b []byte) []byte { b[len(b)-i] ^= 1; return b })
	}
	for name, encrypt := range cases {
		if got, err := c.crypt.open([]byte(encrypt)); !errors.Is(err, ErrForged) {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := c.crypt.open([]byte(raw(func(b []byte) []byte { return b }))); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

func TestNewCodec_Refuses(t *testing.T) {
	t.Parallel()
	for name, s := range map[string][2]string{
		"EmptyToken": {"", testAESKey}, "LongToken": {strings.Repeat("a", 33), testAESKey}, "OddToken": {"a-b", testAESKey},
		"EmptyKey": {testToken, ""}, "ShortKey": {testToken, testAESKey[1:]}, "LongKey": {testToken, testAESKey + "A"}, "OddKey": {testToken, "+" + testAESKey[1:]},
	} {
		if _, err := newCodec(testApp, s[0], s[1], nil); err == nil {
			t.Errorf("%s: accepted", name)
		} else if s[1] != "" && strings.Contains(err.Error(), s[1]) {
			t.Errorf("%s: the error shows the key", name)
		}
	}
}

func TestParseMessage(t *testing.T) {
	t.Parallel()
	head := "<xml><ToUserName>c</ToUserName><FromUserName><![CDATA[ZhangSan]]></FromUserName><CreateTime>1700000000</CreateTime><AgentID>218</AgentID>"
	base := Message{ToUserName: "c", FromUserName: "ZhangSan", CreateTime: 1700000000, AgentID: 218}
	event := func(f func(m *Message)) Message { m := base; m.MsgType = "event"; f(&m); return m }
	for name, tc := range map[string]struct {
		xml  string
		want Message
	}{
		"Text": {"<MsgType>text</MsgType><Content>a &lt; b</Content><MsgId>18446744073709551615</MsgId>", func() Message {
			m := base
			m.MsgType, m.Content, m.MsgID = "text", "a < b", "18446744073709551615"
			return m
		}()},
		"Click":      {"<MsgType>event</MsgType><Event>click</Event><EventKey>card.balance</EventKey>", event(func(m *Message) { m.Event, m.EventKey = "click", "card.balance" })},
		"EnterAgent": {"<MsgType>event</MsgType><Event>enter_agent</Event><EventKey></EventKey>", event(func(m *Message) { m.Event = "enter_agent" })},
		"Location":   {"<MsgType>event</MsgType><Event>LOCATION</Event><Latitude>23.1</Latitude><Longitude>113.2</Longitude><Precision>9</Precision><AppType>wxwork</AppType>", event(func(m *Message) { m.Event, m.Latitude, m.Longitude, m.AppType = "LOCATION", "23.1", "113.2", "wxwork" })},
		"Scan": {"<MsgType>event</MsgType><Event>scancode_waitmsg</Event><EventKey>k</EventKey><ScanCodeInfo><ScanType>qrcode</ScanType><ScanResult>r</ScanResult></ScanCodeInfo>", event(func(m *Message) {
			m.Event, m.EventKey, m.ScanType, m.ScanResult = "scancode_waitmsg", "k", "qrcode", "r"
		})},
		"Photos": {"<MsgType>event</MsgType><Event>pic_weixin</Event><SendPicsInfo><Count>2</Count><PicList><item><PicMd5Sum>a</PicMd5Sum></item><item><PicMd5Sum>b</PicMd5Sum></item></PicList></SendPicsInfo>", event(func(m *Message) { m.Event = "pic_weixin" })},
		"Card": {`<MsgType>event</MsgType><Event>template_card_event</Event><EventKey>e</EventKey><TaskId>t</TaskId><CardType>multiple_interaction</CardType><ResponseCode>r</ResponseCode>
			<SelectedItems><SelectedItem><QuestionKey>q1</QuestionKey><OptionIds><OptionId>a</OptionId><OptionId>b</OptionId></OptionIds></SelectedItem>
			<SelectedItem><OptionIds><OptionId>c</OptionId></OptionIds><QuestionKey>q2</QuestionKey></SelectedItem></SelectedItems>`,
			event(func(m *Message) {
				m.Event, m.EventKey, m.TaskID, m.CardType, m.ResponseCode = "template_card_event", "e", "t", "multiple_interaction", "r"
				m.SelectedItems = []SelectedItem{{"q1", []string{"a", "b"}}, {"q2", []string{"c"}}}
			})},
		"Unknown": {"<MsgType>event</MsgType><Event>brand_new</Event><News><A>1</A></News>", event(func(m *Message) { m.Event = "brand_new" })},
	} {
		got, err := parseMessage([]byte(head + tc.xml + "</xml>"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(*got, tc.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, *got, tc.want)
		} else if got.From() != "zhangsan" {
			t.Errorf("%s: From = %s", name, got.From())
		}
	}
}

func TestParseMessage_Refuses(t *testing.T) {
	t.Parallel()
	ok := "<ToUserName>c</ToUserName><FromUserName>u</FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType>"
	if _, err := parseMessage([]byte("<xml>" + ok + "</xml>\n")); err != nil {
		t.Fatalf("the right one: %v", err)
	}
	for name, x := range map[string]string{
		"Empty":            "",
		"Doctype":          `<!DOCTYPE xml [<!ENTITY a "b">]><xml>` + ok + "</xml>",
		"Entity":           "<xml>" + ok + "<Content>&a;</Content></xml>",
		"Instruction":      `<?xml version="1.0"?><xml>` + ok + "</xml>",
		"Comment":          "<xml>" + ok + "<!-- --></xml>",
		"TwoRoots":         "<xml>" + ok + "</xml><xml>" + ok + "</xml>",
		"Trailer":          "<xml>" + ok + "</xml>x",
		"Leader":           "x<xml>" + ok + "</xml>",
		"TrailingNUL":      "<xml>" + ok + "</xml>\x00",
		"OtherRoot":        "<XML>" + ok + "</XML>",
		"Twice":            "<xml>" + ok + "<FromUserName>v</FromUserName></xml>",
		"TwiceNested":      "<xml>" + ok + "<ScanCodeInfo><ScanType>a</ScanType><ScanType>b</ScanType></ScanCodeInfo></xml>",
		"NameSpace":        `<xml xmlns:a="b">` + ok + "<a:Content>c</a:Content></xml>",
		"Unclosed":         "<xml>" + ok,
		"Crossed":          "<xml>" + ok + "<a><b></a></b></xml>",
		"MixedText":        "<xml>" + ok + "<a>text<b>1</b></a></xml>",
		"MixedTail":        "<xml>" + ok + "<a><b>1</b>text</a></xml>",
		"BadUTF8":          "<xml>" + ok + "<Content>\xff</Content></xml>",
		"Deep":             "<xml>" + ok + strings.Repeat("<a>", 40) + strings.Repeat("</a>", 40) + "</xml>",
		"VeryDeep":         strings.Repeat("<xml>", 10_000),
		"Many":             "<xml>" + ok + "<l>" + strings.Repeat("<item/>", 600) + "</l></xml>",
		"Huge":             "<xml>" + ok + "<Content>" + strings.Repeat("a", maxXMLBytes) + "</Content></xml>",
		"NoSender":         "<xml><ToUserName>c</ToUserName><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>",
		"SenderIsElement":  "<xml><ToUserName>c</ToUserName><FromUserName><a>u</a></FromUserName><CreateTime>1</CreateTime><MsgType>text</MsgType></xml>",
		"TimeNegative":     "<xml><ToUserName>c</ToUserName><FromUserName>u</FromUserName><CreateTime>-1</CreateTime><MsgType>text</MsgType></xml>",
		"TimeTooLarge":     "<xml><ToUserName>c</ToUserName><FromUserName>u</FromUserName><CreateTime>99999999999999999999</CreateTime><MsgType>text</MsgType></xml>",
		"AgentNotANumber":  "<xml>" + ok + "<AgentID>0x1</AgentID></xml>",
		"MsgIdNotANumber":  "<xml>" + ok + "<MsgId>1e3</MsgId></xml>",
		"EventWithoutName": "<xml><ToUserName>c</ToUserName><FromUserName>u</FromUserName><CreateTime>1</CreateTime><MsgType>event</MsgType></xml>",
	} {
		if m, err := parseMessage([]byte(x)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
}

func TestTextReply_RoundTrip(t *testing.T) {
	t.Parallel()
	c := testCodec(t)
	m := &Message{ToUserName: testCorp, FromUserName: "ZhangSan"}
	for name, tc := range map[string][2]string{
		"Plain":    {"余额 ¥12.30\n第二行", "余额 ¥12.30\n第二行"},
		"CDATAEnd": {"a]]>b]]>c", "a]]>b]]>c"},
		"Markup":   {"<a href=\"x\">&amp;</a>", "<a href=\"x\">&amp;</a>"},
		"Control":  {"a\x00b\x1bc\ufffe", "abc"},
		"BadUTF8":  {"a\xffb", "ab"},
	} {
		out, err := c.textReply(m, 1700000001, tc[0])
		if err != nil {
			t.Fatal(err)
		}
		r := readReply(t, string(out))
		if r.Content != tc[1] || r.ToUserName != "ZhangSan" || r.CreateTime != 1700000001 {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestMessage_Key(t *testing.T) {
	t.Parallel()
	base := Message{AgentID: 218, FromUserName: "U", CreateTime: 1, MsgType: "event", Event: "click", EventKey: "k"}
	same := base
	same.FromUserName, same.Event = "u", "CLICK"
	if base.Key() != same.Key() {
		t.Error("case changes the key")
	}
	seen := map[string]string{base.Key(): "base"}
	for name, f := range map[string]func(m *Message){
		"Agent": func(m *Message) { m.AgentID = 219 }, "User": func(m *Message) { m.FromUserName = "v" }, "Time": func(m *Message) { m.CreateTime = 2 },
		"Event": func(m *Message) { m.Event = "view" }, "EventKey": func(m *Message) { m.EventKey = "k2" }, "Task": func(m *Message) { m.TaskID = "t" },
		"Response": func(m *Message) { m.ResponseCode = "r" }, "Moved": func(m *Message) { m.EventKey, m.TaskID = "", "k" }, "Scan": func(m *Message) { m.ScanResult = "r" },
		"MsgID": func(m *Message) { m.MsgID = "1" },
	} {
		m := base
		f(&m)
		if other, dup := seen[m.Key()]; dup {
			t.Errorf("%s and %s share a key", name, other)
		}
		seen[m.Key()] = name
	}
}

// FuzzCallback feeds outside bytes through every layer: envelope, decryption of anything, and the inner XML, which an attacker who
// had the keys could choose freely.
func FuzzCallback(f *testing.F) {
	c := testCodec(f)
	c.rand = zeros{}
	f.Add([]byte("<xml><ToUserName>c</ToUserName><Encrypt><![CDATA[" + v2Crypt + "]]></Encrypt></xml>"))
	f.Add([]byte(v2Plain))
	f.Add([]byte(v2Crypt))
	f.Add([]byte(cardEventXML("u", "t", "k", "r")))
	f.Add([]byte("<xml><a><![CDATA[]]]]><![CDATA[>]]></a></xml>"))
	f.Add([]byte("<xml>\n<a/>\r\n<b >1</b ><c>&lt;2&#51;</c><d><![CDATA[\r\n\xef\xbf\xbd]]>4</d></xml>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, _ = agree(t, data)
		if e, err := parseEnvelope(data); err == nil && len(e.encrypt) == 0 {
			t.Fatal("an envelope without Encrypt")
		}
		if _, err := c.crypt.open(data); err != nil && !errors.Is(err, ErrForged) {
			t.Fatal(err)
		}
		m, err := parseMessage(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatal(err)
			}
			return
		}
		if len(data) > maxXMLBytes || m.FromUserName == "" || m.MsgType == "" {
			t.Fatalf("accepted %q as %+v", data, m)
		}
		var lax struct{ FromUserName string }
		if err := xml.Unmarshal(data, &lax); err != nil || lax.FromUserName != m.FromUserName {
			t.Fatalf("encoding/xml reads %q, %v; we read %q", lax.FromUserName, err, m.FromUserName)
		}
		m.ToUserName = testCorp
		out, err := c.textReply(m, 1, m.Content)
		if err != nil {
			t.Fatal(err)
		}
		if r := readReply(t, string(out)); r.ToUserName != m.FromUserName {
			t.Fatalf("answers %q instead of %q", r.ToUserName, m.FromUserName)
		}
	})
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }
