package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/xen0n/go-workwx"
)

// parrot repeats what it hears by message/send, with an SDK that is not ours.
type parrot struct{ app *workwx.WorkwxApp }

func (p *parrot) OnIncomingMessage(m *workwx.RxMessage) error {
	text, ok := m.Text()
	if !ok {
		return nil
	}
	return p.app.SendTextMessage(&workwx.Recipient{UserIDs: []string{m.FromUserID}}, "heard "+text.GetContent(), false)
}

// A WeCom developer starts the simulator with the values a bot already has, and the bot works, unchanged but for the
// address.
func TestWeComOnly(t *testing.T) {
	t.Parallel()
	const token, aesKey = "mytoken", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	bot := &parrot{}
	handler, err := workwx.NewHTTPHandler(token, aesKey, bot)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r, w := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		code := run(ctx, []string{"--wecom-only", "--listen", "127.0.0.1:0", "--control", "127.0.0.1:0", "--json", "--people", "5", "--misbehave", "0",
			"--callback", server.URL + "/cb", "--agent-id", "1000042", "--secret", "mysecret", "--token", token, "--aes-key", aesKey}, w, &errs)
		w.Close()
		ended <- code
	}()
	lines := bufio.NewReader(r)
	first, err := lines.ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var s started
	if err := json.Unmarshal(first, &s); err != nil {
		t.Fatalf("%v in %s", err, first)
	}
	go func() { _, _ = io.Copy(io.Discard, lines) }()
	if len(s.Agents) != 1 || s.Agents[0].AgentID != 1000042 || s.Agents[0].Secret != "mysecret" || s.Agents[0].Callback != server.URL+"/cb" {
		t.Fatalf("agents: %+v", s.Agents)
	}
	bot.app = workwx.New(s.CorpID, workwx.WithQYAPIHost(s.URL)).WithApp("mysecret", 1000042)

	_, members := fetch(t, "GET", s.ControlURL+"/wecom/members", "")
	var people []struct {
		UserID string `json:"user_id"`
	}
	if err := json.Unmarshal([]byte(members), &people); err != nil || len(people) != 5 {
		t.Fatalf("members: %s", members)
	}
	chat := s.ControlURL + "/wecom/members/" + people[0].UserID + "/apps/" + strconv.Itoa(s.Agents[0].AgentID)
	if status, answer := fetch(t, "POST", chat+"/text", `{"text":"hello"}`); status != http.StatusOK {
		t.Errorf("say: %d %s", status, answer)
	}
	if _, seen := fetch(t, "GET", chat, ""); !strings.Contains(seen, "heard hello") {
		t.Errorf("the chat holds %s", seen)
	}
	if status, page := fetch(t, "GET", s.URL+"/", ""); status != http.StatusOK || !strings.Contains(page, "小卡") {
		t.Errorf("page: %d", status)
	}
	if _, state := fetch(t, "GET", s.URL+"/sandbox/api/state", ""); !strings.Contains(state, `"wecom_only":true`) {
		t.Errorf("state: %s", state)
	}
	if status, _ := fetch(t, "GET", s.URL+"/sandbox/api/mails", ""); status != http.StatusNotFound {
		t.Errorf("there is a mail box: %d", status)
	}
	cancel()
	if code := <-ended; code != exitOK || errs.Len() != 0 {
		t.Errorf("exit %d: %s", code, errs.String())
	}
}

func TestWeComOnly_Usage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"CallbackAlone": {"--callback", "http://127.0.0.1:1/"}, "NoAddress": {"--wecom-only", "--callback", "localhost"},
		"Directory": {"--wecom-only", "--dir", "x"},
	} {
		var out, errs bytes.Buffer
		if code := run(t.Context(), args, &out, &errs); code != exitUsage || out.Len() != 0 {
			t.Errorf("%s: exit %d, %q", name, code, errs.String())
		}
	}
}
