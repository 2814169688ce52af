package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

// member is a person with a phone: the chats of both apps and a browser.
type member struct {
	*house
	campus.Person
	phone *http.Client
}

func (h *house) newMember(i int) *member {
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	return &member{house: h, Person: h.campus.People()[i], phone: &http.Client{Jar: jar, Timeout: patience}}
}

// text is everything a person reads on a message.
func text(m wecom.Message) string {
	b, err := json.Marshal(m)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// told waits for a message of an app that holds all the words.
func (m *member) told(agent int, words ...string) wecom.Message {
	m.t.Helper()
	return m.toldSince(0, agent, words...)
}

// toldSince is told among the messages from the n-th on.
func (m *member) toldSince(n, agent int, words ...string) wecom.Message {
	m.t.Helper()
	var found wecom.Message
	m.await(fmt.Sprintf("a message of app %d with %q", agent, words), func() bool {
		all := m.campus.WeCom.Conversation(m.UserID, agent)
		for _, msg := range all[min(n, len(all)):] {
			read := text(msg)
			if msg.From == wecom.FromApp && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(read, w) }) {
				found = msg
				return true
			}
		}
		return false
	})
	return found
}

// count tells how many messages of an app hold the words.
func (m *member) count(agent int, words ...string) (n int) {
	for _, msg := range m.campus.WeCom.Conversation(m.UserID, agent) {
		read := text(msg)
		if msg.From == wecom.FromApp && !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(read, w) }) {
			n++
		}
	}
	return n
}

// say types into a chat and returns how many messages stood there before.
func (m *member) say(agent int, words string) int {
	m.t.Helper()
	before := len(m.campus.WeCom.Conversation(m.UserID, agent))
	if _, err := m.campus.WeCom.Say(m.context(), m.UserID, agent, words); err != nil {
		m.t.Fatalf("say %q: %v", words, err)
	}
	return before
}

// code reads the newest six-digit code in the member's mail box.
func (m *member) code() string {
	m.t.Helper()
	var code string
	m.await("a mail with a code", func() bool {
		for _, mail := range slices.Backward(m.campus.Mail.Messages()) {
			if slices.Contains(mail.To, m.Email) {
				code = regexp.MustCompile(`\b\d{6}\b`).FindString(mail.Text)
				return code != ""
			}
		}
		return false
	})
	return code
}

// open opens a page in the in-app browser, through OAuth where it must.
func (m *member) open(address string) string {
	m.t.Helper()
	_, body := m.get(address)
	return body
}

func (m *member) get(address string) (int, string) {
	m.t.Helper()
	m.member.Store(m.UserID)
	if strings.HasPrefix(address, "/") {
		address = m.url + address
	}
	res, err := m.phone.Get(address)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	return res.StatusCode, string(body)
}

var csrfField = regexp.MustCompile(`name="csrf_token" value="([^"]+)"`)

// post sends the form of a page and returns where it led and what it showed.
func (m *member) post(path string, fields map[string]string) (at *url.URL, body string) {
	m.t.Helper()
	token := csrfField.FindStringSubmatch(m.open(path))
	if token == nil {
		m.t.Fatalf("the page %s has no form", path)
	}
	form := url.Values{"csrf_token": {token[1]}}
	for k, v := range fields {
		form.Set(k, v)
	}
	req, err := http.NewRequestWithContext(m.context(), http.MethodPost, m.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Origin", m.url)
	res, err := m.phone.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		m.t.Fatal(err)
	}
	if res.StatusCode >= 400 {
		m.t.Fatalf("POST %s = %d\n%s", path, res.StatusCode, raw)
	}
	return res.Request.URL, string(raw)
}

// ownPassword is what members choose in place of the initial one.
const ownPassword = "730518"

// choose submits a card that asks by which channel a code shall come.
func (m *member) choose(offer wecom.Message, channel string) {
	m.t.Helper()
	if _, err := m.campus.WeCom.Press(m.context(), m.UserID, offer.ID, offer.Card.SubmitButton.Key, map[string][]string{"channel": {channel}}); err != nil {
		m.t.Fatal(err)
	}
}

// verify proves in the assistant's chat who the member is.
func (m *member) verify() {
	m.t.Helper()
	if _, err := m.campus.WeCom.Enter(m.context(), m.UserID, campus.AssistantID); err != nil {
		m.t.Fatal(err)
	}
	m.choose(m.told(campus.AssistantID, "vote_interaction"), "email")
	m.say(campus.AssistantID, m.code())
	m.told(campus.CardID, "/h5/bind") // the welcome
}

// bind binds the card with the password everybody knows and chooses an own
// one.
func (m *member) bind() {
	m.t.Helper()
	at, _ := m.post("/h5/bind", map[string]string{"name": m.Name, "number": m.StudentNo, "query_password": "123456"})
	if at.Path != "/h5/password" {
		m.t.Fatalf("binding with the initial password led to %s, want /h5/password", at.Path)
	}
	m.post("/h5/password", map[string]string{"old_password": "123456", "new_password": ownPassword})
	m.told(campus.CardID, "绑定")
}

// orderNo places an order on the page and returns its number.
func (m *member) orderNo(fen int64) string {
	m.t.Helper()
	at, _ := m.post(fmt.Sprintf("/h5/topup?amount_fen=%d", fen), map[string]string{"amount_fen": fmt.Sprint(fen)})
	no, ok := strings.CutPrefix(at.Path, "/h5/topup/orders/")
	if !ok {
		m.t.Fatalf("the order led to %s", at.Path)
	}
	return no
}

// callUp is what the page hands to the bridge.
func (m *member) callUp(no string) wechatpay.BridgeParams {
	m.t.Helper()
	status, body := m.get("/h5/topup/orders/" + no + "/pay?channel=jsapi")
	var p wechatpay.BridgeParams
	if err := json.Unmarshal([]byte(body), &p); err != nil || status != http.StatusOK {
		m.t.Fatalf("pay = %d %s", status, body)
	}
	if err := m.campus.Pay.PaySignOK(p); err != nil {
		m.t.Fatalf("the bridge refuses the call-up: %v", err)
	}
	return p
}

// pay pays an order by the bridge.
func (m *member) pay(no string) {
	m.t.Helper()
	p := m.callUp(no)
	if _, err := m.campus.Pay.Pay(m.context(), p.PrepayID(), m.campus.OpenID(m.Person), wechatpay.PayOptions{Wait: true}); err != nil {
		m.t.Fatal(err)
	}
}

// status is what the order's page polls.
func (m *member) status(no string) (state string) {
	m.t.Helper()
	code, body := m.get("/h5/topup/orders/" + no + "/status")
	var s struct {
		State     string
		AmountFen int64 `json:"amount_fen"`
	}
	if err := json.Unmarshal([]byte(body), &s); err != nil || code != http.StatusOK {
		m.t.Fatalf("status = %d %s", code, body)
	}
	return s.State
}
