package campus

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"xiaoka/sandbox/sms"
	"xiaoka/sandbox/wechatpay"
	"xiaoka/sandbox/wecom"
)

// Entry is one line of the inspector: something that crossed the border between the product and its outside world.
type Entry struct {
	Seq      int       `json:"seq"` // 1 for the first
	At       time.Time `json:"at"`
	System   string    `json:"system"`  // wecom, wechatpay, terminal, mail, sms; sandbox for its own trouble
	Inbound  bool      `json:"inbound"` // towards the product: a callback, a notification, a terminal's call
	Name     string    `json:"name"`
	AgentID  int       `json:"agent_id,omitempty"`
	UserID   string    `json:"user_id,omitempty"`
	Terminal string    `json:"terminal,omitempty"`
	Status   int       `json:"status"` // HTTP status; 0: no answer
	ErrCode  int       `json:"err_code,omitempty"`
	Millis   int64     `json:"ms"`
	Problem  string    `json:"problem,omitempty"`
	Note     string    `json:"note,omitempty"`    // what was done to it on purpose
	Request  string    `json:"request,omitempty"` // decrypted
	Response string    `json:"response,omitempty"`
	OK       bool      `json:"ok"`
}

// keepEntries bounds the inspector's memory.
const keepEntries = 500

// Timeline is the inspector's record, oldest entries forgotten first.
type Timeline struct {
	mu      sync.Mutex
	next    int
	entries []Entry
	changed func()
}

func (t *Timeline) add(e Entry) {
	t.mu.Lock()
	t.next++
	e.Seq = t.next
	if len(t.entries) == keepEntries {
		t.entries = slices.Delete(t.entries, 0, 1)
	}
	t.entries = append(t.entries, e)
	t.mu.Unlock()
	if t.changed != nil {
		t.changed()
	}
}

// Since returns the entries after seq, oldest first, without their bodies.
func (t *Timeline) Since(seq int) []Entry {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []Entry{}
	for _, e := range t.entries {
		if e.Seq > seq {
			e.Request, e.Response = "", ""
			out = append(out, e)
		}
	}
	return out
}

// Entry returns one entry whole; false once it is forgotten.
func (t *Timeline) Entry(seq int) (Entry, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if e.Seq == seq {
			return e, true
		}
	}
	return Entry{}, false
}

func (t *Timeline) wecom(e wecom.Event) {
	var sent struct {
		ToUser string `json:"touser"`
	}
	if e.UserID == "" && e.Name == "message/send" && json.Unmarshal([]byte(e.Request), &sent) == nil {
		e.UserID = sent.ToUser
	}
	t.add(Entry{
		At: e.Time, System: "wecom", Inbound: e.Kind == "callback", Name: e.Name, AgentID: e.AgentID, UserID: e.UserID,
		Status: e.Status, ErrCode: e.ErrCode, Millis: e.Duration.Milliseconds(), Problem: e.Problem,
		Note: e.Note, Request: e.Request, Response: e.Response,
		OK: e.Status >= 200 && e.Status < 400 && e.ErrCode == 0,
	})
}

func (t *Timeline) wechatpay(x wechatpay.Exchange) {
	path, _, _ := strings.Cut(x.URL, "?")
	e := Entry{
		At: x.At, System: "wechatpay", Inbound: x.Outgoing, Name: strings.TrimPrefix(path, "/v3/"), Status: x.Status,
		Millis: x.Took.Milliseconds(), Request: x.Request, Response: x.Response, OK: x.Status >= 200 && x.Status < 300, Note: x.Note,
	}
	if x.Outgoing {
		var notice struct {
			EventType string `json:"event_type"`
		}
		if json.Unmarshal([]byte(x.Request), &notice) == nil {
			e.Name = notice.EventType
		}
		e.Request = x.Plain
	}
	t.add(e)
}

func (t *Timeline) sms(x sms.Exchange) {
	e := Entry{
		At: x.At, System: "sms", Name: x.Action, Status: x.Status, Millis: x.Took.Milliseconds(), Request: x.Request, Response: x.Response,
		OK: x.Code == "Ok",
	}
	if !e.OK {
		e.Problem = x.Code
	}
	t.add(e)
}

// traced notes a machine's calls, without passwords.
type traced struct {
	terminal string
	next     http.RoundTripper
	timeline *Timeline
}

var pinInBody = regexp.MustCompile(`"pin":"[^"]*"`)

// RoundTrip is http.RoundTripper's.
func (t traced) RoundTrip(r *http.Request) (*http.Response, error) {
	var request []byte
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err != nil {
			return nil, err
		}
		if request, err = io.ReadAll(body); err != nil {
			return nil, err
		}
	}
	e := Entry{
		At: time.Now(), System: "terminal", Inbound: true, Name: strings.TrimPrefix(r.URL.Path, "/"), Terminal: t.terminal,
		Request: pinInBody.ReplaceAllString(string(request), `"pin":"……"`),
	}
	next := t.next
	if next == nil {
		next = http.DefaultTransport
	}
	resp, err := next.RoundTrip(r)
	if err != nil {
		e.Problem, e.Millis = "no answer", time.Since(e.At).Milliseconds()
		t.timeline.add(e)
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxTraced))
	if err != nil {
		e.Problem = "the answer broke off"
	}
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(answer), resp.Body), resp.Body}
	e.Status, e.Response, e.Millis = resp.StatusCode, string(answer), time.Since(e.At).Milliseconds()
	e.OK = resp.StatusCode < 400 // 304: the list of lost cards is unchanged
	t.timeline.add(e)
	return resp, nil
}

// maxTraced bounds what the inspector keeps of one answer.
const maxTraced = 64 << 10
