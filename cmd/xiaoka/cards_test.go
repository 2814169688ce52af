package main

import (
	"strings"
	"testing"
)

func TestCardReplace(t *testing.T) {
	t.Parallel()
	p := newPrompt(t)
	p.ok("people", "import", p.file("student_no,name,card_no,opening_balance\n2026001,张三,C1,80\n2026002,李四,C2,5\n"))
	reason := []string{"--reason", "at the desk, student's card seen"}
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"NoReason":    {[]string{"C1", "C9", "--reason", " "}, exitUsage, "must not be empty"},
		"NoChip":      {append([]string{"C1", "C9", "--chip", "5/80"}, reason...), exitUsage, "LOAD_SEQ/SPEND_SEQ/YUAN"},
		"BadYuan":     {append([]string{"C1", "C9", "--chip", "5/1/-8"}, reason...), exitUsage, "two counters and yuan"},
		"LongWait":    {append([]string{"C1", "C9", "--wait", "1000h"}, reason...), exitUsage, "0 to 720h"},
		"Itself":      {append([]string{"C1", "C1"}, reason...), exitUsage, "the number of the old one"},
		"NoNumber":    {append([]string{"C1", "C 9"}, reason...), exitUsage, "is not the number of a card"},
		"NoSuchCard":  {append([]string{"C7", "C9"}, reason...), exitFault, "there is no card C7"},
		"NumberTaken": {append([]string{"C1", "C2"}, reason...), exitFault, "the new card's number is in use"},
		"TooMuch":     {append([]string{"C1", "C9", "--chip", "0/0/80.01"}, reason...), exitFault, "it holds ¥80.01, the books say ¥80.00: nothing was changed"},
	} {
		code, out, stderr := p.run("", append([]string{"card", "replace"}, c.args...)...)
		if code != c.code || out != "" || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, %q, %q; want %d and %q", name, code, out, stderr, c.code, c.want)
		}
	}
	out := p.ok(append([]string{"card", "replace", "C1", "C9", "--chip", "5/17/70.00"}, reason...)...)
	for _, want := range []string{"card C1 is stopped for good, card C9 is in use", "¥70.00 can be collected", "¥10.00 less what tills have not sent yet"} {
		if !strings.Contains(out, want) {
			t.Errorf("says %q, want %q in it", out, want)
		}
	}
	if code, _, stderr := p.run("", append([]string{"card", "replace", "C1", "C8"}, reason...)...); code != exitFault || !strings.Contains(stderr, "replaced already") {
		t.Errorf("again: exit %d, %q", code, stderr)
	}
	if out := p.ok("transfers", "unclaimed", "--older-than", "0s"); !strings.Contains(out, "replacement  ¥70.00") {
		t.Errorf("unclaimed: %q", out)
	}
	if out := p.ok("audit", "--card-no", "C1"); !strings.Contains(out, "by card C9: at the desk") {
		t.Errorf("audit: %q", out)
	}
	if code, _, stderr := p.run("", "people", "import", p.file("student_no,card_no\n2026002,C10\n")); code != exitFault || !strings.Contains(stderr, "xiaoka card replace") {
		t.Errorf("an import of another card: exit %d, %q", code, stderr)
	}
	p.ok("ledger", "check")
}
